/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside the room: what the decoders of all types of field have in common. */
#pragma once

#include "lib/manifest/tables.h"

struct decoder {
	struct arena *arena;
	struct diagnostics *diagnostics;
	struct yaml_substitution *parameters; /* NULL: none are put in */
	bool library; /* of the document: what only deployments have is not required */
};

/* E0204 where a name does not follow the rule. */
void decode_check_name(const struct decoder *decoder, const struct name_rule *rule,
	const struct manifest_text *name);

/* Decoders: from a key's value to the member at `out`. */
void decode_parameters(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out);
void decode_include(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out);
void decode_template_body(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out);

/* E0203: "\"<key>\" has to be <expected>, not <what it is>"; nothing where it is refused already. */
void wrong_value(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, const char *expected);

/* E0206 with what is known and what may have been meant. */
const void *find_word(const struct decoder *decoder, const struct word_table *words,
	const struct yaml_node *node);
const char *list_words(const struct decoder *decoder, const struct word_table *words);

/* values.c */
void decode_flags(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out);
void decode_value(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out);
