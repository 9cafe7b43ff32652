/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Each fault that decoding and resolving know, alone, at its place; and all of them in one run. */
#include "tests/unit/support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

SUITE(faults);

/* Lines of a manifest that has none; a case replaces or adds some. */
#define HEAD "sockform: v1\nname: x\n"
#define MAP HEAD "maps:\n  m: { type: sockhash, key: [cookie], max_entries: 8 }\n"
#define PROGRAM MAP "programs:\n  p: { type: sk_skb, body: [exit] }\n"
#define ATTACH(type) "  - { program: p, target: m, attach_type: " type " }\n"

static const struct {
	const char *text;
	enum diag_code code;
	uint32_t line, column;
	const char *message, *hint;
} faults[] = {
	/* keys */
	{ HEAD "mops: {}\n", DIAG_E0201, 3, 1, "a manifest has no key \"mops\"",
		"did you mean \"maps\"?" },
	{ HEAD "maps:\n  m: { typ: 1, type: sockmap, max_entries: 1 }\n", DIAG_E0201, 4, 8,
		"a map has no key \"typ\"", "did you mean \"type\"?" },
	{ "sockform: v1\n", DIAG_E0202, 1, 1, "a manifest needs \"name\" (the deployment's name)",
		NULL },
	{ "name: x\n", DIAG_E0202, 1, 1, "a manifest needs \"sockform\" (the format's version: v1)",
		NULL },
	{ HEAD "maps:\n  m: { type: sockmap }\n", DIAG_E0202, 4, 3,
		"a map needs \"max_entries\" (how many entries fit)", NULL },
	{ HEAD "maps:\n  m: { type: sockhash, max_entries: 1 }\n", DIAG_E0202, 4, 3,
		"a sockhash needs \"key\", such as [cookie], or \"key_size\"", NULL },
	/* types */
	{ HEAD "maps: [a]\n", DIAG_E0203, 3, 7, "\"maps\" has to be a mapping of names, not a list",
		NULL },
	{ HEAD "maps:\n  m: word\n", DIAG_E0203, 4, 6, "a map has to be a mapping, not text",
		NULL },
	{ HEAD "description: [a]\n", DIAG_E0203, 3, 14,
		"\"description\" has to be text, not a list", NULL },
	{ HEAD "attachments: {}\n", DIAG_E0203, 3, 14,
		"\"attachments\" has to be a list, not a mapping", NULL },
	{ HEAD "sockets: [a]\n", DIAG_E0203, 3, 11, "a feed has to be a mapping, not text", NULL },
	{ HEAD "maps:\n  m: { type: sockmap, max_entries: '5' }\n", DIAG_E0203, 4, 36,
		"\"max_entries\" has to be a whole number, not text", NULL },
	{ HEAD "maps:\n  m: { type: sockmap, max_entries: many }\n", DIAG_E0203, 4, 36,
		"\"max_entries\" has to be a whole number, not text", NULL },
	{ HEAD "maps:\n  m: { type: sockhash, key: cookie, max_entries: 1 }\n", DIAG_E0203, 4, 29,
		"\"key\" has to be a list of key fields, such as [cookie], not text", NULL },
	{ MAP "programs:\n  p: { type: sk_skb, body: exit }\n", DIAG_E0203, 6, 28,
		"\"body\" has to be a list of instructions and blocks, not text", NULL },
	{ MAP "programs:\n  p: { type: sk_skb, body: [exit, [exit]] }\n", DIAG_E0203, 6, 35,
		"an item of a body has to be an instruction or a block, not a list", NULL },
	{ MAP "programs:\n  p: { type: sk_skb, body: [{ a: {}, b: {} }] }\n", DIAG_E0203, 6, 29,
		"an item of a body has one key, the block's name; this has 2", NULL },
	{ MAP "programs:\n  p: { type: sk_skb, body: [{ mov: { dst: [r1] } }] }\n", DIAG_E0203, 6,
		43, "\"dst\" has to be a word or a number, not a list", NULL },
	/* names */
	{ "sockform: v1\nname: Ab\n", DIAG_E0204, 2, 7,
		"a deployment's name is 1 to 63 of a-z, 0-9 and -", NULL },
	{ HEAD "maps:\n  9m: { type: sockmap, max_entries: 1 }\n", DIAG_E0204, 4, 3,
		"a name here begins with a letter or _, goes on with letters, digits and _, and "
		"has at most 100 characters",
		NULL },
	{ HEAD "maps:\n  m: { type: sockmap, max_entries: 1, kernel_name: a-b }\n", DIAG_E0204, 4,
		52, "a kernel_name is 1 to 15 letters, digits, _ and .", NULL },
	{ HEAD "maps:\n  m: { type: sockmap, max_entries: 1, kernel_name: a234567890123456 }\n",
		DIAG_E0204, 4, 52, "a kernel_name is 1 to 15 letters, digits, _ and .", NULL },
	{ HEAD "maps:\n  m: { type: sockmap, max_entries: 1, kernel_name: '' }\n", DIAG_E0204, 4,
		52, "a kernel_name is 1 to 15 letters, digits, _ and .", NULL },
	{ HEAD "maps:\n  a234567890123456: { type: sockmap, max_entries: 1 }\n", DIAG_E0209, 4, 3,
		"the kernel keeps 15 characters of a name, this has 16", "give it a kernel_name" },
	{ MAP "programs:\n  a234567890123456: { type: sk_skb, body: [exit] }\n", DIAG_E0209, 6, 3,
		"the kernel keeps 15 characters of a name, this has 16", "give it a kernel_name" },
	/* numbers */
	{ HEAD "maps:\n  m: { type: sockmap, max_entries: 0 }\n", DIAG_E0205, 4, 36,
		"\"max_entries\" has to be between 1 and 4294967295", NULL },
	{ HEAD "maps:\n  m: { type: sockmap, max_entries: -1 }\n", DIAG_E0205, 4, 36,
		"\"max_entries\" has to be between 1 and 4294967295", NULL },
	{ HEAD "maps:\n  m: { type: sockmap, max_entries: 4294967296 }\n", DIAG_E0205, 4, 36,
		"\"max_entries\" has to be between 1 and 4294967295", NULL },
	{ HEAD "maps:\n  m: { type: sockmap, max_entries: 99999999999999999999 }\n", DIAG_E0205, 4,
		36, "\"max_entries\" has to be between 1 and 4294967295", NULL },
	{ HEAD "maps:\n  m: { type: sockhash, max_entries: 1, key_size: 513 }\n", DIAG_E0205, 4, 50,
		"\"key_size\" has to be between 1 and 512", NULL },
	{ HEAD "maps:\n  m: { type: sockmap, max_entries: 1, key_size: 8 }\n", DIAG_E0205, 4, 49,
		"the kernel takes only key_size 4 for a sockmap", NULL },
	{ HEAD "maps:\n  m: { type: sockmap, max_entries: 1, value_size: 5 }\n", DIAG_E0205, 4, 51,
		"a sockmap has values of 4 or 8 bytes", NULL },
	/* words */
	{ HEAD "maps:\n  m: { type: sockmop, max_entries: 1 }\n", DIAG_E0206, 4, 14,
		"no map type is called \"sockmop\"", "did you mean \"sockmap\"?" },
	{ HEAD "maps:\n  m: { type: sockhash, key: [cokie], max_entries: 1 }\n", DIAG_E0206, 4, 30,
		"no key field is called \"cokie\"", "did you mean \"cookie\"?" },
	{ "sockform: v2\nname: x\n", DIAG_E0207, 1, 11,
		"this sockform reads format v1, the manifest says \"v2\"", NULL },
	/* keys of maps */
	{ HEAD "maps:\n  m: { type: sockhash, key: [], max_entries: 1 }\n", DIAG_E0210, 4, 29,
		"a key needs at least one field", NULL },
	{ HEAD "maps:\n  m: { type: sockhash, key: [cookie, cookie], max_entries: 1 }\n",
		DIAG_E0210, 4, 38, "\"cookie\" stands twice in this key", NULL },
	{ HEAD "maps:\n  m: { type: sockhash, key: [cookie], key_size: 4, max_entries: 1 }\n",
		DIAG_E0210, 4, 49, "the key's fields make 8 bytes, key_size says 4", NULL },
	{ HEAD "maps:\n  m: { type: sockmap, key: [cookie], max_entries: 1 }\n", DIAG_E0210, 4, 28,
		"a sockmap is indexed by a number and has no key layout", NULL },
	/* references */
	{ PROGRAM "attachments:\n  - { program: q, target: m, attach_type: stream_verdict }\n",
		DIAG_E0213, 8, 16, "no program is named \"q\"", NULL },
	{ PROGRAM "attachments:\n  - { program: p, target: mm, attach_type: stream_verdict }\n",
		DIAG_E0212, 8, 27, "no map is named \"mm\"", NULL },
	{ PROGRAM "attachments:\n" ATTACH("stream_verdict") ATTACH("stream_verdict"), DIAG_E0214, 9,
		5, "\"m\" already has a stream_verdict", "the other is on line 8" },
	{ PROGRAM "attachments:\n" ATTACH("skb_verdict") ATTACH("stream_verdict"), DIAG_E0216, 8, 5,
		"\"m\" has a stream_verdict, and the kernel takes no skb_verdict beside it",
		"the stream_verdict is on line 9" },
	{ PROGRAM "attachments:\n" ATTACH("stream_parser"), DIAG_E0217, 8, 5,
		"a stream_parser without a stream_verdict on \"m\" does nothing", NULL },
	/* feeds */
	{ MAP "sockets:\n  - { accept: nowhere, into: m }\n", DIAG_E0211, 6, 15,
		"\"nowhere\" is no address: write 127.0.0.1:8080 or \"[::1]:8080\"", NULL },
	{ MAP "sockets:\n  - { accept: 1.2.3.4:5, into: n }\n", DIAG_E0212, 6, 32,
		"no map is named \"n\"", NULL },
	{ MAP "sockets:\n  - { accept: 1.2.3.4:5, into: m }\n  - { accept: 1.2.3.4:5, into: m }\n",
		DIAG_E0218, 7, 15, "another feed accepts on 1.2.3.4:5 already",
		"the other is on line 6" },
	{ HEAD "maps:\n  m: { type: sockhash, key_size: 8, max_entries: 8 }\n"
	       "sockets:\n  - { accept: 1.2.3.4:5, into: m }\n",
		DIAG_E0219, 6, 32, "\"m\" declares no key layout, so no socket has a key in it",
		"give the map a key, such as [cookie]" },
	{ HEAD "maps:\n  m: { type: sockhash, key: [remote_ip4], max_entries: 8 }\n"
	       "sockets:\n  - { accept: \"[::1]:5\", into: m }\n",
		DIAG_E0219, 6, 15, "\"m\" is keyed by IPv4 addresses, this is an IPv6 address",
		NULL },
	{ HEAD "maps:\n  m: { type: sockhash, key: [remote_port, remote_ip6], max_entries: 8 }\n"
	       "sockets:\n  - { accept: 1.2.3.4:5, into: m }\n",
		DIAG_E0219, 6, 15, "\"m\" is keyed by IPv6 addresses, this is an IPv4 address",
		NULL },
	{ HEAD "maps:\n  m: { type: sockhash, key: [remote_ip6, local_ip4], max_entries: 8 }\n"
	       "sockets:\n  - { accept: \"[::1]:5\", into: m }\n",
		DIAG_E0219, 6, 15, "\"m\" is keyed by IPv4 addresses, this is an IPv6 address",
		NULL },
	/* bodies */
	{ MAP "programs:\n  p: { type: sk_skb, body: [] }\n", DIAG_E0309, 6, 28,
		"a body needs at least one instruction", NULL },
};

