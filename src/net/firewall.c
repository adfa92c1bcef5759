/* See the header. Three-valued logic: MAYBE is what depends on something that is not known. */
#include "net/firewall.h"

#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/text.h"

#define DEPTH 16 /* of jumps, as the kernel allows */
#define RULES (1 << 17) /* that are looked at for one packet in one chain of a hook */
#define CHAINS 256 /* of one hook that are put in order */
#define STATUS_NAT 0x30 /* IPS_SRC_NAT, IPS_DST_NAT */

enum answer {
	NO,
	MAYBE,
	YES,
};

struct firewall_packet firewall_packet_of(enum firewall_family family)
{
	return (struct firewall_packet){
		.family = family,
		.protocol = FIREWALL_NUMBER_UNKNOWN,
		.source_port = FIREWALL_NUMBER_UNKNOWN,
		.port = FIREWALL_NUMBER_UNKNOWN,
		.state = FIREWALL_NUMBER_UNKNOWN,
		.icmp_type = FIREWALL_NUMBER_UNKNOWN,
		.arp_operation = FIREWALL_NUMBER_UNKNOWN,
		.ttl = FIREWALL_NUMBER_UNKNOWN,
		.source_type = FIREWALL_NUMBER_UNKNOWN,
		.destination_type = FIREWALL_NUMBER_UNKNOWN,
	};
}

enum firewall_family firewall_family_of(uint8_t address_family)
{
	return address_family == AF_INET6 ? FIREWALL_IPV6 : FIREWALL_IPV4;
}

/* ---- matches ---- */

static enum answer is_number(const struct firewall_match *match, int64_t number)
{
	if (number < 0)
		return MAYBE;
	for (size_t i = 0; i < match->value_count; i++) {
		const struct firewall_value *value = &match->values[i];

		if (value->first <= (uint64_t)number && (uint64_t)number <= value->last)
			return YES;
	}
	return NO;
}

/* Of no packet here NAT has changed an address: one of which it may is not followed (CHANGE). */
static enum answer is_bits(const struct firewall_match *match, int64_t number)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < match->value_count; i++)
		bits |= match->values[i].first;
	bits &= ~(uint64_t)(match->field == FIREWALL_STATE ? FIREWALL_STATE_NAT : STATUS_NAT);
	if (!bits)
		return NO;
	if (number < 0)
		return MAYBE;
	return bits & (uint64_t)number ? YES : NO;
}

static enum answer is_address(const struct firewall_match *match, const struct addr *address)
{
	if (!address->family)
		return MAYBE;
	for (size_t i = 0; i < match->value_count; i++)
		if (match->values[i].low.family == address->family &&
		    addr_compare(&match->values[i].low, address) <= 0 &&
		    addr_compare(address, &match->values[i].high) <= 0)
			return YES;
	return NO;
}

static enum answer is_name(const struct firewall_match *match, const char *name)
{
	if (!name)
		return MAYBE;
	for (size_t i = 0; i < match->value_count; i++) {
		const char *wanted = match->values[i].name;
		size_t length = wanted ? strlen(wanted) : 0;

		if (!wanted)
			continue;
		if (length && wanted[length - 1] == '*' ? !strncmp(name, wanted, length - 1)
							: !strcmp(name, wanted))
			return YES;
	}
	return NO;
}

/* What an address is by itself, or else by what is known of the packet. */
static int type_of(const struct addr *address, int known)
{
	if (address->family && addr_is_multicast(address))
		return FIREWALL_MULTICAST;
	if (address->family == AF_INET && addr_ipv4(address) == UINT32_MAX)
		return FIREWALL_BROADCAST;
	return known;
}

/* Ports and types are those of a protocol that has them. */
static int64_t number_of(const struct firewall_packet *packet, enum firewall_field field)
{
	switch (field) {
	case FIREWALL_PROTOCOL:
		return packet->protocol;
	case FIREWALL_SOURCE_PORT:
		return packet->source_port;
	case FIREWALL_PORT:
		return packet->port;
	case FIREWALL_STATE:
		return packet->state;
	case FIREWALL_IP:
		return packet->family == FIREWALL_IPV4 ? 4 : packet->family == FIREWALL_IPV6 ? 6 : 0;
	case FIREWALL_ICMP_TYPE:
		return packet->icmp_type;
	case FIREWALL_ARP_OPERATION:
		return packet->arp_operation;
	case FIREWALL_TTL:
		return packet->ttl;
	case FIREWALL_SOURCE_TYPE:
		return type_of(&packet->source, packet->source_type);
	case FIREWALL_DESTINATION_TYPE:
		return type_of(&packet->destination, packet->destination_type);
	case FIREWALL_STATUS:
	case FIREWALL_SOURCE:
	case FIREWALL_DESTINATION:
	case FIREWALL_INTERFACE_IN:
	case FIREWALL_INTERFACE_OUT:
	case FIREWALL_UNKNOWN:
		break;
	}
	return FIREWALL_NUMBER_UNKNOWN;
}

