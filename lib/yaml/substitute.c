/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/yaml/substitute.h"

#include "lib/base/suggest.h"
#include "lib/yaml/guard.h"

#include <string.h>

const struct yaml_variable *yaml_variables_add(
	struct arena *arena, struct yaml_variables *variables, const struct yaml_variable *variable)
{
	size_t known =
		name_index_add(arena, &variables->names, variable->name, variables->list.count);

	if (known != NAME_ABSENT)
		return variables->list.items[known];
	*vec_add(arena, &variables->list) = variable;
	return NULL;
}

const struct yaml_variable *yaml_variable_named(
	const struct yaml_variables *variables, const char *name)
{
	for (; variables; variables = variables->outer) {
		size_t known = name_index_find(&variables->names, name);

		if (known != NAME_ABSENT)
			return variables->list.items[known];
	}
	return NULL;
}

/* One scalar on its way; `text` grows by doubling. */
struct substituter {
	struct yaml_substitution *context;
	const struct yaml_node *scalar;
	struct yaml_substituted *substituted;
	char *text;
	size_t length, capacity;
	bool refused;
	struct yaml_cursor cursor; /* for faults, which come from the front to the back */
};

/* What would be too long is refused before there is room made for it. */
static void append(struct substituter *substituter, const char *bytes, size_t length)
{
	size_t needed = substituter->length + length;

	if (substituter->refused || needed > YAML_MAX_SCALAR) {
		substituter->length = needed;
		return;
	}
	if (needed >= substituter->capacity) {
		char *grown;

		substituter->capacity = needed * 2 + 1;
		grown = arena_alloc(substituter->context->arena, substituter->capacity);
		memcpy(grown, substituter->text, substituter->length);
		substituter->text = grown;
	}
	memcpy(substituter->text + substituter->length, bytes, length);
	substituter->length = needed;
}

/* Puts a text in place of so many bytes of the original. */
static void replace(struct substituter *substituter, size_t from, size_t original_length,
	const char *text, const struct yaml_variable *variable)
{
	struct yaml_piece *piece =
		vec_add(substituter->context->arena, &substituter->substituted->pieces);

	*piece = (struct yaml_piece){ .at = substituter->length,
		.length = strlen(text),
		.from = from,
		.original_length = original_length,
		.variable = variable };
	append(substituter, text, piece->length);
}

static struct diagnostic *fail(struct substituter *substituter, enum diag_code code, size_t from,
	size_t length, const char *message)
{
	substituter->refused = true;
	return diag_add(substituter->context->diagnostics, code,
		yaml_mark_from(&substituter->cursor, substituter->scalar, from, length), "%s",
		message);
}

static bool is_incomplete(const struct yaml_variables *variables)
{
	for (; variables; variables = variables->outer)
		if (variables->incomplete)
			return true;
	return false;
}

static void report_unknown(struct substituter *substituter, size_t from, const char *name)
{
	struct yaml_substitution *context = substituter->context;
	struct suggestion suggestion = suggestion_for(name);
	struct diagnostic *diagnostic;

	for (const struct yaml_variables *at = context->variables; at; at = at->outer)
		diag_offer(context->diagnostics, &suggestion, DIAG_INDEXED(&at->names));
	diagnostic = fail(substituter, DIAG_E0220, from, strlen(name) + 3,
		arena_printf(context->arena, "no parameter is named \"%s\"", name));
	if (context->later && name_index_find(context->later, name) != NAME_ABSENT)
		diagnostic->hint = "a parameter can use those that stand before it";
	else
		diag_suggest(context->diagnostics, diagnostic, &suggestion);
}

