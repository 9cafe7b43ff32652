/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Maps of every type as the kernel has them after an apply: sizes, flags and initial entries, read
 * back by bpf(); and the table of flags against the kernel's own opinion.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "ship.h"

TestSuite(maps, .init = harness_init, .fini = harness_fini, .timeout = 120);

#define NUMA_BIT 2
#define RDONLY_BIT 3
#define WRONLY_BIT 4

static const struct {
	const char *name;
	uint32_t type, key_size;
} types[] = {
	{ "sockmap", BPF_MAP_TYPE_SOCKMAP, 4 },
	{ "sockhash", BPF_MAP_TYPE_SOCKHASH, 8 },
	{ "array", BPF_MAP_TYPE_ARRAY, 4 },
	{ "hash", BPF_MAP_TYPE_HASH, 8 },
	{ "percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY, 4 },
	{ "percpu_hash", BPF_MAP_TYPE_PERCPU_HASH, 8 },
	{ "lru_hash", BPF_MAP_TYPE_LRU_HASH, 8 },
	{ "lru_percpu_hash", BPF_MAP_TYPE_LRU_PERCPU_HASH, 8 },
};
#define TYPE_COUNT (sizeof(types) / sizeof(*types))

static bool kernel_takes(size_t type, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);
	int map = bpf_map_create(types[type].type, "flags", types[type].key_size, 8, 16, &options);

	if (map >= 0)
		close(map);
	return map >= 0;
}

/* Whether `validate` takes a map of that type with these words behind it. */
static bool manifest_takes(size_t type, const char *words)
{
	struct manifest manifest;
	struct result result;
	bool taken;

	manifest_init(&manifest, "flags");
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  m: { type: %s, key_size: %u, value_size: 8, max_entries: 16, %s }\n",
		manifest.name, types[type].name, types[type].key_size, words);
	sockform(&result, "validate", manifest.path);
	taken = result.code == 0;
	cr_assert(taken || (result.code == 2 && strstr(result.err, "E0226")), "exit code %d\n%s",
		result.code, result.err);
	result_finish(&result);
	return taken;
}

Test(maps, each_flag_is_taken_where_the_kernel_takes_it)
{
	for (size_t type = 0; type < TYPE_COUNT; type++)
		for (uint32_t bit = 0; bit < 32; bit++) {
			char words[32];

			/* The kernel takes these two and drops them: see the next test. */
			if (bit == RDONLY_BIT || bit == WRONLY_BIT)
				continue;
			snprintf(words, sizeof(words),
				bit == NUMA_BIT ? "numa_node: 0" : "flags: 0x%x", 1u << bit);
			cr_assert_eq(manifest_takes(type, words), kernel_takes(type, 1u << bit),
				"%s, %s", types[type].name, words);
		}
}

Test(maps, two_flags_together_are_taken_where_the_kernel_takes_them)
{
	static const struct {
		const char *words;
		uint32_t flags;
	} pairs[] = {
		{ "flags: [rdonly_prog, wronly_prog]", BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG },
		{ "flags: [no_common_lru], numa_node: 0", BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE },
		{ "flags: [no_prealloc, zero_seed]", BPF_F_NO_PREALLOC | BPF_F_ZERO_SEED },
		{ "flags: [mmapable, inner_map]", BPF_F_MMAPABLE | BPF_F_INNER_MAP },
		{ "flags: [rdonly_prog], numa_node: 0", BPF_F_RDONLY_PROG | BPF_F_NUMA_NODE },
		{ "flags: [no_prealloc, no_common_lru]", BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU },
	};

	for (size_t type = 0; type < TYPE_COUNT; type++)
		for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
			cr_assert_eq(manifest_takes(type, pairs[i].words),
				kernel_takes(type, pairs[i].flags), "%s, %s", types[type].name,
				pairs[i].words);
}

