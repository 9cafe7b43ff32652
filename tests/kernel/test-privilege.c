/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Least privilege: everything works for a user who is not root and has CAP_BPF and CAP_NET_ADMIN, in a
 * bpffs of its own; what is missing is named; and what others could change is not used.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <ftw.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cgroup.h"
#include "raw.h"

#define NOBODY 65534
#define SERVE_MS 20000

/* A bpffs that no other process sees, and that goes with the test's process. */
static char mount_path[128];

static void privilege_init(void)
{
	char *path;

	harness_init();
	path = scratch_path("bpf");
	snprintf(mount_path, sizeof(mount_path), "%s", path);
	free(path);
	cr_assert_eq(unshare(CLONE_NEWNS), 0, "%s", strerror(errno));
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mkdir(mount_path, 0755), 0);
	cr_assert_eq(mount("bpf", mount_path, "bpf", 0, "mode=0700"), 0, "%s", strerror(errno));
}

static void privilege_fini(void)
{
	umount(mount_path);
	cgroup_fini();
	harness_fini();
}

TestSuite(privilege, .init = privilege_init, .fini = privilege_fini, .timeout = 60);

/* The folder of the manifest's deployment in there, or something below it. */
static const char *inside(const struct manifest *manifest, const char *what)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/sockform/%s%s%s", mount_path, manifest->name,
		*what ? "/" : "", what);
	return path;
}

#define USER_WORDS 16

/* How a command runs as nobody, with these capabilities, "+bpf,+net_admin", in the bpffs of this test. */
struct user_command {
	char bounding[128];
	const char *argv[USER_WORDS + 16];
};

static void user_command(
	struct user_command *ret, const char *capabilities, const char *const words[])
{
	/* The kernel forgets that a process is to die with its parent when its user changes. */
	const char *const prefix[] = { "setpriv", "--reuid", "65534", "--regid", "65534",
		"--clear-groups", "--inh-caps", ret->bounding, "--ambient-caps", ret->bounding,
		"--bounding-set", ret->bounding, "--pdeathsig", "KILL", sockform_path() };
	size_t count = sizeof(prefix) / sizeof(*prefix);

	snprintf(ret->bounding, sizeof(ret->bounding), "-all%s%s", *capabilities ? "," : "",
		capabilities);
	memcpy(ret->argv, prefix, sizeof(prefix));
	for (size_t i = 0; words[i]; i++) {
		cr_assert_lt(i, USER_WORDS);
		ret->argv[count++] = words[i];
	}
	ret->argv[count] = NULL;
}

static void as_user_words(struct result *ret, const char *capabilities, const char *const words[])
{
	struct user_command command;

	user_command(&command, capabilities, words);
	command_run(ret, 0, command.argv);
	if (ret->code == 127)
		cr_skip_test("skipped: there is no setpriv");
}

#define as_user(result, capabilities, ...)                                                         \
	as_user_words(result, capabilities,                                                        \
		(const char *const[]){ __VA_ARGS__, "--bpffs", mount_path, NULL })

#define TWO "+bpf,+net_admin"

#define user_expect(code, ...)                                                                     \
	do {                                                                                       \
		struct result expected_;                                                           \
		as_user(&expected_, TWO, __VA_ARGS__);                                             \
		assert_code(&expected_, code);                                                     \
		result_finish(&expected_);                                                         \
	} while (0)

static void readable(const struct manifest *manifest)
{
	cr_assert_eq(chmod(manifest->path, 0644), 0);
}

/* The bpffs is the user's, and so is what may be written there. */
static void user_begin(struct manifest *ret, const char *name)
{
	manifest_init(ret, name);
	manifest_echo(ret, BODY_ECHO);
	readable(ret);
	cr_assert_eq(chown(mount_path, NOBODY, NOBODY), 0, "%s", strerror(errno));
}

/* What a user may lose, and gets back; and what is in the way of that where there are no links. */
static const struct {
	const char *pin, *without_links; /* NULL: nothing */
} losses[] = {
	{ "maps/echo_sockets", NULL },
	{ "slots/echo_sockets:stream_verdict", NULL },
	{ "links/echo_sockets:stream_verdict", NO_LINKS },
	{ "dispatchers/echo_sockets:stream_verdict",
		"a program that only a hook holds takes CAP_SYS_ADMIN to be opened" },
};

