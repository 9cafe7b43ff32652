/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Least privilege: everything works for a user who is not root and has CAP_BPF and CAP_NET_ADMIN, in a
 * bpffs of its own; what is missing is named; and what others could change is not used.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

#define NOBODY 65534

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

/* As nobody, with these capabilities: "+bpf,+net_admin". */
static void as_user(
	struct result *ret, const char *capabilities, const char *verb, const char *operand)
{
	char bounding[128];
	const char *const argv[] = { "setpriv", "--reuid", "65534", "--regid", "65534",
		"--clear-groups", "--inh-caps", bounding, "--ambient-caps", bounding,
		"--bounding-set", bounding, sockform_path(), verb, "--bpffs", mount_path, operand,
		NULL };

	snprintf(bounding, sizeof(bounding), "-all%s%s", *capabilities ? "," : "", capabilities);
	command_run(ret, 0, argv);
	if (ret->code == 127)
		cr_skip_test("skipped: there is no setpriv");
}

static void user_expect(int code, const char *verb, const char *operand)
{
	struct result result;

	as_user(&result, "+bpf,+net_admin", verb, operand);
	assert_code(&result, code);
	result_finish(&result);
}

static void readable(const struct manifest *manifest)
{
	cr_assert_eq(chmod(manifest->path, 0644), 0);
}

Test(privilege, a_user_with_two_capabilities_does_everything)
{
	static const char link[] = "links/echo_sockets:stream_verdict";
	static const char *const pins[] = { "maps/echo_sockets",
		"slots/echo_sockets:stream_verdict", link,
		"dispatchers/echo_sockets:stream_verdict" };
	char *ids = snapshot_ids();
	struct manifest manifest;
	struct stat stat_buffer;

	manifest_init(&manifest, "user");
	manifest_echo(&manifest, BODY_ECHO);
	readable(&manifest);
	cr_assert_eq(chown(mount_path, NOBODY, NOBODY), 0, "%s", strerror(errno));
	user_expect(0, "apply", manifest.path);
	user_expect(0, "status", manifest.name);
	user_expect(0, "plan", manifest.path);
	cr_assert_eq(stat(inside(&manifest, "maps/echo_sockets"), &stat_buffer), 0);
	cr_assert_eq(stat_buffer.st_uid, NOBODY);
	manifest_echo(&manifest, BODY_PASS);
	readable(&manifest);
	user_expect(0, "apply", manifest.path);
	for (size_t i = 0; i < sizeof(pins) / sizeof(*pins); i++) {
		/*
		 * Kernels without links for maps have no pin of one; and what is attached there without
		 * one needs CAP_SYS_ADMIN to be opened once it has lost its own pin.
		 */
		if (access(inside(&manifest, link), F_OK) != 0 && i >= 2)
			continue;
		cr_assert_eq(unlink(inside(&manifest, pins[i])), 0);
		user_expect(1, "status", manifest.name);
		user_expect(0, "apply", manifest.path);
		user_expect(0, "status", manifest.name);
	}
	user_expect(0, "delete", manifest.path);
	cr_assert_neq(access(inside(&manifest, ""), F_OK), 0);
	assert_ids(ids);
	free(ids);
}

Test(privilege, what_is_missing_is_named)
{
	static const struct {
		const char *has, *missing;
	} cases[] = {
		{ "+net_admin", "apply needs CAP_BPF:" },
		{ "+bpf", "apply needs CAP_NET_ADMIN:" },
		{ "", "apply needs CAP_BPF and CAP_NET_ADMIN:" },
	};
	struct manifest manifest;

	manifest_init(&manifest, "missing");
	manifest_echo(&manifest, BODY_ECHO);
	readable(&manifest);
	cr_assert_eq(chown(mount_path, NOBODY, NOBODY), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct result result;

		as_user(&result, cases[i].has, "apply", manifest.path);
		assert_code(&result, 3);
		assert_says(result.err, cases[i].missing);
		result_finish(&result);
	}
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

static mode_t mode_of(const char *path)
{
	struct stat is;

	cr_assert_eq(lstat(path, &is), 0, "%s: %s", path, strerror(errno));
	return is.st_mode & 07777;
}

/* Whatever the umask is: for the owner alone, and for the owner. */
Test(privilege, modes_are_set_on_purpose)
{
	static const mode_t masks[] = { 0, 0777 };

	for (size_t i = 0; i < 2; i++) {
		struct manifest manifest;

		manifest_init(&manifest, "modes");
		manifest_echo(&manifest, BODY_ECHO);
		umask(masks[i]);
		here_expect(0, "apply", manifest.path);
		umask(022);
		cr_assert_eq(mode_of(inside(&manifest, "")), 0700);
		cr_assert_eq(mode_of(inside(&manifest, "maps")), 0700);
		cr_assert_eq(mode_of(inside(&manifest, "maps/echo_sockets")), 0600);
		cr_assert_eq(mode_of(inside(&manifest, "slots/echo_sockets:stream_verdict")), 0600);
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

Test(privilege, a_folder_of_somebody_else_is_not_used)
{
	struct manifest manifest;

	made(&manifest, "owner");
	cr_assert_eq(chown(inside(&manifest, "maps"), NOBODY, NOBODY), 0);
	assert_distrusted(&manifest, "belongs to user 65534");
	cr_assert_eq(chown(inside(&manifest, "maps"), 0, 0), 0);
	here_expect(0, "status", manifest.name);
	here_expect(0, "delete", manifest.path);
}

Test(privilege, a_folder_that_others_can_write_is_not_used)
{
	struct manifest manifest;

	made(&manifest, "mode");
	cr_assert_eq(chmod(inside(&manifest, ""), 0777), 0);
	assert_distrusted(&manifest, "can be written by others (mode 0777)");
	cr_assert_eq(chmod(inside(&manifest, ""), 0700), 0);
	here_expect(0, "delete", manifest.path);
}

/* A symlink in the place of a folder leads out of the tree. */
Test(privilege, a_symlink_is_not_gone_through)
{
	char folder[512], elsewhere[512];
	struct manifest manifest;

	made(&manifest, "link");
	snprintf(folder, sizeof(folder), "%s", inside(&manifest, "maps"));
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", mount_path);
	cr_assert_eq(rename(folder, elsewhere), 0, "%s", strerror(errno));
	cr_assert_eq(symlink(elsewhere, folder), 0);
	assert_distrusted(&manifest, "is a symlink, or no folder");
	cr_assert_eq(unlink(folder), 0);
	cr_assert_eq(rename(elsewhere, folder), 0);
	here_expect(0, "status", manifest.name);
	here_expect(0, "delete", manifest.path);
}

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
