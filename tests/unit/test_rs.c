/* lbha-rs: what it wants, its plan, its journal. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "config/model.h"
#include "rs-agent/desired.h"
#include "rs-agent/journal.h"
#include "rs-agent/plan.h"
#include "rs-agent/remark.h"
#include "rs-agent/wish.h"
#include "rs_world.h"
#include "suite.h"

/* ---- desired ---- */

static struct endpoint listeners[3];
static struct real_server servers[3];

static struct model shop(struct service *services)
{
	listeners[0] = (struct endpoint){addr_of("192.168.8.200"), 80};
	listeners[1] = (struct endpoint){addr_of("192.168.8.200"), 443};
	listeners[2] = (struct endpoint){addr_of("192.168.8.201"), 25};
	servers[0] = (struct real_server){.address = {addr_of("192.168.8.20"), 80},
					  .forwarding = FORWARDING_DR};
	servers[1] = (struct real_server){.address = {addr_of("192.168.8.21"), 80},
					  .forwarding = FORWARDING_DR};
	servers[2] = (struct real_server){.address = {addr_of("192.168.8.20"), 80},
					  .forwarding = FORWARDING_NAT};
	services[0] = (struct service){.name = "web",
				       .listen = listeners,
				       .listen_count = 2,
				       .real_servers = servers,
				       .real_server_count = 2};
	services[1] = (struct service){.name = "mail",
				       .listen = listeners + 2,
				       .listen_count = 1,
				       .real_servers = servers + 1,
				       .real_server_count = 1};
	services[2] = (struct service){.name = "old",
				       .listen = listeners + 2,
				       .listen_count = 1,
				       .real_servers = servers + 2,
				       .real_server_count = 1};
	return (struct model){.services = services, .service_count = 3};
}

START_TEST(vips_are_those_of_the_services_we_serve_by_dr)
{
	auto_arena *arena = arena_new(0);
	struct service services[3];
	struct model model = shop(services);
	struct address own = on_link(ETH0, "192.168.8.20/24", 0);
	struct address_list list = {.items = &own, .count = 1};
	struct rs_wishes wishes;
	struct rs_other other;

	ck_assert_int_eq(rs_wishes_of_model(arena, &model, NULL, &list, &wishes, &other), 0);
	ck_assert_uint_eq(wishes.count, 1); /* two listeners on one address */
	ck_assert_str_eq(wishes.items[0].service, "web");
	ck_assert_uint_eq(other.count, 1);
	ck_assert_str_eq(other.services[0].name, "old");
	ck_assert_int_eq(other.services[0].forwarding, FORWARDING_NAT);
	own = on_link(ETH0, "192.168.8.21/24", 0);
	ck_assert_int_eq(rs_wishes_of_model(arena, &model, NULL, &list, &wishes, &other), 0);
	ck_assert_uint_eq(wishes.count, 2);
	ck_assert_int_eq(rs_wishes_of_model(arena, &model, "mail", &list, &wishes, &other), 0);
	ck_assert_uint_eq(wishes.count, 1);
	own = on_link(ETH0, "192.168.8.22/24", 0);
	ck_assert_int_eq(rs_wishes_of_model(arena, &model, NULL, &list, &wishes, &other), 0);
	ck_assert_uint_eq(wishes.count, 0);
}
END_TEST

START_TEST(loopback_address_makes_nobody_a_real_server)
{
	auto_arena *arena = arena_new(0);
	struct service services[3];
	struct model model = shop(services);
	struct address own = on_link(LO, "127.0.0.1/8", 0);
	struct address_list list = {.items = &own, .count = 1};
	struct rs_wishes wishes;
	struct rs_other other;

	servers[0].address.address = addr_of("127.0.0.1");
	ck_assert_int_eq(rs_wishes_of_model(arena, &model, NULL, &list, &wishes, &other), 0);
	ck_assert_uint_eq(wishes.count, 0);
}
END_TEST

