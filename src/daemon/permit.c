/* SYS_NICE (SCHED_RR) and IPC_LOCK (mlockall) make timers punctual and are missed with a warning where they are used. */
#include "daemon/permit.h"

#include <cap-ng.h>
#include <linux/capability.h>
#include <stddef.h>

#include "base/text.h"
#include "core/log.h"

static const struct {
	int number;
	const char *name;
} needed[] = {
	{CAP_NET_ADMIN, "NET_ADMIN"}, /* addresses, IPVS */
	{CAP_NET_RAW, "NET_RAW"},     /* adverts */
	{CAP_SETUID, "SETUID"},       /* users of the workers; the next two likewise */
	{CAP_SETGID, "SETGID"},
	{CAP_SETPCAP, "SETPCAP"},
	{CAP_KILL, "KILL"},           /* a worker that hangs */
};

bool permit_look(void)
{
	char buffer[256];
	struct text names = text_of(buffer, sizeof(buffer));

	capng_get_caps_process();
	for (size_t i = 0; i < COUNT_OF(needed); i++)
		if (!capng_have_capability(CAPNG_EFFECTIVE, (unsigned)needed[i].number))
			text_add(&names, "%s%s", names.length ? ", " : "", needed[i].name);
	if (names.length)
		log_error("lbhad may not do its work here, these capabilities are missing: %s "
			  "(docker run --cap-add ...; see CONTAINERS in lbhad(8))",
			  buffer);
	return !names.length;
}
