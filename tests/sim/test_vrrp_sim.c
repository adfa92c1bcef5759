/* Seeded histories of nodes on wires, and what must come out of them.
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
#define SCHEDULES 8000
#else
#define SCHEDULES 80000
#endif

static const nstime intervals[] = {10 * NSTIME_MS, 100 * NSTIME_MS, NSTIME_S, 3 * NSTIME_S};

struct totals {
	uint64_t transitions, adverts, steps;
	nstime gap_crash, gap_link; /* in thousandths of an interval */
};

/* Which nodes there may be. */
enum crew {
	CREW_OURS,  /* lbha alone, all alike: single routers, or groups with two wires */
	CREW_PEERS, /* some behave like keepalived */
	CREW_MIXED, /* and of those with two wires some are groups and some are not */
};

static bool one_in(struct world *w, uint32_t n)
{
	return !world_pick(w, n);
}

static struct vrrp_config *config_of(struct world *w, unsigned node, unsigned wire)
{
	return &w->nodes[node].routers[wire].config;
}

static nstime interval_of(struct world *w)
{
	return config_of(w, 0, 0)->advert_interval;
}

/* ---- crews ---------------------------------------------------------------------------------- */

/* Distinct or equal priorities, an owner; preemption of none, some or all. */
static void pick_ranks(struct world *w)
{
	bool equal = one_in(w, 4), owner = one_in(w, 6);
	unsigned preempt = world_pick(w, 3);

	for (unsigned i = 0; i < w->count; i++) {
		uint8_t priority = equal ? 100 : (uint8_t)(1 + world_pick(w, 254));
		bool preempts = preempt == 0 || (preempt == 1 && one_in(w, 2));

		for (unsigned wire = 0; wire < WIRES; wire++) {
			config_of(w, i, wire)->priority = priority;
			config_of(w, i, wire)->preempt = preempts;
		}
	}
	if (owner) {
		unsigned i = world_pick(w, w->count);

		for (unsigned wire = 0; wire < WIRES; wire++)
			config_of(w, i, wire)->priority = 255;
	}
}

static void pick_delays(struct world *w)
{
	nstime interval = interval_of(w), settle = one_in(w, 3) ? 2 * interval : 0;
	nstime startup = one_in(w, 6) ? 6 * interval : 0;
	nstime preempt = one_in(w, 6) ? 7 * interval : 0;

	for (unsigned i = 0; i < w->count; i++) {
		w->nodes[i].startup_delay = one_in(w, 2) ? startup : 0;
		for (unsigned wire = 0; wire < WIRES; wire++) {
			config_of(w, i, wire)->carrier_settle = settle;
			config_of(w, i, wire)->preempt_delay = preempt;
		}
	}
}

/* Addresses that are higher on one wire and lower on the other: groups of equal priority that claim
 * at the same time depose each other, and leave a gap then. (Two like keepalived do so for ever.)
 */
static void cross_some_addresses(struct world *w)
{
	unsigned peers = 0;

	for (unsigned i = 0; i < w->count; i++)
		peers += w->nodes[i].like_keepalived && w->nodes[i].grouped;
	if (w->wires == 1 || peers > 1 || one_in(w, 2))
		return;
	for (unsigned i = 0; i < w->count; i++)
		config_of(w, i, 1)->source = addr_from_ipv4(0x0a0100ff - i);
}

static void pick_crew(struct world *w, enum crew crew)
{
	bool drift = one_in(w, 2), two = one_in(w, 4);

	pick_ranks(w);
	pick_delays(w);
	for (unsigned i = 0; i < w->count; i++) {
		struct node *node = &w->nodes[i];

		node->rate = drift ? (int32_t)world_pick(w, 20001) - 10000 : 0;
		node->like_keepalived =
			crew != CREW_OURS && one_in(w, 2) && config_of(w, i, 0)->priority != 255;
		node->grouped = w->wires > 1 && (crew != CREW_MIXED || one_in(w, 2));
		for (unsigned wire = 0; wire < WIRES; wire++)
			config_of(w, i, wire)->version = two && interval_of(w) >= NSTIME_S ? 2 : 3;
	}
	w->patient = w->wires > 1;
}

