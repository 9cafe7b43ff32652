/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Digests and dispatchers. */
#include "tests/unit/support.h"

#include <string.h>

SUITE(digest);
SUITE(dispatcher);

/* What the digest covers, one value each; a test changes one. */
struct given {
	const char *type, *license, *name, *map, *text;
};

static const struct given usual = { "sk_skb", "GPL", "p", "pairs", "r2 = pairs ll; r0 = 1; exit" };

/* Some types that the tables may not have: only the name goes into the digest. */
static uint64_t digest_of(struct given given, uint32_t line)
{
	struct program_kind *kind = arena_alloc(&arena, sizeof(*kind));
	struct bpfasm_map map = { .name = given.map };
	struct name_index names = { 0 };
	bpfasm_body body = { 0 };
	struct bpfasm_program program = { given.name, kind, given.license,
		mark_at(source_of("x"), line, 1, 1), &body };
	struct bpfasm_item *item = vec_add(&arena, &body);
	const struct bpfasm_code *code;

	kind->name = given.type;
	kind->type = BPF_PROG_TYPE_SK_SKB;
	item->text = given.text;
	item->mark = mark_at(program.mark.source, line, 5, 2);
	name_index_add(&arena, &names, given.map, 0);
	code = bpfasm_assemble(&arena, &program, &map, &names, &diagnostics);
	cr_assert_not_null(code);
	return code->digest;
}

Test(digest, is_equal_for_equal_programs)
{
	cr_assert_eq(digest_of(usual, 1), digest_of(usual, 1));
}

Test(digest, does_not_cover_where_or_how_it_is_written)
{
	struct given spelled = usual, renamed = usual;

	spelled.text = "  r2   =  pairs  ll // the map\n\nr0=0x1\n top: exit";
	renamed.name = "another";
	cr_assert_eq(digest_of(usual, 1), digest_of(usual, 77));
	cr_assert_eq(digest_of(usual, 1), digest_of(spelled, 1));
	cr_assert_eq(digest_of(usual, 1), digest_of(renamed, 1));
}

Test(digest, covers_type_and_licence)
{
	struct given type = usual, license = usual, shifted = usual;

	type.type = "sk_msg";
	license.license = "Dual BSD/GPL";
	/* The same bytes in a row, cut elsewhere. */
	shifted.type = "sk_skbG";
	shifted.license = "PL";
	cr_assert_neq(digest_of(usual, 1), digest_of(type, 1));
	cr_assert_neq(digest_of(usual, 1), digest_of(license, 1));
	cr_assert_neq(digest_of(usual, 1), digest_of(shifted, 1));
}

Test(digest, covers_every_part_of_every_instruction)
{
	static const char *const texts[] = {
		"r2 = pairs ll; r0 = 1; exit",
		"r2 = pairs ll; r0 = 2; exit",
		"r2 = pairs ll; r3 = 1; exit",
		"r2 = pairs ll; w0 = 1; exit",
		"r3 = pairs ll; r0 = 1; exit",
		"r2 = pairs ll; r0 = r1; exit",
		"r2 = pairs ll; r0 = r2; exit",
		"r2 = pairs ll; r0 = *(u32 *)(r1 + 0); exit",
		"r2 = pairs ll; r0 = *(u32 *)(r1 + 4); exit",
		"r0 = 1; r2 = pairs ll; exit",
		"r2 = pairs ll; r0 = 1; r0 = 1; exit",
		"r0 = 1; exit",
	};
	uint64_t digests[sizeof(texts) / sizeof(texts[0])];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct given given = usual;

		given.text = texts[i];
		digests[i] = digest_of(given, 1);
		for (size_t j = 0; j < i; j++)
			cr_assert_neq(digests[i], digests[j], "%s and %s", texts[i], texts[j]);
	}
}

Test(digest, covers_the_name_of_a_map_that_is_used)
{
	struct given other = usual;

	other.map = "others";
	other.text = "r2 = others ll; r0 = 1; exit";
	cr_assert_neq(digest_of(usual, 1), digest_of(other, 1));
	other.text = "r0 = 1; exit";
	cr_assert_eq(digest_of(other, 1),
		digest_of((struct given){ "sk_skb", "GPL", "p", "pairs", "r0 = 1; exit" }, 1));
}

