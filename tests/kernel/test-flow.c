/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The checks of bodies (lib/bpfasm/flow.h) against the kernel: what it takes must pass, and what they
 * call an error it must refuse. They stand on what numbers become and on which way branches go, so
 * that is compared, too.
 */
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "note.h"
#include "raw.h"

#include "lib/bpfasm/range.h"
#include "lib/manifest/manifest.h"
#include "tests/fuzz/oracle.h"
#include "tests/unit/bpfasm/flow-cases.h"

static struct arena arena;

static void finish(void)
{
	arena_finish(&arena);
}

TestSuite(flow, .fini = finish, .timeout = 120);

#define RANDOM_PROGRAMS 4000

/*
 * `build/tests/fuzz/flow` judges more of them. A verifier that confuses copies takes one in some ten
 * thousand that reads what nothing has written: there a few are no fault of the checks.
 */
Test(flow, random_programs_that_the_kernel_takes_pass)
{
	bool confused = oracle_confuses_copies();
	struct oracle oracle;

	if (confused)
		left_out("programs that run into a known fault",
			"this kernel's verifier confuses copies of numbers");
	cr_assert(oracle_init(&oracle), "%s", strerror(errno));
	for (uint64_t i = 0; i < RANDOM_PROGRAMS; i++) {
		struct arena scratch = { 0 };
		const char *why = NULL;

		cr_assert(oracle_judge(&oracle, &scratch, program_random(&scratch, i), oracle_maps,
				  oracle.maps, &why) ||
				  (confused && oracle.unequal <= RANDOM_PROGRAMS / 2000),
			"program %llu: %s", (unsigned long long)i, why);
		arena_finish(&scratch);
	}
	note("of %d programs the kernel took %zu and refused %zu; the checks caught %zu, and %zu "
	     "that "
	     "it took",
		RANDOM_PROGRAMS, oracle.taken, oracle.refused, oracle.caught, oracle.unequal);
	/* Enough of both kinds, or this would show nothing. */
	cr_assert_geq(oracle.taken, RANDOM_PROGRAMS / 4);
	cr_assert_geq(oracle.refused, RANDOM_PROGRAMS / 4);
	/* An older verifier refuses more that no run does wrong. */
	cr_assert_geq(oracle.caught, oracle.refused * (confused ? 6 : 8) / 10);
	oracle_finish(&oracle);
}

/* Each case that is called an error, the kernel refuses; of the others it takes most. */
Test(flow, what_is_called_an_error_is_refused)
{
	struct name_index names = { 0 };
	const struct bpfasm_map *maps = flow_case_maps(&arena, &names);
	size_t others = 0, taken = 0;
	int descriptors[FLOW_MAPS];

	for (size_t i = 0; i < FLOW_MAPS; i++) {
		descriptors[i] =
			bpf_map_create(flow_map_types[i], "cases", flow_map_keys[i], 8, 4, NULL);
		cr_assert(descriptors[i] >= 0, "%s", strerror(errno));
	}
	for (size_t i = 0; i < flow_case_count; i++) {
		struct diagnostics diagnostics = { .arena = &arena };
		const struct bpfasm_code *code = flow_case_assemble(
			&arena, flow_cases[i].type, flow_cases[i].text, maps, &names, &diagnostics);
		bool takes = oracle_takes(&arena, code, descriptors);

		if (strchr(flow_cases[i].codes, 'E'))
			cr_assert(!takes, "the kernel takes: %s", flow_cases[i].text);
		else
			others++, taken += takes;
	}
	note("of %zu cases that pass the kernel took %zu", others, taken);
	cr_assert_geq(taken, others * 8 / 10, "%zu of %zu", taken, others);
}

static int make_map(const struct manifest_map *map)
{
	uint64_t entries = map->max_entries.value < 16 ? map->max_entries.value : 16;
	int fd = bpf_map_create(map->kind->type, "golden", map->key_bytes, map->value_bytes,
		(uint32_t)entries, NULL);

	cr_assert(fd >= 0, "%s: %s", map->self.text, strerror(errno));
	return fd;
}

static struct bpfasm_code *assemble(
	const struct manifest *manifest, const struct manifest_program *program)
{
	struct bpfasm_budget budget = { 0 };
	struct diagnostics diagnostics = { .arena = &arena };

	return manifest_assemble_program(&arena, manifest, program, &budget, &diagnostics);
}

