/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What others put into a deployment's folder under a name that is ours for a moment, "X+new": it is not
 * taken for ours, not gone through, and not removed without --force.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "harness.h"
#include "raw.h"

TestSuite(strangers, .init = harness_init, .fini = harness_fini, .timeout = 60);

static void applied(struct manifest *ret, const char *name)
{
	manifest_init(ret, name);
	manifest_pair(ret, 4, "sk_skb_pass");
	sockform_expect(0, "apply", ret->path);
}

static void assert_refused(const struct manifest *manifest, const char *words, const char *option)
{
	char *pins = snapshot_pins();
	struct result result;

	sockform(&result, "apply", manifest->path, option);
	assert_code(&result, 3);
	assert_says(result.err, "E0411");
	assert_says(result.err, words);
	result_finish(&result);
	assert_pins(pins);
	free(pins);
}

static uint32_t pinned_program(const struct manifest *manifest, const char *pin)
{
	int fd = bpf_obj_get(manifest_pin(manifest, pin));
	uint32_t id;

	cr_assert(fd >= 0, "%s: %s", pin, strerror(errno));
	id = program_id(fd);
	close(fd);
	return id;
}

/* A map that is replaced gets to its place by that name. */
Test(strangers, a_pin_of_theirs)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	struct manifest manifest;
	struct result result;
	int program;

	applied(&manifest, "spare-pin");
	program = program_pass();
	cr_assert_eq(bpf_obj_pin(program, manifest_pin(&manifest, "maps/pair+new")), 0);
	/* Nothing is to be put anywhere. */
	sockform_expect(0, "apply", manifest.path);
	manifest_pair(&manifest, 8, "sk_skb_pass");
	assert_refused(&manifest, "maps/pair+new is nothing that sockform made", "--replace");
	cr_assert_eq(pinned_program(&manifest, "maps/pair+new"), program_id(program));
	close(program);

	sockform(&result, "apply", manifest.path, "--replace", "--force");
	assert_code(&result, 0);
	assert_says(result.out, "maps/pair+new\n      sockform did not make it\n");
	result_finish(&result);
	sockform_expect(0, "status", manifest.name);
	cr_assert_neq(access(manifest_pin(&manifest, "maps/pair+new"), F_OK), 0);
	sockform_expect(0, "delete", manifest.path);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

/* In the way of a link that is put over another, and of how that would be taken back. */
Test(strangers, a_folder_of_theirs)
{
	struct manifest manifest;
	int map;

	applied(&manifest, "spare-folder");
	cr_assert_eq(mkdir(manifest_pin(&manifest, "links/pair:stream_verdict+new"), 0700), 0);
	cr_assert_eq(unlink(manifest_pin(&manifest, "dispatchers/pair:stream_verdict")), 0);
	assert_refused(&manifest, "+new is nothing that sockform made", NULL);
	map = bpf_obj_get(manifest_pin(&manifest, "maps/pair"));
	cr_assert_neq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), 0);
	sockform_expect(0, "apply", manifest.path, "--force");
	sockform_expect(0, "status", manifest.name);
	cr_assert_neq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), 0);
	close(map);
	sockform_expect(0, "delete", manifest.path);
}

/* In the way of what the deployment was applied from. */
Test(strangers, a_source_of_theirs)
{
	struct manifest manifest, moved;

	applied(&manifest, "spare-source");
	cr_assert_eq(mkdir(manifest_pin(&manifest, "source+new"), 0700), 0);
	sockform_expect(0, "apply", manifest.path);
	manifest_init(&moved, "spare-moved");
	cr_assert_eq(rename(manifest.path, moved.path), 0);
	assert_refused(&moved, "source+new is nothing that sockform made", NULL);
	sockform_expect(0, "apply", moved.path, "--force");
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "delete", moved.path);
}

/* It leads to what attaches a program of another deployment: nobody goes there. */
Test(strangers, a_symlink_of_theirs)
{
	struct manifest manifest, other;
	char target[128];
	int map;

	links_need();
	applied(&other, "led-to");
	applied(&manifest, "spare-link");
	snprintf(target, sizeof(target), "%s", manifest_pin(&other, "links/pair:stream_verdict"));
	cr_assert_eq(symlink(target, manifest_pin(&manifest, "current+new")), 0);
	cr_assert_eq(symlink(target, manifest_pin(&manifest, "links/pair:x+new")), 0);
	manifest_pair(&manifest, 4, "sk_skb_drop");
	assert_refused(&manifest, "links/pair:x+new is nothing that sockform made", NULL);
	cr_assert_eq(unlink(manifest_pin(&manifest, "links/pair:x+new")), 0);
	sockform_expect(0, "apply", manifest.path);
	cr_assert_eq(access(manifest_pin(&manifest, "current+new"), F_OK), 0);
	sockform_expect(3, "delete", manifest.path);
	sockform_expect(0, "delete", "--force", manifest.path);
	map = bpf_obj_get(manifest_pin(&other, "maps/pair"));
	cr_assert_neq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), 0);
	close(map);
	sockform_expect(0, "status", other.name);
	sockform_expect(0, "delete", other.path);
}

