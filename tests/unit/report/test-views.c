/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* How plans, states and valid manifests look. */
#include "tests/unit/plan/world.h"

#include "lib/report/report.h"

#include <string.h>

SUITE(views);

static struct capture capture;
static struct world world;

static const char *plan_text(const struct plan *plan, enum report_tense tense)
{
	capture_begin(&capture, SINK_TEXT);
	report_plans(&capture.sink, &plan, 1, tense, 0.94);
	return capture_end(&capture);
}

Test(views, a_plan_that_creates)
{
	world_empty(&world);
	cr_assert_str_eq(plan_text(world_plan(&world), REPORT_PLANNED),
		"echo\n"
		"  + map         pairs                 sockhash [cookie], 64 entries\n"
		"  + map         spare                 sockmap, 2 entries\n"
		"  + program     parser                sk_skb, 2 instructions\n"
		"  + program     verdict               sk_skb, 11 instructions\n"
		"  + attachment  pairs:stream_parser   parser\n"
		"  + attachment  pairs:stream_verdict  verdict\n"
		"6 to create\n");
}

Test(views, unchanged)
{
	world_applied(&world);
	cr_assert_str_eq(plan_text(world_plan(&world), REPORT_PLANNED), "echo: unchanged\n");
	cr_assert_str_eq(plan_text(world_plan(&world), REPORT_DONE), "echo: unchanged\n");
}

Test(views, what_was_done_is_counted_and_timed)
{
	world_applied(&world);
	world_attachment(&world, 1)->slot.program = 0;
	cr_assert_str_eq(plan_text(world_plan(&world), REPORT_DONE),
		"echo\n"
		"  ~ attachment  pairs:stream_verdict  verdict\n"
		"      takes effect for every socket at once\n"
		"1 updated in 0.9 ms\n");
}

Test(views, teardown)
{
	world_applied(&world);
	cr_assert_str_eq(plan_text(plan_teardown(&arena, &world.state, false, NULL, &diagnostics),
				 REPORT_PLANNED),
		"echo\n"
		"  - attachment  pairs:stream_parser\n"
		"  - attachment  pairs:stream_verdict\n"
		"  - program     parser\n"
		"  - program     verdict\n"
		"  - map         pairs\n"
		"  - map         spare\n"
		"6 to delete\n");
}

Test(views, teardown_of_nothing)
{
	struct state state = { .deployment = "gone" };

	cr_assert_str_eq(
		plan_text(plan_teardown(&arena, &state, false, NULL, &diagnostics), REPORT_DONE),
		"gone: nothing to delete\n");
}

Test(views, a_plan_as_json)
{
	const struct plan *plan;

	world_applied(&world);
	world.state.attachments.count = 1;
	world.state.attachment_names = (struct name_index){ 0 };
	name_index_add(&arena, &world.state.attachment_names, "pairs:stream_parser", 0);
	plan = world_plan(&world);
	capture_begin(&capture, SINK_JSON);
	report_plans(&capture.sink, &plan, 1, REPORT_DONE, 1.5);
	cr_assert_not_null(
		strstr(capture_end(&capture), "        {\n"
					      "          \"action\": \"create\",\n"
					      "          \"object\": \"attachment\",\n"
					      "          \"name\": \"pairs:stream_verdict\",\n"
					      "          \"detail\": \"verdict\",\n"
					      "          \"reason\": null\n"
					      "        }\n"
					      "      ],\n"
					      "      \"strangers\": []\n"
					      "    }\n"
					      "  ],\n"
					      "  \"done\": true,\n"
					      "  \"milliseconds\": 1.500\n"
					      "}\n"));
}

/* What --force takes away for good is named before. */
Test(views, a_plan_that_takes_what_others_made)
{
	const struct plan *plan;

	world_applied(&world);
	*vec_add(&arena, &world.state.strangers) = "/bpf/echo/maps/theirs";
	*vec_add(&arena, &world.state.outsiders) = "/bpf/echo/folder";
	plan = plan_teardown(&arena, &world.state, true, NULL, &diagnostics);
	capture_begin(&capture, SINK_TEXT);
	report_plans(&capture.sink, &plan, 1, REPORT_PLANNED, 0);
	cr_assert_not_null(strstr(capture_end(&capture), "  - map         spare\n"
							 "  - file        /bpf/echo/maps/theirs\n"
							 "      sockform did not make it\n"
							 "  - file        /bpf/echo/folder\n"
							 "      sockform did not make it\n"));
	capture_begin(&capture, SINK_JSON);
	report_plans(&capture.sink, &plan, 1, REPORT_PLANNED, 0);
	cr_assert_not_null(
		strstr(capture_end(&capture), "      \"strangers\": [\n"
					      "        {\n"
					      "          \"path\": \"/bpf/echo/maps/theirs\"\n"
					      "        },\n"
					      "        {\n"
					      "          \"path\": \"/bpf/echo/folder\"\n"
					      "        }\n"
					      "      ]\n"));
}

