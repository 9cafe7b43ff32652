/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Parameters in scalars, and the way back to the file. */
#include "tests/unit/support.h"

#include "lib/yaml/substitute.h"

#include <string.h>

SUITE(substitute);

static struct yaml_variables variables, outer;
static size_t spent;

static struct yaml_variable *declare_in(
	struct yaml_variables *scope, const char *name, const char *text)
{
	struct yaml_variable *variable = arena_alloc(&arena, sizeof(*variable));

	variable->name = name;
	variable->text = text;
	cr_assert_null(yaml_variables_add(&arena, scope, variable));
	return variable;
}

static struct yaml_variable *declare(const char *name, const char *text)
{
	return declare_in(&variables, name, text);
}

static const struct yaml_node *substitute(const struct yaml_node *node)
{
	struct yaml_substitution substitution = { .arena = &arena,
		.diagnostics = &diagnostics,
		.variables = &variables,
		.spent = &spent };

	return yaml_substitute(&substitution, node);
}

/* What the value of the key "a" is then. */
static const struct yaml_node *value_in(const char *text)
{
	return substitute(yaml_get(yaml_of(text), "a"));
}

static void expect_text(const char *text, const char *value)
{
	const struct yaml_node *node = value_in(text);

	expect_no_diagnostics();
	cr_assert_str_eq(node->text, value);
	cr_assert_eq(node->length, strlen(value));
	cr_assert_not(node->refused);
}

Test(substitute, values_stand_in_the_place_of_names)
{
	declare("port", "9000");
	declare("host", "::1");
	declare("_x9", "y");
	expect_text("a: ${port}\n", "9000");
	expect_text("a: 127.0.0.1:${port}\n", "127.0.0.1:9000");
	expect_text("a: '[${host}]:${port}'\n", "[::1]:9000");
	expect_text("a: \"${_x9}${_x9}\\t${port}\"\n", "yy\t9000");
	expect_text("a: |\n  r2 = ${port}\n  exit\n", "r2 = 9000\nexit\n");
	expect_text("a: >\n  r2 =\n  ${port}\n", "r2 = 9000\n");
}

Test(substitute, an_escaped_brace_is_none)
{
	declare("x", "v");
	expect_text("a: $${x}\n", "${x}");
	expect_text("a: '$${'\n", "${");
	expect_text("a: '$$${x}'\n", "$${x}");
	expect_text("a: '${x}$${x}${x}'\n", "v${x}v");
	expect_text("a: $x $ {x} $\n", "$x $ {x} $");
}

Test(substitute, a_value_is_not_looked_through_again)
{
	declare("x", "${y} $${z}");
	declare("y", "wrong");
	expect_text("a: '${x}'\n", "${y} $${z}");
}

/* A plain scalar is read as if its value had been written there: numbers, and nothing at all. */
Test(substitute, the_style_stays)
{
	const struct yaml_node *node;

	declare("n", "5");
	declare("none", "");
	node = value_in("a: ${n}\n");
	cr_assert_eq(node->style, YAML_PLAIN);
	cr_assert(yaml_is_text(node));
	cr_assert_eq(value_in("a: 'x${n}'\n")->style, YAML_QUOTED);
	/* Flow mappings and JSON want the quotes. */
	cr_assert_eq(value_in("a: '${n}'\n")->style, YAML_PLAIN);
	cr_assert(yaml_is_null(value_in("a: ${none}\n")));
	cr_assert_not(yaml_is_null(value_in("a: '${none}'\n")));
}

Test(substitute, what_has_no_parameters_stays_itself)
{
	const struct yaml_node *root = yaml_of("a: { b: [c, d], e: $5 }\nf: ${x}\n");
	const struct yaml_node *same = yaml_get(root, "a"), *result;

	declare("x", "v");
	cr_assert_eq(substitute(same), same);
	result = substitute(root);
	cr_assert_neq(result, root);
	cr_assert_eq(yaml_get(result, "a"), same);
	cr_assert_str_eq(yaml_get(result, "f")->text, "v");
	cr_assert_str_eq(yaml_get(root, "f")->text, "${x}");
	cr_assert_eq(spent, strlen("${x}") + strlen("v") + sizeof(struct yaml_piece));
}

