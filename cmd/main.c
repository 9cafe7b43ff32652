/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "cmd/command.h"

#include "lib/base/suggest.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES_HELP "FILE is a manifest, a directory (its *.yaml, sorted) or - for standard input.\n"

static const struct command commands[] = {
	{ "validate", "FILE...", "check manifests, without asking the kernel",
		FILES_HELP "Reports every error of every file. Needs no privilege.\n", OPTION_SET,
		1, -1, cmd_validate },
	{ "build", "FILE...", "list the instructions of the programs",
		FILES_HELP
		"Shows each line of the manifests with what it is assembled to. The text of each\n"
		"instruction is assembly again. With -o json also its bytes. Needs no privilege.\n",
		OPTION_SET, 1, -1, cmd_build },
	{ "plan", "FILE...", "show what apply would do",
		FILES_HELP
		"Changes nothing. Signs are + created, ~ updated in place, ! replaced by another\n"
		"that is empty, - deleted; what is unchanged is not shown.\n",
		OPTION_SET | OPTION_LOCK_TIMEOUT | OPTION_EXIT_CODE | OPTION_FORCE | OPTION_PRUNE,
		1, -1, cmd_plan },
	{ "apply", "FILE...", "make the kernel match the manifests, or change nothing",
		FILES_HELP
		"Everything is made, and judged by the kernel, before anything that runs changes;\n"
		"where a step fails, what was done is taken back. Applied twice, the second time\n"
		"changes nothing.\n",
		OPTION_SET | OPTION_LOCK_TIMEOUT | OPTION_LOADS | OPTION_APPLY | OPTION_FORCE |
			OPTION_PRUNE | OPTION_DRAIN,
		1, -1, cmd_apply },
	{ "delete", "[FILE...]", "remove what the manifests declare, in reverse order",
		FILES_HELP "Works on what is left of a half-made or damaged deployment, too.\n",
		OPTION_SET | OPTION_LOCK_TIMEOUT | OPTION_NAME | OPTION_FORCE | OPTION_DRAIN, 0, -1,
		cmd_delete },
	{ "detach", "[MAP] [TYPE]", "take programs off the hooks of a map or a cgroup",
		"MAP is DEPLOYMENT/MAP, the path of a pin, or id:NUMBER; TYPE is stream_parser,\n"
		"stream_verdict, skb_verdict or msg_verdict, without it every hook is meant.\n"
		"With --cgroup there is no MAP, and sock_ops is the only TYPE.\n"
		"What sockform attached stops at once, and apply attaches it again, both for the\n"
		"sockets in the map, too. What others attached needs --force, and goes on for\n"
		"the sockets that are in the map.\n",
		OPTION_LOCK_TIMEOUT | OPTION_HOOK, 0, 2, cmd_detach },
	{ "status", "[NAME]", "show what is deployed, and what has drifted",
		"Without NAME, every deployment. Below each stands what has drifted (is missing,\n"
		"detached, rewritten, or not sockform's) and what to do. Exits with 1 on drift,\n"
		"and where NAME is not there.\n",
		OPTION_LOCK_TIMEOUT, 0, 1, cmd_status },
	{ "run", "FILE...", "apply, serve the feeds, and delete on exit",
		FILES_HELP
		"Listens where the manifests' `sockets` say and puts each accepted socket into\n"
		"its map. On SIGINT, SIGTERM or SIGHUP deletes the deployments that it created;\n"
		"one that was there before stays.\n",
		OPTION_SET | OPTION_LOCK_TIMEOUT | OPTION_LOADS | OPTION_DRAIN, 1, -1, cmd_run },
	{ "schema", "[OF]", "write the JSON Schema of manifests, or of results",
		"OF is manifest (default): an editor with a YAML language server completes and\n"
		"checks manifests by it; plan: what plan, apply, delete and detach write with\n"
		"-o json; or status: what status does. Needs no privilege.\n",
		0, 0, 1, cmd_schema },
	{ "features", "", "show what this kernel offers, and what is missing",
		"Asks the kernel for each thing that sockform uses and leaves nothing behind.\n"
		"What cannot be asked without privilege is unknown. With --self-test instead\n"
		"sends bytes through sockets of its own on loopback, checks the faults that\n"
		"kernels have had with data, and exits with 1 if it finds one.\n",
		OPTION_SELF_TEST, 0, 0, cmd_features },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

/* What the value of an option is, and so where it goes: to the member of the invocation at `member`. */
enum option_value {
	VALUE_SPECIAL, /* take_special() knows */
	VALUE_FLAG,    /* bool: there is no value */
	VALUE_TEXT,    /* const char * */
	VALUE_SECONDS, /* unsigned int */
};

#define FLAG(name, letter, member)                                                                 \
	{ name, no_argument, NULL, letter }, VALUE_FLAG, offsetof(struct invocation, member)
#define TEXT(name, letter, member)                                                                 \
	{ name, required_argument, NULL, letter }, VALUE_TEXT, offsetof(struct invocation, member)
#define SECONDS(name, letter, member)                                                              \
	{ name, required_argument, NULL, letter }, VALUE_SECONDS,                                  \
		offsetof(struct invocation, member)
#define SPECIAL(name, letter, has_value) { name, has_value, NULL, letter }, VALUE_SPECIAL, 0

static const struct option_row {
	struct option option;
	enum option_value value;
	size_t member;
	unsigned int bit; /* 0: every verb takes it */
	const char *usage, *help;
	unsigned int of_use; /* 0: to every verb that takes it; the help of others is silent */
} options[] = {
	{ SPECIAL("output", 'o', required_argument), 0, "-o, --output FORMAT",
		"text (default) or json" },
	{ FLAG("verbose", 'v', verbose), 0, "-v, --verbose", "also the verifier's whole log",
		OPTION_LOADS },
	{ SPECIAL("help", 'h', no_argument), 0, "-h, --help", "this text" },
	{ SPECIAL("set", 'S', required_argument), OPTION_SET, "    --set NAME=VALUE",
		"the value of a parameter" },
	{ SPECIAL("values", 'V', required_argument), OPTION_SET, "    --values FILE",
		"values of parameters, as YAML; --set is stronger" },
	{ SECONDS("lock-timeout", 'L', reconcile.lock_timeout), OPTION_LOCK_TIMEOUT,
		"    --lock-timeout SECONDS", "how long to wait for the lock (10)" },
	{ TEXT("bpffs", 'B', reconcile.kernel.bpffs), OPTION_LOCK_TIMEOUT, "    --bpffs DIR",
		"where bpffs is mounted (/sys/fs/bpf)" },
	{ SECONDS("drain-timeout", 'T', reconcile.drain_timeout), OPTION_DRAIN,
		"    --drain-timeout SECONDS", "how long to wait for queued data (5)" },
	{ TEXT("name", 'N', name), OPTION_NAME, "    --name NAME",
		"the deployment, where its manifest is gone" },
	{ TEXT("cgroup", 'C', cgroup), OPTION_HOOK, "    --cgroup PATH",
		"a cgroup instead of a map; / is the root" },
	{ TEXT("program", 'P', program), OPTION_HOOK, "    --program PROGRAM",
		"only this program, by NAME, DEPLOYMENT/NAME or id" },
	{ FLAG("force", 'F', reconcile.forces), OPTION_HOOK, "    --force",
		"also programs that sockform did not attach" },
	{ FLAG("force", 'F', reconcile.forces), OPTION_FORCE, "    --force",
		"take over, or away, what is not sockform's" },
	{ FLAG("exit-code", 'E', exit_code), OPTION_EXIT_CODE, "    --exit-code",
		"exit with 1 if anything would change" },
	{ FLAG("dry-run", 'D', dry_run), OPTION_APPLY, "    --dry-run",
		"let the kernel judge everything, change nothing" },
	{ FLAG("prune", 'p', prune), OPTION_PRUNE, "    --prune",
		"remove what came from FILE and is not in it now" },
	{ FLAG("replace", 'R', reconcile.replaces), OPTION_APPLY, "    --replace",
		"replace maps that differ; what is in them goes" },
	{ FLAG("self-test", 't', self_test), OPTION_SELF_TEST, "    --self-test",
		"check what the kernel does with data" },
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

void report_done(struct invocation *invocation, const plan_list *plans, double started)
{
	report_plans(&invocation->out, plans->items, plans->count, REPORT_DONE,
		clock_milliseconds() - started);
}

static void write_overview(FILE *stream)
{
	fputs("usage: sockform VERB [OPTION...] [OPERAND...]\n\n", stream);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(stream, "  %-9s %-13s %s\n", commands[i].name, commands[i].operands,
			commands[i].summary);
	fputs("\n`sockform VERB --help` says more. `sockform --version` tells the version.\n",
		stream);
}

static bool takes(const struct command *command, unsigned int bit)
{
	return !bit || command->options & bit;
}

static void write_help(const struct command *command)
{
	printf("usage: sockform %s [OPTION...]%s%s\n\n%c%s.\n%s\n", command->name,
		*command->operands ? " " : "", command->operands, command->summary[0] - 'a' + 'A',
		command->summary + 1, command->help);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (takes(command, options[i].bit) && takes(command, options[i].of_use))
			printf("  %-27s  %s\n", options[i].usage, options[i].help);
	fputs("\nExit codes: 0 done, 1 a difference where one was asked about, 2 bad usage or a\n"
	      "bad manifest, 3 the kernel refused or a capability is missing, 4 another\n"
	      "sockform held the lock.\n",
		stdout);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int report_unknown_verb(struct invocation *invocation, const char *name)
{
	struct diagnostics *diagnostics = &invocation->diagnostics;
	struct suggestion suggestion = suggestion_for(name);
	struct diagnostic *diagnostic;

	diag_offer(diagnostics, &suggestion, DIAG_NAMES(commands, COMMAND_COUNT, name));
	diagnostic = diag_add(diagnostics, DIAG_E0001, mark_none, "there is no verb \"%s\"", name);
	diagnostic->hint = "`sockform --help` lists the verbs";
	diag_suggest(diagnostics, diagnostic, &suggestion);
	return EXIT_USAGE;
}

int usage_error(struct invocation *invocation, const char *format, ...)
{
	struct diagnostic *diagnostic;
	va_list arguments;

	va_start(arguments, format);
	diagnostic = diag_add(&invocation->diagnostics, DIAG_E0001, mark_none, "%s",
		arena_vprintf(&invocation->arena, format, arguments));
	va_end(arguments);
	diagnostic->hint = arena_printf(
		&invocation->arena, "`sockform %s --help` says more", invocation->command->name);
	return EXIT_USAGE;
}

bool take_sources(struct invocation *invocation)
{
	struct reconcile *reconcile = &invocation->reconcile;

	reconcile->remembers = true;
	for (size_t i = 0; invocation->prune && i < invocation->operand_count; i++) {
		const char *operand = invocation->operands[i];
		const char *origin = manifest_origin(&invocation->arena, operand);

		/* What is not there is told when it is loaded. */
		if (origin)
			*vec_add(&invocation->arena, &reconcile->pruned) = origin;
		else if (!errno)
			return usage_error(invocation,
				       "--prune goes by where manifests came from, and %s is "
				       "nowhere to come back to",
				       strcmp(operand, "-") == 0 ? "standard input" : operand) ==
			       EXIT_DONE;
	}
	return true;
}

static bool parse_seconds(const char *text, unsigned int *ret)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value > 86400)
		return false;
	*ret = (unsigned int)value;
	return true;
}

static bool take_seconds(struct invocation *invocation, const struct option_row *row,
	const char *value, unsigned int *ret)
{
	return parse_seconds(value, ret) ||
	       usage_error(invocation, "--%s takes 0 to 86400 seconds, not \"%s\"",
		       row->option.name, value) == EXIT_DONE;
}

static bool take_special(
	struct invocation *invocation, const struct option_row *row, const char *value)
{
	struct manifest_settings *settings = &invocation->reconcile.settings;

	switch (row->option.val) {
	case 'V':
		*vec_add(&invocation->arena, &settings->files) = value;
		break;
	case 'S':
		if (!manifest_is_setting(value))
			return usage_error(invocation, "--set takes NAME=VALUE, not \"%s\"",
				       value) == EXIT_DONE;
		*vec_add(&invocation->arena, &settings->sets) = value;
		break;
	case 'o':
		/* find_format has taken it. */
		if (strcmp(value, "json") != 0 && strcmp(value, "text") != 0)
			return usage_error(invocation, "--output takes text or json, not \"%s\"",
				       value) == EXIT_DONE;
		break;
	}
	return true;
}

static const struct option_row *option_of(int letter)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (options[i].option.val == letter)
			return &options[i];
	return NULL;
}

