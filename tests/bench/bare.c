/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The floor: `bare apply|noop|status|delete [TRIOS [ENTRIES]]` makes the bpf() and file-system calls
 * that sockform makes for so many trios of a map, a program and an attachment, in the same order and
 * with everything known beforehand: no YAML, no libbpf, no plan, no errors explained. One trio is what
 * manifests/echo.yaml declares. What sockform takes longer is sockform's own cost.
 *
 * An apply that has nothing to do is measured against `noop`, which opens each pin, reads its info and
 * closes it. It reads no records and no slots: there sockform makes more calls.
 *
 * Pins are opened from their folder, as the kernel has it since 6.5, wherever sockform does so.
 */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROOT "/sys/fs/bpf/sockform-bare"
#define GATE ROOT "/+lock"
#define DEPLOYMENT ROOT "/bench"
#define RECORDS DEPLOYMENT "/records"
#define HOOK "sockets_%u:stream_verdict"
#define PATH_FD (1u << 14) /* BPF_F_PATH_FD, which older headers lack */
#define PATH_BYTES 128
#define LINES 2       /* that each verdict has in a manifest */
#define NAME_BYTES 20 /* "verdict_", the digits of 32 bits and the end */

#define INSN(c, d, s, o, i)                                                                        \
	{                                                                                          \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)                \
	}

/* In the order of the folders: what a trio has a pin of. */
enum part { MAP, PROGRAM, SLOT, DISPATCHER, LINK, PARTS };

static const char *const folders[PARTS] = { DEPLOYMENT "/maps", DEPLOYMENT "/programs",
	DEPLOYMENT "/slots", DEPLOYMENT "/dispatchers", DEPLOYMENT "/links" };
static const char *const pins[PARTS] = { "sockets_%u", "verdict_%u@0000000000000000", HOOK, HOOK,
	HOOK };

struct trio {
	int fd[PARTS];
};

struct bare {
	struct trio *trios;
	uint32_t count, entries;
	int btf;
	struct bpf_line_info
		lines[LINES]; /* the same for all: the kernel reads only their strings */
};

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
	memcpy(attr.map_name, name, strnlen(name, sizeof(attr.map_name) - 1));
	return bpf(BPF_MAP_CREATE, &attr);
}

static const char *numbered(char name[NAME_BYTES], const char *word, uint32_t number)
{
	snprintf(name, NAME_BYTES, "%s_%u", word, number);
	return name;
}

/* A program with what its BTF says of it; `function` 0: without. */
static int load(const struct bare *bare, const char *name, const struct bpf_insn *instructions,
	uint32_t count, uint32_t function)
{
	const struct bpf_func_info info = { .type_id = function };
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SK_SKB, .insn_cnt = count };

	attr.insns = (uintptr_t)instructions;
	attr.license = (uintptr_t) "GPL";
	memcpy(attr.prog_name, name, strnlen(name, sizeof(attr.prog_name) - 1));
	if (function) {
		attr.prog_btf_fd = (uint32_t)bare->btf;
		attr.func_info = (uintptr_t)&info;
		attr.func_info_cnt = 1;
		attr.func_info_rec_size = sizeof(info);
		attr.line_info = (uintptr_t)bare->lines;
		attr.line_info_cnt = LINES;
		attr.line_info_rec_size = sizeof(bare->lines[0]);
	}
	return bpf(BPF_PROG_LOAD, &attr);
}

/* int (void *ctx), and with the next id after these a function for each program. */
#define FIRST_FUNCTION 4

static const uint32_t prototype[] = {
	1, BTF_KIND_INT << 24, 4, BTF_INT_SIGNED << 24 | 32, /* 1: int */
	0, BTF_KIND_PTR << 24, 0,                            /* 2: void * */
	0, BTF_KIND_FUNC_PROTO << 24 | 1, 1, 5, 2,           /* 3 */
};
static const char strings[] = "\0int\0ctx\0bench.yaml\0- sk_redirect_hash\0- exit";

