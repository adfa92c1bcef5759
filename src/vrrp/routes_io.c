/* Routes that exist while a router is MASTER. Level-triggered like the addresses: routes_evaluate
 * compares what the masters want with what is there and puts operations for the difference (the
 * plan of net/route.h); every answer makes it look again, and nothing is put while one is under way.
 *
 * Addresses go in first and come out last: the writer keeps the order, an evaluation comes before
 * the removal of any address (routes_first).
 *
 * A route in a key's place that is not ours stays there: ours is told as missing and tried again. A
 * route of ours that has gone is put back, except that of a link that is down: the kernel took it and
 * it comes back with the link. Not all of this is told by the kernel (monitor_io.h), so while there
 * are routes the kernel is read now and then, the less often the longer that takes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"
#include "net/monitor_io.h"
#include "net/owned.h"
#include "net/rtnl_writer_io.h"
#include "vrrp/worker_io.h"

#define RETRY (10 * NSTIME_S)
#define NO_ROOM (5 * NSTIME_MS)
#define SECOND_LOOK (200 * NSTIME_MS)
#define READ_EVERY (30 * NSTIME_S)
#define READ_SHARE 200 /* reading takes at most this part of the time */

/* A route by its key. Lives while a router lists it, or it is ours in the kernel, or an operation is
 * under way. */
struct kept {
	struct route route;     /* as it is wanted, or was */
	struct router *router;  /* a master that wants it; NULL: none */
	bool listed;            /* by any router */
	bool owned, busy;
	bool present, told;     /* as we know it, and as the monitor told last */
	bool lost;              /* the kernel took it with its link or address */
	struct route there, told_there;
	int error;              /* the last refusal */
	nstime retry_at, answered;
	struct repair repair;
};

struct routes {
	struct kept **kept;     /* by key */
	size_t count, room;
	size_t pending;         /* operations under way */
	bool touched;           /* to be evaluated */
	bool waited_for;        /* addresses wait with their removal */
	bool known;             /* the kernel was read */
	nstime asked;           /* reading goes on since; 0: none */
	nstime read_at;         /* the next one */
	nstime look_again;      /* what was told meanwhile counts then; 0: nothing */
	nstime due;             /* a retry or a repair; 0: none */
	size_t wanted;          /* by masters */
};

/* ---- the set -------------------------------------------------------------------------------- */

int routes_init(struct vrrp_worker *worker)
{
	worker->routes = calloc(1, sizeof(*worker->routes));
	return worker->routes ? 0 : -ENOMEM;
}

void routes_fini(struct vrrp_worker *worker)
{
	for (size_t i = 0; worker->routes && i < worker->routes->count; i++)
		free(worker->routes->kept[i]);
	if (worker->routes)
		free(worker->routes->kept);
	free(worker->routes);
}

