/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Listings, as text and as JSON. */
#include "tests/unit/support.h"

#include "lib/report/report.h"

#include <string.h>

SUITE(build);

#define HEAD                                                                                       \
	"sockform: v1\n"                                                                           \
	"name: listed\n"                                                                           \
	"maps:\n"                                                                                  \
	"  pairs: { type: sockmap, max_entries: 8 }\n"                                             \
	"programs:\n"                                                                              \
	"  p:\n"                                                                                   \
	"    type: sk_skb\n"                                                                       \
	"    body:\n"

static struct capture capture;

static struct report_build build_of(const char *text)
{
	const struct manifest *manifest = valid_manifest(text);
	struct report_build build = { manifest, assemble_unchecked(manifest) };

	expect_no_diagnostics();
	return build;
}

static const char *listing_of(const struct report_build *build, enum sink_format format)
{
	capture_begin(&capture, format);
	report_builds(&capture.sink, build, 1);
	return capture_end(&capture);
}

/* The listing below its first two lines, which end with the digest. */
static const char *lines_of(const char *body)
{
	struct report_build build = build_of(arena_printf(&arena, HEAD "%s", body));
	const char *text = listing_of(&build, SINK_TEXT);

	for (int i = 0; i < 2; i++)
		text = strchr(text, '\n') + 1;
	return text;
}

Test(build, a_program_begins_with_what_it_is)
{
	struct report_build build = build_of(HEAD "    - sk_skb_pass\n    license: Dual MIT/GPL\n");
	const char *expected = arena_printf(&arena,
		"listed\n"
		"  program     p  sk_skb, Dual MIT/GPL, 2 instructions, %016llx\n"
		"    9 | - sk_skb_pass\n"
		"          0  r0 = 1                                sk_skb_pass\n"
		"          1  exit\n",
		(unsigned long long)build.codes[0]->digest);

	cr_assert_str_eq(listing_of(&build, SINK_TEXT), expected);
}

/* A line stands above the first of its instructions, and again when another came between. */
Test(build, lines_stand_above_their_instructions)
{
	cr_assert_str_eq(lines_of("    - |\n"
				  "      r0 = 1; r1 = 2\n"
				  "      if r0 == r1 goto out\n"
				  "    - { mov: { dst: r3, imm: 7 } }\n"
				  "    - \"out: exit\"\n"),
		"   10 | r0 = 1; r1 = 2\n"
		"          0  r0 = 1\n"
		"          1  r1 = 2\n"
		"   11 | if r0 == r1 goto out\n"
		"          2  if r0 == r1 goto +1 # 4\n"
		"   12 | - { mov: { dst: r3, imm: 7 } }\n"
		"          3  r3 = 7                                mov\n"
		"   13 | - \"out: exit\"\n"
		"          4  exit\n");
}

Test(build, addresses_count_a_map_twice)
{
	cr_assert_str_eq(lines_of("    - r0 = pairs ll\n    - sk_skb_drop\n"),
		"    9 | - r0 = pairs ll\n"
		"          0  r0 = pairs ll\n"
		"   10 | - sk_skb_drop\n"
		"          2  r0 = 0                                sk_skb_drop\n"
		"          3  exit\n");
}

/* 72 characters are shown, whatever bytes they take. */
Test(build, long_lines_are_shortened)
{
	const char *line =
		"- exit # 0123456789012345678901234567890123456789012345678901234\xc3\xbc"
		"1234567";

	cr_assert_str_eq(lines_of(arena_printf(&arena, "    %s\n", line)),
		arena_printf(&arena, "    9 | %s\n          0  exit\n", line));
	cr_assert_str_eq(lines_of(arena_printf(&arena, "    %s8\n", line)),
		arena_printf(&arena, "    9 | %.*s...\n          0  exit\n", (int)strlen(line) - 3,
			line));
}

