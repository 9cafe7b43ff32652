/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "matrix-ground.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STRANGER "stranger"

const char *const ground_staying[] = { "maps/kept", "maps/taken", "maps/quiet", "maps/counts",
	"maps/freed", "slots/kept:stream_verdict", "dispatchers/kept:stream_verdict",
	"slots/freed:stream_verdict", "dispatchers/freed:stream_verdict", NULL };

/* What a state has: an attachment has a slot, a dispatcher and a link, of maps only where there are links. */
static const struct {
	unsigned int maps, programs, on_maps, on_cgroups, retired;
} contents[STATE_COUNT] = {
	[BARE] = { 7, 5, 4, 2, 0 },
	[BEFORE] = { 7, 5, 4, 2, 0 },
	[FRESH] = { 7, 4, 3, 2, 0 },
	[AFTER] = { 7, 4, 3, 2, 1 },
};

size_t ground_records(enum states state)
{
	return contents[state].maps + contents[state].programs + contents[state].on_maps +
	       contents[state].on_cgroups + contents[state].retired;
}

size_t ground_pins(enum states state)
{
	return contents[state].maps + contents[state].programs +
	       (has_links() ? 3 : 2) * contents[state].on_maps + 3 * contents[state].on_cgroups +
	       2 * contents[state].retired;
}

/*
 * Maps, programs and attachments that stay, change, go and come. An attachment goes from a map without
 * sockets, "quiet", and one from a map with them, "freed": those keep its dispatcher and its slot.
 */
static void write_old(const struct ground *ground)
{
	manifest_write(ground->old.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  kept: { type: sockmap, max_entries: 4 }\n"
		"  moved: { type: sockmap, max_entries: 4 }\n"
		"  taken: { type: sockmap, max_entries: 4 }\n"
		"  quiet: { type: sockmap, max_entries: 4 }\n"
		"  freed: { type: sockhash, key: [cookie], max_entries: 4 }\n"
		"  counts: { type: array, value_size: 8, max_entries: 2 }\n"
		"  gone: { type: hash, key_size: 8, value_size: 8, max_entries: 4,"
		" entries: [ { key: 1, value: 2 } ] }\n"
		"programs:\n"
		"  echo: { type: sk_skb, body: [ { count: { map: counts, key: 0 } },"
		" { sk_redirect_map: { map: kept, key: 0, on_miss: pass } }, exit ] }\n"
		"  other: { type: sk_skb, body: ["
		" { sk_redirect_map: { map: moved, key: 0, on_miss: pass } }, exit ] }\n"
		"  back: { type: sk_skb, body: ["
		" { sk_redirect_hash: { map: freed, key: self, on_miss: pass } }, exit ] }\n"
		"  leaves: { type: sk_msg, body: [ { count: { map: gone, key: 1 } }, sk_msg_pass ] "
		"}\n"
		"  ops: { type: sock_ops, body: [ r0 = 1, exit ] }\n"
		"attachments:\n"
		"  - { program: echo, target: kept, attach_type: stream_verdict }\n"
		"  - { program: leaves, target: quiet, attach_type: msg_verdict }\n"
		"  - { program: other, target: moved, attach_type: stream_verdict }\n"
		"  - { program: back, target: freed, attach_type: stream_verdict }\n"
		"  - { program: ops, target: %s, attach_type: sock_ops }\n"
		"  - { program: ops, target: %s, attach_type: sock_ops }\n",
		ground->old.name, ground->cgroup_paths[GOES], ground->cgroup_paths[STAYS]);
}

static void write_new(const struct ground *ground)
{
	char replaces[32] = "";

	/* Where nobody can ask what is attached, nothing is there to be replaced. */
	if (has_queries())
		snprintf(replaces, sizeof(replaces), ", replace: %u", program_id(ground->foreign));
	manifest_write(ground->new.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  kept: { type: sockmap, max_entries: 4 }\n"
		"  moved: { type: sockmap, max_entries: 8 }\n"
		"  taken: { type: sockmap, max_entries: 4 }\n"
		"  quiet: { type: sockmap, max_entries: 4 }\n"
		"  freed: { type: sockhash, key: [cookie], max_entries: 4 }\n"
		"  counts: { type: array, value_size: 8, max_entries: 2 }\n"
		"  fresh: { type: hash, key_size: 8, value_size: 8, max_entries: 4,"
		" entries: [ { key: 3, value: 4 } ] }\n"
		"programs:\n"
		"  echo: { type: sk_skb, body: [ { count: { map: counts, key: 1 } },"
		" { sk_redirect_map: { map: kept, key: 0, on_miss: pass } }, exit ] }\n"
		"  other: { type: sk_skb, body: ["
		" { sk_redirect_map: { map: moved, key: 0, on_miss: pass } }, exit ] }\n"
		"  arrives: { type: sk_msg, body: [ { count: { map: fresh, key: 3 } }, sk_msg_pass "
		"] }\n"
		"  ops: { type: sock_ops, body: [ r0 = 1, exit ] }\n"
		"attachments:\n"
		"  - { program: echo, target: kept, attach_type: stream_verdict }\n"
		"  - { program: arrives, target: taken, attach_type: msg_verdict%s }\n"
		"  - { program: other, target: moved, attach_type: stream_verdict }\n"
		"  - { program: ops, target: %s, attach_type: sock_ops%s }\n"
		"  - { program: ops, target: %s, attach_type: sock_ops }\n",
		ground->old.name, replaces, ground->cgroup_paths[STAYS],
		cgroup_has_preorder() ? ", flags: preorder" : "", ground->cgroup_paths[COMES]);
}

