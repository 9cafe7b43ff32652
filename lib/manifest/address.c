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

static bool parse_host(const char *host, size_t length, uint16_t port, struct manifest_address *ret)
{
	char text[INET6_ADDRSTRLEN + 2];

	if (!length || length >= sizeof(text))
		return false;
	memcpy(text, host, length);
	text[length] = '\0';
	if (inet_pton(AF_INET, text, &ret->ip4.sin_addr) == 1) {
		ret->ip4.sin_family = AF_INET;
		ret->ip4.sin_port = htons(port);
		ret->length = sizeof(ret->ip4);
		return true;
	}
	if (text[0] != '[' || text[length - 1] != ']')
		return false;
	text[length - 1] = '\0';
	if (inet_pton(AF_INET6, text + 1, &ret->ip6.sin6_addr) != 1)
		return false;
	ret->ip6.sin6_family = AF_INET6;
	ret->ip6.sin6_port = htons(port);
	ret->length = sizeof(ret->ip6);
	return true;
}

static bool is_digits(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

const char *manifest_parse_address(const char *text, struct manifest_address *ret)
{
	const char *colon = strrchr(text, ':');
	uint16_t port = colon ? parse_port(colon + 1) : 0;

	if (!colon || !parse_host(text, (size_t)(colon - text), port, ret))
		return "write 127.0.0.1:8080 or \"[::1]:8080\"";
	if (!port)
		return is_digits(colon + 1) ? "a port is 1 to 65535"
					    : "write 127.0.0.1:8080 or \"[::1]:8080\"";
	return NULL;
}
