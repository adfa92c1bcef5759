/* When a master announces its addresses: bursts (after a takeover, when addresses were put in, when
 * a competing master has shown itself or gone) and a jittered refresh. All three timers belong to
 * MASTER; fsm_enter ends them. */
#include "vrrp/fsm_step.h"

/* Refreshes of many directors and instances must not fall together: 7/8 to 9/8 of the period. */
static nstime jittered(nstime period, uint32_t random)
{
	return period - period / 8 + (nstime)(random % 1024) * (period / 4) / 1024;
}

void fsm_refresh_arm(struct step *s)
{
	nstime refresh = s->c->announce.refresh;

	s->m->refresh_at =
		refresh ? nstime_after(s->now, jittered(refresh, s->in->random)) : NSTIME_NEVER;
}

static void announce_round(struct step *s)
{
	struct vrrp_machine *m = s->m;

	fsm_act_kind(s, VRRP_ACTION_ANNOUNCE);
	m->announced = s->now;
	if (m->rounds)
		m->rounds--;
	m->round_at = m->rounds ? s->now + s->c->announce.interval : NSTIME_NEVER;
	fsm_refresh_arm(s);
}

void fsm_burst_start(struct step *s)
{
	struct vrrp_machine *m = s->m;

	m->rounds = s->c->announce.count;
	fsm_refresh_arm(s);
	if (!m->rounds)
		return;
	if (m->announced && s->now < m->announced + s->c->announce.interval)
		m->round_at = m->announced + s->c->announce.interval;
	else
		announce_round(s);
}

void fsm_announce_due(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (s->now >= m->again_at) {
		m->again_at = NSTIME_NEVER;
		fsm_burst_start(s);
	} else if (s->now >= m->round_at || s->now >= m->refresh_at) {
		announce_round(s);
	}
}
