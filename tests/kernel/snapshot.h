/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What is in the kernel, as sorted text: one line for each object, so that two states are
 * compared with strcmp() and a failing test shows both. All owners' objects are in it: the tests
 * run one after another, on a machine where nothing else makes BPF objects meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Ids of all maps, programs and links, "map 12\n...". The kernel frees asynchronously, so this
 * waits until the set has been the same for a moment. malloc()ed.
 */
char *snapshot_ids(void);

/* Waits up to three seconds for the ids to be those of `before`; NULL when they are, otherwise
 * what they are instead, malloc()ed. */
char *snapshot_ids_differ(const char *before);

/* Number of lines of a snapshot that begin with "map ", "program " or "link ". */
size_t snapshot_count(const char *ids, const char *kind);

/*
 * Everything below sockform's folder in bpffs: path, inode, and what a symlink says; "" when the
 * folder does not exist. A pin that was replaced has another inode. malloc()ed.
 */
char *snapshot_pins(void);

/* Established TCP sockets on a local port, and the sum of the bytes that wait in them unread. */
struct snapshot_sockets {
	size_t established;
	uint64_t unread; /* bytes */
};
void snapshot_sockets(uint16_t port, struct snapshot_sockets *ret);

/* Number of entries of a pinned map whose value is a cookie other than 0, -1 with errno. */
ssize_t snapshot_entries(const char *pin);

/* All keys and cookies of a pinned map in order, as text. malloc()ed, NULL with errno. */
char *snapshot_map(const char *pin);
