/* lbha-rs doctor: a server on which all is well, then one illness at a time. */
#include <errno.h>
#include <linux/if_addr.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "config/model.h"
#include "doctor_world.h"
#include "rs-agent/doctor.h"
#include "suite.h"

static void forget_answers(struct world *world, const char *address)
{
	struct addr wanted = addr_of(address);
	size_t kept = 0;

	for (size_t i = 0; i < world->sight.answer_count; i++)
		if (!addr_equal(&world->answers[i].address, &wanted))
			world->answers[kept++] = world->answers[i];
	world->sight.answer_count = kept;
}

static void put_neighbour(struct world *world, const char *address, uint8_t last)
{
	struct ask_answer *room = &world->neighbours[world->sight.neighbour_count++];

	*room = (struct ask_answer){.link = ETH0, .address = addr_of(address), .mac = {2}};
	room->mac[5] = last;
}

static void with_dr(struct world *world)
{
	put_vip(world, "192.168.8.200", FORWARDING_DR, "");
	put_port(world, "192.168.8.200:80", PROTOCOL_TCP);
	put_address(world, LO, "192.168.8.200/32")->scope = ADDRESS_SCOPE_HOST;
}

static void with_ipv6(struct world *world)
{
	put_vip(world, "2001:db8::80", FORWARDING_DR, "");
	put_port(world, "[2001:db8::80]:80", PROTOCOL_TCP);
	put_address(world, LO, "2001:db8::80/128");
	put_address(world, ETH0, "2001:db8::20/64");
	put_answer(world, ETH0, "2001:db8::80", 0x10);
	put_socket(world, "[::]:80", PROTOCOL_TCP)->only_ipv6 = true;
}

static void with_nat(struct world *world)
{
	put_vip(world, "192.0.2.80", FORWARDING_NAT, "192.168.8.1");
	put_port(world, "192.168.8.20:80", PROTOCOL_TCP);
	put_answer(world, ETH0, "192.168.8.1", 0x10);
}

/* ---- illnesses ---- */

static void machine_was_booted(struct world *world)
{
	world->wanted.journal = JOURNAL_OTHER_BOOT;
}

static void others_set_it_up(struct world *world)
{
	world->wanted.journal = JOURNAL_NONE;
}

static void vip_is_missing(struct world *world)
{
	drop_address(world, "192.168.8.200");
}

static void vip_has_a_network_on_lo(struct world *world)
{
	find_address(world, "192.168.8.200")->prefix.length = 24;
}

static void vip_is_on_eth0_too(struct world *world)
{
	put_address(world, ETH0, "192.168.8.200/24");
}

static void ipv6_vip_failed_detection(struct world *world)
{
	with_ipv6(world);
	find_address(world, "2001:db8::80")->flags |= IFA_F_DADFAILED;
}

static void ipv6_is_off(struct world *world)
{
	with_ipv6(world);
	drop_address(world, "2001:db8::80");
	set_sysctl(world, "net/ipv6/conf/lo/disable_ipv6", 1);
}

static void ignore_is_too_low(struct world *world)
{
	set_sysctl(world, "net/ipv4/conf/all/arp_ignore", 0);
}

static void ignore_of_a_link_overrules(struct world *world)
{
	set_sysctl(world, "net/ipv4/conf/eth1/arp_ignore", 4);
}

static void ignore_3_and_scope_global(struct world *world)
{
	set_sysctl(world, "net/ipv4/conf/all/arp_ignore", 3);
	find_address(world, "192.168.8.200")->scope = ADDRESS_SCOPE_GLOBAL;
}

static void announce_is_too_low(struct world *world)
{
	set_sysctl(world, "net/ipv4/conf/all/arp_announce", 1);
}

#define ARP_INPUT PLACE("arp", "filter", "INPUT")

static void table_for_another_vip(struct world *world)
{
	ignore_is_too_low(world);
	put_rules(world, CHAIN(ARP_INPUT, "input", "accept")
			 RULE(ARP_INPUT, MATCH(FIELD("arp", "daddr ip"), "==", "'192.168.8.20'") DROP));
}

