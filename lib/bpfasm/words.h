/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The words that assembly, block arguments and manifests share. */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

/* 0 to 10 for "r0" to "r10", -1 for anything else. */
int asm_register_named(const char *text, size_t length);

/*
 * Decimal or 0x, with a sign; the whole text. 0, or -EINVAL. Wide enough for what both signed and
 * unsigned 64-bit fields hold; larger numbers stay larger than any field, for the caller's range.
 */
int asm_parse_number(const char *text, size_t length, __int128 *ret);

/* "a" or "an", for a word in a message. */
const char *article_of(const char *word);

/* The name of a helper without "bpf_"; NULL where the number is none's. */
const char *asm_helper_name(int32_t number);
