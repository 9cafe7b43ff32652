/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Makes plans true, all of them or none.
 *
 *	prepare   create maps and slots, load programs: descriptors only, the verifier judges all of
 *	          them; to undo is to close them
 *	stage     remove pins and records that a crash left half-way, make the folders, pin what is new:
 *	          nothing that runs has changed yet
 *	commit    settle links that a crash left half-way, take away attachments that go, write slots,
 *	          create links
 *	drain     wait for what is queued in sockets that leave their maps: their slots pass by now
 *	clean     remove the pins of what is superseded or no longer wanted, and folders; then links
 *	          that new ones stand beside
 *
 * Everything from stage to clean goes through a journal of undos, run backwards on the first failure. What
 * does not come back are pins and records that a crash left half-way, and of others files and links.
 * Detaching the old links comes last and is not undone: what fails there is named as an error.
 */
#pragma once

#include "lib/kernel/kernel.h"
#include "lib/plan/plan.h"

typedef VEC(const struct plan *) plan_list;

/*
 * The caller holds the exclusive lock since before the plans' states were observed. True when
 * everything was done; false with diagnostics, and with the kernel as it was before, unless a
 * diagnostic says what could not be taken back, or which link is attached beside a new one.
 * `drain_seconds` is the longest that all maps together are waited for.
 */
bool apply_plans(struct kernel *kernel, const plan_list *plans, unsigned int drain_seconds);

/*
 * The same up to where something would be seen: maps are created and programs loaded, so that the
 * kernel says what it has against them, and closed again. A shared lock does.
 */
bool apply_check(struct kernel *kernel, const plan_list *plans);