START_TEST(ipv6_vips_need_no_sysctl)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish items[] = {dr("2001:db8::80"), dr("192.0.2.80")};
	struct rs_actual actual = {.lo = LO};
	struct rs_desired desired;

	ck_assert_int_eq(
		rs_desired_build(arena, &(struct rs_wishes){items, 1}, &actual, &desired), 0);
	ck_assert_uint_eq(desired.sysctl_count, 0);
	ck_assert_int_eq(
		rs_desired_build(arena, &(struct rs_wishes){items, 2}, &actual, &desired), 0);
	ck_assert_uint_eq(desired.sysctl_count, 4);
}
END_TEST

START_TEST(wishes_are_written_down_and_read_back)
{
	auto_arena *arena = arena_new(0);
	static const char *const texts[] = {
		"- dr 2001:db8::80",
		"web dr 192.0.2.80",
		"web nat 192.0.2.80 10.0.0.100",
		"web tunnel 192.0.2.80 10.9.0.20 ipip",
		"- tunnel 192.0.2.80 2001:db8:9::20 gue 6080",
		"- tunnel 2001:db8::80 10.9.0.20 gre",
		"- tunnel 2001:db8::80 10.9.0.20 gre csum",
	};
	static const char *const wrong[] = {
		"",
		"web dr",
		"dr 192.0.2.80",
		"- dr 192.0.2",
		"- dr 192.0.2.80 -",
		"web by 192.0.2.80",
		"web nat 192.0.2.80",
		"web nat 192.0.2.80 gateway",
		"- tunnel 192.0.2.80 ipip",
		"- tunnel 192.0.2.80 10.9.0.20 ip",
		"- tunnel 192.0.2.80 10.9.0.20 ipip 1",
		"- tunnel 192.0.2.80 10.9.0.20 gue",
		"- tunnel 192.0.2.80 10.9.0.20 gue 65536",
		"- tunnel 192.0.2.80 10.9.0.20 gre sum",
	};
	struct rs_wish wish;

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		ck_assert_int_eq(rs_wish_parse(arena, texts[i], &wish), 0);
		ck_assert_str_eq(rs_wish_print(arena, &wish), texts[i]);
	}
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		ck_assert_msg(rs_wish_parse(arena, wrong[i], &wish) == -EINVAL, "%s", wrong[i]);
}
END_TEST

START_TEST(every_way_and_family_has_its_object)
{
	static const struct {
		const char *vip, *local;
		enum tunnel_type type;
		const char *link;
		uint16_t port;
	} rows[] = {
		{"192.0.2.80", "10.9.0.20", TUNNEL_IPIP, "ipip local 10.9.0.20", 0},
		{"192.0.2.80", "10.9.0.20", TUNNEL_GUE, "ipip local 10.9.0.20", 6080},
		{"192.0.2.80", "10.9.0.20", TUNNEL_GRE, "gre local 10.9.0.20", 0},
		{"2001:db8::80", "10.9.0.20", TUNNEL_IPIP, "sit local 10.9.0.20", 0},
		{"2001:db8::80", "10.9.0.20", TUNNEL_GUE, "sit local 10.9.0.20", 6080},
		{"2001:db8::80", "10.9.0.20", TUNNEL_GRE, "gre local 10.9.0.20", 0},
		{"192.0.2.80", "fd00::20", TUNNEL_IPIP, "ip6tnl mode any local fd00::20", 0},
		{"192.0.2.80", "fd00::20", TUNNEL_GUE, "ip6tnl mode any local fd00::20", 6080},
		{"2001:db8::80", "fd00::20", TUNNEL_GRE, "ip6gre local fd00::20", 0},
	};
	auto_arena *arena = arena_new(0);
	struct world world;
	char text[RS_ALIAS];

	world_init(&world, arena);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rs_wish wish = tunnel_to(rows[i].vip, rows[i].local, rows[i].type);
		struct rs_desired desired = world_desired(&world, &(struct rs_wishes){&wish, 1});

		ck_assert_uint_eq(desired.link_count, 1);
		ck_assert_str_eq(rs_link_format(&desired.links[0], text), rows[i].link);
		ck_assert_str_eq(desired.vips[0].link, desired.links[0].name);
		ck_assert_uint_eq(desired.port_count, rows[i].port != 0);
		ck_assert(!rows[i].port || desired.ports[0].family == wish.local.family);
	}
}
END_TEST

