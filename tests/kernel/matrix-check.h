/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What has to hold after each case of the fault matrix: what does not is noted and counted, and the rest goes on. */
#pragma once

#include "matrix-calls.h"
#include "matrix-ground.h"

/* From which state to which. */
struct scene {
	const char *name;
	const char *arguments[8]; /* NULL ends them */
	enum states before, after;
	void (*restore)(struct ground *ground);
	void (*choose)(struct calls *calls); /* which are tried */
	bool waits;                          /* for sockets */
	bool forces;
	bool thin;                       /* one error and one kill at each call */
	unsigned int least[CLASS_COUNT]; /* calls that are tried */
};

/* What comes after a kill. */
enum recoveries { RECOVERY_NEW, RECOVERY_OLD, RECOVERY_DELETE, RECOVERY_COUNT };

struct matrix {
	struct ground ground;
	const struct scene *scene;
	struct shape_counts counts; /* in the machine, where the scene begins */
	char *exact;                /* where the case begins: see struct shape; malloc()ed */
	char inject[96];            /* what goes wrong in it */
	const struct call *call;    /* that does; NULL: none */
	unsigned int faults;
};

void fault(struct matrix *matrix, const char *what, const char *detail);

/* Whether sockets are in the maps where the scene begins, and in the one that stays until its end. */
bool scene_has_sockets(const struct scene *scene);
bool scene_keeps_sockets(const struct scene *scene);

/* Whether the kernel is in that state. */
bool is_in_state(const struct matrix *matrix, enum states state);

/* The kernel is in that state, or in the other one. */
bool check_state(struct matrix *matrix, enum states state, enum states other);

/* All objects but links are the very same as where the case began, and all records; or those that stay are. */
void check_same(struct matrix *matrix);
void check_staying(struct matrix *matrix);

/* What streams while a command runs: with that map or without. */
void traffic_begin(struct matrix *matrix);
void traffic_end(struct matrix *matrix, enum connections which);

/* Bytes go where they are to. A connection that lost something makes room for another one. */
void check_connection(struct matrix *matrix, enum connections which, enum destination destination);

/* Likewise of all that are in maps: `done` for what the scene leads to, or where it begins. */
void check_connections(struct matrix *matrix, bool done);

/* Those that were in their maps before the next command are there still, and run its programs. */
void check_recovered(
	struct matrix *matrix, const bool had[CONNECTION_COUNT], enum recoveries recovery);

/* What `status` says: 0 or 1 half-way, and what is right when all is done. */
void check_status_between(struct matrix *matrix);
void check_status(struct matrix *matrix, bool exists);

/*
 * That nothing is left over in the machine. The kernel takes its time to free what is gone, so this is
 * asked once for many cases: what a case leaves behind stays.
 */
void check_leaks(struct matrix *matrix);