Test(privilege, a_user_with_two_capabilities_applies_and_deletes)
{
	char *ids = snapshot_ids();
	struct manifest manifest;
	struct stat stat_buffer;

	user_begin(&manifest, "user");
	user_expect(0, "apply", manifest.path);
	user_expect(0, "status", manifest.name);
	user_expect(0, "plan", manifest.path);
	cr_assert_eq(stat(inside(&manifest, "maps/echo_sockets"), &stat_buffer), 0);
	cr_assert_eq(stat_buffer.st_uid, NOBODY);
	manifest_echo(&manifest, BODY_PASS);
	readable(&manifest);
	user_expect(0, "apply", manifest.path);
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++) {
		if (losses[i].without_links && !has_links()) {
			left_out(losses[i].pin, losses[i].without_links);
			continue;
		}
		cr_assert_eq(unlink(inside(&manifest, losses[i].pin)), 0);
		user_expect(1, "status", manifest.name);
		user_expect(0, "apply", manifest.path);
		user_expect(0, "status", manifest.name);
	}
	user_expect(0, "delete", manifest.path);
	cr_assert_neq(access(inside(&manifest, ""), F_OK), 0);
	assert_ids(ids);
	free(ids);
}

/* A map, two programs of its own kinds on it, and one on a cgroup. */
static void manifest_kinds(
	const struct manifest *manifest, const char *cgroup, const char *ops, unsigned int entries)
{
	manifest_write(manifest->path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  pair: { type: sockmap, max_entries: %u }\n"
		"programs:\n"
		"  msg: { type: sk_msg, body: [ sk_msg_pass ] }\n"
		"  skb: { type: sk_skb, body: [ sk_skb_pass ] }\n"
		"  ops: { type: sock_ops, body: [ %s, exit ] }\n"
		"attachments:\n"
		"  - { program: msg, target: pair, attach_type: msg_verdict }\n"
		"  - { program: skb, target: pair, attach_type: skb_verdict }\n"
		"  - { program: ops, target: %s, attach_type: sock_ops }\n",
		manifest->name, entries, ops, cgroup);
	readable(manifest);
}

/* Every kind of program, and every way to change what is there. */
Test(privilege, a_user_with_two_capabilities_changes_everything)
{
	const char *cgroup = cgroup_make("user");
	char *ids = snapshot_ids(), map[128];
	struct manifest manifest;

	user_begin(&manifest, "kinds");
	snprintf(map, sizeof(map), "%s/pair", manifest.name);
	manifest_kinds(&manifest, cgroup, "r0 = 1", 4);
	user_expect(0, "apply", "--dry-run", manifest.path);
	user_expect(0, "apply", manifest.path);
	user_expect(0, "status", manifest.name);
	manifest_kinds(&manifest, cgroup, "r0 = 0", 4);
	user_expect(0, "apply", manifest.path);
	manifest_kinds(&manifest, cgroup, "r0 = 0", 8);
	user_expect(0, "apply", "--replace", manifest.path);
	user_expect(0, "plan", "--exit-code", manifest.path);
	user_expect(0, "detach", map, "msg_verdict");
	user_expect(1, "status", manifest.name);
	user_expect(0, "apply", manifest.path);
	user_expect(0, "detach", "--cgroup", cgroup);
	user_expect(0, "apply", manifest.path);
	user_expect(0, "status", manifest.name);
	user_expect(0, "delete", "--name", manifest.name);
	assert_ids(ids);
	free(ids);
}

static void user_begin_in(struct manifest *ret, const char *folder, const char *name)
{
	char path[sizeof(ret->path)];

	user_begin(ret, name);
	snprintf(path, sizeof(path), "%s/%s.yaml", folder, name);
	cr_assert_eq(rename(ret->path, path), 0, "%s", strerror(errno));
	strcpy(ret->path, path);
}

