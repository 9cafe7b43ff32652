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
	size_t *line_start; /* byte offset of each line */
	size_t line_count;
};

struct mark {
	const struct source *source; /* NULL: no place in any text */
	uint32_t line, column;       /* from 1; columns count characters, not bytes */
	uint32_t length;             /* characters to underline; 0 means 1 */
};

/* Indexes the lines of `text`, which is kept by reference. */
const struct source *source_from_text(
	struct arena *arena, const char *name, const char *text, size_t length);

/*
 * Reads a file, or standard input for "-". Returns 0 and sets *ret, or a negative errno:
 * -EFBIG for more than SOURCE_MAX_BYTES, else what the system said.
 */
int source_read(struct arena *arena, const char *path, const struct source **ret);

/* Line `line` (from 1) without its end; *length in bytes. NULL when there is no such line. */
const char *source_line(const struct source *source, uint32_t line, size_t *length);

/* The mark `skip` characters further on in the same line, `length` characters long. */
struct mark mark_within(struct mark mark, uint32_t skip, uint32_t length);
