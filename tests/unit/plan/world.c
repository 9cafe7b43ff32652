/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/unit/plan/world.h"

#include <string.h>

static const char text[] =
	"sockform: v1\n"
	"name: echo\n"
	"maps:\n"
	"  pairs: { type: sockhash, key: [cookie], max_entries: 64 }\n"
	"  spare: { type: sockmap, max_entries: 2 }\n"
	"programs:\n"
	"  parser: { type: sk_skb, body: ['r0 = *(u32 *)(r1 + 0)', exit] }\n"
	"  verdict:\n"
	"    type: sk_skb\n"
	"    body: [sk_redirect_hash: { map: pairs, key: self, on_miss: drop }, exit]\n"
	"attachments:\n"
	"  - { program: parser, target: pairs, attach_type: stream_parser }\n"
	"  - { program: verdict, target: pairs, attach_type: stream_verdict }\n";

void world_empty(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->manifest = valid_manifest(text);
	world->codes = manifest_assemble(&arena, world->manifest, &diagnostics);
	world->state.deployment = "echo";
	expect_no_diagnostics();
}

uint64_t world_digest(const struct world *world, const char *name)
{
	return world->codes[name_index_find(&world->manifest->program_names, name)]->digest;
}

void world_uses_map(struct world *world, size_t program, uint32_t map)
{
	struct state_program *is = &world->state.programs.items[program];

	is->maps[is->map_count++] = map;
}

void world_add_program(struct world *world, const char *name, uint64_t digest, uint32_t id)
{
	struct state *state = &world->state;
	const char *file = state_program_file(&arena, name, digest);

	state_add_program(&arena, state,
		(struct state_program){ .file = file, .name = name, .digest = digest, .id = id });
	if (strcmp(name, "verdict") == 0)
		world_uses_map(world, state->programs.count - 1, ID_MAP);
}

static void add_attachment(struct world *world, const char *type, uint32_t program)
{
	struct state *state = &world->state;
	uint32_t number = (uint32_t)state->attachments.count;
	struct state_attachment *attachment = vec_add(&arena, &state->attachments);

	attachment->kind = attach_kind_named(type);
	attachment->name = state_attachment_name(&arena, "pairs", attachment->kind);
	attachment->title = attachment->name;
	attachment->target = "pairs";
	attachment->slot.id = ID_SLOT + number;
	attachment->slot.program = program;
	attachment->dispatcher.id = ID_DISPATCHER + number;
	attachment->dispatcher.slot = attachment->slot.id;
	attachment->link.id = ID_LINK + number;
	attachment->link.program = attachment->dispatcher.id;
	attachment->link.target = ID_MAP;
	attachment->link.type = attachment->kind->type;
	name_index_add(&arena, &state->attachment_names, attachment->name, number);
}

void world_applied(struct world *world)
{
	world_empty(world);
	world->state.exists = true;
	world->state.layout = STATE_LAYOUT;
	state_add_map(
		&arena, &world->state, (struct state_map){ "pairs", ID_MAP, 18, 8, 8, 64, 0, 3 });
	state_add_map(&arena, &world->state,
		(struct state_map){ "spare", ID_OTHER_MAP, 15, 4, 8, 2, 0, -1 });
	world_add_program(world, "parser", world_digest(world, "parser"), ID_PARSER);
	world_add_program(world, "verdict", world_digest(world, "verdict"), ID_VERDICT);
	add_attachment(world, "stream_parser", ID_PARSER);
	add_attachment(world, "stream_verdict", ID_VERDICT);
}

struct state_attachment *world_attachment(struct world *world, size_t at)
{
	return &world->state.attachments.items[at];
}

const struct plan *world_plan(struct world *world)
{
	const struct plan_request request = { .manifest = world->manifest,
		.codes = world->codes,
		.state = &world->state,
		.replaces = world->replaces };

	return plan_make(&arena, &request, &diagnostics);
}

void expect_step(const struct plan *plan, size_t at, enum plan_object object,
	enum plan_action action, const char *name)
{
	const struct plan_step *step = &plan->steps.items[at];

	cr_assert_lt(at, plan->steps.count, "there are only %zu steps", plan->steps.count);
	cr_assert_str_eq(step->name, name);
	cr_assert_eq(step->object, object, "%s: object %d", name, step->object);
	cr_assert_eq(step->action, action, "%s: action %d", name, step->action);
}

void expect_counts(
	const struct plan *plan, size_t keep, size_t create, size_t update, size_t delete)
{
	cr_assert_eq(plan->counts[PLAN_KEEP], keep, "%zu kept", plan->counts[PLAN_KEEP]);
	cr_assert_eq(plan->counts[PLAN_CREATE], create, "%zu created", plan->counts[PLAN_CREATE]);
	cr_assert_eq(plan->counts[PLAN_UPDATE], update, "%zu updated", plan->counts[PLAN_UPDATE]);
	cr_assert_eq(plan->counts[PLAN_DELETE], delete, "%zu deleted", plan->counts[PLAN_DELETE]);
	cr_assert_eq(plan->steps.count, keep + create + update + delete);
}
