/* See the header. */
#include "vrrp/priority.h"

nstime vrrp_skew_longest(uint8_t version, nstime master_interval)
{
	return version == 2 ? NSTIME_S : master_interval;
}

nstime vrrp_skew(uint8_t version, uint8_t priority, nstime master_interval)
{
	return (256 - priority) * vrrp_skew_longest(version, master_interval) / 256;
}

nstime vrrp_down_interval(uint8_t version, uint8_t priority, nstime master_interval)
{
	return 3 * master_interval + vrrp_skew(version, priority, master_interval);
}

bool vrrp_beats(uint8_t priority, const struct addr *source, uint8_t own_priority,
		const struct addr *own_source)
{
	if (priority != own_priority)
		return priority > own_priority;
	return addr_compare(source, own_source) > 0;
}
