/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/kernel/kernel.h"

#include "lib/base/cleanup.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct observer {
	struct kernel *kernel;
	struct state *state;
	bool counts; /* the entries of maps */
};

/* Reads one pin into the state; -EINVAL where it is none of ours, or another negative errno. */
typedef int (*observe_pin)(const struct observer *observer, int fd, const char *file);

struct observe_kind {
	observe_pin observe; /* NULL: records */
	enum kernel_object object;
	uint32_t flags;     /* to open the pins with: links are opened for writing or not at all */
	bool is_dispatcher; /* its record has it as that, or what it runs */
};

static int observe_map(const struct observer *observer, int fd, const char *file)
{
	struct state_map map = { .name = file, .entries = -1 };
	const struct state_generation *made;
	int error = kernel_map_info(fd, &map);

	if (error)
		return error;
	made = state_generation_of(observer->state, file, map.id);
	map.foreign = !made;
	map.key = made ? made->key : NULL;
	/* As many for each processor (htab_map_alloc in kernel/bpf/hashtab.c). */
	if (map.flags & BPF_F_NO_COMMON_LRU) {
		int processors = kernel_possible_processors();

		map.granule = processors > 0 ? (uint32_t)processors : 0;
	}
	if (observer->counts)
		map.entries = kernel_count_entries(fd, &map);
	state_add_map(observer->kernel->arena, observer->state, map);
	return 0;
}

static int observe_program(const struct observer *observer, int fd, const char *file)
{
	struct arena *arena = observer->kernel->arena;
	struct state_program program = { .file = file };
	struct bpf_prog_info info = { 0 };
	int error;

	if (!state_parse_program_file(arena, file, &program.name, &program.digest))
		return -EINVAL;
	info.nr_map_ids = STATE_MAX_MAPS;
	info.map_ids = (uintptr_t)program.maps;
	error = kernel_program_info(fd, &info);
	if (error)
		return error;
	program.id = info.id;
	program.foreign = !state_generation_of(observer->state, file, info.id);
	program.map_count = info.nr_map_ids < STATE_MAX_MAPS ? info.nr_map_ids : STATE_MAX_MAPS;
	state_add_program(arena, observer->state, program);
	return 0;
}

/* Slots, dispatchers and links of one hook have the same name: three folders, one element. */
static struct state_attachment *attachment_of(const struct observer *observer, const char *file)
{
	struct state *state = observer->state;
	struct arena *arena = observer->kernel->arena;
	struct state_attachment parsed = { .name = file };
	size_t at = name_index_find(&state->attachment_names, file);

	if (at != NAME_ABSENT)
		return &state->attachments.items[at];
	if (!state_parse_attachment_name(arena, file, &parsed.target, &parsed.kind))
		return NULL;
	parsed.title = state_attachment_title(arena, parsed.target, parsed.kind);
	name_index_add(arena, &state->attachment_names, file, state->attachments.count);
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
	attachment->slot.foreign = !state_generation_of(observer->state, file, map.id);
	return 0;
}

static int observe_dispatcher(const struct observer *observer, int fd, const char *file)
{
	struct state_attachment *attachment;
	struct bpf_prog_info info = { 0 };
	uint32_t slot = 0;
	int error;

	info.nr_map_ids = 1;
	info.map_ids = (uintptr_t)&slot;
	error = kernel_program_info(fd, &info);
	if (error)
		return error;
	attachment = attachment_of(observer, file);
	if (!attachment)
		return -EINVAL;
	attachment->dispatcher.id = info.id;
	attachment->dispatcher.foreign =
		!state_dispatcher_is_recorded(observer->state, file, info.id);
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
	attachment->link.foreign =
		!state_dispatcher_is_recorded(observer->state, file, link.program);
	attachment->link.target = link.target;
	attachment->link.type = link.type;
	return 0;
}

static const char *path_in(
	const struct observer *observer, const struct kernel_pins *folder, const char *name)
{
	return arena_printf(observer->kernel->arena, "%s/%s", folder->path, name);
}

