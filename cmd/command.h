/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A verb of the command line: a row of the table in main.c, and a file of its own. */
#pragma once

#include "lib/base/clock.h"
#include "lib/reconcile.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_DIFFERENCE = 1,
	EXIT_USAGE = 2, /* also: a bad manifest */
	EXIT_KERNEL = 3,
	EXIT_LOCKED = 4,
};

/* Options that a verb may take; bits of command.options. -h, -o and -v all of them take. */
enum option_bit {
	OPTION_LOCK_TIMEOUT = 1 << 0, /* of verbs that go to the kernel: also --bpffs */
	OPTION_NAME = 1 << 1,
	OPTION_EXIT_CODE = 1 << 2,
	OPTION_SET = 1 << 3,   /* of verbs that take manifests: --set and --values */
	OPTION_HOOK = 1 << 4,  /* --program, --cgroup, --force */
	OPTION_LOADS = 1 << 5, /* no option: the verb shows programs to the verifier */
	OPTION_APPLY = 1 << 6, /* --dry-run, --replace */
	OPTION_FORCE = 1 << 7, /* --force, of what is in the way */
	OPTION_PRUNE = 1 << 8,
	OPTION_DRAIN = 1 << 9, /* --drain-timeout */
	OPTION_SELF_TEST = 1 << 10,
};

struct invocation;

struct command {
	const char *name;
	const char *operands; /* "FILE..." */
	const char *summary;  /* one line, for the list of verbs */
	const char *help;     /* what --help says below the usage line */
	unsigned int options;
	int least, most; /* operands; most -1: any number */
	int (*run)(struct invocation *invocation);
};

/* One run of a verb. */
struct invocation {
	const struct command *command;
	char **operands;
	size_t operand_count;
	const char *name;    /* --name */
	const char *program; /* --program */
	const char *cgroup;  /* --cgroup */
	bool exit_code;      /* --exit-code */
	bool dry_run;        /* --dry-run */
	bool prune;          /* --prune */
	bool self_test;      /* --self-test */
	bool verbose;
	struct arena arena;
	struct diagnostics diagnostics;
	struct reconcile reconcile;
	struct sink out, err;
};

/* An E0001 for the user of the verb; EXIT_USAGE. */
int usage_error(struct invocation *invocation, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Of verbs that apply, or show it: deployments remember their source, and --prune asks for it. False
 * with a diagnostic.
 */
bool take_sources(struct invocation *invocation);

/* Reports plans that have been applied, in the time since `started`, of clock_milliseconds(). */
void report_done(struct invocation *invocation, const plan_list *plans, double started);

int cmd_validate(struct invocation *invocation);
int cmd_build(struct invocation *invocation);
int cmd_plan(struct invocation *invocation);
int cmd_apply(struct invocation *invocation);
int cmd_delete(struct invocation *invocation);
int cmd_detach(struct invocation *invocation);
int cmd_status(struct invocation *invocation);
int cmd_run(struct invocation *invocation);
int cmd_schema(struct invocation *invocation);
int cmd_features(struct invocation *invocation);
