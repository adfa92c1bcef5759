/* See the header. A record is read in three steps: sort the keys of all levels to the rows (unknown
 * keys, keys without value), take the discriminator, then every other row from its origin or its
 * default. */
#include "config/reader.h"

#include <string.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/text.h"
#include "config/compile.h"
#include "config/secret.h"
#include "config/value.h"

#define WHY_TEXT 512

const struct path *path_below(struct config_reader *reader, const struct path *up, const char *key,
			      size_t index)
{
	struct path *path = arena_alloc(reader->arena, sizeof(*path));

	if (path)
		*path = (struct path){.up = up, .key = key, .index = index};
	return path;
}

struct origin *origin_of(const struct schema_record *record, struct origin *origins,
			 const char *key)
{
	return &origins[schema_index(record, schema_find(record, key))];
}

struct origin *origin_inner(const struct origin *origin, size_t element)
{
	return origin->inner ? origin->inner[element] : NULL;
}

void origin_report(struct config_reader *reader, enum severity severity,
		   const struct origin *origin, const struct origin *otherwise, const char *format,
		   ...)
{
	const struct origin *from = origin && origin->value ? origin : otherwise;
	const char *text;
	va_list list;

	va_start(list, format);
	text = arena_vprintf(reader->arena, format, list);
	va_end(list);
	if (text)
		node_report(reader->diagnostics, severity, from->value, from->path, "%s", text);
}

void unknown_key(struct config_reader *reader, const struct schema_record *record,
		 const struct node *key, const struct path *above)
{
	const char *nearest = schema_nearest(record, key->text);
	struct path path = {.up = above, .key = key->text};

	if (record == &schema_secret_file) { /* the key may be the secret */
		node_error(reader->diagnostics, key, above, "a text, or {file: PATH} is expected");
		return;
	}
	node_error(reader->diagnostics, key, &path, "unknown key%s%s%s",
		   nearest ? "; did you mean \"" : "", nearest ? nearest : "",
		   nearest ? "\"?" : "");
}

/* ---- what is the same for every object of a record ------------------------------------------- */

struct row_facts {
	size_t first;         /* the first row of the same key: they share its origin */
	const void *absent;   /* the default, parsed; NULL: none */
};

struct record_facts {
	struct record_facts *next;
	const struct schema_record *record;
	const struct schema_field *discriminator;
	struct row_facts *rows;
	const void *unmentioned; /* an object of which no key is given, once there was one; NULL: none yet */
};

static const void *parse_default(struct config_reader *reader, const struct schema_field *field)
{
	struct scalar scalar = {.text = field->default_text, .plain = true, .quoted = true};
	void *value = arena_alloc(reader->arena, field->size);
	char why[WHY_TEXT];
	struct text complaint = text_of(why, sizeof(why));

	if (!value || !value_parse(field, &scalar, reader->arena, value, &complaint))
		return NULL;
	return value;
}

static struct record_facts *facts_new(struct config_reader *reader, const struct schema_record *record)
{
	struct record_facts *facts = arena_alloc(reader->arena, sizeof(*facts));
	struct row_facts *rows = arena_array(reader->arena, record->count, sizeof(*rows));

	if (!facts || !rows)
		return NULL;
	*facts = (struct record_facts){.next = reader->facts,
				       .record = record,
				       .discriminator = schema_discriminator(record),
				       .rows = rows};
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];

		rows[i].first = field->key ? schema_index(record, schema_find(record, field->key)) : i;
		if (field->default_text)
			rows[i].absent = parse_default(reader, field);
	}
	reader->facts = facts;
	return facts;
}

/* NULL when out of memory. */
static struct record_facts *facts_of(struct config_reader *reader, const struct schema_record *record)
{
	for (struct record_facts *facts = reader->facts; facts; facts = facts->next)
		if (facts->record == record)
			return facts;
	return facts_new(reader, record);
}

/* ---- keys to rows --------------------------------------------------------------------------- */

/* One key of a level belongs to a row: its value counts unless a stronger level has given one. */
static bool take_pair(struct config_reader *reader, const struct schema_field *field,
		      const struct level *level, const struct node_pair *pair,
		      struct origin *origin)
{
	const struct path *path = path_below(reader, level->path, pair->key->text, 0);

