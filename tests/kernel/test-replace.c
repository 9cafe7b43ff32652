/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Programs of others on a hook that a manifest wants: refused by name, replaced where the manifest
 * says which, and attached again when something later fails.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "raw.h"

static void replace_fini(void)
{
	cgroup_fini();
	harness_fini();
}

TestSuite(replace, .init = harness_init, .fini = replace_fini, .timeout = 120);

/* A map, and what else stands in the manifest: `replace` of the attachment, or nothing. */
static void manifest_map(const struct manifest *manifest, const char *cgroup, const char *replace)
{
	manifest_write(manifest->path,
		"sockform: v1\n"
		"name: %s\n"
		"maps:\n"
		"  pair: { type: sockmap, max_entries: 4 }\n"
		"%s%s%s%s%s",
		manifest->name,
		replace ? "programs:\n"
			  "  msg: { type: sk_msg, body: [ sk_msg_pass ] }\n"
			  "  ops: { type: sock_ops, body: [ r0 = 1, exit ] }\n"
			  "attachments:\n"
			  "  - { program: msg, target: pair, attach_type: msg_verdict"
			: "",
		replace ? replace : "", replace ? " }\n" : "",
		replace && cgroup ? "  - { attach_type: sock_ops, program: ops, target: " : "",
		replace && cgroup ? cgroup : "");
	if (replace && cgroup) {
		char *text = file_read(manifest->path);

		manifest_write(manifest->path, "%s }\n", text);
		free(text);
	}
}

/* The deployment with its map, and somebody else's program on the map's hook. */
static int foreign_on_map(struct manifest *manifest, const char *name, int program)
{
	int map;

	manifest_init(manifest, name);
	manifest_map(manifest, NULL, NULL);
	sockform_expect(0, "apply", manifest->path);
	map = bpf_obj_get(manifest_pin(manifest, "maps/pair"));
	cr_assert(map >= 0);
	cr_assert_eq(bpf_prog_attach(program, map, BPF_SK_MSG_VERDICT, 0), 0);
	return map;
}

static void assert_refused(const struct manifest *manifest, const char *what)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins(), *shape = cgroup_shape(NULL);
	struct result result;

	sockform(&result, "apply", manifest->path);
	assert_code(&result, 3);
	assert_says(result.err, what);
	result_finish(&result);
	sockform_expect(3, "plan", manifest->path);
	assert_ids(ids);
	assert_pins(pins);
	assert_shape(shape, NULL);
	free(ids);
	free(pins);
	free(shape);
}

static void assert_taken(const struct manifest *manifest, const char *what, const char *hint)
{
	struct result result;

	assert_refused(manifest, "E0409");
	assert_refused(manifest, what);
	sockform(&result, "apply", manifest->path);
	assert_says(result.err, hint);
	result_finish(&result);
}

Test(replace, a_foreign_program_on_a_map_is_named_and_left_alone)
{
	int foreign = program_return(BPF_PROG_TYPE_SK_MSG, "foreign", SK_PASS);
	struct manifest manifest;
	int map = foreign_on_map(&manifest, "taken", foreign);
	char what[128], hint[128];

	manifest_map(&manifest, NULL, "");
	snprintf(what, sizeof(what), "pair:msg_verdict is taken: program %u (foreign) holds it",
		program_id(foreign));
	snprintf(hint, sizeof(hint), "replace: %u, or --force, gives its place to this program",
		program_id(foreign));
	assert_taken(&manifest, what, hint);
	cr_assert_eq(hook_program(map, BPF_SK_MSG_VERDICT), program_id(foreign));
	cr_assert_eq(bpf_prog_detach2(foreign, map, BPF_SK_MSG_VERDICT), 0);
	sockform_expect(0, "apply", manifest.path);
	close(map);
}

Test(replace, only_the_program_that_is_named_is_replaced)
{
	int foreign = program_return(BPF_PROG_TYPE_SK_MSG, "foreign", SK_PASS);
	int other = program_return(BPF_PROG_TYPE_SK_MSG, "other", SK_PASS);
	struct manifest manifest;
	int map = foreign_on_map(&manifest, "other", foreign);
	char replace[256];

	snprintf(replace, sizeof(replace), ", replace: %u", program_id(other));
	manifest_map(&manifest, NULL, replace);
	assert_taken(
		&manifest, "(foreign) holds it, which is not what \"replace\" names", "replace: ");
	manifest_map(&manifest, NULL, ", replace: /sys/fs/bpf/no-such-pin");
	assert_refused(&manifest, "cannot open the program /sys/fs/bpf/no-such-pin: No such file");
	/* The map's own pin, and its id could be the program's. */
	snprintf(replace, sizeof(replace), ", replace: %s", manifest_pin(&manifest, "maps/pair"));
	manifest_map(&manifest, NULL, replace);
	assert_refused(&manifest, "what is pinned there is no program");
	cr_assert_eq(hook_program(map, BPF_SK_MSG_VERDICT), program_id(foreign));
	close(map);
}

