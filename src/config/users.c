/* See the header. */
#include "config/users.h"

#include <stddef.h>
#include <string.h>

void users_list(const struct users *users, struct worker_user out[WORKER_USERS])
{
	const struct worker_user list[WORKER_USERS] = {
		{ROLE_CONTROL, "daemon", users->daemon},
		{ROLE_CHECK, "check", users->check},
		{ROLE_VRRP, "vrrp", users->vrrp},
		{ROLE_IPVS, "ipvs", users->ipvs},
	};

	memcpy(out, list, sizeof(list));
}

bool users_of_worker(const struct users *users, const char *name)
{
	struct worker_user list[WORKER_USERS];

	users_list(users, list);
	for (int i = 0; name && i < WORKER_USERS; i++)
		if (list[i].name && !strcmp(list[i].name, name))
			return true;
	return false;
}
