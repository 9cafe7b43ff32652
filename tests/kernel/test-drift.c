/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The table of tampering: each row damages a deployment behind sockform's back, and says what
 * `status` has to say of it and what makes it good. What is not ours is touched only by --force.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "raw.h"

static void drift_fini(void)
{
	cgroup_fini();
	harness_fini();
}

#define DETACHED_MS 5000

TestSuite(drift, .init = harness_init, .fini = drift_fini, .timeout = 120);

/* What a row damages, and what it leaves open for the time of the row. */
struct ground {
	struct manifest manifest;
	const char *cgroup;
	char *shape; /* of all, before it is damaged */
	int held;    /* -1: nothing */
};

/* One of each: two maps, three programs, attachments to a map and to a cgroup. */
static void ground_write(const struct ground *ground)
{
	manifest_write(ground->manifest.path,
		"sockform: v1\n"
		"name: %s\n"
		"maps:\n"
		"  pairs: { type: sockhash, key: [cookie], max_entries: 64 }\n"
		"  totals: { type: array, value_size: 8, max_entries: 4 }\n"
		"programs:\n"
		"  whole: { type: sk_skb, body: [ 'r0 = *(u32 *)(r1 + 0)', exit ] }\n"
		"  verdict:\n"
		"    type: sk_skb\n"
		"    body:\n"
		"      - count: { map: totals, key: 0 }\n"
		"      - sk_redirect_hash: { map: pairs, key: self, on_miss: pass }\n"
		"      - exit\n"
		"  ops: { type: sock_ops, body: [ r0 = 1, exit ] }\n"
		"attachments:\n"
		"  - { program: whole, target: pairs, attach_type: stream_parser }\n"
		"  - { program: verdict, target: pairs, attach_type: stream_verdict }\n"
		"  - { program: ops, target: '%s', attach_type: sock_ops }\n",
		ground->manifest.name, ground->cgroup);
}

static const char *pin_of(const struct ground *ground, const char *pattern)
{
	static char path[512];
	glob_t found;

	cr_assert_eq(glob(manifest_pin(&ground->manifest, pattern), 0, NULL, &found), 0, "no %s",
		pattern);
	snprintf(path, sizeof(path), "%s", found.gl_pathv[0]);
	globfree(&found);
	return path;
}

static void away(const struct ground *ground, const char *pattern)
{
	const char *path = pin_of(ground, pattern);

	cr_assert_eq(unlink(path), 0, "%s: %s", path, strerror(errno));
}

/* Another object takes the place of the pin. */
static void swap(const struct ground *ground, const char *pattern, int fd)
{
	char path[512];

	snprintf(path, sizeof(path), "%s", pin_of(ground, pattern));
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(bpf_obj_pin(fd, path), 0, "%s: %s", path, strerror(errno));
	close(fd);
}

static int open_pin(const struct ground *ground, const char *pattern)
{
	int fd = bpf_obj_get(pin_of(ground, pattern));

	cr_assert(fd >= 0, "%s: %s", pattern, strerror(errno));
	return fd;
}

#define PARSER "pairs:stream_parser"
#define VERDICT "pairs:stream_verdict"

static void map_away(struct ground *ground)
{
	away(ground, "maps/pairs");
}

static void helper_map_away(struct ground *ground)
{
	away(ground, "maps/totals");
}

static void program_away(struct ground *ground)
{
	away(ground, "programs/verdict@*");
}

static void slot_away(struct ground *ground)
{
	away(ground, "slots/" VERDICT);
}

static void dispatcher_away(struct ground *ground)
{
	away(ground, "dispatchers/" VERDICT);
}

static void link_away(struct ground *ground)
{
	away(ground, "links/" VERDICT);
}

static void hook_away(struct ground *ground)
{
	away(ground, "links/cgroup*");
	away(ground, "dispatchers/cgroup*");
	away(ground, "slots/cgroup*");
}

static void folder_away(struct ground *ground)
{
	if (has_links()) {
		away(ground, "links/" PARSER);
		away(ground, "links/" VERDICT);
	}
	away(ground, "links/cgroup*");
	cr_assert_eq(rmdir(manifest_pin(&ground->manifest, "links")), 0);
}

