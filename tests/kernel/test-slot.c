/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The tutorial's echo server: a SOCKMAP whose verdict sends everything to the socket at index 0.
 * One client hears itself; with two, the first hears both. Indices are given lowest free first.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "raw.h"

TestSuite(slot, .init = harness_init, .fini = harness_fini, .timeout = 60);

static void manifest_slot(struct manifest *ret, const char *name)
{
	manifest_init(ret, name);
	manifest_write(ret->path,
		"sockform: v1\n"
		"name: %s\n"
		"maps:\n"
		"  echo_sockets: { type: sockmap, max_entries: 256 }\n"
		"programs:\n"
		"  parser:\n"
		"    type: sk_skb\n"
		"    body:\n"
		"      - mov_reg: { dst: r6, src: r1 }\n"
		"      - ldx: { size: w, dst: r0, src: r6, off: 0 }\n"
		"      - exit_insn\n"
		"  verdict:\n"
		"    type: sk_skb\n"
		"    body:\n"
		"      - sk_skb_prologue: { data: r2, data_end: r3 }\n"
		"      - sk_redirect_map_with_fallback: { map: echo_sockets, key: 0 }\n"
		"attachments:\n"
		"  - { program: parser, target: echo_sockets, attach_type: stream_parser }\n"
		"  - { program: verdict, target: echo_sockets, attach_type: stream_verdict }\n"
		"sockets:\n"
		"  - accept: 127.0.0.1:%u\n"
		"    into: echo_sockets\n",
		ret->name, ret->port);
}

static void assert_entries(const struct manifest *manifest, ssize_t wanted)
{
	const char *pin = manifest_pin(manifest, "maps/echo_sockets");
	int64_t until = client_now() + ANSWER_MS;
	ssize_t entries = snapshot_entries(pin);

	while (entries != wanted && client_now() < until) {
		usleep(5000);
		entries = snapshot_entries(pin);
	}
	cr_assert_eq(entries, wanted, "%zd entries, not %zd", entries, wanted);
}

Test(slot, one_client_hears_itself)
{
	struct manifest manifest;
	struct process run;

	manifest_slot(&manifest, "slot-one");
	serve(&run, &manifest);
	assert_echo(&manifest, 1, 1000000);
	serve_end(&run);
}

Test(slot, the_first_of_two_clients_hears_both)
{
	struct manifest manifest;
	struct process run;
	int first, second;

	manifest_slot(&manifest, "slot-two");
	serve(&run, &manifest);
	first = dial(&manifest);
	give(first, "one ");
	assert_gets(first, "one ");
	second = dial(&manifest);
	give(second, "two ");
	assert_gets(first, "two ");
	give(first, "three ");
	assert_gets(first, "three ");
	assert_gets_nothing(second);
	close(first);
	close(second);
	serve_end(&run);
}

Test(slot, the_lowest_free_index_is_taken_again)
{
	struct manifest manifest;
	struct process run;
	int clients[4];

	manifest_slot(&manifest, "slot-again");
	serve(&run, &manifest);
	for (int i = 0; i < 3; i++) {
		clients[i] = dial(&manifest);
		assert_entries(&manifest, i + 1);
	}
	close(clients[0]);
	assert_entries(&manifest, 2);
	/* 1 and 2 are taken, so the next one gets 0 and with it what all of them say. */
	clients[3] = dial(&manifest);
	assert_entries(&manifest, 3);
	for (int i = 1; i < 4; i++) {
		give(clients[i], "hello ");
		assert_gets(clients[3], "hello ");
	}
	assert_gets_nothing(clients[1]);
	assert_gets_nothing(clients[2]);
	for (int i = 1; i < 4; i++)
		close(clients[i]);
	assert_entries(&manifest, 0);
	serve_end(&run);
}

/* A map that is full: the one too many must not take another's place. */
Test(slot, a_client_too_many_disturbs_nobody)
{
	struct manifest manifest;
	struct process run;
	struct client *others;
	struct client_totals totals;
	int first, extra;

	manifest_slot(&manifest, "slot-full");
	serve(&run, &manifest);
	first = dial(&manifest);
	assert_entries(&manifest, 1);
	others = client_open(&manifest, 255);
	client_send(others, 0, 0, ANSWER_MS);
	assert_entries(&manifest, 256);
	extra = dial(&manifest);
	give(first, "still here");
	assert_gets(first, "still here");
	assert_entries(&manifest, 256);
	client_totals(others, &totals);
	cr_assert_eq(totals.closed, 0);
	client_destroy(others);
	close(extra);
	/* The first is alone again, at its index, and the feed goes on serving. */
	give(first, "alone");
	assert_gets(first, "alone");
	close(first);
	assert_entries(&manifest, 0);
	assert_echo(&manifest, 1, 1000);
	serve_end(&run);
}

static void read_exactly(int fd, size_t bytes)
{
	char buffer[65536];

	while (bytes) {
		size_t most = bytes < sizeof(buffer) ? bytes : sizeof(buffer);
		ssize_t n = recv(fd, buffer, most, 0);

		cr_assert(n > 0, "%zu bytes are missing", bytes);
		bytes -= n;
	}
}

/*
 * The socket at index 0 sends more than it receives, because it sends what others receive. When
 * its client then half-closes, its own bytes are still on the way: counting bytes of the socket
 * alone cannot tell.
 */
