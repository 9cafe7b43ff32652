/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The fault matrix: a first apply, an update that touches every kind of thing, and a delete, with an
 * error at each bpf() call and at each file-system call, for several errors, and killed before and
 * after each of them. After an error the kernel is as it was before or as it was to become, never
 * between; after a kill the next command gets there, also after one while an error is taken back. No
 * object is left over in the machine, and connections in maps that stay lose no byte, meanwhile or
 * afterwards. Beside these three there is, with one error and one kill at each call, what an update and a
 * delete do when they wait for sockets, and what they do that remove what is not ours.
 *
 * The first four errors are tried, and sockets are not waited for; SOCKFORM_MATRIX=full, by hand, tries
 * all, and waits everywhere. SOCKFORM_MATRIX=thin tries one error and one kill at each call, in turns,
 * and a kill on the way back at some. A build with sanitizers, where a run takes twenty times as long, does
 * that at every other call and kills at few: of what is killed they have nothing to say. SOCKFORM_MATRIX=sparse
 * is thin at one of four calls: it is for a kernel that is made older (SOCKFORM_INJECT_OLDER), where most
 * calls are those that are tried anyway.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "matrix-check.h"
#include "matrix-ignored.h"
#include "matrix-left.h"
#include "matrix-scenes.h"
#include "note.h"

#define LEAKS_EVERY 8  /* calls */
#define THIN_UNDOS 4   /* calls */
#define FAILED_UNDOS 4 /* calls */
#define THIN_KILLS 5   /* calls, of a sanitizer */
#define SPARSE 4       /* calls */
#define SANITIZED 2    /* calls */
#define CASES_LEAST 5000

#ifdef __SANITIZE_ADDRESS__
#define USUAL "sanitized"
#define IS_SANITIZED true
#else
#define USUAL "usual"
#define IS_SANITIZED false
#endif

/* The last two are cheap to try, and libbpf tries a load again that answers the last. */
static const char *const errors[] = { "ENOMEM", "EPERM", "EBUSY", "EINTR", "ENOSPC", "EAGAIN" };
#define ERRORS (sizeof(errors) / sizeof(errors[0]))
#define USUAL_ERRORS (ERRORS - 2)

/* What ends a run half-way: the last, a second error while the first is taken back. */
enum kill_kinds { KILL_BEFORE, KILL_AFTER, KILL_UNDO, FAIL_UNDO, KILL_KINDS };
static const char *const kills[] = { [KILL_BEFORE] = "before", [KILL_AFTER] = "after" };
#define KILLS (sizeof(kills) / sizeof(kills[0]))

struct faults {
	struct matrix matrix;
	char *trace; /* file of the calls that the last run made */
	const char *mode;
	bool thin, kills_rarely;
	unsigned int step;                            /* one call of so many is tried */
	size_t errors;                                /* of those that there are */
	struct calls calls, last;                     /* where nothing fails; of the last run */
	unsigned int killed[CLASS_COUNT][KILL_KINDS]; /* in the scene */
	unsigned int tried[CLASS_COUNT];              /* calls, likewise */
	struct ignored_counts ignored;
	unsigned int cases, undos;
	/* Of these, where something was left half-way; where only --force went on from there. */
	unsigned int failed_undos, told, forced;
	unsigned int calls_tried; /* in the scenes that are not thin by themselves */
};

static void matrix_fini(void)
{
	unsetenv("SOCKFORM_INJECT");
	cgroup_fini();
	harness_fini();
}

TestSuite(matrix, .init = harness_init, .fini = matrix_fini, .timeout = 1200);

static void keep_exact(struct matrix *matrix)
{
	struct shape shape = { 0 };

	shape_read(&matrix->ground.looked_at, &shape);
	cr_assert_str_eq(shape.text, matrix->ground.states[matrix->scene->before],
		"%s: this does not go back to where it began", matrix->scene->name);
	free(matrix->exact);
	matrix->exact = strdup(shape.exact);
	shape_finish(&shape);
}

static void restore(struct matrix *matrix)
{
	matrix->scene->restore(&matrix->ground);
	keep_exact(matrix);
}

/* Back to where the scene begins, and the connections in its maps with it. */
static void begin_again(struct matrix *matrix)
{
	restore(matrix);
	check_connections(matrix, false);
}

static bool waits(const struct faults *faults)
{
	return faults->matrix.scene->waits || strcmp(faults->mode, "full") == 0;
}

static void run(struct faults *faults, struct result *ret)
{
	const struct scene *scene = faults->matrix.scene;
	const char *arguments[12] = { scene->arguments[0], "--drain-timeout",
		waits(faults) ? "1" : "0" };
	size_t count = 3;

	for (size_t i = 1; scene->arguments[i]; i++)
		arguments[count++] = scene->arguments[i];
	setenv("SOCKFORM_INJECT_TRACE", faults->trace, 1);
	sockform_injected(ret, faults->matrix.inject, arguments);
	unsetenv("SOCKFORM_INJECT_TRACE");
}

