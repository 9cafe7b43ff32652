/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* File names of pins, made and taken apart. */
#include "lib/state/state.h"

#include <inttypes.h>
#include <string.h>

#define CGROUP "cgroup"
#define FILE_NAME_MAX 255 /* bytes; NAME_MAX */

static const char digits[] = "0123456789abcdef";

static int digit_of(char character)
{
	const char *place = character ? strchr(digits, character) : NULL;

	return place ? (int)(place - digits) : -1;
}

const char *state_program_file(struct arena *arena, const char *name, uint64_t digest)
{
	return arena_printf(arena, "%s@%016" PRIx64, name, digest);
}

bool state_parse_program_file(
	struct arena *arena, const char *file, const char **name, uint64_t *digest)
{
	const char *at = strchr(file, '@');
	uint64_t value = 0;

	if (!at || at == file || strlen(at + 1) != 16)
		return false;
	for (const char *digit = at + 1; *digit; digit++) {
		if (digit_of(*digit) < 0)
			return false;
		value = value << 4 | (uint64_t)digit_of(*digit);
	}
	*name = arena_copy(arena, file, (size_t)(at - file));
	*digest = value;
	return true;
}

/* "/my.slice/a+b" as "+my,slice+a=2bb"; the root, "/", as "+". */
static const char *encode_path(struct arena *arena, const char *path)
{
	char *text = arena_alloc(arena, strlen(path) * 3 + 1), *end = text;

	for (; *path; path++) {
		if (strchr("+,=", *path)) {
			*end++ = '=';
			*end++ = digits[*path >> 4];
			*end++ = digits[*path & 15];
		} else {
			*end++ = *path == '/' ? '+' : *path == '.' ? ',' : *path;
		}
	}
	return text;
}

/* NULL for what encode_path does not write. */
static const char *decode_path(struct arena *arena, const char *text)
{
	char *path = arena_alloc(arena, strlen(text) + 1), *end = path;

	for (; *text; text++) {
		int high, low;

		if (*text != '=') {
			*end++ = *text == '+' ? '/' : *text == ',' ? '.' : *text;
			continue;
		}
		high = digit_of(text[1]);
		low = high < 0 ? -1 : digit_of(text[2]);
		if (low < 0 || !(high | low) || !strchr("+,=", high << 4 | low))
			return NULL;
		*end++ = (char)(high << 4 | low);
		text += 2;
	}
	return path[0] == '/' ? path : NULL;
}

static bool is_hash(const char *text)
{
	return strlen(text) == 16 && strspn(text, digits) == 16;
}

const char *state_attachment_name(
	struct arena *arena, const char *target, const struct attach_kind *kind)
{
	size_t most = FILE_NAME_MAX - strlen(":" STATE_SPARE_SUFFIX) - strlen(kind->name);
	const char *text;

	/* What no path is known of has its file name as target, see state_parse_attachment_name. */
	if (!kind->on_cgroup || target[0] != '/')
		return state_attachment_title(arena, target, kind);
	text = encode_path(arena, target);
	if (strlen(CGROUP) + strlen(text) > most)
		text = arena_printf(
			arena, "=%016" PRIx64, hash_bytes(HASH_SEED, target, strlen(target)));
	return arena_printf(arena, CGROUP "%s:%s", text, kind->name);
}

const char *state_attachment_title(
	struct arena *arena, const char *target, const struct attach_kind *kind)
{
	return arena_printf(arena, "%s:%s", target, kind->name);
}

bool state_parse_attachment_name(
	struct arena *arena, const char *name, const char **target, const struct attach_kind **kind)
{
	const char *colon = strrchr(name, ':');

	if (!colon || colon == name)
		return false;
	*kind = attach_kind_named(colon + 1);
	*target = arena_copy(arena, name, (size_t)(colon - name));
	if (!*kind || !(*kind)->on_cgroup)
		return *kind != NULL;
	if (strncmp(*target, CGROUP, strlen(CGROUP)) != 0)
		return false;
	if ((*target)[strlen(CGROUP)] == '=' && is_hash(*target + strlen(CGROUP "=")))
		return true;
	*target = decode_path(arena, *target + strlen(CGROUP));
	return *target != NULL;
}

/* What was killed while it went back has it twice. */
const char *state_spare_base(struct arena *arena, const char *name)
{
	size_t length = strlen(name), suffix = strlen(STATE_SPARE_SUFFIX), left = length;

	while (left >= suffix && strncmp(name + left - suffix, STATE_SPARE_SUFFIX, suffix) == 0)
		left -= suffix;
	return left < length ? arena_copy(arena, name, left) : NULL;
}
