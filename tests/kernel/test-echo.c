/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The main job: bytes that clients send come back through the kernel, all of them, in order, on
 * their own connection, and the process that accepted the connections never touches them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

#define MEBIBYTE (UINT64_C(1) << 20)
/* A thousand times a mebibyte takes seconds; a sanitizer and strace make it minutes. */
#define LONG_MS 150000
#define SHORT_MS 30000

/* Every call that moves bytes through a descriptor. */
#define MOVING_CALLS                                                                               \
	"read,readv,pread64,preadv,preadv2,recvfrom,recvmsg,recvmmsg,"                             \
	"write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,"                          \
	"sendfile,splice,tee,vmsplice,io_uring_enter"

TestSuite(echo, .init = harness_init, .fini = harness_fini, .timeout = 240);

static void assert_complete(struct client *client, bool good, size_t connections, uint64_t bytes)
{
	struct client_totals totals;

	client_totals(client, &totals);
	cr_assert_eq(totals.wrong, 0, "%ju wrong bytes", totals.wrong);
	cr_assert_eq(totals.closed, 0, "%zu connections ended early", totals.closed);
	cr_assert_eq(totals.complete, connections, "%zu of %zu connections complete, %zu connected",
		totals.complete, connections, totals.connected);
	cr_assert_eq(totals.sent, connections * bytes);
	cr_assert_eq(totals.received, connections * bytes);
	cr_assert(good);
}

/* A run under strace, serving. */
static void serve_traced(struct process *ret, const struct manifest *manifest, const char *file)
{
	const char *const argv[] = { sockform_path(), "run", manifest->path, NULL };
	struct result result;

	cr_assert(trace_start(ret, MOVING_CALLS, file, argv));
	if (process_says(ret, "serving", SHORT_MS))
		return;
	process_stop(ret, SIGKILL, &result, SHORT_MS);
	cr_assert_fail("does not serve under strace: %d\n%s", result.code, result.err);
}

/* Lines of a trace whose call was on a TCP socket. */
static size_t trace_tcp(const char *trace)
{
	return text_lines_with(trace, "<TCP:[") + text_lines_with(trace, "<TCPv6:[") +
	       text_lines_with(trace, "<socket:[");
}

/* A program that does read and write TCP, under the same strace: is it seen? */
static void assert_trace_sees_tcp(const struct manifest *manifest)
{
	char *file = scratch_path("control.strace"), *client = sibling_path("echo-client");
	char port[16];
	const char *const argv[] = { client, "127.0.0.1", port, "1", "1000", NULL };
	struct result result;
	char *trace;

	snprintf(port, sizeof(port), "%u", manifest->port);
	trace_run(&result, MOVING_CALLS, file, argv);
	assert_code(&result, 0);
	trace = file_read(file);
	/* One send and at least one receive. */
	cr_assert(trace_tcp(trace) >= 2, "strace shows no TCP socket:\n%s", trace);
	result_finish(&result);
	free(trace);
	free(file);
	free(client);
}

Test(echo, a_thousand_connections_a_mebibyte_each)
{
	char *file = scratch_path("run.strace"), *trace;
	struct manifest manifest;
	struct process run;
	pid_t pid;

	trace_need();
	manifest_init(&manifest, "thousand");
	manifest_echo(&manifest, BODY_ECHO);
	serve_traced(&run, &manifest, file);
	pid = run.pid;
	assert_trace_sees_tcp(&manifest);

	struct client *client = client_open(&manifest, 1000);
	bool good = client_echo(client, MEBIBYTE, LONG_MS);

	assert_complete(client, good, 1000, MEBIBYTE);
	cr_assert_eq(snapshot_entries(manifest_pin(&manifest, "maps/echo_sockets")), 1000);
	client_destroy(client);
	serve_end(&run);

	trace = trace_read(file, pid);
	cr_assert(text_lines_with(trace, manifest.path) > 0, "the manifest was read unseen:\n%s",
		trace);
	cr_assert_eq(trace_tcp(trace), 0, "the serving process moved bytes:\n%s", trace);
	free(trace);
	free(file);
}

/* Open files that both ends need, with some to spare. */
static void need_files(size_t count)
{
	size_t limit = client_raise_files();

	if (limit < count)
		cr_skip_test("skipped: %zu open files are allowed, %zu are needed", limit, count);
}