	if (level->is_defaults && (field->flags & FIELD_OWN)) {
		node_error(reader->diagnostics, pair->key, path,
			   "cannot have a default: every object has its own");
		return false;
	}
	if (node_is_null(pair->value)) {
		node_error(reader->diagnostics, pair->key, path, "has no value");
		origin->bad = true;
		return false;
	}
	if (origin->value)
		origin->overrides = true;
	else if (!origin->bad)
		*origin = (struct origin){.key = pair->key,
					  .value = pair->value,
					  .path = path,
					  .is_default_level = level->is_defaults};
	return true;
}

static const struct schema_field *meant_field(const struct schema_record *record,
					      const struct level *level, const char *key)
{
	if (!level->only)
		return schema_find(record, key);
	for (const struct level_key *only = level->only; only->given; only++)
		if (!strcmp(only->given, key))
			return schema_find(record, only->meant);
	return NULL;
}

/* What stands in place of a mapping; not what could be a secret at the wrong place. */
static const char *what_instead(struct config_reader *reader, const struct schema_record *record,
				const struct node *node)
{
	for (size_t i = 0; i < record->count; i++)
		if (record->fields[i].flags & FIELD_SECRET && node->kind == NODE_SCALAR)
			return "a single value";
	return node_what(reader->diagnostics, node);
}

/* A scalar where a mapping could be: the record's short form, unless a stronger level has given the
 * key. */
static bool take_short_form(struct config_reader *reader, const struct schema_record *record,
			    const struct level *level, struct origin *origins)
{
	struct origin *origin;

	if (level->node->kind != NODE_SCALAR || !record->short_form || node_is_null(level->node)) {
		node_error(reader->diagnostics, level->node, level->path,
			   "a mapping (key: value) is expected, not %s",
			   what_instead(reader, record, level->node));
		return false;
	}
	origin = origin_of(record, origins, record->short_form);
	if (!origin->value && !origin->bad)
		*origin = (struct origin){.key = level->node,
					  .value = level->node,
					  .path = level->path,
					  .is_default_level = level->is_defaults};
	return true;
}

static bool take_level(struct config_reader *reader, const struct schema_record *record,
		       const struct level *level, struct origin *origins)
{
	bool good = true;

	if (!level->node)
		return true;
	if (level->node->kind != NODE_MAPPING)
		return take_short_form(reader, record, level, origins);
	for (size_t i = 0; i < level->node->count; i++) {
		const struct node_pair *pair = &level->node->pairs[i];
		const struct schema_field *field = meant_field(record, level, pair->key->text);

		if (field) {
			good &= take_pair(reader, field, level, pair,
					  &origins[schema_index(record, field)]);
		} else if (!level->only) {
			unknown_key(reader, record, pair->key, level->path);
			good = false;
		}
	}
	return good;
}

/* ---- values --------------------------------------------------------------------------------- */

/* An endpoint as {address: , port: }. */
static bool read_endpoint(struct config_reader *reader, const struct schema_field *field,
			  const struct node *node, const struct path *path, struct endpoint *out)
{
	struct level level = {.node = node, .path = path, .is_home = true};
	struct origin origins[2] = {0};
	const char *complaint;

	if (!record_read(reader, &schema_endpoint, &level, 1, out, origins))
		return false;
	complaint = field->judge ? field->judge(out) : NULL;
	if (complaint)
		node_error(reader->diagnostics, node, path, "%s", complaint);
	return !complaint;
}

static bool judge_pattern(struct config_reader *reader, const struct node *node,
			  const struct path *path)
{
	const struct config_files *files = reader->files;
	char why[CONFIG_WHY];

	if (!files || !files->pattern || files->pattern(files->ctx, node->text, why))
		return true;
	node_error(reader->diagnostics, node, path, "%s", why);
	return false;
}