/*
 * Opening what is no BPF object answers EACCES (bpf_inode_type): a stranger, as is a name that we
 * do not write. Any other failure ends the observation: planning with half of the state would be
 * worse.
 */
static bool observe_pin_at(const struct observer *observer, const struct kernel_pins *folder,
	const struct observe_kind *kind, const char *file)
{
	struct kernel *kernel = observer->kernel;
	cleanup_fd int fd = kernel_open_pin_in(kernel->arena, folder, file, kind->flags);
	int error = fd < 0 ? fd : kind->observe(observer, fd, file);

	if (!error || fd == -ENOENT) /* gone since the folder was read */
		return true;
	if (fd != -EACCES && error != -EINVAL)
		return kernel_cannot_read(observer->kernel, path_in(observer, folder, file), error);
	*vec_add(kernel->arena, &observer->state->strangers) = path_in(observer, folder, file);
	return true;
}

/* False for what is no record. One of an attachment tells of it also where all its pins are gone. */
static bool take_record(const struct observer *observer, const char *file, const char *text)
{
	struct arena *arena = observer->kernel->arena;
	struct state_record record = { .file = file };
	struct state_attachment *attachment;
	const char *key;

	if (!text || !state_parse_record(arena, text, &record))
		return false;
	key = record.generations[0].key;
	state_add_record(arena, observer->state, record);
	if (!strchr(file, ':'))
		return true;
	attachment = attachment_of(observer, file);
	if (attachment)
		attachment->retired = key && strcmp(key, STATE_RETIRED) == 0;
	return attachment;
}

static bool observe_record(
	const struct observer *observer, const struct kernel_pins *folder, const char *file)
{
	struct arena *arena = observer->kernel->arena;
	const char *text;
	int error = kernel_read_text_in(arena, folder, file, &text);

	if (error)
		return kernel_cannot_read(observer->kernel, path_in(observer, folder, file), error);
	if (!take_record(observer, file, text))
		*vec_add(arena, &observer->state->strangers) = path_in(observer, folder, file);
	return true;
}

/* Of a link the dispatcher that it runs, of all else itself; or a negative errno. */
static int64_t recorded_id(int fd, enum kernel_object object)
{
	struct kernel_link link;
	int error;

	if (object != KERNEL_LINK)
		return kernel_object_id(fd);
	error = kernel_link_info(fd, &link);
	return error ? error : (int64_t)link.program;
}

/*
 * What is of another kind than belongs into the folder is none of ours, -EINVAL: each kind has ids of its
 * own. 0, 1 or a negative errno.
 */
static int is_recorded(
	const struct observer *observer, const struct observe_kind *kind, const char *file, int fd)
{
	int64_t id = kernel_is_kind(fd, kind->object) ? recorded_id(fd, kind->object) : -EINVAL;

	if (id < 0)
		return (int)id;
	return kind->is_dispatcher
		       ? state_dispatcher_is_recorded(observer->state, file, (uint32_t)id)
		       : state_generation_of(observer->state, file, (uint32_t)id) != NULL;
}

/*
 * Whether it is ours, on its way into the place of the pin or the record `base`: a pin is known by the record of
 * that, because records come first, and a record by its text. 0, 1 or a negative errno.
 */
static int is_left_by_us(const struct observer *observer, const struct kernel_pins *folder,
	const struct observe_kind *kind, const struct kernel_file *file, const char *base)
{
	struct arena *arena = observer->kernel->arena;
	struct state_record record = { .file = base };
	cleanup_fd int fd = -1;
	const char *text;
	int error, ours;

	if (file->is_symlink && kind->observe)
		return 0;
	if (file->is_symlink) {
		error = kernel_read_text_in(arena, folder, file->name, &text);
		return error ? error : text && state_parse_record(arena, text, &record);
	}
	if (!kind->observe || file->is_folder)
		return 0;
	fd = kernel_open_pin_in(arena, folder, file->name, kind->flags);
	ours = fd < 0 ? fd : is_recorded(observer, kind, base, fd);
	/* See observe_pin_at: it is gone, no BPF object, or one of another kind. */
	return ours == -ENOENT || fd == -EACCES || ours == -EINVAL ? 0 : ours;
}

