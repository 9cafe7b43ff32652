/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What a user writes today in place of manifests/echo.yaml, and with other names and sizes of
 * manifests/tcp-proxy.yaml: the prepared object of the comparison.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#ifndef SOCKETS
#define SOCKETS echo_sockets
#define ENTRIES 65536
#endif

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, ENTRIES);
	__type(key, __u64);
	__type(value, __u64);
} SOCKETS SEC(".maps");

SEC("sk_skb/stream_verdict")
int verdict(struct __sk_buff *skb)
{
	__u64 key = bpf_get_socket_cookie(skb);

	bpf_sk_redirect_hash(skb, &SOCKETS, &key, 0);
	return SK_PASS;
}

char program_license[] SEC("license") = "GPL";
