/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/yaml/guard.h"

#include <string.h>
#include <strings.h>

/* U+10FFFE and U+10FFFF, which stand for no character and so in no text (Unicode, 23.7). */
#define OPEN "\xf4\x8f\xbf\xbe"
#define CLOSE "\xf4\x8f\xbf\xbf"
#define SIGN_BYTES 4

size_t parameter_name_length(const char *text)
{
	if (*text >= '0' && *text <= '9')
		return 0;
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
}

/* Bytes of the "${name}" at `text`, 0 where there is none. */
static size_t parameter_length(const char *text)
{
	size_t name;

	if (text[0] != '$' || text[1] != '{')
		return 0;
	name = parameter_name_length(text + 2);
	return name && text[2 + name] == '}' ? name + 3 : 0;
}

static const char *find_parameter(const char *text, const char *end)
{
	while ((text = memchr(text, '$', (size_t)(end - text))) && !parameter_length(text))
		text++;
	return text;
}

static char *put(char *to, const char *bytes, size_t length)
{
	memcpy(to, bytes, length);
	return to + length;
}

const char *guard_braces(struct arena *arena, const char *text, size_t *length)
{
	const char *at = text, *end = text + *length, *next;
	size_t count = 0;
	char *guarded, *to;

	for (next = text; (next = find_parameter(next, end)); next++)
		count++;
	if (!count)
		return text;
	to = guarded = arena_alloc(arena, *length + count * 2 * (SIGN_BYTES - 1) + 1);
	while ((next = find_parameter(at, end))) {
		size_t name = parameter_length(next) - 3;

		to = put(to, at, (size_t)(next + 1 - at));
		to = put(to, OPEN, SIGN_BYTES);
		to = put(to, next + 2, name);
		to = put(to, CLOSE, SIGN_BYTES);
		at = next + name + 3;
	}
	to = put(to, at, (size_t)(end - at));
	*length = (size_t)(to - guarded);
	return guarded;
}

static bool is_sign(const char *text, const char *end)
{
	return end - text >= SIGN_BYTES &&
	       (memcmp(text, OPEN, SIGN_BYTES) == 0 || memcmp(text, CLOSE, SIGN_BYTES) == 0);
}

const char *guard_find_sign(const char *text, size_t length)
{
	const char *end = text + length;

	while ((text = memchr(text, OPEN[0], (size_t)(end - text))) && !is_sign(text, end))
		text++;
	return text;
}

bool guard_is_escaped(const char *value, size_t length, const char *source)
{
	if (*source != '"' || !guard_find_sign(value, length))
		return false;
	for (source++; *source && *source != '"'; source++) {
		if (*source != '\\')
			continue;
		source++;
		if (strncasecmp(source, "U0010FFFE", 9) == 0 ||
			strncasecmp(source, "U0010FFFF", 9) == 0)
			return true;
	}
	return false;
}

size_t unguard_braces(char *value, size_t length)
{
	const char *at = value, *end = value + length;
	char *to = value;

	if (!memmem(value, length, "$" OPEN, 1 + SIGN_BYTES))
		return length;
	while (at < end) {
		if (is_sign(at, end)) {
			*to++ = memcmp(at, OPEN, SIGN_BYTES) == 0 ? '{' : '}';
			at += SIGN_BYTES;
		} else {
			*to++ = *at++;
		}
	}
	*to = '\0';
	return (size_t)(to - value);
}

size_t unguarded_offset(const char *guarded, size_t offset)
{
	const char *end = guarded + offset;
	size_t signs = 0;

	for (const char *at = guarded; at < end; at++)
		signs += is_sign(at, end);
	return offset - signs * (SIGN_BYTES - 1);
}
