/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "harness.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "raw.h"

#define SCRATCH "/tmp"
#define COMMAND_MS 60000
#define WORDS 16 /* of a command line */
#define PORT_FIRST 7100
#define PORT_COUNT 900
#define SERVE_MS 20000
#define ECHO_MS 20000

/* The folder of the running test. */
static char scratch[64];

const char *sockform_path(void)
{
	const char *path = getenv("SOCKFORM");

	return path && *path ? path : "./build/cmd/sockform";
}

char *sibling_path(const char *name)
{
	char folder[4096] = "", *slash, *path = NULL;

	cr_assert(readlink("/proc/self/exe", folder, sizeof(folder) - 1) > 0);
	slash = strrchr(folder, '/');
	cr_assert(slash && asprintf(&path, "%.*s/%s", (int)(slash - folder), folder, name) > 0);
	return path;
}

/* Behind the `count` words that are there. */
static void append(const char **argv, size_t count, const char *const arguments[])
{
	for (; *arguments; arguments++) {
		cr_assert_lt(count, WORDS - 1);
		argv[count++] = *arguments;
	}
}

void sockform_start_injected(struct process *ret, const char *order, const char *const arguments[])
{
	char *program = sibling_path("sockform-inject");
	const char *argv[WORDS] = { program };

	append(argv, 1, arguments);
	setenv("SOCKFORM_INJECT", order, 1);
	cr_assert(process_start(ret, 0, argv));
	unsetenv("SOCKFORM_INJECT");
	free(program);
}

void sockform_injected(struct result *ret, const char *order, const char *const arguments[])
{
	struct process process;

	sockform_start_injected(&process, order, arguments);
	process_wait(&process, ret, COMMAND_MS);
}

bool sockform_injected_at(struct result *ret, const char *class, unsigned int nth, const char *what,
	const char *const arguments[])
{
	char *file = scratch_path("calls"), *calls, order[48], line[32];
	bool met;

	cr_assert_lt(nth, NTH_MOST);
	snprintf(order, sizeof(order), "%s:%u:%s", class, nth, what);
	snprintf(line, sizeof(line), "\n%s %u ", class, nth);
	setenv("SOCKFORM_INJECT_TRACE", file, 1);
	sockform_injected(ret, order, arguments);
	unsetenv("SOCKFORM_INJECT_TRACE");
	calls = file_read(file);
	met = strncmp(calls, line + 1, strlen(line + 1)) == 0 || strstr(calls, line);
	free(calls);
	free(file);
	return met;
}

void sockform_distorted(struct result *ret, const char *fault, const char *const arguments[])
{
	const char *sanitizer = getenv("ASAN_OPTIONS");
	char *library = sibling_path("libdistort.so"), preload[512], options[512], inject[64];
	const char *argv[WORDS] = { "env", preload, options, inject, sockform_path() };

	append(argv, 5, arguments);
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", library);
	snprintf(options, sizeof(options), "ASAN_OPTIONS=%s%sverify_asan_link_order=0",
		sanitizer ? sanitizer : "", sanitizer ? ":" : "");
	snprintf(inject, sizeof(inject), "INJECT=%s", fault);
	command_run(ret, 0, argv);
	free(library);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *where)
{
	(void)stat;
	(void)type;
	(void)where;
	remove(path);
	return 0;
}

void tree_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A pid that lives and is not this one belongs to someone else's test. */
static bool is_left(const char *name)
{
	const char *dash = strrchr(name, '-');
	char *end = NULL;
	pid_t pid = dash ? (pid_t)strtol(dash + 1, &end, 10) : 0;

	if (strncmp(name, TEST_PREFIX, strlen(TEST_PREFIX)) || pid <= 0 || *end)
		return false;
	return pid == getpid() || (kill(pid, 0) && errno == ESRCH);
}

static void deployment_remove(const char *name)
{
	struct result result;
	char path[512];

	sockform(&result, "delete", "--name", name);
	result_finish(&result);
	/* A program that fails here fails in the tests: the next one has to start clean anyway. */
	snprintf(path, sizeof(path), PINS "/%s", name);
	tree_remove(path);
}

static void pin_remove(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), BPFFS "/%s", name);
	tree_remove(path);
}