/* Of another kind than belongs there, which is no reason to see nothing of all the rest. */
Test(strangers, pins_of_other_kinds)
{
	static const char link_pin[] = "maps/pair+new",
			  program_pin[] = "links/pair:stream_verdict+new";
	struct manifest manifest;
	struct result result;
	int fd;

	links_need();
	applied(&manifest, "spare-kinds");
	fd = bpf_obj_get(manifest_pin(&manifest, "links/pair:stream_verdict"));
	cr_assert_eq(bpf_obj_pin(fd, manifest_pin(&manifest, link_pin)), 0);
	close(fd);
	fd = bpf_obj_get(manifest_pin(&manifest, "dispatchers/pair:stream_verdict"));
	cr_assert_eq(bpf_obj_pin(fd, manifest_pin(&manifest, program_pin)), 0);
	close(fd);
	sockform(&result, "status", manifest.name);
	assert_code(&result, 1);
	assert_says(result.out, "maps/pair+new: it is nothing that sockform made");
	assert_says(result.out, "links/pair:stream_verdict+new: it is nothing that sockform made");
	result_finish(&result);
	sockform_expect(0, "apply", manifest.path);
	manifest_pair(&manifest, 4, "sk_skb_drop");
	assert_refused(&manifest, "maps/pair+new is nothing that sockform made", NULL);
	sockform_expect(0, "apply", "--force", manifest.path);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "delete", manifest.path);
}

/* A detach removes nothing, and would need the name to go back. */
Test(strangers, in_the_way_of_a_detach)
{
	struct manifest manifest;
	struct result result;
	char map[128];
	int fd;

	applied(&manifest, "spare-detach");
	cr_assert_eq(mkdir(manifest_pin(&manifest, "links/pair:stream_verdict+new"), 0700), 0);
	snprintf(map, sizeof(map), "%s/pair", manifest.name);
	sockform(&result, "detach", map);
	assert_code(&result, 3);
	assert_says(result.err, "E0411");
	assert_says(result.err, "links/pair:stream_verdict+new is nothing that sockform made");
	result_finish(&result);
	fd = bpf_obj_get(manifest_pin(&manifest, "maps/pair"));
	cr_assert_neq(hook_program(fd, BPF_SK_SKB_STREAM_VERDICT), 0);
	cr_assert_eq(rmdir(manifest_pin(&manifest, "links/pair:stream_verdict+new")), 0);
	sockform_expect(0, "detach", map);
	cr_assert_eq(hook_program(fd, BPF_SK_SKB_STREAM_VERDICT), 0);
	close(fd);
	sockform_expect(0, "delete", manifest.path);
}

/* What is gone for nothing is named, too. */
Test(strangers, removed_by_a_command_that_fails)
{
	unsigned int told = 0, nth = 0;
	struct manifest manifest;
	struct result result;
	bool gone, met, drops = true;
	int code;

	applied(&manifest, "spare-failed");
	do {
		const char *const arguments[] = { "apply", "--force", manifest.path, NULL };

		cr_assert(mkdir(manifest_pin(&manifest, "maps/theirs"), 0700) == 0 ||
			  errno == EEXIST);
		manifest_pair(&manifest, 4, drops ? "sk_skb_drop" : "sk_skb_pass");
		met = sockform_injected_at(&result, "bpf", ++nth, "ENOMEM", arguments);
		code = result.code;
		gone = access(manifest_pin(&manifest, "maps/theirs"), F_OK) != 0;
		cr_assert_eq(code != 0 && gone,
			strstr(result.err, "maps/theirs was removed, which cannot be taken back") !=
				NULL,
			"%u: exit code %d\n%s", nth, code, result.err);
		told += code && gone;
		drops ^= code == 0; /* there is to be something to do */
		result_finish(&result);
	} while (met);
	cr_assert_eq(code, 0);
	cr_assert_gt(told, 0);
	sockform_expect(0, "apply", "--force", manifest.path);
	sockform_expect(0, "delete", manifest.path);
}
