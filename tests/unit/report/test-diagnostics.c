/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* How diagnostics look. */
#include "tests/unit/support.h"

#include "lib/report/report.h"

#include <locale.h>
#include <string.h>

SUITE(rendering);

static struct capture capture;

static const char *render(enum sink_format format, bool colour, bool verbose)
{
	capture_begin(&capture, format);
	capture.sink.colour = colour;
	report_diagnostics(&capture.sink, &diagnostics, verbose);
	return capture_end(&capture);
}

static const char *as_text(void)
{
	return render(SINK_TEXT, false, false);
}

static struct diagnostic *add(const char *text, uint32_t line, uint32_t column, uint32_t length)
{
	return diag_add(&diagnostics, DIAG_E0212, mark_at(source_of(text), line, column, length),
		"no map is named \"x\"");
}

Test(rendering, nothing_for_an_empty_list)
{
	cr_assert_str_eq(as_text(), "");
	cr_assert_str_eq(render(SINK_JSON, false, false), "");
}

Test(rendering, place_message_line_caret_hint_count)
{
	add("first\n  map: x, y\n", 2, 8, 1)->hint = "did you mean \"z\"?";
	cr_assert_str_eq(as_text(), "t.yaml:2:8: error[E0212]: no map is named \"x\"\n"
				    "    2 |   map: x, y\n"
				    "      |        ^ did you mean \"z\"?\n"
				    "1 error\n");
}

Test(rendering, caret_is_as_long_as_the_mark)
{
	add("abc: long_name\n", 1, 6, 9);
	cr_assert_str_eq(as_text(), "t.yaml:1:6: error[E0212]: no map is named \"x\"\n"
				    "    1 | abc: long_name\n"
				    "      |      ^^^^^^^^^\n"
				    "1 error\n");
}

Test(rendering, a_mark_without_length_is_one_caret)
{
	add("abc\n", 1, 1, 0);
	cr_assert_not_null(strstr(as_text(), "\n      | ^\n1 error\n"));
}

/* A tab stays a tab, above and below, so that the caret stands under its word. */
Test(rendering, tabs)
{
	add("\ta:\tx\n", 1, 5, 1);
	cr_assert_str_eq(as_text(), "t.yaml:1:5: error[E0212]: no map is named \"x\"\n"
				    "    1 | \ta:\tx\n"
				    "      | \t  \t^\n"
				    "1 error\n");
}

/* One blank for each character, not for each byte. */
Test(rendering, characters_of_several_bytes)
{
	add("\xc3\xa9\xe2\x82\xac: x\n", 1, 5, 1);
	cr_assert_str_eq(as_text(), "t.yaml:1:5: error[E0212]: no map is named \"x\"\n"
				    "    1 | \xc3\xa9\xe2\x82\xac: x\n"
				    "      |     ^\n"
				    "1 error\n");
}

Test(rendering, what_steers_a_terminal_is_a_question_mark)
{
	add("a\x1b[31m\x07\x7f: x\r\n", 1, 1, 1);
	cr_assert_not_null(strstr(as_text(), "    1 | a?[31m??: x\n"));
}

Test(rendering, what_is_no_utf_8_is_a_question_mark)
{
	add("a\xff\xc3: \xe2\x82 x\xc3\xa9\n", 1, 1, 1);
	cr_assert_not_null(strstr(as_text(), "    1 | a??: ? x\xc3\xa9\n"));
}

Test(rendering, end_of_a_line_and_of_the_file)
{
	add("abc", 1, 4, 0);
	cr_assert_str_eq(as_text(), "t.yaml:1:4: error[E0212]: no map is named \"x\"\n"
				    "    1 | abc\n"
				    "      |    ^\n"
				    "1 error\n");
}

Test(rendering, a_column_behind_the_line_stays_at_its_end)
{
	add("abc\n", 1, 100, 1);
	cr_assert_not_null(strstr(as_text(), "    1 | abc\n      |    ^\n"));
}