Test(substitute, keys_are_left_alone)
{
	const struct yaml_node *node = value_in("a: { '${x}': '${y}' }\n");

	expect_diagnostic(0, DIAG_E0220, 1, 15, "no parameter is named \"y\"");
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_str_eq(node->pairs.items[0].key->text, "${x}");
}

/* YAML would have the braces end the word; the columns of what follows are those of the file. */
Test(substitute, braces_in_flow_collections)
{
	const struct yaml_node *node, *list;

	declare("x", "v");
	declare("long_name", "w");
	node = value_in(
		"a: { b: ${x}, c: [${x}${long_name}, -${x}-], d: '${x}', e: $${x} } # ${x}\n");
	expect_no_diagnostics();
	cr_assert_eq(node->pairs.count, 4);
	list = yaml_get(node, "c");
	cr_assert_str_eq(yaml_get(node, "b")->text, "v");
	cr_assert_str_eq(list->items.items[0]->text, "vw");
	cr_assert_str_eq(list->items.items[1]->text, "-v-");
	cr_assert_str_eq(yaml_get(node, "d")->text, "v");
	cr_assert_str_eq(yaml_get(node, "e")->text, "${x}");
	expect_mark(yaml_get(node, "b")->mark, 1, 9, 4);
	expect_mark(list->items.items[1]->mark, 1, 37, 6);
	expect_mark(yaml_get(node, "d")->mark, 1, 49, 6);
	expect_mark(node->pairs.items[3].key->mark, 1, 57, 1);
}

/* What no parameter's name can be still is what YAML makes of it. */
Test(substitute, braces_that_are_none_of_ours)
{
	static const char *const texts[] = { "a: { b: ${} }\n", "a: { b: ${1x} }\n",
		"a: { b: ${x y} }\n", "a: { b: ${x }\n", "a: [ $ {x} ]\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		diagnostics = (struct diagnostics){ .arena = &arena };
		yaml_all(texts[i], strlen(texts[i]));
		cr_assert_eq(diagnostics.list.count, 1, "%s", texts[i]);
		cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0101, "%s", texts[i]);
	}
	diagnostics = (struct diagnostics){ .arena = &arena };
	yaml_all("a: { b: ${x y} }\n", 17);
	expect_hint(0, "a parameter is ${ and a name and }, or the value needs quotes");
}

/* The characters that stand for the braces meanwhile may stand in a text, too. */
/* They would be read as braces; other characters that are none are text. */
Test(substitute, signs_of_our_own_have_no_place_in_the_text)
{
	static const char *const texts[] = { "a: '\xf4\x8f\xbf\xbe'\n", "a: \xf4\x8f\xbf\xbf\n",
		"a: \"\\U0010FFFE\"\n", "a: \"x\\\"\\U0010fffF\"\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		diagnostics.list.count = 0;
		yaml_all(texts[i], strlen(texts[i]));
		cr_assert_eq(diagnostics.list.count, 1, "%s", texts[i]);
		cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0101);
	}
}

Test(substitute, other_noncharacters_are_text)
{
	expect_text("a: '\xf4\x8f\xbf\xbd \\U0010FFFE $a'\n", "\xf4\x8f\xbf\xbd \\U0010FFFE $a");
}

/* Bytes that libyaml counts in what it is shown are told of what the file has. */
Test(substitute, place_of_bad_bytes_behind_parameters)
{
	static const char text[] = "a: { b: ${x}, c: ${x} }\nd: \xff\n";

	yaml_all(text, sizeof(text) - 1);
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0101);
	cr_assert_eq(diagnostics.list.items[0].mark.line, 2);
	cr_assert_eq(diagnostics.list.items[0].mark.column, 4);
}

