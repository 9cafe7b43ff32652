/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <string.h>

#include "lib/base/cleanup.h"

SUITE(arena);

static bool is_zero(const unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes[i])
			return false;
	return true;
}

Test(arena, every_pointer_is_aligned_for_any_type)
{
	for (size_t size = 0; size < 200; size++) {
		uintptr_t at = (uintptr_t)arena_alloc(&arena, size);

		cr_assert_neq(at, 0);
		cr_assert_eq(at % alignof(max_align_t), 0, "size %zu", size);
	}
}

Test(arena, memory_is_zeroed_whatever_its_neighbours_hold)
{
	for (size_t size = 1; size < 3000; size += 7) {
		unsigned char *bytes = arena_alloc(&arena, size);

		cr_assert(is_zero(bytes, size), "size %zu", size);
		memset(bytes, 0xff, size);
	}
}

/* Each allocation keeps its own pattern, so none overlaps another. */
Test(arena, allocations_do_not_overlap)
{
	enum { COUNT = 4000 };
	unsigned char *pieces[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		pieces[i] = arena_alloc(&arena, i % 97 + 1);
		memset(pieces[i], (int)(i % 251), i % 97 + 1);
	}
	for (size_t i = 0; i < COUNT; i++)
		for (size_t j = 0; j < i % 97 + 1; j++)
			cr_assert_eq(pieces[i][j], i % 251, "piece %zu, byte %zu", i, j);
}

Test(arena, takes_allocations_larger_than_a_chunk)
{
	static const size_t sizes[] = { 16384, 16385, 100000, (1 << 20) + 1, 20 << 20, 16 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *bytes = arena_alloc(&arena, sizes[i]);

		cr_assert(is_zero(bytes, sizes[i]));
		memset(bytes, 0xee, sizes[i]);
	}
}

Test(arena, is_usable_after_finish)
{
	memset(arena_alloc(&arena, 100), 0xff, 100);
	arena_finish(&arena);
	cr_assert_null(arena.chunks);
	cr_assert(is_zero(arena_alloc(&arena, 100), 100));
	arena_finish(&arena);
	arena_finish(&arena);
}

Test(arena, array_has_room_for_all_elements)
{
	unsigned char *bytes = arena_alloc_array(&arena, 1000, 24);

	cr_assert(is_zero(bytes, 24000));
	memset(bytes, 1, 24000);
	cr_assert_not_null(arena_alloc_array(&arena, 0, 24));
	cr_assert_not_null(arena_alloc_array(&arena, 24, 0));
}

Test(arena, overflow_of_an_array_ends_the_process, .exit_code = 3)
{
	arena_alloc_array(&arena, SIZE_MAX / 2, 3);
}

Test(arena, overflow_by_one_ends_the_process, .exit_code = 3)
{
	/* (2^32)^2 is 0 in 64 bits: without a check it would look like nothing. */
	arena_alloc_array(&arena, (size_t)1 << 32, (size_t)1 << 32);
}

Test(arena, a_size_beyond_the_address_space_ends_the_process, .exit_code = 3)
{
	arena_alloc(&arena, SIZE_MAX);
}

static size_t read_back(int fd, char *buffer, size_t size)
{
	ssize_t length = pread(fd, buffer, size - 1, 0);

	buffer[length < 0 ? 0 : length] = '\0';
	return (size_t)length;
}

/* The line goes to descriptor 2, which the test turns into a file of its own. */
Test(arena, out_of_memory_says_so_in_one_line, .exit_code = 3)
{
	char path[] = "/tmp/sockform-unit-XXXXXX", buffer[100];
	int fd = mkstemp(path);
	pid_t child;

	cr_assert_geq(fd, 0);
	unlink(path);
	child = fork();
	if (!child) {
		dup2(fd, STDERR_FILENO);
		arena_out_of_memory();
	}
	while (read_back(fd, buffer, sizeof(buffer)) == 0)
		usleep(1000);
	cr_assert_str_eq(buffer, "sockform: out of memory\n");
	close(fd);
	arena_out_of_memory();
}

Test(arena, copy_ends_in_nul_and_is_a_copy)
{
	char text[] = "abcdef";
	char *copy = arena_copy(&arena, text, 3);

	text[0] = 'x';
	cr_assert_str_eq(copy, "abc");
	cr_assert_str_eq(arena_copy(&arena, NULL, 0), "");
	cr_assert_arr_eq(arena_copy(&arena, "a\0b", 3), "a\0b", 4);
}

/* Text is formatted where the next allocation goes, before its length is known. */
Test(arena, what_has_no_room_for_a_text_stays_out_of_use)
{
	for (size_t size = 14000; size <= 16384; size += 16) {
		struct arena small = { 0 };

		arena_alloc(&small, size);
		cr_assert_eq(strlen(arena_printf(&small, "%0*d", 1000, 7)), 1000);
		for (int i = 0; i < 300; i++)
			cr_assert(is_zero(arena_alloc(&small, 64), 64), "size %zu", size);
		arena_finish(&small);
	}
}

Test(arena, printf_takes_text_of_any_length)
{
	char *longer = arena_printf(&arena, "%0*d", 100000, 7);

	cr_assert_eq(strlen(longer), 100000);
	cr_assert_eq(longer[99999], '7');
	cr_assert_str_eq(arena_printf(&arena, "%s-%d", "a", -5), "a--5");
	cr_assert_str_eq(arena_printf(&arena, "%s", ""), "");
}

Test(cleanup, closing_keeps_errno_and_takes_minus_one)
{
	int fd = open("/dev/null", O_RDONLY);

	cr_assert_geq(fd, 0);
	errno = ENOTTY;
	cr_assert_eq(fd_close(-1), -1);
	cr_assert_eq(fd_close(fd), -1);
	cr_assert_eq(errno, ENOTTY);
	cr_assert_eq(fcntl(fd, F_GETFD), -1);
}

Test(cleanup, a_scope_closes_its_descriptor_unless_it_was_stolen)
{
	int closed, kept;

	{
		cleanup_fd int one = open("/dev/null", O_RDONLY);
		cleanup_fd int two = open("/dev/null", O_RDONLY);

		closed = one;
		kept = fd_steal(&two);
		cr_assert_eq(two, -1);
	}
	cr_assert_eq(fcntl(closed, F_GETFD), -1);
	cr_assert_neq(fcntl(kept, F_GETFD), -1);
	close(kept);
}