/* At "${"; the bytes of the original that have been read, all where one cannot go on. */
static size_t replace_parameter(struct substituter *substituter, size_t from)
{
	const char *name_at = substituter->scalar->text + from + 2;
	size_t length = parameter_name_length(name_at);
	const struct yaml_variable *variable;
	const char *name;

	if (!length || name_at[length] != '}') {
		fail(substituter, DIAG_E0220, from, 2,
			"\"${\" begins a parameter: a name and \"}\" have to follow")
			->hint = "write $${ where ${ is meant";
		return substituter->scalar->length - from;
	}
	name = arena_copy(substituter->context->arena, name_at, length);
	variable = yaml_variable_named(substituter->context->variables, name);
	if (!variable && is_incomplete(substituter->context->variables))
		substituter->refused = true;
	else if (!variable)
		report_unknown(substituter, from, name);
	else if (variable->refused)
		substituter->refused = true;
	else if (variable->open)
		replace(substituter, from, length + 3,
			arena_printf(substituter->context->arena, "${%s}", name), variable);
	else
		replace(substituter, from, length + 3, variable->text, variable);
	return length + 3;
}

/* The next "${"; strstr would do, but for sanitizers, which measure all of the text each time. */
static const char *find_opening(const char *text, const char *end)
{
	while ((text = memchr(text, '$', (size_t)(end - text))) && text[1] != '{')
		text++;
	return text;
}

static void read_scalar(struct substituter *substituter)
{
	const char *text = substituter->scalar->text, *next;
	const char *end = text + substituter->scalar->length;
	size_t at = 0;

	while ((next = find_opening(text + at, end))) {
		size_t from = (size_t)(next - text);
		bool escaped = from > at && next[-1] == '$';

		append(substituter, text + at, from - at - escaped);
		if (!escaped) {
			at = from + replace_parameter(substituter, from);
			continue;
		}
		replace(substituter, from - 1, 3, "${", NULL);
		at = from + 2;
	}
	append(substituter, text + at, substituter->scalar->length - at);
}

/* What is read and remembered counts as well as what is made: empty values make nothing. */
static void spend(struct substituter *substituter)
{
	struct yaml_substitution *context = substituter->context;
	struct mark mark = substituter->scalar->mark;

	mark.length = 0;
	*context->spent += substituter->length + substituter->scalar->length +
			   substituter->substituted->pieces.count * sizeof(struct yaml_piece);
	if (substituter->refused)
		return;
	substituter->refused = true;
	if (substituter->length > YAML_MAX_SCALAR)
		diag_add(context->diagnostics, DIAG_E0106, mark,
			"with its parameters this value is %zu bytes long, the limit is %d",
			substituter->length, YAML_MAX_SCALAR);
	else if (*context->spent > YAML_MAX_SUBSTITUTED && context->silent)
		return;
	else if (*context->spent > YAML_MAX_SUBSTITUTED)
		diag_add(context->diagnostics, DIAG_E0106, mark,
			"the values of parameters make more than %zu MiB of text here",
			YAML_MAX_SUBSTITUTED >> 20);
	else
		substituter->refused = false;
}

/* "${name}" and nothing besides it. */
static bool is_one_parameter(const struct yaml_node *node)
{
	const char *end = strchr(node->text, '}');

	return strncmp(node->text, "${", 2) == 0 && end && !end[1];
}

static const struct yaml_node *substitute_scalar(
	struct yaml_substitution *context, const struct yaml_node *node)
{
	struct yaml_node *result = arena_alloc(context->arena, sizeof(*result));
	struct substituter substituter = {
		.context = context,
		.scalar = node,
		.substituted = arena_alloc(context->arena, sizeof(*substituter.substituted)),
		.text = arena_alloc(context->arena, node->length + 1),
		.capacity = node->length + 1,
		.refused = *context->spent > YAML_MAX_SUBSTITUTED,
	};

	*result = *node;
	/* Beyond the limit, which has been reported where it was met. */
	if (!substituter.refused) {
		read_scalar(&substituter);
		spend(&substituter);
	}
	result->parameters = false;
	/*
	 * What is nothing but a parameter is what the parameter says, quoted or not: in a flow
	 * mapping, and in JSON, it has to be quoted. No value in quotes stays no text.
	 */
	if (is_one_parameter(node) && result->style == YAML_QUOTED && substituter.length)
		result->style = YAML_PLAIN;
	result->refused = substituter.refused;
	result->substituted = substituter.substituted;
	result->length = substituter.refused ? 0 : substituter.length;
	result->text = arena_copy(context->arena, substituter.text, result->length);
	substituter.substituted->original = node;
	return result;
}