static enum answer is_met(const struct firewall_match *match, const struct firewall_packet *packet)
{
	enum answer answer = MAYBE;

	switch (match->field) {
	case FIREWALL_UNKNOWN:
		return MAYBE;
	case FIREWALL_SOURCE:
		answer = is_address(match, &packet->source);
		break;
	case FIREWALL_DESTINATION:
		answer = is_address(match, &packet->destination);
		break;
	case FIREWALL_INTERFACE_IN:
		answer = is_name(match, packet->in);
		break;
	case FIREWALL_INTERFACE_OUT:
		answer = is_name(match, packet->out);
		break;
	case FIREWALL_STATE:
	case FIREWALL_STATUS:
		answer = is_bits(match, number_of(packet, match->field));
		break;
	case FIREWALL_PROTOCOL:
	case FIREWALL_SOURCE_PORT:
	case FIREWALL_PORT:
	case FIREWALL_IP:
	case FIREWALL_ICMP_TYPE:
	case FIREWALL_ARP_OPERATION:
	case FIREWALL_TTL:
	case FIREWALL_SOURCE_TYPE:
	case FIREWALL_DESTINATION_TYPE:
		answer = is_number(match, number_of(packet, match->field));
		break;
	}
	return match->negated ? (enum answer)(YES - answer) : answer;
}

static enum answer is_about(const struct firewall_rule *rule, const struct firewall_packet *packet)
{
	enum answer all = YES;

	for (size_t i = 0; i < rule->match_count && all != NO; i++) {
		enum answer one = is_met(&rule->matches[i], packet);

		all = one < all ? one : all;
	}
	return all;
}

/* ---- chains ---- */

struct walk {
	const struct firewall *firewall;
	const struct firewall_packet *packet;
	int rules;                       /* that were looked at */
	bool may_be_accepted, may_change; /* by a rule that was passed */
	const struct firewall_rule *dropped_by, *drops_some;
};

static enum firewall_verdict walk_chain(struct walk *walk, const struct firewall_chain *chain,
					int depth);

/* A rule that is about this port, address or (without ports) protocol, and all of which is understood. */
static bool names(const struct firewall_rule *rule, const struct firewall_packet *packet)
{
	bool named = false;

	for (size_t i = 0; i < rule->match_count; i++) {
		const struct firewall_match *match = &rule->matches[i];

		if (match->field == FIREWALL_UNKNOWN)
			return false;
		named |= !match->negated && is_met(match, packet) == YES &&
			 (match->field == FIREWALL_PORT || match->field == FIREWALL_DESTINATION ||
			  (match->field == FIREWALL_PROTOCOL && packet->port < 0));
	}
	return named;
}

/* What comes of a rule that may be about it, directly or behind a jump. */
static void keep_in_mind(struct walk *walk, enum firewall_verdict verdict, const struct firewall_rule *rule)
{
	/* a return that may happen leads to what the caller does: not certain either way */
	walk->may_be_accepted |= verdict == FIREWALL_ACCEPT || verdict == FIREWALL_RETURN;
	walk->may_change |= verdict == FIREWALL_CHANGE;
	if (verdict == FIREWALL_DROP && !walk->drops_some && names(rule, walk->packet))
		walk->drops_some = rule;
}

/* What follows a jump that may be taken is kept in mind. */
static enum firewall_verdict walk_jump(struct walk *walk, const struct firewall_chain *chain,
				       const struct firewall_rule *rule, enum answer answer, int depth)
{
	const struct firewall_chain *target =
		firewall_chain(walk->firewall, chain->family_name, chain->table, rule->target);
	enum firewall_verdict verdict =
		target && depth < DEPTH ? walk_chain(walk, target, depth + 1) : FIREWALL_CONTINUE;

	if (verdict == FIREWALL_CONTINUE && rule->verdict == FIREWALL_GOTO)
		verdict = FIREWALL_RETURN;
	if (answer == YES)
		return verdict;
	keep_in_mind(walk, verdict, walk->dropped_by);
	return FIREWALL_CONTINUE;
}

static enum firewall_verdict walk_rule(struct walk *walk, const struct firewall_chain *chain,
				       const struct firewall_rule *rule, int depth)
{
	enum answer answer = is_about(rule, walk->packet);

	if (answer == NO)
		return FIREWALL_CONTINUE;
	if (rule->verdict == FIREWALL_JUMP || rule->verdict == FIREWALL_GOTO)
		return walk_jump(walk, chain, rule, answer, depth);
	if (answer == YES) {
		walk->dropped_by = rule->verdict == FIREWALL_DROP ? rule : NULL;
		return rule->verdict;
	}
	keep_in_mind(walk, rule->verdict, rule);
	return FIREWALL_CONTINUE;
}

