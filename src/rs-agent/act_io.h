/* Single steps of a plan, done to the kernel. */
#ifndef LBHA_RS_AGENT_ACT_IO_H
#define LBHA_RS_AGENT_ACT_IO_H

#include "rs-agent/plan.h"

struct arena;
struct kernel;

/* Fills in what can be known only now: the index of a link that an earlier step has made. -errno. */
int act_prepare(struct kernel *kernel, struct rs_step *step);

/* Does what a step does to the kernel, if anything. -errno, with `kernel->why` if there is more to
 * say. */
int act_step(struct kernel *kernel, struct arena *arena, const struct rs_step *step);

/* What a failure of a step means, if errno alone does not say it; NULL. */
const char *act_hint(const struct rs_step *step, int error);

#endif
