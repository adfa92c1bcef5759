/* What a service as a whole makes of its servers: panic, the sorry server, ramps, and what is in
 * the kernel at all. */
#include "test_ipvs.h"

#include <netinet/in.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "ipvs/state.h"

#define SERVERS 6

/* Service "web" with servers 10.0.0.1 … .6 of weight 1, probe i for each. */
struct policy {
	struct arena *arena;
	struct model model;
	struct service service;
	struct endpoint listen;
	struct real_server servers[SERVERS], sorry;
	uint32_t numbers[SERVERS + 1];
	struct probe probes[SERVERS + 1];
	struct ipvs_state state;
	nstime now;
	char costs[4096];
};

static void policy_make(struct policy *policy, size_t servers)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
	static const char *instances[] = {"i", "j", "k", "l"};

	*policy = (struct policy){.arena = arena_new(0), .now = NSTIME_S};
	ck_assert_int_eq(endpoint_parse("192.168.8.200:80", &policy->listen), 0);
	for (uint32_t i = 0; i <= SERVERS; i++) {
		policy->numbers[i] = i;
		policy->probes[i].key = 100 + i;
	}
	for (uint32_t i = 0; i < servers; i++) {
		struct real_server *server = &policy->servers[i];

		*server = (struct real_server){.name = names[i],
					       .weight = 1,
					       .probes = &policy->numbers[i],
					       .probe_count = 1};
		server->address.address = addr_from_ipv4(0x0a000001 + i);
	}
	policy->service = (struct service){.name = "web",
					   .listen = &policy->listen,
					   .listen_count = 1,
					   .protocols = PROTOCOL_TCP,
					   .scheduler = "wlc",
					   .quorum = 1,
					   .on_failure = ON_FAILURE_QUIESCE,
					   .real_servers = policy->servers,
					   .real_server_count = servers};
	policy->model = (struct model){.probes = policy->probes,
				       .probe_count = SERVERS + 1,
				       .instance_names = instances,
				       .instance_name_count = COUNT_OF(instances),
				       .services = &policy->service,
				       .service_count = 1};
}

/* A sorry server 10.0.0.9 with probe SERVERS. */
static void policy_sorry(struct policy *policy)
{
	policy->sorry = (struct real_server){.name = "10.0.0.9",
					     .weight = 1,
					     .probes = &policy->numbers[SERVERS],
					     .probe_count = 1};
	policy->sorry.address.address = addr_from_ipv4(0x0a000009);
	policy->service.sorry_server = &policy->sorry;
	policy->service.sorry_server_count = 1;
}

static void policy_begin(struct policy *policy, const struct ipvs_table *found)
{
	static const struct ipvs_table nothing;
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));

	ck_assert_int_eq(ipvs_state_build(policy->arena, &policy->model, &policy->state, &why), 0);
	ipvs_state_desire(&policy->state, found ? found : &nothing, policy->now);
}

/* What settling costs: "-e 10.0.0.1:80 1; -d 10.0.0.2:80". */
static const char *settle(struct policy *policy)
{
	struct text out = text_of(policy->costs, sizeof(policy->costs));
	struct ipvs_plan plan = {0};

	ck_assert_int_eq(
		ipvs_state_settle(policy->arena, &policy->state, policy->now, &plan), 0);
	for (size_t i = 0; i < plan.count; i++) {
		static const char *const letters[] = {
			[IPVS_ADD_SERVICE] = "-A", [IPVS_SET_SERVICE] = "-E",
			[IPVS_DEL_SERVICE] = "-D", [IPVS_ADD_DEST] = "-a",
			[IPVS_SET_DEST] = "-e",    [IPVS_DEL_DEST] = "-d"};
		const struct ipvs_op *op = &plan.ops[i];
		char address[ADDR_TEXT];

		text_add(&out, "%s%s", i ? "; " : "", letters[op->kind]);
		if (op->kind < IPVS_ADD_DEST)
			continue;
		text_add(&out, " %s", addr_format(&op->dest.address, address) + strlen("10.0.0"));
		if (op->kind != IPVS_DEL_DEST)
			text_add(&out, " %u", op->dest_attr.weight);
	}
	return policy->costs;
}

