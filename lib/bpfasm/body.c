/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* From nodes to the items of a body. */
#include "lib/bpfasm/code.h"

static void read_argument(struct arena *arena, struct diagnostics *diagnostics,
	const struct yaml_pair *pair, struct bpfasm_item *item)
{
	struct bpfasm_argument *argument = vec_add(arena, &item->arguments);

	argument->name = pair->key->text;
	argument->name_mark = pair->key->mark;
	argument->mark = pair->value->mark;
	argument->node = pair->value;
	if (yaml_is_text(pair->value))
		argument->text = pair->value->text;
	else
		yaml_wrong_type(diagnostics, pair->value,
			arena_printf(arena, "\"%s\"", argument->name), "a word or a number");
}

/* A mapping of one key: the block's name, and its arguments as a mapping or nothing. */
static void read_block(struct arena *arena, struct diagnostics *diagnostics,
	const struct yaml_node *node, struct bpfasm_item *item)
{
	const struct yaml_pair *pair = node->pairs.items;

	if (node->pairs.count != 1 && node->incomplete) {
		item->refused = true;
		return;
	}
	if (node->pairs.count != 1) {
		diag_add(diagnostics, DIAG_E0203, node->mark,
			"an item of a body has one key, the block's name; this has %zu",
			node->pairs.count);
		item->refused = true;
		return;
	}
	item->mark = pair->key->mark;
	item->block = pair->key->text;
	item->bare = pair->value->kind != YAML_MAPPING;
	item->refused = pair->value->refused;
	if (!item->bare) {
		vec_expect(arena, &item->arguments, pair->value->pairs.count);
		vec_each (argument, &pair->value->pairs)
			read_argument(arena, diagnostics, argument, item);
	} else if (!yaml_is_null(pair->value)) {
		item->value = pair->value;
	}
}

void bpfasm_read_item(struct arena *arena, struct diagnostics *diagnostics,
	const struct yaml_node *node, struct bpfasm_item *ret)
{
	*ret = (struct bpfasm_item){ .mark = node->mark, .text = "" };
	if (node->kind == YAML_MAPPING) {
		read_block(arena, diagnostics, node, ret);
	} else if (yaml_is_text(node)) {
		ret->text = node->text;
		ret->scalar = node;
	} else {
		ret->refused = true;
		yaml_wrong_type(
			diagnostics, node, "an item of a body", "an instruction or a block");
	}
}
