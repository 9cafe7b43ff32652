/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/yaml/node.h"

#include <string.h>

const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
	vec_each (pair, &mapping->pairs)
		if (strcmp(pair->key->text, key) == 0)
			return pair->value;
	return NULL;
}

static bool is_plain_among(const struct yaml_node *node, const char *const *words)
{
	/* None of them is longer. */
	if (node->kind != YAML_SCALAR || node->style != YAML_PLAIN || node->length > 5)
		return false;
	while (*words && strcmp(node->text, *words) != 0)
		words++;
	return *words != NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL", NULL };

	return is_plain_among(node, words);
}

bool yaml_is_boolean(const struct yaml_node *node)
{
	static const char *const words[] = { "true", "True", "TRUE", "false", "False", "FALSE",
		NULL };

	return is_plain_among(node, words);
}

const char *yaml_describe(const struct yaml_node *node)
{
	if (node->kind == YAML_MAPPING)
		return "a mapping";
	if (node->kind == YAML_SEQUENCE)
		return "a list";
	if (yaml_is_boolean(node))
		return "true or false";
	return yaml_is_null(node) ? "nothing" : "text";
}

bool yaml_is_text(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && !node->refused && !yaml_is_null(node) &&
	       !yaml_is_boolean(node);
}

void yaml_wrong_type(struct diagnostics *diagnostics, const struct yaml_node *node,
	const char *name, const char *expected)
{
	if (!node->refused)
		yaml_hint_value(diagnostics,
			diag_add(diagnostics, DIAG_E0203, node->mark, "%s has to be %s, not %s",
				name, expected, yaml_describe(node)),
			node);
}

void yaml_hint_value(struct diagnostics *diagnostics, struct diagnostic *diagnostic,
	const struct yaml_node *node)
{
	if (node->substituted && !diagnostic->hint)
		diagnostic->hint = diag_shorten(
			arena_printf(diagnostics->arena, "it says \"%s\" here", node->text));
}
