/* Facts: what is put comes out again, and nothing but a whole, well-formed fact is taken. */
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "config/facts.h"
#include "config/roles.h"
#include "suite.h"

#define ROOM 2048

/* One row per fact: how to put and get it through plain pointers, and a filled example. */
struct fact_case {
	const char *name;
	void (*put)(struct writer *out, const void *fact);
	bool (*get)(struct reader *in, void *fact);
	const void *example;
	size_t size;
};

#define GLUE(kind)                                                                                 \
	static void kind##_put_any(struct writer *out, const void *fact)                           \
	{                                                                                          \
		fact_##kind##_put(out, fact);                                                      \
	}                                                                                          \
	static bool kind##_get_any(struct reader *in, void *fact)                                  \
	{                                                                                          \
		return fact_##kind##_get(in, fact);                                                \
	}

GLUE(probe)
GLUE(instance)
GLUE(group)
GLUE(role)
GLUE(tracker)
GLUE(table)
GLUE(service)
GLUE(server)
GLUE(traffic)
GLUE(watch)
GLUE(look)
GLUE(way)
GLUE(leaver)
GLUE(worker)
GLUE(daemon)
GLUE(override)

static const struct fact_probe probe = {.probe = 70000,
					.verdict = VERDICT_DOWN,
					.reason = REASON_STATUS,
					.since = -5,
					.time = 1 * NSTIME_S,
					.latency = 12 * NSTIME_MS,
					.suppressed = 3 * NSTIME_S,
					.times = {.count = {7, [PROBE_TIMES - 1] = UINT32_MAX}, .sum = UINT64_MAX},
					.told = {.by = 2, .parts = ADVICE_WEIGHT, .weight = 9},
					.detail = "status 503, wanted 200-299"};
static const struct fact_instance instance = {
	.instance = 3,
	.state = VRRP_MASTER,
	.since = NSTIME_NEVER,
	.priority = 255,
	.base_priority = 254,
	.master = {.family = AF_INET, .bytes = {192, 168, 8, 10}},
	.master_priority = 150,
	.transitions = 1,
	.sent = UINT64_MAX,
	.received = 3,
	.dropped = {[VRRP_DROP_TTL] = 1, [VRRP_DROP_HEADER] = 9},
	.dropped_from = {[VRRP_DROP_TTL] = {.family = AF_INET, .bytes = {192, 168, 8, 11}},
			 [VRRP_DROP_HEADER] = {.family = AF_INET6, .bytes = {0xfe, 0x80, [15] = 1}}},
	.dropped_at = {[VRRP_DROP_TTL] = 4, [VRRP_DROP_HEADER] = NSTIME_S},
	.competing_master = true,
	.competitor = {.family = AF_INET, .bytes = {192, 168, 8, 12}},
	.competitor_priority = 90,
	.no_peer_heard = true,
	.other_addresses = 5,
	.other_from = {.family = AF_INET, .bytes = {192, 168, 8, 13}},
	.repairs = 6,
	.contested = true,
	.maintenance = true,
	.late = {700, [VRRP_LATE_COUNT - 1] = UINT64_MAX},
	.late_sum = UINT64_MAX,
	.repair = "192.168.8.200/24 on eth0 was removed by somebody else",
	.missing = "192.0.2.1/32 on eth9: the interface does not exist",
	.reason = "192.168.8.10 advertises 150 > 100",
	.fault = "eth0 is down"};
static const struct fact_role role = {.instance = 3, .state = VRRP_MASTER};
static const struct fact_group group = {
	.group = 2, .state = VRRP_BACKUP, .since = 12, .reason = "inside is in FAULT: eth1 is down"};
static const struct fact_tracker tracker = {.instance = 3,
					    .tracker = 1,
					    .state = VERDICT_DOWN,
					    .since = 11,
					    .effect = -253,
					    .reason = "connect: refused"};
static const struct fact_table table = {.available = true,
					.operations = 12,
					.repairs = 2,
					.last_read_back = 77,
					.leavers = 3,
					.error = "no such scheduler",
					.sync = FACT_SYNC_SENDS | FACT_SYNC_RECEIVES,
					.sync_error = "interface eth9 does not exist",
					.contested = "ipvsadm -A -t 192.168.8.200:80 -s rr",
					.kinds = {5, [FACT_OPERATIONS - 1] = UINT64_MAX}};
static const struct fact_service service = {.service = 1,
					    .state = SERVICE_DEGRADED,
					    .since = 5,
					    .have = 2,
					    .needed = 1,
					    .quorum = VERDICT_UP,
					    .programmed = true,
					    .reason = "1 of 3 servers is down"};
