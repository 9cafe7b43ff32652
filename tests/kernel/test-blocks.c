/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Blocks before the real verifier: every block, in every program type that may use it, with every
 * kind of value that its arguments take, alone and behind one another. What sockform assembles of
 * them the kernel has to load. And the tables of contexts and keys, against what the kernel says.
 */
#include "lib/bpfasm/value.h"
#include "lib/manifest/manifest.h"

#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "raw.h"

TestSuite(blocks, .timeout = 120);

static const char maps_text[] =
	"maps:\n"
	"  indexed: { type: sockmap, max_entries: 8 }\n"
	"  cookies: { type: sockhash, key: [cookie], max_entries: 8 }\n"
	"  spaces: { type: sockhash, key: [netns_cookie, local_port], max_entries: 8 }\n"
	"  tuples: { type: sockhash, max_entries: 8,\n"
	"            key: [local_ip4, local_port, remote_ip4, remote_port] }\n"
	"  wide: { type: sockhash, max_entries: 8,\n"
	"          key: [family, local_ip6, remote_ip6, local_port, remote_port] }\n"
	"  raw: { type: sockhash, key_size: 8, max_entries: 8 }\n"
	"  values: { type: array, value_size: 8, max_entries: 8 }\n"
	"  each: { type: percpu_array, value_size: 4, max_entries: 8 }\n"
	"  table: { type: hash, key_size: 4, value_size: 8, max_entries: 8 }\n"
	"  peers: { type: lru_hash, key: [remote_ip4, remote_port], value_size: 8,\n"
	"           max_entries: 8 }\n"
	"  structs: { type: percpu_hash, key_size: 8, value_size: 16, max_entries: 8 }\n"
	"  recent: { type: lru_percpu_hash, key_size: 2, value_size: 4, max_entries: 8 }\n";

/* r6 the context, r7 a number, r8 a pointer to 64 bytes: a body has these before its blocks. */
static const char before[] =
	"      - r6 = r1\n      - r7 = 5\n      - r8 = r10\n      - r8 += -64\n      - r0 = 0\n"
	"      - |\n"
	"        *(u64 *)(r8 + 0) = r0\n        *(u64 *)(r8 + 8) = r0\n"
	"        *(u64 *)(r8 + 16) = r0\n        *(u64 *)(r8 + 24) = r0\n"
	"        *(u64 *)(r8 + 32) = r0\n        *(u64 *)(r8 + 40) = r0\n"
	"        *(u64 *)(r8 + 48) = r0\n        *(u64 *)(r8 + 56) = r0\n"
	"      - if r7 == 77 goto away\n";
static const char after[] = "      - r0 = 1\n      - exit\n      - 'away: r0 = 1'\n      - exit\n";

/* Values of each kind that are right in such a body; maps and fields come from their tables. */
static const char *const samples[ARGUMENT_KIND_COUNT][9] = {
	[ARGUMENT_REGISTER] = { "r7" },
	[ARGUMENT_CONTEXT] = { "r6" },
	[ARGUMENT_IMMEDIATE] = { "3" },
	[ARGUMENT_WIDE] = { "0x123456789abc" },
	[ARGUMENT_OFFSET] = { "0" },
	[ARGUMENT_POSITION] = { "0" },
	[ARGUMENT_COUNT] = { "4", "r7" },
	[ARGUMENT_SIZE] = { "w" },
	[ARGUMENT_BITS] = { "16", "32", "64" },
	[ARGUMENT_INDEX] = { "0", "7", "r7" },
	[ARGUMENT_KEY] = { "self", "peer", "3", "r8" },
	[ARGUMENT_FLAGS] = { "0", "ingress", "r7" },
	[ARGUMENT_UPDATE] = { "any", "noexist", "exist", "r7" },
	[ARGUMENT_ON_MISS] = { "pass", "drop", "away" },
	[ARGUMENT_LABEL] = { "away" },
	[ARGUMENT_TARGET] = { "away", "0" },
	[ARGUMENT_FIELD] = { "family", "local_port", "remote_port", "local_ip6_3" },
	[ARGUMENT_VERDICT] = { "pass", "drop" },
	[ARGUMENT_ALU] = { "add", "xor", "mov", "rsh" },
	[ARGUMENT_JUMP] = { "jeq", "jset", "jsle" },
	[ARGUMENT_HELPER] = { "bpf_ktime_get_ns", "5" },
	[ARGUMENT_FAMILY] = { "ipv4", "ipv6" },
	[ARGUMENT_SIDE] = { "active", "passive", "both" },
	[ARGUMENT_YES_NO] = { "yes", "no" },
	[ARGUMENT_IP4] = { "127.0.0.1", "10.0.0.0/8", "0.0.0.0/0" },
	[ARGUMENT_IP6] = { "'::1'", "'fd00::/8'", "'2001:db8::/37'" },
	[ARGUMENT_PORTS] = { "80", "8000-8099", "0-65535" },
	[ARGUMENT_TEXT] = { "'G'", "'GET '", "'HELLO world'", "'seven 7'" },
	[ARGUMENT_BYTES] = { "'16 03 01'", "ff", "'00:11:22:33:44:55:66:77:88'" },
};