/* It says why it ended, or the call was one that need not end it. */
static void check_result(struct faults *faults, const struct result *result)
{
	struct matrix *matrix = &faults->matrix;
	const char *error = strrchr(matrix->inject, ':') + 1;

	if (result->code == 0) {
		if (!ignored_count(matrix->call, error, waits(faults), &faults->ignored))
			fault(matrix, "went on as if nothing had failed", result->err);
	} else if (result->code != (call_reads_manifest(matrix->call) ? 2 : 3) || !*result->err) {
		fault(matrix, "no error that is said", result->err);
	}
}

/* True where it ended with that error, and not well all the same. */
static bool try_error(struct faults *faults)
{
	struct matrix *matrix = &faults->matrix;
	const struct scene *scene = matrix->scene;
	unsigned int before = matrix->faults;
	struct result result;
	enum states state;
	bool done;

	traffic_begin(matrix);
	run(faults, &result);
	traffic_end(matrix, KEPT);
	traffic_end(matrix, BESIDE);
	done = result.code == 0;
	state = done ? scene->after : scene->before;
	check_result(faults, &result);
	if (check_state(matrix, state, state))
		check_connections(matrix, done);
	else
		fault(matrix, done ? "after exit code 0" : "after it said", result.err);
	if (!done)
		check_same(matrix);
	else if (scene_keeps_sockets(scene))
		check_staying(matrix);
	if (matrix->faults != before)
		ground_delete(&matrix->ground, scene->forces);
	/* What strangers were removed is not taken back. */
	if (done || scene->forces || matrix->faults != before)
		begin_again(matrix);
	faults->cases++;
	result_finish(&result);
	return !done;
}

static bool repeat(
	const struct ground *ground, enum recoveries recovery, bool forces, struct result *ret)
{
	if (recovery == RECOVERY_DELETE)
		sockform(ret, "delete", "--drain-timeout", "0", "--name", ground->old.name,
			forces ? "--force" : NULL);
	else
		sockform(ret, "apply", "--drain-timeout", "0", "--replace",
			recovery == RECOVERY_NEW ? ground->new.path : ground->old.path,
			forces ? "--force" : NULL);
	return ret->code == 0;
}

/*
 * One of three commands; a program of somebody else's that had been taken off does not come back. What an
 * error on the way back has left without its record takes --force, if that was said; it is counted, and what
 * it replaces need not serve the sockets that are in maps. False where it is best to begin anew.
 */
static bool recover(
	struct faults *faults, enum recoveries recovery, bool needs_force, bool was_freed)
{
	struct matrix *matrix = &faults->matrix;
	enum states new = was_freed ? AFTER : FRESH;
	enum states state = recovery == RECOVERY_NEW ? new : recovery == RECOVERY_OLD ? BARE : NONE;
	enum states other = recovery == RECOVERY_OLD ? BEFORE : state;
	struct result result;
	bool done = repeat(&matrix->ground, recovery, matrix->scene->forces, &result), plain = true;

	if (needs_force && !(done && (is_in_state(matrix, state) || is_in_state(matrix, other)))) {
		result_finish(&result);
		done = repeat(&matrix->ground, recovery, true, &result);
		other = recovery == RECOVERY_NEW ? FRESH : other;
		plain = false;
		faults->forced++;
	}
	if (!done)
		fault(matrix, "the next command does not get there", result.err);
	else
		check_state(matrix, state, other);
	if (done && !plain)
		check_status(matrix, recovery != RECOVERY_DELETE);
	result_finish(&result);
	return done && plain;
}

/* Each of them after each kind of kill in its turn, and another after the same call before and after. */
static enum recoveries next_recovery(struct faults *faults, enum class class, enum kill_kinds kind)
{
	return (faults->killed[class][kind]++ + 2 * kind) % RECOVERY_COUNT;
}

/* What could not be taken back is said, and only that is not as it was. */
static void check_failed_undo(struct faults *faults, const struct result *result)
{
	if (result->code != 3 || !*result->err)
		fault(&faults->matrix, "no error that is said", result->err);
	check_left(&faults->matrix, result->err);
	faults->failed_undos++;
	faults->told += left_is_named(result->err);
}

