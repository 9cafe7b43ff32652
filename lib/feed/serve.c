/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The event loop. What it waits for on a connection is its end and nothing else: EPOLLRDHUP without
 * EPOLLIN, so that bytes never wake this process.
 *
 * A peer that half-closes still has bytes on the way: closing at once would purge what is queued in
 * the kernel's redirect queue (seen: 10 of 10 streams cut). No call tells whether that queue is
 * empty, so TCP's counters have to. A connection has drained when the peer has acknowledged all
 * that was sent to it, nothing has moved for a moment, and as many bytes were queued for sending as
 * were received. Where the program does something else with the bytes the last never comes true,
 * and a longer time without movement decides. A peer that reads slowly is waited for: it has bytes
 * in flight. (Closing as soon as the counts match cuts streams where others send to the socket,
 * too.)
 *
 * EPOLLERR beside EPOLLRDHUP is no reason to hurry: a redirect to a socket that is going leaves
 * EPIPE on it (sk_psock_backlog). Only EPOLLHUP, both directions shut, says that nothing is left to
 * wait for.
 */
#include "lib/feed/serve.h"

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/feed/counts.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS_AT_ONCE 256
#define ACCEPTS_AT_ONCE 256
#define DRAIN_TICK_NS (4 * 1000 * 1000ull)        /* how often draining connections are looked at */
#define DRAIN_MOMENT_NS (20 * 1000 * 1000ull)     /* idle, with counts that match */
#define DRAIN_PATIENCE_NS (1000 * 1000 * 1000ull) /* idle, with counts that do not */
#define PAUSE_TICK_NS (100 * 1000 * 1000ull)      /* how long a paused listener waits */

static const char *explain(int error)
{
	if (error == -ENOSPC || error == -E2BIG)
		return "the map is full";
	/* The kernel takes established connections only (sock_map_sk_state_allowed). */
	if (error == -EOPNOTSUPP)
		return "its peer had shut its side already";
	return strerror(-error);
}

static void tell(struct feed_set *set, const char *what, int error)
{
	char message[160];

	set->troubles++;
	if (set->troubles < set->troubles_told * 2)
		return;
	set->troubles_told = set->troubles;
	snprintf(message, sizeof(message), "%s: %s (%llu so far)", what, explain(error),
		(unsigned long long)set->troubles);
	set->notice(set->context, message);
}

static void take_out(struct connection *connection)
{
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		*connection->list = connection->next;
	if (connection->next)
		connection->next->previous = connection->previous;
}

static void put_into(struct connection **list, struct connection *connection)
{
	connection->list = list;
	connection->previous = NULL;
	connection->next = *list;
	if (*list)
		(*list)->previous = connection;
	*list = connection;
}

static void connection_close(struct feed_set *set, struct connection *connection)
{
	struct feed_counts counts = feed_read_counts(connection->fd);

	set->totals.connections++;
	set->totals.bytes_in += counts.received;
	set->totals.bytes_out += counts.queued;
	fd_close(connection->fd);
	feed_release(connection);
	take_out(connection);
	free(connection);
}

void connections_close(struct feed_set *set)
{
	while (set->live)
		connection_close(set, set->live);
	while (set->draining)
		connection_close(set, set->draining);
}

