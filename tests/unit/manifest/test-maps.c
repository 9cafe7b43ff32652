/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Flags and initial entries of maps: the bytes that come out, and what is refused. */
#include "tests/unit/support.h"

#include <linux/bpf.h>
#include <string.h>

SUITE(maps);

#define HEAD "sockform: v1\nname: x\nmaps:\n"

/* The entry of a map "m" with that type line; NULL bytes are checked by the test. */
static const struct manifest_entry *entry_of(const char *map, const char *entry)
{
	const struct manifest *manifest = any_manifest(arena_printf(
		&arena, HEAD "  m: { %s, max_entries: 8, entries: [%s] }\n", map, entry));

	cr_assert_eq(manifest->maps.items[0].entries.count, 1);
	return &manifest->maps.items[0].entries.items[0];
}

static void expect_bytes(const unsigned char *bytes, const char *expected, size_t count)
{
	cr_assert_not_null(bytes);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(bytes[i], (unsigned char)expected[i], "byte %zu is %02x, not %02x", i,
			bytes[i], (unsigned char)expected[i]);
}

#define EXPECT(bytes, expected) expect_bytes(bytes, expected, sizeof(expected) - 1)

/* x86-64 and arm64 are little endian, as is every machine that these tests have met. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "expectations are little endian");

static const struct {
	const char *map, *key;
	size_t count;
	const char *bytes;
} keys[] = {
	{ "type: hash, value_size: 1, key_size: 4", "258", 4, "\x02\x01\x00\x00" },
	{ "type: hash, value_size: 1, key_size: 1", "255", 1, "\xff" },
	{ "type: hash, value_size: 1, key_size: 1", "-128", 1, "\x80" },
	{ "type: hash, value_size: 1, key_size: 3", "0x030201", 3, "\x01\x02\x03" },
	{ "type: hash, value_size: 1, key_size: 8", "0xffffffffffffffff", 8,
		"\xff\xff\xff\xff\xff\xff\xff\xff" },
	{ "type: hash, value_size: 1, key_size: 8", "-2", 8, "\xfe\xff\xff\xff\xff\xff\xff\xff" },
	{ "type: hash, value_size: 1, key_size: 18", "1", 18,
		"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" },
	{ "type: hash, value_size: 1, key_size: 18", "-1", 18,
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" },
	{ "type: hash, value_size: 1, key_size: 3", "0x0a:0B:ff", 3, "\x0a\x0b\xff" },
	{ "type: hash, value_size: 1, key_size: 3", "'0x0a:0B:ff'", 3, "\x0a\x0b\xff" },
	{ "type: hash, value_size: 1, key_size: 1", "'0x0a'", 1, "\x0a" },
	{ "type: hash, value_size: 1, key_size: 2", "[1, 0xff]", 2, "\x01\xff" },
	{ "type: array, value_size: 1", "7", 4, "\x07\0\0\0" },
	/* the only field of a key knows its byte order */
	{ "type: hash, value_size: 1, key: [local_port]", "8080", 2, "\x1f\x90" },
	{ "type: hash, value_size: 1, key: [remote_ip4]", "10.1.2.3", 4, "\x0a\x01\x02\x03" },
	{ "type: hash, value_size: 1, key: [cookie]", "1", 8, "\x01\0\0\0\0\0\0\0" },
	{ "type: hash, value_size: 1, key: [local_port]", "[1, 2]", 2, "\x01\x02" },
	{ "type: hash, value_size: 1, key: [family]", "inet", 2, "\x02\0" },
	/* fields in the order of the layout, whatever the order they are written in */
	{ "type: hash, value_size: 1, key: [family, remote_ip4, remote_port]",
		"{ remote_port: 80, family: inet6, remote_ip4: 127.0.0.1 }", 8,
		"\x0a\0\x7f\0\0\x01\0\x50" },
	{ "type: hash, value_size: 1, key: [local_ip6, local_port]",
		"{ local_ip6: '2001:db8::1', local_port: 65535 }", 18,
		"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff" },
	{ "type: hash, value_size: 1, key: [remote_ip4, remote_port]", "0x01:02:03:04:05:06", 6,
		"\x01\x02\x03\x04\x05\x06" },
};

Test(maps, keys_as_bytes)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct manifest_entry *entry = entry_of(
			keys[i].map, arena_printf(&arena, "{ key: %s, value: 1 }", keys[i].key));

		expect_no_diagnostics();
		expect_bytes(entry->key.bytes, keys[i].bytes, keys[i].count);
	}
}

