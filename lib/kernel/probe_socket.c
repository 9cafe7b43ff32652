/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Probes with sockets: which of them enter maps, and how those of others are found. */
#include "lib/kernel/prober.h"

#include "lib/base/cleanup.h"

#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>

#define GROUP "sockets"

/* How long what comes at once is waited for. */
static const struct timeval patience = { .tv_sec = 1 };

static int insert(int socket)
{
	cleanup_fd int map = prober_make_map(map_kind_of(BPF_MAP_TYPE_SOCKMAP));
	const uint32_t index = 0;

	return map < 0 ? map : kernel_insert_socket(map, &index, socket, 8, BPF_ANY);
}

/* Bound to loopback, at a port that the system picks and that comes back in `address`. */
static int open_bound(int type, struct sockaddr_in *address)
{
	cleanup_fd int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(*address);

	*address = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (const void *)address, length) != 0 ||
		getsockname(fd, (void *)address, &length) != 0)
		return -errno;
	return fd_steal(&fd);
}

/* What redirects is a connection: that a listener enters a map would say nothing of it. */
static int ask_tcp(struct prober *prober, const void *of)
{
	struct sockaddr_in address;
	cleanup_fd int listener = open_bound(SOCK_STREAM, &address);
	cleanup_fd int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)prober;
	(void)of;
	if (listener < 0)
		return listener;
	/* On loopback the backlog is enough: nobody has to accept. */
	if (client < 0 || listen(listener, 1) != 0 ||
		setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0)
		return -errno;
	if (connect(client, (const void *)&address, sizeof(address)) != 0)
		return errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	return insert(client);
}

static int ask_udp(struct prober *prober, const void *of)
{
	struct sockaddr_in address;
	cleanup_fd int fd = open_bound(SOCK_DGRAM, &address);

	(void)prober;
	(void)of;
	return fd < 0 ? fd : insert(fd);
}

static int ask_unix(struct prober *prober, const void *of)
{
	const int *type = of;
	int fds[2], answer;

	(void)prober;
	if (socketpair(AF_UNIX, *type | SOCK_CLOEXEC, 0, fds) != 0)
		return -errno;
	answer = insert(fds[0]);
	fd_close(fds[0]);
	fd_close(fds[1]);
	return answer;
}

/* Since 5.14. */
static int ask_netns_cookie(struct prober *prober, const void *of)
{
	cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t cookie;
	socklen_t length = sizeof(cookie);

	(void)prober;
	(void)of;
	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) != 0)
		return -errno;
	return 0;
}

static int read_diag(int fd)
{
	union {
		struct nlmsghdr header;
		char bytes[4096];
	} answer;
	ssize_t length = recv(fd, &answer, sizeof(answer), 0);
	int error;

	if (length < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if ((size_t)length < NLMSG_LENGTH(sizeof(error)))
		return -EPROTO;
	/* Both say an error, or 0, in the first bytes. */
	if (answer.header.nlmsg_type != NLMSG_DONE && answer.header.nlmsg_type != NLMSG_ERROR)
		return 0;
	memcpy(&error, NLMSG_DATA(&answer.header), sizeof(error));
	return error < 0 ? error : 0;
}

/* All sockets that are in no state: none, and no error where TCP can be asked about. */
static int ask_diag(struct prober *prober, const void *of)
{
	cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} question = {
		.header = { .nlmsg_len = sizeof(question),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.request = { .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP },
	};

	(void)prober;
	(void)of;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
		send(fd, &question, sizeof(question), 0) < 0)
		return -errno;
	return read_diag(fd);
}

/* Of this process: those of others take CAP_SYS_PTRACE, or the same user. */
static int ask_pidfd(struct prober *prober, const void *of)
{
	cleanup_fd int pid = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int copy;

	(void)prober;
	(void)of;
	if (pid < 0)
		return -errno;
	copy = (int)syscall(SYS_pidfd_getfd, pid, pid, 0);
	return copy >= 0 ? copy : -errno;
}

/* 0 also where counting is off: -ENODATA. */
static int ask_stats(struct prober *prober, const void *of)
{
	cleanup_fd int fd = open("/proc/sys/kernel/bpf_stats_enabled", O_RDONLY | O_CLOEXEC);
	char digit;

	(void)prober;
	(void)of;
	if (fd < 0 || read(fd, &digit, 1) != 1)
		return -errno;
	return digit == '0' ? -ENODATA : 0;
}

void probe_sockets(struct prober *prober)
{
	static const int stream = SOCK_STREAM, datagram = SOCK_DGRAM;
	static const struct probe_row rows[] = {
		{ GROUP, "TCP sockets in maps", "sockets:, accept", "no socket enters a map",
			NEEDS_MAPS, ask_tcp },
		{ GROUP, "UDP sockets in maps", "skb_verdict on UDP",
			"datagrams cannot be redirected", NEEDS_MAPS, ask_udp },
		{ GROUP, "AF_UNIX streams in maps", "skb_verdict on AF_UNIX",
			"such sockets cannot be redirected to or from", NEEDS_MAPS, ask_unix,
			&stream },
		{ GROUP, "AF_UNIX datagrams in maps", "skb_verdict on AF_UNIX",
			"such sockets cannot be redirected to or from", NEEDS_MAPS, ask_unix,
			&datagram },
		{ GROUP, "cookie of a network namespace", "key: [netns_cookie, ...]",
			"no socket is put into a map with such a key by sockform run", 0,
			ask_netns_cookie },
		{ GROUP, "sock_diag for TCP", "finding sockets of others",
			"whose socket it is cannot be found by its addresses", 0, ask_diag },
		{ GROUP, "pidfd_getfd()", "taking sockets of others",
			"sockets of running processes cannot be taken into maps", 0, ask_pidfd },
		{ GROUP, "run counts (bpf_stats_enabled)", "status: how often programs ran",
			"off: sysctl kernel.bpf_stats_enabled=1 has the kernel count runs", 0,
			ask_stats },
	};

	prober_ask_all(prober, rows, sizeof(rows) / sizeof(rows[0]));
}
