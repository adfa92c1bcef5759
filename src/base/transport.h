/* The transport protocols that IPVS balances: IANA's numbers, and the names that nft, ipvsadm's lists and lbha.conf
 * have for them. */
#ifndef LBHA_BASE_TRANSPORT_H
#define LBHA_BASE_TRANSPORT_H

#include <stdint.h>

#define TRANSPORTS 3

struct transport {
	uint8_t number; /* IPPROTO_TCP */
	const char *name;
};

/* TCP, UDP, SCTP: in the order of the bits of enum protocol (config/model.h). */
extern const struct transport transports[TRANSPORTS];

/* The name of a number, SCTP's where it is none of them. */
const char *transport_name(uint8_t number);

/* The number of a name; 0: it is none of them. */
uint8_t transport_number(const char *name);

#endif