/* In a folder of all users: only what is this one's. */
static void scratch_remove(const char *name)
{
	char path[512];
	struct stat is;

	snprintf(path, sizeof(path), SCRATCH "/%s", name);
	if (!lstat(path, &is) && is.st_uid == geteuid())
		tree_remove(path);
}

void leftovers_each(const char *folder, void (*remove)(const char *name))
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		if (is_left(entries[i]->d_name))
			remove(entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

static void leftovers_remove(void)
{
	leftovers_each(PINS, deployment_remove);
	leftovers_each(BPFFS, pin_remove);
	leftovers_each(SCRATCH, scratch_remove);
}

/* In words, so that the one who runs the tests knows what is missing. */
static void need_privilege(void)
{
	int map;

	if (geteuid() != 0)
		cr_skip_test("skipped: kernel tests need root");
	map = bpf_map_create(BPF_MAP_TYPE_SOCKHASH, "probe", 8, 8, 1, NULL);
	if (map < 0 && (errno == EINVAL || errno == ENOSYS))
		cr_skip_test("skipped: this kernel has no sockhash: %s", strerror(errno));
	cr_assert(map >= 0, "cannot make a sockhash: %s", strerror(errno));
	close(map);
}

/*
 * In the suite "older" this process, and so what it starts, does without what the suite says: of a
 * library that cannot be loaded before others there is only a warning.
 */
static void assert_older(void)
{
	const char *lacking = getenv("INJECT");
	__u32 count = 0;
	int map;

	if (!lacking)
		return;
	cr_assert(!has_links(), "%s, and there are links", lacking);
	map = sockmap_make();
	if (strcmp(lacking, "no-query") == 0)
		cr_assert(bpf_prog_query(map, BPF_SK_MSG_VERDICT, 0, NULL, NULL, &count) < 0 &&
				  errno == EINVAL,
			"maps can be asked: %s", strerror(errno));
	close(map);
}

void harness_init(void)
{
	/* Where one of these ends the test, harness_fini() is not called: so nothing is made yet.
	 */
	need_privilege();
	assert_older();
	cr_assert_eq(access(sockform_path(), X_OK), 0, "%s: %s", sockform_path(), strerror(errno));
	client_raise_files();
	leftovers_remove();
	snprintf(scratch, sizeof(scratch), SCRATCH "/" TEST_PREFIX "scratch-%d", getpid());
	cr_assert_eq(mkdir(scratch, 0755), 0, "%s: %s", scratch, strerror(errno));
	/* A test runs the program as another user. */
	chmod(scratch, 0755);
}

void harness_fini(void)
{
	process_kill_all();
	leftovers_remove();
}

static bool port_usable(int family, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	bool v4 = family == AF_INET;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return true; /* no such family here, so nobody uses it */
	error = bind(fd, v4 ? (void *)&in : (void *)&in6, v4 ? sizeof(in) : sizeof(in6));
	close(fd);
	return !error;
}

uint16_t port_free(void)
{
	static uint16_t next;

	for (uint16_t i = 0; i < PORT_COUNT; i++) {
		uint16_t port = PORT_FIRST + (getpid() * 7 + next++) % PORT_COUNT;

		if (port_usable(AF_INET, port) && port_usable(AF_INET6, port))
			return port;
	}
	cr_assert_fail("no free port from %d on", PORT_FIRST);
	return 0;
}

char *scratch_path(const char *name)
{
	char *path = NULL;

	cr_assert(asprintf(&path, "%s/%s", scratch, name) > 0);
	return path;
}

void manifest_write(const char *path, const char *format, ...)
{
	FILE *file = fopen(path, "we");
	va_list arguments;

	cr_assert(file, "%s: %s", path, strerror(errno));
	va_start(arguments, format);
	vfprintf(file, format, arguments);
	va_end(arguments);
	cr_assert_eq(fclose(file), 0);
}

void manifest_init(struct manifest *ret, const char *name)
{
	snprintf(ret->path, sizeof(ret->path), "%s/%s.yaml", scratch, name);
	ret->port = port_free();
	snprintf(ret->name, sizeof(ret->name), TEST_PREFIX "%s-%d", name, getpid());
}

void manifest_pair(const struct manifest *manifest, unsigned int entries, const char *body)
{
	manifest_write(manifest->path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  pair: { type: sockmap, max_entries: %u }\n"
		"programs:\n"
		"  pass: { type: sk_skb, body: [ %s ] }\n"
		"attachments:\n"
		"  - { program: pass, target: pair, attach_type: stream_verdict }\n",
		manifest->name, entries, body);
}

void manifest_echo(const struct manifest *manifest, const char *body)
{
	manifest_write(manifest->path,
		"sockform: v1\n"
		"name: %s\n"
		"maps:\n"
		"  echo_sockets: { type: sockhash, key: [cookie], max_entries: 65536 }\n"
		"programs:\n"
		"  verdict:\n"
		"    type: sk_skb\n"
		"    body:\n"
		"%s"
		"attachments:\n"
		"  - { program: verdict, target: echo_sockets, attach_type: stream_verdict }\n"
		"sockets:\n"
		"  - accept: 127.0.0.1:%u\n"
		"    into: echo_sockets\n",
		manifest->name, body, manifest->port);
}

unsigned int manifest_line(const struct manifest *manifest, const char *words)
{
	char *text = file_read(manifest->path);
	const char *found = strstr(text, words);
	unsigned int line = found ? 1 : 0;

	for (const char *at = text; found && at < found; at++)
		line += *at == '\n';
	free(text);
	return line;
}

const char *loose_pin(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), BPFFS "/" TEST_PREFIX "%s-%d", name, getpid());
	return path;
}

