/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What match, load_field, lookup, store, count and delete do, on real messages of real sockets: each
 * program writes what it found into an array, and the test compares that with what it knows of the
 * socket. Over IPv4, over IPv6, and over an IPv6 socket that talks to an IPv4 address; for what a
 * socket receives (sk_skb) and for what it sends (sk_msg).
 */
#include "ship.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(conditions, .init = harness_init, .fini = harness_fini, .timeout = 60);

#define MESSAGE "GET /index HTTP/1.1\r\n"
#define BODY_BYTES (1 << 16)

/* Ports stand at the same place in both families. */
static uint16_t port_of(int fd, bool remote)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	int error = remote ? getpeername(fd, (void *)&address, &length)
			   : getsockname(fd, (void *)&address, &length);

	cr_assert_eq(error, 0);
	return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

/* Whether it holds for the server's socket; L and R stand for its local and its remote port. */
static const struct condition {
	const char *text;
	bool holds[WAY_COUNT];
} conditions[] = {
	{ "family: ipv4", { true, false, true } },
	{ "family: ipv6", { false, true, false } },
	{ "local_ip4: 127.0.0.1", { true, false, true } },
	{ "local_ip4: 127.0.0.2", { false, false, false } },
	{ "local_ip4: 127.0.0.0/31", { true, false, true } },
	{ "remote_ip4: 127.0.0.0/8", { true, false, true } },
	{ "remote_ip4: 126.0.0.0/8", { false, false, false } },
	{ "remote_ip4: 0.0.0.0/0", { true, false, true } },
	{ "local_ip6: '::1'", { false, true, false } },
	{ "local_ip6: '::2'", { false, false, false } },
	{ "remote_ip6: '::/0'", { false, true, false } },
	{ "remote_ip6: '::/64'", { false, true, false } },
	{ "remote_ip6: '::/127'", { false, true, false } },
	{ "remote_ip6: 'fd00::/8'", { false, false, false } },
	{ "local_port: L", { true, true, true } },
	{ "local_port: R", { false, false, false } },
	{ "remote_port: R", { true, true, true } },
	{ "remote_port: L", { false, false, false } },
	{ "local_port: 1-65535", { true, true, true } },
	{ "remote_port: 0-1", { false, false, false } },
	{ "remote_port: R-R", { true, true, true } },
	{ "text: 'GET '", { true, true, true } },
	{ "text: 'GOT '", { false, false, false } },
	{ "text: 'GET /'", { true, true, true } },
	{ "text: 'index', offset: 5", { true, true, true } },
	{ "text: 'index', offset: 4", { false, false, false } },
	{ "text: 'GET /index HTTP/1.1'", { true, true, true } },
	{ "text: 'GET /index HTTP/1.0'", { false, false, false } },
	{ "bytes: '0d 0a', offset: 19", { true, true, true } },
	{ "bytes: '0d 0a 00', offset: 19", { false, false, false } },
	{ "bytes: '47:45:54'", { true, true, true } },
	{ "text: 'G', offset: 20000", { false, false, false } },
	{ "family: ipv4, local_port: L, remote_port: R, text: 'GET'", { true, false, true } },
	{ "family: ipv4, local_port: L, remote_port: R, text: 'PUT'", { false, false, false } },
	{ "remote_ip6: '::1', remote_port: R, text: 'GET'", { false, true, false } },
};

#define CONDITION_COUNT (sizeof(conditions) / sizeof(conditions[0]))

/* Appends one item to a body. */
#define ADD(body, ...) sprintf((body) + strlen(body), "      - " __VA_ARGS__)

/* The condition with its ports; a program's type may have no payload. */
static void write_condition(char *out, const char *text, uint16_t local, uint16_t remote)
{
	char before = '\0';

	*out = '\0';
	for (; *text; before = *text++) {
		/* Ports stand behind a blank or a dash. */
		bool port = (before == ' ' || before == '-') && (*text == 'L' || *text == 'R');

		if (port)
			sprintf(out + strlen(out), "%u", *text == 'L' ? local : remote);
		else
			sprintf(out + strlen(out), "%c", *text);
	}
}