static void try_kill(struct faults *faults, enum class class, enum kill_kinds kind)
{
	struct matrix *matrix = &faults->matrix;
	enum recoveries recovery = next_recovery(faults, class, kind);
	bool had[CONNECTION_COUNT], keeps = scene_keeps_sockets(matrix->scene), recovered;
	struct result result;

	traffic_begin(matrix);
	run(faults, &result);
	if (kind == FAIL_UNDO)
		check_failed_undo(faults, &result);
	else if (result.code != 128 + SIGKILL)
		fault(matrix, "it was not killed", result.err);
	check_status_between(matrix);
	if (recovery == RECOVERY_DELETE)
		traffic_end(matrix, KEPT);
	for (enum connections which = 0; which < CONNECTION_COUNT; which++)
		had[which] = ground_has(&matrix->ground, which);
	if (keeps && (!had[KEPT] || !had[FREED]))
		fault(matrix, "it took sockets out of maps that stay", "");
	recovered = recover(faults, recovery, strstr(result.err, "--force completes"), had[FREED]);
	traffic_end(matrix, KEPT);
	traffic_end(matrix, BESIDE);
	if (!recovered) {
		ground_delete(&matrix->ground, true);
	} else {
		check_recovered(matrix, had, recovery);
		if (keeps && recovery != RECOVERY_DELETE)
			check_staying(matrix);
		check_status(matrix, recovery != RECOVERY_DELETE);
	}
	begin_again(matrix);
	faults->cases++;
	result_finish(&result);
}

/* The calls of a run in which nothing fails. */
static void list_calls(struct faults *faults)
{
	struct matrix *matrix = &faults->matrix;
	struct result result;

	strcpy(matrix->inject, "fs:1000000:EIO");
	matrix->call = NULL;
	run(faults, &result);
	assert_code(&result, 0);
	result_finish(&result);
	calls_read(faults->trace, &faults->calls);
	matrix->scene->choose(&faults->calls);
	check_state(matrix, matrix->scene->after, matrix->scene->after);
	restore(matrix);
	check_leaks(matrix);
}

/* All bpf() calls from one on: a first apply takes back what it did without any. */
static bool is_hopeless(const struct scene *scene, enum class class)
{
	return scene->before == NONE && class == BPF;
}

static bool is_thin(const struct faults *faults)
{
	return faults->thin || faults->matrix.scene->thin;
}

/* What goes around with the calls that are tried. */
static unsigned int turn_of(const struct faults *faults, const struct call *call)
{
	return call->nth / faults->step;
}

/* What the error before has taken back in so many calls (`last`), killed at one of these. */
static void try_killed_undo(struct faults *faults, const struct call *call, const char *error)
{
	unsigned int undone, nth = call->nth;
	const char *class = class_names[call->class];

	undone = faults->last.of[call->class] - nth;
	if (!undone || (is_thin(faults) && turn_of(faults, call) % THIN_UNDOS))
		return;
	snprintf(faults->matrix.inject, sizeof(faults->matrix.inject), "%s:%u:%s,%s:%u:%s", class,
		nth, error, class, nth + 1 + nth % undone, kills[nth % KILLS]);
	try_kill(faults, call->class, KILL_UNDO);
	faults->undos++;
}

/* Likewise, and another error at one of these, of either class: of what stood before there is more to take back. */
static void try_failed_undo(struct faults *faults, const struct call *call, const char *error)
{
	const struct scene *scene = faults->matrix.scene;
	unsigned int turn = turn_of(faults, call), from, undone;
	enum class other = turn / FAILED_UNDOS % 2 ? FS : BPF;
	bool lasts;

	from = calls_until(&faults->last, call, other);
	undone = faults->last.of[other] - from;
	if (!undone || turn % FAILED_UNDOS || scene->before != BEFORE || scene->thin)
		return;
	/* Every other time it lasts: what fails is tried once more. */
	lasts = turn / FAILED_UNDOS / 2 % 2;
	snprintf(faults->matrix.inject, sizeof(faults->matrix.inject), "%s:%u:%s,%s:%u%s:%s",
		class_names[call->class], call->nth, error, class_names[other],
		from + 1 + turn % undone, lasts ? "+" : "", errors[(turn + 1) % faults->errors]);
	try_kill(faults, call->class, FAIL_UNDO);
}

static void set_inject(struct faults *faults, const struct call *call, const char *how)
{
	faults->matrix.call = call;
	snprintf(faults->matrix.inject, sizeof(faults->matrix.inject), "%s:%u%s",
		class_names[call->class], call->nth, how);
}

static void try_errors(struct faults *faults, const struct call *call)
{
	size_t turn = turn_of(faults, call) % faults->errors;
	bool thin = is_thin(faults);
	char how[16];

	for (size_t i = 0; i < faults->errors; i++) {
		if (thin && turn != i)
			continue;
		snprintf(how, sizeof(how), ":%s", errors[i]);
		set_inject(faults, call, how);
		if (!try_error(faults) || turn != i)
			continue;
		calls_read(faults->trace, &faults->last);
		try_killed_undo(faults, call, errors[i]);
		try_failed_undo(faults, call, errors[i]);
	}
	if (is_hopeless(faults->matrix.scene, call->class)) {
		set_inject(faults, call, "+:ENOMEM");
		try_error(faults);
	}
}