Test(faults, each_stands_at_its_place)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		diagnostics = (struct diagnostics){ .arena = &arena };
		any_manifest(faults[i].text);
		cr_assert_eq(diagnostics.list.count, 1, "%s: %zu", faults[i].message,
			diagnostics.list.count);
		expect_diagnostic(
			0, faults[i].code, faults[i].line, faults[i].column, faults[i].message);
		expect_hint(0, faults[i].hint);
	}
}

Test(faults, all_of_them_in_one_run)
{
	any_manifest("sockform: v9\nname: X\nextra: 1\n"
		     "maps:\n  m: { type: nope, max_entries: 0 }\n"
		     "programs:\n  p: { type: sk_skb }\n"
		     "attachments:\n  - { program: q, target: n, attach_type: zzz }\n"
		     "sockets:\n  - { accept: x, into: y }\n");
	cr_assert_eq(diagnostics.errors, 11);
}

/* A wrong type is told once, not again by everything that refers to it. */
Test(faults, one_fault_does_not_raise_others)
{
	const struct manifest *manifest = any_manifest(
		HEAD "maps:\n  m: { type: nope, max_entries: 1 }\n"
		     "programs:\n  p: { type: nope, body: [exit] }\n"
		     "attachments:\n" ATTACH(
			     "stream_verdict") "sockets:\n  - { accept: 1.2.3.4:5, into: m }\n");

	manifest_assemble(&arena, manifest, &diagnostics);
	cr_assert_eq(diagnostics.errors, 2);
	expect_diagnostic(0, DIAG_E0206, 4, 14, "no map type is called \"nope\"");
	expect_hint(0,
		"known are sockmap, sockhash, array, hash, percpu_array, percpu_hash, lru_hash, "
		"lru_percpu_hash");
	cr_assert_eq(diagnostics.list.items[1].code, DIAG_E0206);
}

