/* Events: differences between facts, never inventions; and the ring that keeps them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "daemon/control_overrides.h"
#include "daemon/events.h"
#include "daemon/overrides.h"
#include "suite.h"

#define STARTED (100 * NSTIME_S)
#define NOW (200 * NSTIME_S)
#define BASE 1767322801000
#define WALL (1767322800 * NSTIME_S) /* 2026-01-02T03:00:00Z at point 0 */

/* ---- what was told --------------------------------------------------------------------------- */

static struct event told[32];
static unsigned count;

static void keep(UNUSED void *ctx, const struct event *event)
{
	ck_assert_uint_lt(count, COUNT_OF(told));
	told[count++] = *event;
}

static const struct event_sink sink = {.event = keep, .started = STARTED};

/* "vrrp_state public BACKUP>MASTER: why", one a line, and forgets them. */
static const char *all(void)
{
	static char text[4096];
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s %s>%s: %s",
					 i ? "\n" : "", event_kind_name(told[i].kind),
					 told[i].object, told[i].old, told[i].new, told[i].reason);
	count = 0;
	return text;
}

static int64_t more_of(const struct event *event, const char *key)
{
	for (unsigned i = 0; i < EVENT_MORE && event->more[i].key; i++)
		if (!strcmp(event->more[i].key, key))
			return event->more[i].number;
	ck_abort_msg("no member %s", key);
	return 0;
}

static struct fact_instance fact(enum vrrp_state state, uint64_t transitions, const char *reason)
{
	struct fact_instance made = {.state = state,
				     .transitions = transitions,
				     .since = 150 * NSTIME_S,
				     .priority = 100};

	snprintf(made.reason, sizeof(made.reason), "%s", reason);
	return made;
}

static struct event_seen_instance seen;

static const char *tell(struct fact_instance now)
{
	event_instance(&sink, &seen, "public", &now, NOW);
	return all();
}

static void setup(void)
{
	memset(&seen, 0, sizeof(seen));
	count = 0;
}

/* ---- instances ------------------------------------------------------------------------------- */

START_TEST(a_change_of_state_is_an_event_with_its_reason)
{
	struct fact_instance now = fact(VRRP_MASTER, 2, "no advert from 192.0.2.2 for 3.6s");

	tell(fact(VRRP_BACKUP, 1, "listening for a master"));
	now.since = 199 * NSTIME_S;
	event_instance(&sink, &seen, "public", &now, NOW);
	ck_assert_int_eq(told[0].time, 199 * NSTIME_S);
	ck_assert_int_eq(more_of(&told[0], "priority"), 100);
	ck_assert_int_eq(more_of(&told[0], "missed"), 0);
	ck_assert_str_eq(all(),
			 "vrrp_state public BACKUP>MASTER: no advert from 192.0.2.2 for 3.6s");
	ck_assert_str_eq(tell(now), "");
	now.sent = 7;
	ck_assert_str_eq(tell(now), "");
}
END_TEST

START_TEST(a_control_worker_that_begins_invents_no_change)
{
	struct fact_instance old = fact(VRRP_MASTER, 7, "no master heard for 3.6s");

	old.since = 50 * NSTIME_S;
	old.competing_master = old.no_peer_heard = old.contested = true;
	old.repairs = 3;
	ck_assert_str_eq(tell(old), "");
	ck_assert_str_eq(tell(old), "");
	old.repairs = 4;
	snprintf(old.repair, sizeof(old.repair), "192.0.2.100/32 was removed");
	ck_assert_str_eq(tell(old), "drift_repaired public >: 192.0.2.100/32 was removed");
}
END_TEST

START_TEST(what_came_to_be_since_it_began_is_told)
{
	ck_assert_str_eq(tell(fact(VRRP_MASTER, 2, "no master heard for 3.6s")),
			 "vrrp_state public >MASTER: no master heard for 3.6s");
}
END_TEST