/* Sets what the option says; false with a diagnostic where its value is wrong. */
static bool take_option(struct invocation *invocation, int letter, const char *value)
{
	const struct option_row *row = option_of(letter);
	void *member = (char *)invocation + row->member;

	switch (row->value) {
	case VALUE_FLAG:
		*(bool *)member = true;
		return true;
	case VALUE_TEXT:
		*(const char **)member = value;
		return true;
	case VALUE_SECONDS:
		return take_seconds(invocation, row, value, member);
	case VALUE_SPECIAL:
		break;
	}
	return take_special(invocation, row, value);
}

/*
 * The option that getopt_long stumbled over. The word before optind is it only for long options: in a
 * cluster of letters optind has not moved yet.
 */
static const char *faulty_option(struct arena *arena, char **argv)
{
	const char *word = argv[optind - 1];

	if (optopt && (strncmp(word, "--", 2) != 0 || !option_of(optopt)))
		return arena_printf(arena, "-%c", optopt);
	return word;
}

/* The form that is asked for, wherever: also behind an option or a verb that there is not. */
static enum sink_format find_format(struct arena *arena, int argc, char **argv)
{
	struct option table[OPTION_COUNT + 1] = { 0 };
	char **words = arena_alloc_array(arena, (size_t)argc + 1, sizeof(*words)); /* are sorted */
	enum sink_format format = SINK_TEXT;
	int letter;

