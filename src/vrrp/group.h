/* A sync group: virtual routers of one director that are MASTER together or not at all. One machine
 * above the members' machines (fsm.h, config.grouped). Pure.
 *
 * It is level-based: it keeps no copy of what the members are in, but looks at them after each step
 * of any of them, and says which member gets which input next, until there is nothing left to say.
 * All that happens within one turn of the loop, so no order of events can leave a group half moved.
 * The rules, the first that applies:
 *
 *  - Faults: a cause at one member is VRRP_FAULT_GROUP for all others, and goes with it.
 *  - A planned stop sends all members' priority 0; each owns its addresses until all have heard
 *    their successors or had their holds; then they let go together. A fault meanwhile ends the
 *    release of its member only.
 *  - The operator's release is the same; it counts only when every member has a successor, else it
 *    is undone for all. Claims and standing down are the group's too.
 *  - A master among backups: when the backups are ready to be master (or have just begun to listen
 *    and know of no master: a member that a reload has added) they become MASTER. Else one was
 *    deposed, and all masters give up at once, with priority 0, so that nobody has to wait for
 *    them.
 *  - All MASTER: they advertise for the first time when all have their addresses (or a moment later
 *    in any case): the group that they depose lets go of everything at the first word.
 *  - All BACKUP: they claim when each of them would. One that hears a better living master holds
 *    the others back; their reason says for whom they wait.
 *
 * Ties: with equal priorities, and addresses that are higher on one wire and lower on another, two
 * groups that claim at the same time depose each other, and would do so again and again, since
 * their timers are the same. So a deposed group adds a random part of an interval to its claims,
 * until it has known the same master for two down intervals on every wire. Who claims first is left
 * in peace by an equal.
 *
 * Peers that are not grouped cannot make a group flap. While such a peer is the better one on any
 * wire, it is heard there, and the group does not claim: nothing changes until the peer does. On
 * the other wires that peer takes over, or nobody does; the group stays BACKUP all the same, which
 * is what "together or not at all" means, and says whom it waits for. Priorities that differ
 * between wires (keepalived allows them) work the same: whoever claims first stays, because the
 * other is always held back by one wire. */
#ifndef LBHA_VRRP_GROUP_H
#define LBHA_VRRP_GROUP_H

#include <stddef.h>

#include "vrrp/fsm.h"

/* A member as it is now; the machine is stepped by the caller. */
struct vrrp_member {
	const char *name;
	const struct vrrp_machine *machine;
	const struct vrrp_config *config;
	uint64_t faults;        /* its own causes, without VRRP_FAULT_GROUP */
	const char *fault_text; /* these in words */
};

struct vrrp_members {
	const struct vrrp_member *list;
	size_t count;
};

enum vrrp_group_order {
	VRRP_GROUP_NONE,
	VRRP_GROUP_RELEASE,   /* planned stop: there is no way back */
	VRRP_GROUP_STEP_DOWN, /* the operator's release */
	VRRP_GROUP_CLAIM,     /* the operator's claim */
};

struct vrrp_group {
	enum vrrp_state state;  /* of all members, whenever vrrp_group_next has nothing to say */
	nstime since;
	size_t cause;           /* the member that brought it there */
	enum vrrp_group_order order; /* being carried out */
	size_t given;           /* members that were given the operator's order */
	nstime patience;        /* added to claims */
};

/* A group in INIT. */
void vrrp_group_init(struct vrrp_group *group, nstime now);

/* An order for all members; vrrp_group_next carries it out. Each member answers an operator's
 * release (VRRP_ACTION_STEPPED_DOWN), though it may stand down already. */
void vrrp_group_order(struct vrrp_group *group, enum vrrp_group_order order);

/* Which member (index) gets which input next; false: none, and all agree. Members in INIT have not
 * begun and are left alone. `random`: any value. */
bool vrrp_group_next(struct vrrp_group *group, const struct vrrp_members *members, nstime now,
		     uint32_t random, size_t *member, struct vrrp_input *input);

/* Whether a step of a member can mean anything for its group; adverts of one that goes on as it is do
 * not. (A claim that is due later than it was is noticed when it would have been due.) */
bool vrrp_group_cares(const struct vrrp_machine *before, const struct vrrp_machine *after);

/* The faults of a member that starts: its own, and VRRP_FAULT_GROUP for those of others. */
uint64_t vrrp_group_faults(const struct vrrp_group *group, const struct vrrp_members *members,
			   size_t member);

/* When vrrp_group_next may have something to say though no member has changed. */
nstime vrrp_group_due(const struct vrrp_group *group, const struct vrrp_members *members,
		      nstime now);

/* Why the group is in its state: the reason of the member that decides, with its name, e.g.
 * "inside: 10.0.0.2 advertises 150 > 100". Returns out. */
const char *vrrp_group_explain(const struct vrrp_group *group, const struct vrrp_members *members,
			       nstime now, char *out, size_t size);

/* Whether the group has to do with why a member is in its state: it waits for others, or has
 * followed them. */
bool vrrp_group_matters(const struct vrrp_member *member, nstime now);

/* Why a member is in its state: its own reason; or "waiting for inside: …" when it would claim and
 * another holds it back; or "with inside: …" when it followed its group. Returns out. */
const char *vrrp_group_explain_member(const struct vrrp_group *group,
				      const struct vrrp_members *members, size_t member, nstime now,
				      char *out, size_t size);

#endif
