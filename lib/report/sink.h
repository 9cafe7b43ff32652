/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The one place of lib that writes: a sink with a text and a JSON back end.
 *
 * A view of a thing is written once. It opens objects and arrays and puts fields, which only JSON
 * shows, and between them writes the words that only text shows; so both come from the same walk
 * over the same value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SINK_MAX_DEPTH 16

enum sink_format {
	SINK_TEXT,
	SINK_JSON,
};

enum sink_colour {
	COLOUR_NONE,
	COLOUR_BOLD,
	COLOUR_RED,
	COLOUR_GREEN,
	COLOUR_YELLOW,
	COLOUR_COUNT,
};

struct sink {
	FILE *stream; /* borrowed */
	enum sink_format format;
	bool colour;
	unsigned int depth;
	struct {
		bool array, filled;
	} levels[SINK_MAX_DEPTH];
};

/* Structure and values for JSON; `key` is NULL inside arrays and for the outermost object. */
void sink_open_object(struct sink *sink, const char *key);
void sink_open_array(struct sink *sink, const char *key);
void sink_close(struct sink *sink);
void sink_string(struct sink *sink, const char *key, const char *value); /* NULL: null */
void sink_number(struct sink *sink, const char *key, uint64_t value);
void sink_integer(struct sink *sink, const char *key, int64_t value);
void sink_real(struct sink *sink, const char *key, double value);
void sink_bool(struct sink *sink, const char *key, bool value);

/* Words for text. */
void sink_text(struct sink *sink, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sink_coloured(struct sink *sink, enum sink_colour colour, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Somebody else's text, such as a line of a manifest: what would steer a terminal, and what is no
 * UTF-8, is shown as a question mark.
 */
void sink_foreign(struct sink *sink, enum sink_colour colour, const char *text, size_t length);

/* Hands what was written to the system; a negative errno where that fails (a full disk). */
int sink_flush(struct sink *sink);
