/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Keys that programs build on their stack: right in every order of the fields, and aligned. */
#include "tests/unit/bpfasm/machine.h"
#include "tests/unit/support.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

SUITE(keys);

Test(keys, fields_have_their_names_and_sizes)
{
	static const struct {
		const char *name;
		enum key_field_id id;
		uint32_t size;
	} table[] = {
		{ "cookie", KEY_COOKIE, 8 },
		{ "netns_cookie", KEY_NETNS_COOKIE, 8 },
		{ "local_ip6", KEY_LOCAL_IP6, 16 },
		{ "remote_ip6", KEY_REMOTE_IP6, 16 },
		{ "family", KEY_FAMILY, 2 },
		{ "local_ip4", KEY_LOCAL_IP4, 4 },
		{ "remote_ip4", KEY_REMOTE_IP4, 4 },
		{ "local_port", KEY_LOCAL_PORT, 2 },
		{ "remote_port", KEY_REMOTE_PORT, 2 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		cr_assert_eq(key_field_named(table[i].name), table[i].id);
		cr_assert_eq(key_fields[table[i].id].size, table[i].size);
		cr_assert_str_eq(key_fields[table[i].id].name, table[i].name);
	}
	cr_assert_eq(key_field_named("ip4"), KEY_FIELD_COUNT);
	cr_assert_eq(key_field_named(""), KEY_FIELD_COUNT);
}

Test(keys, layout_text_is_what_the_manifest_writes)
{
	struct key_layout none = { .count = 0 };
	struct key_layout one = { { KEY_COOKIE }, 1, 8 };
	struct key_layout two = { { KEY_LOCAL_IP4, KEY_LOCAL_PORT }, 2, 6 };

	cr_assert_str_eq(key_layout_text(&arena, &none), "[]");
	cr_assert_str_eq(key_layout_text(&arena, &one), "[cookie]");
	cr_assert_str_eq(key_layout_text(&arena, &two), "[local_ip4, local_port]");
}

/* What key.h says a field is: addresses and ports in network order, the rest in the host's. */
static uint32_t expected_field(enum key_field_id field, unsigned char *out)
{
	uint64_t cookie = MACHINE_COOKIE, netns_cookie = MACHINE_NETNS_COOKIE;
	uint16_t family = MACHINE_FAMILY;

	switch (field) {
	case KEY_COOKIE:
		memcpy(out, &cookie, 8);
		return 8;
	case KEY_NETNS_COOKIE:
		memcpy(out, &netns_cookie, 8);
		return 8;
	case KEY_LOCAL_IP6:
		memcpy(out, MACHINE_LOCAL_IP6, 16);
		return 16;
	case KEY_REMOTE_IP6:
		memcpy(out, MACHINE_REMOTE_IP6, 16);
		return 16;
	case KEY_FAMILY:
		memcpy(out, &family, 2);
		return 2;
	case KEY_LOCAL_IP4:
		memcpy(out, "\xc0\xa8\x01\x02", 4);
		return 4;
	case KEY_REMOTE_IP4:
		memcpy(out, "\x0a\x0b\x0c\x0d", 4);
		return 4;
	case KEY_LOCAL_PORT:
		memcpy(out, "\x1f\x90", 2); /* 8080 */
		return 2;
	case KEY_REMOTE_PORT:
		memcpy(out, "\xca\xfe", 2); /* 51966 */
		return 2;
	default:
		cr_assert_fail("a field this test does not know");
		return 0;
	}
}

/* What stands on the other side of the connection. */
static enum key_field_id other_side(enum key_field_id field)
{
	switch (field) {
	case KEY_LOCAL_IP4:
		return KEY_REMOTE_IP4;
	case KEY_REMOTE_IP4:
		return KEY_LOCAL_IP4;
	case KEY_LOCAL_IP6:
		return KEY_REMOTE_IP6;
	case KEY_REMOTE_IP6:
		return KEY_LOCAL_IP6;
	case KEY_LOCAL_PORT:
		return KEY_REMOTE_PORT;
	case KEY_REMOTE_PORT:
		return KEY_LOCAL_PORT;
	default:
		return field;
	}
}

/* The blocks that take a key, by program type. */
static const struct taker {
	const char *type, *block, *flags;
	int32_t helper;
	uint64_t flag;
} takers[] = {
	{ "sk_skb", "sk_redirect_hash", "ingress", BPF_FUNC_sk_redirect_hash, 1 },
	{ "sk_msg", "msg_redirect_hash", "ingress", BPF_FUNC_msg_redirect_hash, 1 },
	{ "sock_ops", "sock_hash_update", "exist", BPF_FUNC_sock_hash_update, 2 },
};

/* A program over a map with that layout, assembled without a manifest. */
static const struct bpfasm_code *assemble_key(
	const struct taker *taker, const struct key_layout *layout, const char *key, int context)
{
	const struct source *source = source_of("x");
	struct bpfasm_map map = { "by_key", map_kind_named("sockhash"), layout->size, 8, *layout };
	struct name_index names = { 0 };
	bpfasm_body body = { 0 };
	struct bpfasm_program program = { "p", program_kind_named(taker->type), "GPL", { 0 },
		&body };
	const char *const arguments[][2] = { { "map", "by_key" }, { "key", key },
		{ "flags", taker->flags }, { "ctx", arena_printf(&arena, "r%d", context) } };
	struct bpfasm_item *item = vec_add(&arena, &body);

	name_index_add(&arena, &names, map.name, 0);
	item->block = taker->block;
	for (size_t i = 0; i < 4; i++)
		*vec_add(&arena, &item->arguments) = (struct bpfasm_argument){ arguments[i][0],
			arguments[i][1], mark_at(source, 1, 1, 1), mark_at(source, 1, 1, 1) };
	vec_add(&arena, &body)->text = "exit";
	return bpfasm_assemble(&arena, &program, &map, &names, &diagnostics);
}

static void check_key_of(
	const struct taker *taker, const struct key_layout *layout, const char *key, int context)
{
	static struct machine machine;
	unsigned char expected[KEY_MAX_BYTES];
	bool peer = strcmp(key, "peer") == 0;
	const unsigned char *built;
	uint32_t size = 0;

	machine_init(&machine);
	machine.type = program_kind_named(taker->type)->type;
	machine.registers[context] = MACHINE_CONTEXT;
	machine_run(&machine, assemble_key(taker, layout, key, context));
	cr_assert_eq(machine.helper, taker->helper);
	cr_assert_eq(machine.registers[1], MACHINE_CONTEXT);
	cr_assert_eq(machine.registers[2], MACHINE_MAP);
	cr_assert_eq(machine.registers[4], taker->flag);
	for (int i = 6; i <= 10; i++)
		cr_assert(i == context || machine.registers[i] == machine_initial(i));
	for (uint32_t i = 0; i < layout->count; i++)
		size += expected_field(
			peer ? other_side(layout->fields[i]) : layout->fields[i], expected + size);
	built = machine_stack(&machine, machine.registers[3], size);
	cr_assert(memcmp(built, expected, size) == 0, "%s, %s, ctx r%d",
		key_layout_text(&arena, layout), key, context);
}

static void check_key(const struct key_layout *layout, int context)
{
	check_key_of(&takers[0], layout, "self", context);
}

static bool can_read(const struct taker *taker, enum key_field_id field)
{
	if (field == KEY_COOKIE)
		return strcmp(taker->type, "sk_msg") != 0;
	return field != KEY_NETNS_COOKIE || strcmp(taker->type, "sk_skb") != 0;
}

/* A random choice of fields in a random order. */
static struct key_layout random_layout(const struct taker *taker, bool peer, unsigned int *seed)
{
	struct key_layout layout = { .count = 0 };
	unsigned int used = 0;

	for (int tries = 1 + rand_r(seed) % 12; tries || !layout.count; tries -= tries > 0) {
		enum key_field_id id = (enum key_field_id)(rand_r(seed) % KEY_FIELD_COUNT);

		if (used & 1u << id || !can_read(taker, id) || (peer && id == KEY_COOKIE))
			continue;
		used |= 1u << id;
		layout.fields[layout.count++] = id;
		layout.size += key_fields[id].size;
	}
	return layout;
}

Test(keys, every_program_type_builds_its_own_key_and_its_peers)
{
	unsigned int seed = 20261124;

	for (int i = 0; i < 6000; i++) {
		const struct taker *taker = &takers[i % 3];
		bool peer = i / 3 % 2;
		struct key_layout layout = random_layout(taker, peer, &seed);

		check_key_of(taker, &layout, peer ? "peer" : "self", rand_r(&seed) % 10);
		support_fini();
		support_init();
	}
}

Test(keys, fields_that_a_program_type_cannot_read_are_told)
{
	static const struct {
		size_t taker;
		enum key_field_id field;
		const char *message;
	} table[] = {
		{ 0, KEY_NETNS_COOKIE,
			"a program of type sk_skb cannot read netns_cookie, which is in the key "
			"of \"by_key\"" },
		{ 1, KEY_COOKIE,
			"a program of type sk_msg cannot read cookie, which is in the key of "
			"\"by_key\"" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct key_layout layout = { { table[i].field }, 1, 8 };

		diagnostics = (struct diagnostics){ .arena = &arena };
		cr_assert_null(assemble_key(&takers[table[i].taker], &layout, "self", 1));
		cr_assert_eq(diagnostics.list.count, 1);
		expect_diagnostic(0, DIAG_E0307, 1, 1, table[i].message);
		expect_hint(0, "key the map by addresses and ports");
	}
}

/* Every ordered choice of the fields of IPv4, all 1956 of them; `used` has a bit for each field in it. */
static size_t check_longer(struct key_layout *layout, unsigned int used)
{
	size_t checked = 0;

	static const enum key_field_id fields[] = { KEY_COOKIE, KEY_FAMILY, KEY_LOCAL_IP4,
		KEY_REMOTE_IP4, KEY_LOCAL_PORT, KEY_REMOTE_PORT };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		enum key_field_id id = fields[i];

		if (used & 1u << id)
			continue;
		layout->fields[layout->count++] = id;
		layout->size += key_fields[id].size;
		check_key(layout, 1);
		check_key(layout, 2 + (int)(checked % 8));
		support_fini();
		support_init();
		checked += 1 + check_longer(layout, used | 1u << id);
		layout->size -= key_fields[id].size;
		layout->count--;
	}
	return checked;
}

Test(keys, every_order_of_fields_makes_its_key)
{
	struct key_layout layout = { .count = 0 };

	cr_assert_eq(check_longer(&layout, 0), 1956);
}

/* An aligned field is one store; an unaligned one goes in pieces that are. */
Test(keys, unaligned_fields_go_in_aligned_pieces)
{
	const struct bpfasm_code *code =
		valid_code("- sk_redirect_hash: { map: five, key: self, ctx: r6 }\n- exit\n");

	EXPECT_CODE(code,                                        /* family */
		{ 0x61, 0, 6, 88, 0 }, { 0x6b, 10, 0, -512, 0 }, /* at 0 */
		{ 0x61, 0, 6, 96, 0 }, { 0x63, 10, 0, -440, 0 }, /* local_ip4 at 2: two halves */
		{ 0x69, 0, 10, -440, 0 }, { 0x6b, 10, 0, -510, 0 }, { 0x69, 0, 10, -438, 0 },
		{ 0x6b, 10, 0, -508, 0 }, { 0x61, 0, 6, 136, 0 },
		{ 0xdc, 0, 0, 0, 16 }, /* local_port at 6 */
		{ 0x6b, 10, 0, -506, 0 }, { 0x61, 0, 6, 132, 0 },
		{ 0xdc, 0, 0, 0, 32 }, /* remote_port at 8 */
		{ 0xdc, 0, 0, 0, 16 }, { 0x6b, 10, 0, -504, 0 }, { 0x61, 0, 6, 92, 0 },
		{ 0x63, 10, 0, -440, 0 }, /* remote_ip4 at 10: two halves */
		{ 0x69, 0, 10, -440, 0 }, { 0x6b, 10, 0, -502, 0 }, { 0x69, 0, 10, -438, 0 },
		{ 0x6b, 10, 0, -500, 0 }, { 0xbf, 1, 6, 0, 0 }, { 0x18, 2, 1, 0, 0 },
		{ 0 }, /* the call */
		{ 0xbf, 3, 10, 0, 0 }, { 0x07, 3, 0, 0, -512 }, { 0xb7, 4, 0, 0, 0 },
		{ 0x85, 0, 0, 0, 72 }, { 0x95, 0, 0, 0, 0 });
}

/* The block builds the key first, which takes r0, and r1 to r5 with a cookie in it. */
static void check_self(int context, int flags)
{
	static struct machine machine;
	const struct bpfasm_code *code = valid_code(arena_printf(&arena,
		"- sk_redirect_hash: { map: pairs, key: self, ctx: r%d, flags: r%d }\n- exit\n",
		context, flags));

	machine_init(&machine);
	machine.registers[context] = MACHINE_CONTEXT;
	machine_run(&machine, code);
	cr_assert_eq(machine.registers[1], MACHINE_CONTEXT, "ctx r%d", context);
	cr_assert_eq(machine.registers[4], machine_initial(flags), "flags r%d", flags);
	cr_assert_eq(machine.registers[3], MACHINE_FRAME - 512);
	cr_assert(memcmp(machine_stack(&machine, MACHINE_FRAME - 512, 8),
			  &(uint64_t){ MACHINE_COOKIE }, 8) == 0,
		"ctx r%d: the key is not the cookie", context);
}

Test(keys, self_with_flags_in_a_register_that_calls_keep)
{
	for (int flags = 6; flags <= 9; flags++)
		for (int context = 1; context <= 9; context++)
			if (context != flags)
				check_self(context, flags);
}

/* Building the key goes through r0: what is in it waits on the stack. */
Test(keys, self_with_context_or_flags_in_r0)
{
	check_self(0, 6);
	check_self(6, 0);
}

Test(keys, the_frame_is_no_context)
{
	cr_assert_null(
		any_code("- sk_redirect_hash: { map: pairs, key: self, ctx: r10 }\n- exit\n"));
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0305, BODY_LINE, 57, "\"ctx\" has to be a register, r0 to r9");
}

/* Without a cookie in it, nothing is called before the redirect. */
Test(keys, self_without_cookie_keeps_every_register)
{
	static struct machine machine;

	for (int flags = 1; flags <= 9; flags++) {
		machine_init(&machine);
		machine.registers[1] = MACHINE_CONTEXT;
		machine_run(&machine, valid_code(arena_printf(&arena,
					      "- sk_redirect_hash: { map: five, key: self, flags: "
					      "r%d }\n- exit\n",
					      flags)));
		cr_assert_eq(machine.registers[1], MACHINE_CONTEXT);
		cr_assert_eq(machine.registers[4],
			flags == 1 ? MACHINE_CONTEXT : machine_initial(flags), "r%d", flags);
	}
}

/* The call that gets the cookie loses r1 to r5, and the flags with them. */
Test(keys, self_with_flags_in_a_register_that_calls_lose)
{
	for (int flags = 1; flags <= 5; flags++)
		check_self(6, flags);
}
