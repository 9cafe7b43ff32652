/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Flags, and the keys and values of initial entries. How many bytes a key has is known when the
 * whole map has been read: decoding keeps the node, and resolving makes the bytes.
 */
#include "lib/manifest/decode.h"
#include "lib/manifest/resolver.h"

#include "lib/base/suggest.h"
#include "lib/bpfasm/words.h"

#include <arpa/inet.h>
#include <string.h>

static const struct flag_kind *flag_of_bit(const struct word_table *words, uint32_t bit)
{
	for (size_t i = 0; words->name_at(i); i++) {
		const struct flag_kind *flag = words->named(words->name_at(i));

		if (flag->bit == bit)
			return flag;
	}
	return NULL;
}

static void add_flag(const struct decoder *decoder, struct manifest_flags *flags,
	const struct flag_kind *kind, struct mark mark)
{
	*vec_add(decoder->arena, &flags->items) = (struct manifest_flag){ kind, mark };
	flags->bits |= kind->bit;
}

static void add_number(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, __int128 number, struct manifest_flags *flags)
{
	for (uint32_t bit = 0; bit < 32; bit++) {
		const struct flag_kind *flag = flag_of_bit(field->words, 1u << bit);

		if (!(number >> bit & 1))
			continue;
		if (flag)
			add_flag(decoder, flags, flag, node->mark);
		else
			diag_add(decoder->diagnostics, DIAG_E0226, node->mark,
				"no %s has the bit 0x%x", field->words->what, 1u << bit)
				->hint = arena_printf(
				decoder->arena, "known are %s", list_words(decoder, field->words));
	}
}

static void add_word_or_number(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, struct manifest_flags *flags)
{
	const struct flag_kind *kind;
	__int128 number;

	if (!yaml_is_text(node)) {
		yaml_wrong_type(decoder->diagnostics, node, "a flag", "a word or a number");
	} else if (node->style != YAML_PLAIN ||
		   asm_parse_number(node->text, node->length, &number) != 0) {
		kind = find_word(decoder, field->words, node);
		if (kind)
			add_flag(decoder, flags, kind, node->mark);
	} else if (number < 0 || number > UINT32_MAX) {
		diag_add(decoder->diagnostics, DIAG_E0205, node->mark,
			"\"%s\" has to be between 0 and %u", field->key, UINT32_MAX);
	} else {
		add_number(decoder, field, node, number, flags);
	}
}

void decode_flags(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	struct manifest_flags *flags = out;

	flags->mark = node->mark;
	if (node->kind == YAML_SEQUENCE)
		vec_each (item, &node->items)
			add_word_or_number(decoder, field, *item, flags);
	else if (yaml_is_text(node))
		add_word_or_number(decoder, field, node, flags);
	else
		wrong_value(decoder, field, node, "a number, a word or a list of words");
}

void decode_value(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	struct manifest_value *value = out;

	if (yaml_is_null(node))
		wrong_value(decoder, field, node, "a number, bytes or fields");
	else if (!node->refused)
		value->node = node;
}

/* What is being encoded: where faults go, and how many bytes there are to be. */
struct encoder {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct manifest_map *map;
	const char *what; /* "a key", "a value", for messages */
	uint32_t size;
};

static const unsigned char *refuse(const struct encoder *encoder, const struct yaml_node *node,
	const char *message, const char *hint)
{
	diag_add(encoder->diagnostics, DIAG_E0225, node->mark, "%s", message)->hint = hint;
	return NULL;
}

static bool parse_plain(const struct yaml_node *node, __int128 *ret)
{
	return yaml_is_text(node) && node->style == YAML_PLAIN &&
	       asm_parse_number(node->text, node->length, ret) == 0;
}

static bool fits(__int128 number, uint32_t size)
{
	/* asm_parse_number gives no more than 64 bits and a sign, and something beyond those. */
	__int128 most = (__int128)1 << (size < 8 ? size * 8 : 64);

	return number < most && number >= -(most / 2);
}

/* In host order; more than eight bytes are filled with the sign. */
static void write_number(unsigned char *bytes, uint32_t size, __int128 number)
{
	for (uint32_t i = 0; i < size; i++) {
		uint32_t at = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? i : size - 1 - i;

		bytes[at] = (unsigned char)(number >> (i < 15 ? i * 8 : 120));
	}
}

static const unsigned char *encode_number(
	const struct encoder *encoder, const struct yaml_node *node, __int128 number)
{
	unsigned char *bytes;

	if (!fits(number, encoder->size))
		return refuse(encoder, node,
			arena_printf(encoder->arena, "%s does not fit into %s of %u byte%s",
				node->text, encoder->what, encoder->size,
				encoder->size == 1 ? "" : "s"),
			NULL);
	bytes = arena_alloc(encoder->arena, encoder->size);
	write_number(bytes, encoder->size, number);
	return bytes;
}

