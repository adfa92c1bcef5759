/* IP forwarding, which nat needs: answers of the servers pass through the director. Set when a
 * service wants it, put back when none does any more; the former value stands in the owned file
 * meanwhile. */
#ifndef LBHA_IPVS_IPVS_FORWARD_IO_H
#define LBHA_IPVS_IPVS_FORWARD_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "config/model.h"
#include "net/owned.h"

#define IPVS_FORWARD_SYSCTLS 2 /* IPv4 and IPv6 */

struct ipvs_forward {
	int fd; /* the owned file; not ours to close */
	struct {
		bool ours;
		int64_t former;
	} sysctls[IPVS_FORWARD_SYSCTLS];
};

/* Takes what the owned file says that we had set. */
void ipvs_forward_init(struct ipvs_forward *forward, int fd, const struct owned_set *file);

/* Sets what the model's services need; 0 or the errno of what failed (logged: without it nat does
 * not work). */
int ipvs_forward_raise(struct ipvs_forward *forward, const struct model *model);

/* Puts back what the model (NULL: nobody) does not need. A value that somebody else has changed
 * meanwhile is left. */
void ipvs_forward_restore(struct ipvs_forward *forward, const struct model *model);

#endif
