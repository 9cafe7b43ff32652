/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The end of a stream: all bytes before it, and it comes. */
#include "lib/selftest/cases.h"

#include "lib/feed/counts.h"

#define BYTES (64 * 1024)
#define HALF_CLOSE_BYTES (4u << 20)

/* All bytes, and then the end, at a socket whose program passes. */
static bool run_passed(struct trial *trial)
{
	struct wire wire;

	return trial_stage(trial) && wire_open(trial, &wire) &&
	       trial_insert(trial, "sources", 0, trial->row->message ? wire.client : wire.server) &&
	       stream_move(trial, wire.client, wire.server, BYTES) &&
	       wire_shut(trial, wire.client) && stream_ends(trial, wire.server, "the reader");
}

/* FIN while data is unread: it waits behind it. */
static bool run_behind(struct trial *trial)
{
	struct stream stream = { .bytes = BYTES };
	struct wire wire;

	if (!trial_stage(trial) || !wire_open(trial, &wire) ||
		!trial_insert(trial, "sources", 0, wire.server))
		return false;
	stream.from = wire.client;
	stream.to = wire.server;
	if (!stream_push(trial, &stream) || !wire_shut(trial, wire.client))
		return false;
	stream.bytes = stream.sent;
	return stream_run(trial, &stream) && stream_ends(trial, wire.server, "the reader");
}

/* The data has gone elsewhere, the end has not. */
static bool run_redirected(struct trial *trial)
{
	struct redirect redirect;

	return redirect_open(trial, &redirect) &&
	       stream_move(trial, redirect.from, redirect.to, BYTES) &&
	       wire_shut(trial, redirect.source.client) &&
	       stream_ends(trial, redirect.source.server, "the source's own socket");
}

/* Without a parser a program is shown the end as a message of no bytes. */
static bool run_beside(struct trial *trial)
{
	struct redirect redirect;
	struct wire other;

	return redirect_open(trial, &redirect) && wire_open(trial, &other) &&
	       trial_insert(trial, "sources", 1, other.server) &&
	       stream_move(trial, redirect.from, redirect.to, BYTES) &&
	       wire_shut(trial, redirect.source.client) &&
	       stream_ends(trial, redirect.source.server, "the source's own socket") &&
	       stream_move(trial, other.client, redirect.to, BYTES);
}

enum { SOURCE_OPEN, SOURCE_SHUT, TARGET_SHUT };

/*
 * The source ends when all of it is sent. Whoever forwards the end shuts the target when as much has
 * left it as has come in.
 */
static bool forward_end(struct trial *trial, struct stream *stream)
{
	const struct redirect *redirect = trial->context;
	struct feed_counts in, out;

	if (stream->hooked == SOURCE_OPEN && stream->sent == stream->bytes) {
		stream->hooked = SOURCE_SHUT;
		return wire_shut(trial, redirect->source.client);
	}
	if (stream->hooked != SOURCE_SHUT)
		return true;
	in = feed_read_counts(redirect->source.server);
	out = feed_read_counts(redirect->target.server);
	if (in.received < stream->bytes || out.queued < in.received)
		return true;
	stream->hooked = TARGET_SHUT;
	return wire_shut(trial, redirect->target.server);
}

static bool wait_forwarded(struct trial *trial, struct stream *stream)
{
	uint64_t until = trial_patience(trial);

	while (stream->hooked != TARGET_SHUT && clock_ns() < until) {
		if (!forward_end(trial, stream))
			return false;
		trial_tick(-1, 0);
	}
	return stream->hooked == TARGET_SHUT ||
	       trial_late(trial, "TCP's counters do not say that all has left the target");
}

/* Everything is on its way, and the source shut, before the reader begins; or as much as is taken. */
static bool run_half_close(struct trial *trial)
{
	struct redirect redirect;
	struct stream stream = {
		.bytes = HALF_CLOSE_BYTES, .window = HALF_CLOSE_BYTES, .hook = forward_end
	};

	if (!redirect_open(trial, &redirect))
		return false;
	trial->context = &redirect;
	stream.from = redirect.from;
	stream.to = redirect.to;
	return stream_push(trial, &stream) && forward_end(trial, &stream) &&
	       stream_run(trial, &stream) && wait_forwarded(trial, &stream) &&
	       stream_ends(trial, redirect.to, "the reader") &&
	       trial_note(trial, "%u MiB", HALF_CLOSE_BYTES >> 20);
}

#define NO_END "readers wait for ever for the end of a stream"
#define END_ADVICE "end connections by close(), and set timeouts"

const struct trial_case cases_end[] = {
	{ "FIN after the data, sk_skb", run_passed, WITH_PASS_SKB, NO_END, END_ADVICE },
	{ "FIN after the data, sk_msg", run_passed, WITH_PASS_MSG, NO_END, END_ADVICE,
		.message = true },
	{ "FIN behind unread data", run_behind, WITH_PASS_SKB,
		"the end of a stream overtakes its data", END_ADVICE },
	{ "FIN of a source", run_redirected, WITH_SKB("0", "stream_verdict"),
		"sockform run does not learn that a client has ended", END_ADVICE },
	{ "FIN of one source of two", run_beside, WITH_SKB("0", "stream_verdict"),
		"one client's end breaks the target for the others",
		"attach a parser before the verdict" },
	{ "half-close, as the counters say", run_half_close, WITH_SKB("0", "stream_verdict"),
		"the end of a stream is forwarded too early, or never",
		"forward ends by a protocol of one's own" },
};
const size_t cases_end_count = COUNT_OF(cases_end);
