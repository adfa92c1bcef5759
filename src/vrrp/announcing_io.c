/* Announcements on their way out. Each interface has its rounds (vrrp/rounds.h says whose turn it
 * is) and one timer; each turn sends one batch and goes back to the loop, so that adverts and their
 * timers, which are more urgent, are never behind more than one batch. */
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "core/worker.h"
#include "net/announce_io.h"
#include "vrrp/worker_io.h"

#define QUEUE_FULL (2 * NSTIME_MS) /* the interface's queue takes no more: go on a little later */

/* ---- what a router announces ---------------------------------------------------------------- */

static struct herald *herald_of(struct herald *heralds, size_t count, const struct port *port)
{
	for (size_t i = 0; i < count; i++)
		if (heralds[i].port == port)
			return &heralds[i];
	return NULL;
}

/* Those of `helds` that are on its interface. */
static int herald_fill(struct arena *arena, struct held **helds, size_t count,
		       struct herald *herald)
{
	size_t found = 0;

	herald->helds = arena_array(arena, herald->round.count, sizeof(*helds));
	if (!herald->helds)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (helds[i]->port == herald->port)
			herald->helds[found++] = helds[i];
	return 0;
}

int heralds_make(struct arena *arena, struct held **helds, size_t count, struct herald **out,
		 size_t *out_count)
{
	struct herald *heralds = NULL;
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		struct herald *herald = herald_of(heralds, found, helds[i]->port);

		if (!herald)
			herald = arena_push(arena, &heralds, &found, sizeof(*heralds));
		if (!herald)
			return -ENOMEM;
		herald->port = helds[i]->port;
		herald->round.count++;
	}
	if (found == 1) /* as nearly always */
		heralds->helds = helds;
	for (size_t i = 0; i < found; i++)
		if (!heralds[i].helds && herald_fill(arena, helds, count, &heralds[i]))
			return -ENOMEM;
	*out = heralds;
	*out_count = found;
	return 0;
}

/* ---- turns ---------------------------------------------------------------------------------- */

static void complain(struct port *port, int error)
{
	unsigned suppressed;

	if (log_limit(&port->complaints, clock_now(), &suppressed))
		log_warning("%s: addresses could not be announced: %s%s", port->name,
			    strerror(-error), suppressed ? " (and more)" : "");
}

/* Announces those of the next `count` addresses that are there; returns how many of the `count` are
 * done with, or -errno. */
static int send_part(struct herald *herald, size_t count)
{
	const struct link *link = &herald->port->link;
	struct addr addresses[ANNOUNCE_BATCH];
	size_t places[ANNOUNCE_BATCH], found = 0;
	int sent;

	if (!link->index || !link->arp)
		return (int)count;
	if (!herald->round.next)
		herald->forwards = announce_as_router(link->name);
	for (size_t i = 0; i < count; i++) {
		const struct held *held = herald->helds[herald->round.next + i];

		if (!held->present)
			continue;
		places[found] = i;
		addresses[found++] = held->prefix.address;
	}
	if (!found)
		return (int)count;
	sent = announce_send(herald->port->worker->announcer, link->index, link->mac,
			     herald->forwards, addresses, found);
	if (sent < 0)
		return sent;
	return (size_t)sent < found ? (int)places[sent] : (int)count;
}

static void turn(void *ctx)
{
	struct port *port = ctx;
	nstime now = clock_now();
	size_t room = ANNOUNCE_BATCH, count;
	struct round *round;

	while (room && (round = rounds_next(&port->rounds, now, room, &count))) {
		int sent = send_part((struct herald *)round, count);

		if (sent < 0 && sent != -EAGAIN) {
			complain(port, sent);
			rounds_stop(&port->rounds, round);
			continue;
		}
		rounds_sent(&port->rounds, round, now, sent > 0 ? (size_t)sent : 0);
		if (sent < 0 || (size_t)sent < count) {
			timer_at(&port->announcing, now + QUEUE_FULL);
			return;
		}
		room -= count;
	}
	timer_at(&port->announcing, rounds_due(&port->rounds, now, ANNOUNCE_BATCH));
}

int announcing_init(struct port *port)
{
	rounds_init(&port->rounds);
	return timer_init(worker_loop(port->worker->frame), &port->announcing, LOOP_NORMAL, turn,
			  port);
}

void announcing_fini(struct port *port)
{
	timer_fini(&port->announcing);
}

void router_announce(struct router *router)
{
	for (size_t i = 0; i < router->herald_count; i++) {
		struct herald *herald = &router->heralds[i];
		struct port *port = herald->port;
		nstime due;

		rounds_start(&port->rounds, &herald->round, router->unannounced,
			     router->about.announce.count);
		due = rounds_due(&port->rounds, clock_now(), ANNOUNCE_BATCH);
		if (!timer_armed(&port->announcing) || due < port->announcing.due)
			timer_at(&port->announcing, due);
	}
	router->unannounced = false;
}

bool router_hush(struct router *router)
{
	bool busy = false;

	for (size_t i = 0; i < router->herald_count; i++) {
		busy |= router->heralds[i].round.queued;
		rounds_stop(&router->heralds[i].port->rounds, &router->heralds[i].round);
	}
	return busy;
}