/* For each condition: 1 into the array where it holds, by `then` and by `else` in turn. */
static void write_conditions(char *body, uint16_t local, uint16_t remote)
{
	for (size_t i = 0; i < CONDITION_COUNT; i++) {
		char text[256];

		write_condition(text, conditions[i].text, local, remote);
		if (i % 2) {
			ADD(body, "match: { %s, then: yes%zu }\n", text, i);
			ADD(body, "goto no%zu\n", i);
			ADD(body, "'yes%zu:'\n", i);
		} else {
			ADD(body, "match: { %s, else: no%zu }\n", text, i);
		}
		ADD(body, "store: { map: out, key: %zu, value: 1 }\n", i);
		ADD(body, "'no%zu:'\n", i);
	}
	ADD(body, "r0 = 1\n");
	ADD(body, "exit\n");
}

static void apply_body(
	struct manifest *manifest, const char *type, const char *hook, const char *body)
{
	manifest_init(manifest, "conditions");
	manifest_write(manifest->path,
		"sockform: v1\nname: %s\n"
		"maps:\n"
		"  sockets: { type: sockmap, max_entries: 4 }\n"
		"  out: { type: array, value_size: 8, max_entries: 100 }\n"
		"  byself: { type: hash, key: [cookie], value_size: 8, max_entries: 100 }\n"
		"  bypeer: { type: lru_hash, key: [remote_ip4, remote_port], value_size: 2,"
		" max_entries: 100 }\n"
		"  bytes: { type: hash, key_size: 1, value_size: 1, max_entries: 100 }\n"
		"  words: { type: percpu_hash, key_size: 4, value_size: 4, max_entries: 100 }\n"
		"  structs: { type: array, value_size: 24, max_entries: 1 }\n"
		"programs:\n  p:\n    type: %s\n    body:\n%s"
		"attachments:\n  - { program: p, target: sockets, attach_type: %s }\n",
		manifest->name, type, body, hook);
	ship_apply(manifest, NULL);
}

static uint64_t out_at(const struct manifest *manifest, uint32_t index)
{
	return ship_value(manifest, "out", &index);
}

static void check_conditions(const struct manifest *manifest, enum way way)
{
	for (uint32_t i = 0; i < CONDITION_COUNT; i++)
		cr_expect_eq(out_at(manifest, i), conditions[i].holds[way], "way %d: %s", way,
			conditions[i].text);
}

static char *new_body(void)
{
	return calloc(1, BODY_BYTES);
}

Test(conditions, of_what_is_received)
{
	for (enum way way = 0; way < WAY_COUNT; way++) {
		struct manifest manifest;
		char *body = new_body();
		struct pair pair;

		pair_over(way, &pair);
		write_conditions(body, port_of(pair.server, false), port_of(pair.server, true));
		apply_body(&manifest, "sk_skb", "stream_verdict", body);
		ship_insert_at(&manifest, "sockets", 0, pair.server);
		give(pair.client, MESSAGE);
		assert_gets(pair.server, MESSAGE);
		check_conditions(&manifest, way);
		sockform_expect(0, "delete", manifest.path);
		pair_close(&pair);
		free(body);
	}
}

/* The same bytes by send, and by sendfile, which shows a program no bytes until it pulls them. */
static void send_message(int fd, bool file)
{
	int memory;

	if (!file) {
		give(fd, MESSAGE);
		return;
	}
	memory = memfd_create("message", MFD_CLOEXEC);
	cr_assert_eq(write(memory, MESSAGE, strlen(MESSAGE)), (ssize_t)strlen(MESSAGE));
	cr_assert_eq(sendfile(fd, memory, (off_t[]){ 0 }, strlen(MESSAGE)),
		(ssize_t)strlen(MESSAGE), "sendfile: %s", strerror(errno));
	close(memory);
}

