/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * flow COUNT [FIRST [v]]: judges so many random programs, from number FIRST on, and compares with
 * the kernel; with v it shows the reason for which the kernel refused what the checks let pass.
 * Needs root. Exit code 1 when the kernel took one that the checks refuse.
 */
#include "tests/fuzz/oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last line of the log before its statistics. */
static void show_reason(const char *log, uint64_t number)
{
	const char *end = strstr(log, "processed "), *start;

	if (!end)
		end = log + strlen(log);
	while (end > log && end[-1] == '\n')
		end--;
	for (start = end; start > log && start[-1] != '\n';)
		start--;
	printf("missed %llu: %.*s\n", (unsigned long long)number, (int)(end - start), start);
}

int main(int argc, char **argv)
{
	uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 0) : 0;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	struct oracle oracle;

	if (!count) {
		fprintf(stderr, "usage: flow COUNT [FIRST [v]]\n");
		return 2;
	}
	if (!oracle_init(&oracle)) {
		fprintf(stderr, "the maps could not be made: it takes root\n");
		return 2;
	}
	for (uint64_t i = first; i < first + count; i++) {
		struct arena arena = { 0 };
		const char *why = NULL;
		struct bpfasm_code *code = program_random(&arena, i);

		if (!oracle_judge(&oracle, &arena, code, oracle_maps, oracle.maps, &why))
			printf("program %llu: %s\n", (unsigned long long)i, why);
		else if (why && argc > 3)
			show_reason(oracle_log(&arena, code, oracle.maps), i);
		arena_finish(&arena);
	}
	printf("%llu programs: the kernel took %zu and refused %zu, of which the checks caught "
	       "%zu; "
	       "they refused %zu that it took\n",
		(unsigned long long)count, oracle.taken, oracle.refused, oracle.caught,
		oracle.unequal);
	oracle_finish(&oracle);
	return oracle.unequal != 0;
}