/* A quick kernel and a short wire, compared with the interval. */
static void calm_surroundings(struct world *w)
{
	nstime interval = interval_of(w);

	w->loss = w->duplicate = 0;
	w->delay = interval / 1000;
	w->jitter = interval / 100;
	w->write_delay = nstime_min(interval / 50, VRRP_PATIENCE); /* the advert waits for them */
	w->lateness = interval / 100;
}

/* ---- how long things take ------------------------------------------------------------------- */

/* The longest that a claim can take: the longest down interval, or what holds claims back after a
 * start; and one interval more. */
static nstime claim_time(struct world *w)
{
	nstime longest = 0;

	for (unsigned i = 0; i < w->count; i++) {
		const struct vrrp_config *config = config_of(w, i, 0);
		nstime down = vrrp_down_interval(config->version, 1, config->advert_interval);

		longest = nstime_max(longest, nstime_max(down, config->carrier_settle));
		longest = nstime_max(longest, w->nodes[i].startup_delay);
		longest = nstime_max(longest, 4 * config->advert_interval);
	}
	return longest + longest / 50;
}

/* In which everything comes to rest: a claim, and a takeover. */
static nstime rest_time(struct world *w)
{
	/* timers may run and packets may fly from before */
	nstime late = nstime_max(w->lateness, w->latest);
	nstime flight = nstime_max(w->delay + w->jitter, w->longest);

	return claim_time(w) + interval_of(w) / 2 + flight + w->write_delay + 2 * late;
}

/* The RFC's bound, and one interval. */
static nstime gap_bound(struct world *w)
{
	nstime interval = nstime_max(interval_of(w), config_of(w, 1, 0)->advert_interval);

	return claim_time(w) + interval + w->delay + w->jitter + 2 * w->lateness;
}

/* In which a lesser master may be left alone. */
static nstime longest_delay(struct world *w)
{
	nstime longest = 0;

	for (unsigned i = 0; i < w->count; i++)
		longest = nstime_max(longest, nstime_max(config_of(w, i, 0)->preempt_delay,
							 w->nodes[i].startup_delay));
	return longest;
}

/* Until nothing moves any more. Groups that depose each other need some attempts; where who is
 * master on one wire decides who may be on the other, one change waits for another. */
static nstime long_rest(struct world *w)
{
	nstime rest = rest_time(w) + interval_of(w);
	nstime delay = longest_delay(w);

	if (delay)
		rest += delay + rest_time(w);
	return w->wires > 1 ? rest * (2 + w->count) : rest;
}

/* ---- what must be so in the end ------------------------------------------------------------- */

/* Whoever preempts may not sit in BACKUP below its rank. */
static void check_rank(struct world *w, const struct entity *entity, uint8_t best)
{
	const struct router *router = &entity->node->routers[entity->first];
	char words[160];

	if (!router->config.preempt || router->config.priority <= best || router->machine.standing)
		return;
	vrrp_explain(&router->machine.reason, node_clock(entity->node), "", words, sizeof(words));
	world_break(w, "n%u (%u) preempts, but the best master is %u: %s", entity->node->id,
		    router->config.priority, best, words);
}

static void check_entity(struct world *w, const struct entity *entity)
{
	uint8_t best;
	unsigned masters = entity_masters(w, entity, &best);

	if (!entity_able(entity))
		return;
	if (entity_is_master(entity) ? masters != 1 : !masters)
		world_break(w, "n%u sees %u masters on its wires", entity->node->id, masters);
	else if (!entity_is_master(entity))
		check_rank(w, entity, best);
}

/* One master in each connected part: none of them hears another, and whoever is none hears one. */
static void check_masters(struct world *w)
{
	struct entity entity;

	for (unsigned n = 0; n < w->count; n++)
		for (unsigned i = 0; node_entity(&w->nodes[n], i, &entity); i++)
			check_entity(w, &entity);
}

static struct node *find_master(struct world *w)
{
	struct entity entity;