/*
 * Deletes while somebody has our link open: it goes on living then, and is off the hook all the same when
 * delete returns. That the last descriptor is closed would not do.
 */
static void delete_under_eyes(
	const struct manifest *manifest, const char *link, int target, enum bpf_attach_type type)
{
	int held = bpf_obj_get(manifest_pin(manifest, link));

	/* Attached without a link there is none. */
	cr_assert(held >= 0 || (type != BPF_CGROUP_SOCK_OPS && !has_links()), "%s: %s", link,
		strerror(errno));
	sockform_expect(0, "delete", manifest->path);
	cr_assert_eq(hook_program(target, type), 0);
	close(held);
}

/* By id, or by the path of its pin; then it is ours, and stays so when the other is gone. */
static void replaced(const char *name, bool by_pin)
{
	int foreign = program_return(BPF_PROG_TYPE_SK_MSG, "foreign", SK_PASS);
	uint32_t id = program_id(foreign);
	struct manifest manifest;
	int map = foreign_on_map(&manifest, name, foreign);
	char replace[128], pin[64], words[64];
	struct result result;

	snprintf(pin, sizeof(pin), "%s", loose_pin("replaced"));
	snprintf(replace, sizeof(replace), ", replace: %u", id);
	if (by_pin) {
		cr_assert_eq(bpf_obj_pin(foreign, pin), 0);
		snprintf(replace, sizeof(replace), ", replace: %s", pin);
	}
	manifest_map(&manifest, NULL, replace);
	snprintf(words, sizeof(words), "replaces program %u (foreign)", id);
	sockform(&result, "plan", manifest.path);
	assert_code(&result, 0);
	assert_says(result.out, words);
	result_finish(&result);
	sockform(&result, "apply", manifest.path);
	unlink(pin);
	assert_code(&result, 0);
	assert_says(result.out, words);
	result_finish(&result);
	cr_assert_neq(hook_program(map, BPF_SK_MSG_VERDICT), id);
	close(foreign);
	sockform_expect(0, "plan", "--exit-code", manifest.path);
	sockform_expect(0, "apply", manifest.path);
	sockform_expect(0, "status", manifest.name);
	delete_under_eyes(&manifest, "links/pair:msg_verdict", map, BPF_SK_MSG_VERDICT);
	close(map);
}

Test(replace, by_id)
{
	char *ids = snapshot_ids();

	replaced("by-id", false);
	assert_ids(ids);
	free(ids);
}

Test(replace, by_pin)
{
	char *ids = snapshot_ids();

	replaced("by-pin", true);
	assert_ids(ids);
	free(ids);
}

/* What holds the hook through a link cannot be attached again: detach it first, if you must. */
Test(replace, a_foreign_link_is_not_replaced)
{
	int foreign = program_return(BPF_PROG_TYPE_SK_MSG, "foreign", SK_PASS), map;
	struct manifest manifest;
	char replace[64];

	links_need();
	manifest_init(&manifest, "link");
	manifest_map(&manifest, NULL, NULL);
	sockform_expect(0, "apply", manifest.path);
	map = bpf_obj_get(manifest_pin(&manifest, "maps/pair"));
	hook_attach(foreign, map, BPF_SK_MSG_VERDICT);
	snprintf(replace, sizeof(replace), ", replace: %u", program_id(foreign));
	manifest_map(&manifest, NULL, replace);
	assert_taken(&manifest, "(foreign) holds it through a link", "--force takes it off");
	manifest_map(&manifest, NULL, "");
	assert_taken(&manifest, "(foreign) holds it through a link", "--force takes it off");
	/* The test's descriptor keeps the link: whether it still holds the hook is said by the map. */
	cr_assert_eq(hook_program(map, BPF_SK_MSG_VERDICT), program_id(foreign));
	close(map);
}

