/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Probes of what this process may do, and of the file systems that it finds. */
#include "lib/kernel/prober.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GROUP "privilege"
#define FILES "file systems"
#define NO_COMMAND 0x7fffffff /* a command of bpf() that there is not */

/* EINVAL is the kernel's answer to what it does not know; a seccomp filter may answer EPERM. */
static int ask_bpf(struct prober *prober, const void *of)
{
	union bpf_attr attr = { 0 };

	(void)prober;
	(void)of;
	syscall(SYS_bpf, NO_COMMAND, &attr, sizeof(attr));
	return errno == EINVAL ? 0 : -errno;
}

static void probe_capability(
	struct prober *prober, const struct probe_row *row, unsigned int number)
{
	struct probe_feature *feature = prober_answer(prober, row, 0);

	if (!privilege_has(prober->capabilities, number))
		feature->state = PROBE_NO;
	else if (!(prober->capabilities & NEEDS(number)))
		feature->detail = "by CAP_SYS_ADMIN";
}

static void probe_capabilities(struct prober *prober)
{
	static const struct {
		unsigned int number;
		struct probe_row row;
	} capabilities[] = {
		{ CAP_BPF, { GROUP, "CAP_BPF", "maps and programs", "nothing can be deployed" } },
		{ CAP_NET_ADMIN, { GROUP, "CAP_NET_ADMIN", "maps of sockets, programs, attaching",
					 "nothing can be deployed" } },
		{ CAP_PERFMON, { GROUP, "CAP_PERFMON", "the block trace, looking into queues",
				       "the verifier refuses bpf_trace_printk" } },
		{ CAP_SYS_ADMIN,
			{ GROUP, "CAP_SYS_ADMIN", "mounting bpffs, opening by id",
				"bpffs has to be mounted; what others made is not opened by id" } },
		{ CAP_SYS_PTRACE,
			{ GROUP, "CAP_SYS_PTRACE", "sockets of other users' processes",
				"only sockets of one's own processes can be taken into maps" } },
	};

	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
		probe_capability(prober, &capabilities[i].row, capabilities[i].number);
}

/* `error`: why it could not be looked for; 0. */
static void probe_mount(
	struct prober *prober, const struct probe_row *row, int error, const char *path)
{
	prober_answer(prober, row, error || path ? error : -ENOENT)->detail = path;
}

static const char *bpffs_path(const struct prober *prober)
{
	const char *root = prober->kernel->root;
	const char *end = root ? strrchr(root, '/') : NULL;

	return end ? arena_copy(prober->arena, root, (size_t)(end - root)) : NULL;
}

static void probe_file_systems(struct prober *prober)
{
	static const struct probe_row bpffs = { FILES, "bpffs", "everything that is deployed",
		"apply mounts it at /sys/fs/bpf, which needs CAP_SYS_ADMIN" };
	static const struct probe_row cgroup2 = { FILES, "cgroup2", "attach_type: sock_ops",
		"no sock_ops program can be attached" };
	const char *mount;
	int error = kernel_find_cgroup_mount(prober->arena, &mount);

	probe_mount(prober, &bpffs, 0, bpffs_path(prober));
	probe_mount(prober, &cgroup2, error, mount);
}

void probe_process(struct prober *prober)
{
	static const struct probe_row bpf = { GROUP, "bpf()", "everything but validate and build",
		"nothing can be deployed on this kernel", NEEDS(CAP_BPF), ask_bpf };

	prober_ask(prober, &bpf);
	probe_capabilities(prober);
	probe_file_systems(prober);
}
