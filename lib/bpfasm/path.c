/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * States that wait where a jump leads to.
 *
 * Two states that differ in the range of one number (and its copies) become one with both ranges: for
 * each number of them there is a run that comes here. With two numbers that would be wrong, since a
 * number of the one need not go with a number of the other.
 */
#include "lib/bpfasm/flow.h"

#include <string.h>

struct flow_saved {
	struct flow_saved *next;
	uint64_t slots;
	uint64_t written[FLOW_STACK / 64];
	struct range length;
	bool pulled, compared;
	struct flow_value registers[REGISTER_COUNT];
	struct flow_value stack[]; /* one for each bit of `slots` */
};

static struct flow_saved *save(struct flow *flow, const struct flow_state *state)
{
	size_t count = (size_t)__builtin_popcountll(state->slots);
	struct flow_saved *saved = flow->unused[count];

	if (saved)
		flow->unused[count] = saved->next;
	else
		saved = arena_alloc(
			flow->scratch, sizeof(*saved) + count * sizeof(saved->stack[0]));
	saved->slots = state->slots;
	memcpy(saved->written, state->written, sizeof(saved->written));
	saved->length = state->length;
	saved->pulled = state->pulled;
	saved->compared = state->compared;
	memcpy(saved->registers, state->registers, sizeof(saved->registers));
	count = 0;
	for (uint64_t left = state->slots; left; left &= left - 1)
		saved->stack[count++] = state->stack[__builtin_ctzll(left)];
	return saved;
}

static void restore(struct flow *flow, struct flow_saved *saved, struct flow_state *state)
{
	size_t count = 0;

	state->slots = saved->slots;
	memcpy(state->written, saved->written, sizeof(state->written));
	state->length = saved->length;
	state->pulled = saved->pulled;
	state->compared = saved->compared;
	memcpy(state->registers, saved->registers, sizeof(state->registers));
	for (uint64_t left = saved->slots; left; left &= left - 1)
		state->stack[__builtin_ctzll(left)] = saved->stack[count++];
	saved->next = flow->unused[count];
	flow->unused[count] = saved;
}

/* How the values of two states answer to each other. */
struct match {
	struct {
		uint32_t waiting, come;
	} ids[REGISTER_COUNT + FLOW_SLOTS];
	size_t count;
	const struct flow_value *waiting, *come; /* the number that differs; NULL: none */
};

static bool same_kind(const struct flow_value *a, const struct flow_value *b)
{
	if (a->kind != b->kind)
		return false;
	/* Which call it was is for words only. */
	if (a->kind == FLOW_LOST || a->kind == FLOW_STALE)
		return true;
	return a->maybe_null == b->maybe_null && a->verdict == b->verdict && a->at == b->at &&
	       a->map == b->map && a->offset == b->offset && a->piece_at == b->piece_at &&
	       a->piece_size == b->piece_size && (a->kind == FLOW_NUMBER || a->known == b->known);
}

/* Copies in the one state have to be copies in the other. */
static bool same_copies(struct match *match, uint32_t waiting, uint32_t come)
{
	if (!waiting && !come)
		return true;
	for (size_t i = 0; i < match->count; i++)
		if ((match->ids[i].waiting == waiting && waiting) ||
			(match->ids[i].come == come && come))
			return match->ids[i].waiting == waiting && match->ids[i].come == come;
	match->ids[match->count].waiting = waiting;
	match->ids[match->count++].come = come;
	return true;
}

/* Copies of the number that differs may differ, and nothing else. */
static bool same_number(
	struct match *match, const struct flow_value *waiting, const struct flow_value *come)
{
	if (range_equal(&waiting->range, &come->range))
		return true;
	if (!match->waiting) {
		match->waiting = waiting;
		match->come = come;
		return true;
	}
	return (waiting->id || come->id) && match->waiting->id == waiting->id &&
	       match->come->id == come->id &&
	       range_equal(&match->waiting->range, &waiting->range) &&
	       range_equal(&match->come->range, &come->range);
}

static bool match_value(
	struct match *match, const struct flow_value *waiting, const struct flow_value *come)
{
	if (!same_kind(waiting, come) || !same_copies(match, waiting->id, come->id))
		return false;
	return waiting->kind != FLOW_NUMBER || same_number(match, waiting, come);
}

