/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/base/source.h"

#include "lib/base/vec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

size_t utf8_length(const char *sequence)
{
	const unsigned char *text = (const unsigned char *)sequence;

	size_t length = text[0] < 0x80   ? 1
			: text[0] < 0xc2 ? 0
			: text[0] < 0xe0 ? 2
			: text[0] < 0xf0 ? 3
			: text[0] < 0xf5 ? 4
					 : 0;

	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
		(text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

size_t count_characters(const char *text, size_t bytes)
{
	size_t count = 0;

	for (size_t i = 0; i < bytes; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

const struct source *source_from_text(
	struct arena *arena, const char *name, const char *text, size_t length)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	struct source *source = arena_alloc(arena, sizeof(*source));
	VEC(size_t) starts = { 0 }, first = { 0 };
	size_t start = 0, characters = 0;
	const char *newline;

	if (length >= 3 && memcmp(text, byte_order_mark, 3) == 0) {
		text += 3;
		length -= 3;
	}
	*vec_add(arena, &starts) = 0;
	*vec_add(arena, &first) = 0;
	while ((newline = memchr(text + start, '\n', length - start))) {
		size_t next = (size_t)(newline + 1 - text);

		characters += count_characters(text + start, next - start);
		start = next;
		*vec_add(arena, &starts) = start;
		*vec_add(arena, &first) = characters;
	}
	*source = (struct source){
		.name = name,
		.text = text,
		.length = length,
		.line_start = starts.items,
		.line_first = first.items,
		.line_count = starts.count,
	};
	return source;
}

/* The last line that begins at or before `at`, by a table of beginnings; from 0. */
static size_t line_of(const size_t *beginnings, size_t count, size_t at)
{
	size_t low = 0, high = count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (beginnings[middle] <= at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

struct mark source_mark(const struct source *source, size_t index)
{
	size_t line = line_of(source->line_first, source->line_count, index);

	return (struct mark){
		.source = source,
		.line = (uint32_t)line + 1,
		.column = (uint32_t)(index - source->line_first[line]) + 1,
	};
}

struct mark source_mark_of_byte(const struct source *source, size_t offset)
{
	size_t line;

	if (offset > source->length)
		offset = source->length;
	line = line_of(source->line_start, source->line_count, offset);
	return source_mark(source,
		source->line_first[line] + count_characters(source->text + source->line_start[line],
						   offset - source->line_start[line]));
}

size_t source_offset(const struct mark *mark)
{
	size_t length, at = 0;
	const char *line = source_line(mark->source, mark->line, &length);
	uint32_t characters = mark->column - 1;

	if (!line)
		return mark->source->length;
	while (at < length && characters--) {
		at++;
		while (at < length && ((unsigned char)line[at] & 0xc0) == 0x80)
			at++;
	}
	return (size_t)(line - mark->source->text) + at;
}

static int read_stream(struct arena *arena, FILE *stream, char **text, size_t *length)
{
	size_t capacity = (size_t)8 << 10, used = 0, got;
	char *buffer = arena_alloc(arena, capacity + 1), *grown;

	while ((got = fread(buffer + used, 1, capacity - used, stream)) > 0) {
		used += got;
		if (used > SOURCE_MAX_BYTES)
			return -EFBIG;
		if (used < capacity)
			continue;
		grown = arena_alloc(arena, capacity * 2 + 1);
		memcpy(grown, buffer, used);
		buffer = grown;
		capacity *= 2;
	}
	if (ferror(stream))
		return errno ? -errno : -EIO;
	buffer[used] = '\0';
	*text = buffer;
	*length = used;
	return 0;
}

int source_read(struct arena *arena, const char *path, const struct source **ret)
{
	int standard_input = strcmp(path, "-") == 0, error;
	FILE *stream = standard_input ? stdin : fopen(path, "re");
	size_t length = 0;
	char *text = NULL;

	if (!stream)
		return -errno;
	error = read_stream(arena, stream, &text, &length);
	if (!standard_input)
		fclose(stream);
	if (error)
		return error;
	path = standard_input ? "<stdin>" : path;
	*ret = source_from_text(arena, arena_copy(arena, path, strlen(path)), text, length);
	return 0;
}

const char *source_line(const struct source *source, uint32_t line, size_t *length)
{
	size_t start, end;

	if (!source || line == 0 || line > source->line_count)
		return NULL;
	start = source->line_start[line - 1];
	end = line < source->line_count ? source->line_start[line] - 1 : source->length;
	if (end > start && source->text[end - 1] == '\r')
		end--;
	*length = end - start;
	return source->text + start;
}

struct mark mark_within(struct mark mark, uint32_t skip, uint32_t length)
{
	mark.column += skip;
	mark.length = length;
	return mark;
}
