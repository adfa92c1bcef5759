/* From verdicts to the wanted table: what a server's health does, and that work is in proportion to
 * what changed. */
#include "test_ipvs.h"

#include <netinet/in.h>
#include <string.h>

#include <linux/ip_vs.h>

#include "base/arena.h"
#include "base/text.h"
#include "ipvs/state.h"

/* Service "web": one or two listeners, servers a, b, c with one probe each (0, 1, 2). */
struct sample {
	struct model model;
	struct service service;
	struct endpoint listen[2];
	struct real_server servers[3];
	uint32_t probe_numbers[3];
	struct probe probes[3];
};

static void sample_make(struct sample *sample)
{
	static const char *const names[] = {"a", "b", "c"}, *const addresses[] = {"10.0.0.1",
										  "10.0.0.2:81",
										  "10.0.0.3"};

	*sample = (struct sample){0};
	ck_assert_int_eq(endpoint_parse("192.168.8.200:80", &sample->listen[0]), 0);
	ck_assert_int_eq(endpoint_parse("192.168.8.200:443", &sample->listen[1]), 0);
	for (uint32_t i = 0; i < 3; i++) {
		sample->probe_numbers[i] = i;
		sample->probes[i] = (struct probe){.key = 100 + i};
		sample->servers[i] = (struct real_server){.name = names[i],
							  .weight = i + 1,
							  .forwarding = FORWARDING_DR,
							  .probes = &sample->probe_numbers[i],
							  .probe_count = 1};
		ck_assert_int_eq(endpoint_parse(addresses[i], &sample->servers[i].address), 0);
		sample->probes[i].target = sample->servers[i].address;
	}
	sample->service = (struct service){.name = "web",
					   .listen = sample->listen,
					   .listen_count = 1,
					   .protocols = PROTOCOL_TCP,
					   .scheduler = "wlc",
					   .quorum = 1,
					   .on_failure = ON_FAILURE_QUIESCE,
					   .real_servers = sample->servers,
					   .real_server_count = 3};
	sample->model = (struct model){.probes = sample->probes,
				       .probe_count = 3,
				       .services = &sample->service,
				       .service_count = 1};
}

static const struct ipvs_table nothing;

static void start(struct arena *arena, struct sample *sample, struct ipvs_state *state,
		  const struct ipvs_table *found)
{
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));

	ck_assert_int_eq(ipvs_state_build(arena, &sample->model, state, &why), 0);
	ipvs_state_desire(state, found, 1);
}

/* The operations that settling costs as text, without "ipvsadm " and the virtual service. */
static const char *settle(struct ipvs_state *state)
{
	static char buffer[4096];
	auto_arena *arena = arena_new(0);
	struct ipvs_plan plan = {0};
	struct text out = text_of(buffer, sizeof(buffer));

	ck_assert_int_eq(ipvs_state_settle(arena, state, 2, &plan), 0);
	for (size_t i = 0; i < plan.count; i++) {
		char line[IPVS_OP_TEXT];
		struct text one = text_of(line, sizeof(line));

		ipvs_op_format(&plan.ops[i], &one);
		text_add(&out, "%s%.3s%s", i ? "; " : "", line + 8, strstr(line, "-r "));
	}
	return buffer;
}

/* Tells a verdict; what it costs. */
static const char *verdict(struct ipvs_state *state, uint32_t probe, enum verdict verdict)
{
	struct fact_probe fact = {.probe = probe,
				  .verdict = verdict,
				  .since = 7,
				  .reason = verdict == VERDICT_UP ? REASON_PASSED : REASON_REFUSED};

	ipvs_state_verdict(state, &fact);
	return settle(state);
}

START_TEST(no_traffic_before_the_first_passed_check)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;

	sample_make(&sample);
	start(arena, &sample, &state, &nothing);
	ck_assert_uint_eq(state.wanted.count, 1);
	ck_assert_uint_eq(state.wanted.services[0].dest_count, 0);
	ck_assert(!ipvs_state_has_verdicts(&state));
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_DOWN);
	ck_assert_str_eq(verdict(&state, 1, VERDICT_UP), "-a -r 10.0.0.2:81 -g -w 2");
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_DEGRADED);
	ck_assert_str_eq(state.services[0].condition.reason, "2 of 3 without a verdict yet: a, c");
	ck_assert_str_eq(verdict(&state, 0, VERDICT_UP), "-a -r 10.0.0.1:80 -g -w 1");
	ck_assert_str_eq(verdict(&state, 2, VERDICT_UP), "-a -r 10.0.0.3:80 -g -w 3");
	ck_assert(ipvs_state_has_verdicts(&state));
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_UP);
	ck_assert_uint_eq(state.services[0].condition.have, 6);
}
END_TEST

