/* Trackers that are named twice, and trackers that can bring nothing about. A weight is there to
 * make another director MASTER: where the numbers or the rules do not allow it, the operator learns
 * it now and not on the day of the failure. */
#include <string.h>

#include "base/arena.h"
#include "config/build.h"

#define OWNER 255 /* a priority that no weight changes, RFC 9568 section 5.2.4 */

static void warn_at(struct build *build, const struct origin *at, const char *text)
{
	if (text)
		node_warning(build->reader.diagnostics, at->value, at->path, "%s", text);
}

/* ---- twice ---------------------------------------------------------------------------------- */

static bool is_same(const struct tracker *a, const struct tracker *b)
{
	return a->kind == b->kind && a->name && b->name && !strcmp(a->name, b->name);
}

/* The first of a list's trackers, up to `until`, that is the same as one; its number, or `until`. */
static size_t find_same(const struct build_track *track, size_t until, const struct tracker *one)
{
	for (size_t i = 0; i < until; i++)
		if (is_same(&track->track[i], one))
			return i;
	return until;
}

static const char *tracker_key(const struct tracker *tracker)
{
	switch (tracker->kind) {
	case TRACKER_INTERFACE:
		return "interface";
	case TRACKER_CHECK:
		return "check";
	case TRACKER_SERVICE:
		break;
	}
	return "service";
}

static void report_twice(struct build *build, const struct build_track *track, size_t number,
			 const char *where)
{
	const struct tracker *tracker = &track->track[number];
	struct origin at = track_place(build, track, number, tracker_key(tracker));

	node_error(build->reader.diagnostics, at.value, at.path, "\"%s\" is tracked %s already",
		   tracker->name, where);
}

/* `group` is what counts for the instance besides, or has no trackers. */
static void check_twice(struct build *build, const struct build_track *track,
			const struct build_track *group)
{
	if (track->count > BUILD_TRACKERS_MAX)
		return; /* reported */
	for (size_t i = 0; i < track->count; i++) {
		const struct tracker *one = &track->track[i];

		if (find_same(track, i, one) < i)
			report_twice(build, track, i, "here");
		else if (find_same(group, group->count, one) < group->count)
			report_twice(build, track, i, "by its sync group");
	}
}

/* ---- without effect ------------------------------------------------------------------------- */

static struct build_group *group_of(struct build *build, const struct build_instance *instance)
{
	size_t director = instance->director ? (size_t)(instance->director - build->directors) : 0;

	if (!instance->model.sync_group)
		return NULL;
	return &build->groups[director * build->group_count + instance->model.sync_group - 1];
}

static void warn_own_interface(struct build *build, struct build_instance *instance)
{
	const struct instance *model = &instance->model;
	struct build_track track = instance_track(instance);

	for (size_t i = 0; i < track.count && model->interface && model->track_own_interface; i++) {
		struct origin at = track_place(build, &track, i, "interface");

		if (track.track[i].kind == TRACKER_INTERFACE && track.track[i].name &&
		    !strcmp(track.track[i].name, model->interface))
			warn_at(build, &at,
				"is the instance's own: when it is down that is FAULT already "
				"(track_own_interface)");
	}
}

/* What trackers can make of a priority. */
struct reach {
	int up, down;  /* all trackers up, all failed; clamped as the worker does */
	bool weighted; /* some have a weight */
	bool decisive; /* some have none: their failure is FAULT */
};

static int clamp(int priority)
{
	return priority < 1 ? 1 : priority > OWNER - 1 ? OWNER - 1 : priority;
}

static void add_reach(struct reach *reach, const struct build_track *track)
{
	for (size_t i = 0; i < track->count; i++) {
		int weight = track->track[i].weight;

		reach->weighted = reach->weighted || weight;
		reach->decisive = reach->decisive || !weight;
		reach->up += weight > 0 ? weight : 0;
		reach->down += weight < 0 ? weight : 0;
	}
}

static struct reach reach_of(struct build *build, struct build_instance *instance)
{
	int base = instance->model.priority;
	struct build_group *group = group_of(build, instance);
	struct build_track own = instance_track(instance), of_group;
	struct reach reach = {.up = base, .down = base};

