/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Probes of hooks. Programs are attached to maps of the probe's own; no program is ever attached to a
 * cgroup, where it would run for others' sockets: there the kernel is asked with no cgroup at all, and
 * says EBADF when it has come as far as looking for one.
 */
#include "lib/kernel/prober.h"

#include "lib/base/cleanup.h"

#include <bpf/bpf.h>
#include <errno.h>

#define GROUP "attaching"
#define NO_CGROUP (-1)

/* A pass program and what to attach it to. */
struct subject {
	int program;
	struct kernel_hook hook; /* of a map of its own, or of no cgroup */
};

static void subject_finish(struct subject *subject)
{
	subject->program = fd_close(subject->program);
	subject->hook.target = fd_close(subject->hook.target);
}

static int subject_init(
	struct subject *subject, struct prober *prober, const struct attach_kind *kind)
{
	*subject = (struct subject){ -1, { NO_CGROUP, kind->type, 0 } };
	subject->program = prober_load_code(prober, bpfasm_pass(prober->arena, kind), -1);
	if (subject->program < 0)
		return subject->program;
	if (kind->on_cgroup)
		return 0;
	subject->hook.target = prober_make_map(map_kind_of(BPF_MAP_TYPE_SOCKMAP));
	return subject->hook.target < 0 ? subject->hook.target : 0;
}

static int ask_hook(struct prober *prober, const struct attach_kind *kind,
	int (*ask)(const struct subject *subject))
{
	cleanup(subject_finish) struct subject subject;
	int answer = subject_init(&subject, prober, kind);

	if (!answer)
		answer = ask(&subject);
	return kind->on_cgroup && answer == -EBADF ? 0 : answer;
}

static int attach(const struct subject *subject)
{
	int answer = kernel_attach_program(subject->program, &subject->hook);

	if (!answer)
		kernel_detach_program(subject->program, &subject->hook);
	return answer;
}

static int link_to(const struct subject *subject)
{
	return kernel_create_link(subject->program, &subject->hook);
}

static int query(const struct subject *subject)
{
	uint32_t programs[1], count = 1, flags;

	if (bpf_prog_query(subject->hook.target, subject->hook.type, 0, &flags, programs, &count))
		return -errno;
	return 0;
}

static int ask_attach(struct prober *prober, const void *of)
{
	return ask_hook(prober, of, attach);
}

static int ask_link(struct prober *prober, const void *of)
{
	return ask_hook(prober, of, link_to);
}

static int ask_query(struct prober *prober, const void *of)
{
	return ask_hook(prober, of, query);
}

static void probe_ways(struct prober *prober)
{
	const struct attach_kind *on_map = attach_kind_named("stream_verdict");
	const struct attach_kind *on_cgroup = attach_kind_named("sock_ops");
	const struct probe_row rows[] = {
		{ GROUP, "links for maps", "attachments to maps",
			"programs are attached with BPF_PROG_ATTACH, which others can replace",
			NEEDS_MAPS, ask_link, on_map },
		{ GROUP, "links for cgroups", "attachments to cgroups",
			"sock_ops programs cannot be attached", NEEDS_MAPS, ask_link, on_cgroup },
		{ GROUP, "queries of maps", "finding others' programs",
			"a foreign program on a map's hook is not seen, and may be replaced",
			NEEDS_MAPS, ask_query, on_map },
		{ GROUP, "queries of cgroups", "finding others' programs",
			"a foreign program on a cgroup is not seen", NEEDS_MAPS, ask_query,
			on_cgroup },
	};

	prober_ask_all(prober, rows, sizeof(rows) / sizeof(rows[0]));
}

void probe_hooks(struct prober *prober)
{
	size_t count;
	const struct attach_kind *kinds = attach_kinds(&count);

	for (size_t i = 0; i < count; i++) {
		const struct probe_row row = { GROUP, kinds[i].name,
			arena_printf(prober->arena, "attach_type: %s", kinds[i].name),
			"a manifest with such an attachment is refused", NEEDS_MAPS, ask_attach,
			&kinds[i] };

		prober_ask(prober, &row);
	}
	probe_ways(prober);
}