Test(maps, values_as_bytes)
{
	EXPECT(entry_of("type: array, value_size: 2", "{ key: 0, value: 513 }")->value.bytes,
		"\x01\x02");
	EXPECT(entry_of("type: array, value_size: 3", "{ key: 0, value: [9, 8, 7] }")->value.bytes,
		"\x09\x08\x07");
	EXPECT(entry_of("type: array, value_size: 2", "{ key: 0, value: 0x01:02 }")->value.bytes,
		"\x01\x02");
	/* a key's layout says nothing of the value */
	EXPECT(entry_of("type: hash, key: [local_port], value_size: 2", "{ key: 1, value: 1 }")
			->value.bytes,
		"\x01\x00");
	expect_no_diagnostics();
}

/* What stands in the place of an entry's key, of a map of that type. */
static const struct {
	const char *map, *key, *message;
} faults[] = {
	{ "type: hash, value_size: 1, key_size: 1", "256",
		"256 does not fit into a key of 1 byte" },
	{ "type: hash, value_size: 1, key_size: 1", "-129",
		"-129 does not fit into a key of 1 byte" },
	{ "type: hash, value_size: 1, key_size: 4", "0x100000000",
		"0x100000000 does not fit into a key of 4 bytes" },
	{ "type: hash, value_size: 1, key_size: 8", "0x10000000000000000",
		"0x10000000000000000 does not fit into a key of 8 bytes" },
	{ "type: hash, value_size: 1, key_size: 8", "-9223372036854775809",
		"-9223372036854775809 does not fit into a key of 8 bytes" },
	{ "type: hash, value_size: 1, key_size: 16", "99999999999999999999999999",
		"99999999999999999999999999 does not fit into a key of 16 bytes" },
	{ "type: hash, value_size: 1, key_size: 3", "0x01:02",
		"a key of \"m\" has 3 bytes, this has 2" },
	{ "type: hash, value_size: 1, key_size: 1", "0x01:02:03:04",
		"a key of \"m\" has 1 byte, this has 4" },
	{ "type: hash, value_size: 1, key_size: 3", "[1, 2]",
		"a key of \"m\" has 3 bytes, this has 2" },
	{ "type: hash, value_size: 1, key_size: 3", "[]",
		"a key of \"m\" has 3 bytes, this has 0" },
	{ "type: hash, value_size: 1, key_size: 2", "[1, 256]",
		"a byte is a number from 0 to 255" },
	{ "type: hash, value_size: 1, key_size: 2", "[1, '2']",
		"a byte is a number from 0 to 255" },
	{ "type: hash, value_size: 1, key_size: 2", "[1, -1]", "a byte is a number from 0 to 255" },
	{ "type: hash, value_size: 1, key_size: 2", "'0x1:2'",
		"a key of \"m\" has to be a number, a list of 2 bytes or text such as "
		"\"0x01:02\"" },
	{ "type: hash, value_size: 1, key_size: 2", "'0x01:'",
		"a key of \"m\" has to be a number, a list of 2 bytes or text such as "
		"\"0x01:02\"" },
	{ "type: hash, value_size: 1, key_size: 2", "'17'",
		"a key of \"m\" has to be a number, a list of 2 bytes or text such as "
		"\"0x01:02\"" },
	{ "type: hash, value_size: 1, key_size: 2", "{ local_port: 1 }",
		"a key of \"m\" has to be a number, a list of 2 bytes or text such as "
		"\"0x01:02\"" },
	{ "type: array, value_size: 1", "8", "index 8 is out of range: \"m\" has max_entries 8" },
	{ "type: array, value_size: 1", "-1",
		"index 4294967295 is out of range: \"m\" has max_entries 8" },
	{ "type: percpu_array, value_size: 1", "8",
		"index 8 is out of range: \"m\" has max_entries 8" },
	{ "type: hash, value_size: 1, key: [local_port]", "65536",
		"\"local_port\" has to be a port, 0 to 65535" },
	{ "type: hash, value_size: 1, key: [local_port]", "-1",
		"\"local_port\" has to be a port, 0 to 65535" },
	{ "type: hash, value_size: 1, key: [local_port]", "http",
		"\"local_port\" has to be a port, 0 to 65535" },
	{ "type: hash, value_size: 1, key: [local_ip4]", "10.0.0",
		"\"local_ip4\" has to be an address such as 127.0.0.1" },
	{ "type: hash, value_size: 1, key: [local_ip4]", "'::1'",
		"\"local_ip4\" has to be an address such as 127.0.0.1" },
	{ "type: hash, value_size: 1, key: [local_ip6]", "10.0.0.1",
		"\"local_ip6\" has to be an address such as \"::1\"" },
	{ "type: hash, value_size: 1, key: [cookie]", "inet",
		"\"cookie\" has to be a number of 8 bytes" },
	{ "type: hash, value_size: 1, key: [family]", "inet4",
		"\"family\" has to be inet, inet6 or a number" },
	{ "type: hash, value_size: 1, key: [local_ip4, local_port]", "80",
		"a key of \"m\" has to be a mapping of its fields, [local_ip4, local_port]" },
	{ "type: hash, value_size: 1, key: [local_ip4, local_port]", "{ local_port: 80 }",
		"this key lacks \"local_ip4\"" },
	{ "type: hash, value_size: 1, key: [local_ip4]", "{ local_ip4: [1] }",
		"\"local_ip4\" has to be an address such as 127.0.0.1" },
	{ "type: hash, value_size: 1, key: [local_port]", "{ local_port: 1, local_prt: 2 }",
		"the key of \"m\" has no field \"local_prt\"" },
};

