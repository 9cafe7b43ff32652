/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/value.h"

#include "lib/base/names.h"
#include "lib/base/suggest.h"

#include <arpa/inet.h>
#include <string.h>

/* 64 bits, whichever way they are signed. */
static bool decode_wide(struct assembler *assembler, const char *text, struct block_value *value)
{
	__int128 number;

	(void)assembler;
	if (asm_parse_number(text, strlen(text), &number) != 0 || number < INT64_MIN ||
		number > UINT64_MAX)
		return false;
	value->form = VALUE_NUMBER;
	value->number = (int64_t)number;
	return true;
}

static bool decode_field(struct assembler *assembler, const char *text, struct block_value *value)
{
	const struct program_kind *kind = assembler->program->kind;
	struct suggestion suggestion = suggestion_for(text);
	const struct context_field *fields;
	size_t count;

	value->form = VALUE_WORD;
	value->word = text;
	value->field = context_field_named(kind->type, text);
	if (value->field)
		return true;
	fields = context_fields(kind->type, &count);
	diag_offer(assembler->diagnostics, &suggestion, DIAG_NAMES(fields, count, name));
	diag_suggest(assembler->diagnostics,
		diag_add(assembler->diagnostics, DIAG_E0305, value->mark,
			"the context of a %s program has no field \"%s\"", kind->name, text),
		&suggestion);
	return true;
}

static bool decode_helper(struct assembler *assembler, const char *text, struct block_value *value)
{
	__int128 number;

	if (asm_parse_number(text, strlen(text), &number) == 0)
		return false;
	value->form = VALUE_NUMBER;
	value->number = asm_helper_named(text);
	if (value->number < 0)
		asm_suggest_helper(assembler,
			diag_add(assembler->diagnostics, DIAG_E0306, value->mark,
				"no helper is named \"%s\"", text),
			text);
	return true;
}

/* "80": digits without a leading zero, up to `most`; -1 for anything else. */
static long decimal(const char *text, size_t length, long most)
{
	long number = 0;

	if (!length || length > 5 || (text[0] == '0' && length > 1))
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		number = number * 10 + (text[i] - '0');
	}
	return number <= most ? number : -1;
}

/* The mask of a prefix, in network order. */
static void fill_mask(unsigned char *mask, size_t bytes, unsigned int prefix)
{
	for (size_t i = 0; i < bytes; i++, prefix -= prefix < 8 ? prefix : 8)
		mask[i] = prefix >= 8 ? 0xff : (unsigned char)(0xff00 >> prefix);
}

/* "10.0.0.0/8": the address, and behind it the mask, as bytes on the wire. */
static bool decode_address(struct assembler *assembler, int family, size_t bytes, const char *text,
	struct block_value *value)
{
	unsigned char *result = arena_alloc(assembler->arena, 2 * bytes);
	size_t length = strcspn(text, "/");
	long prefix = (long)bytes * 8;

	if (text[length] == '/')
		prefix = decimal(text + length + 1, strlen(text + length + 1), prefix);
	if (prefix < 0 ||
		inet_pton(family, arena_copy(assembler->arena, text, length), result) != 1)
		return false;
	fill_mask(result + bytes, bytes, (unsigned int)prefix);
	for (size_t i = 0; i < bytes; i++) {
		if (!(result[i] & ~result[bytes + i]))
			continue;
		diag_add(assembler->diagnostics, DIAG_E0305, value->mark,
			"\"%s\" has bits behind its prefix of %d, so nothing would match", text,
			(int)prefix);
		break;
	}
	value->form = VALUE_BYTES;
	value->bytes = result;
	value->length = 2 * bytes;
	return true;
}

static bool decode_ip4(struct assembler *assembler, const char *text, struct block_value *value)
{
	return decode_address(assembler, AF_INET, 4, text, value);
}

/* A socket that is connected to "::ffff:10.0.0.1" counts as IPv4, see emit_family_check. */
static void check_mapped(struct assembler *assembler, const struct block_value *value)
{
	const unsigned char *address = value->bytes, *mask = value->bytes + 16;
	char text[INET_ADDRSTRLEN];
	int prefix = 0;

	if (!IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)address) || mask[11] != 0xff)
		return;
	for (size_t i = 12; i < 16; i++)
		prefix += __builtin_popcount(mask[i]);
	inet_ntop(AF_INET, address + 12, text, sizeof(text));
	diag_add(assembler->diagnostics, DIAG_E0305, value->mark,
		"IPv4 inside of IPv6 counts as IPv4, so nothing would match")
		->hint = arena_printf(assembler->arena, "it is %s for local_ip4 or remote_ip4",
		prefix == 32 ? text : arena_printf(assembler->arena, "%s/%d", text, prefix));
}

