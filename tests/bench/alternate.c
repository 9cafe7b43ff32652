/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * alternate ROUNDS NAME APPLY DELETE [NAME APPLY DELETE]...
 *
 * Runs each contestant's two commands in turn, a round of all before the next round, and prints the
 * medians of the whole processes' times and their ratio to the first contestant's. Alternating is
 * what makes ratios comparable on a machine that others use, too. APPLY and DELETE are split at
 * blanks; their output is thrown away.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORDS 16
#define MAX_CONTESTANTS 8

struct contestant {
	const char *name;
	char *words[2][MAX_WORDS]; /* apply, delete */
	double *samples[2];        /* microseconds */
};

extern char **environ;

static void split(char *command, char **words)
{
	int count = 0;

	for (char *word = strtok(command, " "); word && count < MAX_WORDS - 1;
		word = strtok(NULL, " "))
		words[count++] = word;
	words[count] = NULL;
}

static double microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double run(char **words)
{
	posix_spawn_file_actions_t actions;
	double started = microseconds();
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, words[0], &actions, NULL, words, environ) != 0 ||
		waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "alternate: %s failed\n", words[0]);
		exit(1);
	}
	posix_spawn_file_actions_destroy(&actions);
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

static void report(struct contestant *contestants, int count, int rounds)
{
	static const char *const what[] = { "apply", "delete" };
	double base[2];

	for (int i = 0; i < count; i++) {
		for (int j = 0; j < 2; j++) {
			double *samples = contestants[i].samples[j];
			double median = quantile(samples, rounds, .5);

			if (!i)
				base[j] = median;
			printf("%-8s %-10s median %7.0f us   p10 %7.0f   p90 %7.0f   ratio %5.2f\n",
				what[j], contestants[i].name, median, quantile(samples, rounds, .1),
				quantile(samples, rounds, .9), median / base[j]);
		}
	}
}

int main(int argc, char **argv)
{
	struct contestant contestants[MAX_CONTESTANTS] = { 0 };
	int rounds = argc > 1 ? atoi(argv[1]) : 0, count = (argc - 2) / 3;

	if (rounds < 1 || count < 1 || count > MAX_CONTESTANTS || (argc - 2) % 3)
		return 2;
	for (int i = 0; i < count; i++) {
		contestants[i].name = argv[2 + i * 3];
		for (int j = 0; j < 2; j++) {
			split(argv[3 + i * 3 + j], contestants[i].words[j]);
			contestants[i].samples[j] = calloc((size_t)rounds, sizeof(double));
		}
	}
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < count; i++)
			for (int j = 0; j < 2; j++)
				contestants[i].samples[j][round] = run(contestants[i].words[j]);
	report(contestants, count, rounds);
	return 0;
}
