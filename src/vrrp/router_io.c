/* A virtual router as it lives: it gives inputs to its machine, does what the machine says, and
 * tells the log, the state page and the other workers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/duration.h"
#include "base/text.h"
#include "config/copy.h"
#include "core/statepage.h"
#include "core/worker.h"
#include "vrrp/accept.h"
#include "vrrp/auth.h"
#include "vrrp/priority.h"
#include "vrrp/worker_io.h"

#define RETRY_FIRST (10 * NSTIME_S) /* after a takeover that the kernel refused; doubles */
#define RETRY_LONGEST (300 * NSTIME_S)
/* What most routers keep of their configuration, and for each address: there may be thousands. */
#define ABOUT_ROOM 112
#define VIP_ROOM 80

/* ---- life ----------------------------------------------------------------------------------- */

struct parts {
	struct arena *arena;
	struct instance about;
	struct held **helds;
	uint8_t *wire;
	size_t count, wire_count;
	struct herald *heralds;
	size_t herald_count;
};

static void parts_free(struct parts *parts)
{
	for (size_t i = 0; parts->helds && i < parts->count; i++)
		if (parts->helds[i])
			held_put(parts->helds[i], &parts->about.virtual_addresses[i]);
	arena_free(parts->arena);
}

/* Where an address goes; NULL: out of memory. */
static struct port *vip_port(struct port *own, const struct vip *vip)
{
	return vip->interface ? port_get(own->worker, vip->interface) : own;
}

/* A deep copy, and the addresses as the kernel, the announcer and the wire want them. */
static int parts_make(struct port *port, const struct instance *about, struct parts *out)
{
	size_t count = about->virtual_address_count, size;
	struct parts parts = {.arena = arena_new_small(ABOUT_ROOM + count * VIP_ROOM), .count = count};
	const struct vip *vips;

	if (!parts.arena)
		return -ENOMEM;
	if (instance_copy(parts.arena, about, &parts.about)) {
		arena_free(parts.arena);
		return -ENOMEM;
	}
	vips = parts.about.virtual_addresses;
	parts.helds = arena_array(parts.arena, count, sizeof(*parts.helds));
	size = addr_size(instance_family(&parts.about));
	parts.wire = arena_array(parts.arena, count, size);
	for (size_t i = 0; i < count && !arena_failed(parts.arena); i++) {
		if (vips[i].advertise)
			memcpy(parts.wire + size * parts.wire_count++,
			       vips[i].address.address.bytes, size);
		parts.helds[i] = held_get(vip_port(port, &vips[i]), &vips[i]);
		if (!parts.helds[i])
			break;
	}
	if (arena_failed(parts.arena) || (count && !parts.helds[count - 1]) ||
	    heralds_make(parts.arena, parts.helds, count, &parts.heralds, &parts.herald_count)) {
		parts_free(&parts);
		return -ENOMEM;
	}
	*out = parts;
	return 0;
}

static void parts_take(struct router *router, const struct parts *parts)
{
	router->arena = parts->arena;
	router->about = parts->about;
	router->helds = parts->helds;
	router->address_count = parts->count;
	for (size_t i = 0; i < parts->count; i++)
		parts->helds[i]->router = router;
	router->heralds = parts->heralds;
	router->herald_count = parts->herald_count;
	router->family = instance_family(&parts->about);
	router->wire = parts->wire;
	router->wire_count = parts->wire_count;
	router->wire_print =
		vrrp_addresses_print(router->family, parts->wire, parts->wire_count);
}

static void configure(struct router *router)
{
	const struct instance *about = &router->about;
	const struct vrrp_worker *worker = router->worker;

	router->config.version = about->version;
	router->base_priority = said_base(router);
	router->config.barred = worker->maintenance;
	router->config.priority = trackers_priority(router);
	router->config.preempt = about->preempt;
	router->config.preempt_delay = about->preempt_delay;
	router->config.startup_until =
		nstime_after(worker_page(worker->frame)->created, about->startup_delay);
	router->config.advert_interval = about->advert_interval;
	router->config.carrier_settle = about->carrier_settle;
	router->config.announce = about->announce;
	router->config.ready_until = nstime_after(worker->started, worker->ready_timeout);
}

