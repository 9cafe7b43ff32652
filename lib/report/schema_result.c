/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The JSON Schemas of what verbs write with -o json. Their words come from the tables that write them;
 * that the keys are those that are written, and no others, is what a test holds against real output:
 * every key is required, and none may be added.
 */
#include "lib/report/result.h"
#include "lib/report/schema.h"

#include <string.h>

typedef const char *(*word_at)(size_t at);

struct shape;

/* A key of a result. */
struct shape_field {
	const char *key;
	const char *type; /* of JSON */
	const char *doc;
	bool nullable;
	word_at words;            /* its value is one of them; NULL */
	const char *pattern;      /* of ECMA 262, of text; NULL */
	const struct shape *item; /* of an array */
	const char *only_with;    /* there where that flag is true, and else not; NULL: always */
};

struct shape {
	const char *title, *doc;
	const struct shape_field *fields;
	size_t field_count;
	word_at counts; /* keys of numbers besides; NULL */
};

#define FIELDS(table) .fields = (table), .field_count = sizeof(table) / sizeof((table)[0])

static const char *map_type_at(size_t at)
{
	size_t count;
	const struct map_kind *kinds = map_kinds(&count);

	return at < count ? kinds[at].name : NULL;
}

static const char *attach_type_at(size_t at)
{
	size_t count;
	const struct attach_kind *kinds = attach_kinds(&count);

	return at < count ? kinds[at].name : NULL;
}

static const struct shape_field step_fields[] = {
	{ "action", "string", "what is done to the object", .words = result_action_at },
	{ "object", "string", "what kind of object it is", .words = result_object_at },
	{ "name", "string", "its name; an attachment's is \"target:attach_type\"" },
	{ "detail", "string", "what it is", .nullable = true },
	{ "reason", "string", "why, where that is not plain", .nullable = true },
};

static const struct shape step = {
	"step",
	"one object; what is in the kernel as it should be is one to keep",
	FIELDS(step_fields),
};

static const struct shape_field stranger_fields[] = {
	{ "path", "string", "of the file or the folder" },
};

static const struct shape stranger = {
	"stranger",
	"something in the deployment's folder that sockform did not make",
	FIELDS(stranger_fields),
};

static const struct shape_field plan_fields[] = {
	{ "name", "string",
		"the deployment; of detach also the map or the cgroup, where others' programs go" },
	{ "changed", "boolean", "whether anything was, or would be, changed" },
	{ "note", "string", "why it is in the plan, or what else changes", .nullable = true },
	{ "steps", "array", "in the order in which they are made", .item = &step },
	{ "strangers", "array", "what goes, or went, with --force", .item = &stranger },
};

static const struct shape plan = {
	"plan",
	"one deployment; the numbers are those of its steps by action",
	FIELDS(plan_fields),
	result_count_at,
};

static const struct shape_field plans_fields[] = {
	{ "deployments", "array", "what is pruned comes first", .item = &plan },
	{ "done", "boolean", "false: it was planned, or tried, and nothing has changed" },
	{ "milliseconds", "number", "how long that took", .only_with = "done" },
};

static const struct shape plans = {
	"plans",
	"what plan, apply, delete and detach write to standard output with -o json",
	FIELDS(plans_fields),
};

static const struct shape_field map_fields[] = {
	{ "name", "string", "its name" },
	{ "id", "integer", "the kernel's" },
	{ "type", "string", "null: a type unknown to manifests", true, map_type_at },
	{ "key_size", "integer", "bytes" },
	{ "value_size", "integer", "bytes" },
	{ "max_entries", "integer", "how many it has room for" },
	{ "entries", "integer", "how many are in it; null: that is not to be counted",
		.nullable = true },
};

static const struct shape map = { "map", "a pinned map", FIELDS(map_fields) };

static const struct shape_field program_fields[] = {
	{ "name", "string", "its name" },
	{ "digest", "string", "of the assembled program", .pattern = "^[0-9a-f]{16}$" },
	{ "id", "integer", "the kernel's" },
};

static const struct shape program = {
	"program",
	"a pinned program: one generation of it",
	FIELDS(program_fields),
};

static const struct shape_field attachment_fields[] = {
	{ "name", "string", "\"target:attach_type\"" },
	{ "target", "string", "the map, or the path of the cgroup" },
	{ "attach_type", "string", "the hook", .words = attach_type_at },
	{ "program", "string", "the one that runs; null: none that is pinned", .nullable = true },
	{ "link_id", "integer", "the kernel's; 0: there is none" },
	{ "run_count", "integer", "0 unless kernel.bpf_stats_enabled is set" },
	{ "run_nanoseconds", "integer", "of all runs; likewise" },
};

static const struct shape attachment = {
	"attachment",
	"what runs on a hook of a map or a cgroup",
	FIELDS(attachment_fields),
};

static const struct shape_field drift_fields[] = {
	{ "object", "string", "map, program, attachment, deployment or file" },
	{ "name", "string", "its name, or the path of a file" },
	{ "reason", "string", "what is wrong with it" },
	{ "remedy", "string", "what makes it good", .words = result_remedy_at },
};

static const struct shape drift = {
	"drift",
	"one thing that is not as it should be",
	FIELDS(drift_fields),
};