/* Verdicts of the first probes, a letter each: u, d, or - for none. */
static const char *verdicts(struct policy *policy, const char *letters)
{
	for (uint32_t p = 0; letters[p]; p++) {
		struct fact_probe fact = {.probe = p,
					  .verdict = letters[p] == 'u'	? VERDICT_UP
						     : letters[p] == 'd' ? VERDICT_DOWN
									 : VERDICT_UNKNOWN};

		ipvs_state_verdict(&policy->state, &fact);
	}
	return settle(policy);
}

static const char *sorry_verdict(struct policy *policy, enum verdict verdict)
{
	struct fact_probe fact = {.probe = SERVERS, .verdict = verdict};

	ipvs_state_verdict(&policy->state, &fact);
	return settle(policy);
}

/* What comes of so much time alone. */
static const char *later(struct policy *policy, nstime time)
{
	policy->now += time;
	ipvs_state_wake(&policy->state, policy->now);
	return settle(policy);
}

static const struct ipvs_condition *condition(const struct policy *policy)
{
	return &policy->state.services[0].condition;
}

static enum verdict told_quorum(const struct policy *policy)
{
	struct fact_service fact;

	ipvs_state_service_fact(&policy->state, 0, &fact);
	return fact.quorum;
}

/* ---- panic ----------------------------------------------------------------------------------- */

START_TEST(when_few_are_up_all_are_used)
{
	struct policy policy;

	policy_make(&policy, 4);
	policy.service.panic_threshold = 50;
	policy_begin(&policy, NULL);
	ck_assert_str_eq(verdicts(&policy, "uuuu"), "-a .1 1; -a .2 1; -a .3 1; -a .4 1");
	ck_assert_str_eq(verdicts(&policy, "ddu"), "-e .1 0; -e .2 0");
	ck_assert_int_eq(condition(&policy)->state, SERVICE_DEGRADED);
	ck_assert_int_eq(told_quorum(&policy), VERDICT_UP);
	ck_assert_str_eq(verdicts(&policy, "ddd"), "-e .1 1; -e .2 1");
	ck_assert_int_eq(condition(&policy)->state, SERVICE_PANIC);
	ck_assert_int_eq(told_quorum(&policy), VERDICT_DOWN);
	ck_assert_uint_eq(condition(&policy)->have, 1);
	ck_assert_str_eq(condition(&policy)->reason,
			 "less than 50% of the servers are up: all are used; 1 of 4 up");
	ck_assert_str_eq(verdicts(&policy, "dddd"), "");
	arena_free(policy.arena);
}
END_TEST

START_TEST(panic_ends_when_enough_servers_have_been_up_for_a_while)
{
	struct policy policy;

	policy_make(&policy, 4);
	policy.service.panic_threshold = 50;
	policy_begin(&policy, NULL);
	verdicts(&policy, "dddd");
	ck_assert_int_eq(ipvs_state_due(&policy.state), NSTIME_NEVER);
	ck_assert_str_eq(verdicts(&policy, "uu"), "");
	ck_assert_int_eq(ipvs_state_due(&policy.state), policy.now + IPVS_PANIC_HOLD);
	for (unsigned i = 0; i < 5; i++) { /* one at the edge that comes and goes */
		ck_assert_str_eq(later(&policy, IPVS_PANIC_HOLD - 1), "");
		ck_assert_str_eq(verdicts(&policy, "d"), "");
		ck_assert_str_eq(verdicts(&policy, "u"), "");
		ck_assert_int_eq(condition(&policy)->state, SERVICE_PANIC);
	}
	ck_assert_str_eq(later(&policy, IPVS_PANIC_HOLD), "-e .3 0; -e .4 0");
	ck_assert_int_eq(condition(&policy)->state, SERVICE_DEGRADED);
	ck_assert_int_eq(told_quorum(&policy), VERDICT_UP);
	ipvs_state_wake(&policy.state, policy.now);
	ck_assert_int_eq(ipvs_state_due(&policy.state), NSTIME_NEVER);
	arena_free(policy.arena);
}
END_TEST

