/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/report/report.h"

#include "lib/report/result.h"

#include <inttypes.h>
#include <string.h>

/* So that the columns of all objects of a deployment stand straight. */
static int name_width(const struct state *state)
{
	size_t width = 0;

	vec_each (map, &state->maps)
		width = strlen(map->name) > width ? strlen(map->name) : width;
	vec_each (program, &state->programs)
		width = strlen(program->name) > width ? strlen(program->name) : width;
	vec_each (attachment, &state->attachments)
		width = strlen(attachment->title) > width ? strlen(attachment->title) : width;
	return (int)(width < REPORT_NAME_WIDTH ? width : REPORT_NAME_WIDTH);
}

static void write_map(struct sink *sink, const struct state_map *map, int width)
{
	const struct map_kind *kind = map_kind_of(map->type);

	sink_open_object(sink, NULL);
	sink_string(sink, "name", map->name);
	sink_number(sink, "id", map->id);
	sink_string(sink, "type", kind ? kind->name : NULL);
	sink_number(sink, "key_size", map->key_size);
	sink_number(sink, "value_size", map->value_size);
	sink_number(sink, "max_entries", map->max_entries);
	sink_text(sink, "  %-10s  %-*s  %s, ", "map", width, map->name,
		kind ? kind->name : "a type unknown here");
	if (map->entries >= 0) {
		sink_number(sink, "entries", (uint64_t)map->entries);
		sink_text(sink, "%" PRId64 " of ", map->entries);
	} else {
		sink_string(sink, "entries", NULL);
	}
	sink_text(sink, "%u entries, id %u\n", map->max_entries, map->id);
	sink_close(sink);
}

static void write_program(struct sink *sink, const struct state_program *program, int width)
{
	char digest[17];

	snprintf(digest, sizeof(digest), "%016" PRIx64, program->digest);
	sink_open_object(sink, NULL);
	sink_string(sink, "name", program->name);
	sink_string(sink, "digest", digest);
	sink_number(sink, "id", program->id);
	sink_close(sink);
	sink_text(sink, "  %-10s  %-*s  %s, id %u\n", "program", width, program->name, digest,
		program->id);
}

static void write_attachment(struct sink *sink, const struct state *state,
	const struct state_attachment *attachment, int width)
{
	const struct state_program *running =
		state_program_with_id(state, attachment->slot.program);
	const char *program = running ? running->name : NULL;

	sink_open_object(sink, NULL);
	sink_string(sink, "name", attachment->title);
	sink_string(sink, "target", attachment->target);
	sink_string(sink, "attach_type", attachment->kind->name);
	sink_string(sink, "program", program);
	sink_number(sink, "link_id", attachment->link.id);
	sink_number(sink, "run_count", attachment->dispatcher.run_count);
	sink_number(sink, "run_nanoseconds", attachment->dispatcher.run_nanoseconds);
	sink_close(sink);
	sink_text(sink, "  %-10s  %-*s  %s", "attachment", width, attachment->title,
		program ? program : "-");
	/* Zero is also what the kernel says with kernel.bpf_stats_enabled=0. */
	if (attachment->dispatcher.run_count)
		sink_text(sink, ", %" PRIu64 " runs", attachment->dispatcher.run_count);
	sink_text(sink, "\n");
}

static const char *const remedies[REMEDY_COUNT] = {
	[REMEDY_APPLY] = "apply its manifest again",
	[REMEDY_FORCE] = "take it away, or apply its manifest with --force",
	[REMEDY_AWAY] = "take it away, or delete the deployment with --force",
	[REMEDY_CGROUP] = "make the cgroup again, or take it out of the manifest, and apply that",
	[REMEDY_DETACH] = "take that off (sockform detach --force), and apply its manifest again",
	[REMEDY_VERSION] = "use the sockform that made it",
};

const char *result_remedy_at(size_t at)
{
	return at < REMEDY_COUNT ? remedies[at] : NULL;
}

static void write_drifts(struct sink *sink, const state_drifts *drifts)
{
	sink_open_array(sink, "drift");
	vec_each (drift, drifts) {
		sink_open_object(sink, NULL);
		sink_string(sink, "object", drift->object);
		sink_string(sink, "name", drift->name);
		sink_string(sink, "reason", drift->reason);
		sink_string(sink, "remedy", remedies[drift->remedy]);
		sink_close(sink);
		sink_coloured(sink, COLOUR_RED, "  !");
		sink_text(sink, " %s ", drift->object);
		sink_foreign(sink, COLOUR_NONE, drift->name, strlen(drift->name));
		sink_text(sink, ": ");
		sink_foreign(sink, COLOUR_NONE, drift->reason, strlen(drift->reason));
		sink_text(sink, "\n");
		/* What has the same remedy stands together. */
		if (drift + 1 == drifts->items + drifts->count || drift[1].remedy != drift->remedy)
			sink_text(sink, "    %s\n", remedies[drift->remedy]);
	}
	sink_close(sink);
}

