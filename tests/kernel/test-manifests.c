/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Each manifest that is shipped, applied as it is but for names and ports, with real sockets: what
 * it says shows in bytes that arrive where it says, or do not. Local acceleration has a file of its
 * own, test-accelerate.c.
 */
#include "ship.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(manifests, .init = harness_init, .fini = harness_fini, .timeout = 120);

static void finish(const struct manifest *manifest)
{
	sockform_expect(0, "delete", manifest->path);
}

/* What passes arrives, and has gone through a parser and a verdict. */
static void check_pass(const char *name, const char *map)
{
	struct manifest manifest;
	char parser[64], verdict[64];
	struct result status;
	struct pair pair;
	int stats = ship_count_runs();

	ship(&manifest, name);
	ship_apply(&manifest, NULL);
	pair_open(&pair);
	ship_insert_at(&manifest, map, 7, pair.server);
	give(pair.client, "hello");
	assert_gets(pair.server, "hello");
	give(pair.server, "and back");
	assert_gets(pair.client, "and back");
	snprintf(parser, sizeof(parser), "%s:stream_parser", map);
	snprintf(verdict, sizeof(verdict), "%s:stream_verdict", map);
	sockform(&status, "status", manifest.name);
	assert_says(status.out, " runs\n");
	result_finish(&status);
	cr_assert_geq(ship_runs(&manifest, parser), 1);
	cr_assert_geq(ship_runs(&manifest, verdict), 1);
	pair_close(&pair);
	close(stats);
	finish(&manifest);
}

Test(manifests, pass)
{
	check_pass("pass", "sockets");
}

Test(manifests, declarative)
{
	check_pass("declarative", "echo_sockets");
}

Test(manifests, redirect)
{
	struct manifest manifest;
	struct pair first, second;

	ship(&manifest, "redirect");
	ship_apply(&manifest, NULL);
	pair_open(&first);
	pair_open(&second);
	/* Nobody at index 0: a socket keeps what it receives. */
	ship_insert_at(&manifest, "sockets", 1, second.server);
	give(second.client, "kept");
	assert_gets(second.server, "kept");
	ship_insert_at(&manifest, "sockets", 0, first.server);
	give(second.client, "redirected");
	assert_gets(first.client, "redirected");
	assert_gets_nothing(second.server);
	pair_close(&first);
	pair_close(&second);
	finish(&manifest);
}

Test(manifests, echo)
{
	static const char *const names[] = { "echo", "echo-slot", "counters" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct manifest manifest;
		struct process run;

		ship(&manifest, names[i]);
		serve(&run, &manifest);
		assert_echo(&manifest, 1, 300000);
		serve_end(&run);
	}
}

Test(manifests, msg_pass)
{
	struct manifest manifest;
	struct pair pair;
	int stats = ship_count_runs();

	ship(&manifest, "msg-pass");
	ship_apply(&manifest, NULL);
	pair_open(&pair);
	ship_insert_at(&manifest, "sockets", 0, pair.server);
	give(pair.server, "hello");
	assert_gets(pair.client, "hello");
	cr_assert_eq(ship_runs(&manifest, "sockets:msg_verdict"), 1);
	pair_close(&pair);
	close(stats);
	finish(&manifest);
}

Test(manifests, msg_redirect)
{
	struct manifest manifest;
	struct pair first, second;

	ship(&manifest, "msg-redirect");
	ship_apply(&manifest, NULL);
	pair_open(&first);
	pair_open(&second);
	ship_insert_at(&manifest, "sockets", 1, second.server);
	give(second.server, "nobody at 0");
	assert_gets(second.client, "nobody at 0");
	ship_insert_at(&manifest, "sockets", 0, first.server);
	give(second.server, "redirected");
	assert_gets(first.client, "redirected");
	assert_gets_nothing(second.client);
	pair_close(&first);
	pair_close(&second);
	finish(&manifest);
}

static uint16_t local_port(int fd)
{
	return ntohs(ship_tuple(fd).local_port);
}

Test(manifests, msg_field)
{
	struct manifest manifest;
	struct pair shut, open;
	char setting[32];

	pair_open(&shut);
	pair_open(&open);
	ship(&manifest, "msg-field");
	snprintf(setting, sizeof(setting), "port=%u", local_port(shut.client));
	ship_apply(&manifest, setting);
	ship_insert_at(&manifest, "sockets", 0, shut.server);
	ship_insert_at(&manifest, "sockets", 1, open.server);
	give(open.server, "to another port");
	assert_gets(open.client, "to another port");
	cr_assert_eq(send(shut.server, "dropped", 7, MSG_NOSIGNAL), -1);
	cr_assert_eq(errno, EACCES);
	assert_gets_nothing(shut.client);
	pair_close(&shut);
	pair_close(&open);
	finish(&manifest);
}

