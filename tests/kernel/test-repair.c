/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Repairs that crash: a pin is removed, an apply begins to repair that and is killed. Whatever it was
 * about, the next apply gets there, and the one after it has nothing to do.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "raw.h"

TestSuite(repair, .init = harness_init, .fini = harness_fini, .timeout = 240);

static const char *const hook = "echo_sockets:stream_verdict";

/* Applied, with one pin taken away: a map's, or a hook's in a folder. */
static void damage(const struct manifest *manifest, const char *folder)
{
	char pin[128];

	snprintf(pin, sizeof(pin), "%s/%s", folder,
		strcmp(folder, "maps") == 0 ? "echo_sockets" : hook);
	sockform_expect(0, "apply", manifest->path);
	cr_assert_eq(unlink(manifest_pin(manifest, pin)), 0, "%s", pin);
	sockform_expect(1, "plan", "--exit-code", manifest->path);
}

static int crash_repairs(const char *name, const char *folder, const char *calls)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	struct manifest manifest;
	int crashes = 0;

	manifest_init(&manifest, name);
	manifest_echo(&manifest, BODY_ECHO);
	for (;; crashes++) {
		damage(&manifest, folder);
		if (!apply_killed(&manifest, calls, crashes + 1))
			break;
		/* Every other time delete meets what the crash left. */
		if (crashes % 2 == 0) {
			sockform_expect(0, "apply", manifest.path);
			sockform_expect(0, "plan", "--exit-code", manifest.path);
			sockform_expect(0, "status", manifest.name);
		}
		sockform_expect(0, "delete", manifest.path);
		assert_ids(ids);
		assert_pins(pins);
	}
	sockform_expect(0, "delete", manifest.path);
	free(ids);
	free(pins);
	return crashes;
}

Test(repair, of_a_map_survives_crashes)
{
	trace_need();
	cr_assert_geq(crash_repairs("repair-map", "maps", "bpf"), 10);
	cr_assert_geq(crash_repairs("repair-map", "maps", "?rename,?renameat,renameat2"), 1);
}

Test(repair, of_a_dispatcher_survives_crashes)
{
	trace_need();
	cr_assert_geq(crash_repairs("repair-disp", "dispatchers", "bpf"), 10);
	cr_assert_geq(
		crash_repairs("repair-disp", "dispatchers", "?rename,?renameat,renameat2"), 1);
}

Test(repair, of_a_slot_survives_crashes)
{
	trace_need();
	cr_assert_geq(crash_repairs("repair-slot", "slots", "bpf"), 10);
}

Test(repair, of_a_link_survives_crashes)
{
	trace_need();
	links_need();
	cr_assert_geq(crash_repairs("repair-link", "links", "bpf"), 10);
}

/* Another map under the same name: the program still holds the old one, and its digest is the same. */
Test(repair, a_program_follows_its_map)
{
	struct manifest manifest;
	struct process run;

	manifest_init(&manifest, "repair-swap");
	manifest_echo(&manifest, BODY_ECHO);
	damage(&manifest, "maps");
	sockform_expect(0, "apply", manifest.path);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "plan", "--exit-code", manifest.path);
	serve(&run, &manifest);
	assert_echo(&manifest, 10, 10000);
	serve_end(&run);
	sockform_expect(0, "delete", manifest.path);
}

/* With the nth bpf() call refused, false where there is none; *code: its exit code. */
static bool apply_refused(const struct manifest *manifest, unsigned int nth, int *code)
{
	struct result result;
	bool met = sockform_injected_at(&result, "bpf", nth, "ENOMEM",
		(const char *const[]){ "apply", manifest->path, NULL });

	*code = result.code;
	cr_assert(*code == 0 || (*code == 3 && met && *result.err), "%u: exit code %d, \"%s\"", nth,
		*code, result.err);
	result_finish(&result);
	return met;
}

