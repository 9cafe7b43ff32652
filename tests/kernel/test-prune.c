/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What left a directory, and what `--prune` takes away for that: exactly what was applied from there,
 * and nothing where anything is wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

TestSuite(prune, .init = harness_init, .fini = harness_fini, .timeout = 240);

/* A directory of manifests, and the deployments that they declare. */
#define ONES 3
struct folder {
	char path[128];
	struct manifest ones[ONES];
};

static void write_one(const struct manifest *manifest, const char *body)
{
	manifest_write(manifest->path,
		"sockform: v1\n"
		"name: %s\n"
		"maps:\n"
		"  pairs: { type: sockmap, max_entries: 8 }\n"
		"programs:\n"
		"  verdict:\n"
		"    type: sk_skb\n"
		"    body:\n"
		"%s"
		"attachments:\n"
		"  - { program: verdict, target: pairs, attach_type: stream_verdict }\n",
		manifest->name, body);
}

static void folder_init(struct folder *ret, const char *name)
{
	char *path = scratch_path(name), one[32];

	snprintf(ret->path, sizeof(ret->path), "%s", path);
	free(path);
	cr_assert_eq(mkdir(ret->path, 0755), 0);
	for (int i = 0; i < ONES; i++) {
		struct manifest *manifest = &ret->ones[i];

		snprintf(one, sizeof(one), "%s-%c", name, 'a' + i);
		manifest_init(manifest, one);
		cr_assert_lt(snprintf(manifest->path, sizeof(manifest->path), "%.96s/%c.yaml",
				     ret->path, 'a' + i),
			(int)sizeof(manifest->path));
		write_one(manifest, BODY_PASS);
	}
}

/* Not there is also what `status` says then. */
static void assert_there(const struct manifest *manifest, bool there)
{
	struct result result;

	sockform(&result, "status", manifest->name);
	assert_code(&result, there ? 0 : 1);
	assert_says(result.out, there ? ": ok\n" : ": absent\n");
	result_finish(&result);
}

static void assert_ones(const struct folder *folder, bool a, bool b, bool c)
{
	assert_there(&folder->ones[0], a);
	assert_there(&folder->ones[1], b);
	assert_there(&folder->ones[2], c);
}

/* `sockform ARGUMENT... OPERAND`, and something that it has to say. */
static void says(
	int code, const char *words, const char *verb, const char *option, const char *operand)
{
	struct result result;

	sockform(&result, verb, option, operand);
	assert_code(&result, code);
	assert_says(code == 2 ? result.err : result.out, words);
	result_finish(&result);
}

static void apply_from_stdin(const struct manifest *manifest)
{
	struct result result;
	char command[512];

	snprintf(command, sizeof(command), "exec '%s' apply - <'%s'", sockform_path(),
		manifest->path);
	command_run(&result, 0, (const char *const[]){ "sh", "-c", command, NULL });
	assert_code(&result, 0);
	result_finish(&result);
}

/* Text about the plan of one that goes, in the words of the plan. */
static void assert_says_why(const char *out, const struct manifest *gone, const char *folder)
{
	char why[512];

	snprintf(why, sizeof(why), "%s: no longer in %s\n", gone->name, folder);
	assert_says(out, why);
	cr_assert_eq(text_lines_with(out, "no longer in"), 1, "%s", out);
}

Test(prune, takes_away_what_left_the_directory_and_nothing_else)
{
	struct folder folder;
	struct result result;
	char *ids, *pins;

	folder_init(&folder, "leave");
	sockform_expect(0, "apply", "--prune", folder.path);
	assert_ones(&folder, true, true, true);
	says(0, ": unchanged\n", "apply", "--prune", folder.path);
	unlink(folder.ones[1].path);
	ids = snapshot_ids();
	pins = snapshot_pins();
	sockform(&result, "plan", "--prune", "--exit-code", folder.path);
	assert_code(&result, 1);
	assert_says_why(result.out, &folder.ones[1], folder.path);
	assert_says(result.out, "\n3 to delete\n");
	result_finish(&result);
	/* Without --prune nothing is said of it, and nothing done. */
	sockform_expect(0, "plan", "--exit-code", folder.path);
	sockform_expect(0, "apply", folder.path);
	sockform_expect(0, "apply", "--dry-run", "--prune", folder.path);
	assert_ids(ids);
	assert_pins(pins);
	sockform(&result, "apply", "--prune", folder.path);
	assert_code(&result, 0);
	assert_says_why(result.out, &folder.ones[1], folder.path);
	assert_says(result.out, "\n3 deleted in ");
	result_finish(&result);
	assert_ones(&folder, true, false, true);
	sockform_expect(0, "plan", "--prune", "--exit-code", folder.path);
	free(ids);
	free(pins);
}

