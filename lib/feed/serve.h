/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside the room: the set that the event loop works on. */
#pragma once

#include "lib/feed/internal.h"

struct listener {
	int fd;
	struct feed_map *map;
	bool paused; /* no descriptors left: not polled until some are free again */
};

struct feed_set {
	int epoll;
	struct listener *listeners;
	size_t listener_count;
	struct feed_map *maps;
	size_t map_count;
	struct connection *connections; /* all, the newest first */
	size_t draining;
	struct feed_totals totals;
	uint64_t refusals_told; /* a notice at 1, 2, 4, 8 ... refusals */
	void (*notice)(void *context, const char *message);
	void *context;
};

/* Counts it, closes it and takes it out of the set. */
void connection_close(struct feed_set *set, struct connection *connection);