/*
 * Pinned names outlive the program that wrote them, so the digest has to stay: FNV-1a over type and
 * licence with their NUL, the instructions, and number and map name (with NUL) of each relocation.
 */
Test(digest, is_the_hash_that_pins_are_named_by)
{
	static const struct bpf_insn instructions[] = { { 0x18, 2, 1, 0, 0 }, { 0 },
		{ 0xb7, 0, 0, 0, 1 }, { 0x95, 0, 0, 0, 0 } };
	uint64_t hash = hash_bytes(HASH_SEED, "sk_skb\0GPL", 11);
	uint32_t at = 0;

	hash = hash_bytes(hash, instructions, sizeof(instructions));
	hash = hash_bytes(hash, &at, 4);
	hash = hash_bytes(hash, "pairs", 6);
	cr_assert_eq(digest_of(usual, 1), hash);
}

/* Tail call: ctx in r1, the array in r2, the index in r3, helper 12; behind it the slot was empty.
 */
Test(dispatcher, of_a_verdict_passes_when_its_slot_is_empty)
{
	static const char *const kinds[] = { "stream_verdict", "skb_verdict" };

	for (size_t i = 0; i < 2; i++) {
		const struct bpfasm_code *code =
			bpfasm_dispatcher(&arena, attach_kind_named(kinds[i]));

		EXPECT_CODE(code, { 0x61, 2, 1, 0, 0 }, { 0x15, 2, 0, 4, 0 }, { 0x18, 2, 1, 0, 0 },
			{ 0 }, { 0xb7, 3, 0, 0, 0 }, { 0x85, 0, 0, 0, 12 }, { 0xb7, 0, 0, 0, 1 },
			{ 0x95, 0, 0, 0, 0 });
		cr_assert_eq(code->relocations.count, 1);
		cr_assert_eq(code->relocations.items[0].instruction, 2);
		cr_assert_eq(code->relocations.items[0].map, 0);
	}
}

/* skb->len stands at 0 of struct __sk_buff; the call loses r1, so the context waits in r6. */
Test(dispatcher, of_a_parser_returns_the_whole_length)
{
	const struct bpfasm_code *code =
		bpfasm_dispatcher(&arena, attach_kind_named("stream_parser"));

	EXPECT_CODE(code, { 0xbf, 6, 1, 0, 0 }, { 0x18, 2, 1, 0, 0 }, { 0 }, { 0xb7, 3, 0, 0, 0 },
		{ 0x85, 0, 0, 0, 12 }, { 0x61, 0, 6, 0, 0 }, { 0x95, 0, 0, 0, 0 });
	cr_assert_eq(code->relocations.items[0].instruction, 1);
}

Test(dispatcher, pass_does_what_an_empty_slot_does)
{
	EXPECT_CODE(bpfasm_pass(&arena, attach_kind_named("stream_verdict")), { 0xb7, 0, 0, 0, 1 },
		{ 0x95, 0, 0, 0, 0 });
	EXPECT_CODE(bpfasm_pass(&arena, attach_kind_named("skb_verdict")), { 0xb7, 0, 0, 0, 1 },
		{ 0x95, 0, 0, 0, 0 });
	EXPECT_CODE(bpfasm_pass(&arena, attach_kind_named("stream_parser")), { 0x61, 0, 1, 0, 0 },
		{ 0x95, 0, 0, 0, 0 });
	cr_assert_eq(bpfasm_pass(&arena, attach_kind_named("skb_verdict"))->relocations.count, 0);
}

/* The kernel keeps 15 characters of a name, and takes no GPL-only helper without that licence. */
Test(dispatcher, has_what_the_kernel_asks_for)
{
	const struct bpfasm_code *code =
		bpfasm_dispatcher(&arena, attach_kind_named("stream_verdict"));
	const struct bpfasm_code *pass = bpfasm_pass(&arena, attach_kind_named("stream_verdict"));

	cr_assert_leq(strlen(code->name), 15);
	cr_assert_leq(strlen(pass->name), 15);
	cr_assert_eq(code->kind, program_kind_named("sk_skb"));
	cr_assert_str_eq(code->license, "Dual BSD/GPL");
	cr_assert_neq(code->digest, pass->digest);
}
