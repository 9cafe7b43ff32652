/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* File names of pins, look-ups, and what the state alone says is wrong. */
#include "tests/unit/support.h"

#include "lib/state/state.h"

#include <string.h>

SUITE(state);
SUITE(drift);

Test(state, program_files_have_16_digits)
{
	cr_assert_str_eq(state_program_file(&arena, "verdict", 0), "verdict@0000000000000000");
	cr_assert_str_eq(state_program_file(&arena, "p", UINT64_C(0x0123456789abcdef)),
		"p@0123456789abcdef");
	cr_assert_str_eq(state_program_file(&arena, "p", UINT64_MAX), "p@ffffffffffffffff");
}

Test(state, program_files_round_trip)
{
	static const uint64_t digests[] = { 0, 1, UINT64_C(0x8000000000000000), UINT64_MAX,
		UINT64_C(0xfedcba9876543210) };

	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
		const char *file = state_program_file(&arena, "a_b9", digests[i]), *name = NULL;
		uint64_t digest = 12345;

		cr_assert(state_parse_program_file(&arena, file, &name, &digest));
		cr_assert_str_eq(name, "a_b9");
		cr_assert_eq(digest, digests[i]);
	}
}

Test(state, what_is_no_program_file)
{
	static const char *const files[] = { "", "verdict", "@0123456789abcdef", "p@",
		"p@0123456789abcde", "p@0123456789abcdef0", "p@0123456789ABCDEF",
		"p@0123456789abcdeg", "p@ 123456789abcdef", "p@q@0123456789abcdef",
		"p@0x23456789abcdef", "p@0123456789abcdef+new", "p@-123456789abcdef" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *name;
		uint64_t digest;

		cr_assert(!state_parse_program_file(&arena, files[i], &name, &digest), "%s",
			files[i]);
	}
}

Test(state, attachment_names_round_trip)
{
	static const char *const types[] = { "stream_parser", "stream_verdict", "skb_verdict" };

	for (size_t i = 0; i < 3; i++) {
		const struct attach_kind *kind = NULL, *is = attach_kind_named(types[i]);
		const char *name = state_attachment_name(&arena, "pairs", is), *target = NULL;

		cr_assert_str_eq(name, arena_printf(&arena, "pairs:%s", types[i]));
		cr_assert(state_parse_attachment_name(&arena, name, &target, &kind));
		cr_assert_str_eq(target, "pairs");
		cr_assert_eq(kind, is);
	}
}

/* The type is what stands behind the last colon. */
Test(state, a_target_may_hold_a_colon)
{
	const struct attach_kind *kind = NULL;
	const char *target = NULL;

	cr_assert(state_parse_attachment_name(&arena, "a:b:skb_verdict", &target, &kind));
	cr_assert_str_eq(target, "a:b");
	cr_assert_eq(kind, attach_kind_named("skb_verdict"));
}

Test(state, what_is_no_attachment_name)
{
	static const char *const names[] = { "", "pairs", ":stream_verdict",
		"pairs:", "pairs:nonsense", "pairs:stream_verdict2", "stream_verdict",
		"pairs:stream_verdict:" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct attach_kind *kind;
		const char *target;

		cr_assert(!state_parse_attachment_name(&arena, names[i], &target, &kind), "%s",
			names[i]);
	}
}

static void add_program(struct state *state, const char *name, uint64_t digest, uint32_t id)
{
	state_add_program(&arena, state,
		(struct state_program){ .file = state_program_file(&arena, name, digest),
			.name = name,
			.digest = digest,
			.id = id });
}

/* One of each, all as it should be; the tests below damage it. */
static struct state healthy(void)
{
	struct state state = { .deployment = "x", .exists = true, .layout = STATE_LAYOUT };
	struct state_attachment *attachment = vec_add(&arena, &state.attachments);

	state_add_map(&arena, &state, (struct state_map){ .name = "m", .id = 10 });
	add_program(&state, "p", 1, 20);
	attachment->name = attachment->title = "m:stream_verdict";
	attachment->target = "m";
	attachment->kind = attach_kind_named("stream_verdict");
	attachment->slot.id = 30;
	attachment->slot.program = 20;
	attachment->dispatcher.id = 40;
	attachment->dispatcher.slot = 30;
	attachment->link.id = 50;
	attachment->link.program = 40;
	attachment->link.target = 10;
	attachment->link.type = attachment->kind->type;
	name_index_add(&arena, &state.attachment_names, attachment->name, 0);
	return state;
}

Test(state, names_on_the_way)
{
	cr_assert_str_eq(state_spare_base(&arena, "pair" STATE_SPARE_SUFFIX), "pair");
	/* Killed while it was put back. */
	cr_assert_str_eq(
		state_spare_base(&arena, "a:b" STATE_SPARE_SUFFIX STATE_SPARE_SUFFIX), "a:b");
	cr_assert_str_eq(state_spare_base(&arena, STATE_SPARE_SUFFIX), "");
	cr_assert_null(state_spare_base(&arena, "pair"));
	cr_assert_null(state_spare_base(&arena, "pair" STATE_SPARE_SUFFIX "s"));
	cr_assert_null(state_spare_base(&arena, ""));
}

