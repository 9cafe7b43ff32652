/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Files that a document includes: their templates and parameters are seen in it as its own. */
#include "lib/manifest/decode.h"
#include "lib/manifest/loader.h"

#include <errno.h>
#include <string.h>

static void decode_path(
	const struct decoder *decoder, const struct yaml_node *node, manifest_includes *ret)
{
	if (!yaml_is_text(node))
		yaml_wrong_type(decoder->diagnostics, node, "a file to include", "a path");
	else if (!node->length)
		diag_add(decoder->diagnostics, DIAG_E0223, node->mark, "this is no path");
	else if (node->parameters)
		diag_add(decoder->diagnostics, DIAG_E0223, node->mark,
			"a path is read before the parameters, and can have none");
	else
		*vec_add(decoder->arena, ret) = (struct manifest_text){ node->text, node->mark };
}

void decode_include(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	if (node->kind == YAML_MAPPING || yaml_is_null(node))
		yaml_wrong_type(decoder->diagnostics, node,
			arena_printf(decoder->arena, "\"%s\"", field->key),
			"a path or a list of paths");
	else if (node->kind == YAML_SCALAR)
		decode_path(decoder, node, out);
	vec_each (item, &node->items)
		decode_path(decoder, *item, out);
}

/* Paths are relative to the file that they stand in; standard input stands where we do. */
static const char *resolve_path(
	struct arena *arena, const struct source *includer, const char *path)
{
	const char *slash = strrchr(includer->name, '/');

	if (*path == '/' || (!slash && strcmp(path, "-") != 0))
		return path;
	if (!slash)
		return "./-"; /* not standard input */
	return arena_printf(arena, "%.*s/%s", (int)(slash - includer->name), includer->name, path);
}

static void report_circle(struct manifest_loader *loader, const struct manifest_file *file,
	const struct manifest_file *target, struct mark mark)
{
	const char *names[INCLUDE_MAX_DEPTH + 1];
	size_t count = 0;

	for (const struct manifest_file *at = file; at; at = at->outer) {
		names[INCLUDE_MAX_DEPTH - count++] = at->source->name;
		if (at == target)
			break;
	}
	diag_add(loader->diagnostics, DIAG_E0222, mark, "%s",
		diag_circle(
			loader->arena, names + INCLUDE_MAX_DEPTH + 1 - count, count, "includes"));
}

static void report_unreadable(
	struct manifest_loader *loader, const char *path, int error, struct mark mark)
{
	diag_add(loader->diagnostics, DIAG_E0223, mark, "cannot read %s: %s", path,
		error == -EFBIG ? "it is larger than any manifest" : strerror(-error));
}

/* The file, loaded; NULL with a diagnostic. */
static struct manifest_file *load_included(struct manifest_loader *loader,
	struct manifest_file *outer, const struct manifest_text *include)
{
	const char *path = resolve_path(loader->arena, outer->source, include->text);
	struct manifest_file *file;
	int error = loader_open(loader, path, &file);

	if (error) {
		report_unreadable(loader, path, error, include->mark);
		return NULL;
	}
	if (file->loading) {
		report_circle(loader, outer, file, include->mark);
		return NULL;
	}
	if (!file->loaded &&
		(outer->depth == INCLUDE_MAX_DEPTH || loader->included++ == INCLUDE_MAX_FILES)) {
		diag_add(loader->diagnostics, DIAG_E0222, include->mark,
			"files include each other at most %d levels deep, and at most %d of them",
			INCLUDE_MAX_DEPTH, INCLUDE_MAX_FILES);
		return NULL;
	}
	if (!file->loaded) {
		file->outer = outer;
		file->depth = outer->depth + 1;
		loader_load(loader, file);
	}
	return file;
}

static void report_twice(struct manifest_loader *loader, struct mark mark, const char *what,
	const char *name, const struct mark *first, const struct mark *second)
{
	diag_add(loader->diagnostics, DIAG_E0224, mark, "the %s \"%s\" is declared twice", what,
		name)
		->hint = arena_printf(loader->arena, "at %s:%u and at %s:%u", first->source->name,
		first->line, second->source->name, second->line);
}

/* What a file declares is the same thing by whichever way it came; other things need other names. */
static void see(struct manifest_loader *loader, struct bpfasm_scope *scope,
	const struct bpfasm_scope *from, struct mark mark)
{
	scope->variables.incomplete = scope->variables.incomplete || from->variables.incomplete;
	vec_each (variable, &from->variables.list) {
		const struct yaml_variable *other =
			yaml_variables_add(loader->arena, &scope->variables, *variable);

		if (other && other != *variable)
			report_twice(loader, mark, "parameter", other->name, &other->mark,
				&(*variable)->mark);
	}
	vec_each (template, &from->templates) {
		const struct bpfasm_template *other =
			bpfasm_template_add(loader->arena, scope, *template);

		if (other && other != *template)
			report_twice(loader, mark, "template", other->name, &other->mark,
				&(*template)->mark);
	}
}

void loader_include(
	struct manifest_loader *loader, struct manifest_file *file, struct manifest *manifest)
{
	vec_each (include, &manifest->includes) {
		struct manifest_file *included = load_included(loader, file, include);

		if (!included) {
			manifest->scope.variables.incomplete = true;
			continue;
		}
		vec_each (node, &included->documents)
			manifest_refuse_deployment(*node,
				arena_printf(loader->arena, "it is included at %s:%u",
					include->mark.source->name, include->mark.line),
				loader->diagnostics);
		vec_each (library, &included->manifests)
			see(loader, &manifest->scope, &(*library)->scope, include->mark);
	}
}
