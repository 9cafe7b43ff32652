/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Attachments. Those to cgroups come last and go first: their programs put sockets into maps, whose
 * own programs have to be there by then.
 */
#include "lib/plan/planner.h"

#include <string.h>

#define EVERY_PART (PLAN_SLOT | PLAN_DISPATCHER | PLAN_LINK | PLAN_PROGRAM_IN_SLOT)

/* The map that it hangs on makes room for another. */
static bool target_is_replaced(
	const struct planner *planner, const struct manifest_attachment *attachment)
{
	return !attachment->kind->on_cgroup && planner->map_is_replaced[attachment->target_at];
}

/* What of an attachment is missing or wrong, from the slot up; each part needs those above it. */
static unsigned int missing_parts(const struct planner *planner,
	const struct manifest_attachment *attachment, const struct state_attachment *old)
{
	uint64_t target =
		state_target_id(planner->state, attachment->target_name, attachment->kind);
	unsigned int parts = 0;

	/* Sockets that leave a map keep their slot, which passes from then on: the new map has another. */
	if (!old || !old->slot.id || old->slot.foreign || target_is_replaced(planner, attachment))
		return EVERY_PART;
	if (!state_attachment_dispatches(old, attachment->flag_bits))
		parts |= PLAN_DISPATCHER;
	if (!state_attachment_is_linked(old, target, attachment->flag_bits))
		parts |= PLAN_LINK;
	return parts;
}

static bool runs_wanted_program(const struct planner *planner,
	const struct manifest_attachment *attachment, const struct state_attachment *old)
{
	const struct state_program *wanted =
		state_program_filed(planner->state, planner->program_file[attachment->program_at]);

	return !planner->program_is_new[attachment->program_at] && wanted &&
	       old->slot.program == wanted->id;
}

static const char *attachment_reason(const struct planner *planner, const struct plan_step *step)
{
	const struct manifest_attachment *attachment = step->attachment;
	const struct state_attachment *old = step->old;
	const struct state_fault *fault;

	if (target_is_replaced(planner, attachment))
		return "its map is replaced";
	if (old->slot.foreign || old->dispatcher.foreign || old->link.foreign)
		return "in the place of what sockform did not make";
	if (step->parts & PLAN_SLOT)
		return "its slot was gone";
	if (step->parts & PLAN_DISPATCHER)
		return old->dispatcher.id && old->dispatcher.flags != attachment->flag_bits
			       ? "its flags changed"
			       : "its dispatcher was gone";
	fault = step->parts & PLAN_LINK
			? state_link_fault(old, state_target_id(planner->state,
							attachment->target_name, attachment->kind))
			: NULL;
	return fault ? fault->was : "takes effect for every socket at once";
}

/* A path of the file system, where one below the mount was meant. */
static void hint_below_mount(
	const struct planner *planner, struct diagnostic *diagnostic, const char *path)
{
	const char *mount = planner->state->cgroup_mount;
	size_t length = strlen(mount);

	if (strncmp(path, mount, length) == 0 && (path[length] == '/' || !path[length]))
		diagnostic->hint = arena_printf(planner->arena, "paths are below the mount: %s",
			path[length] ? path + length : "/");
}

static void check_cgroup(struct planner *planner, const struct manifest_attachment *attachment)
{
	const struct state *state = planner->state;
	const struct mark mark = attachment->target.mark;

	if (!attachment->kind->on_cgroup ||
		state_target_id(state, attachment->target_name, attachment->kind))
		return;
	if (state->cgroup_mount)
		hint_below_mount(planner,
			diag_add(planner->diagnostics, DIAG_E0408, mark,
				"there is no cgroup \"%s\" in %s", attachment->target_name,
				state->cgroup_mount),
			attachment->target_name);
	else
		diag_add(planner->diagnostics, DIAG_E0408, mark,
			"cgroup2 is not mounted, so there is no cgroup \"%s\"",
			attachment->target_name)
			->hint = "as root: mount -t cgroup2 cgroup2 DIRECTORY";
}

