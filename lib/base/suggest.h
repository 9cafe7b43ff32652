/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * "Did you mean": the known name that is closest to a word, if one is close enough.
 * Offer every candidate, then ask for the best.
 */
#pragma once

#include <stddef.h>

struct suggestion {
	const char *word;
	const char *best;
	size_t distance;
};

struct suggestion suggestion_for(const char *word);

/* Keeps `candidate` (by reference) if it is closer than what was offered before. */
void suggestion_offer(struct suggestion *suggestion, const char *candidate);

/* The best candidate, or NULL when none is near enough to be worth saying. */
const char *suggestion_result(const struct suggestion *suggestion);

/*
 * Edits (insert, delete, replace, swap of neighbours) that turn one word into the other;
 * words over 64 bytes count as infinitely far.
 */
size_t edit_distance(const char *a, const char *b);
