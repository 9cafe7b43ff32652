/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What waits inside the sockets of a map. When a socket leaves its last map, the kernel throws away
 * what is queued in its struct sk_psock (sk_psock_drop in net/core/skmsg.c), and no call tells of it:
 * a program that iterates over the map looks, with the offsets that the kernel's BTF gives.
 *
 *	for each socket: psock = sk->sk_user_data without its flag bits
 *		skbs on their way into another socket, or to this one's reader	ingress_skb.qlen
 *		messages that this one's reader has not read			ingress_msg
 *		what a verdict holds back					cork
 *		what a parser has of a message that is not whole		strp.skb_head
 *
 * Behind a verdict all that a TCP socket receives goes through its queue, also what passes: where its
 * bytes_received grows, there is something in there again and again.
 */
#include "lib/kernel/kernel.h"

#include "lib/base/cleanup.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/membarrier.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#define INSTRUCTIONS_MOST 256
#define ABSENT (-1L)
#define POINTER_FLAGS 7 /* SK_USER_DATA_PTRMASK in include/net/sock.h */

/* Of the context, struct bpf_iter__sockmap: include/linux/bpf.h and net/core/sock_map.c. */
#define CONTEXT_META 0
#define CONTEXT_SOCKET 24

/* What the program writes for each socket. */
struct answer {
	uint64_t holding;  /* 1: something is in one of its queues */
	uint64_t received; /* bytes, of a TCP socket behind a verdict; else 0 */
};

/* The program's stack. */
#define STACK_ANSWER (-(int)sizeof(struct answer))
#define STACK_RECEIVED (STACK_ANSWER + 8)
#define STACK_VALUE (STACK_ANSWER - 8)

struct builder {
	struct bpf_insn code[INSTRUCTIONS_MOST];
	int count;
};

static void emit(struct builder *builder, uint8_t code, int dst, int src, int16_t off, int32_t imm)
{
	builder->code[builder->count++] = (struct bpf_insn){ .code = code,
		.dst_reg = (uint8_t)(dst & 15),
		.src_reg = (uint8_t)(src & 15),
		.off = off,
		.imm = imm };
}

#define MOVE(dst, src) emit(builder, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define SET(dst, imm) emit(builder, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define ADD(dst, imm) emit(builder, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm)
#define LOAD(dst, src, off) emit(builder, BPF_LDX | BPF_MEM | BPF_DW, dst, src, off, 0)
#define STORE(dst, off, src) emit(builder, BPF_STX | BPF_MEM | BPF_DW, dst, src, off, 0)
#define CALL(helper) emit(builder, BPF_JMP | BPF_CALL, 0, 0, 0, helper)

/* A jump whose end is not known yet: its place, for land. */
static int jump(struct builder *builder, uint8_t operation, int dst, int src, int32_t imm)
{
	emit(builder, (uint8_t)(BPF_JMP | operation), dst, src, 0, imm);
	return builder->count - 1;
}

static void land(struct builder *builder, int at)
{
	builder->code[at].off = (int16_t)(builder->count - at - 1);
}

/* STACK_VALUE = the `size` bytes at `base` + `offset`, which may be no memory at all: then 0. */
static void emit_read(struct builder *builder, int base, long offset, int size)
{
	SET(BPF_REG_1, 0);
	STORE(BPF_REG_10, STACK_VALUE, BPF_REG_1);
	MOVE(BPF_REG_1, BPF_REG_10);
	ADD(BPF_REG_1, STACK_VALUE);
	SET(BPF_REG_2, size);
	MOVE(BPF_REG_3, base);
	ADD(BPF_REG_3, (int32_t)offset);
	CALL(BPF_FUNC_probe_read_kernel);
	LOAD(BPF_REG_1, BPF_REG_10, STACK_VALUE);
}

/* The answer is 1 where the value is not what stands for an empty queue. */
static void emit_answer_unless(struct builder *builder, uint8_t source, int empty)
{
	emit(builder, (uint8_t)(BPF_JMP | BPF_JEQ | source), BPF_REG_1, empty, 1, 0);
	SET(BPF_REG_9, 1);
}

