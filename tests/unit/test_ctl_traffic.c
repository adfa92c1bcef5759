/* What control makes of counters: totals that never go down, and an operator's view that begins
 * anew. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <jansson.h>

#include "base/arena.h"
#include "daemon/control_export.h"
#include "daemon/control_mirror.h"
#include "daemon/control_pieces.h"
#include "daemon/control_status.h"
#include "daemon/control_traffic.h"
#include "daemon/control_zero.h"
#include "suite.h"

static struct traffic traffic(uint64_t connections, uint64_t bytes)
{
	return (struct traffic){.connections = connections, .bytes_in = bytes};
}

static void hear(struct traffic_seen *seen, uint64_t connections, uint64_t bytes)
{
	struct traffic told = traffic(connections, bytes);

	traffic_take(seen, &told);
}

/* A worker that comes back begins with what the kernel has counted: what went before is not there,
 * and what is there was counted already. */
START_TEST(a_worker_that_comes_back_with_less_takes_nothing_from_the_total)
{
	struct traffic_seen seen = {0};

	hear(&seen, 150, 9000);
	hear(&seen, 50, 3000);
	ck_assert_uint_eq(seen.total.connections, 150);
	hear(&seen, 53, 3100);
	ck_assert_uint_eq(seen.total.connections, 153);
	ck_assert_uint_eq(seen.total.bytes_in, 9100);
}
END_TEST

START_TEST(zero_begins_the_view_anew_and_leaves_the_total)
{
	struct traffic_seen seen = {0};

	hear(&seen, 150, 9000);
	traffic_zero(&seen, 7);
	hear(&seen, 152, 9500);
	ck_assert_uint_eq(traffic_since_zero(&seen).connections, 2);
	ck_assert_uint_eq(traffic_since_zero(&seen).bytes_in, 500);
	ck_assert_uint_eq(seen.total.connections, 152);
	ck_assert_int_eq(seen.zeroed, 7);
}
END_TEST

/* ---- the request ----------------------------------------------------------------------------- */

/* Services "web" and "mail", a server each. */
static const struct model *sample(void)
{
	static struct real_server servers[] = {{.name = "a"}, {.name = "b"}};
	static struct service services[] = {
		{.name = "web",
		 .scheduler = "rr",
		 .real_servers = &servers[0],
		 .real_server_count = 1},
		{.name = "mail",
		 .scheduler = "rr",
		 .real_servers = &servers[1],
		 .real_server_count = 1},
	};
	static const struct model model = {.services = services, .service_count = 2};

	return &model;
}

static void start(struct mirror *mirror)
{
	struct mirror next;

	mirror_init(mirror);
	mirror_init(&next);
	ck_assert_int_eq(mirror_prepare(&next, sample(), arena_new(0)), 0);
	mirror_adopt(mirror, &next);
}

static void tell(struct mirror *mirror, uint32_t service, uint64_t connections)
{
	struct fact_traffic of_service = {service, traffic(connections, 0)};
	struct fact_server of_server = {.service = service, .traffic = traffic(connections, 0)};
	uint8_t bytes[512];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct reader in;

	fact_traffic_put(&out, &of_service);
	in = reader_of(bytes, writer_used(&out));
	ck_assert(mirror_fact(mirror, FACT_TRAFFIC, &in, 1));
	out = writer_of(bytes, sizeof(bytes));
	fact_server_put(&out, &of_server);
	in = reader_of(bytes, writer_used(&out));
	ck_assert(mirror_fact(mirror, FACT_SERVER, &in, 1));
}

/* A number of the status: of the service itself, or of its server. */
static json_int_t shown(const struct mirror *mirror, size_t service, bool of_server,
			const char *what)
{
	json_t *all = status_services_json(mirror, NULL, 0);
	const json_t *one = json_array_get(all, service), *stats;
	json_int_t number;

	if (of_server)
		one = json_array_get(json_object_get(one, "real_servers"), 0);
	stats = json_object_get(one, what);
	number = json_is_null(stats) ? -1
				     : json_integer_value(json_object_get(stats, "connections"));
	json_decref(all);
	return number;
}

static void check_answer(struct mirror *mirror, const char *service, const char *expected)
{
	char *answer = zero_answer(mirror, service, 5);

	ck_assert_str_eq(answer, expected);
	free(answer);
}

