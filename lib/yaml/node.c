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

static uint32_t count_characters(const char *text, size_t bytes)
{
	uint32_t count = 0;

	for (size_t i = 0; i < bytes; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

/* A literal scalar's text begins on the line after its "|" and is cut at the first line's indent.
 */
static struct mark mark_in_literal(const struct yaml_node *scalar, size_t offset, size_t length)
{
	struct mark mark = scalar->mark;
	size_t indent = 0, size, line_start = 0;
	const char *line;

	mark.line++;
	for (size_t i = 0; i < offset; i++) {
		if (scalar->text[i] == '\n') {
			mark.line++;
			line_start = i + 1;
		}
	}
	/* Where this line of the text stands in its source line tells the indent. */
	line = source_line(mark.source, mark.line, &size);
	if (line) {
		const char *end = strchr(scalar->text + line_start, '\n');
		size_t kept = end ? (size_t)(end - scalar->text) - line_start
				  : scalar->length - line_start;

		indent = size > kept ? size - kept : 0;
	}
	mark.column = (uint32_t)indent + 1 +
		      count_characters(scalar->text + line_start, offset - line_start);
	mark.length = count_characters(scalar->text + offset, length);
	return mark;
}

struct mark yaml_mark_at(const struct yaml_node *scalar, size_t offset, size_t length)
{
	uint32_t skip;

	if (offset > scalar->length)
		offset = scalar->length;
	if (length > scalar->length - offset)
		length = scalar->length - offset;
	if (scalar->style == YAML_LITERAL)
		return mark_in_literal(scalar, offset, length);
	if (scalar->style == YAML_FOLDED)
		return scalar->mark;
	skip = count_characters(scalar->text, offset) + (scalar->style == YAML_QUOTED);
	return mark_within(scalar->mark, skip, count_characters(scalar->text + offset, length));
}
