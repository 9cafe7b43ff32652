/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The ground that each kernel test stands on: the program under test, manifests of the test's
 * own under names and ports of its own, and cleaning up that happens also when the test failed.
 *
 * Tests run one after another (-j1): they compare what is in the whole kernel.
 */
#pragma once

#include <criterion/criterion.h>
#include <stdint.h>

#include "client.h"
#include "process.h"
#include "snapshot.h"
#include "trace.h"

#define BPFFS "/sys/fs/bpf"
#define PINS BPFFS "/sockform"

/*
 * What tests make outside of their own folder, and that folder, is named TEST_PREFIX WHAT-PID: so the
 * next test finds what one left that was killed, and no user has anything of that name.
 */
#define TEST_PREFIX "sockform-test-"

/* Body items of a verdict, each a line of its own. */
#define BODY_ECHO                                                                                  \
	"      - sk_redirect_hash: { map: echo_sockets, key: self, on_miss: pass }\n"              \
	"      - exit\n"
#define BODY_PASS "      - sk_skb_pass\n"
/* Reads far behind the context: no verifier takes that. The line is BODY_BAD_LINE. */
#define BODY_BAD_LINE "- r0 = *(u32 *)(r1 + 4096)"
#define BODY_BAD                                                                                   \
	"      - r6 = r1\n"                                                                        \
	"      " BODY_BAD_LINE "\n"                                                                \
	"      - exit\n"

/* Fixtures: TestSuite(name, .init = harness_init, .fini = harness_fini). */
void harness_init(void);
void harness_fini(void);

/* For each such name in the folder whose test has ended, or is this one. */
void leftovers_each(const char *folder, void (*remove)(const char *name));

/* With all below it, as far as that can be removed; does not follow symlinks. */
void tree_remove(const char *path);

/* The program under test: $SOCKFORM, or ./build/cmd/sockform. */
const char *sockform_path(void);

/* A program that was built beside the running test; malloc()ed. */
char *sibling_path(const char *name);

/* Runs `sockform ARGUMENTS...`. */
#define sockform(result, ...) sockform_as(result, 0, __VA_ARGS__)
#define sockform_as(result, flags, ...)                                                            \
	command_run(result, flags, (const char *const[]){ sockform_path(), __VA_ARGS__, NULL })

/* Runs `sockform ARGUMENTS...`, which end with NULL, on a kernel that has a fault of distort.c. */
void sockform_distorted(struct result *ret, const char *fault, const char *const arguments[]);

/* Likewise, with calls that fail or end it, as inject.c reads the order. */
void sockform_injected(struct result *ret, const char *order, const char *const arguments[]);

/*
 * Likewise, with `what` at the nth call of a class, "bpf" or "fs". False where it came to its end before
 * there were so many: a loop that tries each call ends there, and not at one that need not end the run.
 * Asserts NTH_MOST.
 */
bool sockform_injected_at(struct result *ret, const char *class, unsigned int nth, const char *what,
	const char *const arguments[]);

/* Likewise in the background, as one that the order stops: process_stopped() waits until it is. */
void sockform_start_injected(struct process *ret, const char *order, const char *const arguments[]);

/* Runs it and asserts the exit code; the output is shown when it is another, then freed. */
#define sockform_expect(code, ...)                                                                 \
	do {                                                                                       \
		struct result expected_;                                                           \
		sockform(&expected_, __VA_ARGS__);                                                 \
		assert_code(&expected_, code);                                                     \
		result_finish(&expected_);                                                         \
	} while (0)

#define assert_code(result, expected)                                                              \
	cr_assert_eq((result)->code, expected, "exit code %d, not %d\nstdout: %s\nstderr: %s",     \
		(result)->code, expected, (result)->out, (result)->err)

/* `words` is in a text that the test got. */
#define assert_says(text, words)                                                                   \
	cr_assert(strstr(text, words), "\"%s\" is not in:\n%s", words, text)

/* Kernel ids, or pins, are what they were. */
#define assert_ids(before)                                                                         \
	do {                                                                                       \
		char *now_ = snapshot_ids_differ(before);                                          \
		cr_assert_null(now_, "before:\n%snow:\n%s", before, now_);                         \
	} while (0)
#define assert_pins(before)                                                                        \
	do {                                                                                       \
		char *now_ = snapshot_pins();                                                      \
		cr_assert_str_eq(now_, before, "before:\n%snow:\n%s", before, now_);               \
		free(now_);                                                                        \
	} while (0)

/* A TCP port on loopback that nobody uses, below the ephemeral ones. */
uint16_t port_free(void);

/* A file name in the test's own folder; malloc()ed, the folder goes with the test. */
char *scratch_path(const char *name);

/* Writes `FOLDER/NAME` from a format. */
void manifest_write(const char *path, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A manifest of a test: where it lies, its deployment's name and its port. */
struct manifest {
	char path[128];
	char name[64];
	uint16_t port;
};

/* Picks a name that begins with the test's prefix, a port and a path; writes nothing. */
void manifest_init(struct manifest *ret, const char *name);

/* The echo of any number of clients: a sockhash keyed by cookie and a verdict of that body. */
void manifest_echo(const struct manifest *manifest, const char *body);

/* A sockmap "pair" of so many entries and a verdict "pass" of that body on it. */
void manifest_pair(const struct manifest *manifest, unsigned int entries, const char *body);

/* Line of the manifest that contains `words`, counted from 1; 0 when none does. */
unsigned int manifest_line(const struct manifest *manifest, const char *words);

/* Path of a pin of the manifest's deployment, "maps/echo_sockets"; in a static buffer. */
const char *manifest_pin(const struct manifest *manifest, const char *pin);

/* A path beside sockform's folder for what is not its own; it goes with the test. Static buffer. */
const char *loose_pin(const char *name);

/* Starts `sockform run FILE` and waits until it serves; asserts that it does. */
void serve(struct process *ret, const struct manifest *manifest);

/* Ends it with SIGTERM and asserts that it exits 0. */
void serve_end(struct process *process);

/* A blocking connection to the manifest's port on 127.0.0.1. */
int dial(const struct manifest *manifest);

/* A client of the manifest's port on 127.0.0.1; asserted, so not NULL. */
struct client *client_open(const struct manifest *manifest, size_t connections);

/* `connections` new clients send `bytes` each and get them back; asserts that they do. */
void assert_echo(const struct manifest *manifest, size_t connections, uint64_t bytes);

/* More than a command of a test here makes of any call: a loop over all of them has ended by then. */
#define NTH_MOST 400

/* Applies and is killed when it enters the nth of these calls; true when it was. Asserts NTH_MOST. */
bool apply_killed(const struct manifest *manifest, const char *calls, int nth);
