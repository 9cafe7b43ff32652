/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "matrix-left.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMED_MOST 64
#define NAME_SIZE 160
#define SPARE "+new"

/* What is between the two: a path, or the title of a hook. */
static const struct {
	const char *before, *behind;
} sentences[] = {
	{ "a change at ", " could not be taken back" },
	{ " was taken off ", " and could not be attached again" },
};
#define SENTENCES (sizeof(sentences) / sizeof(sentences[0]))

struct named {
	struct name {
		char path[NAME_SIZE]; /* without what a name has on its way */
		char stem[NAME_SIZE];
	} names[NAMED_MOST];
	size_t count;
};

static size_t without_spare(const char *path, size_t length)
{
	size_t spare = strlen(SPARE);

	return length > spare && memcmp(path + length - spare, SPARE, spare) == 0 ? length - spare
										  : length;
}

/* "kept" of ".../slots/kept:stream_verdict+new", "echo" of ".../programs/echo@0123". */
static void stem_of(const char *path, size_t length, char ret[NAME_SIZE])
{
	const char *slash = memrchr(path, '/', length);
	const char *name = slash ? slash + 1 : path;

	snprintf(ret, NAME_SIZE, "%.*s", (int)(without_spare(path, length) - (name - path)), name);
	ret[strcspn(ret, ":@")] = '\0';
}

static void add_named(struct named *named, const char *path, size_t length)
{
	struct name *name = &named->names[named->count++];
	size_t root = strncmp(path, PINS "/", strlen(PINS "/")) == 0 ? strlen(PINS "/") : 0;

	cr_assert_leq(named->count, NAMED_MOST);
	snprintf(name->path, NAME_SIZE, "%.*s", (int)(without_spare(path, length) - root),
		path + root);
	stem_of(path, length, name->stem);
}

static void read_named(const char *said, struct named *ret)
{
	ret->count = 0;
	for (size_t i = 0; i < SENTENCES; i++)
		for (const char *at = said; (at = strstr(at, sentences[i].before));) {
			const char *end =
				strstr(at += strlen(sentences[i].before), sentences[i].behind);

			if (end && !memchr(at, '\n', (size_t)(end - at)))
				add_named(ret, at, (size_t)(end - at));
		}
}

bool left_is_named(const char *said)
{
	struct named named;

	read_named(said, &named);
	return named.count;
}

/* How much of a line of a shape says which object it is about; what is indented belongs to the one before. */
static size_t object_length(const char *line)
{
	size_t length = strcspn(line, "\n");
	const char *colon = memmem(line, length, ": ", 2);

	return colon ? (size_t)(colon - line) : length;
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

/* All that a shape says of an object, malloc()ed; "" where it has none. */
static char *all_of(const char *shape, const char *object, size_t length)
{
	bool mine = false;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (const char *line = shape; *line; line = next_line(line)) {
		if (*line != ' ')
			mine = object_length(line) == length && memcmp(line, object, length) == 0;
		if (mine)
			fprintf(out, "%.*s\n", (int)strcspn(line, "\n"), line);
	}
	fclose(out);
	return text;
}

/* A cgroup is called by its number there, and by its path in the names of pins. */
static void object_stem(
	const struct matrix *matrix, const char *object, size_t length, char ret[NAME_SIZE])
{
	unsigned int cgroup;

	if (sscanf(object, "cgroup %u\n", &cgroup) == 1 && cgroup < CGROUP_COUNT)
		snprintf(ret, NAME_SIZE, "cgroup+%s", matrix->ground.cgroup_paths[cgroup] + 1);
	else
		stem_of(object, length, ret);
}

static bool is_named(const struct named *named, const char *stem)
{
	for (size_t i = 0; i < named->count; i++)
		if (strcmp(named->names[i].stem, stem) == 0)
			return true;
	return false;
}

/* A word of a shape that stands for something that is named, or for what has no pin. */
static bool is_hidden(const struct named *named, const char *word, size_t length)
{
	static const char unknown[] = "unknown";
	size_t path = without_spare(word, length);

	if (length == strlen(unknown) && memcmp(word, unknown, length) == 0)
		return true;
	for (size_t i = 0; i < named->count; i++)
		if (strlen(named->names[i].path) == path &&
			memcmp(named->names[i].path, word, path) == 0)
			return true;
	return false;
}

/*
 * In a malloc()ed text, as other objects tell of it: what refers to a map whose pin has gone, or is beside
 * the one it should take the place of, is what it was all the same. By its whole name: another generation of
 * a program is another one.
 */
static char *hide(const struct named *named, const char *text)
{
	static const char between[] = " ,\n";
	bool hidden = false, was_hidden;
	char *ret = NULL;
	size_t size;
	FILE *out = open_memstream(&ret, &size);

	while (*text) {
		size_t gap = strspn(text, between), length = strcspn(text + gap, between);

		was_hidden = hidden;
		hidden = is_hidden(named, text + gap, length);
		/* What has two names is one thing. */
		if (!hidden)
			fprintf(out, "%.*s", (int)(gap + length), text);
		else if (!was_hidden)
			fprintf(out, "%.*s?", (int)gap, text);
		text += gap + length;
	}
	fclose(out);
	return ret;
}

static bool is_same(const struct named *named, const char *is, const char *was)
{
	char *now = hide(named, is), *before = hide(named, was);
	bool same = strcmp(now, before) == 0;

	free(now);
	free(before);
	return same;
}

static void check_object(struct matrix *matrix, const struct named *named, const char *line,
	const char *now, const char *before)
{
	size_t length = object_length(line);
	char *is = all_of(now, line, length), *was = all_of(before, line, length);
	char stem[NAME_SIZE], text[4096];

	object_stem(matrix, line, length, stem);
	if (!is_named(named, stem) && !is_same(named, is, was)) {
		snprintf(text, sizeof(text), "is:\n%swas:\n%s", is, was);
		fault(matrix, "it is silent about what it leaves", text);
	}
	free(is);
	free(was);
}

static bool has_object(const char *shape, const char *line)
{
	char *text = all_of(shape, line, object_length(line));
	bool has = *text;

	free(text);
	return has;
}

void check_left(struct matrix *matrix, const char *said)
{
	const char *before = matrix->ground.states[matrix->scene->before];
	struct shape now = { 0 };
	struct named named;

	read_named(said, &named);
	shape_read(&matrix->ground.looked_at, &now);
	for (const char *line = now.text; *line; line = next_line(line))
		if (*line != ' ')
			check_object(matrix, &named, line, now.text, before);
	for (const char *line = before; *line; line = next_line(line))
		if (*line != ' ' && !has_object(now.text, line))
			check_object(matrix, &named, line, now.text, before);
	shape_finish(&now);
}
