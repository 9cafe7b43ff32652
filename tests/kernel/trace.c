/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "trace.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

#define ARGUMENTS_MAX 32
#define ATTACH_MS 10000
#define FLUSH_MS 10000
#define COMMAND_MS 60000
#define POLL_US 5000

void trace_need(void)
{
	const char *const argv[] = { "strace", "-o", "/dev/null", "-e", "trace=none", "true",
		NULL };
	struct result result;
	int code;

	command_run(&result, 0, argv);
	code = result.code;
	result_finish(&result);
	if (code == 127)
		cr_skip_test("skipped: strace is not installed");
	if (code)
		cr_skip_test("skipped: strace may not trace here (exit %d)", code);
}

char *file_read(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!file || getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = strdup("");
	}
	if (file)
		fclose(file);
	return text;
}

/*
 * -D makes strace a grandchild of ours and the command our child. -yy tells what a file
 * descriptor is: a path, or the addresses of a socket.
 */
bool trace_start(struct process *ret, const char *calls, const char *file, const char *const argv[])
{
	char expression[512];
	const char *command[ARGUMENTS_MAX] = { "strace", "-D", "-f", "-yy", "-o", file, "-e",
		expression, "--" };
	size_t count = 9;

	snprintf(expression, sizeof(expression), "trace=%s", calls);
	for (; *argv && count < ARGUMENTS_MAX - 1; argv++)
		command[count++] = *argv;
	return process_start(ret, PROCESS_TRACED, command);
}

/* strace is no child of ours: what it says last about a process is the sign that it is done. */
char *trace_read(const char *file, pid_t pid)
{
	char last[64];

	snprintf(last, sizeof(last), "%-5d +++ ", pid);
	for (int64_t until = client_now() + FLUSH_MS;;) {
		char *text = file_read(file);

		if (strstr(text, last) || client_now() >= until)
			return text;
		free(text);
		usleep(POLL_US);
	}
}

void trace_run(struct result *ret, const char *calls, const char *file, const char *const argv[])
{
	struct process process;
	pid_t pid;

	if (!trace_start(&process, calls, file, argv)) {
		*ret = (struct result){ .code = -1 };
		return;
	}
	pid = process.pid;
	process_wait(&process, ret, COMMAND_MS);
	free(trace_read(file, pid));
}

static bool traced(pid_t pid)
{
	char path[64];
	char *text;
	const char *tracer;
	bool yes;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	text = file_read(path);
	tracer = strstr(text, "TracerPid:\t");
	yes = tracer && tracer[strlen("TracerPid:\t")] != '0';
	free(text);
	return yes;
}

bool trace_attach(struct process *ret, const char *calls, const char *file, pid_t pid)
{
	char expression[512], number[32];
	const char *const argv[] = { "strace", "-f", "-yy", "-o", file, "-e", expression, "-p",
		number, NULL };
	int64_t until = client_now() + ATTACH_MS;

	snprintf(expression, sizeof(expression), "trace=%s", calls);
	snprintf(number, sizeof(number), "%d", pid);
	if (!process_start(ret, 0, argv))
		return false;
	while (!traced(pid) && client_now() < until)
		usleep(POLL_US);
	return traced(pid);
}

void trace_detach(struct process *strace)
{
	struct result result;

	process_stop(strace, SIGTERM, &result, FLUSH_MS);
	result_finish(&result);
}
