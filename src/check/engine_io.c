/* One timer serves two schedules: starts (by probe) and deadlines (by slot). A turn ends what is
 * overdue first, then starts what is due while slots are left, a limited number per turn so that
 * answers are read in between. After setup nothing is allocated but what libevent and libcurl need
 * for a connection.
 *
 * Slots are handed out last-in first-out and their memory is touched at first use only: the memory
 * of idle servers is their subject and schedule. */
#include "check/engine_io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/duration.h"
#include "base/text.h"
#include "check/dial_io.h"
#include "check/farewell_io.h"
#include "check/flight_io.h"
#include "check/look_io.h"
#include "check/match_io.h"
#include "check/merge.h"
#include "check/probe_types.h"
#include "check/roster_io.h"
#include "check/schedule.h"
#include "check/tls_store_io.h"
#include "check/trim_io.h"
#include "config/model.h"
#include "core/log.h"
#include "core/loop.h"

#define STARTS_PER_TURN 64
#define START_SLACK NSTIME_MS     /* started together with those due now: fewer wakeups */
#define HURRY (100 * NSTIME_US)   /* for each of many probes that are to start at once */
#define RUSH 16                   /* flights at once whose memory is worth giving back */
#define LATE (500 * NSTIME_MS)    /* worth a warning */
#define HELD_UP (200 * NSTIME_MS) /* a deadline noticed so late says nothing about the server */
#define DESCRIPTORS_KEPT 64       /* for channels, logs, libraries */
#define FLIGHTS_MOST 16384
#define FLIGHTS_LEAST 8

/* What all flights of a type share. */
struct client {
	const struct probe_type *type;
	void *it;
};

struct engine {
	struct loop *loop;
	struct loop_timer timer;
	engine_ended *ended;
	void *ctx;
	struct roster *roster;
	struct client clients[CHECK_TYPES];
	size_t client_count;
	struct farewells *farewells;
	/* flights */
	struct flight *flights;
	uint32_t *vacant; /* a stack of slots that were used and are free */
	uint32_t vacant_count, touched, flying;
	uint32_t bound, allowed; /* allowed ≤ bound: shrinks for lack of resources */
	uint32_t credit;         /* ended well since `allowed` changed */
	struct schedule deadlines;
	void *deadlines_memory;
	bool turning; /* the turn arms the timer at its end */
	struct engine_work work;
	nstime hurried; /* when a probe was last started in a hurry */
	struct log_bucket late;
	struct trim trim;
	uint64_t random;
};

/* ---- memory -----------------------------------------------------------------------------------
 */

uint32_t engine_bound(void)
{
	struct rlimit limit;
	rlim_t room;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return FLIGHTS_LEAST;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	room = limit.rlim_cur > DESCRIPTORS_KEPT ? limit.rlim_cur - DESCRIPTORS_KEPT : 0;
	if (room > FLIGHTS_MOST)
		return FLIGHTS_MOST;
	return room > FLIGHTS_LEAST ? (uint32_t)room : FLIGHTS_LEAST;
}

static void engine_turn(void *ctx);

static int engine_memory(struct engine *engine)
{
	engine->flights = calloc(engine->bound, sizeof(*engine->flights));
	engine->vacant = calloc(engine->bound, sizeof(*engine->vacant));
	engine->deadlines_memory = calloc(1, schedule_size(engine->bound));
	engine->farewells = farewells_new(engine->loop);
	if (!engine->farewells || !engine->flights || !engine->vacant || !engine->deadlines_memory)
		return -ENOMEM;
	schedule_init(&engine->deadlines, engine->deadlines_memory, engine->bound);
	return timer_init(engine->loop, &engine->timer, LOOP_NORMAL, engine_turn, engine) ||
			       trim_init(&engine->trim, engine->loop)
		       ? -ENOMEM
		       : 0;
}

static uint64_t random_seed(void)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = (uint64_t)clock_now() ^ ((uint64_t)getpid() << 32);
	return seed | 1;
}

struct engine *engine_new(struct loop *loop, uint32_t bound, engine_ended *ended, void *ctx)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return NULL;
	*engine = (struct engine){
		.loop = loop, .ended = ended, .ctx = ctx, .bound = bound, .allowed = bound};
	engine->late = (struct log_bucket){.every = 60 * NSTIME_S, .burst = 1};
	engine->random = random_seed();
	if (engine_memory(engine)) {
		engine_free(engine);
		return NULL;
	}
	return engine;
}