Test(maps, keys_that_are_none)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		diagnostics = (struct diagnostics){ .arena = &arena };
		entry_of(faults[i].map,
			arena_printf(&arena, "{ key: %s, value: 1 }", faults[i].key));
		cr_assert_eq(diagnostics.list.count, 1, "%s: %zu", faults[i].key,
			diagnostics.list.count);
		cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0225);
		cr_assert_str_eq(diagnostics.list.items[0].message, faults[i].message);
		cr_assert_eq(diagnostics.list.items[0].mark.line, 4);
	}
}

static void expect_map_fault(enum diag_code code, const char *map, const char *message)
{
	diagnostics = (struct diagnostics){ .arena = &arena };
	any_manifest(arena_printf(&arena, HEAD "  m: { %s }\n", map));
	cr_assert_eq(diagnostics.list.count, 1, "%s: %zu", map, diagnostics.list.count);
	cr_assert_eq(diagnostics.list.items[0].code, code, "%s: %s", map,
		diagnostics.list.items[0].message);
	cr_assert_str_eq(diagnostics.list.items[0].message, message);
}

Test(maps, entries_that_a_map_cannot_hold)
{
	expect_map_fault(DIAG_E0225,
		"type: sockmap, max_entries: 1, entries: [{ key: 0, value: 0 }]",
		"a sockmap takes no initial entries: its values are sockets of processes that run");
	expect_map_fault(DIAG_E0225,
		"type: hash, key_size: 1, value_size: 1, max_entries: 1, "
		"entries: [{ key: 0, value: 0 }, { key: 1, value: 0 }]",
		"\"m\" has max_entries 1, and 2 initial entries");
	expect_map_fault(DIAG_E0225,
		"type: hash, key_size: 1, value_size: 1, max_entries: 4, "
		"entries: [{ key: 255, value: 0 }, { key: -1, value: 0 }]",
		"this key stands twice in \"m\"");
	expect_hint(0, "the other is on line 4");
	expect_map_fault(DIAG_E0202,
		"type: hash, key_size: 1, value_size: 1, max_entries: 1, entries: [{ key: 0 }]",
		"an entry needs \"value\" (a number, or bytes as a list or \"0x01:02\"; "
		"per-processor maps get it for each)");
	expect_map_fault(DIAG_E0203,
		"type: array, value_size: 1, max_entries: 1, entries: [{ key: 0, value: ~ }]",
		"\"value\" has to be a number, bytes or fields, not nothing");
	expect_map_fault(DIAG_E0203, "type: array, value_size: 1, max_entries: 1, entries: {}",
		"\"entries\" has to be a list, not a mapping");
}

/* A size or a layout that was refused is told once; nothing is encoded by it. */
Test(maps, one_fault_of_a_map_raises_none_of_its_entries)
{
	expect_map_fault(DIAG_E0206,
		"type: hash, key: [cokie], value_size: 1, max_entries: 1, "
		"entries: [{ key: 0, value: 0 }]",
		"no key field is called \"cokie\"");
	expect_map_fault(DIAG_E0202,
		"type: hash, key_size: 2, max_entries: 1, entries: [{ key: 0, value: 0 }]",
		"a hash needs \"value_size\", the bytes of a value");
	expect_map_fault(DIAG_E0205,
		"type: array, value_size: 1, max_entries: 0, entries: [{ key: 0, value: 0 }]",
		"\"max_entries\" has to be between 1 and 4294967295");
}

static uint32_t bits_of(const char *map)
{
	return valid_manifest(arena_printf(&arena, HEAD "  m: { %s, max_entries: 1 }\n", map))
		->maps.items[0]
		.flag_bits;
}

