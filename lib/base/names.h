/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What names look like: one row per kind of name, which both the check and the pattern that the
 * schema shows are made from.
 */
#pragma once

#include "lib/base/arena.h"

#include <stdbool.h>

/* Characters are written as in a bracket expression without its brackets: "A-Za-z_", "a-z0-9-". */
struct name_rule {
	const char *first; /* what a name may begin with */
	const char *rest;  /* what it may go on with */
	size_t most;       /* characters; 0: any number */
	const char *says;  /* the rule as a sentence, for messages */
};

extern const struct name_rule name_of_deployment;
extern const struct name_rule name_of_object; /* a map, a program, a template */
extern const struct name_rule name_in_kernel; /* kernel_name */
extern const struct name_rule name_of_label;

bool name_follows(const struct name_rule *rule, const char *text);

/* The rule as a regular expression of ECMA 262, which is what JSON Schema reads. */
const char *name_pattern(struct arena *arena, const struct name_rule *rule);
