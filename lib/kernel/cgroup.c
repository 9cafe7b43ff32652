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

const char *kernel_cgroup_mount(struct arena *arena)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const char *found = NULL;
	struct mntent *entry;

	if (!mounts)
		return NULL;
	while (!found && (entry = getmntent(mounts)))
		if (strcmp(entry->mnt_type, "cgroup2") == 0)
			found = arena_copy(arena, entry->mnt_dir, strlen(entry->mnt_dir));
	endmntent(mounts);
	return found;
}

/* cgroup2 has no symlinks and its paths here no "..", but something may be mounted in between. */
int kernel_open_cgroup(const char *mount, const char *path)
{
	cleanup_fd int root = mount ? open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	cleanup_fd int fd = -1;

	if (!mount)
		return -ENOENT;
	if (root < 0)
		return -errno;
	if (strcmp(path, "/") == 0)
		return fd_steal(&root);
	fd = openat(root, path + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	return is_cgroup2(fd) ? fd_steal(&fd) : -ENOENT;
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
	struct state_cgroup *cgroup;
	cleanup_fd int fd = -1;

	if (known)
		return known;
	if (!state->cgroup_mount)
		state->cgroup_mount = kernel_cgroup_mount(kernel->arena);
	fd = kernel_open_cgroup(state->cgroup_mount, path);
	cgroup = vec_add(kernel->arena, &state->cgroups);
	cgroup->path = path;
	cgroup->id = fd >= 0 ? kernel_cgroup_id(fd) : 0;
	return cgroup;
}
