/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/base/diag.h"

#include "lib/base/index.h"
#include "lib/base/suggest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Where a template's text was come to from outside of templates. */
static struct mark origin_of(const struct diagnostic *diagnostic)
{
	struct mark from = mark_none;

	for (const struct diag_use *use = diagnostic->use; use; use = use->outer)
		from = use->mark;
	return from;
}

static bool is_same_place(const struct mark *one, const struct mark *other)
{
	return one->source == other->source && one->line == other->line &&
	       one->column == other->column;
}

static bool says_the_same(const struct diagnostic *one, const struct diagnostic *other)
{
	struct mark from = origin_of(one), other_from = origin_of(other);

	return one->code == other->code && is_same_place(&one->mark, &other->mark) &&
	       is_same_place(&from, &other_from) && strcmp(one->message, other->message) == 0;
}

static uint64_t hash_place(uint64_t hash, const struct mark *mark)
{
	hash = hash_bytes(hash, &mark->source, sizeof(mark->source));
	hash = hash_bytes(hash, &mark->line, sizeof(mark->line));
	return hash_bytes(hash, &mark->column, sizeof(mark->column));
}

/* The slot of what says the same, or an empty one; there is one. */
static size_t *find_said(const struct diagnostics *diagnostics, const struct diagnostic *diagnostic)
{
	struct mark from = origin_of(diagnostic);
	uint64_t hash = hash_place(hash_place(HASH_SEED, &diagnostic->mark), &from);
	size_t at;

	hash = hash_bytes(hash, &diagnostic->code, sizeof(diagnostic->code));
	hash = hash_bytes(hash, diagnostic->message, strlen(diagnostic->message));
	for (at = hash & (diagnostics->room - 1); diagnostics->said[at];
		at = (at + 1) & (diagnostics->room - 1))
		if (says_the_same(&diagnostics->list.items[diagnostics->said[at] - 1], diagnostic))
			break;
	return &diagnostics->said[at];
}

/* All of the list into a table that is never more than half full. */
static void index_said(struct diagnostics *diagnostics)
{
	if (diagnostics->list.count * 2 >= diagnostics->room) {
		diagnostics->room = diagnostics->room ? diagnostics->room * 2 : 16;
		diagnostics->said = arena_alloc_array(
			diagnostics->arena, diagnostics->room, sizeof(*diagnostics->said));
	} else {
		memset(diagnostics->said, 0, diagnostics->room * sizeof(*diagnostics->said));
	}
	for (size_t i = 0; i < diagnostics->list.count; i++)
		*find_said(diagnostics, &diagnostics->list.items[i]) = i + 1;
}

static struct diagnostic *add_again(struct diagnostics *diagnostics, size_t position)
{
	diagnostics->again = diagnostics->list.items[position];
	if (diag_codes[diagnostics->again.code].exit_code)
		diagnostics->errors_again++;
	else
		diagnostics->warnings_again++;
	return &diagnostics->again;
}

/* Keeps it, with its message in the arena, unless that has been said. */
static struct diagnostic *add(struct diagnostics *diagnostics, const struct diagnostic *diagnostic)
{
	struct diagnostic *added;
	size_t *slot;

	count_one(diagnostics, diagnostic->code);
	if (diagnostics->list.count * 2 >= diagnostics->room)
		index_said(diagnostics);
	slot = find_said(diagnostics, diagnostic);
	if (*slot && diagnostic->mark.source)
		return add_again(diagnostics, *slot - 1);
	added = vec_add(diagnostics->arena, &diagnostics->list);
	*added = *diagnostic;
	added->message =
		arena_copy(diagnostics->arena, diagnostic->message, strlen(diagnostic->message));
	*slot = diagnostics->list.count;
	return added;
}

/* Of what stands in quotes no more than so many characters are kept; the first tell which it is. */
#define MOST_QUOTED 60

char *diag_shorten(char *message)
{
	char *to = message, *from = message, *open;

	while ((open = strchr(from, '"')) && strchr(open + 1, '"')) {
		size_t before = (size_t)(open + 1 - from), length = strcspn(open + 1, "\""),
		       kept = 0;

		to = (char *)memmove(to, from, before) + before;
		from = open + 1;
		if (count_characters(from, length) <= MOST_QUOTED) {
			kept = length;
		} else {
			for (int i = 0; i < MOST_QUOTED - 3; i++)
				kept += character_length(from + kept, length - kept);
		}
		to = (char *)memmove(to, from, kept) + kept;
		if (kept < length)
			to = mempcpy(to, "...", 3);
		*to++ = '"';
		from += length + 1;
	}
	memmove(to, from, strlen(from) + 1);
	return message;
}

struct diagnostic *diag_add(struct diagnostics *diagnostics, enum diag_code code, struct mark mark,
	const char *format, ...)
{
	char buffer[512];
	char *message = buffer;
	struct diagnostic diagnostic = { .code = code, .mark = mark, .use = diagnostics->use };
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(buffer, sizeof(buffer), format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof(buffer)) {
		va_start(arguments, format);
		message = arena_vprintf(diagnostics->arena, format, arguments);
		va_end(arguments);
	}
	diagnostic.message = diag_shorten(message);
	return add(diagnostics, &diagnostic);
}

void diag_copy(struct diagnostics *diagnostics, const struct diagnostic *from)
{
	add(diagnostics, from);
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
	if (count)
		index_said(diagnostics);
	diagnostics->errors -= diagnostics->errors_again;
	diagnostics->warnings -= diagnostics->warnings_again;
	diagnostics->errors_again = diagnostics->warnings_again = 0;
}
