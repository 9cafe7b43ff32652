/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Cgroups: where cgroup2 is mounted differs between systems (/sys/fs/cgroup, or below it). */
#include "lib/kernel/kernel.h"

#include "lib/base/cleanup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static int open_folder(int at, const char *path)
{
	cleanup_fd int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs stat;

	if (fd < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	if (fstatfs(fd, &stat) != 0)
		return -errno;
	return stat.f_type == CGROUP2_SUPER_MAGIC ? fd_steal(&fd) : -ENOENT;
}

/*
 * Where something else is mounted over one, or this process has no way to it, it cannot be reached by its
 * path: 0. 1 or a negative errno.
 */
static int is_reached(const char *path)
{
	cleanup_fd int fd = open_folder(AT_FDCWD, path);

	return fd >= 0 || fd == -ENOENT || fd == -EACCES ? fd >= 0 : fd;
}

int kernel_find_cgroup_mount(struct arena *arena, const char **ret)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;
	int reached = 0;

	*ret = NULL;
	if (!mounts)
		return errno == ENOENT ? 0 : -errno;
	while (!reached && (entry = getmntent(mounts))) {
		if (strcmp(entry->mnt_type, "cgroup2") == 0)
			reached = is_reached(entry->mnt_dir);
		if (reached > 0)
			*ret = arena_copy(arena, entry->mnt_dir, strlen(entry->mnt_dir));
	}
	endmntent(mounts);
	return reached < 0 ? reached : 0;
}

/* cgroup2 has no symlinks and its paths here no "..", but something may be mounted in between. */
int kernel_open_cgroup(const char *mount, const char *path)
{
	cleanup_fd int root = mount ? open_folder(AT_FDCWD, mount) : -ENOENT;

	if (root < 0 || strcmp(path, "/") == 0)
		return fd_steal(&root);
	return open_folder(root, path + 1);
}

uint64_t kernel_cgroup_id(int cgroup)
{
	struct stat folder;

	return fstat(cgroup, &folder) == 0 ? folder.st_ino : 0;
}

static int find_id(struct kernel *kernel, struct state *state, const char *path, uint64_t *ret)
{
	cleanup_fd int fd = -1;
	int error = 0;

	if (!state->cgroup_mount)
		error = kernel_find_cgroup_mount(kernel->arena, &state->cgroup_mount);
	if (error)
		return error;
	fd = kernel_open_cgroup(state->cgroup_mount, path);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	*ret = kernel_cgroup_id(fd);
	return *ret ? 0 : -errno;
}

bool kernel_find_cgroup(struct kernel *kernel, struct state *state, const char *path)
{
	struct state_cgroup cgroup = { .path = path };
	int error;

	if (state_cgroup_at(state, path))
		return true;
	error = find_id(kernel, state, path, &cgroup.id);
	if (!error)
		state_add_cgroup(kernel->arena, state, cgroup);
	else
		diag_add(kernel->diagnostics, DIAG_E0405, mark_none,
			"cannot look at the cgroup %s: %s", path,
			kernel_explain(kernel->arena, error));
	return !error;
}
