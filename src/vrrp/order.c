/* See the header. */
#include "vrrp/order.h"

#include "base/text.h"
#include "vrrp/priority.h"

#define DELAY_MOST (10 * NSTIME_S) /* nobody wants to wait for a startup_delay of minutes */
#define MARGIN NSTIME_S

/* A BACKUP that follows somebody for good, or until something else has happened. */
static bool is_held_back(const struct vrrp_machine *machine)
{
	switch (machine->reason.why) {
	case VRRP_WHY_HIGHER:
	case VRRP_WHY_EQUAL:
	case VRRP_WHY_TIE:
	case VRRP_WHY_NOT_READY:
		return true;
	case VRRP_WHY_NOT_STARTED:
	case VRRP_WHY_LISTENING:
	case VRRP_WHY_NO_PREEMPT:
	case VRRP_WHY_STARTUP:
	case VRRP_WHY_DELAY:
	case VRRP_WHY_PREEMPTING:
	case VRRP_WHY_CLAIMING:
	case VRRP_WHY_GIVING_UP:
	case VRRP_WHY_STANDING:
	case VRRP_WHY_BARRED:
	case VRRP_WHY_SILENCE:
	case VRRP_WHY_NO_MASTER:
	case VRRP_WHY_PREEMPTED:
	case VRRP_WHY_GAVE_UP:
	case VRRP_WHY_CLAIMED:
	case VRRP_WHY_OWNER:
	case VRRP_WHY_HANDED:
	case VRRP_WHY_RESUMED:
	case VRRP_WHY_FAULT:
	case VRRP_WHY_STOPPED:
	case VRRP_WHY_RELEASED:
	case VRRP_WHY_ABANDONED:
	case VRRP_WHY_WITHDRAWN:
	case VRRP_WHY_GROUP:
		break;
	}
	return false;
}

enum vrrp_order_verdict vrrp_order_claim(const struct vrrp_machine *machine,
					 const struct vrrp_config *config, bool late,
					 const char *why, char *out, size_t size)
{
	struct text text = text_of(out, size);

	if (machine->state == VRRP_MASTER && !vrrp_fsm_releasing(machine)) {
		text_add(&text, "MASTER, %s", why);
		return VRRP_ORDER_DONE;
	}
	if (machine->state == VRRP_MASTER)
		text_add(&text, "it is being released");
	else if (config->barred)
		text_add(&text, "this director is in maintenance: nothing is claimed");
	else
		text_add(&text, "stays %s, %s", vrrp_state_name(machine->state), why);
	if (machine->state == VRRP_BACKUP && !config->barred && !is_held_back(machine) && !late)
		return VRRP_ORDER_WAIT;
	return VRRP_ORDER_FAILED;
}

enum vrrp_order_verdict vrrp_order_release(const struct vrrp_machine *machine, bool was_master,
					   bool yes, const char *why, char *out, size_t size)
{
	struct text text = text_of(out, size);
	char peer[ADDR_TEXT];

	addr_format(&machine->master, peer);
	if (!yes) {
		text_add(&text, "nobody took over, still MASTER");
		return VRRP_ORDER_FAILED;
	}
	if (machine->state != VRRP_BACKUP)
		text_add(&text, "stands down; %s, %s", vrrp_state_name(machine->state), why);
	else if (!machine->master.family || !machine->master_priority)
		text_add(&text, "stands down; no master is heard, without one it claims again");
	else if (was_master)
		text_add(&text, "released, %s has taken over with %u", peer,
			 machine->master_priority);
	else
		text_add(&text, "stands down; %s is MASTER with %u", peer,
			 machine->master_priority);
	return VRRP_ORDER_DONE;
}

nstime vrrp_order_patience(const struct vrrp_machine *machine, const struct vrrp_config *config,
			   nstime now)
{
	nstime interval = nstime_max(config->advert_interval, machine->master_interval), delay = 0;

	if (machine->state == VRRP_BACKUP && machine->claim_at != NSTIME_NEVER)
		delay = nstime_min(nstime_max(machine->claim_at - now, 0), DELAY_MOST);
	return 3 * vrrp_down_interval(config->version, config->priority, interval) + delay + MARGIN;
}
