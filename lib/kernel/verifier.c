/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The verifier's log, read backwards to what a user has to know. Of a log such as
 *
 *	; - r0 = *(u64 *)(r1 + 4096) @ bad.yaml:9
 *	0: (79) r0 = *(u64 *)(r1 +4096)
 *	invalid bpf_context access off=4096 size=8
 *	processed 1 insns (limit 1000000) max_states_per_insn 0 ...
 *
 * the last line that begins with an instruction's number tells where, and the last line that is
 * neither an instruction, nor a comment, nor a register dump, nor the statistics tells why.
 */
#include "lib/kernel/kernel.h"

#include <stdio.h>
#include <string.h>

struct verdict {
	long instruction; /* -1: the log names none */
	const char *text; /* the instruction as the verifier prints it; NULL */
	const char *reason;
};

static bool begins_with(const char *line, const char *prefix)
{
	return strncmp(line, prefix, strlen(prefix)) == 0;
}

/* "12: (85) call ..." gives 12 and sets *text behind the opcode. */
static long instruction_of(const char *line, const char **text)
{
	unsigned int opcode;
	long number;
	int used = 0;

	if (sscanf(line, "%ld: (%2x) %n", &number, &opcode, &used) == 2 && used) {
		*text = line + used;
		return number;
	}
	return -1;
}

/* Statistics, comments, state dumps ("0: R1=ctx() R10=fp0", "R0=...", "from 3 to 7: ..."). */
static bool is_noise(const char *line)
{
	long number;
	int used = 0;

	if (sscanf(line, "%ld: %n", &number, &used) == 1 && used)
		line += used;
	return !*line || begins_with(line, ";") || begins_with(line, "processed ") ||
	       begins_with(line, "from ") || begins_with(line, "func#") ||
	       begins_with(line, "Global function") || begins_with(line, "Func#") ||
	       begins_with(line, "mark_precise") || begins_with(line, "verification time") ||
	       begins_with(line, "stack depth") || begins_with(line, "safe") ||
	       (line[0] == 'R' && line[1] >= '0' && line[1] <= '9' && strchr(line, '='));
}

/* Faults found before simulation name the instruction in words: "jump out of range from insn 3 to
 * 9" */
static long instruction_in_words(const char *reason)
{
	const char *at = strstr(reason, "insn ");
	long number;

	return at && sscanf(at, "insn %ld", &number) == 1 ? number : -1;
}

static struct verdict read_log(struct arena *arena, const char *log)
{
	struct verdict verdict = { .instruction = -1 };
	size_t length;

	for (const char *at = log; *at; at += length + (at[length] == '\n')) {
		const char *line, *text = NULL;
		long number;

		length = strcspn(at, "\n");
		line = arena_copy(arena, at, length < 512 ? length : 512);
		number = instruction_of(line, &text);
		if (number >= 0) {
			verdict.instruction = number;
			verdict.text = text;
		} else if (!is_noise(line)) {
			verdict.reason = line;
		}
	}
	if (verdict.reason && verdict.instruction < 0)
		verdict.instruction = instruction_in_words(verdict.reason);
	return verdict;
}

/* "(18) r2 = 0xff...  ; R2=map_ptr(...)": what stands behind the semicolon is the state. */
static const char *without_state(struct arena *arena, const char *text)
{
	size_t length = strcspn(text, ";");

	while (length && text[length - 1] == ' ')
		length--;
	return arena_copy(arena, text, length);
}

void kernel_report_rejection(
	struct kernel *kernel, const struct bpfasm_code *code, int error, const char *log)
{
	struct verdict verdict = read_log(kernel->arena, log);
	const struct bpfasm_origin *origin = NULL;
	struct diagnostic *diagnostic;

	if (!*log) {
		diag_add(kernel->diagnostics, DIAG_E0402, code->mark,
			"the kernel did not load program \"%s\": %s", code->name,
			kernel_explain(kernel->arena, error));
		return;
	}
	if (verdict.instruction >= 0 && (size_t)verdict.instruction < code->origins.count)
		origin = &code->origins.items[verdict.instruction];
	diagnostic = diag_add(kernel->diagnostics, DIAG_E0401, origin ? origin->mark : code->mark,
		"the verifier rejected program \"%s\": %s", code->name,
		verdict.reason ? verdict.reason : strerror(-error));
	diagnostic->detail = log; /* allocated by the loader from the same arena */
	if (!origin)
		return;
	diagnostic->use = origin->use;
	diagnostic->hint = arena_printf(kernel->arena, "%s%s%sinstruction %ld%s%s",
		origin->block ? "block " : "", origin->block ? origin->block : "",
		origin->block ? ", " : "", verdict.instruction, verdict.text ? ": " : "",
		verdict.text ? without_state(kernel->arena, verdict.text) : "");
}
