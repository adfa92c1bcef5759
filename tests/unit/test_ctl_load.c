/* A file of overrides becomes requests, or is refused as a whole. */
#include <string.h>

#include "base/cleanup.h"
#include "ctl/load.h"
#include "ctl/paper.h"
#include "suite.h"

#define PUBLIC                                                                                     \
	"{\"object\":\"public\",\"kind\":\"priority\",\"value\":\"120\",\"by\":\"ann\","           \
	"\"comment\":\"lb2 is old\","                                                              \
	"\"since\":\"2026-01-01T00:00:00.000Z\",\"until\":null}"
#define WORKS                                                                                      \
	"{\"object\":\"director\",\"kind\":\"maintenance\",\"value\":\"on\",\"by\":\"ann\","       \
	"\"comment\":\"\","                                                                        \
	"\"since\":null,\"until\":\"2026-01-02T03:05:05.678Z\"}"
#define DRAIN                                                                                      \
	"{\"object\":\"web/a\",\"kind\":\"state\",\"value\":\"drained\",\"configured\":true,"       \
	"\"configured_value\":\"enabled\",\"deadline\":\"2026-01-02T03:04:05.678Z\"}"

static json_t *load(const char *text)
{
	char error[LOAD_ERROR] = "";
	json_t *request = load_request(text, strlen(text), error);

	ck_assert_msg(request != NULL, "%s", error);
	ck_assert_str_eq(json_text(request, "request"), "load");
	return request;
}

static const json_t *entry(const json_t *request, size_t at)
{
	return json_array_get(json_object_get(request, "overrides"), at);
}

static void are_both(json_t *request)
{
	const json_t *first = entry(request, 0), *second = entry(request, 1);

	ck_assert_uint_eq(json_array_size(json_object_get(request, "overrides")), 2);
	ck_assert_str_eq(json_text(first, "kind"), "priority");
	ck_assert_str_eq(json_text(first, "object"), "public");
	ck_assert_str_eq(json_text(first, "value"), "120");
	ck_assert_str_eq(json_text(first, "comment"), "lb2 is old");
	ck_assert(json_is_null(json_object_get(first, "until")));
	ck_assert_ptr_null(json_object_get(first, "by"));
	ck_assert_ptr_null(json_object_get(first, "since"));
	ck_assert_str_eq(json_text(second, "kind"), "maintenance");
	ck_assert_str_eq(json_text(second, "value"), "on");
	ck_assert_str_eq(json_text(second, "until"), "2026-01-02T03:05:05.678Z");
	json_decref(request);
}

START_TEST(all_three_shapes_mean_the_same)
{
	are_both(load("[" PUBLIC "," WORKS "]"));
	are_both(load("{\"node\":\"lb1\",\"overrides\":[" PUBLIC "," WORKS "]}\n"));
	are_both(load("{\"lbha_overrides\":1}\n" PUBLIC "\n" WORKS "\n"));
}
END_TEST

START_TEST(what_is_said_of_a_server_goes_with_its_deadline)
{
	json_t *request = load("[" DRAIN "]");

	ck_assert_str_eq(json_text(entry(request, 0), "object"), "web/a");
	ck_assert_str_eq(json_text(entry(request, 0), "deadline"), "2026-01-02T03:04:05.678Z");
	ck_assert_ptr_null(json_object_get(entry(request, 0), "configured"));
	json_decref(request);
	request = load("");
	ck_assert_uint_eq(json_array_size(json_object_get(request, "overrides")), 0);
	json_decref(request);
}
END_TEST

static const struct {
	const char *text, *error;
} wrong[] = {
	{"nonsense", "no JSON: "},
	{PUBLIC " {", "override 1: no JSON: "},
	{"[7]", "override 1: it is no JSON object"},
	{"[" PUBLIC ",{\"kind\":\"colour\"}]", "override 2: \"colour\" is no kind of override"},
	{"[" PUBLIC ",{\"kind\":\"weight\",\"object\":\"web/a\",\"value\":\"70000\"}]",
	 "override 2: a weight is a number from 0"},
	{"[{\"kind\":\"priority\",\"object\":\"public\",\"value\":\"300\"}]",
	 "override 1: a priority is a number from 1"},
	{"[{\"kind\":\"priority\",\"value\":\"100\"}]", "override 1: no object is named"},
	{"[{\"kind\":\"priority\",\"object\":\"a\",\"value\":\"1\",\"until\":\"soon\"}]",
	 "override 1: \"until\" or \"deadline\" is no time"},
	{"[{\"kind\":\"\\u001b[2J\"}]", "override 1: \"?[2J\" is no kind of override"},
	{"[{\"kind\":\"priority\",\"object\":\"a\",\"value\":"
	 "\"1111111111111111111111111111111111\"}]",
	 "override 1: a text is too long"},
};

START_TEST(one_wrong_override_refuses_the_file)
{
	char error[LOAD_ERROR] = "";

	ck_assert_ptr_null(load_request(wrong[_i].text, strlen(wrong[_i].text), error));
	ck_assert_msg(!strncmp(error, wrong[_i].error, strlen(wrong[_i].error)), "%s", error);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_said_by_name)
{
	char error[LOAD_ERROR] = "";

	ck_assert_ptr_null(load_file("/no/such/file", error));
	ck_assert_str_eq(error, "cannot read /no/such/file: No such file or directory");
	ck_assert_ptr_null(load_file("/dev/zero", error));
	ck_assert_str_eq(error, "cannot read /dev/zero: it is too large, or no file");
}
END_TEST

int main(void)
{
	TCase *tcase = CASE("load", all_three_shapes_mean_the_same, what_is_said_of_a_server_goes_with_its_deadline,
			    a_file_that_cannot_be_read_is_said_by_name);

	tcase_add_loop_test(tcase, one_wrong_override_refuses_the_file, 0, COUNT_OF(wrong));
	return SUITE_RUN("ctl load", tcase);
}