/* AH counts its adverts and those of its peers, over changes of the configuration too. */
static int counters_make(struct router *router, const struct instance *about)
{
	if (about->authentication.type == VRRP_AUTH_AH && !router->counters)
		router->counters = calloc(1, sizeof(*router->counters));
	return about->authentication.type == VRRP_AUTH_AH && !router->counters ? -ENOMEM : 0;
}

static void due(void *ctx);

struct router *router_new(struct vrrp_worker *worker, const struct instance *about, uint32_t index)
{
	struct port *port = port_get(worker, about->interface);
	struct router *router = port ? calloc(1, sizeof(*router)) : NULL;
	struct parts parts;

	if (!router)
		return NULL;
	router->worker = worker;
	router->port = port;
	router->index = index;
	router->complaints = (struct log_bucket){.every = 60 * NSTIME_S, .burst = 3};
	if (vlink_attach(router, about) ||
	    timer_init(worker_loop(worker->frame), &router->timer, LOOP_URGENT, due, router) ||
	    parts_make(router->home, about, &parts)) {
		vlink_detach(router);
		timer_fini(&router->timer);
		free(router);
		return NULL;
	}
	parts_take(router, &parts);
	if (counters_make(router, about) || !port_attach(port, router) || estate_attach(router)) {
		router_free(router);
		return NULL;
	}
	vrrp_fsm_init(&router->machine, clock_now());
	configure(router);
	router->machine.ready = worker->ready && trackers_known(router);
	wire_open(port);
	return router;
}

void router_free(struct router *router)
{
	if (!router)
		return;
	router_hush(router);
	group_forget(router);
	estate_detach(router);
	port_detach(router->port, router);
	vlink_detach(router);
	timer_fini(&router->timer);
	parts_free(&(struct parts){.arena = router->arena,
				   .about = router->about,
				   .helds = router->helds,
				   .count = router->address_count});
	if (!router->leaving)
		statepage_give_back(router->page);
	free(router->counters);
	free(router->drops);
	free(router->fault_text);
	free(router->repair);
	free(router->missing);
	free(router);
}

int router_change(struct router *router, const struct instance *about)
{
	struct parts parts, old = {.arena = router->arena,
				   .about = router->about,
				   .helds = router->helds,
				   .count = router->address_count};
	bool holds = router->holds, interrupted;
	int err = counters_make(router, about);

	if (!err)
		err = parts_make(router->home, about, &parts);

	if (err)
		return err;
	/* first want the new ones, so that those on both lists stay */
	for (size_t i = 0; holds && i < parts.count; i++)
		parts.helds[i]->wants++;
	estate_want(router, false);
	estate_touch(router);
	interrupted = router_hush(router);
	estate_detach(router);
	parts_take(router, &parts);
	router->holds = holds;
	estate_touch(router);
	if (router->about.route_count)
		routes_touch(router->worker);
	err = estate_attach(router);
	if (interrupted)
		router_announce(router);
	parts_free(&old);
	configure(router);
	router->port->stale = router->port->rewire = true;
	worker_touch(router->worker, router->port);
	router->changed = true;
	return err;
}

void router_changed(struct router *router)
{
	if (!router->changed)
		return;
	router->changed = false;
	router->config.priority = trackers_priority(router);
	if (router->started)
		router_step(router, (struct vrrp_input){.kind = VRRP_INPUT_CONFIG});
}

/* ---- what the machine asks for -------------------------------------------------------------- */

static void complain(struct router *router, const char *format, ...) PRINTF_LIKE(2, 3);

