/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * `sockform features` says of the kernel what raw calls say of it, leaves nothing behind and needs no
 * privilege; `--self-test` finds no fault here, and finds each that is put in its way.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"
#include "json.h"
#include "raw.h"

#define COLUMNS 80
#define TEST_MOST_MS 15000 /* of the 10 seconds that it gives itself */

TestSuite(features, .init = harness_init, .fini = harness_fini, .timeout = 120);

/* The state of a row in the JSON; in a static buffer, "" where there is no such row. */
static const char *state_of(const char *json, const char *group, const char *name)
{
	static char state[16];
	char key[256];
	const char *at;

	state[0] = '\0';
	snprintf(key, sizeof(key),
		"\"name\": \"%s\",\n      \"group\": \"%s\",\n      \"state\": \"", name, group);
	at = strstr(json, key);
	if (at)
		snprintf(state, sizeof(state), "%.*s", (int)strcspn(at + strlen(key), "\""),
			at + strlen(key));
	return state;
}

#define assert_state(json, group, name, expected)                                                  \
	cr_assert_str_eq(state_of(json, group, name), expected, "%s, %s: \"%s\", not \"%s\"",      \
		group, name, state_of(json, group, name), expected)

static const char *word(bool yes)
{
	return yes ? "yes" : "no";
}

/* `sockform features -o json`; malloc()ed. */
static char *features_json(void)
{
	struct result result;

	sockform(&result, "features", "-o", "json");
	assert_code(&result, 0);
	cr_assert_str_eq(result.err, "");
	free(result.err);
	return result.out;
}

static bool makes_map(uint32_t type, uint32_t value_size)
{
	union bpf_attr attr = {
		.map_type = type, .key_size = 4, .value_size = value_size, .max_entries = 1
	};
	int fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

Test(features, maps_are_what_the_kernel_makes)
{
	static const struct {
		const char *name;
		uint32_t type, value_size;
	} types[] = {
		{ "sockmap", BPF_MAP_TYPE_SOCKMAP, 8 },
		{ "sockhash", BPF_MAP_TYPE_SOCKHASH, 8 },
		{ "array", BPF_MAP_TYPE_ARRAY, 8 },
		{ "hash", BPF_MAP_TYPE_HASH, 8 },
		{ "percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY, 8 },
		{ "percpu_hash", BPF_MAP_TYPE_PERCPU_HASH, 8 },
		{ "lru_hash", BPF_MAP_TYPE_LRU_HASH, 8 },
		{ "lru_percpu_hash", BPF_MAP_TYPE_LRU_PERCPU_HASH, 8 },
		{ "prog_array", BPF_MAP_TYPE_PROG_ARRAY, 4 },
	};
	char *json = features_json();

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_state(json, "maps", types[i].name,
			word(makes_map(types[i].type, types[i].value_size)));
	free(json);
}

/* Whether the verifier knows the function for that type, whatever it says of the call. */
static bool may_call(uint32_t type, int32_t helper)
{
	static char log[1 << 16];
	const struct bpf_insn code[] = { CALL(helper), MOV(BPF_REG_0, 1), EXIT };
	union bpf_attr attr = { .prog_type = type, .insn_cnt = 3, .log_level = 1 };
	int fd;

	log[0] = '\0';
	attr.insns = (uintptr_t)code;
	attr.license = (uintptr_t) "GPL";
	attr.log_buf = (uintptr_t)log;
	attr.log_size = sizeof(log);
	fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd >= 0)
		close(fd);
	return !strstr(log, "unknown func") && !strstr(log, "cannot use helper") &&
	       !strstr(log, "invalid func");
}

Test(features, helpers_are_what_the_verifier_knows)
{
	static const struct {
		const char *name;
		int32_t number;
	} helpers[] = {
		{ "bpf_sk_redirect_map", BPF_FUNC_sk_redirect_map },
		{ "bpf_get_socket_cookie", BPF_FUNC_get_socket_cookie },
		{ "bpf_skb_pull_data", BPF_FUNC_skb_pull_data },
		{ "bpf_trace_printk", BPF_FUNC_trace_printk },
		{ "bpf_sk_lookup_tcp", BPF_FUNC_sk_lookup_tcp },
		{ "bpf_loop", BPF_FUNC_loop },
		{ "bpf_send_signal", BPF_FUNC_send_signal },
	};
	char *json = features_json();

	for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++)
		assert_state(json, "helpers in sk_skb", helpers[i].name,
			word(may_call(BPF_PROG_TYPE_SK_SKB, helpers[i].number)));
	assert_state(json, "helpers in sk_msg", "bpf_msg_redirect_hash",
		word(may_call(BPF_PROG_TYPE_SK_MSG, BPF_FUNC_msg_redirect_hash)));
	assert_state(json, "helpers in sock_ops", "bpf_sock_hash_update",
		word(may_call(BPF_PROG_TYPE_SOCK_OPS, BPF_FUNC_sock_hash_update)));
	free(json);
}

