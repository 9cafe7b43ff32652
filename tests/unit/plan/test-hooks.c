/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Attachments to cgroups, programs of others on hooks, and plans that only detach. */
#include "tests/unit/plan/world.h"

#include <string.h>

SUITE(hooks);

static const char head[] = "sockform: v1\n"
			   "name: echo\n"
			   "maps:\n"
			   "  pairs: { type: sockhash, key: [cookie], max_entries: 64 }\n"
			   "programs:\n"
			   "  ops: { type: sock_ops, body: [ r0 = 1, exit ] }\n"
			   "  msg: { type: sk_msg, body: [ sk_msg_pass ] }\n"
			   "attachments:\n";

#define OPS(rest) "  - { program: ops, target: my.slice, attach_type: sock_ops" rest " }\n"
#define MSG(rest) "  - { program: msg, target: pairs, attach_type: msg_verdict" rest " }\n"

static struct world world;

/* Nothing in the kernel but the cgroup. */
static void begin(const char *attachments)
{
	world_empty(&world);
	world.manifest = valid_manifest(arena_printf(&arena, "%s%s", head, attachments));
	world.codes = manifest_assemble(&arena, world.manifest, &diagnostics);
	world.state.cgroup_mount = "/sys/fs/cgroup";
	state_add_cgroup(&arena, &world.state, (struct state_cgroup){ "/my.slice", 4711 });
}

static void add_holder(const char *attachment, struct state_holder holder, bool shared)
{
	struct state_hook hook = { .name = attachment, .shared = shared };

	*vec_add(&arena, &hook.holders) = holder;
	state_add_hook(&arena, &world.state, hook);
}

Test(hooks, cgroups_come_last_whatever_the_manifest_says_first)
{
	const struct plan *plan;

	begin(OPS("") MSG(""));
	plan = world_plan(&world);
	expect_no_diagnostics();
	expect_step(plan, 3, PLAN_ATTACHMENT, PLAN_CREATE, "pairs:msg_verdict");
	expect_step(plan, 4, PLAN_ATTACHMENT, PLAN_CREATE, "/my.slice:sock_ops");
	cr_assert_str_eq(plan->steps.items[3].file, "pairs:msg_verdict");
	cr_assert_str_eq(plan->steps.items[4].file, "cgroup+my,slice:sock_ops");
	cr_assert_eq(plan->steps.items[4].parts, 15);
}

/* Both as applied; the cgroup's stands second in the state. */
static void begin_applied(const char *attachments)
{
	struct state *state = &world.state;

	begin(attachments);
	state->exists = true;
	state->layout = STATE_LAYOUT;
	*vec_add(&arena, &state->maps) = (struct state_map){ "pairs", ID_MAP, 18, 8, 8, 64, 0 };
	name_index_add(&arena, &state->map_names, "pairs", 0);
	world_add_program(&world, "msg", world_digest(&world, "msg"), 20);
	world_add_program(&world, "ops", world_digest(&world, "ops"), 21);
	for (uint32_t i = 0; i < 2; i++) {
		struct state_attachment *is = vec_add(&arena, &state->attachments);

		is->kind = attach_kind_named(i ? "sock_ops" : "msg_verdict");
		is->target = i ? "/my.slice" : "pairs";
		is->name = state_attachment_name(&arena, is->target, is->kind);
		is->title = state_attachment_title(&arena, is->target, is->kind);
		is->slot.id = is->dispatcher.slot = 30 + i;
		is->slot.program = 20 + i;
		is->dispatcher.id = is->link.program = 40 + i;
		is->link.id = 50 + i;
		is->link.target = i ? 4711 : ID_MAP;
		is->link.type = is->kind->type;
		name_index_add(&arena, &state->attachment_names, is->name, i);
	}
}

Test(hooks, nothing_to_do)
{
	begin_applied(OPS("") MSG(""));
	cr_assert(!plan_changes(world_plan(&world)));
	expect_no_diagnostics();
}

Test(hooks, cgroups_go_first)
{
	const struct plan *plan;

	begin_applied(OPS("") MSG(""));
	plan = plan_teardown(&arena, &world.state, false, NULL, &diagnostics);
	expect_step(plan, 0, PLAN_ATTACHMENT, PLAN_DELETE, "/my.slice:sock_ops");
	expect_step(plan, 1, PLAN_ATTACHMENT, PLAN_DELETE, "pairs:msg_verdict");
	cr_assert_str_eq(plan->steps.items[0].file, "cgroup+my,slice:sock_ops");
}

