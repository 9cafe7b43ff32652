/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/unit/support.h"

#include <errno.h>
#include <string.h>

SUITE(sink);

static struct capture capture;

static void expect_output(const char *text)
{
	const char *is = capture_end(&capture);

	cr_assert_str_eq(is, text);
}

/* What a string becomes between its quotes (RFC 8259, section 7). */
static const struct {
	const char *text, *json;
} strings[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "a\"b", "a\\\"b" },
	{ "a\\b", "a\\\\b" },
	{ "a/b", "a/b" },
	{ "a\nb", "a\\nb" },
	{ "\t\r", "\\u0009\\u000d" },
	{ "\x01\x1f\x1b[31m", "\\u0001\\u001f\\u001b[31m" },
	{ "\x7f", "\\u007f" },
	{ "\xc3\xa9", "\xc3\xa9" },
	{ "\xe2\x82\xac", "\xe2\x82\xac" },
	{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },                 /* U+10FFFF */
	{ "\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80" }, /* U+D7FF, U+E000 */
	/* What is no UTF-8 (RFC 3629): each byte becomes U+FFFD. */
	{ "\xff", "\\ufffd" },
	{ "\x80", "\\ufffd" },
	{ "\xc3", "\\ufffd" },
	{ "\xc3(", "\\ufffd(" },
	{ "\xc0\x80", "\\ufffd\\ufffd" },                       /* overlong */
	{ "\xc1\xbf", "\\ufffd\\ufffd" },                       /* overlong */
	{ "\xe0\x9f\xbf", "\\ufffd\\ufffd\\ufffd" },            /* overlong */
	{ "\xf0\x8f\xbf\xbf", "\\ufffd\\ufffd\\ufffd\\ufffd" }, /* overlong */
	{ "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd" },            /* a surrogate */
	{ "\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd" }, /* beyond U+10FFFF */
	{ "\xf5\x80\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd" },
	{ "\xe2\x82", "\\ufffd\\ufffd" },
	{ "a\xe2\x82z", "a\\ufffd\\ufffdz" },
	{ "\xf0\x9f\x98", "\\ufffd\\ufffd\\ufffd" },
};

Test(sink, strings_are_escaped)
{
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		capture_begin(&capture, SINK_JSON);
		sink_string(&capture.sink, NULL, strings[i].text);
		cr_assert_str_eq(capture_end(&capture),
			arena_printf(&arena, "\"%s\"", strings[i].json), "string %zu", i);
	}
}

Test(sink, keys_are_escaped)
{
	capture_begin(&capture, SINK_JSON);
	sink_open_object(&capture.sink, NULL);
	sink_bool(&capture.sink, "a\"b", true);
	sink_close(&capture.sink);
	expect_output("{\n  \"a\\\"b\": true\n}\n");
}

Test(sink, values)
{
	capture_begin(&capture, SINK_JSON);
	sink_open_object(&capture.sink, NULL);
	sink_string(&capture.sink, "none", NULL);
	sink_number(&capture.sink, "zero", 0);
	sink_number(&capture.sink, "most", UINT64_MAX);
	sink_integer(&capture.sink, "least", INT64_MIN);
	sink_real(&capture.sink, "real", 0.9);
	sink_bool(&capture.sink, "yes", true);
	sink_bool(&capture.sink, "no", false);
	sink_close(&capture.sink);
	expect_output("{\n"
		      "  \"none\": null,\n"
		      "  \"zero\": 0,\n"
		      "  \"most\": 18446744073709551615,\n"
		      "  \"least\": -9223372036854775808,\n"
		      "  \"real\": 0.900,\n"
		      "  \"yes\": true,\n"
		      "  \"no\": false\n"
		      "}\n");
}

Test(sink, nesting)
{
	struct sink *sink = &capture.sink;

	capture_begin(&capture, SINK_JSON);
	sink_open_object(sink, NULL);
	sink_open_array(sink, "list");
	sink_open_object(sink, NULL);
	sink_number(sink, "a", 1);
	sink_close(sink);
	sink_open_object(sink, NULL);
	sink_close(sink);
	sink_string(sink, NULL, "x");
	sink_close(sink);
	sink_open_array(sink, "empty");
	sink_close(sink);
	sink_number(sink, "last", 2);
	sink_close(sink);
	expect_output("{\n"
		      "  \"list\": [\n"
		      "    {\n"
		      "      \"a\": 1\n"
		      "    },\n"
		      "    {},\n"
		      "    \"x\"\n"
		      "  ],\n"
		      "  \"empty\": [],\n"
		      "  \"last\": 2\n"
		      "}\n");
}

