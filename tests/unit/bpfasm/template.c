/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/unit/bpfasm/template.h"

#include "tests/unit/support.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REGISTERS                                                                                  \
	{                                                                                          \
		"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"                             \
	}

static const char *const sets['Z' - 'A' + 1][16] = {
	['A' - 'A'] = { "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "<<=", ">>=", "s>>=", "s/=",
		"s%=" },
	['C' - 'A'] = { "==", "!=", ">", ">=", "<", "<=", "&", "s>", "s>=", "s<", "s<=" },
	['D' - 'A'] = REGISTERS,
	['E' - 'A'] = { "be16", "be32", "be64", "le16", "le32", "le64", "bswap16", "bswap32",
		"bswap64" },
	['G' - 'A'] = { "0", "1", "65535" },
	['H' - 'A'] = { "1", "52", "0x48", "2147483647" },
	['I' - 'A'] = { "0", "1", "-1", "2147483647", "-2147483648", "0x7f", "-0x10", "+5" },
	['J' - 'A'] = { "+ 0", "- 8", "+ 32767", "- 32768", "+ 0x4c", "- 0x10", "+4", "-4" },
	['K' - 'A'] = { "0", "-1", "2147483648", "4294967295", "-2147483648", "0xffffffff" },
	['L' - 'A'] = { "+=", "|=", "&=", "^=" },
	['N' - 'A'] = { "u8", "u16", "u32" },
	['O' - 'A'] = { "add", "or", "and", "xor" },
	['S' - 'A'] = REGISTERS,
	['T' - 'A'] = { "+0", "-1", "+32767", "-32768", "+0x10", "-0x1" },
	['U' - 'A'] = { "u8", "u16", "u32", "u64" },
	['W' - 'A'] = { "0", "-1", "4294967296", "0xffffffff", "0x123456789abcdef0",
		"9223372036854775807", "-9223372036854775808", "0xffffffffffffffff" },
	['X' - 'A'] = { "s8", "s16", "s32" },
	['Y' - 'A'] = { "s8", "s16" },
};

const char *const templates[] = {
	"rD A rS",
	"rD A I",
	"wD A wS",
	"wD A K",
	"rD = rS",
	"rD = I",
	"wD = wS",
	"wD = K",
	"rD = (X)rS",
	"wD = (Y)wS",
	"rD = -rD",
	"wD = -wD",
	"rD = E rD",
	"rD = W ll",
	"rD = addr_space_cast(rS, G, 1)",
	"rD = addr_space_cast(rS, 1, G)",
	"rD = *(U *)(rS J)",
	"wD = *(N *)(rS J)",
	"rD = *(X *)(rS J)",
	"*(U *)(rS J) = rD",
	"*(N *)(rS J) = wD",
	"*(U *)(rS J) = I",
	"*(N *)(rS J) = K",
	"lock *(u64 *)(rS J) L rD",
	"lock *(u32 *)(rS J) L wD",
	"rD = atomic_fetch_O((u64 *)(rS J), rD)",
	"wD = atomic_fetch_O((u32 *)(rS J), wD)",
	"rD = xchg_64(rS J, rD)",
	"wD = xchg32_32(rS J, wD)",
	"r0 = cmpxchg_64(rS J, r0, rD)",
	"w0 = cmpxchg32_32(rS J, w0, wD)",
	"r0 = *(N *)skb[I]",
	"r0 = *(N *)skb[rS]",
	"if rD C rS goto T",
	"if rD C I goto T",
	"if wD C wS goto T",
	"if wD C K goto T",
	"goto T",
	"gotol T",
	"may_goto T",
	"call H",
	"exit",
};

const size_t template_count = sizeof(templates) / sizeof(templates[0]);

