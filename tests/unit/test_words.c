/* What operators say of servers becomes words about objects, or a sentence that
 * says why not. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "daemon/control_mirror.h"
#include "daemon/control_words.h"
#include "suite.h"

#define WALL (1767323045678 * NSTIME_MS) /* 2026-01-02T03:04:05.678Z */

/* ---- two services of one pool, and one with another machine of the same name ----------------- */

static struct endpoint at(const char *text)
{
	struct endpoint endpoint = {0};

	ck_assert_int_eq(endpoint_parse(text, &endpoint), 0);
	return endpoint;
}

static struct real_server pool[3], others[2];
static struct endpoint listen80, listen443, listen5432;
static struct instance instances[2];
static uint32_t members[] = {0, 1};
static struct sync_group group = {.name = "gateway", .instances = members, .instance_count = 2};
static struct service services[3];
static struct model model;
static struct mirror mirror;

static void build(void)
{
	pool[0] = (struct real_server){.name = "a", .address = at("192.0.2.20")};
	pool[1] = (struct real_server){
		.name = "b", .address = at("192.0.2.30:80"), .state = ADMIN_DRAINED};
	pool[2] = (struct real_server){
		.name = "b-two", .address = at("192.0.2.30:81"), .state = ADMIN_DISABLED};
	others[0] = (struct real_server){.name = "a", .address = at("192.0.2.99")};
	others[1] = (struct real_server){.name = "192.0.2.20", .address = at("192.0.2.20")};
	listen80 = at("192.0.2.1:80");
	listen443 = at("192.0.2.1:443");
	listen5432 = at("192.0.2.1:5432");
	services[0] = (struct service){.name = "web",
				       .listen = &listen80,
				       .listen_count = 1,
				       .real_servers = pool,
				       .real_server_count = 3};
	services[1] = (struct service){.name = "tls",
				       .listen = &listen443,
				       .listen_count = 1,
				       .real_servers = pool,
				       .real_server_count = 2};
	services[2] = (struct service){.name = "db",
				       .listen = &listen5432,
				       .listen_count = 1,
				       .real_servers = others,
				       .real_server_count = 2};
	instances[0] = (struct instance){.name = "inside", .priority = 100, .sync_group = 1};
	instances[1] = (struct instance){.name = "public", .priority = 100, .sync_group = 1};
	model = (struct model){.services = services,
			       .service_count = 3,
			       .instances = instances,
			       .instance_count = 2,
			       .sync_groups = &group,
			       .sync_group_count = 1};
	mirror_init(&mirror);
	mirror.model = &model;
}

static void forget(void)
{
	mirror.model = NULL;
	mirror_fini(&mirror);
}

static void is_said_already(enum override_kind kind, const char *object, const char *value)
{
	struct fact_override fact = {.number = 0, .override.kind = kind};

	strcpy(fact.override.object, object);
	strcpy(fact.override.value, value);
	override_mirror_count(&mirror.overrides, 1);
	ck_assert(override_mirror_take(&mirror.overrides, &fact));
}

static struct control_request asking(enum control_kind kind, const char *service,
				     const char *server)
{
	struct control_request request = {.kind = kind, .all = !service};

	if (service)
		strcpy(request.service, service);
	strcpy(request.server, server);
	return request;
}

static struct control_request weighing(const char *server, const char *value)
{
	struct control_request request = asking(CONTROL_WEIGHT, "web", server);

	strcpy(request.value, value);
	return request;
}

/* "+web/a state drained", "-…" when it is taken back, a line each. */
static void becomes(const struct control_request *request, const char *wanted)
{
	char got[2048] = "", error[CONTROL_ERROR];
	struct words words = {0};

	ck_assert_msg(!words_of(&mirror, request, WALL, &words, error), "%s", error);
	for (size_t i = 0; i < words.count; i++) {
		const struct override *one = &words.rows[i].override;

		ck_assert_ptr_null(override_wrong(one));
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%c%s %s%s%s\n",
			 words.rows[i].holds ? '+' : '-', one->object,
			 override_kind_name(one->kind), words.rows[i].holds ? " " : "",
			 words.rows[i].holds ? one->value : "");
	}
	ck_assert_str_eq(got, wanted);
	words_free(&words);
}

static void refused(const struct control_request *request, const char *wanted)
{
	char error[CONTROL_ERROR];
	struct words words = {0};

	ck_assert_int_lt(words_of(&mirror, request, WALL, &words, error), 0);
	ck_assert_str_eq(error, wanted);
	ck_assert_ptr_null(words.rows);
}

/* ---- names ----------------------------------------------------------------------------------- */

START_TEST(a_server_is_found_by_name_or_address)
{
	static const char *const names[] = {"a", "192.0.2.20", "192.0.2.20:80"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct control_request request = asking(CONTROL_DRAIN, "web", names[i]);

		becomes(&request, "+web/a state drained\n");
	}
	struct control_request port = asking(CONTROL_DISABLE, "web", "192.0.2.30:81");
	becomes(&port, "+web/b-two state disabled\n");
	struct control_request weight = weighing("192.0.2.30:80", "7");
	becomes(&weight, "+web/b weight 7\n");
}
END_TEST

