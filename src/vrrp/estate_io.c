/* What a router has in the kernel: its virtual addresses, on its own interface and on others, and
 * its routes.
 *
 * Its own interface (or the link of its virtual MAC address there) is what it stands for: an
 * address that the kernel refuses there is a FAULT (another director may do better), and the
 * machine hears WRITTEN only when all are in. Addresses on other interfaces follow when they can: one whose interface does not exist, or where the kernel
 * refuses it, is not waited for and no fault; it is told as missing, and put in as soon as it can
 * be. Who wants it to count tracks that interface. It is the same with routes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/worker.h"
#include "vrrp/worker_io.h"

/* ---- the ports it is on --------------------------------------------------------------------- */

int estate_attach(struct router *router)
{
	for (size_t i = 0; i < router->herald_count; i++) {
		struct port *port = router->heralds[i].port;

		if (port != router->port && !pointers_push(&port->guests, &port->guest_count,
							   &port->guest_room, router))
			return -ENOMEM;
	}
	return 0;
}

void estate_detach(struct router *router)
{
	routes_forget(router->worker, router);
	for (size_t i = 0; i < router->herald_count; i++)
		pointers_remove(&router->heralds[i].port->guests,
				&router->heralds[i].port->guest_count, router);
}

void estate_touch(struct router *router)
{
	worker_touch(router->worker, router->port);
	for (size_t i = 0; i < router->herald_count; i++)
		worker_touch(router->worker, router->heralds[i].port);
}

void estate_want(struct router *router, bool wanted)
{
	if (router->holds == wanted)
		return;
	router->holds = wanted;
	for (size_t i = 0; i < router->address_count; i++)
		router->helds[i]->wants += wanted ? 1 : -1u;
}

void estate_take(struct router *router)
{
	estate_want(router, true);
	vlink_follow(router);
	estate_touch(router);
	if (router->about.route_count)
		routes_touch(router->worker);
	for (size_t i = 0; i < router->herald_count; i++)
		vips_add(router->heralds[i].port); /* now, and not when the loop comes round */
}

void estate_leave(struct router *router)
{
	estate_want(router, false);
	vlink_follow(router);
	estate_touch(router);
	if (router->about.route_count)
		routes_touch(router->worker);
}

/* ---- how it stands -------------------------------------------------------------------------- */

const struct held *estate_refused(const struct router *router)
{
	for (size_t i = 0; i < router->address_count; i++) {
		const struct held *held = router->helds[i];

		if (held->port == router->home && held->error && !held->present)
			return held;
	}
	return NULL;
}

static bool is_in(const struct held *held)
{
	return !held->busy && held->owned && held->present && !held->dead && !held->awaited;
}

/* Not there, and there is nothing that could be done now. */
static bool is_missing(const struct held *held)
{
	return !held->busy && !held->present &&
	       (!held->port->link.index || held->error || held->repair.streak);
}

/* In one pass over its addresses. */
struct standing {
	bool all_in, fresh, contested;
	const struct held *missing; /* the first of them */
	size_t missing_count;
};

static struct standing standing_of(const struct router *router)
{
	struct standing standing = {.all_in = true};
	nstime now = clock_now();

	for (size_t i = 0; i < router->address_count; i++) {
		const struct held *held = router->helds[i];
		bool missing = is_missing(held);

		standing.all_in &= is_in(held) || (missing && held->port != router->home);
		standing.fresh |= held->fresh;
		if (repair_contested(&held->repair, now)) {
			standing.contested = true;
			worker_later(router->worker, repair_forgotten(&held->repair));
		}
		if (missing && !standing.missing_count++)
			standing.missing = held;
	}
	standing.all_in &= routes_tried(router);
	return standing;
}

static void tell_missing_address(const struct standing *standing, struct text *text)
{
	const struct held *held = standing->missing;
	char address[PREFIX_TEXT];

	text_add(text, "%s on %s: ", prefix_format(&held->prefix, address), held->port->name);
	if (!held->port->link.index)
		text_add(text, "the interface does not exist");
	else if (held->error)
		text_add(text, "the kernel refuses it: %s", strerror(-held->error));
	else
		text_add(text, "somebody keeps removing it");
	if (standing->missing_count > 1)
		text_add(text, " (and %zu more)", standing->missing_count - 1);
}

static void tell(const struct router *router)
{
	if (!router->leaving)
		worker_dirty(router->worker->frame, router->index);
}

static void look_at_missing(struct router *router, const struct standing *standing)
{
	char words[FACT_DETAIL];
	struct text text = text_of(words, sizeof(words));
	bool changed;

	if (router->holds && standing->missing)
		tell_missing_address(standing, &text);
	else if (router->holds)
		routes_missing(router, &text);
	if (router->holds && !text.length)
		refusals_missing(router, &text);
	changed = note_keep(&router->missing, words);
	if (changed || standing->contested != router->contested)
		tell(router);
	router->contested = standing->contested;
	if (changed && words[0])
		log_warning("%s: not in place: %s", router->about.name, words);
}

void estate_look(struct router *router)
{
	struct standing standing = standing_of(router);

	look_at_missing(router, &standing);
	if (!router->holds || !standing.all_in || !(router->waiting || standing.fresh))
		return;
	router->waiting = false;
	router->refusals = 0;
	for (size_t i = 0; i < router->address_count; i++)
		router->helds[i]->fresh = false;
	router_step(router,
		    (struct vrrp_input){.kind = VRRP_INPUT_WRITTEN, .yes = standing.fresh});
}

void router_repaired(struct router *router, const char *words)
{
	router->repairs++;
	note_keep(&router->repair, words);
	tell(router);
}
