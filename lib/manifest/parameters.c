/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The parameters of a manifest: as declared, and what they are. */
#include "lib/manifest/decode.h"
#include "lib/manifest/loader.h"

static void decode_parameter(
	const struct decoder *decoder, const struct yaml_pair *pair, manifest_parameters *ret)
{
	struct manifest_parameter *parameter = vec_add(decoder->arena, ret);

	parameter->self = (struct manifest_text){ pair->key->text, pair->key->mark };
	decode_check_name(decoder, &name_of_object, &parameter->self);
	if (pair->value->kind != YAML_SCALAR)
		yaml_wrong_type(decoder->diagnostics, pair->value,
			arena_printf(decoder->arena, "\"%s\"", parameter->self.text),
			"text or a number");
	else if (!pair->value->refused)
		parameter->value = pair->value;
}

void decode_parameters(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	if (node->kind != YAML_MAPPING) {
		yaml_wrong_type(decoder->diagnostics, node,
			arena_printf(decoder->arena, "\"%s\"", field->key),
			"a mapping of names to values");
		return;
	}
	vec_each (pair, &node->pairs)
		decode_parameter(decoder, pair, out);
}

static struct manifest_override *find_override(struct manifest_loader *loader, const char *name)
{
	size_t known = name_index_find(&loader->override_names, name);

	return known == NAME_ABSENT ? NULL : &loader->overrides.items[known];
}

/* What the manifest says it is; NULL where that cannot be read. */
static const char *declared_value(struct manifest_loader *loader,
	const struct manifest_parameter *parameter, struct yaml_substitution *before, bool set)
{
	const struct yaml_node *value =
		parameter->value ? yaml_substitute(before, parameter->value) : NULL;

	if (!value || value->refused)
		return NULL;
	if (!yaml_is_null(value))
		return value->text;
	if (!set && !loader->overrides_unread)
		diag_add(loader->diagnostics, DIAG_E0221, parameter->self.mark,
			"the parameter \"%s\" has no value", parameter->self.text)
			->hint = arena_printf(loader->arena, "give it one here, or by --set %s=...",
			parameter->self.text);
	return NULL;
}

static void evaluate(struct manifest_loader *loader, struct manifest *manifest,
	const struct manifest_parameter *parameter, struct yaml_substitution *before)
{
	struct manifest_override *override = find_override(loader, parameter->self.text);
	struct yaml_variable *variable = arena_alloc(loader->arena, sizeof(*variable));
	const struct yaml_variable *other;

	variable->name = parameter->self.text;
	variable->mark = parameter->self.mark;
	variable->text = declared_value(loader, parameter, before, override != NULL);
	if (override) {
		variable->text = override->text;
		override->declared = true;
	}
	variable->refused = !variable->text;
	name_index_add(loader->arena, &loader->declared, variable->name, 0);
	other = yaml_variables_add(loader->arena, &manifest->scope.variables, variable);
	if (other)
		diag_add(loader->diagnostics, DIAG_E0224, variable->mark,
			"the parameter \"%s\" is declared twice", variable->name)
			->hint = arena_printf(loader->arena, "the other is at %s:%u",
			other->mark.source->name, other->mark.line);
}

void loader_evaluate(struct manifest_loader *loader, struct manifest *manifest, size_t *spent)
{
	struct name_index names = { 0 };
	struct yaml_substitution before = {
		.arena = loader->arena,
		.diagnostics = loader->diagnostics,
		.variables = &manifest->scope.variables,
		.later = &names,
		.spent = spent,
	};

	vec_each (parameter, &manifest->parameters)
		name_index_add(loader->arena, &names, parameter->self.text, 0);
	vec_each (parameter, &manifest->parameters)
		evaluate(loader, manifest, parameter, &before);
}
