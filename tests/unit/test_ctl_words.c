/* What a usage line says is what is taken and completed (ctl/words.h). */
#include "suite.h"

#include "ctl/words.h"

static void choice_is(const char *words, unsigned place, bool has_all, unsigned at, const char *wanted)
{
	char out[WORDS_ONE] = "";
	bool is = words_choice(words, place, has_all, at, out);

	ck_assert_msg(is == (wanted != NULL), "%s %u %u", words, place, at);
	if (wanted)
		ck_assert_str_eq(out, wanted);
}

START_TEST(words_are_counted_with_what_may_be_left_out)
{
	static const struct {
		const char *words;
		unsigned least, most;
	} rows[] = {
		{"", 0, 0},
		{"[FILE]", 0, 1},
		{"INSTANCE N|auto", 2, 2},
		{"INSTANCE|--all", 0, 1},
		{"SERVICE|--all SERVER", 1, 2},
		{"on|off", 1, 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		ck_assert_uint_eq(words_least(rows[i].words), rows[i].least);
		ck_assert_uint_eq(words_most(rows[i].words), rows[i].most);
	}
}
END_TEST

START_TEST(choices_of_a_place_are_those_of_the_usage)
{
	choice_is("on|off", 0, false, 0, "on");
	choice_is("on|off", 0, false, 1, "off");
	choice_is("on|off", 0, false, 2, NULL);
	choice_is("on|off", 1, false, 0, NULL);
	choice_is("[FILE]", 0, false, 0, "FILE");
	choice_is("INSTANCE N|auto", 1, false, 0, "N");
	choice_is("INSTANCE N|auto", 1, false, 1, "auto");
	choice_is("", 0, false, 0, NULL);
	ck_assert(words_is_kind("FILE") && !words_is_kind("auto"));
}
END_TEST

START_TEST(all_takes_the_place_of_a_word)
{
	choice_is("SERVICE|--all SERVER", 0, false, 0, "SERVICE");
	choice_is("SERVICE|--all SERVER", 0, false, 1, NULL);
	choice_is("SERVICE|--all SERVER", 1, false, 0, "SERVER");
	choice_is("SERVICE|--all SERVER", 0, true, 0, "SERVER");
	choice_is("SERVICE|--all SERVER", 1, true, 0, NULL);
	choice_is("INSTANCE|--all", 0, true, 0, NULL);
}
END_TEST

int main(void)
{
	return SUITE_RUN("words", CASE("words", words_are_counted_with_what_may_be_left_out,
				       choices_of_a_place_are_those_of_the_usage,
				       all_takes_the_place_of_a_word));
}
