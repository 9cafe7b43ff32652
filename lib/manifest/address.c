/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/manifest/tables.h"

#include <arpa/inet.h>
#include <string.h>

/* The digits behind the last colon; 0 where they are no port. */
static uint16_t parse_port(const char *text)
{
	unsigned int port = 0;

	if (strlen(text) > 5)
		return 0;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return 0;
		port = port * 10 + (unsigned int)(*text - '0');
	}
	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

bool manifest_parse_address(const char *text, struct manifest_address *ret)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t length = colon ? (size_t)(colon - text) : 0;
	uint16_t port = colon ? parse_port(colon + 1) : 0;

	if (!port || !length || length >= sizeof(host))
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	if (inet_pton(AF_INET, host, &ret->ip4.sin_addr) == 1) {
		ret->ip4.sin_family = AF_INET;
		ret->ip4.sin_port = htons(port);
		ret->length = sizeof(ret->ip4);
		return true;
	}
	if (host[0] != '[' || host[length - 1] != ']')
		return false;
	host[length - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &ret->ip6.sin6_addr) != 1)
		return false;
	ret->ip6.sin6_family = AF_INET6;
	ret->ip6.sin6_port = htons(port);
	ret->length = sizeof(ret->ip6);
	return true;
}
