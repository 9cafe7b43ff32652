/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/kernel/privilege.h"

#include "lib/kernel/kernel.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

uint64_t privilege_read(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) != 0)
		return UINT64_MAX;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

bool privilege_has(uint64_t capabilities, unsigned int capability)
{
	uint64_t enough = NEEDS(capability);

	if (capability == CAP_BPF || capability == CAP_PERFMON || capability == CAP_NET_ADMIN)
		enough |= NEEDS(CAP_SYS_ADMIN);
	return capabilities & enough;
}

const char *privilege_missing(struct arena *arena, uint64_t capabilities, uint64_t needs)
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
		if (needs & NEEDS(names[i].number) && !privilege_has(capabilities, names[i].number))
			missing = arena_printf(
				arena, "%s%s%s", missing, *missing ? " and " : "", names[i].name);
	return missing;
}

bool kernel_check_privilege(struct kernel *kernel, const char *verb)
{
	const char *missing = privilege_missing(kernel->arena, privilege_read(), NEEDS_MAPS);

	if (!*missing)
		return true;
	diag_add(kernel->diagnostics, DIAG_E0403, mark_none,
		"%s needs %s: run it as root, or grant that", verb, missing);
	return false;
}

bool kernel_is_no_answer(int error)
{
	static const int errors[] = { EPERM, EACCES, ENOMEM, ENOBUFS, EMFILE, ENFILE, EAGAIN, EINTR,
		EADDRNOTAVAIL, ENETUNREACH, ENETDOWN, EHOSTUNREACH, ECONNREFUSED, ETIMEDOUT };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (error == -errors[i])
			return true;
	return false;
}

const char *kernel_explain(struct arena *arena, int error)
{
	static const struct {
		int error;
		const char *meaning;
	} meanings[] = {
		{ EPERM, "of what others made it takes CAP_SYS_ADMIN; or the kernel is locked "
			 "down" },
		{ E2BIG, "more, or larger, than the kernel takes" },
		{ EBUSY, "another program holds this hook" },
		{ ENOMEM, "the kernel has no memory for it" },
		{ EMFILE, "more objects at once than this process may have files open: raise "
			  "ulimit -Hn" },
		{ ESTALE, "somebody else has changed it meanwhile" },
		{ EOPNOTSUPP, "this kernel does not offer it" },
	};
	const char *text = strerror(error < 0 ? -error : error);

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].error == (error < 0 ? -error : error))
			return arena_printf(arena, "%s (%s)", text, meanings[i].meaning);
	return text;
}