static size_t kept_place(const struct routes *routes, const struct route *route)
{
	size_t low = 0, high = routes->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (route_compare(&routes->kept[middle]->route, route) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct kept *kept_find(const struct routes *routes, const struct route *route)
{
	size_t place = kept_place(routes, route);

	if (place < routes->count && !route_compare(&routes->kept[place]->route, route))
		return routes->kept[place];
	return NULL;
}

static struct kept *kept_get(struct routes *routes, const struct route *route)
{
	struct kept *kept = kept_find(routes, route);
	size_t place = kept_place(routes, route);

	if (kept)
		return kept;
	kept = calloc(1, sizeof(*kept));
	if (!kept || !pointers_push(&routes->kept, &routes->count, &routes->room, kept)) {
		free(kept);
		return NULL;
	}
	kept->route = *route;
	memmove(&routes->kept[place + 1], &routes->kept[place],
		(routes->count - 1 - place) * sizeof(struct kept *));
	routes->kept[place] = kept;
	return kept;
}

static void drop_unused(struct routes *routes)
{
	for (size_t i = routes->count; i-- > 0;) {
		struct kept *kept = routes->kept[i];

		if (kept->listed || kept->owned || kept->busy)
			continue;
		pointers_remove(&routes->kept, &routes->count, kept);
		free(kept);
	}
}

void routes_touch(struct vrrp_worker *worker)
{
	worker->routes->touched = true;
	if (!timer_armed(&worker->settle))
		timer_at(&worker->settle, 0);
}

static void due_at(struct vrrp_worker *worker, nstime when)
{
	if (!worker->routes->due || when < worker->routes->due)
		worker->routes->due = when;
	worker_later(worker, when);
}

void routes_wake(struct vrrp_worker *worker)
{
	if (worker->routes->count && !timer_armed(&worker->settle))
		timer_at(&worker->settle, 0);
}

void routes_forget(struct vrrp_worker *worker, const struct router *router)
{
	for (size_t i = 0; i < worker->routes->count; i++)
		if (worker->routes->kept[i]->router == router)
			worker->routes->kept[i]->router = NULL;
	if (router->about.route_count)
		routes_touch(worker);
}

int routes_adopt(struct vrrp_worker *worker, const struct owned_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct kept *kept;

		if (set->items[i].kind != OWNED_ROUTE || set->items[i].gone)
			continue;
		kept = kept_get(worker->routes, &set->items[i].route.route);
		if (!kept)
			return -ENOMEM;
		kept->owned = true;
		routes_touch(worker);
	}
	return 0;
}

/* ---- what is wanted ------------------------------------------------------------------------- */

static const char *device_of(const struct router *router, const struct vrrp_route *about)
{
	return about->dev ? about->dev : router->about.interface;
}

static struct route wanted_of(const struct router *router, const struct vrrp_route *about)
{
	const struct link *link =
		monitor_link_by_name(router->worker->monitor, device_of(router, about));

	return route_ours(link ? link->index : 0, &about->to, &about->via, about->metric,
			  about->table);
}

/* The routes of one router, wanted by it if it is master. */
static int list_router(struct routes *routes, struct router *router)
{
	for (size_t i = 0; i < router->about.route_count; i++) {
		struct route route = wanted_of(router, &router->about.routes[i]);
		struct kept *kept = kept_get(routes, &route);

		if (!kept)
			return -ENOMEM;
		kept->listed = true;
		if (!router->holds)
			continue;
		kept->router = router;
		kept->route = route;
		routes->wanted++;
	}
	return 0;
}

static int list_all(struct vrrp_worker *worker)
{
	struct routes *routes = worker->routes;
	int err = 0;

	routes->wanted = 0;
	for (size_t i = 0; i < routes->count; i++) {
		routes->kept[i]->listed = false;
		routes->kept[i]->router = NULL;
	}
	for (size_t i = 0; i < worker->router_count && !err; i++)
		err = list_router(routes, worker->routers[i]);
	for (size_t i = 0; i < worker->leaving_count && !err; i++)
		err = list_router(routes, worker->leaving[i]);
	drop_unused(routes);
	return err;
}

static bool has_way(const struct vrrp_worker *worker, const struct kept *kept)
{
	const struct link *link = monitor_link_by_index(worker->monitor, kept->route.link);

	return link && link->up;
}

static nstime addition_due(const struct vrrp_worker *worker, const struct kept *kept, nstime now)
{
	if (!has_way(worker, kept))
		return NSTIME_NEVER;
	if (kept->error)
		return nstime_max(now, kept->retry_at);
	if (!kept->owned || kept->lost)
		return now;
	return worker->maintenance ? NSTIME_NEVER : repair_due(&kept->repair, now);
}

/* ---- putting things right ------------------------------------------------------------------- */

struct lists {
	struct route_list desired, owned, actual;
};

static void list_add(struct route_list *list, const struct route *route)
{
	list->items[list->count++] = *route;
}

static void list_kept(struct vrrp_worker *worker, struct kept *kept, struct lists *lists)
{
	nstime now = clock_now(), due = addition_due(worker, kept, now);

	if (kept->present)
		list_add(&lists->actual, &kept->there);
	if (kept->owned && (kept->present || !kept->router))
		list_add(&lists->owned, &kept->route);
	if (!kept->router || !kept->route.link)
		return;
	if (due > now && due < NSTIME_NEVER)
		due_at(worker, due);
	if (due <= now)
		list_add(&lists->desired, &kept->route);
	else if (kept->present)
		list_add(&lists->desired, &kept->there);
}

static int lists_make(struct vrrp_worker *worker, struct arena *arena, struct lists *lists)
{
	const struct routes *routes = worker->routes;
	struct route_list *all[] = {&lists->desired, &lists->owned, &lists->actual};

	for (size_t i = 0; i < COUNT_OF(all); i++)
		all[i]->items = arena_array(arena, routes->count + 1, sizeof(struct route));
	if (arena_failed(arena))
		return -ENOMEM;
	for (size_t i = 0; i < routes->count; i++)
		list_kept(worker, routes->kept[i], lists);
	return 0;
}

static void put_all(struct vrrp_worker *worker, const struct route_plan *plan)
{
	struct routes *routes = worker->routes;

	if (plan->count > rtnl_writer_room(worker->writer)) {
		worker_later(worker, clock_now() + NO_ROOM);
		return;
	}
	for (size_t i = 0; i < plan->count; i++) {
		struct rtnl_op op = {.kind = RTNL_ROUTE, .route = plan->ops[i]};
		struct kept *kept = kept_find(routes, &plan->ops[i].route);

		if (!kept || rtnl_writer_put(worker->writer, &op, (uintptr_t)kept))
			continue;
		kept->busy = true;
		routes->pending++;
	}
	routes->touched = false;
}

static int put_right(struct vrrp_worker *worker)
{
	auto_arena *arena = arena_new(0);
	struct route_plan plan = {0};
	struct lists lists = {0};
	int err = arena ? lists_make(worker, arena, &lists) : -ENOMEM;

	if (!err)
		err = route_plan_build(arena, &lists.desired, &lists.owned, &lists.actual, &plan);
	if (!err)
		put_all(worker, &plan);
	return err;
}

static void look_at(struct vrrp_worker *worker, struct kept *kept);

static void second_look(struct vrrp_worker *worker)
{
	struct routes *routes = worker->routes;

	if (!routes->look_again)
		return;
	if (clock_now() < routes->look_again) {
		worker_later(worker, routes->look_again);
		return;
	}
	routes->look_again = 0;
	for (size_t i = 0; i < routes->count; i++)
		look_at(worker, routes->kept[i]);
}

/* Reads the kernel: once before anything is done, and then now and then while routes are wanted. */
static void read_if_due(struct vrrp_worker *worker)
{
	struct routes *routes = worker->routes;
	nstime now = clock_now();

	if (routes->asked || !routes->count || (routes->known && !routes->wanted))
		return;
	if (now >= routes->read_at) {
		routes->asked = now;
		monitor_read_routes(worker->monitor);
	} else {
		worker_later(worker, routes->read_at);
	}
}

static void go_on(struct vrrp_worker *worker)
{
	struct routes *routes = worker->routes;

	if (!routes->waited_for || routes->touched)
		return;
	routes->waited_for = false;
	for (size_t i = 0; i < worker->port_count; i++)
		worker_touch(worker, worker->ports[i]);
}

void routes_evaluate(struct vrrp_worker *worker)
{
	struct routes *routes = worker->routes;
	int err;

	if (routes->pending)
		return;
	second_look(worker);
	if (routes->due && clock_now() >= routes->due)
		routes->touched = true;
	if (!routes->touched) {
		read_if_due(worker);
		return;
	}
	routes->due = 0;
	err = list_all(worker);
	read_if_due(worker);
	if (!err && !routes->count)
		routes->touched = false;
	else if (!err && routes->known)
		err = put_right(worker);
	if (err) {
		log_error("no memory to put the routes right");
		due_at(worker, clock_now() + NSTIME_S);
	}
	go_on(worker);
}

bool routes_first(struct vrrp_worker *worker)
{
	worker->routes->waited_for |= worker->routes->touched;
	return worker->routes->touched;
}

/* ---- answers -------------------------------------------------------------------------------- */

static void in_place(struct kept *kept)
{
	char route[ROUTE_TEXT], words[FACT_DETAIL];
	nstime now = clock_now();

	if (kept->owned && !kept->present && !kept->lost) {
		repair_done(&kept->repair, now);
		snprintf(words, sizeof(words), "route %s was removed by somebody else, put back%s",
			 route_format(&kept->route, route),
			 repair_contested(&kept->repair, now) ? "; that keeps coming undone" : "");
		log_warning("%s", words);
		if (kept->router)
			router_repaired(kept->router, words);
	}
	kept->owned = kept->present = true;
	kept->lost = false;
	kept->error = 0;
}

static void refused(struct vrrp_worker *worker, struct kept *kept, int error)
{
	kept->error = error;
	kept->retry_at = clock_now() + RETRY;
	due_at(worker, kept->retry_at);
}

static void removed(struct vrrp_worker *worker, struct kept *kept, int error)
{
	char route[ROUTE_TEXT];

	if (error && error != -ESRCH && error != -ENODEV) {
		refused(worker, kept, error);
		log_error("route %s cannot be removed: %s", route_format(&kept->route, route),
			  strerror(-error));
		return;
	}
	kept->owned = kept->present = kept->lost = false;
	kept->error = 0;
	kept->repair = (struct repair){0};
}

static void answered(struct vrrp_worker *worker, struct kept *kept, const struct route_op *op,
		     int error)
{
	switch (op->action) {
	case ROUTE_ADD:
	case ROUTE_CHANGE:
		if (!error) {
			in_place(kept);
			kept->there = op->route;
			return;
		}
		kept->owned &= op->action == ROUTE_CHANGE;
		refused(worker, kept, error);
		return;
	case ROUTE_ADOPT:
		kept->owned = true;
		return;
	case ROUTE_REMOVE:
		removed(worker, kept, error);
		return;
	case ROUTE_FORGET:
		kept->owned = false;
		return;
	}
}

void routes_done(struct vrrp_worker *worker, uint64_t cookie, const struct route_op *op, int error)
{
	struct kept *kept = (struct kept *)(uintptr_t)cookie;

	kept->busy = false;
	kept->answered = clock_now();
	answered(worker, kept, op, error);
	worker->routes->pending--;
	if (kept->router)
		worker_touch(worker, kept->router->port);
	routes_touch(worker);
}

/* ---- what the kernel tells ------------------------------------------------------------------ */

/* It is there, or no longer: its router tells what is missing. */
static void stands_otherwise(struct vrrp_worker *worker, const struct kept *kept)
{
	routes_touch(worker);
	if (kept->router)
		worker_touch(worker, kept->router->port);
}

/* What is told soon after an answer may be older than the answer. */
static void look_at(struct vrrp_worker *worker, struct kept *kept)
{
	nstime now = clock_now();

	if (!kept->busy && now >= kept->answered + SECOND_LOOK) {
		kept->present = kept->told;
		kept->there = kept->told_there;
		if (kept->present)
			kept->error = 0;
		stands_otherwise(worker, kept);
	} else if (!worker->routes->look_again) {
		worker->routes->look_again = now + SECOND_LOOK;
		worker_later(worker, worker->routes->look_again);
	}
}

void routes_told(struct vrrp_worker *worker, const struct route *route, bool gone)
{
	struct kept *kept = kept_find(worker->routes, route);

	if (!kept)
		return;
	kept->told = !gone;
	if (!gone)
		kept->told_there = *route;
	if (!worker->routes->asked) /* else when all were told */
		look_at(worker, kept);
}

void routes_read_begins(struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->routes->count; i++)
		worker->routes->kept[i]->told = false;
}