/* Whatever a neighbour can provoke is told through one bucket: a flood of packets makes no flood
 * of lines. */
static void complain(struct router *router, const char *format, ...)
{
	char line[256];
	struct text text = text_of(line, sizeof(line));
	unsigned suppressed;
	va_list list;

	if (!log_limit(&router->complaints, clock_now(), &suppressed))
		return;
	va_start(list, format);
	text_addv(&text, format, list);
	va_end(list);
	log_warning("%s: %s%s", router->about.name, line, suppressed ? " (and more)" : "");
}

/* Only adverts that had a time: those sent for another reason cannot be late. */
static void count_lateness(struct router *router, nstime sent)
{
	if (router->due)
		router->late[vrrp_late_bucket(sent - router->due)]++;
	router->due = 0;
}

static void send_advert(struct router *router, uint8_t priority)
{
	char peer[ADDR_TEXT];
	struct addr where;
	unsigned sent;
	int err = wire_send(router, priority, &sent, &where);
	nstime now = clock_now();

	if (err)
		complain(router, "an advert%s%s could not be sent: %s", where.family ? " to " : "",
			 where.family ? addr_format(&where, peer) : "", strerror(-err));
	if (!sent)
		return;
	router->sent++;
	count_lateness(router, now);
	if (router->page && priority)
		router->page->last_advert = now;
}

static const char *reason(const struct router *router, char *out)
{
	if (router->group)
		return group_reason(router, out, FACT_DETAIL);
	return vrrp_explain(&router->machine.reason, clock_now(), note_text(router->fault_text), out,
			    FACT_DETAIL);
}

static void router_dirty(struct router *router)
{
	if (router->group)
		group_dirty(router->group);
	else if (!router->leaving)
		worker_dirty(router->worker->frame, router->index);
}

static void state_changed(struct router *router, enum vrrp_state from)
{
	char words[FACT_DETAIL];

	router_hush(router);
	router->unannounced = router->machine.state == VRRP_MASTER && !router->machine.quiet;
	log_info("%s: %s → %s: %s (priority %u)", router->about.name, vrrp_state_name(from),
		 vrrp_state_name(router->machine.state), reason(router, words),
		 router->config.priority);
}

static void act(struct router *router, const struct vrrp_action *action)
{
	switch (action->kind) {
	case VRRP_ACTION_SEND:
		send_advert(router, action->priority);
		break;
	case VRRP_ACTION_ADD:
		router->waiting = true;
		estate_take(router);
		break;
	case VRRP_ACTION_REMOVE:
		router->waiting = false;
		estate_leave(router);
		break;
	case VRRP_ACTION_ANNOUNCE:
		router_announce(router);
		break;
	case VRRP_ACTION_STATE:
		state_changed(router, action->from);
		break;
	case VRRP_ACTION_RELEASED:
		router->released = true;
		worker_touch(router->worker, router->port);
		break;
	case VRRP_ACTION_STEPPED_DOWN:
		if (!action->yes)
			log_warning("%s: nobody took over, stays MASTER", router->about.name);
		orders_stepped_down(router, action->yes);
		break;
	}
}

static void write_page(struct router *router)
{
	struct statepage_instance *page = router->page;

	if (!page || router->leaving)
		return;
	page->state = (uint8_t)router->machine.state;
	page->releasing = vrrp_fsm_releasing(&router->machine);
	page->standing = router->machine.standing || router->machine.stepping;
	page->heard = router->machine.peer_heard;
	page->master = router->machine.master;
}

static void tell_competition(struct router *router, bool before)
{
	char peer[ADDR_TEXT];

	if (before == router->machine.competing)
		return;
	addr_format(&router->machine.competitor, peer);
	if (!before)
		complain(router, "%s advertises %u too, although this director is MASTER", peer,
			 router->machine.competitor_priority);
	else if (router->machine.state == VRRP_MASTER)
		complain(router, "%s no longer advertises; announcing again", peer);
}

