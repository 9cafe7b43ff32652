/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The verifier's own spelling: programs are loaded by raw bpf() calls, and what the kernel writes
 * of their instructions into its log is given to sockform as assembly. The same bytes come back.
 */
#include <ctype.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"
#include "raw.h"

TestSuite(asm, .init = harness_init, .fini = harness_fini, .timeout = 60);

#define LOG_BYTES (4 << 20)
#define LOG_LEVEL_INSTRUCTIONS 2 /* BPF_LOG_LEVEL2: each one that is visited */
#define MAX_INSTRUCTIONS 512

/* Newer than the headers that Debian has. */
#define LOAD_SIGNED 0x80   /* a mode of BPF_LDX */
#define LOAD_ACQUIRE 0x100 /* an operation of BPF_ATOMIC */
#define MAY_GOTO 0xe0      /* an operation of BPF_JMP */

struct code {
	struct bpf_insn instructions[MAX_INSTRUCTIONS];
	size_t count;
};

/* What `sockform build` makes of a body: the last "bytes" is the whole program's. */
static void build(struct code *ret, const char *body)
{
	static const char key[] = "\"bytes\": \"";
	struct manifest manifest;
	struct result result;
	const char *hex = NULL;

	manifest_init(&manifest, "asm");
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\nprograms:\n  p:\n    type: sk_skb\n    body:\n      - "
		"|\n%s",
		manifest.name, body);
	sockform(&result, "build", "-o", "json", manifest.path);
	assert_code(&result, 0);
	for (const char *at = result.out; (at = strstr(at, key)); at += sizeof(key))
		hex = at + sizeof(key) - 1;
	cr_assert_not_null(hex);
	ret->count = strspn(hex, "0123456789abcdef") / 16;
	cr_assert_leq(ret->count, MAX_INSTRUCTIONS);
	for (size_t i = 0; i < ret->count * 8; i++)
		cr_assert_eq(
			sscanf(hex + i * 2, "%2hhx", (unsigned char *)ret->instructions + i), 1);
	result_finish(&result);
}

/* The descriptor or a negative errno; *log is malloc()ed. */
static int load(const struct code *code, enum bpf_prog_type type, char **log)
{
	union bpf_attr attr = {
		.prog_type = type,
		.insn_cnt = (uint32_t)code->count,
		.log_level = LOG_LEVEL_INSTRUCTIONS,
		.log_size = LOG_BYTES,
	};
	long fd;

	*log = calloc(1, LOG_BYTES);
	cr_assert_not_null(*log);
	attr.insns = (uintptr_t)code->instructions;
	attr.license = (uintptr_t) "GPL";
	attr.log_buf = (uintptr_t)*log;
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	return fd < 0 ? -errno : (int)fd;
}

/* `12: (b7) r1 = 5        ; R1_w=5` gives 12 and "r1 = 5"; -1 for what is no instruction. */
static int read_line(char *line, const char **text)
{
	unsigned int opcode;
	int number, used = 0;
	char *end;

	if (sscanf(line, "%d: (%2x) %n", &number, &opcode, &used) != 2 || !used)
		return -1;
	*text = line + used;
	end = line + used + strcspn(line + used, ";");
	while (end > *text && isspace(end[-1]))
		end--;
	*end = '\0';
	return number;
}

/* A body of what the log says of each instruction; malloc()ed. */
static char *body_of_log(const struct code *code, char *log)
{
	const char *texts[MAX_INSTRUCTIONS] = { NULL };
	char *body;
	size_t length;
	FILE *stream = open_memstream(&body, &length);

	for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n")) {
		const char *text;
		int number = read_line(line, &text);

		if (number >= 0 && (size_t)number < code->count)
			texts[number] = text;
	}
	for (size_t i = 0; i < code->count; i++) {
		/* The second half of a 64-bit load. */
		if (!code->instructions[i].code)
			continue;
		cr_assert_not_null(texts[i], "instruction %zu was not visited", i);
		fprintf(stream, "        %s\n", texts[i]);
	}
	fclose(stream);
	return body;
}

