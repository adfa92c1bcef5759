#include "random_ipvs.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <check.h>
#include <linux/ip_vs.h>

#include "base/arena.h"
#include "random.h"

#define SERVERS 7

struct ipvs_service_key ipvs_random_key(unsigned i)
{
	struct ipvs_service_key key = {.protocol = i % 2 ? IPPROTO_TCP : IPPROTO_UDP,
				       .port = (uint16_t)(80 + i / 4)};

	if (i % 5 == 4)
		return (struct ipvs_service_key){.fwmark = i, .address.family = AF_INET};
	key.address = addr_from_ipv4(0xc0a80800 + i / 2);
	if (i % 3 == 2)
		addr_parse(i < 5 ? "2001:db8::1" : "2001:db8::2", &key.address);
	return key;
}

static struct ipvs_service_attr service_attr(void)
{
	static const char *const schedulers[] = {"rr", "wlc", "sh", "mh"};
	struct ipvs_service_attr attr = {.netmask = random_below(3) ? UINT32_MAX : 0xffffff00,
					 .timeout = 60 + 60 * random_below(2)};

	attr.flags |= random_below(2) ? IP_VS_SVC_F_PERSISTENT : 0;
	attr.flags |= random_below(3) ? 0 : IP_VS_SVC_F_SCHED1;
	attr.flags |= random_below(3) ? 0 : IP_VS_SVC_F_SCHED2;
	attr.flags |= random_below(3) ? 0 : IP_VS_SVC_F_ONEPACKET;
	if (!random_below(3))
		strcpy(attr.engine, "sip");
	strcpy(attr.scheduler, schedulers[random_below(4)]);
	return attr;
}

static struct ipvs_dest_attr dest_attr(void)
{
	struct ipvs_dest_attr attr = {.weight = random_below(3),
				      .upper_threshold = 10 * random_below(3),
				      .lower_threshold = 5 * random_below(2),
				      .forwarding = random_below(IPVS_FORWARD_DR + 1)};

	if (attr.forwarding != IPVS_FORWARD_TUNNEL)
		return attr;
	attr.tunnel = (uint8_t)random_below(IPVS_TUNNEL_GRE + 1);
	attr.tunnel_port = attr.tunnel == IPVS_TUNNEL_GUE ? (uint16_t)(6080 + random_below(2)) : 0;
	attr.tunnel_flags = attr.tunnel == IPVS_TUNNEL_IPIP ? 0 : (uint16_t)random_below(3);
	return attr;
}

void ipvs_random_service(struct arena *arena, struct ipvs_service *out, unsigned key)
{
	unsigned first = random_below(SERVERS), step = 1 + random_below(SERVERS - 1);

	*out = (struct ipvs_service){.key = ipvs_random_key(key), .attr = service_attr()};
	out->dests = arena_array(arena, SERVERS, sizeof(*out->dests));
	for (unsigned i = 0; i < SERVERS; i++) {
		if (random_below(2))
			continue;
		out->dests[out->dest_count++] = (struct ipvs_dest){
			.key = {.address = addr_from_ipv4(0x0a000001 + i),
				.port = (uint16_t)(80 + i % 2)},
			.attr = dest_attr(),
			.place = (first + i * step) % SERVERS}; /* SERVERS is prime */
	}
}

struct ipvs_table ipvs_random_table(struct arena *arena)
{
	struct ipvs_table table = {
		.services = arena_array(arena, IPVS_RANDOM_KEYS, sizeof(*table.services))};

	for (unsigned i = 0; i < IPVS_RANDOM_KEYS; i++)
		if (random_below(2))
			ipvs_random_service(arena, &table.services[table.count++], i);
	ipvs_table_sort(&table);
	return table;
}

struct ipvs_keys ipvs_random_owned(struct arena *arena, const struct ipvs_table *desired)
{
	struct ipvs_keys owned = {
		.keys = arena_array(arena, IPVS_RANDOM_KEYS, sizeof(*owned.keys))};
	struct ipvs_table all = {
		.services = arena_array(arena, IPVS_RANDOM_KEYS, sizeof(*all.services))};

	for (unsigned i = 0; i < IPVS_RANDOM_KEYS; i++) {
		struct ipvs_service_key key = ipvs_random_key(i);

		if (ipvs_table_find(desired, &key) || random_below(2))
			all.services[all.count++].key = key;
	}
	ipvs_table_sort(&all);
	for (size_t i = 0; i < all.count; i++)
		owned.keys[owned.count++] = all.services[i].key;
	return owned;
}

struct ipvs_table ipvs_expected(struct arena *arena, const struct ipvs_table *desired,
				const struct ipvs_table *actual, const struct ipvs_keys *owned)
{
	struct ipvs_table table = {
		.services = arena_array(arena, 2 * IPVS_RANDOM_KEYS, sizeof(*table.services))};

	for (size_t i = 0; i < desired->count; i++)
		table.services[table.count++] = desired->services[i];
	for (size_t i = 0; i < actual->count; i++)
		if (!ipvs_table_find(desired, &actual->services[i].key) &&
		    !ipvs_keys_have(owned, &actual->services[i].key))
			table.services[table.count++] = actual->services[i];
	ipvs_table_sort(&table);
	return table;
}

bool ipvs_in_order(const struct ipvs_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct ipvs_service *service = &table->services[i];

		if (strcmp(service->attr.scheduler, "sh") != 0 &&
		    strcmp(service->attr.scheduler, "mh") != 0)
			continue;
		for (size_t d = 1; d < service->dest_count && ipvs_usable(service) > 1; d++)
			if (service->dests[d - 1].place > service->dests[d].place)
				return false;
	}
	return true;
}

bool ipvs_same_order(const struct ipvs_table *a, const struct ipvs_table *b)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct ipvs_dest *x = a->services[i].dests, *y = b->services[i].dests;
		size_t count = a->services[i].dest_count;

		for (size_t d = 0; d < count; d++)
			for (size_t e = 0; e < d; e++)
				if ((x[d].place < x[e].place) != (y[d].place < y[e].place))
					return false;
	}
	return true;
}

unsigned ipvs_usable(const struct ipvs_service *service)
{
	unsigned count = 0;

	for (size_t i = 0; i < service->dest_count; i++)
		count += service->dests[i].attr.weight > 0;
	return count;
}

void ipvs_check_never_empty(const struct ipvs_table *before, const struct ipvs_table *after,
			    const struct ipvs_table *now, bool usable)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct ipvs_service *was = &before->services[i];
		const struct ipvs_service *becomes = ipvs_table_find(after, &was->key);
		const struct ipvs_service *is = ipvs_table_find(now, &was->key);

		if (!becomes)
			continue;
		ck_assert_ptr_nonnull(is);
		ck_assert(is->dest_count || !was->dest_count || !becomes->dest_count);
		ck_assert(!usable || ipvs_usable(is) || !ipvs_usable(was) || !ipvs_usable(becomes));
	}
}
