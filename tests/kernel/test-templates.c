/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Templates, includes and parameters, seen from the kernel: they make the program that would have
 * been written by hand, and what the verifier has against it is said in both places.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "raw.h"

TestSuite(templates, .init = harness_init, .fini = harness_fini, .timeout = 60);

/* Offset 136 is local_port, in host order (struct __sk_buff). */
static const char library[] =
	"sockform: v1\n"
	"params: { port: 1 }\n"
	"templates:\n"
	"  only_port:\n"
	"    params: { port: { kind: imm }, else: { kind: label } }\n"
	"    body:\n"
	"      - r2 = *(u32 *)(r1 + 136)\n"
	"      - if r2 != ${port} goto ${else}\n"
	"  route:\n"
	"    params: { map: { kind: map }, flag: { kind: text, default: 0 } }\n"
	"    body:\n"
	"      - only_port: { port: ${port}, else: out }\n"
	"      - sk_redirect_hash: { map: ${map}, key: self, on_miss: pass }\n"
	"      - exit\n"
	"      - \"out:\"\n";

#define OBJECTS                                                                                    \
	"attachments:\n"                                                                           \
	"  - { program: verdict, target: echo_sockets, attach_type: stream_verdict }\n"            \
	"sockets:\n"                                                                               \
	"  - { accept: 127.0.0.1:%u, into: echo_sockets }\n"                                       \
	"  - { accept: 127.0.0.1:%u, into: echo_sockets }\n"

#define HEAD                                                                                       \
	"sockform: v1\n"                                                                           \
	"name: %s\n"                                                                               \
	"include: lib.yaml\n"                                                                      \
	"maps:\n"                                                                                  \
	"  echo_sockets: { type: sockhash, key: [cookie], max_entries: 64 }\n"                     \
	"programs:\n"                                                                              \
	"  verdict:\n"                                                                             \
	"    type: sk_skb\n"                                                                       \
	"    body:\n"

/* Echoes on one of two ports; which one, a parameter says. */
static void manifest_ports(struct manifest *ret, const char *name, uint16_t *other)
{
	char *path = scratch_path("lib.yaml");

	manifest_init(ret, name);
	*other = port_free();
	manifest_write(path, "%s", library);
	free(path);
	manifest_write(ret->path,
		HEAD "      - route: { map: echo_sockets }\n"
		     "      - sk_skb_pass\n" OBJECTS,
		ret->name, ret->port, *other);
}

static int dial_port(uint16_t port)
{
	struct manifest manifest = { .port = port };

	return dial(&manifest);
}

static char *port_setting(uint16_t port)
{
	char *text = NULL;

	cr_assert(asprintf(&text, "port=%u", port) > 0);
	return text;
}

/* Two connections: the one on the port that is set hears itself, then, after another --set, the
 * other one does. */
Test(templates, what_is_set_decides_what_runs)
{
	struct manifest manifest;
	struct process run;
	char *first, *second;
	uint16_t other;
	int one, two;

	manifest_ports(&manifest, "set", &other);
	first = port_setting(manifest.port);
	second = port_setting(other);

	const char *const argv[] = { sockform_path(), "run", "--set", first, manifest.path, NULL };

	cr_assert(process_start(&run, 0, argv));
	cr_assert(process_says(&run, "serving", ANSWER_MS));
	one = dial(&manifest);
	two = dial_port(other);
	give(one, "a");
	assert_gets(one, "a");
	give(two, "b");
	assert_gets_nothing(two);
	sockform_expect(0, "plan", "--exit-code", "--set", first, manifest.path);
	sockform_expect(1, "plan", "--exit-code", "--set", second, manifest.path);
	sockform_expect(0, "apply", "--set", second, manifest.path);
	give(two, "c");
	assert_gets(two, "c");
	give(one, "d");
	assert_gets_nothing(one);
	close(one);
	close(two);
	serve_end(&run);
	free(first);
	free(second);
}

/* The same instructions by hand, and from a file of values: nothing to change. */
Test(templates, make_the_program_that_is_written_by_hand)
{
	char *values = scratch_path("values.yaml");
	struct manifest manifest;
	struct result result;
	uint16_t other;

	manifest_ports(&manifest, "by-hand", &other);
	manifest_write(values, "port: %u\n", manifest.port);
	sockform_expect(0, "apply", "--values", values, manifest.path);
	manifest_write(manifest.path,
		HEAD "      - r2 = *(u32 *)(r1 + 136)\n"
		     "      - if r2 != %u goto out\n"
		     "      - sk_redirect_hash: { map: echo_sockets, key: self, on_miss: pass }\n"
		     "      - exit\n"
		     "      - \"out:\"\n"
		     "      - sk_skb_pass\n" OBJECTS,
		manifest.name, manifest.port, manifest.port, other);
	sockform(&result, "apply", manifest.path);
	assert_code(&result, 0);
	assert_says(result.out, ": unchanged\n");
	result_finish(&result);
	sockform_expect(0, "delete", manifest.path);
	free(values);
}