static bool decode_ip6(struct assembler *assembler, const char *text, struct block_value *value)
{
	if (!decode_address(assembler, AF_INET6, 16, text, value))
		return false;
	check_mapped(assembler, value);
	return true;
}

/* "80", "8000-8099" */
static bool decode_ports(struct assembler *assembler, const char *text, struct block_value *value)
{
	size_t length = strcspn(text, "-");
	const char *last = text[length] ? text + length + 1 : text;

	(void)assembler;
	value->form = VALUE_RANGE;
	value->number = decimal(text, length, UINT16_MAX);
	value->most = decimal(last, strlen(last), UINT16_MAX);
	return value->number >= 0 && value->number <= value->most;
}

static bool decode_text(struct assembler *assembler, const char *text, struct block_value *value)
{
	(void)assembler;
	value->form = VALUE_BYTES;
	value->bytes = (const unsigned char *)text;
	value->length = strlen(text);
	return value->length > 0 && value->length < KEY_MAX_BYTES;
}

/* "16 03 01", "160301", "16:03:01" */
static bool decode_bytes(struct assembler *assembler, const char *text, struct block_value *value)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char *result = arena_alloc(assembler->arena, strlen(text));

	value->form = VALUE_BYTES;
	value->bytes = result;
	while (*text) {
		const char *high, *low;

		if (strchr(" :", *text)) {
			text++;
			continue;
		}
		high = strchr(digits, text[0] | 0x20);
		low = text[1] ? strchr(digits, text[1] | 0x20) : NULL;
		if (!high || !low)
			return false;
		result[value->length++] = (unsigned char)((high - digits) << 4 | (low - digits));
		text += 2;
	}
	return value->length > 0 && value->length < KEY_MAX_BYTES;
}

static const struct value_word flags[] = { { "ingress", BPF_F_INGRESS }, { NULL } };
static const struct value_word updates[] = { { "any", BPF_ANY }, { "noexist", BPF_NOEXIST },
	{ "exist", BPF_EXIST }, { NULL } };
static const struct value_word keys[] = { { "self" }, { "peer" }, { NULL } };
static const struct value_word verdicts[] = { { "pass", SK_PASS }, { "drop", SK_DROP }, { NULL } };
static const struct value_word widths[] = { { "16", 16 }, { "32", 32 }, { "64", 64 }, { NULL } };
static const struct value_word sizes[] = { { "b", BPF_B }, { "h", BPF_H }, { "w", BPF_W },
	{ "dw", BPF_DW }, { "u8", BPF_B }, { "u16", BPF_H }, { "u32", BPF_W }, { "u64", BPF_DW },
	{ NULL } };
static const struct value_word families[] = { { "ipv4", AF_INET }, { "ipv6", AF_INET6 }, { NULL } };
static const struct value_word sides[] = { { "active", 1 }, { "passive", 2 }, { "both", 3 },
	{ NULL } };
static const struct value_word answers[] = { { "no", 0 }, { "yes", 1 }, { NULL } };
static const struct value_word operations[] = { { "add", BPF_ADD }, { "sub", BPF_SUB },
	{ "mul", BPF_MUL }, { "div", BPF_DIV }, { "mod", BPF_MOD }, { "or", BPF_OR },
	{ "and", BPF_AND }, { "xor", BPF_XOR }, { "lsh", BPF_LSH }, { "rsh", BPF_RSH },
	{ "arsh", BPF_ARSH }, { "mov", BPF_MOV }, { NULL } };
static const struct value_word jumps[] = { { "jeq", BPF_JEQ }, { "jne", BPF_JNE },
	{ "jgt", BPF_JGT }, { "jge", BPF_JGE }, { "jlt", BPF_JLT }, { "jle", BPF_JLE },
	{ "jset", BPF_JSET }, { "jsgt", BPF_JSGT }, { "jsge", BPF_JSGE }, { "jslt", BPF_JSLT },
	{ "jsle", BPF_JSLE }, { NULL } };

#define OCTET "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define IP4_PATTERN "^(" OCTET "\\.){3}" OCTET "(/(3[0-2]|[12]?[0-9]))?$"
#define IP6_PATTERN "^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?$"
#define BYTES_PATTERN "^[ :]*([0-9A-Fa-f]{2}[ :]*){1,63}$"