/* The maps of maps_text. */
static const struct {
	const char *name, *kind;
} maps[] = {
	{ "indexed", "sockmap" },
	{ "cookies", "sockhash" },
	{ "spaces", "sockhash" },
	{ "tuples", "sockhash" },
	{ "wide", "sockhash" },
	{ "raw", "sockhash" },
	{ "values", "array" },
	{ "each", "percpu_array" },
	{ "table", "hash" },
	{ "peers", "lru_hash" },
	{ "structs", "percpu_hash" },
	{ "recent", "lru_percpu_hash" },
};

#define MAP_COUNT (sizeof(maps) / sizeof(maps[0]))

static unsigned int seed;

static size_t pick(size_t count)
{
	return (size_t)rand_r(&seed) % count;
}

static const char *sample(enum argument_kind kind)
{
	size_t count = 0;

	while (count < 9 && samples[kind][count])
		count++;
	cr_assert_gt(count, 0, "kind %d has no samples", kind);
	return samples[kind][pick(count)];
}

/* The position of a map of a type that the argument takes. */
static size_t sample_map(const struct block_argument *argument)
{
	for (;;) {
		size_t i = pick(MAP_COUNT);

		if (argument->maps & (1u << map_kind_named(maps[i].kind)->type))
			return i;
	}
}

/* A register that holds a number where the map is indexed, and points to a key where it is not. */
static const char *sample_key(size_t map)
{
	const char *key = sample(ARGUMENT_KEY);

	if (key[0] != 'r')
		return key;
	return map_kind_named(maps[map].kind)->fixed_key ? "r7" : "r8";
}

/* One use of a block: all that it needs, and of what it takes some. */
static const char *use_of(struct arena *arena, const struct block *block)
{
	const char *text = "", *separator = "";
	size_t map = 0;

	for (size_t i = 0; i < BLOCK_MAX_ARGUMENTS && block->arguments[i].name; i++) {
		const struct block_argument *argument = &block->arguments[i];

		if (!argument->required && pick(5) < 3)
			continue;
		/* With both, nothing would be left to go on behind the block. */
		if (strcmp(argument->name, "else") == 0 && strstr(text, "then:"))
			continue;
		if (argument->kind == ARGUMENT_MAP)
			map = sample_map(argument);
		text = arena_printf(arena, "%s%s%s: %s", text, separator, argument->name,
			argument->kind == ARGUMENT_MAP   ? maps[map].name
			: argument->kind == ARGUMENT_KEY ? sample_key(map)
							 : sample(argument->kind));
		separator = ", ";
	}
	return arena_printf(arena, "      - %s: { %s }\n", block->name, text);
}

static const char *manifest_of(struct arena *arena, const char *type, const char *body)
{
	return arena_printf(arena,
		"sockform: v1\nname: blocks\n%sprograms:\n  p:\n    type: %s\n    body:\n%s%s%s",
		maps_text, type, before, body, after);
}

/* The code of the only program; NULL where sockform refuses it. */
static const struct bpfasm_code *assemble(
	struct arena *arena, const char *text, const struct manifest **ret)
{
	struct diagnostics diagnostics = { .arena = arena };
	manifest_list manifests = { 0 };
	const struct bpfasm_code **codes;