START_TEST(a_router_that_is_made_begins_in_INIT)
{
	struct fact_instance init = fact(VRRP_INIT, 0, "not started");

	ck_assert_str_eq(tell(init), "");
	ck_assert_str_eq(tell(fact(VRRP_BACKUP, 1, "listening for a master")),
			 "vrrp_state public INIT>BACKUP: listening for a master");
}
END_TEST

START_TEST(a_vrrp_worker_that_is_replaced_and_goes_on_is_no_change)
{
	struct fact_instance init = fact(VRRP_INIT, 0, "not started");

	tell(fact(VRRP_BACKUP, 1, "listening"));
	tell(fact(VRRP_MASTER, 2, "no master heard"));
	ck_assert_str_eq(tell(init), "");
	ck_assert_str_eq(tell(fact(VRRP_MASTER, 1, "going on after a restart of the worker")), "");
	ck_assert_str_eq(tell(fact(VRRP_BACKUP, 2, "192.0.2.2 advertises 150 > 100")),
			 "vrrp_state public MASTER>BACKUP: 192.0.2.2 advertises 150 > 100");
}
END_TEST

START_TEST(changes_between_two_facts_are_counted)
{
	struct fact_instance later = fact(VRRP_BACKUP, 5, "192.0.2.2 advertises 150 > 100");

	tell(fact(VRRP_BACKUP, 1, "listening"));
	event_instance(&sink, &seen, "public", &later, NOW);
	ck_assert_int_eq(more_of(&told[0], "missed"), 4);
	ck_assert_str_eq(all(), "vrrp_state public BACKUP>BACKUP: 192.0.2.2 advertises 150 > 100");
	later = fact(VRRP_MASTER, 8, "x");
	event_instance(&sink, &seen, "public", &later, NOW);
	ck_assert_int_eq(more_of(&told[0], "missed"), 2);
	ck_assert_str_eq(all(), "vrrp_state public BACKUP>MASTER: x");
}
END_TEST

START_TEST(a_competing_master_comes_and_goes)
{
	struct fact_instance now = fact(VRRP_MASTER, 2, "x");

	tell(now);
	now.competing_master = true;
	now.competitor = addr_from_ipv4(0xc0000202);
	now.competitor_priority = 90;
	ck_assert_str_eq(tell(now),
			 "competing_master public >192.0.2.2: 192.0.2.2 advertises 90 too, although "
			 "this director is MASTER");
	now.competing_master = false;
	ck_assert_str_eq(tell(now), ""); /* not within a second: a neighbour could make a flood */
	event_instance(&sink, &seen, "public", &now, NOW + NSTIME_S);
	ck_assert_str_eq(all(), "competing_master public 192.0.2.2>: 192.0.2.2 no longer competes");
}
END_TEST

START_TEST(a_neighbour_can_provoke_an_event_a_second_at_most)
{
	struct fact_instance now = fact(VRRP_MASTER, 2, "x");

	tell(now);
	count = 0;
	for (nstime time = NOW; time < NOW + 10 * NSTIME_S; time += NSTIME_MS) {
		now.competing_master = !now.competing_master;
		event_instance(&sink, &seen, "public", &now, time);
	}
	ck_assert_uint_le(count, 10);
	ck_assert_uint_ge(count, 9);
}
END_TEST

START_TEST(no_peer_heard_and_contested_come_and_go)
{
	struct fact_instance now = fact(VRRP_MASTER, 2, "x");

	tell(now);
	now.no_peer_heard = true;
	ck_assert_str_eq(tell(now), "no_peer_heard public false>true: MASTER without ever having "
				    "heard another router: it may not hear us either");
	now.no_peer_heard = false;
	ck_assert_str_eq(tell(now), "no_peer_heard public true>false: another router was heard");
	now.contested = true;
	now.repairs = 5;
	snprintf(now.repair, sizeof(now.repair), "again");
	ck_assert_str_eq(tell(now), "drift_repaired public >: again\n"
				    "contested public false>true: again");
	now.contested = false;
	ck_assert_str_eq(tell(now), "contested public true>false: again");
}
END_TEST

