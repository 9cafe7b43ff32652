/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the self-test is made of, short of the kernel: its bytes, and the manifests of its trials. */
#include "tests/unit/support.h"

#include "lib/selftest/trial.h"

#include <string.h>

SUITE(cases);

static const struct {
	const struct trial_case *rows;
	const size_t *count;
} tables[] = {
	{ cases_stream, &cases_stream_count },
	{ cases_map, &cases_map_count },
	{ cases_end, &cases_end_count },
	{ cases_wake, &cases_wake_count },
	{ cases_limit, &cases_limit_count },
};

#define EACH_CASE(row)                                                                             \
	for (size_t table_ = 0; table_ < sizeof(tables) / sizeof(tables[0]); table_++)             \
		for (const struct trial_case *row = tables[table_].rows;                           \
			row < tables[table_].rows + *tables[table_].count; row++)

/* One that is not would be skipped on every kernel. */
Test(cases, every_manifest_is_valid)
{
	EACH_CASE(row)
	{
		const struct manifest *manifest = valid_manifest(row->manifest);
		const struct bpfasm_code **codes =
			manifest_assemble(&arena, manifest, &diagnostics);

		expect_no_diagnostics();
		for (size_t i = 0; i < manifest->programs.count; i++)
			cr_assert_not_null(codes[i], "%s", row->name);
		cr_assert_neq(manifest->attachments.count, 0, "%s", row->name);
		manifest_lint(&arena, manifest, codes, &diagnostics);
		expect_no_diagnostics();
	}
}

Test(cases, every_fault_says_what_it_means_and_what_to_do)
{
	EACH_CASE(row)
	{
		cr_assert_not_null(row->means, "%s", row->name);
		cr_assert_not_null(row->workaround, "%s", row->name);
		cr_assert_leq(strlen(row->name), 38, "%s", row->name);
	}
}

/* A byte depends on its place, however it is asked for. */
Test(cases, bytes_depend_on_their_place_alone)
{
	unsigned char whole[4096], part[64];

	stream_pattern(whole, 0, sizeof(whole));
	for (size_t offset = 0; offset < sizeof(whole) - sizeof(part); offset += 37)
		for (size_t length = 1; length <= sizeof(part); length += 9) {
			stream_pattern(part, offset, length);
			cr_assert_eq(memcmp(part, whole + offset, length), 0);
		}
}

/* Moved by any distance up to a page, or with bytes left out, a stream is another one. */
Test(cases, no_piece_of_the_bytes_is_like_another)
{
	unsigned char whole[8192];

	stream_pattern(whole, 0, sizeof(whole));
	for (size_t distance = 1; distance < 4096; distance++)
		cr_assert_neq(memcmp(whole, whole + distance, 16), 0, "%zu", distance);
}
