/* What lbhactl prints: grids, folding, colours, the problems of a status, and the golden texts of a
 * whole one. */
#include <stdlib.h>
#include <string.h>

#include "ctl/drops.h"
#include "ctl/events.h"
#include "ctl/grid.h"
#include "ctl/paper.h"
#include "ctl/problems.h"
#include "ctl/show.h"
#include "golden.h"
#include "suite.h"

/* 2026-01-02T03:28:55Z: 735 s after the start of the golden status's daemon */
#define NOW ((1767322800 + 1735) * NSTIME_S)

static char *text;
static size_t size;

static struct paper paper_open(void)
{
	return (struct paper){.out = open_memstream(&text, &size), .now = NOW};
}

/* The golden text, and the promise that its lines fit. */
static void paper_close(struct paper *paper, const char *golden)
{
	fclose(paper->out);
	golden_compare(golden, text);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		size_t length = strlen(line);

		ck_assert_msg(paper_columns(line) <= PAPER_WIDTH, "too long: %s", line);
		ck_assert_msg(!length || line[length - 1] != ' ', "ends with a blank: \"%s\"",
			      line);
	}
	free(text);
}

static json_t *status(const char *golden)
{
	char *json = golden_read(golden);
	json_t *value = json_loads(json, 0, NULL);

	ck_assert_ptr_nonnull(value);
	free(json);
	return value;
}

START_TEST(status_tells_what_is_wrong_first)
{
	struct paper paper = paper_open();
	json_t *value = status("ctl/status.json");

	show_status(&paper, value);
	paper_close(&paper, "ctl/status.txt");
	json_decref(value);
}
END_TEST

START_TEST(status_before_facts_is_readable)
{
	struct paper paper = paper_open();
	json_t *value = status("ctl/status-unknown.json");

	show_status(&paper, value);
	paper_close(&paper, "ctl/status-unknown.txt");
	json_decref(value);
}
END_TEST

START_TEST(an_instance_is_explained_in_words)
{
	struct paper paper = paper_open();
	json_t *value = status("ctl/status.json"), *instances = json_object_get(value, "vrrp");

	show_instance(&paper, json_array_get(instances, 0));
	fputs("----\n", paper.out);
	show_instance(&paper, json_array_get(instances, 1));
	paper_close(&paper, "ctl/vrrp-one.txt");
	json_decref(value);
}
END_TEST

/* What to change in the golden instance, and for whom it is. */
static const struct {
	const char *about, *change;
} stories[] = {
	{"backup, by its trackers",
	 "{'state':'BACKUP','reason_code':'higher','reason':'192.168.8.11 advertises 130 > 120',"
	 "'master_address':'192.168.8.11','master_priority':130,'competing_master':false}"},
	{"backup, of right",
	 "{'state':'BACKUP','reason_code':'higher','reason':'192.168.8.11 advertises 200 > 120',"
	 "'master_address':'192.168.8.11','master_priority':200,'competing_master':false,"
	 "'trackers':[],'base_priority':120,'configured_priority':120,'lateness_ms':{}}"},
	{"preempt is off",
	 "{'state':'BACKUP','reason_code':'no_preempt','reason':'192.168.8.11 advertises 100 < 120, "
	 "preempt is off','master_address':'192.168.8.11','master_priority':100,'preempt':false,"
	 "'competing_master':false,'trackers':[],'base_priority':120,'configured_priority':120}"},
	{"standing down",
	 "{'state':'BACKUP','reason_code':'standing_down','reason':'released by the operator; "
	 "192.168.8.11 advertises 100','master_address':'192.168.8.11','master_priority':100,"
	 "'competing_master':false,'trackers':[],'base_priority':120,'configured_priority':120}"},
	{"a lone master with drops",
	 "{'reason':'no master heard for 3.6s','no_peer_heard':true,'competing_master':false,"
	 "'dropped':{'auth':12,'queue':1},'dropped_from':{'auth':'192.168.8.12','queue':null},"
	 "'dropped_at':{'auth':'2026-01-02T03:28:45.000Z','queue':'2026-01-02T03:28:45.000Z'},"
	 "'sync_group':null}"},
	{"contested, clamped",
	 "{'repairs':7,'contested':true,'repair':'192.168.8.200/24 on eth0 was removed by somebody "
	 "else','priority':1,'base_priority':20,'configured_priority':20,'competing_master':false}"},
	{"one fault, which is the reason",
	 "{'state':'FAULT','reason_code':'fault','reason':'eth0 has no carrier',"
	 "'faults':['eth0 has no carrier'],'competing_master':false,'master_address':null,"
	 "'missing':null}"},
	{"the operator's priority",
	 "{'priority':70,'base_priority':100,'configured_priority':150,'competing_master':false}"},
	{"an owner",
	 "{'priority':255,'base_priority':255,'configured_priority':255,'competing_master':false}"},
};

