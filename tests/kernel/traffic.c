/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "traffic.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

#define PUMPED 256   /* bytes */
#define STREAMED 64  /* bytes at a time */
#define PAUSE_US 300 /* between them: the program under test wants a processor, too */

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	cr_assert_eq(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length), 0);
	return cookie;
}

/* An index is the first half of a key of eight bytes. */
static uint64_t key_in(int map, int fd)
{
	struct bpf_map_info info = { 0 };
	__u32 length = sizeof(info);

	cr_assert_eq(bpf_obj_get_info_by_fd(map, &info, &length), 0, "%s", strerror(errno));
	return info.type == BPF_MAP_TYPE_SOCKHASH ? cookie_of(fd) : 0;
}

bool connection_is_in(const struct connection *connection, int map)
{
	uint64_t key, there = 0;

	if (!connection->pair.server)
		return false;
	key = key_in(map, connection->pair.server);
	return !bpf_map_lookup_elem(map, &key, &there) &&
	       there == cookie_of(connection->pair.server);
}

void connection_enter(struct connection *connection, int map)
{
	uint64_t key, fd;

	if (connection_is_in(connection, map))
		return;
	connection_close(connection);
	pair_open(&connection->pair);
	fd = (uint64_t)connection->pair.server;
	key = key_in(map, connection->pair.server);
	cr_assert_eq(bpf_map_update_elem(map, &key, &fd, BPF_ANY), 0, "%s", strerror(errno));
}

void connection_close(struct connection *connection)
{
	if (connection->pair.server)
		pair_close(&connection->pair);
	*connection = (struct connection){ 0 };
}

/* Takes what comes at one end; false where that is not what was expected, or the end of it all. */
static bool take(int fd, const uint8_t *expected, size_t size, size_t *length)
{
	uint8_t got[PUMPED];
	ssize_t n = recv(fd, got, size - *length, MSG_DONTWAIT);

	if (n <= 0 || memcmp(got, expected + *length, (size_t)n))
		return false;
	*length += (size_t)n;
	return true;
}

/* Asserts nothing: a thread calls it, too. */
static bool pump(struct connection *connection, int fd, size_t size)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };
	uint8_t bytes[PUMPED];
	size_t length = 0;

	client_pattern(bytes, 1, connection->passed, size);
	connection->passed += size;
	if (send(connection->pair.client, bytes, size, MSG_NOSIGNAL) != (ssize_t)size)
		return false;
	while (length < size)
		if (poll(&end, 1, ANSWER_MS) <= 0 || !take(fd, bytes, size, &length))
			return false;
	return true;
}

bool connection_pump(struct connection *connection, enum destination destination)
{
	return pump(connection,
		destination == PASS ? connection->pair.server : connection->pair.client, PUMPED);
}

static void *stream(void *argument)
{
	struct connection *connection = argument;

	while (connection->good && !connection->ends) {
		connection->good = pump(connection, connection->pair.client, STREAMED);
		usleep(PAUSE_US);
	}
	return NULL;
}

void connection_stream(struct connection *connection)
{
	if (!connection->pair.server)
		return;
	connection->good = true;
	connection->ends = false;
	cr_assert_eq(pthread_create(&connection->thread, NULL, stream, connection), 0);
	connection->streams = true;
}

bool connection_calm(struct connection *connection)
{
	if (!connection->streams)
		return true;
	connection->ends = true;
	pthread_join(connection->thread, NULL);
	connection->streams = false;
	return connection->good;
}