/* Why no manifest can say rdonly or wronly: nothing of it is left when the descriptor is closed. */
Test(maps, rdonly_is_of_the_descriptor_and_not_of_the_map)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_RDONLY);
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "rdonly", 4, 4, 1, &options), again;
	struct bpf_map_info info = { 0 };
	__u32 length = sizeof(info);
	uint32_t zero = 0;

	cr_assert(map >= 0);
	cr_assert_eq(bpf_map_update_elem(map, &zero, &zero, BPF_ANY), -EPERM);
	cr_assert_eq(bpf_obj_get_info_by_fd(map, &info, &length), 0);
	cr_assert_eq(info.map_flags, 0);
	again = bpf_map_get_fd_by_id(info.id);
	cr_assert(again >= 0);
	cr_assert_eq(bpf_map_update_elem(again, &zero, &zero, BPF_ANY), 0);
	close(again);
	close(map);
}

static int open_map(const struct manifest *manifest, const char *name, struct bpf_map_info *info)
{
	__u32 length = sizeof(*info);
	char pin[64];
	int map;

	snprintf(pin, sizeof(pin), "maps/%s", name);
	map = bpf_obj_get(manifest_pin(manifest, pin));
	cr_assert(map >= 0, "%s: %s", pin, strerror(errno));
	memset(info, 0, sizeof(*info));
	cr_assert_eq(bpf_obj_get_info_by_fd(map, info, &length), 0);
	return map;
}

/* Each with what stands behind its type, and what the kernel is to say of it. */
static const struct {
	const char *name, *rest;
	uint32_t type, key_size, value_size, max_entries, flags;
} options[] = {
	{ "sockmap", "max_entries: 256", BPF_MAP_TYPE_SOCKMAP, 4, 8, 256, 0 },
	{ "sockhash", "max_entries: 1024, key_size: 12, kernel_name: other", BPF_MAP_TYPE_SOCKHASH,
		12, 8, 1024, 0 },
	{ "sockhash_4", "key_size: 12, value_size: 4, max_entries: 2", BPF_MAP_TYPE_SOCKHASH, 12, 4,
		2, 0 },
	{ "sockmap_4", "key_size: 4, value_size: 4, max_entries: 2", BPF_MAP_TYPE_SOCKMAP, 4, 4, 2,
		0 },
	{ "array", "value_size: 3, max_entries: 5, flags: mmapable", BPF_MAP_TYPE_ARRAY, 4, 3, 5,
		BPF_F_MMAPABLE },
	{ "hash",
		"key: [remote_ip4, remote_port], value_size: 1, max_entries: 9, "
		"flags: [no_prealloc, rdonly_prog], numa_node: 0",
		BPF_MAP_TYPE_HASH, 6, 1, 9,
		BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG | BPF_F_NUMA_NODE },
	{ "percpu_array", "value_size: 8, max_entries: 2", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 2, 0 },
	{ "percpu_hash", "key_size: 1, value_size: 8, max_entries: 2, flags: 0x40",
		BPF_MAP_TYPE_PERCPU_HASH, 1, 8, 2, BPF_F_ZERO_SEED },
	{ "lru_hash", "key_size: 2, value_size: 4, max_entries: 32", BPF_MAP_TYPE_LRU_HASH, 2, 4,
		32, 0 },
	{ "lru_percpu_hash", "key_size: 2, value_size: 4, max_entries: 32, flags: no_common_lru",
		BPF_MAP_TYPE_LRU_PERCPU_HASH, 2, 4, 32, BPF_F_NO_COMMON_LRU },
};

