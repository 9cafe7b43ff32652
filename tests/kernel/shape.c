/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "shape.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

#define POLL_US 1000
#define PINS_MOST 128
#define DEPTH_MOST 4

enum kind { MAP, PROGRAM, LINK };

static const char *const kinds[] = { [MAP] = "map", [PROGRAM] = "prog", [LINK] = "link" };

struct pin {
	char *path; /* below sockform's folder */
	enum kind kind;
	uint32_t id;
	int fd;
};

struct reader {
	const struct shape_ground *ground;
	FILE *out, *exact;
	struct pin pins[PINS_MOST];
	size_t count;
};

/* The part of bpf_link_info behind its first 16 bytes: see lib/kernel/hook.c. */
struct link_info {
	uint32_t type, id, program, padding;
	union {
		struct {
			uint32_t id, attach_type;
		} map;
		struct {
			uint64_t id;
			uint32_t attach_type;
		} cgroup;
	};
	unsigned char rest[96];
};

static void get_info(int fd, void *info, __u32 size)
{
	cr_assert_eq(bpf_obj_get_info_by_fd(fd, info, &size), 0, "%s", strerror(errno));
}

static enum kind kind_of(int fd)
{
	char path[32], target[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cr_assert_gt(readlink(path, target, sizeof(target) - 1), 0);
	for (enum kind kind = MAP; kind <= LINK; kind++)
		if (strstr(target, kinds[kind]))
			return kind;
	cr_assert_fail("%s", target);
	return MAP;
}

/* The id is the second number of each kind's information. */
static uint32_t id_of(int fd)
{
	uint32_t info[64] = { 0 };

	get_info(fd, info, sizeof(info));
	return info[1];
}

static void add_pin(struct reader *reader, const char *path)
{
	struct pin *pin = &reader->pins[reader->count++];

	cr_assert_leq(reader->count, PINS_MOST);
	pin->fd = bpf_obj_get(path);
	cr_assert_geq(pin->fd, 0, "%s: %s", path, strerror(errno));
	pin->path = strdup(path + strlen(PINS "/"));
	pin->kind = kind_of(pin->fd);
	pin->id = id_of(pin->fd);
	if (pin->kind != LINK)
		fprintf(reader->exact, "%s: id %u\n", pin->path, pin->id);
}

static void read_folder(struct reader *reader, const char *folder, int depth);

/* Whether it is a pin's id: of the pin with the record's name in that folder. */
static bool is_pinned(const char *record, const char *folder, unsigned int id)
{
	const char *at = strstr(record, "/records/");
	char path[512];
	bool is;
	int fd;

	snprintf(path, sizeof(path), "%.*s/%s/%s", (int)(at - record), record, folder,
		at + strlen("/records/"));
	fd = bpf_obj_get(path);
	is = fd >= 0 && id_of(fd) == id;
	if (fd >= 0)
		close(fd);
	return is;
}

static void print_name(struct reader *reader, enum kind kind, uint32_t id);

/*
 * Ids are others each time: what counts is that those that are pinned are among them, be it as what a
 * change that did not come to its end was to take the place of, and what is said of those.
 */
static void describe_record(struct reader *reader, const char *path, const char *text)
{
	bool is_hook = strchr(strstr(path, "/records/"), ':');
	bool known = false, known_dispatcher = !is_hook;
	const char *folder = is_hook ? "slots" : strchr(path, '@') ? "programs" : "maps";

	for (const char *at = text; at; at = strchr(at, ';') ? strchr(at, ';') + 1 : NULL) {
		unsigned int id, dispatcher, attached;
		char key[64];

		if (sscanf(at, "%u %u %u %63[^;]", &id, &dispatcher, &attached, key) != 4) {
			fprintf(reader->out, "%s: no record, %s\n", path, text);
			return;
		}
		if (!known && is_pinned(path, folder, id)) {
			fprintf(reader->out, "%s: known, key %s\n", path, key);
			known = true;
		}
		if (!known_dispatcher && is_pinned(path, "dispatchers", dispatcher)) {
			fprintf(reader->out, "%s: dispatcher known, attached to", path);
			print_name(reader, MAP, attached);
			fputc('\n', reader->out);
			known_dispatcher = true;
		}
	}
}

static void print_text(struct reader *reader, const char *path)
{
	char target[256] = "";

	cr_assert_gt(readlink(path, target, sizeof(target) - 1), 0);
	fprintf(reader->exact, "%s: %s\n", path, target);
	if (strstr(path, "/records/"))
		describe_record(reader, path, target);
	else
		fprintf(reader->out, "%s: %s\n", path, target);
}

static void read_entry(struct reader *reader, const char *path, int type, int depth)
{
	const char *ignored = reader->ground->ignored;
	struct stat stat;

	if (ignored && strstr(path, ignored))
		return;
	cr_assert_eq(lstat(path, &stat), 0, "%s: %s", path, strerror(errno));
	fprintf(reader->out, "%s: mode %o, owner %u:%u\n", path, stat.st_mode, stat.st_uid,
		stat.st_gid);
	if (type == DT_REG)
		add_pin(reader, path);
	if (type == DT_LNK)
		print_text(reader, path);
	if (type == DT_DIR && depth < DEPTH_MOST)
		read_folder(reader, path, depth + 1);
}

static void read_folder(struct reader *reader, const char *folder, int depth)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", folder, name);
		if (strcmp(name, ".") && strcmp(name, ".."))
			read_entry(reader, path, entries[i]->d_type, depth);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

/* Where it is pinned; a program of none of these places by its name. */
static void print_name(struct reader *reader, enum kind kind, uint32_t id)
{
	bool found = false;

	for (size_t i = 0; i < reader->count; i++)
		if (reader->pins[i].kind == kind && reader->pins[i].id == id) {
			fprintf(reader->out, " %s", reader->pins[i].path);
			found = true;
		}
	if (!found)
		fprintf(reader->out, " %s",
			kind == PROGRAM && id == reader->ground->foreign ? "foreign"
			: id                                             ? "unknown"
									 : "none");
}

static void print_hook(struct reader *reader, int target, enum bpf_attach_type type)
{
	__u32 ids[16], count = 16, flags = 0;

	if (bpf_prog_query(target, type, 0, &flags, ids, &count))
		return; /* stream_verdict and skb_verdict exclude each other */
	for (__u32 i = 0; i < count; i++) {
		fprintf(reader->out, "  attach type %d:", type);
		print_name(reader, PROGRAM, ids[i]);
		fputc('\n', reader->out);
	}
}

static void print_hooks(struct reader *reader, int map)
{
	static const enum bpf_attach_type types[] = { BPF_SK_SKB_STREAM_PARSER,
		BPF_SK_SKB_STREAM_VERDICT, BPF_SK_SKB_VERDICT, BPF_SK_MSG_VERDICT };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		print_hook(reader, map, types[i]);
}

/* What was given at the beginning: counters change by themselves. */
static void print_entries(struct reader *reader, int map)
{
	uint64_t key = 0, value = 0;
	bool first = true;

	while (!bpf_map_get_next_key(map, first ? NULL : &key, &key)) {
		first = false;
		value = 0;
		cr_assert_eq(bpf_map_lookup_elem(map, &key, &value), 0);
		fprintf(reader->out, "  entry %ju: %ju\n", (uintmax_t)key, (uintmax_t)value);
	}
}

static void print_slot(struct reader *reader, int map)
{
	uint32_t zero = 0, program = 0;

	bpf_map_lookup_elem(map, &zero, &program);
	fprintf(reader->out, "  runs");
	print_name(reader, PROGRAM, program);
	fputc('\n', reader->out);
}

static void print_map(struct reader *reader, const struct pin *pin)
{
	struct bpf_map_info info = { 0 };

	get_info(pin->fd, &info, sizeof(info));
	fprintf(reader->out, "%s: map %s, type %u, %u/%u/%u\n", pin->path, info.name, info.type,
		info.key_size, info.value_size, info.max_entries);
	if (info.type == BPF_MAP_TYPE_PROG_ARRAY)
		print_slot(reader, pin->fd);
	if (info.type == BPF_MAP_TYPE_HASH && info.key_size == 8 && info.value_size == 8)
		print_entries(reader, pin->fd);
	if (info.type == BPF_MAP_TYPE_SOCKMAP || info.type == BPF_MAP_TYPE_SOCKHASH)
		print_hooks(reader, pin->fd);
}

static void print_program(struct reader *reader, const struct pin *pin)
{
	struct bpf_prog_info info = { 0 };
	uint32_t maps[16];

	info.nr_map_ids = 16;
	info.map_ids = (uintptr_t)maps;
	get_info(pin->fd, &info, sizeof(info));
	fprintf(reader->out, "%s: program %s, type %u, uses", pin->path, info.name, info.type);
	for (uint32_t i = 0; i < info.nr_map_ids; i++)
		print_name(reader, MAP, maps[i]);
	fputc('\n', reader->out);
}

static void print_cgroup(struct reader *reader, uint64_t id)
{
	struct stat stat;

	for (size_t i = 0; i < reader->ground->cgroup_count; i++) {
		cr_assert_eq(fstat(reader->ground->cgroups[i], &stat), 0);
		if (stat.st_ino == id)
			fprintf(reader->out, " cgroup %zu", i);
	}
}

static void print_link(struct reader *reader, const struct pin *pin)
{
	struct link_info info = { 0 };

	get_info(pin->fd, &info, sizeof(info));
	fprintf(reader->out, "%s: link of", pin->path);
	print_name(reader, PROGRAM, info.program);
	if (info.type == BPF_LINK_TYPE_CGROUP) {
		fprintf(reader->out, ", attach type %u of", info.cgroup.attach_type);
		print_cgroup(reader, info.cgroup.id);
	} else {
		fprintf(reader->out, ", attach type %u of", info.map.attach_type);
		print_name(reader, MAP, info.map.id);
	}
	fputc('\n', reader->out);
}

static void print_all(struct reader *reader)
{
	static void (*const print[])(struct reader * reader, const struct pin *pin) = {
		[MAP] = print_map,
		[PROGRAM] = print_program,
		[LINK] = print_link,
	};

	read_folder(reader, PINS, 0);
	for (size_t i = 0; i < reader->count; i++)
		print[reader->pins[i].kind](reader, &reader->pins[i]);
	for (size_t i = 0; i < reader->ground->cgroup_count; i++) {
		fprintf(reader->out, "cgroup %zu\n", i);
		print_hook(reader, reader->ground->cgroups[i], BPF_CGROUP_SOCK_OPS);
	}
}

void shape_read(const struct shape_ground *ground, struct shape *ret)
{
	struct reader reader = { .ground = ground };
	size_t size, exact_size;

	reader.out = open_memstream(&ret->text, &size);
	reader.exact = open_memstream(&ret->exact, &exact_size);
	print_all(&reader);
	for (size_t i = 0; i < reader.count; i++) {
		close(reader.pins[i].fd);
		free(reader.pins[i].path);
	}
	fclose(reader.out);
	fclose(reader.exact);
}

void shape_finish(struct shape *shape)
{
	free(shape->text);
	free(shape->exact);
	*shape = (struct shape){ 0 };
}

static const struct {
	int (*next)(__u32 start, __u32 *next);
	int (*open)(__u32 id);
} objects[] = {
	[MAP] = { bpf_map_get_next_id, bpf_map_get_fd_by_id },
	[PROGRAM] = { bpf_prog_get_next_id, bpf_prog_get_fd_by_id },
	[LINK] = { bpf_link_get_next_id, bpf_link_get_fd_by_id },
};

struct shape_counts shape_count(void)
{
	struct shape_counts counts = { 0 };

