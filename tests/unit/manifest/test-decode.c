/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* From nodes to typed values. */
#include "tests/unit/support.h"

#include "lib/manifest/tables.h"

#include <arpa/inet.h>
#include <string.h>

SUITE(decode);

static const char full[] =
	"sockform: v1\n"                                                            /* 1 */
	"name: local-proxy\n"                                                       /* 2 */
	"description: free text\n"                                                  /* 3 */
	"maps:\n"                                                                   /* 4 */
	"  pairs:\n"                                                                /* 5 */
	"    type: sockhash\n"                                                      /* 6 */
	"    key: [local_ip4, local_port, cookie]\n"                                /* 7 */
	"    max_entries: 0x10000\n"                                                /* 8 */
	"  by_index: { type: sockmap, max_entries: 256, value_size: 4 }\n"          /* 9 */
	"  raw: { type: sockhash, key_size: 20, max_entries: 4294967295 }\n"        /* 10 */
	"  a_name_of_16_chr: { type: sockmap, max_entries: 1, kernel_name: n.1 }\n" /* 11 */
	"programs:\n"                                                               /* 12 */
	"  parser:\n"                                                               /* 13 */
	"    type: sk_skb\n"                                                        /* 14 */
	"    license: Dual MIT/GPL\n"                                               /* 15 */
	"    body: [exit]\n"                                                        /* 16 */
	"  verdict:\n"                                                              /* 17 */
	"    type: sk_skb\n"                                                        /* 18 */
	"    kernel_name: other\n"                                                  /* 19 */
	"    body:\n"                                                               /* 20 */
	"      - sk_redirect_hash: { map: pairs, key: self }\n"                     /* 21 */
	"      - exit_insn:\n"                                                      /* 22 */
	"      - |\n"                                                               /* 23 */
	"        r0 = 1\n"                                                          /* 24 */
	"        exit\n"                                                            /* 25 */
	"attachments:\n"                                                            /* 26 */
	"  - { program: parser, target: by_index, attach_type: stream_parser }\n"   /* 27 */
	"  - { program: verdict, target: by_index, attach_type: stream_verdict }\n" /* 28 */
	"  - { program: verdict, target: pairs, attach_type: skb_verdict }\n"       /* 29 */
	"sockets:\n"                                                                /* 30 */
	"  - accept: 127.0.0.1:7007\n"                                              /* 31 */
	"    into: pairs\n"                                                         /* 32 */
	"  - { accept: \"[::1]:80\", into: by_index }\n";                           /* 33 */

static void expect_text(
	const struct manifest_text *is, const char *text, uint32_t line, uint32_t column)
{
	cr_assert_str_eq(is->text, text);
	cr_assert_eq(is->mark.line, line, "%s", text);
	cr_assert_eq(is->mark.column, column, "%s", text);
}

static void expect_number(const struct manifest_number *is, uint64_t value)
{
	cr_assert(is->given);
	cr_assert_eq(is->value, value);
}

Test(decode, head)
{
	const struct manifest *manifest = valid_manifest(full);

	expect_text(&manifest->version, "v1", 1, 11);
	expect_text(&manifest->name, "local-proxy", 2, 7);
	expect_text(&manifest->description, "free text", 3, 14);
	cr_assert_null(manifest->self.text);
	cr_assert_str_eq(manifest->source->name, "t.yaml");
	cr_assert_eq(manifest->maps.count, 4);
	cr_assert_eq(manifest->programs.count, 2);
	cr_assert_eq(manifest->attachments.count, 3);
	cr_assert_eq(manifest->feeds.count, 2);
}

