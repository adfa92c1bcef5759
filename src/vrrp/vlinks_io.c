/* The links that carry virtual MAC addresses, in the kernel: made when their router is, raised while
 * it is MASTER, removed with it. vlink.h says what is next; here it is ordered from the rtnl writer,
 * whose ring keeps the order: up, addresses, and back: down, addresses. What the interface below
 * must not do meanwhile is the business of tunes_io.c.
 *
 * Sysctls of the link, which go with it:
 *   arp_ignore 1    it must not answer for the interface's addresses either
 *   rp_filter       the way back to clients is the interface's: strict would drop what comes in
 *   addr_gen_mode 1, accept_ra 0   no addresses but the virtual ones
 *   forwarding      as the interface's */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "net/monitor_io.h"
#include "net/owned.h"
#include "net/owned_io.h"
#include "net/rtnl_writer_io.h"
#include "net/sysctl_io.h"
#include "vrrp/vlink.h"
#include "vrrp/worker_io.h"

#define RETRY (10 * NSTIME_S)
#define NO_ROOM (5 * NSTIME_MS)
#define SIGHT NSTIME_S /* within which the monitor tells of a link that was made */

struct vlink {
	struct vrrp_worker *worker;
	struct macvlan wanted;
	struct port *port;       /* the link itself */
	struct port *parent;     /* the interface; NULL: left over from before, without a router */
	unsigned users, raises;  /* routers that need it; of these, who have its addresses */
	uint8_t family;
	bool owned;
	bool up;                 /* when all that was ordered is done */
	bool carries;            /* it is up: the kernel has said so */
	unsigned busy;
	uint64_t marked;         /* the alias that was ordered last */
	bool no_redirects;       /* as its router's instance has it */
	uint32_t tuned;          /* index of the link whose sysctls were ordered */
	nstime sight;            /* until then its being made may not have been told */
	int error;
	nstime retry_at;
};

/* ---- the set -------------------------------------------------------------------------------- */

static struct vlink *vlink_find(const struct vrrp_worker *worker, const char *name)
{
	for (size_t i = 0; i < worker->vlink_count; i++)
		if (!strcmp(worker->vlinks[i]->wanted.name, name))
			return worker->vlinks[i];
	return NULL;
}

static struct vlink *vlink_get(struct vrrp_worker *worker, const char *name)
{
	struct vlink *vlink = vlink_find(worker, name);

	if (vlink)
		return vlink;
	vlink = calloc(1, sizeof(*vlink));
	if (!vlink)
		return NULL;
	vlink->worker = worker;
	vlink->port = port_get(worker, name);
	snprintf(vlink->wanted.name, sizeof(vlink->wanted.name), "%s", name);
	if (!vlink->port ||
	    !pointers_push(&worker->vlinks, &worker->vlink_count, &worker->vlink_room, vlink)) {
		free(vlink);
		return NULL;
	}
	vlink->port->vlink = vlink;
	vlink_seen(vlink);
	return vlink;
}

static void vlink_free(struct vlink *vlink)
{
	pointers_remove(&vlink->worker->vlinks, &vlink->worker->vlink_count, vlink);
	vlink->port->vlink = NULL;
	vlink->port->tenant = NULL;
	worker_touch(vlink->worker, vlink->port);
	free(vlink);
}

int vlink_attach(struct router *router, const struct instance *about)
{
	uint8_t family = instance_family(about);
	char name[LINK_NAME];
	struct vlink *vlink;

	router->home = router->port;
	if (!about->virtual_mac)
		return 0;
	macvlan_name(router->port->name, family, about->virtual_router_id, name);
	vlink = vlink_get(router->worker, name);
	if (!vlink)
		return -ENOMEM;
	macvlan_mac(family, about->virtual_router_id, vlink->wanted.mac);
	macvlan_alias(about->name, vlink->wanted.alias);
	vlink->family = family;
	vlink->no_redirects = about->no_redirects;
	vlink->parent = router->port;
	vlink->port->tenant = router;
	vlink->port->rewire = true;
	vlink->users++;
	router->vlink = vlink;
	router->home = vlink->port;
	worker_touch(router->worker, vlink->port);
	return 0;
}

