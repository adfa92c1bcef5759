/* What control tells lbha-exporter: durations by service and type of check, and the rows that metrics are made of. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <jansson.h>

#include "base/arena.h"
#include "daemon/control_mirror.h"
#include "daemon/control_pieces.h"
#include "daemon/control_times.h"
#include "golden.h"
#include "suite.h"

#define TYPES 2

/* Services 0 and 1 share probe 0; service 0 has probe 1 besides, of another type, and probe 2 with the first one's. */
static uint32_t of_a[] = {0, 1}, of_b[] = {2}, of_c[] = {0};
static struct real_server servers_a[] = {{.name = "a", .probes = of_a, .probe_count = 2},
					 {.name = "b", .probes = of_b, .probe_count = 1}},
			  servers_b[] = {{.name = "c", .probes = of_c, .probe_count = 1}};
static struct service services[] = {
	{.name = "web", .protocols = PROTOCOL_TCP, .real_servers = servers_a, .real_server_count = 2},
	{.name = "mail", .protocols = PROTOCOL_TCP, .real_servers = servers_b, .real_server_count = 1},
};
static struct check checks[] = {{.type = CHECK_TCP}, {.type = CHECK_HTTP}};
static struct probe probes[] = {{.check = 0, .key = 1}, {.check = 1, .key = 2}, {.check = 0, .key = 3}};
static const struct model model = {.services = services,
				   .service_count = COUNT_OF(services),
				   .checks = checks,
				   .check_count = COUNT_OF(checks),
				   .probes = probes,
				   .probe_count = COUNT_OF(probes)};

static uint64_t counted(const struct times *times, size_t service, enum check_type type)
{
	const struct times_rows *rows = &times->services[service];
	uint64_t sum = 0;

	for (size_t i = 0; i < rows->count; i++)
		for (unsigned j = 0; rows->rows[i].type == type && j < PROBE_TIMES; j++)
			sum += rows->rows[i].count[j];
	return sum;
}

static struct probe_times after(unsigned number, nstime each)
{
	struct probe_times times = {.sum = 0};

	while (number--)
		probe_times_add(&times, each);
	return times;
}

START_TEST(bounds_are_inclusive_as_prometheus_has_them)
{
	struct probe_times times = {.sum = 0};

	probe_times_add(&times, NSTIME_MS);
	probe_times_add(&times, NSTIME_MS + 1);
	probe_times_add(&times, 3600 * NSTIME_S);
	ck_assert_uint_eq(times.count[0], 1);
	ck_assert_uint_eq(times.count[1], 1);
	ck_assert_uint_eq(times.count[PROBE_TIMES - 1], 1);
	ck_assert_uint_eq(times.sum, (uint64_t)(2 * NSTIME_MS + 1 + 3600 * NSTIME_S));
}
END_TEST

START_TEST(a_probe_counts_for_each_service_that_has_it_and_under_its_type)
{
	auto_arena *arena = arena_new(0);
	struct probe_times one = after(1, NSTIME_MS), three = after(3, NSTIME_MS);
	struct times times;

	ck_assert_int_eq(times_init(&times, arena, &model), 0);
	times_learn(&times, &model, 0, NULL, &one);
	times_learn(&times, &model, 0, &one, &three);
	times_learn(&times, &model, 1, NULL, &one);
	times_learn(&times, &model, 2, NULL, &one);
	ck_assert_uint_eq(counted(&times, 0, CHECK_TCP), 4);
	ck_assert_uint_eq(counted(&times, 0, CHECK_HTTP), 1);
	ck_assert_uint_eq(counted(&times, 1, CHECK_TCP), 3);
	ck_assert_uint_eq(counted(&times, 1, CHECK_HTTP), 0);
	ck_assert_uint_eq(times.services[1].rows[0].sum, (uint64_t)(3 * NSTIME_MS));
}
END_TEST