/* A name that a parameter makes is the deployment's, also for delete. */
Test(templates, names_of_deployments)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins(), setting[80];
	struct manifest manifest;

	manifest_init(&manifest, "named");
	snprintf(setting, sizeof(setting), "who=%s", manifest.name);
	manifest_write(manifest.path, "sockform: v1\n"
				      "name: ${who}\n"
				      "params: { who: }\n"
				      "maps: { m: { type: sockmap, max_entries: 1 } }\n");
	sockform_expect(2, "apply", manifest.path);
	sockform_expect(0, "apply", "--set", setting, manifest.path);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "delete", "--set", setting, manifest.path);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

/* r1 + 4096 is far behind the context; the offset is what the use says. */
Test(templates, a_rejection_is_said_in_both_places)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins(), *path = scratch_path("lib.yaml");
	char expected[1024];
	struct manifest manifest;
	struct result result;

	manifest_init(&manifest, "rejects");
	manifest_write(path, "sockform: v1\n"
			     "templates:\n"
			     "  peek:\n"
			     "    params: { at: { kind: offset } }\n"
			     "    body: [ 'r0 = *(u32 *)(r1 + ${at})' ]\n"
			     "  look: { body: [ r6 = r1, peek: { at: 4096 } ] }\n");
	manifest_write(manifest.path,
		HEAD "      - peek: { at: 0 }\n"
		     "      - look\n"
		     "      - exit\n",
		manifest.name);
	snprintf(expected, sizeof(expected),
		"%s:5:14: error[E0401]: the verifier rejected program \"verdict\": invalid "
		"bpf_context access off=4096 size=4\n"
		"    5 |     body: [ 'r0 = *(u32 *)(r1 + ${at})' ]\n"
		"      |              ^^^^^^^^^^^^^^^^^^^^^^^^^\n"
		"      | instruction 2: r0 = *(u32 *)(r1 +4096)\n"
		"%s:6:28: note: \"peek\" is used here\n"
		"    6 |   look: { body: [ r6 = r1, peek: { at: 4096 } ] }\n"
		"      |                            ^^^^\n"
		"%s:11:9: note: \"look\" is used here\n"
		"   11 |       - look\n"
		"      |         ^^^^\n"
		"1 error\n",
		path, path, manifest.path);
	sockform(&result, "apply", manifest.path);
	assert_code(&result, 3);
	cr_assert_str_eq(result.err, expected, "%s\nnot\n%s", result.err, expected);
	result_finish(&result);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
	free(path);
}

/* What the kernel is told of a template's instructions is the place in the template's file. */
Test(templates, lines_in_the_kernel_are_of_their_files)
{
	char *path = scratch_path("lib.yaml"), expected[256], pin[512];
	struct manifest manifest;
	struct result result, dump;
	const char *digest;

	if (access("/usr/sbin/bpftool", X_OK) != 0)
		cr_skip_test("bpftool is not installed");
	manifest_init(&manifest, "lines");
	manifest_write(path, "%s", library);
	manifest_write(manifest.path,
		HEAD "      - r6 = r1\n"
		     "      - route: { map: echo_sockets }\n"
		     "      - sk_skb_pass\n",
		manifest.name);
	sockform_expect(0, "apply", manifest.path);
	sockform(&result, "status", "-o", "json", manifest.name);
	digest = strstr(result.out, "\"digest\": \"");
	cr_assert(digest, "%s", result.out);
	snprintf(pin, sizeof(pin), "programs/verdict@%.16s", digest + strlen("\"digest\": \""));

	const char *const argv[] = { "/usr/sbin/bpftool", "prog", "dump", "xlated", "pinned",
		manifest_pin(&manifest, pin), "linum", NULL };

	command_run(&dump, 0, argv);
	assert_code(&dump, 0);
	snprintf(expected, sizeof(expected), "[file:%s line_num:10 line_col:9]", manifest.path);
	assert_says(dump.out, expected);
	snprintf(expected, sizeof(expected), "[file:%s line_num:7 line_col:9]", path);
	assert_says(dump.out, expected);
	snprintf(expected, sizeof(expected), "[file:%s line_num:13 line_col:9]", path);
	assert_says(dump.out, expected);
	snprintf(expected, sizeof(expected), "[file:%s line_num:12 line_col:9]", manifest.path);
	assert_says(dump.out, expected);
	result_finish(&result);
	result_finish(&dump);
	free(path);
}
