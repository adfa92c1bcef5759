/* Slices; see the header. A record is its rows in the order of the table, each as number, length and
 * value; a list is a count and its elements, each with a length. All of these are sizes of base/cursor.h
 * (mostly one byte), but for the length of a list (32 bits); a number is as many bytes as it needs. Absent
 * values are left out. There is one form of a model only. The reading side is codec_decode.c. */
#include "config/codec.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/cursor.h"
#include "config/codec_rows.h"
#include "config/schema.h"
#include "config/value.h"

#define SLICE_FIRST (16u << 20) /* bytes tried first: of fresh memory only what is used is touched */
#define SLICE_MAX (256u << 20)

/* ---- writing -------------------------------------------------------------------------------- */

struct encoder {
	struct writer out;
	struct slice_kinds kinds;
};

static void put_record(struct encoder *encoder, struct slice_kind *kind, const void *object);

/* Room for the length of what follows, one byte as long as that is enough. */
static void part_end(struct writer *out, uint8_t *at)
{
	struct writer length;
	size_t size;

	if (!at || out->failed)
		return;
	size = (size_t)(out->at - at - 1);
	if (size < SIZE_LONG) {
		*at = (uint8_t)size;
	} else if (put_space(out, 4)) {
		memmove(at + 5, at + 1, size);
		length = writer_of(at, 5);
		put_size(&length, (uint32_t)size);
	}
}

static void put_place(struct writer *out, const struct schema_field *field, const void *value)
{
	const struct prefix *prefix = value;

	if (field->type == TYPE_ENDPOINT)
		put_endpoint(out, value);
	else
		put_addr(out, value); /* a prefix begins with it */
	if (field->type == TYPE_PREFIX)
		put_u8(out, prefix->length);
}

static void put_inside(struct encoder *encoder, const struct slice_kind *kind, struct slice_row *row,
		       const void *value)
{
	struct slice_kind *inside = slice_kind_inside(&encoder->kinds, kind, row);

	if (inside)
		put_record(encoder, inside, value);
	else
		encoder->out.failed = true;
}

static void put_value(struct encoder *encoder, const struct slice_kind *kind, struct slice_row *row,
		      const void *value)
{
	const struct schema_field *field = row->field;
	const struct status_range *range = value;
	struct writer *out = &encoder->out;
	const char *text;

	switch (field->type) {
	case TYPE_TEXT:
		memcpy(&text, value, sizeof(text));
		put_bytes(out, text ? text : "", text ? strlen(text) : 0);
		return;
	case TYPE_ADDRESS:
	case TYPE_PREFIX:
	case TYPE_ENDPOINT:
		put_place(out, field, value);
		return;
	case TYPE_RANGE:
		put_u16(out, range->first);
		put_u16(out, range->last);
		return;
	case TYPE_RECORD:
		put_inside(encoder, kind, row, value);
		return;
	case TYPE_SOURCE:
	case TYPE_BOOL:
	case TYPE_NUMBER:
	case TYPE_SIGNED:
	case TYPE_DURATION:
	case TYPE_WORD:
	case TYPE_WORDS:
		break;
	}
	put_digits(out, schema_number(value, field->size));
}

static void put_element(struct encoder *encoder, const struct slice_kind *kind, struct slice_row *row,
			const void *value)
{
	uint8_t *length = put_space(&encoder->out, 1);

	put_value(encoder, kind, row, value);
	part_end(&encoder->out, length);
}

static void put_list(struct encoder *encoder, const struct slice_kind *kind, struct slice_row *row,
		     const void *object)
{
	const char *elements = schema_elements(row->field, object);
	size_t count = schema_count(row->field, object);
	struct writer *out = &encoder->out, length;
	uint8_t *at = put_space(out, 4);

	put_size(out, (uint32_t)count);
	for (size_t i = 0; i < count && !out->failed; i++)
		put_element(encoder, kind, row, elements + i * row->field->size);
	if (!at || out->failed)
		return;
	length = writer_of(at, 4);
	put_u32(&length, (uint32_t)(out->at - at - 4));
}

/* A row of an object, unless the role does not get it or it is absent. */
static void put_row(struct encoder *encoder, struct slice_kind *kind, size_t number, const void *object)
{
	struct slice_row *row = &kind->rows[number];
	const void *value = schema_value(row->field, object);

	if (!row->may_come || !slice_row_applies(kind, row, object) ||
	    (!row->must_come && !value_is_present(row->field, value)))
		return;
	put_size(&encoder->out, (uint32_t)number);
	if (row->field->flags & FIELD_LIST)
		put_list(encoder, kind, row, object);
	else
		put_element(encoder, kind, row, value);
}

