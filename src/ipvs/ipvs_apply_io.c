/* The kernel is looked at and made as it is wanted: the table, and what goes with it. A dump is
 * read after anything went wrong and every global.ipvs.read_back, to repair what somebody else did
 * and to fetch counters; between two dumps the wanted table is the picture of the kernel. In
 * maintenance what somebody else has changed is left as it is. */
#include "ipvs/ipvs_worker_io.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "core/log.h"
#include "core/worker.h"

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

/* ---- facts ----------------------------------------------------------------------------------- */

static bool is_available(const struct ipvs_worker *ipvs)
{
	return ipvs->kernel.io || !access("/proc/net/ip_vs", F_OK);
}

void ipvs_apply_tell_table(struct ipvs_worker *ipvs)
{
	const struct ipvs_state *state = ipvs_running_state(ipvs);
	struct fact_table table = {.available = is_available(ipvs),
				   .operations = ipvs->kernel.operations,
				   .repairs = ipvs->repairs,
				   .last_read_back = ipvs->last_read_back};

	memcpy(table.kinds, ipvs->kernel.kinds, sizeof(table.kinds));
	table.leavers = state ? (uint32_t)state->leaver_count : 0;
	table.ready = state && ipvs->kernel.in_sync && !ipvs->nft.error[0] &&
		      ipvs_state_has_verdicts(state);
	memcpy(table.error,
	       *ipvs->kernel.error ? ipvs->kernel.error
	       : *ipvs->nft.error  ? ipvs->nft.error
	       : *ipvs->ways.error ? ipvs->ways.error
				   : ipvs->sysctls.error,
	       sizeof(table.error));
	table.sync = ipvs->sync.runs;
	memcpy(table.sync_error, ipvs->sync.error, sizeof(table.sync_error));
	memcpy(table.contested, ipvs->contests.words, sizeof(table.contested));
	ipvs_tell_table(&ipvs->told, ipvs->worker, &table);
}

/* Says everything that has changed, to the log and to the peers. Whoever is on the way out of the
 * table is looked at soon. */
void ipvs_apply_tell(struct ipvs_worker *ipvs)
{
	if (ipvs_drain_count(&ipvs->running->state) && !timer_armed(&ipvs->drain))
		timer_at(&ipvs->drain, clock_now() + IPVS_DRAIN_EVERY);
	ipvs_tell_changes(ipvs->worker, &ipvs->running->state);
	ipvs_apply_tell_table(ipvs);
	timer_at(&ipvs->due, ipvs_state_due(&ipvs->running->state));
}

/* ---- applying -------------------------------------------------------------------------------- */

bool ipvs_apply_removes_foreign(const struct model *model)
{
	return model->service_count && model->global.ipvs.foreign == FOREIGN_REMOVE;
}

/* What a model lets us remove of a table: what is ours, or all of it. */
static int removable(const struct ipvs_worker *ipvs, struct arena *arena, const struct model *model,
		     const struct ipvs_table *actual, struct ipvs_keys *out)
{
	if (ipvs_apply_removes_foreign(model))
		return ipvs_keys_of(arena, actual, out);
	*out = ipvs->ownership.set;
	return 0;
}

/* From what there is to what a generation wants, but for the order of destinations. */
int ipvs_apply_plan(const struct ipvs_worker *ipvs, struct arena *arena,
		     struct generation *generation, const struct ipvs_table *actual,
		     struct ipvs_plan *out)
{
	struct ipvs_keys keys;
	int error = removable(ipvs, arena, generation->model, actual, &keys);

	return error ? error
		     : ipvs_plan_build(arena, &generation->state.programmed, actual, &keys, out);
}

/* Services that are neither ours nor wanted go: said by name, since somebody may miss them. */
void ipvs_apply_log_foreign(const struct ipvs_worker *ipvs, const struct ipvs_plan *plan)
{
	unsigned count = 0;

	for (size_t i = plan->removals; i < plan->count; i++) {
		char buffer[IPVS_OP_TEXT];
		struct text text = text_of(buffer, sizeof(buffer));

		if (plan->ops[i].kind != IPVS_DEL_SERVICE ||
		    ipvs_keys_have(&ipvs->ownership.set, &plan->ops[i].service))
			continue;
		ipvs_service_key_format(&plan->ops[i].service, &text);
		if (count++ < IPVS_LINES)
			log_warning("%s is not ours: removed (global.ipvs.foreign)", buffer);
	}
	if (count > IPVS_LINES)
		log_warning("… and %u more that are not ours", count - IPVS_LINES);
}

