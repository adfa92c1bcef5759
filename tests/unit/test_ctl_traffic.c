/* What control makes of counters: totals that never go down, and an operator's view that begins
 * anew. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "daemon/control_mirror.h"
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

int main(void)
{
	return SUITE_RUN("ctl-traffic",
			 CASE("traffic",
			      a_worker_that_comes_back_with_less_takes_nothing_from_the_total,
			      zero_begins_the_view_anew_and_leaves_the_total,
			      zero_is_of_one_service_with_its_servers_or_of_all,
			      a_service_that_is_not_there_is_refused_with_a_better_name,
			      a_reload_keeps_totals_and_the_view));
}
