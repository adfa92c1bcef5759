/* What checks tell of their servers, under what operators say and over what the file has. */
#include "test_ipvs.h"

#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "check/agent.h"
#include "ipvs/said.h"
#include "ipvs/state.h"

/* Service "web" with servers a and b of weight 10, probes 0 and 1 for a, 2 for b. */
struct site {
	struct arena *arena;
	struct model model;
	struct service service;
	struct endpoint listen;
	struct real_server servers[2];
	uint32_t numbers[3];
	struct probe probes[3];
	struct ipvs_state state;
	char text[512];
};

static void site_values(struct site *site)
{
	*site = (struct site){.arena = arena_new(0)};
	ck_assert_int_eq(endpoint_parse("192.168.8.200:80", &site->listen), 0);
	for (uint32_t i = 0; i < 3; i++) {
		site->numbers[i] = i;
		site->probes[i].key = 100 + i;
	}
	for (uint32_t i = 0; i < 2; i++) {
		site->servers[i] = (struct real_server){.name = i ? "b" : "a",
							.weight = 10,
							.upper_threshold = 100,
							.lower_threshold = 80,
							.probes = &site->numbers[2 * i],
							.probe_count = 2 - i};
		site->servers[i].address.address = addr_from_ipv4(0x0a000001 + i);
	}
	site->service = (struct service){.name = "web",
					 .listen = &site->listen,
					 .listen_count = 1,
					 .protocols = PROTOCOL_TCP,
					 .scheduler = "wlc",
					 .quorum = 1,
					 .on_failure = ON_FAILURE_QUIESCE,
					 .real_servers = site->servers,
					 .real_server_count = 2};
	site->model = (struct model){.probes = site->probes,
				     .probe_count = 3,
				     .services = &site->service,
				     .service_count = 1};
}

/* The destinations that settling touches: "-e 1 75 [100 80]" with thresholds where they are not the file's. */
static const char *settle(struct site *site)
{
	struct text out = text_of(site->text, sizeof(site->text));
	struct ipvs_plan plan = {0};

	ck_assert_int_eq(ipvs_state_settle(site->arena, &site->state, NSTIME_S, &plan), 0);
	for (size_t i = 0; i < plan.count; i++) {
		const struct ipvs_op *op = &plan.ops[i];
		const struct ipvs_dest_attr *attr = &op->dest_attr;

		if (op->kind < IPVS_ADD_DEST)
			continue;
		text_add(&out, "%s%s %u", out.length ? "; " : "",
			 op->kind == IPVS_DEL_DEST ? "-d" : op->kind == IPVS_ADD_DEST ? "-a" : "-e",
			 op->dest.address.bytes[3]);
		if (op->kind != IPVS_DEL_DEST)
			text_add(&out, " %u", attr->weight);
		if (op->kind != IPVS_DEL_DEST &&
		    (attr->upper_threshold != 100 || attr->lower_threshold != 80))
			text_add(&out, " [%u %u]", attr->upper_threshold, attr->lower_threshold);
	}
	return site->text;
}

/* A probe says so, in an agent's words, with a verdict: u, d, or - for none. */
static const char *says(struct site *site, uint32_t probe, char verdict, const char *line)
{
	struct fact_probe fact = {.probe = probe,
				  .verdict = verdict == 'u'   ? VERDICT_UP
					     : verdict == 'd' ? VERDICT_DOWN
							      : VERDICT_UNKNOWN,
				  .told = agent_read(line, strlen(line), true).told};

	fact.told.by = CHECK_SCRIPT;
	ipvs_state_verdict(&site->state, &fact);
	return settle(site);
}

static void site_make(struct site *site, uint32_t factor)
{
	static const struct ipvs_table nothing;
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));

	site_values(site);
	site->service.weight_in_percent = factor > 1;
	ck_assert_int_eq(ipvs_state_build(site->arena, &site->model, &site->state, &why), 0);
	ipvs_state_desire(&site->state, &nothing, NSTIME_S);
	for (uint32_t p = 0; p < 3; p++)
		says(site, p, 'u', "");
}

static void site_drop(struct site *site)
{
	arena_free(site->arena);
}

static const char *operator_says(struct site *site, enum override_kind kind, const char *value)
{
	struct override override = {.object = "web/a", .kind = kind};

	strcpy(override.value, value);
	ck_assert_int_eq(ipvs_said_apply(site->arena, &site->state, &override, *value ? 1 : 0), 0);
	return settle(site);
}

