/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside the room: "${name}" in flow collections. There, YAML has braces end a plain scalar, and
 * "{ port: ${port} }" would be no YAML. So libyaml is shown other characters in place of the two
 * braces, and they are put back into what it returns. One character for one: its marks, which count
 * characters, stay right.
 */
#pragma once

#include "lib/base/arena.h"

#include <stdbool.h>

/* Bytes of the name at `text`: a letter or _, then letters, digits and _; 0 where there is none. */
size_t parameter_name_length(const char *text);

/* The first of those characters in a text, which must have none; NULL: it has none. */
const char *guard_find_sign(const char *text, size_t length);

/*
 * Whether a value has one by an escape; at `source` the scalar begins. What stands for braces is none.
 */
bool guard_is_escaped(const char *value, size_t length, const char *source);

/* The text to show; *length, its bytes, becomes what it is then. The text itself if it has none. */
const char *guard_braces(struct arena *arena, const char *text, size_t *length);

/* Puts the braces back into a value; the bytes that it has then. */
size_t unguard_braces(char *value, size_t length);

/* The byte of the text for one of the guarded text. */
size_t unguarded_offset(const char *guarded, size_t offset);
