/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libyaml's events to nodes. The stack of open collections is an array, so depth costs no C stack.
 */
#include "lib/yaml/node.h"

#include "lib/base/index.h"
#include "lib/yaml/guard.h"
#include "lib/yaml/hint.h"
#include "lib/yaml/tag.h"

#include <string.h>
#include <yaml.h>

struct open_node {
	struct yaml_node *node;
	const struct yaml_node *key; /* mappings: the key whose value comes next */
	struct name_index keys;      /* mappings of many: position of each key in pairs */
	bool key_refused;            /* the value that comes next belongs to no usable key */
};

struct loader {
	struct arena *arena;
	const struct source *source;
	const char *guarded; /* what libyaml reads, see guard.h */
	size_t line;         /* of the source, that the last mark was found in */
	struct diagnostics *diagnostics;
	yaml_parser_t parser;
	struct open_node stack[YAML_MAX_DEPTH];
	size_t depth;
	struct name_index anchors; /* name -> position in anchored */
	VEC(struct yaml_node *) anchored;
	struct yaml_node *root;
	bool stopped; /* a fault after which the rest of the text means nothing */
};

/* libyaml's own lines are not used: it counts breaks that no editor does (U+2028 and others). */
static struct mark mark_of(struct loader *loader, const yaml_mark_t *at)
{
	return source_mark_after(loader->source, at->index, &loader->line);
}

static struct mark mark_span(struct loader *loader, const yaml_event_t *event)
{
	return source_mark_until(mark_of(loader, &event->start_mark), event->end_mark.index);
}

/* An anchor and a tag, NULL for none. */
struct properties {
	const yaml_char_t *anchor, *tag;
};

static struct properties properties_of(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return (struct properties){ event->data.scalar.anchor, event->data.scalar.tag };
	case YAML_SEQUENCE_START_EVENT:
		return (struct properties){ event->data.sequence_start.anchor,
			event->data.sequence_start.tag };
	default:
		return (struct properties){ event->data.mapping_start.anchor,
			event->data.mapping_start.tag };
	}
}

/* Behind a property, and the blanks, line breaks and comments after it. */
static const char *pass_property(const char *at)
{
	at += strcspn(at, " \t\r\n");
	for (;;) {
		at += strspn(at, " \t\r\n");
		if (*at != '#')
			return at;
		at += strcspn(at, "\r\n");
	}
}

/* libyaml has a node begin at its anchor or tag; what is meant is what stands behind them. */
static struct mark mark_of_node(struct loader *loader, const yaml_event_t *event)
{
	const struct source *source = loader->source;
	struct properties properties = properties_of(event);
	struct mark mark = mark_of(loader, &event->start_mark);
	const char *at;

	if (!properties.anchor && !properties.tag)
		return mark_span(loader, event);
	at = source->text + source_offset(&mark);
	while (*at == '&' || *at == '!')
		at = pass_property(at);
	mark = source_mark_of_byte(source, (size_t)(at - source->text));
	/* An anchor with nothing behind it: what was found is the next node's. */
	if (source->line_first[mark.line - 1] + mark.column - 1 > event->end_mark.index)
		return mark_span(loader, event);
	return source_mark_until(mark, event->end_mark.index);
}

static void stop(struct loader *loader)
{
	loader->stopped = true;
}

/* E0109 where a tag says anything that the node does not; false then. */
static bool check_tag(
	struct loader *loader, const yaml_event_t *event, const struct yaml_node *node)
{
	const char *tag = (const char *)properties_of(event).tag;
	struct mark mark;
	const char *at;
	size_t length;

	if (!tag || tag_agrees(tag, node))
		return true;
	mark = mark_of(loader, &event->start_mark);
	at = loader->source->text + source_offset(&mark);
	if (*at == '&')
		at = pass_property(at);
	length = at[1] == '<' ? strcspn(at, ">") + 1 : strcspn(at, " \t\r\n,[]{}");
	mark = source_mark_of_byte(loader->source, (size_t)(at - loader->source->text));
	mark.length = (uint32_t)count_characters(at, length);
	diag_add(loader->diagnostics, DIAG_E0109, mark,
		tag_is_core(tag) ? "\"%.*s\" is not what this value is"
				 : "no tag is called \"%.*s\"",
		(int)length, at)
		->hint = tag_advice(tag);
	return false;
}

/* Whether there is nothing but blanks from a place on. */
static bool is_at_end(const struct mark *mark)
{
	const char *at = mark->source->text + source_offset(mark);

	return !at[strspn(at, " \t\r\n")];
}

/* What was opened and never closed is wrong where it was opened, not where the text ends. */
static bool blames_context(const yaml_parser_t *parser, const struct mark *problem)
{
	const char *context = parser->context;

	if (!context)
		return false;
	return strstr(context, "quoted scalar") || strstr(context, "simple key") ||
	       (strstr(context, "flow") && is_at_end(problem));
}