static const struct fact_traffic traffic = {.service = 7, .traffic = {1, 2, 3, 4, 5}};
static const struct fact_way way = {.way = 5, .placed = true};
static const struct fact_watch watch = {.until = 7 * NSTIME_S};
static const struct fact_look look = {.place = 3, .number = 70000, .probe = 80000};
static const struct fact_server server = {.service = 1,
					  .server = 2,
					  .health = VERDICT_UP,
					  .since = 9,
					  .admin = ADMIN_DRAINED,
					  .weight = 7,
					  .told = {.by = 3, .parts = ADVICE_MAXCONN, .maxconn = 5, .wish = ADVICE_DRAIN},
					  .deadline = 1767323045,
					  .effective_weight = 65535,
					  .in_table = true,
					  .active = 1,
					  .inactive = 2,
					  .persistent = 3,
					  .traffic.connections = 4,
					  .traffic.packets_in = 5,
					  .traffic.packets_out = 6,
					  .traffic.bytes_in = 7,
					  .traffic.bytes_out = 8,
					  .reason = "ok"};
static const struct fact_leaver leaver = {
	.number = 1,
	.service = 2,
	.gone = true,
	.deadline = 99,
	.active = 1,
	.inactive = 2,
	.persistent = 3,
	.address = {.address = {.family = AF_INET, .bytes = {192, 0, 2, 1}}, .port = 80},
	.name = "old"};
static const struct fact_worker worker = {.role = 3,
					  .pid = 4711,
					  .restarts = 2,
					  .state = WORKER_BACKOFF,
					  .deaths = 4,
					  .wait = NSTIME_S,
					  .due = 77 * NSTIME_S,
					  .reason = "ended with status 3"};
static const struct fact_daemon daemon_fact = {.started = 1,
					       .generation = 2,
					       .ready = true,
					       .reload_time = 3,
					       .reload_failed = true,
					       .reload_error = "lbha.conf:1:1: error: it is empty",
					       .build = "0.1.0+1",
					       .upgrade_time = 4,
					       .upgrade_failed = true,
					       .upgrade_text = "it did not answer",
					       .overrides = 2,
					       .overrides_error = "No space left on device"};
static const struct fact_override override_fact = {
	.number = 1,
	.override = {.kind = OVERRIDE_PRIORITY,
		     .object = "public",
		     .value = "120",
		     .by = "root",
		     .comment = "while lb2 is looked at",
		     .since = 1,
		     .until = 2}};

#define ROW(kind, value)                                                                           \
	{                                                                                          \
#kind, kind##_put_any, kind##_get_any, &(value), sizeof(value)                     \
	}
static const struct fact_case rows[] = {
	ROW(probe, probe),        ROW(instance, instance), ROW(table, table),
	ROW(service, service),    ROW(server, server),     ROW(traffic, traffic),
	ROW(way, way),  ROW(watch, watch),        ROW(leaver, leaver),     ROW(worker, worker),
	ROW(daemon, daemon_fact), ROW(group, group),       ROW(tracker, tracker),
	ROW(role, role),          ROW(look, look),
	ROW(override, override_fact),
};

static size_t put_row(const struct fact_case *row, const void *fact, uint8_t *bytes)
{
	struct writer out = writer_of(bytes, ROOM);

	row->put(&out, fact);
	ck_assert_msg(!out.failed, "%s", row->name);
	return writer_used(&out);
}

static const struct fact_case *row_named(const char *name)
{
	size_t i = 0;

	while (strcmp(rows[i].name, name) != 0)
		ck_assert_uint_lt(++i, COUNT_OF(rows));
	return &rows[i];
}

START_TEST(a_fact_comes_out_as_it_went_in)
{
	const struct fact_case *row = &rows[_i];
	uint8_t bytes[ROOM], again[ROOM], fact[ROOM];
	size_t size = put_row(row, row->example, bytes);
	struct reader in = reader_of(bytes, size);

	ck_assert_msg(row->get(&in, fact), "%s", row->name);
	ck_assert_uint_eq(put_row(row, fact, again), size);
	ck_assert_msg(!memcmp(bytes, again, size), "%s", row->name);
}
END_TEST

