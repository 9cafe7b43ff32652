/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside the room: reading assembly text word by word. A fault is reported once a statement and
 * ends it: what comes behind the first fault is guesswork. `accept` reads what is there or leaves
 * the cursor where it was, `expect` reports what is not there; both skip blanks.
 */
#pragma once

#include "lib/bpfasm/assembler.h"
#include "lib/bpfasm/syntax.h"

/* One statement. */
struct scan {
	struct assembler *assembler;
	const struct bpfasm_item *item;
	const char *text;
	size_t start; /* of this statement */
	size_t at;    /* next byte to read */
	size_t end;   /* of this statement */
	bool failed;
};

/* The place of the bytes from `start` to before `end`. */
struct mark scan_mark(const struct scan *scan, size_t start, size_t end);

struct diagnostic *scan_fail(
	struct scan *scan, enum diag_code code, size_t start, size_t length, const char *message);

/* "expected <what>" at the cursor, unless the statement has failed already. */
void scan_expected(struct scan *scan, const char *what);

void scan_skip_blanks(struct scan *scan);

/* Length of the word at the cursor; 0 for none. */
size_t scan_word_length(struct scan *scan);
char *scan_take_word(struct scan *scan, size_t length);

bool scan_accept(struct scan *scan, const char *punctuation);
bool scan_accept_word(struct scan *scan, const char *word);
void scan_expect(struct scan *scan, const char *punctuation);

/* The row of a table whose text stands at the cursor, as a sign or as a whole word; or NULL. */
const struct syntax *scan_accept_sign_of(struct scan *scan, const struct syntax *table);
const struct syntax *scan_accept_word_of(struct scan *scan, const struct syntax *table);

/*
 * r0 to r10, and with *half w0 to w10, which logs of kernels before 5.2 call "(u32) r0". Both are
 * left alone where there is no register.
 */
bool scan_accept_register(struct scan *scan, int *ret, bool *half);
void scan_expect_register(struct scan *scan, int *ret);

/* The statement fails at a number with a leading zero: octal for LLVM, decimal for most readers. */
bool scan_accept_number(struct scan *scan, __int128 *ret);

/* Fails where a number that begins at `start` and ends at the cursor is out of range; NULL if not. */
struct diagnostic *scan_check_range(
	struct scan *scan, size_t start, __int128 number, int64_t least, int64_t most);

/* `what` stands in the message where there is no number; the range in that for one out of it. */
int64_t scan_expect_number(struct scan *scan, const char *what, int64_t least, int64_t most);

/*
 * The end of the statement at `at`, blanks and a comment behind it left out; *next begins the next.
 */
size_t scan_statement_end(const char *text, size_t at, size_t length, size_t *next);
