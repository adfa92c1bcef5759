/* What the parts of the ipvs worker share: ipvs_main.c (life, words from others), ipvs_reload_io.c
 * (generations: prepare, commit, finish, release), ipvs_apply_io.c (the kernel is looked at and
 * mended, everything is told) and ipvs_reading_io.c (looks in pieces). Nobody else includes it. */
#ifndef LBHA_IPVS_IPVS_WORKER_IO_H
#define LBHA_IPVS_IPVS_WORKER_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"
#include "ipvs/contest.h"
#include "ipvs/inherit.h"
#include "ipvs/ipvs_drain_io.h"
#include "ipvs/ipvs_kernel_io.h"
#include "ipvs/ipvs_nft_io.h"
#include "ipvs/ipvs_overrides_io.h"
#include "ipvs/ipvs_ownership_io.h"
#include "ipvs/ipvs_sync_io.h"
#include "ipvs/ipvs_sysctls_io.h"
#include "ipvs/ipvs_tell_io.h"
#include "ipvs/ipvs_timeouts_io.h"
#include "ipvs/ipvs_ways_io.h"
#include "ipvs/reading.h"
#include "ipvs/state.h"

struct worker;

#define IPVS_LINES 10 /* of operations of one kind that the log is told at once */

/* What PREPARE has found out: COMMIT relies on it as long as nothing has happened since. */
struct rehearsal {
	struct arena *arena;       /* NULL: there is none */
	struct ipvs_table current; /* what the plan starts from */
	struct ipvs_plan plan;     /* without moves */
	uint64_t happened;
};

struct generation {
	struct arena *arena;
	struct model *model;
	struct ipvs_state state;
	struct ipvs_sysctls sysctls;
	struct rehearsal rehearsal;
	struct ipvs_inherited inherited; /* of the first */
};

/* A look at the kernel's table in pieces (ipvs_reading_io.c). */
struct ipvs_look {
	struct ipvs_reading reading;
	struct arena *list, *scratch; /* its memory, kept for the next */
	struct ipvs_service *service; /* that was asked for; NULL: none */
	struct loop_timer timer;      /* the next turn */
	nstime begun, heard;          /* heard: of the kernel */
	nstime effort;                /* what the turns took */
	bool is_under_way;
	bool again; /* another one as soon as it is over */
};

struct ipvs_worker {
	struct worker *worker;
	struct ipvs_kernel kernel;
	struct ipvs_ownership ownership;
	struct ipvs_sysctls_kept sysctls;
	struct ipvs_timeouts_kept timeouts;
	struct ipvs_sync_kept sync;
	struct ipvs_ways_kept ways;
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
	uint64_t happened; /* counts what has changed the running state or the kernel's table */
	nstime last_read_back, last_counters, retry;
	nstime watched_until; /* somebody looks at the counters */
	nstime effort;        /* what the last look at the kernel took */
	struct ipvs_look look;
	struct loop_timer settle, read_back, sync_due, nft_due;
	struct loop_timer due; /* what time alone changes */
	struct loop_timer drain;
};

/* NULL: no generation runs yet. */
static inline const struct ipvs_state *ipvs_running_state(const struct ipvs_worker *ipvs)
{
	return ipvs->running ? &ipvs->running->state : NULL;
}

/* ---- ipvs_reload_io.c ------------------------------------------------------------------------ */

void ipvs_generation_free(struct generation *generation); /* NULL is fine */

/* The parts of struct worker_ops of the same names; `ctx` is the worker. */
int ipvs_reload_prepare(void *ctx, const void *slice, size_t size, uint32_t generation);
void ipvs_reload_commit(void *ctx);
void ipvs_reload_finish(void *ctx);
void ipvs_reload_abort(void *ctx);
void ipvs_reload_release(void *ctx);

/* Nothing more is done to the kernel by itself. */
void ipvs_reload_stop(struct ipvs_worker *ipvs);

/* ---- ipvs_carry_io.c ------------------------------------------------------------------------- */

