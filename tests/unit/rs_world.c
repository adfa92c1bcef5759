/* See the header. What the kernel refuses, and what goes with what, is as in Linux. */
#include "rs_world.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "rs-agent/arp_filter.h"

const struct rs_wishes nothing;

struct addr addr_of(const char *text)
{
	struct addr address;

	ck_assert_int_eq(addr_parse(text, &address), 0);
	return address;
}

struct address on_link(uint32_t link, const char *text, uint8_t protocol)
{
	struct prefix prefix;
	struct address address;

	ck_assert_int_eq(prefix_parse(text, &prefix), 0);
	address = address_ours(link, &prefix);
	address.protocol = protocol;
	return address;
}

struct rs_wish dr(const char *vip)
{
	return (struct rs_wish){.forwarding = FORWARDING_DR, .vip = addr_of(vip)};
}

struct rs_wish tunnel_to(const char *vip, const char *local, enum tunnel_type type)
{
	return (struct rs_wish){.forwarding = FORWARDING_TUNNEL,
				.vip = addr_of(vip),
				.local = addr_of(local),
				.tunnel = {.type = type, .port = type == TUNNEL_GUE ? 6080 : 0}};
}

struct rs_wish nat(const char *vip, const char *gateway)
{
	return (struct rs_wish){.forwarding = FORWARDING_NAT,
				.vip = addr_of(vip),
				.gateway = addr_of(gateway)};
}

/* ---- what there is ---- */

static void add_sysctl(struct world *world, const char *link, const char *name)
{
	struct sysctl_value *value = &world->sysctls[world->sysctl_count++];

	ck_assert_uint_lt(world->sysctl_count, WORLD_SYSCTLS);
	ck_assert_int_eq(sysctl_conf_path(value->path, "ipv4", link, name), 0);
	value->value = 0;
}

static void add_sysctls(struct world *world, const char *link)
{
	add_sysctl(world, link, "arp_ignore");
	add_sysctl(world, link, "arp_announce");
	add_sysctl(world, link, "rp_filter");
}

static struct link *add_link(struct world *world, const char *name)
{
	struct link *link = &world->links[world->link_count++];

	ck_assert_uint_lt(world->link_count, WORLD_LINKS);
	*link = (struct link){.index = ++world->last_index};
	snprintf(link->name, sizeof(link->name), "%s", name);
	add_sysctls(world, name);
	return link;
}

void world_init(struct world *world, struct arena *arena)
{
	*world = (struct world){.arena = arena, .budget = FOR_EVER, .table = ""};
	add_sysctls(world, "all");
	add_link(world, "lo")->loopback = true;
	add_link(world, "eth0")->arp = true;
}

struct world *world_copy(struct arena *arena, const struct world *world)
{
	struct world *copy = arena_copy(arena, world, sizeof(*world));

	copy->arena = arena;
	copy->addresses.items =
		arena_copy(arena, world->addresses.items,
			   world->addresses.count * sizeof(*world->addresses.items));
	return copy;
}

void world_put(struct world *world, struct address address)
{
	ck_assert_int_eq(address_list_add(world->arena, &world->addresses, &address), 0);
}

static void insert_route(struct world *world, const struct route *route)
{
	size_t at = 0;

	ck_assert_uint_lt(world->route_count, WORLD_ROUTES);
	while (at < world->route_count && world->routes[at].metric < route->metric)
		at++;
	memmove(&world->routes[at + 1], &world->routes[at],
		(world->route_count - at) * sizeof(*route));
	world->routes[at] = *route;
	world->route_count++;
}

void world_put_route(struct world *world, const char *via, uint32_t metric, uint8_t protocol)
{
	struct addr gateway = addr_of(via);
	struct prefix all = {.address.family = gateway.family};
	struct route route = route_ours(ETH0, &all, &gateway, metric, ROUTE_TABLE_MAIN);

	route.protocol = protocol;
	insert_route(world, &route);
}

static struct link *find_link(struct world *world, const char *name)
{
	for (size_t i = 0; i < world->link_count; i++)
		if (!strcmp(world->links[i].name, name))
			return &world->links[i];
	return NULL;
}

static struct link *link_there(struct world *world, const char *name)
{
	struct link *link = find_link(world, name);

	if (!link)
		ck_abort_msg("no link %s", name);
	return link;
}

void world_put_link(struct world *world, const char *name, const char *alias)
{
	struct link *link = add_link(world, name);

	link->up = true;
	link->alias = alias ? link_alias_print(alias) : 0;
}

static struct sysctl_value *find_sysctl(struct world *world, const char *path)
{
	for (size_t i = 0; i < world->sysctl_count; i++)
		if (!strcmp(world->sysctls[i].path, path))
			return &world->sysctls[i];
	return NULL;
}

struct sysctl_value *world_sysctl(struct world *world, const char *path)
{
	struct sysctl_value *value = find_sysctl(world, path);