Test(privilege, a_user_with_two_capabilities_prunes)
{
	char *ids = snapshot_ids(), *folder = scratch_path("source");
	struct manifest stays, goes;

	cr_assert_eq(mkdir(folder, 0755), 0);
	user_begin_in(&stays, folder, "stays");
	user_begin_in(&goes, folder, "goes");
	user_expect(0, "apply", "--prune", folder);
	user_expect(0, "status", goes.name);
	cr_assert_eq(unlink(goes.path), 0);
	user_expect(0, "apply", "--prune", folder);
	cr_assert_neq(access(inside(&goes, ""), F_OK), 0);
	user_expect(0, "status", stays.name);
	user_expect(0, "delete", stays.path);
	assert_ids(ids);
	free(folder);
	free(ids);
}

Test(privilege, a_user_with_two_capabilities_serves)
{
	struct user_command command;
	char *ids = snapshot_ids();
	struct manifest manifest;
	struct process run;
	struct result result;

	user_begin(&manifest, "serves");
	user_command(&command, TWO,
		(const char *const[]){ "run", "--bpffs", mount_path, manifest.path, NULL });
	cr_assert(process_start(&run, 0, command.argv));
	if (!process_says(&run, "serving", SERVE_MS)) {
		process_stop(&run, SIGKILL, &result, SERVE_MS);
		if (result.code == 127)
			cr_skip_test("skipped: there is no setpriv");
		cr_assert_fail("exit code %d\n%s%s", result.code, result.out, result.err);
	}
	assert_echo(&manifest, 10, 10000);
	serve_end(&run);
	cr_assert_neq(access(inside(&manifest, ""), F_OK), 0);
	assert_ids(ids);
	free(ids);
}

/* What really needs more: a program of others, which is taken off its hook, has to be opened by its id. */
Test(privilege, what_takes_more_is_named)
{
	int foreign = program_return(BPF_PROG_TYPE_SK_SKB, "foreign", SK_PASS), map;
	struct manifest manifest;
	struct result result;

	if (!has_queries())
		cr_skip_test("skipped: this kernel cannot be asked what is attached to a map");
	user_begin(&manifest, "more");
	manifest_write(manifest.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  echo_sockets: { type: sockhash, key: [cookie], max_entries: 65536 }\n",
		manifest.name);
	user_expect(0, "apply", manifest.path);
	map = bpf_obj_get(inside(&manifest, "maps/echo_sockets"));
	cr_assert_geq(map, 0, "%s", strerror(errno));
	cr_assert_eq(bpf_prog_attach(foreign, map, BPF_SK_SKB_STREAM_VERDICT, 0), 0);
	manifest_echo(&manifest, BODY_ECHO);
	user_expect(3, "apply", manifest.path);
	as_user(&result, TWO, "apply", "--force", manifest.path);
	assert_code(&result, 3);
	assert_says(result.err, "CAP_SYS_ADMIN");
	result_finish(&result);
	cr_assert_eq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), program_id(foreign));
	as_user(&result, TWO ",+sys_admin", "apply", "--force", manifest.path);
	assert_code(&result, 0);
	result_finish(&result);
	cr_assert_neq(hook_program(map, BPF_SK_SKB_STREAM_VERDICT), program_id(foreign));
	user_expect(0, "status", manifest.name);
	close(map);
}

Test(privilege, what_is_missing_is_named)
{
	static const struct {
		const char *has, *missing;
	} cases[] = {
		{ "+net_admin", "CAP_BPF" },
		{ "+bpf", "CAP_NET_ADMIN" },
		{ "", "CAP_BPF and CAP_NET_ADMIN" },
	};
	struct manifest manifest;
	char map[128];
	const struct {
		const char *verb, *operand;
	} verbs[] = { { "plan", manifest.path }, { "apply", manifest.path },
		{ "delete", manifest.path }, { "detach", map }, { "status", manifest.name },
		{ "run", manifest.path } };

	user_begin(&manifest, "missing");
	snprintf(map, sizeof(map), "%s/echo_sockets", manifest.name);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (size_t j = 0; j < sizeof(verbs) / sizeof(*verbs); j++) {
			struct result result;
			char words[128];

			snprintf(words, sizeof(words), "%s needs %s:", verbs[j].verb,
				cases[i].missing);
			as_user(&result, cases[i].has, verbs[j].verb, verbs[j].operand);
			assert_code(&result, 3);
			assert_says(result.err, words);
			result_finish(&result);
		}
}

