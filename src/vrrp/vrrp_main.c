/* The frame of the vrrp worker: start, facts in and out, the kernel's events, release.
 *
 * Order at a start: the monitor sees the kernel, the file of owned addresses is read, routers begin
 * (going on as master where the state page says so), and only then what is owned and not wanted is
 * removed: a restarted worker takes nothing away from a master that goes on. The first commit may
 * come before or after the first sight of the kernel. */
#include "vrrp/vrrp_main.h"

#include <cap-ng.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "core/protocol.h"
#include "core/sandbox.h"
#include "core/worker.h"
#include "net/rtnl_writer_io.h"
#include "net/announce_io.h"
#include "net/monitor_io.h"
#include "vrrp/worker_io.h"

#define WRITES_AT_ONCE 4096
#define TICK NSTIME_S
#define LAST_WRITES (2 * NSTIME_S)

/* ---- small things of all files -------------------------------------------------------------- */

void worker_touch(struct vrrp_worker *worker, struct port *port)
{
	port->touched = true;
	if (!timer_armed(&worker->settle))
		timer_at(&worker->settle, 0);
}

void worker_later(struct vrrp_worker *worker, nstime when)
{
	if (!timer_armed(&worker->later) || when < worker->later.due)
		timer_at(&worker->later, when);
}

uint32_t worker_random(struct vrrp_worker *worker)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return (uint32_t)(worker->random >> 32);
}

bool pointers_push(void *array, size_t *count, size_t *room, void *pointer)
{
	void **grown, **pointers;

	memcpy(&pointers, array, sizeof(pointers));
	if (*count == *room) {
		size_t wanted = *room ? 2 * *room : 4;

		grown = realloc(pointers, wanted * sizeof(*grown));
		if (!grown)
			return false;
		pointers = grown;
		*room = wanted;
		memcpy(array, &pointers, sizeof(pointers));
	}
	pointers[(*count)++] = pointer;
	return true;
}

void pointers_remove(void *array, size_t *count, const void *pointer)
{
	void **pointers;

	memcpy(&pointers, array, sizeof(pointers));
	for (size_t i = 0; i < *count; i++) {
		if (pointers[i] != pointer)
			continue;
		memmove(&pointers[i], &pointers[i + 1], (*count - 1 - i) * sizeof(*pointers));
		(*count)--;
		return;
	}
}

const char *note_text(const char *note)
{
	return note ? note : "";
}

bool note_keep(char **note, const char *words)
{
	if (!strcmp(words, note_text(*note)))
		return false;
	if (!*note)
		*note = calloc(1, FACT_DETAIL);
	if (*note)
		snprintf(*note, FACT_DETAIL, "%s", words);
	return true;
}

void worker_fail(struct vrrp_worker *worker, const char *what, int error)
{
	log_error("%s: %s", what, strerror(-error));
	worker->status = 1;
	loop_stop(worker_loop(worker->frame));
}

void worker_tell_ready(struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->router_count; i++) {
		struct router *router = worker->routers[i];

		router->config.ready_until = nstime_after(worker->started, worker->ready_timeout);
		router_tell_ready(router);
	}
}

/* ---- settling ------------------------------------------------------------------------------- */

static void leaving_done(struct vrrp_worker *worker)
{
	for (size_t i = worker->leaving_count; i-- > 0;) {
		struct router *router = worker->leaving[i];

		if (!router->released)
			continue;
		pointers_remove(&worker->leaving, &worker->leaving_count, router);
		router_free(router);
	}
}

static void ports_unused(struct vrrp_worker *worker)
{
	for (size_t i = worker->port_count; i-- > 0;) {
		struct port *port = worker->ports[i];

		if (!port->router_count && !port->held_count && !port->pending && !port->vlink)
			port_free(port);
	}
}

static bool all_released(const struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->router_count; i++)
		if (!worker->routers[i]->released)
			return false;
	return !worker->leaving_count;
}

static void settle_port(struct port *port)
{
	port->touched = false;
	wire_open(port);
	for (size_t i = 0; i < port->router_count; i++)
		router_look(port->routers[i]);
	for (size_t i = 0; i < port->guest_count; i++)
		router_look(port->guests[i]);
	port->stale = false;
	vips_evaluate(port);
}

/* Nothing of the kernel's is under way or still to be done. */
static bool kernel_idle(const struct vrrp_worker *worker)
{
	return routes_idle(worker) && vips_idle(worker) && vlinks_idle(worker);
}

