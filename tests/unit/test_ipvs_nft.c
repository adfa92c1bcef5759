/* What services want of nftables, and in which order on the way from one model to another. */
#include "test_ipvs.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"
#include "ipvs/drain.h"
#include "ipvs/nft.h"
#include "ipvs/state.h"

/* A service with two servers, listening on two ports. */
struct sample {
	struct model model;
	struct service service;
	struct endpoint listen[2];
	struct real_server servers[2];
};

static void sample_make(struct sample *sample)
{
	*sample = (struct sample){0};
	endpoint_parse("192.168.8.200:80", &sample->listen[0]);
	endpoint_parse("192.168.8.200:443", &sample->listen[1]);
	sample->servers[0] = (struct real_server){.name = "a", .weight = 1};
	sample->servers[1] = (struct real_server){.name = "b", .weight = 1};
	endpoint_parse("10.0.0.7", &sample->servers[0].address);
	endpoint_parse("10.0.0.14:8080", &sample->servers[1].address);
	sample->service = (struct service){.name = "web",
					   .listen = sample->listen,
					   .listen_count = 2,
					   .protocols = PROTOCOL_TCP,
					   .real_servers = sample->servers,
					   .real_server_count = 2};
	sample->model = (struct model){.services = &sample->service, .service_count = 1};
}

static void set_forwarding(struct sample *sample, enum forwarding forwarding)
{
	sample->servers[0].forwarding = sample->servers[1].forwarding = forwarding;
}

static void group(struct sample *sample)
{
	sample->service.group = true;
	sample->service.mark = 0x4c420001;
}

static const char *described(const struct nft_rules *rules)
{
	static char buffer[2048];
	struct text out = text_of(buffer, sizeof(buffer));
	char to[ENDPOINT_TEXT], server[ENDPOINT_TEXT];

	for (size_t i = 0; i < rules->mark_count; i++)
		text_add(&out, "%u %s: 0x%x\n", rules->marks[i].protocol,
			 endpoint_format(&rules->marks[i].listen, to), rules->marks[i].mark);
	for (size_t i = 0; i < rules->snat_count; i++) {
		const struct nft_snat *snat = &rules->snats[i];

		if (snat->mark)
			text_add(&out, "0x%x", snat->mark);
		else
			text_add(&out, "%u %s", snat->protocol, endpoint_format(&snat->listen, to));
		text_add(&out, " to %s: %zu\n", endpoint_format(&snat->server, server),
			 snat->source_count);
	}
	for (size_t i = 0; i < rules->way_count; i++)
		text_add(&out, "0x%x %s %s\n", rules->ways[i].mark,
			 rules->ways[i].wrapped ? "in" : "by",
			 addr_format(&rules->ways[i].server, server));
	return buffer;
}

static const char *wanted(const struct sample *sample)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_state state = {.model = &sample->model};
	struct nft_rules rules;

	ck_assert_int_eq(ipvs_nft_build(arena, &state, &rules), 0);
	return described(&rules);
}

static const char *between(const struct sample *from, const struct sample *to, bool is_programmed)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_state before = {.model = &from->model}, after = {.model = &to->model};
	struct nft_rules rules;

	ck_assert_int_eq(ipvs_nft_between(arena, &before, &after, is_programmed, &rules), 0);
	return described(&rules);
}

START_TEST(only_groups_want_marks_and_only_fullnat_other_addresses)
{
	struct sample sample;
	struct nft_rules rules;

	sample_make(&sample);
	set_forwarding(&sample, FORWARDING_NAT);
	ck_assert_str_eq(wanted(&sample), "");
	sample.service.mark = sample.service.fwmark = 0x50;
	ck_assert_str_eq(wanted(&sample), "");
	ck_assert_int_eq(ipvs_nft_build(NULL, NULL, &rules), 0);
	ck_assert_uint_eq(rules.mark_count + rules.snat_count, 0);
}
END_TEST

START_TEST(each_listener_and_protocol_of_a_group_gets_its_mark)
{
	struct sample sample;

	sample_make(&sample);
	group(&sample);
	sample.service.protocols = PROTOCOL_UDP | PROTOCOL_TCP;
	ck_assert_str_eq(wanted(&sample), "6 192.168.8.200:80: 0x4c420001\n"
					  "6 192.168.8.200:443: 0x4c420001\n"
					  "17 192.168.8.200:80: 0x4c420001\n"
					  "17 192.168.8.200:443: 0x4c420001\n");
}
END_TEST

START_TEST(connections_to_servers_with_fullnat_alone_get_another_address)
{
	struct sample sample;
	struct addr source[2] = {{0}};

	sample_make(&sample);
	sample.service.listen_count = 1;
	set_forwarding(&sample, FORWARDING_FULLNAT);
	ck_assert_str_eq(wanted(&sample), "6 192.168.8.200:80 to 10.0.0.7:80: 0\n"
					  "6 192.168.8.200:80 to 10.0.0.14:8080: 0\n");
	sample.servers[1].forwarding = FORWARDING_DR;
	sample.service.source = source;
	sample.service.source_count = 2;
	sample.service.sorry_server = &sample.servers[1];
	sample.service.sorry_server_count = 1;
	ck_assert_str_eq(wanted(&sample), "6 192.168.8.200:80 to 10.0.0.7:80: 2\n");
	sample.servers[0].forwarding = FORWARDING_DR;
	sample.servers[1].forwarding = FORWARDING_FULLNAT;
	sample.service.real_server_count = 1;
	ck_assert_str_eq(wanted(&sample), "6 192.168.8.200:80 to 10.0.0.14:8080: 2\n");
}
END_TEST

