/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/base/source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

size_t character_length(const char *text, size_t length)
{
	size_t bytes = 1;

	while (bytes < length && ((unsigned char)text[bytes] & 0xc0) == 0x80)
		bytes++;
	return bytes;
}

size_t count_characters(const char *text, size_t bytes)
{
	size_t count = 0;

	for (size_t i = 0; i < bytes; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

static uint32_t *count_by_blocks(struct arena *arena, const char *text, size_t length)
{
	size_t blocks = length / SOURCE_BLOCK + 1;
	uint32_t *counts = arena_alloc_array(arena, blocks, sizeof(*counts));

	for (size_t i = 1; i < blocks; i++)
		counts[i] = counts[i - 1] +
			    (uint32_t)count_characters(text + (i - 1) * SOURCE_BLOCK, SOURCE_BLOCK);
	return counts;
}

static size_t count_lines(const char *text, size_t length)
{
	size_t count = 1;

	for (size_t i = 0; i < length; i++)
		count += text[i] == '\n';
	return count;
}

static void find_lines(struct arena *arena, struct source *source)
{
	const char *text = source->text;

	source->line_count = count_lines(text, source->length);
	source->line_start = arena_alloc_array(arena, source->line_count, sizeof(size_t));
	source->line_first = arena_alloc_array(arena, source->line_count, sizeof(size_t));
	for (size_t i = 1; i < source->line_count; i++) {
		const char *start = text + source->line_start[i - 1];
		const char *next = memchr(start, '\n', source->length - (size_t)(start - text)) + 1;

		source->line_start[i] = (size_t)(next - text);
		source->line_first[i] =
			source->line_first[i - 1] + count_characters(start, (size_t)(next - start));
	}
}

const struct source *source_from_text(
	struct arena *arena, const char *name, const char *text, size_t length)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	struct source *source = arena_alloc(arena, sizeof(*source));

	if (length >= 3 && memcmp(text, byte_order_mark, 3) == 0) {
		text += 3;
		length -= 3;
	}
	source->name = name;
	source->text = text;
	source->length = length;
	source->characters = count_by_blocks(arena, text, length);
	find_lines(arena, source);
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

static struct mark mark_in_line(const struct source *source, size_t line, size_t index)
{
	return (struct mark){
		.source = source,
		.line = (uint32_t)line + 1,
		.column = (uint32_t)(index - source->line_first[line]) + 1,
	};
}

static bool is_in_line(const struct source *source, size_t line, size_t index)
{
	return source->line_first[line] <= index &&
	       (line + 1 == source->line_count || index < source->line_first[line + 1]);
}

struct mark source_mark_after(const struct source *source, size_t index, size_t *line)
{
	if (!is_in_line(source, *line, index) && *line + 1 < source->line_count)
		++*line;
	if (!is_in_line(source, *line, index))
		*line = line_of(source->line_first, source->line_count, index);
	return mark_in_line(source, *line, index);
}

struct mark source_mark_until(struct mark mark, size_t end)
{
	size_t start = mark.source->line_first[mark.line - 1] + mark.column - 1;

	if (end > start && is_in_line(mark.source, mark.line - 1, end))
		mark.length = (uint32_t)(end - start);
	return mark;
}

struct mark source_mark_of_byte(const struct source *source, size_t offset)
{
	size_t line, block;

	if (offset > source->length)
		offset = source->length;
	line = line_of(source->line_start, source->line_count, offset);
	block = offset / SOURCE_BLOCK;
	return mark_in_line(source, line,
		source->characters[block] + count_characters(source->text + block * SOURCE_BLOCK,
						    offset - block * SOURCE_BLOCK));
}

/* The last block that begins at or before the character `index`. */
static size_t block_of(const struct source *source, size_t index)
{
	size_t low = 0, high = source->length / SOURCE_BLOCK + 1;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (source->characters[middle] <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Where the character begins that has so many between it and `at`; no further than `end`. */
static size_t pass_characters(const char *text, size_t at, size_t end, size_t characters)
{
	for (; at < end; at++)
		if (((unsigned char)text[at] & 0xc0) != 0x80 && !characters--)
			return at;
	return end;
}

size_t source_offset(const struct mark *mark)
{
	const struct source *source = mark->source;
	size_t length, start, index, block;
	const char *line = source_line(source, mark->line, &length);

	if (!line)
		return source->length;
	start = (size_t)(line - source->text);
	if (mark->column <= SOURCE_BLOCK)
		return pass_characters(source->text, start, start + length, mark->column - 1);
	index = source->line_first[mark->line - 1] + mark->column - 1;
	block = block_of(source, index);
	return pass_characters(source->text, block * SOURCE_BLOCK, start + length,
		index - source->characters[block]);
}

/* Bytes to make room for: one more than a file has, so that its end is met at once. */
static size_t size_of(FILE *stream)
{
	struct stat status;

	if (fstat(fileno(stream), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
		(size_t)status.st_size < SOURCE_MAX_BYTES)
		return (size_t)status.st_size + 1;
	return (size_t)8 << 10;
}

static int read_stream(struct arena *arena, FILE *stream, char **text, size_t *length)
{
	size_t capacity = size_of(stream), used = 0, got;
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

const char *source_line_trimmed(struct arena *arena, const struct mark *mark)
{
	size_t length;
	const char *line = source_line(mark->source, mark->line, &length);

	if (!line)
		return "";
	while (length && (line[length - 1] == ' ' || line[length - 1] == '\t'))
		length--;
	while (length && (*line == ' ' || *line == '\t')) {
		line++;
		length--;
	}
	return arena_copy(arena, line, length);
}
