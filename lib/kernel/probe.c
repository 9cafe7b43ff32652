/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/kernel/prober.h"

#include "lib/base/cleanup.h"

#include <string.h>
#include <sys/syscall.h>

/* Which others stand for it (bpf_capable, perfmon_capable, bpf_net_capable). */
bool prober_has(const struct prober *prober, unsigned int capability)
{
	uint64_t enough = NEEDS(capability);

	if (capability == CAP_BPF || capability == CAP_PERFMON || capability == CAP_NET_ADMIN)
		enough |= NEEDS(CAP_SYS_ADMIN);
	return prober->capabilities & enough;
}

static const char *missing_capabilities(const struct prober *prober, uint64_t needs)
{
	static const struct {
		unsigned int number;
		const char *name;
	} names[] = {
		{ CAP_BPF, "CAP_BPF" },
		{ CAP_NET_ADMIN, "CAP_NET_ADMIN" },
		{ CAP_PERFMON, "CAP_PERFMON" },
		{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" },
	};
	const char *missing = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (needs & NEEDS(names[i].number) && !prober_has(prober, names[i].number))
			missing = arena_printf(prober->arena, "%s%s%s", missing,
				*missing ? ", " : "", names[i].name);
	return missing;
}

bool kernel_is_no_answer(int error)
{
	static const int errors[] = { EPERM, EACCES, ENOMEM, ENOBUFS, EMFILE, ENFILE, EAGAIN, EINTR,
		EADDRNOTAVAIL, ENETUNREACH, ENETDOWN, ETIMEDOUT };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (error == -errors[i])
			return true;
	return false;
}

struct probe_feature *prober_answer(struct prober *prober, const struct probe_row *row, int answer)
{
	struct probe_feature *feature = vec_add(prober->arena, prober->features);
	const char *missing = "";

	*feature = (struct probe_feature){
		.group = row->group,
		.name = row->name,
		.needed_by = row->needed_by,
		.costs = row->costs,
		.state = answer >= 0                   ? PROBE_YES
			 : kernel_is_no_answer(answer) ? PROBE_UNKNOWN
						       : PROBE_NO,
	};
	if (answer >= 0)
		return feature;
	if (answer == -EPERM || answer == -EACCES)
		missing = missing_capabilities(prober, row->needs);
	feature->detail =
		*missing ? arena_printf(prober->arena, "needs %s", missing) : strerror(-answer);
	return feature;
}

void prober_ask(struct prober *prober, const struct probe_row *row)
{
	cleanup_fd int answer = row->ask(prober, row->of);

	prober_answer(prober, row, answer);
	/* 0 is no descriptor here, and those that are begin behind the standard streams. */
	if (answer == 0)
		answer = -1;
}

void prober_ask_all(struct prober *prober, const struct probe_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		prober_ask(prober, &rows[i]);
}

/* The verifier answers EAGAIN when a signal waits. Called directly, see kernel_create_map. */
int prober_load(struct prober *prober, const struct probe_program *program, bool log)
{
	union bpf_attr attr = {
		.prog_type = program->type,
		.insn_cnt = (uint32_t)program->count,
		.expected_attach_type = program->attach_type,
		.attach_btf_id = program->attach_btf_id,
	};
	long fd = -1;

	attr.insns = (uintptr_t)program->instructions;
	attr.license = (uintptr_t) "GPL";
	if (log) {
		attr.log_buf = (uintptr_t)prober->log;
		attr.log_size = PROBE_LOG_BYTES;
		attr.log_level = 1;
	}
	errno = EAGAIN;
	for (int attempt = 0; fd < 0 && errno == EAGAIN && attempt < 5; attempt++) {
		prober->log[0] = '\0';
		fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	}
	return fd >= 0 ? (int)fd : -errno;
}

int prober_load_code(struct prober *prober, const struct bpfasm_code *code, int map)
{
	size_t count = code->instructions.count;
	struct bpf_insn *copy = arena_alloc_array(prober->arena, count, sizeof(*copy));
	const struct probe_program program = { code->kind->type, copy, count, 0, 0 };

	memcpy(copy, code->instructions.items, count * sizeof(*copy));
	vec_each (relocation, &code->relocations)
		copy[relocation->instruction].imm = map;
	return prober_load(prober, &program, false);
}

int prober_make_map(const struct map_kind *kind)
{
	const struct kernel_map_request request = {
		.name = "sockform_probe",
		.type = kind->type,
		.key_size = kind->key_size ? kind->key_size : 4,
		.value_size = kind->value_size ? kind->value_size : 8,
		.max_entries = 1,
	};

	return kernel_create_map(&request);
}

static uint64_t read_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) != 0)
		return 0;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

void kernel_probe(const struct kernel *kernel, probe_features *ret)
{
	struct prober prober = {
		.arena = kernel->arena,
		.kernel = kernel,
		.capabilities = read_capabilities(),
		.log = arena_alloc(kernel->arena, PROBE_LOG_BYTES),
		.features = ret,
	};

	probe_process(&prober);
	probe_maps(&prober);
	probe_programs(&prober);
	probe_hooks(&prober);
	probe_helpers(&prober);
	probe_sockets(&prober);
}
