/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The JSON Schema of the manifest (https://json-schema.org/draft/2020-12), walked out of the tables
 * that decode it: a new row of a table is in the schema by itself, a new type of field is a new row
 * of `schema_writers`, a new kind of block argument is described by its row in lib/bpfasm/block.c.
 *
 * Editors show the description of the innermost schema that matches: alternatives carry none, so
 * that what is shown is the key's. Beside a $ref stand only description and default, which are kept
 * wherever the reference is put in.
 *
 * What a schema sees is a value, not its spelling. The tables say what sockform makes of a spelling;
 * a number that YAML reads as text ("+0x10") is a text here, too.
 */
#include "lib/report/schema.h"

#include "lib/base/names.h"

#include <string.h>

/* A parameter's value stands in its place once the manifest is read. */
#define SUBSTITUTION_PATTERN "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}"

/* What asm_parse_number() reads and YAML 1.2, unquoted, takes for text. */
#define PLAIN_NUMBER_PATTERN "^([-+]0[xX]|0X)[0-9A-Fa-f]+$"

void schema_begin(const struct schema *schema)
{
	schema->sink->format = SINK_JSON;
	sink_open_object(schema->sink, NULL);
	sink_string(schema->sink, "$schema", "https://json-schema.org/draft/2020-12/schema");
}

void schema_reference(const struct schema *schema, const char *key, const char *definition)
{
	sink_open_object(schema->sink, key);
	sink_string(schema->sink, "$ref", arena_printf(schema->arena, "#/$defs/%s", definition));
	sink_close(schema->sink);
}

void schema_pattern(const struct schema *schema, const char *key, const char *pattern)
{
	sink_open_object(schema->sink, key);
	sink_string(schema->sink, "type", "string");
	sink_string(schema->sink, "pattern", pattern);
	sink_close(schema->sink);
}

void schema_begin_alternatives(const struct schema *schema)
{
	sink_open_array(schema->sink, "anyOf");
}

void schema_end_alternatives(const struct schema *schema)
{
	schema_reference(schema, NULL, "substitution");
	sink_close(schema->sink);
}

void schema_types(const struct schema *schema, const char *first, const char *second)
{
	sink_open_array(schema->sink, "type");
	sink_string(schema->sink, NULL, first);
	sink_string(schema->sink, NULL, second);
	sink_close(schema->sink);
}

static void write_text(const struct schema *schema, const struct manifest_field *field)
{
	(void)field;
	schema_types(schema, "string", "number");
}

static void write_reference(const struct schema *schema, const struct manifest_field *field)
{
	(void)field;
	sink_string(schema->sink, "type", "string");
}

/* patternErrorMessage is what YAML language servers say in place of the pattern. */
static void write_rule(const struct schema *schema, const struct name_rule *rule)
{
	sink_string(schema->sink, "pattern", name_pattern(schema->arena, rule));
	sink_string(schema->sink, "patternErrorMessage", rule->says);
}

static void write_name(const struct schema *schema, const struct manifest_field *field)
{
	schema_begin_alternatives(schema);
	sink_open_object(schema->sink, NULL);
	schema_types(schema, "string", "number");
	write_rule(schema, field->rule);
	sink_close(schema->sink);
	schema_end_alternatives(schema);
}

static void write_version(const struct schema *schema, const struct manifest_field *field)
{
	(void)field;
	sink_string(schema->sink, "const", MANIFEST_VERSION);
}

static void write_number(const struct schema *schema, const struct manifest_field *field)
{
	schema_begin_alternatives(schema);
	sink_open_object(schema->sink, NULL);
	sink_string(schema->sink, "type", "integer");
	sink_number(schema->sink, "minimum", field->least);
	sink_number(schema->sink, "maximum", field->most);
	sink_close(schema->sink);
	schema_reference(schema, NULL, "plain_number");
	schema_end_alternatives(schema);
}

static void write_choice(const struct schema *schema, const struct manifest_field *field)
{
	const struct word_table *words = field->words;

	schema_begin_alternatives(schema);
	sink_open_object(schema->sink, NULL);
	sink_open_array(schema->sink, "enum");
	for (size_t i = 0; words->name_at(i); i++)
		sink_string(schema->sink, NULL, words->name_at(i));
	sink_close(schema->sink);
	sink_open_array(schema->sink, "enumDescriptions");
	for (size_t i = 0; words->name_at(i); i++)
		sink_string(schema->sink, NULL, words->doc_at(i));
	sink_close(schema->sink);
	sink_close(schema->sink);
	schema_end_alternatives(schema);
}

static void write_key(const struct schema *schema, const struct manifest_field *field)
{
	(void)field;
	sink_string(schema->sink, "type", "array");
	sink_number(schema->sink, "minItems", 1);
	sink_bool(schema->sink, "uniqueItems", true);
	schema_reference(schema, "items", "key_field");
}

static void write_address(const struct schema *schema, const struct manifest_field *field)
{
	(void)field;
	schema_begin_alternatives(schema);
	schema_pattern(schema, NULL, MANIFEST_ADDRESS_PATTERN);
	schema_end_alternatives(schema);
}

static void write_body(const struct schema *schema, const struct manifest_field *field)
{
	(void)field;
	sink_string(schema->sink, "type", "array");
	sink_number(schema->sink, "minItems", 1);
	schema_reference(schema, "items", "body_item");
}

/* A template may stand for nothing. */
static void write_raw_body(const struct schema *schema, const struct manifest_field *field)
{
	(void)field;
	sink_string(schema->sink, "type", "array");
	schema_reference(schema, "items", "body_item");
}

/* "a map": map */
static const char *definition_of(const struct manifest_record *record)
{
	return strchr(record->what, ' ') + 1;
}

static bool has_kernel_name(const struct manifest_record *record)
{
	for (size_t i = 0; i < record->field_count; i++)
		if (record->fields[i].rule == &name_in_kernel)
			return true;
	return false;
}

/* What has a longer name than the kernel keeps says which one it is to have there. */
static void write_long_names(const struct schema *schema, const struct manifest_record *record)
{
	sink_open_object(schema->sink, "patternProperties");
	sink_open_object(
		schema->sink, arena_printf(schema->arena, "^.{%d,}$", KERNEL_NAME_MAX + 1));
	sink_open_array(schema->sink, "allOf");
	schema_reference(schema, NULL, definition_of(record));
	sink_open_object(schema->sink, NULL);
	sink_open_array(schema->sink, "required");
	sink_string(schema->sink, NULL, "kernel_name");
	sink_close(schema->sink);
	sink_close(schema->sink);
	sink_close(schema->sink);
	sink_close(schema->sink);
	sink_close(schema->sink);
}

static void write_named(const struct schema *schema, const struct manifest_field *field)
{
	sink_string(schema->sink, "type", "object");
	sink_open_object(schema->sink, "propertyNames");
	sink_string(schema->sink, "title", "name");
	sink_string(schema->sink, "description", field->rule->says);
	write_rule(schema, field->rule);
	sink_close(schema->sink);
	schema_reference(schema, "additionalProperties", definition_of(field->record));
	if (has_kernel_name(field->record))
		write_long_names(schema, field->record);
}

static void write_list(const struct schema *schema, const struct manifest_field *field)
{
	sink_string(schema->sink, "type", "array");
	schema_reference(schema, "items", definition_of(field->record));
}

/* Any scalar: a parameter without a value has to be set from outside. */
static void write_params(const struct schema *schema, const struct manifest_field *field)
{
	(void)field;
	sink_string(schema->sink, "type", "object");
	sink_open_object(schema->sink, "propertyNames");
	sink_string(schema->sink, "description", name_of_object.says);
	write_rule(schema, &name_of_object);
	sink_close(schema->sink);
	sink_open_object(schema->sink, "additionalProperties");
	sink_string(schema->sink, "description",
		"what ${name} stands for; nothing: --set or --values has to say");
	sink_open_array(schema->sink, "type");
	sink_string(schema->sink, NULL, "string");
	sink_string(schema->sink, NULL, "number");
	sink_string(schema->sink, NULL, "boolean");
	sink_string(schema->sink, NULL, "null");
	sink_close(schema->sink);
	sink_close(schema->sink);
}

/* A path or a list of paths. */
static void write_include(const struct schema *schema, const struct manifest_field *field)
{
	(void)field;
	sink_open_array(schema->sink, "anyOf");
	sink_open_object(schema->sink, NULL);
	schema_types(schema, "string", "number");
	sink_close(schema->sink);
	sink_open_object(schema->sink, NULL);
	sink_string(schema->sink, "type", "array");
	sink_open_object(schema->sink, "items");
	schema_types(schema, "string", "number");
	sink_close(schema->sink);
	sink_close(schema->sink);
	sink_close(schema->sink);
}

const schema_writer schema_writers[FIELD_TYPE_COUNT] = {
	[FIELD_TEXT] = write_text,
	[FIELD_REFERENCE] = write_reference,
	[FIELD_NAME] = write_name,
	[FIELD_VERSION] = write_version,
	[FIELD_NUMBER] = write_number,
	[FIELD_CHOICE] = write_choice,
	[FIELD_KEY] = write_key,
	[FIELD_ADDRESS] = write_address,
	[FIELD_BODY] = write_body,
	[FIELD_FLAGS] = schema_write_flags,
	[FIELD_VALUE] = schema_write_value,
	[FIELD_TARGET] = write_text,
	[FIELD_HELD_BY] = schema_write_held_by,
	[FIELD_NAMED] = write_named,
	[FIELD_LIST] = write_list,
	[FIELD_PARAMS] = write_params,
	[FIELD_INCLUDE] = write_include,
	[FIELD_RAW_BODY] = write_raw_body,
};

/* Editors show a description, and neither the range nor the default beside it. */
static const char *describe_field(const struct schema *schema, const struct manifest_field *field)
{
	const char *text = field->doc;

	if (field->rule)
		text = arena_printf(schema->arena, "%s\n\n%s", text, field->rule->says);
	if (field->most)
		text = arena_printf(schema->arena, "%s\n\nValue: %llu to %llu", text,
			(unsigned long long)field->least, (unsigned long long)field->most);
	if (field->preset)
		text = arena_printf(schema->arena, "%s\n\nDefault: %s", text, field->preset);
	return text;
}

static void write_field(const struct schema *schema, const struct manifest_field *field)
{
	sink_open_object(schema->sink, field->key);
	sink_string(schema->sink, "description", describe_field(schema, field));
	if (field->preset)
		sink_string(schema->sink, "default", field->preset);
	schema_writers[field->type](schema, field);
	sink_close(schema->sink);
}

/* What only documents with a deployment need, write_library_rule() asks for. */
static bool is_always_required(
	const struct manifest_record *record, const struct manifest_field *field)
{
	return field->required &&
	       (record != &manifest_record_manifest || field->place != PLACE_DEPLOYMENT);
}

/* The keywords of a mapping, into an object that is open. */
static void write_record(const struct schema *schema, const struct manifest_record *record)
{
	sink_string(schema->sink, "title", definition_of(record));
	sink_string(schema->sink, "description", record->doc);
	sink_string(schema->sink, "type", "object");
	sink_open_object(schema->sink, "properties");
	for (size_t i = 0; i < record->field_count; i++)
		write_field(schema, &record->fields[i]);
	sink_close(schema->sink);
	sink_open_array(schema->sink, "required");
	for (size_t i = 0; i < record->field_count; i++)
		if (is_always_required(record, &record->fields[i]))
			sink_string(schema->sink, NULL, record->fields[i].key);
	sink_close(schema->sink);
	sink_bool(schema->sink, "additionalProperties", false);
	schema_write_rules(schema, definition_of(record));
}

typedef VEC(const struct manifest_record *) record_list;

/* Every record that can be reached from this one, once. */
static void collect_records(
	const struct schema *schema, const struct manifest_record *record, record_list *ret)
{
	for (size_t i = 0; i < record->field_count; i++) {
		const struct manifest_record *inner = record->fields[i].record;
		bool known = !inner;

		vec_each (other, ret)
			known = known || *other == inner;
		if (known)
			continue;
		*vec_add(schema->arena, ret) = inner;
		collect_records(schema, inner, ret);
	}
}

static void write_key_field(const struct schema *schema)
{
	sink_open_object(schema->sink, "key_field");
	schema_begin_alternatives(schema);
	sink_open_object(schema->sink, NULL);
	sink_open_array(schema->sink, "enum");
	for (enum key_field_id id = 0; id < KEY_FIELD_COUNT; id++)
		sink_string(schema->sink, NULL, key_fields[id].name);
	sink_close(schema->sink);
	sink_open_array(schema->sink, "enumDescriptions");
	for (enum key_field_id id = 0; id < KEY_FIELD_COUNT; id++)
		sink_string(schema->sink, NULL,
			arena_printf(schema->arena, "%s; %u bytes", key_fields[id].doc,
				key_fields[id].size));
	sink_close(schema->sink);
	sink_close(schema->sink);
	schema_end_alternatives(schema);
	sink_close(schema->sink);
}

static void write_definitions(const struct schema *schema, const struct manifest_record *root)
{
	record_list records = { 0 };

	sink_open_object(schema->sink, "$defs");
	collect_records(schema, root, &records);
	vec_each (record, &records) {
		sink_open_object(schema->sink, definition_of(*record));
		write_record(schema, *record);
		sink_close(schema->sink);
	}
	write_key_field(schema);
	schema_write_body(schema);
	schema_pattern(schema, "plain_number", PLAIN_NUMBER_PATTERN);
	schema_pattern(schema, "substitution", SUBSTITUTION_PATTERN);
	sink_close(schema->sink);
}

void report_schema(struct sink *sink, struct arena *arena)
{
	struct schema schema = { sink, arena };

	schema_begin(&schema);
	write_record(&schema, &manifest_record_manifest);
	write_definitions(&schema, &manifest_record_manifest);
	sink_close(sink);
}
