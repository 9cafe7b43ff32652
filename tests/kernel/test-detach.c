/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * `sockform detach`: one program or all of a hook or a map, ours at once and for every socket, those
 * of others only with --force.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "json.h"
#include "raw.h"

static void detach_fini(void)
{
	cgroup_fini();
	harness_fini();
}

TestSuite(detach, .init = harness_init, .fini = detach_fini, .timeout = 120);

/* Three hooks of one map: what comes in at the client's peer is sent back, what it sends passes. */
static void applied(struct manifest *ret, const char *name)
{
	manifest_init(ret, name);
	manifest_write(ret->path,
		"sockform: v1\n"
		"name: %s\n"
		"maps:\n"
		"  pair: { type: sockmap, max_entries: 4 }\n"
		"programs:\n"
		"  parser: { type: sk_skb, body: [ 'r0 = *(u32 *)(r1 + 0)', exit ] }\n"
		"  echo: { type: sk_skb, body: [ sk_redirect_map: { map: pair, key: 0 }, exit ] }\n"
		"  msg: { type: sk_msg, body: [ sk_msg_pass ] }\n"
		"attachments:\n"
		"  - { program: parser, target: pair, attach_type: stream_parser }\n"
		"  - { program: echo, target: pair, attach_type: stream_verdict }\n"
		"  - { program: msg, target: pair, attach_type: msg_verdict }\n",
		ret->name);
	sockform_expect(0, "apply", ret->path);
}

/* "DEPLOYMENT/pair", in a static buffer. */
static const char *pair_of(const struct manifest *manifest)
{
	static char name[80];

	snprintf(name, sizeof(name), "%s/pair", manifest->name);
	return name;
}

static int open_pair(const struct manifest *manifest)
{
	int map = bpf_obj_get(manifest_pin(manifest, "maps/pair"));

	cr_assert(map >= 0, "%s", strerror(errno));
	return map;
}

#define assert_detached(words, ...)                                                                \
	do {                                                                                       \
		struct result result_;                                                             \
		sockform(&result_, "detach", __VA_ARGS__);                                         \
		assert_code(&result_, 0);                                                          \
		assert_says(result_.out, words);                                                   \
		result_finish(&result_);                                                           \
	} while (0)

static void assert_status(const struct manifest *manifest, int code, const char *words)
{
	struct result result;

	sockform(&result, "status", manifest->name);
	assert_code(&result, code);
	assert_says(result.out, words);
	result_finish(&result);
}

#define assert_not_detached(code, words, ...)                                                      \
	do {                                                                                       \
		char *ids_ = snapshot_ids(), *pins_ = snapshot_pins();                             \
		struct result result_;                                                             \
		sockform(&result_, "detach", __VA_ARGS__);                                         \
		assert_code(&result_, code);                                                       \
		assert_says(result_.err, words);                                                   \
		cr_assert_str_eq(result_.out, "");                                                 \
		result_finish(&result_);                                                           \
		assert_ids(ids_);                                                                  \
		assert_pins(pins_);                                                                \
		free(ids_);                                                                        \
		free(pins_);                                                                       \
	} while (0)

Test(detach, one_hook_of_ours_stops_at_once_and_apply_brings_it_back)
{
	struct manifest manifest;
	struct pair pair;
	char *ids, *now;
	int map;

	applied(&manifest, "one");
	ids = snapshot_ids();
	map = open_pair(&manifest);
	pair_open(&pair);
	cr_assert_eq(socket_insert(map, 0, pair.server), 0);
	give(pair.client, "echo");
	assert_gets(pair.client, "echo");

	assert_detached(
		"  - attachment  pair:stream_verdict", pair_of(&manifest), "stream_verdict");
	/* The socket is in the map still, and keeps what it found there: that passes now. */
	give(pair.client, "pass");
	assert_gets(pair.server, "pass");
	assert_gets_nothing(pair.client);
	cr_assert_eq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), 0);
	cr_assert_neq(hook_program(map, BPF_SK_SKB_STREAM_PARSER), 0);
	cr_assert_neq(hook_program(map, BPF_SK_MSG_VERDICT), 0);
	assert_status(&manifest, 1, "pair:stream_verdict: it is detached");
	sockform_expect(1, "plan", "--exit-code", manifest.path);

	assert_detached("nothing is attached", pair_of(&manifest), "stream_verdict");
	/* The socket kept its dispatcher, and that is the one that is attached again. */
	sockform_expect(0, "apply", manifest.path);
	sockform_expect(0, "plan", "--exit-code", manifest.path);
	sockform_expect(0, "status", manifest.name);
	give(pair.client, "again");
	assert_gets(pair.client, "again");
	now = snapshot_ids();
	cr_assert_eq(snapshot_count(now, "link"), snapshot_count(ids, "link"));
	cr_assert_eq(snapshot_count(now, "program"), snapshot_count(ids, "program"),
		"before:\n%snow:\n%s", ids, now);
	pair_close(&pair);
	close(map);
	free(ids);
	free(now);
}

