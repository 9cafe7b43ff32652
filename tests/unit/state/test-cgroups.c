/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Attachments to cgroups: file names out of paths, and what is wrong with them. */
#include "tests/unit/support.h"

#include "lib/state/state.h"

#include <string.h>

SUITE(cgroups);

static const struct {
	const char *path, *file;
} names[] = {
	{ "/", "cgroup+:sock_ops" },
	{ "/a", "cgroup+a:sock_ops" },
	{ "/my.slice/app.service", "cgroup+my,slice+app,service:sock_ops" },
	{ "/a+b/c,d/e=f", "cgroup+a=2bb+c=2cd+e=3df:sock_ops" },
	{ "/a:b/c d@e-f", "cgroup+a:b+c d@e-f:sock_ops" },
	{ "/=2b", "cgroup+=3d2b:sock_ops" },
	{ "/\xc3\xa9", "cgroup+\xc3\xa9:sock_ops" },
};

Test(cgroups, names_round_trip)
{
	const struct attach_kind *is = attach_kind_named("sock_ops");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *file = state_attachment_name(&arena, names[i].path, is), *target = NULL;
		const struct attach_kind *kind = NULL;

		cr_assert_str_eq(file, names[i].file);
		cr_assert(state_parse_attachment_name(&arena, file, &target, &kind));
		cr_assert_str_eq(target, names[i].path);
		cr_assert_eq(kind, is);
		cr_assert_str_eq(state_attachment_title(&arena, target, kind),
			arena_printf(&arena, "%s:sock_ops", names[i].path));
	}
}

/* A file name has 255 bytes, of which ":sock_ops" and "+new" take 13. */
Test(cgroups, a_long_path_has_a_hash)
{
	const struct attach_kind *kind = attach_kind_named("sock_ops"), *parsed = NULL;
	const char *target = NULL, *fits, *file, *other;
	char path[260];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[236] = '\0';
	fits = state_attachment_name(&arena, path, kind);
	cr_assert_eq(strlen(fits), 251);
	cr_assert(strncmp(fits, "cgroup+a", 8) == 0);
	path[236] = 'a';
	path[237] = '\0';
	file = state_attachment_name(&arena, path, kind);
	cr_assert_eq(strlen(file), strlen("cgroup=0123456789abcdef:sock_ops"));
	cr_assert(strncmp(file, "cgroup=", 7) == 0);
	path[236] = 'b';
	other = state_attachment_name(&arena, path, kind);
	cr_assert_str_neq(file, other);
	/* Its target is no path, and gives the same name again. */
	cr_assert(state_parse_attachment_name(&arena, file, &target, &parsed));
	cr_assert_neq(target[0], '/');
	cr_assert_str_eq(state_attachment_name(&arena, target, parsed), file);
}

Test(cgroups, what_is_no_name)
{
	static const char *const files[] = { "pairs:sock_ops", "cgroup:sock_ops", ":sock_ops",
		"cgroupa:sock_ops", "cgroup+=2:sock_ops", "cgroup+=:sock_ops",
		"cgroup+=00:sock_ops", "cgroup+=61:sock_ops", "cgroup+=2B:sock_ops",
		"cgroup=0123456789abcde:sock_ops", "cgroup=0123456789abcdefg:sock_ops",
		"cgroup=0123456789abcdeg:sock_ops", "cgroup,a:sock_ops", "cgroup+a:sock_ops+new" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const struct attach_kind *kind;
		const char *target;

		cr_assert(!state_parse_attachment_name(&arena, files[i], &target, &kind), "%s",
			files[i]);
	}
}

static struct state state;
static struct state_attachment *attachment;

/* One attachment to a cgroup, as it should be. */
static void begin(const char *target)
{
	state = (struct state){ .deployment = "x", .exists = true, .layout = STATE_LAYOUT };
	state_add_program(
		&arena, &state, (struct state_program){ .file = "p@1", .name = "p", .id = 20 });
	attachment = vec_add(&arena, &state.attachments);
	*attachment = (struct state_attachment){ .name = "cgroup+a:sock_ops",
		.title = "/a:sock_ops",
		.target = target,
		.kind = attach_kind_named("sock_ops") };
	attachment->slot.id = 30;
	attachment->slot.program = 20;
	attachment->dispatcher.id = attachment->link.program = 40;
	attachment->dispatcher.slot = 30;
	attachment->link.id = 50;
	attachment->link.target = 4711;
	attachment->link.type = BPF_CGROUP_SOCK_OPS;
	state_add_cgroup(&arena, &state, (struct state_cgroup){ "/a", 4711 });
}

static void expect_drift(const char *reason)
{
	state_drifts drifts = { 0 };

	state_find_drift(&arena, &state, &drifts);
	if (!reason) {
		cr_assert_eq(drifts.count, 0, "%s", drifts.items[0].reason);
		return;
	}
	cr_assert_eq(drifts.count, 1);
	cr_assert_str_eq(drifts.items[0].name, "/a:sock_ops");
	cr_assert_str_eq(drifts.items[0].reason, reason);
}

Test(cgroups, drift)
{
	begin("/a");
	expect_drift(NULL);
	state.cgroups.items[0].id = 0;
	attachment->link.target = 0;
	expect_drift("its cgroup is gone");
	begin("/a");
	state.cgroups.count = 0;
	state.cgroup_paths = (struct name_index){ 0 };
	expect_drift("its cgroup is gone");
	begin("/a");
	attachment->link.target = 0;
	expect_drift("its link is detached");
	begin("/a");
	attachment->link.target = 4712;
	expect_drift("its link is on another cgroup");
}

/* Of which only the hash is known: whether it is the right one, only the manifest can tell. */
Test(cgroups, drift_without_a_path)
{
	begin("cgroup=0123456789abcdef");
	expect_drift(NULL);
	attachment->link.target = 0;
	expect_drift("its link is detached");
}

Test(cgroups, what_an_attachment_holds)
{
	struct state_holder holder = { .program = 41, .link = 50 };

	begin("/a");
	cr_assert(state_attachment_holds(&state, attachment, &holder));
	holder.link = 51;
	cr_assert(!state_attachment_holds(&state, attachment, &holder));
	holder.link = 0;
	cr_assert(!state_attachment_holds(&state, attachment, &holder));
	holder.program = 40;
	cr_assert(state_attachment_holds(&state, attachment, &holder));
	attachment->link.id = 0;
	holder = (struct state_holder){ .program = 41 };
	cr_assert(!state_attachment_holds(&state, attachment, &holder));
}
