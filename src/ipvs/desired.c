/* Model and verdicts to the wanted table; see the header. */
#include "ipvs/desired.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/ip_vs.h>

#include "base/arena.h"
#include "base/text.h"
#include "base/transport.h"
#include "ipvs/plan.h"

/* Those of mh are named in the kernel's inner header only (net/ip_vs.h). */
static const struct {
	uint32_t model, kernel;
} scheduler_flags[] = {
	{SCHEDULER_SH_FALLBACK, IP_VS_SVC_F_SCHED_SH_FALLBACK},
	{SCHEDULER_SH_PORT, IP_VS_SVC_F_SCHED_SH_PORT},
	{SCHEDULER_MH_FALLBACK, IP_VS_SVC_F_SCHED1},
	{SCHEDULER_MH_PORT, IP_VS_SVC_F_SCHED2},
};

/* The kernel has a mask for IPv4 and a length for IPv6. */
static uint32_t netmask_of(unsigned prefix, uint8_t family)
{
	if (!prefix || prefix > addr_bits(family))
		prefix = addr_bits(family);
	return family == AF_INET6 ? prefix : UINT32_MAX << (32 - prefix);
}

static struct ipvs_service_attr attr_of(const struct service *service, uint8_t family)
{
	const struct persistence *persistence = &service->persistence;
	struct ipvs_service_attr attr = {.netmask = netmask_of(persistence->prefix, family)};

	strncpy(attr.scheduler, service->scheduler, sizeof(attr.scheduler) - 1);
	for (size_t i = 0; i < COUNT_OF(scheduler_flags); i++)
		if (service->scheduler_flags & scheduler_flags[i].model)
			attr.flags |= scheduler_flags[i].kernel;
	if (persistence->timeout) {
		attr.flags |= IP_VS_SVC_F_PERSISTENT;
		attr.timeout = (uint32_t)(persistence->timeout / NSTIME_S);
	}
	if (service->one_packet)
		attr.flags |= IP_VS_SVC_F_ONEPACKET;
	if (persistence->engine)
		strncpy(attr.engine, persistence->engine, sizeof(attr.engine) - 1);
	return attr;
}

struct ipvs_dest_key ipvs_dest_key_of(const struct ipvs_virtual *about,
				      const struct real_server *server)
{
	return (struct ipvs_dest_key){.address = server->address.address,
				      .port = server->address.port ? server->address.port
								   : about->empty.key.port};
}

/* ---- the layout ------------------------------------------------------------------------------ */

struct placed {
	struct ipvs_dest_key key;
	uint32_t server;
};

static int by_place(const void *a, const void *b)
{
	const struct placed *one = a, *two = b;
	int order = ipvs_dest_key_compare(&one->key, &two->key);

	return order ? order : (one->server > two->server) - (one->server < two->server);
}

/* Most files name servers in the order of their addresses: then there is nothing to sort. */
static int sort_servers(struct arena *arena, uint32_t *order, struct ipvs_dest_key *keys,
			size_t count)
{
	struct placed *placed;
	size_t sorted = 1;

	while (sorted < count && ipvs_dest_key_compare(&keys[sorted - 1], &keys[sorted]) <= 0)
		sorted++;
	if (sorted >= count)
		return 0;
	placed = arena_array(arena, count, sizeof(*placed));
	if (!placed)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		placed[i] = (struct placed){keys[i], order[i]};
	qsort(placed, count, sizeof(*placed), by_place);
	for (size_t i = 0; i < count; i++) {
		keys[i] = placed[i].key;
		order[i] = placed[i].server;
	}
	return 0;
}

/* Of two servers in one place the second can only be the sorry server. */
static int judge_order(const struct service *service, struct ipvs_virtual *about, struct text *why)
{
	const uint32_t *order = about->order;

	for (size_t i = 1; i < service_server_count(service); i++) {
		if (ipvs_dest_key_compare(&about->keys[i - 1], &about->keys[i]))
			continue;
		about->sorry_is_real |= order[i] == service->real_server_count;
		if (order[i] < service->real_server_count) {
			text_add(why, "service %s: the real servers %s and %s are alike",
				 service->name, service->real_servers[order[i - 1]].name,
				 service->real_servers[order[i]].name);
			return -EEXIST;
		}
	}
	return 0;
}

