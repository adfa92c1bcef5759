/* A new configuration: what it means for the routers that run (the decisions are in reload.h), told
 * at PREPARE, where it can still be refused; done at COMMIT, from which there is no way back. What a
 * router has is handed on, not taken away and put in anew: those of the new generation are made
 * first, then the old ones leave. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "config/codec.h"
#include "core/statepage.h"
#include "core/worker.h"
#include "vrrp/auth_io.h"
#include "vrrp/heir.h"
#include "vrrp/reload.h"
#include "vrrp/worker_io.h"

static void plan_line(void *ctx, const char *text)
{
	struct vrrp_worker *worker = ctx;

	worker_line(worker->frame, "%s", text);
}

static int plan(struct vrrp_worker *worker, struct arena *arena, const struct model *model,
		struct vrrp_reload *out)
{
	const struct instance **old = arena_array(arena, worker->router_count + 1, sizeof(*old));

	if (!old)
		return -ENOMEM;
	for (size_t i = 0; i < worker->router_count; i++)
		old[i] = &worker->routers[i]->about;
	return vrrp_reload_plan(arena, old, worker->router_count, model->instances,
				model->instance_count, out);
}

void routers_abort(void *ctx)
{
	struct vrrp_worker *worker = ctx;

	arena_free(worker->prepared_arena);
	worker->prepared_arena = NULL;
	worker->prepared = NULL;
}

/* AH without OpenSSL is refused here, where the old configuration can stay. */
static int prepare_auth(struct vrrp_worker *worker, const struct model *model)
{
	char words[FACT_DETAIL];

	for (size_t i = 0; i < model->instance_count; i++) {
		const struct instance *about = &model->instances[i];

		if (about->authentication.type != VRRP_AUTH_AH || !ah_open(words, sizeof(words)))
			continue;
		worker_line(worker->frame, "%s: %s", about->name, words);
		return -ENOTSUP;
	}
	return 0;
}

int routers_prepare(void *ctx, const void *slice, size_t size, uint32_t generation)
{
	struct vrrp_worker *worker = ctx;
	auto_arena *arena = arena_new(0);
	struct model *model = NULL;
	struct vrrp_reload reload = {0};
	int err = arena ? slice_decode(slice, size, arena, &model) : -ENOMEM;

	routers_abort(worker);
	if (!err)
		err = plan(worker, arena, model, &reload);
	if (!err)
		err = prepare_auth(worker, model);
	for (size_t i = 0; i < reload.count && !err; i++)
		vrrp_reload_tell(&reload.rows[i], plan_line, worker);
	if (!err)
		err = groups_tell(worker, model);
	if (err) {
		worker_line(worker->frame, "vrrp cannot take generation %u: %s", generation,
			    strerror(-err));
		return err;
	}
	worker->prepared_arena = take(arena);
	worker->prepared = model;
	return 0;
}

/* It goes on in the background until it has released what it had. */
static int leave(struct vrrp_worker *worker, struct router *router)
{
	if (!pointers_push(&worker->leaving, &worker->leaving_count, &worker->leaving_room, router))
		return -ENOMEM;
	statepage_give_back(router->page);
	router->page = NULL;
	router->leaving = true;
	orders_leave(router);
	router->released = !router->started;
	worker_touch(worker, router->port);
	return 0;
}

/* Who has only now begun to leave, does; with its group, if others leave with it. */
static void leave_now(struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->leaving_count; i++) {
		struct router *router = worker->leaving[i];

		if (router->group)
			group_settle(router->group);
		else if (!router->released)
			router_step(router, (struct vrrp_input){.kind = VRRP_INPUT_RELEASE});
	}
}

/* A worker that goes on in maintenance hands over what it can. */
static void evacuate(struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->router_count && worker->maintenance; i++) {
		const struct vrrp_machine *machine = &worker->routers[i]->machine;

		if (machine->state == VRRP_MASTER && machine->reason.why == VRRP_WHY_RESUMED)
			router_step(worker->routers[i],
				    (struct vrrp_input){.kind = VRRP_INPUT_STEP_DOWN});
	}
}

/* All that have not begun do. */
void routers_begin(struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->router_count; i++) {
		struct router *router = worker->routers[i];

		if (router->started || router->group)
			continue;
		router_prepare(router);
		router_start(router, router_resumes(router), router->faults);
	}
	groups_begin(worker);
	if (worker->router_count)
		inherit_end(worker);
	evacuate(worker);
}

static int commit_row(struct vrrp_worker *worker, const struct vrrp_reload_row *row,
		      struct router **routers)
{
	struct router *old = row->old ? worker->routers[row->old_index] : NULL;

