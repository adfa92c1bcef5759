/* Decoding of netlink messages and IPVS values. Every length is checked against what is there
 * before it is used; foreign bytes end in plain values or in "malformed", never beyond their
 * buffer. Declared in codec.h. */
#include "ipvs/codec.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>

#include "base/text.h"

static uint16_t get_host16(struct reader *in)
{
	const uint8_t *bytes = get_bytes(in, 2);
	uint16_t value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof(value));
	return value;
}

static uint32_t get_host32(struct reader *in)
{
	const uint8_t *bytes = get_bytes(in, 4);
	uint32_t value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof(value));
	return value;
}

/* The last part of a message may lack its padding. */
static void skip_padding(struct reader *in, size_t size)
{
	size_t padding = -size & 3, left = reader_left(in);

	get_bytes(in, padding < left ? padding : left);
}

/* ---- attributes ------------------------------------------------------------------------------ */

struct attribute {
	uint16_t type;
	struct reader value;
};

/* Tables of tens of thousands of destinations come as some million attributes. */
static bool next_attribute(struct reader *in, struct attribute *out)
{
	size_t left = reader_left(in), whole;
	uint16_t head[2];

	if (!left)
		return false;
	if (left >= sizeof(head))
		memcpy(head, in->at, sizeof(head));
	if (left < sizeof(head) || head[0] < NLA_HDRLEN || head[0] > left) {
		in->failed = true;
		return false;
	}
	whole = (head[0] + 3u) & ~3u; /* the last one may lack its padding */
	out->type = head[1] & NLA_TYPE_MASK;
	out->value = (struct reader){.at = in->at + NLA_HDRLEN, .end = in->at + head[0]};
	in->at = whole < left ? in->at + whole : in->end;
	return true;
}

/* A number of the attribute's own size (the kernel changed some of them over time). */
static uint64_t attr_number(struct attribute *attr)
{
	size_t size = reader_left(&attr->value);
	const uint8_t *bytes = get_bytes(&attr->value, size);
	uint32_t number32;
	uint64_t number64;
	uint16_t number16;

	if (bytes && size == 2)
		return memcpy(&number16, bytes, 2), number16;
	if (bytes && size == 4)
		return memcpy(&number32, bytes, 4), number32;
	if (bytes && size == 8)
		return memcpy(&number64, bytes, 8), number64;
	attr->value.failed = true;
	return 0;
}

static void attr_name(struct attribute *attr, char *out)
{
	size_t size = reader_left(&attr->value);
	const uint8_t *bytes = get_bytes(&attr->value, size);

	if (!size || size > IPVS_NAME || bytes[size - 1]) {
		attr->value.failed = true;
		return;
	}
	memcpy(out, bytes, size);
}

static void attr_address(struct attribute *attr, uint8_t *out)
{
	const uint8_t *bytes = get_bytes(&attr->value, 16);

	if (bytes)
		memcpy(out, bytes, 16);
}

/* Addresses come as 16 bytes whose number used depends on a family that may stand elsewhere. */
static bool address_of(uint64_t family, const uint8_t *bytes, struct addr *out)
{
	if (family != AF_INET && family != AF_INET6)
		return false;
	*out = addr_from_bytes((uint8_t)family, bytes);
	return true;
}

static bool decode_stats(struct reader in, struct ipvs_counters *out)
{
	struct attribute attr;

	while (next_attribute(&in, &attr)) {
		switch (attr.type) {
		case IPVS_STATS_ATTR_CONNS:
			out->connections = attr_number(&attr);
			break;
		case IPVS_STATS_ATTR_INPKTS:
			out->packets_in = attr_number(&attr);
			break;
		case IPVS_STATS_ATTR_OUTPKTS:
			out->packets_out = attr_number(&attr);
			break;
		case IPVS_STATS_ATTR_INBYTES:
			out->bytes_in = attr_number(&attr);
			break;
		case IPVS_STATS_ATTR_OUTBYTES:
			out->bytes_out = attr_number(&attr);
			break;
		}
		if (attr.value.failed)
			return false;
	}
	return !in.failed;
}

