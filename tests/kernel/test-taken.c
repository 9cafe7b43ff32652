/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Calls that must not take away, without a word, what somebody else has attached since the hook was
 * looked at: the kernel does (the facts come first), lib/kernel/hook.c does not.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "raw.h"

#include "lib/kernel/kernel.h"

static void taken_fini(void)
{
	cgroup_fini();
	harness_fini();
}

TestSuite(taken, .init = harness_init, .fini = taken_fini, .timeout = 60);

Test(taken, a_link_replaces_what_was_attached_to_a_map_without_one)
{
	int map = sockmap_make(), theirs = program_pass(), ours = program_pass();
	int link;

	links_need();
	cr_assert_eq(bpf_prog_attach(theirs, map, BPF_SK_SKB_STREAM_VERDICT, 0), 0);
	link = hook_attach(ours, map, BPF_SK_SKB_STREAM_VERDICT);
	cr_assert_eq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), program_id(ours));
	close(link);
}

Test(taken, our_attach_does_not)
{
	int map = sockmap_make(), theirs = program_pass(), ours = program_pass(), link;
	const struct kernel_hook hook = { map, BPF_SK_SKB_STREAM_VERDICT, 0 };

	cr_assert_eq(bpf_prog_attach(theirs, map, hook.type, 0), 0);
	cr_assert_eq(kernel_attach(ours, &hook, &link), -EBUSY);
	cr_assert_eq(hook_program(map, hook.type), program_id(theirs));
	cr_assert_eq(bpf_prog_detach2(theirs, map, hook.type), 0);
	cr_assert_eq(kernel_attach(ours, &hook, &link), 0);
	cr_assert_eq(hook_program(map, hook.type), program_id(ours));
	cr_assert_eq(link >= 0, has_links());
	if (link >= 0)
		close(link);
}

/* The two verdicts exclude each other: asking the one where the other is fails, and creating, too. */
Test(taken, nor_beside_a_verdict_of_the_other_kind)
{
	int map = sockmap_make(), theirs = program_pass(), ours = program_pass(), link;
	const struct kernel_hook hook = { map, BPF_SK_SKB_VERDICT, 0 };

	cr_assert_eq(bpf_prog_attach(theirs, map, BPF_SK_SKB_STREAM_VERDICT, 0), 0);
	cr_assert_eq(kernel_attach(ours, &hook, &link), -EBUSY);
	cr_assert_eq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), program_id(theirs));
}

Test(taken, a_cgroup_that_shares_with_none_gives_up_whatever_it_has)
{
	int theirs = program_return(BPF_PROG_TYPE_SOCK_OPS, "theirs", 1);
	int other = program_return(BPF_PROG_TYPE_SOCK_OPS, "other", 1);
	int cgroup = cgroup_open(cgroup_make("taken"));

	cr_assert_eq(bpf_prog_attach(theirs, cgroup, BPF_CGROUP_SOCK_OPS, 0), 0);
	cr_assert_eq(bpf_prog_detach2(other, cgroup, BPF_CGROUP_SOCK_OPS), 0);
	cr_assert_eq(hook_program(cgroup, BPF_CGROUP_SOCK_OPS), 0);
	close(cgroup);
}

Test(taken, our_detach_takes_the_program_that_was_meant)
{
	int theirs = program_return(BPF_PROG_TYPE_SOCK_OPS, "theirs", 1);
	int other = program_return(BPF_PROG_TYPE_SOCK_OPS, "other", 1);
	int cgroup = cgroup_open(cgroup_make("meant"));
	const struct kernel_hook hook = { cgroup, BPF_CGROUP_SOCK_OPS, 0 };

	cr_assert_eq(bpf_prog_attach(theirs, cgroup, BPF_CGROUP_SOCK_OPS, 0), 0);
	cr_assert_eq(kernel_detach_program(other, &hook), -ESTALE);
	cr_assert_eq(hook_program(cgroup, BPF_CGROUP_SOCK_OPS), program_id(theirs));
	cr_assert_eq(kernel_detach_program(theirs, &hook), 0);
	cr_assert_eq(hook_program(cgroup, BPF_CGROUP_SOCK_OPS), 0);
	close(cgroup);
}
