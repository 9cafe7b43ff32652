/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The part of the schema that stands for bodies: blocks, and what their arguments may be. */
#include "lib/report/schema.h"

#include "lib/bpfasm/value.h"
#include "lib/bpfasm/words.h"

#include <string.h>

/* asm_parse_number() */
#define NUMBER_PATTERN "^[-+]?(0[xX][0-9A-Fa-f]+|[0-9]+)$"

static void write_range(const struct schema *schema, const struct value_kind *kind)
{
	sink_open_object(schema->sink, NULL);
	sink_string(schema->sink, "type", "integer");
	sink_integer(schema->sink, "minimum", kind->wide ? INT64_MIN : kind->least);
	if (kind->wide)
		sink_number(schema->sink, "maximum", UINT64_MAX);
	else
		sink_integer(schema->sink, "maximum", kind->most);
	sink_close(schema->sink);
}

/* A word that YAML reads as a number is one here, too. */
static void write_word(const struct schema *schema, const char *word)
{
	__int128 number;

	if (asm_parse_number(word, strlen(word), &number) == 0)
		sink_integer(schema->sink, NULL, (int64_t)number);
	sink_string(schema->sink, NULL, word);
}

static void write_words(const struct schema *schema, const struct value_word *words)
{
	sink_open_object(schema->sink, NULL);
	sink_open_array(schema->sink, "enum");
	for (const struct value_word *word = words; word->name; word++)
		write_word(schema, word->name);
	sink_close(schema->sink);
	sink_close(schema->sink);
}

/* The fields of the contexts of these types of programs, each once. */
static void write_fields_of(
	const struct schema *schema, const struct program_kind *kinds, size_t kind_count)
{
	struct name_index seen = { 0 };
	size_t count;

	sink_open_object(schema->sink, NULL);
	sink_open_array(schema->sink, "enum");
	for (size_t i = 0; i < kind_count; i++) {
		const struct context_field *fields = context_fields(kinds[i].type, &count);

		for (size_t j = 0; j < count; j++)
			if (name_index_add(schema->arena, &seen, fields[j].name, 0) == NAME_ABSENT)
				sink_string(schema->sink, NULL, fields[j].name);
	}
	sink_close(schema->sink);
	sink_close(schema->sink);
}

/* Of all contexts: which of them a program has depends on its type. */
static void write_fields(const struct schema *schema)
{
	size_t count;
	const struct program_kind *kinds = program_kinds(&count);

	write_fields_of(schema, kinds, count);
}

/*
 * Text that is read by its pattern; YAML takes some of it for numbers ("80", "47"), which a kind that
 * has numbers of its own judges as those.
 */
static void write_pattern(const struct schema *schema, const struct value_kind *kind)
{
	sink_open_object(schema->sink, NULL);
	if (kind->numbers)
		sink_string(schema->sink, "type", "string");
	else
		schema_types(schema, "string", "number");
	sink_string(schema->sink, "pattern", kind->pattern);
	sink_close(schema->sink);
}

/* r0 and on, so many. */
static void write_registers(const struct schema *schema, const char *key, int count)
{
	sink_open_object(schema->sink, key);
	sink_open_array(schema->sink, "enum");
	for (int i = 0; i < count; i++)
		sink_string(schema->sink, NULL, arena_printf(schema->arena, "r%d", i));
	sink_close(schema->sink);
	sink_close(schema->sink);
}

/* What an argument of a block may be. */
static void write_kind(const struct schema *schema, const struct value_kind *kind)
{
	bool numbers = kind->numbers || kind->wide;

	sink_open_object(schema->sink, arena_printf(schema->arena, "argument_%s", kind->name));
	sink_string(schema->sink, "description", kind->expected);
	schema_begin_alternatives(schema);
	if (numbers)
		write_range(schema, kind);
	if (kind->words)
		write_words(schema, kind->words);
	if (kind->fields)
		write_fields(schema);
	if (kind->registers == REGISTER_COUNT)
		schema_reference(schema, NULL, "register");
	else if (kind->registers)
		write_registers(schema, NULL, kind->registers);
	if (kind->labels)
		schema_pattern(schema, NULL, name_pattern(schema->arena, &name_of_label));
	if (kind->maps)
		schema_pattern(schema, NULL, name_pattern(schema->arena, &name_of_object));
	if (kind->pattern)
		write_pattern(schema, kind);
	if (numbers)
		schema_reference(schema, NULL, "number_text");
	schema_end_alternatives(schema);
	sink_close(schema->sink);
}

