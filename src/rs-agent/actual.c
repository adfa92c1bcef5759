/* Look-ups in what was found; see the header. */
#include "rs-agent/actual.h"

#include <string.h>

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