static void assert_log_is_assembly(const char *body, enum bpf_prog_type type)
{
	static struct code code, again;
	char *log, *spelled;
	int fd;

	build(&code, body);
	fd = load(&code, type, &log);
	cr_assert(fd >= 0, "%s\n%s", strerror(-fd), log);
	close(fd);
	spelled = body_of_log(&code, log);
	build(&again, spelled);
	cr_assert_eq(again.count, code.count, "%s", spelled);
	for (size_t i = 0; i < code.count; i++)
		cr_assert(memcmp(&code.instructions[i], &again.instructions[i],
				  sizeof(struct bpf_insn)) == 0,
			"instruction %zu, { 0x%02x, %u, %u, %d, %d }, of the log:\n%s", i,
			again.instructions[i].code, again.instructions[i].dst_reg,
			again.instructions[i].src_reg, again.instructions[i].off,
			again.instructions[i].imm, spelled);
	free(spelled);
	free(log);
}

/* Skips the test where the kernel does not know an instruction, of numbers and of fp-8. */
static void need_instruction(struct bpf_insn instruction, const char *words)
{
	struct code code = {
		.instructions = {
			MOV(BPF_REG_1, 7),
			INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_1, -8, 0),
			MOV(BPF_REG_0, 1),
			instruction,
			MOV(BPF_REG_0, 1),
			EXIT,
		},
		.count = 6,
	};
	char *log;
	int fd = load(&code, BPF_PROG_TYPE_SK_SKB, &log);

	free(log);
	if (fd < 0)
		cr_skip_test("skipped: this kernel has no %s: %s", words, strerror(-fd));
	close(fd);
}

Test(asm, the_log_of_arithmetic)
{
	static const char body[] =
		"        r1 = 77; r2 = 3; w3 = 9; w4 = w3; r5 = -1; w0 = -2\n"
		"        r1 += r2; r1 += 5; w1 += w2; w1 += -5\n"
		"        r1 -= r2; r1 -= 5; w1 -= w2; w1 -= 5\n"
		"        r1 *= r2; r1 *= 5; w1 *= w2; w1 *= 5\n"
		"        r1 /= r2; r1 /= 5; w1 /= w2; w1 /= 5\n"
		"        r1 %= r2; r1 %= 5; w1 %= w2; w1 %= 5\n"
		"        r1 |= r2; r1 |= 5; w1 |= w2; w1 |= 5\n"
		"        r1 &= r2; r1 &= 5; w1 &= w2; w1 &= 5\n"
		"        r1 ^= r2; r1 ^= 5; w1 ^= w2; w1 ^= 5\n"
		"        r1 <<= r2; r1 <<= 5; w1 <<= w2; w1 <<= 5\n"
		"        r1 >>= r2; r1 >>= 5; w1 >>= w2; w1 >>= 5\n"
		"        r1 s>>= r2; r1 s>>= 5; w1 s>>= w2; w1 s>>= 5\n"
		"        r1 = -r1; w1 = -w1\n"
		"        r1 = be16 r1; r1 = be32 r1; r1 = be64 r1\n"
		"        r1 = le16 r1; r1 = le32 r1; r1 = le64 r1\n"
		"        r3 = 0x123456789abcdef0 ll; r4 = -1 ll; r5 = 0x100000000 ll\n"
		"        call bpf_get_prandom_u32\n"
		"        r0 = 1\n"
		"        exit\n";

	assert_log_is_assembly(body, BPF_PROG_TYPE_SK_SKB);
}

/* Since Linux 6.6. */
Test(asm, the_log_of_signed_arithmetic)
{
	static const char body[] =
		"        r1 = 77; r2 = 3\n"
		"        r1 s/= r2; r1 s/= -5; w1 s/= w2; w1 s/= -5\n"
		"        r1 s%= r2; r1 s%= -5; w1 s%= w2; w1 s%= -5\n"
		"        r1 = bswap16 r1; r1 = bswap32 r1; r1 = bswap64 r1\n"
		"        r2 = (s8)r1; r2 = (s16)r1; r2 = (s32)r1; w2 = (s8)w1; w2 = (s16)w1\n"
		"        r0 = 1\n"
		"        exit\n";

	need_instruction(
		INSN(BPF_ALU64 | BPF_DIV | BPF_K, BPF_REG_1, 0, 1, 5), "division with a sign");
	assert_log_is_assembly(body, BPF_PROG_TYPE_SK_SKB);
}

