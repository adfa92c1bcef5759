/* Totals that only grow, from kernel counters that do not. */
#include "test_ipvs.h"

#include <netinet/in.h>

#include "base/arena.h"
#include "base/text.h"
#include "ipvs/state.h"
#include "ipvs/traffic.h"

/* ---- one meter ------------------------------------------------------------------------------- */

static struct ipvs_counters counters(uint64_t connections, uint64_t packets, uint64_t bytes)
{
	return (struct ipvs_counters){.connections = connections,
				      .packets_in = packets,
				      .packets_out = packets / 2,
				      .bytes_in = bytes,
				      .bytes_out = bytes / 2};
}

static void read_all(struct ipvs_meter *meter, struct traffic *total,
		     const struct ipvs_counters *readings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ipvs_meter_read(meter, &readings[i], total);
}

START_TEST(what_came_since_the_last_reading_is_added)
{
	struct ipvs_counters readings[] = {counters(1, 10, 1000), counters(3, 30, 5000)};
	struct ipvs_meter meter = {0};
	struct traffic total = {.connections = 100};

	read_all(&meter, &total, readings, 2);
	ck_assert_uint_eq(total.connections, 103);
	ck_assert_uint_eq(total.packets_in, 30);
	ck_assert_uint_eq(total.packets_out, 15);
	ck_assert_uint_eq(total.bytes_in, 5000);
	ck_assert_uint_eq(total.bytes_out, 2500);
	ck_assert(!ipvs_meter_read(&meter, &readings[1], &total));
}
END_TEST

/* After `ipvsadm -Z`, or added again: all begin anew, also those that look as if they had not. */
START_TEST(counters_that_begin_anew_are_added_whole)
{
	struct ipvs_counters readings[] = {counters(2, 100, 9000), counters(5, 20, 900)};
	struct ipvs_meter meter = {0};
	struct traffic total = {0};

	read_all(&meter, &total, readings, 2);
	ck_assert_uint_eq(total.connections, 7);
	ck_assert_uint_eq(total.packets_in, 120);
	ck_assert_uint_eq(total.bytes_in, 9900);
}
END_TEST

START_TEST(a_counter_of_32_bits_that_overflows_goes_on)
{
	struct ipvs_counters readings[] = {counters(UINT32_MAX - 1, 4000000000, 8000000000000),
					   counters(3, 5000000, 8000900000000)};
	struct ipvs_meter meter = {0};
	struct traffic total = {0};

	readings[1].packets_out = readings[0].packets_out + 1;
	read_all(&meter, &total, readings, 2);
	ck_assert_uint_eq(total.connections, UINT64_C(0x100000003));
	ck_assert_uint_eq(total.packets_in, UINT64_C(0x100000000) + 5000000);
	ck_assert_uint_eq(total.bytes_in, 8000900000000);
}
END_TEST

START_TEST(a_counter_of_64_bits_goes_beyond_32)
{
	struct ipvs_counters readings[] = {counters(UINT32_MAX, 10, 1),
					   counters(UINT64_C(1) << 40, 10, 1)};
	struct ipvs_meter meter = {0};
	struct traffic total = {0};

	read_all(&meter, &total, readings, 2);
	ck_assert_uint_eq(total.connections, UINT64_C(1) << 40);
}
END_TEST

/* ---- a table --------------------------------------------------------------------------------- */

/* Service "web" with two listeners, servers a and b, and the kernel's table of them. */
struct sample {
	struct model model;
	struct service service;
	struct endpoint listen[2];
	struct real_server servers[2];
	struct ipvs_dest dests[2][3];
	struct ipvs_service services[2];
	struct ipvs_table table;
};

static void sample_make(struct sample *sample)
{
	static const char *const listen[] = {"192.168.8.200:80", "192.168.8.200:443"};
	static const char *const dests[][2] = {{"10.0.0.1:80", "10.0.0.2:80"},
					       {"10.0.0.1:443", "10.0.0.2:443"}};

	*sample = (struct sample){0};
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(endpoint_parse(listen[i], &sample->listen[i]), 0);
		sample->servers[i] = (struct real_server){
			.name = i ? "b" : "a", .weight = 1, .forwarding = FORWARDING_DR};
		ck_assert_int_eq(
			endpoint_parse(i ? "10.0.0.2" : "10.0.0.1", &sample->servers[i].address),
			0);
		sample->dests[i][0] = test_dest(dests[i][0], 1);
		sample->dests[i][1] = test_dest(dests[i][1], 1);
		sample->services[i] = (struct ipvs_service){.key = test_key(listen[i], IPPROTO_TCP),
							    .dests = sample->dests[i],
							    .dest_count = 2};
	}
	sample->table = (struct ipvs_table){sample->services, 2};
	sample->service = (struct service){.name = "web",
					   .listen = sample->listen,
					   .listen_count = 2,
					   .protocols = PROTOCOL_TCP,
					   .scheduler = "wlc",
					   .quorum = 1,
					   .real_servers = sample->servers,
					   .real_server_count = 2};
	sample->model = (struct model){.services = &sample->service, .service_count = 1};
}