START_TEST(quiesce_takes_the_weight_and_remove_takes_the_server)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;

	sample_make(&sample);
	start(arena, &sample, &state, &nothing);
	verdict(&state, 0, VERDICT_UP);
	ck_assert_str_eq(verdict(&state, 0, VERDICT_DOWN), "-e -r 10.0.0.1:80 -g -w 0");
	ck_assert_str_eq(verdict(&state, 0, VERDICT_UP), "-e -r 10.0.0.1:80 -g -w 1");
	sample.service.on_failure = ON_FAILURE_REMOVE;
	ck_assert_str_eq(verdict(&state, 0, VERDICT_DOWN), "-d -r 10.0.0.1:80");
	ck_assert_str_eq(verdict(&state, 0, VERDICT_UP), "-a -r 10.0.0.1:80 -g -w 1");
}
END_TEST

START_TEST(a_verdict_that_is_no_news_costs_nothing)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;

	sample_make(&sample);
	start(arena, &sample, &state, &nothing);
	verdict(&state, 0, VERDICT_UP);
	ck_assert_str_eq(verdict(&state, 0, VERDICT_UP), "");
	ck_assert_str_eq(verdict(&state, 0, VERDICT_UNKNOWN),
			 ""); /* a restarted check worker takes nothing away */
	ck_assert_str_eq(verdict(&state, 99, VERDICT_UP), "");
	ck_assert_int_eq(state.servers[0].now.health, VERDICT_UP);
}
END_TEST

START_TEST(what_is_told_is_what_changed_once)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;

	sample_make(&sample);
	start(arena, &sample, &state, &nothing);
	for (uint32_t probe = 0; probe < 3; probe++)
		verdict(&state, probe, VERDICT_UP);
	ipvs_state_told(&state);
	verdict(&state, 1, VERDICT_UP);
	ck_assert_uint_eq(state.stale_server_count + state.stale_service_count, 0);
	verdict(&state, 1, VERDICT_DOWN);
	verdict(&state, 1, VERDICT_UP);
	ck_assert_uint_eq(state.stale_server_count, 1);
	ck_assert_uint_eq(state.stale_servers[0], 1);
	ck_assert_uint_eq(state.stale_service_count, 1);
	ipvs_state_told(&state);
	verdict(&state, 2, VERDICT_DOWN);
	ck_assert_uint_eq(state.stale_server_count, 1);
	ck_assert_uint_eq(state.stale_servers[0], 2);
}
END_TEST

START_TEST(every_listener_follows_a_verdict)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;

	sample_make(&sample);
	sample.service.listen_count = 2;
	sample.service.protocols = PROTOCOL_TCP | PROTOCOL_UDP;
	start(arena, &sample, &state, &nothing);
	ck_assert_uint_eq(state.wanted.count, 4);
	ck_assert_str_eq(verdict(&state, 0, VERDICT_UP),
			 "-a -r 10.0.0.1:80 -g -w 1; -a -r 10.0.0.1:80 -g -w 1; "
			 "-a -r 10.0.0.1:443 -g -w 1; -a -r 10.0.0.1:443 -g -w 1");
}
END_TEST

