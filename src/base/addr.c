/* Text forms and order of addresses; see the header. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

unsigned addr_bits(uint8_t family)
{
	return (unsigned)addr_size(family) * 8;
}

size_t addr_size(uint8_t family)
{
	if (family == AF_INET)
		return 4;
	return family == AF_INET6 ? 16 : 0;
}

int addr_parse(const char *text, struct addr *out)
{
	struct addr address = {0};

	address.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(address.family, text, address.bytes) != 1)
		return -EINVAL;
	*out = address;
	return 0;
}

struct addr addr_from_bytes(uint8_t family, const void *bytes)
{
	struct addr address = {.family = family};

	memcpy(address.bytes, bytes, addr_size(family));
	return address;
}

struct addr addr_from_ipv4(uint32_t host_order)
{
	uint8_t bytes[4] = {(uint8_t)(host_order >> 24), (uint8_t)(host_order >> 16), (uint8_t)(host_order >> 8),
			    (uint8_t)host_order};

	return addr_from_bytes(AF_INET, bytes);
}

uint32_t addr_ipv4(const struct addr *address)
{
	const uint8_t *b = address->bytes;

	if (address->family != AF_INET)
		return 0;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

const char *addr_format(const struct addr *address, char *out)
{
	if (!addr_size(address->family) || !inet_ntop(address->family, address->bytes, out, ADDR_TEXT))
		snprintf(out, ADDR_TEXT, "none");
	return out;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, addr_size(a->family));
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) == 0;
}

bool addr_is_multicast(const struct addr *address)
{
	if (address->family == AF_INET)
		return (address->bytes[0] & 0xf0) == 0xe0;
	return address->family == AF_INET6 && address->bytes[0] == 0xff;
}

bool addr_is_unspecified(const struct addr *address)
{
	static const uint8_t zero[16];

	return memcmp(address->bytes, zero, sizeof(zero)) == 0;
}

bool addr_is_link_local(const struct addr *address)
{
	if (address->family == AF_INET)
		return address->bytes[0] == 169 && address->bytes[1] == 254;
	return address->family == AF_INET6 && address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

bool addr_is_loopback(const struct addr *address)
{
	static const uint8_t one[16] = {[15] = 1};

	if (address->family == AF_INET)
		return address->bytes[0] == 127;
	return address->family == AF_INET6 && memcmp(address->bytes, one, sizeof(one)) == 0;
}

/* A decimal number without sign, blanks or leading zeros, at most `max`; -1 when it is not that. */
static long small_number(const char *text, long max)
{
	long value = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		value = value * 10 + (*text - '0');
		if (value > max)
			return -1;
	}
	return value;
}

int prefix_parse(const char *text, struct prefix *out)
{
	char copy[PREFIX_TEXT];
	struct prefix prefix;
	size_t length = strlen(text);
	char *slash;
	long bits;

	if (length >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, length + 1);
	slash = strchr(copy, '/');
	if (slash)
		*slash = '\0';
	if (addr_parse(copy, &prefix.address))
		return -EINVAL;
	bits = slash ? small_number(slash + 1, addr_bits(prefix.address.family)) :
		       (long)addr_bits(prefix.address.family);
	if (bits < 0)
		return -ERANGE;
	prefix.length = (uint8_t)bits;
	*out = prefix;
	return 0;
}

const char *prefix_format(const struct prefix *prefix, char *out)
{
	char address[ADDR_TEXT];

	snprintf(out, PREFIX_TEXT, "%s/%u", addr_format(&prefix->address, address), prefix->length);
	return out;
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order = addr_compare(&a->address, &b->address);

	return order ? order : (int)a->length - (int)b->length;
}

bool prefix_contains(const struct prefix *net, const struct addr *address)
{
	unsigned whole = net->length / 8, rest = net->length % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	if (net->address.family != address->family)
		return false;
	if (memcmp(net->address.bytes, address->bytes, whole))
		return false;
	return !rest || ((net->address.bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}

int endpoint_parse(const char *text, struct endpoint *out)
{
	char copy[ENDPOINT_TEXT];
	struct endpoint endpoint = {0};
	size_t length = strlen(text);
	char *address = copy, *port = NULL;
	long number;

	if (length >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, length + 1);
	if (copy[0] == '[') {
		char *close = strchr(copy, ']');

		if (!close || (close[1] && close[1] != ':') || !strchr(copy, ':'))
			return -EINVAL;
		port = close[1] ? close + 2 : NULL;
		*close = '\0';
		address = copy + 1;
	} else if (strchr(copy, ':') == strrchr(copy, ':')) {
		port = strchr(copy, ':');
		if (port)
			*port++ = '\0';
	}
	if (addr_parse(address, &endpoint.address) || (copy[0] == '[' && endpoint.address.family != AF_INET6))
		return -EINVAL;
	if (port) {
		number = small_number(port, 65535);
		if (number <= 0)
			return -ERANGE;
		endpoint.port = (uint16_t)number;
	}
	*out = endpoint;
	return 0;
}

const char *endpoint_format(const struct endpoint *endpoint, char *out)
{
	char address[ADDR_TEXT];

	addr_format(&endpoint->address, address);
	if (!endpoint->port)
		snprintf(out, ENDPOINT_TEXT, "%s", address);
	else if (endpoint->address.family == AF_INET6)
		snprintf(out, ENDPOINT_TEXT, "[%s]:%u", address, endpoint->port);
	else
		snprintf(out, ENDPOINT_TEXT, "%s:%u", address, endpoint->port);
	return out;
}

int endpoint_compare(const struct endpoint *a, const struct endpoint *b)
{
	int order = addr_compare(&a->address, &b->address);

	return order ? order : (int)a->port - (int)b->port;
}