START_TEST(totals_only_grow_whoever_begins_anew)
{
	auto_arena *arena = arena_new(0);
	struct probe_times many = after(1000, NSTIME_S), more = after(1002, NSTIME_S), anew = after(2, NSTIME_MS);
	struct times times;

	ck_assert_int_eq(times_init(&times, arena, &model), 0);
	times_learn(&times, &model, 0, NULL, &many); /* this control worker has begun anew */
	ck_assert_uint_eq(counted(&times, 0, CHECK_TCP), 0);
	times_learn(&times, &model, 0, &many, &more);
	ck_assert_uint_eq(counted(&times, 0, CHECK_TCP), 2);
	times_learn(&times, &model, 0, &more, &anew); /* the check worker has */
	ck_assert_uint_eq(counted(&times, 0, CHECK_TCP), 4);
}
END_TEST

static void hear(struct mirror *mirror, uint32_t probe, unsigned number)
{
	struct fact_probe fact = {.probe = probe, .verdict = VERDICT_UP, .reason = REASON_PASSED, .times = after(number, NSTIME_MS)};
	uint8_t bytes[1024];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct reader in;

	fact_probe_put(&out, &fact);
	in = reader_of(bytes, writer_used(&out));
	ck_assert(mirror_fact(mirror, FACT_PROBE, &in, NSTIME_S));
}

static void take_model(struct mirror *mirror, const struct model *next_model)
{
	struct mirror next;

	mirror_init(&next);
	ck_assert_int_eq(mirror_prepare(&next, next_model, arena_new(0)), 0);
	mirror_adopt(mirror, &next);
}

START_TEST(a_reload_keeps_the_totals_of_services_also_when_a_server_goes)
{
	struct service fewer[] = {services[0], services[1]};
	struct model next = model;
	struct mirror mirror;

	mirror_init(&mirror);
	take_model(&mirror, &model);
	hear(&mirror, 0, 1);
	hear(&mirror, 2, 1);
	ck_assert_uint_eq(counted(&mirror.times, 0, CHECK_TCP), 2);
	fewer[0].real_server_count = 1;
	next.services = fewer;
	take_model(&mirror, &next);
	ck_assert_uint_eq(counted(&mirror.times, 0, CHECK_TCP), 2);
	hear(&mirror, 0, 5);
	ck_assert_uint_eq(counted(&mirror.times, 0, CHECK_TCP), 6);
	mirror_fini(&mirror);
}
END_TEST

/* All pieces of the answer, as one text. */
static char *answer_of(const struct mirror *mirror, size_t *pieces)
{
	uint64_t cursor = 0;
	char *all = strdup("");

	for (*pieces = 0; cursor != UINT64_MAX; ++*pieces) {
		char *piece = pieces_of_metrics(mirror, 0, &cursor);

		ck_assert_ptr_nonnull(piece);
		all = realloc(all, strlen(all) + strlen(piece) + 1);
		strcat(all, piece);
		free(piece);
	}
	return all;
}

START_TEST(the_answer_is_one_line_of_json_whatever_the_names_are)
{
	struct service hostile[] = {services[0], services[1]};
	struct model next = model;
	struct mirror mirror;
	size_t pieces;
	char *text;
	json_t *answer, *first;

	hostile[0].name = "we\"b\\\n\x1b[31m\xff{}";
	next.services = hostile;
	mirror_init(&mirror);
	take_model(&mirror, &next);
	text = answer_of(&mirror, &pieces);
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	answer = json_loads(text, 0, NULL);
	first = json_array_get(json_object_get(json_object_get(answer, "result"), "services"), 0);
	ck_assert_ptr_nonnull(json_object_get(first, "name"));
	ck_assert_uint_eq(json_array_size(json_object_get(first, "servers")), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(first, "times")), TYPES);
	json_decref(answer);
	free(text);
	mirror_fini(&mirror);
}
END_TEST

