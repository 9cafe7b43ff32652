/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Sockets and bpf() calls without the program under test: for the facts about the kernel, and for
 * tests that talk over single connections. Everything that can fail is asserted in here.
 */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Long enough for loopback to have delivered whatever is going to come. */
#define QUIET_MS 300
#define ANSWER_MS 10000

/* A connection over loopback: the client's end, and the accepted one that enters maps. */
struct pair {
	int client;
	int server;
};

void pair_open(struct pair *ret);
void pair_close(struct pair *pair);

/* How the two talk: `server` is an IPv4 socket, an IPv6 one, or an IPv6 one with an IPv4 client. */
enum way { IP4, IP6, MAPPED, WAY_COUNT };

void pair_over(enum way way, struct pair *ret);

/* Sends all of these words. */
void give(int fd, const char *words);

/* What comes within `wait` milliseconds is exactly these words ("": nothing). */
void assert_gets_within(int fd, const char *words, int wait);
#define assert_gets(fd, words) assert_gets_within(fd, words, ANSWER_MS)
#define assert_gets_nothing(fd) assert_gets_within(fd, "", QUIET_MS)

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })
#define MOV(dst, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define CALL(helper) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define EXIT INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define LD_MAP(dst, fd)                                                                            \
	INSN(BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, fd), INSN(0, 0, 0, 0, 0)

/* Descriptors; they live until the test ends. Keys have 4 bytes. */
int map_make(enum bpf_map_type type, uint32_t value_size, uint32_t entries);
int sockmap_make(void);

/* SK_SKB programs. */
#define program_make(...)                                                                          \
	program_load((struct bpf_insn[]){ __VA_ARGS__ },                                           \
		sizeof((struct bpf_insn[]){ __VA_ARGS__ }) / sizeof(struct bpf_insn))
int program_load(const struct bpf_insn *code, size_t count);

int program_pass(void);
int program_echo(int map);      /* redirects to the socket at index 0 */
int program_dispatch(int slot); /* tail-calls element 0; an empty one passes */
int program_parse_whole(void);  /* a parser: one message is what there is */

/*
 * Whether this kernel has links for maps, by making one: before about 6.10 there are none. A test about
 * them skips itself by links_need; a row of a table is left out by what is left_out says.
 */
bool has_links(void);
void links_need(void);
void left_out(const char *row, const char *why);
#define NO_LINKS "this kernel has no links for maps"

/* Whether it can be asked what is attached to a map: before about 5.18 it cannot. */
bool has_queries(void);

/* Attaches by a link, which it returns, or where there are none for maps without one: -1. */
int hook_attach(int program, int map, enum bpf_attach_type type);

/* Into a sockmap with 8-byte values; 0 or a negative errno. */
int socket_insert(int map, uint32_t index, int fd);

uint32_t program_id(int program);
uint32_t map_id(int map);
