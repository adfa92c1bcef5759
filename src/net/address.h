/* Addresses on links: what is there (actual), what shall be ours (desired), what to do (plan).
 * Pure.
 *
 * The model of the kernel (net/ipv4/devinet.c, __inet_insert_ifa and __inet_del_ifa): an IPv4
 * address that shares mask and network with an older one of the same link is secondary to it;
 * deleting the primary deletes its secondaries, unless promote_secondaries is set. The plan removes
 * such an address and puts back what went with it by mistake, foreign addresses too, with all their
 * attributes.
 *
 * Identity of an address is the kernel's: for IPv4 link and prefix, for IPv6 link and address,
 * whatever the prefix length. Only owned addresses are ever removed.
 *
 * Attributes are changed only of what bears our tag: an address that somebody else put there is
 * adopted as it is. The kernel changes lifetimes in place, and for IPv6 noprefixroute; for anything
 * else the address is taken out and put in again. One that failed duplicate address detection, or
 * waits for it, answers nobody: it is put in anew (without detection) whoever made it. */
#ifndef LBHA_NET_ADDRESS_H
#define LBHA_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "net/link.h"

struct arena;

/* Our mark on addresses (IFA_PROTO, include/uapi/linux/if_addr.h, Linux 5.18): second witness
 * beside the owned file. 0..3 are the kernel's, keepalived uses 18. Older kernels ignore it; none
 * changes it on an address that is there. */
#define ADDRESS_PROTOCOL_LBHA 76
#define ADDRESS_PROTOCOL_NONE 0 /* not told */

#define ADDRESS_SCOPE_GLOBAL 0 /* RT_SCOPE_UNIVERSE */
#define ADDRESS_SCOPE_LINK 253
#define ADDRESS_SCOPE_HOST 254

#define ADDRESS_FOREVER UINT32_MAX

struct address {
	uint32_t link;         /* interface index */
	struct prefix prefix;  /* the local address */
	struct addr peer;      /* point to point; else family 0 */
	struct addr broadcast; /* family 0: none */
	uint8_t protocol;      /* IFA_PROTO */
	uint8_t scope;
	uint32_t flags; /* IFA_F_*; SECONDARY is the kernel's word, ignored in a desired address */
	uint32_t valid, preferred; /* lifetimes in seconds; ADDRESS_FOREVER */
	char label[LINK_NAME];     /* IPv4, empty: none */
};

/* A list in an arena (or any memory); order is the kernel's. */
struct address_list {
	struct address *items;
	size_t count;
};

enum address_action {
	ADDRESS_ADD,     /* write it down as owned, then add it */
	ADDRESS_ADOPT,   /* it is there and becomes ours: write it down, nothing else */
	ADDRESS_CHANGE,  /* with another lifetime or flag: change it in place */
	ADDRESS_LIFT,    /* take it out, another operation puts it in again; what is owned stays so */
	ADDRESS_REMOVE,  /* remove it, then strike it out */
	ADDRESS_FORGET,  /* owned but no longer there: strike it out */
	ADDRESS_RESTORE, /* add again what went with its primary; ownership stays as it is */
};

struct address_op {
	enum address_action action;
	struct address address;
};

struct address_plan {
	struct address_op *ops;
	size_t count;
};

/* An address of ours as it is added: tag, scope global, forever; IPv6 with IFA_F_NODAD. */
struct address address_ours(uint32_t link, const struct prefix *prefix);

/* Same identity. address_compare orders by it, address_compare_prefixes for one link. */
bool address_same(const struct address *a, const struct address *b);
int address_compare(const struct address *a, const struct address *b);
int address_compare_prefixes(const struct prefix *a, const struct prefix *b);

/* What it takes to make one address like another of the same identity. A wanted label may be empty:
 * any will do. */
enum address_difference {
	ADDRESS_ALIKE,
	ADDRESS_IN_PLACE, /* the kernel can change it */
	ADDRESS_ANEW,     /* it must be put in anew */
};
enum address_difference address_difference(const struct address *there,
					   const struct address *wanted);
/* The same for one that is there and is wanted: nothing where it is somebody else's, unless dead. */
enum address_difference address_change(const struct address *there, const struct address *wanted);
/* The kernel does not answer for it: duplicate address detection failed or has not ended. */
bool address_is_dead(const struct address *address);
/* In one subnet on one link, so that one is secondary to the other: IPv4, same mask,
 * same network. */
bool address_siblings(const struct address *a, const struct address *b);
/* The entry of a list with the same identity; NULL when there is none. Linear. */
const struct address *address_find(const struct address_list *list, const struct address *wanted);
/* Whether the address is there, on any link and with any prefix length. Linear. */
bool address_list_has(const struct address_list *list, const struct addr *address);

/* The operations that lead from `actual` to a state that has all of `desired` and, of `owned`,
 * nothing else. Lists hold an address once. `promoting` are the links (indices, may be NULL) on
 * which promote_secondaries is in force. Adds come before removals; primaries are removed last.
 * Desired addresses already there, owned and alike need nothing: an empty plan says that all is in
 * place. -ENOMEM. */
int address_plan_build(struct arena *arena, const struct address_list *desired,
		       const struct address_list *owned, const struct address_list *actual,
		       const uint32_t *promoting, size_t promoting_count, struct address_plan *out);

/* The kernel's answer to one addition, change or removal, on a list: for tests and for dry runs.
 * `list->items` comes from arena_push or is NULL. -EEXIST, -EADDRNOTAVAIL as the kernel says;
 * -ENOMEM. */
int address_list_add(struct arena *arena, struct address_list *list, const struct address *address);
int address_list_change(struct address_list *list, const struct address *address);
int address_list_remove(struct address_list *list, const struct address *address, bool promotes);

/* "192.168.8.200/24 on link 3"; at least ADDRESS_TEXT bytes. Returns out. */
#define ADDRESS_TEXT 72
const char *address_format(const struct address *address, char *out);

#endif
