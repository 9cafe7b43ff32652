/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What no single key can tell: references, and values that have to fit each other. */
#include "lib/manifest/tables.h"

#include "lib/base/suggest.h"

#include <arpa/inet.h>
#include <string.h>

struct resolver {
	struct arena *arena;
	struct diagnostics *diagnostics;
	struct manifest *manifest;
};

/* A name the kernel can keep: what kernel_name says, or the object's own. */
static const char *resolve_kernel_name(const struct resolver *resolver,
	const struct manifest_text *self, const struct manifest_text *kernel_name)
{
	const char *text = kernel_name->text;
	size_t length;

	if (!text) {
		if (strlen(self->text) > KERNEL_NAME_MAX && !kernel_name->mark.source)
			diag_add(resolver->diagnostics, DIAG_E0209, self->mark,
				"the kernel keeps %d characters of a name, this has %zu",
				KERNEL_NAME_MAX, strlen(self->text))
				->hint = "give it a kernel_name";
		return self->text;
	}
	length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
	if (!length || text[length] || length > KERNEL_NAME_MAX)
		diag_add(resolver->diagnostics, DIAG_E0204, kernel_name->mark,
			"a kernel_name is 1 to %d letters, digits, _ and .", KERNEL_NAME_MAX);
	return text;
}

static void resolve_key_size(const struct resolver *resolver, struct manifest_map *map)
{
	uint32_t layout = map->key.layout.size;

	map->key_bytes = layout                ? layout
			 : map->key_size.given ? (uint32_t)map->key_size.value
					       : map->kind->key_size;
	if (map->kind->fixed_key && map->key.mark.source) {
		diag_add(resolver->diagnostics, DIAG_E0210, map->key.mark,
			"a %s is indexed by a number and has no key layout", map->kind->name);
	} else if (map->kind->fixed_key && map->key_bytes != map->kind->key_size) {
		diag_add(resolver->diagnostics, DIAG_E0205, map->key_size.mark,
			"the kernel takes only key_size %u for a %s", map->kind->key_size,
			map->kind->name);
	} else if (layout && !map->key.refused && map->key_size.given &&
		   map->key_size.value != layout) {
		diag_add(resolver->diagnostics, DIAG_E0210, map->key_size.mark,
			"the key's fields make %u bytes, key_size says %llu", layout,
			(unsigned long long)map->key_size.value);
	} else if (!map->key_bytes && !map->key.mark.source && !map->key_size.mark.source) {
		diag_add(resolver->diagnostics, DIAG_E0202, map->self.mark,
			"a %s needs \"key\", such as [cookie], or \"key_size\"", map->kind->name);
	}
}

static void resolve_map(const struct resolver *resolver, struct manifest_map *map)
{
	map->kernel_name_used = resolve_kernel_name(resolver, &map->self, &map->kernel_name);
	map->kind = map->type.row;
	if (!map->kind)
		return;
	resolve_key_size(resolver, map);
	map->value_bytes =
		map->value_size.given ? (uint32_t)map->value_size.value : map->kind->value_size;
	if (map->kind->holds_sockets && map->value_bytes != 4 && map->value_bytes != 8)
		diag_add(resolver->diagnostics, DIAG_E0205, map->value_size.mark,
			"a %s has values of 4 or 8 bytes", map->kind->name);
}

static void resolve_maps(const struct resolver *resolver)
{
	struct manifest *manifest = resolver->manifest;

	manifest->symbols = arena_alloc_array(
		resolver->arena, manifest->maps.count, sizeof(*manifest->symbols));
	for (size_t i = 0; i < manifest->maps.count; i++) {
		struct manifest_map *map = &manifest->maps.items[i];

		resolve_map(resolver, map);
		name_index_add(resolver->arena, &manifest->map_names, map->self.text, i);
		manifest->symbols[i] = (struct bpfasm_map){
			.name = map->self.text,
			.kind = map->kind,
			.key_size = map->key_bytes,
			.key = map->key.layout,
			.key_refused = map->key.refused,
		};
	}
}

static void resolve_programs(const struct resolver *resolver)
{
	struct manifest *manifest = resolver->manifest;

	for (size_t i = 0; i < manifest->programs.count; i++) {
		struct manifest_program *program = &manifest->programs.items[i];

		name_index_add(resolver->arena, &manifest->program_names, program->self.text, i);
		program->kind = program->type.row;
		program->kernel_name_used =
			resolve_kernel_name(resolver, &program->self, &program->kernel_name);
		if (!program->license.text)
			program->license.text = "GPL";
	}
}

/* Position of what a reference names, or NAME_ABSENT and a diagnostic. */
static size_t resolve_reference(const struct resolver *resolver, const char *what,
	enum diag_code code, const struct name_index *index, const struct manifest_text *reference)
{
	struct suggestion suggestion;
	size_t position;

