/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside the room: tags. What a value is, its spelling and its place say; a tag would have to change
 * that, and to be passed over in silence is the last thing that `!env PORT` means. So a tag is
 * refused, but for those of YAML's core schema (YAML 1.2.2, 10.3) that say what the value is anyway.
 */
#pragma once

#include "lib/yaml/node.h"

/* Whether a tag, as libyaml resolved it, says of a node what that is anyway. */
bool tag_agrees(const char *tag, const struct yaml_node *node);

/* Whether the core schema has it. */
bool tag_is_core(const char *tag);

/* What to write in place of a tag that does not. */
const char *tag_advice(const char *tag);
