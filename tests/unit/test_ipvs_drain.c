/* What operators say of servers, and servers on their way out of the table. */
#include "test_ipvs.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/carry.h"
#include "base/text.h"
#include "ipvs/drain.h"
#include "ipvs/inherit.h"
#include "ipvs/said.h"
#include "ipvs/state.h"

#define WALL (1767323045 * NSTIME_S)

/* Service "web" with one listener (or two) and servers a, b, c without probes,
 * so all are up. */
static struct real_server servers[3];
static struct endpoint listeners[2];
static struct service service;
static struct model model;
static struct arena *arena;
static struct ipvs_state state;
static char told[512];

static const struct ipvs_table nothing;

static void begin(void)
{
	static const char *const names[] = {"a", "b", "c"}, *const at[] = {"10.0.0.1", "10.0.0.2",
									   "10.0.0.3"};

	ck_assert_int_eq(endpoint_parse("192.168.8.200:80", &listeners[0]), 0);
	ck_assert_int_eq(endpoint_parse("192.168.8.200:443", &listeners[1]), 0);
	for (size_t i = 0; i < 3; i++) {
		servers[i] = (struct real_server){.name = names[i], .weight = (uint32_t)i + 1};
		ck_assert_int_eq(endpoint_parse(at[i], &servers[i].address), 0);
	}
	service = (struct service){.name = "web",
				   .listen = listeners,
				   .listen_count = 1,
				   .protocols = PROTOCOL_TCP,
				   .scheduler = "wlc",
				   .quorum = 1,
				   .on_failure = ON_FAILURE_QUIESCE,
				   .real_servers = servers,
				   .real_server_count = 3};
	model = (struct model){.services = &service, .service_count = 1};
	arena = arena_new(0);
	told[0] = '\0';
}

static void end(void)
{
	arena_free(arena);
}

static struct override said(enum override_kind kind, const char *object, const char *value)
{
	struct override made = {.kind = kind};

	strcpy(made.object, object);
	strcpy(made.value, value);
	return made;
}

static struct override drained_until(const char *object, nstime deadline)
{
	struct override made = said(OVERRIDE_STATE, object, "drained");

	made.deadline = deadline;
	return made;
}

/* A generation that starts from what is there, as the worker does it. */
static void start(struct ipvs_state *out, const struct ipvs_state *from,
		  const struct ipvs_table *current, const struct override *list, size_t count)
{
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));

	ck_assert_int_eq(ipvs_state_build(arena, &model, out, &why), 0);
	if (from)
		ck_assert_int_eq(ipvs_state_carry(arena, out, from), 0);
	ck_assert_int_eq(ipvs_said_apply(arena, out, list, count), 0);
	ck_assert_int_eq(ipvs_leavers_find(arena, out, from, current, NSTIME_S), 0);
	ipvs_state_desire(out, current, NSTIME_S);
}

static const char *settle(void)
{
	static char buffer[1024];
	struct ipvs_plan plan = {0};
	struct text out = text_of(buffer, sizeof(buffer));

	ck_assert_int_eq(ipvs_state_settle(arena, &state, 2, &plan), 0);
	for (size_t i = 0; i < plan.count; i++) {
		char line[IPVS_OP_TEXT];
		struct text one = text_of(line, sizeof(line));

		ipvs_op_format(&plan.ops[i], &one);
		text_add(&out, "%s%.3s%s", i ? "; " : "", line + 8, strstr(line, "-r "));
	}
	return buffer;
}

/* What a new list costs. */
static const char *say(const struct override *list, size_t count)
{
	ck_assert_int_eq(ipvs_said_apply(arena, &state, list, count), 0);
	return settle();
}

static void note(void *ctx, const char *of, const char *server, uint64_t connections)
{
	(void)ctx;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s/%s %llu ", of, server,
		 (unsigned long long)connections);
}

/* The kernel's table is as wanted, and the first virtual service's destination
 * `at` has so many connections; what it costs when that is seen. */