START_TEST(tunnels_of_given_vips_end_at_addresses_that_directors_may_know)
{
	static const char *const own[] = {"10.9.0.20/24", "169.254.1.1/16", "192.0.2.80/32",
					  "10.9.0.21/24", "2001:db8:9::20/64", "::10.9.0.20/96",
					  "fe80::1/64",	  "127.0.0.1/8"};
	auto_arena *arena = arena_new(0);
	struct addr vips[] = {addr_of("192.0.2.80"), addr_of("2001:db8::80")};
	struct rs_given given = {.vips = vips, .vip_count = 2, .forwarding = FORWARDING_TUNNEL};
	struct address_list list = {arena_array(arena, COUNT_OF(own), sizeof(*list.items)), 0};
	const struct addr *lacking;
	struct rs_wishes wishes;

	for (; list.count < COUNT_OF(own); list.count++)
		list.items[list.count] = on_link(ETH0, own[list.count], ADDRESS_PROTOCOL_NONE);
	ck_assert_int_eq(rs_wishes_of_vips(arena, &given, &list, &wishes, &lacking), 0);
	ck_assert_uint_eq(wishes.count, 3);
	ck_assert_str_eq(rs_wish_print(arena, &wishes.items[0]), "- tunnel 192.0.2.80 10.9.0.20 ipip");
	ck_assert_str_eq(rs_wish_print(arena, &wishes.items[1]), "- tunnel 192.0.2.80 10.9.0.21 ipip");
	ck_assert_str_eq(rs_wish_print(arena, &wishes.items[2]),
			 "- tunnel 2001:db8::80 2001:db8:9::20 ipip");
	list.items[4].protocol = ADDRESS_PROTOCOL_LBHA; /* a VIP of ours */
	ck_assert_int_eq(rs_wishes_of_vips(arena, &given, &list, &wishes, &lacking),
			 -EADDRNOTAVAIL);
	ck_assert_ptr_eq(lacking, &vips[1]);
}
END_TEST

START_TEST(tunnels_and_routes_are_told_in_words_and_as_commands)
{
	static const char *const wanted[][2] = {
		{"make the tunnel's end lbha-ipip, ipip local 10.9.0.20",
		 "ip link add lbha-ipip type ipip local 10.9.0.20 && ip link set lbha-ipip alias "
		 "'lbha:rs ipip local 10.9.0.20' && sysctl -w net.ipv4.conf.lbha-ipip.rp_filter=2 && "
		 "ip link set lbha-ipip up"},
		{"take GUE packets on UDP port 6080 of IPv4",
		 "modprobe fou && ip fou add port 6080 gue"},
		{"add 192.0.2.80/32 to lbha-ipip",
		 "ip address add 192.0.2.80/32 dev lbha-ipip scope host"},
		{"put a default route through 10.9.0.10 on eth0 before any other of IPv4",
		 "ip route prepend default via 10.9.0.10 dev eth0 proto 76 scope site"},
		{"put a default route through fd00::10 on eth0 before any other of IPv6",
		 "ip -6 route add default via fd00::10 dev eth0 proto 76 metric 1"},
	};
	static const char *const undone[] = {
		"ip -6 route delete default via fd00::10 dev eth0 proto 76 metric 1",
		"ip route delete default via 10.9.0.10 dev eth0 proto 76 scope site",
		"ip address delete 192.0.2.80/32 dev lbha-ipip",
		"ip fou del port 6080",
		"ip link delete lbha-ipip",
	};
	auto_arena *arena = arena_new(0);
	struct rs_wish items[] = {tunnel_to("192.0.2.80", "10.9.0.20", TUNNEL_GUE),
				  nat("192.0.2.81", "10.9.0.10"), nat("2001:db8::81", "fd00::10")};
	struct rs_wishes wishes = {items, COUNT_OF(items)};
	char text[RS_TEXT];
	struct world world;
	struct rs_plan plan;

	world_init(&world, arena);
	world_put(&world, on_link(ETH0, "10.9.0.20/24", ADDRESS_PROTOCOL_NONE));
	world_put(&world, on_link(ETH0, "fd00::20/64", ADDRESS_PROTOCOL_NONE));
	plan = world_plan(&world, &wishes);
	ck_assert_uint_eq(plan.count, 3 + 4 + COUNT_OF(wanted)); /* wishes, sysctls */
	for (size_t i = 0; i < COUNT_OF(wanted); i++) {
		ck_assert_str_eq(rs_step_words(&plan.steps[7 + i], text), wanted[i][0]);
		ck_assert_str_eq(rs_step_command(&plan.steps[7 + i], text), wanted[i][1]);
	}
	ck_assert_int_eq(world_run(&world, &wishes), WORLD_DONE);
	plan = world_plan(&world, &nothing);
	for (size_t i = 0; i < COUNT_OF(undone); i++)
		ck_assert_str_eq(rs_step_command(&plan.steps[i], text), undone[i]);
}
END_TEST

