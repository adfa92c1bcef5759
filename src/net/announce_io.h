/* Announcements on the wire: one packet socket for all links. */
#ifndef LBHA_NET_ANNOUNCE_IO_H
#define LBHA_NET_ANNOUNCE_IO_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "net/link.h"

struct announcer;

/* Needs CAP_NET_RAW. 0 or -errno. The socket receives nothing. */
int announcer_new(struct announcer **out);
void announcer_free(struct announcer *announcer);

#define ANNOUNCE_BATCH 64

/* Sends one gratuitous ARP per address from `mac` on the link, ANNOUNCE_BATCH per system call,
 * never blocking. Returns how many went out: fewer than `count` when the queue is full (go on from
 * there a little later); -errno when the first could not be sent (-ENETDOWN, -ENXIO: the link is
 * down or gone; -EAGAIN: full). Other than IPv4 addresses are passed over and counted as sent. Does
 * not allocate. */
int announce_send(struct announcer *announcer, uint32_t link, const uint8_t mac[LINK_MAC],
		  const struct addr *addresses, size_t count);

#endif