START_TEST(connections_of_a_service_with_a_mark_are_known_by_it)
{
	struct sample sample;

	sample_make(&sample);
	sample.service.listen_count = 0;
	sample.service.family = AF_INET;
	sample.service.mark = sample.service.fwmark = 0x50;
	set_forwarding(&sample, FORWARDING_FULLNAT);
	ck_assert_str_eq(wanted(&sample), "0x50 to 10.0.0.7: 0\n0x50 to 10.0.0.14:8080: 0\n");
}
END_TEST

START_TEST(packets_are_marked_only_while_their_service_is_there)
{
	struct sample plain, grouped;

	sample_make(&plain);
	sample_make(&grouped);
	group(&grouped);
	grouped.service.listen_count = 1;
	ck_assert_str_eq(between(&plain, &grouped, false), "");
	ck_assert_str_eq(between(&plain, &grouped, true), "6 192.168.8.200:80: 0x4c420001\n");
	ck_assert_str_eq(between(&grouped, &plain, false), "6 192.168.8.200:80: 0x4c420001\n");
	ck_assert_str_eq(between(&grouped, &plain, true), "");
}
END_TEST

START_TEST(probes_of_a_model_with_ways_leave_for_the_servers_of_the_services_that_are_there)
{
	struct way ways[2] = {{.mark = 0x4c420007, .forwarding = FORWARDING_TUNNEL},
			      {.mark = 0x4c420003, .forwarding = FORWARDING_DR}};
	static const char both[] = "0x4c420003 by 10.0.0.14\n0x4c420007 in 10.0.0.7\n";
	struct sample plain, probed;

	sample_make(&plain);
	sample_make(&probed);
	ways[0].server = probed.servers[0].address.address;
	ways[1].server = probed.servers[1].address.address;
	probed.model.ways = ways;
	probed.model.way_count = 2;
	ck_assert_str_eq(wanted(&probed), both);
	ck_assert_str_eq(between(&plain, &probed, false), "");
	ck_assert_str_eq(between(&plain, &probed, true), both);
	ck_assert_str_eq(between(&probed, &plain, false), both);
	ck_assert_str_eq(between(&probed, &plain, true), "");
}
END_TEST

START_TEST(addresses_are_replaced_while_either_model_has_the_server)
{
	static const char both[] = "6 192.168.8.200:80 to 10.0.0.7:80: 0\n"
				   "6 192.168.8.200:80 to 10.0.0.14:8080: 0\n";
	struct sample old, next;

	sample_make(&old);
	sample_make(&next);
	set_forwarding(&old, FORWARDING_FULLNAT);
	set_forwarding(&next, FORWARDING_FULLNAT);
	old.service.listen_count = next.service.listen_count = 1;
	old.service.real_server_count = 1;
	next.service.real_servers++;
	next.service.real_server_count = 1;
	ck_assert_str_eq(between(&old, &next, false), both);
	ck_assert_str_eq(between(&old, &next, true), both);
	ck_assert_str_eq(between(&next, &next, true), "6 192.168.8.200:80 to 10.0.0.14:8080: 0\n");
	set_forwarding(&next, FORWARDING_NAT);
	ck_assert_str_eq(between(&old, &next, true), "6 192.168.8.200:80 to 10.0.0.7:80: 0\n");
	ck_assert_str_eq(between(&next, &next, true), "");
}
END_TEST

START_TEST(connections_to_a_server_that_leaves_a_fullnat_service_still_get_another_address)
{
	struct ipvs_virtual about = {.empty.key = test_key("192.168.8.200:80", IPPROTO_TCP)};
	struct ipvs_leaver leavers[3] = {{.dest = test_dest("10.0.0.1:80", 0)},
					 {.dest = test_dest("10.0.0.2:80", 0), .gone = true},
					 {.dest = test_dest("10.0.0.3:80", 0)}};
	struct ipvs_state state = {.layout = {.virtuals = &about, .count = 1},
				   .leavers = leavers,
				   .leaver_count = 3};
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct nft_rules rules;

	sample_make(&sample);
	sample.service.real_server_count = 0;
	state.model = &sample.model;
	leavers[0].dest.attr.forwarding = leavers[1].dest.attr.forwarding = IPVS_FORWARD_NAT;
	sample.service.forwarding = FORWARDING_FULLNAT;
	ck_assert_int_eq(ipvs_nft_build(arena, &state, &rules), 0);
	ck_assert_str_eq(described(&rules), "6 192.168.8.200:80 to 10.0.0.1:80: 0\n");
	sample.service.forwarding = FORWARDING_NAT;
	ck_assert_int_eq(ipvs_nft_build(arena, &state, &rules), 0);
	ck_assert_uint_eq(rules.snat_count, 0);
}
END_TEST

TCase *ipvs_nft_case(void)
{
	return CASE("nft", only_groups_want_marks_and_only_fullnat_other_addresses,
		    each_listener_and_protocol_of_a_group_gets_its_mark,
		    connections_to_servers_with_fullnat_alone_get_another_address,
		    connections_of_a_service_with_a_mark_are_known_by_it,
		    connections_to_a_server_that_leaves_a_fullnat_service_still_get_another_address,
		    probes_of_a_model_with_ways_leave_for_the_servers_of_the_services_that_are_there,
		    packets_are_marked_only_while_their_service_is_there,
		    addresses_are_replaced_while_either_model_has_the_server);
}