static void settle(void *ctx)
{
	struct vrrp_worker *worker = ctx;

	if (worker->departing) {
		depart_settle(worker);
		return;
	}
	if (!worker->synced || (!worker->configured && !worker->stopping))
		return;
	routes_evaluate(worker);
	for (size_t i = 0; i < worker->port_count; i++)
		if (worker->ports[i]->touched)
			settle_port(worker->ports[i]);
	leaving_done(worker);
	vlinks_settle(worker);
	if (worker->committing && kernel_idle(worker)) {
		worker->committing = false;
		worker_committed(worker->frame);
	}
	if (worker->stopping && all_released(worker) && kernel_idle(worker)) {
		worker->stopping = false;
		worker_released(worker->frame);
	}
	ports_unused(worker);
}

static void later(void *ctx)
{
	struct vrrp_worker *worker = ctx;

	routes_wake(worker);
	for (size_t i = 0; i < worker->port_count; i++)
		worker_touch(worker, worker->ports[i]);
}

static void tick(void *ctx)
{
	struct vrrp_worker *worker = ctx;

	for (size_t i = 0; i < worker->router_count; i++)
		router_count(worker->routers[i]);
	timer_at(&worker->tick, clock_now() + TICK);
}

/* ---- release -------------------------------------------------------------------------------- */

/* Also when nothing was configured yet, or the kernel not seen: what an earlier one left is ours to take away. */
static void release(void *ctx)
{
	struct vrrp_worker *worker = ctx;

	worker->stopping = true;
	if (worker_adopt(worker))
		return;
	for (size_t i = 0; i < worker->router_count; i++) {
		struct router *router = worker->routers[i];

		if (!router->started)
			router->released = true;
		else if (!router->group)
			router_step(router, (struct vrrp_input){.kind = VRRP_INPUT_RELEASE});
	}
	groups_release(worker);
	if (worker->synced)
		timer_at(&worker->settle, 0);
}

/* ---- facts ---------------------------------------------------------------------------------- */

/* Objects are numbered: the instances, the sync groups, the trackers in the order of their
 * instances, and the instances once more: what others than control want to know of them. */
static uint32_t fact_count(void *ctx)
{
	const struct vrrp_worker *worker = ctx;

	return worker_role_number(worker, (uint32_t)worker->router_count);
}

static bool tracker_fact(const struct vrrp_worker *worker, int peer, uint32_t number,
			 uint16_t *type, struct writer *out)
{
	struct fact_tracker value;

	if (peer != ROLE_CONTROL || !trackers_fact(worker, number, &value))
		return false;
	*type = FACT_TRACKER;
	fact_tracker_put(out, &value);
	return true;
}

static bool group_fact_put(const struct vrrp_worker *worker, int peer, uint32_t number,
			   uint16_t *type, struct writer *out)
{
	struct fact_group value;

	if (peer != ROLE_CONTROL)
		return false;
	group_fact(worker, number, &value);
	*type = FACT_GROUP;
	fact_group_put(out, &value);
	return true;
}

/* Of an instance its state alone: counters move every second. */
static bool role_fact(const struct vrrp_worker *worker, int peer, uint32_t number, uint16_t *type,
		      struct writer *out)
{
	struct fact_role value = {.instance = number,
				  .state = worker->routers[number]->machine.state};

	if (peer == ROLE_CONTROL)
		return false;
	*type = FACT_ROLE;
	fact_role_put(out, &value);
	return true;
}

static bool fact(void *ctx, int peer, uint32_t index, uint16_t *type, struct writer *out)
{
	struct vrrp_worker *worker = ctx;
	uint32_t first_tracker = (uint32_t)(worker->router_count + worker->group_count);
	struct fact_instance value;

	if (index >= worker_role_number(worker, 0))
		return role_fact(worker, peer, index - worker_role_number(worker, 0), type, out);
	if (index >= first_tracker)
		return tracker_fact(worker, peer, index - first_tracker, type, out);
	if (index >= worker->router_count)
		return group_fact_put(worker, peer, index - (uint32_t)worker->router_count, type,
				      out);
	if (peer != ROLE_CONTROL)
		return false;
	router_fact(worker->routers[index], &value);
	*type = FACT_INSTANCE;
	fact_instance_put(out, &value);
	return true;
}

static void take_table(struct vrrp_worker *worker, struct reader *in)
{
	struct fact_table table;

	if (!fact_table_get(in, &table) || !worker->has_services)
		return;
	if (table.ready != worker->ready)
		log_debug("the table of services is %s", table.ready ? "ready" : "not ready");
	worker->ready = table.ready;
	worker_tell_ready(worker);
}

static void fact_received(void *ctx, int peer, uint16_t type, struct reader *in)
{
	struct vrrp_worker *worker = ctx;
	struct fact_service service;
	struct fact_probe probe;

	if (peer == ROLE_IPVS && type == FACT_TABLE)
		take_table(worker, in);
	else if (peer == ROLE_CHECK && type == FACT_PROBE && fact_probe_get(in, &probe))
		trackers_probe(worker, &probe);
	else if (peer == ROLE_IPVS && type == FACT_SERVICE && fact_service_get(in, &service))
		trackers_service(worker, &service);
}

