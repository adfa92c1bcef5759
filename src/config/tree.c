/* Nodes, paths, and the merging of files; see the header. A section that is a map or a list may
 * come in parts from many files: lists follow one another, maps must not share a key. Everything
 * else stands in one file only. */
#include "config/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "config/compile.h"
#include "config/schema.h"

#define SUBSTITUTED_MAX 8192 /* bytes of a text with variables, with its zero */

const char *path_format(const struct path *path, struct arena *arena)
{
	const char *above;

	if (!path)
		return "";
	above = path_format(path->up, arena);
	if (!above)
		return NULL;
	if (!path->key)
		return arena_printf(arena, "%s[%zu]", above, path->index);
	return arena_printf(arena, "%s%s%s", above, *above ? "." : "", path->key);
}

void node_report(struct diagnostics *diagnostics, enum severity severity, const struct node *node,
		 const struct path *path, const char *format, ...)
{
	struct diagnostic where = {.severity = severity,
				   .file = node->file,
				   .line = node->line,
				   .column = node->column};
	va_list list;

	where.path = path_format(path, diagnostics->arena);
	va_start(list, format);
	diagnostics_addv(diagnostics, &where, format, list);
	va_end(list);
}

const char *node_place(const struct node *node, const struct node *from, struct arena *arena)
{
	const char *place;

	if (from && !strcmp(from->file, node->file))
		place = arena_printf(arena, "line %u", node->line);
	else
		place = arena_printf(arena, "%s:%u:%u", node->file, node->line, node->column);
	return place ? place : "?";
}

bool node_is_null(const struct node *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (node->kind != NODE_SCALAR || node->quoted)
		return false;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (!strcmp(node->text, words[i]))
			return true;
	return false;
}

const char *node_what(const struct diagnostics *diagnostics, const struct node *node)
{
	const char *text;

	switch (node->kind) {
	case NODE_SEQUENCE:
		return "a list";
	case NODE_MAPPING:
		return "a mapping";
	case NODE_SCALAR:
		break;
	}
	if (node_is_null(node))
		return "nothing";
	text = arena_printf(diagnostics->arena, "\"%s\"", node->text);
	return text ? text : "a single value";
}

const struct node_pair *node_find(const struct node *mapping, const char *key)
{
	for (size_t i = 0; i < mapping->count; i++)
		if (!strcmp(mapping->pairs[i].key->text, key))
			return &mapping->pairs[i];
	return NULL;
}

/* ---- variables ------------------------------------------------------------------------------ */

#define NAME_FIRST "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
#define NAME_SET NAME_FIRST "0123456789"

/* The value for what stands between ${ and }. */
static const char *variable_value(const char *inside,
				  const char *(*environment)(void *ctx, const char *name),
				  void *ctx, struct arena *arena, char *why)
{
	struct text complaint = text_of(why, CONFIG_WHY);
	size_t length = strspn(inside, NAME_SET);
	const char *value, *name;

	if (!length || !strchr(NAME_FIRST, inside[0]) ||
	    (inside[length] && strncmp(inside + length, ":-", 2))) {
		text_add(
			&complaint,
			"\"${%s}\" is no variable (${NAME} or ${NAME:-default}; a literal ${ is $${)",
			inside);
		return NULL;
	}
	name = arena_text(arena, inside, length);
	value = name && environment ? environment(ctx, name) : NULL;
	if (inside[length] && (!value || !*value))
		return inside + length + 2;
	if (!value)
		text_add(&complaint,
			 "the variable %.*s is not set (${%.*s:-default} gives it a default)",
			 (int)length, inside, (int)length, inside);
	return value;
}

/* Appends the value of the variable that begins at `dollar`; moves *at behind its brace. */
static bool variable_add(const char *dollar, const char **at, struct text *result,
			 const char *(*environment)(void *ctx, const char *name), void *ctx,
			 struct arena *arena, char *why)
{
	const char *close = strchr(dollar, '}'), *inside, *value;

