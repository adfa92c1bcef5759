/* lbha-rs doctor at the end of a tunnel: what ails it, one at a time. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "doctor_world.h"
#include "rs-agent/doctor.h"
#include "suite.h"

/* Instead of eth1: the end of a tunnel, and the VIP on it. */
static void with_tunnel(struct world *world, enum tunnel_type type, const char *kind)
{
	world->links[1].mtu = 1500;
	world->links[2] = (struct link){.index = ETH1, .name = "tun0", .up = true, .mtu = 1480};
	drop_address(world, "10.0.0.20");
	put_address(world, ETH1, "192.168.8.200/32")->scope = ADDRESS_SCOPE_HOST;
	put_vip(world, "192.168.8.200", FORWARDING_TUNNEL, "");
	world->vips[0].local = addr_of("192.168.8.20");
	world->vips[0].tunnel = (struct tunnel){.type = type, .port = 6080};
	put_port(world, "192.168.8.200:80", PROTOCOL_TCP);
	set_sysctl(world, "net/ipv4/conf/tun0/rp_filter", 2);
	set_sysctl(world, "net/ipv4/conf/tun0/arp_ignore", 0);
	set_sysctl(world, "net/ipv4/conf/tun0/arp_announce", 0);
	world->tunnel = (struct doctor_tunnel){.link = ETH1, .local = addr_of("192.168.8.20")};
	snprintf(world->tunnel.kind, sizeof(world->tunnel.kind), "%s", kind);
	world->sight.tunnel_count = 1;
	world->gue = (struct rs_port){AF_INET, 6080};
	world->sight.gue_count = 1;
}

static void tunnel_is_missing(struct world *world)
{
	world->sight.tunnel_count = 0;
}

static void tunnel_is_of_another_kind(struct world *world)
{
	snprintf(world->tunnel.kind, sizeof(world->tunnel.kind), "gre");
}

static void tunnel_ends_elsewhere(struct world *world)
{
	world->tunnel.local = addr_of("10.0.0.20");
}

static void tunnel_of_the_module_is_down(struct world *world)
{
	world->tunnel.local = addr_of("");
	world->links[2].up = false;
}

static void tunnel_is_down(struct world *world)
{
	world->links[2].up = false;
}

static void strict_filter_on_the_tunnel(struct world *world)
{
	set_sysctl(world, "net/ipv4/conf/tun0/rp_filter", 0);
	set_sysctl(world, "net/ipv4/conf/all/rp_filter", 1);
}

static void tunnel_without_an_address(struct world *world)
{
	find_address(world, "192.168.8.200")->link = LO;
}

static void tunnel_loses_packets(struct world *world)
{
	world->tunnel.errors = 7;
}

static void gue_is_not_taken_off(struct world *world)
{
	world->vips[0].tunnel.type = TUNNEL_GUE;
	world->sight.gue_count = 0;
}

static void firewall_knows_no_tunnel(struct world *world)
{
	put_rules(world, CHAIN(INPUT, "input", "drop")
			 RULE(INPUT, MATCH(META("l4proto"), "==", "{'set': [1, 58]}") ACCEPT)
			 RULE(INPUT, MATCH(FIELD("ip", "protocol"), "==", "47") ACCEPT)
			 RULE(INPUT, MATCH(FIELD("tcp", "dport"), "==", "{'set': [22, 80]}") ACCEPT));
}

static void firewall_knows_no_gue(struct world *world)
{
	firewall_knows_no_tunnel(world);
	world->vips[0].tunnel.type = TUNNEL_GUE;
}

static void firewall_drops_tunnels(struct world *world)
{
	put_saved(world, FIREWALL_IPV4, FIREWALL_IPTABLES,
		  "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p ipencap -j DROP\nCOMMIT\n");
}

static void firewall_drops_some_tunnels(struct world *world)
{
	put_saved(world, FIREWALL_IPV4, FIREWALL_IPTABLES,
		  "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ! -s 192.168.8.10 -p ipencap -j DROP\nCOMMIT\n");
}

static void firewall_drops_what_comes_out(struct world *world)
{
	put_rules(world, CHAIN(INPUT, "input", "accept")
			 RULE(INPUT, MATCH(META("iifname"), "==", "'tun0'") DROP));
}