START_TEST(wishes_that_exclude_one_another_are_obstacles)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish gre[] = {tunnel_to("192.0.2.80", "10.9.0.20", TUNNEL_GRE),
				tunnel_to("192.0.2.81", "10.9.0.20", TUNNEL_GRE)};
	struct rs_wish ways[] = {nat("192.0.2.80", "10.9.0.10"), nat("192.0.2.81", "10.9.0.11"),
				 nat("192.0.2.80", "10.8.0.10")};
	struct rs_desired desired;
	struct world world;

	world_init(&world, arena);
	world_put(&world, on_link(ETH0, "10.9.0.20/24", ADDRESS_PROTOCOL_NONE));
	ck_assert_uint_eq(world_desired(&world, &(struct rs_wishes){gre, 2}).obstacle_count, 0);
	gre[1].tunnel.checksum = TUNNEL_CHECKSUM_CSUM;
	desired = world_desired(&world, &(struct rs_wishes){gre, 2});
	ck_assert_uint_eq(desired.obstacle_count, 1);
	ck_assert(strstr(desired.obstacles[0], "gre packets come to 10.9.0.20 both with"));
	ck_assert_uint_eq(world_desired(&world, &(struct rs_wishes){ways, 1}).obstacle_count, 0);
	desired = world_desired(&world, &(struct rs_wishes){ways, 2});
	ck_assert(strstr(desired.obstacles[0], "not both 10.9.0.10 and 10.9.0.11"));
	desired = world_desired(&world, &(struct rs_wishes){ways + 2, 1});
	ck_assert(strstr(desired.obstacles[0], "10.8.0.10 is on no network of this host"));
}
END_TEST

START_TEST(scope_of_one_service_or_vip_leaves_the_others)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish items[] = {dr("192.0.2.80"), dr("192.0.2.80"), dr("192.0.2.81")};
	struct rs_wishes all = {items, 3}, some;
	struct addr vip = addr_of("192.0.2.80");
	struct rs_scope scope = {.service = "web"};

	items[0].service = "web";
	ck_assert_int_eq(rs_wishes_select(arena, &all, &scope, true, &some), 0);
	ck_assert_uint_eq(some.count, 1);
	ck_assert_int_eq(rs_wishes_select(arena, &all, &scope, false, &some), 0);
	ck_assert_uint_eq(some.count, 2);
	scope = (struct rs_scope){.vips = &vip, .vip_count = 1};
	ck_assert_int_eq(rs_wishes_select(arena, &all, &scope, false, &some), 0);
	ck_assert_uint_eq(some.count, 1);
	scope = (struct rs_scope){0};
	ck_assert_int_eq(rs_wishes_select(arena, &all, &scope, true, &some), 0);
	ck_assert_uint_eq(some.count, 3);
}
END_TEST