void routes_read_ends(struct vrrp_worker *worker)
{
	struct routes *routes = worker->routes;
	nstime now = clock_now();
	nstime took = routes->asked ? now - routes->asked : 0;

	routes->known = true;
	routes->asked = 0;
	routes->read_at = now + nstime_max(READ_EVERY, READ_SHARE * took);
	for (size_t i = 0; i < routes->count; i++)
		look_at(worker, routes->kept[i]);
	routes_touch(worker);
}

static void lose(struct vrrp_worker *worker, uint32_t link, uint8_t family)
{
	for (size_t i = 0; i < worker->routes->count; i++) {
		struct kept *kept = worker->routes->kept[i];

		if (kept->there.link != link || !kept->present ||
		    (family && kept->route.to.address.family != family))
			continue;
		kept->present = kept->told = false;
		kept->lost = true;
		stands_otherwise(worker, kept);
	}
}

void routes_link(struct vrrp_worker *worker, const struct link *link, bool gone)
{
	if (gone || !link->up)
		lose(worker, link->index, 0);
	for (size_t i = 0; i < worker->routes->count; i++) {
		const struct kept *kept = worker->routes->kept[i];

		/* of one that has no link this may become the link */
		if (!kept->route.link || kept->route.link == link->index)
			routes_touch(worker);
	}
}

