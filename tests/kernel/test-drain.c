/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Sockets leave a map that goes, and what is queued inside them has arrived by then: `delete` and
 * `apply --replace` wait for the readers, say what nobody has read, and lose nothing else.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cgroup.h"
#include "raw.h"

TestSuite(drain, .init = harness_init, .fini = harness_fini, .timeout = 120);

#define END_MS 20000
#define HOLD_US 300000 /* longer than what is taken for quiet */
#define POLL_US 2000

/* Small enough to be sent before anybody reads, large enough for many messages. */
#define SENT 49152
#define PIECE 4096

/* Two connections; what the server of the first gets, or sends, goes to the second. */
struct ground {
	struct manifest manifest;
	struct pair from, to;
	int slot;         /* of the attachment, until it is known to pass; -1: none */
	uint32_t program; /* what is in there as long as nothing goes */
};

#define MSG                                                                                        \
	"  way: { type: sk_msg, body: [ msg_redirect_map: { map: pair, key: 1, flags: ingress, "   \
	"on_miss: pass }, exit ] }\n"
#define SKB                                                                                        \
	"  way: { type: sk_skb, body: [ sk_redirect_map: { map: pair, key: 1, on_miss: pass }, "   \
	"exit ] }\n"

static void write_manifest(
	const struct manifest *manifest, const char *program, unsigned int entries)
{
	manifest_write(manifest->path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  pair: { type: sockmap, max_entries: %u }\n"
		"programs:\n%sattachments:\n"
		"  - { program: way, target: pair, attach_type: %s }\n",
		manifest->name, entries, program,
		strcmp(program, MSG) == 0 ? "msg_verdict" : "stream_verdict");
}

static uint32_t slot_program(int slot)
{
	uint32_t zero = 0, id = 0;

	cr_assert_eq(bpf_map_lookup_elem(slot, &zero, &id), 0, "%s", strerror(errno));
	return id;
}

static void ground_make(struct ground *ret, const char *name, const char *program)
{
	int map;

	manifest_init(&ret->manifest, name);
	write_manifest(&ret->manifest, program, 4);
	sockform_expect(0, "apply", ret->manifest.path);
	map = bpf_obj_get(manifest_pin(&ret->manifest, "maps/pair"));
	cr_assert(map >= 0);
	pair_open(&ret->from);
	pair_open(&ret->to);
	cr_assert_eq(socket_insert(map, 1, ret->to.server), 0, "%s", strerror(errno));
	cr_assert_eq(socket_insert(map, 0, ret->from.server), 0, "%s", strerror(errno));
	close(map);
	ret->slot = bpf_obj_get(manifest_pin(
		&ret->manifest, strcmp(program, MSG) == 0 ? "slots/pair:msg_verdict"
							  : "slots/pair:stream_verdict"));
	cr_assert_geq(ret->slot, 0, "%s", strerror(errno));
	ret->program = slot_program(ret->slot);
}

static void slot_close(struct ground *ground)
{
	if (ground->slot >= 0)
		close(ground->slot);
	ground->slot = -1;
}

static void ground_end(struct ground *ground)
{
	slot_close(ground);
	pair_close(&ground->from);
	pair_close(&ground->to);
}

static unsigned char byte_at(size_t position)
{
	return (unsigned char)(position ^ position >> 8 ^ position >> 16);
}

static void send_all(int fd, size_t bytes)
{
	unsigned char piece[PIECE];

	for (size_t sent = 0; sent < bytes; sent += sizeof(piece)) {
		for (size_t i = 0; i < sizeof(piece); i++)
			piece[i] = byte_at(sent + i);
		cr_assert_eq(
			send(fd, piece, sizeof(piece), 0), sizeof(piece), "%s", strerror(errno));
	}
}

/* As much as arrives of so many bytes, in order. */
static size_t receive(int fd, size_t bytes)
{
	const struct timeval patience = { .tv_sec = 5 };
	unsigned char piece[PIECE];
	size_t position = 0;
	ssize_t got;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while (position < bytes && (got = recv(fd, piece, sizeof(piece), 0)) > 0)
		for (ssize_t i = 0; i < got; i++, position++)
			cr_assert_eq(piece[i], byte_at(position), "byte %zu", position);
	return position;
}

/* Everything, and nothing behind it. */
static void assert_arrives(int fd, size_t bytes)
{
	size_t arrived = receive(fd, bytes);
	char more;

	cr_assert_eq(arrived, bytes, "only %zu bytes arrived", arrived);
	cr_assert_lt(recv(fd, &more, 1, MSG_DONTWAIT), 0);
}

static void begin(struct process *ret, const char *verb, const char *option, const char *path)
{
	const char *const argv[] = { sockform_path(), verb, option ? option : path,
		option ? path : NULL, NULL };

	cr_assert(process_start(ret, 0, argv));
}

