/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Cleanup by scope. A descriptor is -1 when there is none; closing never disturbs errno.
 */
#pragma once

#include <errno.h>
#include <unistd.h>

#define cleanup(function) __attribute__((cleanup(function)))

static inline int fd_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

static inline void fd_cleanup(int *fd)
{
	*fd = fd_close(*fd);
}

#define cleanup_fd cleanup(fd_cleanup)

/* Hands the descriptor to the caller; the scope no longer closes it. */
static inline int fd_steal(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}
