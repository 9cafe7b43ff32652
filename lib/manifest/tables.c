/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/manifest/tables.h"

#define WORDS(kind, type, described, offered)                                                      \
	static const void *kind##_row(const char *word)                                            \
	{                                                                                          \
		return kind##_named(word);                                                         \
	}                                                                                          \
	static const char *kind##_name_at(size_t i)                                                \
	{                                                                                          \
		size_t count;                                                                      \
		const struct type *table = kind##s(&count);                                        \
		return i < count ? table[i].name : NULL;                                           \
	}                                                                                          \
	static const char *kind##_doc_at(size_t i)                                                 \
	{                                                                                          \
		size_t count;                                                                      \
		return kind##s(&count)[i].doc;                                                     \
	}                                                                                          \
	static const struct word_table kind##_words = { described, kind##_row, kind##_name_at,     \
		kind##_doc_at, offered };

static bool is_map_flag_offered(size_t i)
{
	size_t count;

	return !map_flags(&count)[i].instead;
}

static bool is_attach_flag_offered(size_t i)
{
	size_t count;

	return !attach_flags(&count)[i].instead;
}

WORDS(map_kind, map_kind, "map type", NULL)
WORDS(program_kind, program_kind, "program type", NULL)
WORDS(attach_kind, attach_kind, "attach type", NULL)
WORDS(map_flag, flag_kind, "flag of a map", is_map_flag_offered)
WORDS(attach_flag, flag_kind, "flag of an attachment", is_attach_flag_offered)
WORDS(bpfasm_parameter_kind, bpfasm_parameter_kind, "kind of parameter", NULL)

#define AT(type, member) .offset = offsetof(struct type, member)
#define RECORD(name, described, doc, type, table)                                                  \
	const struct manifest_record name = { described, doc, sizeof(struct type), table,          \
		sizeof(table) / sizeof((table)[0]) }

static const struct manifest_field entry_fields[] = {
	{ "key", FIELD_VALUE, true, AT(manifest_entry, key),
		"a number, the map's key fields as a mapping, or bytes as a list or \"0x01:02\"" },
	{ "value", FIELD_VALUE, true, AT(manifest_entry, value),
		"a number, or bytes as a list or \"0x01:02\"; per-processor maps get it for each" },
};
static RECORD(record_entry, "an entry", "an entry that a new map begins with", manifest_entry,
	entry_fields);

static const struct manifest_field map_fields[] = {
	{ "type", FIELD_CHOICE, true, AT(manifest_map, type), "what kind of map",
		.words = &map_kind_words },
	{ "key", FIELD_KEY, false, AT(manifest_map, key),
		"the key's layout: its fields in order, without gaps; key_size follows "
		"from it" },
	{ "key_size", FIELD_NUMBER, false, AT(manifest_map, key_size),
		"bytes of a key, where no layout says so", .least = 1, .most = 512 },
	{ "value_size", FIELD_NUMBER, false, AT(manifest_map, value_size),
		"bytes of a value; of sockets 8 (default), or 4, which cannot be read back",
		.least = 1, .most = INT32_MAX },
	{ "max_entries", FIELD_NUMBER, true, AT(manifest_map, max_entries), "how many entries fit",
		.least = 1, .most = UINT32_MAX },
	{ "kernel_name", FIELD_NAME, false, AT(manifest_map, kernel_name),
		"the name in the kernel, where the map's own is longer than 15 characters",
		.rule = &name_in_kernel },
	{ "flags", FIELD_FLAGS, false, AT(manifest_map, flags),
		"flags of the map: a word, a list of words or a number", .words = &map_flag_words },
	{ "numa_node", FIELD_NUMBER, false, AT(manifest_map, numa_node),
		"the NUMA node whose memory the map takes; the kernel tells only whether "
		"there is "
		"one, so another number changes nothing of a map that is there",
		.least = 0, .most = 1023 },
	{ "entries", FIELD_LIST, false, AT(manifest_map, entries),
		"initial entries, written when the map is made and before anything is "
		"attached; "
		"those of a map that is there already are left alone",
		.record = &record_entry },
};
static RECORD(record_map, "a map",
	"a map that is created, and pinned where applications can open it", manifest_map,
	map_fields);

static const struct manifest_field program_fields[] = {
	{ "type", FIELD_CHOICE, true, AT(manifest_program, type), "what kind of program",
		.words = &program_kind_words },
	{ "license", FIELD_TEXT, false, AT(manifest_program, license),
		"the licence that the kernel is told; it keeps some helpers for GPL",
		.preset = "GPL" },
	{ "kernel_name", FIELD_NAME, false, AT(manifest_program, kernel_name),
		"the name in the kernel, where the program's own is longer than 15 "
		"characters",
		.rule = &name_in_kernel },
	{ "body", FIELD_BODY, true, AT(manifest_program, body),
		"the instructions: assembly, and blocks with their arguments" },
};
static RECORD(record_program, "a program",
	"a program that is loaded; an attachment says where it runs", manifest_program,
	program_fields);

