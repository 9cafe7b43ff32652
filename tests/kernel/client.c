/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WINDOW_DEFAULT (64 * 1024)
#define CHUNK (64 * 1024)
#define EVENTS 256

struct connection {
	int fd; /* -1: not open, or closed early */
	uint32_t number;
	uint32_t watched; /* epoll events asked for */
	bool connected;
	bool shut;       /* our sending side */
	bool ended;      /* EOF came and was to come */
	bool closed;     /* EOF or an error came and was not to come */
	bool complete;   /* has all of the current goal */
	uint64_t sent;   /* bytes, also the offset of the next one to send */
	uint64_t offset; /* of the next byte to come back */
	uint64_t given_up;
	uint64_t wrong;
};

struct client {
	struct client_options options;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address;
	socklen_t address_length;
	int epoll;
	size_t next;       /* connection to open next */
	size_t pending;    /* connections neither complete nor closed, opened or not */
	uint64_t goal;     /* bytes to send on each connection */
	bool expect;       /* they are to come back */
	uint64_t returned; /* bytes that came back, right or wrong */
	uint64_t sends;
	struct connection *connections;
	uint8_t buffer[CHUNK];
	uint8_t expected[CHUNK];
};

int64_t client_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

size_t client_raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

/* Eight bytes of a connection's stream: a xorshift-multiply mix of its number and the position. */
static uint64_t pattern_word(uint32_t connection, uint64_t index)
{
	uint64_t x = (((uint64_t)connection + 1) << 40) ^ (index + 1) * 0x9e3779b97f4a7c15;

	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9;
	x ^= x >> 27;
	x *= 0x94d049bb133111eb;
	return x ^ x >> 31;
}

void client_pattern(uint8_t *buffer, uint32_t connection, uint64_t offset, size_t length)
{
	while (length) {
		uint64_t word = pattern_word(connection, offset / 8);
		size_t skip = offset % 8;
		size_t n = length < 8 - skip ? length : 8 - skip;

		if (n == 8)
			memcpy(buffer, &word, 8); /* the usual case, and one store */
		else
			memcpy(buffer, (uint8_t *)&word + skip, n);
		buffer += n;
		offset += n;
		length -= n;
	}
}

static bool address_parse(struct client *client)
{
	const struct client_options *options = &client->options;

	if (inet_pton(AF_INET, options->address, &client->address.in.sin_addr) == 1) {
		client->address.in.sin_family = AF_INET;
		client->address.in.sin_port = htons(options->port);
		client->address_length = sizeof(client->address.in);
		return true;
	}
	if (inet_pton(AF_INET6, options->address, &client->address.in6.sin6_addr) == 1) {
		client->address.in6.sin6_family = AF_INET6;
		client->address.in6.sin6_port = htons(options->port);
		client->address_length = sizeof(client->address.in6);
		return true;
	}
	errno = EINVAL;
	return false;
}

struct client *client_create(const struct client_options *options)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->options = *options;
	if (!client->options.window)
		client->options.window = WINDOW_DEFAULT;
	if (!client->options.opening)
		client->options.opening = options->connections;
	client->epoll = epoll_create1(EPOLL_CLOEXEC);
	client->connections = calloc(options->connections, sizeof(*client->connections));
	for (size_t i = 0; client->connections && i < options->connections; i++) {
		client->connections[i].fd = -1;
		client->connections[i].number = options->first + i;
	}
	if (client->epoll < 0 || !client->connections || !address_parse(client)) {
		int error = errno;

		client_destroy(client);
		errno = error;
		return NULL;
	}
	return client;
}

void client_destroy(struct client *client)
{
	if (!client)
		return;
	for (size_t i = 0; client->connections && i < client->options.connections; i++) {
		if (client->connections[i].fd >= 0)
			close(client->connections[i].fd);
	}
	if (client->epoll >= 0)
		close(client->epoll);
	free(client->connections);
	free(client);
}

static void connection_fail(struct client *client, struct connection *connection)
{
	if (connection->closed)
		return;
	connection->closed = true;
	if (!connection->complete)
		client->pending--;
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
}

/* Has the connection all it was to get? Counts it once per goal. */
static void connection_check(struct client *client, struct connection *connection)
{
	bool sent = connection->sent == client->goal;
	bool back = !client->expect || connection->offset == client->goal;
	bool ended = !client->options.half_close || !client->expect || connection->ended;

	if (connection->complete || connection->closed || !connection->connected)
		return;
	if (!sent || !back || !ended)
		return;
	connection->complete = true;
	client->pending--;
}

static void connection_watch(struct client *client, struct connection *connection, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = connection };
	int operation = connection->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (connection->fd < 0 || connection->watched == events)
		return;
	if (epoll_ctl(client->epoll, operation, connection->fd, &event))
		connection_fail(client, connection);
	connection->watched = events;
}

static size_t connection_room(const struct client *client, const struct connection *connection)
{
	uint64_t left = client->goal - connection->sent;
	uint64_t out = connection->sent - connection->offset;
	uint64_t window = client->options.window;
	uint64_t room = out < window ? window - out : 0;

	if (!client->expect || room > left)
		room = left;
	return room < CHUNK ? room : CHUNK;
}

static void connection_shut(struct client *client, struct connection *connection)
{
	if (!client->options.half_close || connection->shut || connection->sent != client->goal)
		return;
	if (shutdown(connection->fd, SHUT_WR))
		connection_fail(client, connection);
	connection->shut = true;
}