static void layout_away(struct ground *ground)
{
	away(ground, "layout");
}

static void link_detached(struct ground *ground)
{
	int link = open_pin(ground, "links/" VERDICT);

	cr_assert_eq(bpf_link_detach(link), 0);
	close(link);
}

/* Without links somebody else does the same by the dispatcher. */
static void detached(struct ground *ground)
{
	int map = open_pin(ground, "maps/pairs");
	int dispatcher = open_pin(ground, "dispatchers/" VERDICT);

	cr_assert_eq(bpf_prog_detach2(dispatcher, map, BPF_SK_SKB_STREAM_VERDICT), 0);
	close(dispatcher);
	close(map);
}

static void cgroup_link_detached(struct ground *ground)
{
	int link = open_pin(ground, "links/cgroup*");

	cr_assert_eq(bpf_link_detach(link), 0);
	close(link);
}

/* The kernel detaches links from a cgroup that has gone, and takes its time. */
static void await_detached(const struct ground *ground)
{
	int link = open_pin(ground, "links/cgroup*");
	struct bpf_link_info info = { .cgroup.cgroup_id = 1 };

	for (int waited = 0; info.cgroup.cgroup_id; waited++) {
		uint32_t length = sizeof(info);

		cr_assert_lt(waited, DETACHED_MS, "the link stays attached");
		cr_assert_eq(bpf_obj_get_info_by_fd(link, &info, &length), 0);
		usleep(1000);
	}
	close(link);
}

static void cgroup_made_anew(struct ground *ground)
{
	char path[512];

	snprintf(path, sizeof(path), "%s%s", cgroup_mount(), ground->cgroup);
	cr_assert_eq(rmdir(path), 0, "%s", strerror(errno));
	cr_assert_eq(mkdir(path, 0755), 0);
	await_detached(ground);
}

static void slot_emptied(struct ground *ground)
{
	int slot = open_pin(ground, "slots/" VERDICT);
	uint32_t zero = 0;

	cr_assert_eq(bpf_map_delete_elem(slot, &zero), 0);
	close(slot);
}

static void slot_rewritten(struct ground *ground)
{
	int slot = open_pin(ground, "slots/" VERDICT), program = program_pass();
	uint32_t zero = 0;

	cr_assert_eq(bpf_map_update_elem(slot, &zero, &program, 0), 0, "%s", strerror(errno));
	close(program);
	close(slot);
}

/* The right program in the wrong slot. */
static void slot_crossed(struct ground *ground)
{
	int slot = open_pin(ground, "slots/" VERDICT);
	int program = open_pin(ground, "programs/whole@*");
	uint32_t zero = 0;

	cr_assert_eq(bpf_map_update_elem(slot, &zero, &program, 0), 0);
	close(program);
	close(slot);
}

static void leftover(struct ground *ground)
{
	int program = open_pin(ground, "dispatchers/" VERDICT);

	cr_assert_eq(bpf_obj_pin(program,
			     manifest_pin(&ground->manifest, "dispatchers/" VERDICT "+new")),
		0);
	close(program);
}

/* Called as ours would be, and none. */
static void spare_of_others(struct ground *ground)
{
	int program = program_pass();

	cr_assert_eq(bpf_obj_pin(program,
			     manifest_pin(&ground->manifest, "dispatchers/" VERDICT "+new")),
		0);
	close(program);
	cr_assert_eq(mkdir(manifest_pin(&ground->manifest, "maps/folder+new"), 0700), 0);
}

static void record_left(struct ground *ground)
{
	cr_assert_eq(symlink("1 0 0 -", manifest_pin(&ground->manifest, "records/gone")), 0);
}

static int another_map(void)
{
	int map = bpf_map_create(BPF_MAP_TYPE_SOCKHASH, "pairs", 8, 8, 64, NULL);

	cr_assert(map >= 0);
	return map;
}

static void map_swapped(struct ground *ground)
{
	swap(ground, "maps/pairs", another_map());
}

