/* A virtual router as it lives: it gives inputs to its machine, does what the machine says, and
 * tells the log, the state page and the other workers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/duration.h"
#include "base/text.h"
#include "core/statepage.h"
#include "core/worker.h"
#include "vrrp/accept.h"
#include "vrrp/heir.h"
#include "vrrp/priority.h"
#include "vrrp/worker_io.h"


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
	if (router->due) {
		router->late[vrrp_late_bucket(sent - router->due)]++;
		router->late_sum += (uint64_t)nstime_max(sent - router->due, 0);
	}
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

/* Each is of interest, but not what thousands say again and again: the events have them all. */
static void log_change(const struct router *router, enum vrrp_state from)
{
	static struct log_bucket bucket = {.every = 20 * NSTIME_MS, .burst = 2000};
	char words[FACT_DETAIL];
	unsigned suppressed;

	if (!log_wants(LOG_LEVEL_INFO) || !log_limit(&bucket, clock_now(), &suppressed))
		return;
	if (suppressed)
		log_info("%u more changes of instances", suppressed);
	log_event(LOG_LEVEL_INFO,
		  &(struct log_about){.event = "vrrp_state", .instance = router->about.name},
		  "%s: %s → %s: %s (priority %u)", router->about.name, vrrp_state_name(from),
		  vrrp_state_name(router->machine.state), reason(router, words),
		  router->config.priority);
}

static void state_changed(struct router *router, enum vrrp_state from)
{
	router_hush(router);
	router->unannounced = router->machine.state == VRRP_MASTER && !router->machine.quiet;
	log_change(router, from);
	if (!router->leaving)
		worker_dirty(router->worker->frame,
			     worker_role_number(router->worker, router->index));
	trackers_role(router);
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
void router_due(void *ctx)
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

/* The director's address is on another of its interfaces, or not there yet. */
static void tell_replaced(const struct router *router)
{
	const struct addr *wanted = &router->about.source, *used = &router->config.source;
	char one[ADDR_TEXT], other[ADDR_TEXT];

	if (used->family && wanted->family && !addr_equal(used, wanted))
		log_debug("%s: %s does not have %s: adverts leave from %s", router->about.name,
			  router->port->name, addr_format(wanted, one), addr_format(used, other));
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
	if (changed)
		tell_replaced(router);
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
	uint64_t faults = router_faults(router, &text);

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
			    "MASTER",
			    router->about.name);
	router_inherit(router);
	if (router->page) {
		router->machine.standing = router->page->standing; /* an operator's word */
		router->machine.peer_heard = router->page->heard;
	}
	router->port->stale = true;
	look_at_source(router);
	router->faults = router_faults(router, &text);
	note_keep(&router->fault_text, words);
}

static bool goes_on(const struct router *router)
{
	const struct statepage_instance *page = router->page;

	return page && page->state == VRRP_MASTER && !page->releasing &&
	       page->last_advert > worker_page(router->worker->frame)->withdrawn &&
	       clock_now() - page->last_advert <
		       vrrp_heir_grace(router->about.advert_interval, router->worker->restarted);
}

bool router_resumes(const struct router *router)
{
	return goes_on(router) || vips_handed(router);
}

void router_start(struct router *router, bool resume, uint64_t faults)
{
	bool handed = resume && !goes_on(router);
	struct vrrp_input input = {.kind = resume ? VRRP_INPUT_RESUME : VRRP_INPUT_START,
				   .point = resume && !handed ? router->page->last_advert : 0,
				   .yes = handed,
				   .faults = faults};

	router->started = true;
	router_step(router, input);
	router_inherited(router);
}

/* What it advertises, or would. */
static uint8_t priority_told(const struct router *router)
{
	return router->config.barred ? VRRP_PRIORITY_LEAST : router->config.priority;
}

void router_last_word(struct router *router)
{
	if (router->machine.state == VRRP_MASTER && router->machine.advertised &&
	    !vrrp_fsm_releasing(&router->machine))
		send_advert(router, priority_told(router));
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
	out->late_sum = router->late_sum;
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