static void emit_answer(struct builder *builder)
{
	STORE(BPF_REG_10, STACK_ANSWER, BPF_REG_9);
	LOAD(BPF_REG_1, BPF_REG_6, CONTEXT_META);
	LOAD(BPF_REG_1, BPF_REG_1, 0); /* meta->seq */
	MOVE(BPF_REG_2, BPF_REG_10);
	ADD(BPF_REG_2, STACK_ANSWER);
	SET(BPF_REG_3, sizeof(struct answer));
	CALL(BPF_FUNC_seq_write);
	SET(BPF_REG_0, 0);
	emit(builder, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* Where things are in the running kernel; ABSENT: it has no such field. */
struct offsets {
	long user_data, protocol; /* of struct sock */
	long received;            /* of struct tcp_sock, which begins with that */
	long socket;              /* of struct sk_psock from here on */
	long skbs, messages;      /* without these two nothing can be said */
	long cork, parsed, taken; /* pointers */
	long woken;               /* likewise; set while a verdict or a parser runs */
};

/* r7: socket, r8: its psock. */
static void emit_received(struct builder *builder, const struct offsets *at)
{
	int no_verdict, no_tcp;

	if (at->woken == ABSENT || at->protocol == ABSENT || at->received == ABSENT)
		return;
	emit_read(builder, BPF_REG_8, at->woken, 8);
	no_verdict = jump(builder, BPF_JEQ | BPF_K, BPF_REG_1, 0, 0);
	emit_read(builder, BPF_REG_7, at->protocol, 2);
	no_tcp = jump(builder, BPF_JNE | BPF_K, BPF_REG_1, 0, IPPROTO_TCP);
	emit_read(builder, BPF_REG_7, at->received, 8);
	STORE(BPF_REG_10, STACK_RECEIVED, BPF_REG_1);
	land(builder, no_verdict);
	land(builder, no_tcp);
}

/* r6: context, r7: socket, r8: its psock, r9: the answer. An index without a socket has no answer. */
static void build(struct builder *builder, const struct offsets *at)
{
	const long pointers[] = { at->cork, at->parsed, at->taken };
	int no_psock;

	MOVE(BPF_REG_6, BPF_REG_1);
	LOAD(BPF_REG_7, BPF_REG_6, CONTEXT_SOCKET);
	emit(builder, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_7, 0, 2, 0);
	SET(BPF_REG_0, 0);
	emit(builder, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	SET(BPF_REG_9, 0);
	STORE(BPF_REG_10, STACK_RECEIVED, BPF_REG_9);
	emit_read(builder, BPF_REG_7, at->user_data, 8);
	MOVE(BPF_REG_8, BPF_REG_1);
	emit(builder, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_8, 0, 0, ~POINTER_FLAGS);
	/* Older kernels have no flag that tells a psock from what others keep there: it knows its socket. */
	emit_read(builder, BPF_REG_8, at->socket, 8);
	no_psock = jump(builder, BPF_JNE | BPF_X, BPF_REG_1, BPF_REG_7, 0);
	emit_received(builder, at);
	emit_read(builder, BPF_REG_8, at->skbs, 4);
	emit_answer_unless(builder, BPF_K, 0);
	emit_read(builder, BPF_REG_8, at->messages, 8);
	MOVE(BPF_REG_2, BPF_REG_8);
	ADD(BPF_REG_2, (int32_t)at->messages); /* an empty list leads to itself */
	emit(builder, BPF_JMP | BPF_JEQ | BPF_X, BPF_REG_1, BPF_REG_2, 1, 0);
	SET(BPF_REG_9, 1);
	for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
		if (pointers[i] == ABSENT)
			continue;
		emit_read(builder, BPF_REG_8, pointers[i], 8);
		emit_answer_unless(builder, BPF_K, 0);
	}
	land(builder, no_psock);
	emit_answer(builder);
}

static const struct btf_type *skip_modifiers(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (type && (btf_is_mod(type) || btf_is_typedef(type)))
		type = btf__type_by_id(btf, type->type);
	return type;
}

/* The bytes from the type's begin to its member, and the member's type; also inside anonymous ones. */
static long find_member(const struct btf *btf, const struct btf_type *type, const char *name,
	const struct btf_type **ret)
{
	const struct btf_member *members = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++) {
		const struct btf_type *inner = skip_modifiers(btf, members[i].type);
		const char *called = btf__name_by_offset(btf, members[i].name_off);
		long offset = btf_member_bit_offset(type, (uint32_t)i) / 8, behind = ABSENT;

		if (strcmp(called, name) == 0) {
			*ret = inner;
			return offset;
		}
		if (!*called && inner && btf_is_composite(inner))
			behind = find_member(btf, inner, name, ret);
		if (behind != ABSENT)
			return offset + behind;
	}
	return ABSENT;
}

/* "ingress_skb.qlen" of struct sk_psock */
static long find_offset(const struct btf *btf, const char *structure, const char *path)
{
	int id = btf__find_by_name_kind(btf, structure, BTF_KIND_STRUCT);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
	long offset = 0;

	while (*path) {
		size_t length = strcspn(path, ".");
		char name[32] = "";
		long member;

		if (!type || !btf_is_composite(type) || length >= sizeof(name))
			return ABSENT;
		memcpy(name, path, length);
		member = find_member(btf, type, name, &type);
		if (member == ABSENT)
			return ABSENT;
		offset += member;
		path += length + (path[length] == '.');
	}
	return offset;
}

/* False where the kernel is built in a way that this does not know. */
static bool find_offsets(const struct btf *btf, struct offsets *ret)
{
	*ret = (struct offsets){
		.user_data = find_offset(btf, "sock", "sk_user_data"),
		.protocol = find_offset(btf, "sock", "sk_protocol"),
		.received = find_offset(btf, "tcp_sock", "bytes_received"),
		.woken = find_offset(btf, "sk_psock", "saved_data_ready"),
		.socket = find_offset(btf, "sk_psock", "sk"),
		.skbs = find_offset(btf, "sk_psock", "ingress_skb.qlen"),
		.messages = find_offset(btf, "sk_psock", "ingress_msg"),
		.cork = find_offset(btf, "sk_psock", "cork"),
		.parsed = find_offset(btf, "sk_psock", "strp.skb_head"),
		/* Before 5.18 or so: an skb that was taken off the queue and could not be sent whole. */
		.taken = find_offset(btf, "sk_psock", "work_state.skb"),
	};
	return ret->user_data != ABSENT && ret->socket != ABSENT && ret->skbs != ABSENT &&
	       ret->messages != ABSENT;
}

static int load(const struct btf *btf)
{
	int target = btf__find_by_name_kind(btf, "bpf_iter_sockmap", BTF_KIND_FUNC);
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_ITER);
	struct builder builder = { 0 };
	struct offsets offsets;
	int fd;

	if (target <= 0 || !find_offsets(btf, &offsets))
		return -EOPNOTSUPP;
	options.attach_btf_id = (uint32_t)target;
	build(&builder, &offsets);
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "sockform_queues", "Dual BSD/GPL", builder.code,
		(size_t)builder.count, &options);
	return fd >= 0 ? fd : -errno;
}