Test(asm, the_log_of_memory)
{
	static const char body[] =
		"        r2 = 7\n"
		"        *(u64 *)(r10 - 8) = -1; *(u32 *)(r10 - 16) = 0xffffffff\n"
		"        *(u16 *)(r10 - 12) = 5; *(u8 *)(r10 - 10) = 255; *(u8 *)(r10 - 9) = 0\n"
		"        *(u64 *)(r10 - 24) = r2; *(u32 *)(r10 - 32) = r2; *(u32 *)(r10 - 28) = "
		"w2\n"
		"        *(u16 *)(r10 - 26) = r2; *(u8 *)(r10 - 25) = r2\n"
		"        r3 = *(u64 *)(r10 - 8); r3 = *(u32 *)(r10 - 8); r3 = *(u16 *)(r10 - 8)\n"
		"        r3 = *(u8 *)(r10 - 8); w3 = *(u32 *)(r10 - 8)\n"
		"        r4 = r10; r4 += -64; *(u64 *)(r4 + 8) = r2; r3 = *(u64 *)(r4 + 8)\n"
		"        r3 = *(u32 *)(r1 + 0)\n"
		"        r0 = 1\n"
		"        exit\n";

	assert_log_is_assembly(body, BPF_PROG_TYPE_SK_SKB);
}

/* Since Linux 6.6. */
Test(asm, the_log_of_signed_loads)
{
	static const char body[] =
		"        *(u64 *)(r10 - 8) = -1\n"
		"        r3 = *(s32 *)(r10 - 8); r3 = *(s16 *)(r10 - 8); r3 = *(s8 *)(r10 - 8)\n"
		"        r0 = 1\n"
		"        exit\n";

	need_instruction(INSN(BPF_LDX | LOAD_SIGNED | BPF_B, BPF_REG_3, BPF_REG_10, -8, 0),
		"loads with a sign");
	assert_log_is_assembly(body, BPF_PROG_TYPE_SK_SKB);
}

Test(asm, the_log_of_atomics)
{
	static const char body[] =
		"        r2 = 7; *(u64 *)(r10 - 8) = 0\n"
		"        lock *(u64 *)(r10 - 8) += r2; lock *(u64 *)(r10 - 8) |= r2\n"
		"        lock *(u64 *)(r10 - 8) &= r2; lock *(u64 *)(r10 - 8) ^= r2\n"
		"        lock *(u32 *)(r10 - 8) += w2; lock *(u32 *)(r10 - 4) |= w2\n"
		"        lock *(u32 *)(r10 - 8) &= w2; lock *(u32 *)(r10 - 4) ^= w2\n"
		"        r2 = atomic_fetch_add((u64 *)(r10 - 8), r2)\n"
		"        r2 = atomic_fetch_or((u64 *)(r10 - 8), r2)\n"
		"        r2 = atomic_fetch_and((u64 *)(r10 - 8), r2)\n"
		"        r2 = atomic_fetch_xor((u64 *)(r10 - 8), r2)\n"
		"        w2 = atomic_fetch_add((u32 *)(r10 - 8), w2)\n"
		"        w2 = atomic_fetch_or((u32 *)(r10 - 4), w2)\n"
		"        w2 = atomic_fetch_and((u32 *)(r10 - 8), w2)\n"
		"        w2 = atomic_fetch_xor((u32 *)(r10 - 4), w2)\n"
		"        r2 = xchg_64(r10 - 8, r2); w2 = xchg32_32(r10 - 4, w2)\n"
		"        r0 = 0; r0 = cmpxchg_64(r10 - 8, r0, r2)\n"
		"        w0 = cmpxchg32_32(r10 - 8, w0, w2)\n"
		"        r0 = 1\n"
		"        exit\n";

	assert_log_is_assembly(body, BPF_PROG_TYPE_SK_SKB);
}

/* Since Linux 6.15, where the processor's own loads and stores can do it. */
Test(asm, the_log_of_acquire_and_release)
{
	static const char body[] =
		"        r2 = 7; *(u64 *)(r10 - 8) = 0\n"
		"        r1 = load_acquire((u64 *)(r10 - 8)); w1 = load_acquire((u32 *)(r10 - 8))\n"
		"        r1 = load_acquire((u16 *)(r10 - 8)); r1 = load_acquire((u8 *)(r10 - 1))\n"
		"        store_release((u64 *)(r10 - 8), r2); store_release((u32 *)(r10 - 8), w2)\n"
		"        store_release((u16 *)(r10 - 8), r2); store_release((u8 *)(r10 - 1), r2)\n"
		"        r0 = 1\n"
		"        exit\n";

	need_instruction(
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_1, BPF_REG_10, -8, LOAD_ACQUIRE),
		"loads that acquire");
	assert_log_is_assembly(body, BPF_PROG_TYPE_SK_SKB);
}

