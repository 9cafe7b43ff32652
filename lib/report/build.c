/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/report/report.h"

#include "lib/bpfasm/listing.h"

#include <inttypes.h>
#include <string.h>

/* Characters of a line of the manifest that fit behind its number on a line of 80. */
#define LINE_MAX_SHOWN 72

/* A program while it is listed. */
struct listing {
	struct sink *sink;
	struct arena *arena;
	const struct manifest *manifest;
	const struct bpfasm_code *code;
	size_t relocation;                  /* the next one */
	const struct bpfasm_origin *origin; /* of the instruction before; NULL at the first */
};

/* Two digits a byte, in the order of memory. */
static const char *hexadecimal(struct arena *arena, const struct bpf_insn *first, size_t count)
{
	const unsigned char *bytes = (const unsigned char *)first;
	size_t length = count * sizeof(*first);
	char *text = arena_alloc(arena, length * 2 + 1);

	for (size_t i = 0; i < length; i++) {
		text[i * 2] = "0123456789abcdef"[bytes[i] >> 4];
		text[i * 2 + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	return text;
}

/* The name of the map that the instruction at `address` loads; NULL for none. */
static const char *take_map(struct listing *listing, uint32_t address)
{
	const struct bpfasm_code *code = listing->code;
	size_t at = listing->relocation;

	if (at == code->relocations.count || code->relocations.items[at].instruction != address)
		return NULL;
	listing->relocation++;
	return listing->manifest->symbols[code->relocations.items[at].map].name;
}

static bool same_line(const struct bpfasm_origin *a, const struct bpfasm_origin *b)
{
	return a->mark.source == b->mark.source && a->mark.line == b->mark.line;
}

/* The line, or as much of it as there is room for. */
static void write_shortened(struct sink *sink, const char *line)
{
	size_t length = strlen(line), shown = 0;
	bool fits = count_characters(line, length) <= LINE_MAX_SHOWN;

	for (int i = 3; !fits && i < LINE_MAX_SHOWN; i++)
		shown += character_length(line + shown, length - shown);
	sink_foreign(sink, COLOUR_NONE, line, fits ? length : shown);
	sink_text(sink, fits ? "\n" : "...\n");
}

/* The line of the manifest, below the name of its file where that is not the one of before. */
static void write_line(const struct listing *listing, const struct bpfasm_origin *origin)
{
	const struct source *source = origin->mark.source;
	const struct source *before =
		listing->origin ? listing->origin->mark.source : listing->manifest->source;

	if (source && source != before) {
		sink_text(listing->sink, "  ");
		sink_foreign(listing->sink, COLOUR_NONE, source->name, strlen(source->name));
		sink_text(listing->sink, "\n");
	}
	sink_text(listing->sink, "%5u | ", origin->mark.line);
	write_shortened(listing->sink, source_line_trimmed(listing->arena, &origin->mark));
}

static void write_instruction_text(
	const struct listing *listing, uint32_t address, const char *text, const char *block)
{
	const struct bpf_insn *instruction = &listing->code->instructions.items[address];
	int64_t target = listing_target(instruction, address);

	if (target >= 0)
		text = arena_printf(listing->arena, "%s # %" PRId64, text, target);
	if (block)
		sink_text(listing->sink, "%11u  %-36s  %s\n", address, text, block);
	else
		sink_text(listing->sink, "%11u  %s\n", address, text);
}

static void write_instruction(struct listing *listing, uint32_t address)
{
	const struct bpf_insn *instruction = &listing->code->instructions.items[address];
	const struct bpfasm_origin *origin = &listing->code->origins.items[address];
	const char *map = take_map(listing, address);
	const char *text = listing_text(listing->arena, instruction, map);
	bool new_line = !listing->origin || !same_line(listing->origin, origin);
	bool new_block = new_line || origin->block != listing->origin->block;

	if (new_line)
		write_line(listing, origin);
	write_instruction_text(
		listing, address, text ? text : "?", new_block ? origin->block : NULL);
	listing->origin = origin;
	sink_open_object(listing->sink, NULL);
	sink_number(listing->sink, "address", address);
	sink_string(listing->sink, "file", origin->mark.source ? origin->mark.source->name : NULL);
	sink_number(listing->sink, "line", origin->mark.line);
	sink_number(listing->sink, "column", origin->mark.column);
	sink_string(listing->sink, "block", origin->block);
	sink_string(listing->sink, "text", text);
	sink_string(listing->sink, "bytes",
		hexadecimal(listing->arena, instruction, listing_slots(instruction)));
	sink_close(listing->sink);
}

static void write_relocations(const struct listing *listing)
{
	sink_open_array(listing->sink, "relocations");
	vec_each (relocation, &listing->code->relocations) {
		sink_open_object(listing->sink, NULL);
		sink_number(listing->sink, "address", relocation->instruction);
		sink_string(listing->sink, "map", listing->manifest->symbols[relocation->map].name);
		sink_close(listing->sink);
	}
	sink_close(listing->sink);
}

static void write_head(struct sink *sink, const struct bpfasm_code *code)
{
	char digest[17];

	snprintf(digest, sizeof(digest), "%016" PRIx64, code->digest);
	sink_string(sink, "name", code->name);
	sink_string(sink, "type", code->kind->name);
	sink_string(sink, "license", code->license);
	sink_string(sink, "digest", digest);
	sink_text(sink, "  %-10s  %s  %s, ", "program", code->name, code->kind->name);
	sink_foreign(sink, COLOUR_NONE, code->license, strlen(code->license));
	sink_text(sink, ", %zu instruction%s, %s\n", code->instructions.count,
		code->instructions.count == 1 ? "" : "s", digest);
}

static void write_program(
	struct sink *sink, const struct manifest *manifest, const struct bpfasm_code *code)
{
	struct arena arena = { 0 };
	struct listing listing = {
		.sink = sink,
		.arena = &arena,
		.manifest = manifest,
		.code = code,
	};
	uint32_t address = 0;

	sink_open_object(sink, NULL);
	write_head(sink, code);
	sink_open_array(sink, "instructions");
	while (address < code->instructions.count) {
		write_instruction(&listing, address);
		address += listing_slots(&code->instructions.items[address]);
	}
	sink_close(sink);
	write_relocations(&listing);
	sink_string(sink, "bytes",
		hexadecimal(&arena, code->instructions.items, code->instructions.count));
	sink_close(sink);
	arena_finish(&arena);
}

/* What relocations name: who loads the bytes has to make them. */
static void write_maps(struct sink *sink, const struct manifest *manifest)
{
	sink_open_array(sink, "maps");
	vec_each (map, &manifest->maps) {
		sink_open_object(sink, NULL);
		sink_string(sink, "name", map->self.text);
		sink_string(sink, "type", map->kind->name);
		sink_number(sink, "key_size", map->key_bytes);
		sink_number(sink, "value_size", map->value_bytes);
		sink_number(sink, "max_entries", map->max_entries.value);
		sink_close(sink);
	}
	sink_close(sink);
}

void report_builds(struct sink *sink, const struct report_build *builds, size_t count)
{
	sink_open_object(sink, NULL);
	sink_open_array(sink, "deployments");
	for (size_t i = 0; i < count; i++) {
		const struct manifest *manifest = builds[i].manifest;

		sink_open_object(sink, NULL);
		sink_string(sink, "name", manifest->name.text);
		sink_string(sink, "file", manifest->source->name);
		sink_text(sink, "%s", i ? "\n" : "");
		sink_coloured(sink, COLOUR_BOLD, "%s", manifest->name.text);
		sink_text(sink, "%s\n", manifest->programs.count ? "" : ": no programs");
		write_maps(sink, manifest);
		sink_open_array(sink, "programs");
		for (size_t at = 0; at < manifest->programs.count; at++) {
			sink_text(sink, "%s", at ? "\n" : "");
			write_program(sink, manifest, builds[i].codes[at]);
		}
		sink_close(sink);
		sink_close(sink);
	}
	sink_close(sink);
	sink_close(sink);
}
