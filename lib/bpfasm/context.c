/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/context.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define ROW(type, member, order, doc)                                                              \
	{                                                                                          \
#member, offsetof(struct type, member), 4, order, doc                              \
	}
#define NUMBER(type, member, doc) ROW(type, member, ORDER_HOST, doc)
#define WIDE(type, member, doc)                                                                    \
	{                                                                                          \
#member, offsetof(struct type, member), 8, ORDER_HOST, doc                         \
	}
/* An element of an array. */
#define WORD(type, member, i, order, doc)                                                          \
	{                                                                                          \
#member "_" #i, offsetof(struct type, member) + 4 * (i), 4, order, doc             \
	}

/* What all three say of the socket, under the same names. */
#define SOCKET(type)                                                                               \
	NUMBER(type, family, "address family: 2 AF_INET, 10 AF_INET6"),                            \
		ROW(type, remote_ip4, ORDER_NETWORK, "remote IPv4 address, network order"),        \
		ROW(type, local_ip4, ORDER_NETWORK, "local IPv4 address, network order"),          \
		WORD(type, remote_ip6, 0, ORDER_NETWORK, "remote IPv6 address, bytes 0 to 3"),     \
		WORD(type, remote_ip6, 1, ORDER_NETWORK, "remote IPv6 address, bytes 4 to 7"),     \
		WORD(type, remote_ip6, 2, ORDER_NETWORK, "remote IPv6 address, bytes 8 to 11"),    \
		WORD(type, remote_ip6, 3, ORDER_NETWORK, "remote IPv6 address, bytes 12 to 15"),   \
		WORD(type, local_ip6, 0, ORDER_NETWORK, "local IPv6 address, bytes 0 to 3"),       \
		WORD(type, local_ip6, 1, ORDER_NETWORK, "local IPv6 address, bytes 4 to 7"),       \
		WORD(type, local_ip6, 2, ORDER_NETWORK, "local IPv6 address, bytes 8 to 11"),      \
		WORD(type, local_ip6, 3, ORDER_NETWORK, "local IPv6 address, bytes 12 to 15"),     \
		ROW(type, remote_port, ORDER_PORT, "remote port, as a number"),                    \
		NUMBER(type, local_port, "local port, as a number")

static const struct context_field skb_fields[] = {
	NUMBER(__sk_buff, len, "bytes of the message"),
	NUMBER(__sk_buff, pkt_type, "kind of packet (PACKET_HOST and so on)"),
	NUMBER(__sk_buff, queue_mapping, "receive queue of the device"),
	NUMBER(__sk_buff, protocol, "Ethernet protocol, network order"),
	NUMBER(__sk_buff, vlan_present, "1 where a VLAN tag was taken off"),
	NUMBER(__sk_buff, vlan_tci, "the VLAN tag"),
	NUMBER(__sk_buff, vlan_proto, "protocol of the VLAN tag"),
	NUMBER(__sk_buff, priority, "queueing priority"),
	NUMBER(__sk_buff, ingress_ifindex, "interface that the packet came in by"),
	NUMBER(__sk_buff, ifindex, "interface of the packet"),
	NUMBER(__sk_buff, tc_index, "traffic control index"),
	WORD(__sk_buff, cb, 0, ORDER_HOST, "control buffer, word 0"),
	WORD(__sk_buff, cb, 1, ORDER_HOST, "control buffer, word 1"),
	WORD(__sk_buff, cb, 2, ORDER_HOST, "control buffer, word 2"),
	WORD(__sk_buff, cb, 3, ORDER_HOST, "control buffer, word 3"),
	WORD(__sk_buff, cb, 4, ORDER_HOST, "control buffer, word 4"),
	NUMBER(__sk_buff, hash, "hash of the flow"),
	NUMBER(__sk_buff, data, "pointer to the first byte of the message"),
	NUMBER(__sk_buff, data_end, "pointer behind the last byte that can be read"),
	NUMBER(__sk_buff, napi_id, "id of the NAPI instance"),
	SOCKET(__sk_buff),
	NUMBER(__sk_buff, gso_segs, "segments of a GSO packet"),
	WIDE(__sk_buff, sk, "pointer to the socket, or null"),
	NUMBER(__sk_buff, gso_size, "bytes of a GSO packet's segment"),
};

static const struct context_field msg_fields[] = {
	WIDE(sk_msg_md, data, "pointer to the first byte of the message"),
	WIDE(sk_msg_md, data_end, "pointer behind the last byte that can be read"),
	SOCKET(sk_msg_md),
	NUMBER(sk_msg_md, size, "bytes of the message"),
	WIDE(sk_msg_md, sk, "pointer to the socket"),
};