static void load_btf(struct bare *bare)
{
	size_t types = sizeof(prototype) + bare->count * 3 * sizeof(uint32_t);
	struct btf_header header = { .magic = BTF_MAGIC, .version = BTF_VERSION };
	char *blob = calloc(
		1, sizeof(header) + types + sizeof(strings) + bare->count * (size_t)NAME_BYTES);
	uint32_t *type = (uint32_t *)(blob + sizeof(header)) + sizeof(prototype) / sizeof(uint32_t);
	char *names = blob + sizeof(header) + types, *name = names + sizeof(strings);
	union bpf_attr attr = { .btf = (uintptr_t)blob };

	memcpy(blob + sizeof(header), prototype, sizeof(prototype));
	memcpy(names, strings, sizeof(strings));
	for (uint32_t i = 0; i < bare->count; i++, type += 3) {
		type[0] = (uint32_t)(name - names);
		type[1] = BTF_KIND_FUNC << 24 | BTF_FUNC_STATIC;
		type[2] = FIRST_FUNCTION - 1;
		name += strlen(numbered(name, "verdict", i)) + 1;
	}
	header.hdr_len = sizeof(header);
	header.type_len = header.str_off = (uint32_t)types;
	header.str_len = (uint32_t)(name - names);
	memcpy(blob, &header, sizeof(header));
	attr.btf_size = (uint32_t)(name - blob);
	bare->btf = bpf(BPF_BTF_LOAD, &attr);
	free(blob);
	bare->lines[0] = (struct bpf_line_info){ 0, 9, 20, 9 << 10 | 9 };
	bare->lines[1] = (struct bpf_line_info){ 11, 9, 39, 10 << 10 | 9 };
}

static int load_verdict(const struct bare *bare, uint32_t at)
{
	int map = bare->trios[at].fd[MAP];
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
	char name[NAME_BYTES];

	return load(bare, numbered(name, "verdict", at), verdict,
		sizeof(verdict) / sizeof(verdict[0]), FIRST_FUNCTION + at);
}

static int load_dispatcher(const struct bare *bare, int slot)
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

	return load(
		bare, "sockform_disp", dispatcher, sizeof(dispatcher) / sizeof(dispatcher[0]), 0);
}

static int load_pass(const struct bare *bare)
{
	const struct bpf_insn pass[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, SK_PASS),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return load(bare, "sockform_pass", pass, 2, 0);
}

static const char *path_in(char path[PATH_BYTES], const char *folder, enum part part, uint32_t trio)
{
	int length = snprintf(path, PATH_BYTES, "%s/", folder);

	snprintf(path + length, (size_t)(PATH_BYTES - length), pins[part], trio);
	return path;
}

static const char *path_of(char path[PATH_BYTES], enum part part, uint32_t trio)
{
	return path_in(path, folders[part], part, trio);
}

static void pin(const struct bare *bare, enum part part, uint32_t at)
{
	char path[PATH_BYTES];
	union bpf_attr attr = { .pathname = (uintptr_t)path_of(path, part, at) };

	attr.bpf_fd = (uint32_t)bare->trios[at].fd[part];
	bpf(BPF_OBJ_PIN, &attr);
}

/* By its name alone; older headers lack the end of the request. */
static int open_pin_in(int folder, enum part part, uint32_t at)
{
	char name[PATH_BYTES];
	const struct {
		uint64_t path;
		uint32_t fd, flags;
		int32_t folder;
		uint32_t padding;
	} request = {
		.path = (uintptr_t)name,
		.flags = PATH_FD | (part == LINK ? 0 : BPF_F_RDONLY),
		.folder = folder,
	};
	union bpf_attr attr = { 0 };

	snprintf(name, sizeof(name), pins[part], at);
	memcpy(&attr, &request, sizeof(request));
	return bpf(BPF_OBJ_GET, &attr);
}

static int open_pin(enum part part, uint32_t at)
{
	char path[PATH_BYTES];
	union bpf_attr attr = { .pathname = (uintptr_t)path_of(path, part, at) };

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

static void create(struct bare *bare)
{
	char name[NAME_BYTES];

	for (uint32_t i = 0; i < bare->count; i++)
		bare->trios[i].fd[MAP] = create_map(
			BPF_MAP_TYPE_SOCKHASH, numbered(name, "sockets", i), 8, 8, bare->entries);
	load_btf(bare);
	for (uint32_t i = 0; i < bare->count; i++)
		bare->trios[i].fd[PROGRAM] = load_verdict(bare, i);
	close(bare->btf);
	for (uint32_t i = 0; i < bare->count; i++) {
		int slot = create_map(BPF_MAP_TYPE_PROG_ARRAY, "sockform_slot", 4, 4, 1);

		bare->trios[i].fd[SLOT] = slot;
		bare->trios[i].fd[DISPATCHER] = load_dispatcher(bare, slot);
	}
}

/* Its id stands second, as that of any object does. */
static uint32_t read_info(int fd)
{
	uint32_t info[64] = { 0 };
	union bpf_attr attr = { 0 };

	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)info;
	bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
	return info[1];
}

