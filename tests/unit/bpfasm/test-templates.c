/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Templates: what they stand for, whose their labels are, and where their faults are. */
#include "tests/unit/support.h"

#include "lib/bpfasm/instruction.h"

#include <string.h>

SUITE(templates);
SUITE(labels);
SUITE(arguments);
SUITE(circles);
SUITE(limits);
SUITE(unused);
SUITE(places);

#define EXIT                                                                                       \
	{                                                                                          \
		0x95, 0, 0, 0, 0                                                                   \
	}
#define SET(dst, value)                                                                            \
	{                                                                                          \
		0xb7, dst, 0, 0, value                                                             \
	}
#define GOTO(distance)                                                                             \
	{                                                                                          \
		0x05, 0, 0, distance, 0                                                            \
	}

/* The templates' first line is line 8; `type` is the program's. */
#define TEMPLATES_LINE 8
static const char head[] = "sockform: v1\n"
			   "name: code\n"
			   "params: { port: 9000, label: out }\n"
			   "maps:\n"
			   "  pairs: { type: sockhash, key: [cookie], max_entries: 8 }\n"
			   "  indexed: { type: sockmap, max_entries: 8 }\n"
			   "templates:\n";

static const struct bpfasm_code *code_of_type(
	const char *type, const char *templates, const char *body)
{
	const char *text = arena_printf(&arena, "%s%sprograms:\n  p:\n    type: %s\n    body:\n%s",
		head, templates, type, body);
	const struct bpfasm_code *code;

	code = assemble_unchecked(any_manifest(text))[0];
	diag_sort(&diagnostics);
	return code;
}

static const struct bpfasm_code *any(const char *templates, const char *body)
{
	return code_of_type("sk_skb", templates, body);
}

static const struct bpfasm_code *valid(const char *templates, const char *body)
{
	const struct bpfasm_code *code = any(templates, body);

	expect_no_diagnostics();
	cr_assert_not_null(code);
	return code;
}

/* The only fault, in those lines behind the templates' first one. */
static void expect_fault(const char *templates, const char *body, enum diag_code code,
	uint32_t line, uint32_t column, const char *message, const char *hint)
{
	diagnostics = (struct diagnostics){ .arena = &arena };
	any(templates, body);
	expect_diagnostic(0, code, TEMPLATES_LINE + line, column, message);
	expect_hint(0, hint);
	cr_assert_eq(diagnostics.list.count, 1, "%s", diagnostics.list.items[1].message);
	cr_assert_eq(diagnostics.errors, 1);
}

Test(templates, stand_for_their_bodies)
{
	EXPECT_CODE(valid("  one: { body: [ r1 = 1, r2 = 2 ] }\n"
			  "  none: { body: [] }\n"
			  "  verdict: { body: [ sk_skb_pass ] }\n",
			    "    - one\n"
			    "    - none\n"
			    "    - ' one '\n"
			    "    - one: {}\n"
			    "    - one:\n"
			    "    - verdict\n"),
		SET(1, 1), SET(2, 2), SET(1, 1), SET(2, 2), SET(1, 1), SET(2, 2), SET(1, 1),
		SET(2, 2), SET(0, 1), EXIT);
}

Test(templates, take_arguments)
{
	EXPECT_CODE(valid("  t:\n"
			  "    params: { reg: { kind: reg }, n: { kind: imm, default: 7 } }\n"
			  "    body:\n"
			  "      - mov: { dst: ${reg}, imm: ${n} }\n"
			  "      - |\n"
			  "        ${reg} += ${n}; ${reg} -= -1${n}\n",
			    "    - t: { reg: r3 }\n"
			    "    - t: { n: 20, reg: r4 }\n"
			    "    - exit\n"),
		SET(3, 7), { 0x07, 3, 0, 0, 7 }, { 0x17, 3, 0, 0, -17 }, SET(4, 20),
		{ 0x07, 4, 0, 0, 20 }, { 0x17, 4, 0, 0, -120 }, EXIT);
}

/* Maps by name, also through another template; sizes and offsets in both of their syntaxes. */
Test(templates, take_arguments_of_every_kind)
{
	const struct bpfasm_code *code =
		valid("  load: { params: { m: { kind: map } }, body: [ 'r2 = ${m} ll' ] }\n"
		      "  t:\n"
		      "    params:\n"
		      "      m: { kind: map }\n"
		      "      size: { kind: size }\n"
		      "      off: { kind: offset, default: -4 }\n"
		      "      field: { kind: field, default: any_word }\n"
		      "      words: { kind: text }\n"
		      "      all: {}\n"
		      "    body:\n"
		      "      - load: { m: ${m} }\n"
		      "      - ldx: { size: ${size}, dst: r0, src: r10, off: ${off} }\n"
		      "      - ${words} // ${field}\n"
		      "      - ${all}r0 = 1\n",
			"    - t: { m: indexed, size: h, words: 'r7 = 5; r8 = 6', all: '' }\n"
			"    - exit\n");

	EXPECT_CODE(code, { 0x18, 2, 1, 0, 0 }, { 0 }, { 0x69, 0, 10, -4, 0 }, SET(7, 5), SET(8, 6),
		SET(0, 1), EXIT);
	cr_assert_eq(code->relocations.count, 1);
	cr_assert_eq(code->relocations.items[0].map, 1);
}