Test(rendering, a_line_that_is_not_there_is_left_out)
{
	add("abc", 7, 1, 1);
	cr_assert_str_eq(as_text(), "t.yaml:7:1: error[E0212]: no map is named \"x\"\n1 error\n");
}

Test(rendering, large_line_numbers_push_nothing)
{
	char *text = arena_alloc(&arena, 20000);

	memset(text, '\n', 12345);
	text[12344] = 'x';
	add(text, 12345, 1, 1);
	cr_assert_not_null(strstr(as_text(), "\n12345 | x\n      | ^\n"));
}

/* Columns of the text and of the caret below it are the same. */
static void expect_caret_under(const char *output, const char *word)
{
	const char *line = strstr(output, " | ");
	const char *blank = strstr(line + 1, " | ");

	cr_assert_not_null(blank);
	cr_assert_eq(strstr(line, word) - line, strchr(blank, '^') - blank, "%s", output);
}

Test(rendering, over_long_lines_are_cut_around_the_caret)
{
	char *text = arena_alloc(&arena, 5001);
	const char *output;

	for (uint32_t at = 0; at < 5000 - 4; at += 33) {
		size_t shown;

		memset(text, '.', 5000);
		memcpy(text + at, "HERE", 4);
		diagnostics = (struct diagnostics){ .arena = &arena };
		add(text, 1, at + 1, 4);
		output = as_text();
		expect_caret_under(output, "HERE");
		shown = strcspn(strstr(output, " | ") + 3, "\n");
		cr_assert_leq(shown, 72, "%zu", shown);
	}
}

Test(rendering, lines_of_72_columns_are_shown_whole)
{
	char *text = arena_alloc(&arena, 202);

	memset(text, '.', 72);
	memcpy(text + 60, "HERE", 4);
	add(text, 1, 61, 4);
	cr_assert_not_null(strstr(as_text(), arena_printf(&arena, "    1 | %s\n", text)));
	expect_caret_under(as_text(), "HERE");
}

/* The cut never begins inside a character. */
Test(rendering, over_long_lines_of_wide_bytes)
{
	char *text = arena_alloc(&arena, 3001);
	const char *output;

	for (uint32_t shift = 0; shift < 3; shift++) {
		memset(text, '.', 3000);
		for (size_t i = shift; i + 3 <= 3000; i += 3)
			memcpy(text + i, "\xe2\x82\xac", 3);
		diagnostics = (struct diagnostics){ .arena = &arena };
		add(text, 1, 500, 1);
		output = strstr(as_text(), " | ") + 3;
		cr_assert_neq((unsigned char)*output & 0xc0, 0x80);
	}
}

Test(rendering, a_very_long_mark_is_bounded)
{
	char *text = arena_alloc(&arena, 70001);
	const char *caret;

	memset(text, 'x', 70000);
	add(text, 1, 1, 70000);
	caret = strchr(as_text(), '^');
	cr_assert_leq(strspn(caret, "^"), 72);
}

/* What is left out is shown by dots, and the caret still stands below what it means. */
Test(rendering, a_cut_line_says_so)
{
	const char *tens = "1234567890123456789012345678901234567890";

	add(arena_printf(&arena, "%s%sXX%s%s\n", tens, tens, tens, tens), 1, 81, 2);
	cr_assert_not_null(strstr(as_text(),
		"    1 | "
		"...890123456789012345678901234567890XX1234567890123456789012345678901...\n"
		"      |                                     ^^\n"));
	diagnostics.list.count = 0;
	add(arena_printf(&arena, "XX%s%s\n", tens, tens), 1, 1, 2);
	cr_assert_not_null(strstr(as_text(),
		"    1 | "
		"XX1234567890123456789012345678901234567890123456789012345678901234567...\n"
		"      | ^^\n"));
	diagnostics.list.count = 0;
	add(arena_printf(&arena, "%s%sXX\n", tens, tens), 1, 81, 2);
	cr_assert_not_null(strstr(as_text(),
		arena_printf(&arena, "    1 | ...%s%sXX\n      | %70s^^\n", tens + 13, tens, "")));
}

