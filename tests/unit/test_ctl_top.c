/* What `lbhactl top` prints. */
#include <stdlib.h>
#include <string.h>

#include "ctl/paper.h"
#include "ctl/show_top.h"
#include "golden.h"
#include "suite.h"

static json_t *object(const char *name, int active, int connections, int64_t in, int64_t out)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:i, s:{s:i, s:i}, s:{s:i, s:I, s:I}}", "name", name,
			 "state", "up", "health", "up", "in_table", 1, "effective_weight", 3,
			 "connections", "active", active, "inactive", 10 * active, "stats",
			 "connections", connections, "bytes_in", (json_int_t)in, "bytes_out",
			 (json_int_t)out);
}

static json_t *service(const char *name, int active, int connections, int64_t in, json_t *a,
		       json_t *b)
{
	json_t *one = object(name, active, connections, in, 0);

	json_object_set_new(one, "real_servers",
			    b ? json_pack("[o, o]", a, b) : json_pack("[o]", a));
	return one;
}

/* One of two readings, two seconds apart. */
static json_t *reading(bool later)
{
	int64_t more = later ? 3000000 : 0;
	json_t *mail = service("mail", 7, later ? 14 : 4, 0,
			       object("192.168.8.40", 7, later ? 14 : 4, 0, 0), NULL);
	json_t *web = service("web", 1200, later ? 5000 : 4600, 1000 + 2 * more,
			      object("a", 1150, later ? 4300 : 4100, 1000 + 2 * more, 0),
			      object("a server with a name that is longer than its column", 50,
				     later ? 700 : 500, 0, more / 1000));
	json_t *down = json_array_get(json_object_get(mail, "real_servers"), 0);

	json_object_set_new(down, "health", json_string("down"));
	json_object_set_new(down, "in_table", json_false());
	json_object_set_new(mail, "state", json_string("degraded"));
	return json_pack("{s:s, s:i, s:[o, o]}", "time",
			 later ? "2026-01-02T03:28:55.000Z" : "2026-01-02T03:28:53.000Z",
			 "monotonic_ms", later ? 12000 : 10000, "services", mail, web);
}

static char *print(const struct top_view *view, bool has_before)
{
	json_t *now = reading(true), *before = has_before ? reading(false) : NULL;
	struct paper paper = {0};
	char *text;
	size_t size;

	paper.out = open_memstream(&text, &size);
	show_top(&paper, now, before, view);
	fclose(paper.out);
	json_decref(now);
	json_decref(before);
	return text;
}

START_TEST(services_and_their_servers_stand_with_their_rates)
{
	struct top_view view = {.sort = TOP_ACTIVE};
	char *text = print(&view, true);

	golden_compare("ctl/top.txt", text);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		ck_assert_msg(paper_columns(line) <= PAPER_WIDTH, "too long: %s", line);
	free(text);
}
END_TEST

/* The names that lines begin with, in their order. */
static void check_order(const struct top_view *view, const char *expected)
{
	char *text = print(view, true), names[256] = "";

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, "web", 3) || !strncmp(line, "mail", 4) ||
		    !strncmp(line, "  a ", 4) || !strncmp(line, "and", 3))
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%.6s|",
				 line);
	ck_assert_str_eq(names, expected);
	free(text);
}

START_TEST(every_column_can_be_the_order)
{
	check_order(&(struct top_view){.sort = TOP_NAME, .services_only = true}, "mail  |web   |");
	check_order(&(struct top_view){.sort = TOP_RATE, .services_only = true}, "web   |mail  |");
	check_order(&(struct top_view){.sort = TOP_IN}, "web   |  a   |  a se|mail  |");
	check_order(&(struct top_view){.sort = TOP_OUT}, "mail  |web   |  a se|  a   |");
}
END_TEST

START_TEST(what_does_not_fit_is_counted)
{
	check_order(&(struct top_view){.sort = TOP_IN, .services_only = true, .reverse = true}, "mail  |web   |");
	check_order(&(struct top_view){.sort = TOP_ACTIVE, .lines = 5}, "web   |  a   |and 3 |");
}
END_TEST

START_TEST(without_a_reading_before_there_are_no_rates)
{
	struct top_view view = {.sort = TOP_ACTIVE, .services_only = true};
	char *text = print(&view, false), *line = strstr(text, "\nweb ");

	ck_assert_ptr_nonnull(line);
	ck_assert_ptr_nonnull(strstr(line, " 1.2k   12.0k        -        -        -\n"));
	free(text);
}
END_TEST

START_TEST(numbers_are_short)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {{0, "0"},	      {0.4, "0.4"},    {7, "7"},	{9.96, "10"},
		    {12.3, "12"},     {999, "999"},    {999.6, "1.0k"}, {1234, "1.2k"},
		    {99940, "99.9k"}, {340e6, "340M"}, {5e18, "5000P"}, {-1, "-"}};
	char out[TOP_NUMBER];

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ck_assert_str_eq(top_number(rows[i].value, out), rows[i].text);
}
END_TEST

int main(void)
{
	return SUITE_RUN("ctl-top",
			 CASE("top", services_and_their_servers_stand_with_their_rates,
			      every_column_can_be_the_order, what_does_not_fit_is_counted,
			      without_a_reading_before_there_are_no_rates, numbers_are_short));
}
