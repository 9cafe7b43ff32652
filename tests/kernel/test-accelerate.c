/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Local acceleration with a client and a server that know nothing of it: an echo server that reads
 * and writes, in a process of its own, and a client that compares what comes back with what it sent.
 * Both are in a cgroup that the test made, and leave it when it ends.
 */
#include "ship.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cgroup.h"

/* The path of the cgroup. */
static const char *group;

static void init(void)
{
	cgroup_mount();
	harness_init();
	group = cgroup_make("accelerate");
}

/* The server, which is in the cgroup, ends before that goes. */
static void fini(void)
{
	harness_fini();
	cgroup_fini();
}

TestSuite(accelerate, .init = init, .fini = fini, .timeout = 120);

static int listen_on(const char *address, uint16_t port)
{
	struct sockaddr_in ip4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 ip6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	bool wide = strchr(address, ':') != NULL;
	const int one = 1, none = 0;
	int fd = socket(wide ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (wide)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &none, sizeof(none));
	inet_pton(AF_INET, address, &ip4.sin_addr);
	inet_pton(AF_INET6, address, &ip6.sin6_addr);
	cr_assert_eq(bind(fd, wide ? (void *)&ip6 : (void *)&ip4, wide ? sizeof(ip6) : sizeof(ip4)),
		0, "%s: %s", address, strerror(errno));
	cr_assert_eq(listen(fd, 1024), 0);
	return fd;
}

