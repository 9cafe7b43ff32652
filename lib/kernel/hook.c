/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Hooks: attach types of maps and cgroups, and the programs that are on them, whoever attached them.
 * Older headers lack parts of union bpf_attr and of bpf_link_info, so both are read by offset where
 * that is needed.
 */
#include "lib/kernel/kernel.h"

#include "lib/base/cleanup.h"

#include <bpf/bpf.h>
#include <libgen.h>
#include <string.h>
#include <sys/syscall.h>

#define PROGRAMS_MAX 64 /* BPF_CGROUP_MAX_PROGS; a map's hook has one */

static int result_of(int value)
{
	return value >= 0 ? value : -errno;
}

int kernel_open_link(uint32_t id)
{
	return result_of(bpf_link_get_fd_by_id(id));
}

/*
 * The part of bpf_link_info that links of maps and of cgroups have, from byte 16 on. Maps: linux/bpf.h
 * of 6.10 and later; older headers lack the struct.
 */
#define LINK_TYPE_SOCKMAP 14

struct link_info {
	uint32_t type, id, program, padding;
	union {
		struct {
			uint32_t id, attach_type;
		} map;
		struct {
			uint64_t id;
			uint32_t attach_type;
		} cgroup;
	};
	unsigned char rest[96];
};

int kernel_link_info(int fd, struct kernel_link *ret)
{
	struct link_info info = { 0 };
	uint32_t length = sizeof(info);
	bool on_cgroup;

	if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0)
		return -errno;
	on_cgroup = info.type == BPF_LINK_TYPE_CGROUP;
	/* A map has the size of its values there, and a program half of its tag. */
	if (info.padding || (!on_cgroup && info.type != LINK_TYPE_SOCKMAP))
		return -EINVAL;
	*ret = (struct kernel_link){
		.id = info.id,
		.program = info.program,
		.type = on_cgroup ? info.cgroup.attach_type : info.map.attach_type,
		.target = on_cgroup ? info.cgroup.id : info.map.id,
		.on_cgroup = on_cgroup,
	};
	return 0;
}

struct query {
	uint32_t programs[PROGRAMS_MAX];
	uint32_t count;
	uint32_t flags; /* BPF_F_ALLOW_MULTI, BPF_F_ALLOW_OVERRIDE, or none: of the whole hook */
};

static int ask(int target, enum bpf_attach_type type, struct query *ret)
{
	union bpf_attr attr = { 0 };

	*ret = (struct query){ 0 };
	attr.query.target_fd = (uint32_t)target;
	attr.query.attach_type = type;
	attr.query.prog_ids = (uintptr_t)ret->programs;
	attr.query.prog_cnt = PROGRAMS_MAX;
	if (syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)) != 0)
		return -errno;
	ret->count = attr.query.prog_cnt < PROGRAMS_MAX ? attr.query.prog_cnt : PROGRAMS_MAX;
	ret->flags = attr.query.attach_flags;
	return 0;
}

/* The attach type that the kernel does not have beside this one on a map; 0: there is none. */
static enum bpf_attach_type excluding_type(enum bpf_attach_type type)
{
	static const enum bpf_attach_type types[HOOK_ROLE_COUNT] = {
		[HOOK_STREAM_VERDICT] = BPF_SK_SKB_VERDICT,
		[HOOK_SKB_VERDICT] = BPF_SK_SKB_STREAM_VERDICT,
	};

	return types[attach_kind_of(type)->role];
}

/*
 * Before about 5.18 maps cannot be asked: -EINVAL. Of the two verdicts that exclude each other, asking
 * for the one answers EBUSY where the other is (sock_map_prog_lookup in net/core/sock_map.c): then, and
 * only then, that says that there is nothing.
 */
static int query(int target, enum bpf_attach_type type, struct query *ret)
{
	enum bpf_attach_type excluding = excluding_type(type);
	int error = ask(target, type, ret);
	struct query other;

	if (error == -EBUSY && excluding && ask(target, excluding, &other) == 0 && other.count)
		return 0;
	return error;
}

static uint32_t program_id(int fd)
{
	int64_t id = fd >= 0 ? kernel_object_id(fd) : 0;

	return id > 0 ? (uint32_t)id : 0;
}

static bool has_program(const struct query *query, uint32_t id)
{
	for (uint32_t i = 0; i < query->count; i++)
		if (query->programs[i] == id)
			return true;
	return false;
}

int kernel_is_on_hook(uint32_t program, const struct kernel_hook *hook)
{
	struct query there;
	int error = query(hook->target, hook->type, &there);

	return error ? error : has_program(&there, program);
}

int kernel_create_link(int program, const struct kernel_hook *hook)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = hook->flags);

	return result_of(bpf_link_create(program, hook->target, hook->type, &options));
}

