/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * System calls that fail, or at which the process is killed, below libbpf and libc's headers: linked
 * into a second build of the program (sockform-inject), whose calls the linker leads through the
 * functions here (--wrap). Nothing of this is in the program that is shipped.
 *
 *	SOCKFORM_INJECT=CLASS:NTH:WHAT[,...]   CLASS: bpf, fs, wait
 *	                                       WHAT: ENOMEM...  the call is not made and fails
 *	                                             before     killed before the call
 *	                                             after      killed right after it
 *	                                             stop       stopped before it (SIGSTOP)
 *	SOCKFORM_INJECT_TRACE=FILE             the calls that were made, one a line: "fs 70 unlink
 *	                                       /a/path", "bpf 51 28" with the number of its command;
 *	                                       then, where it has any, the path or what a descriptor is
 *	SOCKFORM_INJECT_OLDER=WHAT             the kernel lacks what older.h says
 *
 * With "+" behind NTH all later calls fail, too. Calls are counted from 1; "bpf" is bpf(), "fs" what
 * takes a path or changes a file system, and the locks; "wait" by what it waits for sockets: read() and
 * membarrier().
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "older.h"

enum call_class { BPF, FS, WAIT, CLASS_COUNT };

static const char *const class_names[CLASS_COUNT] = { [BPF] = "bpf", [FS] = "fs", [WAIT] = "wait" };

enum order_kind { FAIL, KILL_BEFORE, KILL_AFTER, STOP_BEFORE };

struct order {
	enum call_class class;
	enum order_kind kind;
	unsigned int nth;
	bool later; /* and all that come after it */
	int error;
};

static struct order orders[4];
static size_t order_count;
static unsigned int counts[CLASS_COUNT];
static const char *older; /* NULL */
static int trace = -1;
static bool is_on; /* before and after main() a sanitizer's runtime makes calls of its own */

static int error_named(const char *name)
{
	for (int error = 1; error < 134; error++)
		if (strerrorname_np(error) && strcmp(strerrorname_np(error), name) == 0)
			return error;
	abort();
}

static void parse_order(const char *text)
{
	struct order *order = &orders[order_count++];
	char class[8], what[24];

	if (order_count > sizeof(orders) / sizeof(orders[0]) ||
		(sscanf(text, "%7[a-z]:%u:%23[A-Za-z0-9]", class, &order->nth, what) != 3 &&
			sscanf(text, "%7[a-z]:%u+:%23[A-Za-z0-9]", class, &order->nth, what) != 3))
		abort();
	order->later = strchr(text, '+');
	for (enum call_class one = 0; one < CLASS_COUNT; one++)
		if (strcmp(class, class_names[one]) == 0)
			order->class = one;
	if (strcmp(what, "before") == 0)
		order->kind = KILL_BEFORE;
	else if (strcmp(what, "after") == 0)
		order->kind = KILL_AFTER;
	else if (strcmp(what, "stop") == 0)
		order->kind = STOP_BEFORE;
	else
		order->error = error_named(what);
}

int __real_open64(const char *path, int flags, ...);

static __attribute__((constructor)) void begin(void)
{
	const char *text = getenv("SOCKFORM_INJECT"), *path = getenv("SOCKFORM_INJECT_TRACE");
	char copy[256], *save = NULL;

	is_on = true;
	older = getenv("SOCKFORM_INJECT_OLDER");
	if (path)
		trace = __real_open64(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (!text)
		return;
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *one = strtok_r(copy, ",", &save); one; one = strtok_r(NULL, ",", &save))
		parse_order(one);
}

static __attribute__((destructor)) void end(void)
{
	is_on = false;
}

static bool is_meant(const struct order *order, enum call_class class, unsigned int nth)
{
	return order->class == class && (order->nth == nth || (order->later && order->nth < nth));
}

ssize_t __real_readlink(const char *path, char *buffer, size_t size);

/* What a call is about. */
struct subject {
	const char *path; /* NULL: a descriptor */
	int fd;           /* -1: none */
};

#define PATH(is) ((struct subject){ .path = (is), .fd = -1 })
#define FD(is) ((struct subject){ .fd = (is) })
#define NOTHING FD(-1)

