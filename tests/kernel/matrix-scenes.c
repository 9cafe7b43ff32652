/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "matrix-scenes.h"

#include <string.h>

/* Made in the update: maps, programs, slots and dispatchers, and the links of cgroups. */
#define MADE (2 + 3 + 3 * 2 + 2)
#define MADE_RECORDS (2 + 3 + 3)
#define FOLDERS 7
#define TEXTS 2

/*
 * To make a pin or to read it takes two bpf() calls at least, to remove it a call of the file system, as
 * for each record and folder.
 */
void scenes_write(const struct ground *ground, struct scene ret[SCENES])
{
	unsigned int old = ground_pins(BEFORE), records = ground_records(BEFORE);
	const struct scene scenes[SCENES] = {
		{ .name = "a first apply",
			.arguments = { "apply", "--replace", ground->old.path },
			.before = NONE,
			.after = BARE,
			.restore = ground_restore_none,
			.choose = calls_choose_all,
			.least = { 2 * old, records + FOLDERS + TEXTS } },
		{ .name = "an update",
			.arguments = { "apply", "--replace", ground->new.path },
			.before = BEFORE,
			.after = AFTER,
			.restore = ground_restore_before,
			.choose = calls_choose_all,
			.least = { 2 * (old + MADE), records + MADE_RECORDS } },
		{ .name = "a delete",
			.arguments = { "delete", "--name", ground->old.name },
			.before = BEFORE,
			.after = NONE,
			.restore = ground_restore_before,
			.choose = calls_choose_all,
			.least = { 2 * old, old + records + FOLDERS + TEXTS } },
		{ .name = "an update that waits",
			.arguments = { "apply", "--replace", ground->new.path },
			.before = BEFORE,
			.after = AFTER,
			.restore = ground_restore_before,
			.choose = calls_choose_waiting,
			.waits = true,
			.thin = true,
			.least = { 1 + READS_TRIED, 1, 1 + READS_TRIED } },
		{ .name = "a delete that waits",
			.arguments = { "delete", "--name", ground->old.name },
			.before = BEFORE,
			.after = NONE,
			.restore = ground_restore_before,
			.choose = calls_choose_waiting,
			.waits = true,
			.thin = true,
			.least = { 1 + READS_TRIED, 1, 1 + READS_TRIED } },
		/* Of the strangers one that is beside the folders of pins stays. */
		{ .name = "a forced update",
			.arguments = { "apply", "--force", "--replace", ground->new.path },
			.before = BEFORE,
			.after = AFTER,
			.restore = ground_restore_strange,
			.choose = calls_choose_removing,
			.forces = true,
			.thin = true,
			.least = { 0, 3 } },
		{ .name = "a forced delete",
			.arguments = { "delete", "--force", "--name", ground->old.name },
			.before = BEFORE,
			.after = NONE,
			.restore = ground_restore_strange,
			.choose = calls_choose_removing,
			.forces = true,
			.thin = true,
			.least = { 0, 2 * 3 } },
	};

	memcpy(ret, scenes, sizeof(scenes));
}
