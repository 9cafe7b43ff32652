/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/selftest/trial.h"

#include "lib/base/cleanup.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

bool trial_end(struct trial *trial, enum selftest_state state, const char *format, ...)
{
	va_list list;

	if (trial->state == SELFTEST_OK) {
		va_start(list, format);
		trial->detail = arena_vprintf(trial->arena, format, list);
		va_end(list);
		trial->state = state;
	}
	return state == SELFTEST_OK;
}

bool trial_failed(struct trial *trial, const char *what, int error)
{
	const char *why = strerror(error < 0 ? -error : error);

	return kernel_is_no_answer(error < 0 ? error : -error)
		       ? trial_skip(trial, "%s: %s", what, why)
		       : trial_fault(trial, "%s: %s", what, why);
}

uint64_t trial_patience_of(const struct trial *trial, uint64_t milliseconds)
{
	uint64_t until = clock_ns() + milliseconds * NS_PER_MS;

	return until < trial->deadline ? until : trial->deadline;
}

uint64_t trial_patience(const struct trial *trial)
{
	return trial_patience_of(trial, TRIAL_STALL_MS);
}

int trial_own(struct trial *trial, int fd)
{
	if (fd >= 0)
		*vec_add(trial->arena, &trial->owned) = fd;
	return fd;
}

void trial_close(struct trial *trial, int fd)
{
	vec_each (owned, &trial->owned)
		if (*owned == fd)
			*owned = fd_close(fd);
}

void trial_finish(struct trial *trial)
{
	while (trial->owned.count)
		fd_close(trial->owned.items[--trial->owned.count]);
}

void trial_tick(int fd, short events)
{
	struct pollfd wait = { fd, events, 0 };

	poll(&wait, 1, TRIAL_TICK_MS);
}

static void run_case(struct arena *arena, const char *group, const struct trial_case *row,
	uint64_t deadline, selftest_results *ret)
{
	struct trial trial = { .arena = arena, .row = row, .deadline = deadline };
	struct selftest_result *result = vec_add(arena, ret);
	uint64_t started = clock_ns();

	if (started >= deadline)
		trial_skip(&trial, TRIAL_NO_TIME);
	else
		row->run(&trial);
	trial_finish(&trial);
	*result = (struct selftest_result){ row->name, group, trial.state, trial.detail, row->means,
		row->workaround, (double)(clock_ns() - started) / 1e6 };
}

void selftest_run(struct arena *arena, selftest_results *ret)
{
	static const struct {
		const char *group;
		const struct trial_case *cases;
		const size_t *count;
	} groups[] = {
		{ "streams", cases_stream, &cases_stream_count },
		{ "maps and slots", cases_map, &cases_map_count },
		{ "ends of streams", cases_end, &cases_end_count },
		{ "waking readers", cases_wake, &cases_wake_count },
		{ "limits", cases_limit, &cases_limit_count },
	};
	const uint64_t deadline = clock_ns() + SELFTEST_MS * NS_PER_MS;
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction before;

	/* sendfile() takes no MSG_NOSIGNAL. */
	sigaction(SIGPIPE, &ignore, &before);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		for (size_t j = 0; j < *groups[i].count; j++)
			run_case(arena, groups[i].group, &groups[i].cases[j], deadline, ret);
	sigaction(SIGPIPE, &before, NULL);
}

static size_t count(const selftest_results *results, enum selftest_state state)
{
	size_t count = 0;

	vec_each (result, results)
		count += result->state == state;
	return count;
}

size_t selftest_faults(const selftest_results *results)
{
	return count(results, SELFTEST_FAULT);
}

size_t selftest_judged(const selftest_results *results)
{
	return results->count - count(results, SELFTEST_SKIPPED);
}