	for (unsigned n = 0; n < w->count; n++) {
		node_entity(&w->nodes[n], 0, &entity);
		if (entity_able(&entity) && entity_is_master(&entity))
			return &w->nodes[n];
	}
	return NULL;
}

static unsigned count_masters(struct world *w)
{
	struct entity entity;
	unsigned masters = 0;

	for (unsigned n = 0; n < w->count; n++) {
		node_entity(&w->nodes[n], 0, &entity);
		masters += entity_able(&entity) && entity_is_master(&entity);
	}
	return masters;
}

static bool all_ours(const struct world *w)
{
	for (unsigned i = 0; i < w->count; i++)
		if (w->nodes[i].like_keepalived)
			return false;
	return true;
}

static void start_all(struct world *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		node_start(&w->nodes[i]);
		node_ready(&w->nodes[i]);
	}
}

/* Lets the nodes find their master. */
static struct node *settle_down(struct world *w)
{
	start_all(w);
	world_run(w, w->now + long_rest(w));
	check_masters(w);
	w->longest_gap = 0;
	return w->broken[0] ? NULL : find_master(w);
}

/* ---- chaos ---------------------------------------------------------------------------------- */

static void part_something(struct world *w)
{
	unsigned mask = one_in(w, 2) ? 0 : world_pick(w, 1u << w->count);

	if (w->wires == 1 || !one_in(w, 3)) {
		for (unsigned wire = 0; wire < w->wires; wire++)
			world_part(w, wire, mask);
	} else {
		world_part(w, world_pick(w, WIRES), mask);
	}
}

static void something_happens_to(struct world *w, struct node *node, enum crew crew)
{
	struct entity entity;

	node_entity(node, 0, &entity);
	switch (world_pick(w, crew == CREW_MIXED ? 13 : 11)) {
	case 0:
		node_crash(node);
		break;
	case 1:
		if (node->running)
			node_kill(node);
		else
			node_come_back(node);
		break;
	case 2:
		if (!node->running)
			node_start(node);
		break;
	case 3:
		if (node->running && !node->paused)
			node_pause(node);
		else if (node->running)
			node_go_on(node);
		break;
	case 4: {
		unsigned wire = world_pick(w, w->wires);

		node_link(node, wire, !node->routers[wire].link);
		break;
	}
	case 5:
		if (entity_able(&entity))
			node_release(node);
		break;
	case 6:
		if (entity_able(&entity))
			node_priority(
				node,
				(uint8_t)(1 + world_pick(w, node->like_keepalived ? 254 : 255)));
		break;
	case 7:
		part_something(w);
		break;
	case 8:
		if (node->running && !node->paused)
			node_ready(node);
		break;
	case 9:
		if (node->running && !node->paused && !node->stopping)
			node_order(node, one_in(w, 2) ? VRRP_INPUT_STEP_DOWN : VRRP_INPUT_CLAIM);
		break;
	case 10:
		if (node->running && !node->paused && !node->stopping)
			node_bar(node, !node->routers[0].config.barred);
		break;
	default:
		if (node->running && !node->paused && !node->stopping)
			node_group(node, !node->grouped);
		break;
	}
}

/* Then nothing happens any more: the paused go on, the wires are clean (or stay parted), some of
 * the dead return, and no operator's word stands. */
static void calm_down(struct world *w)
{
	world_note_node(w, NULL, "--- from here on nothing happens");
	calm_surroundings(w);
	for (unsigned wire = 0; wire < w->wires; wire++)
		if (!one_in(w, 3))
			world_part(w, wire, 0);
	for (unsigned i = 0; i < w->count; i++) {
		struct node *node = &w->nodes[i];

		if (!node->running && one_in(w, 2))
			node_start(node);
		for (unsigned wire = 0; wire < w->wires; wire++) {
			if (!node->running) /* the supervisor has withdrawn what was left */
				node->routers[wire].holds = false;
			if (!node->routers[wire].link && one_in(w, 2))
				node_link(node, wire, true);
		}
		if (node->running && node->paused)
			node_go_on(node);
		if (node->running && node->routers[0].config.barred && one_in(w, 2))
			node_bar(node, false);
		if (node->running && !node->stopping)
			node_order(node, VRRP_INPUT_CLAIM);
		if (node->running)
			node_ready(node);
	}
	w->disturbed = w->now;
}

