/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * `apply --replace`: another map takes the place of one that differs. Refused without the option,
 * done with it (all or nothing: see test-matrix.c), and the sockets of the old map go on as plain TCP.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "json.h"
#include "raw.h"

static void exchange_fini(void)
{
	cgroup_fini();
	harness_fini();
}

TestSuite(exchange, .init = harness_init, .fini = exchange_fini, .timeout = 120);

/* What the socket at index 0 receives goes back; a helper map counts, and stays what it is. */
static void manifest_of(const struct manifest *manifest, int entries)
{
	manifest_write(manifest->path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  pair: { type: sockmap, max_entries: %d }\n"
		"  counts: { type: array, value_size: 8, max_entries: 1 }\n"
		"programs:\n"
		"  echo:\n    type: sk_skb\n    body:\n"
		"      - count: { map: counts, key: 0 }\n"
		"      - sk_redirect_map: { map: pair, key: 0, on_miss: pass }\n      - exit\n"
		"  msg: { type: sk_msg, body: [ sk_msg_pass ] }\n"
		"attachments:\n"
		"  - { program: echo, target: pair, attach_type: stream_verdict }\n"
		"  - { program: msg, target: pair, attach_type: msg_verdict }\n",
		manifest->name, entries);
}

/*
 * Puts a socket into the map by its pin. One that was in a map which has been replaced is in it until
 * the kernel has freed that: EBUSY for a moment.
 */
static void enter_map(const struct manifest *manifest, int fd)
{
	int map = bpf_obj_get(manifest_pin(manifest, "maps/pair"));

	cr_assert(map >= 0, "%s", strerror(errno));
	for (int64_t until = client_now() + 2000; socket_insert(map, 0, fd) != 0; usleep(1000))
		cr_assert_lt(client_now(), until, "%s", strerror(errno));
	close(map);
}

static uint32_t max_entries(const struct manifest *manifest)
{
	struct bpf_map_info info = { 0 };
	__u32 length = sizeof(info);
	int map = bpf_obj_get(manifest_pin(manifest, "maps/pair"));

	cr_assert_eq(bpf_obj_get_info_by_fd(map, &info, &length), 0);
	close(map);
	return info.max_entries;
}

static uint64_t counted(const struct manifest *manifest)
{
	uint32_t zero = 0;
	uint64_t value = 0;
	int map = bpf_obj_get(manifest_pin(manifest, "maps/counts"));

	cr_assert_eq(bpf_map_lookup_elem(map, &zero, &value), 0);
	close(map);
	return value;
}

static void assert_echoes(const struct pair *pair, const char *words)
{
	give(pair->client, words);
	assert_gets(pair->client, words);
}

Test(exchange, a_map_is_replaced_where_that_is_said)
{
	char *before = snapshot_ids(), *ids;
	struct manifest manifest;
	struct result result;
	struct pair pair;

	manifest_init(&manifest, "one");
	manifest_of(&manifest, 4);
	sockform_expect(0, "apply", manifest.path);
	ids = snapshot_ids();
	pair_open(&pair);
	enter_map(&manifest, pair.server);
	assert_echoes(&pair, "old");

	manifest_of(&manifest, 8);
	sockform(&result, "plan", "--exit-code", manifest.path);
	assert_code(&result, 1);
	assert_says(result.out, "  ! map         pair");
	assert_says(result.out, "      max_entries 4 -> 8: replaced, 1 socket leaves it\n");
	assert_says(result.out, "      its map is replaced\n");
	assert_says(result.out, "3 to update, 1 to replace\n");
	result_finish(&result);
	sockform(&result, "apply", manifest.path);
	assert_code(&result, 3);
	assert_says(result.err, "E0501");
	assert_says(result.err, "(max_entries 4 -> 8): 1 socket leaves it");
	result_finish(&result);
	assert_ids(ids);
	assert_echoes(&pair, "still");

	sockform_expect(0, "apply", "--replace", manifest.path);
	cr_assert_eq(max_entries(&manifest), 8);
	cr_assert_eq(counted(&manifest), 2, "the other map is another, too");
	sockform_expect(0, "plan", "--exit-code", manifest.path);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "apply", manifest.path);
	/* As plain TCP, and free to enter the new map. */
	give(pair.client, "plain");
	assert_gets(pair.server, "plain");
	enter_map(&manifest, pair.server);
	assert_echoes(&pair, "new");
	/* Until the old map is freed, what passes is counted, too. */
	cr_assert_geq(counted(&manifest), 3);
	pair_close(&pair);
	sockform_expect(0, "delete", manifest.path);
	assert_ids(before);
	free(before);
	free(ids);
}

Test(exchange, the_type_of_a_map)
{
	struct manifest manifest;
	struct result result;

	manifest_init(&manifest, "type");
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  m: { type: array, value_size: 8, max_entries: 3 }\n",
		manifest.name);
	sockform_expect(0, "apply", manifest.path);
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  m: { type: hash, key_size: 8, value_size: 8, max_entries: 3,"
		" entries: [ { key: 5, value: 6 } ] }\n",
		manifest.name);
	sockform(&result, "apply", "--replace", "-o", "json", manifest.path);
	assert_code(&result, 0);
	cr_assert(json_valid(result.out), "%s", result.out);
	assert_says(result.out, "\"action\": \"replace\"");
	assert_says(result.out, "type array -> hash: replaced, 3 values are lost");
	result_finish(&result);
	sockform(&result, "status", manifest.name);
	assert_says(result.out, "hash, 1 of 3 entries");
	result_finish(&result);
}
