/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The calls that a run makes, as inject.c writes them down, and which of them are tried. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum class { BPF, FS, WAIT, CLASS_COUNT };

extern const char *const class_names[CLASS_COUNT];

struct call {
	enum class class;
	unsigned int nth; /* of its class, from 1 */
	char name[24];    /* of a bpf() call the number of its command */
	char about[160];  /* a path, or what a descriptor is; "" */
	bool tried;
};

#define CALLS_MOST 2048

struct calls {
	struct call items[CALLS_MOST];
	size_t count;
	unsigned int of[CLASS_COUNT];
};

void calls_read(const char *file, struct calls *ret);

/* How many of a class came before that call, or are it. */
unsigned int calls_until(const struct calls *calls, const struct call *call, enum class class);

/* Marks all; those by which sockets are waited for; those by which a tree of others is removed. */
void calls_choose_all(struct calls *calls);
void calls_choose_waiting(struct calls *calls);
void calls_choose_removing(struct calls *calls);

/* So many reads of the queues are among those that wait: a map is read twice for each look at it. */
#define READS_TRIED 8
