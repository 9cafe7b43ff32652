/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Many processes apply, delete, detach and read at once: some a deployment of their own, all of them
 * a few that they share. Nothing fails but for the lock, nothing is left over, and each deployment
 * is what the last command made it.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "note.h"

#define WORKERS 64
#define OWNERS 32 /* of the workers, each with a deployment of its own */
#define SHARED 8
#define DEPLOYMENTS (SHARED + OWNERS)
#define STORM_S 500

#ifdef __SANITIZE_ADDRESS__
#define OPERATIONS 1280
#else
#define OPERATIONS 10000
#endif
#define OPERATIONS_THIN 640

/* Of each worker. SOCKFORM_RACE=thin is for machines that are many times slower. */
static unsigned int each(void)
{
	const char *wish = getenv("SOCKFORM_RACE");
	unsigned int all = wish && strcmp(wish, "thin") == 0 ? OPERATIONS_THIN : OPERATIONS;

	return (all + WORKERS - 1) / WORKERS;
}

#define CODE_LOCKED 4
#define LOCKED_MOST 20 /* a part of the operations */
#define GOOD_LEAST 50  /* likewise, of each kind */

enum operation { APPLY_ONE, APPLY_OTHER, DELETE, DETACH, STATUS, PLAN, OPERATION_COUNT };

static const char *const names[] = { "apply", "apply", "delete", "detach", "status", "plan" };

enum side { WRITERS, READERS, SIDE_COUNT };

/* Waiting times by powers of two: below 1 ms, below 2, 4... */
#define CLASSES 16

struct tally {
	atomic_uint done, locked;
	atomic_uint slowest; /* ms */
	atomic_uint took[CLASSES];
};

/* What the workers tell, in shared memory. */
struct board {
	struct tally sides[SIDE_COUNT];
	atomic_uint good[OPERATION_COUNT]; /* with exit code 0 */
	atomic_uint faults;
	char fault[2048]; /* the first */
};

struct deployment {
	struct manifest one, other; /* of the same name */
	bool stays_attached;        /* nobody detaches it, so that it is never seen drifted */
};

struct race {
	struct board *board;
	struct deployment deployments[DEPLOYMENTS];
};

/* What a deployment is, as far as its only user knows. */
enum standing { ABSENT, ONE, OTHER, DETACHED };

TestSuite(race, .init = harness_init, .fini = harness_fini, .timeout = STORM_S + 100);

static void write_deployment(struct deployment *deployment, const char *name)
{
	char other[64];

	snprintf(other, sizeof(other), "%s-other", name);
	manifest_init(&deployment->one, name);
	manifest_init(&deployment->other, other);
	strcpy(deployment->other.name, deployment->one.name);
	manifest_echo(&deployment->one, BODY_ECHO);
	manifest_echo(&deployment->other, BODY_PASS);
}

static void record_fault(struct race *race, const char *what, const struct result *result)
{
	if (atomic_fetch_add(&race->board->faults, 1) == 0)
		snprintf(race->board->fault, sizeof(race->board->fault),
			"%s: exit code %d\n%.800s%.800s", what, result->code, result->out,
			result->err);
}

static void record_time(struct race *race, enum side side, unsigned int took, bool locked)
{
	struct tally *tally = &race->board->sides[side];
	unsigned int class = 0, slowest = atomic_load(&tally->slowest);

	while (class < CLASSES - 1 && took >= 1u << class)
		class ++;
	atomic_fetch_add(&tally->done, 1);
	atomic_fetch_add(&tally->locked, locked);
	atomic_fetch_add(&tally->took[class], 1);
	while (took > slowest && !atomic_compare_exchange_weak(&tally->slowest, &slowest, took))
		;
}

static void run_operation(
	const struct deployment *deployment, enum operation operation, struct result *ret)
{
	char map[128];

	snprintf(map, sizeof(map), "%s/echo_sockets", deployment->one.name);
	switch (operation) {
	case DELETE:
		sockform(ret, "delete", "--name", deployment->one.name);
		break;
	case DETACH:
		sockform(ret, "detach", map);
		break;
	case STATUS:
		sockform(ret, "status", deployment->one.name);
		break;
	default:
		sockform(ret, names[operation],
			operation == APPLY_OTHER ? deployment->other.path : deployment->one.path);
	}
}

