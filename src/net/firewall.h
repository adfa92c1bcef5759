/* What the rules of nftables, iptables and arptables make of a packet, told from the rules alone: as
 * a value, whoever wrote them down (firewall_nft_io.h reads nft's JSON, firewall_save.h the text of
 * iptables-save). Pure.
 *
 * A rule matches, does not, or cannot be told (a match that is not known here, a property that the
 * packet was not given: counters of `limit`, marks, somebody's set of a strange type). What may
 * accept is kept in mind, what may drop is not: a rule of which nobody can tell whether it is about
 * this packet is no finding, one that drops what certainly comes there is. In between are those that
 * name the packet's port or address and drop what comes from some: they are told. */
#ifndef LBHA_NET_FIREWALL_H
#define LBHA_NET_FIREWALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/table.h"

struct arena;

enum firewall_family {
	FIREWALL_IPV4 = 1,
	FIREWALL_IPV6 = 2,
	FIREWALL_ARP = 4,
	FIREWALL_INET = 3,    /* both: nft's inet */
	FIREWALL_NETDEV = 7,  /* whatever comes in on a device */
};

enum firewall_hook {
	FIREWALL_NO_HOOK, /* others jump there */
	FIREWALL_INGRESS,
	FIREWALL_PREROUTING,
	FIREWALL_INPUT,
	FIREWALL_FORWARD,
	FIREWALL_OUTPUT,
	FIREWALL_POSTROUTING,
	FIREWALL_OTHER_HOOK,
};

/* Whose words mend it. */
enum firewall_tool {
	FIREWALL_NFT,
	FIREWALL_IPTABLES,         /* on nf_tables, or the only one there is */
	FIREWALL_IPTABLES_LEGACY,
};

enum firewall_field {
	FIREWALL_PROTOCOL,
	FIREWALL_SOURCE,
	FIREWALL_DESTINATION,
	FIREWALL_SOURCE_PORT,
	FIREWALL_PORT,
	FIREWALL_INTERFACE_IN,
	FIREWALL_INTERFACE_OUT,
	FIREWALL_STATE,     /* of connection tracking, as nft's numbers: 1 invalid, 2 established, 4 related, 8 new */
	FIREWALL_IP,        /* 4 or 6: nfproto, and what is said of `ip` or `ip6` in table inet */
	FIREWALL_ICMP_TYPE,
	FIREWALL_ARP_OPERATION,
	FIREWALL_TTL,
	FIREWALL_STATUS,           /* of connection tracking, bits of enum ip_conntrack_status */
	FIREWALL_SOURCE_TYPE,      /* what the address is to this host: enum firewall_address */
	FIREWALL_DESTINATION_TYPE,
	FIREWALL_UNKNOWN,   /* nobody can tell here */
};

#define FIREWALL_STATE_NEW 8
#define FIREWALL_STATE_NAT 128 /* iptables' DNAT and SNAT */

/* As the kernel's RTN_*. */
enum firewall_address {
	FIREWALL_UNICAST = 1, /* somebody else's */
	FIREWALL_LOCAL,       /* one of this host's, or of those that it takes over */
	FIREWALL_BROADCAST,
	FIREWALL_MULTICAST = 5,
};

/* A number or address lies between two; a name is one ("eth*" begins with eth). */
struct firewall_value {
	uint64_t first, last;
	struct addr low, high;
	const char *name;
};

struct firewall_match {
	enum firewall_field field;
	bool negated;
	struct firewall_value *values; /* any of them; STATE, STATUS: any of the bits of `first` */
	size_t value_count;
};

enum firewall_verdict {
	FIREWALL_CONTINUE, /* counters, logs, marks */
	FIREWALL_ACCEPT,
	FIREWALL_DROP, /* or reject */
	FIREWALL_CHANGE, /* goes on as another: to another address, or ARP that names another sender */
	FIREWALL_RETURN,
	FIREWALL_JUMP,
	FIREWALL_GOTO,
};

struct firewall_rule {
	struct firewall_match *matches;
	size_t match_count;
	enum firewall_verdict verdict;
	const char *target; /* JUMP, GOTO: a chain of the same table */
};

struct firewall_chain {
	enum firewall_family family;
	enum firewall_tool tool;
	const char *family_name, *table, *name; /* "inet", "filter", "input" */
	enum firewall_hook hook;
	int64_t priority;
	bool drops;         /* by its policy */
	const char *device; /* ingress; NULL: any */
	struct firewall_rule *rules;
	size_t rule_count;
};

struct firewall {
	struct firewall_chain *chains;
	size_t count;
	struct table names; /* of the chains */
};

#define FIREWALL_NUMBER_UNKNOWN (-1)

/* A packet as far as it is known. Addresses of family 0, NULL and FIREWALL_NUMBER_UNKNOWN are not. */
struct firewall_packet {
	enum firewall_family family; /* one of IPV4, IPV6, ARP */
	const char *in, *out;
	struct addr source, destination; /* ARP: of the protocol */
	int protocol, source_port, port, state, icmp_type, arp_operation, ttl;
	int source_type, destination_type; /* enum firewall_address; what the address itself tells counts more */
};

/* Nothing known but the family. */
struct firewall_packet firewall_packet_of(enum firewall_family family);
/* Of a packet between addresses of that kind (AF_INET, AF_INET6). */
enum firewall_family firewall_family_of(uint8_t address_family);

struct firewall_fate {
	/* ACCEPT; DROP; or CHANGE: what becomes of the other packet is not followed */
	enum firewall_verdict verdict;
	/* Of a DROP: nothing before it may have accepted or changed it. Of a CHANGE: nothing may have
	 * accepted it. Of an ACCEPT: no rule names it and drops some such packets. */
	bool is_certain;
	const struct firewall_chain *chain; /* NULL, or the base chain of `rule` or that drops by its policy */
	const struct firewall_rule *rule;   /* that drops, or some; NULL: the policy */
};

/* The fate of a packet at one hook, in the order of the chains' priorities; chains behind `last` are
 * not passed. Of rules that go on beyond all measure (jumps in circles, which no kernel takes; what
 * fans out from chain to chain) nobody can tell whether one accepts. */
struct firewall_fate firewall_pass(const struct firewall *firewall, enum firewall_hook hook,
				   int64_t last, const struct firewall_packet *packet);
/* The same for one that comes in for this host (`last` is of the input hook), and one of its own that
 * goes out. */
struct firewall_fate firewall_come_in(const struct firewall *firewall, int64_t last,
				      const struct firewall_packet *packet);
struct firewall_fate firewall_go_out(const struct firewall *firewall,
				     const struct firewall_packet *packet);
#define FIREWALL_EVERY_CHAIN INT64_MAX

/* Appends; in the arena. NULL: out of memory. A chain is copied, but not its strings; it is found
 * under its names at once, and its pointer holds until the next chain is added. */
struct firewall_chain *firewall_add_chain(struct arena *arena, struct firewall *firewall,
					  const struct firewall_chain *chain);
struct firewall_rule *firewall_add_rule(struct arena *arena, struct firewall_chain *chain);
struct firewall_match *firewall_add_match(struct arena *arena, struct firewall_rule *rule,
					  enum firewall_field field);
struct firewall_value *firewall_add_value(struct arena *arena, struct firewall_match *match);
/* "192.168.0.0/16", "10.0.0.1-10.0.0.9" or an address as a value; false: it is none. */
bool firewall_read_addresses(const char *text, struct firewall_value *out);
/* NULL when the table has none of that name. */
struct firewall_chain *firewall_chain(const struct firewall *firewall, const char *family_name,
				      const char *table, const char *name);

#endif
