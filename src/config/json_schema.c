/* See the header. A record is written where it is used, the large ones once, as definitions. A record whose keys may
 * come from other places, too, is *partial*: nothing is required, and no key is refused for what another one says,
 * since that may be said elsewhere. Elements of lists are never partial. */
#include "config/json_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/json_text.h"
#include "config/schema.h"

/* Records with a name of their own in the schema. */
static const struct definition {
	const char *name;
	const struct schema_record *record;
	bool is_partial;
} definitions[] = {
	{"director", &schema_director, false},
	{"instance", &schema_instance, false},
	{"instance_keys", &schema_instance, true},
	{"sync_group", &schema_sync_group, false},
	{"sync_group_keys", &schema_sync_group, true},
	{"tracker", &schema_tracker, false},
	{"virtual_address", &schema_vip, false},
	{"notify_script", &schema_notify, false},
	{"check", &schema_check, false},
	{"check_keys", &schema_check, true},
	{"service", &schema_service, false},
	{"service_keys", &schema_service, true},
	{"real_server", &schema_real_server, false},
	{"real_server_keys", &schema_real_server, true},
	{"sorry_server", &schema_sorry_server, false},
};

/* ---- JSON ----------------------------------------------------------------------------------- */

static void reference(struct json_text *e, const char *key, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "#/definitions/%s", name);
	json_begin(e, key, "{");
	json_put_text(e, "$ref", path);
	json_finish(e, "}");
}

/* ---- single values -------------------------------------------------------------------------- */

static bool is_numeric(const char *word)
{
	return *word >= '0' && *word <= '9';
}

static void enum_exactly(struct json_text *e, const struct schema_word *words)
{
	json_begin(e, "enum", "[");
	for (const struct schema_word *word = words; word->text; word++) {
		json_put_text(e, NULL, word->text);
		if (is_numeric(word->text))
			json_put_raw(e, NULL, word->text); /* as YAML reads it without quotes */
	}
	json_finish(e, "]");
}

/* Expressions of JSON Schema know no case-blindness: each letter is both. */
static void pattern_any_case(struct json_text *e, const struct schema_word *words)
{
	const char *between = "\"^(";

	json_put_text(e, "type", "string");
	json_next(e, "pattern");
	for (const struct schema_word *word = words; word->text; word++) {
		json_put(e, between);
		for (const char *at = word->text; *at; at++) {
			const char both[] = {'[', (char)(*at | 0x20), (char)(*at & ~0x20), ']', '\0'};

			json_put(e, both);
		}
		between = "|";
	}
	json_put(e, ")$\"");
}

static void enum_words(struct json_text *e, const struct schema_field *field)
{
	if (!(field->flags & FIELD_ANY_CASE)) {
		enum_exactly(e, field->words);
		return;
	}
	json_begin(e, "anyOf", "[");
	json_begin(e, NULL, "{");
	enum_exactly(e, field->words);
	json_finish(e, "}");
	json_begin(e, NULL, "{");
	pattern_any_case(e, field->words);
	json_finish(e, "}");
	json_finish(e, "]");
}

static void limits(struct json_text *e, const struct schema_field *field)
{
	json_put_number(e, "minimum", field->min);
	if (field->max)
		json_put_number(e, "maximum", field->max);
}

static void pattern(struct json_text *e, const char *expression)
{
	json_put_text(e, "type", "string");
	json_put_text(e, "pattern", expression);
}

static void duration(struct json_text *e, const struct schema_field *field)
{
	json_begin(e, "anyOf", "[");
	json_begin(e, NULL, "{");
	pattern(e, field->flags & FIELD_FOREVER ? "^(([0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d))+|forever)$"
						: "^([0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d))+$");
	json_finish(e, "}");
	json_begin(e, NULL, "{");
	json_put_number(e, "const", 0);
	json_finish(e, "}");
	json_finish(e, "]");
}

static void record_at(struct json_text *e, const char *key, const struct schema_record *record, bool is_partial);