/* ---- the kernel's events -------------------------------------------------------------------- */

static void on_link(void *ctx, const struct link *link)
{
	struct vrrp_worker *worker = ctx;

	for (size_t i = 0; i < worker->port_count; i++) {
		struct port *port = worker->ports[i];

		if (!strcmp(port->name, link->name))
			port_link(port, link);
		else if (port->link.index == link->index) /* it was given another name */
			port_link(port, monitor_link_by_name(worker->monitor, port->name));
	}
	trackers_link(worker, link);
	routes_link(worker, link, false);
}

static void on_link_removed(void *ctx, const struct link *link)
{
	struct vrrp_worker *worker = ctx;

	for (size_t i = 0; i < worker->port_count; i++)
		if (worker->ports[i]->link.index == link->index)
			port_link(worker->ports[i],
				  monitor_link_by_name(worker->monitor, worker->ports[i]->name));
	trackers_link(worker, link);
	routes_link(worker, link, true);
}

static void on_address(void *ctx, const struct address *address)
{
	vips_seen(ctx, address);
	routes_address(ctx, address, false);
}

static void on_address_removed(void *ctx, const struct address *address)
{
	wire_address_removed(ctx, address);
	vips_seen(ctx, address);
	routes_address(ctx, address, true);
}

static void on_route(void *ctx, const struct route *route, bool removed)
{
	routes_told(ctx, route, removed);
}

static void on_routes_begin(void *ctx)
{
	routes_read_begins(ctx);
}

static void on_routes_end(void *ctx)
{
	routes_read_ends(ctx);
}

int worker_adopt(struct vrrp_worker *worker)
{
	int err;

	if (!worker->synced || worker->adopted)
		return 0;
	worker->adopted = true;
	err = vips_adopt(worker, WORKER_FD_OWNED);
	if (!err)
		err = vlinks_adopt(worker, WORKER_FD_OWNED);
	if (err)
		worker_fail(worker, "the file of owned addresses cannot be read", err);
	return err;
}

static void first_sight(struct vrrp_worker *worker)
{
	worker->synced = true;
	for (size_t i = 0; i < worker->port_count; i++)
		port_link(worker->ports[i],
			  monitor_link_by_name(worker->monitor, worker->ports[i]->name));
	if ((worker->configured || worker->stopping) && worker_adopt(worker))
		return;
	if (worker->trackers)
		trackers_begin(worker);
	if (!worker->stopping)
		routers_begin(worker);
}

/* Events were lost: a link may have been away meanwhile (in another namespace, or deleted and made
 * again under the same index), and then the groups that its sockets had joined are left, though
 * the sockets do not know. */
static void events_lost(struct vrrp_worker *worker)
{
	log_warning("the kernel's events came too fast, some were lost: looking at everything again");
	for (size_t i = 0; i < worker->port_count; i++) {
		wire_close(worker->ports[i]);
		wire_open(worker->ports[i]);
	}
}

static void on_synced(void *ctx)
{
	struct vrrp_worker *worker = ctx;

	if (worker->synced)
		events_lost(worker);
	else
		first_sight(worker);
	for (size_t i = 0; i < worker->port_count; i++)
		worker_touch(worker, worker->ports[i]);
	if (!timer_armed(&worker->settle))
		timer_at(&worker->settle, 0);
}

static void on_failed(void *ctx, int error)
{
	worker_fail(ctx, "links and addresses can no longer be watched", error);
}

static void written(void *ctx, uint64_t cookie, const struct rtnl_op *op, int error)
{
	switch (op->kind) {
	case RTNL_ADDRESS:
		if (cookie & LEASE_COOKIE)
			leases_done(ctx, cookie, &op->address, error);
		else
			vips_done(ctx, cookie, &op->address, error);
		break;
	case RTNL_ROUTE:
		routes_done(ctx, cookie, &op->route, error);
		break;
	case RTNL_LINK:
	case RTNL_SYSCTL:
		vlinks_done(ctx, cookie, op, error);
		break;
	}
	if (((struct vrrp_worker *)ctx)->departing)
		timer_at(&((struct vrrp_worker *)ctx)->settle, 0);
}

/* ---- life ----------------------------------------------------------------------------------- */

/* With a limit on locked memory a locked future would make allocations fail: then better not at
 * all. */
static bool locks_without_limit(void)
{
	struct rlimit limit = {0};

	capng_get_caps_process();
	return capng_have_capability(CAPNG_EFFECTIVE, CAP_IPC_LOCK) ||
	       (!getrlimit(RLIMIT_MEMLOCK, &limit) && limit.rlim_cur == RLIM_INFINITY);
}

static void lock_memory(void)
{
	if (!locks_without_limit())
		log_warning("memory is not locked because of a limit: adverts may be late");
	else if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		log_warning("memory cannot be locked: %s: adverts may be late", strerror(errno));
}

