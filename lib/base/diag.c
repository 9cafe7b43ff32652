/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/base/diag.h"

#include "lib/base/suggest.h"

#include <stdlib.h>
#include <string.h>

const struct diag_code_info diag_codes[DIAG_CODE_COUNT] = {
#define X(code, exit_code, meaning) [DIAG_##code] = { #code, exit_code, meaning },
	DIAG_CODES(X)
#undef X
};

const struct mark mark_none = { 0 };

struct diagnostic *diag_add(struct diagnostics *diagnostics, enum diag_code code, struct mark mark,
	const char *format, ...)
{
	struct diagnostic *diagnostic = vec_add(diagnostics->arena, &diagnostics->list);
	va_list arguments;

	diagnostic->code = code;
	diagnostic->mark = mark;
	va_start(arguments, format);
	diagnostic->message = arena_vprintf(diagnostics->arena, format, arguments);
	va_end(arguments);
	if (diag_codes[code].exit_code)
		diagnostics->errors++;
	else
		diagnostics->warnings++;
	return diagnostic;
}

void diag_suggest(struct diagnostics *diagnostics, struct diagnostic *diagnostic,
	const struct suggestion *suggestion)
{
	const char *best = suggestion_result(suggestion);

	if (best)
		diagnostic->hint = arena_printf(diagnostics->arena, "did you mean \"%s\"?", best);
}

int diag_exit_code(const struct diagnostics *diagnostics)
{
	int worst = 0;

	vec_each (diagnostic, &diagnostics->list)
		if (diag_codes[diagnostic->code].exit_code > worst)
			worst = diag_codes[diagnostic->code].exit_code;
	return worst;
}

/* Sorted through ranks, because qsort is not stable and sources have no order of their own. */
struct ranked {
	struct diagnostic diagnostic;
	size_t source, position;
};

static int compare_ranked(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	if (a->diagnostic.mark.line != b->diagnostic.mark.line)
		return a->diagnostic.mark.line < b->diagnostic.mark.line ? -1 : 1;
	if (a->diagnostic.mark.column != b->diagnostic.mark.column)
		return a->diagnostic.mark.column < b->diagnostic.mark.column ? -1 : 1;
	return a->position < b->position ? -1 : 1;
}

static bool same_place(const struct mark *a, const struct mark *b)
{
	return a->source && a->source == b->source && a->line == b->line && a->column == b->column;
}

/* Whether the same has been said of the same place; the list is sorted, so those are neighbours. */
static bool is_repeated(
	const struct diagnostics *diagnostics, size_t kept, const struct diagnostic *diagnostic)
{
	while (kept-- > 0) {
		const struct diagnostic *before = &diagnostics->list.items[kept];

		if (!same_place(&before->mark, &diagnostic->mark))
			return false;
		if (before->code == diagnostic->code &&
			strcmp(before->message, diagnostic->message) == 0)
			return true;
	}
	return false;
}

/* What an alias brings in a second time is wrong in one place only. */
static void drop_repeated(struct diagnostics *diagnostics)
{
	size_t kept = 0;

	vec_each (diagnostic, &diagnostics->list) {
		if (!is_repeated(diagnostics, kept, diagnostic))
			diagnostics->list.items[kept++] = *diagnostic;
		else if (diag_codes[diagnostic->code].exit_code)
			diagnostics->errors--;
		else
			diagnostics->warnings--;
	}
	diagnostics->list.count = kept;
}

void diag_sort(struct diagnostics *diagnostics)
{
	size_t count = diagnostics->list.count;
	struct ranked *ranked = arena_alloc_array(diagnostics->arena, count, sizeof(*ranked));

	for (size_t i = 0; i < count; i++) {
		size_t first = 0;

		while (diagnostics->list.items[first].mark.source !=
			diagnostics->list.items[i].mark.source)
			first++;
		ranked[i] = (struct ranked){ diagnostics->list.items[i], first, i };
	}
	if (count)
		qsort(ranked, count, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < count; i++)
		diagnostics->list.items[i] = ranked[i].diagnostic;
	drop_repeated(diagnostics);
}