Test(faults, an_empty_body_is_told_once)
{
	const struct manifest *manifest =
		any_manifest(MAP "programs:\n  p: { type: sk_skb, body: [] }\n");

	cr_assert_null(manifest_assemble(&arena, manifest, &diagnostics)[0]);
	cr_assert_eq(diagnostics.list.count, 1);
}

/* What is left of a body that lost an item is no program. */
Test(faults, a_body_with_a_refused_item_makes_no_code)
{
	static const char *const items[] = { "[exit]", "{ a: {}, b: {} }", "~",
		"{ mov: { dst: r1, imm: [] } }" };

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		const struct manifest *manifest;

		diagnostics = (struct diagnostics){ .arena = &arena };
		manifest = any_manifest(arena_printf(&arena,
			MAP "programs:\n  p: { type: sk_skb, body: [%s, exit] }\n", items[i]));
		cr_assert_null(manifest_assemble(&arena, manifest, &diagnostics)[0]);
		cr_assert_eq(diagnostics.list.count, 1, "%s", items[i]);
	}
}

/* A map whose key was refused cannot be judged by its key; nor can what uses it. */
Test(faults, a_refused_key_is_told_once)
{
	const struct manifest *manifest =
		any_manifest(HEAD "maps:\n  m: { type: sockhash, key: [cookie, cokie], key_size: "
				  "10, max_entries: 8 }\n"
				  "programs:\n  p:\n    type: sk_skb\n"
				  "    body: [sk_redirect_hash: { map: m, key: self }, exit]\n");

	cr_assert_null(manifest_assemble(&arena, manifest, &diagnostics)[0]);
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0206);
}