Test(slot, a_half_close_of_the_first_loses_nothing)
{
	const size_t bytes = 16 * 1024 * 1024;
	struct manifest manifest;
	struct process run;
	char byte, *block = calloc(1, bytes);
	int first, second;

	manifest_slot(&manifest, "slot-half");
	serve(&run, &manifest);
	first = dial(&manifest);
	assert_entries(&manifest, 1);
	second = dial(&manifest);
	assert_entries(&manifest, 2);
	cr_assert_eq(send(second, block, bytes, MSG_NOSIGNAL), (ssize_t)bytes);
	read_exactly(first, bytes);
	cr_assert_eq(send(first, block, bytes, MSG_NOSIGNAL), (ssize_t)bytes);
	cr_assert_eq(shutdown(first, SHUT_WR), 0);
	read_exactly(first, bytes);
	cr_assert_eq(recv(first, &byte, 1, 0), 0);
	close(first);
	close(second);
	serve_end(&run);
	free(block);
}

static void write_pair(const struct manifest *manifest, bool attached)
{
	manifest_write(manifest->path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  pair: { type: sockmap, max_entries: 4 }\n"
		"programs:\n"
		"  echo: { type: sk_skb, body: [ sk_redirect_map: { map: pair, key: 0, on_miss: "
		"pass }, exit ] }\n"
		"%s",
		manifest->name,
		attached ? "attachments:\n"
			   "  - { program: echo, target: pair, attach_type: stream_verdict }\n"
			 : "");
}

/* A socket keeps its dispatcher: an attachment that goes and comes back has to reach it again. */
Test(slot, what_was_taken_out_of_the_manifest_and_put_back)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	struct manifest manifest;
	struct pair pair;
	int map;

	manifest_init(&manifest, "back");
	write_pair(&manifest, true);
	sockform_expect(0, "apply", manifest.path);
	pair_open(&pair);
	map = bpf_obj_get(manifest_pin(&manifest, "maps/pair"));
	cr_assert_eq(socket_insert(map, 0, pair.server), 0);
	give(pair.client, "echo");
	assert_gets(pair.client, "echo");

	write_pair(&manifest, false);
	sockform_expect(0, "apply", manifest.path);
	give(pair.client, "passes");
	assert_gets(pair.server, "passes");
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "plan", "--exit-code", manifest.path);

	write_pair(&manifest, true);
	sockform_expect(0, "apply", manifest.path);
	give(pair.client, "again");
	assert_gets(pair.client, "again");
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "plan", "--exit-code", manifest.path);

	write_pair(&manifest, false);
	sockform_expect(0, "apply", manifest.path);
	close(map);
	pair_close(&pair);
	/* Of a map without sockets nothing is kept. */
	write_pair(&manifest, true);
	sockform_expect(0, "apply", manifest.path);
	write_pair(&manifest, false);
	sockform_expect(0, "apply", manifest.path);
	cr_assert_neq(access(manifest_pin(&manifest, "slots/pair:stream_verdict"), F_OK), 0);
	sockform_expect(0, "delete", manifest.path);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

static bool has_verdict(int map)
{
	uint32_t program, count = 1, flags;

	cr_assert_eq(
		bpf_prog_query(map, BPF_SK_SKB_STREAM_VERDICT, 0, &flags, &program, &count), 0);
	return count;
}

/*
 * A socket enters the map before the nth call of the apply that takes the attachment away, and the
 * attachment comes back. False where there are not so many calls; *ret: it entered under the verdict.
 */
static bool comes_at(const struct manifest *manifest, unsigned int nth, bool *ret)
{
	struct process apply;
	struct result result;
	struct pair pair;
	char order[32];
	int map;
	bool stopped;

	*ret = false;
	write_pair(manifest, true);
	sockform_expect(0, "apply", manifest->path);
	map = bpf_obj_get(manifest_pin(manifest, "maps/pair"));
	pair_open(&pair);
	write_pair(manifest, false);
	snprintf(order, sizeof(order), "bpf:%u:stop", nth);
	sockform_start_injected(
		&apply, order, (const char *const[]){ "apply", manifest->path, NULL });
	stopped = process_stopped(&apply, ANSWER_MS);
	if (stopped) {
		*ret = has_verdict(map);
		cr_assert_eq(socket_insert(map, 0, pair.server), 0);
		kill(apply.pid, SIGCONT);
	}
	process_wait(&apply, &result, ANSWER_MS);
	assert_code(&result, 0);
	result_finish(&result);
	if (*ret) {
		give(pair.client, "passes");
		assert_gets(pair.server, "passes");
		write_pair(manifest, true);
		sockform_expect(0, "apply", manifest->path);
		give(pair.client, "again");
		assert_gets(pair.client, "again");
	}
	close(map);
	pair_close(&pair);
	sockform_expect(0, "delete", manifest->path);
	return stopped;
}

/* Whenever it comes, it is one of those that the attachment reaches when it is put back. */
Test(slot, a_socket_that_comes_while_the_attachment_goes)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	struct manifest manifest;
	unsigned int under = 0;
	bool entered;

	manifest_init(&manifest, "comes");
	for (unsigned int nth = 1; comes_at(&manifest, nth, &entered); nth++) {
		cr_assert_lt(nth, NTH_MOST);
		under += entered;
	}
	cr_assert_gt(under, 0);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}