START_TEST(every_story_of_an_instance_is_told)
{
	struct paper paper = paper_open();
	json_t *value = status("ctl/status.json"), *instances = json_object_get(value, "vrrp");

	for (size_t i = 0; i < COUNT_OF(stories); i++) {
		json_t *one = json_deep_copy(json_array_get(instances, 0)), *change;
		char change_text[1024];

		snprintf(change_text, sizeof(change_text), "%s", stories[i].change);
		for (char *at = change_text; *at; at++)
			*at = *at == '\'' ? '"' : *at;
		change = json_loads(change_text, 0, NULL);
		ck_assert_msg(change != NULL, "%s", stories[i].about);
		json_object_del(one, "cause"); /* that of another story */
		json_object_update(one, change);
		fprintf(paper.out, "---- %s\n", stories[i].about);
		show_instance(&paper, one);
		json_decref(change);
		json_decref(one);
	}
	paper_close(&paper, "ctl/vrrp-stories.txt");
	json_decref(value);
}
END_TEST

static const struct {
	const char *event, *line;
} events[] = {
	{"{'seq':9,'time':'2026-01-02T03:28:20.123Z','event':'vrrp_state','object':'public','old':"
	 "'BACKUP','new':'MASTER','reason':'no advert from 192.0.2.2 for 3.6s','missed':0}",
	 "2026-01-02 03:28:20 UTC vrrp_state public: BACKUP → MASTER: no advert from 192.0.2.2 for "
	 "3.6s\n"},
	{"{'time':'2026-01-02T03:28:20.123Z','event':'competing_master','object':'public','old':"
	 "null,'new':'192.0.2.3','reason':'it advertises 90'}",
	 "2026-01-02 03:28:20 UTC competing_master public: 192.0.2.3: it advertises 90\n"},
	{"{'time':'2026-01-02T03:28:20.123Z','event':'competing_master','object':'public','old':"
	 "'192.0.2.3','new':null,'reason':''}",
	 "2026-01-02 03:28:20 UTC competing_master public: no longer 192.0.2.3\n"},
	{"{'time':'2026-01-02T03:28:20.123Z','event':'missed','object':'events','old':null,'new':"
	 "null,'reason':'older events are no longer kept','missed':60}",
	 "2026-01-02 03:28:20 UTC missed events: older events are no longer kept (60 missed)\n"},
	{"{'time':'2026-01-02T03:28:20.123Z','event':'tracker_state','object':'public/eth1','old':"
	 "'down','new':'up','reason':'up'}",
	 "2026-01-02 03:28:20 UTC tracker_state public/eth1: down → up\n"},
	{"{'event':'\\u001b[2J','object':7}", "- ?[2J \n"},
};

