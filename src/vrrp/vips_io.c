/* Virtual addresses in the kernel. Level-triggered: vips_evaluate compares what is wanted with what
 * is there and puts operations for the difference; every answer makes it look again. An address
 * with an operation under way is left alone until the answer has come, so that wishes that change
 * quickly cannot overtake one another.
 *
 * Removals go through the plan of net/address.h, a port at a time and only when nothing else is
 * under way there, since removing a primary address takes its secondaries along. The plan gets our
 * own view of our addresses: the monitor may lag behind the answers of the writer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "net/rtnl_writer_io.h"
#include "net/monitor_io.h"
#include "net/owned.h"
#include "net/owned_io.h"
#include "net/sysctl_io.h"
#include "vrrp/worker_io.h"

#define RETRY (10 * NSTIME_S)
#define NO_ROOM (5 * NSTIME_MS)
#define SECOND_LOOK (200 * NSTIME_MS)
/* The cookie is a port: the address is none of ours. Cookie 0: nobody waits for the answer. */
#define COOKIE_PORT 1

/* ---- the set -------------------------------------------------------------------------------- */

static size_t held_place(const struct port *port, const struct prefix *prefix)
{
	size_t low = 0, high = port->held_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (prefix_compare(&port->helds[middle]->prefix, prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct held *held_find(const struct port *port, const struct prefix *prefix)
{
	size_t place = held_place(port, prefix);

	if (place < port->held_count && !prefix_compare(&port->helds[place]->prefix, prefix))
		return port->helds[place];
	return NULL;
}

static struct held *held_new(struct port *port, const struct prefix *prefix)
{
	size_t place = held_place(port, prefix);
	struct held *held = calloc(1, sizeof(*held));

	if (!held || !pointers_push(&port->helds, &port->held_count, &port->held_room, held)) {
		free(held);
		return NULL;
	}
	held->prefix = *prefix;
	held->port = port;
	memmove(&port->helds[place + 1], &port->helds[place],
		(port->held_count - 1 - place) * sizeof(*port->helds));
	port->helds[place] = held;
	return held;
}

static void held_free_unused(struct held *held)
{
	if (held->users || held->owned || held->busy)
		return;
	pointers_remove(&held->port->helds, &held->port->held_count, held);
	free(held);
}

struct held *held_get(struct port *port, const struct prefix *prefix)
{
	struct held *held = held_find(port, prefix);

	if (!held) {
		held = held_new(port, prefix);
		if (held && port->worker->synced) {
			struct address wanted = address_ours(port->link.index, prefix);
			struct address_list actual = monitor_addresses(port->worker->monitor);

			held->present = address_find(&actual, &wanted) != NULL;
		}
	}
	if (held)
		held->users++;
	return held;
}

bool vips_has(const struct port *port, const struct prefix *prefix)
{
	return held_find(port, prefix) != NULL;
}

void held_put(struct held *held)
{
	held->users--;
	held_free_unused(held);
}

/* ---- what the kernel has -------------------------------------------------------------------- */

static void forget_line(struct vrrp_worker *worker, const struct owned_address *owned)
{
	struct rtnl_op op = {
		.kind = RTNL_ADDRESS,
		.address = {.action = ADDRESS_FORGET,
			    .address = address_ours(owned->link, &owned->prefix)},
	};

	rtnl_writer_put(worker->writer, &op, 0);
}

/* An address of the file whose link is still the same one is ours; the line of any other is struck
 * out. */
static int adopt_one(struct vrrp_worker *worker, const struct owned_address *owned)
{
	const struct link *link = monitor_link_by_index(worker->monitor, owned->link);
	struct port *port;
	struct held *held;

	if (!link) {
		forget_line(worker, owned);
		return 0;
	}
	port = port_get(worker, link->name);
	held = port ? held_get(port, &owned->prefix) : NULL;
	if (!held)
		return -ENOMEM;
	held->users--;
	held->owned = true;
	return 0;
}

int vips_adopt(struct vrrp_worker *worker, int owned_fd)
{
	auto_arena *arena = arena_new(0);
	struct owned_set set = {0};
	int err = arena ? owned_read(owned_fd, arena, &set) : -ENOMEM;

	for (size_t i = 0; i < set.count && !err; i++)
		if (set.items[i].kind == OWNED_ADDRESS && !set.items[i].gone)
			err = adopt_one(worker, &set.items[i].address);
	return err;
}

void vips_refresh(struct port *port)
{
	struct address_list actual = monitor_addresses(port->worker->monitor);

	for (size_t i = 0; i < port->held_count; i++)
		port->helds[i]->present = false;
	for (size_t i = 0; i < actual.count; i++) {
		struct held *held = NULL;

		if (actual.items[i].link == port->link.index)
			held = held_find(port, &actual.items[i].prefix);
		if (held)
			held->present = true;
	}
	worker_touch(port->worker, port);
}

void vips_forget(struct port *port)
{
	for (size_t i = port->held_count; i-- > 0;) {
		struct held *held = port->helds[i];

		held->owned = held->present = false;
		held_free_unused(held);
	}
}

void vips_present(struct vrrp_worker *worker, const struct address *address, bool present)
{
	for (size_t i = 0; i < worker->port_count; i++) {
		struct port *port = worker->ports[i];
		struct held *held;

		if (port->link.index != address->link)
			continue;
		held = held_find(port, &address->prefix);
		if (held && held->busy)
			port->look_again = clock_now() + SECOND_LOOK; /* us or somebody else? */
		else if (held)
			held->present = present;
		port->stale = true;
		worker_touch(worker, port);
		return;
	}
}

/* ---- putting things right ------------------------------------------------------------------- */

static bool put(struct port *port, const struct address_op *op, struct held *held)
{
	uint64_t cookie = held ? (uintptr_t)held : (uintptr_t)port | COOKIE_PORT;
	struct rtnl_op order = {.kind = RTNL_ADDRESS, .address = *op};

	if (rtnl_writer_put(port->worker->writer, &order, cookie)) {
		worker_later(port->worker, clock_now() + NO_ROOM);
		return false;
	}
	port->pending++;
	if (held)
		held->busy++;
	return true;
}

/* When a missing address may be put in; what somebody else removed again and again has to wait. */
static nstime addition_due(const struct held *held, nstime now)
{
	if (held->error)
		return nstime_max(now, held->retry_at);
	return held->owned ? repair_due(&held->repair, now) : now;
}

static bool add(struct port *port, struct held *held)
{
	struct address_op op = {.action = ADDRESS_ADD,
				.address = address_ours(port->link.index, &held->prefix)};
	nstime now = clock_now(), due = addition_due(held, now);

	if (due > now) {
		worker_later(port->worker, due);
		return true;
	}
	return put(port, &op, held);
}

static bool promotes(const struct port *port)
{
	int64_t all = 0, one = 0;
	char path[SYSCTL_PATH];
	int dir = sysctl_open();

	if (dir < 0)
		return false;
	sysctl_read(dir, "net/ipv4/conf/all/promote_secondaries", &all);
	if (!sysctl_conf_path(path, "ipv4", port->link.name, "promote_secondaries"))
		sysctl_read(dir, path, &one);
	close(dir);
	return all || one;
}

/* The three lists of the plan, of this link alone, with our own knowledge of our own addresses. */
static int lists(const struct port *port, struct arena *arena, struct address_list *desired,
		 struct address_list *owned, struct address_list *actual)
{
	struct address_list seen = monitor_addresses(port->worker->monitor);

	desired->items = arena_array(arena, port->held_count + 1, sizeof(struct address));
	owned->items = arena_array(arena, port->held_count + 1, sizeof(struct address));
	actual->items =
		arena_array(arena, seen.count + port->held_count + 1, sizeof(struct address));
	if (arena_failed(arena))
		return -ENOMEM;
	for (size_t i = 0; i < seen.count; i++) {
		const struct held *held = held_find(port, &seen.items[i].prefix);

		if (seen.items[i].link == port->link.index && (!held || held->present))
			actual->items[actual->count++] = seen.items[i];
	}
	for (size_t i = 0; i < port->held_count; i++) {
		const struct held *held = port->helds[i];
		struct address address = address_ours(port->link.index, &held->prefix);

		if (held->owned)
			owned->items[owned->count++] = address;
		if (held->wants && held->present)
			desired->items[desired->count++] = address;
		if (held->present && !address_find(actual, &address))
			actual->items[actual->count++] = address;
	}
	return 0;
}

static void remove_unwanted(struct port *port)
{
	struct address_list desired = {0}, owned = {0}, actual = {0};
	uint32_t link = port->link.index;
	struct address_plan plan = {0};
	auto_arena *arena = arena_new(0);
	int err = arena ? lists(port, arena, &desired, &owned, &actual) : -ENOMEM;

	if (!err)
		err = address_plan_build(arena, &desired, &owned, &actual, &link,
					 promotes(port) ? 1 : 0, &plan);
	if (err) {
		log_error("no memory to remove the addresses on %s", port->name);
		worker_later(port->worker, clock_now() + NSTIME_S);
	}
	if (plan.count > rtnl_writer_room(port->worker->writer)) {
		worker_later(port->worker, clock_now() + NO_ROOM);
		return;
	}
	for (size_t i = 0; i < plan.count; i++)
		if (plan.ops[i].action != ADDRESS_ADOPT)
			put(port, &plan.ops[i], held_find(port, &plan.ops[i].address.prefix));
}

/* What the monitor told while an operation was under way is looked at when all has settled. */
static void second_look(struct port *port)
{
	if (!port->look_again)
		return;
	if (clock_now() < port->look_again) {
		worker_later(port->worker, port->look_again);
	} else if (!port->pending) {
		port->look_again = 0;
		vips_refresh(port);
	}
}

/* What somebody else took away in maintenance is put back when that is over. */
static bool is_left_alone(const struct held *held)
{
	return held->port->worker->maintenance && held->owned && !held->present;
}

void vips_add(struct port *port)
{
	for (size_t i = 0; port->link.index && i < port->held_count; i++) {
		struct held *held = port->helds[i];

		if (!held->busy && held->wants && !(held->owned && held->present) &&
		    !is_left_alone(held) &&
		    !add(port, held))
			return;
	}
}

void vips_evaluate(struct port *port)
{
	bool unwanted = false;

	if (!port->link.index)
		return;
	second_look(port);
	vips_add(port);
	for (size_t i = 0; i < port->held_count; i++) {
		const struct held *held = port->helds[i];

		unwanted |= !held->wants && held->owned &&
			    (!held->error || clock_now() >= held->retry_at);
	}
	if (unwanted && !port->pending)
		remove_unwanted(port);
}

/* ---- answers -------------------------------------------------------------------------------- */

static void added(struct held *held, int error)
{
	nstime now = clock_now();
	char address[PREFIX_TEXT];

	if (error && error != -EEXIST) {
		held->present = false;
		if (error == -ENODEV)
			return; /* the monitor will tell that the link has gone */
		held->error = error;
		held->retry_at = now + RETRY;
		return;
	}
	if (held->owned && !error) {
		repair_done(&held->repair, now);
		log_warning("%s: %s was removed by somebody else, put back%s", held->port->name,
			    prefix_format(&held->prefix, address),
			    repair_contested(&held->repair) ? "; it keeps being removed" : "");
	}
	held->fresh |= !error;
	held->error = 0;
	held->owned = held->present = true;
}

static void removed(struct held *held, int error)
{
	char address[PREFIX_TEXT];

	if (error && error != -EADDRNOTAVAIL && error != -ENODEV) {
		held->error = error;
		held->retry_at = clock_now() + RETRY;
		worker_later(held->port->worker, held->retry_at);
		log_error("%s: %s cannot be removed: %s", held->port->name,
			  prefix_format(&held->prefix, address), strerror(-error));
		return;
	}
	held->error = 0;
	held->owned = held->present = false;
	held->repair = (struct repair){0};
}

static void answered(struct held *held, enum address_action action, int error)
{
	switch (action) {
	case ADDRESS_ADD:
		added(held, error);
		break;
	case ADDRESS_ADOPT:
		held->owned = held->present = true;
		break;
	case ADDRESS_REMOVE:
		removed(held, error);
		break;
	case ADDRESS_FORGET:
		held->owned = held->present = false;
		break;
	case ADDRESS_RESTORE:
		held->present = !error || error == -EEXIST;
		break;
	case ADDRESS_CHANGE:
	case ADDRESS_LIFT:
		break;
	}
}

void vips_done(struct vrrp_worker *worker, uint64_t cookie, const struct address_op *op,
	       int error)
{
	bool foreign = cookie & COOKIE_PORT;
	struct held *held = foreign ? NULL : (struct held *)(uintptr_t)cookie;
	struct port *port = held ? held->port : NULL;
	char text[ADDRESS_TEXT];

	if (foreign)
		port = (struct port *)(uintptr_t)(cookie - COOKIE_PORT);
	if (op->action == ADDRESS_RESTORE && error && error != -EEXIST)
		log_error("%s went with its primary address and could not be put back: %s",
			  address_format(&op->address, text), strerror(-error));
	if (!port)
		return;
	if (op->address.link != port->link.index)
		error = -ENODEV; /* that was the link of before */
	port->pending--;
	if (held) {
		held->busy--;
		answered(held, op->action, error);
		held_free_unused(held);
	}
	worker_touch(worker, port);
}

/* Nothing is under way for it, and nothing is to be done that could be done now. */
static bool held_idle(const struct held *held)
{
	bool in_place = held->owned && held->present;

	if (held->busy)
		return false;
	if (held->error || !held->port->link.index)
		return true;
	if (held->wants)
		return in_place || held->repair.streak || is_left_alone(held);
	return !held->owned;
}

bool vips_idle(const struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->port_count; i++)
		for (size_t j = 0; j < worker->ports[i]->held_count; j++)
			if (!held_idle(worker->ports[i]->helds[j]))
				return false;
	return !rtnl_writer_pending(worker->writer);
}