const struct spelling spellings[] = {
	{ "rD = *(N *)(rS J)", "wD = *(N *)(rS J)" },
	{ "*(N *)(rS J) = rD", "*(N *)(rS J) = wD" },
	{ "lock *(u32 *)(rS J) L rD", "lock *(u32 *)(rS J) L wD" },
	{ "rD = atomic64_fetch_O((u64 *)(rS J), rD)", "rD = atomic_fetch_O((u64 *)(rS J), rD)" },
	{ "rD = atomic_fetch_O((u32 *)(rS J), rD)", "wD = atomic_fetch_O((u32 *)(rS J), wD)" },
	{ "rD = atomic64_xchg((u64 *)(rS J), rD)", "rD = xchg_64(rS J, rD)" },
	{ "rD = atomic_xchg((u32 *)(rS J), rD)", "wD = xchg32_32(rS J, wD)" },
	{ "r0 = atomic64_cmpxchg((u64 *)(rS J), r0, rD)", "r0 = cmpxchg_64(rS J, r0, rD)" },
	{ "r0 = atomic_cmpxchg((u32 *)(rS J), r0, rD)", "w0 = cmpxchg32_32(rS J, w0, wD)" },
	{ "if rD C rS goto pcT", "if rD C rS goto T" },
	{ "if wD C wS goto pcT", "if wD C wS goto T" },
	{ "if rD C 0x7fffffff goto pcT", "if rD C 2147483647 goto T" },
	{ "if rD C 0xfffffffe goto pcT", "if rD C -2 goto T" },
	{ "if wD C 0x80000000 goto pcT", "if wD C -2147483648 goto T" },
	{ "goto pcT", "goto T" },
	{ "gotol pcT", "gotol T" },
	{ "may_goto pcT", "may_goto T" },
	{ "r0 = *(N *)skb[rS + 0]", "r0 = *(N *)skb[rS]" },
	{ "rD = 0x100000000", "rD = 4294967296 ll" },
	{ "rD = 0xffff888103b6c400", "rD = 0xffff888103b6c400 ll" },
	{ "call bpf_sk_redirect_map#52", "call 52" },
	{ "call bpf_map_lookup_elem#1", "call 1" },
	/* Before Linux 5.2. */
	{ "(u32) rD A (u32) rS", "wD A wS" },
	{ "(u32) rD A I", "wD A I" },
	{ "(u32) rD = (u32) rS", "wD = wS" },
};

const size_t spelling_count = sizeof(spellings) / sizeof(spellings[0]);

/* `text` with `word` in place of each `letter`. */
static const char *replace(const char *text, char letter, const char *word)
{
	char buffer[160];
	size_t length = 0;

	for (; *text; text++) {
		const char *piece = *text == letter ? word : (const char[]){ *text, '\0' };

		length += (size_t)snprintf(buffer + length, sizeof(buffer) - length, "%s", piece);
		cr_assert_lt(length, sizeof(buffer));
	}
	return arena_copy(&arena, buffer, length);
}

/* A word that is in a template already has no capitals. */
static char next_letter(const char *template)
{
	while (*template && !isupper(*template))
		template ++;
	return *template;
}

void template_each(const char *template, const char *second, template_found *found, void *context)
{
	char letter = next_letter(template);

	if (!letter) {
		found(template, second, context);
		return;
	}
	cr_assert_not_null(sets[letter - 'A'][0], "%c", letter);
	for (const char *const *words = sets[letter - 'A']; *words; words++)
		template_each(replace(template, letter, *words),
			second ? replace(second, letter, *words) : NULL, found, context);
}

uint32_t random_seed(void)
{
	const char *given = getenv("SOCKFORM_SEED");
	uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 0) : 20261123;

	fprintf(stderr, "# seed %u\n", seed);
	return seed;
}

uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static int64_t random_number(uint32_t *state, int bits)
{
	uint64_t number = (uint64_t)next_random(state) << 42 ^ (uint64_t)next_random(state) << 21 ^
			  next_random(state);

	/* Small numbers and large ones alike, and those next to a limit. */
	number >>= 64 - bits + next_random(state) % (uint32_t)bits;
	return next_random(state) % 2 ? (int64_t)~number : (int64_t)number;
}

static const char *random_word(char letter, const char *prefix, uint32_t *state)
{
	const char *const *words = sets[letter - 'A'];
	size_t count = 0;
	int64_t number;

	switch (letter) {
	case 'I':
	case 'K':
		return arena_printf(&arena, "%" PRId64, random_number(state, 31));
	case 'J':
		number = random_number(state, 15);
		return arena_printf(&arena, "%c %" PRId64, number < 0 ? '-' : '+',
			number < 0 ? -number : number);
	case 'T':
		if (next_random(state) % 4 == 0)
			return arena_printf(&arena, "%+" PRId64, random_number(state, 15));
		return arena_printf(&arena, "%s_%u", prefix, next_random(state) % TEMPLATE_LABELS);
	case 'W':
		return arena_printf(&arena, "%" PRId64, random_number(state, 63));
	}
	while (words[count])
		count++;
	return words[next_random(state) % count];
}

const char *template_random(const char *template, const char *prefix, uint32_t *state)
{
	char letter;

	while ((letter = next_letter(template)))
		template = replace(template, letter, random_word(letter, prefix, state));
	return template;
}