static enum firewall_verdict walk_chain(struct walk *walk, const struct firewall_chain *chain,
					int depth)
{
	for (size_t i = 0; i < chain->rule_count; i++) {
		enum firewall_verdict verdict;

		if (walk->rules++ >= RULES) {
			walk->may_be_accepted = true;
			return FIREWALL_CONTINUE;
		}
		verdict = walk_rule(walk, chain, &chain->rules[i], depth);
		if (verdict == FIREWALL_RETURN)
			return FIREWALL_CONTINUE;
		if (verdict != FIREWALL_CONTINUE)
			return verdict;
	}
	return FIREWALL_CONTINUE;
}

static bool is_passed(const struct firewall_chain *chain, enum firewall_hook hook, int64_t last,
		      const struct firewall_packet *packet)
{
	return chain->hook == hook && chain->family & packet->family && chain->priority <= last &&
	       (!chain->device || !packet->in || !strcmp(chain->device, packet->in));
}

/* The chains of a hook, by priority, those of one priority as they stand. */
static size_t in_order(const struct firewall *firewall, enum firewall_hook hook, int64_t last,
		       const struct firewall_packet *packet,
		       const struct firewall_chain *out[CHAINS])
{
	size_t count = 0;

	for (size_t i = 0; i < firewall->count && count < CHAINS; i++) {
		const struct firewall_chain *chain = &firewall->chains[i];
		size_t at = count;

		if (!is_passed(chain, hook, last, packet))
			continue;
		for (; at && out[at - 1]->priority > chain->priority; at--)
			out[at] = out[at - 1];
		out[at] = chain;
		count++;
	}
	return count;
}

struct firewall_fate firewall_pass(const struct firewall *firewall, enum firewall_hook hook,
				   int64_t last, const struct firewall_packet *packet)
{
	const struct firewall_chain *chains[CHAINS];
	size_t count = in_order(firewall, hook, last, packet, chains);
	struct firewall_fate fate = {.verdict = FIREWALL_ACCEPT, .is_certain = true};

	for (size_t i = 0; i < count; i++) {
		struct walk walk = {.firewall = firewall, .packet = packet,
				    .may_change = fate.verdict == FIREWALL_CHANGE};
		enum firewall_verdict verdict = walk_chain(&walk, chains[i], 0);

		if (verdict == FIREWALL_DROP || (verdict == FIREWALL_CONTINUE && chains[i]->drops))
			return (struct firewall_fate){
				FIREWALL_DROP, !walk.may_be_accepted && !walk.may_change, chains[i],
				verdict == FIREWALL_DROP ? walk.dropped_by : NULL};
		if (verdict == FIREWALL_CHANGE)
			return (struct firewall_fate){FIREWALL_CHANGE, !walk.may_be_accepted, NULL, NULL};
		if (walk.may_change)
			fate = (struct firewall_fate){FIREWALL_CHANGE, false, NULL, NULL};
		else if (walk.drops_some && fate.is_certain)
			fate = (struct firewall_fate){FIREWALL_ACCEPT, false, chains[i], walk.drops_some};
	}
	return fate;
}

/* The hooks one after the other, to where it does not get further as it is. */
static struct firewall_fate pass_all(const struct firewall *firewall, const enum firewall_hook *hooks,
				     size_t count, int64_t last, const struct firewall_packet *packet)
{
	struct firewall_fate fate = {.verdict = FIREWALL_ACCEPT, .is_certain = true};

	for (size_t i = 0; i < count && fate.verdict == FIREWALL_ACCEPT; i++) {
		struct firewall_fate next = firewall_pass(
			firewall, hooks[i], i + 1 < count ? FIREWALL_EVERY_CHAIN : last, packet);

		if (next.verdict != FIREWALL_ACCEPT || fate.is_certain)
			fate = next;
	}
	return fate;
}

static struct firewall_packet with_types(const struct firewall_packet *packet, enum firewall_address source,
					 enum firewall_address destination)
{
	struct firewall_packet typed = *packet;

	if (typed.source_type < 0)
		typed.source_type = (int)source;
	if (typed.destination_type < 0)
		typed.destination_type = (int)destination;
	return typed;
}

