/* The world around the machines; see the header. Events are kept in a heap by (time, order of
 * making), so that a seed always gives the same history. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vrrp/priority.h"

enum event_kind {
	EVENT_PACKET,
	EVENT_WRITE,
};

struct event {
	nstime time;
	uint64_t order;
	enum event_kind kind;
	unsigned to, wire, life;
	struct packet packet;
	bool add;
};

/* ---- chance, words -------------------------------------------------------------------------- */

uint32_t world_pick(struct world *world, uint32_t below)
{
	uint64_t z = (world->random += 0x9e3779b97f4a7c15ull); /* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return (uint32_t)((z ^ (z >> 31)) % below);
}

nstime world_pick_time(struct world *world, nstime below)
{
	return below ? (nstime)world_pick(world, 1u << 20) * below >> 20 : 0;
}

/* A node has a column of its own; its second wire is named. */
static void note(const struct world *world, const struct node *node, const char *wire,
		 const char *format, va_list list)
{
	if (!world->trace)
		return;
	printf("%11.6f  %*s", (double)world->now / 1e9, node ? (int)node->id * 4 : 0, "");
	if (node)
		printf("%s%u%s ", node->like_keepalived ? "k" : "n", node->id, wire);
	vprintf(format, list);
	putchar('\n');
}

void world_note(const struct world *world, const struct router *router, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	note(world, router->node, world->wires > 1 ? router->wire ? ".b" : ".a" : "", format, list);
	va_end(list);
}

void world_note_node(const struct world *world, const struct node *node, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	note(world, node, "", format, list);
	va_end(list);
}

void world_break(struct world *world, const char *format, ...)
{
	va_list list;

	if (world->broken[0])
		return;
	va_start(list, format);
	vsnprintf(world->broken, sizeof(world->broken), format, list);
	va_end(list);
	world_note_node(world, NULL, "BROKEN: %s", world->broken);
}

void world_disturb(struct world *world, const struct node *node, const char *what)
{
	world_note_node(world, node, "*** %s", what);
	world->disturbed = world->now;
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

/* ---- who is who ----------------------------------------------------------------------------- */

enum vrrp_state router_state(const struct router *router)
{
	return router->node->like_keepalived ? router->peer.state : router->machine.state;
}

bool router_releasing(const struct router *router)
{
	return !router->node->like_keepalived && vrrp_fsm_releasing(&router->machine);
}

bool node_entity(struct node *node, unsigned i, struct entity *out)
{
	unsigned wires = node->world->wires;

	*out = (struct entity){.node = node, .first = i, .count = node->grouped ? wires : 1};
	return i < (node->grouped ? 1 : wires);
}

bool entity_present(const struct entity *entity)
{
	const struct node *node = entity->node;
	bool present = node->running && !node->paused && !node->stopping;

	for (unsigned i = 0; i < entity->count; i++)
		present &= node->routers[entity->first + i].link;
	return present;
}

bool entity_able(const struct entity *entity)
{
	return entity_present(entity) && !entity->node->routers[entity->first].config.barred;
}

bool entity_is_master(const struct entity *entity)
{
	for (unsigned i = 0; i < entity->count; i++) {
		const struct router *router = &entity->node->routers[entity->first + i];

		if (router_state(router) != VRRP_MASTER || router_releasing(router))
			return false;
	}
	return true;
}

bool entity_hears(const struct entity *a, const struct entity *b)
{
	for (unsigned wire = 0; wire < WIRES; wire++)
		if (wire - a->first < a->count && wire - b->first < b->count &&
		    a->node->routers[wire].part == b->node->routers[wire].part)
			return true;
	return false;
}

unsigned entity_masters(struct world *world, const struct entity *entity, uint8_t *best)
{
	struct entity other;
	unsigned masters = 0;

	*best = 0;
	for (unsigned n = 0; n < world->count; n++)
		for (unsigned i = 0; node_entity(&world->nodes[n], i, &other); i++) {
			const struct vrrp_config *config = &other.node->routers[other.first].config;
			uint8_t priority = config->barred ? VRRP_PRIORITY_LEAST : config->priority;

			if (!entity_present(&other) || !entity_is_master(&other) ||
			    !entity_hears(entity, &other))
				continue;
			masters++;
			*best = priority > *best ? priority : *best;
		}
	return masters;
}

/* ---- rules that hold at any moment ---------------------------------------------------------- */

static bool present(const struct router *router)
{
	return router->holds && router->link;
}

static void watch_gap(struct world *w, unsigned wire, bool held)
{
	nstime *since = &w->empty_since[wire];

	if (held && *since != NSTIME_NEVER)
		w->longest_gap = nstime_max(w->longest_gap, w->now - *since);
	if (held)
		*since = NSTIME_NEVER;
	else if (*since == NSTIME_NEVER)
		*since = w->now;
	if (!held && w->gapless)
		world_break(w, "nobody holds the addresses of wire %u", wire);
}

static void watch_entity(struct world *w, const struct entity *entity, bool held[WIRES][PARTS])
{
	nstime *vacant = &w->vacant[entity->node->id][entity->first], lasted;
	bool sees = false;

	for (unsigned i = 0; i < entity->count; i++) {
		unsigned wire = entity->first + i;

		sees |= held[wire][entity->node->routers[wire].part];
	}
	if (sees || !entity_able(entity) || (!w->patient && w->now <= w->disturbed + w->bound)) {
		*vacant = w->now;
		return;
	}
	lasted = w->now - nstime_max(*vacant, w->disturbed);
	if (lasted > w->write_delay + (w->patient ? w->bound : 0))
		world_break(w, "n%u sees nobody hold the addresses", entity->node->id);
}

void world_watch(struct world *w)
{
	bool held[WIRES][PARTS] = {0};
	struct entity entity;

	for (unsigned n = 0; n < w->count; n++)
		for (unsigned wire = 0; wire < w->wires; wire++) {
			const struct router *router = &w->nodes[n].routers[wire];

			held[wire][router->part] |= present(router);
		}
	for (unsigned n = 0; n < w->count; n++)
		for (unsigned i = 0; node_entity(&w->nodes[n], i, &entity); i++)
			watch_entity(w, &entity, held);
	for (unsigned wire = 0; wire < w->wires; wire++)
		watch_gap(w, wire, held[wire][0] || held[wire][1]);
}

/* ---- what routers do ------------------------------------------------------------------------ */

static void deliver_later(struct world *w, const struct router *from, unsigned to, uint8_t priority)
{
	struct event event = {.kind = EVENT_PACKET, .to = to, .wire = from->wire};

	event.packet = (struct packet){.from = from->node->id,
				       .wire = from->wire,
				       .priority = priority,
				       .interval = from->config.advert_interval};
	event.time = w->now + w->delay + world_pick_time(w, w->jitter);
	w->longest = nstime_max(w->longest, event.time - w->now);
	event_add(w, event);
}

void world_send(struct router *router, uint8_t priority)
{
	struct world *w = router->node->world;

	world_note(w, router, "sends %u", priority);
	w->adverts++;
	router->sent = w->now;
	router->said = priority;
	if (!router->link)
		return;
	for (unsigned i = 0; i < w->count; i++) {
		if (i == router->node->id || w->nodes[i].routers[router->wire].part != router->part)
			continue;
		if (world_pick(w, 1000) < w->loss) {
			world_note(w, router, "(lost to %u)", i);
			continue;
		}
		deliver_later(w, router, i, priority);
		if (world_pick(w, 1000) < w->duplicate)
			deliver_later(w, router, i, priority);
	}
}

void world_write(struct router *router, bool add)
{
	struct world *w = router->node->world;
	struct event event = {.kind = EVENT_WRITE,
			      .to = router->node->id,
			      .wire = router->wire,
			      .life = router->node->life,
			      .add = add};

	router->wanted = add;
	router->writes++;
	event.time = w->now + world_pick_time(w, w->write_delay);
	/* one thread, in order: not before those that are under way */
	for (unsigned i = 0; i < w->event_count; i++)
		if (w->events[i].kind == EVENT_WRITE && w->events[i].to == event.to &&
		    w->events[i].wire == event.wire && w->events[i].life == event.life)
			event.time = nstime_max(event.time, w->events[i].time);
	event_add(w, event);
}

void world_announce(struct router *router)
{
	struct world *w = router->node->world;

	world_note(w, router, "announces");
	router->announced = w->now;
	if (router_state(router) != VRRP_MASTER || !router->wanted || !router->holds)
		world_break(w, "n%u announces what it has not", router->node->id);
}

/* ---- time ----------------------------------------------------------------------------------- */

static void packet_comes(struct world *w, const struct event *event)
{
	struct node *node = &w->nodes[event->to];
	struct router *router = &node->routers[event->wire];
	const struct router *from = &w->nodes[event->packet.from].routers[event->wire];

	if (!node->running || !router->link || router->part != from->part)
		return;
	/* version 2: another interval than its own is dropped before the machine sees it */
	if (router->config.version == 2 && router->config.advert_interval != event->packet.interval)
		return;
	if (!node->paused)
		router_hear(router, &event->packet);
	else if (node->held_count < HELD_MAX)
		node->held[node->held_count++] = event->packet;
}

static void write_done(struct world *w, const struct event *event)
{
	struct node *node = &w->nodes[event->to];
	struct router *router = &node->routers[event->wire];

	if (event->life != node->life)
		return;
	world_note(w, router, "kernel: addresses %s", event->add ? "in" : "out");
	router->added |= event->add && !router->holds;
	router->holds = event->add;
	router->writes--;
	if (router->writes || !router->wanted || !node->running)
		return;
	if (node->paused) {
		router->written = true;
	} else {
		bool added = router->added;

		router->added = false;
		router_written(router, added);
	}
}

/* The next timer; *router NULL: that of the node's group. */
static struct node *first_timer(struct world *w, nstime *due, struct router **router)
{
	struct node *first = NULL;

	*due = NSTIME_NEVER;
	for (unsigned i = 0; i < w->count; i++) {
		struct node *node = &w->nodes[i];

		if (!node->running || node->paused)
			continue;
		if (node->group_fire_at < *due) {
			*due = node->group_fire_at;
			*router = NULL;
			first = node;
		}
		for (unsigned wire = 0; wire < w->wires; wire++) {
			if (node->routers[wire].fire_at >= *due)
				continue;
			*due = node->routers[wire].fire_at;
			*router = &node->routers[wire];
			first = node;
		}
	}
	return first;
}

void world_run(struct world *world, nstime until)
{
	while (!world->broken[0]) {
		nstime due, next = world->event_count ? world->events[0].time : NSTIME_NEVER;
		struct router *router = NULL;
		struct node *node = first_timer(world, &due, &router);

		if (nstime_min(due, next) > until)
			break;
		world->now = nstime_max(world->now, nstime_min(due, next));
		if (next <= due) {
			struct event event = event_take(world);

			if (event.kind == EVENT_PACKET)
				packet_comes(world, &event);
			else
				write_done(world, &event);
		} else if (router) {
			router_timer(router);
		} else {
			group_timer(node);
		}
		world_watch(world);
	}
	world->now = nstime_max(world->now, until);
}

void world_part(struct world *world, unsigned wire, unsigned mask)
{
	world_disturb(world, NULL, mask ? "a wire is parted" : "a wire is whole");
	for (unsigned i = 0; i < world->count; i++)
		world->nodes[i].routers[wire].part = mask >> i & 1;
	world_note_node(world, NULL, "wire %u, mask 0x%x", wire, mask);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static void router_init(struct router *router, struct node *node, unsigned wire, nstime interval)
{
	router->node = node;
	router->wire = wire;
	router->link = true;
	router->due = router->fire_at = NSTIME_NEVER;
	router->config.version = 3;
	router->config.advert_interval = interval;
	router->config.source = addr_from_ipv4(0x0a000001 + (wire << 16) + node->id);
	router->config.announce = (struct announce){.count = 5,
						    .interval = interval / 5,
						    .again_after = 5 * interval,
						    .refresh = 60 * interval};
}

void world_init(struct world *world, uint64_t seed, bool trace, unsigned count, unsigned wires,
		nstime interval)
{
	memset(world, 0, sizeof(*world));
	world->random = seed;
	world->trace = trace;
	world->count = count;
	world->wires = wires;
	world->now = 1000 * NSTIME_S;
	world->delay = 100 * NSTIME_US;
	world->bound = NSTIME_NEVER / 2;
	for (unsigned wire = 0; wire < WIRES; wire++)
		world->empty_since[wire] = world->now;
	for (unsigned i = 0; i < count; i++) {
		struct node *node = &world->nodes[i];

		node->world = world;
		node->id = i;
		node->group_due = node->group_fire_at = NSTIME_NEVER;
		for (unsigned wire = 0; wire < WIRES; wire++)
			router_init(&node->routers[wire], node, wire, interval);
	}
}

void world_fini(struct world *world)
{
	free(world->events);
	world->events = NULL;
}