/* With what is known of the registers each jump goes one way, and every instruction is visited. */
Test(asm, the_log_of_jumps)
{
	static const char body[] =
		"        r1 = 5; r2 = 5; w3 = 5; r4 = -1\n"
		"        if r1 == r2 goto +0; if r1 == 5 goto +0; if r4 == -1 goto +0\n"
		"        if r1 != r2 goto +0; if r1 != 2147483647 goto +0\n"
		"        if r1 > r2 goto +0; if r1 > -2147483648 goto +0\n"
		"        if r1 >= r2 goto +0; if r1 >= 5 goto +0\n"
		"        if r1 < r2 goto +0; if r1 < -5 goto +0\n"
		"        if r1 <= r2 goto +0; if r1 <= 5 goto +0\n"
		"        if r1 & r2 goto +0; if r1 & -5 goto +0\n"
		"        if r1 s> r2 goto +0; if r1 s> -5 goto +0\n"
		"        if r1 s>= r2 goto +0; if r1 s>= 5 goto +0\n"
		"        if r1 s< r2 goto +0; if r1 s< 5 goto +0\n"
		"        if r1 s<= r2 goto +0; if r1 s<= 5 goto +0\n"
		"        if w1 == w2 goto +0; if w1 == 0xffffffff goto +0\n"
		"        if w1 != w2 goto +0; if w1 != -5 goto +0\n"
		"        if w1 & w2 goto +0; if w1 & 0x80000000 goto +0\n"
		"        if w1 s> w2 goto +0; if w1 s<= -5 goto +0\n"
		"        goto +1\n"
		"        back: goto +3\n"
		"        r5 = 0x100000000 ll\n"
		"        goto back\n"
		"        r0 = 1\n"
		"        exit\n";

	assert_log_is_assembly(body, BPF_PROG_TYPE_SK_SKB);
}

/* Since Linux 6.6. */
Test(asm, the_log_of_long_jumps)
{
	static const char body[] = "        gotol +0\n"
				   "        gotol out\n"
				   "        out: r0 = 1\n"
				   "        exit\n";

	/* Older kernels take one whose distance is 0. */
	need_instruction(INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, 1), "long jumps");
	assert_log_is_assembly(body, BPF_PROG_TYPE_SK_SKB);
}

/* Since Linux 6.9; to the next instruction only since a later one, and both ways are visited. */
Test(asm, the_log_of_may_goto)
{
	static const char body[] = "        may_goto +1\n"
				   "        r1 = 5\n"
				   "        r0 = 1\n"
				   "        exit\n";

	need_instruction(INSN(BPF_JMP | MAY_GOTO, 0, 0, 1, 0), "may_goto");
	assert_log_is_assembly(body, BPF_PROG_TYPE_SK_SKB);
}

/* From the packet, with skb where the kernel expects it, in r6: no body can say this any more. */
static void load_from_packet(struct code *ret)
{
	*ret = (struct code){
		.instructions = {
			{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_6, .src_reg = BPF_REG_1 },
			{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_7, .imm = 4 },
			{ .code = BPF_LD | BPF_ABS | BPF_B, .imm = 4 },
			{ .code = BPF_LD | BPF_IND | BPF_H, .src_reg = BPF_REG_7, .imm = 6 },
			{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
			{ .code = BPF_JMP | BPF_EXIT },
		},
		.count = 6,
	};
}

/* What tests/unit/bpfasm/forms.c takes for their spelling. */
Test(asm, the_log_of_loads_from_the_packet)
{
	struct code code;
	char *log;
	int fd;

	load_from_packet(&code);
	fd = load(&code, BPF_PROG_TYPE_SOCKET_FILTER, &log);
	cr_assert(fd >= 0, "%s\n%s", strerror(-fd), log);
	close(fd);
	assert_says(log, "r0 = *(u8 *)skb[4]");
	assert_says(log, "r0 = *(u16 *)skb[r7 + 6]");
	free(log);
}

/* As lib/bpfasm/memory.c says. */
Test(asm, loads_from_the_packet_are_nothing_for_sk_skb)
{
	struct code code;
	char *log;
	int fd;

	load_from_packet(&code);
	fd = load(&code, BPF_PROG_TYPE_SK_SKB, &log);
	cr_assert_eq(fd, -EINVAL, "%d\n%s", fd, log);
	assert_says(log, "BPF_LD_[ABS|IND] instructions not allowed for this program type");
	free(log);
}