START_TEST(servers_found_in_the_kernel_stay_as_they_are_until_a_verdict)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_dest dests[] = {test_dest("10.0.0.1:80", 5), test_dest("10.0.0.3:80", 0),
				    test_dest("10.0.0.9:80", 1)};
	struct ipvs_service found = {.key = test_key("192.168.8.200:80", IPPROTO_TCP),
				     .attr = {.scheduler = "wlc", .netmask = UINT32_MAX},
				     .dests = dests,
				     .dest_count = 3};
	struct ipvs_table table = {&found, 1};
	struct ipvs_keys owned = {&found.key, 1};
	struct sample sample;
	struct ipvs_state state;
	struct ipvs_plan plan;

	sample_make(&sample);
	start(arena, &sample, &state, &table);
	ck_assert_int_eq(ipvs_plan_build(arena, &state.wanted, &table, &owned, &plan), 0);
	ck_assert_uint_eq(plan.count, 1); /* only the server that the model does not know goes */
	ck_assert_int_eq(plan.ops[0].kind, IPVS_DEL_DEST);
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_DEGRADED);
	ck_assert_str_eq(verdict(&state, 0, VERDICT_UP), "-e -r 10.0.0.1:80 -g -w 1");
	ck_assert_str_eq(verdict(&state, 2, VERDICT_DOWN), ""); /* already without weight */
	ck_assert_str_eq(verdict(&state, 2, VERDICT_UP), "-e -r 10.0.0.3:80 -g -w 3");
}
END_TEST

START_TEST(a_server_without_checks_counts_as_up)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;

	sample_make(&sample);
	sample.servers[0].probe_count = 0;
	start(arena, &sample, &state, &nothing);
	ck_assert_uint_eq(state.wanted.services[0].dest_count, 1);
	ck_assert_uint_eq(state.servers[0].now.weight, 1);
}
END_TEST

START_TEST(all_checks_of_a_server_must_pass)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;
	struct fact_server fact;

	sample_make(&sample);
	sample.servers[0].probe_count = 2; /* probes 0 and 1 */
	start(arena, &sample, &state, &nothing);
	ck_assert_str_eq(verdict(&state, 0, VERDICT_UP), "");
	verdict(&state, 1, VERDICT_UP);
	ck_assert(state.servers[0].now.in_table);
	verdict(&state, 1, VERDICT_DOWN);
	ck_assert_uint_eq(state.servers[0].now.weight, 0);
	ipvs_state_server_fact(&state, 0, &fact);
	ck_assert_int_eq(fact.health, VERDICT_DOWN);
	ck_assert_str_eq(fact.reason, "10.0.0.2:81: refused");
	ck_assert_int_eq(fact.since, 7);
}
END_TEST

START_TEST(a_configured_weight_of_0_is_programmed_and_no_fault)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;

	sample_make(&sample);
	sample.servers[0].weight = 0;
	start(arena, &sample, &state, &nothing);
	ck_assert_str_eq(verdict(&state, 0, VERDICT_UP), "-a -r 10.0.0.1:80 -g -w 0");
	verdict(&state, 1, VERDICT_UP);
	verdict(&state, 2, VERDICT_UP);
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_UP);
}
END_TEST

/* Begins with a table that somebody has left; how many servers are wanted then. */
static size_t wanted_at_first(const struct sample *sample, const struct ipvs_table *found)
{
	auto_arena *arena = arena_new(0);
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));
	struct ipvs_state state;

	ck_assert_int_eq(ipvs_state_build(arena, &sample->model, &state, &why), 0);
	ipvs_state_begin(&state, found);
	ipvs_state_desire(&state, found, 1);
	return state.wanted.services[0].dest_count;
}

START_TEST(what_is_initially_up_waits_for_nobody_where_nothing_is_known)
{
	auto_arena *arena = arena_new(0);
	struct sample before, after;
	struct ipvs_service left;
	struct ipvs_state old, new;

	sample_make(&before);
	before.probes[0].initially_up = before.probes[2].initially_up = true;
	ck_assert_uint_eq(wanted_at_first(&before, &nothing), 2);
	start(arena, &before, &old, &nothing);
	left = (struct ipvs_service){.key = old.wanted.services[0].key};
	ck_assert_uint_eq(wanted_at_first(&before, &(struct ipvs_table){&left, 1}), 0);
	verdict(&old, 0, VERDICT_DOWN);
	sample_make(&after);
	after.probes[0].initially_up = after.probes[1].initially_up = true;
	after.probes[1].key = 999; /* new; that of a is known to be down */
	start(arena, &after, &new, &nothing);
	ck_assert_int_eq(ipvs_state_carry(arena, &new, &old), 0);
	ipvs_state_desire(&new, &old.wanted, 9);
	ck_assert_int_eq(new.servers[0].now.health, VERDICT_DOWN);
	ck_assert_int_eq(new.servers[1].now.health, VERDICT_UP);
	ck_assert_int_eq(new.servers[2].now.health, VERDICT_UNKNOWN);
}
END_TEST

