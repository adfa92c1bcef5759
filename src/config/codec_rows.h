/* What both halves of the codec know of a slice. Nobody else includes it. */
#ifndef LBHA_CONFIG_CODEC_ROWS_H
#define LBHA_CONFIG_CODEC_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/model.h"
#include "config/schema.h"

#define SLICE_MAGIC 0x4c424853 /* "LBHS" */

/* Set inside the objects of the model: there all rows go to whoever gets the object, but secrets. */
#define SLICE_INSIDE (1u << 31)

/* Whether a row is in the slice of `role`, a set of 1 << enum role with SLICE_INSIDE or without. */
static inline bool slice_has_row(const struct schema_field *field, uint32_t role)
{
	if (field->flags & FIELD_SECRET)
		return role & (1u << ROLE_VRRP);
	return (role & SLICE_INSIDE) || (field->roles & role);
}

static inline bool role_has_slice(unsigned role)
{
	return role < ROLE_COUNT && role != ROLE_COMPILER;
}

#endif