/* However long the other process takes to get there: the program in the slot is another. */
static void await_pass(struct ground *ground)
{
	for (int64_t until = client_now() + END_MS; slot_program(ground->slot) == ground->program;
		usleep(POLL_US))
		cr_assert_lt(client_now(), until, "the slot does not pass");
	slot_close(ground);
}

/* Likewise: the attachment is off its hook, and nothing is left to do but wait. */
static void await_empty(int map, enum bpf_attach_type type)
{
	for (int64_t until = client_now() + END_MS; hook_program(map, type); usleep(POLL_US))
		cr_assert_lt(client_now(), until, "the hook does not get empty");
}

/*
 * It goes on waiting, so the map is there still; and its program redirects nothing any more: what is sent
 * now from one end of the first connection comes out of the other.
 */
static void assert_waits(struct ground *ground, int sender, int receiver)
{
	await_pass(ground);
	usleep(HOLD_US);
	give(sender, "passes");
	assert_gets(receiver, "passes");
	cr_assert_eq(access(manifest_pin(&ground->manifest, "maps/pair"), F_OK), 0,
		"the map is gone already");
}

static void assert_done(struct process *process)
{
	struct result result;

	process_wait(process, &result, END_MS);
	assert_code(&result, 0);
	cr_assert_str_eq(result.err, "");
	result_finish(&result);
}

Test(drain, delete_waits_for_the_reader)
{
	char *ids = snapshot_ids();
	struct process delete;
	struct ground ground;

	ground_make(&ground, "reader", MSG);
	send_all(ground.from.server, SENT);
	begin(&delete, "delete", NULL, ground.manifest.path);
	assert_waits(&ground, ground.from.server, ground.from.client);
	assert_arrives(ground.to.server, SENT);
	assert_done(&delete);
	/* The sockets live on, and hold nothing of it. */
	assert_ids(ids);
	ground_end(&ground);
	free(ids);
}

/* As `delete` does: an apply whose manifest has the map no longer. */
Test(drain, apply_waits_for_the_readers_of_a_map_that_goes)
{
	struct process apply;
	struct ground ground;
	char *ids;

	ground_make(&ground, "goes", MSG);
	send_all(ground.from.server, SENT);
	manifest_write(ground.manifest.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  other: { type: sockmap, max_entries: 4 }\n",
		ground.manifest.name);
	begin(&apply, "apply", NULL, ground.manifest.path);
	assert_waits(&ground, ground.from.server, ground.from.client);
	assert_arrives(ground.to.server, SENT);
	assert_done(&apply);
	cr_assert_neq(access(manifest_pin(&ground.manifest, "maps/pair"), F_OK), 0);
	sockform_expect(0, "status", ground.manifest.name);
	ids = snapshot_ids();
	ground_end(&ground);
	/* Nothing was held by the sockets alone. */
	assert_ids(ids);
	free(ids);
}

/* What the kernel could not send on yet, because the peer's window is closed. */
Test(drain, delete_waits_for_what_is_on_its_way_out)
{
	const size_t sent = 8 << 20;
	struct process delete;
	struct ground ground;

	ground_make(&ground, "out", SKB);
	send_all(ground.from.client, sent);
	begin(&delete, "delete", NULL, ground.manifest.path);
	assert_waits(&ground, ground.from.client, ground.from.server);
	assert_arrives(ground.to.client, sent);
	assert_done(&delete);
	ground_end(&ground);
}

Test(drain, what_nobody_reads_is_said)
{
	struct ground ground;
	struct result result;

	ground_make(&ground, "unread", MSG);
	send_all(ground.from.server, SENT);
	sockform(&result, "delete", "--drain-timeout", "1", ground.manifest.path);
	assert_code(&result, 0);
	assert_says(result.err, "W0612");
	assert_says(result.err, "1 of the 2 sockets in map \"pair\" held data that nobody had read "
				"after 1.");
	result_finish(&result);
	cr_assert_neq(access(manifest_pin(&ground.manifest, "maps/pair"), F_OK), 0);
	ground_end(&ground);
}

/* That waiting is what saved it: without, the kernel throws it away. */
Test(drain, without_waiting_it_is_lost)
{
	struct ground ground;
	char byte;

	ground_make(&ground, "lost", MSG);
	send_all(ground.from.server, SENT);
	sockform_expect(0, "delete", "--drain-timeout", "0", ground.manifest.path);
	usleep(HOLD_US);
	cr_assert_lt(recv(ground.to.server, &byte, 1, MSG_DONTWAIT), 0);
	ground_end(&ground);
}

