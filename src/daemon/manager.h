/* What the service manager is told while time goes by (sd_notify(3)): WATCHDOG=1 as long as our loop turns, and during a
 * stop that we need longer than it was going to wait. Nothing happens where there is no manager. */
#ifndef LBHA_DAEMON_MANAGER_H
#define LBHA_DAEMON_MANAGER_H

#include <stdbool.h>

#include "core/loop.h"

struct manager {
	struct loop_timer timer;
	nstime period;   /* of WATCHDOG=1; 0: nobody wants it */
	bool stopping;
};

/* Begins with the first WATCHDOG=1, where it is wanted. -errno. */
int manager_init(struct manager *manager, struct loop *loop);
void manager_fini(struct manager *manager);

/* We are ready. `forked`: not as the process that the manager has started (--daemon). */
void manager_ready(bool forked);

/* A stop has begun. From here on it is asked again and again to wait, for a release may take two advertisement intervals
 * of 40 s. Should our loop stop turning its patience ends soon. */
void manager_stopping(struct manager *manager);

#endif
