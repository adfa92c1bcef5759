/* The world around the machines; see the header. Events are kept in a heap by (time, order of
 * making), so that a seed always gives the same history. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum event_kind {
	EVENT_PACKET,
	EVENT_WRITE,
};

struct event {
	nstime time;
	uint64_t order;
	enum event_kind kind;
	unsigned to, life;
	struct packet packet;
	bool add;
};

static void step(struct world *w, struct router *r, struct vrrp_input input);

/* ---- chance, words -------------------------------------------------------------------------- */

uint32_t world_pick(struct world *world, uint32_t below)
{
	uint64_t z = (world->random += 0x9e3779b97f4a7c15ull); /* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return (uint32_t)((z ^ (z >> 31)) % below);
}

static nstime pick_time(struct world *w, nstime below)
{
	return below ? (nstime)world_pick(w, 1u << 20) * below >> 20 : 0;
}

void world_note(const struct world *world, const struct router *router, const char *format, ...)
{
	va_list list;

	if (!world->trace)
		return;
	printf("%11.6f  %*s", (double)world->now / 1e9, router ? (int)router->id * 4 : 0, "");
	if (router)
		printf("r%u ", router->id);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	putchar('\n');
}

void world_break(struct world *world, const char *format, ...)
{
	va_list list;

	if (world->broken[0])
		return;
	va_start(list, format);
	vsnprintf(world->broken, sizeof(world->broken), format, list);
	va_end(list);
	world_note(world, NULL, "BROKEN: %s", world->broken);
}

/* ---- events --------------------------------------------------------------------------------- */

static bool earlier(const struct event *a, const struct event *b)
{
	return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void event_add(struct world *w, struct event event)
{
	unsigned i = w->event_count++;

	if (w->event_count > w->event_room) {
		w->event_room = w->event_room ? w->event_room * 2 : 64;
		w->events = realloc(w->events, w->event_room * sizeof(*w->events));
		if (!w->events)
			abort();
	}
	event.order = w->sequence++;
	for (; i && earlier(&event, &w->events[(i - 1) / 2]); i = (i - 1) / 2)
		w->events[i] = w->events[(i - 1) / 2];
	w->events[i] = event;
}

static struct event event_take(struct world *w)
{
	struct event first = w->events[0], last = w->events[--w->event_count];
	unsigned i = 0, child;

	for (; (child = 2 * i + 1) < w->event_count; i = child) {
		if (child + 1 < w->event_count && earlier(&w->events[child + 1], &w->events[child]))
			child++;
		if (!earlier(&w->events[child], &last))
			break;
		w->events[i] = w->events[child];
	}
	w->events[i] = last;
	return first;
}

/* ---- rules that hold at any moment ---------------------------------------------------------- */

static bool reason_fits(enum vrrp_state from, enum vrrp_state to, enum vrrp_why why)
{
	switch (to) {
	case VRRP_INIT:
		return why == VRRP_WHY_RELEASED || why == VRRP_WHY_ABANDONED ||
		       why == VRRP_WHY_STOPPED || why == VRRP_WHY_WITHDRAWN;
	case VRRP_BACKUP:
		return from == VRRP_MASTER ? why == VRRP_WHY_HIGHER || why == VRRP_WHY_TIE
					   : why == VRRP_WHY_LISTENING;
	case VRRP_MASTER:
		return why >= VRRP_WHY_SILENCE && why <= VRRP_WHY_RESUMED;
	case VRRP_FAULT:
		return why == VRRP_WHY_FAULT;
	}
	return false;
}

static bool present(const struct router *r)
{
	return r->holds && r->link;
}

static bool part_held(const struct world *w, unsigned part, bool *able)
{
	bool held = false;

	*able = false;
	for (unsigned i = 0; i < w->count; i++) {
		held |= w->routers[i].part == part && present(&w->routers[i]);
		*able |= w->routers[i].part == part && router_able(&w->routers[i]);
	}
	return held;
}

/* After every event: is there a part where somebody able has had time enough, and nobody holds the
 * addresses? */
static void watch(struct world *w)
{
	bool any = false;

	for (unsigned part = 0; part < COUNT_OF(w->vacant); part++) {
		bool able, held = part_held(w, part, &able);

		any |= held;
		if (held || !able || w->now <= w->disturbed + w->bound)
			w->vacant[part] = w->now;
		else if (w->now - w->vacant[part] > w->write_delay)
			world_break(w, "in part %u nobody holds the addresses", part);
	}
	if (any && w->empty_since != NSTIME_NEVER)
		w->longest_gap = nstime_max(w->longest_gap, w->now - w->empty_since);
	if (any)
		w->empty_since = NSTIME_NEVER;
	else if (w->empty_since == NSTIME_NEVER)
		w->empty_since = w->now;
	if (!any && w->gapless)
		world_break(w, "nobody holds the addresses");
}

/* ---- what a machine asks for ---------------------------------------------------------------- */

static void deliver_later(struct world *w, struct router *from, unsigned to, uint8_t priority)
{
	struct event event = {.kind = EVENT_PACKET, .to = to};

	event.packet = (struct packet){
		.from = from->id, .priority = priority, .interval = from->config.advert_interval};
	event.time = w->now + w->delay + pick_time(w, w->jitter);
	event_add(w, event);
}

static void send(struct world *w, struct router *r, uint8_t priority)
{
	world_note(w, r, "sends %u", priority);
	w->adverts++;
	if (r->machine.advertised && r->sent && priority &&
	    r->machine.reason.why != VRRP_WHY_RESUMED && r->machine.since <= r->sent &&
	    w->now - r->sent > r->config.advert_interval + w->latest &&
	    w->disturbed + r->config.advert_interval + w->latest < w->now)
		world_break(w, "r%u was silent for %lld ns", r->id, (long long)(w->now - r->sent));
	r->sent = w->now;
	if (!r->link)
		return;
	for (unsigned i = 0; i < w->count; i++) {
		if (i == r->id || w->routers[i].part != r->part)
			continue;
		if (world_pick(w, 1000) < w->loss) {
			world_note(w, r, "(lost to r%u)", i);
			continue;
		}
		deliver_later(w, r, i, priority);
		if (world_pick(w, 1000) < w->duplicate)
			deliver_later(w, r, i, priority);
	}
}

static void write_later(struct world *w, struct router *r, bool add)
{
	struct event event = {.kind = EVENT_WRITE, .to = r->id, .life = r->life, .add = add};

	r->wanted = add;
	r->writes++;
	event.time = w->now + pick_time(w, w->write_delay);
	/* one thread, in order: not before those that are under way */
	for (unsigned i = 0; i < w->event_count; i++)
		if (w->events[i].kind == EVENT_WRITE && w->events[i].to == r->id &&
		    w->events[i].life == r->life)
			event.time = nstime_max(event.time, w->events[i].time);
	event_add(w, event);
}

static void state_changed(struct world *w, struct router *r, enum vrrp_state from)
{
	char words[160];

	vrrp_explain(&r->machine.reason, w->now, "no carrier", words, sizeof(words));
	world_note(w, r, "%s → %s: %s", vrrp_state_name(from), vrrp_state_name(r->machine.state),
		   words);
	w->transitions++;
	if (!reason_fits(from, r->machine.state, r->machine.reason.why))
		world_break(w, "r%u: %s → %s because \"%s\"", r->id, vrrp_state_name(from),
			    vrrp_state_name(r->machine.state), words);
}

static void act(struct world *w, struct router *r, const struct vrrp_action *action)
{
	switch (action->kind) {
	case VRRP_ACTION_SEND:
		send(w, r, action->priority);
		break;
	case VRRP_ACTION_ADD:
		write_later(w, r, true);
		break;
	case VRRP_ACTION_REMOVE:
		write_later(w, r, false);
		break;
	case VRRP_ACTION_ANNOUNCE:
		world_note(w, r, "announces");
		r->announced = w->now;
		if (r->machine.state != VRRP_MASTER || !r->wanted || !r->holds)
			world_break(w, "r%u announces what it has not", r->id);
		break;
	case VRRP_ACTION_STATE:
		state_changed(w, r, action->from);
		break;
	case VRRP_ACTION_RELEASED:
		world_note(w, r, "released");
		r->running = false; /* the process ends after its writes: they stay valid */
		break;
	case VRRP_ACTION_STEPPED_DOWN:
		world_note(w, r, "%s", action->yes ? "stands down" : "stays: nobody took over");
		break;
	}
}

static void step(struct world *w, struct router *r, struct vrrp_input input)
{
	struct vrrp_actions actions;
	nstime due;

	input.random = world_pick(w, 1u << 30);
	vrrp_fsm_step(&r->machine, &r->config, w->now, &input, &actions);
	w->steps++;
	r->spins = r->stepped == w->now ? r->spins + 1 : 0;
	r->stepped = w->now;
	if (r->spins > 2 * HELD_MAX)
		world_break(w, "r%u spins", r->id);
	if (actions.count >= VRRP_ACTIONS_MAX)
		world_break(w, "r%u wants more than fits", r->id);
	for (unsigned i = 0; i < actions.count; i++)
		act(w, r, &actions.list[i]);
	r->was_master = r->machine.state == VRRP_MASTER && !vrrp_fsm_releasing(&r->machine);
	if ((r->machine.state == VRRP_MASTER) != r->wanted)
		world_break(w, "r%u is %s and wants its addresses %s", r->id,
			    vrrp_state_name(r->machine.state), r->wanted ? "in" : "out");
	due = vrrp_fsm_due(&r->machine);
	w->latest = nstime_max(w->latest, w->lateness);
	if (due != r->due || r->fire_at <= w->now)
		r->fire_at = due == NSTIME_NEVER
				     ? due
				     : nstime_max(due, w->now) + pick_time(w, w->lateness);
	r->due = due;
}

/* ---- what comes to a machine ---------------------------------------------------------------- */

static void hear(struct world *w, struct router *r, const struct packet *packet)
{
	world_note(w, r, "hears %u from r%u", packet->priority, packet->from);
	step(w, r,
	     (struct vrrp_input){.kind = VRRP_INPUT_ADVERT,
				 .source = w->routers[packet->from].config.source,
				 .priority = packet->priority,
				 .interval = packet->interval});
}

static void packet_comes(struct world *w, const struct event *event)
{
	struct router *r = &w->routers[event->to];

	if (!r->running || !r->link || r->part != w->routers[event->packet.from].part)
		return;
	if (!r->paused)
		hear(w, r, &event->packet);
	else if (r->held_count < HELD_MAX)
		r->held[r->held_count++] = event->packet;
}

static void tell_written(struct world *w, struct router *r)
{
	bool added = r->added;

	r->written = r->added = false;
	step(w, r, (struct vrrp_input){.kind = VRRP_INPUT_WRITTEN, .yes = added});
}

static void write_done(struct world *w, const struct event *event)
{
	struct router *r = &w->routers[event->to];

	if (event->life != r->life)
		return;
	world_note(w, r, "kernel: addresses %s", event->add ? "in" : "out");
	r->added |= event->add && !r->holds;
	r->holds = event->add;
	r->writes--;
	if (r->writes || !r->wanted || !r->running)
		return;
	if (r->paused)
		r->written = true;
	else
		tell_written(w, r);
}

static struct router *first_timer(struct world *w, nstime *due)
{
	struct router *first = NULL;

	*due = NSTIME_NEVER;
	for (unsigned i = 0; i < w->count; i++) {
		struct router *r = &w->routers[i];

		if (r->running && !r->paused && r->fire_at < *due) {
			*due = r->fire_at;
			first = r;
		}
	}
	return first;
}

void world_run(struct world *world, nstime until)
{
	while (!world->broken[0]) {
		nstime due, next = world->event_count ? world->events[0].time : NSTIME_NEVER;
		struct router *r = first_timer(world, &due);

		if (nstime_min(due, next) > until)
			break;
		world->now = nstime_max(world->now, nstime_min(due, next));
		if (next <= due) {
			struct event event = event_take(world);

			if (event.kind == EVENT_PACKET)
				packet_comes(world, &event);
			else
				write_done(world, &event);
		} else {
			step(world, r, (struct vrrp_input){.kind = VRRP_INPUT_TIMER});
		}
		watch(world);
	}
	world->now = nstime_max(world->now, until);
}

/* ---- what happens to a router --------------------------------------------------------------- */

static void disturb(struct world *w, struct router *r, const char *what)
{
	world_note(w, r, "*** %s", what);
	w->disturbed = w->now;
}

static uint64_t faults_of(const struct router *r)
{
	return r->link ? 0 : VRRP_FAULT_LINK;
}

static void worker_begins(struct world *w, struct router *r, struct vrrp_input input)
{
	r->life++;
	r->running = true;
	r->paused = r->stopping = r->written = r->added = false;
	r->writes = r->held_count = 0;
	r->due = r->fire_at = NSTIME_NEVER;
	r->config.ready_until = w->now + 30 * r->config.advert_interval;
	vrrp_fsm_init(&r->machine, w->now);
	input.faults = faults_of(r);
	step(w, r, input);
}

void router_start(struct world *world, struct router *router)
{
	disturb(world, router, "starts");
	router->holds = router->wanted = false;
	router->sent = 0;
	worker_begins(world, router, (struct vrrp_input){.kind = VRRP_INPUT_START});
}

void router_crash(struct world *world, struct router *router)
{
	disturb(world, router, "node crashes");
	router->running = router->holds = router->wanted = false;
	router->life++;
	watch(world);
}

void router_kill(struct world *world, struct router *router)
{
	disturb(world, router, "worker is killed");
	router->running = false;
	router->life++;
}

void router_come_back(struct world *world, struct router *router)
{
	nstime age = world->now - router->sent;

	disturb(world, router, "worker comes back");
	router->wanted = false;
	if (router->was_master && router->sent && age < 2 * router->config.advert_interval) {
		worker_begins(
			world, router,
			(struct vrrp_input){.kind = VRRP_INPUT_RESUME, .point = router->sent});
		return;
	}
	router->holds = false;
	worker_begins(world, router, (struct vrrp_input){.kind = VRRP_INPUT_START});
}

void router_pause(struct world *world, struct router *router)
{
	disturb(world, router, "is paused");
	router->paused = true;
}

/* What has come meanwhile is looked at before any timer: the worker drains its sockets first. */
void router_go_on(struct world *world, struct router *router)
{
	unsigned count = router->held_count;

	disturb(world, router, "goes on");
	router->paused = false;
	router->held_count = 0;
	for (unsigned i = 0; i < count && router->running; i++)
		hear(world, router, &router->held[i]);
	if (router->running && router->machine.faults != faults_of(router))
		step(world, router,
		     (struct vrrp_input){.kind = VRRP_INPUT_FAULTS, .faults = faults_of(router)});
	if (router->written && router->running && router->wanted && !router->writes)
		tell_written(world, router);
	router->written = false;
}

void router_link(struct world *world, struct router *router, bool up)
{
	disturb(world, router, up ? "carrier returns" : "carrier is lost");
	router->link = up;
	if (router->running && !router->paused)
		step(world, router,
		     (struct vrrp_input){.kind = VRRP_INPUT_FAULTS, .faults = faults_of(router)});
}

void router_release(struct world *world, struct router *router)
{
	disturb(world, router, "is to stop");
	router->stopping = true;
	step(world, router, (struct vrrp_input){.kind = VRRP_INPUT_RELEASE});
}

void router_ready(struct world *world, struct router *router)
{
	step(world, router, (struct vrrp_input){.kind = VRRP_INPUT_READY, .yes = true});
}

void router_priority(struct world *world, struct router *router, uint8_t priority)
{
	disturb(world, router, "gets another priority");
	world_note(world, router, "priority %u", priority);
	router->config.priority = priority;
	step(world, router, (struct vrrp_input){.kind = VRRP_INPUT_CONFIG});
}

void world_part(struct world *world, unsigned mask)
{
	disturb(world, NULL, "the wire is parted");
	for (unsigned i = 0; i < world->count; i++)
		world->routers[i].part = mask >> i & 1;
	world_note(world, NULL, "mask 0x%x", mask);
}

/* ---- the whole ------------------------------------------------------------------------------ */

bool router_able(const struct router *router)
{
	return router->running && !router->paused && router->link && !router->stopping;
}

unsigned world_masters(struct world *world, unsigned part, struct router **last)
{
	unsigned masters = 0;

	for (unsigned i = 0; i < world->count; i++) {
		struct router *r = &world->routers[i];

		if (r->part != part || !router_able(r) || r->machine.state != VRRP_MASTER)
			continue;
		masters++;
		*last = r;
	}
	return masters;
}

void world_init(struct world *world, uint64_t seed, bool trace, unsigned count, nstime interval)
{
	memset(world, 0, sizeof(*world));
	world->random = seed;
	world->trace = trace;
	world->count = count;
	world->now = 1000 * NSTIME_S;
	world->delay = 100 * NSTIME_US;
	world->empty_since = world->now;
	world->bound = NSTIME_NEVER / 2;
	for (unsigned i = 0; i < count; i++) {
		struct router *r = &world->routers[i];

		r->id = i;
		r->link = true;
		r->due = r->fire_at = NSTIME_NEVER;
		r->config.advert_interval = interval;
		r->config.source = addr_from_ipv4(0x0a000001 + i);
		r->config.announce = (struct announce){.count = 5,
						       .interval = interval / 5,
						       .again_after = 5 * interval,
						       .refresh = 60 * interval};
	}
}

void world_fini(struct world *world)
{
	free(world->events);
	world->events = NULL;
}