int kernel_attach_link(int program, const struct kernel_hook *hook)
{
	bool on_map = !attach_kind_of(hook->type)->on_cgroup;
	struct query there = { 0 };
	int error = on_map ? query(hook->target, hook->type, &there) : 0, link;

	if (error && error != -EINVAL)
		return error;
	/* An attach without a link that was cut short may have left it there. */
	if (there.count && !has_program(&there, program_id(program)))
		return -EBUSY;
	link = kernel_create_link(program, hook);
	return link == -EINVAL && on_map ? -EOPNOTSUPP : link;
}

int kernel_attach(int program, const struct kernel_hook *hook, int *link)
{
	int error = kernel_attach_link(program, hook);

	*link = error >= 0 ? error : -1;
	return error == -EOPNOTSUPP ? kernel_attach_program(program, hook) : error < 0 ? error : 0;
}

int kernel_detach_link(int link)
{
	return result_of(bpf_link_detach(link));
}

int kernel_attach_program(int program, const struct kernel_hook *hook)
{
	return result_of(bpf_prog_attach(program, hook->target, hook->type, hook->flags));
}

/*
 * Of a map that cannot be asked, after EBUSY: whether a program of the type is there that the kernel does not
 * have beside this one's, and so not this one. Asked by taking this one off that type, where it is not, or has
 * nothing to do: ENOENT, and not EBUSY again, says that the map has the other.
 */
static bool is_excluded(int program, const struct kernel_hook *hook)
{
	enum bpf_attach_type other = excluding_type(hook->type);

	return other && (bpf_prog_detach2(program, hook->target, other) == 0 || errno == ENOENT);
}

int kernel_detach_program(int program, const struct kernel_hook *hook)
{
	struct query there;
	int error = query(hook->target, hook->type, &there);

	if (!error && !has_program(&there, program_id(program)))
		return -ESTALE;
	if (error && error != -EINVAL)
		return error;
	error = result_of(bpf_prog_detach2(program, hook->target, hook->type));
	return error == -EBUSY && is_excluded(program, hook) ? -ENOENT : error;
}

static const char *program_name(struct arena *arena, uint32_t id)
{
	cleanup_fd int fd = kernel_open_program(id);
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length) != 0)
		return "";
	return arena_copy(arena, info.name, strnlen(info.name, sizeof(info.name)));
}

typedef VEC(struct kernel_link) link_list;

struct kernel_links {
	link_list list; /* of maps and of cgroups */
};

static const struct kernel_links *read_links(struct kernel *kernel)
{
	uint32_t id = 0;

	if (kernel->links)
		return kernel->links;
	kernel->links = arena_alloc(kernel->arena, sizeof(*kernel->links));
	while (bpf_link_get_next_id(id, &id) == 0) {
		cleanup_fd int fd = kernel_open_link(id);
		struct kernel_link link;

		if (fd >= 0 && kernel_link_info(fd, &link) == 0)
			*vec_add(kernel->arena, &kernel->links->list) = link;
	}
	return kernel->links;
}

/* Links on a hook, of whatever program. */
static void find_links(
	struct kernel *kernel, uint64_t target, enum bpf_attach_type type, link_list *ret)
{
	vec_each (link, &read_links(kernel)->list)
		if (link->target == target && link->type == type)
			*vec_add(kernel->arena, ret) = *link;
}

/*
 * The link by which a program is on a hook; 0: it is there without one. The same program can be there
 * by two links, or by a link and without one: each link stands for one of its places.
 */
static uint32_t take_link(link_list *links, uint32_t program)
{
	vec_each (link, links)
		if (link->program == program) {
			link->program = 0;
			return link->id;
		}
	return 0;
}

int kernel_query_hook(struct kernel *kernel, const struct kernel_hook *hook, uint64_t target_id,
	state_holders *ret, bool *shared)
{
	link_list links = { 0 };
	struct query found;
	int error = query(hook->target, hook->type, &found);

	*shared = found.flags & BPF_F_ALLOW_MULTI;
	if (found.count)
		find_links(kernel, target_id, hook->type, &links);
	for (uint32_t i = 0; i < found.count; i++)
		*vec_add(kernel->arena, ret) = (struct state_holder){
			.program = found.programs[i],
			.name = program_name(kernel->arena, found.programs[i]),
			.link = take_link(&links, found.programs[i]),
			.flags = found.flags,
		};
	return error;
}

/*
 * A program that was attached to a cgroup without flags lets no other be attached below, also where
 * some are already; one with allow_override, or allow_multi, does (hierarchy_allows_attach in
 * kernel/bpf/cgroup.c).
 */
static void find_forbidding(struct kernel *kernel, const struct state *state, const char *path,
	enum bpf_attach_type type, state_holders *ret)
{
	struct arena *arena = kernel->arena;