/* What one client sends arrives at the other, both ways. */
static void assert_joined(const struct pair *first, const struct pair *second)
{
	give(first->client, "one way");
	assert_gets(second->client, "one way");
	give(second->client, "the other way");
	assert_gets(first->client, "the other way");
	assert_gets_nothing(first->server);
	assert_gets_nothing(second->server);
}

Test(manifests, connections)
{
	struct manifest manifest;
	struct pair first, second, alone;
	struct ship_tuple key;

	cr_assert_eq(sizeof(key), 12);
	ship(&manifest, "connections");
	ship_apply(&manifest, NULL);
	pair_open(&first);
	pair_open(&second);
	pair_open(&alone);
	key = ship_tuple(first.server);
	ship_insert(&manifest, "conn_map", &key, second.server);
	key = ship_tuple(second.server);
	ship_insert(&manifest, "conn_map", &key, first.server);
	/* In the map, under a key that no connection has. */
	key.local_port ^= 0xffff;
	ship_insert(&manifest, "conn_map", &key, alone.server);
	assert_joined(&first, &second);
	give(alone.client, "kept");
	assert_gets(alone.server, "kept");
	pair_close(&first);
	pair_close(&second);
	pair_close(&alone);
	finish(&manifest);
}

/* The test is the proxy: its ends are the server of one pair and the client of the other. */
Test(manifests, tcp_proxy)
{
	struct manifest manifest;
	struct pair client, backend;
	uint64_t cookie;

	ship(&manifest, "tcp-proxy");
	ship_apply(&manifest, NULL);
	pair_open(&client);
	pair_open(&backend);
	cookie = ship_cookie(client.server);
	ship_insert(&manifest, "proxy_sockets", &cookie, backend.client);
	cookie = ship_cookie(backend.client);
	ship_insert(&manifest, "proxy_sockets", &cookie, client.server);
	give(client.client, "request");
	assert_gets(backend.server, "request");
	give(backend.server, "response");
	assert_gets(client.client, "response");
	assert_gets_nothing(client.server);
	assert_gets_nothing(backend.client);
	pair_close(&client);
	pair_close(&backend);
	finish(&manifest);
}

/* map-delete: what has no partner any more stays with the proxy. */
Test(manifests, a_socket_that_is_taken_out)
{
	struct manifest manifest;
	struct pair client, backend;
	uint64_t to_client, to_backend;
	int map;

	ship(&manifest, "tcp-proxy");
	ship_apply(&manifest, NULL);
	pair_open(&client);
	pair_open(&backend);
	to_backend = ship_cookie(client.server);
	to_client = ship_cookie(backend.client);
	ship_insert(&manifest, "proxy_sockets", &to_backend, backend.client);
	ship_insert(&manifest, "proxy_sockets", &to_client, client.server);
	give(client.client, "before");
	assert_gets(backend.server, "before");
	map = bpf_obj_get(manifest_pin(&manifest, "maps/proxy_sockets"));
	cr_assert_eq(bpf_map_delete_elem(map, &to_backend), 0);
	give(client.client, "behind");
	assert_gets(client.server, "behind");
	assert_gets_nothing(backend.server);
	/* What is out of the map is out of reach of its programs. */
	give(backend.server, "back");
	assert_gets(backend.client, "back");
	close(map);
	pair_close(&client);
	pair_close(&backend);
	finish(&manifest);
}

Test(manifests, counters)
{
	static const char *const words[] = { "one", "two", "three" };
	const uint32_t messages = 0, bytes = 1;
	struct {
		uint32_t remote_ip4;
		uint16_t remote_port;
	} __attribute__((packed)) key;
	struct manifest manifest;
	struct process run;
	int client;

	ship(&manifest, "counters");
	serve(&run, &manifest);
	client = dial(&manifest);
	/* Each is answered before the next goes out, so each is a message of its own. */
	for (size_t i = 0; i < 3; i++) {
		give(client, words[i]);
		assert_gets(client, words[i]);
	}
	key.remote_ip4 = htonl(INADDR_LOOPBACK);
	key.remote_port = htons(local_port(client));
	cr_assert_eq(ship_value(&manifest, "totals", &messages), 3);
	cr_assert_eq(ship_value(&manifest, "totals", &bytes), 11);
	cr_assert_eq(ship_value(&manifest, "clients", &key), 3);
	key.remote_port ^= 0xffff;
	cr_assert_eq(ship_value(&manifest, "clients", &key), 0);
	close(client);
	serve_end(&run);
}

