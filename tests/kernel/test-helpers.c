/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The table of helpers (lib/bpfasm/helpers.c) against the kernel: who may call what, and that what the
 * table says of arguments and maps is never more than what the kernel insists on. Each question is a
 * program that is loaded and closed again.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"
#include "raw.h"

#include "lib/bpfasm/helpers.h"

TestSuite(helpers, .init = harness_init, .fini = harness_fini, .timeout = 120);

static const struct {
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type;
} types[] = {
	{ BPF_PROG_TYPE_SK_SKB, 0 },
	{ BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT },
	{ BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS },
};

#define TYPES (sizeof(types) / sizeof(types[0]))

static char verifier_log[1 << 16];

/* Whether the kernel takes it; what it says is in the log. */
static bool load(size_t type, const char *license, const struct bpf_insn *code, size_t count)
{
	union bpf_attr attr = { .prog_type = types[type].type };
	long fd = -1;

	attr.expected_attach_type = types[type].attach_type;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = (uint32_t)count;
	attr.license = (uintptr_t)license;
	attr.log_buf = (uintptr_t)verifier_log;
	attr.log_size = sizeof(verifier_log);
	attr.log_level = 1;
	errno = EAGAIN;
	for (int i = 0; fd < 0 && errno == EAGAIN && i < 5; i++) {
		verifier_log[0] = '\0';
		fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	}
	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

static bool log_says(const char *words)
{
	return strstr(verifier_log, words) != NULL;
}

/* Whether a program of the type may call it, whatever else is wrong with the call. */
static bool may_call(size_t type, int32_t helper, const char *license)
{
	const struct bpf_insn code[] = { CALL(helper), MOV(BPF_REG_0, 1), EXIT };

	return load(type, license, code, 3) ||
	       !(log_says("unknown func") || log_says("invalid func") ||
		       log_says("cannot use helper") || log_says("might sleep") ||
		       log_says("GPL-restricted"));
}

static bool table_has(size_t type, int32_t helper)
{
	const struct helper *row = helper_row(helper);

	return row && row->types >> types[type].type & 1;
}

/* Since 6.16 all types may call some that were for tracing. */
static bool kernel_is_new(void)
{
	return may_call(0, BPF_FUNC_send_signal, "GPL");
}

Test(helpers, who_may_call_what)
{
	bool exact = kernel_is_new();

	for (size_t type = 0; type < TYPES; type++)
		for (int32_t helper = 1; helper < HELPER_NUMBERS + 4; helper++) {
			bool kernel = may_call(type, helper, "GPL"),
			     table = table_has(type, helper);

			cr_assert(table || !kernel, "type %zu may call %d: %s", type, helper,
				verifier_log);
			cr_assert(!exact || kernel == table, "type %zu, helper %d: %s", type,
				helper, verifier_log);
		}
}

Test(helpers, which_ones_need_the_gpl)
{
	for (size_t type = 0; type < TYPES; type++)
		for (int32_t helper = 1; helper < HELPER_NUMBERS; helper++)
			if (table_has(type, helper) && may_call(type, helper, "GPL"))
				cr_assert_eq(!may_call(type, helper, "MIT"),
					!!(helper_row(helper)->flags & HELPER_GPL), "%d: %s",
					helper, verifier_log);
}

static const uint32_t map_types[] = { BPF_MAP_TYPE_SOCKMAP, BPF_MAP_TYPE_SOCKHASH,
	BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_PERCPU_ARRAY,
	BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH, BPF_MAP_TYPE_PROG_ARRAY,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY, BPF_MAP_TYPE_CGROUP_ARRAY, BPF_MAP_TYPE_RINGBUF,
	BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK, BPF_MAP_TYPE_BLOOM_FILTER };

#define MAP_TYPES (sizeof(map_types) / sizeof(map_types[0]))

static int make_map(uint32_t type)
{
	bool keyless = type == BPF_MAP_TYPE_QUEUE || type == BPF_MAP_TYPE_STACK ||
		       type == BPF_MAP_TYPE_BLOOM_FILTER || type == BPF_MAP_TYPE_RINGBUF;
	bool narrow = type == BPF_MAP_TYPE_PROG_ARRAY || type == BPF_MAP_TYPE_PERF_EVENT_ARRAY ||
		      type == BPF_MAP_TYPE_CGROUP_ARRAY;
	uint32_t value = type == BPF_MAP_TYPE_RINGBUF ? 0 : narrow ? 4 : 8;
	uint32_t entries = type == BPF_MAP_TYPE_RINGBUF ? 4096 : 4;
	int map = bpf_map_create(type, "helpers", keyless ? 0 : 4, value, entries, NULL);

	cr_assert(map >= 0, "map type %u: %s", type, strerror(errno));
	return map;
}

/* What goes into an argument register. */
enum content {
	RIGHT, /* what the table says */
	NUMBER,
	STACK,
	CONTEXT,
	NOTHING,
};

struct call {
	size_t type;
	int32_t helper;
	int map;         /* descriptor; -1: none */
	int blamed;      /* the argument that is not right, from 1; 0: none */
	enum content is; /* in it */
};

static size_t emit(struct bpf_insn *code, size_t count, struct bpf_insn insn)
{
	code[count] = insn;
	return count + 1;
}

/* A socket from the context, which is not there in all types. */
static size_t emit_socket(struct bpf_insn *code, size_t count, size_t type, int reg)
{
	static const int16_t offsets[TYPES] = { offsetof(struct __sk_buff, sk),
		offsetof(struct sk_msg_md, sk), offsetof(struct bpf_sock_ops, sk) };

	count = emit(
		code, count, INSN(BPF_LDX | BPF_MEM | BPF_DW, reg, BPF_REG_6, offsets[type], 0));
	count = emit(code, count, INSN(BPF_JMP | BPF_JNE | BPF_K, reg, 0, 2, 0));
	count = emit(code, count, MOV(BPF_REG_0, 1));
	return emit(code, count, EXIT);
}

static size_t emit_right(struct bpf_insn *code, size_t count, const struct call *call, int reg,
	enum helper_need need)
{
	switch (need) {
	case HELPER_CONTEXT:
		return emit(code, count, INSN(BPF_ALU64 | BPF_MOV | BPF_X, reg, BPF_REG_6, 0, 0));
	case HELPER_MAP:
		count = emit(code, count,
			INSN(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_FD, 0, call->map));
		return emit(code, count, INSN(0, 0, 0, 0, 0));
	case HELPER_SOCKET:
		return emit_socket(code, count, call->type, reg);
	case HELPER_SIZE:
		return emit(code, count, MOV(reg, 8));
	case HELPER_NUMBER:
		return emit(code, count, MOV(reg, 0));
	default: /* memory; of the rest the table says nothing */
		count = emit(code, count, INSN(BPF_ALU64 | BPF_MOV | BPF_X, reg, BPF_REG_10, 0, 0));
		return emit(code, count, INSN(BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, -16));
	}
}

static size_t emit_argument(struct bpf_insn *code, size_t count, const struct call *call, int reg,
	enum helper_need need)
{
	if (call->blamed != reg || call->is == RIGHT)
		return emit_right(code, count, call, reg, need);
	switch (call->is) {
	case NUMBER:
		return emit(code, count, MOV(reg, 77));
	case STACK:
		return emit_right(code, count, call, reg, HELPER_MEMORY);
	case CONTEXT:
		return emit_right(code, count, call, reg, HELPER_CONTEXT);
	default: /* r1 has the context from the start: a call takes that away */
		return count;
	}
}

/* Whether the kernel takes the call. */
static bool takes(const struct call *call)
{
	struct helper_argument arguments[HELPER_ARGUMENTS];
	struct bpf_insn code[64];
	size_t count = 0;

	helper_arguments(helper_row(call->helper), arguments);
	count = emit(code, count, INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0));
	for (int16_t place = -64; place < 0; place += 8)
		count = emit(code, count, INSN(BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, place, 0));
	count = emit(code, count, CALL(BPF_FUNC_ktime_get_ns));
	for (int i = 0; i < HELPER_ARGUMENTS && arguments[i].need; i++)
		count = emit_argument(code, count, call, i + 1, arguments[i].need);
	count = emit(code, count, CALL(call->helper));
	count = emit(code, count, MOV(BPF_REG_0, 1));
	count = emit(code, count, EXIT);
	return load(call->type, "GPL", code, count);
}

