/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Before sockets leave a map that goes. Their slots pass by now, so that nothing new is queued; what
 * is queued still goes where it was sent, as fast as the readers read, and then they lose nothing.
 */
#include "lib/apply/internal.h"

#include "lib/base/cleanup.h"

#include <time.h>

/* How long to wait where queues cannot be seen: what needs only a processor is through by then. */
#define BLIND_MILLISECONDS 200

#define POLL_FIRST_NANOSECONDS (500 * 1000)
#define POLL_MOST_NANOSECONDS (20 * 1000 * 1000)

struct drain {
	struct apply_run *run;
	double deadline; /* milliseconds, as milliseconds_now */
	unsigned int seconds;
	int queues; /* to read them by; a negative errno: they cannot be read */
	bool opened;
};

static double milliseconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* A program that ran when its slot was written may be about to queue something still. */
static void open_queues(struct drain *drain)
{
	if (drain->opened)
		return;
	drain->opened = true;
	kernel_wait_for_programs();
	drain->queues = kernel_open_queues();
}

static const char *why_blind(const struct drain *drain)
{
	return drain->queues == -EPERM ? "CAP_PERFMON is missing"
				       : kernel_explain(drain->run->kernel->arena, drain->queues);
}

static void wait_blindly(const struct drain *drain, const char *map)
{
	double most = drain->deadline - milliseconds_now();
	double wait = most < BLIND_MILLISECONDS ? most : BLIND_MILLISECONDS;
	const struct timespec pause = { .tv_nsec = (long)(wait * 1e6) };

	if (wait > 0)
		nanosleep(&pause, NULL);
	diag_add(drain->run->kernel->diagnostics, DIAG_W0612, mark_none,
		"what is queued in the sockets of map \"%s\" cannot be seen (%s): waited %.0f ms "
		"for it",
		map, why_blind(drain), wait > 0 ? wait : 0);
}

static void report_lost(
	const struct drain *drain, const char *map, const struct kernel_queues *queues)
{
	const char *which = "the only socket";

	if (queues->sockets != 1)
		which = arena_printf(drain->run->kernel->arena, "%llu of the %llu sockets",
			(unsigned long long)queues->holding, (unsigned long long)queues->sockets);
	diag_add(drain->run->kernel->diagnostics, DIAG_W0612, mark_none,
		"%s in map \"%s\" held data that nobody had read after %u s: it is lost", which,
		map, drain->seconds)
		->hint = "--drain-timeout waits longer";
}

static void wait_until_empty(struct drain *drain, const char *name, int map)
{
	struct timespec pause = { .tv_nsec = POLL_FIRST_NANOSECONDS };
	struct kernel_queues queues;

	for (;;) {
		int error = kernel_read_queues(drain->queues, map, &queues);

		if (error) {
			drain->queues = error;
			wait_blindly(drain, name);
			return;
		}
		if (!queues.holding)
			return;
		if (milliseconds_now() >= drain->deadline || kernel_is_told_to_stop()) {
			report_lost(drain, name, &queues);
			return;
		}
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < POLL_MOST_NANOSECONDS)
			pause.tv_nsec *= 2;
	}
}

static void drain_map(struct drain *drain, const struct state_map *old, int map)
{
	if (map < 0 || !kernel_may_have_sockets(map, old))
		return;
	open_queues(drain);
	if (drain->queues < 0)
		wait_blindly(drain, old->name);
	else
		wait_until_empty(drain, old->name, map);
}

/* A map that goes has its pin still; one that was replaced was opened before. */
static void drain_step(struct drain *drain, const struct deployment_run *deployment, size_t at)
{
	const struct plan_step *step = &deployment->plan->steps.items[at];
	cleanup_fd int pinned = -1;

	if (step->object != PLAN_MAP || !step->loses_sockets)
		return;
	if (step->action == PLAN_DELETE)
		pinned = kernel_open_pin(step_path(drain->run, deployment, step, FOLDER_MAPS));
	drain_map(drain, state_map_named(deployment->plan->state, step->name),
		step->action == PLAN_DELETE ? pinned : deployment->objects[at].old_map);
}

void apply_drain(struct apply_run *run, unsigned int seconds)
{
	struct drain drain = {
		.run = run,
		.deadline = milliseconds_now() + seconds * 1e3,
		.seconds = seconds,
		.queues = -1,
	};

	if (!seconds)
		return;
	vec_each (deployment, &run->deployments)
		for (size_t i = 0; i < deployment->plan->steps.count; i++)
			drain_step(&drain, deployment, i);
	if (drain.opened)
		fd_close(drain.queues);
}
