/* Messages of nfnetlink's nf_tables (include/uapi/linux/netfilter/nf_tables.h): heads and lengths in
 * the host's order, all numbers inside attributes in the network's. A transaction is a list of
 * messages between a begin and an end; the kernel takes all or none. */
#include "net/guard.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#define IPPROTO_ICMP_V6 58
#define NEIGHBOUR_SOLICITATION 135
#define NEIGHBOUR_ADVERTISEMENT 136
#define SET_IPV4 1
#define SET_IPV6 2
#define ELEMENTS 1000 /* in one message: an attribute has a length of 16 bits */
#define FIXED_SIZE 4096
#define ELEMENT_SIZE 32

struct batch {
	struct writer *out;
	const char *table;
	uint32_t sequence;
	struct nlmsghdr head;
	uint8_t *message;
};

size_t guard_size(size_t count)
{
	return FIXED_SIZE + count * ELEMENT_SIZE +
	       (count / ELEMENTS + 2) * (GUARD_NAME + 64); /* heads of messages of elements */
}

/* ---- messages and attributes ---- */

static void message_begin(struct batch *batch, uint16_t type, uint16_t flags)
{
	bool frames = type == NFNL_MSG_BATCH_BEGIN || type == NFNL_MSG_BATCH_END;
	struct nfgenmsg family = {.nfgen_family = frames ? AF_UNSPEC : NFPROTO_INET,
				  .version = NFNETLINK_V0};

	batch->head = (struct nlmsghdr){
		.nlmsg_type = frames ? type : NFNL_SUBSYS_NFTABLES << 8 | type,
		.nlmsg_flags = NLM_F_REQUEST | flags,
		.nlmsg_seq = batch->sequence++,
	};
	if (frames) /* res_id says which subsystem, in the network's order */
		memcpy(&family.res_id, (uint8_t[]){0, NFNL_SUBSYS_NFTABLES}, 2);
	batch->message = put_space(batch->out, sizeof(batch->head));
	put_bytes(batch->out, &family, sizeof(family));
}

static void message_end(struct batch *batch)
{
	if (batch->out->failed)
		return;
	batch->head.nlmsg_len = (uint32_t)(batch->out->at - batch->message);
	memcpy(batch->message, &batch->head, sizeof(batch->head));
}

static void attribute(struct batch *batch, uint16_t type, const void *bytes, size_t size)
{
	static const uint8_t zeros[NLA_ALIGNTO];
	struct nlattr head = {.nla_type = type, .nla_len = (uint16_t)(NLA_HDRLEN + size)};

	put_bytes(batch->out, &head, sizeof(head));
	put_bytes(batch->out, bytes, size);
	put_bytes(batch->out, zeros, NLA_ALIGN(size) - size);
}

static void attribute_text(struct batch *batch, uint16_t type, const char *text)
{
	attribute(batch, type, text, strlen(text) + 1);
}

static void attribute_number(struct batch *batch, uint16_t type, uint32_t number)
{
	uint8_t bytes[4];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_u32(&out, number);
	attribute(batch, type, bytes, sizeof(bytes));
}

static uint8_t *nest_begin(struct batch *batch)
{
	return put_space(batch->out, NLA_HDRLEN);
}

static void nest_end(struct batch *batch, uint16_t type, uint8_t *start)
{
	struct nlattr head = {.nla_type = type | NLA_F_NESTED};

	if (batch->out->failed)
		return;
	head.nla_len = (uint16_t)(batch->out->at - start);
	memcpy(start, &head, sizeof(head));
}

/* ---- expressions of rules ---- */

struct expression {
	uint8_t *element, *data;
};

static struct expression expression_begin(struct batch *batch, const char *name)
{
	struct expression expression = {.element = nest_begin(batch)};

	attribute_text(batch, NFTA_EXPR_NAME, name);
	expression.data = nest_begin(batch);
	return expression;
}

static void expression_end(struct batch *batch, struct expression expression)
{
	nest_end(batch, NFTA_EXPR_DATA, expression.data);
	nest_end(batch, NFTA_LIST_ELEM, expression.element);
}

static void load_meta(struct batch *batch, uint32_t key)
{
	struct expression expression = expression_begin(batch, "meta");

	attribute_number(batch, NFTA_META_KEY, key);
	attribute_number(batch, NFTA_META_DREG, NFT_REG_1);
	expression_end(batch, expression);
}

