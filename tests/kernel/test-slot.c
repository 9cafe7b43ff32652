/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The tutorial's echo server: a SOCKMAP whose verdict sends everything to the socket at index 0.
 * One client hears itself; with two, the first hears both. Indices are given lowest free first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

#define ANSWER_MS 10000
#define QUIET_MS 300

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

static int dial(const struct manifest *manifest)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(manifest->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(connect(fd, (void *)&address, sizeof(address)), 0, "%s", strerror(errno));
	return fd;
}

static void give(int fd, const char *words)
{
	cr_assert_eq(send(fd, words, strlen(words), MSG_NOSIGNAL), (ssize_t)strlen(words));
}

static void assert_gets(int fd, const char *words)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };
	size_t length = 0;
	char buffer[256];

	while (length < strlen(words) && poll(&one, 1, ANSWER_MS) > 0) {
		ssize_t n = recv(fd, buffer + length, sizeof(buffer) - 1 - length, MSG_DONTWAIT);

		cr_assert(n > 0, "waiting for \"%s\": %s", words, n ? strerror(errno) : "EOF");
		length += n;
	}
	buffer[length] = '\0';
	cr_assert_str_eq(buffer, words);
}

static void assert_gets_nothing(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	cr_assert_eq(poll(&one, 1, QUIET_MS), 0, "something came");
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
