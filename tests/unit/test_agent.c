/* What an agent, a file or a script tells beside the verdict: the words, and what stands of them. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "check/agent.h"
#include "check/run.h"
#include "config/model.h"
#include "suite.h"
#include "talks.h"

/* The whole path of bytes that a connection brought before it was closed: "reason: words: what was told". */
static const char *told_by(const char *bytes, size_t size, bool ended, bool numbers)
{
	static char out[256];
	struct text text = text_of(out, sizeof(out));
	char said[OUTCOME_SAID];
	struct agent_reply reply;
	struct outcome outcome;
	const char *line;
	size_t length;

	if (!agent_find(bytes, size, ended, &line, &length))
		return "more";
	reply = agent_read(line, length, numbers);
	outcome = numbers ? agent_outcome_of_file(&reply, said) : agent_outcome(&reply, said);
	text_add(&text, "%s: %s: ", probe_reason_name(outcome.reason), outcome.fault);
	advice_format(&outcome.told, &text);
	return out;
}

static const struct {
	const char *bytes, *result;
} LINES[] = {
	{"75%\n", "passed: 75%: 75%"},
	{"75%\r\n", "passed: 75%: 75%"},
	{"75%\0junk", "passed: 75%: 75%"},
	{"  75% ,\tready \n", "passed: 75% ,?ready: 75%, ready"},
	{"up 0%\n", "passed: up 0%: 0%"},
	{"UP,Drain,MAXCONN:30\n", "passed: UP,Drain,MAXCONN:30: drain, maxconn 30"},
	{"maint # disk is full\n", "passed: maint: disk is full: maint"},
	{"drain maint ready\n", "passed: drain maint ready: ready"},
	{"10% 20%\n", "passed: 10% 20%: 20%"},
	{"99999999999%\n", "passed: 99999999999%: 25600%"},
	{"maxconn:99999999999\n", "passed: maxconn:99999999999: maxconn 4294967295"},
	{"maxconn:0\n", "passed: maxconn:0: maxconn 0"},
	{"down\n", "says_down: down: "},
	{"fail 50%\n", "says_down: fail 50%: 50%"},
	{"failed#\n", "says_down: failed: "},
	{"stopped # by \033[1mme\n", "says_down: stopped: by ?[1mme: "},
	{"down up\n", "passed: down up: "},
	{"up down\n", "says_down: up down: "},
	{"75\n", "protocol: 75 (\"75\" is no word of an agent): "},
	{"75% fast\n", "passed: 75% fast (\"fast\" is no word of an agent): 75%"},
	{"-5%\n", "protocol: -5% (\"-5%\" is no word of an agent): "},
	{"%\n", "protocol: % (\"%\" is no word of an agent): "},
	{"maxconn:\n", "protocol: maxconn: (\"maxconn:\" is no word of an agent): "},
	{"maxconn:x\n", "protocol: maxconn:x (\"maxconn:x\" is no word of an agent): "},
	{"# up\n", "protocol: up: "},
	{"#\n", "protocol: says nothing: "},
	{"HTTP/1.1 200 OK\r\n", "protocol: HTTP/1.1 200 OK (\"HTTP/1.1\" is no word of an agent): "},
	{"\n\r\n 50%\n", "passed: 50%: 50%"},
};

static size_t size_of(const char *bytes)
{
	return strcmp(bytes, "75%") ? strlen(bytes) : sizeof("75%\0junk") - 1;
}

START_TEST(an_agents_line_is_read_as_haproxy_does)
{
	for (size_t i = 0; i < COUNT_OF(LINES); i++)
		ck_assert_str_eq(told_by(LINES[i].bytes, size_of(LINES[i].bytes), false, false),
				 LINES[i].result);
}
END_TEST

/* Until its end has come a line says nothing: "7" may become "75%". */
START_TEST(a_line_is_the_same_wherever_it_is_split)
{
	for (size_t i = 0; i < COUNT_OF(LINES); i++) {
		size_t whole = strcspn(LINES[i].bytes + strspn(LINES[i].bytes, "\r\n "), "\r\n") +
			       strspn(LINES[i].bytes, "\r\n ");

		for (size_t size = 0; size <= whole; size++)
			ck_assert_str_eq(size < whole || size_of(LINES[i].bytes) == whole
						 ? told_by(LINES[i].bytes, size, false, false)
						 : "more",
					 "more");
		for (size_t size = whole + 1; size <= size_of(LINES[i].bytes); size++)
			ck_assert_str_eq(told_by(LINES[i].bytes, size, false, false), LINES[i].result);
	}
}
END_TEST

