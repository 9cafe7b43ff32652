/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What cannot be done is refused with the right exit code and a reason that helps, and then
 * nothing at all has changed: neither kernel objects nor pins nor what runs.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

#define WAIT_MS 20000

TestSuite(refusal, .init = harness_init, .fini = harness_fini, .timeout = 60);

/* "FILE:LINE:" of the body item that the verifier will not have. */
static void bad_place(const struct manifest *manifest, char *ret, size_t size)
{
	unsigned int line = manifest_line(manifest, BODY_BAD_LINE);

	cr_assert(line > 0);
	snprintf(ret, size, "%s:%u:", manifest->path, line);
}

static void assert_rejected(const struct manifest *manifest, const char *verb)
{
	char place[512];
	struct result result;

	bad_place(manifest, place, sizeof(place));
	sockform(&result, verb, manifest->path);
	assert_code(&result, 3);
	assert_says(result.err, place);
	/* The verifier's own words for it. */
	assert_says(result.err, "invalid bpf_context access off=4096 size=4");
	cr_assert_str_eq(result.out, "");
	result_finish(&result);
}

Test(refusal, a_rejected_program_leaves_nothing)
{
	char *ids, *pins;
	struct manifest manifest;

	manifest_init(&manifest, "rejected");
	manifest_echo(&manifest, BODY_BAD);
	ids = snapshot_ids();
	pins = snapshot_pins();
	assert_rejected(&manifest, "apply");
	assert_ids(ids);
	assert_pins(pins);
	assert_rejected(&manifest, "run");
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

Test(refusal, a_rejected_update_leaves_the_old_program_running)
{
	char *ids, *pins;
	struct manifest manifest;
	struct process run;
	struct client *client;

	manifest_init(&manifest, "keeps");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	client = client_open(&manifest, 20);
	cr_assert(client_echo(client, 10000, WAIT_MS));
	ids = snapshot_ids();
	pins = snapshot_pins();
	manifest_echo(&manifest, BODY_BAD);
	assert_rejected(&manifest, "apply");
	assert_ids(ids);
	assert_pins(pins);
	cr_assert(client_echo(client, 10000, WAIT_MS));
	assert_echo(&manifest, 20, 10000);
	client_destroy(client);
	serve_end(&run);
	free(ids);
	free(pins);
}

/* Two programs, the second one bad: the first must not stay either. */
Test(refusal, a_rejected_second_program_takes_the_first_with_it)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	struct manifest manifest;

	manifest_init(&manifest, "second");
	manifest_write(manifest.path,
		"sockform: v1\n"
		"name: %s\n"
		"maps:\n"
		"  echo_sockets: { type: sockmap, max_entries: 16 }\n"
		"programs:\n"
		"  a_parser:\n"
		"    type: sk_skb\n"
		"    body:\n"
		"      - r0 = *(u32 *)(r1 + 0)\n"
		"      - exit\n"
		"  b_verdict:\n"
		"    type: sk_skb\n"
		"    body:\n" BODY_BAD "attachments:\n"
		"  - { program: a_parser, target: echo_sockets, attach_type: stream_parser }\n"
		"  - { program: b_verdict, target: echo_sockets, attach_type: stream_verdict }\n",
		manifest.name);
	assert_rejected(&manifest, "apply");
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

/* The same manifest with another size of its map. */
static void manifest_resize(const struct manifest *manifest)
{
	char *text = file_read(manifest->path);
	char *size = strstr(text, "65536");

	cr_assert(size);
	memcpy(size, "32768", 5);
	manifest_write(manifest->path, "%s", text);
	free(text);
}

Test(refusal, a_map_is_not_replaced_unasked)
{
	char *ids, *pins;
	struct manifest manifest;
	struct process run;
	struct result result;
	struct client *client;

	manifest_init(&manifest, "resize");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	client = client_open(&manifest, 20);
	cr_assert(client_echo(client, 10000, WAIT_MS));
	ids = snapshot_ids();
	pins = snapshot_pins();
	manifest_resize(&manifest);
	sockform(&result, "apply", manifest.path);
	/* The manifest is a good one. */
	assert_code(&result, 3);
	assert_says(result.err, "--replace");
	assert_says(result.err, "echo_sockets");
	result_finish(&result);
	assert_ids(ids);
	assert_pins(pins);
	cr_assert(client_echo(client, 10000, WAIT_MS));
	client_destroy(client);
	serve_end(&run);
	free(ids);
	free(pins);
}

/* The id of the program's BTF, 0: none. */
static uint32_t btf_of(const struct manifest *manifest)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	glob_t found;
	int fd;

	cr_assert_eq(glob(manifest_pin(manifest, "programs/verdict@*"), 0, NULL, &found), 0);
	fd = bpf_obj_get(found.gl_pathv[0]);
	cr_assert_eq(bpf_obj_get_info_by_fd(fd, &info, &size), 0, "%s", strerror(errno));
	close(fd);
	globfree(&found);
	return info.btf_id;
}