static void table_that_drops_requests_alone(struct world *world)
{
	announce_is_too_low(world);
	put_rules(world, CHAIN(ARP_INPUT, "input", "accept")
			 RULE(ARP_INPUT, MATCH(FIELD("arp", "daddr ip"), "==", "'192.168.8.200'") DROP));
}

static void table_for_one_interface(struct world *world)
{
	ignore_is_too_low(world);
	put_rules(world, CHAIN(ARP_INPUT, "input", "accept")
			 RULE(ARP_INPUT, MATCH(META("iifname"), "==", "'eth0'")
					 MATCH(FIELD("arp", "daddr ip"), "==", "'192.168.8.200'") DROP));
}

static void filter_without_the_vip(struct world *world)
{
	world->wanted.arp_filter = true;
	put_rules(world, CHAIN(PLACE("arp", "lbha_rs", "input"), "input", "accept"));
}

static void filter_is_missing(struct world *world)
{
	world->wanted.arp_filter = true;
}

static void filter_is_unknown(struct world *world)
{
	world->wanted.arp_filter = true;
	world->sight.firewall_why = "there is no program nft";
}

static void nobody_answers(struct world *world)
{
	forget_answers(world, "192.168.8.200");
}

static void two_directors_answer(struct world *world)
{
	put_answer(world, ETH0, "192.168.8.200", 0x11);
}

static void another_server_answers(struct world *world)
{
	forget_answers(world, "192.168.8.200");
	put_answer(world, ETH0, "192.168.8.200", 0x33);
	put_neighbour(world, "192.168.8.33", 0x33);
}

static void another_server_answers_too(struct world *world)
{
	put_answer(world, ETH0, "192.168.8.200", 0x33);
}

static void we_answer_ourselves(struct world *world)
{
	forget_answers(world, "192.168.8.200");
	put_answer(world, ETH0, "192.168.8.200", 0x21);
}

static void asking_is_forbidden(struct world *world)
{
	world->sight.asking_error = -EPERM;
}

static void no_default_route(struct world *world)
{
	world->router = "";
}

static void answers_go_to_the_director(struct world *world)
{
	world->router = "192.168.8.11";
}

static void answers_go_to_the_vip(struct world *world)
{
	world->router = "192.168.8.200";
}

static void strict_filter_where_requests_come(struct world *world)
{
	world->router_link = ETH1;
	set_sysctl(world, "net/ipv4/conf/all/rp_filter", 1);
}

static void nat_leaves_elsewhere(struct world *world)
{
	with_nat(world);
	world->router = "192.168.8.254";
}

static void nat_gateway_is_silent(struct world *world)
{
	with_nat(world);
	forget_answers(world, "192.168.8.1");
}

static void nat_without_gateway(struct world *world)
{
	put_vip(world, "192.0.2.80", FORWARDING_NAT, "");
}

static void nat_in_the_servers_network(struct world *world)
{
	put_vip(world, "192.168.8.99", FORWARDING_NAT, "192.168.8.1");
	put_answer(world, ETH0, "192.168.8.1", 0x10);
}

static void program_listens_elsewhere(struct world *world)
{
	world->sockets[0] = (struct doctor_socket){.at = endpoint_of("192.168.8.20:80"),
						   .protocol = PROTOCOL_TCP,
						   .program = "nginx"};
}

static void program_takes_ipv6_alone(struct world *world)
{
	world->sockets[0] = (struct doctor_socket){
		.at = endpoint_of("[::]:80"), .protocol = PROTOCOL_TCP, .only_ipv6 = true};
}

static void program_speaks_udp(struct world *world)
{
	world->sockets[0].protocol = PROTOCOL_UDP;
}

static void sockets_are_closed_to_us(struct world *world)
{
	world->sight.sockets_error = -ENOENT;
}

#define NOT_OURS \
	RULE(INPUT, MATCH("'ct': {'key': 'state'}", "in", "['established', 'related']") ACCEPT) \
	RULE(INPUT, MATCH(META("iifname"), "==", "'lo'") ACCEPT) \
	RULE(INPUT, MATCH(FIELD("tcp", "dport"), "==", "{'set': [22, {'range': [8000, 8080]}]}") ACCEPT)

