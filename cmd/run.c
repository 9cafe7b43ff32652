/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The manifest's life is the process's: apply, serve the feeds, and on SIGINT, SIGTERM or SIGHUP
 * delete what this process made. The lock is held while something changes, not while it serves.
 */
#include "cmd/command.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

/* What nohup or a shell has this process ignore would wake a signalfd all the same. */
static bool is_ignored(int signal_number)
{
	struct sigaction action;

	return sigaction(signal_number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* Blocked and read from a descriptor, so that a signal never interrupts a change half-way. */
static int open_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (!is_ignored(ends[i]))
			sigaddset(&signals, ends[i]);
	/* A reader of the output that has gone is no reason to leave the deployment behind. */
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
		return -errno;
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd >= 0 ? fd : -errno;
}

static void notice(void *context, const char *message)
{
	struct invocation *invocation = context;
	struct diagnostics once = { .arena = &invocation->arena };

	diag_add(&once, DIAG_W0601, mark_none, "%s", message);
	report_diagnostics(&invocation->err, &once, false);
	sink_flush(&invocation->err);
}

static struct feed_set *listen_for(struct invocation *invocation, const desired_list *desired)
{
	const struct manifest **manifests =
		arena_alloc_array(&invocation->arena, desired->count, sizeof(*manifests));
	struct kernel *kernel = &invocation->reconcile.kernel;

	kernel->arena = &invocation->arena;
	kernel->diagnostics = &invocation->diagnostics;
	for (size_t i = 0; i < desired->count; i++)
		manifests[i] = desired->items[i].manifest;
	return feed_listen(kernel, manifests, desired->count);
}

static void announce(struct invocation *invocation, const desired_list *desired)
{
	struct sink *out = &invocation->out;

	sink_open_object(out, NULL);
	sink_open_array(out, "serving");
	vec_each (wanted, desired) {
		if (!wanted->manifest->feeds.count)
			sink_text(out, "serving %s, which has no feeds\n",
				wanted->manifest->name.text);
		vec_each (feed, &wanted->manifest->feeds) {
			sink_open_object(out, NULL);
			sink_string(out, "deployment", wanted->manifest->name.text);
			sink_string(out, "accept", feed->accept.text);
			sink_string(out, "into", feed->into.text);
			sink_close(out);
			sink_text(out, "serving %s into %s\n", feed->accept.text, feed->into.text);
		}
	}
	sink_close(out);
	sink_close(out);
	sink_flush(out);
}

static void report_totals(struct invocation *invocation, const struct feed_totals *totals)
{
	struct sink *out = &invocation->out;

	sink_open_object(out, NULL);
	sink_number(out, "connections", totals->connections);
	sink_number(out, "refused", totals->refused);
	sink_number(out, "bytes_in", totals->bytes_in);
	sink_number(out, "bytes_out", totals->bytes_out);
	sink_close(out);
	sink_text(out,
		"%" PRIu64 " connections served, %" PRIu64 " bytes in, %" PRIu64 " bytes out\n",
		totals->connections, totals->bytes_in, totals->bytes_out);
}

static void report_left(struct invocation *invocation, const plan_list *applied)
{
	struct sink *out = &invocation->out;

	sink_open_object(out, NULL);
	sink_open_array(out, "left");
	vec_each (plan, applied) {
		if (!(*plan)->state->exists)
			continue;
		sink_string(out, NULL, (*plan)->deployment);
		sink_text(out, "%s: left in place, it was there before\n", (*plan)->deployment);
	}
	sink_close(out);
	sink_close(out);
}

static void delete_created(struct invocation *invocation, const target_list *created)
{
	plan_list plans = { 0 };
	double started = clock_milliseconds();

	if (created->count && reconcile_delete(&invocation->reconcile, "run", created->items,
				      created->count, &plans))
		report_done(invocation, &plans, started);
}

static void serve(struct invocation *invocation, struct feed_set *feeds, int signals,
	const desired_list *desired)
{
	struct feed_totals totals;
	int error;

	announce(invocation, desired);
	error = feed_serve(feeds, signals, notice, invocation);
	if (error)
		diag_add(&invocation->diagnostics, DIAG_E0402, mark_none,
			"cannot wait for connections: %s", strerror(-error));
	totals = feed_totals(feeds);
	report_totals(invocation, &totals);
}

/* The signal that ended the serving is done with: the next one may cut the wait for the lock short. */
static void take_signals(int signals)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info))
		continue;
}

static void apply_and_serve(struct invocation *invocation, struct feed_set *feeds, int signals,
	const desired_list *desired)
{
	double started = clock_milliseconds();
	target_list created = { 0 };
	plan_list plans = { 0 };

	if (reconcile_apply(&invocation->reconcile, "run", desired, &plans, &created)) {
		reconcile_warn(&invocation->reconcile, desired);
		report_done(invocation, &plans, started);
		if (feed_open_maps(feeds, &invocation->reconcile.kernel))
			serve(invocation, feeds, signals, desired);
		report_left(invocation, &plans);
	}
	take_signals(signals);
	delete_created(invocation, &created);
}

int cmd_run(struct invocation *invocation)
{
	cleanup_fd int signals = -1;
	desired_list desired = { 0 };
	struct feed_set *feeds;

	if (!reconcile_load(&invocation->reconcile, invocation->operands, invocation->operand_count,
		    &desired))
		return diag_exit_code(&invocation->diagnostics);
	signals = open_signals();
	if (signals < 0)
		diag_add(&invocation->diagnostics, DIAG_E0402, mark_none,
			"cannot wait for signals: %s", strerror(-signals));
	feeds = listen_for(invocation, &desired);
	if (feeds && signals >= 0)
		apply_and_serve(invocation, feeds, signals, &desired);
	feed_destroy(feeds);
	return diag_exit_code(&invocation->diagnostics);
}
