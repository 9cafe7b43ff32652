/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/fuzz/oracle.h"

#include "lib/base/diag.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOG_BYTES (1 << 20)

static int make_map(int i)
{
	const struct bpfasm_map *map = &oracle_maps[i];
	bool ring = i == ORACLE_RING;
	uint32_t value = i == ORACLE_PROGRAMS ? 4 : ring ? 0 : 8;

	return bpf_map_create(
		map->kind->type, map->name, map->key_size, value, ring ? 4096 : 4, NULL);
}

bool oracle_init(struct oracle *oracle)
{
	bool made = true;

	memset(oracle, 0, sizeof(*oracle));
	for (int i = 0; i < ORACLE_MAPS; i++) {
		oracle->maps[i] = make_map(i);
		made = made && oracle->maps[i] >= 0;
	}
	return made;
}

void oracle_finish(struct oracle *oracle)
{
	for (int i = 0; i < ORACLE_MAPS; i++)
		if (oracle->maps[i] >= 0)
			close(oracle->maps[i]);
}

static int load(struct arena *arena, const struct bpfasm_code *code, const int *descriptors,
	char *log, uint32_t log_size)
{
	size_t bytes = code->instructions.count * sizeof(struct bpf_insn);
	struct bpf_insn *instructions = arena_alloc(arena, bytes);
	union bpf_attr attr = { 0 };
	long fd = -1;

	memcpy(instructions, code->instructions.items, bytes);
	vec_each (relocation, &code->relocations)
		instructions[relocation->instruction].imm = descriptors[relocation->map];
	attr.prog_type = code->kind->type;
	attr.insns = (uintptr_t)instructions;
	attr.insn_cnt = (uint32_t)code->instructions.count;
	attr.license = (uintptr_t)code->license;
	attr.log_buf = (uintptr_t)log;
	attr.log_size = log ? log_size : 0;
	attr.log_level = log ? 1 : 0;
	errno = EAGAIN;
	for (int i = 0; fd < 0 && errno == EAGAIN && i < 5; i++)
		fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	return (int)fd;
}

/* A program array is for programs like the first that was loaded with it: each gets a new one. */
static void renew_programs(struct oracle *oracle)
{
	close(oracle->maps[ORACLE_PROGRAMS]);
	oracle->maps[ORACLE_PROGRAMS] = make_map(ORACLE_PROGRAMS);
}

/*
 * 6: r0 is r8 where the jump at 5 is not taken, and not where it is. At 7 r0 is 0; so r8 is, too, in
 * the former case, and 10 is not reached. In the latter it is, and reads what nothing has written.
 */
bool oracle_confuses_copies(void)
{
	static const struct bpf_insn code[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0 },
		{ BPF_LDX | BPF_MEM | BPF_W, BPF_REG_0, BPF_REG_6, 0, 0 },
		{ BPF_LDX | BPF_MEM | BPF_W, BPF_REG_8, BPF_REG_6, 0, 0 },
		{ BPF_LDX | BPF_MEM | BPF_W, BPF_REG_7, BPF_REG_6, 0, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 0 },
		{ BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_7, 0, 1, 1 },
		{ BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_0, BPF_REG_8, 0, 0 },
		{ BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 3, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 0 },
		{ BPF_JMP | BPF_JSLE | BPF_K, BPF_REG_8, 0, 1, 2 },
		{ BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_5, BPF_REG_9, 0, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1 },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	/* Have it look for what it has seen before at each instruction. */
	LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = BPF_F_TEST_STATE_FREQ);
	int fd = bpf_prog_load(BPF_PROG_TYPE_SK_SKB, "copies", "GPL", code,
		sizeof(code) / sizeof(code[0]), &options);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool oracle_takes(struct arena *arena, const struct bpfasm_code *code, const int *descriptors)
{
	int fd = load(arena, code, descriptors, NULL, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

const char *oracle_log(struct arena *arena, const struct bpfasm_code *code, const int *descriptors)
{
	char *log = arena_alloc(arena, LOG_BYTES);
	int fd = load(arena, code, descriptors, log, LOG_BYTES);

	if (fd >= 0)
		close(fd);
	return log;
}

const char *oracle_text(struct arena *arena, const struct bpfasm_code *code)
{
	const char *text = arena_printf(arena, "%s, %s\n", code->kind->name, code->license);

	for (size_t i = 0; i < code->instructions.count; i++) {
		const struct bpf_insn *insn = &code->instructions.items[i];

		text = arena_printf(arena, "%s%4zu: { 0x%02x, %u, %u, %d, %d }\n", text, i,
			insn->code, insn->dst_reg, insn->src_reg, insn->off, insn->imm);
	}
	return text;
}

static const char *complaint(struct arena *arena, const struct bpfasm_code *code,
	const struct diagnostics *diagnostics, const int *descriptors)
{
	const char *text = "the kernel takes what the checks refuse:\n";

	vec_each (diagnostic, &diagnostics->list)
		text = arena_printf(arena, "%s  %s (line %u): %s\n", text,
			diag_codes[diagnostic->code].name, diagnostic->mark.line,
			diagnostic->message);
	return arena_printf(arena, "%s%s%s", text, oracle_text(arena, code),
		oracle_log(arena, code, descriptors));
}

bool oracle_judge(struct oracle *oracle, struct arena *arena, struct bpfasm_code *code,
	const struct bpfasm_map *maps, const int *descriptors, const char **ret)
{
	struct diagnostics diagnostics = { .arena = arena };
	bool passed = bpfasm_check(arena, code, maps, &diagnostics);
	int fd;

	renew_programs(oracle);
	fd = load(arena, code, descriptors, NULL, 0);
	if (fd >= 0) {
		close(fd);
		oracle->taken++;
		if (passed)
			return true;
		oracle->unequal++;
		*ret = complaint(arena, code, &diagnostics, descriptors);
		return false;
	}
	oracle->refused++;
	oracle->caught += !passed;
	*ret = passed ? "missed" : NULL;
	return true;
}