	manifest_load(arena, source_from_text(arena, "t.yaml", text, strlen(text)), &diagnostics,
		&manifests);
	cr_assert_eq(diagnostics.errors, 0, "%s\n%s", diagnostics.list.items[0].message, text);
	*ret = manifests.items[0];
	codes = manifest_assemble(arena, *ret, &diagnostics);
	return codes[0];
}

/* Descriptors of the maps of maps_text, made once a test. */
static int map_fds[16];

static void make_maps(struct arena *arena)
{
	const struct manifest *manifest;

	cr_assert_not_null(assemble(arena, manifest_of(arena, "sk_skb", ""), &manifest));
	for (size_t i = 0; i < manifest->maps.count; i++) {
		const struct manifest_map *map = &manifest->maps.items[i];

		map_fds[i] = bpf_map_create(map->kind->type, map->self.text, map->key_bytes,
			map->value_bytes, (uint32_t)map->max_entries.value, NULL);
		cr_assert_geq(map_fds[i], 0, "%s: %s", map->self.text, strerror(errno));
	}
}

/* 0, or the errno that the kernel refused with; then `log` says why. */
static int load(const struct bpfasm_code *code, char *log, size_t size)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .log_buf = log, .log_size = (uint32_t)size,
		.log_level = 1);
	int fd;

	vec_each (relocation, &code->relocations)
		code->instructions.items[relocation->instruction].imm = map_fds[relocation->map];
	log[0] = '\0';
	fd = bpf_prog_load(code->kind->type, "blocks", "GPL", code->instructions.items,
		code->instructions.count, &options);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static void assert_loads(const struct bpfasm_code *code, const char *text)
{
	static char log[1 << 16];

	cr_assert_eq(load(code, log, sizeof(log)), 0, "%s\n%s", log, text);
}

/* Blocks whose only argument values that fit are those of the test below. */
static bool has_a_body_of_its_own(const struct block *block)
{
	static const char *const names[] = { "ldx", "stx", "st", "jmp_reg", "ld_map_fd" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(block->name, names[i]) == 0)
			return true;
	return false;
}

static size_t try_block(const struct block *block, const char *type, size_t uses)
{
	struct arena arena = { 0 };
	size_t loaded = 0;

	for (size_t i = 0; i < uses; i++) {
		const struct manifest *manifest;
		const char *text = manifest_of(&arena, type,
			arena_printf(&arena, "%s%s", use_of(&arena, block),
				pick(2) ? use_of(&arena, block) : ""));
		const struct bpfasm_code *code = assemble(&arena, text, &manifest);

		if (!code)
			continue;
		assert_loads(code, text);
		loaded++;
	}
	arena_finish(&arena);
	return loaded;
}

static bool ends_the_program(const struct block *block)
{
	return strstr(block->doc, "exit") != NULL || strcmp(block->name, "ja") == 0;
}

Test(blocks, every_block_loads_in_every_type_that_may_use_it)
{
	size_t count, kind_count, total = 0;
	const struct block *table = block_table(&count);
	const struct program_kind *kinds = program_kinds(&kind_count);
	struct arena arena = { 0 };

	seed = 3;
	make_maps(&arena);
	for (size_t i = 0; i < count; i++) {
		if (has_a_body_of_its_own(&table[i]) || ends_the_program(&table[i]))
			continue;
		for (size_t k = 0; k < kind_count; k++) {
			uint32_t types = table[i].program_types;
			size_t loaded;

			if (types && !(types & (1u << kinds[k].type)))
				continue;
			/* Most uses of match contradict themselves. */
			loaded = try_block(&table[i], kinds[k].name,
				strcmp(table[i].name, "match") == 0 ? 3000 : 60);
			cr_assert_geq(
				loaded, 3, "%s in %s: %zu", table[i].name, kinds[k].name, loaded);
			total += loaded;
		}
	}
	cr_log_info("%zu programs loaded", total);
	arena_finish(&arena);
}

