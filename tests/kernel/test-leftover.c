/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A link that a crash left attached, half-way to its pin: it takes its place without the hook being empty
 * for a moment, or goes and comes back where the command fails; and what is about another hook leaves it
 * alone.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "harness.h"
#include "raw.h"

#define HOOK "b:stream_verdict"
#define LEFT "links/" HOOK "+new"

TestSuite(leftover, .init = harness_init, .fini = harness_fini, .timeout = 240);

/* Where the crash was: before there was any pin, or with the pin of a link that is detached. */
enum crash { NO_PIN, DEAD_PIN, CRASHES };

/* Where hundreds of faults are tried: sanitizers, which make each dear, see more of the latter. */
#ifdef __SANITIZE_ADDRESS__
#define FIRST_CRASH DEAD_PIN
#else
#define FIRST_CRASH NO_PIN
#endif

static void write_hooks(const struct manifest *manifest, bool both)
{
	manifest_write(manifest->path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  a: { type: sockmap, max_entries: 4 }\n"
		"  b: { type: sockmap, max_entries: 4 }\n"
		"programs:\n"
		"  pass: { type: sk_skb, body: [ sk_skb_pass ] }\n"
		"attachments:\n"
		"  - { program: pass, target: a, attach_type: stream_verdict }\n%s",
		manifest->name,
		both ? "  - { program: pass, target: b, attach_type: stream_verdict }\n" : "");
}

static int opened(const struct manifest *manifest, const char *pin)
{
	int fd = bpf_obj_get(manifest_pin(manifest, pin));

	cr_assert(fd >= 0, "%s: %s", pin, strerror(errno));
	return fd;
}

/* 0: there is no such pin. */
static uint32_t link_id(const struct manifest *manifest, const char *pin)
{
	struct bpf_link_info info = { 0 };
	uint32_t length = sizeof(info);
	int fd = bpf_obj_get(manifest_pin(manifest, pin));

	if (fd < 0) {
		cr_assert_eq(errno, ENOENT, "%s: %s", pin, strerror(errno));
		return 0;
	}
	cr_assert_eq(bpf_obj_get_info_by_fd(fd, &info, &length), 0);
	close(fd);
	return info.id;
}

static uint32_t on_hook(const struct manifest *manifest, const char *pin)
{
	int map = opened(manifest, pin);
	uint32_t id = hook_program(map, BPF_SK_SKB_STREAM_VERDICT);

	close(map);
	return id;
}

static void make_anew(const struct manifest *manifest)
{
	int link = opened(manifest, "links/" HOOK), map = opened(manifest, "maps/b");
	int dispatcher = opened(manifest, "dispatchers/" HOOK), made;

	cr_assert_eq(bpf_link_detach(link), 0);
	made = bpf_link_create(dispatcher, map, BPF_SK_SKB_STREAM_VERDICT, NULL);
	cr_assert(made >= 0, "%s", strerror(errno));
	cr_assert_eq(bpf_obj_pin(made, manifest_pin(manifest, LEFT)), 0);
	close(made);
	close(dispatcher);
	close(map);
	close(link);
}

/* Applied, and then as such a crash leaves it; the id of the link that is attached. */
static uint32_t crashed(const struct manifest *manifest, enum crash crash)
{
	char left[160];

	write_hooks(manifest, true);
	sockform_expect(0, "apply", manifest->path);
	cr_assert_eq(link_id(manifest, LEFT), 0);
	if (crash == DEAD_PIN) {
		make_anew(manifest);
	} else {
		snprintf(left, sizeof(left), "%s", manifest_pin(manifest, LEFT));
		cr_assert_eq(rename(manifest_pin(manifest, "links/" HOOK), left), 0);
	}
	cr_assert_neq(on_hook(manifest, "maps/b"), 0);
	return link_id(manifest, LEFT);
}

/* False where there is no nth call. */
static bool apply_injected(struct result *ret, const char *class, unsigned int nth,
	const char *what, const struct manifest *manifest)
{
	return sockform_injected_at(
		ret, class, nth, what, (const char *const[]){ "apply", manifest->path, NULL });
}