static void load_payload(struct batch *batch, uint32_t base, uint32_t offset, uint32_t size)
{
	struct expression expression = expression_begin(batch, "payload");

	attribute_number(batch, NFTA_PAYLOAD_DREG, NFT_REG_1);
	attribute_number(batch, NFTA_PAYLOAD_BASE, base);
	attribute_number(batch, NFTA_PAYLOAD_OFFSET, offset);
	attribute_number(batch, NFTA_PAYLOAD_LEN, size);
	expression_end(batch, expression);
}

static void compare(struct batch *batch, uint32_t how, uint8_t byte)
{
	struct expression expression = expression_begin(batch, "cmp");
	uint8_t *value;

	attribute_number(batch, NFTA_CMP_SREG, NFT_REG_1);
	attribute_number(batch, NFTA_CMP_OP, how);
	value = nest_begin(batch);
	attribute(batch, NFTA_DATA_VALUE, &byte, 1);
	nest_end(batch, NFTA_CMP_DATA, value);
	expression_end(batch, expression);
}

static void look_up(struct batch *batch, const char *set, uint32_t id)
{
	struct expression expression = expression_begin(batch, "lookup");

	attribute_text(batch, NFTA_LOOKUP_SET, set);
	attribute_number(batch, NFTA_LOOKUP_SREG, NFT_REG_1);
	attribute_number(batch, NFTA_LOOKUP_SET_ID, id);
	expression_end(batch, expression);
}

/* How many there were: for people who look at the table. */
static void count_packets(struct batch *batch)
{
	expression_end(batch, expression_begin(batch, "counter"));
}

