/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Which files a user means: a file, standard input, or a directory's *.yaml, sorted. */
#include "lib/manifest/loader.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void load_file(struct manifest_loader *loader, const char *path, manifest_list *ret)
{
	struct manifest_file *file;
	int error = loader_open(loader, path, &file);

	if (error == -EFBIG) {
		diag_add(loader->diagnostics, DIAG_E0106, mark_none,
			"%s is larger than %zu MiB, which no manifest is", path,
			SOURCE_MAX_BYTES >> 20);
		return;
	}
	if (error) {
		diag_add(loader->diagnostics, DIAG_E0100, mark_none, "cannot read %s: %s", path,
			strerror(-error));
		return;
	}
	/* It may be named twice: by its folder and by itself. */
	if (file->listed)
		return;
	file->listed = true;
	loader_load(loader, file);
	vec_each (manifest, &file->manifests)
		*vec_add(loader->arena, ret) = *manifest;
}

static int is_manifest_file(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 &&
	       strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

static void load_folder(struct manifest_loader *loader, const char *path, manifest_list *ret)
{
	struct diagnostics *diagnostics = loader->diagnostics;
	struct dirent **entries;
	int count = scandir(path, &entries, is_manifest_file, alphasort);

	if (count < 0) {
		diag_add(diagnostics, DIAG_E0100, mark_none, "cannot read %s: %s", path,
			strerror(errno));
		return;
	}
	if (!count)
		diag_add(diagnostics, DIAG_E0108, mark_none, "there is no *.yaml in %s", path);
	for (int i = 0; i < count; i++) {
		load_file(loader, arena_printf(loader->arena, "%s/%s", path, entries[i]->d_name),
			ret);
		free(entries[i]);
	}
	free(entries);
}

static void check_names(
	struct arena *arena, const manifest_list *manifests, struct diagnostics *diagnostics)
{
	struct name_index names = { 0 };

	for (size_t i = 0; i < manifests->count; i++) {
		const struct manifest_text *name = &manifests->items[i]->name;
		const struct mark *first;
		size_t known;

		known = name->text ? name_index_add(arena, &names, name->text, i) : NAME_ABSENT;
		if (known == NAME_ABSENT)
			continue;
		first = &manifests->items[known]->name.mark;
		diag_add(diagnostics, DIAG_E0208, name->mark,
			"another manifest declares the deployment \"%s\" already", name->text)
			->hint = arena_printf(
			arena, "the other is at %s:%u", first->source->name, first->line);
	}
}

/* As manifest_origin; *is: what it is, where it is something. */
static const char *find_origin(struct arena *arena, const char *path, struct stat *is)
{
	const char *copy = NULL;
	char *real;

	errno = 0;
	if (strcmp(path, "-") == 0 || stat(path, is) != 0)
		return NULL;
	/* A pipe's name leads nowhere the next time. */
	if (!S_ISREG(is->st_mode) && !S_ISDIR(is->st_mode))
		return NULL;
	real = realpath(path, NULL);
	if (real)
		copy = arena_copy(arena, real, strlen(real));
	free(real);
	return copy;
}

const char *manifest_origin(struct arena *arena, const char *path)
{
	struct stat is;

	return find_origin(arena, path, &is);
}

static void load_path(struct manifest_loader *loader, const char *path, manifest_list *ret)
{
	struct stat is = { 0 };

	loader->origin = find_origin(loader->arena, path, &is);
	/* What is not there is told when it is read. */
	if (!loader->origin && errno && errno != ENOENT) {
		diag_add(loader->diagnostics, DIAG_E0100, mark_none, "cannot look at %s: %s", path,
			strerror(errno));
		return;
	}
	if (loader->origin && S_ISDIR(is.st_mode))
		load_folder(loader, path, ret);
	else
		load_file(loader, path, ret);
}

void manifest_load_paths(struct arena *arena, char *const *paths, size_t count,
	const struct manifest_settings *settings, struct diagnostics *diagnostics,
	manifest_list *ret)
{
	struct manifest_loader loader = { .arena = arena, .diagnostics = diagnostics };

	if (settings)
		loader_read_settings(&loader, settings);
	for (size_t i = 0; i < count; i++)
		load_path(&loader, paths[i], ret);
	check_names(arena, ret, diagnostics);
	loader_check_settings(&loader);
}