static const struct yaml_node *substitute_collection(
	struct yaml_substitution *context, const struct yaml_node *node)
{
	struct yaml_node *result = arena_alloc(context->arena, sizeof(*result));

	*result = *node;
	result->parameters = false;
	memset(&result->items, 0, sizeof(result->items));
	memset(&result->pairs, 0, sizeof(result->pairs));
	vec_each (item, &node->items)
		*vec_add(context->arena, &result->items) = yaml_substitute(context, *item);
	vec_each (pair, &node->pairs)
		*vec_add(context->arena, &result->pairs) =
			(struct yaml_pair){ pair->key, yaml_substitute(context, pair->value) };
	return result;
}

const struct yaml_node *yaml_substitute(
	struct yaml_substitution *substitution, const struct yaml_node *node)
{
	if (!node->parameters || node->refused)
		return node;
	return node->kind == YAML_SCALAR ? substitute_scalar(substitution, node)
					 : substitute_collection(substitution, node);
}

/* The last piece that begins at or before a byte of the text; NULL: none does. */
static const struct yaml_piece *piece_before(
	const struct yaml_substituted *substituted, size_t offset)
{
	size_t low = 0, high = substituted->pieces.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (substituted->pieces.items[middle].at <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &substituted->pieces.items[low - 1] : NULL;
}

/* Where a byte of the text came from, and how many bytes of the original it stands for. */
static size_t original_offset(
	const struct yaml_substituted *substituted, size_t offset, size_t *length)
{
	const struct yaml_piece *piece = piece_before(substituted, offset);

	*length = 1;
	if (!piece)
		return offset;
	if (offset >= piece->at + piece->length)
		return piece->from + piece->original_length + (offset - piece->at - piece->length);
	*length = piece->original_length;
	return piece->from;
}

const struct yaml_node *yaml_original(
	const struct yaml_node *scalar, size_t *offset, size_t *length)
{
	for (; scalar->substituted; scalar = scalar->substituted->original) {
		size_t one, last = *offset + *length;
		size_t start = original_offset(scalar->substituted, *offset, &one), end = start;

		if (*length) {
			end = original_offset(scalar->substituted, last - 1, &one);
			end += one;
		}
		*offset = start;
		*length = end - start;
	}
	return scalar;
}

const struct yaml_variable *yaml_variable_at(
	const struct yaml_node *scalar, size_t offset, size_t length)
{
	const struct yaml_piece *piece =
		scalar->substituted ? piece_before(scalar->substituted, offset) : NULL;

	return piece && piece->at == offset && piece->length == length ? piece->variable : NULL;
}

/* The pieces from the one on in which `offset` is; *end is behind the last of all. */
static const struct yaml_piece *pieces_from(
	const struct yaml_node *scalar, size_t offset, const struct yaml_piece **end)
{
	const struct yaml_piece *first;

	*end = NULL;
	if (!scalar->substituted || !scalar->substituted->pieces.count)
		return NULL;
	*end = scalar->substituted->pieces.items + scalar->substituted->pieces.count;
	first = piece_before(scalar->substituted, offset);
	return first ? first : scalar->substituted->pieces.items;
}

bool yaml_has_parameter(const struct yaml_node *scalar, size_t offset, size_t length)
{
	const struct yaml_piece *end, *piece = pieces_from(scalar, offset, &end);

	for (; piece < end && piece->at <= offset + length; piece++)
		if (piece->variable && piece->at + piece->length >= offset)
			return true;
	return false;
}

bool yaml_is_open(const struct yaml_node *scalar, size_t offset, size_t length)
{
	const struct yaml_piece *end, *piece = pieces_from(scalar, offset, &end);

	for (; piece < end && piece->at < offset + length; piece++)
		if (piece->variable && piece->variable->open && piece->at + piece->length > offset)
			return true;
	return false;
}
