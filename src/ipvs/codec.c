/* Encoding: a message is begun, gets attributes, and is closed by writing its length into the head
 * that was left open; a nested attribute likewise. Every message and attribute starts at a multiple
 * of four bytes. The reading side is decode.c. */
#include "ipvs/codec.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>

#define GENL_VERSION_IPVS 1

static void pad(struct writer *out)
{
	static const uint8_t zero[3];

	put_bytes(out, zero, -writer_used(out) & 3);
}

static void put_host16(struct writer *out, uint16_t value)
{
	put_bytes(out, &value, sizeof(value));
}

static void put_host32(struct writer *out, uint32_t value)
{
	put_bytes(out, &value, sizeof(value));
}

/* ---- attributes ------------------------------------------------------------------------------ */

static void attr_bytes(struct writer *out, uint16_t type, const void *bytes, size_t size)
{
	put_host16(out, (uint16_t)(NLA_HDRLEN + size));
	put_host16(out, type);
	put_bytes(out, bytes, size);
	pad(out);
}

static void attr_u8(struct writer *out, uint16_t type, uint8_t value)
{
	attr_bytes(out, type, &value, sizeof(value));
}

static void attr_u16(struct writer *out, uint16_t type, uint16_t value)
{
	attr_bytes(out, type, &value, sizeof(value));
}

static void attr_u32(struct writer *out, uint16_t type, uint32_t value)
{
	attr_bytes(out, type, &value, sizeof(value));
}

static void attr_text(struct writer *out, uint16_t type, const char *text)
{
	attr_bytes(out, type, text, strlen(text) + 1);
}

static void attr_be16(struct writer *out, uint16_t type, uint16_t value)
{
	uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	attr_bytes(out, type, bytes, sizeof(bytes));
}

/* union nf_inet_addr: always 16 bytes. */
static void attr_address(struct writer *out, uint16_t type, const struct addr *address)
{
	attr_bytes(out, type, address->bytes, sizeof(address->bytes));
}

static uint8_t *nest_begin(struct writer *out, uint16_t type)
{
	uint8_t *head = put_space(out, 2);

	put_host16(out, NLA_F_NESTED | type);
	return head;
}

static void nest_end(struct writer *out, uint8_t *head)
{
	uint16_t size = head ? (uint16_t)(out->at - head) : 0;

	if (head)
		memcpy(head, &size, sizeof(size));
}

/* ---- messages -------------------------------------------------------------------------------- */

static uint8_t *message_begin(struct writer *out, uint16_t family, uint16_t flags, uint32_t seq,
			      uint8_t command, uint8_t version)
{
	uint8_t *head = put_space(out, 4);

	put_host16(out, family);
	put_host16(out, NLM_F_REQUEST | flags);
	put_host32(out, seq);
	put_host32(out, 0);
	put_u8(out, command);
	put_u8(out, version);
	put_host16(out, 0);
	return head;
}

static void message_end(struct writer *out, uint8_t *head)
{
	uint32_t size = head ? (uint32_t)(out->at - head) : 0;

	if (head)
		memcpy(head, &size, sizeof(size));
}

static void put_key(struct writer *out, const struct ipvs_service_key *key)
{
	attr_u16(out, IPVS_SVC_ATTR_AF, key->address.family);
	if (key->fwmark) {
		attr_u32(out, IPVS_SVC_ATTR_FWMARK, key->fwmark);
		return;
	}
	attr_u16(out, IPVS_SVC_ATTR_PROTOCOL, key->protocol);
	attr_address(out, IPVS_SVC_ATTR_ADDR, &key->address);
	attr_be16(out, IPVS_SVC_ATTR_PORT, key->port);
}

static void put_netmask(struct writer *out, uint8_t family, uint32_t netmask)
{
	uint8_t bytes[4] = {(uint8_t)(netmask >> 24), (uint8_t)(netmask >> 16),
			    (uint8_t)(netmask >> 8), (uint8_t)netmask};

	if (family == AF_INET6)
		attr_u32(out, IPVS_SVC_ATTR_NETMASK, netmask);
	else
		attr_bytes(out, IPVS_SVC_ATTR_NETMASK, bytes, sizeof(bytes));
}

