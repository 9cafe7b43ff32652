/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Instructions as text: LLVM's spelling, and nothing for what is no instruction. */
#include "tests/unit/support.h"

#include "lib/bpfasm/listing.h"

SUITE(listing);

static const struct {
	struct bpf_insn instructions[2];
	const char *text;
} texts[] = {
	{ { { 0x0f, 1, 2, 0, 0 } }, "r1 += r2" },
	{ { { 0x14, 1, 0, 0, -5 } }, "w1 -= -5" },
	{ { { 0x37, 1, 0, 0, 3 } }, "r1 /= 3" },
	{ { { 0x37, 1, 0, 1, 3 } }, "r1 s/= 3" },
	{ { { 0x9c, 1, 2, 1, 0 } }, "w1 s%= w2" },
	{ { { 0xc7, 1, 0, 0, 3 } }, "r1 s>>= 3" },
	{ { { 0xbf, 10, 1, 0, 0 } }, "r10 = r1" },
	{ { { 0xb4, 1, 0, 0, -1 } }, "w1 = -1" },
	{ { { 0xbf, 1, 2, 32, 0 } }, "r1 = (s32)r2" },
	{ { { 0xbc, 1, 2, 8, 0 } }, "w1 = (s8)w2" },
	{ { { 0xbf, 1, 2, 1, 0x10000 } }, "r1 = addr_space_cast(r2, 1, 0)" },
	{ { { 0x87, 1, 0, 0, 0 } }, "r1 = -r1" },
	{ { { 0x84, 1, 0, 0, 0 } }, "w1 = -w1" },
	{ { { 0xdc, 1, 0, 0, 16 } }, "r1 = be16 r1" },
	{ { { 0xd4, 1, 0, 0, 64 } }, "r1 = le64 r1" },
	{ { { 0xd7, 1, 0, 0, 32 } }, "r1 = bswap32 r1" },
	{ { { 0x18, 1, 0, 0, 5 }, { 0, 0, 0, 0, 0 } }, "r1 = 0x5 ll" },
	{ { { 0x18, 1, 0, 0, -2 }, { 0, 0, 0, 0, -1 } }, "r1 = 0xfffffffffffffffe ll" },
	{ { { 0x61, 1, 2, 8, 0 } }, "r1 = *(u32 *)(r2 + 8)" },
	{ { { 0x81, 1, 2, -8, 0 } }, "r1 = *(s32 *)(r2 - 8)" },
	{ { { 0x79, 1, 2, INT16_MIN, 0 } }, "r1 = *(u64 *)(r2 - 32768)" },
	{ { { 0x6b, 1, 2, 0, 0 } }, "*(u16 *)(r1 + 0) = r2" },
	{ { { 0x7a, 1, 0, -8, -1 } }, "*(u64 *)(r1 - 8) = -1" },
	{ { { 0x30, 0, 0, 0, -4096 } }, "r0 = *(u8 *)skb[-4096]" },
	{ { { 0x48, 0, 7, 0, 0 } }, "r0 = *(u16 *)skb[r7]" },
	{ { { 0x40, 0, 7, 0, -2 } }, "r0 = *(u32 *)skb[r7 + -2]" },
	{ { { 0xc3, 1, 2, 4, 0x00 } }, "lock *(u32 *)(r1 + 4) += w2" },
	{ { { 0xdb, 1, 2, 4, 0xa0 } }, "lock *(u64 *)(r1 + 4) ^= r2" },
	{ { { 0xdb, 1, 2, 4, 0x41 } }, "r2 = atomic_fetch_or((u64 *)(r1 + 4), r2)" },
	{ { { 0xc3, 1, 2, 4, 0x51 } }, "w2 = atomic_fetch_and((u32 *)(r1 + 4), w2)" },
	{ { { 0xdb, 1, 2, 4, 0xe1 } }, "r2 = xchg_64(r1 + 4, r2)" },
	{ { { 0xc3, 1, 2, 4, 0xe1 } }, "w2 = xchg32_32(r1 + 4, w2)" },
	{ { { 0xdb, 1, 2, 4, 0xf1 } }, "r0 = cmpxchg_64(r1 + 4, r0, r2)" },
	{ { { 0xc3, 1, 2, 4, 0xf1 } }, "w0 = cmpxchg32_32(r1 + 4, w0, w2)" },
	{ { { 0xd3, 1, 2, 4, 0x100 } }, "r1 = load_acquire((u8 *)(r2 + 4))" },
	{ { { 0xdb, 1, 2, 4, 0x110 } }, "store_release((u64 *)(r1 + 4), r2)" },
	{ { { 0x05, 0, 0, -3, 0 } }, "goto -3" },
	{ { { 0x06, 0, 0, 0, 70000 } }, "gotol +70000" },
	{ { { 0xe5, 0, 0, 0, 0 } }, "may_goto +0" },
	{ { { 0x4d, 1, 2, 7, 0 } }, "if r1 & r2 goto +7" },
	{ { { 0x66, 1, 0, -7, -3 } }, "if w1 s> -3 goto -7" },
	{ { { 0x85, 0, 0, 0, 52 } }, "call bpf_sk_redirect_map" },
	{ { { 0x85, 0, 0, 0, 99999 } }, "call 99999" },
	{ { { 0x95, 0, 0, 0, 0 } }, "exit" },
	/* What the assembler cannot write. */
	{ { { 0x00, 0, 0, 0, 0 } }, NULL },        /* half of a 64-bit load */
	{ { { 0x18, 1, 1, 0, 5 }, { 0 } }, NULL }, /* a descriptor */
	{ { { 0x38, 0, 0, 0, 4 } }, NULL },        /* 64 bits of the packet */
	{ { { 0x99, 1, 2, 0, 0 } }, NULL },        /* 64 bits and their sign */
	{ { { 0xbf, 1, 2, 3, 0 } }, NULL },        /* a move with another offset */
	{ { { 0xbc, 1, 2, 32, 0 } }, NULL },       /* 32 bits extended to 32 */
	{ { { 0xbc, 1, 2, 1, 1 } }, NULL },        /* a cast of half a pointer */
	{ { { 0xb7, 1, 0, 8, 1 } }, NULL },        /* a number extended */
	{ { { 0x0f, 1, 2, 1, 0 } }, NULL },        /* signed addition */
	{ { { 0xd7, 1, 0, 0, 8 } }, NULL },        /* a swap of one byte */
	{ { { 0xdf, 1, 0, 0, 16 } }, NULL },       /* and one from a register */
	{ { { 0xcb, 1, 2, 0, 0 } }, NULL },        /* 16 bits at once */
	{ { { 0xdb, 1, 2, 0, 0x10 } }, NULL },     /* subtraction at once */
	{ { { 0xdb, 1, 2, 0, -256 } }, NULL },     /* of which the low bits are 0 */
	{ { { 0x85, 0, 1, 0, 5 } }, NULL },        /* a call of the program's own */
	{ { { 0x85, 0, 0, 0, 0 } }, NULL },        /* and of nothing */
	{ { { 0x8d, 1, 0, 0, 0 } }, NULL },        /* and of what a register holds */
	{ { { 0x0d, 1, 0, 0, 0 } }, NULL },        /* and a jump there */
	{ { { 0x96, 0, 0, 0, 0 } }, NULL },        /* exit of 32 bits */
	{ { { 0xe6, 0, 0, 0, 0 } }, NULL },        /* may_goto of 32 bits */
	{ { { 0xff, 0, 0, 0, 0 } }, NULL },
};

