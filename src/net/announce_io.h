/* Announcements on the wire: one packet socket for all links. */
#ifndef LBHA_NET_ANNOUNCE_IO_H
#define LBHA_NET_ANNOUNCE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "net/link.h"

struct announcer;

/* Needs CAP_NET_RAW. 0 or -errno. The socket receives nothing. */
int announcer_new(struct announcer **out);
void announcer_free(struct announcer *announcer);

#define ANNOUNCE_BATCH 64

/* Announces addresses from `mac` on the link, in one system call that never blocks: a gratuitous
 * ARP for each of IPv4, an unsolicited neighbour advertisement for each of IPv6 (`router`: with the
 * Router flag). Returns how many went out: at most ANNOUNCE_BATCH, fewer when the queue is full (go
 * on from there a little later); -errno when the first could not be sent (-ENETDOWN, -ENXIO: the
 * link is down or gone; -EAGAIN: full). Does not allocate. */
int announce_send(struct announcer *announcer, uint32_t link, const uint8_t mac[LINK_MAC],
		  bool router, const struct addr *addresses, size_t count);

/* Whether IPv6 packets are forwarded from that link: what the Router flag says. */
bool announce_as_router(const char *link);

#endif
