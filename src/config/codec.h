/* Slices: the part of a model that one worker gets, as bytes without pointers (sealed memfd).
 * Written and read by the tables of config/schema.h, row by row as tag, length and value; the head
 * carries a fingerprint of the tables, so that bytes of another build are refused. Which parts a
 * role gets stands at the end of config/model.h. */
#ifndef LBHA_CONFIG_CODEC_H
#define LBHA_CONFIG_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "config/model.h"

struct arena;

/* The slices of `model` for all roles, in `arena`: what several of them get is encoded once and lies in the arena once. A
 * slice is its parts one after the other. */
struct slice_part {
	const uint8_t *bytes;
	size_t size;
};

struct slice {
	struct slice_part *parts;
	size_t count;
};

struct slices {
	struct slice of[ROLE_COUNT]; /* by role; empty for one that gets none */
};

/* -ENOMEM. */
int slices_encode(const struct model *model, struct arena *arena, struct slices *out);

/* One of them in one piece. -ENOMEM; -EINVAL for a role that gets none
 * (compiler). */
int slice_encode(const struct model *model, enum role role, struct arena *arena,
		 const uint8_t **bytes, size_t *size);

/* A model with the parts that the slice carries, all of it in `arena` (nothing points into
 * `bytes`). Indices, words and counts are checked: what comes out is safe to use. -EPROTO for bytes
 * of another build, -EBADMSG for malformed ones, -ENOMEM. */
int slice_decode(const void *bytes, size_t size, struct arena *arena, struct model **out);

#endif