Test(leftover, it_takes_its_place)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	struct manifest manifest;

	links_need();
	manifest_init(&manifest, "left-place");
	for (enum crash crash = 0; crash < CRASHES; crash++) {
		uint32_t link = crashed(&manifest, crash);

		sockform_expect(1, "status", manifest.name);
		sockform_expect(0, "apply", manifest.path);
		/* The same one: the hook was never empty. */
		cr_assert_eq(link_id(&manifest, "links/" HOOK), link, "%d", crash);
		cr_assert_eq(link_id(&manifest, LEFT), 0);
		sockform_expect(0, "status", manifest.name);
		sockform_expect(0, "plan", "--exit-code", manifest.path);
	}
	sockform_expect(0, "delete", manifest.path);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

/* With an error at each call: where it fails, all is as the crash has left it, else the link is the same. */
static unsigned int fail_everywhere(
	const struct manifest *manifest, enum crash crash, const char *class)
{
	unsigned int failed = 0, nth = 0;
	struct result result;
	bool met;

	do {
		uint32_t link = crashed(manifest, crash), dead = link_id(manifest, "links/" HOOK);

		met = apply_injected(&result, class, ++nth, "ENOMEM", manifest);
		if (result.code) {
			failed++;
			cr_assert_neq(*result.err, '\0', "%s %u: nothing is said", class, nth);
			cr_assert_eq(link_id(manifest, LEFT), link, "%s %u:\n%s", class, nth,
				result.err);
			cr_assert_eq(link_id(manifest, "links/" HOOK), dead, "%s %u", class, nth);
			sockform_expect(0, "apply", manifest->path);
		}
		cr_assert_eq(link_id(manifest, "links/" HOOK), link, "%s %u", class, nth);
		sockform_expect(0, "status", manifest->name);
		result_finish(&result);
	} while (met);
	return failed;
}

Test(leftover, where_its_place_cannot_be_had_it_stays)
{
	struct manifest manifest;

	links_need();
	manifest_init(&manifest, "left-fails");
	for (enum crash crash = FIRST_CRASH; crash < CRASHES; crash++) {
		cr_assert_gt(fail_everywhere(&manifest, crash, "bpf"), 20);
		cr_assert_gt(fail_everywhere(&manifest, crash, "fs"), 10);
	}
	sockform_expect(0, "delete", manifest.path);
}

/* Killed again, before and after each call: it has a pin all the while, or the link would be another. */
static unsigned int kill_everywhere(
	const struct manifest *manifest, enum crash crash, const char *class, const char *when)
{
	struct result result;
	unsigned int nth = 0;
	bool met;

	do {
		uint32_t link = crashed(manifest, crash);

		met = apply_injected(&result, class, ++nth, when, manifest);
		cr_assert_eq(result.code, met ? 128 + SIGKILL : 0, "%s %u: exit code %d", class,
			nth, result.code);
		result_finish(&result);
		cr_assert_neq(on_hook(manifest, "maps/b"), 0, "%s %u", class, nth);
		sockform_expect(0, "apply", manifest->path);
		cr_assert_eq(link_id(manifest, "links/" HOOK), link, "%s %u: %d %u now %u, %s",
			class, nth, result.code, link, link_id(manifest, "links/" HOOK),
			result.err);
		sockform_expect(0, "status", manifest->name);
	} while (met);
	return nth;
}

Test(leftover, a_second_crash_leaves_it_a_pin)
{
	struct manifest manifest;

	links_need();
	manifest_init(&manifest, "left-killed");
	for (enum crash crash = FIRST_CRASH; crash < CRASHES; crash++) {
		cr_assert_gt(kill_everywhere(&manifest, crash, "bpf", "after"), 20);
		cr_assert_gt(kill_everywhere(&manifest, crash, "fs", "after"), 10);
	}
	sockform_expect(0, "delete", manifest.path);
}

