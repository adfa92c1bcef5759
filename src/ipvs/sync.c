/* Roles to daemons, daemons to operations; see the header. */
#include "ipvs/sync.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "config/model.h"

const char *ipvs_sync_role_name(enum ipvs_sync_role role)
{
	static const char *const names[IPVS_SYNC_ROLES] = {[IPVS_SYNC_MASTER] = "master",
							   [IPVS_SYNC_BACKUP] = "backup"};

	return (unsigned)role < IPVS_SYNC_ROLES ? names[role] : "unknown";
}

/* ---- what is wanted ------------------------------------------------------------------------- */

static bool role_wanted(const struct ipvs_sync *sync, enum mastership mastership,
			const struct ipvs_daemons *actual, enum ipvs_sync_role role)
{
	if (!sync->follow)
		return true;
	switch (mastership) {
	case MASTERSHIP_YES:
		return role == IPVS_SYNC_MASTER;
	case MASTERSHIP_NO:
		return role == IPVS_SYNC_BACKUP;
	case MASTERSHIP_UNKNOWN:
		break;
	}
	if (role == IPVS_SYNC_BACKUP && !actual->of[IPVS_SYNC_MASTER].on)
		return true;
	return actual->of[role].on;
}

struct ipvs_daemons ipvs_sync_wanted(const struct model *model,
				     enum mastership mastership,
				     const struct ipvs_daemons *actual, uint32_t link)
{
	struct ipvs_daemons wanted = {0};
	const struct ipvs_sync *sync;

	if (!model || !model->service_count || !model->global.ipvs.sync_count)
		return wanted;
	sync = model->global.ipvs.sync;
	for (unsigned role = 0; role < IPVS_SYNC_ROLES; role++) {
		struct ipvs_sync_daemon *daemon = &wanted.of[role];

		if (!role_wanted(sync, mastership, actual, role))
			continue;
		*daemon = (struct ipvs_sync_daemon){.on = true,
						    .link = link,
						    .id = sync->id,
						    .maxlen = sync->maxlen,
						    .port = sync->port,
						    .ttl = sync->ttl,
						    .group = sync->group};
		snprintf(daemon->interface, sizeof(daemon->interface), "%s", sync->interface);
	}
	return wanted;
}

/* ---- the plan ------------------------------------------------------------------------------- */

static bool is_told_alike(uint32_t wanted, uint32_t actual)
{
	return !wanted || !actual || wanted == actual;
}

/* Whether what runs is what is wanted, as far as either says. */
static bool is_alike(const struct ipvs_sync_daemon *wanted, const struct ipvs_sync_daemon *actual)
{
	return wanted->on == actual->on && !strcmp(wanted->interface, actual->interface) &&
	       wanted->id == actual->id && is_told_alike(wanted->maxlen, actual->maxlen) &&
	       is_told_alike(wanted->port, actual->port) &&
	       is_told_alike(wanted->ttl, actual->ttl) &&
	       (!actual->group.family || addr_equal(&wanted->group, &actual->group));
}

/* Whether a daemon that runs is the one that we wrote down. */
static bool is_ours(const struct ipvs_sync_daemon *owned, const struct ipvs_sync_daemon *actual)
{
	return owned->on && !strcmp(owned->interface, actual->interface) && owned->id == actual->id;
}

static bool is_on_same_link(const struct ipvs_sync_daemon *a, const struct ipvs_sync_daemon *b)
{
	return !strcmp(a->interface, b->interface);
}

/* What the kernel does not tell of a daemon that we started: whether it is on the link that is meant
 * (it knows that by its name, and goes on with a daemon whose link has gone), and whether its maxlen
 * was given or follows from the MTU. */
static bool is_as_started(const struct ipvs_sync_daemon *wanted,
			  const struct ipvs_sync_daemon *owned)
{
	if (!owned->on || strcmp(owned->interface, wanted->interface) != 0)
		return true;
	return owned->link == wanted->link && (!owned->port || owned->maxlen == wanted->maxlen);
}

/* Whether it was last started exactly as it is wanted now. */
static bool was_started_so(const struct ipvs_sync_daemon *owned,
			   const struct ipvs_sync_daemon *wanted)
{
	return owned->on && owned->link == wanted->link && owned->maxlen == wanted->maxlen &&
	       owned->port == wanted->port && owned->ttl == wanted->ttl && is_alike(wanted, owned);
}

static void push(struct ipvs_sync_plan *plan, enum ipvs_sync_role role, bool is_start,
		 bool is_repair, const struct ipvs_sync_daemon *daemon)
{
	plan->ops[plan->count++] = (struct ipvs_sync_op){
		.role = role, .is_start = is_start, .is_repair = is_repair, .daemon = *daemon};
}

static void plan_start(struct ipvs_sync_plan *plan, enum ipvs_sync_role role,
		       const struct ipvs_sync_daemon *wanted,
		       const struct ipvs_sync_daemon *actual, const struct ipvs_sync_daemon *owned)
{
	bool is_repair = was_started_so(owned, wanted);

	if (!wanted->on || (is_alike(wanted, actual) && is_as_started(wanted, owned)))
		return;
	if (!wanted->link && (!is_ours(owned, actual) || is_on_same_link(wanted, actual)))
		return;
	if (actual->on)
		push(plan, role, false, false, actual);
	if (wanted->link)
		push(plan, role, true, is_repair, wanted);
}

struct ipvs_sync_plan ipvs_sync_plan(const struct ipvs_daemons *wanted,
				     const struct ipvs_daemons *actual,
				     const struct ipvs_daemons *owned)
{
	struct ipvs_sync_plan plan = {0};

	for (unsigned role = 0; role < IPVS_SYNC_ROLES; role++)
		plan_start(&plan, role, &wanted->of[role], &actual->of[role], &owned->of[role]);
	for (unsigned role = 0; role < IPVS_SYNC_ROLES; role++)
		if (!wanted->of[role].on && actual->of[role].on &&
		    is_ours(&owned->of[role], &actual->of[role]))
			push(&plan, role, false, false, &actual->of[role]);
	return plan;
}

/* ---- in ipvsadm's terms --------------------------------------------------------------------- */

void ipvs_sync_op_format(const struct ipvs_sync_op *op, struct text *out)
{
	const struct ipvs_sync_daemon *daemon = &op->daemon;
	char group[ADDR_TEXT];

	text_add(out, "ipvsadm --%s-daemon %s", op->is_start ? "start" : "stop",
		 ipvs_sync_role_name(op->role));
	if (!op->is_start)
		return;
	text_add(out, " --mcast-interface %s --syncid %u", daemon->interface, daemon->id);
	if (daemon->maxlen)
		text_add(out, " --sync-maxlen %u", daemon->maxlen);
	if (daemon->group.family)
		text_add(out, " --mcast-group %s", addr_format(&daemon->group, group));
	if (daemon->port)
		text_add(out, " --mcast-port %u", daemon->port);
	if (daemon->ttl)
		text_add(out, " --mcast-ttl %u", daemon->ttl);
}