static int order_servers(struct arena *arena, const struct service *service,
			 struct ipvs_virtual *about, struct text *why)
{
	size_t count = service_server_count(service);
	struct ipvs_dest_key *keys = arena_array(arena, count, sizeof(*keys));
	uint32_t *order = arena_array(arena, count, sizeof(*order));

	if (!keys || !order)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		keys[i] = ipvs_dest_key_of(about, service_server(service, i));
		order[i] = (uint32_t)i;
	}
	if (sort_servers(arena, order, keys, count))
		return -ENOMEM;
	about->order = order;
	about->keys = keys;
	return judge_order(service, about, why);
}

static int add_virtual(struct arena *arena, struct ipvs_layout *layout, uint32_t index,
		       const struct ipvs_service_key *key, struct text *why)
{
	const struct service *service = &layout->model->services[index];
	struct ipvs_virtual *about =
		arena_push(arena, &layout->virtuals, &layout->count, sizeof(*about));

	if (!about)
		return -ENOMEM;
	about->service = index;
	about->empty.key = *key;
	about->empty.attr = attr_of(service, key->address.family);
	if (order_servers(arena, service, about, why))
		return why->length ? -EEXIST : -ENOMEM;
	return 0;
}

static int add_service(struct arena *arena, struct ipvs_layout *layout, uint32_t index,
		       struct text *why)
{
	const struct service *service = &layout->model->services[index];

	if (strlen(service->scheduler) >= IPVS_NAME) {
		text_add(why, "service %s: no scheduler has a name as long as %s", service->name,
			 service->scheduler);
		return -EINVAL;
	}
	if (service->mark) {
		struct ipvs_service_key key = {.fwmark = service->mark,
					       .address.family = service_family(service)};

		return add_virtual(arena, layout, index, &key, why);
	}
	for (size_t i = 0; i < service->listen_count; i++)
		for (size_t p = 0; p < TRANSPORTS; p++) {
			struct ipvs_service_key key = {.address = service->listen[i].address,
						       .port = service->listen[i].port,
						       .protocol = transports[p].number};
			int error = service->protocols & 1u << p
					    ? add_virtual(arena, layout, index, &key, why)
					    : 0;

			if (error)
				return error;
		}
	return 0;
}

static int by_virtual(const void *a, const void *b)
{
	return ipvs_service_key_compare(&((const struct ipvs_virtual *)a)->empty.key,
					&((const struct ipvs_virtual *)b)->empty.key);
}

static int refuse_doubles(const struct ipvs_layout *layout, struct text *why)
{
	const struct ipvs_virtual *v = layout->virtuals;

	for (size_t i = 1; i < layout->count; i++) {
		if (by_virtual(&v[i - 1], &v[i]))
			continue;
		text_add(why, "services %s and %s: both listen on ",
			 layout->model->services[v[i - 1].service].name,
			 layout->model->services[v[i].service].name);
		ipvs_service_key_format(&v[i].empty.key, why);
		return -EEXIST;
	}
	return 0;
}

/* Lists the virtual services of each service: counted, summed up, then filled in. */
static int index_services(struct arena *arena, struct ipvs_layout *layout)
{
	size_t services = layout->model->service_count;
	uint32_t *next = arena_array(arena, services + 1, sizeof(*next));

	layout->first = arena_array(arena, services + 1, sizeof(*layout->first));
	layout->of_service = arena_array(arena, layout->count, sizeof(*layout->of_service));
	if (!next || !layout->first || !layout->of_service)
		return -ENOMEM;
	for (size_t v = 0; v < layout->count; v++)
		layout->first[layout->virtuals[v].service + 1]++;
	for (size_t s = 0; s < services; s++)
		layout->first[s + 1] += layout->first[s];
	memcpy(next, layout->first, (services + 1) * sizeof(*next));
	for (size_t v = 0; v < layout->count; v++)
		layout->of_service[next[layout->virtuals[v].service]++] = (uint32_t)v;
	return 0;
}

int ipvs_layout_build(struct arena *arena, const struct model *model, struct ipvs_layout *out,
		      struct text *why)
{
	struct ipvs_layout layout = {.model = model};
	int error = 0;

	for (size_t i = 0; i < model->service_count && !error; i++)
		error = add_service(arena, &layout, (uint32_t)i, why);
	if (!error && layout.count)
		qsort(layout.virtuals, layout.count, sizeof(*layout.virtuals), by_virtual);
	if (!error)
		error = refuse_doubles(&layout, why);
	if (!error)
		error = index_services(arena, &layout);
	if (!error)
		*out = layout;
	return error;
}