static void map_of_another_size(struct ground *ground)
{
	swap(ground, "maps/totals", map_make(BPF_MAP_TYPE_ARRAY, 16, 4));
}

static void program_swapped(struct ground *ground)
{
	swap(ground, "programs/verdict@*", program_pass());
}

static void generation_of_others(struct ground *ground)
{
	int program = program_pass();

	cr_assert_eq(bpf_obj_pin(program,
			     manifest_pin(&ground->manifest, "programs/verdict@0123456789abcdef")),
		0);
	close(program);
}

static void apply_key(const struct ground *ground, char key)
{
	char *text = file_read(ground->manifest.path);

	strstr(text, "key: 0")[5] = key;
	manifest_write(ground->manifest.path, "%s", text);
	sockform_expect(0, "apply", ground->manifest.path);
	free(text);
}

/* One that sockform made, and an apply that did not finish left there with its record. */
static void older_generation(struct ground *ground)
{
	char path[512], record[512], known[32];
	const char *file;
	int old;

	apply_key(ground, '1');
	snprintf(path, sizeof(path), "%s", pin_of(ground, "programs/verdict@*"));
	file = strrchr(path, '/') + 1;
	old = bpf_obj_get(path);
	ground_write(ground);
	sockform_expect(0, "apply", ground->manifest.path);
	cr_assert_eq(bpf_obj_pin(old, path), 0, "%s: %s", path, strerror(errno));
	snprintf(record, sizeof(record), "records/%s", file);
	snprintf(known, sizeof(known), "%u 0 0 -", program_id(old));
	cr_assert_eq(symlink(known, manifest_pin(&ground->manifest, record)), 0);
	close(old);
}

static void slot_swapped(struct ground *ground)
{
	swap(ground, "slots/" VERDICT, bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "x", 4, 4, 1, NULL));
}

static void dispatcher_swapped(struct ground *ground)
{
	swap(ground, "dispatchers/" VERDICT, program_pass());
}

static void link_swapped(struct ground *ground)
{
	int other = another_map(), program = program_pass();

	swap(ground, "links/" VERDICT, hook_attach(program, other, BPF_SK_SKB_STREAM_VERDICT));
	close(program);
	close(other);
}

static void link_updated(struct ground *ground)
{
	int link = open_pin(ground, "links/" VERDICT), program = program_pass();

	cr_assert_eq(bpf_link_update(link, program, NULL), 0, "%s", strerror(errno));
	close(program);
	close(link);
}

static void hook_taken(struct ground *ground)
{
	int program = program_return(BPF_PROG_TYPE_SK_SKB, "foreign", SK_PASS);
	int map = open_pin(ground, "maps/pairs");

	/* What is there without a link the kernel replaces without a word. */
	if (has_links())
		link_detached(ground);
	cr_assert_eq(bpf_prog_attach(program, map, BPF_SK_SKB_STREAM_VERDICT, 0), 0);
	close(program);
	close(map);
}

static void hook_taken_by_a_link(struct ground *ground)
{
	int program = program_return(BPF_PROG_TYPE_SK_SKB, "foreign", SK_PASS);
	int map = open_pin(ground, "maps/pairs");

	link_detached(ground);
	ground->held = hook_attach(program, map, BPF_SK_SKB_STREAM_VERDICT);
	close(program);
	close(map);
}

/* The hook's, with another slot or map, 0: the same; and beside it a dispatcher that was there before, 0: none. */
static void rewrite_record(
	const struct ground *ground, uint32_t slot, uint32_t attached, uint32_t older)
{
	char path[512], was[256] = "", text[128];
	unsigned int ids[3];
	int length;

	snprintf(path, sizeof(path), "%s", pin_of(ground, "records/" VERDICT));
	cr_assert_gt(readlink(path, was, sizeof(was) - 1), 0);
	cr_assert_eq(sscanf(was, "%u %u %u -", &ids[0], &ids[1], &ids[2]), 3, "%s", was);
	length = snprintf(text, sizeof(text), "%u %u %u -", slot ? slot : ids[0], ids[1],
		attached ? attached : ids[2]);
	if (older)
		snprintf(text + length, sizeof(text) - (size_t)length, ";%u %u %u -", ids[0], older,
			ids[2]);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(symlink(text, path), 0);
}

