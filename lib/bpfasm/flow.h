/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside the room: what is wrong in a program's body is found by running it.
 *
 * A state is what registers and stack hold at a place, for at least one run that can really happen:
 * branches are taken only with numbers that make them taken (lib/bpfasm/range.h). The verifier has to
 * look at every run that can happen, so what such a run does wrong it refuses, and it is reported
 * here before (unless it has a fault of its own). Where a run cannot be shown to happen (a branch on something unknown), or too many
 * states come together, states are given up: less is found then, and never too much. The verifier
 * judges everything anyway.
 *
 * States meet where jumps lead to. Those that differ in one number only become one; of the others
 * each place sees FLOW_VISITS at the most, so the time is linear in the number of instructions.
 */
#pragma once

#include "lib/bpfasm/code.h"
#include "lib/bpfasm/helpers.h"
#include "lib/bpfasm/instruction.h"
#include "lib/bpfasm/range.h"

#define FLOW_VISITS 6
#define FLOW_STACK 512 /* bytes, MAX_BPF_STACK */
#define FLOW_SLOTS (FLOW_STACK / 8)
#define FLOW_NONE UINT32_MAX

enum flow_kind {
	FLOW_UNWRITTEN,
	FLOW_LOST, /* by the call at `at` */
	/*
	 * Pointed to payload that the call at `at` may have moved. What is left is a number for some
	 * kernels and nothing for others, so it may be copied and not be used.
	 */
	FLOW_STALE,
	FLOW_NUMBER,      /* any of `range` */
	FLOW_SOME_NUMBER, /* certain to be a number, and nothing more */
	FLOW_CONTEXT,
	FLOW_STACK_POINTER,
	FLOW_MAP,
	FLOW_VALUE, /* of map `map` */
	FLOW_PACKET,
	FLOW_PACKET_END,
	FLOW_SOCKET,
	FLOW_ANYTHING,
	FLOW_KIND_COUNT,
};

/* Fields that the kind does not use are 0. */
struct flow_value {
	enum flow_kind kind;
	bool maybe_null; /* pointers: or 0 */
	bool known;   /* pointers: `offset` is; numbers: the verifier knows the one number, too */
	bool verdict; /* numbers: the redirect at `at` gave it, and nothing has looked at it */
	uint32_t id;  /* copies of one value have it in common; 0: no copy matters */
	uint32_t at;
	uint32_t map;
	int64_t offset; /* bytes: from r10, from the start of the payload or of the value */
	uint8_t piece_at, piece_size; /* in the stack: which bytes of its slot it is */
	struct range range;
};

struct flow_state {
	struct flow_value registers[REGISTER_COUNT];
	struct flow_value stack[FLOW_SLOTS]; /* slot i is r10-512+8i: what was stored last */
	uint64_t slots;                      /* bit i: stack[i] says what is there */
	uint64_t written[FLOW_STACK / 64];   /* bit per byte from r10-512 on */
	struct range length;                 /* bytes of payload that are to be seen */
	bool pulled;                         /* all of it is */
	bool compared;                       /* with data_end, since the pointers were loaded */
};

struct flow_saved;

/* A helper as calls of it need it, read from its row once. */
struct flow_helper {
	const struct helper *row;
	const char *name;
	struct helper_argument arguments[HELPER_ARGUMENTS];
};

/* Per instruction. */
struct flow_point {
	struct flow_saved *waiting; /* states that have come here and are not run yet */
	uint32_t map;               /* that it loads; FLOW_NONE */
	uint16_t reads, kinds;      /* bit per register: reported */
	uint16_t others;            /* bit per code, likewise */
	uint8_t visits;
	bool reached : 1;       /* by jumps and falling through, whatever they depend on */
	bool target : 1;        /* of a jump */
	bool second_half : 1;   /* of a 64-bit load */
	uint16_t maybe_written; /* bit per register, see flow_maybe_written */
};

struct flow {
	struct arena *arena;   /* of the diagnostics */
	struct arena *scratch; /* of everything else */
	struct diagnostics *diagnostics;
	struct bpfasm_code *code;
	const struct bpfasm_map *maps;
	struct flow_point *points;
	size_t count;         /* of instructions and points */
	VEC(uint32_t) places; /* where states wait, a heap: the first one on top */
	uint32_t ids;         /* given out */
	struct flow_saved *unused[FLOW_SLOTS + 1];
	struct flow_helper *helpers[HELPER_NUMBERS];
	const char *advice[HELPER_NUMBERS]; /* instead of those that may not be called */
	bool written_known;                 /* flow_point.maybe_written is */
};

