/* check: regular expressions, as checks use them. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "check/match_io.h"
#include "config/model.h"
#include "suite.h"

#define MOST (1u << 20)

static enum match_found found(const char *expression, const void *bytes, size_t size,
			      uint64_t *work)
{
	char why[CONFIG_WHY];
	struct pattern *pattern = pattern_new(expression, why);
	enum match_found result;

	ck_assert_msg(pattern, "%s: %s", expression, why);
	result = pattern_search(pattern, bytes, size, work);
	pattern_free(pattern);
	return result;
}

static enum match_found in(const char *expression, const char *text)
{
	uint64_t work = 0;

	return found(expression, text, strlen(text), &work);
}

START_TEST(an_expression_matches_anywhere_by_bytes)
{
	uint64_t work = 0;

	ck_assert_int_eq(in("^220 .*ready", "220 mail ready\r\n"), MATCH_FOUND);
	ck_assert_int_eq(in("ready$", "220 mail ready\r\n"), MATCH_FOUND);
	ck_assert_int_eq(in("(?i)READY", "220 mail ready\r\n"), MATCH_FOUND);
	ck_assert_int_eq(in("(?m)^250 ok$", "220 x\r\n250 ok\r\n354 y\r\n"), MATCH_FOUND);
	ck_assert_int_eq(in("^ready", "220 mail ready\r\n"), MATCH_NONE);
	ck_assert_int_eq(in("220.mail.250", "220 mail\n250"), MATCH_NONE);
	ck_assert_int_eq(in("(?s)220.mail.250", "220 mail\n250"), MATCH_FOUND);
	ck_assert_int_eq(found("^\\x00\\xff.$", "\0\xff\x80", 3, &work), MATCH_FOUND);
	ck_assert_int_eq(in("x?", ""), MATCH_FOUND);
}
END_TEST

START_TEST(what_is_no_expression_is_said_with_its_place)
{
	char why[CONFIG_WHY];

	ck_assert(!pattern_judge(NULL, "220 (ready", why));
	ck_assert_str_eq(why, "is no regular expression: missing closing parenthesis, behind "
			      "\"220 (ready\"");
	ck_assert(!pattern_judge(NULL, "a[b", why));
	ck_assert(!pattern_judge(NULL, "*a", why));
	ck_assert_str_eq(why, "is no regular expression: quantifier does not follow a repeatable "
			      "item, behind \"\"");
	ck_assert(!pattern_judge(NULL, "(*UTF)a", why));
	ck_assert(!pattern_judge(NULL, "\\C", why));
	ck_assert(pattern_judge(NULL, "a|b", why));
	ck_assert_ptr_null(pattern_new("(", why));
}
END_TEST

/* Text that makes expressions of these kinds run long. */
struct costly {
	const char *expression, *piece;
};

static const struct costly costly[] = {
	{"(a+)+$", "aaaaaaaab"},
	{"(a|aa)+[cd]", "a"},
	{"\\w+\\s", "ab"}, /* one step over all that is there, from each place */
	{"a+[bc]", "a"},
	{"(?i)s.*ok", "the quick brown fox jumps"},
	{"(?:.|\\n)*[!]", "ab"},
	{"(.*)\\1\\1x?[!]", "ab"},
	{"(?<=\\w{5}).*?.*?.*?[!]", "ab"},
	{"((?:a|b)(?1)?)[!]", "ab"},
};

static int64_t processor_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void costs(const struct costly *it, char *bytes, size_t size)
{
	size_t length = strlen(it->piece);
	int64_t begin = processor_time(), most = 4000000 + 200 * (int64_t)size;
	uint64_t work = 0;

	for (size_t i = 0; i < size; i++)
		bytes[i] = it->piece[i % length];
	ck_assert_msg(found(it->expression, bytes, size, &work) != MATCH_FOUND, "%s",
		      it->expression);
	ck_assert_msg(work < 1000000 + 66 * (uint64_t)size + MOST, "%s: %llu units", it->expression,
		      (unsigned long long)work);
	begin = processor_time() - begin;
	ck_assert_msg(begin < 10 * most, "%s: %lld ns of %zu bytes", it->expression,
		      (long long)begin, size);
}

START_TEST(no_expression_costs_more_than_its_share_whatever_the_server_sends)
{
	static char bytes[MOST];

	for (size_t i = 0; i < COUNT_OF(costly); i++) {
		costs(&costly[i], bytes, 1000);
		costs(&costly[i], bytes, 16384);
		costs(&costly[i], bytes, MOST);
	}
}
END_TEST

START_TEST(a_search_that_is_given_up_leaves_nothing_behind)
{
	static char bytes[16384];
	uint64_t work = 0;

	memset(bytes, 'a', sizeof(bytes));
	ck_assert_int_eq(found("(a|aa)+[cd]", bytes, sizeof(bytes), &work), MATCH_LIMIT);
	ck_assert_int_eq(in("(a+)b", "aab"), MATCH_FOUND);
}
END_TEST

START_TEST(plain_expressions_search_a_megabyte)
{
	static const char *const plain[] = {"error|fail", "[Ee]rror [0-9]+", "[[:alpha:]]+ [0-9]+",
					    "(?i)status: *ok", "\\bup\\b", "<title>.*</title>"};
	static char bytes[MOST];
	static const char text[] = "the quick brown fox\njumps over the lazy dog ";

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = text[i % (sizeof(text) - 1)];
	for (size_t i = 0; i < COUNT_OF(plain); i++) {
		uint64_t work = 0;

		ck_assert_msg(found(plain[i], bytes, sizeof(bytes), &work) == MATCH_NONE, "%s: %llu",
			      plain[i], (unsigned long long)work);
	}
}
END_TEST

START_TEST(a_check_has_the_expressions_that_it_names)
{
	struct patterns patterns = {0};

	ck_assert(patterns_make(&(struct check){.type = CHECK_TCP}, &patterns));
	ck_assert_ptr_null(patterns.wanted);
	ck_assert(patterns_make(&(struct check){.type = CHECK_TCP, .expect_regex = "a"}, &patterns));
	ck_assert_ptr_nonnull(patterns.wanted);
	patterns_free(&patterns);
}
END_TEST

int main(void)
{
	return SUITE_RUN("match",
			 CASE("match", an_expression_matches_anywhere_by_bytes,
			      what_is_no_expression_is_said_with_its_place,
			      no_expression_costs_more_than_its_share_whatever_the_server_sends,
			      a_search_that_is_given_up_leaves_nothing_behind,
			      plain_expressions_search_a_megabyte,
			      a_check_has_the_expressions_that_it_names));
}