START_TEST(repairs_count_anew_with_a_new_worker)
{
	struct fact_instance now = fact(VRRP_MASTER, 2, "x");

	now.repairs = 9;
	snprintf(now.repair, sizeof(now.repair), "r");
	tell(now);
	now.repairs = 0;
	ck_assert_str_eq(tell(now), "");
	now.repairs = 9;
	tell(now);
	now.repairs = 2; /* of the next worker, already */
	ck_assert_str_eq(tell(now), "drift_repaired public >: r");
}
END_TEST

/* ---- the others ------------------------------------------------------------------------------ */

START_TEST(a_tracker_or_server_that_is_not_known_again_is_no_change)
{
	struct event_seen tracker = {0}, server = {0};
	struct fact_tracker down = {.state = VERDICT_DOWN, .effect = -30, .reason = "refused"},
			    unknown = {.state = VERDICT_UNKNOWN, .reason = "not known yet"};
	struct fact_server up = {.health = VERDICT_UP, .since = 150 * NSTIME_S, .reason = "ok"},
			   nothing = {.health = VERDICT_UNKNOWN};

	event_tracker(&sink, &tracker, "public", "gateway", &unknown, NOW);
	ck_assert_str_eq(all(), "");
	event_tracker(&sink, &tracker, "public", "gateway", &down, NOW);
	ck_assert_int_eq(more_of(&told[0], "effect"), -30);
	ck_assert_str_eq(all(), "tracker_state public/gateway unknown>down: refused");
	event_tracker(&sink, &tracker, "public", "gateway", &unknown, NOW);
	event_tracker(&sink, &tracker, "public", "gateway", &down, NOW);
	ck_assert_str_eq(all(), "");
	event_server(&sink, &server, "web", "b", &nothing, NOW);
	event_server(&sink, &server, "web", "b", &up, NOW);
	ck_assert_str_eq(all(), "server_state web/b unknown>up: ok");
	event_server(&sink, &server, "web", "b", &nothing, NOW);
	event_server(&sink, &server, "web", "b", &up, NOW);
	ck_assert_str_eq(all(), "");
}
END_TEST

START_TEST(groups_and_services_change_state)
{
	struct event_seen group = {0}, service = {0};
	struct fact_group backup = {.state = VRRP_BACKUP},
			  master = {.state = VRRP_MASTER, .since = 1, .reason = "all would"};
	struct fact_service up = {.state = SERVICE_UP, .have = 2, .needed = 1},
			    down = {.state = SERVICE_DOWN, .needed = 1, .reason = "2 of 2 down"};

	event_group(&sink, &group, "g", &backup, NOW);
	event_group(&sink, &group, "g", &master, NOW);
	ck_assert_str_eq(all(), "group_state g BACKUP>MASTER: all would");
	event_service(&sink, &service, "web", &up, NOW);
	event_service(&sink, &service, "web", &down, NOW);
	ck_assert_int_eq(more_of(&told[0], "needed"), 1);
	ck_assert_str_eq(all(), "service_state web up>down: 2 of 2 down");
}
END_TEST

START_TEST(a_worker_that_ended_is_told_once)
{
	struct fact_worker running = {.role = 3, .pid = 10, .state = WORKER_RUNNING},
			   died = {.role = 3, .restarts = 1, .state = WORKER_BACKOFF, .deaths = 1,
				   .reason = "ended with status 3"},
			   back = {.role = 3, .pid = 11, .restarts = 1, .state = WORKER_RUNNING, .deaths = 1};

	event_worker(&sink, NULL, &died, NOW);
	event_worker(&sink, &running, &died, NOW);
	event_worker(&sink, &died, &back, NOW);
	ck_assert_str_eq(all(),
			 "worker_restart check running>backoff: ended with status 3");
}
END_TEST

