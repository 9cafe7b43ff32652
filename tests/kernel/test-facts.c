/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What this project relies on the kernel to do, by raw bpf() calls and without the program: when
 * one of these fails, a kernel has changed and the design has to be looked at, not the code.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "raw.h"

#define PARSER BPF_SK_SKB_STREAM_PARSER
#define VERDICT BPF_SK_SKB_STREAM_VERDICT

TestSuite(facts, .init = harness_init, .fini = harness_fini, .timeout = 60);

/* bpffs where it belongs, and a folder of this test's own in it. */
static void bpffs_folder(char *path, size_t size)
{
	snprintf(path, size, "%s", loose_pin("facts"));
	if (!mkdir(path, 0700))
		return;
	/* What lies there without bpffs is sysfs, which takes no folders. */
	cr_assert_eq(
		mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL), 0, "%s: %s", path, strerror(errno));
	cr_assert_eq(mkdir(path, 0700), 0, "%s: %s", path, strerror(errno));
}

Test(facts, link_update_does_not_reach_sockets_in_the_map)
{
	int map = sockmap_make(), link;
	struct pair old, new;

	links_need();
	link = hook_attach(program_pass(), map, VERDICT);
	pair_open(&old);
	cr_assert_eq(socket_insert(map, 0, old.server), 0);
	give(old.client, "a");
	assert_gets(old.server, "a");

	cr_assert_eq(bpf_link_update(link, program_echo(map), NULL), 0);
	give(old.client, "b");
	assert_gets(old.server, "b");
	assert_gets_nothing(old.client);

	/* The new program is there all right: a socket that comes now runs it. */
	pair_open(&new);
	cr_assert_eq(socket_insert(map, 1, new.server), 0);
	give(new.client, "c");
	assert_gets(old.client, "c");
	pair_close(&old);
	pair_close(&new);
}

Test(facts, slot_write_reaches_sockets_in_the_map)
{
	int map = sockmap_make();
	int slot = map_make(BPF_MAP_TYPE_PROG_ARRAY, 4, 1);
	int echo = program_echo(map), pass = program_pass();
	uint32_t zero = 0;
	struct pair pair;

	hook_attach(program_dispatch(slot), map, VERDICT);
	pair_open(&pair);
	cr_assert_eq(socket_insert(map, 0, pair.server), 0);
	give(pair.client, "empty");
	assert_gets(pair.server, "empty");

	cr_assert_eq(bpf_map_update_elem(slot, &zero, &echo, BPF_ANY), 0);
	give(pair.client, "echo");
	assert_gets(pair.client, "echo");

	cr_assert_eq(bpf_map_update_elem(slot, &zero, &pass, BPF_ANY), 0);
	give(pair.client, "pass");
	assert_gets(pair.server, "pass");
	assert_gets_nothing(pair.client);

	cr_assert_eq(bpf_map_update_elem(slot, &zero, &echo, BPF_ANY), 0);
	cr_assert_eq(bpf_map_delete_elem(slot, &zero), 0);
	give(pair.client, "emptied");
	assert_gets(pair.server, "emptied");
	pair_close(&pair);
}

Test(facts, reinsertion_is_busy)
{
	int map = sockmap_make();
	struct pair pair;

	hook_attach(program_pass(), map, VERDICT);
	pair_open(&pair);
	cr_assert_eq(socket_insert(map, 0, pair.server), 0);
	cr_assert_eq(socket_insert(map, 0, pair.server), -EBUSY);
	cr_assert_eq(socket_insert(map, 1, pair.server), -EBUSY, "under a second key too");
	pair_close(&pair);
}

/* Bytes that came before the socket entered the map, with the hooks that `attach` makes. */
static void queued_data(void (*attach)(int map))
{
	int map = sockmap_make();
	int one = 1;
	struct pair pair;

	attach(map);
	pair_open(&pair);
	give(pair.client, "early");
	usleep(50000);
	cr_assert_eq(socket_insert(map, 0, pair.server), 0);
	assert_gets_nothing(pair.client);
	cr_assert_eq(setsockopt(pair.server, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one)), 0);
	assert_gets(pair.client, "early");
	give(pair.client, "late");
	assert_gets(pair.client, "late");
	pair_close(&pair);
}

static void attach_parser(int map)
{
	hook_attach(program_parse_whole(), map, PARSER);
	hook_attach(program_echo(map), map, VERDICT);
}

static void attach_verdict(int map)
{
	hook_attach(program_echo(map), map, VERDICT);
}

static void attach_skb_verdict(int map)
{
	hook_attach(program_echo(map), map, BPF_SK_SKB_VERDICT);
}