START_TEST(panic_is_over_at_once_when_all_are_up)
{
	struct policy policy;

	policy_make(&policy, 2);
	policy.service.panic_threshold = 100;
	policy_begin(&policy, NULL);
	verdicts(&policy, "du");
	ck_assert_int_eq(condition(&policy)->state, SERVICE_PANIC);
	ck_assert_str_eq(verdicts(&policy, "uu"), "");
	ck_assert_int_eq(condition(&policy)->state, SERVICE_UP);
	arena_free(policy.arena);
}
END_TEST

START_TEST(who_has_no_verdict_no_weight_or_was_taken_out_does_not_count_for_panic)
{
	struct policy policy;

	policy_make(&policy, 6);
	policy.service.panic_threshold = 50;
	policy.servers[3].weight = 0;
	policy.servers[4].state = ADMIN_DRAINED;
	policy.servers[5].state = ADMIN_DISABLED;
	policy_begin(&policy, NULL);
	ck_assert_str_eq(verdicts(&policy, "d"), "-a .1 0"); /* b and c may well be up */
	ck_assert_int_eq(condition(&policy)->state, SERVICE_DOWN);
	ck_assert_str_eq(verdicts(&policy, "dudud"), "-e .1 1; -a .2 1; -a .3 1; -a .4 0; -a .5 0");
	ck_assert_int_eq(condition(&policy)->state, SERVICE_PANIC);
	arena_free(policy.arena);
}
END_TEST

/* ---- the sorry server ------------------------------------------------------------------------ */

START_TEST(a_sorry_server_is_in_before_the_others_leave_and_leaves_after_they_are_in)
{
	struct policy policy;
	struct fact_server fact;

	policy_make(&policy, 3);
	policy_sorry(&policy);
	policy.service.quorum = 2;
	policy_begin(&policy, NULL);
	ck_assert_str_eq(verdicts(&policy, "uuu"), "-a .1 1; -a .2 1; -a .3 1");
	ck_assert_str_eq(sorry_verdict(&policy, VERDICT_UP), "");
	ck_assert_str_eq(verdicts(&policy, "d"), "-e .1 0");
	ck_assert_str_eq(verdicts(&policy, "dd"), "-a .9 1; -e .2 0; -e .3 0");
	ck_assert_int_eq(condition(&policy)->state, SERVICE_SORRY);
	ck_assert_int_eq(told_quorum(&policy), VERDICT_DOWN);
	ck_assert_str_eq(condition(&policy)->reason,
			 "2 of 3 down: a, b; a weight of 1, and 2 is needed; the sorry server "
			 "10.0.0.9 answers");
	ipvs_state_server_fact(&policy.state, 3, &fact);
	ck_assert_uint_eq(fact.server, 3);
	ck_assert_uint_eq(fact.effective_weight, 1);
	ck_assert_str_eq(fact.reason, "answers; all checks pass");
	ck_assert_str_eq(verdicts(&policy, "ddd"), "");
	ck_assert_str_eq(verdicts(&policy, "ddu"), "");
	ck_assert_str_eq(verdicts(&policy, "duu"), "-e .2 1; -e .3 1; -e .9 0");
	ck_assert_int_eq(condition(&policy)->state, SERVICE_DEGRADED);
	ipvs_state_server_fact(&policy.state, 3, &fact);
	ck_assert_str_eq(fact.reason, "stands by; all checks pass");
	arena_free(policy.arena);
}
END_TEST

/* The kernel is read back: all is as wanted, and the sorry server has so many connections. */
static const char *sorry_connections(struct policy *policy, uint32_t count)
{
	struct ipvs_dest dests[SERVERS + 1];
	struct ipvs_service service = policy->state.programmed.services[0];
	struct ipvs_table actual = {.services = &service, .count = 1};

	memcpy(dests, service.dests, service.dest_count * sizeof(*dests));
	service.dests = dests;
	for (size_t i = 0; i < service.dest_count; i++)
		if (addr_equal(&dests[i].key.address, &policy->sorry.address.address))
			dests[i].counters.inactive = count;
	ipvs_state_counters(&policy->state, &actual);
	return settle(policy);
}