void engine_client(struct engine *engine, enum check_type type, void *client)
{
	engine->clients[engine->client_count++] = (struct client){probe_type_named(type), client};
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	engine_stop(engine);
	for (size_t i = 0; i < engine->client_count; i++)
		engine->clients[i].type->client_free(engine->clients[i].it);
	roster_free(engine->roster);
	farewells_free(engine->farewells);
	timer_fini(&engine->timer);
	trim_fini(&engine->trim);
	free(engine->flights);
	free(engine->vacant);
	free(engine->deadlines_memory);
	free(engine);
}

/* xorshift64: for jitter, where nobody gains by guessing. */
static uint64_t random_next(struct engine *engine)
{
	engine->random ^= engine->random << 13;
	engine->random ^= engine->random >> 7;
	engine->random ^= engine->random << 17;
	return engine->random;
}

/* ---- flights ----------------------------------------------------------------------------------
 */

static void engine_arm(struct engine *engine)
{
	nstime next = schedule_next(&engine->deadlines);

	if (engine->turning)
		return;
	if (engine->roster && engine->flying < engine->allowed)
		next = nstime_min(next, schedule_next(&engine->roster->starts));
	if (next != engine->timer.due)
		timer_at(&engine->timer, next);
}

static struct flight *flight_take(struct engine *engine)
{
	uint32_t slot = engine->vacant_count ? engine->vacant[--engine->vacant_count]
					     : engine->touched++;
	struct flight *flight = &engine->flights[slot];

	*flight = (struct flight){.engine = engine, .loop = engine->loop, .slot = slot, .fd = -1};
	if (++engine->flying > RUSH)
		trim_later(&engine->trim);
	return flight;
}

/* Takes a flight apart and gives its slot back. */
static void flight_land(struct flight *flight)
{
	struct engine *engine = flight->engine;

	if (flight->type)
		flight->type->stop(flight);
	io_fini(&flight->io);
	if (flight->fd >= 0 && flight->farewell)
		farewells_take(engine->farewells, flight->fd);
	else if (flight->fd >= 0)
		close(flight->fd);
	flight->fd = -1;
	schedule_set(&engine->deadlines, flight->slot, NSTIME_NEVER);
	if (flight->look)
		flight->look->flight = NULL;
	else
		engine->roster->slots[flight->probe] = NOT_FLYING;
	engine->vacant[engine->vacant_count++] = flight->slot;
	engine->flying--;
}

/* Words live as long as the subject, whatever they were said with. */
static void keep_said(struct subject *subject, const char *words)
{
	if (!subject->said || !words)
		return;
	snprintf(subject->said, OUTCOME_SAID, "%s", words);
	subject->last.fault = subject->said;
}

/* What a probe tells of its server stands until it is told otherwise; also that it is down. */
static void keep_told(struct subject *subject, const struct check *check)
{
	struct outcome *last = &subject->last;

	if (!advice_spoken(&last->told))
		return;
	last->told.by = (uint8_t)check->type;
	advice_take(&subject->told, &last->told);
	if (last->reason == REASON_PASSED && subject->told.status == ADVICE_DOWN)
		last->reason = REASON_SAYS_DOWN;
}

/* What a probe says of its server. */
static void subject_learn(struct subject *subject, const struct flight *flight,
			  const struct outcome *outcome, nstime now)
{
	subject->last = *outcome;
	keep_told(subject, flight->check);
	keep_said(subject, outcome->fault);
	subject->last.connected = flight->connected;
	subject->last.latency = now - flight->started;
	probe_times_add(&subject->times, subject->last.latency);
	subject->ended = now;
}

/* Fewer flights when the kernel has no more descriptors or memory; one more after as many good ends
 * as may fly. Ports are lacking for one target only, and time and
 * scripts are no matter of how many fly. */
