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
