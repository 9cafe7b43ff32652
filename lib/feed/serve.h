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
	struct connection *live;     /* the newest first */
	struct connection *draining; /* the peer sent FIN: waiting for what is on its way */
	uint64_t next_look;          /* monotonic ns: when those are looked at again */
	uint64_t next_resume;        /* likewise: when paused listeners try again */
	struct feed_totals totals;
	uint64_t troubles, troubles_told; /* a notice at 1, 2, 4, 8 ... troubles */
	void (*notice)(void *context, const char *message);
	void *context;
};

/* Counts them, closes them and takes them out of the set. */
void connections_close(struct feed_set *set);