Test(conditions, of_what_is_sent)
{
	for (int run = 0; run < 2 * WAY_COUNT; run++) {
		enum way way = run / 2;
		struct manifest manifest;
		char *body = new_body();
		struct pair pair;

		pair_over(way, &pair);
		write_conditions(body, port_of(pair.server, false), port_of(pair.server, true));
		apply_body(&manifest, "sk_msg", "msg_verdict", body);
		ship_insert_at(&manifest, "sockets", 0, pair.server);
		send_message(pair.server, run % 2);
		assert_gets(pair.client, MESSAGE);
		check_conditions(&manifest, way);
		sockform_expect(0, "delete", manifest.path);
		pair_close(&pair);
		free(body);
	}
}

/* Fields as numbers; addresses as they are on the wire. */
static void check_fields(const char *type, const char *hook, const char *length, bool sends)
{
	struct manifest manifest;
	char *body = new_body();
	struct pair pair;
	const char *const fields[] = { "family", "local_port", "remote_port", "local_ip4",
		"remote_ip4", length };
	uint64_t expected[6];

	for (size_t i = 0; i < 6; i++) {
		ADD(body, "load_field: { dst: r7, field: %s }\n", fields[i]);
		ADD(body, "store: { map: out, key: %zu, value: r7 }\n", i);
	}
	ADD(body, "r0 = 1\n");
	ADD(body, "exit\n");
	pair_over(IP4, &pair);
	apply_body(&manifest, type, hook, body);
	ship_insert_at(&manifest, "sockets", 0, pair.server);
	give(sends ? pair.server : pair.client, MESSAGE);
	assert_gets(sends ? pair.client : pair.server, MESSAGE);
	expected[0] = AF_INET;
	expected[1] = port_of(pair.server, false);
	expected[2] = port_of(pair.server, true);
	expected[3] = expected[4] = htonl(INADDR_LOOPBACK);
	expected[5] = strlen(MESSAGE);
	for (uint32_t i = 0; i < 6; i++)
		cr_expect_eq(out_at(&manifest, i), expected[i], "%s: %s is %lx", type, fields[i],
			(unsigned long)out_at(&manifest, i));
	sockform_expect(0, "delete", manifest.path);
	pair_close(&pair);
	free(body);
}

Test(conditions, fields)
{
	check_fields("sk_skb", "stream_verdict", "len", false);
	check_fields("sk_msg", "msg_verdict", "size", true);
}

/* Each item, and below it what the array has to hold at the index of its store. */
static const char values_body[] =
	"      - store: { map: byself, key: self, value: 41 }\n"
	"      - count: { map: byself, key: self }\n"
	"      - lookup: { map: byself, key: self, dst: r7, on_miss: broken }\n"
	"      - store: { map: out, key: 0, value: r7 }\n" /* 42 */
	"      - store: { map: byself, key: self, value: 7, flags: noexist }\n"
	"      - lookup: { map: byself, key: self, dst: r7, on_miss: broken }\n"
	"      - store: { map: out, key: 1, value: r7 }\n" /* 42: it was there */
	"      - delete: { map: byself, key: self }\n"
	"      - store: { map: byself, key: self, value: 9, flags: exist }\n"
	"      - lookup: { map: byself, key: self, dst: r7, on_miss: gone }\n"
	"      - goto broken\n"
	"      - 'gone:'\n"
	"      - store: { map: out, key: 2, value: 5 }\n" /* 5: it was not */
	"      - store: { map: bypeer, key: self, value: 0x1234 }\n"
	"      - lookup: { map: bypeer, key: self, dst: r7, on_miss: broken }\n"
	"      - store: { map: out, key: 3, value: r7 }\n" /* 0x1234 */
	"      - store: { map: bytes, key: 200, value: 255 }\n"
	"      - lookup: { map: bytes, key: 200, dst: r7, on_miss: broken }\n"
	"      - store: { map: out, key: 4, value: r7 }\n" /* 255 */
	"      - r8 = 6\n"
	"      - count: { map: words, key: 3, by: r8 }\n" /* makes the entry */
	"      - count: { map: words, key: 3, by: 4 }\n"
	"      - lookup: { map: words, key: 3, dst: r7, on_miss: broken }\n"
	"      - store: { map: out, key: 5, value: r7 }\n" /* 10 */
	"      - r9 = 6\n"
	"      - count: { map: out, key: r9, by: 70 }\n" /* 70 */
	"      - lookup: { map: out, key: 99999, on_miss: outside }\n"
	"      - goto broken\n"
	"      - 'outside:'\n"
	"      - store: { map: out, key: 7, value: 77 }\n" /* 77 */
	"      - lookup: { map: structs, key: 0, on_miss: broken }\n"
	"      - r1 = 0x1122334455667788 ll\n"
	"      - '*(u64 *)(r0 + 16) = r1'\n"
	"      - lookup: { map: structs, key: 0, dst: r7, size: h, off: 20, on_miss: broken }\n"
	"      - store: { map: out, key: 8, value: r7 }\n" /* 0x3344 */
	"      - sk_skb_pass\n"
	"      - 'broken:'\n"
	"      - store: { map: out, key: 50, value: 1 }\n"
	"      - sk_skb_pass\n";

