/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the unit tests share. Each test runs in a process of its own, so the arena and the list of
 * diagnostics are plain variables: support_init empties them, support_fini frees them.
 */
#pragma once

#include "lib/manifest/manifest.h"
#include "lib/report/sink.h"

#include <criterion/criterion.h>

extern struct arena arena;
extern struct diagnostics diagnostics;

void support_init(void);
void support_fini(void);

/* A test suite over these variables; no test of it may take longer than 240 seconds. */
#define SUITE(name) TestSuite(name, .init = support_init, .fini = support_fini, .timeout = 240)

/* The text as a file named "t.yaml". */
const struct source *source_of(const char *text);

/* A place in that file, for values that are made by hand. */
struct mark mark_at(const struct source *source, uint32_t line, uint32_t column, uint32_t length);

void expect_mark(struct mark mark, uint32_t line, uint32_t column, uint32_t length);

/* Diagnostic number `at` is that one, at that place, with that message. */
void expect_diagnostic(
	size_t at, enum diag_code code, uint32_t line, uint32_t column, const char *message);
void expect_hint(size_t at, const char *hint);
void expect_no_diagnostics(void);

/* The only document of a text without faults. */
const struct yaml_node *yaml_of(const char *text);
/* All documents; faults are left to the test. */
yaml_documents yaml_all(const char *text, size_t length);

/* The only manifest of a text; `valid_manifest` expects no diagnostics. */
const struct manifest *any_manifest(const char *text);
const struct manifest *valid_manifest(const char *text);

/*
 * The body as a program of type sk_skb, licence GPL, beside the maps that support.c declares. Each
 * line of `body` is a line of YAML, the items of a list. NULL when there were faults; what the
 * instructions do to each other is not looked at.
 */
const struct bpfasm_code *any_code(const char *body);
const struct bpfasm_code *any_code_of(const char *type, const char *body);
const struct bpfasm_code *valid_code(const char *body);

/* As manifest_assemble, but programs may do what no verifier takes. */
const struct bpfasm_code **assemble_unchecked(const struct manifest *manifest);

/* Maps of any_code, by position. */
enum { MAP_PAIRS, MAP_INDEXED, MAP_RAW, MAP_FIVE, MAP_VALUES, MAP_COUNT };
/* The line of any_code's manifest on which the body's first line stands. */
#define BODY_LINE 13
#define BODY_INDENT 6

/* The code is exactly these instructions. */
void expect_instructions(
	const struct bpfasm_code *code, const struct bpf_insn *expected, size_t count);
#define EXPECT_CODE(code, ...)                                                                     \
	expect_instructions(code, (const struct bpf_insn[]){ __VA_ARGS__ },                        \
		sizeof((const struct bpf_insn[]){ __VA_ARGS__ }) / sizeof(struct bpf_insn))

/* What a view writes: begin, write to the sink, take the text (which lives in the arena). */
struct capture {
	struct sink sink;
	char *text;
	size_t length;
};
void capture_begin(struct capture *capture, enum sink_format format);
const char *capture_end(struct capture *capture);

/*
 * How much longer `work` takes with four times as much to do: 4 where it is linear, 16 where it is
 * quadratic. The least of three runs each, in the same process, so that a slow machine or a sanitizer
 * weighs on both sides, and again, up to five times, where that looks like too much. Every run begins
 * with an empty arena.
 */
double growth(void (*work)(size_t amount), size_t amount);
