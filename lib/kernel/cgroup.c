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

static bool is_cgroup2(int fd)
{
	struct statfs stat;

	return fstatfs(fd, &stat) == 0 && stat.f_type == CGROUP2_SUPER_MAGIC;
}

static int open_folder(int at, const char *path)
{
	cleanup_fd int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	return is_cgroup2(fd) ? fd_steal(&fd) : -ENOENT;
}

/* Where something else is mounted over one, it cannot be reached by its path. */
static bool is_reached(const char *path)
{
	cleanup_fd int fd = open_folder(AT_FDCWD, path);

	return fd >= 0;
}

const char *kernel_cgroup_mount(struct arena *arena)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const char *found = NULL;
	struct mntent *entry;

	if (!mounts)
		return NULL;
	while (!found && (entry = getmntent(mounts)))
		if (strcmp(entry->mnt_type, "cgroup2") == 0 && is_reached(entry->mnt_dir))
			found = arena_copy(arena, entry->mnt_dir, strlen(entry->mnt_dir));
	endmntent(mounts);
	return found;
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

const struct state_cgroup *kernel_find_cgroup(
	struct kernel *kernel, struct state *state, const char *path)
{
	const struct state_cgroup *known = state_cgroup_at(state, path);
	struct state_cgroup cgroup = { .path = path };
	cleanup_fd int fd = -1;

	if (known)
		return known;
	if (!state->cgroup_mount)
		state->cgroup_mount = kernel_cgroup_mount(kernel->arena);
	fd = kernel_open_cgroup(state->cgroup_mount, path);
	cgroup.id = fd >= 0 ? kernel_cgroup_id(fd) : 0;
	return state_add_cgroup(kernel->arena, state, cgroup);
}
