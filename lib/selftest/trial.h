/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside the room: a trial, what it stands on, and what moves bytes for it.
 *
 * Functions return false when the trial has ended: what it is then, a fault, a limit or skipped, and why,
 * is in the trial. So each trial is a chain of &&.
 */
#pragma once

#include "lib/base/clock.h"
#include "lib/manifest/manifest.h"
#include "lib/selftest/selftest.h"

/*
 * How long nothing may move before it counts as stuck. Streams of more than a window have longer: where
 * a receive buffer is full, a kernel worker comes back to it, and on a busy machine it comes late (720
 * ms seen on 6.18, with nothing lost).
 */
#define TRIAL_STALL_MS 1000
#define TRIAL_LONG_STALL_MS 4000
/* How long is waited that nothing comes: longer than a kernel worker takes where nothing holds it. */
#define TRIAL_QUIET_MS 20
#define TRIAL_HELD_MS 50 /* a sender that waits so long is held back */
#define TRIAL_TICK_MS 2  /* how long one wait is, so that nothing depends on being woken */

#define TRIAL_NO_TIME "no time is left"

struct trial_case;

struct trial {
	struct arena *arena;
	const struct trial_case *row;
	enum selftest_state state;
	const char *detail;
	const void *context; /* for hooks */
	uint64_t deadline;   /* monotonic ns: of all trials */
	/* What the manifest of the case became, by its positions. */
	const struct manifest *manifest;
	int *maps, *programs, *slots;
	VEC(int) owned; /* closed with the trial, the last first */
};

/* A row of the self-test. What is not needed by `run` is left out. */
struct trial_case {
	const char *name;
	bool (*run)(struct trial *trial);
	const char *manifest; /* maps "targets" and "sources", programs, attachments */
	const char *means, *workaround;
	int family;      /* AF_INET, where it is not given */
	bool message;    /* sk_msg: the sending socket is in the map, not the receiving one */
	bool ingress;    /* into the target's receive queue, not out through the target */
	uint32_t bytes;  /* to be moved */
	uint32_t window; /* bytes under way; 0: STREAM_WINDOW */
};

/* trial.c */

/* True for SELFTEST_OK, else false, for `return trial_fault(...)`. The first reason stays. */
bool trial_end(struct trial *trial, enum selftest_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
#define trial_fault(trial, ...) trial_end(trial, SELFTEST_FAULT, __VA_ARGS__)
#define trial_skip(trial, ...) trial_end(trial, SELFTEST_SKIPPED, __VA_ARGS__)

/* What no kernel is known to do, and users may count on: a limit. */
#define trial_limit(trial, ...) trial_end(trial, SELFTEST_LIMIT, __VA_ARGS__)

/* A call failed, errno or -errno: a fault, but where that says nothing of the kernel, skipped. */
bool trial_failed(struct trial *trial, const char *what, int error);

/* The detail of a trial that goes well. */
#define trial_note(trial, ...) trial_end(trial, SELFTEST_OK, __VA_ARGS__)

/* When something that has to happen is late: in TRIAL_STALL_MS, and never after the deadline. */
uint64_t trial_patience(const struct trial *trial);
uint64_t trial_patience_of(const struct trial *trial, uint64_t milliseconds);

/* A fault: it is late. Where only the time of all trials is up, skipped. */
#define trial_late(trial, ...)                                                                     \
	(clock_ns() >= (trial)->deadline ? trial_skip(trial, TRIAL_NO_TIME)                        \
					 : trial_fault(trial, __VA_ARGS__))

/* Closes it with the trial. */
int trial_own(struct trial *trial, int fd);
void trial_close(struct trial *trial, int fd);
void trial_finish(struct trial *trial);

/* Waits until `fd` can be read, or written, for one tick at most. */
void trial_tick(int fd, short events);

/* stage.c: makes what the case's manifest says; the programs go into their slots */
bool trial_stage(struct trial *trial);
int trial_map(const struct trial *trial, const char *name);
bool trial_set_slot(struct trial *trial, const char *program); /* NULL: empties the first one */

/* wire.c */

/* A connection: both ends do not block. */
struct wire {
	int client, server;
};

bool wire_open(struct trial *trial, struct wire *ret);
bool wire_open_kind(struct trial *trial, int family, int type, struct wire *ret);
bool wire_shut(struct trial *trial, int fd); /* sends FIN */

/* Puts a socket into a map by index, and has the kernel look at what it has queued. */
bool trial_insert(struct trial *trial, const char *map, uint32_t index, int fd);
bool trial_insert_only(struct trial *trial, const char *map, uint32_t index, int fd);

/* Two connections: what goes into the first one is redirected to the second one, as the case says. */
struct redirect {
	struct wire source, target;
	int from, to, entry;
};

/* Stages, opens and inserts them. */
bool redirect_open(struct trial *trial, struct redirect *ret);

/* stream.c */

/* Bytes on their way. Zero-initialise what is not needed. */
struct stream {
	int from, to;
	uint64_t bytes;
	uint64_t sent, received;
	uint64_t window; /* at most so many under way; 0: STREAM_WINDOW */
	uint32_t sip;    /* bytes that the reader takes at a time, and then waits; 0: all it can */
	int file;        /* sendfile() from it, with `sends_file` */
	bool sends_file;
	bool (*hook)(struct trial *trial, struct stream *stream); /* after each step; NULL */
	uint64_t hooked; /* for the hook: how often it did something */
	uint64_t pause;  /* ns: the longest time in which nothing moved */
};

#define STREAM_WINDOW (128 << 10)

/* Position-dependent bytes: what stands at an offset is a function of the offset. */
void stream_pattern(unsigned char *buffer, uint64_t offset, size_t length);

/* Moves all of it, and compares. Nothing more comes afterwards. */
bool stream_run(struct trial *trial, struct stream *stream);

/* A step of each side, for trials that have more to do meanwhile. -1: ended; else bytes moved. */
int64_t stream_send(struct trial *trial, struct stream *stream);
int64_t stream_receive(struct trial *trial, struct stream *stream);

/* Sends all of it while nobody reads, or until the sender is held back: see what was sent. */
bool stream_push(struct trial *trial, struct stream *stream);

/* Nothing is to be read there. */
bool stream_silent(struct trial *trial, int fd, const char *whose);

/* Waits until so many bytes, the first ones, can be read; at most STREAM_PEEK. */
#define STREAM_PEEK (8 << 10)
bool stream_arrives(struct trial *trial, int fd, size_t bytes);

/* Waits for the end of the stream. */
bool stream_ends(struct trial *trial, int fd, const char *whose);

/* So many bytes from one to the other, and on to the next. */
bool stream_move(struct trial *trial, int from, int to, uint64_t bytes);

/* Datagrams of growing sizes, each whole and in order. */
bool stream_datagrams(struct trial *trial, int from, int to, uint32_t count);

/* cases_*.c */
extern const struct trial_case cases_stream[], cases_map[], cases_end[], cases_wake[],
	cases_limit[];
extern const size_t cases_stream_count, cases_map_count, cases_end_count, cases_wake_count,
	cases_limit_count;