START_TEST(verdicts_survive_a_reload_by_the_probes_keys)
{
	auto_arena *arena = arena_new(0);
	struct sample before, after;
	struct ipvs_state old, new;
	struct ipvs_keys owned = {0};
	struct ipvs_plan plan;

	sample_make(&before);
	sample_make(&after);
	start(arena, &before, &old, &nothing);
	for (uint32_t i = 0; i < 3; i++)
		verdict(&old, i, VERDICT_UP);
	after.probes[0].key =
		102; /* the probes have other numbers now, and that of b is a new one */
	after.probes[1].key = 999;
	after.probes[2].key = 100;
	after.probe_numbers[0] = 2;
	after.probe_numbers[2] = 0;
	start(arena, &after, &new, &nothing);
	ck_assert_int_eq(ipvs_state_carry(arena, &new, &old), 0);
	ipvs_state_desire(&new, &old.wanted, 9);
	ck_assert_int_eq(ipvs_plan_build(arena, &new.wanted, &old.wanted, &owned, &plan), 0);
	ck_assert_uint_eq(plan.count, 0); /* b stays as it is until its new check has spoken */
	ck_assert_int_eq(new.servers[0].now.health, VERDICT_UP);
	ck_assert_int_eq(new.servers[1].now.health, VERDICT_UNKNOWN);
	ck_assert_str_eq(verdict(&new, 1, VERDICT_DOWN), "-e -r 10.0.0.2:81 -g -w 0");
}
END_TEST

START_TEST(a_drained_server_keeps_its_place_with_weight_0_whatever_its_checks_say)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;
	struct fact_server fact;

	sample_make(&sample);
	sample.servers[0].state = ADMIN_DRAINED;
	start(arena, &sample, &state, &nothing);
	ck_assert_str_eq(verdict(&state, 1, VERDICT_UP), "-a -r 10.0.0.2:81 -g -w 2");
	ck_assert_str_eq(verdict(&state, 2, VERDICT_UP), "-a -r 10.0.0.3:80 -g -w 3");
	ck_assert(!ipvs_state_has_verdicts(&state));
	ck_assert_str_eq(verdict(&state, 0, VERDICT_UP), "-a -r 10.0.0.1:80 -g -w 0");
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_UP);
	ck_assert_uint_eq(state.services[0].condition.have, 5);
	ck_assert_str_eq(state.services[0].condition.reason, "1 of 3 drained: a");
	ipvs_state_server_fact(&state, 0, &fact);
	ck_assert_int_eq(fact.health, VERDICT_UP);
	ck_assert_str_eq(fact.reason, "drained; all checks pass");
	ck_assert_str_eq(verdict(&state, 0, VERDICT_DOWN), "");
	sample.service.on_failure = ON_FAILURE_REMOVE;
	verdict(&state, 0, VERDICT_UP);
	ck_assert_str_eq(verdict(&state, 0, VERDICT_DOWN), "-d -r 10.0.0.1:80");
}
END_TEST

START_TEST(what_is_in_force_of_a_server_goes_before_the_model)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;

	sample_make(&sample);
	start(arena, &sample, &state, &nothing);
	for (uint32_t probe = 0; probe < 3; probe++)
		verdict(&state, probe, VERDICT_UP);
	ipvs_state_terms(&state, 0, &(struct ipvs_terms){ADMIN_ENABLED, 7});
	ck_assert_str_eq(settle(&state), "-e -r 10.0.0.1:80 -g -w 7");
	ck_assert_uint_eq(state.services[0].condition.have, 12);
	ipvs_state_terms(&state, 0, &(struct ipvs_terms){ADMIN_DRAINED, 7});
	ck_assert_str_eq(settle(&state), "-e -r 10.0.0.1:80 -g -w 0");
	ck_assert_str_eq(state.services[0].condition.reason, "1 of 3 drained: a");
	ipvs_state_terms(&state, 0, &(struct ipvs_terms){ADMIN_DISABLED, 7});
	ck_assert_str_eq(settle(&state), "-d -r 10.0.0.1:80");
	ck_assert_str_eq(verdict(&state, 0, VERDICT_DOWN), "");
	ipvs_state_terms(&state, 0, &(struct ipvs_terms){ADMIN_ENABLED, 1});
	ck_assert_str_eq(settle(&state), "-a -r 10.0.0.1:80 -g -w 0");
	ck_assert_str_eq(verdict(&state, 0, VERDICT_UP), "-e -r 10.0.0.1:80 -g -w 1");
}
END_TEST

