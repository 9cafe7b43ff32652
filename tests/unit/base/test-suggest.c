/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/unit/support.h"

#include "lib/base/kinds.h"
#include "lib/base/suggest.h"

#include <string.h>

SUITE(suggest);

/* Counted by hand: inserts, deletes, replacements, swaps of neighbours. */
static const struct {
	const char *a, *b;
	size_t distance;
} table[] = {
	{ "", "", 0 },
	{ "a", "", 1 },
	{ "abc", "", 3 },
	{ "abc", "abc", 0 },
	{ "abc", "abd", 1 },
	{ "abc", "ab", 1 },
	{ "abc", "xabc", 1 },
	{ "ab", "ba", 1 },
	{ "abcd", "abdc", 1 },
	{ "abcd", "badc", 2 },
	{ "kitten", "sitting", 3 },
	{ "saturday", "sunday", 3 },
	{ "sockmap", "sockhash", 3 },
	{ "echo_sokets", "echo_sockets", 1 },
	{ "abc", "cba", 2 },
	{ "ca", "abc", 3 }, /* no edit between swapped letters (optimal string alignment) */
	{ "abcdef", "uvwxyz", 6 },
};

Test(suggest, distances)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		cr_assert_eq(edit_distance(table[i].a, table[i].b), table[i].distance,
			"%s to %s: %zu", table[i].a, table[i].b,
			edit_distance(table[i].a, table[i].b));
		cr_assert_eq(edit_distance(table[i].b, table[i].a), table[i].distance,
			"%s to %s: %zu", table[i].b, table[i].a,
			edit_distance(table[i].b, table[i].a));
	}
}

/* "abcdef" may be two edits away: a name that is three letters shorter or longer is none. */
Test(suggest, what_is_too_short_or_too_long_is_not_offered)
{
	struct suggestion suggestion = suggestion_for("abcdef");

	suggestion_offer(&suggestion, "abc");
	suggestion_offer(&suggestion, "abcdefghi");
	cr_assert_null(suggestion_result(&suggestion));
	suggestion_offer(&suggestion, "abcdefgh");
	cr_assert_str_eq(suggestion_result(&suggestion), "abcdefgh");
	suggestion_offer(&suggestion, "abcde");
	cr_assert_str_eq(suggestion_result(&suggestion), "abcde");
}

Test(suggest, words_over_64_bytes_are_infinitely_far)
{
	char longest[65], longer[66];

	memset(longest, 'a', 64);
	longest[64] = '\0';
	memset(longer, 'a', 65);
	longer[65] = '\0';
	cr_assert_eq(edit_distance(longest, longest), 0);
	cr_assert_eq(edit_distance(longest, "a"), 63);
	cr_assert_eq(edit_distance(longer, longer), SIZE_MAX);
	cr_assert_eq(edit_distance(longest, longer), SIZE_MAX);
	cr_assert_eq(edit_distance(longer, longest), SIZE_MAX);
}

static const char *best(const char *word, const char *const *candidates)
{
	struct suggestion suggestion = suggestion_for(word);

	while (*candidates)
		suggestion_offer(&suggestion, *candidates++);
	return suggestion_result(&suggestion);
}

Test(suggest, offers_the_closest)
{
	static const char *const maps[] = { "sockets", "echo_sockets", "echo_pockets", NULL };

	cr_assert_str_eq(best("echo_sokets", maps), "echo_sockets");
	cr_assert_str_eq(best("sockest", maps), "sockets");
	cr_assert_str_eq(best("echo_pocket", maps), "echo_pockets");
}

Test(suggest, keeps_the_first_of_equals)
{
	static const char *const words[] = { "cat", "bat", "rat", NULL };

	cr_assert_str_eq(best("hat", words), "cat");
}

