/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside the room: what one run of the loader knows. A file is read once, however many others
 * include it, and whether or not it is also named on the command line.
 */
#pragma once

#include "lib/manifest/tables.h"

#define INCLUDE_MAX_DEPTH 32
#define INCLUDE_MAX_FILES 1000

struct manifest_file {
	const struct source *source;
	yaml_documents documents;
	manifest_list manifests;           /* one for each document */
	const struct manifest_file *outer; /* while it is being loaded: who includes it; NULL */
	unsigned int depth;                /* likewise; 0: nobody does */
	bool loading, loaded;
	bool listed; /* among those that are named, and not only included */
};

/* A parameter that was set from outside. */
struct manifest_override {
	const char *name, *text;
	struct mark mark; /* in a file of values; none: on the command line */
	bool declared;    /* by a document that has been loaded */
};

/* Zero-initialise but for the first two. */
struct manifest_loader {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const char *origin; /* of what is loaded now, see struct manifest */
	VEC(struct manifest_file *) files;
	struct name_index identities; /* device and inode: positions in files */
	size_t included;
	VEC(struct manifest_override) overrides;
	struct name_index override_names;
	bool overrides_unread;      /* a file of values has faults: any parameter may have one */
	struct name_index declared; /* names of the parameters of all documents */
};

/* load.c */

/* The file, which may be known already. 0, or a negative errno as of source_read. */
int loader_open(struct manifest_loader *loader, const char *path, struct manifest_file **ret);

/* Reads a file's documents, unless that has been done. */
void loader_load(struct manifest_loader *loader, struct manifest_file *file);

/* include.c: loads what a document includes, and makes it seen in its scope. */
void loader_include(
	struct manifest_loader *loader, struct manifest_file *file, struct manifest *manifest);

/* parameters.c: the values of a document's own parameters, into its scope. */
void loader_evaluate(struct manifest_loader *loader, struct manifest *manifest, size_t *spent);

/* templates.c: a document's own templates, into its scope, and checked. */
void loader_declare_templates(struct manifest_loader *loader, struct manifest *manifest);

/* settings.c: reads what was set from outside; then reports what nothing declares. */
void loader_read_settings(struct manifest_loader *loader, const struct manifest_settings *settings);
void loader_check_settings(struct manifest_loader *loader);