/* ---- plans by hand ---- */

static void assert_step(const struct rs_step *step, enum rs_action action, enum owned_kind kind)
{
	ck_assert_int_eq(step->action, action);
	ck_assert_int_eq(step->record.kind, kind);
}

START_TEST(setup_silences_before_it_adds_and_teardown_goes_backwards)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct rs_wishes wishes = {&vip, 1};
	struct world world;
	struct rs_plan plan;

	world_init(&world, arena);
	plan = world_plan(&world, &wishes);
	ck_assert_uint_eq(plan.count, 6);
	assert_step(&plan.steps[0], RS_NOTE, OWNED_WISH);
	for (size_t i = 1; i < 5; i++)
		assert_step(&plan.steps[i], RS_MAKE, OWNED_SYSCTL);
	assert_step(&plan.steps[5], RS_MAKE, OWNED_ADDRESS);
	ck_assert_int_eq(world_run(&world, &wishes), WORLD_DONE);
	ck_assert_uint_eq(world_plan(&world, &wishes).count, 0);
	plan = world_plan(&world, &nothing);
	ck_assert_uint_eq(plan.count, 6);
	assert_step(&plan.steps[0], RS_UNDO, OWNED_ADDRESS);
	ck_assert_str_eq(plan.steps[4].record.sysctl.path, "net/ipv4/conf/all/arp_ignore");
	assert_step(&plan.steps[5], RS_FORGET, OWNED_WISH);
}
END_TEST

START_TEST(higher_values_are_kept)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct world world;

	world_init(&world, arena);
	for (size_t i = 0; i < world.sysctl_count; i++)
		world.sysctls[i].value = 2;
	ck_assert_uint_eq(world_plan(&world, &(struct rs_wishes){&vip, 1}).count, 2); /* wish, VIP */
}
END_TEST

START_TEST(vip_that_was_there_before_is_used_and_stays)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct rs_wishes wishes = {&vip, 1};
	struct address there = on_link(LO, "192.0.2.80/32", ADDRESS_PROTOCOL_NONE);
	struct world world;

	world_init(&world, arena);
	world_put(&world, there);
	ck_assert_int_eq(world_run(&world, &wishes), WORLD_DONE);
	ck_assert_uint_eq(world_plan(&world, &wishes).count, 0);
	ck_assert_int_eq(world_run(&world, &nothing), WORLD_DONE);
	ck_assert(!!address_find(&world.addresses, &there));
	for (size_t i = 0; i < world.sysctl_count; i++)
		ck_assert_int_eq(world.sysctls[i].value, 0);
}
END_TEST

START_TEST(value_that_somebody_changed_is_left_and_told)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct world world;
	struct rs_plan plan;
	char words[RS_TEXT];
	bool told = false;

	world_init(&world, arena);
	ck_assert_int_eq(world_run(&world, &(struct rs_wishes){&vip, 1}), WORLD_DONE);
	world_sysctl(&world, "net/ipv4/conf/all/arp_ignore")->value = 8;
	plan = world_plan(&world, &nothing);
	for (size_t i = 0; i < plan.count; i++)
		if (plan.steps[i].action == RS_LEAVE) {
			ck_assert(strstr(rs_step_words(&plan.steps[i], words),
					 "leave net.ipv4.conf.all.arp_ignore at 8"));
			ck_assert_str_eq(rs_step_command(&plan.steps[i], words), "");
			told = true;
		}
	ck_assert(told);
	ck_assert_int_eq(world_run(&world, &nothing), WORLD_DONE);
	ck_assert_int_eq(world_sysctl(&world, "net/ipv4/conf/all/arp_ignore")->value, 8);
	ck_assert_int_eq(world_sysctl(&world, "net/ipv4/conf/lo/arp_ignore")->value, 0);
	ck_assert(journal_is_empty(
		&(struct owned_set){world_journal(&world).items, world_journal(&world).count}));
}
END_TEST

