/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * SK_MSG on maps and SOCK_OPS on cgroups, with real bytes: programs that redirect, drop and pass,
 * change under live connections, put sockets into maps, and are gone when they are deleted.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "raw.h"

static void hooks_fini(void)
{
	cgroup_fini();
	harness_fini();
}

#define ECHO_HOOK "echo_sockets:stream_verdict"

TestSuite(hooks, .init = harness_init, .fini = hooks_fini, .timeout = 60);

/* What a socket at index 0 sends is for the reader of the one at index 1. */
#define TO_ONE "      - msg_redirect_map: { map: pair, key: 1, flags: ingress }\n      - exit\n"
#define DROP "      - r0 = 0\n      - exit\n"
#define PASS "      - r0 = 1\n      - exit\n"

static void manifest_msg(const struct manifest *manifest, const char *body)
{
	manifest_write(manifest->path,
		"sockform: v1\n"
		"name: %s\n"
		"maps:\n"
		"  pair: { type: sockmap, max_entries: 4 }\n"
		"programs:\n"
		"  msg:\n"
		"    type: sk_msg\n"
		"    body:\n"
		"%s"
		"attachments:\n"
		"  - { program: msg, target: pair, attach_type: msg_verdict }\n",
		manifest->name, body);
}

/* The sender of what is dropped is told so. */
static void assert_refused(int fd)
{
	cr_assert_eq(send(fd, "dropped", 7, MSG_NOSIGNAL), -1);
	cr_assert_eq(errno, EACCES, "%s", strerror(errno));
}

static void apply_msg(const struct manifest *manifest, const char *body)
{
	manifest_msg(manifest, body);
	sockform_expect(0, "apply", manifest->path);
}

Test(hooks, msg_verdict_redirects_drops_and_passes_under_a_live_connection)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	struct manifest manifest;
	struct pair first, second;
	int map;

	manifest_init(&manifest, "msg");
	apply_msg(&manifest, TO_ONE);
	pair_open(&first);
	pair_open(&second);
	map = bpf_obj_get(manifest_pin(&manifest, "maps/pair"));
	cr_assert(map >= 0);
	cr_assert_eq(socket_insert(map, 0, first.client), 0);
	cr_assert_eq(socket_insert(map, 1, second.client), 0);
	give(first.client, "redirected");
	assert_gets(second.client, "redirected");
	assert_gets_nothing(first.server);

	apply_msg(&manifest, PASS);
	give(first.client, "passed");
	assert_gets(first.server, "passed");
	assert_gets_nothing(second.client);

	apply_msg(&manifest, DROP);
	assert_refused(second.client);
	assert_gets_nothing(second.server);

	apply_msg(&manifest, TO_ONE);
	give(first.client, "again");
	assert_gets(second.client, "again");
	/* What was dropped once: see the fact below. */
	assert_refused(second.client);

	/* Deleted, the map and what is copied into its sockets go on, and pass. */
	sockform_expect(0, "delete", manifest.path);
	give(first.client, "without");
	assert_gets(first.server, "without");
	close(map);
	pair_close(&first);
	pair_close(&second);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

/*
 * A verdict is kept until as many bytes have gone as it was for (psock->eval in net/ipv4/tcp_bpf.c);
 * of what is dropped none go, so the socket asks no program any more, whichever comes.
 */
Test(hooks, a_socket_whose_message_was_dropped_asks_no_program_again)
{
	int map = sockmap_make(), slot = map_make(BPF_MAP_TYPE_PROG_ARRAY, 4, 1);
	int pass = program_return(BPF_PROG_TYPE_SK_MSG, "pass", SK_PASS);
	int drop = program_return(BPF_PROG_TYPE_SK_MSG, "drop", SK_DROP);
	const struct bpf_insn code[] = { LD_MAP(BPF_REG_2, slot), MOV(BPF_REG_3, 0),
		CALL(BPF_FUNC_tail_call), MOV(BPF_REG_0, SK_PASS), EXIT };
	int dispatcher = bpf_prog_load(BPF_PROG_TYPE_SK_MSG, "disp", "GPL", code, 6, NULL);
	struct pair dropped, other;
	uint32_t zero = 0;

	hook_attach(dispatcher, map, BPF_SK_MSG_VERDICT);
	pair_open(&dropped);
	pair_open(&other);
	cr_assert_eq(socket_insert(map, 0, dropped.client), 0);
	cr_assert_eq(socket_insert(map, 1, other.client), 0);
	give(dropped.client, "before");
	assert_gets(dropped.server, "before");
	cr_assert_eq(bpf_map_update_elem(slot, &zero, &drop, BPF_ANY), 0);
	assert_refused(dropped.client);
	cr_assert_eq(bpf_map_update_elem(slot, &zero, &pass, BPF_ANY), 0);
	assert_refused(dropped.client);
	give(other.client, "other");
	assert_gets(other.server, "other");
	pair_close(&dropped);
	pair_close(&other);
}

