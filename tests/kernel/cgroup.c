/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "cgroup.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "raw.h"

#define REMOVE_MS 2000
#define KEPT 16

static char made[KEPT][128];
static size_t made_count;

const char *cgroup_mount(void)
{
	static char path[256];
	struct mntent *entry;
	FILE *mounts;

	if (path[0])
		return path;
	mounts = setmntent("/proc/self/mounts", "re");
	while (!path[0] && mounts && (entry = getmntent(mounts)))
		if (!strcmp(entry->mnt_type, "cgroup2"))
			snprintf(path, sizeof(path), "%s", entry->mnt_dir);
	if (mounts)
		endmntent(mounts);
	if (!path[0])
		cr_skip_test("skipped: cgroup2 is not mounted");
	return path;
}

static const char *full_path(const char *path, const char *file)
{
	static char full[512];

	snprintf(full, sizeof(full), "%s%s%s", cgroup_mount(), path, file);
	return full;
}

static void remove_left(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "/%s", name);
	tree_remove(full_path(path, ""));
}

const char *cgroup_make(const char *name)
{
	char *path;

	if (!made_count)
		leftovers_each(cgroup_mount(), remove_left);
	path = made[made_count++];
	cr_assert(made_count <= KEPT);
	snprintf(path, sizeof(made[0]), "/" TEST_PREFIX "%s-%d", name, getpid());
	cr_assert_eq(mkdir(full_path(path, ""), 0755), 0, "%s: %s", path, strerror(errno));
	return path;
}

int cgroup_open(const char *path)
{
	int fd = open(full_path(path, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	cr_assert(fd >= 0, "%s: %s", path, strerror(errno));
	return fd;
}

static int enter(const char *path)
{
	int fd = open(
		full_path(strcmp(path, "/") ? path : "", "/cgroup.procs"), O_WRONLY | O_CLOEXEC);
	int error = fd >= 0 && dprintf(fd, "%d\n", getpid()) > 0 ? 0 : errno;

	if (fd >= 0)
		close(fd);
	return error;
}

void cgroup_enter(const char *path)
{
	int error = enter(path);

	cr_assert_eq(error, 0, "%s: %s", path, strerror(error));
}

static int remove_path(const char *path)
{
	for (int64_t until = client_now() + REMOVE_MS;; usleep(5000)) {
		if (!rmdir(full_path(path, "")) || errno == ENOENT)
			return 0;
		if (errno != EBUSY || client_now() >= until)
			return errno;
	}
}

void cgroup_remove(const char *path)
{
	int error = remove_path(path);

	cr_assert_eq(error, 0, "%s: %s", path, strerror(error));
}

/* Nothing is asserted here: this runs also where a test failed half-way. */
void cgroup_fini(void)
{
	if (made_count)
		enter("/");
	while (made_count)
		remove_path(made[--made_count]);
}

bool cgroup_has_preorder(void)
{
	int cgroup = cgroup_open(cgroup_make("order")), link;
	int ops = program_return(BPF_PROG_TYPE_SOCK_OPS, "ops", 1);
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = 1u << 6);

	link = bpf_link_create(ops, cgroup, BPF_CGROUP_SOCK_OPS, &options);
	cr_assert(link >= 0 || errno == EINVAL, "%s", strerror(errno));
	if (link >= 0)
		close(link);
	close(ops);
	close(cgroup);
	return link >= 0;
}

char *cgroup_shape(const char *path)
{
	int cgroup = path ? cgroup_open(path) : -1;
	const struct shape_ground ground = {
		.cgroups = &cgroup, .cgroup_count = path ? 1 : 0, .foreign = UINT32_MAX
	};
	struct shape shape;

	shape_read(&ground, &shape);
	free(shape.exact);
	if (cgroup >= 0)
		close(cgroup);
	return shape.text;
}

int program_return(enum bpf_prog_type type, const char *name, int verdict)
{
	const struct bpf_insn code[] = { MOV(BPF_REG_0, verdict), EXIT };
	int program = bpf_prog_load(type, name, "GPL", code, 2, NULL);

	cr_assert(program >= 0, "%s: %s", name, strerror(errno));
	return program;
}

uint32_t hook_program(int target, enum bpf_attach_type type)
{
	__u32 ids[8] = { 0 }, count = 8, flags = 0;

	cr_assert_eq(
		bpf_prog_query(target, type, 0, &flags, ids, &count), 0, "%s", strerror(errno));
	cr_assert(count <= 1, "%u programs", count);
	return count ? ids[0] : 0;
}
