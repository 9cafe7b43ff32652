/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "matrix-check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "note.h"

#define SETTLE_MS 3000
#define FAULTS_SHOWN 20
#define FAULTS_MOST 100 /* a connection that loses bytes takes seconds each time */

static const char *const places[CONNECTION_COUNT] = {
	[KEPT] = "that stays",
	[MOVED] = "that is replaced",
	[FREED] = "that loses its program",
	[BESIDE] = "of another deployment",
};

static void note_lines(const char *text)
{
	char *copy = strdup(text), *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		note("    %s", line);
	free(copy);
}

void fault(struct matrix *matrix, const char *what, const char *detail)
{
	cr_assert_lt(matrix->faults, FAULTS_MOST, "too many faults to go on");
	if (matrix->faults++ >= FAULTS_SHOWN)
		return;
	note("%s, %s (%s %s): %s", matrix->scene->name, matrix->inject,
		matrix->call ? matrix->call->name : "none", matrix->call ? matrix->call->about : "",
		what);
	note_lines(detail);
}

static bool has_line(const char *text, const char *line)
{
	size_t length = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && (at[length] == '\n' || !at[length]))
			return true;
	return false;
}

/* The lines of one text that are not in the other. */
static void note_missing(const char *what, const char *text, const char *other)
{
	char *copy = strdup(text), *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!has_line(other, line))
			note("    %s %s", what, line);
	free(copy);
}

static void fault_difference(
	struct matrix *matrix, const char *what, const char *now, const char *wanted)
{
	fault(matrix, what, "");
	if (matrix->faults > FAULTS_SHOWN)
		return;
	note_missing("there:", now, wanted);
	note_missing("missing:", wanted, now);
}

bool scene_has_sockets(const struct scene *scene)
{
	return scene->before == BEFORE;
}

bool scene_keeps_sockets(const struct scene *scene)
{
	return scene_has_sockets(scene) && scene->after != NONE;
}

bool is_in_state(const struct matrix *matrix, enum states state)
{
	struct shape now = { 0 };
	bool is;

	shape_read(&matrix->ground.looked_at, &now);
	is = strcmp(now.text, matrix->ground.states[state]) == 0;
	shape_finish(&now);
	return is;
}

bool check_state(struct matrix *matrix, enum states state, enum states other)
{
	const char *wanted = matrix->ground.states[state];
	struct shape now = { 0 };
	bool is;

	shape_read(&matrix->ground.looked_at, &now);
	is = strcmp(now.text, wanted) == 0 || strcmp(now.text, matrix->ground.states[other]) == 0;
	if (!is)
		fault_difference(matrix, "another state", now.text, wanted);
	shape_finish(&now);
	return is;
}

void check_same(struct matrix *matrix)
{
	struct shape now = { 0 };

	shape_read(&matrix->ground.looked_at, &now);
	if (strcmp(now.exact, matrix->exact) != 0)
		fault_difference(matrix, "the same in other objects", now.exact, matrix->exact);
	shape_finish(&now);
}

/* The line of that path, "<deployment>/maps/kept: id 12", malloc()ed; "" where there is none. */
static char *line_of(const struct matrix *matrix, const char *exact, const char *path)
{
	char begin[160];
	const char *found;

	snprintf(begin, sizeof(begin), "%s/%s: ", matrix->ground.old.name, path);
	found = strstr(exact, begin);
	return found ? strndup(found, strcspn(found, "\n")) : strdup("");
}

void check_staying(struct matrix *matrix)
{
	struct shape now = { 0 };

	shape_read(&matrix->ground.looked_at, &now);
	for (size_t i = 0; ground_staying[i]; i++) {
		char *line = line_of(matrix, matrix->exact, ground_staying[i]);

		cr_assert(*line, "%s is not in\n%s", ground_staying[i], matrix->exact);
		if (!has_line(now.exact, line))
			fault(matrix, "what stays was made anew, or is gone", line);
		free(line);
	}
	shape_finish(&now);
}

void traffic_begin(struct matrix *matrix)
{
	connection_stream(&matrix->ground.connections[BESIDE]);
	if (scene_keeps_sockets(matrix->scene))
		connection_stream(&matrix->ground.connections[KEPT]);
}

static void fault_connection(struct matrix *matrix, enum connections which, const char *when)
{
	char what[96];

	snprintf(what, sizeof(what), "harmed the connection in the map %s%s", places[which], when);
	fault(matrix, what, "");
	connection_close(&matrix->ground.connections[which]);
}

void traffic_end(struct matrix *matrix, enum connections which)
{
	if (!connection_calm(&matrix->ground.connections[which]))
		fault_connection(matrix, which, " while it ran");
}

void check_connection(struct matrix *matrix, enum connections which, enum destination destination)
{
	struct connection *connection = &matrix->ground.connections[which];

	if (connection->pair.server && !connection_pump(connection, destination))
		fault_connection(matrix, which, "");
}

/*
 * A connection whose map has gone is not asked: what is under way in it when the kernel frees that map
 * is lost.
 */
void check_connections(struct matrix *matrix, bool done)
{
	check_connection(matrix, BESIDE, COME_BACK);
	if (!scene_has_sockets(matrix->scene) || (done && matrix->scene->after == NONE))
		return;
	check_connection(matrix, KEPT, COME_BACK);
	check_connection(matrix, FREED, done ? PASS : COME_BACK);
	if (!done)
		check_connection(matrix, MOVED, COME_BACK);
}

/* One that was harmed before is closed, and no news. */
static void check_stayed(
	struct matrix *matrix, enum connections which, enum destination destination)
{
	if (!matrix->ground.connections[which].pair.server)
		return;
	if (ground_has(&matrix->ground, which))
		check_connection(matrix, which, destination);
	else
		fault_connection(matrix, which, ": it is not in there any more");
}

void check_recovered(
	struct matrix *matrix, const bool had[CONNECTION_COUNT], enum recoveries recovery)
{
	check_connection(matrix, BESIDE, COME_BACK);
	if (recovery == RECOVERY_DELETE)
		return;
	if (had[KEPT])
		check_stayed(matrix, KEPT, COME_BACK);
	if (had[FREED])
		check_stayed(matrix, FREED, recovery == RECOVERY_NEW ? PASS : COME_BACK);
	if (had[MOVED] && recovery == RECOVERY_OLD)
		check_stayed(matrix, MOVED, COME_BACK);
}

void check_status_between(struct matrix *matrix)
{
	struct result result;

	sockform(&result, "status", matrix->ground.old.name);
	if (result.code != 0 && result.code != 1)
		fault(matrix, "status cannot say what is there", result.err);
	result_finish(&result);
}

/* Among strangers all may be right, or not. */
void check_status(struct matrix *matrix, bool exists)
{
	struct result result;

	sockform(&result, "status", matrix->ground.old.name);
	if (result.code != (exists ? 0 : 1) && !(matrix->scene->forces && result.code == 1))
		fault(matrix, "after the next command", result.out);
	result_finish(&result);
}

void check_leaks(struct matrix *matrix)
{
	char *objects;

	if (shape_counts_settle(&matrix->counts, SETTLE_MS))
		return;
	objects = shape_objects();
	fault(matrix, "something is left over", objects);
	free(objects);
}
