/* The worker ends and another one goes on with what is in the kernel: a restart of the daemon, or an
 * upgrade.
 *
 * Who leaves ends what is under way, puts nothing right any more, and lends the addresses: each gets
 * a lifetime in the kernel, after which they go by themselves if nobody comes (nothing is lent to a
 * successor that is ready). Its last act is an advert of each master, so that the backups' patience
 * begins anew. Nothing is said of leaving, and nothing is removed; a link of a virtual MAC address
 * stays up, routes stay.
 *
 * Who comes takes from the carry what a restarted worker takes from its state page, and more; then
 * everything is as after a crash (router_io.c), but that a restart may last longer. Lent addresses
 * that are wanted are made to last forever again, which is no repair. What else has a lifetime that
 * somebody gave it is not ours to change, unless it bears our tag. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/carry.h"
#include "core/statepage.h"
#include "core/worker.h"
#include "net/monitor_io.h"
#include "net/rtnl_writer_io.h"
#include "vrrp/auth.h"
#include "vrrp/heir.h"
#include "vrrp/worker_io.h"

#define NO_ROOM (5 * NSTIME_MS)
#define LENDINGS 16 /* rounds: as many addresses as there may be, and what the kernel refused */

/* ---- lifetimes of addresses ----------------------------------------------------------------- */

static bool lifetime_put(struct held *held, const struct address *there, uint32_t valid,
			 uint32_t preferred)
{
	struct rtnl_op op = {.kind = RTNL_ADDRESS,
			     .address = {.action = ADDRESS_CHANGE, .address = *there}};

	op.address.address.valid = valid;
	op.address.address.preferred = preferred;
	if (rtnl_writer_put(held->port->worker->writer, &op, (uintptr_t)held | LEASE_COOKIE))
		return false;
	held->busy++;
	held->port->pending++;
	return true;
}

static nstime lease_of(const struct held *held)
{
	const struct router *router = held->router;

	return router ? vrrp_lease(router->about.version, router->about.advert_interval)
		      : VRRP_LEASE_MIN;
}

/* False: there is no room for more just now. */
static bool lend(struct held *held, nstime longest)
{
	const struct address *there = held->owned && held->present ? vips_told(held) : NULL;
	uint32_t seconds = vrrp_lease_seconds(nstime_min(lease_of(held), longest));

	if (held->lent || !there)
		return true;
	held->lent = lifetime_put(held, there, seconds,
				  there->preferred < seconds ? there->preferred : seconds);
	return held->lent;
}

static void lend_all(struct vrrp_worker *worker)
{
	nstime longest = worker->depart_until - clock_now();

	for (size_t i = 0; i < worker->port_count; i++)
		for (size_t j = 0; j < worker->ports[i]->held_count; j++)
			if (!lend(worker->ports[i]->helds[j], longest))
				return;
}

void leases_end(struct port *port)
{
	for (size_t i = 0; i < port->held_count; i++) {
		struct held *held = port->helds[i];
		const struct address *there = vips_told(held);
		uint32_t preferred = held->made && held->prefix.address.family == AF_INET6
					     ? 0
					     : ADDRESS_FOREVER;

		if (!held->lent || !held->wants || held->busy || !there)
			continue;
		if (!lifetime_put(held, there, ADDRESS_FOREVER, preferred)) {
			worker_later(port->worker, clock_now() + NO_ROOM);
			return;
		}
	}
}

void leases_done(struct vrrp_worker *worker, uint64_t cookie, const struct address_op *op,
		 int error)
{
	struct held *held = (struct held *)(uintptr_t)(cookie - LEASE_COOKIE);
	char address[ADDRESS_TEXT];

	held->busy--;
	held->port->pending--;
	held->answered = clock_now();
	if (error && error != -ENODEV && error != -EADDRNOTAVAIL)
		log_error("the lifetime of %s cannot be changed: %s",
			  address_format(&op->address, address), strerror(-error));
	/* one that could not be lent is tried again; one that could not be lifted differs from now on,
	 * and is put right as any other */
	held->lent &= !error && op->address.valid != ADDRESS_FOREVER;
	worker_touch(worker, held->port);
}

/* ---- leaving -------------------------------------------------------------------------------- */

static struct vrrp_heir heir_of(const struct router *router)
{
	const struct vrrp_machine *machine = &router->machine;

	return (struct vrrp_heir){
		.state = (uint8_t)machine->state,
		.releasing = vrrp_fsm_releasing(machine),
		.standing = machine->standing || machine->stepping,
		.heard = machine->peer_heard,
		.last_advert = router->page ? router->page->last_advert : 0,
		.master = machine->master,
		.since = machine->since,
		.transitions = machine->transitions,
		.sent = router->sent,
		.received = router->received,
		.counter = router->counters ? router->counters->highest : 0,
	};
}

