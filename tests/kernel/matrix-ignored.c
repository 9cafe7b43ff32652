/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "matrix-ignored.h"

#include <fnmatch.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "note.h"

#define COMMAND(is) .class = BPF, .command = (is), .name = #is

#define MANIFEST "*.yaml"
#define CGROUP "/sys/fs/cgroup*" /* cgroup2 is mounted there or below */
#define A_LINK "*bpf?link"
#define A_MAP "*bpf?map"
#define A_PROGRAM "*bpf?prog"

static const struct ignored {
	enum class class;
	int command; /* of bpf() */
	const char *name;
	const char *about; /* pattern of what it is about; NULL: whatever */
	const char *error; /* pattern of it; NULL: whatever */
	bool waits;        /* only where sockets are waited for */
	bool older;        /* only where maps have no links */
	bool full;         /* only where all scenes wait */
} list[] = {
	/* How large it is saves reallocations; which file, that one is read twice. */
	{ FS, .name = "fstat64", .about = MANIFEST },
	{ FS, .name = "stat64", .about = MANIFEST },
	/* Then the mount table tells where a bpffs is. */
	{ FS, .name = "statfs64", .about = "/sys/fs/bpf" },
	/* A lock that was interrupted, or that somebody has, is asked for again: EINTR, EAGAIN. */
	{ FS, .name = "flock", .about = "*/sockform", .error = "E[IA]*" },
	{ FS, .name = "flock", .about = "*/sockform/+lock", .error = "E[IA]*" },
	/* The hook of a cgroup is shared: who else is on it is only told. */
	{ FS, .name = "openat64", .about = CGROUP },
	{ FS, .name = "fstatfs64", .about = CGROUP },
	{ COMMAND(BPF_PROG_QUERY), .about = CGROUP },
	/* Likewise the names of those that are on hooks, for which all links are looked through. */
	{ COMMAND(BPF_LINK_GET_NEXT_ID) },
	{ COMMAND(BPF_LINK_GET_FD_BY_ID) },
	{ COMMAND(BPF_OBJ_GET_INFO_BY_FD), .about = A_LINK },
	{ COMMAND(BPF_PROG_GET_FD_BY_ID) },
	{ COMMAND(BPF_OBJ_GET_INFO_BY_FD), .about = A_PROGRAM },
	/* How many sockets go with a map is only told: --replace allows it. */
	{ COMMAND(BPF_OBJ_GET), .about = "*/maps/moved" },
	{ COMMAND(BPF_MAP_GET_NEXT_KEY), .about = A_MAP },
	{ COMMAND(BPF_MAP_LOOKUP_ELEM), .about = A_MAP },
	/* Names of types are for who looks on. */
	{ COMMAND(BPF_BTF_LOAD) },
	/* Loaded again, for the verifier's log; or libbpf tries what the kernel knows. */
	{ COMMAND(BPF_PROG_LOAD) },
	/* Tried once more. */
	{ COMMAND(BPF_LINK_DETACH), .about = A_LINK },
	{ COMMAND(BPF_PROG_DETACH), .older = true },
	{ COMMAND(BPF_PROG_QUERY), .about = A_MAP, .older = true },
	/* What cannot be seen is waited for until the time is over, which is said (W0612). */
	{ COMMAND(BPF_OBJ_GET), .about = "*/maps/*", .waits = true, .full = true },
	{ WAIT, .name = "membarrier", .waits = true },
	{ WAIT, .name = "read", .waits = true },
	{ FS, .name = "faccessat", .about = "/sys/kernel/btf/*", .waits = true },
	{ FS, .name = "fopen64", .about = "/sys/kernel/btf/*", .waits = true },
	{ COMMAND(BPF_LINK_CREATE), .waits = true },
	{ COMMAND(BPF_ITER_CREATE), .waits = true },
};
#define LIST_LENGTH (sizeof(list) / sizeof(list[0]))
_Static_assert(LIST_LENGTH <= IGNORED_MOST, "counts for each");

static bool is_that(const struct ignored *ignored, const struct call *call, const char *error)
{
	bool same = call->class == BPF ? ignored->command == atoi(call->name)
				       : strcmp(ignored->name, call->name) == 0;

	return ignored->class == call->class && same &&
	       (!ignored->about || fnmatch(ignored->about, call->about, 0) == 0) &&
	       (!ignored->error || fnmatch(ignored->error, error, 0) == 0);
}

bool ignored_count(
	const struct call *call, const char *error, bool waits, struct ignored_counts *counts)
{
	for (size_t i = 0; i < LIST_LENGTH; i++)
		if (is_that(&list[i], call, error) && (waits || !list[i].waits)) {
			counts->of[i]++;
			return true;
		}
	return false;
}

void ignored_note(const struct ignored_counts *counts, bool all)
{
	unsigned int sum = 0;
	size_t kinds = 0;

	for (size_t i = 0; i < LIST_LENGTH; i++) {
		sum += counts->of[i];
		kinds += counts->of[i] != 0;
		cr_expect(counts->of[i] || !all || list[i].older || list[i].full,
			"no run goes on after an error at %s of %s", list[i].name,
			list[i].about ? list[i].about : "anything");
	}
	note("%u errors, at %zu kinds of calls, that need not end a run", sum, kinds);
}

bool call_reads_manifest(const struct call *call)
{
	return call->class == FS && fnmatch(MANIFEST, call->about, 0) == 0;
}
