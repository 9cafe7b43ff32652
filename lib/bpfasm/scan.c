/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/scan.h"

#include <string.h>

struct mark scan_mark(const struct scan *scan, size_t start, size_t end)
{
	if (!scan->item->scalar)
		return mark_none;
	return yaml_mark_from(&scan->assembler->cursor, scan->item->scalar, start, end - start);
}

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

void scan_skip_blanks(struct scan *scan)
{
	while (scan->at < scan->end && strchr(" \t\r", scan->text[scan->at]))
		scan->at++;
}

/* The word at the cursor, which stays where it is; 0 for none. */
size_t scan_word_length(struct scan *scan)
{
	size_t at;

	scan_skip_blanks(scan);
	for (at = scan->at; at < scan->end && is_word_byte(scan->text[at]);)
		at++;
	return at - scan->at;
}

/* With parameters in it, the statement is another than is seen. */
static const char *statement_hint(const struct scan *scan)
{
	const char *text = scan->text;
	size_t start = scan->start + strspn(text + scan->start, " \t\r");
	size_t end = scan->end + strspn(text + scan->end, " \t\r"); /* nothing may stand there */

	if (!scan->item->scalar || !yaml_has_parameter(scan->item->scalar, start, end - start))
		return NULL;
	return diag_shorten(arena_printf(scan->assembler->arena, "it says \"%.*s\" here",
		(int)(scan->end - start), text + start));
}

/* One diagnostic a statement: what comes behind the first fault is guesswork. */
struct diagnostic *scan_fail(
	struct scan *scan, enum diag_code code, size_t start, size_t length, const char *message)
{
	struct diagnostic *diagnostic;

	scan->failed = true;
	if (!length)
		length = start < scan->end;
	diagnostic = diag_add(scan->assembler->diagnostics, code,
		scan_mark(scan, start, start + length), "%s", message);
	diagnostic->hint = statement_hint(scan);
	return diagnostic;
}

void scan_expected(struct scan *scan, const char *what)
{
	size_t length = scan_word_length(scan);

	if (scan->failed)
		return;
	scan_fail(scan, DIAG_E0302, scan->at, length,
		arena_printf(scan->assembler->arena, "expected %s%s", what,
			scan->at == scan->end ? " before the end of the instruction" : ""));
}

bool scan_accept(struct scan *scan, const char *punctuation)
{
	size_t length = strlen(punctuation);

	scan_skip_blanks(scan);
	if (scan->end - scan->at < length ||
		memcmp(scan->text + scan->at, punctuation, length) != 0)
		return false;
	scan->at += length;
	return true;
}

bool scan_accept_word(struct scan *scan, const char *word)
{
	size_t length = scan_word_length(scan);

	if (length != strlen(word) || memcmp(scan->text + scan->at, word, length) != 0)
		return false;
	scan->at += length;
	return true;
}

void scan_expect(struct scan *scan, const char *punctuation)
{
	if (!scan->failed && !scan_accept(scan, punctuation))
		scan_expected(scan, arena_printf(scan->assembler->arena, "\"%s\"", punctuation));
}

const struct syntax *scan_accept_sign_of(struct scan *scan, const struct syntax *table)
{
	for (; table->text; table++)
		if (scan_accept(scan, table->text))
			return table;
	return NULL;
}

const struct syntax *scan_accept_word_of(struct scan *scan, const struct syntax *table)
{
	for (; table->text; table++)
		if (scan_accept_word(scan, table->text))
			return table;
	return NULL;
}

/* "r7" or "w7", by its first letter. */
static int accept_register_of(struct scan *scan, char file)
{
	size_t length = scan_word_length(scan);
	char name[] = "r??";
	int number = -1;

	if (length >= 2 && length <= 3 && scan->text[scan->at] == file) {
		memcpy(name + 1, scan->text + scan->at + 1, length - 1);
		number = asm_register_named(name, length);
	}
	if (number >= 0)
		scan->at += length;
	return number;
}

static bool accept_half_prefix(struct scan *scan)
{
	return scan_accept(scan, "(") && scan_accept_word(scan, "u32") && scan_accept(scan, ")");
}

bool scan_accept_register(struct scan *scan, int *ret, bool *half)
{
	int whole = accept_register_of(scan, 'r'), low;
	size_t start = scan->at;

	low = whole < 0 ? accept_register_of(scan, 'w') : -1;
	if (whole < 0 && low < 0 && accept_half_prefix(scan))
		low = accept_register_of(scan, 'r');
	if (whole < 0 && low < 0) {
		scan->at = start;
		return false;
	}
	*ret = whole < 0 ? low : whole;
	*half = whole < 0;
	return true;
}

void scan_expect_register(struct scan *scan, int *ret)
{
	bool half = false;
	size_t start;

	if (scan->failed)
		return;
	scan_skip_blanks(scan);
	start = scan->at;
	if (scan_accept_register(scan, ret, &half) && !half)
		return;
	scan->at = start;
	scan_expected(scan, "a register, r0 to r10");
}

/* Whether LLVM would read the digits as octal. */
static bool looks_octal(const char *digits, size_t length)
{
	return length > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9';
}

bool scan_accept_number(struct scan *scan, __int128 *ret)
{
	size_t start, length;

	scan_skip_blanks(scan);
	start = scan->at;
	if (scan->at < scan->end && strchr("+-", scan->text[scan->at]))
		scan->at++;
	length = scan_word_length(scan);
	if (!length || asm_parse_number(scan->text + start, scan->at + length - start, ret) != 0) {
		scan->at = start;
		return false;
	}
	if (looks_octal(scan->text + scan->at, length))
		scan_fail(scan, DIAG_E0302, start, scan->at + length - start,
			"a number does not begin with 0 here")
			->hint = "some read that as octal";
	scan->at += length;
	return true;
}

char *scan_take_word(struct scan *scan, size_t length)
{
	char *word = arena_copy(scan->assembler->arena, scan->text + scan->at, length);

	scan->at += length;
	return word;
}

struct diagnostic *scan_check_range(
	struct scan *scan, size_t start, __int128 number, int64_t least, int64_t most)
{
	if (scan->failed || (number >= least && number <= most))
		return NULL;
	return scan_fail(scan, DIAG_E0205, start, scan->at - start,
		arena_printf(scan->assembler->arena,
			"the number has to be between %lld and %lld here", (long long)least,
			(long long)most));
}

int64_t scan_expect_number(struct scan *scan, const char *what, int64_t least, int64_t most)
{
	__int128 number = 0;
	size_t start;

	if (scan->failed)
		return 0;
	scan_skip_blanks(scan);
	start = scan->at;
	if (!scan_accept_number(scan, &number))
		scan_expected(scan, what);
	scan_check_range(scan, start, number, least, most);
	return (int64_t)number;
}

size_t scan_statement_end(const char *text, size_t at, size_t length, size_t *next)
{
	size_t end = at;

	while (end < length && text[end] != '\n' && text[end] != ';' && text[end] != '#' &&
		!(text[end] == '/' && end + 1 < length && text[end + 1] == '/'))
		end++;
	*next = end;
	while (*next < length && text[*next] != '\n' && text[*next] != ';')
		++*next;
	/* A ";" inside a comment does not end it. */
	if (end < length && (text[end] == '#' || text[end] == '/'))
		while (*next < length && text[*next] != '\n')
			++*next;
	*next += *next < length;
	while (end > at && strchr(" \t\r", text[end - 1]))
		end--;
	return end;
}
