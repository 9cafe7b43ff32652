/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The only room that talks to the kernel's BPF side: bpf(), bpffs, /proc. No other room includes a
 * libbpf header.
 *
 * Functions return 0 or a descriptor, or a negative errno, and leave it to the caller to say what
 * that means for the user; those that take a struct kernel and say so add the diagnostic
 * themselves.
 */
#pragma once

#include "lib/base/flags.h"
#include "lib/bpfasm/code.h"
#include "lib/state/state.h"

struct kernel {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const char *bpffs; /* where the user says that it is mounted; NULL: to be found */
	const char *
		root; /* "/sys/fs/bpf/sockform"; NULL: there is no bpffs, or nothing of ours in it */
	struct kernel_links *links; /* see kernel_query_hook; NULL: not read */
};

/* The folders of a deployment; the order is the one in which they are made. */
enum kernel_folder {
	FOLDER_RECORDS,
	FOLDER_MAPS,
	FOLDER_PROGRAMS,
	FOLDER_SLOTS,
	FOLDER_DISPATCHERS,
	FOLDER_LINKS,
	FOLDER_COUNT,
};

/* The symlinks of a deployment besides its records. */
enum kernel_text {
	TEXT_LAYOUT, /* the version of the tree */
	TEXT_SOURCE, /* the file or folder that it was applied from */
	TEXT_COUNT,
};

/* privilege.c */

/*
 * Whether this process may do what `verb` does. False with one diagnostic that names what is
 * missing. CAP_BPF covers bpf() itself, CAP_NET_ADMIN socket maps and SK_SKB programs
 * (kernel/bpf/syscall.c); CAP_SYS_ADMIN stands for both.
 */
bool kernel_check_privilege(struct kernel *kernel, const char *verb);

/* Of a negative errno: it says nothing of the kernel, but of the moment or of who asks. */
bool kernel_is_no_answer(int error);

/* bpffs.c: where the tree is, and what can be done in it */

/*
 * Finds bpffs, unless kernel->bpffs says where it is; with `make` mounts it at /sys/fs/bpf where there is none (as bpftool and iproute2
 * do) and makes the root folder. False with a diagnostic; without bpffs and `make`, true and root
 * NULL.
 */
bool kernel_open(struct kernel *kernel, bool make);

const char *kernel_deployment_path(const struct kernel *kernel, const char *deployment);
const char *kernel_path(const struct kernel *kernel, const char *deployment,
	enum kernel_folder folder, const char *file);
const char *kernel_folder_path(
	const struct kernel *kernel, const char *deployment, enum kernel_folder folder);

int kernel_make_folder(const char *path);   /* -EEXIST where it is there */
int kernel_remove_folder(const char *path); /* 0 also where it is not there */
int kernel_pin(int fd, const char *path);   /* -EEXIST where something is */
int kernel_unpin(const char *path);         /* 0 also where nothing is */
int kernel_open_pin(const char *path);      /* a descriptor */

/* A folder of pins that is open. */
struct kernel_pins {
	const char *path;
	int fd;
};

/* A descriptor of a pin in it. `flags`: BPF_F_RDONLY or 0; links answer -EINVAL to the former. */
int kernel_open_pin_in(
	struct arena *arena, const struct kernel_pins *folder, const char *name, uint32_t flags);

enum kernel_object {
	KERNEL_MAP,
	KERNEL_PROGRAM,
	KERNEL_LINK,
};

/* As the descriptor's name in /proc tells; where that cannot be read, it is taken on trust. */
bool kernel_is_kind(int fd, enum kernel_object kind);

/* A descriptor; -EINVAL where an object of another kind is pinned there. */
int kernel_open_pin_of(const char *path, enum kernel_object kind);

/*
 * Puts an object in the place of another in one step: there is no moment without a pin at `path`.
 * On the way it has the name with STATE_SPARE_SUFFIX behind it: -EEXIST where something has that.
 */
int kernel_pin_over(const struct kernel *kernel, int fd, const char *path);
/* The second half of that. What cannot be removed again where it fails is told. */
int kernel_replace(const struct kernel *kernel, const char *spare, const char *path);