struct firewall_fate firewall_come_in(const struct firewall *firewall, int64_t last,
				      const struct firewall_packet *packet)
{
	struct firewall_packet typed = with_types(packet, FIREWALL_UNICAST, FIREWALL_LOCAL);
	static const enum firewall_hook hooks[] = {FIREWALL_INGRESS, FIREWALL_PREROUTING, FIREWALL_INPUT};

	return pass_all(firewall, hooks, COUNT_OF(hooks), last, &typed);
}

struct firewall_fate firewall_go_out(const struct firewall *firewall,
				     const struct firewall_packet *packet)
{
	struct firewall_packet typed = with_types(packet, FIREWALL_LOCAL, FIREWALL_UNICAST);
	static const enum firewall_hook hooks[] = {FIREWALL_OUTPUT, FIREWALL_POSTROUTING};

	return pass_all(firewall, hooks, COUNT_OF(hooks), FIREWALL_EVERY_CHAIN, &typed);
}

/* ---- building ---- */

/* With their zeros, which keep one from running into the next. */
static uint64_t hash_names(const char *family_name, const char *table, const char *name)
{
	uint64_t hash = text_hash(0, family_name, strlen(family_name) + 1);

	return text_hash(text_hash(hash, table, strlen(table) + 1), name, strlen(name) + 1);
}

struct firewall_chain *firewall_add_chain(struct arena *arena, struct firewall *firewall,
					  const struct firewall_chain *chain)
{
	uint64_t hash = hash_names(chain->family_name, chain->table, chain->name);
	struct firewall_chain *added;

	if (!firewall->names.arena && table_init(&firewall->names, arena, 0))
		return NULL;
	added = arena_push(arena, &firewall->chains, &firewall->count, sizeof(*firewall->chains));
	if (!added || table_add(&firewall->names, hash, (uint32_t)(firewall->count - 1)))
		return NULL;
	*added = *chain;
	return added;
}

struct firewall_rule *firewall_add_rule(struct arena *arena, struct firewall_chain *chain)
{
	return arena_push(arena, &chain->rules, &chain->rule_count, sizeof(*chain->rules));
}

struct firewall_match *firewall_add_match(struct arena *arena, struct firewall_rule *rule,
					  enum firewall_field field)
{
	struct firewall_match *match =
		arena_push(arena, &rule->matches, &rule->match_count, sizeof(*match));

	if (match)
		match->field = field;
	return match;
}

struct firewall_value *firewall_add_value(struct arena *arena, struct firewall_match *match)
{
	return arena_push(arena, &match->values, &match->value_count, sizeof(*match->values));
}

/* The first and the last address of a network. */
static void put_network(const struct prefix *prefix, struct firewall_value *out)
{
	size_t size = addr_size(prefix->address.family);

	out->low = out->high = prefix->address;
	for (size_t i = 0; i < size; i++) {
		int kept = (int)prefix->length - (int)(8 * i);
		uint8_t mask = kept >= 8 ? 0xff : kept <= 0 ? 0 : (uint8_t)(0xff << (8 - kept));

		out->low.bytes[i] &= mask;
		out->high.bytes[i] |= (uint8_t)~mask;
	}
}

/* "10.0.0.0/255.0.0.0", as legacy tools have it. */
static bool read_mask(const char *text, struct prefix *out)
{
	const char *slash = strchr(text, '/');
	char address[ADDR_TEXT];
	struct addr mask;
	uint32_t bits;

	if (!slash || (size_t)(slash - text) >= sizeof(address) || addr_parse(slash + 1, &mask) ||
	    mask.family != AF_INET)
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	bits = addr_ipv4(&mask);
	out->length = 0;
	while (out->length < 32 && bits & (1u << (31 - out->length)))
		out->length++;
	return !addr_parse(address, &out->address);
}

bool firewall_read_addresses(const char *text, struct firewall_value *out)
{
	const char *dash = strchr(text, '-');
	char first[ADDR_TEXT];
	struct prefix prefix;

	if (dash) {
		if ((size_t)(dash - text) >= sizeof(first))
			return false;
		memcpy(first, text, (size_t)(dash - text));
		first[dash - text] = '\0';
		return !addr_parse(first, &out->low) && !addr_parse(dash + 1, &out->high);
	}
	if (prefix_parse(text, &prefix) && !read_mask(text, &prefix))
		return false;
	put_network(&prefix, out);
	return true;
}

struct firewall_chain *firewall_chain(const struct firewall *firewall, const char *family_name,
				      const char *table, const char *name)
{
	uint64_t hash = hash_names(family_name, table, name);
	size_t step = 0;
	uint32_t at;

	while (table_next(&firewall->names, hash, &step, &at)) {
		struct firewall_chain *chain = &firewall->chains[at];

		if (!strcmp(chain->name, name) && !strcmp(chain->table, table) &&
		    !strcmp(chain->family_name, family_name))
			return chain;
	}
	return NULL;
}