/*
 * Records are symlinks, and have no kind of pin; pins are none, or opening them would leave the tree.
 * What is neither, or has a name that we do not write, is a stranger. Failures end the observation, as in
 * observe_pin_at.
 */
static bool observe_file(const struct observer *observer, const struct kernel_pins *folder,
	const struct observe_kind *kind, const struct kernel_file *file)
{
	struct arena *arena = observer->kernel->arena;
	const char *name = file->name;
	const char *base = state_spare_base(arena, name);
	int ours = base ? is_left_by_us(observer, folder, kind, file, base) : 0;

	if (ours < 0)
		return kernel_cannot_read(observer->kernel, path_in(observer, folder, name), ours);
	if (ours) {
		*vec_add(arena, &observer->state->leftovers) =
			(struct state_leftover){ path_in(observer, folder, name), base,
				kind->object == KERNEL_LINK };
		return true;
	}
	if (!base && file->is_symlink && !kind->observe)
		return observe_record(observer, folder, name);
	if (!base && !file->is_symlink && !file->is_folder && kind->observe)
		return observe_pin_at(observer, folder, kind, name);
	*vec_add(arena, &observer->state->strangers) = path_in(observer, folder, name);
	return true;
}

static bool observe_folder(
	const struct observer *observer, enum kernel_folder folder, const struct observe_kind *kind)
{
	struct kernel *kernel = observer->kernel;
	const char *path = kernel_folder_path(kernel, observer->state->deployment, folder);
	cleanup_fd int fd = -1;
	struct kernel_pins pins = { .path = path };
	kernel_files files = { 0 };

	if (!kernel_open_folder(kernel, path, &fd))
		return false;
	if (fd < 0)
		return true;
	if (!kernel_list_open_folder(kernel, path, fd, &files))
		return false;
	pins.fd = fd;
	vec_each (file, &files)
		if (!observe_file(observer, &pins, kind, file))
			return false;
	return true;
}

/*
 * By its pin where that is the right one. By id takes CAP_SYS_ADMIN: a map that has lost its pin is seen
 * by those who may open it, and for the others there is none, -ENOENT.
 */
static int open_map_with_id(
	const struct observer *observer, const struct state_attachment *attachment, uint32_t id)
{
	const struct state_map *map = state_map_named(observer->state, attachment->target);
	int fd;

	if (map && map->id == id)
		return kernel_open_pin(kernel_path(observer->kernel, observer->state->deployment,
			FOLDER_MAPS, attachment->target));
	fd = kernel_open_map(id);
	return fd == -EPERM ? -ENOENT : fd;
}

/*
 * Whether a recorded dispatcher is attached to its map without a link. Of a map that cannot be asked the
 * record is believed where there still is such a program: what is attached is. 0, 1 or a negative errno.
 */
static int is_attached(const struct observer *observer, const struct state_attachment *attachment,
	const struct state_generation *generation, bool *believed)
{
	cleanup_fd int map = open_map_with_id(observer, attachment, generation->attached);
	const struct kernel_hook hook = { .target = map, .type = attachment->kind->type };
	int there = map == -ENOENT ? 0 : map;

	if (map >= 0)
		there = kernel_is_on_hook(generation->dispatcher, &hook);
	*believed = there == -EINVAL;
	if (*believed) {
		cleanup_fd int program = kernel_open_program(generation->dispatcher);

		there = program != -ENOENT;
	}
	return there;
}

static bool observe_generation(const struct observer *observer, struct state_attachment *attachment,
	const struct state_generation *generation)
{
	struct kernel *kernel = observer->kernel;
	bool believed;
	int there = is_attached(observer, attachment, generation, &believed);

	if (there < 0)
		diag_add(kernel->diagnostics, DIAG_E0405, mark_none,
			"cannot look at what is attached to %s: %s", attachment->title,
			kernel_explain(kernel->arena, there));
	/* Where none is there, it is the newest that is not. */
	if (there < 0 || (attachment->link.bare && !there))
		return there >= 0;
	attachment->link.bare = true;
	attachment->link.believed = believed;
	attachment->link.in_doubt = believed && there && generation->key &&
				    strcmp(generation->key, STATE_IN_DOUBT) == 0;
	attachment->link.program = generation->dispatcher;
	attachment->link.type = attachment->kind->type;
	attachment->link.target = there ? generation->attached : 0;
	return true;
}

