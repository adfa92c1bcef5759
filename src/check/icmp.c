/* See the header. The names of types and codes are those of the RFCs' registries; constants of system
 * headers differ between families and are no help to read. */
#include "check/icmp.h"

#include <sys/socket.h>

#include "base/cleanup.h"

enum {
	V4_ECHO_REPLY = 0,
	V4_UNREACHABLE = 3,
	V4_ECHO = 8,
	V4_TIME_EXCEEDED = 11,
	V6_UNREACHABLE = 1,
	V6_TIME_EXCEEDED = 3,
	V6_ECHO = 128,
	V6_ECHO_REPLY = 129,
	PROTOCOL_ICMP = 1,
	PROTOCOL_ICMPV6 = 58,
};

#define IPV6_HEADER 40

/* ---- out ------------------------------------------------------------------------------------ */

void icmp_echo_put(struct writer *out, uint8_t family, const struct icmp_echo *echo)
{
	uint8_t *start = put_space(out, ICMP_ECHO_SIZE);
	struct writer packet;

	if (!start)
		return;
	packet = writer_of(start, ICMP_ECHO_SIZE);
	put_u8(&packet, family == AF_INET ? V4_ECHO : V6_ECHO);
	put_u8(&packet, 0);
	put_u16(&packet, 0);
	put_u16(&packet, echo->id);
	put_u16(&packet, echo->sequence);
	put_u64(&packet, echo->cookie);
	put_u32(&packet, echo->number);
	if (family != AF_INET)
		return;
	packet = writer_of(start + 2, 2);
	put_u16(&packet, checksum_fold(checksum_add(0, start, ICMP_ECHO_SIZE)));
}

/* ---- in ------------------------------------------------------------------------------------- */

/* An echo from its id on. */
static void get_echo(struct reader *in, struct icmp_message *out)
{
	out->echo.id = get_u16(in);
	out->echo.sequence = get_u16(in);
	out->has_cookie = reader_left(in) >= ICMP_ECHO_SIZE - 8;
	if (!out->has_cookie)
		return;
	out->echo.cookie = get_u64(in);
	out->echo.number = get_u32(in);
}

/* An IPv4 header with its options: what follows is left in `in`, as far as it is there and the header
 * says that it belongs to the packet. */
static bool get_ipv4(struct reader *in, uint8_t *protocol, struct addr *source,
		     struct addr *destination)
{
	uint8_t first = get_u8(in);
	size_t header = (first & 15u) * 4, total;

	get_u8(in);
	total = get_u16(in);
	get_u16(in);
	if (get_u16(in) & 0x1fff) /* not the first fragment */
		return false;
	get_u8(in);
	*protocol = get_u8(in);
	get_u16(in);
	*source = addr_from_ipv4(get_u32(in));
	*destination = addr_from_ipv4(get_u32(in));
	if (in->failed || first >> 4 != 4 || header < 20 || total < header)
		return false;
	get_bytes(in, header - 20);
	if (!in->failed && reader_left(in) > total - header)
		*in = get_part(in, total - header);
	return !in->failed;
}

/* The packet that a complaint quotes, cut anywhere: extension headers are not what we send. */
static bool get_quoted(struct reader *in, uint8_t family, struct icmp_message *out)
{
	struct addr source;
	uint8_t protocol;

	if (family == AF_INET) {
		if (!get_ipv4(in, &protocol, &source, &out->destination) ||
		    protocol != PROTOCOL_ICMP || get_u8(in) != V4_ECHO)
			return false;
	} else {
		const uint8_t *header = get_bytes(in, IPV6_HEADER);

		if (!header || header[0] >> 4 != 6 || header[6] != PROTOCOL_ICMPV6 ||
		    get_u8(in) != V6_ECHO)
			return false;
		out->destination = addr_from_bytes(AF_INET6, header + 24);
	}
	get_bytes(in, 3); /* code, checksum */
	get_echo(in, out);
	return !in->failed;
}

static bool is_whole(uint8_t family, const struct reader *in)
{
	return family != AF_INET ||
	       checksum_fold(checksum_add(0, in->at, reader_left(in))) == 0;
}