static const struct manifest_field attachment_fields[] = {
	{ "program", FIELD_REFERENCE, true, AT(manifest_attachment, program),
		"the program that is to run" },
	{ "target", FIELD_TARGET, true, AT(manifest_attachment, target),
		"the map on whose sockets it runs; for sock_ops a cgroup's path, / for "
		"all" },
	{ "attach_type", FIELD_CHOICE, true, AT(manifest_attachment, attach_type),
		"the hook that it runs at", .words = &attach_kind_words },
	{ "flags", FIELD_FLAGS, false, AT(manifest_attachment, flags),
		"flags of the attachment, which only cgroups take: a word, a list of words "
		"or a number",
		.words = &attach_flag_words },
	{ "replace", FIELD_HELD_BY, false, AT(manifest_attachment, replace),
		"the program, by its id or by the path of its pin, that somebody else "
		"attached there and whose place this takes" },
};
static RECORD(record_attachment, "an attachment",
	"a program that runs on the sockets of a map, or for those of a cgroup",
	manifest_attachment, attachment_fields);

static const struct manifest_field feed_fields[] = {
	{ "accept", FIELD_ADDRESS, true, AT(manifest_feed, accept),
		"the address to listen on, such as 127.0.0.1:8080; each accepted socket "
		"enters the map" },
	{ "into", FIELD_REFERENCE, true, AT(manifest_feed, into),
		"the map: a sockhash takes the socket under its own key, a sockmap at the "
		"lowest free index" },
};
static RECORD(record_feed, "a feed",
	"a rule by which sockets enter a map while `sockform run` serves", manifest_feed,
	feed_fields);

static const struct manifest_field parameter_fields[] = {
	{ "kind", FIELD_CHOICE, false, AT(manifest_template_parameter, kind),
		"what an argument may be; any text without it",
		.words = &bpfasm_parameter_kind_words },
	{ "default", FIELD_TEXT, false, AT(manifest_template_parameter, standard),
		"what it is where no argument is given; without it one has to be" },
	{ "doc", FIELD_TEXT, false, AT(manifest_template_parameter, doc),
		"free text for whoever uses the template" },
};
static RECORD(record_parameter, "a parameter", "what a use of the template can set",
	manifest_template_parameter, parameter_fields);

static const struct manifest_field template_fields[] = {
	{ "doc", FIELD_TEXT, false, AT(manifest_template, doc),
		"free text for whoever uses the template" },
	{ "params", FIELD_NAMED, false, AT(manifest_template, parameters),
		"its parameters, each under its name, ${name} in the body", .rule = &name_of_object,
		.record = &record_parameter },
	{ "body", FIELD_RAW_BODY, true, AT(manifest_template, body),
		"what it stands for: assembly, and blocks with their arguments" },
};
static RECORD(record_template, "a template", "a block of the manifest's own", manifest_template,
	template_fields);

static const struct manifest_field manifest_fields[] = {
	{ "sockform", FIELD_VERSION, true, AT(manifest, version), "the format's version: v1",
		.place = PLACE_ANY, .early = true },
	{ "name", FIELD_NAME, true, AT(manifest, name), "the deployment's name",
		.rule = &name_of_deployment },
	{ "description", FIELD_TEXT, false, AT(manifest, description),
		"free text for whoever reads the manifest", .place = PLACE_ANY },
	{ "include", FIELD_INCLUDE, false, AT(manifest, includes),
		"files whose templates and parameters are used here, by their paths from "
		"this file",
		.place = PLACE_LIBRARY, .early = true },
	{ "params", FIELD_PARAMS, false, AT(manifest, parameters),
		"parameters by name with their values, ${name} in all values below",
		.place = PLACE_LIBRARY, .early = true },
	{ "templates", FIELD_NAMED, false, AT(manifest, templates),
		"blocks of this manifest's own, each under its name", .rule = &name_of_object,
		.record = &record_template, .place = PLACE_LIBRARY },
	{ "maps", FIELD_NAMED, false, AT(manifest, maps), "the maps, each under its name",
		.rule = &name_of_object, .record = &record_map },
	{ "programs", FIELD_NAMED, false, AT(manifest, programs),
		"the programs, each under its name", .rule = &name_of_object,
		.record = &record_program },
	{ "attachments", FIELD_LIST, false, AT(manifest, attachments),
		"which program runs on which map or cgroup, and at which hook",
		.record = &record_attachment },
	{ "sockets", FIELD_LIST, false, AT(manifest, feeds),
		"how sockets enter the maps while `sockform run` serves", .record = &record_feed },
};
RECORD(manifest_record_manifest, "a manifest",
	"one deployment: maps, programs, where they are attached and how sockets enter the maps",
	manifest, manifest_fields);
