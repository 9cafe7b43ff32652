/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpffs, the only database:
 *
 *	<bpffs>/sockform/+lock                                       see lock.c
 *	<bpffs>/sockform/<deployment>/layout                         symlink: version of this tree
 *	                             /source                         symlink: what it was applied from
 *	                             /records/<file name of a pin>   symlink: see lib/state/record.c
 *	                             /maps/<map>
 *	                             /programs/<program>@<digest>
 *	                             /slots/<target>:<attach type>       program array of one element
 *	                             /dispatchers/<target>:<attach type> program that tail-calls the slot
 *	                             /links/<target>:<attach type>       link that attaches it
 *
 * bpffs takes no "." in a name (EPERM) and no regular files; "@", ":" and symlinks it takes.
 */
#include "lib/kernel/kernel.h"

#include "lib/base/cleanup.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define USUAL_MOUNT "/sys/fs/bpf"
#define GATE "+lock"

static const char *const folder_names[FOLDER_COUNT] = {
	[FOLDER_RECORDS] = "records",
	[FOLDER_MAPS] = "maps",
	[FOLDER_PROGRAMS] = "programs",
	[FOLDER_SLOTS] = "slots",
	[FOLDER_DISPATCHERS] = "dispatchers",
	[FOLDER_LINKS] = "links",
};

static const char *const text_names[TEXT_COUNT] = {
	[TEXT_LAYOUT] = "layout",
	[TEXT_SOURCE] = "source",
};

static bool is_bpffs(const char *path)
{
	struct statfs stat;

	return statfs(path, &stat) == 0 && stat.f_type == BPF_FS_MAGIC;
}

/* Where the user says; else the usual place, or the first bpffs in the mount table. */
static const char *find_mount(struct kernel *kernel)
{
	struct arena *arena = kernel->arena;
	const char *found = NULL;
	struct mntent *entry;
	FILE *mounts;

	if (kernel->bpffs)
		return kernel->bpffs;
	if (is_bpffs(USUAL_MOUNT))
		return USUAL_MOUNT;
	mounts = setmntent("/proc/self/mounts", "re");
	if (!mounts)
		return NULL;
	while (!found && (entry = getmntent(mounts)))
		if (strcmp(entry->mnt_type, "bpf") == 0 && is_bpffs(entry->mnt_dir))
			found = arena_copy(arena, entry->mnt_dir, strlen(entry->mnt_dir));
	endmntent(mounts);
	return found;
}

static const char *mount_bpffs(struct kernel *kernel)
{
	if (mount("bpf", USUAL_MOUNT, "bpf", 0, "mode=0700") == 0)
		return USUAL_MOUNT;
	diag_add(kernel->diagnostics, DIAG_E0405, mark_none,
		"no bpffs is mounted, and mounting it at " USUAL_MOUNT " failed: %s",
		strerror(errno))
		->hint = "mounting takes CAP_SYS_ADMIN; as root: mount -t bpf bpf " USUAL_MOUNT;
	return NULL;
}

/* As far as it goes without CAP_SYS_RESOURCE, and with it as far as asked. */
static void raise_limit(__rlimit_resource_t resource, rlim_t most)
{
	struct rlimit limit, higher;

	if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return;
	limit.rlim_cur = limit.rlim_max;
	higher.rlim_max = higher.rlim_cur = limit.rlim_max > most ? limit.rlim_max : most;
	if (setrlimit(resource, &higher) != 0)
		setrlimit(resource, &limit);
}

/*
 * An object costs up to a dozen descriptors while it is applied, and a connection one: as many as this
 * process may have. Before 5.11 maps and programs count as locked memory; the usual 64 KiB hold
 * next to none.
 */
static void raise_limits(void)
{
	raise_limit(RLIMIT_NOFILE, 0);
	raise_limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
}