/* A new address may make a gateway reachable. */
static void try_again(struct vrrp_worker *worker, uint32_t link)
{
	for (size_t i = 0; i < worker->routes->count; i++) {
		struct kept *kept = worker->routes->kept[i];

		if (!kept->error || kept->route.link != link)
			continue;
		kept->retry_at = 0;
		routes_touch(worker);
	}
}

static bool has_ipv4(struct vrrp_worker *worker, uint32_t link)
{
	struct address_list list = monitor_addresses(worker->monitor, link);

	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].prefix.address.family == AF_INET)
			return true;
	return false;
}

/* With the last IPv4 address of a link its IPv4 routes go, without a word. */
void routes_address(struct vrrp_worker *worker, const struct address *address, bool gone)
{
	if (!worker->routes->count)
		return;
	if (!gone)
		try_again(worker, address->link);
	else if (address->prefix.address.family == AF_INET && !has_ipv4(worker, address->link))
		lose(worker, address->link, AF_INET);
}

/* ---- how they stand ------------------------------------------------------------------------- */

static bool is_settled(const struct vrrp_worker *worker, const struct kept *kept)
{
	nstime now = clock_now();

	if (kept->busy)
		return false;
	return kept->present || kept->error || addition_due(worker, kept, now) > now;
}

bool routes_tried(const struct router *router)
{
	struct vrrp_worker *worker = router->worker;

	for (size_t i = 0; i < router->about.route_count; i++) {
		struct route route = wanted_of(router, &router->about.routes[i]);
		const struct kept *kept = kept_find(worker->routes, &route);

		if (!kept || !is_settled(worker, kept))
			return false;
	}
	return true;
}

