/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside the room: the words that results are made of, each from the table that writes it. */
#pragma once

#include <stddef.h>

/* By position; NULL behind the last. */
const char *result_action_at(size_t at); /* plan.c: "create" */
const char *result_count_at(size_t at);  /* plan.c: "created" */
const char *result_object_at(size_t at); /* plan.c: "map" */
const char *result_health_at(size_t at); /* state.c: "drifted" */
const char *result_remedy_at(size_t at); /* state.c */