static void check_scheduling(void)
{
	if (sched_getscheduler(0) != SCHED_RR)
		log_warning("no real-time scheduling: on a busy machine adverts may be late");
}

/* ---- orders --------------------------------------------------------------------------------- */

static void command(void *ctx, uint16_t type, struct reader *in, int fd)
{
	struct vrrp_worker *worker = ctx;
	int err = 0;

	if (fd >= 0)
		close(fd);
	if (type == RECORD_OVERRIDE)
		err = said_override(worker, in);
	else if (type == RECORD_OVERRIDES_END)
		err = said_end(worker, in);
	else if (type == RECORD_ORDER)
		orders_record(worker, in);
	else
		log_warning("the supervisor sent record %u, which the vrrp worker does not know", type);
	if (err)
		worker_fail(worker, "what operators said cannot be taken", err);
}

static const struct worker_ops ops = {
	.prepare = routers_prepare,
	.commit = routers_commit,
	.abort = routers_abort,
	.release = release,
	.leave = depart,
	.inherit = inherit,
	.orphaned = release,
	.fact_count = fact_count,
	.fact = fact,
	.fact_received = fact_received,
	.command = command,
};

static const struct monitor_ops monitor_ops = {
	.link = on_link,
	.link_removed = on_link_removed,
	.address = on_address,
	.address_removed = on_address_removed,
	.route = on_route,
	.routes_begin = on_routes_begin,
	.routes_end = on_routes_end,
	.synced = on_synced,
	.failed = on_failed,
};

static const struct rtnl_writer_ops writer_ops = {.done = written};

static int open_all(struct vrrp_worker *worker)
{
	struct loop *loop = worker_loop(worker->frame);
	int err = announcer_new(&worker->announcer);

	if (!err)
		err = routes_init(worker);
	if (!err)
		err = advert_hub_new(loop, &wire_ops, &worker->hub);
	if (!err)
		err = rtnl_writer_new(loop, WRITES_AT_ONCE, WORKER_FD_OWNED, &writer_ops, worker,
					 &worker->writer);
	if (!err)
		err = monitor_new(loop, &monitor_ops, worker, &worker->monitor);
	if (!err)
		err = timer_init(loop, &worker->settle, LOOP_URGENT, settle, worker);
	if (!err)
		err = timer_init(loop, &worker->later, LOOP_NORMAL, later, worker);
	if (!err)
		err = timer_init(loop, &worker->tick, LOOP_IDLE, tick, worker);
	if (!err)
		err = timer_init(loop, &worker->track_due, LOOP_NORMAL, trackers_due, worker);
	if (!err)
		err = orders_new(worker);
	worker->said = said_new();
	if (!err && !worker->said)
		err = -ENOMEM;
	if (!err)
		timer_at(&worker->tick, clock_now() + TICK);
	return err;
}

static void close_all(struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->leaving_count; i++)
		router_free(worker->leaving[i]);
	for (size_t i = 0; i < worker->group_count; i++)
		group_free(worker->groups[i]);
	for (size_t i = 0; i < worker->router_count; i++) {
		worker->routers[i]->leaving = true; /* the page stays for whoever comes next */
		router_free(worker->routers[i]);
	}
	rtnl_writer_free(worker->writer, LAST_WRITES);
	vlinks_free(worker);
	while (worker->port_count)
		port_free(worker->ports[0]);
	monitor_free(worker->monitor);
	announcer_free(worker->announcer);
	advert_hub_free(worker->hub);
	timer_fini(&worker->settle);
	timer_fini(&worker->later);
	timer_fini(&worker->tick);
	timer_fini(&worker->track_due);
	routes_fini(worker);
	refusals_free(worker);
	trackers_free(worker->trackers);
	orders_free(worker->orders);
	said_free(worker->said);
	inherit_end(worker);
	routers_abort(worker);
	free(worker->routers);
	free(worker->leaving);
	free(worker->groups);
	free(worker->ports);
}

int vrrp_main(void)
{
	struct vrrp_worker worker = {.started = clock_now()};
	int err, status = 1;

	worker.frame = worker_new(ROLE_VRRP, role_name(ROLE_VRRP), &ops, &worker);
	if (!worker.frame)
		return 1;
	lock_memory();
	check_scheduling();
	if (getrandom(&worker.random, sizeof(worker.random), GRND_NONBLOCK) !=
	    sizeof(worker.random))
		worker.random = (uint64_t)worker.started;
	worker.random |= 1;
	err = open_all(&worker);
	if (err) {
		log_error("the vrrp worker cannot start: %s", strerror(-err));
	} else {
		sandbox_begin(SANDBOX_VRRP);
		status = worker_run(worker.frame);
	}
	close_all(&worker);
	worker_free(worker.frame);
	return status ? status : worker.status;
}
