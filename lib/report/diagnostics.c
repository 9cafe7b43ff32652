/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/report/report.h"

#include <string.h>

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

	while (at < length && characters--) {
		at++;
		while (at < length && ((unsigned char)text[at] & 0xc0) == 0x80)
			at++;
	}
	return at;
}

/* Blanks as wide as the text above them: a tab stays a tab, so that the caret stands right. */
static void write_blanks(struct sink *sink, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			sink_text(sink, "%c", text[i] == '\t' ? '\t' : ' ');
}

/* A manifest is somebody else's text: what would steer a terminal is shown as a question mark. */
static void write_line(struct sink *sink, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		unsigned char byte = (unsigned char)text[i];

		sink_text(sink, "%c", (byte < 0x20 && byte != '\t') || byte == 0x7f ? '?' : byte);
	}
}

static void write_caret(struct sink *sink, const struct diagnostic *diagnostic)
{
	uint32_t length = diagnostic->mark.length ? diagnostic->mark.length : 1;

	for (uint32_t i = 0; i < length && i < LINE_MAX_SHOWN; i++)
		sink_coloured(sink, COLOUR_GREEN, "^");
	if (diagnostic->hint)
		sink_text(sink, " %s", diagnostic->hint);
	sink_text(sink, "\n");
}

static void write_source(struct sink *sink, const struct diagnostic *diagnostic)
{
	const struct mark *mark = &diagnostic->mark;
	size_t length, before, from = 0, shown;
	const char *line = source_line(mark->source, mark->line, &length);

	if (!line)
		return;
	before = bytes_of(line, length, mark->column - 1);
	if (before > LINE_MAX_SHOWN / 2 && length > LINE_MAX_SHOWN) {
		from = before - LINE_MAX_SHOWN / 2;
		while (((unsigned char)line[from] & 0xc0) == 0x80)
			from++;
	}
	shown = length - from < LINE_MAX_SHOWN ? length - from : LINE_MAX_SHOWN;
	sink_text(sink, "%5u | ", mark->line);
	write_line(sink, line + from, shown);
	sink_text(sink, "\n      | ");
	write_blanks(sink, line + from, before - from);
	write_caret(sink, diagnostic);
}

static void write_place(struct sink *sink, const struct mark *mark)
{
	if (!mark->source)
		return;
	sink_coloured(
		sink, COLOUR_BOLD, "%s:%u:%u: ", mark->source->name, mark->line, mark->column);
	sink_string(sink, "file", mark->source->name);
	sink_number(sink, "line", mark->line);
	sink_number(sink, "column", mark->column);
	sink_number(sink, "length", mark->length ? mark->length : 1);
}

static void write_diagnostic(struct sink *sink, const struct diagnostic *diagnostic, bool verbose)
{
	const char *severity = is_error(diagnostic) ? "error" : "warning";

	sink_open_object(sink, NULL);
	write_place(sink, &diagnostic->mark);
	if (!diagnostic->mark.source)
		sink_coloured(sink, COLOUR_BOLD, "sockform: ");
	sink_coloured(sink, is_error(diagnostic) ? COLOUR_RED : COLOUR_YELLOW, "%s[%s]: ", severity,
		diag_codes[diagnostic->code].name);
	sink_text(sink, "%s\n", diagnostic->message);
	sink_string(sink, "severity", severity);
	sink_string(sink, "code", diag_codes[diagnostic->code].name);
	sink_string(sink, "message", diagnostic->message);
	sink_string(sink, "hint", diagnostic->hint);
	if (diagnostic->mark.source)
		write_source(sink, diagnostic);
	else if (diagnostic->hint)
		sink_text(sink, "  %s\n", diagnostic->hint);
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