static uint64_t transitions_of_able(struct world *w)
{
	struct entity entity;
	uint64_t sum = 0;

	for (unsigned n = 0; n < w->count; n++)
		for (unsigned i = 0; node_entity(&w->nodes[n], i, &entity); i++)
			if (entity_able(&entity))
				sum += w->nodes[n].routers[i].machine.transitions;
	return sum;
}

static void run_chaos(struct world *w, enum crew crew)
{
	nstime interval = interval_of(w);
	uint64_t transitions;

	pick_crew(w, crew);
	cross_some_addresses(w);
	if (one_in(w, 8) && config_of(w, 0, 0)->version == 3)
		for (unsigned wire = 0; wire < WIRES; wire++)
			config_of(w, 0, wire)->advert_interval =
				interval / 10 >= 10 * NSTIME_MS ? interval / 10 : interval * 2;
	calm_surroundings(w);
	w->loss = one_in(w, 3) ? world_pick(w, 400) : 0;
	w->duplicate = world_pick(w, 100);
	w->jitter = one_in(w, 2) ? interval / 2 : interval / 50; /* the large one reorders */
	w->lateness = one_in(w, 3) ? interval / 3 : 0;
	w->write_delay = one_in(w, 4) ? interval : interval / 50;
	w->bound = gap_bound(w);
	start_all(w);
	for (unsigned events = 4 + world_pick(w, 12); events && !w->broken[0]; events--) {
		world_run(w, w->now + (nstime)world_pick(w, 6000) * interval / 1000);
		something_happens_to(w, &w->nodes[world_pick(w, w->count)], crew);
	}
	calm_down(w);
	world_run(w, w->now + long_rest(w));
	check_masters(w);
	transitions = transitions_of_able(w);
	world_run(w, w->now + 10 * interval);
	check_masters(w);
	if (transitions_of_able(w) != transitions)
		world_break(w, "transitions while nothing happened");
}

static void chaos(struct world *w, struct totals *totals)
{
	(void)totals;
	run_chaos(w, CREW_OURS);
}

static void chaos_with_peers(struct world *w, struct totals *totals)
{
	(void)totals;
	run_chaos(w, w->wires > 1 && one_in(w, 2) ? CREW_MIXED : CREW_PEERS);
}

/* ---- one thing at a time -------------------------------------------------------------------- */

static enum crew ours_or_peers(struct world *w)
{
	return one_in(w, 3) ? CREW_PEERS : CREW_OURS;
}

/* The longest down interval of those who may take over. */
static nstime down_of_best_backup(struct world *w, const struct node *master)
{
	uint8_t best = 0;

	for (unsigned i = 0; i < w->count; i++)
		if (&w->nodes[i] != master && config_of(w, i, 0)->priority > best)
			best = config_of(w, i, 0)->priority;
	return vrrp_down_interval(config_of(w, 0, 0)->version, best, interval_of(w));
}

/* The gap of a master that is gone without a word is bounded by the best backup's down interval (a
 * group may be patient for one interval). */
static void master_gone(struct world *w, bool crash, nstime *worst)
{
	nstime bound, interval = interval_of(w);
	struct node *master;

	pick_crew(w, ours_or_peers(w));
	calm_surroundings(w);
	if (!(master = settle_down(w)))
		return;
	world_run(w, w->now + (nstime)world_pick(w, 1000) * interval / 1000);
	bound = down_of_best_backup(w, master);
	bound += bound / 50 + w->delay + w->jitter + w->lateness + w->write_delay;
	if (w->wires > 1)
		bound += interval + w->lateness;
	if (crash)
		node_crash(master);
	else
		node_link(master, world_pick(w, w->wires), false);
	world_run(w, w->now + rest_time(w) + interval);
	if (w->longest_gap > bound)
		world_break(w, "the gap was %lld ns, at most %lld were to be",
			    (long long)w->longest_gap, (long long)bound);
	*worst = nstime_max(*worst, w->longest_gap * 1000 / interval);
	world_run(w, w->now + long_rest(w));
	check_masters(w);
}