static bool is_news(const struct vrrp_machine *before, const struct vrrp_machine *after)
{
	const struct vrrp_reason *was = &before->reason, *is = &after->reason;

	return before->transitions != after->transitions || before->competing != after->competing ||
	       was->why != is->why || was->priority != is->priority ||
	       was->peer_priority != is->peer_priority || !addr_equal(&was->peer, &is->peer);
}

void router_step(struct router *router, struct vrrp_input input)
{
	struct vrrp_machine *machine = &router->machine, before = *machine;
	struct vrrp_actions actions;

	if (router->group && group_orders(router->group, input.kind))
		return;
	input.random = worker_random(router->worker);
	vrrp_fsm_step(machine, &router->config, clock_now(), &input, &actions);
	for (unsigned i = 0; i < actions.count; i++)
		act(router, &actions.list[i]);
	if (vrrp_fsm_releasing(machine))
		router_hush(router); /* the successor announces now */
	vlink_follow(router);
	timer_at(&router->timer, vrrp_fsm_due(machine));
	write_page(router);
	tell_competition(router, before.competing);
	if (is_news(&before, machine))
		router_dirty(router);
	if (router->group && vrrp_group_cares(&before, machine))
		group_settle(router->group);
	if (router->ordered)
		orders_look(router);
}

/* A backup first takes in what waits in the socket: after a pause of ours the master's adverts lie
 * there. */
static void due(void *ctx)
{
	struct router *router = ctx;

	const struct vrrp_machine *machine = &router->machine;

	if (machine->state == VRRP_BACKUP)
		wire_drain(router);
	if (machine->state == VRRP_MASTER && machine->deadline <= clock_now())
		router->due = machine->deadline;
	router_step(router, (struct vrrp_input){.kind = VRRP_INPUT_TIMER});
	router->due = 0;
}

/* ---- what comes in -------------------------------------------------------------------------- */

static size_t shared_addresses(const struct router *router, const struct vrrp_advert *advert)
{
	size_t size = addr_size(router->family), shared = 0;

	for (size_t i = 0; i < advert->address_count; i++)
		for (size_t j = 0; j < router->wire_count; j++)
			shared += !memcmp(advert->addresses + size * i, router->wire + size * j,
					  size);
	return shared;
}

static void tell_differences(const struct router *router, const struct addr *source,
			     const struct vrrp_advert *advert, bool other_addresses)
{
	char peer[ADDR_TEXT], theirs[DURATION_TEXT], ours[DURATION_TEXT];

	addr_format(source, peer);
	if (advert->interval != router->about.advert_interval)
		log_warning("%s: %s advertises every %s, this director is to do so every %s",
			    router->about.name, peer, duration_format(advert->interval, theirs),
			    duration_format(router->about.advert_interval, ours));
	if (other_addresses)
		log_warning("%s: %s advertises other virtual addresses (%u, %zu of them our %u)",
			    router->about.name, peer, advert->address_count,
			    shared_addresses(router, advert), router->wire_count);
}

/* Differences that the protocol tolerates, but an operator did not mean: told once per master and
 * list, and only when there is room for a line, because to name them costs more than to see
 * them. */
static void note_differences(struct router *router, const struct addr *source,
			     const struct vrrp_advert *advert)
{
	uint64_t print = vrrp_addresses_print(router->family, advert->addresses,
					      advert->address_count);
	bool other_addresses = print != router->wire_print;
	unsigned suppressed;

	if (other_addresses) {
		router->other_addresses++;
		router->other_from = *source;
	}
	if (!advert->priority ||
	    (addr_equal(&router->noted, source) && router->noted_print == print))
		return;
	router->noted = *source;
	router->noted_print = print;
	if ((other_addresses || advert->interval != router->about.advert_interval) &&
	    log_limit(&router->complaints, clock_now(), &suppressed))
		tell_differences(router, source, advert, other_addresses);
}

