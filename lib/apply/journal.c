/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Every change that somebody else can see, with how to take it back. An entry is added when its
 * change has been made; undoing goes from the last to the first, and goes on where one fails: the
 * more is back as it was, the better.
 */
#include "lib/apply/internal.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <string.h>

typedef int (*undo_change)(struct apply_run *run, const struct journal_entry *entry);

/* The entry is to be completed before the next is added. */
static struct journal_entry *add_entry(struct apply_run *run, undo_change undo, const char *path)
{
	struct journal_entry *entry = vec_add(run->kernel->arena, &run->journal);

	*entry = (struct journal_entry){
		.undo = undo, .path = path, .pin = -1, .open = -1, .hook.target = -1
	};
	return entry;
}

static int undo_folder(struct apply_run *run, const struct journal_entry *entry)
{
	(void)run;
	return kernel_remove_folder(entry->path);
}

int journal_make_folder(struct apply_run *run, const char *path)
{
	int error = kernel_make_folder(path);

	if (error == -EEXIST)
		return 0;
	if (!error)
		add_entry(run, undo_folder, path);
	return error;
}

static int undo_text(struct apply_run *run, const struct journal_entry *entry)
{
	return entry->text ? kernel_write_text(run->kernel, entry->path, entry->text, true)
			   : kernel_unpin(entry->path);
}

int journal_write_text(
	struct apply_run *run, const char *path, const char *text, const char *before)
{
	int error = kernel_write_text(run->kernel, path, text, before);

	if (!error)
		add_entry(run, undo_text, path)->text = before;
	return error;
}

static int undo_remove_text(struct apply_run *run, const struct journal_entry *entry)
{
	return kernel_write_text(run->kernel, entry->path, entry->text, false);
}

static int undo_remove_folder(struct apply_run *run, const struct journal_entry *entry)
{
	(void)run;
	return kernel_make_folder(entry->path);
}

int journal_remove_folder(struct apply_run *run, const char *path)
{
	int error = kernel_remove_folder(path);

	if (!error)
		add_entry(run, undo_remove_folder, path);
	return error;
}

int journal_remove_text(struct apply_run *run, const char *path, const char *before)
{
	int error = before ? kernel_unpin(path) : 0;

	if (!error && before)
		add_entry(run, undo_remove_text, path)->text = before;
	return error;
}

static int undo_pin(struct apply_run *run, const struct journal_entry *entry)
{
	return entry->pin >= 0 ? kernel_pin_over(run->kernel, entry->pin, entry->path)
			       : kernel_unpin(entry->path);
}

int journal_pin(struct apply_run *run, int fd, const char *path, bool replaces)
{
	cleanup_fd int old = replaces ? kernel_open_pin(path) : -ENOENT;
	int error = old;

	if (old >= 0)
		error = kernel_pin_over(run->kernel, fd, path);
	else if (old == -ENOENT)
		error = kernel_pin(fd, path);
	if (!error)
		add_entry(run, undo_pin, path)->pin = fd_steal(&old);
	return error;
}

/* The name is free: nothing is put over anything, and no kill leaves the object on its way only. */
static int undo_unpin(struct apply_run *run, const struct journal_entry *entry)
{
	(void)run;
	return kernel_pin(entry->pin >= 0 ? entry->pin : entry->open, entry->path);
}

static int undo_nothing(struct apply_run *run, const struct journal_entry *entry)
{
	(void)run;
	(void)entry;
	return -EMFILE;
}

/*
 * Where there is no descriptor left to hold it by, it goes all the same, with no way back: or what is
 * large could not be taken away at all.
 */
int journal_unpin(struct apply_run *run, const char *path, int open)
{
	cleanup_fd int opened = open >= 0 ? -1 : kernel_open_pin(path);
	int old = open >= 0 ? open : opened;
	bool no_way_back = old == -EMFILE || old == -ENFILE;
	int error = old >= 0 || old == -ENOENT || no_way_back ? kernel_unpin(path) : old;
	struct journal_entry *entry;

	if (error || old == -ENOENT)
		return error;
	entry = add_entry(run, no_way_back ? undo_nothing : undo_unpin, path);
	entry->open = open;
	entry->pin = fd_steal(&opened);
	return 0;
}

/* A descriptor to go back by: one that is open, or of a pin; *opened is the caller's to close. */
static int reach(int fd, const char *pin, int *opened)
{
	if (!pin)
		return fd;
	*opened = kernel_open_pin(pin);
	return *opened;
}

