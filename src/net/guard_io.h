/* The guard in the kernel (net/guard.h). It is set by a thread of its own, since a transaction of
 * nf_tables waits for those of others, and that may take seconds. */
#ifndef LBHA_NET_GUARD_IO_H
#define LBHA_NET_GUARD_IO_H

#include <stddef.h>

#include "base/addr.h"

struct guard;
struct loop;

/* `done` comes from the loop after each change: 0, or -errno (-ENOENT, -EOPNOTSUPP, -EINVAL: this
 * kernel cannot do it). 0 or -errno; nothing is done before the first guard_set. */
int guard_new(struct loop *loop, void (*done)(void *ctx, int error), void *ctx,
	      struct guard **out);
/* Takes the table away. NULL is fine. */
void guard_free(struct guard *guard);

/* What is to be guarded from now on; none: the table goes. The list is copied. A change while an
 * earlier one is under way is done after it. -ENOMEM. */
int guard_set(struct guard *guard, const struct addr *addresses, size_t count);

#endif