static void write_call(enum call_class class, const char *name, struct subject subject)
{
	char link[32], path[160] = "";
	ssize_t length;

	if (subject.path) {
		snprintf(path, sizeof(path), "%s", subject.path);
	} else if (subject.fd >= 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", subject.fd);
		length = __real_readlink(link, path, sizeof(path) - 1);
		path[length > 0 ? length : 0] = '\0';
	}
	dprintf(trace, "%s %u %s %s\n", class_names[class], counts[class], name, path);
}

/* False where the call is to fail: with errno. `nth` is for leave(): one may make others. */
static bool enter(
	enum call_class class, const char *name, struct subject subject, unsigned int *nth)
{
	if (!is_on)
		return true;
	*nth = ++counts[class];
	if (trace >= 0)
		write_call(class, name, subject);
	for (size_t i = 0; i < order_count; i++) {
		if (!is_meant(&orders[i], class, *nth))
			continue;
		if (orders[i].kind == KILL_BEFORE)
			raise(SIGKILL);
		if (orders[i].kind == STOP_BEFORE)
			raise(SIGSTOP);
		errno = orders[i].error;
		if (orders[i].kind == FAIL)
			return false;
	}
	return true;
}

static void leave(enum call_class class, unsigned int nth)
{
	for (size_t i = 0; is_on && i < order_count; i++)
		if (orders[i].kind == KILL_AFTER && is_meant(&orders[i], class, nth))
			raise(SIGKILL);
}

