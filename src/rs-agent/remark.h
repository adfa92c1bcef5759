/* Whether the server will really be silent about its VIPs, and how far the whole is. Pure. */
#ifndef LBHA_RS_AGENT_REMARK_H
#define LBHA_RS_AGENT_REMARK_H

#include <stdbool.h>
#include <stddef.h>

#include "net/owned.h"
#include "rs-agent/desired.h"
#include "rs-agent/plan.h"

struct arena;

/* What makes silence impossible, or doubtful, after the plan: one sentence each. An interface whose
 * own arp_ignore or arp_announce, being the larger, overrules `all` with a value that does not
 * silence; a VIP that is on another interface too. */
struct rs_remark {
	bool fatal;
	const char *text;
};
struct rs_remarks {
	struct rs_remark *items;
	size_t count;
};
int rs_remarks_build(struct arena *arena, const struct rs_desired *desired,
		     const struct rs_actual *actual, const struct owned_set *journal,
		     struct rs_remarks *out);

enum rs_standing {
	RS_IN_PLACE,
	RS_PARTLY,
	RS_NOT_SET_UP,
};
/* How far things are: in place when the plan for `desired` is empty and no remark is fatal; not set
 * up when no VIP is there and the journal has nothing. */
enum rs_standing rs_standing(const struct rs_desired *desired, const struct rs_actual *actual,
			     const struct owned_set *journal, const struct rs_plan *plan,
			     const struct rs_remarks *remarks);

#endif
