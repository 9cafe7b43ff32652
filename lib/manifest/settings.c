/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Parameters that are set from outside: files of values, and what the command line says. */
#include "lib/manifest/loader.h"

#include "lib/base/suggest.h"

#include <errno.h>
#include <string.h>

bool manifest_is_setting(const char *text)
{
	return *text != '=' && strchr(text, '=');
}

/* What is said later counts; each is remembered by where it was said last. */
static void override(
	struct manifest_loader *loader, const char *name, const char *text, struct mark mark)
{
	struct manifest_override said = { .name = name, .text = text, .mark = mark };
	size_t known = name_index_add(
		loader->arena, &loader->override_names, name, loader->overrides.count);

	if (known == NAME_ABSENT)
		*vec_add(loader->arena, &loader->overrides) = said;
	else
		loader->overrides.items[known] = said;
}

static void read_values(struct manifest_loader *loader, const struct yaml_node *node)
{
	if (node->kind != YAML_MAPPING) {
		yaml_wrong_type(loader->diagnostics, node, "a file of values",
			"a mapping of names to values");
		return;
	}
	vec_each (pair, &node->pairs) {
		const struct yaml_node *value = pair->value;

		/* As in a manifest's own parameters, any scalar but nothing. */
		if (value->kind == YAML_SCALAR && !value->refused && !yaml_is_null(value))
			override(loader, pair->key->text, pair->value->text, pair->key->mark);
		else
			yaml_wrong_type(loader->diagnostics, pair->value,
				arena_printf(loader->arena, "\"%s\"", pair->key->text),
				"text or a number");
	}
}

static void read_values_file(struct manifest_loader *loader, const char *path)
{
	yaml_documents documents = { 0 };
	const struct source *source;
	int error = source_read(loader->arena, path, &source);

	if (error) {
		diag_add(loader->diagnostics, DIAG_E0100, mark_none, "cannot read %s: %s", path,
			error == -EFBIG ? "it is larger than any file of values"
					: strerror(-error));
		return;
	}
	yaml_load(loader->arena, source, loader->diagnostics, &documents);
	vec_each (node, &documents)
		read_values(loader, *node);
}

void loader_read_settings(struct manifest_loader *loader, const struct manifest_settings *settings)
{
	size_t errors = loader->diagnostics->errors;

	vec_each (path, &settings->files)
		read_values_file(loader, *path);
	loader->overrides_unread = loader->diagnostics->errors != errors;
	vec_each (set, &settings->sets) {
		size_t length = strcspn(*set, "=");

		override(loader, arena_copy(loader->arena, *set, length), *set + length + 1,
			mark_none);
	}
}

static void report_undeclared(
	struct manifest_loader *loader, const struct manifest_override *override_)
{
	struct suggestion suggestion = suggestion_for(override_->name);

	diag_offer(loader->diagnostics, &suggestion, DIAG_INDEXED(&loader->declared));
	diag_suggest(loader->diagnostics,
		diag_add(loader->diagnostics, DIAG_E0220, override_->mark,
			"%sno manifest declares a parameter \"%s\"",
			override_->mark.source ? "" : "--set: ", override_->name),
		&suggestion);
}

/* Files that could not be read may have declared anything. */
static bool knows_all(const struct diagnostics *diagnostics)
{
	vec_each (diagnostic, &diagnostics->list)
		if (diagnostic->code <= DIAG_E0108 || diagnostic->code == DIAG_E0223)
			return false;
	return true;
}

void loader_check_settings(struct manifest_loader *loader)
{
	if (!knows_all(loader->diagnostics))
		return;
	vec_each (override_, &loader->overrides)
		if (!override_->declared)
			report_undeclared(loader, override_);
}
