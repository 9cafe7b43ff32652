/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What was made goes away again: by delete, by the end of run, after a crash; the kernel then
 * holds the maps, programs and links that it held before, and bpffs the same pins.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "raw.h"

#define WAIT_MS 20000

TestSuite(lifecycle, .init = harness_init, .fini = harness_fini, .timeout = 120);

/* The state to which everything has to return. */
struct before {
	char *ids;
	char *pins;
};

static void before_take(struct before *ret)
{
	ret->ids = snapshot_ids();
	ret->pins = snapshot_pins();
}

static void assert_before(struct before *before)
{
	assert_ids(before->ids);
	assert_pins(before->pins);
	free(before->ids);
	free(before->pins);
}

/* Map, program, dispatcher, slot and what links there are: an absence later means something. */
static void assert_made(const struct before *before)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();

	cr_assert_eq(snapshot_count(ids, "map"), snapshot_count(before->ids, "map") + 2);
	cr_assert_eq(snapshot_count(ids, "program"), snapshot_count(before->ids, "program") + 2);
	cr_assert_eq(
		snapshot_count(ids, "link"), snapshot_count(before->ids, "link") + has_links());
	assert_says(pins, "/maps/echo_sockets ");
	assert_says(pins, "/programs/verdict@");
	assert_says(pins, "/slots/echo_sockets:stream_verdict ");
	if (has_links())
		assert_says(pins, "/links/echo_sockets:stream_verdict ");
	free(ids);
	free(pins);
}

/* So many maps, each with an attachment of the same verdict. */
static void manifest_many(const struct manifest *manifest, int count)
{
	size_t size;
	char *text;
	FILE *stream = open_memstream(&text, &size);

	fprintf(stream, "sockform: v1\nname: %s\nmaps:\n", manifest->name);
	for (int i = 0; i < count; i++)
		fprintf(stream, "  m%d: { type: sockhash, key: [cookie], max_entries: 1 }\n", i);
	fprintf(stream,
		"programs:\n  verdict:\n    type: sk_skb\n    body:\n" BODY_PASS "attachments:\n");
	for (int i = 0; i < count; i++)
		fprintf(stream,
			"  - { program: verdict, target: m%d, attach_type: stream_verdict }\n", i);
	fclose(stream);
	manifest_write(manifest->path, "%s", text);
	free(text);
}

/* With room for two descriptors of each of the manifest's 100 attachments, and some more. */
static void with_few_descriptors(
	struct result *ret, const char *verb, const struct manifest *manifest)
{
	const char *const argv[] = { "prlimit", "--nofile=230", sockform_path(), verb,
		manifest->path, NULL };

	command_run(ret, 0, argv);
}

/*
 * A container may have 20,000 of them at most. What is removed is held to go back by, too, but only as
 * long as there is room: the maps and dispatchers here have none.
 */
Test(lifecycle, delete_has_two_descriptors_open_for_each_attachment)
{
	struct manifest manifest;
	struct before before;
	struct result result;

	manifest_init(&manifest, "descriptors");
	manifest_many(&manifest, 100);
	before_take(&before);
	sockform_expect(0, "apply", manifest.path);
	with_few_descriptors(&result, "delete", &manifest);
	assert_code(&result, 0);
	result_finish(&result);
	assert_before(&before);
}

/* What has none left says which limit that is, and changes nothing. */
Test(lifecycle, too_many_objects_for_the_descriptors_of_a_process)
{
	struct manifest manifest;
	struct before before;
	struct result result;

	manifest_init(&manifest, "descriptors");
	manifest_many(&manifest, 100);
	before_take(&before);
	with_few_descriptors(&result, "apply", &manifest);
	assert_code(&result, 3);
	assert_says(result.err, "ulimit -Hn");
	result_finish(&result);
	assert_before(&before);
}