/* It is not wanted, or not with that dispatcher: a command that fails later has it attached again. */
static void goes_and_comes_back(const char *name, bool wanted)
{
	unsigned int failed = 0, nth = 0;
	struct manifest manifest;
	struct result result;
	bool met;
	int code;

	manifest_init(&manifest, name);
	do {
		uint32_t dispatcher, now;

		crashed(&manifest, nth % CRASHES);
		dispatcher = on_hook(&manifest, "maps/b");
		write_hooks(&manifest, wanted);
		if (wanted)
			cr_assert_eq(unlink(manifest_pin(&manifest, "slots/" HOOK)), 0);
		met = apply_injected(&result, "bpf", ++nth, "ENOMEM", &manifest);
		code = result.code;
		failed += code != 0;
		now = on_hook(&manifest, "maps/b");
		if (code)
			cr_assert_eq(now, dispatcher, "%u:\n%s", nth, result.err);
		else
			cr_assert_eq(now != 0, wanted, "%u", nth);
		cr_assert_eq(link_id(&manifest, LEFT) != 0, code != 0, "%u", nth);
		result_finish(&result);
		sockform_expect(0, "apply", manifest.path);
		cr_assert_eq(on_hook(&manifest, "maps/b") != 0, wanted, "%u", nth);
		sockform_expect(0, "status", manifest.name);
	} while (met);
	cr_assert_eq(code, 0);
	cr_assert_gt(failed, 20);
	sockform_expect(0, "delete", manifest.path);
}

Test(leftover, it_goes_and_comes_back)
{
	links_need();
	goes_and_comes_back("left-goes", false);
}

Test(leftover, it_makes_room_and_comes_back)
{
	links_need();
	goes_and_comes_back("left-room", true);
}

Test(leftover, a_detach_of_another_hook_leaves_it)
{
	struct manifest manifest;
	char map[128];
	uint32_t link;

	links_need();
	manifest_init(&manifest, "left-other");
	link = crashed(&manifest, DEAD_PIN);
	snprintf(map, sizeof(map), "%s/a", manifest.name);
	sockform_expect(0, "detach", map);
	cr_assert_eq(on_hook(&manifest, "maps/a"), 0);
	cr_assert_neq(on_hook(&manifest, "maps/b"), 0);
	cr_assert_eq(link_id(&manifest, LEFT), link);
	sockform_expect(0, "apply", manifest.path);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "delete", manifest.path);
}

/* By whatever the map is called. */
Test(leftover, a_detach_of_its_hook_takes_it_off)
{
	struct manifest manifest;
	char names[3][160];

	links_need();
	manifest_init(&manifest, "left-off");
	for (size_t i = 0; i < 3; i++) {
		int map;

		crashed(&manifest, DEAD_PIN);
		map = opened(&manifest, "maps/b");
		snprintf(names[0], sizeof(names[0]), "%s/b", manifest.name);
		snprintf(names[1], sizeof(names[1]), "id:%u", map_id(map));
		snprintf(names[2], sizeof(names[2]), "%s", manifest_pin(&manifest, "maps/b"));
		close(map);
		sockform_expect(0, "detach", names[i]);
		cr_assert_eq(on_hook(&manifest, "maps/b"), 0, "%s", names[i]);
		cr_assert_eq(link_id(&manifest, LEFT), 0);
	}
	sockform_expect(0, "apply", manifest.path);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "delete", manifest.path);
}

/* Likewise what attaches nothing; kernels without links leave that, too. */
Test(leftover, a_pin_half_way_goes_with_its_own_hook)
{
	static const char left[] = "dispatchers/" HOOK "+new";
	struct manifest manifest;
	char map[128];
	int fd;

	manifest_init(&manifest, "left-pin");
	write_hooks(&manifest, true);
	sockform_expect(0, "apply", manifest.path);
	fd = opened(&manifest, "dispatchers/" HOOK);
	cr_assert_eq(bpf_obj_pin(fd, manifest_pin(&manifest, left)), 0);
	snprintf(map, sizeof(map), "%s/a", manifest.name);
	sockform_expect(0, "detach", map);
	cr_assert_eq(access(manifest_pin(&manifest, left), F_OK), 0);
	snprintf(map, sizeof(map), "%s/b", manifest.name);
	sockform_expect(0, "detach", map);
	cr_assert_neq(access(manifest_pin(&manifest, left), F_OK), 0);

	cr_assert_eq(bpf_obj_pin(fd, manifest_pin(&manifest, left)), 0);
	close(fd);
	sockform_expect(0, "apply", manifest.path);
	cr_assert_neq(access(manifest_pin(&manifest, left), F_OK), 0);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "delete", manifest.path);
}
