/* A node of lbha: the real machines of its routers and its group, driven as the worker drives them;
 * and what can happen to any node. */
#include <string.h>

#include "base/cleanup.h"
#include "world.h"

#define EPOCH (1000 * NSTIME_S) /* all clocks showed that at the beginning */
#define MILLION 1000000
#define READY_INTERVALS 30

/* ---- clocks --------------------------------------------------------------------------------- */

nstime node_clock(const struct node *node)
{
	nstime passed = node->world->now - EPOCH;

	return node->world->now + passed / MILLION * node->rate +
	       passed % MILLION * node->rate / MILLION;
}

/* Not too early: the worker's timers never are. */
nstime node_when(const struct node *node, nstime local)
{
	nstime guess;

	if (local == NSTIME_NEVER || !node->rate)
		return local;
	guess = EPOCH + (nstime)((double)(local - EPOCH) * MILLION / (MILLION + node->rate));
	return guess + 1000; /* more than the error of a double over hours */
}

static nstime late(struct node *node, nstime local)
{
	struct world *w = node->world;
	nstime when = node_when(node, local);

	w->latest = nstime_max(w->latest, w->lateness);
	if (when == NSTIME_NEVER)
		return when;
	return nstime_max(when, w->now) + world_pick_time(w, w->lateness);
}

void router_arm(struct router *router, nstime due)
{
	if (due != router->due || router->fire_at <= router->node->world->now)
		router->fire_at = late(router->node, due);
	router->due = due;
}

/* ---- reasons -------------------------------------------------------------------------------- */

static bool reason_fits(enum vrrp_state from, const struct vrrp_machine *machine)
{
	enum vrrp_why why = machine->reason.why;

	switch (machine->state) {
	case VRRP_INIT:
		return why >= VRRP_WHY_STOPPED && why <= VRRP_WHY_WITHDRAWN;
	case VRRP_BACKUP:
		if (why == VRRP_WHY_BARRED || why == VRRP_WHY_STANDING)
			return true;
		if (from == VRRP_MASTER)
			return why == VRRP_WHY_HIGHER || why == VRRP_WHY_TIE ||
			       (why == VRRP_WHY_GROUP && machine->grouped);
		return why == VRRP_WHY_LISTENING;
	case VRRP_MASTER:
		return (why >= VRRP_WHY_SILENCE && why <= VRRP_WHY_RESUMED) ||
		       (why == VRRP_WHY_GROUP && machine->grouped);
	case VRRP_FAULT:
		return why == VRRP_WHY_FAULT && machine->faults;
	}
	return false;
}

/* What it says of others must be so. */
static bool reason_is_true(const struct vrrp_reason *reason)
{
	switch (reason->why) {
	case VRRP_WHY_HIGHER:
		return reason->peer_priority > reason->priority;
	case VRRP_WHY_EQUAL:
	case VRRP_WHY_TIE:
		return reason->peer_priority == reason->priority;
	case VRRP_WHY_NOT_READY: /* equal: a claim that the addresses would decide for us */
		return reason->peer_priority <= reason->priority;
	case VRRP_WHY_NO_PREEMPT:
	case VRRP_WHY_STARTUP:
	case VRRP_WHY_DELAY:
	case VRRP_WHY_PREEMPTING:
	case VRRP_WHY_PREEMPTED:
		return reason->peer_priority < reason->priority;
	case VRRP_WHY_GIVING_UP:
	case VRRP_WHY_GAVE_UP:
		return !reason->peer_priority && reason->peer.family;
	default:
		return true;
	}
}

static void state_changed(struct router *r, enum vrrp_state from)
{
	struct world *w = r->node->world;
	char words[160];

	vrrp_explain(&r->machine.reason, node_clock(r->node), "", words, sizeof(words));
	world_note(w, r, "%s → %s: %s", vrrp_state_name(from), vrrp_state_name(r->machine.state),
		   words);
	w->transitions++;
	if (!reason_fits(from, &r->machine))
		world_break(w, "n%u: %s → %s because \"%s\"", r->node->id, vrrp_state_name(from),
			    vrrp_state_name(r->machine.state), words);
}

