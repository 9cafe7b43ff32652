/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The walker over the tables: one function per type of field, one for a record. */
#include "lib/manifest/tables.h"

#include "lib/base/suggest.h"
#include "lib/bpfasm/words.h"

#include <string.h>

struct decoder {
	struct arena *arena;
	struct diagnostics *diagnostics;
};

static bool is_text(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && !yaml_is_null(node);
}

static void wrong_type(const struct decoder *decoder, const struct yaml_node *node,
	const char *name, const char *expected)
{
	diag_add(decoder->diagnostics, DIAG_E0203, node->mark, "\"%s\" has to be %s, not %s", name,
		expected, yaml_describe(node));
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
		wrong_type(decoder, node, field->key, names ? "a name" : "text");
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
	int64_t value = 0;
	int error;

	number->mark = node->mark;
	error = is_text(node) ? asm_parse_number(node->text, node->length, &value) : -EINVAL;
	if (error == -EINVAL || (!error && node->style != YAML_PLAIN)) {
		wrong_type(decoder, node, field->key, "a number");
		return;
	}
	if (error || value < 0 || (uint64_t)value < field->least || (uint64_t)value > field->most) {
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
		wrong_type(decoder, node, field->key,
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

static void add_key_field(
	const struct decoder *decoder, const struct yaml_node *node, struct key_layout *layout)
{
	enum key_field_id id = is_text(node) ? key_field_named(node->text) : KEY_FIELD_COUNT;
	struct suggestion suggestion;

	if (!is_text(node)) {
		wrong_type(decoder, node, "key", "a list of key fields");
		return;
	}
	if (id == KEY_FIELD_COUNT) {
		suggestion = suggestion_for(node->text);
		for (id = 0; id < KEY_FIELD_COUNT; id++)
			suggestion_offer(&suggestion, key_fields[id].name);
		diag_suggest(decoder->diagnostics,
			diag_add(decoder->diagnostics, DIAG_E0206, node->mark,
				"no key field is called \"%s\"", node->text),
			&suggestion);
		return;
	}
	for (uint32_t i = 0; i < layout->count; i++) {
		if (layout->fields[i] == id) {
			diag_add(decoder->diagnostics, DIAG_E0210, node->mark,
				"\"%s\" stands twice in this key", node->text);
			return;
		}
	}
	/* Without repetition there are fewer fields than a layout has room for. */
	_Static_assert(KEY_FIELD_COUNT <= KEY_MAX_FIELDS, "every field fits once");
	layout->fields[layout->count++] = id;
	layout->size += key_fields[id].size;
}

static void decode_key(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	struct manifest_key *key = out;

	key->mark = node->mark;
	if (node->kind != YAML_SEQUENCE) {
		wrong_type(decoder, node, field->key, "a list of key fields, such as [cookie]");
		return;
	}
	if (!node->items.count)
		diag_add(decoder->diagnostics, DIAG_E0210, node->mark,
			"a key needs at least one field");
	vec_each (item, &node->items)
		add_key_field(decoder, *item, &key->layout);
}

static void decode_address(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	struct manifest_address *address = out;

	address->mark = node->mark;
	if (!is_text(node)) {
		wrong_type(decoder, node, field->key, "an address such as 127.0.0.1:8080");
		return;
	}
	if (manifest_parse_address(node->text, address))
		address->text = node->text;
	else
		diag_add(decoder->diagnostics, DIAG_E0211, node->mark,
			"\"%s\" is no address: write 127.0.0.1:8080 or \"[::1]:8080\"", node->text);
}

static void decode_block_argument(
	const struct decoder *decoder, const struct yaml_pair *pair, struct bpfasm_item *item)
{
	struct bpfasm_argument *argument;

	if (!is_text(pair->value)) {
		wrong_type(decoder, pair->value, pair->key->text, "a word or a number");
		return;
	}
	argument = vec_add(decoder->arena, &item->arguments);
	argument->name = pair->key->text;
	argument->name_mark = pair->key->mark;
	argument->text = pair->value->text;
	argument->mark = pair->value->mark;
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
		return;
	}
	item->mark = pair->key->mark;
	item->block = pair->key->text;
	if (yaml_is_null(pair->value))
		return;
	if (pair->value->kind != YAML_MAPPING) {
		wrong_type(decoder, pair->value, item->block, "a mapping of arguments");
		return;
	}
	vec_each (argument, &pair->value->pairs)
		decode_block_argument(decoder, argument, item);
}

static void decode_body(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	bpfasm_body *body = out;

	if (node->kind != YAML_SEQUENCE) {
		wrong_type(decoder, node, field->key, "a list of instructions and blocks");
		return;
	}
	if (!node->items.count)
		diag_add(decoder->diagnostics, DIAG_E0309, node->mark,
			"a body needs at least one instruction");
	vec_each (child, &node->items) {
		const struct yaml_node *entry = *child;
		struct bpfasm_item *item;

		if (entry->kind == YAML_SEQUENCE || yaml_is_null(entry)) {
			wrong_type(decoder, entry, field->key, "a list of instructions and blocks");
			continue;
		}
		item = vec_add(decoder->arena, body);
		item->mark = entry->mark;
		item->text = "";
		if (entry->kind == YAML_MAPPING) {
			decode_block_item(decoder, entry, item);
		} else {
			item->text = entry->text;
			item->scalar = entry;
		}
	}
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
		wrong_type(decoder, node, field->key, "a mapping of names");
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
		wrong_type(decoder, node, field->key, "a list");
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
		diag_add(decoder->diagnostics, DIAG_E0203, node->mark,
			"%s has to be a mapping, not %s", record->what, yaml_describe(node));
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
