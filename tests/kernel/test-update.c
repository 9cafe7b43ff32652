/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A changed manifest under open connections: all of them run the new program, none is closed and
 * none enters the map a second time; and an unchanged manifest makes no change at all.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "raw.h"

#define CONNECTIONS 200
#define BYTES 1000
#define WAIT_MS 20000
#define STILL_MS 500

TestSuite(update, .init = harness_init, .fini = harness_fini, .timeout = 120);

#define assert_calls(trace, call, count)                                                           \
	cr_assert_eq(text_lines_with(trace, "bpf(" call ","), count,                               \
		"%zu calls of " call ", not %d:\n%s", text_lines_with(trace, "bpf(" call ","),     \
		(int)(count), trace)

/* Applies under strace; returns the trace of its bpf() calls. */
static char *apply_traced(const struct manifest *manifest, struct result *ret)
{
	char *file = scratch_path("apply.strace"), *trace;
	const char *const argv[] = { sockform_path(), "apply", manifest->path, NULL };

	trace_run(ret, "bpf", file, argv);
	trace = file_read(file);
	free(file);
	return trace;
}

/* Exactly one write to a map, which is the slot: nothing else that runs was touched. */
static void apply_writes_the_slot_only(const struct manifest *manifest)
{
	struct result result;
	char *trace = apply_traced(manifest, &result);

	assert_code(&result, 0);
	cr_assert(text_lines_with(result.out, "  ~ program") == 1, "%s", result.out);
	cr_assert(text_lines_with(result.out, "  ~ attachment") == 1, "%s", result.out);
	cr_assert(text_lines_with(result.out, " updated in ") == 1, "%s", result.out);
	assert_calls(trace, "BPF_MAP_UPDATE_ELEM", 1);
	assert_calls(trace, "BPF_LINK_CREATE", 0);
	assert_calls(trace, "BPF_LINK_UPDATE", 0);
	assert_calls(trace, "BPF_PROG_ATTACH", 0);
	assert_calls(trace, "BPF_MAP_DELETE_ELEM", 0);
	result_finish(&result);
	free(trace);
}

static void assert_all_echo(struct client *client)
{
	bool good = client_echo(client, BYTES, WAIT_MS);
	struct client_totals totals;

	client_totals(client, &totals);
	cr_assert(good, "%zu of %d connections got all, %zu closed, %ju wrong", totals.complete,
		CONNECTIONS, totals.closed, totals.wrong);
}

/* Nothing comes back: what was sent waits in the serving side's queues instead. */
static void assert_all_pass(struct client *client, const struct manifest *manifest)
{
	struct snapshot_sockets sockets;
	struct client_totals totals;
	uint64_t back = client_send(client, BYTES, STILL_MS, WAIT_MS);

	cr_assert_eq(back, 0, "%ju bytes came back", back);
	client_totals(client, &totals);
	cr_assert_eq(
		totals.complete, CONNECTIONS, "only %zu connections could send", totals.complete);
	cr_assert_eq(totals.closed, 0, "%zu connections were closed", totals.closed);
	snapshot_sockets(manifest->port, &sockets);
	cr_assert_eq(sockets.established, CONNECTIONS);
	cr_assert_eq(sockets.unread, CONNECTIONS * BYTES, "%ju bytes wait", sockets.unread);
}

/* The trace of the serving process: silent until now, and not deaf. */
static void assert_run_was_silent(
	const struct manifest *manifest, struct process *strace, const char *file)
{
	char *trace = file_read(file);

	cr_assert_eq(text_lines_with(trace, "bpf("), 0, "run called bpf():\n%s", trace);
	free(trace);
	/* A client that comes now is inserted, and the trace has to show that. */
	assert_echo(manifest, 1, BYTES);
	trace_detach(strace);
	trace = file_read(file);
	assert_calls(trace, "BPF_MAP_UPDATE_ELEM", 1);
	free(trace);
}