START_TEST(an_event_is_one_line)
{
	struct paper paper = paper_open();
	char json[1024];
	json_t *list;

	snprintf(json, sizeof(json), "[%s]", events[_i].event);
	for (char *at = json; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	list = json_loads(json, 0, NULL);
	ck_assert_msg(list != NULL, "%s", json);
	show_events(&paper, list, false);
	fclose(paper.out);
	ck_assert_str_eq(text, events[_i].line);
	free(text);
	json_decref(list);
}
END_TEST

START_TEST(every_reason_to_drop_has_words)
{
	json_t *value = status("ctl/status.json");
	const json_t *counts = json_object_get(
		json_array_get(json_object_get(value, "vrrp"), 0), "dropped");
	const char *reason;
	json_t *count;

	json_object_foreach ((json_t *)(uintptr_t)counts, reason, count)
		ck_assert_msg(drop_words(reason)->what != reason, "%s", reason);
	ck_assert_str_eq(drop_words("of the future")->what, "of the future");
	json_decref(value);
}
END_TEST

START_TEST(a_service_is_shown_with_every_probe)
{
	struct paper paper = paper_open();
	json_t *value = status("ctl/status.json"), *services = json_object_get(value, "services");

	show_service(&paper, json_array_get(services, 0));
	fputs("----\n", paper.out);
	show_service(&paper, json_array_get(services, 1));
	paper_close(&paper, "ctl/services-one.txt");
	json_decref(value);
}
END_TEST

START_TEST(a_sorry_server_a_ramp_and_what_is_not_in_the_kernel_are_shown)
{
	struct paper paper = paper_open();
	json_t *value = status("ctl/status.json");
	json_t *service = json_array_get(json_object_get(value, "services"), 0);
	json_t *servers = json_object_get(service, "real_servers");
	json_t *list = json_array();

	json_object_set_new(service, "state", json_string("sorry"));
	json_object_set_new(service, "programmed", json_false());
	json_object_set_new(service, "weight_factor", json_integer(100));
	json_object_set_new(service, "sorry_server",
			    json_deep_copy(json_array_get(servers, 2)));
	json_object_set_new(json_object_get(service, "sorry_server"), "effective_weight",
			    json_integer(100));
	json_object_set_new(json_array_get(servers, 1), "effective_weight", json_integer(35));
	json_array_append(list, service);
	show_services(&paper, list, 0);
	paper_close(&paper, "ctl/services-policy.txt");
	json_decref(list);
	json_decref(value);
}
END_TEST

START_TEST(overrides_and_what_came_of_an_order_are_shown)
{
	struct paper paper = paper_open();
	json_t *value = status("ctl/status.json"),
	       *objects = json_loads("[{\"name\":\"public\",\"done\":true,\"text\":\"released, 192.168.8.11 has "
				     "taken over with 100\"},{\"name\":\"inside\",\"done\":false,\"text\":\"nobody "
				     "took over, still MASTER\"}]",
				     0, NULL);

	show_overrides(&paper, json_object_get(value, "overrides"), 0);
	fputs("----\n", paper.out);
	show_objects(&paper, objects);
	paper_close(&paper, "ctl/outcome.txt");
	json_decref(objects);
	json_decref(value);
}
END_TEST

START_TEST(colours_only_when_asked_for)
{
	struct paper paper = paper_open();
	json_t *value = status("ctl/status.json");

	show_status(&paper, value);
	fclose(paper.out);
	ck_assert_ptr_null(strchr(text, '\033'));
	free(text);
	paper = paper_open();
	paper.colour = true;
	show_status(&paper, value);
	fclose(paper.out);
	ck_assert_ptr_nonnull(strstr(text, "\033[32mMASTER\033[0m"));
	ck_assert_ptr_nonnull(strstr(text, "\033[1;31mFAULT\033[0m"));
	free(text);
	json_decref(value);
}
END_TEST

START_TEST(a_file_is_no_terminal)
{
	FILE *file = tmpfile();

	setenv("TERM", "xterm", 1);
	ck_assert(!paper_of(file, PAPER_AUTO).colour);
	fclose(file);
}
END_TEST

/* ---- problems --------------------------------------------------------------------- */

static const char healthy[] =
	"{\"time\":\"2026-01-02T03:01:00.000Z\",\"ready\":true,\"maintenance\":false,\"workers\":[{\"name\":\"vrrp\",\"state\":"
	"\"running\"},"
	"{\"name\":\"compiler\",\"state\":\"stopped\"}],\"reload\":{\"result\":\"applied\","
	"\"errors\":[]},"
	"\"vrrp\":[{\"name\":\"a\",\"state\":\"MASTER\"},{\"name\":\"b\",\"state\":\"BACKUP\"}],"
	"\"services\":[{\"name\":\"s\",\"state\":\"up\"}],\"ipvs\":{\"available\":true,\"error\":"
	"null},\"notify\":{\"started\":9,\"failed\":2,\"failure\":{\"time\":\"2026-01-02T02:50:00.000Z\",\"text\":"
	"\"/x ended with 1\"}}}";

/* One change to the healthy status and the word that the problem must have. */
static const struct {
	const char *from, *to, *says;
} changes[] = {
	{"\"ready\":true", "\"ready\":false", "not ready"},
	{"T02:50", "T02:52", "a notify script failed, 2 of 9 so far: /x ended with 1"},
	{"\"maintenance\":false", "\"maintenance\":true", "maintenance"},
	{"\"running\"", "\"backoff\"", "the vrrp worker does not run: backoff"},
	{"\"applied\",\"errors\":[]", "\"refused\",\"errors\":[\"x.conf:1: no\"]",
	 "refused: x.conf:1: no"},
	{"\"applied\",\"errors\":[]",
	 "\"refused\",\"errors\":[\"x.conf:1:2: warning: w\",\"0 errors, 1 warning\",\"kernel: no\"]",
	 "refused: kernel: no"},
	{"\"applied\",\"errors\":[]",
	 "\"refused\",\"errors\":[\"x:1:2: warning: w\",\"x:2:1: error: e\",\"1 error, 2 warnings\"]",
	 "refused: x:2:1: error: e"},
	{"\"MASTER\"", "\"FAULT\",\"reason\":\"eth0 is down\"", "a is in FAULT: eth0 is down"},
	{"\"BACKUP\"", "\"INIT\"", "b is in INIT"},
	{"\"MASTER\"",
	 "\"MASTER\",\"competing_master\":true,\"competitor_address\":\"192.0.2.9\",\"competitor_"
	 "priority\":90",
	 "a has a competing master: 192.0.2.9 advertises 90"},
	{"\"MASTER\"", "\"MASTER\",\"contested\":true,\"repair\":\"x was removed\"",
	 "a repairs in vain: x was removed"},
	{"\"MASTER\"", "\"MASTER\",\"missing\":\"192.0.2.1/32 on eth9: no such interface\"",
	 "a has not in place: 192.0.2.1/32 on eth9: no such interface"},
	{"\"MASTER\"",
	 "\"MASTER\",\"trackers\":[{\"name\":\"gw\",\"state\":\"down\",\"weight\":-30,\"effect\":"
	 "-30,\"reason\":\"refused\"}]",
	 "a: gw is down (-30): refused"},
	{"\"MASTER\"",
	 "\"MASTER\",\"dropped\":{\"auth\":12,\"ttl\":3},\"dropped_from\":{\"auth\":\"192.0.2.9\"},"
	 "\"dropped_at\":{\"auth\":\"2026-01-02T03:00:30.000Z\",\"ttl\":\"2026-01-02T02:00:00.000Z\"}",
	 "a drops adverts from 192.0.2.9: wrong password (12 so far)"},
	{"\"up\"", "\"degraded\",\"reason\":\"r down\"", "service s is degraded: r down"},
	{"\"up\"", "\"down\"", "service s is down"},
	{"\"available\":true", "\"available\":false", "no IPVS"},
	{"\"error\":null", "\"error\":\"EINVAL\"", "the kernel refuses: EINVAL"},
};

static void keep(void *ctx, const struct problem *problem)
{
	strcpy(ctx, problem->text);
}

START_TEST(a_healthy_status_has_no_problem)
{
	json_t *value = json_loads(healthy, 0, NULL);

	ck_assert_ptr_nonnull(value);
	ck_assert_uint_eq(problems_find(value, NULL, NULL), 0);
	json_decref(value);
}
END_TEST

START_TEST(every_kind_of_problem_is_found)
{
	const char *at = strstr(healthy, changes[_i].from);
	char changed[2048], problem[PROBLEM_TEXT] = "";
	json_t *value;

	ck_assert_ptr_nonnull(at);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - healthy), healthy, changes[_i].to,
		 at + strlen(changes[_i].from));
	value = json_loads(changed, 0, NULL);
	ck_assert_msg(value != NULL, "%s", changed);
	ck_assert_uint_eq(problems_find(value, keep, problem), 1);
	ck_assert_msg(strstr(problem, changes[_i].says) != NULL, "%s", problem);
	json_decref(value);
}
END_TEST

