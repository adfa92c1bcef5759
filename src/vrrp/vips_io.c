/* Virtual addresses in the kernel. Level-triggered: vips_evaluate compares what is wanted with what
 * is there and puts operations for the difference; every answer makes it look again. An address
 * with an operation under way is left alone until the answer has come, so that wishes that change
 * quickly cannot overtake one another.
 *
 * Removals and changes go through the plan of net/address.h, a port at a time and only when nothing
 * else is under way there, since removing a primary address takes its secondaries along. The plan
 * gets our own view of our addresses: the monitor may lag behind the answers of the writer, so what
 * it tells within SECOND_LOOK of an answer is looked at later.
 *
 * An IPv6 address works a little later than the kernel's answer: its route is put in by a work item
 * (addrconf_dad_work), which then tells the monitor. Until then it is awaited; if it goes before
 * that, with its link, the kernel tells neither. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "net/monitor_io.h"
#include "net/owned.h"
#include "net/owned_io.h"
#include "net/rtnl_writer_io.h"
#include "net/sysctl_io.h"
#include "vrrp/vip.h"
#include "vrrp/worker_io.h"

#define RETRY (10 * NSTIME_S)
#define RETRY_REMOVE NSTIME_S /* somebody else may be its master */
#define NO_ROOM (5 * NSTIME_MS)
#define SECOND_LOOK (200 * NSTIME_MS)
#define AWAITED NSTIME_S /* the kernel says at most so late that an IPv6 address works */
/* The cookie is a port: the address is none of ours. Cookie 0: nobody waits for the answer. */
#define COOKIE_PORT 1

/* ---- the set -------------------------------------------------------------------------------- */