static void expect_at(const struct yaml_node *scalar, size_t offset, size_t length, uint32_t line,
	uint32_t column, uint32_t characters)
{
	expect_mark(yaml_mark_at(scalar, offset, length), line, column, characters);
}

/* "if r2 != 9000 goto out": in front of the value, in it, behind it, and around it. */
Test(substitute, places_in_plain_text)
{
	const struct yaml_node *node;

	declare("port", "9000");
	declare("label", "a_long_label");
	node = value_in("a: if r2 != ${port} goto ${label} // end\n");
	cr_assert_str_eq(node->text, "if r2 != 9000 goto a_long_label // end");
	expect_at(node, 3, 2, 1, 7, 2);
	expect_at(node, 9, 4, 1, 13, 7);
	expect_at(node, 10, 1, 1, 13, 7);
	expect_at(node, 12, 1, 1, 13, 7);
	expect_at(node, 14, 4, 1, 21, 4);
	expect_at(node, 19, 12, 1, 26, 8);
	expect_at(node, 21, 3, 1, 26, 8);
	expect_at(node, 32, 2, 1, 35, 2);
	expect_at(node, 0, node->length, 1, 4, 37);
	expect_at(node, 6, 5, 1, 10, 10);
}

/* Two bytes make one column; what the value has counts for nothing. */
Test(substitute, places_in_quoted_text)
{
	const struct yaml_node *node;

	declare("x", "\xe2\x82\xac\xe2\x82\xac");
	node = value_in("a: \"\xc3\xa9\\t${x}\\u00e9${x} z\"\n");
	cr_assert_str_eq(node->text, "\xc3\xa9\t\xe2\x82\xac\xe2\x82\xac\xc3\xa9"
				     "\xe2\x82\xac\xe2\x82\xac z");
	expect_at(node, 0, 2, 1, 5, 1);
	expect_at(node, 2, 1, 1, 6, 2);
	expect_at(node, 3, 3, 1, 8, 4);
	expect_at(node, 6, 3, 1, 8, 4);
	expect_at(node, 9, 2, 1, 12, 6);
	expect_at(node, 11, 6, 1, 18, 4);
	expect_at(node, 18, 1, 1, 23, 1);
	node = value_in("a: 'it''s ${x}''s z'\n");
	expect_at(node, 5, 6, 1, 11, 4);
	expect_at(node, 12, 1, 1, 17, 1);
	expect_at(node, 14, 1, 1, 19, 1);
}

/* A value that has lines of its own puts none between the lines of the file. */
Test(substitute, places_in_literal_text)
{
	const struct yaml_node *node;

	declare("two", "r0 = 1\nr1 = 2");
	declare("e", "");
	node = value_in("a: |\n"
			"    \xc3\xa9 ${two} b\n"
			"      ${e}c ${e}${two}\n"
			"    exit\n");
	cr_assert_str_eq(node->text, "\xc3\xa9 r0 = 1\nr1 = 2 b\n  c r0 = 1\nr1 = 2\nexit\n");
	expect_at(node, 0, 2, 2, 5, 1);
	expect_at(node, 3, 6, 2, 7, 6);
	expect_at(node, 10, 6, 2, 7, 6);
	expect_at(node, 17, 1, 2, 14, 1);
	expect_at(node, 21, 1, 3, 11, 1);
	expect_at(node, 23, 2, 3, 17, 6);
	expect_at(node, 37, 4, 4, 5, 4);
}

Test(substitute, places_that_are_the_scalar_stay_that)
{
	const struct yaml_node *root = yaml_of("a: >\n  one ${x}\nb: &k c ${x}\nd: *k\n");

	declare("x", "v");
	expect_at(substitute(yaml_get(root, "a")), 4, 1, 1, 4, 0);
	expect_at(substitute(yaml_get(root, "b")), 2, 1, 3, 9, 4);
	expect_at(substitute(yaml_get(root, "d")), 2, 1, 4, 4, 2);
}