/* Forty services, each without a server that has one address in all of them, one of them without another, too. */
static json_t *forty_services(void)
{
	json_t *services = json_array();

	for (int i = 0; i < 40; i++) {
		json_t *cause = json_pack(
			"[{s:s, s:s+, s:s, s:s, s:s, s:s, s:i}, {s:s, s:s+, s:s, s:s, s:n}]", "kind",
			"server", "object", "s/", i == 20 ? "b" : "a", "state", "down", "since",
			"2026-01-02T03:00:48.000Z", "reason", "connect: refused", "address",
			i == 20 ? "192.0.2.21" : "192.0.2.20", "leads_to", 1, "kind", "service",
			"object", i == 7 ? "shop" : "web", "", "state", i == 7 ? "down" : "degraded",
			"reason", i == 7 ? "quorum 0 of 1" : "1 of 2 servers up, quorum met", "leads_to");

		ck_assert_ptr_nonnull(cause);
		json_array_append_new(services, json_pack("{s:s, s:s, s:o}", "name", "web", "state",
							  i == 7 ? "down" : "degraded", "cause", cause));
	}
	return services;
}

struct kept {
	struct problem problems[4];
	size_t count;
};

static void keep_all(void *ctx, const struct problem *problem)
{
	struct kept *kept = ctx;

	ck_assert_uint_lt(kept->count, COUNT_OF(kept->problems));
	kept->problems[kept->count++] = *problem;
}

