/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/base/diag.h"

#include "lib/base/index.h"
#include "lib/base/suggest.h"

#include <stdlib.h>

const struct diag_code_info diag_codes[DIAG_CODE_COUNT] = {
#define X(code, exit_code, meaning) [DIAG_##code] = { #code, exit_code, meaning },
	DIAG_CODES(X)
#undef X
};

const struct mark mark_none = { 0 };

static void count_one(struct diagnostics *diagnostics, enum diag_code code)
{
	if (diag_codes[code].exit_code)
		diagnostics->errors++;
	else
		diagnostics->warnings++;
}

struct diagnostic *diag_add(struct diagnostics *diagnostics, enum diag_code code, struct mark mark,
	const char *format, ...)
{
	struct diagnostic *diagnostic = vec_add(diagnostics->arena, &diagnostics->list);
	va_list arguments;

	diagnostic->code = code;
	diagnostic->mark = mark;
	diagnostic->use = diagnostics->use;
	va_start(arguments, format);
	diagnostic->message = arena_vprintf(diagnostics->arena, format, arguments);
	va_end(arguments);
	count_one(diagnostics, code);
	return diagnostic;
}

void diag_copy(struct diagnostics *diagnostics, const struct diagnostic *from)
{
	*vec_add(diagnostics->arena, &diagnostics->list) = *from;
	count_one(diagnostics, from->code);
}

const char *diag_circle(
	struct arena *arena, const char *const *names, size_t count, const char *verb)
{
	const char *text = arena_printf(arena, "\"%s\"", names[0]);

	if (count == 1)
		return arena_printf(arena, "%s %s itself", text, verb);
	for (size_t i = count; i-- > 1;)
		text = arena_printf(arena, "\"%s\", which %s %s", names[i], verb, text);
	return arena_printf(arena, "\"%s\" %s %s", names[0], verb, text);
}

void diag_suggest(struct diagnostics *diagnostics, struct diagnostic *diagnostic,
	const struct suggestion *suggestion)
{
	const char *best = suggestion_result(suggestion);

	if (best)
		diagnostic->hint = arena_printf(diagnostics->arena, "did you mean \"%s\"?", best);
}

void diag_offer(
	struct diagnostics *diagnostics, struct suggestion *suggestion, struct diag_names names)
{
	const char *at = (const char *)names.first;

	if (names.count > DIAG_MAX_COMPARED - diagnostics->compared)
		return;
	diagnostics->compared += names.count;
	for (size_t i = 0; i < names.count; i++, at += names.stride)
		if (*(const char *const *)at)
			suggestion_offer(suggestion, *(const char *const *)at);
}

void diag_offer_name(
	struct diagnostics *diagnostics, struct suggestion *suggestion, const char *name)
{
	diag_offer(diagnostics, suggestion, (struct diag_names){ &name, 1, sizeof(name) });
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

static int compare_sources(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	uintptr_t first = (uintptr_t)a->diagnostic.mark.source;
	uintptr_t second = (uintptr_t)b->diagnostic.mark.source;

	if (first != second)
		return first < second ? -1 : 1;
	return a->position < b->position ? -1 : 1;
}

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

/* Equal for what says the same of the same place, used from the same place. */
static const char *identity_of(struct arena *arena, const struct diagnostic *diagnostic)
{
	const struct diag_use *use = diagnostic->use;
	struct mark from = mark_none;

	for (; use; use = use->outer)
		from = use->mark;
	return arena_printf(arena, "%p %u %u %p %u %u %d %s", (const void *)diagnostic->mark.source,
		diagnostic->mark.line, diagnostic->mark.column, (const void *)from.source,
		from.line, from.column, (int)diagnostic->code, diagnostic->message);
}

/* What an alias brings in a second time is wrong in one place only. */
static void drop_repeated(struct diagnostics *diagnostics)
{
	struct name_index said = { 0 };
	size_t kept = 0;

	vec_each (diagnostic, &diagnostics->list) {
		const char *identity = identity_of(diagnostics->arena, diagnostic);

		if (!diagnostic->mark.source ||
			name_index_add(diagnostics->arena, &said, identity, 0) == NAME_ABSENT)
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

	for (size_t i = 0; i < count; i++)
		ranked[i] = (struct ranked){ diagnostics->list.items[i], i, i };
	if (count)
		qsort(ranked, count, sizeof(*ranked), compare_sources);
	/* A source ranks as its first diagnostic. */
	for (size_t i = 1; i < count; i++)
		if (ranked[i].diagnostic.mark.source == ranked[i - 1].diagnostic.mark.source)
			ranked[i].source = ranked[i - 1].source;
	if (count)
		qsort(ranked, count, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < count; i++)
		diagnostics->list.items[i] = ranked[i].diagnostic;
	drop_repeated(diagnostics);
}
