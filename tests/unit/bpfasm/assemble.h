/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Assembly text alone: what a program's end, its data flow and its type are checked for is not. */
#pragma once

#include "tests/unit/support.h"

#include "lib/bpfasm/assembler.h"

/* The map's name is "pairs". What is wrong goes to `diagnostics`, and the code is what was read. */
const struct bpfasm_code *assemble_text(const char *text);

/* A scalar of a YAML file, so that faults and instructions have their places. */
const struct bpfasm_code *assemble_scalar(const struct yaml_node *scalar);

/* Text, where nothing is wrong. */
const struct bpfasm_code *assemble_valid(const char *text);

/* All instructions as text, a line each. */
const char *list_code(const struct bpfasm_code *code);
