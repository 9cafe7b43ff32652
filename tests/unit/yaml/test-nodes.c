/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The tree that a text becomes: kinds, styles, marks, documents. */
#include "tests/unit/support.h"

#include <string.h>

SUITE(nodes);

static const char sample[] = "name: echo\n"            /* 1 */
			     "empty:\n"                /* 2 */
			     "list:\n"                 /* 3 */
			     "  - 'single'\n"          /* 4 */
			     "  - \"double\"\n"        /* 5 */
			     "flow: { a: [1, 23] }\n"  /* 6 */
			     "literal: |\n"            /* 7 */
			     "  r0 = 1\n"              /* 8 */
			     "  exit\n"                /* 9 */
			     "folded: >\n"             /* 10 */
			     "  two\n"                 /* 11 */
			     "  words\n"               /* 12 */
			     "\xc3\xa9t\xc3\xa9: v\n"; /* 13 */

static void expect_scalar(const struct yaml_node *node, const char *text, enum yaml_style style,
	uint32_t line, uint32_t column, uint32_t length)
{
	cr_assert_not_null(node);
	cr_assert_eq(node->kind, YAML_SCALAR);
	cr_assert_str_eq(node->text, text);
	cr_assert_eq(node->length, strlen(text));
	cr_assert_eq(node->style, style, "%s", text);
	cr_assert_eq(node->weight, 1);
	cr_assert_not_null(node->mark.source);
	expect_mark(node->mark, line, column, length);
}

static void expect_pair(
	const struct yaml_node *mapping, size_t at, const char *key, uint32_t line, uint32_t column)
{
	const struct yaml_node *node = mapping->pairs.items[at].key;

	cr_assert_str_eq(node->text, key);
	expect_mark(node->mark, line, column, (uint32_t)strlen(key));
}

Test(nodes, keys_stand_in_order_with_their_marks)
{
	static const char *const keys[] = { "name", "empty", "list", "flow", "literal", "folded" };
	static const uint32_t lines[] = { 1, 2, 3, 6, 7, 10 };
	const struct yaml_node *root = yaml_of(sample);

	cr_assert_eq(root->kind, YAML_MAPPING);
	cr_assert_eq(root->mark.line, 1);
	cr_assert_eq(root->mark.column, 1);
	cr_assert_eq(root->pairs.count, 7);
	for (size_t i = 0; i < 6; i++)
		expect_pair(root, i, keys[i], lines[i], 1);
}

Test(nodes, scalars_carry_text_style_and_place)
{
	const struct yaml_node *root = yaml_of(sample), *list = yaml_get(root, "list");

	expect_scalar(yaml_get(root, "name"), "echo", YAML_PLAIN, 1, 7, 4);
	expect_scalar(list->items.items[0], "single", YAML_QUOTED, 4, 5, 8);
	expect_scalar(list->items.items[1], "double", YAML_QUOTED, 5, 5, 8);
	expect_scalar(yaml_get(root, "literal"), "r0 = 1\nexit\n", YAML_LITERAL, 7, 10, 0);
	expect_scalar(yaml_get(root, "folded"), "two words\n", YAML_FOLDED, 10, 9, 0);
}

/* Columns count characters: the key has three, in five bytes. */
Test(nodes, columns_count_characters)
{
	const struct yaml_node *root = yaml_of(sample);
	const struct yaml_pair *pair = &root->pairs.items[6];

	cr_assert_str_eq(pair->key->text, "\xc3\xa9t\xc3\xa9");
	expect_mark(pair->key->mark, 13, 1, 3);
	expect_mark(pair->value->mark, 13, 6, 1);
}

Test(nodes, collections_carry_kind_and_place)
{
	const struct yaml_node *root = yaml_of(sample);
	const struct yaml_node *flow = yaml_get(root, "flow"), *inner = yaml_get(flow, "a");
	const struct yaml_node *list = yaml_get(root, "list");

	cr_assert_eq(flow->kind, YAML_MAPPING);
	expect_mark(flow->mark, 6, 7, 1);
	cr_assert_eq(inner->kind, YAML_SEQUENCE);
	expect_mark(inner->mark, 6, 12, 1);
	expect_scalar(inner->items.items[1], "23", YAML_PLAIN, 6, 16, 2);
	cr_assert_eq(list->kind, YAML_SEQUENCE);
	cr_assert_eq(list->items.count, 2);
	cr_assert_eq(list->mark.line, 4);
	cr_assert_eq(list->mark.column, 3);
}

