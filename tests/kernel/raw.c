/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "raw.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "note.h"
#include "older.h"

void pair_open(struct pair *ret)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(listener, (void *)&address, length), 0);
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(getsockname(listener, (void *)&address, &length), 0);
	ret->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(ret->client, (void *)&address, length), 0);
	ret->server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	cr_assert(ret->server >= 0);
	close(listener);
}

static int listen_for(enum way way, struct sockaddr_storage *address, socklen_t *length)
{
	struct sockaddr_in *ip4 = (void *)address;
	struct sockaddr_in6 *ip6 = (void *)address;
	int fd = socket(way == IP4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int none = 0;

	memset(address, 0, sizeof(*address));
	*length = way == IP4 ? sizeof(*ip4) : sizeof(*ip6);
	if (way == IP4) {
		ip4->sin_family = AF_INET;
		ip4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else {
		ip6->sin6_family = AF_INET6;
		ip6->sin6_addr = way == IP6 ? in6addr_loopback : in6addr_any;
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &none, sizeof(none));
	}
	cr_assert_eq(bind(fd, (void *)address, *length), 0, "bind: %s", strerror(errno));
	cr_assert_eq(listen(fd, 1), 0);
	cr_assert_eq(getsockname(fd, (void *)address, length), 0);
	return fd;
}

void pair_over(enum way way, struct pair *ret)
{
	struct sockaddr_storage address;
	struct sockaddr_in ip4 = { .sin_family = AF_INET };
	socklen_t length;
	int listener = listen_for(way, &address, &length);

	ip4.sin_port = ((struct sockaddr_in *)&address)->sin_port;
	ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ret->client = socket(way == IP6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(ret->client, way == IP6 ? (void *)&address : (void *)&ip4,
			     way == IP6 ? length : sizeof(ip4)),
		0, "connect: %s", strerror(errno));
	ret->server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	cr_assert_geq(ret->server, 0);
	close(listener);
}

void pair_close(struct pair *pair)
{
	close(pair->client);
	close(pair->server);
}

void give(int fd, const char *words)
{
	cr_assert_eq(send(fd, words, strlen(words), MSG_NOSIGNAL), (ssize_t)strlen(words));
}

void assert_gets_within(int fd, const char *words, int wait)
{
	struct pollfd poll_one = { .fd = fd, .events = POLLIN };
	size_t length = 0;
	char buffer[256];

	while (length <= strlen(words) && poll(&poll_one, 1, wait) > 0) {
		ssize_t n = recv(fd, buffer + length, sizeof(buffer) - 1 - length, MSG_DONTWAIT);

		cr_assert(n > 0, "recv %zd: %s", n, strerror(errno));
		length += n;
		if (length == strlen(words))
			break;
	}
	buffer[length] = '\0';
	cr_assert_str_eq(buffer, words);
}

int map_make(enum bpf_map_type type, uint32_t value_size, uint32_t entries)
{
	int map = bpf_map_create(type, "facts", 4, value_size, entries, NULL);

	cr_assert(map >= 0, "map type %d: %s", type, strerror(errno));
	return map;
}

int sockmap_make(void)
{
	return map_make(BPF_MAP_TYPE_SOCKMAP, 8, 16);
}

int program_load(const struct bpf_insn *code, size_t count)
{
	int program = bpf_prog_load(BPF_PROG_TYPE_SK_SKB, "facts", "GPL", code, count, NULL);

	cr_assert(program >= 0, "load: %s", strerror(errno));
	return program;
}

int program_pass(void)
{
	return program_make(MOV(BPF_REG_0, SK_PASS), EXIT);
}

int program_echo(int map)
{
	return program_make(LD_MAP(BPF_REG_2, map), MOV(BPF_REG_3, 0), MOV(BPF_REG_4, 0),
		CALL(BPF_FUNC_sk_redirect_map), EXIT);
}

int program_dispatch(int slot)
{
	return program_make(LD_MAP(BPF_REG_2, slot), MOV(BPF_REG_3, 0), CALL(BPF_FUNC_tail_call),
		MOV(BPF_REG_0, SK_PASS), EXIT);
}

int program_parse_whole(void)
{
	return program_make(INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_0, BPF_REG_1, 0, 0), EXIT);
}

/* Of the program under test alone: what a test asks the kernel itself is answered. */
static bool is_kept_back(int command, const union bpf_attr *attr)
{
	return older_refuses(getenv("SOCKFORM_INJECT_OLDER"), command, attr);
}

bool has_queries(void)
{
	const union bpf_attr asks = { .query.attach_type = BPF_SK_SKB_STREAM_VERDICT };
	uint32_t programs[1], count = 1;
	int map, error;

	if (is_kept_back(BPF_PROG_QUERY, &asks))
		return false;
	map = sockmap_make();
	error = bpf_prog_query(map, BPF_SK_SKB_STREAM_VERDICT, 0, NULL, programs, &count);
	cr_assert(!error || errno == EINVAL, "query: %s", strerror(errno));
	close(map);
	return !error;
}

bool has_links(void)
{
	const union bpf_attr links = { .link_create.attach_type = BPF_SK_SKB_STREAM_VERDICT };
	int map, program, link;

	if (is_kept_back(BPF_LINK_CREATE, &links))
		return false;
	map = sockmap_make();
	program = program_pass();
	link = bpf_link_create(program, map, BPF_SK_SKB_STREAM_VERDICT, NULL);
	cr_assert(link >= 0 || errno == EINVAL, "link: %s", strerror(errno));
	if (link >= 0)
		close(link);
	close(program);
	close(map);
	return link >= 0;
}

void links_need(void)
{
	if (!has_links())
		cr_skip_test("skipped: " NO_LINKS);
}

void left_out(const char *row, const char *why)
{
	note("left out: %s: %s", row, why);
}

int hook_attach(int program, int map, enum bpf_attach_type type)
{
	int link = bpf_link_create(program, map, type, NULL);

	cr_assert(link >= 0 || errno == EINVAL, "link: %s", strerror(errno));
	if (link < 0)
		cr_assert_eq(bpf_prog_attach(program, map, type, 0), 0, "%s", strerror(errno));
	return link;
}

/* A 64-bit value wants the descriptor as 64 bits. */
int socket_insert(int map, uint32_t index, int fd)
{
	uint64_t value = fd;

	return bpf_map_update_elem(map, &index, &value, BPF_ANY);
}

uint32_t program_id(int program)
{
	struct bpf_prog_info info = { 0 };
	__u32 length = sizeof(info);

	cr_assert_eq(bpf_obj_get_info_by_fd(program, &info, &length), 0);
	return info.id;
}

uint32_t map_id(int map)
{
	struct bpf_map_info info = { 0 };
	__u32 length = sizeof(info);

	cr_assert_eq(bpf_obj_get_info_by_fd(map, &info, &length), 0);
	return info.id;
}