void router_hear(struct router *router, const struct vrrp_envelope *envelope,
		 const struct vrrp_advert *advert)
{
	router->received++;
	note_differences(router, &envelope->source, advert);
	router_step(router, (struct vrrp_input){.kind = VRRP_INPUT_ADVERT,
						.source = envelope->source,
						.priority = advert->priority,
						.interval = advert->interval});
}

static void count_drop(struct router *router, enum vrrp_drop why, const struct addr *source,
		       nstime now)
{
	struct drops *drops = router->drops;

	if (!drops)
		drops = router->drops = calloc(1, sizeof(*drops));
	if (!drops)
		return;
	drops->total++;
	drops->count[why]++;
	drops->from[why] = *source;
	drops->at[why] = now;
}

void router_dropped(struct router *router, enum vrrp_drop why, const struct addr *source)
{
	nstime now = clock_now();
	char from[ADDR_TEXT];
	unsigned suppressed;

	count_drop(router, why, source, now);
	if (log_limit(&router->complaints, now, &suppressed))
		log_warning("%s: dropped an advert from %s (%s)%s", router->about.name,
			    addr_format(source, from), vrrp_drop_name(why),
			    suppressed ? " (and more)" : "");
}

/* ---- surroundings --------------------------------------------------------------------------- */

static void fault_add(struct text *text, uint64_t *faults, uint64_t cause, const char *format, ...)
	PRINTF_LIKE(4, 5);

static void fault_add(struct text *text, uint64_t *faults, uint64_t cause, const char *format, ...)
{
	va_list list;

	*faults |= cause;
	if (text->length)
		text_add(text, "; ");
	va_start(list, format);
	text_addv(text, format, list);
	va_end(list);
}

/* An address that the kernel refuses to a master: it gives up for a while, others may do better. */
static void look_at_refusals(struct router *router, struct text *text, uint64_t *faults)
{
	const struct held *refused = estate_refused(router);
	char address[PREFIX_TEXT];
	nstime now = clock_now();

	if (refused && router->holds && router->waiting) {
		nstime pause = RETRY_FIRST << (router->refusals < 5 ? router->refusals : 5);

		router->refusals++;
		router->retry_at = now + nstime_min(pause, RETRY_LONGEST);
	}
	if (refused && now < router->retry_at) {
		fault_add(text, faults, VRRP_FAULT_ADDRESS, "the kernel refuses %s on %s: %s",
			  prefix_format(&refused->prefix, address), router->port->name,
			  strerror(-refused->error));
		worker_later(router->worker, router->retry_at);
	}
}

static void add_source_fault(const struct router *router, struct text *text, uint64_t *faults)
{
	const char *name = router->port->name;
	char address[ADDR_TEXT];

	addr_format(&router->source.address, address);
	switch (router->source.state) {
	case VRRP_SOURCE_FOUND:
		break;
	case VRRP_SOURCE_NONE:
		fault_add(text, faults, VRRP_FAULT_SOURCE, "%s has no %s address to send from",
			  name, router->family == AF_INET6 ? "IPv6" : "IPv4");
		break;
	case VRRP_SOURCE_TENTATIVE:
		fault_add(text, faults, VRRP_FAULT_SOURCE,
			  "%s of %s is not usable yet: the kernel looks for duplicates of it",
			  address, name);
		break;
	case VRRP_SOURCE_DUPLICATE:
		fault_add(text, faults, VRRP_FAULT_SOURCE,
			  "%s of %s is not usable: another machine has it", address, name);
		break;
	}
}

