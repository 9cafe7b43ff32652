/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/unit/bpfasm/flow-cases.h"

#define KEY "*(u32 *)(r10 - 4) = 1; r2 = r10; r2 += -4;"
#define LOOKUP "r1 = hits ll;" KEY "call bpf_map_lookup_elem;"
/* Which the verifier of newer kernels knows to be there. */
#define LOOKUP_ARRAY "r1 = counts ll;" KEY "call bpf_map_lookup_elem;"
#define REDIRECT "r2 = index ll; r3 = 0; r4 = 0; call bpf_sk_redirect_map;"

const struct flow_case flow_cases[] = {
	{ "registers_that_nothing_has_written", SKB, "r0 = r0; exit", "E0311" },
	{ "registers_that_nothing_has_written", SKB, "r3 ^= r3;" PASS, "E0311" },
	{ "registers_that_nothing_has_written", SKB, "*(u64 *)(r10 - 8) = r9;" PASS, "E0311" },
	{ "registers_that_nothing_has_written", SKB, "r0 = *(u8 *)(r2 + 0); exit", "E0311" },
	{ "registers_that_nothing_has_written", SKB, "r2 = -r2;" PASS, "E0311" },
	{ "registers_that_nothing_has_written", SKB, "r2 = be16 r2;" PASS, "E0311" },
	{ "registers_that_nothing_has_written", SKB, "if r1 == r2 goto out; out:" PASS, "E0311" },
	{ "registers_that_nothing_has_written", SKB, "exit", "E0311" },
	{ "registers_that_nothing_has_written", SKB, "call bpf_ktime_get_ns; exit", "" },
	/* Once for each register, and not again for what comes of it. */
	{ "registers_that_nothing_has_written", SKB, "r3 = r2; r4 = r3; r5 = r2;" PASS, "E0311" },
	{ "registers_that_nothing_has_written", SKB, "r3 += r4;" PASS, "E0311 E0311" },
	{ "registers_that_some_ways_write", SKB, LEN "if r2 == 0 goto a; r3 = 1; a: r0 = r3; exit",
		"E0311" },
	{ "registers_that_some_ways_write", SKB,
		LEN "r3 = 0; if r2 == 0 goto a; r3 = 1; a: r0 = r3; exit", "" },
	{ "registers_that_some_ways_write", SKB,
		LEN "if r2 == 0 goto a; r3 = 1; goto b; a: r3 = 2; b: r0 = r3; exit", "" },
	{ "registers_that_some_ways_write", SKB,
		LEN "a: if r2 == 0 goto b; r3 = 1; r2 -= 1; goto a; b: r0 = r3; exit", "E0311" },
	/* The usual test of the length: the verifier takes the difference for any number. */
	{ "registers_that_some_ways_write", SKB,
		"r2 = *(u32 *)(r1 + 76); r4 = *(u32 *)(r1 + 80); r4 -= r2; r0 = 1;"
		"if r4 < 8 goto a; r0 = r9; a: exit",
		"E0311" },
	{ "registers_that_some_ways_write", SKB,
		"r2 = *(u32 *)(r1 + 76); r4 = *(u32 *)(r1 + 80); r4 -= r2; r0 = 1;"
		"if r4 < 8 goto a; r0 = r4; a: exit",
		"" },
	{ "decided_branches", SKB, "r2 = 5; if r2 == 5 goto a; r0 = r9; a:" PASS, "" },
	{ "decided_branches", SKB, "r2 = 5; r2 += 1; if r2 != 6 goto a; " PASS "a: r0 = r9; exit",
		"" },
	{ "decided_branches", SKB,
		LEN "if r2 == 7 goto a;" PASS "a: if r2 != 7 goto b;" PASS "b: r0 = r9; exit", "" },
	/* Copies, and what is made of them. */
	{ "decided_branches", SKB,
		LEN "r3 = r2; if r2 != 7 goto a; if r3 == 7 goto a; r0 = r9; a:" PASS, "" },
	{ "decided_branches", SKB,
		LEN "r3 = r2; r3 += 1; if r2 != 7 goto a; if r3 == 8 goto a; r0 = r9; a:" PASS,
		"" },
	{ "decided_branches", SKB,
		LEN "r3 = r2; r2 &= 7; if r3 != 9 goto a; if r2 == 1 goto a; r0 = r9; a:" PASS,
		"" },
	{ "decided_branches", SKB,
		LEN "w3 = w2; if w3 != 7 goto a; if r2 == 7 goto a; r0 = r9; a:" PASS, "" },
	/* Through the stack. */
	{ "decided_branches", SKB,
		LEN "*(u64 *)(r10 - 8) = r2; if r2 != 7 goto a; r3 = *(u64 *)(r10 - 8);"
		    "if r3 == 7 goto a; r0 = r9; a:" PASS,
		"" },
	{ "decided_branches", SKB,
		LEN "*(u32 *)(r10 - 4) = r2; if r2 != 7 goto a; r3 = *(u32 *)(r10 - 4);"
		    "if r3 == 7 goto a; r0 = r9; a:" PASS,
		"" },
	/* Two numbers that know each other, and a register with itself. */
	{ "decided_branches", SKB,
		LEN "r3 = *(u32 *)(r1 + 4); if r2 >= r3 goto a; if r3 > r2 goto a; r0 = r9;"
		    "a:" PASS,
		"" },
	{ "decided_branches", SKB, LEN "if r2 == r2 goto a; r0 = r9; a:" PASS, "" },
	{ "decided_branches", SKB,
		LEN "if r2 & 1 goto b;" PASS "b: if r2 == 4 goto c;" PASS "c: r0 = r9; exit", "" },
	/* Numbers that come together stay together where ways meet. */
	{ "decided_branches", SKB,
		LEN "if r2 == 80 goto a; r3 = 2; r4 = 2; goto b; a: r3 = 1; r4 = 1;"
		    "b: if r3 == 1 goto c;" PASS "c: if r4 == 1 goto d; r0 = r9; d:" PASS,
		"" },
	{ "decided_branches", SKB,
		LEN "if r2 == 80 goto a; *(u64 *)(r10 - 8) = 2; r4 = 2; goto b;"
		    "a: *(u64 *)(r10 - 8) = 1; r4 = 1; b: r3 = *(u64 *)(r10 - 8);"
		    "if r3 == 1 goto c;" PASS "c: if r4 == 1 goto d; r0 = r9; d:" PASS,
		"" },
	/* 32 bits are not negative in 64. */
	{ "decided_branches", SKB, LEN "if r2 s>= 0 goto a; r0 = r9; a:" PASS, "" },
	{ "decided_branches", SKB, LEN "r2 >>= 8; if r2 < 16777216 goto a; r0 = r9; a:" PASS, "" },
	/* A pointer is not 0. */
	{ "decided_branches", SKB, "if r1 != 0 goto a; r0 = r9; a:" PASS, "" },
	{ "decided_branches", SKB, "r2 = index ll; if r2 == 0 goto a;" PASS "a: r0 = r9; exit",
		"" },
	{ "ways_that_are_taken_behind_others", SKB,
		LEN "if r2 == 80 goto a; if r2 == 443 goto b;" PASS "a:" PASS "b: r0 = r9; exit",
		"E0311" },
	{ "ways_that_are_taken_behind_others", SKB,
		LEN "if r2 > 80 goto a;" PASS "a: if r2 > 90 goto b;" PASS "b: r0 = r9; exit",
		"E0311" },
	{ "ways_that_are_taken_behind_others", SKB,
		LEN "r2 = be16 r2; if r2 == 80 goto a;" PASS "a: r0 = r9; exit", "E0311" },
	{ "ways_that_are_taken_behind_others", SKB,
		LEN "r2 >>= 16; r2 &= 255; r2 += 3; if r2 == 258 goto a;" PASS "a: r0 = r9; exit",
		"E0311" },
	{ "ways_that_are_taken_behind_others", SKB,
		LEN "if w2 s< 0 goto a;" PASS "a: r0 = r9; exit", "E0311" },
	/* Both ways met before: the second question is open again. */
	{ "ways_that_are_taken_behind_others", SKB,
		LEN "r3 = 0; if r2 == 80 goto a; a: if r2 == 443 goto b;" PASS "b: r0 = r9; exit",
		"E0311" },
	{ "ways_that_are_taken_behind_others", SKB,
		LEN "if r2 == 80 goto a; r3 = 1; goto b; a: r3 = 2; b: if r3 == 2 goto c;" PASS
		    "c: r0 = r9; exit",
		"E0311" },
	/* A helper that fails, a look-up that finds nothing, a redirect without a target. */
	{ "ways_that_are_taken_behind_others", SKB,
		"r2 = 8; call bpf_skb_pull_data; if r0 == 0 goto a; r0 = r9; a:" PASS, "E0311" },
	{ "ways_that_are_taken_behind_others", SKB,
		"r2 = index ll; r3 = 0; r4 = 0; call bpf_sk_redirect_map; if r0 == 1 goto "
		"a;"
		"r0 = r9; a: exit",
		"E0311" },
	{ "ways_that_are_taken_behind_others", SKB,
		LEN "r3 = *(u32 *)(r1 + 4); if r2 > r3 goto a;" PASS "a: r0 = r9; exit", "E0311" },
	{ "loops_end", SKB, "a: r0 = 1; if r0 == 2 goto a; r0 = 3; goto a", "E0318" },
	{ "loops_end", SKB, "r2 = 0; a: r2 += 1; if r2 < 100000 goto a;" PASS, "" },
	{ "loops_end", SKB, "a: goto a", "E0318" },
	{ "loops_end", SKB, "r0 = 1; a: r0 += 1; goto a", "E0318" },
	{ "loops_end", SKB, LEN "r0 = 0; a: r0 += 1; r2 -= 1; if r2 != 0 goto a; exit", "" },
	{ "loops_end", SKB,
		LEN "r0 = 0; a: r3 = 0; b: r3 += 1; if r3 < 4 goto b; r2 -= 1;"
		    "if r2 s> 0 goto a; exit",
		"" },
	/* The second round reads what the first has lost. */
	{ "loops_end", SKB,
		"r6 = 2; a: r2 = *(u32 *)(r1 + 0); call bpf_ktime_get_ns; r6 -= 1;"
		"if r6 != 0 goto a;" PASS,
		"E0312" },
	{ "what_calls_lose", SKB, "call bpf_ktime_get_ns; r2 = r1;" PASS, "E0312" },
	{ "what_calls_lose", SKB, "r6 = r1; call bpf_ktime_get_ns; r2 = r6;" PASS, "" },
	{ "what_calls_lose", SKB, "r5 = 1; call bpf_ktime_get_ns; *(u64 *)(r10 - 8) = r5;" PASS,
		"E0312" },
	{ "what_calls_lose", SKB, "r2 = index ll; r3 = 0; call bpf_tail_call; exit",
		"E0308 E0312" },
	{ "what_calls_lose", SKB,
		"r6 = r1; r7 = *(u32 *)(r1 + 76); r2 = 4; call bpf_skb_pull_data;"
		"r2 = *(u8 *)(r7 + 0);" PASS,
		"E0312" },
	/* Of pointers on the stack the kernel says nothing. */
	{ "what_calls_lose", SKB,
		"r6 = *(u32 *)(r1 + 76); *(u64 *)(r10 - 8) = r6; r2 = 4;"
		"call bpf_skb_pull_data; r2 = *(u64 *)(r10 - 8); r3 = r2;" PASS,
		"" },
	/* Moved, and nobody reads it. */
	{ "what_calls_lose", SKB,
		"r7 = *(u32 *)(r1 + 76); r2 = 4; call bpf_skb_pull_data; r7 = 1;" PASS, "" },
	{ "pointers_and_numbers", SKB, LEN "r3 = *(u32 *)(r2 + 0);" PASS, "E0315" },
	{ "pointers_and_numbers", SKB, LEN "*(u32 *)(r2 + 0) = 1;" PASS, "E0315" },
	{ "pointers_and_numbers", SKB, "r2 = r10; r2 += r1;" PASS, "E0315" },
	{ "pointers_and_numbers", SKB, "r2 = r10; r2 -= r1;" PASS, "" },
	{ "pointers_and_numbers", SKB, "r2 = r10; r2 *= 2;" PASS, "E0315" },
	{ "pointers_and_numbers", SKB, "r2 = r1; r2 &= 7;" PASS, "E0315" },
	{ "pointers_and_numbers", SKB, "r2 = r10; r2 -= 8;" PASS, "E0315" },
	{ "pointers_and_numbers", SKB, "r2 = r1; r2 -= 0;" PASS, "" },
	{ "pointers_and_numbers", SKB, "r2 = 8; r2 -= r10;" PASS, "E0315" },
	{ "pointers_and_numbers", SKB, "r2 = -8; r2 += r10;" PASS, "" },
	{ "pointers_and_numbers", SKB, "r2 = r10; w2 += 8;" PASS, "E0315" },
	{ "pointers_and_numbers", SKB, "r2 = r10; w2 -= 8;" PASS, "" },
	{ "pointers_and_numbers", SKB, "r2 = r10; r2 = -r2;" PASS, "" },
	{ "pointers_and_numbers", SKB, "r2 = r10; r2 = be64 r2;" PASS, "" },
	{ "pointers_and_numbers", SKB, "r2 = index ll; r2 += 0;" PASS, "" },
	{ "pointers_and_numbers", SKB, "r2 = index ll; r2 += 8;" PASS, "E0315" },
	{ "pointers_and_numbers", SKB, "r2 = *(u32 *)(r1 + 80); r2 += 8;" PASS, "E0315" },
	{ "pointers_and_numbers", SKB, "*(u32 *)(r10 - 4) = r10;" PASS, "E0315" },
	{ "pointers_and_numbers", SKB, "r10 = 1;" PASS, "E0315" },
	{ "pointers_and_numbers", SKB, "r10 += 8;" PASS, "E0315" },
	{ "pointers_and_numbers", SKB, "r10 = *(u32 *)(r1 + 0);" PASS, "E0315" },
	{ "pointers_and_numbers", SKB, "r10 = index ll;" PASS, "E0315" },
	{ "values_that_may_not_be_there", SKB, LOOKUP "r1 = *(u64 *)(r0 + 0);" PASS, "E0315" },
	{ "values_that_may_not_be_there", SKB, LOOKUP "*(u64 *)(r0 + 0) = 1;" PASS, "E0315" },
	{ "values_that_may_not_be_there", SKB,
		LOOKUP "if r0 == 0 goto a; r1 = *(u64 *)(r0 + 0); a:" PASS, "" },
	{ "values_that_may_not_be_there", SKB,
		LOOKUP "if r0 != 0 goto a;" PASS "a: r1 = *(u64 *)(r0 + 0);" PASS, "" },
	{ "values_that_may_not_be_there", SKB,
		LOOKUP "r6 = r0; if r6 == 0 goto a; r1 = *(u64 *)(r0 + 0); a:" PASS, "" },
	{ "values_that_may_not_be_there", SKB,
		LOOKUP "if r0 == 0 goto a;" PASS "a: r1 = *(u64 *)(r0 + 0);" PASS, "E0315" },
	{ "values_that_may_not_be_there", SKB,
		LOOKUP "if r0 == 0 goto a; r1 = *(u64 *)(r0 + 4); a:" PASS, "E0316" },
	{ "values_that_may_not_be_there", SKB,
		LOOKUP "if r0 == 0 goto a; r0 += 4; r1 = *(u32 *)(r0 + 0); a:" PASS, "" },
	{ "values_that_may_not_be_there", SKB,
		LOOKUP "if r0 == 0 goto a; r0 += 8; r1 = *(u32 *)(r0 + 0); a:" PASS, "E0316" },
	{ "values_that_may_not_be_there", SKB,
		LOOKUP "if r0 == 0 goto a; r1 = *(u32 *)(r0 - 4); a:" PASS, "E0316" },
	{ "values_that_may_not_be_there", SKB, LOOKUP_ARRAY "r1 = *(u64 *)(r0 + 0);" PASS, "" },
	{ "values_that_may_not_be_there", SKB,
		LOOKUP_ARRAY "if r0 == 0 goto a;" PASS "a: r1 = r9;" PASS, "" },
	/* An index that is not known may be too large. */
	{ "values_that_may_not_be_there", SKB,
		LEN "r1 = counts ll; *(u32 *)(r10 - 4) = r2; r2 = r10; r2 += -4;"
		    "call bpf_map_lookup_elem; r1 = *(u64 *)(r0 + 0);" PASS,
		"E0315" },
	{ "values_that_may_not_be_there", SKB,
		"r2 = *(u64 *)(r1 + 168); r3 = *(u32 *)(r2 + 4);" PASS, "E0315" },
	{ "values_that_may_not_be_there", SKB,
		"r2 = *(u64 *)(r1 + 168); if r2 == 0 goto a; r3 = *(u32 *)(r2 + 4); a:" PASS, "" },
	{ "values_that_may_not_be_there", MSG,
		"r2 = *(u64 *)(r1 + 72); r3 = *(u32 *)(r2 + 4);" PASS, "" },
	{ "payload", SKB, DATA "r5 = *(u8 *)(r2 + 0);" PASS, "E0316" },
	{ "payload", SKB, SURE(4) "r5 = *(u32 *)(r2 + 0);" OUT, "" },
	{ "payload", SKB, SURE(4) "r5 = *(u8 *)(r2 + 4);" OUT, "E0316" },
	{ "payload", SKB, SURE(4) "r5 = *(u8 *)(r4 - 1);" OUT, "" },
	{ "payload", SKB, SURE(4) "r5 = *(u8 *)(r4 + 0);" OUT, "E0316" },
	{ "payload", SKB, SURE(4) "r5 = *(u8 *)(r2 - 1);" OUT, "E0316" },
	{ "payload", SKB, SURE(4) "r5 = *(u8 *)(r3 + 0);" OUT, "E0315" },
	{ "payload", SKB, DATA "r4 = r2; r4 += 4; if r3 < r4 goto out; r5 = *(u32 *)(r2 + 0);" OUT,
		"" },
	{ "payload", SKB, DATA "r4 = r2; r4 += 4; if r4 >= r3 goto out; r5 = *(u8 *)(r2 + 4);" OUT,
		"" },
	{ "payload", SKB,
		DATA "r4 = r2; r4 += 4; if r4 <= r3 goto a;" PASS "a: r5 = *(u8 *)(r2 + 3);" PASS,
		"" },
	/* The wrong way round: there are fewer bytes there. */
	{ "payload", SKB, DATA "r4 = r2; r4 += 4; if r4 < r3 goto out; r5 = *(u32 *)(r2 + 0);" OUT,
		"E0316" },
	/* No payload at all can be. */
	{ "payload", SKB, DATA "if r2 == r3 goto out; r5 = *(u8 *)(r2 + 0);" OUT, "" },
	{ "payload", OPS, "r2 = *(u64 *)(r1 + 192); r5 = *(u8 *)(r2 + 0);" PASS, "E0316" },
	{ "stack", SKB, "*(u64 *)(r10 - 512) = r1;" PASS, "" },
	/* How far a pointer gets at all: 2^29 - 1 bytes, in one step or in two. */
	{ "pointers_that_go_far", SKB, "r2 = r10; r2 += 536870912;" PASS, "E0316" },
	{ "pointers_that_go_far", SKB, "r2 = r10; r2 += -536870912;" PASS, "E0316" },
	{ "pointers_that_go_far", SKB, "r2 = r10; r2 += 536870911;" PASS, "" },
	{ "pointers_that_go_far", SKB, "r2 = r10; r2 += 536870911; r2 += 1;" PASS, "E0316" },
	{ "pointers_that_go_far", SKB, "r2 = 0x7fffffffffffffff ll; r3 = r1; r3 += r2;" PASS,
		"E0316" },
	{ "pointers_that_go_far", SKB, "r2 = 0x8000000000000000 ll; r3 = r10; r2 += r3;" PASS,
		"E0316" },
	{ "pointers_that_go_far", SKB, DATA "r2 += 0x20000000;" PASS, "E0316" },
	{ "pointers_that_go_far", SKB, "r3 = r10; r3 += 536870911; r5 = *(u8 *)(r3 + 32767);" PASS,
		"E0316" },
	{ "stack", SKB, "*(u8 *)(r10 - 513) = 1;" PASS, "E0316" },
	{ "stack", SKB, "*(u8 *)(r10 - 1) = 1;" PASS, "" },
	{ "stack", SKB, "*(u8 *)(r10 + 0) = 1;" PASS, "E0316" },
	{ "stack", SKB, "*(u16 *)(r10 - 3) = 1;" PASS, "E0316" },
	{ "stack", SKB, "r2 = r10; r2 += -12; *(u64 *)(r2 + 4) = r1; r3 = *(u32 *)(r2 + 8);" PASS,
		"" },
	{ "stack", SKB,
		"*(u64 *)(r10 - 8) = r1; r2 = *(u64 *)(r10 - 8); r0 = *(u32 *)(r2 + 0); "
		"exit",
		"" },
	{ "stack", SKB,
		"*(u64 *)(r10 - 8) = 5; r2 = *(u64 *)(r10 - 8); r0 = *(u32 *)(r2 + 0); exit",
		"E0315" },
	/* Written over in part: nothing certain is known of it. */
	{ "stack", SKB,
		"*(u64 *)(r10 - 8) = 5; *(u8 *)(r10 - 8) = 1; r2 = *(u64 *)(r10 - 8);"
		"r2 += 1;" PASS,
		"" },
	{ "stack", SKB, "r0 = *(u64 *)(r10 - 8); exit", "W0609" },
	{ "stack", SKB, "*(u32 *)(r10 - 8) = 1; r0 = *(u64 *)(r10 - 8); exit", "W0609" },
	/* By a place that is not known, anything may have been written. */
	{ "stack", SKB,
		LEN "r2 &= 8; r3 = r10; r3 += -16; r3 += r2; *(u8 *)(r3 + 0) = 1;"
		    "r0 = *(u64 *)(r10 - 16); exit",
		"" },
	{ "what_helpers_are_given", SKB, "r1 = 0; call bpf_get_socket_cookie; exit", "E0315" },
	{ "what_helpers_are_given", MSG, "r1 = 0; call bpf_get_netns_cookie; exit", "" },
	{ "what_helpers_are_given", SKB,
		"r2 = hash ll; r3 = r10; r3 += -8; *(u64 *)(r3 + 0) = 1; r4 = 0;"
		"call bpf_sk_redirect_hash; r0 = 1; exit",
		"" },
	{ "what_helpers_are_given", SKB,
		"r2 = hash ll; r3 = r10; r3 += -4; *(u32 *)(r3 + 0) = 1; r4 = 0;"
		"call bpf_sk_redirect_hash; r0 = 1; exit",
		"E0316" },
	{ "what_helpers_are_given", SKB,
		"r2 = hash ll; r3 = 0; r4 = 0; call bpf_sk_redirect_map; r0 = 1; exit", "E0308" },
	{ "what_helpers_are_given", SKB,
		"r2 = index ll; r3 = r10; r4 = 0; call bpf_sk_redirect_map; r0 = 1; exit",
		"W0609" },
	{ "what_helpers_are_given", SKB,
		LOOKUP "r2 = r0; r1 = hits ll; call bpf_map_delete_elem;" PASS, "E0315" },
	{ "what_helpers_are_given", SKB,
		LOOKUP "if r0 == 0 goto a; r2 = r0; r1 = hits ll; call "
		       "bpf_map_delete_elem; a:" PASS,
		"" },
	{ "what_helpers_are_given", SKB,
		"r2 = 0; r3 = r10; r3 += -8; r4 = 8; call bpf_skb_load_bytes;"
		"r0 = *(u64 *)(r10 - 8); exit",
		"" },
	{ "what_helpers_are_given", SKB,
		"r2 = 0; r3 = r10; r3 += -8; r4 = 9; call bpf_skb_load_bytes;" PASS, "E0316" },
	{ "what_helpers_are_given", SKB, "r2 = 0; r3 = 8; r4 = 8; call bpf_skb_load_bytes;" PASS,
		"E0315" },
	/* What it wrote is not what was there. */
	{ "what_helpers_are_given", SKB,
		"*(u64 *)(r10 - 8) = 5; r2 = 0; r3 = r10; r3 += -8; r4 = 8;"
		"call bpf_skb_load_bytes; r2 = *(u64 *)(r10 - 8); if r2 == 5 goto a; r0 = "
		"r9;"
		"a:" PASS,
		"" },
	{ "who_may_call", MSG, "call bpf_get_socket_cookie;" PASS, "E0307" },
	{ "who_may_call", OPS, "call bpf_get_socket_cookie;" PASS, "" },
	{ "who_may_call", SKB, "call 212;" PASS, "E0306" },
	{ "who_may_call", SKB, "call 2147483647;" PASS, "E0306" },
	{ "who_may_call", SKB, "call 18;" PASS, "E0307" },
	/* Where it is never run, the verifier does not ask. */
	{ "who_may_call", SKB, "r2 = 1; if r2 == 1 goto a; call 999; a:" PASS, "" },
	{ "constants", SKB, "r0 = 1; r0 /= 0; exit", "E0317" },
	{ "constants", SKB, "r0 = 1; w0 %= 0; exit", "E0317" },
	{ "constants", SKB, "r0 = 1; w0 <<= 31; exit", "" },
	{ "constants", SKB, "r0 = 1; w0 <<= 32; exit", "E0317" },
	{ "constants", SKB, "r0 = 1; r0 s>>= 63; exit", "" },
	{ "constants", SKB, "r0 = 1; r0 s>>= 64; exit", "E0317" },
	{ "constants", SKB, "r0 = 1; r2 = 64; r0 <<= r2; r2 = 0; r0 /= r2; exit", "" },
	{ "what_sock_ops_returns", OPS, "r0 = 0; exit", "" },
	{ "what_sock_ops_returns", OPS, "r0 = 2; exit", "E0315" },
	{ "what_sock_ops_returns", OPS, "r0 = -1; exit", "E0315" },
	{ "what_sock_ops_returns", OPS, "r0 = r1; exit", "E0315" },
	{ "what_sock_ops_returns", OPS, "r0 = *(u32 *)(r1 + 0); exit", "E0315" },
	{ "what_sock_ops_returns", OPS, "r0 = *(u32 *)(r1 + 0); r0 &= 1; exit", "" },
	{ "what_sock_ops_returns", OPS,
		"r0 = *(u32 *)(r1 + 0); if r0 > 1 goto a; exit; a: r0 = 1; exit", "" },
	{ "what_sock_ops_returns", SKB, "r0 = -1; exit", "" },
	{ "what_sock_ops_returns", MSG, "r0 = r1; exit", "" },
	{ "verdicts_that_nobody_looks_at", SKB, REDIRECT "exit", "W0604" },
	{ "verdicts_that_nobody_looks_at", SKB, REDIRECT "r6 = r0; r0 = r6; exit", "W0604" },
	{ "verdicts_that_nobody_looks_at", SKB,
		REDIRECT "*(u64 *)(r10 - 8) = r0; r0 = *(u64 *)(r10 - 8); exit", "W0604" },
	{ "verdicts_that_nobody_looks_at", SKB, REDIRECT "if r0 == 0 goto a; a: exit", "" },
	{ "verdicts_that_nobody_looks_at", SKB, REDIRECT "r6 = r0; if r6 == 0 goto a; a: exit",
		"" },
	{ "verdicts_that_nobody_looks_at", SKB, REDIRECT "r0 = 1; exit", "" },
	{ "verdicts_that_nobody_looks_at", SKB, REDIRECT "r0 ^= 1; exit", "" },
	/* On one way it is returned. */
	{ "verdicts_that_nobody_looks_at", SKB,
		"r6 = *(u32 *)(r1 + 0);" REDIRECT "if r6 == 0 goto a; r0 = 1; a: exit", "W0604" },
	{ "verdicts_that_nobody_looks_at", MSG,
		"r2 = index ll; r3 = 0; r4 = 0; call bpf_msg_redirect_map; exit", "W0604" },
};