/* Reads and writes, one process for all connections; ends with the test. */
static void echo(int listener)
{
	static struct pollfd polls[1024];
	static char buffer[1 << 16];
	size_t count = 1;

	polls[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
	while (poll(polls, count, -1) > 0) {
		if (polls[0].revents && count < 1024)
			polls[count++] = (struct pollfd){ .fd = accept(listener, NULL, NULL),
				.events = POLLIN };
		for (size_t i = 1; i < count; i++) {
			ssize_t n =
				polls[i].revents ? read(polls[i].fd, buffer, sizeof(buffer)) : 1;

			if (!polls[i].revents)
				continue;
			for (ssize_t done = 0, more; done < n; done += more) {
				more = write(polls[i].fd, buffer + done, (size_t)(n - done));
				if (more < 0)
					_exit(1);
			}
			if (n <= 0) {
				close(polls[i].fd);
				polls[i--] = polls[--count];
			}
		}
	}
}

static void serve_echo(const char *address, uint16_t port, const char *where)
{
	int listener;
	pid_t server;

	cgroup_enter(where);
	listener = listen_on(address, port);
	server = process_fork();
	cr_assert_geq(server, 0);
	if (!server) {
		echo(listener);
		_exit(0);
	}
	close(listener);
}

static void apply_here(struct manifest *manifest)
{
	char setting[128];

	ship(manifest, "accelerate");
	snprintf(setting, sizeof(setting), "cgroup=%s", group);
	ship_apply(manifest, setting);
}

static void check_echo(const char *address, uint16_t port, size_t connections, uint64_t bytes)
{
	struct client_options options = {
		.address = address, .port = port, .connections = connections
	};
	struct client *client = client_create(&options);
	struct client_totals totals;

	cr_assert_not_null(client);
	cr_assert(client_echo(client, bytes, 60000));
	client_totals(client, &totals);
	cr_assert_eq(totals.received, connections * bytes);
	cr_assert_eq(totals.wrong, 0);
	client_destroy(client);
}

/* What the client connects to, where the server listens, and the map that the sockets are in. */
static const struct {
	const char *client, *server, *hook;
} ways[] = {
	{ "127.0.0.1", "127.0.0.1", "ip4:msg_verdict" },
	{ "::1", "::1", "ip6:msg_verdict" },
	/* An IPv6 socket on one side, an IPv4 socket on the other. */
	{ "127.0.0.1", "::", "ip4:msg_verdict" },
};

static void check_way(size_t i)
{
	struct manifest manifest;
	int stats = ship_count_runs();

	apply_here(&manifest);
	serve_echo(ways[i].server, manifest.port, group);
	check_echo(ways[i].client, manifest.port, 50, 1000000);
	/* Both ends of 50 connections were seen, and each sent something through the program. */
	cr_assert_geq(ship_runs(&manifest, ":sock_ops"), 100);
	cr_assert_geq(ship_runs(&manifest, ways[i].hook), 100);
	close(stats);
	sockform_expect(0, "delete", manifest.path);
}

Test(accelerate, ip4)
{
	check_way(0);
}

Test(accelerate, ip6)
{
	check_way(1);
}

Test(accelerate, ip4_client_of_an_ip6_server)
{
	check_way(2);
}

/* Bytes that TCP itself has sent on a connection. */
static uint64_t sent_by_tcp(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	cr_assert_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
	return info.tcpi_bytes_sent;
}

/* The control: what arrives does so without TCP, and the same two sockets outside of it with TCP. */
static void check_around(enum way way)
{
	struct manifest manifest;
	struct pair inside, outside;

	pair_over(way, &outside);
	apply_here(&manifest);
	cgroup_enter(group);
	pair_over(way, &inside);
	for (int i = 0; i < 20; i++) {
		give(inside.client, "there");
		assert_gets(inside.server, "there");
		give(inside.server, "and back");
		assert_gets(inside.client, "and back");
		give(outside.client, "there");
		assert_gets(outside.server, "there");
	}
	/* The first message may have been sent before the other end was in the map. */
	cr_assert_eq(sent_by_tcp(inside.server), 0);
	cr_assert(sent_by_tcp(inside.client) == 0 || sent_by_tcp(inside.client) == 20 * 5, "%lu",
		(unsigned long)sent_by_tcp(inside.client));
	cr_assert_eq(sent_by_tcp(outside.client), 20 * 5);
	pair_close(&inside);
	pair_close(&outside);
	cgroup_enter("/");
	sockform_expect(0, "delete", manifest.path);
}

Test(accelerate, bytes_go_around_tcp)
{
	for (enum way way = 0; way < WAY_COUNT; way++)
		check_around(way);
}

/* The other end is in no map: everything goes by TCP, and in order. */
Test(accelerate, a_server_outside_the_cgroup)
{
	struct manifest manifest;

	apply_here(&manifest);
	serve_echo("127.0.0.1", manifest.port, "/");
	cgroup_enter(group);
	check_echo("127.0.0.1", manifest.port, 20, 300000);
	sockform_expect(0, "delete", manifest.path);
}

/* Whoever sends at once, in many connections, keeps the order of what it sends. */
Test(accelerate, many_short_connections)
{
	struct manifest manifest;

	apply_here(&manifest);
	serve_echo("127.0.0.1", manifest.port, group);
	for (int i = 0; i < 10; i++)
		check_echo("127.0.0.1", manifest.port, 300, 2000);
	sockform_expect(0, "delete", manifest.path);
}

/* A manifest of the test's own: a SOCK_OPS program with that body on the cgroup, and maps for it. */
static void apply_ops(struct manifest *manifest, const char *body)
{
	manifest_init(manifest, "ops");
	manifest_write(manifest->path,
		"sockform: v1\nname: %s\n"
		"maps:\n"
		"  indexed: { type: sockmap, max_entries: 4 }\n"
		"  numbered: { type: sockhash, key_size: 4, max_entries: 4 }\n"
		"  out: { type: array, value_size: 8, max_entries: 8 }\n"
		"  tuples: { type: sockhash, max_entries: 64,\n"
		"            key: [local_ip4, remote_ip4, local_port, remote_port] }\n"
		"programs:\n  p:\n    type: sock_ops\n    body:\n%s      - r0 = 1\n      - exit\n"
		"attachments:\n  - { program: p, target: %s, attach_type: sock_ops }\n",
		manifest->name, body, group);
	ship_apply(manifest, NULL);
	cgroup_enter(group);
}

/* Only the end that was connected to; a later one takes its place unless told not to. */
static void check_update(const char *block, const char *map, const char *flags, bool replaces)
{
	const uint32_t index = 2;
	struct manifest manifest;
	struct pair first, second;
	char body[512];

	snprintf(body, sizeof(body),
		"      - load_field: { dst: r7, field: op }\n      - if r7 != 5 goto done\n"
		"      - %s: { map: %s, key: 2%s }\n      - 'done:'\n",
		block, map, flags);
	apply_ops(&manifest, body);
	pair_open(&first);
	cr_assert_eq(ship_value(&manifest, map, &index), ship_cookie(first.server));
	pair_open(&second);
	cr_assert_eq(ship_value(&manifest, map, &index),
		ship_cookie(replaces ? second.server : first.server));
	pair_close(&first);
	pair_close(&second);
	cgroup_enter("/");
	sockform_expect(0, "delete", manifest.path);
}

Test(accelerate, sock_map_update)
{
	check_update("sock_map_update", "indexed", "", true);
	check_update("sock_map_update", "indexed", ", flags: any", true);
	check_update("sock_map_update", "indexed", ", flags: noexist", false);
}

/* 53 and 70 in the tutorials' table. */
Test(accelerate, updates_by_the_numbers_of_the_helpers)
{
	static const struct {
		int number;
		const char *map;
	} helpers[] = { { 53, "indexed" }, { 70, "numbered" } };

	for (int i = 0; i < 2; i++) {
		const uint32_t index = 2;
		struct manifest manifest;
		struct pair pair;
		char body[512];

		snprintf(body, sizeof(body),
			"      - load_field: { dst: r7, field: op }\n      - if r7 != 5 goto done\n"
			"      - |\n        r3 = 2\n        *(u32 *)(r10 - 8) = r3\n"
			"        r2 = %s ll\n        r3 = r10\n        r3 += -8\n        r4 = 0\n"
			"        call %d\n      - 'done:'\n",
			helpers[i].map, helpers[i].number);
		apply_ops(&manifest, body);
		pair_open(&pair);
		cr_assert_eq(ship_value(&manifest, helpers[i].map, &index),
			ship_cookie(pair.server), "%d", helpers[i].number);
		pair_close(&pair);
		cgroup_enter("/");
		sockform_expect(0, "delete", manifest.path);
	}
}

/* Under its own key, and under the one that its peer has as its own. */
Test(accelerate, sock_hash_update)
{
	struct manifest manifest;
	struct ship_tuple key;
	struct pair pair;

	check_update("sock_hash_update", "numbered", "", true);
	check_update("sock_hash_update", "numbered", ", flags: any", true);
	check_update("sock_hash_update", "numbered", ", flags: noexist", false);
	apply_ops(&manifest,
		"      - load_field: { dst: r7, field: op }\n      - if r7 != 5 goto other\n"
		"      - sock_hash_update: { map: tuples, key: self }\n      - 'other:'\n");
	pair_open(&pair);
	key = ship_tuple(pair.server);
	cr_assert_eq(ship_value(&manifest, "tuples", &key), ship_cookie(pair.server));
	key = ship_tuple(pair.client);
	cr_assert_eq(ship_value(&manifest, "tuples", &key), 0);
	pair_close(&pair);
	cgroup_enter("/");
	sockform_expect(0, "delete", manifest.path);
	apply_ops(&manifest, "      - on_established: { map: tuples, key: peer, side: active }\n");
	pair_open(&pair);
	key = ship_tuple(pair.server);
	cr_assert_eq(ship_value(&manifest, "tuples", &key), ship_cookie(pair.client));
	key = ship_tuple(pair.client);
	cr_assert_eq(ship_value(&manifest, "tuples", &key), 0);
	pair_close(&pair);
	cgroup_enter("/");
	sockform_expect(0, "delete", manifest.path);
}

/* Where a socket is kept out of a second map, of which `sockform validate` warns (W0611). */
Test(accelerate, a_socket_with_a_verdict_enters_no_second_map_with_one)
{
	struct manifest manifest;
	struct ship_tuple key;
	struct result result;
	struct pair pair;

	manifest_init(&manifest, "second");
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\n"
		"maps:\n"
		"  m: { type: sockhash, max_entries: 64,"
		" key: [local_ip4, remote_ip4, local_port, remote_port] }\n"
		"  n: { type: sockhash, max_entries: 64,"
		" key: [local_ip4, remote_ip4, local_port, remote_port] }\n"
		"programs:\n  p:\n    type: sock_ops\n    body:\n"
		"      - on_established: { map: m }\n      - on_established: { map: n }\n"
		"      - r0 = 1\n      - exit\n"
		"  v: { type: sk_skb, body: [ sk_skb_pass ] }\n"
		"attachments:\n  - { program: p, target: %s, attach_type: sock_ops }\n"
		"  - { program: v, target: m, attach_type: stream_verdict }\n"
		"  - { program: v, target: n, attach_type: skb_verdict }\n",
		manifest.name, group);
	sockform(&result, "apply", manifest.path);
	assert_code(&result, 0);
	assert_says(result.err, "warning[W0611]");
	result_finish(&result);
	cgroup_enter(group);
	pair_open(&pair);
	key = ship_tuple(pair.server);
	cr_assert_eq(ship_value(&manifest, "m", &key), ship_cookie(pair.server));
	cr_assert_eq(ship_value(&manifest, "n", &key), 0);
	pair_close(&pair);
	cgroup_enter("/");
	sockform_expect(0, "delete", manifest.path);
}

