/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/unit/support.h"

#include "lib/base/names.h"

#include <string.h>

SUITE(names);

static const struct {
	const struct name_rule *rule;
	const char *text;
	bool follows;
} table[] = {
	{ &name_of_deployment, "a", true },
	{ &name_of_deployment, "-", true },
	{ &name_of_deployment, "local-proxy-2", true },
	{ &name_of_deployment, "", false },
	{ &name_of_deployment, "A", false },
	{ &name_of_deployment, "a_b", false },
	{ &name_of_deployment, "a.", false },
	{ &name_of_deployment, "a\n", false },
	{ &name_of_deployment, "\xc3\xa4", false },
	{ &name_of_object, "_", true },
	{ &name_of_object, "a9_Z", true },
	{ &name_of_object, "9a", false },
	{ &name_of_object, "a-b", false },
	{ &name_of_object, "a b", false },
	{ &name_of_object, "`", false }, /* between Z and a, beside _ */
	{ &name_of_object, "[", false },
	{ &name_in_kernel, "a.b", true },
	{ &name_in_kernel, ".", true },
	{ &name_in_kernel, "9", true },
	{ &name_in_kernel, "a/b", false },
	{ &name_in_kernel, "a23456789012345", true },
	{ &name_in_kernel, "a234567890123456", false },
	{ &name_of_label, "out", true },
	{ &name_of_label, "", false },
	{ &name_of_label, "0", false },
	{ &name_of_label, "out:", false },
};

Test(names, follow_their_rules)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		cr_assert_eq(name_follows(table[i].rule, table[i].text), table[i].follows, "%s: %s",
			table[i].rule->says, table[i].text);
}

static void expect_most(const struct name_rule *rule, size_t most)
{
	char text[102];

	memset(text, 'a', sizeof(text));
	text[most + 1] = '\0';
	cr_assert(!name_follows(rule, text));
	text[most] = '\0';
	cr_assert(name_follows(rule, text));
}

Test(names, are_only_so_long)
{
	expect_most(&name_of_deployment, 63);
	expect_most(&name_of_object, 100);
	expect_most(&name_in_kernel, 15);
}

Test(names, of_labels_have_any_length)
{
	char text[1001];

	memset(text, 'a', sizeof(text));
	text[1000] = '\0';
	cr_assert(name_follows(&name_of_label, text));
}

Test(names, have_patterns)
{
	cr_assert_str_eq(name_pattern(&arena, &name_of_deployment), "^[a-z0-9-][a-z0-9-]{0,62}$");
	cr_assert_str_eq(name_pattern(&arena, &name_of_object), "^[A-Za-z_][A-Za-z0-9_]{0,99}$");
	cr_assert_str_eq(
		name_pattern(&arena, &name_in_kernel), "^[A-Za-z0-9_.][A-Za-z0-9_.]{0,14}$");
	cr_assert_str_eq(name_pattern(&arena, &name_of_label), "^[A-Za-z_][A-Za-z0-9_]*$");
}
