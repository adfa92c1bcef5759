/* The named items of a list section (instances, sync groups), and what a director says of one for
 * itself: "vrrp: {NAME: …}", "sync: {NAME: …}". */
#include <string.h>

#include "config/build.h"

/* The name that a director calls an item by; NULL when it has none (reported with the record). */
const char *item_name(const struct section_item *item)
{
	const struct node_pair *pair =
		item->value->kind == NODE_MAPPING ? node_find(item->value, "name") : NULL;

	return pair && pair->value->kind == NODE_SCALAR ? pair->value->text : NULL;
}

static const char *next_item_name(const void *ctx, size_t index)
{
	const struct named_items *names = ctx;

	for (size_t i = 0; i < names->count; i++)
		if (item_name(&names->items[i]) && index-- == 0)
			return item_name(&names->items[i]);
	return NULL;
}

static bool has_item(const struct named_items *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (item_name(&names->items[i]) && !strcmp(item_name(&names->items[i]), name))
			return true;
	return false;
}

static const struct node *own_section(const struct build_director *director,
				      const struct named_items *items)
{
	return items->is_sync ? director->sync : director->vrrp;
}

static const char *own_key(const struct named_items *items)
{
	return items->is_sync ? "sync" : "vrrp";
}

void items_check(struct build *build, const struct build_director *director,
		 const struct named_items *items)
{
	struct path above = {.up = director->path, .key = own_key(items)};
	const struct node *own = own_section(director, items);

	for (size_t i = 0; own && i < own->count; i++) {
		const struct node_pair *pair = &own->pairs[i];
		struct path path = {.up = &above, .key = pair->key->text};

		if (!has_item(items, pair->key->text))
			build_no_such(build, items->is_sync ? "sync group" : "instance",
				      pair->key->text, pair->key, &path, next_item_name, items);
		else if (node_is_null(pair->value))
			node_error(build->reader.diagnostics, pair->key, &path, "has no value");
	}
}

struct level items_own_level(struct build *build, const struct build_director *director,
			     const struct named_items *items, const char *name)
{
	const struct node *own = director ? own_section(director, items) : NULL;
	const struct node_pair *pair = own && name ? node_find(own, name) : NULL;
	struct level level = {0};

	if (!pair)
		return level;
	level.node = node_is_null(pair->value) ? NULL : pair->value;
	level.path = path_below(&build->reader,
				path_below(&build->reader, director->path, own_key(items), 0), name,
				0);
	return level;
}

bool items_is_renamed(struct build *build, const struct level *own, const struct named_items *items)
{
	const struct node_pair *pair =
		own->node && own->node->kind == NODE_MAPPING ? node_find(own->node, "name") : NULL;

	if (pair)
		node_error(build->reader.diagnostics, pair->key, own->path,
			   "the name of %s is the same on every director",
			   items->is_sync ? "a sync group" : "an instance");
	return pair != NULL;
}