/* What an element of the field is, as members of the object that is open. */
static void type_of(struct json_text *e, const struct schema_field *field)
{
	switch (field->type) {
	case TYPE_BOOL:
		json_put_text(e, "type", "boolean");
		break;
	case TYPE_NUMBER:
		if (field->flags & FIELD_PERCENT) {
			pattern(e, "^(100|[0-9]{1,2})%$");
			break;
		}
		json_put_text(e, "type", "integer");
		limits(e, field);
		break;
	case TYPE_SIGNED:
		json_put_text(e, "type", "integer");
		limits(e, field);
		break;
	case TYPE_DURATION:
		duration(e, field);
		break;
	case TYPE_RANGE:
		json_begin(e, "anyOf", "[");
		json_begin(e, NULL, "{");
		json_put_text(e, "type", "integer");
		limits(e, field);
		json_finish(e, "}");
		json_begin(e, NULL, "{");
		pattern(e, "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$");
		json_finish(e, "}");
		json_finish(e, "]");
		break;
	case TYPE_WORD:
	case TYPE_WORDS:
		enum_words(e, field);
		break;
	case TYPE_ENDPOINT:
		json_begin(e, "anyOf", "[");
		json_begin(e, NULL, "{");
		json_put_text(e, "type", "string");
		json_finish(e, "}");
		record_at(e, NULL, &schema_endpoint, false);
		json_finish(e, "]");
		break;
	case TYPE_TEXT:
		json_put_text(e, "type", "string");
		if (field->max)
			json_put_number(e, "maxLength", field->max);
		break;
	case TYPE_ADDRESS:
	case TYPE_PREFIX:
		json_put_text(e, "type", "string");
		break;
	case TYPE_SOURCE:
	case TYPE_RECORD:
		break;
	}
}

/* Whether a text with ${NAME} would not be taken for a value of that type anyway. */
static bool is_strict(const struct schema_field *field)
{
	switch (field->type) {
	case TYPE_TEXT:
	case TYPE_ADDRESS:
	case TYPE_PREFIX:
	case TYPE_ENDPOINT:
		return false;
	case TYPE_BOOL:
	case TYPE_NUMBER:
	case TYPE_SIGNED:
	case TYPE_DURATION:
	case TYPE_RANGE:
	case TYPE_WORD:
	case TYPE_WORDS:
	case TYPE_SOURCE:
	case TYPE_RECORD:
		break;
	}
	return true;
}

/* One value: of its type, a variable, or a secret's file. */
static void single(struct json_text *e, const char *key, const struct schema_field *field)
{
	if (field->flags & FIELD_SECRET) {
		json_begin(e, key, "{");
		json_begin(e, "anyOf", "[");
		json_begin(e, NULL, "{");
		type_of(e, field);
		json_finish(e, "}");
		record_at(e, NULL, &schema_secret_file, false);
		json_finish(e, "]");
		json_finish(e, "}");
		return;
	}
	json_begin(e, key, "{");
	if (!is_strict(field)) {
		type_of(e, field);
		json_finish(e, "}");
		return;
	}
	json_begin(e, "anyOf", "[");
	json_begin(e, NULL, "{");
	type_of(e, field);
	json_finish(e, "}");
	reference(e, NULL, "variable");
	json_finish(e, "]");
	json_finish(e, "}");
}

/* ---- what builders read --------------------------------------------------------------------- */

/* A value or a list of them. */
static void begin_some(struct json_text *e, const char *key)
{
	json_begin(e, key, "{");
	json_begin(e, "anyOf", "[");
}

static void end_some(struct json_text *e)
{
	json_finish(e, "]");
	json_finish(e, "}");
}

static void any_text(struct json_text *e, const char *key)
{
	json_begin(e, key, "{");
	json_put_text(e, "type", "string");
	json_finish(e, "}");
}

static void list_of(struct json_text *e, const char *key, const char *definition)
{
	json_begin(e, key, "{");
	json_put_text(e, "type", "array");
	reference(e, "items", definition);
	json_finish(e, "}");
}

static void map_of(struct json_text *e, const char *definition)
{
	json_put_text(e, "type", "object");
	reference(e, "additionalProperties", definition);
}

static void source_include(struct json_text *e)
{
	json_begin(e, "anyOf", "[");
	any_text(e, NULL);
	json_begin(e, NULL, "{");
	json_put_text(e, "type", "array");
	any_text(e, "items");
	json_finish(e, "}");
	json_finish(e, "]");
}

