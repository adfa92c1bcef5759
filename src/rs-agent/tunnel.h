/* The ends of tunnels that IPVS wraps packets for (net/netfilter/ipvs/ip_vs_xmit.c): which link takes
 * them out of what, and what it is called. Pure.
 *
 *   packet   in IPv4                 in IPv6
 *   IPv4     ipip (protocol 4)       ip6tnl (4)
 *   IPv6     sit (41)                ip6tnl (41)
 *   either   gre (47)                ip6gre (47)
 *
 * gue is the same in UDP: a port of the kernel's fou module takes the UDP header off and hands the
 * rest to ipip, sit or ip6tnl. A link of ours has a local address, the one by which the directors
 * know us, and no remote one. */
#ifndef LBHA_RS_AGENT_TUNNEL_H
#define LBHA_RS_AGENT_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "config/model.h"
#include "net/link.h"

enum rs_link_kind {
	RS_LINK_IPIP,
	RS_LINK_SIT,
	RS_LINK_IP6TNL,
	RS_LINK_GRE,
	RS_LINK_IP6GRE,
};

/* Packets come out of the link from clients that are not behind it: with rp_filter 1 they would be
 * dropped. 2 lets them pass while there is any way back to them, and 0 in any case; the kernel
 * takes the larger of the link's own and that of `all`. */
#define RS_LINK_RP_FILTER 2
bool rs_link_lets_in(int64_t own, int64_t all);

#define RS_ALIAS 72

struct rs_link {
	enum rs_link_kind kind;
	char name[LINK_NAME];
	struct addr local;
	bool checksum;        /* gre: it takes packets with one only, else those without only */
	char alias[RS_ALIAS]; /* says all of the above and whose it is: the witness */
	uint32_t index;       /* 0: it is yet to be made */
};

/* "ipip", as the kernel calls it. */
const char *rs_link_kind_name(enum rs_link_kind kind);

/* The link for a tunnel to the address `local` of packets of a family: all but name and index. */
struct rs_link rs_link_for(const struct tunnel *tunnel, const struct addr *local, uint8_t family);

bool rs_link_same(const struct rs_link *a, const struct rs_link *b);

/* "lbha-ipip" for the first of its kind, then "lbha-ipip2". */
void rs_link_set_name(struct rs_link *link, unsigned number);

/* What is after "ip link add NAME type": "ipip local 10.9.0.20". RS_ALIAS bytes; returns out. */
const char *rs_link_format(const struct rs_link *link, char *out);

#endif