/* struct ip_vs_flags: the flags, then a mask that means nothing in a reply. */
static uint32_t attr_flags(struct attribute *attr)
{
	uint32_t flags = get_host32(&attr->value);

	get_host32(&attr->value);
	return flags & ~(uint32_t)IP_VS_SVC_F_HASHED;
}

static uint32_t attr_netmask(struct attribute *attr, uint64_t family)
{
	return family == AF_INET6 ? get_host32(&attr->value) : get_u32(&attr->value);
}

static bool decode_service(struct reader in, struct ipvs_service *out)
{
	struct ipvs_service service = {0};
	uint8_t bytes[16] = {0};
	uint64_t family = 0;
	bool stats64 = false;
	struct attribute attr;

	while (next_attribute(&in, &attr)) {
		struct reader nested = attr.value;

		switch (attr.type) {
		case IPVS_SVC_ATTR_AF:
			family = attr_number(&attr);
			break;
		case IPVS_SVC_ATTR_PROTOCOL:
			service.key.protocol = (uint8_t)attr_number(&attr);
			break;
		case IPVS_SVC_ATTR_ADDR:
			attr_address(&attr, bytes);
			break;
		case IPVS_SVC_ATTR_PORT:
			service.key.port = get_u16(&attr.value);
			break;
		case IPVS_SVC_ATTR_FWMARK:
			service.key.fwmark = (uint32_t)attr_number(&attr);
			break;
		case IPVS_SVC_ATTR_SCHED_NAME:
			attr_name(&attr, service.attr.scheduler);
			break;
		case IPVS_SVC_ATTR_PE_NAME:
			attr_name(&attr, service.attr.engine);
			break;
		case IPVS_SVC_ATTR_FLAGS:
			service.attr.flags = attr_flags(&attr);
			break;
		case IPVS_SVC_ATTR_TIMEOUT:
			service.attr.timeout = (uint32_t)attr_number(&attr);
			break;
		case IPVS_SVC_ATTR_NETMASK: /* the kernel puts the family first */
			service.attr.netmask = attr_netmask(&attr, family);
			break;
		case IPVS_SVC_ATTR_STATS64:
			stats64 = true;
			attr.value.failed = !decode_stats(nested, &service.counters);
			break;
		case IPVS_SVC_ATTR_STATS:
			attr.value.failed = !stats64 && !decode_stats(nested, &service.counters);
			break;
		}
		if (attr.value.failed)
			return false;
	}
	if (service.key.fwmark) { /* a mark stands alone */
		memset(bytes, 0, sizeof(bytes));
		service.key = (struct ipvs_service_key){.fwmark = service.key.fwmark};
	}
	if (in.failed || !address_of(family, bytes, &service.key.address))
		return false;
	*out = service;
	return true;
}

static void decode_dest_number(struct attribute *attr, struct ipvs_dest *out)
{
	switch (attr->type) {
	case IPVS_DEST_ATTR_FWD_METHOD:
		out->attr.forwarding = (uint32_t)attr_number(attr) & IP_VS_CONN_F_FWD_MASK;
		break;
	case IPVS_DEST_ATTR_WEIGHT:
		out->attr.weight = (uint32_t)attr_number(attr);
		break;
	case IPVS_DEST_ATTR_U_THRESH:
		out->attr.upper_threshold = (uint32_t)attr_number(attr);
		break;
	case IPVS_DEST_ATTR_L_THRESH:
		out->attr.lower_threshold = (uint32_t)attr_number(attr);
		break;
	case IPVS_DEST_ATTR_ACTIVE_CONNS:
		out->counters.active = (uint32_t)attr_number(attr);
		break;
	case IPVS_DEST_ATTR_INACT_CONNS:
		out->counters.inactive = (uint32_t)attr_number(attr);
		break;
	case IPVS_DEST_ATTR_PERSIST_CONNS:
		out->counters.persistent = (uint32_t)attr_number(attr);
		break;
	}
}