Test(features, hooks_are_what_the_kernel_takes)
{
	int map = sockmap_make(), program = program_pass();
	union bpf_attr link = { 0 }, query = { 0 };
	char *json = features_json();
	bool linked;
	int fd;

	query.query.target_fd = (uint32_t)map;
	query.query.attach_type = BPF_SK_SKB_STREAM_VERDICT;
	assert_state(json, "attaching", "queries of maps",
		word(syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof(query)) == 0));
	link.link_create.prog_fd = (uint32_t)program;
	link.link_create.target_fd = (uint32_t)map;
	link.link_create.attach_type = BPF_SK_SKB_STREAM_VERDICT;
	fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link));
	linked = fd >= 0;
	if (linked)
		close(fd);
	assert_state(json, "attaching", "links for maps", word(linked));
	/* The oldest way there is. */
	assert_state(json, "attaching", "stream_verdict", "yes");
	free(json);
}

Test(features, files_are_where_they_are)
{
	char *mounts = file_read("/proc/self/mounts");
	char *stats = file_read("/proc/sys/kernel/bpf_stats_enabled");
	char *json = features_json();

	assert_state(json, "file systems", "bpffs", word(strstr(mounts, " bpf ")));
	assert_state(json, "file systems", "cgroup2", word(strstr(mounts, " cgroup2 ")));
	assert_state(json, "programs", "the kernel's own BTF",
		word(access("/sys/kernel/btf/vmlinux", R_OK) == 0));
	assert_state(json, "sockets", "run counts (bpf_stats_enabled)", word(*stats == '1'));
	assert_state(json, "privilege", "CAP_BPF", "yes");
	free(json);
	free(stats);
	free(mounts);
}

/* Names below the mount of bpffs, sorted by nothing: how many there are. */
static size_t bpffs_entries(void)
{
	DIR *folder = opendir("/sys/fs/bpf");
	size_t count = 0;

	while (folder && readdir(folder))
		count++;
	if (folder)
		closedir(folder);
	return count;
}

static void leaves_nothing(const char *const argv[])
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	char *mounts = file_read("/proc/self/mounts"), *mounts_now;
	size_t entries = bpffs_entries();
	struct result result;

	command_run(&result, 0, argv);
	cr_assert(result.code == 0 || result.code == 1, "%s", result.err);
	result_finish(&result);
	assert_ids(ids);
	assert_pins(pins);
	cr_assert_eq(bpffs_entries(), entries);
	mounts_now = file_read("/proc/self/mounts");
	cr_assert_str_eq(mounts, mounts_now);
	free(mounts_now);
	free(mounts);
	free(pins);
	free(ids);
}

Test(features, asking_leaves_nothing_behind)
{
	leaves_nothing((const char *const[]){ sockform_path(), "features", NULL });
}

Test(features, testing_leaves_nothing_behind)
{
	leaves_nothing((const char *const[]){ sockform_path(), "features", "--self-test", NULL });
}

static void assert_fits(const char *text)
{
	for (const char *at = text; *at;) {
		size_t length = strcspn(at, "\n");

		cr_assert_leq(length, COLUMNS, "%.*s", (int)length, at);
		at += length + (at[length] == '\n');
	}
}

Test(features, text_fits_a_terminal_and_json_is_json)
{
	struct result result;
	char *json = features_json();

	cr_assert(json_valid(json), "%s", json);
	sockform(&result, "features");
	assert_code(&result, 0);
	assert_fits(result.out);
	result_finish(&result);
	free(json);
}

