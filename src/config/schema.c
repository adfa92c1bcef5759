/* Walking the tables; see the header. */
#include "config/schema.h"

#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/nstime.h"
#include "base/text.h"
#include "config/habits.h"
#include "config/model.h"

/* Most keys differ in their first letter already. */
static bool same_key(const char *row, const char *key)
{
	return row && *row == *key && !strcmp(row, key);
}

const struct schema_field *schema_find(const struct schema_record *record, const char *key)
{
	for (size_t i = 0; i < record->count; i++)
		if (same_key(record->fields[i].key, key))
			return &record->fields[i];
	return NULL;
}

size_t schema_index(const struct schema_record *record, const struct schema_field *field)
{
	return (size_t)(field - record->fields);
}

/* The keys of a record one after the other, rows without a key left out. */
static const char *next_key(const void *ctx, size_t index)
{
	const struct schema_record *record = ctx;

	for (size_t i = 0; i < record->count; i++)
		if (record->fields[i].key && index-- == 0)
			return record->fields[i].key;
	return NULL;
}

const char *schema_nearest(const struct schema_record *record, const char *key)
{
	const char *habit = habit_key(record, key);

	return habit ? habit : text_nearest(key, next_key, record);
}

bool schema_is_stored(const struct schema_field *field)
{
	return field->type != TYPE_SOURCE && !(field->flags & FIELD_DROP);
}

static bool has_zero(const struct schema_word *words)
{
	while (words->text && words->value)
		words++;
	return words->text != NULL;
}

bool schema_is_optional(const struct schema_field *field)
{
	if ((field->flags & (FIELD_REQUIRED | FIELD_ALWAYS | FIELD_LIST)) || field->default_text)
		return false;
	return field->type == TYPE_TEXT || field->type == TYPE_ADDRESS ||
	       field->type == TYPE_ENDPOINT || field->type == TYPE_SIGNED ||
	       (field->type == TYPE_NUMBER && field->min > 0) ||
	       (field->type == TYPE_WORD && !has_zero(field->words));
}

void schema_number_set(void *value, size_t size, uint64_t number)
{
	uint32_t word = (uint32_t)number;
	uint16_t half = (uint16_t)number;
	uint8_t byte = (uint8_t)number;

	if (size == sizeof(byte))
		memcpy(value, &byte, size);
	else if (size == sizeof(half))
		memcpy(value, &half, size);
	else if (size == sizeof(word))
		memcpy(value, &word, size);
	else
		memcpy(value, &number, sizeof(number));
}

const struct schema_field *schema_discriminator(const struct schema_record *record)
{
	if (record->is_variant)
		return &record->fields[0];
	return record->discriminator ? schema_find(record, record->discriminator) : NULL;
}

bool schema_applies(const struct schema_record *record, const struct schema_field *field,
		    const void *object)
{
	const struct schema_field *discriminator =
		field->applies ? schema_discriminator(record) : NULL;

	if (!discriminator)
		return true;
	return field->applies >>
		       schema_number(schema_value(discriminator, object), discriminator->size) &
	       1;
}

bool schema_is_other(const struct schema_record *record, const struct schema_field *field,
		     const void *object)
{
	for (size_t i = 0; field->applies && i < record->count; i++) {
		const struct schema_field *other = &record->fields[i];

		if (other != field && same_key(other->key, field->key) &&
		    schema_applies(record, other, object))
			return true;
	}
	return false;
}

size_t schema_count(const struct schema_field *field, const void *object)
{
	size_t count;

	if (!(field->flags & FIELD_LIST))
		return 1;
	memcpy(&count, (const char *)object + field->count_offset, sizeof(count));
	return count;
}

const void *schema_elements(const struct schema_field *field, const void *object)
{
	const void *elements = schema_value(field, object);

	if (field->flags & FIELD_LIST)
		memcpy(&elements, elements, sizeof(elements));
	return elements;
}

static const char *text_at(const void *value)
{
	const char *text;

	memcpy(&text, value, sizeof(text));
	return text;
}

