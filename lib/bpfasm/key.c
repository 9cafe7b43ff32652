/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/key.h"

#include <string.h>

#define SK_SKB (1u << BPF_PROG_TYPE_SK_SKB)
#define SK_MSG (1u << BPF_PROG_TYPE_SK_MSG)
#define SOCK_OPS (1u << BPF_PROG_TYPE_SOCK_OPS)

#define BETWEEN(field, other) .context = field, .peer = other

/* Helpers by program type: sk_skb_func_proto and its like in net/core/filter.c; a test asks. */
const struct key_field key_fields[KEY_FIELD_COUNT] = {
	[KEY_COOKIE] = { "cookie", 8, KEY_FORM_NUMBER, .helper = BPF_FUNC_get_socket_cookie,
		.program_types = SK_SKB | SOCK_OPS, .peer = KEY_FIELD_COUNT,
		.doc = "the socket's cookie (SO_COOKIE), unique while it lives" },
	[KEY_NETNS_COOKIE] = { "netns_cookie", 8, KEY_FORM_NUMBER,
		.helper = BPF_FUNC_get_netns_cookie, .program_types = SK_MSG | SOCK_OPS,
		.peer = KEY_NETNS_COOKIE,
		.doc = "cookie of the socket's network namespace (SO_NETNS_COOKIE)" },
	[KEY_FAMILY] = { "family", 2, KEY_FORM_NUMBER, BETWEEN("family", KEY_FAMILY),
		.doc = "AF_INET or AF_INET6, host order" },
	[KEY_LOCAL_IP4] = { "local_ip4", 4, KEY_FORM_ADDRESS, BETWEEN("local_ip4", KEY_REMOTE_IP4),
		.doc = "local IPv4 address, network order" },
	[KEY_REMOTE_IP4] = { "remote_ip4", 4, KEY_FORM_ADDRESS,
		BETWEEN("remote_ip4", KEY_LOCAL_IP4), .doc = "remote IPv4 address, network order" },
	[KEY_LOCAL_IP6] = { "local_ip6", 16, KEY_FORM_ADDRESS,
		BETWEEN("local_ip6_0", KEY_REMOTE_IP6),
		.doc = "local IPv6 address, network order" },
	[KEY_REMOTE_IP6] = { "remote_ip6", 16, KEY_FORM_ADDRESS,
		BETWEEN("remote_ip6_0", KEY_LOCAL_IP6),
		.doc = "remote IPv6 address, network order" },
	[KEY_LOCAL_PORT] = { "local_port", 2, KEY_FORM_PORT, BETWEEN("local_port", KEY_REMOTE_PORT),
		.doc = "local port, network order" },
	[KEY_REMOTE_PORT] = { "remote_port", 2, KEY_FORM_PORT,
		BETWEEN("remote_port", KEY_LOCAL_PORT), .doc = "remote port, network order" },
};

enum key_field_id key_field_named(const char *name)
{
	enum key_field_id id = 0;

	while (id < KEY_FIELD_COUNT && strcmp(key_fields[id].name, name) != 0)
		id++;
	return id;
}

const char *key_layout_text(struct arena *arena, const struct key_layout *layout)
{
	const char *text = "";

	for (uint32_t i = 0; i < layout->count; i++)
		text = arena_printf(
			arena, "%s%s%s", text, i ? ", " : "", key_fields[layout->fields[i]].name);
	return arena_printf(arena, "[%s]", text);
}
