/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Views: how diagnostics, plans and states look, as text and as JSON. */
#pragma once

#include "lib/kernel/probe.h"
#include "lib/plan/plan.h"
#include "lib/report/sink.h"
#include "lib/selftest/selftest.h"

/*
 * All diagnostics in the order of the text. As text: place, code, message, source line, caret and
 * hint, then a count; as JSON: one object with the array "diagnostics". Nothing at all for an empty
 * list. What is wrong in a template is followed by the places that use it, in JSON the array "uses".
 * `verbose` adds details, such as the verifier's whole log. Carets are placed by the widths
 * of characters in LC_CTYPE.
 */
void report_diagnostics(struct sink *sink, struct diagnostics *diagnostics, bool verbose);

/* Columns of the names; a longer one, such as the path of a container's cgroup, moves its own row. */
#define REPORT_NAME_WIDTH 32

enum report_tense {
	REPORT_PLANNED, /* "3 to create" */
	REPORT_DONE,    /* "3 created in 0.9 ms" */
};

/*
 * Plans: a line per step that changes something, in the words of a diff, and what was counted.
 * `milliseconds` is shown for what was done.
 */
void report_plans(struct sink *sink, const struct plan *const *plans, size_t count,
	enum report_tense tense, double milliseconds);

/* What `sockform status` shows of one deployment. */
struct report_status {
	const struct state *state;
	state_drifts drifts;
};

void report_states(struct sink *sink, const struct report_status *states, size_t count);

/* What `sockform build` shows of one deployment. */
struct report_build {
	const struct manifest *manifest;
	const struct bpfasm_code *const *codes; /* by position in the manifest's programs */
};

/*
 * Listings. As text: each line of the manifest above the instructions that come from it, with their
 * addresses, where jumps lead and whose block it is; what stands behind an address is assembly.
 */
void report_builds(struct sink *sink, const struct report_build *builds, size_t count);

/*
 * The JSON Schema (draft 2020-12) of the manifest, from the tables that decode it. It judges what a
 * YAML 1.2 loader makes of a manifest: it accepts all that sockform accepts, and what it cannot
 * know (names, places in the text, values that depend on another object) it leaves to sockform.
 * Always JSON, whatever the sink's format is.
 */
void report_schema(struct sink *sink, struct arena *arena);

/* The same of what plan, apply, delete and detach write as JSON, and of what status writes. */
void report_plan_schema(struct sink *sink, struct arena *arena);
void report_status_schema(struct sink *sink, struct arena *arena);

/*
 * Features, group by group, and what the missing ones cost. As text, those that only assembly asks for
 * are counted.
 */
void report_features(struct sink *sink, struct arena *arena, const probe_features *features);

/* What the self-test found; of a fault also what it means and what can be done. */
void report_selftest(struct sink *sink, const selftest_results *results);

/* What features shows: a word for the state, and behind it a name and what is said of it. */
#define REPORT_STATE_WIDTH 7
#define REPORT_DETAIL_COLUMN (2 + REPORT_STATE_WIDTH + 2)

/* Text in lines of at most 80 columns, each behind so many blanks, and the end of the last one. */
void report_wrapped(struct sink *sink, int indent, const char *text);

/* What `sockform validate` says of manifests without errors: deployments, then libraries. */
void report_valid(struct sink *sink, const struct manifest *const *manifests, size_t count);
