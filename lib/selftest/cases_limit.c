/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What no kernel so far does, though a user may count on it. */
#include "lib/selftest/cases.h"

#include "lib/feed/counts.h"

#include <inttypes.h>

#define COUNTED_BYTES (64u << 10)
#define UNREAD_BYTES (32u << 20) /* more than TCP's own buffers take by default */

/* Sends, and nobody reads. */
static bool run_unread(struct trial *trial)
{
	struct stream stream = { .bytes = trial->row->bytes, .window = trial->row->bytes };
	struct redirect redirect;

	if (!redirect_open(trial, &redirect))
		return false;
	stream.from = redirect.from;
	if (!stream_push(trial, &stream))
		return false;
	if (stream.sent < stream.bytes)
		return trial_note(trial, "held back at %" PRIu64 " KiB", stream.sent >> 10);
	return trial_limit(
		trial, "%" PRIu64 " MiB were taken that nobody has read", stream.sent >> 20);
}

static bool run_counted(struct trial *trial)
{
	struct redirect redirect;
	struct feed_counts counts;

	if (!redirect_open(trial, &redirect) ||
		!stream_move(trial, redirect.from, redirect.to, COUNTED_BYTES))
		return false;
	counts = feed_read_counts(redirect.entry);
	return counts.queued == COUNTED_BYTES ||
	       trial_limit(trial, "TCP_INFO counts %" PRIu64 " of %u bytes", counts.queued,
		       COUNTED_BYTES);
}

#define GROWS "a slow reader has the kernel's memory grow as fast as a sender sends"
#define BOUND "bound what is under way: let senders wait for answers"

const struct trial_case cases_limit[] = {
	{ "sk_skb holds senders back", run_unread, WITH_SKB("0", "stream_verdict"), GROWS, BOUND,
		.bytes = UNREAD_BYTES },
	{ "sk_msg holds senders back", run_unread, WITH_MSG("ingress"), GROWS, BOUND,
		.message = true, .ingress = true, .bytes = UNREAD_BYTES },
	{ "TCP counts what sk_msg redirects", run_counted, WITH_MSG("ingress"),
		"whether a connection is drained cannot be told by its counters",
		"wait for the peer's own end, or for a while", .message = true, .ingress = true },
};
const size_t cases_limit_count = COUNT_OF(cases_limit);