Test(rendering, a_hint_without_room_stands_below)
{
	const char *ten = "ten chars ";

	add("x: yyyy\n", 1, 4, 4)->hint =
		arena_printf(&arena, "%s%s%s%s%s%s1234", ten, ten, ten, ten, ten, ten);
	cr_assert_not_null(strstr(as_text(), "      |    ^^^^ ten chars ten"));
	diagnostics.list.items[0].hint =
		arena_printf(&arena, "%s%s%s%s%s%s12345", ten, ten, ten, ten, ten, ten);
	cr_assert_not_null(strstr(as_text(), "      |    ^^^^\n      | ten chars ten"));
	diagnostics.list.items[0].hint = arena_printf(
		&arena, "%s%s%s%s%s%s%s%stail", ten, ten, ten, ten, ten, ten, ten, ten);
	cr_assert_not_null(strstr(as_text(), "chars ten chars\n      | ten chars tail\n"));
	diagnostics.list.items[0].hint = arena_printf(&arena, "%0100d", 0);
	cr_assert_not_null(strstr(as_text(), "0\n      | 0000000000000000000000000000\n"));
}

Test(rendering, about_no_file)
{
	diag_add(&diagnostics, DIAG_E0403, mark_none, "CAP_BPF is missing");
	cr_assert_str_eq(as_text(), "sockform: error[E0403]: CAP_BPF is missing\n");
	diagnostics.list.items[0].hint = "run it as root";
	cr_assert_str_eq(
		as_text(), "sockform: error[E0403]: CAP_BPF is missing\n  run it as root\n");
}

Test(rendering, warnings_and_plurals)
{
	diag_add(&diagnostics, DIAG_W0601, mark_none, "one");
	diag_add(&diagnostics, DIAG_W0601, mark_none, "two");
	cr_assert_str_eq(as_text(), "sockform: warning[W0601]: one\n"
				    "sockform: warning[W0601]: two\n"
				    "2 warnings\n");
	diag_add(&diagnostics, DIAG_E0402, mark_none, "three");
	diag_add(&diagnostics, DIAG_E0402, mark_none, "four");
	cr_assert_not_null(strstr(as_text(), "four\n2 errors, 2 warnings\n"));
	diagnostics.errors = diagnostics.warnings = 1;
	cr_assert_not_null(strstr(as_text(), "four\n1 error, 1 warning\n"));
}

Test(rendering, in_the_order_of_the_text)
{
	const struct source *source = source_of("a\nb\n");

	diag_add(&diagnostics, DIAG_E0201, mark_at(source, 2, 1, 1), "second");
	diag_add(&diagnostics, DIAG_E0201, mark_at(source, 1, 1, 1), "first");
	cr_assert_lt(strstr(as_text(), "first"), strstr(as_text(), "second"));
	cr_assert_not_null(strstr(as_text(), "2 errors\n"));
}

Test(rendering, details_only_when_verbose)
{
	add("x", 1, 1, 1)->detail = "the log";
	cr_assert_null(strstr(as_text(), "the log"));
	cr_assert_null(strstr(render(SINK_JSON, false, false), "the log"));
	cr_assert_not_null(strstr(render(SINK_TEXT, false, true), "^\nthe log\n1 error\n"));
	cr_assert_not_null(strstr(render(SINK_JSON, false, true), "\"detail\": \"the log\""));
}