/* What is in the map that makes room arrives, and what comes after passes. */
Test(drain, a_map_is_replaced_when_its_readers_have_read)
{
	struct process apply;
	struct ground ground;

	ground_make(&ground, "replaced", MSG);
	send_all(ground.from.server, SENT);
	write_manifest(&ground.manifest, MSG, 8);
	begin(&apply, "apply", "--replace", ground.manifest.path);
	assert_waits(&ground, ground.from.server, ground.from.client);
	assert_arrives(ground.to.server, SENT);
	assert_done(&apply);
	give(ground.from.server, "passes");
	assert_gets(ground.from.client, "passes");
	sockform_expect(0, "status", ground.manifest.name);
	ground_end(&ground);
}

/* Looking into queues takes CAP_PERFMON: without it there is a short wait, and a word. */
Test(drain, without_the_capability_it_says_so)
{
	const char *const argv[] = { "setpriv", "--bounding-set", "-all,+bpf,+net_admin",
		sockform_path(), "delete", NULL, NULL };
	const char *command[sizeof(argv) / sizeof(*argv)];
	struct ground ground;
	struct result result;

	ground_make(&ground, "blind", MSG);
	memcpy(command, argv, sizeof(argv));
	command[5] = ground.manifest.path;
	command_run(&result, 0, command);
	assert_code(&result, 0);
	assert_says(result.err, "what is queued in the sockets of map \"pair\" cannot be seen");
	assert_says(result.err, "CAP_PERFMON");
	result_finish(&result);
	ground_end(&ground);
}

#define PASSING "  way: { type: sk_skb, body: [ sk_skb_pass ] }\n"
#define PAUSE_US 500
#define STEADY_MS 50 /* half of what is taken for quiet */
#define TRIES 5

/* What passes goes through a queue as well: one who sends on and on, and says when. */
struct sender {
	pid_t pid;
	struct sent {
		_Atomic int64_t last;    /* when it sent; 0: it does no more */
		_Atomic int64_t longest; /* ms between two times */
	} * sent;                        /* shared with it */
};

static _Noreturn void send_pieces(int fd, size_t pieces, struct sent *sent)
{
	for (size_t at = 0; at < pieces * PIECE; at += PIECE) {
		unsigned char piece[PIECE];
		int64_t now;

		for (size_t i = 0; i < sizeof(piece); i++)
			piece[i] = byte_at(at + i);
		if (send(fd, piece, sizeof(piece), MSG_NOSIGNAL) != sizeof(piece))
			break;
		usleep(PAUSE_US);
		now = client_now();
		sent->longest = now - sent->last > sent->longest ? now - sent->last : sent->longest;
		sent->last = now;
	}
	sent->last = 0;
	_exit(0);
}