Test(hooks, another_cgroup_of_the_same_path)
{
	const struct plan *plan;

	begin_applied(OPS("") MSG(""));
	world.state.cgroups.items[0].id = 4712;
	plan = world_plan(&world);
	expect_no_diagnostics();
	expect_step(plan, 4, PLAN_ATTACHMENT, PLAN_UPDATE, "/my.slice:sock_ops");
	cr_assert_eq(plan->steps.items[4].parts, PLAN_LINK);
	cr_assert(plan->steps.items[4].stale_link);
	cr_assert_str_eq(plan->steps.items[4].reason, "its link was on another cgroup");
}

Test(hooks, other_flags)
{
	const struct plan *plan;

	begin_applied(OPS(", flags: [allow_multi, preorder]") MSG(""));
	plan = world_plan(&world);
	cr_assert_eq(plan->steps.items[4].parts, PLAN_DISPATCHER | PLAN_LINK);
	cr_assert_str_eq(plan->steps.items[4].reason, "its flags changed");
	world.state.attachments.items[1].dispatcher.flags = 1u << 6;
	cr_assert(!plan_changes(world_plan(&world)));
}

Test(hooks, a_cgroup_that_is_not_there)
{
	begin(OPS(""));
	world.state.cgroups.items[0].id = 0;
	world_plan(&world);
	expect_diagnostic(
		0, DIAG_E0408, 9, 29, "there is no cgroup \"/my.slice\" in /sys/fs/cgroup");
	expect_hint(0, NULL);
	diagnostics = (struct diagnostics){ .arena = &arena };
	world.state.cgroup_mount = "/my.slice";
	world_plan(&world);
	expect_hint(0, "paths are below the mount: /");
	diagnostics = (struct diagnostics){ .arena = &arena };
	world.state.cgroup_mount = NULL;
	world_plan(&world);
	expect_diagnostic(0, DIAG_E0408, 9, 29,
		"cgroup2 is not mounted, so there is no cgroup \"/my.slice\"");
	expect_hint(0, "as root: mount -t cgroup2 cgroup2 DIRECTORY");
}

Test(hooks, a_program_of_others_is_in_the_way)
{
	begin(MSG(""));
	add_holder(
		"pairs:msg_verdict", (struct state_holder){ .program = 17, .name = "old" }, false);
	cr_assert_null(world_plan(&world)->steps.items[3].replaced);
	expect_diagnostic(
		0, DIAG_E0409, 9, 5, "pairs:msg_verdict is taken: program 17 (old) holds it");
	expect_hint(0, "replace: 17, or --force, gives its place to this program");
}

Test(hooks, the_program_that_is_named_is_replaced)
{
	const struct plan *plan;

	begin(MSG(", replace: 17"));
	add_holder("pairs:msg_verdict", (struct state_holder){ .program = 17, .name = "" }, false);
	plan = world_plan(&world);
	expect_no_diagnostics();
	cr_assert_eq(plan->steps.items[3].replaced, &world.state.hooks.items[0].holders.items[0]);
	cr_assert_str_eq(plan->steps.items[3].reason, "replaces program 17");
}

Test(hooks, by_the_pin_of_it)
{
	begin(MSG(", replace: /sys/fs/bpf/old"));
	add_holder("pairs:msg_verdict", (struct state_holder){ .program = 17, .name = "" }, false);
	world.state.hooks.items[0].replaced = 17;
	cr_assert_not_null(world_plan(&world)->steps.items[3].replaced);
	expect_no_diagnostics();
	/* The pin is gone, or of another program. */
	world.state.hooks.items[0].replaced = 0;
	world_plan(&world);
	expect_diagnostic(0, DIAG_E0409, 9, 71,
		"pairs:msg_verdict is taken: program 17 holds it, which is not what \"replace\" "
		"names");
}

