/* What instances must be to one another: names, virtual router ids on an interface, virtual
 * addresses, routes. Held for every director, since overrides can break it on one only. */
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "config/build.h"

/* The n-th address or route of an instance. */
struct claimed {
	uint32_t instance, number;
};

/* The instances of one director and what they have taken so far. The tables of addresses and routes
 * give numbers of `claimed`. */
struct claims {
	struct build *build;
	struct build_instance *instances;
	struct table names, ids, addresses, routes;
	struct claimed *claimed;
	size_t claimed_count;
};

static const char *told(struct claims *claims, const struct node *first, const struct node *again)
{
	return node_place(first, again, claims->build->arena);
}

static void claim_name(struct claims *claims, uint32_t number)
{
	struct build_instance *instance = &claims->instances[number];
	const char *name = instance->model.name;
	uint64_t hash;
	uint32_t other;

	if (!name)
		return;
	hash = text_hash(TEXT_HASH, name, strlen(name));
	for (size_t step = 0; table_next(&claims->names, hash, &step, &other);)
		if (!strcmp(claims->instances[other].model.name, name)) {
			const struct origin *at = instance_place(instance, "name");

			origin_report(&claims->build->reader, SEVERITY_ERROR, at, at,
				      "\"%s\" is the name of another instance "
				      "(%s)",
				      name,
				      told(claims,
					   instance_place(&claims->instances[other], "name")->value,
					   at->value));
			return;
		}
	table_add(&claims->names, hash, number);
}

/* One virtual router id per interface and family: two of them would answer for each other. */
static void claim_id(struct claims *claims, uint32_t number)
{
	struct build_instance *instance = &claims->instances[number];
	const struct instance *model = &instance->model;
	uint64_t hash;
	uint32_t other;

	if (!model->interface || !model->virtual_router_id)
		return;
	hash = text_hash(TEXT_HASH, model->interface, strlen(model->interface));
	hash = text_hash(hash, &model->virtual_router_id, 1);
	hash = text_hash(hash, &instance->family, 1);
	for (size_t step = 0; table_next(&claims->ids, hash, &step, &other);) {
		struct build_instance *first = &claims->instances[other];
		const struct origin *at = instance_place(instance, "virtual_router_id");

		if (strcmp(first->model.interface, model->interface) ||
		    first->model.virtual_router_id != model->virtual_router_id ||
		    first->family != instance->family)
			continue;
		origin_report(&claims->build->reader, SEVERITY_ERROR, at, at,
			      "%u is the virtual_router_id of \"%s\" on the same interface (%s)",
			      model->virtual_router_id, first->model.name ? first->model.name : "?",
			      told(claims, instance_place(first, "virtual_router_id")->value, at->value));
		return;
	}
	table_add(&claims->ids, hash, number);
}

/* Notes an element as taken. */
static void claim(struct claims *claims, struct table *table, uint64_t hash, struct claimed what)
{
	struct claimed *added = arena_push(claims->build->arena, &claims->claimed,
					   &claims->claimed_count, sizeof(*added));

	if (!added)
		return;
	*added = what;
	table_add(table, hash, (uint32_t)claims->claimed_count - 1);
}

static void taken(struct claims *claims, const char *list, struct claimed again,
		  struct claimed first, const char *what)
{
	struct build_instance *owner = &claims->instances[first.instance];
	struct origin place = instance_item(claims->build, &claims->instances[again.instance], list,
					    again.number);
	struct origin first_place = instance_item(claims->build, owner, list, first.number);
	bool is_own = first.instance == again.instance;
	const char *name = owner->model.name ? owner->model.name : "?";

	origin_report(&claims->build->reader, SEVERITY_ERROR, &place, &place,
		      "%s of %s%s%s already (%s)", what, is_own ? "this instance" : "\"",
		      is_own ? "" : name, is_own ? "" : "\"",
		      told(claims, first_place.value, place.value));
}

static const struct vip *vip_of(const struct claims *claims, struct claimed claimed)
{
	return &claims->instances[claimed.instance].model.virtual_addresses[claimed.number];
}

/* Where an address or a route of an instance is: its own interface, or that of the instance. */
static const char *interface_of(const struct claims *claims, struct claimed claimed,
				const char *own)
{
	const char *interface = claims->instances[claimed.instance].model.interface;

	return own ? own : interface ? interface : "";
}

