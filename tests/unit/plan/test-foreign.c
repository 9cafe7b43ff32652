/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What is not ours, what is remembered, and that the order in the file decides nothing. */
#include "tests/unit/plan/world.h"

#include <string.h>

SUITE(foreign);

static struct world world;

static const struct plan *plan_with(bool forces)
{
	const struct plan_request request = { .manifest = world.manifest,
		.codes = world.codes,
		.state = &world.state,
		.source = "/etc/echo.yaml",
		.forces = forces };

	return plan_make(&arena, &request, &diagnostics);
}

/* The state remembers where it is from: nothing else is to do. */
static void begin(void)
{
	world_applied(&world);
	world.state.source = "/etc/echo.yaml";
}

static void expect_refused(const char *message)
{
	plan_with(false);
	cr_assert_eq(diagnostics.errors, 1, "%zu errors", diagnostics.errors);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0411);
	cr_assert_str_eq(diagnostics.list.items[0].message, message);
	cr_assert_str_eq(
		diagnostics.list.items[0].hint, "with --force it is taken over, or replaced");
}

Test(foreign, a_map_that_would_do_is_taken_over)
{
	const struct plan *plan;

	begin();
	world.state.maps.items[0].foreign = true;
	world.state.maps.items[0].entries = -1;
	plan = plan_with(true);
	expect_no_diagnostics();
	expect_step(plan, 0, PLAN_MAP, PLAN_UPDATE, "pairs");
	cr_assert_str_eq(
		plan->steps.items[0].reason, "takes over map 10, which sockform did not make");
	expect_refused("in the place of map \"pairs\" is map 10, which sockform did not make");
}

