/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Plans from hand-made states: maps, programs, leftovers, deletes. Attachments: test-parts.c. */
#include "tests/unit/plan/world.h"

#include <string.h>

SUITE(plan);

static const char verdict[] = "pairs:stream_verdict", parser[] = "pairs:stream_parser";

/* All kept but the first two steps that a test looks at itself. */
Test(plan, creates_everything_in_order)
{
	struct world world;
	const struct plan *plan;

	world_empty(&world);
	plan = world_plan(&world);
	expect_no_diagnostics();
	expect_counts(plan, 0, 6, 0, 0);
	expect_step(plan, 0, PLAN_MAP, PLAN_CREATE, "pairs");
	expect_step(plan, 1, PLAN_MAP, PLAN_CREATE, "spare");
	expect_step(plan, 2, PLAN_PROGRAM, PLAN_CREATE, "parser");
	expect_step(plan, 3, PLAN_PROGRAM, PLAN_CREATE, "verdict");
	expect_step(plan, 4, PLAN_ATTACHMENT, PLAN_CREATE, parser);
	expect_step(plan, 5, PLAN_ATTACHMENT, PLAN_CREATE, verdict);
	cr_assert(plan_changes(plan));
	cr_assert_str_eq(plan->deployment, "echo");
	cr_assert_eq(plan->manifest, world.manifest);
	cr_assert_eq(plan->state, &world.state);
	cr_assert(!plan->refresh_layout);
}

Test(plan, steps_carry_what_apply_needs)
{
	struct world world;
	const struct plan_step *steps;

	world_empty(&world);
	steps = world_plan(&world)->steps.items;
	cr_assert_eq(steps[0].map, &world.manifest->maps.items[0]);
	cr_assert_eq(steps[3].program, &world.manifest->programs.items[1]);
	cr_assert_eq(steps[3].code, world.codes[1]);
	cr_assert_str_eq(steps[3].file,
		state_program_file(&arena, "verdict", world_digest(&world, "verdict")));
	cr_assert_eq(steps[5].attachment, &world.manifest->attachments.items[1]);
	cr_assert_eq(
		steps[5].parts, PLAN_SLOT | PLAN_DISPATCHER | PLAN_LINK | PLAN_PROGRAM_IN_SLOT);
	cr_assert_null(steps[5].old);
	cr_assert(!steps[5].stale_link);
	for (size_t i = 0; i < 6; i++) {
		cr_assert_null(steps[i].reason);
		cr_assert_eq(steps[i].superseded.count, 0);
		cr_assert_not_null(steps[i].mark.source);
	}
	cr_assert_eq(steps[0].mark.line, 4);
	cr_assert_eq(steps[3].mark.line, 8);
	cr_assert_eq(steps[5].mark.line, 13);
}

Test(plan, details_describe_what_is_made)
{
	struct world world;
	const struct plan_step *steps;

	world_empty(&world);
	steps = world_plan(&world)->steps.items;
	cr_assert_str_eq(steps[0].detail, "sockhash [cookie], 64 entries");
	cr_assert_str_eq(steps[1].detail, "sockmap, 2 entries");
	cr_assert_str_eq(steps[2].detail, "sk_skb, 2 instructions");
	cr_assert_str_eq(steps[4].detail, "parser");
}

Test(plan, long_keys_are_told_by_their_size)
{
	struct world world;

	world_empty(&world);
	world.manifest = valid_manifest(
		"sockform: v1\nname: echo\nmaps:\n"
		"  m: { type: sockhash, max_entries: 1, key: [local_ip4, remote_port] }\n"
		"  n: { type: sockhash, max_entries: 1, key: [local_ip4, remote_ip4, family] }\n");
	cr_assert_str_eq(world_plan(&world)->steps.items[0].detail,
		"sockhash [local_ip4, remote_port], 1 entry");
	cr_assert_str_eq(
		world_plan(&world)->steps.items[1].detail, "sockhash, 10-byte keys, 1 entry");
}