Test(maps, every_type_with_its_options)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	struct manifest manifest;
	FILE *file;

	manifest_init(&manifest, "types");
	file = fopen(manifest.path, "we");
	fprintf(file, "sockform: v1\nname: %s\nmaps:\n", manifest.name);
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		fprintf(file, "  m_%s: { type: %.*s, %s%s }\n", options[i].name,
			(int)(strlen(options[i].name) - 2 * !!strstr(options[i].name, "_4")),
			options[i].name, options[i].rest,
			strlen(options[i].name) > 13 ? ", kernel_name: long" : "");
	fclose(file);
	sockform_expect(0, "apply", manifest.path);
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		struct bpf_map_info info;
		char name[32];

		snprintf(name, sizeof(name), "m_%s", options[i].name);
		close(open_map(&manifest, name, &info));
		cr_assert_eq(info.type, options[i].type, "%s", name);
		cr_assert_eq(info.key_size, options[i].key_size, "%s", name);
		cr_assert_eq(info.value_size, options[i].value_size, "%s", name);
		cr_assert_eq(info.max_entries, options[i].max_entries, "%s", name);
		cr_assert_eq(info.map_flags, options[i].flags, "%s: %x", name, info.map_flags);
	}
	sockform_expect(0, "plan", "--exit-code", manifest.path);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "delete", manifest.path);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}

/* Of sockets a value of 8 bytes is the cookie, and one of 4 cannot be read. */
Test(maps, values_of_sockets)
{
	const uint32_t zero = 0;
	struct manifest manifest;
	struct bpf_map_info info;
	uint64_t value = 0;
	struct pair pair;
	int wide, narrow;

	manifest_init(&manifest, "values");
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  wide: { type: sockmap, max_entries: 2 }\n"
		"  narrow: { type: sockmap, max_entries: 2, value_size: 4 }\n",
		manifest.name);
	sockform_expect(0, "apply", manifest.path);
	wide = open_map(&manifest, "wide", &info);
	cr_assert_eq(info.value_size, 8);
	narrow = open_map(&manifest, "narrow", &info);
	cr_assert_eq(info.value_size, 4);
	pair_open(&pair);
	cr_assert_eq(socket_insert(wide, 0, pair.server), 0);
	cr_assert_eq(
		bpf_map_update_elem(narrow, &zero, &(uint32_t){ (uint32_t)pair.client }, BPF_ANY),
		0);
	cr_assert_eq(bpf_map_lookup_elem(wide, &zero, &value), 0);
	cr_assert_eq(value, ship_cookie(pair.server));
	cr_assert_eq(bpf_map_lookup_elem(narrow, &zero, &value), -ENOSPC);
	pair_close(&pair);
	close(wide);
	close(narrow);
}

/* What bpftool shows of the map, as the manual has it, is the sockets' cookies. */
Test(maps, a_dump_shows_the_cookies)
{
	struct manifest manifest;
	uint64_t cookie;
	struct bpf_map_info info;
	char pin[256], shown[32];
	struct result result;
	struct pair pair;
	int map;

	manifest_init(&manifest, "dump");
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\nmaps:\n  m: { type: sockmap, max_entries: 2 }\n",
		manifest.name);
	sockform_expect(0, "apply", manifest.path);
	map = open_map(&manifest, "m", &info);
	pair_open(&pair);
	cr_assert_eq(socket_insert(map, 1, pair.server), 0);
	cookie = ship_cookie(pair.server);
	snprintf(pin, sizeof(pin), "%s", manifest_pin(&manifest, "maps/m"));
	command_run(
		&result, 0, (const char *const[]){ "bpftool", "map", "dump", "pinned", pin, NULL });
	if (result.code == 127)
		cr_skip_test("skipped: there is no bpftool");
	snprintf(shown, sizeof(shown), "%02x %02x %02x %02x", (unsigned)(cookie & 255),
		(unsigned)(cookie >> 8 & 255), (unsigned)(cookie >> 16 & 255),
		(unsigned)(cookie >> 24 & 255));
	assert_says(result.out, shown);
	result_finish(&result);
	pair_close(&pair);
	close(map);
}

#define NAMES                                                                                      \
	"sockform: v1\n"                                                                           \
	"name: %s\n"                                                                               \
	"maps:\n"                                                                                  \
	"  fifteen_letters: { type: sockmap, max_entries: 2 }\n"                                   \
	"  connections_of_clients:\n"                                                              \
	"    { type: sockhash, key_size: 12, max_entries: 2, kernel_name: conn_hash }\n"           \
	"programs:\n"                                                                              \
	"  sk_parser: { type: sk_skb, body: [ r0 = 1, exit ] }\n"                                  \
	"  verdict_of_all_clients:\n"                                                              \
	"    { type: sk_skb, kernel_name: sk_verdict, body: [ sk_skb_pass ] }\n"

