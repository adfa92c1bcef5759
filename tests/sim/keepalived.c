/* A peer that behaves like keepalived, as far as others see it: adverts first and addresses then, a
 * lesser advert answered at once and announced over, a silent step back, priority 0 from anybody
 * shortens the wait, preempt_delay counted from the first lesser advert, and sync groups whose
 * members wait for one another and step back together. */
#include "vrrp/priority.h"
#include "world.h"

static nstime down_interval(const struct router *r)
{
	return vrrp_down_interval(r->config.version, r->config.priority, r->peer.master_interval);
}

static void rest(struct router *r, nstime wait)
{
	r->peer.deadline = node_clock(r->node) + wait;
	router_arm(r, r->peer.deadline);
}

static void become(struct router *r, enum vrrp_state state, const char *why)
{
	world_note(r->node->world, r, "%s → %s: %s", vrrp_state_name(r->peer.state),
		   vrrp_state_name(state), why);
	r->node->world->transitions++;
	if (r->peer.state == VRRP_MASTER)
		world_write(r, false);
	r->peer.state = state;
	r->peer.wants = false;
	r->peer.lesser_since = NSTIME_NEVER;
	r->peer.master_interval = r->config.advert_interval;
}

static void advertise(struct router *r)
{
	world_send(r, r->config.priority);
	rest(r, r->config.advert_interval);
}

static void backup(struct router *r, const char *why)
{
	become(r, VRRP_BACKUP, why);
	rest(r, down_interval(r));
}

/* The other members of its group that do not yet agree. */
static bool mates_want(const struct router *r)
{
	const struct node *node = r->node;

	for (unsigned wire = 0; node->grouped && wire < node->world->wires; wire++)
		if (!node->routers[wire].peer.wants)
			return false;
	return true;
}

static void master(struct router *r)
{
	become(r, VRRP_MASTER, "its down timer has ended");
	advertise(r);
	world_write(r, true);
}

static void for_group(struct router *r, void (*what)(struct router *r, const char *why),
		      const char *why)
{
	struct node *node = r->node;

	what(r, why);
	for (unsigned wire = 0; node->grouped && wire < node->world->wires; wire++)
		if (wire != r->wire && node->routers[wire].peer.state == VRRP_MASTER)
			what(&node->routers[wire], "with its group");
}

void peer_timer(struct router *r)
{
	if (r->peer.state == VRRP_MASTER) {
		advertise(r);
		return;
	}
	r->peer.wants = true;
	rest(r, down_interval(r));
	if (!mates_want(r))
		return;
	if (!r->node->grouped)
		master(r);
	for (unsigned wire = 0; r->node->grouped && wire < r->node->world->wires; wire++)
		master(&r->node->routers[wire]);
}

/* ---- adverts -------------------------------------------------------------------------------- */

static bool accepts(struct router *r, const struct packet *packet)
{
	if (packet->priority >= r->config.priority) {
		r->peer.lesser_since = NSTIME_NEVER;
		return true;
	}
	if (r->peer.lesser_since == NSTIME_NEVER)
		r->peer.lesser_since = node_clock(r->node);
	return !r->config.preempt ||
	       node_clock(r->node) < r->peer.lesser_since + r->config.preempt_delay;
}

static void follow(struct router *r, const struct packet *packet)
{
	r->peer.wants = false;
	if (r->config.version != 2)
		r->peer.master_interval = packet->interval;
	rest(r, down_interval(r));
}

static void backup_hears(struct router *r, const struct packet *packet)
{
	if (!packet->priority)
		rest(r, vrrp_skew(r->config.version, r->config.priority, r->peer.master_interval));
	else if (accepts(r, packet))
		follow(r, packet);
}

static void asserts(struct router *r, const char *why)
{
	(void)why;
	advertise(r);
	if (r->holds)
		world_announce(r);
}

void peer_hear(struct router *r, const struct packet *packet)
{
	const struct addr *source =
		&r->node->world->nodes[packet->from].routers[packet->wire].config.source;

	if (r->peer.state == VRRP_BACKUP)
		backup_hears(r, packet);
	if (r->peer.state != VRRP_MASTER)
		return;
	if (!packet->priority)
		advertise(r);
	else if (vrrp_beats(packet->priority, source, r->config.priority, &r->config.source)) {
		for_group(r, backup, "there is a better one");
		follow(r, packet);
	} else if (packet->priority < r->config.priority)
		for_group(r, asserts, "");
}

/* ---- life ----------------------------------------------------------------------------------- */

static bool all_links(const struct router *r)
{
	const struct node *node = r->node;

	for (unsigned wire = 0; node->grouped && wire < node->world->wires; wire++)
		if (!node->routers[wire].link)
			return false;
	return r->link;
}

static void look(struct router *r)
{
	bool fine = all_links(r);

	if (fine && (r->peer.state == VRRP_FAULT || r->peer.state == VRRP_INIT)) {
		backup(r, "its links are up");
	} else if (!fine && r->peer.state != VRRP_FAULT) {
		if (r->peer.state == VRRP_MASTER)
			world_send(r, VRRP_PRIORITY_RELEASE);
		become(r, VRRP_FAULT, "no carrier");
		router_arm(r, NSTIME_NEVER);
	}
}

void peer_start(struct router *r)
{
	r->peer = (struct peer){.state = VRRP_INIT, .lesser_since = NSTIME_NEVER};
	look(r);
}

void peer_link(struct router *r)
{
	look(r);
	for (unsigned wire = 0; r->node->grouped && wire < r->node->world->wires; wire++)
		look(&r->node->routers[wire]);
}

void peer_stop(struct node *node)
{
	for (unsigned wire = 0; wire < node->world->wires; wire++) {
		struct router *r = &node->routers[wire];

		if (r->peer.state == VRRP_MASTER)
			world_send(r, VRRP_PRIORITY_RELEASE);
		become(r, VRRP_INIT, "stopped");
		router_arm(r, NSTIME_NEVER);
	}
	node->running = false;
}
