/* Lines that found no room in the owned file are owed to it: they are kept, in their order, and come before all later ones as
 * soon as there is room. */
#ifndef LBHA_NET_OWNED_DEBT_IO_H
#define LBHA_NET_OWNED_DEBT_IO_H

#include <stdbool.h>
#include <stddef.h>

#include "net/owned.h"

#define OWNED_DEBT_MOST 8192 /* what is beyond that is never written */

struct owned_debt { /* zeroed: nothing is owed */
	struct owned *lines;
	size_t count, room;
};

/* Appends what is owed and then these lines. -errno: what could not be written is owed now. Allocates only then. */
int owned_debt_append(struct owned_debt *debt, int fd, const struct owned *lines, size_t count);
void owned_debt_free(struct owned_debt *debt);

#endif
