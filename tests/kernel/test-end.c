/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* How `run` ends where something stands in its way, and what is left alone because it is not ours. */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "harness.h"

#define WAIT_MS 20000

TestSuite(end, .init = harness_init, .fini = harness_fini, .timeout = 60);

/* A reader's lock at the wrong moment: run waits for it and then deletes what it made. */
Test(end, run_waits_for_the_lock_before_it_deletes)
{
	struct manifest manifest;
	struct process run;
	struct result result;
	char *ids = snapshot_ids();
	int lock;

	manifest_init(&manifest, "end-lock");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	lock = open(PINS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(lock, 0);
	cr_assert_eq(flock(lock, LOCK_SH), 0);
	cr_assert_eq(kill(run.pid, SIGTERM), 0);
	cr_assert(!process_says(&run, "deleted", 500), "it did not wait for the lock");
	close(lock);
	process_wait(&run, &result, WAIT_MS);
	assert_code(&result, 0);
	assert_says(result.out, "3 deleted in ");
	assert_ids(ids);
	result_finish(&result);
	free(ids);
}

/* What nohup has a process ignore does not end it. */
Test(end, run_goes_on_under_nohup)
{
	struct manifest manifest;
	struct process run;

	signal(SIGHUP, SIG_IGN); /* inherited by what the test starts */
	manifest_init(&manifest, "end-nohup");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	cr_assert_eq(kill(run.pid, SIGHUP), 0);
	usleep(200 * 1000);
	assert_echo(&manifest, 10, 10000);
	serve_end(&run);
}

Test(end, run_ends_with_its_terminal)
{
	struct manifest manifest;
	struct process run;
	struct result result;

	signal(SIGHUP, SIG_DFL);
	manifest_init(&manifest, "end-hup");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	process_stop(&run, SIGHUP, &result, WAIT_MS);
	assert_code(&result, 0);
	assert_says(result.out, "3 deleted in ");
	result_finish(&result);
}

/* Deleted and applied again by somebody else meanwhile: that deployment is not run's to delete. */
Test(end, run_leaves_what_was_made_after_it)
{
	struct manifest manifest;
	struct process run;
	struct result result;
	char words[256];

	manifest_init(&manifest, "end-other");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	sockform_expect(0, "delete", manifest.path);
	sockform_expect(0, "apply", manifest.path);
	process_stop(&run, SIGINT, &result, WAIT_MS);
	assert_code(&result, 0);
	snprintf(words, sizeof(words),
		"warning[W0613]: \"%s\" is left in place: it was deleted and made anew meanwhile\n"
		"  `sockform delete --name %s` removes it\n",
		manifest.name, manifest.name);
	assert_says(result.err, words);
	result_finish(&result);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "delete", manifest.path);
}

/* A map of the deployment's, pinned where another kind of object belongs. */
static void pin_stranger(const struct manifest *manifest, const char *place)
{
	int map = bpf_obj_get(manifest_pin(manifest, "maps/echo_sockets"));

	cr_assert_geq(map, 0);
	cr_assert_eq(bpf_obj_pin(map, manifest_pin(manifest, place)), 0, "%s", place);
	close(map);
}

/* It is named, not taken for ours, and not removed; when it has gone, delete gets through. */
static void check_stranger(const char *name, const char *place)
{
	struct manifest manifest;
	struct result result;
	char *ids = snapshot_ids();

	manifest_init(&manifest, name);
	manifest_echo(&manifest, BODY_ECHO);
	sockform_expect(0, "apply", manifest.path);
	pin_stranger(&manifest, place);
	sockform(&result, "status", manifest.name);
	assert_code(&result, 1);
	assert_says(result.out, "it is nothing that sockform made");
	result_finish(&result);
	sockform_expect(0, "apply", manifest.path);
	sockform_expect(3, "delete", manifest.path);
	cr_assert_eq(access(manifest_pin(&manifest, place), F_OK), 0, "%s was removed", place);
	cr_assert_eq(unlink(manifest_pin(&manifest, place)), 0);
	sockform_expect(0, "delete", manifest.path);
	assert_ids(ids);
	free(ids);
}

Test(end, a_stranger_among_the_links_stays)
{
	check_stranger("end-link", "links/echo_sockets:skb_verdict");
}

Test(end, a_stranger_among_the_dispatchers_stays)
{
	check_stranger("end-disp", "dispatchers/echo_sockets:skb_verdict");
}

Test(end, a_stranger_among_the_slots_stays)
{
	check_stranger("end-slot", "slots/echo_sockets:skb_verdict");
}

Test(end, a_stranger_among_the_programs_stays)
{
	check_stranger("end-prog", "programs/verdict@0123456789abcdef");
}

/* Neither a standard stream, whatever that is by then, nor one that is closed already. */
static void assert_closes_its_own(const char *trace, const char *command)
{
	cr_assert_gt(text_lines_with(trace, " close("), 5, "%s: no trace:\n%s", command, trace);
	for (const char *at = trace; (at = strstr(at, " close(")); at++) {
		size_t length = strcspn(at, "\n");

		cr_assert_gt(atoi(at + strlen(" close(")), STDERR_FILENO, "%s: %.*s", command,
			(int)length, at);
		cr_assert(!memmem(at, length, "EBADF", 5), "%s: %.*s", command, (int)length, at);
	}
}

static void traced(const char *verb, const char *option, const char *operand)
{
	const char *const argv[] = { sockform_path(), verb, operand, option, NULL };
	char *file = scratch_path("closes"), *trace;
	struct result result;

	trace_run(&result, "close", file, argv);
	assert_code(&result, 0);
	trace = file_read(file);
	assert_closes_its_own(trace, verb);
	result_finish(&result);
	free(trace);
	free(file);
}

/* Whatever a run opens, or has no need to open: what it was started with stays open. */
Test(end, a_run_closes_what_is_its_own)
{
	struct manifest manifest;
	char map[128];

	trace_need();
	manifest_init(&manifest, "end-close");
	snprintf(map, sizeof(map), "%s/pair", manifest.name);
	manifest_pair(&manifest, 4, "sk_skb_pass");
	traced("apply", "--dry-run", manifest.path);
	traced("apply", NULL, manifest.path);
	traced("apply", NULL, manifest.path);
	manifest_pair(&manifest, 4, "sk_skb_drop");
	traced("apply", NULL, manifest.path);
	manifest_pair(&manifest, 8, "sk_skb_drop");
	traced("apply", "--replace", manifest.path);
	traced("detach", NULL, map);
	traced("apply", NULL, manifest.path);
	traced("plan", NULL, manifest.path);
	traced("status", NULL, manifest.name);
	traced("delete", NULL, manifest.path);
}