/* The kernel takes over exactly the flags that the mask names: all of them but its own. */
static void put_service_attr(struct writer *out, uint8_t family,
			     const struct ipvs_service_attr *attr)
{
	struct ip_vs_flags flags = {.flags = attr->flags, .mask = ~(uint32_t)IP_VS_SVC_F_HASHED};

	attr_text(out, IPVS_SVC_ATTR_SCHED_NAME, attr->scheduler);
	if (attr->engine[0])
		attr_text(out, IPVS_SVC_ATTR_PE_NAME, attr->engine);
	attr_bytes(out, IPVS_SVC_ATTR_FLAGS, &flags, sizeof(flags));
	attr_u32(out, IPVS_SVC_ATTR_TIMEOUT, attr->timeout);
	put_netmask(out, family, attr->netmask);
}

/* What is not given is ipip; kernels before 5.2 know nothing else. */
static void put_tunnel(struct writer *out, const struct ipvs_dest_attr *attr)
{
	if (attr->forwarding != IPVS_FORWARD_TUNNEL || attr->tunnel == IPVS_TUNNEL_IPIP)
		return;
	attr_u8(out, IPVS_DEST_ATTR_TUN_TYPE, attr->tunnel);
	attr_be16(out, IPVS_DEST_ATTR_TUN_PORT, attr->tunnel_port);
	attr_u16(out, IPVS_DEST_ATTR_TUN_FLAGS, attr->tunnel_flags);
}

static void put_dest_attr(struct writer *out, const struct ipvs_dest_attr *attr)
{
	attr_u32(out, IPVS_DEST_ATTR_FWD_METHOD, attr->forwarding);
	attr_u32(out, IPVS_DEST_ATTR_WEIGHT, attr->weight);
	attr_u32(out, IPVS_DEST_ATTR_U_THRESH, attr->upper_threshold);
	attr_u32(out, IPVS_DEST_ATTR_L_THRESH, attr->lower_threshold);
	put_tunnel(out, attr);
}

static void put_dest(struct writer *out, const struct ipvs_op *op)
{
	uint8_t *nest = nest_begin(out, IPVS_CMD_ATTR_DEST);

	attr_u16(out, IPVS_DEST_ATTR_ADDR_FAMILY, op->dest.address.family);
	attr_address(out, IPVS_DEST_ATTR_ADDR, &op->dest.address);
	attr_be16(out, IPVS_DEST_ATTR_PORT, op->dest.port);
	if (op->kind != IPVS_DEL_DEST)
		put_dest_attr(out, &op->dest_attr);
	nest_end(out, nest);
}

void ipvs_encode_op(struct writer *out, uint16_t family, uint32_t seq, bool ack,
		    const struct ipvs_op *op)
{
	static const uint8_t commands[] = {
		[IPVS_ADD_SERVICE] = IPVS_CMD_NEW_SERVICE,
		[IPVS_SET_SERVICE] = IPVS_CMD_SET_SERVICE,
		[IPVS_DEL_SERVICE] = IPVS_CMD_DEL_SERVICE,
		[IPVS_ADD_DEST] = IPVS_CMD_NEW_DEST,
		[IPVS_SET_DEST] = IPVS_CMD_SET_DEST,
		[IPVS_DEL_DEST] = IPVS_CMD_DEL_DEST,
	};
	uint8_t *message = message_begin(out, family, ack ? NLM_F_ACK : 0, seq, commands[op->kind],
					 GENL_VERSION_IPVS);
	uint8_t *nest = nest_begin(out, IPVS_CMD_ATTR_SERVICE);

	put_key(out, &op->service);
	if (op->kind == IPVS_ADD_SERVICE || op->kind == IPVS_SET_SERVICE)
		put_service_attr(out, op->service.address.family, &op->service_attr);
	nest_end(out, nest);
	if (op->kind >= IPVS_ADD_DEST)
		put_dest(out, op);
	message_end(out, message);
}

void ipvs_encode_get_family(struct writer *out, uint32_t seq)
{
	uint8_t *message = message_begin(out, GENL_ID_CTRL, NLM_F_ACK, seq, CTRL_CMD_GETFAMILY, 1);

	attr_text(out, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME);
	message_end(out, message);
}

