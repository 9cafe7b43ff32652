/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/yaml/hint.h"

#include "lib/yaml/guard.h"

#include <string.h>

/* Where a line has these characters outside of quotes and comments; NULL: nowhere. */
static const char *find_bare(const char *line, const char *end, const char *what)
{
	char quote = 0, before = ' ';

	for (const char *at = line; at < end; before = *at++) {
		if (quote) {
			if (quote == '"' && *at == '\\' && end - at > 1)
				at++;
			else if (*at == quote)
				quote = 0;
		} else if (*at == '#' && strchr(" \t", before)) {
			return NULL;
		} else if (strncmp(at, what, strlen(what)) == 0) {
			return at;
		} else if (strchr("'\"", *at) && strchr(" \t[{,", before)) {
			quote = *at;
		}
	}
	return NULL;
}

/* A "${" without a name and "}" behind it. */
static bool has_open_parameter(const char *line, const char *end)
{
	while ((line = find_bare(line, end, "${"))) {
		size_t name = parameter_name_length(line += 2);

		if (!name || line[name] != '}')
			return true;
	}
	return false;
}

const char *hint_of_syntax(const struct mark *mark)
{
	size_t length;
	const char *line = source_line(mark->source, mark->line, &length), *at;

	if (!line)
		return NULL;
	if (find_bare(line, line + length, "[:"))
		return "an IPv6 address needs quotes: \"[::1]:80\"";
	at = mark->source->text + source_offset(mark);
	if (at < line + length && *at == '\t')
		return "YAML indents with blanks, not with tabs";
	if (at > line && at[-1] == '*' && at < line + length && *at == '(')
		return "an instruction that begins with * needs quotes";
	if (has_open_parameter(line, line + length))
		return "a parameter is ${ and a name and }, or the value needs quotes";
	return NULL;
}