START_TEST(many_effects_of_one_cause_are_one_problem)
{
	json_t *value = json_loads(healthy, 0, NULL);
	struct kept kept = {.count = 0};

	json_object_set_new(value, "services", forty_services());
	ck_assert_uint_eq(problems_find(value, keep_all, &kept), 2);
	ck_assert_str_eq(kept.problems[0].text, "a (192.0.2.20) is down for 12s: connect: refused");
	ck_assert_str_eq(kept.problems[0].effect,
			 "service shop is down: quorum 0 of 1; service web is degraded: 1 of 2 servers up, quorum met; "
			 "service web is degraded: 1 of 2 servers up, quorum met; and 36 more services");
	ck_assert_str_eq(kept.problems[0].advice, "lbhactl check s a");
	ck_assert_str_eq(kept.problems[1].text, "b (192.0.2.21) is down for 12s: connect: refused");
	json_decref(value);
}
END_TEST

START_TEST(what_is_past_or_as_it_must_be_is_no_problem)
{
	static const char *const fine[] = {
		"\"dropped\":{\"auth\":12},\"dropped_at\":{\"auth\":\"2026-01-02T02:59:00.000Z\"}",
		("\"dropped\":{\"virtual_router_id\":12},\"dropped_at\":{\"virtual_router_id\":"
		 "\"2026-01-02T03:00:59.000Z\"}"),
		"\"no_peer_heard\":true",
		"\"trackers\":[{\"state\":\"unknown\",\"weight\":-30},{\"state\":\"up\",\"weight\":9}]",
	};

	for (size_t i = 0; i < COUNT_OF(fine); i++) {
		const char *at = strstr(healthy, "\"MASTER\"");
		char changed[2048];
		json_t *value;

		snprintf(changed, sizeof(changed), "%.*s\"MASTER\",%s%s", (int)(at - healthy),
			 healthy, fine[i], at + strlen("\"MASTER\""));
		value = json_loads(changed, 0, NULL);
		ck_assert_msg(value != NULL, "%s", changed);
		ck_assert_uint_eq(problems_find(value, NULL, NULL), 0);
		json_decref(value);
	}
}
END_TEST

START_TEST(no_ipvs_is_no_problem_without_services)
{
	json_t *value = json_loads(
		"{\"ready\":true,\"services\":[],\"ipvs\":{\"available\":false}}", 0, NULL);

	ck_assert_uint_eq(problems_find(value, NULL, NULL), 0);
	json_decref(value);
}
END_TEST

START_TEST(a_status_of_nonsense_does_no_harm)
{
	static const char *const nonsense[] = {
		"{}", "[]", "7", "{\"vrrp\":7,\"services\":{\"a\":[]},\"workers\":\"x\"}",
		"{\"vrrp\":[7,[],{}],\"services\":[null,{\"real_servers\":[7,{}]}]}"};

	for (size_t i = 0; i < COUNT_OF(nonsense); i++) {
		struct paper paper = paper_open();
		json_t *value = json_loads(nonsense[i], JSON_DECODE_ANY, NULL);

		ck_assert_ptr_nonnull(value);
		paper_clean(value);
		show_status(&paper, value);
		show_instance(&paper, json_array_get(json_object_get(value, "vrrp"), 1));
		show_service(&paper, json_array_get(json_object_get(value, "services"), 1));
		fclose(paper.out);
		ck_assert_uint_gt(size, 0);
		free(text);
		json_decref(value);
	}
}
END_TEST

/* ---- paper and grid --------------------------------------------------------------- */