/* Whether adverts can go out: from an address, through a socket, in one piece. */
static void look_at_sending(const struct router *router, struct text *text, uint64_t *faults)
{
	const struct port *port = router->port;
	size_t size = wire_size(router);
	int err = wire_error(router);

	add_source_fault(router, text, faults);
	if (err)
		fault_add(text, faults, VRRP_FAULT_SOCKET, "no socket for adverts on %s: %s",
			  port->name, strerror(-err));
	if (port->link.mtu && size > port->link.mtu)
		fault_add(text, faults, VRRP_FAULT_SOCKET,
			  "an advert with %u addresses has %zu bytes, the MTU of %s is %u",
			  router->wire_count, size, port->name, port->link.mtu);
}

static void add_vlink_fault(struct router *router, struct text *text, uint64_t *faults)
{
	char words[FACT_DETAIL];
	struct text wrong = text_of(words, sizeof(words));

	vlink_fault(router, &wrong);
	if (wrong.length)
		fault_add(text, faults, VRRP_FAULT_VLINK, "%s", words);
}

static uint64_t faults_now(struct router *router, struct text *text)
{
	const struct port *port = router->port;
	uint64_t faults = 0;

	if (!port->link.index) {
		fault_add(text, &faults, VRRP_FAULT_ABSENT, "interface %s does not exist",
			  port->name);
		return faults;
	}
	if (router->about.track_own_interface && !link_usable(&port->link))
		fault_add(text, &faults, VRRP_FAULT_LINK, "%s %s", port->name,
			  port->link.up ? "has no carrier" : "is down");
	look_at_sending(router, text, &faults);
	look_at_refusals(router, text, &faults);
	add_vlink_fault(router, text, &faults);
	if (trackers_fault(router, text))
		faults |= VRRP_FAULT_TRACKER;
	return faults;
}

static bool look_at_source(struct router *router)
{
	struct vrrp_source source = port_source(router->port, &router->about);
	struct addr usable = source.state == VRRP_SOURCE_FOUND ? source.address : (struct addr){0};
	bool changed = !addr_equal(&usable, &router->config.source);

	if (!router->port->link.index)
		return false;
	router->source = source;
	router->config.source = usable;
	return changed;
}

/* In a group they are everybody's. */
static void faults_changed(struct router *router)
{
	if (router->group)
		group_settle(router->group);
	else
		router_step(router, (struct vrrp_input){.kind = VRRP_INPUT_FAULTS,
							.faults = router->faults});
}

void router_look(struct router *router)
{
	char words[FACT_DETAIL];
	struct text text = text_of(words, sizeof(words));
	bool source_changed = router->port->stale && look_at_source(router);
	uint64_t faults = faults_now(router, &text);

	if (!router->started)
		return;
	if (note_keep(&router->fault_text, words))
		router_dirty(router);
	if (faults != router->faults) {
		router->faults = faults;
		faults_changed(router);
	}
	if (source_changed)
		router_step(router, (struct vrrp_input){.kind = VRRP_INPUT_CONFIG});
	estate_look(router);
}

void router_tell_ready(struct router *router)
{
	bool ready = router->worker->ready && trackers_known(router);

	if (router->machine.ready != ready)
		router_step(router,
			    (struct vrrp_input){.kind = VRRP_INPUT_READY, .yes = ready});
}

void router_tracked(struct router *router)
{
	uint8_t priority = trackers_priority(router);
	bool changed = priority != router->config.priority;

	router->config.priority = priority;
	router_look(router); /* a FAULT first: a MASTER that has one advertises nothing else */
	router_tell_ready(router);
	if (!changed)
		return;
	if (router->started)
		router_step(router, (struct vrrp_input){.kind = VRRP_INPUT_CONFIG});
	router_dirty(router);
}

void router_said(struct router *router, uint8_t base, bool maintenance)
{
	if (maintenance == router->config.barred && base == router->base_priority)
		return;
	router->base_priority = base;
	router->config.barred = maintenance;
	router->config.priority = trackers_priority(router);
	if (router->started)
		router_step(router, (struct vrrp_input){.kind = VRRP_INPUT_CONFIG});
	router_dirty(router);
}

