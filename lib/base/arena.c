/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/base/arena.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Small enough that `sockform --help` stays cheap, doubled for each further chunk. */
#define FIRST_CHUNK ((size_t)16 << 10)
#define LARGEST_CHUNK ((size_t)1 << 20)
#define POPULATED_CHUNK ((size_t)256 << 10)

struct arena_chunk {
	struct arena_chunk *next;
	size_t capacity, used;
	max_align_t data[];
};

_Noreturn void arena_out_of_memory(void)
{
	static const char line[] = "sockform: out of memory\n";

	if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0) {
		/* Nobody is left to tell. */
	}
	_exit(3);
}

void arena_finish(struct arena *arena)
{
	struct arena_chunk *next;

	for (struct arena_chunk *chunk = arena->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	arena->chunks = NULL;
}

/*
 * Has the kernel make all pages of a large chunk at once, where it can (since 5.14), which takes a third
 * of the time of a fault for each.
 */
static void populate(struct arena_chunk *chunk, size_t bytes)
{
	uintptr_t mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
	uintptr_t begin = ((uintptr_t)chunk + mask) & ~mask;
	uintptr_t end = ((uintptr_t)chunk + bytes) & ~mask;
	int before = errno; /* whoever allocates may still want it */

	madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
	errno = before;
}

static struct arena_chunk *add_chunk(struct arena *arena, size_t size)
{
	size_t capacity = FIRST_CHUNK;
	struct arena_chunk *chunk;

	if (arena->chunks && arena->chunks->capacity < LARGEST_CHUNK)
		capacity = arena->chunks->capacity * 2;
	else if (arena->chunks)
		capacity = LARGEST_CHUNK;
	if (capacity < size)
		capacity = size;
	chunk = calloc(1, sizeof(*chunk) + capacity);
	if (!chunk)
		arena_out_of_memory();
	/* What is larger is one thing, as a verifier's log, of which most is never written. */
	if (capacity >= POPULATED_CHUNK && capacity <= LARGEST_CHUNK)
		populate(chunk, sizeof(*chunk) + capacity);
	chunk->capacity = capacity;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->chunks;
	void *result;

	if (size > SIZE_MAX / 2)
		arena_out_of_memory();
	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (!chunk || chunk->capacity - chunk->used < size)
		chunk = add_chunk(arena, size);
	result = (char *)chunk->data + chunk->used;
	chunk->used += size;
	return result;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		arena_out_of_memory();
	return arena_alloc(arena, bytes);
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	if (length)
		memcpy(copy, text, length);
	return copy;
}

/*
 * Into what the chunk has left, where it mostly fits, so that it is formatted once. Where it does not,
 * that rest is dirty, and another chunk takes its place for good.
 */
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
	const struct arena_chunk *chunk = arena->chunks;
	size_t room = chunk ? chunk->capacity - chunk->used : 0;
	char *place = room ? (char *)chunk->data + chunk->used : NULL, *result;
	va_list again;
	int length;

	va_copy(again, arguments);
	length = vsnprintf(place, room, format, again);
	va_end(again);
	if (length < 0)
		arena_out_of_memory();
	result = arena_alloc(arena, (size_t)length + 1);
	if (result != place)
		vsnprintf(result, (size_t)length + 1, format, arguments);
	return result;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	char *result;

	va_start(arguments, format);
	result = arena_vprintf(arena, format, arguments);
	va_end(arguments);
	return result;
}