Test(maps, flags_in_every_form)
{
	cr_assert_eq(bits_of("type: hash, key_size: 1, value_size: 1, flags: no_prealloc"), 1);
	cr_assert_eq(bits_of("type: hash, key_size: 1, value_size: 1, flags: [no_prealloc, "
			     "rdonly_prog]"),
		0x81);
	cr_assert_eq(bits_of("type: hash, key_size: 1, value_size: 1, flags: 0x81"), 0x81);
	cr_assert_eq(bits_of("type: hash, key_size: 1, value_size: 1, flags: [1, 0x40]"), 0x41);
	cr_assert_eq(
		bits_of("type: lru_hash, key_size: 1, value_size: 1, flags: no_common_lru"), 2);
	cr_assert_eq(bits_of("type: array, value_size: 1, flags: [mmapable, inner_map]"), 0x1400);
	cr_assert_eq(bits_of("type: sockmap, flags: 0"), 0);
	cr_assert_eq(bits_of("type: sockmap, flags: []"), 0);
	cr_assert_eq(bits_of("type: sockmap, numa_node: 0"), 4);
	cr_assert_eq(bits_of("type: array, value_size: 1, numa_node: 3, flags: mmapable"), 0x404);
}

Test(maps, flags_that_are_refused)
{
	expect_map_fault(DIAG_E0226, "type: array, value_size: 1, max_entries: 1, flags: zero_seed",
		"the kernel takes no flag \"zero_seed\" for maps of type array");
	expect_hint(
		0, "flags of maps of type array: rdonly_prog, wronly_prog, mmapable, inner_map");
	expect_map_fault(DIAG_E0226, "type: sockmap, max_entries: 1, flags: 1",
		"the kernel takes no flag \"no_prealloc\" for maps of type sockmap");
	expect_hint(0, "flags of maps of type sockmap: none");
	expect_map_fault(DIAG_E0226, "type: sockmap, max_entries: 1, flags: 0x80000000",
		"no flag of a map has the bit 0x80000000");
	expect_map_fault(DIAG_E0226, "type: sockmap, max_entries: 1, flags: rdonly",
		"\"rdonly\" is no flag that a manifest can give");
	expect_map_fault(DIAG_E0226, "type: sockmap, max_entries: 1, flags: 4",
		"\"numa_node\" is no flag that a manifest can give");
	expect_hint(0, "write numa_node: N");
	expect_map_fault(DIAG_E0226,
		"type: percpu_array, value_size: 1, max_entries: 1, numa_node: 0",
		"the kernel takes no numa_node for maps of type percpu_array");
	expect_map_fault(DIAG_E0226,
		"type: array, value_size: 1, max_entries: 1, flags: [rdonly_prog, wronly_prog]",
		"the kernel does not take \"rdonly_prog\" and \"wronly_prog\" together");
	expect_map_fault(DIAG_E0226,
		"type: lru_hash, key_size: 1, value_size: 1, max_entries: 1, "
		"flags: no_common_lru, numa_node: 0",
		"the kernel does not take \"no_common_lru\" and \"numa_node\" together");
}

Test(maps, flags_that_are_none)
{
	/* Words that are known to be refused are neither listed nor suggested. */
	expect_map_fault(DIAG_E0206, "type: sockmap, max_entries: 1, flags: rdonyl",
		"no flag of a map is called \"rdonyl\"");
	expect_hint(0, "known are no_prealloc, no_common_lru, zero_seed, rdonly_prog, wronly_prog, "
		       "mmapable, inner_map");
	expect_map_fault(DIAG_E0206, "type: sockmap, max_entries: 1, flags: numa_nod",
		"no flag of a map is called \"numa_nod\"");
	expect_map_fault(DIAG_E0226, "type: sockmap, max_entries: 1, flags: rdonly",
		"\"rdonly\" is no flag that a manifest can give");
	expect_map_fault(DIAG_E0203, "type: sockmap, max_entries: 1, flags: {}",
		"\"flags\" has to be a number, a word or a list of words, not a mapping");
	expect_map_fault(DIAG_E0203, "type: sockmap, max_entries: 1, flags: [[1]]",
		"a flag has to be a word or a number, not a list");
	expect_map_fault(DIAG_E0205, "type: sockmap, max_entries: 1, flags: -1",
		"\"flags\" has to be between 0 and 4294967295");
	expect_map_fault(DIAG_E0205, "type: sockmap, max_entries: 1, flags: 4294967296",
		"\"flags\" has to be between 0 and 4294967295");
	expect_map_fault(DIAG_E0205, "type: sockmap, max_entries: 1, numa_node: 1024",
		"\"numa_node\" has to be between 0 and 1023");
}

/* Seen on 6.18, each with BPF_MAP_CREATE, and one byte more refused. */
Test(maps, values_may_be_as_large_as_the_kernel_takes)
{
	valid_manifest(
		HEAD "  a: { type: array, value_size: 2147483647, max_entries: 1 }\n"
		     "  b: { type: hash, key_size: 4, value_size: 4194251, max_entries: 1 }\n"
		     "  c: { type: hash, key_size: 512, value_size: 4193743, max_entries: 1 }\n"
		     "  d: { type: percpu_array, value_size: 32768, max_entries: 1 }\n"
		     "  e: { type: percpu_hash, key_size: 512, value_size: 32768, "
		     "max_entries: 1 }\n");
}
