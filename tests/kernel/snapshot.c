/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "snapshot.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"

#define STABLE_MS 200
#define SETTLE_MS 3000
#define POLL_US 10000
#define KEY_MAX 256
#define TCP_ESTABLISHED 1

static void ids_print(FILE *out, const char *kind, int (*next_id)(__u32 start, __u32 *next))
{
	for (__u32 id = 0; !next_id(id, &id);)
		fprintf(out, "%s %u\n", kind, id);
}

static char *ids_read(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ids_print(out, "map", bpf_map_get_next_id);
	ids_print(out, "program", bpf_prog_get_next_id);
	ids_print(out, "link", bpf_link_get_next_id);
	fclose(out);
	return text;
}

char *snapshot_ids(void)
{
	int64_t end = client_now() + SETTLE_MS;
	int64_t since = client_now();
	char *ids = ids_read();

	while (client_now() < end && client_now() < since + STABLE_MS) {
		char *again;

		usleep(POLL_US);
		again = ids_read();
		if (strcmp(ids, again))
			since = client_now();
		free(ids);
		ids = again;
	}
	return ids;
}

char *snapshot_ids_differ(const char *before)
{
	for (int64_t until = client_now() + SETTLE_MS;;) {
		char *ids = ids_read();

		if (!strcmp(before, ids)) {
			free(ids);
			return NULL;
		}
		if (client_now() >= until)
			return ids;
		free(ids);
		usleep(POLL_US);
	}
}

size_t snapshot_count(const char *ids, const char *kind)
{
	size_t count = 0;

	for (; ids && *ids; ids = strchr(ids, '\n') + 1)
		count += !strncmp(ids, kind, strlen(kind)) && ids[strlen(kind)] == ' ';
	return count;
}

static void pin_print(FILE *out, const char *path)
{
	char target[4096] = "";
	struct stat stat;

	if (lstat(path, &stat))
		return;
	if (S_ISLNK(stat.st_mode) && readlink(path, target, sizeof(target) - 1) < 0)
		return;
	fprintf(out, "%s %ju %s\n", path, (uintmax_t)stat.st_ino, target);
}

static void pins_print(FILE *out, const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		char path[4096];

		/* What the lock waits at stays, once it is there. */
		if (strcmp(name, ".") && strcmp(name, "..") && strcmp(name, "+lock")) {
			snprintf(path, sizeof(path), "%s/%s", folder, name);
			pin_print(out, path);
			if (entries[i]->d_type == DT_DIR)
				pins_print(out, path);
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

char *snapshot_pins(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	pins_print(out, PINS);
	fclose(out);
	return text;
}

static void sockets_add(const char *path, uint16_t port, struct snapshot_sockets *ret)
{
	FILE *file = fopen(path, "re");
	unsigned int local, state;
	char line[512];
	uint64_t unread;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%" SCNx64, &local,
			    &state, &unread) != 3 ||
			local != port || state != TCP_ESTABLISHED)
			continue;
		ret->established++;
		ret->unread += unread;
	}
	if (file)
		fclose(file);
}

void snapshot_sockets(uint16_t port, struct snapshot_sockets *ret)
{
	*ret = (struct snapshot_sockets){ 0 };
	sockets_add("/proc/net/tcp", port, ret);
	sockets_add("/proc/net/tcp6", port, ret);
}

static void entry_print(FILE *out, int map, const uint8_t *key, size_t size)
{
	uint64_t cookie = 0;

	if (bpf_map_lookup_elem(map, key, &cookie) || !cookie)
		return;
	for (size_t i = 0; i < size; i++)
		fprintf(out, "%02x", key[i]);
	fprintf(out, " %" PRIu64 "\n", cookie);
}

static int line_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A hash gives its keys in no order that means anything. */
static char *lines_sort(char *text)
{
	size_t count = text_lines(text), used = 0;
	char **lines = calloc(count + 1, sizeof(*lines));
	char *sorted = calloc(1, strlen(text) + 2);
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		lines[used++] = line;
	qsort(lines, used, sizeof(*lines), line_compare);
	for (size_t i = 0, at = 0; i < used; i++)
		at += sprintf(sorted + at, "%s\n", lines[i]);
	free(lines);
	free(text);
	return sorted;
}

static char *entries_read(int map, size_t key_size)
{
	uint8_t keys[2][KEY_MAX], *key = keys[0], *next = keys[1], *previous = NULL;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	while (!bpf_map_get_next_key(map, previous, next)) {
		entry_print(out, map, next, key_size);
		previous = next;
		next = key;
		key = previous;
	}
	fclose(out);
	return lines_sort(text);
}

char *snapshot_map(const char *pin)
{
	struct bpf_map_info info = { 0 };
	__u32 length = sizeof(info);
	char *text = NULL;
	int map = bpf_obj_get(pin);

	if (map < 0)
		return NULL;
	if (!bpf_obj_get_info_by_fd(map, &info, &length) && info.key_size <= KEY_MAX)
		text = entries_read(map, info.key_size);
	close(map);
	return text;
}

ssize_t snapshot_entries(const char *pin)
{
	char *text = snapshot_map(pin);
	ssize_t count = text ? (ssize_t)text_lines(text) : -1;

	free(text);
	return count;
}
