/* Ranges of a virtual_server_group, in the four forms that keepalived has for them. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "convert/ka_run.h"

/* 192.0.2.0/30: all addresses of a network, the first and the last, too. */
static const char *take_network(const char *word, struct addr *first, struct addr *last)
{
	struct prefix prefix;
	unsigned bits;

	if (prefix_parse(word, &prefix) || !prefix.length)
		return "is no address with a length";
	*first = *last = prefix.address;
	bits = addr_bits(first->family);
	for (unsigned bit = prefix.length; bit < bits; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		if (first->bytes[bit / 8] & mask)
			return "the address has bits behind its length; keepalived passes over it";
		last->bytes[bit / 8] |= mask;
	}
	return NULL;
}

/* 192.0.2.1-20, 2001:db8::fe-101: the last part of the address, of eight or sixteen bits, as it is written there. */
static const char *take_number(const char *text, const struct addr *first, struct addr *last)
{
	bool is_ipv6 = first->family == AF_INET6;
	size_t low = addr_size(first->family) - 1;
	unsigned long start = first->bytes[low] | (is_ipv6 ? (unsigned long)first->bytes[low - 1] << 8 : 0), end;
	char *behind;

	end = strtoul(text, &behind, is_ipv6 ? 16 : 10);
	if (behind == text || *behind || *text == '-' || end > (is_ipv6 ? 0xffff : 0xff))
		return "the end of the range is no number of the address's last part";
	if (end <= start)
		return "the range ends before it begins; keepalived passes over it";
	*last = *first;
	last->bytes[low] = (uint8_t)end;
	if (is_ipv6)
		last->bytes[low - 1] = (uint8_t)(end >> 8);
	return NULL;
}

const char *ka_range_parse(const char *word, struct addr *first, struct addr *last)
{
	const char *dash = strchr(word, '-'), *why;
	char text[ADDR_TEXT] = "";
	struct addr begin, end;

	if (strchr(word, '/'))
		return take_network(word, first, last);
	if (dash && (size_t)(dash - word) < sizeof(text))
		memcpy(text, word, (size_t)(dash - word));
	if (!ka_address(dash ? text : word, &begin))
		return "is no address";
	end = begin;
	if (dash && strpbrk(dash, ".:")) {
		if (!ka_address(dash + 1, &end) || end.family != begin.family)
			return "the range does not end with an address of its family";
		if (addr_compare(&end, &begin) < 0)
			return "the range ends before it begins; keepalived passes over it";
	} else if (dash) {
		why = take_number(dash + 1, &begin, &end);
		if (why)
			return why;
	}
	*first = begin;
	*last = end;
	return NULL;
}