static void build(struct arena *arena, const struct sample *sample, struct ipvs_state *state)
{
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));

	ck_assert_int_eq(ipvs_state_build(arena, &sample->model, state, &why), 0);
}

static uint64_t server_connections(const struct ipvs_state *state, uint32_t place)
{
	struct fact_server fact;

	ipvs_state_server_fact(state, place, &fact);
	return fact.traffic.connections;
}

static uint64_t service_connections(const struct ipvs_state *state)
{
	struct fact_traffic fact;

	ipvs_state_traffic_fact(state, 0, &fact);
	return fact.traffic.connections;
}

START_TEST(a_server_that_leaves_the_table_and_returns_keeps_its_total)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;

	sample_make(&sample);
	build(arena, &sample, &state);
	sample.dests[0][0].counters = counters(40, 400, 4000);
	sample.dests[1][0].counters = counters(2, 20, 200);
	sample.dests[0][1].counters = counters(7, 70, 700);
	ipvs_state_counters(&state, &sample.table);
	ck_assert_uint_eq(server_connections(&state, 0), 42);
	sample.services[0].dests = &sample.dests[0][1];
	sample.services[0].dest_count = 1;
	ipvs_state_counters(&state, &sample.table);
	ck_assert_uint_eq(server_connections(&state, 0), 42);
	sample.services[0].dests = sample.dests[0];
	sample.services[0].dest_count = 2;
	sample.dests[0][0].counters = counters(3, 30, 300);
	ipvs_state_counters(&state, &sample.table);
	ck_assert_uint_eq(server_connections(&state, 0), 45);
	ck_assert_uint_eq(server_connections(&state, 1), 7);
}
END_TEST

START_TEST(a_service_counts_all_its_listeners_and_is_told_when_it_changed)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;

	sample_make(&sample);
	build(arena, &sample, &state);
	sample.services[0].counters = counters(40, 400, 4000);
	sample.services[1].counters = counters(2, 20, 200);
	ipvs_state_counters(&state, &sample.table);
	ck_assert_uint_eq(service_connections(&state), 42);
	ck_assert_uint_eq(state.counted_service_count, 1);
	ipvs_state_told(&state);
	ipvs_state_counters(&state, &sample.table);
	ck_assert_uint_eq(state.counted_service_count, 0);
	ck_assert_uint_eq(state.stale_server_count, 0);
}
END_TEST

/* A destination that no server of the model is (somebody else's, a sorry server) is passed over. */
START_TEST(a_destination_that_is_no_server_disturbs_nobody)
{
	auto_arena *arena = arena_new(0);
	struct sample sample;
	struct ipvs_state state;

	sample_make(&sample);
	build(arena, &sample, &state);
	sample.dests[0][2] = sample.dests[0][1];
	sample.dests[0][1] = test_dest("10.0.0.1:8080", 1);
	sample.dests[0][1].counters = counters(1000, 1, 1);
	sample.dests[0][2].counters = counters(7, 70, 700);
	sample.services[0].dest_count = 3;
	ipvs_state_counters(&state, &sample.table);
	ck_assert_uint_eq(server_connections(&state, 0), 0);
	ck_assert_uint_eq(server_connections(&state, 1), 7);
}
END_TEST

/* The new generation has lost a listener and a server, and the other server is now the first. */
START_TEST(totals_survive_a_reload)
{
	auto_arena *arena = arena_new(0);
	struct sample sample, next;
	struct ipvs_state state, carried;

	sample_make(&sample);
	build(arena, &sample, &state);
	sample.services[0].counters = counters(5, 50, 500);
	sample.dests[0][1].counters = counters(3, 30, 300);
	sample.dests[1][1].counters = counters(4, 40, 400);
	ipvs_state_counters(&state, &sample.table);
	sample_make(&next);
	next.servers[0] = next.servers[1];
	next.service.real_server_count = 1;
	next.service.listen_count = 1;
	build(arena, &next, &carried);
	ck_assert_int_eq(ipvs_state_carry(arena, &carried, &state), 0);
	ck_assert_uint_eq(server_connections(&carried, 0), 7);
	ipvs_state_counters(&carried, &sample.table);
	ck_assert_uint_eq(server_connections(&carried, 0), 7);
	sample.dests[0][1].counters = counters(5, 50, 500);
	ipvs_state_counters(&carried, &sample.table);
	ck_assert_uint_eq(server_connections(&carried, 0), 9);
	ck_assert_uint_eq(service_connections(&carried), 5);
}
END_TEST

TCase *ipvs_traffic_case(void)
{
	return CASE("traffic", what_came_since_the_last_reading_is_added,
		    counters_that_begin_anew_are_added_whole,
		    a_counter_of_32_bits_that_overflows_goes_on,
		    a_counter_of_64_bits_goes_beyond_32,
		    a_server_that_leaves_the_table_and_returns_keeps_its_total,
		    a_service_counts_all_its_listeners_and_is_told_when_it_changed,
		    a_destination_that_is_no_server_disturbs_nobody, totals_survive_a_reload);
}