START_TEST(ages_are_told_in_two_parts)
{
	struct paper paper = {.now = NOW};
	char out[PAPER_TEXT];
	json_t *time = json_string("2026-01-02T03:16:52.000Z"), *bad = json_string("yesterday");

	ck_assert_str_eq(paper_ago(&paper, time, out), "12m3s");
	ck_assert_str_eq(paper_time(time, out), "2026-01-02 03:16:52 UTC");
	ck_assert_str_eq(paper_ago(&paper, bad, out), "-");
	ck_assert_str_eq(paper_ago(&paper, NULL, out), "-");
	json_decref(time);
	json_decref(bad);
}
END_TEST

START_TEST(a_time_in_the_future_is_now)
{
	struct paper paper = {.now = NOW};
	char out[PAPER_TEXT];
	json_t *time = json_string("2026-01-02T03:29:00.000Z");

	ck_assert_str_eq(paper_ago(&paper, time, out), "0s");
	json_decref(time);
}
END_TEST

START_TEST(texts_cannot_steer_a_terminal)
{
	json_t *value = json_pack("{s:s, s:[s]}", "a", "x\033]0;y\a", "b",
				  "\xc2\x9b"
				  "2J\r");

	paper_clean(value);
	ck_assert_str_eq(json_text(value, "a"), "x?]0;y?");
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(value, "b"), 0)), "?2J?");
	json_decref(value);
}
END_TEST

START_TEST(a_grid_folds_between_words_and_never_cuts_one)
{
	static const struct grid_column columns[] = {{.title = "NAME", .folds = true},
						     {.title = "N", .is_number = true},
						     {.title = "REST"}};
	struct grid *grid = grid_new(columns, COUNT_OF(columns));
	struct paper paper = paper_open();

	grid_cell(grid, INK_PLAIN, "short");
	grid_cell(grid, INK_PLAIN, "7");
	grid_cell(grid, INK_PLAIN, "r");
	grid_note(grid, INK_PLAIN,
		  "a note that is so long that it does not fit into one line of eighty columns, "
		  "and goes on below itself");
	grid_cell(grid, INK_PLAIN,
		  "Käse [2001:db8:1111:2222:3333:4444:5555:6666]:8080 and a tail of words");
	grid_cell(grid, INK_PLAIN, "12345");
	grid_cell(grid, INK_PLAIN, "also here");
	grid_print(grid, &paper, 2);
	grid_free(grid);
	paper_close(&paper, "ctl/grid.txt");
}
END_TEST

START_TEST(words_longer_than_a_line_are_broken_at_its_end)
{
	struct paper paper = paper_open();
	char word[300];

	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	paper_fold(&paper, INK_PLAIN, 0, 4, word);
	paper_fold(&paper, INK_PLAIN, 70, 4, word);
	fclose(paper.out);
	/* 80 and 76, 76, 67 columns behind 4; then 76, 76, 76, 71 behind a line's end and 4 */
	ck_assert_uint_eq(size, 2 * (sizeof(word) - 1) + 3 * 5 + 1 + 4 * 5 + 1);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		ck_assert_uint_le(strlen(line), PAPER_WIDTH);
	free(text);
}
END_TEST

static TCase *events_case(void)
{
	TCase *tcase = tcase_create("events");

	tcase_add_loop_test(tcase, an_event_is_one_line, 0, (int)COUNT_OF(events));
	return tcase;
}

static TCase *problems_case(void)
{
	TCase *tcase = CASE("problems", a_healthy_status_has_no_problem,
			    many_effects_of_one_cause_are_one_problem,
			    what_is_past_or_as_it_must_be_is_no_problem,
			    no_ipvs_is_no_problem_without_services,
			    a_status_of_nonsense_does_no_harm);

	tcase_add_loop_test(tcase, every_kind_of_problem_is_found, 0, (int)COUNT_OF(changes));
	return tcase;
}

int main(void)
{
	return SUITE_RUN(
		"ctl-show",
		CASE("show", status_tells_what_is_wrong_first, status_before_facts_is_readable,
		     an_instance_is_explained_in_words, every_story_of_an_instance_is_told,
		     every_reason_to_drop_has_words, a_service_is_shown_with_every_probe,
		     overrides_and_what_came_of_an_order_are_shown,
		     a_sorry_server_a_ramp_and_what_is_not_in_the_kernel_are_shown,
		     colours_only_when_asked_for, a_file_is_no_terminal),
		events_case(), problems_case(),
		CASE("paper", ages_are_told_in_two_parts, a_time_in_the_future_is_now,
		     texts_cannot_steer_a_terminal, a_grid_folds_between_words_and_never_cuts_one,
		     words_longer_than_a_line_are_broken_at_its_end));
}