START_TEST(a_server_found_with_traffic_is_drained_before_its_first_verdict)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_dest found = test_dest("10.0.0.1:80", 7);
	struct ipvs_service service = {.key = test_key("192.168.8.200:80", IPPROTO_TCP),
				       .dests = &found,
				       .dest_count = 1};
	struct ipvs_table table = {&service, 1};
	struct sample sample;
	struct ipvs_state state;

	sample_make(&sample);
	sample.servers[0].state = ADMIN_DRAINED;
	start(arena, &sample, &state, &table);
	ck_assert_uint_eq(state.wanted.services[0].dest_count, 1);
	ck_assert_uint_eq(state.wanted.services[0].dests[0].attr.weight, 0);
}
END_TEST

START_TEST(nobody_waits_for_a_disabled_server_and_it_is_not_in_the_table)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_dest found = test_dest("10.0.0.1:80", 7);
	struct ipvs_service service = {.key = test_key("192.168.8.200:80", IPPROTO_TCP),
				       .dests = &found,
				       .dest_count = 1};
	struct ipvs_table table = {&service, 1};
	struct sample sample;
	struct ipvs_state state;
	struct fact_server fact;

	sample_make(&sample);
	sample.servers[0].state = ADMIN_DISABLED;
	sample.servers[0].probe_count = 0;
	start(arena, &sample, &state, &table);
	ck_assert_uint_eq(state.wanted.services[0].dest_count, 0);
	verdict(&state, 1, VERDICT_UP);
	verdict(&state, 2, VERDICT_DOWN);
	ck_assert(ipvs_state_has_verdicts(&state));
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_DEGRADED);
	ck_assert_str_eq(state.services[0].condition.reason,
			 "1 of 3 down: c; 1 of 3 disabled: a");
	ipvs_state_server_fact(&state, 0, &fact);
	ck_assert_int_eq(fact.health, VERDICT_UNKNOWN);
	ck_assert_str_eq(fact.reason, "disabled, so it is not checked");
	verdict(&state, 1, VERDICT_DOWN);
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_DOWN);
}
END_TEST

/* Servers a, b and c weigh 1, 2 and 3. */
START_TEST(a_lost_quorum_is_met_again_with_the_hysteresis_more)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;
	const struct ipvs_condition *condition;

	sample_make(&sample);
	sample.service.quorum = 4;
	sample.service.quorum_hysteresis = 1;
	start(arena, &sample, &state, &nothing);
	condition = &state.services[0].condition;
	verdict(&state, 2, VERDICT_UP);
	ck_assert_int_eq(condition->state, SERVICE_DOWN);
	ck_assert_str_eq(condition->reason, "2 of 3 without a verdict yet: a, b; a weight of 3, "
					    "and 4 is needed");
	verdict(&state, 0, VERDICT_UP);
	ck_assert_int_eq(condition->state, SERVICE_DEGRADED);
	verdict(&state, 1, VERDICT_DOWN);
	ck_assert_int_eq(condition->state, SERVICE_DEGRADED);
	ck_assert_uint_eq(condition->have, 4);
	verdict(&state, 0, VERDICT_DOWN);
	ck_assert_uint_eq(condition->have, 3);
	ck_assert_int_eq(condition->state, SERVICE_DEGRADED);
	verdict(&state, 1, VERDICT_UP);
	verdict(&state, 2, VERDICT_DOWN);
	ck_assert_uint_eq(condition->have, 2);
	ck_assert_int_eq(condition->state, SERVICE_DOWN);
	verdict(&state, 0, VERDICT_UP);
	verdict(&state, 1, VERDICT_DOWN);
	verdict(&state, 2, VERDICT_UP);
	ck_assert_uint_eq(condition->have, 4);
	ck_assert_int_eq(condition->state, SERVICE_DOWN);
	ck_assert_str_eq(condition->reason, "1 of 3 down: b; a weight of 4, and 5 is needed");
	verdict(&state, 1, VERDICT_UP);
	ck_assert_int_eq(condition->state, SERVICE_UP);
	ck_assert_uint_eq(condition->needed, 4);
}
END_TEST

