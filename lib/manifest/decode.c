/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The walker over the tables: one function per type of field, one for a record. */
#include "lib/manifest/tables.h"

#include "lib/base/suggest.h"
#include "lib/bpfasm/block.h"
#include "lib/bpfasm/words.h"

#include <string.h>

struct decoder {
	struct arena *arena;
	struct diagnostics *diagnostics;
};

static bool is_text(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && !node->refused && !yaml_is_null(node);
}

static void wrong_type(const struct decoder *decoder, const struct yaml_node *node,
	const char *name, const char *expected)
{
	if (!node->refused)
		diag_add(decoder->diagnostics, DIAG_E0203, node->mark, "%s has to be %s, not %s",
			name, expected, yaml_describe(node));
}

static void wrong_value(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, const char *expected)
{
	wrong_type(decoder, node, arena_printf(decoder->arena, "\"%s\"", field->key), expected);
}

/* FIELD_TEXT, and what begins as text: FIELD_REFERENCE, FIELD_NAME, FIELD_VERSION. */
static void decode_text(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	bool names = field->type == FIELD_REFERENCE || field->type == FIELD_NAME;
	struct manifest_text *text = out;

	text->mark = node->mark;
	if (is_text(node))
		text->text = node->text;
	else
		wrong_value(decoder, field, node, names ? "a name" : "text");
}

bool manifest_is_deployment_name(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return length >= 1 && length <= 63 && !text[length];
}

static void decode_name(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	struct manifest_text *text = out;

	decode_text(decoder, field, node, out);
	if (text->text && !manifest_is_deployment_name(text->text))
		diag_add(decoder->diagnostics, DIAG_E0204, node->mark,
			"a deployment's name is 1 to 63 of a-z, 0-9 and -");
}

static void decode_version(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	struct manifest_text *text = out;

	decode_text(decoder, field, node, out);
	if (text->text && strcmp(text->text, "v1") != 0)
		diag_add(decoder->diagnostics, DIAG_E0207, node->mark,
			"this sockform reads format v1, the manifest says \"%s\"", text->text);
}

static void decode_number(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	struct manifest_number *number = out;
	__int128 value = 0;

	number->mark = node->mark;
	if (!is_text(node) || node->style != YAML_PLAIN ||
		asm_parse_number(node->text, node->length, &value) != 0) {
		wrong_value(decoder, field, node, "a whole number");
		return;
	}
	if (value < field->least || value > field->most) {
		diag_add(decoder->diagnostics, DIAG_E0205, node->mark,
			"\"%s\" has to be between %llu and %llu", field->key,
			(unsigned long long)field->least, (unsigned long long)field->most);
		return;
	}
	number->value = (uint64_t)value;
	number->given = true;
}

static const char *list_words(const struct decoder *decoder, const struct word_table *words)
{
	const char *list = words->name_at(0);

	for (size_t i = 1; words->name_at(i); i++)
		list = arena_printf(decoder->arena, "%s, %s", list, words->name_at(i));
	return list;
}

static void decode_choice(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	struct manifest_choice *choice = out;
	struct diagnostic *diagnostic;
	struct suggestion suggestion;

	choice->mark = node->mark;
	if (!is_text(node)) {
		wrong_value(decoder, field, node,
			arena_printf(
				decoder->arena, "one of %s", list_words(decoder, field->words)));
		return;
	}
	choice->row = field->words->named(node->text);
	if (choice->row)
		return;
	suggestion = suggestion_for(node->text);
	for (size_t i = 0; field->words->name_at(i); i++)
		suggestion_offer(&suggestion, field->words->name_at(i));
	diagnostic = diag_add(decoder->diagnostics, DIAG_E0206, node->mark,
		"no %s is called \"%s\": known are %s", field->words->what, node->text,
		list_words(decoder, field->words));
	diag_suggest(decoder->diagnostics, diagnostic, &suggestion);
}

static void report_unknown_key_field(const struct decoder *decoder, const struct yaml_node *node)
{
	struct suggestion suggestion = suggestion_for(node->text);

	for (enum key_field_id id = 0; id < KEY_FIELD_COUNT; id++)
		suggestion_offer(&suggestion, key_fields[id].name);
	diag_suggest(decoder->diagnostics,
		diag_add(decoder->diagnostics, DIAG_E0206, node->mark,
			"no key field is called \"%s\"", node->text),
		&suggestion);
}

static bool has_field(const struct key_layout *layout, enum key_field_id id)
{
	for (uint32_t i = 0; i < layout->count; i++)
		if (layout->fields[i] == id)
			return true;
	return false;
}