START_TEST(a_worker_that_keeps_dying_is_told_with_the_wait_and_when_it_runs_again)
{
	struct fact_worker running = {.role = 3, .pid = 10, .restarts = 5, .state = WORKER_RUNNING},
			   died = {.role = 3, .restarts = 6, .state = WORKER_BACKOFF, .deaths = 6,
				   .wait = 4 * NSTIME_S, .reason = "was killed by signal 9 (Killed)"},
			   starting = died, back = died;

	starting.state = WORKER_STARTING;
	back.state = WORKER_RUNNING;
	back.wait = 0;
	event_worker(&sink, &running, &died, NOW);
	ck_assert_int_eq(more_of(&told[0], "deaths"), 6);
	ck_assert_int_eq(more_of(&told[0], "wait_ms"), 4000);
	event_worker(&sink, &died, &starting, NOW);
	event_worker(&sink, &starting, &back, NOW);
	event_worker(&sink, &back, &back, NOW);
	ck_assert_str_eq(all(), "worker_restart check running>backoff: was killed by signal 9 (Killed); 6 deaths in a "
				"row, it is started again in 4 s\n"
				"worker_restart check starting>running: it runs again after 6 deaths in a row");
}
END_TEST

START_TEST(a_reload_is_told_with_its_result)
{
	struct event_seen_daemon daemon = {0};
	struct fact_daemon now = {.generation = 1};

	event_daemon(&sink, &daemon, &now, NOW);
	now.generation = 2; /* it is in force before the reload has ended */
	event_daemon(&sink, &daemon, &now, NOW);
	ck_assert_str_eq(all(), "");
	now.reload_time = 190 * NSTIME_S;
	event_daemon(&sink, &daemon, &now, NOW);
	ck_assert_str_eq(all(), "reload configuration 1>2: applied");
	now.reload_time = 195 * NSTIME_S;
	now.reload_failed = true;
	snprintf(now.reload_error, sizeof(now.reload_error), "x.conf:1:1: error: it is empty");
	event_daemon(&sink, &daemon, &now, NOW);
	ck_assert_str_eq(all(), "reload configuration 2>2: x.conf:1:1: error: it is empty");
}
END_TEST

START_TEST(an_upgrade_is_told_by_who_came_with_it_and_by_who_stayed)
{
	struct event_seen_daemon daemon = {0};
	struct fact_daemon now = {.build = "2", .upgrade_time = NOW - NSTIME_S, .upgrade_text = "1"};

	event_daemon(&sink, &daemon, &now, NOW); /* after the sink began */
	ck_assert_str_eq(all(), "upgrade daemon 1>2: taken over");
	event_daemon(&sink, &daemon, &now, NOW);
	ck_assert_str_eq(all(), "");
	now.upgrade_time = NOW;
	now.upgrade_failed = true;
	snprintf(now.upgrade_text, sizeof(now.upgrade_text), "it did not answer");
	event_daemon(&sink, &daemon, &now, NOW);
	ck_assert_str_eq(all(), "upgrade daemon 2>2: it did not answer");
	daemon = (struct event_seen_daemon){0};
	now.upgrade_time = STARTED; /* whoever was there then has told it */
	event_daemon(&sink, &daemon, &now, NOW);
	ck_assert_str_eq(all(), "");
}
END_TEST

START_TEST(repairs_of_the_table_are_told)
{
	struct fact_table before = {.repairs = 3}, now = {.repairs = 5};

	event_table(&sink, NULL, &now, NOW);
	ck_assert_str_eq(all(), "");
	event_table(&sink, &before, &now, NOW);
	ck_assert_str_eq(all(), "drift_repaired ipvs >: 2 operations undid what somebody else "
				"changed in the table");
	before.repairs = 4;
	event_table(&sink, &before, &now, NOW);
	ck_assert_str_eq(all(), "drift_repaired ipvs >: 1 operation undid what somebody else changed in "
				"the table");
}
END_TEST

START_TEST(a_table_that_somebody_else_keeps_changing_is_contested_until_it_is_not)
{
	struct fact_table peace = {.available = true}, war = peace;

	snprintf(war.contested, sizeof(war.contested), "ipvsadm -A -t 192.168.8.200:80 -s rr");
	event_table(&sink, NULL, &war, NOW);
	ck_assert_str_eq(all(), "");
	event_table(&sink, &peace, &war, NOW);
	ck_assert_str_eq(all(), "contested ipvs false>true: ipvsadm -A -t 192.168.8.200:80 -s rr");
	event_table(&sink, &war, &war, NOW);
	event_table(&sink, &war, &peace, NOW);
	ck_assert_str_eq(all(), "contested ipvs true>false: nobody has undone it again");
}
END_TEST