START_TEST(one_address_of_two_servers_is_not_enough)
{
	struct control_request request = asking(CONTROL_DRAIN, "web", "192.0.2.30");

	refused(&request, "192.0.2.30 is 2 servers of web: b (192.0.2.30:80), b-two "
			  "(192.0.2.30:81); name one of them");
	request = asking(CONTROL_DRAIN, NULL, "192.0.2.30");
	refused(&request, "192.0.2.30 is 2 servers of web: b (192.0.2.30:80), b-two "
			  "(192.0.2.30:81); name one of them");
}
END_TEST

START_TEST(what_is_not_configured_gets_a_better_name)
{
	struct control_request request = asking(CONTROL_DRAIN, "wbe", "a");

	refused(&request, "no service is called \"wbe\"; did you mean \"web\"?");
	request = asking(CONTROL_DRAIN, "web", "b-tow");
	refused(&request, "no server of web is called \"b-tow\" or has that address; "
			  "did you mean \"b-two\"?");
	request = asking(CONTROL_DRAIN, "tls", "192.0.2.30:443");
	refused(&request, "no server of tls is called \"192.0.2.30:443\" or has that address");
	request = asking(CONTROL_DISABLE, NULL, "192.0.2.21");
	refused(&request, "no server of any service is called \"192.0.2.21\" or has that "
			  "address; did you mean \"192.0.2.20\"?");
	mirror.model = NULL;
	request = asking(CONTROL_DRAIN, "web", "a");
	refused(&request, "no service is called \"web\": this node has none");
}
END_TEST

START_TEST(all_is_every_service_that_has_the_machine)
{
	struct control_request request = asking(CONTROL_DRAIN, NULL, "192.0.2.20");

	becomes(&request, "+web/a state drained\n+tls/a state drained\n"
			  "+db/192.0.2.20 state drained\n");
	request = asking(CONTROL_DRAIN, NULL, "b-two");
	becomes(&request, "+web/b-two state drained\n");
	request = asking(CONTROL_DRAIN, NULL, "a");
	refused(&request, "a is one machine in web and another in db: give its address");
}
END_TEST

/* ---- what it means --------------------------------------------------------------------------- */

START_TEST(to_enable_what_the_file_enables_is_to_take_back)
{
	struct control_request request = asking(CONTROL_ENABLE, "web", "a");

	becomes(&request, "-web/a state\n");
	request.timeout = NSTIME_S;
	refused(&request, "web/a is as lbha.conf has it then: that takes no timeout");
	request = asking(CONTROL_ENABLE, "web", "b");
	becomes(&request, "+web/b state enabled\n");
	request = asking(CONTROL_ENABLE, NULL, "b");
	becomes(&request, "+web/b state enabled\n+tls/b state enabled\n");
}
END_TEST

START_TEST(what_nothing_checks_is_not_enabled)
{
	struct control_request request = asking(CONTROL_ENABLE, "web", "b-two");

	refused(&request, "lbha.conf disables web/b-two, so nothing checks it: enable it there "
			  "and reload");
	is_said_already(OVERRIDE_STATE, "web/b-two", "drained");
	becomes(&request, "-web/b-two state\n");
}
END_TEST

START_TEST(what_was_said_of_a_server_that_is_gone_can_be_taken_back)
{
	struct control_request request = asking(CONTROL_ENABLE, "web", "old");

	refused(&request, "no server of web is called \"old\" or has that address");
	is_said_already(OVERRIDE_STATE, "web/old", "drained");
	becomes(&request, "-web/old state\n");
	request = asking(CONTROL_DRAIN, "web", "old");
	refused(&request, "no server of web is called \"old\" or has that address");
	is_said_already(OVERRIDE_WEIGHT, "gone/old", "3");
	request = weighing("old", "auto");
	strcpy(request.service, "gone");
	becomes(&request, "-gone/old weight\n");
}
END_TEST

START_TEST(a_timeout_bounds_a_drain_and_ends_all_others)
{
	struct control_request drain = asking(CONTROL_DRAIN, "web", "a"),
			       disable = asking(CONTROL_DISABLE, "web", "a");
	char error[CONTROL_ERROR];
	struct words words = {0};

	drain.timeout = disable.timeout = NSTIME_S;
	strcpy(drain.comment, "disk");
	ck_assert_int_eq(words_of(&mirror, &drain, WALL, &words, error), 0);
	ck_assert_int_eq(words.rows[0].override.deadline, WALL + NSTIME_S);
	ck_assert_int_eq(words.rows[0].override.until, 0);
	ck_assert_str_eq(words.rows[0].override.comment, "disk");
	words_free(&words);
	ck_assert_int_eq(words_of(&mirror, &disable, WALL, &words, error), 0);
	ck_assert_int_eq(words.rows[0].override.deadline, 0);
	ck_assert_int_eq(words.rows[0].override.until, WALL + NSTIME_S);
	words_free(&words);
}
END_TEST