/* A program elsewhere, or one of another attach type, that keeps every other off the hook. */
static void refuse_forbidding(struct planner *planner, const struct manifest_attachment *attachment,
	const struct state_holder *holder, const char *title)
{
	diag_add(planner->diagnostics, DIAG_E0409, attachment->self.mark,
		"%s is taken: %s on %s keeps others out", title,
		state_holder_text(planner->arena, holder), holder->at)
		->hint =
		attachment->kind->on_cgroup
			? "it was attached to share with no program below; "
			  "`sockform detach --force --cgroup` takes it off"
			: "the kernel has one or the other; `sockform detach --force` takes "
			  "it off";
}

static void refuse_holder(struct planner *planner, const struct manifest_attachment *attachment,
	const struct state_hook *hook, const struct state_holder *holder, const char *title)
{
	struct arena *arena = planner->arena;
	const char *who = state_holder_text(arena, holder);
	bool named = attachment->replace.text != NULL;
	struct diagnostic *diagnostic = diag_add(planner->diagnostics, DIAG_E0409,
		named ? attachment->replace.mark : attachment->self.mark,
		"%s is taken: %s holds it%s%s", title, who, holder->link ? " through a link" : "",
		named && !holder->link ? ", which is not what \"replace\" names" : "");

	if (hook->shared)
		diagnostic->hint = "without replace this program goes beside it";
	else if (!holder->link)
		diagnostic->hint = arena_printf(arena,
			"replace: %u, or --force, gives its place to this program",
			holder->program);
	else
		diagnostic->hint = "--force takes it off";
}

/*
 * The foreign program whose place the attachment takes, or NULL. One that is in the way is an error;
 * beside one that shares the hook there is room, unless the manifest names one that is not there.
 */
static const struct state_holder *find_replaced(struct planner *planner,
	const struct manifest_attachment *attachment, const char *name, const char *title)
{
	const struct state_hook *hook = state_hook_named(planner->state, name);
	uint32_t wanted = attachment->replaces;

	if (!hook || !hook->holders.count)
		return NULL;
	vec_each (holder, &hook->holders)
		if (holder->at) {
			refuse_forbidding(planner, attachment, holder, title);
			return NULL;
		}
	if (attachment->replaces_pin)
		wanted = hook->replaced;
	vec_each (holder, &hook->holders)
		if (wanted && holder->program == wanted && !holder->link)
			return holder;
	if (planner->forces && !hook->shared)
		return &hook->holders.items[0];
	if (!hook->shared || attachment->replace.text)
		refuse_holder(planner, attachment, hook, &hook->holders.items[0], title);
	return NULL;
}

/* A cgroup has room for both, and so it is where the new one goes to another map. */
static bool is_in_the_way(const struct planner *planner,
	const struct manifest_attachment *attachment, const struct state_attachment *old)
{
	return !attachment->kind->on_cgroup && !target_is_replaced(planner, attachment) &&
	       old->link.target &&
	       old->link.target ==
		       state_target_id(planner->state, attachment->target_name, attachment->kind);
}

static void fill_step(struct planner *planner, struct plan_step *step, const char *name)
{
	const struct manifest_attachment *attachment = step->attachment;
	const struct state_attachment *old = step->old;

	step->file = name;
	step->detail = attachment->program.text;
	step->stale_link = old && state_attachment_has_link(old) && (step->parts & PLAN_LINK);
	step->link_in_the_way = step->stale_link && is_in_the_way(planner, attachment, old);
	step->retires_slot = old && old->slot.program && !old->slot.foreign &&
			     target_is_replaced(planner, attachment);
	if (old && step->parts && !old->retired)
		step->reason = attachment_reason(planner, step);
	/* On a map that is new there is nobody. */
	if (!(step->parts & PLAN_LINK) || target_is_replaced(planner, attachment))
		return;
	check_cgroup(planner, attachment);
	step->replaced = find_replaced(planner, attachment, name, step->name);
	if (step->replaced)
		step->reason = arena_printf(planner->arena, "replaces %s",
			state_holder_text(planner->arena, step->replaced));
}

