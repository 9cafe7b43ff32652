/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/unit/support.h"

#include "lib/base/suggest.h"

#include <string.h>

SUITE(diag);

Test(diag, add_counts_errors_and_warnings)
{
	const struct source *source = source_of("x");

	diag_add(&diagnostics, DIAG_E0212, mark_at(source, 3, 4, 5), "no map is named \"%s\"", "a");
	diag_add(&diagnostics, DIAG_W0601, mark_none, "%d", 7);
	cr_assert_eq(diagnostics.errors, 1);
	cr_assert_eq(diagnostics.warnings, 1);
	cr_assert_eq(diagnostics.list.count, 2);
	expect_diagnostic(0, DIAG_E0212, 3, 4, "no map is named \"a\"");
	expect_mark(diagnostics.list.items[0].mark, 3, 4, 5);
	cr_assert_null(diagnostics.list.items[0].hint);
	cr_assert_null(diagnostics.list.items[0].detail);
	expect_diagnostic(1, DIAG_W0601, 0, 0, "7");
	cr_assert_null(diagnostics.list.items[1].mark.source);
}

/* Of what a user wrote, 60 characters tell what it is. */
Test(diag, what_stands_in_quotes_is_cut)
{
	const char *long_name =
		"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9";

	diag_add(&diagnostics, DIAG_E0212, mark_none, "\"%sf\" is \"%s\"", long_name, "b");
	diag_add(&diagnostics, DIAG_E0212, mark_none, "no \"%sfg\" and \"%sfg\", \"x\"", long_name,
		long_name);
	diag_add(&diagnostics, DIAG_E0212, mark_none, "no \"%01000d", 0);
	cr_assert_str_eq(diagnostics.list.items[0].message,
		arena_printf(&arena, "\"%sf\" is \"b\"", long_name));
	long_name = arena_copy(&arena, long_name, 50 + 7 * 2);
	cr_assert_str_eq(diagnostics.list.items[1].message,
		arena_printf(&arena, "no \"%s...\" and \"%s...\", \"x\"", long_name, long_name));
	cr_assert_eq(strlen(diagnostics.list.items[2].message), 1004);
}

Test(diag, suggestion_becomes_a_hint)
{
	struct suggestion near = suggestion_for("pars"), far = suggestion_for("pars");
	struct diagnostic *diagnostic;

	suggestion_offer(&near, "pairs");
	suggestion_offer(&far, "verdict");
	diagnostic = diag_add(&diagnostics, DIAG_E0212, mark_none, "x");
	diag_suggest(&diagnostics, diagnostic, &far);
	expect_hint(0, NULL);
	diag_suggest(&diagnostics, diagnostic, &near);
	expect_hint(0, "did you mean \"pairs\"?");
}

Test(diag, exit_code_is_the_highest)
{
	cr_assert_eq(diag_exit_code(&diagnostics), 0);
	diag_add(&diagnostics, DIAG_W0601, mark_none, "x");
	cr_assert_eq(diag_exit_code(&diagnostics), 0);
	diag_add(&diagnostics, DIAG_E0101, mark_none, "x");
	cr_assert_eq(diag_exit_code(&diagnostics), 2);
	diag_add(&diagnostics, DIAG_E0404, mark_none, "x");
	cr_assert_eq(diag_exit_code(&diagnostics), 4);
	diag_add(&diagnostics, DIAG_E0402, mark_none, "x");
	diag_add(&diagnostics, DIAG_W0601, mark_none, "x");
	cr_assert_eq(diag_exit_code(&diagnostics), 4);
}

/* Exit codes [contract]: 2 for manifests, 3 for the kernel, 4 for the lock, 0 for warnings. */
static int exit_code_of(const char *name)
{
	if (name[0] == 'W')
		return 0;
	if (strcmp(name, "E0404") == 0)
		return 4;
	return name[1] == '0' && name[2] >= '4' ? 3 : 2;
}

Test(diag, codes_have_their_names_meanings_and_exit_codes)
{
	for (size_t i = 0; i < DIAG_CODE_COUNT; i++) {
		const struct diag_code_info *info = &diag_codes[i];

		cr_assert_eq(strlen(info->name), 5);
		cr_assert_eq(info->exit_code, exit_code_of(info->name), "%s", info->name);
		cr_assert_gt(strlen(info->meaning), 5, "%s", info->name);
		if (i)
			cr_assert_neq(strcmp(info->name, diag_codes[i - 1].name), 0);
	}
	cr_assert_str_eq(diag_codes[DIAG_E0212].name, "E0212");
}