/* A kernel that takes no BTF: what the verifier rejects is told by its line all the same. */
Test(refusal, without_btf_an_error_has_its_line)
{
	static const char no_btf[] = "bpf:18"; /* BPF_BTF_LOAD */
	struct manifest manifest;
	struct result with, without;
	char place[200];

	manifest_init(&manifest, "btf");
	manifest_echo(&manifest, BODY_BAD);
	snprintf(place, sizeof(place), "%s:%u:9: error[E0401]", manifest.path,
		manifest_line(&manifest, BODY_BAD_LINE));
	sockform(&with, "apply", manifest.path);
	sockform_distorted(&without, no_btf, (const char *const[]){ "apply", manifest.path, NULL });
	assert_code(&without, 3);
	assert_says(without.err, place);
	cr_assert_str_eq(without.err, with.err);
	result_finish(&with);
	result_finish(&without);
	/* Nor does anything else depend on it. */
	manifest_echo(&manifest, BODY_ECHO);
	sockform_distorted(&without, no_btf, (const char *const[]){ "apply", manifest.path, NULL });
	assert_code(&without, 0);
	result_finish(&without);
	cr_assert_eq(btf_of(&manifest), 0);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "plan", "--exit-code", manifest.path);
	sockform_distorted(&without, no_btf, (const char *const[]){ "apply", manifest.path, NULL });
	assert_code(&without, 0);
	assert_says(without.out, ": unchanged");
	result_finish(&without);
	manifest_echo(&manifest, BODY_PASS);
	sockform_expect(0, "apply", manifest.path);
	cr_assert_neq(btf_of(&manifest), 0);
}

