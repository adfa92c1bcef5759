/* `lbhactl doctor`: facts in, findings out, by table; and what rules make of packets. */
#include <errno.h>
#include <linux/if_addr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "config/compile.h"
#include "ctl/exam_force.h"
#include "net/firewall_nft_io.h"
#include "net/firewall_save.h"
#include "net/firewall_words.h"
#include "suite.h"

#define ETH0 2
#define ETH1 3

static struct arena *arena;
static struct exam_sight sight;
static struct link links[3];
static const struct model *model;

static const char base[] = "directors:\n"
			   "  lb1: {address: 192.168.8.10, priority: 150}\n"
			   "  lb2: {address: 192.168.8.11}\n"
			   "vrrp:\n"
			   "  - name: public\n"
			   "    interface: eth0\n"
			   "    virtual_router_id: 51\n"
			   "    virtual_addresses: [192.168.8.200/24]\n";
static const char web[] = "services:\n"
			  "  - name: web\n"
			  "    listen: 192.168.8.200:80\n"
			  "    scheduler: wlc\n"
			  "    forwarding: dr\n"
			  "    check: {type: tcp}\n"
			  "    real_servers: [192.168.8.20]\n";

static struct addr addr_of(const char *text)
{
	struct addr address;

	ck_assert_int_eq(addr_parse(text, &address), 0);
	return address;
}

static const struct model *compile(const char *text)
{
	struct config_files files = {0};
	struct diagnostics diagnostics;
	struct config_tree *tree;
	const struct model *out;

	diagnostics_init(&diagnostics, arena);
	tree = config_load(arena, &files, "t.conf", text, strlen(text), &diagnostics);
	ck_assert_ptr_nonnull(tree);
	out = config_compile(arena, tree, "lb1", 1, &diagnostics);
	ck_assert_msg(out, "not compiled: %s", diagnostics.count ? diagnostics.items[0].text : "?");
	return out;
}

/* A machine on which all is well. */
static void begin(const char *text)
{
	static struct exam_speaker speaker;
	static struct addr vip;

	arena = arena_new(0);
	model = compile(text);
	links[0] = (struct link){.index = 1, .name = "lo", .up = true, .running = true, .loopback = true};
	links[1] = (struct link){.index = ETH0, .name = "eth0", .up = true, .running = true, .arp = true,
				 .mtu = 1500, .mac = {2, 0, 0, 0, 0, 10}};
	links[2] = (struct link){.index = ETH1, .name = "eth1", .up = true, .running = true, .arp = true,
				 .mtu = 1500, .mac = {2, 0, 0, 0, 1, 10}};
	sight = (struct exam_sight){.file = "lbha.conf", .run_dir = "/run/lbha", .state_dir = "/var/lib/lbha",
				    .is_root = true, .user = "root", .daemon = EXAM_DAEMON_RUNS,
				    .links = links, .link_count = 3, .clock_known = true,
				    .clock_synchronised = true, .listened = NSTIME_S,
				    .has_ipvs = true, .is_in_force_known = true};
	sight.rights = (struct exam_rights){.bounding = UINT64_MAX, .files = 20000, .memlock = UINT64_MAX};
	vip = addr_of("192.168.8.200");
	speaker = (struct exam_speaker){.link = ETH0, .source = addr_of("192.168.8.11"),
					.mac = {2, 0, 0, 0, 0, 11}, .version = 3,
					.virtual_router_id = 51, .priority = 100,
					.interval = NSTIME_S, .addresses = &vip, .address_count = 1};
	sight.speakers = &speaker;
	sight.speaker_count = 1;
}

static void put_address(uint32_t link, const char *text)
{
	struct address *room = arena_push(arena, &sight.addresses.items, &sight.addresses.count, sizeof(*room));
	struct prefix prefix;

	ck_assert_int_eq(prefix_parse(text, &prefix), 0);
	*room = address_ours(link, &prefix);
}

static void put_sysctl(const char *path, int64_t value)
{
	struct sysctl_value *room = arena_push(arena, &sight.sysctls, &sight.sysctl_count, sizeof(*room));

	snprintf(room->path, sizeof(room->path), "%s", path);
	room->value = value;
}

static void put_way(const char *to, uint32_t link, int error)
{
	struct route_way *room = arena_push(arena, &sight.ways, &sight.way_count, sizeof(*room));

	*room = (struct route_way){.to = addr_of(to), .link = link, .error = error};
}

static void put_speaker(const char *source, unsigned priority, const char *vip)
{
	struct exam_speaker *room = arena_array(arena, 2, sizeof(*room));
	struct addr *addresses = arena_alloc(arena, sizeof(*addresses));

	*addresses = addr_of(vip);
	room[0] = sight.speakers[0];
	room[1] = sight.speakers[0];
	room[1].source = addr_of(source);
	room[1].mac[5] = 66;
	room[1].priority = (uint8_t)priority;
	room[1].addresses = addresses;
	sight.speakers = room;
	sight.speaker_count = 2;
}

static struct findings judge(void)
{
	struct findings out;

	if (!sight.addresses.count)
		put_address(ETH0, "192.168.8.10/24");
	ck_assert_int_eq(exam_judge(arena, model, &sight, &out), 0);
	return out;
}

/* Exactly one finding that is not well. */
static const struct finding *only(void)
{
	struct findings found = judge();
	const struct finding *ill = NULL;

	for (size_t i = 0; i < found.count; i++) {
		if (found.items[i].severity == FINDING_OK)
			continue;
		ck_assert_msg(!ill, "two: %s; %s", ill ? ill->text : "", found.items[i].text);
		ill = &found.items[i];
	}
	ck_assert_msg(ill, "nothing is wrong");
	return ill;
}

static void end(void)
{
	arena_free(arena);
}

static void expect(enum finding_severity severity, const char *subject, const char *text,
		   const char *command)
{
	const struct finding *one = only();

	ck_assert_msg(one->severity == severity && !strcmp(one->subject, subject) && strstr(one->text, text),
		      "%s/%s: %s", finding_severity_name(one->severity), one->subject, one->text);
	ck_assert_msg(command ? one->command && strstr(one->command, command) : !one->command, "command: %s",
		      one->command ? one->command : "none");
	end();
}

static const char *joined(const char *first, const char *second)
{
	static char text[4096];

	snprintf(text, sizeof(text), "%s%s", first, second);
	return text;
}

static const char *full(void)
{
	return joined(base, web);
}

START_TEST(a_director_on_which_all_is_well_gets_no_complaint)
{
	struct findings found;

	begin(full());
	found = judge();
	for (size_t i = 0; i < found.count; i++)
		ck_assert_msg(found.items[i].severity == FINDING_OK, "%s", found.items[i].text);
	ck_assert_uint_ge(found.count, 4);
	end();
}
END_TEST

START_TEST(a_missing_scheduler_is_named_as_its_module)
{
	struct exam_module modules[] = {{"ip_vs", EXAM_MODULE_IN}, {"ip_vs_wlc", EXAM_MODULE_MISSING}};

	begin(full());
	sight.modules = modules;
	sight.module_count = 2;
	sight.distribution = EXAM_UBUNTU;
	expect(FINDING_PROBLEM, "module", "no module ip_vs_wlc", "apt install linux-modules-extra-$(uname -r)");
	begin(full());
	sight.modules = modules;
	sight.module_count = 2;
	sight.distribution = EXAM_RED_HAT;
	expect(FINDING_PROBLEM, "module", "no module ip_vs_wlc", "kernel-modules-extra-$(uname -r)");
}
END_TEST

START_TEST(whose_packages_a_machine_has_is_in_its_os_release)
{
	ck_assert_int_eq(exam_distribution_of("NAME=\"Debian GNU/Linux\"\nID=debian\n"), EXAM_DEBIAN);
	ck_assert_int_eq(exam_distribution_of("ID=ubuntu\nID_LIKE=debian\n"), EXAM_UBUNTU);
	ck_assert_int_eq(exam_distribution_of("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"), EXAM_RED_HAT);
	ck_assert_int_eq(exam_distribution_of("ID=fedora"), EXAM_RED_HAT);
	ck_assert_int_eq(exam_distribution_of("ID=arch\nHOME=debian\nID_LIKE=\"\"\n"), EXAM_ANY_DISTRIBUTION);
	ck_assert_int_eq(exam_distribution_of(""), EXAM_ANY_DISTRIBUTION);
}
END_TEST