static int undo_slot(struct apply_run *run, const struct journal_entry *entry)
{
	const struct step_objects *objects = entry->objects;
	cleanup_fd int opened = -1;
	int program = reach(objects->old_program, objects->old_program_pin, &opened);

	(void)run;
	if (objects->old_program_pin && program < 0)
		return program;
	return kernel_write_slot(entry->open, program);
}

int journal_write_slot(struct apply_run *run, const struct step_objects *objects, int slot,
	int program, const char *path)
{
	int error = kernel_write_slot(slot, program);
	struct journal_entry *entry;

	if (error)
		return error;
	entry = add_entry(run, undo_slot, path);
	entry->objects = objects;
	entry->open = slot;
	return 0;
}

static int undo_attach(struct apply_run *run, const struct journal_entry *entry)
{
	const struct step_objects *objects = entry->objects;

	(void)run;
	/* Closing the last descriptor would detach too, but later, and a pin may still hold it. */
	return objects->link >= 0 ? kernel_detach_link(objects->link)
				  : kernel_detach_program(objects->dispatcher, &entry->hook);
}

void journal_attached(struct apply_run *run, struct step_objects *objects,
	const struct kernel_hook *hook, const char *path)
{
	struct journal_entry *entry = add_entry(run, undo_attach, path);

	entry->objects = objects;
	entry->hook = *hook;
}

int journal_attach_link(struct apply_run *run, struct step_objects *objects,
	const struct kernel_hook *hook, const char *path)
{
	int link = kernel_attach_link(objects->dispatcher, hook);

	if (link < 0)
		return link;
	objects->old_link = objects->link;
	objects->link = link;
	journal_attached(run, objects, hook, path);
	return 0;
}

static int undo_detach(struct apply_run *run, const struct journal_entry *entry)
{
	const struct step_objects *objects = entry->objects;
	cleanup_fd int linked = -1, target = -1, link = -1;
	struct kernel_hook hook = entry->hook;
	int program = reach(objects->old_linked, objects->old_linked_pin, &linked);
	int error;

	hook.target = reach(hook.target, objects->old_target_pin, &target);
	if (program < 0 || hook.target < 0)
		return program < 0 ? program : hook.target;
	error = kernel_attach(program, &hook, &link);
	if (error || link < 0)
		return error;
	error = kernel_pin_over(run->kernel, link, entry->path);
	/* Or it would hold the hook for a while still, against who tries again. */
	if (error)
		kernel_detach_link(link);
	return error;
}

int apply_detach_bare(const struct step_objects *objects, const struct kernel_hook *hook)
{
	cleanup_fd int linked = -1, target = -1;
	struct kernel_hook there = *hook;
	int program = reach(objects->old_linked, objects->old_linked_pin, &linked), error;

	there.target = reach(hook->target, objects->old_target_pin, &target);
	error = program < 0 ? program : there.target < 0 ? there.target : 0;
	/* A pin that went meanwhile says nothing of the hook. */
	if (error)
		return error == -ENOENT ? -ESTALE : error;
	return kernel_detach_program(program, &there);
}

int journal_detach(struct apply_run *run, const struct step_objects *objects,
	const struct kernel_hook *hook, const char *path)
{
	int error = objects->link >= 0 ? kernel_detach_link(objects->link)
				       : apply_detach_bare(objects, hook);
	struct journal_entry *entry;

	if (error)
		return objects->link < 0 && error == -ENOENT ? 0 : error;
	entry = add_entry(run, undo_detach, path);
	entry->objects = objects;
	entry->hook = *hook;
	return 0;
}

/* Whoever made a link has a descriptor or a pin of it; no other link would be that one. */
static int undo_detach_foreign(struct apply_run *run, const struct journal_entry *entry)
{
	(void)run;
	return entry->foreign->link ? -ENOLINK
				    : kernel_attach_program(entry->objects->replaced, &entry->hook);
}

int journal_detach_foreign(struct apply_run *run, const struct step_objects *objects,
	const struct kernel_hook *hook, const struct state_holder *holder, const char *title)
{
	int error = holder->link ? kernel_detach_link(objects->replaced)
				 : kernel_detach_program(objects->replaced, hook);
	struct journal_entry *entry;

	if (error)
		return error;
	entry = add_entry(run, undo_detach_foreign, title);
	entry->objects = objects;
	entry->hook = *hook;
	entry->foreign = holder;
	return 0;
}