static void write_near(const struct ground *ground)
{
	manifest_write(ground->near.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  pair: { type: sockmap, max_entries: 1 }\n"
		"programs:\n"
		"  echo: { type: sk_skb, body: ["
		" { sk_redirect_map: { map: pair, key: 0, on_miss: pass } }, exit ] }\n"
		"attachments:\n"
		"  - { program: echo, target: pair, attach_type: stream_verdict }\n",
		ground->near.name);
}

/* The map that a connection is in; -1 where it is gone. */
static int open_map(const struct ground *ground, enum connections which)
{
	static const char *const pins[CONNECTION_COUNT] = {
		[KEPT] = "maps/kept",
		[MOVED] = "maps/moved",
		[FREED] = "maps/freed",
		[BESIDE] = "maps/pair",
	};

	return bpf_obj_get(
		manifest_pin(which == BESIDE ? &ground->near : &ground->old, pins[which]));
}

bool ground_has(const struct ground *ground, enum connections which)
{
	int map = open_map(ground, which);
	bool has = map >= 0 && connection_is_in(&ground->connections[which], map);

	if (map >= 0)
		close(map);
	return has;
}

static void enter(struct ground *ground, enum connections which)
{
	int map = open_map(ground, which);

	cr_assert_geq(map, 0, "connection %d: %s", which, strerror(errno));
	connection_enter(&ground->connections[which], map);
	close(map);
}

void ground_apply(const char *path)
{
	sockform_expect(0, "apply", "--drain-timeout", "0", "--replace", path);
}

void ground_delete(const struct ground *ground, bool forces)
{
	if (forces)
		sockform_expect(
			0, "delete", "--force", "--drain-timeout", "0", "--name", ground->old.name);
	else
		sockform_expect(0, "delete", "--drain-timeout", "0", "--name", ground->old.name);
}

void ground_restore_none(struct ground *ground)
{
	ground_delete(ground, false);
}

static void attach_foreign(const struct ground *ground)
{
	int map = bpf_obj_get(manifest_pin(&ground->old, "maps/taken"));

	if (has_queries() && !hook_program(map, BPF_SK_MSG_VERDICT))
		cr_assert_eq(bpf_prog_attach(ground->foreign, map, BPF_SK_MSG_VERDICT, 0), 0);
	close(map);
}

void ground_restore_before(struct ground *ground)
{
	ground_apply(ground->old.path);
	attach_foreign(ground);
	enter(ground, KEPT);
	enter(ground, MOVED);
	enter(ground, FREED);
}

/* Folders, each with one in it: one where pins are, which goes first, and one beside, which goes last. */
void ground_restore_strange(struct ground *ground)
{
	static const char *const paths[] = { "maps/" STRANGER, "maps/" STRANGER "/inner", STRANGER,
		STRANGER "/inner" };

	ground_restore_before(ground);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		cr_assert(!mkdir(manifest_pin(&ground->old, paths[i]), 0700) || errno == EEXIST,
			"%s: %s", paths[i], strerror(errno));
}

static void keep_state(struct ground *ground, enum states state)
{
	struct shape shape = { 0 };

	shape_read(&ground->looked_at, &shape);
	ground->states[state] = strdup(shape.text);
	shape_finish(&shape);
}

static void look(struct ground *ground)
{
	keep_state(ground, NONE);
	ground_apply(ground->new.path);
	keep_state(ground, FRESH);
	ground_restore_none(ground);
	ground_apply(ground->old.path);
	keep_state(ground, BARE);
	ground_restore_before(ground);
	keep_state(ground, BEFORE);
	for (enum connections which = 0; which < CONNECTION_COUNT; which++)
		cr_assert(connection_pump(&ground->connections[which], COME_BACK));
	ground_apply(ground->new.path);
	keep_state(ground, AFTER);
	cr_assert(connection_pump(&ground->connections[KEPT], COME_BACK));
	cr_assert(connection_pump(&ground->connections[FREED], PASS));
	for (enum states state = NONE; state < STATE_COUNT; state++)
		cr_assert_eq(shape_pins(ground->states[state]) - shape_pins(ground->states[NONE]),
			state == NONE ? 0 : ground_pins(state), "%s", ground->states[state]);
}

void ground_init(struct ground *ground)
{
	static const char *const names[CGROUP_COUNT] = { "goes", "stays", "comes" };

	for (size_t i = 0; i < CGROUP_COUNT; i++) {
		ground->cgroup_paths[i] = cgroup_make(names[i]);
		ground->cgroups[i] = cgroup_open(ground->cgroup_paths[i]);
	}
	ground->foreign = program_return(BPF_PROG_TYPE_SK_MSG, "foreign", SK_PASS);
	ground->looked_at = (struct shape_ground){ ground->cgroups, CGROUP_COUNT,
		program_id(ground->foreign), "/" STRANGER };
	manifest_init(&ground->old, "matrix");
	manifest_init(&ground->new, "matrix-new");
	manifest_init(&ground->near, "matrix-near");
	write_old(ground);
	write_new(ground);
	write_near(ground);
	ground_apply(ground->near.path);
	enter(ground, BESIDE);
	look(ground);
}

void ground_finish(struct ground *ground)
{
	for (enum states state = 0; state < STATE_COUNT; state++)
		free(ground->states[state]);
	for (enum connections which = 0; which < CONNECTION_COUNT; which++)
		connection_close(&ground->connections[which]);
}