static void sender_start(struct sender *ret, int fd, size_t pieces)
{
	ret->sent = mmap(NULL, sizeof(*ret->sent), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(ret->sent, MAP_FAILED);
	ret->sent->last = client_now();
	ret->pid = process_fork();
	cr_assert_geq(ret->pid, 0);
	if (!ret->pid)
		send_pieces(fd, pieces, ret->sent);
}

/*
 * Ends it, and tells whether it never paused for long up to now: that it does is not its own will, on a
 * machine with much to do.
 */
static bool sender_end(struct sender *sender)
{
	int64_t last = sender->sent->last, pause = last ? client_now() - last : 0;
	bool steady = sender->sent->longest < STEADY_MS && pause < STEADY_MS;

	process_end(sender->pid);
	munmap(sender->sent, sizeof(*sender->sent));
	return steady;
}

/* `attempt` is false where a sender was not steady, so that it says nothing. */
static void try_steadily(bool (*attempt)(void))
{
	int tries = 0;

	while (!attempt() && ++tries < TRIES)
		continue;
	if (tries == TRIES)
		cr_skip_test("skipped: this machine lets no process run for long enough");
}

static bool stream_ends(void)
{
	const size_t pieces = 1000;
	struct process delete;
	struct sender sender;
	struct ground ground;
	struct result result;
	size_t arrived;
	bool steady;

	ground_make(&ground, "ends", PASSING);
	sender_start(&sender, ground.from.client, pieces);
	/* It is on its way. */
	cr_assert_eq(
		poll(&(struct pollfd){ .fd = ground.from.server, .events = POLLIN }, 1, END_MS), 1);
	begin(&delete, "delete", NULL, ground.manifest.path);
	arrived = receive(ground.from.server, pieces * PIECE);
	process_wait(&delete, &result, END_MS);
	assert_code(&result, 0);
	result_finish(&result);
	steady = sender_end(&sender);
	if (steady)
		cr_assert_eq(arrived, pieces * PIECE, "only %zu bytes", arrived);
	ground_end(&ground);
	return steady;
}

Test(drain, a_stream_that_ends_in_time_loses_nothing)
{
	try_steadily(stream_ends);
}

static pid_t read_on(int fd)
{
	pid_t reader = process_fork();
	char piece[PIECE];

	cr_assert_geq(reader, 0);
	if (reader)
		return reader;
	while (recv(fd, piece, sizeof(piece), 0) > 0)
		continue;
	_exit(0);
}

static bool stream_goes_on(void)
{
	struct sender sender;
	struct ground ground;
	struct result result;
	pid_t reader;
	bool steady;

	ground_make(&ground, "goes-on", PASSING);
	reader = read_on(ground.from.server);
	sender_start(&sender, ground.from.client, 100000);
	sockform(&result, "delete", "--drain-timeout", "1", ground.manifest.path);
	steady = sender_end(&sender);
	process_end(reader);
	assert_code(&result, 0);
	if (steady)
		assert_says(result.err, "W0612");
	result_finish(&result);
	ground_end(&ground);
	return steady;
}

/* Nothing that could be done about it: a socket that receives when it leaves its map may lose that. */
Test(drain, a_stream_that_goes_on_is_said)
{
	try_steadily(stream_goes_on);
}

/* Killed while it waits, the map makes room for one that holds no sockets: there is nobody to wait for. */
Test(drain, a_map_of_another_kind_after_a_crash)
{
	struct process apply;
	struct result result;
	struct ground ground;
	int map;

	ground_make(&ground, "kind", MSG);
	map = bpf_obj_get(manifest_pin(&ground.manifest, "maps/pair"));
	cr_assert_geq(map, 0);
	send_all(ground.from.server, SENT);
	manifest_write(ground.manifest.path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  pair: { type: percpu_array, value_size: 8, max_entries: 4 }\n",
		ground.manifest.name);
	begin(&apply, "apply", "--replace", ground.manifest.path);
	await_empty(map, BPF_SK_MSG_VERDICT);
	close(map);
	process_stop(&apply, SIGKILL, &result, END_MS);
	assert_code(&result, 128 + SIGKILL);
	result_finish(&result);
	sockform_expect(0, "apply", ground.manifest.path);
	sockform_expect(0, "status", ground.manifest.name);
	sockform_expect(0, "plan", "--exit-code", ground.manifest.path);
	cr_assert_neq(access(manifest_pin(&ground.manifest, "slots/pair:msg_verdict"), F_OK), 0);
	sockform_expect(0, "delete", ground.manifest.path);
	ground_end(&ground);
}

static void busy_and_late(struct manifest *ret)
{
	manifest_init(ret, "again");
	manifest_write(ret->path,
		"sockform: v1\nname: %s\nmaps:\n"
		"  busy: { type: sockmap, max_entries: 1 }\n"
		"  late: { type: sockmap, max_entries: 1 }\n"
		"programs:\n  pass: { type: sk_skb, body: [ sk_skb_pass ] }\n"
		"attachments:\n"
		"  - { program: pass, target: busy, attach_type: stream_verdict }\n"
		"  - { program: pass, target: late, attach_type: stream_verdict }\n",
		ret->name);
	sockform_expect(0, "apply", ret->path);
}

/* In the map of that pin; its descriptor. */
static int enter(const struct manifest *manifest, const char *pin, struct pair *ret)
{
	int map = bpf_obj_get(manifest_pin(manifest, pin));

	cr_assert_geq(map, 0, "%s: %s", pin, strerror(errno));
	pair_open(ret);
	cr_assert_eq(socket_insert(map, 0, ret->server), 0);
	return map;
}

static bool begins_again(void)
{
	struct manifest manifest;
	struct process delete;
	struct result result;
	struct sender sender;
	struct pair busy, late;
	pid_t reader;
	bool steady;
	int map;

	busy_and_late(&manifest);
	close(enter(&manifest, "maps/busy", &busy));
	map = enter(&manifest, "maps/late", &late);
	reader = read_on(busy.server);
	sender_start(&sender, busy.client, 100000);
	begin(&delete, "delete", "--drain-timeout=3", manifest.path);
	await_empty(map, BPF_SK_SKB_STREAM_VERDICT);
	close(map);
	usleep(HOLD_US);
	give(late.client, "nobody reads this");
	process_wait(&delete, &result, END_MS);
	steady = sender_end(&sender);
	process_end(reader);
	assert_code(&result, 0);
	if (steady) {
		assert_says(result.err, "in map \"busy\" ");
		assert_says(result.err,
			"the only socket in map \"late\" held data that nobody had read");
	}
	result_finish(&result);
	pair_close(&busy);
	pair_close(&late);
	return steady;
}

/* One that was quiet may begin again while another is waited for. */
Test(drain, a_map_that_was_quiet_is_looked_at_again)
{
	try_steadily(begins_again);
}
