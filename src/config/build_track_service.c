/* Services that VRRP tracks. All directors ask the same servers, each in its own rhythm: that a service
 * has lost its quorum, or has it again, one of them may know longer before another than any of its
 * checks takes to say so. `hold` outlasts that twice unless the file says otherwise; what it is
 * good for stands in vrrp/track.h. */
#include <string.h>

#include "base/arena.h"
#include "base/duration.h"
#include "config/build.h"

static const char *next_service(const void *ctx, size_t index)
{
	const struct build *build = ctx;

	while (index < build->service_count && !build->services[index].model->name)
		index++;
	return index < build->service_count ? build->services[index].model->name : NULL;
}

static bool find_service(const struct build *build, const char *name, uint32_t *number)
{
	for (uint32_t i = 0; i < build->service_count; i++) {
		const char *other = build->services[i].model->name;

		if (other && !strcmp(other, name)) {
			*number = i;
			return true;
		}
	}
	return false;
}

/* ---- hold ----------------------------------------------------------------------------------- */

/* A server has failed when its first probe after that and all the others up to `fall` have; a probe
 * that runs into its timeout is the last. */
static nstime slowness(const struct check *check)
{
	return check->interval * check->fall + check->timeout;
}

/* What a check is without a word in the file. */
static const struct check *default_check(struct build *build)
{
	struct origin *origins =
		arena_array(build->arena, schema_check.count, sizeof(*origins));
	struct check *check = arena_alloc(build->arena, sizeof(*check));

	if (build->default_check || !check || !origins)
		return build->default_check;
	build->reader.partial = true;
	record_read(&build->reader, &schema_check, NULL, 0, check, origins);
	build->reader.partial = false;
	build->default_check = check;
	return check;
}

static nstime slowest(struct build *build, const struct build_service *service)
{
	const struct check *check = service->check_count ? NULL : default_check(build);
	nstime most = check ? slowness(check) : 0;

	for (size_t i = 0; i < service->check_count; i++)
		most = nstime_max(most, slowness(&build->checks[service->checks[i]].model));
	return most;
}

static const struct origin *given(const struct build_track *track, size_t number, const char *key)
{
	struct origin *origins = origin_inner(track->list, number);
	const struct origin *origin = origins ? origin_of(&schema_tracker, origins, key) : NULL;

	return origin && origin->value ? origin : NULL;
}

static void resolve_hold(struct build *build, const struct build_track *track, size_t number)
{
	struct tracker *tracker = &track->track[number];
	nstime slow = slowest(build, &build->services[tracker->service]);
	const struct origin *hold = given(track, number, "hold");
	struct origin at = track_place(build, track, number, "hold");
	char text[DURATION_TEXT];

	if (!hold)
		tracker->hold = nstime_min(2 * slow, TRACKER_HOLD_MAX);
	else if (!hold->bad && tracker->hold < slow)
		node_warning(build->reader.diagnostics, at.value, at.path,
			     "directors may learn up to %s one after another that \"%s\" has lost "
			     "its quorum; what is held for less may move the addresses though all "
			     "of them lose it",
			     duration_format(slow, text), tracker->name);
}

/* ---- all ------------------------------------------------------------------------------------ */

static void resolve_service_of(struct build *build, const struct build_track *track, size_t number)
{
	struct tracker *tracker = &track->track[number];
	struct origin at = track_place(build, track, number, "service");
	const struct origin *weight = given(track, number, "weight");

	if (!tracker->weight && !(weight && weight->bad))
		node_error(build->reader.diagnostics, at.value, at.path,
			   "needs a weight: where the servers of \"%s\" fail for all directors, "
			   "FAULT would leave nobody to be MASTER",
			   tracker->name);
	if (!find_service(build, tracker->name, &tracker->service)) {
		build_no_such(build, "service", tracker->name, at.value, at.path, next_service,
			      build);
		return;
	}
	if (build->services[tracker->service].model->check_when == WHEN_MASTER)
		node_error(build->reader.diagnostics, at.value, at.path,
			   "\"%s\" has check_when: master; what is only known while MASTER cannot "
			   "say who is to be MASTER",
			   tracker->name);
	if (build->services[tracker->service].checks_good)
		resolve_hold(build, track, number);
}

static void resolve_list(struct build *build, struct build_track track)
{
	if (track.count > BUILD_TRACKERS_MAX)
		return; /* reported */
	for (size_t i = 0; i < track.count; i++)
		if (track.track[i].kind == TRACKER_SERVICE && track.track[i].name)
			resolve_service_of(build, &track, i);
}

void build_track_services(struct build *build)
{
	size_t directors = build->director_count ? build->director_count : 1;

	if (arena_failed(build->arena))
		return;
	for (size_t i = 0; i < directors * build->instance_count; i++)
		resolve_list(build, instance_track(&build->instances[i]));
	for (size_t i = 0; i < directors * build->group_count; i++)
		resolve_list(build, group_track(&build->groups[i]));
}
