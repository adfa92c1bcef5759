/* Generations: a slice becomes a state (prepare), the kernel gets what is new in it (commit) and
 * loses what is not in it any more (finish). As long as kernel.in_sync a reload is planned against
 * the wanted table of the running generation, without asking the kernel; at the first start a dump
 * is read and what is there is adopted. */
#include "ipvs/ipvs_worker_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/codec.h"
#include "core/log.h"
#include "core/worker.h"
#include "ipvs/said.h"

#define PLAN_LINES 1000 /* of a plan that is told */

static const struct ipvs_table no_table;
static const struct ipvs_sysctls no_sysctls;

/* ---- generations ----------------------------------------------------------------------------- */

void ipvs_generation_free(struct generation *generation)
{
	if (!generation)
		return;
	arena_free(generation->rehearsal.arena);
	arena_free(generation->arena);
	free(generation);
}

/* Decodes a slice and builds its state; the reasons why not go to the supervisor. NULL then, with
 * the errno in *error. */
static struct generation *generation_new(struct ipvs_worker *ipvs, const void *slice, size_t size,
					 int *error)
{
	struct generation *generation = calloc(1, sizeof(*generation));
	char buffer[256] = "";
	struct text why = text_of(buffer, sizeof(buffer));

	*error = -ENOMEM;
	if (!generation)
		return NULL;
	generation->arena = arena_new(0);
	if (generation->arena)
		*error = slice_decode(slice, size, generation->arena, &generation->model);
	if (!*error)
		*error = ipvs_state_build(generation->arena, generation->model, &generation->state,
					  &why);
	if (!*error)
		*error = ipvs_sysctls_wanted(generation->arena, generation->model,
					     &generation->sysctls);
	if (!*error)
		*error = ipvs_ways_sysctls(generation->arena, generation->model, &ipvs->sysctls,
					   &generation->sysctls);
	if (!*error)
		return generation;
	worker_line(ipvs->worker, "%s", why.length ? buffer : strerror(-*error));
	ipvs_generation_free(generation);
	return NULL;
}

static bool owns_all(const struct ipvs_ownership *ownership, const struct ipvs_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (!ipvs_keys_have(&ownership->set, &table->services[i].key))
			return false;
	return true;
}

/* The table that the prepared generation starts from: the believed one when that knows all about
 * the services wanted, else a dump in `arena`: a service that is new to us may be in the kernel
 * already. */
static int current_table(struct ipvs_worker *ipvs, struct arena *arena, struct ipvs_table *out)
{
	const struct ipvs_table *wanted = &ipvs->prepared->state.wanted;

	/* Without services a kernel without IPVS is fine, and none is made to load it. */
	if (!wanted->count && !ipvs->ownership.set.count) {
		*out = no_table;
		return 0;
	}
	if (ipvs->running && ipvs->kernel.in_sync && owns_all(&ipvs->ownership, wanted) &&
	    owns_all(&ipvs->ownership, &ipvs->prepared->state.ways.table) &&
	    ipvs->contests.due == NSTIME_NEVER &&
	    !ipvs_apply_removes_foreign(ipvs->prepared->model)) {
		*out = ipvs->running->state.programmed;
		return 0;
	}
	return ipvs_kernel_dump(&ipvs->kernel, arena, out);
}

/* Brings verdicts of the running generation into the prepared one, and its wanted table up to
 * them. */
static int bring_up(struct ipvs_worker *ipvs, struct arena *arena, const struct ipvs_table *current)
{
	struct ipvs_state *state = &ipvs->prepared->state;
	const struct ipvs_state *from = ipvs->running ? &ipvs->running->state : NULL;
	int error = from ? ipvs_state_carry(arena, state, from) : 0;

	if (!from)
		ipvs_state_begin(state, current);
	if (!error)
		error = ipvs_said_apply(arena, state, ipvs->overrides.now.rows,
					ipvs->overrides.now.count);
	if (!error)
		error = ipvs_leavers_find(ipvs->prepared->arena, state,
					  ipvs->adopting ? NULL : from, current, clock_now());
	if (!error)
		ipvs_state_desire(state, current, clock_now());
	return error;
}

/* ---- reload ---------------------------------------------------------------------------------- */

static void tell_plan(struct ipvs_worker *ipvs, const struct ipvs_plan *plan)
{
	for (size_t i = 0; i < plan->count && i < PLAN_LINES; i++) {
		char buffer[IPVS_OP_TEXT];
		struct text text = text_of(buffer, sizeof(buffer));

		ipvs_op_format(&plan->ops[i], &text);
		worker_line(ipvs->worker, "%s", buffer);
	}
	if (plan->count > PLAN_LINES)
		worker_line(ipvs->worker, "… and %zu operations more", plan->count - PLAN_LINES);
}