/* The text without CSI ... m; what is coloured is never left so. */
static const char *without_colours(const char *text)
{
	char *plain = arena_copy(&arena, text, strlen(text)), *out = plain;
	bool coloured = false;

	while (*text) {
		if (*text != '\033') {
			*out++ = *text++;
			continue;
		}
		coloured = strncmp(text, "\033[0m", 4) != 0;
		text = strchr(text, 'm') + 1;
	}
	*out = '\0';
	cr_assert(!coloured);
	return plain;
}

Test(rendering, colour_only_when_asked)
{
	const char *text;

	add("x", 1, 1, 1)->hint = "h";
	diag_add(&diagnostics, DIAG_W0601, mark_none, "m");
	cr_assert_null(strchr(as_text(), '\033'));
	text = render(SINK_TEXT, true, false);
	cr_assert_str_eq(without_colours(text), as_text());
	cr_assert_not_null(strstr(text, "\033[1;31merror[E0212]: \033[0m"));
	cr_assert_not_null(strstr(text, "\033[33mwarning[W0601]: \033[0m"));
	cr_assert_not_null(strstr(text, "\033[32m^\033[0m"));
}

Test(rendering, as_json)
{
	add("a: x\n", 1, 4, 0)->hint = "h";
	diag_add(&diagnostics, DIAG_W0601, mark_none, "m");
	cr_assert_str_eq(render(SINK_JSON, true, false),
		"{\n"
		"  \"diagnostics\": [\n"
		"    {\n"
		"      \"file\": \"t.yaml\",\n"
		"      \"line\": 1,\n"
		"      \"column\": 4,\n"
		"      \"length\": 1,\n"
		"      \"severity\": \"error\",\n"
		"      \"code\": \"E0212\",\n"
		"      \"message\": \"no map is named \\\"x\\\"\",\n"
		"      \"hint\": \"h\"\n"
		"    },\n"
		"    {\n"
		"      \"severity\": \"warning\",\n"
		"      \"code\": \"W0601\",\n"
		"      \"message\": \"m\",\n"
		"      \"hint\": null\n"
		"    }\n"
		"  ]\n"
		"}\n");
}

/* Messages and hints quote the manifest, and YAML's "\e" puts any character there. */
Test(rendering, messages_do_not_steer_a_terminal)
{
	add("x", 1, 1, 1)->message = "no map is named \"\x1b[31mred\x9b\"";
	diagnostics.list.items[0].hint = "did you mean \"\x1b[2J\"?";
	cr_assert_null(strchr(as_text(), '\033'));
}

Test(rendering, hints_and_details_do_not_steer_a_terminal)
{
	diag_add(&diagnostics, DIAG_E0404, mark_none, "m")->hint = "pid 1 (\x1b[31m)";
	diagnostics.list.items[0].detail = "0: exit\n\t\x1b]0;title\x07\n\nend";
	cr_assert_not_null(strstr(render(SINK_TEXT, false, true),
		"\n  pid 1 (?[31m)\n0: exit\n\t?]0;title?\n\nend\n"));
}

/* U+009B is CSI in one character: a terminal takes it for the two of "ESC [". */
Test(rendering, lines_do_not_steer_a_terminal_with_c1_controls)
{
	add("a\xc2\x9b"
	    "31m: x",
		1, 1, 1);
	cr_assert_null(strstr(as_text(), "\xc2\x9b"));
}

/* An ideograph is two columns wide, so two blanks stand below it. */
Test(rendering, characters_of_two_columns)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		cr_skip_test("there is no locale C.UTF-8");
	add("\xe6\x97\xa5\xe6\x9c\xac: x\n", 1, 5, 1);
	cr_assert_not_null(strstr(as_text(), "\n      |       ^\n"));
}

static bool ends_in_whole_character(const char *text, size_t length)
{
	size_t from = length;

	while (from && ((unsigned char)text[from - 1] & 0xc0) == 0x80)
		from--;
	return length - from == (from && (unsigned char)text[from - 1] >= 0xe0 ? 2 : 0);
}