Test(sink, empty_outermost)
{
	capture_begin(&capture, SINK_JSON);
	sink_open_array(&capture.sink, NULL);
	sink_close(&capture.sink);
	sink_close(&capture.sink);
	expect_output("[]\n");
}

static size_t count(const char *text, char c)
{
	size_t found = 0;

	for (; *text; text++)
		found += *text == c;
	return found;
}

Test(sink, every_bracket_is_closed_down_to_the_deepest)
{
	const char *text;

	capture_begin(&capture, SINK_JSON);
	for (int i = 0; i < SINK_MAX_DEPTH; i++)
		sink_open_array(&capture.sink, NULL);
	sink_number(&capture.sink, NULL, 5);
	for (int i = 0; i < SINK_MAX_DEPTH; i++)
		sink_close(&capture.sink);
	text = capture_end(&capture);
	cr_assert_eq(count(text, '['), 16);
	cr_assert_eq(count(text, ']'), 16);
	cr_assert_eq(count(text, ','), 0);
	cr_assert_eq(capture.sink.depth, 0);
	cr_assert_str_eq(text + strlen(text) - 3, "\n]\n");
}

Test(sink, each_format_leaves_out_the_other)
{
	capture_begin(&capture, SINK_JSON);
	sink_text(&capture.sink, "words %d", 1);
	sink_coloured(&capture.sink, COLOUR_RED, "words");
	expect_output("");
	capture_begin(&capture, SINK_TEXT);
	sink_open_object(&capture.sink, "a");
	sink_open_array(&capture.sink, "a");
	sink_string(&capture.sink, "a", "b");
	sink_number(&capture.sink, "a", 1);
	sink_real(&capture.sink, "a", 1);
	sink_bool(&capture.sink, "a", true);
	sink_close(&capture.sink);
	sink_close(&capture.sink);
	expect_output("");
}

Test(sink, text_is_written_as_it_is)
{
	capture_begin(&capture, SINK_TEXT);
	sink_text(&capture.sink, "%s and %d\n", "\"words\"", 5);
	expect_output("\"words\" and 5\n");
}

Test(sink, no_colour_unless_asked)
{
	capture_begin(&capture, SINK_TEXT);
	for (enum sink_colour colour = 0; colour < COLOUR_COUNT; colour++)
		sink_coloured(&capture.sink, colour, "x");
	expect_output("xxxxx");
}

/* ECMA-48: CSI 1 m is bold, 31 to 33 red, green and yellow, 0 all off. */
Test(sink, colours_when_asked)
{
	capture_begin(&capture, SINK_TEXT);
	capture.sink.colour = true;
	sink_coloured(&capture.sink, COLOUR_NONE, "a");
	sink_coloured(&capture.sink, COLOUR_BOLD, "b");
	sink_coloured(&capture.sink, COLOUR_RED, "%c", 'c');
	sink_coloured(&capture.sink, COLOUR_GREEN, "d");
	sink_coloured(&capture.sink, COLOUR_YELLOW, "e");
	sink_text(&capture.sink, "f");
	expect_output("a\033[1mb\033[0m\033[1;31mc\033[0m\033[32md\033[0m\033[33me\033[0mf");
}

Test(sink, colour_never_enters_json)
{
	capture_begin(&capture, SINK_JSON);
	capture.sink.colour = true;
	sink_coloured(&capture.sink, COLOUR_RED, "x");
	sink_string(&capture.sink, NULL, "y");
	expect_output("\"y\"");
}

Test(sink, flush_tells_of_a_full_disk)
{
	struct sink sink = { .stream = fopen("/dev/full", "w") };

	cr_assert_not_null(sink.stream);
	sink_text(&sink, "x");
	cr_assert_eq(sink_flush(&sink), -ENOSPC);
	fclose(sink.stream);
	capture_begin(&capture, SINK_TEXT);
	sink_text(&capture.sink, "x");
	cr_assert_eq(sink_flush(&capture.sink), 0);
	expect_output("x");
}

/* Of a manifest that somebody else wrote: no escape sequence, no C1 control, no broken UTF-8. */
Test(sink, foreign_text_cannot_steer_a_terminal)
{
	static const char text[] = "a\tb\x1b[31m\x7f\xc2\x9b\xff\xc3\xbc";

	capture_begin(&capture, SINK_TEXT);
	sink_foreign(&capture.sink, COLOUR_NONE, text, strlen(text));
	cr_assert_str_eq(capture_end(&capture), "a\tb?[31m???\xc3\xbc");
	capture_begin(&capture, SINK_JSON);
	sink_foreign(&capture.sink, COLOUR_NONE, text, strlen(text));
	cr_assert_str_eq(capture_end(&capture), "");
}
