/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A program is replaced a thousand times under a stream that it redirects: what goes into one
 * connection comes out of another, byte for byte, and every version has run, each under its share of the bytes.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "note.h"
#include "raw.h"

#define SWAPS 1000
#define VERSIONS (SWAPS + 1) /* the first is there before the stream begins */
#define BYTES (UINT64_C(1) << 30)
#define WINDOW (UINT64_C(4) << 20) /* bytes under way: redirection has no backpressure */
#define BLOCK (64 << 10)           /* bytes */
#define RUN_MS 10000

TestSuite(swap, .init = harness_init, .fini = harness_fini, .timeout = 600);

/* What goes into `in.client` comes out of `out.client`. */
struct stream {
	struct pair in, out;
	uint64_t sent; /* bytes */
	_Atomic uint64_t received;
	atomic_bool last;  /* enough versions have run: end when enough bytes have come */
	const char *fault; /* what went wrong; NULL */
	uint64_t words[2][BLOCK / 8 + 2];
};

/* The bytes from an offset on: each 8 of them tell where in the stream they belong. */
static const uint8_t *bytes_at(uint64_t *words, uint64_t offset, size_t length)
{
	uint64_t first = offset / 8;

	for (size_t i = 0; i < length / 8 + 2; i++)
		words[i] = (first + i) * UINT64_C(0x9e3779b97f4a7c15);
	return (const uint8_t *)words + offset % 8;
}

static bool stream_send(struct stream *stream)
{
	const uint8_t *bytes = bytes_at(stream->words[0], stream->sent, BLOCK);
	ssize_t n = send(stream->in.client, bytes, BLOCK, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN)
		stream->fault = "sending failed";
	stream->sent += n > 0 ? (uint64_t)n : 0;
	return n > 0;
}

static void stream_receive(struct stream *stream)
{
	uint8_t bytes[BLOCK];
	ssize_t n = recv(stream->out.client, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n <= 0)
		stream->fault = n ? "receiving failed" : "the stream ended";
	else if (memcmp(bytes, bytes_at(stream->words[1], stream->received, (size_t)n), (size_t)n))
		stream->fault = "other bytes came than were sent";
	else
		stream->received += (uint64_t)n;
}

static bool stream_ends(const struct stream *stream)
{
	return atomic_load(&stream->last) && stream->sent >= BYTES;
}

/* Runs until it is told to end and nothing is under way any more. */
static void *stream_run(void *data)
{
	struct stream *stream = data;

	while (!stream->fault && !(stream_ends(stream) && stream->received == stream->sent)) {
		struct pollfd out = { .fd = stream->out.client, .events = POLLIN };
		bool full = stream->sent - stream->received >= WINDOW || stream_ends(stream) ||
			    !stream_send(stream);
		int ready = poll(&out, 1, full ? RUN_MS : 0);

		if (ready > 0)
			stream_receive(stream);
		else if (full)
			stream->fault = "no bytes come any more";
	}
	return NULL;
}

/* One version: it counts at its own place. */
static void apply_version(const struct manifest *manifest, unsigned int version)
{
	manifest_write(manifest->path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  sockets: { type: sockmap, max_entries: 2 }\n"
		"  versions: { type: array, value_size: 8, max_entries: %d }\n"
		"programs:\n"
		"  verdict:\n    type: sk_skb\n    body:\n"
		"      - count: { map: versions, key: %u }\n"
		"      - sk_redirect_map: { map: sockets, key: 0, on_miss: pass }\n      - exit\n"
		"attachments:\n"
		"  - { program: verdict, target: sockets, attach_type: stream_verdict }\n",
		manifest->name, VERSIONS, version);
	sockform_expect(0, "apply", manifest->path);
}

static void enter(const struct manifest *manifest, struct stream *stream)
{
	int map = bpf_obj_get(manifest_pin(manifest, "maps/sockets"));

	cr_assert_geq(map, 0);
	pair_open(&stream->in);
	pair_open(&stream->out);
	cr_assert_eq(socket_insert(map, 0, stream->out.server), 0);
	cr_assert_eq(socket_insert(map, 1, stream->in.server), 0);
	close(map);
}

/* Its share of the bytes, so that the versions spread over all of the stream. */
static bool has_passed(const struct stream *stream, uint32_t version)
{
	return atomic_load(&stream->received) >= BYTES / VERSIONS * (version + 1);
}

/* Waits until a version has run under its share; how often it has, 0 after ten seconds. */
static uint64_t wait_for(const struct stream *stream, int counters, uint32_t version)
{
	uint64_t count = 0;

	for (int64_t until = client_now() + RUN_MS;
		(!count || !has_passed(stream, version)) && client_now() < until; usleep(100))
		cr_assert_eq(bpf_map_lookup_elem(counters, &version, &count), 0);
	return has_passed(stream, version) ? count : 0;
}

Test(swap, a_thousand_versions_under_one_stream)
{
	static struct stream stream;
	char *before = snapshot_ids(), *ids, *now;
	struct manifest manifest;
	pthread_t thread;
	uint64_t last;
	int64_t began;
	int counters;

	manifest_init(&manifest, "swap");
	apply_version(&manifest, 0);
	ids = snapshot_ids();
	enter(&manifest, &stream);
	counters = bpf_obj_get(manifest_pin(&manifest, "maps/versions"));
	began = client_now();
	cr_assert_eq(pthread_create(&thread, NULL, stream_run, &stream), 0);
	for (unsigned int version = 0; version < VERSIONS; version++) {
		if (version)
			apply_version(&manifest, version);
		cr_assert(wait_for(&stream, counters, version), "version %u has not run: %s",
			version, stream.fault ? stream.fault : "but bytes flow");
	}
	last = atomic_load(&stream.received);
	atomic_store(&stream.last, true);
	pthread_join(thread, NULL);
	cr_assert_null(
		stream.fault, "%s, after %ju bytes", stream.fault, (uintmax_t)stream.received);
	cr_assert_geq(stream.received, BYTES);
	cr_assert_eq(stream.received, stream.sent);
	/* Nothing comes twice behind its end, and nothing has gone another way. */
	assert_gets_nothing(stream.out.client);
	assert_gets_nothing(stream.out.server);
	assert_gets_nothing(stream.in.client);
	assert_gets_nothing(stream.in.server);
	note("%ju MiB had come when the last version had run", (uintmax_t)(last >> 20));
	note("%ju MiB through %d versions, %d times swapped, in %.1f s",
		(uintmax_t)(stream.received >> 20), VERSIONS, SWAPS,
		(double)(client_now() - began) / 1000);
	close(counters);
	pair_close(&stream.in);
	pair_close(&stream.out);
	now = snapshot_ids();
	cr_assert_eq(text_lines(now), text_lines(ids), "before:\n%safter:\n%s", ids, now);
	sockform_expect(0, "delete", manifest.path);
	assert_ids(before);
	free(before);
	free(ids);
	free(now);
}
