/* The service manager's notification socket (sd_notify(3)), without its library. */
#ifndef LBHA_CORE_SDNOTIFY_H
#define LBHA_CORE_SDNOTIFY_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/nstime.h"

/* Opens the socket for all that follows, when there is one; else the first message does. */
void sdnotify_open(void);

/* Sends "KEY=value" lines to $NOTIFY_SOCKET; nothing happens when it is not set. Never blocks: false, the manager has not
 * read what was sent before (the kernel keeps ten messages, by default), or there is no socket to be had. */
bool sdnotify(const char *format, ...) PRINTF_LIKE(1, 2);

/* Half of $WATCHDOG_USEC when it is meant for this process, else 0: how often to send WATCHDOG=1. */
nstime sdnotify_watchdog_period(void);

#endif
