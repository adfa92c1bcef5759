/* What a container may have forbidden, found out before anything is done. */
#ifndef LBHA_DAEMON_PERMIT_H
#define LBHA_DAEMON_PERMIT_H

#include <stdbool.h>

/* Whether we have all capabilities that a daemon cannot do without; what is missing is logged with what to do. */
bool permit_look(void);

#endif
