/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/base/suggest.h"

#include <stdbool.h>
#include <string.h>

#define LONGEST 64

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: three rows of the usual table, the third for swapped neighbours. */
size_t edit_distance(const char *a, const char *b)
{
	size_t rows[3][LONGEST + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2], *spare;
	size_t la = strlen(a), lb = strlen(b);

	if (la > LONGEST || lb > LONGEST)
		return (size_t)-1;
	for (size_t j = 0; j <= lb; j++)
		above[j] = before[j] = j;
	for (size_t i = 1; i <= la; i++) {
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t cost = a[i - 1] != b[j - 1];

			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[lb];
}

/*
 * One edit in three letters: closer than that is a typo, further is another word. Of one or two
 * letters any other word is one.
 */
static size_t furthest(const char *word)
{
	return strlen(word) / 3;
}

struct suggestion suggestion_for(const char *word)
{
	return (struct suggestion){ .word = word, .distance = (size_t)-1 };
}

void suggestion_offer(struct suggestion *suggestion, const char *candidate)
{
	size_t own = strlen(suggestion->word), other = strlen(candidate), distance;

	/* Each letter more or less is an edit: most names are out before they are compared. */
	if ((own > other ? own - other : other - own) > furthest(suggestion->word))
		return;
	distance = edit_distance(suggestion->word, candidate);
	if (distance < suggestion->distance) {
		suggestion->distance = distance;
		suggestion->best = candidate;
	}
}

const char *suggestion_result(const struct suggestion *suggestion)
{
	return suggestion->distance <= furthest(suggestion->word) ? suggestion->best : NULL;
}
