/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "matrix-calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

const char *const class_names[CLASS_COUNT] = { [BPF] = "bpf", [FS] = "fs", [WAIT] = "wait" };

static void read_call(const char *line, struct call *ret)
{
	char class[8] = "";

	*ret = (struct call){ 0 };
	cr_assert_geq(
		sscanf(line, "%7s %u %23s %159[^\n]", class, &ret->nth, ret->name, ret->about), 3,
		"\"%s\"", line);
	while (strcmp(class, class_names[ret->class]) != 0)
		cr_assert_lt(++ret->class, CLASS_COUNT);
}

void calls_read(const char *file, struct calls *ret)
{
	char *text = file_read(file), *save = NULL;

	memset(ret->of, 0, sizeof(ret->of));
	ret->count = 0;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		cr_assert_lt(ret->count, CALLS_MOST);
		read_call(line, &ret->items[ret->count]);
		ret->of[ret->items[ret->count++].class]++;
	}
	free(text);
}

unsigned int calls_until(const struct calls *calls, const struct call *call, enum class class)
{
	unsigned int count = 0;

	for (size_t i = 0; i < calls->count; i++) {
		const struct call *one = &calls->items[i];

		count += one->class == class;
		if (one->class == call->class && one->nth == call->nth)
			break;
	}
	return count;
}

void calls_choose_all(struct calls *calls)
{
	for (size_t i = 0; i < calls->count; i++)
		calls->items[i].tried = true;
}

/* From where programs are waited for on: the first looks at the queues, as the others are no different. */
void calls_choose_waiting(struct calls *calls)
{
	size_t reads = 0;
	bool waits = false;

	for (size_t i = 0; i < calls->count && reads < READS_TRIED; i++) {
		struct call *call = &calls->items[i];

		waits = waits || strcmp(call->name, "membarrier") == 0;
		reads += waits && strcmp(call->name, "read") == 0;
		call->tried = waits;
	}
}

void calls_choose_removing(struct calls *calls)
{
	for (size_t i = 0; i < calls->count; i++) {
		struct call *call = &calls->items[i];

		call->tried =
			strcmp(call->name, "nftw64") == 0 || strcmp(call->name, "remove") == 0;
	}
}