static int hex_digit(char digit)
{
	const char *digits = "0123456789abcdefABCDEF";
	const char *place = digit ? strchr(digits, digit) : NULL;

	if (!place)
		return -1;
	return place - digits < 16 ? (int)(place - digits) : (int)(place - digits) - 6;
}

/* "0x01:02:ff", two digits a byte; the number of bytes, 0 where it is none. `bytes` NULL: counts. */
static uint32_t parse_hex(const char *text, unsigned char *bytes)
{
	uint32_t count = 0;

	if (strncmp(text, "0x", 2) != 0)
		return 0;
	for (text += 2;; text += 3) {
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0)
			return 0;
		if (bytes)
			bytes[count] = (unsigned char)(high << 4 | low);
		count++;
		if (text[2] != ':')
			return text[2] ? 0 : count;
	}
}

static const unsigned char *expect_length(const struct encoder *encoder,
	const struct yaml_node *node, size_t count, const unsigned char *bytes)
{
	if (count == encoder->size)
		return bytes;
	return refuse(encoder, node,
		arena_printf(encoder->arena, "%s of \"%s\" has %u byte%s, this has %zu",
			encoder->what, encoder->map->self.text, encoder->size,
			encoder->size == 1 ? "" : "s", count),
		NULL);
}

static const unsigned char *encode_list(const struct encoder *encoder, const struct yaml_node *node)
{
	unsigned char *bytes = arena_alloc(encoder->arena, node->items.count);
	const unsigned char *result = bytes;

	for (size_t i = 0; i < node->items.count; i++) {
		const struct yaml_node *item = node->items.items[i];
		__int128 number = -1;

		if (parse_plain(item, &number) && number >= 0 && number <= UINT8_MAX)
			bytes[i] = (unsigned char)number;
		else if (item->refused)
			result = NULL;
		else
			result = refuse(encoder, item, "a byte is a number from 0 to 255", NULL);
	}
	return result ? expect_length(encoder, node, node->items.count, bytes) : NULL;
}

static bool write_address(const struct key_field *field, const char *text, unsigned char *bytes)
{
	return inet_pton(field->size == 4 ? AF_INET : AF_INET6, text, bytes) == 1;
}

static bool family_named(const char *text, __int128 *ret)
{
	if (strcmp(text, "inet") != 0 && strcmp(text, "inet6") != 0)
		return false;
	*ret = text[4] ? AF_INET6 : AF_INET;
	return true;
}

static const char *field_expects(const struct encoder *encoder, enum key_field_id id)
{
	const struct key_field *field = &key_fields[id];

	if (field->form == KEY_FORM_ADDRESS)
		return field->size == 4 ? "an address such as 127.0.0.1"
					: "an address such as \"::1\"";
	if (field->form == KEY_FORM_PORT)
		return "a port, 0 to 65535";
	return id == KEY_FAMILY ? "inet, inet6 or a number"
				: arena_printf(encoder->arena, "a number of %u bytes", field->size);
}

/* One field of a key in its byte order; false where it is none, which is reported. */
static bool encode_field(const struct encoder *encoder, enum key_field_id id,
	const struct yaml_node *node, unsigned char *bytes)
{
	const struct key_field *field = &key_fields[id];
	bool known = false;
	__int128 number = 0;

	if (field->form == KEY_FORM_ADDRESS) {
		known = yaml_is_text(node) && write_address(field, node->text, bytes);
	} else if (parse_plain(node, &number) ||
		   (id == KEY_FAMILY && yaml_is_text(node) && family_named(node->text, &number))) {
		bool port = field->form == KEY_FORM_PORT;
		uint16_t network = htons((uint16_t)number);

		known = fits(number, field->size) && (!port || number >= 0);
		write_number(bytes, field->size, number);
		if (port)
			memcpy(bytes, &network, sizeof(network));
	}
	if (!known && !node->refused)
		refuse(encoder, node,
			arena_printf(encoder->arena, "\"%s\" has to be %s", field->name,
				field_expects(encoder, id)),
			NULL);
	return known;
}

static void report_unknown_field(const struct encoder *encoder, const struct yaml_node *key)
{
	const struct key_layout *layout = &encoder->map->key.layout;
	struct suggestion suggestion = suggestion_for(key->text);

	for (uint32_t i = 0; i < layout->count; i++)
		diag_offer_name(
			encoder->diagnostics, &suggestion, key_fields[layout->fields[i]].name);
	diag_suggest(encoder->diagnostics,
		diag_add(encoder->diagnostics, DIAG_E0225, key->mark,
			"the key of \"%s\" has no field \"%s\"", encoder->map->self.text,
			key->text),
		&suggestion);
}