/* What a parameter says may be a block or a template. */
Test(templates, a_word_that_an_argument_makes)
{
	EXPECT_CODE(valid("  one: { body: [ r1 = 1 ] }\n"
			  "  t: { params: { x: {} }, body: [ '${x}' ] }\n",
			    "    - t: { x: one }\n"
			    "    - t: { x: sk_skb_drop }\n"),
		SET(1, 1), SET(0, 0), EXIT);
}

/* The manifest's parameters are seen in bodies, in defaults and in arguments; own ones hide them. */
Test(templates, see_the_parameters_of_the_manifest)
{
	EXPECT_CODE(valid("  t:\n"
			  "    params: { x: { default: '${port}' } }\n"
			  "    body: [ 'r1 = ${port}', 'r2 = ${x}', u: { port: 4 } ]\n"
			  "  u: { params: { port: {} }, body: [ 'r3 = ${port}' ] }\n",
			    "    - t\n"
			    "    - u: { port: 1${port} }\n"
			    "    - exit\n"),
		SET(1, 9000), SET(2, 9000), SET(3, 4), SET(3, 19000), EXIT);
}

/* An argument is what it says where it stands, and not looked through where it is put in. */
Test(templates, arguments_are_handed_on)
{
	EXPECT_CODE(
		valid("  inner: { params: { x: {}, y: {} }, body: [ 'r1 = ${x}; r2 = ${y}' ] }\n"
		      "  outer: { params: { x: {} }, body: [ inner: { x: 1${x}, y: ${port} } ] }\n",
			"    - outer: { x: 2 }\n"
			"    - exit\n"),
		SET(1, 12), SET(2, 9000), EXIT);
}

/* What is in the kernel cannot tell how it was written. */
Test(templates, have_the_digest_of_what_they_stand_for)
{
	uint64_t with =
		valid("  only_port:\n"
		      "    doc: passes what is not for a port\n"
		      "    params: { port: { kind: imm }, else: { kind: label, default: out } }\n"
		      "    body:\n"
		      "      - r2 = *(u32 *)(r1 + 136)\n"
		      "      - if r2 != ${port} goto ${else}\n"
		      "  route:\n"
		      "    params: { map: { kind: map } }\n"
		      "    body:\n"
		      "      - sk_redirect_hash: { map: ${map}, key: self, on_miss: pass }\n"
		      "      - exit\n",
			"    - only_port: { port: 80 }\n"
			"    - route: { map: pairs }\n"
			"    - 'out:'\n"
			"    - sk_skb_pass\n")
			->digest;

	cr_assert_eq(
		with, valid("  none: { body: [] }\n",
			      "    - r2 = *(u32 *)(r1 + 136)\n"
			      "    - if r2 != 80 goto out\n"
			      "    - sk_redirect_hash: { map: pairs, key: self, on_miss: pass }\n"
			      "    - exit\n"
			      "    - 'out:'\n"
			      "    - sk_skb_pass\n")
			      ->digest);
}

/* Each expansion has its own "out", and the program has one. */
Test(labels, belong_to_one_expansion)
{
	EXPECT_CODE(valid("  t:\n"
			  "    params: { l: { kind: label } }\n"
			  "    body: [ if r1 == 0 goto out, 'goto ${l}', 'out:' ]\n",
			    "    - t: { l: out }\n"
			    "    - r5 = 5\n"
			    "    - t: { l: out }\n"
			    "    - 'out: r0 = 1'\n"
			    "    - exit\n"),
		{ 0x15, 1, 0, 1, 0 }, GOTO(3), SET(5, 5), { 0x15, 1, 0, 1, 0 }, GOTO(0), SET(0, 1),
		EXIT);
}

Test(labels, stay_those_of_whoever_passed_them_first)
{
	EXPECT_CODE(valid("  inner:\n"
			  "    params: { l: { kind: label } }\n"
			  "    body: [ 'goto ${l}', 'out: r1 = 1' ]\n"
			  "  middle:\n"
			  "    params: { l: { kind: label } }\n"
			  "    body: [ inner: { l: ${l} }, inner: { l: out }, 'out: r2 = 2' ]\n",
			    "    - middle: { l: out }\n"
			    "    - r3 = 3\n"
			    "    - 'out: r0 = 0'\n"
			    "    - exit\n"),
		GOTO(5), SET(1, 1), GOTO(1), SET(1, 1), SET(2, 2), SET(3, 3), SET(0, 0), EXIT);
}

Test(labels, a_default_is_a_label_of_the_caller)
{
	EXPECT_CODE(valid("  t:\n"
			  "    params: { l: { kind: label, default: out } }\n"
			  "    body: [ 'goto ${l}', 'out: r1 = 1' ]\n"
			  "  u: { body: [ t, 'out: r2 = 2' ] }\n",
			    "    - t\n"
			    "    - u\n"
			    "    - r3 = 3\n"
			    "    - 'out: exit'\n"),
		GOTO(5), SET(1, 1), GOTO(1), SET(1, 1), SET(2, 2), SET(3, 3), EXIT);
}

