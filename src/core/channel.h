/* A channel: one end of a SOCK_SEQPACKET pair between two workers, in a loop. A packet is
 *   version (16 bits) · generation (32) · then records: type (16) · length (16) · value.
 * Two ways to send:
 *  - messages (channel_send): queued in order, never lost while the channel lives, may carry a descriptor;
 *  - facts: the owner names how many objects it has; a dirty bit per object; whenever the socket takes a packet the
 *    present values of dirty objects are encoded into it. A slow peer gets the latest value, never a backlog, and the
 *    sender never waits. channel_facts_restart marks everything dirty and closes the round with FACT_SYNC.
 * Sending facts does not allocate. A malformed packet closes the channel (the peer is broken or hostile). */
#ifndef LBHA_CORE_CHANNEL_H
#define LBHA_CORE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

struct loop;
struct channel;

#define CHANNEL_RECORD_MAX 16384 /* largest value of a record */
#define CHANNEL_SYNC 1           /* record type that ends a round of facts (FACT_SYNC) */

struct channel_ops {
	/* One record. `fd` is a descriptor that came with it (-1: none), now the callee's. */
	void (*record)(void *ctx, uint32_t generation, uint16_t type, struct reader *in, int fd);
	/* The peer has gone or sent nonsense; the callee frees the channel. */
	void (*closed)(void *ctx);
	/* Encode the present value of an object; false: nothing to tell this peer about it. May be NULL. */
	bool (*fact)(void *ctx, uint32_t index, uint16_t *type, struct writer *out);
};

/* Takes `fd` over (closed by channel_free). NULL when out of memory. */
struct channel *channel_new(struct loop *loop, int fd, const struct channel_ops *ops, void *ctx);
void channel_free(struct channel *channel);

/* The generation put into the header of what is sent from now on. */
void channel_set_generation(struct channel *channel, uint32_t generation);

/* Queues a message; `fd` (-1: none) is duplicated. -EMSGSIZE above CHANNEL_RECORD_MAX, -ENOMEM. */
int channel_send(struct channel *channel, uint16_t type, const void *value, size_t size, int fd);
/* Tries to send all queued messages now, waiting at most `patience`; for the last word before an exit. */
void channel_flush(struct channel *channel, int64_t patience);
/* Takes what waits in the socket now: the last words of a peer whose end was told otherwise. */
void channel_receive(struct channel *channel);
int channel_fd(const struct channel *channel); /* stays the channel's */
bool channel_idle(const struct channel *channel); /* nothing queued, nothing dirty */

/* The set of facts is now objects 0..count-1, all dirty, SYNC to follow. -ENOMEM. */
int channel_facts_restart(struct channel *channel, uint32_t count);
/* An object has a new value. */
void channel_dirty(struct channel *channel, uint32_t index);

#endif