const char *kernel_text_path(
	const struct kernel *kernel, const char *deployment, enum kernel_text text);

/* The inode of the deployment's folder, which no later one has; 0: there is none. */
uint64_t kernel_identify(const struct kernel *kernel, const char *deployment);

/* The deployments that have a folder, sorted. False with a diagnostic. */
typedef VEC(const char *) kernel_names;
bool kernel_list_deployments(struct kernel *kernel, kernel_names *ret);

/* folder.c: what stands in folders, and texts that are the targets of symlinks */

struct kernel_file {
	const char *name;
	bool is_symlink, is_folder;
};

typedef VEC(struct kernel_file) kernel_files;

/*
 * Opens a folder in which nobody but root and the user of this process can change anything, and which
 * is no symlink. *ret is -ENOENT where it does not exist. False with a diagnostic.
 */
bool kernel_open_folder(struct kernel *kernel, const char *path, int *ret);

/* What is in such a folder, sorted; nothing where it does not exist. False with a diagnostic. */
bool kernel_list_files(struct kernel *kernel, const char *path, kernel_files *ret);

/* Likewise of one that is open; `path` is told. */
bool kernel_list_open_folder(struct kernel *kernel, const char *path, int fd, kernel_files *ret);

/* An E0405; always false. */
bool kernel_cannot_read(struct kernel *kernel, const char *path, int error);

/* Whether that belongs into the folder of a deployment. */
bool kernel_is_ours(const struct kernel_file *file);

/* Whether a text of the deployment is called so that is put over another: the layout never is. */
bool kernel_is_replaced(const char *text);

/* The target of a symlink, NULL: there is none; 0 or a negative errno. */
int kernel_read_text(struct arena *arena, const char *path, const char **ret);
int kernel_read_text_in(
	struct arena *arena, const struct kernel_pins *folder, const char *name, const char **ret);

/*
 * Makes the symlink: -EEXIST where something is. With `replaces` puts it in the place of what is there
 * in one step, by way of a name as kernel_pin_over has. 0 or a negative errno.
 */
int kernel_write_text(
	const struct kernel *kernel, const char *path, const char *text, bool replaces);

/*
 * The error E0402 that tells of what a run that failed could not take back at `path`; `forced`: what does
 * has to be forced.
 */
void kernel_report_left(const struct kernel *kernel, const char *path, int error, bool forced);

/* Removes a file, or a folder with all that is in it; stays on its file system, follows no symlink. */
int kernel_remove_tree(const char *path);

/* lock.c */

/*
 * Locks the root folder, for writers alone or for readers together, waiting up to `seconds`. The
 * lock goes with the descriptor. A negative value with a diagnostic that names the holder; -1 and
 * no diagnostic where there is no root to lock: kernel->root is NULL from then on.
 */
int kernel_lock(struct kernel *kernel, bool exclusive, unsigned int seconds);

/* Whether SIGINT, SIGTERM or SIGHUP waits for a process that has it blocked. */
bool kernel_is_told_to_stop(void);

/* The folder in the root that is the gate of its lock, see lock.c; its name is no deployment's. */
const char *kernel_gate_path(const struct kernel *kernel);

/* object.c */

struct kernel_map_request {
	const char *name; /* at most KERNEL_NAME_MAX characters */
	uint32_t type, key_size, value_size, max_entries;
	uint32_t flags;
	uint32_t numa_node; /* with BPF_F_NUMA_NODE */
};

int kernel_create_map(const struct kernel_map_request *request);

/* entry.c */

struct kernel_entry {
	int map;
	const void *key, *value;
	uint32_t value_size;
	/* Of a map of values per processor: how many there can be. Each gets the value. */
	int processors;
	uint64_t flags; /* BPF_ANY, BPF_NOEXIST */
};

int kernel_write_entry(struct arena *arena, const struct kernel_entry *entry);

/* Whether the entry's key is in the map: 0, -ENOENT or another negative errno. */
int kernel_find_entry(struct arena *arena, const struct kernel_entry *entry);

int kernel_delete_entry(int map, const void *key); /* -ENOENT where there is none */