/* The folder that is locked; an apply has made it. */
static int lock_take(const struct manifest *manifest, int kind)
{
	int folder;

	sockform_expect(0, "apply", manifest->path);
	folder = open(PINS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(folder >= 0);
	cr_assert_eq(flock(folder, kind | LOCK_NB), 0);
	return folder;
}

Test(refusal, a_held_lock_times_out_and_names_the_holder)
{
	char holder[32], *ids, *pins, *command;
	struct manifest manifest;
	struct result result;
	int64_t start;
	int lock;

	manifest_init(&manifest, "lock");
	manifest_echo(&manifest, BODY_ECHO);
	lock = lock_take(&manifest, LOCK_EX);
	ids = snapshot_ids();
	pins = snapshot_pins();
	manifest_echo(&manifest, BODY_PASS);
	start = client_now();
	sockform(&result, "apply", "--lock-timeout", "1", manifest.path);
	assert_code(&result, 4);
	cr_assert(client_now() - start >= 900, "it did not wait");
	cr_assert(
		client_now() - start < 10000, "it waited %jd ms", (intmax_t)(client_now() - start));
	/* Its process, and its command line, of which the first word is enough here. */
	command = file_read("/proc/self/cmdline");
	snprintf(holder, sizeof(holder), "process %d (", getpid());
	assert_says(result.err, holder);
	assert_says(result.err, command);
	free(command);
	result_finish(&result);
	sockform_expect(4, "delete", "--lock-timeout", "1", manifest.path);
	assert_ids(ids);
	assert_pins(pins);
	close(lock);
	sockform_expect(0, "apply", "--lock-timeout", "1", manifest.path);
	free(ids);
	free(pins);
}

/* One who reads keeps those away who write. */
Test(refusal, a_shared_lock_is_waited_for_too)
{
	struct manifest manifest;
	int lock;

	manifest_init(&manifest, "shared");
	manifest_echo(&manifest, BODY_ECHO);
	lock = lock_take(&manifest, LOCK_SH);
	manifest_echo(&manifest, BODY_PASS);
	sockform_expect(4, "apply", "--lock-timeout", "1", manifest.path);
	/* And nobody else who reads. */
	sockform_expect(1, "plan", "--exit-code", "--lock-timeout", "0", manifest.path);
	sockform_expect(0, "status", "--lock-timeout", "0", manifest.name);
	close(lock);
	sockform_expect(0, "apply", "--lock-timeout", "1", manifest.path);
}

/* The first bpf() call of a `status` behind its locks, which a run that nothing happens to tells. */
static void stop_order(const struct manifest *manifest, char *ret, size_t size)
{
	char *file = scratch_path("locks"), *trace, *last = NULL;
	unsigned int nth = 0;
	struct result result;

	setenv("SOCKFORM_INJECT_TRACE", file, 1);
	sockform_injected(
		&result, "fs:1000000:EIO", (const char *const[]){ "status", manifest->name, NULL });
	unsetenv("SOCKFORM_INJECT_TRACE");
	assert_code(&result, 0);
	result_finish(&result);
	trace = file_read(file);
	for (char *at = trace; (at = strstr(at, " flock ")); at++)
		last = at;
	cr_assert(last && (last = strstr(last, "\nbpf ")), "%s", trace);
	cr_assert_eq(sscanf(last, "\nbpf %u ", &nth), 1);
	snprintf(ret, size, "bpf:%u:stop", nth);
	free(trace);
	free(file);
}

/* One stands still while it reads, with whatever locks it has then: others read all the same. */
Test(refusal, a_reader_keeps_no_reader_waiting)
{
	struct manifest manifest;
	struct process status;
	struct result result;
	char order[32], holder[64];

	manifest_init(&manifest, "readers");
	manifest_echo(&manifest, BODY_ECHO);
	sockform_expect(0, "apply", manifest.path);
	stop_order(&manifest, order, sizeof(order));
	sockform_start_injected(
		&status, order, (const char *const[]){ "status", manifest.name, NULL });
	cr_assert(process_stopped(&status, WAIT_MS), "%s: it went on", order);
	sockform_expect(0, "status", "--lock-timeout", "0", manifest.name);
	sockform_expect(0, "plan", "--lock-timeout", "0", manifest.path);
	/* That it does hold a lock. */
	snprintf(holder, sizeof(holder), "is locked by process %d (", status.pid);
	sockform(&result, "apply", "--lock-timeout", "0", manifest.path);
	assert_code(&result, 4);
	assert_says(result.err, holder);
	result_finish(&result);
	cr_assert_eq(kill(status.pid, SIGCONT), 0);
	process_wait(&status, &result, WAIT_MS);
	assert_code(&result, 0);
	result_finish(&result);
	sockform_expect(0, "apply", "--lock-timeout", "0", manifest.path);
}

static void layout_become(const struct manifest *manifest, const char *layout)
{
	const char *path = manifest_pin(manifest, "layout");

	cr_assert_eq(unlink(path), 0, "%s", strerror(errno));
	cr_assert_eq(symlink(layout, path), 0, "%s", strerror(errno));
}

/* `name` is there, as another version made it: every verb that could change it says so and does not. */
static void assert_of_another_version(const struct manifest *manifest, const char *folder)
{
	const char *const verbs[][4] = {
		{ "plan", manifest->path },
		{ "apply", manifest->path },
		{ "apply", "--dry-run", manifest->path },
		{ "apply", "--force", manifest->path },
		{ "apply", "--replace", manifest->path },
		{ "apply", "--prune", folder },
		{ "run", manifest->path },
		{ "delete", manifest->path },
		{ "delete", "--force", manifest->path },
		{ "delete", "--name", manifest->name },
	};
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	struct result result;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		sockform(&result, verbs[i][0], verbs[i][1], verbs[i][2], verbs[i][3]);
		cr_assert_eq(result.code, 3, "%s %s: exit code %d\n%s%s", verbs[i][0], verbs[i][1],
			result.code, result.out, result.err);
		assert_says(result.err, "E0406");
		assert_says(result.err, "was made by another version of sockform");
		result_finish(&result);
		assert_ids(ids);
		assert_pins(pins);
	}
	sockform(&result, "status", manifest->name);
	assert_code(&result, 1);
	assert_says(result.out, "another version of sockform made it");
	result_finish(&result);
	free(ids);
	free(pins);
}

