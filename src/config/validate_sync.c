/* What the members of a sync group must be to one another. A group moves as one: so every director
 * must see one priority of it and one rule of preemption, else two directors could each be right
 * about another member. Held for every director, since overrides can break it on one only. */
#include <string.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "config/build.h"

#define complain(build, at, ...)                                                                   \
	node_error((build)->reader.diagnostics, (at).value, (at).path, __VA_ARGS__)

static const char *on_director(struct build *build, const struct build_group *group)
{
	return group->director ? arena_printf(build->arena, " on %s", group->director->model->name)
			       : "";
}

static const char *name_of(const struct build_group *group)
{
	return group->model.name ? group->model.name : "?";
}

static struct origin member_place(struct build *build, struct build_group *group, size_t number)
{
	return list_item(build, origin_of(&schema_sync_group, group->origins, "instances"),
			 &group->self, number);
}

static void claim_name(struct build *build, struct build_group *groups, uint32_t number,
		       struct table *names)
{
	struct build_group *group = &groups[number];
	const char *name = group->model.name;
	uint64_t hash;
	uint32_t other;

	if (!name)
		return;
	hash = text_hash(TEXT_HASH, name, strlen(name));
	for (size_t step = 0; table_next(names, hash, &step, &other);) {
		const struct origin *at = group_place(group, "name");

		if (strcmp(groups[other].model.name, name))
			continue;
		complain(build, *at, "\"%s\" is the name of another sync group (%s)", name,
			 node_place(group_place(&groups[other], "name")->value, at->value,
				    build->arena));
		return;
	}
	table_add(names, hash, number);
}

/* Not twice in this group, nor in another one. */
static bool check_membership(struct build *build, struct build_group *groups, uint32_t number,
			     size_t at)
{
	struct build_group *group = &groups[number];
	struct build_instance *member = group_member(build, group, at);
	struct origin place = member_place(build, group, at);

	for (size_t i = 0; i < at; i++)
		if (group->model.instances[i] == group->model.instances[at]) {
			complain(build, place, "\"%s\" is in this group already",
				 group->model.names[at]);
			return false;
		}
	if (member->model.sync_group == number + 1)
		return true;
	complain(build, place, "\"%s\" is in the sync group \"%s\" already: it can follow one only",
		 group->model.names[at], name_of(&groups[member->model.sync_group - 1]));
	return false;
}

static void check_alike(struct build *build, struct build_group *group,
			const struct build_instance *first, size_t at)
{
	const struct instance *one = &first->model, *other;
	struct build_instance *member = group_member(build, group, at);
	struct origin place = member_place(build, group, at);

	other = &member->model;
	if (!first->good || !member->good)
		return;
	if (one->priority != other->priority)
		complain(build, place,
			 "\"%s\" has priority %u and \"%s\" %u%s: all instances of a group have "
			 "one priority on a director, or the directors would not agree who is MASTER",
			 other->name, other->priority, one->name, one->priority,
			 on_director(build, group));
	if (one->preempt != other->preempt)
		complain(build, place,
			 "\"%s\" has preempt: %s and \"%s\" preempt: %s%s: all instances of a "
			 "group preempt, or none",
			 other->name, other->preempt ? "true" : "false", one->name,
			 one->preempt ? "true" : "false", on_director(build, group));
}

/* A weight on one member would give the group two priorities. */
static void check_weights(struct build *build, struct build_group *group, size_t at)
{
	struct build_track track = instance_track(group_member(build, group, at));

	for (size_t i = 0; i < track.count; i++) {
		struct origin place = track_place(build, &track, i, "weight");

		if (track.track[i].weight)
			complain(build, place,
				 "\"%s\" is in the sync group \"%s\", which has one priority: put "
				 "trackers with a weight under \"track\" of the group",
				 group->model.names[at], name_of(group));
	}
}

static void validate_group(struct build *build, struct build_group *groups, uint32_t number)
{
	struct build_group *group = &groups[number];
	const struct build_instance *first = NULL;

	for (size_t i = 0; i < group->model.instance_count; i++) {
		struct build_instance *member = group_member(build, group, i);

		if (!member || !check_membership(build, groups, number, i))
			continue;
		if (first)
			check_alike(build, group, first, i);
		check_weights(build, group, i);
		first = first ? first : member;
	}
	if (group->good && group->model.instance_count == 1) {
		const struct origin *at = group_place(group, "instances");

		node_warning(build->reader.diagnostics, at->value, at->path,
			     "a sync group of one instance changes nothing");
	}
}

void validate_groups(struct build *build)
{
	size_t directors = build->director_count ? build->director_count : 1;

	if (arena_failed(build->arena))
		return;
	for (size_t d = 0; d < directors; d++) {
		struct build_group *groups = build->groups + d * build->group_count;
		struct table names;

		if (table_init(&names, build->arena, build->group_count))
			return;
		for (uint32_t i = 0; i < build->group_count; i++) {
			claim_name(build, groups, i, &names);
			validate_group(build, groups, i);
		}
	}
}
