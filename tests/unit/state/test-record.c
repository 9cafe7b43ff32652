/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Records: written, read back, and asked. */
#include "tests/unit/support.h"

#include "lib/state/state.h"

#include <string.h>

SUITE(record);

Test(record, texts_round_trip)
{
	static const struct state_generation generations[] = {
		{ .id = 45, .key = "[local_port, remote_port]" },
		{ .id = UINT32_MAX, .dispatcher = 7, .attached = 9 },
		{ .dispatcher = 8 },
	};
	struct state_record record = { .file = "pairs" };
	const char *text = state_record_text(&arena, generations, 3);

	cr_assert_str_eq(text, "45 0 0 [local_port, remote_port];4294967295 7 9 -;0 8 0 -");
	cr_assert(state_parse_record(&arena, text, &record));
	cr_assert_eq(record.count, 3);
	cr_assert_str_eq(record.text, text);
	cr_assert_str_eq(record.generations[0].key, "[local_port, remote_port]");
	cr_assert_eq(record.generations[1].id, UINT32_MAX);
	cr_assert_eq(record.generations[1].dispatcher, 7);
	cr_assert_eq(record.generations[1].attached, 9);
	cr_assert_null(record.generations[1].key);
	cr_assert_eq(record.generations[2].dispatcher, 8);
}

Test(record, what_is_none)
{
	static const char *const texts[] = { "", "nonsense", "1", "1 2", "1 2 3", "1 2 3 ", "1 2 -",
		"1 2 3 -;", ";", "1 2 3 -;x", "1 2 3 -;1 2 3 -;1 2 3 -;1 2 3 -" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct state_record record = { .file = "x" };

		cr_assert(!state_parse_record(&arena, texts[i], &record), "%s", texts[i]);
	}
}

Test(record, what_it_knows)
{
	struct state state = { .deployment = "x" };
	struct state_record record = { .file = "m:stream_verdict" };

	cr_assert(state_parse_record(&arena, "3 4 0 -;1 2 0 -", &record));
	state_add_record(&arena, &state, record);
	cr_assert_not_null(state_record_of(&state, "m:stream_verdict"));
	cr_assert_null(state_record_of(&state, "m"));
	cr_assert_eq(state_generation_of(&state, "m:stream_verdict", 1)->dispatcher, 2);
	cr_assert_null(state_generation_of(&state, "m:stream_verdict", 2));
	cr_assert_null(state_generation_of(&state, "m", 1));
	cr_assert(state_dispatcher_is_recorded(&state, "m:stream_verdict", 2));
	cr_assert(state_dispatcher_is_recorded(&state, "m:stream_verdict", 4));
	cr_assert(!state_dispatcher_is_recorded(&state, "m:stream_verdict", 3));
	cr_assert(!state_dispatcher_is_recorded(&state, "m:stream_verdict", 0));
}
