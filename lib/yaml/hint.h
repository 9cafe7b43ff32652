/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside the room: what YAML takes for something else, and complains of in words that do not help. */
#pragma once

#include "lib/base/source.h"

/* What was meant, by the line in which libyaml found a fault; NULL: who knows. */
const char *hint_of_syntax(const struct mark *mark);