Test(detach, every_hook_of_a_map_of_ours)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	struct manifest manifest;
	int map;

	applied(&manifest, "all");
	map = open_pair(&manifest);
	assert_detached("3 deleted in ", pair_of(&manifest));
	cr_assert_eq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), 0);
	cr_assert_eq(hook_program(map, BPF_SK_SKB_STREAM_PARSER), 0);
	cr_assert_eq(hook_program(map, BPF_SK_MSG_VERDICT), 0);
	assert_detached("nothing is attached", pair_of(&manifest));
	close(map);
	assert_status(&manifest, 1, "pair:msg_verdict: it is detached");
	sockform_expect(0, "delete", manifest.path);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

/* By its id, or by the path of its pin, a map of ours is ours. */
Test(detach, a_map_of_ours_by_any_name)
{
	struct manifest manifest;
	char id[32], pin[512];
	int map;

	applied(&manifest, "names");
	map = open_pair(&manifest);
	snprintf(id, sizeof(id), "id:%u", map_id(map));
	snprintf(pin, sizeof(pin), "%s", manifest_pin(&manifest, "maps/pair"));
	assert_detached("  - attachment  pair:msg_verdict", id, "msg_verdict");
	assert_detached("  - attachment  pair:stream_verdict", pin, "stream_verdict");
	cr_assert_eq(hook_program(map, BPF_SK_MSG_VERDICT), 0);
	cr_assert_eq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), 0);
	sockform_expect(0, "apply", manifest.path);
	close(map);
}

Test(detach, only_the_program_that_is_named)
{
	struct manifest manifest;
	char id[16];
	uint32_t zero = 0, value = 0;
	int map, slot;

	applied(&manifest, "program");
	map = open_pair(&manifest);
	assert_detached("nothing is attached", pair_of(&manifest), "--program", "other");
	assert_detached(
		"nothing is attached", pair_of(&manifest), "--program", "msg", "stream_verdict");
	assert_detached("1 deleted in ", pair_of(&manifest), "--program", "msg");
	cr_assert_eq(hook_program(map, BPF_SK_MSG_VERDICT), 0);
	slot = bpf_obj_get(manifest_pin(&manifest, "slots/pair:stream_verdict"));
	cr_assert_eq(bpf_map_lookup_elem(slot, &zero, &value), 0);
	close(slot);
	snprintf(id, sizeof(id), "%u", value);
	assert_detached("pair:stream_verdict", pair_of(&manifest), "--program", id);
	cr_assert_eq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), 0);
	cr_assert_neq(hook_program(map, BPF_SK_SKB_STREAM_PARSER), 0);
	close(map);
}