/* A client of the cgroup goes into the sockhash when it is connected. */
#define INSERT                                                                                     \
	"      - r6 = r1\n"                                                                        \
	"      - |\n"                                                                              \
	"        r2 = *(u32 *)(r6 + 0)\n"                                                          \
	"        if r2 != 4 goto out\n"                                                            \
	"        call bpf_get_socket_cookie\n"                                                     \
	"        *(u64 *)(r10 - 8) = r0\n"                                                         \
	"        r1 = r6\n"                                                                        \
	"        r2 = clients ll\n"                                                                \
	"        r3 = r10\n"                                                                       \
	"        r3 += -8\n"                                                                       \
	"        r4 = 0\n"                                                                         \
	"        call bpf_sock_hash_update\n"                                                      \
	"        out:\n"                                                                           \
	"        r0 = 1\n"                                                                         \
	"        exit\n"

static void manifest_ops(
	const struct manifest *manifest, const char *cgroup, const char *ops, const char *msg)
{
	manifest_write(manifest->path,
		"sockform: v1\n"
		"name: %s\n"
		"maps:\n"
		"  clients: { type: sockhash, key: [cookie], max_entries: 64 }\n"
		"programs:\n"
		"  ops:\n"
		"    type: sock_ops\n"
		"    body:\n"
		"%s"
		"  msg:\n"
		"    type: sk_msg\n"
		"    body:\n"
		"%s"
		"attachments:\n"
		"  - { program: ops, target: %s, attach_type: sock_ops }\n"
		"  - { program: msg, target: clients, attach_type: msg_verdict }\n",
		manifest->name, ops, msg, cgroup);
}

static ssize_t clients(const struct manifest *manifest)
{
	return snapshot_entries(manifest_pin(manifest, "maps/clients"));
}

/* A connection whose client is made in the cgroup, and whose server is not. */
static void pair_open_in(struct pair *ret, const char *cgroup)
{
	cgroup_enter(cgroup);
	pair_open(ret);
	cgroup_enter("/");
}

Test(hooks, sock_ops_puts_the_sockets_of_its_cgroup_into_a_map)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	const char *cgroup = cgroup_make("ops");
	struct pair in, out;
	struct manifest manifest;

	manifest_init(&manifest, "ops");
	/* Without the slash before it, it is the same path. */
	manifest_ops(&manifest, cgroup + 1, INSERT, PASS);
	sockform_expect(0, "apply", manifest.path);
	sockform_expect(0, "status", manifest.name);
	pair_open(&out);
	cr_assert_eq(clients(&manifest), 0);
	pair_open_in(&in, cgroup);
	/* The accepted end is of the same cgroup here, but only the connecting one is taken. */
	cr_assert_eq(clients(&manifest), 1);
	give(out.client, "outside");
	assert_gets(out.server, "outside");
	give(in.client, "passed");
	assert_gets(in.server, "passed");

	manifest_ops(&manifest, cgroup, INSERT, DROP);
	sockform_expect(0, "apply", manifest.path);
	assert_refused(in.client);
	assert_gets_nothing(in.server);
	pair_close(&in);
	pair_close(&out);
	sockform_expect(0, "delete", manifest.path);
	cgroup_remove(cgroup);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

Test(hooks, another_sock_ops_program_takes_effect_at_once)
{
	const char *cgroup = cgroup_make("swap");
	struct pair first, second, third;
	struct manifest manifest;
	struct result result;

	manifest_init(&manifest, "swap");
	manifest_ops(&manifest, cgroup, INSERT, PASS);
	sockform_expect(0, "apply", manifest.path);
	pair_open_in(&first, cgroup);
	cr_assert_eq(clients(&manifest), 1);
	manifest_ops(&manifest, cgroup, PASS, PASS);
	sockform(&result, "apply", manifest.path);
	assert_code(&result, 0);
	assert_says(result.out, "takes effect for every socket at once");
	result_finish(&result);
	pair_open_in(&second, cgroup);
	cr_assert_eq(clients(&manifest), 1, "the first stays, no other comes");
	manifest_ops(&manifest, cgroup, INSERT, PASS);
	sockform_expect(0, "apply", manifest.path);
	pair_open_in(&third, cgroup);
	cr_assert_eq(clients(&manifest), 2);
	sockform_expect(0, "plan", "--exit-code", manifest.path);
	pair_close(&first);
	pair_close(&second);
	pair_close(&third);
}

