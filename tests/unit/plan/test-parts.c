/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What of an attachment is made anew, for each kind of damage: the slot, with it dispatcher and
 * link; the dispatcher, with it the link; the link; the program in the slot.
 */
#include "tests/unit/plan/world.h"

#include <string.h>

SUITE(parts);

static struct world world;
static struct state_attachment *damaged;

/* A healthy world whose second attachment the test damages. */
static void begin(void)
{
	world_applied(&world);
	damaged = world_attachment(&world, 1);
}

static void expect_parts(unsigned int parts, bool stale_link, const char *reason)
{
	const struct plan *plan = world_plan(&world);
	const struct plan_step *step = &plan->steps.items[5];

	expect_no_diagnostics();
	expect_counts(plan, 5, 0, 1, 0);
	expect_step(plan, 5, PLAN_ATTACHMENT, PLAN_UPDATE, "pairs:stream_verdict");
	cr_assert_eq(step->parts, parts, "parts %x", step->parts);
	cr_assert_eq(step->stale_link, stale_link);
	cr_assert_str_eq(step->reason, reason);
	cr_assert_eq(step->old, damaged);
	cr_assert(plan_changes(plan));
}

Test(parts, no_attachment_at_all)
{
	const struct plan *plan;

	begin();
	world.state.attachments.count = 1;
	world.state.attachment_names = (struct name_index){ 0 };
	name_index_add(&arena, &world.state.attachment_names, "pairs:stream_parser", 0);
	plan = world_plan(&world);
	expect_counts(plan, 5, 1, 0, 0);
	expect_step(plan, 5, PLAN_ATTACHMENT, PLAN_CREATE, "pairs:stream_verdict");
	cr_assert_eq(plan->steps.items[5].parts, 15);
	cr_assert_null(plan->steps.items[5].reason);
}

Test(parts, slot_missing)
{
	begin();
	damaged->slot.id = damaged->slot.program = 0;
	expect_parts(PLAN_SLOT | PLAN_DISPATCHER | PLAN_LINK | PLAN_PROGRAM_IN_SLOT, true,
		"its slot was gone");
}

Test(parts, slot_and_link_missing)
{
	begin();
	damaged->slot.id = damaged->slot.program = damaged->link.id = 0;
	expect_parts(PLAN_SLOT | PLAN_DISPATCHER | PLAN_LINK | PLAN_PROGRAM_IN_SLOT, false,
		"its slot was gone");
}

Test(parts, dispatcher_missing)
{
	begin();
	damaged->dispatcher.id = 0;
	expect_parts(PLAN_DISPATCHER | PLAN_LINK, true, "its dispatcher was gone");
}

Test(parts, dispatcher_uses_another_slot)
{
	begin();
	damaged->dispatcher.slot = ID_SLOT;
	expect_parts(PLAN_DISPATCHER | PLAN_LINK, true, "its dispatcher was gone");
}

Test(parts, link_missing)
{
	begin();
	damaged->link.id = damaged->link.program = damaged->link.target = damaged->link.type = 0;
	expect_parts(PLAN_LINK, false, "it was detached");
}

/* Each value of a link by itself; only one of them is wrong each time. */
Test(parts, link_has_no_pin)
{
	begin();
	damaged->link.id = 0;
	expect_parts(PLAN_LINK, false, "it was detached");
}

Test(parts, link_detached)
{
	begin();
	damaged->link.target = 0;
	expect_parts(PLAN_LINK, true, "its link was detached");
}

Test(parts, link_on_another_map)
{
	begin();
	damaged->link.target = ID_OTHER_MAP;
	expect_parts(PLAN_LINK, true, "its link was on another map");
}

Test(parts, link_of_another_program)
{
	begin();
	damaged->link.program = ID_VERDICT;
	expect_parts(PLAN_LINK, true, "its link ran a program that was not its dispatcher");
}

Test(parts, link_of_another_type)
{
	begin();
	damaged->link.type = BPF_SK_SKB_VERDICT;
	expect_parts(PLAN_LINK, true, "its link was of another attach type");
}

Test(parts, slot_empty)
{
	begin();
	damaged->slot.program = 0;
	expect_parts(PLAN_PROGRAM_IN_SLOT, false, "takes effect for every socket at once");
}

Test(parts, slot_runs_another_program)
{
	begin();
	damaged->slot.program = ID_PARSER;
	expect_parts(PLAN_PROGRAM_IN_SLOT, false, "takes effect for every socket at once");
}

Test(parts, dispatcher_missing_and_slot_empty)
{
	begin();
	damaged->dispatcher.id = damaged->slot.program = 0;
	expect_parts(PLAN_DISPATCHER | PLAN_LINK | PLAN_PROGRAM_IN_SLOT, true,
		"its dispatcher was gone");
}

/* The pin of the program is gone while the slot runs it: it is loaded, and put in the slot. */
Test(parts, program_pin_missing)
{
	const struct plan *plan;

	begin();
	world.state.programs.count = 1;
	world.state.program_files = (struct name_index){ 0 };
	name_index_add(&arena, &world.state.program_files, world.state.programs.items[0].file, 0);
	plan = world_plan(&world);
	expect_step(plan, 3, PLAN_PROGRAM, PLAN_CREATE, "verdict");
	cr_assert_eq(plan->steps.items[5].parts, PLAN_PROGRAM_IN_SLOT);
}

/* The same map, another attach type: one goes, one comes. */
Test(parts, another_attach_type)
{
	const struct plan *plan;

	begin();
	damaged->kind = attach_kind_named("skb_verdict");
	damaged->name = damaged->title = "pairs:skb_verdict";
	world.state.attachment_names = (struct name_index){ 0 };
	name_index_add(&arena, &world.state.attachment_names, "pairs:stream_parser", 0);
	name_index_add(&arena, &world.state.attachment_names, "pairs:skb_verdict", 1);
	plan = world_plan(&world);
	expect_counts(plan, 5, 1, 0, 1);
	expect_step(plan, 5, PLAN_ATTACHMENT, PLAN_CREATE, "pairs:stream_verdict");
	expect_step(plan, 6, PLAN_ATTACHMENT, PLAN_DELETE, "pairs:skb_verdict");
}
