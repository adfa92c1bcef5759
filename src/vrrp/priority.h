/* Who wins and how long one waits: the arithmetic of RFC 9568 section 6.1 (version 3) and RFC 3768
 * section 6.1 (version 2). Pure. */
#ifndef LBHA_VRRP_PRIORITY_H
#define LBHA_VRRP_PRIORITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/nstime.h"

#define VRRP_PRIORITY_OWNER 255
#define VRRP_PRIORITY_LEAST 1
#define VRRP_PRIORITY_RELEASE 0

/* Skew_Time: the (256 - priority)/256 of the master's interval; in version 2 of a second, whatever
 * the interval is. */
nstime vrrp_skew(uint8_t version, uint8_t priority, nstime master_interval);

/* The longest that any backup can have. */
nstime vrrp_skew_longest(uint8_t version, nstime master_interval);

/* Active_Down_Interval: 3 × the master's interval + Skew_Time. */
nstime vrrp_down_interval(uint8_t version, uint8_t priority, nstime master_interval);

/* Whether a master that advertises (priority, source) deposes one with (own_priority, own_source):
 * a higher priority, or the same and a higher address (section 6.4.3, step 725). */
bool vrrp_beats(uint8_t priority, const struct addr *source, uint8_t own_priority,
		const struct addr *own_source);

#endif
