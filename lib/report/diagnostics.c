/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/report/report.h"

#include <string.h>
#include <wchar.h>

/* Columns that a line of the source may take, and what stands below it: 80 with its number. */
#define SHOWN 72

/* Stands for what is left out of a line. */
#define CUT "..."
#define CUT_WIDTH (sizeof(CUT) - 1)

static bool is_error(const struct diagnostic *diagnostic)
{
	return diag_codes[diagnostic->code].exit_code != 0;
}

/* Bytes of the first `characters` characters. */
static size_t bytes_of(const char *text, size_t length, uint32_t characters)
{
	size_t at = 0;

	while (at < length && characters--)
		at += character_length(text + at, length - at);
	return at;
}

/* Columns of a terminal that a character takes, by LC_CTYPE; 1 for what that does not know. */
static size_t character_width(const char *text, size_t length)
{
	mbstate_t state = { 0 };
	wchar_t wide;
	int width;

	if (*text == '\t')
		return 8; /* or fewer */
	/*
	 * 0 for a NUL, which is shown as a question mark; "more than length" for what is no UTF-8.
	 */
	if (mbrtowc(&wide, text, length, &state) - 1 >= length)
		return 1;
	width = wcwidth(wide);
	return width < 0 ? 1 : (size_t)width;
}

/* The byte up to which a text takes so many columns from byte `at` on; no further than `end`. */
static size_t go_ahead(const char *text, size_t at, size_t end, size_t columns)
{
	while (at < end) {
		size_t bytes = character_length(text + at, end - at);
		size_t width = character_width(text + at, bytes);

		if (width > columns)
			break;
		columns -= width;
		at += bytes;
	}
	return at;
}

/* The byte from which a text takes so many columns up to byte `at`. */
static size_t go_back(const char *text, size_t at, size_t columns)
{
	while (at > 0) {
		size_t before = at - 1, width;

		while (before > 0 && ((unsigned char)text[before] & 0xc0) == 0x80)
			before--;
		width = character_width(text + before, at - before);
		if (width > columns)
			break;
		columns -= width;
		at = before;
	}
	return at;
}

static size_t columns_of(const char *text, size_t length)
{
	size_t columns = 0;

	for (size_t at = 0, bytes; at < length; at += bytes) {
		bytes = character_length(text + at, length - at);
		columns += character_width(text + at, bytes);
	}
	return columns;
}

/* The part of a line that is shown: bytes of it. */
struct window {
	const char *line;
	size_t length, from, to, place;
};

/* All of a short line, else what is around the place; long lines are not walked from end to end. */
static struct window find_window(const struct mark *mark)
{
	struct window window = { .line = source_line(mark->source, mark->line, &window.length) };
	const char *line = window.line;
	size_t columns = SHOWN;

	if (!line)
		return window;
	window.place = source_offset(mark) - (size_t)(line - mark->source->text);
	window.to = window.length;
	if (!go_back(line, window.place, SHOWN) &&
		go_ahead(line, 0, window.length, SHOWN) == window.length)
		return window;
	if (go_back(line, window.place, SHOWN / 2)) {
		window.from = go_back(line, window.place, SHOWN / 2 - CUT_WIDTH);
		columns -= CUT_WIDTH;
	}
	window.to = go_ahead(line, window.from, window.length, columns);
	if (window.to < window.length)
		window.to = go_ahead(line, window.from, window.length, columns - CUT_WIDTH);
	else if (window.from)
		window.from = go_back(line, window.length, columns);
	return window;
}

/*
 * As many signs as the text above them is wide; a tab stays a tab, so that the caret stands right.
 */
static void write_below(
	struct sink *sink, enum sink_colour colour, char sign, const char *text, size_t length)
{
	char below[SHOWN + 1];
	size_t count = 0;

	for (size_t at = 0, bytes; at < length && count < SHOWN; at += bytes) {
		size_t width;

		bytes = character_length(text + at, length - at);
		width = character_width(text + at, bytes);
		if (text[at] == '\t')
			below[count++] = sign == ' ' ? '\t' : sign;
		else
			for (; width && count < SHOWN; width--)
				below[count++] = sign;
	}
	sink_coloured(sink, colour, "%.*s", (int)count, below);
}

/* A hint that finds no room behind the caret, in lines of its own. */
static void write_hint_below(struct sink *sink, const char *hint)
{
	size_t length = strlen(hint);

	while (length) {
		size_t shown = go_ahead(hint, 0, length, SHOWN), blank = shown;

		if (shown < length)
			while (blank && hint[blank] != ' ')
				blank--;
		shown = blank ? blank : shown;
		sink_text(sink, "\n      | ");
		sink_foreign(sink, COLOUR_NONE, hint, shown);
		shown += hint[shown] == ' ';
		hint += shown;
		length -= shown;
	}
}

static void write_hint(struct sink *sink, const char *hint, size_t column)
{
	size_t length = strlen(hint);

	if (column + 1 + columns_of(hint, length) > SHOWN) {
		write_hint_below(sink, hint);
		return;
	}
	sink_text(sink, " ");
	sink_foreign(sink, COLOUR_NONE, hint, length);
}