START_TEST(a_sorry_server_out_of_use_is_out_of_the_table_when_its_connections_are_gone)
{
	struct policy policy;

	policy_make(&policy, 2);
	policy_sorry(&policy);
	policy_begin(&policy, NULL);
	verdicts(&policy, "uu");
	sorry_verdict(&policy, VERDICT_UP);
	for (int round = 0; round < 2; round++) {
		ck_assert_str_eq(verdicts(&policy, "dd"), "-a .9 1; -e .1 0; -e .2 0");
		ck_assert_str_eq(sorry_connections(&policy, 0), ""); /* it waits for clients */
		ck_assert_str_eq(verdicts(&policy, "uu"), "-e .1 1; -e .2 1; -e .9 0");
		ck_assert_str_eq(sorry_connections(&policy, 3), "");
		ck_assert_str_eq(sorry_connections(&policy, 0), "-d .9");
		ck_assert_str_eq(sorry_connections(&policy, 0), "");
	}
	verdicts(&policy, "dd");
	verdicts(&policy, "uu");
	sorry_connections(&policy, 3);
	ck_assert_str_eq(verdicts(&policy, "dd"), "-e .9 1; -e .1 0; -e .2 0");
	arena_free(policy.arena);
}
END_TEST

START_TEST(with_remove_they_go_but_not_before_the_sorry_server_is_in)
{
	struct policy policy;

	policy_make(&policy, 2);
	policy_sorry(&policy);
	policy.sorry.probe_count = 0;
	policy.service.quorum = 2;
	policy.service.on_failure = ON_FAILURE_REMOVE;
	policy.servers[0].state = ADMIN_DRAINED;
	policy.servers[1].weight = 2;
	policy_begin(&policy, NULL);
	ck_assert_str_eq(verdicts(&policy, "uu"), "-a .2 2; -a .1 0");
	ck_assert_str_eq(verdicts(&policy, "ud"), "-a .9 1; -d .2"); /* a is drained */
	ck_assert_str_eq(verdicts(&policy, "uu"), "-a .2 2; -d .9");
	arena_free(policy.arena);
}
END_TEST

START_TEST(a_sorry_server_that_is_down_is_not_used)
{
	struct policy policy;

	policy_make(&policy, 2);
	policy_sorry(&policy);
	policy.service.quorum = 2;
	policy_begin(&policy, NULL);
	verdicts(&policy, "uu");
	ck_assert_str_eq(verdicts(&policy, "d"), "-e .1 0"); /* b is all there is */
	ck_assert_int_eq(condition(&policy)->state, SERVICE_DOWN);
	ck_assert_str_eq(condition(&policy)->reason,
			 "1 of 2 down: a; a weight of 1, and 2 is needed; the sorry server "
			 "10.0.0.9 has no verdict yet");
	ck_assert_str_eq(sorry_verdict(&policy, VERDICT_UP), "-a .9 1; -e .2 0");
	ck_assert_str_eq(sorry_verdict(&policy, VERDICT_DOWN), "-e .2 1; -e .9 0");
	ck_assert_int_eq(condition(&policy)->state, SERVICE_DOWN);
	ck_assert(strstr(condition(&policy)->reason, "10.0.0.9 is down, too"));
	arena_free(policy.arena);
}
END_TEST

START_TEST(the_sorry_server_answers_until_the_quorum_has_its_hysteresis)
{
	struct policy policy;

	policy_make(&policy, 4);
	policy_sorry(&policy);
	policy.service.quorum = 2;
	policy.service.quorum_hysteresis = 1;
	policy_begin(&policy, NULL);
	sorry_verdict(&policy, VERDICT_UP);
	verdicts(&policy, "uuuu");
	ck_assert_str_eq(verdicts(&policy, "dddd"), "-a .9 1; -e .1 0; -e .2 0; -e .3 0; -e .4 0");
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_str_eq(verdicts(&policy, "uudd"), "");
		ck_assert_str_eq(verdicts(&policy, "dudd"), "");
	}
	ck_assert_str_eq(verdicts(&policy, "uuud"), "-e .1 1; -e .2 1; -e .3 1; -e .9 0");
	ck_assert_str_eq(verdicts(&policy, "uddd"), "-e .2 0; -e .3 0");
	ck_assert_str_eq(verdicts(&policy, "dddd"), "-e .9 1; -e .1 0");
	arena_free(policy.arena);
}
END_TEST

