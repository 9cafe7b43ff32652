/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Assembly that somebody mistyped: whatever it is, its faults are counted and placed. */
#include "tests/unit/bpfasm/assemble.h"
#include "tests/unit/bpfasm/template.h"

#include <string.h>

SUITE(garbage);

#define LINES 1000
#define BATCHES 100
#define LINE_MAX_BYTES 60
#define INDENT 2 /* of the literal scalar */

struct line {
	char text[LINE_MAX_BYTES + 1];
	size_t length;
};

static const char *random_statement(uint32_t *state)
{
	size_t which = next_random(state) % (template_count + spelling_count);
	const char *template =
		which < template_count ? templates[which] : spellings[which - template_count].log;

	return template_random(template, "l", state);
}

static void insert(struct line *line, size_t at, const char *bytes, size_t length)
{
	if (line->length + length > LINE_MAX_BYTES)
		return;
	memmove(line->text + at + length, line->text + at, line->length - at + 1);
	memcpy(line->text + at, bytes, length);
	line->length += length;
}

static void cut(struct line *line, size_t at, size_t length)
{
	if (length > line->length - at)
		length = line->length - at;
	memmove(line->text + at, line->text + at + length, line->length - at - length + 1);
	line->length -= length;
}

/* One slip: a piece lost, doubled or from elsewhere. `alphabet`: what may be typed by mistake. */
static void mistype(struct line *line, const char *const *alphabet, size_t count, uint32_t *state)
{
	size_t at = next_random(state) % (line->length + 1);
	const char *piece = alphabet[next_random(state) % count];
	const char *other;

	switch (next_random(state) % 6) {
	case 0:
		cut(line, at, 1 + next_random(state) % 4);
		break;
	case 1:
		cut(line, at, line->length);
		break;
	case 2:
		cut(line, at, 1);
		insert(line, at, piece, strlen(piece));
		break;
	case 3:
		insert(line, at, piece, strlen(piece));
		break;
	case 4:
		insert(line, at, arena_copy(&arena, line->text, at), at);
		break;
	default:
		other = random_statement(state);
		insert(line, at, other, strlen(other));
	}
}

static void make_line(struct line *line, const char *const *alphabet, size_t count, uint32_t *state)
{
	const char *statement = random_statement(state);

	line->length = strnlen(statement, LINE_MAX_BYTES);
	memcpy(line->text, statement, line->length);
	line->text[line->length] = '\0';
	for (uint32_t slips = 1 + next_random(state) % 3; slips; slips--)
		mistype(line, alphabet, count, state);
}

/* No ";" and no ":", so that a line is one statement without a label. */
static const char *const typed[] = { "a", "l", "p", "q", "r", "s", "u", "w", "x", "R", "Z", "0",
	"1", "9", "-", "+", "*", "/", "%", "|", "&", "^", "<", ">", "=", "!", "(", ")", "[", "]",
	"{", "}", ",", ".", "#", "//", "\"", "'", "\\", "~", "@", "$", " ", "\t", "_", "ll", "goto",
	"pc+1", "r11", "w10", "0x", "99999999999", "\xc3\xbc", "\xe2\x82\xac", "skb[", "lock " };

#define TYPED (sizeof(typed) / sizeof(typed[0]))

/* A slip may have cut a character in two, which YAML does not take. */
static void repair(struct line *line)
{
	for (size_t at = 0, bytes; at < line->length; at += bytes) {
		bytes = utf8_length(line->text + at);
		if (bytes)
			continue;
		line->text[at] = '?';
		bytes = 1;
	}
}

/* The first line is valid, because it tells YAML the indent. */
static const char *document_of(const struct line *lines)
{
	char *text = arena_alloc(&arena, 16 + LINES * (INDENT + LINE_MAX_BYTES + 2));
	char *at = text + sprintf(text, "- |\n  exit\n");

	for (size_t i = 0; i < LINES; i++)
		at += sprintf(at, "  %s\n", lines[i].text);
	return text;
}