/* Whatever call of the apply fails, the other program is back on its hook. */
Test(replace, a_later_failure_puts_the_other_program_back)
{
	int foreign = program_return(BPF_PROG_TYPE_SK_MSG, "foreign", SK_PASS);
	const char *cgroup = cgroup_make("undo");
	struct manifest manifest;
	int map = foreign_on_map(&manifest, "undo", foreign), failed = 0, detached = 0;
	char *ids = snapshot_ids(), *pins = snapshot_pins(), *file = scratch_path("undo.strace");
	char replace[64];
	bool injected = true;

	trace_need();
	snprintf(replace, sizeof(replace), ", replace: %u", program_id(foreign));
	manifest_map(&manifest, cgroup, replace);
	for (int nth = 1; injected; nth++) {
		char inject[96], *trace;
		const char *const argv[] = { "strace", "-f", "-o", file, "-e", "trace=bpf", "-e",
			inject, sockform_path(), "apply", manifest.path, NULL };
		struct result result;

		cr_assert_lt(nth, NTH_MOST);
		snprintf(inject, sizeof(inject), "inject=bpf:error=ENOMEM:when=%d", nth);
		command_run(&result, PROCESS_TRACED, argv);
		trace = file_read(file);
		injected = strstr(trace, "(INJECTED)");
		detached += result.code && strstr(trace, "BPF_PROG_DETACH") &&
			    strstr(trace, "BPF_PROG_ATTACH");
		free(trace);
		cr_assert(result.code == 0 || result.code == 3, "%d: %s", nth, result.err);
		if (result.code == 0) {
			/* A call that may fail. What it did is taken back for the next. */
			sockform_expect(0, "status", manifest.name);
			manifest_map(&manifest, NULL, NULL);
			sockform_expect(0, "apply", manifest.path);
			cr_assert_eq(bpf_prog_attach(foreign, map, BPF_SK_MSG_VERDICT, 0), 0);
			manifest_map(&manifest, cgroup, replace);
		} else {
			failed++;
		}
		result_finish(&result);
		cr_assert_eq(hook_program(map, BPF_SK_MSG_VERDICT), program_id(foreign), "%d", nth);
		assert_ids(ids);
		assert_pins(pins);
	}
	/* Two links to make, and the pins of both, come after the detach or with it. */
	cr_assert(failed >= 10, "only %d faults were noticed", failed);
	cr_assert(detached >= 3, "only %d of them came after the detach", detached);
	close(map);
	free(ids);
	free(pins);
	free(file);
}

static void manifest_ops(const struct manifest *manifest, const char *cgroup, const char *replace)
{
	manifest_write(manifest->path,
		"sockform: v1\n"
		"name: %s\n"
		"programs:\n"
		"  ops: { type: sock_ops, body: [ r0 = 1, exit ] }\n"
		"attachments:\n"
		"  - { program: ops, target: %s, attach_type: sock_ops%s }\n",
		manifest->name, cgroup, replace);
}

/* On a cgroup it depends on how the other was attached: alone, or beside others. */
Test(replace, a_foreign_program_on_a_cgroup)
{
	static const uint32_t alone[] = { 0, BPF_F_ALLOW_OVERRIDE };
	int foreign = program_return(BPF_PROG_TYPE_SOCK_OPS, "foreign", 1);
	const char *path = cgroup_make("taken");
	int cgroup = cgroup_open(path);
	struct manifest manifest;
	char replace[64], link[256];

	manifest_init(&manifest, "cgroup");
	snprintf(replace, sizeof(replace), ", replace: %u", program_id(foreign));
	for (int i = 0; i < 2; i++) {
		char *ids = snapshot_ids();
		struct result result;

		cr_assert_eq(bpf_prog_attach(foreign, cgroup, BPF_CGROUP_SOCK_OPS, alone[i]), 0);
		manifest_ops(&manifest, path, "");
		assert_taken(&manifest, "(foreign) holds it", "gives its place to this program");
		manifest_ops(&manifest, path, replace);
		sockform(&result, "apply", manifest.path);
		assert_code(&result, 0);
		assert_says(result.out, "replaces program ");
		result_finish(&result);
		cr_assert_neq(hook_program(cgroup, BPF_CGROUP_SOCK_OPS), program_id(foreign));
		sockform_expect(0, "plan", "--exit-code", manifest.path);
		snprintf(link, sizeof(link), "links/cgroup+%s:sock_ops", path + 1);
		delete_under_eyes(&manifest, link, cgroup, BPF_CGROUP_SOCK_OPS);
		assert_ids(ids);
		free(ids);
	}
	close(cgroup);
}

