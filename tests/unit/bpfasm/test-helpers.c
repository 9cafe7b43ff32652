/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The table of helpers; whether the kernel has it so is for tests/kernel/test-helpers.c. */
#include "tests/unit/support.h"

#include "lib/bpfasm/assembler.h"
#include "lib/bpfasm/helpers.h"

#include <string.h>

SUITE(helpers);

Test(helpers, every_row_is_of_a_helper_and_can_be_read)
{
	size_t rows = 0;

	for (int32_t i = -5; i < HELPER_NUMBERS + 5; i++) {
		const struct helper *row = helper_row(i);
		struct helper_argument arguments[HELPER_ARGUMENTS];
		size_t words = 0;

		if (!row)
			continue;
		rows++;
		cr_assert(helper_exists(i), "%d", i);
		helper_arguments(row, arguments);
		for (const char *at = row->arguments; *at; at += strcspn(at, " "), at += *at == ' ')
			words++;
		cr_assert_leq(words, HELPER_ARGUMENTS, "%d", i);
		for (size_t j = 0; j < HELPER_ARGUMENTS; j++)
			cr_assert_eq(arguments[j].need != HELPER_NOTHING, j < words, "%d", i);
		/* A key or a value is one of the map that came before. */
		for (size_t j = 0; j < words; j++)
			if (arguments[j].need == HELPER_KEY || arguments[j].need == HELPER_VALUE)
				cr_assert(arguments[0].need == HELPER_MAP ||
						  arguments[1].need == HELPER_MAP,
					"%d", i);
	}
	cr_assert_geq(rows, 100);
}

/* include/uapi/linux/bpf.h; 210 and 211 are later than some of its versions. */
Test(helpers, numbers_and_names)
{
	cr_assert_str_eq(helper_name(&arena, 1), "bpf_map_lookup_elem");
	cr_assert_str_eq(helper_name(&arena, 211), "bpf_cgrp_storage_delete");
	cr_assert_str_eq(helper_name(&arena, 212), "helper 212");
	cr_assert_eq(asm_helper_named("bpf_cgrp_storage_get"), 210);
	cr_assert(!helper_exists(0));
	cr_assert(!helper_exists(-1));
	cr_assert(!helper_exists(INT32_MIN));
	cr_assert(!helper_exists(INT32_MAX));
	cr_assert_null(helper_row(INT32_MIN));
	cr_assert_null(helper_row(212));
	/* bpf_skb_vlan_push: there is one, and none of our types may call it. */
	cr_assert(helper_exists(18));
	cr_assert_null(helper_row(18));
}

Test(helpers, arguments_of_a_redirect)
{
	struct helper_argument is[HELPER_ARGUMENTS];

	helper_arguments(helper_row(BPF_FUNC_sk_redirect_hash), is);
	cr_assert_eq(is[0].need, HELPER_CONTEXT);
	cr_assert_eq(is[1].need, HELPER_MAP);
	cr_assert_eq(is[2].need, HELPER_KEY);
	cr_assert_eq(is[3].need, HELPER_NUMBER);
	cr_assert_str_eq(is[3].name, "flags");
	cr_assert_eq(is[4].need, HELPER_NOTHING);
	helper_arguments(helper_row(BPF_FUNC_get_netns_cookie), is);
	cr_assert(is[0].or_null);
	cr_assert_eq(is[0].need, HELPER_CONTEXT);
	helper_arguments(helper_row(BPF_FUNC_ktime_get_ns), is);
	cr_assert_eq(is[0].need, HELPER_NOTHING);
}

Test(helpers, maps_that_take_the_general_helpers)
{
	cr_assert(helper_map_is_plain(BPF_MAP_TYPE_HASH));
	cr_assert(helper_map_is_plain(BPF_MAP_TYPE_LRU_PERCPU_HASH));
	cr_assert(helper_map_is_plain(BPF_MAP_TYPE_LPM_TRIE));
	cr_assert(!helper_map_is_plain(BPF_MAP_TYPE_SOCKMAP));
	cr_assert(!helper_map_is_plain(BPF_MAP_TYPE_PROG_ARRAY));
	cr_assert(!helper_map_is_plain(BPF_MAP_TYPE_QUEUE));
}

Test(helpers, advice_is_given_to_those_who_may_not_call)
{
	for (int32_t i = 1; i < HELPER_NUMBERS; i++) {
		const struct helper *row = helper_row(i);

		for (uint32_t type = 0; type < 32; type++)
			if (row && row->types >> type & 1)
				cr_assert_null(helper_advice(i, type), "%d", i);
	}
	cr_assert_not_null(helper_advice(BPF_FUNC_get_socket_cookie, BPF_PROG_TYPE_SK_MSG));
	cr_assert_null(helper_advice(BPF_FUNC_redirect_neigh, BPF_PROG_TYPE_SK_MSG));
}

/* include/linux/license.h */
Test(helpers, licences)
{
	cr_assert(licence_is_gpl_compatible("GPL"));
	cr_assert(licence_is_gpl_compatible("Dual BSD/GPL"));
	cr_assert(licence_is_gpl_compatible("GPL and additional rights"));
	cr_assert(!licence_is_gpl_compatible("gpl"));
	cr_assert(!licence_is_gpl_compatible("GPL-2.0"));
	cr_assert(!licence_is_gpl_compatible("MIT"));
	cr_assert(!licence_is_gpl_compatible(""));
}