/* [1, 23] weighs 3, {a: ...} that and its key and itself. */
Test(nodes, weight_counts_a_node_and_all_below)
{
	const struct yaml_node *root = yaml_of(sample), *flow = yaml_get(root, "flow");

	cr_assert_eq(yaml_get(flow, "a")->weight, 3);
	cr_assert_eq(flow->weight, 5);
	cr_assert_eq(root->weight, 1 + 2 + 2 + (1 + 3) + (1 + 5) + 2 + 2 + 2);
}

Test(nodes, get_finds_keys_and_only_those)
{
	const struct yaml_node *root = yaml_of("a: 1\nb: 2\n");

	cr_assert_str_eq(yaml_get(root, "b")->text, "2");
	cr_assert_null(yaml_get(root, "c"));
	cr_assert_null(yaml_get(root, ""));
	cr_assert_null(yaml_get(yaml_of("[a, b]"), "a"));
}

Test(nodes, null_is_plain_empty_tilde_or_null)
{
	static const struct {
		const char *text;
		bool null;
	} table[] = {
		{ "v:\n", true },
		{ "v: ~\n", true },
		{ "v: null\n", true },
		{ "v: Null\n", true },
		{ "v: NULL\n", true },
		{ "v: nULL\n", false },
		{ "v: ''\n", false },
		{ "v: '~'\n", false },
		{ "v: \"null\"\n", false },
		{ "v: nulls\n", false },
		{ "v: 0\n", false },
		{ "v: []\n", false },
		{ "v: {}\n", false },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		cr_assert_eq(yaml_is_null(yaml_get(yaml_of(table[i].text), "v")), table[i].null,
			"%s", table[i].text);
}

Test(nodes, boolean_is_plain_true_or_false)
{
	static const struct {
		const char *text;
		bool boolean;
	} table[] = {
		{ "v: true\n", true },
		{ "v: True\n", true },
		{ "v: TRUE\n", true },
		{ "v: false\n", true },
		{ "v: False\n", true },
		{ "v: FALSE\n", true },
		{ "v: 'true'\n", false },
		{ "v: \"false\"\n", false },
		{ "v: |\n  true\n", false },
		{ "v: tRUE\n", false },
		{ "v: yes\n", false }, /* of YAML 1.1 */
		{ "v: on\n", false },
		{ "v: 1\n", false },
		{ "v: [true]\n", false },
		{ "v:\n", false },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		cr_assert_eq(yaml_is_boolean(yaml_get(yaml_of(table[i].text), "v")),
			table[i].boolean, "%s", table[i].text);
}

Test(nodes, describe_says_what_a_node_is)
{
	cr_assert_str_eq(yaml_describe(yaml_of("{a: b}")), "a mapping");
	cr_assert_str_eq(yaml_describe(yaml_of("[a]")), "a list");
	cr_assert_str_eq(yaml_describe(yaml_of("a")), "text");
	cr_assert_str_eq(yaml_describe(yaml_of("''")), "text");
	cr_assert_str_eq(yaml_describe(yaml_of("True")), "true or false");
	cr_assert_str_eq(yaml_describe(yaml_get(yaml_of("a:"), "a")), "nothing");
}

static void expect_at(const struct yaml_node *scalar, size_t offset, size_t length, uint32_t line,
	uint32_t column, uint32_t characters)
{
	expect_mark(yaml_mark_at(scalar, offset, length), line, column, characters);
}

Test(nodes, place_inside_plain_and_quoted_text)
{
	const struct yaml_node *root = yaml_of("a: one two\n"
					       "b: 'one two'\n"
					       "c: \"one two\"\n"
					       "d: \xc3\xa9\xc3\xa9 two\n");

	expect_at(yaml_get(root, "a"), 4, 3, 1, 8, 3);
	expect_at(yaml_get(root, "b"), 4, 3, 2, 9, 3);
	expect_at(yaml_get(root, "c"), 4, 3, 3, 9, 3);
	expect_at(yaml_get(root, "d"), 5, 3, 4, 7, 3);
	expect_at(yaml_get(root, "d"), 0, 4, 4, 4, 2);
}

/* Underlined is what stands in the file, however short it is to say; of several lines, the value. */
Test(nodes, width_of_what_is_escaped)
{
	const struct yaml_node *root = yaml_of("a: \"r0 = \\x72\\x31\\x31\"\n"
					       "b: 'it''s'\n"
					       "c: \"\\u00e9\\\"x\"\n"
					       "d: \"one\n"
					       "  two\"\n");

	expect_at(yaml_get(root, "a"), 0, 2, 1, 5, 2);
	expect_at(yaml_get(root, "a"), 5, 3, 1, 10, 12);
	expect_at(yaml_get(root, "a"), 6, 1, 1, 14, 4);
	expect_at(yaml_get(root, "a"), 6, 0, 1, 14, 0);
	expect_at(yaml_get(root, "b"), 1, 3, 2, 6, 4);
	expect_at(yaml_get(root, "c"), 0, 3, 3, 5, 8);
	expect_at(yaml_get(root, "d"), 0, 7, 4, 5, 7);
}

/* However far to the right: behind an anchor, and inside a scalar with escapes. */
Test(nodes, place_in_a_long_line)
{
	const char *text = "[";
	const struct yaml_node *last;

	for (int i = 0; i < 1000; i++)
		text = arena_printf(&arena, "%s\"\xc3\xa9\xc3\xa9\xc3\xa9\", ", text);
	last = yaml_of(arena_printf(&arena, "%s&a \"one\\ttwo\"]\n", text))->items.items[1000];
	expect_mark(last->mark, 1, 7005, 10);
	expect_at(last, 4, 3, 1, 7011, 3);
}

static const char literals[] = "top: |\n"            /* 1 */
			       "    r0 = 1\n"        /* 2 */
			       "      deeper\n"      /* 3 */
			       "\n"                  /* 4 */
			       "    \xc3\xa9 exit\n" /* 5 */
			       "list:\n"             /* 6 */
			       "  - |-\n"            /* 7 */
			       "   a\n"              /* 8 */
			       "   bc\n"             /* 9 */
			       "  - |2\n"            /* 10 */
			       "      x\n"           /* 11 */
			       "last: |\n"           /* 12 */
			       "  end";              /* 13 */

Test(nodes, place_inside_a_literal_block)
{
	const struct yaml_node *top = yaml_get(yaml_of(literals), "top");

	cr_assert_str_eq(top->text, "r0 = 1\n  deeper\n\n\xc3\xa9 exit\n");
	expect_at(top, 0, 2, 2, 5, 2);
	expect_at(top, 5, 1, 2, 10, 1);
	expect_at(top, 9, 6, 3, 7, 6);
	cr_assert_eq(yaml_mark_at(top, 16, 0).line, 4);
	expect_at(top, 20, 4, 5, 7, 4);
	expect_at(top, 17, 2, 5, 5, 1);
}

Test(nodes, place_inside_other_literal_headers)
{
	const struct yaml_node *root = yaml_of(literals), *list = yaml_get(root, "list");

	cr_assert_str_eq(list->items.items[0]->text, "a\nbc");
	expect_at(list->items.items[0], 0, 1, 8, 4, 1);
	expect_at(list->items.items[0], 3, 1, 9, 5, 1);
	cr_assert_str_eq(list->items.items[1]->text, "  x\n");
	expect_at(list->items.items[1], 2, 1, 11, 7, 1);
	expect_at(yaml_get(root, "last"), 1, 2, 13, 4, 2);
}

Test(nodes, place_inside_a_literal_with_carriage_returns)
{
	const struct yaml_node *node = yaml_get(yaml_of("a: |\r\n  one\r\n  two\r\n"), "a");

	cr_assert_str_eq(node->text, "one\ntwo\n");
	expect_at(node, 4, 3, 3, 3, 3);
}

/* For libyaml a carriage return alone ends a line, too; for marks only "\n" does. */
Test(nodes, place_behind_carriage_returns)
{
	const struct yaml_node *root = yaml_of("a: |\n  one\r  two\r\n  end\n"
					       "b: one\r\r\r  two\n"
					       "c: 'one\r\n\r\n  two'\n");

	cr_assert_str_eq(yaml_get(root, "a")->text, "one\ntwo\nend\n");
	expect_at(yaml_get(root, "a"), 4, 3, 2, 9, 3);
	expect_at(yaml_get(root, "a"), 8, 3, 3, 3, 3);
	cr_assert_str_eq(yaml_get(root, "b")->text, "one\n\ntwo");
	expect_at(yaml_get(root, "b"), 5, 3, 4, 12, 3);
	cr_assert_str_eq(yaml_get(root, "c")->text, "one\ntwo");
	expect_at(yaml_get(root, "c"), 4, 3, 7, 3, 3);
}

Test(nodes, place_behind_line_breaks_that_are_escaped)
{
	const struct yaml_node *root = yaml_of("a: \"one\\\n  two\"\n"
					       "b: \"one\\\r\n  two\"\n"
					       "c: \"one\\\r  two\"\n"
					       "d: \"one\\\r\n\r\n\n  two\"\n");

	expect_at(yaml_get(root, "a"), 3, 3, 2, 3, 3);
	expect_at(yaml_get(root, "b"), 3, 3, 4, 3, 3);
	expect_at(yaml_get(root, "b"), 4, 2, 4, 4, 2);
	expect_at(yaml_get(root, "c"), 3, 3, 5, 12, 3);
	cr_assert_str_eq(yaml_get(root, "d")->text, "one\n\ntwo");
	expect_at(yaml_get(root, "d"), 5, 3, 9, 3, 3);
}

/* A scalar that is all one line. */
static const struct {
	const char *before, *piece, *behind;
} lines[] = { { "- |\n ", "x", "\n" }, { "- \"", "   ", "x\"\n" }, { "- ", "x", "\n" } };

static size_t slow_line;

/* Its places from the front to the back. */
static void walk_line(size_t amount)
{
	size_t length = strlen(lines[slow_line].piece);
	char *text = arena_alloc(&arena, amount * length + 1);
	struct yaml_cursor cursor = { 0 };
	const struct yaml_node *scalar;

	for (size_t i = 0; i < amount; i++)
		memcpy(text + i * length, lines[slow_line].piece, length);
	scalar = yaml_of(arena_printf(&arena, "%s%s%s", lines[slow_line].before, text,
				 lines[slow_line].behind))
			 ->items.items[0];
	for (size_t i = 0; i < scalar->length; i++)
		yaml_mark_from(&cursor, scalar, i, 1);
}

Test(nodes, places_in_one_line_take_linear_time)
{
	for (slow_line = 0; slow_line < sizeof(lines) / sizeof(lines[0]); slow_line++) {
		double times = growth(walk_line, 5000);

		cr_assert_lt(times, 10, "%zu: %.1f", slow_line, times);
	}
}

Test(nodes, place_in_folded_text_is_the_scalar)
{
	const struct yaml_node *node = yaml_get(yaml_of("a: >\n  one\n  two\n"), "a");

	expect_at(node, 4, 3, 1, 4, 0);
}

Test(nodes, place_stays_within_the_text)
{
	const struct yaml_node *node = yaml_get(yaml_of("a: abc\n"), "a");

	expect_at(node, 1, 100, 1, 5, 2);
	expect_at(node, 100, 100, 1, 7, 0);
}

Test(nodes, several_documents)
{
	static const char text[] = "---\na: 1\n---\n# nothing\n---\n- b\n...\n---\n~\n--- c\n";
	yaml_documents documents = yaml_all(text, sizeof(text) - 1);

	expect_no_diagnostics();
	cr_assert_eq(documents.count, 3);
	cr_assert_eq(documents.items[0]->kind, YAML_MAPPING);
	cr_assert_eq(documents.items[0]->mark.line, 2);
	cr_assert_eq(documents.items[1]->kind, YAML_SEQUENCE);
	cr_assert_eq(documents.items[1]->mark.line, 6);
	cr_assert_str_eq(documents.items[2]->text, "c");
}

Test(nodes, text_without_documents)
{
	static const char *const texts[] = { "", "\n\n", "# only a comment\n", "---\n", "~\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_eq(yaml_all(texts[i], strlen(texts[i])).count, 0, "%s", texts[i]);
	expect_no_diagnostics();
}

Test(nodes, a_byte_order_mark_is_no_text)
{
	const struct yaml_node *root = yaml_of("\xef\xbb\xbf"
					       "a: 1\n");

	cr_assert_str_eq(root->pairs.items[0].key->text, "a");
}

/* The text of a scalar begins behind its anchor and its tag. */
Test(nodes, place_behind_an_anchor_or_a_tag)
{
	const struct yaml_node *root =
		yaml_of("a: &x one two\nb: !!str one two\nc: &y 'one two'\n");

	expect_at(yaml_get(root, "a"), 4, 3, 1, 11, 3);
	expect_at(yaml_get(root, "b"), 4, 3, 2, 14, 3);
	expect_at(yaml_get(root, "c"), 4, 3, 3, 12, 3);
}

/*
 * YAML breaks lines at more than a newline: a carriage return alone, U+0085, U+2028 and U+2029. A
 * mark behind one still has to name a line of the source, and the right one.
 */
Test(nodes, line_breaks_that_are_no_newline)
{
	static const char *const breaks[] = { "\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9" };

	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		const char *text = arena_printf(&arena, "a: 'x%sy'\nkey: 1\n", breaks[i]);
		struct mark mark = yaml_of(text)->pairs.items[1].key->mark;
		size_t length;
		const char *line = source_line(mark.source, mark.line, &length);

		cr_assert_not_null(line, "break %zu: there is no line %u", i, mark.line);
		cr_assert(memcmp(line, "key: 1", 6) == 0, "break %zu: line %u", i, mark.line);
	}
}

/* A value that is empty but for its anchor stands in its own line. */
Test(nodes, place_of_an_anchor_without_value)
{
	const struct yaml_node *root = yaml_of("a: &x\nb: [&y , &z ]\n");

	cr_assert_eq(yaml_get(root, "a")->mark.line, 1);
	cr_assert_eq(yaml_get(root, "b")->items.items[0]->mark.line, 2);
	cr_assert_leq(yaml_get(root, "b")->items.items[0]->mark.column, 8);
}

/* Escapes: \t two characters, \x41 four, \u00e9 six (and two bytes of value). */
Test(nodes, place_behind_escapes)
{
	const struct yaml_node *root = yaml_of("a: \"a\\tb\\x41c\"\n"
					       "b: \"\\u00e9x\\U0001F600y\"\n"
					       "c: 'it''s x'\n"
					       "d: \"\\\"\\\\z\"\n"
					       "e: \"\\L\\_\\Nz\"\n"
					       "f: \"\\u00FFz\\u00aFz\"\n");

	expect_at(yaml_get(root, "a"), 4, 1, 1, 13, 1);
	expect_at(yaml_get(root, "a"), 2, 1, 1, 8, 1);
	expect_at(yaml_get(root, "b"), 2, 1, 2, 11, 1);
	expect_at(yaml_get(root, "b"), 7, 1, 2, 22, 1);
	expect_at(yaml_get(root, "c"), 5, 1, 3, 11, 1);
	expect_at(yaml_get(root, "d"), 2, 1, 4, 9, 1);
	expect_at(yaml_get(root, "e"), 7, 1, 5, 11, 1);
	expect_at(yaml_get(root, "f"), 2, 1, 6, 11, 1);
	expect_at(yaml_get(root, "f"), 5, 1, 6, 18, 1);
}

/* One line break is a blank, two are one line break, and an escaped one is nothing. */
Test(nodes, place_behind_folded_lines)
{
	const struct yaml_node *root = yaml_of("a: one  \n  two\n\n  three\n"
					       "b: \"one\n   two\\\n    three\"\n"
					       "c: 'one\n\n\n  two'\n");

	cr_assert_str_eq(yaml_get(root, "a")->text, "one two\nthree");
	expect_at(yaml_get(root, "a"), 4, 3, 2, 3, 3);
	expect_at(yaml_get(root, "a"), 8, 5, 4, 3, 5);
	cr_assert_str_eq(yaml_get(root, "b")->text, "one twothree");
	expect_at(yaml_get(root, "b"), 4, 3, 6, 4, 3);
	expect_at(yaml_get(root, "b"), 7, 5, 7, 5, 5);
	cr_assert_str_eq(yaml_get(root, "c")->text, "one\n\ntwo");
	expect_at(yaml_get(root, "c"), 5, 3, 11, 3, 3);
}

/* The text of an alias stands elsewhere: its place is where the alias is. */
Test(nodes, place_in_an_alias_is_the_alias)
{
	const struct yaml_node *root = yaml_of("a: &x one two\nb: *x\n");

	expect_at(yaml_get(root, "b"), 4, 3, 2, 4, 2);
}