/* The time between two looks at a kernel that is as it should be. */
static nstime read_back_period(const struct ipvs_worker *ipvs)
{
	nstime period = ipvs->running->model->global.ipvs.read_back;

	if (clock_now() < ipvs->watched_until)
		return nstime_min(period, nstime_max(COUNTERS_EVERY, WATCH_SHARE * ipvs->effort));
	return period;
}

/* When the kernel is looked at next. */
void ipvs_apply_schedule(struct ipvs_worker *ipvs)
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

void ipvs_apply_refused(void *ctx, const struct ipvs_op *op, const char *words)
{
	struct ipvs_worker *ipvs = ctx;

	if (ipvs->running)
		ipvs_state_refused(&ipvs->running->state, op, words, clock_now());
}

void ipvs_apply_alive(void *ctx)
{
	const struct ipvs_worker *ipvs = ctx;

	worker_alive(ipvs->worker);
}

void ipvs_apply_trim(struct ipvs_worker *ipvs)
{
	int error = ipvs_ownership_trim(&ipvs->ownership, &ipvs->running->state.programmed);

	if (error)
		log_warning("cannot cross out services in the owned file: %s", strerror(-error));
}

static void log_repairs(const struct ipvs_plan *plan)
{
	for (size_t i = 0; i < plan->count && i < IPVS_LINES; i++) {
		char buffer[IPVS_OP_TEXT];
		struct text text = text_of(buffer, sizeof(buffer));

		ipvs_op_format(&plan->ops[i], &text);
		log_warning("somebody else changed the kernel's table; repaired: %s", buffer);
	}
	if (plan->count > IPVS_LINES)
		log_warning("… and %zu repairs more", plan->count - IPVS_LINES);
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
		error = ipvs_apply_plan(ipvs, arena, ipvs->running, actual, &plan);
	if (!error)
		error = ipvs_plan_order(arena, &state->programmed, &plan);
	if (error) {
		log_error("cannot mend the kernel's table: %s", strerror(-error));
		ipvs->kernel.in_sync = false;
		return;
	}
	contests_filter(&ipvs->contests, &plan, is_repair, now);
	ipvs_ways_seen(&state->ways, actual, &plan);
	ipvs_state_refusals_begin(state);
	if (!plan.count) {
		ipvs_kernel_agrees(&ipvs->kernel);
	} else if (carry_out(ipvs, arena, &plan)) {
		ipvs_apply_log_foreign(ipvs, &plan);
		if (is_repair) {
			log_repairs(&plan);
			ipvs->repairs += plan.count;
		}
		ipvs_kernel_agrees(&ipvs->kernel);
	}
	ipvs_state_refusals_end(state, clock_now());
	ipvs->agreed |= ipvs->kernel.in_sync;
	if (ipvs->kernel.in_sync)
		ipvs_apply_trim(ipvs);
}

/* As a model wants them (NULL: as they were before us); returns how many were repaired. */
unsigned ipvs_apply_timeouts(struct ipvs_worker *ipvs, const struct model *model)
{
	struct ipvs_timeouts wanted = ipvs_timeouts_wanted(model);

	return ipvs_timeouts_apply(&ipvs->timeouts, &ipvs->kernel, &wanted);
}

/* Connection synchronisation, as the running model wants it. */
void ipvs_apply_sync(struct ipvs_worker *ipvs)
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
		ipvs_apply_schedule(ipvs);
}

void ipvs_apply_sync_due(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;

	if (!ipvs->running)
		return;
	ipvs_apply_sync(ipvs);
	return_to_contested(ipvs);
	ipvs_apply_tell_table(ipvs);
}

/* Exactly what the running generation wants. */
void ipvs_apply_nft(struct ipvs_worker *ipvs)
{
	ipvs_nft_pass(&ipvs->nft, &ipvs->running->state, &ipvs->running->state, true);
}

void ipvs_apply_ways(struct ipvs_worker *ipvs, bool seen)
{
	struct ipvs_state *state = &ipvs->running->state;

	if (ipvs_ways_judge(&state->ways, seen && ipvs->ways.routed && !ipvs->nft.error[0]))
		ipvs_tell_ways(ipvs->worker, state);
}

/* Routes and sysctls of ways; a server may have come to another link. */
static void mend_ways(struct ipvs_worker *ipvs)
{
	struct generation *running = ipvs->running;

	ipvs->repairs += ipvs_ways_route(&ipvs->ways, running->model, true);
	ipvs_ways_sysctls(running->arena, running->model, &ipvs->sysctls, &running->sysctls);
}

