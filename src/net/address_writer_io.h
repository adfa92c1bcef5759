/* The address writer: carries address operations to the kernel from a thread of its own, so that
 * the protocol loop never waits for the RTNL lock. Operations are done in the order given, many per
 * system call; every one is answered by exactly one `done` from the loop. For each, the thread
 * keeps the owned file: a "+" line before an address is added or adopted, a "-" line after it was
 * removed. Where that cannot be written (a full file system) it goes on without, and says so.
 *
 * address_writer_put does not block and does not allocate. The thread takes no signals; it needs
 * CAP_NET_ADMIN. */
#ifndef LBHA_NET_ADDRESS_WRITER_IO_H
#define LBHA_NET_ADDRESS_WRITER_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nstime.h"
#include "net/address.h"

struct loop;
struct address_writer;

struct address_writer_ops {
	/* error: 0, or -errno. Already there (-EEXIST) for an addition and no longer there
	 * (-EADDRNOTAVAIL, -ENODEV) for a removal are told as such: the caller knows whether that
	 * is what it wanted. */
	void (*done)(void *ctx, uint64_t cookie, enum address_action action,
		     const struct address *address, int error);
};

/* At most `capacity` operations are under way. `owned` is the owned file's descriptor, not taken
 * over; -1: keep none. 0 or -errno. */
int address_writer_new(struct loop *loop, size_t capacity, int owned,
		       const struct address_writer_ops *ops, void *ctx,
		       struct address_writer **out);
/* Waits for the operations under way (without callbacks) at most `patience`, then ends the thread.
 * NULL is fine. */
void address_writer_free(struct address_writer *writer, nstime patience);

/* Queues one operation. -ENOBUFS when `capacity` are under way: come back in `done`. */
int address_writer_put(struct address_writer *writer, const struct address_op *op, uint64_t cookie);
size_t address_writer_pending(const struct address_writer *writer); /* put and not yet done */
size_t address_writer_room(const struct address_writer *writer);

#endif