/* What of the exit codes the operation implies, whatever the others do. */
static bool is_good(
	const struct deployment *deployment, enum operation operation, const struct result *result)
{
	if (result->code == CODE_LOCKED)
		return strstr(result->err, "E0404");
	if (result->code == 1 && operation == STATUS)
		return strstr(result->out, ": absent") ||
		       (!deployment->stays_attached && strstr(result->out, "it is detached"));
	if (result->code == 2 && operation == DETACH)
		return strstr(result->err, "there is no deployment");
	return result->code == 0 && !*result->err;
}

/* The exit code, or -1 where it is none that the operation implies. */
static int try(struct race *race, const struct deployment *deployment, enum operation operation)
{
	enum side side = operation < STATUS ? WRITERS : READERS;
	int64_t began = client_now();
	struct result result;
	int code;

	run_operation(deployment, operation, &result);
	code = result.code;
	record_time(race, side, (unsigned int)(client_now() - began), code == CODE_LOCKED);
	if (!is_good(deployment, operation, &result)) {
		record_fault(race, names[operation], &result);
		code = -1;
	}
	atomic_fetch_add(&race->board->good[operation], code == 0);
	result_finish(&result);
	return code;
}

static enum standing after(enum standing before, enum operation operation)
{
	switch (operation) {
	case APPLY_ONE:
		return ONE;
	case APPLY_OTHER:
		return OTHER;
	case DELETE:
		return ABSENT;
	case DETACH:
		return before == ABSENT ? ABSENT : DETACHED;
	default:
		return before;
	}
}

/* Nobody else touches this deployment: it has to be what this process made it. */
static void check_own(
	struct race *race, const struct deployment *deployment, enum standing standing)
{
	static const char *const words[] = { [ABSENT] = ": absent",
		[ONE] = ": ok",
		[OTHER] = ": ok",
		[DETACHED] = "it is detached" };
	const struct manifest *manifest = standing == OTHER ? &deployment->other : &deployment->one;
	struct result result;

	sockform(&result, "status", deployment->one.name);
	if (result.code != CODE_LOCKED && !strstr(result.out, words[standing]))
		record_fault(race, words[standing], &result);
	result_finish(&result);
	sockform(&result, "plan", "--exit-code", manifest->path);
	if (result.code != CODE_LOCKED &&
		result.code != (standing == ABSENT || standing == DETACHED))
		record_fault(race, "plan --exit-code", &result);
	result_finish(&result);
}

static _Noreturn void work(struct race *race, unsigned int worker)
{
	const struct deployment *own = &race->deployments[SHARED + worker % OWNERS];
	enum standing standing = ABSENT;
	unsigned int seed = worker + 1;

	for (unsigned int i = 0; i < each(); i++) {
		enum operation operation = (unsigned int)rand_r(&seed) % OPERATION_COUNT;
		bool is_own = worker < OWNERS && i % 2;
		const struct deployment *deployment =
			is_own ? own : &race->deployments[(unsigned int)rand_r(&seed) % SHARED];
		int code;

		if (operation == DETACH && deployment->stays_attached)
			operation = STATUS;
		code = try(race, deployment, operation);
		if (is_own && code >= 0 && code != CODE_LOCKED) {
			standing = after(standing, operation);
			check_own(race, own, standing);
		}
	}
	_exit(0);
}

static void storm(struct race *race)
{
	pid_t workers[WORKERS];

	for (unsigned int i = 0; i < WORKERS; i++) {
		workers[i] = process_fork();
		cr_assert_geq(workers[i], 0);
		if (!workers[i])
			work(race, i);
	}
	for (unsigned int i = 0; i < WORKERS; i++) {
		int status = process_reap(workers[i]);

		cr_assert(
			WIFEXITED(status) && WEXITSTATUS(status) == 0, "worker %u: %x", i, status);
	}
}