	for (enum kind kind = MAP; kind <= LINK; kind++)
		for (__u32 id = 0; !objects[kind].next(id, &id);)
			counts.of[kind]++;
	return counts;
}

bool shape_counts_settle(const struct shape_counts *counts, int deadline)
{
	for (int64_t until = client_now() + deadline;; usleep(POLL_US)) {
		const struct shape_counts now = shape_count();

		if (memcmp(&now, counts, sizeof(now)) == 0)
			return true;
		if (client_now() >= until)
			return false;
	}
}

static void print_object(FILE *out, enum kind kind, int fd)
{
	struct bpf_map_info map = { 0 };
	struct bpf_prog_info program = { 0 };

	if (kind == MAP)
		get_info(fd, &map, sizeof(map));
	if (kind == PROGRAM)
		get_info(fd, &program, sizeof(program));
	fprintf(out, "%s %u %s\n", kinds[kind], id_of(fd),
		kind == MAP       ? map.name
		: kind == PROGRAM ? program.name
				  : "");
}

char *shape_objects(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (enum kind kind = MAP; kind <= LINK; kind++)
		for (__u32 id = 0; !objects[kind].next(id, &id);) {
			int fd = objects[kind].open(id);

			if (fd < 0)
				continue;
			print_object(out, kind, fd);
			close(fd);
		}
	fclose(out);
	return text;
}

size_t shape_pins(const char *shape)
{
	return text_lines_with(shape, ": map ") + text_lines_with(shape, ": program ") +
	       text_lines_with(shape, ": link of");
}
