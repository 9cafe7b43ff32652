/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Keys on the stack: this socket's own, its peer's, and numbers. */
#include "lib/bpfasm/emit.h"

#include <string.h>

static const struct bpfasm_map *map_of(
	const struct assembler *assembler, const struct block_value *map)
{
	return &assembler->maps[map->number];
}

/* The verifier takes only aligned stores to the stack: an unaligned field goes in pieces. */
static void store_bytes(struct assembler *assembler, uint32_t offset, uint32_t size)
{
	uint32_t piece = size;

	while (offset % piece)
		piece /= 2;
	if (piece == size) {
		asm_emit(assembler,
			insn_store(insn_size_of(size), R10, (int16_t)(STACK_KEY + offset), R0));
		return;
	}
	asm_emit(assembler, insn_store(insn_size_of(size), R10, STACK_FIELD, R0));
	for (uint32_t done = 0; done < size; done += piece) {
		asm_emit(assembler,
			insn_load(insn_size_of(piece), R0, R10, (int16_t)(STACK_FIELD + done)));
		asm_emit(assembler, insn_store(insn_size_of(piece), R10,
					    (int16_t)(STACK_KEY + offset + done), R0));
	}
}

/* A field that a helper returns. */
static void store_called_field(struct assembler *assembler, const struct key_field *field,
	uint32_t offset, const struct operand *context)
{
	emit_call(assembler, field->helper, context, 1);
	store_bytes(assembler, offset, field->size);
}

/* A field of the context, word by word, in the byte order that the key has. */
static void store_context_field(
	struct assembler *assembler, const struct key_field *field, uint32_t offset, int context)
{
	struct context_field word =
		*context_field_named(assembler->program->kind->type, field->context);

	for (uint32_t done = 0; done < field->size; done += 4, word.offset += 4) {
		emit_field(assembler, &word, R0, context);
		if (field->form == KEY_FORM_PORT)
			asm_emit(assembler, insn_big_endian(R0, 16));
		store_bytes(assembler, offset + done, field->size < 4 ? field->size : 4);
	}
}

static bool is_word(const struct block_value *value, const char *word)
{
	return value->form == VALUE_WORD && strcmp(value->word, word) == 0;
}

/* The fields of a layout, and where each begins; those of the other side for the peer's key. */
struct key_part {
	const struct key_field *field;
	uint32_t offset;
};

static uint32_t parts_of(
	const struct key_layout *layout, bool peer, struct key_part parts[KEY_MAX_FIELDS])
{
	uint32_t offset = 0;

	for (uint32_t i = 0; i < layout->count; i++) {
		const struct key_field *field = &key_fields[layout->fields[i]];

		parts[i] = (struct key_part){ peer ? &key_fields[field->peer] : field, offset };
		offset += field->size;
	}
	return layout->count;
}

/* Whether every field can be read here, and told of the other side; reported where not. */
static bool check_fields(
	struct assembler *assembler, const struct bpfasm_map *map, const struct block_value *key)
{
	const struct program_kind *kind = assembler->program->kind;
	bool peer = is_word(key, "peer"), good = true;

	for (uint32_t i = 0; i < map->key.count; i++) {
		const struct key_field *field = &key_fields[map->key.fields[i]];

		if (peer && field->peer == KEY_FIELD_COUNT)
			diag_add(assembler->diagnostics, DIAG_E0305, key->mark,
				"a socket cannot tell its peer's %s, which is in the key of \"%s\"",
				field->name, map->name)
				->hint = "key the map by addresses and ports";
		else if (field->program_types && !(field->program_types & (1u << kind->type)))
			diag_add(assembler->diagnostics, DIAG_E0307, key->mark,
				"a program of type %s cannot read %s, which is in the key of "
				"\"%s\"",
				kind->name, field->name, map->name)
				->hint = "key the map by addresses and ports";
		else
			continue;
		good = false;
	}
	return good;
}

static bool check_layout(
	struct assembler *assembler, const struct bpfasm_map *map, const struct block_value *key)
{
	if (map->key_refused) {
		assembler->incomplete = true;
		return false;
	}
	if (map->key.count)
		return check_fields(assembler, map, key);
	diag_add(assembler->diagnostics, DIAG_E0305, key->mark,
		"\"%s\" needs a key layout, and \"%s\" declares none", key->word, map->name)
		->hint = map->kind && map->kind->fixed_key
				 ? arena_printf(assembler->arena, "%s %s is indexed by a number",
					   article_of(map->kind->name), map->kind->name)
				 : "give the map a key, such as [cookie]";
	return false;
}