static const char *look(const char *at, uint32_t connections, nstime now, nstime wall)
{
	struct ipvs_table read;
	struct endpoint endpoint;
	struct ipvs_dest_key key;
	struct ipvs_dest *dest;

	ck_assert_int_eq(endpoint_parse(at, &endpoint), 0);
	key = (struct ipvs_dest_key){endpoint.address, endpoint.port};
	ck_assert_int_eq(ipvs_drain_services(arena, &state, &read), 0);
	for (size_t i = 0; i < read.count; i++) {
		const struct ipvs_service *wanted =
			ipvs_table_find(&state.wanted, &read.services[i].key);

		read.services[i].dests = arena_array(arena, wanted->dest_count + 1, sizeof(*dest));
		memcpy(read.services[i].dests, wanted->dests, wanted->dest_count * sizeof(*dest));
		read.services[i].dest_count = wanted->dest_count;
		dest = ipvs_dest_find(&read.services[i], &key);
		if (dest && !i)
			dest->counters.inactive = connections;
		else if (dest)
			dest->counters.inactive = 0;
	}
	ipvs_drain_look(&state, &read, now, wall, note, NULL);
	return settle();
}

static struct fact_server fact_of(uint32_t place)
{
	struct fact_server fact;

	ipvs_state_server_fact(&state, place, &fact);
	return fact;
}

/* ---- what is said ---------------------------------------------------------------------------- */

START_TEST(a_word_costs_one_message_and_is_taken_back_by_one)
{
	struct override list[] = {said(OVERRIDE_WEIGHT, "web/a", "9"),
				  said(OVERRIDE_STATE, "web/b", "drained"),
				  said(OVERRIDE_STATE, "web/c", "disabled")};

	start(&state, NULL, &nothing, NULL, 0);
	ck_assert_str_eq(say(list, 1), "-e -r 10.0.0.1:80 -g -w 9");
	ck_assert_str_eq(say(list, 1), "");
	ck_assert_str_eq(say(list, 2), "-e -r 10.0.0.2:80 -g -w 0");
	ck_assert_str_eq(say(list, 3), "-d -r 10.0.0.3:80");
	ck_assert_int_eq(fact_of(0).weight, 9);
	ck_assert_int_eq(fact_of(1).admin, ADMIN_DRAINED);
	ck_assert_str_eq(fact_of(1).reason, "drained; no check");
	ck_assert_int_eq(fact_of(2).admin, ADMIN_DISABLED);
	ck_assert_str_eq(fact_of(2).reason, "disabled; no check");
	ck_assert_str_eq(state.services[0].condition.reason,
			 "1 of 3 drained: b; 1 of 3 disabled: c");
	ck_assert_str_eq(say(list, 1), "-e -r 10.0.0.2:80 -g -w 2; -a -r 10.0.0.3:80 -g -w 3");
	ck_assert_str_eq(say(NULL, 0), "-e -r 10.0.0.1:80 -g -w 1");
}
END_TEST

START_TEST(both_words_about_a_server_hold)
{
	struct override list[] = {said(OVERRIDE_WEIGHT, "web/a", "9"),
				  said(OVERRIDE_STATE, "web/a", "drained")};

	start(&state, NULL, &nothing, list, 2);
	ck_assert_uint_eq(state.wanted.services[0].dests[0].attr.weight, 0);
	ck_assert_str_eq(say(list, 1), "-e -r 10.0.0.1:80 -g -w 9");
}
END_TEST

START_TEST(what_is_said_of_nobody_waits)
{
	struct override list[] = {
		said(OVERRIDE_WEIGHT, "web/d", "9"), said(OVERRIDE_WEIGHT, "wide/web/a", "9"),
		said(OVERRIDE_WEIGHT, "we/a", "9"), said(OVERRIDE_WEIGHT, "web/a/", "9")};

	start(&state, NULL, &nothing, NULL, 0);
	ck_assert_str_eq(say(list, COUNT_OF(list)), "");
	servers[1].name = "d";
	start(&state, NULL, &nothing, list, COUNT_OF(list));
	ck_assert_uint_eq(state.wanted.services[0].dests[1].attr.weight, 9);
}
END_TEST

