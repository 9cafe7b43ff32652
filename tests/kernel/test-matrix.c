/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The fault matrix: a first apply, an update that touches every kind of thing, and a delete, with an
 * error at each bpf() call and at each file-system call, for several errors, and killed before and
 * after each of them. After an error the kernel is as it was before or as it was to become, never
 * between; after a kill the next command gets there, also after one while an error is taken back. No
 * object is left over in the machine, and connections in maps that stay lose no byte.
 *
 * The first four errors are tried, and sockets are not waited for; SOCKFORM_MATRIX=full, by hand, tries
 * all, and in the wait as well. SOCKFORM_MATRIX=thin tries one error and one kill at each call, in
 * turns, and a kill on the way back at some: what a build with sanitizers does, where a run takes twenty
 * times as long.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cgroup.h"
#include "note.h"
#include "raw.h"
#include "shape.h"

#define SETTLE_MS 3000
#define LEAKS_EVERY 8 /* calls */
#define PUMPED 256
#define PINNED 25 /* of the old manifest, and of the new one */
#define ON_MAPS 3 /* attachments, whose links have pins where there are any */
#define FAULTS_SHOWN 20
#define THIN_UNDOS 4 /* calls */

#ifdef __SANITIZE_ADDRESS__
#define USUAL "thin"
#else
#define USUAL "usual"
#endif

enum class { BPF, FS, CLASS_COUNT };

static const char *const classes[CLASS_COUNT] = { [BPF] = "bpf", [FS] = "fs" };

/* The last two are cheap to try, and libbpf tries a load again that answers the last. */
static const char *const errors[] = { "ENOMEM", "EPERM", "EBUSY", "EINTR", "ENOSPC", "EAGAIN" };
static const char *const kills[] = { "before", "after" };
#define ERRORS (sizeof(errors) / sizeof(errors[0]))
#define USUAL_ERRORS (ERRORS - 2)
#define KILLS (sizeof(kills) / sizeof(kills[0]))

enum cgroups { GOES, STAYS, COMES, CGROUP_COUNT };

struct ground {
	char *program; /* with the injector */
	char *counts;  /* file of how many calls the last run made */
	struct manifest old, new, near;
	struct pair kept, moved, beside; /* in a map that stays, one that is replaced, another's */
	uint64_t pumped;                 /* bytes, so that all of them differ */
	int foreign;                     /* program, attached to the map "taken" in `before` */
	int cgroups[CGROUP_COUNT];
	const char *cgroup_paths[CGROUP_COUNT];
	struct shape_ground looked_at;
	/* Nothing of it; the old manifest with and without the foreign program; the new one. */
	char *none, *before, *bare, *after;
	bool thin;
	size_t errors;     /* of those that there are */
	const char *drain; /* seconds */
	unsigned int cases, undos, faults;
};

/* One of the three: from which state to which. */
struct scene {
	const char *name;
	const char *verb, *option, *path;
	const char *before, *after;
	void (*restore)(struct ground *ground);
	bool has_sockets; /* in `before` */
	unsigned int calls[CLASS_COUNT];
	struct shape_counts counts; /* in the machine, in `before` */
};

static void matrix_fini(void)
{
	unsetenv("SOCKFORM_INJECT");
	cgroup_fini();
	harness_fini();
}

TestSuite(matrix, .init = harness_init, .fini = matrix_fini, .timeout = 1200);

/*
 * Maps, programs and attachments that stay, change, go and come. An attachment goes from a map without
 * sockets: those would keep its dispatcher and its slot, and there would be more in the machine.
 */