static void write_text(const char *text, const char *path)
{
	if (symlink(text, path) != 0)
		perror("bare: symlink");
}

static void record(const struct bare *bare, enum part part, uint32_t at)
{
	uint32_t id = read_info(bare->trios[at].fd[part]);
	uint32_t dispatcher = part == SLOT ? read_info(bare->trios[at].fd[DISPATCHER]) : 0;
	char text[64], path[PATH_BYTES];

	snprintf(text, sizeof(text), "%u %u 0 %s", id, dispatcher, part == MAP ? "[cookie]" : "-");
	write_text(text, path_in(path, RECORDS, part, at));
}

static void pin_all(const struct bare *bare)
{
	mkdir(DEPLOYMENT, 0700);
	write_text("sockform-2", DEPLOYMENT "/layout");
	write_text("/tmp/bench.yaml", DEPLOYMENT "/source");
	mkdir(RECORDS, 0700);
	for (enum part part = 0; part < PARTS; part++)
		mkdir(folders[part], 0700);
	for (enum part part = 0; part < SLOT; part++)
		for (uint32_t i = 0; i < bare->count; i++) {
			record(bare, part, i);
			pin(bare, part, i);
		}
	for (uint32_t i = 0; i < bare->count; i++) {
		record(bare, SLOT, i);
		pin(bare, SLOT, i);
		pin(bare, DISPATCHER, i);
	}
}

static void attach(struct trio *trio)
{
	union bpf_attr query = { 0 }, attr = { 0 };
	uint32_t programs[64];

	query.query.target_fd = (uint32_t)trio->fd[MAP];
	query.query.attach_type = BPF_SK_SKB_STREAM_VERDICT;
	query.query.prog_ids = (uintptr_t)programs;
	query.query.prog_cnt = 64;
	bpf(BPF_PROG_QUERY, &query);
	attr.link_create.prog_fd = (uint32_t)trio->fd[DISPATCHER];
	attr.link_create.target_fd = (uint32_t)trio->fd[MAP];
	attr.link_create.attach_type = BPF_SK_SKB_STREAM_VERDICT;
	trio->fd[LINK] = bpf(BPF_LINK_CREATE, &attr);
}

static void close_all(const struct bare *bare)
{
	for (uint32_t i = 0; i < bare->count; i++)
		for (enum part part = 0; part < PARTS; part++)
			close(bare->trios[i].fd[part]);
}

static void apply(struct bare *bare)
{
	create(bare);
	pin_all(bare);
	for (uint32_t i = 0; i < bare->count; i++)
		write_slot(bare->trios[i].fd[SLOT], bare->trios[i].fd[PROGRAM]);
	for (uint32_t i = 0; i < bare->count; i++) {
		attach(&bare->trios[i]);
		pin(bare, LINK, i);
	}
	close_all(bare);
}

static void read_slot(int slot)
{
	uint32_t element = 0, program;
	union bpf_attr attr = { .map_fd = (uint32_t)slot };

	attr.key = (uintptr_t)&element;
	attr.value = (uintptr_t)&program;
	bpf(BPF_MAP_LOOKUP_ELEM, &attr);
}

/* A map without entries answers ENOENT. */
static void find_entry(int map)
{
	uint64_t key;
	union bpf_attr attr = { .map_fd = (uint32_t)map };

	attr.next_key = (uintptr_t)&key;
	syscall(SYS_bpf, BPF_MAP_GET_NEXT_KEY, &attr, sizeof(attr));
}

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void read_records(const struct bare *bare)
{
	char name[PATH_BYTES], text[PATH_BYTES];
	int folder = open_folder(RECORDS);

	for (enum part part = 0; part <= SLOT; part++)
		for (uint32_t i = 0; i < bare->count; i++) {
			snprintf(name, sizeof(name), pins[part], i);
			if (readlinkat(folder, name, text, sizeof(text)) < 0)
				perror("bare: readlinkat");
		}
	close(folder);
}