/* ---- steps ---------------------------------------------------------------------------------- */

/* A master never leaves more than an interval between adverts, and what its timer is late. */
static void watch_silence(const struct router *r, uint8_t priority)
{
	struct world *w = r->node->world;
	nstime allowed = r->config.advert_interval + r->config.advert_interval / 50 + w->latest;

	if (r->machine.advertised && r->sent && r->said && priority &&
	    r->machine.reason.why != VRRP_WHY_RESUMED &&
	    node_when(r->node, r->machine.since) <= r->sent && w->now - r->sent > allowed &&
	    w->disturbed + allowed < w->now)
		world_break(w, "n%u was silent for %lld ns", r->node->id,
			    (long long)(w->now - r->sent));
}

static void released(struct node *node)
{
	for (unsigned wire = 0; wire < node->world->wires; wire++)
		if (node->routers[wire].machine.state != VRRP_INIT)
			return;
	node->running = false; /* the process ends after its writes: they stay valid */
}

static void act(struct router *r, const struct vrrp_action *action)
{
	struct node *node = r->node;

	switch (action->kind) {
	case VRRP_ACTION_SEND:
		watch_silence(r, action->priority);
		world_send(r, action->priority);
		r->paged = node_clock(node);
		break;
	case VRRP_ACTION_ADD:
		world_write(r, true);
		break;
	case VRRP_ACTION_REMOVE:
		world_write(r, false);
		break;
	case VRRP_ACTION_ANNOUNCE:
		world_announce(r);
		break;
	case VRRP_ACTION_STATE:
		state_changed(r, action->from);
		break;
	case VRRP_ACTION_RELEASED:
		world_note(node->world, r, "released");
		released(node);
		break;
	case VRRP_ACTION_STEPPED_DOWN:
		world_note(node->world, r, "%s",
			   action->yes ? "stands down" : "stays: nobody has taken over");
		if (node->answer != ANSWER_NO)
			node->answer = action->yes ? ANSWER_YES : ANSWER_NO;
		break;
	}
}

static void watch_step(struct router *r, const struct vrrp_actions *actions)
{
	struct world *w = r->node->world;

	r->spins = r->stepped == w->now ? r->spins + 1 : 0;
	r->stepped = w->now;
	if (r->spins > 2 * HELD_MAX)
		world_break(w, "n%u spins", r->node->id);
	if (actions->count >= VRRP_ACTIONS_MAX)
		world_break(w, "n%u wants more than fits", r->node->id);
	if ((r->machine.state == VRRP_MASTER) != r->wanted)
		world_break(w, "n%u is %s and wants its addresses %s", r->node->id,
			    vrrp_state_name(r->machine.state), r->wanted ? "in" : "out");
	if (!reason_is_true(&r->machine.reason))
		world_break(w, "n%u: the reason %d is not so", r->node->id, r->machine.reason.why);
}

static void settle(struct node *node);

static void step(struct router *r, struct vrrp_input input)
{
	struct world *w = r->node->world;
	struct vrrp_machine before = r->machine;
	struct vrrp_actions actions;

	input.random = world_pick(w, 1u << 30);
	vrrp_fsm_step(&r->machine, &r->config, node_clock(r->node), &input, &actions);
	w->steps++;
	for (unsigned i = 0; i < actions.count; i++)
		act(r, &actions.list[i]);
	r->was_master = r->machine.state == VRRP_MASTER && !vrrp_fsm_releasing(&r->machine);
	watch_step(r, &actions);
	router_arm(r, vrrp_fsm_due(&r->machine));
	if (vrrp_group_cares(&before, &r->machine))
		settle(r->node);
}

static void step_kind(struct router *r, enum vrrp_input_kind kind)
{
	step(r, (struct vrrp_input){.kind = kind});
}