/* The manifest names it first; it begins last, and ends first. */
Test(hooks, sock_ops_comes_last_and_goes_first)
{
	const char *cgroup = cgroup_make("order"), *ops, *msg;
	struct manifest manifest;
	struct result result;
	char *file = scratch_path("order.strace"), *trace, *last;

	trace_need();
	manifest_init(&manifest, "order");
	manifest_ops(&manifest, cgroup, INSERT, PASS);

	const char *const argv[] = { sockform_path(), "apply", manifest.path, NULL };

	trace_run(&result, "bpf", file, argv);
	assert_code(&result, 0);
	result_finish(&result);
	trace = file_read(file);
	cr_assert_eq(text_lines_with(trace, "bpf(BPF_LINK_CREATE,"), 2, "%s", trace);
	last = strrchr(trace, '(');
	while (strncmp(last, "(BPF_LINK_CREATE", 16))
		*last = '\0', last = strrchr(trace, '(');
	assert_says(last, "BPF_CGROUP_SOCK_OPS");
	sockform(&result, "delete", manifest.path);
	assert_code(&result, 0);
	ops = strstr(result.out, ":sock_ops");
	msg = strstr(result.out, ":msg_verdict");
	cr_assert(ops && msg && ops < msg, "%s", result.out);
	result_finish(&result);
	free(trace);
	free(file);
}

Test(hooks, a_cgroup_that_is_not_there_changes_nothing)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins(), place[256];
	struct manifest manifest;
	struct result result;

	manifest_init(&manifest, "absent");
	manifest_ops(&manifest, "/sockform-test-absent", INSERT, PASS);
	snprintf(place, sizeof(place),
		"%s:%u:29: error[E0408]: there is no cgroup "
		"\"/sockform-test-absent\" in %s\n",
		manifest.path, manifest_line(&manifest, "attach_type: sock_ops"), cgroup_mount());
	sockform(&result, "apply", manifest.path);
	assert_code(&result, 3);
	assert_says(result.err, place);
	result_finish(&result);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

static void assert_drift(const struct manifest *manifest, const char *words)
{
	struct result result;

	sockform(&result, "status", manifest->name);
	assert_code(&result, 1);
	assert_says(result.out, words);
	result_finish(&result);
}

Test(hooks, a_cgroup_that_goes_is_noticed_and_delete_works_without_it)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	const char *cgroup = cgroup_make("goes");
	struct manifest manifest;
	struct result result;

	manifest_init(&manifest, "goes");
	manifest_ops(&manifest, cgroup, INSERT, PASS);
	sockform_expect(0, "apply", manifest.path);
	cgroup_remove(cgroup);
	assert_drift(&manifest, "its cgroup is gone");
	assert_drift(&manifest, "make the cgroup again, or take it out of the manifest");
	sockform(&result, "apply", manifest.path);
	assert_code(&result, 3);
	assert_says(result.err, "E0408");
	result_finish(&result);
	sockform_expect(0, "delete", manifest.path);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

/* One verdict of a map excludes the other: what keeps ours off is on another hook, where --force leaves it. */
Test(hooks, what_keeps_ours_off_is_named_with_its_place)
{
	int theirs = program_pass(), map, dispatcher;
	struct manifest manifest;
	char target[128];

	manifest_init(&manifest, "excluded");
	manifest_echo(&manifest, BODY_ECHO);
	sockform_expect(0, "apply", manifest.path);
	map = bpf_obj_get(manifest_pin(&manifest, "maps/echo_sockets"));
	dispatcher = bpf_obj_get(manifest_pin(&manifest, "dispatchers/" ECHO_HOOK));
	cr_assert(map >= 0 && dispatcher >= 0, "%s", strerror(errno));
	if (has_links())
		cr_assert_eq(unlink(manifest_pin(&manifest, "links/" ECHO_HOOK)), 0);
	else
		cr_assert_eq(bpf_prog_detach2(dispatcher, map, BPF_SK_SKB_STREAM_VERDICT), 0);
	while (hook_program(map, BPF_SK_SKB_STREAM_VERDICT))
		usleep(1000);
	cr_assert_eq(bpf_prog_attach(theirs, map, BPF_SK_SKB_VERDICT, 0), 0);
	assert_drift(&manifest, "on echo_sockets:skb_verdict keeps it off");
	assert_drift(&manifest, "take that off (sockform detach --force), and apply");
	for (int forced = 0; forced < 2; forced++) {
		struct result result;

		sockform(&result, "apply", manifest.path, forced ? "--force" : NULL);
		assert_code(&result, 3);
		assert_says(result.err, "on echo_sockets:skb_verdict keeps others out");
		result_finish(&result);
	}
	snprintf(target, sizeof(target), "%s/echo_sockets", manifest.name);
	sockform_expect(0, "detach", "--force", target, "skb_verdict");
	sockform_expect(0, "apply", manifest.path);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "delete", manifest.path);
	close(dispatcher);
	close(map);
	close(theirs);
}