static void crash(struct world *w, struct totals *totals)
{
	master_gone(w, true, &totals->gap_crash);
}

static void link_loss(struct world *w, struct totals *totals)
{
	master_gone(w, false, &totals->gap_link);
}

/* In which a released master has a successor. */
static nstime skew_time(struct world *w)
{
	return vrrp_skew_longest(config_of(w, 0, 0)->version, interval_of(w)) * 51 / 50 + w->delay +
	       w->jitter + 2 * w->lateness;
}

/* A planned stop: at every moment somebody holds the addresses, and in the end the next one is
 * master. */
static void release(struct world *w, struct totals *totals)
{
	nstime interval = interval_of(w);
	struct node *master;

	(void)totals;
	pick_crew(w, ours_or_peers(w));
	calm_surroundings(w);
	w->write_delay = nstime_min(interval / 5, VRRP_PATIENCE);
	w->duplicate = 100;
	if (!(master = settle_down(w)))
		return;
	w->gapless = all_ours(w); /* others may claim before they have the addresses */
	world_run(w, w->now + (nstime)world_pick(w, 1000) * interval / 1000);
	node_release(master);
	/* an advert of before that overtakes the first farewell is corrected by the next (one like
	 * keepalived sends but one, and as a backup waits anew after each) */
	world_run(w, w->now + VRRP_FAREWELLS * VRRP_FAREWELL_GAP + skew_time(w));
	if (w->wires == 1 && !master->like_keepalived && !count_masters(w))
		world_break(w, "nobody has taken over within the skew time");
	world_run(w, w->now + long_rest(w) + VRRP_GRACE);
	check_masters(w);
	if (master->running || master->routers[0].holds || master->routers[1].holds)
		world_break(w, "n%u has not let go", master->id);
}

/* Somebody better arrives while clients are served. */
static void newcomer(struct world *w, struct totals *totals)
{
	struct node *late = &w->nodes[w->count - 1];
	const struct vrrp_machine *machine = &late->routers[0].machine;
	nstime interval = interval_of(w);

	(void)totals;
	pick_crew(w, CREW_OURS);
	calm_surroundings(w);
	w->count--; /* not there yet */
	if (!settle_down(w))
		return;
	w->gapless = true;
	w->count++;
	node_start(late);
	world_run(w, w->now + 6 * interval);
	if (machine->state == VRRP_MASTER && machine->reason.why == VRRP_WHY_PREEMPTED)
		world_break(w, "n%u preempts before it is ready", late->id);
	node_ready(late);
	world_run(w, w->now + long_rest(w) + 2 * interval);
	check_masters(w);
}

/* The worker dies and is back within two intervals: nobody notices. */
static void restart(struct world *w, struct totals *totals)
{
	nstime interval = interval_of(w);
	struct node *master;
	uint64_t transitions;

	(void)totals;
	pick_crew(w, ours_or_peers(w));
	calm_surroundings(w);
	if (!(master = settle_down(w)) || master->like_keepalived)
		return;
	w->gapless = true;
	world_run(w, w->now + (nstime)world_pick(w, 1000) * interval / 1000);
	node_kill(master);
	transitions = w->transitions;
	world_run(w, w->now + (nstime)world_pick(w, 900) * interval / 1000);
	node_come_back(master);
	world_run(w, w->now + 5 * interval);
	check_masters(w);
	if (w->transitions != transitions + w->wires || find_master(w) != master)
		world_break(w, "the restart was noticed");
}

/* Two masters meet again: one remains within an interval, and draws the clients to itself. Groups
 * with crossed addresses may both step back first. */
