/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Probes of map types, of program types, and of what is said of programs when they are loaded. */
#include "lib/kernel/prober.h"

#include "lib/base/cleanup.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <fcntl.h>
#include <string.h>

#define MAPS "maps"
#define PROGRAMS "programs"

static int ask_map(struct prober *prober, const void *of)
{
	(void)prober;
	return prober_make_map(of);
}

static int ask_slot(struct prober *prober, const void *of)
{
	(void)prober;
	(void)of;
	return kernel_create_slot();
}

/* Of an empty element: ENOENT by kernels that would give the cookie, EOPNOTSUPP by others. */
static int ask_cookies(struct prober *prober, const void *of)
{
	cleanup_fd int map = prober_make_map(map_kind_of(BPF_MAP_TYPE_SOCKMAP));
	const uint32_t index = 0;
	uint64_t cookie;

	(void)prober;
	(void)of;
	if (map < 0)
		return map;
	if (bpf_map_lookup_elem(map, &index, &cookie) == 0 || errno == ENOENT)
		return 0;
	return -errno;
}

void probe_maps(struct prober *prober)
{
	static const struct probe_row rest[] = {
		{ MAPS, "prog_array", "every attachment: its slot", "nothing can be attached",
			NEEDS(CAP_BPF), ask_slot },
		{ MAPS, "socket cookies read back", "status: the entries of a sockmap",
			"how many sockets are in a sockmap cannot be told", NEEDS_MAPS,
			ask_cookies },
	};
	size_t count;
	const struct map_kind *kinds = map_kinds(&count);

	for (size_t i = 0; i < count; i++) {
		const struct probe_row row = { MAPS, kinds[i].name,
			arena_printf(prober->arena, "type: %s", kinds[i].name),
			"a manifest with such a map is refused", NEEDS_MAPS, ask_map, &kinds[i] };

		prober_ask(prober, &row);
	}
	prober_ask_all(prober, rest, sizeof(rest) / sizeof(rest[0]));
}

/* The first attach type of a program type. */
static const struct attach_kind *attach_kind_for(enum bpf_prog_type type)
{
	size_t count;
	const struct attach_kind *kinds = attach_kinds(&count);

	for (size_t i = 0; i < count; i++)
		if (kinds[i].program_type == type)
			return &kinds[i];
	return NULL;
}

static int load_pass(struct prober *prober, enum bpf_prog_type type)
{
	return prober_load_code(prober, bpfasm_pass(prober->arena, attach_kind_for(type)), -1);
}

static int ask_program(struct prober *prober, const void *of)
{
	const struct program_kind *kind = of;

	return load_pass(prober, kind->type);
}

/* The dispatcher is loaded, and a program goes into its slot. */
static int ask_tail_call(struct prober *prober, const void *of)
{
	const struct program_kind *kind = of;
	cleanup_fd int slot = kernel_create_slot();
	cleanup_fd int dispatcher = -1, program = -1;

	if (slot < 0)
		return slot;
	dispatcher = prober_load_code(
		prober, bpfasm_dispatcher(prober->arena, attach_kind_for(kind->type)), slot);
	program = load_pass(prober, kind->type);
	if (dispatcher < 0 || program < 0)
		return dispatcher < 0 ? dispatcher : program;
	return kernel_write_slot(slot, program);
}

/* With it as apply has it, and not refused for it. */
static int ask_lines(struct prober *prober, const void *of)
{
	const struct bpfasm_code *code =
		bpfasm_pass(prober->arena, attach_kind_for(BPF_PROG_TYPE_SK_SKB));
	struct diagnostics unheard = { .arena = prober->arena };
	struct kernel kernel = { .arena = prober->arena, .diagnostics = &unheard };
	cleanup_fd int plain = load_pass(prober, BPF_PROG_TYPE_SK_SKB);
	struct kernel_btf *btf;
	int program, error;

	(void)of;
	if (plain < 0)
		return plain;
	error = kernel_btf_create(prober->arena, &code, 1, &btf);
	if (error)
		return error;
	program = kernel_load_program(&kernel, code, "sockform_probe", NULL, btf, 0);
	kernel_btf_destroy(btf);
	return program;
}

static int ask_kernel_btf(struct prober *prober, const void *of)
{
	int fd = open(KERNEL_BTF, O_RDONLY | O_CLOEXEC);

	(void)prober;
	(void)of;
	return fd >= 0 ? fd : -errno;
}

/* The very program that looks: it takes more than an iterator. */
static int ask_iterator(struct prober *prober, const void *of)
{
	(void)prober;
	(void)of;
	return kernel_open_queues();
}

void probe_programs(struct prober *prober)
{
	static const struct probe_row rest[] = {
		{ PROGRAMS, "line info (BTF)", "lines of the manifest in the log",
			"the verifier's log and bpftool show no lines of the manifest", NEEDS_MAPS,
			ask_lines },
		{ PROGRAMS, "the kernel's own BTF", "iterators",
			"no program can look into the kernel's sockets", 0, ask_kernel_btf },
		{ PROGRAMS, "iterators over maps of sockets", "looking into queues",
			"before sockets leave a map a fifth of a second is waited, blindly",
			NEEDS(CAP_BPF) | NEEDS(CAP_PERFMON), ask_iterator },
	};
	size_t count;
	const struct program_kind *kinds = program_kinds(&count);

	for (size_t i = 0; i < count; i++) {
		const struct probe_row program = { PROGRAMS, kinds[i].name,
			arena_printf(prober->arena, "type: %s", kinds[i].name),
			"a manifest with such a program is refused", NEEDS_MAPS, ask_program,
			&kinds[i] };
		const struct probe_row call = { PROGRAMS,
			arena_printf(prober->arena, "tail calls in %s", kinds[i].name),
			arena_printf(
				prober->arena, "attachments of %s: their slots", kinds[i].name),
			"such a program cannot be attached", NEEDS_MAPS, ask_tail_call, &kinds[i] };

		prober_ask(prober, &program);
		prober_ask(prober, &call);
	}
	prober_ask_all(prober, rest, sizeof(rest) / sizeof(rest[0]));
}