static bool has_calls(const struct key_layout *layout)
{
	for (uint32_t i = 0; i < layout->count; i++)
		if (key_fields[layout->fields[i]].helper)
			return true;
	return false;
}

struct operand emit_kept(struct assembler *assembler, struct operand operand,
	const struct block_value *map, const struct block_value *key, const struct operand *context)
{
	bool built = key->form == VALUE_WORD;
	/* Where the context is in r0, or in no register, the key is built with it in r1. */
	bool through_r1 = context->form == OPERAND_LOADED || context->number == R0;
	bool lost = built && operand.form == OPERAND_REGISTER &&
		    (operand.number == R0 || has_calls(&map_of(assembler, map)->key) ||
			    (operand.number == R1 && through_r1));

	return lost ? emit_spill(assembler, operand, STACK_SPILL) : operand;
}

/* Calls first, so that the context has to be kept for them alone. */
static void build_key(struct assembler *assembler, const struct key_layout *layout, bool peer,
	struct operand *context)
{
	struct key_part parts[KEY_MAX_FIELDS];
	uint32_t count = parts_of(layout, peer, parts);

	for (uint32_t i = 0; i < count; i++) {
		struct operand now = *context;

		if (!parts[i].field->helper)
			continue;
		*context = emit_spill(assembler, *context, STACK_CONTEXT);
		store_called_field(assembler, parts[i].field, parts[i].offset, &now);
	}
	/* The other fields go through r0, and what r0 holds would be lost. */
	if (context->form == OPERAND_REGISTER && context->number == R0)
		*context = emit_spill(assembler, *context, STACK_CONTEXT);
	for (uint32_t i = 0; i < count; i++) {
		if (parts[i].field->helper)
			continue;
		if (context->form == OPERAND_LOADED) {
			asm_emit(assembler, insn_load(BPF_DW, R1, R10, (int16_t)context->number));
			*context = operand_register(R1);
		}
		store_context_field(
			assembler, parts[i].field, parts[i].offset, (int)context->number);
	}
}

/* A number, or a register that holds one, as a key of that size. */
static void store_number(struct assembler *assembler, const struct block_value *key, uint32_t size)
{
	uint8_t store = (uint8_t)(BPF_MEM | insn_size_of(size));

	asm_emit(assembler,
		key->form == VALUE_REGISTER
			? insn_store(insn_size_of(size), R10, STACK_KEY, (int)key->number)
			: insn_make(BPF_ST | store, R10, 0, STACK_KEY, (int32_t)key->number));
}

static bool check_number(
	struct assembler *assembler, const struct bpfasm_map *map, const struct block_value *key)
{
	uint32_t size = map->key_size;

	if (map->key.count || (size != 1 && size != 2 && size != 4 && size != 8)) {
		diag_add(assembler->diagnostics, DIAG_E0305, key->mark,
			"a number is no key of \"%s\", whose keys %s", map->name,
			map->key.count ? arena_printf(assembler->arena, "are %s",
						 key_layout_text(assembler->arena, &map->key))
				       : arena_printf(assembler->arena, "have %u bytes", size))
			->hint = map->key.count ? "self or peer builds the key"
						: "a register can point to a key";
		return false;
	}
	if (size < 4 && key->number >> (8 * size)) {
		diag_add(assembler->diagnostics, DIAG_E0305, key->mark,
			"the keys of \"%s\" have %u byte%s, this number needs more", map->name,
			size, size == 1 ? "" : "s");
		return false;
	}
	return true;
}

bool emit_key(struct assembler *assembler, const struct block_value *map_value,
	const struct block_value *key, struct operand *context, struct operand *ret)
{
	const struct bpfasm_map *map = map_of(assembler, map_value);
	bool indexed = map->kind && map->kind->fixed_key;

	*ret = operand_address(STACK_KEY);
	if (key->form == VALUE_WORD) {
		if (!check_layout(assembler, map, key))
			return false;
		build_key(assembler, &map->key, is_word(key, "peer"), context);
		return true;
	}
	if (key->form == VALUE_REGISTER && !indexed) {
		*ret = operand_register((int)key->number);
		return true;
	}
	if (!indexed && !check_number(assembler, map, key))
		return false;
	store_number(assembler, key, indexed ? 4 : map->key_size);
	return true;
}
