/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * alternate ROUNDS WHAT[,WHAT]... NAME COMMAND... [NAME COMMAND...]...
 *
 * Every contestant has a command for each WHAT. Runs them in turn, a round of all before the next
 * round, and prints the medians of the whole processes' times, their ratio to the first contestant's
 * and the most memory that a process had. Alternating is what makes ratios comparable on a machine
 * that others use, too. Commands are split at blanks; their output is thrown away.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORDS 16
#define MAX_CONTESTANTS 8
#define MAX_COMMANDS 4

struct contestant {
	const char *name;
	char *words[MAX_COMMANDS][MAX_WORDS];
	double *samples[MAX_COMMANDS]; /* microseconds */
	long peak[MAX_COMMANDS];       /* KiB */
};

extern char **environ;

/* The number of words. */
static int split(char *command, const char *separator, char **words, int most)
{
	int count = 0;

	for (char *word = strtok(command, separator); word && count < most;
		word = strtok(NULL, separator))
		words[count++] = word;
	words[count] = NULL;
	return count;
}

static double microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double run(char **words, long *peak)
{
	posix_spawn_file_actions_t actions;
	double started = microseconds();
	struct rusage usage;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, words[0], &actions, NULL, words, environ) != 0 ||
		wait4(pid, &status, 0, &usage) != pid || status != 0) {
		fprintf(stderr, "alternate: %s failed\n", words[0]);
		exit(1);
	}
	posix_spawn_file_actions_destroy(&actions);
	*peak = usage.ru_maxrss > *peak ? usage.ru_maxrss : *peak;
	return microseconds() - started;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double quantile(double *samples, int count, double q)
{
	qsort(samples, (size_t)count, sizeof(*samples), compare);
	return samples[(int)(q * (count - 1))];
}

static void report(struct contestant *contestants, int count, char **what, int commands, int rounds)
{
	double base[MAX_COMMANDS];

	for (int i = 0; i < count; i++) {
		for (int j = 0; j < commands; j++) {
			double *samples = contestants[i].samples[j];
			double median = quantile(samples, rounds, .5);

			if (!i)
				base[j] = median;
			printf("%-8s %-10s median %7.0f us   p10 %7.0f   p90 %7.0f   ratio %5.2f"
			       "   peak %6ld KB\n",
				what[j], contestants[i].name, median, quantile(samples, rounds, .1),
				quantile(samples, rounds, .9), median / base[j],
				contestants[i].peak[j]);
		}
	}
}

int main(int argc, char **argv)
{
	struct contestant contestants[MAX_CONTESTANTS] = { 0 };
	char *what[MAX_COMMANDS + 1];
	int rounds = argc > 1 ? atoi(argv[1]) : 0;
	int commands = argc > 2 ? split(argv[2], ",", what, MAX_COMMANDS) : 0;
	int count = (argc - 3) / (commands + 1);

	if (rounds < 1 || !commands || count < 1 || count > MAX_CONTESTANTS ||
		(argc - 3) % (commands + 1))
		return 2;
	for (int i = 0; i < count; i++) {
		char **arguments = argv + 3 + i * (commands + 1);

		contestants[i].name = arguments[0];
		for (int j = 0; j < commands; j++) {
			split(arguments[1 + j], " ", contestants[i].words[j], MAX_WORDS - 1);
			contestants[i].samples[j] = calloc((size_t)rounds, sizeof(double));
		}
	}
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < count; i++)
			for (int j = 0; j < commands; j++)
				contestants[i].samples[j][round] =
					run(contestants[i].words[j], &contestants[i].peak[j]);
	report(contestants, count, what, commands, rounds);
	return 0;
}