/* Nor does the cut end inside a character. */
static void render_long_line(size_t count)
{
	char *text = arena_alloc(&arena, count * 10 + 1);
	const struct source *source;

	memset(text, 'x', count * 10);
	source = source_of(text);
	for (uint32_t i = 0; i < count; i++)
		diag_add(&diagnostics, DIAG_E0201, mark_at(source, 1, i * 10 + 1, 3), "x");
	capture_begin(&capture, SINK_TEXT);
	report_diagnostics(&capture.sink, &diagnostics, false);
	capture_end(&capture);
}

Test(rendering, faults_of_one_long_line_take_linear_time)
{
	double times = growth(render_long_line, 5000);

	cr_assert_lt(times, 10, "%.1f", times);
}

Test(rendering, over_long_lines_end_in_whole_characters)
{
	char *text = arena_alloc(&arena, 3001);

	for (uint32_t shift = 0; shift < 3; shift++) {
		const char *shown;

		memset(text, '.', 3000);
		for (size_t i = shift; i + 3 <= 3000; i += 3)
			memcpy(text + i, "\xe2\x82\xac", 3);
		diagnostics = (struct diagnostics){ .arena = &arena };
		add(text, 1, 500, 1);
		shown = strstr(as_text(), " | ") + 3;
		cr_assert(ends_in_whole_character(shown, strcspn(shown, "\n")));
		cr_assert_null(strchr(shown, '?'));
	}
}

/* A fault in a template: its own line, then each use from the inside to the outside. */
static void add_in_template(void)
{
	const struct source *library = source_from_text(&arena, "lib.yaml", "- r0 = ${x}\n", 12);
	const struct source *source = source_of("- inner: { x: 1 }\n- outer: {}\n");
	static struct diag_use outer, inner;

	outer = (struct diag_use){ "outer", mark_at(source, 2, 3, 5), NULL };
	inner = (struct diag_use){ "inner", mark_at(source, 1, 3, 5), &outer };
	diagnostics.use = &inner;
	diag_add(&diagnostics, DIAG_E0302, mark_at(library, 1, 8, 4), "m")->hint = "h";
	diagnostics.use = NULL;
}

Test(rendering, uses_of_templates)
{
	add_in_template();
	cr_assert_str_eq(as_text(), "lib.yaml:1:8: error[E0302]: m\n"
				    "    1 | - r0 = ${x}\n"
				    "      |        ^^^^ h\n"
				    "t.yaml:1:3: note: \"inner\" is used here\n"
				    "    1 | - inner: { x: 1 }\n"
				    "      |   ^^^^^\n"
				    "t.yaml:2:3: note: \"outer\" is used here\n"
				    "    2 | - outer: {}\n"
				    "      |   ^^^^^\n"
				    "1 error\n");
}

Test(rendering, uses_of_templates_as_json)
{
	add_in_template();
	cr_assert_str_eq(render(SINK_JSON, false, false), "{\n"
							  "  \"diagnostics\": [\n"
							  "    {\n"
							  "      \"file\": \"lib.yaml\",\n"
							  "      \"line\": 1,\n"
							  "      \"column\": 8,\n"
							  "      \"length\": 4,\n"
							  "      \"severity\": \"error\",\n"
							  "      \"code\": \"E0302\",\n"
							  "      \"message\": \"m\",\n"
							  "      \"hint\": \"h\",\n"
							  "      \"uses\": [\n"
							  "        {\n"
							  "          \"file\": \"t.yaml\",\n"
							  "          \"line\": 1,\n"
							  "          \"column\": 3,\n"
							  "          \"template\": \"inner\"\n"
							  "        },\n"
							  "        {\n"
							  "          \"file\": \"t.yaml\",\n"
							  "          \"line\": 2,\n"
							  "          \"column\": 3,\n"
							  "          \"template\": \"outer\"\n"
							  "        }\n"
							  "      ]\n"
							  "    }\n"
							  "  ]\n"
							  "}\n");
}
