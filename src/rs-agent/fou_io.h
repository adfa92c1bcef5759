/* The kernel's fou module over generic netlink: UDP ports on which GUE packets are taken apart. */
#ifndef LBHA_RS_AGENT_FOU_IO_H
#define LBHA_RS_AGENT_FOU_IO_H

#include <stdint.h>

struct fou;

/* Asks the kernel to load the module if it is not there. 0; -ENOENT: it has none, or we may not
 * load it; -errno. */
int fou_open_loaded(struct fou **out);
/* Without that: -ENOENT when it is not loaded. */
int fou_open(struct fou **out);
void fou_close(struct fou *fou); /* NULL is fine */

/* Each port that takes GUE; what `each` returns but 0 is returned. -errno. */
int fou_ports(struct fou *fou, int (*each)(void *ctx, uint8_t family, uint16_t port), void *ctx);

/* -EADDRINUSE when anything has that port already; -EINVAL when there is none to remove. */
int fou_port_add(struct fou *fou, uint8_t family, uint16_t port);
int fou_port_remove(struct fou *fou, uint8_t family, uint16_t port);

#endif