static void decide(struct batch *batch, uint32_t verdict)
{
	struct expression expression = expression_begin(batch, "immediate");
	uint8_t *data, *inner;

	attribute_number(batch, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = nest_begin(batch);
	inner = nest_begin(batch);
	attribute_number(batch, NFTA_VERDICT_CODE, verdict);
	nest_end(batch, NFTA_DATA_VERDICT, inner);
	nest_end(batch, NFTA_IMMEDIATE_DATA, data);
	expression_end(batch, expression);
}

/* ---- table, sets, chain, rules ---- */

static void put_table(struct batch *batch, bool replaces)
{
	if (replaces) {
		message_begin(batch, NFT_MSG_DELTABLE, 0);
		attribute_text(batch, NFTA_TABLE_NAME, batch->table);
		message_end(batch);
	}
	message_begin(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
	attribute_text(batch, NFTA_TABLE_NAME, batch->table);
	attribute_number(batch, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
	message_end(batch);
}

static void put_chain(struct batch *batch)
{
	uint8_t *hook;

	message_begin(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL);
	attribute_text(batch, NFTA_CHAIN_TABLE, batch->table);
	attribute_text(batch, NFTA_CHAIN_NAME, "input");
	hook = nest_begin(batch);
	attribute_number(batch, NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_IN);
	attribute_number(batch, NFTA_HOOK_PRIORITY, GUARD_PRIORITY);
	nest_end(batch, NFTA_CHAIN_HOOK, hook);
	attribute_number(batch, NFTA_CHAIN_POLICY, NF_ACCEPT);
	attribute_text(batch, NFTA_CHAIN_TYPE, "filter");
	message_end(batch);
}

/* `type` is what nft(8) calls the keys: 7 ipv4_addr, 8 ipv6_addr. */
static void put_set(struct batch *batch, const char *name, uint32_t id, uint32_t type,
		    uint32_t size)
{
	message_begin(batch, NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL);
	attribute_text(batch, NFTA_SET_TABLE, batch->table);
	attribute_text(batch, NFTA_SET_NAME, name);
	attribute_number(batch, NFTA_SET_ID, id);
	attribute_number(batch, NFTA_SET_FLAGS, 0);
	attribute_number(batch, NFTA_SET_KEY_TYPE, type);
	attribute_number(batch, NFTA_SET_KEY_LEN, size);
	message_end(batch);
}

/* Up to ELEMENTS of the family's addresses from *at on. */
static void put_some_elements(struct batch *batch, const char *set, uint32_t id, uint8_t family,
			      const struct addr *addresses, size_t count, size_t *at)
{
	uint8_t *list, *element, *key;
	unsigned done = 0;

	message_begin(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	attribute_text(batch, NFTA_SET_ELEM_LIST_TABLE, batch->table);
	attribute_text(batch, NFTA_SET_ELEM_LIST_SET, set);
	attribute_number(batch, NFTA_SET_ELEM_LIST_SET_ID, id);
	list = nest_begin(batch);
	for (; *at < count && done < ELEMENTS; (*at)++) {
		if (addresses[*at].family != family)
			continue;
		element = nest_begin(batch);
		key = nest_begin(batch);
		attribute(batch, NFTA_DATA_VALUE, addresses[*at].bytes, addr_size(family));
		nest_end(batch, NFTA_SET_ELEM_KEY, key);
		nest_end(batch, NFTA_LIST_ELEM, element);
		done++;
	}
	nest_end(batch, NFTA_SET_ELEM_LIST_ELEMENTS, list);
	message_end(batch);
}

static bool has_more(uint8_t family, const struct addr *addresses, size_t count, size_t at)
{
	for (; at < count; at++)
		if (addresses[at].family == family)
			return true;
	return false;
}

static void put_elements(struct batch *batch, const char *set, uint32_t id, uint8_t family,
			 const struct addr *addresses, size_t count)
{
	size_t at = 0;

	while (has_more(family, addresses, count, at))
		put_some_elements(batch, set, id, family, addresses, count, &at);
}

static uint8_t *rule_begin(struct batch *batch, uint8_t family, uint16_t flags)
{
	uint8_t *expressions;

	message_begin(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | flags);
	attribute_text(batch, NFTA_RULE_TABLE, batch->table);
	attribute_text(batch, NFTA_RULE_CHAIN, "input");
	expressions = nest_begin(batch);
	load_meta(batch, NFT_META_NFPROTO);
	compare(batch, NFT_CMP_EQ, family);
	return expressions;
}

static void rule_end(struct batch *batch, uint8_t *expressions)
{
	nest_end(batch, NFTA_RULE_EXPRESSIONS, expressions);
	message_end(batch);
}

static void put_rules(struct batch *batch)
{
	uint8_t *rule = rule_begin(batch, NFPROTO_IPV4, 0);

	load_payload(batch, NFT_PAYLOAD_NETWORK_HEADER, 16, 4);
	look_up(batch, "ipv4", SET_IPV4);
	count_packets(batch);
	decide(batch, NF_DROP);
	rule_end(batch, rule);
	rule = rule_begin(batch, NFPROTO_IPV6, 0);
	load_meta(batch, NFT_META_L4PROTO);
	compare(batch, NFT_CMP_EQ, IPPROTO_ICMP_V6);
	load_payload(batch, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
	compare(batch, NFT_CMP_GTE, NEIGHBOUR_SOLICITATION);
	compare(batch, NFT_CMP_LTE, NEIGHBOUR_ADVERTISEMENT);
	decide(batch, NF_ACCEPT);
	rule_end(batch, rule);
	rule = rule_begin(batch, NFPROTO_IPV6, NLM_F_ACK);
	load_payload(batch, NFT_PAYLOAD_NETWORK_HEADER, 24, 16);
	look_up(batch, "ipv6", SET_IPV6);
	count_packets(batch);
	decide(batch, NF_DROP);
	rule_end(batch, rule);
}

void guard_put(struct writer *out, const char *table, bool replaces, const struct addr *addresses,
	       size_t count, uint32_t sequence, uint32_t *last)
{
	struct batch batch = {.out = out, .table = table, .sequence = sequence};

	message_begin(&batch, NFNL_MSG_BATCH_BEGIN, 0);
	message_end(&batch);
	put_table(&batch, replaces);
	put_set(&batch, "ipv4", SET_IPV4, 7, 4);
	put_set(&batch, "ipv6", SET_IPV6, 8, 16);
	put_elements(&batch, "ipv4", SET_IPV4, AF_INET, addresses, count);
	put_elements(&batch, "ipv6", SET_IPV6, AF_INET6, addresses, count);
	put_chain(&batch);
	put_rules(&batch);
	*last = batch.sequence - 1;
	message_begin(&batch, NFNL_MSG_BATCH_END, 0);
	message_end(&batch);
}