static bool get_message(struct reader *in, uint8_t family, struct icmp_message *out)
{
	bool is_ipv4 = family == AF_INET;

	if (reader_left(in) < 8 || !is_whole(family, in))
		return false;
	out->type = get_u8(in);
	out->code = get_u8(in);
	get_u16(in);
	if (out->type == (is_ipv4 ? V4_ECHO_REPLY : V6_ECHO_REPLY)) {
		out->is_reply = true;
		get_echo(in, out);
		return out->has_cookie && !in->failed;
	}
	if (out->type != (is_ipv4 ? V4_UNREACHABLE : V6_UNREACHABLE) &&
	    out->type != (is_ipv4 ? V4_TIME_EXCEEDED : V6_TIME_EXCEEDED))
		return false;
	get_u32(in);
	return get_quoted(in, family, out);
}

bool icmp_message_get(uint8_t family, const void *bytes, size_t size, struct icmp_message *out)
{
	struct reader in = reader_of(bytes, size);
	struct icmp_message found = {0};
	struct addr destination;
	uint8_t protocol;

	if (family == AF_INET && (!get_ipv4(&in, &protocol, &found.source, &destination) ||
				  protocol != PROTOCOL_ICMP))
		return false;
	if (!get_message(&in, family, &found))
		return false;
	*out = found;
	return true;
}

/* ---- meaning -------------------------------------------------------------------------------- */

/* Port unreachable is what a closed port says: as a refused connection. What asks for smaller packets
 * (code 4) says nothing about the target, nor does a time that ran out while fragments were awaited. */
static const struct icmp_complaint V4_CODES[] = {
	{REASON_UNREACHABLE, "network unreachable"},
	{REASON_UNREACHABLE, "host unreachable"},
	{REASON_UNREACHABLE, "protocol unreachable"},
	{REASON_REFUSED, "port unreachable"},
	{REASON_NONE, NULL},
	{REASON_UNREACHABLE, "source route failed"},
	{REASON_UNREACHABLE, "network unknown"},
	{REASON_UNREACHABLE, "host unknown"},
	{REASON_UNREACHABLE, "source host isolated"},
	{REASON_UNREACHABLE, "network prohibited"},
	{REASON_UNREACHABLE, "host prohibited"},
	{REASON_UNREACHABLE, "network unreachable for this type of service"},
	{REASON_UNREACHABLE, "host unreachable for this type of service"},
	{REASON_UNREACHABLE, "prohibited by a filter"},
	{REASON_UNREACHABLE, "host precedence violation"},
	{REASON_UNREACHABLE, "precedence cutoff in effect"},
};

static const struct icmp_complaint V6_CODES[] = {
	{REASON_UNREACHABLE, "no route to destination"},
	{REASON_UNREACHABLE, "prohibited by a filter"},
	{REASON_UNREACHABLE, "beyond scope of source address"},
	{REASON_UNREACHABLE, "address unreachable"},
	{REASON_REFUSED, "port unreachable"},
	{REASON_UNREACHABLE, "source address failed policy"},
	{REASON_UNREACHABLE, "reject route to destination"},
};

struct icmp_complaint icmp_complaint(uint8_t family, uint8_t type, uint8_t code)
{
	static const struct icmp_complaint nothing = {REASON_NONE, NULL};
	static const struct icmp_complaint unreachable = {REASON_UNREACHABLE, "unreachable"};
	static const struct icmp_complaint exceeded = {REASON_UNREACHABLE, "hop limit exceeded"};
	bool is_ipv4 = family == AF_INET;
	size_t count = is_ipv4 ? COUNT_OF(V4_CODES) : COUNT_OF(V6_CODES);

	if (type == (is_ipv4 ? V4_TIME_EXCEEDED : V6_TIME_EXCEEDED))
		return code ? nothing : exceeded;
	if (type != (is_ipv4 ? V4_UNREACHABLE : V6_UNREACHABLE))
		return nothing;
	if (code >= count)
		return unreachable;
	return is_ipv4 ? V4_CODES[code] : V6_CODES[code];
}
