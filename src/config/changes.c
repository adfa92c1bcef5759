/* Single values first, then elements of lists. Two elements are the same object when their first
 * values are: an address, a network, a name. */
#include "config/changes.h"

#include <string.h>

#include "base/text.h"
#include "config/value.h"

struct telling {
	void (*line)(void *ctx, const char *text);
	void *ctx;
	const char *above; /* "announce.", "virtual address 10.0.0.1/24 " */
};

static bool is_told(const struct schema_record *record, const struct schema_field *field,
		    const void *object)
{
	return field->key && schema_is_stored(field) && !(field->flags & FIELD_LABEL) &&
	       schema_applies(record, field, object);
}

static void add_value(struct text *out, const struct schema_field *field, const void *value)
{
	size_t before = out->length;

	if (!schema_is_optional(field) || value_is_present(field, value))
		value_format(field, value, out);
	if (out->length == before)
		text_add(out, "none");
}

static bool is_same(const struct schema_field *field, const void *a, const void *b)
{
	struct schema_record one = {.fields = field, .count = 1};

	return schema_equal(&one, a, b, FIELD_LABEL | FIELD_INDEX);
}

static void tell_value(const struct telling *telling, const struct schema_field *field,
		       const void *old, const void *new)
{
	char buffer[CHANGE_TEXT];
	struct text out = text_of(buffer, sizeof(buffer));

	if (is_same(field, old, new))
		return;
	text_add(&out, "%s%s ", telling->above, field->key);
	if (field->flags & FIELD_SECRET) {
		text_add(&out, "changes");
		telling->line(telling->ctx, buffer);
		return;
	}
	add_value(&out, field, schema_value(field, old));
	text_add(&out, " → ");
	add_value(&out, field, schema_value(field, new));
	telling->line(telling->ctx, buffer);
}

static void tell_record(const struct telling *telling, const struct schema_record *record,
			const void *old, const void *new);

/* ---- elements ------------------------------------------------------------------------------- */

static const char *element(const struct schema_field *field, const void *object, size_t number)
{
	return (const char *)schema_elements(field, object) + number * field->size;
}

static bool is_same_element(const struct schema_field *field, const void *a, const void *b)
{
	struct schema_field plain = *field;

	if (field->type == TYPE_RECORD)
		return schema_equal(field->record, a, b, FIELD_LABEL | FIELD_INDEX);
	plain.flags &= ~(unsigned)FIELD_LIST;
	plain.offset = 0;
	return is_same(&plain, a, b);
}

/* The row that names an element: the first that is told of it. */
static const struct schema_field *naming_row(const struct schema_record *record, const void *object)
{
	const struct schema_field *field = record->fields;

	while (!is_told(record, field, object))
		field++;
	return field;
}

static bool is_same_object(const struct schema_field *field, const void *a, const void *b)
{
	return field->type == TYPE_RECORD &&
	       naming_row(field->record, a) == naming_row(field->record, b) &&
	       is_same(naming_row(field->record, a), a, b);
}

/* The element of `object` that equals `one`, or NULL. */
static const void *find_same(const struct schema_field *field, const void *object, const void *one)
{
	for (size_t i = 0; i < schema_count(field, object); i++)
		if (is_same_element(field, element(field, object, i), one))
			return element(field, object, i);
	return NULL;
}

/* The element of `object` that is the same object as `one` and was not found unchanged in `others`,
 * the list that `one` is in; or NULL. */
static const void *find_object(const struct schema_field *field, const void *object,
			       const void *others, const void *one)
{
	for (size_t i = 0; i < schema_count(field, object); i++) {
		const void *other = element(field, object, i);

		if (is_same_object(field, other, one) && !find_same(field, others, other))
			return other;
	}
	return NULL;
}

/* An element in words: its first value, and what else is not as by default. */
static void describe(struct text *out, const struct schema_record *record, const void *object)
{
	const struct schema_field *name = naming_row(record, object);

	value_format(name, schema_value(name, object), out);
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];
		const void *value = schema_value(field, object);
		char buffer[CHANGE_TEXT];
		struct text text = text_of(buffer, sizeof(buffer));

		if (!is_told(record, field, object) || field == name ||
		    (field->flags & FIELD_LIST) || field->type == TYPE_RECORD)
			continue;
		add_value(&text, field, value);
		if (strcmp(buffer, field->default_text ? field->default_text : "none"))
			text_add(out, " %s %s", field->key, buffer);
	}
}

static void tell_element(const struct telling *telling, const struct schema_field *field,
			 const char *what, const void *one)
{
	char buffer[CHANGE_TEXT];
	struct text out = text_of(buffer, sizeof(buffer));

	if (field->type == TYPE_RECORD) {
		text_add(&out, "%s%s %s ", telling->above, what, field->record->name);
		describe(&out, field->record, one);
	} else {
		text_add(&out, "%s%s %s ", telling->above, field->key, what);
		value_format(field, one, &out);
	}
	telling->line(telling->ctx, buffer);
}

static void tell_changed(const struct telling *telling, const struct schema_field *field,
			 const void *old, const void *new)
{
	const struct schema_field *name = naming_row(field->record, new);
	char buffer[CHANGE_TEXT];
	struct text above = text_of(buffer, sizeof(buffer));
	struct telling inner = {telling->line, telling->ctx, buffer};

	text_add(&above, "%s%s ", telling->above, field->record->name);
	value_format(name, schema_value(name, new), &above);
	text_add(&above, " ");
	tell_record(&inner, field->record, old, new);
}

static void tell_list(const struct telling *telling, const struct schema_field *field,
		      const void *old, const void *new)
{
	for (size_t i = 0; i < schema_count(field, new); i++) {
		const void *one = element(field, new, i), *before;

		if (find_same(field, old, one))
			continue;
		before = find_object(field, old, new, one);
		if (before)
			tell_changed(telling, field, before, one);
		else
			tell_element(telling, field, "add", one);
	}
	for (size_t i = 0; i < schema_count(field, old); i++) {
		const void *one = element(field, old, i);

		if (!find_same(field, new, one) && !find_object(field, new, old, one))
			tell_element(telling, field, "remove", one);
	}
}

/* ---- records -------------------------------------------------------------------------------- */

static void tell_inner(const struct telling *telling, const struct schema_field *field,
		       const void *old, const void *new)
{
	char buffer[CHANGE_TEXT];
	struct text above = text_of(buffer, sizeof(buffer));
	struct telling inner = {telling->line, telling->ctx, buffer};

	text_add(&above, "%s%s.", telling->above, field->key);
	tell_record(&inner, field->record, schema_value(field, old), schema_value(field, new));
}

static void tell_record(const struct telling *telling, const struct schema_record *record,
			const void *old, const void *new)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];

		if (!is_told(record, field, new) || (field->flags & FIELD_LIST))
			continue;
		if (field->type == TYPE_RECORD)
			tell_inner(telling, field, old, new);
		else
			tell_value(telling, field, old, new);
	}
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];

		if (is_told(record, field, new) && (field->flags & FIELD_LIST))
			tell_list(telling, field, old, new);
	}
}

void schema_changes(const struct schema_record *record, const void *old, const void *new,
		    void (*line)(void *ctx, const char *text), void *ctx)
{
	struct telling telling = {line, ctx, ""};

	tell_record(&telling, record, old, new);
}
