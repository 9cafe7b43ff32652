/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "json.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* Each of these returns what follows the thing it names, or NULL when that is not there. */
static const char *json_value(const char *at);

static const char *json_space(const char *at)
{
	return at ? at + strspn(at, " \t\r\n") : NULL;
}

static const char *json_escape(const char *at)
{
	if (*at != 'u')
		return *at && strchr("\"\\/bfnrt", *at) ? at + 1 : NULL;
	for (int i = 1; i <= 4; i++) {
		if (!isxdigit((unsigned char)at[i]))
			return NULL;
	}
	return at + 5;
}

static const char *json_string(const char *at)
{
	if (*at++ != '"')
		return NULL;
	while (at && *at != '"') {
		if ((unsigned char)*at < 0x20)
			return NULL;
		at = *at == '\\' ? json_escape(at + 1) : at + 1;
	}
	return at ? at + 1 : NULL;
}

static const char *json_digits(const char *at)
{
	size_t count = strspn(at, "0123456789");

	return count ? at + count : NULL;
}

static const char *json_number(const char *at)
{
	at += *at == '-';
	at = *at == '0' ? at + 1 : json_digits(at);
	if (at && *at == '.')
		at = json_digits(at + 1);
	if (at && (*at == 'e' || *at == 'E'))
		at = json_digits(at + 1 + (at[1] == '+' || at[1] == '-'));
	return at;
}

static const char *json_member(const char *at)
{
	at = json_space(json_string(at));
	return at && *at == ':' ? json_value(at + 1) : NULL;
}

/* The inside of an object or an array, to its end. */
static const char *json_list(const char *at, const char *(*item)(const char *at), char end)
{
	at = json_space(at);
	if (*at == end)
		return at + 1;
	for (;;) {
		at = json_space(item(json_space(at)));
		if (!at || (*at != ',' && *at != end))
			return NULL;
		if (*at++ == end)
			return at;
	}
}

static const char *json_word(const char *at)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strncmp(at, words[i], strlen(words[i])))
			return at + strlen(words[i]);
	}
	return NULL;
}

static const char *json_value(const char *at)
{
	at = json_space(at);
	if (*at == '{')
		return json_list(at + 1, json_member, '}');
	if (*at == '[')
		return json_list(at + 1, json_value, ']');
	if (*at == '"')
		return json_string(at);
	if (*at == '-' || isdigit((unsigned char)*at))
		return json_number(at);
	return json_word(at);
}

bool json_valid(const char *text)
{
	const char *end = json_space(json_value(text));

	return end && !*end;
}
