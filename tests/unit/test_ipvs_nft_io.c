/* The ipvs worker's table of nftables rules against the real kernel: made, written down, repaired,
 * found again, removed. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "ipvs/contest.h"
#include "ipvs/ipvs_nft_io.h"
#include "ipvs/state.h"
#include "world.h"

static struct endpoint listen_on;
static struct service service;
static struct model grouped, nothing;
static struct ipvs_state with_rules, without;
static struct contests contests;
static struct loop *loop;
static struct ipvs_nft nft;
static unsigned changes;
static int file;

static void on_change(void *ctx)
{
	(void)ctx;
	changes++;
}

static void begin(void)
{
	auto_arena *arena = arena_new(0);
	struct owned_set owned = owned_now(arena, file);

	ipvs_nft_init(&nft, loop, file, &owned, on_change, NULL);
	nft.contests = &contests;
}

static void setup(void)
{
	world_make();
	file = owned_open(dir, "owned");
	loop = loop_new();
	contests_init(&contests);
	endpoint_parse("192.0.2.1:80", &listen_on);
	service = (struct service){.name = "web", .listen = &listen_on, .listen_count = 1,
				   .protocols = PROTOCOL_TCP, .group = true, .mark = 0x4c420001};
	grouped = (struct model){.services = &service, .service_count = 1};
	with_rules = (struct ipvs_state){.model = &grouped};
	without = (struct ipvs_state){.model = &nothing};
	begin();
}

static void end(void)
{
	ipvs_nft_fini(&nft);
	loop_free(loop);
	close(file);
	world_end();
}

static bool kernel_has(const char *words)
{
	char why[FACT_DETAIL], *text;
	bool found;

	ck_assert_msg(!nft_list(&text, why, sizeof(why)), "%s", why);
	found = strstr(text, words) != NULL;
	free(text);
	return found;
}

static size_t lines_owned(void)
{
	auto_arena *arena = arena_new(0);

	return owned_now(arena, file).count;
}

static void somebody(const char *command)
{
	char why[FACT_DETAIL];

	ck_assert_msg(!nft_run(command, why, sizeof(why)), "%s", why);
	nft.touched |= nft_watch_drain(&nft.watch) > 0; /* as the loop would */
}

START_TEST(the_table_is_there_and_written_down_while_rules_are_wanted)
{
	ipvs_nft_pass(&nft, NULL, &without, true);
	ck_assert(!nft.ours && !nft.watching && !lines_owned());
	ipvs_nft_pass(&nft, &without, &with_rules, false);
	ck_assert(!kernel_has("lbha"));
	ipvs_nft_pass(&nft, &without, &with_rules, true);
	ck_assert(kernel_has("0x4c420001") && nft.ours && !nft.error[0]);
	ck_assert_uint_eq(lines_owned(), 1);
	ipvs_nft_pass(&nft, &with_rules, &without, false);
	ck_assert(kernel_has("0x4c420001"));
	ipvs_nft_pass(&nft, &with_rules, &without, true);
	ck_assert(!kernel_has("lbha") && !nft.ours && !nft.watching);
	ck_assert_uint_eq(lines_owned(), 0);
}
END_TEST

START_TEST(what_somebody_else_does_to_the_table_is_undone_once_and_then_not_at_once)
{
	nstime now = clock_now();

	ipvs_nft_pass(&nft, NULL, &with_rules, true);
	ck_assert_uint_eq(ipvs_nft_look(&nft, now), 0);
	somebody("add table inet other");
	ck_assert(!nft.touched);
	somebody("flush ruleset");
	ck_assert(nft.touched);
	contests_begin(&contests, now);
	ck_assert_uint_eq(ipvs_nft_look(&nft, now), 1);
	ck_assert(kernel_has("0x4c420001"));
	ck_assert_uint_eq(ipvs_nft_look(&nft, now), 0);
	somebody("add rule inet lbha prerouting drop");
	contests_begin(&contests, now + NSTIME_S);
	ck_assert_uint_eq(ipvs_nft_look(&nft, now + NSTIME_S), 0);
	ck_assert(kernel_has("drop"));
	contests_begin(&contests, now + 20 * NSTIME_S);
	ck_assert_uint_eq(ipvs_nft_look(&nft, now + 20 * NSTIME_S), 1);
	ck_assert(!kernel_has("drop") && kernel_has("0x4c420001"));
}
END_TEST