static void tell_timeouts(struct ipvs_worker *ipvs)
{
	struct ipvs_timeouts wanted = ipvs_timeouts_wanted(ipvs->prepared->model), changes;
	char buffer[IPVS_OP_TEXT];
	struct text text = text_of(buffer, sizeof(buffer));

	if (ipvs_timeouts_rehearse(&ipvs->timeouts, &ipvs->kernel, &wanted, &changes) ||
	    !ipvs_timeouts_any(&changes))
		return;
	ipvs_timeouts_format(&changes, &text);
	worker_line(ipvs->worker, "%s", buffer);
}

static void tell_line(void *ctx, const char *text)
{
	struct ipvs_worker *ipvs = ctx;

	worker_line(ipvs->worker, "%s", text);
}

static void tell_rule(void *ctx, const char *text)
{
	struct ipvs_worker *ipvs = ctx;

	worker_line(ipvs->worker, "nft %s", text);
}

/* Brings the prepared generation up to the running one and plans how the kernel gets there. */
static int make_plan(struct ipvs_worker *ipvs, struct rehearsal *out, struct ipvs_plan *ordered)
{
	int error = bring_up(ipvs, out->arena, &out->current);

	if (!error)
		error = ipvs_apply_plan(ipvs, out->arena, ipvs->prepared, &out->current,
					&out->plan);
	*ordered = out->plan;
	if (!error)
		error = ipvs_plan_order(out->arena, &ipvs->prepared->state.programmed, ordered);
	return error;
}

/* Moves are made at the end of a reload; whoever has planned them has numbered the places anew. */
static void keep_rehearsal(struct ipvs_worker *ipvs, struct rehearsal *rehearsal, bool has_moves)
{
	if (has_moves)
		return;
	rehearsal->happened = ipvs->happened;
	ipvs->prepared->rehearsal = *rehearsal;
	rehearsal->arena = NULL;
}

/* Whether the kernel can do what this generation wants, and what that would be. */
static int rehearse(struct ipvs_worker *ipvs)
{
	auto_arena *arena = arena_new(0);
	struct rehearsal rehearsal = {.arena = arena};
	struct ipvs_plan plan = {0};
	int error = arena ? current_table(ipvs, arena, &rehearsal.current) : -ENOMEM;

	if (error) {
		worker_line(ipvs->worker, "%s",
			    error == -ENOMEM ? "no memory" : ipvs->kernel.error);
		return error;
	}
	error = make_plan(ipvs, &rehearsal, &plan);
	if (error) {
		worker_line(ipvs->worker, "no memory");
		return error;
	}
	error = ipvs_sysctls_rehearse(&ipvs->sysctls, &ipvs->prepared->sysctls, ipvs->running,
				      tell_line, ipvs);
	if (!error && ipvs->running) {
		tell_plan(ipvs, &plan);
		tell_timeouts(ipvs);
		ipvs_ways_rehearse(&ipvs->ways, ipvs->prepared->model, tell_line, ipvs);
		ipvs_sync_rehearse(&ipvs->sync, &ipvs->kernel, ipvs->prepared->model,
				   &ipvs->prepared->state.roles, tell_line, ipvs);
		ipvs_nft_tell(&ipvs->running->state, &ipvs->prepared->state, tell_rule, ipvs);
	}
	if (!error)
		keep_rehearsal(ipvs, &rehearsal, plan.count != rehearsal.plan.count);
	arena = rehearsal.arena;
	return error;
}

void ipvs_reload_abort(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;

	ipvs_generation_free(ipvs->prepared);
	ipvs->prepared = NULL;
}

int ipvs_reload_prepare(void *ctx, const void *slice, size_t size, UNUSED uint32_t generation)
{
	struct ipvs_worker *ipvs = ctx;
	int error;

	if (ipvs_reading_is_under_way(ipvs)) { /* it would be for nothing, and hold this up */
		ipvs_reading_abandon(ipvs);
		ipvs_apply_schedule(ipvs);
	}
	ipvs->prepared = generation_new(ipvs, slice, size, &error);
	if (!ipvs->prepared)
		return error;
	error = rehearse(ipvs);
	if (error)
		ipvs_reload_abort(ipvs);
	return error;
}

static void forget_removals(struct ipvs_worker *ipvs)
{
	arena_free(take(ipvs->pending_arena));
	ipvs->pending = NULL;
	ipvs->pending_count = 0;
}