/*
 * An attachment without a link: its record tells which dispatcher may be on which map, and the map
 * whether it is so; kernels that cannot be asked (before about 5.18) are taken by the record's word.
 * False with a diagnostic.
 */
static bool observe_bare(const struct observer *observer, struct state_attachment *attachment)
{
	const struct state_record *record = state_record_of(observer->state, attachment->name);

	if (!record || attachment->link.id || attachment->kind->on_cgroup)
		return true;
	for (size_t i = 0; i < record->count && !attachment->link.target; i++)
		if (record->generations[i].attached &&
			!observe_generation(observer, attachment, &record->generations[i]))
			return false;
	return true;
}

static bool read_text(const struct observer *observer, enum kernel_text text, const char **ret)
{
	const char *path = kernel_text_path(observer->kernel, observer->state->deployment, text);
	int error = kernel_read_text(observer->kernel->arena, path, ret);

	return !error || kernel_cannot_read(observer->kernel, path, error);
}

/* What is in the deployment's folder besides what belongs there. */
static bool observe_outside(const struct observer *observer)
{
	struct kernel *kernel = observer->kernel;
	struct state *state = observer->state;
	const char *folder = kernel_deployment_path(kernel, state->deployment);
	kernel_files files = { 0 };

	if (!kernel_list_files(kernel, folder, &files))
		return false;
	vec_each (file, &files) {
		const char *path = arena_printf(kernel->arena, "%s/%s", folder, file->name);
		const char *base = state_spare_base(kernel->arena, file->name);
		bool is_spare = base && kernel_is_replaced(base);

		if (is_spare && file->is_symlink)
			*vec_add(kernel->arena, &state->leftovers) =
				(struct state_leftover){ path, NULL, false };
		else if (is_spare)
			*vec_add(kernel->arena, &state->strangers) = path;
		else if (!kernel_is_ours(file))
			*vec_add(kernel->arena, &state->outsiders) = path;
	}
	return true;
}

static bool observe(struct kernel *kernel, const char *deployment, bool counts, struct state *ret)
{
	static const struct observe_kind kinds[FOLDER_COUNT] = {
		[FOLDER_MAPS] = { observe_map, KERNEL_MAP, BPF_F_RDONLY, false },
		[FOLDER_PROGRAMS] = { observe_program, KERNEL_PROGRAM, BPF_F_RDONLY, false },
		[FOLDER_SLOTS] = { observe_slot, KERNEL_MAP, BPF_F_RDONLY, false },
		[FOLDER_DISPATCHERS] = { observe_dispatcher, KERNEL_PROGRAM, BPF_F_RDONLY, true },
		[FOLDER_LINKS] = { observe_link, KERNEL_LINK, 0, true },
	};
	const struct observer observer = { kernel, ret, counts };

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
	if (!read_text(&observer, TEXT_LAYOUT, &ret->layout) ||
		!read_text(&observer, TEXT_SOURCE, &ret->source) || !observe_outside(&observer))
		return false;
	for (enum kernel_folder folder = 0; folder < FOLDER_COUNT; folder++)
		if (!observe_folder(&observer, folder, &kinds[folder]))
			return false;
	vec_each (attachment, &ret->attachments)
		if (!(attachment->target[0] == '/'
				    ? kernel_find_cgroup(kernel, ret, attachment->target)
				    : observe_bare(&observer, attachment)))
			return false;
	return true;
}

bool kernel_observe(struct kernel *kernel, const char *deployment, struct state *ret)
{
	return observe(kernel, deployment, false, ret);
}

bool kernel_observe_entries(struct kernel *kernel, const char *deployment, struct state *ret)
{
	return observe(kernel, deployment, true, ret);
}
