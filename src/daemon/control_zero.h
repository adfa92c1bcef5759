/* `zero`: an operator's view of the traffic begins anew. Nothing but control knows of it: the kernel's
 * counters and our totals, which others read, go on. It holds over reloads and ends with the control
 * worker. */
#ifndef LBHA_DAEMON_CONTROL_ZERO_H
#define LBHA_DAEMON_CONTROL_ZERO_H

#include "base/nstime.h"

struct mirror;

/* The answer to the client, malloc'ed. `service` "": all of them. */
char *zero_answer(struct mirror *mirror, const char *service, nstime now);

#endif
