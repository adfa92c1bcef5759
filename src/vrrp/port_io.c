/* An interface that virtual routers use. It is known by name: the link behind it may be absent, go,
 * and come again under another index. */
#include <stdlib.h>
#include <string.h>

#include "core/worker.h"
#include "net/monitor_io.h"
#include "vrrp/worker_io.h"

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
	wire_close(port);
	announcing_fini(port);
	free(port->helds);
	free(port->routers);
	free(port->guests);
	free(port);
}

/* ---- link ----------------------------------------------------------------------------------- */

static void port_lost(struct port *port)
{
	if (!port->vlink)
		log_warning("%s: the interface has gone", port->name);
	port->link = (struct link){0};
	wire_close(port);
	vips_forget(port);
}

void port_link(struct port *port, const struct link *link)
{
	uint32_t before = port->link.index;

	if (before && (!link || link->index != before))
		port_lost(port);
	if (link) {
		if (port->link.up && !link->up)
			vips_link_down(port);
		port->link = *link;
		if (link->index != before) {
			port->rewire = true;
			wire_open(port);
			vips_refresh(port);
		}
	}
	if (port->vlink)
		vlink_seen(port->vlink);
	port->stale = true;
	worker_touch(port->worker, port);
}

/* ---- source --------------------------------------------------------------------------------- */

static bool is_virtual(const void *ctx, const struct prefix *prefix)
{
	return vips_has(ctx, prefix);
}

struct vrrp_source port_source(const struct port *port, const struct instance *about)
{
	struct address_list list = monitor_addresses(port->worker->monitor, port->link.index);

	return vrrp_source_choose(about, &list, port->link.index, is_virtual, port);
}
