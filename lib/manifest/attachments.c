/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Attachments: program, target and attach type that have to fit, and hooks that exclude each other. */
#include "lib/manifest/resolver.h"

#include "lib/bpfasm/words.h"

#include <string.h>

#define CGROUP_NAME_MAX 255
#define CGROUP_PATH_MAX 4000 /* bytes; with the mount before it, PATH_MAX */

static void check_program_fits(
	const struct resolver *resolver, const struct manifest_attachment *attachment)
{
	const struct program_kind *kind;

	if (!attachment->kind || attachment->program_at == NAME_ABSENT)
		return;
	kind = resolver->manifest->programs.items[attachment->program_at].kind;
	if (kind && kind->type != attachment->kind->program_type)
		diag_add(resolver->diagnostics, DIAG_E0215, attachment->attach_type.mark,
			"%s takes a program of type %s, \"%s\" is of type %s",
			attachment->kind->name,
			program_kind_of(attachment->kind->program_type)->name,
			attachment->program.text, kind->name);
}

static void check_target_fits(
	const struct resolver *resolver, const struct manifest_attachment *attachment)
{
	const struct map_kind *kind;

	if (!attachment->kind || attachment->target_at == NAME_ABSENT)
		return;
	kind = resolver->manifest->maps.items[attachment->target_at].kind;
	if (kind && !kind->holds_sockets)
		diag_add(resolver->diagnostics, DIAG_E0215, attachment->target.mark,
			"%s needs a map of sockets, \"%s\" is of type %s", attachment->kind->name,
			attachment->target.text, kind->name);
}

static const char *check_component(struct arena *arena, const char *text, size_t length)
{
	if (length > CGROUP_NAME_MAX)
		return "a cgroup's name has at most 255 bytes";
	if ((length == 1 && text[0] == '.') || (length == 2 && memcmp(text, "..", 2) == 0))
		return arena_printf(arena, "\"%.*s\" is not taken", (int)length, text);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return "there is a control character in it";
	return NULL;
}

const char *manifest_parse_cgroup(struct arena *arena, const char *text, const char **ret)
{
	size_t length = strlen(text);
	char *path, *end;

	if (!length)
		return "write \"/\" for the root";
	if (length > CGROUP_PATH_MAX)
		return "it is longer than any path";
	path = end = arena_alloc(arena, length + 2);
	for (; *text; text += length) {
		const char *problem;

		text += strspn(text, "/");
		length = strcspn(text, "/");
		problem = check_component(arena, text, length);
		if (problem)
			return problem;
		if (!length)
			break;
		*end++ = '/';
		end = mempcpy(end, text, length);
	}
	*ret = *path ? path : "/";
	return NULL;
}

static void resolve_cgroup(const struct resolver *resolver, struct manifest_attachment *attachment)
{
	const char *text = attachment->target.text, *problem;

	attachment->target_at = NAME_ABSENT;
	if (!text)
		return;
	if (name_index_find(&resolver->manifest->map_names, text) != NAME_ABSENT) {
		diag_add(resolver->diagnostics, DIAG_E0215, attachment->target.mark,
			"%s runs for a cgroup, \"%s\" is a map", attachment->kind->name, text)
			->hint = arena_printf(resolver->arena,
			"write the cgroup's path, \"/\" for all; a cgroup of that name is \"/%s\"",
			text);
		return;
	}
	problem = manifest_parse_cgroup(resolver->arena, text, &attachment->target_name);
	if (problem)
		diag_add(resolver->diagnostics, DIAG_E0227, attachment->target.mark,
			"\"%s\" is no path of a cgroup: %s", text, problem);
}

static void resolve_map_target(
	const struct resolver *resolver, struct manifest_attachment *attachment)
{
	const struct manifest_text *target = &attachment->target;

	if (target->text && strchr(target->text, '/')) {
		attachment->target_at = NAME_ABSENT;
		/* A misspelled type may be one that runs for cgroups. */
		if (!attachment->kind)
			return;
		diag_add(resolver->diagnostics, DIAG_E0215, target->mark,
			"%s runs on the sockets of a map, \"%s\" is a path", attachment->kind->name,
			target->text);
		return;
	}
	attachment->target_at = resolve_map_reference(resolver, target);
	attachment->target_name = target->text;
}

static void resolve_attach_flags(
	const struct resolver *resolver, struct manifest_attachment *attachment)
{
	const struct attach_kind *kind = attachment->kind;
	size_t count;
	const struct flag_kind *table = attach_flags(&count);

	resolve_flags(resolver, &attachment->flags,
		arena_printf(resolver->arena, "attachments of type %s", kind->name), table, count,
		kind->type);
	vec_each (flag, &attachment->flags.items)
		if (!flag->kind->silent)
			attachment->flag_bits |= flag->kind->bit;
}