Test(features, without_privilege_it_says_what_it_can)
{
	char *ids = snapshot_ids();
	struct result result;

	sockform_as(&result, PROCESS_UNPRIVILEGED, "features", "-o", "json");
	assert_code(&result, 0);
	cr_assert_str_eq(result.err, "");
	cr_assert(json_valid(result.out));
	assert_state(result.out, "privilege", "CAP_BPF", "no");
	assert_state(result.out, "maps", "sockmap", "unknown");
	assert_state(result.out, "programs", "sk_skb", "unknown");
	assert_state(result.out, "attaching", "links for maps", "unknown");
	assert_state(result.out, "helpers in sk_skb", "bpf_sk_redirect_map", "unknown");
	assert_state(result.out, "sockets", "pidfd_getfd()", "yes");
	assert_says(result.out, "needs CAP_BPF and CAP_NET_ADMIN");
	result_finish(&result);
	sockform_as(&result, PROCESS_UNPRIVILEGED, "features");
	assert_fits(result.out);
	result_finish(&result);
	assert_ids(ids);
	free(ids);
}

/* With what apply needs and no more, what is hidden is not taken for missing. */
Test(features, without_perfmon_what_is_for_tracing_is_unknown)
{
	const char *const argv[] = { "setpriv", "--bounding-set=-all,+bpf,+net_admin",
		"--inh-caps=-all", sockform_path(), "features", "-o", "json", NULL };
	struct result result;

	command_run(&result, 0, argv);
	assert_code(&result, 0);
	assert_state(result.out, "privilege", "CAP_PERFMON", "no");
	assert_state(result.out, "helpers in sk_skb", "bpf_trace_printk", "unknown");
	assert_state(result.out, "helpers in sk_skb", "bpf_sk_redirect_map", "yes");
	assert_state(result.out, "maps", "sockhash", "yes");
	assert_says(result.out, "\"needs CAP_PERFMON\"");
	result_finish(&result);
}

static void run_with(struct result *ret, const char *fault, const char *option)
{
	sockform_distorted(ret, fault, (const char *const[]){ "features", option, NULL });
}

/* What an older kernel lacks is missed, and what that costs is said below it. */
static void misses(const char *fault, const char *row, const char *costs)
{
	struct result result;

	run_with(&result, fault, NULL);
	assert_code(&result, 0);
	assert_says(result.out, row);
	assert_says(result.out, costs);
	assert_fits(result.out);
	result_finish(&result);
}

Test(features, what_is_missing_is_said_with_what_it_costs)
{
	misses("bpf:28", "\n  no       links for maps ",
		"\n           programs are attached with BPF_PROG_ATTACH, which others can "
		"replace\n");
	misses("bpf:16", "\n  no       queries of maps ",
		"\n           a foreign program on a map's hook is not seen, and may be "
		"replaced\n");
	misses("bpf:18", "\n  no       line info (BTF) ",
		"\n           the verifier's log and bpftool show no lines of the manifest\n");
	misses("map:18", "\n  no       sockhash ",
		"\n           a manifest with such a map is refused\n");
}

static int program_msg(const struct bpf_insn *code, size_t count)
{
	int program = bpf_prog_load(BPF_PROG_TYPE_SK_MSG, "features", "GPL", code, count, NULL);

	cr_assert(program >= 0, "%s", strerror(errno));
	return program;
}

/* What FIONREAD says of ten bytes that can be read: all of them, or none. */
static bool is_told_nothing(int from, int to)
{
	struct pollfd wait = { to, POLLIN, 0 };
	int readable = -1;

	give(from, "0123456789");
	cr_assert_eq(poll(&wait, 1, ANSWER_MS), 1);
	cr_assert_eq(ioctl(to, FIONREAD, &readable), 0);
	cr_assert(readable == 10 || readable == 0, "%d", readable);
	assert_gets(to, "0123456789");
	return readable == 0;
}

/*
 * By raw calls, to tell whether the self-test is right about this kernel: 929e30f93125 made FIONREAD say
 * 0 of what comes by TCP to a socket whose map has only an SK_MSG program, and 04af4efde58a mended it.
 */
static bool is_blind_to_tcp(void)
{
	const struct bpf_insn pass[] = { MOV(BPF_REG_0, 1), EXIT };
	int map = sockmap_make(), program = program_msg(pass, 2);
	struct pair pair;
	bool blind;

	cr_assert_eq(bpf_prog_attach(program, map, BPF_SK_MSG_VERDICT, 0), 0);
	pair_open(&pair);
	cr_assert_eq(socket_insert(map, 0, pair.server), 0);
	blind = is_told_nothing(pair.client, pair.server);
	pair_close(&pair);
	close(program);
	close(map);
	return blind;
}