static void add(const struct source *source, uint32_t line, uint32_t column, const char *message)
{
	diag_add(&diagnostics, DIAG_E0201, mark_at(source, line, column, 1), "%s", message);
}

static void expect_order(const char *letters)
{
	cr_assert_eq(diagnostics.list.count, strlen(letters));
	for (size_t i = 0; letters[i]; i++)
		cr_assert_eq(diagnostics.list.items[i].message[0], letters[i], "%zu is %s", i,
			diagnostics.list.items[i].message);
}

Test(diag, sort_follows_the_text)
{
	const struct source *source = source_of("x");

	add(source, 3, 1, "c");
	add(source, 1, 9, "b");
	add(source, 10, 1, "d");
	add(source, 1, 2, "a");
	diag_sort(&diagnostics);
	expect_order("abcd");
}

Test(diag, sort_keeps_sources_as_first_met)
{
	const struct source *one = source_of("x"), *two = source_of("x");

	add(two, 9, 9, "b");
	add(one, 1, 1, "c");
	add(two, 1, 1, "a");
	add(NULL, 0, 0, "e");
	add(one, 2, 1, "d");
	diag_sort(&diagnostics);
	expect_order("abcde");
}

Test(diag, sort_is_stable)
{
	const struct source *source = source_of("x");

	for (int i = 0; i < 1000; i++)
		add(source, 5, 5, arena_printf(&arena, "%04d", i));
	diag_sort(&diagnostics);
	for (int i = 0; i < 1000; i++)
		cr_assert_str_eq(
			diagnostics.list.items[i].message, arena_printf(&arena, "%04d", i));
}

static void sort_sources(size_t count)
{
	for (size_t i = 0; i < count; i++)
		diag_add(&diagnostics, DIAG_E0201, mark_at(source_of("x"), 1, 1, 1), "x");
	diag_sort(&diagnostics);
	cr_assert_eq(diagnostics.list.count, count);
}

Test(diag, sort_of_many_sources_takes_linear_time)
{
	double times = growth(sort_sources, 10000);

	cr_assert_lt(times, 10, "%.1f", times);
}

Test(diag, comparisons_are_limited)
{
	static const struct {
		int number;
		const char *name;
	} table[] = { { 1, "passed" }, { 2, NULL }, { 3, "parse" } };
	const struct diag_names names = DIAG_NAMES(table, 3, name);
	struct suggestion first = suggestion_for("pars"), second = first;

	diagnostics.compared = DIAG_MAX_COMPARED - 5;
	diag_offer(&diagnostics, &first, names);
	cr_assert_str_eq(suggestion_result(&first), "parse");
	diag_offer(&diagnostics, &second, names);
	cr_assert_null(suggestion_result(&second));
	diag_offer_name(&diagnostics, &second, "parse");
	diag_offer(&diagnostics, &second, (struct diag_names){ 0 });
	cr_assert_str_eq(suggestion_result(&second), "parse");
	cr_assert_eq(diagnostics.compared, DIAG_MAX_COMPARED - 1);
}

/* Each still counts, so that whoever counts errors sees that there was one. */
Test(diag, what_is_said_again_is_not_kept)
{
	const struct source *source = source_of("x");

	for (int i = 0; i < 1000; i++) {
		diag_add(&diagnostics, DIAG_E0201, mark_at(source, 1, 1, 1), "a")->hint = "b";
		diag_add(&diagnostics, DIAG_W0601, mark_at(source, 1, 1, 1), "a");
	}
	cr_assert_eq(diagnostics.list.count, 2);
	cr_assert_eq(diagnostics.errors, 1000);
	diag_sort(&diagnostics);
	cr_assert_eq(diagnostics.errors, 1);
	cr_assert_eq(diagnostics.warnings, 1);
	diag_add(&diagnostics, DIAG_E0201, mark_at(source, 1, 1, 1), "a");
	cr_assert_eq(diagnostics.list.count, 2);
	expect_hint(0, "b");
}

Test(diag, sort_takes_an_empty_list)
{
	diag_sort(&diagnostics);
	cr_assert_eq(diagnostics.list.count, 0);
}

