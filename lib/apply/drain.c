/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Before sockets leave a map that goes. Their slots pass by now, so that nothing more is redirected; what
 * is queued goes where it was sent, as fast as the readers read. What passes goes through a queue, too,
 * which the kernel throws away with the rest when the socket leaves, so that a map is done when its
 * queues have been empty for a while in which nothing came in. What comes in the moment between the last
 * look and the leaving the kernel may still lose: no call closes that gap (seen on 6.18).
 */
#include "lib/apply/internal.h"

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <string.h>
#include <time.h>

/* How long to wait where queues cannot be seen: what needs only a processor is through by then. */
#define BLIND_MILLISECONDS 200
#define LOOK_MILLISECONDS 10
#define QUIET_MILLISECONDS 100 /* a sender that pauses for longer is done, as far as can be told */
#define NAMES_MOST 3

/* A map that sockets leave. */
struct leaving {
	const char *name;
	int map; /* owned */
	uint32_t most;
	struct kernel_queues queues; /* as last seen */
	bool seen;
	/* Of clock_milliseconds(): when something was in there or came in, and when something came in. */
	double moved, received;
	int error; /* its queues could not be read */
};

struct drain {
	struct apply_run *run;
	double began, deadline; /* of clock_milliseconds() */
	VEC(struct leaving) maps;
};

static void wait_milliseconds(double most)
{
	const struct timespec pause = { .tv_nsec = (long)(most * 1e6) };

	if (most > 0)
		nanosleep(&pause, NULL);
}

/* A map that goes has its pin still; one that was replaced was opened before. */
static void add_step(struct drain *drain, const struct deployment_run *deployment, size_t at)
{
	const struct plan_step *step = &deployment->plan->steps.items[at];
	const struct state_map *old = state_map_named(deployment->plan->state, step->name);
	struct leaving *leaving;
	cleanup_fd int map = -1;

	if (step->object != PLAN_MAP || !step->loses_sockets)
		return;
	map = step->action == PLAN_DELETE
		      ? kernel_open_pin(step_path(drain->run, deployment, step, FOLDER_MAPS))
		      : fd_steal(&deployment->objects[at].old_map);
	if (map >= 0 && !kernel_may_have_sockets(map, old))
		return;
	leaving = vec_add(drain->run->kernel->arena, &drain->maps);
	leaving->name = step->name;
	leaving->most = old->max_entries;
	leaving->error = map < 0 ? map : 0;
	leaving->map = fd_steal(&map);
}

/* One that cannot be seen is left alone for a while. */
static bool is_quiet(const struct drain *drain, const struct leaving *leaving)
{
	double now = clock_milliseconds();

	return leaving->error ? now - drain->began >= BLIND_MILLISECONDS
			      : now - leaving->moved >= QUIET_MILLISECONDS;
}

static void look(struct leaving *leaving, int queues)
{
	uint64_t before = leaving->queues.received;
	bool receives;

	if (leaving->error)
		return;
	leaving->error = kernel_read_queues(queues, leaving->map, leaving->most, &leaving->queues);
	/* Of those that are in the map: where one leaves it there are fewer. */
	receives = leaving->seen && leaving->queues.received > before;
	if (receives)
		leaving->received = clock_milliseconds();
	if (!leaving->seen || leaving->queues.holding || receives)
		leaving->moved = clock_milliseconds();
	leaving->seen = true;
}

/* Whether something is to be waited for: all are to be quiet at once, or one may have begun again. */
static bool look_at_all(struct drain *drain, int queues)
{
	bool waits = false;

	vec_each (leaving, &drain->maps) {
		look(leaving, queues);
		waits = waits || !is_quiet(drain, leaving);
	}
	return waits;
}

static void wait_until_quiet(struct drain *drain, int queues)
{
	while (look_at_all(drain, queues) && clock_milliseconds() < drain->deadline &&
		!kernel_is_told_to_stop())
		wait_milliseconds(LOOK_MILLISECONDS);
}

static const char *why_blind(const struct drain *drain, int error)
{
	return error == -EPERM ? "CAP_PERFMON is missing"
			       : kernel_explain(drain->run->kernel->arena, error);
}

/* "maps "a", "b", "c" and 7 more" */
static const char *list_names(const struct drain *drain, size_t count)
{
	struct arena *arena = drain->run->kernel->arena;
	const char *text = "";
	size_t told = 0;

	vec_each (leaving, &drain->maps)
		if (leaving->error && told++ < NAMES_MOST)
			text = arena_printf(
				arena, "%s%s\"%s\"", text, *text ? ", " : "", leaving->name);
	text = arena_printf(arena, "map%s %s", count == 1 ? "" : "s", text);
	return count > NAMES_MOST ? arena_printf(arena, "%s and %zu more", text, count - NAMES_MOST)
				  : text;
}

static void report_blind(struct drain *drain)
{
	size_t count = 0;
	int error = 0;

	vec_each (leaving, &drain->maps)
		if (leaving->error) {
			count++;
			error = leaving->error;
		}
	if (count)
		diag_add(drain->run->kernel->diagnostics, DIAG_W0612, mark_none,
			"what is queued in the sockets of %s cannot be seen (%s): waited %.0f ms "
			"for it",
			list_names(drain, count), why_blind(drain, error),
			clock_milliseconds() - drain->began);
}

static void report(const struct drain *drain, const struct leaving *leaving)
{
	const struct kernel_queues *queues = &leaving->queues;
	double now = clock_milliseconds(), seconds = (now - drain->began) / 1e3;
	const char *which = "the only socket";

	if (queues->sockets != 1 && queues->holding)
		which = arena_printf(drain->run->kernel->arena, "%llu of the %llu sockets",
			(unsigned long long)queues->holding, (unsigned long long)queues->sockets);
	if (queues->holding)
		diag_add(drain->run->kernel->diagnostics, DIAG_W0612, mark_none,
			"%s in map \"%s\" held data that nobody had read after %.1f s: it is lost",
			which, leaving->name, seconds)
			->hint = "--drain-timeout waits longer";
	else if (now - leaving->received < QUIET_MILLISECONDS)
		diag_add(drain->run->kernel->diagnostics, DIAG_W0612, mark_none,
			"sockets in map \"%s\" were still receiving after %.1f s: what came in "
			"while they left it may be lost",
			leaving->name, seconds)
			->hint = "let their connections end before";
}

static void drain_maps(struct drain *drain)
{
	cleanup_fd int queues = -1;

	/* A program that ran when its slot was written may be about to queue something still. */
	kernel_wait_for_programs();
	queues = kernel_open_queues();
	vec_each (leaving, &drain->maps)
		if (queues < 0 && !leaving->error)
			leaving->error = queues;
	wait_until_quiet(drain, queues);
	report_blind(drain);
	vec_each (leaving, &drain->maps)
		if (!leaving->error)
			report(drain, leaving);
}

void apply_drain(struct apply_run *run, unsigned int seconds)
{
	struct drain drain = { .run = run, .began = clock_milliseconds() };

	if (!seconds)
		return;
	drain.deadline = drain.began + seconds * 1e3;
	vec_each (deployment, &run->deployments)
		for (size_t i = 0; i < deployment->plan->steps.count; i++)
			add_step(&drain, deployment, i);
	if (drain.maps.count)
		drain_maps(&drain);
	vec_each (leaving, &drain.maps)
		fd_close(leaving->map);
}
