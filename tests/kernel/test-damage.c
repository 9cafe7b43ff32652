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
#include "raw.h"

TestSuite(damage, .init = harness_init, .fini = harness_fini, .timeout = 120);

/* The pins of a deployment of the echo that others may rely on, as patterns below its folder. */
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

/* All pins of the deployment, also those that no contract names; what is remembered of them stays. */
static void pins_find(const struct manifest *manifest, glob_t *ret)
{
	cr_assert_eq(glob(manifest_pin(manifest, "[!r]*/*"), 0, NULL, ret), 0);
	cr_assert(ret->gl_pathc >= PINS_COUNT, "only %zu pins", ret->gl_pathc);
	cr_assert(ret->gl_pathc <= 8, "%zu pins, too many for each subset", ret->gl_pathc);
}

/* Applies, takes the pins away that are in the set, deletes; false when there is no such set. */
static bool delete_without(const char *name, unsigned int set)
{
	struct manifest manifest;
	glob_t found;
	bool more;

	applied(&manifest, name);
	pins_find(&manifest, &found);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (set & 1u << i)
			cr_assert_eq(unlink(found.gl_pathv[i]), 0);
	}
	more = set < (1u << found.gl_pathc) - 1;
	globfree(&found);
	if (set % 2)
		sockform_expect(0, "delete", manifest.path);
	else
		sockform_expect(0, "delete", "--name", manifest.name);
	return more;
}

/* Each subset of the pins: delete has to find the rest. */
Test(damage, delete_removes_whatever_is_left)
{
	char *before_ids = snapshot_ids(), *before_pins = snapshot_pins();

	for (unsigned int set = 1; delete_without("left", set); set++) {
		assert_ids(before_ids);
		assert_pins(before_pins);
	}
	assert_ids(before_ids);
	assert_pins(before_pins);
	free(before_ids);
	free(before_pins);
}

/* One pin after the other is taken away and brought back, and nothing of it accumulates. */
Test(damage, apply_brings_back_each_pin)
{
	char *before_ids = snapshot_ids(), *ids, *now;
	struct manifest manifest;
	glob_t found;

	applied(&manifest, "each");
	ids = snapshot_ids();
	pins_find(&manifest, &found);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		cr_assert_eq(unlink(found.gl_pathv[i]), 0);
		sockform_expect(1, "status", manifest.name);
		sockform_expect(0, "apply", manifest.path);
		sockform_expect(0, "status", manifest.name);
		cr_assert_eq(access(found.gl_pathv[i], F_OK), 0, "%s", found.gl_pathv[i]);
	}
	globfree(&found);
	now = snapshot_ids();
	cr_assert_eq(snapshot_count(now, "map"), snapshot_count(ids, "map"));
	cr_assert_eq(snapshot_count(now, "program"), snapshot_count(ids, "program"));
	cr_assert_eq(snapshot_count(now, "link"), snapshot_count(ids, "link"));
	sockform_expect(0, "delete", manifest.path);
	assert_ids(before_ids);
	free(before_ids);
	free(ids);
	free(now);
}

Test(damage, delete_removes_a_deployment_without_its_folders)
{
	char *before_ids = snapshot_ids(), *before_pins = snapshot_pins();
	struct manifest manifest;

	applied(&manifest, "folders");
	unpin(&manifest, "slots/*", 1);
	if (has_links())
		unpin(&manifest, "links/*", 1);
	cr_assert_eq(rmdir(manifest_pin(&manifest, "slots")), 0);
	cr_assert_eq(rmdir(manifest_pin(&manifest, "links")), 0);
	sockform_expect(0, "delete", manifest.path);
	assert_ids(before_ids);
	assert_pins(before_pins);
	free(before_ids);
	free(before_pins);
}

/* A pin of an applied deployment is taken away, and status sees it. */
static void drift(struct manifest *ret, const char *name, const char *pattern)
{
	struct result result;

	applied(ret, name);
	sockform_expect(0, "status", ret->name);
	unpin(ret, pattern, 1);
	sockform(&result, "status", ret->name);
	assert_code(&result, 1);
	cr_assert(*result.out, "status says nothing");
	result_finish(&result);
}

/* The difference is planned, made good, and then the echo is whole. */
static void repair(const struct manifest *manifest)
{
	struct process run;
	struct result result;

	sockform_expect(1, "plan", "--exit-code", manifest->path);
	sockform(&result, "apply", manifest->path);
	assert_code(&result, 0);
	cr_assert(!strstr(result.out, "unchanged"), "%s", result.out);
	result_finish(&result);
	sockform_expect(0, "status", manifest->name);
	sockform_expect(0, "plan", "--exit-code", manifest->path);
	serve(&run, manifest);
	assert_echo(manifest, 50, 10000);
	serve_end(&run);
}

static void drift_and_repair(const char *name, const char *pattern)
{
	char *before_ids = snapshot_ids(), *before_pins = snapshot_pins();
	struct manifest manifest;

	drift(&manifest, name, pattern);
	repair(&manifest);
	sockform_expect(0, "delete", manifest.path);
	assert_ids(before_ids);
	assert_pins(before_pins);
	free(before_ids);
	free(before_pins);
}

Test(damage, apply_repairs_a_removed_map)
{
	drift_and_repair("map", pins[0]);
}

Test(damage, apply_repairs_a_removed_program)
{
	drift_and_repair("program", pins[1]);
}

Test(damage, apply_repairs_a_removed_slot)
{
	drift_and_repair("slot", pins[2]);
}

Test(damage, apply_repairs_a_removed_link)
{
	links_need();
	drift_and_repair("link", pins[3]);
}

/* What is remembered tells status that there was more. */
Test(damage, apply_repairs_everything_but_the_map)
{
	struct manifest manifest;

	applied(&manifest, "rest");
	unpin(&manifest, "[!mr]*/*", PINS_COUNT - 1);
	sockform_expect(1, "status", manifest.name);
	repair(&manifest);
}

/* The pin is there, what it held is not: status and apply both have to look inside. */
Test(damage, apply_repairs_an_emptied_slot)
{
	struct manifest manifest;
	uint32_t zero = 0;
	int slot;

	applied(&manifest, "emptied");
	slot = bpf_obj_get(manifest_pin(&manifest, pins[2]));
	cr_assert(slot >= 0);
	cr_assert_eq(bpf_map_delete_elem(slot, &zero), 0);
	close(slot);
	sockform_expect(1, "status", manifest.name);
	repair(&manifest);
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
	if (has_links())
		unpin(&manifest, pins[3], 1);
	sockform_expect(1, "status", manifest.name);
	sockform_expect(0, "apply", manifest.path);
	assert_echo(&manifest, 20, 10000);
	serve_end(&run);
}

Test(damage, status_knows_no_deployment_that_was_never_made)
{
	const char *name = TEST_PREFIX "never-made";
	struct result result;

	sockform(&result, "status", name);
	/* What was asked about is not there: a difference, as drift is one, and no error. */
	assert_code(&result, 1);
	cr_assert_str_eq(result.out, TEST_PREFIX "never-made: absent\n");
	cr_assert_str_eq(result.err, "");
	result_finish(&result);
}