static void admit(struct feed_set *set, const struct listener *listener, int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	struct epoll_event event = { .events = EPOLLRDHUP, .data.ptr = connection };
	int error;

	if (!connection)
		arena_out_of_memory();
	connection->fd = fd;
	connection->map = listener->map;
	error = feed_insert(connection);
	if (!error && epoll_ctl(set->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		error = -errno;
	if (!error) {
		put_into(&set->live, connection);
		return;
	}
	fd_close(fd);
	feed_release(connection);
	free(connection);
	set->totals.refused++;
	/* A peer that has gone again by now is no fault of anybody's. */
	if (error != -ENOTCONN)
		tell(set, "a connection was closed because it could not enter its map", error);
}

static void pause_listener(struct feed_set *set, struct listener *listener, bool pause)
{
	struct epoll_event event = { .events = pause ? 0 : EPOLLIN, .data.ptr = listener };

	listener->paused = pause;
	epoll_ctl(set->epoll, EPOLL_CTL_MOD, listener->fd, &event);
}

/* So many at once, and then others have their turn: the listener stays readable. */
static void accept_some(struct feed_set *set, struct listener *listener)
{
	int fd;

	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			break;
		admit(set, listener, fd);
	}
	if (fd >= 0 || (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS))
		return;
	tell(set, "connections wait, because no more can be accepted", -errno);
	pause_listener(set, listener, true);
	set->next_resume = clock_ns() + PAUSE_TICK_NS;
}

static bool has_drained(struct connection *connection, uint64_t now)
{
	struct feed_counts counts = feed_read_counts(connection->fd);
	uint64_t moved = counts.received + counts.queued;

	if (counts.closed)
		return true;
	if (!connection->idle_since || moved != connection->moved || counts.in_flight) {
		connection->moved = moved;
		connection->idle_since = now;
	}
	return now - connection->idle_since >=
	       (counts.received <= counts.queued ? DRAIN_MOMENT_NS : DRAIN_PATIENCE_NS);
}

static void end_connection(struct feed_set *set, struct connection *connection, uint32_t events)
{
	uint64_t now = clock_ns();

	if (events & EPOLLHUP || !(events & EPOLLRDHUP)) {
		connection_close(set, connection);
		return;
	}
	/* From here on the timer looks at it; level-triggered, the event would not stop. */
	epoll_ctl(set->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
	if (!set->draining)
		set->next_look = now + DRAIN_TICK_NS;
	take_out(connection);
	put_into(&set->draining, connection);
	has_drained(connection, now);
}

static void look_at_draining(struct feed_set *set, uint64_t now)
{
	struct connection *next;

	if (!set->draining || now < set->next_look)
		return;
	set->next_look = now + DRAIN_TICK_NS;
	for (struct connection *connection = set->draining; connection; connection = next) {
		next = connection->next;
		if (has_drained(connection, now))
			connection_close(set, connection);
	}
}

static bool any_paused(const struct feed_set *set)
{
	for (size_t i = 0; i < set->listener_count; i++)
		if (set->listeners[i].paused)
			return true;
	return false;
}

static void resume_listeners(struct feed_set *set, uint64_t now)
{
	if (now < set->next_resume)
		return;
	for (size_t i = 0; i < set->listener_count; i++)
		if (set->listeners[i].paused)
			pause_listener(set, &set->listeners[i], false);
}

/* Milliseconds until something has to be looked at again, rounded up; -1: nothing. */
static int next_timeout(const struct feed_set *set)
{
	uint64_t now = clock_ns(), next = UINT64_MAX;

	if (set->draining)
		next = set->next_look;
	if (any_paused(set) && set->next_resume < next)
		next = set->next_resume;
	if (next == UINT64_MAX)
		return -1;
	return next <= now ? 0 : (int)((next - now + 999999) / 1000000);
}

static int watch(struct feed_set *set, int fd, void *pointer)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = pointer };

	return epoll_ctl(set->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

static bool is_listener(const struct feed_set *set, const void *pointer)
{
	const char *at = pointer, *first = (const char *)set->listeners;

	return at >= first && at < first + set->listener_count * sizeof(*set->listeners);
}

/* False when `stop` was among the events. */
static bool handle_events(struct feed_set *set, const struct epoll_event *events, int count)
{
	for (int i = 0; i < count; i++) {
		void *pointer = events[i].data.ptr;

		if (!pointer)
			return false;
		if (is_listener(set, pointer))
			accept_some(set, pointer);
		else
			end_connection(set, pointer, events[i].events);
	}
	return true;
}

static int loop(struct feed_set *set)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	uint64_t now;

	for (;;) {
		int count = epoll_wait(set->epoll, events, EVENTS_AT_ONCE, next_timeout(set));

		if (count < 0 && errno != EINTR)
			return -errno;
		if (!handle_events(set, events, count))
			return 0;
		now = clock_ns();
		look_at_draining(set, now);
		resume_listeners(set, now);
	}
}

int feed_serve(struct feed_set *set, int stop, void (*notice)(void *context, const char *message),
	void *context)
{
	int error = watch(set, stop, NULL);

	set->notice = notice;
	set->context = context;
	for (size_t i = 0; !error && i < set->listener_count; i++)
		error = watch(set, set->listeners[i].fd, &set->listeners[i]);
	if (!error)
		error = loop(set);
	connections_close(set);
	return error;
}

struct feed_totals feed_totals(const struct feed_set *set)
{
	return set->totals;
}