/* No such program is right, so it is made by hand. */
Test(plan, one_instruction_is_no_plural)
{
	struct bpfasm_code code = { .name = "p", .kind = program_kind_named("sk_skb") };
	const struct bpfasm_code *codes[] = { &code };
	struct world world;

	world_empty(&world);
	world.manifest = valid_manifest("sockform: v1\nname: echo\nprograms: { p: { type: sk_skb, "
					"body: [sk_skb_pass] } }\n");
	vec_add(&arena, &code.instructions);
	world.codes = codes;
	cr_assert_str_eq(world_plan(&world)->steps.items[0].detail, "sk_skb, 1 instruction");
}

Test(plan, nothing_to_do)
{
	struct world world;
	const struct plan *plan;

	world_applied(&world);
	plan = world_plan(&world);
	expect_no_diagnostics();
	expect_counts(plan, 6, 0, 0, 0);
	cr_assert(!plan_changes(plan));
	for (size_t i = 0; i < 6; i++) {
		cr_assert_null(plan->steps.items[i].reason);
		cr_assert_null(plan->steps.items[i].code);
		cr_assert_eq(plan->steps.items[i].parts, 0);
	}
}

Test(plan, a_program_changed)
{
	struct world world;
	const struct plan *plan;
	const struct plan_step *step;

	world_applied(&world);
	world.state.programs.count = 1;
	world.state.program_files = (struct name_index){ 0 };
	name_index_add(&arena, &world.state.program_files, world.state.programs.items[0].file, 0);
	world_add_program(&world, "verdict", 0x1234, ID_VERDICT);
	plan = world_plan(&world);
	expect_counts(plan, 4, 0, 2, 0);
	step = &plan->steps.items[3];
	expect_step(plan, 3, PLAN_PROGRAM, PLAN_UPDATE, "verdict");
	cr_assert_str_eq(step->reason, "its code changed");
	cr_assert_eq(step->code, world.codes[1]);
	cr_assert_eq(step->superseded.count, 1);
	cr_assert_str_eq(step->superseded.items[0], "verdict@0000000000001234");
	step = &plan->steps.items[5];
	expect_step(plan, 5, PLAN_ATTACHMENT, PLAN_UPDATE, verdict);
	cr_assert_eq(step->parts, PLAN_PROGRAM_IN_SLOT);
	cr_assert_str_eq(step->reason, "takes effect for every socket at once");
	cr_assert(!step->stale_link);
	cr_assert_eq(step->old, world_attachment(&world, 1));
	cr_assert(plan_changes(plan));
}

/* An apply stopped after it had written the slot: the old pin is all that is left to remove. */
Test(plan, a_leftover_generation_is_removed)
{
	struct world world;
	const struct plan *plan;

	world_applied(&world);
	world_add_program(&world, "verdict", 0x1234, ID_OLD_VERDICT);
	plan = world_plan(&world);
	expect_counts(plan, 5, 0, 1, 0);
	expect_step(plan, 3, PLAN_PROGRAM, PLAN_UPDATE, "verdict");
	cr_assert_null(plan->steps.items[3].code);
	cr_assert_str_eq(plan->steps.items[3].reason, "an older generation is removed");
	cr_assert_eq(plan->steps.items[3].superseded.count, 1);
	cr_assert_str_eq(plan->steps.items[3].superseded.items[0], "verdict@0000000000001234");
	expect_step(plan, 5, PLAN_ATTACHMENT, PLAN_KEEP, verdict);
	cr_assert(plan_changes(plan));
}

/* An apply stopped before it had written the slot: the new pin is there, the old program runs. */
Test(plan, unfinished_work_is_finished)
{
	struct world world;
	const struct plan *plan;

	world_applied(&world);
	world_add_program(&world, "verdict", 0x1234, ID_OLD_VERDICT);
	world_attachment(&world, 1)->slot.program = ID_OLD_VERDICT;
	plan = world_plan(&world);
	expect_counts(plan, 4, 0, 2, 0);
	expect_step(plan, 5, PLAN_ATTACHMENT, PLAN_UPDATE, verdict);
	cr_assert_eq(plan->steps.items[5].parts, PLAN_PROGRAM_IN_SLOT);
}