static void report(const struct tally *tally, const char *who)
{
	char text[512] = "";
	size_t length = 0;

	for (unsigned int i = 0; i < CLASSES; i++)
		if (tally->took[i])
			length += (size_t)snprintf(text + length, sizeof(text) - length, " <%u:%u",
				1u << i, tally->took[i]);
	note("%s: %u operations, %u gave the lock up, the slowest took %u ms; by ms%s", who,
		tally->done, tally->locked, tally->slowest, text);
}

/* Most operations found the lock free, and each kind was really done. */
static void check_shares(const struct board *board)
{
	unsigned int all = 0, locked = 0;

	for (enum side side = WRITERS; side < SIDE_COUNT; side++) {
		all += board->sides[side].done;
		locked += board->sides[side].locked;
	}
	for (enum operation operation = 0; operation < OPERATION_COUNT; operation++) {
		cr_assert_geq(board->good[operation], all / GOOD_LEAST, "%s: only %u of %u",
			names[operation], board->good[operation], all);
	}
	note("done: apply %u and %u, delete %u, detach %u, status %u, plan %u",
		board->good[APPLY_ONE], board->good[APPLY_OTHER], board->good[DELETE],
		board->good[DETACH], board->good[STATUS], board->good[PLAN]);
	cr_assert_leq(locked, all / LOCKED_MOST, "%u of %u gave the lock up", locked, all);
}

/* What the storm left of one that all had a hand in: some last command's whole work. */
static void check_left(const struct deployment *deployment)
{
	const struct manifest *const both[] = { &deployment->one, &deployment->other };
	struct result result;
	size_t whole = 0;

	sockform(&result, "status", deployment->one.name);
	cr_assert(is_good(deployment, STATUS, &result), "%s%s", result.out, result.err);
	for (size_t i = 0; result.code == 0 && i < 2; i++) {
		struct result plan;

		sockform(&plan, "plan", "--exit-code", both[i]->path);
		cr_assert(plan.code == 0 || plan.code == 1, "%s%s", plan.out, plan.err);
		whole += plan.code == 0;
		result_finish(&plan);
	}
	cr_assert_eq(whole, result.code == 0, "%s", result.out);
	result_finish(&result);
}

/* After the storm: a last command for each deployment, and it is what that said. */
static void check_last(const struct deployment *deployment, unsigned int number)
{
	struct result result;

	if (number % 2) {
		sockform_expect(0, "delete", deployment->one.path);
		sockform(&result, "status", deployment->one.name);
		assert_code(&result, 1);
		assert_says(result.out, ": absent");
		result_finish(&result);
		return;
	}
	sockform_expect(0, "apply", deployment->other.path);
	sockform_expect(0, "status", deployment->one.name);
	sockform_expect(0, "plan", "--exit-code", deployment->other.path);
	sockform_expect(0, "delete", deployment->one.path);
}

Test(race, everybody_at_once)
{
	char *ids = snapshot_ids(), *pins;
	struct race race = { .board = mmap(NULL, sizeof(*race.board), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0) };
	int64_t began;

	cr_assert_neq(race.board, MAP_FAILED);
	for (unsigned int i = 0; i < DEPLOYMENTS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "race%u", i);
		write_deployment(&race.deployments[i], name);
		race.deployments[i].stays_attached = i < SHARED / 2;
	}
	/* The folder of all deployments is made once, and stays. */
	sockform_expect(0, "apply", race.deployments[0].one.path);
	sockform_expect(0, "delete", race.deployments[0].one.path);
	pins = snapshot_pins();
	began = client_now();
	storm(&race);
	note("%d processes, %d operations in %.1f s", WORKERS, each() * WORKERS,
		(double)(client_now() - began) / 1000);
	report(&race.board->sides[WRITERS], "writers");
	report(&race.board->sides[READERS], "readers");
	cr_assert_eq(race.board->faults, 0, "%u faults, the first: %s", race.board->faults,
		race.board->fault);
	check_shares(race.board);
	for (unsigned int i = 0; i < SHARED; i++)
		check_left(&race.deployments[i]);
	for (unsigned int i = 0; i < DEPLOYMENTS; i++)
		check_last(&race.deployments[i], i);
	assert_ids(ids);
	assert_pins(pins);
	munmap(race.board, sizeof(*race.board));
	free(ids);
	free(pins);
}
