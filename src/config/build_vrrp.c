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

static void build_instance(struct build *build, const struct named_items *items, size_t number,
			   const struct build_director *director, struct build_instance *instance)
{
	const struct section_item *item = &items->items[number];
	struct level levels[4] = {{0}};

	instance->director = director;
	instance->self =
		(struct origin){.key = item->value, .value = item->value, .path = item->path};
	instance->origins =
		arena_array(build->arena, schema_instance.count, sizeof(*instance->origins));
	if (!instance->origins)
		return;
	levels[0] = items_own_level(build, director, items, item_name(item));
	levels[1] = (struct level){.node = item->value, .path = item->path, .is_home = true};
	if (director)
		levels[2] = (struct level){.node = director->node,
					   .path = director->path,
					   .is_defaults = true,
					   .only = general_keys};
	levels[3] = build->vrrp_defaults;
	instance->good = record_read(&build->reader, &schema_instance, levels, 4, &instance->model,
				     instance->origins);
	if (items_is_renamed(build, &levels[0], items))
		instance->model.name = item_name(item);
	resolve_instance(build, instance);
}

/* ---- places --------------------------------------------------------------------------------- */

const struct origin *instance_place(struct build_instance *instance, const char *key)
{
	const struct origin *origin = origin_of(&schema_instance, instance->origins, key);

	return origin->value ? origin : &instance->self;
}

struct origin list_item(struct build *build, const struct origin *list, const struct origin *self,
			size_t number)
{
	struct origin place = list->value ? *list : *self;

	if (!list->value || list->value->kind != NODE_SEQUENCE || number >= list->value->count)
		return place;
	place.value = place.key = list->value->items[number];
	place.path = path_below(&build->reader, list->path, NULL, number);
	return place;
}

struct origin list_item_key(struct build *build, const struct schema_record *record,
			    const struct origin *list, const struct origin *self, size_t number,
			    const char *key)
{
	struct origin *origins = origin_inner(list, number);
	struct origin *origin = origins ? origin_of(record, origins, key) : NULL;

	return origin && origin->value ? *origin : list_item(build, list, self, number);
}

struct origin instance_item(struct build *build, struct build_instance *instance, const char *key,
			    size_t number)
{
	return list_item(build, origin_of(&schema_instance, instance->origins, key),
			 &instance->self, number);
}

struct origin instance_item_key(struct build *build, struct build_instance *instance,
				const char *list, size_t number, const char *key)
{
	return list_item_key(build, schema_find(&schema_instance, list)->record,
			     origin_of(&schema_instance, instance->origins, list), &instance->self,
			     number, key);
}

/* ---- all of them ---------------------------------------------------------------------------- */

void build_instances(struct build *build)
{
	struct named_items items = {0};
	size_t directors = build->director_count ? build->director_count : 1;

	items.items = section_items(build->tree, "vrrp", build->arena, &items.count);
	build->instances =
		arena_array(build->arena, items.count * directors, sizeof(*build->instances));
	if (!build->instances)
		return;
	build->instance_count = items.count;
	for (size_t d = 0; d < directors; d++) {
		const struct build_director *director =
			build->director_count ? &build->directors[d] : NULL;

		if (director)
			items_check(build, director, &items);
		for (size_t i = 0; i < items.count; i++)
			build_instance(build, &items, i, director,
				       &build->instances[d * items.count + i]);
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
