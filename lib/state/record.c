/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Records: the target text of a symlink for each map, program and attachment, which says of what
 * sockform pinned under that name what the kernel does not know:
 *
 *	<id> <dispatcher> <attached> <key layout>[;<the same of what it took the place of>]...
 *
 * as in "45 0 0 [cookie];44 0 0 [cookie]"; 0 and "-" stand for what there is none of. An attachment's id is
 * its slot's, and "attached" is the map that its dispatcher is attached to without a link. In the place of a
 * key layout it has "retired" where its manifest has it no longer, and "perhaps" while it is being attached
 * or detached: a map that cannot be asked does not tell what came of that.
 *
 * A record is written before what it is about is pinned, and names the old one beside the new: at no time
 * is there a pin of ours without a record that knows it.
 */
#include "lib/state/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NOTHING "-"

static const char *generation_text(struct arena *arena, const struct state_generation *generation)
{
	return arena_printf(arena, "%" PRIu32 " %" PRIu32 " %" PRIu32 " %s", generation->id,
		generation->dispatcher, generation->attached,
		generation->key ? generation->key : NOTHING);
}

const char *state_record_text(
	struct arena *arena, const struct state_generation *generations, size_t count)
{
	const char *text = "";

	for (size_t i = 0; i < count; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? ";" : "",
			generation_text(arena, &generations[i]));
	return text;
}

static bool parse_generation(struct arena *arena, const char *text, struct state_generation *ret)
{
	int used = 0;

	if (sscanf(text, "%" SCNu32 " %" SCNu32 " %" SCNu32 " %n", &ret->id, &ret->dispatcher,
		    &ret->attached, &used) != 3 ||
		!used || !text[used])
		return false;
	if (strcmp(text + used, NOTHING) != 0)
		ret->key = arena_copy(arena, text + used, strlen(text + used));
	return true;
}

bool state_parse_record(struct arena *arena, const char *text, struct state_record *ret)
{
	ret->text = text;
	for (ret->count = 0; ret->count < STATE_GENERATIONS; ret->count++) {
		size_t length = strcspn(text, ";");

		if (!parse_generation(
			    arena, arena_copy(arena, text, length), &ret->generations[ret->count]))
			return false;
		text += length;
		if (!*text++) {
			ret->count++;
			return true;
		}
	}
	return false;
}

const struct state_record *state_record_of(const struct state *state, const char *file)
{
	size_t at = name_index_find(&state->record_files, file);

	return at == NAME_ABSENT ? NULL : &state->records.items[at];
}

const struct state_generation *state_generation_of(
	const struct state *state, const char *file, uint32_t id)
{
	const struct state_record *record = state_record_of(state, file);

	for (size_t i = 0; record && i < record->count; i++)
		if (record->generations[i].id == id)
			return &record->generations[i];
	return NULL;
}

bool state_dispatcher_is_recorded(const struct state *state, const char *file, uint32_t id)
{
	const struct state_record *record = state_record_of(state, file);

	for (size_t i = 0; record && i < record->count; i++)
		if (id && record->generations[i].dispatcher == id)
			return true;
	return false;
}
