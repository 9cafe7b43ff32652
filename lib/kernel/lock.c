/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/kernel/kernel.h"

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

/*
 * Two locks: that of the root folder, which writers have alone and readers share, and in front of it a
 * gate, which one process at a time has while it waits for the other. Without the gate readers that
 * overlap would keep a writer out for as long as there are any: flock knows no order.
 *
 * A waiter looks again and again, because flock has no timeout and a signal would be the caller's:
 * soon at first, since most hold the lock for a millisecond, and then less often.
 */
#define POLL_FIRST_NANOSECONDS (500 * 1000)
#define POLL_MOST_NANOSECONDS (10 * 1000 * 1000)

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

#define COMMAND_MOST 80 /* characters that are shown */

/* The words of its command line, with blanks between them. */
static const char *command_of(struct arena *arena, int pid)
{
	FILE *file = fopen(arena_printf(arena, "/proc/%d/cmdline", pid), "re");
	char words[COMMAND_MOST + 2];
	size_t length = file ? fread(words, 1, sizeof(words) - 1, file) : 0;

	if (file)
		fclose(file);
	while (length && !words[length - 1])
		length--;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)words[i] < ' ')
			words[i] = ' ';
	if (!length)
		return "gone by now";
	return length <= COMMAND_MOST ? arena_copy(arena, words, length)
				      : arena_printf(arena, "%.*s...", COMMAND_MOST - 3, words);
}

static int holder_of(int fd)
{
	struct stat folder;

	return fstat(fd, &folder) == 0 ? find_holder(&folder) : 0;
}

/* `gate`: that one was waited at in vain; who has it keeps others out as well; or -1. */
static const char *describe_holder(struct arena *arena, int fd, int gate)
{
	int pid = holder_of(fd);

	if (pid <= 0 && gate >= 0)
		pid = holder_of(gate);
	if (pid <= 0)
		return "a process that cannot be seen from here";
	return arena_printf(arena, "process %d (%s)", pid, command_of(arena, pid));
}

/* A caller that has these signals blocked waits for them elsewhere; not for ever here. */
bool kernel_is_told_to_stop(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 &&
	       (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
		       sigismember(&pending, SIGHUP) == 1);
}

/* 0, -ETIMEDOUT or another negative errno. `deadline`: of clock_milliseconds(). */
static int wait_for(int fd, int operation, double deadline)
{
	struct timespec pause = { .tv_nsec = POLL_FIRST_NANOSECONDS };

	while (flock(fd, operation | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (clock_milliseconds() >= deadline || kernel_is_told_to_stop())
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
		pause.tv_nsec = pause.tv_nsec * 2 < POLL_MOST_NANOSECONDS ? pause.tv_nsec * 2
									  : POLL_MOST_NANOSECONDS;
	}
	return 0;
}

/* A sockform that knew of no gate may have made the root: then there is none, -ENOENT. */
static int open_gate(const struct kernel *kernel)
{
	int fd = open(kernel_gate_path(kernel), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

static int report(struct kernel *kernel, int error)
{
	diag_add(kernel->diagnostics, DIAG_E0405, mark_none, "cannot lock %s: %s", kernel->root,
		kernel_explain(kernel->arena, error));
	return error;
}

int kernel_lock(struct kernel *kernel, bool exclusive, unsigned int seconds)
{
	cleanup_fd int fd = -1, gate = -1;
	double started = clock_milliseconds();
	bool passed;
	int error = 0;

	if (kernel->root && !kernel_open_folder(kernel, kernel->root, &fd))
		return -EACCES;
	/* Whoever makes it from now on has it for itself: nothing is seen of that without the lock. */
	if (fd < 0) {
		kernel->root = NULL;
		return -1;
	}
	gate = open_gate(kernel);
	if (gate >= 0)
		error = wait_for(gate, LOCK_EX, started + seconds * 1e3);
	else if (gate != -ENOENT)
		error = gate;
	passed = !error;
	if (passed)
		error = wait_for(fd, exclusive ? LOCK_EX : LOCK_SH, started + seconds * 1e3);
	if (!error)
		return fd_steal(&fd);
	if (error != -ETIMEDOUT)
		return report(kernel, error);
	diag_add(kernel->diagnostics, DIAG_E0404, mark_none,
		"%s is locked by %s, waited %.0f s (--lock-timeout)", kernel->root,
		describe_holder(kernel->arena, fd, passed ? -1 : gate),
		(clock_milliseconds() - started) / 1e3);
	return -ETIMEDOUT;
}