static void bound_adapt(struct engine *engine, const struct outcome *outcome)
{
	if (outcome->reason == REASON_RESOURCES) {
		if (outcome->error == EADDRNOTAVAIL || outcome->error == EADDRINUSE ||
		    outcome->error == ETIME || outcome->error == EBUSY)
			return;
		if (engine->flying < engine->allowed)
			engine->allowed = engine->flying > FLIGHTS_LEAST ? engine->flying
									 : FLIGHTS_LEAST;
		engine->credit = 0;
	} else if (engine->allowed < engine->bound && ++engine->credit >= engine->allowed) {
		engine->allowed++;
		engine->credit = 0;
	}
}

static void plan_next(struct engine *engine, uint32_t probe, nstime planned, nstime now)
{
	struct roster *roster = engine->roster;
	const struct check *check = &roster->model->checks[roster->model->probes[probe].check];
	nstime delay = automaton_delay(&roster->subjects[probe].automaton, check);
	uint64_t random = random_next(engine);
	bool settles = roster->hurried[probe] && delay > SCHEDULE_HURRY;

	schedule_set(&roster->starts, probe,
		     settles ? schedule_settle(planned, delay, random, now)
			     : schedule_again(planned, delay, random, now));
	roster->hurried[probe] &= !settles;
}

/* Its end is told to who looks on, and to nobody else. Words of the outcome go with the flight. */
static void end_look(struct flight *flight, const struct outcome *outcome)
{
	struct engine *engine = flight->engine;
	struct look *look = flight->look;

	look_end(look, flight, outcome);
	flight_land(flight);
	look->ended(look);
	engine_arm(engine);
}

static void end_probe(struct flight *flight, const struct outcome *outcome)
{
	struct engine *engine = flight->engine;
	uint32_t probe = flight->probe;
	struct subject *subject = &engine->roster->subjects[probe];
	const struct check *check = flight->check;
	enum verdict before = subject->automaton.verdict;
	const struct hindrance hindered = subject->here;
	nstime now = clock_now(), planned = flight->planned;
	enum probe_reason reason;

	subject->here = hindrance_of(outcome);
	if (!subject->here.error)
		subject_learn(subject, flight, outcome, now);
	reason = subject->here.error ? outcome->reason : subject->last.reason;
	engine->work.probes++;
	flight_land(flight);
	bound_adapt(engine, outcome);
	automaton_step(&subject->automaton, check, reason, now);
	if (!engine->roster->held[probe])
		plan_next(engine, probe, planned, now);
	engine->ended(engine->ctx, probe, before, hindered);
	engine_arm(engine);
}

void flight_end(struct flight *flight, const struct outcome *outcome)
{
	if (flight->look)
		end_look(flight, outcome);
	else
		end_probe(flight, outcome);
}

void flight_fail(struct flight *flight, enum outcome_step step, int error)
{
	const struct outcome outcome = outcome_of_error(step, error);

	flight_end(flight, &outcome);
}

/* A probe that could not be attended to when its deadline came (this process was stopped or got no
 * processor) may have had an answer: that is our lack, not the server's failure. */
static void flight_expire(struct flight *flight, nstime now)
{
	const struct model *model = flight->engine->roster->model;
	char words[OUTCOME_SAID];
	struct text text = text_of(words, sizeof(words));
	struct outcome outcome;

	if (now - flight->deadline > HELD_UP)
		outcome = outcome_of_error(STEP_REPLY, ETIME);
	else if (flight->type->expired)
		outcome = flight->type->expired(flight);
	else
		outcome = outcome_of_deadline(flight->connected, dial_received(flight->fd));
	if (flight->mark && !flight->connected &&
	    (outcome.reason == REASON_CONNECT_TIMEOUT || outcome.reason == REASON_REPLY_TIMEOUT)) {
		model_explain_no_way(model, &model->probes[flight->probe], &text);
		outcome = (struct outcome){.reason = REASON_NO_WAY, .fault = words};
	}
	flight_end(flight, &outcome);
}

void flight_begin(struct flight *flight, nstime patience)
{
	flight->started = clock_now();
	flight->deadline = nstime_after(flight->started, patience);
	schedule_set(&flight->engine->deadlines, flight->slot, flight->deadline);
	engine_arm(flight->engine);
}

