/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/kernel/kernel.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool has_capability(const struct __user_cap_data_struct *data, unsigned int capability)
{
	return data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

bool kernel_check_privilege(struct kernel *kernel, const char *verb)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	static const struct {
		unsigned int number;
		const char *name;
	} needed[] = { { CAP_BPF, "CAP_BPF" }, { CAP_NET_ADMIN, "CAP_NET_ADMIN" } };
	const char *missing = "";

	if (syscall(SYS_capget, &header, data) != 0 || has_capability(data, CAP_SYS_ADMIN))
		return true;
	for (size_t i = 0; i < 2; i++)
		if (!has_capability(data, needed[i].number))
			missing = arena_printf(kernel->arena, "%s%s%s", missing,
				*missing ? " and " : "", needed[i].name);
	if (!*missing)
		return true;
	diag_add(kernel->diagnostics, DIAG_E0403, mark_none,
		"%s needs %s: run it as root, or grant that", verb, missing);
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
