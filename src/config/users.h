/* Who the workers are. No two sets of rights share a user: what runs as one could do as it likes with any other process
 * of that user. */
#ifndef LBHA_CONFIG_USERS_H
#define LBHA_CONFIG_USERS_H

#include <stdbool.h>

#include "config/model.h"

struct worker_user {
	enum role role;
	const char *key;  /* in global.users */
	const char *name; /* NULL: its value is wrong */
};

#define WORKER_USERS 4

/* Of control (whose is the compiler's, too), check, vrrp and ipvs. */
void users_list(const struct users *users, struct worker_user out[WORKER_USERS]);

/* Whether a worker runs as this one; NULL: none does. */
bool users_of_worker(const struct users *users, const char *name);

#endif
