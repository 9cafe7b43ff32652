/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* How features and the results of the self-test look. */
#include "tests/unit/support.h"

#include "lib/report/report.h"

#include <string.h>

SUITE(features);

static struct capture capture;

static void add(probe_features *features, const char *group, const char *name,
	enum probe_state state, const char *detail)
{
	*vec_add(&arena, features) = (struct probe_feature){ .group = group,
		.name = name,
		.needed_by = "type: sockmap",
		.costs = "a manifest with such a map is refused",
		.state = state,
		.detail = detail };
}

static const char *show(const probe_features *features, enum sink_format format)
{
	capture_begin(&capture, format);
	report_features(&capture.sink, &arena, features);
	return capture_end(&capture);
}

Test(features, a_row_says_who_needs_it_or_why_it_is_not_known)
{
	probe_features features = { 0 };

	add(&features, "maps", "sockmap", PROBE_YES, NULL);
	add(&features, "maps", "sockhash", PROBE_UNKNOWN, "needs CAP_BPF");
	add(&features, "file systems", "bpffs", PROBE_YES, "/sys/fs/bpf");
	cr_assert_str_eq(show(&features, SINK_TEXT),
		"maps\n"
		"  yes      sockmap                         type: sockmap\n"
		"  unknown  sockhash                        needs CAP_BPF\n"
		"file systems\n"
		"  yes      bpffs                           /sys/fs/bpf\n"
		"2 yes, 0 no, 1 unknown\n");
}

Test(features, what_is_too_long_stands_below)
{
	probe_features features = { 0 };

	add(&features, "helpers in sk_skb", "bpf_trace_printk", PROBE_UNKNOWN,
		"needs CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON");
	cr_assert_str_eq(show(&features, SINK_TEXT),
		"helpers in sk_skb\n"
		"  unknown  bpf_trace_printk\n"
		"           needs CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON\n"
		"0 yes, 0 no, 1 unknown\n");
}

Test(features, what_is_missing_has_its_costs_below_it)
{
	probe_features features = { 0 };

	add(&features, "maps", "sockmap", PROBE_NO, "Invalid argument");
	cr_assert_str_eq(show(&features, SINK_TEXT),
		"maps\n"
		"  no       sockmap                         type: sockmap\n"
		"           a manifest with such a map is refused\n"
		"0 yes, 1 no, 0 unknown\n");
}

Test(features, what_only_assembly_calls_is_counted_and_named_where_it_is_missing)
{
	static const char *const names[] = { "bpf_one", "bpf_two", "bpf_three", "bpf_four" };
	probe_features features = { 0 };

	for (size_t i = 0; i < 4; i++) {
		add(&features, "helpers in sk_skb", names[i], i < 2 ? PROBE_NO : PROBE_YES, NULL);
		features.items[i].common = true;
	}
	cr_assert_str_eq(show(&features, SINK_TEXT),
		"helpers in sk_skb\n"
		"  yes      2 more                          type: sockmap\n"
		"  no       2 more                          type: sockmap\n"
		"           bpf_one, bpf_two\n"
		"           a manifest with such a map is refused\n"
		"2 yes, 2 no, 0 unknown\n");
}

Test(features, as_json_each_is_an_object)
{
	probe_features features = { 0 };

	add(&features, "maps", "sockmap", PROBE_NO, "Invalid argument");
	add(&features, "maps", "sockhash", PROBE_YES, NULL);
	cr_assert_str_eq(show(&features, SINK_JSON),
		"{\n"
		"  \"features\": [\n"
		"    {\n"
		"      \"name\": \"sockmap\",\n"
		"      \"group\": \"maps\",\n"
		"      \"state\": \"no\",\n"
		"      \"detail\": \"Invalid argument\",\n"
		"      \"costs\": \"a manifest with such a map is refused\",\n"
		"      \"needed_by\": \"type: sockmap\"\n"
		"    },\n"
		"    {\n"
		"      \"name\": \"sockhash\",\n"
		"      \"group\": \"maps\",\n"
		"      \"state\": \"yes\",\n"
		"      \"detail\": null,\n"
		"      \"costs\": null,\n"
		"      \"needed_by\": \"type: sockmap\"\n"
		"    }\n"
		"  ]\n"
		"}\n");
}

