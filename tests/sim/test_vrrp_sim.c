/* Seeded histories of routers on a wire, and what must come out of them.
 *
 *   test-vrrp-sim [--schedules N] [--seed S] [--trace]
 *
 * The seed of the first schedule is printed (LBHA_SEED, SIM_SCHEDULES in the environment do the
 * same); a schedule that breaks a rule prints its own seed and its whole history. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "vrrp/priority.h"
#include "world.h"

#if defined(__SANITIZE_ADDRESS__)
#define SCHEDULES 10000
#else
#define SCHEDULES 100000
#endif

static const nstime intervals[] = {10 * NSTIME_MS, 100 * NSTIME_MS, NSTIME_S, 3 * NSTIME_S};

struct totals {
	uint64_t transitions, adverts, steps;
	nstime gap_crash, gap_link; /* in thousandths of an interval */
};

static bool one_in(struct world *w, uint32_t n)
{
	return !world_pick(w, n);
}

/* Different kinds of crews: distinct or equal priorities, an owner, preemption of none, some or
 * all. */
static void crew(struct world *w)
{
	bool equal = one_in(w, 4), owner = one_in(w, 6);
	unsigned preempt = world_pick(w, 3);
	nstime settle = one_in(w, 3) ? 2 * w->routers[0].config.advert_interval : 0;

	for (unsigned i = 0; i < w->count; i++) {
		struct vrrp_config *config = &w->routers[i].config;

		config->priority = equal ? 100 : (uint8_t)(1 + world_pick(w, 254));
		config->preempt = preempt == 0 || (preempt == 1 && one_in(w, 2));
		config->carrier_settle = settle;
	}
	if (owner)
		w->routers[world_pick(w, w->count)].config.priority = 255;
}

/* A quick kernel and a short wire, compared with the interval. */
static void calm_surroundings(struct world *w)
{
	nstime interval = w->routers[0].config.advert_interval;

	w->loss = w->duplicate = 0;
	w->delay = interval / 1000;
	w->jitter = interval / 100;
	w->write_delay = interval / 50;
	w->lateness = interval / 100;
}

/* Longest time in which everything comes to rest: the longest down interval, settling, and a
 * takeover. */
static nstime rest_time(const struct world *w)
{
	nstime interval = 0, settle = 0;

	for (unsigned i = 0; i < w->count; i++) {
		interval = nstime_max(interval, w->routers[i].config.advert_interval);
		settle = nstime_max(settle, w->routers[i].config.carrier_settle);
	}
	return nstime_max(4 * interval, settle) + interval / 2 + w->delay + w->jitter +
	       w->write_delay + 2 * w->lateness;
}

/* Whoever preempts may not sit in BACKUP below its rank. */
static void check_rank(struct world *w, const struct router *master)
{
	for (unsigned i = 0; i < w->count; i++) {
		const struct router *r = &w->routers[i];

		if (router_able(r) && r->part == master->part && r->config.preempt &&
		    r->config.priority > master->config.priority)
			world_break(w, "r%u (%u) is master though r%u (%u) preempts", master->id,
				    master->config.priority, i, r->config.priority);
	}
}

/* Exactly one master in each part that has somebody able. */
static void check_one_master(struct world *w)
{
	for (unsigned part = 0; part < 2; part++) {
		struct router *master = NULL;
		unsigned able = 0, masters = world_masters(w, part, &master);

		for (unsigned i = 0; i < w->count; i++)
			able += router_able(&w->routers[i]) && w->routers[i].part == part;
		if (masters != (able ? 1 : 0))
			world_break(w, "%u masters among %u able routers of part %u", masters, able,
				    part);
		else if (master)
			check_rank(w, master);
	}
}

static void start_all(struct world *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		router_start(w, &w->routers[i]);
		router_ready(w, &w->routers[i]);
	}
}

/* Lets the routers find their master. */
static struct router *settle_down(struct world *w)
{
	struct router *master = NULL;

	start_all(w);
	world_run(w, w->now + rest_time(w) + w->routers[0].config.advert_interval);
	check_one_master(w);
	world_masters(w, 0, &master);
	w->longest_gap = 0;
	return w->broken[0] ? NULL : master;
}

