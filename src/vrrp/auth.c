/* See the header. */
#include "vrrp/auth.h"

#include <string.h>

#define EPOCH (INT64_C(1577836800) * NSTIME_S) /* 2020-01-01: 32 bits of ticks last until 2054 */

void vrrp_ah_cover(const uint8_t *packet, size_t size, const uint8_t *icv, bool unicast,
		   uint8_t *out)
{
	memcpy(out, packet, size);
	out[1] = 0;            /* type of service */
	memset(out + 6, 0, 2); /* flags and fragment offset */
	if (unicast)
		out[8] = 0; /* TTL */
	memset(out + 10, 0, 2); /* header checksum */
	memset(out + (icv - packet), 0, VRRP_ICV);
}

bool vrrp_icv_equal(const uint8_t a[VRRP_ICV], const uint8_t b[VRRP_ICV])
{
	unsigned difference = 0;

	for (size_t i = 0; i < VRRP_ICV; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

static size_t peer_place(const struct vrrp_counters *counters, const struct addr *source)
{
	size_t oldest = 0;

	for (size_t i = 0; i < counters->peer_count; i++) {
		if (addr_equal(&counters->peers[i].source, source))
			return i;
		if (counters->peers[i].accepted < counters->peers[oldest].accepted)
			oldest = i;
	}
	return counters->peer_count < VRRP_AH_PEERS ? counters->peer_count : oldest;
}

bool vrrp_counter_accept(struct vrrp_counters *counters, const struct addr *source,
			 uint32_t counter, nstime now, nstime silence)
{
	size_t place = peer_place(counters, source);
	bool known = place < counters->peer_count &&
		     addr_equal(&counters->peers[place].source, source);

	if (known && counter <= counters->peers[place].counter &&
	    now - counters->peers[place].accepted < silence)
		return false;
	counters->peers[place].source = *source;
	counters->peers[place].counter = counter;
	counters->peers[place].accepted = now;
	if (place == counters->peer_count)
		counters->peer_count++;
	if (counter > counters->highest)
		counters->highest = counter;
	return true;
}

uint32_t vrrp_counter_next(struct vrrp_counters *counters, nstime wall)
{
	uint32_t clock = wall > EPOCH ? (uint32_t)((wall - EPOCH) / VRRP_AH_TICK) : 0;

	counters->highest++;
	if (counters->highest < clock)
		counters->highest = clock;
	return counters->highest;
}