/* A kernel_name that was refused is given all the same: the long name is no second fault. */
Test(faults, a_refused_kernel_name_is_told_once)
{
	any_manifest(HEAD "maps:\n  a234567890123456: { type: sockmap, max_entries: 1, "
			  "kernel_name: [] }\n");
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0203);
}

Test(faults, names_have_100_characters_at_most)
{
	const char *name = arena_printf(&arena, "%0*d", 99, 0);
	const char *format =
		HEAD "maps:\n  m%s: { type: sockmap, max_entries: 1, kernel_name: k }\n";

	valid_manifest(arena_printf(&arena, format, name));
	any_manifest(arena_printf(&arena, format, arena_printf(&arena, "%s0", name)));
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0204);
}

Test(faults, kernel_names_of_15_are_taken)
{
	const struct manifest *manifest = valid_manifest(
		HEAD "maps:\n  a23456789012345: { type: sockmap, max_entries: 1 }\n"
		     "  b: { type: sockmap, max_entries: 1, kernel_name: b2345678901.345 }\n");

	cr_assert_str_eq(manifest->maps.items[0].kernel_name_used, "a23456789012345");
	cr_assert_str_eq(manifest->maps.items[1].kernel_name_used, "b2345678901.345");
}

/* key_size may repeat what the fields make. */
Test(faults, a_key_size_that_fits_is_taken)
{
	const struct manifest *manifest =
		valid_manifest(HEAD "maps:\n  m: { type: sockhash, key: [cookie], key_size: 8, "
				    "max_entries: 1 }\n  n: { type: sockmap, key_size: 4, "
				    "max_entries: 1, value_size: 8 }\n");

	cr_assert_eq(manifest->maps.items[0].key_bytes, 8);
	cr_assert_eq(manifest->maps.items[1].key_bytes, 4);
}

/* Of a key of both families, an IPv4 socket has one. */
Test(faults, feeds_that_fit_their_keys)
{
	valid_manifest(HEAD "maps:\n"
			    "  four: { type: sockhash, key: [remote_ip4], max_entries: 8 }\n"
			    "  six: { type: sockhash, key: [remote_ip6], max_entries: 8 }\n"
			    "  both: { type: sockhash, key: [remote_ip4, remote_ip6],\n"
			    "    max_entries: 8 }\n"
			    "  none: { type: sockhash, key: [cookie], max_entries: 8 }\n"
			    "sockets:\n"
			    "  - { accept: 1.2.3.4:5, into: four }\n"
			    "  - { accept: 1.2.3.4:6, into: both }\n"
			    "  - { accept: 1.2.3.4:7, into: none }\n"
			    "  - { accept: \"[::1]:5\", into: six }\n"
			    "  - { accept: \"[::1]:6\", into: none }\n");
}