/* The manifest's parameter is text: which label it is depends on where it stands. */
Test(labels, by_a_parameter_of_the_manifest)
{
	EXPECT_CODE(valid("  t:\n"
			  "    params: { l: { kind: label } }\n"
			  "    body: [ 'goto ${l}', 'goto ${label}', 'r2 = 2', 'out: r1 = 1' ]\n",
			    "    - t: { l: ${label} }\n"
			    "    - 'out: exit'\n"),
		GOTO(3), GOTO(1), SET(2, 2), SET(1, 1), EXIT);
}

Test(labels, at_the_end_lead_behind_the_template)
{
	EXPECT_CODE(
		valid("  t: { body: [ if r1 == 0 goto end, r1 = 1, 'end:' ] }\n", "    - t\n"
										  "    - t\n"
										  "    - exit\n"),
		{ 0x15, 1, 0, 1, 0 }, SET(1, 1), { 0x15, 1, 0, 1, 0 }, SET(1, 1), EXIT);
}

/* A block's word for a verdict is not taken for a label, however it came there. */
Test(labels, of_blocks)
{
	EXPECT_CODE(valid("  t:\n"
			  "    params: { miss: { kind: label } }\n"
			  "    body:\n"
			  "      - sk_redirect_map: { map: indexed, key: 0, on_miss: ${miss} }\n",
			    "    - t: { miss: out }\n"
			    "    - t: { miss: pass }\n"
			    "    - exit\n"
			    "    - 'out: r0 = 0'\n"
			    "    - exit\n"),
		/* The first call takes the context away, which the second needs. */
		{ 0x7b, 10, 1, -448, 0 }, { 0x18, 2, 1, 0, 0 }, { 0 }, SET(3, 0), SET(4, 0),
		{ 0x85, 0, 0, 0, 52 }, { 0x15, 0, 0, 8, 0 }, { 0x79, 1, 10, -448, 0 },
		{ 0x18, 2, 1, 0, 0 }, { 0 }, SET(3, 0), SET(4, 0), { 0x85, 0, 0, 0, 52 }, SET(0, 1),
		EXIT, SET(0, 0), EXIT);
}

/* Only the whole word is the label that was passed. */
Test(labels, that_a_parameter_is_a_part_of)
{
	EXPECT_CODE(valid("  t:\n"
			  "    params: { l: { kind: label }, n: { kind: text } }\n"
			  "    body:\n"
			  "      - goto x${l}\n"
			  "      - r2 = 2\n"
			  "      - 'xout: goto a${n}b'\n"
			  "      - r3 = 3\n"
			  "      - 'a${n}b: r1 = ${n}'\n",
			    "    - t: { l: out, n: 7 }\n"
			    "    - exit\n"),
		GOTO(1), SET(2, 2), GOTO(1), SET(3, 3), SET(1, 7), EXIT);
}

static const char own_labels[] =
	"a template sees its own labels, and those that a parameter passes in";

Test(labels, of_others_are_not_seen)
{
	/* Of the caller: found without any use. */
	expect_fault("  t: { body: [ goto out ] }\n", "    - t\n    - 'out: exit'\n", DIAG_E0303, 0,
		21, "no label is named \"out\"", own_labels);
	/* Of the caller, by text. */
	expect_fault("  t: { params: { x: {} }, body: [ 'goto ${x}' ] }\n",
		"    - t: { x: out }\n    - 'out: exit'\n", DIAG_E0303, 0, 41,
		"no label is named \"out\"", own_labels);
	cr_assert_str_eq(diagnostics.list.items[0].use->name, "t");
	/* Of the template. */
	expect_fault("  t: { body: [ 'inner: r1 = 1' ] }\n", "    - t\n    - goto inner\n",
		DIAG_E0303, 6, 12, "no label is named \"inner\"", NULL);
}

/* What was passed is wrong where it was passed; said once, however often it is jumped to. */
Test(labels, that_are_missing_where_they_are_passed)
{
	static const char templates[] =
		"  t: { params: { l: { kind: label } }, body: [ 'goto ${l}', 'goto ${l}' ] }\n"
		"  u: { params: { l: { kind: label, default: gone } }, body: [ t: { l: ${l} } ] "
		"}\n";

	expect_fault(templates, "    - t: { l: oot }\n    - 'out: exit'\n", DIAG_E0303, 6, 15,
		"no label is named \"oot\"", "did you mean \"out\"?");
	cr_assert_null(diagnostics.list.items[0].use);
	expect_fault(templates, "    - u: { l: nowhere }\n    - 'out: exit'\n", DIAG_E0303, 6, 15,
		"no label is named \"nowhere\"", NULL);
	expect_fault(templates, "    - u\n    - 'out: exit'\n", DIAG_E0303, 1, 45,
		"no label is named \"gone\"", NULL);
	cr_assert_str_eq(diagnostics.list.items[0].use->name, "u");
}

Test(labels, stand_once_in_an_expansion)
{
	expect_fault("  t: { body: [ 'x: r1 = 1', 'x: r1 = 2' ] }\n", "    - t\n    - exit\n",
		DIAG_E0304, 0, 30, "the label \"x\" stands twice", "first on line 8");
}