/* No bpffs anywhere: for whom it may be mounted, it is; nobody who only reads does that. */
Test(privilege, a_bpffs_that_is_not_there_is_mounted)
{
	struct manifest manifest;
	struct result result;
	struct statfs is;
	struct stat is_stat;

	user_begin(&manifest, "mount");
	while (umount2(BPFFS, MNT_DETACH) == 0)
		continue;
	cr_assert_eq(umount(mount_path), 0, "%s", strerror(errno));
	as_user_words(&result, TWO, (const char *const[]){ "apply", manifest.path, NULL });
	assert_code(&result, 3);
	assert_says(result.err, "no bpffs is mounted, and mounting it at " BPFFS " failed");
	assert_says(result.err, "mounting takes CAP_SYS_ADMIN");
	result_finish(&result);
	sockform_expect(1, "status", manifest.name);
	sockform_expect(1, "plan", "--exit-code", manifest.path);
	cr_assert_eq(statfs(BPFFS, &is), 0);
	cr_assert_neq(is.f_type, BPF_FS_MAGIC, "a reader has mounted it");
	sockform_expect(0, "apply", manifest.path);
	cr_assert_eq(statfs(BPFFS, &is), 0);
	cr_assert_eq(is.f_type, BPF_FS_MAGIC);
	cr_assert_eq(stat(BPFFS, &is_stat), 0);
	cr_assert_eq(is_stat.st_mode & 0777, 0700);
	sockform_expect(0, "status", manifest.name);
	sockform_expect(0, "delete", manifest.path);
}

/* As root, in the other bpffs. */
#define here(result, ...) sockform(result, __VA_ARGS__, "--bpffs", mount_path)
#define here_expect(code, ...) sockform_expect(code, __VA_ARGS__, "--bpffs", mount_path)

static void made(struct manifest *ret, const char *name)
{
	manifest_init(ret, name);
	manifest_echo(ret, BODY_ECHO);
	here_expect(0, "apply", ret->path);
}

Test(privilege, another_bpffs_is_another_world)
{
	struct manifest manifest;

	made(&manifest, "world");
	cr_assert_neq(access(manifest_pin(&manifest, ""), F_OK), 0);
	sockform_expect(1, "status", manifest.name);
	here_expect(0, "status", manifest.name);
	here_expect(0, "delete", manifest.path);
}

Test(privilege, what_is_no_bpffs_is_refused)
{
	struct manifest manifest;
	struct result result;

	manifest_init(&manifest, "none");
	manifest_echo(&manifest, BODY_ECHO);
	sockform(&result, "apply", "--bpffs", "/tmp", manifest.path);
	assert_code(&result, 3);
	assert_says(result.err, "/tmp is no bpffs");
	result_finish(&result);
}

static size_t modes_seen;

/* For the owner alone. What a symlink says is no secret, and its mode means nothing. */
static int check_mode(const char *path, const struct stat *is, int type, struct FTW *where)
{
	(void)where;
	if (type == FTW_SL)
		return 0;
	modes_seen++;
	cr_assert_eq(is->st_mode & 07777, type == FTW_D ? 0700 : 0600, "%s: %o", path,
		is->st_mode & 07777);
	return 0;
}

/* Folders: the root and its gate, the deployment and the six in it. */
#define FOLDERS 9

static void assert_modes(size_t pins)
{
	char root[256];

	snprintf(root, sizeof(root), "%s/sockform", mount_path);
	modes_seen = 0;
	cr_assert_eq(nftw(root, check_mode, 16, FTW_PHYS), 0);
	cr_assert_eq(modes_seen, FOLDERS + pins);
}

/* Whatever the umask is: of what is made, of what takes another's place, and of the folders. */
Test(privilege, modes_are_set_on_purpose)
{
	const char *cgroup = cgroup_make("modes");
	/* A map, three programs; of each attachment slot, dispatcher and, where there is one, link. */
	const size_t pins = 4 + 3 * 2 + (has_links() ? 3 : 1);
	static const mode_t masks[] = { 0, 0777 };

	for (size_t i = 0; i < 2; i++) {
		struct manifest manifest;

		manifest_init(&manifest, "modes");
		for (unsigned int step = 0; step < 3; step++) {
			manifest_kinds(
				&manifest, cgroup, step ? "r0 = 0" : "r0 = 1", step == 2 ? 8 : 4);
			umask(masks[i]);
			here_expect(0, "apply", "--replace", manifest.path);
			umask(022);
			assert_modes(pins);
		}
		here_expect(0, "delete", manifest.path);
	}
}

