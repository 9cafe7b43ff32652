/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The floor: `bare apply` and `bare delete` make the bpf() and file-system calls that sockform
 * makes for manifests/echo.yaml, with everything known beforehand: no YAML, no libbpf, no plan, no
 * errors explained. What sockform takes longer is sockform's own cost.
 */
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROOT "/sys/fs/bpf/sockform-bare"
#define HOOK "echo_sockets:stream_verdict"

#define INSN(c, d, s, o, i)                                                                        \
	{                                                                                          \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)                \
	}

static const char *const folders[] = { ROOT "/echo/maps", ROOT "/echo/programs", ROOT "/echo/slots",
	ROOT "/echo/dispatchers", ROOT "/echo/links" };
static const char *const pins[] = { ROOT "/echo/maps/echo_sockets",
	ROOT "/echo/programs/verdict@0000000000000000", ROOT "/echo/slots/" HOOK,
	ROOT "/echo/dispatchers/" HOOK, ROOT "/echo/links/" HOOK };

static int bpf(int command, union bpf_attr *attr)
{
	long result = syscall(SYS_bpf, command, attr, sizeof(*attr));

	if (result < 0) {
		perror("bare: bpf");
		exit(1);
	}
	return (int)result;
}

static int create_map(
	uint32_t type, const char *name, uint32_t key, uint32_t value, uint32_t entries)
{
	union bpf_attr attr = { .map_type = type, .key_size = key, .value_size = value };

	attr.max_entries = entries;
	strcpy(attr.map_name, name);
	return bpf(BPF_MAP_CREATE, &attr);
}

static int load(const char *name, const struct bpf_insn *instructions, uint32_t count)
{
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SK_SKB, .insn_cnt = count };

	attr.insns = (uintptr_t)instructions;
	attr.license = (uintptr_t) "GPL";
	strcpy(attr.prog_name, name);
	return bpf(BPF_PROG_LOAD, &attr);
}

static int load_verdict(int map)
{
	const struct bpf_insn verdict[] = {
		INSN(BPF_STX | BPF_MEM | BPF_DW, 10, 1, -448, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_socket_cookie),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 1, 10, -448, 0),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 10, 0, -512, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 3, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -512),
		INSN(BPF_LD | BPF_IMM | BPF_DW, 2, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_sk_redirect_hash),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, SK_PASS),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return load("verdict", verdict, sizeof(verdict) / sizeof(verdict[0]));
}

static int load_dispatcher(int slot)
{
	const struct bpf_insn dispatcher[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_W, 2, 1, 0, 0),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 4, 0),
		INSN(BPF_LD | BPF_IMM | BPF_DW, 2, BPF_PSEUDO_MAP_FD, 0, slot),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_tail_call),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, SK_PASS),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return load("sockform_disp", dispatcher, sizeof(dispatcher) / sizeof(dispatcher[0]));
}

static int load_pass(void)
{
	const struct bpf_insn pass[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, SK_PASS),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return load("sockform_pass", pass, 2);
}

static void pin(int fd, const char *path)
{
	union bpf_attr attr = { .pathname = (uintptr_t)path, .bpf_fd = (uint32_t)fd };

	bpf(BPF_OBJ_PIN, &attr);
}

static int open_pin(const char *path)
{
	union bpf_attr attr = { .pathname = (uintptr_t)path };

	return bpf(BPF_OBJ_GET, &attr);
}

static void write_slot(int slot, int program)
{
	uint32_t element = 0;
	union bpf_attr attr = { .map_fd = (uint32_t)slot };

	attr.key = (uintptr_t)&element;
	attr.value = (uintptr_t)&program;
	bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

static void apply(void)
{
	union bpf_attr attr = { 0 };
	int map = create_map(BPF_MAP_TYPE_SOCKHASH, "echo_sockets", 8, 8, 65536);
	int verdict = load_verdict(map);
	int slot = create_map(BPF_MAP_TYPE_PROG_ARRAY, "sockform_slot", 4, 4, 1);
	int dispatcher = load_dispatcher(slot);

	mkdir(ROOT "/echo", 0700);
	if (symlink("sockform-2", ROOT "/echo/layout") != 0)
		perror("bare: symlink");
	for (size_t i = 0; i < 5; i++)
		mkdir(folders[i], 0700);
	pin(map, pins[0]);
	pin(verdict, pins[1]);
	pin(slot, pins[2]);
	pin(dispatcher, pins[3]);
	write_slot(slot, verdict);
	attr.link_create.prog_fd = (uint32_t)dispatcher;
	attr.link_create.target_fd = (uint32_t)map;
	attr.link_create.attach_type = BPF_SK_SKB_STREAM_VERDICT;
	pin(bpf(BPF_LINK_CREATE, &attr), pins[4]);
}

static void remove_all(void)
{
	union bpf_attr attr = { 0 };
	int slot = open_pin(pins[2]), link = open_pin(pins[4]);

	write_slot(slot, load_pass());
	attr.link_detach.link_fd = (uint32_t)link;
	bpf(BPF_LINK_DETACH, &attr);
	for (size_t i = 5; i-- > 0;)
		unlink(pins[i]);
	for (size_t i = 5; i-- > 0;)
		rmdir(folders[i]);
	unlink(ROOT "/echo/layout");
	rmdir(ROOT "/echo");
}

int main(int argc, char **argv)
{
	int lock;

	mkdir(ROOT, 0700);
	lock = open(ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	flock(lock, LOCK_EX);
	if (argc == 2 && strcmp(argv[1], "apply") == 0)
		apply();
	else if (argc == 2 && strcmp(argv[1], "delete") == 0)
		remove_all();
	else
		return 2;
	return 0;
}
