/* What a control worker leaves: events and their numbers, the last reload, what of the traffic nobody else knows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/carry.h"
#include "daemon/control_carry.h"
#include "daemon/control_mirror.h"
#include "daemon/events.h"
#include "suite.h"

#define BASE 1767322801000ull
#define NOW (1000 * NSTIME_S)
#define WALL (1767322800 * NSTIME_S)

static struct real_server servers[2];
static struct service services[2];
static const struct model model = {.services = services, .service_count = 2};

static struct mirror mirror_of_sample(void)
{
	struct mirror mirror;

	servers[0] = (struct real_server){.name = "a"};
	servers[1] = (struct real_server){.name = "b"};
	ck_assert_int_eq(endpoint_parse("10.0.0.1:80", &servers[0].address), 0);
	ck_assert_int_eq(endpoint_parse("10.0.0.2:80", &servers[1].address), 0);
	services[0] = (struct service){.name = "web", .real_servers = servers, .real_server_count = 2};
	services[1] = (struct service){.name = "dns", .real_servers = servers, .real_server_count = 1};
	ck_assert_int_eq(mirror_prepare(&mirror, &model, arena_new(0)), 0);
	return mirror;
}

static void add(struct events *events, const char *object)
{
	struct event event = {.kind = EVENT_SERVER_STATE, .time = 5 * NSTIME_S};

	snprintf(event.object, sizeof(event.object), "%s", object);
	strcpy(event.new, "down");
	events_add(events, &event, WALL);
}

static char *all_text(const struct events *events)
{
	uint64_t number = events_oldest(events);
	char *text = events_text(events, &number, 1 << 20);

	return text ? text : strdup("");
}

static struct control_inherited take_all(const uint8_t *bytes, size_t size, struct mirror *mirror)
{
	struct reader in = reader_of(bytes, size);
	struct control_inherited got;

	ck_assert(carry_start(&in));
	got = control_carry_take(&in, NOW, mirror);
	return got;
}

START_TEST(events_go_on_with_their_lines_and_numbers)
{
	struct mirror mirror = mirror_of_sample(), next = mirror_of_sample();
	struct events *events = events_new(BASE, BASE + 7), *young = events_new(BASE + 5000, BASE + 5000);
	struct control_inherited got;
	char *before, *after;
	size_t size;
	uint8_t *bytes;

	add(events, "web/a");
	add(events, "web/\"b\" \xc3\xa4");
	before = all_text(events);
	bytes = control_carry_make(&mirror, events, 33, &size);
	got = take_all(bytes, size, &next);
	after = all_text(got.events);
	ck_assert_str_eq(before, after);
	ck_assert_int_eq(got.past.facts_at, 33);
	ck_assert_uint_eq(events_base(got.events), BASE);
	ck_assert_uint_eq(events_last(got.events), BASE + 9);
	ck_assert_uint_eq(events_oldest(got.events), BASE + 8);
	add(young, "young");
	events_follow(got.events, young);
	ck_assert_uint_eq(events_last(got.events), BASE + 10);
	ck_assert_ptr_nonnull(strstr(events_line(got.events, BASE + 10), "{\"seq\":1767322801010,"));
	add(got.events, "web/a");
	ck_assert_uint_eq(events_last(got.events), BASE + 11);
	free(before);
	free(after);
	free(bytes);
	events_free(events);
	events_free(got.events);
	mirror_fini(&mirror);
	mirror_fini(&next);
}
END_TEST

START_TEST(a_full_ring_goes_on_full)
{
	struct mirror mirror = mirror_of_sample(), next = mirror_of_sample();
	struct events *events = events_new(BASE, BASE);
	struct control_inherited got;
	uint64_t missed;
	size_t size;
	uint8_t *bytes;

	for (unsigned i = 0; i < EVENTS_MAX + 50; i++)
		add(events, "web/a");
	bytes = control_carry_make(&mirror, events, 33, &size);
	got = take_all(bytes, size, &next);
	ck_assert_uint_eq(events_oldest(got.events), BASE + 51);
	ck_assert_uint_eq(events_last(got.events), BASE + EVENTS_MAX + 50);
	ck_assert_uint_eq(events_after(got.events, BASE + 20, &missed), BASE + 51);
	ck_assert_uint_eq(missed, 30);
	add(got.events, "web/b");
	ck_assert_uint_eq(events_oldest(got.events), BASE + 52);
	free(bytes);
	events_free(events);
	events_free(got.events);
	mirror_fini(&mirror);
	mirror_fini(&next);
}
END_TEST

START_TEST(what_was_set_to_zero_stays_so_and_totals_over_dead_workers_do_not_shrink)
{
	struct mirror mirror = mirror_of_sample(), next = mirror_of_sample();
	struct events *events = events_new(BASE, BASE);
	struct traffic_seen *zeroed = &mirror.services[0].servers[1].traffic;
	struct control_inherited got;
	struct traffic told = {.connections = 100, .bytes_in = 5000};
	size_t size;
	uint8_t *bytes;

	traffic_take(zeroed, &told);
	told.connections = 30; /* another ipvs worker */
	traffic_take(zeroed, &told);
	traffic_zero(zeroed, 50);
	traffic_take(&mirror.services[1].traffic, &told);
	bytes = control_carry_make(&mirror, events, 33, &size);
	got = take_all(bytes, size, &next);
	ck_assert_mem_eq(zeroed, &next.services[0].servers[1].traffic, sizeof(*zeroed));
	ck_assert_uint_eq(next.services[1].traffic.total.connections, 0); /* the ipvs worker says it all */
	told.connections = 40;
	traffic_take(&next.services[0].servers[1].traffic, &told);
	ck_assert_uint_eq(next.services[0].servers[1].traffic.total.connections, 110);
	ck_assert_uint_eq(traffic_since_zero(&next.services[0].servers[1].traffic).connections, 10);
	free(bytes);
	events_free(events);
	events_free(got.events);
	mirror_fini(&mirror);
	mirror_fini(&next);
}
END_TEST