/* Bodies that end with the block: what stands behind it would never be reached. */
static const struct {
	const char *type, *body;
} bodies[] = {
	{ "sk_skb", "- ldx: { size: w, dst: r0, src: r1, off: 0 }\n- exit_insn\n" },
	{ "sk_skb", "- mov: { dst: r0, imm: 0 }\n- stx: { size: dw, dst: r10, src: r0, off: -8 }\n"
		    "- st: { size: h, dst: r10, off: -16, imm: 3 }\n- sk_skb_pass\n" },
	{ "sk_msg", "- mov: { dst: r0, imm: 0 }\n"
		    "- jmp_reg: { op: jeq, dst: r0, src: r0, to: 0 }\n- sk_msg_drop\n" },
	{ "sk_msg", "- ld_map_fd: { dst: r1, map: values }\n- sk_msg_pass\n" },
	{ "sk_skb", "- ja: { to: out }\n- 'out:'\n- sk_skb_drop\n" },
	{ "sk_skb", "- sk_redirect_map_with_fallback: { map: indexed, key: 0 }\n" },
	{ "sk_skb", "- sk_redirect_map_with_fallback: { map: indexed, key: 0, on_miss: pass }\n" },
	{ "sk_msg", "- msg_redirect_map_with_fallback: { map: indexed, key: 0 }\n" },
	{ "sk_msg", "- sk_msg_prologue: { ctx: r6, data: r2, data_end: r3 }\n"
		    "- msg_redirect_map_with_fallback: { ctx: r6, map: indexed, key: 0 }\n" },
	/* The context behind calls, labels and what overwrites r1. */
	{ "sk_skb", "- count: { map: values, key: 0 }\n- count: { map: table, key: 1 }\n"
		    "- sk_redirect_hash: { map: cookies, key: self, on_miss: pass }\n- exit\n" },
	{ "sk_msg", "- count: { map: peers, key: self, by: 3 }\n"
		    "- load_field: { dst: r7, field: size }\n"
		    "- count: { map: structs8, key: 0, by: r7 }\n"
		    "- msg_redirect_hash: { map: tuples, key: peer, flags: ingress,"
		    " on_miss: pass }\n- exit\n" },
	{ "sk_skb", "- sk_skb_prologue: { data: r1, data_end: r2 }\n"
		    "- pull_data: { data: r4, data_end: r5, on_error: drop }\n"
		    "- match: { text: 'GET ', else: other }\n"
		    "- sk_redirect_map_with_fallback: { map: indexed, key: 1, on_miss: pass }\n"
		    "- 'other:'\n"
		    "- sk_redirect_map_with_fallback: { map: indexed, key: 2, on_miss: pass }\n" },
	{ "sock_ops", "- on_established: { map: tuples, family: ipv4 }\n"
		      "- on_established: { map: wide, family: ipv6 }\n"
		      "- on_established: { map: cookies, side: passive }\n- r0 = 1\n- exit\n" },
	/* A loop that comes back to a label with r1 lost. */
	{ "sk_skb", "- r7 = 0\n- 'again:'\n- count: { map: peers, key: self }\n- r7 += 1\n"
		    "- if r7 < 4 goto again\n"
		    "- sk_redirect_hash: { map: wide, key: peer, on_miss: drop }\n- exit\n" },
};

/* The lines of a body, each indented as the manifest wants it. */
static const char *indented(struct arena *arena, const char *body)
{
	const char *text = "";

	while (*body) {
		size_t length = strcspn(body, "\n") + 1;

		text = arena_printf(arena, "%s      %.*s", text, (int)length, body);
		body += length;
	}
	return text;
}

Test(blocks, whole_bodies_load)
{
	struct arena arena = { 0 };

	make_maps(&arena);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		const struct manifest *manifest;
		const char *text = arena_printf(&arena,
			"sockform: v1\nname: blocks\n%s"
			"  structs8: { type: array, value_size: 8, max_entries: 8 }\n"
			"programs:\n  p:\n    type: %s\n    body:\n%s",
			maps_text, bodies[i].type, indented(&arena, bodies[i].body));
		const struct bpfasm_code *code = assemble(&arena, text, &manifest);

		map_fds[manifest->maps.count - 1] =
			bpf_map_create(BPF_MAP_TYPE_ARRAY, "more", 4, 8, 8, NULL);
		cr_assert_not_null(code, "%s", text);
		assert_loads(code, text);
		close(map_fds[manifest->maps.count - 1]);
	}
	arena_finish(&arena);
}