START_TEST(a_service_without_any_weight_is_down_whatever_the_hysteresis)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;

	sample_make(&sample);
	sample.service.quorum = sample.service.quorum_hysteresis = 2;
	start(arena, &sample, &state, &nothing);
	for (uint32_t probe = 0; probe < 3; probe++)
		verdict(&state, probe, VERDICT_UP);
	verdict(&state, 1, VERDICT_DOWN);
	verdict(&state, 2, VERDICT_DOWN);
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_DEGRADED);
	verdict(&state, 0, VERDICT_DOWN);
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_DOWN);
}
END_TEST

START_TEST(whether_there_was_a_quorum_survives_a_reload)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state, next;
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));

	sample_make(&sample);
	sample.service.quorum = 4;
	sample.service.quorum_hysteresis = 1;
	start(arena, &sample, &state, &nothing);
	for (uint32_t probe = 0; probe < 3; probe++)
		verdict(&state, probe, VERDICT_UP);
	verdict(&state, 2, VERDICT_DOWN);
	ck_assert_uint_eq(state.services[0].condition.have, 3);
	ck_assert_int_eq(ipvs_state_build(arena, &sample.model, &next, &why), 0);
	ck_assert_int_eq(ipvs_state_carry(arena, &next, &state), 0);
	ipvs_state_desire(&next, &state.wanted, 5);
	ck_assert_int_eq(next.services[0].condition.state, SERVICE_DEGRADED);
}
END_TEST

/* The kernel refuses a virtual service of web. */
static void refuse(struct ipvs_state *state, enum ipvs_op_kind kind, const char *listen)
{
	struct ipvs_op op = {.kind = kind, .service = test_key(listen, IPPROTO_TCP)};

	ipvs_state_refused(state, &op, "that", 3);
}

START_TEST(a_service_that_the_kernel_refuses_is_down_and_says_why_until_it_is_made)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;
	struct fact_service fact;
	struct fact_server server;

	sample_make(&sample);
	start(arena, &sample, &state, &nothing);
	verdict(&state, 0, VERDICT_UP);
	ipvs_state_refusals_begin(&state);
	refuse(&state, IPVS_ADD_SERVICE, "192.168.8.200:80");
	refuse(&state, IPVS_ADD_DEST, "192.168.8.200:80");
	ipvs_state_refusals_end(&state, 3);
	ipvs_state_service_fact(&state, 0, &fact);
	ck_assert_int_eq(fact.state, SERVICE_DOWN);
	ck_assert_uint_eq(fact.have, 0);
	ck_assert_str_eq(fact.reason, "the kernel refused that");
	ipvs_state_server_fact(&state, 0, &server);
	ck_assert(!server.in_table);
	ck_assert_uint_eq(server.effective_weight, 0);
	verdict(&state, 1, VERDICT_UP);
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_DOWN);
	ipvs_state_refusals_begin(&state);
	ipvs_state_refusals_end(&state, 4);
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_DEGRADED);
	ck_assert_uint_eq(state.services[0].condition.have, 3);
	ipvs_state_server_fact(&state, 0, &server);
	ck_assert(server.in_table);
}
END_TEST

START_TEST(a_service_of_which_the_kernel_has_something_is_degraded)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;

	sample_make(&sample);
	sample.service.listen_count = 2;
	start(arena, &sample, &state, &nothing);
	for (uint32_t probe = 0; probe < 3; probe++)
		verdict(&state, probe, VERDICT_UP);
	refuse(&state, IPVS_SET_SERVICE, "192.168.8.200:80");
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_DEGRADED);
	ipvs_state_refusals_begin(&state);
	refuse(&state, IPVS_ADD_SERVICE, "192.168.8.200:80");
	ipvs_state_refusals_end(&state, 3);
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_DEGRADED);
	ck_assert_uint_eq(state.services[0].condition.have, 6);
	refuse(&state, IPVS_ADD_SERVICE, "192.168.8.200:443");
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_DOWN);
	refuse(&state, IPVS_DEL_SERVICE, "192.168.8.200:8080"); /* nobody wants it */
}
END_TEST

