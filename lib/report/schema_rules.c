/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The part of the schema that says how keys depend on each other. */
#include "lib/report/schema.h"

#include <string.h>

/* Numbers that one kind of map takes only; FIELD_NUMBER otherwise. */
static void write_numbers(const struct schema *schema, const char *key, const uint32_t *numbers,
	size_t count, uint32_t preset)
{
	sink_open_object(schema->sink, key);
	sink_number(schema->sink, "default", preset);
	schema_begin_alternatives(schema);
	sink_open_object(schema->sink, NULL);
	sink_open_array(schema->sink, "enum");
	for (size_t i = 0; i < count; i++)
		sink_number(schema->sink, NULL, numbers[i]);
	sink_close(schema->sink);
	sink_close(schema->sink);
	schema_reference(schema, NULL, "plain_number");
	schema_end_alternatives(schema);
	sink_close(schema->sink);
}

/* A number that one kind of map bounds more narrowly; the rest is said by FIELD_NUMBER. */
static void write_most(const struct schema *schema, const char *key, uint32_t most)
{
	sink_open_object(schema->sink, key);
	sink_number(schema->sink, "maximum", most);
	sink_close(schema->sink);
}

static void write_required(const struct schema *schema, const char *key)
{
	sink_open_array(schema->sink, "required");
	sink_string(schema->sink, NULL, key);
	sink_close(schema->sink);
}

static void write_kind_flags(const struct schema *schema, const struct map_kind *kind)
{
	const uint32_t type = kind->type;
	size_t count;
	const struct flag_kind *table = map_flags(&count);

	sink_open_object(schema->sink, "flags");
	schema_flags(schema, table, count, &type);
	sink_close(schema->sink);
	if (!flag_fits(map_flag_named("numa_node"), type))
		sink_bool(schema->sink, "numa_node", false);
	if (!kind->holds_sockets)
		return;
	sink_open_object(schema->sink, "entries");
	sink_number(schema->sink, "maxItems", 0);
	sink_close(schema->sink);
}

/* What manifest/maps.c checks of a map whose kind is known. */
static void write_kind_sizes(const struct schema *schema, const struct map_kind *kind)
{
	static const uint32_t socket_sizes[] = { 8, 4 };

	sink_open_object(schema->sink, "properties");
	if (kind->fixed_key) {
		sink_bool(schema->sink, "key", false);
		write_numbers(schema, "key_size", &kind->key_size, 1, kind->key_size);
	}
	if (kind->holds_sockets)
		write_numbers(schema, "value_size", socket_sizes, 2, kind->value_size);
	else
		write_most(schema, "value_size", kind->value_most);
	write_kind_flags(schema, kind);
	sink_close(schema->sink);
	if (!kind->value_size)
		write_required(schema, "value_size");
}

static void write_key_needed(const struct schema *schema)
{
	sink_open_array(schema->sink, "anyOf");
	for (int i = 0; i < 2; i++) {
		sink_open_object(schema->sink, NULL);
		write_required(schema, i ? "key_size" : "key");
		sink_close(schema->sink);
	}
	sink_close(schema->sink);
}

/* A rule for where `key` is that word, up to what holds then. */
static void begin_rule(const struct schema *schema, const char *key, const char *word)
{
	sink_open_object(schema->sink, NULL);
	sink_open_object(schema->sink, "if");
	sink_open_object(schema->sink, "properties");
	sink_open_object(schema->sink, key);
	sink_string(schema->sink, "const", word);
	sink_close(schema->sink);
	sink_close(schema->sink);
	write_required(schema, key);
	sink_close(schema->sink);
	sink_open_object(schema->sink, "then");
}

static void end_rule(const struct schema *schema)
{
	sink_close(schema->sink);
	sink_close(schema->sink);
}

/* By kind of map, what its other keys may be. */
static void write_map_rules(const struct schema *schema)
{
	size_t count;
	const struct map_kind *kinds = map_kinds(&count);

	sink_open_array(schema->sink, "allOf");
	for (size_t i = 0; i < count; i++) {
		begin_rule(schema, "type", kinds[i].name);
		write_kind_sizes(schema, &kinds[i]);
		if (!kinds[i].key_size)
			write_key_needed(schema);
		end_rule(schema);
	}
	sink_close(schema->sink);
}

/* By attach type, which flags there are. */
static void write_attachment_rules(const struct schema *schema)
{
	size_t count, flag_count;
	const struct attach_kind *kinds = attach_kinds(&count);
	const struct flag_kind *flags = attach_flags(&flag_count);

	sink_open_array(schema->sink, "allOf");
	for (size_t i = 0; i < count; i++) {
		const uint32_t type = kinds[i].type;

		begin_rule(schema, "attach_type", kinds[i].name);
		sink_open_object(schema->sink, "properties");
		sink_open_object(schema->sink, "flags");
		schema_flags(schema, flags, flag_count, &type);
		sink_close(schema->sink);
		sink_close(schema->sink);
		end_rule(schema);
	}
	sink_close(schema->sink);
}

/* By program type, which blocks and fields of the context there are. */
static void write_program_rules(const struct schema *schema)
{
	size_t count;
	const struct program_kind *kinds = program_kinds(&count);

	sink_open_array(schema->sink, "allOf");
	for (size_t i = 0; i < count; i++) {
		begin_rule(schema, "type", kinds[i].name);
		sink_open_object(schema->sink, "properties");
		sink_open_object(schema->sink, "body");
		sink_open_object(schema->sink, "items");
		schema_body_rules(schema, &kinds[i]);
		sink_close(schema->sink);
		sink_close(schema->sink);
		sink_close(schema->sink);
		end_rule(schema);
	}
	sink_close(schema->sink);
}

/*
 * A document with keys of libraries only is one: it declares no deployment, and needs no keys of
 * deployments.
 */
static void write_library_rule(const struct schema *schema)
{
	const struct manifest_record *record = &manifest_record_manifest;

	sink_open_array(schema->sink, "anyOf");
	sink_open_object(schema->sink, NULL);
	sink_open_array(schema->sink, "required");
	for (size_t i = 0; i < record->field_count; i++)
		if (record->fields[i].required && record->fields[i].place == PLACE_DEPLOYMENT)
			sink_string(schema->sink, NULL, record->fields[i].key);
	sink_close(schema->sink);
	sink_close(schema->sink);
	sink_open_object(schema->sink, NULL);
	sink_open_object(schema->sink, "properties");
	for (size_t i = 0; i < record->field_count; i++)
		if (record->fields[i].place == PLACE_DEPLOYMENT)
			sink_bool(schema->sink, record->fields[i].key, false);
	sink_close(schema->sink);
	sink_open_array(schema->sink, "anyOf");
	for (size_t i = 0; i < record->field_count; i++) {
		if (record->fields[i].place != PLACE_LIBRARY)
			continue;
		sink_open_object(schema->sink, NULL);
		write_required(schema, record->fields[i].key);
		sink_close(schema->sink);
	}
	sink_close(schema->sink);
	sink_close(schema->sink);
	sink_close(schema->sink);
}

/* What no single key of a record can say. */
static const struct {
	const char *definition;
	void (*write)(const struct schema *schema);
} rules[] = {
	{ "map", write_map_rules },
	{ "program", write_program_rules },
	{ "attachment", write_attachment_rules },
	{ "manifest", write_library_rule },
};

void schema_write_rules(const struct schema *schema, const char *definition)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rules[i].definition, definition) == 0)
			rules[i].write(schema);
}
