/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The plan in colour: on a terminal, and only there, and never where NO_COLOR says so. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

TestSuite(colour, .init = harness_init, .fini = harness_fini, .timeout = 60);

#define OUTPUT_MOST 8192
#define ESCAPE "\033["

/* SGR parameters as ECMA-48 has them: 32 green, 33 yellow, 31 red. */
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define RED "\033[1;31m"

/* `sockform plan` with its output on a terminal of its own; malloc()ed. */
static char *plan_on_terminal(const struct manifest *manifest, const char *no_colour)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), status, end;
	char *text = calloc(1, OUTPUT_MOST);
	size_t length = 0;
	ssize_t got;
	pid_t pid;

	cr_assert(
		terminal >= 0 && !grantpt(terminal) && !unlockpt(terminal), "%s", strerror(errno));
	end = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	cr_assert_geq(end, 0, "%s", strerror(errno));
	pid = process_fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		if (no_colour)
			setenv("NO_COLOR", no_colour, 1);
		else
			unsetenv("NO_COLOR");
		dup2(end, STDOUT_FILENO);
		execl(sockform_path(), "sockform", "plan", manifest->path, NULL);
		_exit(127);
	}
	close(end);
	/* When the last who has the other end is gone, it answers EIO. */
	while (length < OUTPUT_MOST - 1 &&
		(got = read(terminal, text + length, OUTPUT_MOST - 1 - length)) > 0)
		length += (size_t)got;
	close(terminal);
	status = process_reap(pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x: %s", status, text);
	return text;
}

/* One of each: a map and a program that go, one that changes, and one that comes. */
static void changed(struct manifest *manifest)
{
	static const char *const states[] = {
		"  goes: { type: array, value_size: 8, max_entries: 4 }\n%s"
		"  verdict: { type: sk_skb, body: [ sk_skb_pass ] }\n",
		"  comes: { type: array, value_size: 8, max_entries: 4 }\n%s"
		"  verdict: { type: sk_skb, body: [ r0 = 0, exit ] }\n",
	};

	manifest_init(manifest, "colour");
	for (size_t i = 0; i < 2; i++) {
		char text[512];

		snprintf(text, sizeof(text), states[i],
			"  pair: { type: sockmap, max_entries: 4 }\nprograms:\n");
		manifest_write(manifest->path,
			"sockform: v1\nname: %s\nmaps:\n%sattachments:\n"
			"  - { program: verdict, target: pair, attach_type: stream_verdict }\n",
			manifest->name, text);
		if (i == 0)
			sockform_expect(0, "apply", manifest->path);
	}
}

Test(colour, of_a_plan_on_a_terminal)
{
	struct manifest manifest;
	char *text;

	changed(&manifest);
	text = plan_on_terminal(&manifest, NULL);
	assert_says(text, GREEN "  +");
	assert_says(text, YELLOW "  ~");
	assert_says(text, RED "  -");
	free(text);
	/* https://no-color.org: empty it says nothing. */
	text = plan_on_terminal(&manifest, "");
	assert_says(text, GREEN "  +");
	free(text);
}

Test(colour, of_a_plan_that_is_to_have_none)
{
	struct manifest manifest;
	struct result result;
	char *text;

	changed(&manifest);
	text = plan_on_terminal(&manifest, "1");
	assert_says(text, "  + map ");
	cr_assert_null(strstr(text, ESCAPE), "%s", text);
	free(text);
	/* And into a file. */
	sockform(&result, "plan", manifest.path);
	assert_code(&result, 0);
	assert_says(result.out, "  + map ");
	cr_assert_null(strstr(result.out, ESCAPE), "%s", result.out);
	result_finish(&result);
}