static const struct illness tunnel_illnesses[] = {
	{tunnel_is_missing, DOCTOR_PROBLEM,
	 "no interface of type ipip at 192.168.8.20 takes packets for 192.168.8.200",
	 "lbha-rs setup"},
	{tunnel_is_of_another_kind, DOCTOR_PROBLEM, "no interface of type ipip", "lbha-rs setup"},
	{tunnel_ends_elsewhere, DOCTOR_PROBLEM, "no interface of type ipip", "lbha-rs setup"},
	{tunnel_of_the_module_is_down, DOCTOR_PROBLEM, "no interface of type ipip", "lbha-rs setup"},
	{tunnel_is_down, DOCTOR_PROBLEM, "tun0, the end of the tunnel for 192.168.8.200, is down",
	 "ip link set tun0 up"},
	{strict_filter_on_the_tunnel, DOCTOR_PROBLEM, "rp_filter in effect on tun0 is 1",
	 "sysctl -w net.ipv4.conf.tun0.rp_filter=2"},
	{tunnel_without_an_address, DOCTOR_PROBLEM,
	 "rp_filter in effect on tun0 is 2, and it has no address", "lbha-rs setup"},
	{tunnel_loses_packets, DOCTOR_WARNING, "tun0 could not take 7 of its packets",
	 "ip -s -s link show dev tun0"},
	{gue_is_not_taken_off, DOCTOR_PROBLEM, "nobody takes GUE off UDP port 6080",
	 "lbha-rs setup"},
	{firewall_knows_no_tunnel, DOCTOR_PROBLEM,
	 "chain input of table inet filter drops what carries packets for 192.168.8.200 (protocol 4 to 192.168.8.20)",
	 "nft insert rule inet filter input ip daddr 192.168.8.20 meta l4proto 4 accept"},
	{firewall_knows_no_gue, DOCTOR_PROBLEM, "drops what carries packets for 192.168.8.200 (udp 192.168.8.20:6080)",
	 "nft insert rule inet filter input ip daddr 192.168.8.20 udp dport 6080 accept"},
	{firewall_drops_tunnels, DOCTOR_PROBLEM, "drops what carries packets for 192.168.8.200",
	 "iptables -I INPUT -d 192.168.8.20 -p 4 -j ACCEPT"},
	{firewall_drops_some_tunnels, DOCTOR_WARNING, "may drop what carries packets for 192.168.8.200",
	 "iptables -I INPUT -d 192.168.8.20 -p 4 -j ACCEPT"},
	{firewall_drops_what_comes_out, DOCTOR_PROBLEM, "drops what comes for service web (tcp 192.168.8.200:80)",
	 "nft insert rule inet filter input ip daddr 192.168.8.200 tcp dport 80 accept"},
};

START_TEST(each_illness_of_a_tunnel_is_named)
{
	auto_arena *arena = arena_new(0);
	struct world world;

	world_init(&world, arena);
	with_tunnel(&world, TUNNEL_IPIP, "ipip");
	expect(&world, &tunnel_illnesses[_i]);
}
END_TEST

START_TEST(a_tunnel_of_any_type_that_is_well_gets_no_warning)
{
	static const struct {
		enum tunnel_type type;
		const char *kind, *advice;
	} types[] = {
		{TUNNEL_IPIP, "ipip", "ip route change default via 192.168.8.1 dev eth0 advmss 1440"},
		{TUNNEL_GRE, "gre", "ip route change default via 192.168.8.1 dev eth0 advmss 1436"},
		{TUNNEL_GUE, "ipip", "ip route change default via 192.168.8.1 dev eth0 advmss 1428"},
	};
	auto_arena *arena = arena_new(0);
	struct doctor_findings findings;
	struct world world;
	bool advised = false;

	world_init(&world, arena);
	with_tunnel(&world, types[_i].type, types[_i].kind);
	findings = world_judge(&world);
	for (size_t i = 0; i < findings.count; i++) {
		const char *command = findings.items[i].command;

		ck_assert_msg(findings.items[i].severity == DOCTOR_OK, "%s", all_of(&findings));
		advised |= command && !strcmp(command, types[_i].advice);
	}
	ck_assert_msg(advised, "%s", all_of(&findings));
	/* who followed the advice gets no more of it */
	world.sight.way_count = world.sight.question_count = 0;
	world.sight.ways = NULL;
	world.sight.questions = NULL;
	world.advmss = 1400;
	findings = world_judge(&world);
	for (size_t i = 0; i < findings.count; i++)
		ck_assert_msg(!findings.items[i].command, "%s", all_of(&findings));
}
END_TEST

static TCase *tunnels_case(void)
{
	TCase *tcase = tcase_create("tunnels");

	tcase_add_loop_test(tcase, each_illness_of_a_tunnel_is_named, 0,
			    COUNT_OF(tunnel_illnesses));
	tcase_add_loop_test(tcase, a_tunnel_of_any_type_that_is_well_gets_no_warning, 0, 3);
	return tcase;
}

int main(void)
{
	return SUITE_RUN("rs-doctor-tunnel", tunnels_case());
}
