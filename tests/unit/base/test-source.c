/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

SUITE(source);

static struct mark mark_of(const struct source *source, size_t index)
{
	size_t line = 0;

	return source_mark_after(source, index, &line);
}

static void expect_line(const struct source *source, uint32_t line, const char *text)
{
	size_t length = 12345;
	const char *is = source_line(source, line, &length);

	if (!text) {
		cr_assert_null(is, "line %u", line);
		return;
	}
	cr_assert_not_null(is, "line %u", line);
	cr_assert_eq(length, strlen(text), "line %u: %zu bytes", line, length);
	cr_assert(memcmp(is, text, length) == 0, "line %u", line);
}

Test(source, lines_come_without_their_end)
{
	const struct source *source = source_of("one\n\nthree\n");

	cr_assert_str_eq(source->name, "t.yaml");
	cr_assert_eq(source->length, 11);
	expect_line(source, 1, "one");
	expect_line(source, 2, "");
	expect_line(source, 3, "three");
	expect_line(source, 0, NULL);
	expect_line(source, 5, NULL);
	expect_line(source, UINT32_MAX, NULL);
}

Test(source, last_line_needs_no_newline)
{
	const struct source *source = source_of("one\ntwo");

	expect_line(source, 1, "one");
	expect_line(source, 2, "two");
	expect_line(source, 3, NULL);
}

Test(source, carriage_returns_belong_to_the_end)
{
	const struct source *source = source_of("one\r\n\r\nth\rree\r\nfour");

	expect_line(source, 1, "one");
	expect_line(source, 2, "");
	expect_line(source, 3, "th\rree");
	expect_line(source, 4, "four");
}

Test(source, empty_text_has_one_empty_line)
{
	expect_line(source_of(""), 1, "");
	expect_line(source_of(""), 2, NULL);
	expect_line(NULL, 1, NULL);
}

Test(source, length_counts_not_the_nul)
{
	const struct source *source = source_from_text(&arena, "x", "a\0b\nc\nd", 5);

	cr_assert_eq(source->line_count, 2);
	expect_line(source, 2, "c");
}

Test(source, indexes_many_lines)
{
	char *text = arena_alloc(&arena, 200001);
	const struct source *source;

	for (size_t i = 0; i < 100000; i++)
		memcpy(text + i * 2, "x\n", 2);
	source = source_of(text);
	expect_line(source, 1, "x");
	expect_line(source, 99999, "x");
	expect_line(source, 100000, "x");
	cr_assert_eq(source->line_start[77777], 2 * 77777);
}

/* Characters of one to four bytes, so that they stand across the edges of all blocks. */
static const char *long_text(size_t pieces)
{
	static const char piece[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
				    "b";
	size_t length = sizeof(piece) - 1;
	char *text = arena_alloc(&arena, pieces * length + 1);

	for (size_t i = 0; i < pieces; i++)
		memcpy(text + i * length, piece, length);
	return text;
}

/* Five characters in eleven bytes: 1, 2, 3, 4 and 1. */
Test(source, places_in_long_lines)
{
	static const size_t bytes[] = { 0, 1, 3, 6, 10 };
	const struct source *source =
		source_of(arena_printf(&arena, "short\n%s\nend", long_text(500)));

	for (size_t i = 0; i < 2500; i++) {
		size_t offset = 6 + i / 5 * 11 + bytes[i % 5];
		struct mark mark = mark_of(source, 6 + i);

		expect_mark(mark, 2, (uint32_t)i + 1, 0);
		cr_assert_eq(source_offset(&mark), offset, "character %zu", i);
		expect_mark(source_mark_of_byte(source, offset), 2, (uint32_t)i + 1, 0);
	}
	expect_mark(source_mark_of_byte(source, source->length), 3, 4, 0);
}

Test(source, a_place_behind_a_long_line_is_its_end)
{
	const struct source *source =
		source_of(arena_printf(&arena, "%s\r\n%s", long_text(100), long_text(100)));
	struct mark mark = mark_at(source, 1, 100000, 1);

	cr_assert_eq(source_offset(&mark), 1100);
	mark = mark_at(source, 1, 501, 1);
	cr_assert_eq(source_offset(&mark), 1100);
	mark = mark_at(source, 2, 501, 1);
	cr_assert_eq(source_offset(&mark), source->length);
}

Test(source, marks_from_the_front_to_the_back)
{
	const struct source *source = source_of("ab\n\n\ncd\ne");
	size_t line = 0;

	expect_mark(source_mark_after(source, 1, &line), 1, 2, 0);
	expect_mark(source_mark_after(source, 2, &line), 1, 3, 0);
	expect_mark(source_mark_after(source, 3, &line), 2, 1, 0);
	expect_mark(source_mark_after(source, 6, &line), 4, 2, 0);
	expect_mark(source_mark_after(source, 8, &line), 5, 1, 0);
	expect_mark(source_mark_after(source, 9, &line), 5, 2, 0);
	/* And back again. */
	expect_mark(source_mark_after(source, 4, &line), 3, 1, 0);
	expect_mark(source_mark_after(source, 0, &line), 1, 1, 0);
}

Test(source, marks_end_in_their_line)
{
	const struct source *source = source_of("abc\nde");

	expect_mark(source_mark_until(mark_of(source, 1), 3), 1, 2, 2);
	expect_mark(source_mark_until(mark_of(source, 1), 1), 1, 2, 0);
	expect_mark(source_mark_until(mark_of(source, 1), 0), 1, 2, 0);
	expect_mark(source_mark_until(mark_of(source, 1), 4), 1, 2, 0);
	expect_mark(source_mark_until(mark_of(source, 4), 6), 2, 1, 2);
}

static int write_file(char *path, const void *bytes, size_t length)
{
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, length), (ssize_t)length);
	return fd;
}