static inline const struct bpf_insn *flow_instruction(const struct flow *flow, size_t at)
{
	return &flow->code->instructions.items[at];
}

/* graph.c: where instructions lead to. */

/* Instructions that come behind `at`, the next one first; fills in ret[2] and returns how many. */
size_t flow_successors(const struct flow *flow, size_t at, int64_t *ret);

/* The one that the jump at `at` leads to; it may be outside. */
int64_t flow_jump_target(const struct flow *flow, size_t at);

/* Whether an instruction begins there. */
bool flow_is_inside(const struct flow *flow, int64_t at);

/* Marks what is reached, and reports what is not, and ways out of the program. */
void flow_check_graph(struct flow *flow);

/* Whether the instructions are those of our language: calls of subprograms are not. */
bool flow_is_known(const struct flow *flow);

/* Bit per register that something may have written before `at`; calls write r0. */
uint16_t flow_maybe_written(struct flow *flow, size_t at);

/* path.c: states that wait. */

/* A state has come to `at`. */
void flow_arrive(struct flow *flow, size_t at, const struct flow_state *state);

/* Takes a state that waits at the first place where one does; false for none. */
bool flow_take(struct flow *flow, size_t *at, struct flow_state *ret);

/* flow_value.c: what registers and the stack hold. */
struct flow_value flow_constant(uint64_t number);
struct flow_value flow_of_range(struct flow *flow, const struct range *range);
struct flow_value flow_value_of(enum flow_kind kind);
void flow_start(struct flow_state *state);

bool flow_is_number(const struct flow_value *value);
bool flow_is_pointer(const struct flow_value *value);

/* "the context", "a pointer to the stack": for messages. */
const char *flow_value_text(const struct flow_value *value);

/* Puts another value where one is; one in the stack keeps its place. */
void flow_replace(struct flow_value *value, struct flow_value by);

/* Calls `visit` for each copy of a value, in registers and stack. */
size_t flow_copies(const struct flow_state *state, uint32_t id);
void flow_each_copy(struct flow_state *state, uint32_t id,
	void (*visit)(struct flow_value *copy, const void *context), const void *context);

/* Makes up its mind which number of its range a value is, copies too; returns it. */
uint64_t flow_pin(struct flow_state *state, struct flow_value *value);

/* The range of a number and its copies; it has been looked at. */
void flow_refine(struct flow_state *state, struct flow_value *value, const struct range *range);

/* findings.c */

/*
 * The value of a register that is read. One that holds nothing is reported, with `reader` as what
 * reads it ("bpf_tail_call", NULL: the instruction or block itself) and `what` it is to it (NULL).
 */
struct flow_value *flow_read(struct flow *flow, struct flow_state *state, size_t at, int reg,
	const char *reader, const char *what);

/* Reports that a register is used as the pointer that it was. */
void flow_refuse_stale(struct flow *flow, struct flow_state *state, size_t at, int reg);

/* A new value; the frame's register is reported. */
void flow_write(
	struct flow *flow, struct flow_state *state, size_t at, int reg, struct flow_value value);

/* A diagnostic at the instruction; `reg` is to blame, -1: none. NULL where it has been said. */
struct diagnostic *flow_report(struct flow *flow, size_t at, int reg, enum diag_code code,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

/* " on line 12", or "" where there is no line. */
const char *flow_line(struct flow *flow, size_t at);

/* run.c */
void flow_run(struct flow *flow, size_t at, struct flow_state *state);

/* arithmetic.c, access.c, call.c: what one instruction does to a state. */
void flow_arithmetic(struct flow *flow, struct flow_state *state, size_t at);
void flow_load(struct flow *flow, struct flow_state *state, size_t at);
void flow_store(struct flow *flow, struct flow_state *state, size_t at);
void flow_call(struct flow *flow, struct flow_state *state, size_t at);

/* The stack from `offset` to before `offset + size` bytes is not known any more. */
void flow_forget_stack(struct flow_state *state, int64_t offset, int64_t size);

/* Reports bytes from r10 + `offset` on that are not of the stack; false then. */
bool flow_check_stack(struct flow *flow, size_t at, int reg, int64_t offset, int64_t size);

/* Reports bytes of the stack that are read and were never written. */
void flow_check_written(struct flow *flow, const struct flow_state *state, size_t at, int reg,
	int64_t offset, int64_t size);

/* branch.c: sends a state on to the target, and leaves in it what goes on behind; false: nothing. */
bool flow_branch(struct flow *flow, struct flow_state *state, size_t at);