/* Byte for byte the same could also mean that both left the same field out. */
START_TEST(every_field_of_an_instance_is_carried)
{
	uint8_t bytes[ROOM];
	size_t size = put_row(&rows[1], &instance, bytes);
	struct reader in = reader_of(bytes, size);
	struct fact_instance got;

	memset(&got, 0, sizeof(got));
	ck_assert(fact_instance_get(&in, &got));
	ck_assert_uint_eq(got.base_priority, 254);
	for (unsigned i = 0; i < VRRP_DROP_COUNT; i++) {
		ck_assert_uint_eq(got.dropped[i], instance.dropped[i]);
		ck_assert(addr_equal(&got.dropped_from[i], &instance.dropped_from[i]));
		ck_assert_int_eq(got.dropped_at[i], instance.dropped_at[i]);
	}
	for (unsigned i = 0; i < VRRP_LATE_COUNT; i++)
		ck_assert_uint_eq(got.late[i], instance.late[i]);
	ck_assert_uint_eq(got.late_sum, instance.late_sum);
	ck_assert(got.competing_master && got.no_peer_heard && got.contested && got.maintenance);
	ck_assert(addr_equal(&got.competitor, &instance.competitor));
	ck_assert_uint_eq(got.competitor_priority, 90);
	ck_assert_uint_eq(got.other_addresses, 5);
	ck_assert(addr_equal(&got.other_from, &instance.other_from));
	ck_assert_uint_eq(got.repairs, 6);
	ck_assert_str_eq(got.repair, instance.repair);
	ck_assert_str_eq(got.missing, instance.missing);
	ck_assert_str_eq(got.reason, instance.reason);
	ck_assert_str_eq(got.fault, instance.fault);
}
END_TEST

START_TEST(what_never_happened_takes_no_room_in_a_packet)
{
	struct fact_instance quiet = {.state = VRRP_MASTER, .reason = "no master heard for 3.6s"};
	uint8_t bytes[ROOM];

	ck_assert_uint_lt(put_row(&rows[1], &quiet, bytes), 110);
}
END_TEST

START_TEST(lateness_falls_into_the_bucket_below_its_bound)
{
	ck_assert_uint_eq(vrrp_late_bucket(-5), 0);
	ck_assert_uint_eq(vrrp_late_bucket(100 * NSTIME_US - 1), 0);
	ck_assert_uint_eq(vrrp_late_bucket(100 * NSTIME_US), 1);
	ck_assert_uint_eq(vrrp_late_bucket(7 * NSTIME_MS), 3);
	ck_assert_uint_eq(vrrp_late_bucket(100 * NSTIME_MS), VRRP_LATE_COUNT - 1);
	ck_assert_uint_eq(vrrp_late_bucket(NSTIME_NEVER), VRRP_LATE_COUNT - 1);
	for (unsigned i = 1; i < VRRP_LATE_COUNT; i++)
		ck_assert_int_gt(vrrp_late_bound(i), vrrp_late_bound(i - 1));
}
END_TEST

START_TEST(a_short_or_long_fact_is_refused_and_nothing_written)
{
	const struct fact_case *row = &rows[_i];
	uint8_t bytes[ROOM] = {0}, fact[ROOM], untouched[ROOM];
	size_t size = put_row(row, row->example, bytes);

	memset(fact, 0xa5, sizeof(fact));
	memset(untouched, 0xa5, sizeof(untouched));
	for (size_t length = 0; length <= size + 3; length++) {
		struct reader in = reader_of(bytes, length);

		if (length == size)
			continue;
		ck_assert_msg(!row->get(&in, fact), "%s: %zu of %zu bytes", row->name, length,
			      size);
		ck_assert_msg(!memcmp(fact, untouched, sizeof(fact)), "%s", row->name);
	}
}
END_TEST

START_TEST(states_out_of_range_are_refused)
{
	uint8_t bytes[ROOM];
	struct fact_probe probe_out;
	struct fact_worker worker_out;
	struct reader in;
	size_t size;

	size = put_row(&rows[0], &probe, bytes);
	bytes[4] = VERDICT_DOWN + 1;
	in = reader_of(bytes, size);
	ck_assert(!fact_probe_get(&in, &probe_out));
	size = put_row(row_named("worker"), &worker, bytes);
	bytes[0] = 200;
	in = reader_of(bytes, size);
	ck_assert(!fact_worker_get(&in, &worker_out));
}
END_TEST

START_TEST(a_hostile_text_cannot_reach_a_terminal)
{
	struct fact_probe sent = probe, got;
	uint8_t bytes[ROOM];
	struct reader in;
	size_t size;

	strcpy(sent.detail, "a\033[2Jb\nc");
	size = put_row(&rows[0], &sent, bytes);
	in = reader_of(bytes, size);
	ck_assert(fact_probe_get(&in, &got));
	ck_assert_str_eq(got.detail, "a?[2Jb?c");
}
END_TEST