/* The same path is another cgroup by then. */
Test(hooks, a_cgroup_that_was_made_again_is_attached_to_again)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	const char *cgroup = cgroup_make("again");
	struct manifest manifest;
	struct pair pair;

	manifest_init(&manifest, "again");
	manifest_ops(&manifest, cgroup, INSERT, PASS);
	sockform_expect(0, "apply", manifest.path);
	cgroup_remove(cgroup);
	cgroup_make("again");
	sockform_expect(1, "status", manifest.name);
	sockform_expect(1, "plan", "--exit-code", manifest.path);
	sockform_expect(0, "apply", manifest.path);
	sockform_expect(0, "status", manifest.name);
	pair_open_in(&pair, cgroup);
	cr_assert_eq(clients(&manifest), 1);
	pair_close(&pair);
	sockform_expect(0, "delete", manifest.path);
	cgroup_remove(cgroup);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

Test(hooks, a_detached_link_of_a_cgroup_is_repaired)
{
	const char *cgroup = cgroup_make("link");
	struct manifest manifest;
	char pin[256];
	int link;

	manifest_init(&manifest, "link");
	manifest_ops(&manifest, cgroup, INSERT, PASS);
	sockform_expect(0, "apply", manifest.path);
	snprintf(pin, sizeof(pin), "links/cgroup+%s:sock_ops", cgroup + 1);
	link = bpf_obj_get(manifest_pin(&manifest, pin));
	cr_assert(link >= 0, "%s: %s", pin, strerror(errno));
	cr_assert_eq(bpf_link_detach(link), 0);
	close(link);
	assert_drift(&manifest, "its link is detached");
	sockform_expect(0, "apply", manifest.path);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "delete", manifest.path);
}

/* A path with all that file names of pins cannot hold, and one that is too long for any. */
Test(hooks, any_path_of_a_cgroup_has_its_pins)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins(), name[150], deep[300], full[600];
	struct manifest manifest;
	const char *odd;
	char *paths[2];

	odd = cgroup_make("a.slice+b,c=d:e @f");
	memset(name, 'x', sizeof(name));
	name[120] = '\0';
	snprintf(deep, sizeof(deep), "%s/%s", cgroup_make("deep"), name);
	snprintf(full, sizeof(full), "%s%s", cgroup_mount(), deep);
	cr_assert_eq(mkdir(full, 0755), 0, "%s", strerror(errno));
	strcat(deep, "/");
	strcat(deep, name);
	strcat(full, "/");
	strcat(full, name);
	cr_assert_eq(mkdir(full, 0755), 0, "%s", strerror(errno));
	paths[0] = strdup(odd);
	paths[1] = strdup(deep);
	manifest_init(&manifest, "paths");
	for (int i = 0; i < 2; i++) {
		char quoted[400];
		struct pair pair;

		snprintf(quoted, sizeof(quoted), "\"%s\"", paths[i]);
		manifest_ops(&manifest, quoted, INSERT, PASS);
		sockform_expect(0, "apply", manifest.path);
		sockform_expect(0, "status", manifest.name);
		sockform_expect(0, "plan", "--exit-code", manifest.path);
		pair_open_in(&pair, paths[i]);
		cr_assert_eq(clients(&manifest), 1);
		pair_close(&pair);
		sockform_expect(0, "delete", manifest.path);
		free(paths[i]);
	}
	cr_assert_eq(rmdir(full), 0, "%s", strerror(errno));
	*strrchr(full, '/') = '\0';
	cr_assert_eq(rmdir(full), 0, "%s", strerror(errno));
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

static void preorder_need(void)
{
	if (!cgroup_has_preorder())
		cr_skip_test("skipped: links of cgroups have no preorder here");
}

/*
 * Flags of links, bit by bit. A map's link takes none. A cgroup's takes preorder, and two that mean
 * nothing without another program to stand before or behind, or none where the kernel is older;
 * allow_multi it refuses, because it is.
 */