/* A map that is nobody's deployment: legacy attachments, by id and by pin. */
Test(detach, programs_of_others_need_force)
{
	int map = sockmap_make(), msg = program_return(BPF_PROG_TYPE_SK_MSG, "theirs", SK_PASS);
	int verdict = program_pass(), other = program_pass();
	char id[32], program[32], words[128], pin[64];

	snprintf(id, sizeof(id), "id:%u", map_id(map));
	snprintf(program, sizeof(program), "%u", program_id(verdict));
	assert_detached("nothing is attached", id);
	cr_assert_eq(bpf_prog_attach(msg, map, BPF_SK_MSG_VERDICT, 0), 0);
	cr_assert_eq(bpf_prog_attach(verdict, map, BPF_SK_SKB_STREAM_VERDICT, 0), 0);
	snprintf(words, sizeof(words), "program %u (theirs) is on %s:msg_verdict", program_id(msg),
		id);
	assert_not_detached(3, words, id);
	assert_not_detached(3, "E0409", id, "stream_verdict");
	cr_assert_eq(hook_program(map, BPF_SK_MSG_VERDICT), program_id(msg));

	assert_detached("nothing is attached", id, "--force", "--program", "another");
	assert_detached("(theirs)", id, "msg_verdict", "--force");
	cr_assert_eq(hook_program(map, BPF_SK_MSG_VERDICT), 0);
	cr_assert_eq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), program_id(verdict));
	assert_detached("1 deleted in ", id, "--force", "--program", program);
	cr_assert_eq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), 0);

	/* Every program of a map, which is called by its pin this time. */
	snprintf(pin, sizeof(pin), "%s", loose_pin("detach"));
	cr_assert_eq(bpf_obj_pin(map, pin), 0);
	cr_assert_eq(bpf_prog_attach(msg, map, BPF_SK_MSG_VERDICT, 0), 0);
	cr_assert_eq(bpf_prog_attach(other, map, BPF_SK_SKB_VERDICT, 0), 0);
	assert_detached("2 deleted in ", pin, "--force");
	cr_assert_eq(unlink(pin), 0);
	cr_assert_eq(hook_program(map, BPF_SK_MSG_VERDICT), 0);
	cr_assert_eq(hook_program(map, BPF_SK_SKB_VERDICT), 0);
	close(map);
}

/* As before about 5.18: that nobody tells is not said to be nothing. */
Test(detach, what_cannot_be_seen_is_no_nothing)
{
	int map = sockmap_make(), verdict = program_pass();
	struct manifest manifest;
	struct result result;
	char id[32];

	snprintf(id, sizeof(id), "id:%u", map_id(map));
	cr_assert_eq(bpf_prog_attach(verdict, map, BPF_SK_SKB_STREAM_VERDICT, 0), 0);
	sockform_distorted(&result, "no-query", (const char *const[]){ "detach", id, NULL });
	assert_code(&result, 3);
	assert_says(result.err, "this kernel does not tell of maps");
	cr_assert_str_eq(result.out, "");
	result_finish(&result);
	close(map);

	/* What a deployment has on a map of its own is known all the same. */
	applied(&manifest, "blind");
	map = open_pair(&manifest);
	for (int i = 0; i < 2; i++) {
		sockform_distorted(&result, "no-query",
			(const char *const[]){ "detach", pair_of(&manifest), NULL });
		assert_code(&result, 0);
		assert_says(result.out, i ? "nothing is attached" : "3 deleted in ");
		result_finish(&result);
	}
	cr_assert_eq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), 0);
	close(map);
}

Test(detach, links_of_others_need_force)
{
	int map = sockmap_make(), verdict = program_pass(), link;
	char id[32];

	links_need();
	link = hook_attach(verdict, map, BPF_SK_SKB_STREAM_VERDICT);
	snprintf(id, sizeof(id), "id:%u", map_id(map));
	assert_not_detached(3, "(by a link)", id, "stream_verdict");
	assert_detached("1 deleted in ", id, "stream_verdict", "--force");
	cr_assert_eq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), 0);
	/* The link is there as long as its owner wants, and attaches nothing. */
	cr_assert_eq(bpf_link_update(link, verdict, NULL), -ENOLINK);
	assert_detached("nothing is attached", id);
	close(link);
	close(map);
}

/* Theirs beside ours, on one map: without --force nothing of either goes. */
Test(detach, theirs_beside_ours)
{
	int theirs = program_return(BPF_PROG_TYPE_SK_MSG, "theirs", SK_PASS), map;
	struct manifest manifest;

	applied(&manifest, "beside");
	assert_detached("1 deleted in ", pair_of(&manifest), "msg_verdict");
	map = open_pair(&manifest);
	cr_assert_eq(bpf_prog_attach(theirs, map, BPF_SK_MSG_VERDICT, 0), 0);
	assert_not_detached(3, "(theirs)", pair_of(&manifest));
	cr_assert_neq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), 0);
	assert_detached("pair:stream_verdict", pair_of(&manifest), "stream_verdict");
	assert_detached("2 deleted in ", pair_of(&manifest), "--force");
	cr_assert_eq(hook_program(map, BPF_SK_MSG_VERDICT), 0);
	cr_assert_eq(hook_program(map, BPF_SK_SKB_STREAM_PARSER), 0);
	close(map);
}