Test(facts, queued_data_waits_for_rcvlowat_behind_a_parser)
{
	queued_data(attach_parser);
}

Test(facts, queued_data_waits_for_rcvlowat_behind_a_stream_verdict)
{
	queued_data(attach_verdict);
}

Test(facts, queued_data_waits_for_rcvlowat_behind_an_skb_verdict)
{
	queued_data(attach_skb_verdict);
}

Test(facts, eight_byte_values_show_the_cookie)
{
	int wide = map_make(BPF_MAP_TYPE_SOCKMAP, 8, 1);
	int narrow = map_make(BPF_MAP_TYPE_SOCKMAP, 4, 1);
	uint64_t cookie = 0, seen = 0;
	socklen_t length = sizeof(cookie);
	uint32_t zero = 0;
	struct pair pair, other;

	pair_open(&pair);
	pair_open(&other);
	cr_assert_eq(socket_insert(wide, 0, pair.server), 0);
	cr_assert_eq(bpf_map_update_elem(narrow, &zero, &other.server, BPF_ANY), 0);
	cr_assert_eq(getsockopt(pair.server, SOL_SOCKET, SO_COOKIE, &cookie, &length), 0);
	cr_assert_eq(bpf_map_lookup_elem(wide, &zero, &seen), 0);
	cr_assert_neq(cookie, 0);
	cr_assert_eq(seen, cookie);
	cr_assert_eq(bpf_map_lookup_elem(narrow, &zero, &seen), -ENOSPC);
	pair_close(&pair);
	pair_close(&other);
}

/* Is anything in element 0 of the map with that id, which a program keeps alive? */
static int slot_look(uint32_t id)
{
	int slot = bpf_map_get_fd_by_id(id);
	uint32_t zero = 0, value = 0;
	int error;

	cr_assert(slot >= 0, "the dispatcher holds the array: %s", strerror(errno));
	error = bpf_map_lookup_elem(slot, &zero, &value);
	close(slot);
	return error;
}

/* The contents go by a work queue, so up to a second later. */
static int slot_look_until_empty(uint32_t id)
{
	int error = 0;

	for (int i = 0; i < 100 && !error; i++) {
		usleep(10000);
		error = slot_look(id);
	}
	return error;
}

Test(facts, program_array_is_emptied_with_its_last_descriptor_or_pin)
{
	int slot = map_make(BPF_MAP_TYPE_PROG_ARRAY, 4, 1);
	int pass = program_pass(), dispatcher = program_dispatch(slot);
	uint32_t zero = 0, id = map_id(slot);
	char folder[64], pin[128];

	cr_assert(dispatcher >= 0);
	bpffs_folder(folder, sizeof(folder));
	snprintf(pin, sizeof(pin), "%s/slot", folder);
	cr_assert_eq(bpf_map_update_elem(slot, &zero, &pass, BPF_ANY), 0);
	cr_assert_eq(bpf_obj_pin(slot, pin), 0);
	close(slot);
	usleep(100000);
	/* Looking opens a descriptor and closes it: the pin alone has to keep the contents. */
	cr_assert_eq(slot_look(id), 0);
	cr_assert_eq(slot_look(id), 0);
	cr_assert_eq(unlink(pin), 0);
	rmdir(folder);
	cr_assert_eq(slot_look_until_empty(id), -ENOENT);
}

Test(facts, program_array_lookup_gives_the_program_id)
{
	int slot = map_make(BPF_MAP_TYPE_PROG_ARRAY, 4, 1);
	int pass = program_pass();
	uint32_t zero = 0, id = 0;

	cr_assert_eq(bpf_map_lookup_elem(slot, &zero, &id), -ENOENT);
	cr_assert_eq(bpf_map_update_elem(slot, &zero, &pass, BPF_ANY), 0);
	cr_assert_eq(bpf_map_lookup_elem(slot, &zero, &id), 0);
	cr_assert_eq(id, program_id(pass));
}

Test(facts, fin_reaches_the_reader_of_a_socket_in_a_map)
{
	int map = sockmap_make();
	struct pollfd server = { .events = POLLRDHUP };
	struct pair pair;
	char byte;

	attach_verdict(map);
	pair_open(&pair);
	cr_assert_eq(socket_insert(map, 0, pair.server), 0);
	give(pair.client, "last");
	assert_gets(pair.client, "last");
	server.fd = pair.server;
	cr_assert_eq(poll(&server, 1, QUIET_MS), 0);
	cr_assert_eq(shutdown(pair.client, SHUT_WR), 0);
	cr_assert_eq(poll(&server, 1, ANSWER_MS), 1);
	cr_assert(server.revents & POLLRDHUP);
	cr_assert_eq(recv(pair.server, &byte, 1, 0), 0);
	/* The kernel does not pass it on: the other end is as open as before. */
	assert_gets_nothing(pair.client);
	pair_close(&pair);
}