static const char *reason_of(struct site *site, uint32_t place)
{
	static char reason[FACT_DETAIL];
	struct fact_server made, fact;
	uint8_t bytes[1024];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct reader in;

	ipvs_state_server_fact(&site->state, place, &made);
	fact_server_put(&out, &made);
	in = reader_of(bytes, writer_used(&out));
	ck_assert(fact_server_get(&in, &fact)); /* whoever hears it takes it */
	strcpy(reason, fact.reason);
	return reason;
}

START_TEST(a_weight_that_a_check_tells_is_programmed)
{
	struct site site;

	site_make(&site, 1);
	ck_assert_str_eq(says(&site, 0, 'u', "30"), "-e 1 30");
	ck_assert_str_eq(says(&site, 0, 'u', "50%"), "-e 1 5");
	ck_assert_str_eq(says(&site, 0, 'u', "1%"), "-e 1 1");
	ck_assert_str_eq(says(&site, 0, 'u', "0%"), "-e 1 0");
	ck_assert_str_eq(says(&site, 0, 'u', "25600%"), "-e 1 2560");
	ck_assert_str_eq(says(&site, 1, 'u', "200%"), "-e 1 20");
	site_drop(&site);
}
END_TEST

START_TEST(shares_of_a_weight_have_hundredths_where_a_check_tells_some)
{
	struct site site;

	site_make(&site, 100);
	ck_assert_str_eq(says(&site, 0, 'u', "75%"), "-e 1 750");
	ck_assert_str_eq(says(&site, 2, 'u', "1%"), "-e 2 10");
	ck_assert_str_eq(says(&site, 0, 'u', "30"), "-e 1 3000");
	site_drop(&site);
}
END_TEST

START_TEST(a_check_that_fails_or_has_no_verdict_leaves_the_weight_last_told)
{
	struct site site;

	site_make(&site, 1);
	ck_assert_str_eq(says(&site, 0, 'u', "30"), "-e 1 30");
	ck_assert_str_eq(says(&site, 0, 'd', ""), "-e 1 0");
	ck_assert_str_eq(says(&site, 0, 'u', ""), "-e 1 30");
	ck_assert_str_eq(says(&site, 0, '-', ""), "");
	ck_assert_str_eq(says(&site, 0, 'u', "maxconn:5"), "-e 1 30 [5 0]");
	site_drop(&site);
}
END_TEST

START_TEST(drain_and_maint_are_in_force_until_ready)
{
	struct site site;

	site_make(&site, 1);
	ck_assert_str_eq(says(&site, 0, 'u', "drain"), "-e 1 0");
	ck_assert_str_eq(reason_of(&site, 0), "drained by script; all checks pass");
	ck_assert_str_eq(says(&site, 0, 'u', "maint"), "-d 1");
	ck_assert_str_eq(reason_of(&site, 0), "disabled by script; all checks pass");
	ck_assert_str_eq(says(&site, 0, 'u', "50%"), "");
	ck_assert_str_eq(says(&site, 0, 'u', "ready"), "-a 1 5");
	site_drop(&site);
}
END_TEST

START_TEST(who_is_drained_by_a_check_is_no_part_of_the_quorum)
{
	struct site site;
	const struct ipvs_condition *condition;

	site_make(&site, 1);
	condition = &site.state.services[0].condition;
	ck_assert_uint_eq(condition->have, 20);
	says(&site, 0, 'u', "drain");
	ck_assert_uint_eq(condition->have, 10);
	ck_assert_int_eq(condition->state, SERVICE_UP);
	says(&site, 2, 'u', "0%");
	ck_assert_uint_eq(condition->have, 0);
	ck_assert_int_eq(condition->state, SERVICE_DOWN);
	site_drop(&site);
}
END_TEST

START_TEST(a_share_of_a_weight_is_no_smaller_part_of_the_quorum)
{
	struct site site;
	const struct ipvs_condition *condition;

	site_make(&site, 1);
	condition = &site.state.services[0].condition;
	says(&site, 0, 'u', "10%");
	ck_assert_uint_eq(condition->have, 20);
	says(&site, 0, 'u', "3");
	ck_assert_uint_eq(condition->have, 13);
	site_drop(&site);
}
END_TEST