/* Of a template in another file, say. */
Test(build, a_line_of_another_file_stands_below_its_name)
{
	struct report_build build = build_of(HEAD "    - r0 = 1\n    - r0 = 2\n    - exit\n");
	const char *foreign = "first\n  second \x1b line\n";
	struct bpfasm_origin *origin = &build.codes[0]->origins.items[1];

	origin->mark = mark_at(
		source_from_text(&arena, "other\x1b.yaml", foreign, strlen(foreign)), 2, 3, 1);
	cr_assert_str_eq(strchr(listing_of(&build, SINK_TEXT), '|') - 6, "    9 | - r0 = 1\n"
									 "          0  r0 = 1\n"
									 "  other?.yaml\n"
									 "    2 | second ? line\n"
									 "          1  r0 = 2\n"
									 "  t.yaml\n"
									 "   11 | - exit\n"
									 "          2  exit\n");
}

Test(build, several_deployments_and_programs)
{
	struct report_build builds[2] = {
		build_of("sockform: v1\nname: empty\n"),
		build_of(HEAD "    - exit\n  q:\n    type: sk_skb\n    body: [exit]\n"),
	};
	const char *text;

	capture_begin(&capture, SINK_TEXT);
	report_builds(&capture.sink, builds, 2);
	text = capture_end(&capture);
	cr_assert_eq(strncmp(text, "empty: no programs\n\nlisted\n  program     p  ", 44), 0, "%s",
		text);
	cr_assert_not_null(strstr(text, "          0  exit\n\n  program     q  "), "%s", text);
}

/* The bytes of RFC 9669: opcode, registers, offset, immediate. */
Test(build, as_json)
{
	struct report_build build = build_of(HEAD "    - r2 = pairs ll\n    - sk_skb_pass\n");
	const char *expected = arena_printf(&arena,
		"{\n"
		"  \"deployments\": [\n"
		"    {\n"
		"      \"name\": \"listed\",\n"
		"      \"file\": \"t.yaml\",\n"
		"      \"maps\": [\n"
		"        {\n"
		"          \"name\": \"pairs\",\n"
		"          \"type\": \"sockmap\",\n"
		"          \"key_size\": 4,\n"
		"          \"value_size\": 8,\n"
		"          \"max_entries\": 8\n"
		"        }\n"
		"      ],\n"
		"      \"programs\": [\n"
		"        {\n"
		"          \"name\": \"p\",\n"
		"          \"type\": \"sk_skb\",\n"
		"          \"license\": \"GPL\",\n"
		"          \"digest\": \"%016llx\",\n"
		"          \"instructions\": [\n"
		"            {\n"
		"              \"address\": 0,\n"
		"              \"file\": \"t.yaml\",\n"
		"              \"line\": 9,\n"
		"              \"column\": 7,\n"
		"              \"block\": null,\n"
		"              \"text\": \"r2 = pairs ll\",\n"
		"              \"bytes\": \"18120000000000000000000000000000\"\n"
		"            },\n"
		"            {\n"
		"              \"address\": 2,\n"
		"              \"file\": \"t.yaml\",\n"
		"              \"line\": 10,\n"
		"              \"column\": 7,\n"
		"              \"block\": \"sk_skb_pass\",\n"
		"              \"text\": \"r0 = 1\",\n"
		"              \"bytes\": \"b700000001000000\"\n"
		"            },\n"
		"            {\n"
		"              \"address\": 3,\n"
		"              \"file\": \"t.yaml\",\n"
		"              \"line\": 10,\n"
		"              \"column\": 7,\n"
		"              \"block\": \"sk_skb_pass\",\n"
		"              \"text\": \"exit\",\n"
		"              \"bytes\": \"9500000000000000\"\n"
		"            }\n"
		"          ],\n"
		"          \"relocations\": [\n"
		"            {\n"
		"              \"address\": 0,\n"
		"              \"map\": \"pairs\"\n"
		"            }\n"
		"          ],\n"
		"          \"bytes\": \"18120000000000000000000000000000b700000001000000"
		"9500000000000000\"\n"
		"        }\n"
		"      ]\n"
		"    }\n"
		"  ]\n"
		"}\n",
		(unsigned long long)build.codes[0]->digest);

	cr_assert_str_eq(listing_of(&build, SINK_JSON), expected);
}