static void firewall_drops_the_rest(struct world *world)
{
	put_rules(world, CHAIN(INPUT, "input", "drop") NOT_OURS);
}

static void firewall_goes_by_what_nobody_knows(struct world *world)
{
	put_rules(world, CHAIN(INPUT, "input", "drop") NOT_OURS
			 RULE(INPUT, MATCH(META("mark"), "==", "1") ACCEPT));
}

static void firewall_ends_in_reject(struct world *world)
{
	put_saved(world, FIREWALL_IPV4, FIREWALL_IPTABLES,
		  "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"
		  "-A INPUT -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n");
}

static void firewall_is_of_old(struct world *world)
{
	put_saved(world, FIREWALL_IPV4, FIREWALL_IPTABLES_LEGACY,
		  "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n");
}

static void firewall_names_the_port(struct world *world)
{
	put_rules(world, CHAIN(INPUT, "input", "accept")
			 RULE(INPUT, MATCH(FIELD("ip", "saddr"), "==", "{'prefix': {'addr': '10.0.0.0', 'len': 8}}")
				     MATCH(FIELD("tcp", "dport"), "==", "{'range': [1, 1024]}") DROP));
}

static void firewall_names_the_port_behind_a_jump(struct world *world)
{
	put_saved(world, FIREWALL_IPV4, FIREWALL_IPTABLES,
		  "*filter\n:INPUT ACCEPT [0:0]\n:web - [0:0]\n-A INPUT -s 10.0.0.0/8 -j web\n"
		  "-A web -p tcp -m tcp --dport 80 -j DROP\nCOMMIT\n");
}

static void firewall_names_the_vip(struct world *world)
{
	put_rules(world, CHAIN(PLACE("ip", "raw", "pre"), "prerouting", "accept")
			 RULE(PLACE("ip", "raw", "pre"), MATCH(FIELD("ip", "daddr"), "==", "'192.168.8.200'") DROP));
}

static void firewall_is_unknown(struct world *world)
{
	world->sight.firewall_why = "there is no program nft";
}

