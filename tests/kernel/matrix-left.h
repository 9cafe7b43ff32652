/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a run leaves that met a second error while it took back what it had done: only what it names. */
#pragma once

#include "matrix-check.h"

/* Whether `said` names something that could not be taken back, or attached again. */
bool left_is_named(const char *said);

/*
 * Faults each object that is not as it was where the scene begins and that `said` does not name. Named are a
 * path, or a hook, and with it what has the same stem: a map, what is attached to it with slot, dispatcher and
 * link, and their records, or a program of any generation with its record.
 */
void check_left(struct matrix *matrix, const char *said);