START_TEST(an_operators_word_stands_over_that_of_a_check_until_it_is_taken_back)
{
	struct site site;

	site_make(&site, 1);
	ck_assert_str_eq(says(&site, 0, 'u', "30"), "-e 1 30");
	ck_assert_str_eq(operator_says(&site, OVERRIDE_WEIGHT, "7"), "-e 1 7");
	ck_assert_str_eq(says(&site, 0, 'u', "40"), "");
	ck_assert_str_eq(reason_of(&site, 0), "all checks pass");
	ck_assert_str_eq(says(&site, 0, 'u', "drain"), "-e 1 0");
	ck_assert_str_eq(operator_says(&site, OVERRIDE_STATE, "disabled"), "-d 1");
	ck_assert_str_eq(says(&site, 0, 'u', "ready"), "");
	ck_assert_str_eq(operator_says(&site, OVERRIDE_STATE, "drained"), "-a 1 0");
	ck_assert_str_eq(says(&site, 0, 'u', "maint"), "");
	ck_assert_str_eq(reason_of(&site, 0), "drained; all checks pass");
	ck_assert_str_eq(operator_says(&site, OVERRIDE_STATE, ""), "-d 1");
	ck_assert_str_eq(says(&site, 0, 'u', "ready"), "-a 1 40");
	site_drop(&site);
}
END_TEST

/* As lbhactl says it of a server that the file drains. */
START_TEST(to_enable_a_server_is_to_leave_it_to_its_checks)
{
	struct site site;

	site_make(&site, 1);
	site.servers[0].state = ADMIN_DRAINED;
	ck_assert_str_eq(operator_says(&site, OVERRIDE_STATE, "enabled"), "");
	ck_assert_str_eq(says(&site, 0, 'u', "drain"), "-e 1 0");
	ck_assert_str_eq(operator_says(&site, OVERRIDE_STATE, ""), "");
	ck_assert_str_eq(says(&site, 0, 'u', "ready"), "");
	ck_assert_str_eq(reason_of(&site, 0), "drained; all checks pass");
	site_drop(&site);
}
END_TEST

START_TEST(maxconn_is_the_upper_threshold_and_the_lower_one_stays_below_it)
{
	struct site site;

	site_make(&site, 1);
	ck_assert_str_eq(says(&site, 0, 'u', "maxconn:90"), "-e 1 10 [90 80]");
	ck_assert_str_eq(says(&site, 0, 'u', "maxconn:30"), "-e 1 10 [30 0]");
	ck_assert_str_eq(says(&site, 0, 'u', "maxconn:0"), "-e 1 10 [0 0]");
	ck_assert_str_eq(says(&site, 0, 'u', "maxconn:100"), "-e 1 10");
	site_drop(&site);
}
END_TEST

START_TEST(a_reload_loses_nothing_that_was_told)
{
	struct site site;
	struct ipvs_state next;
	struct probe probes[3];
	struct model model;
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));

	site_make(&site, 1);
	says(&site, 0, 'u', "30 maxconn:7");
	says(&site, 2, 'u', "drain");
	model = site.model;
	memcpy(probes, site.probes, sizeof(probes));
	probes[2].key = 999; /* another check: what the old one told is over */
	model.probes = probes;
	ck_assert_int_eq(ipvs_state_build(site.arena, &model, &next, &why), 0);
	ck_assert_int_eq(ipvs_state_carry(site.arena, &next, &site.state), 0);
	ipvs_state_desire(&next, &site.state.wanted, NSTIME_S);
	ck_assert_uint_eq(next.wanted.services[0].dests[0].attr.weight, 30);
	ck_assert_uint_eq(next.wanted.services[0].dests[0].attr.upper_threshold, 7);
	ck_assert_int_eq(next.servers[1].now.terms.admin, ADMIN_ENABLED);
	site_drop(&site);
}
END_TEST

TCase *ipvs_told_case(void)
{
	return CASE("told", a_weight_that_a_check_tells_is_programmed,
		    shares_of_a_weight_have_hundredths_where_a_check_tells_some,
		    a_check_that_fails_or_has_no_verdict_leaves_the_weight_last_told,
		    drain_and_maint_are_in_force_until_ready,
		    who_is_drained_by_a_check_is_no_part_of_the_quorum,
		    a_share_of_a_weight_is_no_smaller_part_of_the_quorum,
		    an_operators_word_stands_over_that_of_a_check_until_it_is_taken_back,
		    to_enable_a_server_is_to_leave_it_to_its_checks,
		    maxconn_is_the_upper_threshold_and_the_lower_one_stays_below_it,
		    a_reload_loses_nothing_that_was_told);
}