Test(echo, ten_thousand_connections_that_send_once_and_wait)
{
	struct manifest manifest;
	struct process run;
	struct client_totals totals;

	need_files(10100);
	manifest_init(&manifest, "early");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);

	struct client *client = client_open(&manifest, 10000);
	bool good = client_echo(client, 512, LONG_MS);

	assert_complete(client, good, 10000, 512);
	client_totals(client, &totals);
	cr_assert_eq(totals.sends, 10000, "%ju sends", totals.sends);
	cr_assert_eq(snapshot_entries(manifest_pin(&manifest, "maps/echo_sockets")), 10000);
	client_destroy(client);
	serve_end(&run);
}

/* Clients that came all at once and went are gone from the map, and others can come. */
Test(echo, sockets_leave_the_map_with_their_connections)
{
	struct manifest manifest;
	struct process run;
	ssize_t entries = -1;

	manifest_init(&manifest, "leave");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	assert_echo(&manifest, 100, 5000);
	for (int64_t until = client_now() + SHORT_MS; entries && client_now() < until;) {
		entries = snapshot_entries(manifest_pin(&manifest, "maps/echo_sockets"));
		usleep(10000);
	}
	cr_assert_eq(entries, 0, "%zd entries are left", entries);
	assert_echo(&manifest, 100, 5000);
	serve_end(&run);
}

static void half_close(const struct manifest *manifest, size_t connections, uint64_t bytes)
{
	struct client_options options = {
		.address = "127.0.0.1",
		.port = manifest->port,
		.connections = connections,
		.window = bytes,
		.half_close = true,
	};
	struct client *client = client_create(&options);
	struct client_totals totals;
	bool good = client_echo(client, bytes, SHORT_MS);

	client_totals(client, &totals);
	cr_assert_eq(totals.received, connections * bytes, "%ju bytes of %ju came back",
		totals.received, connections * bytes);
	cr_assert_eq(totals.ended, connections, "%zu of %zu connections saw EOF", totals.ended,
		connections);
	assert_complete(client, good, connections, bytes);
	client_destroy(client);
}

/* All bytes are under way when the FIN goes out: it must not overtake them. */
Test(echo, half_closed_connections_get_everything_then_eof)
{
	struct manifest manifest;
	struct process run;

	manifest_init(&manifest, "half");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	half_close(&manifest, 1, 256 * 1024);
	half_close(&manifest, 50, 256 * 1024);
	/* So much that the redirection cannot have caught up when the FIN arrives. */
	half_close(&manifest, 10, 8 * MEBIBYTE);
	serve_end(&run);
}

/*
 * What run says at its end are the bytes that went through the kernel, and nothing besides: of
 * connections that closed before, that half-closed, and whose FIN came as run was told to end.
 */
Test(echo, run_tells_how_many_bytes_passed)
{
	struct manifest manifest;
	struct process run;
	struct result result;
	struct client *client;

	manifest_init(&manifest, "tells");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	assert_echo(&manifest, 30, 10000);
	half_close(&manifest, 10, 262144);
	client = client_open(&manifest, 20);
	cr_assert(client_echo(client, 10000, SHORT_MS));
	cr_assert_eq(kill(run.pid, SIGSTOP), 0);
	cr_assert_eq(kill(run.pid, SIGTERM), 0);
	client_destroy(client);
	process_stop(&run, SIGCONT, &result, SHORT_MS);
	assert_code(&result, 0);
	assert_says(result.out, "60 connections");
	assert_says(result.out, " 3121440 bytes in");
	assert_says(result.out, " 3121440 bytes out");
	result_finish(&result);
}

/* The half-close of a client that reads only long after it has shut its side. */
Test(echo, half_closed_connections_may_read_late)
{
	const size_t bytes = 16 * MEBIBYTE;
	uint8_t *sent = malloc(bytes), *back = malloc(bytes + 1);
	struct manifest manifest;
	struct process run;
	size_t length = 0;
	int fd;

	manifest_init(&manifest, "late");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	fd = dial(&manifest);
	client_pattern(sent, 1, 0, bytes);
	/* More than the socket buffers of both ways hold: the rest queues in the redirection. */
	cr_assert_eq(send(fd, sent, bytes, MSG_NOSIGNAL), (ssize_t)bytes);
	cr_assert_eq(shutdown(fd, SHUT_WR), 0);
	sleep(3);
	for (ssize_t n = 1; n > 0 && length <= bytes; length += n > 0 ? n : 0)
		n = recv(fd, back + length, bytes + 1 - length, 0);
	cr_assert_eq(length, bytes, "%zu of %zu bytes came back", length, bytes);
	cr_assert_arr_eq(back, sent, bytes);
	close(fd);
	serve_end(&run);
	free(sent);
	free(back);
}