static void link_of_another_map(struct ground *ground)
{
	int dispatcher = open_pin(ground, "dispatchers/" VERDICT), other = another_map();

	swap(ground, "links/" VERDICT, hook_attach(dispatcher, other, BPF_SK_SKB_STREAM_VERDICT));
	close(dispatcher);
	close(other);
}

static void link_of_another_cgroup(struct ground *ground)
{
	int dispatcher = open_pin(ground, "dispatchers/cgroup*");
	int other = cgroup_open(cgroup_make("drift-other"));
	int link = bpf_link_create(dispatcher, other, BPF_CGROUP_SOCK_OPS, NULL);

	cr_assert(link >= 0, "%s", strerror(errno));
	swap(ground, "links/cgroup*", link);
	close(dispatcher);
	close(other);
}

/* Another that the same program has: they exclude each other. */
static void link_of_another_type(struct ground *ground)
{
	int dispatcher = open_pin(ground, "dispatchers/" VERDICT);
	int map = open_pin(ground, "maps/pairs");

	link_detached(ground);
	swap(ground, "links/" VERDICT, hook_attach(dispatcher, map, BPF_SK_SKB_VERDICT));
	close(dispatcher);
	close(map);
}

/* Known by its record, and the dispatcher goes on with the one before. */
static void slot_of_another(struct ground *ground)
{
	int slot = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "sockform_slot", 4, 4, 1, NULL);

	cr_assert(slot >= 0, "%s", strerror(errno));
	rewrite_record(ground, map_id(slot), 0, 0);
	swap(ground, "slots/" VERDICT, slot);
}

/* Likewise a dispatcher: on the hook is one that is known to have been there before. */
static void dispatcher_before(struct ground *ground)
{
	int slot = open_pin(ground, "slots/" VERDICT), dispatcher = program_dispatch(slot);
	int map = open_pin(ground, "maps/pairs");

	if (has_links()) {
		int link = open_pin(ground, "links/" VERDICT);

		cr_assert_eq(bpf_link_update(link, dispatcher, NULL), 0, "%s", strerror(errno));
		close(link);
	} else {
		cr_assert_eq(bpf_prog_attach(dispatcher, map, BPF_SK_SKB_STREAM_VERDICT, 0), 0);
	}
	rewrite_record(ground, 0, 0, program_id(dispatcher));
	close(map);
	close(dispatcher);
	close(slot);
}

static void attached_elsewhere(struct ground *ground)
{
	int dispatcher = open_pin(ground, "dispatchers/" VERDICT);

	detached(ground);
	ground->held = another_map();
	cr_assert_eq(bpf_prog_attach(dispatcher, ground->held, BPF_SK_SKB_STREAM_VERDICT, 0), 0);
	rewrite_record(ground, 0, map_id(ground->held), 0);
	close(dispatcher);
}

static void record_away(struct ground *ground)
{
	away(ground, "records/pairs");
}

static void hook_record_away(struct ground *ground)
{
	away(ground, "records/" VERDICT);
}

static void record_spoilt(struct ground *ground)
{
	away(ground, "records/totals");
	cr_assert_eq(symlink("1 2 nonsense", manifest_pin(&ground->manifest, "records/totals")), 0);
}

static void map_of_others(struct ground *ground)
{
	int map = another_map();

	cr_assert_eq(bpf_obj_pin(map, manifest_pin(&ground->manifest, "maps/theirs")), 0);
	close(map);
}

/* Opening it would lead out of the tree. */
static void symlinked_map(struct ground *ground)
{
	const char *path = loose_pin("elsewhere");
	int map = open_pin(ground, "maps/pairs");

	cr_assert_eq(bpf_obj_pin(map, path), 0);
	away(ground, "maps/pairs");
	cr_assert_eq(symlink(path, manifest_pin(&ground->manifest, "maps/pairs")), 0);
	close(map);
	ground->held = bpf_obj_get(path);
	unlink(path);
}