void ipvs_encode_dump_services(struct writer *out, uint16_t family, uint32_t seq)
{
	message_end(out, message_begin(out, family, NLM_F_DUMP, seq, IPVS_CMD_GET_SERVICE,
				       GENL_VERSION_IPVS));
}

void ipvs_encode_dump_dests(struct writer *out, uint16_t family, uint32_t seq,
			    const struct ipvs_service_key *key)
{
	uint8_t *message =
		message_begin(out, family, NLM_F_DUMP, seq, IPVS_CMD_GET_DEST, GENL_VERSION_IPVS);
	uint8_t *nest = nest_begin(out, IPVS_CMD_ATTR_SERVICE);

	put_key(out, key);
	nest_end(out, nest);
	message_end(out, message);
}

void ipvs_encode_get_timeouts(struct writer *out, uint16_t family, uint32_t seq)
{
	message_end(out, message_begin(out, family, NLM_F_ACK, seq, IPVS_CMD_GET_CONFIG,
				       GENL_VERSION_IPVS));
}

/* The attributes of the three follow one another. */
void ipvs_encode_set_timeouts(struct writer *out, uint16_t family, uint32_t seq,
			      const struct ipvs_timeouts *timeouts)
{
	uint8_t *message = message_begin(out, family, NLM_F_ACK, seq, IPVS_CMD_SET_CONFIG,
					 GENL_VERSION_IPVS);

	for (unsigned i = 0; i < IPVS_TIMEOUTS; i++)
		if (timeouts->seconds[i])
			attr_u32(out, (uint16_t)(IPVS_CMD_ATTR_TIMEOUT_TCP + i),
				 timeouts->seconds[i]);
	message_end(out, message);
}

/* ---- connection synchronisation ------------------------------------------------------------- */

void ipvs_encode_dump_daemons(struct writer *out, uint16_t family, uint32_t seq)
{
	message_end(out, message_begin(out, family, NLM_F_DUMP, seq, IPVS_CMD_GET_DAEMON,
				       GENL_VERSION_IPVS));
}

/* Unlike ports of services that of the group is in host order. */
static void put_sync_attr(struct writer *out, const struct ipvs_sync_daemon *daemon)
{
	attr_text(out, IPVS_DAEMON_ATTR_MCAST_IFN, daemon->interface);
	attr_u32(out, IPVS_DAEMON_ATTR_SYNC_ID, daemon->id);
	if (daemon->maxlen)
		attr_u16(out, IPVS_DAEMON_ATTR_SYNC_MAXLEN, daemon->maxlen);
	if (daemon->group.family == AF_INET)
		attr_bytes(out, IPVS_DAEMON_ATTR_MCAST_GROUP, daemon->group.bytes, 4);
	else if (daemon->group.family == AF_INET6)
		attr_bytes(out, IPVS_DAEMON_ATTR_MCAST_GROUP6, daemon->group.bytes, 16);
	if (daemon->port)
		attr_u16(out, IPVS_DAEMON_ATTR_MCAST_PORT, daemon->port);
	if (daemon->ttl)
		attr_bytes(out, IPVS_DAEMON_ATTR_MCAST_TTL, &daemon->ttl, sizeof(daemon->ttl));
}

void ipvs_encode_sync_op(struct writer *out, uint16_t family, uint32_t seq,
			 const struct ipvs_sync_op *op)
{
	uint8_t *message = message_begin(out, family, NLM_F_ACK, seq,
					 op->is_start ? IPVS_CMD_NEW_DAEMON : IPVS_CMD_DEL_DAEMON,
					 GENL_VERSION_IPVS);
	uint8_t *nest = nest_begin(out, IPVS_CMD_ATTR_DAEMON);

	attr_u32(out, IPVS_DAEMON_ATTR_STATE,
		 op->role == IPVS_SYNC_MASTER ? IP_VS_STATE_MASTER : IP_VS_STATE_BACKUP);
	if (op->is_start)
		put_sync_attr(out, &op->daemon);
	nest_end(out, nest);
	message_end(out, message);
}
