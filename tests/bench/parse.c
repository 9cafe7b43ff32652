/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The floor of `sockform validate`: `parse FILE` lets libyaml read the file and throws its events
 * away. What sockform takes longer is sockform's own cost.
 */
#include <stdio.h>
#include <yaml.h>

static int parse(yaml_parser_t *parser)
{
	int done = 0;

	while (!done) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event)) {
			fprintf(stderr, "parse: %s\n", parser->problem);
			return 1;
		}
		done = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	return 0;
}

int main(int argc, char **argv)
{
	FILE *file = argc == 2 ? fopen(argv[1], "re") : NULL;
	yaml_parser_t parser;
	int result;

	if (!file || !yaml_parser_initialize(&parser))
		return 2;
	yaml_parser_set_input_file(&parser, file);
	result = parse(&parser);
	yaml_parser_delete(&parser);
	fclose(file);
	return result;
}