/* Behind the last instruction there is nothing to jump to. */
Test(labels, at_the_end_of_all)
{
	expect_fault("  t: { body: [ goto end, 'end:' ] }\n", "    - t\n", DIAG_E0309, 0, 27,
		"the body of \"p\" can fall off its end", "end it with exit");
	cr_assert_eq(diagnostics.list.items[0].use->mark.line, TEMPLATES_LINE + 5);
}

/* A use of a template with one parameter, "v", of that kind. */
static const struct bpfasm_code *with_argument(const char *kind, const char *value)
{
	diagnostics = (struct diagnostics){ .arena = &arena };
	return any(arena_printf(&arena, "  t: { params: { v: { kind: %s } }, body: [] }\n", kind),
		arena_printf(&arena, "    - t: { v: %s }\n    - exit\n", value));
}

Test(arguments, that_fit_their_kind)
{
	static const char *const fitting[][2] = { { "imm", "-5" }, { "imm", "0x10" },
		{ "imm", "'2147483647'" }, { "reg", "r0" }, { "reg", "r10" }, { "label", "a_1" },
		{ "field", "local_port" }, { "size", "dw" }, { "size", "u32" },
		{ "offset", "-32768" }, { "offset", "32767" }, { "text", "a b" }, { "any", "''" },
		{ "any", "5" }, { "map", "pairs" }, { "map", "indexed" } };

	for (size_t i = 0; i < sizeof(fitting) / sizeof(fitting[0]); i++) {
		cr_assert_not_null(with_argument(fitting[i][0], fitting[i][1]), "%s %s",
			fitting[i][0], fitting[i][1]);
		expect_no_diagnostics();
	}
}

/* Said of the argument, in the words that blocks have for it. */
Test(arguments, that_do_not_fit_their_kind)
{
	static const struct {
		const char *kind, *value;
		enum diag_code code;
		const char *message, *hint;
	} wrong[] = {
		{ "imm", "x", DIAG_E0221, "\"v\" has to be a number of 32 bits", NULL },
		{ "imm", "0x80000000", DIAG_E0221,
			"\"v\" has to be between -2147483648 and 2147483647", NULL },
		{ "imm", "r1", DIAG_E0221, "\"v\" has to be a number of 32 bits", NULL },
		{ "reg", "r11", DIAG_E0221, "\"v\" has to be a register, r0 to r10", NULL },
		{ "reg", "${port}", DIAG_E0221, "\"v\" has to be a register, r0 to r10",
			"it says \"9000\" here" },
		{ "label", "a-b", DIAG_E0221, "\"v\" has to be a label", NULL },
		{ "label", "1a", DIAG_E0221, "\"v\" has to be a label", NULL },
		{ "field", "a b", DIAG_E0221, "\"v\" has to be a field of the context", NULL },
		{ "size", "q", DIAG_E0221, "\"v\" has to be a size: b, h, w or dw", NULL },
		{ "offset", "32768", DIAG_E0221, "\"v\" has to be between -32768 and 32767", NULL },
		{ "text", "''", DIAG_E0221, "\"v\" has to be text", NULL },
		{ "map", "paris", DIAG_E0212, "no map is named \"paris\"",
			"did you mean \"pairs\"?" },
		{ "any", "[a]", DIAG_E0203, "\"v\" has to be a word or a number, not a list",
			NULL },
		{ "any", "~", DIAG_E0203, "\"v\" has to be a word or a number, not nothing", NULL },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_assert_null(with_argument(wrong[i].kind, wrong[i].value));
		expect_diagnostic(0, wrong[i].code, TEMPLATES_LINE + 5, 15, wrong[i].message);
		expect_hint(0, wrong[i].hint);
		cr_assert_eq(diagnostics.list.count, 1, "%s", wrong[i].value);
		cr_assert_null(diagnostics.list.items[0].use);
	}
}

Test(arguments, that_are_missing_or_unknown)
{
	static const char templates[] =
		"  t: { params: { port: { kind: imm }, b: {}, c: { default: 1 } }, body: [] }\n";

	expect_fault(templates, "    - t: { b: 1 }\n    - exit\n", DIAG_E0221, 5, 7,
		"\"t\" needs \"port\" (a number of 32 bits)", NULL);
	expect_fault(templates, "    - t: { port: 1 }\n    - exit\n", DIAG_E0221, 5, 7,
		"\"t\" needs \"b\" (a value)", NULL);
	expect_fault(templates, "    - t: { port: 1, b: 2, prot: 3 }\n    - exit\n", DIAG_E0220, 5,
		27, "\"t\" has no parameter \"prot\"", "did you mean \"port\"?");
	expect_fault(templates, "    - t: 5\n    - exit\n", DIAG_E0203, 5, 10,
		"\"t\" has to be a mapping of arguments, not text", NULL);
	expect_fault(templates, "    - t: [port]\n    - exit\n", DIAG_E0203, 5, 10,
		"\"t\" has to be a mapping of arguments, not a list", NULL);
	any(templates, "    - t\n    - exit\n");
	cr_assert_eq(diagnostics.errors, 3);
}