/* An address is one virtual address of the site, but a link-local one is one on its link. */
static bool is_same_vip(const struct claims *claims, struct claimed a, struct claimed b)
{
	const struct vip *first = vip_of(claims, a), *second = vip_of(claims, b);

	return addr_equal(&first->address.address, &second->address.address) &&
	       (!addr_is_link_local(&first->address.address) ||
		first->address.address.family != AF_INET6 ||
		!strcmp(interface_of(claims, a, first->interface),
			interface_of(claims, b, second->interface)));
}

static void claim_address(struct claims *claims, struct claimed what)
{
	const struct addr *address = &vip_of(claims, what)->address.address;
	uint64_t hash = text_hash(TEXT_HASH, address, sizeof(*address));
	char text[ADDR_TEXT + 16];
	uint32_t other;

	if (!address->family)
		return;
	for (size_t step = 0; table_next(&claims->addresses, hash, &step, &other);) {
		struct claimed first = claims->claimed[other];
		struct text complaint = text_of(text, sizeof(text));
		char buffer[ADDR_TEXT];

		if (!is_same_vip(claims, first, what))
			continue;
		text_add(&complaint, "%s is an address", addr_format(address, buffer));
		taken(claims, "virtual_addresses", what, first, text);
		return;
	}
	claim(claims, &claims->addresses, hash, what);
}

static const struct vrrp_route *route_of(const struct claims *claims, struct claimed claimed)
{
	return &claims->instances[claimed.instance].model.routes[claimed.number];
}

#define IPV6_METRIC 1024 /* what the kernel makes of 0 (IP6_RT_PRIO_USER) */

static uint32_t metric_of(const struct vrrp_route *route)
{
	return route->to.address.family == AF_INET6 && !route->metric ? IPV6_METRIC : route->metric;
}

/* What tells routes apart for the kernel. */
static bool is_same_route(const struct vrrp_route *a, const struct vrrp_route *b)
{
	return !prefix_compare(&a->to, &b->to) && metric_of(a) == metric_of(b) &&
	       a->table == b->table;
}

static void claim_route(struct claims *claims, struct claimed what)
{
	const struct vrrp_route *route = route_of(claims, what);
	uint64_t hash = text_hash(TEXT_HASH, &route->to.address, sizeof(route->to.address));
	char text[PREFIX_TEXT + 64];
	uint32_t other;

	if (!route->to.address.family)
		return;
	for (size_t step = 0; table_next(&claims->routes, hash, &step, &other);) {
		struct claimed first = claims->claimed[other];
		struct text complaint = text_of(text, sizeof(text));
		char buffer[PREFIX_TEXT];

		if (!is_same_route(route_of(claims, first), route))
			continue;
		text_add(&complaint, "%s (metric %u, table %u) is a route",
			 prefix_format(&route->to, buffer), route->metric, route->table);
		taken(claims, "routes", what, first, text);
		return;
	}
	claim(claims, &claims->routes, hash, what);
}

static void claim_items(struct claims *claims, uint32_t number)
{
	const struct instance *model = &claims->instances[number].model;

	for (uint32_t i = 0; i < model->virtual_address_count; i++)
		claim_address(claims, (struct claimed){number, i});
	for (uint32_t i = 0; i < model->route_count; i++)
		claim_route(claims, (struct claimed){number, i});
}

static void validate_director(struct build *build, struct build_instance *instances)
{
	struct claims claims = {.build = build, .instances = instances};

	if (table_init(&claims.names, build->arena, build->instance_count) ||
	    table_init(&claims.ids, build->arena, build->instance_count) ||
	    table_init(&claims.addresses, build->arena, build->instance_count * 4) ||
	    table_init(&claims.routes, build->arena, 0))
		return;
	for (uint32_t i = 0; i < build->instance_count; i++) {
		if (!instances[i].origins)
			return; /* out of memory */
		validate_instance(build, &instances[i]);
		claim_name(&claims, i);
		claim_id(&claims, i);
		claim_items(&claims, i);
	}
}

void validate_instances(struct build *build)
{
	size_t directors = build->director_count ? build->director_count : 1;

	if (!build->instances || arena_failed(build->arena))
		return;
	for (size_t d = 0; d < directors; d++)
		validate_director(build, build->instances + d * build->instance_count);
}
