/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What no later stage meets: duplicate keys, bad aliases, syntax errors, input beyond the limits.
 */
#include "tests/unit/support.h"

#include <string.h>

SUITE(refusals);

static yaml_documents load(const char *text)
{
	return yaml_all(text, strlen(text));
}

Test(refusals, duplicate_keys_all_of_them)
{
	yaml_documents documents = load("a: 1\nb: 2\na: 3\nc: { x: 1, y: 2, x: 3 }\na: 4\n");
	const struct yaml_node *root = documents.items[0];

	cr_assert_eq(diagnostics.list.count, 3);
	expect_diagnostic(0, DIAG_E0102, 3, 1, "\"a\" stands twice in this mapping");
	expect_hint(0, "first on line 1");
	expect_diagnostic(1, DIAG_E0102, 4, 18, "\"x\" stands twice in this mapping");
	expect_hint(1, "first on line 4");
	expect_diagnostic(2, DIAG_E0102, 5, 1, "\"a\" stands twice in this mapping");
	cr_assert_eq(root->pairs.count, 3);
	cr_assert_str_eq(yaml_get(root, "a")->text, "1");
}

Test(refusals, the_same_key_in_two_mappings_is_none)
{
	yaml_of("- { a: 1 }\n- { a: 1 }\n- { a: { a: 1 } }\n");
}

/* A key and a value of one text are no duplicates; nor is a value that a key repeats later. */
Test(refusals, values_are_no_keys)
{
	yaml_of("a: b\nb: a\n");
}

Test(refusals, quoting_does_not_hide_a_duplicate)
{
	load("a: 1\n'a': 2\n");
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0102, 2, 1, "\"a\" stands twice in this mapping");
}

Test(refusals, keys_have_to_be_words)
{
	yaml_documents documents = load("[a, b]: 1\n? { c: d }\n: 2\ne: 3\n");

	cr_assert_eq(diagnostics.list.count, 2);
	expect_diagnostic(0, DIAG_E0107, 1, 1, "a key has to be a word, this is a list");
	expect_diagnostic(1, DIAG_E0107, 2, 3, "a key has to be a word, this is a mapping");
	cr_assert_eq(documents.items[0]->pairs.count, 1);
	cr_assert_str_eq(yaml_get(documents.items[0], "e")->text, "3");
}

/* The children are the anchor's own, the place is the alias's. */
Test(refusals, an_alias_shares_what_its_anchor_holds)
{
	const struct yaml_node *root = yaml_of("a: &x { k: v }\nb: *x\nc: [*x, *x]\n");
	const struct yaml_node *node = yaml_get(root, "a"), *alias = yaml_get(root, "b");

	cr_assert(alias->alias && !node->alias);
	cr_assert_eq(alias->kind, YAML_MAPPING);
	cr_assert_eq(yaml_get(alias, "k"), yaml_get(node, "k"));
	expect_mark(alias->mark, 2, 4, 2);
	expect_mark(yaml_get(root, "c")->items.items[1]->mark, 3, 9, 2);
	cr_assert_eq(node->weight, 3);
	cr_assert_eq(yaml_get(root, "c")->weight, 7);
}

Test(refusals, the_later_anchor_of_a_name_counts)
{
	const struct yaml_node *root = yaml_of("a: &x one\nb: *x\nc: &x two\nd: *x\n");

	cr_assert_str_eq(yaml_get(root, "b")->text, "one");
	cr_assert_str_eq(yaml_get(root, "d")->text, "two");
}

Test(refusals, an_alias_may_be_a_key)
{
	const struct yaml_node *root = yaml_of("a: &x word\n*x : v\n");

	cr_assert_str_eq(yaml_get(root, "word")->text, "v");
}

Test(refusals, aliases_without_anchor)
{
	yaml_documents documents = load("a: *none\nb: [1, *nil]\nc: 3\n");

	cr_assert_eq(diagnostics.list.count, 2);
	expect_diagnostic(
		0, DIAG_E0103, 1, 4, "no anchor before it has the name of the alias \"*none\"");
	expect_mark(diagnostics.list.items[0].mark, 1, 4, 5);
	expect_diagnostic(
		1, DIAG_E0103, 2, 8, "no anchor before it has the name of the alias \"*nil\"");
	cr_assert_str_eq(yaml_get(documents.items[0], "c")->text, "3");
	cr_assert_eq(documents.items[0]->pairs.count, 3);
}