int kernel_open_queues(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int fd;

	/* libbpf 1.1 says ESRCH of whatever goes wrong: so the usual place is asked for the reason. */
	if (!btf)
		btf = btf__parse(KERNEL_BTF, NULL);
	if (!btf)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	fd = load(btf);
	btf__free(btf);
	return fd;
}

static int open_iterator(int program, int map)
{
	union bpf_iter_link_info which = { .map.map_fd = (uint32_t)map };
	LIBBPF_OPTS(
		bpf_link_create_opts, options, .iter_info = &which, .iter_info_len = sizeof(which));
	cleanup_fd int link = bpf_link_create(program, 0, BPF_TRACE_ITER, &options);
	int iterator = link >= 0 ? bpf_iter_create(link) : -1;

	return iterator >= 0 ? iterator : -errno;
}

/* A map of many empty indexes answers EAGAIN now and then (bpf_seq_read), and goes on. */
#define AGAIN_MOST 4096

static ssize_t read_on(int iterator, void *answers, size_t size)
{
	for (int i = 0; i < AGAIN_MOST; i++) {
		ssize_t got = read(iterator, answers, size);

		if (got >= 0 || errno != EAGAIN)
			return got >= 0 ? got : -errno;
	}
	return -EAGAIN;
}

static void add_answers(struct kernel_queues *queues, const struct answer *answers, size_t count)
{
	queues->sockets += count;
	for (size_t i = 0; i < count; i++) {
		queues->holding += answers[i].holding;
		queues->received += answers[i].received;
	}
}

int kernel_read_queues(int program, int map, uint32_t most, struct kernel_queues *ret)
{
	cleanup_fd int iterator = open_iterator(program, map);
	struct answer answers[2048]; /* as much as the kernel gives at once */
	ssize_t got;

	*ret = (struct kernel_queues){ 0 };
	if (iterator < 0)
		return iterator;
	while ((got = read_on(iterator, answers, sizeof(answers))) > 0) {
		add_answers(ret, answers, (size_t)got / sizeof(answers[0]));
		/*
		 * A hash begins the bucket that did not fit again: sockets there are told of twice, and of
		 * one that never fits for ever.
		 */
		if (ret->sockets > (uint64_t)most * 2 + sizeof(answers) / sizeof(answers[0]))
			return -EOVERFLOW;
	}
	if (ret->sockets > most)
		ret->sockets = most;
	return (int)got;
}

/* Where the kernel cannot be asked to wait (nohz_full), a while that is longer than any program runs. */
void kernel_wait_for_programs(void)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
		nanosleep(&pause, NULL);
}