Test(hooks, links_take_the_flags_that_the_table_has)
{
	enum { ALLOW_MULTI = 1, BEFORE = 3, AFTER = 4, PREORDER = 6 };

	bool ordered = cgroup_has_preorder();

	int cgroup = cgroup_open(cgroup_make("flags")), map = sockmap_make();
	int ops = program_return(BPF_PROG_TYPE_SOCK_OPS, "ops", 1), pass = program_pass();
	struct manifest manifest;

	manifest_init(&manifest, "flags");
	for (uint32_t bit = 0; bit < 32; bit++) {
		LIBBPF_OPTS(bpf_link_create_opts, options, .flags = 1u << bit);
		int link = bpf_link_create(pass, map, BPF_SK_SKB_STREAM_VERDICT, &options);
		struct result result;
		bool taken;

		cr_assert(link < 0, "a map's link takes 0x%x", 1u << bit);
		link = bpf_link_create(ops, cgroup, BPF_CGROUP_SOCK_OPS, &options);
		taken = link >= 0;
		if (taken)
			close(link);
		cr_assert(
			!taken || bit == BEFORE || bit == AFTER || bit == PREORDER, "bit %u", bit);
		cr_assert(taken || bit != PREORDER || !ordered, "bit %u", bit);
		manifest_write(manifest.path,
			"sockform: v1\nname: %s\nprograms:\n"
			"  ops: { type: sock_ops, body: [ r0 = 1, exit ] }\nattachments:\n"
			"  - { program: ops, target: /, attach_type: sock_ops, flags: 0x%x }\n",
			manifest.name, 1u << bit);
		sockform(&result, "validate", manifest.path);
		cr_assert_eq(result.code == 0, bit == ALLOW_MULTI || bit == PREORDER, "bit %u: %s",
			bit, result.err);
		result_finish(&result);
	}
	close(cgroup);
}

static void manifest_flags(const struct manifest *manifest, const char *cgroup, const char *flags)
{
	manifest_write(manifest->path,
		"sockform: v1\nname: %s\nprograms:\n"
		"  ops: { type: sock_ops, body: [ r0 = 1, exit ] }\nattachments:\n"
		"  - { program: ops, target: %s, attach_type: sock_ops, flags: %s }\n",
		manifest->name, cgroup, flags);
}

/* The kernel does not tell the flags of a link: what is attached has another name. */
Test(hooks, other_flags_of_an_attachment_are_a_change)
{
	const char *cgroup;
	struct manifest manifest;
	struct result result;

	preorder_need();
	cgroup = cgroup_make("preorder");
	manifest_init(&manifest, "preorder");
	manifest_flags(&manifest, cgroup, "allow_multi");
	sockform_expect(0, "apply", manifest.path);
	manifest_flags(&manifest, cgroup, "[]");
	sockform_expect(0, "plan", "--exit-code", manifest.path);
	manifest_flags(&manifest, cgroup, "[preorder, allow_multi]");
	sockform(&result, "apply", manifest.path);
	assert_code(&result, 0);
	assert_says(result.out, "its flags changed");
	result_finish(&result);
	sockform_expect(0, "plan", "--exit-code", manifest.path);
	sockform_expect(0, "status", manifest.name);
	manifest_flags(&manifest, cgroup, "0");
	sockform_expect(1, "plan", "--exit-code", manifest.path);
	sockform_expect(0, "apply", manifest.path);
	sockform_expect(0, "plan", "--exit-code", manifest.path);
}

/* Wherever an apply that changes them ends, no connection finds the cgroup without the program. */
Test(hooks, other_flags_leave_no_gap)
{
	const char *path;
	int cgroup, killed = 0;
	struct manifest manifest;
	__u32 ids[8], count;

	trace_need();
	preorder_need();
	path = cgroup_make("gap");
	cgroup = cgroup_open(path);
	manifest_init(&manifest, "gap");
	for (int nth = 1;; nth++) {
		bool ended;

		manifest_flags(&manifest, path, "[]");
		sockform_expect(0, "apply", manifest.path);
		manifest_flags(&manifest, path, "preorder");
		ended = !apply_killed(&manifest, "bpf", nth);
		count = 8;
		cr_assert_eq(bpf_prog_query(cgroup, BPF_CGROUP_SOCK_OPS, 0, NULL, ids, &count), 0);
		cr_assert_geq(count, 1, "killed at bpf() %d", nth);
		if (ended)
			break;
		killed++;
		sockform_expect(0, "apply", manifest.path);
		cr_assert_neq(hook_program(cgroup, BPF_CGROUP_SOCK_OPS), 0);
		sockform_expect(0, "plan", "--exit-code", manifest.path);
	}
	cr_assert_geq(killed, 10);
	close(cgroup);
}
