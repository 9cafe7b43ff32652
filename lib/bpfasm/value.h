/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside the room: what an argument of a block may be, a row of a table for each kind, and from its
 * text to a value.
 */
#pragma once

#include "lib/bpfasm/block.h"

/* A word that stands for a number, or for itself. */
struct value_word {
	const char *name;
	int64_t number;
};

/* What values of a kind may be; lib/report writes the JSON Schema from the same rows. */
struct value_kind {
	const char *name;     /* "on_miss": in the schema */
	const char *expected; /* "a register, r0 to r10": in messages */
	int registers;        /* r0 to so many; 0: none */
	bool numbers;         /* from least to most */
	bool wide;            /* numbers of 64 bits, whichever way they are signed */
	int64_t least, most;
	const struct value_word *words; /* NULL: none; ends with a row without name */
	bool names;                     /* words stand for themselves, not for their numbers */
	bool labels;                    /* any identifier, too */
	bool maps;                      /* the name of a map */
	bool fields;                    /* the name of a field of a context */
	const char *pattern; /* of what `decode` reads, after ECMA 262; it may take more */
	/* What is none of the above; false where it is not to be read. NULL: nothing. */
	bool (*decode)(struct assembler *assembler, const char *text, struct block_value *value);
};

extern const struct value_kind value_kinds[ARGUMENT_KIND_COUNT];

/* What an argument has to be, in words. */
const char *value_expected(struct arena *arena, const struct block_argument *argument);

/*
 * "between -32768 and 32767": what a number of that kind has to be, where the text is one that is
 * not; NULL for any other text. Whoever gave a number need not be told to.
 */
const char *value_range(struct arena *arena, enum argument_kind kind, const char *text);

/*
 * Reads an argument. False where it is not of its kind; true also where something else is wrong
 * with it that has been reported.
 */
bool value_decode(struct assembler *assembler, const struct block_argument *argument,
	const struct bpfasm_argument *given, struct block_value *value);

/*
 * Whether a text is a value of that kind as far as the text alone tells: for the parameters of
 * templates, which are numbers, words, registers, labels and fields.
 */
bool value_accepts(enum argument_kind kind, const char *text);
