/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What scripts read: each verb with -o json writes one JSON value that names the deployment. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "json.h"

TestSuite(json, .init = harness_init, .fini = harness_fini, .timeout = 60);

/* The judge itself has to be able to say no. */
Test(json, the_checker_knows_json)
{
	const char *const good[] = { "{}", " [1, -2.5e+3, 0] ", "{\"a\": [true, null]}\n",
		"\"\\u00e4\\n\"" };
	const char *const bad[] = { "", "{", "{} {}", "[1,]", "{\"a\" 1}", "{a: 1}", "\"\n\"",
		"\"\\x\"", "01", "1.", "nul", "{\"a\":1,}" };

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		cr_assert(json_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_assert(!json_valid(bad[i]), "%s", bad[i]);
}

static void assert_json(const char *text, const char *name)
{
	cr_assert(json_valid(text), "no JSON:\n%s", text);
	assert_says(text, name);
}

static void says_json(int code, const char *verb, const char *operand, const char *name)
{
	struct result result;

	sockform(&result, verb, "-o", "json", operand);
	assert_code(&result, code);
	assert_json(result.out, name);
	result_finish(&result);
}

Test(json, each_verb_writes_one_value)
{
	struct manifest manifest;

	manifest_init(&manifest, "json");
	manifest_echo(&manifest, BODY_ECHO);
	says_json(0, "plan", manifest.path, manifest.name);
	says_json(0, "apply", manifest.path, manifest.name);
	says_json(0, "apply", manifest.path, manifest.name);
	says_json(0, "status", manifest.name, manifest.name);
	unlink(manifest_pin(&manifest, "slots/echo_sockets:stream_verdict"));
	says_json(1, "status", manifest.name, manifest.name);
	says_json(0, "delete", manifest.path, manifest.name);
}

Test(json, diagnostics_are_json_too)
{
	struct manifest manifest;
	struct result result;

	manifest_init(&manifest, "json-bad");
	manifest_echo(&manifest, "      - no_such_block\n");
	sockform(&result, "validate", "-o", "json", manifest.path);
	assert_code(&result, 2);
	assert_json(result.err, manifest.path);
	assert_says(result.err, "no_such_block");
	result_finish(&result);

	manifest_echo(&manifest, BODY_BAD);
	sockform(&result, "apply", "-o", "json", manifest.path);
	assert_code(&result, 3);
	assert_json(result.err, manifest.path);
	assert_says(result.err, "invalid bpf_context access off=4096 size=4");
	result_finish(&result);
}