	ck_assert_msg(!!value, "no sysctl %s", path);
	return value;
}

/* ---- what lbha-rs sees and wants ---- */

struct rs_actual world_actual(struct world *world)
{
	return (struct rs_actual){
		.lo = LO,
		.addresses = world->addresses,
		.links = world->links,
		.link_count = world->link_count,
		.sysctls = world->sysctls,
		.sysctl_count = world->sysctl_count,
		.ports = world->ports,
		.port_count = world->port_count,
		.routes = {world->routes, world->route_count},
		.arp_table = world->table,
	};
}

struct owned_set world_journal(struct world *world)
{
	struct owned_set set;

	ck_assert_int_eq(owned_parse(world->arena, world->journal, world->journal_length, &set), 0);
	return set;
}

struct rs_desired world_desired(struct world *world, const struct rs_wishes *wishes)
{
	struct rs_actual actual = world_actual(world);
	struct rs_desired desired;

	ck_assert_int_eq(rs_desired_build(world->arena, wishes, &actual, &desired), 0);
	return desired;
}

struct rs_plan world_plan(struct world *world, const struct rs_wishes *wishes)
{
	struct rs_desired desired = world_desired(world, wishes);
	struct rs_actual actual = world_actual(world);
	struct owned_set journal = world_journal(world);
	struct rs_plan plan;

	ck_assert_int_eq(rs_plan_build(world->arena, &desired, &actual, &journal, &plan), 0);
	return plan;
}

/* ---- doing: 0, -errno, or CRASH ---- */

#define CRASH 1

/* Whether this very moment is before the crash. */
static bool world_lives(struct world *world)
{
	return world->budget > 0 && world->budget-- > 0;
}

/* As owned_append does it; the crash may cut the line anywhere. */
static int append(struct world *world, const struct owned *record)
{
	char line[OWNED_LINE];
	size_t length = owned_format(record, line);
	bool lives = world_lives(world);

	ck_assert_uint_lt(world->journal_length + length + strlen(OWNED_TORN), JOURNAL_ROOM);
	if (world->journal_length && world->journal[world->journal_length - 1] != '\n') {
		memcpy(world->journal + world->journal_length, OWNED_TORN, strlen(OWNED_TORN));
		world->journal_length += strlen(OWNED_TORN);
	}
	if (!lives)
		length = (size_t)rand() % length;
	memcpy(world->journal + world->journal_length, line, length);
	world->journal_length += length;
	return lives ? 0 : CRASH;
}

/* Its addresses, sysctls and routes go with it. */
static void remove_link(struct world *world, uint32_t index)
{
	char conf[64];
	size_t kept = 0;

	for (size_t i = world->addresses.count; i-- > 0;)
		if (world->addresses.items[i].link == index) {
			struct address gone = world->addresses.items[i];

			address_list_remove(&world->addresses, &gone, false);
		}
	for (size_t i = 0; i < world->link_count; i++) {
		if (world->links[i].index != index) {
			world->links[kept++] = world->links[i];
			continue;
		}
		snprintf(conf, sizeof(conf), "/%s/", world->links[i].name);
	}
	ck_assert_uint_eq(kept + 1, world->link_count);
	world->link_count = kept;
	kept = 0;
	for (size_t i = 0; i < world->sysctl_count; i++)
		if (!strstr(world->sysctls[i].path, conf))
			world->sysctls[kept++] = world->sysctls[i];
	world->sysctl_count = kept;
}

/* Four strokes, with a moment for a crash before each. */
static int act_link(struct world *world, const struct rs_step *step)
{
	const char *name = step->link.name;
	char path[SYSCTL_PATH];

	if (step->action == RS_UNDO) {
		remove_link(world, step->link.index);
		return 0;
	}
	if (step->action == RS_MAKE && find_link(world, name))
		return -EEXIST;
	if (step->action == RS_MAKE)
		add_link(world, name);
	if (!world_lives(world))
		return CRASH;
	link_there(world, name)->alias = link_alias_print(step->link.alias);
	if (!world_lives(world))
		return CRASH;
	sysctl_conf_path(path, "ipv4", name, "rp_filter");
	world_sysctl(world, path)->value = RS_LINK_RP_FILTER;
	if (!world_lives(world))
		return CRASH;
	link_there(world, name)->up = true;
	return 0;
}

static int act_port(struct world *world, const struct rs_step *step)
{
	const struct owned_port *port = &step->record.port;
	size_t kept = 0;

	for (size_t i = 0; i < world->port_count; i++)
		if (world->ports[i].family != port->family || world->ports[i].port != port->port)
			world->ports[kept++] = world->ports[i];
	ck_assert_uint_eq(kept + (step->action == RS_UNDO), world->port_count);
	world->port_count = kept;
	if (step->action == RS_MAKE)
		world->ports[world->port_count++] = (struct rs_port){port->family, port->port};
	return 0;
}