Test(lifecycle, delete_with_the_manifest_removes_everything)
{
	struct manifest manifest;
	struct before before;

	manifest_init(&manifest, "delete");
	manifest_echo(&manifest, BODY_ECHO);
	before_take(&before);
	sockform_expect(0, "apply", manifest.path);
	assert_made(&before);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "delete", manifest.path);
	assert_before(&before);
}

Test(lifecycle, delete_by_name_needs_no_manifest)
{
	struct manifest manifest;
	struct before before;

	manifest_init(&manifest, "name");
	manifest_echo(&manifest, BODY_ECHO);
	before_take(&before);
	sockform_expect(0, "apply", manifest.path);
	assert_made(&before);
	unlink(manifest.path);
	sockform_expect(0, "delete", "--name", manifest.name);
	assert_before(&before);
}

/* Sockets that are in the map hold programs and maps: they are let go of too. */
Test(lifecycle, delete_under_open_connections)
{
	struct manifest manifest;
	struct before before;
	struct process run;
	struct client *client;

	manifest_init(&manifest, "open");
	manifest_echo(&manifest, BODY_ECHO);
	before_take(&before);
	serve(&run, &manifest);
	assert_made(&before);
	client = client_open(&manifest, 50);
	cr_assert(client_echo(client, 10000, WAIT_MS));
	sockform_expect(0, "delete", manifest.path);
	assert_pins(before.pins);
	/* What run made is gone already: that is no reason for it to complain. */
	serve_end(&run);
	client_destroy(client);
	assert_before(&before);
}

static void run_ends_by(int signal, const char *name)
{
	struct manifest manifest;
	struct before before;
	struct process run;
	struct result result;
	struct client *client;

	manifest_init(&manifest, name);
	manifest_echo(&manifest, BODY_ECHO);
	before_take(&before);
	serve(&run, &manifest);
	assert_made(&before);
	client = client_open(&manifest, 50);
	cr_assert(client_echo(client, 10000, WAIT_MS));
	process_stop(&run, signal, &result, WAIT_MS);
	assert_code(&result, 0);
	result_finish(&result);
	client_destroy(client);
	assert_before(&before);
}

Test(lifecycle, run_removes_what_it_made_on_sigint)
{
	run_ends_by(SIGINT, "sigint");
}

Test(lifecycle, run_removes_what_it_made_on_sigterm)
{
	run_ends_by(SIGTERM, "sigterm");
}

/* Its deployment is its own also when somebody else's apply has changed it meanwhile. */
Test(lifecycle, run_removes_what_an_apply_has_changed)
{
	struct manifest manifest;
	struct before before;
	struct process run;

	manifest_init(&manifest, "changed");
	manifest_echo(&manifest, BODY_PASS);
	before_take(&before);
	serve(&run, &manifest);
	manifest_echo(&manifest, BODY_ECHO);
	sockform_expect(0, "apply", manifest.path);
	assert_echo(&manifest, 10, 10000);
	serve_end(&run);
	assert_before(&before);
}

Test(lifecycle, run_leaves_a_deployment_that_was_there_before)
{
	char *ids, *pins;
	struct manifest manifest;
	struct before before;
	struct process run;

	manifest_init(&manifest, "stays");
	manifest_echo(&manifest, BODY_ECHO);
	before_take(&before);
	sockform_expect(0, "apply", manifest.path);
	ids = snapshot_ids();
	pins = snapshot_pins();
	serve(&run, &manifest);
	assert_echo(&manifest, 10, 10000);
	serve_end(&run);
	assert_ids(ids);
	assert_pins(pins);
	sockform_expect(0, "delete", manifest.path);
	assert_before(&before);
	free(ids);
	free(pins);
}

