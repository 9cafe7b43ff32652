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

bool yaml_is_null(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && node->style == YAML_PLAIN &&
	       (node->length == 0 || strcmp(node->text, "~") == 0 ||
		       strcmp(node->text, "null") == 0);
}

const char *yaml_describe(const struct yaml_node *node)
{
	if (node->kind == YAML_MAPPING)
		return "a mapping";
	if (node->kind == YAML_SEQUENCE)
		return "a list";
	return yaml_is_null(node) ? "nothing" : "text";
}
