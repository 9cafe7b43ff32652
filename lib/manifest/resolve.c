/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What no single key can tell: references, and values that have to fit each other. */
#include "lib/manifest/resolver.h"

#include "lib/base/suggest.h"

#include <arpa/inet.h>
#include <string.h>

const char *resolve_kernel_name(const struct resolver *resolver, const struct manifest_text *self,
	const struct manifest_text *kernel_name)
{
	if (kernel_name->text)
		return kernel_name->text;
	if (strlen(self->text) > KERNEL_NAME_MAX && !kernel_name->mark.source)
		diag_add(resolver->diagnostics, DIAG_E0209, self->mark,
			"the kernel keeps %d characters of a name, this has %zu", KERNEL_NAME_MAX,
			strlen(self->text))
			->hint = "give it a kernel_name";
	return self->text;
}

void resolve_flags(const struct resolver *resolver, const struct manifest_flags *flags,
	const char *holder, const struct flag_kind *table, size_t count, uint32_t type)
{
	vec_each (flag, &flags->items) {
		const struct flag_kind *kind = flag->kind;

		if (kind->instead)
			diag_add(resolver->diagnostics, DIAG_E0226, flag->mark,
				"\"%s\" is no flag that a manifest can give", kind->name)
				->hint = kind->instead;
		else if (!flag_fits(kind, type))
			diag_add(resolver->diagnostics, DIAG_E0226, flag->mark,
				"the kernel takes no flag \"%s\" for %s", kind->name, holder)
				->hint = arena_printf(resolver->arena, "flags of %s: %s", holder,
				flags_that_fit(resolver->arena, table, count, type));
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
	}
}

size_t resolve_reference(const struct resolver *resolver, const char *what, enum diag_code code,
	const struct name_index *index, const struct manifest_text *reference)
{
	struct suggestion suggestion;
	size_t position;

	if (!reference->text)
		return NAME_ABSENT;
	position = name_index_find(index, reference->text);
	if (position != NAME_ABSENT)
		return position;
	suggestion = suggestion_for(reference->text);
	diag_offer(resolver->diagnostics, &suggestion, DIAG_INDEXED(index));
	diag_suggest(resolver->diagnostics,
		diag_add(resolver->diagnostics, code, reference->mark, "no %s is named \"%s\"",
			what, reference->text),
		&suggestion);
	return NAME_ABSENT;
}

size_t resolve_map_reference(const struct resolver *resolver, const struct manifest_text *reference)
{
	return resolve_reference(
		resolver, "map", DIAG_E0212, &resolver->manifest->map_names, reference);
}

/* Addresses of a family are the address fields of its size. */
static bool layout_has_addresses(const struct key_layout *layout, uint32_t size)
{
	for (uint32_t i = 0; i < layout->count; i++) {
		const struct key_field *field = &key_fields[layout->fields[i]];

		if (field->form == KEY_FORM_ADDRESS && field->size == size)
			return true;
	}
	return false;
}

/* An IPv6 socket has no IPv4 address to be found by, and all IPv4 sockets the same IPv6 one: zero. */
static void check_feed_family(const struct resolver *resolver, const struct manifest_feed *feed,
	const struct key_layout *layout)
{
	bool wide = feed->accept.any.sa_family == AF_INET6;
	bool ip4 = layout_has_addresses(layout, sizeof(struct in_addr));
	bool ip6 = layout_has_addresses(layout, sizeof(struct in6_addr));

	if (feed->accept.text && (wide ? ip4 : ip6 && !ip4))
		diag_add(resolver->diagnostics, DIAG_E0219, feed->accept.mark,
			"\"%s\" is keyed by %s addresses, this is an %s address", feed->into.text,
			wide ? "IPv4" : "IPv6", wide ? "IPv6" : "IPv4");
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
	else
		check_feed_family(resolver, feed, &map->key.layout);
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
	struct resolver resolver = { arena, diagnostics, manifest, 0 };

	resolve_maps(&resolver);
	resolve_programs(&resolver);
	resolve_attachments(&resolver);
	resolve_feeds(&resolver);
}