/* Processors that there can be (/sys/devices/system/cpu/possible); a negative errno. */
int kernel_possible_processors(void);

/* A program array of one element. */
int kernel_create_slot(void);

/* Element 0 of a slot; program -1 empties it. */
int kernel_write_slot(int slot, int program);

/* hook.c: where programs are attached, and what is there */

struct kernel_hook {
	int target; /* descriptor of a map or a cgroup */
	enum bpf_attach_type type;
	uint32_t flags; /* of the link, or of the attachment without one */
};

/*
 * Attaches by a link: its descriptor. -EOPNOTSUPP where the kernel has none for maps (before about 6.10),
 * -EBUSY (maps) or -EPERM (cgroups) where a program is there that shares with none. A program that was
 * attached to a map without a link the kernel would replace without a word (seen on 6.18), so the map is
 * asked first; before about 5.18 it cannot be asked.
 */
int kernel_attach_link(int program, const struct kernel_hook *hook);

/* Likewise, and without a link where there is none for maps: *link is its descriptor, or -1. */
int kernel_attach(int program, const struct kernel_hook *hook, int *link);

/* Only by a link, and without looking at what is there: -EINVAL where maps have none. */
int kernel_create_link(int program, const struct kernel_hook *hook);
int kernel_detach_link(int link);

/*
 * Without a link: BPF_PROG_ATTACH and BPF_PROG_DETACH. -ESTALE where the program is not on the hook:
 * of a cgroup that shares with none the kernel would take away whatever is there (__cgroup_bpf_detach).
 */
int kernel_attach_program(int program, const struct kernel_hook *hook);
int kernel_detach_program(int program, const struct kernel_hook *hook);

int kernel_open_link(uint32_t id); /* needs CAP_SYS_ADMIN */

/* The id of a map, a program or a link, or a negative errno. */
int64_t kernel_object_id(int fd);

/* A link of a map or of a cgroup. */
struct kernel_link {
	uint32_t id, program, type;
	uint64_t target; /* id of the map or the cgroup; 0: detached */
	bool on_cgroup;
};

/* -EINVAL for links of other kinds, and for what is none. */
int kernel_link_info(int fd, struct kernel_link *ret);

/*
 * Adds the programs that are on a hook to *ret; `target_id` is the target's. *shared: others may go
 * beside them. 0 or a negative errno, which is -EINVAL where the kernel cannot tell of maps (before about
 * 5.18). Which links there are is read with the first hook that has a program, for all that follow until
 * bpffs is opened again.
 */
int kernel_query_hook(struct kernel *kernel, const struct kernel_hook *hook, uint64_t target_id,
	state_holders *ret, bool *shared);

/*
 * Whether a program is on a map's hook: 1, 0, or a negative errno, -EINVAL where the kernel cannot tell.
 */
int kernel_is_on_hook(uint32_t program, const struct kernel_hook *hook);

/* What an attachment of a manifest is to hang on. */
struct kernel_wanted {
	const char *target;
	const struct attach_kind *kind;
	uint32_t flags;           /* of the link */
	const char *replaced_pin; /* of the program that is to be replaced; NULL */
	struct mark mark;         /* of what names it, or of the attachment */
};

/*
 * Looks at the target of an attachment that is to be made: adds its cgroup to the state, and what is
 * on its hook but the deployment's own link. False with a diagnostic.
 */
bool kernel_observe_wanted(
	struct kernel *kernel, struct state *state, const struct kernel_wanted *wanted);

/* cgroup.c */

/* The first cgroup2 in the mount table that can be reached, or NULL; 0 or a negative errno. */
int kernel_find_cgroup_mount(struct arena *arena, const char **ret);

/* A descriptor of the cgroup at a path below the mount; `mount` NULL: -ENOENT. */
int kernel_open_cgroup(const char *mount, const char *path);

/* The cgroup's id as links tell it: the inode of its folder (kernfs_id on 64-bit kernels). */
uint64_t kernel_cgroup_id(int cgroup);

/*
 * Adds the cgroup to those of the state, unless it is there; its id is 0 where it does not exist. False with
 * a diagnostic.
 */