Test(state, look_ups)
{
	struct state state = healthy();

	cr_assert_eq(state_map_named(&state, "m"), state.maps.items);
	cr_assert_null(state_map_named(&state, "p"));
	cr_assert_eq(state_program_filed(&state, "p@0000000000000001"), state.programs.items);
	cr_assert_null(state_program_filed(&state, "p"));
	cr_assert_eq(state_program_with_id(&state, 20), state.programs.items);
	cr_assert_null(state_program_with_id(&state, 21));
	cr_assert_null(state_program_with_id(&state, 0));
	cr_assert_eq(state_attachment_named(&state, "m:stream_verdict"), state.attachments.items);
	cr_assert_null(state_attachment_named(&state, "m"));
}

static void expect_drift(const struct state *state, const char *object, const char *name,
	const char *reason, enum state_remedy remedy)
{
	state_drifts drifts = { 0 };

	state_find_drift(&arena, state, &drifts);
	cr_assert_eq(drifts.count, 1, "%zu", drifts.count);
	cr_assert_str_eq(drifts.items[0].object, object);
	cr_assert_str_eq(drifts.items[0].name, name);
	cr_assert_str_eq(drifts.items[0].reason, reason);
	cr_assert_eq(drifts.items[0].remedy, remedy, "%s: %d", reason, drifts.items[0].remedy);
}

static void expect_none(const struct state *state)
{
	state_drifts drifts = { 0 };

	state_find_drift(&arena, state, &drifts);
	cr_assert_eq(drifts.count, 0, "%s", drifts.items[0].reason);
}

static void expect_damage(const struct state *state, const char *reason)
{
	expect_drift(state, "attachment", "m:stream_verdict", reason, REMEDY_APPLY);
}

Test(drift, none_in_a_healthy_deployment)
{
	struct state state = healthy();

	expect_none(&state);
}

Test(drift, none_in_what_is_not_there)
{
	struct state state = { .deployment = "x" };

	expect_none(&state);
}

Test(drift, no_layout_version)
{
	struct state state = healthy();

	state.layout = NULL;
	expect_drift(&state, "deployment", "x", "it has no layout version", REMEDY_APPLY);
}

Test(drift, map_without_pin)
{
	struct state state = healthy();

	state.maps.count = 0;
	state.map_names = (struct name_index){ 0 };
	expect_damage(&state, "its map has no pin");
}

Test(drift, slot_without_pin)
{
	struct state state = healthy();

	state.attachments.items[0].slot.id = 0;
	expect_damage(&state, "its slot has no pin");
}

Test(drift, dispatcher_without_pin)
{
	struct state state = healthy();

	state.attachments.items[0].dispatcher.id = 0;
	expect_damage(&state, "its dispatcher has no pin");
}

Test(drift, link_without_pin)
{
	struct state state = healthy();

	state.attachments.items[0].link.id = 0;
	expect_damage(&state, "it is detached (its link has no pin)");
}

Test(drift, detached_link)
{
	struct state state = healthy();

	state.attachments.items[0].link.target = 0;
	expect_damage(&state, "its link is detached");
}

Test(drift, link_on_another_map)
{
	struct state state = healthy();

	state.attachments.items[0].link.target = 11;
	expect_damage(&state, "its link is on another map");
}

Test(drift, link_of_another_program)
{
	struct state state = healthy();

	state.attachments.items[0].link.program = 41;
	expect_damage(&state, "its link runs a program that is not its dispatcher");
}

Test(drift, dispatcher_of_another_slot)
{
	struct state state = healthy();

	state.attachments.items[0].dispatcher.slot = 31;
	expect_damage(&state, "its dispatcher uses another slot");
}

Test(drift, empty_slot)
{
	struct state state = healthy();

	state.attachments.items[0].slot.program = 0;
	expect_damage(&state, "its slot is empty, so everything passes");
}

Test(drift, slot_with_a_program_without_pin)
{
	struct state state = healthy();

	state.attachments.items[0].slot.program = 21;
	expect_damage(&state, "its slot runs a program that has no pin");
}

/* The first thing wrong is what is told: a slot that is gone explains the rest. */
Test(drift, an_attachment_drifts_once)
{
	struct state state = healthy();

	memset(&state.attachments.items[0].slot, 0, sizeof(state.attachments.items[0].slot));
	memset(&state.attachments.items[0].link, 0, sizeof(state.attachments.items[0].link));
	expect_damage(&state, "its slot has no pin");
}

Test(drift, another_generation_of_what_runs)
{
	struct state state = healthy();

	add_program(&state, "p", 2, 21);
	expect_drift(&state, "program", "p@0000000000000002", "another generation of it runs",
		REMEDY_APPLY);
}

