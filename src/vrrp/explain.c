/* One sentence per reason; what an operator at 3 a.m. wants to know first comes first. */
#include "vrrp/explain.h"

#include "base/cleanup.h"
#include "base/duration.h"
#include "base/text.h"

/* Each reason in a word for programs, and as a sentence: there @ is the peer, # its priority, $
 * ours, ? how they compare (< or =), ~ a time, and ! what the machine does not know. */
static const struct {
	const char *name, *sentence;
} rows[] = {
	[VRRP_WHY_NOT_STARTED] = {"not_started", "not started"},
	[VRRP_WHY_LISTENING] = {"listening", "listening for a master"},
	[VRRP_WHY_HIGHER] = {"higher", "@ advertises # > $"},
	[VRRP_WHY_EQUAL] = {"equal", "@ is master with the same priority #"},
	[VRRP_WHY_TIE] = {"tie", "@ advertises # too and has the higher address"},
	[VRRP_WHY_NO_PREEMPT] = {"no_preempt", "@ advertises # < $, preempt is off"},
	[VRRP_WHY_STARTUP] = {"startup_delay",
			      "@ advertises # < $, startup_delay lasts for another ~"},
	[VRRP_WHY_NOT_READY] =
		{"not_ready",
		 "@ advertises # ? $, not preempting before table and tracked checks are ready"},
	[VRRP_WHY_DELAY] = {"preempt_delay",
			    "@ advertises # < $, preempt_delay lasts for another ~"},
	[VRRP_WHY_PREEMPTING] = {"preempting", "@ advertises # < $, about to preempt"},
	[VRRP_WHY_CLAIMING] = {"claiming", "claimed by the operator; @ advertises #"},
	[VRRP_WHY_GIVING_UP] = {"giving_up", "@ gives up, about to take over"},
	[VRRP_WHY_STANDING] = {"standing_down", "released by the operator"},
	[VRRP_WHY_BARRED] = {"barred", "maintenance"},
	[VRRP_WHY_SILENCE] = {"silence", "no advert from @ for ~"},
	[VRRP_WHY_NO_MASTER] = {"no_master", "no master heard for ~"},
	[VRRP_WHY_PREEMPTED] = {"preempted", "@ advertised # < $"},
	[VRRP_WHY_GAVE_UP] = {"gave_up", "@ gave up"},
	[VRRP_WHY_CLAIMED] = {"claimed", "claimed by the operator; @ advertised #"},
	[VRRP_WHY_OWNER] = {"owner", "owner of the addresses (priority 255)"},
	[VRRP_WHY_HANDED] = {"handed_over",
			     "going on with what an instance that was MASTER here had"},
	[VRRP_WHY_RESUMED] = {"resumed",
			      "going on after a restart of the worker, last advert ~ ago"},
	[VRRP_WHY_FAULT] = {"fault", "!"},
	[VRRP_WHY_STOPPED] = {"stopped", "stopped"},
	[VRRP_WHY_RELEASED] = {"released", "released, @ has taken over with #"},
	[VRRP_WHY_ABANDONED] = {"abandoned", "released, nobody took over"},
	[VRRP_WHY_WITHDRAWN] = {"withdrawn", "withdrawn"},
	[VRRP_WHY_GROUP] = {"sync_group", "!"},
};

struct words {
	char peer[ADDR_TEXT], time[DURATION_TEXT];
	const char *cause;
};

static void add(struct text *out, const char *sentence, const struct vrrp_reason *reason,
		const struct words *words)
{
	for (; *sentence; sentence++) {
		switch (*sentence) {
		case '@':
			text_add(out, "%s", words->peer);
			break;
		case '#':
			text_add(out, "%u", reason->peer_priority);
			break;
		case '$':
			text_add(out, "%u", reason->priority);
			break;
		case '?':
			text_add(out, "%s", reason->peer_priority < reason->priority ? "<" : "=");
			break;
		case '~':
			text_add(out, "%s", words->time);
			break;
		case '!':
			text_add(out, "%s", words->cause);
			break;
		default:
			text_add(out, "%c", *sentence);
		}
	}
}

/* A delay that has ended meanwhile, though no advert has said so yet. */
static enum vrrp_why why_now(const struct vrrp_reason *reason, nstime left)
{
	bool delay = reason->why == VRRP_WHY_DELAY || reason->why == VRRP_WHY_STARTUP;

	return delay && !left ? VRRP_WHY_PREEMPTING : reason->why;
}

const char *vrrp_why_name(unsigned why)
{
	return why < COUNT_OF(rows) ? rows[why].name : "unknown";
}

const char *vrrp_explain(const struct vrrp_reason *reason, nstime now, const char *cause, char *out,
			 size_t size)
{
	struct text text = text_of(out, size);
	nstime left = reason->until > now ? reason->until - now : 0;
	enum vrrp_why why = why_now(reason, left);
	struct words words = {.cause = cause && *cause ? cause : rows[why].name};
	bool ordered = why == VRRP_WHY_STANDING || why == VRRP_WHY_BARRED;

	addr_format(&reason->peer, words.peer);
	duration_about(reason->until ? left : reason->time, words.time);
	add(&text, rows[why].sentence, reason, &words);
	if (why == VRRP_WHY_LISTENING && left)
		add(&text, ", no claim for another ~", reason, &words);
	if (ordered && reason->peer.family && reason->peer_priority) /* who is master then */
		add(&text, "; @ advertises #", reason, &words);
	return out;
}
