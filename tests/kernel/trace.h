/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * System calls of a process, counted from outside with strace. A trace that recorded nothing
 * proves nothing: whoever asserts that a call is absent asserts that another one is there.
 */
#pragma once

#include "process.h"

/* Skips the running test when strace cannot be used. */
void trace_need(void);

/*
 * Starts a command under strace, which writes the named calls ("bpf", "read,write") of it and
 * its threads and children to `file`. The pid is the command's own, not strace's: signals and
 * the exit code are as without strace.
 */
bool trace_start(
	struct process *ret, const char *calls, const char *file, const char *const argv[]);

/* trace_start(), wait for the end of both, at most a minute. */
void trace_run(struct result *ret, const char *calls, const char *file, const char *const argv[]);

/* Attaches strace to a running process; returns when it has. The process is strace's. */
bool trace_attach(struct process *ret, const char *calls, const char *file, pid_t pid);

/* Detaches, so that the file is whole. */
void trace_detach(struct process *strace);

/* The trace of a command that was started with trace_start() and has ended. malloc()ed. */
char *trace_read(const char *file, pid_t pid);

/* A text file as it is. malloc()ed, "" when it cannot be read. */
char *file_read(const char *path);