START_TEST(names_may_hold_what_parts_them)
{
	struct override list[] = {said(OVERRIDE_WEIGHT, "in/web/b/1", "9")};

	service.name = "in/web";
	servers[1].name = "b/1";
	start(&state, NULL, &nothing, list, 1);
	ck_assert_uint_eq(state.wanted.services[0].dests[1].attr.weight, 9);
}
END_TEST

START_TEST(the_file_drains_and_the_operator_enables)
{
	struct override list[] = {said(OVERRIDE_STATE, "web/a", "enabled"),
				  said(OVERRIDE_STATE, "web/b", "enabled")};

	servers[0].state = ADMIN_DRAINED;
	servers[1].state = ADMIN_DISABLED;
	start(&state, NULL, &nothing, list, 2);
	ck_assert_uint_eq(state.wanted.services[0].dest_count, 2);
	ck_assert_uint_eq(state.wanted.services[0].dests[0].attr.weight, 1);
	ck_assert_str_eq(fact_of(1).reason, "disabled, so it is not checked");
}
END_TEST

START_TEST(who_is_drained_keeps_its_connections_beside_the_sorry_server)
{
	static struct real_server sorry;
	struct override list[] = {said(OVERRIDE_STATE, "web/a", "drained"),
				  said(OVERRIDE_STATE, "web/b", "drained"),
				  said(OVERRIDE_STATE, "web/c", "disabled")};

	sorry = (struct real_server){.name = "sorry", .weight = 1};
	ck_assert_int_eq(endpoint_parse("10.0.0.9", &sorry.address), 0);
	service.sorry_server = &sorry;
	service.sorry_server_count = 1;
	service.on_failure = ON_FAILURE_REMOVE;
	start(&state, NULL, &nothing, NULL, 0);
	ck_assert_str_eq(say(list, 3), "-a -r 10.0.0.9:80 -g -w 1; -e -r 10.0.0.1:80 -g -w 0; "
				       "-e -r 10.0.0.2:80 -g -w 0; -d -r 10.0.0.3:80");
	ck_assert_int_eq(state.services[0].condition.state, SERVICE_SORRY);
}
END_TEST

/* ---- drained with an end --------------------------------------------------------------------- */

START_TEST(a_drain_ends_with_the_last_connection)
{
	struct override list[] = {drained_until("web/a", WALL + 60 * NSTIME_S)};

	start(&state, NULL, &nothing, NULL, 0);
	ck_assert_str_eq(say(list, 1), "-e -r 10.0.0.1:80 -g -w 0");
	ck_assert_uint_eq(ipvs_drain_count(&state), 1);
	ck_assert_int_eq(fact_of(0).deadline, WALL + 60 * NSTIME_S);
	ck_assert_str_eq(look("10.0.0.1:80", 2, 0, WALL), "");
	ck_assert_uint_eq(fact_of(0).inactive, 2);
	ck_assert_str_eq(look("10.0.0.1:80", 0, 0, WALL), "-d -r 10.0.0.1:80");
	ck_assert_str_eq(told, "web/a 0 ");
	ck_assert_uint_eq(ipvs_drain_count(&state), 0);
	ck_assert_int_eq(fact_of(0).admin, ADMIN_DISABLED);
	ck_assert_int_eq(fact_of(0).deadline, 0);
	ck_assert_str_eq(fact_of(0).reason, "drained, and out of the table; no check");
	ck_assert_str_eq(say(list, 1), ""); /* the list comes again with every change */
	ck_assert_str_eq(say(NULL, 0), "-a -r 10.0.0.1:80 -g -w 1");
}
END_TEST

