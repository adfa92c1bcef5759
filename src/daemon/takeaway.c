/* See the header. The same plans and the same writer as in the vrrp worker, with nothing desired. */
#include "daemon/takeaway.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "core/log.h"
#include "core/loop.h"
#include "net/owned_io.h"
#include "net/rtnl_io.h"
#include "net/rtnl_writer_io.h"

#define AT_ONCE 1024
#define LAST_WRITES (2 * NSTIME_S)

struct taking {
	struct arena *arena;
	struct loop *loop;
	struct rtnl *rtnl;
	struct rtnl_op *ops;
	size_t count, put, done;
	struct rtnl_writer *writer;
	int error; /* the first one */
};

static struct rtnl_op *add(struct taking *taking, enum rtnl_kind kind)
{
	struct rtnl_op *op = arena_push(taking->arena, &taking->ops, &taking->count, sizeof(*op));

	if (op)
		*op = (struct rtnl_op){.kind = kind};
	return op;
}

/* ---- what is to be done ----------------------------------------------------------------------------------- */

static bool is_ours(const struct route *route)
{
	return route->protocol == ROUTE_PROTOCOL_LBHA;
}

static int add_routes(struct taking *taking, const struct owned_set *set)
{
	struct route_list owned, actual;
	struct route_plan plan;
	int err = owned_routes(taking->arena, set, &owned);

	if (!err && !owned.count)
		return 0;
	if (!err)
		err = rtnl_routes(taking->rtnl, taking->arena, is_ours, &actual);
	if (!err)
		err = route_plan_build(taking->arena, &(struct route_list){0}, &owned, &actual, &plan);
	for (size_t i = 0; !err && i < plan.count; i++) {
		struct rtnl_op *op = add(taking, RTNL_ROUTE);

		if (op)
			op->route = plan.ops[i];
	}
	return err;
}

static int add_addresses(struct taking *taking, const struct owned_set *set)
{
	struct address_list owned, actual;
	struct address_plan plan;
	int err = owned_addresses(taking->arena, set, &owned);

	if (!err)
		err = rtnl_addresses(taking->rtnl, taking->arena, 0, &actual);
	if (!err)
		err = address_plan_build(taking->arena, &(struct address_list){0}, &owned, &actual, NULL, 0, &plan);
	for (size_t i = 0; !err && i < plan.count; i++) {
		struct rtnl_op *op = add(taking, RTNL_ADDRESS);

		if (op)
			op->address = plan.ops[i];
	}
	return err;
}

/* A link of that name that has no virtual MAC address is somebody else's. */
static void add_link(struct taking *taking, const struct owned_link *owned)
{
	struct rtnl_op *op = add(taking, RTNL_LINK);
	struct link there;

	if (!op)
		return;
	memcpy(op->link.link.name, owned->name, sizeof(owned->name));
	op->link.action = LINK_FORGET;
	if (rtnl_link_by_name(taking->rtnl, owned->name, &there) || !macvlan_is_virtual(there.mac))
		return;
	op->link.action = LINK_REMOVE;
	op->link.index = there.index;
}

/* What the vrrp worker takes of them (vrrp/tunes_io.c). */
static bool is_of_vrrp(const char *path)
{
	char link[LINK_NAME], name[16];

	return sscanf(path, "net/ipv4/conf/%15[^/]/%15s", link, name) == 2 &&
	       (!strcmp(name, "arp_ignore") || !strcmp(name, "arp_announce"));
}

static void add_sysctl(struct taking *taking, const struct owned_sysctl *owned)
{
	struct rtnl_op *op = is_of_vrrp(owned->path) ? add(taking, RTNL_SYSCTL) : NULL;

	if (!op)
		return;
	op->sysctl = (struct sysctl_order){.action = SYSCTL_GIVE,
					   .op = {.former = owned->former, .value = owned->set}};
	memcpy(op->sysctl.op.path, owned->path, sizeof(owned->path));
}

static int collect(struct taking *taking, int fd)
{
	struct owned_set set;
	int err = owned_read(fd, taking->arena, &set);

	if (!err)
		err = add_routes(taking, &set);
	if (!err)
		err = add_addresses(taking, &set);
	for (size_t i = 0; !err && i < set.count; i++)
		if (set.items[i].kind == OWNED_LINK && !set.items[i].gone)
			add_link(taking, &set.items[i].link);
	for (size_t i = 0; !err && i < set.count; i++)
		if (set.items[i].kind == OWNED_SYSCTL && !set.items[i].gone)
			add_sysctl(taking, &set.items[i].sysctl);
	return !err && arena_failed(taking->arena) ? -ENOMEM : err;
}

/* ---- doing it ------------------------------------------------------------------------------------------------ */

static void put(struct taking *taking)
{
	while (taking->put < taking->count &&
	       !rtnl_writer_put(taking->writer, &taking->ops[taking->put], 0))
		taking->put++;
}

static bool is_gone(int error)
{
	return !error || error == -EADDRNOTAVAIL || error == -ESRCH || error == -ENODEV || error == -ENOENT;
}

static void done(void *ctx, uint64_t cookie, const struct rtnl_op *op, int error)
{
	struct taking *taking = ctx;

	(void)cookie;
	(void)op;
	if (!is_gone(error) && !taking->error)
		taking->error = error;
	put(taking);
	if (++taking->done == taking->count)
		loop_stop(taking->loop);
}

static int carry_out(struct taking *taking, int fd)
{
	static const struct rtnl_writer_ops ops = {.done = done};
	int err;

	if (!taking->count)
		return 0;
	taking->loop = loop_new();
	err = taking->loop ? rtnl_writer_new(taking->loop, AT_ONCE, fd, &ops, taking, &taking->writer) : -ENOMEM;
	if (!err) {
		put(taking);
		err = loop_run(taking->loop);
	}
	rtnl_writer_free(taking->writer, LAST_WRITES);
	loop_free(taking->loop);
	return err ? err : taking->error;
}

int takeaway(int owned)
{
	auto_arena *arena = arena_new(0);
	struct taking taking = {.arena = arena};
	int err = arena ? rtnl_open(&taking.rtnl) : -ENOMEM;

	if (!err)
		err = collect(&taking, owned);
	if (!err)
		err = carry_out(&taking, owned);
	rtnl_close(taking.rtnl);
	if (err)
		log_error("addresses cannot be taken away: %s", strerror(-err));
	return err;
}
