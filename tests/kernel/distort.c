/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A kernel with a fault, for one process: loaded before the C library, it has one call go wrong that
 * INJECT names. So it is shown that what looks for faults can find them.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "older.h"

#define AFTER_BYTES (1 << 20) /* the fault is in the middle of a stream */
#define LONG_WAIT_MS 100      /* what waits longer is no mere pause */

static bool injects(const char *what)
{
	const char *wanted = getenv("INJECT");

	return wanted && strcmp(wanted, what) == 0;
}

static void *next(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

/* Once, when so many bytes have gone by. */
static bool is_time(ssize_t length)
{
	static int64_t left = AFTER_BYTES;
	bool before = left > 0;

	if (length > 1)
		left -= length;
	return before && left <= 0;
}

/* "pressure": a kernel that holds senders back, when so much is under way since a socket was accepted. */
#define PRESSURE_BYTES (1 << 20)
static int64_t under_way;

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	int (*call)(int, struct sockaddr *, socklen_t *, int) = next("accept4");

	under_way = 0;
	return call(fd, address, length, flags);
}

ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
	ssize_t (*call)(int, void *, size_t, int) = next("recv");
	ssize_t length = call(fd, buffer, size, flags);

	if (length > 0 && !(flags & MSG_PEEK))
		under_way -= length;
	if (injects("nothing")) {
		errno = EAGAIN;
		return -1;
	}
	if (injects("flip") && is_time(length))
		((unsigned char *)buffer)[length / 2] ^= 1;
	if (injects("end") && is_time(length))
		return 0;
	if (injects("again") && length == 0) {
		errno = EAGAIN;
		return -1;
	}
	return length;
}

ssize_t send(int fd, const void *buffer, size_t size, int flags)
{
	ssize_t (*call)(int, const void *, size_t, int) = next("send");
	bool held = injects("pressure") && under_way >= PRESSURE_BYTES;
	ssize_t length;

	if (held || (injects("nobufs") && is_time((ssize_t)size))) {
		errno = held ? EAGAIN : ENOBUFS;
		return -1;
	}
	if (injects("lose") && is_time((ssize_t)size)) {
		length = call(fd, buffer, size - 1, flags);
		return length < 0 ? length : length + 1;
	}
	length = call(fd, buffer, size, flags);
	if (length > 0)
		under_way += length;
	if (injects("double") && is_time(length))
		call(fd, buffer, 8, flags);
	return length;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	int (*call)(int, int, int, const void *, socklen_t) = next("setsockopt");

	if (injects("rcvlowat") && level == SOL_SOCKET && option == SO_RCVLOWAT)
		return 0;
	return call(fd, level, option, value, length);
}

int shutdown(int fd, int how)
{
	int (*call)(int, int) = next("shutdown");

	return injects("shutdown") ? 0 : call(fd, how);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	int (*call)(struct pollfd *, nfds_t, int) = next("poll");

	if (injects("poll") && timeout > LONG_WAIT_MS)
		return call(NULL, 0, LONG_WAIT_MS);
	return call(fds, count, timeout);
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*call)(int, unsigned long, void *) = next("ioctl");
	va_list list;
	void *argument;
	int result;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	result = call(fd, request, argument);
	if (injects("fionread") && request == FIONREAD)
		*(int *)argument = 0;
	return result;
}

/* "bpf:9": bpf() does not know that command; "map:18": nor that type of map. "delete" does nothing. */
static long refuse(int command, const union bpf_attr *attr)
{
	const char *wanted = getenv("INJECT");
	int number;

	if (!wanted || (sscanf(wanted, "bpf:%d", &number) == 1 && number != command))
		return 0;
	if (sscanf(wanted, "map:%d", &number) == 1 &&
		(command != BPF_MAP_CREATE || (int)attr->map_type != number))
		return 0;
	return strncmp(wanted, "bpf:", 4) == 0 || strncmp(wanted, "map:", 4) == 0 ? -EINVAL : 0;
}

long syscall(long number, ...)
{
	long (*call)(long, long, long, long, long, long, long) = next("syscall");
	long arguments[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_bpf && (refuse((int)arguments[0], (const void *)arguments[1]) ||
					 older_refuses(getenv("INJECT"), (int)arguments[0],
						 (const void *)arguments[1]))) {
		errno = EINVAL;
		return -1;
	}
	if (number == SYS_bpf && arguments[0] == BPF_MAP_DELETE_ELEM && injects("delete"))
		return 0;
	return call(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
		arguments[5]);
}