Test(decode, maps_as_written)
{
	const struct manifest_map *maps = valid_manifest(full)->maps.items;

	expect_text(&maps[0].self, "pairs", 5, 3);
	cr_assert_eq(maps[0].type.row, map_kind_named("sockhash"));
	expect_number(&maps[0].max_entries, 65536);
	expect_mark(maps[0].max_entries.mark, 8, 18, 7);
	cr_assert_eq(maps[0].key.layout.count, 3);
	cr_assert_eq(maps[0].key.layout.fields[0], KEY_LOCAL_IP4);
	cr_assert_eq(maps[0].key.layout.fields[1], KEY_LOCAL_PORT);
	cr_assert_eq(maps[0].key.layout.fields[2], KEY_COOKIE);
	cr_assert_eq(maps[0].key.layout.size, 14);
	cr_assert_eq(maps[0].key.mark.line, 7);
	cr_assert(!maps[0].key_size.given);
	expect_text(&maps[1].self, "by_index", 9, 3);
	expect_number(&maps[1].value_size, 4);
	expect_number(&maps[2].key_size, 20);
	expect_number(&maps[2].max_entries, UINT32_MAX);
	expect_text(&maps[3].kernel_name, "n.1", 11, 67);
}

Test(decode, maps_as_resolved)
{
	static const struct {
		const char *type;
		uint32_t key_bytes, value_bytes;
		const char *kernel_name;
	} expected[] = {
		{ "sockhash", 14, 8, "pairs" },
		{ "sockmap", 4, 4, "by_index" },
		{ "sockhash", 20, 8, "raw" },
		{ "sockmap", 4, 8, "n.1" },
	};
	const struct manifest *manifest = valid_manifest(full);

	for (size_t i = 0; i < 4; i++) {
		const struct manifest_map *map = &manifest->maps.items[i];

		cr_assert_str_eq(map->kind->name, expected[i].type);
		cr_assert_eq(map->key_bytes, expected[i].key_bytes);
		cr_assert_eq(map->value_bytes, expected[i].value_bytes);
		cr_assert_str_eq(map->kernel_name_used, expected[i].kernel_name);
		cr_assert_eq(name_index_find(&manifest->map_names, map->self.text), i);
		cr_assert_eq(manifest->symbols[i].key_size, expected[i].key_bytes);
		cr_assert_str_eq(manifest->symbols[i].name, map->self.text);
		cr_assert_eq(manifest->symbols[i].kind, map->kind);
		cr_assert_eq(manifest->symbols[i].key.count, map->key.layout.count);
	}
	cr_assert_eq(name_index_find(&manifest->map_names, "parser"), NAME_ABSENT);
}

Test(decode, programs)
{
	const struct manifest *manifest = valid_manifest(full);
	const struct manifest_program *programs = manifest->programs.items;

	expect_text(&programs[0].self, "parser", 13, 3);
	expect_text(&programs[0].license, "Dual MIT/GPL", 15, 14);
	cr_assert_str_eq(programs[0].kernel_name_used, "parser");
	expect_text(&programs[1].self, "verdict", 17, 3);
	cr_assert_str_eq(programs[1].license.text, "GPL");
	cr_assert_str_eq(programs[1].kernel_name_used, "other");
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(programs[i].kind, program_kind_named("sk_skb"));
		cr_assert_eq(name_index_find(&manifest->program_names, programs[i].self.text), i);
	}
}

static void expect_argument(
	const struct bpfasm_argument *is, const char *name, const char *text, uint32_t column)
{
	cr_assert_str_eq(is->name, name);
	cr_assert_str_eq(is->text, text);
	expect_mark(is->name_mark, 21, column, (uint32_t)strlen(name));
	expect_mark(is->mark, 21, column + (uint32_t)strlen(name) + 2, (uint32_t)strlen(text));
}

Test(decode, body)
{
	const bpfasm_body *body = &valid_manifest(full)->programs.items[1].body;

	cr_assert_eq(body->count, 3);
	cr_assert_str_eq(body->items[0].block, "sk_redirect_hash");
	expect_mark(body->items[0].mark, 21, 9, 16);
	cr_assert_eq(body->items[0].arguments.count, 2);
	expect_argument(&body->items[0].arguments.items[0], "map", "pairs", 29);
	expect_argument(&body->items[0].arguments.items[1], "key", "self", 41);
	cr_assert_str_eq(body->items[1].block, "exit_insn");
	cr_assert_eq(body->items[1].arguments.count, 0);
	cr_assert_null(body->items[2].block);
	cr_assert_str_eq(body->items[2].text, "r0 = 1\nexit\n");
	cr_assert_eq(body->items[2].scalar->style, YAML_LITERAL);
}