START_TEST(a_drain_ends_at_its_deadline)
{
	struct override list[] = {drained_until("web/a", WALL + 60 * NSTIME_S)};

	start(&state, NULL, &nothing, NULL, 0);
	say(list, 1);
	ck_assert_str_eq(look("10.0.0.1:80", 7, 0, WALL + 60 * NSTIME_S - 1), "");
	ck_assert_str_eq(look("10.0.0.1:80", 7, 0, WALL + 60 * NSTIME_S), "-d -r 10.0.0.1:80");
	ck_assert_str_eq(told, "web/a 7 ");
}
END_TEST

START_TEST(a_drain_waits_for_all_listeners)
{
	struct override list[] = {drained_until("web/a", WALL + 60 * NSTIME_S)};

	service.listen_count = 2;
	start(&state, NULL, &nothing, NULL, 0);
	say(list, 1);
	ck_assert_str_eq(look("10.0.0.1:80", 1, 0, WALL), "");
	ck_assert_str_eq(look("10.0.0.1:80", 0, 0, WALL), "-d -r 10.0.0.1:80; -d -r 10.0.0.1:443");
}
END_TEST

START_TEST(a_drain_goes_on_under_a_new_configuration)
{
	struct override list[] = {drained_until("web/a", WALL + 60 * NSTIME_S)};
	struct ipvs_state before;

	start(&before, NULL, &nothing, NULL, 0);
	state = before;
	say(list, 1);
	before = state;
	start(&state, &before, &before.wanted, list, 1);
	ck_assert_uint_eq(state.wanted.services[0].dest_count, 3);
	ck_assert_uint_eq(state.wanted.services[0].dests[0].attr.weight, 0);
	ck_assert_str_eq(look("10.0.0.1:80", 0, 0, WALL), "-d -r 10.0.0.1:80");
	before = state;
	start(&state, &before, &before.wanted, list, 1);
	ck_assert_uint_eq(state.wanted.services[0].dest_count, 2);
}
END_TEST

START_TEST(who_is_out_is_not_put_in_to_be_drained)
{
	struct override list[] = {drained_until("web/a", WALL + 60 * NSTIME_S)};

	start(&state, NULL, &nothing, list, 1);
	ck_assert_uint_eq(state.wanted.services[0].dest_count, 2);
	ipvs_drain_look(&state, NULL, 0, WALL, NULL, NULL);
	ck_assert_str_eq(settle(), "");
	ck_assert_int_eq(fact_of(0).admin, ADMIN_DISABLED);
	ck_assert_uint_eq(ipvs_drain_count(&state), 0);
}
END_TEST

/* ---- servers that have left the file --------------------------------------------------------- */

/* a, b and c ran; b has left the file. */
static void leave(nstime timeout, struct ipvs_state *before)
{
	start(before, NULL, &nothing, NULL, 0);
	service.drain_timeout = timeout;
	servers[1] = servers[2];
	service.real_server_count = 2;
}

/* The names as they were: `before` looks into a model of its own. */
static void leave_named(nstime timeout, struct ipvs_state *before)
{
	static struct real_server old_servers[3];
	static struct service old_service;
	static struct model old_model;

	memcpy(old_servers, servers, sizeof(old_servers));
	old_service = service;
	old_service.real_servers = old_servers;
	old_model = (struct model){.services = &old_service, .service_count = 1};
	leave(timeout, before);
	before->model = before->layout.model = &old_model;
}

START_TEST(without_a_drain_timeout_a_server_goes_at_once)
{
	struct ipvs_state before;

	leave_named(0, &before);
	start(&state, &before, &before.wanted, NULL, 0);
	ck_assert_uint_eq(state.leaver_count, 0);
	ck_assert_uint_eq(state.wanted.services[0].dest_count, 2);
}
END_TEST

