/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The walker over the tables: one function per type of field, one for a record. */
#include "lib/manifest/decode.h"

#include "lib/base/suggest.h"
#include "lib/bpfasm/words.h"

#include <string.h>

void wrong_value(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, const char *expected)
{
	yaml_wrong_type(decoder->diagnostics, node,
		arena_printf(decoder->arena, "\"%s\"", field->key), expected);
}

/* FIELD_TEXT, and what begins as text: names, references, paths. */
static void decode_text(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	bool names = field->type == FIELD_REFERENCE || field->type == FIELD_NAME ||
		     field->type == FIELD_TARGET;
	struct manifest_text *text = out;

	text->mark = node->mark;
	if (yaml_is_text(node))
		text->text = node->text;
	else
		wrong_value(decoder, field, node, names ? "a name" : "text");
}

bool manifest_is_deployment_name(const char *text)
{
	return name_follows(&name_of_deployment, text);
}

static void decode_name(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	struct manifest_text *text = out;

	decode_text(decoder, field, node, out);
	if (text->text && !name_follows(field->rule, text->text))
		diag_add(decoder->diagnostics, DIAG_E0204, node->mark, "%s", field->rule->says);
}

static void decode_version(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	struct manifest_text *text = out;

	decode_text(decoder, field, node, out);
	if (text->text && strcmp(text->text, MANIFEST_VERSION) != 0)
		diag_add(decoder->diagnostics, DIAG_E0207, node->mark,
			"this sockform reads format v1, the manifest says \"%s\"", text->text)
			->hint =
			node->parameters ? "the version is read before the parameters" : NULL;
}

