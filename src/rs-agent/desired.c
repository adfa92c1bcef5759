/* From wishes to objects of the kernel; see the header. */
#include "rs-agent/desired.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "rs-agent/arp_filter.h"

struct builder {
	struct arena *arena;
	const struct rs_actual *actual;
	struct rs_desired desired;
};

static void PRINTF_LIKE(2, 3) put_obstacle(struct builder *builder, const char *format, ...)
{
	struct rs_desired *desired = &builder->desired;
	const char **room = arena_push(builder->arena, &desired->obstacles,
				       &desired->obstacle_count, sizeof(*room));
	va_list list;

	if (!room)
		return;
	va_start(list, format);
	*room = arena_vprintf(builder->arena, format, list);
	va_end(list);
}

/* ---- tunnels ---- */

static unsigned number_of(const struct rs_desired *desired, enum rs_link_kind kind)
{
	unsigned number = 1;

	for (size_t i = 0; i < desired->link_count; i++)
		number += desired->links[i].kind == kind;
	return number;
}

/* The index of a link that is there and as it shall be: else it is made anew. */
static uint32_t index_of(const struct rs_actual *actual, const struct rs_link *link)
{
	const struct link *there = rs_actual_link(actual, link->name);

	return there && there->alias == link_alias_print(link->alias) ? there->index : 0;
}

static bool same_but_checksum(const struct rs_link *a, const struct rs_link *b)
{
	return a->kind == b->kind && addr_equal(&a->local, &b->local);
}

/* NULL: there is one that it cannot be beside, or no memory. */
static const struct rs_link *put_link(struct builder *builder, struct rs_link link)
{
	struct rs_desired *desired = &builder->desired;
	struct rs_link *room;
	char local[ADDR_TEXT];

	for (size_t i = 0; i < desired->link_count; i++) {
		if (rs_link_same(&desired->links[i], &link))
			return &desired->links[i];
		if (!same_but_checksum(&desired->links[i], &link))
			continue;
		put_obstacle(builder,
			     "gre packets come to %s both with a checksum and without one, and the "
			     "kernel takes only either: give the services one checksum",
			     addr_format(&link.local, local));
		return NULL;
	}
	rs_link_set_name(&link, number_of(desired, link.kind));
	link.index = index_of(builder->actual, &link);
	room = arena_push(builder->arena, &desired->links, &desired->link_count, sizeof(link));
	if (room)
		*room = link;
	return room;
}

static void put_port(struct builder *builder, uint8_t family, uint16_t port)
{
	struct rs_desired *desired = &builder->desired;
	struct rs_port *room;

	for (size_t i = 0; i < desired->port_count; i++)
		if (desired->ports[i].family == family && desired->ports[i].port == port)
			return;
	room = arena_push(builder->arena, &desired->ports, &desired->port_count, sizeof(*room));
	if (room)
		*room = (struct rs_port){family, port};
}

/* ---- addresses ---- */

static struct address vip_address(const struct addr *vip, uint32_t link)
{
	struct prefix prefix = {.address = *vip, .length = (uint8_t)addr_bits(vip->family)};
	struct address address = address_ours(link, &prefix);

	if (vip->family == AF_INET)
		address.scope = ADDRESS_SCOPE_HOST;
	return address;
}

static void put_vip(struct builder *builder, const struct rs_wish *wish, const char *link,
		    uint32_t index)
{
	struct rs_desired *desired = &builder->desired;
	struct rs_vip vip = {.address = vip_address(&wish->vip, index), .service = wish->service};
	struct rs_vip *room;

	snprintf(vip.link, sizeof(vip.link), "%s", link);
	for (size_t i = 0; i < desired->vip_count; i++)
		if (!strcmp(desired->vips[i].link, link) &&
		    address_same(&desired->vips[i].address, &vip.address))
			return;
	room = arena_push(builder->arena, &desired->vips, &desired->vip_count, sizeof(vip));
	if (room)
		*room = vip;
}

static void put_tunnel(struct builder *builder, const struct rs_wish *wish)
{
	const struct rs_link *link = put_link(
		builder, rs_link_for(&wish->tunnel, &wish->local, wish->vip.family));

	if (!link)
		return;
	if (wish->tunnel.type == TUNNEL_GUE)
		put_port(builder, wish->local.family, wish->tunnel.port);
	put_vip(builder, wish, link->name, link->index);
}

/* ---- routes ---- */

/* The address of ours in whose network the gateway is, the smallest such; NULL: it is no
 * neighbour. */
static const struct address *neighbour_of(const struct rs_actual *actual,
					  const struct addr *gateway)
{
	const struct address *best = NULL;

	for (size_t i = 0; i < actual->addresses.count; i++) {
		const struct address *one = &actual->addresses.items[i];

		if (one->link != actual->lo && prefix_contains(&one->prefix, gateway) &&
		    (!best || one->prefix.length > best->prefix.length))
			best = one;
	}
	return best;
}

static const char *link_name(const struct rs_actual *actual, uint32_t index)
{
	for (size_t i = 0; i < actual->link_count; i++)
		if (actual->links[i].index == index)
			return actual->links[i].name;
	return "";
}

/* Before any other: see plan_route.c. */
static struct route default_route(uint32_t link, const struct addr *gateway)
{
	struct prefix all = {.address.family = gateway->family};

	return route_ours(link, &all, gateway, gateway->family == AF_INET6 ? 1 : 0,
			  ROUTE_TABLE_MAIN);
}

