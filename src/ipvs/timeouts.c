/* Wanted, actual and owned timeouts to changes; see the header. */
#include "ipvs/timeouts.h"

#include "base/text.h"
#include "config/model.h"

const char *ipvs_timeout_name(enum ipvs_timeout timeout)
{
	static const char *const names[IPVS_TIMEOUTS] = {
		[IPVS_TIMEOUT_TCP] = "tcp",
		[IPVS_TIMEOUT_TCP_FIN] = "tcp_fin",
		[IPVS_TIMEOUT_UDP] = "udp",
	};

	return (unsigned)timeout < IPVS_TIMEOUTS ? names[timeout] : "unknown";
}

struct ipvs_timeouts ipvs_timeouts_wanted(const struct model *model)
{
	struct ipvs_timeouts wanted = {0};

	if (!model || !model->service_count)
		return wanted;
	wanted.seconds[IPVS_TIMEOUT_TCP] = (uint32_t)(model->global.ipvs.timeouts.tcp / NSTIME_S);
	wanted.seconds[IPVS_TIMEOUT_TCP_FIN] =
		(uint32_t)(model->global.ipvs.timeouts.tcp_fin / NSTIME_S);
	wanted.seconds[IPVS_TIMEOUT_UDP] = (uint32_t)(model->global.ipvs.timeouts.udp / NSTIME_S);
	return wanted;
}

struct ipvs_timeouts ipvs_timeouts_changes(const struct ipvs_timeouts *wanted,
					   const struct ipvs_timeouts *actual,
					   const struct ipvs_timeout_owned *owned)
{
	struct ipvs_timeouts changes = {0};

	for (unsigned i = 0; i < IPVS_TIMEOUTS; i++) {
		uint32_t now = actual->seconds[i], goal = wanted->seconds[i];

		if (!goal && owned[i].ours && now == owned[i].set)
			goal = owned[i].former;
		if (goal != now)
			changes.seconds[i] = goal;
	}
	return changes;
}

bool ipvs_timeouts_any(const struct ipvs_timeouts *timeouts)
{
	for (unsigned i = 0; i < IPVS_TIMEOUTS; i++)
		if (timeouts->seconds[i])
			return true;
	return false;
}

void ipvs_timeouts_format(const struct ipvs_timeouts *timeouts, struct text *out)
{
	text_add(out, "ipvsadm --set %u %u %u", timeouts->seconds[IPVS_TIMEOUT_TCP],
		 timeouts->seconds[IPVS_TIMEOUT_TCP_FIN], timeouts->seconds[IPVS_TIMEOUT_UDP]);
}
