/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * echo-client ADDRESS PORT CONNECTIONS BYTES
 *
 * Opens so many connections at once, sends so many random bytes on each and checks that each of
 * them comes back, in order, on its own connection. Exit status 1 when anything is missing.
 */
#include "client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_MS 120000

static bool number_parse(const char *text, uint64_t least, uint64_t most, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return !errno && end != text && !*end && *text != '-' && *ret >= least && *ret <= most;
}

static bool arguments_parse(char **argv, struct client_options *options, uint64_t *bytes)
{
	uint64_t port, connections;

	if (!number_parse(argv[2], 1, UINT16_MAX, &port) ||
		!number_parse(argv[3], 1, 1000000, &connections) ||
		!number_parse(argv[4], 1, UINT64_C(1) << 40, bytes))
		return false;
	*options = (struct client_options){
		.address = argv[1],
		.port = port,
		.connections = connections,
	};
	return true;
}

static void report(const struct client_totals *totals, size_t connections)
{
	printf("%zu connections: %" PRIu64 " bytes sent, %" PRIu64 " bytes came back, %" PRIu64
	       " wrong\n",
		connections, totals->sent, totals->received, totals->wrong);
	if (totals->connected < connections)
		printf("%zu connections were not made\n", connections - totals->connected);
	if (totals->complete < totals->connected)
		printf("%zu connections did not get everything\n",
			totals->connected - totals->complete);
}

int main(int argc, char **argv)
{
	struct client_options options;
	struct client_totals totals;
	uint64_t bytes;

	if (argc != 5 || !arguments_parse(argv, &options, &bytes)) {
		fprintf(stderr, "usage: echo-client ADDRESS PORT CONNECTIONS BYTES\n");
		return 2;
	}
	client_raise_files();
	struct client *client = client_create(&options);

	if (!client) {
		fprintf(stderr, "echo-client: %s: %s\n", options.address, strerror(errno));
		return 2;
	}
	bool good = client_echo(client, bytes, DEADLINE_MS);

	client_totals(client, &totals);
	report(&totals, options.connections);
	client_destroy(client);
	return good ? 0 : 1;
}