/* "0" is a number for YAML, "r1" is text. */
static void write_preset(const struct schema *schema, const char *preset)
{
	__int128 number;

	if (asm_parse_number(preset, strlen(preset), &number) == 0)
		sink_integer(schema->sink, "default", (int64_t)number);
	else
		sink_string(schema->sink, "default", preset);
}

/* "the name of a map (sockmap, sockhash)" */
static const char *describe_values(
	const struct schema *schema, const struct block_argument *argument)
{
	size_t count;
	const struct map_kind *kinds = map_kinds(&count);
	const char *types = NULL;

	for (size_t i = 0; i < count; i++)
		if (argument->maps & (1u << kinds[i].type))
			types = !types ? kinds[i].name
				       : arena_printf(
						 schema->arena, "%s, %s", types, kinds[i].name);
	return !types ? value_kinds[argument->kind].expected
		      : arena_printf(schema->arena, "%s (%s)", value_kinds[argument->kind].expected,
				types);
}

static void write_argument(const struct schema *schema, const struct block_argument *argument)
{
	const struct value_kind *kind = &value_kinds[argument->kind];

	sink_open_object(schema->sink, argument->name);
	sink_string(schema->sink, "description",
		arena_printf(schema->arena, "%s\n\nValue: %s%s%s", argument->doc,
			describe_values(schema, argument), argument->preset ? "\n\nDefault: " : "",
			argument->preset ? argument->preset : ""));
	if (argument->preset)
		write_preset(schema, argument->preset);
	sink_string(schema->sink, "$ref",
		arena_printf(schema->arena, "#/$defs/argument_%s", kind->name));
	sink_close(schema->sink);
}

static const char *describe_block(const struct schema *schema, const struct block *block)
{
	size_t count;
	const struct program_kind *kinds = program_kinds(&count);
	const char *types = NULL;

	for (size_t i = 0; i < count; i++)
		if (block->program_types & (1u << kinds[i].type))
			types = !types ? kinds[i].name
				       : arena_printf(
						 schema->arena, "%s, %s", types, kinds[i].name);
	return !types ? block->doc
		      : arena_printf(schema->arena, "%s\n\nPrograms: %s", block->doc, types);
}

static bool needs_arguments(const struct block *block)
{
	for (size_t i = 0; i < BLOCK_MAX_ARGUMENTS && block->arguments[i].name; i++)
		if (block->arguments[i].required)
			return true;
	return false;
}

static void write_arguments(const struct schema *schema, const struct block *block)
{
	size_t count = 0;

	while (count < BLOCK_MAX_ARGUMENTS && block->arguments[count].name)
		count++;
	sink_open_object(schema->sink, "properties");
	for (size_t i = 0; i < count; i++)
		write_argument(schema, &block->arguments[i]);
	sink_close(schema->sink);
	if (!needs_arguments(block))
		return;
	sink_open_array(schema->sink, "required");
	for (size_t i = 0; i < count; i++)
		if (block->arguments[i].required)
			sink_string(schema->sink, NULL, block->arguments[i].name);
	sink_close(schema->sink);
}

static void write_block(const struct schema *schema, const struct block *block)
{
	sink_open_object(schema->sink, block->name);
	sink_string(schema->sink, "title", block->name);
	sink_string(schema->sink, "description", describe_block(schema, block));
	if (needs_arguments(block))
		sink_string(schema->sink, "type", "object");
	else
		schema_types(schema, "object", "null");
	write_arguments(schema, block);
	sink_bool(schema->sink, "additionalProperties", false);
	sink_close(schema->sink);
}

static const char *add_name(
	const struct schema *schema, const char *names, const struct block *block)
{
	return names ? arena_printf(schema->arena, "%s|%s", names, block->name) : block->name;
}

