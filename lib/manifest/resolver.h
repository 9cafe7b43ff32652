/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside the room: what resolving the parts of a manifest shares. */
#pragma once

#include "lib/manifest/tables.h"

struct resolver {
	struct arena *arena;
	struct diagnostics *diagnostics;
	struct manifest *manifest;
	uint64_t entry_bytes; /* of the keys and values of initial entries so far */
};

/* A name the kernel can keep: what kernel_name says, or the object's own. */
const char *resolve_kernel_name(const struct resolver *resolver, const struct manifest_text *self,
	const struct manifest_text *kernel_name);

/* Position of what a reference names, or NAME_ABSENT and a diagnostic. */
size_t resolve_reference(const struct resolver *resolver, const char *what, enum diag_code code,
	const struct name_index *index, const struct manifest_text *reference);
size_t resolve_map_reference(
	const struct resolver *resolver, const struct manifest_text *reference);

/* E0226 for each flag that the type does not take. `table` for the hint. */
void resolve_flags(const struct resolver *resolver, const struct manifest_flags *flags,
	const char *holder, const struct flag_kind *table, size_t count, uint32_t type);

/* maps.c */
void resolve_maps(struct resolver *resolver);

/* values.c: the bytes of an initial entry, E0225 where they cannot be made */
void resolve_entry(const struct resolver *resolver, const struct manifest_map *map,
	struct manifest_entry *entry);

/* attachments.c */
void resolve_attachments(const struct resolver *resolver);