static bool decode_dest(struct reader in, uint8_t service_family, struct ipvs_dest *out)
{
	struct ipvs_dest dest = {0};
	uint8_t bytes[16] = {0};
	uint64_t family = service_family; /* kernels before 3.18 do not name it */
	bool stats64 = false;
	struct attribute attr;

	while (next_attribute(&in, &attr)) {
		struct reader nested = attr.value;

		switch (attr.type) {
		case IPVS_DEST_ATTR_ADDR_FAMILY:
			family = attr_number(&attr);
			break;
		case IPVS_DEST_ATTR_ADDR:
			attr_address(&attr, bytes);
			break;
		case IPVS_DEST_ATTR_PORT:
			dest.key.port = get_u16(&attr.value);
			break;
		case IPVS_DEST_ATTR_TUN_TYPE:
			dest.attr.tunnel = get_u8(&attr.value);
			break;
		case IPVS_DEST_ATTR_TUN_PORT:
			dest.attr.tunnel_port = get_u16(&attr.value);
			break;
		case IPVS_DEST_ATTR_TUN_FLAGS:
			dest.attr.tunnel_flags = (uint16_t)attr_number(&attr);
			break;
		case IPVS_DEST_ATTR_STATS64:
			stats64 = true;
			attr.value.failed = !decode_stats(nested, &dest.counters);
			break;
		case IPVS_DEST_ATTR_STATS:
			attr.value.failed = !stats64 && !decode_stats(nested, &dest.counters);
			break;
		default:
			decode_dest_number(&attr, &dest);
		}
		if (attr.value.failed)
			return false;
	}
	if (in.failed || !address_of(family, bytes, &dest.key.address))
		return false;
	*out = dest;
	return true;
}

bool ipvs_decode_message(struct reader in, uint8_t service_family, struct ipvs_message *out)
{
	struct attribute attr;

	out->has_service = out->has_dest = false;
	out->command = get_u8(&in);
	get_bytes(&in, GENL_HDRLEN - 1);
	while (next_attribute(&in, &attr)) {
		if (attr.type == IPVS_CMD_ATTR_SERVICE) {
			out->has_service = true;
			if (!decode_service(attr.value, &out->service))
				return false;
			service_family = out->service.key.address.family;
		} else if (attr.type == IPVS_CMD_ATTR_DEST) {
			out->has_dest = true;
			if (!decode_dest(attr.value, service_family, &out->dest))
				return false;
		}
	}
	return !in.failed;
}

bool ipvs_decode_timeouts(struct reader in, struct ipvs_timeouts *out)
{
	struct ipvs_timeouts timeouts = {0};
	struct attribute attr;

	get_bytes(&in, GENL_HDRLEN);
	while (next_attribute(&in, &attr)) {
		unsigned i = (unsigned)attr.type - IPVS_CMD_ATTR_TIMEOUT_TCP;

		if (i < IPVS_TIMEOUTS)
			timeouts.seconds[i] = (uint32_t)attr_number(&attr);
		if (attr.value.failed)
			return false;
	}
	if (in.failed)
		return false;
	*out = timeouts;
	return true;
}

/* ---- connection synchronisation ------------------------------------------------------------- */

static void decode_daemon_attr(struct attribute *attr, struct ipvs_sync_daemon *out)
{
	const uint8_t *bytes;

	switch (attr->type) {
	case IPVS_DAEMON_ATTR_MCAST_IFN:
		attr_name(attr, out->interface);
		break;
	case IPVS_DAEMON_ATTR_SYNC_ID:
		out->id = (uint32_t)attr_number(attr);
		break;
	case IPVS_DAEMON_ATTR_SYNC_MAXLEN:
		out->maxlen = (uint16_t)attr_number(attr);
		break;
	case IPVS_DAEMON_ATTR_MCAST_GROUP:
		bytes = get_bytes(&attr->value, 4);
		if (bytes)
			out->group = addr_from_bytes(AF_INET, bytes);
		break;
	case IPVS_DAEMON_ATTR_MCAST_GROUP6:
		bytes = get_bytes(&attr->value, 16);
		if (bytes)
			out->group = addr_from_bytes(AF_INET6, bytes);
		break;
	case IPVS_DAEMON_ATTR_MCAST_PORT:
		out->port = (uint16_t)attr_number(attr);
		break;
	case IPVS_DAEMON_ATTR_MCAST_TTL:
		out->ttl = get_u8(&attr->value);
		break;
	}
}