START_TEST(at_the_start_the_sorry_server_waits_until_something_is_known)
{
	struct policy policy;

	policy_make(&policy, 3);
	policy_sorry(&policy);
	policy_begin(&policy, NULL);
	ck_assert_str_eq(sorry_verdict(&policy, VERDICT_UP), "");
	ck_assert_str_eq(verdicts(&policy, "-u"), "-a .2 1");
	ck_assert_str_eq(verdicts(&policy, "d"), "-a .1 0");
	arena_free(policy.arena);
	policy_make(&policy, 3);
	policy_sorry(&policy);
	policy_begin(&policy, NULL);
	sorry_verdict(&policy, VERDICT_UP);
	ck_assert_str_eq(verdicts(&policy, "d"), "-a .9 1; -a .1 0"); /* nobody answers */
	ck_assert_int_eq(condition(&policy)->state, SERVICE_SORRY);
	ck_assert_str_eq(verdicts(&policy, "-u"), "-a .2 1; -e .9 0");
	arena_free(policy.arena);
}
END_TEST

START_TEST(a_sorry_server_found_in_the_kernel_goes_on_until_the_quorum_is_known)
{
	struct ipvs_dest dests[] = {test_dest("10.0.0.1:80", 0), test_dest("10.0.0.9:80", 1)};
	struct ipvs_service found = {.key = test_key("192.168.8.200:80", IPPROTO_TCP),
				     .attr = {.scheduler = "wlc", .netmask = UINT32_MAX},
				     .dests = dests,
				     .dest_count = 2};
	struct ipvs_table table = {&found, 1};
	struct policy policy;

	policy_make(&policy, 2);
	policy_sorry(&policy);
	policy.service.quorum = 2;
	policy_begin(&policy, &table);
	ck_assert_int_eq(condition(&policy)->state, SERVICE_SORRY);
	ck_assert_str_eq(verdicts(&policy, "u"), "");
	ck_assert_str_eq(sorry_verdict(&policy, VERDICT_UP), "");
	ck_assert_str_eq(verdicts(&policy, "uu"), "-e .1 1; -a .2 1; -e .9 0");
	arena_free(policy.arena);
}
END_TEST

START_TEST(a_real_server_may_be_the_sorry_server)
{
	struct policy policy;
	struct fact_server fact;

	policy_make(&policy, 3);
	policy_sorry(&policy);
	policy.sorry.probe_count = 0;
	policy.sorry.address = policy.servers[1].address;
	policy.servers[1].weight = 7;
	policy.service.quorum = 8;
	policy_begin(&policy, NULL);
	verdicts(&policy, "uuu");
	ipvs_state_server_fact(&policy.state, 3, &fact);
	ck_assert(!fact.in_table);
	ck_assert_str_eq(verdicts(&policy, "dud"), "-e .1 0; -e .2 1; -e .3 0");
	ck_assert_int_eq(condition(&policy)->state, SERVICE_SORRY);
	ipvs_state_server_fact(&policy.state, 3, &fact);
	ck_assert_uint_eq(fact.effective_weight, 1);
	ck_assert_str_eq(verdicts(&policy, "ddd"), ""); /* nobody asks the sorry server itself */
	ck_assert_str_eq(verdicts(&policy, "uud"), "-e .1 1; -e .2 7");
	arena_free(policy.arena);
}
END_TEST