Test(conditions, values)
{
	static const uint64_t expected[] = { 42, 42, 5, 0x1234, 255, 10, 70, 77, 0x3344 };
	struct manifest manifest;
	struct pair pair;

	pair_over(IP4, &pair);
	apply_body(&manifest, "sk_skb", "stream_verdict", values_body);
	ship_insert_at(&manifest, "sockets", 0, pair.server);
	give(pair.client, MESSAGE);
	assert_gets(pair.server, MESSAGE);
	cr_assert_eq(out_at(&manifest, 50), 0, "the program took a wrong turn");
	for (uint32_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		cr_expect_eq(out_at(&manifest, i), expected[i], "%u: %lu", i,
			(unsigned long)out_at(&manifest, i));
	sockform_expect(0, "delete", manifest.path);
	pair_close(&pair);
}

/* A lookup that ends the program with a verdict. */
Test(conditions, lookup_that_drops)
{
	struct manifest manifest;
	struct pair pair;

	pair_over(IP4, &pair);
	apply_body(&manifest, "sk_skb", "stream_verdict",
		"      - lookup: { map: byself, key: self, on_miss: drop }\n      - sk_skb_pass\n");
	ship_insert_at(&manifest, "sockets", 0, pair.server);
	give(pair.client, MESSAGE);
	assert_gets_nothing(pair.server);
	sockform_expect(0, "delete", manifest.path);
	pair_close(&pair);
}

/* The verdict counts for so many bytes; the next is asked for again. */
Test(conditions, msg_apply_bytes)
{
	struct manifest manifest;
	struct pair pair;

	pair_over(IP4, &pair);
	apply_body(&manifest, "sk_msg", "msg_verdict",
		"      - count: { map: out, key: 0 }\n"
		"      - msg_apply_bytes: { bytes: 5 }\n      - sk_msg_pass\n");
	ship_insert_at(&manifest, "sockets", 0, pair.server);
	give(pair.server, "0123456789abc");
	assert_gets(pair.client, "0123456789abc");
	cr_assert_eq(out_at(&manifest, 0), 3, "%lu", (unsigned long)out_at(&manifest, 0));
	sockform_expect(0, "delete", manifest.path);
	pair_close(&pair);
}

/* Nothing leaves until so many bytes are there. */
Test(conditions, msg_cork_bytes)
{
	struct manifest manifest;
	struct pair pair;

	pair_over(IP4, &pair);
	apply_body(&manifest, "sk_msg", "msg_verdict",
		"      - load_field: { dst: r7, field: size }\n      - if r7 >= 8 goto enough\n"
		"      - msg_cork_bytes: { bytes: 8 }\n      - sk_msg_pass\n"
		"      - 'enough:'\n      - sk_msg_pass\n");
	ship_insert_at(&manifest, "sockets", 0, pair.server);
	give(pair.server, "1234");
	assert_gets_nothing(pair.client);
	give(pair.server, "5678");
	assert_gets(pair.client, "12345678");
	sockform_expect(0, "delete", manifest.path);
	pair_close(&pair);
}

/* Pulled bytes are where data points, and the registers point there. */
static void check_pull(const char *type, const char *hook, const char *block, bool sends)
{
	struct manifest manifest;
	char *body = new_body();
	struct pair pair;

	ADD(body, "%s: { data: r4, data_end: r5, on_error: broken }\n", block);
	ADD(body, "r0 = r4\n");
	ADD(body, "r0 += 21\n");
	ADD(body, "if r0 > r5 goto broken\n");
	ADD(body, "r7 = *(u8 *)(r4 + 20)\n");
	ADD(body, "store: { map: out, key: 0, value: r7 }\n");
	ADD(body, "'broken:'\n");
	ADD(body, "r0 = 1\n");
	ADD(body, "exit\n");
	pair_over(IP4, &pair);
	apply_body(&manifest, type, hook, body);
	ship_insert_at(&manifest, "sockets", 0, pair.server);
	send_message(sends ? pair.server : pair.client, sends);
	assert_gets(sends ? pair.client : pair.server, MESSAGE);
	cr_assert_eq(out_at(&manifest, 0), '\n');
	sockform_expect(0, "delete", manifest.path);
	pair_close(&pair);
	free(body);
}

Test(conditions, pulled_bytes)
{
	check_pull("sk_skb", "stream_verdict", "pull_data", false);
	check_pull("sk_msg", "msg_verdict", "msg_pull_data", true);
}

/* One verdict on what a socket receives or sends: whether it arrives. */
static void check_verdict(const char *type, const char *hook, const char *body, bool arrives)
{
	bool sends = strcmp(type, "sk_msg") == 0;
	struct manifest manifest;
	struct pair pair;

	pair_over(IP4, &pair);
	apply_body(&manifest, type, hook, body);
	ship_insert_at(&manifest, "sockets", 0, pair.server);
	if (sends && !arrives)
		cr_assert_eq(send(pair.server, "lost", 4, MSG_NOSIGNAL), -1, "%s", body);
	else
		give(sends ? pair.server : pair.client, MESSAGE);
	assert_gets_within(sends ? pair.client : pair.server, arrives ? MESSAGE : "",
		arrives ? ANSWER_MS : QUIET_MS);
	sockform_expect(0, "delete", manifest.path);
	pair_close(&pair);
}

Test(conditions, verdicts)
{
	check_verdict("sk_skb", "stream_verdict", "      - sk_skb_pass\n", true);
	check_verdict("sk_skb", "stream_verdict", "      - sk_skb_drop\n", false);
	check_verdict("sk_skb", "stream_verdict",
		"      - sk_skb_action: { action: pass }\n      - exit\n", true);
	check_verdict("sk_skb", "stream_verdict",
		"      - sk_skb_action: { action: drop, dst: r7 }\n      - r0 = r7\n"
		"      - exit\n",
		false);
	check_verdict("sk_skb", "skb_verdict", "      - sk_skb_pass\n", true);
	check_verdict("sk_msg", "msg_verdict", "      - sk_msg_pass\n", true);
	check_verdict("sk_msg", "msg_verdict", "      - sk_msg_drop\n", false);
	check_verdict("sk_msg", "msg_verdict",
		"      - sk_skb_action: { action: drop }\n      - exit\n", false);
}

/* The offsets of the guide's list, as the program itself got them. */
Test(conditions, offsets_are_the_kernels)
{
	static const struct {
		const char *field;
		uint64_t offset;
	} offsets[] = {
		{ "data", 0 },
		{ "data_end", 8 },
		{ "family", 16 },
		{ "remote_ip4", 20 },
		{ "local_ip4", 24 },
		{ "remote_port", 60 },
		{ "local_port", 64 },
		{ "size", 68 },
	};
	struct manifest manifest;
	char *body = new_body();
	struct pair pair;

	for (size_t i = 0; i < 8; i++) {
		ADD(body, "sk_msg_offset: { dst: r7, field: %s }\n", offsets[i].field);
		ADD(body, "store: { map: out, key: %zu, value: r7 }\n", i);
	}
	ADD(body, "sk_msg_pass\n");
	pair_over(IP4, &pair);
	apply_body(&manifest, "sk_msg", "msg_verdict", body);
	ship_insert_at(&manifest, "sockets", 0, pair.server);
	give(pair.server, MESSAGE);
	assert_gets(pair.client, MESSAGE);
	for (uint32_t i = 0; i < 8; i++)
		cr_assert_eq(out_at(&manifest, i), offsets[i].offset, "%s", offsets[i].field);
	sockform_expect(0, "delete", manifest.path);
	pair_close(&pair);
	free(body);
}

/* The first byte between data and data_end, through the registers that a prologue filled. */
static void check_prologue(
	const char *type, const char *hook, const char *pull, const char *prologue, bool sends)
{
	struct manifest manifest;
	char *body = new_body();
	struct pair pair;

	ADD(body, "r7 = r1\n");
	ADD(body, "%s: { ctx: r7 }\n", pull);
	ADD(body, "r1 = r7\n");
	ADD(body, "%s\n", prologue);
	ADD(body, "r0 = r8\n");
	ADD(body, "r0 += %zu\n", strlen(MESSAGE));
	ADD(body, "if r0 > r9 goto broken\n");
	ADD(body, "r0 -= r9\n"); /* both ends of a packet: a number, 0 where data_end is right */
	ADD(body, "r9 = *(u8 *)(r8 + 1)\n");
	ADD(body, "r9 += r0\n");
	ADD(body, "store: { map: out, key: 0, value: r9, ctx: r7 }\n");
	ADD(body, "'broken:'\n");
	ADD(body, "r0 = 1\n");
	ADD(body, "exit\n");
	pair_over(IP4, &pair);
	apply_body(&manifest, type, hook, body);
	ship_insert_at(&manifest, "sockets", 0, pair.server);
	give(sends ? pair.server : pair.client, MESSAGE);
	assert_gets(sends ? pair.client : pair.server, MESSAGE);
	cr_assert_eq(out_at(&manifest, 0), MESSAGE[1], "%s: %lu", prologue,
		(unsigned long)out_at(&manifest, 0));
	sockform_expect(0, "delete", manifest.path);
	pair_close(&pair);
	free(body);
}

Test(conditions, prologues)
{
	check_prologue("sk_skb", "stream_verdict", "pull_data",
		"sk_skb_prologue: { data: r8, data_end: r9 }", false);
	check_prologue("sk_skb", "stream_verdict", "pull_data",
		"sk_skb_prologue: { ctx: r6, data: r8, data_end: r9 }", false);
	check_prologue("sk_msg", "msg_verdict", "msg_pull_data",
		"sk_msg_prologue: { ctx: r6, data: r8, data_end: r9 }", true);
}

/* A verdict by number, and a register by register. */
Test(conditions, moves)
{
	check_verdict("sk_skb", "stream_verdict",
		"      - mov: { dst: r0, imm: 1 }\n      - exit_insn\n", true);
	check_verdict("sk_skb", "stream_verdict",
		"      - mov: { dst: r0, imm: 0 }\n      - exit_insn\n", false);
	check_verdict("sk_msg", "msg_verdict",
		"      - mov: { dst: r7, imm: 0 }\n      - mov_reg: { dst: r0, src: r7 }\n"
		"      - exit_insn\n",
		false);
}

/* tracefs by a mount that is nowhere in the tree, and away with its descriptor; -1: there is none. */
static int open_tracefs(void)
{
	int context = fsopen("tracefs", FSOPEN_CLOEXEC), mounted = -1;

	if (context >= 0 && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mounted = fsmount(context, FSMOUNT_CLOEXEC, 0);
	if (context >= 0)
		close(context);
	return mounted;
}

/* What trace writes comes out of the trace pipe. */
Test(conditions, trace)
{
	struct manifest manifest;
	char text[1 << 14] = "", words[64];
	size_t length = 0;
	struct pair pair;
	int tracefs = open_tracefs(), pipe;

	if (tracefs < 0)
		cr_skip_test("skipped: this kernel has no tracefs");
	pipe = openat(tracefs, "trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	close(tracefs);
	cr_assert_geq(pipe, 0, "trace_pipe: %s", strerror(errno));
	snprintf(words, sizeof(words), "sockform-%d: 21 and 7", getpid());
	pair_over(IP4, &pair);
	snprintf(text, sizeof(text),
		"      - load_field: { dst: r7, field: len }\n"
		"      - r8 = 7\n"
		"      - trace: { text: 'sockform-%d: %%d and %%d', arg1: r7, arg2: r8 }\n"
		"      - sk_skb_pass\n",
		getpid());
	apply_body(&manifest, "sk_skb", "stream_verdict", text);
	ship_insert_at(&manifest, "sockets", 0, pair.server);
	give(pair.client, MESSAGE);
	assert_gets(pair.server, MESSAGE);
	text[0] = '\0';
	for (int64_t until = client_now() + 3000; client_now() < until && !strstr(text, words);
		usleep(1000)) {
		ssize_t n = read(pipe, text + length, sizeof(text) - 1 - length);

		length += n > 0 ? (size_t)n : 0;
		text[length] = '\0';
		/* What others trace is not ours. */
		if (length > sizeof(text) / 2 && !strstr(text, words))
			length = 0;
	}
	assert_says(text, words);
	close(pipe);
	sockform_expect(0, "delete", manifest.path);
	pair_close(&pair);
}

/*
 * Sockets that are not TCP. One that data is redirected to has to be connected
 * (sock_map_redirect_allowed in net/core/sock_map.c), or the redirect finds no target.
 */
Test(conditions, skb_verdict_of_udp)
{
	struct sockaddr_in addresses[2] = { { .sin_family = AF_INET }, { .sin_family = AF_INET } };
	struct manifest manifest;
	int sockets[2], other;
	socklen_t length = sizeof(addresses[0]);

	for (int i = 0; i < 2; i++) {
		addresses[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		sockets[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		cr_assert_eq(bind(sockets[i], (void *)&addresses[i], length), 0);
		cr_assert_eq(getsockname(sockets[i], (void *)&addresses[i], &length), 0);
	}
	other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	apply_body(&manifest, "sk_skb", "skb_verdict",
		"      - sk_redirect_map: { map: sockets, key: 1, flags: ingress, on_miss: pass }\n"
		"      - exit\n");
	ship_insert_at(&manifest, "sockets", 0, sockets[0]);
	cr_assert_eq(sendto(other, "kept", 4, 0, (void *)&addresses[0], length), 4);
	assert_gets(sockets[0], "kept");
	ship_insert_at(&manifest, "sockets", 1, sockets[1]);
	cr_assert_eq(sendto(other, "kept too", 8, 0, (void *)&addresses[0], length), 8);
	assert_gets(sockets[0], "kept too");
	cr_assert_eq(connect(sockets[1], (void *)&addresses[0], length), 0);
	cr_assert_eq(sendto(other, "moved", 5, 0, (void *)&addresses[0], length), 5);
	assert_gets(sockets[1], "moved");
	assert_gets_nothing(sockets[0]);
	sockform_expect(0, "delete", manifest.path);
	close(other);
	close(sockets[0]);
	close(sockets[1]);
}