bool value_read(struct config_reader *reader, const struct schema_field *field, const struct node *node,
		const struct path *path, void *out)
{
	struct scalar scalar = {.text = node->text, .plain = node->plain, .quoted = node->quoted};
	char why[WHY_TEXT];
	struct text complaint = text_of(why, sizeof(why));

	if (node->bad)
		return false;
	if (field->flags & FIELD_SECRET)
		return secret_read(reader, field, node, path, out);
	if (node->kind == NODE_MAPPING && field->type == TYPE_ENDPOINT)
		return read_endpoint(reader, field, node, path, out);
	if (node->kind != NODE_SCALAR || node_is_null(node)) {
		node_error(reader->diagnostics, node, path, "a single value is expected, not %s",
			   node_what(reader->diagnostics, node));
		return false;
	}
	if (value_parse(field, &scalar, reader->arena, out, &complaint))
		return !(field->flags & FIELD_PATTERN) || judge_pattern(reader, node, path);
	node_error(reader->diagnostics, node, path, "%s", why);
	return false;
}

static bool read_element(struct config_reader *reader, const struct schema_field *field,
			 const struct node *node, const struct path *path, void *out,
			 struct origin **inner)
{
	struct level level = {.node = node, .path = path, .is_home = true};

	if (field->type != TYPE_RECORD)
		return value_read(reader, field, node, path, out);
	*inner = arena_array(reader->arena, field->record->count, sizeof(**inner));
	return *inner && record_read(reader, field->record, &level, 1, out, *inner);
}

static void list_store(const struct schema_field *field, void *object, const void *elements,
		       size_t count)
{
	memcpy(schema_member(field, object), &elements, sizeof(elements));
	memcpy((char *)object + field->count_offset, &count, sizeof(count));
}

/* A list; one value is a list of one. Elements keep the numbers of their nodes, faulty ones
 * included. */
static bool read_list(struct config_reader *reader, const struct schema_field *field,
		      struct origin *origin, void *object)
{
	const struct node *node = origin->value;
	bool single = node->kind != NODE_SEQUENCE, good = true;
	size_t count = single ? 1 : node->count;
	char *elements = arena_array(reader->arena, count, field->size);

	if (field->type == TYPE_RECORD)
		origin->inner = arena_array(reader->arena, count, sizeof(*origin->inner));
	if (!elements || arena_failed(reader->arena))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct path *path =
			single ? origin->path : path_below(reader, origin->path, NULL, i);

		good &= read_element(reader, field, single ? node : node->items[i], path,
				     elements + i * field->size,
				     origin->inner ? &origin->inner[i] : NULL);
	}
	list_store(field, object, elements, count);
	if (!count && (field->flags & (FIELD_REQUIRED | FIELD_FULL))) {
		node_error(reader->diagnostics, node, origin->path, "is empty");
		return false;
	}
	if (!count && (field->flags & FIELD_SOME) && !origin->overrides)
		node_warning(reader->diagnostics, node, origin->path,
			     "is empty, which says nothing: leave it out");
	return good;
}

/* A mapping of texts to single values as a list of records: the key is the first field, the value the
 * second. */
static bool read_text_map(struct config_reader *reader, const struct schema_field *field,
			  const struct origin *origin, void *object)
{
	const struct schema_record *record = field->record;
	const struct node *node = origin->value;
	bool good = true;
	char *elements;

	if (node->kind != NODE_MAPPING) {
		node_error(reader->diagnostics, node, origin->path,
			   "a mapping (name: value) is expected, not %s",
			   node_what(reader->diagnostics, node));
		return false;
	}
	elements = arena_array(reader->arena, node->count, field->size);
	for (size_t i = 0; elements && i < node->count; i++) {
		const struct path *path =
			path_below(reader, origin->path, node->pairs[i].key->text, 0);
		char *element = elements + i * field->size;

		good &= value_read(reader, &record->fields[0], node->pairs[i].key, path,
				    schema_member(&record->fields[0], element));
		good &= value_read(reader, &record->fields[1], node->pairs[i].value, path,
				    schema_member(&record->fields[1], element));
	}
	list_store(field, object, elements, elements ? node->count : 0);
	return good;
}