static void write_manifests(struct ground *ground)
{
	const char *const *cgroups = ground->cgroup_paths;

	manifest_write(ground->old.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  kept: { type: sockmap, max_entries: 4 }\n"
		"  moved: { type: sockmap, max_entries: 4 }\n"
		"  taken: { type: sockmap, max_entries: 4 }\n"
		"  quiet: { type: sockmap, max_entries: 4 }\n"
		"  counts: { type: array, value_size: 8, max_entries: 2 }\n"
		"  gone: { type: hash, key_size: 8, value_size: 8, max_entries: 4,"
		" entries: [ { key: 1, value: 2 } ] }\n"
		"programs:\n"
		"  echo: { type: sk_skb, body: [ { count: { map: counts, key: 0 } },"
		" { sk_redirect_map: { map: kept, key: 0, on_miss: pass } }, exit ] }\n"
		"  other: { type: sk_skb, body: ["
		" { sk_redirect_map: { map: moved, key: 0, on_miss: pass } }, exit ] }\n"
		"  leaves: { type: sk_msg, body: [ { count: { map: gone, key: 1 } }, sk_msg_pass ] "
		"}\n"
		"  ops: { type: sock_ops, body: [ r0 = 1, exit ] }\n"
		"attachments:\n"
		"  - { program: echo, target: kept, attach_type: stream_verdict }\n"
		"  - { program: leaves, target: quiet, attach_type: msg_verdict }\n"
		"  - { program: other, target: moved, attach_type: stream_verdict }\n"
		"  - { program: ops, target: %s, attach_type: sock_ops }\n"
		"  - { program: ops, target: %s, attach_type: sock_ops }\n",
		ground->old.name, cgroups[GOES], cgroups[STAYS]);
	manifest_write(ground->new.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  kept: { type: sockmap, max_entries: 4 }\n"
		"  moved: { type: sockmap, max_entries: 8 }\n"
		"  taken: { type: sockmap, max_entries: 4 }\n"
		"  quiet: { type: sockmap, max_entries: 4 }\n"
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
		"  - { program: arrives, target: taken, attach_type: msg_verdict, replace: %u }\n"
		"  - { program: other, target: moved, attach_type: stream_verdict }\n"
		"  - { program: ops, target: %s, attach_type: sock_ops%s }\n"
		"  - { program: ops, target: %s, attach_type: sock_ops }\n",
		ground->old.name, program_id(ground->foreign), cgroups[STAYS],
		cgroup_has_preorder() ? ", flags: preorder" : "", cgroups[COMES]);
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

static int open_map(const struct manifest *manifest, const char *pin)
{
	int map = bpf_obj_get(manifest_pin(manifest, pin));

	cr_assert_geq(map, 0, "%s: %s", pin, strerror(errno));
	return map;
}

/* A connection whose accepted end is at index 0 of the map; a new one where it is not any more. */
static void enter_pair(const struct manifest *manifest, const char *pin, struct pair *pair)
{
	int map = open_map(manifest, pin);
	uint64_t cookie = 0, there = 0;
	socklen_t length = sizeof(cookie);
	uint32_t index = 0;

	if (pair->server)
		getsockopt(pair->server, SOL_SOCKET, SO_COOKIE, &cookie, &length);
	if (!pair->server || bpf_map_lookup_elem(map, &index, &there) || there != cookie) {
		if (pair->server)
			pair_close(pair);
		pair_open(pair);
		cr_assert_eq(socket_insert(map, 0, pair->server), 0, "%s", strerror(errno));
	}
	close(map);
}

/* Takes what comes at one end; false where that is not what was expected, or the end of it all. */
static bool take(int fd, const uint8_t *expected, size_t *length)
{
	uint8_t got[PUMPED];
	ssize_t n = recv(fd, got, PUMPED - *length, MSG_DONTWAIT);

	if (n <= 0 || memcmp(got, expected + *length, (size_t)n))
		return false;
	*length += (size_t)n;
	return true;
}

/* The next bytes through a connection: all of them come back, in order. */
static bool pump(struct ground *ground, const struct pair *pair)
{
	struct pollfd end = { .fd = pair->client, .events = POLLIN };
	uint8_t bytes[PUMPED];
	size_t length = 0;

	client_pattern(bytes, 1, ground->pumped, sizeof(bytes));
	ground->pumped += sizeof(bytes);
	if (send(pair->client, bytes, sizeof(bytes), MSG_NOSIGNAL) != sizeof(bytes))
		return false;
	while (length < sizeof(bytes))
		if (poll(&end, 1, ANSWER_MS) <= 0 || !take(pair->client, bytes, &length))
			return false;
	return true;
}

static void fault(struct ground *ground, const struct scene *scene, const char *inject,
	const char *what, const char *detail)
{
	if (ground->faults++ < FAULTS_SHOWN) {
		char *copy = strdup(detail), *save = NULL;

		note("%s, %s: %s", scene->name, inject, what);
		for (char *line = strtok_r(copy, "\n", &save); line;
			line = strtok_r(NULL, "\n", &save))
			note("    %s", line);
		free(copy);
	}
}

/* The lines of `now` that are not in `wanted`, and the other way round. */
static void note_difference(const char *now, const char *wanted)
{
	const char *const texts[] = { now, wanted };

	for (size_t i = 0; i < 2; i++) {
		char *copy = strdup(texts[i]), *save = NULL;

		for (char *line = strtok_r(copy, "\n", &save); line;
			line = strtok_r(NULL, "\n", &save))
			if (!strstr(texts[!i], line))
				note("    %s %s", i ? "missing:" : "there:", line);
		free(copy);
	}
}

/* Whether the kernel is in one of these states; a fault if not. */
static bool check_shape(struct ground *ground, const struct scene *scene, const char *inject,
	const char *const *shapes, size_t count)
{
	char *now = shape_read(&ground->looked_at);
	bool found = false;

	for (size_t i = 0; i < count; i++)
		found = found || strcmp(now, shapes[i]) == 0;
	if (!found) {
		fault(ground, scene, inject, "another state", "");
		if (ground->faults < FAULTS_SHOWN)
			note_difference(now, shapes[0]);
	}
	free(now);
	return found;
}

static void apply(const char *path)
{
	sockform_expect(0, "apply", "--drain-timeout", "0", "--replace", path);
}

static void restore_none(struct ground *ground)
{
	sockform_expect(0, "delete", "--drain-timeout", "0", "--name", ground->old.name);
}

static void attach_foreign(struct ground *ground)
{
	int map = open_map(&ground->old, "maps/taken");

	if (!hook_program(map, BPF_SK_MSG_VERDICT))
		cr_assert_eq(bpf_prog_attach(ground->foreign, map, BPF_SK_MSG_VERDICT, 0), 0);
	close(map);
}

/* The old manifest, the foreign program and the connections in their maps. */
static void restore_before(struct ground *ground)
{
	apply(ground->old.path);
	attach_foreign(ground);
	enter_pair(&ground->old, "maps/kept", &ground->kept);
	enter_pair(&ground->old, "maps/moved", &ground->moved);
}

static void restore(struct ground *ground, const struct scene *scene)
{
	char *now;

	scene->restore(ground);
	now = shape_read(&ground->looked_at);
	cr_assert_str_eq(
		now, scene->before, "%s: this does not go back to where it began", scene->name);
	free(now);
}

/* A connection that lost something makes room for another one. */
static void check_pair(struct ground *ground, const struct scene *scene, const char *inject,
	struct pair *pair, const char *where)
{
	char what[64];

	if (!pair->server || pump(ground, pair))
		return;
	snprintf(what, sizeof(what), "harmed the connection in the map %s", where);
	fault(ground, scene, inject, what, "");
	pair_close(pair);
	*pair = (struct pair){ 0 };
}

/*
 * What runs: `done` for what the scene leads to. A connection whose map has gone is not asked: what
 * is under way in it when the kernel frees that map is lost.
 */
static void check_sockets(
	struct ground *ground, const struct scene *scene, const char *inject, bool done)
{
	check_pair(ground, scene, inject, &ground->beside, "of another deployment");
	if (!scene->has_sockets)
		return;
	if (!done || scene->after != ground->none)
		check_pair(ground, scene, inject, &ground->kept, "that stays");
	if (!done)
		check_pair(ground, scene, inject, &ground->moved, "that is replaced");
}

/* Back to where the scene begins, and the connections in its maps with it. */
static void begin_again(struct ground *ground, const struct scene *scene, const char *inject)
{
	restore(ground, scene);
	check_sockets(ground, scene, inject, false);
}

static void run(const struct ground *ground, const struct scene *scene, const char *inject,
	struct result *ret)
{
	const char *const argv[] = { ground->program, scene->verb, "--drain-timeout", ground->drain,
		scene->option, scene->path, NULL };

	setenv("SOCKFORM_INJECT", inject, 1);
	setenv("SOCKFORM_INJECT_COUNT", ground->counts, 1);
	command_run(ret, 0, argv);
	unsetenv("SOCKFORM_INJECT");
	unsetenv("SOCKFORM_INJECT_COUNT");
}

static void read_counts(const struct ground *ground, unsigned int ret[CLASS_COUNT])
{
	char *text = file_read(ground->counts);

	cr_assert_eq(sscanf(text, "bpf %u\nfs %u\n", &ret[BPF], &ret[FS]), 2, "%s", text);
	free(text);
}

/* True where it ended with that error, and not well all the same. */
static bool try_error(struct ground *ground, struct scene *scene, const char *inject)
{
	unsigned int faults = ground->faults;
	struct result result;
	bool done;

	run(ground, scene, inject, &result);
	done = result.code == 0;
	if (!done && (result.code < 2 || result.code > 3 || !*result.err))
		fault(ground, scene, inject, "no error that is said", result.err);
	if (check_shape(ground, scene, inject, done ? &scene->after : &scene->before, 1))
		check_sockets(ground, scene, inject, done);
	else
		fault(ground, scene, inject, done ? "after exit code 0" : "after it said",
			result.err);
	if (ground->faults != faults)
		sockform_expect(0, "delete", "--drain-timeout", "0", "--name", ground->old.name);
	if (done || ground->faults != faults)
		begin_again(ground, scene, inject);
	ground->cases++;
	result_finish(&result);
	return !done;
}

/* One of three commands, in turns: what it has to lead to. */
static size_t recover(struct ground *ground, const char *shapes[2])
{
	switch (ground->cases % 3) {
	case 0:
		apply(ground->new.path);
		shapes[0] = ground->after;
		return 1;
	case 1:
		apply(ground->old.path);
		/* A program of somebody else's that had been taken off does not come back. */
		shapes[0] = ground->bare;
		shapes[1] = ground->before;
		return 2;
	default:
		sockform_expect(0, "delete", "--drain-timeout", "0", "--name", ground->old.name);
		shapes[0] = ground->none;
		return 1;
	}
}

static void check_status(
	struct ground *ground, const struct scene *scene, const char *inject, bool exists)
{
	struct result result;

	sockform(&result, "status", ground->old.name);
	if (result.code != (exists ? 0 : 1))
		fault(ground, scene, inject, "after the next command", result.out);
	result_finish(&result);
}

static void try_kill(struct ground *ground, struct scene *scene, const char *inject)
{
	const char *shapes[2];
	struct result result;
	size_t count;

	run(ground, scene, inject, &result);
	if (result.code != 128 + SIGKILL)
		fault(ground, scene, inject, "it was not killed", result.err);
	/* Half-way through a delete nobody can say whether the map is still there. */
	if (scene->has_sockets && scene->after != ground->none)
		check_pair(ground, scene, inject, &ground->kept, "that stays");
	count = recover(ground, shapes);
	check_shape(ground, scene, inject, shapes, count);
	check_status(ground, scene, inject, shapes[0] != ground->none);
	begin_again(ground, scene, inject);
	ground->cases++;
	result_finish(&result);
}

/* The calls of a run in which nothing fails. */
static void count_calls(struct ground *ground, struct scene *scene)
{
	struct result result;

	run(ground, scene, "fs:1000000:EIO", &result);
	assert_code(&result, 0);
	result_finish(&result);
	read_counts(ground, scene->calls);
	check_shape(ground, scene, "without a fault", &scene->after, 1);
	restore(ground, scene);
}

/* All bpf() calls from one on: a first apply takes back what it did without any. */
static bool is_hopeless(const struct scene *scene, enum class class)
{
	return !scene->has_sockets && class == BPF;
}

/* What the error before has taken back in so many calls, killed at one of these. */
static void try_killed_undo(struct ground *ground, struct scene *scene, enum class class,
	unsigned int nth, const char *error)
{
	unsigned int made[CLASS_COUNT], undone;
	char inject[96];

	read_counts(ground, made);
	undone = made[class] - nth;
	if (!undone || (ground->thin && nth % THIN_UNDOS))
		return;
	snprintf(inject, sizeof(inject), "%s:%u:%s,%s:%u:%s", classes[class], nth, error,
		classes[class], nth + 1 + nth % undone, kills[nth % KILLS]);
	try_kill(ground, scene, inject);
	ground->undos++;
}

static void try_call(struct ground *ground, struct scene *scene, enum class class, unsigned int nth)
{
	char inject[64];

	for (size_t i = 0; i < ground->errors; i++) {
		if (ground->thin && nth % ground->errors != i)
			continue;
		snprintf(inject, sizeof(inject), "%s:%u:%s", classes[class], nth, errors[i]);
		if (try_error(ground, scene, inject) && (ground->thin || i == nth % ground->errors))
			try_killed_undo(ground, scene, class, nth, errors[i]);
	}
	if (is_hopeless(scene, class)) {
		snprintf(inject, sizeof(inject), "%s:%u+:ENOMEM", classes[class], nth);
		try_error(ground, scene, inject);
	}
	for (size_t i = 0; i < KILLS; i++) {
		if (ground->thin && nth % KILLS != i)
			continue;
		snprintf(inject, sizeof(inject), "%s:%u:%s", classes[class], nth, kills[i]);
		try_kill(ground, scene, inject);
	}
}

/*
 * That nothing is left over in the machine. The kernel takes its time to free what is gone, so this is
 * asked once for many cases: what a case leaves behind stays.
 */
static void check_leaks(struct ground *ground, const struct scene *scene, const char *inject)
{
	char *objects;

	if (shape_counts_settle(&scene->counts, SETTLE_MS))
		return;
	objects = shape_objects();
	fault(ground, scene, inject, "something is left over", objects);
	free(objects);
}

static void play(struct ground *ground, struct scene *scene)
{
	int64_t began = client_now();

	restore(ground, scene);
	free(snapshot_ids()); /* waits until nothing is freed any more */
	scene->counts = shape_count();
	count_calls(ground, scene);
	check_leaks(ground, scene, "without a fault");
	for (enum class class = BPF; class < CLASS_COUNT; class ++)
		for (unsigned int nth = 1; nth <= scene->calls[class]; nth++) {
			char until[32];

			try_call(ground, scene, class, nth);
			snprintf(until, sizeof(until), "%s:%u", classes[class], nth);
			if (nth % LEAKS_EVERY == 0 || nth == scene->calls[class])
				check_leaks(ground, scene, until);
		}
	note("%s: %u bpf() calls, %u file-system calls, %.1f s", scene->name, scene->calls[BPF],
		scene->calls[FS], (double)(client_now() - began) / 1000);
}

static char *shape_now(const struct ground *ground)
{
	return shape_read(&ground->looked_at);
}

static void prepare(struct ground *ground)
{
	const char *wish = getenv("SOCKFORM_MATRIX") ? getenv("SOCKFORM_MATRIX") : USUAL;
	static const char *const names[CGROUP_COUNT] = { "goes", "stays", "comes" };

	ground->thin = strcmp(wish, "thin") == 0;
	ground->errors = strcmp(wish, "usual") == 0 ? USUAL_ERRORS : ERRORS;
	ground->drain = strcmp(wish, "full") == 0 ? "1" : "0";
	ground->program = sibling_path("sockform-inject");
	ground->counts = scratch_path("counts");
	for (size_t i = 0; i < CGROUP_COUNT; i++) {
		ground->cgroup_paths[i] = cgroup_make(names[i]);
		ground->cgroups[i] = cgroup_open(ground->cgroup_paths[i]);
	}
	ground->foreign = program_return(BPF_PROG_TYPE_SK_MSG, "foreign", SK_PASS);
	ground->looked_at =
		(struct shape_ground){ ground->cgroups, CGROUP_COUNT, program_id(ground->foreign) };
	manifest_init(&ground->old, "matrix");
	manifest_init(&ground->new, "matrix-new");
	manifest_init(&ground->near, "matrix-near");
	write_manifests(ground);
	apply(ground->near.path);
	enter_pair(&ground->near, "maps/pair", &ground->beside);
}

/* The states, each from a run in which nothing fails. */
static void look(struct ground *ground)
{
	size_t pinned = has_links() ? PINNED : PINNED - ON_MAPS;

	ground->none = shape_now(ground);
	apply(ground->old.path);
	ground->bare = shape_now(ground);
	attach_foreign(ground);
	ground->before = shape_now(ground);
	apply(ground->new.path);
	ground->after = shape_now(ground);
	cr_assert_eq(shape_pins(ground->before) - shape_pins(ground->none), pinned, "%s",
		ground->before);
	cr_assert_eq(
		shape_pins(ground->after) - shape_pins(ground->none), pinned, "%s", ground->after);
}

Test(matrix, all_or_nothing)
{
	struct ground ground = { 0 };
	unsigned int calls = 0, least;

	prepare(&ground);
	look(&ground);
	struct scene scenes[] = {
		{ "a first apply", "apply", "--replace", ground.old.path, ground.none, ground.bare,
			restore_none, false, { 0 }, { { 0 } } },
		{ "an update", "apply", "--replace", ground.new.path, ground.before, ground.after,
			restore_before, true, { 0 }, { { 0 } } },
		{ "a delete", "delete", "--name", ground.old.name, ground.before, ground.none,
			restore_before, true, { 0 }, { { 0 } } },
	};

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		play(&ground, &scenes[i]);
		calls += scenes[i].calls[BPF] + scenes[i].calls[FS];
	}
	/* To make or to read takes two calls for each pin at least, to remove it one. */
	least = 9 * (PINNED - ON_MAPS);
	cr_assert_geq(calls, least);
	note("%u cases, %s; %u of them killed on the way back", ground.cases,
		ground.thin ? "one error and one kill at each call" : "every error at each call",
		ground.undos);
	cr_assert_eq(ground.cases - ground.undos,
		calls * (ground.thin ? 2 : ground.errors + KILLS) + scenes[0].calls[BPF]);
	/* What changes nothing yet has nothing to take back. */
	cr_assert_gt(ground.undos, calls / (ground.thin ? 4 * THIN_UNDOS : 4));
	cr_assert_eq(ground.faults, 0, "%u faults", ground.faults);
	free(ground.program);
	free(ground.counts);
	free(ground.none);
	free(ground.bare);
	free(ground.before);
	free(ground.after);
}