/* False where the field is none, or stands there already: reported. */
static bool add_key_field(
	const struct decoder *decoder, const struct yaml_node *node, struct key_layout *layout)
{
	enum key_field_id id = is_text(node) ? key_field_named(node->text) : KEY_FIELD_COUNT;

	/* Without repetition there are fewer fields than a layout has room for. */
	_Static_assert(KEY_FIELD_COUNT <= KEY_MAX_FIELDS, "every field fits once");
	if (!is_text(node)) {
		wrong_type(decoder, node, "a key field", "a word");
	} else if (id == KEY_FIELD_COUNT) {
		report_unknown_key_field(decoder, node);
	} else if (has_field(layout, id)) {
		diag_add(decoder->diagnostics, DIAG_E0210, node->mark,
			"\"%s\" stands twice in this key", node->text);
	} else {
		layout->fields[layout->count++] = id;
		layout->size += key_fields[id].size;
		return true;
	}
	return false;
}

static void decode_key(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	struct manifest_key *key = out;

	key->mark = node->mark;
	key->refused = true;
	if (node->kind != YAML_SEQUENCE) {
		wrong_value(decoder, field, node, "a list of key fields, such as [cookie]");
		return;
	}
	if (!node->items.count) {
		diag_add(decoder->diagnostics, DIAG_E0210, node->mark,
			"a key needs at least one field");
		return;
	}
	key->refused = false;
	vec_each (item, &node->items)
		key->refused = !add_key_field(decoder, *item, &key->layout) || key->refused;
}

static void decode_address(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	struct manifest_address *address = out;
	const char *problem;

	address->mark = node->mark;
	if (!is_text(node)) {
		wrong_value(decoder, field, node, "an address such as 127.0.0.1:8080");
		return;
	}
	problem = manifest_parse_address(node->text, address);
	if (!problem)
		address->text = node->text;
	else
		diag_add(decoder->diagnostics, DIAG_E0211, node->mark, "\"%s\" is no address: %s",
			node->text, problem);
}

static void decode_block_argument(
	const struct decoder *decoder, const struct yaml_pair *pair, struct bpfasm_item *item)
{
	struct bpfasm_argument *argument = vec_add(decoder->arena, &item->arguments);

	argument->name = pair->key->text;
	argument->name_mark = pair->key->mark;
	argument->mark = pair->value->mark;
	if (is_text(pair->value))
		argument->text = pair->value->text;
	else
		wrong_type(decoder, pair->value,
			arena_printf(decoder->arena, "\"%s\"", argument->name),
			"a word or a number");
}

/* A mapping of one key: the block's name, and its arguments as a mapping or nothing. */
static void decode_block_item(
	const struct decoder *decoder, const struct yaml_node *node, struct bpfasm_item *item)
{
	const struct yaml_pair *pair = node->pairs.items;

	if (node->pairs.count != 1) {
		diag_add(decoder->diagnostics, DIAG_E0203, node->mark,
			"an item of a body has one key, the block's name; this has %zu",
			node->pairs.count);
		item->refused = true;
		return;
	}
	item->mark = pair->key->mark;
	item->block = pair->key->text;
	item->bare = pair->value->kind != YAML_MAPPING;
	if (pair->value->kind == YAML_MAPPING) {
		vec_each (argument, &pair->value->pairs)
			decode_block_argument(decoder, argument, item);
	} else if (!yaml_is_null(pair->value) && block_named(item->block)) {
		/* Of a block that does not exist, only that is said. */
		item->refused = true;
		wrong_type(decoder, pair->value,
			arena_printf(decoder->arena, "\"%s\"", item->block),
			"a mapping of arguments");
	}
}

static void decode_body_item(
	const struct decoder *decoder, const struct yaml_node *node, struct bpfasm_item *item)
{
	item->mark = node->mark;
	item->text = "";
	if (node->kind == YAML_MAPPING) {
		decode_block_item(decoder, node, item);
	} else if (is_text(node)) {
		item->text = node->text;
		item->scalar = node;
	} else {
		item->refused = true;
		wrong_type(decoder, node, "an item of a body", "an instruction or a block");
	}
}

static void decode_body(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	bpfasm_body *body = out;

	if (node->kind != YAML_SEQUENCE) {
		wrong_value(decoder, field, node, "a list of instructions and blocks");
		return;
	}
	if (!node->items.count)
		diag_add(decoder->diagnostics, DIAG_E0309, node->mark,
			"a body needs at least one instruction");
	vec_each (item, &node->items)
		decode_body_item(decoder, *item, vec_add(decoder->arena, body));
}