/* Nothing but blanks and a comment. */
static bool says_nothing(const char *text)
{
	text += strspn(text, " \t");
	return !*text || *text == '#' || strncmp(text, "//", 2) == 0;
}

struct outcome {
	unsigned int faults, instructions;
};

static void count_faults(const struct line *lines, struct outcome *outcomes)
{
	vec_each (diagnostic, &diagnostics.list) {
		/* The document and its first line come before. */
		size_t at = diagnostic->mark.line - 3;
		const struct line *line = &lines[at];

		cr_assert_lt(
			at, LINES, "%s on line %u", diagnostic->message, diagnostic->mark.line);
		cr_assert_gt(diagnostic->mark.column, INDENT, "%s", line->text);
		/* "before the end of the instruction" stands behind the last character. */
		cr_assert_leq(diagnostic->mark.column + diagnostic->mark.length,
			INDENT + count_characters(line->text, line->length) + 1 +
				!diagnostic->mark.length,
			"%s: %s", line->text, diagnostic->message);
		outcomes[at].faults++;
	}
}

static void expect_outcomes(const struct line *lines)
{
	const struct yaml_node *document = yaml_of(document_of(lines));
	const struct bpfasm_code *code = assemble_scalar(document->items.items[0]);
	struct outcome *outcomes = arena_alloc_array(&arena, LINES, sizeof(*outcomes));

	count_faults(lines, outcomes);
	vec_each (origin, &code->origins)
		if (origin->mark.line >= 3)
			outcomes[origin->mark.line - 3].instructions++;
	for (size_t i = 0; i < LINES; i++) {
		const struct outcome *outcome = &outcomes[i];

		cr_assert_leq(outcome->faults, 1, "%u faults: %s", outcome->faults, lines[i].text);
		if (!outcome->faults && !says_nothing(lines[i].text))
			cr_assert_gt(outcome->instructions, 0, "lost: %s", lines[i].text);
	}
}

Test(garbage, each_faulty_statement_has_one_fault_at_its_place)
{
	static struct line lines[LINES];
	uint32_t state = random_seed();
	size_t faults = 0;

	for (unsigned int batch = 0; batch < BATCHES; batch++) {
		support_fini();
		support_init();
		for (size_t i = 0; i < LINES; i++) {
			make_line(&lines[i], typed, TYPED, &state);
			repair(&lines[i]);
		}
		expect_outcomes(lines);
		faults += diagnostics.list.count;
	}
	/* Most slips are faults, not all: "r1" for "r10" is none. */
	cr_assert_gt(faults, LINES * BATCHES / 2, "%zu", faults);
	cr_assert_lt(faults, LINES * BATCHES, "%zu", faults);
}

/* Any bytes at all; what is made of them can be listed and read again. */
Test(garbage, nothing_crashes)
{
	static const char *const any[] = { ";", ":", "\n", "\r", "\x01", "\x7f", "\x80", "\xff",
		"\xc3", "l_1:", "pairs ll", "a:a:a:", "#", "-", "0" };
	uint32_t state = random_seed() + 1;

	for (unsigned int i = 0; i < 100000; i++) {
		const struct bpfasm_code *code, *again;
		struct line line;
		const char *listing;

		support_fini();
		support_init();
		make_line(&line, any, sizeof(any) / sizeof(any[0]), &state);
		code = assemble_text(line.text);
		vec_each (diagnostic, &diagnostics.list)
			cr_assert_gt(strlen(diagnostic->message), 0);
		listing = list_code(code);
		diagnostics = (struct diagnostics){ .arena = &arena };
		again = assemble_valid(listing);
		cr_assert_eq(again->instructions.count, code->instructions.count, "%s", line.text);
		cr_assert(!code->instructions.count ||
				  memcmp(again->instructions.items, code->instructions.items,
					  code->instructions.count * sizeof(struct bpf_insn)) == 0,
			"%s: %s", line.text, listing);
	}
}