	add_reach(&reach, &own);
	if (group) {
		of_group = group_track(group);
		add_reach(&reach, &of_group);
	}
	reach.up = base == OWNER ? OWNER : clamp(reach.up);
	reach.down = base == OWNER ? OWNER : clamp(reach.down);
	return reach;
}

/* One instance, or the first of a sync group, on all directors. */
struct contest {
	struct build_instance *top; /* who is MASTER while all is well */
	struct reach reach;         /* its */
	int best;                   /* of the others, at most */
	bool others_preempt;
};

static struct build_instance *instance_on(struct build *build, size_t director, size_t number)
{
	return &build->instances[director * build->instance_count + number];
}

static bool contest_of(struct build *build, size_t number, struct contest *contest)
{
	*contest = (struct contest){0};
	for (size_t d = 0; d < build->director_count; d++) {
		struct build_instance *instance = instance_on(build, d, number);
		struct reach reach = reach_of(build, instance);

		if (!instance->good)
			return false;
		if (!contest->top || reach.up > contest->reach.up) {
			contest->top = instance;
			contest->reach = reach;
		}
	}
	for (size_t d = 0; d < build->director_count; d++) {
		struct build_instance *instance = instance_on(build, d, number);
		int up = reach_of(build, instance).up;

		if (instance == contest->top)
			continue;
		contest->best = up > contest->best ? up : contest->best;
		contest->others_preempt = contest->others_preempt || instance->model.preempt ||
					  instance->model.priority == OWNER;
	}
	return build->director_count > 1;
}

static const char *unmovable(struct build *build, const struct contest *contest)
{
	const char *name = contest->top->director->model->name;
	const struct reach *reach = &contest->reach;

	if (!contest->others_preempt)
		return "weights have no effect with preempt: false on the other directors: they "
		       "leave a living MASTER alone whatever its priority; leave the weights out, "
		       "and a failure means FAULT";
	if (contest->best > reach->down)
		return NULL;
	if (contest->best <= 1)
		return arena_printf(build->arena,
				    "no failure can make another director MASTER: all others have "
				    "priority 1; give them more, or leave the weights out, and a "
				    "failure means FAULT");
	return arena_printf(build->arena,
			    "no failure can make another director MASTER: with all trackers failed "
			    "%s still has priority %d, and the others have at most %d; together "
			    "the weights must take away %d or more, and they take away %d",
			    name, reach->down, contest->best, reach->up - contest->best + 1,
			    reach->up - reach->down);
}

static void warn_weights(struct build *build, size_t number, const struct origin *at)
{
	struct contest contest;

	if (!contest_of(build, number, &contest) || !contest.reach.weighted ||
	    contest.reach.decisive)
		return;
	if (contest.top->model.priority == OWNER)
		warn_at(build, at,
			arena_printf(build->arena,
				     "weights have no effect on priority 255, the address owner's, "
				     "which \"%s\" has on %s; without a weight a failure means "
				     "FAULT",
				     contest.top->model.name,
				     contest.top->director->model->name));
	else
		warn_at(build, at, unmovable(build, &contest));
}

/* ---- all ------------------------------------------------------------------------------------ */

static void validate_instance_track(struct build *build, struct build_instance *instance)
{
	struct build_group *group = group_of(build, instance);
	struct build_track own = instance_track(instance), of_group = {0};

	if (group)
		of_group = group_track(group);
	check_twice(build, &own, &of_group);
	warn_own_interface(build, instance);
}

static void warn_all_weights(struct build *build)
{
	for (size_t i = 0; i < build->instance_count; i++)
		if (!build->instances[i].model.sync_group)
			warn_weights(build, i, instance_place(&build->instances[i], "track"));
	for (size_t i = 0; i < build->group_count; i++) {
		struct build_group *group = &build->groups[i];

		if (group->model.instance_count && group_member(build, group, 0))
			warn_weights(build, group->model.instances[0], group_place(group, "track"));
	}
}

void validate_tracks(struct build *build)
{
	size_t directors = build->director_count ? build->director_count : 1;
	struct build_track none = {0};

	if (arena_failed(build->arena))
		return;
	for (size_t i = 0; i < directors * build->instance_count; i++)
		validate_instance_track(build, &build->instances[i]);
	for (size_t i = 0; i < directors * build->group_count; i++) {
		struct build_track track = group_track(&build->groups[i]);

		check_twice(build, &track, &none);
	}
	warn_all_weights(build);
}