Test(update, two_hundred_connections_change_and_none_is_closed)
{
	char *file = scratch_path("run.strace"), *before, *after;
	struct manifest manifest;
	struct process run, strace;
	struct client *client;

	trace_need();
	manifest_init(&manifest, "update");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	client = client_open(&manifest, CONNECTIONS);
	assert_all_echo(client);
	before = snapshot_map(manifest_pin(&manifest, "maps/echo_sockets"));
	cr_assert_eq(text_lines(before), CONNECTIONS);
	cr_assert(trace_attach(&strace, "bpf", file, run.pid));

	manifest_echo(&manifest, BODY_PASS);
	apply_writes_the_slot_only(&manifest);
	assert_all_pass(client, &manifest);

	manifest_echo(&manifest, BODY_ECHO);
	apply_writes_the_slot_only(&manifest);
	assert_all_echo(client);

	after = snapshot_map(manifest_pin(&manifest, "maps/echo_sockets"));
	cr_assert_str_eq(after, before);
	assert_run_was_silent(&manifest, &strace, file);
	client_destroy(client);
	serve_end(&run);
	free(before);
	free(after);
	free(file);
}

/* Connections that come after a change run the new program too, and the old one is gone. */
Test(update, new_connections_run_the_new_program)
{
	char *before, *after;
	struct manifest manifest;
	struct process run;
	struct client *client;

	manifest_init(&manifest, "new");
	manifest_echo(&manifest, BODY_PASS);
	serve(&run, &manifest);
	before = snapshot_ids();
	manifest_echo(&manifest, BODY_ECHO);
	sockform_expect(0, "apply", manifest.path);
	client = client_open(&manifest, CONNECTIONS);
	assert_all_echo(client);
	after = snapshot_ids();
	cr_assert_eq(snapshot_count(after, "program"), snapshot_count(before, "program"),
		"before:\n%safter:\n%s", before, after);
	cr_assert_eq(snapshot_count(after, "map"), snapshot_count(before, "map"));
	cr_assert_eq(snapshot_count(after, "link"), snapshot_count(before, "link"));
	client_destroy(client);
	serve_end(&run);
	free(before);
	free(after);
}

/* Under a stream that never stops: not a byte is lost or doubled when the same echo is loaded
 * under another digest, again and again. */
Test(update, a_stream_survives_changes)
{
	struct manifest manifest;
	struct process run;
	struct client *client;
	const char *const bodies[] = { "      - r7 = 1\n" BODY_ECHO, BODY_ECHO };

	manifest_init(&manifest, "stream");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	client = client_open(&manifest, 20);
	for (int i = 0; i < 10; i++) {
		const char *const argv[] = { sockform_path(), "apply", manifest.path, NULL };
		struct process apply;
		struct result result;
		bool good;

		manifest_echo(&manifest, bodies[i % 2]);
		cr_assert(process_start(&apply, 0, argv));
		good = client_echo(client, 4000000, WAIT_MS);
		process_wait(&apply, &result, WAIT_MS);
		assert_code(&result, 0);
		assert_says(result.out, "  ~ program");
		result_finish(&result);
		cr_assert(good, "round %d", i);
	}
	client_destroy(client);
	serve_end(&run);
}

/* What a command that changes nothing must not call. */
static void assert_no_change(const char *trace)
{
	assert_calls(trace, "BPF_MAP_CREATE", 0);
	assert_calls(trace, "BPF_PROG_LOAD", 0);
	assert_calls(trace, "BPF_BTF_LOAD", 0);
	assert_calls(trace, "BPF_MAP_UPDATE_ELEM", 0);
	assert_calls(trace, "BPF_MAP_DELETE_ELEM", 0);
	assert_calls(trace, "BPF_PROG_ATTACH", 0);
	assert_calls(trace, "BPF_LINK_CREATE", 0);
	assert_calls(trace, "BPF_LINK_UPDATE", 0);
	assert_calls(trace, "BPF_OBJ_PIN", 0);
	cr_assert(text_lines_with(trace, "bpf(BPF_OBJ_GET,") > 0, "nothing was looked at:\n%s",
		trace);
}

