/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A manifest, and hand-made states that fit it; the tests of planning damage those. */
#pragma once

#include "tests/unit/support.h"

#include "lib/plan/plan.h"

/* Identifiers that the states use. */
enum {
	ID_MAP = 10,
	ID_OTHER_MAP,
	ID_PARSER = 20,
	ID_VERDICT,
	ID_OLD_VERDICT,
	ID_SLOT = 30,
	ID_DISPATCHER = 40,
	ID_LINK = 50,
};

struct world {
	const struct manifest *manifest;
	const struct bpfasm_code **codes;
	struct state state;
	bool replaces; /* maps may be replaced */
};

/* The manifest of world.c with nothing in the kernel, and with everything as applied. */
void world_empty(struct world *world);
void world_applied(struct world *world);

/* Adds a map to those that a program of the state was loaded with. */
void world_uses_map(struct world *world, size_t program, uint32_t map);

/* Adds the pin of a program to the state; a "verdict" uses ID_MAP. */
void world_add_program(struct world *world, const char *name, uint64_t digest, uint32_t id);

/* The digest of a program of the manifest. */
uint64_t world_digest(const struct world *world, const char *name);

/* Attachment 0 hangs the parser on "pairs", 1 the verdict. */
struct state_attachment *world_attachment(struct world *world, size_t at);

const struct plan *world_plan(struct world *world);

void expect_step(const struct plan *plan, size_t at, enum plan_object object,
	enum plan_action action, const char *name);
void expect_counts(
	const struct plan *plan, size_t keep, size_t create, size_t update, size_t delete);