/* What belongs to a key that was refused is passed over, and the next key is a key again. */
Test(refusals, a_refused_key_takes_its_value_with_it)
{
	yaml_documents documents = load("*none : x\ny: 1\n*nil : z\n");

	cr_assert_eq(diagnostics.list.count, 2);
	cr_assert_eq(diagnostics.list.items[1].code, DIAG_E0103);
	cr_assert_eq(documents.items[0]->pairs.count, 1);
	cr_assert_str_eq(yaml_get(documents.items[0], "y")->text, "1");
}

/* Where it began is what is wrong, not where the text ends. */
Test(refusals, what_is_never_closed_is_told_where_it_was_opened)
{
	static const struct {
		const char *text;
		uint32_t line, column;
	} table[] = {
		{ "a: 1\nb: \"x\nc: 2\n", 2, 4 },
		{ "a: 1\nb: 'x\n", 2, 4 },
		{ "a: 1\nb: [1,\n  2\n", 2, 4 },
		{ "a: 1\nb: { c: 1\n", 2, 4 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		diagnostics = (struct diagnostics){ .arena = &arena };
		load(table[i].text);
		cr_assert_eq(diagnostics.list.count, 1);
		cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0101);
		expect_mark(diagnostics.list.items[0].mark, table[i].line, table[i].column, 0);
	}
}

Test(refusals, syntax_that_yaml_explains_badly_has_a_hint)
{
	load("a: [::1]:80\n");
	expect_hint(0, "an IPv6 address needs quotes: \"[::1]:80\"");
	diagnostics = (struct diagnostics){ .arena = &arena };
	load("a:\n\tb: 1\n");
	expect_hint(0, "YAML indents with blanks, not with tabs");
	diagnostics = (struct diagnostics){ .arena = &arena };
	load("- *(u32 *)(r1 + 0) = 5\n");
	expect_hint(0, "an instruction that begins with * needs quotes");
	diagnostics = (struct diagnostics){ .arena = &arena };
	load("a: b: c\n");
	expect_hint(0, NULL);
}

Test(refusals, an_alias_before_its_anchor_has_none)
{
	load("a: *x\nb: &x 1\n");
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0103);
}

Test(refusals, anchors_end_with_their_document)
{
	load("a: &x 1\n---\nb: *x\n");
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(
		0, DIAG_E0103, 3, 4, "no anchor before it has the name of the alias \"*x\"");
}

Test(refusals, an_alias_inside_what_it_names)
{
	load("a: &x [1, [*x]]\nb: &y { k: { l: *y } }\nc: *x\n");
	cr_assert_eq(diagnostics.list.count, 2);
	expect_diagnostic(0, DIAG_E0103, 1, 12, "the alias \"*x\" stands inside what it names");
	expect_diagnostic(1, DIAG_E0103, 2, 17, "the alias \"*y\" stands inside what it names");
}

Test(refusals, a_syntax_error_keeps_the_documents_before_it)
{
	yaml_documents documents = load("a: 1\n---\nb: 2\n---\nc: [1, 2\nd: 3\n");

	cr_assert_eq(documents.count, 2);
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0101);
	cr_assert_geq(diagnostics.list.items[0].mark.line, 5);
}

/* A mark behind the last line would show no source line. */
Test(refusals, a_syntax_error_at_the_end_has_a_line_to_show)
{
	size_t length;

	load("a: [1, 2");
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_not_null(source_line(diagnostics.list.items[0].mark.source,
		diagnostics.list.items[0].mark.line, &length));
	cr_assert_eq(diagnostics.list.items[0].mark.line, 1);
}

Test(refusals, bytes_that_are_no_text)
{
	static const struct {
		const char *text;
		size_t length;
		uint32_t line;
	} table[] = {
		{ "a: 1\nb: \xff\n", 10, 2 },
		{ "a: \x01\n", 5, 1 },
		{ "a: 1\nb: 2\nc: \xc3", 14, 3 },
		{ "a: 1\nb: x\0y\n", 12, 2 },
		{ "a: \"x\\0y\"\n", 10, 1 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		diagnostics = (struct diagnostics){ .arena = &arena };
		yaml_all(table[i].text, table[i].length);
		cr_assert_eq(diagnostics.list.count, 1, "case %zu", i);
		cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0101, "case %zu", i);
		cr_assert_eq(diagnostics.list.items[0].mark.line, table[i].line,
			"case %zu: line %u", i, diagnostics.list.items[0].mark.line);
	}
}

