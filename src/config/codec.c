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

static void put_record(struct writer *out, const struct schema_record *record, const void *object,
		       uint32_t role);

/* Room for the length of what follows, one byte as long as that is enough. */
static void part_end(struct writer *out, uint8_t *at)
{
	struct writer length;
	size_t size;

	if (!at || out->failed)
		return;
	size = (size_t)(out->at - at - 1);
	if (size >= SIZE_LONG) {
		if (!put_space(out, 4))
			return;
		memmove(at + 5, at + 1, size);
	}
	length = writer_of(at, 5);
	put_size(&length, (uint32_t)size);
}

static void put_value(struct writer *out, const struct schema_field *field, const void *value,
		      uint32_t role)
{
	const struct status_range *range = value;
	const struct prefix *prefix = value;
	const char *text;

	switch (field->type) {
	case TYPE_TEXT:
		memcpy(&text, value, sizeof(text));
		put_bytes(out, text ? text : "", text ? strlen(text) : 0);
		return;
	case TYPE_ADDRESS:
		put_addr(out, value);
		return;
	case TYPE_PREFIX:
		put_addr(out, &prefix->address);
		put_u8(out, prefix->length);
		return;
	case TYPE_ENDPOINT:
		put_endpoint(out, value);
		return;
	case TYPE_RANGE:
		put_u16(out, range->first);
		put_u16(out, range->last);
		return;
	case TYPE_RECORD:
		put_record(out, field->record, value, role | SLICE_INSIDE);
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

static void put_element(struct writer *out, const struct schema_field *field, const void *value, uint32_t role)
{
	uint8_t *length = put_space(out, 1);

	put_value(out, field, value, role);
	part_end(out, length);
}

static void put_list(struct writer *out, const struct schema_field *field, const void *object,
		     uint32_t role)
{
	const char *elements = schema_elements(field, object);
	size_t count = schema_count(field, object);
	uint8_t *at = put_space(out, 4);
	struct writer length;

	put_size(out, (uint32_t)count);
	for (size_t i = 0; i < count && !out->failed; i++)
		put_element(out, field, elements + i * field->size, role);
	if (!at || out->failed)
		return;
	length = writer_of(at, 4);
	put_u32(&length, (uint32_t)(out->at - at - 4));
}

/* A row of an object, unless the role does not get it or it is absent. */
static void put_row(struct writer *out, const struct schema_record *record, size_t row, const void *object,
		    uint32_t role)
{
	const struct schema_field *field = &record->fields[row];

	if (!schema_is_stored(field) || !slice_has_row(field, role) || !schema_applies(record, field, object))
		return;
	if (schema_is_optional(field) && !value_is_present(field, schema_value(field, object)))
		return;
	put_size(out, (uint32_t)row);
	if (field->flags & FIELD_LIST)
		put_list(out, field, object, role);
	else
		put_element(out, field, schema_value(field, object), role);
}

static void put_record(struct writer *out, const struct schema_record *record, const void *object,
		       uint32_t role)
{
	for (size_t i = 0; i < record->count && !out->failed; i++)
		put_row(out, record, i, object, role);
}

static void put_head(struct writer *out, enum role role)
{
	put_u32(out, SLICE_MAGIC);
	put_u64(out, schema_fingerprint());
	put_u8(out, (uint8_t)role);
}

int slice_encode(const struct model *model, enum role role, struct arena *arena,
		 const uint8_t **bytes, size_t *size)
{
	if (!role_has_slice(role))
		return -EINVAL;
	for (size_t room = SLICE_FIRST; room <= SLICE_MAX; room *= 4) {
		uint8_t *buffer = arena_alloc(arena, room);
		struct writer out;

		if (!buffer)
			return -ENOMEM;
		out = writer_of(buffer, room);
		put_head(&out, role);
		put_record(&out, &schema_model, model, 1u << role);
		if (out.failed)
			continue;
		*bytes = buffer;
		*size = writer_used(&out);
		return 0;
	}
	return -ENOMEM;
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
static void put_for_all(struct writer *out, size_t row, const struct model *model, struct slices *slices)
{
	const struct schema_field *field = &schema_model.fields[row];
	bool alike = !has_secret(field);
	const uint8_t *from = out->at;

	if (alike && field->roles)
		put_row(out, &schema_model, row, model, field->roles);
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		if (!(field->roles & 1u << role))
			continue;
		if (!alike) {
			from = out->at;
			put_row(out, &schema_model, row, model, 1u << role);
		}
		add_part(slices, role, from, out);
	}
}

static bool put_slices(struct writer *out, const struct model *model, struct slices *slices)
{
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		const uint8_t *from = out->at;

		slices->of[role].count = 0;
		put_head(out, role);
		add_part(slices, role, from, out);
	}
	for (size_t row = 0; row < schema_model.count && !out->failed; row++)
		put_for_all(out, row, model, slices);
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
		struct writer writer;

		if (!buffer)
			return -ENOMEM;
		writer = writer_of(buffer, room);
		if (put_slices(&writer, model, out))
			return 0;
	}
	return -ENOMEM;
}