Test(refusal, what_another_version_made_is_left_alone)
{
	static const char *const layouts[] = { "sockform-1", "sockform-99", "?" };
	char *folder = scratch_path("versions"), own[64] = "";
	struct manifest manifest, other;

	cr_assert_eq(mkdir(folder, 0755), 0);
	manifest_init(&manifest, "version");
	manifest_init(&other, "beside");
	snprintf(manifest.path, sizeof(manifest.path), "%s/version.yaml", folder);
	snprintf(other.path, sizeof(other.path), "%s/beside.yaml", folder);
	manifest_echo(&manifest, BODY_ECHO);
	sockform_expect(0, "apply", folder);
	cr_assert_gt(readlink(manifest_pin(&manifest, "layout"), own, sizeof(own) - 1), 0);
	manifest_echo(&manifest, BODY_PASS);
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		layout_become(&manifest, layouts[i]);
		assert_of_another_version(&manifest, folder);
	}
	/* Nor is it pruned once its manifest is gone; then nothing of the rest is done either. */
	manifest_echo(&other, BODY_ECHO);
	cr_assert_eq(unlink(manifest.path), 0);
	sockform_expect(3, "apply", "--prune", folder);
	cr_assert_eq(access(manifest_pin(&manifest, "maps/echo_sockets"), F_OK), 0);
	cr_assert_neq(access(manifest_pin(&other, "maps/echo_sockets"), F_OK), 0);
	layout_become(&manifest, own);
	sockform_expect(0, "apply", "--prune", folder);
	cr_assert_neq(access(manifest_pin(&manifest, ""), F_OK), 0);
	free(folder);
}

/* The root as an older version left it, or somebody who tidied up: without the gate of the lock. */
Test(refusal, a_root_without_its_gate_is_used_and_completed)
{
	struct manifest manifest;

	manifest_init(&manifest, "gate");
	manifest_echo(&manifest, BODY_ECHO);
	sockform_expect(0, "apply", manifest.path);
	cr_assert_eq(rmdir(PINS "/+lock"), 0, "%s", strerror(errno));
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "plan", "--exit-code", manifest.path);
	sockform_expect(0, "apply", manifest.path);
	cr_assert_eq(access(PINS "/+lock", F_OK), 0);
	cr_assert_eq(rmdir(PINS "/+lock"), 0);
	sockform_expect(0, "delete", manifest.path);
}

#define READERS 4
#define READ_US 20000