/* What a faulty parameter is used for says nothing more. */
Test(arguments, whose_fault_is_known_are_passed_over)
{
	expect_fault("  t: { params: { x: {} }, body: [ 'r1 = ${x}', u: { y: ${x} } ] }\n"
		     "  u: { params: { y: { kind: imm } }, body: [ 'r2 = ${y}' ] }\n",
		"    - t: { x: ${nothing} }\n", DIAG_E0220, 6, 15,
		"no parameter is named \"nothing\"", NULL);
}

Test(arguments, defaults_are_judged_where_they_stand)
{
	expect_fault("  t: { params: { x: { kind: reg, default: 5 } }, body: [ 'r1 = ${x}' ] }\n",
		"    - t\n    - exit\n", DIAG_E0221, 0, 43, "\"x\" has to be a register, r0 to r10",
		NULL);
	expect_fault(
		"  t: { params: { x: { kind: map, default: paris } }, body: [ 'r1 = ${x} ll' ] }\n",
		"    - exit\n", DIAG_E0212, 0, 43, "no map is named \"paris\"",
		"did you mean \"pairs\"?");
}

Test(circles, of_one_and_of_several)
{
	expect_fault("  t: { body: [ r1 = 1, t ] }\n", "    - exit\n", DIAG_E0222, 0, 24,
		"\"t\" uses itself", NULL);
	expect_fault("  a: { body: [ b ] }\n"
		     "  b: { body: [ c: {} ] }\n"
		     "  c: { body: [ r1 = 1, a ] }\n"
		     "  d: { body: [ a, c ] }\n",
		"    - d\n    - b\n    - exit\n", DIAG_E0222, 2, 24,
		"\"a\" uses \"b\", which uses \"c\", which uses \"a\"", NULL);
}

/* Which template it is, only the argument says: that is found in the use. */
Test(circles, through_an_argument)
{
	expect_fault("  a: { params: { x: {} }, body: [ b: { x: ${x} } ] }\n"
		     "  b: { params: { x: {} }, body: [ '${x}' ] }\n"
		     "  c: { body: [ a: { x: c } ] }\n",
		"    - c\n    - exit\n", DIAG_E0222, 1, 35,
		"\"c\" uses \"a\", which uses \"b\", which uses \"c\"", NULL);
	cr_assert_str_eq(diagnostics.list.items[0].use->name, "b");
}

/* t1 to t<levels>, each of which uses the one before `fan` times. */
static const char *tree(int levels, int fan, const char *leaf)
{
	const char *text = arena_printf(&arena, "  t1: { body: [ %s ] }\n", leaf);

	for (int i = 2; i <= levels; i++) {
		text = arena_printf(&arena, "%s  t%d: { body: [ t%d", text, i, i - 1);
		for (int j = 1; j < fan; j++)
			text = arena_printf(&arena, "%s, t%d", text, i - 1);
		text = arena_printf(&arena, "%s ] }\n", text);
	}
	return text;
}

Test(limits, depth)
{
	EXPECT_CODE(valid(tree(TEMPLATE_MAX_DEPTH, 1, "r1 = 1"), "    - t32\n    - exit\n"),
		SET(1, 1), EXIT);
	expect_fault(tree(TEMPLATE_MAX_DEPTH + 1, 1, "r1 = 1"), "    - t33\n    - exit\n",
		DIAG_E0222, 32, 18, "templates use each other more than 32 levels deep here", NULL);
}

/* Levels that only arguments make are counted where they are made: a<i> leads to b by its name. */
Test(limits, depth_through_arguments)
{
	const char *text = "  b: { params: { x: {} }, body: [ '${x}' ] }\n"
			   "  a1: { body: [ r1 = 1 ] }\n";

	for (int i = 2; i <= 17; i++)
		text = arena_printf(
			&arena, "%s  a%d: { body: [ b%d: { x: a%d } ] }\n", text, i, i, i - 1);
	for (int i = 2; i <= 17; i++)
		text = arena_printf(
			&arena, "%s  b%d: { params: { x: {} }, body: [ '${x}' ] }\n", text, i);
	valid(text, "    - a16\n    - b: { x: r2 = 2 }\n    - exit\n");
	expect_fault(text, "    - a17\n    - exit\n", DIAG_E0222, 38, 7,
		"\"a17\" expands too far: templates stand in each other more than 32 levels deep",
		NULL);
}

static const char too_many_nodes[] = "the templates of a manifest stand for at most 2000000 nodes "
				     "and 64 MiB of text";

/* Two to the 27th of them would be the end of any memory. */
static void expect_bomb(const char *leaf, const char *message)
{
	expect_fault(tree(28, 2, leaf), "    - t28\n    - t28\n    - exit\n", DIAG_E0222, 32, 7,
		arena_printf(&arena, "\"t28\" expands too far: %s", message), NULL);
}

Test(limits, bombs_end_quickly)
{
	char *text = arena_alloc(&arena, 60001), *many = arena_alloc(&arena, 60001);

	memset(text, 'x', 60000);
	for (size_t i = 0; i < 10000; i++)
		memcpy(many + i * 6, "exit; ", 6);
	expect_bomb("r1 = 1", too_many_nodes);
	expect_bomb("", too_many_nodes);
	expect_bomb(arena_printf(&arena, "'# %s'", text), too_many_nodes);
	expect_bomb(
		arena_printf(&arena, "'%s'", many), "a program has at most 1000000 instructions");
}