/* ---- groups --------------------------------------------------------------------------------- */

static uint64_t faults_of(const struct router *r)
{
	return r->link ? 0 : VRRP_FAULT_LINK;
}

static struct vrrp_members members_of(struct node *node, struct vrrp_member list[WIRES])
{
	static const char *const names[] = {"a", "b"};

	for (unsigned wire = 0; wire < node->world->wires; wire++) {
		const struct router *r = &node->routers[wire];

		list[wire] = (struct vrrp_member){.name = names[wire],
						  .machine = &r->machine,
						  .config = &r->config,
						  .faults = faults_of(r),
						  .fault_text = "no carrier"};
	}
	return (struct vrrp_members){.list = list, .count = node->world->wires};
}

static void watch_agreement(struct node *node)
{
	enum vrrp_state state = node->routers[0].machine.state;

	for (unsigned wire = 0; wire < node->world->wires && !node->stopping; wire++)
		if (node->routers[wire].machine.state != state || node->group.state != state)
			world_break(node->world, "the group of n%u does not agree", node->id);
}

/* As in the worker: a claim waits for the group's own timer. */
static void settle(struct node *node)
{
	struct vrrp_member list[WIRES];
	struct vrrp_members members;
	struct vrrp_input input;
	enum vrrp_state before = node->group.state;
	nstime due = 0;
	size_t member;
	bool waits = false;

	if (!node->grouped || node->settling)
		return;
	node->settling = true;
	members = members_of(node, list);
	for (int i = 0;
	     !waits && vrrp_group_next(&node->group, &members, node_clock(node),
				       world_pick(node->world, 1u << 30), &member, &input);
	     i++) {
		waits = input.kind == VRRP_INPUT_GROUP_TAKE && !node->may_claim;
		if (!waits)
			step(&node->routers[member], input);
		if (i > 20)
			world_break(node->world, "the group of n%u spins", node->id);
		if (node->world->broken[0])
			break;
	}
	node->settling = false;
	if (!waits) {
		due = vrrp_group_due(&node->group, &members, node_clock(node));
		watch_agreement(node);
	}
	if (due != node->group_due || node->group_fire_at <= node->world->now)
		node->group_fire_at = late(node, due);
	node->group_due = due;
	if (before != node->group.state)
		world_note_node(node->world, node, "group: %s", vrrp_state_name(node->group.state));
}

void group_timer(struct node *node)
{
	node->may_claim = true;
	settle(node);
	node->may_claim = false;
}

/* ---- what comes to a router ----------------------------------------------------------------- */

void router_hear(struct router *router, const struct packet *packet)
{
	world_note(router->node->world, router, "hears %u from %u", packet->priority, packet->from);
	if (router->node->like_keepalived) {
		peer_hear(router, packet);
		return;
	}
	step(router, (struct vrrp_input){.kind = VRRP_INPUT_ADVERT,
					 .source = router->node->world->nodes[packet->from]
							   .routers[packet->wire]
							   .config.source,
					 .priority = packet->priority,
					 .interval = packet->interval});
}

void router_written(struct router *router, bool added)
{
	if (!router->node->like_keepalived)
		step(router, (struct vrrp_input){.kind = VRRP_INPUT_WRITTEN, .yes = added});
	else if (router->peer.state == VRRP_MASTER)
		world_announce(router);
}

void router_timer(struct router *router)
{
	if (router->node->like_keepalived)
		peer_timer(router);
	else
		step_kind(router, VRRP_INPUT_TIMER);
}

/* ---- what happens to a node ----------------------------------------------------------------- */

static struct router *router_of(struct node *node, unsigned wire)
{
	return wire < node->world->wires ? &node->routers[wire] : NULL;
}