	memcpy(words, argv, (size_t)argc * sizeof(*words));
	for (size_t i = 0; i < OPTION_COUNT; i++)
		table[i] = options[i].option;
	opterr = 0;
	while ((letter = getopt_long(argc, words, ":o:vh", table, NULL)) != -1)
		if (letter == 'o' && strcmp(optarg, "json") == 0)
			format = SINK_JSON;
		else if (letter == 'o' && strcmp(optarg, "text") == 0)
			format = SINK_TEXT;
	optind = 0; /* from the beginning again */
	return format;
}

/* -1: go on and run the verb; else the exit code. */
static int parse_arguments(struct invocation *invocation, int argc, char **argv)
{
	const struct command *command = invocation->command;
	struct option table[OPTION_COUNT + 1] = { 0 };
	size_t count = 0;
	int letter;

	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (takes(command, options[i].bit))
			table[count++] = options[i].option;
	opterr = 0;
	while ((letter = getopt_long(argc, argv, ":o:vh", table, NULL)) != -1) {
		if (letter == 'h') {
			write_help(command);
			return EXIT_DONE;
		}
		if (letter == '?' || letter == ':')
			return usage_error(invocation,
				letter == '?' ? "there is no option %s"
					      : "a value is missing for %s",
				faulty_option(&invocation->arena, argv));
		if (!take_option(invocation, letter, optarg))
			return EXIT_USAGE;
	}
	/* In the design, and not there yet: better said than taken for a file. */
	if (command->run == cmd_run && optind > 1 && strcmp(argv[optind - 1], "--") == 0)
		return usage_error(invocation, "running a command (-- CMD) is not supported yet");
	invocation->operands = argv + optind;
	invocation->operand_count = (size_t)(argc - optind);
	if (argc - optind < command->least)
		return usage_error(invocation, "it needs %s", command->operands);
	if (command->most >= 0 && argc - optind > command->most)
		return usage_error(invocation, "there is one operand too many: %s",
			argv[optind + command->most]);
	return -1;
}