/*
 * The FIN is there before the feed accepts: the kernel takes no such socket into a map (see
 * test-facts.c), so those connections end. None may hang or get wrong bytes, and the feed has to
 * go on: the one thing that must not happen is that a client waits for ever.
 */
Test(echo, connections_half_closed_before_they_are_accepted_end)
{
	struct client_options options = {
		.address = "127.0.0.1", .connections = 200, .half_close = true
	};
	struct result result;
	struct client_totals totals;
	struct manifest manifest;
	struct process run;
	struct client *client;

	manifest_init(&manifest, "early-fin");
	manifest_echo(&manifest, BODY_ECHO);
	serve(&run, &manifest);
	options.port = manifest.port;
	cr_assert_eq(kill(run.pid, SIGSTOP), 0);
	client = client_create(&options);
	cr_assert(!client_echo(client, 100, 200), "a stopped process accepted");
	client_totals(client, &totals);
	cr_assert_eq(totals.sent, 200 * 100);
	cr_assert_eq(kill(run.pid, SIGCONT), 0);
	client_echo(client, 0, SHORT_MS);
	client_totals(client, &totals);
	cr_assert_eq(totals.complete + totals.closed, 200, "%zu complete, %zu ended of 200",
		totals.complete, totals.closed);
	cr_assert_eq(totals.wrong, 0);
	client_destroy(client);
	assert_echo(&manifest, 50, 10000);
	process_stop(&run, SIGTERM, &result, SHORT_MS);
	assert_code(&result, 0);
	cr_assert(*result.err, "connections were turned away without a word");
	result_finish(&result);
}

/* An echo with other lines where maps, attachments and the listening address are. */
static void echo_with(const char *name, const char *map, const char *type, const char *address)
{
	struct manifest manifest;
	struct process run;

	manifest_init(&manifest, name);
	manifest_write(manifest.path,
		"sockform: v1\n"
		"name: %s\n"
		"maps:\n"
		"  echo_sockets: { type: sockhash, key: %s, max_entries: 65536 }\n"
		"programs:\n"
		"  verdict:\n"
		"    type: sk_skb\n"
		"    body:\n" BODY_ECHO "attachments:\n"
		"  - { program: verdict, target: echo_sockets, attach_type: %s }\n"
		"sockets:\n"
		"  - accept: \"%s:%u\"\n"
		"    into: echo_sockets\n",
		manifest.name, map, type, address, manifest.port);
	serve(&run, &manifest);

	struct client_options options = {
		.address = address[0] == '[' ? "::1" : "127.0.0.1",
		.port = manifest.port,
		.connections = 100,
	};
	struct client *client = client_create(&options);

	cr_assert(client);
	assert_complete(client, client_echo(client, 100000, SHORT_MS), 100, 100000);
	client_destroy(client);
	serve_end(&run);
}

Test(echo, keys_of_ipv4_addresses_and_ports)
{
	echo_with("tuple", "[local_ip4, local_port, remote_ip4, remote_port]", "stream_verdict",
		"127.0.0.1");
}

/* Fields of all sizes in no natural order: both sides have to lay them out alike. */
Test(echo, keys_of_mixed_fields)
{
	echo_with("fields", "[local_port, cookie, remote_port, family, local_ip4, remote_ip4]",
		"stream_verdict", "127.0.0.1");
}

Test(echo, skb_verdict)
{
	echo_with("skb", "[cookie]", "skb_verdict", "127.0.0.1");
}

static bool ipv6_here(void)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool here = fd >= 0 && !bind(fd, (void *)&address, sizeof(address));

	if (fd >= 0)
		close(fd);
	return here;
}

Test(echo, ipv6)
{
	if (!ipv6_here())
		cr_skip_test("skipped: no IPv6 on loopback");
	echo_with("six", "[cookie]", "stream_verdict", "[::1]");
}