static void heal(struct world *w, struct totals *totals)
{
	nstime interval = interval_of(w), healed;
	struct node *master = NULL;
	unsigned mask = 1 + world_pick(w, (1u << w->count) - 2);

	(void)totals;
	pick_crew(w, CREW_OURS);
	cross_some_addresses(w);
	calm_surroundings(w);
	if (!settle_down(w))
		return;
	for (unsigned wire = 0; wire < w->wires; wire++)
		world_part(w, wire, mask);
	world_run(w, w->now + long_rest(w));
	check_masters(w);
	healed = w->now;
	for (unsigned wire = 0; wire < w->wires; wire++)
		world_part(w, wire, 0);
	world_run(w, w->now + interval + interval / 50 + w->delay + w->jitter + w->lateness);
	if (count_masters(w) > 1 || (w->wires == 1 && !count_masters(w)))
		world_break(w, "%u masters one interval after healing", count_masters(w));
	master = find_master(w);
	world_run(w, w->now + interval);
	for (unsigned wire = 0; master && !w->broken[0] && wire < w->wires; wire++)
		if (master->routers[wire].announced < healed)
			world_break(w, "n%u did not announce after healing", master->id);
	world_run(w, healed + long_rest(w));
	check_masters(w);
}

/* ---- operators ------------------------------------------------------------------------------ */

static bool beats(const struct node *node, const struct node *master)
{
	for (unsigned wire = 0; wire < node->world->wires; wire++) {
		const struct vrrp_config *a = &node->routers[wire].config;
		const struct vrrp_config *b = &master->routers[wire].config;

		if (!vrrp_beats(a->priority, &a->source, b->priority, &b->source))
			return false;
	}
	return true;
}

/* Released, it stays in BACKUP however high its priority; claimed back, it is master at once when
 * it would win. Clients see nothing of all that. */
static void orders(struct world *w, struct totals *totals)
{
	nstime interval = interval_of(w);
	struct node *first, *second;

	(void)totals;
	pick_crew(w, CREW_OURS);
	calm_surroundings(w);
	w->write_delay = nstime_min(interval / 5, VRRP_PATIENCE);
	if (!(first = settle_down(w)))
		return;
	w->gapless = true;
	node_order(first, VRRP_INPUT_STEP_DOWN);
	world_run(w, w->now + 2 * skew_time(w) + 3 * VRRP_HOLD_MARGIN + 2 * interval);
	if (first->answer != ANSWER_YES)
		world_break(w, "the release of n%u was %s", first->id,
			    first->answer ? "undone" : "not answered");
	world_run(w, w->now + long_rest(w));
	second = find_master(w);
	if (count_masters(w) != 1 || second == first)
		world_break(w, "n%u does not stand down", first->id);
	if (w->broken[0])
		return;
	if (one_in(w, 3)) { /* even the last one may stop: who stands down takes over in time */
		node_release(second);
		world_run(w, w->now + long_rest(w));
		check_masters(w);
		return;
	}
	node_order(first, VRRP_INPUT_CLAIM);
	world_run(w, w->now + w->delay + w->jitter + 2 * w->lateness + w->write_delay);
	if (beats(first, second) &&
	    (find_master(w) != first && first->routers[0].machine.state != VRRP_MASTER))
		world_break(w, "n%u does not claim", first->id);
	world_run(w, w->now + long_rest(w));
	check_masters(w);
}

/* The only one cannot be released: it stays, and clients see nothing. In maintenance it never
 * claims, and claims again afterwards. */
static void alone(struct world *w, struct totals *totals)
{
	nstime interval = interval_of(w);
	struct node *node = &w->nodes[0];

	(void)totals;
	pick_crew(w, CREW_OURS);
	calm_surroundings(w);
	w->count = 1;
	if (!settle_down(w))
		return;
	w->gapless = true;
	node_order(node, VRRP_INPUT_STEP_DOWN);
	world_run(w, w->now + 2 * skew_time(w) + 3 * VRRP_HOLD_MARGIN + interval);
	if (node->answer != ANSWER_NO || find_master(w) != node)
		world_break(w, "the release without a successor was not undone");
	w->gapless = false;
	node_crash(node);
	node_bar(node, true);
	node_start(node);
	node_ready(node);
	world_run(w, w->now + 2 * rest_time(w));
	if (node->routers[0].machine.state != VRRP_BACKUP)
		world_break(w, "n0 claims in maintenance");
	node_bar(node, false);
	world_run(w, w->now + rest_time(w) + interval);
	check_masters(w);
}