/* A set of words, one or a list. */
static bool read_words(struct config_reader *reader, const struct schema_field *field,
		       const struct origin *origin, uint32_t *set)
{
	const struct node *node = origin->value;
	bool good = true;

	if (node->kind != NODE_SEQUENCE)
		return value_read(reader, field, node, origin->path, set);
	for (size_t i = 0; i < node->count; i++) {
		uint32_t word = 0;

		good &= value_read(reader, field, node->items[i],
				    path_below(reader, origin->path, NULL, i), &word);
		if (*set & word) {
			node_error(reader->diagnostics, node->items[i],
				   path_below(reader, origin->path, NULL, i), "\"%s\" is there already",
				   node->items[i]->text);
			good = false;
		}
		*set |= word;
	}
	if (node->count || !field->default_text)
		return good;
	node_error(reader->diagnostics, node, origin->path, "is empty");
	return false;
}

/* A record inside of which no level has a key: the same every time. */
static bool read_unmentioned(struct config_reader *reader, const struct schema_record *record, void *out)
{
	struct record_facts *facts = facts_of(reader, record);
	struct origin *origins;

	if (!facts)
		return false;
	if (!facts->unmentioned || reader->partial) {
		origins = arena_array(reader->arena, record->count, sizeof(*origins));
		if (!origins || !record_read(reader, record, NULL, 0, out, origins))
			return false;
		if (!reader->partial)
			facts->unmentioned = arena_copy(reader->arena, out, record->size);
	} else {
		memcpy(out, facts->unmentioned, record->size);
	}
	return true;
}

/* A record inside the record: its keys, too, come from all levels. */
static bool read_inner(struct config_reader *reader, const struct schema_field *field,
		       const struct level *levels, size_t level_count, void *out,
		       struct origin *origin)
{
	struct level *inner = NULL;
	struct origin *origins;
	size_t count = 0;

	for (size_t i = 0; i < level_count; i++) {
		const struct node *node = levels[i].node;
		const struct node_pair *pair = node && node->kind == NODE_MAPPING && !levels[i].only
						       ? node_find(node, field->key)
						       : NULL;

		if (!pair || node_is_null(pair->value))
			continue;
		inner = inner ? inner : arena_array(reader->arena, level_count, sizeof(*inner));
		if (!inner)
			return false;
		inner[count++] =
			(struct level){.node = pair->value,
				       .is_defaults = levels[i].is_defaults,
				       .is_home = levels[i].is_home,
				       .path = path_below(reader, levels[i].path, field->key, 0)};
	}
	if (!count)
		return read_unmentioned(reader, field->record, out);
	origins = arena_array(reader->arena, field->record->count, sizeof(*origins));
	origin->inner = arena_copy(reader->arena, &origins, sizeof(struct origin *));
	return origins && record_read(reader, field->record, inner, count, out, origins);
}

static bool read_field(struct config_reader *reader, const struct schema_field *field,
		       struct origin *origin, void *object)
{
	void *member = schema_member(field, object);
	const void *dropped;

	if ((field->flags & FIELD_MAP) && field->type == TYPE_RECORD)
		return read_text_map(reader, field, origin, object);
	if (field->flags & FIELD_LIST)
		return read_list(reader, field, origin, object);
	if (field->type == TYPE_WORDS)
		return read_words(reader, field, origin, member);
	if (field->flags & FIELD_DROP)
		return value_read(reader, field, origin->value, origin->path, &dropped);
	return value_read(reader, field, origin->value, origin->path, member);
}

static bool set_default(const struct record_facts *facts, const struct schema_field *field, void *object)
{
	const void *value = facts->rows[schema_index(facts->record, field)].absent;

	if (!field->default_text)
		return true;
	if (!value)
		return false;
	if (field->flags & FIELD_LIST)
		list_store(field, object, value, 1);
	else
		memcpy(schema_member(field, object), value, field->size);
	return true;
}

/* ---- the record ----------------------------------------------------------------------------- */

static bool not_applicable(struct config_reader *reader, const struct schema_record *record,
			   const void *object, struct origin *origin)
{
	const struct schema_field *discriminator = schema_discriminator(record);
	char word[32];
	struct text text = text_of(word, sizeof(word));

	if (!origin->value || origin->is_default_level)
		return true;
	value_format(discriminator, schema_value(discriminator, object), &text);
	if (record->is_variant)
		node_error(reader->diagnostics, origin->key, origin->path,
			   "does not apply where \"%s\" is given", word);
	else
		node_error(reader->diagnostics, origin->key, origin->path,
			   "does not apply to %s: %s", discriminator->key, word);
	origin->bad = true;
	return false;
}