/* Of the program that is pinned under a name; its digest is not ours to know. */
static void program_info(
	const struct manifest *manifest, const char *name, struct bpf_prog_info *info)
{
	uint32_t size = sizeof(*info);
	char pattern[128];
	glob_t found;
	int program;

	snprintf(pattern, sizeof(pattern), "programs/%s@*", name);
	cr_assert_eq(glob(manifest_pin(manifest, pattern), 0, NULL, &found), 0, "%s", pattern);
	cr_assert_eq(found.gl_pathc, 1);
	program = bpf_obj_get(found.gl_pathv[0]);
	memset(info, 0, sizeof(*info));
	cr_assert_eq(bpf_obj_get_info_by_fd(program, info, &size), 0);
	close(program);
	globfree(&found);
}

static void assert_program_name(
	const struct manifest *manifest, const char *name, const char *kernel_name)
{
	struct bpf_prog_info info;

	program_info(manifest, name, &info);
	cr_assert_str_eq(info.name, kernel_name);
}

Test(maps, the_licence_that_the_kernel_is_told)
{
	static const struct {
		const char *license;
		bool compatible;
	} cases[] = { { "", true }, { ", license: GPL", true }, { ", license: Dual BSD/GPL", true },
		{ ", license: Proprietary", false } };
	struct manifest manifest;
	struct bpf_prog_info info;

	manifest_init(&manifest, "license");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		manifest_write(manifest.path,
			"sockform: v1\nname: %s\nprograms:\n"
			"  p: { type: sk_skb, body: [ sk_skb_pass ]%s }\n",
			manifest.name, cases[i].license);
		sockform_expect(0, "apply", manifest.path);
		program_info(&manifest, "p", &info);
		cr_assert_eq(info.gpl_compatible, cases[i].compatible, "%s", cases[i].license);
	}
}

Test(maps, names_in_the_kernel)
{
	struct manifest manifest;
	struct bpf_map_info info;

	manifest_init(&manifest, "names");
	manifest_write(manifest.path, NAMES, manifest.name);
	sockform_expect(0, "apply", manifest.path);
	close(open_map(&manifest, "fifteen_letters", &info));
	cr_assert_str_eq(info.name, "fifteen_letters");
	close(open_map(&manifest, "connections_of_clients", &info));
	cr_assert_str_eq(info.name, "conn_hash");
	cr_assert_eq(info.key_size, 12);
	assert_program_name(&manifest, "sk_parser", "sk_parser");
	assert_program_name(&manifest, "verdict_of_all_clients", "sk_verdict");
	sockform_expect(0, "delete", manifest.path);
}

#define ENTRIES                                                                                    \
	"sockform: v1\n"                                                                           \
	"name: %s\n"                                                                               \
	"maps:\n"                                                                                  \
	"  settings: { type: array, value_size: 4, max_entries: 3, entries: [\n"                   \
	"    { key: 1, value: 0x01020304 }, { key: 2, value: 0x05:06:07:08 } ] }\n"                \
	"  limits:\n"                                                                              \
	"    type: hash\n"                                                                         \
	"    key: [family, remote_ip4, remote_port]\n"                                             \
	"    value_size: 2\n"                                                                      \
	"    max_entries: 4\n"                                                                     \
	"    entries:\n"                                                                           \
	"      - key: { family: inet, remote_ip4: 10.1.2.3, remote_port: 80 }\n"                   \
	"        value: [7, 8]\n"                                                                  \
	"  per_cpu: { type: percpu_hash, key_size: 1, value_size: 3, max_entries: 4,\n"            \
	"    entries: [ { key: 9, value: [1, 2, 3] } ] }\n"                                        \
	"  cpus: { type: percpu_array, value_size: 8, max_entries: 2,\n"                           \
	"    entries: [ { key: 1, value: -2 } ] }\n"                                               \
	"  recent: { type: lru_hash, key_size: 8, value_size: 8, max_entries: 64,\n"               \
	"    entries: [ { key: 5, value: 6 } ] }\n"

