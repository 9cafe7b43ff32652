/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside the room: how probes ask, and how an answer becomes a feature. */
#pragma once

#include "lib/kernel/privilege.h"
#include "lib/kernel/probe.h"

/* Enough for what the verifier says of a few instructions. */
#define PROBE_LOG_BYTES (1 << 16)

struct prober {
	struct arena *arena;
	const struct kernel *kernel;
	uint64_t capabilities; /* effective: a bit each */
	char *log;             /* PROBE_LOG_BYTES: of the last program that was loaded with it */
	probe_features *features;
};

/*
 * A question: a descriptor, which whoever asks closes, or 0 for yes; a negative errno for no, or for
 * what kept it from being asked. `of` is the subject where one question is asked of many.
 */
typedef int probe_question(struct prober *prober, const void *of);

/* What is asked, in the words of struct probe_feature. */
struct probe_row {
	const char *group, *name, *needed_by, *costs;
	uint64_t needs; /* capabilities; a bit each */
	probe_question *ask;
	const void *of;
};

/* Asks, and adds the feature. */
void prober_ask(struct prober *prober, const struct probe_row *row);
void prober_ask_all(struct prober *prober, const struct probe_row *rows, size_t count);

/* Adds the feature that an answer amounts to; it is valid until the next is added. */
struct probe_feature *prober_answer(struct prober *prober, const struct probe_row *row, int answer);

/* A program without a name. `log`: what the verifier says is in the prober's. */
struct probe_program {
	uint32_t type;
	const struct bpf_insn *instructions;
	size_t count;
};

int prober_load(struct prober *prober, const struct probe_program *program, bool log);

/* The assembler's code, its only map being `map`; -1: it uses none. */
int prober_load_code(struct prober *prober, const struct bpfasm_code *code, int map);

/* A map of that type, the key and the value as small as it takes them. */
int prober_make_map(const struct map_kind *kind);

/* probe_process.c, probe_map.c, probe_helper.c, probe_hook.c, probe_socket.c */
void probe_process(struct prober *prober);
void probe_maps(struct prober *prober);
void probe_programs(struct prober *prober);
void probe_helpers(struct prober *prober);
void probe_hooks(struct prober *prober);
void probe_sockets(struct prober *prober);
