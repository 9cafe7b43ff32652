/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Streams through redirects: nothing is lost, doubled or reordered. */
#include "lib/selftest/cases.h"

#include "lib/base/cleanup.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define KIB 1024u
#define MIB (1024u * KIB)
#define STREAM_BYTES (16 * MIB)
#define INGRESS_WINDOW (32 * KIB) /* less than a receive buffer: another trial is about that */
#define FILE_BYTES (4 * MIB)
#define LIMIT_BYTES (256 * KIB)
#define LIMIT_RCVBUF (8 * 1024) /* the kernel doubles it */
#define LIMIT_SIP 3000          /* so that reads end in the middle of segments */
#define EARLY_BYTES STREAM_PEEK
#define SWAP_BYTES (8 * MIB)
#define SWAP_EVERY (32 * KIB)
#define DATAGRAMS 300

static bool note_bytes(struct trial *trial, uint64_t bytes)
{
	if (bytes < MIB)
		return trial_note(trial, "%u KiB", (unsigned int)(bytes / KIB));
	return trial_note(trial, "%u MiB", (unsigned int)(bytes / MIB));
}

static bool run_stream(struct trial *trial)
{
	struct redirect redirect;
	struct stream stream = { .bytes = trial->row->bytes, .window = trial->row->window };

	if (!redirect_open(trial, &redirect))
		return false;
	stream.from = redirect.from;
	stream.to = redirect.to;
	return stream_run(trial, &stream) &&
	       stream_silent(trial, redirect.source.server, "the source's own socket") &&
	       note_bytes(trial, stream.bytes);
}

/*
 * The target takes a few segments and its reader is slow, so that the kernel has to come back again and
 * again, and each time has to remember where to.
 */
static bool run_limit(struct trial *trial)
{
	const int most = LIMIT_RCVBUF;
	struct redirect redirect;
	struct stream stream = { .bytes = trial->row->bytes, .sip = LIMIT_SIP };

	if (!redirect_open(trial, &redirect))
		return false;
	if (setsockopt(redirect.target.server, SOL_SOCKET, SO_RCVBUF, &most, sizeof(most)) != 0)
		return trial_skip(trial, "SO_RCVBUF cannot be set");
	stream.from = redirect.from;
	stream.to = redirect.to;
	return stream_run(trial, &stream) &&
	       stream_silent(trial, redirect.target.client, "the target's peer") &&
	       trial_note(trial, "pauses to %u ms", (unsigned int)(stream.pause / 1000000));
}

/* What is queued before the socket enters the map comes first, and what is sent afterwards behind it. */
static bool run_early(struct trial *trial)
{
	struct redirect redirect = { 0 };
	struct stream stream = { .bytes = EARLY_BYTES };

	if (!trial_stage(trial) || !wire_open(trial, &redirect.source) ||
		!wire_open(trial, &redirect.target) ||
		!trial_insert(trial, "targets", 0, redirect.target.server))
		return false;
	stream.from = redirect.source.client;
	stream.to = redirect.target.client;
	if (stream_send(trial, &stream) < 0 ||
		!stream_arrives(trial, redirect.source.server, (size_t)stream.sent) ||
		!trial_insert(trial, "sources", 0, redirect.source.server) ||
		!stream_run(trial, &stream))
		return false;
	stream.bytes *= 2;
	return stream_run(trial, &stream) && note_bytes(trial, stream.bytes);
}

static bool swap(struct trial *trial, struct stream *stream)
{
	if (stream->received < stream->hooked * SWAP_EVERY)
		return true;
	stream->hooked++;
	return trial_set_slot(trial, stream->hooked % 2 ? "other" : "redirect");
}

static bool run_swap(struct trial *trial)
{
	struct redirect redirect;
	struct stream stream = { .bytes = trial->row->bytes, .hook = swap };

	if (!redirect_open(trial, &redirect))
		return false;
	stream.from = redirect.from;
	stream.to = redirect.to;
	return stream_run(trial, &stream) &&
	       trial_note(trial, "%u MiB, %u swaps", (unsigned int)(stream.bytes / MIB),
		       (unsigned int)stream.hooked);
}

/* A file that holds the pattern. */
static int open_file(struct trial *trial, size_t bytes)
{
	int fd = trial_own(trial, memfd_create("sockform-self-test", MFD_CLOEXEC));
	unsigned char *memory;

	if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0)
		return -1;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -1;
	stream_pattern(memory, 0, bytes);
	munmap(memory, bytes);
	return fd;
}

static bool run_file(struct trial *trial)
{
	struct redirect redirect;
	struct stream stream = { .bytes = trial->row->bytes, .sends_file = true };

	if (!redirect_open(trial, &redirect))
		return false;
	stream.file = open_file(trial, trial->row->bytes);
	if (stream.file < 0)
		return trial_skip(trial, "no file in memory");
	stream.from = redirect.from;
	stream.to = redirect.to;
	return stream_run(trial, &stream) && note_bytes(trial, stream.bytes);
}

static bool open_pair_of(struct trial *trial, int family, int type, struct redirect *ret)
{
	return trial_stage(trial) && wire_open_kind(trial, family, type, &ret->source) &&
	       wire_open_kind(trial, family, type, &ret->target) &&
	       trial_insert_only(trial, "targets", 0, ret->target.server) &&
	       trial_insert_only(trial, "sources", 0, ret->source.server);
}