static size_t arity(int32_t helper)
{
	struct helper_argument arguments[HELPER_ARGUMENTS];
	size_t count = 0;

	helper_arguments(helper_row(helper), arguments);
	while (count < HELPER_ARGUMENTS && arguments[count].need)
		count++;
	return count;
}

/* A map that the helper works on; -1 where it takes none, or none that is made here. */
static int map_for(int32_t helper)
{
	uint64_t wanted = helper_row(helper)->maps;

	for (size_t i = 0; i < MAP_TYPES; i++)
		if (wanted >> map_types[i] & 1)
			return make_map(map_types[i]);
	return -1;
}

static void close_map(int map)
{
	if (map >= 0)
		close(map);
}

#define EACH_CALL(type, helper)                                                                    \
	for (size_t type = 0; type < TYPES; type++)                                                \
		for (int32_t helper = 1; helper < HELPER_NUMBERS; helper++)                        \
			if (table_has(type, helper))

/* With what the table says in r1 to r5, and nothing in the rest, most calls are right. */
Test(helpers, calls_as_the_table_has_them_are_taken)
{
	size_t taken = 0;

	EACH_CALL(type, helper)
	{
		struct call call = { type, helper, map_for(helper), 0, RIGHT };
		char unread[16];

		taken += takes(&call);
		snprintf(unread, sizeof(unread), "R%zu !read_ok", arity(helper) + 1);
		cr_assert(!log_says(unread), "helper %d reads more: %s", helper, verifier_log);
		close_map(call.map);
	}
	cr_assert_geq(taken, 120, "%zu", taken);
}