START_TEST(modules_that_an_upgrade_took_away_come_back_with_a_reboot)
{
	struct exam_module modules[] = {{"ip_vs", EXAM_MODULE_GONE}, {"ip_vs_wlc", EXAM_MODULE_GONE}};

	begin(full());
	sight.modules = modules;
	sight.module_count = 1;
	sight.has_ipvs = false;
	sight.release = "6.1.0-1";
	expect(FINDING_PROBLEM, "module", "/lib/modules/6.1.0-1 is gone, as it is after an upgrade of the kernel without a reboot",
	       "systemctl reboot");
	begin(full());
	sight.modules = modules + 1;
	sight.module_count = 1;
	expect(FINDING_WARNING, "module", "module ip_vs_wlc is not loaded", "systemctl reboot");
}
END_TEST

START_TEST(a_container_cannot_load_a_module_that_is_only_there)
{
	struct exam_module module = {"macvlan", EXAM_MODULE_THERE};
	struct findings found;

	begin(base);
	sight.modules = &module;
	sight.module_count = 1;
	sight.is_container = true;
	found = judge();
	for (size_t i = 0; i < found.count; i++)
		ck_assert_msg(!strstr(found.items[i].text, "has the modules"), "%s", found.items[i].text);
	expect(FINDING_WARNING, "module", "a container cannot load it", "modprobe macvlan    # on the container's host");
}
END_TEST

START_TEST(modules_follow_from_the_file)
{
	static const char *const wanted[] = {"ip_vs", "ip_vs_sh", "ip_vs_pe_sip", "nf_conntrack", "nf_tables", "macvlan"};

	begin("directors: {lb1: {address: 192.168.8.10}}\n"
	      "vrrp: [{name: v, interface: eth0, virtual_router_id: 1, virtual_mac: true, virtual_addresses: [10.0.0.1/24]}]\n"
	      "services: [{name: s, listen: '10.0.0.1:5060', protocol: udp, scheduler: sh, forwarding: fullnat,\n"
	      "  persistence: {timeout: 60s, engine: sip}, real_servers: [10.0.0.9]}]\n");
	ck_assert_int_eq(exam_modules(arena, model, &sight), 0);
	ck_assert_uint_eq(sight.module_count, COUNT_OF(wanted));
	for (size_t i = 0; i < COUNT_OF(wanted); i++)
		ck_assert_str_eq(sight.modules[i].name, wanted[i]);
	end();
}
END_TEST

START_TEST(a_sysctl_that_was_set_back_is_told_only_while_lbhad_runs)
{
	static const char nat[] = "services: [{name: s, listen: '192.168.8.200:80', forwarding: nat, real_servers: [10.0.0.9]}]\n";

	begin(joined(base, nat));
	put_sysctl("net/ipv4/ip_forward", 0);
	expect(FINDING_PROBLEM, "sysctl", "net/ipv4/ip_forward is 0, not 1", "sysctl -w net.ipv4.ip_forward=1");
	begin(joined(base, nat));
	put_sysctl("net/ipv4/ip_forward", 0);
	sight.daemon = EXAM_DAEMON_NONE;
	expect(FINDING_WARNING, "daemon", "no lbhad runs here", "systemctl start lbha");
}
END_TEST

START_TEST(a_full_table_of_connections_is_a_problem)
{
	begin(full());
	put_sysctl("net/netfilter/nf_conntrack_max", 1000);
	sight.conntrack_count = 950;
	expect(FINDING_PROBLEM, "sysctl", "950 of 1000 tracked connections", "nf_conntrack_max=2000");
}
END_TEST

START_TEST(services_of_the_kernel_that_the_file_has_not_are_foreign)
{
	struct exam_service services[] = {{.protocol = PROTOCOL_TCP}, {.protocol = PROTOCOL_UDP}, {.mark = 7}};

	begin(full());
	ck_assert_int_eq(endpoint_parse("192.168.8.200:80", &services[0].at), 0);
	ck_assert_int_eq(endpoint_parse("192.168.8.200:80", &services[1].at), 0);
	sight.services = services;
	sight.service_count = 2;
	expect(FINDING_WARNING, "ipvs", "192.168.8.200:80, which is not in", "ipvsadm -D -u 192.168.8.200:80");
	begin(full());
	sight.services = &services[2];
	sight.service_count = 1;
	expect(FINDING_WARNING, "ipvs", "balances mark 7", "ipvsadm -L -n -f 7    # whose is it? ipvsadm -D -f 7");
}
END_TEST

START_TEST(services_that_are_in_force_are_not_foreign)
{
	static const char told[] = "[{\"listen\": [\"192.168.8.200:443\", \"192.168.8.200:53\"], \"fwmark\": null, \"protocol\": \"tcp,udp\"},"
				   " {\"listen\": [], \"fwmark\": 7, \"protocol\": \"tcp\"}, {}, 1]";
	struct exam_service services[] = {{.protocol = PROTOCOL_UDP}, {.mark = 7}, {.protocol = PROTOCOL_SCTP}};
	json_t *json = json_loads(told, 0, NULL);

	ck_assert_int_eq(endpoint_parse("192.168.8.200:53", &services[0].at), 0);
	ck_assert_int_eq(endpoint_parse("192.168.8.200:53", &services[2].at), 0);
	begin(full());
	ck_assert_int_eq(exam_in_force(arena, json, &sight), 0);
	sight.services = services;
	sight.service_count = 2;
	expect(FINDING_WARNING, "ipvs", "lbhad balances 192.168.8.200:53 and 1 more, which are not in lbha.conf", "lbhactl plan lbha.conf");
	begin(full());
	ck_assert_int_eq(exam_in_force(arena, json, &sight), 0);
	sight.services = services + 2;
	sight.service_count = 1;
	expect(FINDING_WARNING, "ipvs", "somebody else programs IPVS here", "ipvsadm -L -n --sctp-service 192.168.8.200:53");
	json_decref(json);
}
END_TEST

START_TEST(whose_a_service_is_nobody_knows_while_lbhad_does_not_tell)
{
	struct exam_service service = {.mark = 7};

	begin(full());
	sight.is_in_force_known = false;
	sight.services = &service;
	sight.service_count = 1;
	expect(FINDING_UNKNOWN, "ipvs", "could not be asked", "ipvsadm -L -n -f 7");
}
END_TEST

/* ---- vrrp ---- */

START_TEST(a_stranger_under_our_number_gets_another_number)
{
	begin(base);
	put_speaker("192.168.8.77", 100, "192.168.8.99");
	expect(FINDING_PROBLEM, "vrrp", "another virtual router with virtual_router_id 51", "virtual_router_id: 52");
}
END_TEST

START_TEST(two_masters_are_a_problem)
{
	begin(base);
	put_speaker("192.168.8.10", 150, "192.168.8.200");
	sight.speakers[1].ours = true;
	put_address(ETH0, "192.168.8.10/24");
	expect(FINDING_PROBLEM, "vrrp", "has two masters: 192.168.8.11 (priority 100) and 192.168.8.10 (priority 150)",
	       "lbhactl vrrp");
}
END_TEST

START_TEST(what_a_peer_says_must_be_what_we_say)
{
	struct addr both[2];

	begin(base);
	sight.speakers[0].interval = 3 * NSTIME_S;
	expect(FINDING_WARNING, "vrrp", "every 3s, and this director is told 1s", "advert_interval: 3s");
	begin(base);
	sight.speakers[0].version = 2;
	expect(FINDING_PROBLEM, "vrrp", "speaks version 2", "version: 2");
	begin(base);
	both[0] = addr_of("192.168.8.200");
	both[1] = addr_of("192.168.8.201");
	sight.speakers[0].addresses = both;
	sight.speakers[0].address_count = 2;
	expect(FINDING_PROBLEM, "vrrp", "2 addresses for instance public, 1 of them among the 1", "virtual_addresses");
	begin(base);
	sight.speakers[0].source = addr_of("192.168.8.12");
	expect(FINDING_WARNING, "vrrp", "and is no director of lbha.conf", "ssh 192.168.8.12 \"pgrep -a");
}
END_TEST