static void source_interfaces(struct json_text *e)
{
	json_put_text(e, "type", "object");
	any_text(e, "additionalProperties");
}

static void source_instances(struct json_text *e)
{
	map_of(e, "instance_keys");
}

static void source_groups(struct json_text *e)
{
	map_of(e, "sync_group_keys");
}

static void source_check(struct json_text *e)
{
	json_begin(e, "anyOf", "[");
	any_text(e, NULL);
	reference(e, NULL, "check");
	json_begin(e, NULL, "{");
	json_put_text(e, "type", "array");
	begin_some(e, "items");
	any_text(e, NULL);
	reference(e, NULL, "check");
	end_some(e);
	json_finish(e, "}");
	json_finish(e, "]");
}

static void source_servers(struct json_text *e)
{
	json_begin(e, "anyOf", "[");
	reference(e, NULL, "real_server");
	list_of(e, NULL, "real_server");
	json_finish(e, "]");
}

static void source_pools(struct json_text *e)
{
	json_put_text(e, "type", "object");
	json_begin(e, "additionalProperties", "{");
	source_servers(e);
	json_finish(e, "}");
}

static void source_defaults(struct json_text *e)
{
	static const char *const keys[][2] = {{"vrrp", "instance_keys"},
					      {"check", "check_keys"},
					      {"service", "service_keys"},
					      {"real_server", "real_server_keys"}};

	json_put_text(e, "type", "object");
	json_begin(e, "properties", "{");
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		reference(e, keys[i][0], keys[i][1]);
	json_finish(e, "}");
	json_put_raw(e, "additionalProperties", "false");
}

static const struct source {
	const struct schema_record *record;
	const char *key;
	void (*emit)(struct json_text *e);
} sources[] = {
	{&schema_model, "include", source_include},	{&schema_model, "defaults", source_defaults},
	{&schema_model, "pools", source_pools},		{&schema_director, "interfaces", source_interfaces},
	{&schema_director, "vrrp", source_instances},	{&schema_director, "sync", source_groups},
	{&schema_service, "check", source_check},	{&schema_service, "real_servers", source_servers},
	{&schema_sorry_server, "check", source_check},
};