START_TEST(address_that_somebody_put_back_is_theirs)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct rs_wishes wishes = {&vip, 1};
	struct address theirs = on_link(LO, "192.0.2.80/32", ADDRESS_PROTOCOL_NONE);
	struct world world;

	world_init(&world, arena);
	world_put(&world, on_link(LO, "::1/128", 1)); /* this kernel knows tags */
	ck_assert_int_eq(world_run(&world, &wishes), WORLD_DONE);
	ck_assert_int_eq(address_list_remove(&world.addresses, &theirs, false), 0);
	world_put(&world, theirs);
	ck_assert_int_eq(world_run(&world, &nothing), WORLD_DONE);
	ck_assert(!!address_find(&world.addresses, &theirs));
}
END_TEST

START_TEST(without_tags_the_journal_alone_counts)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct world world;

	world_init(&world, arena);
	ck_assert_int_eq(world_run(&world, &(struct rs_wishes){&vip, 1}), WORLD_DONE);
	world.addresses.items[0].protocol = ADDRESS_PROTOCOL_NONE; /* Linux before 5.18 */
	ck_assert_int_eq(world_run(&world, &nothing), WORLD_DONE);
	ck_assert_uint_eq(world.addresses.count, 0);
}
END_TEST

START_TEST(service_that_went_takes_its_vip_and_nothing_else)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vips[] = {dr("192.0.2.80"), dr("192.0.2.81")};
	struct world world;
	struct rs_plan plan;

	world_init(&world, arena);
	ck_assert_int_eq(world_run(&world, &(struct rs_wishes){vips, 2}), WORLD_DONE);
	plan = world_plan(&world, &(struct rs_wishes){vips, 1});
	ck_assert_uint_eq(plan.count, 2);
	assert_step(&plan.steps[0], RS_UNDO, OWNED_ADDRESS);
	assert_step(&plan.steps[1], RS_FORGET, OWNED_WISH);
}
END_TEST

START_TEST(steps_are_told_in_words_and_as_commands)
{
	static const char *const wanted[][2] = {
		{"raise net.ipv4.conf.all.arp_ignore from 0 to 1",
		 "sysctl -w net.ipv4.conf.all.arp_ignore=1"},
		{"raise net.ipv4.conf.lo.arp_ignore from 0 to 1",
		 "sysctl -w net.ipv4.conf.lo.arp_ignore=1"},
		{"raise net.ipv4.conf.all.arp_announce from 0 to 2",
		 "sysctl -w net.ipv4.conf.all.arp_announce=2"},
		{"raise net.ipv4.conf.lo.arp_announce from 0 to 2",
		 "sysctl -w net.ipv4.conf.lo.arp_announce=2"},
		{"add 192.0.2.80/32 to lo", "ip address add 192.0.2.80/32 dev lo scope host"},
		{"add 2001:db8::80/128 to lo", "ip address add 2001:db8::80/128 dev lo nodad"},
	};
	auto_arena *arena = arena_new(0);
	struct rs_wish vips[] = {dr("192.0.2.80"), dr("2001:db8::80")};
	char text[RS_TEXT];
	struct world world;
	struct rs_plan plan;

	world_init(&world, arena);
	plan = world_plan(&world, &(struct rs_wishes){vips, 2});
	ck_assert_uint_eq(plan.count, 2 + COUNT_OF(wanted));
	ck_assert(rs_step_is_silent(&plan.steps[0]) && rs_step_is_silent(&plan.steps[1]));
	for (size_t i = 0; i < COUNT_OF(wanted); i++) {
		ck_assert_str_eq(rs_step_words(&plan.steps[2 + i], text), wanted[i][0]);
		ck_assert_str_eq(rs_step_command(&plan.steps[2 + i], text), wanted[i][1]);
	}
	ck_assert_int_eq(world_run(&world, &(struct rs_wishes){vips, 2}), WORLD_DONE);
	plan = world_plan(&world, &nothing);
	ck_assert_str_eq(rs_step_command(&plan.steps[0], text),
			 "ip address delete 2001:db8::80/128 dev lo");
	ck_assert_str_eq(rs_step_words(&plan.steps[2], text),
			 "put net.ipv4.conf.lo.arp_announce back from 2 to 0");
}
END_TEST