START_TEST(zero_is_of_one_service_with_its_servers_or_of_all)
{
	struct mirror mirror;

	start(&mirror);
	tell(&mirror, 0, 10);
	tell(&mirror, 1, 20);
	check_answer(&mirror, "web", "{\"ok\":true,\"result\":{\"zeroed\":[\"web\"]}}\n");
	tell(&mirror, 0, 13);
	ck_assert_int_eq(shown(&mirror, 0, false, "stats_since_zero"), 3);
	ck_assert_int_eq(shown(&mirror, 0, true, "stats_since_zero"), 3);
	ck_assert_int_eq(shown(&mirror, 0, false, "stats"), 13);
	ck_assert_int_eq(shown(&mirror, 0, true, "stats"), 13);
	ck_assert_int_eq(shown(&mirror, 1, false, "stats_since_zero"), -1);
	ck_assert_int_eq(shown(&mirror, 1, false, "stats"), 20);
	check_answer(&mirror, "", "{\"ok\":true,\"result\":{\"zeroed\":[\"web\",\"mail\"]}}\n");
	ck_assert_int_eq(shown(&mirror, 0, false, "stats_since_zero"), 0);
	ck_assert_int_eq(shown(&mirror, 1, true, "stats_since_zero"), 0);
	mirror_fini(&mirror);
}
END_TEST

START_TEST(a_service_that_is_not_there_is_refused_with_a_better_name)
{
	struct mirror mirror;

	start(&mirror);
	check_answer(&mirror, "wep",
		     "{\"ok\":false,\"error\":\"no service is called \\\"wep\\\"; did "
		     "you mean \\\"web\\\"?\",\"lines\":[]}\n");
	mirror_fini(&mirror);
}
END_TEST

START_TEST(a_reload_keeps_totals_and_the_view)
{
	struct mirror mirror, next;

	start(&mirror);
	tell(&mirror, 0, 10);
	check_answer(&mirror, "web", "{\"ok\":true,\"result\":{\"zeroed\":[\"web\"]}}\n");
	mirror_init(&next);
	ck_assert_int_eq(mirror_prepare(&next, sample(), arena_new(0)), 0);
	mirror_adopt(&mirror, &next);
	tell(&mirror, 0, 11);
	ck_assert_int_eq(shown(&mirror, 0, false, "stats"), 11);
	ck_assert_int_eq(shown(&mirror, 0, true, "stats_since_zero"), 1);
	mirror_fini(&mirror);
}
END_TEST

/* ---- traffic --------------------------------------------------------------------------------- */

START_TEST(traffic_is_told_with_the_time_of_its_reading)
{
	struct fact_table table = {.last_read_back = 12 * NSTIME_S};
	struct mirror mirror;
	uint64_t cursor = 0;
	json_t *answer, *result, *web, *expected;
	char *text;

	start(&mirror);
	tell(&mirror, 0, 10);
	mirror.table = table;
	text = pieces_of_traffic(&mirror, NSTIME_S, &cursor);
	ck_assert(cursor == UINT64_MAX);
	answer = json_loads(text, 0, NULL);
	result = json_object_get(answer, "result");
	ck_assert_str_eq(json_string_value(json_object_get(result, "time")),
			 "1970-01-01T00:00:13.000Z");
	ck_assert_int_eq(json_integer_value(json_object_get(result, "monotonic_ms")), 12000);
	ck_assert_uint_eq(json_array_size(json_object_get(result, "services")), 2);
	web = json_array_get(json_object_get(result, "services"), 0);
	expected = json_pack("{s:i, s:i, s:i, s:i, s:i}", "connections", 10, "packets_in", 0,
			     "packets_out", 0, "bytes_in", 0, "bytes_out", 0);
	ck_assert(json_equal(json_object_get(web, "stats"), expected));
	web = json_array_get(json_object_get(web, "real_servers"), 0);
	ck_assert(json_equal(json_object_get(web, "stats"), expected));
	ck_assert(json_is_false(json_object_get(web, "sorry")));
	json_decref(expected);
	json_decref(answer);
	free(text);
	mirror_fini(&mirror);
}
END_TEST

/* ---- export ---------------------------------------------------------------------------------- */