static bool check_fields(const struct encoder *encoder, const struct yaml_node *node)
{
	const struct key_layout *layout = &encoder->map->key.layout;
	bool known = true;

	vec_each (pair, &node->pairs) {
		enum key_field_id id = key_field_named(pair->key->text);
		bool found = false;

		for (uint32_t i = 0; i < layout->count; i++)
			found = found || layout->fields[i] == id;
		if (!found)
			report_unknown_field(encoder, pair->key);
		known = known && found;
	}
	return known;
}

static const unsigned char *encode_fields(
	const struct encoder *encoder, const struct yaml_node *node)
{
	const struct key_layout *layout = &encoder->map->key.layout;
	unsigned char *bytes = arena_alloc(encoder->arena, encoder->size);
	bool right = check_fields(encoder, node);
	size_t at = 0;

	for (uint32_t i = 0; i < layout->count; i++) {
		const struct key_field *field = &key_fields[layout->fields[i]];
		const struct yaml_node *value = yaml_get(node, field->name);

		if (!value)
			refuse(encoder, node,
				arena_printf(encoder->arena, "this key lacks \"%s\"", field->name),
				arena_printf(encoder->arena, "the key of \"%s\" is %s",
					encoder->map->self.text,
					key_layout_text(encoder->arena, layout)));
		right = value && encode_field(encoder, layout->fields[i], value, bytes + at) &&
			right;
		at += field->size;
	}
	return right ? bytes : NULL;
}

static const char *expected_forms(const struct encoder *encoder, const struct key_layout *layout)
{
	if (layout && layout->count)
		return arena_printf(encoder->arena, "a mapping of its fields, %s",
			key_layout_text(encoder->arena, layout));
	return arena_printf(encoder->arena,
		"a number, a list of %u byte%s or text such as \"0x01:02\"", encoder->size,
		encoder->size == 1 ? "" : "s");
}

static const unsigned char *refuse_form(const struct encoder *encoder, const struct yaml_node *node,
	const struct key_layout *layout)
{
	return refuse(encoder, node,
		arena_printf(encoder->arena, "%s of \"%s\" has to be %s", encoder->what,
			encoder->map->self.text, expected_forms(encoder, layout)),
		NULL);
}

static const unsigned char *encode_hex(
	const struct encoder *encoder, const struct yaml_node *node, uint32_t count)
{
	unsigned char *bytes = arena_alloc(encoder->arena, count);

	parse_hex(node->text, bytes);
	return expect_length(encoder, node, count, bytes);
}

static const unsigned char *encode_only_field(
	const struct encoder *encoder, const struct yaml_node *node, enum key_field_id id)
{
	unsigned char *bytes = arena_alloc(encoder->arena, key_fields[id].size);

	return encode_field(encoder, id, node, bytes) ? bytes : NULL;
}

static const unsigned char *encode_scalar(const struct encoder *encoder,
	const struct yaml_node *node, const struct key_layout *layout)
{
	uint32_t hex = parse_hex(node->text, NULL);
	__int128 number;
	bool is_number = parse_plain(node, &number);

	if (hex && !is_number)
		return encode_hex(encoder, node, hex);
	/* Of several fields a number would fill all; of one, the field knows its byte order. */
	if (layout && layout->count == 1)
		return encode_only_field(encoder, node, layout->fields[0]);
	if (is_number && !(layout && layout->count))
		return encode_number(encoder, node, number);
	return refuse_form(encoder, node, layout);
}

static const unsigned char *encode(const struct encoder *encoder, const struct yaml_node *node,
	const struct key_layout *layout)
{
	if (node->kind == YAML_SEQUENCE)
		return encode_list(encoder, node);
	if (node->kind == YAML_SCALAR)
		return encode_scalar(encoder, node, layout);
	return layout && layout->count ? encode_fields(encoder, node)
				       : refuse_form(encoder, node, layout);
}

void resolve_entry(const struct resolver *resolver, const struct manifest_map *map,
	struct manifest_entry *entry)
{
	struct encoder encoder = { resolver->arena, resolver->diagnostics, map, "a key",
		map->key_bytes };

	if (entry->key.node && encoder.size && !map->key.refused)
		entry->key.bytes = encode(&encoder, entry->key.node, &map->key.layout);
	encoder.what = "a value";
	encoder.size = map->value_bytes;
	if (entry->value.node && encoder.size)
		entry->value.bytes = encode(&encoder, entry->value.node, NULL);
}
