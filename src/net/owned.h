/* The owned file: what lbha has put into the kernel, one line per thing, written before the thing
 * is done. Pure: text to records and back.
 *
 *   + address 3 eth0 192.168.8.200/24
 *   - address 3 eth0 192.168.8.200/24
 *   + sysctl net/ipv4/conf/eth0/arp_ignore 0 1      former value, value set
 *   + service tcp 192.168.8.200:80                  an IPVS virtual service
 *   + service mark 80 ipv4                          one that is known by a firewall mark
 *   + route 3 eth0 203.0.113.0/24 192.168.8.1 0 254 next hop ("-": none), metric, table
 *   + link eth0-v4-51 eth0                         a macvlan, and what it is on
 *   + link lbha-ipip ipip 0123456789abcdef         a tunnel's end, its kind, a print of its alias
 *   + port ipv4 6080                               UDP, on which the kernel takes GUE packets
 *   + table inet lbha 0123456789abcdef             of nftables rules; a digest, once it was made
 *   + table arp lbha_rs 0123456789abcdef
 *   + timeout tcp_fin 120 60                       of IPVS: former value, value set
 *   + sync master 3 eth0 51                         a daemon of IPVS: link, id
 *   + routing ipv4 19522                          our rule, and what is ours of that table
 *   + keep ipvs                                   what is owned of IPVS shall outlive a stop
 *   + foreign 1 lo 192.168.8.200/32                 used, but there before us: never removed
 *   + wish web dr 192.168.8.200                     why (rs-agent/wish.h); nothing of the kernel
 *
 * "+" is about to be ours, "-" is no longer; the last line about a thing counts. Several workers
 * append to one file; a line is one write with O_APPEND. A line cut short at the end of the file (a
 * crash) is ignored; an unreadable line elsewhere, or of a kind this build does not know, is kept
 * as it is. */
#ifndef LBHA_NET_OWNED_H
#define LBHA_NET_OWNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "net/address.h"
#include "net/link.h"
#include "net/route.h"
#include "net/sysctl.h"

struct arena;

enum owned_kind {
	OWNED_ADDRESS,
	OWNED_SYSCTL,
	OWNED_SERVICE,
	OWNED_FOREIGN, /* `address` */
	OWNED_ROUTE,
	OWNED_LINK,
	OWNED_TIMEOUT,
	OWNED_SYNC,
	OWNED_TABLE,
	OWNED_ROUTING,
	OWNED_PORT,
	OWNED_KEEP,    /* nothing of the kernel: on_stop: keep, for who has no configuration */
	OWNED_WISH,    /* `line`: what follows the word */
	OWNED_OTHER,   /* a line we do not understand */
};

struct owned_address {
	uint32_t link; /* the link's index is the key, its name is for people */
	char name[LINK_NAME];
	struct prefix prefix;
};

struct owned_sysctl {
	char path[SYSCTL_PATH];
	int64_t former, set;
};

/* An IPVS virtual service: protocol (IPPROTO_TCP, _UDP, _SCTP) and endpoint (port 0: all ports); or a
 * firewall mark and a family, all else zero. */
struct owned_service {
	uint8_t protocol;
	struct endpoint endpoint;
	uint32_t mark; /* 0: none */
};

/* Key: destination, metric, table. */
struct owned_route {
	char name[LINK_NAME]; /* of the link, for people */
	struct route route;
};

/* Key: its name, since it is written down before it has an index. */
struct owned_link {
	char name[LINK_NAME], parent[LINK_NAME];
	uint64_t alias; /* link_alias_print(); 0: not said */
};

/* A timeout of IPVS, in seconds. Key: its name. */
struct owned_timeout {
	char name[8];
	uint32_t former, set;
};

/* A daemon for connection synchronisation. Key: its role. */
struct owned_sync {
	char role[8];
	uint32_t link;
	char name[LINK_NAME];
	uint32_t id;
};

/* A table of nftables rules, of family inet or arp. Key: its family and name. */
struct owned_table {
	bool arp;
	char name[32];
	uint64_t digest; /* of what was wanted and what the kernel made of it; 0: not known */
};

/* A UDP port. Key: both. */
struct owned_port {
	uint8_t family;
	uint16_t port;
};

/* The policy routing of one family (net/policy.h). Key: both. */
struct owned_routing {
	uint8_t family;
	uint32_t table;
};

struct owned {
	bool gone; /* "-" */
	enum owned_kind kind;
	union {
		struct owned_address address;
		struct owned_sysctl sysctl;
		struct owned_service service;
		struct owned_route route;
		struct owned_link link;
		struct owned_timeout timeout;
		struct owned_sync sync;
		struct owned_table table;
		struct owned_routing routing;
		struct owned_port port;
		const char *line; /* OWNED_OTHER: the text, without its end of line; OWNED_WISH */
	};
};

struct owned_set {
	struct owned *items;
	size_t count;
};

/* What ends a line that was cut short: no line of ours can end so. */
#define OWNED_TORN " torn\n"

#define OWNED_LINE 192 /* room for any line of ours, with end of line and zero */

/* Writes the line of a record, with its '\n'; returns its length. `out` has OWNED_LINE bytes. 0 for
 * OWNED_OTHER. */
size_t owned_format(const struct owned *record, char *out);

/* One line without its end; an unknown one gives OWNED_OTHER whose `line` points to `text`. */
struct owned owned_parse_line(const char *text);

/* Whether two records are about the same thing. */
bool owned_same(const struct owned *a, const struct owned *b);

/* The whole file: what is owned after its last line, each thing once, in order of first mention. A
 * sysctl mentioned twice keeps the first former value (the one before us). -ENOMEM. */
int owned_parse(struct arena *arena, const char *text, size_t length, struct owned_set *out);

/* The owned addresses as a list for address_plan_build. -ENOMEM. */
int owned_addresses(struct arena *arena, const struct owned_set *set, struct address_list *out);

/* The owned routes as a list for route_plan_build. -ENOMEM. */
int owned_routes(struct arena *arena, const struct owned_set *set, struct route_list *out);

/* Records for the usual cases. */
struct owned owned_of_address(bool gone, const struct address *address, const char *link_name);
struct owned owned_of_route(bool gone, const struct route *route, const char *link_name);
struct owned owned_of_link(bool gone, const char *name, const char *parent);
struct owned owned_of_sysctl(bool gone, const struct sysctl_op *op);
struct owned owned_of_service(bool gone, uint8_t protocol, const struct endpoint *endpoint);
struct owned owned_of_mark(bool gone, uint32_t mark, uint8_t family);
struct owned owned_of_table(bool gone, const char *name, uint64_t digest); /* inet */
struct owned owned_of_arp_table(bool gone, const char *name, uint64_t digest);

#endif
