/* A network interface as a value, as the kernel tells it. */
#ifndef LBHA_NET_LINK_H
#define LBHA_NET_LINK_H

#include <stdbool.h>
#include <stdint.h>

#define LINK_NAME 16 /* IFNAMSIZ */
#define LINK_MAC 6

/* Key: index (a link made anew has a new one, even under the old name). */
struct link {
	uint32_t index;
	char name[LINK_NAME];
	bool up;      /* IFF_UP: the administrator wants it */
	bool running; /* IFF_RUNNING: carrier and everything below it work */
	bool loopback;
	bool arp;              /* without IFF_NOARP, and Ethernet: ARP is spoken there */
	uint8_t mac[LINK_MAC]; /* zero where there is none of six bytes */
	uint32_t mtu;
	uint32_t parent; /* index of the link it is made on, in our namespace; 0: none */
	bool macvlan;
	uint64_t alias; /* link_alias_print() of its ifalias; 0: none */
};

/* Traffic can pass: up and running. */
bool link_usable(const struct link *link);
bool link_equal(const struct link *a, const struct link *b);
/* A number for an ifalias, to compare: aliases are long and links many. Never 0. */
uint64_t link_alias_print(const char *alias);
/* Whether a text can be an interface's name (not empty, fits, no blank, slash or colon, not . or
 * ..). */
bool link_name_valid(const char *name);

#endif
