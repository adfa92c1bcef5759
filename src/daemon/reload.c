/* See the header. COMMIT goes in the order of enum role from control on: check before ipvs before vrrp, so that
 * servers are probed and programmed before an address moves to them. */
#include "daemon/reload.h"

static unsigned bit(enum role role)
{
	return 1u << role;
}

static struct reload_step step(enum reload_next next, enum role role)
{
	return (struct reload_step){.next = next, .role = role};
}

static struct reload_step finish(struct reload *reload, enum reload_next next, enum role role)
{
	reload->phase = RELOAD_IDLE;
	reload->waiting = 0;
	return step(next, role);
}

/* The next member after `from` in commit order, or the end. */
static struct reload_step commit_after(struct reload *reload, unsigned from)
{
	for (unsigned role = from; role < ROLE_COUNT; role++) {
		if (!(reload->members & bit(role)))
			continue;
		reload->phase = RELOAD_COMMITTING;
		reload->committing = role;
		return step(RELOAD_COMMIT, role);
	}
	return finish(reload, RELOAD_APPLY, ROLE_SUPERVISOR);
}

static struct reload_step all_prepared(struct reload *reload)
{
	struct reload_step next;

	if (reload->plan_only)
		return finish(reload, RELOAD_PLANNED, ROLE_SUPERVISOR);
	next = commit_after(reload, 0);
	next.first = true;
	return next;
}

struct reload_step reload_begin(struct reload *reload, unsigned members, bool plan_only)
{
	*reload = (struct reload){
		.phase = RELOAD_PREPARING, .plan_only = plan_only, .members = members, .waiting = members};
	return members ? step(RELOAD_PREPARE, ROLE_SUPERVISOR) : all_prepared(reload);
}

struct reload_step reload_prepared(struct reload *reload, enum role role, bool accepted)
{
	if (reload->phase != RELOAD_PREPARING || !(reload->waiting & bit(role)))
		return step(RELOAD_WAIT, role);
	reload->waiting &= ~bit(role);
	if (!accepted)
		return finish(reload, RELOAD_REFUSE, role);
	return reload->waiting ? step(RELOAD_WAIT, role) : all_prepared(reload);
}

struct reload_step reload_committed(struct reload *reload, enum role role)
{
	if (reload->phase != RELOAD_COMMITTING || reload->committing != role)
		return step(RELOAD_WAIT, role);
	return commit_after(reload, role + 1);
}

struct reload_step reload_died(struct reload *reload, enum role role)
{
	if (reload->phase == RELOAD_IDLE || !(reload->members & bit(role)))
		return step(RELOAD_WAIT, role);
	reload->members &= ~bit(role);
	if (reload->phase == RELOAD_PREPARING)
		return finish(reload, RELOAD_REFUSE, role);
	if (reload->committing == role)
		return commit_after(reload, role + 1);
	return step(RELOAD_WAIT, role);
}