Test(detach, from_a_cgroup)
{
	int theirs = program_return(BPF_PROG_TYPE_SOCK_OPS, "theirs", 1);
	const char *path = cgroup_make("detach");
	int cgroup = cgroup_open(path);
	struct manifest manifest;
	char ours[256];

	manifest_init(&manifest, "cgroup");
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\nprograms:\n"
		"  ops: { type: sock_ops, body: [ r0 = 1, exit ] }\nattachments:\n"
		"  - { program: ops, target: %s, attach_type: sock_ops }\n",
		manifest.name, path);
	sockform_expect(0, "apply", manifest.path);
	snprintf(ours, sizeof(ours), "  - attachment  %s:sock_ops", path);
	assert_detached(ours, "--cgroup", path, "sock_ops");
	cr_assert_eq(hook_program(cgroup, BPF_CGROUP_SOCK_OPS), 0);
	assert_detached("nothing is attached", "--cgroup", path);
	sockform_expect(0, "apply", manifest.path);
	cr_assert_eq(bpf_prog_attach(theirs, cgroup, BPF_CGROUP_SOCK_OPS, BPF_F_ALLOW_MULTI), 0);
	assert_not_detached(3, "(theirs)", "--cgroup", path);
	assert_detached(ours, "--cgroup", path + 1, "--program", "ops");
	cr_assert_eq(hook_program(cgroup, BPF_CGROUP_SOCK_OPS), program_id(theirs));
	assert_detached("(theirs)", "--cgroup", path, "--force");
	cr_assert_eq(hook_program(cgroup, BPF_CGROUP_SOCK_OPS), 0);
	close(cgroup);
}

/* Where it could not be looked, nothing is said to be attached there or not. */
Test(detach, a_cgroup_that_cannot_be_opened)
{
	const char *path = cgroup_make("closed");
	int told = 0;

	for (unsigned int nth = 1; nth <= 30; nth++) {
		struct result result;
		char order[32];

		snprintf(order, sizeof(order), "fs:%u:ENOMEM", nth);
		sockform_injected(
			&result, order, (const char *const[]){ "detach", "--cgroup", path, NULL });
		cr_assert_eq(result.code, *result.err ? 3 : 0, "%s: %d", order, result.code);
		cr_assert_eq(strstr(result.out, "nothing is attached") != NULL, result.code == 0,
			"%s: %s", order, result.out);
		told += strstr(result.err, "cannot open cgroup ") != NULL;
		result_finish(&result);
	}
	cr_assert_geq(told, 3); /* the mount table, its mount and the cgroup */
}

/* Pins of an attachment whose cgroup, or whose map's pin, is gone. */
Test(detach, what_is_left_of_an_attachment)
{
	const char *path = cgroup_make("left");
	struct manifest manifest, other;

	manifest_init(&manifest, "left");
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\nprograms:\n"
		"  ops: { type: sock_ops, body: [ r0 = 1, exit ] }\nattachments:\n"
		"  - { program: ops, target: %s, attach_type: sock_ops }\n",
		manifest.name, path);
	sockform_expect(0, "apply", manifest.path);
	cgroup_remove(path);
	sockform_expect(1, "status", manifest.name);
	assert_detached(":sock_ops", "--cgroup", path);
	/* It is remembered that there should be one. */
	sockform_expect(1, "status", manifest.name);
	assert_not_detached(3, "there is no cgroup", "--cgroup", path);
	applied(&other, "unpinned");
	cr_assert_eq(unlink(manifest_pin(&other, "maps/pair")), 0);
	assert_detached("3 deleted in ", pair_of(&other));
	assert_not_detached(2, "has no map \"pair\"", pair_of(&other));
	sockform_expect(0, "apply", other.path);
	sockform_expect(0, "status", other.name);
}