static void check_export(const struct mirror *mirror, const char *text)
{
	char *answer = export_answer(mirror, "ipvsadm");
	json_t *object = json_loads(answer, 0, NULL), *result = json_object_get(object, "result");

	ck_assert(json_is_true(json_object_get(object, "ok")));
	ck_assert_str_eq(json_string_value(json_object_get(result, "format")), "ipvsadm");
	ck_assert_str_eq(json_string_value(json_object_get(result, "text")), text);
	json_decref(object);
	free(answer);
}

static void tell_server(struct mirror *mirror, uint32_t service, bool in_table, uint32_t weight)
{
	struct fact_server fact = {
		.service = service, .in_table = in_table, .effective_weight = weight};
	uint8_t bytes[512];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct reader in;

	fact_server_put(&out, &fact);
	in = reader_of(bytes, writer_used(&out));
	ck_assert(mirror_fact(mirror, FACT_SERVER, &in, 1));
}

/* A mark, an IPv6 and two IPv4 listeners, udp and tcp; a server of 10.0.0.1 each. */
static const struct model *exported(void)
{
	static struct endpoint listen[4];
	static struct real_server servers[4];
	static struct service services[4] = {
		{.name = "marked", .fwmark = 7, .mark = 7, .family = AF_INET},
		{.name = "six", .listen = &listen[1], .listen_count = 1, .protocols = PROTOCOL_TCP},
		{.name = "dns",
		 .listen = &listen[2],
		 .listen_count = 1,
		 .protocols = PROTOCOL_UDP,
		 .one_packet = true},
		{.name = "web",
		 .listen = &listen[3],
		 .listen_count = 1,
		 .protocols = PROTOCOL_TCP,
		 .persistence = {.timeout = 60 * NSTIME_S, .prefix = 24}},
	};
	static const struct model model = {.services = services, .service_count = 4};

	for (size_t i = 0; i < 4; i++) {
		static const char *const at[] = {"192.0.2.1:80", "[2001:db8::1]:80", "192.0.2.1:53",
						 "192.0.2.1:80"};

		ck_assert_int_eq(endpoint_parse(at[i], &listen[i]), 0);
		servers[i] = (struct real_server){.name = "a", .forwarding = FORWARDING_DR};
		ck_assert_int_eq(
			endpoint_parse(i == 1 ? "2001:db8::9" : "10.0.0.1", &servers[i].address),
			0);
		services[i].scheduler = "rr";
		services[i].real_servers = &servers[i];
		services[i].real_server_count = 1;
	}
	servers[3].upper_threshold = 9;
	return &model;
}

START_TEST(an_export_is_what_is_in_the_table_in_ipvsadms_order)
{
	struct mirror mirror, next;

	mirror_init(&mirror);
	mirror_init(&next);
	ck_assert_int_eq(mirror_prepare(&next, exported(), arena_new(0)), 0);
	mirror_adopt(&mirror, &next);
	tell_server(&mirror, 0, true, 0);
	tell_server(&mirror, 1, true, 200);
	tell_server(&mirror, 2, false, 0);
	tell_server(&mirror, 3, true, 1);
	check_export(&mirror, "-A -t 192.0.2.1:80 -s rr -p 60 -M 255.255.255.0\n"
			      "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -g -w 1 -x 9 -y 0\n"
			      "-A -u 192.0.2.1:53 -s rr -o\n"
			      "-A -t [2001:db8::1]:80 -s rr\n"
			      "-a -t [2001:db8::1]:80 -r [2001:db8::9]:80 -g -w 200\n"
			      "-A -f 7 -s rr\n"
			      "-a -f 7 -r 10.0.0.1:0 -g -w 0\n");
	mirror_fini(&mirror);
}
END_TEST

int main(void)
{
	return SUITE_RUN("ctl-traffic",
			 CASE("traffic",
			      a_worker_that_comes_back_with_less_takes_nothing_from_the_total,
			      zero_begins_the_view_anew_and_leaves_the_total,
			      zero_is_of_one_service_with_its_servers_or_of_all,
			      a_service_that_is_not_there_is_refused_with_a_better_name,
			      a_reload_keeps_totals_and_the_view),
			 CASE("live", traffic_is_told_with_the_time_of_its_reading),
			 CASE("export", an_export_is_what_is_in_the_table_in_ipvsadms_order));
}