/* Sends until the window, the goal or the socket's buffer is full. */
static void connection_send(struct client *client, struct connection *connection)
{
	uint32_t events = EPOLLIN;
	size_t room;

	while ((room = connection_room(client, connection)) > 0) {
		client_pattern(client->buffer, connection->number, connection->sent, room);
		ssize_t n = send(connection->fd, client->buffer, room, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			connection_fail(client, connection);
			return;
		}
		if (n < 0) {
			events |= EPOLLOUT;
			break;
		}
		connection->sent += n;
		connection->connected = true;
		client->sends++;
	}
	connection_shut(client, connection);
	connection_watch(client, connection, events);
}

static void connection_verify(struct client *client, struct connection *connection, size_t length)
{
	const uint8_t *buffer = client->buffer;

	client_pattern(client->expected, connection->number, connection->offset, length);
	if (memcmp(buffer, client->expected, length)) {
		for (size_t i = 0; i < length; i++)
			connection->wrong += buffer[i] != client->expected[i];
	}
	connection->offset += length;
	client->returned += length;
	/* More than was ever sent cannot be ours, whatever the bytes are. */
	if (connection->offset > connection->sent) {
		connection->wrong += connection->offset - connection->sent;
		connection_fail(client, connection);
	}
}

static void connection_receive(struct client *client, struct connection *connection)
{
	while (connection->fd >= 0) {
		ssize_t n = recv(connection->fd, client->buffer, CHUNK, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0 || (n == 0 && !connection->shut)) {
			connection_fail(client, connection);
			return;
		}
		if (n == 0) {
			connection->ended = true;
			connection_watch(client, connection, EPOLLET);
			return;
		}
		connection_verify(client, connection, n);
	}
}

static void connection_event(struct client *client, struct connection *connection, uint32_t events)
{
	if (!connection->connected && (events & (EPOLLERR | EPOLLHUP))) {
		connection_fail(client, connection);
		return;
	}
	connection->connected = true;
	if (!connection->ended)
		connection_receive(client, connection);
	if (connection->fd >= 0 && !connection->ended)
		connection_send(client, connection);
	connection_check(client, connection);
}

/*
 * On loopback the handshake is over when connect() returns, so the first bytes go out here,
 * before the other side can have accepted: the hard case for a socket that enters a map.
 */
static void connection_open(struct client *client, struct connection *connection)
{
	int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

	connection->fd = socket(client->address.sa.sa_family, type, 0);
	if (connection->fd < 0 ||
		(connect(connection->fd, &client->address.sa, client->address_length) &&
			errno != EINPROGRESS)) {
		connection_fail(client, connection);
		return;
	}
	connection_send(client, connection);
	if (!connection->connected)
		connection_watch(client, connection, EPOLLIN | EPOLLOUT);
	connection_check(client, connection);
}

static void client_open_more(struct client *client)
{
	while (client->next < client->options.connections) {
		size_t unopened = client->options.connections - client->next;

		if (client->pending - unopened >= client->options.opening)
			return;
		connection_open(client, &client->connections[client->next++]);
	}
}

/* One round of the event loop, at most `wait` milliseconds. */
static void client_turn(struct client *client, int wait)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(client->epoll, events, EVENTS, wait);

	for (int i = 0; i < count; i++) {
		struct connection *connection = events[i].data.ptr;

		if (connection->fd >= 0)
			connection_event(client, connection, events[i].events);
	}
}

static void client_loop(struct client *client, int64_t until)
{
	client_open_more(client);
	while (client->pending) {
		int64_t left = until - client_now();

		if (left <= 0)
			return;
		client_turn(client, left < 1000 ? left : 1000);
		client_open_more(client);
	}
}

/* Sets the next goal for all connections and gives each open one a first push. */
static void client_aim(struct client *client, uint64_t bytes, bool expect)
{
	client->goal += bytes;
	client->expect = expect;
	client->pending = client->options.connections - client->next;
	for (size_t i = 0; i < client->next; i++) {
		struct connection *connection = &client->connections[i];

		if (connection->closed)
			continue;
		connection->complete = false;
		client->pending++;
		connection_send(client, connection);
		connection_check(client, connection);
	}
}

bool client_echo(struct client *client, uint64_t bytes, int deadline)
{
	client_aim(client, bytes, true);
	client_loop(client, client_now() + deadline);
	for (size_t i = 0; i < client->options.connections; i++) {
		const struct connection *connection = &client->connections[i];

		if (!connection->complete || connection->wrong || connection->closed)
			return false;
	}
	return true;
}

uint64_t client_send(struct client *client, uint64_t bytes, int quiet, int deadline)
{
	uint64_t before = client->returned;

	client_aim(client, bytes, false);
	client_loop(client, client_now() + deadline);
	for (int64_t until = client_now() + quiet; client_now() < until;)
		client_turn(client, until - client_now());
	for (size_t i = 0; i < client->options.connections; i++) {
		struct connection *connection = &client->connections[i];

		connection->given_up += connection->sent - connection->offset;
		connection->offset = connection->sent;
	}
	return client->returned - before;
}

void client_totals(const struct client *client, struct client_totals *ret)
{
	*ret = (struct client_totals){ .sends = client->sends };
	for (size_t i = 0; i < client->options.connections; i++) {
		const struct connection *connection = &client->connections[i];

		ret->sent += connection->sent;
		ret->received += connection->offset - connection->given_up - connection->wrong;
		ret->wrong += connection->wrong;
		ret->connected += connection->connected;
		ret->complete += connection->complete;
		ret->closed += connection->closed;
		ret->ended += connection->ended;
	}
}