/* The value of each possible processor, in steps of eight bytes. */
static void assert_per_cpu(int map, const void *key, const void *value, size_t size)
{
	int processors = libbpf_num_possible_cpus();
	uint8_t *values = calloc(processors, 8);

	cr_assert(processors > 0);
	cr_assert_eq(bpf_map_lookup_elem(map, key, values), 0);
	for (int i = 0; i < processors; i++)
		cr_assert_eq(memcmp(values + i * 8, value, size), 0, "processor %d", i);
	free(values);
}

static void assert_given(const struct manifest *manifest)
{
	static const uint8_t limit[8] = { 2, 0, 10, 1, 2, 3, 0, 80 };
	struct bpf_map_info info;
	uint8_t value[8] = { 0 };
	uint64_t number = 5;
	uint32_t index = 0;
	int map = open_map(manifest, "settings", &info);

	cr_assert_eq(bpf_map_lookup_elem(map, &index, value), 0);
	cr_assert_eq(memcmp(value, "\0\0\0\0", 4), 0, "what is not given is zero");
	index = 1;
	cr_assert_eq(bpf_map_lookup_elem(map, &index, value), 0);
	cr_assert_eq(memcmp(value, &(uint32_t){ 0x01020304 }, 4), 0);
	index = 2;
	cr_assert_eq(bpf_map_lookup_elem(map, &index, value), 0);
	cr_assert_eq(memcmp(value, "\x05\x06\x07\x08", 4), 0);
	close(map);
	map = open_map(manifest, "limits", &info);
	cr_assert_eq(bpf_map_lookup_elem(map, limit, value), 0);
	cr_assert_eq(memcmp(value, "\x07\x08", 2), 0);
	close(map);
	map = open_map(manifest, "per_cpu", &info);
	assert_per_cpu(map, "\x09", "\x01\x02\x03", 3);
	close(map);
	map = open_map(manifest, "cpus", &info);
	index = 1;
	assert_per_cpu(map, &index, &(int64_t){ -2 }, 8);
	close(map);
	map = open_map(manifest, "recent", &info);
	cr_assert_eq(bpf_map_lookup_elem(map, &number, value), 0);
	cr_assert_eq(memcmp(value, &(uint64_t){ 6 }, 8), 0);
	close(map);
}

Test(maps, initial_entries_are_there)
{
	struct manifest manifest;
	struct result result;

	manifest_init(&manifest, "entries");
	manifest_write(manifest.path, ENTRIES, manifest.name);
	sockform_expect(0, "apply", manifest.path);
	assert_given(&manifest);
	sockform(&result, "status", manifest.name);
	assert_code(&result, 0);
	assert_says(result.out, "array, 3 of 3 entries");
	assert_says(result.out, "hash, 1 of 4 entries");
	assert_says(result.out, "percpu_hash, 1 of 4 entries");
	assert_says(result.out, "percpu_array, 2 of 2 entries");
	assert_says(result.out, "lru_hash, 1 of 64 entries");
	result_finish(&result);
}

/* Entries are data once they are there: another apply leaves them as they have become. */
Test(maps, entries_of_a_map_that_is_there_are_left_alone)
{
	struct manifest manifest;
	struct bpf_map_info info;
	uint32_t index = 1, value = 77, seen = 0;
	char *text, *place;
	int map;

	manifest_init(&manifest, "left");
	manifest_write(manifest.path, ENTRIES, manifest.name);
	sockform_expect(0, "apply", manifest.path);
	map = open_map(&manifest, "settings", &info);
	cr_assert_eq(bpf_map_update_elem(map, &index, &value, BPF_ANY), 0);
	sockform_expect(0, "plan", "--exit-code", manifest.path);
	sockform_expect(0, "apply", manifest.path);
	cr_assert_eq(bpf_map_lookup_elem(map, &index, &seen), 0);
	cr_assert_eq(seen, 77);
	/* Other entries in the manifest are no difference either. */
	text = file_read(manifest.path);
	place = strstr(text, "0x01020304");
	cr_assert(place);
	memcpy(place, "0x09090909", 10);
	manifest_write(manifest.path, "%s", text);
	free(text);
	sockform_expect(0, "plan", "--exit-code", manifest.path);
	close(map);
}