/* ---- chaos ---------------------------------------------------------------------------------- */

static void something_happens(struct world *w)
{
	struct router *r = &w->routers[world_pick(w, w->count)];

	switch (world_pick(w, 9)) {
	case 0:
		router_crash(w, r);
		break;
	case 1:
		if (r->running)
			router_kill(w, r);
		else
			router_come_back(w, r);
		break;
	case 2:
		if (!r->running)
			router_start(w, r);
		break;
	case 3:
		if (r->running && !r->paused)
			router_pause(w, r);
		else if (r->running)
			router_go_on(w, r);
		break;
	case 4:
		router_link(w, r, !r->link);
		break;
	case 5:
		if (router_able(r))
			router_release(w, r);
		break;
	case 6:
		if (router_able(r))
			router_priority(w, r, (uint8_t)(1 + world_pick(w, 255)));
		break;
	case 7:
		world_part(w, one_in(w, 2) ? 0 : world_pick(w, 32));
		break;
	case 8:
		if (r->running && !r->paused)
			router_ready(w, r);
		break;
	}
}

/* Then nothing happens any more: the paused go on, the wire is clean (or stays parted), some of the
 * dead return. */
static void calm_down(struct world *w)
{
	world_note(w, NULL, "--- from here on nothing happens");
	calm_surroundings(w);
	if (!one_in(w, 3))
		world_part(w, 0);
	for (unsigned i = 0; i < w->count; i++) {
		struct router *r = &w->routers[i];

		if (!r->running && one_in(w, 2))
			router_start(w, r);
		else if (!r->running)
			r->holds = false; /* the supervisor has withdrawn what a dead worker left */
		if (r->running && r->paused)
			router_go_on(w, r);
		if (!r->link && one_in(w, 2))
			router_link(w, r, true);
		if (r->running)
			router_ready(w, r);
	}
	w->disturbed = w->now;
}

static uint64_t transitions_of_able(const struct world *w)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < w->count; i++)
		if (router_able(&w->routers[i]))
			sum += w->routers[i].machine.transitions;
	return sum;
}

static void chaos(struct world *w, struct totals *totals)
{
	nstime interval = w->routers[0].config.advert_interval;
	uint64_t transitions;

	(void)totals;
	crew(w);
	if (one_in(w, 8))
		w->routers[0].config.advert_interval =
			interval / 10 >= 10 * NSTIME_MS ? interval / 10 : interval * 2;
	calm_surroundings(w);
	w->loss = one_in(w, 3) ? world_pick(w, 400) : 0;
	w->duplicate = world_pick(w, 100);
	w->jitter = one_in(w, 2) ? interval / 2 : interval / 50; /* the large one reorders */
	w->lateness = one_in(w, 3) ? interval / 3 : 0;
	w->write_delay = one_in(w, 4) ? interval : interval / 50;
	w->bound = rest_time(w);
	start_all(w);
	for (unsigned events = 4 + world_pick(w, 12); events && !w->broken[0]; events--) {
		world_run(w, w->now + (nstime)world_pick(w, 6000) * interval / 1000);
		something_happens(w);
	}
	calm_down(w);
	world_run(w, w->now + rest_time(w));
	check_one_master(w);
	transitions = transitions_of_able(w);
	world_run(w, w->now + 10 * interval);
	check_one_master(w);
	if (transitions_of_able(w) != transitions)
		world_break(w, "transitions while nothing happened");
}

/* ---- one thing at a time -------------------------------------------------------------------- */

static uint8_t best_backup(const struct world *w, const struct router *master)
{
	uint8_t best = 0;

	for (unsigned i = 0; i < w->count; i++)
		if (&w->routers[i] != master && w->routers[i].config.priority > best)
			best = w->routers[i].config.priority;
	return best;
}