void vlink_configure(struct router *router, const struct instance *about)
{
	struct vlink *vlink = router->vlink;

	if (!vlink)
		return;
	macvlan_alias(about->name, vlink->wanted.alias); /* it is marked anew if that is another */
	worker_touch(vlink->worker, vlink->port);
	if (vlink->no_redirects == about->no_redirects)
		return;
	vlink->no_redirects = about->no_redirects;
	vlink->tuned = 0;
}

void vlink_detach(struct router *router)
{
	struct vlink *vlink = router->vlink;

	if (!vlink)
		return;
	router->vlink = NULL;
	router->home = router->port;
	vlink->users--;
	vlink->raises -= router->raises;
	router->raises = false;
	if (vlink->port->tenant == router)
		vlink->port->tenant = NULL;
	if (!vlink->users)
		vlink->parent = NULL;
	worker_touch(vlink->worker, vlink->port);
}

/* ---- orders --------------------------------------------------------------------------------- */

static bool put(struct vlink *vlink, const struct rtnl_op *op)
{
	if (rtnl_writer_put(vlink->worker->writer, op, (uintptr_t)vlink)) {
		worker_later(vlink->worker, clock_now() + NO_ROOM);
		return false;
	}
	vlink->busy++;
	return true;
}

static bool put_link(struct vlink *vlink, enum link_action action)
{
	const struct rtnl_op op = {
		.kind = RTNL_LINK,
		.link = {.action = action, .index = vlink->port->link.index, .link = vlink->wanted},
	};

	return put(vlink, &op);
}

static bool put_direction(struct vlink *vlink, bool up)
{
	if (!put_link(vlink, up ? LINK_UP : LINK_DOWN))
		return false;
	vlink->up = up;
	vlink->carries &= up;
	return true;
}

/* One after the other: the kernel takes some 30 ms for each, and an address that a master waits for
 * must not stand behind a hundred of them. */
static bool put_remove(struct vlink *vlink)
{
	bool *unlinking = &vlink->worker->unlinking;

	if (*unlinking)
		return false;
	*unlinking = put_link(vlink, LINK_REMOVE);
	return *unlinking;
}

static bool put_add(struct vlink *vlink)
{
	vlink->wanted.parent = vlink->parent->link.index;
	vlink->up = vlink->carries = false;
	vlink->sight = clock_now() + SIGHT;
	return put_link(vlink, LINK_ADD);
}

/* ---- sysctls of the link -------------------------------------------------------------------- */

static int64_t sysctl_of(const char *family, const char *link, const char *name)
{
	char path[SYSCTL_PATH];
	int64_t value = 0;
	int dir = sysctl_open();

	if (dir < 0)
		return 0;
	if (!sysctl_conf_path(path, family, link, name))
		sysctl_read(dir, path, &value);
	close(dir);
	return value;
}

static bool put_sysctl(struct vlink *vlink, const char *family, const char *name, int64_t value)
{
	struct rtnl_op op = {.kind = RTNL_SYSCTL,
			     .sysctl = {.action = SYSCTL_WRITE, .op.value = value}};

	sysctl_conf_path(op.sysctl.op.path, family, vlink->wanted.name, name);
	return put(vlink, &op);
}

/* The stricter of `all` and the link's own rp_filter counts, and 2 is the looser of the two filters:
 * it is set where `all` filters. A link sends redirects if either it or `all` says so, so the ipvs
 * worker, which sees to `all` and to the interfaces, needs this one, too. */
static bool put_tune(struct vlink *vlink)
{
	const char *family = vlink->family == AF_INET6 ? "ipv6" : "ipv4";
	int64_t forwarding = sysctl_of(family, vlink->parent->name, "forwarding");
	bool fine;

	if (vlink->family == AF_INET6)
		fine = put_sysctl(vlink, family, "accept_ra", 0);
	else
		fine = put_sysctl(vlink, family, "arp_ignore", 1) &&
		       put_sysctl(vlink, family, "rp_filter",
				  sysctl_of(family, "all", "rp_filter") ? 2 : 0) &&
		       put_sysctl(vlink, family, "send_redirects",
				  vlink->no_redirects
					  ? 0
					  : sysctl_of(family, "default", "send_redirects"));
	fine = fine && put_sysctl(vlink, family, "forwarding", forwarding) &&
	       put_sysctl(vlink, "ipv6", "addr_gen_mode", 1);
	if (fine)
		vlink->tuned = vlink->port->link.index;
	return fine;
}

