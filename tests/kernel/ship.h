/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The manifests that are shipped, each under the name and on the ports of the test that uses it, and
 * what tests ask of them in the kernel.
 */
#pragma once

#include "harness.h"
#include "raw.h"

/* Copies manifests/NAME.yaml with the test's own name, and its own port where it has a feed. */
void ship(struct manifest *ret, const char *name);

/* `sockform apply FILE [--set SETTING]`, which says nothing on stderr; setting NULL: none. */
void ship_apply(const struct manifest *manifest, const char *setting);

/* A pinned map or program of the deployment; asserted. */
int ship_open(const struct manifest *manifest, const char *pin);

/* Puts a socket into a pinned map under a key. */
void ship_insert(const struct manifest *manifest, const char *map, const void *key, int fd);

/* The same, at an index. */
void ship_insert_at(const struct manifest *manifest, const char *map, uint32_t index, int fd);

/* SO_COOKIE. */
uint64_t ship_cookie(int fd);

/* The key of an IPv4 socket after [local_ip4, remote_ip4, local_port, remote_port]. */
struct ship_tuple {
	uint32_t local_ip4, remote_ip4;   /* network order */
	uint16_t local_port, remote_port; /* network order */
};

struct ship_tuple ship_tuple(int fd);

/* The sum of the values of 8 bytes at a key, over all processors of a per-cpu map. */
uint64_t ship_value(const struct manifest *manifest, const char *map, const void *key);

/*
 * How often the hook whose name ends so, "ip4:msg_verdict" or ":sock_ops", has run since stats were
 * switched on.
 */
uint64_t ship_runs(const struct manifest *manifest, const char *hook);

/* Counts runs for as long as the descriptor is open. */
int ship_count_runs(void);