/* What is there: opening each pin and reading its info, and what runs and what is in it, too. */
static void observe(const struct bare *bare, bool slots, bool entries)
{
	for (enum part part = 0; part < PARTS; part++) {
		int folder = open_folder(folders[part]);

		for (uint32_t i = 0; i < bare->count; i++) {
			int fd = open_pin_in(folder, part, i);

			read_info(fd);
			if (slots && part == SLOT)
				read_slot(fd);
			if (entries && part == MAP)
				find_entry(fd);
			close(fd);
		}
		close(folder);
	}
}

static void noop(struct bare *bare)
{
	observe(bare, false, false);
}

static void status(struct bare *bare)
{
	read_records(bare);
	observe(bare, true, true);
}

static void detach(const struct bare *bare)
{
	int pass = load_pass(bare);

	for (uint32_t i = 0; i < bare->count; i++) {
		bare->trios[i].fd[LINK] = open_pin(LINK, i);
		bare->trios[i].fd[SLOT] = open_pin(SLOT, i);
	}
	for (uint32_t i = 0; i < bare->count; i++) {
		union bpf_attr attr = { 0 };

		write_slot(bare->trios[i].fd[SLOT], pass);
		attr.link_detach.link_fd = (uint32_t)bare->trios[i].fd[LINK];
		bpf(BPF_LINK_DETACH, &attr);
	}
	for (uint32_t i = 0; i < bare->count; i++) {
		int map = open_pin(MAP, i);

		find_entry(map);
		close(map);
	}
}

/* What is not open already is opened to have a way back. */
static void unpin(const struct bare *bare, enum part part, uint32_t at)
{
	char path[PATH_BYTES];

	if (part != LINK && part != SLOT)
		bare->trios[at].fd[part] = open_pin(part, at);
	unlink(path_of(path, part, at));
}

static void unrecord(enum part part, uint32_t at)
{
	char path[PATH_BYTES];

	unlink(path_in(path, RECORDS, part, at));
}

static void unpin_all(const struct bare *bare)
{
	for (uint32_t i = 0; i < bare->count; i++)
		unpin(bare, LINK, i);
	for (enum part part = SLOT; part-- > 0;)
		for (uint32_t i = 0; i < bare->count; i++) {
			unpin(bare, part, i);
			unrecord(part, i);
		}
	for (uint32_t i = 0; i < bare->count; i++) {
		unpin(bare, DISPATCHER, i);
		unpin(bare, SLOT, i);
		unrecord(SLOT, i);
	}
}

static void remove_all(struct bare *bare)
{
	read_records(bare);
	observe(bare, true, false);
	detach(bare);
	unpin_all(bare);
	for (enum part part = PARTS; part-- > 0;)
		rmdir(folders[part]);
	rmdir(RECORDS);
	unlink(DEPLOYMENT "/source");
	unlink(DEPLOYMENT "/layout");
	rmdir(DEPLOYMENT);
	close_all(bare);
}

/* The root's lock, and the gate in front of it. */
static void take_lock(void)
{
	int lock, gate;

	mkdir(ROOT, 0700);
	mkdir(GATE, 0700);
	lock = open_folder(ROOT);
	gate = open_folder(GATE);
	flock(gate, LOCK_EX);
	flock(lock, LOCK_EX);
	close(gate);
}

/* A trio takes five descriptors. */
static void raise_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct bare *bare);
	} verbs[] = { { "apply", apply }, { "noop", noop }, { "status", status },
		{ "delete", remove_all } };
	struct bare bare = {
		.count = argc > 2 ? (uint32_t)atoi(argv[2]) : 1,
		.entries = argc > 3 ? (uint32_t)atoi(argv[3]) : 65536,
	};

	bare.trios = calloc(bare.count, sizeof(*bare.trios));
	raise_limit();
	take_lock();
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0) {
			verbs[i].run(&bare);
			return 0;
		}
	return 2;
}
