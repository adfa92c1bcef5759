/* What has come of an operator's release or claim, seen from a router's machine: whether there is
 * an answer yet, and its words. Pure. */
#ifndef LBHA_VRRP_ORDER_H
#define LBHA_VRRP_ORDER_H

#include <stddef.h>

#include "vrrp/fsm.h"

enum vrrp_order_verdict {
	VRRP_ORDER_WAIT,
	VRRP_ORDER_DONE,
	VRRP_ORDER_FAILED,
};

/* After VRRP_INPUT_CLAIM, and after each later step. A living master that we would not beat is an
 * answer, whatever may come; silence and delays are not, until it is `late`. `why` is the reason of
 * the machine's state in words. */
enum vrrp_order_verdict vrrp_order_claim(const struct vrrp_machine *machine,
					 const struct vrrp_config *config, bool late,
					 const char *why, char *out, size_t size);

/* When STEP_DOWN has ended (VRRP_ACTION_STEPPED_DOWN, `yes` as there). */
enum vrrp_order_verdict vrrp_order_release(const struct vrrp_machine *machine, bool was_master,
					   bool yes, const char *why, char *out, size_t size);

/* How long an answer may take at most, from `now`: a few down intervals, and what holds every claim
 * back, within reason. */
nstime vrrp_order_patience(const struct vrrp_machine *machine, const struct vrrp_config *config,
			   nstime now);

#endif
