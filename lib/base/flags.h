/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Flags that the kernel takes when it makes a map or a link, by name: a row each, with the types
 * that take it. A kernel test asks the kernel for every type and bit.
 */
#pragma once

#include "lib/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct flag_kind {
	const char *name;
	uint32_t bit;
	/* Bit per enum bpf_map_type, or per enum bpf_attach_type, that takes it; none below 32. */
	uint32_t types;
	/* Not NULL: not to be written as a flag, for that reason or in that other way. */
	const char *instead;
	bool silent; /* what it asks for is so anyway, and the kernel is not told */
	const char *doc;
};

/* By name, or NULL. */
const struct flag_kind *map_flag_named(const char *name);
const struct flag_kind *attach_flag_named(const char *name);

/* The tables themselves; *count rows. */
const struct flag_kind *map_flags(size_t *count);
const struct flag_kind *attach_flags(size_t *count);

bool flag_fits(const struct flag_kind *flag, uint32_t type);

/* Of these flags of a map, two that the kernel does not take together; false: there are none. */
bool map_flags_clash(uint32_t bits, const struct flag_kind **one, const struct flag_kind **other);

/* "no_prealloc, zero_seed"; "none" for 0; bits without a name as a number. */
const char *map_flags_text(struct arena *arena, uint32_t bits);

/* The names of what a type takes; "none" where that is nothing. */
const char *flags_that_fit(
	struct arena *arena, const struct flag_kind *table, size_t count, uint32_t type);