static bool wants_colour(FILE *stream)
{
	const char *no_colour = getenv("NO_COLOR");

	/* https://no-color.org: set and not empty */
	return isatty(fileno(stream)) && !(no_colour && *no_colour);
}

static int finish(struct invocation *invocation, int result)
{
	int error;

	/* For the widths of characters under carets; loading it is a tenth of an apply. */
	if (invocation->diagnostics.list.count)
		setlocale(LC_CTYPE, "C.UTF-8");
	report_diagnostics(&invocation->err, &invocation->diagnostics, invocation->verbose);
	sink_flush(&invocation->err);
	error = sink_flush(&invocation->out);
	if (error) {
		fprintf(stderr, "sockform: cannot write the result: %s\n", strerror(-error));
		result = result ? result : EXIT_KERNEL;
	}
	arena_finish(&invocation->arena);
	return result;
}

/* The verb of that name is the first argument. */
static int run_command(int argc, char **argv)
{
	struct invocation invocation = {
		.command = find_command(argv[1]),
		.out = { .stream = stdout, .colour = wants_colour(stdout) },
		.err = { .stream = stderr, .colour = wants_colour(stderr) },
		.reconcile.lock_timeout = 10,
		.reconcile.drain_timeout = 5,
	};
	int result;

	invocation.diagnostics.arena = &invocation.arena;
	invocation.reconcile.arena = &invocation.arena;
	invocation.reconcile.diagnostics = &invocation.diagnostics;
	invocation.out.format = invocation.err.format = find_format(&invocation.arena, argc, argv);
	if (invocation.command)
		result = parse_arguments(&invocation, argc - 1, argv + 1);
	else
		result = report_unknown_verb(&invocation, argv[1]);
	if (result < 0)
		result = invocation.command->run(&invocation);
	return finish(&invocation, result);
}

int main(int argc, char **argv)
{
	/* Diagnostics are written character by character; what reports them flushes. */
	setvbuf(stderr, NULL, _IOFBF, BUFSIZ);
	if (argc < 2) {
		write_overview(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		write_overview(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("sockform " SOCKFORM_VERSION);
		return EXIT_DONE;
	}
	return run_command(argc, argv);
}