static const struct illness illnesses[] = {
	{machine_was_booted, DOCTOR_WARNING, "went with an earlier boot", "lbha-rs setup"},
	{others_set_it_up, DOCTOR_WARNING, "lbha-rs has set up nothing here", "lbha-rs setup"},
	{vip_is_missing, DOCTOR_PROBLEM, "192.168.8.200 is on no interface", "lbha-rs setup"},
	{vip_has_a_network_on_lo, DOCTOR_PROBLEM, "192.168.8.200/24 on lo makes that whole network local",
	 "ip address delete 192.168.8.200/24 dev lo && lbha-rs setup"},
	{vip_is_on_eth0_too, DOCTOR_PROBLEM, "192.168.8.200 is on eth0: this host answers ARP",
	 "ip address delete 192.168.8.200/24 dev eth0 && lbha-rs setup"},
	{ipv6_vip_failed_detection, DOCTOR_PROBLEM, "failed duplicate address detection",
	 "ip address delete 2001:db8::80/128 dev lo && lbha-rs setup"},
	{ipv6_is_off, DOCTOR_PROBLEM, "lo takes no IPv6 address",
	 "sysctl -w net.ipv6.conf.lo.disable_ipv6=0 && lbha-rs setup"},
	{ignore_is_too_low, DOCTOR_PROBLEM, "arp_ignore in effect on eth0 is 0", "lbha-rs setup"},
	{ignore_of_a_link_overrules, DOCTOR_PROBLEM, "arp_ignore in effect on eth1 is 4",
	 "sysctl -w net.ipv4.conf.eth1.arp_ignore=1"},
	{ignore_3_and_scope_global, DOCTOR_PROBLEM, "arp_ignore in effect on eth0 is 3",
	 "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.eth0.arp_ignore=1"},
	{announce_is_too_low, DOCTOR_PROBLEM, "arp_announce in effect on eth0 is 1", "lbha-rs setup"},
	{table_for_another_vip, DOCTOR_PROBLEM, "arp_ignore in effect on eth0 is 0",
	 "lbha-rs setup"},
	{table_that_drops_requests_alone, DOCTOR_PROBLEM, "arp_announce in effect on eth0 is 1",
	 "lbha-rs setup"},
	{table_for_one_interface, DOCTOR_PROBLEM, "arp_ignore in effect on eth1 is 0", "lbha-rs setup"},
	{filter_without_the_vip, DOCTOR_PROBLEM, "does not know 192.168.8.200: this host answers ARP for it",
	 "lbha-rs setup"},
	{filter_is_missing, DOCTOR_PROBLEM, "is not there: this host answers ARP for 192.168.8.200", "lbha-rs setup"},
	{filter_is_unknown, DOCTOR_WARNING, "keeps this host silent could not be looked up", NULL},
	{nobody_answers, DOCTOR_WARNING, "nobody answers for 192.168.8.200 on eth0",
	 "lbhactl vrrp    # on each director"},
	{two_directors_answer, DOCTOR_PROBLEM,
	 "director lb1 (02:00:00:00:00:10) and director lb2 (02:00:00:00:00:11) all answer",
	 "lbhactl vrrp    # on each director: only one may be MASTER"},
	{another_server_answers, DOCTOR_PROBLEM,
	 "192.168.8.33 (02:00:00:00:00:33) answers for 192.168.8.200 on eth0 and is no director",
	 "lbha-rs setup    # on 192.168.8.33"},
	{another_server_answers_too, DOCTOR_PROBLEM, "and a host (02:00:00:00:00:33) all answer",
	 "lbha-rs setup    # on that host"},
	{we_answer_ourselves, DOCTOR_PROBLEM,
	 "this host itself on eth1 (02:00:00:00:00:21) answers for 192.168.8.200", "lbha-rs setup"},
	{asking_is_forbidden, DOCTOR_WARNING, "cannot be asked: Operation not permitted", NULL},
	{no_default_route, DOCTOR_WARNING, "there is no default route",
	 "ip route add default via ROUTER"},
	{answers_go_to_the_director, DOCTOR_WARNING, "192.168.8.11 on eth0, which belongs to lb2",
	 "ip route replace default via ROUTER"},
	{answers_go_to_the_vip, DOCTOR_WARNING, "which belongs to a director",
	 "ip route replace default via ROUTER"},
	{strict_filter_where_requests_come, DOCTOR_PROBLEM, "rp_filter in effect on eth0 is 1",
	 "sysctl -w net.ipv4.conf.eth0.rp_filter=2"},
	{nat_leaves_elsewhere, DOCTOR_PROBLEM, "leads to 192.168.8.254 on eth0 and not to 192.168.8.1",
	 "lbha-rs setup"},
	{nat_gateway_is_silent, DOCTOR_PROBLEM, "nobody answers for 192.168.8.1, the gateway",
	 "lbhactl vrrp    # on each director"},
	{nat_without_gateway, DOCTOR_WARNING, "service web has no `gateway`", NULL},
	{nat_in_the_servers_network, DOCTOR_WARNING, "192.168.8.99 is in 192.168.8.20/24, this host's own",
	 NULL},
	{program_listens_elsewhere, DOCTOR_PROBLEM,
	 "nginx listens on 192.168.8.20:80 only, not on 192.168.8.200:80 (tcp); nginx: listen 80;",
	 NULL},
	{program_takes_ipv6_alone, DOCTOR_PROBLEM, "listens on [::]:80 (IPv6 alone) only", NULL},
	{program_speaks_udp, DOCTOR_PROBLEM,
	 "nothing listens on 192.168.8.200:80 (tcp) for service web", NULL},
	{sockets_are_closed_to_us, DOCTOR_WARNING, "which programs listen cannot be told",
	 "ss -lntu"},
	{firewall_drops_the_rest, DOCTOR_PROBLEM,
	 "the policy of chain input of table inet filter drops what comes for service web (tcp 192.168.8.200:80)",
	 "nft insert rule inet filter input ip daddr 192.168.8.200 tcp dport 80 accept"},
	{firewall_goes_by_what_nobody_knows, DOCTOR_WARNING,
	 "the policy of chain input of table inet filter may drop what comes for service web",
	 "nft insert rule inet filter input ip daddr 192.168.8.200 tcp dport 80 accept"},
	{firewall_ends_in_reject, DOCTOR_PROBLEM, "a rule in chain INPUT of table ip filter drops",
	 "iptables -I INPUT -d 192.168.8.200 -p 6 --dport 80 -j ACCEPT"},
	{firewall_is_of_old, DOCTOR_PROBLEM, "chain INPUT of table ip filter (iptables-legacy) drops",
	 "iptables-legacy -I INPUT -d 192.168.8.200 -p 6 --dport 80 -j ACCEPT"},
	{firewall_names_the_port, DOCTOR_WARNING,
	 "a rule in chain input of table inet filter may drop what comes for service web",
	 "nft insert rule inet filter input ip daddr 192.168.8.200 tcp dport 80 accept"},
	{firewall_names_the_port_behind_a_jump, DOCTOR_WARNING, "a rule in chain INPUT of table ip filter may drop",
	 "iptables -I INPUT -d 192.168.8.200 -p 6 --dport 80 -j ACCEPT"},
	{firewall_names_the_vip, DOCTOR_PROBLEM, "a rule in chain pre of table ip raw drops",
	 "nft insert rule ip raw pre ip daddr 192.168.8.200 tcp dport 80 accept"},
	{firewall_is_unknown, DOCTOR_WARNING, "not all rules of the firewall were seen: there is no program nft",
	 NULL},
};