	switch (row->change) {
	case VRRP_SAME:
	case VRRP_CHANGED:
		old->index = (uint32_t)row->new_index;
		routers[row->new_index] = old;
		return row->change == VRRP_CHANGED ? router_change(old, row->new) : 0;
	case VRRP_REPLACED:
	case VRRP_ADDED:
		routers[row->new_index] = router_new(worker, row->new, (uint32_t)row->new_index);
		if (!routers[row->new_index])
			return -ENOMEM;
		return old ? leave(worker, old) : 0;
	case VRRP_REMOVED:
		return leave(worker, old);
	}
	return -EINVAL;
}

/* ---- names in the state page ---------------------------------------------------------------- */

/* The slots of routers that get another name, in the arena and no longer in the page: two of them may
 * change places. A worker that dies before they are back begins these anew. */
static struct statepage_instance *pages_lift(struct vrrp_worker *worker,
					     const struct vrrp_reload *reload)
{
	struct statepage_instance *lifted = arena_array(worker->prepared_arena, reload->count + 1,
							sizeof(*lifted));

	for (size_t i = 0; lifted && i < reload->count; i++) {
		const struct vrrp_reload_row *row = &reload->rows[i];
		struct router *router = row->old ? worker->routers[row->old_index] : NULL;

		if (row->change != VRRP_CHANGED || !router->page ||
		    !strcmp(row->old->name, row->new->name))
			continue;
		lifted[i] = *router->page;
		statepage_give_back(router->page);
		router->page = NULL;
	}
	return lifted;
}

static void pages_put_back(struct vrrp_worker *worker, const struct vrrp_reload *reload,
			   const struct statepage_instance *lifted, struct router *const *routers)
{
	for (size_t i = 0; i < reload->count; i++) {
		struct router *router;
		uint64_t key;

		if (!lifted[i].key)
			continue;
		router = routers[reload->rows[i].new_index];
		router->page = statepage_take(worker_page(worker->frame), router->about.name);
		if (!router->page)
			continue;
		key = router->page->key;
		*router->page = lifted[i];
		router->page->key = key;
	}
}

/* ---- commit --------------------------------------------------------------------------------- */

static nstime quickest(const struct model *model)
{
	nstime least = 0;

	for (size_t i = 0; i < model->instance_count; i++)
		if (!least || model->instances[i].advert_interval < least)
			least = model->instances[i].advert_interval;
	return least;
}

static nstime longest_lease(const struct model *model)
{
	nstime longest = 0;

	for (size_t i = 0; i < model->instance_count; i++)
		longest = nstime_max(longest, vrrp_lease(model->instances[i].version,
							 model->instances[i].advert_interval));
	return longest;
}

static void take_globals(struct vrrp_worker *worker, const struct model *model)
{
	worker_page(worker->frame)->quickest = quickest(model);
	worker_page(worker->frame)->lease = longest_lease(model);
	log_configure(model->global.log.level, model->global.log.format == LOG_FORMAT_JSON,
		      model->global.log.target);
	worker->ready_timeout = model->global.ready_timeout;
	worker->has_services = model->has_services;
	worker->has_peers = model->director_count > 1;
	if (!model->has_services)
		worker->ready = true;
}

/* Once it has begun there is no way back: a failure (out of memory) ends the worker, and a new one
 * starts with the new generation. */
static int commit_all(struct vrrp_worker *worker)
{
	const struct model *model = worker->prepared;
	struct router **routers = calloc(model->instance_count + 1, sizeof(struct router *));
	struct statepage_instance *lifted = NULL;
	struct vrrp_reload reload = {0};
	int err = routers ? plan(worker, worker->prepared_arena, model, &reload) : -ENOMEM;

	if (!err)
		err = worker_adopt(worker);
	take_globals(worker, model);
	vips_hand_over(worker);
	if (!err)
		lifted = pages_lift(worker, &reload);
	if (!err && !lifted)
		err = -ENOMEM;
	if (!err)
		err = trackers_take(worker, model);
	for (size_t i = 0; i < reload.count && !err; i++) {
		worker_alive(worker->frame);
		err = commit_row(worker, &reload.rows[i], routers);
	}
	if (err) {
		free(routers);
		return err;
	}
	pages_put_back(worker, &reload, lifted, routers);
	free(worker->routers);
	worker->routers = routers;
	worker->router_count = model->instance_count;
	err = groups_take(worker, model);
	if (!err)
		err = refusals_configure(worker);
	if (err)
		return err;
	for (size_t i = 0; i < worker->router_count; i++)
		router_changed(worker->routers[i]);
	said_apply(worker);
	leave_now(worker);
	if (worker->synced)
		routers_begin(worker);
	worker_tell_ready(worker);
	trackers_begin(worker);
	return 0;
}

void routers_commit(void *ctx)
{
	struct vrrp_worker *worker = ctx;
	int err = commit_all(worker);

	routers_abort(worker);
	if (err) {
		worker_fail(worker, "the configuration cannot be applied", err);
		return;
	}
	worker->configured = worker->committing = true;
	timer_at(&worker->settle, 0);
}