/* What load_field and match find in a SOCK_OPS program, by the ends of the connection. */
static void check_ops_fields(enum way way)
{
	static const char *const stores[] = { "family", "local_port", "remote_port", "op" };
	char body[4096] = "      - load_field: { dst: r9, field: op }\n"
			  "      - if r9 != 5 goto done\n",
	     *end = body + strlen(body);
	struct sockaddr_storage local, remote;
	socklen_t length = sizeof(local);
	struct manifest manifest;
	uint64_t values[9];
	struct pair pair;

	for (int i = 0; i < 4; i++)
		end += sprintf(end,
			"      - load_field: { dst: r9, field: %s }\n"
			"      - store: { map: out, key: %d, value: r9 }\n",
			stores[i], i);
	end += sprintf(end,
		"      - match: { family: ipv4, local_ip4: 127.0.0.0/8, else: no4 }\n"
		"      - store: { map: out, key: 4, value: 1 }\n      - 'no4:'\n"
		"      - match: { remote_ip6: '::1', else: no6 }\n"
		"      - store: { map: out, key: 5, value: 1 }\n      - 'no6:'\n"
		"      - match: { remote_port: 1-65535, local_port: 1-65535, else: no }\n"
		"      - store: { map: out, key: 6, value: 1 }\n      - 'no:'\n"
		"      - match: { remote_port: 0, else: none }\n"
		"      - store: { map: out, key: 7, value: 1 }\n      - 'none:'\n"
		"      - 'done:'\n");
	apply_ops(&manifest, body);
	pair_over(way, &pair);
	cr_assert_eq(getsockname(pair.server, (void *)&local, &length), 0);
	length = sizeof(remote);
	cr_assert_eq(getpeername(pair.server, (void *)&remote, &length), 0);
	for (uint32_t i = 0; i < 8; i++)
		values[i] = ship_value(&manifest, "out", &i);
	cr_assert_eq(values[0], way == IP4 ? AF_INET : AF_INET6);
	/* Ports stand at the same place in both families. */
	cr_assert_eq(values[1], ntohs(((struct sockaddr_in *)&local)->sin_port));
	cr_assert_eq(values[2], ntohs(((struct sockaddr_in *)&remote)->sin_port));
	cr_assert_eq(values[3], 5);
	cr_assert_eq(values[4], way != IP6);
	cr_assert_eq(values[5], way == IP6);
	cr_assert_eq(values[6], 1);
	cr_assert_eq(values[7], 0);
	pair_close(&pair);
	cgroup_enter("/");
	sockform_expect(0, "delete", manifest.path);
}

Test(accelerate, fields_and_conditions_of_sock_ops)
{
	for (enum way way = 0; way < WAY_COUNT; way++)
		check_ops_fields(way);
}
