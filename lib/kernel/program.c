/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Programs are loaded with BTF line info whose file and lines are the manifest's, so that the
 * verifier's log, `bpftool prog dump xlated linum` and sockform's own errors show the YAML line.
 */
#include "lib/kernel/program.h"

#include "lib/kernel/kernel.h"

#include "lib/base/cleanup.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOG_BYTES (UINT32_MAX >> 8) /* the most that kernels before 5.2 take */
#define DISPATCHER "sockform_disp"
#define DISPATCHER_PREORDER "sockform_pre"
#define LINE_COLUMN_BITS 10 /* BPF_LINE_INFO_LINE_COL */

struct kernel_btf {
	struct btf *btf;
	int fd;
	struct bpf_func_info *functions; /* one per program */
	struct {
		struct bpf_line_info *items;
		uint32_t count;
	} * lines; /* one list per program */
};

static bool same_place(const struct mark *a, const struct mark *b)
{
	return a->source == b->source && a->line == b->line && a->column == b->column;
}

/* An entry wherever the place changes: an instruction without one belongs to the entry before. */
static void add_lines(
	struct arena *arena, struct kernel_btf *btf, const struct bpfasm_code *code, size_t at)
{
	const uint32_t most_columns = (1u << LINE_COLUMN_BITS) - 1;
	struct bpf_line_info *lines = arena_alloc_array(arena, code->origins.count, sizeof(*lines));
	uint32_t count = 0;

	for (size_t i = 0; i < code->origins.count; i++) {
		const struct mark *mark = &code->origins.items[i].mark;
		uint32_t column = mark->column < most_columns ? mark->column : most_columns;
		int file, text;

		if (i && same_place(mark, &code->origins.items[i - 1].mark))
			continue;
		/* A template's instructions are of its file; equal strings are kept once. */
		file = btf__add_str(btf->btf, mark->source ? mark->source->name : "");
		text = btf__add_str(btf->btf, source_line_trimmed(arena, mark));
		lines[count++] = (struct bpf_line_info){
			.insn_off = (uint32_t)i,
			.file_name_off = file < 0 ? 0 : (uint32_t)file,
			.line_off = text < 0 ? 0 : (uint32_t)text,
			.line_col = mark->line << LINE_COLUMN_BITS | column,
		};
	}
	btf->lines[at].items = lines;
	btf->lines[at].count = count;
}

/*
 * Called directly, see kernel_create_map: libbpf would first load a program to find out how the kernel
 * accounts memory.
 */
static int load_btf(const struct btf *btf)
{
	uint32_t size = 0;
	union bpf_attr attr = { .btf = (uintptr_t)btf__raw_data(btf, &size) };

	attr.btf_size = size;
	return (int)syscall(SYS_bpf, BPF_BTF_LOAD, &attr, sizeof(attr));
}

int kernel_btf_create(struct arena *arena, const struct bpfasm_code *const *codes, size_t count,
	struct kernel_btf **ret)
{
	struct kernel_btf *btf = arena_alloc(arena, sizeof(*btf));
	int integer, context, prototype, error;

	*ret = NULL;
	btf->btf = btf__new_empty();
	if (!btf->btf)
		return -ENOMEM;
	btf->functions = arena_alloc_array(arena, count, sizeof(*btf->functions));
	btf->lines = arena_alloc_array(arena, count, sizeof(*btf->lines));
	/* int (void *ctx): the kernel asks for no more of a program that is no subprogram. */
	integer = btf__add_int(btf->btf, "int", 4, BTF_INT_SIGNED);
	context = btf__add_ptr(btf->btf, 0);
	prototype = btf__add_func_proto(btf->btf, integer);
	btf__add_func_param(btf->btf, "ctx", context);
	for (size_t i = 0; i < count; i++) {
		int function = btf__add_func(btf->btf, codes[i]->name, BTF_FUNC_STATIC, prototype);

		btf->functions[i].type_id = (uint32_t)function;
		add_lines(arena, btf, codes[i], i);
	}
	btf->fd = load_btf(btf->btf);
	error = btf->fd >= 0 ? 0 : -errno;
	if (error)
		kernel_btf_destroy(btf);
	else
		*ret = btf;
	return error;
}

void kernel_btf_destroy(struct kernel_btf *btf)
{
	if (!btf)
		return;
	btf__free(btf->btf);
	fd_close(btf->fd);
}

const struct bpf_insn *program_relocate(
	struct arena *arena, const struct bpfasm_code *code, const int *maps)
{
	size_t bytes = code->instructions.count * sizeof(struct bpf_insn);
	struct bpf_insn *instructions = arena_alloc(arena, bytes);

	memcpy(instructions, code->instructions.items, bytes);
	vec_each (relocation, &code->relocations)
		instructions[relocation->instruction].imm = maps[relocation->map];
	return instructions;
}

/* What the kernel is asked for, but for the log; called directly, see kernel_create_map. */
static union bpf_attr load_request(const struct bpfasm_code *code, const char *kernel_name,
	const struct bpf_insn *instructions, const struct kernel_btf *btf, size_t at)
{
	union bpf_attr attr = {
		.prog_type = code->kind->type,
		.insn_cnt = (uint32_t)code->instructions.count,
	};

	attr.insns = (uintptr_t)instructions;
	attr.license = (uintptr_t)code->license;
	memcpy(attr.prog_name, kernel_name, strnlen(kernel_name, KERNEL_NAME_MAX));
	if (!btf)
		return attr;
	attr.prog_btf_fd = (uint32_t)btf->fd;
	attr.func_info = (uintptr_t)&btf->functions[at];
	attr.func_info_cnt = 1;
	attr.func_info_rec_size = sizeof(btf->functions[at]);
	attr.line_info = (uintptr_t)btf->lines[at].items;
	attr.line_info_cnt = btf->lines[at].count;
	attr.line_info_rec_size = sizeof(*btf->lines[at].items);
	return attr;
}

/* The verifier answers EAGAIN when a signal waits; ours are blocked or end the process. */
int program_load(union bpf_attr *attr)
{
	long fd = -1;

	errno = EAGAIN;
	for (int attempt = 0; fd < 0 && errno == EAGAIN && attempt < 5; attempt++)
		fd = syscall(SYS_bpf, BPF_PROG_LOAD, attr, sizeof(*attr));
	return fd >= 0 ? (int)fd : -errno;
}

int kernel_load_program(struct kernel *kernel, const struct bpfasm_code *code,
	const char *kernel_name, const int *maps, const struct kernel_btf *btf, size_t at)
{
	union bpf_attr attr = load_request(
		code, kernel_name, program_relocate(kernel->arena, code, maps), btf, at);
	int fd = program_load(&attr);
	char *log;

	if (fd >= 0)
		return fd;
	/* Only now the log: having it written makes every load slower. */
	log = arena_alloc(kernel->arena, LOG_BYTES);
	attr.log_buf = (uintptr_t)log;
	attr.log_size = LOG_BYTES;
	attr.log_level = 1;
	fd = program_load(&attr);
	if (fd < 0)
		kernel_report_rejection(kernel, code, fd, log);
	return fd;
}

const char *kernel_dispatcher_name(uint32_t flags)
{
	return flags & attach_flag_named("preorder")->bit ? DISPATCHER_PREORDER : DISPATCHER;
}

uint32_t kernel_dispatcher_flags(const char *name)
{
	return strcmp(name, DISPATCHER_PREORDER) == 0 ? attach_flag_named("preorder")->bit : 0;
}
