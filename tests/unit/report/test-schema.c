/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * That the schema's writer knows whatever a table may hold. What it writes is compared with
 * sockform's own verdicts by tests/golden/schema.
 */
#include "tests/unit/support.h"

#include "lib/bpfasm/value.h"
#include "lib/report/schema.h"

#include <string.h>

SUITE(schema);

Test(schema, every_type_of_field_has_a_writer)
{
	for (enum field_type type = 0; type < FIELD_TYPE_COUNT; type++)
		cr_assert_not_null(schema_writers[type], "type %d", (int)type);
}

Test(schema, every_kind_of_argument_says_what_it_may_be)
{
	for (enum argument_kind kind = 0; kind < ARGUMENT_KIND_COUNT; kind++) {
		const struct value_kind *row = &value_kinds[kind];

		cr_assert_not_null(row->name, "kind %d", (int)kind);
		cr_assert_not_null(row->expected, "%s", row->name);
		cr_assert(row->registers || row->numbers || row->wide || row->words ||
				  row->labels || row->maps || row->fields || row->pattern,
			"%s", row->name);
		cr_assert(!row->numbers || row->least < row->most, "%s", row->name);
		/* Two kinds of one name would overwrite each other. */
		for (enum argument_kind other = 0; other < kind; other++)
			cr_assert_str_neq(row->name, value_kinds[other].name);
	}
}

static struct capture capture;

Test(schema, is_json_in_either_format)
{
	const char *json, *text;

	capture_begin(&capture, SINK_JSON);
	report_schema(&capture.sink, &arena);
	json = capture_end(&capture);
	capture_begin(&capture, SINK_TEXT);
	report_schema(&capture.sink, &arena);
	text = capture_end(&capture);
	cr_assert_eq(strncmp(json, "{\n  \"$schema\": ", 15), 0);
	cr_assert_str_eq(&json[strlen(json) - 2], "}\n");
	cr_assert_str_eq(text, json);
}

/* Every object and array that is opened is closed: the sink would go on indenting otherwise. */
Test(schema, every_writer_closes_what_it_opens)
{
	const struct manifest_field *fields = manifest_record_manifest.fields;
	struct schema schema = { &capture.sink, &arena };

	for (size_t i = 0; i < manifest_record_manifest.field_count; i++) {
		capture_begin(&capture, SINK_JSON);
		sink_open_object(&capture.sink, NULL);
		schema_writers[fields[i].type](&schema, &fields[i]);
		cr_assert_eq(capture.sink.depth, 1, "%s", fields[i].key);
		capture_end(&capture);
	}
}
