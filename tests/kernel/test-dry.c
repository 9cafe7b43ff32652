/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* `sockform apply --dry-run`: the kernel judges what would be made, and nothing of it is left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "json.h"

TestSuite(dry, .init = harness_init, .fini = harness_fini, .timeout = 60);

/* The output says `words`, and kernel and pins are what they were. */
static void assert_dry(const struct manifest *manifest, int code, const char *words)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	struct result result;

	sockform(&result, "apply", "--dry-run", manifest->path);
	assert_code(&result, code);
	assert_says(code ? result.err : result.out, words);
	result_finish(&result);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
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
