/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside the room: maps to be filled, listeners and connections. */
#pragma once

#include "lib/feed/feed.h"

/* A map that feeds fill. Several feeds of a manifest may share one. */
struct feed_map {
	const struct manifest *manifest;
	const struct manifest_map *map;
	int fd;          /* -1: not open */
	uint64_t *taken; /* sockmap: a bit per index that one of our sockets has */
	uint32_t lowest; /* sockmap: no index below is free */
};

struct connection {
	int fd;
	struct feed_map *map;
	bool indexed;        /* sockmap: it has an index */
	uint32_t index;      /* which */
	uint64_t moved;      /* while draining: bytes in and out when last looked at */
	uint64_t idle_since; /* likewise: monotonic ns since when nothing has moved; 0: not looked
				at */
	struct connection **list; /* the list that it is in */
	struct connection *previous, *next;
};

/* insert.c */

/* Puts the socket into its map and has the kernel look at what is queued; 0 or a negative errno. */
int feed_insert(struct connection *connection);

/* Gives the index back; the kernel has removed the entry when the socket was closed. */
void feed_release(struct connection *connection);