static void resolve_replace(const struct resolver *resolver, struct manifest_attachment *attachment)
{
	const char *text = attachment->replace.text;
	__int128 number;

	if (!text)
		return;
	if (text[0] == '/')
		attachment->replaces_pin = text;
	else if (asm_parse_number(text, strlen(text), &number) == 0 && number > 0 &&
		 number <= UINT32_MAX)
		attachment->replaces = (uint32_t)number;
	else
		diag_add(resolver->diagnostics, DIAG_E0203, attachment->replace.mark,
			"\"replace\" has to be a program's id or the path of its pin");
}

/* Which roles are taken on a map: the attachment that has it, or NULL. */
struct hooks {
	const struct manifest_attachment *by_role[HOOK_ROLE_COUNT];
};

static void take_hook(const struct resolver *resolver, struct hooks *hooks,
	const struct manifest_attachment *attachment)
{
	const struct manifest_attachment **taken = &hooks->by_role[attachment->kind->role];

	if (*taken)
		diag_add(resolver->diagnostics, DIAG_E0214, attachment->self.mark,
			"\"%s\" already has a %s", attachment->target.text, attachment->kind->name)
			->hint = arena_printf(
			resolver->arena, "the other is on line %u", (*taken)->self.mark.line);
	else
		*taken = attachment;
}

static void check_hooks(const struct resolver *resolver, const struct hooks *hooks)
{
	const struct manifest_attachment *parser = hooks->by_role[HOOK_PARSER];
	const struct manifest_attachment *stream = hooks->by_role[HOOK_STREAM_VERDICT];
	const struct manifest_attachment *skb = hooks->by_role[HOOK_SKB_VERDICT];

	if (stream && skb)
		diag_add(resolver->diagnostics, DIAG_E0216, skb->self.mark,
			"\"%s\" has a stream_verdict, and the kernel takes no skb_verdict beside "
			"it",
			skb->target.text)
			->hint = arena_printf(resolver->arena, "the stream_verdict is on line %u",
			stream->self.mark.line);
	if (parser && !stream)
		diag_add(resolver->diagnostics, DIAG_E0217, parser->self.mark,
			"a stream_parser without a stream_verdict on \"%s\" does nothing",
			parser->target.text);
}

/* Maps have their roles by position; on a cgroup there is one role. */
static void take_place(const struct resolver *resolver, struct hooks *of_maps,
	struct name_index *cgroups, const struct manifest_attachment *attachment)
{
	size_t position = (size_t)(attachment - resolver->manifest->attachments.items), first;
	struct hooks hooks = { 0 };

	if (!attachment->kind)
		return;
	if (attachment->target_at != NAME_ABSENT) {
		take_hook(resolver, &of_maps[attachment->target_at], attachment);
		return;
	}
	if (!attachment->kind->on_cgroup || !attachment->target_name)
		return;
	first = name_index_add(resolver->arena, cgroups, attachment->target_name, position);
	if (first == NAME_ABSENT)
		return;
	hooks.by_role[attachment->kind->role] = &resolver->manifest->attachments.items[first];
	take_hook(resolver, &hooks, attachment);
}

static void resolve_attachment(
	const struct resolver *resolver, struct manifest_attachment *attachment)
{
	attachment->kind = attachment->attach_type.row;
	attachment->program_at = resolve_reference(resolver, "program", DIAG_E0213,
		&resolver->manifest->program_names, &attachment->program);
	if (attachment->kind && attachment->kind->on_cgroup)
		resolve_cgroup(resolver, attachment);
	else
		resolve_map_target(resolver, attachment);
	check_program_fits(resolver, attachment);
	check_target_fits(resolver, attachment);
	if (attachment->kind)
		resolve_attach_flags(resolver, attachment);
	resolve_replace(resolver, attachment);
}

void resolve_attachments(const struct resolver *resolver)
{
	struct manifest *manifest = resolver->manifest;
	struct hooks *hooks =
		arena_alloc_array(resolver->arena, manifest->maps.count, sizeof(*hooks));
	struct name_index cgroups = { 0 };

	vec_each (attachment, &manifest->attachments) {
		resolve_attachment(resolver, attachment);
		take_place(resolver, hooks, &cgroups, attachment);
	}
	for (size_t i = 0; i < manifest->maps.count; i++)
		check_hooks(resolver, &hooks[i]);
}