/* ---- where directors are called otherwise ---- */

static const char two_nets[] = "directors: {lb1: {address: 192.168.8.10}, lb2: {address: 192.168.8.11}}\n"
			       "vrrp:\n"
			       "  - {name: public, interface: eth0, virtual_router_id: 51, virtual_addresses: [192.168.8.200/24]}\n"
			       "  - {name: inside, interface: eth1, virtual_router_id: 51, virtual_addresses: [10.0.0.100/24]}\n";

static void begin_two_nets(void)
{
	begin(two_nets);
	put_address(ETH0, "192.168.8.10/24");
	put_address(ETH1, "10.0.0.10/24");
	put_speaker("10.0.0.11", 100, "10.0.0.100");
	sight.speakers[1].link = ETH1;
}

static void read_save(const char *rules, enum firewall_family family)
{
	const char *text = arena_printf(arena, "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n%s\nCOMMIT\n", rules);

	ck_assert_int_eq(firewall_read_save(arena, text, family, FIREWALL_IPTABLES, &sight.firewall), 0);
}

static void expect_well(void)
{
	struct findings found = judge();

	for (size_t i = 0; i < found.count; i++)
		ck_assert_msg(found.items[i].severity == FINDING_OK, "%s", found.items[i].text);
	end();
}

START_TEST(a_director_is_no_stranger_where_it_has_not_its_general_address)
{
	begin_two_nets();
	expect_well();
	begin_two_nets();
	sight.speakers[0].source = addr_of("192.168.8.12");
	expect(FINDING_WARNING, "vrrp", "192.168.8.12 (02:00:00:00:00:0b) advertises the addresses of instance public", "pgrep");
}
END_TEST

START_TEST(rules_are_asked_about_the_address_that_adverts_come_from)
{
	static const char only_inner[] = "-A INPUT -s 10.0.0.11/32 -i eth1 -j ACCEPT\n-A INPUT -i eth1 -p 112 -j DROP",
			  only_general[] = "-A INPUT -s 192.168.8.11/32 -p 112 -j ACCEPT\n-A INPUT -p 112 -j DROP",
			  own[] = "-A OUTPUT -s 10.0.0.10/32 -o eth1 -j ACCEPT\n-A OUTPUT -o eth1 -j DROP";

	begin_two_nets();
	read_save(only_inner, FIREWALL_IPV4);
	expect_well();
	begin_two_nets();
	read_save(only_general, FIREWALL_IPV4);
	expect(FINDING_PROBLEM, "firewall", "drops adverts of others for instance inside", "iptables");
	begin_two_nets();
	read_save(own, FIREWALL_IPV4);
	expect_well();
	/* nobody was heard there, so nobody knows */
	begin_two_nets();
	sight.speaker_count = 1;
	sight.listened = NSTIME_MS;
	read_save(only_inner, FIREWALL_IPV4);
	expect(FINDING_WARNING, "firewall", "may drop adverts of others for instance inside", "iptables");
}
END_TEST

START_TEST(ipv6_multicast_comes_from_link_local_addresses)
{
	static const char six[] = "directors: {lb1: {address: '2001:db8::10'}, lb2: {address: '2001:db8::11'}}\n"
				  "vrrp: [{name: six, interface: eth0, virtual_router_id: 52, virtual_addresses: ['fe80::200/64']}]\n";

	begin(six);
	put_address(ETH0, "2001:db8::10/64");
	put_address(ETH0, "fe80::10/64");
	sight.listened = NSTIME_MS;
	read_save("-A INPUT -s fe80::/10 -p 112 -j ACCEPT\n-A INPUT -p 112 -j DROP", FIREWALL_IPV6);
	expect_well();
	begin(six);
	put_address(ETH0, "2001:db8::10/64");
	put_address(ETH0, "fe80::10/64");
	sight.listened = NSTIME_MS;
	read_save("-A INPUT -s 2001:db8::/64 -p 112 -j ACCEPT\n-A INPUT -p 112 -j DROP", FIREWALL_IPV6);
	expect(FINDING_WARNING, "firewall", "may drop adverts of others for instance six", "ip6tables");
}
END_TEST

START_TEST(an_instance_needs_an_address_to_advertise_from)
{
	begin(two_nets);
	put_address(ETH0, "192.168.8.10/24");
	put_address(ETH1, "10.0.0.100/24");
	sight.listened = NSTIME_MS;
	expect(FINDING_PROBLEM, "link", "eth1 has no IPv4 address to send adverts of instance inside from", "dev eth1");
	begin("directors: {lb1: {address: 192.168.8.10}}\n"
	      "vrrp: [{name: public, interface: eth0, virtual_router_id: 51, source: 192.168.8.12, virtual_addresses: [192.168.8.200/24]}]\n");
	expect(FINDING_PROBLEM, "link", "eth0 has not 192.168.8.12, the source of adverts of instance public",
	       "ip address add 192.168.8.12/LENGTH dev eth0");
}
END_TEST

START_TEST(authentication_that_differs_is_a_problem)
{
	begin("directors: {lb1: {address: 192.168.8.10}, lb2: {address: 192.168.8.11}}\n"
	      "vrrp: [{name: public, interface: eth0, virtual_router_id: 51, version: 2,\n"
	      "  virtual_addresses: [192.168.8.200/24]}]\n");
	sight.speakers[0].version = 2;
	sight.speakers[0].auth = VRRP_AUTH_PASS;
	expect(FINDING_PROBLEM, "vrrp", "by pass, and this director by none", "authentication: type: pass");
}
END_TEST

/* ---- who has the VIPs ---- */

static void answer(uint8_t last)
{
	struct ask_answer *room = arena_push(arena, &sight.ask.answers, &sight.ask.answer_count, sizeof(*room));

	*room = (struct ask_answer){ETH0, addr_of("192.168.8.200"), {2, 0, 0, 0, 0, last}};
}

START_TEST(only_the_machine_that_advertises_may_answer)
{
	struct findings found;

	begin(base);
	answer(11);
	found = judge();
	ck_assert_uint_eq(findings_count(&found, FINDING_PROBLEM), 0);
	end();
	begin(base);
	answer(11);
	answer(66);
	expect(FINDING_PROBLEM, "owner", "02:00:00:00:00:42 answers for 192.168.8.200 on eth0, but 192.168.8.11",
	       "ip address del 192.168.8.200/24 dev INTERFACE    # on the machine with 02:00:00:00:00:42");
	begin(base);
	put_address(ETH0, "192.168.8.10/24");
	put_address(ETH0, "192.168.8.200/24");
	answer(66);
	expect(FINDING_PROBLEM, "owner", "which this director has", "ip address del");
	begin(base);
	put_address(ETH0, "192.168.8.10/24");
	put_address(ETH0, "192.168.8.200/24");
	answer(11);
	expect(FINDING_PROBLEM, "owner", "this director has 192.168.8.200 on eth0, but 192.168.8.11",
	       "ip address del 192.168.8.200/24 dev eth0");
}
END_TEST

START_TEST(of_two_masters_none_is_told_to_give_the_address_away)
{
	struct findings found;

	begin(base);
	put_address(ETH0, "192.168.8.10/24");
	put_address(ETH0, "192.168.8.200/24");
	put_speaker("192.168.8.10", 150, "192.168.8.200");
	sight.speakers[1].ours = true;
	answer(11);
	found = judge();
	ck_assert_uint_eq(findings_count(&found, FINDING_PROBLEM), 1);
	for (size_t i = 0; i < found.count; i++)
		ck_assert_msg(!strstr(found.items[i].text, "answers for") &&
				      !(found.items[i].command && strstr(found.items[i].command, "del")),
			      "%s", found.items[i].text);
	end();
}
END_TEST

/* ---- links ---- */

START_TEST(an_interface_must_be_there_and_up)
{
	begin(base);
	links[1].up = links[1].running = false;
	expect(FINDING_PROBLEM, "link", "interface eth0, of instance public, is down", "ip link set eth0 up");
	begin(base);
	links[1].running = false;
	expect(FINDING_PROBLEM, "link", "has no carrier", "ethtool eth0");
}
END_TEST