static void decode_number(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	struct manifest_number *number = out;
	__int128 value = 0;

	number->mark = node->mark;
	if (!yaml_is_text(node) || node->style != YAML_PLAIN ||
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

/* Of the words to be written the next from row i on, NULL for none. */
static const char *next_word(const struct word_table *words, size_t *i)
{
	while (words->name_at(*i) && words->is_offered && !words->is_offered(*i))
		++*i;
	return words->name_at(*i) ? words->name_at((*i)++) : NULL;
}

const char *list_words(const struct decoder *decoder, const struct word_table *words)
{
	size_t i = 0;
	const char *list = next_word(words, &i), *word;

	while ((word = next_word(words, &i)))
		list = arena_printf(decoder->arena, "%s, %s", list, word);
	return list;
}

const void *find_word(
	const struct decoder *decoder, const struct word_table *words, const struct yaml_node *node)
{
	const void *row = words->named(node->text);
	struct diagnostic *diagnostic;
	struct suggestion suggestion;
	const char *word;
	size_t i = 0;

	if (row)
		return row;
	suggestion = suggestion_for(node->text);
	while ((word = next_word(words, &i)))
		diag_offer_name(decoder->diagnostics, &suggestion, word);
	diagnostic = diag_add(decoder->diagnostics, DIAG_E0206, node->mark,
		"no %s is called \"%s\"", words->what, node->text);
	diagnostic->hint = arena_printf(decoder->arena, "known are %s", list_words(decoder, words));
	diag_suggest(decoder->diagnostics, diagnostic, &suggestion);
	return NULL;
}

static void decode_choice(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	struct manifest_choice *choice = out;

	choice->mark = node->mark;
	if (yaml_is_text(node))
		choice->row = find_word(decoder, field->words, node);
	else
		wrong_value(decoder, field, node,
			arena_printf(
				decoder->arena, "one of %s", list_words(decoder, field->words)));
}

static void report_unknown_key_field(const struct decoder *decoder, const struct yaml_node *node)
{
	struct suggestion suggestion = suggestion_for(node->text);
	const char *list = key_fields[0].name;
	struct diagnostic *diagnostic;

	for (enum key_field_id id = 1; id < KEY_FIELD_COUNT; id++)
		list = arena_printf(decoder->arena, "%s, %s", list, key_fields[id].name);
	diag_offer(
		decoder->diagnostics, &suggestion, DIAG_NAMES(key_fields, KEY_FIELD_COUNT, name));
	diagnostic = diag_add(decoder->diagnostics, DIAG_E0206, node->mark,
		"no key field is called \"%s\"", node->text);
	diagnostic->hint = arena_printf(decoder->arena, "known are %s", list);
	diag_suggest(decoder->diagnostics, diagnostic, &suggestion);
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
	enum key_field_id id = yaml_is_text(node) ? key_field_named(node->text) : KEY_FIELD_COUNT;

	/* Without repetition there are fewer fields than a layout has room for. */
	_Static_assert(KEY_FIELD_COUNT <= KEY_MAX_FIELDS, "every field fits once");
	if (!yaml_is_text(node)) {
		yaml_wrong_type(decoder->diagnostics, node, "a key field", "a word");
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
	if (!yaml_is_text(node)) {
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
	vec_expect(decoder->arena, body, node->items.count);
	vec_each (item, &node->items)
		bpfasm_read_item(
			decoder->arena, decoder->diagnostics, *item, vec_add(decoder->arena, body));
}

static void decode_record(const struct decoder *decoder, const struct manifest_record *record,
	const struct yaml_node *node, const struct manifest_text *self, void *out);

static void expect_elements(const struct decoder *decoder, struct vec_untyped *vec,
	const struct manifest_record *record, size_t wanted)
{
	vec->items = vec_reserve(
		decoder->arena, vec->items, vec->count, &vec->capacity, record->size, wanted);
}

/* A new, zeroed element of a VEC whose element type only the table knows. */
static void *add_element(const struct decoder *decoder, struct vec_untyped *vec,
	const struct manifest_record *record)
{
	vec->items = vec_grow(decoder->arena, vec->items, vec->count, &vec->capacity, record->size);
	return (char *)vec->items + vec->count++ * record->size;
}

void decode_check_name(const struct decoder *decoder, const struct name_rule *rule,
	const struct manifest_text *name)
{
	if (!name_follows(rule, name->text))
		diag_add(decoder->diagnostics, DIAG_E0204, name->mark, "%s", rule->says);
}

static void decode_named(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	if (node->kind != YAML_MAPPING) {
		wrong_value(decoder, field, node, "a mapping of names");
		return;
	}
	expect_elements(decoder, out, field->record, node->pairs.count);
	vec_each (pair, &node->pairs) {
		struct manifest_text self = { pair->key->text, pair->key->mark };

		decode_check_name(decoder, field->rule, &self);
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
	expect_elements(decoder, out, field->record, node->items.count);
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
	[FIELD_FLAGS] = decode_flags,
	[FIELD_VALUE] = decode_value,
	[FIELD_TARGET] = decode_text,
	[FIELD_HELD_BY] = decode_text,
	[FIELD_NAMED] = decode_named,
	[FIELD_LIST] = decode_list,
	[FIELD_PARAMS] = decode_parameters,
	[FIELD_INCLUDE] = decode_include,
	[FIELD_RAW_BODY] = decode_template_body,
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

	diag_offer(decoder->diagnostics, &suggestion,
		DIAG_NAMES(record->fields, record->field_count, key));
	diag_suggest(decoder->diagnostics,
		diag_add(decoder->diagnostics, DIAG_E0201, key->mark, "%s has no key \"%s\"",
			record->what, key->text),
		&suggestion);
}

static void set_presets(const struct manifest_record *record, char *out)
{
	for (size_t i = 0; i < record->field_count; i++)
		if (record->fields[i].preset)
			((struct manifest_text *)(out + record->fields[i].offset))->text =
				record->fields[i].preset;
}

/*
 * The value of a key with the parameters in it: of all but what has keys of its own, whose turn
 * comes, and the bodies of templates, whose turn comes with each use.
 */
static const struct yaml_node *with_parameters(const struct decoder *decoder,
	const struct manifest_field *field, const struct yaml_node *value)
{
	if (!decoder->parameters || field->record || field->type == FIELD_RAW_BODY)
		return value;
	return yaml_substitute(decoder->parameters, value);
}

static void decode_field(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *value, void *out)
{
	decode[field->type](decoder, field, with_parameters(decoder, field, value),
		(char *)out + field->offset);
}

static bool is_required(const struct decoder *decoder, const struct manifest_field *field)
{
	return field->required && !(decoder->library && field->place == PLACE_DEPLOYMENT);
}

static void decode_record(const struct decoder *decoder, const struct manifest_record *record,
	const struct yaml_node *node, const struct manifest_text *self, void *out)
{
	struct decoder below = *decoder;

	memcpy(out, self, sizeof(*self));
	set_presets(record, out);
	if (node->kind != YAML_MAPPING) {
		yaml_wrong_type(decoder->diagnostics, node, record->what, "a mapping");
		return;
	}
	below.library = false;
	vec_each (pair, &node->pairs) {
		const struct manifest_field *field = find_field(record, pair->key->text);

		if (!field)
			report_unknown_key(decoder, record, pair->key);
		else if (!field->early)
			decode_field(&below, field, pair->value, out);
	}
	for (size_t i = 0; i < record->field_count; i++)
		if (is_required(decoder, &record->fields[i]) &&
			!yaml_get(node, record->fields[i].key))
			diag_add(decoder->diagnostics, DIAG_E0202, self->mark,
				"%s needs \"%s\" (%s)", record->what, record->fields[i].key,
				record->fields[i].doc);
}

void manifest_refuse_deployment(
	const struct yaml_node *node, const char *hint, struct diagnostics *diagnostics)
{
	vec_each (pair, &node->pairs) {
		const struct manifest_field *field =
			find_field(&manifest_record_manifest, pair->key->text);

		if (field && field->place == PLACE_DEPLOYMENT)
			diag_add(diagnostics, DIAG_E0223, pair->key->mark,
				"a file that is included has no \"%s\"", field->key)
				->hint = hint;
	}
}

void manifest_decode_head(struct arena *arena, const struct yaml_node *node,
	struct diagnostics *diagnostics, struct manifest *manifest)
{
	struct decoder decoder = { .arena = arena, .diagnostics = diagnostics };
	bool deploys = false, shares = false;

	vec_each (pair, &node->pairs) {
		const struct manifest_field *field =
			find_field(&manifest_record_manifest, pair->key->text);

		deploys = deploys || (field && field->place == PLACE_DEPLOYMENT);
		shares = shares || (field && field->place == PLACE_LIBRARY);
		if (field && field->early)
			decode_field(&decoder, field, pair->value, manifest);
	}
	manifest->library = shares && !deploys;
}

void manifest_decode(struct arena *arena, const struct yaml_node *node,
	struct yaml_substitution *parameters, struct diagnostics *diagnostics,
	struct manifest *manifest)
{
	struct decoder decoder = { arena, diagnostics, parameters, manifest->library };
	struct manifest_text self = { NULL, node->mark };

	decode_record(&decoder, &manifest_record_manifest, node, &self, manifest);
}