Test(foreign, what_a_map_brings_with_it_is_said)
{
	static const struct {
		int64_t entries;
		const char *reason;
	} cases[] = {
		{ 0, "takes over map 10, which sockform did not make, with 0 sockets in it" },
		{ 1, "takes over map 10, which sockform did not make, with 1 socket in it" },
		{ 12, "takes over map 10, which sockform did not make, with 12 sockets in it" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		world.state.maps.items[0].foreign = true;
		world.state.maps.items[0].entries = cases[i].entries;
		cr_assert_str_eq(plan_with(true)->steps.items[0].reason, cases[i].reason);
	}
}

/* Whose data it is does not matter to --replace: it is not ours to lose. */
Test(foreign, a_map_that_would_not_do_makes_room)
{
	const struct plan *plan;

	begin();
	world.state.maps.items[0].foreign = true;
	world.state.maps.items[0].max_entries = 7;
	plan = plan_with(true);
	expect_no_diagnostics();
	expect_step(plan, 0, PLAN_MAP, PLAN_REPLACE, "pairs");
	cr_assert(!plan->steps.items[0].loses_sockets);
}

/* Never run what somebody else pinned under our digest. */
Test(foreign, a_program_is_loaded_anew)
{
	const struct plan *plan;

	begin();
	world.state.programs.items[1].foreign = true;
	plan = plan_with(true);
	expect_no_diagnostics();
	expect_step(plan, 3, PLAN_PROGRAM, PLAN_UPDATE, "verdict");
	cr_assert_not_null(plan->steps.items[3].code);
	expect_refused(
		"in the place of program \"verdict\" is program 21, which sockform did not make");
}

Test(foreign, each_part_of_an_attachment)
{
	static const struct {
		size_t member;
		const char *message;
	} cases[] = {
		{ offsetof(struct state_attachment, slot.foreign),
			"in the place of the slot of \"pairs:stream_verdict\" is map 31, which "
			"sockform did not make" },
		{ offsetof(struct state_attachment, dispatcher.foreign),
			"in the place of the dispatcher of \"pairs:stream_verdict\" is program 41, "
			"which sockform did not make" },
		{ offsetof(struct state_attachment, link.foreign),
			"in the place of the link of \"pairs:stream_verdict\" is link 51, which "
			"sockform did not make" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct plan *plan;

		begin();
		*(bool *)((char *)world_attachment(&world, 1) + cases[i].member) = true;
		plan = plan_with(true);
		expect_no_diagnostics();
		expect_step(plan, 5, PLAN_ATTACHMENT, PLAN_UPDATE, "pairs:stream_verdict");
		cr_assert(plan->steps.items[5].parts & PLAN_LINK);
		expect_refused(cases[i].message);
		diagnostics = (struct diagnostics){ .arena = &arena };
	}
}

/* Taken out of the manifest it would lose its map and its program, and go on running. */
Test(foreign, what_runs_of_an_attachment_is_not_left_behind)
{
	struct state_attachment *old;
	struct manifest without;

	begin();
	old = world_attachment(&world, 1);
	old->dispatcher.foreign = true;
	without = *world.manifest;
	without.attachments.count = 0;
	world.manifest = &without;
	plan_with(false);
	cr_assert_eq(diagnostics.errors, 1);
	cr_assert_str_eq(diagnostics.list.items[0].message,
		"the dispatcher of \"pairs:stream_verdict\" is program 41, which "
		"sockform did not make");
	diagnostics = (struct diagnostics){ .arena = &arena };
	/* Of one that does not run, it is in nobody's way. */
	old->link.target = 0;
	plan_with(false);
	expect_no_diagnostics();
}

/* Nobody's way: it stays, unless that is forced. */
Test(foreign, what_nobody_wants_is_left)
{
	begin();
	state_add_map(&arena, &world.state,
		(struct state_map){ "theirs", 99, 15, 4, 8, 2, 0, -1, .foreign = true });
	cr_assert(!plan_changes(plan_with(false)));
	expect_no_diagnostics();
	expect_counts(plan_with(true), 6, 0, 0, 1);
	plan_teardown(&arena, &world.state, false, NULL, &diagnostics);
	cr_assert_eq(diagnostics.errors, 1);
	cr_assert_str_eq(diagnostics.list.items[0].message,
		"map \"theirs\" is map 99, which sockform did not make");
}

Test(foreign, strangers_in_the_way_and_not)
{
	begin();
	*vec_add(&arena, &world.state.strangers) = "/bpf/echo/maps/other";
	*vec_add(&arena, &world.state.outsiders) = "/bpf/echo/folder";
	cr_assert(!plan_changes(plan_with(false)));
	expect_no_diagnostics();
	plan_teardown(&arena, &world.state, false, NULL, &diagnostics);
	cr_assert_eq(diagnostics.errors, 2);
	diagnostics = (struct diagnostics){ .arena = &arena };
	*vec_add(&arena, &world.state.strangers) = "/bpf/echo/maps/pairs";
	plan_with(false);
	cr_assert_eq(diagnostics.errors, 1);
	cr_assert_str_eq(diagnostics.list.items[0].message,
		"/bpf/echo/maps/pairs is nothing that sockform made");
}

/* The name under which something gets to its place is ours, where anything has to. */
Test(foreign, a_stranger_called_like_what_is_on_its_way)
{
	begin();
	*vec_add(&arena, &world.state.strangers) = "/bpf/echo/maps/pairs+new";
	cr_assert(!plan_has_work(plan_with(false)));
	expect_no_diagnostics();
	world.state.source = "/srv/echo.yaml";
	plan_with(false);
	cr_assert_eq(diagnostics.errors, 1);
	cr_assert_str_eq(diagnostics.list.items[0].message,
		"/bpf/echo/maps/pairs+new is nothing that sockform made");
	diagnostics = (struct diagnostics){ .arena = &arena };
	plan_with(true);
	expect_no_diagnostics();
}

Test(foreign, another_order_of_key_fields_is_a_difference)
{
	begin();
	world.state.maps.items[0].key = "[netns_cookie]";
	plan_with(false);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0501);
	cr_assert_str_eq(diagnostics.list.items[0].message,
		"map \"pairs\" would have to be replaced (key [netns_cookie] -> [cookie]): 3 "
		"sockets leave it");
}

Test(foreign, a_key_that_nobody_declared_is_none)
{
	begin();
	world.state.maps.items[0].key = NULL;
	cr_assert(!plan_changes(plan_with(false)));
	expect_no_diagnostics();
}

static void add_record(const char *file)
{
	struct state_record record = { .file = file };

	cr_assert(state_parse_record(&arena, "5 0 0 -", &record));
	state_add_record(&arena, &world.state, record);
}

Test(foreign, records_of_nothing_go)
{
	const struct plan *plan;

	begin();
	add_record("gone");
	add_record("gone@0123456789abcdef");
	add_record("pairs");
	plan = plan_with(false);
	cr_assert_eq(plan->stale_records.count, 2);
	cr_assert_str_eq(plan->stale_records.items[0], "gone");
	cr_assert(plan_changes(plan));
}

/* To remember another source is work, and no change. */
Test(foreign, another_source)
{
	const struct plan *plan;

	begin();
	world.state.source = "/srv/echo.yaml";
	plan = plan_with(false);
	cr_assert(!plan_changes(plan));
	cr_assert(plan_has_work(plan));
	cr_assert_str_eq(plan->source, "/etc/echo.yaml");
	cr_assert_str_eq(plan->note, "was applied from /srv/echo.yaml until now");
}

/* Maps, programs, attachments to maps, those to cgroups: whatever comes first in the file. */
Test(foreign, the_order_in_the_file_decides_nothing)
{
	static const char backwards[] =
		"attachments:\n"
		"  - { program: ops, target: /, attach_type: sock_ops }\n"
		"  - { program: verdict, target: pairs, attach_type: stream_verdict }\n"
		"programs:\n"
		"  ops: { type: sock_ops, body: [ sock_hash_update: { map: pairs, key: self }, "
		"r0 = 1, exit ] }\n"
		"  verdict:\n"
		"    body: [sk_redirect_hash: { map: pairs, key: self, on_miss: drop }, exit]\n"
		"    type: sk_skb\n"
		"maps:\n"
		"  pairs: { key: [local_port, remote_port], max_entries: 64, type: sockhash }\n"
		"name: echo\n"
		"sockform: v1\n";
	const struct plan *plan;

	world_empty(&world);
	world.manifest = valid_manifest(backwards);
	world.codes = manifest_assemble(&arena, world.manifest, &diagnostics);
	expect_no_diagnostics();
	state_add_cgroup(&arena, &world.state, (struct state_cgroup){ "/", 1 });
	plan = plan_with(false);
	expect_step(plan, 0, PLAN_MAP, PLAN_CREATE, "pairs");
	cr_assert_eq(plan->steps.items[1].object, PLAN_PROGRAM);
	cr_assert_eq(plan->steps.items[2].object, PLAN_PROGRAM);
	expect_step(plan, 3, PLAN_ATTACHMENT, PLAN_CREATE, "pairs:stream_verdict");
	expect_step(plan, 4, PLAN_ATTACHMENT, PLAN_CREATE, "/:sock_ops");
}