START_TEST(a_strict_filter_counts_where_the_way_back_is_another)
{
	begin(full());
	put_way("198.51.100.1", ETH1, 0);
	put_sysctl("net/ipv4/conf/all/rp_filter", 1);
	put_sysctl("net/ipv4/conf/eth0/rp_filter", 0);
	expect(FINDING_WARNING, "sysctl", "clients of service web that come in there from elsewhere than its own network",
	       "net.ipv4.conf.eth0.rp_filter=2");
}
END_TEST

START_TEST(a_strict_filter_is_no_matter_where_no_client_comes_from_far_away)
{
	/* no service listens there: a gateway of servers */
	begin(base);
	put_way("198.51.100.1", ETH1, 0);
	put_sysctl("net/ipv4/conf/eth0/rp_filter", 1);
	expect_well();
	/* a rule sends answers of the VIP back where clients came from */
	begin(full());
	put_address(ETH0, "192.168.8.10/24");
	put_address(ETH0, "192.168.8.200/24");
	put_way("198.51.100.1", ETH1, 0);
	put_way("198.51.100.1", ETH0, 0);
	sight.ways[1].from = addr_of("192.168.8.200");
	put_sysctl("net/ipv4/conf/eth0/rp_filter", 1);
	expect_well();
	/* and while the VIP is not here nobody can ask what rules make of it */
	begin(full());
	put_way("198.51.100.1", ETH1, 0);
	sight.has_policy = true;
	put_sysctl("net/ipv4/conf/eth0/rp_filter", 1);
	expect_well();
	/* the interface of a virtual MAC is lbhad's */
	begin(joined("directors: {lb1: {address: 192.168.8.10}, lb2: {address: 192.168.8.11}}\n"
		     "vrrp: [{name: public, interface: eth0, virtual_router_id: 51, virtual_mac: true, virtual_addresses: [192.168.8.200/24]}]\n", web));
	put_way("198.51.100.1", ETH1, 0);
	put_sysctl("net/ipv4/conf/eth0/rp_filter", 1);
	expect_well();
}
END_TEST

START_TEST(a_way_back_is_asked_from_each_address_that_is_here)
{
	begin(full());
	ck_assert_int_eq(exam_ways(arena, model, &sight), 0);
	for (size_t i = 0; i < sight.way_count; i++)
		ck_assert_int_eq(sight.ways[i].from.family, 0);
	put_address(ETH0, "192.168.8.200/24");
	ck_assert_int_eq(exam_ways(arena, model, &sight), 0);
	ck_assert(addr_equal(&sight.ways[sight.way_count - 1].from, &model->instances[0].virtual_addresses[0].address.address));
	end();
}
END_TEST

START_TEST(a_link_with_a_dot_in_its_name_is_named_so_that_sysctl_finds_it)
{
	begin("directors: {lb1: {address: 192.168.8.10}}\n"
	      "vrrp: [{name: six, interface: eth0.100, virtual_router_id: 52, virtual_addresses: ['fe80::200/64']}]\n");
	strcpy(links[1].name, "eth0.100");
	sight.listened = NSTIME_MS;
	put_sysctl("net/ipv6/conf/eth0.100/disable_ipv6", 1);
	expect(FINDING_PROBLEM, "link", "IPv6 is disabled on eth0.100", "sysctl -w net/ipv6/conf/eth0.100/disable_ipv6=0");
}
END_TEST

START_TEST(a_vip_on_lo_wants_silence)
{
	begin(base);
	put_address(1, "192.168.8.200/32");
	put_address(ETH0, "192.168.8.10/24");
	put_sysctl("net/ipv4/conf/all/arp_ignore", 0);
	put_sysctl("net/ipv4/conf/eth0/arp_ignore", 0);
	expect(FINDING_PROBLEM, "sysctl", "192.168.8.200 is on lo, and arp_ignore in effect on eth0 is 0", "arp_ignore=1");
}
END_TEST

START_TEST(a_vip_that_failed_detection_is_put_in_anew)
{
	begin("directors: {lb1: {address: 192.168.8.10}}\n"
	      "vrrp: [{name: six, interface: eth0, virtual_router_id: 52, virtual_addresses: ['fe80::200/64']}]\n");
	put_address(ETH0, "fe80::10/64");
	put_address(ETH0, "fe80::200/64");
	sight.addresses.items[1].flags |= IFA_F_DADFAILED;
	sight.listened = NSTIME_MS;
	sight.speaker_count = 0;
	expect(FINDING_PROBLEM, "link", "duplicate address detection failed for fe80::200", "ip address del fe80::200/64 dev eth0");
}
END_TEST

START_TEST(servers_behind_a_smaller_mtu_are_told)
{
	begin(full());
	links[2].mtu = 1400;
	put_way("192.168.8.20", ETH1, 0);
	expect(FINDING_WARNING, "mtu", "behind eth1 with 1400", "ip link set eth1 mtu 1500");
}
END_TEST

START_TEST(networkd_must_keep_what_it_did_not_make)
{
	struct exam_manager managers[] = {{.kind = EXAM_NETWORKD, .link = ETH0, .file = "/etc/systemd/network/10-lan.network"},
					  {.kind = EXAM_NETWORKD, .link = ETH1, .file = "/run/systemd/network/10-netplan-eth1.network"}};

	begin_two_nets();
	sight.managers = managers;
	sight.manager_count = 2;
	expect(FINDING_PROBLEM, "manager", "systemd-networkd manages eth0 by 10-lan.network, eth1 by 10-netplan-eth1.network without",
	       "> /etc/systemd/network/10-lan.network.d/lbha.conf && mkdir -p /etc/systemd/network/10-netplan-eth1.network.d && "
	       "printf '[Network]\\nKeepConfiguration=static\\n' > /etc/systemd/network/10-netplan-eth1.network.d/lbha.conf && "
	       "networkctl reload");
	/* one file for both */
	managers[1].file = managers[0].file;
	begin_two_nets();
	sight.managers = managers;
	sight.manager_count = 2;
	expect(FINDING_PROBLEM, "manager", "eth0 by 10-lan.network, eth1 by 10-lan.network", "lbha.conf && networkctl reload");
	managers[0].keeps = managers[1].keeps = true;
	begin_two_nets();
	sight.managers = managers;
	sight.manager_count = 2;
	expect_well();
}
END_TEST

START_TEST(networkd_must_leave_routes_of_instances_alone)
{
	static const char routes[] = "directors: {lb1: {address: 192.168.8.10}, lb2: {address: 192.168.8.11}}\n"
				     "vrrp: [{name: public, interface: eth0, virtual_router_id: 51, virtual_addresses: [192.168.8.200/24],\n"
				     "  routes: [{to: 10.1.0.0/16, via: 192.168.8.1}]}]\n";
	struct exam_manager manager = {.kind = EXAM_NETWORKD, .link = ETH0, .keeps = true};

	begin(routes);
	sight.managers = &manager;
	sight.manager_count = 1;
	expect(FINDING_WARNING, "manager", "removes routes that it did not make", "ManageForeignRoutes=no");
	begin(routes);
	sight.managers = &manager;
	sight.manager_count = 1;
	sight.keeps_routes = true;
	expect_well();
	begin(routes);
	manager.keeps_all = true;
	sight.managers = &manager;
	sight.manager_count = 1;
	expect_well();
}
END_TEST

START_TEST(no_interface_is_taken_from_its_manager)
{
	struct exam_manager managers[] = {{.kind = EXAM_NETWORK_MANAGER, .link = ETH0}, {.kind = EXAM_NETWORK_MANAGER, .link = ETH1}};
	struct findings found;
	size_t told = 0;

	begin_two_nets();
	sight.managers = managers;
	sight.manager_count = 2;
	found = judge();
	for (size_t i = 0; i < found.count; i++) {
		ck_assert_msg(found.items[i].severity == FINDING_OK, "%s", found.items[i].text);
		if (strcmp(found.items[i].subject, "manager") != 0)
			continue;
		ck_assert_msg(strstr(found.items[i].text, "manages eth0, eth1:"), "%s", found.items[i].text);
		ck_assert_ptr_null(found.items[i].command);
		told++;
	}
	ck_assert_uint_eq(told, 1);
	end();
	/* the interface of a virtual MAC is nobody's but lbhad's */
	begin("directors: {lb1: {address: 192.168.8.10}, lb2: {address: 192.168.8.11}}\n"
	      "vrrp: [{name: public, interface: eth0, virtual_router_id: 51, virtual_mac: true, virtual_addresses: [192.168.8.200/24]}]\n");
	managers[0].kind = EXAM_NETWORKD;
	sight.managers = managers;
	sight.manager_count = 1;
	expect_well();
}
END_TEST