static void stranger(struct ground *ground)
{
	cr_assert_eq(mkdir(manifest_pin(&ground->manifest, "theirs"), 0700), 0);
	cr_assert_eq(mkdir(manifest_pin(&ground->manifest, "theirs/more"), 0700), 0);
}

enum remedy {
	APPLY,  /* makes it good */
	FORCE,  /* only with --force */
	BESIDE, /* without it apply does its work beside it, and leaves it alone; delete refuses */
	AWAY    /* likewise, and only a delete with --force takes it */
};

/* What a row is about, where that is not the same on every kernel. */
enum about { ALL, WITH_LINKS, WITHOUT };

#define AT_VERDICT "attachment " VERDICT ": "
#define AT_OPS "attachment $:sock_ops: "
#define AT_FILE "file " PINS "/~/"

static const struct row {
	const char *name;
	void (*tamper)(struct ground *ground);
	const char *said; /* by status, a line; see skip() */
	enum remedy remedy;
	enum about about;
} rows[] = {
	{ "map-away", map_away, "map pairs: it has no pin any more", APPLY },
	{ "helper-away", helper_map_away, "map totals: it has no pin any more", APPLY },
	{ "program-away", program_away, AT_VERDICT "its slot runs a program that has no pin",
		APPLY },
	{ "slot-away", slot_away, AT_VERDICT "its slot has no pin", APPLY },
	{ "dispatcher-away", dispatcher_away, AT_VERDICT "its dispatcher has no pin", APPLY },
	{ "link-away", link_away, AT_VERDICT "it is detached (its link has no pin)", APPLY,
		WITH_LINKS },
	{ "hook-away", hook_away, AT_OPS "it is detached (nothing of it is pinned)", APPLY },
	{ "folder-away", folder_away, AT_OPS "it is detached (its link has no pin)", APPLY },
	{ "layout-away", layout_away, "deployment ~: it has no layout version", APPLY },
	{ "link-detached", link_detached, AT_VERDICT "its link is detached", APPLY, WITH_LINKS },
	{ "detached", detached, AT_VERDICT "it is detached", APPLY, WITHOUT },
	{ "ops-detached", cgroup_link_detached, AT_OPS "its link is detached", APPLY },
	{ "cgroup-anew", cgroup_made_anew, AT_OPS "its link is detached", APPLY },
	{ "slot-emptied", slot_emptied, AT_VERDICT "its slot is empty, so everything passes",
		APPLY },
	{ "slot-rewritten", slot_rewritten, AT_VERDICT "its slot runs a program that has no pin",
		APPLY },
	{ "spare", spare_of_others,
		AT_FILE "dispatchers/" VERDICT "+new: it is nothing that sockform made", BESIDE },
	{ "leftover", leftover,
		AT_FILE "dispatchers/" VERDICT "+new: it is left from an apply that did not finish",
		APPLY },
	{ "record-left", record_left, "map gone: it has no pin any more", APPLY },
	{ "map-swapped", map_swapped,
		"map pairs: map # is pinned there, and sockform did not make it", FORCE },
	{ "map-size", map_of_another_size,
		"map totals: map # is pinned there, and sockform did not make it", FORCE },
	{ "program-swapped", program_swapped,
		"program verdict: program # is pinned there, and sockform did not make it", FORCE },
	{ "generation", generation_of_others,
		"program verdict: program # is pinned there, and sockform did not make it",
		BESIDE },
	{ "older", older_generation, "program verdict@*: another generation of it runs", APPLY },
	{ "slot-swapped", slot_swapped,
		AT_VERDICT "as its slot map # is pinned there, and sockform did not make it",
		FORCE },
	{ "disp-swapped", dispatcher_swapped,
		AT_VERDICT
		"as its dispatcher program # is pinned there, and sockform did not make it",
		FORCE },
	{ "link-swapped", link_swapped,
		AT_VERDICT "its link # runs program #, and sockform did not make that", FORCE,
		WITH_LINKS },
	{ "link-updated", link_updated,
		AT_VERDICT "its link # runs program #, and sockform did not make that", FORCE,
		WITH_LINKS },
	{ "other-map", link_of_another_map, AT_VERDICT "its link is on another map", APPLY,
		WITH_LINKS },
	{ "other-bare", attached_elsewhere, AT_VERDICT "it is attached to another map", APPLY,
		WITHOUT },
	{ "other-cgroup", link_of_another_cgroup, AT_OPS "its link is on another cgroup", APPLY },
	{ "other-type", link_of_another_type, AT_VERDICT "its link is of another attach type",
		APPLY, WITH_LINKS },
	{ "other-slot", slot_of_another, AT_VERDICT "its dispatcher uses another slot", APPLY },
	{ "other-disp", dispatcher_before,
		AT_VERDICT "its link runs a program that is not its dispatcher", APPLY,
		WITH_LINKS },
	{ "disp-bare", dispatcher_before, AT_VERDICT "what is attached is not its dispatcher",
		APPLY, WITHOUT },
	{ "hook-taken", hook_taken,
		AT_VERDICT "its link is detached, and program # (foreign) is on its hook", FORCE,
		WITH_LINKS },
	{ "hook-bare", hook_taken,
		AT_VERDICT "it is detached, and program # (foreign) is on its hook", FORCE,
		WITHOUT },
	{ "hook-link", hook_taken_by_a_link,
		AT_VERDICT "its link is detached, and program # (foreign) is on its hook", FORCE,
		WITH_LINKS },
	{ "record-away", record_away,
		"map pairs: map # is pinned there, and sockform did not make it", FORCE },
	{ "hook-record", hook_record_away,
		AT_VERDICT "as its slot map # is pinned there, and sockform did not make it", FORCE,
		WITH_LINKS },
	{ "record-bare", hook_record_away,
		AT_VERDICT
		"as its slot map # is pinned there, and sockform did not make it, and program # "
		"(sockform_disp) is on its hook",
		FORCE, WITHOUT },
	{ "theirs", map_of_others,
		"map theirs: map # is pinned there, and sockform did not make it", BESIDE },
	{ "record-spoilt", record_spoilt,
		AT_FILE "records/totals: it is nothing that sockform made", FORCE },
	{ "symlink", symlinked_map, AT_FILE "maps/pairs: it is nothing that sockform made", FORCE },
	{ "stranger", stranger, AT_FILE "theirs: it is nothing that sockform made", AWAY },
};
#define ROW_COUNT (sizeof(rows) / sizeof(*rows))

