/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/unit/support.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct arena arena;
struct diagnostics diagnostics;

void support_init(void)
{
	diagnostics = (struct diagnostics){ .arena = &arena };
}

void support_fini(void)
{
	arena_finish(&arena);
}

const struct source *source_of(const char *text)
{
	return source_from_text(&arena, "t.yaml", text, strlen(text));
}

struct mark mark_at(const struct source *source, uint32_t line, uint32_t column, uint32_t length)
{
	return (struct mark){ source, line, column, length };
}

void expect_mark(struct mark mark, uint32_t line, uint32_t column, uint32_t length)
{
	cr_assert_eq(mark.line, line, "line %u, not %u", mark.line, line);
	cr_assert_eq(mark.column, column, "column %u, not %u", mark.column, column);
	cr_assert_eq(mark.length, length, "length %u, not %u", mark.length, length);
}

void expect_diagnostic(
	size_t at, enum diag_code code, uint32_t line, uint32_t column, const char *message)
{
	const struct diagnostic *is;

	cr_assert_lt(at, diagnostics.list.count, "there are only %zu diagnostics",
		diagnostics.list.count);
	is = &diagnostics.list.items[at];
	cr_assert_eq(is->code, code, "%s: %s", diag_codes[is->code].name, is->message);
	cr_assert_str_eq(is->message, message);
	cr_assert_eq(is->mark.line, line, "line %u, not %u: %s", is->mark.line, line, message);
	cr_assert_eq(
		is->mark.column, column, "column %u, not %u: %s", is->mark.column, column, message);
}

void expect_hint(size_t at, const char *hint)
{
	const struct diagnostic *is = &diagnostics.list.items[at];

	cr_assert_lt(at, diagnostics.list.count);
	if (hint)
		cr_assert_str_eq(is->hint, hint);
	else
		cr_assert_null(is->hint, "%s", is->hint);
}

void expect_no_diagnostics(void)
{
	const struct diagnostic *first = diagnostics.list.items;

	cr_assert_eq(diagnostics.list.count, 0, "%s at %u:%u", first->message, first->mark.line,
		first->mark.column);
}

yaml_documents yaml_all(const char *text, size_t length)
{
	yaml_documents documents = { 0 };

	yaml_load(
		&arena, source_from_text(&arena, "t.yaml", text, length), &diagnostics, &documents);
	return documents;
}

const struct yaml_node *yaml_of(const char *text)
{
	yaml_documents documents = yaml_all(text, strlen(text));

	expect_no_diagnostics();
	cr_assert_eq(documents.count, 1);
	return documents.items[0];
}

const struct manifest *any_manifest(const char *text)
{
	manifest_list manifests = { 0 };

	manifest_load(&arena, source_of(text), &diagnostics, &manifests);
	cr_assert_eq(manifests.count, 1);
	return manifests.items[0];
}

const struct manifest *valid_manifest(const char *text)
{
	const struct manifest *manifest = any_manifest(text);

	expect_no_diagnostics();
	return manifest;
}

static const char program_head[] =
	"sockform: v1\n"
	"name: code\n"
	"maps:\n"
	"  pairs: { type: sockhash, key: [cookie], max_entries: 8 }\n"
	"  indexed: { type: sockmap, max_entries: 8 }\n"
	"  raw: { type: sockhash, key_size: 8, max_entries: 8 }\n"
	"  five: { type: sockhash, max_entries: 8,"
	" key: [family, local_ip4, local_port, remote_port, remote_ip4] }\n"
	"  values: { type: array, value_size: 8, max_entries: 8 }\n"
	"programs:\n"
	"  p:\n"
	"    type: %s\n"
	"    body:\n%s";

static const char *indent(const char *body)
{
	const char *text = "";

	while (*body) {
		size_t length = strcspn(body, "\n");

		text = arena_printf(
			&arena, "%s%*s%.*s\n", text, BODY_INDENT, "", (int)length, body);
		body += length + (body[length] == '\n');
	}
	return text;
}

const struct bpfasm_code *any_code_of(const char *type, const char *body)
{
	const struct manifest *manifest =
		any_manifest(arena_printf(&arena, program_head, type, indent(body)));
	struct bpfasm_budget budget = { 0 };

	return manifest_assemble_program(
		&arena, manifest, &manifest->programs.items[0], &budget, &diagnostics);
}

const struct bpfasm_code *any_code(const char *body)
{
	return any_code_of("sk_skb", body);
}

const struct bpfasm_code **assemble_unchecked(const struct manifest *manifest)
{
	const struct bpfasm_code **codes =
		arena_alloc_array(&arena, manifest->programs.count, sizeof(*codes));
	struct bpfasm_budget budget = { 0 };

	for (size_t i = 0; i < manifest->programs.count; i++)
		codes[i] = manifest_assemble_program(
			&arena, manifest, &manifest->programs.items[i], &budget, &diagnostics);
	return codes;
}

const struct bpfasm_code *valid_code(const char *body)
{
	const struct bpfasm_code *code = any_code(body);

	expect_no_diagnostics();
	cr_assert_not_null(code);
	return code;
}

void expect_instructions(
	const struct bpfasm_code *code, const struct bpf_insn *expected, size_t count)
{
	cr_assert_not_null(code);
	for (size_t i = 0; i < count && i < code->instructions.count; i++) {
		const struct bpf_insn *is = &code->instructions.items[i];

		cr_assert(memcmp(is, &expected[i], sizeof(*is)) == 0,
			"instruction %zu is { 0x%02x, %u, %u, %d, %d }, not { 0x%02x, %u, %u, %d, "
			"%d }",
			i, is->code, is->dst_reg, is->src_reg, is->off, is->imm, expected[i].code,
			expected[i].dst_reg, expected[i].src_reg, expected[i].off, expected[i].imm);
	}
	cr_assert_eq(code->instructions.count, count, "%zu instructions, not %zu",
		code->instructions.count, count);
	cr_assert_eq(code->origins.count, count);
}

void capture_begin(struct capture *capture, enum sink_format format)
{
	*capture = (struct capture){ .sink.format = format };
	capture->sink.stream = open_memstream(&capture->text, &capture->length);
	cr_assert_not_null(capture->sink.stream);
}

const char *capture_end(struct capture *capture)
{
	const char *text;

	fclose(capture->sink.stream);
	text = arena_copy(&arena, capture->text, capture->length);
	free(capture->text);
	return text;
}

static double seconds(void)
{
	struct timespec now;

	/* This process's own: what else runs on the machine does not count. */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double least_of_three(void (*work)(size_t amount), size_t amount)
{
	double least = 1e9;

	for (int i = 0; i < 3; i++) {
		double start, took;

		support_fini();
		support_init();
		start = seconds();
		work(amount);
		took = seconds() - start;
		least = took < least ? took : least;
	}
	return least;
}

double growth(void (*work)(size_t amount), size_t amount)
{
	double least = 1e9;

	/* Caches and page faults are not this process's alone: what grows too fast, does so again. */
	for (int i = 0; i < 5 && least > 6; i++) {
		double once = least_of_three(work, amount);
		double times = least_of_three(work, amount * 4) / once;

		least = times < least ? times : least;
	}
	return least;
}
