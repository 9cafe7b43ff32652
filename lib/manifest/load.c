/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/manifest/loader.h"

#include <string.h>
#include <sys/stat.h>

/* In the order in which each step needs the ones before it. */
static void load_document(
	struct manifest_loader *loader, struct manifest_file *file, const struct yaml_node *node)
{
	struct manifest *manifest = arena_alloc(loader->arena, sizeof(*manifest));
	size_t spent = 0;
	struct yaml_substitution parameters = {
		.arena = loader->arena,
		.diagnostics = loader->diagnostics,
		.variables = &manifest->scope.variables,
		.spent = &spent,
	};

	manifest->source = file->source;
	manifest->origin = loader->origin;
	manifest_decode_head(loader->arena, node, loader->diagnostics, manifest);
	loader_include(loader, file, manifest);
	loader_evaluate(loader, manifest, &spent);
	manifest_decode(loader->arena, node, &parameters, loader->diagnostics, manifest);
	manifest_resolve(loader->arena, loader->diagnostics, manifest);
	loader_declare_templates(loader, manifest);
	*vec_add(loader->arena, &file->manifests) = manifest;
}

void loader_load(struct manifest_loader *loader, struct manifest_file *file)
{
	size_t errors = loader->diagnostics->errors;

	if (file->loaded)
		return;
	file->loading = true;
	yaml_load(loader->arena, file->source, loader->diagnostics, &file->documents);
	if (!file->documents.count && loader->diagnostics->errors == errors)
		diag_add(loader->diagnostics, DIAG_E0108,
			(struct mark){ .source = file->source, .line = 1, .column = 1 },
			"there is no manifest in this file");
	vec_each (node, &file->documents)
		load_document(loader, file, *node);
	file->loading = false;
	file->loaded = true;
	file->outer = NULL;
}

/* What tells one file from another, however it is called; NULL: it can be read but once. */
static const char *identify(struct arena *arena, const char *path)
{
	struct stat buffer;

	if (strcmp(path, "-") == 0 || stat(path, &buffer) != 0 || !S_ISREG(buffer.st_mode))
		return NULL;
	return arena_printf(arena, "%llu:%llu", (unsigned long long)buffer.st_dev,
		(unsigned long long)buffer.st_ino);
}

int loader_open(struct manifest_loader *loader, const char *path, struct manifest_file **ret)
{
	const char *identity = identify(loader->arena, path);
	size_t known = identity ? name_index_find(&loader->identities, identity) : NAME_ABSENT;
	const struct source *source;
	int error;

	if (known != NAME_ABSENT) {
		*ret = loader->files.items[known];
		return 0;
	}
	error = source_read(loader->arena, path, &source);
	if (error)
		return error;
	if (identity)
		name_index_add(loader->arena, &loader->identities, identity, loader->files.count);
	*ret = arena_alloc(loader->arena, sizeof(**ret));
	(*ret)->source = source;
	*vec_add(loader->arena, &loader->files) = *ret;
	return 0;
}

void manifest_load(struct arena *arena, const struct source *source,
	struct diagnostics *diagnostics, manifest_list *ret)
{
	struct manifest_loader loader = { .arena = arena, .diagnostics = diagnostics };
	struct manifest_file file = { .source = source };

	loader_load(&loader, &file);
	vec_each (manifest, &file.manifests)
		*vec_add(arena, ret) = *manifest;
}

struct bpfasm_code *manifest_assemble_program(struct arena *arena, const struct manifest *manifest,
	const struct manifest_program *program, struct bpfasm_budget *budget,
	struct diagnostics *diagnostics)
{
	const struct bpfasm_program input = {
		.name = program->self.text,
		.kind = program->kind,
		.license = program->license.text,
		.mark = program->self.mark,
		.body = &program->body,
		.scope = &manifest->scope,
		.budget = budget,
	};

	/* A wrong or missing type, or no body at all, has been reported by its key. */
	if (!program->kind || !program->body.count)
		return NULL;
	return bpfasm_assemble(arena, &input, manifest->symbols, &manifest->map_names, diagnostics);
}

const struct bpfasm_code **manifest_assemble(
	struct arena *arena, const struct manifest *manifest, struct diagnostics *diagnostics)
{
	const struct bpfasm_code **codes =
		arena_alloc_array(arena, manifest->programs.count, sizeof(struct bpfasm_code *));
	struct bpfasm_budget budget = { 0 };

	for (size_t i = 0; i < manifest->programs.count; i++) {
		struct bpfasm_code *code = manifest_assemble_program(
			arena, manifest, &manifest->programs.items[i], &budget, diagnostics);

		if (code && bpfasm_check(arena, code, manifest->symbols, diagnostics))
			codes[i] = code;
	}
	return codes;
}