/* The name is what a deployment is known by, not the file. */
Test(prune, another_file_of_the_directory_will_do)
{
	struct folder folder;
	char moved[160];

	folder_init(&folder, "renamed");
	sockform_expect(0, "apply", folder.path);
	snprintf(moved, sizeof(moved), "%s/z.yaml", folder.path);
	cr_assert_eq(rename(folder.ones[0].path, moved), 0);
	sockform_expect(0, "plan", "--prune", "--exit-code", folder.path);
}

Test(prune, what_came_from_elsewhere_stays)
{
	struct folder folder, other;
	struct manifest lone, piped;
	struct process run;

	folder_init(&folder, "here");
	folder_init(&other, "there");
	manifest_init(&lone, "lone");
	manifest_init(&piped, "piped");
	write_one(&lone, BODY_PASS);
	write_one(&piped, BODY_PASS);
	sockform_expect(0, "apply", lone.path);
	apply_from_stdin(&piped);
	sockform_expect(0, "apply", other.path);
	/* A file of the directory that was named by itself, and one that a process runs. */
	sockform_expect(0, "apply", folder.ones[0].path);
	serve(&run, &folder.ones[1]);
	unlink(folder.ones[0].path);
	unlink(folder.ones[1].path);
	sockform_expect(0, "apply", "--prune", folder.path);
	assert_ones(&folder, true, true, true);
	assert_ones(&other, true, true, true);
	assert_there(&lone, true);
	assert_there(&piped, true);
	serve_end(&run);
	assert_ones(&folder, true, false, true);
}

Test(prune, a_directory_is_what_its_links_lead_to)
{
	struct folder folder;
	struct result result;
	char *link = scratch_path("link");

	folder_init(&folder, "real");
	cr_assert_eq(symlink(folder.path, link), 0);
	sockform_expect(0, "apply", link);
	sockform_expect(0, "plan", "--exit-code", folder.path);
	unlink(folder.ones[0].path);
	sockform(&result, "apply", "--prune", link);
	assert_code(&result, 0);
	assert_says_why(result.out, &folder.ones[0], folder.path);
	result_finish(&result);
	assert_ones(&folder, false, true, true);
	free(link);
}

/* Moves the manifest's file to another directory; its deployment is still what it was. */
static void move_to(struct manifest *manifest, const struct folder *folder)
{
	char path[sizeof(manifest->path)];

	cr_assert_lt(
		snprintf(path, sizeof(path), "%.96s/moved.yaml", folder->path), (int)sizeof(path));
	cr_assert_eq(rename(manifest->path, path), 0);
	strcpy(manifest->path, path);
}

Test(prune, what_moved_to_another_directory_is_that_ones)
{
	struct folder from, to;
	char note[256];

	folder_init(&from, "from");
	folder_init(&to, "to");
	sockform_expect(0, "apply", from.path);
	move_to(&from.ones[0], &to);
	snprintf(note, sizeof(note), "%s: unchanged, was applied from %s until now\n",
		from.ones[0].name, from.path);
	says(1, note, "plan", "--exit-code", to.path);
	says(0, note, "apply", "--prune", to.path);
	sockform_expect(0, "plan", "--exit-code", to.path);
	sockform_expect(0, "plan", "--prune", "--exit-code", from.path);
	sockform_expect(0, "apply", "--prune", from.path);
	assert_ones(&from, true, true, true);
	/* And goes with that one. */
	unlink(from.ones[0].path);
	sockform_expect(0, "apply", "--prune", to.path);
	assert_ones(&from, false, true, true);
	assert_ones(&to, true, true, true);
}

/* Standard input is a place, too: what came from there last is no longer the directory's. */
Test(prune, what_was_applied_from_standard_input_since_stays)
{
	struct folder folder;

	folder_init(&folder, "since");
	sockform_expect(0, "apply", folder.path);
	apply_from_stdin(&folder.ones[2]);
	unlink(folder.ones[2].path);
	sockform_expect(0, "apply", "--prune", folder.path);
	assert_ones(&folder, true, true, true);
}

