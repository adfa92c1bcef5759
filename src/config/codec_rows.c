/* The tables' rows as slices have them; see the header. */
#include "config/codec_rows.h"

#include "base/arena.h"

static void note_words(struct slice_row *row)
{
	for (const struct schema_word *word = row->field->words; word && word->text; word++)
		if (row->field->type == TYPE_WORDS)
			row->words |= word->value;
		else if (word->value < SLICE_WORD_BITS)
			row->words |= (uint64_t)1 << word->value;
		else
			row->has_large = true;
}

static uint64_t largest_of(size_t size)
{
	return size < sizeof(uint64_t) ? ((uint64_t)1 << 8 * size) - 1 : UINT64_MAX;
}

/* Most rows of most records are of this kind. */
static void note_range(struct slice_row *row)
{
	const struct schema_field *field = row->field;
	uint64_t high = field->max ? (uint64_t)field->max : UINT64_MAX;

	if (field->flags & (FIELD_LIST | FIELD_FOREVER))
		return;
	row->is_plain = field->type == TYPE_BOOL || field->type == TYPE_NUMBER ||
			(field->type == TYPE_DURATION && field->min >= 0);
	if (field->type == TYPE_BOOL)
		high = 1;
	else if (field->type == TYPE_DURATION && !field->max)
		high = INT64_MAX;
	if (field->type == TYPE_DURATION || (field->type == TYPE_NUMBER && field->max))
		row->low = (uint64_t)field->min;
	row->high = high < largest_of(field->size) ? high : largest_of(field->size);
}

static struct slice_kind *kind_add(struct slice_kinds *kinds, const struct schema_record *record, uint32_t role)
{
	struct slice_kind *kind =
		arena_alloc(kinds->arena, sizeof(*kind) + record->count * sizeof(*kind->rows));

	if (!kind)
		return NULL;
	kind->record = record;
	kind->role = role;
	kind->discriminator = schema_discriminator(record);
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];
		struct slice_row *row = &kind->rows[i];

		row->field = field;
		row->may_come = schema_is_stored(field) && slice_has_row(field, role);
		row->must_come = row->may_come && !schema_is_optional(field);
		note_words(row);
		note_range(row);
	}
	kind->next = kinds->first;
	kinds->first = kind;
	return kind;
}

struct slice_kind *slice_kind(struct slice_kinds *kinds, const struct schema_record *record, uint32_t role)
{
	for (struct slice_kind *kind = kinds->first; kind; kind = kind->next)
		if (kind->record == record && kind->role == role)
			return kind;
	return kind_add(kinds, record, role);
}
