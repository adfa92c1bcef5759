/* See the header. */
#include "check/rights_io.h"

#include <cap-ng.h>

#include "core/log.h"

static bool has_raw(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	return !capng_get_caps_process() && capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW);
}

/* As has_raw() has read them: the bounding set stays, which without a set-user-ID program or a
 * capability to gain means nothing (no_new_privs). */
static void give_up_raw(void)
{
	if (capng_update(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE,
			 CAP_NET_RAW) ||
	    capng_apply(CAPNG_SELECT_CAPS))
		log_error("cannot give up CAP_NET_RAW, which no check needs");
}

bool rights_settle(struct rights *rights, bool needs_raw)
{
	bool has = has_raw();

	if (!needs_raw && has) {
		give_up_raw();
		rights->given_up = true;
	}
	return has || !needs_raw || !rights->given_up;
}