/* What a substituted text is substituted in again leads back all the same. */
Test(substitute, places_through_two_rounds)
{
	struct yaml_variables second = { 0 };
	struct yaml_substitution again = {
		.arena = &arena, .diagnostics = &diagnostics, .variables = &second, .spent = &spent
	};
	struct yaml_node *once;

	declare("x", "<${y}>");
	declare_in(&second, "y", "abc");
	once = (struct yaml_node *)value_in("a: 1 ${x} 2\n");
	once->parameters = true;
	cr_assert_str_eq(yaml_substitute(&again, once)->text, "1 <abc> 2");
	expect_at(yaml_substitute(&again, once), 4, 1, 1, 6, 4);
	expect_at(yaml_substitute(&again, once), 8, 1, 1, 11, 1);
}

Test(substitute, unknown_names_each_at_its_place)
{
	const struct yaml_node *node;

	declare_in(&outer, "instance", "a");
	variables.outer = &outer;
	declare("port", "1");
	node = value_in("a: ${port} ${prt} é ${nothing} ${instanc}\n");
	cr_assert_eq(diagnostics.list.count, 3);
	expect_diagnostic(0, DIAG_E0220, 1, 12, "no parameter is named \"prt\"");
	expect_hint(0, "did you mean \"port\"?");
	expect_diagnostic(1, DIAG_E0220, 1, 21, "no parameter is named \"nothing\"");
	expect_hint(1, NULL);
	expect_diagnostic(2, DIAG_E0220, 1, 32, "no parameter is named \"instanc\"");
	expect_hint(2, "did you mean \"instance\"?");
	expect_mark(diagnostics.list.items[2].mark, 1, 32, 10);
	cr_assert(node->refused);
	cr_assert_str_eq(node->text, "");
}

Test(substitute, what_does_not_end_is_said_once)
{
	static const char *const texts[] = { "a: '${'\n", "a: x ${port y ${\n", "a: ${9}\n",
		"a: ${a-b}\n", "a: ${}${}\n", "a: '${port'\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		diagnostics = (struct diagnostics){ .arena = &arena };
		cr_assert(value_in(texts[i])->refused);
		cr_assert_eq(diagnostics.list.count, 1, "%s", texts[i]);
		expect_diagnostic(0, DIAG_E0220, 1,
			(uint32_t)(strstr(texts[i], "${") - texts[i]) + 1,
			"\"${\" begins a parameter: a name and \"}\" have to follow");
		expect_hint(0, "write $${ where ${ is meant");
	}
}

/* Their fault has been reported already: where they are declared, or where a file is missing. */
Test(substitute, silent_where_the_fault_is_known)
{
	declare("bad", NULL)->refused = true;
	cr_assert(value_in("a: x ${bad}\n")->refused);
	outer.incomplete = true;
	variables.outer = &outer;
	cr_assert(value_in("a: ${of_a_file_that_is_missing}\n")->refused);
	expect_no_diagnostics();
}

Test(substitute, inner_names_hide_outer_ones)
{
	declare_in(&outer, "x", "outer");
	declare_in(&outer, "y", "seen");
	variables.outer = &outer;
	declare("x", "inner");
	expect_text("a: ${x} ${y}\n", "inner seen");
}

Test(substitute, the_first_of_a_name_stays)
{
	struct yaml_variable *first = declare("x", "1"), second = { .name = "x", .text = "2" };

	cr_assert_eq(yaml_variables_add(&arena, &variables, &second), first);
	cr_assert_eq(yaml_variable_named(&variables, "x"), first);
	cr_assert_null(yaml_variable_named(&variables, "y"));
	cr_assert_null(yaml_variable_named(NULL, "x"));
}

Test(substitute, which_parameter_some_bytes_are)
{
	struct yaml_variable *x = declare("x", "abc"), *e = declare("e", "");
	const struct yaml_node *node = value_in("a: ${x} ${e}${x}$${x}\n");

	(void)e;
	cr_assert_str_eq(node->text, "abc abc${x}");
	cr_assert_eq(yaml_variable_at(node, 0, 3), x);
	cr_assert_eq(yaml_variable_at(node, 4, 3), x);
	cr_assert_null(yaml_variable_at(node, 0, 2));
	cr_assert_null(yaml_variable_at(node, 1, 2));
	cr_assert_null(yaml_variable_at(node, 0, 4));
	cr_assert_null(yaml_variable_at(node, 3, 1));
	cr_assert_null(yaml_variable_at(node, 7, 2));
	cr_assert_null(yaml_variable_at(yaml_of("plain"), 0, 5));
}

