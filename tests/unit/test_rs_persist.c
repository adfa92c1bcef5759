/* lbha-rs --persist: the text of its unit, and what it makes of one that is there. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "rs-agent/persist.h"
#include "suite.h"

#define WORDS 16

/* The lines that a command line, given as words between blanks, asks for. */
static struct persist_wish wish_of(struct arena *arena, const char *command, bool filter)
{
	struct persist_wish wish = {.program = "/usr/sbin/lbha-rs", .state_dir = "/var/lib/lbha"};
	char *argv[WORDS + 1] = {NULL}, *text = arena_strdup(arena, command);
	int argc = 0;

	for (char *word = strtok(text, " "); word && argc < WORDS; word = strtok(NULL, " "))
		argv[argc++] = word;
	ck_assert_int_eq(persist_lines(arena, argc, argv, "/root", filter, &wish), 0);
	return wish;
}

static struct persist_plan plan_of(struct arena *arena, struct persist_wish wish, const char *text,
				   bool is_enabled)
{
	struct persist_found found = {text, is_enabled};
	struct persist_plan plan;

	ck_assert_int_eq(persist_plan_build(arena, &wish, &found, &plan), 0);
	return plan;
}

static const char *unit_of(struct arena *arena, const char *command)
{
	struct persist_plan plan = plan_of(arena, wish_of(arena, command, false), NULL, false);

	ck_assert_int_eq(plan.action, PERSIST_WRITE);
	return plan.text;
}

static struct persist_wish removal(struct arena *arena, const char *command)
{
	struct persist_wish wish = wish_of(arena, command, false);

	wish.removing = true;
	return wish;
}

static size_t commands(const char *text)
{
	size_t count = 0;

	while ((text = strstr(text, "\nExecStart="))) {
		text++;
		count++;
	}
	return count;
}

static bool runs(const char *text, const char *words)
{
	char line[512];

	snprintf(line, sizeof(line), "\nExecStart=/usr/sbin/lbha-rs setup --state-dir /var/lib/lbha%s\n",
		 words);
	return strstr(text, line);
}

/* ---- the lines ---- */

START_TEST(unit_repeats_the_very_arguments_with_absolute_names)
{
	auto_arena *arena = arena_new(0);
	const char *text = unit_of(arena, "lbha-rs setup -f my.conf --persist --json --arp filter");

	ck_assert_msg(runs(text, " -f /root/my.conf --arp filter"), "%s", text);
	ck_assert(runs(unit_of(arena, "lbha-rs --persist setup"), ""));
	ck_assert(runs(unit_of(arena, "lbha-rs setup --persist --file=/etc/x.conf --service=web"),
		       " --service web -f /etc/x.conf"));
}
END_TEST

START_TEST(each_vip_has_a_line_with_the_rest_of_the_words)
{
	auto_arena *arena = arena_new(0);
	const char *text = unit_of(arena, "lbha-rs setup --vip 192.0.2.1 --vip=2001:DB8:0::9 "
					  "--forwarding nat --gateway 10.0.0.1 --persist");

	ck_assert_uint_eq(commands(text), 2);
	ck_assert(runs(text, " --vip 192.0.2.1 --forwarding nat --gateway 10.0.0.1"));
	ck_assert(runs(text, " --vip 2001:db8::9 --forwarding nat --gateway 10.0.0.1"));
}
END_TEST

START_TEST(filter_in_force_is_said_even_if_the_command_line_did_not)
{
	auto_arena *arena = arena_new(0);
	struct persist_wish wish = wish_of(arena, "lbha-rs setup --persist", true);

	ck_assert_str_eq(wish.lines[0].rest, " --arp filter");
	wish = wish_of(arena, "lbha-rs setup --persist --arp=filter", true);
	ck_assert_str_eq(wish.lines[0].rest, " --arp=filter");
}
END_TEST

START_TEST(odd_words_reach_systemd_unharmed)
{
	auto_arena *arena = arena_new(0);

	ck_assert_str_eq(persist_quote(arena, "/etc/lbha/a-b_c.conf"), "/etc/lbha/a-b_c.conf");
	ck_assert_str_eq(persist_quote(arena, ""), "\"\"");
	ck_assert_str_eq(persist_quote(arena, "a b"), "\"a b\"");
	ck_assert_str_eq(persist_quote(arena, "50%$x\"\\'\n;"), "\"50%%$$x\\\"\\\\'\\x0a;\"");
}
END_TEST

/* ---- what is there ---- */

START_TEST(same_setup_again_changes_nothing_and_enables_what_was_disabled)
{
	auto_arena *arena = arena_new(0);
	const char *text = unit_of(arena, "lbha-rs setup --persist");
	struct persist_wish wish = wish_of(arena, "lbha-rs setup --persist", false);

	ck_assert_int_eq(plan_of(arena, wish, text, true).action, PERSIST_NOTHING);
	ck_assert_int_eq(plan_of(arena, wish, text, false).action, PERSIST_WRITE);
}
END_TEST