/* kill -9 with connections open: the kernel closes the sockets, delete does the rest. */
Test(lifecycle, delete_after_run_was_killed)
{
	struct manifest manifest;
	struct before before;
	struct process run;
	struct result result;
	struct client *client;

	manifest_init(&manifest, "killed");
	manifest_echo(&manifest, BODY_ECHO);
	before_take(&before);
	serve(&run, &manifest);
	client = client_open(&manifest, 50);
	cr_assert(client_echo(client, 10000, WAIT_MS));
	process_stop(&run, SIGKILL, &result, WAIT_MS);
	assert_code(&result, 128 + SIGKILL);
	result_finish(&result);
	assert_made(&before);
	sockform_expect(0, "delete", manifest.path);
	client_destroy(client);
	assert_before(&before);
}

/* After a crash, and with what it left, everything starts again. */
Test(lifecycle, run_again_after_run_was_killed)
{
	struct manifest manifest;
	struct before before;
	struct process run;
	struct result result;

	manifest_init(&manifest, "again");
	manifest_echo(&manifest, BODY_ECHO);
	before_take(&before);
	serve(&run, &manifest);
	assert_echo(&manifest, 10, 10000);
	process_stop(&run, SIGKILL, &result, WAIT_MS);
	result_finish(&result);
	serve(&run, &manifest);
	assert_echo(&manifest, 10, 10000);
	serve_end(&run);
	sockform_expect(0, "delete", manifest.path);
	assert_before(&before);
}

/*
 * Killed at its first, second, third ... call, until it gets through: each time delete leaves
 * nothing, and every other time an apply before it completes what is there. Returns how often.
 */
static int crash_everywhere(const struct manifest *manifest, const char *calls)
{
	struct before before;
	int crashes = 0;

	before_take(&before);
	while (apply_killed(manifest, calls, crashes + 1)) {
		crashes++;
		if (crashes % 2) {
			sockform_expect(0, "apply", manifest->path);
			sockform_expect(0, "status", manifest->name);
		}
		sockform_expect(0, "delete", "--name", manifest->name);
		assert_ids(before.ids);
		assert_pins(before.pins);
	}
	sockform_expect(0, "delete", manifest->path);
	assert_before(&before);
	return crashes;
}

Test(lifecycle, a_crash_at_any_call_is_completed)
{
	struct manifest manifest;
	int crashes;

	trace_need();
	manifest_init(&manifest, "crash");
	manifest_echo(&manifest, BODY_ECHO);
	crashes = crash_everywhere(&manifest, "bpf");
	/* Two maps, two programs, a link, a slot to write and four pins. */
	cr_assert(crashes >= 10, "only %d calls were met", crashes);
	crashes = crash_everywhere(&manifest, "?mkdir,mkdirat");
	cr_assert(crashes >= 1, "only %d calls were met", crashes);
	crash_everywhere(&manifest, "?rename,?renameat,renameat2");
	crash_everywhere(&manifest, "?symlink,symlinkat");
	crash_everywhere(&manifest, "?unlink,unlinkat");
}

/* The same from one program to another: the old one or the new one, and then the new one. */
Test(lifecycle, a_crash_in_an_update_is_completed)
{
	struct manifest manifest;
	int crashes = 0;

	trace_need();
	manifest_init(&manifest, "crash-update");
	for (;; crashes++) {
		manifest_echo(&manifest, BODY_ECHO);
		sockform_expect(0, "apply", manifest.path);
		manifest_echo(&manifest, BODY_PASS);
		if (!apply_killed(&manifest, "bpf", crashes + 1))
			break;
		sockform_expect(0, "apply", manifest.path);
		sockform_expect(0, "status", manifest.name);
		sockform_expect(0, "plan", "--exit-code", manifest.path);
	}
	cr_assert(crashes >= 10, "only %d calls were met", crashes);
}

Test(lifecycle, two_deployments_do_not_touch_each_other)
{
	struct manifest one, two;
	struct before before;
	struct process run_one, run_two;
	char *ids;

	manifest_init(&one, "one");
	manifest_init(&two, "two");
	manifest_echo(&one, BODY_ECHO);
	manifest_echo(&two, BODY_ECHO);
	before_take(&before);
	serve(&run_one, &one);
	ids = snapshot_ids();
	serve(&run_two, &two);
	assert_echo(&one, 10, 10000);
	assert_echo(&two, 10, 10000);
	serve_end(&run_two);
	assert_ids(ids);
	assert_echo(&one, 10, 10000);
	serve_end(&run_one);
	assert_before(&before);
	free(ids);
}

