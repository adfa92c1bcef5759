/* A real server as lbha-rs doctor would see it, well in every respect, for the tests to make it ill. */
#ifndef LBHA_TESTS_DOCTOR_WORLD_H
#define LBHA_TESTS_DOCTOR_WORLD_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net/firewall_nft_io.h"
#include "net/firewall_save.h"
#include "rs-agent/doctor.h"
#include "suite.h"

#define LO 1
#define ETH0 2
#define ETH1 3
#define ROOM 32

static struct addr addr_of(const char *text)
{
	struct addr address = {0};

	if (*text)
		ck_assert_int_eq(addr_parse(text, &address), 0);
	return address;
}

static struct endpoint endpoint_of(const char *text)
{
	struct endpoint endpoint;

	ck_assert_int_eq(endpoint_parse(text, &endpoint), 0);
	return endpoint;
}

struct world {
	struct arena *arena;
	struct link links[3];
	struct address addresses[ROOM];
	struct sysctl_value sysctls[ROOM];
	struct doctor_vip vips[4];
	struct doctor_port ports[4];
	struct doctor_director directors[2];
	struct ask_answer answers[ROOM], neighbours[ROOM];
	struct doctor_socket sockets[ROOM];
	struct doctor_tunnel tunnel;
	struct rs_port gue;
	uint32_t advmss;      /* of the default route */
	const char *router;   /* of the default route; "": there is none */
	uint32_t router_link; /* where it is */
	struct doctor_case wanted;
	struct doctor_sight sight;
};

static struct address *put_address(struct world *world, uint32_t link, const char *text)
{
	struct prefix prefix;
	struct address *room = &world->addresses[world->sight.addresses.count++];

	ck_assert_int_eq(prefix_parse(text, &prefix), 0);
	*room = address_ours(link, &prefix);
	return room;
}

static struct address *find_address(struct world *world, const char *text)
{
	struct addr wanted = addr_of(text);

	for (size_t i = 0; i < world->sight.addresses.count; i++)
		if (addr_equal(&world->addresses[i].prefix.address, &wanted))
			return &world->addresses[i];
	ck_abort_msg("no %s", text);
}

static void drop_address(struct world *world, const char *text)
{
	struct address *there = find_address(world, text);

	*there = world->addresses[--world->sight.addresses.count];
}

static void set_sysctl(struct world *world, const char *path, int64_t value)
{
	size_t i = 0;

	while (i < world->sight.sysctl_count && strcmp(world->sysctls[i].path, path))
		i++;
	if (i == world->sight.sysctl_count)
		world->sight.sysctl_count++;
	ck_assert_uint_lt(i, ROOM);
	snprintf(world->sysctls[i].path, SYSCTL_PATH, "%s", path);
	world->sysctls[i].value = value;
}

static void put_answer(struct world *world, uint32_t link, const char *address, uint8_t last)
{
	struct ask_answer *room = &world->answers[world->sight.answer_count++];

	*room = (struct ask_answer){.link = link, .address = addr_of(address), .mac = {2}};
	room->mac[5] = last;
}

static struct doctor_socket *put_socket(struct world *world, const char *at, enum protocol protocol)
{
	struct doctor_socket *room = &world->sockets[world->sight.socket_count++];

	*room = (struct doctor_socket){.at = endpoint_of(at), .protocol = protocol};
	return room;
}

static void put_vip(struct world *world, const char *address, enum forwarding forwarding,
		    const char *gateway)
{
	world->vips[world->wanted.vip_count++] =
		(struct doctor_vip){addr_of(address), "web", forwarding, addr_of(gateway)};
}

static void put_port(struct world *world, const char *at, enum protocol protocol)
{
	world->ports[world->wanted.port_count++] =
		(struct doctor_port){endpoint_of(at), protocol, "web"};
}

static void point(struct world *world)
{
	world->sight.links = world->links;
	world->sight.link_count = COUNT_OF(world->links);
	world->sight.addresses.items = world->addresses;
	world->sight.sysctls = world->sysctls;
	world->sight.answers = world->answers;
	world->sight.neighbours = world->neighbours;
	world->sight.sockets = world->sockets;
	world->sight.tunnels = &world->tunnel;
	world->sight.gue = &world->gue;
	world->wanted.vips = world->vips;
	world->wanted.ports = world->ports;
	world->wanted.directors = world->directors;
	world->wanted.setup = "lbha-rs setup";
	world->wanted.journal = JOURNAL_CURRENT;
}