/* ---- remarks ---- */

static size_t fatal_remarks(struct world *world, const struct rs_wishes *wishes)
{
	struct rs_desired desired = world_desired(world, wishes);
	struct rs_actual actual = world_actual(world);
	struct rs_remarks remarks;
	size_t fatal = 0;

	ck_assert_int_eq(rs_remarks_build(world->arena, &desired, &actual, &(struct owned_set){0}, &remarks), 0);
	for (size_t i = 0; i < remarks.count; i++)
		fatal += remarks.items[i].fatal;
	return fatal;
}

START_TEST(interface_whose_own_value_overrules_all_is_told)
{
	static const bool ignore_bad[] = {false, false, false, false, true,
					  true,  true,  true,  false, true};
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct rs_wishes wishes = {&vip, 1};
	struct world world;

	world_init(&world, arena);
	for (int i = 0; i < 10; i++) {
		world_sysctl(&world, "net/ipv4/conf/eth0/arp_ignore")->value = i;
		ck_assert_msg(fatal_remarks(&world, &wishes) == ignore_bad[i], "arp_ignore %d", i);
	}
	world_sysctl(&world, "net/ipv4/conf/eth0/arp_ignore")->value = 0;
	for (int i = 0; i < 5; i++) {
		world_sysctl(&world, "net/ipv4/conf/all/arp_announce")->value = i;
		ck_assert_msg(fatal_remarks(&world, &wishes) == (i > 2), "arp_announce %d", i);
	}
}
END_TEST

START_TEST(arp_ignore_3_hides_only_addresses_of_scope_host)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct rs_wishes wishes = {&vip, 1};
	struct world world;

	world_init(&world, arena);
	world_sysctl(&world, "net/ipv4/conf/eth0/arp_ignore")->value = 3;
	ck_assert_uint_eq(fatal_remarks(&world, &wishes), 0);
	world_put(&world, on_link(LO, "192.0.2.80/32", ADDRESS_PROTOCOL_NONE));
	ck_assert_uint_eq(fatal_remarks(&world, &wishes), 1);
}
END_TEST

START_TEST(vip_on_another_interface_is_told)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct rs_wishes wishes = {&vip, 1};
	struct rs_desired desired;
	struct rs_remarks remarks;
	struct rs_actual actual;
	struct world world;

	world_init(&world, arena);
	world_put(&world, on_link(ETH0, "192.0.2.80/24", ADDRESS_PROTOCOL_NONE));
	actual = world_actual(&world);
	desired = world_desired(&world, &wishes);
	ck_assert_int_eq(rs_remarks_build(arena, &desired, &actual, &(struct owned_set){0}, &remarks), 0);
	ck_assert_uint_eq(remarks.count, 1);
	ck_assert(!remarks.items[0].fatal &&
		  strstr(remarks.items[0].text, "192.0.2.80 is on eth0 too"));
}
END_TEST

static enum rs_standing standing(struct world *world, const struct rs_wishes *wishes)
{
	struct rs_desired desired = world_desired(world, wishes);
	struct rs_actual actual = world_actual(world);
	struct owned_set journal = world_journal(world);
	struct rs_plan plan = world_plan(world, wishes);
	struct rs_remarks remarks;

	ck_assert_int_eq(rs_remarks_build(world->arena, &desired, &actual, &(struct owned_set){0}, &remarks), 0);
	return rs_standing(&desired, &actual, &journal, &plan, &remarks);
}

