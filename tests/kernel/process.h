/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Commands and background processes of the kernel tests: started, watched and ended by pid.
 *
 * Output goes to memory files, not pipes: nothing blocks, whatever the size, and a test can read
 * what a process has said so far without taking it away. A child gets the soft limit of open
 * files that a shell would have given it, not the raised one of the test, and dies with the test.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

enum process_flags {
	PROCESS_UNPRIVILEGED = 1, /* as nobody, without capabilities */
	PROCESS_TRACED = 2,       /* under ptrace, where LeakSanitizer cannot work */
};

struct process {
	pid_t pid; /* 0: none */
	int out;   /* memory file, -1: none */
	int err;
};

struct result {
	int code;  /* exit code, 128 + signal, -1: did not end in time and was killed */
	char *out; /* malloc()ed, NUL-terminated */
	char *err;
};

/* argv ends with NULL; argv[0] is a path or a name to look up. False when fork() failed. */
bool process_start(struct process *ret, unsigned int flags, const char *const argv[]);

/* Waits until a line of stdout contains `words`, or the process ends. */
bool process_says(const struct process *process, const char *words, int deadline);

/* Waits until it is stopped; false where it ended, or neither in time. */
bool process_stopped(const struct process *process, int deadline);

/* Waits for the end and takes over the output. */
void process_wait(struct process *process, struct result *ret, int deadline);

/* kill() and process_wait(). */
void process_stop(struct process *process, int signal, struct result *ret, int deadline);

/* process_start() and process_wait(), at most a minute. */
void command_run(struct result *ret, unsigned int flags, const char *const argv[]);

/* fork(); the child dies with the test, or with whoever called this. It must not return. */
pid_t process_fork(void);

/* Waits for such a child: its status as of waitpid(), -1 where there is none. */
int process_reap(pid_t pid);

/* Kills it, and waits. */
void process_end(pid_t pid);

/* Kills what was started and not waited for. */
void process_kill_all(void);

void result_finish(struct result *result);

/* Number of lines in text. */
size_t text_lines(const char *text);

/* Number of lines in text that contain words. */
size_t text_lines_with(const char *text, const char *words);
