/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The templates that a document declares, as the assembler takes them. */
#include "lib/manifest/decode.h"
#include "lib/manifest/loader.h"

void decode_template_body(const struct decoder *decoder, const struct manifest_field *field,
	const struct yaml_node *node, void *out)
{
	if (node->kind == YAML_SEQUENCE)
		*(const struct yaml_node **)out = node;
	else
		yaml_wrong_type(decoder->diagnostics, node,
			arena_printf(decoder->arena, "\"%s\"", field->key),
			"a list of instructions and blocks");
}

static struct bpfasm_template *make_template(struct manifest_loader *loader,
	const struct manifest *manifest, const struct manifest_template *declared)
{
	struct bpfasm_template *template = bpfasm_template_create(
		loader->arena, declared->self.text, declared->self.mark, &manifest->scope);

	template->body = declared->body;
	vec_each (parameter, &declared->parameters)
		bpfasm_parameter_add(loader->arena, template,
			&(struct bpfasm_parameter){
				.name = parameter->self.text,
				.kind = parameter->kind.row,
				.standard = parameter->standard.text,
				.standard_mark = parameter->standard.mark,
			});
	return template;
}

/* Makes it seen by its name; where that is taken, it is checked all the same. */
static void declare(
	struct manifest_loader *loader, struct manifest *manifest, struct bpfasm_template *template)
{
	const char *taken = bpfasm_template_taken(template->name);
	const struct bpfasm_template *other;

	if (taken) {
		diag_add(loader->diagnostics, DIAG_E0224, template->mark, "\"%s\" is %s",
			template->name, taken)
			->hint = "give the template another name";
		return;
	}
	other = bpfasm_template_add(loader->arena, &manifest->scope, template);
	if (other)
		diag_add(loader->diagnostics, DIAG_E0224, template->mark,
			"the template \"%s\" is declared twice", template->name)
			->hint = arena_printf(loader->arena, "the other is at %s:%u",
			other->mark.source->name, other->mark.line);
}

void loader_declare_templates(struct manifest_loader *loader, struct manifest *manifest)
{
	VEC(struct bpfasm_template *) own = { 0 };

	vec_each (declared, &manifest->templates) {
		struct bpfasm_template *template = make_template(loader, manifest, declared);

		declare(loader, manifest, template);
		*vec_add(loader->arena, &own) = template;
	}
	bpfasm_check_templates(loader->arena, own.items, own.count, manifest->symbols,
		manifest->library ? NULL : &manifest->map_names, loader->diagnostics);
}