static void check_refused(struct sample *sample, const char *expected)
{
	auto_arena *arena = arena_new(0);
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));
	struct ipvs_state state;

	ck_assert_int_lt(ipvs_state_build(arena, &sample->model, &state, &why), 0);
	ck_assert_str_eq(buffer, expected);
}

START_TEST(what_no_table_can_hold_is_refused_with_the_names)
{
	struct sample sample;

	sample_make(&sample);
	sample.servers[2].address.address = sample.servers[0].address.address;
	check_refused(&sample, "service web: the real servers a and c are alike");
	sample_make(&sample);
	sample.listen[1] = sample.listen[0];
	sample.service.listen_count = 2;
	check_refused(&sample, "services web and web: both listen on tcp 192.168.8.200:80");
	sample_make(&sample);
	sample.service.scheduler = "sixteen_letters_";
	check_refused(&sample, "service web: no scheduler has a name as long as sixteen_letters_");
}
END_TEST

START_TEST(counters_are_summed_over_listeners)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_dest first = test_dest("10.0.0.1:80", 1), second = test_dest("10.0.0.1:443", 1);
	struct ipvs_service services[] = {
		{.key = test_key("192.168.8.200:80", IPPROTO_TCP),
		 .dests = &first,
		 .dest_count = 1},
		{.key = test_key("192.168.8.200:443", IPPROTO_TCP),
		 .dests = &second,
		 .dest_count = 1},
	};
	struct ipvs_table table = {services, 2};
	struct sample sample;
	struct ipvs_state state;
	struct fact_server fact;

	sample_make(&sample);
	sample.service.listen_count = 2;
	start(arena, &sample, &state, &nothing);
	first.counters = (struct ipvs_counters){.active = 1, .connections = 10, .bytes_in = 1000};
	second.counters = (struct ipvs_counters){.active = 2, .connections = 20, .bytes_in = 2000};
	ipvs_state_counters(&state, &table);
	ck_assert(state.servers[0].stale);
	ipvs_state_server_fact(&state, 0, &fact);
	ck_assert_uint_eq(fact.active, 3);
	ck_assert_uint_eq(fact.traffic.connections, 30);
	ck_assert_uint_eq(fact.traffic.bytes_in, 3000);
}
END_TEST

TCase *ipvs_state_case(void)
{
	return CASE("state", no_traffic_before_the_first_passed_check,
		    quiesce_takes_the_weight_and_remove_takes_the_server,
		    a_verdict_that_is_no_news_costs_nothing, every_listener_follows_a_verdict,
		    what_is_told_is_what_changed_once,
		    servers_found_in_the_kernel_stay_as_they_are_until_a_verdict,
		    a_server_without_checks_counts_as_up, all_checks_of_a_server_must_pass,
		    a_configured_weight_of_0_is_programmed_and_no_fault,
		    what_is_initially_up_waits_for_nobody_where_nothing_is_known,
		    verdicts_survive_a_reload_by_the_probes_keys,
		    a_drained_server_keeps_its_place_with_weight_0_whatever_its_checks_say,
		    what_is_in_force_of_a_server_goes_before_the_model,
		    a_server_found_with_traffic_is_drained_before_its_first_verdict,
		    nobody_waits_for_a_disabled_server_and_it_is_not_in_the_table,
		    a_lost_quorum_is_met_again_with_the_hysteresis_more,
		    a_service_without_any_weight_is_down_whatever_the_hysteresis,
		    whether_there_was_a_quorum_survives_a_reload,
		    a_service_that_the_kernel_refuses_is_down_and_says_why_until_it_is_made,
		    a_service_of_which_the_kernel_has_something_is_degraded,
		    what_no_table_can_hold_is_refused_with_the_names,
		    counters_are_summed_over_listeners);
}