/* The gap of a master that is gone without a word is bounded by the best backup's down interval. */
static void master_gone(struct world *w, bool crash, nstime *worst)
{
	struct router *master;
	nstime bound, interval = w->routers[0].config.advert_interval;

	crew(w);
	calm_surroundings(w);
	if (!(master = settle_down(w)))
		return;
	world_run(w, w->now + (nstime)world_pick(w, 1000) * interval / 1000);
	bound = vrrp_down_interval(3, best_backup(w, master), interval) + w->delay + w->jitter +
		w->lateness + w->write_delay;
	if (crash)
		router_crash(w, master);
	else
		router_link(w, master, false);
	world_run(w, w->now + rest_time(w));
	check_one_master(w);
	if (w->longest_gap > bound)
		world_break(w, "the gap was %lld ns, at most %lld were to be",
			    (long long)w->longest_gap, (long long)bound);
	*worst = nstime_max(*worst, w->longest_gap * 1000 / interval);
}

static void crash(struct world *w, struct totals *totals)
{
	master_gone(w, true, &totals->gap_crash);
}

static void link_loss(struct world *w, struct totals *totals)
{
	master_gone(w, false, &totals->gap_link);
}

/* A planned stop: at every moment somebody holds the addresses, and in the end the next one is
 * master. */
static void release(struct world *w, struct totals *totals)
{
	nstime interval = w->routers[0].config.advert_interval;
	struct router *master, *next = NULL;

	(void)totals;
	crew(w);
	calm_surroundings(w);
	w->write_delay = nstime_min(w->routers[0].config.advert_interval / 5, VRRP_PATIENCE);
	w->duplicate = 100;
	if (!(master = settle_down(w)))
		return;
	w->gapless = true;
	world_run(w, w->now + (nstime)world_pick(w, 1000) * interval / 1000);
	router_release(w, master);
	/* an advert of before that overtakes the first farewell is corrected by the next */
	world_run(w, w->now + VRRP_FAREWELL_GAP + interval + w->delay + w->jitter + w->lateness);
	if (!world_masters(w, 0, &next))
		world_break(w, "nobody has taken over within the skew time");
	world_run(w, w->now + rest_time(w) + VRRP_GRACE);
	check_one_master(w);
	if (master->running || master->holds)
		world_break(w, "r%u has not let go", master->id);
}

/* Somebody better arrives while clients are served. */
static void newcomer(struct world *w, struct totals *totals)
{
	struct router *late = &w->routers[w->count - 1];

	(void)totals;
	crew(w);
	calm_surroundings(w);
	w->count--; /* not there yet */
	if (!settle_down(w))
		return;
	w->gapless = true;
	w->count++;
	router_start(w, late);
	world_run(w, w->now + 6 * late->config.advert_interval);
	if (router_able(late) && late->machine.state == VRRP_MASTER &&
	    late->machine.reason.why == VRRP_WHY_PREEMPTED)
		world_break(w, "r%u preempts before it is ready", late->id);
	router_ready(w, late);
	world_run(w, w->now + rest_time(w) + 2 * late->config.advert_interval);
	check_one_master(w);
}

/* The worker dies and is back within two intervals: nobody notices. */
static void restart(struct world *w, struct totals *totals)
{
	nstime interval = w->routers[0].config.advert_interval;
	struct router *master;
	uint64_t transitions;

	(void)totals;
	crew(w);
	calm_surroundings(w);
	if (!(master = settle_down(w)))
		return;
	w->gapless = true;
	world_run(w, w->now + (nstime)world_pick(w, 1000) * interval / 1000);
	router_kill(w, master);
	transitions = w->transitions;
	world_run(w, w->now + (nstime)world_pick(w, 900) * interval / 1000);
	router_come_back(w, master);
	world_run(w, w->now + 5 * interval);
	check_one_master(w);
	if (w->transitions != transitions + 1 || master->machine.state != VRRP_MASTER)
		world_break(w, "the restart was noticed");
}