static void remove_map(struct world *world)
{
	world->state.maps.items[0] = world->state.maps.items[1];
	world->state.maps.count = 1;
	world->state.map_names = (struct name_index){ 0 };
	name_index_add(&arena, &world->state.map_names, "spare", 0);
}

/* A program holds the maps it was loaded with: the same digest, and yet another program. */
Test(plan, a_program_is_loaded_anew_for_a_new_map)
{
	struct world world;
	const struct plan *plan;
	const struct plan_step *step;

	world_applied(&world);
	remove_map(&world);
	plan = world_plan(&world);
	expect_no_diagnostics();
	expect_step(plan, 0, PLAN_MAP, PLAN_CREATE, "pairs");
	expect_step(plan, 1, PLAN_MAP, PLAN_KEEP, "spare");
	expect_step(plan, 2, PLAN_PROGRAM, PLAN_KEEP, "parser");
	expect_step(plan, 3, PLAN_PROGRAM, PLAN_UPDATE, "verdict");
	step = &plan->steps.items[3];
	cr_assert_str_eq(step->reason, "loaded anew, because one of its maps is another");
	cr_assert_eq(step->code, world.codes[1]);
	cr_assert_eq(step->superseded.count, 0);
	cr_assert_eq(plan->steps.items[4].parts, PLAN_LINK);
	cr_assert_eq(plan->steps.items[5].parts, PLAN_LINK | PLAN_PROGRAM_IN_SLOT);
	cr_assert(plan->steps.items[4].stale_link && plan->steps.items[5].stale_link);
	expect_counts(plan, 2, 1, 3, 0);
}

/* The pin of the map was removed and made again behind the program's back. */
Test(plan, a_program_is_loaded_anew_for_another_map_of_the_same_name)
{
	struct world world;
	const struct plan *plan;

	world_applied(&world);
	world.state.maps.items[0].id = 99;
	plan = world_plan(&world);
	expect_step(plan, 0, PLAN_MAP, PLAN_KEEP, "pairs");
	expect_step(plan, 2, PLAN_PROGRAM, PLAN_KEEP, "parser");
	expect_step(plan, 3, PLAN_PROGRAM, PLAN_UPDATE, "verdict");
	cr_assert_eq(plan->steps.items[3].code, world.codes[1]);
	cr_assert_eq(plan->steps.items[5].parts, PLAN_LINK | PLAN_PROGRAM_IN_SLOT);
}

/* More maps than it has to use are no reason: the kernel may know of others. */
Test(plan, a_program_may_use_other_maps_as_well)
{
	struct world world;

	world_applied(&world);
	world_uses_map(&world, 1, 77);
	world.state.programs.items[1].maps[0] = 77;
	world.state.programs.items[1].maps[1] = ID_MAP;
	cr_assert(!plan_changes(world_plan(&world)));
}

Test(plan, leftovers_are_something_to_do)
{
	struct world world;
	const struct plan *plan;

	world_applied(&world);
	*vec_add(&arena, &world.state.leftovers) =
		(struct state_leftover){ "programs/verdict@0000000000000001+new", false };
	plan = world_plan(&world);
	expect_counts(plan, 6, 0, 0, 0);
	cr_assert(plan_changes(plan));
}

/* E0501 with one property each; the plan is then not to be applied. */
static void expect_refusal(struct world *world, const char *difference)
{
	world_plan(world);
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0501, 4, 3,
		arena_printf(&arena,
			"map \"pairs\" would have to be replaced (%s): 3 sockets leave it",
			difference));
	cr_assert_eq(diag_exit_code(&diagnostics), 3);
}

Test(plan, a_map_of_another_type_is_refused)
{
	struct world world;

	world_applied(&world);
	world.state.maps.items[0].type = BPF_MAP_TYPE_SOCKMAP;
	expect_refusal(&world, "type sockmap -> sockhash");
	expect_hint(0, "apply --replace does it");
}

Test(plan, a_map_of_a_type_unknown_here_is_refused)
{
	struct world world;

	world_applied(&world);
	world.state.maps.items[0].type = BPF_MAP_TYPE_CPUMAP;
	world_plan(&world);
	expect_diagnostic(0, DIAG_E0501, 4, 3,
		"map \"pairs\" would have to be replaced (type a map of another type -> sockhash): "
		"3 entries are lost");
}

