/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* From the use of a template to the instructions of its body. */
#include "lib/bpfasm/template.h"

#include "lib/base/suggest.h"
#include "lib/bpfasm/value.h"

#include <string.h>

static const struct bpfasm_parameter_kind kinds[] = {
	{ "imm", NULL, "a number", ARGUMENT_IMMEDIATE },
	{ "reg", NULL, "a register", ARGUMENT_REGISTER },
	{ "map", NULL, "the name of a map that the manifest declares", ARGUMENT_MAP },
	{ "label", NULL, "a label of whoever uses the template", ARGUMENT_LABEL },
	{ "field", NULL, "the name of a field", ARGUMENT_FIELD },
	{ "size", NULL, "a size: b, h, w or dw", ARGUMENT_SIZE },
	{ "offset", NULL, "an offset", ARGUMENT_OFFSET },
	{ "text", "text", "any text but none at all", -1 },
	{ "any", "text, if only \"\"", "any text", -1, .empty = true },
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

const struct bpfasm_parameter_kind *bpfasm_parameter_kind_named(const char *name)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

const struct bpfasm_parameter_kind *bpfasm_parameter_kinds(size_t *count)
{
	*count = KIND_COUNT;
	return kinds;
}

const char *bpfasm_parameter_expected(const struct bpfasm_parameter_kind *kind)
{
	return kind->argument < 0 ? kind->expected : value_kinds[kind->argument].expected;
}

const char *bpfasm_parameter_wanted(
	struct arena *arena, const struct bpfasm_parameter_kind *kind, const char *text)
{
	const char *range = kind->argument < 0 ? NULL : value_range(arena, kind->argument, text);

	return range ? range : bpfasm_parameter_expected(kind);
}

bool bpfasm_parameter_accepts(const struct bpfasm_parameter_kind *kind, const char *text)
{
	if (kind->argument == ARGUMENT_MAP)
		return true; /* asm_find_map tells */
	return kind->argument < 0 ? kind->empty || *text : value_accepts(kind->argument, text);
}

struct bpfasm_template *bpfasm_template_named(const struct bpfasm_scope *scope, const char *name)
{
	size_t known = scope ? name_index_find(&scope->template_names, name) : NAME_ABSENT;

	return known == NAME_ABSENT ? NULL : scope->templates.items[known];
}

const char *bpfasm_template_taken(const char *name)
{
	if (block_named(name))
		return "a block that is built in";
	return strcmp(name, "exit") == 0 ? "an instruction" : NULL;
}

const struct bpfasm_template *bpfasm_template_add(
	struct arena *arena, struct bpfasm_scope *scope, struct bpfasm_template *template)
{
	size_t known = name_index_add(
		arena, &scope->template_names, template->name, scope->templates.count);

	if (known != NAME_ABSENT)
		return scope->templates.items[known];
	*vec_add(arena, &scope->templates) = template;
	return NULL;
}

struct bpfasm_template *bpfasm_template_create(
	struct arena *arena, const char *name, struct mark mark, const struct bpfasm_scope *scope)
{
	struct bpfasm_template *template = arena_alloc(arena, sizeof(*template));

	template->name = name;
	template->mark = mark;
	template->scope = scope;
	template->defaults.outer = &scope->variables;
	return template;
}

/* Labels are of whoever uses the template, and what maps there are is known with the program. */
static bool is_bound_once(const struct bpfasm_parameter *parameter)
{
	int argument = parameter->kind ? parameter->kind->argument : -1;

	return parameter->standard && argument != ARGUMENT_LABEL && argument != ARGUMENT_MAP;
}

void bpfasm_parameter_add(struct arena *arena, struct bpfasm_template *template,
	const struct bpfasm_parameter *parameter)
{
	size_t position = template->parameters.count;
	struct yaml_variable *variable;

	name_index_add(arena, &template->parameter_names, parameter->name, position);
	*vec_add(arena, &template->parameters) = *parameter;
	if (!is_bound_once(parameter)) {
		*vec_add(arena, &template->bound_each) = position;
		return;
	}
	variable = arena_alloc(arena, sizeof(*variable));
	variable->name = parameter->name;
	variable->text = parameter->standard;
	yaml_variables_add(arena, &template->defaults, variable);
}

/* One use of a template. */
struct expansion {
	struct assembler *assembler;
	const struct bpfasm_item *item;
	struct bpfasm_template *template;
	const struct diag_use *use;      /* this one */
	struct yaml_variables arguments; /* then the template's defaults */
};

static void report_unknown_parameter(
	const struct expansion *expansion, const struct bpfasm_argument *given)
{
	struct diagnostics *diagnostics = expansion->assembler->diagnostics;
	struct suggestion suggestion = suggestion_for(given->name);

	diag_offer(diagnostics, &suggestion, DIAG_INDEXED(&expansion->template->parameter_names));
	diag_suggest(diagnostics,
		diag_add(diagnostics, DIAG_E0220, given->name_mark,
			"\"%s\" has no parameter \"%s\"", expansion->template->name, given->name),
		&suggestion);
}

/* The label stays the label of whoever said it first, however many templates hand it on. */
static size_t pass_label(const struct expansion *expansion,
	const struct bpfasm_parameter *parameter, const struct bpfasm_argument *given,
	const char *text)
{
	struct assembler *assembler = expansion->assembler;
	const struct yaml_variable *handed_on =
		given && given->node ? yaml_variable_at(given->node, 0, strlen(text)) : NULL;

	if (handed_on && handed_on->tag)
		return handed_on->tag;
	*vec_add(assembler->arena, &assembler->passed) = (struct asm_passed){
		.name = text,
		.mark = given ? given->mark : parameter->standard_mark,
		.use = given ? assembler->diagnostics->use : expansion->use,
		.scope = assembler->scope,
	};
	return assembler->passed.count;
}

/* False, and a diagnostic, where the value is none that the parameter takes. */
static bool check_value(const struct expansion *expansion, const struct bpfasm_parameter *parameter,
	const struct bpfasm_argument *given)
{
	struct assembler *assembler = expansion->assembler;
	const char *text = given ? given->text : parameter->standard;
	struct mark mark = given ? given->mark : parameter->standard_mark;
	struct diagnostic *diagnostic;
	const char *wanted;

	if (!text || !parameter->kind)
		return text != NULL;
	if (parameter->kind->argument == ARGUMENT_MAP)
		return asm_find_map(assembler, text, mark) != NAME_ABSENT;
	if (bpfasm_parameter_accepts(parameter->kind, text))
		return true;
	wanted = bpfasm_parameter_wanted(assembler->arena, parameter->kind, text);
	diagnostic = diag_add(assembler->diagnostics, DIAG_E0221, mark, "\"%s\" has to be %s",
		parameter->name, wanted);
	if (given && given->node)
		yaml_hint_value(assembler->diagnostics, diagnostic, given->node);
	return false;
}

/* What the argument says, or the default; NULL where that cannot be read, which is reported. */
static const char *value_of(const struct expansion *expansion,
	const struct bpfasm_parameter *parameter, const struct bpfasm_argument *given)
{
	struct diagnostics *diagnostics = expansion->assembler->diagnostics;
	const struct diag_use *outer = diagnostics->use;
	bool right;

	if (given && given->node && yaml_is_open(given->node, 0, given->node->length))
		return given->text;
	if (given)
		return check_value(expansion, parameter, given) ? given->text : NULL;
	if (!parameter->standard_mark.source) {
		diag_add(diagnostics, DIAG_E0221, expansion->item->mark, "\"%s\" needs \"%s\" (%s)",
			expansion->template->name, parameter->name,
			parameter->kind ? bpfasm_parameter_expected(parameter->kind) : "a value");
		return NULL;
	}
	/* A default stands in the template's text. It has been checked with that, but for maps. */
	if (expansion->template->refused)
		return NULL;
	diagnostics->use = expansion->use;
	right = check_value(expansion, parameter, NULL);
	diagnostics->use = outer;
	return right ? parameter->standard : NULL;
}

/* What a parameter is in this use; `given` NULL: by default. False where it cannot be read. */
static bool bind(struct expansion *expansion, const struct bpfasm_parameter *parameter,
	const struct bpfasm_argument *given)
{
	struct arena *arena = expansion->assembler->arena;
	struct yaml_variable *variable = arena_alloc(arena, sizeof(*variable));

	variable->name = parameter->name;
	variable->text = value_of(expansion, parameter, given);
	variable->refused = !variable->text;
	if (variable->text && parameter->kind && parameter->kind->argument == ARGUMENT_LABEL)
		variable->tag = pass_label(expansion, parameter, given, variable->text);
	yaml_variables_add(arena, &expansion->arguments, variable);
	return variable->text != NULL;
}

/*
 * False where an argument is wrong. The time is that of what is given, and of what is left out and
 * has to be looked at for each use, which is paid for.
 */
static bool bind_arguments(struct expansion *expansion)
{
	const struct bpfasm_template *template = expansion->template;
	size_t errors = expansion->assembler->diagnostics->errors;
	bool readable = true;

	expansion->arguments.outer = &template->defaults;
	vec_each (given, &expansion->item->arguments) {
		size_t at = name_index_find(&template->parameter_names, given->name);

		if (at == NAME_ABSENT)
			report_unknown_parameter(expansion, given);
		else if (!bind(expansion, &template->parameters.items[at], given))
			readable = false;
	}
	vec_each (position, &template->bound_each) {
		const struct bpfasm_parameter *parameter = &template->parameters.items[*position];

		if (name_index_find(&expansion->arguments.names, parameter->name) != NAME_ABSENT)
			continue;
		expansion->assembler->budget->nodes++;
		readable = bind(expansion, parameter, NULL) && readable;
	}
	return readable && expansion->assembler->diagnostics->errors == errors;
}

void template_report_circle(struct assembler *assembler, const struct bpfasm_item *item,
	const struct bpfasm_template *template)
{
	const char *names[TEMPLATE_MAX_DEPTH + 1];
	size_t count = 0;

	for (const struct asm_scope *scope = assembler->scope; scope; scope = scope->outer) {
		names[TEMPLATE_MAX_DEPTH - count++] = scope->template->name;
		if (scope->template == template)
			break;
	}
	diag_add(assembler->diagnostics, DIAG_E0222, item->mark, "%s",
		diag_circle(
			assembler->arena, names + TEMPLATE_MAX_DEPTH + 1 - count, count, "uses"));
}

static bool is_active(const struct assembler *assembler, const struct bpfasm_template *template)
{
	for (const struct asm_scope *scope = assembler->scope; scope; scope = scope->outer)
		if (scope->template == template)
			return true;
	return false;
}

/* How it grew does not matter: it is said where a program begins it. */
static void exhaust(struct expansion *expansion, const char *what)
{
	struct diagnostics *diagnostics = expansion->assembler->diagnostics;
	const struct diag_use *inner = diagnostics->use, *use = expansion->use;

	while (use->outer)
		use = use->outer;
	diagnostics->use = NULL;
	diag_add(diagnostics, DIAG_E0222, use->mark, "\"%s\" expands too far: %s", use->name, what);
	diagnostics->use = inner;
	expansion->assembler->budget->exhausted = true;
}

static bool may_expand(struct expansion *expansion)
{
	struct assembler *assembler = expansion->assembler;
	const struct bpfasm_template *template = expansion->template;

	if (template->refused)
		return false;
	if (is_active(assembler, template)) {
		template_report_circle(assembler, expansion->item, template);
		return false;
	}
	if (assembler->scope->depth == TEMPLATE_MAX_DEPTH) {
		exhaust(expansion, arena_printf(assembler->arena,
					   "templates stand in each other more than %d levels deep",
					   TEMPLATE_MAX_DEPTH));
		return false;
	}
	return true;
}

/* Bytes of the scalars of a node, as far as they are read. */
static size_t text_in(const struct yaml_node *node)
{
	size_t bytes = node->length;

	vec_each (item, &node->items)
		bytes += text_in(*item);
	vec_each (pair, &node->pairs)
		bytes += text_in(pair->value);
	return bytes;
}

/* False, and a diagnostic, where too much has been spent. */
static bool is_within_budget(struct expansion *expansion)
{
	struct assembler *assembler = expansion->assembler;
	struct bpfasm_budget *budget = assembler->budget;

	if (budget->exhausted)
		return false;
	if (budget->nodes > TEMPLATE_MAX_NODES || budget->bytes > TEMPLATE_MAX_BYTES)
		exhaust(expansion,
			arena_printf(assembler->arena,
				"the templates of a manifest stand for at most %d nodes and %zu "
				"MiB of text",
				TEMPLATE_MAX_NODES, TEMPLATE_MAX_BYTES >> 20));
	else if (assembler->code->instructions.count > BPFASM_MAX_INSTRUCTIONS)
		exhaust(expansion,
			arena_printf(assembler->arena, "a program has at most %d instructions",
				BPFASM_MAX_INSTRUCTIONS));
	return !budget->exhausted;
}

static bool may_bind(struct expansion *expansion)
{
	const struct assembler *assembler = expansion->assembler;

	return assembler->diagnostics->errors - assembler->errors < TEMPLATE_MAX_FAULTS &&
	       is_within_budget(expansion);
}

static void expand_body(struct expansion *expansion)
{
	struct assembler *assembler = expansion->assembler;
	struct yaml_substitution substitution = {
		.arena = assembler->arena,
		.diagnostics = assembler->diagnostics,
		.variables = &expansion->arguments,
		.spent = &assembler->budget->bytes,
		.silent = true,
	};

	vec_each (node, &expansion->template->body->items) {
		const struct yaml_node *filled = yaml_substitute(&substitution, *node);
		/* The instructions remember the item that they come from. */
		struct bpfasm_item *item = arena_alloc(assembler->arena, sizeof(*item));

		assembler->budget->nodes += filled->weight;
		assembler->budget->bytes += text_in(filled);
		if (!is_within_budget(expansion))
			break;
		bpfasm_read_item(assembler->arena, assembler->diagnostics, filled, item);
		asm_item(assembler, item);
	}
}

/* The body's own labels, with the use in what is reported of it. */
static void expand_in_scope(struct expansion *expansion)
{
	struct assembler *assembler = expansion->assembler;
	struct asm_scope *outer = assembler->scope;
	const struct diag_use *outer_use = assembler->diagnostics->use;
	struct asm_scope *scope = arena_alloc(assembler->arena, sizeof(*scope));

	*scope = (struct asm_scope){
		.outer = outer,
		.template = expansion->template,
		.names = expansion->template->scope,
		.depth = outer->depth + 1,
	};
	assembler->scope = scope;
	assembler->diagnostics->use = expansion->use;
	expand_body(expansion);
	assembler->diagnostics->use = outer_use;
	assembler->scope = outer;
}

static const struct diag_use *make_use(const struct assembler *assembler,
	const struct bpfasm_item *item, const struct bpfasm_template *template)
{
	struct diag_use *use = arena_alloc(assembler->arena, sizeof(*use));

	*use = (struct diag_use){
		.name = template->name, .mark = item->mark, .outer = assembler->diagnostics->use
	};
	return use;
}

void template_expand(struct assembler *assembler, const struct bpfasm_item *item,
	struct bpfasm_template *template)
{
	struct expansion expansion = {
		.assembler = assembler,
		.item = item,
		.template = template,
		.use = make_use(assembler, item, template),
	};
	bool bound;

	if (!may_bind(&expansion)) {
		assembler->incomplete = true;
		return;
	}
	bound = bind_arguments(&expansion);
	if (assembler->checking)
		template_check_use(assembler, item, template);
	else if (bound && may_expand(&expansion))
		expand_in_scope(&expansion);
	else
		assembler->incomplete = true;
}
