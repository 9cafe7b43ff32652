/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Feeds: how sockets enter maps at run time.
 *
 * A feed listens, accepts, and puts each socket into its map: in a sockhash under the socket's own
 * key, in a sockmap at the lowest free index. From then on the kernel moves the bytes; this process
 * makes no read and no write on the socket. It waits for the peer's FIN, lets what is still on its
 * way leave, and closes.
 */
#pragma once

#include "lib/kernel/kernel.h"
#include "lib/manifest/manifest.h"

struct feed_set;

/* Sums over all connections that have ended; bytes that came in and that were queued to go out. */
struct feed_totals {
	uint64_t connections, refused, bytes_in, bytes_out;
};

/*
 * Listens on the address of every feed of the manifests, before anything is applied: an address
 * that is taken changes nothing. NULL with a diagnostic, at the feed's line for each that fails.
 */
struct feed_set *feed_listen(
	struct kernel *kernel, const struct manifest *const *manifests, size_t count);

/* Opens the maps, which have their pins now. False with a diagnostic. */
bool feed_open_maps(struct feed_set *set, struct kernel *kernel);

/*
 * Serves until `stop` is readable. `notice` is told what goes wrong with single sockets, seldom
 * enough to be printed. Returns 0, or a negative errno where the loop itself cannot go on; all
 * connections are closed then.
 */
int feed_serve(struct feed_set *set, int stop, void (*notice)(void *context, const char *message),
	void *context);

struct feed_totals feed_totals(const struct feed_set *set);

/* Closes everything; takes NULL. */
void feed_destroy(struct feed_set *set);
