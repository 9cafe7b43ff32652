/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the fault matrix plays. */
#pragma once

#include "matrix-check.h"

#define SCENES 7

void scenes_write(const struct ground *ground, struct scene ret[SCENES]);