/* Asks the kernel for each program of a manifest, of which all are right or all are wrong. */
static size_t ask_for_manifest(char *path, bool right)
{
	struct diagnostics diagnostics = { .arena = &arena };
	manifest_list manifests = { 0 };
	size_t asked = 0;

	manifest_load_paths(&arena, &path, 1, NULL, &diagnostics, &manifests);
	vec_each (manifest, &manifests) {
		int *maps = arena_alloc_array(&arena, (*manifest)->maps.count, sizeof(*maps));

		for (size_t i = 0; i < (*manifest)->maps.count; i++)
			maps[i] = make_map(&(*manifest)->maps.items[i]);
		vec_each (program, &(*manifest)->programs) {
			const struct bpfasm_code *code = assemble(*manifest, program);

			cr_assert_not_null(code, "%s: %s", path, program->self.text);
			cr_assert_eq(oracle_takes(&arena, code, maps), right, "%s: %s: %s", path,
				program->self.text, oracle_log(&arena, code, maps));
			asked++;
		}
		for (size_t i = 0; i < (*manifest)->maps.count; i++)
			close(maps[i]);
	}
	return asked;
}

static size_t ask_for_manifests(const char *pattern, bool right)
{
	const char *top = getenv("MANIFESTS");
	size_t asked = 0;
	glob_t found;

	cr_assert_eq(glob(arena_printf(&arena, "%s/%s", top ? top : ".", pattern), 0, NULL, &found),
		0, "%s", pattern);
	for (size_t i = 0; i < found.gl_pathc; i++)
		asked += ask_for_manifest(found.gl_pathv[i], right);
	globfree(&found);
	return asked;
}

Test(flow, manifests_that_are_right_are_taken)
{
	cr_assert_geq(ask_for_manifests("tests/golden/good/flow-*.yaml", true), 30);
	cr_assert_geq(ask_for_manifests("tests/golden/warned/flow-*.yaml", true), 8);
	cr_assert_geq(ask_for_manifests("manifests/*.yaml", true), 3);
	cr_assert_geq(ask_for_manifests("tests/golden/good/blocks.yaml", true), 1);
	cr_assert_geq(ask_for_manifests("tests/golden/good/key-layouts.yaml", true), 1);
}

Test(flow, manifests_that_are_wrong_are_refused)
{
	cr_assert_geq(ask_for_manifests("tests/golden/bad/flow-*.yaml", false), 20);
}

/* Blocks say that they take an index; the kernel, from root, takes an address for one. */
Test(flow, an_address_is_taken_as_an_index_from_root_alone)
{
	const struct bpf_insn code[] = { LD_MAP(BPF_REG_2, sockmap_make()),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_10, 0, 0), MOV(BPF_REG_4, 0),
		CALL(BPF_FUNC_sk_redirect_map), EXIT };

	close(program_load(code, sizeof(code) / sizeof(code[0])));
}

/* From 6.3 on; before that the verifier refused it. */
Test(flow, stack_that_was_never_written_may_be_read)
{
	const struct bpf_insn code[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_0, BPF_REG_10, -8, 0), EXIT
	};

	close(program_load(code, sizeof(code) / sizeof(code[0])));
}

/* One operation or comparison, its operands, and what comes of them. */
struct question {
	struct bpf_insn insn;
	bool compares;
	uint64_t dst, operand;
};

#define MOST_QUESTIONS 128

/* Runs them all; false where the kernel does not know some instruction. */
static bool ask_kernel(const struct question *questions, size_t count, uint64_t *answers)
{
	struct bpf_insn code[MOST_QUESTIONS * 8 + 8];
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "answers", 4, MOST_QUESTIONS * 8, 1, NULL);
	LIBBPF_OPTS(bpf_test_run_opts, options);
	char packet[64] = "";
	uint32_t zero = 0;
	size_t n = 0;
	int program;

	cr_assert(map >= 0);
	code[n++] = INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_6, BPF_PSEUDO_MAP_VALUE, 0, map);
	code[n++] = INSN(0, 0, 0, 0, 0);
	for (size_t i = 0; i < count; i++) {
		const struct question *q = &questions[i];

		code[n++] = INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_0, 0, 0, (int32_t)q->dst);
		code[n++] = INSN(0, 0, 0, 0, (int32_t)(q->dst >> 32));
		code[n++] = INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, 0, 0, (int32_t)q->operand);
		code[n++] = INSN(0, 0, 0, 0, (int32_t)(q->operand >> 32));
		code[n++] = q->insn;
		if (q->compares) {
			code[n - 1].off = 1;
			code[n++] = MOV(BPF_REG_0, 2);
			code[n++] = INSN(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_0, 0, 0, 3);
		}
		code[n++] =
			INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_6, BPF_REG_0, (int16_t)(8 * i), 0);
	}
	code[n++] = MOV(BPF_REG_0, 0);
	code[n++] = EXIT;
	program = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "answers", "GPL", code, n, NULL);
	if (program < 0) {
		close(map);
		return false;
	}
	options.data_in = packet;
	options.data_size_in = sizeof(packet);
	cr_assert_eq(bpf_prog_test_run_opts(program, &options), 0, "%s", strerror(errno));
	cr_assert_eq(bpf_map_lookup_elem(map, &zero, answers), 0);
	close(program);
	close(map);
	return true;
}

