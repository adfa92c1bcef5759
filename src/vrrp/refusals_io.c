/* accept: false (RFC 9568 section 6.1, Accept_Mode): a MASTER that does not own its addresses takes
 * no packets for them, but what IPVS takes, and neighbour discovery.
 *
 * The guard (net/guard.h) follows the configuration and not the state: while a router is BACKUP
 * nothing for its addresses is delivered here anyway, so a takeover has nothing to wait for. Where
 * the kernel refuses the guard the router is MASTER without it, says so, and it is tried again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/worker.h"
#include "net/guard_io.h"
#include "vrrp/priority.h"
#include "vrrp/worker_io.h"

#define RETRY (60 * NSTIME_S)

struct refusals {
	struct vrrp_worker *worker;
	struct guard *guard;
	struct loop_timer retry;
	struct addr *addresses; /* as set last */
	size_t count;
	int error;
};

static bool refuses(const struct router *router)
{
	return !router->about.accept && router->about.priority != VRRP_PRIORITY_OWNER;
}

static void tell(struct refusals *refusals, int error)
{
	struct vrrp_worker *worker = refusals->worker;

	if (error && error != refusals->error)
		log_error("packets for virtual addresses with accept: false are not dropped: "
			  "nftables: %s",
			  strerror(-error));
	refusals->error = error;
	for (size_t i = 0; i < worker->router_count; i++)
		if (refuses(worker->routers[i]))
			worker_touch(worker, worker->routers[i]->port);
}

static void done(void *ctx, int error)
{
	struct refusals *refusals = ctx;

	tell(refusals, error);
	if (error)
		timer_at(&refusals->retry, clock_now() + RETRY);
}

static void set(void *ctx)
{
	struct refusals *refusals = ctx;
	int err = guard_set(refusals->guard, refusals->addresses, refusals->count);

	timer_cancel(&refusals->retry);
	if (err)
		done(refusals, err);
}

static int refusals_new(struct vrrp_worker *worker)
{
	struct loop *loop = worker_loop(worker->frame);
	struct refusals *refusals = calloc(1, sizeof(*refusals));
	int err;

	if (!refusals)
		return -ENOMEM;
	worker->refusals = refusals;
	refusals->worker = worker;
	err = guard_new(loop, done, refusals, &refusals->guard);
	if (!err)
		err = timer_init(loop, &refusals->retry, LOOP_NORMAL, set, refusals);
	if (err)
		refusals_free(worker);
	return err;
}

void refusals_free(struct vrrp_worker *worker)
{
	struct refusals *refusals = worker->refusals;

	if (!refusals)
		return;
	worker->refusals = NULL;
	guard_free(refusals->guard);
	timer_fini(&refusals->retry);
	free(refusals->addresses);
	free(refusals);
}

static size_t wanted_count(const struct vrrp_worker *worker)
{
	size_t count = 0;

	for (size_t i = 0; i < worker->router_count; i++)
		if (refuses(worker->routers[i]))
			count += worker->routers[i]->about.virtual_address_count;
	return count;
}

static void collect(const struct vrrp_worker *worker, struct addr *out)
{
	for (size_t i = 0; i < worker->router_count; i++) {
		const struct instance *about = &worker->routers[i]->about;

		for (size_t j = 0; refuses(worker->routers[i]) && j < about->virtual_address_count; j++)
			*out++ = about->virtual_addresses[j].address.address;
	}
}

int refusals_configure(struct vrrp_worker *worker)
{
	size_t count = wanted_count(worker);
	struct refusals *refusals;
	struct addr *addresses;
	int err = 0;

	if (!count && !worker->refusals)
		return 0;
	if (!worker->refusals)
		err = refusals_new(worker);
	addresses = err ? NULL : calloc(count + 1, sizeof(*addresses));
	if (!addresses)
		return err ? err : -ENOMEM;
	collect(worker, addresses);
	refusals = worker->refusals;
	if (refusals->addresses && refusals->count == count &&
	    !memcmp(refusals->addresses, addresses, count * sizeof(*addresses))) {
		free(addresses);
		return 0;
	}
	free(refusals->addresses);
	refusals->addresses = addresses;
	refusals->count = count;
	set(refusals);
	return 0;
}

void refusals_missing(const struct router *router, struct text *text)
{
	const struct refusals *refusals = router->worker->refusals;

	if (refusals && refusals->error && refuses(router))
		text_add(text, "accept: false, packets for its addresses come in: nftables: %s",
			 strerror(-refusals->error));
}