/* Why a feed cannot serve a client that half-closes before it is accepted. */
Test(facts, a_socket_whose_peer_has_shut_its_side_enters_no_map)
{
	int map = sockmap_make();
	struct pollfd server = { .events = POLLRDHUP };
	struct pair pair;

	attach_verdict(map);
	pair_open(&pair);
	give(pair.client, "last");
	cr_assert_eq(shutdown(pair.client, SHUT_WR), 0);
	server.fd = pair.server;
	cr_assert_eq(poll(&server, 1, ANSWER_MS), 1);
	cr_assert_eq(socket_insert(map, 0, pair.server), -EOPNOTSUPP);
	pair_close(&pair);
}

/* Redirects everything to the socket at index 0, and counts in element 0 of an array. */
static int program_count_and_echo(int map, int counts)
{
	return program_make(INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_7, BPF_REG_1, 0, 0),
		INSN(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4), LD_MAP(BPF_REG_1, counts),
		CALL(BPF_FUNC_map_lookup_elem), INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 4, 0),
		INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_7, 0, 3, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_0, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, 1),
		INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_0, BPF_REG_1, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_6, 0, 0),
		LD_MAP(BPF_REG_2, map), MOV(BPF_REG_3, 0), MOV(BPF_REG_4, 0),
		CALL(BPF_FUNC_sk_redirect_map), EXIT);
}

/* How many empty messages the verdict saw. */
static uint64_t empty_messages(int counts)
{
	uint64_t count = 0;
	uint32_t zero = 0;

	cr_assert_eq(bpf_map_lookup_elem(counts, &zero, &count), 0);
	return count;
}

/*
 * The second socket's client shuts its side, `seen` empty messages reach the verdict, and then
 * the first one, to which everything is redirected, says something and hears `answer`.
 */
static void fin_with(void (*attach)(int map, int verdict), uint64_t seen, const char *answer)
{
	int map = sockmap_make(), counts = map_make(BPF_MAP_TYPE_ARRAY, 8, 1);
	struct pair first, second;

	attach(map, program_count_and_echo(map, counts));
	pair_open(&first);
	pair_open(&second);
	cr_assert_eq(socket_insert(map, 0, first.server), 0);
	cr_assert_eq(socket_insert(map, 1, second.server), 0);
	give(second.client, "before");
	assert_gets(first.client, "before");
	cr_assert_eq(shutdown(second.client, SHUT_WR), 0);
	usleep(100000);
	cr_assert_eq(empty_messages(counts), seen);
	give(first.client, "after");
	assert_gets_within(first.client, answer, *answer ? ANSWER_MS : QUIET_MS);
	pair_close(&first);
	pair_close(&second);
}

static void verdict_alone(int map, int verdict)
{
	hook_attach(verdict, map, VERDICT);
}

static void verdict_behind_parser(int map, int verdict)
{
	hook_attach(program_parse_whole(), map, PARSER);
	hook_attach(verdict, map, VERDICT);
}

/* Redirected, the empty message is an EPIPE to its target, which then takes nothing any more. */
Test(facts, fin_is_an_empty_message_to_a_verdict_without_a_parser)
{
	fin_with(verdict_alone, 1, "");
}

Test(facts, fin_is_no_message_behind_a_parser)
{
	fin_with(verdict_behind_parser, 0, "after");
}

Test(facts, bpffs_refuses_dots_and_takes_the_signs_that_pins_use)
{
	int map = sockmap_make();
	char folder[64], pin[128];

	bpffs_folder(folder, sizeof(folder));
	snprintf(pin, sizeof(pin), "%s/a.b", folder);
	cr_assert_eq(bpf_obj_pin(map, pin), -EPERM);
	cr_assert_neq(mkdir(pin, 0700), 0);
	cr_assert_eq(errno, EPERM);
	snprintf(pin, sizeof(pin), "%s/verdict@0123abcd", folder);
	cr_assert_eq(bpf_obj_pin(map, pin), 0);
	cr_assert_eq(unlink(pin), 0);
	snprintf(pin, sizeof(pin), "%s/map:stream_verdict", folder);
	cr_assert_eq(bpf_obj_pin(map, pin), 0);
	cr_assert_eq(unlink(pin), 0);
	snprintf(pin, sizeof(pin), "%s/source", folder);
	cr_assert_eq(symlink("any text: 1, 2", pin), 0);
	cr_assert_eq(unlink(pin), 0);
	cr_assert_eq(rmdir(folder), 0);
}