	while (strcmp(path, "/") != 0) {
		cleanup_fd int fd = -1;
		struct query found;

		path = dirname(arena_copy(arena, path, strlen(path)));
		fd = kernel_open_cgroup(state->cgroup_mount, path);
		if (fd < 0 || query(fd, type, &found) != 0 || found.flags & BPF_F_ALLOW_MULTI)
			return;
		if (!found.count)
			continue;
		if (!(found.flags & BPF_F_ALLOW_OVERRIDE))
			*vec_add(arena, ret) = (struct state_holder){ .program = found.programs[0],
				.name = program_name(arena, found.programs[0]),
				.at = arena_printf(arena, "the cgroup %s", path) };
		return;
	}
}

static int open_target(
	struct kernel *kernel, const struct state *state, const struct kernel_wanted *wanted)
{
	if (wanted->kind->on_cgroup)
		return kernel_open_cgroup(state->cgroup_mount, wanted->target);
	return kernel_open_pin(kernel_path(kernel, state->deployment, FOLDER_MAPS, wanted->target));
}

/* Mostly it is the hook's own attachment; where targets changed places it is another. */
static bool is_own(const struct state *state, const char *name, const struct state_holder *holder)
{
	const struct state_attachment *likely = state_attachment_named(state, name);

	if (likely && state_attachment_holds(state, likely, holder))
		return true;
	vec_each (attachment, &state->attachments)
		if (state_attachment_holds(state, attachment, holder))
			return true;
	return false;
}

/* The deployment's own links are no strangers. */
static void drop_own(const struct state *state, const char *name, state_holders *holders)
{
	size_t kept = 0;

	vec_each (holder, holders)
		if (!is_own(state, name, holder))
			holders->items[kept++] = *holder;
	holders->count = kept;
}

/* A program on the hook that the kernel does not have beside this one. */
static void find_excluding(struct kernel *kernel, const struct kernel_hook *hook,
	uint64_t target_id, const struct kernel_wanted *wanted, state_holders *ret)
{
	struct kernel_hook other = *hook;
	bool shared;

	other.type = excluding_type(hook->type);
	if (!other.type)
		return;
	kernel_query_hook(kernel, &other, target_id, ret, &shared);
	vec_each (holder, ret)
		holder->at = state_attachment_title(
			kernel->arena, wanted->target, attach_kind_of(other.type));
}

static int look_at_hook(struct kernel *kernel, struct state *state,
	const struct kernel_wanted *wanted, const char *name, int target)
{
	const struct kernel_hook hook = { .target = target, .type = wanted->kind->type };
	uint64_t target_id = state_target_id(state, wanted->target, wanted->kind);
	struct state_hook found = { .name = name };
	int error = kernel_query_hook(kernel, &hook, target_id, &found.holders, &found.shared);

	if (!wanted->kind->on_cgroup && !found.holders.count)
		find_excluding(kernel, &hook, target_id, wanted, &found.holders);
	drop_own(state, name, &found.holders);
	if (wanted->kind->on_cgroup)
		find_forbidding(kernel, state, wanted->target, hook.type, &found.holders);
	state_add_hook(kernel->arena, state, found);
	/* What nobody can see is left to attaching. */
	return error == -EINVAL && !wanted->kind->on_cgroup ? 0 : error;
}

/* Of what is on a hook only a program without a link is replaced, and only where there is one. */
static bool find_replaced(
	struct kernel *kernel, struct state *state, const struct kernel_wanted *wanted)
{
	struct state_hook *hook = &state->hooks.items[state->hooks.count - 1];
	cleanup_fd int replaced = -1;

	if (!hook->holders.count || !wanted->replaced_pin)
		return true;
	replaced = kernel_open_pin_of(wanted->replaced_pin, KERNEL_PROGRAM);
	hook->replaced = program_id(replaced);
	if (hook->replaced || replaced >= 0)
		return true;
	diag_add(kernel->diagnostics, DIAG_E0402, wanted->mark, "cannot open the program %s: %s",
		wanted->replaced_pin,
		replaced == -EINVAL ? "what is pinned there is no program"
				    : kernel_explain(kernel->arena, replaced));
	return false;
}

bool kernel_observe_wanted(
	struct kernel *kernel, struct state *state, const struct kernel_wanted *wanted)
{
	const char *name = state_attachment_name(kernel->arena, wanted->target, wanted->kind);
	const struct state_attachment *own = state_attachment_named(state, name);
	cleanup_fd int target = -1;
	uint64_t target_id;
	int error = 0;

	if (wanted->kind->on_cgroup && !kernel_find_cgroup(kernel, state, wanted->target))
		return false;
	target_id = state_target_id(state, wanted->target, wanted->kind);
	if (!target_id || (own && state_attachment_is_linked(own, target_id, wanted->flags)))
		return true;
	target = open_target(kernel, state, wanted);
	error = target < 0 ? target : look_at_hook(kernel, state, wanted, name, target);
	if (!error)
		return find_replaced(kernel, state, wanted);
	diag_add(kernel->diagnostics, DIAG_E0402, wanted->mark,
		"cannot look at what is attached to %s: %s",
		state_attachment_title(kernel->arena, wanted->target, wanted->kind),
		kernel_explain(kernel->arena, error));
	return false;
}