/* ---- what is next --------------------------------------------------------------------------- */

static bool is_occupied(const struct port *port)
{
	for (size_t i = 0; i < port->held_count; i++)
		if (port->helds[i]->owned || port->helds[i]->busy)
			return true;
	return false;
}

static enum vlink_step next(const struct vlink *vlink)
{
	const struct port *port = vlink->port;
	const struct vlink_view view = {
		.needed = vlink->users > 0,
		.raised = vlink->raises > 0,
		.owned = vlink->owned,
		.marked = link_alias_print(vlink->wanted.alias) == vlink->marked,
		.tuned = vlink->tuned == port->link.index,
		.occupied = is_occupied(port),
		.parent = vlink->parent ? vlink->parent->link.index : 0,
		.there = &port->link,
		.up = vlink->up,
	};

	return vlink_next(&view, &vlink->wanted);
}

static bool do_step(struct vlink *vlink, enum vlink_step step)
{
	switch (step) {
	case VLINK_IDLE:
		return false;
	case VLINK_ADD:
		return put_add(vlink);
	case VLINK_ADOPT:
		vlink->wanted.parent = vlink->port->link.parent;
		return put_link(vlink, LINK_ADOPT);
	case VLINK_MARK:
		vlink->marked = link_alias_print(vlink->wanted.alias);
		return put_link(vlink, LINK_MARK);
	case VLINK_TUNE:
		return put_tune(vlink);
	case VLINK_UP:
		return put_direction(vlink, true);
	case VLINK_DOWN:
		return put_direction(vlink, false);
	case VLINK_REMOVE:
		return put_remove(vlink);
	case VLINK_FORGET:
		return put_link(vlink, LINK_FORGET);
	}
	return false;
}

static bool must_wait(struct vlink *vlink, nstime now)
{
	nstime until = vlink->error ? vlink->retry_at : 0;

	if (!vlink->port->link.index)
		until = nstime_max(until, vlink->sight);
	if (until <= now)
		return false;
	worker_later(vlink->worker, until);
	return true;
}

static void vlink_settle(struct vlink *vlink)
{
	enum vlink_step step;

	if (!vlink->busy && !vlink->users && !vlink->owned) {
		vlink_free(vlink);
		return;
	}
	if (vlink->busy || must_wait(vlink, clock_now()))
		return;
	/* what is ordered in one go stays in that order */
	do
		step = next(vlink);
	while (do_step(vlink, step) && (step == VLINK_MARK || step == VLINK_TUNE));
}

void vlink_follow(struct router *router)
{
	const struct vrrp_machine *machine = &router->machine;
	struct vlink *vlink = router->vlink;
	bool gone = vrrp_fsm_releasing(machine) && machine->succeeded;
	bool raises = router->holds && !gone;

	if (!vlink || raises == router->raises)
		return;
	router->raises = raises;
	vlink->raises += raises ? 1 : -1u;
	if (vlink->port->link.index && vlink->owned && vlink->tuned == vlink->port->link.index &&
	    vlink->up != (vlink->raises > 0))
		put_direction(vlink, vlink->raises > 0);
	worker_touch(vlink->worker, vlink->port);
}

void vlinks_settle(struct vrrp_worker *worker)
{
	if (!worker->vlink_count && !worker->tune_count)
		return;
	for (size_t i = 0; worker->stopping && i < worker->router_count; i++)
		if (worker->routers[i]->released)
			vlink_detach(worker->routers[i]);
	for (size_t i = worker->vlink_count; i-- > 0;)
		vlink_settle(worker->vlinks[i]);
	for (size_t i = 0; i < worker->vlink_count; i++)
		if (worker->vlinks[i]->users && worker->vlinks[i]->family == AF_INET)
			tunes_need(worker, worker->vlinks[i]->parent);
	tunes_settle(worker);
}

bool vlinks_idle(const struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->vlink_count; i++) {
		const struct vlink *vlink = worker->vlinks[i];

		if (vlink->busy || (!vlink->error && next(vlink) != VLINK_IDLE))
			return false;
	}
	return tunes_idle(worker);
}

/* ---- what has happened ----------------------------------------------------------------------- */