START_TEST(a_server_that_left_the_file_stays_for_its_connections)
{
	struct ipvs_state before;
	struct ipvs_plan plan;
	struct ipvs_keys owned = {0};
	struct fact_leaver fact;

	leave_named(60 * NSTIME_S, &before);
	start(&state, &before, &before.wanted, NULL, 0);
	ck_assert_int_eq(ipvs_plan_build(arena, &state.wanted, &before.wanted, &owned, &plan), 0);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.ops[0].kind, IPVS_SET_DEST);
	ck_assert_uint_eq(plan.ops[0].dest_attr.weight, 0);
	ck_assert_str_eq(look("10.0.0.2:80", 3, 2 * NSTIME_S, WALL), "");
	ipvs_leaver_fact(&state, 0, &fact);
	ck_assert_str_eq(fact.name, "b");
	ck_assert_uint_eq(fact.inactive, 3);
	ck_assert_int_eq(fact.deadline, 61 * NSTIME_S);
	ck_assert(!fact.gone);
	ck_assert_str_eq(look("10.0.0.2:80", 0, 3 * NSTIME_S, WALL), "-d -r 10.0.0.2:80");
	ck_assert_str_eq(told, "web/b 0 ");
	ck_assert_uint_eq(ipvs_drain_count(&state), 0);
}
END_TEST

START_TEST(its_time_ends_and_forever_does_not)
{
	struct ipvs_state before;

	leave_named(60 * NSTIME_S, &before);
	start(&state, &before, &before.wanted, NULL, 0);
	ck_assert_str_eq(look("10.0.0.2:80", 3, 61 * NSTIME_S, WALL), "-d -r 10.0.0.2:80");
	service.drain_timeout = NSTIME_NEVER;
	start(&state, &before, &before.wanted, NULL, 0);
	ck_assert_str_eq(look("10.0.0.2:80", 3, NSTIME_NEVER - 1, WALL), "");
}
END_TEST

START_TEST(it_keeps_its_deadline_and_name_over_reloads)
{
	struct ipvs_state before, between;

	leave_named(60 * NSTIME_S, &before);
	start(&between, &before, &before.wanted, NULL, 0);
	between.leavers[0].deadline = 7 * NSTIME_S;
	start(&state, &between, &between.wanted, NULL, 0);
	ck_assert_uint_eq(state.leaver_count, 1);
	ck_assert_int_eq(state.leavers[0].deadline, 7 * NSTIME_S);
	ck_assert_str_eq(state.leavers[0].name, "b");
	service.drain_timeout = 2 * NSTIME_S;
	start(&state, &between, &between.wanted, NULL, 0);
	ck_assert_int_eq(state.leavers[0].deadline, 3 * NSTIME_S);
	service.drain_timeout = 0;
	start(&state, &between, &between.wanted, NULL, 0);
	ck_assert_uint_eq(state.wanted.services[0].dest_count, 2);
}
END_TEST

/* What `from` leaves, taken up by a state that is new. */
static void succeed(const struct ipvs_state *from, const struct ipvs_table *current)
{
	static struct contests contests;
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));
	size_t room = ipvs_leave_size(from);
	uint8_t *bytes = arena_alloc(arena, room);
	struct writer out = writer_of(bytes, room);
	struct ipvs_inherited rest;
	struct reader in;

	ipvs_leave(&out, from, &(struct ipvs_carry_worker){0}, &contests, NSTIME_S);
	in = reader_of(bytes, writer_used(&out));
	ck_assert(!out.failed && carry_start(&in));
	ck_assert_int_eq(ipvs_state_build(arena, &model, &state, &why), 0);
	ck_assert_int_eq(ipvs_inherit(arena, &state, &in, NSTIME_S, &rest), 0);
	ck_assert_int_eq(ipvs_leavers_find(arena, &state, NULL, current, NSTIME_S), 0);
	ipvs_state_desire(&state, current, NSTIME_S);
}

START_TEST(it_keeps_its_deadline_and_name_over_a_change_of_the_worker)
{
	struct ipvs_state before, between;

	leave_named(60 * NSTIME_S, &before);
	start(&between, &before, &before.wanted, NULL, 0);
	between.leavers[0].deadline = 7 * NSTIME_S;
	succeed(&between, &between.wanted);
	ck_assert_uint_eq(state.leaver_count, 1);
	ck_assert_int_eq(state.leavers[0].deadline, 7 * NSTIME_S);
	ck_assert_str_eq(state.leavers[0].name, "b");
	ck_assert_str_eq(look("10.0.0.2:80", 3, 6 * NSTIME_S, WALL), "");
	ck_assert_str_eq(look("10.0.0.2:80", 3, 7 * NSTIME_S, WALL), "-d -r 10.0.0.2:80");
}
END_TEST