const struct value_kind value_kinds[ARGUMENT_KIND_COUNT] = {
	[ARGUMENT_REGISTER] = { "register", "a register, r0 to r10", .registers = REGISTER_COUNT },
	[ARGUMENT_CONTEXT] = { "context", "a register, r0 to r9", .registers = R10 },
	[ARGUMENT_IMMEDIATE] = { "immediate", "a number of 32 bits", .numbers = true,
		.least = INT32_MIN, .most = INT32_MAX },
	[ARGUMENT_WIDE] = { "wide", "a number of 64 bits", .wide = true, .decode = decode_wide },
	[ARGUMENT_OFFSET] = { "offset", "an offset, -32768 to 32767", .numbers = true,
		.least = INT16_MIN, .most = INT16_MAX },
	[ARGUMENT_POSITION] = { "position", "a position, 0 to 32767", .numbers = true, .least = 0,
		.most = INT16_MAX },
	[ARGUMENT_COUNT] = { "count", "a number, or a register that holds it",
		.registers = REGISTER_COUNT, .numbers = true, .least = 0, .most = INT32_MAX },
	[ARGUMENT_SIZE] = { "size", "a size: b, h, w or dw", .words = sizes },
	[ARGUMENT_BITS] = { "bits", "16, 32 or 64", .words = widths },
	[ARGUMENT_MAP] = { "map", "the name of a map", .maps = true },
	[ARGUMENT_INDEX] = { "index", "an index, or a register that holds it",
		.registers = REGISTER_COUNT, .numbers = true, .least = 0, .most = INT32_MAX },
	[ARGUMENT_KEY] = { "key", "self, peer, a number, or a register that points to the key",
		.registers = REGISTER_COUNT, .numbers = true, .least = 0, .most = INT32_MAX,
		.words = keys, .names = true },
	[ARGUMENT_FLAGS] = { "flags", "a number, a register or ingress",
		.registers = REGISTER_COUNT, .numbers = true, .least = 0, .most = INT32_MAX,
		.words = flags },
	[ARGUMENT_UPDATE] = { "update", "any, noexist, exist, a number or a register",
		.registers = REGISTER_COUNT, .numbers = true, .least = 0, .most = INT32_MAX,
		.words = updates },
	[ARGUMENT_ON_MISS] = { "on_miss", "pass, drop or a label", .words = verdicts, .names = true,
		.labels = true },
	[ARGUMENT_LABEL] = { "label", "a label", .labels = true },
	[ARGUMENT_TARGET] = { "target", "a label, or a distance in instructions", .numbers = true,
		.least = INT16_MIN, .most = INT16_MAX, .labels = true },
	[ARGUMENT_FIELD] = { "field", "a field of the context", .fields = true,
		.decode = decode_field },
	[ARGUMENT_VERDICT] = { "verdict", "pass or drop", .words = verdicts },
	[ARGUMENT_ALU] = { "operation",
		"add, sub, mul, div, mod, or, and, xor, lsh, rsh, arsh or mov",
		.words = operations },
	[ARGUMENT_JUMP] = { "comparison",
		"jeq, jne, jgt, jge, jlt, jle, jset, jsgt, jsge, jslt or jsle", .words = jumps },
	[ARGUMENT_HELPER] = { "helper", "the name or the number of a helper", .numbers = true,
		.least = 1, .most = INT32_MAX, .pattern = "^[\\s\\S]+$", .decode = decode_helper },
	[ARGUMENT_FAMILY] = { "family", "ipv4 or ipv6", .words = families },
	[ARGUMENT_SIDE] = { "side", "active, passive or both", .words = sides },
	[ARGUMENT_YES_NO] = { "answer", "yes or no", .words = answers },
	[ARGUMENT_IP4] = { "ip4", "an IPv4 address such as 10.0.0.1 or 10.0.0.0/8",
		.pattern = IP4_PATTERN, .decode = decode_ip4 },
	[ARGUMENT_IP6] = { "ip6", "an IPv6 address such as \"::1\" or \"fd00::/8\"",
		.pattern = IP6_PATTERN, .decode = decode_ip6 },
	[ARGUMENT_PORTS] = { "ports", "a port or a range such as 8000-8099",
		.pattern = "^[0-9]{1,5}(-[0-9]{1,5})?$", .decode = decode_ports },
	[ARGUMENT_TEXT] = { "text", "text of 1 to 63 bytes", .pattern = "^[\\s\\S]{1,63}$",
		.decode = decode_text },
	[ARGUMENT_BYTES] = { "bytes", "1 to 63 bytes in hexadecimal, such as \"16 03 01\"",
		.pattern = BYTES_PATTERN, .decode = decode_bytes },
};

