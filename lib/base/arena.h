/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Memory that lives as long as one run of the pipeline.
 *
 * Every stage allocates its result here and hands it on as a constant; nothing is freed one by one.
 * Running out of memory ends the process in one place (arena_out_of_memory): no caller tests for
 * NULL. That is safe at any instruction, because whatever apply had done by then is completed by
 * the next apply or delete.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

struct arena_chunk;

/* Zero-initialise; owns its chunks. */
struct arena {
	struct arena_chunk *chunks;
};

/* Frees everything that was allocated from the arena; it can be used again afterwards. */
void arena_finish(struct arena *arena);

/* `size` zeroed bytes, aligned for any type. Never NULL; size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size);

/* `count * size` zeroed bytes; an overflow of the product counts as out of memory. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);

/* A copy of `length` bytes with a NUL behind them. */
char *arena_copy(struct arena *arena, const char *text, size_t length);

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Writes one line to stderr and exits with code 3. */
_Noreturn void arena_out_of_memory(void);
