/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* `sockform apply --dry-run`: the kernel judges what would be made, and nothing of it is left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"
#include "json.h"

TestSuite(dry, .init = harness_init, .fini = harness_fini, .timeout = 60);

/* The output says `words`, and kernel, pins and what is in slots and on hooks are what they were. */
static void assert_dry(const struct manifest *manifest, int code, const char *words)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins(), *shape = cgroup_shape(NULL);
	struct result result;

	sockform(&result, "apply", "--dry-run", manifest->path);
	assert_code(&result, code);
	assert_says(code ? result.err : result.out, words);
	result_finish(&result);
	assert_ids(ids);
	assert_pins(pins);
	assert_shape(shape, NULL);
	free(ids);
	free(pins);
	free(shape);
}

Test(dry, of_what_is_not_there)
{
	struct manifest manifest;

	manifest_init(&manifest, "new");
	manifest_echo(&manifest, BODY_ECHO);
	assert_dry(&manifest, 0, "3 to create\n");
	sockform_expect(0, "apply", manifest.path);
	assert_dry(&manifest, 0, ": unchanged\n");
}

Test(dry, of_a_change)
{
	struct manifest manifest;

	manifest_init(&manifest, "changed");
	manifest_echo(&manifest, BODY_ECHO);
	sockform_expect(0, "apply", manifest.path);
	manifest_echo(&manifest, BODY_PASS);
	assert_dry(&manifest, 0, "2 to update\n");
	sockform_expect(0, "status", manifest.name);
	sockform_expect(1, "plan", "--exit-code", manifest.path);
}

/* What a plan cannot tell: the verifier says it, and where. */
Test(dry, of_what_the_verifier_rejects)
{
	struct manifest manifest;
	char place[200];

	manifest_init(&manifest, "bad");
	manifest_echo(&manifest, BODY_BAD);
	sockform_expect(0, "plan", manifest.path);
	snprintf(place, sizeof(place), "%s:%u:9: error[E0401]", manifest.path,
		manifest_line(&manifest, BODY_BAD_LINE));
	assert_dry(&manifest, 3, place);
}

/* Three programs on one map, of which those of these names are rejected. */
static void manifest_three(const struct manifest *manifest, const char *const *bad, size_t count)
{
	static const char *const names[] = { "first", "second", "third" };
	static const char *const types[] = { "stream_parser", "stream_verdict", "msg_verdict" };
	char text[2048] = "", *at = text;

	for (size_t i = 0; i < 3; i++) {
		bool is_bad = false;

		for (size_t j = 0; j < count; j++)
			is_bad = is_bad || strcmp(bad[j], names[i]) == 0;
		at += sprintf(at, "  %s:\n    type: %s\n    body:\n%s", names[i],
			i == 2 ? "sk_msg" : "sk_skb",
			is_bad ? "      - r6 = r1\n      - r0 = *(u32 *)(r1 + 4096)\n      - exit\n"
			       : "      - r0 = 1\n      - exit\n");
	}
	at += sprintf(at, "attachments:\n");
	for (size_t i = 0; i < 3; i++)
		at += sprintf(at, "  - { program: %s, target: pair, attach_type: %s }\n", names[i],
			types[i]);
	manifest_write(manifest->path,
		"sockform: v1\nname: %s\nmaps:\n  pair: { type: sockmap, max_entries: 4 }\n"
		"programs:\n%s",
		manifest->name, text);
}

/* Every program goes through the verifier: which of them is bad does not matter, nor that one was before. */
Test(dry, of_each_program)
{
	static const struct {
		const char *bad[2], *said[2];
		size_t count;
	} cases[] = {
		{ { "first" }, { "program \"first\"" }, 1 },
		{ { "second" }, { "program \"second\"" }, 1 },
		{ { "third" }, { "program \"third\"" }, 1 },
		{ { "first", "third" }, { "program \"first\"", "program \"third\"" }, 2 },
	};
	struct manifest manifest;

	manifest_init(&manifest, "each");
	for (int is_there = 0; is_there < 2; is_there++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			manifest_three(&manifest, cases[i].bad, cases[i].count);
			for (size_t j = 0; j < cases[i].count; j++)
				assert_dry(&manifest, 3, cases[i].said[j]);
		}
		manifest_three(&manifest, NULL, 0);
		sockform_expect(0, "apply", manifest.path);
	}
	sockform_expect(0, "status", manifest.name);
}

/* And what the kernel refuses to make at all. */
Test(dry, of_a_map_that_cannot_be_made)
{
	struct manifest manifest;

	manifest_init(&manifest, "map");
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  far: { type: hash, key_size: 4, value_size: 4, max_entries: 4,"
		" numa_node: 1023 }\n",
		manifest.name);
	assert_dry(&manifest, 3, "cannot create map \"far\"");
}

Test(dry, as_json)
{
	struct manifest manifest;
	struct result result;

	manifest_init(&manifest, "json");
	manifest_echo(&manifest, BODY_ECHO);
	sockform(&result, "apply", "--dry-run", "-o", "json", manifest.path);
	assert_code(&result, 0);
	cr_assert(json_valid(result.out), "%s", result.out);
	assert_says(result.out, "\"done\": false");
	result_finish(&result);
}