static size_t held_place(const struct port *port, const struct prefix *prefix)
{
	size_t low = 0, high = port->held_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (address_compare_prefixes(&port->helds[middle]->prefix, prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct held *held_find(const struct port *port, const struct prefix *prefix)
{
	size_t place = held_place(port, prefix);

	if (place < port->held_count &&
	    !address_compare_prefixes(&port->helds[place]->prefix, prefix))
		return port->helds[place];
	return NULL;
}

/* As it shall stand in the kernel. */
static struct address wanted_of(const struct held *held)
{
	const struct port *port = held->port;

	if (held->about)
		return vip_address(held->about, port->link.index, port->link.name, port->vlink);
	return address_ours(port->link.index, &held->prefix);
}

/* As the kernel has it. Newer kernels drop our tag when somebody else changes the address: what we
 * put in is ours all the same. */
static struct address known_as(struct held *held, const struct address *there)
{
	struct address address = *there;

	held->made |= held->owned && there->protocol == ADDRESS_PROTOCOL_LBHA;
	if (held->made)
		address.protocol = ADDRESS_PROTOCOL_LBHA;
	if (held->lent) { /* leases_end sees to that */
		struct address wanted = wanted_of(held);

		address.valid = wanted.valid;
		address.preferred = wanted.preferred;
	}
	return address;
}

const struct address *vips_told(const struct held *held)
{
	struct address wanted = wanted_of(held);

	return monitor_address(held->port->worker->monitor, &wanted);
}

/* Was it us or somebody else? That is seen when all has settled. */
static void look_later(struct port *port)
{
	if (!port->look_again)
		port->look_again = clock_now() + SECOND_LOOK;
	worker_later(port->worker, port->look_again);
}

/* Takes over what the monitor knows. */
static void held_see(struct held *held)
{
	struct address wanted = wanted_of(held), known;
	const struct address *there = vips_told(held);

	if (!there && held->awaited && clock_now() < held->answered + AWAITED) {
		look_later(held->port);
		return;
	}
	held->awaited = false;
	held->lost |= held->lent && held->present && !there; /* its time was over */
	held->lent &= there != NULL;
	held->present = there != NULL;
	held->differs = held->dead = false;
	if (there && held->about) {
		known = known_as(held, there);
		held->differs = address_change(&known, &wanted) != ADDRESS_ALIKE;
		held->dead = address_is_dead(there);
	}
	held->reconfigured &= held->differs;
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

/* One that is there already is looked at anew: it may be wanted with other attributes. */
struct held *held_get(struct port *port, const struct vip *vip)
{
	struct held *held = port ? held_find(port, &vip->address) : NULL;

	if (port && !held)
		held = held_new(port, &vip->address);
	if (!held)
		return NULL;
	held->users++;
	held->about = vip;
	if (port->worker->synced && !held->busy)
		held_see(held);
	held->reconfigured = (held->differs && !held->dead) || held->busy;
	worker_touch(port->worker, port);
	return held;
}

bool vips_has(const struct port *port, const struct prefix *prefix)
{
	return held_find(port, prefix) != NULL;
}

void held_put(struct held *held, const struct vip *vip)
{
	held->users--;
	if (held->about == vip) {
		held->about = NULL;
		held->router = NULL;
	}
	held_free_unused(held);
}

/* What is on its way out, or not in yet, is nobody's to hand on. */
void vips_hand_over(struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->port_count; i++)
		for (size_t j = 0; j < worker->ports[i]->held_count; j++) {
			struct held *held = worker->ports[i]->helds[j];

			held->handed = held->wants && held->owned && held->present && !held->busy;
		}
}

bool vips_handed(const struct router *router)
{
	for (size_t i = 0; i < router->address_count; i++)
		if (router->helds[i]->handed)
			return true;
	return false;
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
	const struct address *there;
	struct port *port;
	struct held *held;

	if (!link) {
		forget_line(worker, owned);
		return 0;
	}
	port = port_get(worker, link->name);
	held = port ? held_find(port, &owned->prefix) : NULL;
	if (port && !held)
		held = held_new(port, &owned->prefix);
	if (!held)
		return -ENOMEM;
	held->owned = true;
	there = vips_told(held);
	held->lent = there && there->valid != ADDRESS_FOREVER &&
		     (worker->restarted || there->protocol == ADDRESS_PROTOCOL_LBHA);
	held_see(held);
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
	return err ? err : routes_adopt(worker, &set);
}

static bool is_settled(const struct held *held)
{
	return !held->busy && clock_now() >= held->answered + SECOND_LOOK;
}

static void see_when_settled(struct held *held)
{
	if (is_settled(held))
		held_see(held);
	else
		look_later(held->port);
}

void vips_refresh(struct port *port)
{
	for (size_t i = 0; i < port->held_count; i++)
		see_when_settled(port->helds[i]);
	worker_touch(port->worker, port);
}

/* The kernel takes the IPv6 addresses of a link that is set down; of those that it has not told of
 * yet it tells nothing. */
void vips_link_down(struct port *port)
{
	for (size_t i = 0; i < port->held_count; i++) {
		struct held *held = port->helds[i];

		if (held->prefix.address.family != AF_INET6)
			continue;
		held->lost = held->present;
		held->present &= !held->awaited;
		held->awaited = false;
	}
}

void vips_forget(struct port *port)
{
	for (size_t i = port->held_count; i-- > 0;) {
		struct held *held = port->helds[i];

		held->owned = held->present = held->made = held->differs = held->dead = false;
		held->error = 0;
		held->awaited = false;
		held->answered = 0;
		held->repair = (struct repair){0};
		held_free_unused(held);
	}
}

void vips_seen(struct vrrp_worker *worker, const struct address *address)
{
	for (size_t i = 0; i < worker->port_count; i++) {
		struct port *port = worker->ports[i];
		struct held *held;

		if (port->link.index != address->link)
			continue;
		held = held_find(port, &address->prefix);
		if (held) {
			held->heard = vips_told(held) != NULL;
			held->awaited &= !held->heard;
			see_when_settled(held);
		}
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
	if (held) {
		held->busy++;
		held->heard = false;
	}
	return true;
}

/* When an address may be put in or right. What somebody else undoes again and again has to wait;
 * what he does in maintenance, until that is over. */
static nstime repair_at(const struct held *held, nstime now)
{
	if (held->error)
		return nstime_max(now, held->retry_at);
	if (!held->owned || held->lost || held->reconfigured)
		return now;
	return held->port->worker->maintenance ? NSTIME_NEVER : repair_due(&held->repair, now);
}

static bool may_repair(const struct held *held)
{
	nstime now = clock_now(), due = repair_at(held, now);

	if (due > now && due < NSTIME_NEVER)
		worker_later(held->port->worker, due);
	return due <= now;
}

static bool add(struct port *port, struct held *held)
{
	struct address_op op = {.action = ADDRESS_ADD, .address = wanted_of(held)};

	return !may_repair(held) || put(port, &op, held);
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

static void list_add(struct address_list *list, const struct address *address)
{
	list->items[list->count++] = *address;
}

/* One of ours, which the kernel has as `there`. It is wanted as it is there, unless it may be
 * changed now. */
static void list_held(struct held *held, const struct address *there, struct address_list *desired,
		      struct address_list *owned)
{
	struct address wanted = wanted_of(held);
	bool changes = held->differs && repair_at(held, 0) <= clock_now();

	held->listed = true;
	if (held->wants)
		list_add(desired, changes ? &wanted : there);
	if (held->owned)
		list_add(owned, there);
}

/* The three lists of the plan, of this link alone, with our own knowledge of our own addresses. */
static int lists(const struct port *port, struct arena *arena, struct address_list *desired,
		 struct address_list *owned, struct address_list *actual)
{
	struct address_list seen = monitor_addresses(port->worker->monitor, port->link.index);

	desired->items = arena_array(arena, port->held_count + 1, sizeof(struct address));
	owned->items = arena_array(arena, port->held_count + 1, sizeof(struct address));
	actual->items =
		arena_array(arena, seen.count + port->held_count + 1, sizeof(struct address));
	if (arena_failed(arena))
		return -ENOMEM;
	for (size_t i = 0; i < port->held_count; i++)
		port->helds[i]->listed = false;
	for (size_t i = 0; i < seen.count; i++) {
		struct held *held = held_find(port, &seen.items[i].prefix);

		if (held && !held->present)
			continue;
		list_add(actual, &seen.items[i]);
		if (held) {
			actual->items[actual->count - 1] = known_as(held, &seen.items[i]);
			list_held(held, &seen.items[i], desired, owned);
		}
	}
	for (size_t i = 0; i < port->held_count; i++) {
		struct held *held = port->helds[i];
		struct address address = wanted_of(held);

		if (held->present && !held->listed) {
			list_add(actual, &address);
			list_held(held, &address, desired, owned);
		} else if (held->owned && !held->listed && !held->wants) {
			list_add(owned, &address);
			if (address.prefix.address.family == AF_INET6)
				list_add(actual, &address); /* it may be, unheard of: removed */
		}
	}
	return 0;
}

/* Takes out what is not wanted, and changes what is wanted otherwise. */
static void put_right(struct port *port)
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
		log_error("no memory to put the addresses on %s right", port->name);
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

void vips_add(struct port *port)
{
	for (size_t i = 0; port->link.index && i < port->held_count; i++) {
		struct held *held = port->helds[i];

		if (!held->busy && held->wants && !(held->owned && held->present) &&
		    !add(port, held))
			return;
	}
}

/* Whether the plan has something to do with it now. */
static bool is_wrong(const struct held *held)
{
	if (held->wants)
		return held->present && held->owned && held->differs && may_repair(held);
	if (held->owned && held->error && clock_now() < held->retry_at) {
		worker_later(held->port->worker, held->retry_at);
		return false;
	}
	return held->owned;
}

void vips_evaluate(struct port *port)
{
	bool wrong = false;

	if (!port->link.index)
		return;
	second_look(port);
	leases_end(port);
	vips_add(port);
	for (size_t i = 0; i < port->held_count; i++)
		wrong |= is_wrong(port->helds[i]);
	if (wrong && !port->pending && !routes_first(port->worker))
		put_right(port);
}

/* ---- answers -------------------------------------------------------------------------------- */

/* What somebody else did to it has been undone; nothing is said of what we did ourselves. */
static void repaired(struct held *held, const char *what)
{
	char address[PREFIX_TEXT], words[FACT_DETAIL];

	nstime now = clock_now();

	repair_done(&held->repair, now);
	snprintf(words, sizeof(words), "%s: %s %s%s", held->port->name,
		 prefix_format(&held->prefix, address), what,
		 repair_contested(&held->repair, now) ? "; that keeps coming undone" : "");
	log_warning("%s", words);
	if (held->router)
		router_repaired(held->router, words);
}

static const char *repair_words(const struct held *held)
{
	if (held->dead)
		return "had failed duplicate address detection, put in anew without it";
	if (held->lifted || held->present)
		return "was changed by somebody else, put right";
	return "was removed by somebody else, put back";
}

static void refused(struct held *held, int error, nstime pause)
{
	held->error = error;
	held->retry_at = clock_now() + pause;
	worker_later(held->port->worker, held->retry_at);
}

/* It is as it is wanted, because of us. */
static void settled(struct held *held)
{
	if (held->owned && !held->lost && !held->reconfigured)
		repaired(held, repair_words(held));
	held->differs = held->dead = held->lost = held->lifted = held->reconfigured = false;
	held->owned = held->present = held->made = true;
	held->error = 0;
}

/* What was asked for is asked for once more where nobody knows what came of it. */
static bool asks_again(struct held *held, int error)
{
	held->doubted = rtnl_answer_lost(error) && !held->doubted;
	return held->doubted;
}

static void added(struct held *held, int error)
{
	if (asks_again(held, error)) {
		held->owned = true; /* it may be there, and is ours then */
		held->present = false;
	} else if (error == -EEXIST) {
		held->owned = true;
		held->error = 0;
		held_see(held);
		if (!held->present) /* the monitor lags behind */
			look_later(held->port);
		held->present = true;
	} else if (error) {
		held->owned |= rtnl_answer_lost(error);
		held->present = false;
		if (error != -ENODEV) /* the monitor will tell that the link has gone */
			refused(held, error, RETRY);
	} else {
		settled(held);
		held->fresh = true;
		held->awaited = held->prefix.address.family == AF_INET6 && !held->heard;
		if (held->awaited)
			look_later(held->port);
	}
}

static void changed(struct held *held, int error)
{
	char address[PREFIX_TEXT];

	if (!error) {
		settled(held);
		return;
	}
	log_error("%s: %s cannot be changed: %s", held->port->name,
		  prefix_format(&held->prefix, address), strerror(-error));
	refused(held, error, RETRY);
}

static void removed(struct held *held, int error)
{
	char address[PREFIX_TEXT];

	if (asks_again(held, error))
		return;
	if (error && error != -EADDRNOTAVAIL && error != -ENODEV) {
		if (!held->error)
			log_error("%s: %s cannot be removed: %s; that is tried again every second",
				  held->port->name, prefix_format(&held->prefix, address),
				  strerror(-error));
		refused(held, error, RETRY_REMOVE);
		return;
	}
	if (held->error && !held->wants)
		log_info("%s: %s is removed now", held->port->name,
			 prefix_format(&held->prefix, address));
	held->error = 0;
	held->owned = held->present = held->made = false;
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
		changed(held, error);
		break;
	case ADDRESS_LIFT:
		held->lifted = true;
		held->present = error && error != -EADDRNOTAVAIL;
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
		held->answered = clock_now();
		answered(held, op->action, error);
		held_free_unused(held);
	}
	worker_touch(worker, port);
}

/* Nothing is under way for it, and nothing is to be done that could be done now. */
static bool held_idle(const struct held *held)
{
	bool in_place = held->owned && held->present && !held->differs && !held->lent;
	nstime now = clock_now();

	if (held->busy)
		return false;
	if (held->error || !held->port->link.index)
		return true;
	return held->wants ? in_place || repair_at(held, now) > now : !held->owned;
}

bool vips_idle(const struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->port_count; i++)
		for (size_t j = 0; j < worker->ports[i]->held_count; j++)
			if (!held_idle(worker->ports[i]->helds[j]))
				return false;
	return !rtnl_writer_pending(worker->writer);
}
