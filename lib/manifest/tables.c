/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/manifest/tables.h"

#define WORDS(kind, described)                                                                     \
	static const void *kind##_row(const char *word)                                            \
	{                                                                                          \
		return kind##_named(word);                                                         \
	}                                                                                          \
	static const char *kind##_name_at(size_t i)                                                \
	{                                                                                          \
		size_t count;                                                                      \
		const struct kind *table = kind##s(&count);                                        \
		return i < count ? table[i].name : NULL;                                           \
	}                                                                                          \
	static const struct word_table kind##_words = { described, kind##_row, kind##_name_at };

WORDS(map_kind, "map type")
WORDS(program_kind, "program type")
WORDS(attach_kind, "attach type")

#define AT(type, member) .offset = offsetof(struct type, member)
#define RECORD(name, described, type, table)                                                       \
	const struct manifest_record name = { described, sizeof(struct type), table,               \
		sizeof(table) / sizeof((table)[0]) };

static const struct manifest_field map_fields[] = {
	{ "type", FIELD_CHOICE, true, AT(manifest_map, type), "what kind of map",
		.words = &map_kind_words },
	{ "key", FIELD_KEY, false, AT(manifest_map, key),
		"the key's layout: named fields in order; key_size follows from it" },
	{ "key_size", FIELD_NUMBER, false, AT(manifest_map, key_size), "bytes of a key", .least = 1,
		.most = 512 },
	{ "value_size", FIELD_NUMBER, false, AT(manifest_map, value_size),
		"bytes of a value: 8 (default) makes entries readable, 4 does not", .least = 1,
		.most = UINT32_MAX },
	{ "max_entries", FIELD_NUMBER, true, AT(manifest_map, max_entries), "how many entries fit",
		.least = 1, .most = UINT32_MAX },
	{ "kernel_name", FIELD_TEXT, false, AT(manifest_map, kernel_name),
		"the name in the kernel, where the map's own is longer than 15 characters" },
};
static RECORD(record_map, "a map", manifest_map, map_fields)

	static const struct manifest_field program_fields[] = {
		{ "type", FIELD_CHOICE, true, AT(manifest_program, type), "what kind of program",
			.words = &program_kind_words },
		{ "license", FIELD_TEXT, false, AT(manifest_program, license),
			"the licence that the kernel is told; GPL" },
		{ "kernel_name", FIELD_TEXT, false, AT(manifest_program, kernel_name),
			"the name in the kernel, where the program's own is longer than 15 "
			"characters" },
		{ "body", FIELD_BODY, true, AT(manifest_program, body),
			"the instructions: assembly, and blocks with their arguments" },
	};
static RECORD(record_program, "a program", manifest_program, program_fields)

	static const struct manifest_field attachment_fields[] = {
		{ "program", FIELD_REFERENCE, true, AT(manifest_attachment, program),
			"the program that is to run" },
		{ "target", FIELD_REFERENCE, true, AT(manifest_attachment, target),
			"the map on whose sockets it runs" },
		{ "attach_type", FIELD_CHOICE, true, AT(manifest_attachment, attach_type),
			"at which hook", .words = &attach_kind_words },
	};
static RECORD(record_attachment, "an attachment", manifest_attachment, attachment_fields)

	static const struct manifest_field feed_fields[] = {
		{ "accept", FIELD_ADDRESS, true, AT(manifest_feed, accept),
			"listen here, and put each accepted socket into the map" },
		{ "into", FIELD_REFERENCE, true, AT(manifest_feed, into),
			"the map: a sockhash takes the socket under its own key, a sockmap at the "
			"lowest "
			"free index" },
	};
static RECORD(record_feed, "a feed", manifest_feed, feed_fields)

	static const struct manifest_field manifest_fields[] = {
		{ "sockform", FIELD_VERSION, true, AT(manifest, version),
			"the format's version: v1" },
		{ "name", FIELD_NAME, true, AT(manifest, name), "the deployment's name" },
		{ "description", FIELD_TEXT, false, AT(manifest, description), "free text" },
		{ "maps", FIELD_NAMED, false, AT(manifest, maps), "maps by name",
			.record = &record_map },
		{ "programs", FIELD_NAMED, false, AT(manifest, programs), "programs by name",
			.record = &record_program },
		{ "attachments", FIELD_LIST, false, AT(manifest, attachments),
			"which program runs where", .record = &record_attachment },
		{ "sockets", FIELD_LIST, false, AT(manifest, feeds), "how sockets enter the maps",
			.record = &record_feed },
	};
RECORD(manifest_record_manifest, "a manifest", manifest, manifest_fields)