START_TEST(each_illness_is_named_with_what_mends_it)
{
	auto_arena *arena = arena_new(0);
	struct world world;

	world_init(&world, arena);
	with_dr(&world);
	expect(&world, &illnesses[_i]);
}
END_TEST

/* ---- health ---- */

static void as_it_is(struct world *world)
{
	(void)world;
}

static void on_a_tunnel(struct world *world)
{
	world->links[2] = (struct link){.index = ETH1, .name = "tunl0", .up = true};
	find_address(world, "192.168.8.200")->link = ETH1;
}

static void answered_by_a_virtual_router(struct world *world)
{
	static const uint8_t mac[LINK_MAC] = {0, 0, 0x5e, 0, 1, 51};

	forget_answers(world, "192.168.8.200");
	put_answer(world, ETH0, "192.168.8.200", 0);
	memcpy(world->answers[world->sight.answer_count - 1].mac, mac, LINK_MAC);
}

/* Its address is in another network, so it cannot be asked here and may be whoever answers. */
static void answered_where_no_director_can_be_asked(struct world *world)
{
	world->directors[0].address = addr_of("172.16.0.1");
	another_server_answers(world);
}

static void here_is_the_master(struct world *world)
{
	world->directors[0].address = addr_of("192.168.8.20");
	forget_answers(world, "192.168.8.10");
	forget_answers(world, "192.168.8.200");
	find_address(world, "192.168.8.200")->link = ETH0;
}

static void silent_by_8(struct world *world)
{
	set_sysctl(world, "net/ipv4/conf/eth0/arp_ignore", 8);
}

static void silent_by_3_with_scope_host(struct world *world)
{
	set_sysctl(world, "net/ipv4/conf/all/arp_ignore", 3);
}

static void loose_filter(struct world *world)
{
	world->router_link = ETH1;
	set_sysctl(world, "net/ipv4/conf/eth0/rp_filter", 2);
	set_sysctl(world, "net/ipv4/conf/all/rp_filter", 1);
}

static void strict_filter_on_the_way_back(struct world *world)
{
	set_sysctl(world, "net/ipv4/conf/all/rp_filter", 1);
}

static void listens_on_the_vip(struct world *world)
{
	world->sockets[0].at = endpoint_of("192.168.8.200:80");
}

static void listens_on_both_families(struct world *world)
{
	world->sockets[0].at = endpoint_of("[::]:80");
}

#define TABLE_INPUT PLACE("arp", "lbha_rs", "input")
#define TABLE_OUTPUT PLACE("arp", "lbha_rs", "output")
#define OWN_SENDER PLACE("arp", "lbha_rs", "own_sender")
#define IN_OWN_NAME \
	"{'mangle': {'key': {" FIELD("arp", "saddr ip") "}, 'value': '192.168.8.20'}}, " ACCEPT