Test(detach, what_cannot_be_meant)
{
	assert_not_detached(
		2, "there is no deployment \"" TEST_PREFIX "none\"", TEST_PREFIX "none/pair");
	assert_not_detached(2, "give a MAP, or --cgroup PATH", "--force");
	assert_not_detached(2, "a MAP is DEPLOYMENT/MAP", "pair");
	assert_not_detached(2, "a MAP is DEPLOYMENT/MAP", "a/b/c");
	assert_not_detached(2, "a MAP is DEPLOYMENT/MAP", "a/..");
	assert_not_detached(2, "a MAP is DEPLOYMENT/MAP", "../b");
	assert_not_detached(2, "a MAP is DEPLOYMENT/MAP", "id:0");
	assert_not_detached(2, "a MAP is DEPLOYMENT/MAP", "id:99999999999");
	assert_not_detached(2, "a MAP is DEPLOYMENT/MAP", "id:1x");
	assert_not_detached(2, "a map has the hooks stream_parser", "id:1", "sock_ops");
	assert_not_detached(2, "a cgroup has the hooks sock_ops", "--cgroup", "/", "msg_verdict");
	assert_not_detached(2, "one operand too many", "--cgroup", "/", "sock_ops", "x");
	assert_not_detached(2, "is no path of a cgroup", "--cgroup", "a/..");
	assert_not_detached(3, "there is no cgroup", "--cgroup", "/sockform-test-absent");
	assert_not_detached(
		3, "cannot open map /sys/fs/bpf/no-such-pin", "/sys/fs/bpf/no-such-pin");
	assert_not_detached(3, "cannot open map id:4294967295", "id:4294967295");
}

/* Of the information that a program and a map have in common the id comes first. */
Test(detach, the_pin_of_a_program_is_no_map)
{
	int program = program_pass();
	char pin[64];

	snprintf(pin, sizeof(pin), "%s", loose_pin("detach"));
	cr_assert_eq(bpf_obj_pin(program, pin), 0);
	assert_not_detached(3, "what is pinned there is no map", pin);
	cr_assert_eq(unlink(pin), 0);
}

/* One program by two links, and once more without one: three places, each is seen and emptied. */
Test(detach, a_program_that_is_there_more_than_once)
{
	int theirs = program_return(BPF_PROG_TYPE_SOCK_OPS, "theirs", 1);
	int twin = program_return(BPF_PROG_TYPE_SOCK_OPS, "theirs", 1);
	const char *path = cgroup_make("twice"), *below = cgroup_make("below");
	int cgroup = cgroup_open(path), other = cgroup_open(below);
	int one = bpf_link_create(theirs, cgroup, BPF_CGROUP_SOCK_OPS, NULL);
	int two = bpf_link_create(twin, cgroup, BPF_CGROUP_SOCK_OPS, NULL);
	int elsewhere = bpf_link_create(theirs, other, BPF_CGROUP_SOCK_OPS, NULL);

	cr_assert(one >= 0 && two >= 0 && elsewhere >= 0);
	/* The kernel refuses a program's second place only where both are without a link, or with one. */
	cr_assert_eq(bpf_prog_attach(theirs, cgroup, BPF_CGROUP_SOCK_OPS, BPF_F_ALLOW_MULTI), 0);
	assert_detached("3 deleted in ", "--cgroup", path, "--force");
	cr_assert_eq(hook_program(cgroup, BPF_CGROUP_SOCK_OPS), 0);
	cr_assert_eq(hook_program(other, BPF_CGROUP_SOCK_OPS), program_id(theirs));
	close(one);
	close(two);
	close(elsewhere);
	close(cgroup);
	close(other);
}

/* What detach leaves in a slot has no pin; to open it by its id would take CAP_SYS_ADMIN. */
Test(detach, apply_and_delete_need_no_more_than_before)
{
	static const char *const verbs[] = { "detach", "apply", "detach", "delete" };
	struct manifest manifest;

	applied(&manifest, "least");
	for (int i = 0; i < 4; i++) {
		const char *operand = i % 2 ? manifest.path : pair_of(&manifest);
		struct result result;

		command_run(&result, 0,
			(const char *const[]){ "setpriv", "--bounding-set", "-sys_admin",
				sockform_path(), verbs[i], operand, NULL });
		if (result.code == 127)
			cr_skip_test("skipped: there is no setpriv");
		assert_code(&result, 0);
		result_finish(&result);
		if (i == 1)
			sockform_expect(0, "status", manifest.name);
	}
}