Test(features, long_text_is_wrapped_between_words)
{
	capture_begin(&capture, SINK_TEXT);
	report_wrapped(&capture.sink, 4,
		"one two three four five six seven eight nine ten eleven twelve thirteen four "
		"fifteen sixteen");
	cr_assert_str_eq(capture_end(&capture),
		"    one two three four five six seven eight nine ten eleven twelve thirteen four\n"
		"    fifteen sixteen\n");
}

static const struct selftest_result results[] = {
	{ .name = "sk_msg egress",
		.group = "streams",
		.state = SELFTEST_OK,
		.detail = "16 MiB",
		.milliseconds = 12.34 },
	{ .name = "sk_msg ingress",
		.group = "streams",
		.state = SELFTEST_FAULT,
		.detail = "byte 7 of 9 is another one",
		.means = "it arrives damaged",
		.workaround = "do not do that",
		.milliseconds = 1 },
	{ .name = "IPv6",
		.group = "ends",
		.state = SELFTEST_SKIPPED,
		.detail = "no socket",
		.means = "it arrives damaged" },
};

static const char *show_results(enum sink_format format)
{
	selftest_results list = { 0 };

	for (size_t i = 0; i < 3; i++)
		*vec_add(&arena, &list) = results[i];
	cr_assert_eq(selftest_faults(&list), 1);
	capture_begin(&capture, format);
	report_selftest(&capture.sink, &list);
	return capture_end(&capture);
}

Test(features, a_fault_says_what_it_means_and_what_to_do)
{
	cr_assert_str_eq(show_results(SINK_TEXT),
		"streams\n"
		"  ok       sk_msg egress                              12.3 ms  16 MiB\n"
		"  FAULT    sk_msg ingress                              1.0 ms\n"
		"           byte 7 of 9 is another one\n"
		"           means: it arrives damaged\n"
		"           instead: do not do that\n"
		"ends\n"
		"  skipped  IPv6                                        0.0 ms\n"
		"           no socket\n"
		"1 ok, 1 fault, 1 skipped\n");
}

/* They are explained like a fault, and are none. */
Test(features, a_limit_is_no_fault)
{
	selftest_results list = { 0 };

	*vec_add(&arena, &list) = results[1];
	list.items[0].state = SELFTEST_LIMIT;
	cr_assert_eq(selftest_faults(&list), 0);
	capture_begin(&capture, SINK_TEXT);
	report_selftest(&capture.sink, &list);
	cr_assert_str_eq(capture_end(&capture),
		"streams\n"
		"  limit    sk_msg ingress                              1.0 ms\n"
		"           byte 7 of 9 is another one\n"
		"           means: it arrives damaged\n"
		"           instead: do not do that\n"
		"0 ok, 0 faults, 0 skipped\n"
		"1 limits, which no kernel is known not to have\n");
}

Test(features, results_as_json)
{
	const char *text = show_results(SINK_JSON);

	cr_assert_not_null(strstr(text, "\"state\": \"FAULT\",\n"
					"      \"detail\": \"byte 7 of 9 is another one\",\n"
					"      \"means\": \"it arrives damaged\",\n"
					"      \"workaround\": \"do not do that\",\n"
					"      \"milliseconds\": 1.000\n"));
	cr_assert_not_null(strstr(text, "\"state\": \"skipped\",\n"
					"      \"detail\": \"no socket\",\n"
					"      \"means\": null,\n"
					"      \"workaround\": null,\n"));
	cr_assert_not_null(strstr(text, "\"faults\": 1\n"));
}
