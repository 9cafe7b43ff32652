/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/feed/serve.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static int listen_on(const struct manifest_address *address)
{
	cleanup_fd int fd =
		socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
		bind(fd, &address->any, address->length) != 0 || listen(fd, SOMAXCONN) != 0)
		return -errno;
	return fd_steal(&fd);
}

/* The set's entry for a map of a manifest; feeds that fill the same map share it. */
static struct feed_map *map_for(
	struct feed_set *set, const struct manifest *manifest, const struct manifest_feed *feed)
{
	const struct manifest_map *wanted = &manifest->maps.items[feed->into_at];

	for (size_t i = 0; i < set->map_count; i++)
		if (set->maps[i].map == wanted)
			return &set->maps[i];
	set->maps[set->map_count] = (struct feed_map){ manifest, wanted, -1, NULL, 0 };
	return &set->maps[set->map_count++];
}

static bool add_listener(struct feed_set *set, struct kernel *kernel,
	const struct manifest *manifest, const struct manifest_feed *feed)
{
	struct listener *listener = &set->listeners[set->listener_count];
	int fd = listen_on(&feed->accept);

	if (fd < 0) {
		diag_add(kernel->diagnostics, DIAG_E0407, feed->accept.mark,
			"cannot listen on %s: %s", feed->accept.text, strerror(-fd));
		return false;
	}
	*listener = (struct listener){ fd, map_for(set, manifest, feed), false };
	set->listener_count++;
	return true;
}

/* calloc that does not fail, see arena.h. */
static void *allocate(size_t count, size_t size)
{
	void *result = calloc(count ? count : 1, size);

	if (!result)
		arena_out_of_memory();
	return result;
}

struct feed_set *feed_listen(
	struct kernel *kernel, const struct manifest *const *manifests, size_t count)
{
	struct feed_set *set = allocate(1, sizeof(*set));
	size_t feeds = 0;
	bool listening = true;

	set->epoll = -1;
	for (size_t i = 0; i < count; i++)
		feeds += manifests[i]->feeds.count;
	set->maps = allocate(feeds, sizeof(*set->maps));
	set->listeners = allocate(feeds, sizeof(*set->listeners));
	for (size_t i = 0; i < count; i++)
		vec_each (feed, &manifests[i]->feeds)
			listening = add_listener(set, kernel, manifests[i], feed) && listening;
	set->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (set->epoll < 0)
		diag_add(kernel->diagnostics, DIAG_E0402, mark_none,
			"cannot wait for connections: %s", strerror(errno));
	if (listening && set->epoll >= 0)
		return set;
	feed_destroy(set);
	return NULL;
}

bool feed_open_maps(struct feed_set *set, struct kernel *kernel)
{
	for (size_t i = 0; i < set->map_count; i++) {
		struct feed_map *map = &set->maps[i];
		const char *path = kernel_path(
			kernel, map->manifest->name.text, FOLDER_MAPS, map->map->self.text);

		map->fd = kernel_open_pin(path);
		if (map->fd < 0) {
			diag_add(kernel->diagnostics, DIAG_E0402, map->map->self.mark,
				"cannot open %s: %s", path, strerror(-map->fd));
			return false;
		}
		if (map->map->kind->fixed_key)
			map->taken =
				allocate(map->map->max_entries.value / 64 + 1, sizeof(uint64_t));
	}
	return true;
}

void feed_destroy(struct feed_set *set)
{
	if (!set)
		return;
	connections_close(set);
	for (size_t i = 0; i < set->listener_count; i++)
		fd_close(set->listeners[i].fd);
	for (size_t i = 0; i < set->map_count; i++) {
		fd_close(set->maps[i].fd);
		free(set->maps[i].taken);
	}
	fd_close(set->epoll);
	free(set->listeners);
	free(set->maps);
	free(set);
}