static bool match_states(
	struct match *match, const struct flow_saved *waiting, const struct flow_state *come)
{
	size_t at = 0;

	if (waiting->slots != come->slots || waiting->pulled != come->pulled ||
		waiting->compared != come->compared)
		return false;
	for (int i = 0; i < REGISTER_COUNT; i++)
		if (!match_value(match, &waiting->registers[i], &come->registers[i]))
			return false;
	for (uint64_t left = come->slots; left; left &= left - 1)
		if (!match_value(match, &waiting->stack[at++], &come->stack[__builtin_ctzll(left)]))
			return false;
	if (range_equal(&waiting->length, &come->length))
		return true;
	/* The length is a number, too; it has no copies. */
	return !match->waiting;
}

static void widen_value(struct flow_value *value, const struct flow_value *come,
	const struct range *both, uint32_t id)
{
	value->known = value->known && come->known;
	if (value->kind != FLOW_NUMBER || range_equal(&value->range, &come->range))
		return;
	value->id = id;
	value->range = *both;
}

static void add_parts(struct range *range, const struct range *more)
{
	for (uint32_t i = 0; i < more->count; i++)
		range_add(range, more->parts[i].least, more->parts[i].most);
}

/* What waits takes in what has come; they match. */
static void widen(struct flow *flow, struct flow_saved *waiting, const struct match *match,
	const struct flow_state *come)
{
	struct range both = { 0 };
	uint32_t id = ++flow->ids;
	size_t at = 0;

	if (match->waiting) {
		both = match->waiting->range;
		add_parts(&both, &match->come->range);
	}
	for (int i = 0; i < REGISTER_COUNT; i++)
		widen_value(&waiting->registers[i], &come->registers[i], &both, id);
	for (uint64_t left = come->slots; left; left &= left - 1)
		widen_value(&waiting->stack[at++], &come->stack[__builtin_ctzll(left)], &both, id);
	for (size_t i = 0; i < FLOW_STACK / 64; i++)
		waiting->written[i] |= come->written[i];
	add_parts(&waiting->length, &come->length);
}

static void swap_places(struct flow *flow, size_t a, size_t b)
{
	uint32_t place = flow->places.items[a];

	flow->places.items[a] = flow->places.items[b];
	flow->places.items[b] = place;
}

static void push_place(struct flow *flow, size_t at)
{
	size_t i = flow->places.count;

	*vec_add(flow->scratch, &flow->places) = (uint32_t)at;
	for (; i && flow->places.items[(i - 1) / 2] > flow->places.items[i]; i = (i - 1) / 2)
		swap_places(flow, i, (i - 1) / 2);
}

static void pop_place(struct flow *flow)
{
	size_t count = --flow->places.count;

	flow->places.items[0] = flow->places.items[count];
	for (size_t i = 0, child; (child = 2 * i + 1) < count; i = child) {
		if (child + 1 < count && flow->places.items[child + 1] < flow->places.items[child])
			child++;
		if (flow->places.items[i] <= flow->places.items[child])
			return;
		swap_places(flow, i, child);
	}
}

void flow_arrive(struct flow *flow, size_t at, const struct flow_state *state)
{
	struct flow_point *point = &flow->points[at];
	struct flow_saved *saved;

	for (saved = point->waiting; saved; saved = saved->next) {
		struct match match = { 0 };

		if (match_states(&match, saved, state)) {
			widen(flow, saved, &match, state);
			return;
		}
	}
	if (point->visits == FLOW_VISITS)
		return;
	point->visits++;
	if (!point->waiting)
		push_place(flow, at);
	saved = save(flow, state);
	saved->next = point->waiting;
	point->waiting = saved;
}

bool flow_take(struct flow *flow, size_t *at, struct flow_state *ret)
{
	struct flow_saved *saved;

	if (!flow->places.count)
		return false;
	*at = flow->places.items[0];
	saved = flow->points[*at].waiting;
	flow->points[*at].waiting = saved->next;
	if (!saved->next)
		pop_place(flow);
	restore(flow, saved, ret);
	return true;
}
