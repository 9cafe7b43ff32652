/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * From a byte of a scalar's value back to its place in the file: source and value are walked side
 * by side, by the rules of YAML 1.1 for folding (5.7, 9.1) and escapes (5.6).
 */
#include "lib/yaml/substitute.h"

#include <string.h>

struct walk {
	const char *at, *end; /* in the source */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* At blanks that a line break follows, or at the break itself. */
static bool at_fold(const struct walk *walk)
{
	const char *at = walk->at;

	while (at < walk->end && is_blank(*at))
		at++;
	return at < walk->end && (*at == '\n' || *at == '\r');
}

/* Passes line breaks and the blanks around them; the bytes that they are in the value. */
static size_t pass_fold(struct walk *walk)
{
	size_t breaks = 0;

	while (walk->at < walk->end && (is_blank(*walk->at) || strchr("\r\n", *walk->at)))
		breaks += *walk->at++ == '\n';
	return breaks > 1 ? breaks - 1 : 1;
}

/* Bytes of UTF-8 that a code point takes. */
static size_t encoded_length(unsigned long code)
{
	return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

static unsigned long read_hex(const char *text, size_t digits)
{
	unsigned long value = 0;

	for (size_t i = 0; i < digits; i++) {
		unsigned long digit = (unsigned long)text[i];

		value = value << 4 | (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
	}
	return value;
}

/* Passes "\\n", "\\x41" and their like; the bytes that they are in the value. */
static size_t pass_escape(struct walk *walk)
{
	char letter = walk->at[1];
	size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
	const char *code = walk->at + 2;

	walk->at += 2 + digits;
	if (letter == '\n' || letter == '\r') {
		while (walk->at < walk->end && (is_blank(*walk->at) || *walk->at == '\n'))
			walk->at++;
		return 0;
	}
	if (digits)
		return encoded_length(read_hex(code, digits));
	/* NEL and the no-break space take two bytes, the line and paragraph separators three. */
	return strchr("N_", letter) ? 2 : strchr("LP", letter) ? 3 : 1;
}

/* Passes what stands for the next byte or bytes of the value; their number. */
static size_t pass_next(struct walk *walk, char quote)
{
	if (at_fold(walk))
		return pass_fold(walk);
	if (quote == '"' && *walk->at == '\\' && walk->end - walk->at > 1)
		return pass_escape(walk);
	if (quote == '\'' && *walk->at == '\'' && walk->end - walk->at > 1)
		walk->at++;
	walk->at++;
	return 1;
}

static void restart(struct yaml_cursor *cursor, const struct yaml_node *scalar)
{
	*cursor = (struct yaml_cursor){ .scalar = scalar, .place = scalar->mark };
	if (scalar->style == YAML_LITERAL) {
		cursor->place.line++;
		return;
	}
	cursor->at = scalar->mark.source->text + source_offset(&scalar->mark);
	cursor->at += scalar->style == YAML_QUOTED;
	cursor->place.column += scalar->style == YAML_QUOTED;
}

/* The place of `to`, which is not before `from`, whose place is known. */
static struct mark move_on(struct mark place, const char *from, const char *to)
{
	for (; from < to; from++) {
		if (*from == '\n') {
			place.line++;
			place.column = 1;
		} else {
			place.column += ((unsigned char)*from & 0xc0) != 0x80;
		}
	}
	return place;
}

/* Characters of the source that stand for so many bytes of the value; in one line, or of those. */
static uint32_t width_of(struct walk walk, char quote, size_t bytes, uint32_t otherwise)
{
	const char *start = walk.at;
	size_t passed = 0;

	while (passed < bytes && walk.at < walk.end)
		passed += pass_next(&walk, quote);
	if (memchr(start, '\n', (size_t)(walk.at - start)))
		return otherwise;
	return (uint32_t)count_characters(start, (size_t)(walk.at - start));
}

/* Plain and quoted scalars. */
static struct mark mark_in_flow(struct yaml_cursor *cursor, size_t offset, size_t length)
{
	const struct source *source = cursor->scalar->mark.source;
	struct walk walk = { cursor->at, source->text + source->length };
	char quote = cursor->scalar->style == YAML_QUOTED
			     ? source->text[source_offset(&cursor->scalar->mark)]
			     : 0;
	struct mark mark;

	while (cursor->offset < offset && walk.at < walk.end)
		cursor->offset += pass_next(&walk, quote);
	cursor->place = move_on(cursor->place, cursor->at, walk.at);
	cursor->at = walk.at;
	/* The byte looked for may stand behind a line break that counts for nothing. */
	while (quote == '"' && walk.end - walk.at > 1 && walk.at[0] == '\\' && walk.at[1] == '\n')
		pass_escape(&walk);
	mark = move_on(cursor->place, cursor->at, walk.at);
	mark.length = width_of(walk, quote, length,
		(uint32_t)count_characters(cursor->scalar->text + offset, length));
	return mark;
}

/* A literal scalar's text begins on the line after its "|" and is cut at the first line's indent. */
static struct mark mark_in_literal(struct yaml_cursor *cursor, size_t offset, size_t length)
{
	const char *text = cursor->scalar->text;
	size_t indent = 0, size;
	const char *line;
	struct mark mark;

	for (; cursor->offset < offset; cursor->offset++) {
		if (text[cursor->offset] == '\n') {
			cursor->place.line++;
			cursor->line_start = cursor->offset + 1;
		}
	}
	mark = cursor->place;
	/* Where this line of the text stands in its source line tells the indent. */
	line = source_line(mark.source, mark.line, &size);
	if (line) {
		size_t kept = strcspn(text + cursor->line_start, "\n");

		indent = size > kept ? size - kept : 0;
	}
	mark.column = (uint32_t)(indent + 1 +
				 count_characters(
					 text + cursor->line_start, offset - cursor->line_start));
	mark.length = (uint32_t)count_characters(text + offset, length);
	return mark;
}

struct mark yaml_mark_from(
	struct yaml_cursor *cursor, const struct yaml_node *scalar, size_t offset, size_t length)
{
	scalar = yaml_original(scalar, &offset, &length);
	if (scalar->alias || scalar->style == YAML_FOLDED)
		return scalar->mark;
	if (offset > scalar->length)
		offset = scalar->length;
	if (length > scalar->length - offset)
		length = scalar->length - offset;
	if (cursor->scalar != scalar || cursor->offset > offset)
		restart(cursor, scalar);
	return scalar->style == YAML_LITERAL ? mark_in_literal(cursor, offset, length)
					     : mark_in_flow(cursor, offset, length);
}

struct mark yaml_mark_at(const struct yaml_node *scalar, size_t offset, size_t length)
{
	struct yaml_cursor cursor = { 0 };

	return yaml_mark_from(&cursor, scalar, offset, length);
}