Test(decode, attachments_and_their_positions)
{
	static const struct {
		const char *program, *target, *type;
		size_t program_at, target_at;
	} expected[] = {
		{ "parser", "by_index", "stream_parser", 0, 1 },
		{ "verdict", "by_index", "stream_verdict", 1, 1 },
		{ "verdict", "pairs", "skb_verdict", 1, 0 },
	};
	const struct manifest *manifest = valid_manifest(full);

	for (size_t i = 0; i < 3; i++) {
		const struct manifest_attachment *is = &manifest->attachments.items[i];

		cr_assert_eq(is->self.mark.line, 27 + i);
		cr_assert_eq(is->self.mark.column, 5);
		cr_assert_str_eq(is->program.text, expected[i].program);
		cr_assert_str_eq(is->target.text, expected[i].target);
		cr_assert_eq(is->kind, attach_kind_named(expected[i].type));
		cr_assert_eq(is->program_at, expected[i].program_at);
		cr_assert_eq(is->target_at, expected[i].target_at);
	}
}

Test(decode, feeds)
{
	const struct manifest_feed *feeds = valid_manifest(full)->feeds.items;

	cr_assert_str_eq(feeds[0].accept.text, "127.0.0.1:7007");
	cr_assert_eq(feeds[0].accept.ip4.sin_family, AF_INET);
	cr_assert_eq(feeds[0].accept.ip4.sin_port, htons(7007));
	cr_assert_eq(feeds[0].accept.length, sizeof(struct sockaddr_in));
	expect_mark(feeds[0].accept.mark, 31, 13, 14);
	cr_assert_eq(feeds[0].into_at, 0);
	cr_assert_eq(feeds[1].accept.ip6.sin6_family, AF_INET6);
	cr_assert_eq(feeds[1].into_at, 1);
}

Test(decode, assembles_each_program)
{
	const struct manifest *manifest =
		valid_manifest("sockform: v1\n"
			       "name: two\n"
			       "programs:\n"
			       "  parser:\n"
			       "    type: sk_skb\n"
			       "    license: Dual MIT/GPL\n"
			       "    body: [r0 = 0, exit]\n"
			       "  verdict: { type: sk_skb, body: [sk_skb_pass] }\n");
	const struct bpfasm_code **codes = manifest_assemble(&arena, manifest, &diagnostics);

	expect_no_diagnostics();
	EXPECT_CODE(codes[0], { 0xb7, 0, 0, 0, 0 }, { 0x95, 0, 0, 0, 0 });
	cr_assert_str_eq(codes[0]->license, "Dual MIT/GPL");
	cr_assert_str_eq(codes[1]->name, "verdict");
	cr_assert_str_eq(codes[1]->license, "GPL");
	cr_assert_eq(codes[1]->mark.line, 8);
}

Test(decode, deployment_names)
{
	char longest[65];

	memset(longest, 'a', 64);
	longest[63] = '\0';
	cr_assert(manifest_is_deployment_name("a"));
	cr_assert(manifest_is_deployment_name("local-proxy-2"));
	cr_assert(manifest_is_deployment_name("0"));
	cr_assert(manifest_is_deployment_name(longest));
	longest[63] = 'a';
	longest[64] = '\0';
	cr_assert(!manifest_is_deployment_name(longest));
	cr_assert(!manifest_is_deployment_name(""));
	cr_assert(!manifest_is_deployment_name("A"));
	cr_assert(!manifest_is_deployment_name("a_b"));
	cr_assert(!manifest_is_deployment_name("a/b"));
	cr_assert(!manifest_is_deployment_name(".."));
	cr_assert(!manifest_is_deployment_name("a b"));
}

