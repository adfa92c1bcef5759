/* The worker's life around ipvs/state.h: what others say comes in, timers are made, the parts are
 * put together. The wanted table of the running generation is also the picture of the kernel as
 * long as kernel.in_sync: then a verdict or a reload is planned against it, without asking it.
 * Removals of a reload wait for FINISH. Left alone at the supervisor's death: the table stays. In
 * maintenance verdicts and reloads go on to the kernel, but what somebody else has changed there is
 * left as it is. */
#include "ipvs/ipvs_main.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "core/log.h"
#include "core/protocol.h"
#include "core/sandbox.h"
#include "core/worker.h"
#include "ipvs/ipvs_worker_io.h"
#include "ipvs/said.h"
#include "net/owned_io.h"

#define LOOK_SHARE 10

/* ---- facts ----------------------------------------------------------------------------------- */

static uint32_t fact_count(void *ctx)
{
	return ipvs_told_count(ipvs_running_state(ctx));
}

static bool make_fact(void *ctx, int peer, uint32_t index, uint16_t *type, struct writer *out)
{
	const struct ipvs_worker *ipvs = ctx;

	return ipvs_told_fact(&ipvs->told, ipvs_running_state(ipvs), peer, index, type, out);
}

static bool has_news(const struct ipvs_state *state)
{
	return state->marked_count || state->stale_server_count || state->stale_service_count;
}

/* A probe that took a way, and came through until now: before its failures make a verdict, it is seen
 * whether the way is still there. However many fail, that takes a small part of the time. */
static void look_at_way(struct ipvs_worker *ipvs, const struct fact_probe *fact)
{
	const struct model *model = ipvs->running->model;
	nstime pause = nstime_max(NSTIME_S, LOOK_SHARE * ipvs->effort);

	if (fact->probe < model->probe_count && model->probes[fact->probe].way && !fact->passed &&
	    ipvs->running->state.memory[fact->probe].passed && ipvs->kernel.in_sync)
		timer_at(&ipvs->read_back, nstime_min(ipvs->read_back.due,
						      nstime_max(clock_now(),
								 ipvs->last_read_back + pause)));
}

static void fact_received(void *ctx, int peer, uint16_t type, struct reader *in)
{
	struct ipvs_worker *ipvs = ctx;
	struct fact_probe probe;
	struct fact_role role;
	struct fact_watch news;

	if (!ipvs->running)
		return;
	if (peer == ROLE_CHECK && type == FACT_PROBE && fact_probe_get(in, &probe)) {
		look_at_way(ipvs, &probe);
		ipvs->happened += ipvs_state_verdict(&ipvs->running->state, &probe);
	} else if (peer == ROLE_VRRP && type == FACT_ROLE && fact_role_get(in, &role) &&
		   ipvs_state_role(&ipvs->running->state, &role)) {
		ipvs->happened++;
		timer_at(&ipvs->sync_due, clock_now());
	} else if (peer == ROLE_CONTROL && type == FACT_WATCH && fact_watch_get(in, &news)) {
		ipvs_apply_watch(ipvs, news.until);
	}
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

	ipvs->happened++;
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
	.prepare = ipvs_reload_prepare,
	.commit = ipvs_reload_commit,
	.finish = ipvs_reload_finish,
	.abort = ipvs_reload_abort,
	.release = ipvs_reload_release,
	.leave = ipvs_carry_leave,
	.inherit = ipvs_carry_inherit,
	.fact_count = fact_count,
	.fact = make_fact,
	.fact_received = fact_received,
	.command = command,
};

static int make_timers(struct ipvs_worker *ipvs)
{
	struct {
		struct loop_timer *timer;
		int priority;
		void (*fire)(void *ctx);
	} const timers[] = {
		{&ipvs->settle, LOOP_NORMAL, ipvs_apply_settle},
		{&ipvs->due, LOOP_NORMAL, ipvs_apply_due},
		{&ipvs->sync_due, LOOP_NORMAL, ipvs_apply_sync_due},
		{&ipvs->read_back, LOOP_IDLE, ipvs_apply_read_back_due},
		{&ipvs->look.timer, LOOP_IDLE, ipvs_reading_turn},
		{&ipvs->nft_due, LOOP_IDLE, ipvs_apply_nft_due},
		{&ipvs->drain, LOOP_IDLE, ipvs_apply_drain},
	};
	int error = 0;

	for (size_t i = 0; i < COUNT_OF(timers) && !error; i++)
		error = timer_init(worker_loop(ipvs->worker), timers[i].timer, timers[i].priority,
				   timers[i].fire, ipvs);
	return error;
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
	ipvs_ways_init(&ipvs->ways, WORKER_FD_OWNED, &owned);
	ipvs->sysctls.contests = ipvs->timeouts.contests = ipvs->sync.contests =
		ipvs->ways.contests = &ipvs->contests;
	ipvs_nft_init(&ipvs->nft, worker_loop(ipvs->worker), WORKER_FD_OWNED, &owned,
		      ipvs_apply_nft_touched, ipvs);
	ipvs->nft.contests = &ipvs->contests;
	ipvs->kernel.refused = ipvs_apply_refused;
	ipvs->kernel.alive = ipvs_apply_alive;
	ipvs->kernel.ctx = ipvs;
	return make_timers(ipvs);
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
	ipvs_reading_fini(ipvs);
	ipvs_overrides_fini(&ipvs->overrides);
	ipvs_generation_free(ipvs->prepared);
	ipvs_generation_free(ipvs->running);
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
	if (!start(&ipvs)) {
		sandbox_begin(SANDBOX_IPVS);
		status = worker_run(ipvs.worker);
	}
	ipvs_fini(&ipvs);
	return status;
}