static void source(struct json_text *e, const struct schema_record *record, const struct schema_field *field)
{
	for (size_t i = 0; i < COUNT_OF(sources); i++)
		if (sources[i].record == record && !strcmp(sources[i].key, field->key))
			sources[i].emit(e);
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* The default as the file would have it: numbers as numbers. */
static void default_of(struct json_text *e, const struct schema_field *field)
{
	const char *value = field->default_text;

	if (!value)
		return;
	if (field->type == TYPE_BOOL || (field->type == TYPE_DURATION && !strcmp(value, "0")))
		json_put_raw(e, "default", value);
	else if ((field->type == TYPE_NUMBER && !(field->flags & FIELD_PERCENT)) || field->type == TYPE_SIGNED)
		json_put_number(e, "default", strtoll(value, NULL, 0));
	else
		json_put_text(e, "default", value);
}

/* A mapping in the file: named objects, or texts to values. */
static void row_map(struct json_text *e, const struct schema_field *field)
{
	json_put_text(e, "type", "object");
	if (field->record == &schema_director || field->record == &schema_check)
		record_at(e, "additionalProperties", field->record, false);
	else
		single(e, "additionalProperties", &field->record->fields[1]);
}

static void row_list(struct json_text *e, const struct schema_field *field, bool is_section)
{
	bool is_record = field->type == TYPE_RECORD;

	if (!is_section) {
		json_begin(e, "anyOf", "[");
		if (is_record)
			record_at(e, NULL, field->record, false);
		else
			single(e, NULL, field);
		json_begin(e, NULL, "{");
	}
	json_put_text(e, "type", "array");
	if (is_record)
		record_at(e, "items", field->record, false);
	else
		single(e, "items", field);
	if (field->flags & (FIELD_REQUIRED | FIELD_FULL))
		json_put_number(e, "minItems", 1);
	if (field->type == TYPE_WORDS)
		json_put_raw(e, "uniqueItems", "true");
	if (!is_section) {
		json_finish(e, "}");
		json_finish(e, "]");
	}
}

/* What the row's value is, as members of the object that is open. */
static void row_value(struct json_text *e, const struct schema_record *record, const struct schema_field *field,
		      bool is_partial)
{
	if (field->type == TYPE_SOURCE)
		source(e, record, field);
	else if (field->flags & FIELD_MAP)
		row_map(e, field);
	else if (field->flags & FIELD_LIST || field->type == TYPE_WORDS)
		row_list(e, field, record == &schema_model);
	else if (field->type == TYPE_RECORD) {
		json_begin(e, "allOf", "[");
		record_at(e, NULL, field->record, is_partial || record != &schema_model);
		json_finish(e, "]");
	} else {
		json_begin(e, "allOf", "[");
		single(e, NULL, field);
		json_finish(e, "]");
	}
}

static void row(struct json_text *e, const char *key, const struct schema_record *record,
		const struct schema_field *field, bool is_partial)
{
	json_begin(e, key, "{");
	if (field->doc)
		json_put_text(e, "description", field->doc);
	default_of(e, field);
	row_value(e, record, field, is_partial);
	json_finish(e, "}");
}

/* ---- records -------------------------------------------------------------------------------- */

/* Rows of one key that different kinds of the record have. */
static size_t rows_of(const struct schema_record *record, const char *key)
{
	size_t count = 0;

	for (size_t i = 0; i < record->count; i++)
		count += record->fields[i].key && !strcmp(record->fields[i].key, key);
	return count;
}

static bool is_first(const struct schema_record *record, const struct schema_field *field)
{
	return field->key && schema_find(record, field->key) == field;
}

static void property(struct json_text *e, const struct schema_record *record, const struct schema_field *field,
		     bool is_partial)
{
	if (rows_of(record, field->key) == 1) {
		row(e, field->key, record, field, is_partial);
		return;
	}
	begin_some(e, field->key);
	for (size_t i = 0; i < record->count; i++)
		if (record->fields[i].key && !strcmp(record->fields[i].key, field->key))
			row(e, NULL, record, &record->fields[i], is_partial);
	end_some(e);
}

/* Objects that have no other place for their keys, and keys that cannot come from another. */
static bool is_required(const struct schema_record *record, const struct schema_field *field)
{
	bool has_defaults = record == &schema_instance || record == &schema_check || record == &schema_service ||
			    record == &schema_real_server || record == &schema_sync_group;

	if (record == &schema_instance || record == &schema_sync_group) /* a director may say the rest */
		return field->flags & FIELD_REQUIRED && !strcmp(field->key, "name");
	return field->flags & FIELD_REQUIRED && (!has_defaults || field->flags & FIELD_OWN);
}

static void required(struct json_text *e, const struct schema_record *record, uint32_t kind)
{
	bool any = false;

	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];
		bool is_meant = kind ? (field->applies & kind) != 0 : !field->applies;

		if (!field->key || !is_meant || !is_required(record, field))
			continue;
		if (!any)
			json_begin(e, "required", "[");
		any = true;
		json_put_text(e, NULL, field->key);
	}
	if (any)
		json_finish(e, "]");
}

/* What else holds where the record is of that kind: the keys that there are, those that must be there, and rows of
 * keys that mean something else in another kind. */
static void kind_of(struct json_text *e, const struct schema_record *record, uint32_t kind)
{
	json_begin(e, "then", "{");
	json_begin(e, "propertyNames", "{");
	json_begin(e, "enum", "[");
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];

		if (field->key && (!field->applies || field->applies & kind))
			json_put_text(e, NULL, field->key);
	}
	json_finish(e, "]");
	json_finish(e, "}");
	json_begin(e, "properties", "{");
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];

		if (field->key && field->applies & kind && rows_of(record, field->key) > 1)
			row(e, field->key, record, field, false);
	}
	json_finish(e, "}");
	required(e, record, kind);
	json_finish(e, "}");
}

static void kind_when(struct json_text *e, const struct schema_record *record, const char *key, const char *word,
		      int64_t value)
{
	json_begin(e, "if", "{");
	json_begin(e, "required", "[");
	json_put_text(e, NULL, record->is_variant ? word : key);
	json_finish(e, "]");
	if (!record->is_variant) {
		json_begin(e, "properties", "{");
		json_begin(e, key, "{");
		if (word)
			json_put_text(e, "const", word);
		else
			json_put_number(e, "const", value);
		json_finish(e, "}");
		json_finish(e, "}");
	}
	json_finish(e, "}");
}