static const struct shape_field status_fields[] = {
	{ "name", "string", "the deployment" },
	{ "status", "string", "how it is", .words = result_health_at },
	{ "layout", "string", "version of its tree in bpffs; null: it has none", .nullable = true },
	{ "source", "string", "what it was applied from, - for standard input; null: not known",
		.nullable = true },
	{ "maps", "array", "its maps", .item = &map },
	{ "programs", "array", "its programs", .item = &program },
	{ "attachments", "array", "its attachments", .item = &attachment },
	{ "drift", "array", "what is not as it should be", .item = &drift },
};

static const struct shape status = { "status", "one deployment", FIELDS(status_fields) };

static const struct shape_field statuses_fields[] = {
	{ "deployments", "array", "those that are there, or the one that was asked for",
		.item = &status },
};

static const struct shape statuses = {
	"statuses",
	"what status writes to standard output with -o json",
	FIELDS(statuses_fields),
};

static void write_words(const struct schema *schema, const struct shape_field *field)
{
	sink_open_array(schema->sink, "enum");
	for (size_t i = 0; field->words(i); i++)
		sink_string(schema->sink, NULL, field->words(i));
	if (field->nullable)
		sink_string(schema->sink, NULL, NULL);
	sink_close(schema->sink);
}

static void write_number(const struct schema *schema, const char *type)
{
	sink_string(schema->sink, "type", type);
	sink_number(schema->sink, "minimum", 0);
}

static void write_value(const struct schema *schema, const struct shape_field *field)
{
	bool number = strcmp(field->type, "integer") == 0 || strcmp(field->type, "number") == 0;

	if (field->nullable)
		schema_types(schema, field->type, "null");
	else
		sink_string(schema->sink, "type", field->type);
	if (number)
		sink_number(schema->sink, "minimum", 0);
	if (field->words)
		write_words(schema, field);
	if (field->pattern)
		sink_string(schema->sink, "pattern", field->pattern);
	if (field->item)
		schema_reference(schema, "items", field->item->title);
}

static void write_properties(const struct schema *schema, const struct shape *shape)
{
	sink_open_object(schema->sink, "properties");
	for (size_t i = 0; i < shape->field_count; i++) {
		sink_open_object(schema->sink, shape->fields[i].key);
		sink_string(schema->sink, "description", shape->fields[i].doc);
		write_value(schema, &shape->fields[i]);
		sink_close(schema->sink);
	}
	for (size_t i = 0; shape->counts && shape->counts(i); i++) {
		sink_open_object(schema->sink, shape->counts(i));
		write_number(schema, "integer");
		sink_close(schema->sink);
	}
	sink_close(schema->sink);
}

static void write_required(const struct schema *schema, const struct shape *shape)
{
	sink_open_array(schema->sink, "required");
	for (size_t i = 0; i < shape->field_count; i++)
		if (!shape->fields[i].only_with)
			sink_string(schema->sink, NULL, shape->fields[i].key);
	for (size_t i = 0; shape->counts && shape->counts(i); i++)
		sink_string(schema->sink, NULL, shape->counts(i));
	sink_close(schema->sink);
}

static void write_requirement(const struct schema *schema, const char *keyword, const char *key)
{
	sink_open_object(schema->sink, keyword);
	sink_open_array(schema->sink, "required");
	sink_string(schema->sink, NULL, key);
	sink_close(schema->sink);
	sink_close(schema->sink);
}

/* The key is there where the flag is true, and where it is false it is not. */
static void write_condition(const struct schema *schema, const struct shape_field *field)
{
	sink_open_object(schema->sink, "if");
	sink_open_object(schema->sink, "properties");
	sink_open_object(schema->sink, field->only_with);
	sink_bool(schema->sink, "const", true);
	sink_close(schema->sink);
	sink_close(schema->sink);
	sink_close(schema->sink);
	write_requirement(schema, "then", field->key);
	sink_open_object(schema->sink, "else");
	write_requirement(schema, "not", field->key);
	sink_close(schema->sink);
}

/* The keywords of an object, into one that is open. */
static void write_shape(const struct schema *schema, const struct shape *shape)
{
	sink_string(schema->sink, "title", shape->title);
	sink_string(schema->sink, "description", shape->doc);
	sink_string(schema->sink, "type", "object");
	write_properties(schema, shape);
	write_required(schema, shape);
	sink_bool(schema->sink, "additionalProperties", false);
	for (size_t i = 0; i < shape->field_count; i++)
		if (shape->fields[i].only_with)
			write_condition(schema, &shape->fields[i]);
}

/* Every shape is an item of one place only. */
static void write_items(const struct schema *schema, const struct shape *shape)
{
	for (size_t i = 0; i < shape->field_count; i++) {
		const struct shape *item = shape->fields[i].item;

		if (!item)
			continue;
		sink_open_object(schema->sink, item->title);
		write_shape(schema, item);
		sink_close(schema->sink);
		write_items(schema, item);
	}
}

static void write_result(struct sink *sink, struct arena *arena, const struct shape *shape)
{
	const struct schema schema = { sink, arena };

	schema_begin(&schema);
	write_shape(&schema, shape);
	sink_open_object(sink, "$defs");
	write_items(&schema, shape);
	sink_close(sink);
	sink_close(sink);
}

void report_plan_schema(struct sink *sink, struct arena *arena)
{
	write_result(sink, arena, &plans);
}

void report_status_schema(struct sink *sink, struct arena *arena)
{
	write_result(sink, arena, &statuses);
}