Test(listing, instructions_as_text)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *text = listing_text(&arena, texts[i].instructions, NULL);

		if (texts[i].text)
			cr_assert_str_eq(text ? text : "(nothing)", texts[i].text);
		else
			cr_assert_null(text, "%zu: %s", i, text);
	}
}

Test(listing, a_map_is_known_by_its_relocation)
{
	static const struct bpf_insn load[] = { { 0x18, 3, 1, 0, 0 }, { 0 } };

	cr_assert_str_eq(listing_text(&arena, load, "pairs"), "r3 = pairs ll");
}

Test(listing, only_64_bit_loads_take_two)
{
	for (unsigned int code = 0; code < 256; code++)
		cr_assert_eq(listing_slots(&(struct bpf_insn){ .code = (uint8_t)code }),
			code == 0x18 ? 2 : 1);
}

Test(listing, targets_of_jumps)
{
	static const struct {
		struct bpf_insn instruction;
		int64_t target; /* from instruction 10 */
	} jumps[] = {
		{ { 0x05, 0, 0, 5, 0 }, 16 },
		{ { 0x05, 0, 0, -11, 0 }, 0 },
		{ { 0x06, 0, 0, 9, 70000 }, 70011 },
		{ { 0xe5, 0, 0, -1, 0 }, 10 },
		{ { 0x15, 1, 0, 2, 99 }, 13 },
		{ { 0x6e, 1, 2, 2, 0 }, 13 },
		{ { 0x85, 0, 0, 5, 12 }, -1 },
		{ { 0x95, 0, 0, 5, 0 }, -1 },
		{ { 0x0f, 1, 2, 5, 0 }, -1 },
		{ { 0x61, 1, 2, 5, 0 }, -1 },
	};

	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++)
		cr_assert_eq(listing_target(&jumps[i].instruction, 10), jumps[i].target, "%zu", i);
}
