/* The sync groups as every director has them, and which of its instances they hold. A key of a
 * group comes from the director's own "sync: {NAME: …}", then from the group. */
#include <string.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "config/build.h"

static uint64_t name_hash(const char *name)
{
	return text_hash(TEXT_HASH, name, strlen(name));
}

const struct origin *group_place(struct build_group *group, const char *key)
{
	const struct origin *origin = origin_of(&schema_sync_group, group->origins, key);

	return origin->value ? origin : &group->self;
}

/* The instances of the director that a group or instance is of. */
static struct build_instance *instances_of(const struct build *build,
					   const struct build_director *director)
{
	size_t number = director ? (size_t)(director - build->directors) : 0;

	return build->instances + number * build->instance_count;
}

struct build_instance *group_member(struct build *build, struct build_group *group, size_t number)
{
	uint32_t instance = group->model.instances[number];

	return instance == BUILD_NOBODY ? NULL : &instances_of(build, group->director)[instance];
}

static void build_group(struct build *build, const struct named_items *items, size_t number,
			const struct build_director *director, struct build_group *group)
{
	const struct section_item *item = &items->items[number];
	struct level levels[2] = {
		items_own_level(build, director, items, item_name(item)),
		{.node = item->value, .path = item->path, .is_home = true},
	};

	group->director = director;
	group->self = (struct origin){.key = item->value, .value = item->value, .path = item->path};
	group->origins =
		arena_array(build->arena, schema_sync_group.count, sizeof(*group->origins));
	if (!group->origins)
		return;
	group->good = record_read(&build->reader, &schema_sync_group, levels, 2, &group->model,
				  group->origins);
	if (items_is_renamed(build, &levels[0], items))
		group->model.name = item_name(item);
}

/* ---- members -------------------------------------------------------------------------------- */

/* Instances by name, the same numbers on every director. */
struct names {
	struct build *build;
	struct table table;
};

static const char *next_instance(const void *ctx, size_t index)
{
	const struct build *build = ((const struct names *)ctx)->build;

	return index < build->instance_count ? build->instances[index].model.name : NULL;
}

static int names_init(struct names *names, struct build *build)
{
	int err = table_init(&names->table, build->arena, build->instance_count);

	names->build = build;
	for (uint32_t i = 0; !err && i < build->instance_count; i++) {
		const char *name = build->instances[i].model.name;

		if (name)
			err = table_add(&names->table, name_hash(name), i);
	}
	return err;
}

static uint32_t find_instance(const struct names *names, const char *name)
{
	uint32_t number;

	for (size_t step = 0; table_next(&names->table, name_hash(name), &step, &number);)
		if (!strcmp(names->build->instances[number].model.name, name))
			return number;
	return BUILD_NOBODY;
}

/* The members' numbers; wrong names are reported and number nobody. */
static void find_members(struct names *names, struct build_group *group)
{
	struct build *build = names->build;
	struct sync_group *model = &group->model;
	const struct origin *list = origin_of(&schema_sync_group, group->origins, "instances");

	model->instances = arena_array(build->arena, model->name_count, sizeof(*model->instances));
	if (!model->instances)
		return;
	model->instance_count = model->name_count;
	for (size_t i = 0; i < model->name_count; i++) {
		struct origin at = list_item(build, list, &group->self, i);

		model->instances[i] = BUILD_NOBODY;
		if (!model->names[i])
			continue;
		model->instances[i] = find_instance(names, model->names[i]);
		if (model->instances[i] == BUILD_NOBODY)
			build_no_such(build, "instance", model->names[i], at.value, at.path,
				      next_instance, names);
	}
}

/* Each member learns of its group; who has one already keeps it (validate_sync.c reports it). */
static void join_members(struct build *build, struct build_group *group, uint32_t number)
{
	for (size_t i = 0; i < group->model.instance_count; i++) {
		struct build_instance *member = group_member(build, group, i);

		if (member && !member->model.sync_group)
			member->model.sync_group = number + 1;
	}
}

void build_groups(struct build *build)
{
	size_t directors = build->director_count ? build->director_count : 1;
	struct named_items items = {.is_sync = true};
	struct names names;

	items.items = section_items(build->tree, "sync_groups", build->arena, &items.count);
	build->groups = arena_array(build->arena, items.count * directors, sizeof(*build->groups));
	if (!build->groups || !build->instances || names_init(&names, build))
		return;
	build->group_count = items.count;
	for (size_t d = 0; d < directors; d++) {
		const struct build_director *director =
			build->director_count ? &build->directors[d] : NULL;

		if (director)
			items_check(build, director, &items);
		for (uint32_t i = 0; i < items.count; i++) {
			struct build_group *group = &build->groups[d * items.count + i];

			build_group(build, &items, i, director, group);
			if (!group->origins)
				return;
			find_members(&names, group);
			join_members(build, group, i);
		}
	}
}

void build_groups_finish(struct build *build)
{
	struct model *model = build->model;
	size_t first = 0;

	if (build->director_count && !build->self)
		return;
	if (build->self)
		first = (size_t)(build->self - build->directors) * build->group_count;
	model->sync_groups =
		arena_array(build->arena, build->group_count, sizeof(*model->sync_groups));
	if (!model->sync_groups || !build->groups)
		return;
	model->sync_group_count = build->group_count;
	for (size_t i = 0; i < build->group_count; i++)
		model->sync_groups[i] = build->groups[first + i].model;
}