static void try_kills(struct faults *faults, const struct call *call)
{
	char how[16];
	unsigned int turn = turn_of(faults, call);

	if (faults->kills_rarely && turn % THIN_KILLS)
		return;
	for (enum kill_kinds kind = 0; kind < KILLS; kind++) {
		if (is_thin(faults) && turn % KILLS != kind)
			continue;
		snprintf(how, sizeof(how), ":%s", kills[kind]);
		set_inject(faults, call, how);
		try_kill(faults, call->class, kind);
	}
}

/* A scene that tries too little would pass. */
static void assert_scene(const struct faults *faults)
{
	const struct scene *scene = faults->matrix.scene;

	for (enum class class = 0; class < CLASS_COUNT; class ++)
		cr_assert_geq(faults->tried[class], scene->least[class] / faults->step,
			"%s, %s: %u calls", scene->name, class_names[class], faults->tried[class]);
}

static void begin_scene(struct faults *faults, const struct scene *scene)
{
	struct matrix *matrix = &faults->matrix;

	matrix->scene = scene;
	memset(faults->killed, 0, sizeof(faults->killed));
	memset(faults->tried, 0, sizeof(faults->tried));
	restore(matrix);
	free(snapshot_ids()); /* waits until nothing is freed any more */
	matrix->counts = shape_count();
	list_calls(faults);
}

static void play(struct faults *faults, const struct scene *scene)
{
	int64_t began = client_now();
	unsigned int tried = 0, cases = faults->cases;

	begin_scene(faults, scene);
	for (size_t i = 0; i < faults->calls.count; i++) {
		const struct call *call = &faults->calls.items[i];

		if (!call->tried || call->nth % faults->step)
			continue;
		try_errors(faults, call);
		try_kills(faults, call);
		faults->tried[call->class]++;
		if (++tried % LEAKS_EVERY == 0)
			check_leaks(&faults->matrix);
	}
	check_leaks(&faults->matrix);
	assert_scene(faults);
	if (!scene->thin)
		faults->calls_tried += tried;
	note("%s: %u bpf() calls, %u file-system calls, %u that wait; %u cases in %.1f s",
		scene->name, faults->tried[BPF], faults->tried[FS], faults->tried[WAIT],
		faults->cases - cases, (double)(client_now() - began) / 1000);
}

static void prepare(struct faults *faults)
{
	const char *wish = getenv("SOCKFORM_MATRIX");

	faults->mode = wish ? wish : USUAL;
	faults->step = strcmp(faults->mode, "sparse") == 0      ? SPARSE
		       : strcmp(faults->mode, "sanitized") == 0 ? SANITIZED
								: 1;
	faults->kills_rarely = IS_SANITIZED && faults->step > 1;
	faults->thin = faults->step > 1 || strcmp(faults->mode, "thin") == 0;
	faults->errors = strcmp(faults->mode, "usual") == 0 ? USUAL_ERRORS : ERRORS;
	faults->trace = scratch_path("trace");
	ground_init(&faults->matrix.ground);
}

static void play_all(struct faults *faults)
{
	struct scene scenes[SCENES];

	scenes_write(&faults->matrix.ground, scenes);
	for (size_t i = 0; i < SCENES; i++)
		play(faults, &scenes[i]);
}

/* What changes nothing yet has nothing to take back. */
static void assert_undos(const struct faults *faults)
{
	cr_assert_gt(faults->undos, faults->calls_tried / (faults->thin ? 4 * THIN_UNDOS : 5));
	cr_assert_gt(faults->failed_undos, faults->calls_tried / (8 * FAILED_UNDOS));
	cr_assert(faults->told);
}

Test(matrix, all_or_nothing)
{
	struct faults faults = { 0 };

	prepare(&faults);
	play_all(&faults);
	note("%u cases, %s at one call of %u; %u of them killed on the way back", faults.cases,
		faults.kills_rarely ? "one error and few kills"
		: faults.thin       ? "one error and one kill"
				    : "every error",
		faults.step, faults.undos);
	note("%u with an error on the way back: %u left something, and %u took --force",
		faults.failed_undos, faults.told, faults.forced);
	if (!faults.thin)
		cr_assert_geq(faults.cases, CASES_LEAST);
	cr_assert_geq(faults.cases - faults.undos - faults.failed_undos,
		(faults.kills_rarely ? 1 : 2) * faults.calls_tried);
	assert_undos(&faults);
	ignored_note(&faults.ignored, !faults.thin);
	cr_assert_eq(faults.matrix.faults, 0, "%u faults", faults.matrix.faults);
	free(faults.trace);
	free(faults.matrix.exact);
	ground_finish(&faults.matrix.ground);
}