Test(replace, beside_a_program_that_shares_the_cgroup_there_is_room)
{
	int foreign = program_return(BPF_PROG_TYPE_SOCK_OPS, "foreign", 1);
	const char *path = cgroup_make("shared");
	int cgroup = cgroup_open(path);
	__u32 ids[8], count = 8;
	struct manifest manifest;
	char replace[64];

	manifest_init(&manifest, "shared");
	cr_assert_eq(bpf_prog_attach(foreign, cgroup, BPF_CGROUP_SOCK_OPS, BPF_F_ALLOW_MULTI), 0);
	manifest_ops(&manifest, path, "");
	sockform_expect(0, "apply", manifest.path);
	cr_assert_eq(bpf_prog_query(cgroup, BPF_CGROUP_SOCK_OPS, 0, NULL, ids, &count), 0);
	cr_assert_eq(count, 2);
	sockform_expect(0, "delete", manifest.path);
	snprintf(replace, sizeof(replace), ", replace: %u", program_id(foreign));
	manifest_ops(&manifest, path, replace);
	sockform_expect(0, "apply", manifest.path);
	count = 8;
	cr_assert_eq(bpf_prog_query(cgroup, BPF_CGROUP_SOCK_OPS, 0, NULL, ids, &count), 0);
	cr_assert_eq(count, 1);
	cr_assert_neq(ids[0], program_id(foreign));
	close(cgroup);
}

/* Room beside it is no reason to leave a program that was named, and is not there, unsaid. */
Test(replace, a_program_that_shares_is_replaced_or_refused)
{
	int foreign = program_return(BPF_PROG_TYPE_SOCK_OPS, "foreign", 1);
	int other = program_return(BPF_PROG_TYPE_SOCK_OPS, "other", 1), link;
	const char *path = cgroup_make("named");
	int cgroup = cgroup_open(path);
	struct manifest manifest;
	char replace[64];

	manifest_init(&manifest, "named");
	cr_assert_eq(bpf_prog_attach(foreign, cgroup, BPF_CGROUP_SOCK_OPS, BPF_F_ALLOW_MULTI), 0);
	snprintf(replace, sizeof(replace), ", replace: %u", program_id(other));
	manifest_ops(&manifest, path, replace);
	assert_taken(&manifest, "which is not what \"replace\" names", "goes beside it");
	manifest_ops(&manifest, path, ", replace: /sys/fs/bpf/no-such-pin");
	assert_refused(&manifest, "cannot open the program /sys/fs/bpf/no-such-pin");
	cr_assert_eq(bpf_prog_detach2(foreign, cgroup, BPF_CGROUP_SOCK_OPS), 0);
	link = bpf_link_create(other, cgroup, BPF_CGROUP_SOCK_OPS, NULL);
	cr_assert(link >= 0);
	manifest_ops(&manifest, path, replace);
	assert_taken(&manifest, "(other) holds it through a link", "goes beside it");
	cr_assert_eq(hook_program(cgroup, BPF_CGROUP_SOCK_OPS), program_id(other));
	close(link);
	close(cgroup);
}

/* A program that was attached above without flags keeps all others away below. */
Test(replace, a_cgroup_above_that_allows_no_other_is_named)
{
	int foreign = program_return(BPF_PROG_TYPE_SOCK_OPS, "foreign", 1);
	const char *above = cgroup_make("above");
	int cgroup = cgroup_open(above);
	char below[200], full[400], words[200];
	struct manifest manifest;

	snprintf(below, sizeof(below), "%s/below", above);
	snprintf(full, sizeof(full), "%s%s", cgroup_mount(), below);
	cr_assert_eq(mkdir(full, 0755), 0);
	cr_assert_eq(bpf_prog_attach(foreign, cgroup, BPF_CGROUP_SOCK_OPS, 0), 0);
	manifest_init(&manifest, "above");
	manifest_ops(&manifest, below, "");
	snprintf(words, sizeof(words), "(foreign) on the cgroup %s keeps others out", above);
	assert_taken(&manifest, words, "E0409");
	cr_assert_eq(bpf_prog_detach2(foreign, cgroup, BPF_CGROUP_SOCK_OPS), 0);
	cr_assert_eq(
		bpf_prog_attach(foreign, cgroup, BPF_CGROUP_SOCK_OPS, BPF_F_ALLOW_OVERRIDE), 0);
	sockform_expect(0, "apply", manifest.path);
	sockform_expect(0, "delete", manifest.path);
	rmdir(full);
	close(cgroup);
}

