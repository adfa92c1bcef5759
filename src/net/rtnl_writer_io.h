/* The rtnl writer: carries operations on addresses, routes, links and sysctls to the kernel from a
 * thread of its own, so that the protocol loop never waits for the RTNL lock. Operations are done in the order
 * given, whatever they are about, many per system call; every one is answered by exactly one `done`
 * from the loop. For each, the thread keeps the owned file: a "+" line before a thing is added or
 * adopted, a "-" line after it was removed. Where that cannot be written (a full file system) it
 * goes on without, and says so.
 *
 * rtnl_writer_put does not block and does not allocate. The thread takes no signals; it needs
 * CAP_NET_ADMIN. */
#ifndef LBHA_NET_RTNL_WRITER_IO_H
#define LBHA_NET_RTNL_WRITER_IO_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nstime.h"
#include "net/address.h"
#include "net/macvlan.h"
#include "net/route.h"
#include "net/sysctl.h"

struct loop;
struct rtnl_writer;

enum rtnl_kind {
	RTNL_ADDRESS,
	RTNL_ROUTE,
	RTNL_LINK,
	RTNL_SYSCTL,
};

struct rtnl_op {
	enum rtnl_kind kind;
	union {
		struct address_op address;
		struct route_op route;
		struct link_op link;
		struct sysctl_order sysctl;
	};
};

struct rtnl_writer_ops {
	/* error: 0, or -errno. Already there (-EEXIST) for an addition and no longer there
	 * (-EADDRNOTAVAIL, -ESRCH, -ENODEV) for a removal are told as such: the caller knows
	 * whether that is what it wanted. */
	void (*done)(void *ctx, uint64_t cookie, const struct rtnl_op *op, int error);
};

/* The kernel may have done it or not: its answer was lost. Whoever asks again is told -EEXIST, or
 * that it is no longer there. */
static inline bool rtnl_answer_lost(int error)
{
	return error == -EIO || error == -ENOBUFS;
}

/* At most `capacity` operations are under way. `owned` is the owned file's descriptor, not taken
 * over; -1: keep none. 0 or -errno. */
int rtnl_writer_new(struct loop *loop, size_t capacity, int owned,
		       const struct rtnl_writer_ops *ops, void *ctx,
		       struct rtnl_writer **out);
/* Waits for the operations under way (without callbacks) at most `patience`, then ends the thread.
 * NULL is fine. */
void rtnl_writer_free(struct rtnl_writer *writer, nstime patience);

/* Queues one operation. -ENOBUFS when `capacity` are under way: come back in `done`. */
int rtnl_writer_put(struct rtnl_writer *writer, const struct rtnl_op *op, uint64_t cookie);
size_t rtnl_writer_pending(const struct rtnl_writer *writer); /* put and not yet done */
size_t rtnl_writer_room(const struct rtnl_writer *writer);

#endif