/* The kernel gives each processor the same number of entries: more than were asked for. */
Test(maps, entries_by_processor_are_rounded)
{
	static const char *const forgetful[] = { "lru_hash", "lru_percpu_hash" };
	struct manifest manifest;

	manifest_init(&manifest, "rounded");
	for (int i = 0; i < 2; i++)
		for (int entries = 1; entries < 6; entries++) {
			manifest_write(manifest.path,
				"sockform: v1\nname: %s\nmaps:\n  m: { type: %s, key_size: 4,"
				" value_size: 4, max_entries: %d, flags: no_common_lru }\n",
				manifest.name, forgetful[i], entries);
			sockform_expect(0, "apply", manifest.path);
			sockform_expect(0, "plan", "--exit-code", manifest.path);
			sockform_expect(0, "delete", manifest.path);
		}
}

/* Such a map has room for a processor's part of the entries, when one processor writes them. */
Test(maps, entries_that_were_forgotten_at_once_are_said)
{
	char *ids = snapshot_ids(), entries[64 * 32] = "", *end = entries;
	struct manifest manifest;
	struct result result;

	if (sysconf(_SC_NPROCESSORS_CONF) < 2)
		cr_skip_test("skipped: one processor has all entries");
	for (int i = 0; i < 64; i++)
		end += sprintf(end, "      - { key: %d, value: 1 }\n", i);
	manifest_init(&manifest, "forgotten");
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\nmaps:\n  m:\n    type: lru_hash\n    key_size: 4\n"
		"    value_size: 4\n    max_entries: 64\n    flags: no_common_lru\n"
		"    entries:\n%s",
		manifest.name, entries);
	sockform(&result, "apply", manifest.path);
	assert_code(&result, 3);
	assert_says(result.err, "map \"m\" has no room for this entry beside the others");
	result_finish(&result);
	assert_ids(ids);
	free(ids);
}

/* Other flags are another map, as another size is. */
Test(maps, other_flags_are_a_difference)
{
	char *ids;
	struct manifest manifest;
	struct result result;

	manifest_init(&manifest, "differ");
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  m: { type: hash, key_size: 4, value_size: 4, max_entries: 4 }\n",
		manifest.name);
	sockform_expect(0, "apply", manifest.path);
	ids = snapshot_ids();
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  m: { type: hash, key_size: 4, value_size: 4, max_entries: 4,"
		" flags: no_prealloc }\n",
		manifest.name);
	sockform(&result, "apply", manifest.path);
	assert_code(&result, 3);
	assert_says(result.err, "E0501");
	assert_says(result.err, "flags none -> no_prealloc");
	result_finish(&result);
	assert_ids(ids);
	free(ids);
}

/* A fault of the kernel's at the last map takes the first, with its entries, away again. */
Test(maps, a_map_that_cannot_be_made_leaves_nothing)
{
	char *ids = snapshot_ids(), *pins = snapshot_pins();
	struct manifest manifest;
	struct result result;

	manifest_init(&manifest, "node");
	manifest_write(manifest.path,
		ENTRIES "  far: { type: hash, key_size: 4, value_size: 4, max_entries: 4,"
			" numa_node: 1023 }\n",
		manifest.name);
	sockform(&result, "apply", manifest.path);
	assert_code(&result, 3);
	assert_says(result.err, "cannot create map \"far\"");
	assert_says(result.err, "numa_node");
	result_finish(&result);
	assert_ids(ids);
	assert_pins(pins);
	free(ids);
	free(pins);
}
