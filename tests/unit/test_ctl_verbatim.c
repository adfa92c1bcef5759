/* JSON that is shown as it came must look as jansson would show it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/verbatim.h"
#include "suite.h"

static unsigned long long state;

static unsigned below(unsigned limit)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)((state >> 33) % limit);
}

static const char *const texts[] = {"",      "plain", "\"quoted\"", "back\\slash\\", "[{]},:",
				    "dünn",  "a\tb",  "real_servers", "\\\"",        "{\"x\":[1]}"};

static json_t *random_json(unsigned depth)
{
	json_t *value;

	switch (below(depth ? 8 : 5)) {
	case 0:
		return json_string(texts[below(10)]);
	case 1:
		return json_integer((json_int_t)below(1000) - 500);
	case 2:
		return json_real(below(1000) / 8.0);
	case 3:
		return json_null();
	case 4:
		return json_boolean(below(2));
	case 5:
		value = json_array();
		for (unsigned i = below(4); i; i--)
			json_array_append_new(value, random_json(depth - 1));
		return value;
	default:
		value = json_object();
		for (unsigned i = below(5); i; i--)
			json_object_set_new(value, texts[below(10)], random_json(depth - 1));
		return value;
	}
}

static char *printed(const char *json, bool *fine)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	*fine = verbatim_print(json, strlen(json), out);
	fclose(out);
	return text;
}

START_TEST(it_looks_as_if_it_had_been_taken_apart)
{
	for (unsigned round = 0; round < 3000; round++) {
		json_t *value = json_object();
		char *compact, *wanted, *got;
		bool fine;

		json_object_set_new(value, "all", random_json(5));
		compact = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15));
		wanted = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
		got = printed(compact, &fine);
		ck_assert(fine);
		ck_assert_str_eq(got, wanted);
		free(compact);
		free(wanted);
		free(got);
		json_decref(value);
	}
}
END_TEST

START_TEST(what_has_no_end_is_told)
{
	static const char *const broken[] = {"{\"a\":[1,2]", "{\"a\":\"b", "[1]]", "{\"a\":\"b\\\"}", "[[[1]"};

	for (unsigned i = 0; i < 5; i++) {
		bool fine;
		char *text = printed(broken[i], &fine);

		ck_assert_msg(!fine, "%s", broken[i]);
		free(text);
	}
}
END_TEST

/* Only arrays go, and only those under a key of that name, not a text that looks like it. */
static void empty_in(json_t *value)
{
	const char *key;
	json_t *member;
	size_t at;

	json_array_foreach (value, at, member)
		empty_in(member);
	json_object_foreach (value, key, member) {
		if (!strcmp(key, "real_servers") && json_is_array(member))
			json_array_clear(member);
		else
			empty_in(member);
	}
}

START_TEST(arrays_of_one_name_are_left_out)
{
	for (unsigned round = 0; round < 3000; round++) {
		json_t *value = json_object();
		char *compact, *wanted, *got;

		json_object_set_new(value, "real_servers", json_array());
		for (unsigned i = 0; i < 3; i++)
			json_array_append_new(json_object_get(value, "real_servers"),
					      random_json(3));
		json_object_set_new(value, "all", random_json(5));
		compact = json_dumps(value, JSON_COMPACT);
		got = verbatim_without(compact, strlen(compact), "real_servers");
		empty_in(value);
		wanted = json_dumps(value, JSON_COMPACT);
		ck_assert_str_eq(got, wanted);
		free(compact);
		free(wanted);
		free(got);
		json_decref(value);
	}
	ck_assert_ptr_null(verbatim_without("{\"real_servers\":[1", 17, "real_servers"));
}
END_TEST

int main(void)
{
	const char *given = getenv("LBHA_SEED");

	state = given ? strtoull(given, NULL, 10) : (unsigned long long)time(NULL);
	printf("LBHA_SEED=%llu\n", state);
	return SUITE_RUN("verbatim", CASE("json", it_looks_as_if_it_had_been_taken_apart,
					  what_has_no_end_is_told, arrays_of_one_name_are_left_out));
}