/* ---- the table ------------------------------------------------------------------------------- */

static void set_tunnel(struct ipvs_dest_attr *attr, const struct tunnel *tunnel)
{
	attr->forwarding = IPVS_FORWARD_TUNNEL;
	attr->tunnel_port = tunnel->port;
	switch (tunnel->type) {
	case TUNNEL_IPIP:
		attr->tunnel = IPVS_TUNNEL_IPIP;
		break;
	case TUNNEL_GUE:
		attr->tunnel = IPVS_TUNNEL_GUE;
		break;
	case TUNNEL_GRE:
		attr->tunnel = IPVS_TUNNEL_GRE;
		break;
	}
	switch (tunnel->checksum) {
	case TUNNEL_CHECKSUM_NONE:
		attr->tunnel_flags = IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM;
		break;
	case TUNNEL_CHECKSUM_CSUM:
		attr->tunnel_flags = IP_VS_TUNNEL_ENCAP_FLAG_CSUM;
		break;
	case TUNNEL_CHECKSUM_REMCSUM:
		attr->tunnel_flags = IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM;
		break;
	}
}

/* The kernel refuses a lower threshold above the upper one; with 0 it takes three quarters of that. */
static void limit(struct ipvs_dest_attr *attr, uint32_t upper)
{
	attr->upper_threshold = upper;
	if (attr->lower_threshold > upper)
		attr->lower_threshold = 0;
}

struct ipvs_dest_attr ipvs_dest_attr_of(const struct real_server *server, struct ipvs_want want)
{
	struct ipvs_dest_attr attr = {.weight = want.weight,
				      .upper_threshold = server->upper_threshold,
				      .lower_threshold = server->lower_threshold};

	if (want.is_limited)
		limit(&attr, want.limit);

	switch (server->forwarding) {
	case FORWARDING_DR:
		attr.forwarding = IPVS_FORWARD_DR;
		break;
	case FORWARDING_TUNNEL:
		set_tunnel(&attr, &server->tunnel);
		break;
	case FORWARDING_LOCAL:
		attr.forwarding = IPVS_FORWARD_LOCAL;
		break;
	case FORWARDING_NAT:
	case FORWARDING_FULLNAT:
		attr.forwarding = IPVS_FORWARD_NAT;
		break;
	}
	return attr;
}

/* The destination that a server shall be; false: none. As two servers in one place the sorry server
 * stands behind the other. */
static bool desired_dest(const struct ipvs_dest_key *key, const struct real_server *server,
			 struct ipvs_want want, const struct ipvs_service *current,
			 struct ipvs_dest *out)
{
	const struct ipvs_dest *found;

	*out = (struct ipvs_dest){.key = *key};
	switch (want.presence) {
	case IPVS_ABSENT:
		return false;
	case IPVS_PRESENT:
		out->attr = ipvs_dest_attr_of(server, want);
		return true;
	case IPVS_AS_FOUND:
		break;
	}
	found = current ? ipvs_dest_find(current, &out->key) : NULL;
	if (!found)
		return false;
	out->attr = found->attr;
	if (out->attr.weight > want.weight)
		out->attr.weight = want.weight;
	return true;
}

void ipvs_desired_service(const struct ipvs_layout *layout, size_t v, const struct ipvs_want *wants,
			  const struct ipvs_service *current, struct ipvs_dest *dests,
			  struct ipvs_service *out)
{
	const struct ipvs_virtual *about = &layout->virtuals[v];
	const struct service *service = &layout->model->services[about->service];
	struct ipvs_service desired = about->empty;

	desired.dests = dests;
	for (size_t k = 0; k < service_server_count(service); k++) {
		uint32_t i = about->order[k];

		struct ipvs_dest *dest = &dests[desired.dest_count];
		bool is_sorry = about->sorry_is_real && i == service->real_server_count;

		/* while it is not used the other one's word counts */
		if (is_sorry && wants[i].presence != IPVS_PRESENT)
			continue;
		if (!desired_dest(&about->keys[k], service_server(service, i), wants[i], current,
				  dest))
			continue;
		if (desired.dest_count && !ipvs_dest_key_compare(&dest[-1].key, &dest->key))
			dest[-1] = *dest;
		else
			desired.dest_count++;
	}
	*out = desired;
}
