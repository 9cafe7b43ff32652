/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Arguments of blocks in every register that they may be in: what the helper gets is what stood there
 * before the block, whatever the block reads and computes on the way. r0 to r5 are where that can go
 * wrong, r6 stands for those that nothing touches.
 */
#include "tests/unit/bpfasm/machine.h"
#include "tests/unit/support.h"

#include <string.h>

SUITE(registers);

#define MOST 6

/* The context is in `context`, or, for -1, where it is at the beginning. */
static const char *context_text(int context)
{
	return context < 0 ? "" : arena_printf(&arena, ", ctx: r%d", context);
}

static void run(struct machine *machine, const char *type, int context, const char *body)
{
	const struct bpfasm_code *code = any_code_of(type, body);

	cr_assert_not_null(code, "%s", body);
	expect_no_diagnostics();
	machine_init(machine);
	machine->type = program_kind_named(type)->type;
	machine->registers[context < 0 ? 1 : context] = MACHINE_CONTEXT;
	machine_run(machine, code);
}

static uint64_t before(int reg, int context)
{
	return reg == (context < 0 ? 1 : context) ? MACHINE_CONTEXT : machine_initial(reg);
}

static void check_update(const char *block, int context, int key, int flags, bool indexed)
{
	static struct machine machine;
	const char *body = arena_printf(&arena,
		"- %s: { map: %s, key: r%d, flags: r%d%s }\n- r0 = 1\n- exit\n", block,
		indexed ? "indexed" : "raw", key, flags, context_text(context));
	uint32_t index = (uint32_t)before(key, context);

	run(&machine, "sock_ops", context, body);
	cr_assert_eq(machine.helper, indexed ? BPF_FUNC_sock_map_update : BPF_FUNC_sock_hash_update,
		"%s", body);
	cr_assert_eq(machine.registers[1], MACHINE_CONTEXT, "%s", body);
	cr_assert_eq(machine.registers[2], MACHINE_MAP + (indexed ? MAP_INDEXED : MAP_RAW));
	if (indexed)
		cr_assert(memcmp(machine_stack(&machine, machine.registers[3], 4), &index, 4) == 0,
			"%s", body);
	else
		cr_assert_eq(machine.registers[3], before(key, context), "%s", body);
	cr_assert_eq(machine.registers[4], before(flags, context), "%s", body);
}

static void check_updates(const char *block, bool indexed)
{
	for (int context = -1; context <= MOST; context++)
		for (int key = 0; key <= MOST; key++) {
			for (int flags = 0; flags <= MOST; flags++)
				check_update(block, context, key, flags, indexed);
			support_fini();
			support_init();
		}
}

Test(registers, on_established_into_a_sockmap)
{
	check_updates("on_established", true);
}

Test(registers, on_established_into_a_hash)
{
	check_updates("on_established", false);
}

Test(registers, on_established_by_family_and_side)
{
	for (int context = -1; context <= MOST; context++)
		for (int key = 0; key <= MOST; key++) {
			static struct machine machine;
			const char *body = arena_printf(&arena,
				"- on_established: { map: raw, key: r%d, family: ipv4, "
				"side: passive%s }\n- r0 = 1\n- exit\n",
				key, context_text(context));

			run(&machine, "sock_ops", context, body);
			cr_assert_eq(machine.registers[1], MACHINE_CONTEXT, "%s", body);
			cr_assert_eq(machine.registers[3], before(key, context), "%s", body);
			support_fini();
			support_init();
		}
}

Test(registers, updates)
{
	check_updates("sock_map_update", true);
	check_updates("sock_hash_update", false);
}

/* A key that the block builds, beside flags in a register. */
static void check_built(int context, int flags)
{
	static struct machine machine;
	const char *body = arena_printf(&arena,
		"- sk_redirect_hash: { map: five, key: self, flags: r%d%s }\n- exit\n", flags,
		context_text(context));

	run(&machine, "sk_skb", context, body);
	cr_assert_eq(machine.helper, BPF_FUNC_sk_redirect_hash);
	cr_assert_eq(machine.registers[1], MACHINE_CONTEXT, "%s", body);
	cr_assert_eq(machine.registers[4], before(flags, context), "%s", body);
}

Test(registers, flags_beside_a_key_that_is_built)
{
	for (int context = -1; context <= MOST; context++)
		for (int flags = 0; flags <= MOST; flags++)
			check_built(context, flags);
}

static void check_pull(int context, int start, int end)
{
	static struct machine machine;
	const char *body = arena_printf(&arena,
		"- msg_pull_data: { start: r%d%s%s }\n- r0 = 1\n- exit\n", start,
		end < 0 ? "" : arena_printf(&arena, ", end: r%d", end), context_text(context));

	run(&machine, "sk_msg", context, body);
	cr_assert_eq(machine.helper, BPF_FUNC_msg_pull_data);
	cr_assert_eq(machine.registers[1], MACHINE_CONTEXT, "%s", body);
	cr_assert_eq(machine.registers[2], before(start, context), "%s", body);
	cr_assert_eq(
		machine.registers[3], end < 0 ? MACHINE_SIZE : before(end, context), "%s", body);
	cr_assert_eq(machine.registers[4], 0);
}

Test(registers, msg_pull_data)
{
	for (int context = -1; context <= MOST; context++)
		for (int start = 0; start <= MOST; start++) {
			for (int end = -1; end <= MOST; end++)
				check_pull(context, start, end);
			support_fini();
			support_init();
		}
}

Test(registers, pull_data)
{
	for (int context = -1; context <= MOST; context++) {
		static struct machine machine;
		const char *body = arena_printf(&arena, "- pull_data: { %s }\n- r0 = 1\n- exit\n",
			context < 0 ? "" : arena_printf(&arena, "ctx: r%d", context));

		run(&machine, "sk_skb", context, body);
		cr_assert_eq(machine.helper, BPF_FUNC_skb_pull_data);
		cr_assert_eq(machine.registers[1], MACHINE_CONTEXT, "%s", body);
		cr_assert_eq(machine.registers[2], MACHINE_SIZE, "%s", body);
	}
}

/* Of r1 and of r6 and more match takes nothing away, wherever the context is. */
Test(registers, match_keeps_what_it_says)
{
	for (int context = -1; context <= MOST; context++) {
		static struct machine machine;
		const char *body = arena_printf(&arena,
			"- match: { family: ipv4, local_port: 8080, remote_port: 1-2, else: out%s "
			"}\n"
			"- 'out: exit'\n",
			context_text(context));

		run(&machine, "sk_skb", context, body);
		cr_assert_eq(machine.registers[1], before(1, context), "%s", body);
		cr_assert_eq(machine.registers[2], before(2, context), "%s", body);
		for (int i = 6; i <= 10; i++)
			cr_assert_eq(machine.registers[i], before(i, context), "%s", body);
		cr_assert(context == 0 ||
				  machine.registers[context < 0 ? 1 : context] == MACHINE_CONTEXT,
			"%s", body);
	}
}