	if (!reference->text)
		return NAME_ABSENT;
	position = name_index_find(index, reference->text);
	if (position != NAME_ABSENT)
		return position;
	suggestion = suggestion_for(reference->text);
	for (size_t i = 0; i < index->capacity; i++)
		if (index->slots[i].name)
			suggestion_offer(&suggestion, index->slots[i].name);
	diag_suggest(resolver->diagnostics,
		diag_add(resolver->diagnostics, code, reference->mark, "no %s is named \"%s\"",
			what, reference->text),
		&suggestion);
	return NAME_ABSENT;
}

static size_t resolve_map_reference(
	const struct resolver *resolver, const struct manifest_text *reference)
{
	return resolve_reference(
		resolver, "map", DIAG_E0212, &resolver->manifest->map_names, reference);
}

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

/* Which roles are taken on a map: the attachment that has it, or NULL. */
struct hooks {
	const struct manifest_attachment *by_role[3];
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

static void resolve_attachments(const struct resolver *resolver)
{
	struct manifest *manifest = resolver->manifest;
	struct hooks *hooks =
		arena_alloc_array(resolver->arena, manifest->maps.count, sizeof(*hooks));

	vec_each (attachment, &manifest->attachments) {
		attachment->kind = attachment->attach_type.row;
		attachment->program_at = resolve_reference(resolver, "program", DIAG_E0213,
			&manifest->program_names, &attachment->program);
		attachment->target_at = resolve_map_reference(resolver, &attachment->target);
		check_program_fits(resolver, attachment);
		check_target_fits(resolver, attachment);
		if (attachment->kind && attachment->target_at != NAME_ABSENT)
			take_hook(resolver, &hooks[attachment->target_at], attachment);
	}
	for (size_t i = 0; i < manifest->maps.count; i++)
		check_hooks(resolver, &hooks[i]);
}

static bool layout_has_ip4(const struct key_layout *layout)
{
	for (uint32_t i = 0; i < layout->count; i++)
		if (layout->fields[i] == KEY_LOCAL_IP4 || layout->fields[i] == KEY_REMOTE_IP4)
			return true;
	return false;
}

static void check_feed_map(const struct resolver *resolver, const struct manifest_feed *feed)
{
	const struct manifest_map *map = &resolver->manifest->maps.items[feed->into_at];

	if (!map->kind)
		return;
	if (!map->kind->holds_sockets)
		diag_add(resolver->diagnostics, DIAG_E0219, feed->into.mark,
			"sockets enter a sockmap or a sockhash, \"%s\" is of type %s",
			feed->into.text, map->kind->name);
	else if (!map->kind->fixed_key && !map->key.mark.source)
		diag_add(resolver->diagnostics, DIAG_E0219, feed->into.mark,
			"\"%s\" declares no key layout, so no socket has a key in it",
			feed->into.text)
			->hint = "give the map a key, such as [cookie]";
	else if (feed->accept.text && feed->accept.any.sa_family == AF_INET6 &&
		 layout_has_ip4(&map->key.layout))
		diag_add(resolver->diagnostics, DIAG_E0219, feed->accept.mark,
			"\"%s\" is keyed by IPv4 addresses, this is an IPv6 address",
			feed->into.text);
}

/* One spelling for each address: "[::1]:80" and "[0::1]:80" are the same place. */
static const char *canonical_address(struct arena *arena, const struct manifest_address *address)
{
	char host[INET6_ADDRSTRLEN];
	bool ip4 = address->any.sa_family == AF_INET;

	inet_ntop(address->any.sa_family,
		ip4 ? (const void *)&address->ip4.sin_addr : &address->ip6.sin6_addr, host,
		sizeof(host));
	return arena_printf(
		arena, "%s %u", host, ip4 ? address->ip4.sin_port : address->ip6.sin6_port);
}

static void check_feed_address(const struct resolver *resolver, struct name_index *addresses,
	const struct manifest_feed *feed)
{
	const struct manifest *manifest = resolver->manifest;
	size_t first = name_index_add(resolver->arena, addresses,
		canonical_address(resolver->arena, &feed->accept),
		(size_t)(feed - manifest->feeds.items));

	if (first != NAME_ABSENT)
		diag_add(resolver->diagnostics, DIAG_E0218, feed->accept.mark,
			"another feed accepts on %s already", feed->accept.text)
			->hint = arena_printf(resolver->arena, "the other is on line %u",
			manifest->feeds.items[first].accept.mark.line);
}

static void resolve_feeds(const struct resolver *resolver)
{
	struct manifest *manifest = resolver->manifest;
	struct name_index addresses = { 0 };

	vec_each (feed, &manifest->feeds) {
		feed->into_at = resolve_map_reference(resolver, &feed->into);
		if (feed->into_at != NAME_ABSENT)
			check_feed_map(resolver, feed);
		if (feed->accept.text)
			check_feed_address(resolver, &addresses, feed);
	}
}

void manifest_resolve(
	struct arena *arena, struct diagnostics *diagnostics, struct manifest *manifest)
{
	struct resolver resolver = { arena, diagnostics, manifest };

	resolve_maps(&resolver);
	resolve_programs(&resolver);
	resolve_attachments(&resolver);
	resolve_feeds(&resolver);
}