/* Eight times 50 times 50 times 50 are a million, and one more is too many for the kernel. */
Test(limits, as_many_instructions_as_the_kernel_takes)
{
	const char *leaf = "'r1 = 1; r1 = 1; r1 = 1; r1 = 1; r1 = 1; r1 = 1; r1 = 1; r1 = 1'";
	const char *fifty = "";
	const struct bpfasm_code *code;

	for (int i = 0; i < 50; i++)
		fifty = arena_printf(&arena, "%s%s%s", fifty, i ? ", " : "", leaf);
	code = any(tree(3, 50, fifty), "    - t3\n    - exit\n");
	cr_assert_null(code);
	expect_diagnostic(0, DIAG_E0310, TEMPLATES_LINE + 4, 3,
		"program \"p\" has 1000001 instructions, the kernel takes 1000000");
	cr_assert_eq(diagnostics.list.count, 1);
}

/* Programs of one manifest share what they may expand to; the rest is passed over in silence. */
Test(limits, of_all_programs_together)
{
	const char *leaf = "r1 = 1", *programs = "";

	for (int i = 0; i < 99; i++)
		leaf = arena_printf(&arena, "%s, r1 = 1", leaf);
	for (int i = 0; i < 8; i++)
		programs = arena_printf(&arena,
			"%s  q%d:\n    type: sk_skb\n    body: [ t2, exit ]\n", programs, i);
	/* 3,000 times 101 nodes are 303,000 a program: the seventh is too much. */
	assemble_unchecked(any_manifest(
		arena_printf(&arena, "%s%sprograms:\n%s", head, tree(2, 3000, leaf), programs)));
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0222, TEMPLATES_LINE + 2 + 1 + 3 * 6 + 2, 13,
		arena_printf(&arena, "\"t2\" expands too far: %s", too_many_nodes));
}

/* Nobody reads on, and 2^20 faults with 20 uses each would be written for long. */
Test(limits, faults)
{
	any("  t1: { params: { x: {} }, body: [ 'r1 = a${x}' ] }\n"
	    "  t2: { body: [ t1: { x: a }, t1: { x: b } ] }\n"
	    "  t3: { body: [ t2, t2, t2, t2, t2, t2, t2, t2, t2, t2 ] }\n"
	    "  t4: { body: [ t3, t3, t3, t3, t3, t3, t3, t3, t3, t3 ] }\n"
	    "  t5: { body: [ t4, t4, t4, t4, t4, t4, t4, t4, t4, t4 ] }\n"
	    "  t6: { body: [ t5, t5, t5, t5, t5, t5, t5, t5, t5, t5 ] }\n",
		"    - t6\n");
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0302, TEMPLATES_LINE, 42, "expected a register or a number");
}

/* Each in a template that nobody uses: what no argument can mend. */
Test(unused, faults_that_are_found)
{
	static const struct {
		const char *body;
		enum diag_code code;
		uint32_t column; /* of the body's list and on */
		const char *message;
	} faults[] = {
		{ "[ r1 = ]", DIAG_E0302, 7,
			"expected a register or a number before the end of the instruction" },
		{ "[ 'r1 = ${x}; r2 = ' ]", DIAG_E0302, 19,
			"expected a register or a number before the end of the instruction" },
		{ "[ nosuch ]", DIAG_E0301, 3, "\"nosuch\" is neither a block nor an instruction" },
		{ "[ nosuch: { a: ${x} } ]", DIAG_E0301, 3, "no block is named \"nosuch\"" },
		{ "[ mov: { dst: ${x} } ]", DIAG_E0305, 3,
			"mov needs \"imm\" (a number of 32 bits)" },
		{ "[ mov: { dst: ${x}, imm: y } ]", DIAG_E0305, 26,
			"\"imm\" has to be a number of 32 bits" },
		{ "[ mov: { dst: r1, imm: 1, x: ${x} } ]", DIAG_E0305, 27,
			"mov has no argument \"x\"" },
		{ "[ [ ${x} ] ]", DIAG_E0203, 3,
			"an item of a body has to be an instruction or a block, not a list" },
		{ "[ mov: ${x} ]", DIAG_E0203, 8,
			"\"mov\" has to be a mapping of arguments, not text" },
		{ "[ 'r1 = ${y}' ]", DIAG_E0220, 9, "no parameter is named \"y\"" },
		{ "[ goto out, 'r1 = ${x}' ]", DIAG_E0303, 8, "no label is named \"out\"" },
		{ "[ 'a:', 'a:' ]", DIAG_E0304, 10, "the label \"a\" stands twice" },
		{ "[ call nosuch ]", DIAG_E0306, 8, "no helper is named \"nosuch\"" },
		{ "[ 'r1 = paris ll' ]", DIAG_E0212, 9, "no map is named \"paris\"" },
		{ "[ sk_redirect_map: { map: pairs, key: ${x} } ]", DIAG_E0308, 27,
			"the block works on a sockmap, \"pairs\" is a sockhash" },
		{ "[ other: { n: ${x}, m: 1 } ]", DIAG_E0220, 21,
			"\"other\" has no parameter \"m\"" },
		{ "[ other: { n: y } ]", DIAG_E0221, 15, "\"n\" has to be a number of 32 bits" },
		{ "[ other ]", DIAG_E0221, 3, "\"other\" needs \"n\" (a number of 32 bits)" },
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		diagnostics = (struct diagnostics){ .arena = &arena };
		any(arena_printf(&arena,
			    "  other: { params: { n: { kind: imm } }, body: [] }\n"
			    "  t: { params: { x: {} }, body: %s }\n",
			    faults[i].body),
			"    - exit\n");
		expect_diagnostic(0, faults[i].code, TEMPLATES_LINE + 1, 32 + faults[i].column,
			faults[i].message);
		cr_assert_eq(diagnostics.list.count, 1, "%s", faults[i].body);
		cr_assert_null(diagnostics.list.items[0].use);
	}
}

