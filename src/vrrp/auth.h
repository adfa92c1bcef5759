/* AH, the authentication of RFC 2338 section 5.3.6.3 as keepalived speaks it: what the integrity
 * check value covers, and which counters are taken. Pure; the HMAC itself is in auth_io.h.
 *
 * keepalived's dialect: the SPI is the sender's address. Type of service, flags, fragment offset
 * and header checksum count as zero, the TTL only of a unicast packet. The key is that of the
 * HMAC.
 *
 * Counters. A peer's must rise; one that started anew is taken when nothing was accepted from the
 * peer for the time of a down timer, because then its old packets cannot be told from new ones, but
 * neither is there a master to be impersonated. Ours is above everything that we have sent or
 * accepted: keepalived has a single counter for all directors of an instance. It starts from the
 * clock, so that a restarted director is above what it sent before. */
#ifndef LBHA_VRRP_AUTH_H
#define LBHA_VRRP_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/nstime.h"
#include "vrrp/packet.h"

#define VRRP_AH_PEERS 8
#define VRRP_AH_TICK (NSTIME_S / 4) /* a director must not send more on the average */

struct vrrp_counters {
	struct {
		struct addr source;
		uint32_t counter;
		nstime accepted;
	} peers[VRRP_AH_PEERS];
	size_t peer_count;
	uint32_t highest; /* sent or accepted by us */
};

/* Writes what the integrity check value of an IPv4 packet covers: the packet, with zeros where it
 * may change. `out` has room for `size` bytes. `icv` is where it stands (inside the packet). */
void vrrp_ah_cover(const uint8_t *packet, size_t size, const uint8_t *icv, bool unicast,
		   uint8_t *out);

/* Where the integrity check value of a packet of ours stands, from its start. */
#define VRRP_AH_ICV_AT (20 + 12)

/* Whether two integrity check values are the same, in constant time. */
bool vrrp_icv_equal(const uint8_t a[VRRP_ICV], const uint8_t b[VRRP_ICV]);

/* Whether the counter of an advert is new; then it is remembered. Asked only of what is authentic.
 * `silence` is the down interval. With more than VRRP_AH_PEERS peers the one that was silent
 * longest is forgotten. */
bool vrrp_counter_accept(struct vrrp_counters *counters, const struct addr *source,
			 uint32_t counter, nstime now, nstime silence);

/* The counter of our next advert. `wall` is the time since 1970. */
uint32_t vrrp_counter_next(struct vrrp_counters *counters, nstime wall);

#endif