/* Two hooks that run two generations: each is in use, so neither was left over. */
Test(drift, two_generations_that_both_run)
{
	struct state state = healthy();
	struct state_attachment *attachment = vec_add(&arena, &state.attachments);

	*attachment = state.attachments.items[0];
	attachment->name = attachment->title = "m:stream_parser";
	attachment->kind = attach_kind_named("stream_parser");
	attachment->link.type = attachment->kind->type;
	attachment->slot.program = 21;
	add_program(&state, "p", 2, 21);
	expect_none(&state);
}

/* A program that no attachment uses is none that was left over. */
Test(drift, a_program_that_nothing_runs_is_no_drift)
{
	struct state state = healthy();

	add_program(&state, "q", 2, 21);
	expect_none(&state);
}

/* A map's pin was removed: what was loaded with it goes on using what nobody can see. */
Test(drift, a_program_with_a_map_without_pin)
{
	struct state state = healthy();

	state.programs.items[0].maps[0] = 10;
	state.programs.items[0].map_count = 1;
	expect_none(&state);
	state.programs.items[0].maps[1] = 11;
	state.programs.items[0].map_count = 2;
	expect_drift(&state, "program", "p@0000000000000001", "it uses a map that has no pin",
		REMEDY_APPLY);
}

Test(drift, leftovers)
{
	struct state state = healthy();

	*vec_add(&arena, &state.leftovers) =
		(struct state_leftover){ "slots/m:stream_verdict+new", false };
	expect_drift(&state, "file", "slots/m:stream_verdict+new",
		"it is left from an apply that did not finish", REMEDY_APPLY);
}

Test(drift, strangers)
{
	struct state state = healthy();

	*vec_add(&arena, &state.strangers) = "maps/thing";
	expect_drift(
		&state, "file", "maps/thing", "it is nothing that sockform made", REMEDY_FORCE);
}

Test(drift, strangers_that_are_in_nobodys_way)
{
	struct state state = healthy();

	*vec_add(&arena, &state.outsiders) = "thing";
	expect_drift(&state, "file", "thing", "it is nothing that sockform made", REMEDY_AWAY);
}

/* Who made it is told of first: what it is not is no wonder then. */
Test(drift, what_sockform_did_not_make)
{
	struct state state = healthy();

	state.maps.items[0].foreign = true;
	expect_drift(&state, "map", "m", "map 10 is pinned there, and sockform did not make it",
		REMEDY_FORCE);
	state.maps.items[0].foreign = false;
	state.attachments.items[0].link.foreign = true;
	state.attachments.items[0].link.program = 41;
	expect_drift(&state, "attachment", "m:stream_verdict",
		"its link 50 runs program 41, and sockform did not make that", REMEDY_FORCE);
}

Test(drift, everything_is_told)
{
	struct state state = healthy();
	state_drifts drifts = { 0 };

	state.layout = NULL;
	state.attachments.items[0].link.id = 0;
	*vec_add(&arena, &state.strangers) = "a";
	*vec_add(&arena, &state.strangers) = "b";
	state_find_drift(&arena, &state, &drifts);
	cr_assert_eq(drifts.count, 4);
	cr_assert_str_eq(drifts.items[0].object, "deployment");
	cr_assert_str_eq(drifts.items[1].object, "attachment");
	cr_assert_str_eq(drifts.items[2].name, "a");
	cr_assert_str_eq(drifts.items[3].name, "b");
}

/* Planning would make this link anew, so status has to say that something is wrong with it. */
Test(drift, link_of_another_type)
{
	struct state state = healthy();

	state.attachments.items[0].link.type = BPF_SK_SKB_VERDICT;
	expect_damage(&state, "its link is of another attach type");
}

/* Attached without a link, as on older kernels: there is only what its record says. */
static struct state healthy_without_links(void)
{
	struct state state = healthy();

	state.attachments.items[0].link.id = 0;
	state.attachments.items[0].link.bare = true;
	return state;
}

Test(drift, attached_to_another_map_without_a_link)
{
	struct state state = healthy_without_links();

	expect_none(&state);
	state.attachments.items[0].link.target = 11;
	expect_damage(&state, "it is attached to another map");
}

Test(drift, another_program_attached_without_a_link)
{
	struct state state = healthy_without_links();

	state.attachments.items[0].link.program = 41;
	expect_damage(&state, "what is attached is not its dispatcher");
}

/* Planning refuses this deployment (E0406), so status has to say that something is wrong with it. */
Test(drift, layout_of_another_version)
{
	struct state state = healthy();

	state.layout = "sockform-1";
	expect_drift(&state, "deployment", "x",
		"another version of sockform made it: its layout is \"sockform-1\", this one "
		"writes \"" STATE_LAYOUT "\"",
		REMEDY_VERSION);
}