static void report_syntax(struct loader *loader)
{
	const yaml_parser_t *parser = &loader->parser;
	struct mark mark = mark_of(loader, &parser->problem_mark);

	if (parser->error == YAML_MEMORY_ERROR)
		arena_out_of_memory();
	if (parser->error == YAML_READER_ERROR)
		mark = source_mark_of_byte(
			loader->source, unguarded_offset(loader->guarded, parser->problem_offset));
	else if (blames_context(parser, &mark))
		mark = mark_of(loader, &parser->context_mark);
	diag_add(loader->diagnostics, DIAG_E0101, mark, "%s%s%s",
		parser->problem ? parser->problem : "the text is not YAML",
		parser->context ? " " : "", parser->context ? parser->context : "")
		->hint = hint_of_syntax(&mark);
	stop(loader);
}

/* Up to so many keys are compared one by one: that is most mappings, and an index each is dear. */
#define FEW_KEYS 8

/* Remembers a key; the position of the pair that has it already, or NAME_ABSENT. */
static size_t take_key(struct loader *loader, struct open_node *open, const char *text)
{
	size_t count = open->node->pairs.count;

	if (count < FEW_KEYS) {
		for (size_t i = 0; i < count; i++)
			if (strcmp(open->node->pairs.items[i].key->text, text) == 0)
				return i;
		return NAME_ABSENT;
	}
	if (!open->keys.count)
		for (size_t i = 0; i < count; i++)
			name_index_add(loader->arena, &open->keys,
				open->node->pairs.items[i].key->text, i);
	return name_index_add(loader->arena, &open->keys, text, count);
}

static void add_to_mapping(struct loader *loader, struct open_node *open, struct yaml_node *node)
{
	if (!open->key && !open->key_refused) {
		size_t first;

		if (node->refused) {
			open->key_refused = open->node->incomplete = true;
			return;
		}
		if (node->kind != YAML_SCALAR || yaml_is_null(node)) {
			diag_add(loader->diagnostics, DIAG_E0107, node->mark,
				"a key has to be a word, this is %s", yaml_describe(node));
			open->key_refused = open->node->incomplete = true;
			return;
		}
		first = take_key(loader, open, node->text);
		if (first == NAME_ABSENT) {
			open->key = node;
			return;
		}
		diag_add(loader->diagnostics, DIAG_E0102, node->mark,
			"\"%s\" stands twice in this mapping", node->text)
			->hint = arena_printf(loader->arena, "first on line %u",
			open->node->pairs.items[first].key->mark.line);
		open->key_refused = true;
		return;
	}
	if (open->key)
		*vec_add(loader->arena, &open->node->pairs) = (struct yaml_pair){ open->key, node };
	open->key = NULL;
	open->key_refused = false;
}

/* Every node, alias or not, reaches its parent here, and is weighed here. */
static void add_node(struct loader *loader, struct yaml_node *node, struct mark mark)
{
	struct open_node *open;

	if (!loader->depth) {
		loader->root = node;
		return;
	}
	open = &loader->stack[loader->depth - 1];
	open->node->weight += node->weight;
	open->node->parameters = open->node->parameters || node->parameters;
	if (open->node->weight > YAML_MAX_NODES) {
		diag_add(loader->diagnostics, DIAG_E0105, mark,
			"the document has more than %d nodes here, aliases counted as what they "
			"stand for",
			YAML_MAX_NODES);
		stop(loader);
		return;
	}
	if (open->node->kind == YAML_SEQUENCE)
		*vec_add(loader->arena, &open->node->items) = node;
	else
		add_to_mapping(loader, open, node);
}

static struct yaml_node *new_node(
	struct loader *loader, enum yaml_kind kind, struct mark mark, const yaml_char_t *anchor)
{
	struct yaml_node *node = arena_alloc(loader->arena, sizeof(*node));

	node->kind = kind;
	node->mark = mark;
	node->weight = 1;
	if (anchor) {
		const char *name = arena_copy(
			loader->arena, (const char *)anchor, strlen((const char *)anchor));
		size_t known = name_index_add(
			loader->arena, &loader->anchors, name, loader->anchored.count);

		/* YAML lets an anchor be set again: the later one counts from here on. */
		if (known == NAME_ABSENT)
			*vec_add(loader->arena, &loader->anchored) = node;
		else
			loader->anchored.items[known] = node;
	}
	return node;
}

static void open_collection(struct loader *loader, enum yaml_kind kind, const yaml_event_t *event,
	const yaml_char_t *anchor)
{
	struct mark mark = mark_of_node(loader, event);
	struct yaml_node *node = new_node(loader, kind, mark, anchor);

	check_tag(loader, event, node);
	if (loader->depth == YAML_MAX_DEPTH) {
		diag_add(loader->diagnostics, DIAG_E0104, mark, "nested deeper than %d levels",
			YAML_MAX_DEPTH);
		stop(loader);
		return;
	}
	loader->stack[loader->depth++] = (struct open_node){ .node = node };
}

static void close_collection(struct loader *loader)
{
	struct yaml_node *node = loader->stack[--loader->depth].node;

	add_node(loader, node, node->mark);
}

static enum yaml_style style_of(const yaml_event_t *event)
{
	switch (event->data.scalar.style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return YAML_QUOTED;
	case YAML_LITERAL_SCALAR_STYLE:
		return YAML_LITERAL;
	case YAML_FOLDED_SCALAR_STYLE:
		return YAML_FOLDED;
	default:
		return YAML_PLAIN;
	}
}

