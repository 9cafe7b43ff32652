/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/feed/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

struct tuple {
	union {
		struct sockaddr any;
		struct sockaddr_in ip4;
		struct sockaddr_in6 ip6;
	} local, remote;
	uint64_t cookie, netns_cookie;
};

static int read_tuple(int fd, struct tuple *ret)
{
	socklen_t local = sizeof(ret->local), remote = sizeof(ret->remote);
	socklen_t cookie = sizeof(ret->cookie), netns_cookie = sizeof(ret->netns_cookie);

	*ret = (struct tuple){ 0 };
	if (getsockname(fd, &ret->local.any, &local) != 0 ||
		getpeername(fd, &ret->remote.any, &remote) != 0 ||
		getsockopt(fd, SOL_SOCKET, SO_COOKIE, &ret->cookie, &cookie) != 0)
		return -errno;
	/* Kernels before 5.14 do not tell; a map whose key has it fails on those, and no other. */
	getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &ret->netns_cookie, &netns_cookie);
	return 0;
}

/*
 * The bytes of one field, as key.h says. Ports stand at the same place in both address families; an
 * IPv4 socket has no IPv6 address, and where that would stand sockaddr_in is zero.
 */
static const void *field_bytes(const struct tuple *tuple, enum key_field_id field)
{
	_Static_assert(
		offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
		"one place for the port");
	_Static_assert(
		offsetof(struct sockaddr_in, sin_zero) == offsetof(struct sockaddr_in6, sin6_addr),
		"no IPv6 address in sockaddr_in");
	switch (field) {
	case KEY_COOKIE:
		return &tuple->cookie;
	case KEY_NETNS_COOKIE:
		return &tuple->netns_cookie;
	case KEY_FAMILY:
		return &tuple->local.any.sa_family;
	case KEY_LOCAL_IP4:
		return &tuple->local.ip4.sin_addr;
	case KEY_REMOTE_IP4:
		return &tuple->remote.ip4.sin_addr;
	case KEY_LOCAL_IP6:
		return &tuple->local.ip6.sin6_addr;
	case KEY_REMOTE_IP6:
		return &tuple->remote.ip6.sin6_addr;
	case KEY_LOCAL_PORT:
		return &tuple->local.ip4.sin_port;
	case KEY_REMOTE_PORT:
		return &tuple->remote.ip4.sin_port;
	case KEY_FIELD_COUNT:
		break;
	}
	return NULL;
}

static int insert_by_key(const struct connection *connection)
{
	const struct manifest_map *map = connection->map->map;
	unsigned char key[KEY_MAX_BYTES];
	size_t at = 0;
	struct tuple tuple;
	int error = read_tuple(connection->fd, &tuple);

	if (error)
		return error;
	for (uint32_t i = 0; i < map->key.layout.count; i++) {
		enum key_field_id field = map->key.layout.fields[i];

		memcpy(key + at, field_bytes(&tuple, field), key_fields[field].size);
		at += key_fields[field].size;
	}
	return kernel_insert_socket(
		connection->map->fd, key, connection->fd, map->value_bytes, BPF_NOEXIST);
}

static bool is_taken(const struct feed_map *map, uint32_t index)
{
	return map->taken[index / 64] >> (index % 64) & 1;
}

/* The kernel has the last word on which index is free: other processes may fill the map as well. */
static int insert_at_lowest(struct connection *connection)
{
	struct feed_map *map = connection->map;
	uint32_t most = (uint32_t)map->map->max_entries.value;

	while (map->lowest < most && is_taken(map, map->lowest))
		map->lowest++;
	for (uint32_t index = map->lowest; index < most; index++) {
		int error;

		if (is_taken(map, index))
			continue;
		error = kernel_insert_socket(
			map->fd, &index, connection->fd, map->map->value_bytes, BPF_NOEXIST);
		if (error == -EEXIST)
			continue;
		if (error)
			return error;
		map->taken[index / 64] |= UINT64_C(1) << (index % 64);
		connection->index = index;
		connection->indexed = true;
		return 0;
	}
	return -ENOSPC;
}

int feed_insert(struct connection *connection)
{
	const int one = 1;
	int error =
		connection->map->taken ? insert_at_lowest(connection) : insert_by_key(connection);

	if (error)
		return error;
	/*
	 * Bytes that were queued before the socket entered the map would wait for the next segment,
	 * for ever with a client that sends once and then listens. Setting SO_RCVLOWAT runs the
	 * socket's data-ready callback, which is the map's by now (tcp_set_rcvlowat).
	 */
	if (setsockopt(connection->fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one)) != 0)
		return -errno;
	return 0;
}

void feed_release(struct connection *connection)
{
	struct feed_map *map = connection->map;

	if (!connection->indexed)
		return;
	map->taken[connection->index / 64] &= ~(UINT64_C(1) << (connection->index % 64));
	if (connection->index < map->lowest)
		map->lowest = connection->index;
}