static void look_at_nft(struct ipvs_worker *ipvs)
{
	if (ipvs->maintenance)
		return;
	ipvs->repairs += ipvs_nft_look(&ipvs->nft, clock_now());
	if (ipvs->nft.error[0]) /* no probe sets out that nothing would stop from going astray */
		ipvs_apply_ways(ipvs, false);
}

static void take_counters(struct ipvs_worker *ipvs, const struct ipvs_table *actual, nstime now)
{
	if (ipvs->last_counters && now - ipvs->last_counters < COUNTERS_EVERY)
		return;
	ipvs->last_counters = now;
	ipvs_state_counters(&ipvs->running->state, actual);
	if (ipvs->running->state.marked_count && !timer_armed(&ipvs->settle))
		timer_at(&ipvs->settle, now);
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
	ipvs_apply_nft(ipvs);
}

/* Nothing has to be mended. */
static void agree(struct ipvs_worker *ipvs)
{
	struct ipvs_state *state = &ipvs->running->state;

	ipvs_state_refusals_begin(state);
	ipvs_kernel_agrees(&ipvs->kernel);
	ipvs_state_refusals_end(state, clock_now());
	ipvs->agreed = true;
	ipvs_apply_trim(ipvs);
}

/* What goes with the table, after a look at it. */
static void mend_surroundings(struct ipvs_worker *ipvs)
{
	if (ipvs->maintenance)
		return;
	mend_ways(ipvs);
	ipvs->repairs += ipvs_apply_timeouts(ipvs, ipvs->running->model) +
			 ipvs_sysctls_raise(&ipvs->sysctls, &ipvs->running->sysctls);
	ipvs_apply_sync(ipvs);
	ipvs_apply_ways(ipvs, true);
}

static void look_is_over(struct ipvs_worker *ipvs, nstime effort)
{
	look_at_nft(ipvs);
	ipvs->effort = effort;
	ipvs_apply_schedule(ipvs);
	ipvs_apply_tell(ipvs);
}

static void note_blindness(struct ipvs_worker *ipvs, const char *before)
{
	ipvs->kernel.in_sync = false;
	if (strcmp(before, ipvs->kernel.error))
		log_error("cannot read the kernel's table: %s", ipvs->kernel.error);
}

/* Removals of a reload are waited for. */
static bool must_wait(struct ipvs_worker *ipvs)
{
	nstime until = ipvs->committed + FINISH_PATIENCE;

	if (!ipvs->pending_count || clock_now() >= until)
		return false;
	timer_at(&ipvs->read_back, until);
	return true;
}

void ipvs_apply_read_back(struct ipvs_worker *ipvs)
{
	auto_arena *arena = arena_new(0);
	char before[FACT_DETAIL];
	nstime now = clock_now();
	struct ipvs_table actual;
	int error;

	ipvs_reading_abandon(ipvs);
	if (!ipvs->running || must_wait(ipvs))
		return;
	ipvs->happened++;
	memcpy(before, ipvs->kernel.error, sizeof(before));
	error = arena ? ipvs_kernel_dump(&ipvs->kernel, arena, &actual) : -ENOMEM;
	if (error) {
		note_blindness(ipvs, before);
	} else {
		ipvs->pending_count = 0;
		contests_begin(&ipvs->contests, now);
		if (ipvs->adopting)
			adopt(ipvs, &actual);
		take_counters(ipvs, &actual, now);
		if (!ipvs->maintenance || !ipvs->agreed)
			mend(ipvs, arena, &actual, now);
		mend_surroundings(ipvs);
		ipvs->last_read_back = now;
	}
	look_is_over(ipvs, clock_now() - now);
}

/* As long as the wanted table is the picture of the kernel a look only has to find out whether that
 * still holds. */
void ipvs_apply_read_back_due(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;
	nstime now = clock_now();
	bool counts = !ipvs->last_counters || now - ipvs->last_counters >= COUNTERS_EVERY;

	if (!ipvs->running || must_wait(ipvs))
		return;
	if (ipvs_reading_is_under_way(ipvs)) {
		ipvs->look.again = true;
		return;
	}
	if (!ipvs->kernel.in_sync || ipvs->adopting) {
		ipvs_apply_read_back(ipvs);
		return;
	}
	ipvs->pending_count = 0;
	if (counts)
		ipvs->last_counters = now;
	ipvs_reading_start(ipvs, !ipvs->maintenance || !ipvs->agreed, counts);
}

