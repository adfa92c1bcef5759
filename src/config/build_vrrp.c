/* The instances as every director has them. Precedence of a key (interface.md section 7): the
 * director's own "vrrp: {NAME: …}", the instance, the director's general address and priority,
 * defaults, the built-in. All directors are resolved, whomever the model is for: faults of the
 * others show, and equal priorities can be seen. */
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "config/build.h"

/* The director's general values, and which keys of an instance they stand for. */
static const struct level_key general_keys[] = {{"address", "source"},
						{"priority", "priority"},
						{0}};

static const struct node *override_of(const struct build_director *director, const char *name,
				      const struct path **path, struct build *build)
{
	const struct node_pair *pair;

	if (!director || !director->overrides || !name)
		return NULL;
	pair = node_find(director->overrides, name);
	*path = path_below(&build->reader, path_below(&build->reader, director->path, "vrrp", 0),
			   name, 0);
	return pair && !node_is_null(pair->value) ? pair->value : NULL;
}

static void build_instance(struct build *build, const struct section_item *item, const char *name,
			   const struct build_director *director, struct build_instance *instance)
{
	struct level levels[4] = {{0}};
	const struct node_pair *renamed;

	instance->director = director;
	instance->self =
		(struct origin){.key = item->value, .value = item->value, .path = item->path};
	instance->origins =
		arena_array(build->arena, schema_instance.count, sizeof(*instance->origins));
	if (!instance->origins)
		return;
	levels[0].node = override_of(director, name, &levels[0].path, build);
	levels[1] = (struct level){.node = item->value, .path = item->path, .is_home = true};
	if (director)
		levels[2] = (struct level){.node = director->node,
					   .path = director->path,
					   .is_defaults = true,
					   .only = general_keys};
	levels[3] = build->vrrp_defaults;
	instance->good = record_read(&build->reader, &schema_instance, levels, 4, &instance->model,
				     instance->origins);
	renamed = levels[0].node && levels[0].node->kind == NODE_MAPPING
			  ? node_find(levels[0].node, "name")
			  : NULL;
	if (renamed) {
		node_error(build->reader.diagnostics, renamed->key, levels[0].path,
			   "the name of an instance is the same on every director");
		instance->model.name = name;
	}
	resolve_instance(build, instance);
}

/* The name that a director's overrides call an item by; NULL when it has none (reported with the
 * record). */
static const char *item_name(const struct section_item *item)
{
	const struct node_pair *pair =
		item->value->kind == NODE_MAPPING ? node_find(item->value, "name") : NULL;

	return pair && pair->value->kind == NODE_SCALAR ? pair->value->text : NULL;
}

struct item_names {
	const struct section_item *items;
	size_t count;
};

static const char *next_item_name(const void *ctx, size_t index)
{
	const struct item_names *names = ctx;

	for (size_t i = 0; i < names->count; i++)
		if (item_name(&names->items[i]) && index-- == 0)
			return item_name(&names->items[i]);
	return NULL;
}

static bool has_item(const struct item_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (item_name(&names->items[i]) && !strcmp(item_name(&names->items[i]), name))
			return true;
	return false;
}

/* ---- places --------------------------------------------------------------------------------- */

const struct origin *instance_place(struct build_instance *instance, const char *key)
{
	const struct origin *origin = origin_of(&schema_instance, instance->origins, key);

	return origin->value ? origin : &instance->self;
}

struct origin instance_item(struct build *build, struct build_instance *instance, const char *key,
			    size_t number)
{
	const struct origin *list = instance_place(instance, key);
	struct origin place = *list;

	if (list->value->kind != NODE_SEQUENCE || number >= list->value->count)
		return place;
	place.value = place.key = list->value->items[number];
	place.path = path_below(&build->reader, list->path, NULL, number);
	return place;
}

struct origin instance_item_key(struct build *build, struct build_instance *instance,
				const char *list, size_t number, const char *key)
{
	struct origin *origins =
		origin_inner(origin_of(&schema_instance, instance->origins, list), number);
	const struct schema_record *record = schema_find(&schema_instance, list)->record;
	struct origin *origin = origins ? origin_of(record, origins, key) : NULL;

	return origin && origin->value ? *origin : instance_item(build, instance, list, number);
}

/* ---- all of them ---------------------------------------------------------------------------- */

/* A director may only override instances that exist. */
static void check_overrides(struct build *build, const struct build_director *director,
			    const struct item_names *names)
{
	struct path above = {.up = director->path, .key = "vrrp"};

	for (size_t i = 0; director->overrides && i < director->overrides->count; i++) {
		const struct node_pair *pair = &director->overrides->pairs[i];
		struct path path = {.up = &above, .key = pair->key->text};

		if (!has_item(names, pair->key->text))
			build_no_such(build, "instance", pair->key->text, pair->key, &path,
				      next_item_name, names);
		else if (node_is_null(pair->value))
			node_error(build->reader.diagnostics, pair->key, &path, "has no value");
	}
}


void build_instances(struct build *build)
{
	struct item_names names;
	struct section_item *items = section_items(build->tree, "vrrp", build->arena, &names.count);
	size_t directors = build->director_count ? build->director_count : 1;

	names.items = items;
	build->instances =
		arena_array(build->arena, names.count * directors, sizeof(*build->instances));
	if (!build->instances)
		return;
	build->instance_count = names.count;
	for (size_t d = 0; d < directors; d++) {
		const struct build_director *director =
			build->director_count ? &build->directors[d] : NULL;

		if (director)
			check_overrides(build, director, &names);
		for (size_t i = 0; i < names.count; i++)
			build_instance(build, &items[i], item_name(&items[i]), director,
				       &build->instances[d * names.count + i]);
	}
}

/* ---- the end -------------------------------------------------------------------------------- */

/* Link-local addresses stand first in an IPv6 advert (RFC 9568 section 5.2.9); otherwise the order
 * of the file stays. */
static void link_local_first(struct instance *instance)
{
	size_t place = 0;

	for (size_t i = 0; i < instance->virtual_address_count; i++) {
		struct vip vip = instance->virtual_addresses[i];

		if (vip.address.address.family != AF_INET6 ||
		    !addr_is_link_local(&vip.address.address))
			continue;
		memmove(&instance->virtual_addresses[place + 1],
			&instance->virtual_addresses[place], (i - place) * sizeof(vip));
		instance->virtual_addresses[place++] = vip;
	}
}

/* With directors in the file but no node, the model has nobody's instances. */
void build_instances_finish(struct build *build)
{
	struct model *model = build->model;
	size_t first = 0;

	if (build->director_count && !build->self)
		return;
	if (build->self)
		first = (size_t)(build->self - build->directors) * build->instance_count;
	model->instances =
		arena_array(build->arena, build->instance_count, sizeof(*model->instances));
	if (!model->instances || !build->instances)
		return;
	model->instance_count = build->instance_count;
	for (size_t i = 0; i < build->instance_count; i++) {
		model->instances[i] = build->instances[first + i].model;
		link_local_first(&model->instances[i]);
	}
}