static struct fact_daemon tell_daemon(struct mirror *mirror, nstime reload_time)
{
	const struct fact_daemon fact = {.started = 1, .generation = 1, .reload_time = reload_time};
	uint8_t bytes[1024];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct reader in;

	fact_daemon_put(&out, &fact);
	in = reader_of(bytes, writer_used(&out));
	ck_assert(mirror_fact(mirror, FACT_DAEMON, &in, NOW));
	return mirror->daemon;
}

static unsigned events_told;

static void count_event(void *ctx, const struct event *event)
{
	(void)ctx;
	(void)event;
	events_told++;
}

START_TEST(the_last_reload_is_that_of_the_predecessor_until_there_is_another)
{
	const struct event_sink sink = {.event = count_event, .started = 20};
	struct control_reload reload = {.time = 30, .failed = true, .error = "no such file"};
	struct mirror mirror = mirror_of_sample();

	mirror.sink = &sink;
	tell_daemon(&mirror, 0);
	mirror_recall(&mirror, &reload);
	ck_assert_int_eq(mirror.daemon.reload_time, 30);
	ck_assert(tell_daemon(&mirror, 0).reload_failed);
	ck_assert_str_eq(mirror.daemon.reload_error, "no such file");
	ck_assert_uint_eq(events_told, 0);
	ck_assert(!tell_daemon(&mirror, 40).reload_failed);
	ck_assert_uint_eq(events_told, 1);
	mirror_fini(&mirror);
}
END_TEST

START_TEST(a_carry_that_is_cut_gives_what_was_before)
{
	struct mirror mirror = mirror_of_sample();
	struct events *events = events_new(BASE, BASE);
	size_t size;
	uint8_t *bytes;

	add(events, "web/a");
	add(events, "web/b");
	mirror.services[0].traffic.zeroed = 7;
	bytes = control_carry_make(&mirror, events, 33, &size);
	for (size_t cut = CARRY_HEAD; cut < size; cut++) {
		uint8_t *part = malloc(cut);
		struct mirror next = mirror_of_sample();
		struct control_inherited got = take_all(memcpy(part, bytes, cut), cut, &next);

		if (got.events)
			ck_assert_uint_eq(events_last(got.events), BASE + 2);
		events_free(got.events);
		mirror_fini(&next);
		free(part);
	}
	free(bytes);
	events_free(events);
	mirror_fini(&mirror);
}
END_TEST

START_TEST(an_event_is_a_line_of_json_in_its_turn)
{
	struct events *events = events_new(BASE, BASE);

	ck_assert(!events_restore(events, BASE + 1, "no json"));
	ck_assert(!events_restore(events, BASE + 1, "[1]"));
	ck_assert(!events_restore(events, BASE, "{}"));
	ck_assert(events_restore(events, BASE + 3, "{\"seq\":3}"));
	ck_assert(!events_restore(events, BASE + 2, "{}"));
	ck_assert_ptr_null(events_line(events, BASE + 2));
	ck_assert_str_eq(events_line(events, BASE + 3), "{\"seq\":3}\n");
	events_resume(events, BASE + 3 + 2 * EVENTS_MAX);
	ck_assert_ptr_null(events_line(events, BASE + 3 + EVENTS_MAX));
	events_free(events);
}
END_TEST

int main(void)
{
	return SUITE_RUN("control carry",
			 CASE("carry", events_go_on_with_their_lines_and_numbers, a_full_ring_goes_on_full,
			      what_was_set_to_zero_stays_so_and_totals_over_dead_workers_do_not_shrink,
			      the_last_reload_is_that_of_the_predecessor_until_there_is_another,
			      a_carry_that_is_cut_gives_what_was_before,
			      an_event_is_a_line_of_json_in_its_turn));
}
