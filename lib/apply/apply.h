/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Makes plans true, all of them or none.
 *
 *	prepare   create maps and slots, load programs: descriptors only, the verifier judges all of
 *	          them; to undo is to close them
 *	stage     remove what a crash left half-way, make the folders, pin what is new: nothing that
 *	          runs has changed yet, unless it was such a leftover
 *	commit    take away attachments that go, write slots, create links
 *	clean     remove the pins of what is superseded or no longer wanted
 *
 * Everything from stage to commit goes through a journal of undos, run backwards on the first
 * failure. Cleaning comes last and is never undone: what it cannot remove is named as an error, shows
 * as drift, and goes with the next apply or delete.
 */
#pragma once

#include "lib/kernel/kernel.h"
#include "lib/plan/plan.h"

typedef VEC(const struct plan *) plan_list;

/*
 * The caller holds the exclusive lock since before the plans' states were observed. True when
 * everything was done; false with diagnostics, and with the kernel as it was before, unless it was
 * cleaning that failed or a diagnostic says what could not be taken back.
 */
bool apply_plans(struct kernel *kernel, const plan_list *plans);

/*
 * The same up to where something would be seen: maps are created and programs loaded, so that the
 * kernel says what it has against them, and closed again. A shared lock does.
 */
bool apply_check(struct kernel *kernel, const plan_list *plans);