/* Parts of struct worker_ops. */
void ipvs_carry_leave(void *ctx, nstime deadline);
void ipvs_carry_inherit(void *ctx, struct reader *in);

/* Before the first commit: the prepared generation goes on with what was inherited, if anything was. */
void ipvs_carry_take(struct ipvs_worker *ipvs);

/* What was contested before the first commit. */
void ipvs_carry_contests(struct ipvs_worker *ipvs);

/* ---- ipvs_apply_io.c ------------------------------------------------------------------------- */

/* Says what has changed of the table as a whole, or of everything, to the log and to the peers. */
void ipvs_apply_tell_table(struct ipvs_worker *ipvs);
void ipvs_apply_tell(struct ipvs_worker *ipvs);

/* Whether a model has services that are not ours removed. */
bool ipvs_apply_removes_foreign(const struct model *model);
/* From what there is to what a generation wants, but for the order of destinations. -ENOMEM. */
int ipvs_apply_plan(const struct ipvs_worker *ipvs, struct arena *arena,
		    struct generation *generation, const struct ipvs_table *actual,
		    struct ipvs_plan *out);
/* Names the services of others that a plan has removed. */
void ipvs_apply_log_foreign(const struct ipvs_worker *ipvs, const struct ipvs_plan *plan);

/* Crosses out services that are ours no more. */
void ipvs_apply_trim(struct ipvs_worker *ipvs);
/* The timeouts as a model (NULL: nobody) wants them; returns how many were repaired. */
unsigned ipvs_apply_timeouts(struct ipvs_worker *ipvs, const struct model *model);
/* Tells the check worker of ways that are not as they were, `seen`: as far as the last look showed. */
void ipvs_apply_ways(struct ipvs_worker *ipvs, bool seen);
/* Connection synchronisation, and exactly the nftables rules, of the running generation. */
void ipvs_apply_sync(struct ipvs_worker *ipvs);
void ipvs_apply_nft(struct ipvs_worker *ipvs);

/* Sets when the kernel is looked at next. */
void ipvs_apply_schedule(struct ipvs_worker *ipvs);
/* Somebody looks at the counters until then. */
void ipvs_apply_watch(struct ipvs_worker *ipvs, nstime until);

/* A look at all that is in the kernel, at once, and repair; ends one in pieces that is under way. */
void ipvs_apply_read_back(struct ipvs_worker *ipvs);
/* A look in pieces is over: repairs what it has found. */
void ipvs_apply_looked(struct ipvs_worker *ipvs);

/* What timers call; `ctx` is the worker. A look at the kernel, in pieces if possible, */
void ipvs_apply_read_back_due(void *ctx);
void ipvs_apply_settle(void *ctx);   /* what verdicts and roles cost, */
void ipvs_apply_due(void *ctx);      /* what time alone changes, */
void ipvs_apply_drain(void *ctx);    /* who is on the way out, */
void ipvs_apply_sync_due(void *ctx); /* what could not be synchronised, */
void ipvs_apply_nft_due(void *ctx);  /* and rules that were touched. */

/* Callbacks of the kernel's table and of the rules; `ctx` is the worker. */
void ipvs_apply_refused(void *ctx, const struct ipvs_op *op, const char *words);
void ipvs_apply_alive(void *ctx);
void ipvs_apply_nft_touched(void *ctx);

/* ---- ipvs_reading_io.c ----------------------------------------------------------------------- */

/* Begins a look in pieces; ipvs_apply_looked() is called at its end, ipvs_apply_read_back() instead when
 * that cannot be. */
void ipvs_reading_start(struct ipvs_worker *ipvs, bool compares, bool counts);
bool ipvs_reading_is_under_way(const struct ipvs_worker *ipvs);
/* Ends it, whatever it has found. */
void ipvs_reading_abandon(struct ipvs_worker *ipvs);
void ipvs_reading_turn(void *ctx); /* a timer's */
void ipvs_reading_fini(struct ipvs_worker *ipvs);

#endif