static void kinds(struct json_text *e, const struct schema_record *record, const struct schema_field *by)
{
	json_begin(e, "allOf", "[");
	for (const struct schema_word *word = by->words; word && word->text; word++) {
		json_begin(e, NULL, "{");
		kind_when(e, record, by->key, word->text, 0);
		kind_of(e, record, 1u << word->value);
		json_finish(e, "}");
	}
	for (int64_t value = by->min; !by->words && value <= by->max; value++) {
		json_begin(e, NULL, "{");
		kind_when(e, record, by->key, NULL, value);
		kind_of(e, record, 1u << value);
		json_finish(e, "}");
	}
	json_finish(e, "]");
}

/* Exactly one of the keys that tell variants apart. */
static void variants(struct json_text *e, const struct schema_field *by)
{
	json_begin(e, "oneOf", "[");
	for (const struct schema_word *word = by->words; word->text; word++) {
		json_begin(e, NULL, "{");
		json_begin(e, "required", "[");
		json_put_text(e, NULL, word->text);
		json_finish(e, "]");
		json_finish(e, "}");
	}
	json_finish(e, "]");
}

static void record_body(struct json_text *e, const struct schema_record *record, bool is_partial)
{
	const struct schema_field *by = schema_discriminator(record);

	json_put_text(e, "type", "object");
	json_begin(e, "properties", "{");
	for (size_t i = 0; i < record->count; i++)
		if (is_first(record, &record->fields[i]) &&
		    !(is_partial && record->fields[i].flags & FIELD_OWN && rows_of(record, record->fields[i].key) == 1 &&
		      record != &schema_instance && record != &schema_sync_group))
			property(e, record, &record->fields[i], is_partial);
	json_finish(e, "}");
	json_put_raw(e, "additionalProperties", "false");
	if (is_partial)
		return;
	required(e, record, 0);
	if (by)
		kinds(e, record, by);
	if (record->is_variant)
		variants(e, by);
}

/* The record, or its short form. */
static void record_any(struct json_text *e, const struct schema_record *record, bool is_partial)
{
	const struct schema_field *in_short;

	if (!record->short_form) {
		record_body(e, record, is_partial);
		return;
	}
	in_short = schema_find(record, record->short_form);
	json_begin(e, "anyOf", "[");
	row(e, NULL, record, in_short, false);
	json_begin(e, NULL, "{");
	record_body(e, record, is_partial);
	json_finish(e, "}");
	json_finish(e, "]");
}

static void record_at(struct json_text *e, const char *key, const struct schema_record *record, bool is_partial)
{
	for (size_t i = 0; i < COUNT_OF(definitions); i++)
		if (definitions[i].record == record && definitions[i].is_partial == is_partial) {
			reference(e, key, definitions[i].name);
			return;
		}
	json_begin(e, key, "{");
	record_any(e, record, is_partial);
	json_finish(e, "}");
}

void json_schema(json_schema_out *out, void *ctx)
{
	struct json_text text = {.out = out, .ctx = ctx};
	struct json_text *e = &text;

	json_begin(e, NULL, "{");
	json_put_text(e, "$schema", "http://json-schema.org/draft-07/schema#");
	json_put_text(e, "title", "lbha.conf");
	json_put_text(e, "description", "configuration of lbha; the reference is lbha.conf(5)");
	record_any(e, &schema_model, false);
	json_begin(e, "definitions", "{");
	json_begin(e, "variable", "{");
	json_put_text(e, "description", "${NAME} or ${NAME:-default}: from the environment of the daemon");
	pattern(e, "\\$\\{");
	json_finish(e, "}");
	for (size_t i = 0; i < COUNT_OF(definitions); i++) {
		json_begin(e, definitions[i].name, "{");
		record_any(e, definitions[i].record, definitions[i].is_partial);
		json_finish(e, "}");
	}
	json_finish(e, "}");
	json_finish(e, "}");
	json_put(e, "\n");
}
