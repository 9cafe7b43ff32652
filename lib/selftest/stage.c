/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a trial's manifest says, made as apply makes it, but for the pins. */
#include "lib/selftest/trial.h"

#include <errno.h>
#include <string.h>

#define KERNEL_NAME "sockform_test"

/* The messages of the pipeline; a trial that cannot be staged says the first error. */
static bool skip_with(struct trial *trial, const struct diagnostics *diagnostics)
{
	vec_each (diagnostic, &diagnostics->list)
		if (diag_codes[diagnostic->code].exit_code)
			return trial_skip(trial, "%s", diagnostic->message);
	return trial_skip(trial, "it could not be made");
}

static int *descriptors(struct trial *trial, size_t count)
{
	int *fds = arena_alloc_array(trial->arena, count, sizeof(*fds));

	memset(fds, -1, count * sizeof(*fds));
	return fds;
}

static bool make_maps(struct trial *trial)
{
	const struct manifest *manifest = trial->manifest;

	for (size_t i = 0; i < manifest->maps.count; i++) {
		const struct manifest_map *map = &manifest->maps.items[i];
		const struct kernel_map_request request = {
			.name = KERNEL_NAME,
			.type = map->kind->type,
			.key_size = map->key_bytes,
			.value_size = map->value_bytes,
			.max_entries = (uint32_t)map->max_entries.value,
		};
		int fd = trial_own(trial, kernel_create_map(&request));

		if (fd < 0)
			return trial_skip(trial, "no map of type %s: %s", map->kind->name,
				kernel_explain(trial->arena, fd));
		trial->maps[i] = fd;
	}
	return true;
}

static bool load(struct trial *trial, struct kernel *kernel, const struct bpfasm_code *const *codes)
{
	for (size_t i = 0; i < trial->manifest->programs.count; i++) {
		int fd = kernel_load_program(kernel, codes[i], KERNEL_NAME, trial->maps, NULL, i);

		trial->programs[i] = trial_own(trial, fd);
		if (fd < 0)
			return skip_with(trial, kernel->diagnostics);
	}
	return true;
}

/* By a link or, where maps have none, without. */
static int attach(struct trial *trial, int program, const struct kernel_hook *hook)
{
	int link, error = kernel_attach(program, hook, &link);

	if (!error && link >= 0)
		trial_own(trial, link);
	return error;
}

static bool make_attachment(struct trial *trial, struct kernel *kernel, size_t at)
{
	const struct manifest_attachment *attachment = &trial->manifest->attachments.items[at];
	const struct kernel_hook hook = { trial->maps[attachment->target_at],
		attachment->kind->type, 0 };
	int slot = trial_own(trial, kernel_create_slot());
	int dispatcher, error;

	if (slot < 0)
		return trial_skip(trial, "no slot: %s", kernel_explain(trial->arena, slot));
	trial->slots[at] = slot;
	dispatcher = trial_own(trial,
		kernel_load_program(kernel, bpfasm_dispatcher(trial->arena, attachment->kind),
			KERNEL_NAME, &slot, NULL, 0));
	if (dispatcher < 0)
		return skip_with(trial, kernel->diagnostics);
	error = kernel_write_slot(slot, trial->programs[attachment->program_at]);
	if (!error)
		error = attach(trial, dispatcher, &hook);
	return !error || trial_skip(trial, "cannot attach %s: %s", attachment->kind->name,
				 kernel_explain(trial->arena, error));
}

static bool make_all(
	struct trial *trial, struct kernel *kernel, const struct bpfasm_code *const *codes)
{
	trial->maps = descriptors(trial, trial->manifest->maps.count);
	trial->programs = descriptors(trial, trial->manifest->programs.count);
	trial->slots = descriptors(trial, trial->manifest->attachments.count);
	if (!make_maps(trial) || !load(trial, kernel, codes))
		return false;
	for (size_t i = 0; i < trial->manifest->attachments.count; i++)
		if (!make_attachment(trial, kernel, i))
			return false;
	return true;
}

bool trial_stage(struct trial *trial)
{
	const char *text = trial->row->manifest;
	const struct source *source =
		source_from_text(trial->arena, trial->row->name, text, strlen(text));
	struct diagnostics diagnostics = { .arena = trial->arena };
	struct kernel kernel = { .arena = trial->arena, .diagnostics = &diagnostics };
	const struct bpfasm_code **codes;
	manifest_list manifests = { 0 };

	manifest_load(trial->arena, source, &diagnostics, &manifests);
	if (diagnostics.errors || manifests.count != 1)
		return skip_with(trial, &diagnostics);
	trial->manifest = manifests.items[0];
	codes = manifest_assemble(trial->arena, trial->manifest, &diagnostics);
	if (diagnostics.errors)
		return skip_with(trial, &diagnostics);
	return make_all(trial, &kernel, codes);
}

int trial_map(const struct trial *trial, const char *name)
{
	return trial->maps[name_index_find(&trial->manifest->map_names, name)];
}

bool trial_set_slot(struct trial *trial, const char *program)
{
	const struct name_index *names = &trial->manifest->program_names;
	int fd = program ? trial->programs[name_index_find(names, program)] : -1;
	int error = kernel_write_slot(trial->slots[0], fd);

	return !error || trial_failed(trial, "the slot cannot be written", error);
}