/* ---- the machine ---- */

START_TEST(the_machine_around_is_judged_fact_by_fact)
{
	const char *user = "lbha-vrrp";
	struct exam_denial denial = {"lbha-checkd", "apparmor=\"DENIED\" operation=\"open\"", false};
	struct exam_fault fault = {"/run/lbha belongs to user 7, not to root", "chown root: /run/lbha"};

	begin(base);
	sight.rights.bounding = ~(UINT64_C(1) << 12); /* CAP_NET_ADMIN */
	expect(FINDING_PROBLEM, "rights", "CAP_NET_ADMIN is not to be had", "--cap-add=NET_ADMIN");
	begin(base);
	sight.rights.scheduler_error = -EPERM;
	expect(FINDING_WARNING, "rights", "is refused to this shell", "systemctl start lbha");
	begin(base);
	sight.rights.runs_timeshared = true;
	expect(FINDING_WARNING, "rights", "lbhad runs without real-time scheduling", "sched_rt_runtime_us");
	begin(full());
	sight.rights.files = 100;
	expect(FINDING_PROBLEM, "rights", "a process may open 100 files", "LimitNOFILE=402");
	begin(base);
	sight.clock_synchronised = false;
	expect(FINDING_WARNING, "clock", "not synchronised", "timedatectl set-ntp true");
	begin(base);
	sight.missing_users = &user;
	sight.missing_user_count = 1;
	expect(FINDING_PROBLEM, "user", "no user lbha-vrrp", "useradd --system");
	begin(base);
	sight.denials = &denial;
	sight.denial_count = 1;
	expect(FINDING_PROBLEM, "denial", "AppArmor denied lbha-checkd", "aa-");
	begin(base);
	denial.selinux = true;
	sight.denials = &denial;
	sight.denial_count = 1;
	expect(FINDING_PROBLEM, "denial", "SELinux denied lbha-checkd", "ausearch -m avc -c lbha-checkd");
	begin(base);
	sight.faults = &fault;
	sight.fault_count = 1;
	expect(FINDING_PROBLEM, "folder", "belongs to user 7", "chown root: /run/lbha");
	begin(base);
	sight.is_root = false;
	sight.user = "nobody";
	expect(FINDING_UNKNOWN, "rights", "nobody looks, not root", "sudo lbhactl doctor");
	begin(base);
	sight.daemon = EXAM_DAEMON_SILENT;
	expect(FINDING_PROBLEM, "daemon", "nobody answers", "journalctl -u lbha");
}
END_TEST

/* auditd's and the kernel's own lines. */
#define AVC "type=AVC msg=audit(1700000100.123:45): avc:  denied  { read } for  pid=7 comm=\"lbhad\" name=\"x\" permissive="
#define APPARMOR "audit: type=1400 audit(1700000100.5:46): apparmor=\"DENIED\" operation=\"open\" comm=\"lbha-vrrp\" requested_mask=\"r\"\n"

START_TEST(denials_count_from_the_start_of_lbhad)
{
	static const struct {
		const char *line;
		int64_t since;
		size_t count;
	} lines[] = {{AVC "0", 1700000100, 1}, {AVC "1", 1700000100, 0}, {AVC "0", 1700000101, 0}, {APPARMOR, 0, 1},
		     {APPARMOR, 1700000101, 0}, {"avc: denied comm=\"sshd\" audit(1700000100.1:1)", 0, 0}, {"audit(", 0, 0}};

	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		begin(base);
		sight.denials_since = lines[i].since;
		exam_read_denial(arena, lines[i].line, &sight);
		ck_assert_msg(sight.denial_count == lines[i].count, "%zu: %s", i, lines[i].line);
		end();
	}
	begin(base);
	exam_read_denial(arena, AVC "0", &sight);
	expect(FINDING_PROBLEM, "denial", "SELinux denied lbhad something: type=AVC", "audit2allow    # what a policy");
}
END_TEST

START_TEST(a_rival_counts_more_when_it_has_what_is_ours)
{
	struct exam_program program = {"keepalived", 77, "virtual_router_id 51\n"};

	begin(base);
	sight.programs = &program;
	sight.program_count = 1;
	expect(FINDING_PROBLEM, "program", "with virtual_router_id 51", "systemctl disable --now keepalived");
	begin(base);
	program.config = "virtual = 192.168.8.200:443";
	sight.programs = &program;
	sight.program_count = 1;
	expect(FINDING_PROBLEM, "program", "with 192.168.8.200", "keepalived");
	begin(base);
	program.config = "virtual_router_id 5\n  virtual_router_id 151\n 1192.168.8.200 192.168.8.2001";
	sight.programs = &program;
	sight.program_count = 1;
	expect(FINDING_WARNING, "program", "keepalived runs here, too", "systemctl status 77");
}
END_TEST

START_TEST(checks_that_cannot_work_here)
{
	struct exam_script script = {"/usr/local/bin/gate", -ENOENT};
	struct exam_certificate certificate = {.path = "/etc/lbha/web.pem", .days_left = 9};

	begin(full());
	put_way("192.168.8.20", 0, -ENETUNREACH);
	expect(FINDING_PROBLEM, "route", "no route to 192.168.8.20", "ip route add 192.168.8.20 via ROUTER");
	begin(base);
	sight.scripts = &script;
	sight.script_count = 1;
	expect(FINDING_PROBLEM, "script", "/usr/local/bin/gate, which a check runs", "ls -l /usr/local/bin/gate");
	begin(base);
	sight.certificates = &certificate;
	sight.certificate_count = 1;
	expect(FINDING_WARNING, "certificate", "the certificate in /etc/lbha/web.pem expires in 9 days", "-certs /etc/lbha/web.pem");
	begin(base);
	certificate.days_left = -2;
	certificate.is_ca = true;
	sight.certificates = &certificate;
	sight.certificate_count = 1;
	expect(FINDING_PROBLEM, "certificate", "the last of the certificates in /etc/lbha/web.pem has expired 2 days ago", "openssl");
}
END_TEST

/* ---- rules ---- */