/* What a use may make right is left to the uses. */
Test(unused, what_an_argument_can_mend_is_no_fault)
{
	static const char *const bodies[] = {
		"[ '${x}' ]",
		"[ 'r1 = ${x} ] ; goto ${x}' ]",
		"[ '${x}: r1 = 1', goto out ]",
		"[ 'out: r1 = ${x}', goto out ]",
		"[ goto out, 'out: goto ${x}' ]",
		"[ other: { n: ${x} } ]",
		"[ mov: { dst: ${x}, imm: -${x} } ]",
		"[ sk_redirect_hash: { map: ${x}, key: ${x}, on_miss: ${x} } ]",
		"[ sk_redirect_hash: { map: pairs, key: self, on_miss: out } ]",
		"[ sk_skb_pass, r1 = 1 ]",
		"[]",
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		valid(arena_printf(&arena,
			      "  other: { params: { n: { kind: imm } }, body: [] }\n"
			      "  t: { params: { x: {} }, body: %s }\n",
			      bodies[i]),
			"    - exit\n");
}

/* Found once, without the uses. */
Test(unused, a_faulty_template_is_passed_over_where_it_is_used)
{
	expect_fault("  t: { params: { x: {} }, body: [ r1 =, 'r2 = ${x}' ] }\n"
		     "  u: { body: [ t: { x: 1 } ] }\n",
		"    - t: { x: 1 }\n    - t: { x: nonsense }\n    - u\n    - r1 = 1\n", DIAG_E0302,
		0, 39, "expected a register or a number before the end of the instruction", NULL);
}

/* A block for other programs: what the template is for, its use tells. */
Test(places, of_what_depends_on_the_program)
{
	cr_assert_null(code_of_type("sk_msg", "  t: { body: [ sk_skb_pass ] }\n", "    - t\n"));
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0307, TEMPLATES_LINE, 16,
		"a program of type sk_msg cannot use sk_skb_pass");
	cr_assert_eq(diagnostics.list.items[0].use->mark.line, TEMPLATES_LINE + 5);
}

/* Of a parameter, each place that leads there, from the inside to the outside. */
Test(places, with_all_uses)
{
	const struct diag_use *use;

	cr_assert_null(any("  a: { params: { m: {} }, body: [ 'r2 = ${m} ll' ] }\n"
			   "  b: { params: { m: {} }, body: [ r1 = 1, a: { m: x${m} } ] }\n"
			   "  c: { body: [ b: { m: y } ] }\n",
		"    - c\n    - exit\n"));
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0212, TEMPLATES_LINE, 41, "no map is named \"xy\"");
	expect_mark(diagnostics.list.items[0].mark, TEMPLATES_LINE, 41, 4);
	use = diagnostics.list.items[0].use;
	cr_assert_str_eq(use->name, "a");
	expect_mark(use->mark, TEMPLATES_LINE + 1, 43, 1);
	use = use->outer;
	cr_assert_str_eq(use->name, "b");
	expect_mark(use->mark, TEMPLATES_LINE + 2, 16, 1);
	use = use->outer;
	cr_assert_str_eq(use->name, "c");
	expect_mark(use->mark, TEMPLATES_LINE + 7, 7, 1);
	cr_assert_null(use->outer);
}

/* One fault of a template, used twice: each use can be mended by itself. */
Test(places, of_each_use)
{
	any("  t: { params: { x: {} }, body: [ 'r1 = ${x}' ] }\n",
		"    - t: { x: a }\n    - t: { x: b }\n    - t: { x: 1 }\n    - exit\n");
	cr_assert_eq(diagnostics.list.count, 2);
	for (size_t i = 0; i < 2; i++) {
		expect_diagnostic(
			i, DIAG_E0302, TEMPLATES_LINE, 41, "expected a register or a number");
		cr_assert_eq(
			diagnostics.list.items[i].use->mark.line, TEMPLATES_LINE + 5 + (uint32_t)i);
	}
}

