/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Key layouts: named fields in order, packed, that make up a map's key.
 *
 * One declaration makes both sides of a key: what a program builds on its stack for `key: self` and
 * `key: peer`, and what user space writes when it puts a socket in. Both read the table of fields,
 * so byte order cannot differ between them: addresses and ports are in network order, the rest in
 * the host's.
 */
#pragma once

#include "lib/base/diag.h"

#include <linux/bpf.h>

#define KEY_MAX_FIELDS 16
#define KEY_MAX_BYTES 64

enum key_field_id {
	KEY_COOKIE,
	KEY_NETNS_COOKIE,
	KEY_FAMILY,
	KEY_LOCAL_IP4,
	KEY_REMOTE_IP4,
	KEY_LOCAL_IP6,
	KEY_REMOTE_IP6,
	KEY_LOCAL_PORT,
	KEY_REMOTE_PORT,
	KEY_FIELD_COUNT,
};

/* How a field is read in a program, and written by user space. */
enum key_field_form {
	KEY_FORM_NUMBER,  /* host order */
	KEY_FORM_ADDRESS, /* bytes as on the wire */
	KEY_FORM_PORT,    /* network order */
};

struct key_field {
	const char *name;
	uint32_t size; /* bytes in the key */
	enum key_field_form form;
	const char *context;    /* the context's field, or the first of its words; NULL: a helper */
	int32_t helper;         /* that returns it */
	uint32_t program_types; /* bit per enum bpf_prog_type that can read it; 0: all */
	enum key_field_id peer; /* what it is on the other side; KEY_FIELD_COUNT: cannot be told */
	const char *doc;
};

extern const struct key_field key_fields[KEY_FIELD_COUNT];

/* count 0: the map has no layout, keys are numbers or raw bytes. */
struct key_layout {
	enum key_field_id fields[KEY_MAX_FIELDS];
	uint32_t count;
	uint32_t size; /* bytes, the sum of the fields */
};

/* The field of that name, or KEY_FIELD_COUNT. */
enum key_field_id key_field_named(const char *name);

/* "[cookie]", "[local_ip4, local_port]": as the manifest writes it. */
const char *key_layout_text(struct arena *arena, const struct key_layout *layout);