/* libbpf would write to stderr what no sink knows of. */
static int discard(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

const char *kernel_gate_path(const struct kernel *kernel)
{
	return arena_printf(kernel->arena, "%s/" GATE, kernel->root);
}

static bool cannot_make(struct kernel *kernel, const char *path)
{
	diag_add(kernel->diagnostics, DIAG_E0405, mark_none, "cannot make %s: %s", path,
		strerror(errno));
	return false;
}

/* Nothing is made in a root that is not to be trusted. */
static bool make_root(struct kernel *kernel)
{
	cleanup_fd int root = -1;

	if (mkdir(kernel->root, 0700) != 0 && errno != EEXIST)
		return cannot_make(kernel, kernel->root);
	if (!kernel_open_folder(kernel, kernel->root, &root))
		return false;
	return mkdirat(root, GATE, 0700) == 0 || errno == EEXIST ||
	       cannot_make(kernel, kernel_gate_path(kernel));
}

static bool refuse_mount(struct kernel *kernel)
{
	diag_add(kernel->diagnostics, DIAG_E0405, mark_none, "%s is no bpffs", kernel->bpffs)
		->hint = arena_printf(kernel->arena, "as root: mount -t bpf bpf %s", kernel->bpffs);
	return false;
}

bool kernel_open(struct kernel *kernel, bool make)
{
	const char *bpffs = find_mount(kernel);

	kernel->links = NULL;
	if (kernel->bpffs && !is_bpffs(kernel->bpffs))
		return refuse_mount(kernel);
	raise_limits();
	libbpf_set_print(discard);
	if (!bpffs && !make)
		return true;
	/* What is made is for its owner alone, whatever this process was started with. */
	umask(S_IRWXG | S_IRWXO);
	if (!bpffs)
		bpffs = mount_bpffs(kernel);
	if (!bpffs)
		return false;
	kernel->root = arena_printf(kernel->arena, "%s/sockform", bpffs);
	return !make || make_root(kernel);
}

const char *kernel_deployment_path(const struct kernel *kernel, const char *deployment)
{
	return arena_printf(kernel->arena, "%s/%s", kernel->root, deployment);
}

const char *kernel_folder_path(
	const struct kernel *kernel, const char *deployment, enum kernel_folder folder)
{
	return arena_printf(
		kernel->arena, "%s/%s/%s", kernel->root, deployment, folder_names[folder]);
}

const char *kernel_path(const struct kernel *kernel, const char *deployment,
	enum kernel_folder folder, const char *file)
{
	return arena_printf(
		kernel->arena, "%s/%s/%s/%s", kernel->root, deployment, folder_names[folder], file);
}

int kernel_make_folder(const char *path)
{
	return mkdir(path, 0700) == 0 ? 0 : -errno;
}

int kernel_remove_folder(const char *path)
{
	return rmdir(path) == 0 || errno == ENOENT ? 0 : -errno;
}

int kernel_pin(int fd, const char *path)
{
	return bpf_obj_pin(fd, path) == 0 ? 0 : -errno;
}

int kernel_unpin(const char *path)
{
	return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}

int kernel_open_pin(const char *path)
{
	int fd = bpf_obj_get(path);

	return fd >= 0 ? fd : -errno;
}

/* BPF_OBJ_GET with a folder to begin at, since 6.5; older headers lack its end. */
#define PATH_FD (1u << 14) /* BPF_F_PATH_FD */

struct open_request {
	uint64_t path;
	uint32_t fd, flags;
	int32_t folder;
	uint32_t padding;
};

static int open_object(const char *path, uint32_t flags, int folder)
{
	const struct open_request request = {
		.path = (uintptr_t)path,
		.flags = flags,
		.folder = folder,
	};
	long fd = syscall(SYS_bpf, BPF_OBJ_GET, &request, sizeof(request));

	return fd >= 0 ? (int)fd : -errno;
}

/* By its name alone, half of the call's time is saved, which is the way from the root. */
int kernel_open_pin_in(
	struct arena *arena, const struct kernel_pins *folder, const char *name, uint32_t flags)
{
	int fd = open_object(name, flags | PATH_FD, folder->fd);

	if (fd != -EINVAL)
		return fd;
	return open_object(arena_printf(arena, "%s/%s", folder->path, name), flags, 0);
}

int kernel_pin_over(const struct kernel *kernel, int fd, const char *path)
{
	const char *spare = arena_printf(kernel->arena, "%s" STATE_SPARE_SUFFIX, path);
	int error = kernel_pin(fd, spare);

	return error ? error : kernel_replace(kernel, spare, path);
}

uint64_t kernel_identify(const struct kernel *kernel, const char *deployment)
{
	struct stat folder;

	if (!kernel->root || stat(kernel_deployment_path(kernel, deployment), &folder) != 0)
		return 0;
	return folder.st_ino;
}

const char *kernel_text_path(
	const struct kernel *kernel, const char *deployment, enum kernel_text text)
{
	return arena_printf(kernel->arena, "%s/%s/%s", kernel->root, deployment, text_names[text]);
}

static bool is_named(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

bool kernel_is_replaced(const char *text)
{
	return strcmp(text, text_names[TEXT_SOURCE]) == 0;
}

bool kernel_is_ours(const struct kernel_file *file)
{
	if (file->is_symlink)
		return is_named(text_names, TEXT_COUNT, file->name);
	return file->is_folder && is_named(folder_names, FOLDER_COUNT, file->name);
}

bool kernel_list_deployments(struct kernel *kernel, kernel_names *ret)
{
	kernel_files files = { 0 };

	if (kernel->root && !kernel_list_files(kernel, kernel->root, &files))
		return false;
	vec_each (file, &files)
		if (file->is_folder && strcmp(file->name, GATE) != 0)
			*vec_add(kernel->arena, ret) = file->name;
	return true;
}