static const char *const remedies[] = {
	[APPLY] = "apply its manifest again",
	[FORCE] = "take it away, or apply its manifest with --force",
	[BESIDE] = "take it away, or apply its manifest with --force",
	[AWAY] = "take it away, or delete the deployment with --force",
};

/* False for a row that this kernel has nothing of, which is said. */
static bool is_here(const struct row *row)
{
	if (row->about == ALL || (row->about == WITH_LINKS) == has_links())
		return true;
	left_out(row->name, row->about == WITHOUT ? "this kernel attaches by links" : NO_LINKS);
	return false;
}

static void ground_make(struct ground *ret, const struct row *row, const char *cgroup)
{
	ret->held = -1;
	ret->cgroup = cgroup;
	manifest_init(&ret->manifest, row->name);
	ground_write(ret);
	sockform_expect(0, "apply", ret->manifest.path);
	sockform_expect(0, "status", ret->manifest.name);
	ret->shape = cgroup_shape(cgroup);
}

/* How much of a text a letter of a row stands for; 0: it begins with something else. */
static size_t skip(const char *text, char letter, const struct ground *ground)
{
	const char *stands = letter == '$' ? ground->cgroup : ground->manifest.name;
	size_t digits = strspn(text, "0123456789abcdef");

	switch (letter) {
	case '#': /* an id */
		return strspn(text, "0123456789");
	case '*': /* the digits of a generation */
		return digits == 16 ? digits : 0;
	case '$': /* the cgroup */
	case '~': /* the deployment */
		return strncmp(text, stands, strlen(stands)) == 0 ? strlen(stands) : 0;
	default:
		return *text == letter;
	}
}