static const struct {
	const char *rules;
	enum finding_severity severity;
	const char *text, *command; /* NULL: nothing is wrong */
} saves[] = {
	{"-A INPUT -p vrrp -j DROP", FINDING_PROBLEM, "drops adverts of others", "iptables -I INPUT -d 224.0.0.18 -p 112 -j ACCEPT"},
	{"-A INPUT -p 112 -i eth1 -j DROP", FINDING_OK, NULL, NULL},
	{"-A INPUT ! -i eth1 -p 112 -j DROP", FINDING_PROBLEM, "adverts", "iptables"},
	{"-A INPUT -i eth+ -p 112 -j DROP", FINDING_PROBLEM, "adverts", "iptables"},
	{"-A INPUT -s 192.168.8.11/32 -j ACCEPT\n-A INPUT -p 112 -j DROP", FINDING_OK, NULL, NULL},
	{"-A INPUT -s 192.168.8.12/255.255.255.255 -j ACCEPT\n-A INPUT -p 112 -j DROP", FINDING_PROBLEM, "adverts", "iptables"},
	{"-A INPUT -m recent --rcheck --name x -j ACCEPT\n-A INPUT -p 112 -j DROP", FINDING_WARNING, "may drop adverts", "iptables"},
	{"-A INPUT -m limit --limit 1/sec -j DROP", FINDING_OK, NULL, NULL},
	{":odd - [0:0]\n-A INPUT -p 112 -j odd\n-A odd -j RETURN\n-A odd -j DROP", FINDING_OK, NULL, NULL},
	{":odd - [0:0]\n-A INPUT -p 112 -j odd\n-A odd -j REJECT --reject-with icmp-port-unreachable", FINDING_PROBLEM, "a rule in chain INPUT", "iptables"},
	{":odd - [0:0]\n-A INPUT -p 112 -g odd\n-A INPUT -p 112 -j DROP", FINDING_OK, NULL, NULL},
	{"-A OUTPUT -d 224.0.0.0/4 -j DROP", FINDING_PROBLEM, "drops the adverts of instance public", "iptables -I OUTPUT"},
	{"-A OUTPUT -m iprange --dst-range 224.0.0.1-224.0.0.9 -j DROP", FINDING_OK, NULL, NULL},
	{"-A INPUT -p tcp -m tcp --dport 79:81 -j DROP", FINDING_PROBLEM, "clients of service web", "iptables -I INPUT -d 192.168.8.200 -p 6 --dport 80 -j ACCEPT"},
	{"-A INPUT -p tcp -m tcp --dport 81:90 -j DROP", FINDING_OK, NULL, NULL},
	{"-A INPUT -p tcp -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n-A INPUT -p tcp -m comment --comment \"no -j ACCEPT\" -j DROP", FINDING_PROBLEM, "clients of service web", "iptables"},
	{"-A OUTPUT -p tcp -d 192.168.8.20 -j DROP", FINDING_PROBLEM, "tcp probes of 192.168.8.20:80", "iptables -I OUTPUT -d 192.168.8.20 -p 6 --dport 80"},
	{"-A INPUT -p tcp -s 192.168.8.20 -j DROP", FINDING_PROBLEM, "answers to tcp probes of 192.168.8.20:80", "iptables -I INPUT -s 192.168.8.20 -p 6 --sport 80"},
	{"-A INPUT -p tcp --dport 80 -j DROP\nCOMMIT\n*nat\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.9.9.9", FINDING_OK, NULL, NULL},
	{"-A INPUT -p tcp --dport 80 -j DROP\nCOMMIT\n*nat\n:PREROUTING ACCEPT\n-A PREROUTING -s 10.0.0.0/8 -j REDIRECT --to-ports 81", FINDING_OK, NULL, NULL},
	{"-A INPUT -m addrtype --dst-type MULTICAST -j RETURN\n-A INPUT -p 112 -j DROP", FINDING_OK, NULL, NULL},
	{"-A INPUT -m addrtype ! --dst-type LOCAL,BROADCAST -p 112 -j DROP", FINDING_PROBLEM, "adverts", "iptables"},
	{"-A INPUT -m addrtype --dst-type LOCAL -p tcp -m tcp --dport 80 -j DROP", FINDING_PROBLEM, "clients of service web", "iptables"},
	{"-A INPUT -m addrtype --src-type LOCAL -p tcp -m tcp --dport 80 -j DROP", FINDING_OK, NULL, NULL},
	{"-A INPUT -m addrtype --dst-type LOCAL --limit-iface-in -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 80 -j DROP", FINDING_WARNING, "may drop clients", "iptables"},
	{"-A OUTPUT -m addrtype --src-type LOCAL -d 192.168.8.20/32 -p tcp -j REJECT", FINDING_PROBLEM, "tcp probes", "iptables"},
	{"-A OUTPUT -m addrtype --dst-type LOCAL -p tcp -j REJECT", FINDING_OK, NULL, NULL},
	{"-A INPUT -m conntrack --ctstate DNAT -j ACCEPT\n-A INPUT -p 112 -j DROP", FINDING_PROBLEM, "drops adverts", "iptables"},
	{"-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT\n-A INPUT -p 112 -j DROP", FINDING_PROBLEM, "drops adverts", "iptables"},
	{"-A INPUT -m conntrack ! --ctstate DNAT -p 112 -j DROP", FINDING_PROBLEM, "drops adverts", "iptables"},
	{"-A INPUT -m ttl --ttl-eq 255 -j ACCEPT\n-A INPUT -p 112 -j DROP", FINDING_OK, NULL, NULL},
	{"-A INPUT -p igmp -j ACCEPT\n-A INPUT -p 112 -j DROP", FINDING_PROBLEM, "drops adverts", "iptables"},
	{":odd - [0:0]\n-A INPUT -m mark --mark 1 -g odd\n-A odd -p tcp -j ACCEPT\n-A INPUT -p 112 -j DROP", FINDING_WARNING, "may drop adverts", "iptables"},
	{"-A INPUT -p", FINDING_OK, NULL, NULL},
	{"-A nowhere -j DROP\n-A\n:\n* \n\"\n-A INPUT \" -j DROP", FINDING_OK, NULL, NULL},
};

START_TEST(rules_of_iptables_are_told_by_what_they_do)
{
	char text[1024];

	begin(full());
	snprintf(text, sizeof(text), "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n%s\nCOMMIT\n", saves[_i].rules);
	ck_assert_int_eq(firewall_read_save(arena, text, FIREWALL_IPV4, FIREWALL_IPTABLES, &sight.firewall), 0);
	if (saves[_i].text) {
		expect(saves[_i].severity, "firewall", saves[_i].text, saves[_i].command);
	} else {
		struct findings found = judge();

		for (size_t i = 0; i < found.count; i++)
			ck_assert_msg(found.items[i].severity == FINDING_OK, "%s", found.items[i].text);
		end();
	}
}
END_TEST

START_TEST(a_legacy_table_is_no_table_of_nftables)
{
	begin(full());
	ck_assert_int_eq(firewall_read_save(arena, "*raw\n:PREROUTING DROP [0:0]\nCOMMIT\n*filter\n:INPUT ACCEPT\n", FIREWALL_IPV4,
					    FIREWALL_IPTABLES_LEGACY, &sight.firewall), 0);
	ck_assert_int_eq(firewall_read_save(arena, "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j ACCEPT\nCOMMIT\n", FIREWALL_IPV4,
					    FIREWALL_IPTABLES, &sight.firewall), 0);
	ck_assert_str_eq(judge().items[2].command, "iptables-legacy -t raw -I PREROUTING -d 224.0.0.18 -p 112 -j ACCEPT");
	end();
}
END_TEST

static const char six[] = "directors: {lb1: {address: 192.168.8.10}}\n"
			  "vrrp: [{name: six, interface: eth0, virtual_router_id: 51,\n"
			  "  virtual_addresses: ['fe80::200/64', '2001:db8::200/64']}]\n"
			  "services: [{name: web6, listen: '[2001:db8::200]:80', forwarding: dr,\n"
			  "  check: {type: icmp}, real_servers: ['2001:db8::20']}]\n";

/* A file of the fuzz test's corpus, which says in its first byte what it is. */
static void put_rules(const char *name)
{
	const char *top = getenv("top_srcdir");
	static char text[65536];
	char path[512];
	bool xtables = false;
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/rules/%s", top ? top : "..", name);
	file = fopen(path, "re");
	ck_assert_msg(file, "%s is not there", path);
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	if (*text == 'n')
		ck_assert_int_eq(firewall_read_nft(arena, text + 1, &sight.firewall, &xtables), 0);
	else
		ck_assert_int_eq(firewall_read_save(arena, text + 1, *text == '6' ? FIREWALL_IPV6 : FIREWALL_IPV4,
						    FIREWALL_IPTABLES, &sight.firewall), 0);
	ck_assert(!xtables);
	ck_assert_uint_gt(sight.firewall.count, 10);
}

/* As firewalld 1.3 and ufw 0.36.2 of Debian 12 make them, as they are and after the commands that are told. */
static const struct {
	const char *rules, *model; /* NULL: full() */
	const char *told[2][2];    /* what, and the command; NULL: nothing is wrong */
} machines[] = {
	{"firewalld-closed", NULL,
	 {{"a rule in chain filter_INPUT of table inet firewalld drops adverts of others for instance public",
	   "firewall-cmd --permanent --zone=\"$(firewall-cmd --get-zone-of-interface=eth0 || firewall-cmd --get-default-zone)\" "
	   "--add-protocol=vrrp && firewall-cmd --reload"},
	  {"drops clients of service web",
	   "firewall-cmd --permanent --zone=\"$(firewall-cmd --get-zone-of-interface=eth0 || firewall-cmd --get-default-zone)\" "
	   "--add-port=80/tcp && firewall-cmd --reload"}}},
	{"firewalld-open", NULL, {{NULL}}},
	{"firewalld-open", six, {{NULL}}},
	{"ufw-closed", NULL,
	 {{"the policy of chain INPUT of table ip filter drops adverts of others for instance public",
	   "ufw prepend allow in on eth0 proto vrrp from any to 224.0.0.18 || { sed -i '0,/^-A ufw-before-/s//-A ufw-before-input "
	   "-d 224.0.0.18 -p 112 -j ACCEPT\\n&/' /etc/ufw/before.rules && ufw reload; }"},
	  {"drops clients of service web", "ufw prepend allow in on eth0 proto tcp from any to 192.168.8.200 port 80"}}},
	{"ufw-open", NULL, {{NULL}}},
	{"ufw6-closed", six,
	 {{"the policy of chain INPUT of table ip6 filter drops adverts of others for instance six",
	   "ufw prepend allow in on eth0 proto vrrp from any to ff02::12 || { sed -i '0,/^-A ufw6-before-/s//-A ufw6-before-input "
	   "-d ff02::12 -p 112 -j ACCEPT\\n&/' /etc/ufw/before6.rules && ufw reload; }"},
	  {"drops clients of service web6", "ufw prepend allow in on eth0 proto tcp from any to 2001:db8::200 port 80"}}},
	{"ufw6-open", six, {{NULL}}},
};