/* The type's client; false when it cannot be had. */
static bool client_find(struct engine *engine, const struct probe_type *type, void **client)
{
	*client = NULL;
	for (size_t i = 0; i < engine->client_count; i++)
		if (engine->clients[i].type == type)
			*client = engine->clients[i].it;
	if (*client || !type->client_new)
		return true;
	*client = type->client_new(engine->loop);
	if (*client)
		engine->clients[engine->client_count++] = (struct client){type, *client};
	return *client != NULL;
}

/* Off it goes. */
static void flight_start(struct flight *flight, uint32_t index)
{
	struct engine *engine = flight->engine;
	struct roster *roster = engine->roster;
	const struct probe *probe = &roster->model->probes[index];
	const struct way *way = model_way(roster->model, probe);
	const struct probe_type *type;

	flight->check = &roster->model->checks[probe->check];
	flight->patterns = &roster->patterns[probe->check];
	flight->tls = tls_store_context(roster->tls, probe->check);
	flight->target = way ? probe->via : probe->target;
	if (way) {
		flight->server = way->server;
		flight->mark = way->mark;
		flight->tunnelled = way->forwarding == FORWARDING_TUNNEL;
	}
	flight->probe = index;
	flight_begin(flight, flight->check->timeout);
	type = probe_type_of(flight->check);
	if (!client_find(engine, type, &flight->client)) {
		flight_fail(flight, STEP_SOCKET, ENOMEM);
		return;
	}
	flight->type = type;
	type->start(flight);
}

static void probe_start(struct engine *engine, uint32_t index, nstime due, nstime now)
{
	const struct model *model = engine->roster->model;
	const struct check *check = &model->checks[model->probes[index].check];
	struct flight *flight = flight_take(engine);

	flight->planned = schedule_planned(due, check->interval, now);
	engine->roster->slots[index] = flight->slot;
	flight_start(flight, index);
}

bool engine_look(struct engine *engine, uint32_t probe, struct look *look)
{
	struct flight *flight;

	if (engine->flying >= engine->allowed)
		return false;
	flight = flight_take(engine);
	flight->look = look;
	look->flight = flight;
	look_begin(look, engine->roster->model, probe, engine->roster->held[probe]);
	flight_start(flight, probe);
	return true;
}

void engine_look_away(struct look *look)
{
	struct engine *engine = look->flight ? look->flight->engine : NULL;

	if (!engine)
		return;
	flight_land(look->flight);
	engine_arm(engine);
}

/* ---- the turn ---------------------------------------------------------------------------------
 */

static void note_lateness(struct engine *engine, uint32_t probe, nstime late, nstime now)
{
	nstime *latest;
	char text[DURATION_TEXT];
	unsigned swallowed;

	if (engine->roster->hurried[probe])
		engine->hurried = now;
	latest = now - engine->hurried < NSTIME_S ? &engine->work.hurried_late : &engine->work.late;
	*latest = nstime_max(*latest, late);
	if (late <= LATE || !log_limit(&engine->late, now, &swallowed))
		return;
	duration_about(late, text);
	if (engine->flying + 1 >= engine->allowed)
		log_warning("probes start %s late: %u at once are all that the open files allow",
			    text, engine->allowed);
	else
		log_warning("probes start %s late: this machine is too busy", text);
}

static void start_due(struct engine *engine, nstime now)
{
	uint32_t probe;
	nstime due;

	for (int i = 0; i < STARTS_PER_TURN; i++) {
		if (engine->flying >= engine->allowed ||
		    !schedule_take(&engine->roster->starts, now + START_SLACK, &probe, &due))
			return;
		note_lateness(engine, probe, now - due, now);
		probe_start(engine, probe, due, now);
	}
}

static void engine_turn(void *ctx)
{
	struct engine *engine = ctx;
	nstime now = clock_now();
	uint32_t slot;

	engine->turning = true;
	while (schedule_take(&engine->deadlines, now, &slot, NULL))
		flight_expire(&engine->flights[slot], now);
	if (engine->roster)
		start_due(engine, now);
	engine->turning = false;
	engine_arm(engine);
}

/* ---- generations ------------------------------------------------------------------------------
 */

struct roster *engine_prepare(struct engine *engine, struct arena *arena, const struct model *model)
{
	return roster_new(engine->roster, arena, model);
}

/* The probes that go lose their flights, those that stay have theirs moved to the new index. Who looks on
 * has asked about the old generation. */