START_TEST(a_real_server_that_is_drained_or_disabled_is_no_sorry_server)
{
	struct policy policy;
	struct ipvs_terms drained = {.admin = ADMIN_DRAINED, .weight = 1};
	struct ipvs_terms enabled = {.admin = ADMIN_ENABLED, .weight = 1};
	struct ipvs_terms disabled = {.admin = ADMIN_DISABLED, .weight = 1};

	policy_make(&policy, 2);
	policy_sorry(&policy);
	policy.sorry.probe_count = 0;
	policy.sorry.address = policy.servers[1].address;
	policy_begin(&policy, NULL);
	verdicts(&policy, "uu");
	ipvs_state_terms(&policy.state, 1, &drained);
	ck_assert_str_eq(settle(&policy), "-e .2 0");
	ck_assert_str_eq(verdicts(&policy, "du"), "-e .1 0");
	ck_assert_int_eq(condition(&policy)->state, SERVICE_DOWN);
	ck_assert_str_eq(condition(&policy)->reason, "1 of 2 down: a; 1 of 2 drained: b; no weight "
						     "left; the sorry server 10.0.0.9 is drained");
	ipvs_state_terms(&policy.state, 1, &enabled);
	ck_assert_str_eq(settle(&policy), "-e .2 1");
	ck_assert_str_eq(verdicts(&policy, "dd"), "");
	ck_assert_int_eq(condition(&policy)->state, SERVICE_SORRY);
	ipvs_state_terms(&policy.state, 1, &disabled);
	ck_assert_str_eq(settle(&policy), "-d .2");
	ck_assert_int_eq(condition(&policy)->state, SERVICE_DOWN);
	arena_free(policy.arena);
}
END_TEST

START_TEST(panic_goes_before_the_sorry_server)
{
	struct policy policy;

	policy_make(&policy, 2);
	policy_sorry(&policy);
	policy.service.panic_threshold = 50;
	policy_begin(&policy, NULL);
	sorry_verdict(&policy, VERDICT_UP);
	ck_assert_str_eq(verdicts(&policy, "dd"), "-a .1 1; -a .2 1");
	arena_free(policy.arena);
}
END_TEST

/* ---- slow start ------------------------------------------------------------------------------ */

START_TEST(a_server_that_is_up_again_gets_its_weight_in_steps)
{
	struct policy policy;

	policy_make(&policy, 2);
	policy.service.slow_start = 10 * NSTIME_S;
	policy.servers[1].weight = 3;
	policy_begin(&policy, NULL);
	ck_assert_str_eq(verdicts(&policy, "uu"), "-a .1 100; -a .2 300"); /* nobody was waiting */
	ck_assert_int_eq(ipvs_state_due(&policy.state), NSTIME_NEVER);
	ck_assert_str_eq(verdicts(&policy, "ud"), "-e .2 0");
	ck_assert_str_eq(verdicts(&policy, "uu"), "-e .2 15");
	ck_assert_int_eq(ipvs_state_due(&policy.state), policy.now + NSTIME_S);
	ck_assert_str_eq(later(&policy, NSTIME_S - 1), "");
	ck_assert_str_eq(later(&policy, 1), "-e .2 30");
	ck_assert_uint_eq(condition(&policy)->have, 4);
	ck_assert_str_eq(later(&policy, 4 * NSTIME_S), "-e .2 150");
	ck_assert_str_eq(later(&policy, 4 * NSTIME_S), "-e .2 270");
	ck_assert_str_eq(later(&policy, NSTIME_S), "-e .2 300");
	ipvs_state_wake(&policy.state, policy.now);
	ck_assert_int_eq(ipvs_state_due(&policy.state), NSTIME_NEVER);
	arena_free(policy.arena);
}
END_TEST

START_TEST(who_fails_on_the_ramp_begins_again)
{
	struct policy policy;

	policy_make(&policy, 2);
	policy.service.slow_start = 10 * NSTIME_S;
	policy.service.on_failure = ON_FAILURE_REMOVE;
	policy_begin(&policy, NULL);
	verdicts(&policy, "du");
	verdicts(&policy, "uu");
	ck_assert_str_eq(later(&policy, 5 * NSTIME_S), "-e .1 50");
	ck_assert_str_eq(verdicts(&policy, "du"), "-d .1");
	ck_assert_str_eq(later(&policy, 5 * NSTIME_S), "");
	ck_assert_str_eq(verdicts(&policy, "uu"), "-a .1 5");
	ipvs_state_terms(&policy.state, 1, &(struct ipvs_terms){ADMIN_DRAINED, 1});
	ck_assert_str_eq(settle(&policy), "-e .2 0");
	ipvs_state_terms(&policy.state, 1, &(struct ipvs_terms){ADMIN_ENABLED, 2});
	ck_assert_str_eq(settle(&policy), "-e .2 10");
	arena_free(policy.arena);
}
END_TEST

