/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/kernel/kernel.h"

#include "lib/base/cleanup.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

/* How often a waiter looks again: flock has no timeout, and a signal would be the caller's. */
#define POLL_NANOSECONDS (10 * 1000 * 1000)

/* /proc/locks: "1: FLOCK  ADVISORY  WRITE 4711 00:1c:8263 0 EOF"; numbers of devices are hex. */
static int find_holder(const struct stat *folder)
{
	FILE *locks = fopen("/proc/locks", "re");
	unsigned int major, minor;
	unsigned long inode;
	char line[256];
	int holder = 0, pid;

	if (!locks)
		return 0;
	/* A line of a waiter has "->" before the kind, and does not match. */
	while (!holder && fgets(line, sizeof(line), locks))
		if (sscanf(line, "%*d: FLOCK ADVISORY %*s %d %x:%x:%lu", &pid, &major, &minor,
			    &inode) == 4 &&
			inode == folder->st_ino && makedev(major, minor) == folder->st_dev)
			holder = pid;
	fclose(locks);
	return holder;
}

static const char *describe_holder(struct arena *arena, int fd)
{
	char command[64] = "";
	struct stat folder;
	FILE *comm;
	int pid;

	pid = fstat(fd, &folder) == 0 ? find_holder(&folder) : 0;
	if (pid <= 0)
		return "a process that cannot be seen from here";
	comm = fopen(arena_printf(arena, "/proc/%d/comm", pid), "re");
	if (comm && fgets(command, sizeof(command), comm))
		command[strcspn(command, "\n")] = '\0';
	if (comm)
		fclose(comm);
	return arena_printf(arena, "process %d (%s)", pid, *command ? command : "gone by now");
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A caller that has these signals blocked waits for them elsewhere; not for ever here. */
static bool is_told_to_stop(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 &&
	       (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
		       sigismember(&pending, SIGHUP) == 1);
}

int kernel_lock(struct kernel *kernel, bool exclusive, unsigned int seconds)
{
	const struct timespec pause = { .tv_nsec = POLL_NANOSECONDS };
	cleanup_fd int fd =
		kernel->root ? open(kernel->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	double deadline = seconds_now() + seconds;

	if (fd < 0 && (!kernel->root || errno == ENOENT))
		return -1;
	if (fd < 0) {
		diag_add(kernel->diagnostics, DIAG_E0405, mark_none, "cannot open %s: %s",
			kernel->root, strerror(errno));
		return -EIO;
	}
	while (flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
		if (seconds_now() >= deadline || is_told_to_stop()) {
			diag_add(kernel->diagnostics, DIAG_E0404, mark_none,
				"%s is locked by %s, waited %.0f s (--lock-timeout)", kernel->root,
				describe_holder(kernel->arena, fd),
				seconds - (deadline - seconds_now()));
			return -ETIMEDOUT;
		}
		nanosleep(&pause, NULL);
	}
	return fd_steal(&fd);
}
