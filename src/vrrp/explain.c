/* One sentence per reason; what an operator at 3 a.m. wants to know first comes first. */
#include "vrrp/explain.h"

#include "base/cleanup.h"
#include "base/duration.h"
#include "base/text.h"

/* What an operator has ordered, and who is master then. */
static void ordered(struct text *out, const struct vrrp_reason *reason, const char *order)
{
	char peer[ADDR_TEXT];

	text_add(out, "%s", order);
	if (reason->peer.family && reason->peer_priority)
		text_add(out, "; %s advertises %u", addr_format(&reason->peer, peer),
			 reason->peer_priority);
}

const char *vrrp_why_name(unsigned why)
{
	static const char *const names[] = {
		[VRRP_WHY_NOT_STARTED] = "not_started",
		[VRRP_WHY_LISTENING] = "listening",
		[VRRP_WHY_HIGHER] = "higher",
		[VRRP_WHY_EQUAL] = "equal",
		[VRRP_WHY_TIE] = "tie",
		[VRRP_WHY_NO_PREEMPT] = "no_preempt",
		[VRRP_WHY_STARTUP] = "startup_delay",
		[VRRP_WHY_NOT_READY] = "not_ready",
		[VRRP_WHY_DELAY] = "preempt_delay",
		[VRRP_WHY_PREEMPTING] = "preempting",
		[VRRP_WHY_CLAIMING] = "claiming",
		[VRRP_WHY_GIVING_UP] = "giving_up",
		[VRRP_WHY_STANDING] = "standing_down",
		[VRRP_WHY_BARRED] = "barred",
		[VRRP_WHY_SILENCE] = "silence",
		[VRRP_WHY_NO_MASTER] = "no_master",
		[VRRP_WHY_PREEMPTED] = "preempted",
		[VRRP_WHY_GAVE_UP] = "gave_up",
		[VRRP_WHY_CLAIMED] = "claimed",
		[VRRP_WHY_OWNER] = "owner",
		[VRRP_WHY_RESUMED] = "resumed",
		[VRRP_WHY_FAULT] = "fault",
		[VRRP_WHY_STOPPED] = "stopped",
		[VRRP_WHY_RELEASED] = "released",
		[VRRP_WHY_ABANDONED] = "abandoned",
		[VRRP_WHY_WITHDRAWN] = "withdrawn",
		[VRRP_WHY_GROUP] = "sync_group",
	};

	return why < COUNT_OF(names) ? names[why] : "unknown";
}

/* A delay that has ended meanwhile, though no advert has said so yet. */
static enum vrrp_why why_now(const struct vrrp_reason *reason, nstime left)
{
	bool delay = reason->why == VRRP_WHY_DELAY || reason->why == VRRP_WHY_STARTUP;

	return delay && !left ? VRRP_WHY_PREEMPTING : reason->why;
}

const char *vrrp_explain(const struct vrrp_reason *reason, nstime now, const char *cause, char *out,
			 size_t size)
{
	char peer[ADDR_TEXT], time[DURATION_TEXT];
	struct text text = text_of(out, size);
	unsigned theirs = reason->peer_priority, ours = reason->priority;
	nstime left = reason->until > now ? reason->until - now : 0;

	addr_format(&reason->peer, peer);
	duration_about(reason->until ? left : reason->time, time);
	switch (why_now(reason, left)) {
	case VRRP_WHY_NOT_STARTED:
		text_add(&text, "not started");
		break;
	case VRRP_WHY_LISTENING:
		text_add(&text, "listening for a master");
		if (left)
			text_add(&text, ", no claim for another %s", time);
		break;
	case VRRP_WHY_HIGHER:
		text_add(&text, "%s advertises %u > %u", peer, theirs, ours);
		break;
	case VRRP_WHY_EQUAL:
		text_add(&text, "%s is master with the same priority %u", peer, theirs);
		break;
	case VRRP_WHY_TIE:
		text_add(&text, "%s advertises %u too and has the higher address", peer, theirs);
		break;
	case VRRP_WHY_NO_PREEMPT:
		text_add(&text, "%s advertises %u < %u, preempt is off", peer, theirs, ours);
		break;
	case VRRP_WHY_STARTUP:
		text_add(&text, "%s advertises %u < %u, startup_delay lasts for another %s", peer,
			 theirs, ours, time);
		break;
	case VRRP_WHY_NOT_READY:
		text_add(&text,
			 "%s advertises %u < %u, not preempting before table and tracked checks "
			 "are ready",
			 peer, theirs, ours);
		break;
	case VRRP_WHY_DELAY:
		text_add(&text, "%s advertises %u < %u, preempt_delay lasts for another %s", peer,
			 theirs, ours, time);
		break;
	case VRRP_WHY_PREEMPTING:
		text_add(&text, "%s advertises %u < %u, about to preempt", peer, theirs, ours);
		break;
	case VRRP_WHY_CLAIMING:
		text_add(&text, "claimed by the operator; %s advertises %u", peer, theirs);
		break;
	case VRRP_WHY_GIVING_UP:
		text_add(&text, "%s gives up, about to take over", peer);
		break;
	case VRRP_WHY_STANDING:
		ordered(&text, reason, "released by the operator");
		break;
	case VRRP_WHY_BARRED:
		ordered(&text, reason, "maintenance");
		break;
	case VRRP_WHY_SILENCE:
		text_add(&text, "no advert from %s for %s", peer, time);
		break;
	case VRRP_WHY_NO_MASTER:
		text_add(&text, "no master heard for %s", time);
		break;
	case VRRP_WHY_PREEMPTED:
		text_add(&text, "%s advertised %u < %u", peer, theirs, ours);
		break;
	case VRRP_WHY_GAVE_UP:
		text_add(&text, "%s gave up", peer);
		break;
	case VRRP_WHY_CLAIMED:
		text_add(&text, "claimed by the operator; %s advertised %u", peer, theirs);
		break;
	case VRRP_WHY_OWNER:
		text_add(&text, "owner of the addresses (priority 255)");
		break;
	case VRRP_WHY_RESUMED:
		text_add(&text, "going on after a restart of the worker, last advert %s ago", time);
		break;
	case VRRP_WHY_FAULT:
		text_add(&text, "%s", cause && *cause ? cause : "fault");
		break;
	case VRRP_WHY_STOPPED:
		text_add(&text, "stopped");
		break;
	case VRRP_WHY_RELEASED:
		text_add(&text, "released, %s has taken over with %u", peer, theirs);
		break;
	case VRRP_WHY_ABANDONED:
		text_add(&text, "released, nobody took over");
		break;
	case VRRP_WHY_WITHDRAWN:
		text_add(&text, "withdrawn");
		break;
	case VRRP_WHY_GROUP:
		text_add(&text, "%s", cause && *cause ? cause : "with its sync group");
		break;
	}
	return out;
}
