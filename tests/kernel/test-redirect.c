/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The four redirects, each with every form of key and flags, in bytes: where they hit, the bytes
 * arrive at the target and nowhere else; where they miss, on_miss says what becomes of them.
 *
 * Two pairs of sockets: what the server of `from` receives or sends, the program redirects to the
 * server of `to`. Out of that it leaves for `to`'s client, with ingress it comes in there.
 */
#include "ship.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(redirect, .init = harness_init, .fini = harness_fini, .timeout = 120);

#define MESSAGE "redirected"

struct redirect {
	const char *block;
	bool sends; /* sk_msg: what is sent; else sk_skb: what is received */
	const char *map;
	const char *keys[2]; /* of the target */
};

/* r7 holds the number, r8 points to it. */
static const struct redirect redirects[] = {
	{ "sk_redirect_map", false, "indexed", { "1", "r7" } },
	{ "sk_redirect_hash", false, "hashed", { "1", "r8" } },
	{ "msg_redirect_map", true, "indexed", { "1", "r7" } },
	{ "msg_redirect_hash", true, "hashed", { "1", "r8" } },
};

#define REDIRECTS (sizeof(redirects) / sizeof(redirects[0]))

struct field {
	struct manifest manifest;
	struct pair from, to;
};

/* `arguments` of the block, and what stands behind it. */
static void begin(struct field *ret, const struct redirect *redirect, const char *arguments,
	const char *behind)
{
	const uint32_t one = 1;

	manifest_init(&ret->manifest, "redirect");
	manifest_write(ret->manifest.path,
		"sockform: v1\nname: %s\n"
		"maps:\n"
		"  sources: { type: sockmap, max_entries: 4 }\n"
		"  indexed: { type: sockmap, max_entries: 4 }\n"
		"  hashed: { type: sockhash, key_size: 4, max_entries: 4 }\n"
		"  out: { type: array, value_size: 8, max_entries: 4 }\n"
		"programs:\n  p:\n    type: %s\n    body:\n"
		"      - r6 = r1\n      - r7 = 1\n      - r8 = r10\n      - r8 += -8\n"
		"      - '*(u32 *)(r8 + 0) = r7'\n      - r9 = 0\n"
		"      - %s: { map: %s, ctx: r6%s }\n      - exit\n%s"
		"attachments:\n  - { program: p, target: sources, attach_type: %s }\n",
		ret->manifest.name, redirect->sends ? "sk_msg" : "sk_skb", redirect->block,
		redirect->map, arguments, behind,
		redirect->sends ? "msg_verdict" : "stream_verdict");
	sockform_expect(0, "apply", ret->manifest.path);
	pair_open(&ret->from);
	pair_open(&ret->to);
	ship_insert_at(&ret->manifest, "sources", 0, ret->from.server);
	ship_insert(&ret->manifest, redirect->map, &one, ret->to.server);
}

static void end(struct field *field)
{
	sockform_expect(0, "delete", field->manifest.path);
	pair_close(&field->from);
	pair_close(&field->to);
}

/* Makes the program see a message: 0, or the errno with which sending it failed. */
static int send_message(const struct field *field, bool sends)
{
	int fd = sends ? field->from.server : field->from.client;

	return send(fd, MESSAGE, strlen(MESSAGE), MSG_NOSIGNAL) < 0 ? errno : 0;
}

/* Where it would have gone without a program. */
static int home(const struct field *field, bool sends)
{
	return sends ? field->from.client : field->from.server;
}

static void assert_empty(int fd, const char *what)
{
	char byte;

	cr_assert_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1, "%s", what);
	cr_assert_eq(errno, EAGAIN);
}

static void check_hit(
	const struct redirect *redirect, const char *key, const char *flags, bool ingress)
{
	char arguments[128];
	struct field field;

	snprintf(arguments, sizeof(arguments), ", key: %s%s, on_miss: drop", key, flags);
	begin(&field, redirect, arguments, "");
	cr_assert_eq(send_message(&field, redirect->sends), 0, "%s%s", redirect->block, arguments);
	assert_gets(ingress ? field.to.server : field.to.client, MESSAGE);
	assert_empty(ingress ? field.to.client : field.to.server, arguments);
	assert_empty(home(&field, redirect->sends), arguments);
	end(&field);
}

static void check_hits(const struct redirect *redirect)
{
	static const struct {
		const char *flags;
		bool ingress;
	} flags[] = { { "", false }, { ", flags: 0", false }, { ", flags: r9", false },
		{ ", flags: 1", true }, { ", flags: ingress", true }, { ", flags: r7", true } };

	for (int key = 0; key < 2; key++)
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			check_hit(redirect, redirect->keys[key], flags[i].flags, flags[i].ingress);
}

Test(redirect, sk_redirect_map)
{
	check_hits(&redirects[0]);
}

Test(redirect, sk_redirect_hash)
{
	check_hits(&redirects[1]);
}

Test(redirect, msg_redirect_map)
{
	check_hits(&redirects[2]);
}

Test(redirect, msg_redirect_hash)
{
	check_hits(&redirects[3]);
}

enum fate { LOST, KEPT, COUNTED };

/*
 * Nobody is at key 2. What is received and dropped was acknowledged by TCP: its sender hears nothing
 * of it. What is sent and dropped is an error for the sender.
 */