/* ---- files ----------------------------------------------------------------------------------- */

#define ONE(object, kind, value) \
	"{\"object\":\"" object "\",\"kind\":\"" kind "\",\"value\":\"" value "\"}"

static struct control_request loading(const char *text)
{
	struct control_request request = {.kind = CONTROL_LOAD,
					  .overrides = json_loads(text, 0, NULL)};

	ck_assert_ptr_nonnull(request.overrides);
	return request;
}

START_TEST(a_file_is_taken_over_with_all_it_says)
{
	struct control_request request = loading(
		"[" ONE("web/a", "state", "drained") "," ONE("web/b", "weight", "9") "," ONE(
			"director", "maintenance",
			"on") "," ONE("public", "priority",
				      "120") ","
					     "{\"object\":\"web/"
					     "a\",\"kind\":\"weight\",\"value\":"
					     "\"1\","
					     "\"until\":\"2026-01-02T03:04:05."
					     "678Z\"}]");

	becomes(&request, "+web/a state drained\n+web/b weight 9\n+director maintenance on\n"
			  "+inside priority 120\n+public priority 120\n");
	control_request_fini(&request);
}
END_TEST

START_TEST(times_of_a_file_are_kept)
{
	struct control_request request =
		loading("[{\"object\":\"web/"
			"a\",\"kind\":\"state\",\"value\":\"drained\",\"by\":\"ann\","
			"\"comment\":\"disk\",\"since\":null,\"until\":\"2026-01-02T04:"
			"00:00.000Z\","
			"\"deadline\":\"2026-01-02T03:05:05.678Z\"}]");
	char error[CONTROL_ERROR];
	struct words words = {0};

	ck_assert_int_eq(words_of(&mirror, &request, WALL, &words, error), 0);
	ck_assert_int_eq(words.rows[0].override.deadline, WALL + 60 * NSTIME_S);
	ck_assert_int_gt(words.rows[0].override.until, WALL);
	ck_assert_str_eq(words.rows[0].override.comment, "disk");
	words_free(&words);
	control_request_fini(&request);
}
END_TEST

static const struct {
	const char *entry, *error;
} wrong[] = {
	{"{}", "it is of no kind that there is"},
	{ONE("web/a", "colour", "red"), "it is of no kind that there is"},
	{"{\"kind\":\"state\",\"value\":\"drained\"}",
	 "its object or value is missing or too long"},
	{ONE("web/a", "state", "gone"), "a state is enabled, drained or disabled"},
	{ONE("web/c", "state", "drained"), "no server of web is called \"c\" or "
					   "has that address; did you mean \"a\"?"},
	{ONE("wbe/a", "weight", "3"), "no service is called \"wbe\"; did you mean \"web\"?"},
	{ONE("publik", "priority", "3"),
	 "no instance is called \"publik\"; did you mean \"public\"?"},
	{"{\"object\":\"web/a\",\"kind\":\"weight\",\"value\":\"1\",\"until\":7}",
	 "\"until\" or \"deadline\" is no time"},
	{"{\"object\":\"web/a\",\"kind\":\"weight\",\"value\":\"1\",\"comment\":7}",
	 "its comment is no text of at most 255 bytes"},
};

START_TEST(one_wrong_entry_refuses_the_file_and_is_named)
{
	char text[512], error[CONTROL_ERROR];
	struct control_request request;

	snprintf(text, sizeof(text), "[" ONE("web/a", "state", "drained") ",%s]", wrong[_i].entry);
	snprintf(error, sizeof(error), "override 2: %s", wrong[_i].error);
	request = loading(text);
	refused(&request, error);
	control_request_fini(&request);
}
END_TEST

int main(void)
{
	TCase *names = CASE("names", a_server_is_found_by_name_or_address,
			    one_address_of_two_servers_is_not_enough,
			    what_is_not_configured_gets_a_better_name,
			    all_is_every_service_that_has_the_machine);
	TCase *meaning = CASE("meaning", to_enable_what_the_file_enables_is_to_take_back,
			      what_nothing_checks_is_not_enabled,
			      what_was_said_of_a_server_that_is_gone_can_be_taken_back,
			      a_timeout_bounds_a_drain_and_ends_all_others);
	TCase *files =
		CASE("files", a_file_is_taken_over_with_all_it_says, times_of_a_file_are_kept);

	tcase_add_loop_test(files, one_wrong_entry_refuses_the_file_and_is_named, 0,
			    COUNT_OF(wrong));
	tcase_add_checked_fixture(names, build, forget);
	tcase_add_checked_fixture(meaning, build, forget);
	tcase_add_checked_fixture(files, build, forget);
	return SUITE_RUN("words", names, meaning, files);
}
