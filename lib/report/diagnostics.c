/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/report/report.h"

#include <string.h>
#include <wchar.h>

/* Longer lines are shown as far as this many bytes around the caret. */
#define LINE_MAX_SHOWN 200

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
static int character_width(const char *text, size_t length)
{
	mbstate_t state = { 0 };
	wchar_t wide;
	int width;

	/*
	 * 0 for a NUL, which is shown as a question mark; "more than length" for what is no UTF-8.
	 */
	if (mbrtowc(&wide, text, length, &state) - 1 >= length)
		return 1;
	width = wcwidth(wide);
	return width < 0 ? 1 : width;
}

/*
 * As many signs as the text above them is wide; a tab stays a tab, so that the caret stands right.
 */
static void write_below(
	struct sink *sink, enum sink_colour colour, char sign, const char *text, size_t length)
{
	for (size_t at = 0, bytes; at < length; at += bytes) {
		bytes = character_length(text + at, length - at);
		if (text[at] == '\t' && sign == ' ')
			sink_text(sink, "\t");
		else
			for (int i = character_width(text + at, bytes); i > 0; i--)
				sink_coloured(sink, colour, "%c", sign);
	}
}

static void write_caret(struct sink *sink, const struct mark *mark, const char *hint,
	const char *text, size_t length)
{
	uint32_t characters = mark->length ? mark->length : 1;

	if (length)
		write_below(sink, COLOUR_GREEN, '^', text, bytes_of(text, length, characters));
	else
		sink_coloured(sink, COLOUR_GREEN, "^");
	if (hint) {
		sink_text(sink, " ");
		sink_foreign(sink, COLOUR_NONE, hint, strlen(hint));
	}
	sink_text(sink, "\n");
}

/* The first byte of the part of a line that is shown: all of a short one, else what is around. */
static size_t shown_from(const char *line, size_t length, size_t place)
{
	size_t from = place;

	if (length <= LINE_MAX_SHOWN || place <= LINE_MAX_SHOWN / 2)
		return 0;
	from -= LINE_MAX_SHOWN / 2;
	while (((unsigned char)line[from] & 0xc0) == 0x80)
		from++;
	return from;
}

static void write_source(struct sink *sink, const struct mark *mark, const char *hint)
{
	size_t length, place, from, shown;
	const char *line = source_line(mark->source, mark->line, &length);

	if (!line)
		return;
	place = source_offset(mark) - (size_t)(line - mark->source->text);
	from = shown_from(line, length, place);
	shown = length - from;
	if (shown > LINE_MAX_SHOWN) {
		shown = LINE_MAX_SHOWN;
		while (((unsigned char)line[from + shown] & 0xc0) == 0x80)
			shown--;
	}
	sink_text(sink, "%5u | ", mark->line);
	sink_foreign(sink, COLOUR_NONE, line + from, shown);
	sink_text(sink, "\n      | ");
	write_below(sink, COLOUR_NONE, ' ', line + from, place - from);
	write_caret(sink, mark, hint, line + place, from + shown - place);
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
		sink_text(sink, "  %s\n", diagnostic->hint);
	write_uses(sink, diagnostic->use);
	if (verbose && diagnostic->detail) {
		sink_text(sink, "%s\n", diagnostic->detail);
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
