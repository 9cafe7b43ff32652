/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a manifest declares and nothing in it uses. */
#include "lib/manifest/manifest.h"

static void warn_unattached(const struct manifest *manifest, struct diagnostics *diagnostics)
{
	bool *used = arena_alloc_array(diagnostics->arena, manifest->programs.count, sizeof(*used));

	vec_each (attachment, &manifest->attachments)
		used[attachment->program_at] = true;
	for (size_t i = 0; i < manifest->programs.count; i++)
		if (!used[i])
			diag_add(diagnostics, DIAG_W0602, manifest->programs.items[i].self.mark,
				"program \"%s\" is attached nowhere, so nothing runs it",
				manifest->programs.items[i].self.text);
}

static void mark_used(
	const struct manifest *manifest, const struct bpfasm_code *const *codes, bool *used)
{
	for (size_t i = 0; i < manifest->programs.count; i++)
		vec_each (relocation, &codes[i]->relocations)
			used[relocation->map] = true;
	vec_each (attachment, &manifest->attachments)
		if (attachment->target_at != NAME_ABSENT)
			used[attachment->target_at] = true;
	vec_each (feed, &manifest->feeds)
		used[feed->into_at] = true;
}

/* Of a manifest without programs, maps are all there is: others use them by their pins. */
static void warn_unused_maps(const struct manifest *manifest,
	const struct bpfasm_code *const *codes, struct diagnostics *diagnostics)
{
	bool *used = arena_alloc_array(diagnostics->arena, manifest->maps.count, sizeof(*used));

	if (!manifest->programs.count)
		return;
	mark_used(manifest, codes, used);
	for (size_t i = 0; i < manifest->maps.count; i++)
		if (!used[i])
			diag_add(diagnostics, DIAG_W0603, manifest->maps.items[i].self.mark,
				"no program, attachment or feed uses map \"%s\"",
				manifest->maps.items[i].self.text);
}

void manifest_warn_unused(const struct manifest *manifest, const struct bpfasm_code *const *codes,
	struct diagnostics *diagnostics)
{
	warn_unattached(manifest, diagnostics);
	warn_unused_maps(manifest, codes, diagnostics);
}
