/* A file of overrides becomes requests, or is refused as a whole. */
#include <string.h>

#include "base/cleanup.h"
#include "ctl/load.h"
#include "ctl/paper.h"
#include "suite.h"

#define NOW (1767323045678 * NSTIME_MS) /* 2026-01-02T03:04:05.678Z */

#define PUBLIC                                                                                     \
	"{\"object\":\"public\",\"kind\":\"priority\",\"value\":\"120\",\"by\":\"ann\","           \
	"\"comment\":\"lb2 is old\","                                                              \
	"\"since\":\"2026-01-01T00:00:00.000Z\",\"until\":null}"
#define WORKS                                                                                      \
	"{\"object\":\"director\",\"kind\":\"maintenance\",\"value\":\"on\",\"by\":\"ann\","       \
	"\"comment\":\"\","                                                                        \
	"\"since\":null,\"until\":\"2026-01-02T03:05:05.678Z\"}"
#define OVER                                                                                       \
	"{\"object\":\"inside\",\"kind\":\"priority\",\"value\":\"90\",\"until\":\"2026-01-02T03:" \
	"04:05.678Z\"}"

static json_t *load(const char *text)
{
	char error[LOAD_ERROR] = "";
	json_t *requests = load_requests(text, strlen(text), NOW, error);

	ck_assert_msg(requests != NULL, "%s", error);
	return requests;
}

static void are_both(json_t *requests)
{
	const json_t *first = json_array_get(requests, 0), *second = json_array_get(requests, 1);

	ck_assert_uint_eq(json_array_size(requests), 2);
	ck_assert_str_eq(json_text(first, "request"), "priority");
	ck_assert_str_eq(json_text(first, "instance"), "public");
	ck_assert_str_eq(json_text(first, "value"), "120");
	ck_assert_str_eq(json_text(first, "comment"), "lb2 is old");
	ck_assert_ptr_null(json_object_get(first, "timeout"));
	ck_assert_ptr_null(json_object_get(first, "by"));
	ck_assert_str_eq(json_text(second, "request"), "maintenance");
	ck_assert_str_eq(json_text(second, "value"), "on");
	ck_assert_ptr_null(json_object_get(second, "instance"));
	ck_assert_double_eq_tol(json_number_value(json_object_get(second, "timeout")), 60, 1e-6);
	json_decref(requests);
}

START_TEST(all_three_shapes_mean_the_same)
{
	are_both(load("[" PUBLIC "," WORKS "]"));
	are_both(load("{\"node\":\"lb1\",\"overrides\":[" PUBLIC "," WORKS "]}\n"));
	are_both(load("{\"lbha_overrides\":1}\n" PUBLIC "\n" WORKS "\n"));
}
END_TEST

START_TEST(what_has_ended_is_left_out)
{
	json_t *requests = load("[" OVER "]");

	ck_assert_uint_eq(json_array_size(requests), 0);
	json_decref(requests);
	requests = load("");
	ck_assert_uint_eq(json_array_size(requests), 0);
	json_decref(requests);
}
END_TEST

static const struct {
	const char *text, *error;
} wrong[] = {
	{"nonsense", "no JSON: "},
	{PUBLIC " {", "override 1: no JSON: "},
	{"[7]", "override 1: it is no JSON object"},
	{"[" PUBLIC ",{\"kind\":\"weight\"}]", "override 2: \"weight\" is no kind of override"},
	{"[{\"kind\":\"priority\",\"object\":\"public\",\"value\":\"300\"}]",
	 "override 1: a priority is a number from 1"},
	{"[{\"kind\":\"priority\",\"value\":\"100\"}]", "override 1: no object is named"},
	{"[{\"kind\":\"priority\",\"object\":\"a\",\"value\":\"1\",\"until\":\"soon\"}]",
	 "override 1: \"until\" is no time"},
	{"[{\"kind\":\"\\u001b[2J\"}]", "override 1: \"?[2J\" is no kind of override"},
	{"[{\"kind\":\"priority\",\"object\":\"a\",\"value\":"
	 "\"1111111111111111111111111111111111\"}]",
	 "override 1: a text is too long"},
};

START_TEST(one_wrong_override_refuses_the_file)
{
	char error[LOAD_ERROR] = "";

	ck_assert_ptr_null(load_requests(wrong[_i].text, strlen(wrong[_i].text), NOW, error));
	ck_assert_msg(!strncmp(error, wrong[_i].error, strlen(wrong[_i].error)), "%s", error);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_said_by_name)
{
	char error[LOAD_ERROR] = "";

	ck_assert_ptr_null(load_file("/no/such/file", NOW, error));
	ck_assert_str_eq(error, "cannot read /no/such/file: No such file or directory");
	ck_assert_ptr_null(load_file("/dev/zero", NOW, error));
	ck_assert_str_eq(error, "cannot read /dev/zero: it is too large, or no file");
}
END_TEST

int main(void)
{
	TCase *tcase = CASE("load", all_three_shapes_mean_the_same, what_has_ended_is_left_out,
			    a_file_that_cannot_be_read_is_said_by_name);

	tcase_add_loop_test(tcase, one_wrong_override_refuses_the_file, 0, COUNT_OF(wrong));
	return SUITE_RUN("ctl load", tcase);
}