/* What is lost is counted, where it can be. */
Test(plan, what_is_lost_by_replacing)
{
	static const struct {
		uint32_t type;
		int64_t entries;
		const char *text;
	} cases[] = { { BPF_MAP_TYPE_SOCKMAP, 0, "it is empty" },
		{ BPF_MAP_TYPE_SOCKMAP, 1, "1 socket leaves it" },
		{ BPF_MAP_TYPE_SOCKMAP, -28, "its sockets leave it" },
		{ BPF_MAP_TYPE_HASH, 1, "1 entry is lost" },
		{ BPF_MAP_TYPE_HASH, 2, "2 entries are lost" },
		{ BPF_MAP_TYPE_ARRAY, 2, "2 values are lost" },
		{ BPF_MAP_TYPE_ARRAY, 1, "1 value is lost" },
		{ BPF_MAP_TYPE_LPM_TRIE, -22, "what is in it is lost" } };
	struct world world;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct plan *plan;

		diagnostics = (struct diagnostics){ .arena = &arena };
		world_applied(&world);
		world.replaces = true;
		world.state.maps.items[0].type = cases[i].type;
		world.state.maps.items[0].entries = cases[i].entries;
		plan = world_plan(&world);
		expect_no_diagnostics();
		cr_assert_str_eq(
			strstr(plan->steps.items[0].reason, ": replaced, ") + 12, cases[i].text);
	}
}

/* Programs that use the map are loaded anew, and what hangs on it is attached to the other one. */
Test(plan, a_map_that_is_replaced)
{
	const struct plan *plan;
	struct world world;

	world_applied(&world);
	world.replaces = true;
	world.state.maps.items[0].max_entries = 128;
	plan = world_plan(&world);
	expect_no_diagnostics();
	expect_step(plan, 0, PLAN_MAP, PLAN_REPLACE, "pairs");
	cr_assert_str_eq(
		plan->steps.items[0].reason, "max_entries 128 -> 64: replaced, 3 sockets leave it");
	expect_step(plan, 1, PLAN_MAP, PLAN_KEEP, "spare");
	expect_step(plan, 2, PLAN_PROGRAM, PLAN_KEEP, "parser");
	expect_step(plan, 3, PLAN_PROGRAM, PLAN_UPDATE, "verdict");
	cr_assert_str_eq(
		plan->steps.items[3].reason, "loaded anew, because one of its maps is another");
	for (size_t i = 4; i < 6; i++) {
		cr_assert_eq(plan->steps.items[i].action, PLAN_UPDATE);
		cr_assert(plan->steps.items[i].parts & PLAN_LINK);
		cr_assert(plan->steps.items[i].stale_link);
		cr_assert_str_eq(plan->steps.items[i].reason, "its map is replaced");
	}
	cr_assert_eq(plan->counts[PLAN_REPLACE], 1);
}

/* The kernel rounds what an LRU map per processor may hold to as many for each. */
Test(plan, rounded_max_entries_are_no_difference)
{
	static const struct {
		uint32_t granule, there;
		bool same;
	} cases[] = { { 0, 64, true }, { 0, 65, false }, { 6, 66, true }, { 6, 64, false },
		{ 64, 64, true }, { 128, 128, true } };
	struct world world;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		diagnostics = (struct diagnostics){ .arena = &arena };
		world_applied(&world);
		world.state.maps.items[0].granule = cases[i].granule;
		world.state.maps.items[0].max_entries = cases[i].there;
		world_plan(&world);
		cr_assert_eq(diagnostics.errors == 0, cases[i].same, "%zu", i);
	}
}

Test(plan, another_key_size_is_refused)
{
	struct world world;

	world_applied(&world);
	world.state.maps.items[0].key_size = 4;
	expect_refusal(&world, "key_size 4 -> 8");
}

Test(plan, another_value_size_is_refused)
{
	struct world world;

	world_applied(&world);
	world.state.maps.items[0].value_size = 4;
	expect_refusal(&world, "value_size 4 -> 8");
}

