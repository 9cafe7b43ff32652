/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/key.h"

#include <string.h>

const struct key_field key_fields[KEY_FIELD_COUNT] = {
	[KEY_COOKIE] = { "cookie", 8, "the socket's cookie (SO_COOKIE), unique while it lives" },
	[KEY_FAMILY] = { "family", 2, "AF_INET or AF_INET6, host order" },
	[KEY_LOCAL_IP4] = { "local_ip4", 4, "local IPv4 address, network order" },
	[KEY_REMOTE_IP4] = { "remote_ip4", 4, "remote IPv4 address, network order" },
	[KEY_LOCAL_PORT] = { "local_port", 2, "local port, network order" },
	[KEY_REMOTE_PORT] = { "remote_port", 2, "remote port, network order" },
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
