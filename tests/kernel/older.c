/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "older.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

bool older_refuses(const char *lacking, int command, const union bpf_attr *attr)
{
	static const uint32_t on_maps[] = { BPF_SK_SKB_STREAM_PARSER, BPF_SK_SKB_STREAM_VERDICT,
		BPF_SK_SKB_VERDICT, BPF_SK_MSG_VERDICT };
	bool no_query = lacking && strcmp(lacking, "no-query") == 0;
	bool no_links = no_query || (lacking && strcmp(lacking, "no-links") == 0);
	bool asks = command == BPF_PROG_QUERY && no_query;
	bool links = command == BPF_LINK_CREATE && no_links;
	uint32_t type = asks ? attr->query.attach_type : links ? attr->link_create.attach_type : 0;

	for (size_t i = 0; i < sizeof(on_maps) / sizeof(on_maps[0]); i++)
		if ((asks || links) && type == on_maps[i])
			return true;
	return false;
}