/* "a sockmap", "an array, hash": the types that an argument takes. */
static const char *map_types(struct arena *arena, uint32_t maps)
{
	const char *list = NULL;
	size_t count;
	const struct map_kind *kinds = map_kinds(&count);

	for (size_t i = 0; i < count; i++)
		if (maps & (1u << kinds[i].type))
			list = list ? arena_printf(arena, "%s, %s", list, kinds[i].name)
				    : arena_printf(arena, "%s %s", article_of(kinds[i].name),
					      kinds[i].name);
	return list;
}

const char *value_expected(struct arena *arena, const struct block_argument *argument)
{
	if (argument->kind != ARGUMENT_MAP)
		return value_kinds[argument->kind].expected;
	return arena_printf(arena, "the name of %s", map_types(arena, argument->maps));
}

const char *value_range(struct arena *arena, enum argument_kind kind, const char *text)
{
	const struct value_kind *row = &value_kinds[kind];
	__int128 number;

	if (!row->numbers || asm_parse_number(text, strlen(text), &number) != 0)
		return NULL;
	return arena_printf(
		arena, "between %lld and %lld", (long long)row->least, (long long)row->most);
}

static void decode_map(struct assembler *assembler, const struct block_argument *argument,
	const struct bpfasm_argument *given, struct block_value *value)
{
	size_t position = asm_find_map(assembler, given->text, given->mark);
	const struct map_kind *kind;

	if (position == NAME_ABSENT)
		return;
	kind = assembler->maps[position].kind;
	value->form = VALUE_MAP;
	value->number = (int64_t)position;
	if (kind && !(argument->maps & (1u << kind->type)))
		diag_add(assembler->diagnostics, DIAG_E0308, given->mark,
			"the block works on %s, \"%s\" is %s %s",
			map_types(assembler->arena, argument->maps), given->text,
			article_of(kind->name), kind->name);
}

/* `assembler` NULL: only whether it is one. */
static bool decode_word(struct assembler *assembler, const struct value_kind *kind,
	const struct bpfasm_argument *given, struct block_value *value)
{
	const char *text = given->text;

	for (const struct value_word *word = kind->words; word && word->name; word++) {
		if (strcmp(word->name, text) != 0)
			continue;
		value->form = kind->names ? VALUE_WORD : VALUE_NUMBER;
		value->number = word->number;
		return true;
	}
	if (!kind->labels || !name_follows(&name_of_label, text))
		return false;
	value->form = VALUE_WORD;
	if (assembler)
		value->word = asm_label_word(assembler, given->node, 0, text);
	return true;
}

static bool decode_scalar(
	const struct value_kind *kind, const char *text, struct block_value *value)
{
	size_t length = strlen(text);
	int reg = asm_register_named(text, length);
	__int128 number;

	if (reg >= 0 && reg < kind->registers) {
		value->form = VALUE_REGISTER;
		value->number = reg;
	} else if (kind->numbers && asm_parse_number(text, length, &number) == 0 &&
		   number >= kind->least && number <= kind->most) {
		value->form = VALUE_NUMBER;
		value->number = (int64_t)number;
	}
	return value->form != VALUE_ABSENT;
}

bool value_decode(struct assembler *assembler, const struct block_argument *argument,
	const struct bpfasm_argument *given, struct block_value *value)
{
	const struct value_kind *kind = &value_kinds[argument->kind];

	if (argument->kind == ARGUMENT_MAP) {
		if (!name_follows(&name_of_object, given->text))
			return false;
		decode_map(assembler, argument, given, value);
		return true;
	}
	value->word = given->text;
	if (decode_scalar(kind, given->text, value) || decode_word(assembler, kind, given, value))
		return true;
	return kind->decode && kind->decode(assembler, given->text, value);
}

bool value_accepts(enum argument_kind kind, const char *text)
{
	const struct bpfasm_argument given = { .text = text };
	const struct value_kind *row = &value_kinds[kind];
	struct block_value value = { 0 };

	return decode_scalar(row, text, &value) || decode_word(NULL, row, &given, &value) ||
	       (row->fields && name_follows(&name_of_label, text));
}