static uint64_t next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 20;
}

static uint64_t some_number(uint64_t *state)
{
	static const uint64_t numbers[] = { 0, 1, 2, 3, 7, 31, 32, 63, 64, 65, 127, 128, 255,
		0x7fff, 0x8000, 0x7fffffff, 0x80000000, 0xffffffff, UINT64_C(0x100000000),
		UINT64_C(0x8000000000000000), UINT64_MAX, UINT64_MAX - 1,
		UINT64_C(0x123456789abcdef0) };

	return next(state) % 5 ? numbers[next(state) % 23] : next(state) * next(state);
}

static void expect_answers(struct question (*make)(uint64_t *state), uint64_t *state)
{
	struct question questions[MOST_QUESTIONS];
	uint64_t answers[MOST_QUESTIONS];

	for (int i = 0; i < MOST_QUESTIONS; i++) {
		questions[i] = make(state);
		questions[i].dst = some_number(state);
		questions[i].operand = some_number(state);
	}
	if (!ask_kernel(questions, MOST_QUESTIONS, answers))
		cr_skip_test("skipped: the kernel does not know these instructions");
	for (int i = 0; i < MOST_QUESTIONS; i++) {
		const struct question *q = &questions[i];
		uint64_t operand = q->operand;
		bool moves = BPF_OP(q->insn.code) == BPF_MOV && !q->compares;
		uint64_t expected =
			q->compares
				? (number_compare(BPF_OP(q->insn.code),
					   BPF_CLASS(q->insn.code) == BPF_JMP32, q->dst, operand)
						  ? q->dst & 3
						  : 2)
				: number_compute(&q->insn, moves ? operand : q->dst, operand);

		cr_assert_eq(answers[i], expected, "0x%02x/%d/%d, %llx, %llx: %llx, not %llx",
			q->insn.code, q->insn.off, q->insn.imm, (unsigned long long)q->dst,
			(unsigned long long)operand, (unsigned long long)answers[i],
			(unsigned long long)expected);
	}
}

static struct question old_operation(uint64_t *state)
{
	static const uint8_t operations[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND,
		BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR, BPF_MOV, BPF_ARSH };
	uint8_t class = next(state) % 2 ? BPF_ALU : BPF_ALU64;
	struct question question = { 0 };

	if (next(state) % 8 == 0)
		question.insn = INSN(class | BPF_NEG, BPF_REG_0, 0, 0, 0);
	else if (next(state) % 8 == 0)
		question.insn = INSN(BPF_ALU | BPF_END | (next(state) % 2 ? BPF_TO_BE : BPF_TO_LE),
			BPF_REG_0, 0, 0, 16 << next(state) % 3);
	else
		question.insn = INSN(
			class | operations[next(state) % 12] | BPF_X, BPF_REG_0, BPF_REG_1, 0, 0);
	return question;
}

/* Of 6.6: division with a sign, moves that extend one, unconditional byte swaps. */
static struct question new_operation(uint64_t *state)
{
	uint8_t class = next(state) % 2 ? BPF_ALU : BPF_ALU64;
	struct question question = { 0 };

	switch (next(state) % 3) {
	case 0:
		question.insn = INSN(class | (next(state) % 2 ? BPF_DIV : BPF_MOD) | BPF_X,
			BPF_REG_0, BPF_REG_1, 1, 0);
		break;
	case 1:
		question.insn = INSN(class | BPF_MOV | BPF_X, BPF_REG_0, BPF_REG_1,
			(int16_t)(8 << next(state) % (class == BPF_ALU ? 2 : 3)), 0);
		break;
	default:
		question.insn = INSN(BPF_ALU64 | BPF_END, BPF_REG_0, 0, 0, 16 << next(state) % 3);
		break;
	}
	return question;
}

static struct question comparison(uint64_t *state)
{
	static const uint8_t operations[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE,
		BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET };
	uint8_t class = next(state) % 2 ? BPF_JMP : BPF_JMP32;

	return (struct question){
		.insn = INSN(
			class | operations[next(state) % 11] | BPF_X, BPF_REG_0, BPF_REG_1, 0, 0),
		.compares = true,
	};
}

#define ROUNDS 20

Test(flow, numbers_become_what_the_kernel_makes_of_them)
{
	uint64_t state = 1;

	for (int i = 0; i < ROUNDS; i++)
		expect_answers(old_operation, &state);
}

Test(flow, numbers_become_what_newer_kernels_make_of_them)
{
	uint64_t state = 2;

	for (int i = 0; i < ROUNDS; i++)
		expect_answers(new_operation, &state);
}

Test(flow, branches_go_where_the_kernel_goes)
{
	uint64_t state = 3;

	for (int i = 0; i < ROUNDS; i++)
		expect_answers(comparison, &state);
}
