/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What `sockform features --self-test` shows: a row for each trial. */
#include "lib/report/report.h"

#include <string.h>

#define NAME_WIDTH 38

static const struct {
	const char *word;
	enum sink_colour colour;
} states[SELFTEST_STATE_COUNT] = {
	[SELFTEST_OK] = { "ok", COLOUR_GREEN },
	[SELFTEST_FAULT] = { "FAULT", COLOUR_RED },
	[SELFTEST_LIMIT] = { "limit", COLOUR_YELLOW },
	[SELFTEST_SKIPPED] = { "skipped", COLOUR_YELLOW },
};

/* A fault of this kernel, or of all: what it means and what can be done is said. */
static bool is_advised(const struct selftest_result *result)
{
	return result->state == SELFTEST_FAULT || result->state == SELFTEST_LIMIT;
}

static void write_values(struct sink *sink, const struct selftest_result *result)
{
	bool fault = is_advised(result);

	sink_open_object(sink, NULL);
	sink_string(sink, "name", result->name);
	sink_string(sink, "group", result->group);
	sink_string(sink, "state", states[result->state].word);
	sink_string(sink, "detail", result->detail);
	sink_string(sink, "means", fault ? result->means : NULL);
	sink_string(sink, "workaround", fault ? result->workaround : NULL);
	sink_real(sink, "milliseconds", result->milliseconds);
	sink_close(sink);
}

static void write_labelled(struct sink *sink, const char *label, const char *text)
{
	char line[256];

	snprintf(line, sizeof(line), "%s%s", label, text);
	report_wrapped(sink, REPORT_DETAIL_COLUMN, line);
}

/* What went well has its detail beside it, the rest says why below. */
static void write_result(struct sink *sink, const struct selftest_result *result)
{
	bool beside = result->state == SELFTEST_OK && result->detail;

	sink_text(sink, "  ");
	sink_coloured(sink, states[result->state].colour, "%-*s", REPORT_STATE_WIDTH,
		states[result->state].word);
	sink_text(sink, "  %-*s  %7.1f ms%s%s\n", NAME_WIDTH, result->name, result->milliseconds,
		beside ? "  " : "", beside ? result->detail : "");
	if (result->detail && !beside)
		report_wrapped(sink, REPORT_DETAIL_COLUMN, result->detail);
	if (!is_advised(result))
		return;
	write_labelled(sink, "means: ", result->means);
	write_labelled(sink, "instead: ", result->workaround);
}

void report_selftest(struct sink *sink, const selftest_results *results)
{
	size_t counts[SELFTEST_STATE_COUNT] = { 0 };
	const char *group = "";

	sink_open_object(sink, NULL);
	sink_open_array(sink, "tests");
	vec_each (result, results) {
		if (strcmp(group, result->group) != 0)
			sink_coloured(sink, COLOUR_BOLD, "%s\n", result->group);
		group = result->group;
		write_values(sink, result);
		write_result(sink, result);
		counts[result->state]++;
	}
	sink_close(sink);
	sink_number(sink, "faults", counts[SELFTEST_FAULT]);
	sink_close(sink);
	sink_text(sink, "%zu ok, %zu %s, %zu skipped\n", counts[SELFTEST_OK],
		counts[SELFTEST_FAULT], counts[SELFTEST_FAULT] == 1 ? "fault" : "faults",
		counts[SELFTEST_SKIPPED]);
	if (counts[SELFTEST_LIMIT])
		sink_text(sink, "%zu limits, which no kernel is known not to have\n",
			counts[SELFTEST_LIMIT]);
}