Test(views, totals_over_several_plans)
{
	const struct plan *plans[2];

	world_empty(&world);
	plans[0] = world_plan(&world);
	plans[1] = world_plan(&world);
	capture_begin(&capture, SINK_TEXT);
	report_plans(&capture.sink, plans, 2, REPORT_PLANNED, 0);
	cr_assert_not_null(strstr(capture_end(&capture), "\n12 to create\n"));
}

static const char *status_text(enum sink_format format)
{
	struct report_status status = { .state = &world.state };

	state_find_drift(&arena, &world.state, &status.drifts);
	capture_begin(&capture, format);
	report_states(&capture.sink, &status, 1);
	return capture_end(&capture);
}

Test(views, status_of_a_healthy_deployment)
{
	world_applied(&world);
	world_attachment(&world, 1)->dispatcher.run_count = 7;
	cr_assert_str_eq(status_text(SINK_TEXT),
		arena_printf(&arena,
			"echo: ok\n"
			"  map         pairs                 sockhash, 3 of 64 entries, id 10\n"
			"  map         spare                 sockmap, 2 entries, id 11\n"
			"  program     parser                %016llx, id 20\n"
			"  program     verdict               %016llx, id 21\n"
			"  attachment  pairs:stream_parser   parser\n"
			"  attachment  pairs:stream_verdict  verdict, 7 runs\n",
			(unsigned long long)world_digest(&world, "parser"),
			(unsigned long long)world_digest(&world, "verdict")));
}

/* One long name, of a container's cgroup say, does not push the columns of all rows to the right. */
Test(views, a_long_name_moves_its_own_row)
{
	char name[200] = "", *text;

	memset(name, 'a', sizeof(name) - 1);
	world_applied(&world);
	world_attachment(&world, 1)->title = name;
	text = (char *)status_text(SINK_TEXT);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		cr_assert(strlen(line) <= 80 || strstr(line, name), "%s", line);
}

Test(views, status_tells_of_drift)
{
	const char *text;

	world_applied(&world);
	world_attachment(&world, 1)->link.id = 0;
	text = status_text(SINK_TEXT);
	cr_assert_not_null(strstr(text, "echo: drifted\n"));
	cr_assert_not_null(strstr(text,
		"  ! attachment pairs:stream_verdict: it is detached (its link has no pin)\n"
		"    apply its manifest again\n"));
	text = status_text(SINK_JSON);
	cr_assert_not_null(strstr(text, "\"status\": \"drifted\""));
	cr_assert_not_null(strstr(text, "\"reason\": \"it is detached (its link has no pin)\""));
}

/* What is not to be counted is no number: null, not 0 and not 2^64-1. */
Test(views, status_as_json)
{
	const char *text;

	world_applied(&world);
	text = status_text(SINK_JSON);
	cr_assert_not_null(strstr(text, "\"status\": \"ok\""));
	cr_assert_not_null(strstr(text, "\"layout\": \"sockform-2\""));
	cr_assert_not_null(strstr(text, "\"max_entries\": 64,\n          \"entries\": 3\n"));
	cr_assert_not_null(strstr(text, "\"max_entries\": 2,\n          \"entries\": null\n"));
	cr_assert_not_null(strstr(text, "\"drift\": []"));
}

Test(views, nothing_deployed)
{
	capture_begin(&capture, SINK_TEXT);
	report_states(&capture.sink, NULL, 0);
	cr_assert_str_eq(capture_end(&capture), "nothing is deployed\n");
	capture_begin(&capture, SINK_JSON);
	report_states(&capture.sink, NULL, 0);
	cr_assert_str_eq(capture_end(&capture), "{\n  \"deployments\": []\n}\n");
}

Test(views, valid_manifests_are_counted)
{
	const struct manifest *manifest = valid_manifest(
		"sockform: v1\nname: x\n"
		"maps: { m: { type: sockhash, key: [cookie], max_entries: 1 } }\n"
		"sockets: [{ accept: 1.2.3.4:5, into: m }, { accept: 1.2.3.4:6, into: m }]\n");

	capture_begin(&capture, SINK_TEXT);
	report_valid(&capture.sink, &manifest, 1);
	cr_assert_str_eq(
		capture_end(&capture), "x: valid, 1 map, 0 programs, 0 attachments, 2 feeds\n");
}
