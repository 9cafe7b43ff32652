/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Is a text one JSON value (RFC 8259), and nothing more than that? */
#pragma once

#include <stdbool.h>

bool json_valid(const char *text);