static const struct ipvs_service *known_service(void *ctx, const struct ipvs_service_key *key)
{
	const struct ipvs_worker *ipvs = ctx;

	return ipvs_reading_known(&ipvs->look.reading, &ipvs->running->state, key);
}

/* Who is suspected is looked at once more, in one with the repair. */
static void mend_suspects(struct ipvs_worker *ipvs, nstime now)
{
	auto_arena *arena = arena_new(0);
	char before[FACT_DETAIL];
	struct ipvs_table actual;

	memcpy(before, ipvs->kernel.error, sizeof(before));
	if (arena && !ipvs_kernel_dump_unknown(&ipvs->kernel, arena, &actual, known_service, ipvs))
		mend(ipvs, arena, &actual, now);
	else
		note_blindness(ipvs, before);
}

void ipvs_apply_looked(struct ipvs_worker *ipvs)
{
	const struct ipvs_look *look = &ipvs->look;
	nstime now = clock_now();

	if (!ipvs->kernel.in_sync) {
		ipvs_apply_read_back(ipvs);
		return;
	}
	ipvs->happened++;
	contests_begin(&ipvs->contests, now);
	if (!ipvs_reading_agrees(&look->reading))
		mend_suspects(ipvs, now);
	else if (look->reading.compares)
		agree(ipvs);
	if (ipvs_reading_agrees(&look->reading))
		ipvs_ways_seen(&ipvs->running->state.ways, &ipvs->running->state.programmed,
			       &(struct ipvs_plan){0});
	mend_surroundings(ipvs);
	ipvs->last_read_back = look->begun;
	look_is_over(ipvs, look->effort + clock_now() - now);
	if (look->again)
		timer_at(&ipvs->read_back, now);
}

/* The next look comes sooner while somebody watches. */
void ipvs_apply_watch(struct ipvs_worker *ipvs, nstime until)
{
	bool is_watched = clock_now() < ipvs->watched_until;

	ipvs->watched_until = until;
	if (!is_watched && ipvs->kernel.in_sync && timer_armed(&ipvs->read_back))
		ipvs_apply_schedule(ipvs);
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
void ipvs_apply_settle(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;
	auto_arena *arena = arena_new(0);
	struct ipvs_plan plan = {0};
	struct ipvs_state *state;

	if (!ipvs->running || !arena)
		return;
	state = &ipvs->running->state;
	ipvs->happened++;
	if (ipvs_state_settle(arena, state, clock_now(), &plan)) {
		log_error("no memory to plan; trying again");
		timer_at(&ipvs->settle, clock_now() + NSTIME_S);
	}
	if (state->is_reprogrammed)
		own_programmed(ipvs);
	if (ipvs->kernel.in_sync && !ipvs_kernel_run(&ipvs->kernel, plan.ops, plan.count)) {
		ipvs_apply_read_back(ipvs);
		return;
	}
	if (state->is_reprogrammed && ipvs->kernel.in_sync)
		ipvs_apply_trim(ipvs);
	state->is_reprogrammed = false;
	ipvs_apply_tell(ipvs);
}

void ipvs_apply_due(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;

	if (!ipvs->running)
		return;
	ipvs_state_wake(&ipvs->running->state, clock_now());
	ipvs_apply_settle(ipvs);
}

/* Those that are on their way out of the table. */
void ipvs_apply_drain(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;
	size_t before;

	if (!ipvs->running || ipvs->adopting)
		return;
	before = ipvs_drain_count(&ipvs->running->state);
	ipvs_drain_read(&ipvs->kernel, &ipvs->running->state);
	ipvs_tell_leavers(ipvs->worker, &ipvs->running->state);
	ipvs_apply_settle(ipvs);
	if (ipvs_drain_count(&ipvs->running->state) != before)
		ipvs_apply_nft(ipvs);
}

/* Whoever flushes and fills the rules anew may be in the middle of it. */
void ipvs_apply_nft_touched(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;

	if (ipvs->running && !timer_armed(&ipvs->nft_due))
		timer_at(&ipvs->nft_due, clock_now() + NFT_CALM);
}

void ipvs_apply_nft_due(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;

	if (!ipvs->running)
		return;
	look_at_nft(ipvs);
	return_to_contested(ipvs);
	ipvs_apply_tell_table(ipvs);
}
