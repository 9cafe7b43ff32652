/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/kernel/kernel.h"

#include "lib/base/cleanup.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct observer {
	struct kernel *kernel;
	struct state *state;
};

/*
 * Reads one pin into the state; -EINVAL where its name is none of ours, or another negative errno.
 */
typedef int (*observe_pin)(const struct observer *observer, int fd, const char *file);

static int observe_map(const struct observer *observer, int fd, const char *file)
{
	struct arena *arena = observer->kernel->arena;
	struct state_map map = { .name = file, .entries = -1 };
	int error = kernel_map_info(fd, &map);

	if (error)
		return error;
	/* As many for each processor (htab_map_alloc in kernel/bpf/hashtab.c). */
	if (map.flags & BPF_F_NO_COMMON_LRU) {
		int processors = kernel_possible_processors();

		map.granule = processors > 0 ? (uint32_t)processors : 0;
	}
	name_index_add(arena, &observer->state->map_names, file, observer->state->maps.count);
	*vec_add(arena, &observer->state->maps) = map;
	return 0;
}

static int observe_program(const struct observer *observer, int fd, const char *file)
{
	struct arena *arena = observer->kernel->arena;
	struct state_program program = { .file = file };
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);

	if (!state_parse_program_file(arena, file, &program.name, &program.digest))
		return -EINVAL;
	info.nr_map_ids = STATE_MAX_MAPS;
	info.map_ids = (uintptr_t)program.maps;
	if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0)
		return -errno;
	program.id = info.id;
	program.map_count = info.nr_map_ids < STATE_MAX_MAPS ? info.nr_map_ids : STATE_MAX_MAPS;
	name_index_add(
		arena, &observer->state->program_files, file, observer->state->programs.count);
	*vec_add(arena, &observer->state->programs) = program;
	return 0;
}

/* Slots, dispatchers and links of one hook have the same name: three folders, one element. */
static struct state_attachment *attachment_of(const struct observer *observer, const char *file)
{
	struct state *state = observer->state;
	struct arena *arena = observer->kernel->arena;
	struct state_attachment parsed = { .name = file };
	size_t at;

	if (!state_parse_attachment_name(arena, file, &parsed.target, &parsed.kind))
		return NULL;
	parsed.title = state_attachment_title(arena, parsed.target, parsed.kind);
	at = name_index_add(arena, &state->attachment_names, file, state->attachments.count);
	if (at != NAME_ABSENT)
		return &state->attachments.items[at];
	*vec_add(arena, &state->attachments) = parsed;
	return &state->attachments.items[state->attachments.count - 1];
}

static int observe_slot(const struct observer *observer, int fd, const char *file)
{
	struct state_attachment *attachment;
	const uint32_t element = 0;
	struct state_map map = { 0 };
	uint32_t program = 0;
	int error = kernel_map_info(fd, &map);

	if (error)
		return error;
	/* Reading an element writes as many bytes as its map's values have. */
	if (map.type != BPF_MAP_TYPE_PROG_ARRAY || map.value_size != sizeof(program))
		return -EINVAL;
	/* From user space that is the id of the program in it. */
	if (bpf_map_lookup_elem(fd, &element, &program) != 0 && errno != ENOENT)
		return -errno;
	attachment = attachment_of(observer, file);
	if (!attachment)
		return -EINVAL;
	attachment->slot.id = map.id;
	attachment->slot.program = program;
	return 0;
}

static int observe_dispatcher(const struct observer *observer, int fd, const char *file)
{
	struct state_attachment *attachment;
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info), slot = 0;

	info.nr_map_ids = 1;
	info.map_ids = (uintptr_t)&slot;
	if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0)
		return -errno;
	attachment = attachment_of(observer, file);
	if (!attachment)
		return -EINVAL;
	attachment->dispatcher.id = info.id;
	attachment->dispatcher.slot = slot;
	attachment->dispatcher.flags = kernel_dispatcher_flags(info.name);
	attachment->dispatcher.run_count = info.run_cnt;
	attachment->dispatcher.run_nanoseconds = info.run_time_ns;
	return 0;
}

