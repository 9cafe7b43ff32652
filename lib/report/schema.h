/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside the room: how fields of a manifest become JSON Schema. */
#pragma once

#include "lib/manifest/tables.h"
#include "lib/report/report.h"

/* What is written to, and where its texts live. */
struct schema {
	struct sink *sink;
	struct arena *arena;
};

/* Opens the outermost object. Always JSON, whatever the sink's format is. */
void schema_begin(const struct schema *schema);

/* The schema {"$ref": "#/$defs/<definition>"}; `key` is NULL inside arrays. */
void schema_reference(const struct schema *schema, const char *key, const char *definition);

/* A schema of text after a regular expression of ECMA 262. */
void schema_pattern(const struct schema *schema, const char *key, const char *pattern);

/* "type": [first, second] */
void schema_types(const struct schema *schema, const char *first, const char *second);

/*
 * What a scalar may be, and besides that a parameter that stands for it. The most likely comes
 * first: an editor complains in its words.
 */
void schema_begin_alternatives(const struct schema *schema);
void schema_end_alternatives(const struct schema *schema);

/* The alternatives of flags, those that the type takes; of NULL, all that any type takes. */
void schema_flags(const struct schema *schema, const struct flag_kind *table, size_t count,
	const uint32_t *type);

/* Writers, see schema_writers. */
void schema_write_flags(const struct schema *schema, const struct manifest_field *field);
void schema_write_value(const struct schema *schema, const struct manifest_field *field);
void schema_write_held_by(const struct schema *schema, const struct manifest_field *field);

/* The definitions of body_item and of what it refers to. */
void schema_write_body(const struct schema *schema);

/* Which blocks and fields an item of a body of that type of program may have. */
void schema_body_rules(const struct schema *schema, const struct program_kind *kind);

/* What no single key of the record of that definition can say, into its object. */
void schema_write_rules(const struct schema *schema, const char *definition);

/* Writes the keywords of a field's values into an object that is open; the key has been written. */
typedef void (*schema_writer)(const struct schema *schema, const struct manifest_field *field);

/* One for each type of field; a test fails where one is missing. */
extern const schema_writer schema_writers[FIELD_TYPE_COUNT];