START_TEST(a_ramp_goes_on_over_a_reload_and_what_is_added_has_one)
{
	struct policy policy, after;
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));
	struct ipvs_keys owned = {0};
	struct ipvs_plan plan;

	policy_make(&policy, 2);
	policy.service.slow_start = 10 * NSTIME_S;
	policy_begin(&policy, NULL);
	verdicts(&policy, "du");
	verdicts(&policy, "uu");
	later(&policy, 4 * NSTIME_S);
	policy_make(&after, 3);
	after.service.slow_start = 10 * NSTIME_S;
	after.now = policy.now;
	ck_assert_int_eq(ipvs_state_build(after.arena, &after.model, &after.state, &why), 0);
	ck_assert_int_eq(ipvs_state_carry(after.arena, &after.state, &policy.state), 0);
	ipvs_state_desire(&after.state, &policy.state.wanted, after.now);
	ck_assert_int_eq(ipvs_plan_build(after.arena, &after.state.wanted, &policy.state.wanted,
					 &owned, &plan),
			 0);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_str_eq(verdicts(&after, "--u"), "-a .3 5");
	ck_assert_str_eq(later(&after, NSTIME_S), "-e .1 50; -e .3 10");
	ck_assert_str_eq(later(&after, 5 * NSTIME_S), "-e .1 100; -e .3 60");
	arena_free(policy.arena);
	arena_free(after.arena);
}
END_TEST

START_TEST(who_is_found_serving_has_no_ramp)
{
	struct ipvs_dest dests[] = {test_dest("10.0.0.1:80", 100), test_dest("10.0.0.2:80", 0)};
	struct ipvs_service found = {.key = test_key("192.168.8.200:80", IPPROTO_TCP),
				     .attr = {.scheduler = "wlc", .netmask = UINT32_MAX},
				     .dests = dests,
				     .dest_count = 2};
	struct ipvs_table table = {&found, 1};
	struct policy policy;

	policy_make(&policy, 2);
	policy.service.slow_start = 10 * NSTIME_S;
	policy_begin(&policy, &table);
	ck_assert_str_eq(verdicts(&policy, "uu"), "-e .2 100");
	arena_free(policy.arena);
}
END_TEST

/* ---- in the kernel while MASTER -------------------------------------------------------------- */

static const char *role(struct policy *policy, uint32_t instance, enum vrrp_state state)
{
	ipvs_state_role(&policy->state, &(struct fact_role){instance, state});
	return settle(policy);
}

START_TEST(a_service_is_in_the_kernel_while_one_of_its_instances_is_master)
{
	struct policy policy;
	struct fact_server fact;
	uint32_t instances[] = {1, 3};

	policy_make(&policy, 2);
	policy.service.program_when = WHEN_MASTER;
	policy.service.instances = instances;
	policy.service.instance_count = 2;
	policy_begin(&policy, NULL);
	ck_assert_uint_eq(policy.state.programmed.count, 0);
	ck_assert_str_eq(verdicts(&policy, "ud"), "");
	ck_assert_int_eq(condition(&policy)->state, SERVICE_DEGRADED);
	ipvs_state_server_fact(&policy.state, 0, &fact);
	ck_assert(!fact.in_table && !fact.effective_weight);
	ck_assert_str_eq(role(&policy, 1, VRRP_BACKUP), "");
	ck_assert_str_eq(role(&policy, 0, VRRP_MASTER), "");
	ck_assert_str_eq(role(&policy, 3, VRRP_MASTER), "-A; -a .1 1; -a .2 0");
	ck_assert_uint_eq(policy.state.programmed.count, 1);
	ipvs_state_server_fact(&policy.state, 0, &fact);
	ck_assert(fact.in_table && fact.effective_weight == 1);
	ck_assert_str_eq(verdicts(&policy, "uu"), "-e .2 1");
	ck_assert_uint_eq(policy.state.programmed.services[0].dests[1].attr.weight, 1);
	ck_assert_str_eq(role(&policy, 1, VRRP_MASTER), "");
	ck_assert_str_eq(role(&policy, 3, VRRP_FAULT), "");
	ck_assert_str_eq(role(&policy, 1, VRRP_INIT), ""); /* a vrrp worker that begins anew */
	ck_assert_str_eq(role(&policy, 1, VRRP_BACKUP), "-D");
	ck_assert_str_eq(verdicts(&policy, "du"), "");
	ck_assert_str_eq(role(&policy, 1, VRRP_MASTER), "-A; -a .2 1; -a .1 0");
	arena_free(policy.arena);
}
END_TEST

