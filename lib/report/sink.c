/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/report/sink.h"

#include "lib/base/source.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static void write_indent(struct sink *sink)
{
	fputc('\n', sink->stream);
	for (unsigned int i = 0; i < sink->depth; i++)
		fputs("  ", sink->stream);
}

/* File names may hold any byte; JSON may not: what is no UTF-8 becomes U+FFFD. */
static void write_quoted(struct sink *sink, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	fputc('"', sink->stream);
	while (*at) {
		size_t length = utf8_length((const char *)at);

		if (*at == '"' || *at == '\\')
			fprintf(sink->stream, "\\%c", *at);
		else if (*at == '\n')
			fputs("\\n", sink->stream);
		else if (*at < 0x20 || *at == 0x7f)
			fprintf(sink->stream, "\\u%04x", *at);
		else if (length)
			fwrite(at, 1, length, sink->stream);
		else
			fputs("\\ufffd", sink->stream);
		at += length ? length : 1;
	}
	fputc('"', sink->stream);
}

/* The comma, the line break and the key before a value; false where the sink takes no values. */
static bool begin_value(struct sink *sink, const char *key)
{
	if (sink->format != SINK_JSON)
		return false;
	if (sink->depth) {
		if (sink->levels[sink->depth - 1].filled)
			fputc(',', sink->stream);
		sink->levels[sink->depth - 1].filled = true;
		write_indent(sink);
	}
	if (key) {
		write_quoted(sink, key);
		fputs(": ", sink->stream);
	}
	return true;
}

static void open_level(struct sink *sink, const char *key, bool array)
{
	if (!begin_value(sink, key) || sink->depth == SINK_MAX_DEPTH)
		return;
	fputc(array ? '[' : '{', sink->stream);
	sink->levels[sink->depth].array = array;
	sink->levels[sink->depth].filled = false;
	sink->depth++;
}

void sink_open_object(struct sink *sink, const char *key)
{
	open_level(sink, key, false);
}

void sink_open_array(struct sink *sink, const char *key)
{
	open_level(sink, key, true);
}

void sink_close(struct sink *sink)
{
	if (sink->format != SINK_JSON || !sink->depth)
		return;
	sink->depth--;
	if (sink->levels[sink->depth].filled)
		write_indent(sink);
	fputc(sink->levels[sink->depth].array ? ']' : '}', sink->stream);
	if (!sink->depth)
		fputc('\n', sink->stream);
}

void sink_string(struct sink *sink, const char *key, const char *value)
{
	if (!begin_value(sink, key))
		return;
	if (value)
		write_quoted(sink, value);
	else
		fputs("null", sink->stream);
}

void sink_number(struct sink *sink, const char *key, uint64_t value)
{
	if (begin_value(sink, key))
		fprintf(sink->stream, "%llu", (unsigned long long)value);
}

void sink_integer(struct sink *sink, const char *key, int64_t value)
{
	if (begin_value(sink, key))
		fprintf(sink->stream, "%lld", (long long)value);
}

void sink_real(struct sink *sink, const char *key, double value)
{
	if (begin_value(sink, key))
		fprintf(sink->stream, "%.3f", value);
}

void sink_bool(struct sink *sink, const char *key, bool value)
{
	if (begin_value(sink, key))
		fputs(value ? "true" : "false", sink->stream);
}

static void write_text(struct sink *sink, enum sink_colour colour, const char *format, va_list list)
{
	static const char *const codes[COLOUR_COUNT] = {
		[COLOUR_BOLD] = "\033[1m",
		[COLOUR_RED] = "\033[1;31m",
		[COLOUR_GREEN] = "\033[32m",
		[COLOUR_YELLOW] = "\033[33m",
	};
	bool coloured = sink->colour && codes[colour];

	if (sink->format != SINK_TEXT)
		return;
	if (coloured)
		fputs(codes[colour], sink->stream);
	vfprintf(sink->stream, format, list);
	if (coloured)
		fputs("\033[0m", sink->stream);
}

void sink_text(struct sink *sink, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	write_text(sink, COLOUR_NONE, format, list);
	va_end(list);
}

void sink_coloured(struct sink *sink, enum sink_colour colour, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	write_text(sink, colour, format, list);
	va_end(list);
}

static bool steers_terminal(const char *text, size_t length)
{
	unsigned char first = (unsigned char)text[0];
	unsigned char second = length > 1 ? (unsigned char)text[1] : 0;

	return (first < 0x20 && first != '\t') || first == 0x7f ||
	       (first == 0xc2 && second < 0xa0) || utf8_length(text) != length;
}

void sink_foreign(struct sink *sink, enum sink_colour colour, const char *text, size_t length)
{
	size_t clean = 0; /* before it, all is written */

	for (size_t at = 0, bytes; at < length; at += bytes) {
		bytes = character_length(text + at, length - at);
		if (!steers_terminal(text + at, bytes))
			continue;
		if (at > clean)
			sink_coloured(sink, colour, "%.*s", (int)(at - clean), text + clean);
		sink_coloured(sink, colour, "?");
		clean = at + bytes;
	}
	if (length > clean)
		sink_coloured(sink, colour, "%.*s", (int)(length - clean), text + clean);
}

int sink_flush(struct sink *sink)
{
	errno = 0;
	if (fflush(sink->stream) == 0 && !ferror(sink->stream))
		return 0;
	return errno ? -errno : -EIO;
}