Test(hooks, what_cannot_be_replaced)
{
	static const struct {
		struct state_holder holder;
		const char *message, *hint;
	} cases[] = {
		{ { .program = 18, .name = "x" },
			"pairs:msg_verdict is taken: program 18 (x) holds it, which is not what "
			"\"replace\" names",
			"replace: 18, or --force, gives its place to this program" },
		{ { .program = 17, .name = "x", .link = 5 },
			"pairs:msg_verdict is taken: program 17 (x) holds it through a link",
			"--force takes it off" },
		{ { .program = 17, .name = "x", .at = "pairs:stream_verdict" },
			"pairs:msg_verdict is taken: program 17 (x) on pairs:stream_verdict keeps "
			"others out",
			"the kernel has one or the other; `sockform detach --force` takes it off" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		diagnostics = (struct diagnostics){ .arena = &arena };
		begin(MSG(", replace: 17"));
		add_holder("pairs:msg_verdict", cases[i].holder, false);
		cr_assert_null(world_plan(&world)->steps.items[3].replaced);
		cr_assert_eq(diagnostics.list.count, 1);
		/* What is elsewhere is nothing that "replace" could name. */
		expect_diagnostic(0, DIAG_E0409, 9, cases[i].holder.at ? 5 : 71, cases[i].message);
		expect_hint(0, cases[i].hint);
	}
}

Test(hooks, beside_programs_that_share_there_is_room)
{
	const struct plan *plan;

	begin(OPS(""));
	add_holder("cgroup+my,slice:sock_ops", (struct state_holder){ .program = 17, .name = "" },
		true);
	plan = world_plan(&world);
	expect_no_diagnostics();
	cr_assert_null(plan->steps.items[3].replaced);
	begin(OPS(", replace: 17"));
	add_holder("cgroup+my,slice:sock_ops", (struct state_holder){ .program = 17, .name = "" },
		true);
	cr_assert_not_null(world_plan(&world)->steps.items[3].replaced);
}

/* That there is room is no reason to leave the one that was named where it is. */
Test(hooks, a_program_that_shares_is_replaced_or_refused)
{
	static const struct {
		struct state_holder holder;
		const char *message;
	} cases[] = {
		{ { .program = 18, .name = "" },
			"/my.slice:sock_ops is taken: program 18 holds it, which is not what "
			"\"replace\" names" },
		{ { .program = 17, .name = "", .link = 5 },
			"/my.slice:sock_ops is taken: program 17 holds it through a link" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		diagnostics = (struct diagnostics){ .arena = &arena };
		begin(OPS(", replace: 17"));
		add_holder("cgroup+my,slice:sock_ops", cases[i].holder, true);
		cr_assert_null(world_plan(&world)->steps.items[3].replaced);
		expect_diagnostic(0, DIAG_E0409, 9, 71, cases[i].message);
		expect_hint(0, "without replace this program goes beside it");
	}
}

/* What is above is in the way whatever is on the cgroup itself. */
Test(hooks, a_cgroup_above_is_in_the_way_first)
{
	begin(OPS(", replace: 17"));
	add_holder("cgroup+my,slice:sock_ops", (struct state_holder){ .program = 17, .name = "" },
		false);
	*vec_add(&arena, &world.state.hooks.items[0].holders) =
		(struct state_holder){ .program = 3, .name = "x", .at = "the cgroup /" };
	cr_assert_null(world_plan(&world)->steps.items[3].replaced);
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0409, 9, 5,
		"/my.slice:sock_ops is taken: program 3 (x) on the cgroup / keeps others out");
	expect_hint(0, "it was attached to share with no program below; `sockform detach --force "
		       "--cgroup` takes it off");
}

/* Once it is ours, it is nobody's business what `replace` named. */
Test(hooks, what_is_replaced_is_nothing_to_do)
{
	begin_applied(OPS("") MSG(", replace: 17"));
	cr_assert(!plan_changes(world_plan(&world)));
	expect_no_diagnostics();
}

static const struct plan *detach(struct plan_detach request)
{
	return plan_detach(&arena, &world.state, &request, &diagnostics);
}

Test(hooks, detaching_takes_a_part)
{
	const struct plan *plan;

	begin_applied(OPS("") MSG(""));
	plan = detach((struct plan_detach){ .target = "pairs", .target_id = ID_MAP });
	expect_counts(plan, 0, 0, 0, 1);
	expect_step(plan, 0, PLAN_ATTACHMENT, PLAN_DELETE, "pairs:msg_verdict");
	cr_assert_eq(plan->steps.items[0].old, &world.state.attachments.items[0]);
	cr_assert(plan->partial && plan_changes(plan));
	cr_assert_str_eq(plan->deployment, "echo");
	plan = detach((struct plan_detach){ .target_id = 4711, .on_cgroup = true });
	expect_step(plan, 0, PLAN_ATTACHMENT, PLAN_DELETE, "/my.slice:sock_ops");
	/* A map's id is not a cgroup's. */
	plan = detach((struct plan_detach){ .target_id = 4711 });
	cr_assert(!plan_changes(plan));
}

Test(hooks, detaching_by_hook_and_program)
{
	const struct attach_kind *msg = attach_kind_named("msg_verdict");
	const struct attach_kind *parser = attach_kind_named("stream_parser");
	static const struct {
		const char *program;
		size_t count;
	} programs[] = { { "msg", 1 }, { "20", 1 }, { "40", 1 }, { "ops", 0 }, { "21", 0 },
		{ "", 0 }, { "2", 0 }, { "echo/msg", 1 }, { "echo/20", 1 }, { "echo/ops", 0 },
		{ "other/msg", 0 }, { "echo/", 0 } };

	begin_applied(OPS("") MSG(""));
	cr_assert_eq(
		detach((struct plan_detach){ .target = "pairs", .kind = msg })->steps.count, 1);
	cr_assert_eq(
		detach((struct plan_detach){ .target = "pairs", .kind = parser })->steps.count, 0);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		cr_assert_eq(detach((struct plan_detach){
					    .target = "pairs", .program = programs[i].program })
				     ->steps.count,
			programs[i].count, "%s", programs[i].program);
}

/* Its slot and its dispatcher are left, for the sockets in the map: that is nothing to detach. */
Test(hooks, what_was_detached_is_not_detached_again)
{
	struct state_attachment *msg;

	begin_applied(OPS("") MSG(""));
	msg = &world.state.attachments.items[0];
	memset(&msg->link, 0, sizeof(msg->link));
	cr_assert_eq(detach((struct plan_detach){ .target = "pairs" })->steps.count, 1,
		"the program runs for sockets that are in the map");
	msg->slot.program = 99;
	cr_assert_eq(detach((struct plan_detach){ .target = "pairs" })->steps.count, 0);
}

Test(hooks, detaching_from_another_layout_is_refused)
{
	begin_applied(OPS("") MSG(""));
	world.state.layout = "sockform-99";
	detach((struct plan_detach){ .target = "nothing" });
	expect_no_diagnostics();
	detach((struct plan_detach){ .target = "pairs" });
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0406);
}

