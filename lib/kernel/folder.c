/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Folders of the tree, and the symlinks that remember what is no object: their target is the text.
 *
 * What stands in a folder that somebody else may write is theirs to exchange behind our back, and a
 * symlink leads out of the tree: neither is gone into.
 */
#include "lib/kernel/kernel.h"

#include "lib/base/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int open_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

/* What speaks against the folder, as a clause; NULL: nothing. */
static const char *find_distrust(struct arena *arena, int fd)
{
	struct stat folder;

	if (fstat(fd, &folder) != 0)
		return strerror(errno);
	if (folder.st_uid != 0 && folder.st_uid != geteuid())
		return arena_printf(arena, "belongs to user %u", folder.st_uid);
	if (folder.st_mode & (S_IWGRP | S_IWOTH))
		return arena_printf(
			arena, "can be written by others (mode %04o)", folder.st_mode & 07777);
	return NULL;
}

static bool refuse(struct kernel *kernel, const char *path, const char *why)
{
	diag_add(kernel->diagnostics, DIAG_E0410, mark_none, "%s %s", path, why)->hint =
		"sockform uses only folders that nobody but root and the user who runs it can "
		"change";
	return false;
}

bool kernel_cannot_read(struct kernel *kernel, const char *path, int error)
{
	diag_add(kernel->diagnostics, DIAG_E0405, mark_none, "cannot read %s: %s", path,
		kernel_explain(kernel->arena, error));
	return false;
}

bool kernel_open_folder(struct kernel *kernel, const char *path, int *ret)
{
	const char *distrust;

	*ret = open_folder(path);
	if (*ret == -ENOENT)
		return true;
	if (*ret == -ENOTDIR || *ret == -ELOOP)
		return refuse(kernel, path, "is a symlink, or no folder");
	if (*ret < 0)
		return kernel_cannot_read(kernel, path, *ret);
	distrust = find_distrust(kernel->arena, *ret);
	return !distrust || refuse(kernel, path, distrust);
}

static int compare_files(const void *left, const void *right)
{
	const struct kernel_file *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static int read_files(struct arena *arena, DIR *folder, kernel_files *ret)
{
	struct dirent *entry;
	int error;

	for (errno = 0; (entry = readdir(folder)); errno = 0)
		if (entry->d_name[0] != '.')
			*vec_add(arena, ret) = (struct kernel_file){
				.name = arena_copy(arena, entry->d_name, strlen(entry->d_name)),
				.is_symlink = entry->d_type == DT_LNK,
				.is_folder = entry->d_type == DT_DIR,
			};
	error = -errno;
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare_files);
	return error;
}

bool kernel_list_open_folder(struct kernel *kernel, const char *path, int fd, kernel_files *ret)
{
	cleanup_fd int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *folder = own >= 0 ? fdopendir(own) : NULL;
	int error;

	if (!folder)
		return kernel_cannot_read(kernel, path, -errno);
	fd_steal(&own);
	error = read_files(kernel->arena, folder, ret);
	closedir(folder);
	return !error || kernel_cannot_read(kernel, path, error);
}

bool kernel_list_files(struct kernel *kernel, const char *path, kernel_files *ret)
{
	cleanup_fd int fd = -1;

	return kernel_open_folder(kernel, path, &fd) &&
	       (fd < 0 || kernel_list_open_folder(kernel, path, fd, ret));
}

/* What is no symlink has no text either. */
static int read_text(struct arena *arena, int at, const char *path, const char **ret)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(at, path, target, sizeof(target));

	*ret = length >= 0 ? arena_copy(arena, target, (size_t)length) : NULL;
	return length >= 0 || errno == ENOENT || errno == EINVAL ? 0 : -errno;
}

int kernel_read_text(struct arena *arena, const char *path, const char **ret)
{
	return read_text(arena, AT_FDCWD, path, ret);
}

int kernel_read_text_in(
	struct arena *arena, const struct kernel_pins *folder, const char *name, const char **ret)
{
	return read_text(arena, folder->fd, name, ret);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *where)
{
	(void)stat;
	(void)type;
	(void)where;
	return remove(path);
}

int kernel_remove_tree(const char *path)
{
	return nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 || errno == ENOENT
		       ? 0
		       : -errno;
}

void kernel_report_left(const struct kernel *kernel, const char *path, int error, bool forced)
{
	diag_add(kernel->diagnostics, DIAG_E0402, mark_none,
		"a change at %s could not be taken back: %s", path,
		kernel_explain(kernel->arena, error))
		->hint = forced ? "apply or delete with --force completes it"
				: "apply or delete completes it";
}

int kernel_replace(const struct kernel *kernel, const char *spare, const char *path)
{
	int error = rename(spare, path) == 0 ? 0 : -errno;

	/* Once more, as all that is taken back. */
	if (error && unlink(spare) != 0 && unlink(spare) != 0)
		kernel_report_left(kernel, spare, -errno, false);
	return error;
}

int kernel_write_text(
	const struct kernel *kernel, const char *path, const char *text, bool replaces)
{
	const char *spare = arena_printf(kernel->arena, "%s" STATE_SPARE_SUFFIX, path);

	if (symlink(text, replaces ? spare : path) != 0)
		return -errno;
	return replaces ? kernel_replace(kernel, spare, path) : 0;
}
