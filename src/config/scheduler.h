/* What lbha knows of the kernel's IPVS schedulers and persistence engines: names, and which flags a
 * scheduler reads (net/netfilter/ipvs/ip_vs_sh.c, ip_vs_mh.c; all others read none). A kernel may
 * have more, and may lack some: names are never refused for not being here. */
#ifndef LBHA_CONFIG_SCHEDULER_H
#define LBHA_CONFIG_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The names in turn, for text_nearest(): NULL after the last one. `ctx` is not looked at. */
const char *scheduler_next(const void *ctx, size_t index);
bool scheduler_is_known(const char *name);
/* The set of enum scheduler_flag (config/model.h) that it reads; 0 for an unknown one. */
uint32_t scheduler_flags_of(const char *name);

/* Whether weights are nothing but shares of the connections, so that all of them may be multiplied:
 * to ovf, lblc and lblcr they are numbers of connections, to fo an order, sh and mh would choose
 * others, and rr, lc and dh know weight 0 alone. Of an unknown one nobody knows. */
bool scheduler_may_ramp(const char *name);

/* Whether it knows weight 0 alone, and all others are one to it. */
bool scheduler_ignores_weights(const char *name);

/* The same for persistence engines. */
const char *engine_next(const void *ctx, size_t index);
bool engine_is_known(const char *name);

#endif