/* Two masters meet again: one remains within an interval, and draws the clients to itself. */
static void heal(struct world *w, struct totals *totals)
{
	nstime interval = w->routers[0].config.advert_interval, healed;
	struct router *master = NULL;
	unsigned mask = 1 + world_pick(w, (1u << w->count) - 2);

	(void)totals;
	crew(w);
	calm_surroundings(w);
	if (!settle_down(w))
		return;
	world_part(w, mask);
	world_run(w, w->now + rest_time(w) + interval);
	check_one_master(w);
	healed = w->now;
	world_part(w, 0);
	world_run(w, w->now + interval + w->delay + w->jitter + w->lateness);
	if (world_masters(w, 0, &master) != 1)
		world_break(w, "%u masters one interval after healing",
			    world_masters(w, 0, &master));
	world_run(w, w->now + interval);
	if (!w->broken[0] && master->announced < healed)
		world_break(w, "r%u did not announce after healing", master->id);
	world_run(w, healed + rest_time(w));
	check_one_master(w);
}

/* ---- running -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*run)(struct world *w, struct totals *totals);
	unsigned share; /* of twenty */
} kinds[] = {
	{"chaos", chaos, 10},    {"crash", crash, 2},     {"link loss", link_loss, 1},
	{"release", release, 2}, {"restart", restart, 2}, {"newcomer", newcomer, 1},
	{"heal", heal, 2},
};

/* True when no rule was broken. */
static bool schedule(uint64_t seed, bool trace, struct totals *totals)
{
	static struct world w;
	unsigned kind = 0, pick, count;
	nstime interval;
	bool fine;

	world_init(&w, seed, trace, 2, NSTIME_S); /* for the first picks */
	pick = world_pick(&w, 20);
	count = 2 + world_pick(&w, ROUTERS_MAX - 1);
	interval = intervals[world_pick(&w, COUNT_OF(intervals))];
	while (pick >= kinds[kind].share)
		pick -= kinds[kind++].share;
	world_fini(&w);
	world_init(&w, seed ^ 0x5bd1e995, trace, count, interval);
	if (trace)
		printf("schedule %llu: %s, %u routers, interval %lld ms\n",
		       (unsigned long long)seed, kinds[kind].name, count,
		       (long long)(interval / NSTIME_MS));
	kinds[kind].run(&w, totals);
	fine = !w.broken[0];
	if (!fine && !trace)
		printf("BROKEN in schedule %llu (%s, %u routers): %s\n", (unsigned long long)seed,
		       kinds[kind].name, count, w.broken);
	totals->transitions += w.transitions;
	totals->adverts += w.adverts;
	totals->steps += w.steps;
	world_fini(&w);
	return fine;
}

static uint64_t number(const char *text, uint64_t otherwise)
{
	return text ? strtoull(text, NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
	uint64_t count = number(getenv("SIM_SCHEDULES"), SCHEDULES),
		 seed = number(getenv("LBHA_SEED"), (uint64_t)time(NULL));
	struct totals totals = {0};
	bool trace = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--trace")) {
			trace = true;
		} else if (i + 1 < argc && !strcmp(argv[i], "--seed")) {
			seed = number(argv[++i], 0);
		} else if (i + 1 < argc && !strcmp(argv[i], "--schedules")) {
			count = number(argv[++i], 0);
		} else {
			fprintf(stderr, "usage: %s [--schedules N] [--seed S] [--trace]\n",
				argv[0]);
			return 2;
		}
	}
	printf("%llu schedules from LBHA_SEED=%llu\n", (unsigned long long)count,
	       (unsigned long long)seed);
	fflush(stdout);
	for (uint64_t i = 0; i < count; i++) {
		if (schedule(seed + i, trace, &totals))
			continue;
		printf("again: %s --schedules 1 --seed %llu --trace\n", argv[0],
		       (unsigned long long)(seed + i));
		if (!trace)
			schedule(seed + i, true, &totals);
		return 1;
	}
	printf("%llu steps, %llu adverts, %llu transitions\n",
	       (unsigned long long)totals.steps, (unsigned long long)totals.adverts,
	       (unsigned long long)totals.transitions);
	printf("longest gap without addresses: crash %.3f intervals, link loss %.3f\n",
	       (double)totals.gap_crash / 1000, (double)totals.gap_link / 1000);
	return 0;
}
