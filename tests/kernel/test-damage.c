/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Deployments that somebody has damaged by removing pins: status sees it, apply repairs it,
 * delete removes what is left.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

TestSuite(damage, .init = harness_init, .fini = harness_fini, .timeout = 120);

/* The pins that a deployment of the echo consists of, as patterns below its folder. */
static const char *const pins[] = {
	"maps/echo_sockets",
	"programs/*",
	"slots/echo_sockets:stream_verdict",
	"links/echo_sockets:stream_verdict",
};
#define PINS_COUNT (sizeof(pins) / sizeof(*pins))

/* Removes what the pattern fits, at least `least` pins. */
static void unpin(const struct manifest *manifest, const char *pattern, size_t least)
{
	glob_t found;

	cr_assert_eq(glob(manifest_pin(manifest, pattern), 0, NULL, &found), 0, "no %s", pattern);
	cr_assert(found.gl_pathc >= least, "%zu of %s", found.gl_pathc, pattern);
	for (size_t i = 0; i < found.gl_pathc; i++)
		cr_assert_eq(
			unlink(found.gl_pathv[i]), 0, "%s: %s", found.gl_pathv[i], strerror(errno));
	globfree(&found);
}

static void applied(struct manifest *ret, const char *name)
{
	manifest_init(ret, name);
	manifest_echo(ret, BODY_ECHO);
	sockform_expect(0, "apply", ret->path);
}

/* Each subset of the pins: delete has to find the rest. */
Test(damage, delete_removes_whatever_is_left)
{
	char *before_ids = snapshot_ids(), *before_pins = snapshot_pins();
	struct manifest manifest;

	for (unsigned int set = 1; set < 1u << PINS_COUNT; set++) {
		applied(&manifest, "left");
		for (size_t i = 0; i < PINS_COUNT; i++) {
			if (set & 1u << i)
				unpin(&manifest, pins[i], 1);
		}
		if (set % 2)
			sockform_expect(0, "delete", manifest.path);
		else
			sockform_expect(0, "delete", "--name", manifest.name);
		assert_ids(before_ids);
		assert_pins(before_pins);
		free(manifest.path);
	}
	free(before_ids);
	free(before_pins);
}

Test(damage, delete_removes_a_deployment_without_its_folders)
{
	char *before_ids = snapshot_ids(), *before_pins = snapshot_pins();
	struct manifest manifest;

	applied(&manifest, "folders");
	unpin(&manifest, "slots/*", 1);
	unpin(&manifest, "links/*", 1);
	cr_assert_eq(rmdir(manifest_pin(&manifest, "slots")), 0);
	cr_assert_eq(rmdir(manifest_pin(&manifest, "links")), 0);
	sockform_expect(0, "delete", manifest.path);
	assert_ids(before_ids);
	assert_pins(before_pins);
	free(before_ids);
	free(before_pins);
}

/* Drift is seen, repaired, and then the echo is whole. */
static void repair(const char *name, const char *pattern)
{
	char *before_ids = snapshot_ids(), *before_pins = snapshot_pins();
	struct manifest manifest;
	struct process run;
	struct result result;

	applied(&manifest, name);
	sockform_expect(0, "status", manifest.name);
	unpin(&manifest, pattern, 1);
	sockform(&result, "status", manifest.name);
	assert_code(&result, 1);
	cr_assert(*result.out, "status says nothing");
	result_finish(&result);
	sockform_expect(1, "plan", "--exit-code", manifest.path);

	sockform(&result, "apply", manifest.path);
	assert_code(&result, 0);
	cr_assert(!strstr(result.out, "unchanged"), "%s", result.out);
	result_finish(&result);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "plan", "--exit-code", manifest.path);
	serve(&run, &manifest);
	assert_echo(&manifest, 50, 10000);
	serve_end(&run);

	sockform_expect(0, "delete", manifest.path);
	assert_ids(before_ids);
	assert_pins(before_pins);
	free(before_ids);
	free(before_pins);
}

Test(damage, apply_repairs_a_removed_map)
{
	repair("map", pins[0]);
}

Test(damage, apply_repairs_a_removed_program)
{
	repair("program", pins[1]);
}

Test(damage, apply_repairs_a_removed_slot)
{
	repair("slot", pins[2]);
}

Test(damage, apply_repairs_a_removed_link)
{
	repair("link", pins[3]);
}

Test(damage, apply_repairs_everything_but_the_map)
{
	repair("rest", "[lps][ilr]*/*");
}

/* The pin is there, what it held is not: status and apply both have to look inside. */
Test(damage, apply_repairs_an_emptied_slot)
{
	struct manifest manifest;
	struct process run;
	uint32_t zero = 0;
	int slot;

	applied(&manifest, "emptied");
	slot = bpf_obj_get(manifest_pin(&manifest, pins[2]));
	cr_assert(slot >= 0);
	cr_assert_eq(bpf_map_delete_elem(slot, &zero), 0);
	close(slot);
	sockform_expect(1, "status", manifest.name);
	sockform_expect(0, "apply", manifest.path);
	sockform_expect(0, "status", manifest.name);
	serve(&run, &manifest);
	assert_echo(&manifest, 50, 10000);
	serve_end(&run);
}

/* A map with open connections in it, and the slot behind which they run is torn away: the next
 * apply brings all those that come then. */
Test(damage, repair_under_a_serving_run)
{
	struct manifest manifest;
	struct process run;

	manifest_init(&manifest, "under");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	assert_echo(&manifest, 20, 10000);
	unpin(&manifest, pins[2], 1);
	unpin(&manifest, pins[3], 1);
	sockform_expect(1, "status", manifest.name);
	sockform_expect(0, "apply", manifest.path);
	assert_echo(&manifest, 20, 10000);
	serve_end(&run);
}

Test(damage, status_knows_no_deployment_that_was_never_made)
{
	struct result result;

	sockform(&result, "status", "t-never-made-0");
	cr_assert_neq(result.code, 0, "%s", result.out);
	result_finish(&result);
}
