/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Templates of instructions: a capital letter stands for each word of a set, and for the same one
 * wherever it stands in the template. All templates together are the instruction set.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * What LLVM reads with -mcpu=v4, all of it but two: "callx", which no kernel takes, and "ld_pseudo",
 * which asks for a descriptor of whoever loads the program.
 */
extern const char *const templates[];
extern const size_t template_count;

/* What the verifier's log and LLVM spell differently. */
struct spelling {
	const char *log, *llvm;
};

extern const struct spelling spellings[];
extern const size_t spelling_count;

/* Calls `found` with every text of a template, and of `second` (or NULL) with the same words. */
typedef void template_found(const char *text, const char *second, void *context);
void template_each(const char *template, const char *second, template_found *found, void *context);

/* Labels that random jumps lead to: "<prefix>_0:" and so on. */
#define TEMPLATE_LABELS 1000

/* A text at random; numbers are any numbers, then. */
const char *template_random(const char *template, const char *prefix, uint32_t *state);

uint32_t next_random(uint32_t *state);

/* Where to begin: always the same, or SOCKFORM_SEED from the environment; it is printed. */
uint32_t random_seed(void);