START_TEST(standing_goes_from_not_through_partly_to_in_place)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct rs_wishes wishes = {&vip, 1};
	struct world world;

	world_init(&world, arena);
	ck_assert_int_eq(standing(&world, &wishes), RS_NOT_SET_UP);
	world.budget = 6;
	ck_assert_int_eq(world_run(&world, &wishes), WORLD_CRASHED);
	world.budget = FOR_EVER;
	ck_assert_int_eq(standing(&world, &wishes), RS_PARTLY);
	ck_assert_int_eq(world_run(&world, &wishes), WORLD_DONE);
	ck_assert_int_eq(standing(&world, &wishes), RS_IN_PLACE);
	ck_assert_int_eq(standing(&world, &nothing), RS_PARTLY); /* no longer wanted, still there */
	world_sysctl(&world, "net/ipv4/conf/eth0/arp_ignore")->value = 5;
	ck_assert_int_eq(standing(&world, &wishes), RS_PARTLY);
	ck_assert_int_eq(world_run(&world, &nothing), WORLD_DONE);
	ck_assert_int_eq(standing(&world, &wishes), RS_NOT_SET_UP);
}
END_TEST

/* ---- the journal's head ---- */

START_TEST(journal_of_another_boot_or_namespace_is_recognised)
{
	auto_arena *arena = arena_new(0);
	struct journal_place here = {"6c0a-1", 4026531840}, boot = {"7d0b-2", 4026531840},
			     netns = {"6c0a-1", 99};
	struct owned records[] = {{.kind = OWNED_OTHER, .line = "what is this"},
				  {.kind = OWNED_OTHER}};
	struct owned_set set = {records, 2};

	records[1].line = journal_head(arena, &here);
	ck_assert_int_eq(journal_judge(&set, &here), JOURNAL_CURRENT);
	ck_assert_int_eq(journal_judge(&set, &boot), JOURNAL_OTHER_BOOT);
	ck_assert_int_eq(journal_judge(&set, &netns), JOURNAL_OTHER_NETNS);
	ck_assert(journal_is_empty(&set));
	set.count = 1;
	ck_assert_int_eq(journal_judge(&set, &here), JOURNAL_UNREADABLE);
	set.count = 0;
	ck_assert_int_eq(journal_judge(&set, &here), JOURNAL_NONE);
	records[0].line = "boot x netns 1x";
	set.count = 1;
	ck_assert_int_eq(journal_judge(&set, &here), JOURNAL_UNREADABLE);
}
END_TEST

int main(void)
{
	return SUITE_RUN("lbha-rs",
			 CASE("desired", vips_are_those_of_the_services_we_serve_by_dr,
			      loopback_address_makes_nobody_a_real_server,
			      ipv6_vips_need_no_sysctl, wishes_are_written_down_and_read_back,
			      every_way_and_family_has_its_object,
			      tunnels_of_given_vips_end_at_addresses_that_directors_may_know,
			      tunnels_and_routes_are_told_in_words_and_as_commands,
			      wishes_that_exclude_one_another_are_obstacles,
			      scope_of_one_service_or_vip_leaves_the_others),
			 CASE("plan", setup_silences_before_it_adds_and_teardown_goes_backwards,
			      higher_values_are_kept, vip_that_was_there_before_is_used_and_stays,
			      value_that_somebody_changed_is_left_and_told,
			      address_that_somebody_put_back_is_theirs,
			      without_tags_the_journal_alone_counts,
			      service_that_went_takes_its_vip_and_nothing_else,
			      steps_are_told_in_words_and_as_commands),
			 CASE("remark", interface_whose_own_value_overrules_all_is_told,
			      arp_ignore_3_hides_only_addresses_of_scope_host,
			      vip_on_another_interface_is_told,
			      standing_goes_from_not_through_partly_to_in_place),
			 CASE("journal", journal_of_another_boot_or_namespace_is_recognised), NULL);
}