static void put_record(struct encoder *encoder, struct slice_kind *kind, const void *object)
{
	for (size_t i = 0; i < kind->record->count && !encoder->out.failed; i++)
		put_row(encoder, kind, i, object);
}

/* Some or all rows of the model as the slices of `roles` have them. */
static void put_model(struct encoder *encoder, const struct model *model, uint32_t roles, size_t from,
		      size_t until)
{
	struct slice_kind *kind = slice_kind(&encoder->kinds, &schema_model, roles);

	if (!kind)
		encoder->out.failed = true;
	for (size_t row = from; kind && row < until && !encoder->out.failed; row++)
		put_row(encoder, kind, row, model);
}

static void put_head(struct writer *out, enum role role)
{
	put_u32(out, SLICE_MAGIC);
	put_u64(out, schema_fingerprint());
	put_u8(out, (uint8_t)role);
}

/* Whether who gets it makes a difference to the bytes of a row. */
static bool has_secret(const struct schema_field *field)
{
	if (field->flags & FIELD_SECRET)
		return true;
	for (size_t i = 0; field->type == TYPE_RECORD && i < field->record->count; i++)
		if (has_secret(&field->record->fields[i]))
			return true;
	return false;
}

static void add_part(struct slices *slices, unsigned role, const uint8_t *from, const struct writer *out)
{
	struct slice *slice = &slices->of[role];

	if (role_has_slice(role) && !out->failed && out->at > from)
		slice->parts[slice->count++] =
			(struct slice_part){.bytes = from, .size = (size_t)(out->at - from)};
}

/* A row of the model for all roles: once, or once for each when it holds secrets. */
static void put_for_all(struct encoder *encoder, size_t row, const struct model *model, struct slices *slices)
{
	const struct schema_field *field = &schema_model.fields[row];
	struct writer *out = &encoder->out;
	bool alike = !has_secret(field);
	const uint8_t *from = out->at;

	if (alike && field->roles)
		put_model(encoder, model, field->roles, row, row + 1);
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		if (!(field->roles & 1u << role))
			continue;
		if (!alike) {
			from = out->at;
			put_model(encoder, model, 1u << role, row, row + 1);
		}
		add_part(slices, role, from, out);
	}
}

static bool put_slices(struct encoder *encoder, const struct model *model, struct slices *slices)
{
	struct writer *out = &encoder->out;

	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		const uint8_t *from = out->at;

		slices->of[role].count = 0;
		put_head(out, role);
		add_part(slices, role, from, out);
	}
	for (size_t row = 0; row < schema_model.count && !out->failed; row++)
		put_for_all(encoder, row, model, slices);
	return !out->failed;
}

int slices_encode(const struct model *model, struct arena *arena, struct slices *out)
{
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		out->of[role].parts = arena_array(arena, schema_model.count + 1, sizeof(*out->of[role].parts));
		if (!out->of[role].parts)
			return -ENOMEM;
	}
	for (size_t room = SLICE_FIRST; room <= SLICE_MAX; room *= 4) {
		uint8_t *buffer = arena_alloc(arena, room);
		struct encoder encoder = {.kinds = {.arena = arena}};

		if (!buffer)
			return -ENOMEM;
		encoder.out = writer_of(buffer, room);
		if (put_slices(&encoder, model, out))
			return 0;
	}
	return -ENOMEM;
}

int slice_encode(const struct model *model, enum role role, struct arena *arena,
		 const uint8_t **bytes, size_t *size)
{
	struct slices slices;
	size_t whole = 0;
	uint8_t *at;
	int error = role_has_slice(role) ? slices_encode(model, arena, &slices) : -EINVAL;

	if (error)
		return error;
	for (size_t i = 0; i < slices.of[role].count; i++)
		whole += slices.of[role].parts[i].size;
	at = arena_alloc(arena, whole);
	if (!at)
		return -ENOMEM;
	*bytes = at;
	*size = whole;
	for (size_t i = 0; i < slices.of[role].count; at += slices.of[role].parts[i++].size)
		memcpy(at, slices.of[role].parts[i].bytes, slices.of[role].parts[i].size);
	return 0;
}