/* ---- delays --------------------------------------------------------------------------------- */

/* A better one comes, and lets preempt_delay pass first. */
static void preempt_delay(struct world *w, struct totals *totals)
{
	struct node *late = &w->nodes[w->count - 1];
	nstime interval = interval_of(w), delay = (nstime)(5 + world_pick(w, 20)) * interval;

	(void)totals;
	pick_crew(w, one_in(w, 2) ? CREW_PEERS : CREW_OURS);
	calm_surroundings(w);
	late->like_keepalived = false;
	late->startup_delay = 0;
	for (unsigned i = 0; i < w->count; i++)
		for (unsigned wire = 0; wire < WIRES; wire++) {
			config_of(w, i, wire)->priority =
				i == w->count - 1 ? 200 : (uint8_t)(1 + i);
			config_of(w, i, wire)->preempt = true;
			config_of(w, i, wire)->preempt_delay = 0;
		}
	for (unsigned wire = 0; wire < WIRES; wire++)
		late->routers[wire].config.preempt_delay = delay;
	w->count--;
	if (!settle_down(w))
		return;
	w->gapless = true;
	w->count++;
	node_start(late);
	node_ready(late);
	world_run(w, w->now + delay * 49 / 50);
	if (late->routers[0].machine.state != VRRP_BACKUP)
		world_break(w, "n%u did not wait for preempt_delay", late->id);
	world_run(w, w->now + delay / 20 + 2 * interval + rest_time(w));
	if (find_master(w) != late)
		world_break(w, "n%u did not preempt after preempt_delay", late->id);
	check_masters(w);
}

/* ---- running -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*run)(struct world *w, struct totals *totals);
	unsigned share; /* of twenty */
} kinds[] = {
	{"chaos", chaos, 5},
	{"chaos with peers", chaos_with_peers, 4},
	{"crash", crash, 2},
	{"link loss", link_loss, 1},
	{"release", release, 2},
	{"restart", restart, 1},
	{"newcomer", newcomer, 1},
	{"heal", heal, 1},
	{"orders", orders, 1},
	{"alone", alone, 1},
	{"preempt delay", preempt_delay, 1},
};

/* True when no rule was broken. */
static bool schedule(uint64_t seed, bool trace, struct totals *totals)
{
	static struct world w;
	unsigned kind = 0, pick, count, wires;
	nstime interval;
	bool fine;

	world_init(&w, seed, trace, 2, 1, NSTIME_S); /* for the first picks */
	pick = world_pick(&w, 20);
	count = 2 + world_pick(&w, one_in(&w, 4) ? NODES_MAX - 1 : 3);
	wires = one_in(&w, 2) ? 2 : 1;
	interval = intervals[world_pick(&w, COUNT_OF(intervals))];
	while (pick >= kinds[kind].share)
		pick -= kinds[kind++].share;
	world_fini(&w);
	world_init(&w, seed ^ 0x5bd1e995, trace, count, wires, interval);
	if (trace)
		printf("schedule %llu: %s, %u nodes, %u wires, interval %lld ms\n",
		       (unsigned long long)seed, kinds[kind].name, count, wires,
		       (long long)(interval / NSTIME_MS));
	kinds[kind].run(&w, totals);
	fine = !w.broken[0];
	if (!fine && !trace)
		printf("BROKEN in schedule %llu (%s, %u nodes, %u wires): %s\n",
		       (unsigned long long)seed, kinds[kind].name, count, wires, w.broken);
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
	printf("%llu steps, %llu adverts, %llu transitions\n", (unsigned long long)totals.steps,
	       (unsigned long long)totals.adverts, (unsigned long long)totals.transitions);
	printf("longest gap without addresses: crash %.3f intervals, link loss %.3f\n",
	       (double)totals.gap_crash / 1000, (double)totals.gap_link / 1000);
	return 0;
}