/* -ENOMEM. */
static int carry_make(const struct vrrp_worker *worker, struct arena *arena, struct writer *out)
{
	size_t count = worker->router_count, size = 0;
	struct vrrp_heirs heirs = {.list = arena_array(arena, count + 1, sizeof(*heirs.list)),
				   .deadline = worker->depart_until};
	const char **names = arena_array(arena, count + 1, sizeof(*names));
	const char **all = arena_array(arena, count + 1, sizeof(*all));
	uint8_t *bytes;

	for (size_t i = 0; i < count && !arena_failed(arena); i++) {
		const struct router *router = worker->routers[i];

		all[i] = router->about.name;
		if (!router->started)
			continue;
		names[heirs.count] = router->about.name;
		heirs.list[heirs.count++] = heir_of(router);
		size += strlen(router->about.name);
	}
	if (arena_failed(arena))
		return -ENOMEM;
	size = vrrp_heirs_size(heirs.count, size) + trackers_carry_size(worker, all);
	bytes = arena_alloc(arena, size);
	if (arena_failed(arena))
		return -ENOMEM;
	*out = writer_of(bytes, size);
	carry_begin(out);
	vrrp_heirs_put(out, &heirs, names);
	trackers_carry(worker, out, all);
	return out->failed ? -ENOMEM : 0;
}

static void left(struct vrrp_worker *worker)
{
	auto_arena *arena = arena_new(0);
	struct writer out = {0};

	if (!arena || carry_make(worker, arena, &out)) {
		log_error("no memory to hand over who is MASTER");
		out = (struct writer){0};
	}
	worker_left(worker->frame, out.start, writer_used(&out));
}

void depart_settle(struct vrrp_worker *worker)
{
	if (worker->gone || rtnl_writer_pending(worker->writer))
		return;
	if (worker->depart_until && worker->synced && worker->configured &&
	    worker->lendings++ < LENDINGS)
		lend_all(worker);
	if (rtnl_writer_pending(worker->writer))
		return;
	worker->gone = true;
	for (size_t i = 0; i < worker->router_count; i++)
		router_last_word(worker->routers[i]);
	left(worker);
}

/* While a release is under way there is nothing to leave: it ends by itself. */
void depart(void *ctx, nstime deadline)
{
	struct vrrp_worker *worker = ctx;

	if (worker->stopping)
		return;
	worker->departing = true;
	worker->depart_until = deadline;
	timer_at(&worker->settle, 0);
}

/* ---- coming --------------------------------------------------------------------------------- */

void inherit(void *ctx, struct reader *in)
{
	struct vrrp_worker *worker = ctx;
	struct vrrp_heirs heirs = {0};
	auto_arena *arena = arena_new(0);
	const struct reader trackers = *in;
	int err = arena ? vrrp_heirs_get(in, arena, &heirs) : -ENOMEM;

	if (err) {
		log_warning("what the vrrp worker of before left cannot be read: %s",
			    strerror(-err));
		return;
	}
	inherit_end(worker);
	worker_keep(worker->frame, &trackers);
	worker->heirs = calloc(1, sizeof(*worker->heirs));
	if (!worker->heirs)
		return;
	*worker->heirs = heirs;
	worker->heirs_arena = take(arena);
	worker->restarted = heirs.deadline != 0;
}

void inherit_end(struct vrrp_worker *worker)
{
	free(worker->heirs);
	arena_free(worker->heirs_arena);
	worker->heirs = NULL;
	worker->heirs_arena = NULL;
}

static const struct vrrp_heir *heir_find(const struct router *router)
{
	const struct vrrp_heirs *heirs = router->worker->heirs;

	return heirs ? vrrp_heirs_find(heirs, router->about.name) : NULL;
}

void router_inherit(struct router *router)
{
	const struct vrrp_heir *heir = heir_find(router);
	struct statepage_instance *page = router->page;

	if (!heir)
		return;
	router->sent = heir->sent;
	router->received = heir->received;
	if (router->counters)
		router->counters->highest = heir->counter;
	if (!page)
		return;
	page->last_advert = heir->last_advert;
	page->state = heir->state;
	page->releasing = heir->releasing;
	page->standing = heir->standing;
	page->heard = heir->heard;
	page->master = heir->master;
}

/* It went on as if nothing had been. */
void router_inherited(struct router *router)
{
	const struct vrrp_heir *heir = heir_find(router);

	if (!heir || router->machine.state != heir->state)
		return;
	router->machine.since = heir->since;
	router->machine.transitions = heir->transitions;
}
