/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/manifest/tables.h"

static void load_document(struct arena *arena, const struct source *source,
	const struct yaml_node *node, struct diagnostics *diagnostics, manifest_list *ret)
{
	struct manifest *manifest = arena_alloc(arena, sizeof(*manifest));

	manifest->source = source;
	manifest_decode(arena, node, diagnostics, manifest);
	manifest_resolve(arena, diagnostics, manifest);
	*vec_add(arena, ret) = manifest;
}

void manifest_load(struct arena *arena, const struct source *source,
	struct diagnostics *diagnostics, manifest_list *ret)
{
	yaml_documents documents = { 0 };
	size_t errors = diagnostics->errors;

	yaml_load(arena, source, diagnostics, &documents);
	if (!documents.count && diagnostics->errors == errors)
		diag_add(diagnostics, DIAG_E0108,
			(struct mark){ .source = source, .line = 1, .column = 1 },
			"there is no manifest in this file");
	vec_each (node, &documents)
		load_document(arena, source, *node, diagnostics, ret);
}

const struct bpfasm_code **manifest_assemble(
	struct arena *arena, const struct manifest *manifest, struct diagnostics *diagnostics)
{
	const struct bpfasm_code **codes =
		arena_alloc_array(arena, manifest->programs.count, sizeof(struct bpfasm_code *));

	for (size_t i = 0; i < manifest->programs.count; i++) {
		const struct manifest_program *program = &manifest->programs.items[i];
		struct bpfasm_program input = {
			.name = program->self.text,
			.kind = program->kind,
			.license = program->license.text,
			.mark = program->self.mark,
			.body = &program->body,
		};

		/* A wrong or missing type, or no body at all, has been reported by its key. */
		if (program->kind && program->body.count)
			codes[i] = bpfasm_assemble(arena, &input, manifest->symbols,
				&manifest->map_names, diagnostics);
	}
	return codes;
}