static void assert_distrusted(const struct manifest *manifest, const char *words)
{
	static const char *const verbs[] = { "apply", "plan", "delete" };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		struct result result;

		here(&result, verbs[i], manifest->path);
		assert_code(&result, 3);
		assert_says(result.err, "E0410");
		assert_says(result.err, words);
		result_finish(&result);
	}
	here_expect(3, "status", manifest->name);
}

/* Below the deployment; "" is its own folder, ".." the root of all. */
static const char *const folders[] = { "..", "", "maps", "programs", "slots", "dispatchers",
	"links", "records" };

static const char *folder_path(const struct manifest *manifest, const char *folder)
{
	static char path[512];

	if (strcmp(folder, "..") != 0)
		return inside(manifest, folder);
	snprintf(path, sizeof(path), "%s/sockform", mount_path);
	return path;
}

/* For each folder: `spoil` makes it one that is not to be used, and `mend` makes it good. */
static void each_distrusted(const char *name, const char *words, void (*spoil)(const char *path),
	void (*mend)(const char *path))
{
	struct manifest manifest;
	size_t tried = 0;

	made(&manifest, name);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s", folder_path(&manifest, folders[i]));
		if (access(path, F_OK) != 0)
			continue; /* no links here */
		tried++;
		spoil(path);
		assert_distrusted(&manifest, words);
		mend(path);
		here_expect(0, "status", manifest.name);
	}
	cr_assert_geq(tried, 7);
	here_expect(0, "delete", manifest.path);
}

static void give_away(const char *path)
{
	cr_assert_eq(chown(path, NOBODY, NOBODY), 0);
}

static void take_back(const char *path)
{
	cr_assert_eq(chown(path, 0, 0), 0);
}

Test(privilege, a_folder_of_somebody_else_is_not_used)
{
	each_distrusted("owner", "belongs to user 65534", give_away, take_back);
}

static void open_to_group(const char *path)
{
	cr_assert_eq(chmod(path, 0770), 0);
}

static void open_to_all(const char *path)
{
	cr_assert_eq(chmod(path, 0702), 0);
}

static void close_to_all(const char *path)
{
	cr_assert_eq(chmod(path, 0700), 0);
}

Test(privilege, a_folder_that_others_can_write_is_not_used)
{
	each_distrusted(
		"group", "can be written by others (mode 0770)", open_to_group, close_to_all);
	each_distrusted(
		"others", "can be written by others (mode 0702)", open_to_all, close_to_all);
}

static const char *elsewhere(void)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/elsewhere", mount_path);
	return path;
}

/* A symlink in the place of a folder leads out of the tree. */
static void lead_away(const char *path)
{
	cr_assert_eq(rename(path, elsewhere()), 0, "%s", strerror(errno));
	cr_assert_eq(symlink(elsewhere(), path), 0);
}

static void lead_back(const char *path)
{
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(rename(elsewhere(), path), 0);
}

Test(privilege, a_symlink_is_not_gone_through)
{
	each_distrusted("link", "is a symlink, or no folder", lead_away, lead_back);
}

/* Nor where nothing is there yet. */
Test(privilege, a_root_that_is_a_symlink_is_not_used)
{
	char root[256], elsewhere[256];
	struct manifest manifest;
	struct result result;

	manifest_init(&manifest, "root");
	manifest_echo(&manifest, BODY_ECHO);
	snprintf(root, sizeof(root), "%s/sockform", mount_path);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", mount_path);
	cr_assert_eq(mkdir(elsewhere, 0700), 0);
	cr_assert_eq(symlink(elsewhere, root), 0);
	here(&result, "apply", manifest.path);
	assert_code(&result, 3);
	assert_says(result.err, "E0410");
	result_finish(&result);
	cr_assert_neq(access(inside(&manifest, ""), F_OK), 0);
}