/* What a crash left on its way to its place goes, or it is said that it does not. */
Test(repair, nothing_is_left_without_a_word)
{
	unsigned int refused = 0, nth = 0;
	struct manifest manifest;
	char from[128];
	int code = 0, link;

	links_need();
	manifest_init(&manifest, "repair-left");
	manifest_echo(&manifest, BODY_ECHO);
	sockform_expect(0, "apply", manifest.path);
	snprintf(from, sizeof(from), "links/%s", hook);
	for (bool met = true; met;) {
		char left[160];

		link = bpf_obj_get(manifest_pin(&manifest, from));
		cr_assert(link >= 0);
		snprintf(left, sizeof(left), "%s+new", manifest_pin(&manifest, from));
		cr_assert_eq(bpf_obj_pin(link, left), 0, "%s", strerror(errno));
		close(link);
		met = apply_refused(&manifest, ++nth, &code);
		refused += code != 0;
		if (code)
			sockform_expect(0, "apply", manifest.path);
		sockform_expect(0, "status", manifest.name);
	}
	cr_assert_gt(refused, 5);
	sockform_expect(0, "delete", manifest.path);
}

/* For where a record alone tells what is attached. */
static void records_need(void)
{
	if (has_queries())
		cr_skip_test("skipped: this kernel can be asked what is attached to a map");
}

/* As a run that is cut short leaves it, where only the record tells what is attached. */
static void put_in_doubt(const struct manifest *manifest)
{
	char name[128], record[256] = "", doubted[sizeof(record) + 16];
	const char *path;
	unsigned int slot, dispatcher, map;

	snprintf(name, sizeof(name), "records/%s", hook);
	path = manifest_pin(manifest, name);
	cr_assert(readlink(path, record, sizeof(record) - 1) > 0, "%s", strerror(errno));
	cr_assert_eq(sscanf(record, "%u %u %u -", &slot, &dispatcher, &map), 3, "%s", record);
	cr_assert_neq(map, 0, "%s", record);
	snprintf(doubted, sizeof(doubted), "%u %u %u perhaps", slot, dispatcher, map);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(symlink(doubted, path), 0);
}

/* 0, or a negative errno where it was not attached. */
static int take_off(const struct manifest *manifest)
{
	char pin[128];
	int dispatcher, map, error;

	snprintf(pin, sizeof(pin), "dispatchers/%s", hook);
	dispatcher = bpf_obj_get(manifest_pin(manifest, pin));
	map = bpf_obj_get(manifest_pin(manifest, "maps/echo_sockets"));
	cr_assert(dispatcher >= 0 && map >= 0, "%s", strerror(errno));
	error = bpf_prog_detach2(dispatcher, map, BPF_SK_SKB_STREAM_VERDICT) == 0 ? 0 : -errno;
	close(dispatcher);
	close(map);
	return error;
}

static void expect_words(
	const struct manifest *manifest, const char *verb, int code, const char *words)
{
	struct result result;

	if (strcmp(verb, "status") == 0)
		sockform(&result, "status", manifest->name);
	else
		sockform(&result, "plan", "--exit-code", manifest->path);
	assert_code(&result, code);
	cr_assert(strstr(result.out, words), "%s: %s", verb, result.out);
	result_finish(&result);
}

/* What a run that was cut short was about: attached again, or taken off, whether it is there or not. */
Test(repair, what_may_be_detached_is_attached_again)
{
	struct manifest manifest;
	char map[128];

	records_need();
	manifest_init(&manifest, "repair-doubt");
	snprintf(map, sizeof(map), "%s/echo_sockets", manifest.name);
	manifest_echo(&manifest, BODY_ECHO);
	sockform_expect(0, "apply", manifest.path);
	cr_assert_eq(take_off(&manifest), 0);
	cr_assert_eq(take_off(&manifest), -ENOENT);
	sockform_expect(0, "status", manifest.name);
	put_in_doubt(&manifest);
	expect_words(&manifest, "status", 1, "it may be detached: a change of it was cut short");
	expect_words(&manifest, "plan", 1, "a change of it was cut short");
	sockform_expect(0, "apply", manifest.path);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "plan", "--exit-code", manifest.path);
	cr_assert_eq(take_off(&manifest), 0);
	put_in_doubt(&manifest);
	sockform_expect(0, "detach", map);
	cr_assert_eq(take_off(&manifest), -ENOENT);
	sockform_expect(0, "apply", manifest.path);
	put_in_doubt(&manifest);
	sockform_expect(0, "detach", map);
	cr_assert_eq(take_off(&manifest), -ENOENT);
	sockform_expect(0, "delete", manifest.path);
}

