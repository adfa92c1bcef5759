/* The worker's life around ipvs/state.h. The wanted table of the running generation is also the
 * picture of the kernel as long as kernel.in_sync: then a verdict or a reload is planned against
 * it, without asking the kernel. A dump is read at the first start (what is there is adopted),
 * after anything went wrong, and every global.ipvs.read_back, to repair what somebody else did and
 * to fetch counters. Removals of a reload wait for FINISH. Left alone at the supervisor's death:
 * the table stays. In maintenance verdicts and reloads go on to the kernel, but what somebody else
 * has changed there is left as it is. */
#include "ipvs/ipvs_main.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/codec.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/protocol.h"
#include "core/worker.h"
#include "ipvs/ipvs_drain_io.h"
#include "ipvs/contest.h"
#include "ipvs/ipvs_kernel_io.h"
#include "ipvs/ipvs_overrides_io.h"
#include "ipvs/ipvs_ownership_io.h"
#include "ipvs/ipvs_nft_io.h"
#include "ipvs/ipvs_sync_io.h"
#include "ipvs/ipvs_sysctls_io.h"
#include "ipvs/ipvs_tell_io.h"
#include "ipvs/ipvs_timeouts_io.h"
#include "ipvs/said.h"
#include "ipvs/state.h"
#include "net/owned_io.h"

/* After something went wrong the kernel is looked at at once, then after RETRY_FIRST, then at
 * doubled distances up to the read-back period (or RETRY_LAST). Removals that FINISH never asks for
 * are done anyway after FINISH_PATIENCE. Counters are told no more often than COUNTERS_EVERY, and
 * that often while somebody watches them, as long as it takes no more than a part in WATCH_SHARE of
 * the time. */
#define RETRY_FIRST NSTIME_S
#define RETRY_LAST (60 * NSTIME_S)
#define FINISH_PATIENCE (10 * NSTIME_S)
#define COUNTERS_EVERY NSTIME_S
#define WATCH_SHARE 10
#define NFT_CALM (100 * NSTIME_MS) /* between a change of our nftables rules and the repair */

#define PLAN_LINES 1000   /* of a plan that is told */
#define REPAIRS_LOGGED 10 /* of one read-back */

struct generation {
	struct arena *arena;
	struct model *model;
	struct ipvs_state state;
	struct ipvs_sysctls sysctls;
};

struct ipvs_worker {
	struct worker *worker;
	struct ipvs_kernel kernel;
	struct ipvs_ownership ownership;
	struct ipvs_sysctls_kept sysctls;
	struct ipvs_timeouts_kept timeouts;
	struct ipvs_sync_kept sync;
	struct contests contests;
	struct ipvs_nft nft;
	struct generation *running, *prepared;
	bool adopting;               /* the kernel's table has not been read yet */
	bool agreed;                 /* since the commit the table was once as it should be */
	bool maintenance;
	struct ipvs_overrides overrides;
	struct arena *pending_arena; /* removals that wait for FINISH */
	struct ipvs_op *pending;
	size_t pending_count;
	nstime committed;
	struct ipvs_told told;
	uint64_t repairs;
	nstime last_read_back, last_counters, retry;
	nstime watched_until; /* somebody looks at the counters */
	nstime effort;        /* what the last look at the kernel took */
	struct loop_timer settle, read_back, sync_due, nft_due;
	struct loop_timer due; /* what time alone changes */
	struct loop_timer drain;
};

static const struct ipvs_table no_table;
static const struct ipvs_sysctls no_sysctls;

/* ---- generations ----------------------------------------------------------------------------- */

static void generation_free(struct generation *generation)
{
	if (!generation)
		return;
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
		return generation;
	worker_line(ipvs->worker, "%s", why.length ? buffer : strerror(-*error));
	generation_free(generation);
	return NULL;
}

static bool owns_all(const struct ipvs_ownership *ownership, const struct ipvs_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (!ipvs_keys_have(&ownership->set, &table->services[i].key))
			return false;
	return true;
}

static bool removes_foreign(const struct model *model)
{
	return model->service_count && model->global.ipvs.foreign == FOREIGN_REMOVE;
}

