/* One sentence per reason; what an operator at 3 a.m. wants to know first comes first. */
#include "vrrp/explain.h"

#include "base/duration.h"
#include "base/text.h"

const char *vrrp_explain(const struct vrrp_reason *reason, const char *faults, char *out,
			 size_t size)
{
	char peer[ADDR_TEXT], time[DURATION_TEXT];
	struct text text = text_of(out, size);
	unsigned theirs = reason->peer_priority, ours = reason->priority;

	addr_format(&reason->peer, peer);
	duration_about(reason->time, time);
	switch (reason->why) {
	case VRRP_WHY_NOT_STARTED:
		text_add(&text, "not started");
		break;
	case VRRP_WHY_LISTENING:
		text_add(&text, "listening for a master");
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
	case VRRP_WHY_NOT_READY:
		text_add(&text, "%s advertises %u < %u, not preempting before the table is ready",
			 peer, theirs, ours);
		break;
	case VRRP_WHY_PREEMPTING:
		text_add(&text, "%s advertises %u < %u, about to preempt", peer, theirs, ours);
		break;
	case VRRP_WHY_GIVING_UP:
		text_add(&text, "%s gives up, about to take over", peer);
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
	case VRRP_WHY_OWNER:
		text_add(&text, "owner of the addresses (priority 255)");
		break;
	case VRRP_WHY_RESUMED:
		text_add(&text, "going on after a restart of the worker, last advert %s ago", time);
		break;
	case VRRP_WHY_FAULT:
		text_add(&text, "%s", faults && *faults ? faults : "fault");
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
	}
	return out;
}