/* host:port or [host]:port, the port 1 to 65535. */
static const struct {
	const char *text;
	int family; /* 0: none */
	uint16_t port;
	const char *host;
} addresses[] = {
	{ "127.0.0.1:80", AF_INET, 80, "127.0.0.1" },
	{ "0.0.0.0:65535", AF_INET, 65535, "0.0.0.0" },
	{ "255.255.255.255:1", AF_INET, 1, "255.255.255.255" },
	{ "[::1]:80", AF_INET6, 80, "::1" },
	{ "[::]:1", AF_INET6, 1, "::" },
	{ "[2001:db8:0:0:0:0:0:1]:443", AF_INET6, 443, "2001:db8::1" },
	{ "[::ffff:192.0.2.1]:443", AF_INET6, 443, "::ffff:192.0.2.1" },
	{ "[1111:2222:3333:4444:5555:6666:255.255.255.255]:9", AF_INET6, 9,
		"1111:2222:3333:4444:5555:6666:ffff:ffff" },
	{ "127.0.0.1:0", 0 },
	{ "127.0.0.1:65536", 0 },
	{ "127.0.0.1:165536", 0 },
	{ "127.0.0.1:99999999999", 0 },
	{ "127.0.0.1:-1", 0 },
	{ "127.0.0.1:+1", 0 },
	{ "127.0.0.1:8o", 0 },
	{ "127.0.0.1: 80", 0 },
	{ "127.0.0.1:", 0 },
	{ "127.0.0.1", 0 },
	{ "127.0.0:80", 0 },
	{ "127.0.0.1.1:80", 0 },
	{ "256.0.0.1:80", 0 },
	{ " 127.0.0.1:80", 0 },
	{ "localhost:80", 0 },
	{ ":80", 0 },
	{ ":", 0 },
	{ "", 0 },
	{ "::1:80", 0 },
	{ "::1", 0 },
	{ "[::1]80", 0 },
	{ "[::1]", 0 },
	{ "[::1:80", 0 },
	{ "::1]:80", 0 },
	{ "[]:80", 0 },
	{ "[:80", 0 },
	{ "[::g]:80", 0 },
	{ "[127.0.0.1]:80", 0 },
	{ "[::1%lo]:80", 0 },
	{ "[[::1]]:80", 0 },
	{ "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]:9", 0 },
};

Test(decode, addresses)
{
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct manifest_address address = { 0 };
		bool known = !manifest_parse_address(addresses[i].text, &address);
		char host[INET6_ADDRSTRLEN] = "";

		cr_assert_eq(known, addresses[i].family != 0, "\"%s\"", addresses[i].text);
		if (!known)
			continue;
		cr_assert_eq(address.any.sa_family, addresses[i].family, "%s", addresses[i].text);
		if (addresses[i].family == AF_INET) {
			cr_assert_eq(address.length, sizeof(struct sockaddr_in));
			cr_assert_eq(ntohs(address.ip4.sin_port), addresses[i].port);
			inet_ntop(AF_INET, &address.ip4.sin_addr, host, sizeof(host));
		} else {
			cr_assert_eq(address.length, sizeof(struct sockaddr_in6));
			cr_assert_eq(ntohs(address.ip6.sin6_port), addresses[i].port);
			inet_ntop(AF_INET6, &address.ip6.sin6_addr, host, sizeof(host));
		}
		cr_assert_str_eq(host, addresses[i].host);
	}
}

Test(decode, addresses_say_what_is_wrong)
{
	struct manifest_address address = { 0 };

	cr_assert_str_eq(manifest_parse_address("127.0.0.1:0", &address), "a port is 1 to 65535");
	cr_assert_str_eq(manifest_parse_address("[::1]:65536", &address), "a port is 1 to 65535");
	cr_assert_str_eq(manifest_parse_address("localhost:80", &address),
		"write 127.0.0.1:8080 or \"[::1]:8080\"");
	cr_assert_str_eq(manifest_parse_address("127.0.0.1:http", &address),
		"write 127.0.0.1:8080 or \"[::1]:8080\"");
}
