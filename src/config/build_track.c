/* What instances and sync groups track. Logical names of interfaces become the kernel's; a check
 * becomes a probe of its own target, shared with whatever else probes that. Probes are made for the
 * director that the model is for; the others' trackers are only held against the rules. */
#include "base/arena.h"
#include "config/build.h"

struct build_track instance_track(struct build_instance *instance)
{
	return (struct build_track){
		.track = instance->model.track,
		.count = instance->model.track_count,
		.director = instance->director,
		.list = origin_of(&schema_instance, instance->origins, "track"),
		.self = &instance->self,
	};
}

struct build_track group_track(struct build_group *group)
{
	return (struct build_track){
		.track = group->model.track,
		.count = group->model.track_count,
		.director = group->director,
		.list = origin_of(&schema_sync_group, group->origins, "track"),
		.self = &group->self,
	};
}

struct origin track_place(struct build *build, const struct build_track *track, size_t number,
			  const char *key)
{
	return list_item_key(build, &schema_tracker, track->list, track->self, number, key);
}

/* The target that the check itself gives: there is no server or listener to take it from. */
static bool own_target(struct build *build, uint32_t number, const struct origin *at,
		       struct endpoint *target)
{
	const struct check *check = &build->checks[number].model;
	const char *missing = "an address and a port";

	if (check->via == CHECK_VIA_VIP) {
		node_error(build->reader.diagnostics, at->value, at->path,
			   "\"%s\" goes via: vip, the way to a server of a service: it cannot be "
			   "tracked; track the service",
			   check->name);
		return false;
	}
	if (build_target(check, NULL, target))
		return true;
	if (check->address.family)
		missing = "a port";
	else if (check->port || check_type_asks(check->type) == CHECK_ASKS_HOST)
		missing = "an address";
	node_error(build->reader.diagnostics, at->value, at->path,
		   "\"%s\" does not say what to probe: a check that is tracked needs %s of its own",
		   check->name, missing);
	return false;
}

static void resolve_check(struct build *build, const struct build_track *track, size_t number)
{
	struct tracker *tracker = &track->track[number];
	struct origin at = track_place(build, track, number, "check");
	struct probe wanted = {0};
	uint32_t check;

	if (!build_find_check(build, tracker->name, &check)) {
		build_no_such(build, "check", tracker->name, at.value, at.path, build_next_check,
			      build);
		return;
	}
	if (build->checks[check].self.bad || !own_target(build, check, &at, &wanted.target) ||
	    track->director != build->self)
		return;
	if (build_probe(build, build->checks[check].same, &wanted, &tracker->probe))
		build->model->probes[tracker->probe].tracked = true;
	else if (!arena_failed(build->arena))
		node_error(build->reader.diagnostics, at.value, at.path,
			   "more than %d probes are needed", BUILD_PROBES_MAX);
}

static void resolve_interface(struct build *build, const struct build_track *track, size_t number)
{
	struct tracker *tracker = &track->track[number];
	struct origin at = track_place(build, track, number, "interface");

	tracker->name = build_interface(build, track->director, tracker->name, &at);
}

static void build_track(struct build *build, struct build_track track)
{
	if (track.count > BUILD_TRACKERS_MAX) {
		node_error(build->reader.diagnostics, track.list->value, track.list->path,
			   "has more than %d trackers", BUILD_TRACKERS_MAX);
		return;
	}
	for (size_t i = 0; i < track.count; i++) {
		if (!track.track[i].name)
			continue;
		switch (track.track[i].kind) {
		case TRACKER_INTERFACE:
			resolve_interface(build, &track, i);
			break;
		case TRACKER_CHECK:
			resolve_check(build, &track, i);
			break;
		case TRACKER_SERVICE:
			break; /* build_track_services() */
		}
	}
}

void build_tracks(struct build *build)
{
	size_t directors = build->director_count ? build->director_count : 1;

	if (arena_failed(build->arena))
		return;
	for (size_t i = 0; i < directors * build->instance_count; i++)
		build_track(build, instance_track(&build->instances[i]));
	for (size_t i = 0; i < directors * build->group_count; i++)
		build_track(build, group_track(&build->groups[i]));
}