Test(plan, another_number_of_entries_is_refused)
{
	struct world world;

	world_applied(&world);
	world.state.maps.items[0].max_entries = 65;
	expect_refusal(&world, "max_entries 65 -> 64");
}

Test(plan, other_flags_are_refused)
{
	struct world world;

	world_applied(&world);
	world.state.maps.items[0].flags = BPF_F_NUMA_NODE;
	expect_refusal(&world, "flags numa_node -> none");
}

Test(plan, entries_of_a_helper_map_would_be_lost)
{
	struct world world;

	world_applied(&world);
	world.manifest =
		valid_manifest("sockform: v1\nname: echo\nmaps:\n"
			       "  pairs: { type: hash, key_size: 8, value_size: 8,\n"
			       "    max_entries: 64, flags: [no_prealloc, rdonly_prog] }\n");
	world.state.maps.items[0].type = BPF_MAP_TYPE_HASH;
	world.state.maps.items[0].flags = BPF_F_ZERO_SEED | 1u << 31;
	world_plan(&world);
	expect_diagnostic(0, DIAG_E0501, 4, 3,
		"map \"pairs\" would have to be replaced (flags zero_seed, 0x80000000 -> "
		"no_prealloc, rdonly_prog): 3 entries are lost");
}

/* Initial entries are written into a new map; those of an old one are its data by now. */
Test(plan, initial_entries_of_a_map_that_is_there_are_nothing_to_do)
{
	static const char text[] =
		"sockform: v1\nname: echo\nmaps:\n"
		"  pairs: { type: array, value_size: 8, max_entries: 64, flags: mmapable,\n"
		"    entries: [{ key: 1, value: 2 }, { key: 2, value: 3 }] }\n";
	struct world world;
	const struct plan *plan;

	world_empty(&world);
	world.manifest = valid_manifest(text);
	cr_assert_str_eq(
		world_plan(&world)->steps.items[0].detail, "array, 64 entries (2 given), mmapable");
	world.state.exists = true;
	world.state.layout = STATE_LAYOUT;
	*vec_add(&arena, &world.state.maps) =
		(struct state_map){ "pairs", ID_MAP, BPF_MAP_TYPE_ARRAY, 4, 8, 64, BPF_F_MMAPABLE };
	name_index_add(&arena, &world.state.map_names, "pairs", 0);
	plan = world_plan(&world);
	expect_no_diagnostics();
	cr_assert(!plan_changes(plan));
	cr_assert_str_eq(plan->steps.items[0].detail, "array, 64 entries, mmapable");
}

/* What is in the kernel and not in this manifest goes: attachments, programs, maps. */
static const char only_spare[] = "sockform: v1\nname: echo\n"
				 "maps: { spare: { type: sockmap, max_entries: 2 } }\n";

Test(plan, deletes_in_reverse_order)
{
	struct world world;
	const struct plan *plan;

	world_applied(&world);
	world_add_program(&world, "verdict", 0x1234, ID_OLD_VERDICT);
	world.manifest = valid_manifest(only_spare);
	world.codes = manifest_assemble(&arena, world.manifest, &diagnostics);
	plan = world_plan(&world);
	expect_counts(plan, 1, 0, 0, 5);
	expect_step(plan, 0, PLAN_MAP, PLAN_KEEP, "spare");
	expect_step(plan, 1, PLAN_ATTACHMENT, PLAN_DELETE, parser);
	expect_step(plan, 2, PLAN_ATTACHMENT, PLAN_DELETE, verdict);
	expect_step(plan, 3, PLAN_PROGRAM, PLAN_DELETE, "parser");
	expect_step(plan, 4, PLAN_PROGRAM, PLAN_DELETE, "verdict");
	expect_step(plan, 5, PLAN_MAP, PLAN_DELETE, "pairs");
	cr_assert_eq(plan->steps.items[2].old, world_attachment(&world, 1));
	cr_assert_eq(plan->steps.items[4].superseded.count, 2);
	cr_assert_null(plan->steps.items[4].mark.source);
	cr_assert(plan_changes(plan));
}