const size_t flow_case_count = sizeof(flow_cases) / sizeof(flow_cases[0]);

const uint32_t flow_map_keys[FLOW_MAPS] = { 8, 4, 4, 4 };
const enum bpf_map_type flow_map_types[FLOW_MAPS] = { BPF_MAP_TYPE_SOCKHASH, BPF_MAP_TYPE_SOCKMAP,
	BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_PERCPU_ARRAY };

const struct bpfasm_map *flow_case_maps(struct arena *arena, struct name_index *names)
{
	static const char *const map_names[FLOW_MAPS] = { "hash", "index", "hits", "counts" };
	struct bpfasm_map *maps = arena_alloc_array(arena, FLOW_MAPS, sizeof(*maps));

	for (size_t i = 0; i < FLOW_MAPS; i++) {
		maps[i].name = map_names[i];
		maps[i].kind = map_kind_of(flow_map_types[i]);
		maps[i].key_size = flow_map_keys[i];
		maps[i].value_size = 8;
		name_index_add(arena, names, maps[i].name, i);
	}
	return maps;
}

struct bpfasm_code *flow_case_assemble(struct arena *arena, const char *type, const char *text,
	const struct bpfasm_map *maps, const struct name_index *names,
	struct diagnostics *diagnostics)
{
	bpfasm_body body = { 0 };
	const struct bpfasm_program program = { "p", program_kind_named(type), "GPL", { 0 },
		&body };

	vec_add(arena, &body)->text = text;
	return bpfasm_assemble(arena, &program, maps, names, diagnostics);
}