static void worker_begins(struct node *node)
{
	struct router *r;

	node->life++;
	node->running = true;
	node->paused = node->stopping = false;
	node->held_count = 0;
	node->group_due = node->group_fire_at = NSTIME_NEVER;
	vrrp_group_init(&node->group, node_clock(node));
	for (unsigned wire = 0; (r = router_of(node, wire)); wire++) {
		r->written = r->added = false;
		r->writes = 0;
		r->due = r->fire_at = NSTIME_NEVER;
		r->config.grouped = node->grouped;
		r->config.ready_until =
			node_clock(node) + READY_INTERVALS * r->config.advert_interval;
		vrrp_fsm_init(&r->machine, node_clock(node));
	}
}

static void begin(struct node *node, enum vrrp_input_kind kind)
{
	struct vrrp_member list[WIRES];
	struct vrrp_members members = members_of(node, list);
	struct router *r;

	worker_begins(node);
	node->settling = true;
	for (unsigned wire = 0; (r = router_of(node, wire)); wire++) {
		uint64_t faults = node->grouped ? vrrp_group_faults(&node->group, &members, wire)
						: faults_of(r);
		enum vrrp_input_kind how = kind;

		if (!node->grouped && kind == VRRP_INPUT_RESUME && !r->was_master)
			how = VRRP_INPUT_START;
		step(r, (struct vrrp_input){.kind = how, .point = r->paged, .faults = faults});
	}
	node->settling = false;
	settle(node);
}

void node_start(struct node *node)
{
	struct router *r;

	world_disturb(node->world, node, "starts");
	for (unsigned wire = 0; (r = router_of(node, wire)); wire++) {
		r->holds = r->wanted = false;
		r->sent = r->paged = 0;
		r->config.startup_until =
			node->startup_delay ? node_clock(node) + node->startup_delay : 0;
	}
	if (!node->like_keepalived) {
		begin(node, VRRP_INPUT_START);
		return;
	}
	worker_begins(node);
	for (unsigned wire = 0; (r = router_of(node, wire)); wire++)
		peer_start(r);
}

void node_crash(struct node *node)
{
	world_disturb(node->world, node, "node crashes");
	node->running = false;
	node->life++;
	for (unsigned wire = 0; wire < WIRES; wire++)
		node->routers[wire].holds = node->routers[wire].wanted = false;
	world_watch(node->world);
}

void node_kill(struct node *node)
{
	if (node->like_keepalived) {
		node_crash(node);
		return;
	}
	world_disturb(node->world, node, "worker is killed");
	node->running = false;
	node->life++;
}

static bool is_fresh(const struct router *r)
{
	return r->was_master && r->paged &&
	       node_clock(r->node) - r->paged < 2 * r->config.advert_interval;
}

void node_come_back(struct node *node)
{
	bool all = true, any = false;
	struct router *r;

	if (node->like_keepalived) {
		node_start(node);
		return;
	}
	world_disturb(node->world, node, "worker comes back");
	for (unsigned wire = 0; (r = router_of(node, wire)); wire++) {
		bool fresh = is_fresh(r) && (!node->grouped || !faults_of(r));

		r->wanted = false;
		r->was_master = fresh;
		all &= fresh;
		any |= fresh;
	}
	for (unsigned wire = 0; (r = router_of(node, wire)); wire++)
		if (node->grouped ? !all : !r->was_master)
			r->holds = false;
	begin(node, (node->grouped ? all : any) ? VRRP_INPUT_RESUME : VRRP_INPUT_START);
}

void node_pause(struct node *node)
{
	world_disturb(node->world, node, "is paused");
	node->paused = true;
}

static void look(struct router *r)
{
	if (r->node->like_keepalived)
		peer_link(r);
	else if (r->node->grouped)
		settle(r->node);
	else if (r->machine.faults != faults_of(r))
		step(r, (struct vrrp_input){.kind = VRRP_INPUT_FAULTS, .faults = faults_of(r)});
}

