/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What `sockform features` shows: a row for each feature, and below it what its absence costs. */
#include "lib/report/report.h"

#include <string.h>

#define LINE_WIDTH 80
#define NAME_WIDTH 30

static const struct {
	const char *word;
	enum sink_colour colour;
} states[PROBE_STATE_COUNT] = {
	[PROBE_YES] = { "yes", COLOUR_GREEN },
	[PROBE_NO] = { "no", COLOUR_RED },
	[PROBE_UNKNOWN] = { "unknown", COLOUR_YELLOW },
};

void report_wrapped(struct sink *sink, int indent, const char *text)
{
	int column = 0;

	while (*text) {
		int length = (int)strcspn(text, " ");

		if (column && column + 1 + length > LINE_WIDTH) {
			sink_text(sink, "\n");
			column = 0;
		}
		sink_text(sink, "%*s", column ? 1 : indent, "");
		sink_foreign(sink, COLOUR_NONE, text, (size_t)length);
		column += (column ? 1 : indent) + length;
		text += length;
		text += strspn(text, " ");
	}
	sink_text(sink, "\n");
}

static void write_state(struct sink *sink, enum probe_state state)
{
	sink_text(sink, "  ");
	sink_coloured(sink, states[state].colour, "%-*s", REPORT_STATE_WIDTH, states[state].word);
	sink_text(sink, "  ");
}

static void write_values(struct sink *sink, const struct probe_feature *feature)
{
	sink_open_object(sink, NULL);
	sink_string(sink, "name", feature->name);
	sink_string(sink, "group", feature->group);
	sink_string(sink, "state", states[feature->state].word);
	sink_string(sink, "detail", feature->detail);
	sink_string(sink, "costs", feature->state == PROBE_NO ? feature->costs : NULL);
	sink_string(sink, "needed_by", feature->needed_by);
	sink_close(sink);
}

/* A name and what is said of it, beside it or, where that is too long, below. */
static void write_line(
	struct sink *sink, enum probe_state state, const char *name, const char *text)
{
	size_t most = LINE_WIDTH - REPORT_DETAIL_COLUMN - NAME_WIDTH - 2;

	write_state(sink, state);
	if (strlen(text) > most) {
		sink_text(sink, "%s\n", name);
		report_wrapped(sink, REPORT_DETAIL_COLUMN, text);
		return;
	}
	sink_text(sink, "%-*s  ", NAME_WIDTH, name);
	sink_foreign(sink, COLOUR_NONE, text, strlen(text));
	sink_text(sink, "\n");
}

/* Why it is not known, where it is, or who needs it; and what its absence costs. */
static void write_row(struct sink *sink, const struct probe_feature *feature)
{
	bool told = feature->detail && feature->state != PROBE_NO;

	write_line(
		sink, feature->state, feature->name, told ? feature->detail : feature->needed_by);
	if (feature->state == PROBE_NO)
		report_wrapped(sink, REPORT_DETAIL_COLUMN, feature->costs);
}

/* Features that are many alike have one row for each state, with the names only of what is not there. */
static void write_common(struct sink *sink, struct arena *arena,
	const struct probe_feature *features, size_t count, enum probe_state state)
{
	const struct probe_feature *last = NULL;
	const char *names = "";
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		if (!features[i].common || features[i].state != state)
			continue;
		last = &features[i];
		found++;
		if (state == PROBE_NO)
			names = arena_printf(
				arena, "%s%s%s", names, found > 1 ? ", " : "", last->name);
	}
	if (!found)
		return;
	write_line(sink, state, arena_printf(arena, "%zu more", found),
		state == PROBE_UNKNOWN ? last->detail : last->needed_by);
	if (state != PROBE_NO)
		return;
	report_wrapped(sink, REPORT_DETAIL_COLUMN, names);
	report_wrapped(sink, REPORT_DETAIL_COLUMN, last->costs);
}

static void write_group(
	struct sink *sink, struct arena *arena, const struct probe_feature *features, size_t count)
{
	sink_coloured(sink, COLOUR_BOLD, "%s\n", features[0].group);
	for (size_t i = 0; i < count; i++) {
		write_values(sink, &features[i]);
		if (!features[i].common)
			write_row(sink, &features[i]);
	}
	for (enum probe_state state = 0; state < PROBE_STATE_COUNT; state++)
		write_common(sink, arena, features, count, state);
}

static size_t group_end(const probe_features *features, size_t at)
{
	size_t end = at;

	while (end < features->count &&
		strcmp(features->items[end].group, features->items[at].group) == 0)
		end++;
	return end;
}

void report_features(struct sink *sink, struct arena *arena, const probe_features *features)
{
	size_t counts[PROBE_STATE_COUNT] = { 0 };

	sink_open_object(sink, NULL);
	sink_open_array(sink, "features");
	for (size_t at = 0, end; at < features->count; at = end) {
		end = group_end(features, at);
		write_group(sink, arena, &features->items[at], end - at);
	}
	sink_close(sink);
	sink_close(sink);
	vec_each (feature, features)
		counts[feature->state]++;
	sink_text(sink, "%zu yes, %zu no, %zu unknown\n", counts[PROBE_YES], counts[PROBE_NO],
		counts[PROBE_UNKNOWN]);
}