/* What is behind the last "/" of "<deployment>/<folder>/<name>". */
static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* The length of "<deployment>" in it. */
static size_t deployment_length(const char *path)
{
	const char *folder = memrchr(path, '/', (size_t)(name_of(path) - 1 - path));

	return folder ? (size_t)(folder - path) : 0;
}

static bool is_same_deployment(const char *path, const char *other)
{
	size_t length = deployment_length(path);

	return length == deployment_length(other) && strncmp(path, other, length) == 0;
}

/* A record, and no text of the deployment: its pins come back as those of something that nobody knows. */
static bool loses_record(const struct apply_run *run, const struct journal_entry *entry)
{
	return entry->undo == undo_remove_text &&
	       deployment_length(entry->path) > strlen(run->kernel->root);
}

static void report_left(struct apply_run *run, const struct journal_entry *entry)
{
	struct arena *arena = run->kernel->arena;

	if (!entry->foreign) {
		kernel_report_left(
			run->kernel, entry->path, entry->error, loses_record(run, entry));
		return;
	}
	diag_add(run->kernel->diagnostics, DIAG_E0402, mark_none,
		"%s was taken off %s and could not be attached again: %s",
		state_holder_text(arena, entry->foreign), entry->path,
		kernel_explain(arena, entry->error))
		->hint = "whoever attached it has to do it again";
}

/* What was made with the whole deployment goes with its folder. */
static bool is_in_new_deployment(const struct apply_run *run, const char *path)
{
	size_t length = deployment_length(path);

	vec_each (entry, &run->journal)
		if (entry->undo == undo_folder && strlen(entry->path) == length &&
			strncmp(entry->path, path, length) == 0)
			return true;
	return false;
}

/* A program on the hook of a map, or off it, that no link tells of, in a deployment that stays. */
static bool is_of_bare_hook(const struct apply_run *run, const struct journal_entry *entry)
{
	bool is_of_hook = entry->undo == undo_attach || entry->undo == undo_detach;

	return is_of_hook && entry->objects->link < 0 && !is_in_new_deployment(run, entry->path);
}

/*
 * What could not be taken away is ours only as long as its record says so, and with another record than the
 * one it was made with it would be somebody else's.
 */
static bool needs_record(const struct apply_run *run, const struct journal_entry *entry)
{
	return entry->undo == undo_pin || is_of_bare_hook(run, entry);
}

static bool is_text(const struct journal_entry *entry)
{
	return entry->undo == undo_text || entry->undo == undo_remove_text;
}

/* Why a text of the same thing could not be taken back, or what needs that; 0: it could. */
static int error_beside(
	const struct apply_run *run, const struct journal_entry *entry, bool of_text)
{
	if (run->leaves)
		vec_each (other, &run->journal)
			if (other->error && (of_text ? is_text(other) : needs_record(run, other)) &&
				is_same_deployment(other->path, entry->path) &&
				strcmp(name_of(other->path), name_of(entry->path)) == 0)
				return other->error;
	return 0;
}

/*
 * A hook that only a record tells of stays as that says, where that could not be put back, or is not to be
 * because of what is on the hook.
 */
static int error_of_hook(const struct apply_run *run, const struct journal_entry *entry)
{
	int error;

	if (!is_of_bare_hook(run, entry))
		return 0;
	error = error_beside(run, entry, true);
	return error ? error : error_beside(run, entry, false);
}

/* Once more where it fails: what is short for a moment is no reason to leave anything. */
static int undo_entry(struct apply_run *run, const struct journal_entry *entry)
{
	int error = error_of_hook(run, entry);

	if (error)
		return error;
	error = entry->undo(run, entry);
	return error ? entry->undo(run, entry) : 0;
}

void journal_undo(struct apply_run *run)
{
	for (size_t i = run->journal.count; i-- > 0;) {
		struct journal_entry *entry = &run->journal.items[i];

		if (entry->undo == undo_text && error_beside(run, entry, false))
			continue;
		entry->error = undo_entry(run, entry);
		if (entry->error)
			report_left(run, entry);
		run->leaves = run->leaves || entry->error;
	}
}

void journal_finish(struct apply_run *run)
{
	vec_each (entry, &run->journal)
		entry->pin = fd_close(entry->pin);
}
