/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* libyaml's events to nodes. The stack of open collections is an array, so depth costs no C stack.
 */
#include "lib/yaml/node.h"

#include "lib/base/index.h"

#include <string.h>
#include <yaml.h>

struct open_node {
	struct yaml_node *node;
	const struct yaml_node *key; /* mappings: the key whose value comes next */
	struct name_index keys;      /* mappings: position of each key in pairs */
	bool key_refused;            /* the value that comes next belongs to no usable key */
};

struct loader {
	struct arena *arena;
	const struct source *source;
	struct diagnostics *diagnostics;
	yaml_parser_t parser;
	struct open_node stack[YAML_MAX_DEPTH];
	size_t depth;
	struct name_index anchors; /* name -> position in anchored */
	VEC(struct yaml_node *) anchored;
	struct yaml_node *root;
	bool stopped; /* a fault after which the rest of the text means nothing */
};

static struct mark mark_of(const struct loader *loader, const yaml_mark_t *at)
{
	return (struct mark){
		.source = loader->source,
		.line = (uint32_t)at->line + 1,
		.column = (uint32_t)at->column + 1,
	};
}

static struct mark mark_span(
	const struct loader *loader, const yaml_mark_t *start, const yaml_mark_t *end)
{
	struct mark mark = mark_of(loader, start);

	if (end->line == start->line && end->column > start->column)
		mark.length = (uint32_t)(end->column - start->column);
	return mark;
}

static void stop(struct loader *loader)
{
	loader->stopped = true;
}

/* "[::1]:80" without quotes: YAML takes it for a list, and its complaint does not say so. */
static bool is_bare_ip6(const struct mark *mark)
{
	size_t length;
	const char *line = source_line(mark->source, mark->line, &length);

	return line && memmem(line, length, "[:", 2);
}

static void report_syntax(struct loader *loader)
{
	const yaml_parser_t *parser = &loader->parser;
	struct mark mark = mark_of(loader, &parser->problem_mark);
	struct diagnostic *diagnostic;

	if (parser->error == YAML_MEMORY_ERROR)
		arena_out_of_memory();
	if (parser->error == YAML_READER_ERROR) {
		/* The reader gives a byte offset and no mark: count the lines before it. */
		mark = (struct mark){ .source = loader->source, .line = 1, .column = 1 };
		while (mark.line < loader->source->line_count &&
			loader->source->line_start[mark.line] <= parser->problem_offset)
			mark.line++;
	}
	/* A mark behind the last line (end of input) has no source line to show: use the last. */
	if (mark.line > loader->source->line_count)
		mark.line = (uint32_t)loader->source->line_count;
	diagnostic = diag_add(loader->diagnostics, DIAG_E0101, mark, "%s%s%s",
		parser->problem ? parser->problem : "the text is not YAML",
		parser->context ? " " : "", parser->context ? parser->context : "");
	if (is_bare_ip6(&mark))
		diagnostic->hint = "an IPv6 address needs quotes: \"[::1]:80\"";
	stop(loader);
}

static void add_to_mapping(struct loader *loader, struct open_node *open, struct yaml_node *node)
{
	if (!open->key && !open->key_refused) {
		size_t first;

		if (node->kind != YAML_SCALAR) {
			diag_add(loader->diagnostics, DIAG_E0107, node->mark,
				"a key has to be a word, this is %s", yaml_describe(node));
			open->key_refused = true;
			return;
		}
		first = name_index_add(
			loader->arena, &open->keys, node->text, open->node->pairs.count);
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
	struct mark mark = mark_span(loader, &event->start_mark, &event->end_mark);
	struct yaml_node *node = new_node(loader, kind, mark, anchor);

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

static void add_scalar(struct loader *loader, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	struct mark mark = mark_span(loader, &event->start_mark, &event->end_mark);
	struct yaml_node *node = new_node(loader, YAML_SCALAR, mark, event->data.scalar.anchor);

	node->style = style_of(event);
	if (length > YAML_MAX_SCALAR) {
		node->mark.length = 0;
		diag_add(loader->diagnostics, DIAG_E0106, node->mark,
			"this value is %zu bytes long, the limit is %d", length, YAML_MAX_SCALAR);
		length = 0;
	} else if (memchr(value, '\0', length)) {
		diag_add(loader->diagnostics, DIAG_E0101, node->mark,
			"a NUL byte has no place in a manifest");
		length = 0;
	}
	node->text = arena_copy(loader->arena, value, length);
	node->length = length;
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
	struct mark mark = mark_span(loader, &event->start_mark, &event->end_mark);
	size_t position = name_index_find(&loader->anchors, name);
	struct yaml_node *node;

	if (position != NAME_ABSENT && !is_open(loader, loader->anchored.items[position])) {
		add_node(loader, loader->anchored.items[position], mark);
		return;
	}
	diag_add(loader->diagnostics, DIAG_E0103, mark,
		position == NAME_ABSENT ? "no anchor before it has the name of the alias \"*%s\""
					: "the alias \"*%s\" stands inside what it names",
		name);
	/* Something has to stand there, or a mapping would take its next key for this value. */
	node = new_node(loader, YAML_SCALAR, mark, NULL);
	node->text = "";
	add_node(loader, node, mark);
}

static void end_document(struct loader *loader, yaml_documents *ret)
{
	if (loader->root && !yaml_is_null(loader->root))
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

	loader->arena = arena;
	loader->source = source;
	loader->diagnostics = diagnostics;
	if (!yaml_parser_initialize(&loader->parser))
		arena_out_of_memory();
	yaml_parser_set_encoding(&loader->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&loader->parser, (const unsigned char *)source->text, source->length);
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
