/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A bounded TCP client that checks an echo: many nonblocking connections in one epoll loop, each
 * sending its own pseudo-random bytes and comparing what comes back with them, in order.
 *
 * A connection's byte at an offset is a function of the connection's number and the offset, so
 * nothing that was sent has to be kept, and a byte of another connection, a lost one or a doubled
 * one is seen at once. At most `window` bytes of a connection are under way at any time: the
 * kernel's redirection has no backpressure, so the client has to bound what lies in it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client_options {
	const char *address; /* IPv4 or IPv6, numeric */
	uint16_t port;       /* host order */
	size_t connections;
	size_t window;   /* bytes under way per connection, 0: 64 KiB */
	size_t opening;  /* connections being opened at a time, 0: all at once */
	uint32_t first;  /* number of the first connection, seeds its bytes */
	bool half_close; /* after the last byte shut the sending side, then expect EOF */
};

/* Sums over all connections since client_create(). */
struct client_totals {
	uint64_t sent;     /* bytes the kernel took */
	uint64_t received; /* bytes that came back and were the right ones */
	uint64_t wrong;    /* bytes that were not those expected at their offset */
	uint64_t sends;    /* send() calls that took at least one byte */
	size_t connected;
	size_t complete; /* connections that have all they were to get */
	size_t closed;   /* connections that ended early: EOF, reset, refused */
	size_t ended;    /* connections that got EOF when they were to get it */
};

struct client;

/* Opens nothing yet. NULL with errno for a bad address or too few file descriptors. */
struct client *client_create(const struct client_options *options);
void client_destroy(struct client *client);

/*
 * Sends `bytes` more on every connection (connecting first where that has not been done) and
 * waits until all of them came back. True when each connection got everything within
 * `deadline` milliseconds; client_totals() tells what was missing.
 */
bool client_echo(struct client *client, uint64_t bytes, int deadline);

/*
 * Sends `bytes` more on every connection and expects nothing back: waits until they are sent,
 * then `quiet` milliseconds more for bytes that come back all the same. Returns how many did.
 * Afterwards the bytes that are out are given up: a later client_echo() does not expect them.
 */
uint64_t client_send(struct client *client, uint64_t bytes, int quiet, int deadline);

void client_totals(const struct client *client, struct client_totals *ret);

/* The bytes themselves, for tests that hold their own sockets. */
void client_pattern(uint8_t *buffer, uint32_t connection, uint64_t offset, size_t length);

/* Milliseconds of the monotonic clock. */
int64_t client_now(void);

/* Raises the soft limit of open files to the hard one; returns it. */
size_t client_raise_files(void);
