/* Trackers in the worker: the monitor (interfaces) and the facts of check (probes) and ipvs (services)
 * feed the set of vrrp/track_set.h; whoever uses a source that has changed gets its priority and faults computed
 * anew. Work is in proportion to what changed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "core/worker.h"
#include "net/monitor_io.h"
#include "vrrp/track_carry.h"
#include "vrrp/track_set.h"
#include "vrrp/worker_io.h"

struct trackers {
	struct arena *arena;   /* of the set and of itself */
	struct track_set set;
	uint32_t *links;       /* by source: index of its interface when it was seen last */
	struct log_bucket changes;
};

/* ---- links ---------------------------------------------------------------------------------- */

struct view {
	enum verdict seen;
	const char *reason;
};

static struct view view_of(const struct link *link)
{
	if (!link)
		return (struct view){VERDICT_DOWN, "does not exist"};
	if (!link->up)
		return (struct view){VERDICT_DOWN, "set down"};
	if (!link->running)
		return (struct view){VERDICT_DOWN, "no carrier"};
	return (struct view){VERDICT_UP, "up"};
}

/* What an interface is now; remembers its number. */
static struct view view_source(struct vrrp_worker *worker, struct trackers *trackers,
			       uint32_t source)
{
	const char *name = trackers->set.sources[source].name;
	const struct link *link = monitor_link_by_name(worker->monitor, name);

	trackers->links[source] = link ? link->index : 0;
	return view_of(link);
}

/* All interfaces and trackers as they are now, without a word to anybody. */
static void look_at_all(struct vrrp_worker *worker, struct trackers *trackers)
{
	struct track_set *set = &trackers->set;
	nstime now = clock_now();

	for (uint32_t s = 0; s < set->source_count && worker->synced; s++) {
		struct view view;

		if (set->sources[s].kind != TRACKER_INTERFACE)
			continue;
		view = view_source(worker, trackers, s);
		track_set_see(set, s, view.seen, view.reason, now);
	}
	for (uint32_t t = 0; t < set->count; t++)
		track_look(&set->list[t], now);
}

/* ---- a generation --------------------------------------------------------------------------- */

void trackers_free(struct trackers *trackers)
{
	if (trackers)
		arena_free(trackers->arena);
}

static struct trackers *trackers_new(const struct model *model)
{
	struct arena *arena = arena_new(0);
	struct trackers *made = arena ? arena_alloc(arena, sizeof(*made)) : NULL;

	if (!made || track_set_make(&made->set, model, arena)) {
		arena_free(arena);
		return NULL;
	}
	made->arena = arena;
	made->changes = (struct log_bucket){.every = NSTIME_S, .burst = 50};
	made->links = arena_array(arena, made->set.source_count, sizeof(*made->links));
	if (made->links || !made->set.source_count)
		return made;
	arena_free(arena);
	return NULL;
}

size_t trackers_carry_size(const struct vrrp_worker *worker, const char *const *names)
{
	return worker->trackers ? track_carry_size(&worker->trackers->set, names) : 0;
}

void trackers_carry(const struct vrrp_worker *worker, struct writer *out, const char *const *names)
{
	if (worker->trackers)
		track_carry_put(out, &worker->trackers->set, names);
}

/* What was known under an older generation, or to the worker of before. */
static int carry_over(struct vrrp_worker *worker, struct track_set *set, struct arena *scratch)
{
	struct reader in;
	int err = 0;

	if (worker->trackers)
		return track_set_carry(set, &worker->trackers->set, scratch);
	if (worker_kept(worker->frame, &in))
		err = track_carry_get(&in, set, clock_now(), scratch);
	worker_kept_end(worker->frame);
	return err;
}

int trackers_take(struct vrrp_worker *worker, const struct model *model)
{
	struct trackers *made = trackers_new(model);
	auto_arena *scratch = arena_new(0);
	int err = made && scratch ? 0 : -ENOMEM;

	if (!err)
		err = carry_over(worker, &made->set, scratch);
	if (err) {
		trackers_free(made);
		return err;
	}
	look_at_all(worker, made);
	trackers_free(worker->trackers);
	worker->trackers = made;
	return 0;
}

/* ---- what they say to a router -------------------------------------------------------------- */

static const struct track *tracks_of(const struct router *router, size_t *count)
{
	const struct trackers *trackers = router->worker->trackers;

	*count = 0;
	if (!trackers || router->leaving)
		return NULL;
	return track_set_of(&trackers->set, router->index, count);
}

uint8_t trackers_priority(const struct router *router)
{
	size_t count;
	const struct track *tracks = tracks_of(router, &count);

	return track_priority(router->base_priority, track_sum(tracks, count));
}

bool trackers_fault(const struct router *router, struct text *causes)
{
	size_t count;
	const struct track *tracks = tracks_of(router, &count);

	if (!track_is_fault(tracks, count))
		return false;
	track_causes(tracks, count, causes);
	return true;
}

bool trackers_known(const struct router *router)
{
	size_t count;
	const struct track *tracks = tracks_of(router, &count);

	return track_all_known(tracks, count);
}

/* ---- what changes --------------------------------------------------------------------------- */

