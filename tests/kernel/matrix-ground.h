/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the fault matrix stands on: two manifests of one deployment, a third one's beside it, the
 * connections in their maps, a program of somebody else's, and the states that the kernel may be in.
 */
#pragma once

#include "cgroup.h"
#include "shape.h"
#include "traffic.h"

enum cgroups { GOES, STAYS, COMES, CGROUP_COUNT };

/* Whose map it is in, and what becomes of that with the new manifest. */
enum connections { KEPT, MOVED, FREED, BESIDE, CONNECTION_COUNT };

enum states {
	NONE,   /* nothing of it */
	BARE,   /* the old manifest */
	BEFORE, /* likewise, with the foreign program */
	FRESH,  /* the new manifest, where there was nothing */
	AFTER,  /* likewise, where there was the old one with its sockets */
	STATE_COUNT
};

struct ground {
	struct manifest old, new, near;
	struct connection connections[CONNECTION_COUNT];
	int foreign; /* program, attached to the map "taken" in BEFORE */
	int cgroups[CGROUP_COUNT];
	const char *cgroup_paths[CGROUP_COUNT];
	struct shape_ground looked_at;
	char *states[STATE_COUNT]; /* malloc()ed, see struct shape */
};

/*
 * Each of the states comes from a run in which nothing fails, and what is known of it is asserted: how
 * many pins it has, that its connections go where they are to.
 */
void ground_init(struct ground *ground);
void ground_finish(struct ground *ground);

/* Without faults, and without waiting for sockets. */
void ground_apply(const char *path);
void ground_delete(const struct ground *ground, bool forces);

/* From whatever state to NONE; to BEFORE, with the connections in their maps; with strangers among the pins. */
void ground_restore_none(struct ground *ground);
void ground_restore_before(struct ground *ground);
void ground_restore_strange(struct ground *ground);

/* Whether the connection is in its map, which may be gone. */
bool ground_has(const struct ground *ground, enum connections which);

/* Objects that stay in an update, by the paths of their pins below sockform's folder; NULL ends them. */
extern const char *const ground_staying[];

/* Numbers of pins and of records that the manifests have. */
size_t ground_pins(enum states state);
size_t ground_records(enum states state);
