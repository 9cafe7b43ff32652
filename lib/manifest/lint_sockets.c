/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What goes wrong with sockets that SOCK_OPS programs put into maps, where it takes the whole manifest
 * to tell. Only blocks of the body itself are looked at: what assembly and templates mean they say in
 * too many ways.
 */
#include "lib/manifest/manifest.h"

#include <stdlib.h>
#include <string.h>

/* One on_established in the code of a program: its instructions, and the map. */
struct entry {
	const struct bpfasm_item *item;
	size_t first, last;
	uint32_t map;
};

typedef VEC(struct entry) entry_list;

static const char *argument_of(const struct bpfasm_item *item, const char *name)
{
	vec_each (argument, &item->arguments)
		if (strcmp(argument->name, name) == 0)
			return argument->text;
	return NULL;
}

/* The item of a block of that name that an instruction is of; NULL: none of the body itself. */
static const struct bpfasm_item *item_of(
	const struct bpfasm_code *code, size_t instruction, const char *block)
{
	const struct bpfasm_origin *origin = &code->origins.items[instruction];
	const struct bpfasm_item *item = origin->item;

	return origin->block && strcmp(origin->block, block) == 0 && item && item->block &&
			       strcmp(item->block, block) == 0
		       ? item
		       : NULL;
}

/* The first map that instructions of an item load; they load no other. */
static void find_entries(
	struct arena *arena, const struct bpfasm_code *code, const char *block, entry_list *ret)
{
	vec_each (relocation, &code->relocations) {
		const struct bpfasm_item *item = item_of(code, relocation->instruction, block);
		struct entry *entry;

		if (!item)
			continue;
		entry = vec_add(arena, ret);
		*entry = (struct entry){ item, relocation->instruction, relocation->instruction,
			relocation->map };
		while (entry->last + 1 < code->origins.count &&
			item_of(code, entry->last + 1, block) == item)
			entry->last++;
	}
}

/* Bit per role of a hook of the map that has a program. */
static unsigned int roles_on(const struct manifest *manifest, uint32_t map)
{
	unsigned int roles = 0;

	vec_each (attachment, &manifest->attachments)
		if (attachment->kind && attachment->target_at == map)
			roles |= 1u << attachment->kind->role;
	return roles;
}

/* The role by which a socket of the one map does not enter the other; -1 (sock_map_link). */
static int clashing_role(unsigned int one, unsigned int other)
{
	const unsigned int stream = 1u << HOOK_STREAM_VERDICT, skb = 1u << HOOK_SKB_VERDICT;

	if (one & other & ~(1u << HOOK_PARSER))
		return __builtin_ctz(one & other & ~(1u << HOOK_PARSER));
	if (one & stream && other & skb)
		return HOOK_STREAM_VERDICT;
	return one & skb && other & stream ? HOOK_SKB_VERDICT : -1;
}

/* An argument that is given in both, with other words. */
static bool tells_apart(const struct entry *one, const struct entry *other, const char *name)
{
	const char *first = argument_of(one->item, name), *second = argument_of(other->item, name);

	return first && second && strcmp(first, second) != 0;
}

/* Whether who comes from the one gets to the other without a jump out of the way. */
static bool leads_to(
	const struct bpfasm_code *code, const struct entry *one, const struct entry *other)
{
	for (size_t i = one->last + 1; i < other->first; i++) {
		const struct bpf_insn *insn = &code->instructions.items[i];
		bool ours = item_of(code, i, "on_established");

		if (!ours &&
			(insn->code == (BPF_JMP | BPF_EXIT) || insn->code == (BPF_JMP | BPF_JA)))
			return false;
	}
	return true;
}

static const char *role_name(int role)
{
	size_t count;
	const struct attach_kind *kinds = attach_kinds(&count);

	for (size_t i = 0; i < count; i++)
		if (kinds[i].role == (enum hook_role)role)
			return kinds[i].name;
	return "";
}

