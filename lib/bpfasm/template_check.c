/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Templates by themselves: each body is assembled once into code that is thrown away, with its
 * parameters open. Templates that it uses are checked on the way, which finds circles.
 */
#include "lib/bpfasm/block.h"

#include <string.h>

struct template_check {
	struct arena *arena;
	const struct bpfasm_map *maps;
	const struct name_index *names; /* NULL: any map may be there */
	struct diagnostics *diagnostics;
};

/* Stands for any type: what depends on it is not looked at. */
static const struct program_kind any_kind = { .name = "any" };

bool template_skips(
	struct assembler *assembler, const struct bpfasm_item *item, size_t start, size_t end)
{
	if (!assembler->checking || !yaml_is_open(item->scalar, start, end - start))
		return false;
	/* What the parameter says may be a label, or stand behind one. */
	if (memchr(item->text + start, ':', end - start))
		assembler->labels_open = true;
	return true;
}

static void check_template(struct template_check *check, struct bpfasm_template *template,
	const struct asm_scope *outer);

static void report_height(struct assembler *assembler, const struct bpfasm_item *item)
{
	diag_add(assembler->diagnostics, DIAG_E0222, item->mark,
		"templates use each other more than %d levels deep here", TEMPLATE_MAX_DEPTH);
}

void template_check_use(struct assembler *assembler, const struct bpfasm_item *item,
	struct bpfasm_template *template)
{
	struct bpfasm_template *user = assembler->scope->template;

	if (template->state == TEMPLATE_ACTIVE) {
		template_report_circle(assembler, item, template);
		return;
	}
	if (assembler->scope->depth == TEMPLATE_MAX_DEPTH) {
		report_height(assembler, item);
		return;
	}
	if (template->state == TEMPLATE_UNCHECKED)
		check_template(assembler->checking, template, assembler->scope);
	/* What is said of it need not be said of all that use it. */
	if (template->refused)
		return;
	if (template->height + 1 > user->height)
		user->height = template->height + 1;
	if (user->height > TEMPLATE_MAX_DEPTH)
		report_height(assembler, item);
}

/* Defaults, as far as they can be told to be right without a use. */
static void check_defaults(struct assembler *assembler, const struct bpfasm_template *template)
{
	vec_each (parameter, &template->parameters) {
		if (!parameter->kind || !parameter->standard)
			continue;
		if (parameter->kind->argument == ARGUMENT_MAP)
			asm_find_map(assembler, parameter->standard, parameter->standard_mark);
		else if (!bpfasm_parameter_accepts(parameter->kind, parameter->standard))
			diag_add(assembler->diagnostics, DIAG_E0221, parameter->standard_mark,
				"\"%s\" has to be %s", parameter->name,
				bpfasm_parameter_wanted(
					assembler->arena, parameter->kind, parameter->standard));
	}
}

static void open_parameters(struct arena *arena, const struct bpfasm_template *template,
	struct yaml_variables *variables)
{
	variables->outer = &template->scope->variables;
	vec_each (parameter, &template->parameters) {
		struct yaml_variable *variable = arena_alloc(arena, sizeof(*variable));

		variable->name = parameter->name;
		variable->open = true;
		yaml_variables_add(arena, variables, variable);
	}
}

static void check_body(struct assembler *assembler, const struct bpfasm_template *template)
{
	struct yaml_variables variables = { 0 };
	struct yaml_substitution substitution = {
		.arena = assembler->arena,
		.diagnostics = assembler->diagnostics,
		.variables = &variables,
		.spent = &assembler->budget->bytes,
	};

	open_parameters(assembler->arena, template, &variables);
	vec_each (node, &template->body->items) {
		struct bpfasm_item item;

		bpfasm_read_item(assembler->arena, assembler->diagnostics,
			yaml_substitute(&substitution, *node), &item);
		asm_item(assembler, &item);
	}
	/* An item that could not be read may have been a label. */
	assembler->labels_open = assembler->labels_open || assembler->incomplete;
	asm_resolve_jumps(assembler);
}

/* What says something of the program's type says it of one that no program has. */
static void keep_faults(struct template_check *check, struct bpfasm_template *template,
	const struct diagnostics *found)
{
	vec_each (diagnostic, &found->list) {
		if (diagnostic->code == DIAG_E0307)
			continue;
		diag_copy(check->diagnostics, diagnostic);
		template->refused = true;
	}
}

static void check_template(struct template_check *check, struct bpfasm_template *template,
	const struct asm_scope *outer)
{
	static const struct bpfasm_map any_map = { .name = "any", .key_refused = true };
	struct bpfasm_program program = {
		.name = template->name, .kind = &any_kind, .license = "GPL", .mark = template->mark
	};
	struct asm_scope scope = { .outer = outer,
		.template = template,
		.names = template->scope,
		.depth = outer ? outer->depth + 1 : 1 };
	struct diagnostics found = { .arena = check->arena,
		.compared = check->diagnostics->compared };
	struct bpfasm_budget budget = { 0 };
	struct assembler assembler = { .arena = check->arena,
		.diagnostics = &found,
		.program = &program,
		.maps = check->names ? check->maps : &any_map,
		.map_names = check->names,
		.code = arena_alloc(check->arena, sizeof(*assembler.code)),
		.scope = &scope,
		.budget = &budget,
		.checking = check };

	template->state = TEMPLATE_ACTIVE;
	template->height = 1;
	check_defaults(&assembler, template);
	if (template->body)
		check_body(&assembler, template);
	else
		template->refused = true;
	keep_faults(check, template, &found);
	check->diagnostics->compared = found.compared;
	template->state = TEMPLATE_CHECKED;
}

void bpfasm_check_templates(struct arena *arena, struct bpfasm_template *const *templates,
	size_t count, const struct bpfasm_map *maps, const struct name_index *names,
	struct diagnostics *diagnostics)
{
	struct template_check check = { arena, maps, names, diagnostics };

	for (size_t i = 0; i < count; i++)
		if (templates[i]->state == TEMPLATE_UNCHECKED)
			check_template(&check, templates[i], NULL);
}