/* Whether a text is that up to the end of its line. */
static bool is_line(const char *text, const char *said, const struct ground *ground)
{
	for (; *said; said++) {
		size_t length = skip(text, *said, ground);

		if (!length)
			return false;
		text += length;
	}
	return *text == '\n';
}

#define DRIFT "\n  ! "

/* Whether a drift is said in these words, and the remedy follows it and those that have the same. */
static bool says(const char *text, const struct row *row, const struct ground *ground)
{
	const char *remedy = remedies[row->remedy], *at = text;

	while ((at = strstr(at, DRIFT)) && !is_line(at + strlen(DRIFT), row->said, ground))
		at++;
	while (at && strncmp(at, DRIFT, strlen(DRIFT)) == 0)
		at = strchr(at + 1, '\n');
	return at && is_line(at + strspn(at, "\n "), remedy, ground);
}

static void assert_seen(const struct row *row, const struct ground *ground)
{
	struct result result;

	sockform(&result, "status", ground->manifest.name);
	assert_code(&result, 1);
	cr_assert(says(result.out, row, ground), "%s: \"%s\" with \"%s\" is not in:\n%s", row->name,
		row->said, remedies[row->remedy], result.out);
	result_finish(&result);
}

/* Somebody else's program is; a delete needs no room there. */
static bool is_on_a_hook(const struct row *row)
{
	return strstr(row->said, "(foreign) is on its hook");
}

/* Without --force nothing is changed where something is not ours. */
static void assert_left_alone(const struct row *row, const struct ground *ground)
{
	static const char *const verbs[] = { "apply", "delete" };
	char *ids = snapshot_ids(), *pins = snapshot_pins(), *shape = cgroup_shape(ground->cgroup);

	for (size_t i = 0; i < 2; i++) {
		struct result result;

		if (i == 1 && is_on_a_hook(row))
			break;
		sockform(&result, verbs[i], ground->manifest.path);
		cr_assert_eq(result.code, 3, "%s: %s: exit code %d\n%s%s", row->name, verbs[i],
			result.code, result.out, result.err);
		cr_assert(strstr(result.err, "--force"), "%s: %s", row->name, result.err);
		result_finish(&result);
		assert_pins(pins);
		assert_ids(ids);
		assert_shape(shape, ground->cgroup);
	}
	free(ids);
	free(pins);
	free(shape);
}

/* Says the program, and says the kernel, which is asked past it. */
static void assert_whole(const struct ground *ground)
{
	struct result result;

	sockform(&result, "status", ground->manifest.name);
	assert_code(&result, 0);
	result_finish(&result);
	sockform_expect(0, "plan", "--exit-code", ground->manifest.path);
	assert_shape(ground->shape, ground->cgroup);
}

/* What is in nobody's way stays where it is. */
static void assert_left_beside(const struct ground *ground)
{
	char *damaged = cgroup_shape(ground->cgroup);

	sockform_expect(0, "plan", "--exit-code", ground->manifest.path);
	sockform_expect(0, "apply", ground->manifest.path);
	sockform_expect(1, "status", ground->manifest.name);
	sockform_expect(3, "delete", ground->manifest.path);
	assert_shape(damaged, ground->cgroup);
	free(damaged);
}

/* By what `status` says is to be done. */
static void repair(const struct row *row, const struct ground *ground)
{
	switch (row->remedy) {
	case APPLY:
		sockform_expect(1, "plan", "--exit-code", ground->manifest.path);
		sockform_expect(0, "apply", ground->manifest.path);
		break;
	case FORCE:
		assert_left_alone(row, ground);
		sockform_expect(0, "apply", "--force", ground->manifest.path);
		break;
	case BESIDE:
		assert_left_beside(ground);
		sockform_expect(0, "apply", "--force", ground->manifest.path);
		break;
	case AWAY:
		assert_left_beside(ground);
		sockform_expect(0, "delete", "--force", ground->manifest.path);
		sockform_expect(0, "apply", ground->manifest.path);
	}
	assert_whole(ground);
}

/* What is there without any deployment of these. */
struct before {
	char *ids, *pins;
};

