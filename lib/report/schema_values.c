/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Flags, initial entries, and what attachments name besides programs and maps. */
#include "lib/report/schema.h"

/* NULL: whatever some type takes. */
static bool is_offered(const struct flag_kind *flag, const uint32_t *type)
{
	return !flag->instead && (!type || flag_fits(flag, *type));
}

static size_t count_offered(const struct flag_kind *table, size_t count, const uint32_t *type)
{
	size_t offered = 0;

	for (size_t i = 0; i < count; i++)
		offered += is_offered(&table[i], type);
	return offered;
}

/* The words, with what they mean beside them. */
static void write_words(const struct schema *schema, const struct flag_kind *table, size_t count,
	const uint32_t *type)
{
	sink_open_object(schema->sink, NULL);
	sink_open_array(schema->sink, "enum");
	for (size_t i = 0; i < count; i++)
		if (is_offered(&table[i], type))
			sink_string(schema->sink, NULL, table[i].name);
	sink_close(schema->sink);
	sink_open_array(schema->sink, "enumDescriptions");
	for (size_t i = 0; i < count; i++)
		if (is_offered(&table[i], type))
			sink_string(schema->sink, NULL, table[i].doc);
	sink_close(schema->sink);
	sink_close(schema->sink);
}

static void write_integer(const struct schema *schema, uint64_t least, uint64_t most)
{
	sink_open_object(schema->sink, NULL);
	sink_string(schema->sink, "type", "integer");
	sink_number(schema->sink, "minimum", least);
	sink_number(schema->sink, "maximum", most);
	sink_close(schema->sink);
}

static void write_word_list(const struct schema *schema, const struct flag_kind *table,
	size_t count, const uint32_t *type)
{
	sink_open_object(schema->sink, NULL);
	sink_string(schema->sink, "type", "array");
	sink_open_object(schema->sink, "items");
	schema_begin_alternatives(schema);
	if (count_offered(table, count, type))
		write_words(schema, table, count, type);
	write_integer(schema, 0, count_offered(table, count, type) ? UINT32_MAX : 0);
	schema_reference(schema, NULL, "plain_number");
	schema_end_alternatives(schema);
	sink_close(schema->sink);
	sink_close(schema->sink);
}

void schema_flags(const struct schema *schema, const struct flag_kind *table, size_t count,
	const uint32_t *type)
{
	schema_begin_alternatives(schema);
	if (count_offered(table, count, type))
		write_words(schema, table, count, type);
	write_word_list(schema, table, count, type);
	write_integer(schema, 0, count_offered(table, count, type) ? UINT32_MAX : 0);
	schema_reference(schema, NULL, "plain_number");
	schema_end_alternatives(schema);
}

void schema_write_flags(const struct schema *schema, const struct manifest_field *field)
{
	const struct word_table *words = field->words;
	size_t count = 0;

	while (words->name_at(count))
		count++;
	schema_flags(schema, words->named(words->name_at(0)), count, NULL);
}

/* A number, text such as "0x01:02" or an address, a list of bytes, or fields. */
void schema_write_value(const struct schema *schema, const struct manifest_field *field)
{
	static const char *const types[] = { "integer", "string", "array", "object" };

	(void)field;
	sink_open_array(schema->sink, "type");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		sink_string(schema->sink, NULL, types[i]);
	sink_close(schema->sink);
	sink_open_object(schema->sink, "items");
	schema_begin_alternatives(schema);
	write_integer(schema, 0, UINT8_MAX);
	schema_reference(schema, NULL, "plain_number");
	schema_end_alternatives(schema);
	sink_close(schema->sink);
}

void schema_write_held_by(const struct schema *schema, const struct manifest_field *field)
{
	(void)field;
	schema_begin_alternatives(schema);
	write_integer(schema, 1, UINT32_MAX);
	schema_pattern(schema, NULL, "^(/|[0-9]+$|0[xX][0-9A-Fa-f]+$)");
	schema_reference(schema, NULL, "plain_number");
	schema_end_alternatives(schema);
}