/* Each register that the table says is read has to hold something. */
Test(helpers, arguments_that_are_read_are_read)
{
	EACH_CALL(type, helper)
	{
		struct call call = { type, helper, map_for(helper), 0, NOTHING };

		for (call.blamed = 1; call.blamed <= (int)arity(helper); call.blamed++)
			cr_assert(
				!takes(&call), "helper %d does not read r%d", helper, call.blamed);
		close_map(call.map);
	}
}

/* What lib/bpfasm/call.c refuses in an argument, the kernel refuses. */
Test(helpers, arguments_of_the_wrong_kind_are_refused)
{
	static const struct {
		enum helper_need need;
		enum content refused[3];
	} wrong[] = {
		{ HELPER_CONTEXT, { NUMBER, STACK } },
		{ HELPER_MAP, { NUMBER, STACK, CONTEXT } },
		{ HELPER_KEY, { NUMBER, CONTEXT } },
		{ HELPER_VALUE, { NUMBER, CONTEXT } },
		{ HELPER_MEMORY, { NUMBER, CONTEXT } },
		{ HELPER_BUFFER, { NUMBER, CONTEXT } },
		{ HELPER_SIZE, { STACK, CONTEXT } },
		{ HELPER_SOCKET, { NUMBER, STACK, CONTEXT } },
	};
	size_t asked = 0;

	EACH_CALL(type, helper)
	{
		struct call call = { type, helper, map_for(helper), 0, RIGHT };
		struct helper_argument arguments[HELPER_ARGUMENTS];

		helper_arguments(helper_row(helper), arguments);
		for (call.blamed = 1; call.blamed <= (int)arity(helper); call.blamed++)
			for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
				for (int j = 0; j < 3 && wrong[i].refused[j] != RIGHT; j++) {
					if (arguments[call.blamed - 1].need != wrong[i].need)
						continue;
					call.is = wrong[i].refused[j];
					asked++;
					cr_assert(!takes(&call), "helper %d takes %d in r%d",
						helper, call.is, call.blamed);
				}
		close_map(call.map);
	}
	cr_assert_geq(asked, 300, "%zu", asked);
}

/* Maps of other types than the table's are refused. */
Test(helpers, maps_of_the_wrong_type_are_refused)
{
	size_t asked = 0;

	EACH_CALL(type, helper)
	{
		uint64_t works_on = helper_row(helper)->maps;

		for (size_t i = 0; works_on && i < MAP_TYPES; i++) {
			struct call call = { type, helper, -1, 0, RIGHT };

			if (works_on >> map_types[i] & 1)
				continue;
			asked++;
			call.map = make_map(map_types[i]);
			cr_assert(!takes(&call), "helper %d works on map type %u", helper,
				map_types[i]);
			close_map(call.map);
		}
	}
	cr_assert_geq(asked, 500, "%zu", asked);
}