/* As arp_filter.h has it; nft says operations in the order of the wire. */
static const char arp_table[] =
	"{'set': {'family': 'arp', 'table': 'lbha_rs', 'name': 'vips', 'type': 'ipv4_addr', "
	"'elem': ['192.168.8.199', '192.168.8.200']}},"
	CHAIN(TABLE_INPUT, "input", "accept")
	"{'chain': {" OWN_SENDER "}},"
	CHAIN(TABLE_OUTPUT, "output", "accept")
	RULE(TABLE_INPUT, MATCH(FIELD("arp", "operation"), "==", "256")
			  MATCH(FIELD("arp", "daddr ip"), "==", "'@vips'") "{'drop': null}")
	RULE(OWN_SENDER, MATCH(META("oifname"), "==", "'eth0'")
			 MATCH(FIELD("arp", "daddr ip"), "==", "{'prefix': {'addr': '192.168.8.0', 'len': 24}}") IN_OWN_NAME)
	RULE(OWN_SENDER, MATCH(META("oifname"), "==", "'eth0'") IN_OWN_NAME)
	RULE(OWN_SENDER, IN_OWN_NAME)
	RULE(TABLE_OUTPUT, MATCH(FIELD("arp", "operation"), "==", "512")
			   MATCH(FIELD("arp", "saddr ip"), "==", "'@vips'") "{'drop': null}")
	RULE(TABLE_OUTPUT, MATCH(FIELD("arp", "saddr ip"), "==", "'@vips'") "{'goto': {'target': 'own_sender'}}");

static void silent_by_a_table(struct world *world)
{
	ignore_is_too_low(world);
	announce_is_too_low(world);
	put_rules(world, arp_table);
}

static void silent_by_the_filter(struct world *world)
{
	silent_by_a_table(world);
	world->wanted.arp_filter = true;
}

static void silent_by_arptables(struct world *world)
{
	ignore_is_too_low(world);
	announce_is_too_low(world);
	put_saved(world, FIREWALL_ARP, FIREWALL_IPTABLES_LEGACY,
		  "*filter\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n-A INPUT -j DROP -d 192.168.8.200\n"
		  "-A OUTPUT -s 192.168.8.200 -j mangle --mangle-ip-s 192.168.8.20\n");
}

static void on_eth0_and_silent_by_a_table(struct world *world)
{
	silent_by_a_table(world);
	find_address(world, "192.168.8.200")->link = ETH0;
}

#define SERVICES PLACE("inet", "filter", "services")

static void firewall_lets_in(struct world *world)
{
	put_rules(world, CHAIN(INPUT, "input", "drop") "{'chain': {" SERVICES "}},"
			 RULE(INPUT, MATCH("'ct': {'key': 'state'}", "in", "'invalid'") DROP)
			 RULE(INPUT, MATCH(FIELD("tcp", "dport"), "==", "25") DROP)
			 RULE(INPUT, MATCH(FIELD("udp", "dport"), "==", "80") DROP)
			 RULE(INPUT, "{'jump': {'target': 'services'}}")
			 RULE(INPUT, DROP)
			 RULE(SERVICES, MATCH(FIELD("tcp", "dport"), "==", "{'set': [80, 443]}") ACCEPT));
}

static void firewall_lets_in_first(struct world *world)
{
	put_rules(world, CHAIN(INPUT, "input", "accept")
			 RULE(INPUT, MATCH(FIELD("ip", "daddr"), "==", "'192.168.8.200'")
				     MATCH(FIELD("tcp", "dport"), "==", "80") ACCEPT)
			 RULE(INPUT, MATCH(FIELD("tcp", "dport"), "==", "80") DROP));
}

static void firewall_keeps_to_a_rate(struct world *world)
{
	put_rules(world, CHAIN(INPUT, "input", "accept")
			 RULE(INPUT, MATCH(FIELD("tcp", "dport"), "==", "80")
				     "{'limit': {'rate': 100, 'per': 'second', 'inv': true}}," DROP));
}

static void firewall_for_others(struct world *world)
{
	put_saved(world, FIREWALL_IPV6, FIREWALL_IPTABLES, "*filter\n:INPUT DROP [0:0]\n");
	put_saved(world, FIREWALL_IPV4, FIREWALL_IPTABLES,
		  "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n-A FORWARD -d 192.168.8.200 -j DROP\n"
		  "-A INPUT -d 192.168.8.20 -p tcp --dport 80 -j DROP\n");
}