START_TEST(firewalld_and_ufw_are_told_as_they_are_and_in_their_own_words)
{
	struct findings found;
	size_t wanted = 0;

	begin(machines[_i].model ? machines[_i].model : full());
	put_rules(machines[_i].rules);
	found = judge();
	for (size_t i = 0; i < found.count; i++) {
		const struct finding *one = &found.items[i];
		const char *const *told = machines[_i].told[wanted < 2 ? wanted : 0];

		if (strcmp(one->subject, "firewall") != 0 || one->severity == FINDING_OK)
			continue;
		ck_assert_msg(wanted < 2 && told[0] && strstr(one->text, told[0]) && one->severity == FINDING_PROBLEM,
			      "%s: %s", finding_severity_name(one->severity), one->text);
		ck_assert_str_eq(one->command, told[1]);
		wanted++;
	}
	ck_assert_uint_eq(wanted, machines[_i].told[0][0] ? 2 : 0);
	end();
}
END_TEST

static const char *command_of(const char *text, const char *rules)
{
	const char *command = NULL;
	struct findings found;

	begin(text);
	put_rules(rules);
	found = judge();
	for (size_t i = 0; i < found.count; i++)
		if (!strcmp(found.items[i].subject, "firewall") && strstr(found.items[i].text, "clients"))
			command = found.items[i].command;
	ck_assert_msg(command, "no word about clients");
	return command;
}

START_TEST(a_listener_without_a_port_and_sctp_have_words_of_their_own)
{
	static const char any[] = "services: [{name: any, listen: 192.168.8.200, persistence: 60s, forwarding: dr, real_servers: [192.168.8.20]}]\n";
	static const char sctp[] = "services: [{name: s, listen: '192.168.8.200:90', protocol: sctp, forwarding: dr, real_servers: [192.168.8.20]}]\n";

	ck_assert_ptr_nonnull(strstr(command_of(joined(base, any), "firewalld-closed"),
				     " --add-rich-rule='rule family=\"ipv4\" destination address=\"192.168.8.200\" protocol value=\"tcp\" accept' && "));
	end();
	ck_assert_str_eq(command_of(joined(base, any), "ufw-closed"), "ufw prepend allow in on eth0 proto tcp from any to 192.168.8.200");
	end();
	ck_assert_ptr_nonnull(strstr(command_of(joined(base, sctp), "firewalld-closed"), " --add-port=90/sctp && "));
	end();
	ck_assert_str_eq(command_of(joined(base, sctp), "ufw-closed"),
			 "sed -i '0,/^-A ufw-before-/s//-A ufw-before-input -d 192.168.8.200 -p 132 --dport 90 -j ACCEPT\\n&/' "
			 "/etc/ufw/before.rules && ufw reload");
	end();
}
END_TEST

/* What is forwarded or goes out passes firewalld by policies; a rule put into its table would be gone at its next reload. */
START_TEST(beside_its_zones_firewalld_gets_policies)
{
	struct firewall_packet packet = firewall_packet_of(FIREWALL_IPV4);
	const struct firewall_chain *forward, *output;

	begin(full());
	put_rules("firewalld-closed");
	forward = firewall_chain(&sight.firewall, "inet", "firewalld", "filter_FORWARD");
	output = firewall_chain(&sight.firewall, "inet", "firewalld", "filter_OUTPUT");
	packet.protocol = 6;
	packet.source = addr_of("192.168.8.21");
	packet.source_port = 80;
	ck_assert_str_eq(firewall_let_pass(arena, forward, &packet),
			 "p='firewall-cmd --permanent --policy=lbha-forward'; firewall-cmd --permanent --new-policy=lbha-forward; "
			 "$p --add-ingress-zone=ANY && $p --add-egress-zone=ANY && $p --add-rich-rule='rule family=\"ipv4\" source "
			 "address=\"192.168.8.21\" source-port port=\"80\" protocol=\"tcp\" accept' && firewall-cmd --reload");
	packet = firewall_packet_of(FIREWALL_IPV6);
	packet.protocol = 112;
	packet.destination = addr_of("ff02::12");
	ck_assert_str_eq(firewall_let_pass(arena, output, &packet),
			 "p='firewall-cmd --permanent --policy=lbha-output'; firewall-cmd --permanent --new-policy=lbha-output; "
			 "$p --add-ingress-zone=HOST && $p --add-egress-zone=ANY && $p --add-rich-rule='rule family=\"ipv6\" destination "
			 "address=\"ff02::12\" protocol value=\"vrrp\" accept' && firewall-cmd --reload");
	end();
}
END_TEST

START_TEST(ufw_has_words_for_what_goes_out_and_what_is_forwarded)
{
	struct firewall_packet packet = firewall_packet_of(FIREWALL_IPV4);

	begin(full());
	put_rules("ufw-closed");
	packet.protocol = 6;
	packet.out = "eth1";
	packet.destination = addr_of("192.168.8.20");
	packet.port = 80;
	ck_assert_str_eq(firewall_let_pass(arena, firewall_chain(&sight.firewall, "ip", "filter", "OUTPUT"), &packet),
			 "ufw prepend allow out on eth1 proto tcp from any to 192.168.8.20 port 80");
	packet.in = "eth0";
	packet.source = packet.destination;
	packet.source_port = 80;
	packet.destination = (struct addr){0};
	ck_assert_str_eq(firewall_let_pass(arena, firewall_chain(&sight.firewall, "ip", "filter", "FORWARD"), &packet),
			 "ufw route prepend allow in on eth0 out on eth1 proto tcp from 192.168.8.20 port 80 to any");
	end();
}
END_TEST

START_TEST(what_was_not_seen_hides_no_drop_that_was)
{
	struct findings found;
	bool dropped = false, unseen = false;

	begin(full());
	sight.firewall_why = "there is no program iptables-legacy-save";
	ck_assert_int_eq(firewall_read_save(arena, "*filter\n:INPUT ACCEPT\n-A INPUT -p 112 -j DROP\n", FIREWALL_IPV4,
					    FIREWALL_IPTABLES, &sight.firewall), 0);
	found = judge();
	for (size_t i = 0; i < found.count; i++) {
		dropped |= strstr(found.items[i].text, "drops adverts of others") != NULL;
		unseen |= found.items[i].severity == FINDING_UNKNOWN && strstr(found.items[i].text, "iptables-legacy-save");
	}
	ck_assert(dropped && unseen);
	end();
	begin(full());
	sight.firewall_why = "nft says more than 16 MiB";
	expect(FINDING_UNKNOWN, "firewall", "not all rules of the firewall were seen: nft says", NULL);
	begin(full());
	sight.firewall_why = "nft says more than 16 MiB";
	found = judge();
	for (size_t i = 0; i < found.count; i++)
		ck_assert_msg(!strstr(found.items[i].text, "no rule is seen to drop"), "%s", found.items[i].text);
	end();
}
END_TEST