/* A server with a second network, and two directors, of which lb1 (02::10) is MASTER. */
static void world_init(struct world *world, struct arena *arena)
{
	*world = (struct world){.arena = arena, .router = "192.168.8.1", .router_link = ETH0};
	point(world);
	world->links[0] = (struct link){.index = LO, .name = "lo", .up = true, .loopback = true};
	world->links[1] = (struct link){ETH0, "eth0", .up = true, .arp = true, .mac = {2, [5] = 0x20}};
	world->links[2] = (struct link){ETH1, "eth1", .up = true, .arp = true, .mac = {2, [5] = 0x21}};
	put_address(world, LO, "127.0.0.1/8");
	put_address(world, ETH0, "192.168.8.20/24");
	put_address(world, ETH1, "10.0.0.20/24");
	set_sysctl(world, "net/ipv4/conf/all/arp_ignore", 1);
	set_sysctl(world, "net/ipv4/conf/eth0/arp_ignore", 0);
	set_sysctl(world, "net/ipv4/conf/eth1/arp_ignore", 0);
	set_sysctl(world, "net/ipv4/conf/all/arp_announce", 2);
	set_sysctl(world, "net/ipv4/conf/eth0/arp_announce", 0);
	set_sysctl(world, "net/ipv4/conf/eth1/arp_announce", 0);
	set_sysctl(world, "net/ipv4/conf/all/rp_filter", 0);
	set_sysctl(world, "net/ipv4/conf/eth0/rp_filter", 0);
	set_sysctl(world, "net/ipv4/conf/eth1/rp_filter", 1);
	world->directors[0] = (struct doctor_director){"lb1", addr_of("192.168.8.10")};
	world->directors[1] = (struct doctor_director){"lb2", addr_of("192.168.8.11")};
	world->wanted.director_count = 2;
	put_answer(world, ETH0, "192.168.8.10", 0x10);
	put_answer(world, ETH0, "192.168.8.11", 0x11);
	put_answer(world, ETH0, "192.168.8.200", 0x10);
	put_socket(world, "0.0.0.0:80", PROTOCOL_TCP);
}

/* Rules as `nft -j -n list ruleset` says them, with ' for ". */
#define PLACE(family, table, chain) \
	"'family': '" family "', 'table': '" table "', 'name': '" chain "', 'chain': '" chain "'"
#define CHAIN(place, hook, policy) \
	"{'chain': {" place ", 'hook': '" hook "', 'prio': 0, 'policy': '" policy "'}},\n"
#define RULE(place, statements) "{'rule': {" place ", 'expr': [" statements "]}},\n"
#define MATCH(left, op, right) "{'match': {'op': '" op "', 'left': {" left "}, 'right': " right "}}, "
#define FIELD(protocol, field) "'payload': {'protocol': '" protocol "', 'field': '" field "'}"
#define META(key) "'meta': {'key': '" key "'}"
#define ACCEPT "{'accept': null}"
#define DROP "{'counter': {'packets': 0, 'bytes': 0}}, {'drop': null}"
#define INPUT PLACE("inet", "filter", "input")

static void put_rules(struct world *world, const char *list)
{
	char text[4096];
	bool has_xtables;

	ck_assert_uint_lt((size_t)snprintf(text, sizeof(text), "{'nftables': [%s{}]}", list), sizeof(text));
	for (char *at = text; (at = strchr(at, '\''));)
		*at = '"';
	ck_assert_int_eq(firewall_read_nft(world->arena, text, &world->sight.firewall, &has_xtables), 0);
	ck_assert_uint_gt(world->sight.firewall.count, 0);
}

/* As iptables-save, or its like, says them. */
static void put_saved(struct world *world, enum firewall_family family, enum firewall_tool tool,
		      const char *text)
{
	ck_assert_int_eq(firewall_read_save(world->arena, text, family, tool, &world->sight.firewall), 0);
	ck_assert_uint_gt(world->sight.firewall.count, 0);
}

/* What the kernel would tell. */
static void fill_ways(struct world *world)
{
	for (size_t i = 0; i < world->sight.way_count; i++) {
		struct route_way *way = &world->sight.ways[i];
		struct addr client = doctor_client(way->to.family);

		way->link = ETH0;
		if (!addr_equal(&way->to, &client))
			continue;
		way->link = world->router_link;
		way->via = way->to.family == AF_INET ? addr_of(world->router)
						     : addr_of("2001:db8::1");
		way->error = *world->router ? 0 : -ENETUNREACH;
		way->advmss = world->advmss;
	}
}

static struct doctor_findings world_judge(struct world *world)
{
	struct doctor_findings findings;

	ck_assert_int_eq(doctor_ways(world->arena, &world->wanted, &world->sight), 0);
	fill_ways(world);
	ck_assert_int_eq(doctor_questions(world->arena, &world->wanted, &world->sight), 0);
	ck_assert_int_eq(doctor_judge(world->arena, &world->wanted, &world->sight, &findings), 0);
	return findings;
}

static const char *all_of(const struct doctor_findings *findings)
{
	static char text[8192];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < findings->count && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "\n%d %s: %s [%s]",
					 (int)findings->items[i].severity,
					 findings->items[i].subject, findings->items[i].text,
					 findings->items[i].command ? findings->items[i].command
								    : "");
	return text;
}

/* Something that ails a world, and what is said of it. */
struct illness {
	void (*fall_ill)(struct world *world);
	enum doctor_severity severity;
	const char *says;
	const char *command; /* NULL: none */
};

static void expect(struct world *world, const struct illness *illness)
{
	struct doctor_findings findings;
	bool found = false;

	illness->fall_ill(world);
	findings = world_judge(world);
	for (size_t i = 0; i < findings.count; i++) {
		const struct doctor_finding *one = &findings.items[i];

		if (one->severity != illness->severity || !strstr(one->text, illness->says))
			continue;
		found = true;
		if (illness->command)
			ck_assert_pstr_eq(one->command, illness->command);
		else
			ck_assert_ptr_null(one->command);
	}
	ck_assert_msg(found, "nobody says \"%s\":%s", illness->says, all_of(&findings));
}

#endif