static void set_text(
	struct loader *loader, struct yaml_node *node, const char *value, size_t length)
{
	char *text = arena_copy(loader->arena, value, length);

	node->text = text;
	node->length = unguard_braces(text, length);
	node->parameters = strstr(text, "${") != NULL;
}

/* What stands for braces while libyaml reads cannot stand for itself. */
static void refuse_sign(struct loader *loader, struct mark mark)
{
	diag_add(loader->diagnostics, DIAG_E0101, mark,
		"U+10FFFE and U+10FFFF are no characters, and have no place in a manifest");
}

static bool has_sign(struct loader *loader)
{
	const char *text = loader->source->text;
	const char *sign = guard_find_sign(text, loader->source->length);

	if (sign)
		refuse_sign(loader, source_mark_of_byte(loader->source, (size_t)(sign - text)));
	return sign != NULL;
}

static void add_scalar(struct loader *loader, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t guarded = event->data.scalar.length, length = guarded;
	struct mark mark = mark_of_node(loader, event);
	struct yaml_node *node = new_node(loader, YAML_SCALAR, mark, event->data.scalar.anchor);

	if (loader->guarded != loader->source->text)
		length = unguarded_offset(value, guarded);
	node->style = style_of(event);
	if (length > YAML_MAX_SCALAR) {
		node->mark.length = 0;
		node->refused = true;
		diag_add(loader->diagnostics, DIAG_E0106, node->mark,
			"this value is %zu bytes long, the limit is %d", length, YAML_MAX_SCALAR);
	} else if (memchr(value, '\0', guarded)) {
		node->refused = true;
		diag_add(loader->diagnostics, DIAG_E0101, node->mark,
			"a NUL byte has no place in a manifest");
	} else if (guard_is_escaped(value, guarded, loader->source->text + source_offset(&mark))) {
		node->refused = true;
		refuse_sign(loader, node->mark);
	}
	set_text(loader, node, value, node->refused ? 0 : guarded);
	if (!node->refused)
		node->refused = !check_tag(loader, event, node);
	add_node(loader, node, mark);
}

static bool is_open(const struct loader *loader, const struct yaml_node *node)
{
	for (size_t i = 0; i < loader->depth; i++)
		if (loader->stack[i].node == node)
			return true;
	return false;
}

static void add_alias(struct loader *loader, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct mark mark = mark_span(loader, event);
	size_t position = name_index_find(&loader->anchors, name);
	struct yaml_node *node = new_node(loader, YAML_SCALAR, mark, NULL);

	if (position != NAME_ABSENT && !is_open(loader, loader->anchored.items[position])) {
		*node = *loader->anchored.items[position];
		node->mark = mark;
		node->alias = true;
		add_node(loader, node, mark);
		return;
	}
	diag_add(loader->diagnostics, DIAG_E0103, mark,
		position == NAME_ABSENT ? "no anchor before it has the name of the alias \"*%s\""
					: "the alias \"*%s\" stands inside what it names",
		name);
	/* Something has to stand there, or a mapping would take its next key for this value. */
	node->text = "";
	node->refused = true;
	add_node(loader, node, mark);
}

static void end_document(struct loader *loader, yaml_documents *ret)
{
	if (loader->root && !loader->root->refused && !yaml_is_null(loader->root))
		*vec_add(loader->arena, ret) = loader->root;
	loader->root = NULL;
	loader->anchors = (struct name_index){ 0 };
	loader->anchored.count = 0;
}

static void handle_event(struct loader *loader, const yaml_event_t *event, yaml_documents *ret)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		add_scalar(loader, event);
		break;
	case YAML_ALIAS_EVENT:
		add_alias(loader, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		open_collection(loader, YAML_SEQUENCE, event, event->data.sequence_start.anchor);
		break;
	case YAML_MAPPING_START_EVENT:
		open_collection(loader, YAML_MAPPING, event, event->data.mapping_start.anchor);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		close_collection(loader);
		break;
	case YAML_DOCUMENT_END_EVENT:
		end_document(loader, ret);
		break;
	case YAML_STREAM_END_EVENT:
		stop(loader);
		break;
	default:
		break;
	}
}

void yaml_load(struct arena *arena, const struct source *source, struct diagnostics *diagnostics,
	yaml_documents *ret)
{
	struct loader *loader = arena_alloc(arena, sizeof(*loader));
	size_t length = source->length;

	loader->arena = arena;
	loader->source = source;
	loader->diagnostics = diagnostics;
	if (has_sign(loader))
		return;
	loader->guarded = guard_braces(arena, source->text, &length);
	if (!yaml_parser_initialize(&loader->parser))
		arena_out_of_memory();
	yaml_parser_set_encoding(&loader->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&loader->parser, (const unsigned char *)loader->guarded, length);
	while (!loader->stopped) {
		yaml_event_t event;

		if (!yaml_parser_parse(&loader->parser, &event)) {
			report_syntax(loader);
			break;
		}
		handle_event(loader, &event, ret);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&loader->parser);
}