void vlink_seen(struct vlink *vlink)
{
	const struct link *link = &vlink->port->link;

	if (!link->index) {
		vlink->up = vlink->carries = false;
		vlink->tuned = 0;
		vlink->marked = 0;
		return;
	}
	if (macvlan_is(link, &vlink->wanted, vlink->owned))
		vlink->error = 0;
	if (vlink->busy)
		return;
	vlink->up = vlink->carries = link->up;
	vlink->marked = link->alias;
}

static void link_done(struct vlink *vlink, const struct link_op *op, int error)
{
	bool gone = error == -ENODEV; /* it, or what it is on: the monitor tells of that */
	bool fine = !error || gone;

	switch (op->action) {
	case LINK_ADD:
		vlink->owned |= !error;
		break;
	case LINK_ADOPT:
		vlink->owned = true;
		break;
	case LINK_UP:
		vlink->carries = !error && vlink->up;
		break;
	case LINK_REMOVE:
		vlink->worker->unlinking = false;
		vlink->owned &= !fine;
		break;
	case LINK_FORGET:
		vlink->owned = false;
		break;
	case LINK_MARK:
		return; /* it is known by its name and MAC address as well */
	case LINK_DOWN:
		break;
	}
	vlink->error = fine ? 0 : error;
	vlink->retry_at = clock_now() + RETRY;
	if (!error)
		return;
	vlink->sight = 0;
	vlink->up = vlink->port->link.up;
	if (!fine && !vlink->users)
		log_error("%s: the link cannot be removed: %s", vlink->wanted.name, strerror(-error));
}

void vlinks_done(struct vrrp_worker *worker, uint64_t cookie, const struct rtnl_op *op, int error)
{
	struct vlink *vlink;

	timer_at(&worker->settle, 0);
	if (cookie & VLINK_COOKIE_TUNE) {
		tunes_done(cookie, &op->sysctl, error);
		return;
	}
	vlink = (struct vlink *)(uintptr_t)cookie;
	vlink->busy--;
	if (op->kind == RTNL_LINK)
		link_done(vlink, &op->link, error);
	else if (error && error != -ENOENT && error != -ENODEV)
		log_warning("%s cannot be set: %s", op->sysctl.op.path, strerror(-error));
	worker_touch(worker, vlink->port);
	if (vlink->parent)
		worker_touch(worker, vlink->parent);
}

/* ---- what an earlier worker left ------------------------------------------------------------- */

static int adopt_link(struct vrrp_worker *worker, const struct owned_link *owned)
{
	struct vlink *vlink = vlink_get(worker, owned->name);
	const struct link *there;

	if (!vlink)
		return -ENOMEM;
	vlink->owned = true;
	there = &vlink->port->link;
	if (!vlink->users && macvlan_is_virtual(there->mac))
		memcpy(vlink->wanted.mac, there->mac, LINK_MAC);
	vlink_seen(vlink);
	return 0;
}

int vlinks_adopt(struct vrrp_worker *worker, int owned_fd)
{
	auto_arena *arena = arena_new(0);
	struct owned_set set = {0};
	int err = arena ? owned_read(owned_fd, arena, &set) : -ENOMEM;

	for (size_t i = 0; i < set.count && !err; i++) {
		const struct owned *record = &set.items[i];

		if (record->kind == OWNED_LINK)
			err = adopt_link(worker, &record->link);
		else if (record->kind == OWNED_SYSCTL)
			err = tunes_adopt(worker, &record->sysctl);
	}
	return err;
}

/* ---- for others ------------------------------------------------------------------------------ */

bool vlink_carries(const struct router *router)
{
	return router->vlink && router->vlink->carries && router->raises;
}

void vlink_fault(const struct router *router, struct text *text)
{
	const struct vlink *vlink = router->vlink;

	if (!vlink)
		return;
	/* the monitor may tell of it before the writer has answered: whose it is, is known then */
	if (vlink->port->link.index && !macvlan_is(&vlink->port->link, &vlink->wanted,
						   vlink->owned || vlink->busy))
		text_add(text, "there is a link %s already, and it is not this router's",
			 vlink->wanted.name);
	else if (vlink->error)
		text_add(text, "its link %s: %s", vlink->wanted.name, strerror(-vlink->error));
}

void vlinks_free(struct vrrp_worker *worker)
{
	while (worker->vlink_count)
		vlink_free(worker->vlinks[0]);
	free(worker->vlinks);
	tunes_free(worker);
}