static int observe_link(const struct observer *observer, int fd, const char *file)
{
	struct state_attachment *attachment;
	struct kernel_link link;
	int error = kernel_link_info(fd, &link);

	if (error)
		return error;
	attachment = attachment_of(observer, file);
	if (!attachment || attachment->kind->on_cgroup != link.on_cgroup)
		return -EINVAL;
	attachment->link.id = link.id;
	attachment->link.program = link.program;
	attachment->link.target = link.target;
	attachment->link.type = link.type;
	return 0;
}

static bool ends_with(const char *text, const char *suffix)
{
	size_t length = strlen(text), behind = strlen(suffix);

	return length >= behind && strcmp(text + length - behind, suffix) == 0;
}

/*
 * Opening what is no BPF object answers EACCES (bpf_inode_type): a stranger, as is a name that we
 * do not write. Any other failure ends the observation: planning with half of the state would be
 * worse.
 */
static bool observe_file(const struct observer *observer, enum kernel_folder folder,
	observe_pin observe, const char *file)
{
	static const enum kernel_object kinds[FOLDER_COUNT] = {
		[FOLDER_MAPS] = KERNEL_MAP,
		[FOLDER_PROGRAMS] = KERNEL_PROGRAM,
		[FOLDER_SLOTS] = KERNEL_MAP,
		[FOLDER_DISPATCHERS] = KERNEL_PROGRAM,
		[FOLDER_LINKS] = KERNEL_LINK,
	};
	struct kernel *kernel = observer->kernel;
	const char *path = kernel_path(kernel, observer->state->deployment, folder, file);
	cleanup_fd int fd = kernel_open_pin_of(path, kinds[folder]);
	int error = fd < 0 ? fd : observe(observer, fd, file);

	if (!error || fd == -ENOENT) /* gone since the folder was read */
		return true;
	if (ends_with(file, STATE_SPARE_SUFFIX)) {
		*vec_add(kernel->arena, &observer->state->leftovers) = path;
		return true;
	}
	if (fd == -EACCES || error == -EINVAL) {
		*vec_add(kernel->arena, &observer->state->strangers) = path;
		return true;
	}
	diag_add(kernel->diagnostics, DIAG_E0405, mark_none, "cannot read %s: %s", path,
		kernel_explain(kernel->arena, error));
	return false;
}

static bool observe_folder(
	const struct observer *observer, enum kernel_folder folder, observe_pin observe)
{
	const char *path =
		kernel_folder_path(observer->kernel, observer->state->deployment, folder);
	kernel_names names = { 0 };
	int error = kernel_list_names(observer->kernel->arena, path, &names);

	if (error)
		diag_add(observer->kernel->diagnostics, DIAG_E0405, mark_none, "cannot read %s: %s",
			path, strerror(-error));
	vec_each (name, &names)
		if (!observe_file(observer, folder, observe, *name))
			return false;
	return !error;
}

static void observe_layout(const struct observer *observer)
{
	char target[256];
	ssize_t length = readlink(arena_printf(observer->kernel->arena, "%s/%s/layout",
					  observer->kernel->root, observer->state->deployment),
		target, sizeof(target));

	if (length >= 0)
		observer->state->layout =
			arena_copy(observer->kernel->arena, target, (size_t)length);
}

bool kernel_observe(struct kernel *kernel, const char *deployment, struct state *ret)
{
	static const observe_pin observers[FOLDER_COUNT] = {
		[FOLDER_MAPS] = observe_map,
		[FOLDER_PROGRAMS] = observe_program,
		[FOLDER_SLOTS] = observe_slot,
		[FOLDER_DISPATCHERS] = observe_dispatcher,
		[FOLDER_LINKS] = observe_link,
	};
	struct observer observer = { kernel, ret };

	*ret = (struct state){ .deployment = deployment };
	ret->identity = kernel_identify(kernel, deployment);
	ret->exists = ret->identity != 0;
	if (!ret->exists && kernel->root && errno != ENOENT) {
		diag_add(kernel->diagnostics, DIAG_E0405, mark_none, "cannot look at %s: %s",
			kernel_deployment_path(kernel, deployment), strerror(errno));
		return false;
	}
	if (!ret->exists)
		return true;
	observe_layout(&observer);
	for (enum kernel_folder folder = 0; folder < FOLDER_COUNT; folder++)
		if (!observe_folder(&observer, folder, observers[folder]))
			return false;
	vec_each (attachment, &ret->attachments)
		if (attachment->target[0] == '/')
			kernel_find_cgroup(kernel, ret, attachment->target);
	return true;
}