/* ---- the ring -------------------------------------------------------------------------------- */

static struct event event(const char *object)
{
	struct event made = {.kind = EVENT_VRRP_STATE, .time = 5 * NSTIME_S, .old = "BACKUP",
			     .new = "MASTER", .reason = "because"};

	snprintf(made.object, sizeof(made.object), "%s", object);
	made.more[0] = (struct event_more){.key = "priority", .number = 100};
	made.more[1] = (struct event_more){.key = "master_address", .text = "192.0.2.1"};
	return made;
}

static void add(struct events *events, unsigned many)
{
	struct event one = event("public");

	while (many--)
		events_add(events, &one, WALL);
}

START_TEST(an_event_is_a_line_of_the_contract)
{
	struct events *events = events_new(BASE, BASE);
	struct event one = event("pub\033lic");
	uint64_t number = events_last(events) + 1;
	char *line;

	one.old[0] = '\0';
	events_add(events, &one, WALL);
	line = events_text(events, &number, 1);
	ck_assert_str_eq(line, "{\"seq\":1767322801001,\"time\":\"2026-01-02T03:00:05.000Z\","
			       "\"event\":\"vrrp_state\",\"object\":\"pub?lic\",\"old\":null,"
			       "\"new\":\"MASTER\",\"reason\":\"because\",\"priority\":100,"
			       "\"master_address\":\"192.0.2.1\"}\n");
	ck_assert_uint_eq(number, events_last(events) + 1);
	ck_assert_ptr_null(events_text(events, &number, 1000));
	free(line);
	events_free(events);
}
END_TEST

START_TEST(the_ring_keeps_the_last_and_says_how_many_are_gone)
{
	struct events *events = events_new(BASE, BASE);
	uint64_t base = events_last(events), missed;

	ck_assert_uint_eq(events_after(events, 0, &missed), base + 1);
	ck_assert_uint_eq(missed, 0);
	add(events, EVENTS_MAX + 100);
	ck_assert_uint_eq(events_last(events), base + EVENTS_MAX + 100);
	ck_assert_uint_eq(events_oldest(events), base + 101);
	ck_assert_uint_eq(events_after(events, base + 40, &missed), base + 101);
	ck_assert_uint_eq(missed, 60);
	ck_assert_uint_eq(events_after(events, base + 100, &missed), base + 101);
	ck_assert_uint_eq(missed, 0);
	ck_assert_uint_eq(events_after(events, base + 500, &missed), base + 501);
	ck_assert_uint_eq(missed, 0);
	ck_assert_uint_eq(events_after(events, events_last(events), &missed),
			  events_last(events) + 1);
	ck_assert_uint_eq(missed, 0);
	events_free(events);
}
END_TEST

START_TEST(the_next_control_worker_goes_on_with_the_numbers)
{
	struct events *events = events_new(BASE, BASE + 100);
	uint64_t missed;

	add(events, 5);
	ck_assert_uint_eq(events_after(events, BASE + 100, &missed), BASE + 101);
	ck_assert_uint_eq(missed, 0);
	ck_assert_uint_eq(events_after(events, BASE + 90, &missed), BASE + 101);
	ck_assert_uint_eq(missed, 10);
	ck_assert_uint_eq(events_after(events, 0, &missed), BASE + 101);
	ck_assert_uint_eq(missed, 0);
	events_free(events);
}
END_TEST

START_TEST(a_number_of_another_daemon_is_not_taken_for_one_of_ours)
{
	struct events *old = events_new(BASE, BASE), *new = events_new(BASE + 1000, BASE + 1000);
	uint64_t missed, last;

	add(old, 10);
	add(new, 5);
	last = events_last(old);
	ck_assert_uint_eq(events_after(new, last, &missed), events_oldest(new));
	ck_assert_uint_eq(missed, EVENTS_UNKNOWN);
	ck_assert_uint_eq(events_after(old, events_last(new), &missed), events_oldest(old));
	ck_assert_uint_eq(missed, EVENTS_UNKNOWN); /* the clock was set back */
	events_free(old);
	events_free(new);
}
END_TEST