static const char *repeat(const char *before, const char *piece, size_t times, const char *behind)
{
	size_t head = strlen(before), length = strlen(piece);
	char *text = arena_alloc(&arena, head + length * times + strlen(behind) + 1);

	memcpy(text, before, head);
	for (size_t i = 0; i < times; i++)
		memcpy(text + head + i * length, piece, length);
	strcpy(text + head + length * times, behind);
	return text;
}

Test(refusals, depth_32_is_taken)
{
	cr_assert_eq(YAML_MAX_DEPTH, 32);
	yaml_of(repeat("", "[", 32, repeat("", "]", 32, "\n")));
	yaml_of(repeat("", "{a: ", 32, repeat("", "}", 32, "\n")));
}

Test(refusals, depth_33_is_not)
{
	load(repeat("", "[", 33, repeat("", "]", 33, "\n")));
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0104, 1, 33, "nested deeper than 32 levels");
}

static void load_deep(size_t depth)
{
	load(repeat("", "[", depth, ""));
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0104);
}

Test(refusals, depth_is_measured_before_it_is_paid_for)
{
	double times = growth(load_deep, 1000000);

	cr_assert_lt(times, 10, "%.1f", times);
}

Test(refusals, scalars_of_65536_bytes_are_taken)
{
	const struct yaml_node *root = yaml_of(repeat("a: ", "x", 65536, "\n"));

	cr_assert_eq(YAML_MAX_SCALAR, 65536);
	cr_assert_eq(yaml_get(root, "a")->length, 65536);
}

Test(refusals, scalars_of_65537_bytes_are_not)
{
	yaml_documents documents = load(repeat("b: 1\na: ", "x", 65537, "\nc: 2\n"));
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(
		0, DIAG_E0106, 2, 4, "this value is 65537 bytes long, the limit is 65536");
	cr_assert(yaml_get(documents.items[0], "a")->refused);
	cr_assert_eq(yaml_get(documents.items[0], "a")->length, 0);
	cr_assert(!yaml_get(documents.items[0], "c")->refused);
}

/* A list weighs one, each item one more. */
Test(refusals, two_million_nodes_are_taken)
{
	yaml_documents documents = load(repeat("[", "a,", 1999999, "]\n"));

	expect_no_diagnostics();
	cr_assert_eq(YAML_MAX_NODES, 2000000);
	cr_assert_eq(documents.items[0]->weight, 2000000);
}

Test(refusals, one_more_is_not)
{
	load(repeat("[", "a,", 2000000, "]\n"));
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0105);
	expect_mark(diagnostics.list.items[0].mark, 1, 2 + 2 * 1999999, 1);
}

/* Nine lists of nine aliases each: 9^9 leaves if somebody walked them. */
Test(refusals, a_billion_laughs_end_early)
{
	const char *text = "a: &a [x, x, x, x, x, x, x, x, x]\n";

	for (char c = 'b'; c <= 'i'; c++)
		text = arena_printf(&arena,
			"%s%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", text, c, c,
			c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
	load(text);
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0105);
}

static const char *slow_piece;

static void load_pieces(size_t times)
{
	load(repeat("", slow_piece, times, "\n"));
}

/* JSON without line breaks: a place far to the right must not cost a walk from its line's start. */
static void load_long_line(size_t items)
{
	yaml_documents documents = load(repeat("[", "&a \"\xc3\xa9\", ", items, "1]\n"));

	vec_each (item, &documents.items[0]->items)
		yaml_mark_at(*item, 1, 1);
}

Test(refusals, a_long_line_takes_linear_time)
{
	double times = growth(load_long_line, 20000);

	cr_assert_lt(times, 10, "%.1f", times);
}

/* The shapes that are known to make parsers slow. */
/* Parts of the largest input; of what grows faster a smaller one shows it, too. */
#ifdef __SANITIZE_ADDRESS__
#define HUGE_PART 256
#else
#define HUGE_PART 64
#endif

Test(refusals, huge_input_takes_linear_time)
{
	static const char *const pieces[] = { "- a\n", "a:\n", "# comment\n", "- *x\n", "\n", "'",
		"  ", "? a\n", "---\n", "&a ", "!!x ", "{}", "a: b: " };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		double times;

		slow_piece = pieces[i];
		times = growth(load_pieces, SOURCE_MAX_BYTES / HUGE_PART / strlen(pieces[i]));
		cr_assert_lt(times, 10, "%s: %.1f", pieces[i], times);
	}
}
