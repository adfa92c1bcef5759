/* See the header. */
#include "ipvs/ways.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/ip_vs.h>

#include "base/arena.h"
#include "config/model.h"
#include "ipvs/desired.h"

#define SCHEDULER "rr" /* of one destination, any is as good */

static struct ipvs_service_key key_of(const struct way *way)
{
	return (struct ipvs_service_key){.fwmark = way->mark, .address.family = way->family};
}

struct placed {
	struct ipvs_service_key key;
	uint32_t way;
};

static int by_key(const void *a, const void *b)
{
	return ipvs_service_key_compare(&((const struct placed *)a)->key,
					&((const struct placed *)b)->key);
}

static bool build_service(struct arena *arena, const struct way *way, struct ipvs_service *out)
{
	const struct real_server server = {
		.forwarding = way->forwarding, .tunnel = way->tunnel};
	const struct ipvs_want want = {.presence = IPVS_PRESENT, .weight = 1};
	struct ipvs_dest *dest = arena_alloc(arena, sizeof(*dest));

	if (!dest)
		return false;
	dest->key.address = way->server;
	dest->attr = ipvs_dest_attr_of(&server, want);
	*out = (struct ipvs_service){.key = key_of(way), .dests = dest, .dest_count = 1};
	strcpy(out->attr.scheduler, SCHEDULER);
	out->attr.flags = IP_VS_SVC_F_ONEPACKET;
	out->attr.netmask = way->family == AF_INET6 ? 128 : UINT32_MAX;
	return true;
}

int ipvs_ways_build(struct arena *arena, const struct model *model, struct ipvs_ways *out)
{
	size_t count = model->way_count;
	struct placed *placed = arena_array(arena, count, sizeof(*placed));
	struct ipvs_ways ways = {
		.table = {arena_array(arena, count, sizeof(*ways.table.services)), count},
		.at = arena_array(arena, count, sizeof(*ways.at)),
		.states = arena_array(arena, count, sizeof(*ways.states)),
	};

	if (arena_failed(arena))
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		placed[i] = (struct placed){key_of(&model->ways[i]), i};
	if (count)
		qsort(placed, count, sizeof(*placed), by_key);
	for (size_t i = 0; i < count; i++) {
		ways.at[i] = placed[i].way;
		if (!build_service(arena, &model->ways[placed[i].way], &ways.table.services[i]))
			return -ENOMEM;
	}
	*out = ways;
	return 0;
}

struct ipvs_way_state *ipvs_way_of(const struct ipvs_ways *ways, const struct ipvs_service_key *key)
{
	const struct ipvs_service *found = ipvs_table_find(&ways->table, key);

	return found ? &ways->states[ways->at[found - ways->table.services]] : NULL;
}

static bool is_whole(const struct ipvs_table *actual, const struct ipvs_service *wanted)
{
	const struct ipvs_service *found = ipvs_table_find(actual, &wanted->key);

	return found && ipvs_dest_find(found, &wanted->dests->key);
}

void ipvs_ways_seen(struct ipvs_ways *ways, const struct ipvs_table *actual,
		    const struct ipvs_plan *plan)
{
	bool any = false;

	for (size_t i = 0; i < ways->table.count; i++) {
		struct ipvs_way_state *state = &ways->states[ways->at[i]];

		state->absent = !is_whole(actual, &ways->table.services[i]);
		any |= state->absent;
	}
	for (size_t i = 0; any && i < plan->removals; i++) {
		struct ipvs_way_state *state = plan->ops[i].kind == IPVS_ADD_DEST
						       ? ipvs_way_of(ways, &plan->ops[i].service)
						       : NULL;

		if (state)
			state->absent = false;
	}
}

bool ipvs_ways_judge(struct ipvs_ways *ways, bool routed)
{
	bool news = false;

	for (size_t i = 0; i < ways->table.count; i++) {
		struct ipvs_way_state *state = &ways->states[i];

		state->placed = routed && !state->absent && !state->refused;
		news |= state->placed != state->told;
	}
	return news;
}

int ipvs_ways_policy(struct arena *arena, const struct model *model, uint8_t family,
		     struct policy_set *out)
{
	struct policy_set policy = {0};

	for (size_t i = 0; i < model->probe_count; i++) {
		const struct addr *vip = &model->probes[i].via.address;
		struct addr *added;

		if (!model->probes[i].way || vip->family != family)
			continue;
		if (policy.local_count && !addr_compare(&policy.locals[policy.local_count - 1], vip))
			continue;
		added = arena_push(arena, &policy.locals, &policy.local_count, sizeof(*added));
		if (!added)
			return -ENOMEM;
		*added = *vip;
	}
	if (policy.local_count) {
		policy.rules = arena_alloc(arena, sizeof(*policy.rules));
		if (!policy.rules)
			return -ENOMEM;
		policy.rule_count = 1;
		*policy.rules = (struct policy_rule){model->global.ipvs.mark_base,
						     ~model->global.ipvs.mark_mask};
	}
	policy_sort(&policy);
	*out = policy;
	return 0;
}