static void decode_record(const struct decoder *decoder, const struct manifest_record *record,
	const struct yaml_node *node, const struct manifest_text *self, void *out);

/* A new, zeroed element of a VEC whose element type only the table knows. */
static void *add_element(const struct decoder *decoder, struct vec_untyped *vec,
	const struct manifest_record *record)
{
	vec->items = vec_grow(decoder->arena, vec->items, vec->count, &vec->capacity, record->size);
	return (char *)vec->items + vec->count++ * record->size;
}

static bool is_object_name(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_");

	/* 100: "<map>:<attach type>" and "<program>@<digest>" are file names of at most 255. */
	return length && !text[length] && length <= 100 && !(text[0] >= '0' && text[0] <= '9');
}

static void decode_named(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	if (node->kind != YAML_MAPPING) {
		wrong_value(decoder, field, node, "a mapping of names");
		return;
	}
	vec_each (pair, &node->pairs) {
		struct manifest_text self = { pair->key->text, pair->key->mark };

		if (!is_object_name(self.text))
			diag_add(decoder->diagnostics, DIAG_E0204, self.mark,
				"a name here begins with a letter or _, goes on with letters, "
				"digits and _, and has at most 100 characters");
		decode_record(decoder, field->record, pair->value, &self,
			add_element(decoder, out, field->record));
	}
}

static void decode_list(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	if (node->kind != YAML_SEQUENCE) {
		wrong_value(decoder, field, node, "a list");
		return;
	}
	vec_each (item, &node->items) {
		struct manifest_text self = { NULL, (*item)->mark };

		decode_record(decoder, field->record, *item, &self,
			add_element(decoder, out, field->record));
	}
}

static void (*const decode[FIELD_TYPE_COUNT])(const struct decoder *decoder,
	const struct manifest_field *field, const struct yaml_node *node, void *out) = {
	[FIELD_TEXT] = decode_text,
	[FIELD_REFERENCE] = decode_text,
	[FIELD_NAME] = decode_name,
	[FIELD_VERSION] = decode_version,
	[FIELD_NUMBER] = decode_number,
	[FIELD_CHOICE] = decode_choice,
	[FIELD_KEY] = decode_key,
	[FIELD_ADDRESS] = decode_address,
	[FIELD_BODY] = decode_body,
	[FIELD_NAMED] = decode_named,
	[FIELD_LIST] = decode_list,
};

static const struct manifest_field *find_field(
	const struct manifest_record *record, const char *key)
{
	for (size_t i = 0; i < record->field_count; i++)
		if (strcmp(record->fields[i].key, key) == 0)
			return &record->fields[i];
	return NULL;
}

static void report_unknown_key(const struct decoder *decoder, const struct manifest_record *record,
	const struct yaml_node *key)
{
	struct suggestion suggestion = suggestion_for(key->text);

	for (size_t i = 0; i < record->field_count; i++)
		suggestion_offer(&suggestion, record->fields[i].key);
	diag_suggest(decoder->diagnostics,
		diag_add(decoder->diagnostics, DIAG_E0201, key->mark, "%s has no key \"%s\"",
			record->what, key->text),
		&suggestion);
}

static void decode_record(const struct decoder *decoder, const struct manifest_record *record,
	const struct yaml_node *node, const struct manifest_text *self, void *out)
{
	memcpy(out, self, sizeof(*self));
	if (node->kind != YAML_MAPPING) {
		wrong_type(decoder, node, record->what, "a mapping");
		return;
	}
	vec_each (pair, &node->pairs) {
		const struct manifest_field *field = find_field(record, pair->key->text);

		if (field)
			decode[field->type](
				decoder, field, pair->value, (char *)out + field->offset);
		else
			report_unknown_key(decoder, record, pair->key);
	}
	for (size_t i = 0; i < record->field_count; i++)
		if (record->fields[i].required && !yaml_get(node, record->fields[i].key))
			diag_add(decoder->diagnostics, DIAG_E0202, self->mark,
				"%s needs \"%s\" (%s)", record->what, record->fields[i].key,
				record->fields[i].doc);
}

void manifest_decode(struct arena *arena, const struct yaml_node *node,
	struct diagnostics *diagnostics, struct manifest *manifest)
{
	struct decoder decoder = { arena, diagnostics };
	struct manifest_text self = { NULL, node->mark };

	decode_record(&decoder, &manifest_record_manifest, node, &self, manifest);
}
