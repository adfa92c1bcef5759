/* Names of what stands in the model. */
#include "config/model.h"

#include "base/cleanup.h"

const char *role_name(enum role role)
{
	static const char *const names[] = {
		[ROLE_SUPERVISOR] = "supervisor",
		[ROLE_COMPILER] = "compiler",
		[ROLE_CONTROL] = "control",
		[ROLE_CHECK] = "check",
		[ROLE_IPVS] = "ipvs",
		[ROLE_VRRP] = "vrrp",
	};

	return (unsigned)role < COUNT_OF(names) ? names[role] : "unknown";
}
