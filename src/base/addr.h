/* Addresses as values: family and bytes, comparable, hashable, with text forms. No name is ever resolved. */
#ifndef LBHA_BASE_ADDR_H
#define LBHA_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address. family is AF_INET, AF_INET6, or 0 for "none"; bytes in network order, unused ones zero. */
struct addr {
	uint8_t family;
	uint8_t bytes[16];
};

struct prefix {
	struct addr address; /* as written: host bits are kept */
	uint8_t length;
};

struct endpoint {
	struct addr address;
	uint16_t port; /* host order; 0: not given */
};

#define ADDR_TEXT 46     /* room for an address and the zero */
#define PREFIX_TEXT 50   /* address/length */
#define ENDPOINT_TEXT 54 /* address:port or [address]:port */

/* Bits of an address of that family: 32, 128, or 0. */
unsigned addr_bits(uint8_t family);
/* Bytes of an address of that family: 4, 16, or 0. */
size_t addr_size(uint8_t family);

/* Parses dotted decimal or an IPv6 address, nothing else. -EINVAL when it is neither. */
int addr_parse(const char *text, struct addr *out);
/* From raw bytes in network order (4 or 16 of them by family). */
struct addr addr_from_bytes(uint8_t family, const void *bytes);
struct addr addr_from_ipv4(uint32_t host_order);
/* The IPv4 address as a number in host order; 0 for other families. */
uint32_t addr_ipv4(const struct addr *address);

/* Writes the canonical text into `out` (at least ADDR_TEXT bytes; "none" for family 0) and returns it. */
const char *addr_format(const struct addr *address, char *out);

/* Order by family, then numerically: RFC 9568 6.4.3 compares addresses as unsigned integers in network order. */
int addr_compare(const struct addr *a, const struct addr *b);
bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_is_multicast(const struct addr *address);
bool addr_is_unspecified(const struct addr *address);
bool addr_is_link_local(const struct addr *address);
bool addr_is_loopback(const struct addr *address);

/* "192.0.2.1/24", or a bare address: then the length is the family's full one. -EINVAL, or -ERANGE for a
 * length the family has not. */
int prefix_parse(const char *text, struct prefix *out);
const char *prefix_format(const struct prefix *prefix, char *out); /* PREFIX_TEXT bytes; always with length */
int prefix_compare(const struct prefix *a, const struct prefix *b);
bool prefix_contains(const struct prefix *net, const struct addr *address);

/* "192.0.2.1:80", "[2001:db8::1]:80", or an address without a port (then port is 0). Ports are 1..65535.
 * -EINVAL when it is no endpoint, -ERANGE for a bad port. */
int endpoint_parse(const char *text, struct endpoint *out);
const char *endpoint_format(const struct endpoint *endpoint, char *out); /* ENDPOINT_TEXT; without :port if 0 */
int endpoint_compare(const struct endpoint *a, const struct endpoint *b);

#endif
