/* A virtual router made, changed and freed: what it needs is allocated here and only here. Its
 * parts (a copy of its configuration, its addresses as the kernel, the announcer and the wire want
 * them) are made whole before they take the place of the old ones. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "config/copy.h"
#include "core/statepage.h"
#include "core/worker.h"
#include "vrrp/accept.h"
#include "vrrp/auth.h"
#include "vrrp/worker_io.h"

/* What most routers keep of their configuration, and for each address: there may be thousands. */
#define ABOUT_ROOM 112
#define VIP_ROOM 80

struct parts {
	struct arena *arena;
	struct instance about;
	struct held **helds;
	uint8_t *wire;
	size_t count, wire_count;
	struct herald *heralds;
	size_t herald_count;
};

static void parts_free(struct parts *parts)
{
	for (size_t i = 0; parts->helds && i < parts->count; i++)
		if (parts->helds[i])
			held_put(parts->helds[i], &parts->about.virtual_addresses[i]);
	arena_free(parts->arena);
}

/* Where an address goes; NULL: out of memory. */
static struct port *vip_port(struct port *own, const struct vip *vip)
{
	return vip->interface ? port_get(own->worker, vip->interface) : own;
}

/* A deep copy, and the addresses as the kernel, the announcer and the wire want them. */
static int parts_make(struct port *port, const struct instance *about, struct parts *out)
{
	size_t count = about->virtual_address_count, size;
	struct parts parts = {.arena = arena_new_small(ABOUT_ROOM + count * VIP_ROOM), .count = count};
	const struct vip *vips;

	if (!parts.arena)
		return -ENOMEM;
	if (instance_copy(parts.arena, about, &parts.about)) {
		arena_free(parts.arena);
		return -ENOMEM;
	}
	vips = parts.about.virtual_addresses;
	parts.helds = arena_array(parts.arena, count, sizeof(*parts.helds));
	size = addr_size(instance_family(&parts.about));
	parts.wire = arena_array(parts.arena, count, size);
	for (size_t i = 0; i < count && !arena_failed(parts.arena); i++) {
		if (vips[i].advertise)
			memcpy(parts.wire + size * parts.wire_count++,
			       vips[i].address.address.bytes, size);
		parts.helds[i] = held_get(vip_port(port, &vips[i]), &vips[i]);
		if (!parts.helds[i])
			break;
	}
	if (arena_failed(parts.arena) || (count && !parts.helds[count - 1]) ||
	    heralds_make(parts.arena, parts.helds, count, &parts.heralds, &parts.herald_count)) {
		parts_free(&parts);
		return -ENOMEM;
	}
	*out = parts;
	return 0;
}

static void parts_take(struct router *router, const struct parts *parts)
{
	router->arena = parts->arena;
	router->about = parts->about;
	router->helds = parts->helds;
	router->address_count = parts->count;
	for (size_t i = 0; i < parts->count; i++)
		parts->helds[i]->router = router;
	router->heralds = parts->heralds;
	router->herald_count = parts->herald_count;
	router->family = instance_family(&parts->about);
	router->wire = parts->wire;
	router->wire_count = parts->wire_count;
	router->wire_print =
		vrrp_addresses_print(router->family, parts->wire, parts->wire_count);
}

static void configure(struct router *router)
{
	const struct instance *about = &router->about;
	const struct vrrp_worker *worker = router->worker;

	router->config.version = about->version;
	router->base_priority = said_base(router);
	router->config.barred = worker->maintenance;
	router->config.priority = trackers_priority(router);
	router->config.preempt = about->preempt;
	router->config.preempt_delay = about->preempt_delay;
	router->config.startup_until =
		nstime_after(worker_page(worker->frame)->created, about->startup_delay);
	router->config.advert_interval = about->advert_interval;
	router->config.carrier_settle = about->carrier_settle;
	router->config.announce = about->announce;
	router->config.ready_until = nstime_after(worker->started, worker->ready_timeout);
}

/* AH counts its adverts and those of its peers, over changes of the configuration too. */
static int counters_make(struct router *router, const struct instance *about)
{
	if (about->authentication.type == VRRP_AUTH_AH && !router->counters)
		router->counters = calloc(1, sizeof(*router->counters));
	return about->authentication.type == VRRP_AUTH_AH && !router->counters ? -ENOMEM : 0;
}

struct router *router_new(struct vrrp_worker *worker, const struct instance *about, uint32_t index)
{
	struct port *port = port_get(worker, about->interface);
	struct router *router = port ? calloc(1, sizeof(*router)) : NULL;
	struct parts parts;

	if (!router)
		return NULL;
	router->worker = worker;
	router->port = port;
	router->index = index;
	router->complaints = (struct log_bucket){.every = 60 * NSTIME_S, .burst = 3};
	if (vlink_attach(router, about) ||
	    timer_init(worker_loop(worker->frame), &router->timer, LOOP_URGENT, router_due, router) ||
	    parts_make(router->home, about, &parts)) {
		vlink_detach(router);
		timer_fini(&router->timer);
		free(router);
		return NULL;
	}
	parts_take(router, &parts);
	if (counters_make(router, about) || !port_attach(port, router) || estate_attach(router)) {
		router_free(router);
		return NULL;
	}
	vrrp_fsm_init(&router->machine, clock_now());
	configure(router);
	router->machine.ready = worker->ready && trackers_known(router);
	wire_open(port);
	return router;
}

void router_free(struct router *router)
{
	if (!router)
		return;
	router_hush(router);
	group_forget(router);
	estate_detach(router);
	port_detach(router->port, router);
	vlink_detach(router);
	timer_fini(&router->timer);
	parts_free(&(struct parts){.arena = router->arena,
				   .about = router->about,
				   .helds = router->helds,
				   .count = router->address_count});
	if (!router->leaving)
		statepage_give_back(router->page);
	free(router->counters);
	free(router->drops);
	free(router->fault_text);
	free(router->repair);
	free(router->missing);
	free(router);
}

int router_change(struct router *router, const struct instance *about)
{
	struct parts parts, old = {.arena = router->arena,
				   .about = router->about,
				   .helds = router->helds,
				   .count = router->address_count};
	bool holds = router->holds, interrupted;
	int err = counters_make(router, about);

	if (!err)
		err = parts_make(router->home, about, &parts);
	if (err)
		return err;
	/* first want the new ones, so that those on both lists stay */
	for (size_t i = 0; holds && i < parts.count; i++)
		parts.helds[i]->wants++;
	estate_want(router, false);
	estate_touch(router);
	interrupted = router_hush(router);
	estate_detach(router);
	parts_take(router, &parts);
	router->holds = holds;
	estate_touch(router);
	if (router->about.route_count)
		routes_touch(router->worker);
	err = estate_attach(router);
	if (interrupted)
		router_announce(router);
	parts_free(&old);
	configure(router);
	vlink_configure(router, about);
	router->port->stale = router->port->rewire = true;
	worker_touch(router->worker, router->port);
	router->changed = true;
	return err;
}

void router_changed(struct router *router)
{
	if (!router->changed)
		return;
	router->changed = false;
	router->config.priority = trackers_priority(router);
	if (router->started)
		router_step(router, (struct vrrp_input){.kind = VRRP_INPUT_CONFIG});
}