/* What has come meanwhile is looked at before any timer: the worker drains its sockets first. */
void node_go_on(struct node *node)
{
	unsigned count = node->held_count;
	struct router *r;

	world_disturb(node->world, node, "goes on");
	node->paused = false;
	node->held_count = 0;
	for (unsigned i = 0; i < count && node->running; i++)
		router_hear(&node->routers[node->held[i].wire], &node->held[i]);
	for (unsigned wire = 0; node->running && (r = router_of(node, wire)); wire++)
		look(r);
	for (unsigned wire = 0; node->running && (r = router_of(node, wire)); wire++) {
		bool added = r->added;

		if (r->written && r->wanted && !r->writes) {
			r->written = r->added = false;
			router_written(r, added);
		}
		r->written = false;
	}
}

void node_link(struct node *node, unsigned wire, bool up)
{
	world_disturb(node->world, node, up ? "carrier returns" : "carrier is lost");
	node->routers[wire].link = up;
	world_note(node->world, &node->routers[wire], "here");
	if (node->running && !node->paused)
		look(&node->routers[wire]);
}

void node_release(struct node *node)
{
	struct router *r;

	world_disturb(node->world, node, "is to stop");
	node->stopping = true;
	if (node->like_keepalived) {
		peer_stop(node);
	} else if (node->grouped) {
		vrrp_group_order(&node->group, VRRP_GROUP_RELEASE);
		settle(node);
	} else {
		for (unsigned wire = 0; (r = router_of(node, wire)); wire++)
			step_kind(r, VRRP_INPUT_RELEASE);
	}
}

void node_ready(struct node *node)
{
	struct router *r;

	for (unsigned wire = 0; !node->like_keepalived && (r = router_of(node, wire)); wire++)
		step(r, (struct vrrp_input){.kind = VRRP_INPUT_READY, .yes = true});
}

static void configured(struct node *node)
{
	struct router *r;

	for (unsigned wire = 0; !node->like_keepalived && (r = router_of(node, wire)); wire++)
		step_kind(r, VRRP_INPUT_CONFIG);
}

void node_priority(struct node *node, uint8_t priority)
{
	world_disturb(node->world, node, "gets another priority");
	world_note_node(node->world, node, "priority %u", priority);
	for (unsigned wire = 0; wire < WIRES; wire++)
		node->routers[wire].config.priority = priority;
	configured(node);
}

void node_bar(struct node *node, bool barred)
{
	if (node->like_keepalived)
		return;
	world_disturb(node->world, node, barred ? "maintenance on" : "maintenance off");
	for (unsigned wire = 0; wire < WIRES; wire++)
		node->routers[wire].config.barred = barred;
	configured(node);
}

/* As a commit of the worker does it: all are told, and then the group is looked at. */
void node_group(struct node *node, bool grouped)
{
	struct router *r;

	if (node->like_keepalived || node->grouped == grouped)
		return;
	world_disturb(node->world, node, grouped ? "becomes a group" : "is no group any more");
	node->grouped = grouped;
	node->group_due = node->group_fire_at = NSTIME_NEVER;
	vrrp_group_init(&node->group, node_clock(node));
	node->settling = true;
	for (unsigned wire = 0; (r = router_of(node, wire)); wire++) {
		r->config.grouped = grouped;
		if (!grouped && r->machine.faults != faults_of(r))
			step(r, (struct vrrp_input){.kind = VRRP_INPUT_FAULTS,
						    .faults = faults_of(r)});
		step_kind(r, VRRP_INPUT_CONFIG);
	}
	node->settling = false;
	settle(node);
}

void node_order(struct node *node, enum vrrp_input_kind order)
{
	bool claim = order == VRRP_INPUT_CLAIM;
	struct router *r;

	if (node->like_keepalived)
		return;
	world_disturb(node->world, node, claim ? "is to claim" : "is to step down");
	node->answer = ANSWER_NONE;
	if (node->grouped) {
		vrrp_group_order(&node->group, claim ? VRRP_GROUP_CLAIM : VRRP_GROUP_STEP_DOWN);
		settle(node);
		return;
	}
	for (unsigned wire = 0; (r = router_of(node, wire)); wire++)
		step_kind(r, order);
}
