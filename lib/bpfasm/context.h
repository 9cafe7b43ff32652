/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What each program type's context holds: the fields of struct __sk_buff, sk_msg_md and
 * bpf_sock_ops that the verifier lets programs of the type read (sk_skb_is_valid_access,
 * sk_msg_is_valid_access and sock_ops_is_valid_access in net/core/filter.c). A test asks the kernel
 * about every offset and compares.
 */
#pragma once

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

/* How a field's number is to be brought to the host's order. */
enum context_order {
	ORDER_HOST,    /* it is a number already */
	ORDER_NETWORK, /* an address: bytes as on the wire, left so */
	ORDER_PORT,    /* 32 bits in network order that hold a 16-bit port */
};

struct context_field {
	const char *name; /* elements of arrays are rows of their own: remote_ip6_0 */
	uint16_t offset;  /* bytes from the context */
	uint8_t size;     /* bytes of the load: 4 or 8 */
	enum context_order order;
	const char *doc;
};

/* The fields of a program type's context; *count is 0 for types that manifests do not know. */
const struct context_field *context_fields(enum bpf_prog_type type, size_t *count);

/* The field of that name, or NULL. */
const struct context_field *context_field_named(enum bpf_prog_type type, const char *name);