Test(source, reads_a_file)
{
	char path[] = "/tmp/sockform-unit-XXXXXX";
	const struct source *source = NULL;
	int fd = write_file(path, "a\nb\0c\n", 6);

	cr_assert_eq(source_read(&arena, path, &source), 0);
	cr_assert_str_eq(source->name, path);
	cr_assert_eq(source->length, 6);
	cr_assert_arr_eq(source->text, "a\nb\0c\n", 7);
	expect_line(source, 1, "a");
	close(fd);
	unlink(path);
}

Test(source, reads_standard_input)
{
	char path[] = "/tmp/sockform-unit-XXXXXX";
	const struct source *source = NULL;
	int fd = write_file(path, "name: x\n", 8);

	cr_assert_not_null(freopen(path, "r", stdin));
	cr_assert_eq(source_read(&arena, "-", &source), 0);
	cr_assert_str_eq(source->name, "<stdin>");
	cr_assert_str_eq(source->text, "name: x\n");
	close(fd);
	unlink(path);
}

Test(source, says_what_the_system_said)
{
	const struct source *source = NULL;

	cr_assert_eq(source_read(&arena, "/nowhere/at/all.yaml", &source), -ENOENT);
	cr_assert_eq(source_read(&arena, "/", &source), -EISDIR);
	cr_assert_eq(source_read(&arena, "/dev/null/x", &source), -ENOTDIR);
	cr_assert_null(source);
}

/* Files with holes: nothing is written to the disk. */
static int read_file_of(size_t bytes, const struct source **source)
{
	char path[] = "/tmp/sockform-unit-XXXXXX";
	int fd = write_file(path, "", 0), error;

	cr_assert_eq(ftruncate(fd, (off_t)bytes), 0);
	error = source_read(&arena, path, source);
	close(fd);
	unlink(path);
	return error;
}

Test(source, reads_up_to_16_mib_and_no_further)
{
	const struct source *source = NULL;

	cr_assert_eq(SOURCE_MAX_BYTES, 16777216);
	cr_assert_eq(read_file_of(16777216, &source), 0);
	cr_assert_eq(source->length, 16777216);
	cr_assert_eq(source->text[16777216], '\0');
	source = NULL;
	cr_assert_eq(read_file_of(16777217, &source), -EFBIG);
	cr_assert_null(source);
}

/* A file without an end must not fill the memory. */
Test(source, stops_reading_an_endless_file)
{
	const struct source *source = NULL;

	cr_assert_eq(source_read(&arena, "/dev/zero", &source), -EFBIG);
}

Test(source, keeps_every_byte_across_buffer_sizes)
{
	static const size_t sizes[] = { 0, 1, 8191, 8192, 8193, 16384, 100000 };
	char *text = arena_alloc(&arena, 100001);
	const struct source *source;

	for (size_t i = 0; i < 100000; i++)
		text[i] = (char)('a' + i % 23);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char path[] = "/tmp/sockform-unit-XXXXXX";
		int fd = write_file(path, text, sizes[i]);

		cr_assert_eq(source_read(&arena, path, &source), 0);
		cr_assert_eq(source->length, sizes[i]);
		cr_assert(memcmp(source->text, text, sizes[i]) == 0);
		cr_assert_eq(source->text[sizes[i]], '\0');
		close(fd);
		unlink(path);
	}
}

/* Places by number of characters and by bytes: the text is "a", "\u00e9b", "", "\u20ac". */
static const char wide_text[] = "a\n\xc3\xa9"
				"b\n\n\xe2\x82\xac";