/* Keeps the removals of a plan, and the arena they are in, for FINISH. */
static void keep_removals(struct ipvs_worker *ipvs, struct arena *arena,
			  const struct ipvs_plan *plan)
{
	forget_removals(ipvs);
	if (plan->count == plan->removals) {
		arena_free(arena);
		return;
	}
	ipvs->pending_arena = arena;
	ipvs->pending = plan->ops + plan->removals;
	ipvs->pending_count = plan->count - plan->removals;
}

/* Adds and changes of the new generation, which runs already. Without memory or without a view of
 * the kernel the read-back does it all as soon as it can. */
static void program(struct ipvs_worker *ipvs, const struct ipvs_plan *planned)
{
	struct ipvs_plan plan = *planned;
	int error = ipvs_ownership_add(&ipvs->ownership, &ipvs->running->state.programmed);

	if (error) {
		log_error("cannot program the table now: %s; trying again", strerror(-error));
		ipvs->kernel.in_sync = false;
		plan = (struct ipvs_plan){0};
	}
	ipvs_sysctls_raise(&ipvs->sysctls, &ipvs->running->sysctls);
	ipvs_apply_timeouts(ipvs, ipvs->running->model);
	ipvs_kernel_run(&ipvs->kernel, plan.ops, plan.removals);
	if (plan.count)
		log_info("the new configuration changes the table: %zu to add or change, %zu to "
			 "remove",
			 plan.removals, plan.count - plan.removals);
	ipvs_apply_log_foreign(ipvs, &plan);
	keep_removals(ipvs, take(ipvs->running->rehearsal.arena), &plan);
}

static void configure_log(const struct model *model)
{
	log_configure((enum log_level)model->global.log.level,
		      model->global.log.format == LOG_FORMAT_JSON, (enum log_target)model->global.log.target);
}

/* The prepared generation as of now, with a plan. Mostly PREPARE has made both a moment ago. */
static int bring_plan_up(struct ipvs_worker *ipvs)
{
	struct rehearsal *rehearsal = &ipvs->prepared->rehearsal;
	int error;

	if (rehearsal->arena && rehearsal->happened == ipvs->happened)
		return 0;
	arena_free(rehearsal->arena);
	*rehearsal = (struct rehearsal){.arena = arena_new(0)};
	error = rehearsal->arena ? current_table(ipvs, rehearsal->arena, &rehearsal->current)
				 : -ENOMEM;
	if (error) {
		ipvs->adopting |= !ipvs->running;
		return error;
	}
	error = bring_up(ipvs, rehearsal->arena, &rehearsal->current);
	return error ? error
		     : ipvs_apply_plan(ipvs, rehearsal->arena, ipvs->prepared,
				       &rehearsal->current, &rehearsal->plan);
}

static void note_keeping(struct ipvs_worker *ipvs)
{
	bool keeps = ipvs->running->model->global.ipvs.on_stop == ON_STOP_KEEP;
	int error = ipvs_ownership_keep(&ipvs->ownership, keeps);

	if (error)
		log_warning("cannot write on_stop into the owned file: %s: lbhad --withdraw will not "
			    "know it",
			    strerror(-error));
}

void ipvs_reload_commit(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;
	struct generation *old = ipvs->running;
	int error;

	ipvs_carry_take(ipvs);
	error = bring_plan_up(ipvs);
	configure_log(ipvs->prepared->model);
	if (error)
		log_error("cannot take the new configuration to the kernel yet: %s",
			  ipvs->kernel.error);
	ipvs_reading_abandon(ipvs);
	ipvs->running = ipvs->prepared;
	ipvs->prepared = NULL;
	ipvs->committed = clock_now();
	contests_init(&ipvs->contests); /* whoever reloads wants it all, at once */
	ipvs_carry_contests(ipvs);
	ipvs_tell_nothing_new(&ipvs->running->state);
	ipvs->kernel.in_sync = !error;
	if (!error && !old) /* before the first facts go out: they would begin at 0 */
		ipvs_state_counters(&ipvs->running->state, &ipvs->running->rehearsal.current);
	ipvs_nft_pass(&ipvs->nft, old ? &old->state : NULL, &ipvs->running->state, false);
	ipvs->happened++;
	note_keeping(ipvs);
	ipvs_ways_renew(&ipvs->ways);
	ipvs_ways_route(&ipvs->ways, ipvs->running->model, false);
	if (!error)
		program(ipvs, &ipvs->running->rehearsal.plan);
	ipvs_apply_sync(ipvs);
	ipvs_nft_pass(&ipvs->nft, old ? &old->state : NULL, &ipvs->running->state, true);
	ipvs_apply_ways(ipvs, !error);
	worker_committed(ipvs->worker);
	ipvs->agreed = ipvs->kernel.in_sync;
	if (ipvs->kernel.in_sync)
		ipvs->kernel.error[0] = '\0'; /* what stood there is over with the old generation */
	ipvs_apply_schedule(ipvs);
	ipvs_generation_free(old);
	ipvs_drain_log(&ipvs->running->state);
	if (ipvs_drain_count(&ipvs->running->state))
		timer_at(&ipvs->drain, clock_now());
	ipvs_apply_tell_table(ipvs);
	timer_at(&ipvs->due, ipvs_state_due(&ipvs->running->state));
}

