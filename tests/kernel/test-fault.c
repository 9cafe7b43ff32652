/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * System calls that fail, one after the other: whatever it is, an apply that could not be
 * completed has changed nothing, and what was running runs on.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define WAIT_MS 20000

TestSuite(fault, .init = harness_init, .fini = harness_fini, .timeout = 240);

/* The nth of these calls fails with an error, or that one and all later ones. */
struct fault {
	const char *calls;
	const char *error;
	const char *later; /* "+": those too, "": they do not */
	int nth;
};

/* Runs a verb with that fault; returns the exit code, -1 when there was no nth call any more. */
static int run_with(const struct fault *fault, const char *verb, const struct manifest *manifest)
{
	char *file = scratch_path("fault.strace"), *trace, only[128], inject[160];
	const char *const argv[] = { "strace", "-f", "-o", file, "-e", only, "-e", inject,
		sockform_path(), verb, manifest->path, NULL };
	struct result result;
	int code;

	snprintf(only, sizeof(only), "trace=%s", fault->calls);
	snprintf(inject, sizeof(inject), "inject=%s:error=%s:when=%d%s", fault->calls, fault->error,
		fault->nth, fault->later);
	command_run(&result, PROCESS_TRACED, argv);
	trace = file_read(file);
	code = strstr(trace, "(INJECTED)") ? result.code : -1;
	cr_assert(result.code == 0 || result.code == 3, "%s %d: exit code %d\n%s", fault->calls,
		fault->nth, result.code, result.err);
	cr_assert(result.code == 0 || *result.err, "it failed without a word");
	result_finish(&result);
	free(trace);
	free(file);
	return code;
}

/* A first apply, failing at each call; returns how many failed. */
static int create_with_faults(const struct manifest *manifest, struct fault fault)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	int code, failed = 0;

	for (; (code = run_with(&fault, "apply", manifest)) >= 0; fault.nth++) {
		failed += code != 0;
		/* A call that may fail: what counts is that everything is there then. */
		if (code == 0) {
			sockform_expect(0, "status", manifest->name);
			sockform_expect(0, "plan", "--exit-code", manifest->path);
			sockform_expect(0, "delete", manifest->path);
		}
		assert_ids(ids);
		assert_pins(pins);
	}
	sockform_expect(0, "delete", manifest->path);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
	return failed;
}

Test(fault, a_failed_apply_leaves_nothing)
{
	struct manifest manifest;
	int failed;

	trace_need();
	manifest_init(&manifest, "create");
	manifest_echo(&manifest, BODY_ECHO);
	failed = create_with_faults(&manifest, (struct fault){ "bpf", "ENOMEM", "", 1 });
	/* Two maps to make, a slot to write, a link, and four pins at least. */
	cr_assert(failed >= 8, "only %d faults were noticed", failed);
	failed = create_with_faults(&manifest, (struct fault){ "bpf", "ENOMEM", "+", 1 });
	/* Two programs besides: a load that failed once may be tried again. */
	cr_assert(failed >= 10, "only %d faults were noticed", failed);
	failed = create_with_faults(&manifest, (struct fault){ "?mkdir,mkdirat", "ENOSPC", "", 1 });
	cr_assert(failed >= 1, "no folder was made");
}

/* An update under open connections, failing at each call. */
Test(fault, a_failed_update_leaves_the_old_program_running)
{
	struct fault fault = { "bpf", "ENOMEM", "", 1 };
	struct manifest manifest;
	struct process run;
	struct client *client;
	int code, failed = 0;

	trace_need();
	manifest_init(&manifest, "update");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	client = client_open(&manifest, 20);
	cr_assert(client_echo(client, 1000, WAIT_MS));
	do {
		char *ids = snapshot_ids(), *pins = snapshot_pins();

		manifest_echo(&manifest, BODY_PASS);
		code = run_with(&fault, "apply", &manifest);
		fault.nth++;
		if (code > 0) {
			failed++;
			assert_ids(ids);
			assert_pins(pins);
		} else {
			cr_assert_eq(client_send(client, 100, 100, WAIT_MS), 0);
			manifest_echo(&manifest, BODY_ECHO);
			sockform_expect(0, "apply", manifest.path);
		}
		cr_assert(client_echo(client, 1000, WAIT_MS), "fault %d", fault.nth - 1);
		free(ids);
		free(pins);
	} while (code >= 0);
	/* A program to load and pin, a slot to write. */
	cr_assert(failed >= 3, "only %d faults were noticed", failed);
	client_destroy(client);
	serve_end(&run);
}

/* A delete that fails may have removed a part; the next one removes the rest. */
Test(fault, a_failed_delete_is_completed_by_the_next)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	const char *const calls[] = { "bpf", "?unlink,unlinkat", "?rmdir,unlinkat" };
	struct manifest manifest;
	int met = 0;

	trace_need();
	manifest_init(&manifest, "delete");
	manifest_echo(&manifest, BODY_ECHO);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		struct fault fault = { calls[i], "ENOMEM", "", 1 };

		sockform_expect(0, "apply", manifest.path);
		for (; run_with(&fault, "delete", &manifest) >= 0; fault.nth++) {
			met++;
			sockform_expect(0, "delete", manifest.path);
			assert_ids(ids);
			assert_pins(pins);
			sockform_expect(0, "apply", manifest.path);
		}
	}
	cr_assert(met >= 10, "only %d calls were met", met);
	free(ids);
	free(pins);
}
