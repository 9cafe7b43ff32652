/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Connections that a test watches over many commands: the accepted end of each is in a map whose program
 * sends all back to where it came from, and the bytes depend on their place, so that one that is lost,
 * doubled or comes in another order is seen. They are pumped now and then, or stream meanwhile.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "raw.h"

struct connection {
	struct pair pair; /* server 0: none */
	uint64_t passed;  /* bytes */
	pthread_t thread; /* that streams */
	bool streams;
	atomic_bool ends, good;
};

/* At index 0 of the map, or under its cookie; a new one where it is not there any more. */
void connection_enter(struct connection *connection, int map);
bool connection_is_in(const struct connection *connection, int map);
void connection_close(struct connection *connection);

/* The next bytes: all of them come, in order, back or to the accepted end's own reader. */
enum destination { COME_BACK, PASS };
bool connection_pump(struct connection *connection, enum destination destination);

/*
 * Bytes there and back all the time from here until they are to end, a few at a time: a while in which
 * they take another way loses one. True where none was lost, or none streamed.
 */
void connection_stream(struct connection *connection);
bool connection_calm(struct connection *connection);