START_TEST(text_comes_in_pieces_without_a_gap)
{
	struct events *events = events_new(BASE, BASE);
	uint64_t base = events_last(events), number = base + 1, wanted = base;
	char *piece;

	add(events, 300);
	while ((piece = events_text(events, &number, 1000)) != NULL) {
		ck_assert_uint_le(strlen(piece), 1000);
		for (char *line = strtok(piece, "\n"); line; line = strtok(NULL, "\n"))
			ck_assert_uint_eq(strtoull(line + strlen("{\"seq\":"), NULL, 10), ++wanted);
		free(piece);
	}
	ck_assert_uint_eq(wanted, base + 300);
	events_free(events);
}
END_TEST

START_TEST(the_answer_has_events_and_where_to_go_on)
{
	struct events *events = events_new(BASE, BASE);
	uint64_t base = events_last(events);
	json_t *answer, *first;

	add(events, 3);
	answer = events_json(events, base + 1, WALL);
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "events")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "last")), (json_int_t)base + 3);
	json_decref(answer);
	answer = events_json(events, 5, WALL);
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "events")), 4);
	first = json_array_get(json_object_get(answer, "events"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(first, "event")), "missed");
	ck_assert(json_is_null(json_object_get(first, "missed")));
	json_decref(answer);
	events_free(events);
}
END_TEST

START_TEST(a_reader_that_missed_something_can_resume_with_the_line_that_says_so)
{
	char *line = events_missed_line(101, 60, WALL), *unknown;

	ck_assert_str_eq(line, "{\"seq\":100,\"time\":\"2026-01-02T03:00:00.000Z\",\"event\":\"missed\","
			       "\"object\":\"events\",\"old\":null,\"new\":null,\"reason\":\"older "
			       "events are no longer kept\",\"missed\":60}\n");
	unknown = events_missed_line(101, EVENTS_UNKNOWN, WALL);
	ck_assert_ptr_nonnull(strstr(unknown, "\"missed\":null"));
	free(line);
	free(unknown);
}
END_TEST

/* ---- overrides ------------------------------------------------------------------------------- */

static struct override_mirror overrides;

static struct override word(enum override_kind kind, const char *object, const char *value, nstime since)
{
	struct override made = {.kind = kind, .by = "root", .since = WALL + since};

	snprintf(made.object, sizeof(made.object), "%s", object);
	snprintf(made.value, sizeof(made.value), "%s", value);
	return made;
}

/* The whole list, as the supervisor tells it. */
static const char *tell_list(const struct override *list, size_t size)
{
	override_mirror_count(&overrides, size);
	for (uint32_t i = 0; i < size; i++)
		ck_assert(override_mirror_take(&overrides,
					       &(struct fact_override){.number = i, .override = list[i]}));
	override_mirror_sync(&overrides, &sink, NOW, WALL);
	return all();
}

START_TEST(what_operators_say_is_told_and_what_they_take_back)
{
	struct override list[] = {word(OVERRIDE_PRIORITY, "public", "120", NOW),
				  word(OVERRIDE_MAINTENANCE, OVERRIDE_DIRECTOR, "on", NOW)};

	ck_assert_str_eq(tell_list(NULL, 0), "");
	ck_assert_str_eq(tell_list(list, 1), "override public auto>120: by root");
	ck_assert_str_eq(tell_list(list, 1), "");
	strcpy(list[1].comment, "new switch");
	ck_assert_str_eq(tell_list(list, 2), "override maintenance off>on: by root: new switch");
	ck_assert_str_eq(tell_list(list + 1, 1), "override public 120>auto: taken back");
	list[1].until = WALL + NOW;
	ck_assert_str_eq(tell_list(list, 2), "override public auto>120: by root");
	ck_assert_str_eq(tell_list(list, 1), "override maintenance on>off: its time has come");
	strcpy(list[0].value, "130");
	ck_assert_str_eq(tell_list(list, 1), "override public 120>130: by root");
	override_mirror_fini(&overrides);
}
END_TEST