static void log_priority(const struct router *router, const struct track *track, uint8_t before)
{
	struct log_bucket *bucket = &router->worker->trackers->changes;
	char reason[FACT_DETAIL];
	unsigned suppressed;

	if (before == router->config.priority || !log_limit(bucket, clock_now(), &suppressed))
		return;
	log_event(LOG_LEVEL_INFO, &(struct log_about){.instance = router->about.name},
		  "%s: priority %u → %u: %s %s: %s%s", router->about.name, before,
		  router->config.priority, track->about->name, verdict_name(track->state),
		  track_reason(track, reason, sizeof(reason)),
		  suppressed ? " (and others before)" : "");
}

/* Looks at one tracker again; its fact is told anew in any case, the words may be others. */
static void look(struct vrrp_worker *worker, uint32_t number, nstime now)
{
	struct track_set *set = &worker->trackers->set;
	struct track *track = &set->list[number];
	struct router *router = worker->routers[set->owner[number]];
	uint8_t before = router->config.priority;

	track_look(track, now);
	worker_dirty(worker->frame, (uint32_t)(worker->router_count + worker->group_count) + number);
	router_tracked(router);
	log_priority(router, track, before);
}

static void arm(struct vrrp_worker *worker)
{
	timer_at(&worker->track_due, track_set_due(&worker->trackers->set));
}

static void see(struct vrrp_worker *worker, uint32_t source, enum verdict seen, const char *reason,
		nstime since)
{
	struct track_set *set = &worker->trackers->set;
	nstime now = clock_now();

	if (!track_set_see(set, source, seen, reason, since))
		return;
	for (uint32_t t = set->first_user[source]; t != TRACK_NONE; t = set->next_user[t])
		look(worker, t, now);
	arm(worker);
}

/* Delays that have ended; few run at a time. */
void trackers_due(void *ctx)
{
	struct vrrp_worker *worker = ctx;
	struct track_set *set = &worker->trackers->set;
	nstime now = clock_now();

	for (uint32_t t = 0; t < set->count; t++)
		if (set->list[t].due <= now)
			look(worker, t, now);
	arm(worker);
}

/* ---- sources -------------------------------------------------------------------------------- */

/* Also when it was given another name, or has gone: then it was known under its number. */
void trackers_link(struct vrrp_worker *worker, const struct link *link)
{
	struct trackers *trackers = worker->trackers;

	if (!worker->synced || !trackers)
		return;
	for (uint32_t s = 0; s < trackers->set.source_count; s++) {
		const struct track_source *source = &trackers->set.sources[s];
		struct view view;

		if (source->kind != TRACKER_INTERFACE ||
		    (trackers->links[s] != link->index && strcmp(source->name, link->name) != 0))
			continue;
		view = view_source(worker, trackers, s);
		see(worker, s, view.seen, view.reason, clock_now());
	}
}

void trackers_probe(struct vrrp_worker *worker, const struct fact_probe *fact)
{
	struct trackers *trackers = worker->trackers;
	uint32_t source;

	if (!trackers || !track_set_probe(&trackers->set, fact->probe, &source) ||
	    !track_is_news(&trackers->set.sources[source], fact))
		return;
	see(worker, source, fact->verdict, fact->detail, fact->since);
}

void trackers_service(struct vrrp_worker *worker, const struct fact_service *fact)
{
	struct trackers *trackers = worker->trackers;
	uint32_t source;

	if (!trackers || !track_set_service(&trackers->set, fact->service, &source) ||
	    !track_is_quorum_news(&trackers->set.sources[source], fact))
		return;
	see(worker, source, fact->quorum, fact->reason, fact->since);
}

/* Whether one of its trackers is due at another time now. */
static bool take_role(const struct router *router, nstime now)
{
	bool is_master = router->machine.state == VRRP_MASTER, changed = false;
	size_t count;
	struct track *tracks;

	tracks = track_set_of(&router->worker->trackers->set, router->index, &count);
	for (size_t i = 0; i < count; i++)
		changed |= track_role(&tracks[i], is_master, now);
	return changed;
}

void trackers_role(const struct router *router)
{
	if (router->worker->trackers && !router->leaving && take_role(router, clock_now()))
		arm(router->worker);
}

void trackers_begin(struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->router_count; i++)
		take_role(worker->routers[i], clock_now());
	look_at_all(worker, worker->trackers);
	for (size_t i = 0; i < worker->router_count; i++)
		router_tracked(worker->routers[i]);
	arm(worker);
}

/* ---- facts ---------------------------------------------------------------------------------- */

uint32_t trackers_count(const struct vrrp_worker *worker)
{
	return worker->trackers ? (uint32_t)worker->trackers->set.count : 0;
}

bool trackers_fact(const struct vrrp_worker *worker, uint32_t number, struct fact_tracker *out)
{
	const struct track_set *set;
	const struct track *track;

	if (number >= trackers_count(worker))
		return false;
	set = &worker->trackers->set;
	track = &set->list[number];
	*out = (struct fact_tracker){
		.instance = set->owner[number],
		.tracker = number - set->first[set->owner[number]],
		.state = track->state,
		.since = track->since,
		.effect = track_effect(track->about, track->state),
	};
	track_reason(track, out->reason, sizeof(out->reason));
	return true;
}
