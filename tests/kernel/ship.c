/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "ship.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A line of a shipped manifest: its name and its port are the test's. */
static void copy_line(FILE *out, const struct manifest *manifest, const char *line)
{
	const char *address = strstr(line, "127.0.0.1:70");

	if (strncmp(line, "name: ", 6) == 0)
		fprintf(out, "name: %s\n", manifest->name);
	else if (address && strstr(line, "accept:"))
		fprintf(out, "%.*s127.0.0.1:%u%s", (int)(address - line), line, manifest->port,
			address + strlen("127.0.0.1:7000"));
	else
		fputs(line, out);
}

void ship(struct manifest *ret, const char *name)
{
	const char *folder = getenv("MANIFESTS");
	char path[512], line[1024];
	FILE *in, *out;

	manifest_init(ret, name);
	snprintf(path, sizeof(path), "%s/%s.yaml", folder ? folder : "manifests", name);
	in = fopen(path, "re");
	out = fopen(ret->path, "we");
	cr_assert(in && out, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), in))
		copy_line(out, ret, line);
	fclose(in);
	cr_assert_eq(fclose(out), 0);
}

void ship_apply(const struct manifest *manifest, const char *setting)
{
	struct result result;

	if (setting)
		sockform(&result, "apply", "--set", setting, manifest->path);
	else
		sockform(&result, "apply", manifest->path);
	assert_code(&result, 0);
	/* Cases that share their maps do not use each of them. */
	cr_assert(!*result.err || strstr(result.err, "warning[W0603]"), "%s", result.err);
	cr_assert_null(strstr(result.err, "error["), "%s", result.err);
	result_finish(&result);
}

int ship_open(const struct manifest *manifest, const char *pin)
{
	int fd = bpf_obj_get(manifest_pin(manifest, pin));

	cr_assert_geq(fd, 0, "%s: %s", pin, strerror(errno));
	return fd;
}

static int open_map(const struct manifest *manifest, const char *map)
{
	char pin[128];

	snprintf(pin, sizeof(pin), "maps/%s", map);
	return ship_open(manifest, pin);
}

void ship_insert(const struct manifest *manifest, const char *map, const void *key, int fd)
{
	int map_fd = open_map(manifest, map);
	struct bpf_map_info info = { 0 };
	__u32 length = sizeof(info);
	uint64_t wide = (uint64_t)fd;
	uint32_t narrow = (uint32_t)fd;

	cr_assert_eq(bpf_obj_get_info_by_fd(map_fd, &info, &length), 0);
	cr_assert_eq(bpf_map_update_elem(
			     map_fd, key, info.value_size == 8 ? (void *)&wide : &narrow, BPF_ANY),
		0, "%s: %s", map, strerror(errno));
	close(map_fd);
}

void ship_insert_at(const struct manifest *manifest, const char *map, uint32_t index, int fd)
{
	ship_insert(manifest, map, &index, fd);
}

uint64_t ship_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	cr_assert_eq(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length), 0);
	return cookie;
}

struct ship_tuple ship_tuple(int fd)
{
	struct sockaddr_in local, remote;
	socklen_t length = sizeof(local);

	cr_assert_eq(getsockname(fd, (void *)&local, &length), 0);
	length = sizeof(remote);
	cr_assert_eq(getpeername(fd, (void *)&remote, &length), 0);
	return (struct ship_tuple){ local.sin_addr.s_addr, remote.sin_addr.s_addr, local.sin_port,
		remote.sin_port };
}

uint64_t ship_value(const struct manifest *manifest, const char *map, const void *key)
{
	int map_fd = open_map(manifest, map), count = 1;
	struct bpf_map_info info = { 0 };
	__u32 length = sizeof(info);
	uint64_t values[256] = { 0 }, sum = 0;

	cr_assert_eq(bpf_obj_get_info_by_fd(map_fd, &info, &length), 0);
	if (info.type == BPF_MAP_TYPE_PERCPU_ARRAY || info.type == BPF_MAP_TYPE_PERCPU_HASH)
		count = libbpf_num_possible_cpus();
	cr_assert(count > 0 && count <= 256);
	if (bpf_map_lookup_elem(map_fd, key, values) != 0)
		cr_assert_eq(errno, ENOENT, "%s: %s", map, strerror(errno));
	for (int i = 0; i < count; i++)
		sum += values[i];
	close(map_fd);
	return sum;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

uint64_t ship_runs(const struct manifest *manifest, const char *hook)
{
	DIR *folder = opendir(manifest_pin(manifest, "dispatchers"));
	struct bpf_prog_info info = { 0 };
	__u32 length = sizeof(info);
	struct dirent *entry;
	char pin[300] = "";
	int fd;

	/* What a tail call leads to is not counted: the dispatcher is. */
	cr_assert_not_null(folder);
	while ((entry = readdir(folder)))
		if (ends_with(entry->d_name, hook))
			snprintf(pin, sizeof(pin), "dispatchers/%s", entry->d_name);
	closedir(folder);
	fd = ship_open(manifest, pin);
	cr_assert_eq(bpf_obj_get_info_by_fd(fd, &info, &length), 0);
	close(fd);
	return info.run_cnt;
}

int ship_count_runs(void)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	cr_assert_geq(fd, 0, "stats: %s", strerror(errno));
	return fd;
}