Test(update, second_apply_is_unchanged)
{
	char *trace, *ids, *pins, unchanged[128];
	struct manifest manifest;
	struct result result;

	trace_need();
	manifest_init(&manifest, "twice");
	manifest_echo(&manifest, BODY_ECHO);
	trace = apply_traced(&manifest, &result);
	assert_code(&result, 0);
	/* The same eyes do see a change when there is one. */
	cr_assert(text_lines_with(trace, "bpf(BPF_MAP_CREATE,") >= 2, "%s", trace);
	cr_assert(text_lines_with(trace, "bpf(BPF_PROG_LOAD,") >= 2, "%s", trace);
	assert_calls(trace, "BPF_LINK_CREATE", 1);
	assert_calls(trace, "BPF_MAP_UPDATE_ELEM", 1);
	cr_assert_eq(text_lines_with(result.out, "  + map "), 1, "%s", result.out);
	cr_assert_eq(text_lines_with(result.out, "  + program "), 1, "%s", result.out);
	cr_assert_eq(text_lines_with(result.out, "  + attachment "), 1, "%s", result.out);
	cr_assert_eq(text_lines_with(result.out, "3 created in "), 1, "%s", result.out);
	result_finish(&result);
	free(trace);

	ids = snapshot_ids();
	pins = snapshot_pins();
	trace = apply_traced(&manifest, &result);
	assert_code(&result, 0);
	snprintf(unchanged, sizeof(unchanged), "%s: unchanged\n", manifest.name);
	cr_assert_str_eq(result.out, unchanged);
	cr_assert_str_eq(result.err, "");
	assert_no_change(trace);
	assert_ids(ids);
	assert_pins(pins);
	result_finish(&result);
	free(trace);
	free(ids);
	free(pins);
}

/* Planning is looking: it says what would be, and does nothing. */
Test(update, plan_changes_nothing)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	struct manifest manifest;
	struct result result;

	manifest_init(&manifest, "plan");
	manifest_echo(&manifest, BODY_ECHO);
	sockform(&result, "plan", manifest.path);
	assert_code(&result, 0);
	assert_says(result.out, "  + map ");
	result_finish(&result);
	sockform_expect(1, "plan", "--exit-code", manifest.path);
	assert_ids(ids);
	assert_pins(pins);

	sockform_expect(0, "apply", manifest.path);
	sockform_expect(0, "plan", "--exit-code", manifest.path);
	manifest_echo(&manifest, BODY_PASS);
	sockform(&result, "plan", "--exit-code", manifest.path);
	assert_code(&result, 1);
	assert_says(result.out, "  ~ program ");
	result_finish(&result);
	free(ids);
	free(pins);
}

/* A manifest that comes without the program, the attachment and the feed any more. */
Test(update, what_the_manifest_no_longer_has_is_removed)
{
	struct manifest manifest;
	struct result result;
	char *before, *after;

	manifest_init(&manifest, "less");
	manifest_write(manifest.path,
		"sockform: v1\n"
		"name: %s\n"
		"maps:\n"
		"  echo_sockets: { type: sockhash, key: [cookie], max_entries: 65536 }\n",
		manifest.name);
	sockform_expect(0, "apply", manifest.path);
	before = snapshot_ids();
	manifest_echo(&manifest, BODY_ECHO);
	sockform_expect(0, "apply", manifest.path);
	after = snapshot_ids();
	cr_assert_eq(snapshot_count(after, "link"), snapshot_count(before, "link") + has_links());
	free(after);
	manifest_write(manifest.path,
		"sockform: v1\n"
		"name: %s\n"
		"maps:\n"
		"  echo_sockets: { type: sockhash, key: [cookie], max_entries: 65536 }\n",
		manifest.name);
	sockform(&result, "apply", manifest.path);
	assert_code(&result, 0);
	assert_says(result.out, "  - ");
	result_finish(&result);
	assert_ids(before);
	sockform_expect(0, "delete", manifest.path);
	free(before);
}