/* A string that is just the name of one of these blocks. */
static const char *bare_pattern(const struct schema *schema, const char *names)
{
	return arena_printf(schema->arena, "^[ \\t\\r\\n]*(%s)[ \\t\\r\\n]*$", names);
}

/* Such a string stands for the block without arguments, if it needs none. */
static void write_bare_blocks(const struct schema *schema, const struct block *blocks, size_t count)
{
	const char *names = NULL;

	for (size_t i = 0; i < count; i++)
		if (needs_arguments(&blocks[i]))
			names = add_name(schema, names, &blocks[i]);
	schema_pattern(schema, "if", bare_pattern(schema, names));
	sink_open_object(schema->sink, "then");
	sink_string(schema->sink, "type", "object");
	sink_close(schema->sink);
}

/* A template may be declared in another file: any name will do. */
static void write_template_use(const struct schema *schema)
{
	sink_open_object(schema->sink, "template_use");
	sink_string(schema->sink, "title", "template");
	sink_string(schema->sink, "description", "a template with its arguments");
	schema_types(schema, "object", "null");
	sink_open_object(schema->sink, "additionalProperties");
	schema_types(schema, "string", "number");
	sink_close(schema->sink);
	sink_close(schema->sink);
}

static void write_body_item(const struct schema *schema)
{
	size_t count;
	const struct block *blocks = block_table(&count);

	sink_open_object(schema->sink, "body_item");
	sink_string(schema->sink, "title", "item of a body");
	sink_string(schema->sink, "description",
		"assembly, the name of a block that needs no arguments, or a block or template "
		"with its arguments");
	schema_types(schema, "object", "string");
	sink_number(schema->sink, "minProperties", 1);
	sink_number(schema->sink, "maxProperties", 1);
	sink_open_object(schema->sink, "properties");
	for (size_t i = 0; i < count; i++)
		write_block(schema, &blocks[i]);
	sink_close(schema->sink);
	sink_open_object(schema->sink, "propertyNames");
	sink_string(schema->sink, "pattern", name_pattern(schema->arena, &name_of_object));
	sink_close(schema->sink);
	schema_reference(schema, "additionalProperties", "template_use");
	write_bare_blocks(schema, blocks, count);
	sink_close(schema->sink);
}

static bool is_for(const struct block *block, const struct program_kind *kind)
{
	return !block->program_types || block->program_types & (1u << kind->type);
}

/* A block that a program of that type has may ask for the fields of its context. */
static void write_block_rule(
	const struct schema *schema, const struct block *block, const struct program_kind *kind)
{
	for (size_t i = 0; i < BLOCK_MAX_ARGUMENTS && block->arguments[i].name; i++) {
		if (!value_kinds[block->arguments[i].kind].fields)
			continue;
		sink_open_object(schema->sink, block->name);
		sink_open_object(schema->sink, "properties");
		sink_open_object(schema->sink, block->arguments[i].name);
		schema_begin_alternatives(schema);
		write_fields_of(schema, kind, 1);
		schema_end_alternatives(schema);
		sink_close(schema->sink);
		sink_close(schema->sink);
		sink_close(schema->sink);
	}
}

void schema_body_rules(const struct schema *schema, const struct program_kind *kind)
{
	size_t count;
	const struct block *blocks = block_table(&count);
	const char *names = NULL;

	sink_open_object(schema->sink, "properties");
	for (size_t i = 0; i < count; i++) {
		if (is_for(&blocks[i], kind)) {
			write_block_rule(schema, &blocks[i], kind);
			continue;
		}
		sink_bool(schema->sink, blocks[i].name, false);
		names = add_name(schema, names, &blocks[i]);
	}
	sink_close(schema->sink);
	schema_pattern(schema, "not", bare_pattern(schema, names));
}

void schema_write_body(const struct schema *schema)
{
	write_body_item(schema);
	write_template_use(schema);
	for (enum argument_kind kind = 0; kind < ARGUMENT_KIND_COUNT; kind++)
		write_kind(schema, &value_kinds[kind]);
	write_registers(schema, "register", REGISTER_COUNT);
	schema_pattern(schema, "number_text", NUMBER_PATTERN);
}
