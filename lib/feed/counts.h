/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What TCP has counted: the only way to tell whether what a redirect took in has left. Under SK_MSG the
 * counters stay 0.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Of one connection, in bytes. */
struct feed_counts {
	uint64_t received; /* without the peer's FIN */
	uint64_t queued;   /* for sending, sent or not */
	bool in_flight;    /* queued and not acknowledged */
	bool closed;       /* reset, or gone */
};

struct feed_counts feed_read_counts(int fd);
