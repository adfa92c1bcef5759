/* Look-ups in what was found; see the header. */
#include "rs-agent/actual.h"

#include <string.h>

const struct link *rs_actual_link(const struct rs_actual *actual, const char *name)
{
	for (size_t i = 0; i < actual->link_count; i++)
		if (!strcmp(actual->links[i].name, name))
			return &actual->links[i];
	return NULL;
}

const struct sysctl_value *rs_actual_sysctl(const struct rs_actual *actual, const char *path)
{
	for (size_t i = 0; i < actual->sysctl_count; i++)
		if (!strcmp(actual->sysctls[i].path, path))
			return &actual->sysctls[i];
	return NULL;
}

bool rs_actual_tells_tags(const struct rs_actual *actual)
{
	for (size_t i = 0; i < actual->addresses.count; i++)
		if (actual->addresses.items[i].protocol != ADDRESS_PROTOCOL_NONE)
			return true;
	return false;
}

bool rs_actual_leads(const struct rs_actual *actual, const struct route *route)
{
	const struct route *best = NULL;

	for (size_t i = 0; i < actual->routes.count; i++) {
		const struct route *one = &actual->routes.items[i];

		if (one->to.address.family == route->to.address.family &&
		    (!best || one->metric < best->metric))
			best = one;
	}
	return best && best->link == route->link && addr_equal(&best->via, &route->via);
}
