/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The words that assembly and block arguments share: registers, sizes, numbers, helper names. */
#include "lib/bpfasm/assembler.h"

#include "lib/base/suggest.h"

#include <errno.h>
#include <string.h>

int asm_register_named(const char *text, size_t length)
{
	if (length < 2 || text[0] != 'r' || text[1] < '0' || text[1] > '9')
		return -1;
	if (length == 2)
		return text[1] - '0';
	return length == 3 && text[1] == '1' && text[2] == '0' ? R10 : -1;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

int asm_parse_number(const char *text, size_t length, __int128 *ret)
{
	const __int128 most = (__int128)1 << 100; /* beyond any field, and far from overflow */
	const char *end = text + length;
	bool negative = length && *text == '-';
	__int128 value = 0;
	int base = 10;

	if (length && (*text == '-' || *text == '+'))
		text++;
	if (end - text > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (text == end)
		return -EINVAL;
	for (; text < end; text++) {
		int digit = digit_value(*text);

		if (digit >= base)
			return -EINVAL;
		value = value < most ? value * base + digit : most;
	}
	*ret = negative ? -value : value;
	return 0;
}

/* The kernel's own list, so that the numbers are those of linux/bpf.h. */
static const char *const helpers[] = {
#define HELPER(name) [BPF_FUNC_##name] = #name
	__BPF_FUNC_MAPPER(HELPER)
#undef HELPER
};

#define HELPER_COUNT ((int)(sizeof(helpers) / sizeof(helpers[0])))

/* 6.2 added the last two there will be. */
static const char *const later_helpers[] = {
	[210] = "cgrp_storage_get", [211] = "cgrp_storage_delete"
};

#define LATER_COUNT ((int)(sizeof(later_helpers) / sizeof(later_helpers[0])))

const char *asm_helper_name(int32_t number)
{
	if (number > 0 && number < HELPER_COUNT)
		return helpers[number];
	return number > 0 && number < LATER_COUNT ? later_helpers[number] : NULL;
}

static const char *without_prefix(const char *name)
{
	return strncmp(name, "bpf_", 4) == 0 ? name + 4 : name;
}

int asm_helper_named(const char *name)
{
	for (int i = 1; i < LATER_COUNT; i++)
		if (asm_helper_name(i) && strcmp(asm_helper_name(i), without_prefix(name)) == 0)
			return i;
	return -1;
}

void asm_suggest_helper(
	struct assembler *assembler, struct diagnostic *diagnostic, const char *name)
{
	struct suggestion suggestion = suggestion_for(without_prefix(name));

	diag_offer(assembler->diagnostics, &suggestion,
		(struct diag_names){ helpers, HELPER_COUNT, sizeof(*helpers) });
	diag_offer(assembler->diagnostics, &suggestion,
		(struct diag_names){ later_helpers, LATER_COUNT, sizeof(*later_helpers) });
	if (suggestion_result(&suggestion))
		diagnostic->hint = arena_printf(assembler->arena, "did you mean \"bpf_%s\"?",
			suggestion_result(&suggestion));
}

const char *article_of(const char *word)
{
	return strchr("aeiou", word[0]) ? "an" : "a";
}