START_TEST(after_a_crash_what_the_model_has_not_leaves_anew)
{
	struct ipvs_state before;

	leave_named(60 * NSTIME_S, &before);
	start(&state, NULL, &before.wanted, NULL, 0);
	ck_assert_uint_eq(state.leaver_count, 1);
	ck_assert_str_eq(state.leavers[0].name, "10.0.0.2:80");
	ck_assert_int_eq(state.leavers[0].deadline, 61 * NSTIME_S);
}
END_TEST

START_TEST(what_others_put_in_while_we_ran_does_not_leave_but_goes)
{
	struct ipvs_state before;
	struct ipvs_dest dests[4];
	struct ipvs_service there;
	struct ipvs_table current = {&there, 1};

	start(&before, NULL, &nothing, NULL, 0);
	service.drain_timeout = 60 * NSTIME_S;
	there = before.wanted.services[0];
	memcpy(dests, there.dests, 3 * sizeof(*dests));
	dests[3] = test_dest("10.0.0.9:80", 1);
	there.dests = dests;
	there.dest_count = 4;
	start(&state, &before, &current, NULL, 0);
	ck_assert_uint_eq(state.leaver_count, 0);
}
END_TEST

/* The model of a generation as it was, while the present one becomes another. */
static void keep_model(struct ipvs_state *of)
{
	static struct real_server its_servers[3];
	static struct service its_service;
	static struct model its_model;

	memcpy(its_servers, servers, sizeof(servers));
	its_service = service;
	its_service.real_servers = its_servers;
	its_model = model;
	its_model.services = &its_service;
	of->model = of->layout.model = &its_model;
}

START_TEST(a_server_that_returns_to_the_file_leaves_no_more)
{
	struct ipvs_state before, between;
	struct arena *earlier = arena;

	leave_named(60 * NSTIME_S, &before);
	start(&between, &before, &before.wanted, NULL, 0);
	keep_model(&between);
	begin();
	service.drain_timeout = 60 * NSTIME_S;
	start(&state, &between, &between.wanted, NULL, 0);
	ck_assert_uint_eq(state.leaver_count, 0);
	ck_assert_uint_eq(state.wanted.services[0].dest_count, 3);
	ck_assert_uint_eq(state.wanted.services[0].dests[1].attr.weight, 2);
	arena_free(earlier);
}
END_TEST

TCase *ipvs_drain_case(void)
{
	TCase *tcase = CASE(
		"drain", a_word_costs_one_message_and_is_taken_back_by_one,
		both_words_about_a_server_hold, what_is_said_of_nobody_waits,
		names_may_hold_what_parts_them, the_file_drains_and_the_operator_enables,
		 who_is_drained_keeps_its_connections_beside_the_sorry_server,
		a_drain_ends_with_the_last_connection, a_drain_ends_at_its_deadline,
		a_drain_waits_for_all_listeners, a_drain_goes_on_under_a_new_configuration,
		who_is_out_is_not_put_in_to_be_drained,
		without_a_drain_timeout_a_server_goes_at_once,
		a_server_that_left_the_file_stays_for_its_connections,
		its_time_ends_and_forever_does_not, it_keeps_its_deadline_and_name_over_reloads,
		it_keeps_its_deadline_and_name_over_a_change_of_the_worker,
		after_a_crash_what_the_model_has_not_leaves_anew,
		what_others_put_in_while_we_ran_does_not_leave_but_goes,
		a_server_that_returns_to_the_file_leaves_no_more);

	tcase_add_checked_fixture(tcase, begin, end);
	return tcase;
}