/* As a sockform that reads, and for longer: through the gate, then beside the others. */
static _Noreturn void read_on_and_on(void)
{
	int gate = open(PINS "/+lock", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (;;) {
		int root = open(PINS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		flock(gate, LOCK_EX);
		flock(root, LOCK_SH);
		flock(gate, LOCK_UN);
		usleep(READ_US);
		close(root);
	}
}

/* At no moment is there none of them: without the gate a writer would never come in. */
Test(refusal, readers_that_overlap_let_a_writer_through)
{
	struct manifest manifest;
	pid_t readers[READERS];

	manifest_init(&manifest, "overlap");
	manifest_echo(&manifest, BODY_ECHO);
	sockform_expect(0, "apply", manifest.path);
	for (int i = 0; i < READERS; i++) {
		readers[i] = process_fork();
		cr_assert_geq(readers[i], 0);
		if (!readers[i])
			read_on_and_on();
		usleep(READ_US / READERS);
	}
	for (int i = 0; i < 5; i++) {
		manifest_echo(&manifest, i % 2 ? BODY_ECHO : BODY_PASS);
		sockform_expect(0, "apply", "--lock-timeout", "3", manifest.path);
	}
	for (int i = 0; i < READERS; i++)
		process_end(readers[i]);
}

Test(refusal, a_lock_that_is_released_in_time_is_waited_for)
{
	struct manifest manifest;
	struct process apply;
	struct result result;
	int lock;

	manifest_init(&manifest, "wait");
	manifest_echo(&manifest, BODY_ECHO);
	lock = lock_take(&manifest, LOCK_EX);
	manifest_echo(&manifest, BODY_PASS);

	const char *const argv[] = { sockform_path(), "apply", "--lock-timeout", "20",
		manifest.path, NULL };

	cr_assert(process_start(&apply, 0, argv));
	cr_assert(!process_says(&apply, "updated", 500), "it did not wait for the lock");
	close(lock);
	process_wait(&apply, &result, WAIT_MS);
	assert_code(&result, 0);
	assert_says(result.out, "updated in ");
	result_finish(&result);
}

/* Serving holds no lock: status and apply of others go on beside it. */
Test(refusal, a_serving_run_holds_no_lock)
{
	struct manifest one, two;
	struct process run;

	manifest_init(&one, "serves");
	manifest_init(&two, "beside");
	manifest_echo(&one, BODY_ECHO);
	manifest_echo(&two, BODY_ECHO);
	serve(&run, &one);
	sockform_expect(0, "apply", "--lock-timeout", "1", two.path);
	sockform_expect(0, "status", one.name);
	sockform_expect(0, "delete", "--lock-timeout", "1", two.path);
	serve_end(&run);
}

Test(refusal, an_address_in_use_is_found_before_anything_is_made)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	char *ids = snapshot_ids(), *pins = snapshot_pins(), port[16];
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct manifest manifest;
	struct result result;

	manifest_init(&manifest, "in-use");
	manifest_echo(&manifest, BODY_ECHO);
	address.sin_port = htons(manifest.port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(listener, (void *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(listener, 1), 0);
	sockform(&result, "run", manifest.path);
	assert_code(&result, 3);
	snprintf(port, sizeof(port), ":%u", manifest.port);
	assert_says(result.err, port);
	assert_says(result.err, "in use");
	cr_assert_str_eq(result.out, "");
	result_finish(&result);
	assert_ids(ids);
	assert_pins(pins);
	close(listener);
	free(ids);
	free(pins);
}

Test(refusal, a_second_run_of_a_manifest_disturbs_nothing)
{
	char *ids, *pins;
	struct manifest manifest;
	struct process run;
	struct client *client;

	manifest_init(&manifest, "twice-run");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	client = client_open(&manifest, 20);
	cr_assert(client_echo(client, 10000, WAIT_MS));
	ids = snapshot_ids();
	pins = snapshot_pins();
	sockform_expect(3, "run", manifest.path);
	assert_ids(ids);
	assert_pins(pins);
	cr_assert(client_echo(client, 10000, WAIT_MS));
	client_destroy(client);
	serve_end(&run);
	free(ids);
	free(pins);
}

Test(refusal, without_privilege_one_line_names_the_capability)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	const char *const verbs[] = { "apply", "run", "delete", "plan" };
	struct manifest manifest;

	manifest_init(&manifest, "nobody");
	manifest_echo(&manifest, BODY_ECHO);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		struct result result;

		sockform_as(&result, PROCESS_UNPRIVILEGED, verbs[i], manifest.path);
		assert_code(&result, 3);
		cr_assert_eq(text_lines(result.err), 1, "%s: %s", verbs[i], result.err);
		assert_says(result.err, "CAP_");
		cr_assert_str_eq(result.out, "");
		result_finish(&result);
	}
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

/* Judging a manifest takes no privilege. */
Test(refusal, validate_needs_no_privilege)
{
	struct manifest manifest;
	struct result result;

	manifest_init(&manifest, "judge");
	manifest_echo(&manifest, BODY_ECHO);
	sockform_as(&result, PROCESS_UNPRIVILEGED, "validate", manifest.path);
	assert_code(&result, 0);
	result_finish(&result);
	manifest_echo(&manifest, "      - no_such_block\n");
	sockform_as(&result, PROCESS_UNPRIVILEGED, "validate", manifest.path);
	assert_code(&result, 2);
	assert_says(result.err, manifest.path);
	result_finish(&result);
}

Test(refusal, a_bad_manifest_never_reaches_the_kernel)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	struct manifest manifest;

	manifest_init(&manifest, "bad");
	manifest_echo(&manifest, "      - no_such_block\n");
	sockform_expect(2, "apply", manifest.path);
	sockform_expect(2, "run", manifest.path);
	sockform_expect(2, "plan", manifest.path);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}
