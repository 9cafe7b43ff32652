/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * From a byte of a scalar's value back to its place in the file: source and value are walked side
 * by side, by the rules of YAML 1.1 for folding (5.7, 9.1) and escapes (5.6).
 */
#include "lib/yaml/substitute.h"

#include <string.h>

struct walk {
	const char *at, *end; /* in the source */
	const char *plain;    /* up to there, blanks are text */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_break(char c)
{
	return c == '\n' || c == '\r';
}

/* At blanks that a line break follows, or at the break itself. */
static bool at_fold(struct walk *walk)
{
	const char *at = walk->at;

	if (at < walk->plain)
		return false;
	while (at < walk->end && is_blank(*at))
		at++;
	if (at < walk->end && is_break(*at))
		return true;
	walk->plain = at;
	return false;
}

/* Passes a line break: "\n", "\r\n" or "\r". */
static void pass_break(struct walk *walk)
{
	walk->at += walk->end - walk->at > 1 && walk->at[0] == '\r' && walk->at[1] == '\n';
	walk->at++;
}

/* Passes line breaks and the blanks around them; how many breaks. */
static size_t pass_breaks(struct walk *walk)
{
	size_t breaks = 0;

	while (walk->at < walk->end) {
		if (is_break(*walk->at)) {
			pass_break(walk);
			breaks++;
		} else if (is_blank(*walk->at)) {
			walk->at++;
		} else {
			break;
		}
	}
	return breaks;
}

/* The same; the bytes that they are in the value. */
static size_t pass_fold(struct walk *walk)
{
	size_t breaks = pass_breaks(walk);

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

	/* Of a line break nothing is left, of those behind it all. */
	if (is_break(letter)) {
		walk->at++;
		pass_break(walk);
		return pass_breaks(walk);
	}
	walk->at += 2 + digits;
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

/* Behind the line break that comes next. */
static const char *next_line(const char *at, const char *end)
{
	struct walk walk = { at, end, NULL };

	while (walk.at < end && !is_break(*walk.at))
		walk.at++;
	if (walk.at < end)
		pass_break(&walk);
	return walk.at;
}

/*
 * A literal scalar's text is cut at the first line's indent: what a line has more in the source than
 * in the text tells it.
 */
static void enter_line(struct yaml_cursor *cursor, const char *end)
{
	const char *line = cursor->at;
	size_t kept = strcspn(cursor->scalar->text + cursor->line_start, "\n");

	while (line < end && !is_break(*line))
		line++;
	if ((size_t)(line - cursor->at) > kept)
		cursor->at = line - kept;
}

static void restart(struct yaml_cursor *cursor, const struct yaml_node *scalar)
{
	const struct source *source = scalar->mark.source;
	const char *at = source->text + source_offset(&scalar->mark);

	*cursor = (struct yaml_cursor){ .scalar = scalar, .at = at };
	if (scalar->style == YAML_QUOTED) {
		cursor->quote = *at;
		cursor->at++;
	}
	if (scalar->style == YAML_LITERAL) {
		/* It begins on the line after its "|". */
		cursor->at = next_line(at, source->text + source->length);
		enter_line(cursor, source->text + source->length);
	}
}

/* A backslash that joins this line and the next. */
static bool at_joint(const struct walk *walk, char quote)
{
	return quote == '"' && walk->end - walk->at > 1 && walk->at[0] == '\\' &&
	       is_break(walk->at[1]);
}

/* Characters of the source that stand for so many bytes of the value; in one line, or of those. */
static uint32_t width_of(struct walk walk, char quote, size_t bytes, uint32_t otherwise)
{
	const char *start = walk.at;
	size_t passed = 0;

	while (passed < bytes && walk.at < walk.end)
		passed += pass_next(&walk, quote);
	for (const char *at = start; at < walk.at; at++)
		if (is_break(*at))
			return otherwise;
	return (uint32_t)count_characters(start, (size_t)(walk.at - start));
}

/* Plain and quoted scalars. */
static const char *find_in_flow(struct yaml_cursor *cursor, size_t offset, const char *end)
{
	struct walk walk = { cursor->at, end, cursor->plain }, ahead;

	while (cursor->offset < offset && walk.at < walk.end)
		cursor->offset += pass_next(&walk, cursor->quote);
	cursor->at = walk.at;
	cursor->plain = walk.plain;
	/* The byte looked for may stand behind a line break that counts for nothing. */
	for (ahead = walk; at_joint(&ahead, cursor->quote) && !pass_escape(&ahead);)
		walk = ahead;
	return walk.at;
}

static const char *find_in_literal(struct yaml_cursor *cursor, size_t offset, const char *end)
{
	const char *text = cursor->scalar->text;

	for (; cursor->offset < offset; cursor->offset++) {
		if (text[cursor->offset] != '\n')
			continue;
		cursor->at = next_line(cursor->at, end);
		cursor->line_start = cursor->offset + 1;
		enter_line(cursor, end);
	}
	offset -= cursor->line_start;
	/* Of Unicode's line breaks, which libyaml knows, too, lines are not counted here. */
	return offset < (size_t)(end - cursor->at) ? cursor->at + offset : end;
}

struct mark yaml_mark_from(
	struct yaml_cursor *cursor, const struct yaml_node *scalar, size_t offset, size_t length)
{
	const struct source *source;
	const char *at, *end;
	struct mark mark;

	scalar = yaml_original(scalar, &offset, &length);
	if (scalar->alias || scalar->style == YAML_FOLDED)
		return scalar->mark;
	if (offset > scalar->length)
		offset = scalar->length;
	if (length > scalar->length - offset)
		length = scalar->length - offset;
	if (cursor->scalar != scalar || cursor->offset > offset)
		restart(cursor, scalar);
	source = scalar->mark.source;
	end = source->text + source->length;
	if (scalar->style == YAML_LITERAL)
		at = find_in_literal(cursor, offset, end);
	else
		at = find_in_flow(cursor, offset, end);
	mark = source_mark_of_byte(source, (size_t)(at - source->text));
	mark.length = (uint32_t)count_characters(scalar->text + offset, length);
	if (scalar->style != YAML_LITERAL)
		mark.length = width_of((struct walk){ at, end, cursor->plain }, cursor->quote,
			length, mark.length);
	return mark;
}

struct mark yaml_mark_at(const struct yaml_node *scalar, size_t offset, size_t length)
{
	struct yaml_cursor cursor = { 0 };

	return yaml_mark_from(&cursor, scalar, offset, length);
}
