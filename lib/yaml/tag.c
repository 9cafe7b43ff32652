/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/yaml/tag.h"

#include <string.h>

#define CORE "tag:yaml.org,2002:"

static bool is_plain_number(const struct yaml_node *node)
{
	const char *text = node->text;

	if (node->kind != YAML_SCALAR || node->style != YAML_PLAIN)
		return false;
	text += *text == '-' || *text == '+';
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && text[2])
		return !text[2 + strspn(text + 2, "0123456789abcdefABCDEF")];
	return *text && !text[strspn(text, "0123456789")];
}

static bool is_string(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && !yaml_is_null(node) && !yaml_is_boolean(node) &&
	       !is_plain_number(node);
}

static bool is_sequence(const struct yaml_node *node)
{
	return node->kind == YAML_SEQUENCE;
}

static bool is_mapping(const struct yaml_node *node)
{
	return node->kind == YAML_MAPPING;
}

static const struct {
	const char *tag, *advice;
	bool (*agrees)(const struct yaml_node *node);
} core[] = {
	{ CORE "str", "text that could be something else stands in quotes", is_string },
	{ CORE "int", "a number stands there without quotes", is_plain_number },
	{ CORE "bool", "true and false stand there without quotes", yaml_is_boolean },
	{ CORE "null", "nothing at all, ~ or null is nothing", yaml_is_null },
	{ CORE "seq", "a list is written with - or in brackets", is_sequence },
	{ CORE "map", "a mapping is written with keys", is_mapping },
};

#define CORE_COUNT (sizeof(core) / sizeof(core[0]))

/* The row of a tag; CORE_COUNT for none. */
static size_t row_of(const char *tag)
{
	size_t i = 0;

	while (i < CORE_COUNT && strcmp(core[i].tag, tag) != 0)
		i++;
	return i;
}

bool tag_is_core(const char *tag)
{
	return row_of(tag) < CORE_COUNT;
}

bool tag_agrees(const char *tag, const struct yaml_node *node)
{
	return tag_is_core(tag) && core[row_of(tag)].agrees(node);
}

const char *tag_advice(const char *tag)
{
	if (tag_is_core(tag))
		return core[row_of(tag)].advice;
	return "what is to come from outside is a parameter: ${name}, and --set name=value";
}
