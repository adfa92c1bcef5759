/* An interface that virtual routers use. It is known by name: the link behind it may be absent, go,
 * and come again under another index. One socket serves all its routers; adverts are given out by
 * VRID. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/worker.h"
#include "net/monitor_io.h"
#include "vrrp/advert_io.h"
#include "vrrp/worker_io.h"

#define SOCKET_RETRY (5 * NSTIME_S)

struct port *port_get(struct vrrp_worker *worker, const char *name)
{
	struct port *port;

	for (size_t i = 0; i < worker->port_count; i++)
		if (!strcmp(worker->ports[i]->name, name))
			return worker->ports[i];
	port = calloc(1, sizeof(*port));
	if (!port ||
	    !pointers_push(&worker->ports, &worker->port_count, &worker->port_room, port)) {
		free(port);
		return NULL;
	}
	port->worker = worker;
	if (announcing_init(port)) {
		port_free(port);
		return NULL;
	}
	port->complaints = (struct log_bucket){.every = 60 * NSTIME_S, .burst = 3};
	memcpy(port->name, name, strnlen(name, sizeof(port->name) - 1));
	if (worker->synced)
		port_link(port, monitor_link_by_name(worker->monitor, name));
	return port;
}

void port_free(struct port *port)
{
	struct vrrp_worker *worker = port->worker;

	pointers_remove(&worker->ports, &worker->port_count, port);
	for (size_t i = 0; i < port->held_count; i++)
		free(port->helds[i]);
	advert_socket_close(port->socket);
	announcing_fini(port);
	free(port->helds);
	free(port->routers);
	free(port);
}

bool port_attach(struct port *port, struct router *router)
{
	return pointers_push(&port->routers, &port->router_count, &port->router_room, router);
}

void port_detach(struct port *port, struct router *router)
{
	pointers_remove(&port->routers, &port->router_count, router);
}

/* ---- adverts -------------------------------------------------------------------------------- */

/* The drop is counted by the router it was for, or by all of the interface when it names none of
 * them. */
static void drop(struct port *port, const struct vrrp_advert *advert, enum vrrp_drop why,
		 bool known)
{
	for (size_t i = 0; i < port->router_count; i++) {
		struct router *router = port->routers[i];

		if (!known || router->about.virtual_router_id == advert->virtual_router_id)
			router_dropped(router, why, &advert->source);
	}
}

static bool has_router(const struct port *port, uint8_t virtual_router_id)
{
	for (size_t i = 0; i < port->router_count; i++)
		if (port->routers[i]->about.virtual_router_id == virtual_router_id)
			return true;
	return false;
}

static void received(void *ctx, const void *packet, size_t size)
{
	struct port *port = ctx;
	struct vrrp_advert advert;
	enum vrrp_drop why;
	bool known;

	if (!vrrp_packet_decode(packet, size, &advert, &why)) {
		drop(port, &advert, why, has_router(port, advert.virtual_router_id));
		return;
	}
	known = has_router(port, advert.virtual_router_id);
	if (!known)
		drop(port, &advert, VRRP_DROP_VRID, false);
	for (size_t i = 0; known && i < port->router_count; i++) {
		struct router *router = port->routers[i];

		if (router->about.virtual_router_id == advert.virtual_router_id)
			router_hear(router, &advert);
	}
}

void port_join(struct port *port, const struct router *router)
{
	int err = port->socket_error;

	if (!port->link.index)
		return;
	if (!port->socket)
		err = advert_socket_open(worker_loop(port->worker->frame), port->link.index,
					 received, port, &port->socket);
	if (!err)
		err = advert_socket_join(port->socket, &router->about.multicast_group);
	if (err && port->socket) {
		advert_socket_close(port->socket);
		port->socket = NULL;
	}
	port->socket_error = err;
	if (err)
		worker_later(port->worker, clock_now() + SOCKET_RETRY);
}

/* ---- link ----------------------------------------------------------------------------------- */

static void port_lost(struct port *port)
{
	log_warning("%s: the interface has gone", port->name);
	port->link = (struct link){0};
	advert_socket_close(port->socket);
	port->socket = NULL;
	vips_forget(port);
}

void port_link(struct port *port, const struct link *link)
{
	uint32_t before = port->link.index;

	if (before && (!link || link->index != before))
		port_lost(port);
	if (link) {
		port->link = *link;
		if (link->index != before) {
			port->socket_error = 0;
			for (size_t i = 0; i < port->router_count; i++)
				port_join(port, port->routers[i]);
			vips_refresh(port);
		}
	}
	port->stale = true;
	worker_touch(port->worker, port);
}

/* ---- source --------------------------------------------------------------------------------- */

/* The configured address if the interface has it, else the first one that is not virtual: adverts
 * carry an address of their interface (RFC 9568 section 5.1.1.1). An owner's virtual address is its
 * own. */
struct addr port_source(const struct port *port, const struct instance *about)
{
	struct address_list list = monitor_addresses(port->worker->monitor);
	struct addr first = {0};

	for (size_t i = 0; i < list.count; i++) {
		const struct address *address = &list.items[i];

		if (address->link != port->link.index || address->prefix.address.family != AF_INET)
			continue;
		if (addr_equal(&address->prefix.address, &about->source))
			return about->source;
		if (!first.family && (about->priority == 255 || !vips_has(port, &address->prefix)))
			first = address->prefix.address;
	}
	return first;
}