/* The role by which a socket that has come by `one` does not get into the map of `other`; -1. */
static int keeps_out(const struct manifest *manifest, const struct bpfasm_code *code,
	const struct entry *one, const struct entry *other)
{
	int role = one->map == other->map ? -1
					  : clashing_role(roles_on(manifest, one->map),
						    roles_on(manifest, other->map));

	if (role < 0 || tells_apart(one, other, "family") || tells_apart(one, other, "side"))
		return -1;
	return leads_to(code, one, other) ? role : -1;
}

static void warn_of_second_map(const struct manifest *manifest, const struct entry *one,
	const struct entry *other, int role, struct diagnostics *diagnostics)
{
	diag_add(diagnostics, DIAG_W0611, other->item->mark,
		"a socket that is in map \"%s\", with its %s, does not enter \"%s\"",
		manifest->maps.items[one->map].self.text, role_name(role),
		manifest->maps.items[other->map].self.text)
		->hint = "it has one program of each attach type: use one map, or tell the sockets "
			 "apart by family or side";
}

/* As far back as anybody looks: a program with more of them is none that a person wrote. */
#define FARTHEST_ENTRY 64

/* Each against those before it, up to the first that keeps it out: it is said once. */
static void lint_established(struct arena *arena, const struct manifest *manifest,
	const struct bpfasm_code *code, struct diagnostics *diagnostics)
{
	entry_list entries = { 0 };

	find_entries(arena, code, "on_established", &entries);
	for (size_t i = 1; i < entries.count; i++) {
		size_t last = i > FARTHEST_ENTRY ? i - FARTHEST_ENTRY : 0;
		int role = -1;

		for (size_t j = i; role < 0 && j-- > last;) {
			role = keeps_out(manifest, code, &entries.items[j], &entries.items[i]);
			if (role >= 0)
				warn_of_second_map(manifest, &entries.items[j], &entries.items[i],
					role, diagnostics);
		}
	}
}

/* By map: those that SOCK_OPS programs use. */
static void find_filled(
	const struct manifest *manifest, const struct bpfasm_code *const *codes, bool *ret)
{
	for (size_t i = 0; i < manifest->programs.count; i++)
		if (codes[i] && codes[i]->kind->type == BPF_PROG_TYPE_SOCK_OPS)
			vec_each (relocation, &codes[i]->relocations)
				ret[relocation->map] = true;
}

static bool goes_by_tcp_or_not(const struct bpfasm_item *item)
{
	const char *flags = argument_of(item, "flags"), *on_miss = argument_of(item, "on_miss");
	bool ingress = flags && (strcmp(flags, "ingress") == 0 || strtoul(flags, NULL, 0) & 1);

	return ingress && on_miss && strcmp(on_miss, "pass") == 0;
}

/*
 * A connection's first message can be sent before its other end is in the map. What went by TCP is
 * still under way when the next message is put into the reader's queue directly.
 */
static void lint_shortcuts(struct arena *arena, const struct bpfasm_code *code, const bool *filled,
	struct diagnostics *diagnostics)
{
	static const char *const blocks[] = { "msg_redirect_map", "msg_redirect_hash",
		"msg_redirect_map_with_fallback" };

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		entry_list entries = { 0 };

		find_entries(arena, code, blocks[i], &entries);
		vec_each (entry, &entries)
			if (filled[entry->map] && goes_by_tcp_or_not(entry->item))
				diag_add(diagnostics, DIAG_W0610, entry->item->mark,
					"what finds no target goes by TCP, and what is sent after "
					"it may arrive before it")
					->hint = "remember which connections have gone by TCP, as "
						 "manifests/accelerate.yaml does";
	}
}

void manifest_lint_sockets(struct arena *arena, const struct manifest *manifest,
	const struct bpfasm_code *const *codes, struct diagnostics *diagnostics)
{
	bool *filled = arena_alloc_array(arena, manifest->maps.count, sizeof(*filled));

	find_filled(manifest, codes, filled);
	for (size_t i = 0; i < manifest->programs.count; i++) {
		if (!codes[i])
			continue;
		if (codes[i]->kind->type == BPF_PROG_TYPE_SOCK_OPS)
			lint_established(arena, manifest, codes[i], diagnostics);
		if (codes[i]->kind->type == BPF_PROG_TYPE_SK_MSG)
			lint_shortcuts(arena, codes[i], filled, diagnostics);
	}
}
