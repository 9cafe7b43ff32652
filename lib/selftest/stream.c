/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/selftest/trial.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>

#define CHUNK (64 << 10)
#define DATAGRAM_MOST 1000

/* Eight bytes at a time: a number that looks like chance, made of their place (splitmix64). */
static uint64_t word_at(uint64_t place)
{
	uint64_t word = (place + 1) * 0x9e3779b97f4a7c15;

	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
	word = (word ^ word >> 27) * 0x94d049bb133111eb;
	return word ^ word >> 31;
}

void stream_pattern(unsigned char *buffer, uint64_t offset, size_t length)
{
	while (length) {
		uint64_t word = word_at(offset / 8);
		size_t skip = offset % 8, most = 8 - skip, take = most < length ? most : length;

		memcpy(buffer, (const char *)&word + skip, take);
		buffer += take;
		offset += take;
		length -= take;
	}
}

static uint64_t smaller(uint64_t one, uint64_t other)
{
	return one < other ? one : other;
}

static uint64_t window_of(const struct stream *stream)
{
	return stream->window ? stream->window : STREAM_WINDOW;
}

static bool is_later(int error)
{
	return error == EAGAIN || error == EINTR;
}

static ssize_t send_some(struct stream *stream, size_t most)
{
	unsigned char buffer[CHUNK];
	off_t offset = (off_t)stream->sent;

	if (stream->sends_file)
		return sendfile(stream->from, stream->file, &offset, most);
	stream_pattern(buffer, stream->sent, most);
	return send(stream->from, buffer, most, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int64_t stream_send(struct trial *trial, struct stream *stream)
{
	uint64_t under_way = stream->sent - stream->received, window = window_of(stream);
	size_t most;
	ssize_t length;

	if (under_way >= window || stream->sent == stream->bytes)
		return 0;
	most = (size_t)smaller(smaller(window - under_way, stream->bytes - stream->sent), CHUNK);
	length = send_some(stream, most);
	if (length < 0 && is_later(errno))
		return 0;
	if (length < 0) {
		trial_failed(trial,
			arena_printf(trial->arena, "sending failed after %" PRIu64 " bytes",
				stream->sent),
			errno);
		return -1;
	}
	stream->sent += (uint64_t)length;
	return length;
}

static bool compare(
	struct trial *trial, const struct stream *stream, const unsigned char *got, size_t length)
{
	unsigned char expected[CHUNK];
	size_t same = 0;

	stream_pattern(expected, stream->received, length);
	if (memcmp(got, expected, length) == 0)
		return true;
	while (got[same] == expected[same])
		same++;
	return trial_fault(trial, "byte %" PRIu64 " of %" PRIu64 " is another one",
		stream->received + same, stream->bytes);
}

int64_t stream_receive(struct trial *trial, struct stream *stream)
{
	unsigned char buffer[CHUNK];
	ssize_t length =
		recv(stream->to, buffer, stream->sip ? stream->sip : sizeof(buffer), MSG_DONTWAIT);

	if (length < 0 && is_later(errno))
		return 0;
	if (length < 0)
		trial_failed(trial,
			arena_printf(trial->arena, "receiving failed after %" PRIu64 " bytes",
				stream->received),
			errno);
	else if (!length)
		trial_fault(trial, "the stream ended after %" PRIu64 " of %" PRIu64 " bytes",
			stream->received, stream->bytes);
	else if (stream->received + (uint64_t)length > stream->bytes)
		trial_fault(trial, "more than %" PRIu64 " bytes came", stream->bytes);
	if (length <= 0 || stream->received + (uint64_t)length > stream->bytes ||
		!compare(trial, stream, buffer, (size_t)length))
		return -1;
	stream->received += (uint64_t)length;
	return length;
}

/* A reader that is slow: it leaves what is there lying for a moment. */
static void rest(const struct stream *stream)
{
	const struct timespec moment = { .tv_nsec = 200000 };

	if (stream->sip)
		nanosleep(&moment, NULL);
}

static bool step(struct trial *trial, struct stream *stream, int64_t *moved)
{
	int64_t sent = stream_send(trial, stream), received;

	rest(stream);
	received = sent < 0 ? -1 : stream_receive(trial, stream);
	*moved = sent + received;
	return received >= 0 && (!stream->hook || stream->hook(trial, stream));
}

static bool is_stuck(struct trial *trial, const struct stream *stream)
{
	return trial_late(trial,
		"stuck: %" PRIu64 " of %" PRIu64 " bytes arrived, %" PRIu64 " were sent",
		stream->received, stream->bytes, stream->sent);
}

bool stream_run(struct trial *trial, struct stream *stream)
{
	bool is_long = stream->bytes > STREAM_WINDOW;
	uint64_t patience = is_long ? TRIAL_LONG_STALL_MS : TRIAL_STALL_MS;
	uint64_t until = trial_patience_of(trial, patience), moved_at = clock_ns();
	int64_t moved;

	while (stream->received < stream->bytes) {
		if (!step(trial, stream, &moved))
			return false;
		if (moved) {
			uint64_t now = clock_ns();

			if (now - moved_at > stream->pause)
				stream->pause = now - moved_at;
			moved_at = now;
			until = trial_patience_of(trial, patience);
			continue;
		}
		if (clock_ns() >= until)
			return is_stuck(trial, stream);
		trial_tick(stream->to, POLLIN);
	}
	return stream_silent(trial, stream->to, "the reader");
}

bool stream_push(struct trial *trial, struct stream *stream)
{
	uint64_t waits_since = 0;

	while (stream->sent < stream->bytes) {
		int64_t sent = stream_send(trial, stream);

		if (sent < 0)
			return false;
		if (clock_ns() >= trial->deadline)
			return trial_skip(trial, TRIAL_NO_TIME);
		/* Counted from the first refusal: before it this process itself may have been held. */
		if (sent)
			waits_since = 0;
		else if (!waits_since)
			waits_since = clock_ns();
		else if (clock_ns() - waits_since > TRIAL_HELD_MS * NS_PER_MS)
			break;
		else
			trial_tick(stream->from, POLLOUT);
	}
	return true;
}

bool stream_silent(struct trial *trial, int fd, const char *whose)
{
	struct pollfd wait = { fd, POLLIN, 0 };
	char byte;

	poll(&wait, 1, TRIAL_QUIET_MS);
	if (recv(fd, &byte, 1, MSG_DONTWAIT) > 0)
		return trial_fault(trial, "%s got bytes that were not for it", whose);
	return true;
}

bool stream_arrives(struct trial *trial, int fd, size_t bytes)
{
	uint64_t until = trial_patience(trial);
	char seen[STREAM_PEEK];

	while (recv(fd, seen, bytes, MSG_PEEK | MSG_DONTWAIT) < (ssize_t)bytes) {
		if (clock_ns() >= until)
			return trial_late(trial, "%zu bytes do not arrive", bytes);
		trial_tick(-1, 0);
	}
	return true;
}

bool stream_ends(struct trial *trial, int fd, const char *whose)
{
	uint64_t until = trial_patience(trial);
	char byte;

	do {
		ssize_t length = recv(fd, &byte, 1, MSG_DONTWAIT);

		if (!length)
			return true;
		if (length > 0)
			return trial_fault(trial, "%s got bytes instead of an end", whose);
		if (!is_later(errno))
			return trial_failed(
				trial, arena_printf(trial->arena, "%s got no end", whose), errno);
		trial_tick(fd, POLLIN);
	} while (clock_ns() < until);
	return trial_late(trial, "%s sees no end of the stream: EAGAIN for ever", whose);
}

bool stream_move(struct trial *trial, int from, int to, uint64_t bytes)
{
	struct stream stream = { .from = from, .to = to, .bytes = bytes };

	return stream_run(trial, &stream);
}

static bool receive_datagram(struct trial *trial, int fd, uint64_t offset, size_t size)
{
	unsigned char got[DATAGRAM_MOST + 1], expected[DATAGRAM_MOST];
	uint64_t until = trial_patience(trial);

	stream_pattern(expected, offset, size);
	do {
		ssize_t length = recv(fd, got, sizeof(got), MSG_DONTWAIT);

		if (length == (ssize_t)size && memcmp(got, expected, size) == 0)
			return true;
		if (length >= 0)
			return trial_fault(trial,
				"a datagram of %zu bytes came as another one, of %zd", size,
				length);
		if (!is_later(errno))
			return trial_failed(trial, "receiving failed", errno);
		trial_tick(fd, POLLIN);
	} while (clock_ns() < until);
	return trial_late(trial, "a datagram did not arrive");
}

bool stream_datagrams(struct trial *trial, int from, int to, uint32_t count)
{
	unsigned char buffer[DATAGRAM_MOST];
	uint64_t offset = 0;

	for (uint32_t i = 0; i < count; i++) {
		size_t size = 1 + i * 7 % DATAGRAM_MOST;

		stream_pattern(buffer, offset, size);
		if (send(from, buffer, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size)
			return trial_failed(trial, "sending failed", errno);
		if (!receive_datagram(trial, to, offset, size))
			return false;
		offset += size;
	}
	return stream_silent(trial, to, "the reader");
}