START_TEST(a_service_stays_as_it_is_in_the_kernel_until_something_is_heard_of_its_instance)
{
	struct ipvs_dest dests[] = {test_dest("10.0.0.1:80", 1)};
	struct ipvs_service found = {.key = test_key("192.168.8.200:80", IPPROTO_TCP),
				     .attr = {.scheduler = "wlc", .netmask = UINT32_MAX},
				     .dests = dests,
				     .dest_count = 1};
	struct ipvs_table table = {&found, 1};
	uint32_t instance = 0;
	struct policy policy;

	policy_make(&policy, 1);
	policy.service.program_when = WHEN_MASTER;
	policy.service.instances = &instance;
	policy.service.instance_count = 1;
	policy_begin(&policy, &table);
	ck_assert_uint_eq(policy.state.programmed.count, 1);
	ck_assert_str_eq(verdicts(&policy, "d"), "-e .1 0");
	ck_assert_str_eq(role(&policy, 0, VRRP_MASTER), "");
	ck_assert_str_eq(role(&policy, 0, VRRP_BACKUP), "-D");
	arena_free(policy.arena);
}
END_TEST

START_TEST(nobody_waits_for_verdicts_of_a_service_that_is_not_asked)
{
	struct policy policy;
	struct fact_server fact;
	uint32_t instance = 0;

	policy_make(&policy, 2);
	policy.service.check_when = WHEN_MASTER;
	policy.service.instances = &instance;
	policy.service.instance_count = 1;
	policy_begin(&policy, NULL);
	ck_assert(ipvs_state_has_verdicts(&policy.state));
	ipvs_state_server_fact(&policy.state, 0, &fact);
	ck_assert_str_eq(fact.reason, "no verdict yet: checked while MASTER only");
	role(&policy, 0, VRRP_MASTER);
	ck_assert(!ipvs_state_has_verdicts(&policy.state));
	ck_assert_str_eq(verdicts(&policy, "ud"), "-a .1 1; -a .2 0");
	ck_assert(ipvs_state_has_verdicts(&policy.state));
	ck_assert_str_eq(role(&policy, 0, VRRP_BACKUP), ""); /* what was known stays */
	ck_assert_int_eq(condition(&policy)->state, SERVICE_DEGRADED);
	arena_free(policy.arena);
}
END_TEST

TCase *ipvs_policy_case(void)
{
	return CASE("policy", when_few_are_up_all_are_used,
		    panic_ends_when_enough_servers_have_been_up_for_a_while,
		    panic_is_over_at_once_when_all_are_up,
		    who_has_no_verdict_no_weight_or_was_taken_out_does_not_count_for_panic,
		    a_sorry_server_is_in_before_the_others_leave_and_leaves_after_they_are_in,
		    a_sorry_server_out_of_use_is_out_of_the_table_when_its_connections_are_gone,
		    with_remove_they_go_but_not_before_the_sorry_server_is_in,
		    a_sorry_server_that_is_down_is_not_used,
		    the_sorry_server_answers_until_the_quorum_has_its_hysteresis,
		    at_the_start_the_sorry_server_waits_until_something_is_known,
		    a_sorry_server_found_in_the_kernel_goes_on_until_the_quorum_is_known,
		    a_real_server_may_be_the_sorry_server,
		    a_real_server_that_is_drained_or_disabled_is_no_sorry_server, panic_goes_before_the_sorry_server,
		    a_server_that_is_up_again_gets_its_weight_in_steps,
		    who_fails_on_the_ramp_begins_again,
		    a_ramp_goes_on_over_a_reload_and_what_is_added_has_one,
		    who_is_found_serving_has_no_ramp,
		    a_service_is_in_the_kernel_while_one_of_its_instances_is_master,
		    a_service_stays_as_it_is_in_the_kernel_until_something_is_heard_of_its_instance,
		    nobody_waits_for_verdicts_of_a_service_that_is_not_asked);
}