START_TEST(setups_of_single_vips_add_up_and_go_one_by_one)
{
	auto_arena *arena = arena_new(0);
	const char *text = unit_of(arena, "x setup --vip 192.0.2.1 --persist");
	struct persist_plan plan =
		plan_of(arena, wish_of(arena, "x setup --vip 192.0.2.11 --persist", false), text, true);

	ck_assert_uint_eq(commands(plan.text), 2);
	plan = plan_of(arena, wish_of(arena, "x setup --vip 192.0.2.1 --arp filter", false),
		       plan.text, true);
	ck_assert_uint_eq(commands(plan.text), 2);
	ck_assert(runs(plan.text, " --vip 192.0.2.1 --arp filter"));
	plan = plan_of(arena, removal(arena, "x teardown --vip 192.0.2.1"), plan.text, true);
	ck_assert_int_eq(plan.action, PERSIST_WRITE);
	ck_assert(commands(plan.text) == 1 && runs(plan.text, " --vip 192.0.2.11"));
	ck_assert_int_eq(
		plan_of(arena, removal(arena, "x teardown --vip 192.0.2.1"), plan.text, true).action,
		PERSIST_NOTHING);
	plan = plan_of(arena, removal(arena, "x teardown --vip 192.0.2.11"), plan.text, true);
	ck_assert_int_eq(plan.action, PERSIST_REMOVE);
}
END_TEST

START_TEST(setup_of_all_takes_the_place_of_single_ones_and_teardown_removes_all)
{
	auto_arena *arena = arena_new(0);
	const char *text = unit_of(arena, "x setup --vip 192.0.2.1 --vip 192.0.2.2 --persist");
	struct persist_plan plan = plan_of(arena, wish_of(arena, "x setup", false), text, true);

	ck_assert(commands(plan.text) == 1 && runs(plan.text, ""));
	ck_assert_int_eq(plan_of(arena, removal(arena, "x teardown"), text, true).action,
			 PERSIST_REMOVE);
	ck_assert_int_eq(plan_of(arena, removal(arena, "x teardown"), NULL, false).action,
			 PERSIST_NOTHING);
	ck_assert_msg(plan_of(arena, removal(arena, "x teardown"), NULL, true).action ==
			      PERSIST_REMOVE, "a crash may leave the link");
}
END_TEST

START_TEST(lines_of_another_state_folder_are_not_touched)
{
	auto_arena *arena = arena_new(0);
	const char *text = unit_of(arena, "x setup --persist");
	struct persist_wish other = wish_of(arena, "x setup --state-dir /srv/b", false);
	struct persist_plan plan;

	other.state_dir = "/var/lib/lbha2";
	plan = plan_of(arena, other, text, true);
	ck_assert_uint_eq(commands(plan.text), 2);
	other.removing = true;
	plan = plan_of(arena, other, plan.text, true);
	ck_assert_str_eq(plan.text, text);
	ck_assert_int_eq(plan_of(arena, other, text, true).action, PERSIST_NOTHING);
}
END_TEST

/* ---- somebody else ---- */

START_TEST(unit_that_somebody_changed_or_made_is_left)
{
	auto_arena *arena = arena_new(0);
	const char *text = unit_of(arena, "x setup --persist"), *end = strstr(text, "[Install]");
	const char *longer = arena_printf(arena, "%.*sTimeoutSec=9\n%s", (int)(end - text), text, end);
	struct persist_wish same = wish_of(arena, "x setup --persist", false),
			    wish = wish_of(arena, "x setup --arp filter --persist", false);

	ck_assert_int_eq(plan_of(arena, same, longer, true).action, PERSIST_LEAVE);
	ck_assert_int_eq(plan_of(arena, same, longer, false).action, PERSIST_REFUSE);
	ck_assert_int_eq(plan_of(arena, wish, longer, true).action, PERSIST_REFUSE);
	ck_assert_int_eq(plan_of(arena, removal(arena, "x teardown"), longer, true).action,
			 PERSIST_LEAVE);
	ck_assert_int_eq(plan_of(arena, same, "", true).action, PERSIST_REFUSE);
	ck_assert_int_eq(plan_of(arena, same, "[Unit]\n", true).action, PERSIST_REFUSE);
}
END_TEST

START_TEST(every_byte_of_the_unit_counts)
{
	auto_arena *arena = arena_new(0);
	const char *text = unit_of(arena, "x setup --persist");
	struct persist_wish wish = removal(arena, "x teardown");

	for (size_t i = 0; text[i]; i++) {
		char *other = arena_strdup(arena, text);

		other[i] ^= 1;
		ck_assert_msg(plan_of(arena, wish, other, true).action == PERSIST_LEAVE, "byte %zu", i);
	}
}
END_TEST

int main(void)
{
	return SUITE_RUN("lbha-rs --persist",
			 CASE("lines", unit_repeats_the_very_arguments_with_absolute_names,
			      each_vip_has_a_line_with_the_rest_of_the_words,
			      filter_in_force_is_said_even_if_the_command_line_did_not,
			      odd_words_reach_systemd_unharmed),
			 CASE("plan", same_setup_again_changes_nothing_and_enables_what_was_disabled,
			      setups_of_single_vips_add_up_and_go_one_by_one,
			      setup_of_all_takes_the_place_of_single_ones_and_teardown_removes_all,
			      lines_of_another_state_folder_are_not_touched),
			 CASE("others", unit_that_somebody_changed_or_made_is_left,
			      every_byte_of_the_unit_counts),
			 NULL);
}
