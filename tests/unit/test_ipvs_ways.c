/* The services of ways beside those of the model: in the table, and nobody's business. */
#include "test_ipvs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/ip_vs.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/model.h"
#include "ipvs/state.h"

#define WAYS 3

/* A service with two servers, one with a tunnel, and a way to each; one more for IPv6. */
struct sample {
	struct model model;
	struct check check;
	struct probe probes[WAYS];
	struct way ways[WAYS];
	struct endpoint listen;
	struct real_server servers[2];
	struct service service;
	struct ipvs_state state;
};

static struct endpoint endpoint(const char *text)
{
	struct endpoint out;

	ck_assert_int_eq(endpoint_parse(text, &out), 0);
	return out;
}

static void sample_make(struct sample *sample, struct arena *arena)
{
	static const char *const servers[WAYS] = {"192.0.2.20:80", "192.0.2.30:80", "[2001:db8::20]:80"};
	static const char *const vips[WAYS] = {"192.0.2.1:80", "192.0.2.1:80", "[2001:db8::1]:80"};
	static const uint32_t marks[WAYS] = {0x4c420007, 0x4c420003, 0x4c420005};
	static uint32_t numbers[] = {0, 1};
	struct text why = text_of((char[64]){0}, 64);

	*sample = (struct sample){0};
	for (uint32_t i = 0; i < WAYS; i++) {
		sample->probes[i] = (struct probe){.target = endpoint(servers[i]),
						   .via = endpoint(vips[i]),
						   .way = i + 1,
						   .key = i + 1};
		sample->ways[i] = (struct way){.server = sample->probes[i].target.address,
					       .family = sample->probes[i].via.address.family,
					       .mark = marks[i]};
	}
	sample->ways[1].forwarding = FORWARDING_TUNNEL;
	for (size_t i = 0; i < 2; i++)
		sample->servers[i] = (struct real_server){.name = servers[i],
							  .address = endpoint(servers[i]),
							  .weight = 1,
							  .forwarding = sample->ways[i].forwarding,
							  .probes = &numbers[i],
							  .probe_count = 1};
	sample->listen = endpoint(vips[0]);
	sample->service = (struct service){.name = "web",
					   .listen = &sample->listen,
					   .listen_count = 1,
					   .protocols = PROTOCOL_TCP,
					   .scheduler = "wlc",
					   .quorum = 1,
					   .on_failure = ON_FAILURE_REMOVE,
					   .real_servers = sample->servers,
					   .real_server_count = 2};
	sample->model = (struct model){.checks = &sample->check,
				       .check_count = 1,
				       .probes = sample->probes,
				       .probe_count = WAYS,
				       .ways = sample->ways,
				       .way_count = WAYS,
				       .services = &sample->service,
				       .service_count = 1};
	sample->model.global.ipvs.mark_base = 0x4c420000;
	sample->model.global.ipvs.mark_mask = 0xffff;
	ck_assert_int_eq(ipvs_state_build(arena, &sample->model, &sample->state, &why), 0);
	ipvs_state_desire(&sample->state, &(struct ipvs_table){0}, 1);
}

static const struct ipvs_service *service_of(const struct sample *sample, size_t way)
{
	struct ipvs_service_key key = {.fwmark = sample->ways[way].mark,
				       .address.family = sample->ways[way].family};

	return ipvs_table_find(&sample->state.programmed, &key);
}

START_TEST(each_way_is_a_marked_service_with_one_server_on_any_port)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;

	sample_make(&sample, arena);
	ck_assert_uint_eq(sample.state.programmed.count, 1 + WAYS);
	for (size_t i = 0; i < WAYS; i++) {
		const struct ipvs_service *service = service_of(&sample, i);

		ck_assert_ptr_nonnull(service);
		ck_assert_str_eq(service->attr.scheduler, "rr");
		ck_assert_uint_eq(service->attr.flags, IP_VS_SVC_F_ONEPACKET);
		ck_assert_uint_eq(service->dest_count, 1);
		ck_assert_int_eq(addr_compare(&service->dests[0].key.address,
					      &sample.ways[i].server), 0);
		ck_assert_uint_eq(service->dests[0].key.port, 0);
		ck_assert_uint_eq(service->dests[0].attr.weight, 1); /* whatever the verdict */
	}
	ck_assert_uint_eq(service_of(&sample, 0)->dests[0].attr.forwarding, IPVS_FORWARD_DR);
	ck_assert_uint_eq(service_of(&sample, 1)->dests[0].attr.forwarding, IPVS_FORWARD_TUNNEL);
	for (size_t i = 1; i < sample.state.programmed.count; i++)
		ck_assert_int_lt(ipvs_service_key_compare(&sample.state.programmed.services[i - 1].key,
							  &sample.state.programmed.services[i].key), 0);
}
END_TEST