/* A port that a container has is forwarded, and meets no rule of the input hook. */
static void firewall_of_a_container(struct world *world)
{
	put_saved(world, FIREWALL_IPV4, FIREWALL_IPTABLES,
		  "*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n"
		  "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n"
		  "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n"
		  "*filter\n:INPUT DROP [0:0]\nCOMMIT\n");
}

static void (*const healthy[])(struct world *) = {
	as_it_is,
	with_ipv6,
	with_nat,
	on_a_tunnel,
	answered_by_a_virtual_router,
	answered_where_no_director_can_be_asked,
	here_is_the_master,
	silent_by_8,
	silent_by_3_with_scope_host,
	silent_by_a_table,
	silent_by_the_filter,
	silent_by_arptables,
	on_eth0_and_silent_by_a_table,
	loose_filter,
	strict_filter_on_the_way_back,
	listens_on_the_vip,
	listens_on_both_families,
	firewall_lets_in,
	firewall_lets_in_first,
	firewall_keeps_to_a_rate,
	firewall_for_others,
	firewall_of_a_container,
};

START_TEST(where_all_is_well_nothing_is_found)
{
	auto_arena *arena = arena_new(0);
	struct doctor_findings findings;
	struct world world;

	world_init(&world, arena);
	with_dr(&world);
	healthy[_i](&world);
	findings = world_judge(&world);
	ck_assert_uint_gt(findings.count, 4);
	for (size_t i = 0; i < findings.count; i++)
		ck_assert_msg(findings.items[i].severity == DOCTOR_OK, "%s", all_of(&findings));
}
END_TEST

START_TEST(who_passes_with_the_boot_is_told_how_to_last)
{
	auto_arena *arena = arena_new(0);
	struct doctor_findings findings;
	struct world world;

	world_init(&world, arena);
	with_dr(&world);
	world.wanted.lasting = DOCTOR_PASSES;
	findings = world_judge(&world);
	ck_assert_str_eq(findings.items[0].text, "lbha-rs has set this host up, until the next boot");
	ck_assert_str_eq(findings.items[0].command, "lbha-rs setup --persist");
	ck_assert_int_eq(findings.items[0].severity, DOCTOR_OK);
	world.wanted.lasting = DOCTOR_LASTS;
	findings = world_judge(&world);
	ck_assert_ptr_null(findings.items[0].command);
}
END_TEST

/* ---- what is asked ---- */

START_TEST(what_needs_no_setup_is_not_missed)
{
	auto_arena *arena = arena_new(0);
	struct doctor_findings findings;
	struct world world;

	world_init(&world, arena);
	put_vip(&world, "192.0.2.80", FORWARDING_FULLNAT, "");
	put_port(&world, "192.168.8.20:80", PROTOCOL_TCP);
	world.wanted.journal = JOURNAL_NONE;
	findings = world_judge(&world);
	for (size_t i = 0; i < findings.count; i++)
		ck_assert_msg(findings.items[i].severity == DOCTOR_OK, "%s", all_of(&findings));
	ck_assert_str_eq(findings.items[0].text,
			 "nothing has to be set up for the services of this host");
}
END_TEST

START_TEST(a_segment_is_asked_from_an_address_of_its_own_and_never_from_a_vip)
{
	auto_arena *arena = arena_new(0);
	struct addr own = addr_of("192.168.8.20"), vip = addr_of("192.168.8.200");
	struct world world;

	world_init(&world, arena);
	with_dr(&world);
	world.addresses[1] = world.addresses[0]; /* the VIP comes first on eth0 */
	put_address(&world, ETH0, "192.168.8.200/24");
	put_address(&world, ETH0, "192.168.8.20/24");
	world_judge(&world);
	ck_assert_uint_eq(world.sight.question_count, 3); /* the VIP and two directors */
	for (size_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(world.sight.questions[i].link, ETH0);
		ck_assert(addr_equal(&world.sight.questions[i].source, &own));
	}
	ck_assert(addr_equal(&world.sight.questions[0].target, &vip));
}
END_TEST