static int act_route(struct world *world, const struct rs_step *step)
{
	const struct route *route = &step->record.route.route;

	for (size_t i = 0; i < world->route_count; i++) {
		const struct route *there = &world->routes[i];

		if (step->action == RS_MAKE) {
			if (route->to.address.family == AF_INET6 && !route_compare(there, route))
				return -EEXIST;
			continue;
		}
		if (!route_equal(there, route) || there->protocol != route->protocol)
			continue;
		memmove(&world->routes[i], &world->routes[i + 1],
			(--world->route_count - i) * sizeof(*route));
		return 0;
	}
	ck_assert_int_eq(step->action, RS_MAKE);
	insert_route(world, route);
	return 0;
}

static int act_address(struct world *world, const struct rs_step *step)
{
	struct address address = step->address;
	int err;

	if (step->action == RS_MAKE) {
		ck_assert_uint_ne(address.link, 0);
		ck_assert_int_eq(address_list_add(world->arena, &world->addresses, &address), 0);
		return 0;
	}
	err = address_list_remove(&world->addresses, &address, false);
	ck_assert(!err || err == -EADDRNOTAVAIL); /* its link may just have gone */
	return 0;
}

static int act(struct world *world, const struct rs_step *step)
{
	struct sysctl_value *value;

	if (!world_lives(world))
		return CRASH;
	switch (step->record.kind) {
	case OWNED_LINK:
		return act_link(world, step);
	case OWNED_PORT:
		return act_port(world, step);
	case OWNED_ROUTE:
		return act_route(world, step);
	case OWNED_ADDRESS:
		return act_address(world, step);
	case OWNED_TABLE:
		world->table = step->action == RS_MAKE ? step->table : "";
		return 0;
	default:
		ck_assert_int_eq(step->record.kind, OWNED_SYSCTL);
		value = world_sysctl(world, step->record.sysctl.path);
		value->value = step->action == RS_MAKE ? step->record.sysctl.set
						       : step->record.sysctl.former;
		return 0;
	}
}

/* Whether the filter names an address; what it lists ends with a comma or a blank. */
static bool filters(const struct world *world, const struct addr *address)
{
	char text[ADDR_TEXT], first[ADDR_TEXT + 3], last[ADDR_TEXT + 3];

	addr_format(address, text);
	snprintf(first, sizeof(first), " %s,", text);
	snprintf(last, sizeof(last), " %s }", text);
	return strstr(world->table, first) || strstr(world->table, last);
}

/* While a VIP of ours is there, the server is silent about it. */
static void assert_silent(struct world *world)
{
	for (size_t i = 0; i < world->addresses.count; i++) {
		const struct address *address = &world->addresses.items[i];

		if (address->protocol != ADDRESS_PROTOCOL_LBHA ||
		    address->prefix.address.family != AF_INET ||
		    filters(world, &address->prefix.address))
			continue;
		ck_assert_int_ge(world_sysctl(world, "net/ipv4/conf/all/arp_ignore")->value, 1);
		ck_assert_int_ge(world_sysctl(world, "net/ipv4/conf/all/arp_announce")->value, 2);
	}
}

/* As act_prepare. */
static void prepare(struct world *world, struct rs_step *step)
{
	if (step->record.kind != OWNED_ADDRESS || step->record.address.link)
		return;
	step->address.link = step->record.address.link =
		link_there(world, step->record.address.name)->index;
}

/* As note_digest of apply_io.c. */
static int note_digest(struct world *world, const struct rs_step *step)
{
	struct owned record = step->record;

	if (record.kind != OWNED_TABLE || step->action != RS_MAKE)
		return 0;
	record.table.digest = arp_filter_digest(step->table, world->table);
	return append(world, &record);
}

/* As do_step of apply_io.c. */
static int do_step(struct world *world, struct rs_step *step)
{
	int err = 0;

	prepare(world, step);
	if (rs_step_journals_first(step))
		err = append(world, &step->record);
	if (!err && rs_step_acts(step))
		err = act(world, step);
	assert_silent(world);
	if (err == -EEXIST) {
		step->record.gone = true;
		return append(world, &step->record) ? CRASH : err;
	}
	if (!err && rs_step_journals_last(step))
		err = append(world, &step->record);
	return err ? err : note_digest(world, step);
}

enum world_end world_run(struct world *world, const struct rs_wishes *wishes)
{
	struct rs_plan plan = world_plan(world, wishes);

	if (rs_plan_refusal(&plan))
		return WORLD_REFUSED;
	for (size_t i = 0; i < plan.count; i++) {
		int err = do_step(world, &plan.steps[i]);

		if (err)
			return err == CRASH ? WORLD_CRASHED : WORLD_REFUSED;
	}
	return WORLD_DONE;
}