START_TEST(verdicts_move_the_service_and_never_the_ways)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_plan plan = {0};
	struct fact_probe fact = {.probe = 0, .verdict = VERDICT_UP, .passed = true};

	sample_make(&sample, arena);
	for (fact.probe = 0; fact.probe < 2; fact.probe++)
		ipvs_state_verdict(&sample.state, &fact);
	ck_assert_int_eq(ipvs_state_settle(arena, &sample.state, 2, &plan), 0);
	ck_assert_uint_eq(plan.count, 2);
	for (size_t i = 0; i < plan.count; i++)
		ck_assert_uint_eq(plan.ops[i].service.fwmark, 0);
	ck_assert_uint_eq(sample.state.programmed.count, 1 + WAYS);
}
END_TEST

START_TEST(a_way_is_placed_when_it_is_there_or_comes_and_is_routed)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_table none = {0};
	struct ipvs_plan whole, nothing = {0};
	struct ipvs_keys owned = {0};
	struct ipvs_op refused;

	sample_make(&sample, arena);
	ck_assert_int_eq(ipvs_plan_build(arena, &sample.state.programmed, &none, &owned, &whole), 0);
	ipvs_ways_seen(&sample.state.ways, &none, &whole);
	ck_assert(!ipvs_ways_judge(&sample.state.ways, false));
	ck_assert(ipvs_ways_judge(&sample.state.ways, true));
	for (size_t i = 0; i < WAYS; i++)
		ck_assert(sample.state.ways.states[i].placed);
	ipvs_ways_seen(&sample.state.ways, &none, &nothing); /* what is contested waits */
	ipvs_ways_judge(&sample.state.ways, true);
	ck_assert(!sample.state.ways.states[0].placed);
	ipvs_ways_seen(&sample.state.ways, &sample.state.programmed, &nothing);
	refused = (struct ipvs_op){.kind = IPVS_ADD_SERVICE, .service = service_of(&sample, 1)->key};
	ipvs_state_refused(&sample.state, &refused, "it", 3);
	ipvs_ways_judge(&sample.state.ways, true);
	ck_assert(sample.state.ways.states[0].placed && !sample.state.ways.states[1].placed);
	ck_assert(sample.state.ways.states[2].placed);
	ipvs_state_refusals_begin(&sample.state);
	ipvs_ways_judge(&sample.state.ways, true);
	ck_assert(sample.state.ways.states[1].placed);
}
END_TEST

START_TEST(each_address_is_local_once_for_packets_with_marks_of_ours)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct policy_set four, six;

	sample_make(&sample, arena);
	ck_assert_int_eq(ipvs_ways_policy(arena, &sample.model, AF_INET, &four), 0);
	ck_assert_int_eq(ipvs_ways_policy(arena, &sample.model, AF_INET6, &six), 0);
	ck_assert_uint_eq(four.local_count, 1);
	ck_assert_uint_eq(six.local_count, 1);
	ck_assert_uint_eq(four.rule_count, 1);
	ck_assert_uint_eq(four.rules[0].mark, 0x4c420000);
	ck_assert_uint_eq(four.rules[0].mask, 0xffff0000);
	sample.model.probe_count = 2;
	ck_assert_int_eq(ipvs_ways_policy(arena, &sample.model, AF_INET6, &six), 0);
	ck_assert_uint_eq(six.local_count + six.rule_count, 0);
}
END_TEST

/* Whatever somebody took of the table, the plan brings it back, and nothing of it is said of the service. */
START_TEST(apply_of_the_plan_brings_all_ways_back)
{
	const char *given = getenv("LBHA_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);

	printf("seed %u\n", seed);
	srand(seed);
	for (int round = 0; round < 200; round++) {
		auto_arena *arena = arena_new(0);
		struct sample sample;
		struct ipvs_service kept[1 + WAYS];
		struct ipvs_table actual = {.services = kept};
		struct ipvs_keys owned = {0};
		struct ipvs_plan plan;
		size_t missing = 0;

		sample_make(&sample, arena);
		for (size_t i = 0; i < sample.state.programmed.count; i++)
			if (rand() % 2)
				kept[actual.count++] = sample.state.programmed.services[i];
		ck_assert_int_eq(ipvs_plan_build(arena, &sample.state.programmed, &actual, &owned,
						 &plan), 0);
		for (size_t i = 0; i < WAYS; i++) {
			struct ipvs_service_key key = service_of(&sample, i)->key;
			bool is_there = ipvs_table_find(&actual, &key) != NULL;
			size_t ops = 0;

			for (size_t o = 0; o < plan.count; o++)
				ops += !ipvs_service_key_compare(&plan.ops[o].service, &key);
			ck_assert_uint_eq(ops, is_there ? 0 : 2); /* the service and its server */
			missing += !is_there;
		}
		ipvs_ways_seen(&sample.state.ways, &actual, &plan);
		ck_assert_int_eq(ipvs_ways_judge(&sample.state.ways, true), true);
		ck_assert_uint_le(missing, WAYS);
	}
}
END_TEST

TCase *ipvs_ways_case(void)
{
	return CASE("ways", each_way_is_a_marked_service_with_one_server_on_any_port,
		    verdicts_move_the_service_and_never_the_ways,
		    a_way_is_placed_when_it_is_there_or_comes_and_is_routed,
		    each_address_is_local_once_for_packets_with_marks_of_ours,
		    apply_of_the_plan_brings_all_ways_back);
}
