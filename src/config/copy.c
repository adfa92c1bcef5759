/* See the header. Members without a row (there should be none that point anywhere) are copied as
 * they are. */
#include "config/copy.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "config/schema.h"

static void copy_record(struct arena *arena, const struct schema_record *record, void *object);

/* What the value points to is still the original's: copies it and points there. */
static void copy_value(struct arena *arena, const struct schema_field *field, void *value)
{
	const char *text;

	if (field->type == TYPE_RECORD) {
		copy_record(arena, field->record, value);
	} else if (field->type == TYPE_TEXT) {
		memcpy(&text, value, sizeof(text));
		text = text ? arena_strdup(arena, text) : NULL;
		memcpy(value, &text, sizeof(text));
	}
}

static void copy_list(struct arena *arena, const struct schema_field *field, void *object)
{
	size_t count = schema_count(field, object);
	char *elements = count ? arena_copy(arena, schema_elements(field, object),
					    count * field->size)
			       : NULL;

	memcpy(schema_member(field, object), &elements, sizeof(elements));
	for (size_t i = 0; elements && i < count; i++)
		copy_value(arena, field, elements + i * field->size);
}

/* `object` is a flat copy of the original. */
static void copy_record(struct arena *arena, const struct schema_record *record, void *object)
{
	const char *none = NULL;

	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];

		if (!schema_is_stored(field))
			continue;
		if (field->flags & FIELD_LIST)
			copy_list(arena, field, object);
		else if (field->flags & FIELD_LABEL && field->type == TYPE_TEXT)
			memcpy(schema_member(field, object), &none, sizeof(none));
		else
			copy_value(arena, field, schema_member(field, object));
	}
}

int instance_copy(struct arena *arena, const struct instance *from, struct instance *to)
{
	*to = *from;
	copy_record(arena, &schema_instance, to);
	return arena_failed(arena) ? -ENOMEM : 0;
}

int sync_group_copy(struct arena *arena, const struct sync_group *from, struct sync_group *to)
{
	*to = *from;
	copy_record(arena, &schema_sync_group, to);
	return arena_failed(arena) ? -ENOMEM : 0;
}
