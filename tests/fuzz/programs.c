/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/fuzz/programs.h"

#include "lib/bpfasm/instruction.h"

#include <string.h>

#define MOST 120
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct map_kind kinds[ORACLE_MAPS] = {
	[ORACLE_SOCKMAP] = { "sockmap", BPF_MAP_TYPE_SOCKMAP, .holds_sockets = true },
	[ORACLE_SOCKHASH] = { "sockhash", BPF_MAP_TYPE_SOCKHASH, .holds_sockets = true },
	[ORACLE_ARRAY] = { "array", BPF_MAP_TYPE_ARRAY },
	[ORACLE_HASH] = { "hash", BPF_MAP_TYPE_HASH },
	[ORACLE_PERCPU] = { "percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY },
	[ORACLE_LRU] = { "lru_hash", BPF_MAP_TYPE_LRU_HASH },
	[ORACLE_PROGRAMS] = { "prog_array", BPF_MAP_TYPE_PROG_ARRAY },
	[ORACLE_RING] = { "ringbuf", BPF_MAP_TYPE_RINGBUF },
};

#define MAP(at, key, value)                                                                        \
	[at] = { .name = #at, .kind = &kinds[at], .key_size = (key), .value_size = (value) }

const struct bpfasm_map oracle_maps[ORACLE_MAPS] = {
	MAP(ORACLE_SOCKMAP, 4, 8),
	MAP(ORACLE_SOCKHASH, 8, 8),
	MAP(ORACLE_ARRAY, 4, 8),
	MAP(ORACLE_HASH, 8, 8),
	MAP(ORACLE_PERCPU, 4, 8),
	MAP(ORACLE_LRU, 16, 8),
	MAP(ORACLE_PROGRAMS, 4, 4),
	MAP(ORACLE_RING, 0, 0),
};

struct maker {
	struct arena *arena;
	struct bpfasm_code *code;
	uint64_t random;
	uint32_t written;      /* bit per register that probably holds something */
	uint32_t numbers;      /* likewise, a number */
	uint32_t starts[MOST]; /* of idioms: where jumps go */
	uint32_t start_count;
	uint32_t jumps[MOST]; /* whose target is chosen at the end */
	uint32_t jump_count;
	int context; /* the register that has it */
};

/* xorshift64* */
static uint32_t next(struct maker *maker, uint32_t below)
{
	maker->random ^= maker->random >> 12;
	maker->random ^= maker->random << 25;
	maker->random ^= maker->random >> 27;
	return (uint32_t)((maker->random * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % below;
}

static bool chance(struct maker *maker, uint32_t percent)
{
	return next(maker, 100) < percent;
}

static void emit(struct maker *maker, struct bpf_insn insn)
{
	*vec_add(maker->arena, &maker->code->instructions) = insn;
	vec_add(maker->arena, &maker->code->origins);
}

static void emit_map(struct maker *maker, int dst, uint32_t map)
{
	*vec_add(maker->arena, &maker->code->relocations) =
		(struct bpfasm_relocation){ (uint32_t)maker->code->instructions.count, map };
	emit(maker, insn_make(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_FD, 0, 0));
	emit(maker, insn_make(0, 0, 0, 0, 0));
}

/* A register out of a set; now and then any. */
static int pick(struct maker *maker, uint32_t set)
{
	int reg = (int)next(maker, 10);

	if (!set || chance(maker, 3))
		return reg;
	while (!(set >> reg & 1))
		reg = (reg + 1) % 10;
	return reg;
}

static void holds_number(struct maker *maker, int reg)
{
	maker->written |= 1u << reg;
	maker->numbers |= 1u << reg;
}

static void holds_pointer(struct maker *maker, int reg)
{
	maker->written |= 1u << reg;
	maker->numbers &= ~(1u << reg);
}

/* A register to write; rarely the context's, so that most programs keep it. */
static int target(struct maker *maker)
{
	int reg = (int)next(maker, 10);

	return reg == maker->context && chance(maker, 90) ? (reg + 1) % 10 : reg;
}

static int32_t some_number(struct maker *maker)
{
	static const int32_t numbers[] = { 0, 0, 1, 1, 2, 3, 4, 7, 8, 15, 16, 24, 31, 32, 63, 64,
		80, 255, 256, 443, 0xffff, 0x7fffffff, -1, -2, -8, -16, INT32_MIN };

	return chance(maker, 85) ? numbers[next(maker, COUNT(numbers))]
				 : (int32_t)(next(maker, 0x7fffffff) * 2u);
}

static uint8_t class_of(struct maker *maker)
{
	return chance(maker, 70) ? BPF_ALU64 : BPF_ALU;
}

/* All 64 bits: sums of such numbers leave every range. */
static void make_wide_move(struct maker *maker)
{
	int dst = target(maker);

	emit(maker, insn_make(BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, some_number(maker)));
	emit(maker, insn_make(0, 0, 0, 0, some_number(maker)));
	holds_number(maker, dst);
}

static void make_move(struct maker *maker)
{
	int dst = target(maker), src = pick(maker, maker->written);
	bool number = maker->numbers >> src & 1;

	if (chance(maker, 50)) {
		emit(maker, insn_make(class_of(maker) | BPF_MOV | BPF_K, dst, 0, 0,
				    some_number(maker)));
		holds_number(maker, dst);
	} else if (chance(maker, 10)) {
		static const int16_t bits[] = { 8, 16, 32 };

		emit(maker,
			insn_make(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, bits[next(maker, 3)], 0));
		holds_number(maker, dst);
	} else {
		emit(maker, insn_make((number ? class_of(maker) : BPF_ALU64) | BPF_MOV | BPF_X, dst,
				    src, 0, 0));
		(number ? holds_number : holds_pointer)(maker, dst);
	}
}

static void make_arithmetic(struct maker *maker)
{
	static const uint8_t operations[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND,
		BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR, BPF_ARSH, BPF_ADD, BPF_AND };
	uint8_t operation = operations[next(maker, COUNT(operations))];
	int dst = pick(maker, maker->numbers), src = pick(maker, maker->numbers);
	bool shift = operation == BPF_LSH || operation == BPF_RSH || operation == BPF_ARSH;
	int32_t number = shift && chance(maker, 90) ? (int32_t)next(maker, 32) : some_number(maker);
	int16_t offset = (operation == BPF_DIV || operation == BPF_MOD) && chance(maker, 20);

	if (chance(maker, 60))
		emit(maker, insn_make(class_of(maker) | operation | BPF_K, dst, 0, offset, number));
	else
		emit(maker, insn_make(class_of(maker) | operation | BPF_X, dst, src, offset, 0));
}

static void make_inversion(struct maker *maker)
{
	static const int32_t bits[] = { 16, 32, 64 };
	int dst = pick(maker, maker->numbers);
	uint32_t form = next(maker, 4);

	if (form == 0)
		emit(maker, insn_make(class_of(maker) | BPF_NEG, dst, 0, 0, 0));
	else if (form == 1)
		emit(maker, insn_make(BPF_ALU64 | BPF_END, dst, 0, 0, bits[next(maker, 3)]));
	else
		emit(maker, insn_make(BPF_ALU | BPF_END | (form == 2 ? BPF_TO_BE : BPF_TO_LE), dst,
				    0, 0, bits[next(maker, 3)]));
}

/* Fields that hold numbers, and their sizes. */
static void make_context_load(struct maker *maker)
{
	static const int16_t skb[] = { 0, 4, 16, 88, 92, 96, 132, 136 };
	static const int16_t msg[] = { 16, 20, 24, 60, 64, 68 };
	static const int16_t ops[] = { 0, 20, 24, 28, 64, 68, 72, 76 };
	enum bpf_prog_type type = maker->code->kind->type;
	int dst = target(maker);
	int16_t offset = type == BPF_PROG_TYPE_SK_SKB   ? skb[next(maker, COUNT(skb))]
			 : type == BPF_PROG_TYPE_SK_MSG ? msg[next(maker, COUNT(msg))]
							: ops[next(maker, COUNT(ops))];

	emit(maker, insn_load(BPF_W, dst, maker->context, offset));
	holds_number(maker, dst);
}

static int16_t stack_place(struct maker *maker, int size)
{
	int16_t place = (int16_t)(-8 * (int)(1 + next(maker, 6)));

	if (size < 8 && chance(maker, 40))
		place = (int16_t)(place + size * (int)next(maker, 8 / (uint32_t)size));
	if (chance(maker, 4))
		place = (int16_t)(place + (int)next(maker, 9) - 4);
	if (chance(maker, 3))
		place = (int16_t)((int)next(maker, 1200) - 900);
	return place;
}

static void make_stack_access(struct maker *maker)
{
	static const struct {
		int code, size;
	} sizes[] = { { BPF_DW, 8 }, { BPF_DW, 8 }, { BPF_DW, 8 }, { BPF_W, 4 }, { BPF_H, 2 },
		{ BPF_B, 1 } };
	size_t i = next(maker, COUNT(sizes));
	int16_t place = stack_place(maker, sizes[i].size);
	int reg = pick(
		maker, sizes[i].size == 8 || chance(maker, 5) ? maker->written : maker->numbers);

	if (chance(maker, 25)) {
		emit(maker, insn_make((uint8_t)(BPF_ST | BPF_MEM | sizes[i].code), R10, 0, place,
				    some_number(maker)));
	} else if (chance(maker, 50)) {
		emit(maker, insn_store(sizes[i].code, R10, place, reg));
	} else {
		int dst = target(maker);

		emit(maker, insn_load(sizes[i].code, dst, R10, place));
		if (chance(maker, 50))
			emit(maker, insn_make(BPF_ALU64 | BPF_AND | BPF_K, dst, 0, 0, 0xff));
		holds_number(maker, dst);
	}
}

static void make_atomic(struct maker *maker)
{
	static const int32_t forms[] = { BPF_ADD, BPF_ADD | BPF_FETCH, BPF_OR, BPF_XCHG,
		BPF_CMPXCHG, 0x100, 0x110 };
	int32_t form = forms[next(maker, COUNT(forms))];
	int src = pick(maker, maker->numbers);
	bool acquires = form == 0x100;

	emit(maker, insn_make(BPF_ST | BPF_MEM | BPF_DW, R10, 0, -8, some_number(maker)));
	emit(maker, insn_make(BPF_STX | BPF_ATOMIC | BPF_DW, acquires ? src : R10,
			    acquires ? R10 : src, -8, form));
}

static void end_of_jump(struct maker *maker)
{
	maker->jumps[maker->jump_count++] = (uint32_t)maker->code->instructions.count;
}

static void make_branch(struct maker *maker)
{
	static const uint8_t operations[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE,
		BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET, BPF_JEQ, BPF_JNE };
	uint8_t class = chance(maker, 75) ? BPF_JMP : BPF_JMP32;
	uint8_t operation = operations[next(maker, COUNT(operations))];
	int dst = pick(maker, chance(maker, 97) ? maker->numbers : maker->written);

	if (maker->jump_count == MOST)
		return;
	end_of_jump(maker);
	if (chance(maker, 70))
		emit(maker, insn_make(class | operation | BPF_K, dst, 0, 0, some_number(maker)));
	else
		emit(maker, insn_make(class | operation | BPF_X, dst, pick(maker, maker->numbers),
				    0, 0));
}

static void make_goto(struct maker *maker)
{
	if (maker->jump_count == MOST)
		return;
	end_of_jump(maker);
	emit(maker, insn_make(BPF_JMP | BPF_JA, 0, 0, 0, 0));
}

/* The dataset that later branches decide on again: a constant, or a number compared before. */
static void make_decided_branch(struct maker *maker)
{
	int reg = pick(maker, maker->numbers);
	int32_t number = some_number(maker);

	if (maker->jump_count >= MOST - 1)
		return;
	if (chance(maker, 50)) {
		emit(maker, insn_make(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, number));
		holds_number(maker, reg);
	} else {
		end_of_jump(maker);
		emit(maker, insn_make(BPF_JMP | BPF_JNE | BPF_K, reg, 0, 0, number));
	}
	end_of_jump(maker);
	emit(maker, insn_make(BPF_JMP | (chance(maker, 50) ? BPF_JEQ : BPF_JGT) | BPF_K, reg, 0, 0,
			    (int32_t)((uint32_t)number + next(maker, 2))));
	if (chance(maker, 30))
		emit(maker, insn_move((int)next(maker, 10), (int)next(maker, 10)));
}

static void lose_arguments(struct maker *maker)
{
	maker->written &= ~0x3eu;
	maker->numbers &= ~0x3eu;
	holds_number(maker, R0);
}

/* ctx in r1, if it is not there already. */
static void give_context(struct maker *maker)
{
	if (chance(maker, 97))
		emit(maker, insn_move(R1, maker->context));
}

static void give_key(struct maker *maker, int reg, uint32_t map)
{
	int16_t place = (int16_t)(-8 * (int)(1 + next(maker, 4)) - 8);

	if (chance(maker, 95)) {
		emit(maker,
			insn_make(BPF_ST | BPF_MEM | BPF_DW, R10, 0, place, some_number(maker)));
		emit(maker, insn_make(BPF_ST | BPF_MEM | BPF_DW, R10, 0, (int16_t)(place + 8), 0));
	}
	if (map == ORACLE_ARRAY && chance(maker, 50))
		emit(maker, insn_make(BPF_ST | BPF_MEM | BPF_W, R10, 0, place, some_number(maker)));
	emit(maker, insn_move(reg, R10));
	emit(maker, chance(maker, 97) ? insn_add(reg, place)
				      : insn_make(BPF_ALU64 | BPF_SUB | BPF_K, reg, 0, 0, -place));
}

static void make_redirect(struct maker *maker)
{
	bool msg = maker->code->kind->type == BPF_PROG_TYPE_SK_MSG, hash = chance(maker, 50);
	int32_t helper = msg    ? hash ? BPF_FUNC_msg_redirect_hash : BPF_FUNC_msg_redirect_map
			 : hash ? BPF_FUNC_sk_redirect_hash
				: BPF_FUNC_sk_redirect_map;

	if (maker->code->kind->type == BPF_PROG_TYPE_SOCK_OPS && chance(maker, 95))
		helper = hash ? BPF_FUNC_sock_hash_update : BPF_FUNC_sock_map_update;
	give_context(maker);
	emit_map(maker, R2,
		chance(maker, 4) ? next(maker, ORACLE_MAPS)
		: hash           ? ORACLE_SOCKHASH
				 : ORACLE_SOCKMAP);
	if (hash || helper == BPF_FUNC_sock_map_update)
		give_key(maker, R3, ORACLE_SOCKHASH);
	else if (chance(maker, 97))
		emit(maker, insn_set(R3, some_number(maker)));
	if (chance(maker, 97))
		emit(maker, insn_set(R4, (int32_t)next(maker, 2)));
	emit(maker, insn_call(helper));
	lose_arguments(maker);
}

static void use_value(struct maker *maker, int reg)
{
	int other = 6 + (int)next(maker, 4);

	if (chance(maker, 50)) {
		emit(maker, insn_load(BPF_DW, R1, reg, 0));
		emit(maker, insn_add(R1, 1));
		emit(maker, insn_store(BPF_DW, reg, 0, R1));
		holds_number(maker, R1);
	} else {
		emit(maker, insn_load(BPF_W, other, reg, (int16_t)(chance(maker, 95) ? 4 : 8)));
		holds_number(maker, other);
	}
}

static void make_lookup(struct maker *maker)
{
	static const uint32_t maps[] = { ORACLE_ARRAY, ORACLE_HASH, ORACLE_LRU, ORACLE_PERCPU };
	uint32_t map =
		chance(maker, 95) ? maps[next(maker, COUNT(maps))] : next(maker, ORACLE_MAPS);
	int copy = 6 + (int)next(maker, 4);
	bool copies = chance(maker, 30) && copy != maker->context;

	give_key(maker, R2, map);
	emit_map(maker, R1, map);
	emit(maker, insn_call(BPF_FUNC_map_lookup_elem));
	lose_arguments(maker);
	holds_pointer(maker, R0);
	if (copies) {
		emit(maker, insn_move(copy, R0));
		holds_pointer(maker, copy);
	}
	if (chance(maker, 88) && maker->jump_count < MOST) {
		end_of_jump(maker);
		emit(maker, insn_make(BPF_JMP | BPF_JEQ | BPF_K, R0, 0, 0, 0));
	}
	if (map < ORACLE_PROGRAMS && map > ORACLE_SOCKHASH && chance(maker, 80))
		use_value(maker, copies && chance(maker, 50) ? copy : R0);
	if (chance(maker, 80)) {
		emit(maker, insn_set(R0, 1));
		holds_number(maker, R0);
		if (copies)
			emit(maker, insn_set(copy, 1));
	}
}

static void make_update(struct maker *maker)
{
	uint32_t map = chance(maker, 92) ? ORACLE_HASH : next(maker, ORACLE_MAPS);

	give_key(maker, R2, map);
	emit(maker, insn_move(R3, R2));
	emit_map(maker, R1, map);
	if (chance(maker, 96))
		emit(maker, insn_set(R4, 0));
	emit(maker, insn_call(BPF_FUNC_map_update_elem));
	lose_arguments(maker);
}

static void make_payload_read(struct maker *maker)
{
	bool skb = maker->code->kind->type == BPF_PROG_TYPE_SK_SKB;
	bool ops = maker->code->kind->type == BPF_PROG_TYPE_SOCK_OPS;
	int16_t data = skb ? 76 : ops ? 192 : 0, end = skb ? 80 : ops ? 200 : 8;
	int size = skb ? BPF_W : BPF_DW;
	int32_t bytes = 1 + (int32_t)next(maker, 20);

	if (maker->jump_count == MOST)
		return;
	emit(maker, insn_load(size, R2, maker->context, data));
	emit(maker, insn_load(size, R3, maker->context, end));
	emit(maker, insn_move(R4, R2));
	emit(maker, insn_add(R4, bytes));
	if (chance(maker, 90)) {
		static const uint8_t comparisons[] = { BPF_JGT, BPF_JGT, BPF_JGE };

		end_of_jump(maker);
		if (chance(maker, 70))
			emit(maker, insn_make(BPF_JMP | BPF_X | comparisons[next(maker, 3)], R4, R3,
					    0, 0));
		else
			emit(maker, insn_make(BPF_JMP | BPF_X | BPF_JLT, R3, R4, 0, 0));
	}
	emit(maker, insn_load(BPF_B, R5, R2, (int16_t)(chance(maker, 95) ? bytes - 1 : bytes)));
	holds_pointer(maker, R2);
	holds_pointer(maker, R3);
	holds_pointer(maker, R4);
	holds_number(maker, R5);
	if (chance(maker, 25)) {
		emit(maker, insn_move(8, R2));
		holds_pointer(maker, 8);
	}
}

static void make_pull(struct maker *maker)
{
	bool msg = maker->code->kind->type == BPF_PROG_TYPE_SK_MSG;

	give_context(maker);
	emit(maker, insn_set(R2, msg ? 0 : 8));
	if (msg) {
		emit(maker, insn_set(R3, 8));
		emit(maker, insn_set(R4, 0));
	}
	emit(maker, insn_call(msg ? BPF_FUNC_msg_pull_data : BPF_FUNC_skb_pull_data));
	lose_arguments(maker);
}

static void make_load_bytes(struct maker *maker)
{
	give_context(maker);
	emit(maker, insn_set(R2, (int32_t)next(maker, 4)));
	emit(maker, insn_move(R3, R10));
	emit(maker, insn_add(R3, chance(maker, 95) ? -16 : -4));
	emit(maker, insn_set(R4, (int32_t)next(maker, 18)));
	emit(maker, insn_call(BPF_FUNC_skb_load_bytes));
	lose_arguments(maker);
}

static void make_call(struct maker *maker)
{
	static const int32_t helpers[] = { BPF_FUNC_get_socket_cookie, BPF_FUNC_get_prandom_u32,
		BPF_FUNC_ktime_get_ns, BPF_FUNC_get_smp_processor_id, BPF_FUNC_get_netns_cookie };
	int32_t helper = chance(maker, 92) ? helpers[next(maker, COUNT(helpers))]
					   : 1 + (int32_t)next(maker, 213);

	if (helper == BPF_FUNC_get_socket_cookie &&
		maker->code->kind->type == BPF_PROG_TYPE_SK_MSG && chance(maker, 90))
		helper = BPF_FUNC_get_prandom_u32;
	if (helper == BPF_FUNC_get_netns_cookie &&
		maker->code->kind->type == BPF_PROG_TYPE_SK_SKB && chance(maker, 90))
		helper = BPF_FUNC_get_prandom_u32;
	give_context(maker);
	emit(maker, insn_call(helper));
	lose_arguments(maker);
}

static void make_tail_call(struct maker *maker)
{
	give_context(maker);
	emit_map(maker, R2, chance(maker, 96) ? ORACLE_PROGRAMS : next(maker, ORACLE_MAPS));
	emit(maker, insn_set(R3, some_number(maker)));
	emit(maker, insn_call(BPF_FUNC_tail_call));
	lose_arguments(maker);
	if (chance(maker, 95))
		emit(maker, insn_set(R0, 1));
}

static void make_socket(struct maker *maker)
{
	bool skb = maker->code->kind->type == BPF_PROG_TYPE_SK_SKB;
	bool ops = maker->code->kind->type == BPF_PROG_TYPE_SOCK_OPS;
	int reg = target(maker);

	emit(maker, insn_load(BPF_DW, reg, maker->context, skb ? 168 : ops ? 184 : 72));
	holds_pointer(maker, reg);
	if (maker->jump_count < MOST && chance(maker, 90)) {
		end_of_jump(maker);
		emit(maker, insn_make(BPF_JMP | BPF_JEQ | BPF_K, reg, 0, 0, 0));
	}
	emit(maker, insn_load(BPF_W, reg, reg, 4));
	holds_number(maker, reg);
}

static void make_pointer_arithmetic(struct maker *maker)
{
	static const uint8_t operations[] = { BPF_ADD, BPF_ADD, BPF_ADD, BPF_SUB, BPF_AND,
		BPF_MUL };
	int dst = target(maker), src = pick(maker, maker->written & ~maker->numbers);
	uint8_t operation = operations[next(maker, COUNT(operations))];

	emit(maker, insn_move(dst, chance(maker, 30) ? R10 : src));
	holds_pointer(maker, dst);
	if (chance(maker, 60))
		emit(maker, insn_make(class_of(maker) | operation | BPF_K, dst, 0, 0,
				    some_number(maker)));
	else
		emit(maker, insn_make(BPF_ALU64 | operation | BPF_X, dst,
				    pick(maker, maker->written), 0, 0));
	if (chance(maker, 10))
		emit(maker, insn_load(BPF_B, R5, dst, (int16_t)some_number(maker)));
	if (chance(maker, 50)) {
		emit(maker, insn_set(dst, 7));
		holds_number(maker, dst);
	}
}

/* A pointer that waits on the stack, while a call may make it worthless. */
static void make_spill(struct maker *maker)
{
	bool skb = maker->code->kind->type == BPF_PROG_TYPE_SK_SKB;
	int reg = 6 + (int)next(maker, 4);

	if (reg == maker->context)
		return;
	if (chance(maker, 50)) {
		emit(maker, insn_load(skb ? BPF_W : BPF_DW, reg, maker->context, skb ? 76 : 0));
		holds_pointer(maker, reg);
	}
	emit(maker, insn_store(BPF_DW, R10, -48, reg));
	if (chance(maker, 60))
		make_pull(maker);
	emit(maker, insn_load(BPF_DW, reg, R10, -48));
	if (chance(maker, 50))
		emit(maker, insn_move(R5, reg));
	holds_pointer(maker, reg);
}

/* A socket out of a map of sockets, which has to be given back. */
static void make_socket_lookup(struct maker *maker)
{
	give_key(maker, R2, ORACLE_SOCKHASH);
	emit_map(maker, R1, chance(maker, 50) ? ORACLE_SOCKMAP : ORACLE_SOCKHASH);
	emit(maker, insn_call(BPF_FUNC_map_lookup_elem));
	lose_arguments(maker);
	holds_pointer(maker, R0);
	if (chance(maker, 90))
		emit(maker, insn_make(BPF_JMP | BPF_JEQ | BPF_K, R0, 0, 3, 0));
	emit(maker, insn_load(BPF_W, R1, R0, (int16_t)(4 * next(maker, 4))));
	emit(maker, insn_move(R1, R0));
	emit(maker, insn_call(BPF_FUNC_sk_release));
	emit(maker, insn_set(R0, 1));
	holds_number(maker, R0);
}

/* Loads that extend a sign, long jumps, and jumps that the kernel decides about. */
static void make_new(struct maker *maker)
{
	static const uint8_t sizes[] = { BPF_B, BPF_H, BPF_W };
	int dst = target(maker);

	switch (next(maker, 4)) {
	case 0:
		emit(maker, insn_store(BPF_DW, R10, -8, pick(maker, maker->numbers)));
		emit(maker, insn_make((uint8_t)(BPF_LDX | 0x80 | sizes[next(maker, 3)]), dst, R10,
				    -8, 0));
		holds_number(maker, dst);
		return;
	case 1:
		emit(maker,
			insn_make((uint8_t)(BPF_LDX | 0x80 | BPF_B), dst, maker->context, 16, 0));
		holds_number(maker, dst);
		return;
	case 2:
		emit(maker, insn_make(BPF_JMP32 | BPF_JA, 0, 0, 0, 0));
		return;
	default:
		if (maker->jump_count < MOST) {
			end_of_jump(maker);
			emit(maker, insn_make(BPF_JMP | 0xe0, 0, 0, 0, 0));
		}
		return;
	}
}

/* A number goes through the stack in pieces. */
static void make_pieces(struct maker *maker)
{
	static const int sizes[] = { BPF_W, BPF_H, BPF_B, BPF_DW };
	int dst = target(maker), size = sizes[next(maker, 4)];

	emit(maker, insn_store(size, R10, -24, pick(maker, maker->numbers)));
	if (chance(maker, 30))
		make_branch(maker);
	emit(maker, insn_load(chance(maker, 80) ? size : sizes[next(maker, 4)], dst, R10, -24));
	holds_number(maker, dst);
	if (chance(maker, 50))
		make_branch(maker);
}

/* A loop of a few rounds. */
static void make_loop(struct maker *maker)
{
	int counter = 6 + (int)next(maker, 4);
	int16_t length = (int16_t)(1 + next(maker, 3));

	if (counter == maker->context)
		return;
	emit(maker, insn_set(counter, 0));
	holds_number(maker, counter);
	for (int i = 0; i < length; i++)
		emit(maker, insn_make(BPF_ALU64 | BPF_ADD | BPF_X, pick(maker, maker->numbers),
				    pick(maker, maker->numbers), 0, 0));
	emit(maker, insn_add(counter, 1));
	emit(maker, insn_make(BPF_JMP | BPF_JLT | BPF_K, counter, 0, (int16_t)(-length - 2),
			    2 + (int32_t)next(maker, 6)));
}

static void make_exit(struct maker *maker)
{
	if (chance(maker, 90))
		emit(maker, insn_set(R0, (int32_t)next(maker, 2)));
	emit(maker, insn_exit());
}

/* By weight. */
static const struct {
	void (*make)(struct maker *maker);
	uint32_t weight;
} idioms[] = {
	{ make_move, 12 },
	{ make_wide_move, 1 },
	{ make_arithmetic, 12 },
	{ make_inversion, 3 },
	{ make_context_load, 10 },
	{ make_stack_access, 12 },
	{ make_atomic, 2 },
	{ make_branch, 14 },
	{ make_decided_branch, 6 },
	{ make_goto, 1 },
	{ make_redirect, 5 },
	{ make_lookup, 7 },
	{ make_update, 2 },
	{ make_payload_read, 4 },
	{ make_pull, 2 },
	{ make_load_bytes, 2 },
	{ make_call, 5 },
	{ make_tail_call, 1 },
	{ make_socket, 2 },
	{ make_pointer_arithmetic, 3 },
	{ make_loop, 2 },
	{ make_spill, 2 },
	{ make_socket_lookup, 2 },
	{ make_new, 4 },
	{ make_pieces, 4 },
};

static void make_idiom(struct maker *maker)
{
	uint32_t left = 0;
	size_t i = 0;

	for (size_t j = 0; j < COUNT(idioms); j++)
		left += idioms[j].weight;
	left = next(maker, left);
	while (left >= idioms[i].weight)
		left -= idioms[i++].weight;
	maker->starts[maker->start_count++] = (uint32_t)maker->code->instructions.count;
	idioms[i].make(maker);
}

/* Jumps go forward to the beginning of an idiom, most of them; some to the end. */
static void aim_jumps(struct maker *maker, uint32_t end)
{
	for (uint32_t i = 0; i < maker->jump_count; i++) {
		uint32_t at = maker->jumps[i], to = end, behind = 0;

		while (behind < maker->start_count && maker->starts[behind] <= at)
			behind++;
		if (behind < maker->start_count && chance(maker, 60))
			to = maker->starts[behind + next(maker, maker->start_count - behind)];
		if (chance(maker, 1))
			to = next(maker, end + 3);
		maker->code->instructions.items[at].off = (int16_t)((int32_t)to - (int32_t)at - 1);
	}
}

/* One of the mistakes that people make. */
static void slip(struct maker *maker)
{
	size_t count = maker->code->instructions.count;
	size_t at = next(maker, (uint32_t)count);
	struct bpf_insn *insn = &maker->code->instructions.items[at];

	if (insn->code == 0 || insn->code == (BPF_LD | BPF_IMM | BPF_DW))
		return;
	switch (next(maker, 7)) {
	case 0:
		if (BPF_CLASS(insn->code) != BPF_JMP || BPF_OP(insn->code) < BPF_CALL)
			insn->dst_reg = next(maker, 11) & 0xf;
		return;
	case 1:
		if (BPF_CLASS(insn->code) == BPF_LDX || BPF_CLASS(insn->code) == BPF_STX ||
			(BPF_SRC(insn->code) == BPF_X && BPF_OP(insn->code) != BPF_END))
			insn->src_reg = next(maker, 11) & 0xf;
		return;
	case 2:
		if (BPF_SRC(insn->code) == BPF_K && BPF_CLASS(insn->code) != BPF_LDX &&
			insn->code != (BPF_JMP | BPF_EXIT) && BPF_OP(insn->code) != BPF_NEG)
			insn->imm = some_number(maker);
		return;
	case 3:
		if (BPF_CLASS(insn->code) == BPF_LDX || BPF_CLASS(insn->code) == BPF_STX)
			insn->off = (int16_t)(insn->off + (int)next(maker, 17) - 8);
		return;
	case 4:
		*insn = insn_move(R6, R6);
		return;
	case 5:
		*insn = insn_set((int)next(maker, 10), some_number(maker));
		return;
	default:
		*insn = insn_make(BPF_JMP | BPF_JA, 0, 0, (int16_t)next(maker, 3), 0);
		return;
	}
}

/* Of the registers that hold numbers in a guarded program. */
static int guard_register(struct maker *maker)
{
	static const int registers[] = { R0, R2, R3, R7, R8 };

	return registers[next(maker, COUNT(registers))];
}

static void make_guard_number(struct maker *maker)
{
	static const uint8_t operations[] = { BPF_ADD, BPF_SUB, BPF_AND, BPF_OR, BPF_XOR, BPF_LSH,
		BPF_RSH, BPF_MUL, BPF_ARSH, BPF_DIV, BPF_MOD, BPF_AND, BPF_ADD };
	uint8_t operation = operations[next(maker, COUNT(operations))];
	int dst = guard_register(maker), src = guard_register(maker);
	static const int16_t fields[] = { 20, 24, 64, 68 };
	static const int sizes[] = { BPF_W, BPF_W, BPF_H, BPF_B, BPF_DW };
	int size = sizes[next(maker, COUNT(sizes))];

	switch (next(maker, 8)) {
	case 0:
		emit(maker, insn_load(BPF_W, dst, R6, fields[next(maker, 4)]));
		return;
	case 1:
		emit(maker, insn_move(dst, src));
		return;
	case 2:
		emit(maker, insn_make(BPF_ALU | BPF_MOV | BPF_X, dst, src, 0, 0));
		return;
	case 3:
		emit(maker, insn_store(size, R10, -8, src));
		emit(maker, insn_load(size, dst, R10, -8));
		return;
	case 4:
		make_inversion(maker);
		return;
	case 5:
		emit(maker, insn_make(class_of(maker) | operation | BPF_X, dst, src, 0, 0));
		return;
	default:
		emit(maker, insn_make(class_of(maker) | operation | BPF_K, dst, 0, 0,
				    1 + (int32_t)next(maker, 4)));
		return;
	}
}

static void make_guard(struct maker *maker)
{
	static const uint8_t operations[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE,
		BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET, BPF_JEQ };
	uint8_t class = chance(maker, 70) ? BPF_JMP : BPF_JMP32;
	uint8_t operation = operations[next(maker, COUNT(operations))];
	int32_t number = chance(maker, 80) ? (int32_t)next(maker, 5) - 1 : some_number(maker);

	end_of_jump(maker);
	if (chance(maker, 75))
		emit(maker,
			insn_make(class | operation | BPF_K, guard_register(maker), 0, 0, number));
	else
		emit(maker, insn_make(class | operation | BPF_X, guard_register(maker),
				    guard_register(maker), 0, 0));
}

/*
 * Right in all but one thing: behind a number of branches, a register is read that holds nothing. The
 * kernel takes it where it can tell that no run comes there.
 */
static void make_guarded(struct maker *maker)
{
	uint32_t guards = 2 + next(maker, 5);
	uint32_t trap, end;

	maker->numbers = 1u << R0 | 1u << R2 | 1u << R3 | 1u << R7 | 1u << R8;
	emit(maker, insn_move(R6, R1));
	for (int reg = R0; reg <= R8; reg++)
		if (maker->numbers >> reg & 1)
			emit(maker, chance(maker, 60) ? insn_load(BPF_W, reg, R6, 20)
						      : insn_set(reg, (int32_t)next(maker, 4)));
	for (uint32_t i = 0; i < guards; i++) {
		for (uint32_t j = next(maker, 4); j > 0; j--)
			make_guard_number(maker);
		make_guard(maker);
	}
	trap = (uint32_t)maker->code->instructions.count;
	emit(maker, insn_move(R5, R9));
	end = (uint32_t)maker->code->instructions.count;
	emit(maker, insn_set(R0, 1));
	emit(maker, insn_exit());
	/* Most guards lead away from the trap, some to what comes before it. */
	for (uint32_t i = 0; i < maker->jump_count; i++) {
		uint32_t at = maker->jumps[i];
		uint32_t to = chance(maker, 75) ? end : at + 1 + next(maker, trap - at);

		maker->code->instructions.items[at].off = (int16_t)(to - at - 1);
	}
}

struct bpfasm_code *program_random(struct arena *arena, uint64_t number)
{
	static const char *const types[] = { "sk_skb", "sk_skb", "sk_msg", "sock_ops" };
	struct maker maker = {
		.arena = arena,
		.code = arena_alloc(arena, sizeof(*maker.code)),
		.random = (number + 1) * UINT64_C(0x9e3779b97f4a7c15),
		.context = R1,
	};
	uint32_t idioms_wanted, end;

	if (number % 3 == 0) {
		maker.code->name = "guarded";
		maker.code->kind = program_kind_named("sk_msg");
		maker.code->license = "GPL";
		make_guarded(&maker);
		return maker.code;
	}

	maker.code->name = "random";
	maker.code->kind = program_kind_named(types[next(&maker, COUNT(types))]);
	maker.code->license = chance(&maker, 95) ? "GPL" : "MIT";
	maker.written = 1u << R1;
	if (chance(&maker, 92)) {
		maker.context = R6 + (int)next(&maker, 2);
		emit(&maker, insn_move(maker.context, R1));
		holds_pointer(&maker, maker.context);
	}
	if (chance(&maker, 80)) {
		emit(&maker, insn_set(R0, 1));
		holds_number(&maker, R0);
	}
	idioms_wanted = 1 + next(&maker, 14);
	for (uint32_t i = 0; i < idioms_wanted; i++)
		make_idiom(&maker);
	end = (uint32_t)maker.code->instructions.count;
	make_exit(&maker);
	aim_jumps(&maker, end);
	for (uint32_t i = chance(&maker, 45) ? next(&maker, 3) : 0; i > 0; i--)
		slip(&maker);
	return maker.code;
}
