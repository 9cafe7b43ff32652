/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What becomes of running connections when slots and entries change. */
#include "lib/selftest/cases.h"

#include <errno.h>

#define BLOCK_BYTES 5000

/* A block arrives where it is to arrive, and nothing elsewhere. */
static bool block(struct trial *trial, const struct redirect *redirect, bool redirected)
{
	int to = redirected ? redirect->to : redirect->source.server;
	int other = redirected ? redirect->source.server : redirect->to;

	return stream_move(trial, redirect->from, to, BLOCK_BYTES) &&
	       stream_silent(trial, other, redirected ? "the source's own socket" : "the target");
}

static bool run_slot(struct trial *trial)
{
	struct redirect redirect;

	return redirect_open(trial, &redirect) && block(trial, &redirect, true) &&
	       trial_set_slot(trial, "pass") && block(trial, &redirect, false) &&
	       trial_set_slot(trial, "redirect") && block(trial, &redirect, true);
}

static bool run_emptied(struct trial *trial)
{
	struct redirect redirect;

	return redirect_open(trial, &redirect) && block(trial, &redirect, true) &&
	       trial_set_slot(trial, NULL) && block(trial, &redirect, false);
}

static bool delete (struct trial *trial, const char *map)
{
	const uint32_t index = 0;
	int error = kernel_delete_entry(trial_map(trial, map), &index);

	return !error || trial_failed(trial, "the entry cannot be deleted", error);
}

static bool run_no_target(struct trial *trial)
{
	struct redirect redirect;

	return redirect_open(trial, &redirect) && block(trial, &redirect, true) &&
	       delete (trial, "targets") && block(trial, &redirect, false);
}

static bool run_no_source(struct trial *trial)
{
	struct redirect redirect;

	return redirect_open(trial, &redirect) && block(trial, &redirect, true) &&
	       delete (trial, "sources") && block(trial, &redirect, false);
}

/* The kernel takes the entry out, a moment later. */
static bool waits_until_gone(struct trial *trial, const char *map)
{
	const uint32_t index = 0;
	const struct kernel_entry entry = {
		.map = trial_map(trial, map), .key = &index, .value_size = 8
	};
	uint64_t until = trial_patience(trial);

	while (kernel_find_entry(trial->arena, &entry) != -ENOENT) {
		if (clock_ns() >= until)
			return trial_late(trial, "the entry of a closed socket stays");
		trial_tick(-1, 0);
	}
	return true;
}

static bool run_closed(struct trial *trial)
{
	struct redirect redirect;

	if (!redirect_open(trial, &redirect) || !block(trial, &redirect, true))
		return false;
	trial_close(trial, redirect.target.server);
	trial_close(trial, redirect.target.client);
	return waits_until_gone(trial, "targets") &&
	       stream_move(trial, redirect.from, redirect.source.server, BLOCK_BYTES);
}

#define REDIRECT WITH_SKB("0", "stream_verdict")

const struct trial_case cases_map[] = {
	{ "a slot is written", run_slot, REDIRECT,
		"apply with a changed program does not reach sockets that are in the map",
		"delete and apply, and have clients connect again" },
	{ "a slot is written, sk_msg", run_slot, WITH_MSG("ingress"),
		"apply with a changed program does not reach sockets that are in the map",
		"delete and apply, and have clients connect again", .message = true,
		.ingress = true },
	{ "a slot is emptied", run_emptied, REDIRECT,
		"detach and delete do not stop programs for the sockets in the map",
		"close the sockets before delete" },
	{ "the target's entry is deleted", run_no_target, REDIRECT,
		"on_miss: pass does not save what finds no target",
		"take the source out of its map before the target" },
	{ "the source's entry is deleted", run_no_source, REDIRECT,
		"a socket that is taken out of its map gets no data any more",
		"close sockets instead of taking them out" },
	{ "the target is closed", run_closed, REDIRECT, "entries of closed sockets swallow data",
		"delete entries before closing sockets" },
};
const size_t cases_map_count = COUNT_OF(cases_map);