Test(hooks, a_cgroup_whose_path_is_too_long_for_a_name)
{
	char path[300] = "/";
	struct state_attachment *ops;

	memset(path + 1, 'a', 250);
	begin_applied(OPS("") MSG(""));
	ops = &world.state.attachments.items[1];
	ops->name = state_attachment_name(&arena, path, ops->kind);
	cr_assert(state_parse_attachment_name(&arena, ops->name, &ops->target, &ops->kind));
	cr_assert_neq(ops->target[0], '/');
	ops->link.target = 0;
	cr_assert_eq(
		detach((struct plan_detach){ .target = path, .on_cgroup = true })->steps.count, 1);
	path[17] = 'b';
	cr_assert_eq(
		detach((struct plan_detach){ .target = path, .on_cgroup = true })->steps.count, 0);
}

Test(hooks, programs_of_others_go_links_last)
{
	struct state nothing = { .deployment = "id:5" };
	plan_hooks hooks = { 0 };
	struct plan_hook *hook = vec_add(&arena, &hooks);
	const struct plan *plan;

	hook->target = "id:5";
	hook->kind = attach_kind_named("msg_verdict");
	*vec_add(&arena, &hook->holders) =
		(struct state_holder){ .program = 7, .name = "linked", .link = 3 };
	hook = vec_add(&arena, &hooks);
	hook->target = "id:5";
	hook->kind = attach_kind_named("stream_parser");
	*vec_add(&arena, &hook->holders) = (struct state_holder){ .program = 8, .name = "" };
	plan = plan_detach_foreign(&arena, &nothing, &hooks, NULL);
	expect_counts(plan, 0, 0, 0, 2);
	expect_step(plan, 0, PLAN_ATTACHMENT, PLAN_DELETE, "id:5:stream_parser");
	expect_step(plan, 1, PLAN_ATTACHMENT, PLAN_DELETE, "id:5:msg_verdict");
	cr_assert_str_eq(plan->steps.items[1].detail, "program 7 (linked)");
	plan_refuse_foreign(plan, &diagnostics);
	expect_diagnostic(0, DIAG_E0409, 0, 0,
		"program 8 is on id:5:stream_parser, and sockform did not put it there");
	expect_diagnostic(1, DIAG_E0409, 0, 0,
		"program 7 (linked) is on id:5:msg_verdict, and sockform did not put it there (by "
		"a link)");
	cr_assert_eq(plan_detach_foreign(&arena, &nothing, &hooks, "linked")->steps.count, 1);
	cr_assert_eq(plan_detach_foreign(&arena, &nothing, &hooks, "9")->steps.count, 0);
}