/* Before 929e30f93125 it said 0 of what an SK_MSG program redirects to a socket. */
static bool is_blind_to_redirects(void)
{
	int map = sockmap_make();
	const struct bpf_insn redirect[] = { LD_MAP(BPF_REG_2, map), MOV(BPF_REG_3, 0),
		MOV(BPF_REG_4, BPF_F_INGRESS), CALL(BPF_FUNC_msg_redirect_map), EXIT };
	int program = program_msg(redirect, sizeof(redirect) / sizeof(redirect[0]));
	struct pair pair;
	bool blind;

	cr_assert_eq(bpf_prog_attach(program, map, BPF_SK_MSG_VERDICT, 0), 0);
	pair_open(&pair);
	cr_assert_eq(socket_insert(map, 0, pair.server), 0);
	cr_assert_eq(socket_insert(map, 1, pair.client), 0);
	blind = is_told_nothing(pair.client, pair.server);
	pair_close(&pair);
	close(program);
	close(map);
	return blind;
}

/* Faults that this kernel has. */
static size_t own_faults(void)
{
	return (size_t)is_blind_to_tcp() + is_blind_to_redirects();
}

Test(features, the_self_test_finds_the_faults_of_this_kernel_and_no_others)
{
	bool tcp = is_blind_to_tcp(), redirects = is_blind_to_redirects();
	struct result result;

	sockform(&result, "features", "--self-test");
	assert_code(&result, tcp || redirects);
	cr_assert_str_eq(result.err, "");
	cr_assert_eq(text_lines_with(result.out, "  FAULT  "), (size_t)tcp + redirects, "%s",
		result.out);
	cr_assert_eq(text_lines_with(result.out, "  FAULT    FIONREAD with sk_msg alone "), tcp);
	cr_assert_eq(text_lines_with(result.out, "  FAULT    FIONREAD of what is redirected "),
		redirects);
	cr_assert_geq(text_lines_with(result.out, "  ok  "), 25, "%s", result.out);
	assert_fits(result.out);
	result_finish(&result);
}

Test(features, the_self_test_as_json)
{
	bool blind = is_blind_to_tcp();
	size_t own = blind + (size_t)is_blind_to_redirects();
	struct result result;
	char faults[32];

	sockform(&result, "features", "--self-test", "-o", "json");
	assert_code(&result, own ? 1 : 0);
	cr_assert(json_valid(result.out), "%s", result.out);
	snprintf(faults, sizeof(faults), "\"faults\": %zu\n", own);
	assert_says(result.out, faults);
	assert_state(
		result.out, "waking readers", "FIONREAD with sk_msg alone", blind ? "FAULT" : "ok");
	assert_state(result.out, "streams", "sk_msg ingress", "ok");
	result_finish(&result);
}

Test(features, the_self_test_without_privilege_names_the_capability)
{
	struct result result;

	sockform_as(&result, PROCESS_UNPRIVILEGED, "features", "--self-test");
	assert_code(&result, 3);
	cr_assert_eq(text_lines(result.err), 1, "%s", result.err);
	assert_says(result.err, "CAP_BPF and CAP_NET_ADMIN");
	cr_assert_str_eq(result.out, "");
	result_finish(&result);
}

/* That it finds them has little to do with the kernel: an emulated processor takes minutes for it. */
static void faults_need(void)
{
	const char *wish = getenv("SOCKFORM_FAULTS");

	if (wish && strcmp(wish, "none") == 0)
		cr_skip_test("skipped: faults are put in its way on the machine itself");
}

/* Many rows of it wait until they are late, which is the same wait under a sanitizer. */
static void slow_faults_need(void)
{
	faults_need();
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("skipped: what waits for seconds is tried as shipped");
#endif
}