static bool read_row(struct config_reader *reader, const struct record_facts *facts, size_t row,
		     const struct level *levels, size_t level_count, void *out, struct origin *origins)
{
	const struct schema_record *record = facts->record;
	const struct schema_field *field = &record->fields[row];
	struct origin *origin = &origins[facts->rows[row].first];
	bool good;

	if (origin->bad || !field->key)
		return !origin->bad;
	if (reader->partial && facts->rows[row].first != row)
		return true;
	if (!reader->partial && !schema_applies(record, field, out))
		return schema_is_other(record, field, out) ||
		       not_applicable(reader, record, out, origin);
	if (origin->is_default_level && (field->flags & FIELD_OWN))
		*origin = (struct origin){0}; /* meant for another row of the key */
	if (field->type == TYPE_RECORD && !(field->flags & FIELD_LIST))
		good = read_inner(reader, field, levels, level_count, schema_member(field, out),
				  origin);
	else if (origin->value && (field->type == TYPE_SOURCE || (field->flags & FIELD_RESOLVED)))
		good = true;
	else if (origin->value)
		good = read_field(reader, field, origin, out);
	else if ((field->flags & FIELD_REQUIRED) && !reader->partial)
		good = false;
	else
		good = field->type == TYPE_SOURCE || set_default(facts, field, out);
	origin->bad = !good;
	return good;
}

/* Which of the keys that tell variants apart was given: exactly one. */
static bool read_variant(struct config_reader *reader, const struct schema_record *record,
			 const struct level *level, void *out, struct origin *origins)
{
	const struct schema_field *field = &record->fields[0];
	const struct origin *given = NULL, *second = NULL;
	char names[64];
	struct text text = text_of(names, sizeof(names));

	for (const struct schema_word *word = field->words; word->text; word++) {
		const struct origin *origin = origin_of(record, origins, word->text);

		if (!origin->value && !origin->bad)
			continue;
		if (!given)
			schema_number_set(schema_member(field, out), field->size, word->value);
		else
			second = origin;
		given = given ? given : origin;
	}
	if (given && !second)
		return true;
	value_words(field->words, &text);
	if (level->node->kind == NODE_MAPPING || second)
		node_error(reader->diagnostics, second && second->key ? second->key : level->node,
			   level->path, "one of %s is expected%s", names,
			   second ? ", not both" : "");
	return false;
}

/* Required keys that nobody gave are named at the object itself. */
static void report_missing(struct config_reader *reader, const struct record_facts *facts,
			   const struct level *level, const struct origin *origins)
{
	const struct schema_record *record = facts->record;

	if (reader->partial || !level->is_home || !level->node || level->node->kind != NODE_MAPPING)
		return;
	for (size_t i = 0; i < record->count; i++) {
		const struct origin *origin = &origins[facts->rows[i].first];

		if ((record->fields[i].flags & FIELD_REQUIRED) && origin->bad && !origin->value &&
		    !origin->key && !node_find(level->node, record->fields[i].key))
			node_error(reader->diagnostics, level->node, level->path,
				   "the key \"%s\" is missing", record->fields[i].key);
	}
}

bool record_read(struct config_reader *reader, const struct schema_record *record,
		 const struct level *levels, size_t level_count, void *out, struct origin *origins)
{
	const struct record_facts *facts = facts_of(reader, record);
	const struct schema_field *first = facts ? facts->discriminator : NULL;
	bool good = true, known = true;

	if (!facts)
		return false;
	for (size_t i = 0; i < level_count; i++)
		good &= take_level(reader, record, &levels[i], origins);
	if (record->is_variant)
		known = read_variant(reader, record, levels, out, origins);
	else if (first)
		known = read_row(reader, facts, schema_index(record, first), levels, level_count, out,
				 origins);
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];

		if (field != first && (known || !field->applies))
			good &= read_row(reader, facts, i, levels, level_count, out, origins);
	}
	for (size_t i = 0; i < level_count; i++)
		report_missing(reader, facts, &levels[i], origins);
	return good && known;
}
