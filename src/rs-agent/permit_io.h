/* Whether this process may do what a plan wants: containers and namespaces forbid much, and what is
 * begun without leave ends half way. */
#ifndef LBHA_RS_AGENT_PERMIT_IO_H
#define LBHA_RS_AGENT_PERMIT_IO_H

#include "rs-agent/plan.h"

struct kernel;

#define PERMIT_WHY 1024

/* Whether there is CAP_NET_ADMIN over this network namespace, if anything is to be done at all; 0 or
 * -EPERM. And whether the sysctls that are to be set can be written; 0 or what the kernel says.
 * `why` (PERMIT_WHY bytes) is then a sentence that says what to do. */
int permit_capability(const struct rs_plan *plan, char *why);
int permit_sysctls(const struct kernel *kernel, const struct rs_plan *plan, char *why);

#endif