static bool text_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool value_equal(const struct schema_field *field, const void *a, const void *b,
			unsigned skip)
{
	switch (field->type) {
	case TYPE_TEXT:
		return text_equal(text_at(a), text_at(b));
	case TYPE_ADDRESS:
		return addr_equal(a, b);
	case TYPE_PREFIX:
		return prefix_compare(a, b) == 0;
	case TYPE_ENDPOINT:
		return endpoint_compare(a, b) == 0;
	case TYPE_RECORD:
		return schema_equal(field->record, a, b, skip);
	case TYPE_SOURCE:
	case TYPE_BOOL:
	case TYPE_NUMBER:
	case TYPE_SIGNED:
	case TYPE_DURATION:
	case TYPE_RANGE:
	case TYPE_WORD:
	case TYPE_WORDS:
		break;
	}
	return memcmp(a, b, field->size) == 0;
}

bool schema_equal(const struct schema_record *record, const void *a, const void *b, unsigned skip)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];
		size_t count = schema_count(field, a);
		const char *left, *right;

		if (!schema_is_stored(field) || (field->flags & skip))
			continue;
		if (count != schema_count(field, b))
			return false;
		left = schema_elements(field, a);
		right = schema_elements(field, b);
		for (size_t at = 0; at < count; at++)
			if (!value_equal(field, left + at * field->size, right + at * field->size,
					 skip))
				return false;
	}
	return true;
}

/* Numbers are hashed as eight bytes, lowest first, whatever the machine's order. */
static uint64_t hash_number(uint64_t hash, uint64_t number)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
	return text_hash(hash, bytes, sizeof(bytes));
}

static uint64_t hash_address(uint64_t hash, const struct addr *address)
{
	hash = hash_number(hash, addr_size(address->family));
	return text_hash(hash, address->bytes, addr_size(address->family));
}

static uint64_t hash_value(const struct schema_field *field, const void *value, unsigned skip,
			   uint64_t hash)
{
	const struct endpoint *endpoint = value;
	const struct status_range *range = value;
	const struct prefix *prefix = value;
	const char *text;

	switch (field->type) {
	case TYPE_TEXT:
		text = text_at(value);
		hash = hash_number(hash, text ? strlen(text) : UINT64_MAX);
		return text ? text_hash(hash, text, strlen(text)) : hash;
	case TYPE_ADDRESS:
		return hash_address(hash, value);
	case TYPE_PREFIX:
		return hash_number(hash_address(hash, &prefix->address), prefix->length);
	case TYPE_ENDPOINT:
		return hash_number(hash_address(hash, &endpoint->address), endpoint->port);
	case TYPE_RANGE:
		return hash_number(hash, (uint64_t)range->first << 16 | range->last);
	case TYPE_RECORD:
		return schema_hash(field->record, value, skip, hash);
	case TYPE_SOURCE:
	case TYPE_BOOL:
	case TYPE_NUMBER:
	case TYPE_SIGNED:
	case TYPE_DURATION:
	case TYPE_WORD:
	case TYPE_WORDS:
		break;
	}
	return hash_number(hash, schema_number(value, field->size));
}

uint64_t schema_hash(const struct schema_record *record, const void *object, unsigned skip,
		     uint64_t hash)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];
		size_t count = schema_count(field, object);
		const char *elements;

		if (!schema_is_stored(field) || (field->flags & skip) ||
		    !schema_applies(record, field, object))
			continue;
		elements = schema_elements(field, object);
		if (field->flags & FIELD_LIST)
			hash = hash_number(hash, count);
		for (size_t at = 0; at < count; at++)
			hash = hash_value(field, elements + at * field->size, skip, hash);
	}
	return hash;
}

static uint64_t record_fingerprint(const struct schema_record *record, uint64_t hash)
{
	hash = text_hash(hash, record->name, strlen(record->name) + 1);
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];

		if (field->key)
			hash = text_hash(hash, field->key, strlen(field->key) + 1);
		hash = hash_number(hash, field->type);
		hash = hash_number(hash, field->flags);
		hash = hash_number(hash, field->offset);
		hash = hash_number(hash, field->size);
		if (field->record)
			hash = record_fingerprint(field->record, hash);
		for (const struct schema_word *word = field->words; word && word->text; word++)
			hash = hash_number(text_hash(hash, word->text, strlen(word->text)),
					   word->value);
	}
	return hash;
}

uint64_t schema_fingerprint(void)
{
	return record_fingerprint(&schema_model, TEXT_HASH);
}
