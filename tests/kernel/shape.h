/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What all deployments are, in names: each pin with what it is and refers to, what its record says of
 * it, what is attached to maps and cgroups, what is in slots, and all modes and owners. Ids are left out,
 * because they are other ones after each apply: two states that are the same but for ids have the same
 * text. They have a text of their own, for what has to be the very same afterwards. And how many BPF
 * objects there are in the whole machine.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is looked at besides sockform's folder. */
struct shape_ground {
	const int *cgroups; /* descriptors; their sock_ops hooks are asked */
	size_t cgroup_count;
	uint32_t foreign;    /* id of a program of somebody else's, called "foreign" */
	const char *ignored; /* paths with this in them are not told of; NULL */
};

/* Both malloc()ed. */
struct shape {
	char *text;
	char *exact; /* "<path>: id 12" of pins but links, "<path>: <text>" of symlinks */
};

void shape_read(const struct shape_ground *ground, struct shape *ret);
void shape_finish(struct shape *shape);

/* Maps, programs, links. */
struct shape_counts {
	unsigned int of[3];
};

struct shape_counts shape_count(void);

/* Waits until there are so many: the kernel frees objects asynchronously. False after `deadline` ms. */
bool shape_counts_settle(const struct shape_counts *counts, int deadline);

/* All of them, "map 12 pairs\n...", malloc()ed. */
char *shape_objects(void);

/* Pins that a shape has. */
size_t shape_pins(const char *shape);