/* The same hook on two maps, and a parser beside a verdict, are no conflict. */
Test(faults, hooks_of_different_maps_are_different)
{
	valid_manifest(HEAD "maps:\n  m: { type: sockmap, max_entries: 1 }\n"
			    "  n: { type: sockmap, max_entries: 1 }\n"
			    "programs:\n  p: { type: sk_skb, body: [exit] }\n"
			    "attachments:\n" ATTACH("stream_verdict")
				    ATTACH("stream_parser") "  - { program: p, target: n, "
							    "attach_type: skb_verdict }\n");
}

Test(faults, a_file_without_manifest)
{
	manifest_list manifests = { 0 };

	manifest_load(&arena, source_of("# nothing\n"), &diagnostics, &manifests);
	cr_assert_eq(manifests.count, 0);
	expect_diagnostic(0, DIAG_E0108, 1, 1, "there is no manifest in this file");
}

static const char *in(const char *folder, const char *name, const char *text)
{
	const char *path = arena_printf(&arena, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	return path;
}

/* Three files in a new folder, which is removed again; only two of them are manifests. */
Test(faults, a_folder_means_its_yaml_files_sorted)
{
	char folder[] = "/tmp/sockform-unit-XXXXXX", *paths[] = { folder };
	manifest_list manifests = { 0 };
	const char *files[4];

	cr_assert_not_null(mkdtemp(folder));
	files[0] = in(
		folder, "b.yaml", "sockform: v1\nname: second\n---\nsockform: v1\nname: third\n");
	files[1] = in(folder, "a.yaml", "sockform: v1\nname: first\n");
	files[2] = in(folder, "c.txt", "no manifest");
	files[3] = in(folder, ".d.yaml", "no manifest");
	manifest_load_paths(&arena, paths, 1, NULL, &diagnostics, &manifests);
	for (size_t i = 0; i < 4; i++)
		unlink(files[i]);
	rmdir(folder);
	expect_no_diagnostics();
	cr_assert_eq(manifests.count, 3);
	cr_assert_str_eq(manifests.items[0]->name.text, "first");
	cr_assert_str_eq(manifests.items[1]->name.text, "second");
	cr_assert_str_eq(manifests.items[2]->name.text, "third");
}

Test(faults, two_manifests_of_one_deployment)
{
	char folder[] = "/tmp/sockform-unit-XXXXXX";
	manifest_list manifests = { 0 };
	char *paths[2];

	cr_assert_not_null(mkdtemp(folder));
	paths[0] = (char *)in(folder, "one.yaml", "sockform: v1\nname: same\n");
	paths[1] = (char *)in(folder, "two.yaml", "sockform: v1\n# two\nname: same\n");
	manifest_load_paths(&arena, paths, 2, NULL, &diagnostics, &manifests);
	unlink(paths[0]);
	unlink(paths[1]);
	rmdir(folder);
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(
		0, DIAG_E0208, 3, 7, "another manifest declares the deployment \"same\" already");
	expect_hint(0, arena_printf(&arena, "the other is at %s:2", paths[0]));
}

Test(faults, files_that_cannot_be_read)
{
	char folder[] = "/tmp/sockform-unit-XXXXXX";
	char *paths[] = { (char *)"/nowhere/x.yaml", folder, (char *)"/dev/zero" };
	manifest_list manifests = { 0 };

	cr_assert_not_null(mkdtemp(folder));
	manifest_load_paths(&arena, paths, 3, NULL, &diagnostics, &manifests);
	rmdir(folder);
	cr_assert_eq(diagnostics.list.count, 3);
	expect_diagnostic(
		0, DIAG_E0100, 0, 0, "cannot read /nowhere/x.yaml: No such file or directory");
	expect_diagnostic(
		1, DIAG_E0108, 0, 0, arena_printf(&arena, "there is no *.yaml in %s", folder));
	expect_diagnostic(
		2, DIAG_E0106, 0, 0, "/dev/zero is larger than 16 MiB, which no manifest is");
}

/* One address, spelled in two ways. */
Test(faults, feeds_on_one_address_in_two_spellings)
{
	any_manifest(MAP "sockets:\n  - { accept: 127.0.0.1:80, into: m }\n"
			 "  - { accept: 127.0.0.1:080, into: m }\n"
			 "  - { accept: \"[::1]:80\", into: m }\n"
			 "  - { accept: \"[0:0::1]:80\", into: m }\n");
	cr_assert_eq(diagnostics.list.count, 2);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0218);
	cr_assert_eq(diagnostics.list.items[1].code, DIAG_E0218);
}