/* So many rows more are faults, and this is one of them, for that reason. */
static void finds(const char *fault, size_t count, const char *row, const char *reason)
{
	size_t own;
	char words[128];
	struct result result;

	faults_need();
	own = own_faults();
	run_with(&result, fault, "--self-test");
	assert_code(&result, 1);
	cr_assert_eq(text_lines_with(result.out, "  FAULT  "), own + count, "%s:\n%s", fault,
		result.out);
	snprintf(words, sizeof(words), "  FAULT    %s ", row);
	assert_says(result.out, words);
	assert_says(result.out, reason);
	assert_fits(result.out);
	result_finish(&result);
}

Test(features, the_self_test_finds_a_byte_that_was_changed)
{
	finds("flip", 1, "sk_skb egress, stream_verdict", " is another one");
}

Test(features, the_self_test_finds_a_byte_that_was_lost)
{
	finds("lose", 1, "sk_skb egress, stream_verdict", " is another one");
}

Test(features, the_self_test_finds_bytes_that_were_doubled)
{
	finds("double", 1, "sk_skb egress, stream_verdict", " is another one");
}

Test(features, the_self_test_finds_an_end_that_came_too_early)
{
	finds("end", 1, "sk_skb egress, stream_verdict", "the stream ended after ");
}

Test(features, the_self_test_finds_data_that_stays_queued)
{
	slow_faults_need();
	finds("rcvlowat", 3, "data before the map, skb_verdict",
		"stuck: 0 of 8192 bytes arrived, 8192 were sent");
}

Test(features, the_self_test_finds_an_end_that_does_not_come)
{
	slow_faults_need();
	finds("again", 6, "FIN after the data, sk_skb", "EAGAIN for ever");
	finds("shutdown", 6, "FIN of a source", "EAGAIN for ever");
}

Test(features, the_self_test_finds_readers_that_are_not_woken)
{
	finds("poll", 2, "poll() of what is redirected", "poll() does not see 1000 bytes");
}

Test(features, the_self_test_finds_readable_bytes_that_are_not_told)
{
	size_t own;

	faults_need();
	own = own_faults();
	finds("fionread", 4 - own, "FIONREAD of what is redirected",
		"FIONREAD says 0 of 1000 readable bytes");
}

/* However much is stuck: what there is no time for is skipped. */
Test(features, the_self_test_ends_where_nothing_arrives)
{
	int64_t start = client_now();
	struct result result;

	slow_faults_need();
	run_with(&result, "nothing", "--self-test");
	assert_code(&result, 1);
	cr_assert_leq(client_now() - start, TEST_MOST_MS);
	assert_says(result.out, "stuck: 0 of 16777216 bytes arrived, 131072 were sent");
	assert_says(result.out, "no time is left");
	result_finish(&result);
}

/* Nothing is known of the kernel, which is no reason for a script to go on. */
Test(features, a_self_test_that_can_try_nothing_says_so)
{
	struct result result;

	run_with(&result, "bpf:0", "--self-test"); /* BPF_MAP_CREATE */
	assert_code(&result, 3);
	assert_says(result.err, "error[E0402]: no trial could be made");
	assert_says(result.out, "\n0 ok, 0 faults, ");
	assert_says(result.out, "no map of type sockmap: Invalid argument");
	result_finish(&result);
}

/* No row more is a fault. */
static void finds_nothing(const char *fault, struct result *ret)
{
	size_t own;

	faults_need();
	own = own_faults();
	run_with(ret, fault, "--self-test");
	assert_code(ret, own ? 1 : 0);
	cr_assert_eq(text_lines_with(ret->out, "  FAULT  "), own, "%s:\n%s", fault, ret->out);
}

Test(features, want_of_memory_is_no_fault_of_the_self_test)
{
	struct result result;

	finds_nothing("nobufs", &result);
	assert_says(result.out, "  skipped  sk_skb egress, stream_verdict ");
	assert_says(result.out, " bytes: No buffer space available");
	result_finish(&result);
}

Test(features, the_self_test_takes_a_kernel_that_holds_senders_back)
{
	struct result result;

	finds_nothing("pressure", &result);
	assert_says(result.out, "  ok       sk_skb holds senders back ");
	assert_says(result.out, "  ok       sk_msg holds senders back ");
	assert_says(result.out, "held back at 1024 KiB");
	assert_says(result.out, "  ok       half-close, as the counters say ");
	result_finish(&result);
}

Test(features, the_self_test_finds_a_slot_that_is_not_emptied)
{
	slow_faults_need();
	finds("delete", 3, "a slot is emptied", "stuck: 0 of 5000 bytes arrived");
}