static void write_objects(struct sink *sink, const struct report_status *status)
{
	const struct state *state = status->state;
	int width = name_width(state);

	sink_open_array(sink, "maps");
	vec_each (map, &state->maps)
		write_map(sink, map, width);
	sink_close(sink);
	sink_open_array(sink, "programs");
	vec_each (program, &state->programs)
		write_program(sink, program, width);
	sink_close(sink);
	sink_open_array(sink, "attachments");
	vec_each (attachment, &state->attachments)
		if (!state_attachment_is_off(state, attachment))
			write_attachment(sink, state, attachment, width);
	sink_close(sink);
}

/* The name of a folder may hold whatever a file's name may. */
static void write_source(struct sink *sink, const char *source)
{
	sink_string(sink, "source", source);
	if (!source)
		return;
	sink_text(sink, "  %-10s  ", "source");
	sink_foreign(sink, COLOUR_NONE, source, strlen(source));
	sink_text(sink, "\n");
}

enum health {
	HEALTH_OK,
	HEALTH_DRIFTED,
	HEALTH_ABSENT,
	HEALTH_COUNT,
};

static const struct {
	const char *word;
	enum sink_colour colour;
} healths[HEALTH_COUNT] = {
	[HEALTH_OK] = { "ok", COLOUR_GREEN },
	[HEALTH_DRIFTED] = { "drifted", COLOUR_RED },
	[HEALTH_ABSENT] = { "absent", COLOUR_RED },
};

const char *result_health_at(size_t at)
{
	return at < HEALTH_COUNT ? healths[at].word : NULL;
}

static enum health health_of(const struct report_status *status)
{
	if (!status->state->exists)
		return HEALTH_ABSENT;
	return status->drifts.count ? HEALTH_DRIFTED : HEALTH_OK;
}

static void write_status(struct sink *sink, const struct report_status *status)
{
	const struct state *state = status->state;
	enum health health = health_of(status);

	sink_open_object(sink, NULL);
	sink_string(sink, "name", state->deployment);
	sink_string(sink, "status", healths[health].word);
	sink_string(sink, "layout", state->layout);
	sink_coloured(sink, COLOUR_BOLD, "%s", state->deployment);
	sink_text(sink, ": ");
	sink_coloured(sink, healths[health].colour, "%s\n", healths[health].word);
	write_source(sink, state->source);
	write_objects(sink, status);
	write_drifts(sink, &status->drifts);
	sink_close(sink);
}

void report_states(struct sink *sink, const struct report_status *states, size_t count)
{
	sink_open_object(sink, NULL);
	sink_open_array(sink, "deployments");
	for (size_t i = 0; i < count; i++)
		write_status(sink, &states[i]);
	sink_close(sink);
	sink_close(sink);
	if (!count)
		sink_text(sink, "nothing is deployed\n");
}

static void write_amount(struct sink *sink, const char *key, size_t count, const char *separator)
{
	sink_number(sink, key, count);
	/* The key is the plural; one of something loses its s. */
	sink_text(sink, "%s%zu %.*s", separator, count, (int)(strlen(key) - (count == 1)), key);
}

static void write_valid(struct sink *sink, const struct manifest *manifest)
{
	sink_open_object(sink, NULL);
	sink_string(sink, "name", manifest->name.text);
	sink_string(sink, "file", manifest->source->name);
	if (manifest->library) {
		sink_text(sink, "%s: valid, templates only, ", manifest->source->name);
		write_amount(sink, "templates", manifest->templates.count, "");
		write_amount(sink, "parameters", manifest->parameters.count, ", ");
	} else {
		sink_text(sink, "%s: valid, ", manifest->name.text);
		write_amount(sink, "maps", manifest->maps.count, "");
		write_amount(sink, "programs", manifest->programs.count, ", ");
		write_amount(sink, "attachments", manifest->attachments.count, ", ");
		write_amount(sink, "feeds", manifest->feeds.count, ", ");
	}
	sink_text(sink, "\n");
	sink_close(sink);
}

static void write_all_valid(struct sink *sink, const char *key, bool libraries,
	const struct manifest *const *manifests, size_t count)
{
	sink_open_array(sink, key);
	for (size_t i = 0; i < count; i++)
		if (manifests[i]->library == libraries)
			write_valid(sink, manifests[i]);
	sink_close(sink);
}

void report_valid(struct sink *sink, const struct manifest *const *manifests, size_t count)
{
	bool libraries = false;

	for (size_t i = 0; i < count; i++)
		libraries = libraries || manifests[i]->library;
	sink_open_object(sink, NULL);
	write_all_valid(sink, "deployments", false, manifests, count);
	if (libraries)
		write_all_valid(sink, "libraries", true, manifests, count);
	sink_close(sink);
}