/* Attached before the one above, it is there all the same; taken off, it could not be put back. */
Test(replace, a_cgroup_above_is_asked_before_anything_is_taken_off)
{
	int foreign = program_return(BPF_PROG_TYPE_SOCK_OPS, "foreign", 1);
	int barrier = program_return(BPF_PROG_TYPE_SOCK_OPS, "barrier", 1);
	const char *above = cgroup_make("barrier");
	char below[200], full[400], replace[64], words[200];
	int parent = cgroup_open(above), child;
	struct manifest manifest;
	uint32_t ours;

	snprintf(below, sizeof(below), "%s/below", above);
	snprintf(full, sizeof(full), "%s%s", cgroup_mount(), below);
	cr_assert_eq(mkdir(full, 0755), 0);
	child = cgroup_open(below);
	manifest_init(&manifest, "barrier");
	snprintf(replace, sizeof(replace), ", replace: %u", program_id(foreign));
	snprintf(words, sizeof(words), "(barrier) on the cgroup %s keeps others out", above);

	cr_assert_eq(bpf_prog_attach(foreign, child, BPF_CGROUP_SOCK_OPS, 0), 0);
	cr_assert_eq(bpf_prog_attach(barrier, parent, BPF_CGROUP_SOCK_OPS, 0), 0);
	manifest_ops(&manifest, below, replace);
	assert_refused(&manifest, words);
	cr_assert_eq(hook_program(child, BPF_CGROUP_SOCK_OPS), program_id(foreign));

	/* Likewise a link of ours that another one is to take the place of. */
	cr_assert_eq(bpf_prog_detach2(barrier, parent, BPF_CGROUP_SOCK_OPS), 0);
	sockform_expect(0, "apply", manifest.path);
	ours = hook_program(child, BPF_CGROUP_SOCK_OPS);
	cr_assert_eq(bpf_prog_attach(barrier, parent, BPF_CGROUP_SOCK_OPS, 0), 0);
	sockform_expect(0, "apply", manifest.path);
	manifest_ops(&manifest, below, ", flags: preorder");
	assert_refused(&manifest, words);
	cr_assert_eq(hook_program(child, BPF_CGROUP_SOCK_OPS), ours);
	cr_assert_eq(bpf_prog_detach2(barrier, parent, BPF_CGROUP_SOCK_OPS), 0);
	sockform_expect(0, "delete", "--name", manifest.name);
	rmdir(full);
	close(child);
	close(parent);
}

/* Our link hangs on a map that is not the one under its name: what is on that one was not looked at. */
Test(replace, a_foreign_program_on_a_map_in_the_place_of_ours)
{
	int foreign = program_return(BPF_PROG_TYPE_SK_MSG, "foreign", SK_PASS);
	int other = bpf_map_create(BPF_MAP_TYPE_SOCKMAP, "pair", 4, 8, 4, NULL);
	struct manifest manifest;

	manifest_init(&manifest, "swapped");
	manifest_map(&manifest, NULL, "");
	sockform_expect(0, "apply", manifest.path);
	cr_assert_eq(unlink(manifest_pin(&manifest, "maps/pair")), 0);
	cr_assert_eq(bpf_obj_pin(other, manifest_pin(&manifest, "maps/pair")), 0);
	cr_assert_eq(bpf_prog_attach(foreign, other, BPF_SK_MSG_VERDICT, 0), 0);
	assert_taken(&manifest, "pair:msg_verdict is taken: program ", "(foreign) holds it");
	cr_assert_eq(hook_program(other, BPF_SK_MSG_VERDICT), program_id(foreign));
	cr_assert_eq(bpf_prog_detach2(foreign, other, BPF_SK_MSG_VERDICT), 0);
	sockform_expect(3, "apply", manifest.path);
	sockform_expect(0, "apply", "--force", manifest.path);
	sockform_expect(0, "status", manifest.name);
	close(other);
}

/* The two verdicts that exclude each other: the program is on the other hook. */
Test(replace, a_foreign_verdict_of_the_other_kind_is_named)
{
	int foreign = program_pass(), map;
	struct manifest manifest;

	manifest_init(&manifest, "excluded");
	manifest_map(&manifest, NULL, NULL);
	sockform_expect(0, "apply", manifest.path);
	map = bpf_obj_get(manifest_pin(&manifest, "maps/pair"));
	cr_assert_eq(bpf_prog_attach(foreign, map, BPF_SK_SKB_STREAM_VERDICT, 0), 0);
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  pair: { type: sockmap, max_entries: 4 }\n"
		"programs:\n  skb: { type: sk_skb, body: [ sk_skb_pass ] }\nattachments:\n"
		"  - { program: skb, target: pair, attach_type: skb_verdict }\n",
		manifest.name);
	assert_taken(&manifest, "pair:skb_verdict is taken: program ",
		"(facts) on pair:stream_verdict keeps others out");
	cr_assert_eq(bpf_prog_detach2(foreign, map, BPF_SK_SKB_STREAM_VERDICT), 0);
	sockform_expect(0, "apply", manifest.path);
	close(map);
}