/* Messages of all lengths in one buffer; their number. malloc()ed. */
static size_t make_messages(unsigned char **ret, size_t *length, unsigned int seed)
{
	static const size_t lengths[] = { 0, 1, 5, 100, 3000, 20000, 70000 };
	size_t count = 400, capacity = count * 70004;

	*ret = malloc(capacity);
	*length = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t size = (uint32_t)lengths[rand_r(&seed) % 7], prefix = htonl(size);

		memcpy(*ret + *length, &prefix, 4);
		client_pattern(*ret + *length + 4, (uint32_t)i, 0, size);
		*length += 4 + size;
	}
	return count;
}

/* In pieces of random sizes, while what comes back is compared. */
static void exchange(int fd, const unsigned char *data, size_t length, unsigned int seed)
{
	static const size_t pieces[] = { 1, 3, 4, 5, 200, 1460, 30000, 200000 };
	static unsigned char buffer[1 << 18];
	size_t sent = 0, got = 0;
	int64_t until = client_now() + 60000;

	while (got < length && client_now() < until) {
		size_t piece = pieces[rand_r(&seed) % 8];
		ssize_t n;

		/* Not more under way than the kernel's buffers hold. */
		piece = piece < length - sent ? piece : length - sent;
		if (sent - got < 400000 && piece) {
			n = send(fd, data + sent, piece, MSG_DONTWAIT | MSG_NOSIGNAL);
			sent += n > 0 ? (size_t)n : 0;
		}
		n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (n < 0)
			continue;
		cr_assert_gt(n, 0, "closed after %zu of %zu", got, length);
		cr_assert(memcmp(buffer, data + got, (size_t)n) == 0, "wrong bytes at %zu", got);
		got += (size_t)n;
	}
	cr_assert_eq(got, length);
}

Test(manifests, frames)
{
	const uint32_t index = 0;
	struct manifest manifest;
	struct process run;
	uint64_t expected = 0;

	ship(&manifest, "frames");
	serve(&run, &manifest);
	for (unsigned int seed = 1; seed <= 3; seed++) {
		unsigned char *data;
		size_t length;
		int client = dial(&manifest);

		expected += make_messages(&data, &length, seed);
		exchange(client, data, length, seed);
		cr_assert_eq(ship_value(&manifest, "messages", &index), expected, "seed %u: %lu",
			seed, (unsigned long)ship_value(&manifest, "messages", &index));
		free(data);
		close(client);
	}
	serve_end(&run);
}

/* A prefix beyond what is allowed ends that connection, and no other. */
Test(manifests, frames_that_are_too_long)
{
	struct manifest manifest;
	struct process run;
	int bad, good;
	char byte;

	ship(&manifest, "frames");
	serve(&run, &manifest);
	bad = dial(&manifest);
	good = dial(&manifest);
	cr_assert_eq(send(bad, "\xff\xff\xff\xff....", 8, MSG_NOSIGNAL), 8);
	cr_assert_leq(recv(bad, &byte, 1, 0), 0);
	cr_assert_eq(send(good, "\0\0\0\002ok", 6, MSG_NOSIGNAL), 6);
	cr_assert_eq(recv(good, (char[6]){ 0 }, 6, MSG_WAITALL), 6);
	close(bad);
	close(good);
	serve_end(&run);
}

static void open_client(const struct manifest *manifest, struct pair *ret)
{
	uint64_t cookie;

	pair_open(ret);
	cookie = ship_cookie(ret->server);
	ship_insert(manifest, "clients", &cookie, ret->server);
}

Test(manifests, route)
{
	struct manifest manifest;
	struct pair http, tls, clients[5];

	ship(&manifest, "route");
	ship_apply(&manifest, NULL);
	pair_open(&http);
	pair_open(&tls);
	ship_insert_at(&manifest, "backends", 0, http.server);
	ship_insert_at(&manifest, "backends", 1, tls.server);
	for (size_t i = 0; i < 5; i++)
		open_client(&manifest, &clients[i]);
	give(clients[0].client, "GET / HTTP/1.1");
	assert_gets(http.client, "GET / HTTP/1.1");
	/* What the first segment said holds for the next, whatever it looks like. */
	give(clients[0].client, "\x16\x03 and so on");
	assert_gets(http.client, "\x16\x03 and so on");
	give(clients[1].client, "\x16\x03\x01 hello");
	assert_gets(tls.client, "\x16\x03\x01 hello");
	give(clients[2].client, "SSH-2.0");
	assert_gets(clients[2].server, "SSH-2.0");
	give(clients[2].client, "GET / again");
	assert_gets(clients[2].server, "GET / again");
	give(clients[3].client, "POST /x");
	assert_gets(http.client, "POST /x");
	/* Too short to tell. */
	give(clients[4].client, "GE");
	assert_gets(clients[4].server, "GE");
	assert_gets_nothing(http.client);
	assert_gets_nothing(tls.client);
	for (size_t i = 0; i < 5; i++)
		pair_close(&clients[i]);
	pair_close(&http);
	pair_close(&tls);
	finish(&manifest);
}
