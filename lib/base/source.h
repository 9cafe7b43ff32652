/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Text that a user wrote, and places in it.
 *
 * A mark is a place: every YAML node, model object, instruction and diagnostic carries one, so that
 * whatever goes wrong, however late, is shown at the line that caused it.
 */
#pragma once

#include "lib/base/arena.h"

#include <stdint.h>

#define SOURCE_MAX_BYTES ((size_t)16 << 20)

/* Immutable once made. */
struct source {
	const char *name;   /* as the user gave it; "<stdin>" for - */
	const char *text;   /* NUL-terminated */
	size_t length;      /* bytes */
	size_t *line_start; /* byte offset of each line; only "\n" ends one */
	size_t *line_first; /* number of characters before each line */
	size_t line_count;
	uint32_t *characters; /* before each SOURCE_BLOCK bytes: lines may be as long as the text */
};

#define SOURCE_BLOCK ((size_t)256)

struct mark {
	const struct source *source; /* NULL: no place in any text */
	uint32_t line, column;       /* from 1; columns count characters, not bytes */
	uint32_t length;             /* characters to underline; 0 means 1 */
};

/* Indexes the lines of `text`, which is kept by reference; a byte order mark is left out. */
const struct source *source_from_text(
	struct arena *arena, const char *name, const char *text, size_t length);

/*
 * Reads a file, or standard input for "-". Returns 0 and sets *ret, or a negative errno:
 * -EFBIG for more than SOURCE_MAX_BYTES, else what the system said.
 */
int source_read(struct arena *arena, const char *path, const struct source **ret);

/* Line `line` (from 1) without its end; *length in bytes. NULL when there is no such line. */
const char *source_line(const struct source *source, uint32_t line, size_t *length);

/* The line on which a place is, without the blanks around it; "" for no place. */
const char *source_line_trimmed(struct arena *arena, const struct mark *mark);

/*
 * The place of the character that has `index` characters before it; quickly for places asked for from
 * the front to the back. *line begins with 0.
 */
struct mark source_mark_after(const struct source *source, size_t index, size_t *line);

/* The mark as long as up to the character `end`, where that is in the same line. */
struct mark source_mark_until(struct mark mark, size_t end);

/* The place of the byte at `offset`. */
struct mark source_mark_of_byte(const struct source *source, size_t offset);

/* Bytes of text up to a place; the text's length for a place behind it. */
size_t source_offset(const struct mark *mark);

/* Bytes of the well-formed UTF-8 sequence at `sequence`, 0 where there is none (RFC 3629). */
size_t utf8_length(const char *sequence);

/* Bytes of the character at `text`, which has `length` left: at least 1, whatever is there. */
size_t character_length(const char *text, size_t length);

/* Characters in so many bytes of UTF-8. */
size_t count_characters(const char *text, size_t bytes);
