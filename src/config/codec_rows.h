/* What both halves of the codec know of a slice. Nobody else includes it. The same few kinds of records come
 * many thousand times, so what the tables say of their rows is worked out once per slice. */
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
		return field->roles & role;
	return (role & SLICE_INSIDE) || (field->roles & role);
}

#define SLICE_WORD_BITS 64

struct arena;

struct slice_row {
	const struct schema_field *field;
	struct slice_kind *kind;  /* of the record that it holds; NULL: not met yet */
	uint64_t words;           /* TYPE_WORDS: all of them or-ed; TYPE_WORD: their values as bits */
	bool has_large;           /* a word with a value that `words` has no bit for */
	bool may_come, must_come; /* when it applies */
	bool is_plain;            /* one number from `low` to `high`, and that is all */
	uint64_t low, high;
};

/* A record as the slice of some roles has it. */
struct slice_kind {
	struct slice_kind *next;
	const struct schema_record *record;
	const struct schema_field *discriminator;
	uint32_t role; /* as above */
	struct slice_row rows[];
};

/* All that were met; `first` begins as NULL. */
struct slice_kinds {
	struct arena *arena;
	struct slice_kind *first;
};

/* NULL when out of memory. */
struct slice_kind *slice_kind(struct slice_kinds *kinds, const struct schema_record *record, uint32_t role);

/* The kind of the records that a row of `kind` holds. */
static inline struct slice_kind *slice_kind_inside(struct slice_kinds *kinds, const struct slice_kind *kind,
						   struct slice_row *row)
{
	if (!row->kind)
		row->kind = slice_kind(kinds, row->field->record, kind->role | SLICE_INSIDE);
	return row->kind;
}

/* Whether the row is there for this object: its discriminator's value is among `applies`. */
static inline bool slice_row_applies(const struct slice_kind *kind, const struct slice_row *row,
				     const void *object)
{
	const struct schema_field *by = kind->discriminator;

	return !row->field->applies || !by ||
	       (row->field->applies >> schema_number(schema_value(by, object), by->size) & 1);
}

static inline bool role_has_slice(unsigned role)
{
	return role < ROLE_COUNT && role != ROLE_COMPILER;
}

#endif