/* As applied, and then ours is off and theirs, a verdict of the other type, on the map. */
static int exclude(const struct manifest *manifest, int theirs)
{
	int map;

	sockform_expect(0, "apply", manifest->path);
	cr_assert_eq(take_off(manifest), 0);
	map = bpf_obj_get(manifest_pin(manifest, "maps/echo_sockets"));
	cr_assert(map >= 0, "%s", strerror(errno));
	cr_assert_eq(bpf_prog_attach(theirs, map, BPF_SK_SKB_VERDICT, 0), 0);
	cr_assert_eq(take_off(manifest), -EBUSY);
	return map;
}

/* A verdict of the other type is where ours was: the kernel says EBUSY of it then, also to who takes it off. */
Test(repair, what_others_keep_off_can_be_deleted)
{
	int theirs = program_pass(), map;
	struct manifest manifest;

	records_need();
	manifest_init(&manifest, "repair-excluded");
	manifest_echo(&manifest, BODY_ECHO);
	map = exclude(&manifest, theirs);
	sockform_expect(0, "delete", manifest.path);
	/* It is theirs as before. */
	cr_assert_eq(bpf_prog_detach2(theirs, map, BPF_SK_SKB_VERDICT), 0);
	close(map);
	close(theirs);
}

/* Nothing was taken off, so that nothing has to come back. */
Test(repair, what_others_keep_off_is_refused_without_a_rest)
{
	int theirs = program_pass(), map;
	struct manifest manifest;
	struct result result;

	records_need();
	manifest_init(&manifest, "repair-refused");
	manifest_echo(&manifest, BODY_ECHO);
	map = exclude(&manifest, theirs);
	put_in_doubt(&manifest);
	sockform(&result, "apply", manifest.path);
	assert_code(&result, 3);
	cr_assert(strstr(result.err, "cannot attach"), "%s", result.err);
	cr_assert(!strstr(result.err, "could not be taken back"), "%s", result.err);
	result_finish(&result);
	cr_assert_eq(bpf_prog_detach2(theirs, map, BPF_SK_SKB_VERDICT), 0);
	sockform_expect(0, "apply", manifest.path);
	cr_assert_eq(take_off(&manifest), 0);
	sockform_expect(0, "delete", manifest.path);
	close(map);
	close(theirs);
}

/* The folder of all goes between being made and being locked: nothing is made without the lock. */
Test(repair, a_root_that_goes_is_told)
{
	struct manifest manifest;
	int told = 0;

	manifest_init(&manifest, "repair-root");
	manifest_echo(&manifest, BODY_ECHO);
	for (unsigned int nth = 1; nth <= 20; nth++) {
		struct result result;
		char order[32];

		snprintf(order, sizeof(order), "fs:%u:ENOENT", nth);
		sockform_injected(
			&result, order, (const char *const[]){ "apply", manifest.path, NULL });
		told += strstr(result.err, "removed the folder of all deployments") != NULL;
		cr_assert(result.code == 0 || *result.err, "%s", order);
		cr_assert(!strstr(result.err, "(null)"), "%s", result.err);
		if (result.code == 0)
			sockform_expect(0, "delete", manifest.path);
		result_finish(&result);
	}
	cr_assert_eq(told, 1);
}
