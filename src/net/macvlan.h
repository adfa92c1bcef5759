/* The link that carries a virtual router's own MAC address (RFC 9568 section 7.3): a macvlan on the
 * interface of the router. Its name and addresses are pure functions of the router, so that whoever
 * comes next finds it again.
 *
 * Mode bridge: in private mode the kernel gives a multicast frame that comes in with the link's own
 * MAC address as its sender to that link alone (drivers/net/macvlan.c, macvlan_handle_frame), and
 * that is how the adverts of a competing master look: the interface would not hear them. */
#ifndef LBHA_NET_MACVLAN_H
#define LBHA_NET_MACVLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "net/link.h"

#define MACVLAN_ALIAS 72 /* room for "lbha:" and the name of an instance, with the zero */

struct macvlan {
	char name[LINK_NAME];
	uint32_t parent; /* index of the interface it is made on */
	uint8_t mac[LINK_MAC];
	char alias[MACVLAN_ALIAS];
};

enum link_action {
	LINK_ADD,    /* write it down as ours, then make it, down */
	LINK_MARK,   /* give it its alias, by which others see whose it is */
	LINK_ADOPT,  /* it is there and becomes ours: write it down */
	LINK_UP,
	LINK_DOWN,
	LINK_REMOVE, /* remove it, then strike it out */
	LINK_FORGET, /* no longer there: strike it out */
};

struct link_op {
	enum link_action action;
	uint32_t index; /* of the link, for what needs one that is there: UP, DOWN, REMOVE */
	struct macvlan link;
};

/* "eth0-v4-51": the interface's name when it fits, else a hash of it ("v4-51-89abcdef"). Unique on a
 * machine but for two long names with one hash; then the alias tells whose the link is. */
void macvlan_name(const char *parent, uint8_t family, uint8_t virtual_router_id,
		  char out[LINK_NAME]);
/* 00:00:5e:00:01:VRID for IPv4, 00:00:5e:00:02:VRID for IPv6. */
void macvlan_mac(uint8_t family, uint8_t virtual_router_id, uint8_t out[LINK_MAC]);
/* Whether a MAC address is one of these. */
bool macvlan_is_virtual(const uint8_t mac[LINK_MAC]);
/* "lbha:INSTANCE"; returns out. */
const char *macvlan_alias(const char *instance, char out[MACVLAN_ALIAS]);

/* Whether a link that is there is the wanted one: a macvlan with this name and MAC address and, unless
 * it is written down as ours (`known`), its alias. Its parent may be another one by now. */
bool macvlan_is(const struct link *there, const struct macvlan *wanted, bool known);

#endif