	if (!close) {
		snprintf(why, CONFIG_WHY, "\"${\" without \"}\" (a literal ${ is written $${)");
		return false;
	}
	inside = arena_text(arena, dollar + 2, (size_t)(close - dollar - 2));
	value = inside ? variable_value(inside, environment, ctx, arena, why) : NULL;
	if (!value)
		return false;
	text_add(result, "%s", value);
	*at = close + 1;
	return true;
}

int text_substitute(const char *text, const char *(*environment)(void *ctx, const char *name),
		    void *ctx, struct arena *arena, const char **out, char *why)
{
	char buffer[SUBSTITUTED_MAX];
	struct text result = text_of(buffer, sizeof(buffer));
	const char *at = text, *dollar;

	while ((dollar = strstr(at, "${"))) {
		bool literal = dollar > at && dollar[-1] == '$';

		text_add(&result, "%.*s", (int)(dollar - at), at);
		at = dollar +
		     1; /* of $${ one $ is written by now: the second goes, the brace stays */
		if (!literal && !variable_add(dollar, &at, &result, environment, ctx, arena, why))
			return -EINVAL;
		if (result.cut)
			break;
	}
	if (!result.cut)
		text_add(&result, "%s", at);
	if (result.cut) {
		snprintf(why, CONFIG_WHY, "a text with variables is longer than %d bytes",
			 SUBSTITUTED_MAX - 1);
		return -E2BIG;
	}
	*out = arena_strdup(arena, buffer);
	return *out ? 0 : -ENOMEM;
}

/* ---- sections ------------------------------------------------------------------------------- */

struct config_tree *tree_new(struct arena *arena, const char *main_file)
{
	struct config_tree *tree = arena_alloc(arena, sizeof(*tree));

	if (!tree)
		return NULL;
	tree->main_file = main_file;
	tree->sections = arena_array(arena, schema_model.count, sizeof(*tree->sections));
	return tree->sections ? tree : NULL;
}

static struct config_section *section_of(const struct config_tree *tree,
					 const struct schema_field *field)
{
	return &tree->sections[schema_index(&schema_model, field)];
}

const struct config_section *tree_section(const struct config_tree *tree, const char *key)
{
	return section_of(tree, schema_find(&schema_model, key));
}

/* What a root key must have; a list section that is a scalar in the file (include) may be one
 * value. */
static bool kind_fits(const struct schema_field *field, const struct node *value,
		      const char **wanted)
{
	bool is_map = (field->flags & FIELD_MAP) ||
		      (field->type == TYPE_RECORD && !(field->flags & FIELD_LIST));

	*wanted = is_map ? "a mapping (lines \"key: value\")"
			 : "a list (lines that begin with \"- \")";
	if (is_map)
		return value->kind == NODE_MAPPING;
	if (field->type == TYPE_SOURCE)
		return true;
	if (field->flags & FIELD_LIST)
		return value->kind == NODE_SEQUENCE;
	*wanted = "a single value";
	return value->kind == NODE_SCALAR;
}

static void section_add(struct config_tree *tree, struct arena *arena,
			const struct schema_field *field, const struct node_pair *pair,
			struct diagnostics *diagnostics)
{
	struct config_section *section = section_of(tree, field);
	struct path path = {.key = pair->key->text};
	struct node_pair *part;
	const char *wanted;

	if (node_is_null(pair->value)) {
		node_error(diagnostics, pair->key, &path, "has no value");
		return;
	}
	if (!kind_fits(field, pair->value, &wanted)) {
		node_error(diagnostics, pair->value, &path, "%s is expected, not %s", wanted,
			   node_what(diagnostics, pair->value));
		return;
	}
	if (section->count && field->type == TYPE_TEXT) {
		node_error(diagnostics, pair->key, &path, "is given twice; first at %s",
			   node_place(section->parts[0].key, pair->key, arena));
		return;
	}
	part = arena_push(arena, &section->parts, &section->count, sizeof(*part));
	if (part)
		*part = *pair;
}