void router_prepare(struct router *router)
{
	char words[FACT_DETAIL];
	struct text text = text_of(words, sizeof(words));

	router->page = statepage_take(worker_page(router->worker->frame), router->about.name);
	if (!router->page)
		log_warning("%s: no room in the state page: a restarted worker cannot go on as "
			    "MASTER", router->about.name);
	if (router->page) {
		router->machine.standing = router->page->standing; /* an operator's word */
		router->machine.peer_heard = router->page->heard;
	}
	router->port->stale = true;
	look_at_source(router);
	router->faults = faults_now(router, &text);
	note_keep(&router->fault_text, words);
}

bool router_resumes(const struct router *router)
{
	const struct statepage_instance *page = router->page;

	return page && page->state == VRRP_MASTER && !page->releasing && page->last_advert &&
	       clock_now() - page->last_advert < 2 * router->about.advert_interval;
}

void router_start(struct router *router, bool resume, uint64_t faults)
{
	struct vrrp_input input = {.kind = resume ? VRRP_INPUT_RESUME : VRRP_INPUT_START,
				   .point = resume ? router->page->last_advert : 0,
				   .faults = faults};

	router->started = true;
	router_step(router, input);
}

/* ---- facts ---------------------------------------------------------------------------------- */

/* MASTER only because it has never heard another router: whoever else there is may not hear us
 * either. */
static bool no_peer_heard(const struct router *router)
{
	const struct vrrp_machine *machine = &router->machine;

	bool has_peers = router->worker->has_peers || router->about.unicast.peer_count;

	return machine->no_peer_heard && has_peers;
}

/* What it advertises, or would. */
static uint8_t priority_told(const struct router *router)
{
	return router->config.barred ? VRRP_PRIORITY_LEAST : router->config.priority;
}

const char *router_why(const struct router *router, char *out)
{
	return reason(router, out);
}

void router_fact(const struct router *router, struct fact_instance *out)
{
	const struct vrrp_machine *machine = &router->machine;
	char words[FACT_DETAIL];

	*out = (struct fact_instance){
		.instance = router->index,
		.state = machine->state,
		.since = machine->since,
		.priority = priority_told(router),
		.base_priority = router->base_priority,
		.master = machine->master,
		.master_priority = machine->master_priority,
		.transitions = machine->transitions,
		.sent = router->sent,
		.received = router->received,
		.competing_master = machine->competing,
		.competitor = machine->competitor,
		.competitor_priority = machine->competitor_priority,
		.no_peer_heard = no_peer_heard(router),
		.other_addresses = router->other_addresses,
		.other_from = router->other_from,
		.repairs = router->repairs,
		.contested = router->contested,
		.maintenance = router->config.barred,
		.why = (uint8_t)machine->reason.why,
	};
	snprintf(out->repair, sizeof(out->repair), "%s", note_text(router->repair));
	snprintf(out->missing, sizeof(out->missing), "%s", note_text(router->missing));
	memcpy(out->late, router->late, sizeof(out->late));
	if (router->drops) {
		memcpy(out->dropped, router->drops->count, sizeof(out->dropped));
		memcpy(out->dropped_from, router->drops->from, sizeof(out->dropped_from));
		memcpy(out->dropped_at, router->drops->at, sizeof(out->dropped_at));
	}
	wire_add_strays(router, out);
	reason(router, words);
	memcpy(out->reason, words, sizeof(out->reason));
	if (machine->state == VRRP_FAULT)
		snprintf(out->fault, sizeof(out->fault), "%s",
			 router->faults ? note_text(router->fault_text) : words);
}

void router_count(struct router *router)
{
	uint64_t sum = router->sent + router->received + wire_stray_count(router) +
		       (router->drops ? router->drops->total : 0);

	if (sum == router->told && router->machine.reason.until <= clock_now())
		return;
	router->told = sum;
	worker_dirty(router->worker->frame, router->index);
}