/* What the verifier is told of each instruction: its own place, and how it came there. */
Test(places, of_instructions)
{
	const struct bpfasm_code *code =
		valid("  t: { params: { x: {} }, body: [ 'r1 = ${x}', exit_insn ] }\n",
			"    - r0 = 0\n    - t: { x: 5 }\n    - exit\n");
	const struct bpfasm_origin *origins = code->origins.items;

	cr_assert_eq(code->origins.count, 4);
	expect_mark(origins[0].mark, TEMPLATES_LINE + 5, 7, 6);
	cr_assert_null(origins[0].use);
	expect_mark(origins[1].mark, TEMPLATES_LINE, 36, 9);
	cr_assert_str_eq(origins[1].use->name, "t");
	expect_mark(origins[1].use->mark, TEMPLATES_LINE + 6, 7, 1);
	cr_assert_null(origins[1].block);
	expect_mark(origins[2].mark, TEMPLATES_LINE, 48, 9);
	cr_assert_str_eq(origins[2].block, "exit_insn");
	cr_assert_eq(origins[2].use, origins[1].use);
	cr_assert_null(origins[3].use);
}

/* Assembled, and judged by what it does. */
static void check(const char *templates, const char *body)
{
	const char *text = arena_printf(&arena,
		"%s%sprograms:\n  p:\n    type: sk_skb\n    body:\n%s", head, templates, body);

	manifest_assemble(&arena, any_manifest(text), &diagnostics);
	diag_sort(&diagnostics);
}

/* What the block of another use has moved between registers says nothing of this one. */
Test(places, of_registers_that_a_use_is_given)
{
	check("  t: { body: [ { sk_redirect_hash: { ctx: r6, map: pairs, key: r4, flags: r3, "
	      "on_miss: pass } } ] }\n",
		"    - |\n"
		"      r6 = r1; *(u64 *)(r10 - 8) = 0\n"
		"      r4 = r10; r4 += -8; r3 = 0\n"
		"    - t\n"
		"    - t\n"
		"    - exit\n");
	cr_assert_eq(diagnostics.list.count, 2);
	expect_diagnostic(0, DIAG_E0312, TEMPLATES_LINE, 64,
		"sk_redirect_hash reads r4, and bpf_sk_redirect_hash has lost it");
	expect_diagnostic(1, DIAG_E0312, TEMPLATES_LINE, 75,
		"sk_redirect_hash reads r3, and bpf_sk_redirect_hash has lost it");
	expect_mark(diagnostics.list.items[0].use->mark, TEMPLATES_LINE + 9, 7, 1);
}

/* Each use has the fault, as a call that is in it loses what the next one is given. */
static void many_faulty_uses(size_t amount)
{
	const char *item = "    - t\n";
	char *body = arena_alloc(&arena, amount * strlen(item) + 64);

	for (size_t i = 0; i < amount; i++)
		memcpy(body + i * strlen(item), item, strlen(item));
	strcat(body, "    - exit\n");
	check("  t: { body: [ { sk_redirect_hash: { map: pairs, key: r4, on_miss: pass } } ] }\n",
		body);
	cr_assert_eq(diagnostics.errors, amount);
}

Test(limits, faulty_uses_take_time_by_their_number)
{
	cr_assert_lt(growth(many_faulty_uses, 5000), 8);
}

/* Arguments are told apart by what they are for, not by their number. */
static void many_uses(size_t amount)
{
	const char *item = "    - t: { x: 5, l: out }\n";
	char *body = arena_alloc(&arena, amount * strlen(item) + 64);

	for (size_t i = 0; i < amount; i++)
		memcpy(body + i * strlen(item), item, strlen(item));
	strcat(body, "    - 'out: exit'\n");
	valid("  t: { params: { x: {}, l: { kind: label } }, body: [ 'r1 = ${x}', 'a:', if r1 == 0 "
	      "goto a ] }\n",
		body);
}

/* A template of so many parameters, each declared like that. */
static const char *wide_template(size_t amount, const char *parameter)
{
	char *text = arena_alloc(&arena, 64 + amount * (strlen(parameter) + 32)), *at = text;

	at += sprintf(at, "  t:\n    params:\n");
	for (size_t i = 0; i < amount; i++)
		at += sprintf(at, "      p%zu: %s\n", i, parameter);
	sprintf(at, "    body: []\n");
	return text;
}

static const char *uses(size_t amount)
{
	char *body = arena_alloc(&arena, amount * 8 + 16), *at = body;

	for (size_t i = 0; i < amount; i++)
		at += sprintf(at, "    - t\n");
	sprintf(at, "    - exit\n");
	return body;
}

static void uses_of_defaults(size_t amount)
{
	valid(wide_template(amount, "{ kind: imm, default: 5 }"), uses(amount));
}

/* What a parameter is by default is read once, however often the template is used. */
Test(limits, defaults_take_time_by_their_number)
{
	cr_assert_lt(growth(uses_of_defaults, 500), 8);
}

/* Labels are whoever's that uses the template: what has to be done for each is paid for. */
Test(limits, of_parameters_that_are_left_out)
{
	any(wide_template(2000, "{ kind: label, default: out }"), uses(2000));
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0222, TEMPLATES_LINE + 2003 + 4 + 1001, 7,
		arena_printf(&arena, "\"t\" expands too far: %s", too_many_nodes));
	diagnostics = (struct diagnostics){ .arena = &arena };
	any(wide_template(2000, "{ kind: reg }"), uses(2000));
	cr_assert_eq(diagnostics.list.count, 2000);
}

Test(limits, uses_take_time_by_their_number)
{
	cr_assert_lt(growth(many_uses, 5000), 8);
}