START_TEST(a_vip_of_another_network_is_asked_for_where_a_director_is)
{
	auto_arena *arena = arena_new(0);
	struct doctor_findings findings;
	struct world world;

	world_init(&world, arena);
	put_vip(&world, "203.0.113.80", FORWARDING_DR, "");
	put_address(&world, LO, "203.0.113.80/32")->scope = ADDRESS_SCOPE_HOST;
	findings = world_judge(&world);
	ck_assert_uint_eq(world.sight.question_count, 3);
	ck_assert(!world.sight.questions[0].native);
	for (size_t i = 0; i < findings.count; i++) /* that nobody answers there is as it should be */
		ck_assert_msg(findings.items[i].severity == DOCTOR_OK, "%s", all_of(&findings));
}
END_TEST

/* ---- the case ---- */

START_TEST(ports_are_the_vips_for_dr_and_our_own_for_nat)
{
	auto_arena *arena = arena_new(0);
	struct endpoint listen[] = {endpoint_of("192.168.8.200:80"), endpoint_of("192.168.8.200:443")};
	struct real_server dr = {.address = endpoint_of("192.168.8.20"), .forwarding = FORWARDING_DR};
	struct real_server nat = {.address = endpoint_of("192.168.8.20:8080"),
				  .forwarding = FORWARDING_NAT};
	struct real_server other = {.address = endpoint_of("192.168.8.99"),
				    .forwarding = FORWARDING_DR};
	struct service services[] = {
		{.name = "web", .listen = listen, .listen_count = 2, .real_servers = &dr,
		 .real_server_count = 1, .protocols = PROTOCOL_TCP},
		{.name = "old", .listen = listen, .listen_count = 1, .real_servers = &nat,
		 .real_server_count = 1, .protocols = PROTOCOL_TCP | PROTOCOL_UDP,
		 .gateway = addr_of("192.168.8.1")},
		{.name = "not ours", .listen = listen, .listen_count = 1, .real_servers = &other,
		 .real_server_count = 1, .protocols = PROTOCOL_TCP},
	};
	struct director directors[] = {{.name = "lb1", .address = addr_of("192.168.8.10")},
				       {.name = "lb2"}};
	struct model model = {.services = services, .service_count = 3, .directors = directors,
			      .director_count = 2};
	struct world world;
	struct doctor_case wanted;
	char text[ENDPOINT_TEXT];

	world_init(&world, arena);
	ck_assert_int_eq(
		doctor_case_of_model(arena, &model, NULL, &world.sight.addresses, &wanted), 0);
	ck_assert_uint_eq(wanted.vip_count, 2); /* of web and of old */
	ck_assert_uint_eq(wanted.port_count, 4);
	ck_assert_str_eq(endpoint_format(&wanted.ports[1].at, text), "192.168.8.200:443");
	ck_assert_str_eq(endpoint_format(&wanted.ports[2].at, text), "192.168.8.20:8080");
	ck_assert_uint_eq(wanted.ports[3].protocol, PROTOCOL_UDP);
	ck_assert_uint_eq(wanted.director_count, 1); /* lb2 has no address */
	ck_assert_int_eq(
		doctor_case_of_model(arena, &model, "web", &world.sight.addresses, &wanted), 0);
	ck_assert_uint_eq(wanted.port_count, 2);
}
END_TEST

static TCase *findings_case(void)
{
	TCase *tcase = CASE("findings",
			    who_passes_with_the_boot_is_told_how_to_last,
			    what_needs_no_setup_is_not_missed,
			    a_segment_is_asked_from_an_address_of_its_own_and_never_from_a_vip,
			    a_vip_of_another_network_is_asked_for_where_a_director_is,
			    ports_are_the_vips_for_dr_and_our_own_for_nat);

	tcase_add_loop_test(tcase, each_illness_is_named_with_what_mends_it, 0,
			    COUNT_OF(illnesses));
	tcase_add_loop_test(tcase, where_all_is_well_nothing_is_found, 0, COUNT_OF(healthy));
	return tcase;
}

int main(void)
{
	return SUITE_RUN("rs-doctor", findings_case());
}