static void tell_why(const struct router *router, const struct vrrp_route *about,
		     const struct kept *kept, struct text *text)
{
	const char *device = device_of(router, about);
	const struct link *link = monitor_link_by_name(router->worker->monitor, device);

	if (!link)
		text_add(text, "interface %s does not exist", device);
	else if (!link->up)
		text_add(text, "%s is down", device);
	else if (kept->error == -EEXIST)
		text_add(text, "another route with this metric is there");
	else if (kept->error)
		text_add(text, "the kernel refuses it: %s", strerror(-kept->error));
	else
		text_add(text, "somebody keeps removing it");
}

void routes_missing(const struct router *router, struct text *text)
{
	char name[ROUTE_TEXT];

	for (size_t i = 0; i < router->about.route_count; i++) {
		const struct vrrp_route *about = &router->about.routes[i];
		struct route route = wanted_of(router, about);
		const struct kept *kept = kept_find(router->worker->routes, &route);

		if (!kept || kept->busy || kept->present || !is_settled(router->worker, kept))
			continue;
		text_add(text, "route %s: ", route_format(&route, name));
		tell_why(router, about, kept, text);
		return;
	}
}

bool routes_idle(const struct vrrp_worker *worker)
{
	const struct routes *routes = worker->routes;

	if (routes->touched || routes->pending)
		return false;
	for (size_t i = 0; i < routes->count; i++) {
		const struct kept *kept = routes->kept[i];

		if (kept->router ? !is_settled(worker, kept) : kept->owned && !kept->error)
			return false;
	}
	return true;
}