/* The last place with these words; NULL. */
static const char *last(const char *text, const char *words)
{
	const char *found = NULL;

	for (const char *at = text; (at = strstr(at, words)); at++)
		found = at;
	return found;
}

/* All that is taken away `before` is, when the first of what comes `after` goes. */
static void assert_order(const char *trace, const char *before, const char *after)
{
	const char *end = last(trace, before), *begin = strstr(trace, after);

	cr_assert(end && begin && end < begin, "\"%s\" is not before \"%s\" in:\n%s", before, after,
		trace);
}

/* Of a trace the calls that change something, in place. */
static void keep_changes(char *trace)
{
	static const char *const changes[] = { "BPF_MAP_UPDATE_ELEM,", "_DETACH,", "unlink",
		"rmdir(" };
	char *save = NULL, *copy = strdup(trace), *end = trace;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++)
			if (strstr(line, changes[i]))
				end += sprintf(end, "%s\n", line);
	*end = '\0';
	free(copy);
}

/* What runs passes, then is attached no more. */
static void assert_passes_first(const char *trace)
{
	static const char pass[] = "BPF_MAP_UPDATE_ELEM,", detach[] = "_DETACH,";

	cr_assert_eq(text_lines_with(trace, pass), 2, "%s", trace);
	cr_assert_eq(text_lines_with(trace, detach), 2, "%s", trace);
	cr_assert_lt(strstr(trace, pass), strstr(trace, detach), "%s", trace);
	cr_assert_lt(last(trace, pass), last(trace, detach), "%s", trace);
}

/*
 * Teardown is the reverse of an apply, in the calls and not only in what is said of them: links go
 * before programs, and programs before the maps that they refer to, whatever they are called and in
 * whatever order they are written. Slots and dispatchers come last: sockets in a map run them.
 */
Test(lifecycle, delete_takes_away_in_reverse)
{
	char *file = scratch_path("reverse.strace"), *trace;
	struct manifest manifest;
	struct result result;

	trace_need();
	manifest_init(&manifest, "reverse");
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\nattachments:\n"
		"  - { program: zeta, target: way, attach_type: stream_verdict }\n"
		"  - { program: alpha, target: other, attach_type: stream_verdict }\n"
		"programs:\n"
		"  zeta: { type: sk_skb, body: [ count: { map: aims, key: 0 }, sk_skb_pass ] }\n"
		"  alpha: { type: sk_skb, body: [ count: { map: zone, key: 0 }, sk_skb_pass ] }\n"
		"maps:\n"
		"  way: { type: sockmap, max_entries: 4 }\n"
		"  other: { type: sockmap, max_entries: 4 }\n"
		"  zone: { type: array, value_size: 8, max_entries: 4 }\n"
		"  aims: { type: array, value_size: 8, max_entries: 4 }\n",
		manifest.name);
	sockform_expect(0, "apply", manifest.path);

	const char *const argv[] = { sockform_path(), "delete", manifest.path, NULL };

	trace_run(&result, "bpf,unlink,unlinkat,rmdir", file, argv);
	assert_code(&result, 0);
	trace = file_read(file);
	keep_changes(trace);
	assert_passes_first(trace);
	assert_order(trace, "_DETACH,", "unlink");
	if (has_links())
		assert_order(trace, "/links/", "/programs/");
	assert_order(trace, "/programs/", "/maps/");
	assert_order(trace, "/maps/", "/dispatchers/");
	assert_order(trace, "/dispatchers/", "rmdir(");
	result_finish(&result);
	free(trace);
	free(file);
}
