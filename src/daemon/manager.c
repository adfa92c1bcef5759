/* One timer, with one meaning while we run and another while we stop: a manager heeds no watchdog in a stop. */
#include "daemon/manager.h"

#include <unistd.h>

#include "core/sdnotify.h"

#define STOP_AGAIN (5 * NSTIME_S)
#define STOP_MORE (20 * NSTIME_S) /* counted from each message */

static void stop_takes_longer(struct manager *manager)
{
	sdnotify("EXTEND_TIMEOUT_USEC=%lld", (long long)(STOP_MORE / NSTIME_US));
	timer_at(&manager->timer, clock_now() + STOP_AGAIN);
}

static void manager_tick(void *ctx)
{
	struct manager *manager = ctx;

	if (manager->stopping) {
		stop_takes_longer(manager);
		return;
	}
	sdnotify("WATCHDOG=1");
	timer_at(&manager->timer, clock_now() + manager->period);
}

int manager_init(struct manager *manager, struct loop *loop)
{
	int err;

	sdnotify_open();
	*manager = (struct manager){.period = sdnotify_watchdog_period()};
	err = timer_init(loop, &manager->timer, LOOP_NORMAL, manager_tick, manager);
	if (!err && manager->period)
		manager_tick(manager);
	return err;
}

void manager_fini(struct manager *manager)
{
	timer_fini(&manager->timer);
}

/* Our number is another one outside of a container: it is said only where the manager cannot know it. */
void manager_ready(bool forked)
{
	if (forked)
		sdnotify("MAINPID=%d", (int)getpid());
	sdnotify("READY=1");
}

void manager_stopping(struct manager *manager)
{
	if (manager->stopping)
		return;
	manager->stopping = true;
	sdnotify("STOPPING=1\nSTATUS=releasing the addresses");
	stop_takes_longer(manager);
}