START_TEST(overrides_of_before_are_no_news_to_a_control_worker_that_begins)
{
	struct override list[] = {word(OVERRIDE_PRIORITY, "public", "120", STARTED - 1),
				  word(OVERRIDE_PRIORITY, "inside", "90", STARTED + 1)};

	ck_assert_str_eq(tell_list(list, 2), "override inside auto>90: by root");
	ck_assert_str_eq(tell_list(list, 2), "");
	override_mirror_fini(&overrides);
}
END_TEST

START_TEST(what_is_said_of_a_server_is_told_with_its_service)
{
	struct override list[] = {word(OVERRIDE_STATE, "web/a", "drained", STARTED + 1),
				  word(OVERRIDE_WEIGHT, "web/a", "5", STARTED + 1)},
			drained = word(OVERRIDE_STATE, "web/a", "disabled", STARTED + 2);

	ck_assert_str_eq(tell_list(list, 2), "override web/a auto>drained: by root\n"
					     "override web/a auto>5: by root");
	list[0] = drained;
	ck_assert_str_eq(tell_list(list, 2), "override web/a drained>disabled: by root");
	ck_assert_str_eq(tell_list(list + 1, 1), "override web/a disabled>auto: taken back");
	override_mirror_fini(&overrides);
}
END_TEST

START_TEST(more_overrides_than_there_can_be_are_not_believed)
{
	struct fact_override fact = {.number = OVERRIDES_MAX, .override = word(OVERRIDE_PRIORITY, "a", "1", NOW)};

	override_mirror_count(&overrides, UINT32_MAX);
	ck_assert_uint_eq(overrides.count, OVERRIDES_MAX);
	ck_assert(!override_mirror_take(&overrides, &fact));
	override_mirror_sync(&overrides, &sink, NOW, WALL);
	ck_assert_str_eq(all(), "");
	override_mirror_fini(&overrides);
}
END_TEST

static TCase *differences(void)
{
	TCase *tcase = CASE("differences", a_change_of_state_is_an_event_with_its_reason,
			    a_control_worker_that_begins_invents_no_change,
			    what_came_to_be_since_it_began_is_told,
			    a_router_that_is_made_begins_in_INIT,
			    a_vrrp_worker_that_is_replaced_and_goes_on_is_no_change,
			    changes_between_two_facts_are_counted,
			    a_competing_master_comes_and_goes,
			    a_neighbour_can_provoke_an_event_a_second_at_most,
			    no_peer_heard_and_contested_come_and_go,
			    repairs_count_anew_with_a_new_worker,
			    a_tracker_or_server_that_is_not_known_again_is_no_change,
			    groups_and_services_change_state, a_worker_that_ended_is_told_once,
			    a_worker_that_keeps_dying_is_told_with_the_wait_and_when_it_runs_again,
			    a_reload_is_told_with_its_result,
			    an_upgrade_is_told_by_who_came_with_it_and_by_who_stayed, repairs_of_the_table_are_told,
		    a_table_that_somebody_else_keeps_changing_is_contested_until_it_is_not);

	tcase_add_checked_fixture(tcase, setup, NULL);
	return tcase;
}

int main(void)
{
	return SUITE_RUN("events", differences(),
			 CASE("overrides", what_operators_say_is_told_and_what_they_take_back,
			      overrides_of_before_are_no_news_to_a_control_worker_that_begins,
			      what_is_said_of_a_server_is_told_with_its_service,
		     more_overrides_than_there_can_be_are_not_believed),
			 CASE("ring", an_event_is_a_line_of_the_contract,
			      the_ring_keeps_the_last_and_says_how_many_are_gone,
			      the_next_control_worker_goes_on_with_the_numbers,
			      a_number_of_another_daemon_is_not_taken_for_one_of_ours,
			      text_comes_in_pieces_without_a_gap,
			      the_answer_has_events_and_where_to_go_on,
			      a_reader_that_missed_something_can_resume_with_the_line_that_says_so));
}