/* A value that was refused for its length is not missing as well. */
/* As many maps as attachments, programs and jumps that mean one and spell it wrongly. */
static void misspell(size_t count)
{
	size_t room = count * 200 + 200;
	char *text = arena_alloc(&arena, room), *at = text;

	at += sprintf(at, HEAD "maps:\n");
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "  map_%zu: { type: sockmap, max_entries: 1 }\n", i);
	at += sprintf(at, "programs:\n  p:\n    type: sk_skb\n    body:\n");
	for (size_t i = 0; i < count; i++)
		at += sprintf(
			at, "    - r1 = mup_%zu ll\n    - 'l_%zu:'\n    - goto j_%zu\n", i, i, i);
	at += sprintf(at, "attachments:\n");
	for (size_t i = 0; i < count; i++)
		at += sprintf(
			at, "  - { program: p, target: mep_%zu, attach_type: skb_verdict }\n", i);
	cr_assert_lt(at, text + room);
	manifest_assemble(&arena, any_manifest(text), &diagnostics);
	cr_assert_eq(diagnostics.list.count, 3 * count);
}

Test(faults, thousands_of_wrong_names_take_linear_time)
{
	double times;

	misspell(10);
	for (size_t i = 0; i < 30; i++)
		cr_assert_not_null(diagnostics.list.items[i].hint);
	times = growth(misspell, 2000);
	cr_assert_lt(times, 10, "%.1f", times);
}

/* Parameters, and arguments and names of templates, likewise. */
static void misspell_in_templates(size_t count)
{
	size_t room = count * 200 + 300;
	char *text = arena_alloc(&arena, room), *at = text;

	at += sprintf(at, HEAD "params:\n");
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "  par_%zu: 1\n", i);
	at += sprintf(at, "templates:\n");
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "  tem_%zu: { body: [] }\n", i);
	at += sprintf(at, "  t:\n    body: []\n    params:\n");
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "      arg_%zu: { default: 1 }\n", i);
	at += sprintf(at, "programs:\n  p:\n    type: sk_skb\n    body:\n      - t:\n");
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "          erg_%zu: 1\n", i);
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "      - r1 = ${por_%zu}\n      - tam_%zu\n", i, i);
	cr_assert_lt(at, text + room);
	manifest_assemble(&arena, any_manifest(text), &diagnostics);
	cr_assert_eq(diagnostics.list.count, 3 * count);
}

Test(faults, thousands_of_wrong_names_in_templates_take_linear_time)
{
	double times;

	misspell_in_templates(10);
	for (size_t i = 0; i < 30; i++)
		cr_assert_not_null(diagnostics.list.items[i].hint);
	times = growth(misspell_in_templates, 2000);
	cr_assert_lt(times, 10, "%.1f", times);
}

static void load_valid(size_t count)
{
	size_t room = count * 400 + 200;
	char *text = arena_alloc(&arena, room), *at = text;
	const struct manifest *manifest;
	const struct bpfasm_code **codes;

	at += sprintf(at, HEAD "maps:\n");
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "  m%zu: { type: sockhash, key: [cookie], max_entries: 1 }\n", i);
	at += sprintf(at, "programs:\n");
	for (size_t i = 0; i < count; i++)
		at += sprintf(at,
			"  p%zu:\n    type: sk_skb\n    body:\n"
			"      - sk_redirect_hash: { map: m%zu, key: self, on_miss: out }\n"
			"      - |\n        r0 += 0\n        goto out\n      - 'out:'\n      - "
			"exit\n",
			i, i);
	at += sprintf(at, "attachments:\n");
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "  - { program: p%zu, target: m%zu, attach_type: skb_verdict }\n",
			i, i);
	cr_assert_lt(at, text + room);
	manifest = valid_manifest(text);
	codes = manifest_assemble(&arena, manifest, &diagnostics);
	cr_assert_not_null(codes[count - 1]);
	manifest_lint(&arena, manifest, codes, &diagnostics);
}

Test(faults, thousands_of_programs_take_linear_time)
{
	double times = growth(load_valid, 2000);

	cr_assert_lt(times, 10, "%.1f", times);
}

Test(faults, a_value_that_is_too_long_is_told_once)
{
	any_manifest(arena_printf(&arena, HEAD "description: %070000d\n", 0));
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0106);
}