/* What waited and is still unwanted. */
static size_t still_unwanted(struct ipvs_worker *ipvs)
{
	const struct ipvs_table *wanted = &ipvs->running->state.programmed;
	size_t kept = 0;

	for (size_t i = 0; i < ipvs->pending_count; i++) {
		const struct ipvs_op *op = &ipvs->pending[i];
		const struct ipvs_service *service = ipvs_table_find(wanted, &op->service);

		if (op->kind == IPVS_DEL_SERVICE ? service != NULL
						 : service && ipvs_dest_find(service, &op->dest))
			continue;
		ipvs->pending[kept++] = *op;
	}
	return kept;
}

/* The last of a reload: moves of destinations, which wait for the removals. */
static bool put_in_order(struct ipvs_worker *ipvs)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_plan plan = {0};

	if (arena && !ipvs_plan_order(arena, &ipvs->running->state.programmed, &plan))
		return ipvs_kernel_run(&ipvs->kernel, plan.ops, plan.count);
	ipvs->kernel.in_sync = false;
	return false;
}

void ipvs_reload_finish(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;
	size_t count;
	bool is_done;

	if (!ipvs->running)
		return;
	ipvs->happened++;
	count = still_unwanted(ipvs);
	ipvs_sysctls_restore(&ipvs->sysctls, &ipvs->running->sysctls);
	ipvs_ways_route(&ipvs->ways, ipvs->running->model, true);
	is_done = ipvs->kernel.in_sync && ipvs_kernel_run(&ipvs->kernel, ipvs->pending, count);
	forget_removals(ipvs);
	if (is_done && put_in_order(ipvs)) {
		ipvs_apply_trim(ipvs);
		ipvs_apply_tell(ipvs);
	} else {
		ipvs_apply_read_back(ipvs);
	}
	ipvs_apply_nft(ipvs);
	ipvs_apply_tell_table(ipvs);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void remove_all(struct ipvs_worker *ipvs)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_table actual, nothing = no_table;
	struct ipvs_plan plan;

	if (!ipvs->ownership.set.count)
		return;
	if (!arena || ipvs_kernel_dump(&ipvs->kernel, arena, &actual) ||
	    ipvs_plan_build(arena, &nothing, &actual, &ipvs->ownership.set, &plan)) {
		log_error("cannot remove our services from the kernel: %s", ipvs->kernel.error);
		return;
	}
	if (!ipvs_kernel_run(&ipvs->kernel, plan.ops, plan.count))
		return;
	ipvs_ownership_trim(&ipvs->ownership, &no_table);
	log_info("removed %zu virtual services from the kernel", plan.count);
}

void ipvs_reload_stop(struct ipvs_worker *ipvs)
{
	timer_cancel(&ipvs->settle);
	timer_cancel(&ipvs->due);
	timer_cancel(&ipvs->read_back);
	ipvs_reading_abandon(ipvs);
	timer_cancel(&ipvs->sync_due);
	timer_cancel(&ipvs->nft_due);
	timer_cancel(&ipvs->drain);
}

/* Without a configuration the last one's word counts. */
static bool keeps(const struct ipvs_worker *ipvs)
{
	if (ipvs->running)
		return ipvs->running->model->global.ipvs.on_stop == ON_STOP_KEEP;
	return ipvs->ownership.keeps;
}

void ipvs_reload_release(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;

	ipvs_reload_stop(ipvs);
	if (!keeps(ipvs)) {
		remove_all(ipvs);
		ipvs_nft_remove(&ipvs->nft);
		ipvs_sysctls_restore(&ipvs->sysctls, &no_sysctls);
		ipvs_apply_timeouts(ipvs, NULL);
		ipvs_sync_apply(&ipvs->sync, &ipvs->kernel, NULL, NULL);
		ipvs_ways_renew(&ipvs->ways); /* this is no repair */
		ipvs_ways_route(&ipvs->ways, NULL, true);
	}
	worker_released(ipvs->worker);
}