Test(plan, teardown_removes_everything)
{
	struct world world;
	const struct plan *plan;

	world_applied(&world);
	plan = plan_teardown(&arena, &world.state, false, NULL, &diagnostics);
	expect_no_diagnostics();
	expect_counts(plan, 0, 0, 0, 6);
	expect_step(plan, 0, PLAN_ATTACHMENT, PLAN_DELETE, parser);
	expect_step(plan, 1, PLAN_ATTACHMENT, PLAN_DELETE, verdict);
	expect_step(plan, 2, PLAN_PROGRAM, PLAN_DELETE, "parser");
	expect_step(plan, 3, PLAN_PROGRAM, PLAN_DELETE, "verdict");
	expect_step(plan, 4, PLAN_MAP, PLAN_DELETE, "pairs");
	expect_step(plan, 5, PLAN_MAP, PLAN_DELETE, "spare");
	cr_assert_null(plan->manifest);
	cr_assert_str_eq(plan->steps.items[2].superseded.items[0],
		state_program_file(&arena, "parser", world_digest(&world, "parser")));
	cr_assert(plan_changes(plan));
}

/* A folder without anything in it is still to be removed; without one there is nothing to do. */
Test(plan, teardown_of_nothing)
{
	struct state state = { .deployment = "x", .exists = true };

	cr_assert(plan_changes(plan_teardown(&arena, &state, false, NULL, &diagnostics)));
	cr_assert_eq(plan_teardown(&arena, &state, false, NULL, &diagnostics)->steps.count, 0);
	state.exists = false;
	cr_assert(!plan_changes(plan_teardown(&arena, &state, false, NULL, &diagnostics)));
}

Test(plan, an_empty_manifest_makes_a_folder)
{
	struct world world;

	world_empty(&world);
	world.manifest = valid_manifest("sockform: v1\nname: echo\n");
	cr_assert(plan_changes(world_plan(&world)));
	world.state.exists = true;
	world.state.layout = STATE_LAYOUT;
	cr_assert(!plan_changes(world_plan(&world)));
}

Test(plan, a_missing_layout_version_is_written)
{
	struct world world;
	const struct plan *plan;

	world_applied(&world);
	world.state.layout = NULL;
	plan = world_plan(&world);
	expect_no_diagnostics();
	cr_assert(plan->refresh_layout);
	cr_assert(plan_changes(plan));
	expect_counts(plan, 6, 0, 0, 0);
}

Test(plan, another_layout_version_is_refused)
{
	struct world world;

	world_applied(&world);
	world.state.layout = "sockform-3";
	world_plan(&world);
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0406, 2, 7,
		"deployment \"echo\" was made by another version of sockform: its layout is "
		"\"sockform-3\", this one writes \"" STATE_LAYOUT "\"");
	expect_hint(0, "use that version for it");
}

/* Planning is pure: the same input gives the same plan, and the state stays as it was. */
Test(plan, planning_changes_nothing)
{
	struct world world;
	struct state before;
	const struct plan *one, *two;

	world_applied(&world);
	before = world.state;
	one = world_plan(&world);
	two = world_plan(&world);
	cr_assert_eq(memcmp(&before, &world.state, sizeof(before)), 0);
	cr_assert_eq(one->steps.count, two->steps.count);
	cr_assert_eq(memcmp(one->counts, two->counts, sizeof(one->counts)), 0);
}

Test(plan, teardown_of_another_layout_version_is_refused)
{
	struct world world;

	world_applied(&world);
	world.state.layout = "sockform-3";
	plan_teardown(&arena, &world.state, false, NULL, &diagnostics);
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0406);
	cr_assert_null(diagnostics.list.items[0].mark.source);
}

static void plan_away_programs(size_t count)
{
	struct world world;

	world_applied(&world);
	for (size_t i = 0; i < count; i++)
		world_add_program(&world, arena_printf(&arena, "p%zu", i), i, 1000 + (uint32_t)i);
	expect_counts(world_plan(&world), 6, 0, 0, count);
}

/* Names by the thousand: a plan looks each up in a table, not in the list of all others. */
Test(plan, many_programs_take_linear_time)
{
	double times = growth(plan_away_programs, 8000);

	cr_assert_lt(times, 10, "%.1f", times);
}