static void check_miss(const struct redirect *redirect, const char *on_miss, enum fate fate)
{
	const uint32_t zero = 0;
	bool lost = fate == LOST;
	char arguments[128];
	struct field field;

	snprintf(arguments, sizeof(arguments), ", key: 2%s", on_miss);
	begin(&field, redirect, arguments,
		fate == COUNTED ? "      - 'missed:'\n      - count: { map: out, key: 0 }\n"
				  "      - r0 = 1\n      - exit\n"
				: "");
	cr_assert_eq(send_message(&field, redirect->sends), lost && redirect->sends ? EACCES : 0,
		"%s%s", redirect->block, arguments);
	assert_gets_within(
		home(&field, redirect->sends), lost ? "" : MESSAGE, lost ? QUIET_MS : ANSWER_MS);
	assert_empty(field.to.server, arguments);
	assert_empty(field.to.client, arguments);
	cr_assert_eq(ship_value(&field.manifest, "out", &zero), fate == COUNTED);
	end(&field);
}

Test(redirect, a_miss_is_lost_unless_on_miss_says_otherwise)
{
	for (size_t i = 0; i < REDIRECTS; i++) {
		check_miss(&redirects[i], "", LOST);
		check_miss(&redirects[i], ", on_miss: drop", LOST);
		check_miss(&redirects[i], ", on_miss: pass", KEPT);
		check_miss(&redirects[i], ", on_miss: missed", COUNTED);
	}
}

struct wide_key {
	struct in6_addr local_ip6, remote_ip6;
	uint16_t local_port, remote_port; /* network order */
};

static struct wide_key wide_key(int fd)
{
	struct sockaddr_in6 local, remote;
	socklen_t length = sizeof(local);

	cr_assert_eq(getsockname(fd, (void *)&local, &length), 0);
	length = sizeof(remote);
	cr_assert_eq(getpeername(fd, (void *)&remote, &length), 0);
	return (struct wide_key){ local.sin6_addr, remote.sin6_addr, local.sin6_port,
		remote.sin6_port };
}

/* `own`: the target is stored under the key of the socket itself, else of its other end. */
static void check_wide(const char *word, bool sends, bool own)
{
	struct manifest manifest;
	struct wide_key key;
	struct pair from, to;

	manifest_init(&manifest, "wide");
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\n"
		"maps:\n"
		"  sources: { type: sockmap, max_entries: 4 }\n"
		"  wide: { type: sockhash, max_entries: 4,"
		" key: [local_ip6, remote_ip6, local_port, remote_port] }\n"
		"programs:\n  p:\n    type: %s\n    body:\n"
		"      - %s: { map: wide, key: %s, on_miss: drop }\n      - exit\n"
		"attachments:\n  - { program: p, target: sources, attach_type: %s }\n",
		manifest.name, sends ? "sk_msg" : "sk_skb",
		sends ? "msg_redirect_hash" : "sk_redirect_hash", word,
		sends ? "msg_verdict" : "stream_verdict");
	sockform_expect(0, "apply", manifest.path);
	pair_over(IP6, &from);
	pair_over(IP6, &to);
	key = wide_key(own ? from.server : from.client);
	cr_assert_eq(sizeof(key), 36);
	ship_insert_at(&manifest, "sources", 0, from.server);
	ship_insert(&manifest, "wide", &key, to.server);
	give(sends ? from.server : from.client, MESSAGE);
	assert_gets(to.client, MESSAGE);
	sockform_expect(0, "delete", manifest.path);
	pair_close(&from);
	pair_close(&to);
}

/* self is the key of the socket that runs the program, peer that of the socket at its other end. */
Test(redirect, ipv6_connections_by_their_keys)
{
	for (int sends = 0; sends < 2; sends++) {
		check_wide("self", sends, true);
		check_wide("peer", sends, false);
	}
}

/* The numbers behind the names are those of the tutorials' table. */
Test(redirect, by_the_numbers_of_the_helpers)
{
	static const int numbers[REDIRECTS] = { 52, 72, 60, 71 };

	for (size_t i = 0; i < REDIRECTS; i++) {
		const struct redirect *redirect = &redirects[i];
		const uint32_t one = 1;
		struct field field;

		manifest_init(&field.manifest, "numbers");
		manifest_write(field.manifest.path,
			"sockform: v1\nname: %s\n"
			"maps:\n"
			"  sources: { type: sockmap, max_entries: 4 }\n"
			"  indexed: { type: sockmap, max_entries: 4 }\n"
			"  hashed: { type: sockhash, key_size: 4, max_entries: 4 }\n"
			"programs:\n  p:\n    type: %s\n    body:\n      - |\n"
			"        r3 = 1\n        *(u32 *)(r10 - 8) = r3\n%s"
			"        r2 = %s ll\n        r4 = 0\n        call %d\n        exit\n"
			"attachments:\n  - { program: p, target: sources, attach_type: %s }\n",
			field.manifest.name, redirect->sends ? "sk_msg" : "sk_skb",
			strcmp(redirect->map, "hashed") == 0
				? "        r3 = r10\n        r3 += -8\n"
				: "",
			redirect->map, numbers[i],
			redirect->sends ? "msg_verdict" : "stream_verdict");
		sockform_expect(0, "apply", field.manifest.path);
		pair_open(&field.from);
		pair_open(&field.to);
		ship_insert_at(&field.manifest, "sources", 0, field.from.server);
		ship_insert(&field.manifest, redirect->map, &one, field.to.server);
		cr_assert_eq(send_message(&field, redirect->sends), 0);
		assert_gets(field.to.client, MESSAGE);
		end(&field);
	}
}