static bool decode_daemon(struct reader in, struct ipvs_daemons *out)
{
	struct ipvs_sync_daemon daemon = {.on = true};
	uint64_t state = IP_VS_STATE_NONE;
	struct attribute attr;

	while (next_attribute(&in, &attr)) {
		if (attr.type == IPVS_DAEMON_ATTR_STATE)
			state = attr_number(&attr);
		else
			decode_daemon_attr(&attr, &daemon);
		if (attr.value.failed)
			return false;
	}
	if (in.failed || (state != IP_VS_STATE_MASTER && state != IP_VS_STATE_BACKUP))
		return false;
	out->of[state == IP_VS_STATE_MASTER ? IPVS_SYNC_MASTER : IPVS_SYNC_BACKUP] = daemon;
	return true;
}

bool ipvs_decode_daemon(struct reader in, struct ipvs_daemons *out)
{
	struct ipvs_daemons daemons = *out;
	struct attribute attr;
	bool found = false;

	get_bytes(&in, GENL_HDRLEN);
	while (next_attribute(&in, &attr)) {
		if (attr.type != IPVS_CMD_ATTR_DAEMON)
			continue;
		if (!decode_daemon(attr.value, &daemons))
			return false;
		found = true;
	}
	if (in.failed || !found)
		return false;
	*out = daemons;
	return true;
}

/* ---- the family ----------------------------------------------------------------------------- */

bool ipvs_decode_family(struct reader in, uint16_t *out)
{
	struct attribute attr;
	uint16_t family = 0;

	get_bytes(&in, GENL_HDRLEN);
	while (next_attribute(&in, &attr))
		if (attr.type == CTRL_ATTR_FAMILY_ID)
			family = get_host16(&attr.value);
	if (in.failed || !family)
		return false;
	*out = family;
	return true;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* After the error number stands the request's header (and its whole, unless NETLINK_CAP_ACK cut
 * it), then the attributes of an extended acknowledgement. */
static bool decode_error(struct reader in, uint16_t flags, struct netlink_message *out)
{
	struct attribute attr;
	uint32_t request;

	out->error = (int)get_host32(&in);
	request = get_host32(&in);
	get_bytes(&in, NLMSG_HDRLEN - 4);
	if (in.failed)
		return false;
	if (!(flags & NLM_F_CAPPED) && out->error && request > NLMSG_HDRLEN)
		get_bytes(&in, ((request + 3) & ~3u) - NLMSG_HDRLEN);
	if (!(flags & NLM_F_ACK_TLVS))
		return !in.failed;
	while (next_attribute(&in, &attr)) {
		struct text text = text_of(out->text, sizeof(out->text));
		size_t size = reader_left(&attr.value);

		if (attr.type == NLMSGERR_ATTR_MSG && size > 1)
			text_add_clean(&text, (const char *)attr.value.at, size - 1);
	}
	return !in.failed;
}

static bool decode_kind(struct netlink_message *out, uint16_t flags)
{
	struct reader value = out->value;
	bool fine = true;

	switch (out->type) {
	case NLMSG_ERROR:
		out->kind = NETLINK_ERROR;
		fine = decode_error(value, flags, out);
		break;
	case NLMSG_DONE:
		out->kind = NETLINK_DONE;
		out->error = reader_left(&value) >= 4 ? (int)get_host32(&value) : 0;
		break;
	default:
		out->kind = out->type < NLMSG_MIN_TYPE ? NETLINK_OTHER : NETLINK_DATA;
	}
	return fine && out->error <= 0;
}

bool netlink_next(struct reader *in, struct netlink_message *out, bool *malformed)
{
	uint32_t size;
	uint16_t flags;

	*malformed = false;
	if (!in->failed && !reader_left(in))
		return false;
	size = get_host32(in);
	out->type = get_host16(in);
	flags = get_host16(in);
	out->seq = get_host32(in);
	get_host32(in); /* port */
	out->error = 0;
	out->text[0] = '\0';
	if (size < NLMSG_HDRLEN)
		in->failed = true;
	out->value = get_part(in, size - (in->failed ? size : NLMSG_HDRLEN));
	skip_padding(in, size);
	*malformed = in->failed || !decode_kind(out, flags);
	return !*malformed;
}
