/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/kernel/kernel.h"

#include "lib/base/cleanup.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* libbpf returns -1 or a negative errno by version and call; errno is right in both. */
static int result_of(int value)
{
	return value >= 0 ? value : -errno;
}

/*
 * Called directly: libbpf would first load two programs of its own to find out what the kernel
 * knows (seen with 1.1.2: names, memory accounting), a tenth of a whole apply.
 */
int kernel_create_map(const struct kernel_map_request *request)
{
	union bpf_attr attr = {
		.map_type = request->type,
		.key_size = request->key_size,
		.value_size = request->value_size,
		.max_entries = request->max_entries,
		.map_flags = request->flags,
		.numa_node = request->numa_node,
	};

	memcpy(attr.map_name, request->name, strnlen(request->name, KERNEL_NAME_MAX));
	return result_of((int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

int kernel_create_slot(void)
{
	const struct kernel_map_request request = {
		.name = "sockform_slot",
		.type = BPF_MAP_TYPE_PROG_ARRAY,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 1,
	};

	return kernel_create_map(&request);
}

int kernel_write_slot(int slot, int program)
{
	const uint32_t element = 0;

	if (program >= 0)
		return result_of(bpf_map_update_elem(slot, &element, &program, BPF_ANY));
	/* Emptying what is empty answers ENOENT. */
	if (bpf_map_delete_elem(slot, &element) != 0 && errno != ENOENT)
		return -errno;
	return 0;
}

int64_t kernel_object_id(int fd)
{
	/* What is told of maps, programs and links begins alike: their type, their id. */
	uint32_t info[2] = { 0 }, length = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, info, &length) == 0 ? (int64_t)info[1] : -errno;
}

/*
 * Objects of any kind are asked by the same call, and fill in what they have: a program would pass for
 * a map with its id. A program has its time of loading, which is never 0, where a map has the device
 * that it is on and the type that makes it a struct_ops, and no map of ours has either.
 */
static bool is_program_info(const void *info)
{
	uint64_t loaded;

	_Static_assert(
		offsetof(struct bpf_prog_info, load_time) == offsetof(struct bpf_map_info, ifindex),
		"one place in both");
	memcpy(&loaded, (const char *)info + offsetof(struct bpf_prog_info, load_time),
		sizeof(loaded));
	return loaded != 0;
}

int kernel_program_info(int fd, struct bpf_prog_info *info)
{
	uint32_t length = sizeof(*info);

	if (bpf_obj_get_info_by_fd(fd, info, &length) != 0)
		return -errno;
	return is_program_info(info) ? 0 : -EINVAL;
}

int kernel_map_info(int fd, struct state_map *ret)
{
	struct bpf_map_info info = { 0 };
	uint32_t length = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0)
		return -errno;
	if (is_program_info(&info))
		return -EINVAL;
	ret->id = info.id;
	ret->type = info.type;
	ret->key_size = info.key_size;
	ret->value_size = info.value_size;
	ret->max_entries = info.max_entries;
	ret->flags = info.map_flags;
	return 0;
}

bool kernel_is_kind(int fd, enum kernel_object kind)
{
	static const char *const kinds[] = {
		[KERNEL_MAP] = "map",
		[KERNEL_PROGRAM] = "prog",
		[KERNEL_LINK] = "link",
	};
	char path[32], target[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return true;
	target[length] = '\0';
	/* "anon_inode:bpf-map"; links are "bpf_link" on some kernels. */
	return strstr(target, kinds[kind]) != NULL;
}

int kernel_open_pin_of(const char *path, enum kernel_object kind)
{
	cleanup_fd int fd = kernel_open_pin(path);

	if (fd < 0)
		return fd;
	return kernel_is_kind(fd, kind) ? fd_steal(&fd) : -EINVAL;
}

int kernel_open_program(uint32_t id)
{
	return result_of(bpf_prog_get_fd_by_id(id));
}

int kernel_open_map(uint32_t id)
{
	return result_of(bpf_map_get_fd_by_id(id));
}

int64_t kernel_count_entries(int map, const struct state_map *info)
{
	const struct map_kind *kind = map_kind_of(info->type);
	bool every_index = info->type == BPF_MAP_TYPE_SOCKMAP;
	unsigned char keys[2][512];
	uint64_t walked = 0, cookie;
	int64_t count = 0;
	int at = 0;

	/* The elements of an array are always there. */
	if (kind && kind->fixed_key && !kind->holds_sockets)
		return info->max_entries;
	if (info->key_size > sizeof(keys[0]))
		return -E2BIG;
	if (every_index && info->value_size != sizeof(cookie))
		return -ENOSPC;
	/*
	 * A hash's walk starts over when the key it stands on goes: bounded, or it may never end.
	 */
	while (walked <= (uint64_t)info->max_entries * 2 &&
		bpf_map_get_next_key(map, walked ? keys[at] : NULL, keys[!at]) == 0) {
		at = !at;
		walked++;
		count += !every_index || bpf_map_lookup_elem(map, keys[at], &cookie) == 0;
	}
	if (walked <= info->max_entries && errno != ENOENT)
		return -errno;
	return count < info->max_entries ? count : info->max_entries;
}

/* More than that many indexes cost more to ask than what asks for this can save. */
#define INDEXES_MOST 1024

int kernel_may_have_sockets(int map, const struct state_map *info)
{
	const struct map_kind *kind = map_kind_of(info->type);
	unsigned char key[512];
	uint64_t cookie;

	/* Of other maps a value may be larger than what it is read into here. */
	if (!kind || !kind->holds_sockets)
		return 0;
	if (info->key_size > sizeof(key))
		return 1;
	if (info->type == BPF_MAP_TYPE_SOCKHASH)
		return bpf_map_get_next_key(map, NULL, key) == 0 ? 1 : errno == ENOENT ? 0 : -errno;
	if (info->value_size != sizeof(cookie) || info->max_entries > INDEXES_MOST)
		return 1;
	for (uint32_t i = 0; i < info->max_entries; i++) {
		if (bpf_map_lookup_elem(map, &i, &cookie) == 0)
			return 1;
		if (errno != ENOENT)
			return -errno;
	}
	return 0;
}

int kernel_insert_socket(int map, const void *key, int socket, uint32_t value_size, uint64_t flags)
{
	const uint64_t wide = (uint64_t)socket;
	const uint32_t narrow = (uint32_t)socket;

	return result_of(bpf_map_update_elem(
		map, key, value_size == 8 ? (const void *)&wide : &narrow, flags));
}