static const struct {
	size_t index, offset;
	uint32_t line, column;
} places[] = {
	{ 0, 0, 1, 1 },
	{ 1, 1, 1, 2 },
	{ 2, 2, 2, 1 },
	{ 3, 4, 2, 2 },
	{ 4, 5, 2, 3 },
	{ 5, 6, 3, 1 },
	{ 6, 7, 4, 1 },
	{ 7, 10, 4, 2 },
};

Test(source, places_by_character_and_by_byte)
{
	const struct source *source = source_of(wide_text);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct mark mark = mark_of(source, places[i].index);

		cr_assert_eq(mark.source, source);
		expect_mark(mark, places[i].line, places[i].column, 0);
		mark = source_mark_of_byte(source, places[i].offset);
		expect_mark(mark, places[i].line, places[i].column, 0);
		cr_assert_eq(source_offset(&mark), places[i].offset);
	}
}

Test(source, places_behind_the_text)
{
	const struct source *source = source_of(wide_text);
	struct mark behind = mark_at(source, 9, 1, 0), far = mark_at(source, 2, 99, 0);

	expect_mark(source_mark_of_byte(source, 1000), 4, 2, 0);
	cr_assert_eq(source_offset(&behind), 10);
	cr_assert_eq(source_offset(&far), 5);
}

Test(source, a_byte_order_mark_is_left_out)
{
	const struct source *source = source_of("\xef\xbb\xbf"
						"ab\nc");

	expect_line(source, 1, "ab");
	expect_line(source, 2, "c");
	cr_assert_eq(source->length, 4);
	expect_mark(mark_of(source, 0), 1, 1, 0);
	expect_line(source_of("\xef\xbb"), 1, "\xef\xbb");
}

/* Table 3-7 of the Unicode Standard, by its edges. */
static const struct {
	const char *text;
	size_t length;
} sequences[] = {
	{ "a", 1 },
	{ "\x7f", 1 },
	{ "\x80", 0 },
	{ "\xbf", 0 },
	{ "\xc0\x80", 0 },
	{ "\xc1\xbf", 0 },
	{ "\xc2\x80", 2 },
	{ "\xdf\xbf", 2 },
	{ "\xdf", 0 },
	{ "\xdf\xc0", 0 },
	{ "\xe0\x9f\xbf", 0 },
	{ "\xe0\xa0\x80", 3 },
	{ "\xed\x9f\xbf", 3 },
	{ "\xed\xa0\x80", 0 },
	{ "\xee\x80\x80", 3 },
	{ "\xef\xbf\xbf", 3 },
	{ "\xe1\x80", 0 },
	{ "\xf0\x8f\xbf\xbf", 0 },
	{ "\xf0\x90\x80\x80", 4 },
	{ "\xf4\x8f\xbf\xbf", 4 },
	{ "\xf4\x90\x80\x80", 0 },
	{ "\xf5\x80\x80\x80", 0 },
	{ "\xff", 0 },
	{ "\xf1\x80\x80", 0 },
};

Test(source, sequences_of_utf8)
{
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
		cr_assert_eq(
			utf8_length(sequences[i].text), sequences[i].length, "sequence %zu", i);
}

Test(source, characters_are_counted)
{
	cr_assert_eq(count_characters("", 0), 0);
	cr_assert_eq(count_characters("abc", 3), 3);
	cr_assert_eq(count_characters("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!", 10), 4);
	cr_assert_eq(count_characters("abc", 2), 2);
}

Test(source, lines_without_the_blanks_around_them)
{
	const struct source *source = source_of(" \t a b\t \r\nc\n \n");
	static const char *const expected[] = { "a b", "c", "", "" };

	for (uint32_t i = 0; i < 4; i++) {
		struct mark mark = mark_at(source, i + 1, 1, 1);

		cr_assert_str_eq(source_line_trimmed(&arena, &mark), expected[i], "%u", i);
	}
	cr_assert_str_eq(source_line_trimmed(&arena, &mark_none), "");
	cr_assert_str_eq(source_line_trimmed(&arena, &(struct mark){ source, 9, 1, 1 }), "");
}

/* As many bytes as belong together, and one at least where nothing does. */
Test(source, lengths_of_characters)
{
	cr_assert_eq(character_length("ab", 2), 1);
	cr_assert_eq(character_length("\xc3\xbc"
				      "b",
			     3),
		2);
	cr_assert_eq(character_length("\xe2\x82\xac", 3), 3);
	cr_assert_eq(character_length("\xe2\x82\xac", 2), 2);
	cr_assert_eq(character_length("\xbc", 1), 1);
	cr_assert_eq(character_length("\xff\xff", 2), 1);
}
