/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Readers are woken and told how much there is to read: of what came by TCP to a socket in a map, and
 * of what was redirected to it.
 */
#include "lib/selftest/cases.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BYTES 1000

/* A socket that gets BYTES bytes from `from`. */
struct reader {
	int from, fd;
};

/* Redirected to it, or by TCP to a socket in the map with sk_msg programs only. */
static bool open_reader(struct trial *trial, struct reader *ret)
{
	struct redirect redirect;

	if (trial->row->ingress) {
		if (!redirect_open(trial, &redirect))
			return false;
		*ret = (struct reader){ redirect.from, redirect.to };
		return true;
	}
	if (!trial_stage(trial) || !wire_open(trial, &redirect.source) ||
		!trial_insert(trial, "sources", 0, redirect.source.server))
		return false;
	*ret = (struct reader){ redirect.source.client, redirect.source.server };
	return true;
}

static bool send_to(struct trial *trial, const struct reader *reader)
{
	unsigned char bytes[BYTES];

	stream_pattern(bytes, 0, sizeof(bytes));
	return send(reader->from, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT) ==
		       sizeof(bytes) ||
	       trial_failed(trial, "sending failed", errno);
}

/* Milliseconds: the wait is one, because a wait that begins looks itself and need not be woken. */
static int patience_ms(const struct trial *trial)
{
	uint64_t until = trial_patience(trial), now = clock_ns();

	return until > now ? (int)((until - now + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

/* But where a stopped process goes on, which ends a wait with EINTR. */
static bool wakes_poll(struct trial *trial, int fd)
{
	struct pollfd wait = { fd, POLLIN, 0 };
	int ready;

	do
		ready = poll(&wait, 1, patience_ms(trial));
	while (ready < 0 && errno == EINTR);
	return ready == 1 ||
	       trial_late(trial, "poll() does not see %d bytes that are there", BYTES);
}

static bool drain(struct trial *trial, int fd)
{
	unsigned char bytes[BYTES];

	return recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) == sizeof(bytes) ||
	       trial_fault(trial, "what poll() saw cannot be read");
}

static bool run_poll(struct trial *trial)
{
	struct reader reader;

	return open_reader(trial, &reader) && send_to(trial, &reader) &&
	       wakes_poll(trial, reader.fd) && drain(trial, reader.fd) &&
	       stream_silent(trial, reader.fd, "the reader");
}

static bool wakes_epoll(struct trial *trial, int epoll)
{
	struct epoll_event event;
	int ready;

	do
		ready = epoll_wait(epoll, &event, 1, patience_ms(trial));
	while (ready < 0 && errno == EINTR);
	return ready == 1 || trial_late(trial, "epoll does not see %d bytes that are there", BYTES);
}

/* Edge-triggered, as most servers have it: the bytes have to wake it twice. */
static bool run_epoll(struct trial *trial)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = trial_own(trial, epoll_create1(EPOLL_CLOEXEC));
	struct reader reader;

	if (epoll < 0)
		return trial_skip(trial, "no epoll");
	if (!open_reader(trial, &reader))
		return false;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, reader.fd, &event) != 0)
		return trial_skip(trial, "epoll takes no such socket");
	for (int i = 0; i < 2; i++)
		if (!send_to(trial, &reader) || !wakes_epoll(trial, epoll) ||
			!drain(trial, reader.fd))
			return false;
	return true;
}

static bool tells(struct trial *trial, int fd, int expected)
{
	int readable = -1;

	if (ioctl(fd, FIONREAD, &readable) != 0)
		return trial_failed(trial, "FIONREAD", errno);
	return readable == expected ||
	       trial_fault(trial, "FIONREAD says %d of %d readable bytes", readable, expected);
}

static bool run_readable(struct trial *trial)
{
	struct reader reader;

	return open_reader(trial, &reader) && send_to(trial, &reader) &&
	       stream_arrives(trial, reader.fd, BYTES) && tells(trial, reader.fd, BYTES) &&
	       drain(trial, reader.fd) && tells(trial, reader.fd, 0);
}

static bool splices(struct trial *trial, int fd)
{
	int pipe[2];
	ssize_t length;

	if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0)
		return trial_skip(trial, "no pipe");
	trial_own(trial, pipe[0]);
	trial_own(trial, pipe[1]);
	length = splice(fd, NULL, pipe[1], NULL, BYTES, SPLICE_F_NONBLOCK);
	if (length > 0)
		return length == BYTES ||
		       trial_fault(trial, "splice() moves %zd of %d readable bytes", length, BYTES);
	if (length < 0 && errno != EAGAIN)
		return trial_failed(trial, "splice()", errno);
	return trial_limit(trial, "splice() moves none of %d readable bytes: %s", BYTES,
		length < 0 ? strerror(errno) : "no error");
}

static bool run_splice(struct trial *trial)
{
	struct reader reader;

	return open_reader(trial, &reader) && send_to(trial, &reader) &&
	       stream_arrives(trial, reader.fd, BYTES) && splices(trial, reader.fd);
}

/* sk_msg is not alone on the map. */
#define WITH_BOTH                                                                                  \
	MAPS PASS_MSG("pass") PASS_SKB("pass_too") ATTACHMENTS ATTACH("pass", "msg_verdict")       \
		ATTACH("pass_too", "skb_verdict")

#define HANGS "programs that wait with it for data hang"
#define NO_PROGRAM "keep such sockets out of maps, or use a kernel that has it mended"
#define HALF_BLIND "programs that ask how much there is before they read hang"
#define SPLICE_HANGS "proxies that use splice(2) wait for ever"
#define NO_SPLICE "have them read and write (haproxy: no splice-request)"
#define BESIDE "attach an sk_skb program that passes to the same map, as skb_verdict"

const struct trial_case cases_wake[] = {
	{ "poll() with sk_msg", run_poll, WITH_PASS_MSG, HANGS, NO_PROGRAM },
	{ "poll() of what is redirected", run_poll, WITH_MSG("ingress"), HANGS, NO_PROGRAM,
		.message = true, .ingress = true },
	{ "epoll with sk_msg", run_epoll, WITH_PASS_MSG, HANGS, NO_PROGRAM },
	{ "epoll of what is redirected", run_epoll, WITH_MSG("ingress"), HANGS, NO_PROGRAM,
		.message = true, .ingress = true },
	{ "FIONREAD with sk_msg alone", run_readable, WITH_PASS_MSG, HALF_BLIND, BESIDE },
	{ "FIONREAD with sk_msg and sk_skb", run_readable, WITH_BOTH, HALF_BLIND, NO_PROGRAM },
	{ "FIONREAD with sk_skb alone", run_readable, WITH_PASS_SKB, HALF_BLIND, NO_PROGRAM },
	{ "FIONREAD of what is redirected", run_readable, WITH_MSG("ingress"), HALF_BLIND,
		"have readers read until EAGAIN instead of asking", .message = true,
		.ingress = true },
	{ "splice() with sk_skb", run_splice, WITH_PASS_SKB, SPLICE_HANGS, NO_SPLICE },
	{ "splice() of what is redirected", run_splice, WITH_MSG("ingress"), SPLICE_HANGS,
		NO_SPLICE, .message = true, .ingress = true },
};
const size_t cases_wake_count = COUNT_OF(cases_wake);
