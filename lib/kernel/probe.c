/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/kernel/prober.h"

#include "lib/base/cleanup.h"
#include "lib/kernel/program.h"

#include <string.h>

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
		missing = privilege_missing(prober->arena, prober->capabilities, row->needs);
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

int prober_load(struct prober *prober, const struct probe_program *program, bool log)
{
	union bpf_attr attr = {
		.prog_type = program->type,
		.insn_cnt = (uint32_t)program->count,
	};

	attr.insns = (uintptr_t)program->instructions;
	attr.license = (uintptr_t) "GPL";
	if (log) {
		attr.log_buf = (uintptr_t)prober->log;
		attr.log_size = PROBE_LOG_BYTES;
		attr.log_level = 1;
	}
	prober->log[0] = '\0';
	return program_load(&attr);
}

int prober_load_code(struct prober *prober, const struct bpfasm_code *code, int map)
{
	const struct probe_program program = { code->kind->type,
		program_relocate(prober->arena, code, &map), code->instructions.count };

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

void kernel_probe(const struct kernel *kernel, probe_features *ret)
{
	struct prober prober = {
		.arena = kernel->arena,
		.kernel = kernel,
		.capabilities = privilege_read(),
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
