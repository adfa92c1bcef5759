/* IPVS tables as values: virtual services and their destinations, the same for what is wanted and
 * for what the kernel has. A table is sorted: services by key, destinations of a service by key, no
 * key twice; everything that compares tables walks them side by side and relies on it. Numbers are
 * those of linux/ip_vs.h, in host order. Kernel: net/netfilter/ipvs/ip_vs_ctl.c. */
#ifndef LBHA_IPVS_TABLE_H
#define LBHA_IPVS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define IPVS_NAME 16 /* IP_VS_SCHEDNAME_MAXLEN and IP_VS_PENAME_MAXLEN, with the zero */

/* A virtual service: address, port and protocol, or a firewall mark of one family. */
struct ipvs_service_key {
	struct addr address; /* with a mark: the family alone */
	uint32_t fwmark;     /* 0: none */
	uint16_t port;       /* 0: all ports */
	uint8_t protocol;    /* IPPROTO_*; with a mark 0 */
};

struct ipvs_service_attr {
	char scheduler[IPVS_NAME];
	char engine[IPVS_NAME]; /* persistence engine; "": none */
	uint32_t flags;         /* IP_VS_SVC_F_*, without F_HASHED, which is the kernel's own */
	uint32_t timeout;       /* of persistence, in seconds; means nothing without F_PERSISTENT */
	uint32_t netmask;       /* of persistence: IPv4 a mask, IPv6 a prefix length */
};

/* Forwarding methods, numbered as the kernel does (IP_VS_CONN_F_FWD_MASK). */
enum ipvs_forwarding {
	IPVS_FORWARD_NAT = 0,
	IPVS_FORWARD_LOCAL = 1,
	IPVS_FORWARD_TUNNEL = 2,
	IPVS_FORWARD_DR = 3,
	IPVS_FORWARD_BYPASS = 4,
};

struct ipvs_dest_key {
	struct addr address;
	uint16_t port;
};

/* IP_VS_CONN_F_TUNNEL_TYPE_*. */
enum ipvs_tunnel {
	IPVS_TUNNEL_IPIP = 0,
	IPVS_TUNNEL_GUE = 1,
	IPVS_TUNNEL_GRE = 2,
};

/* The tunnel means nothing without IPVS_FORWARD_TUNNEL, its port nothing without GUE, its flags
 * nothing with IPIP: the kernel keeps them, and reads them not. */
struct ipvs_dest_attr {
	uint32_t forwarding; /* enum ipvs_forwarding, or what a newer kernel adds */
	uint32_t weight;
	uint32_t upper_threshold, lower_threshold; /* 0: none */
	uint8_t tunnel;         /* enum ipvs_tunnel, or what a newer kernel adds */
	uint16_t tunnel_port;
	uint16_t tunnel_flags;  /* IP_VS_TUNNEL_ENCAP_FLAG_* */
};

/* What the kernel counts; a wanted table leaves it zero. */
struct ipvs_counters {
	uint32_t active, inactive, persistent; /* connections now; of destinations only */
	uint64_t connections, packets_in, packets_out, bytes_in, bytes_out;
};

struct ipvs_dest {
	struct ipvs_dest_key key;
	struct ipvs_dest_attr attr;
	uint32_t place; /* the later it was added, the larger; no two of a service have the same */
	struct ipvs_counters counters;
};

struct ipvs_service {
	struct ipvs_service_key key;
	struct ipvs_service_attr attr;
	struct ipvs_counters counters;
	struct ipvs_dest *dests;
	size_t dest_count;
};

struct ipvs_table {
	struct ipvs_service *services;
	size_t count;
};

int ipvs_service_key_compare(const struct ipvs_service_key *a, const struct ipvs_service_key *b);
bool ipvs_service_attr_equal(const struct ipvs_service_attr *a, const struct ipvs_service_attr *b);
int ipvs_dest_key_compare(const struct ipvs_dest_key *a, const struct ipvs_dest_key *b);
bool ipvs_dest_attr_equal(const struct ipvs_dest_attr *a, const struct ipvs_dest_attr *b);

/* Sorts services and destinations and drops doubles (a dump that raced with a change may have
 * some). */
void ipvs_table_sort(struct ipvs_table *table);
void ipvs_service_sort(struct ipvs_service *service);

/* NULL when there is none. */
struct ipvs_service *ipvs_table_find(const struct ipvs_table *table,
				     const struct ipvs_service_key *key);
struct ipvs_dest *ipvs_dest_find(const struct ipvs_service *service,
				 const struct ipvs_dest_key *key);

/* Whether both tables would be programmed alike (counters do not matter). */
bool ipvs_table_equal(const struct ipvs_table *a, const struct ipvs_table *b);

#endif