/* A function that is led through here: `parameters` and `arguments` in brackets. */
#define WRAP(type, failed, name, subject, parameters, arguments)                                   \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		unsigned int nth = 0;                                                              \
		type result;                                                                       \
                                                                                                   \
		if (!enter(FS, #name, subject, &nth))                                              \
			return failed;                                                             \
		result = __real_##name arguments;                                                  \
		leave(FS, nth);                                                                    \
		return result;                                                                     \
	}

WRAP(int, -1, mkdir, PATH(path), (const char *path, mode_t mode), (path, mode))
WRAP(int, -1, mkdirat, PATH(path), (int at, const char *path, mode_t mode), (at, path, mode))
WRAP(int, -1, rmdir, PATH(path), (const char *path), (path))
WRAP(int, -1, unlink, PATH(path), (const char *path), (path))
WRAP(int, -1, unlinkat, PATH(path), (int at, const char *path, int flags), (at, path, flags))
WRAP(int, -1, rename, PATH(old), (const char *old, const char *new), (old, new))
WRAP(int, -1, renameat, PATH(old), (int from, const char *old, int to, const char *new),
	(from, old, to, new))
WRAP(int, -1, renameat2, PATH(old),
	(int from, const char *old, int to, const char *new, unsigned int flags),
	(from, old, to, new, flags))
WRAP(int, -1, symlink, PATH(path), (const char *target, const char *path), (target, path))
WRAP(int, -1, symlinkat, PATH(path), (const char *target, int at, const char *path),
	(target, at, path))
WRAP(ssize_t, -1, readlink, PATH(path), (const char *path, char *buffer, size_t size),
	(path, buffer, size))
WRAP(ssize_t, -1, readlinkat, PATH(path), (int at, const char *path, char *buffer, size_t size),
	(at, path, buffer, size))
WRAP(int, -1, stat64, PATH(path), (const char *path, void *ret), (path, ret))
WRAP(int, -1, lstat64, PATH(path), (const char *path, void *ret), (path, ret))
WRAP(int, -1, fstat64, FD(fd), (int fd, void *ret), (fd, ret))
WRAP(int, -1, fstatat64, PATH(path), (int at, const char *path, void *ret, int flags),
	(at, path, ret, flags))
WRAP(int, -1, statfs64, PATH(path), (const char *path, void *ret), (path, ret))
WRAP(int, -1, fstatfs64, FD(fd), (int fd, void *ret), (fd, ret))
WRAP(int, -1, access, PATH(path), (const char *path, int mode), (path, mode))
WRAP(int, -1, faccessat, PATH(path), (int at, const char *path, int mode, int flags),
	(at, path, mode, flags))
WRAP(int, -1, chmod, PATH(path), (const char *path, mode_t mode), (path, mode))
WRAP(int, -1, fchmod, FD(fd), (int fd, mode_t mode), (fd, mode))
WRAP(int, -1, fchmodat, PATH(path), (int at, const char *path, mode_t mode, int flags),
	(at, path, mode, flags))
WRAP(int, -1, flock, FD(fd), (int fd, int operation), (fd, operation))
WRAP(int, -1, mount, PATH(where),
	(const char *what, const char *where, const char *type, unsigned long flags,
		const void *data),
	(what, where, type, flags, data))
WRAP(FILE *, NULL, fopen64, PATH(path), (const char *path, const char *mode), (path, mode))
WRAP(FILE *, NULL, setmntent, PATH(path), (const char *path, const char *mode), (path, mode))
WRAP(DIR *, NULL, opendir, PATH(path), (const char *path), (path))
WRAP(DIR *, NULL, fdopendir, FD(fd), (int fd), (fd))
WRAP(void *, NULL, readdir64, FD(dirfd(folder)), (DIR * folder), (folder))

WRAP(int, -1, remove, PATH(path), (const char *path), (path))
WRAP(int, -1, nftw64, PATH(path), (const char *path, void *visit, int most, int flags),
	(path, visit, most, flags))
WRAP(int, -1, scandir64, PATH(path), (const char *path, void *ret, void *select, void *compare),
	(path, ret, select, compare))
WRAP(char *, NULL, realpath, PATH(path), (const char *path, char *ret), (path, ret))
WRAP(char *, NULL, __realpath_chk, PATH(path), (const char *path, char *ret, size_t size),
	(path, ret, size))

static mode_t mode_of(int flags, va_list more)
{
	return flags & O_CREAT ? va_arg(more, mode_t) : 0;
}

/* What opens: `parameters` and `arguments` up to the flags, without brackets. */
#define WRAP_OPEN(name, parameters, arguments)                                                     \
	int __real_##name(parameters, int flags, ...);                                             \
	int __wrap_##name(parameters, int flags, ...);                                             \
	int __wrap_##name(parameters, int flags, ...)                                              \
	{                                                                                          \
		unsigned int nth = 0;                                                              \
		va_list more;                                                                      \
		mode_t mode;                                                                       \
		int result;                                                                        \
                                                                                                   \
		va_start(more, flags);                                                             \
		mode = mode_of(flags, more);                                                       \
		va_end(more);                                                                      \
		if (!enter(FS, #name, PATH(path), &nth))                                           \
			return -1;                                                                 \
		result = __real_##name(arguments, flags, mode);                                    \
		leave(FS, nth);                                                                    \
		return result;                                                                     \
	}
#define COMMA ,

WRAP_OPEN(open, const char *path, path)
WRAP_OPEN(open64, const char *path, path)
WRAP_OPEN(openat64, int at COMMA const char *path, at COMMA path)

ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
	unsigned int nth = 0;
	ssize_t result;

	if (!enter(WAIT, "read", FD(fd), &nth))
		return -1;
	result = __real_read(fd, buffer, size);
	leave(WAIT, nth);
	return result;
}

/* A pin's path, or what is asked or changed, where that is what the command's arguments begin with. */
static struct subject subject_of(long command, const union bpf_attr *attr)
{
	switch (command) {
	case BPF_OBJ_PIN:
	case BPF_OBJ_GET:
		return PATH((const char *)(uintptr_t)attr->pathname);
	case BPF_OBJ_GET_INFO_BY_FD:
	case BPF_MAP_LOOKUP_ELEM:
	case BPF_MAP_UPDATE_ELEM:
	case BPF_MAP_DELETE_ELEM:
	case BPF_MAP_GET_NEXT_KEY:
	case BPF_PROG_QUERY:
	case BPF_LINK_DETACH:
		return FD((int)attr->map_fd);
	default:
		return NOTHING;
	}
}

/* Of the calls that have no function of their own these two are counted. */
static bool enter_call(long number, const long *a, unsigned int *nth)
{
	char command[24];

	snprintf(command, sizeof(command), "%ld", a[0]);
	return number == SYS_bpf ? enter(BPF, command, subject_of(a[0], (const void *)a[1]), nth)
	       : number == SYS_membarrier ? enter(WAIT, "membarrier", NOTHING, nth)
					  : true;
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	unsigned int nth = 0;
	long a[6], result;
	va_list more;

	va_start(more, number);
	for (size_t i = 0; i < 6; i++)
		a[i] = va_arg(more, long);
	va_end(more);
	if (!enter_call(number, a, &nth))
		return -1;
	if (number == SYS_bpf && older_refuses(older, (int)a[0], (const void *)a[1])) {
		errno = EINVAL;
		result = -1;
	} else {
		result = __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	if (number == SYS_bpf || number == SYS_membarrier)
		leave(number == SYS_bpf ? BPF : WAIT, nth);
	return result;
}