static const struct rs_route *route_of_family(const struct rs_desired *desired, uint8_t family)
{
	for (size_t i = 0; i < desired->route_count; i++)
		if (desired->routes[i].route.via.family == family)
			return &desired->routes[i];
	return NULL;
}

/* Whether it can be one; says so if not. */
static bool is_gateway(struct builder *builder, const struct addr *gateway)
{
	const struct rs_route *other = route_of_family(&builder->desired, gateway->family);
	char text[ADDR_TEXT], text_other[ADDR_TEXT];

	addr_format(gateway, text);
	if (other)
		put_obstacle(builder, "there can be one gateway only, not both %s and %s",
			     addr_format(&other->route.via, text_other), text);
	else if (address_list_has(&builder->actual->addresses, gateway))
		put_obstacle(builder, "the gateway %s is this host itself", text);
	else if (!neighbour_of(builder->actual, gateway))
		put_obstacle(builder,
			     "the gateway %s is on no network of this host, so packets cannot be "
			     "handed to it",
			     text);
	else
		return true;
	return false;
}

static void put_route(struct builder *builder, const struct addr *gateway)
{
	struct rs_desired *desired = &builder->desired;
	const struct rs_route *other = route_of_family(desired, gateway->family);
	struct rs_route *room;
	uint32_t link;

	if ((other && addr_equal(&other->route.via, gateway)) || !is_gateway(builder, gateway))
		return;
	room = arena_push(builder->arena, &desired->routes, &desired->route_count, sizeof(*room));
	if (!room)
		return;
	link = neighbour_of(builder->actual, gateway)->link;
	*room = (struct rs_route){default_route(link, gateway), link_name(builder->actual, link)};
}

static void put_wish(struct builder *builder, const struct rs_wish *wish)
{
	switch (wish->forwarding) {
	case FORWARDING_DR:
		put_vip(builder, wish, "lo", builder->actual->lo);
		return;
	case FORWARDING_TUNNEL:
		put_tunnel(builder, wish);
		return;
	case FORWARDING_NAT:
		put_route(builder, &wish->gateway);
		return;
	case FORWARDING_FULLNAT:
	case FORWARDING_LOCAL:
		return; /* nothing is needed */
	}
}

/* ---- sysctls ---- */

bool rs_desired_has_ipv4(const struct rs_desired *desired)
{
	for (size_t i = 0; i < desired->vip_count; i++)
		if (desired->vips[i].address.prefix.address.family == AF_INET)
			return true;
	return false;
}

static void put_sysctl(struct builder *builder, const char *path, int64_t least)
{
	struct sysctl_want *room =
		arena_push(builder->arena, &builder->desired.sysctls,
			   &builder->desired.sysctl_count, sizeof(*room));

	if (!room)
		return;
	snprintf(room->path, sizeof(room->path), "%s", path);
	room->rule = SYSCTL_AT_LEAST;
	room->value = least;
}

/* The kernel takes the larger of `all` and the interface's own, so `all` holds for every one. */
static void put_silence(struct builder *builder)
{
	put_sysctl(builder, "net/ipv4/conf/all/arp_ignore", 1);
	put_sysctl(builder, "net/ipv4/conf/lo/arp_ignore", 1);
	put_sysctl(builder, "net/ipv4/conf/all/arp_announce", 2);
	put_sysctl(builder, "net/ipv4/conf/lo/arp_announce", 2);
}

/* ---- the table ---- */

const char *rs_desired_arp_table(struct arena *arena, const struct rs_desired *desired,
				 const struct rs_actual *actual, const struct addr *more,
				 size_t count)
{
	struct addr *vips = arena_array(arena, desired->vip_count + count + 1, sizeof(*vips));

	if (!vips)
		return NULL;
	for (size_t i = 0; i < desired->vip_count; i++)
		vips[i] = desired->vips[i].address.prefix.address;
	for (size_t i = 0; i < count; i++)
		vips[desired->vip_count + i] = more[i];
	return arp_filter_text(arena, vips, desired->vip_count + count, &actual->addresses,
			       actual->links, actual->link_count);
}

static void put_arp_table(struct builder *builder)
{
	const char *text = rs_desired_arp_table(builder->arena, &builder->desired,
						builder->actual, NULL, 0);

	if (text)
		builder->desired.arp_table = text;
}

int rs_desired_build(struct arena *arena, const struct rs_wishes *wishes,
		     const struct rs_actual *actual, struct rs_desired *out)
{
	struct builder builder = {.arena = arena, .actual = actual,
				  .desired = {.wishes = *wishes, .arp_table = ""}};

	for (size_t i = 0; i < wishes->count; i++)
		put_wish(&builder, &wishes->items[i]);
	if (wishes->arp_filter)
		put_arp_table(&builder);
	else if (rs_desired_has_ipv4(&builder.desired))
		put_silence(&builder);
	if (arena_failed(arena))
		return -ENOMEM;
	*out = builder.desired;
	return 0;
}

bool rs_desired_is_begun(const struct rs_desired *desired, const struct rs_actual *actual)
{
	for (size_t i = 0; i < desired->vip_count; i++)
		if (address_find(&actual->addresses, &desired->vips[i].address))
			return true;
	for (size_t i = 0; i < desired->link_count; i++)
		if (rs_actual_link(actual, desired->links[i].name))
			return true;
	for (size_t i = 0; i < desired->route_count; i++)
		if (rs_actual_leads(actual, &desired->routes[i].route))
			return true;
	return false;
}
