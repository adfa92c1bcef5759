/* Of control: two events, the second of five that there were since the daemon began, a reload that was refused, and a
 * server whose traffic was set to zero. */
#include <string.h>

#include "base/arena.h"
#include "base/carry.h"
#include "base/cleanup.h"
#include "daemon/control_carry.h"
#include "daemon/control_mirror.h"
#include "daemon/events.h"
#include "states.h"
#include "tests/unit/suite.h"

#define AGO(seconds) (STATE_NOW - (seconds) * NSTIME_S)
#define BASE 1767322801000ull

static const char LINE[] = "{\"seq\":1767322801005,\"time\":\"2026-01-02T03:00:05.000Z\",\"event\":\"server_state\","
			   "\"object\":\"web/a\",\"old\":\"up\",\"new\":\"down\",\"reason\":\"10.0.0.1:80: refused\"}";

static const struct traffic_seen SEEN = {
	.total = {200, 2000, 1000, 300000, 100000},
	.told = {70, 700, 350, 100000, 30000},
	.zero = {150, 1500, 700, 200000, 70000},
	.zeroed = AGO(90),
};

static void make(struct writer *out)
{
	const struct control_past past = {BASE, BASE + 3, BASE + 5, AGO(1)};
	struct control_traffic traffic = {.service = "web", .server = "a", .seen = SEEN};
	uint8_t *record;

	traffic.address = (struct endpoint){addr_from_ipv4(0x0a000001), 80};
	control_past_put(out, &past);
	record = carry_record(out, CONTROL_CARRY_EVENT);
	put_u64(out, BASE + 5);
	put_text(out, LINE);
	carry_end(out, record);
	control_reload_put(out, &(struct control_reload){AGO(300), true, "lbha.conf:3:5: error: no such key"});
	control_traffic_put(out, &traffic);
}

static void expect(struct reader *in, UNUSED const char *release)
{
	struct real_server server = {.name = "a", .address = {addr_from_ipv4(0x0a000001), 80}};
	struct service service = {.name = "web", .real_servers = &server, .real_server_count = 1};
	const struct model model = {.services = &service, .service_count = 1};
	struct control_inherited got;
	struct mirror mirror;

	ck_assert_int_eq(mirror_prepare(&mirror, &model, arena_new(0)), 0);
	got = control_carry_take(in, STATE_NOW, &mirror);
	ck_assert(reader_done(in));
	ck_assert_ptr_nonnull(got.events);
	ck_assert_uint_eq(events_base(got.events), BASE);
	ck_assert_uint_eq(events_oldest(got.events), BASE + 4);
	ck_assert_uint_eq(events_last(got.events), BASE + 5);
	ck_assert_int_eq(strncmp(events_line(got.events, BASE + 5), LINE, strlen(LINE)), 0);
	ck_assert_int_eq(got.past.facts_at, AGO(1));
	ck_assert_int_eq(got.reload.time, AGO(300));
	ck_assert(got.reload.failed);
	ck_assert_str_eq(got.reload.error, "lbha.conf:3:5: error: no such key");
	ck_assert_mem_eq(&mirror.services[0].servers[0].traffic, &SEEN, sizeof(SEEN));
	events_free(got.events);
	mirror_fini(&mirror);
}

const struct state_role state_control = {"control", make, expect};
