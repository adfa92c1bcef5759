/* ICMP and ICMPv6 as a probe needs them (RFC 792, RFC 4443): an echo request out; in, echo replies and
 * what routers and hosts say about a packet of ours that did not arrive. Everything that comes in is
 * a stranger's: a message is taken only when it is whole, and it is the caller who holds id, sequence,
 * cookie and addresses against what was sent.
 *
 * Here, too, is what such a message means, for all who send datagrams. */
#ifndef LBHA_CHECK_ICMP_H
#define LBHA_CHECK_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/cursor.h"
#include "config/facts.h"

#define ICMP_ECHO_SIZE 20 /* header, cookie, number */

/* One echo. Whoever cannot read our packets does not know the cookie. */
struct icmp_echo {
	uint16_t id, sequence;
	uint64_t cookie;
	uint32_t number;
};

/* The request; of ICMPv6 the kernel makes the checksum, which needs addresses that only it knows. */
void icmp_echo_put(struct writer *out, uint8_t family, const struct icmp_echo *echo);

struct icmp_message {
	bool is_reply;            /* else a complaint about a request */
	struct addr source;       /* IPv4 only: a raw ICMPv6 socket gives it apart */
	struct icmp_echo echo;    /* the one that is replied to or complained about */
	bool has_cookie;          /* complaints need not quote so much: then cookie and number are 0 */
	struct addr destination;  /* of a complaint: where the request was going */
	uint8_t type, code;       /* of a complaint */
	unsigned interface;       /* that it came in by: whoever receives it says so; 0: not known */
};

/* A packet as a raw socket gives it: IPv4 with its header, ICMPv6 without one and with its checksum
 * already verified. False for all that is no reply to an echo and no complaint about one. */
bool icmp_message_get(uint8_t family, const void *bytes, size_t size, struct icmp_message *out);

/* What a complaint means for what was sent: a reason, and words for it. */
struct icmp_complaint {
	enum probe_reason reason; /* REASON_NONE: it says nothing about the target */
	const char *text;
};
struct icmp_complaint icmp_complaint(uint8_t family, uint8_t type, uint8_t code);

#endif