const char *manifest_pin(const struct manifest *manifest, const char *pin)
{
	static char path[512];

	snprintf(path, sizeof(path), PINS "/%s/%s", manifest->name, pin);
	return path;
}

void serve(struct process *ret, const struct manifest *manifest)
{
	const char *const argv[] = { sockform_path(), "run", manifest->path, NULL };
	struct result result;

	cr_assert(process_start(ret, 0, argv));
	if (process_says(ret, "serving", SERVE_MS))
		return;
	process_stop(ret, SIGKILL, &result, SERVE_MS);
	cr_assert_fail("run does not serve: exit code %d\nstdout: %s\nstderr: %s", result.code,
		result.out, result.err);
}

void serve_end(struct process *process)
{
	struct result result;

	process_stop(process, SIGTERM, &result, SERVE_MS);
	assert_code(&result, 0);
	result_finish(&result);
}

int dial(const struct manifest *manifest)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(manifest->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(connect(fd, (void *)&address, sizeof(address)), 0, "%s", strerror(errno));
	return fd;
}

struct client *client_open(const struct manifest *manifest, size_t connections)
{
	struct client_options options = {
		.address = "127.0.0.1",
		.port = manifest->port,
		.connections = connections,
	};
	struct client *client = client_create(&options);

	cr_assert(client, "client: %s", strerror(errno));
	return client;
}

void assert_echo(const struct manifest *manifest, size_t connections, uint64_t bytes)
{
	struct client *client = client_open(manifest, connections);
	bool good = client_echo(client, bytes, ECHO_MS);
	struct client_totals totals;

	client_totals(client, &totals);
	cr_assert(good, "%zu of %zu connections complete, %ju bytes sent, %ju back, %ju wrong",
		totals.complete, connections, totals.sent, totals.received, totals.wrong);
	cr_assert_eq(totals.received, connections * bytes);
	client_destroy(client);
}

bool apply_killed(const struct manifest *manifest, const char *calls, int nth)
{
	char trace[128], inject[128];
	const char *const argv[] = { "strace", "-f", "-o", "/dev/null", "-e", trace, "-e", inject,
		sockform_path(), "apply", manifest->path, NULL };
	struct result result;
	int code;

	cr_assert_lt(nth, NTH_MOST);
	snprintf(trace, sizeof(trace), "trace=%s", calls);
	snprintf(inject, sizeof(inject), "inject=%s:signal=KILL:when=%d", calls, nth);
	command_run(&result, PROCESS_TRACED, argv);
	code = result.code;
	cr_assert(code == 0 || code == 128 + SIGKILL, "exit code %d\n%s", code, result.err);
	result_finish(&result);
	return code != 0;
}