/* What a model lets us remove of a table: what is ours, or all of it. */
static int removable(const struct ipvs_worker *ipvs, struct arena *arena, const struct model *model,
		     const struct ipvs_table *actual, struct ipvs_keys *out)
{
	if (removes_foreign(model))
		return ipvs_keys_of(arena, actual, out);
	*out = ipvs->ownership.set;
	return 0;
}

/* From what there is to what a generation wants, but for the order of destinations. */
static int make_plan(const struct ipvs_worker *ipvs, struct arena *arena,
		     struct generation *generation, const struct ipvs_table *actual,
		     struct ipvs_plan *out)
{
	struct ipvs_keys keys;
	int error = removable(ipvs, arena, generation->model, actual, &keys);

	return error ? error
		     : ipvs_plan_build(arena, &generation->state.programmed, actual, &keys, out);
}

/* Services that are neither ours nor wanted go: said by name, since somebody may miss them. */
static void log_foreign(const struct ipvs_worker *ipvs, const struct ipvs_plan *plan)
{
	unsigned count = 0;

	for (size_t i = plan->removals; i < plan->count; i++) {
		char buffer[IPVS_OP_TEXT];
		struct text text = text_of(buffer, sizeof(buffer));

		if (plan->ops[i].kind != IPVS_DEL_SERVICE ||
		    ipvs_keys_have(&ipvs->ownership.set, &plan->ops[i].service))
			continue;
		ipvs_service_key_format(&plan->ops[i].service, &text);
		if (count++ < REPAIRS_LOGGED)
			log_warning("%s is not ours: removed (global.ipvs.foreign)", buffer);
	}
	if (count > REPAIRS_LOGGED)
		log_warning("… and %u more that are not ours", count - REPAIRS_LOGGED);
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
	    ipvs->contests.due == NSTIME_NEVER && !removes_foreign(ipvs->prepared->model)) {
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

/* ---- facts ----------------------------------------------------------------------------------- */

static const struct ipvs_state *running_state(const struct ipvs_worker *ipvs)
{
	return ipvs->running ? &ipvs->running->state : NULL;
}

static uint32_t fact_count(void *ctx)
{
	return ipvs_told_count(running_state(ctx));
}

static bool make_fact(void *ctx, int peer, uint32_t index, uint16_t *type, struct writer *out)
{
	const struct ipvs_worker *ipvs = ctx;

	return ipvs_told_fact(&ipvs->told, running_state(ipvs), peer, index, type, out);
}

static bool is_available(const struct ipvs_worker *ipvs)
{
	return ipvs->kernel.io || !access("/proc/net/ip_vs", F_OK);
}

static void tell_table(struct ipvs_worker *ipvs)
{
	const struct ipvs_state *state = running_state(ipvs);
	struct fact_table table = {.available = is_available(ipvs),
				   .operations = ipvs->kernel.operations,
				   .repairs = ipvs->repairs,
				   .last_read_back = ipvs->last_read_back};

	table.leavers = state ? (uint32_t)state->leaver_count : 0;
	table.ready = state && ipvs->kernel.in_sync && !ipvs->nft.error[0] &&
		      ipvs_state_has_verdicts(state);
	memcpy(table.error,
	       *ipvs->kernel.error  ? ipvs->kernel.error
	       : *ipvs->nft.error ? ipvs->nft.error
				    : ipvs->sysctls.error,
	       sizeof(table.error));
	table.sync = ipvs->sync.runs;
	memcpy(table.sync_error, ipvs->sync.error, sizeof(table.sync_error));
	memcpy(table.contested, ipvs->contests.words, sizeof(table.contested));
	ipvs_tell_table(&ipvs->told, ipvs->worker, &table);
}

/* Says everything that has changed, to the log and to the peers. Whoever is on the way out of the
 * table is looked at soon. */
static void tell(struct ipvs_worker *ipvs)
{
	if (ipvs_drain_count(&ipvs->running->state) && !timer_armed(&ipvs->drain))
		timer_at(&ipvs->drain, clock_now() + IPVS_DRAIN_EVERY);
	ipvs_tell_changes(ipvs->worker, &ipvs->running->state);
	tell_table(ipvs);
	timer_at(&ipvs->due, ipvs_state_due(&ipvs->running->state));
}

/* ---- applying -------------------------------------------------------------------------------- */

/* The time between two looks at a kernel that is as it should be. */
static nstime read_back_period(const struct ipvs_worker *ipvs)
{
	nstime period = ipvs->running->model->global.ipvs.read_back;

	if (clock_now() < ipvs->watched_until)
		return nstime_min(period, nstime_max(COUNTERS_EVERY, WATCH_SHARE * ipvs->effort));
	return period;
}

/* When the kernel is looked at next. */
static void schedule_read_back(struct ipvs_worker *ipvs)
{
	nstime period = ipvs->running->model->global.ipvs.read_back;

	if (!ipvs->running->model->service_count && !ipvs->ownership.set.count &&
	    !ipvs->nft.ours) {
		timer_cancel(&ipvs->read_back);
		return;
	}
	if (ipvs->kernel.in_sync) {
		ipvs->retry = 0;
		timer_at(&ipvs->read_back, nstime_min(clock_now() + read_back_period(ipvs),
						      ipvs->contests.due));
		return;
	}
	timer_at(&ipvs->read_back, clock_now() + ipvs->retry);
	if (!ipvs->retry)
		ipvs->retry = RETRY_FIRST;
	else
		ipvs->retry =
			nstime_min(2 * ipvs->retry, period > RETRY_FIRST ? period : RETRY_LAST);
}

static void refused(void *ctx, const struct ipvs_op *op, const char *words)
{
	struct ipvs_worker *ipvs = ctx;

	if (ipvs->running)
		ipvs_state_refused(&ipvs->running->state, op, words, clock_now());
}

static void alive(void *ctx)
{
	const struct ipvs_worker *ipvs = ctx;

	worker_alive(ipvs->worker);
}

static void trim_ownership(struct ipvs_worker *ipvs)
{
	int error = ipvs_ownership_trim(&ipvs->ownership, &ipvs->running->state.programmed);

	if (error)
		log_warning("cannot cross out services in the owned file: %s", strerror(-error));
}

static void log_repairs(const struct ipvs_plan *plan)
{
	for (size_t i = 0; i < plan->count && i < REPAIRS_LOGGED; i++) {
		char buffer[IPVS_OP_TEXT];
		struct text text = text_of(buffer, sizeof(buffer));

		ipvs_op_format(&plan->ops[i], &text);
		log_warning("somebody else changed the kernel's table; repaired: %s", buffer);
	}
	if (plan->count > REPAIRS_LOGGED)
		log_warning("… and %zu repairs more", plan->count - REPAIRS_LOGGED);
}

/* Carries out a plan. Where changes were refused, only those removals follow that leave no service
 * without the servers that the refused ones should have replaced. */
static bool carry_out(struct ipvs_worker *ipvs, struct arena *arena, const struct ipvs_plan *plan)
{
	struct ipvs_table actual;
	struct ipvs_plan safe;

	if (ipvs_kernel_run(&ipvs->kernel, plan->ops, plan->removals))
		return ipvs_kernel_run(&ipvs->kernel, plan->ops + plan->removals,
				       plan->count - plan->removals);
	if (plan->removals < plan->count && !ipvs_kernel_dump(&ipvs->kernel, arena, &actual) &&
	    !ipvs_plan_safe_removals(arena, &ipvs->running->state.programmed, &actual,
				     &ipvs->ownership.set, &safe))
		ipvs_kernel_run(&ipvs->kernel, safe.ops, safe.count);
	return false;
}

/* Compares the kernel's table with what is wanted and makes it so, but for what somebody else keeps
 * undoing. */
static void mend(struct ipvs_worker *ipvs, struct arena *arena, const struct ipvs_table *actual,
		 nstime now)
{
	struct ipvs_state *state = &ipvs->running->state;
	bool is_repair = ipvs->kernel.in_sync;
	struct ipvs_plan plan;
	int error = ipvs_ownership_add(&ipvs->ownership, &state->programmed);

	if (!error)
		error = make_plan(ipvs, arena, ipvs->running, actual, &plan);
	if (!error)
		error = ipvs_plan_order(arena, &state->programmed, &plan);
	if (error) {
		log_error("cannot mend the kernel's table: %s", strerror(-error));
		ipvs->kernel.in_sync = false;
		return;
	}
	contests_filter(&ipvs->contests, &plan, is_repair, now);
	ipvs_state_refusals_begin(state);
	if (!plan.count) {
		ipvs_kernel_agrees(&ipvs->kernel);
	} else if (carry_out(ipvs, arena, &plan)) {
		log_foreign(ipvs, &plan);
		if (is_repair) {
			log_repairs(&plan);
			ipvs->repairs += plan.count;
		}
		ipvs_kernel_agrees(&ipvs->kernel);
	}
	ipvs_state_refusals_end(state, clock_now());
	ipvs->agreed |= ipvs->kernel.in_sync;
	if (ipvs->kernel.in_sync)
		trim_ownership(ipvs);
}

/* As a model wants them (NULL: as they were before us); returns how many were repaired. */
static unsigned set_timeouts(struct ipvs_worker *ipvs, const struct model *model)
{
	struct ipvs_timeouts wanted = ipvs_timeouts_wanted(model);

	return ipvs_timeouts_apply(&ipvs->timeouts, &ipvs->kernel, &wanted);
}

/* Connection synchronisation, as the running model wants it. */
static void synchronise(struct ipvs_worker *ipvs)
{
	ipvs->repairs += ipvs_sync_apply(&ipvs->sync, &ipvs->kernel, ipvs->running->model,
					 &ipvs->running->state.roles);
	if (ipvs->sync.pause)
		timer_at(&ipvs->sync_due, clock_now() + ipvs->sync.pause);
	else
		timer_cancel(&ipvs->sync_due);
}

/* What had to wait is looked at again when it may be repaired. */
static void return_to_contested(struct ipvs_worker *ipvs)
{
	if (ipvs->kernel.in_sync && ipvs->contests.due != NSTIME_NEVER)
		schedule_read_back(ipvs);
}

static void sync_due(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;

	if (!ipvs->running)
		return;
	synchronise(ipvs);
	return_to_contested(ipvs);
	tell_table(ipvs);
}

/* Exactly what the running generation wants. */
static void settle_nft(struct ipvs_worker *ipvs)
{
	ipvs_nft_pass(&ipvs->nft, &ipvs->running->state, &ipvs->running->state, true);
}

static void look_at_nft(struct ipvs_worker *ipvs)
{
	if (!ipvs->maintenance)
		ipvs->repairs += ipvs_nft_look(&ipvs->nft, clock_now());
}

static void take_counters(struct ipvs_worker *ipvs, const struct ipvs_table *actual, nstime now)
{
	if (ipvs->last_counters && now - ipvs->last_counters < COUNTERS_EVERY)
		return;
	ipvs->last_counters = now;
	ipvs_state_counters(&ipvs->running->state, actual);
}

/* The first table that could be read. */
static void adopt(struct ipvs_worker *ipvs, const struct ipvs_table *actual)
{
	struct ipvs_state *state = &ipvs->running->state;

	if (ipvs_leavers_find(ipvs->running->arena, state, NULL, actual, clock_now()))
		log_error("no memory for servers that shall leave with their last connection: "
			  "they leave now");
	ipvs_state_desire(state, actual, clock_now());
	ipvs_drain_log(state);
	ipvs->adopting = false;
	if (!state->leaver_count)
		return;
	worker_facts_restart(ipvs->worker);
	settle_nft(ipvs);
}

static void read_back(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;
	auto_arena *arena = arena_new(0);
	char before[FACT_DETAIL];
	nstime now = clock_now();
	struct ipvs_table actual;
	int error;

	if (!ipvs->running)
		return;
	memcpy(before, ipvs->kernel.error, sizeof(before));
	if (ipvs->pending_count && now < ipvs->committed + FINISH_PATIENCE) {
		timer_at(&ipvs->read_back, ipvs->committed + FINISH_PATIENCE);
		return;
	}
	error = arena ? ipvs_kernel_dump(&ipvs->kernel, arena, &actual) : -ENOMEM;
	if (error) {
		ipvs->kernel.in_sync = false;
		if (strcmp(before, ipvs->kernel.error))
			log_error("cannot read the kernel's table: %s", ipvs->kernel.error);
	} else {
		ipvs->pending_count = 0;
		contests_begin(&ipvs->contests, now);
		if (ipvs->adopting)
			adopt(ipvs, &actual);
		take_counters(ipvs, &actual, now);
		if (!ipvs->maintenance || !ipvs->agreed)
			mend(ipvs, arena, &actual, now);
		if (!ipvs->maintenance) {
			ipvs->repairs += set_timeouts(ipvs, ipvs->running->model) +
					 ipvs_sysctls_raise(&ipvs->sysctls,
							    &ipvs->running->sysctls);
			synchronise(ipvs);
		}
		ipvs->last_read_back = now;
	}
	look_at_nft(ipvs);
	ipvs->effort = clock_now() - now;
	schedule_read_back(ipvs);
	tell(ipvs);
}

/* The next look comes sooner while somebody watches. */
static void watch(struct ipvs_worker *ipvs, nstime until)
{
	bool is_watched = clock_now() < ipvs->watched_until;

	ipvs->watched_until = until;
	if (!is_watched && ipvs->kernel.in_sync && timer_armed(&ipvs->read_back))
		schedule_read_back(ipvs);
}

/* Services that come into the kernel are written down before. */
static void own_programmed(struct ipvs_worker *ipvs)
{
	int error = ipvs_ownership_add(&ipvs->ownership, &ipvs->running->state.programmed);

	if (error)
		log_warning("cannot write services into the owned file: %s", strerror(-error));
}

/* What verdicts and roles cost. Out of step with the kernel these operations may not fit; the
 * read-back that is due soon does it all. When one of them is refused the kernel is looked at there
 * and then. */
static void settle(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;
	auto_arena *arena = arena_new(0);
	struct ipvs_plan plan = {0};
	struct ipvs_state *state;

	if (!ipvs->running || !arena)
		return;
	state = &ipvs->running->state;
	if (ipvs_state_settle(arena, state, clock_now(), &plan)) {
		log_error("no memory to plan; trying again");
		timer_at(&ipvs->settle, clock_now() + NSTIME_S);
	}
	if (state->is_reprogrammed)
		own_programmed(ipvs);
	if (ipvs->kernel.in_sync && !ipvs_kernel_run(&ipvs->kernel, plan.ops, plan.count)) {
		read_back(ipvs);
		return;
	}
	if (state->is_reprogrammed && ipvs->kernel.in_sync)
		trim_ownership(ipvs);
	state->is_reprogrammed = false;
	tell(ipvs);
}

static void due(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;

	if (!ipvs->running)
		return;
	ipvs_state_wake(&ipvs->running->state, clock_now());
	settle(ipvs);
}

/* Those that are on their way out of the table. */
static void drain(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;
	size_t before;

	if (!ipvs->running || ipvs->adopting)
		return;
	before = ipvs_drain_count(&ipvs->running->state);
	ipvs_drain_read(&ipvs->kernel, &ipvs->running->state);
	ipvs_tell_leavers(ipvs->worker, &ipvs->running->state);
	settle(ipvs);
	if (ipvs_drain_count(&ipvs->running->state) != before)
		settle_nft(ipvs);
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

/* Whether the kernel can do what this generation wants, and what that would be. */
static int rehearse(struct ipvs_worker *ipvs)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_table current = {0};
	struct ipvs_plan plan;
	int error = arena ? current_table(ipvs, arena, &current) : -ENOMEM;

	if (error) {
		worker_line(ipvs->worker, "%s",
			    error == -ENOMEM ? "no memory" : ipvs->kernel.error);
		return error;
	}
	error = bring_up(ipvs, arena, &current);
	if (!error)
		error = make_plan(ipvs, arena, ipvs->prepared, &current, &plan);
	if (!error)
		error = ipvs_plan_order(arena, &ipvs->prepared->state.programmed, &plan);
	if (error) {
		worker_line(ipvs->worker, "no memory");
		return error;
	}
	error = ipvs_sysctls_rehearse(&ipvs->sysctls, &ipvs->prepared->sysctls, ipvs->running,
				      tell_line, ipvs);
	if (!error && ipvs->running) {
		tell_plan(ipvs, &plan);
		tell_timeouts(ipvs);
		ipvs_sync_rehearse(&ipvs->sync, &ipvs->kernel, ipvs->prepared->model,
				   &ipvs->prepared->state.roles, tell_line, ipvs);
		ipvs_nft_tell(&ipvs->running->state, &ipvs->prepared->state, tell_rule, ipvs);
	}
	return error;
}

static void forget_prepared(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;

	generation_free(ipvs->prepared);
	ipvs->prepared = NULL;
}

static int prepare(void *ctx, const void *slice, size_t size, UNUSED uint32_t generation)
{
	struct ipvs_worker *ipvs = ctx;
	int error;

	ipvs->prepared = generation_new(ipvs, slice, size, &error);
	if (!ipvs->prepared)
		return error;
	error = rehearse(ipvs);
	if (error)
		forget_prepared(ipvs);
	return error;
}

/* Keeps the removals of a plan, and the arena they are in, for FINISH. */
static void keep_removals(struct ipvs_worker *ipvs, struct arena *arena,
			  const struct ipvs_plan *plan)
{
	arena_free(ipvs->pending_arena);
	ipvs->pending_arena = arena;
	ipvs->pending = plan->count ? plan->ops + plan->removals : NULL;
	ipvs->pending_count = plan->count - plan->removals;
}

/* Adds and changes of the new generation, which runs already. Without memory or without a view of
 * the kernel the read-back does it all as soon as it can. */
static void program(struct ipvs_worker *ipvs, const struct ipvs_table *current)
{
	struct arena *arena = arena_new(0);
	struct ipvs_state *state = &ipvs->running->state;
	struct ipvs_plan plan = {0};
	int error =
		arena ? make_plan(ipvs, arena, ipvs->running, current, &plan) : -ENOMEM;

	if (!error)
		error = ipvs_ownership_add(&ipvs->ownership, &state->programmed);
	if (error) {
		log_error("cannot program the table now: %s; trying again", strerror(-error));
		ipvs->kernel.in_sync = false;
		plan = (struct ipvs_plan){0};
	}
	ipvs_sysctls_raise(&ipvs->sysctls, &ipvs->running->sysctls);
	set_timeouts(ipvs, ipvs->running->model);
	ipvs_kernel_run(&ipvs->kernel, plan.ops, plan.removals);
	if (plan.count)
		log_info("the new configuration changes the table: %zu to add or change, %zu to "
			 "remove",
			 plan.removals, plan.count - plan.removals);
	log_foreign(ipvs, &plan);
	keep_removals(ipvs, arena, &plan);
}

static void configure_log(const struct model *model)
{
	log_configure((enum log_level)model->global.log.level,
		      model->global.log.format == LOG_FORMAT_JSON);
}

static void commit(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;
	auto_arena *arena = arena_new(0);
	struct generation *old = ipvs->running;
	struct ipvs_table current = {0};
	int error = arena ? current_table(ipvs, arena, &current) : -ENOMEM;

	configure_log(ipvs->prepared->model);
	if (!error)
		error = bring_up(ipvs, arena, &current);
	else if (!old)
		ipvs->adopting = true;
	if (error)
		log_error("cannot take the new configuration to the kernel yet: %s",
			  ipvs->kernel.error);
	ipvs->running = ipvs->prepared;
	ipvs->prepared = NULL;
	ipvs->committed = clock_now();
	contests_init(&ipvs->contests); /* whoever reloads wants it all, at once */
	ipvs_tell_nothing_new(&ipvs->running->state);
	ipvs->kernel.in_sync = !error;
	if (!error && !old) /* before the first facts go out: they would begin at 0 */
		ipvs_state_counters(&ipvs->running->state, &current);
	ipvs_nft_pass(&ipvs->nft, old ? &old->state : NULL, &ipvs->running->state, false);
	if (!error)
		program(ipvs, &current);
	synchronise(ipvs);
	ipvs_nft_pass(&ipvs->nft, old ? &old->state : NULL, &ipvs->running->state, true);
	ipvs->agreed = ipvs->kernel.in_sync;
	if (ipvs->kernel.in_sync)
		ipvs->kernel.error[0] = '\0'; /* what stood there is over with the old generation */
	schedule_read_back(ipvs);
	generation_free(old);
	ipvs_drain_log(&ipvs->running->state);
	if (ipvs_drain_count(&ipvs->running->state))
		timer_at(&ipvs->drain, clock_now());
	tell_table(ipvs);
	timer_at(&ipvs->due, ipvs_state_due(&ipvs->running->state));
	worker_committed(ipvs->worker);
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

static void finish(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;
	size_t count;

	if (!ipvs->running)
		return;
	count = still_unwanted(ipvs);
	ipvs->pending_count = 0;
	ipvs_sysctls_restore(&ipvs->sysctls, &ipvs->running->sysctls);
	if (ipvs->kernel.in_sync && ipvs_kernel_run(&ipvs->kernel, ipvs->pending, count) &&
	    put_in_order(ipvs)) {
		trim_ownership(ipvs);
		tell(ipvs);
	} else {
		read_back(ipvs);
	}
	settle_nft(ipvs);
	tell_table(ipvs);
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

static void release(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;

	timer_cancel(&ipvs->settle);
	timer_cancel(&ipvs->due);
	timer_cancel(&ipvs->read_back);
	timer_cancel(&ipvs->sync_due);
	timer_cancel(&ipvs->nft_due);
	timer_cancel(&ipvs->drain);
	if (ipvs->running && ipvs->running->model->global.ipvs.on_stop == ON_STOP_REMOVE) {
		remove_all(ipvs);
		ipvs_nft_remove(&ipvs->nft);
		ipvs_sysctls_restore(&ipvs->sysctls, &no_sysctls);
		set_timeouts(ipvs, NULL);
		ipvs_sync_apply(&ipvs->sync, &ipvs->kernel, NULL, NULL);
	}
	worker_released(ipvs->worker);
}

/* ---- facts from others ----------------------------------------------------------------------- */

static bool has_news(const struct ipvs_state *state)
{
	return state->marked_count || state->stale_server_count || state->stale_service_count;
}

static void fact_received(void *ctx, int peer, uint16_t type, struct reader *in)
{
	struct ipvs_worker *ipvs = ctx;
	struct fact_probe probe;
	struct fact_role role;
	struct fact_watch news;

	if (!ipvs->running)
		return;
	if (peer == ROLE_CHECK && type == FACT_PROBE && fact_probe_get(in, &probe))
		ipvs_state_verdict(&ipvs->running->state, &probe);
	else if (peer == ROLE_VRRP && type == FACT_ROLE && fact_role_get(in, &role) &&
		 ipvs_state_role(&ipvs->running->state, &role))
		timer_at(&ipvs->sync_due, clock_now());
	else if (peer == ROLE_CONTROL && type == FACT_WATCH && fact_watch_get(in, &news))
		watch(ipvs, news.until);
	if (has_news(&ipvs->running->state) && !timer_armed(&ipvs->settle))
		timer_at(&ipvs->settle, clock_now());
}

/* ---- overrides ------------------------------------------------------------------------------- */

/* What was changed by others meanwhile is repaired at once when maintenance is over. */
static void maintenance_take(struct ipvs_worker *ipvs, bool on)
{
	if (ipvs->maintenance && !on && ipvs->running)
		timer_at(&ipvs->read_back, clock_now());
	ipvs->maintenance = on;
}

/* A new list is in force. */
static void overrides_take(struct ipvs_worker *ipvs)
{
	auto_arena *arena = arena_new(0);
	const struct ipvs_override_list *now = &ipvs->overrides.now;

	maintenance_take(ipvs, now->maintenance);
	if (!ipvs->running)
		return;
	if (!arena || ipvs_said_apply(arena, &ipvs->running->state, now->rows, now->count))
		log_error("no memory for what operators said of servers; it holds from the next "
			  "reload on");
	else if (has_news(&ipvs->running->state))
		timer_at(&ipvs->settle, clock_now());
}

static void command(void *ctx, uint16_t type, struct reader *in, int fd)
{
	struct ipvs_worker *ipvs = ctx;

	if (fd >= 0)
		close(fd);
	if (type == RECORD_OVERRIDE) {
		ipvs_overrides_take(&ipvs->overrides, in);
	} else if (type == RECORD_OVERRIDES_END) {
		if (ipvs_overrides_end(&ipvs->overrides, in))
			overrides_take(ipvs);
	} else {
		log_warning("the supervisor sent record %u, which the ipvs worker cannot take",
			    type);
	}
}

/* ---- life ------------------------------------------------------------------------------------ */

static const struct worker_ops ops = {
	.prepare = prepare,
	.commit = commit,
	.finish = finish,
	.abort = forget_prepared,
	.release = release,
	.fact_count = fact_count,
	.fact = make_fact,
	.fact_received = fact_received,
	.command = command,
};

/* Whoever flushes and fills the rules anew may be in the middle of it. */
static void nft_touched(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;

	if (ipvs->running && !timer_armed(&ipvs->nft_due))
		timer_at(&ipvs->nft_due, clock_now() + NFT_CALM);
}

static void nft_due(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;

	if (!ipvs->running)
		return;
	look_at_nft(ipvs);
	return_to_contested(ipvs);
	tell_table(ipvs);
}

static int start(struct ipvs_worker *ipvs)
{
	auto_arena *arena = arena_new(0);
	struct owned_set owned;
	int error = arena ? owned_read(WORKER_FD_OWNED, arena, &owned) : -ENOMEM;

	if (!error)
		error = ipvs_ownership_init(&ipvs->ownership, WORKER_FD_OWNED, &owned);
	if (!error)
		error = ipvs_sysctls_init(&ipvs->sysctls, WORKER_FD_OWNED, &owned);
	if (error) {
		log_error("cannot read the owned file: %s", strerror(-error));
		return error;
	}
	ipvs_timeouts_init(&ipvs->timeouts, WORKER_FD_OWNED, &owned);
	ipvs_sync_init(&ipvs->sync, WORKER_FD_OWNED, &owned);
	contests_init(&ipvs->contests);
	ipvs->sysctls.contests = ipvs->timeouts.contests = ipvs->sync.contests = &ipvs->contests;
	ipvs_nft_init(&ipvs->nft, worker_loop(ipvs->worker), WORKER_FD_OWNED, &owned,
			nft_touched, ipvs);
	ipvs->nft.contests = &ipvs->contests;
	ipvs->kernel.refused = refused;
	ipvs->kernel.alive = alive;
	ipvs->kernel.ctx = ipvs;
	error = timer_init(worker_loop(ipvs->worker), &ipvs->settle, LOOP_NORMAL, settle, ipvs);
	if (!error)
		error = timer_init(worker_loop(ipvs->worker), &ipvs->due, LOOP_NORMAL, due, ipvs);
	if (!error)
		error = timer_init(worker_loop(ipvs->worker), &ipvs->read_back, LOOP_IDLE,
				   read_back, ipvs);
	if (!error)
		error = timer_init(worker_loop(ipvs->worker), &ipvs->sync_due, LOOP_NORMAL,
				   sync_due, ipvs);
	if (!error)
		error = timer_init(worker_loop(ipvs->worker), &ipvs->nft_due, LOOP_IDLE,
				   nft_due, ipvs);
	if (!error)
		error = timer_init(worker_loop(ipvs->worker), &ipvs->drain, LOOP_IDLE, drain, ipvs);
	return error;
}

static void ipvs_fini(struct ipvs_worker *ipvs)
{
	timer_fini(&ipvs->settle);
	timer_fini(&ipvs->due);
	timer_fini(&ipvs->read_back);
	timer_fini(&ipvs->sync_due);
	timer_fini(&ipvs->nft_due);
	ipvs_nft_fini(&ipvs->nft);
	timer_fini(&ipvs->drain);
	ipvs_overrides_fini(&ipvs->overrides);
	generation_free(ipvs->prepared);
	generation_free(ipvs->running);
	arena_free(ipvs->pending_arena);
	ipvs_ownership_fini(&ipvs->ownership);
	ipvs_sysctls_fini(&ipvs->sysctls);
	ipvs_kernel_close(&ipvs->kernel);
	worker_free(ipvs->worker);
}

int ipvs_main(void)
{
	struct ipvs_worker ipvs = {0};
	int status = 1;

	ipvs.worker = worker_new(ROLE_IPVS, "lbhad ipvs", &ops, &ipvs);
	if (!ipvs.worker)
		return 1;
	if (!start(&ipvs))
		status = worker_run(ipvs.worker);
	ipvs_fini(&ipvs);
	return status;
}