START_TEST(a_table_that_an_earlier_run_left_is_taken_over_or_taken_away)
{
	ipvs_nft_pass(&nft, NULL, &with_rules, true);
	ipvs_nft_fini(&nft);
	begin();
	ck_assert(nft.ours);
	ipvs_nft_pass(&nft, NULL, &with_rules, false);
	ck_assert(kernel_has("0x4c420001"));
	ck_assert_uint_eq(lines_owned(), 1);
	ipvs_nft_fini(&nft);
	begin();
	ipvs_nft_pass(&nft, NULL, &without, false);
	ck_assert(!kernel_has("lbha"));
	ck_assert_uint_eq(lines_owned(), 0);
}
END_TEST

/* In how many transactions the table was touched on a start that wants it. */
static unsigned touched_by_a_start(const struct ipvs_state *state)
{
	struct nft_watch watch;
	unsigned transactions;

	ipvs_nft_fini(&nft);
	begin();
	ck_assert_int_eq(nft_watch_open(&watch, loop, on_change, NULL), 0);
	ipvs_nft_pass(&nft, NULL, state, false);
	ipvs_nft_pass(&nft, NULL, state, true);
	ck_assert(!nft.error[0] && kernel_has("0x4c420001") && !kernel_has("drop"));
	transactions = nft_watch_drain(&watch);
	nft_watch_close(&watch);
	return transactions;
}

START_TEST(a_table_that_is_as_it_was_left_and_as_it_is_wanted_is_not_touched_by_a_start)
{
	struct endpoint moved;

	ipvs_nft_pass(&nft, NULL, &with_rules, true);
	ck_assert_uint_eq(touched_by_a_start(&with_rules), 0);
	ck_assert_uint_eq(touched_by_a_start(&with_rules), 0);
	ck_assert_uint_eq(lines_owned(), 1);
	somebody("flush ruleset");
	contests_begin(&contests, clock_now());
	ck_assert_uint_eq(ipvs_nft_look(&nft, clock_now()), 1); /* what was adopted is repaired */
	ck_assert_uint_eq(touched_by_a_start(&with_rules), 0);

	endpoint_parse("192.0.2.1:81", &moved);
	service.listen = &moved;
	ck_assert_uint_eq(touched_by_a_start(&with_rules), 1);
	ck_assert(kernel_has("192.0.2.1 . 81") && !kernel_has("192.0.2.1 . 80"));
	ck_assert_uint_eq(touched_by_a_start(&with_rules), 0);
}
END_TEST

START_TEST(a_table_that_somebody_changed_while_nobody_watched_is_replaced_by_a_start)
{
	static const char *const deeds[] = {
		"add rule inet lbha prerouting drop",
		"flush chain inet lbha prerouting",
		"delete element inet lbha marks_ip { tcp . 192.0.2.1 . 80 }",
		"add element inet lbha marks_ip { tcp . 192.0.2.9 . 80 : 0x4c420002 }",
		"add chain inet lbha stranger",
		"delete table inet lbha",
	};

	ipvs_nft_pass(&nft, NULL, &with_rules, true);
	for (size_t i = 0; i < COUNT_OF(deeds); i++) {
		somebody(deeds[i]);
		ck_assert_msg(touched_by_a_start(&with_rules) == 1, "%s", deeds[i]);
		ck_assert(!kernel_has("stranger") && !kernel_has("192.0.2.9"));
		ck_assert(kernel_has("@marks_ip"));
	}
}
END_TEST

START_TEST(an_error_about_a_table_that_was_never_made_ends_with_the_wish)
{
	snprintf(nft.error, sizeof(nft.error), "nftables: refused");
	ck_assert_uint_eq(ipvs_nft_look(&nft, clock_now()), 0);
	ck_assert(!nft.error[0] && !nft.ours);
}
END_TEST

int main(void)
{
	TCase *tcase;

	if (!may_make_namespaces()) {
		printf("skipped: neither root nor allowed to make a user namespace\n");
		return 77;
	}
	tcase = CASE("table", the_table_is_there_and_written_down_while_rules_are_wanted,
		     what_somebody_else_does_to_the_table_is_undone_once_and_then_not_at_once,
		     a_table_that_an_earlier_run_left_is_taken_over_or_taken_away,
		     a_table_that_is_as_it_was_left_and_as_it_is_wanted_is_not_touched_by_a_start,
		     a_table_that_somebody_changed_while_nobody_watched_is_replaced_by_a_start,
		     an_error_about_a_table_that_was_never_made_ends_with_the_wish);
	tcase_add_checked_fixture(tcase, setup, end);
	return SUITE_RUN("ipvs/nft", tcase);
}