Test(suggest, says_nothing_where_nothing_is_near)
{
	static const char *const none[] = { NULL }, *const words[] = { "verdict", "parser", NULL };
	char longer[66];

	memset(longer, 'a', 65);
	longer[65] = '\0';
	cr_assert_null(best("verdict", none));
	cr_assert_null(best("map", words));
	cr_assert_null(best("", words));
	cr_assert_null(best(longer, (const char *const[]){ longer, NULL }));
}

/* One edit in three letters: none of 1 and 2, 1 of 3 to 5, 2 of 6 to 8. */
Test(suggest, near_enough_is_one_edit_in_three_letters)
{
	cr_assert_not_null(best("abc", (const char *const[]){ "abx", NULL }));
	cr_assert_null(best("abc", (const char *const[]){ "axx", NULL }));
	cr_assert_not_null(best("abcdef", (const char *const[]){ "abcdxx", NULL }));
	cr_assert_null(best("abcdef", (const char *const[]){ "abcxxx", NULL }));
	cr_assert_null(best("abcdefgh", (const char *const[]){ "abcdexxx", NULL }));
	cr_assert_not_null(best("abcdefghi", (const char *const[]){ "abcdefxxx", NULL }));
	cr_assert_null(best("abcde", (const char *const[]){ "abcxx", NULL }));
	cr_assert_null(best("b", (const char *const[]){ "a", "bb", NULL }));
	cr_assert_null(best("ab", (const char *const[]){ "a", "ac", "ba", NULL }));
}

/* Numbers as in linux/bpf.h; a user reads them in bpftool's output too. */
Test(kinds, names_and_numbers_find_the_same_row)
{
	cr_assert_eq(map_kind_named("sockmap")->type, BPF_MAP_TYPE_SOCKMAP);
	cr_assert_eq(map_kind_named("sockhash")->type, BPF_MAP_TYPE_SOCKHASH);
	cr_assert_eq(map_kind_of(15), map_kind_named("sockmap"));
	cr_assert_eq(map_kind_of(18), map_kind_named("sockhash"));
	cr_assert_eq(program_kind_of(14), program_kind_named("sk_skb"));
	cr_assert_eq(attach_kind_of(4), attach_kind_named("stream_parser"));
	cr_assert_eq(attach_kind_of(5), attach_kind_named("stream_verdict"));
	cr_assert_eq(attach_kind_of(38), attach_kind_named("skb_verdict"));
	cr_assert_null(map_kind_named("sockmaps"));
	cr_assert_null(program_kind_named(""));
	cr_assert_null(attach_kind_named("STREAM_VERDICT"));
	cr_assert_null(map_kind_of(0));
	cr_assert_null(program_kind_of(0));
	cr_assert_null(attach_kind_of(1000));
}

Test(kinds, socket_maps_have_readable_values)
{
	const struct map_kind *indexed = map_kind_named("sockmap");
	const struct map_kind *hash = map_kind_named("sockhash");

	cr_assert(indexed->holds_sockets && hash->holds_sockets);
	cr_assert(indexed->fixed_key && !hash->fixed_key);
	cr_assert_eq(indexed->key_size, 4);
	cr_assert_eq(hash->key_size, 0);
	cr_assert_eq(indexed->value_size, 8);
	cr_assert_eq(hash->value_size, 8);
}

Test(kinds, roles)
{
	cr_assert_eq(attach_kind_named("stream_parser")->role, HOOK_PARSER);
	cr_assert_eq(attach_kind_named("stream_verdict")->role, HOOK_STREAM_VERDICT);
	cr_assert_eq(attach_kind_named("skb_verdict")->role, HOOK_SKB_VERDICT);
}

/* Every row of the tables is found again under its own name and its own number. */
Test(kinds, tables_and_lookups_agree)
{
	size_t count;
	const struct map_kind *maps = map_kinds(&count);

	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(map_kind_named(maps[i].name), &maps[i]);
		cr_assert_eq(map_kind_of(maps[i].type), &maps[i]);
	}
	program_kinds(&count);
	cr_assert_geq(count, 1);
	attach_kinds(&count);
	cr_assert_geq(count, 3);
}