/* Fields of a full socket are 0 while there is only a request for one (is_fullsock 0). */
static const struct context_field ops_fields[] = {
	NUMBER(bpf_sock_ops, op, "what happened: 4 actively, 5 passively established, and others"),
	WORD(bpf_sock_ops, args, 0, ORDER_HOST, "first argument of the event"),
	WORD(bpf_sock_ops, args, 1, ORDER_HOST, "second argument of the event"),
	WORD(bpf_sock_ops, args, 2, ORDER_HOST, "third argument of the event"),
	WORD(bpf_sock_ops, args, 3, ORDER_HOST, "fourth argument of the event"),
	SOCKET(bpf_sock_ops),
	NUMBER(bpf_sock_ops, is_fullsock, "1 where there is a full socket"),
	NUMBER(bpf_sock_ops, snd_cwnd, "congestion window, segments"),
	NUMBER(bpf_sock_ops, srtt_us, "smoothed round trip time, microseconds, shifted left by 3"),
	NUMBER(bpf_sock_ops, bpf_sock_ops_cb_flags, "which optional events are on"),
	NUMBER(bpf_sock_ops, state, "TCP state"),
	NUMBER(bpf_sock_ops, rtt_min, "least round trip time, microseconds"),
	NUMBER(bpf_sock_ops, snd_ssthresh, "slow start threshold, segments"),
	NUMBER(bpf_sock_ops, rcv_nxt, "next sequence number to be received"),
	NUMBER(bpf_sock_ops, snd_nxt, "next sequence number to be sent"),
	NUMBER(bpf_sock_ops, snd_una, "first byte that is not acknowledged"),
	NUMBER(bpf_sock_ops, mss_cache, "segment size, bytes"),
	NUMBER(bpf_sock_ops, ecn_flags, "state of explicit congestion notification"),
	NUMBER(bpf_sock_ops, rate_delivered, "segments of the rate sample"),
	NUMBER(bpf_sock_ops, rate_interval_us, "time of the rate sample, microseconds"),
	NUMBER(bpf_sock_ops, packets_out, "segments in flight"),
	NUMBER(bpf_sock_ops, retrans_out, "retransmitted segments in flight"),
	NUMBER(bpf_sock_ops, total_retrans, "retransmitted segments in all"),
	NUMBER(bpf_sock_ops, segs_in, "segments received"),
	NUMBER(bpf_sock_ops, data_segs_in, "segments with data received"),
	NUMBER(bpf_sock_ops, segs_out, "segments sent"),
	NUMBER(bpf_sock_ops, data_segs_out, "segments with data sent"),
	NUMBER(bpf_sock_ops, lost_out, "segments taken for lost"),
	NUMBER(bpf_sock_ops, sacked_out, "segments acknowledged selectively"),
	NUMBER(bpf_sock_ops, sk_txhash, "hash of what is sent"),
	WIDE(bpf_sock_ops, bytes_received, "bytes received"),
	WIDE(bpf_sock_ops, bytes_acked, "bytes sent and acknowledged"),
	WIDE(bpf_sock_ops, sk, "pointer to the socket, or null"),
	WIDE(bpf_sock_ops, skb_data, "pointer to the packet's TCP header"),
	WIDE(bpf_sock_ops, skb_data_end, "pointer behind what can be read of it"),
	NUMBER(bpf_sock_ops, skb_len, "bytes of the packet with its TCP header"),
	NUMBER(bpf_sock_ops, skb_tcp_flags, "TCP flags of the packet"),
	/* Since 6.2; older headers lack the member. */
	{ "skb_hwtstamp", offsetof(struct bpf_sock_ops, skb_tcp_flags) + 4, 8, ORDER_HOST,
		"hardware time stamp of the packet, nanoseconds" },
};

static const struct {
	enum bpf_prog_type type;
	const struct context_field *fields;
	size_t count;
} contexts[] = {
	{ BPF_PROG_TYPE_SK_SKB, skb_fields, COUNT(skb_fields) },
	{ BPF_PROG_TYPE_SK_MSG, msg_fields, COUNT(msg_fields) },
	{ BPF_PROG_TYPE_SOCK_OPS, ops_fields, COUNT(ops_fields) },
};

const struct context_field *context_fields(enum bpf_prog_type type, size_t *count)
{
	for (size_t i = 0; i < COUNT(contexts); i++) {
		if (contexts[i].type == type) {
			*count = contexts[i].count;
			return contexts[i].fields;
		}
	}
	*count = 0;
	return NULL;
}

const struct context_field *context_field_named(enum bpf_prog_type type, const char *name)
{
	size_t count;
	const struct context_field *fields = context_fields(type, &count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}