START_TEST(every_state_has_a_name_of_its_own)
{
	ck_assert_str_eq(vrrp_state_name(VRRP_FAULT), "FAULT");
	ck_assert_str_eq(probe_reason_name(REASON_LOCAL), "local");
	ck_assert_str_eq(service_state_name(SERVICE_DEGRADED), "degraded");
	ck_assert_str_eq(worker_state_name(WORKER_BACKOFF), "backoff");
	for (unsigned a = 0; a < VRRP_DROP_COUNT; a++)
		for (unsigned b = 0; b < a; b++)
			ck_assert_str_ne(vrrp_drop_name(a), vrrp_drop_name(b));
	ck_assert_str_eq(vrrp_drop_name(VRRP_DROP_COUNT), "unknown");
}
END_TEST

START_TEST(roles_are_unknown_until_told_and_one_master_is_enough)
{
	auto_arena *arena = arena_new(0);
	uint32_t both[] = {1, 2};
	const char *names[] = {"a", "b", "c"};
	struct model model = {.instance_names = names, .instance_name_count = 3};
	struct roles roles;

	ck_assert_int_eq(roles_init(&roles, arena, &model), 0);
	ck_assert_int_eq(roles_mastership(&roles, both, 2), MASTERSHIP_UNKNOWN);
	ck_assert(roles_take(&roles, &(struct fact_role){1, VRRP_BACKUP}));
	ck_assert(!roles_take(&roles, &(struct fact_role){1, VRRP_BACKUP}));
	ck_assert(!roles_take(&roles, &(struct fact_role){3, VRRP_MASTER}));
	ck_assert_int_eq(roles_mastership(&roles, both, 2), MASTERSHIP_UNKNOWN);
	roles_take(&roles, &(struct fact_role){2, VRRP_FAULT});
	ck_assert_int_eq(roles_mastership(&roles, both, 2), MASTERSHIP_NO);
	roles_take(&roles, &(struct fact_role){2, VRRP_MASTER});
	ck_assert(!roles_take(&roles, &(struct fact_role){2, VRRP_INIT}));
	ck_assert_int_eq(roles_mastership(&roles, both, 2), MASTERSHIP_YES);
	ck_assert_int_eq(roles_mastership(&roles, both, 1), MASTERSHIP_NO);
	ck_assert_int_eq(roles_mastership(&roles, both, 0), MASTERSHIP_NO);
}
END_TEST

START_TEST(roles_of_instances_that_stay_are_known_to_the_next_model_whoever_named_them)
{
	auto_arena *arena = arena_new(0);
	const char *names[] = {"a", "b", "c"}, *new_names[] = {"c", "d", "a"};
	uint32_t a = 2, c = 0, d = 1;
	struct model model = {.instance_names = names, .instance_name_count = 3};
	struct model next = {.instance_names = new_names, .instance_name_count = 3};
	struct roles roles, carried;

	ck_assert_int_eq(roles_init(&roles, arena, &model), 0);
	roles_take(&roles, &(struct fact_role){0, VRRP_BACKUP});
	roles_take(&roles, &(struct fact_role){1, VRRP_MASTER});
	roles_take(&roles, &(struct fact_role){2, VRRP_MASTER});
	ck_assert_int_eq(roles_init(&carried, arena, &next), 0);
	ck_assert_int_eq(roles_carry(arena, &carried, &next, &roles, &model), 0);
	ck_assert_int_eq(roles_mastership(&carried, &a, 1), MASTERSHIP_NO);
	ck_assert_int_eq(roles_mastership(&carried, &c, 1), MASTERSHIP_YES);
	ck_assert_int_eq(roles_mastership(&carried, &d, 1), MASTERSHIP_UNKNOWN);
}
END_TEST

static TCase *codec(void)
{
	TCase *tcase =
		CASE("facts", every_field_of_an_instance_is_carried,
		     what_never_happened_takes_no_room_in_a_packet,
		     lateness_falls_into_the_bucket_below_its_bound, states_out_of_range_are_refused,
		     a_hostile_text_cannot_reach_a_terminal, every_state_has_a_name_of_its_own,
		     roles_are_unknown_until_told_and_one_master_is_enough,
		     roles_of_instances_that_stay_are_known_to_the_next_model_whoever_named_them);

	tcase_add_loop_test(tcase, a_fact_comes_out_as_it_went_in, 0, COUNT_OF(rows));
	tcase_add_loop_test(tcase, a_short_or_long_fact_is_refused_and_nothing_written, 0,
			    COUNT_OF(rows));
	return tcase;
}

int main(void)
{
	return SUITE_RUN("facts", codec());
}
