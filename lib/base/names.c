/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/base/names.h"

#include "lib/base/kinds.h"

const struct name_rule name_of_deployment = { "a-z0-9-", "a-z0-9-", 63,
	"a deployment's name is 1 to 63 of a-z, 0-9 and -" };

/* 100: "<map>:<attach type>" and "<program>@<digest>" are file names of at most 255. */
const struct name_rule name_of_object = { "A-Za-z_", "A-Za-z0-9_", 100,
	"a name here begins with a letter or _, goes on with letters, digits and _, and has at "
	"most 100 characters" };

/* bpf_obj_name_cpy() in kernel/bpf/syscall.c takes these. */
const struct name_rule name_in_kernel = { "A-Za-z0-9_.", "A-Za-z0-9_.", KERNEL_NAME_MAX,
	"a kernel_name is 1 to 15 letters, digits, _ and ." };
_Static_assert(KERNEL_NAME_MAX == 15, "the sentence says so");

const struct name_rule name_of_label = { "A-Za-z_", "A-Za-z0-9_", 0,
	"a label begins with a letter or _ and goes on with letters, digits and _" };

static bool is_among(char c, const char *characters)
{
	for (const char *at = characters; *at; at++) {
		if (at[1] == '-' && at[2]) {
			if (c >= at[0] && c <= at[2])
				return true;
			at += 2;
		} else if (c == *at) {
			return true;
		}
	}
	return false;
}

bool name_follows(const struct name_rule *rule, const char *text)
{
	size_t length = 0;

	if (!is_among(*text, rule->first))
		return false;
	while (text[length] && is_among(text[length], length ? rule->rest : rule->first))
		length++;
	return !text[length] && (!rule->most || length <= rule->most);
}

const char *name_pattern(struct arena *arena, const struct name_rule *rule)
{
	if (!rule->most)
		return arena_printf(arena, "^[%s][%s]*$", rule->first, rule->rest);
	return arena_printf(arena, "^[%s][%s]{0,%zu}$", rule->first, rule->rest, rule->most - 1);
}