Test(substitute, open_parameters_stay_as_they_are)
{
	const struct yaml_node *node;

	declare("open", NULL)->open = true;
	declare("x", "12345");
	node = value_in("a: ${x} ${open} c\n");
	expect_no_diagnostics();
	cr_assert_str_eq(node->text, "12345 ${open} c");
	cr_assert_not(yaml_is_open(node, 0, 6));
	cr_assert(yaml_is_open(node, 0, 7));
	cr_assert(yaml_is_open(node, 6, 7));
	cr_assert(yaml_is_open(node, 8, 1));
	cr_assert(yaml_is_open(node, 12, 3));
	cr_assert_not(yaml_is_open(node, 13, 2));
	cr_assert_not(yaml_is_open(yaml_of("${open}"), 0, 7));
}

/* 16,000 times 4 bytes are 64,000; with one of 1,537 more they are one too many. */
Test(substitute, a_value_ends_at_the_limit_of_scalars)
{
	char *many = arena_alloc(&arena, 16000 * 4 + 64), *rest = arena_alloc(&arena, 1600);

	memcpy(many, "a: ", 3);
	for (size_t i = 0; i < 16000; i++)
		memcpy(many + 3 + i * 4, "${x}", 4);
	strcat(many, "${rest}");
	declare("x", "abcd");
	memset(rest, 'r', 1537);
	declare("rest", rest);
	cr_assert(value_in(many)->refused);
	expect_diagnostic(0, DIAG_E0106, 1, 4,
		"with its parameters this value is 65537 bytes long, the limit is 65536");
	diagnostics = (struct diagnostics){ .arena = &arena };
	rest[1536] = '\0';
	spent = 0;
	cr_assert_eq(value_in(many)->length, 65536);
	expect_no_diagnostics();
}

Test(substitute, all_values_together_end_somewhere)
{
	const struct yaml_node *node = yaml_get(yaml_of("a: ${x}\n"), "a");

	declare("x", "abc");
	spent = YAML_MAX_SUBSTITUTED - 7 - sizeof(struct yaml_piece);
	cr_assert_not(substitute(node)->refused);
	cr_assert(substitute(node)->refused);
	cr_assert(substitute(node)->refused);
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(
		0, DIAG_E0106, 1, 4, "the values of parameters make more than 64 MiB of text here");
}

/* What libyaml is shown is longer than the file; the file's bytes are what is limited. */
Test(substitute, the_limit_is_for_what_the_file_says)
{
	char *text = arena_alloc(&arena, 70000);

	memcpy(text, "a: ", 3);
	for (size_t i = 0; i < 16384; i++)
		memcpy(text + 3 + i * 4, "${x}", 4);
	cr_assert_eq(yaml_get(yaml_of(text), "a")->length, 65536);
	strcat(text, "y");
	yaml_all(text, strlen(text));
	expect_diagnostic(
		0, DIAG_E0106, 1, 4, "this value is 65537 bytes long, the limit is 65536");
}

/* Faults of one scalar: each is told by its place. */
static void unknown_parameters(size_t amount)
{
	char *text = arena_alloc(&arena, amount * 4 + 1);

	for (size_t i = 0; i < amount; i++)
		memcpy(text + i * 4, "${a}", 4);
	value_in(arena_printf(&arena, "a: %s\n", text));
	cr_assert_eq(diagnostics.list.count, amount);
}

Test(substitute, many_faults_in_one_scalar_take_linear_time)
{
	double times = growth(unknown_parameters, 4000);

	cr_assert_lt(times, 10, "%.1f", times);
}