START_TEST(a_closed_connection_ends_a_line_that_has_begun)
{
	ck_assert_str_eq(told_by("75%", 3, true, false), "passed: 75%: 75%");
	ck_assert_str_eq(told_by("75%", 3, false, false), "more");
	ck_assert_str_eq(told_by("", 0, true, false), "more");
	ck_assert_str_eq(told_by("\r\n \n", 4, true, false), "more");
}
END_TEST

START_TEST(a_talk_with_an_agent_is_its_first_line)
{
	static const struct check check = {.type = CHECK_AGENT};
	char long_line[2 * AGENT_LINE_MAX];
	struct told told;

	for (size_t i = 0; i < COUNT_OF(LINES); i++) {
		told = tell(&agent_dialogue, &check, LINES[i].bytes, size_of(LINES[i].bytes), false);
		ck_assert_int_eq(told.end == TALK_PASSED, !strncmp(LINES[i].result, "passed", 6));
		ck_assert_uint_eq(told.said_size, 0);
		ck_assert_int_eq(strncmp(strchr(LINES[i].result, ' ') + 1, told.fault, strlen(told.fault)), 0);
	}
	told = tell(&agent_dialogue, &check, "50%", 3, true);
	ck_assert_int_eq(told.end, TALK_PASSED);
	told = tell(&agent_dialogue, &check, "\r\n", 2, true);
	ck_assert_int_eq(told.end, TALK_FAILED);
	memset(long_line, ' ', sizeof(long_line));
	memcpy(long_line + AGENT_LINE_MAX - 3, "50%\n", 4);
	told = tell(&agent_dialogue, &check, long_line, sizeof(long_line), true);
	ck_assert_str_eq(told.fault, "no line within 512 bytes");
	memcpy(long_line + AGENT_LINE_MAX - 4, "50%\n", 4);
	told = tell(&agent_dialogue, &check, long_line, sizeof(long_line), true);
	ck_assert_str_eq(told.fault, "50%");
}
END_TEST