/* What sockets enter a map: established and listening ones. */
Test(facts, unconnected_sockets_enter_no_map)
{
	int map = sockmap_make();
	int fresh = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int unbound = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	attach_verdict(map);
	cr_assert_eq(socket_insert(map, 0, fresh), -EOPNOTSUPP);
	cr_assert_eq(socket_insert(map, 0, unbound), -EOPNOTSUPP);
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(socket_insert(map, 0, listener), 0);
	close(fresh);
	close(unbound);
	close(listener);
}

Test(facts, a_closed_socket_leaves_its_map)
{
	int map = sockmap_make();
	uint32_t index = 3;
	uint64_t cookie;
	struct pair pair;

	attach_verdict(map);
	pair_open(&pair);
	cr_assert_eq(socket_insert(map, index, pair.server), 0);
	cr_assert_eq(bpf_map_lookup_elem(map, &index, &cookie), 0);
	pair_close(&pair);
	for (int tries = 0; tries < 100 && bpf_map_lookup_elem(map, &index, &cookie) == 0; tries++)
		usleep(10000);
	cr_assert_eq(bpf_map_lookup_elem(map, &index, &cookie), -ENOENT);
}

/* How often it ran, since stats were switched on. */
static uint64_t runs_of(int program)
{
	struct bpf_prog_info info = { 0 };
	__u32 length = sizeof(info);

	cr_assert_eq(bpf_obj_get_info_by_fd(program, &info, &length), 0);
	return info.run_cnt;
}

/* So a hook's runs are its dispatcher's. */
Test(facts, what_a_tail_call_leads_to_is_not_counted)
{
	int map = sockmap_make(), stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	int slot = map_make(BPF_MAP_TYPE_PROG_ARRAY, 4, 1);
	int target = program_pass(), dispatcher = program_dispatch(slot);
	const uint32_t element = 0;
	struct pair pair;

	cr_assert_geq(stats, 0);
	cr_assert_eq(bpf_map_update_elem(slot, &element, &target, BPF_ANY), 0);
	hook_attach(dispatcher, map, VERDICT);
	pair_open(&pair);
	cr_assert_eq(socket_insert(map, 0, pair.server), 0);
	give(pair.client, "hello");
	assert_gets(pair.server, "hello");
	cr_assert_eq(runs_of(dispatcher), 1);
	cr_assert_eq(runs_of(target), 0);
	pair_close(&pair);
	close(stats);
}

/*
 * A parser of messages that begin with their length in a byte, which counts how often it has read
 * which length (the array's index).
 */
static int program_parse_lengths(int counts)
{
	return program_make(INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0),
		MOV(BPF_REG_2, 0), INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_3, 0, 0, -1), MOV(BPF_REG_4, 1),
		CALL(BPF_FUNC_skb_load_bytes),
		INSN(BPF_LDX | BPF_MEM | BPF_B, BPF_REG_7, BPF_REG_10, -1, 0),
		INSN(BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, BPF_REG_7, -8, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -8), LD_MAP(BPF_REG_1, counts),
		CALL(BPF_FUNC_map_lookup_elem), INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0),
		MOV(BPF_REG_1, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, 0, BPF_ADD),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_0, BPF_REG_7, 0, 0), EXIT);
}

/*
 * The second message of a segment: the parser is shown the first one's length again. So a parser has
 * to remember how far it is (manifests/frames.yaml), or frame by what does not depend on bytes.
 */
Test(facts, a_parser_is_shown_segments_from_their_first_byte)
{
	int map = sockmap_make(), counts = map_make(BPF_MAP_TYPE_ARRAY, 8, 16);
	const uint32_t three = 3, five = 5;
	uint64_t seen_three, seen_five;
	struct pair pair;

	hook_attach(program_parse_lengths(counts), map, PARSER);
	attach_verdict(map);
	pair_open(&pair);
	cr_assert_eq(socket_insert(map, 0, pair.server), 0);
	/* Three bytes, and then five: the lengths are 3 and 5, and 3 divides neither. */
	cr_assert_eq(send(pair.client, "\003ab\005cdef", 8, MSG_NOSIGNAL), 8);
	assert_gets(pair.client, "\003ab\005cd");
	cr_assert_eq(bpf_map_lookup_elem(counts, &three, &seen_three), 0);
	cr_assert_eq(bpf_map_lookup_elem(counts, &five, &seen_five), 0);
	cr_assert_geq(seen_three, 2);
	cr_assert_eq(seen_five, 0);
	pair_close(&pair);
}