static bool run_datagrams(struct trial *trial)
{
	struct redirect redirect;

	return open_pair_of(trial, trial->row->family, SOCK_DGRAM, &redirect) &&
	       stream_datagrams(trial, redirect.source.client, redirect.target.server, DATAGRAMS) &&
	       trial_note(trial, "%d datagrams", DATAGRAMS);
}

static bool run_unix_stream(struct trial *trial)
{
	struct redirect redirect;

	return open_pair_of(trial, AF_UNIX, SOCK_STREAM, &redirect) &&
	       stream_move(
		       trial, redirect.source.client, redirect.target.server, trial->row->bytes) &&
	       note_bytes(trial, trial->row->bytes);
}

#define PULLED                                                                                     \
	MAPS PROGRAM("redirect", "sk_msg")                                                         \
		ITEM("msg_pull_data: { end: 1, data: r7, data_end: r8, on_error: unseen }")        \
			ITEM("r7 += 1") ITEM("if r7 > r8 goto unseen") ITEM(                       \
				"msg_redirect_map: { map: targets, key: 0, flags: ingress, "       \
				"on_miss: pass }") ITEM("exit") ITEM("\"unseen:\"")                \
				ITEM("sk_msg_drop") ATTACHMENTS ATTACH("redirect", "msg_verdict")

#define SWAPPED                                                                                    \
	MAPS REDIRECT_SKB("redirect", "0") REDIRECT_SKB("other", "0")                              \
		ATTACHMENTS ATTACH("redirect", "stream_verdict")

#define BROKEN "data that is redirected so arrives damaged, or not at all"
#define AVOID "do not deploy such a redirect on this kernel"
#define EARLY_MEANS "a client that speaks first, and then waits, is never answered"
#define EARLY_ADVICE "insert sockets before their peers can send, or use another attach type"

const struct trial_case cases_stream[] = {
	{ "sk_skb egress, stream_verdict", run_stream, WITH_SKB("0", "stream_verdict"), BROKEN,
		"try skb_verdict, or a parser before it", .bytes = STREAM_BYTES },
	{ "sk_skb egress, stream_verdict, IPv6", run_stream, WITH_SKB("0", "stream_verdict"),
		BROKEN, AVOID, .family = AF_INET6, .bytes = STREAM_BYTES },
	{ "sk_skb egress, behind a parser", run_stream, WITH_PARSER("0"), BROKEN,
		"attach the verdict without a parser", .bytes = STREAM_BYTES },
	{ "sk_skb egress, skb_verdict", run_stream, WITH_SKB("0", "skb_verdict"), BROKEN,
		"attach it as stream_verdict", .bytes = STREAM_BYTES },
	{ "sk_skb ingress, stream_verdict", run_stream, WITH_SKB("ingress", "stream_verdict"),
		BROKEN, "redirect without flags: ingress", .ingress = true, .bytes = STREAM_BYTES,
		.window = INGRESS_WINDOW },
	{ "sk_skb ingress, skb_verdict", run_stream, WITH_SKB("ingress", "skb_verdict"), BROKEN,
		"attach it as stream_verdict", .ingress = true, .bytes = STREAM_BYTES,
		.window = INGRESS_WINDOW },
	{ "sk_msg ingress", run_stream, WITH_MSG("ingress"), BROKEN, AVOID, .message = true,
		.ingress = true, .bytes = STREAM_BYTES },
	{ "sk_msg ingress, IPv6", run_stream, WITH_MSG("ingress"), BROKEN, AVOID,
		.family = AF_INET6, .message = true, .ingress = true, .bytes = STREAM_BYTES },
	{ "sk_msg egress", run_stream, WITH_MSG("0"), BROKEN, "redirect with flags: ingress",
		.message = true, .bytes = STREAM_BYTES },
	{ "sendfile() into sk_msg", run_file, PULLED,
		"what sendfile() sends is not redirected as it is",
		"have senders use write() or send()", .message = true, .ingress = true,
		.bytes = FILE_BYTES },
	{ "the target's receive buffer is full", run_limit, WITH_SKB("ingress", "stream_verdict"),
		"with a slow reader data goes astray or is lost",
		"give target sockets an SO_RCVBUF that they do not fill", .ingress = true,
		.bytes = LIMIT_BYTES },
	{ "data before the map, stream_verdict", run_early, WITH_SKB("0", "stream_verdict"),
		EARLY_MEANS, EARLY_ADVICE },
	{ "data before the map, behind a parser", run_early, WITH_PARSER("0"), EARLY_MEANS,
		EARLY_ADVICE },
	{ "data before the map, skb_verdict", run_early, WITH_SKB("0", "skb_verdict"), EARLY_MEANS,
		EARLY_ADVICE },
	{ "programs change in mid-stream", run_swap, SWAPPED,
		"apply with a changed program damages running streams",
		"stop traffic before a program is changed", .bytes = SWAP_BYTES },
	{ "UDP, skb_verdict", run_datagrams, WITH_SKB("ingress", "skb_verdict"),
		"datagrams arrive damaged, or not at all", AVOID, .family = AF_INET },
	{ "AF_UNIX datagrams, skb_verdict", run_datagrams, WITH_SKB("ingress", "skb_verdict"),
		"datagrams arrive damaged, or not at all", AVOID, .family = AF_UNIX },
	{ "AF_UNIX streams, skb_verdict", run_unix_stream, WITH_SKB("ingress", "skb_verdict"),
		BROKEN, AVOID, .bytes = FILE_BYTES },
};
const size_t cases_stream_count = COUNT_OF(cases_stream);
