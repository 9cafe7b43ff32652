/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/base/source.h"

#include "lib/base/vec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct source *source_from_text(
	struct arena *arena, const char *name, const char *text, size_t length)
{
	struct source *source = arena_alloc(arena, sizeof(*source));
	VEC(size_t) starts = { 0 };
	const char *at = text, *newline;

	*vec_add(arena, &starts) = 0;
	while ((newline = memchr(at, '\n', length - (size_t)(at - text)))) {
		at = newline + 1;
		*vec_add(arena, &starts) = (size_t)(at - text);
	}
	*source = (struct source){
		.name = name,
		.text = text,
		.length = length,
		.line_start = starts.items,
		.line_count = starts.count,
	};
	return source;
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