/* What an alias brings in a second time: same place, code and message. */
Test(diag, sort_keeps_once_what_is_said_twice)
{
	const struct source *source = source_of("x");

	for (int i = 0; i < 3; i++) {
		add(source, 1, 1, "a");
		add(source, 1, 1, "b");
		add(source, 1, 2, "c");
		diag_add(&diagnostics, DIAG_W0601, mark_at(source, 2, 1, 1), "d");
	}
	diag_add(&diagnostics, DIAG_E0202, mark_at(source, 3, 1, 1), "e");
	diag_add(&diagnostics, DIAG_E0203, mark_at(source, 3, 1, 1), "e");
	diag_sort(&diagnostics);
	expect_order("abcdee");
	cr_assert_eq(diagnostics.errors, 5);
	cr_assert_eq(diagnostics.warnings, 1);
}

/* Two files, or no file at all, are not one place. */
Test(diag, sort_keeps_what_is_said_of_two_places)
{
	const struct source *one = source_of("x"), *two = source_of("x");

	add(one, 1, 1, "a");
	add(two, 1, 1, "a");
	add(NULL, 0, 0, "b");
	add(NULL, 0, 0, "b");
	diag_sort(&diagnostics);
	expect_order("aabb");
}

/* What is set as the use when a diagnostic is added is its use, and no later one's. */
Test(diag, a_use_goes_with_what_is_added)
{
	struct diag_use outer = { .name = "a" }, inner = { .name = "b", .outer = &outer };

	add(NULL, 0, 0, "a");
	diagnostics.use = &inner;
	add(NULL, 0, 0, "b");
	diagnostics.use = NULL;
	add(NULL, 0, 0, "c");
	cr_assert_null(diagnostics.list.items[0].use);
	cr_assert_eq(diagnostics.list.items[1].use, &inner);
	cr_assert_null(diagnostics.list.items[2].use);
}

static void add_used(const struct source *source, uint32_t line, uint32_t inner_line)
{
	struct diag_use *uses = arena_alloc_array(&arena, 2, sizeof(*uses));

	uses[0].mark = mark_at(source, line, 1, 1);
	uses[1].mark = mark_at(source, inner_line, 1, 1);
	uses[1].outer = &uses[0];
	diagnostics.use = &uses[1];
	add(source, 1, 1, "x");
	diagnostics.use = NULL;
}

/* By whichever way it is come to inside of templates, from one place outside it is one fault. */
Test(diag, sort_keeps_once_what_is_used_from_one_place)
{
	const struct source *source = source_of("x");

	add_used(source, 10, 2);
	add_used(source, 10, 3);
	add_used(source, 20, 2);
	add(source, 1, 1, "x");
	add_used(source, 10, 2);
	diag_sort(&diagnostics);
	expect_order("xxx");
	cr_assert_eq(diagnostics.errors, 3);
	cr_assert_eq(diagnostics.list.items[0].use->outer->mark.line, 10);
	cr_assert_eq(diagnostics.list.items[1].use->outer->mark.line, 20);
	cr_assert_null(diagnostics.list.items[2].use);
}

/* So that a fault that is met in thousands of places costs no more than each place. */
static void add_and_sort(size_t amount)
{
	const struct source *source = source_of("x");

	for (uint32_t i = 0; i < amount; i++)
		add_used(source, i + 1, 1);
	diag_sort(&diagnostics);
	cr_assert_eq(diagnostics.list.count, amount);
}

Test(diag, sort_of_one_place_grows_with_its_uses)
{
	cr_assert_lt(growth(add_and_sort, 20000), 8);
}

Test(diag, copies_count)
{
	struct diagnostics others = { .arena = &arena };

	add(NULL, 0, 0, "a");
	diag_add(&others, DIAG_E0202, mark_none, "b");
	diag_add(&others, DIAG_W0601, mark_none, "c");
	diag_copy(&diagnostics, &others.list.items[0]);
	diag_copy(&diagnostics, &others.list.items[1]);
	expect_order("abc");
	cr_assert_eq(diagnostics.errors, 2);
	cr_assert_eq(diagnostics.warnings, 1);
}

Test(diag, circles_in_words)
{
	static const char *const names[] = { "a", "b", "c" };

	cr_assert_str_eq(diag_circle(&arena, names, 1, "uses"), "\"a\" uses itself");
	cr_assert_str_eq(
		diag_circle(&arena, names, 2, "uses"), "\"a\" uses \"b\", which uses \"a\"");
	cr_assert_str_eq(diag_circle(&arena, names, 3, "includes"),
		"\"a\" includes \"b\", which includes \"c\", which includes \"a\"");
}