static void flights_move(struct engine *engine, const struct roster *fresh)
{
	for (uint32_t slot = 0; slot < engine->touched; slot++) {
		struct flight *flight = &engine->flights[slot];
		uint32_t to;

		if (schedule_due(&engine->deadlines, slot) == NSTIME_NEVER)
			continue;
		to = fresh->merge.to[flight->probe];
		if (to == MERGE_NONE || flight->look) {
			flight_land(flight);
			continue;
		}
		flight->probe = to;
		flight->check = &fresh->model->checks[fresh->model->probes[to].check];
		flight->patterns = &fresh->patterns[fresh->model->probes[to].check];
		flight->tls = tls_store_context(fresh->tls, fresh->model->probes[to].check);
		fresh->slots[to] = slot;
	}
}

/* What was known under the old number, with the words in the new place. */
static void subject_move(struct subject *to, const struct subject *from)
{
	char *said = to->said;

	*to = *from;
	to->said = said;
	keep_said(to, from->last.fault);
}

/* A way that has another mark now: it may not be there yet. */
static bool is_led_otherwise(const struct model *old, uint32_t from, const struct model *fresh,
			     uint32_t to)
{
	const struct way *was = model_way(old, &old->probes[from]),
			 *is = model_way(fresh, &fresh->probes[to]);

	return was && is && was->mark != is->mark;
}

void engine_commit(struct engine *engine, struct roster *fresh)
{
	struct roster *old = engine->roster;
	nstime now = clock_now();

	for (uint32_t i = 0; i < fresh->model->probe_count; i++) {
		uint32_t from = fresh->merge.from[i];

		fresh->slots[i] = NOT_FLYING;
		if (from == MERGE_NONE) {
			roster_begin(fresh, i, now);
			continue;
		}
		subject_move(&fresh->subjects[i], &old->subjects[from]);
		schedule_set(&fresh->starts, i, schedule_due(&old->starts, from));
		fresh->hurried[i] = old->hurried[from];
		fresh->held[i] = old->held[from] || is_led_otherwise(old->model, from, fresh->model, i);
		if (fresh->held[i])
			schedule_set(&fresh->starts, i, NSTIME_NEVER);
	}
	flights_move(engine, fresh);
	engine->roster = fresh;
	if (old && old->heirlooms)
		fresh->heirlooms = take(old->heirlooms);
	fresh->recalled = NULL; /* with the scratch */
	roster_free(old);
	arena_free(take(fresh->scratch));
	trim_later(&engine->trim);
	engine_arm(engine);
}

/* A few at once, thousands spread: somebody waits for their verdicts. */
static void probe_release(struct roster *roster, uint32_t index)
{
	const struct probe *probe = &roster->model->probes[index];
	nstime room = (nstime)roster->model->probe_count * HURRY;
	nstime window = nstime_min(roster->model->checks[probe->check].interval, room);

	roster->hurried[index] = true;
	schedule_set(&roster->starts, index, schedule_first(probe->key, window, true, clock_now()));
}

void engine_hold(struct engine *engine, uint32_t probe, bool hold)
{
	struct roster *roster = engine->roster;

	if (roster->held[probe] == hold)
		return;
	roster->held[probe] = hold;
	if (hold)
		schedule_set(&roster->starts, probe, NSTIME_NEVER);
	else if (roster->slots[probe] == NOT_FLYING)
		probe_release(roster, probe);
	engine_arm(engine);
}

void engine_stop(struct engine *engine)
{
	for (uint32_t slot = 0; slot < engine->touched; slot++)
		if (schedule_due(&engine->deadlines, slot) != NSTIME_NEVER)
			flight_land(&engine->flights[slot]);
	engine->bound = engine->allowed = 0;
	timer_cancel(&engine->timer);
}

/* ---- what is known ----------------------------------------------------------------------------
 */

const struct roster *engine_roster(const struct engine *engine)
{
	return engine->roster;
}

const struct model *engine_model(const struct engine *engine)
{
	return engine->roster ? engine->roster->model : NULL;
}

const struct subject *engine_subject(const struct engine *engine, uint32_t probe)
{
	return &engine->roster->subjects[probe];
}

struct engine_work engine_work(const struct engine *engine)
{
	return engine->work;
}
