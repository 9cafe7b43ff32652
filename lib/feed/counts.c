/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/feed/counts.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* From include/net/tcp_states.h; <netinet/tcp.h>, which has them too, cannot stand beside
 * linux/tcp.h. */
#define TCP_STATE_CLOSE 7
#define TCP_STATE_CLOSE_WAIT 8

struct feed_counts feed_read_counts(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);
	struct feed_counts counts = { 0 };

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
		return (struct feed_counts){ .closed = true };
	counts.received = info.tcpi_bytes_received;
	/*
	 * The kernel counts a FIN as a byte. After a reset it cannot be told whether there was one.
	 */
	if (info.tcpi_state == TCP_STATE_CLOSE_WAIT && counts.received)
		counts.received--;
	counts.queued = info.tcpi_bytes_sent - info.tcpi_bytes_retrans + info.tcpi_notsent_bytes;
	counts.in_flight = info.tcpi_notsent_bytes || info.tcpi_unacked;
	counts.closed = info.tcpi_state == TCP_STATE_CLOSE;
	return counts;
}