void tree_add(struct config_tree *tree, struct arena *arena, const struct node *root,
	      struct diagnostics *diagnostics)
{
	if (!root)
		return;
	if (root->kind != NODE_MAPPING) {
		node_error(diagnostics, root, NULL,
			   "a file is a mapping (lines \"key: value\"), not %s",
			   node_what(diagnostics, root));
		return;
	}
	for (size_t i = 0; i < root->count; i++) {
		const struct node_pair *pair = &root->pairs[i];
		const struct schema_field *field = schema_find(&schema_model, pair->key->text);
		struct path path = {.key = pair->key->text};
		const char *nearest;

		if (field) {
			section_add(tree, arena, field, pair, diagnostics);
			continue;
		}
		nearest = schema_nearest(&schema_model, pair->key->text);
		node_error(diagnostics, pair->key, &path, "unknown key%s%s%s",
			   nearest ? "; did you mean \"" : "", nearest ? nearest : "",
			   nearest ? "\"?" : "");
	}
}

/* Reports keys that two parts of a map share. */
static void keys_once(const struct config_section *section, const char *name, struct arena *arena,
		      struct diagnostics *diagnostics)
{
	struct path above = {.key = name};
	const struct node **keys = NULL;
	size_t count = 0;
	struct table seen;

	if (section->count < 2 || table_init(&seen, arena, 64))
		return;
	for (size_t part = 0; part < section->count; part++) {
		const struct node *map = section->parts[part].value;

		for (size_t i = 0; i < map->count; i++) {
			const struct node *key = map->pairs[i].key, *other = NULL, **added;
			struct path path = {.up = &above, .key = key->text};
			uint64_t hash = text_hash(TEXT_HASH, key->text, strlen(key->text));
			uint32_t at;

			for (size_t step = 0; !other && table_next(&seen, hash, &step, &at);)
				if (!strcmp(keys[at]->text, key->text))
					other = keys[at];
			if (other) {
				node_error(diagnostics, key, &path, "is given twice; first at %s",
					   node_place(other, key, arena));
				continue;
			}
			added = arena_push(arena, &keys, &count, sizeof(*added));
			if (!added || table_add(&seen, hash, (uint32_t)count - 1))
				return;
			*added = key;
		}
	}
}

void tree_finish(struct config_tree *tree, struct arena *arena, struct diagnostics *diagnostics)
{
	const struct config_section *directors = tree_section(tree, "directors");

	for (size_t i = 0; i < schema_model.count; i++) {
		const struct schema_field *field = &schema_model.fields[i];

		if (field->key && ((field->flags & FIELD_MAP) || field->record == &schema_global))
			keys_once(section_of(tree, field), field->key, arena, diagnostics);
	}
	for (size_t part = 0; part < directors->count; part++)
		for (size_t i = 0; i < directors->parts[part].value->count; i++) {
			const char **name = arena_push(arena, &tree->directors,
						       &tree->director_count, sizeof(*name));

			if (name)
				*name = directors->parts[part].value->pairs[i].key->text;
		}
}

static void item_add(struct section_item *item, const struct node *part, size_t index,
		     const struct path *above, struct arena *arena)
{
	struct path *path = arena_alloc(arena, sizeof(*path));

	if (part->kind == NODE_MAPPING) {
		item->key = part->pairs[index].key;
		item->value = part->pairs[index].value;
	} else {
		item->value = part->items[index];
	}
	if (path)
		*path = (struct path){.up = above,
				      .key = item->key ? item->key->text : NULL,
				      .index = index};
	item->path = path;
}

struct section_item *section_items(const struct config_tree *tree, const char *key,
				   struct arena *arena, size_t *count)
{
	const struct config_section *section = tree_section(tree, key);
	struct section_item *items = NULL;
	struct path *above = arena_alloc(arena, sizeof(*above));

	*count = 0;
	if (!above)
		return NULL;
	above->key = key;
	for (size_t part = 0; part < section->count; part++)
		for (size_t i = 0; i < section->parts[part].value->count; i++) {
			struct section_item *item = arena_push(arena, &items, count, sizeof(*item));

			if (item)
				item_add(item, section->parts[part].value, i, above, arena);
		}
	return items;
}