/* Whether the kernel lets a program of that type load `size` bytes at an offset of its context. */
static bool can_load(enum bpf_prog_type type, int size, int16_t offset)
{
	const struct bpf_insn code[] = {
		{ (uint8_t)(BPF_LDX | BPF_MEM | size), BPF_REG_2, BPF_REG_1, offset, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1 },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	int fd = bpf_prog_load(type, "fields", "GPL", code, 3, NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static const struct context_field *field_at(enum bpf_prog_type type, int offset)
{
	size_t count;
	const struct context_field *fields = context_fields(type, &count);

	for (size_t i = 0; i < count; i++)
		if (fields[i].offset == offset)
			return &fields[i];
	return NULL;
}

/* Fields that came to the context after the oldest kernel: a kernel may lack them, and no others. */
static const struct {
	const char *type, *name;
} newer[] = { { "sock_ops", "skb_hwtstamp" } };

static bool lacks(const struct program_kind *kind, const struct context_field *field)
{
	for (size_t i = 0; i < sizeof(newer) / sizeof(newer[0]); i++)
		if (strcmp(newer[i].type, kind->name) == 0 &&
			strcmp(newer[i].name, field->name) == 0)
			return !can_load(kind->type, field->size == 8 ? BPF_DW : BPF_W,
				(int16_t)field->offset);
	return false;
}

/* False for a field that this kernel has not, which is said. */
static bool is_here(const struct program_kind *kind, const struct context_field *field)
{
	char name[64];

	if (!lacks(kind, field))
		return true;
	snprintf(name, sizeof(name), "%s.%s", kind->name, field->name);
	left_out(name, "this kernel has no such field");
	return false;
}

/* Every 4 bytes of the context: named by the table where the kernel lets them be read. */
static void check_context(const struct program_kind *kind, int end)
{
	for (int offset = 0; offset < end; offset += 4) {
		const struct context_field *field = field_at(kind->type, offset);
		bool narrow = can_load(kind->type, BPF_W, (int16_t)offset);
		bool wide = offset % 8 == 0 && can_load(kind->type, BPF_DW, (int16_t)offset);

		if (field && !is_here(kind, field))
			continue;
		if (field)
			cr_assert(field->size == 8 ? wide : narrow, "%s: %s at %d is not readable",
				kind->name, field->name, offset);
		else
			cr_assert(!narrow && !wide, "%s: %d is readable and has no name",
				kind->name, offset);
	}
}

Test(blocks, contexts_hold_what_the_kernel_lets_them)
{
	check_context(program_kind_named("sk_skb"), 256);
	check_context(program_kind_named("sk_msg"), 128);
	check_context(program_kind_named("sock_ops"), 256);
}

/* By the block, and as the block of that name in the tutorials has it: each of them. */
Test(blocks, load_field_reads_every_field)
{
	struct arena arena = { 0 };
	size_t kind_count, count;
	const struct program_kind *kinds = program_kinds(&kind_count);

	make_maps(&arena);
	for (size_t k = 0; k < kind_count; k++) {
		const struct context_field *fields = context_fields(kinds[k].type, &count);

		for (size_t i = 0; i < count; i++) {
			const struct manifest *manifest;
			const char *text = manifest_of(&arena, kinds[k].name,
				arena_printf(&arena, "      - load_field: { dst: r9, field: %s }\n",
					fields[i].name));
			const struct bpfasm_code *code = assemble(&arena, text, &manifest);

			cr_assert_not_null(code, "%s of %s", fields[i].name, kinds[k].name);
			if (is_here(&kinds[k], &fields[i]))
				assert_loads(code, text);
		}
	}
	arena_finish(&arena);
}

/* A key field that is a call can be read by exactly the types that the table says. */
Test(blocks, key_fields_are_for_the_types_that_the_kernel_lets_call)
{
	size_t count;
	const struct program_kind *kinds = program_kinds(&count);

	for (enum key_field_id id = 0; id < KEY_FIELD_COUNT; id++) {
		const struct bpf_insn code[] = {
			{ BPF_JMP | BPF_CALL, 0, 0, 0, key_fields[id].helper },
			{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1 },
			{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
		};

		for (size_t i = 0; key_fields[id].helper && i < count; i++) {
			int fd = bpf_prog_load(kinds[i].type, "keys", "GPL", code, 3, NULL);

			cr_assert_eq(fd >= 0, key_fields[id].program_types >> kinds[i].type & 1,
				"%s in %s", key_fields[id].name, kinds[i].name);
			if (fd >= 0)
				close(fd);
		}
	}
}