static void assert_gone(struct ground *ground, const struct before *before)
{
	free(ground->shape);
	if (ground->held >= 0)
		close(ground->held);
	sockform_expect(0, "delete", "--force", ground->manifest.path);
	assert_ids(before->ids);
	assert_pins(before->pins);
}

static void before_finish(struct before *before)
{
	free(before->ids);
	free(before->pins);
}

Test(drift, each_kind_is_seen_and_repaired)
{
	struct before before = { snapshot_ids(), snapshot_pins() };
	const char *cgroup = cgroup_make("drift");

	cr_assert_geq(ROW_COUNT, 15);
	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct ground ground;

		if (!is_here(&rows[i]))
			continue;
		ground_make(&ground, &rows[i], cgroup);
		rows[i].tamper(&ground);
		assert_seen(&rows[i], &ground);
		repair(&rows[i], &ground);
		assert_gone(&ground, &before);
	}
	before_finish(&before);
}

/* The right name, and no longer the program that belongs there: only the manifest tells. */
Test(drift, a_program_in_the_wrong_slot_is_put_right)
{
	static const struct row row = { "crossed", slot_crossed, NULL, APPLY };
	struct ground ground;

	ground_make(&ground, &row, cgroup_make("crossed"));
	slot_crossed(&ground);
	sockform_expect(1, "plan", "--exit-code", ground.manifest.path);
	sockform_expect(0, "apply", ground.manifest.path);
	assert_whole(&ground);
	free(ground.shape);
}

/* What others have on a hook of a map is theirs, wherever that map's pin is. */
static void assert_delete_leaves(const struct row *row, const struct ground *ground)
{
	int map = open_pin(ground, "maps/pairs");
	uint32_t foreign = hook_program(map, BPF_SK_SKB_STREAM_VERDICT);

	cr_assert(foreign, "%s", row->name);
	sockform_expect(0, "delete", ground->manifest.path);
	cr_assert_eq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), foreign, "%s: program %u",
		row->name, hook_program(map, BPF_SK_SKB_STREAM_VERDICT));
	sockform_expect(1, "status", ground->manifest.name);
	close(map);
}

Test(drift, a_delete_leaves_what_others_have_on_a_hook)
{
	struct before before = { snapshot_ids(), snapshot_pins() };
	const char *cgroup = cgroup_make("drift");

	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct ground ground;

		if (!is_on_a_hook(&rows[i]) || !is_here(&rows[i]))
			continue;
		ground_make(&ground, &rows[i], cgroup);
		rows[i].tamper(&ground);
		assert_delete_leaves(&rows[i], &ground);
		assert_gone(&ground, &before);
	}
	before_finish(&before);
}

/* The other map is nobody's of ours, and what is on it is. */
Test(drift, what_is_attached_to_another_map_is_taken_off_there)
{
	static const struct row row = { "elsewhere", attached_elsewhere, NULL, APPLY };
	static const char *const verbs[] = { "apply", "delete" };
	const char *cgroup = cgroup_make("elsewhere");

	if (has_links())
		cr_skip_test("skipped: this kernel attaches by links");
	for (size_t i = 0; i < 2; i++) {
		struct ground ground;

		ground_make(&ground, &row, cgroup);
		row.tamper(&ground);
		cr_assert_neq(hook_program(ground.held, BPF_SK_SKB_STREAM_VERDICT), 0);
		sockform_expect(0, verbs[i], ground.manifest.path);
		cr_assert_eq(
			hook_program(ground.held, BPF_SK_SKB_STREAM_VERDICT), 0, "%s", verbs[i]);
		close(ground.held);
		free(ground.shape);
	}
}

/* A delete that is forced takes all of it, whoever made it. */
Test(drift, a_forced_delete_takes_what_is_not_ours)
{
	struct before before = { snapshot_ids(), snapshot_pins() };
	const char *cgroup = cgroup_make("drift");

	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct ground ground;

		if (!is_here(&rows[i]))
			continue;
		ground_make(&ground, &rows[i], cgroup);
		rows[i].tamper(&ground);
		assert_gone(&ground, &before);
	}
	before_finish(&before);
}
