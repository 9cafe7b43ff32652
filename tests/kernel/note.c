/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "note.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "harness.h"

/* Of the process that reports; each test is a child of it. */
static void name_file(char *ret, size_t size, pid_t pid)
{
	snprintf(ret, size, "/tmp/" TEST_PREFIX "notes-%d", pid);
}

void note(const char *format, ...)
{
	char path[64];
	va_list arguments;
	FILE *file;

	name_file(path, sizeof(path), getppid());
	file = fopen(path, "ae");
	if (!file)
		return;
	va_start(arguments, format);
	fprintf(file, "# ");
	vfprintf(file, format, arguments);
	fprintf(file, "\n");
	va_end(arguments);
	fclose(file);
}

static void print_notes(int out)
{
	char path[64], line[4096];
	FILE *file;

	name_file(path, sizeof(path), getpid());
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		dprintf(out, "%s", line);
	if (file)
		fclose(file);
	unlink(path);
}

/* As Criterion's own, but for the notes. */
int main(int argc, char **argv)
{
	struct criterion_test_set *tests = criterion_initialize();
	int out = dup(STDOUT_FILENO), result = 0;
	char notes[64];

	/* Of one that had the same pid, and was killed. */
	name_file(notes, sizeof(notes), getpid());
	unlink(notes);
	if (criterion_handle_args(argc, argv, true))
		result = !criterion_run_all_tests(tests);
	criterion_finalize(tests);
	/* TAP begins with its version, which may still be on its way. */
	fflush(stdout);
	print_notes(out);
	close(out);
	return result;
}
