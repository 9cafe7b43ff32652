/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

#define NOBODY 65534
#define SHELL_FILES 1024
#define COMMAND_MS 60000
#define POLL_US 5000
#define STARTED_MAX 128

/* Pids that are to be killed when a test ends without waiting for them. */
static pid_t started[STARTED_MAX];

static void started_add(pid_t pid)
{
	for (size_t i = 0; i < STARTED_MAX; i++) {
		if (!started[i]) {
			started[i] = pid;
			return;
		}
	}
}

static void started_remove(pid_t pid)
{
	for (size_t i = 0; i < STARTED_MAX; i++) {
		if (started[i] == pid)
			started[i] = 0;
	}
}

void process_kill_all(void)
{
	for (size_t i = 0; i < STARTED_MAX; i++)
		if (started[i])
			kill(started[i], SIGKILL);
	for (size_t i = 0; i < STARTED_MAX; i++)
		if (started[i])
			process_reap(started[i]);
}

pid_t process_fork(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid > 0)
		started_add(pid);
	if (pid)
		return pid;
	memset(started, 0, sizeof(started));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have ended before that. */
	if (getppid() != parent)
		_exit(125);
	return 0;
}

int process_reap(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	started_remove(pid);
	return status;
}

void process_end(pid_t pid)
{
	kill(pid, SIGKILL);
	process_reap(pid);
}

static void child_limit_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	if (limit.rlim_cur > SHELL_FILES)
		limit.rlim_cur = SHELL_FILES;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Options given last win, so what the caller's environment says stays otherwise. */
static void child_no_leak_check(void)
{
	const char *options = getenv("ASAN_OPTIONS");
	char text[1024];

	snprintf(text, sizeof(text), "%s:detect_leaks=0", options ? options : "");
	setenv("ASAN_OPTIONS", text, 1);
}

static bool child_drop_privilege(void)
{
	return !setgroups(0, NULL) && !setgid(NOBODY) && !setuid(NOBODY);
}

/*
 * The file is opened before privilege is dropped: the folders above the program under test may be
 * closed to others, and that is not what a test is about.
 */
static void child_exec_unprivileged(const char *const argv[])
{
	int file = open(argv[0], O_RDONLY | O_CLOEXEC);

	if (file < 0 || !child_drop_privilege())
		_exit(126);
	/* Setting the user id cleared it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fexecve(file, (char **)argv, environ);
}

static _Noreturn void child_run(
	const struct process *process, unsigned int flags, const char *const argv[])
{
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(null, STDIN_FILENO) < 0 || dup2(process->out, STDOUT_FILENO) < 0 ||
		dup2(process->err, STDERR_FILENO) < 0)
		_exit(125);
	close(null);
	child_limit_files();
	if (flags & PROCESS_TRACED)
		child_no_leak_check();
	if (flags & PROCESS_UNPRIVILEGED)
		child_exec_unprivileged(argv);
	else
		execvp(argv[0], (char **)argv);
	_exit(127);
}

static int output_open(const char *name)
{
	int file = memfd_create(name, MFD_CLOEXEC);

	if (file >= 0)
		fcntl(file, F_SETFL, O_APPEND);
	return file;
}

static char *output_read(int file)
{
	struct stat stat;
	off_t size = file >= 0 && !fstat(file, &stat) ? stat.st_size : 0;
	char *text = calloc(1, size + 1);

	if (text && size && pread(file, text, size, 0) < 0)
		text[0] = '\0';
	return text;
}

bool process_start(struct process *ret, unsigned int flags, const char *const argv[])
{
	*ret = (struct process){ .out = output_open("stdout"), .err = output_open("stderr") };
	ret->pid = process_fork();
	if (ret->pid == 0)
		child_run(ret, flags, argv);
	if (ret->pid < 0) {
		close(ret->out);
		close(ret->err);
		*ret = (struct process){ .out = -1, .err = -1 };
		return false;
	}
	return true;
}

static bool process_ended(const struct process *process)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, process->pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

bool process_says(const struct process *process, const char *words, int deadline)
{
	for (int64_t until = client_now() + deadline;;) {
		bool ended = process_ended(process);
		char *text = output_read(process->out);
		bool said = text && strstr(text, words);

		free(text);
		if (said || ended || client_now() >= until)
			return said;
		usleep(POLL_US);
	}
}

bool process_stopped(const struct process *process, int deadline)
{
	for (int64_t until = client_now() + deadline; client_now() < until; usleep(POLL_US / 50)) {
		siginfo_t info = { 0 };

		if (waitid(P_PID, (id_t)process->pid, &info,
			    WSTOPPED | WEXITED | WNOHANG | WNOWAIT) ||
			info.si_pid)
			return info.si_code == CLD_STOPPED;
	}
	return false;
}

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void process_wait(struct process *process, struct result *ret, int deadline)
{
	int64_t until = client_now() + deadline;
	int status;

	*ret = (struct result){ .code = -1 };
	/* Most commands take a few milliseconds. */
	for (useconds_t pause = POLL_US / 50;
		process->pid && !process_ended(process) && client_now() < until;
		pause = pause < POLL_US / 2 ? pause * 2 : POLL_US)
		usleep(pause);
	if (process->pid) {
		bool ended = process_ended(process);

		if (!ended)
			kill(process->pid, SIGKILL);
		status = process_reap(process->pid);
		if (ended)
			ret->code = exit_code(status);
	}
	ret->out = output_read(process->out);
	ret->err = output_read(process->err);
	close(process->out);
	close(process->err);
	*process = (struct process){ .out = -1, .err = -1 };
}

void process_stop(struct process *process, int signal, struct result *ret, int deadline)
{
	if (process->pid)
		kill(process->pid, signal);
	process_wait(process, ret, deadline);
}

void command_run(struct result *ret, unsigned int flags, const char *const argv[])
{
	struct process process;

	if (process_start(&process, flags, argv))
		process_wait(&process, ret, COMMAND_MS);
	else
		*ret = (struct result){ .code = -1, .out = strdup(""), .err = strdup("") };
}

void result_finish(struct result *result)
{
	free(result->out);
	free(result->err);
	*result = (struct result){ 0 };
}

size_t text_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n' || !text[1];
	return count;
}

size_t text_lines_with(const char *text, const char *words)
{
	size_t count = 0;

	while (text && (text = strstr(text, words))) {
		count++;
		text = strchr(text, '\n');
	}
	return count;
}