/* Twelve chains, of which each jumps eight times to the next: to the end of it nobody goes. */
START_TEST(of_rules_that_fan_out_beyond_measure_nothing_is_certain)
{
	char text[8192];
	struct findings found;
	size_t uncertain = 0;
	int length = snprintf(text, sizeof(text), "*filter\n:INPUT DROP [0:0]\n:c12 - [0:0]\n");

	for (int i = 0; i < 12; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length, ":c%d - [0:0]\n", i);
	length += snprintf(text + length, sizeof(text) - (size_t)length, "-A INPUT -j c0\n");
	for (int i = 0; i < 8 * 12; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length, "-A c%d -j c%d\n", i / 8, i / 8 + 1);
	begin(full());
	ck_assert_int_eq(firewall_read_save(arena, text, FIREWALL_IPV4, FIREWALL_IPTABLES, &sight.firewall), 0);
	found = judge();
	ck_assert_uint_eq(findings_count(&found, FINDING_PROBLEM), 0);
	for (size_t i = 0; i < found.count; i++)
		uncertain += strstr(found.items[i].text, "the policy of chain INPUT of table ip filter may drop") != NULL;
	ck_assert_uint_gt(uncertain, 1);
	end();
}
END_TEST

/* Chains of one priority in front of and behind IPVS. */
START_TEST(only_chains_before_ipvs_count_for_clients)
{
	static const char rules[] =
		"{\"nftables\": [{\"chain\": {\"family\": \"inet\", \"table\": \"t\", \"name\": \"late\", \"hook\": \"input\", \"prio\": %d, "
		"\"policy\": \"accept\"}}, {\"rule\": {\"family\": \"inet\", \"table\": \"t\", \"chain\": \"late\", \"expr\": ["
		"{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"tcp\", \"field\": \"dport\"}}, \"right\": 80}}, "
		"{\"drop\": null}]}}]}";
	struct findings found;
	char text[1024];
	bool xtables;

	begin(full());
	snprintf(text, sizeof(text), rules, 97);
	ck_assert_int_eq(firewall_read_nft(arena, text, &sight.firewall, &xtables), 0);
	expect(FINDING_PROBLEM, "firewall", "clients of service web", "nft insert rule inet t late ip daddr 192.168.8.200 tcp dport 80 accept");
	begin(full());
	snprintf(text, sizeof(text), rules, 98);
	ck_assert_int_eq(firewall_read_nft(arena, text, &sight.firewall, &xtables), 0);
	found = judge();
	ck_assert_uint_eq(findings_count(&found, FINDING_PROBLEM) + findings_count(&found, FINDING_WARNING), 0);
	end();
}
END_TEST

/* Else a thousand rules about a set of ten thousand addresses would be ten million values. */
START_TEST(a_set_is_read_once_however_many_rules_name_it)
{
	static const char rule[] = ", {\"rule\": {\"family\": \"ip\", \"table\": \"t\", \"chain\": \"in\", \"expr\": [{\"match\": {\"op\": "
				   "\"==\", \"left\": {\"payload\": {\"protocol\": \"ip\", \"field\": \"%s\"}}, \"right\": \"@s\"}}, {\"drop\": null}]}}";
	struct firewall_packet packet = firewall_packet_of(FIREWALL_IPV4);
	struct firewall firewall = {0};
	bool xtables;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs("{\"nftables\": [{\"set\": {\"family\": \"ip\", \"table\": \"t\", \"name\": \"s\", \"elem\": [\"10.9.9.9\"", out);
	for (int i = 0; i < 10000; i++)
		fprintf(out, ", \"10.0.%d.%d\"", i / 250, i % 250);
	fputs("]}}, {\"chain\": {\"family\": \"ip\", \"table\": \"t\", \"name\": \"in\", \"hook\": \"input\", \"prio\": 0}}", out);
	for (int i = 0; i < 1000; i++)
		fprintf(out, rule, i % 2 ? "saddr" : "daddr");
	fputs("]}", out);
	fclose(out);
	arena = arena_new(16u << 20);
	ck_assert_int_eq(firewall_read_nft(arena, text, &firewall, &xtables), 0);
	packet.source = addr_of("10.0.39.249");
	packet.destination = addr_of("192.168.8.200");
	ck_assert_int_eq(firewall_pass(&firewall, FIREWALL_INPUT, 0, &packet).verdict, FIREWALL_DROP);
	packet.source = addr_of("10.0.39.250");
	ck_assert_int_eq(firewall_pass(&firewall, FIREWALL_INPUT, 0, &packet).verdict, FIREWALL_ACCEPT);
	packet.destination = addr_of("10.9.9.9");
	ck_assert_int_eq(firewall_pass(&firewall, FIREWALL_INPUT, 0, &packet).verdict, FIREWALL_DROP);
	free(text);
	end();
}
END_TEST

START_TEST(what_is_no_json_of_nft_is_refused)
{
	struct firewall firewall = {0};
	bool xtables;

	arena = arena_new(0);
	ck_assert_int_eq(firewall_read_nft(arena, "", &firewall, &xtables), -EINVAL);
	ck_assert_int_eq(firewall_read_nft(arena, "[]", &firewall, &xtables), -EINVAL);
	ck_assert_int_eq(firewall_read_nft(arena, "{\"nftables\": [1, {\"rule\": []}, {\"chain\": {\"family\": 7}}]}", &firewall, &xtables), 0);
	ck_assert_uint_eq(firewall.count, 0);
	end();
}
END_TEST

int main(void)
{
	TCase *rules = CASE("rules", a_legacy_table_is_no_table_of_nftables, of_rules_that_fan_out_beyond_measure_nothing_is_certain,
			    only_chains_before_ipvs_count_for_clients, what_was_not_seen_hides_no_drop_that_was,
			    a_listener_without_a_port_and_sctp_have_words_of_their_own, beside_its_zones_firewalld_gets_policies,
			    ufw_has_words_for_what_goes_out_and_what_is_forwarded,
			    a_set_is_read_once_however_many_rules_name_it, what_is_no_json_of_nft_is_refused);

	tcase_add_loop_test(rules, rules_of_iptables_are_told_by_what_they_do, 0, COUNT_OF(saves));
	tcase_add_loop_test(rules, firewalld_and_ufw_are_told_as_they_are_and_in_their_own_words, 0, COUNT_OF(machines));
	return SUITE_RUN("exam",
			 CASE("kernel", a_director_on_which_all_is_well_gets_no_complaint, a_missing_scheduler_is_named_as_its_module,
			      whose_packages_a_machine_has_is_in_its_os_release, modules_that_an_upgrade_took_away_come_back_with_a_reboot,
			      a_container_cannot_load_a_module_that_is_only_there, modules_follow_from_the_file,
			      a_sysctl_that_was_set_back_is_told_only_while_lbhad_runs, a_full_table_of_connections_is_a_problem,
			      services_of_the_kernel_that_the_file_has_not_are_foreign, services_that_are_in_force_are_not_foreign,
			      whose_a_service_is_nobody_knows_while_lbhad_does_not_tell),
			 CASE("vrrp", a_stranger_under_our_number_gets_another_number, two_masters_are_a_problem,
			      what_a_peer_says_must_be_what_we_say, authentication_that_differs_is_a_problem,
			      a_director_is_no_stranger_where_it_has_not_its_general_address,
			      rules_are_asked_about_the_address_that_adverts_come_from,
			      ipv6_multicast_comes_from_link_local_addresses, an_instance_needs_an_address_to_advertise_from,
			      only_the_machine_that_advertises_may_answer,
			      of_two_masters_none_is_told_to_give_the_address_away),
			 CASE("links", an_interface_must_be_there_and_up, a_strict_filter_counts_where_the_way_back_is_another,
			      a_strict_filter_is_no_matter_where_no_client_comes_from_far_away,
			      a_way_back_is_asked_from_each_address_that_is_here,
			      a_link_with_a_dot_in_its_name_is_named_so_that_sysctl_finds_it,
			      a_vip_on_lo_wants_silence, a_vip_that_failed_detection_is_put_in_anew, servers_behind_a_smaller_mtu_are_told,
			      networkd_must_keep_what_it_did_not_make, networkd_must_leave_routes_of_instances_alone,
			      no_interface_is_taken_from_its_manager),
			 CASE("machine", the_machine_around_is_judged_fact_by_fact, denials_count_from_the_start_of_lbhad,
			      a_rival_counts_more_when_it_has_what_is_ours,
			      checks_that_cannot_work_here),
			 rules);
}