/* Programs of the same name of two deployments, on one cgroup. */
Test(detach, the_program_of_one_deployment)
{
	const char *path = cgroup_make("both");
	int cgroup = cgroup_open(path);
	struct manifest both[2];
	char called[100];

	for (int i = 0; i < 2; i++) {
		manifest_init(&both[i], i ? "both-b" : "both-a");
		manifest_write(both[i].path,
			"sockform: v1\nname: %s\nprograms:\n"
			"  ops: { type: sock_ops, body: [ r0 = 1, exit ] }\nattachments:\n"
			"  - { program: ops, target: %s, attach_type: sock_ops }\n",
			both[i].name, path);
		sockform_expect(0, "apply", both[i].path);
	}
	snprintf(called, sizeof(called), "%s/ops", both[0].name);
	assert_detached("1 deleted in ", "--cgroup", path, "--program", called);
	cr_assert_neq(hook_program(cgroup, BPF_CGROUP_SOCK_OPS), 0);
	sockform_expect(0, "plan", "--exit-code", both[1].path);
	sockform_expect(1, "plan", "--exit-code", both[0].path);
	close(cgroup);
}

Test(detach, what_another_version_made_is_left_alone)
{
	struct manifest manifest;
	char layout[200];

	applied(&manifest, "layout");
	snprintf(layout, sizeof(layout), "%s", manifest_pin(&manifest, "layout"));
	cr_assert_eq(unlink(layout), 0);
	cr_assert_eq(symlink("sockform-99", layout), 0);
	assert_not_detached(3, "E0406", pair_of(&manifest));
	cr_assert_eq(unlink(layout), 0);
	cr_assert_eq(symlink("sockform-2", layout), 0);
}

/* A detach that fails has changed nothing, but for links of others, which are named. */
Test(detach, a_failed_detach_changes_nothing)
{
	char *file = scratch_path("detach.strace"), *ids, *pins;
	struct manifest manifest;
	bool injected = true;
	int failed = 0;

	trace_need();
	applied(&manifest, "fault");
	ids = snapshot_ids();
	pins = snapshot_pins();
	for (int nth = 1; injected; nth++) {
		char inject[96], *trace;
		const char *const argv[] = { "strace", "-f", "-o", file, "-e", "trace=bpf", "-e",
			inject, sockform_path(), "detach", pair_of(&manifest), NULL };
		struct result result;

		cr_assert_lt(nth, NTH_MOST);
		snprintf(inject, sizeof(inject), "inject=bpf:error=ENOMEM:when=%d", nth);
		command_run(&result, PROCESS_TRACED, argv);
		trace = file_read(file);
		injected = strstr(trace, "(INJECTED)");
		free(trace);
		cr_assert(result.code == 0 || result.code == 3, "%d: %s", nth, result.err);
		cr_assert(result.code == 0 || *result.err);
		failed += result.code != 0;
		if (result.code == 0)
			sockform_expect(0, "apply", manifest.path);
		result_finish(&result);
		if (failed && result.code) {
			assert_ids(ids);
			assert_pins(pins);
		}
		sockform_expect(0, "status", manifest.name);
		sockform_expect(0, "plan", "--exit-code", manifest.path);
	}
	cr_assert(failed >= 10, "only %d faults were noticed", failed);
	free(ids);
	free(pins);
	free(file);
}

Test(detach, as_json)
{
	struct manifest manifest;
	struct result result;

	applied(&manifest, "json");
	sockform(&result, "detach", "-o", "json", pair_of(&manifest), "msg_verdict");
	assert_code(&result, 0);
	cr_assert(json_valid(result.out), "%s", result.out);
	assert_says(result.out, "\"name\": \"pair:msg_verdict\"");
	assert_says(result.out, "\"action\": \"delete\"");
	result_finish(&result);
	sockform(&result, "detach", "-o", "json", pair_of(&manifest), "msg_verdict");
	assert_code(&result, 0);
	cr_assert(json_valid(result.out), "%s", result.out);
	assert_says(result.out, "\"changed\": false");
	result_finish(&result);
}