static void plan_attachment(struct planner *planner, const struct manifest_attachment *attachment)
{
	const char *target = attachment->target_name;
	const char *name = state_attachment_name(planner->arena, target, attachment->kind);
	const struct state_attachment *old = state_attachment_named(planner->state, name);
	unsigned int parts = missing_parts(planner, attachment, old);
	struct plan_step *step;

	name_index_add(planner->arena, &planner->wanted, name, 0);
	if (old)
		plan_check_foreign_attachment(planner, old, attachment->self.mark);
	if (!(parts & PLAN_SLOT) && !runs_wanted_program(planner, attachment, old))
		parts |= PLAN_PROGRAM_IN_SLOT;
	step = plan_add_step(planner, PLAN_ATTACHMENT,
		!parts                 ? PLAN_KEEP
		: old && !old->retired ? PLAN_UPDATE
				       : PLAN_CREATE,
		state_attachment_title(planner->arena, target, attachment->kind),
		attachment->self.mark);
	step->attachment = attachment;
	step->parts = parts;
	step->old = old;
	fill_step(planner, step, name);
}

void plan_attachments(struct planner *planner)
{
	vec_each (attachment, &planner->manifest->attachments)
		if (!attachment->kind->on_cgroup)
			plan_attachment(planner, attachment);
	vec_each (attachment, &planner->manifest->attachments)
		if (attachment->kind->on_cgroup)
			plan_attachment(planner, attachment);
}

struct plan_step *plan_delete_attachment(
	struct planner *planner, const struct state_attachment *old)
{
	struct plan_step *step =
		plan_add_step(planner, PLAN_ATTACHMENT, PLAN_DELETE, old->title, mark_none);

	step->old = old;
	step->file = old->name;
	if (state_attachment_is_off(planner->state, old))
		step->reason = "what was left of it for the sockets in its map";
	plan_check_foreign_attachment(planner, old, mark_none);
	return step;
}

/*
 * Whether sockets may go on running its dispatcher, in a map that is not to go. One that is attached
 * still can get some until it is detached; of one that is not, those that are in the map are all.
 */
static bool outlasts_its_link(const struct planner *planner, const struct state_attachment *old)
{
	const struct state_map *map = state_map_named(planner->state, old->target);
	size_t at = planner->manifest && !old->kind->on_cgroup
			    ? name_index_find(&planner->manifest->map_names, old->target)
			    : NAME_ABSENT;

	return at != NAME_ABSENT && !planner->map_is_replaced[at] && map &&
	       plan_holds_sockets(map) &&
	       (map->entries != 0 || !state_attachment_is_off(planner->state, old)) &&
	       old->slot.id && !old->slot.foreign && old->dispatcher.id && !old->dispatcher.foreign;
}

static bool runs_by_our_link(const struct state_attachment *attachment)
{
	return state_attachment_has_link(attachment) && !attachment->link.foreign &&
	       attachment->link.target;
}

static void delete_unwanted_attachment(struct planner *planner, const struct state_attachment *old)
{
	bool is_foreign = old->slot.foreign || old->dispatcher.foreign || old->link.foreign;
	bool outlasts = outlasts_its_link(planner, old);

	/* What is ours of it and runs goes with its map and its program, or not at all. */
	if (plan_leaves(planner, is_foreign) && !runs_by_our_link(old))
		return;
	if (outlasts && state_attachment_is_off(planner->state, old))
		return;
	plan_delete_attachment(planner, old)->retires = outlasts;
}

static void delete_unwanted(struct planner *planner, bool on_cgroup)
{
	vec_each (old, &planner->state->attachments)
		if (old->kind->on_cgroup == on_cgroup &&
			name_index_find(&planner->wanted, old->name) == NAME_ABSENT)
			delete_unwanted_attachment(planner, old);
}

void plan_deleted_attachments(struct planner *planner)
{
	delete_unwanted(planner, true);
	delete_unwanted(planner, false);
}