START_TEST(a_file_may_tell_its_weight_as_a_number_and_fails_only_when_it_says_down)
{
	static const struct {
		const char *bytes, *result;
	} rows[] = {
		{"30\n", "passed: 30: 30"},
		{"0\n", "passed: 0: 0"},
		{"65535\n", "passed: 65535: 65535"},
		{"99999\n", "passed: 99999: 65535"},
		{"50% 30\n", "passed: 50% 30: 30"},
		{"down\n", "says_down: down: "},
		{"whatever\n", "passed: whatever (\"whatever\" is no word of an agent): "},
		{"drain\n", "passed: drain: drain"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ck_assert_str_eq(told_by(rows[i].bytes, strlen(rows[i].bytes), true, true),
				 rows[i].result);
}
END_TEST

START_TEST(a_scripts_status_is_a_weight_only_where_that_is_asked)
{
	static const struct {
		uint32_t status;
		bool is_asked;
		enum probe_reason reason;
		const char *words, *told;
	} rows[] = {
		{0, true, REASON_PASSED, "exit 0", ""},
		{1, true, REASON_EXIT, "exit 1", ""},
		{2, true, REASON_PASSED, "exit 2 (weight 0)", "0"},
		{52, true, REASON_PASSED, "exit 52 (weight 50)", "50"},
		{255, true, REASON_PASSED, "exit 255 (weight 253)", "253"},
		{256, true, REASON_EXIT, "exit 256", ""},
		{52, false, REASON_EXIT, "exit 52", ""},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct check check = {.type = CHECK_SCRIPT, .weight_from_exit = rows[i].is_asked};
		struct run_answer answer = {.run = 1, .end = RUN_EXITED, .number = rows[i].status};
		char said[OUTCOME_SAID], told[64] = "";
		struct text text = text_of(told, sizeof(told));
		struct run_tail tail = {0};
		struct outcome outcome = run_outcome(&answer, &tail, &check, said);

		advice_format(&outcome.told, &text);
		ck_assert_int_eq(outcome.reason, rows[i].reason);
		ck_assert_str_eq(said, rows[i].words);
		ck_assert_str_eq(told, rows[i].told);
	}
}
END_TEST

/* ---- what stands ---------------------------------------------------------------------------- */

static struct advice of_line(const char *line)
{
	return agent_read(line, strlen(line), true).told;
}

/* Lines of one agent in turn, "/" between them. */
static const char *stands_after(const char *lines)
{
	static char out[64];
	struct text text = text_of(out, sizeof(out));
	struct advice told = {0};

	while (*lines) {
		size_t length = strcspn(lines, "/");
		struct advice news = agent_read(lines, length, true).told;

		advice_take(&told, &news);
		lines += length + (lines[length] == '/');
	}
	advice_format(&told, &text);
	if (told.status == ADVICE_DOWN)
		text_add(&text, " down");
	return out;
}

START_TEST(what_a_reply_says_nothing_of_stands_as_it_was)
{
	ck_assert_str_eq(stands_after("75%/drain/maxconn:3"), "75%, drain, maxconn 3");
	ck_assert_str_eq(stands_after("75%/30"), "30");
	ck_assert_str_eq(stands_after("30/75%"), "75%");
	ck_assert_str_eq(stands_after("maint/50%"), "50%, maint");
	ck_assert_str_eq(stands_after("maint/ready"), "ready");
	ck_assert_str_eq(stands_after("down/50%"), "50% down");
	ck_assert_str_eq(stands_after("down/50%/up"), "50%");
	ck_assert_str_eq(stands_after("maxconn:5/maxconn:0"), "maxconn 0");
}
END_TEST

static const char *joined(const char *a, const char *b)
{
	static char out[64];
	struct text text = text_of(out, sizeof(out));
	struct advice told = {0}, one = of_line(a), two = of_line(b);

	advice_join(&told, &one);
	advice_join(&told, &two);
	advice_format(&told, &text);
	return out;
}

START_TEST(of_several_checks_the_most_careful_word_stands)
{
	static const char *const rows[][3] = {
		{"75%", "50%", "50%"},           {"30", "40", "30"},
		{"30", "10%", "30"},             {"drain", "maint", "maint"},
		{"ready", "drain", "drain"},     {"maxconn:5", "maxconn:9", "maxconn 5"},
		{"maxconn:0", "maxconn:9", "maxconn 9"}, {"maxconn:0", "", "maxconn 0"},
		{"75% maxconn:2", "drain", "75%, drain, maxconn 2"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		ck_assert_str_eq(joined(rows[i][0], rows[i][1]), rows[i][2]);
		ck_assert_str_eq(joined(rows[i][1], rows[i][0]), rows[i][2]);
	}
}
END_TEST

START_TEST(what_was_told_survives_the_way_and_nothing_unsound_does)
{
	static const struct advice unsound[] = {
		{.by = CHECK_TYPES},
		{.parts = ADVICE_PERCENT | ADVICE_WEIGHT},
		{.parts = 8},
		{.parts = ADVICE_WEIGHT, .weight = 65536},
		{.parts = ADVICE_PERCENT, .weight = ADVICE_PERCENT_MAX + 1},
		{.weight = 1},
		{.maxconn = 1},
		{.wish = ADVICE_WISHES},
		{.status = ADVICE_STATUSES},
	};
	struct advice sound = of_line("75% drain maxconn:7 up"), again;
	uint8_t bytes[32];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct reader in;

	advice_put(&out, &sound);
	in = reader_of(bytes, writer_used(&out));
	again = advice_get(&in);
	ck_assert(reader_done(&in) && advice_equal(&again, &sound));
	for (size_t i = 0; i < COUNT_OF(unsound); i++) {
		out = writer_of(bytes, sizeof(bytes));
		advice_put(&out, &unsound[i]);
		in = reader_of(bytes, writer_used(&out));
		again = advice_get(&in);
		ck_assert(!reader_done(&in) && !advice_spoken(&again));
	}
}
END_TEST

int main(void)
{
	return SUITE_RUN("agent",
			 CASE("words", an_agents_line_is_read_as_haproxy_does,
			      a_line_is_the_same_wherever_it_is_split,
			      a_closed_connection_ends_a_line_that_has_begun,
			      a_talk_with_an_agent_is_its_first_line,
			      a_file_may_tell_its_weight_as_a_number_and_fails_only_when_it_says_down,
			      a_scripts_status_is_a_weight_only_where_that_is_asked),
			 CASE("told", what_a_reply_says_nothing_of_stands_as_it_was,
			      of_several_checks_the_most_careful_word_stands,
			      what_was_told_survives_the_way_and_nothing_unsound_does));
}