/* Of a director that has one of each. The golden file holds no release's number. */
START_TEST(the_answer_has_the_shape_that_the_manual_describes)
{
	static struct instance public = {.name = "public", .priority = 100};
	struct model next = model;
	struct mirror mirror;
	size_t pieces;
	char *text;
	json_t *answer, *result;

	next.node = "lb1";
	next.cluster = "shop";
	next.instances = &public;
	next.instance_count = 1;
	mirror_init(&mirror);
	take_model(&mirror, &next);
	mirror.workers[ROLE_VRRP].known = true;
	mirror.workers[ROLE_VRRP].fact = (struct fact_worker){.role = ROLE_VRRP, .state = WORKER_RUNNING};
	hear(&mirror, 0, 3);
	text = answer_of(&mirror, &pieces);
	answer = json_loads(text, 0, NULL);
	free(text);
	result = json_object_get(answer, "result");
	ck_assert_str_eq(json_string_value(json_object_get(result, "version")), PACKAGE_VERSION);
	json_object_set_new(result, "version", json_string("1.2.3"));
	text = json_dumps(result, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
	text = realloc(text, strlen(text) + 2);
	golden_compare("ctl/metrics.json", strcat(text, "\n"));
	free(text);
	json_decref(answer);
	mirror_fini(&mirror);
}
END_TEST

#define LARGE 37000 /* servers, in services of 100 */

static struct model large_model(uint32_t generation)
{
	static struct real_server row[LARGE];
	static struct service many[LARGE / 100];
	static char names[LARGE][24];
	struct model next = model;

	for (size_t i = 0; i < LARGE; i++) {
		snprintf(names[i], sizeof(names[i]), "server-%zu", i);
		row[i] = (struct real_server){.name = names[i],
					      .address = {addr_from_ipv4(0x0a000000 + (uint32_t)i), 80},
					      .probes = of_b,
					      .probe_count = 1};
	}
	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i] = (struct service){.name = names[i],
					   .protocols = PROTOCOL_TCP,
					   .real_servers = row + 100 * i,
					   .real_server_count = 100};
	next.generation = generation;
	next.services = many;
	next.service_count = COUNT_OF(many);
	return next;
}

START_TEST(a_large_site_is_told_in_pieces_and_in_a_tenth_of_status)
{
	struct model large = large_model(1);
	struct mirror mirror;
	size_t pieces;
	char *text;

	mirror_init(&mirror);
	take_model(&mirror, &large);
	text = answer_of(&mirror, &pieces);
	ck_assert_uint_gt(pieces, 20);
	ck_assert_uint_lt(strlen(text), (size_t)35000000 / 10);
	free(text);
	mirror_fini(&mirror);
}
END_TEST

START_TEST(an_answer_that_has_begun_has_no_end_under_another_configuration)
{
	struct model first = large_model(UINT32_MAX - 1), second = large_model(UINT32_MAX);
	struct mirror mirror;
	uint64_t cursor = 0;

	mirror_init(&mirror);
	take_model(&mirror, &first);
	for (unsigned i = 0; i < 3; i++) {
		char *piece = pieces_of_metrics(&mirror, 0, &cursor);

		ck_assert_ptr_nonnull(piece);
		free(piece);
	}
	take_model(&mirror, &second);
	ck_assert_ptr_null(pieces_of_metrics(&mirror, 0, &cursor));
	ck_assert_ptr_null(pieces_of_services(&mirror, 0, &cursor));
	mirror_fini(&mirror);
}
END_TEST

int main(void)
{
	return SUITE_RUN("ctl-metrics",
			 CASE("times", bounds_are_inclusive_as_prometheus_has_them,
			      a_probe_counts_for_each_service_that_has_it_and_under_its_type,
			      totals_only_grow_whoever_begins_anew,
			      a_reload_keeps_the_totals_of_services_also_when_a_server_goes),
			 CASE("answer", the_answer_is_one_line_of_json_whatever_the_names_are,
			      the_answer_has_the_shape_that_the_manual_describes,
			      a_large_site_is_told_in_pieces_and_in_a_tenth_of_status,
			      an_answer_that_has_begun_has_no_end_under_another_configuration));
}
