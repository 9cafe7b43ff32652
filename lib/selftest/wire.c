/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Sockets of a trial's own, on loopback, at ports that the system picks. */
#include "lib/selftest/trial.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in ip4;
		struct sockaddr_in6 ip6;
	};
	socklen_t length;
};

static struct address loopback(int family)
{
	struct address address = { .length = family == AF_INET ? sizeof(address.ip4)
							       : sizeof(address.ip6) };

	address.any.sa_family = (sa_family_t)family;
	if (family == AF_INET)
		address.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		address.ip6.sin6_addr = in6addr_loopback;
	return address;
}

static bool lacks(struct trial *trial, const char *what)
{
	return trial_skip(trial, "%s: %s", what, strerror(errno));
}

/* A socket that is bound; where it is comes back in `address`. */
static int open_bound(struct trial *trial, int type, struct address *address)
{
	int fd = trial_own(trial, socket(address->any.sa_family, type | FLAGS, 0));

	if (fd < 0 || bind(fd, &address->any, address->length) != 0 ||
		getsockname(fd, &address->any, &address->length) != 0) {
		lacks(trial, "no socket on loopback");
		return -1;
	}
	return fd;
}

static bool connect_to(struct trial *trial, int fd, const struct address *address)
{
	return connect(fd, &address->any, address->length) == 0 || errno == EINPROGRESS ||
	       lacks(trial, "cannot connect on loopback");
}

static bool accept_one(struct trial *trial, int listener, int *ret)
{
	uint64_t until = trial_patience(trial);

	do {
		*ret = trial_own(trial, accept4(listener, NULL, NULL, FLAGS));
		if (*ret >= 0)
			return true;
		if (errno != EAGAIN)
			return lacks(trial, "cannot accept on loopback");
		trial_tick(listener, POLLIN);
	} while (clock_ns() < until);
	return trial_skip(trial, "no connection on loopback");
}

static bool open_stream(struct trial *trial, int family, struct wire *ret)
{
	struct address address = loopback(family);
	int listener = open_bound(trial, SOCK_STREAM, &address);

	if (listener < 0)
		return false;
	if (listen(listener, 1) != 0)
		return lacks(trial, "cannot listen on loopback");
	ret->client = trial_own(trial, socket(family, SOCK_STREAM | FLAGS, 0));
	if (ret->client < 0)
		return lacks(trial, "no socket");
	if (!connect_to(trial, ret->client, &address) || !accept_one(trial, listener, &ret->server))
		return false;
	trial_close(trial, listener);
	return true;
}

/* Each end knows the other's address. */
static bool open_datagrams(struct trial *trial, int family, struct wire *ret)
{
	struct address client = loopback(family), server = loopback(family);

	ret->client = open_bound(trial, SOCK_DGRAM, &client);
	ret->server = open_bound(trial, SOCK_DGRAM, &server);
	return ret->client >= 0 && ret->server >= 0 && connect_to(trial, ret->client, &server) &&
	       connect_to(trial, ret->server, &client);
}

bool wire_open_kind(struct trial *trial, int family, int type, struct wire *ret)
{
	int fds[2];

	if (family != AF_UNIX)
		return type == SOCK_STREAM ? open_stream(trial, family, ret)
					   : open_datagrams(trial, family, ret);
	if (socketpair(AF_UNIX, type | FLAGS, 0, fds) != 0)
		return lacks(trial, "no sockets");
	*ret = (struct wire){ trial_own(trial, fds[0]), trial_own(trial, fds[1]) };
	return true;
}

bool wire_open(struct trial *trial, struct wire *ret)
{
	return wire_open_kind(
		trial, trial->row->family ? trial->row->family : AF_INET, SOCK_STREAM, ret);
}

bool wire_shut(struct trial *trial, int fd)
{
	return shutdown(fd, SHUT_WR) == 0 || trial_failed(trial, "a socket cannot be shut", errno);
}

bool trial_insert_only(struct trial *trial, const char *map, uint32_t index, int fd)
{
	int error = kernel_insert_socket(trial_map(trial, map), &index, fd, 8, BPF_NOEXIST);

	return !error ||
	       trial_skip(trial, "such a socket does not enter a map: %s", strerror(-error));
}

static bool nudge(struct trial *trial, int fd)
{
	const int one = 1;

	return setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one)) == 0 ||
	       trial_failed(trial, "SO_RCVLOWAT cannot be set", errno);
}

bool trial_insert(struct trial *trial, const char *map, uint32_t index, int fd)
{
	return trial_insert_only(trial, map, index, fd) && nudge(trial, fd);
}

/* The target first: no byte finds the redirect without it. */
bool redirect_open(struct trial *trial, struct redirect *ret)
{
	if (!trial_stage(trial) || !wire_open(trial, &ret->source) ||
		!wire_open(trial, &ret->target))
		return false;
	ret->from = ret->source.client;
	ret->entry = trial->row->message ? ret->source.client : ret->source.server;
	ret->to = trial->row->ingress ? ret->target.server : ret->target.client;
	return trial_insert(trial, "targets", 0, ret->target.server) &&
	       trial_insert(trial, "sources", 0, ret->entry);
}