bool kernel_find_cgroup(struct kernel *kernel, struct state *state, const char *path);

/* object.c again: what is there */

/* What the kernel says of a map; 0 or a negative errno, -EINVAL for what is none. */
int kernel_map_info(int fd, struct state_map *ret);

/* Likewise of a program. *info asks for what it has room for, as it does of the kernel. */
int kernel_program_info(int fd, struct bpf_prog_info *info);

/* By id; needs CAP_SYS_ADMIN. */
int kernel_open_program(uint32_t id);
int kernel_open_map(uint32_t id);

/*
 * Number of entries, by walking the keys; a negative errno. An array has all of them. A sockmap's
 * walk gives every index, filled or not, and only values of 8 bytes tell which: -ENOSPC for values
 * of 4.
 */
int64_t kernel_count_entries(int map, const struct state_map *info);

/* 0: no socket is in that map; 1: some are, or it cannot be told cheaply; or a negative errno. */
int kernel_may_have_sockets(int map, const struct state_map *info);

/*
 * Puts a socket into a map. `flags`: BPF_ANY, BPF_NOEXIST. The descriptor is written as wide as the
 * map's values are: with 8 bytes the kernel reads all of them, and garbage above an int is EINVAL.
 */
int kernel_insert_socket(int map, const void *key, int socket, uint32_t value_size, uint64_t flags);

/* queue.c: what waits inside sockets, and is lost when they leave their map */

struct kernel_queues {
	uint64_t sockets; /* in the map */
	uint64_t holding; /* of those: with something in a queue */
	uint64_t
		received; /* by those whose queue that goes through, in bytes, since each was made */
};

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

/*
 * A descriptor by which queues are read; needs CAP_PERFMON. -EOPNOTSUPP: the kernel has no BTF, or none
 * that tells of them. Reading the BTF takes tens of milliseconds.
 */
int kernel_open_queues(void);

/*
 * `most`: the map's max_entries. 0 or a negative errno, -EOVERFLOW where it gives more than that twice
 * over: it has a bucket of a hash that does not fit into one read.
 */
int kernel_read_queues(int queues, int map, uint32_t most, struct kernel_queues *ret);

/* Returns when no processor runs any more what it had begun to run before: a grace period of RCU. */
void kernel_wait_for_programs(void);

/* program.c: loading, with line info that points at the manifest */

struct kernel_btf;

/*
 * One BTF object for all programs of an apply: a function for each, and the manifest's lines. A negative
 * errno, and NULL, where the kernel takes none; programs then load without line info.
 */
int kernel_btf_create(struct arena *arena, const struct bpfasm_code *const *codes, size_t count,
	struct kernel_btf **ret);
void kernel_btf_destroy(struct kernel_btf *btf); /* takes NULL */

/*
 * Loads a program; `maps` are descriptors by the position that relocations name. `at` is the
 * program's position in the codes that `btf` (or NULL) was made from. Returns a descriptor, or a
 * negative errno with a diagnostic: for a rejection, the line, the block and the reason.
 */
int kernel_load_program(struct kernel *kernel, const struct bpfasm_code *code,
	const char *kernel_name, const int *maps, const struct kernel_btf *btf, size_t at);

/* verifier.c */

/*
 * The name of a dispatcher that is attached with these flags. The kernel does not tell the flags of a
 * link, so the name of what it runs does.
 */
const char *kernel_dispatcher_name(uint32_t flags);
uint32_t kernel_dispatcher_flags(const char *name);

/* Turns the verifier's log into the diagnostic at the manifest's line. */
void kernel_report_rejection(
	struct kernel *kernel, const struct bpfasm_code *code, int error, const char *log);

/* observe.c */

/*
 * Reads one deployment. False with a diagnostic. A deployment that is not there is a valid state.
 */
bool kernel_observe(struct kernel *kernel, const char *deployment, struct state *ret);

/* The same, and counts what is in each map, which takes a walk of it. */
bool kernel_observe_entries(struct kernel *kernel, const char *deployment, struct state *ret);

/* "Operation not permitted", and for what users meet often, what it means here. */
const char *kernel_explain(struct arena *arena, int error);