Test(prune, an_error_prunes_nothing)
{
	struct folder folder;
	char *ids, *pins, *pipe;

	folder_init(&folder, "wrong");
	sockform_expect(0, "apply", folder.path);
	ids = snapshot_ids();
	pins = snapshot_pins();
	unlink(folder.ones[0].path);
	write_one(&folder.ones[1], "      - no_such_block\n");
	sockform_expect(2, "apply", "--prune", folder.path);
	/* One that the verifier refuses comes behind what goes. */
	write_one(&folder.ones[1], BODY_BAD);
	sockform_expect(3, "apply", "--prune", folder.path);
	assert_ids(ids);
	assert_pins(pins);
	unlink(folder.ones[1].path);
	unlink(folder.ones[2].path);
	says(2, "E0108", "apply", "--prune", folder.path);
	says(2, "E0108", "plan", "--prune", folder.path);
	/* Nor does a directory that is gone. */
	cr_assert_eq(rmdir(folder.path), 0);
	says(2, "E0100", "apply", "--prune", folder.path);
	says(2, "standard input is nowhere", "apply", "--prune", "-");
	says(2, "standard input is nowhere", "plan", "--prune", "-");
	pipe = scratch_path("pipe");
	cr_assert_eq(mkfifo(pipe, 0600), 0);
	says(2, "pipe is nowhere to come back to", "apply", "--prune", pipe);
	free(pipe);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

/* `apply --prune` whose nth call of these fails; its exit code, -1 where there was no nth. */
static int prune_with_fault(const struct folder *folder, const char *calls, int nth)
{
	char *file = scratch_path("prune.strace"), *trace, only[64], inject[96];
	const char *const argv[] = { "strace", "-f", "-o", file, "-e", only, "-e", inject,
		sockform_path(), "apply", "--prune", folder->path, NULL };
	struct result result;
	int code;

	cr_assert_lt(nth, NTH_MOST);
	snprintf(only, sizeof(only), "trace=%s", calls);
	snprintf(inject, sizeof(inject), "inject=%s:error=ENOMEM:when=%d", calls, nth);
	command_run(&result, PROCESS_TRACED, argv);
	trace = file_read(file);
	code = strstr(trace, "(INJECTED)") ? result.code : -1;
	cr_assert(result.code == 0 || (result.code == 3 && *result.err), "%s %d: exit code %d\n%s",
		calls, nth, result.code, result.err);
	result_finish(&result);
	free(trace);
	free(file);
	return code;
}

Test(prune, one_that_fails_leaves_everything)
{
	const char *const calls[] = { "bpf", "?unlink,unlinkat", "?rmdir,unlinkat" };
	struct folder folder;
	int failed = 0;

	trace_need();
	folder_init(&folder, "fault");
	sockform_expect(0, "apply", folder.path);
	unlink(folder.ones[0].path);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		for (int code = 3, nth = 1; code >= 0; nth++) {
			code = prune_with_fault(&folder, calls[i], nth);
			if (code == 3) {
				failed++;
				assert_ones(&folder, true, true, true);
				continue;
			}
			assert_ones(&folder, false, true, true);
			write_one(&folder.ones[0], BODY_PASS);
			sockform_expect(0, "apply", folder.path);
			unlink(folder.ones[0].path);
		}
	cr_assert(failed >= 10, "only %d faults were noticed", failed);
}

Test(prune, status_tells_the_source)
{
	struct folder folder;
	char text[256], json[256];

	folder_init(&folder, "told");
	sockform_expect(0, "apply", folder.path);
	snprintf(text, sizeof(text), "  source      %s\n", folder.path);
	snprintf(json, sizeof(json), "\"source\": \"%s\"", folder.path);
	says(0, text, "status", "--output=text", folder.ones[0].name);
	says(0, json, "status", "--output=json", folder.ones[0].name);
	write_one(&folder.ones[0], "      - r0 = 0\n      - exit\n");
	sockform_expect(0, "apply", folder.path);
	says(0, text, "status", "--output=text", folder.ones[0].name);
	apply_from_stdin(&folder.ones[0]);
	says(0, "  source      -\n", "status", "--output=text", folder.ones[0].name);
}