static void write_caret(
	struct sink *sink, const struct mark *mark, const struct window *window, const char *hint)
{
	const char *line = window->line, *at = line + window->place;
	size_t before = window->place - window->from;
	size_t marked = bytes_of(at, window->to - window->place, mark->length ? mark->length : 1);
	size_t column = columns_of(line + window->from, before) + columns_of(at, marked);

	sink_text(sink, "\n      | %s", window->from ? "   " : "");
	write_below(sink, COLOUR_NONE, ' ', line + window->from, before);
	if (marked)
		write_below(sink, COLOUR_GREEN, '^', at, marked);
	else
		sink_coloured(sink, COLOUR_GREEN, "^");
	if (hint)
		write_hint(sink, hint, column + !marked + (window->from ? CUT_WIDTH : 0));
	sink_text(sink, "\n");
}

static void write_source(struct sink *sink, const struct mark *mark, const char *hint)
{
	struct window window = find_window(mark);

	if (!window.line)
		return;
	sink_text(sink, "%5u | %s", mark->line, window.from ? CUT : "");
	sink_foreign(sink, COLOUR_NONE, window.line + window.from, window.to - window.from);
	sink_text(sink, "%s", window.to < window.length ? CUT : "");
	write_caret(sink, mark, &window, hint);
}

static void write_place(struct sink *sink, const struct mark *mark)
{
	if (!mark->source)
		return;
	sink_foreign(sink, COLOUR_BOLD, mark->source->name, strlen(mark->source->name));
	sink_coloured(sink, COLOUR_BOLD, ":%u:%u: ", mark->line, mark->column);
	sink_string(sink, "file", mark->source->name);
	sink_number(sink, "line", mark->line);
	sink_number(sink, "column", mark->column);
}

/* How a place in a template was come to, from the inside to the outside. */
static void write_uses(struct sink *sink, const struct diag_use *use)
{
	if (!use)
		return;
	sink_open_array(sink, "uses");
	for (; use; use = use->outer) {
		sink_open_object(sink, NULL);
		write_place(sink, &use->mark);
		sink_string(sink, "template", use->name);
		sink_text(sink, "note: \"");
		sink_foreign(sink, COLOUR_NONE, use->name, strlen(use->name));
		sink_text(sink, "\" is used here\n");
		write_source(sink, &use->mark, NULL);
		sink_close(sink);
	}
	sink_close(sink);
}

/* Somebody else's lines, as the verifier's log. */
static void write_lines(struct sink *sink, const char *indent, const char *text)
{
	size_t length;

	do {
		length = strcspn(text, "\n");
		sink_text(sink, "%s", indent);
		sink_foreign(sink, COLOUR_NONE, text, length);
		sink_text(sink, "\n");
		text += length;
	} while (*text && *++text);
}

static void write_diagnostic(struct sink *sink, const struct diagnostic *diagnostic, bool verbose)
{
	const char *severity = is_error(diagnostic) ? "error" : "warning";

	sink_open_object(sink, NULL);
	write_place(sink, &diagnostic->mark);
	if (diagnostic->mark.source)
		sink_number(sink, "length", diagnostic->mark.length ? diagnostic->mark.length : 1);
	else
		sink_coloured(sink, COLOUR_BOLD, "sockform: ");
	sink_coloured(sink, is_error(diagnostic) ? COLOUR_RED : COLOUR_YELLOW, "%s[%s]: ", severity,
		diag_codes[diagnostic->code].name);
	sink_foreign(sink, COLOUR_NONE, diagnostic->message, strlen(diagnostic->message));
	sink_text(sink, "\n");
	sink_string(sink, "severity", severity);
	sink_string(sink, "code", diag_codes[diagnostic->code].name);
	sink_string(sink, "message", diagnostic->message);
	sink_string(sink, "hint", diagnostic->hint);
	if (diagnostic->mark.source)
		write_source(sink, &diagnostic->mark, diagnostic->hint);
	else if (diagnostic->hint)
		write_lines(sink, "  ", diagnostic->hint);
	write_uses(sink, diagnostic->use);
	if (verbose && diagnostic->detail) {
		write_lines(sink, "", diagnostic->detail);
		sink_string(sink, "detail", diagnostic->detail);
	}
	sink_close(sink);
}

static void write_count(struct sink *sink, const struct diagnostics *diagnostics)
{
	const char *separator = "";

	if (diagnostics->errors) {
		sink_text(sink, "%zu error%s", diagnostics->errors,
			diagnostics->errors == 1 ? "" : "s");
		separator = ", ";
	}
	if (diagnostics->warnings)
		sink_text(sink, "%s%zu warning%s", separator, diagnostics->warnings,
			diagnostics->warnings == 1 ? "" : "s");
	sink_text(sink, "\n");
}

/* A single fault that is about no file says all there is to say in its own line. */
static bool wants_count(const struct diagnostics *diagnostics)
{
	return diagnostics->list.count > 1 || diagnostics->list.items[0].mark.source;
}

void report_diagnostics(struct sink *sink, struct diagnostics *diagnostics, bool verbose)
{
	if (!diagnostics->list.count)
		return;
	diag_sort(diagnostics);
	sink_open_object(sink, NULL);
	sink_open_array(sink, "diagnostics");
	vec_each (diagnostic, &diagnostics->list)
		write_diagnostic(sink, diagnostic, verbose);
	sink_close(sink);
	sink_close(sink);
	if (wants_count(diagnostics))
		write_count(sink, diagnostics);
}
