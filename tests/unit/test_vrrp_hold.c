/* Services as trackers: what may move the addresses must have lasted `hold`, what keeps them where they
 * are counts at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "suite.h"
#include "vrrp/track.h"

#define S NSTIME_S
#define HOLD (10 * S)

static const struct tracker web = {
	.kind = TRACKER_SERVICE, .name = "web", .weight = -60, .hold = HOLD};

/* One director's view of the service. */
struct view {
	struct track_source source;
	struct track track;
};

static void view_init(struct view *view, bool is_master)
{
	*view = (struct view){.source = {.kind = TRACKER_SERVICE, .name = "web", .reason = "3 of 3 up"}};
	track_init(&view->track, &web, &view->source);
	track_role(&view->track, is_master, 0);
}

static enum verdict see(struct view *view, enum verdict seen, nstime now)
{
	if (view->source.seen != seen)
		view->source.since = now;
	view->source.seen = seen;
	track_look(&view->track, now);
	return view->track.state;
}

static enum verdict look(struct view *view, nstime now)
{
	track_look(&view->track, now);
	return view->track.state;
}

/* ---- what counts when ----------------------------------------------------------------------- */

START_TEST(a_masters_loss_counts_after_hold_and_its_return_at_once)
{
	struct view view;

	view_init(&view, true);
	ck_assert_int_eq(see(&view, VERDICT_UP, S), VERDICT_UP);
	ck_assert_int_eq(see(&view, VERDICT_DOWN, 20 * S), VERDICT_UP);
	ck_assert_int_eq(view.track.due, 20 * S + HOLD);
	ck_assert_int_eq(look(&view, 20 * S + HOLD - 1), VERDICT_UP);
	ck_assert_int_eq(look(&view, 20 * S + HOLD), VERDICT_DOWN);
	ck_assert_int_eq(see(&view, VERDICT_UP, 50 * S), VERDICT_UP);
}
END_TEST

START_TEST(a_backups_loss_counts_at_once_and_its_return_after_hold)
{
	struct view view;

	view_init(&view, false);
	see(&view, VERDICT_UP, S);
	ck_assert_int_eq(see(&view, VERDICT_DOWN, 20 * S), VERDICT_DOWN);
	ck_assert_int_eq(see(&view, VERDICT_UP, 50 * S), VERDICT_DOWN);
	ck_assert_int_eq(view.track.due, 50 * S + HOLD);
	ck_assert_int_eq(look(&view, 50 * S + HOLD), VERDICT_UP);
}
END_TEST

START_TEST(a_loss_that_does_not_last_never_counts_for_a_master)
{
	struct view view;

	view_init(&view, true);
	see(&view, VERDICT_UP, 0);
	for (nstime now = 0; now < 100 * S; now += 8 * S) {
		ck_assert_int_eq(see(&view, VERDICT_DOWN, now), VERDICT_UP);
		ck_assert_int_eq(see(&view, VERDICT_UP, now + 7 * S), VERDICT_UP);
		ck_assert_int_eq(view.track.due, NSTIME_NEVER);
	}
}
END_TEST

START_TEST(another_role_lets_count_what_was_held_back)
{
	struct view view;

	view_init(&view, true);
	see(&view, VERDICT_UP, 0);
	see(&view, VERDICT_DOWN, 20 * S);
	ck_assert(track_role(&view.track, false, 21 * S)); /* deposed by somebody else */
	ck_assert_int_eq(view.track.due, 21 * S);
	ck_assert_int_eq(look(&view, 21 * S), VERDICT_DOWN);
	see(&view, VERDICT_UP, 30 * S);
	ck_assert(track_role(&view.track, true, 31 * S)); /* the other one died */
	ck_assert_int_eq(look(&view, 31 * S), VERDICT_UP);
	ck_assert(!track_role(&view.track, true, 32 * S));
	ck_assert(!track_role(&view.track, false, 33 * S)); /* nothing is held back */
}
END_TEST

/* A worker that comes back as MASTER, or a tracker that a reload has made. */
START_TEST(at_first_sight_a_masters_loss_counts_when_it_is_old_enough)
{
	struct view view;

	view_init(&view, true);
	view.source.since = 5 * S;
	view.source.seen = VERDICT_DOWN;
	ck_assert_int_eq(look(&view, 6 * S), VERDICT_UNKNOWN);
	ck_assert_int_eq(look(&view, 5 * S + HOLD), VERDICT_DOWN);
	view_init(&view, false);
	ck_assert_int_eq(see(&view, VERDICT_DOWN, S), VERDICT_DOWN);
	view_init(&view, false);
	ck_assert_int_eq(see(&view, VERDICT_UP, S), VERDICT_UP);
}
END_TEST

START_TEST(words_say_what_does_not_count_yet)
{
	char words[FACT_DETAIL];
	struct view view;

	view_init(&view, true);
	see(&view, VERDICT_UP, 0);
	view.source.reason = "0 of 3 up";
	see(&view, VERDICT_DOWN, S);
	ck_assert_str_eq(track_reason(&view.track, words, sizeof(words)), "0 of 3 up, but not for 10s yet");
	look(&view, S + HOLD);
	ck_assert_str_eq(track_reason(&view.track, words, sizeof(words)), "0 of 3 up");
}
END_TEST

START_TEST(a_quorum_that_is_not_known_is_no_news)
{
	struct track_source source = {.seen = VERDICT_DOWN, .reason = "0 of 3 up"};
	struct fact_service fact = {.quorum = VERDICT_UNKNOWN, .reason = "waiting"};

	ck_assert(!track_is_quorum_news(&source, &fact));
	fact.quorum = VERDICT_DOWN;
	ck_assert(track_is_quorum_news(&source, &fact)); /* other words */
	source.reason = "waiting";
	ck_assert(!track_is_quorum_news(&source, &fact));
	fact.quorum = VERDICT_UP;
	ck_assert(track_is_quorum_news(&source, &fact));
}
END_TEST

/* ---- several directors ---------------------------------------------------------------------- */

#define DIRECTORS 3
#define STEP (S / 10)

static uint64_t random_state;

static nstime pick(nstime below)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (nstime)((random_state >> 33) % (uint64_t)below);
}

/* Who has the highest priority; the earlier one of equals. */
static unsigned best(const struct view *views, const uint8_t *bases)
{
	unsigned who = 0;
	uint8_t most = 0;

	for (unsigned i = 0; i < DIRECTORS; i++) {
		uint8_t priority = track_priority(bases[i], track_sum(&views[i].track, 1));

		if (priority > most) {
			most = priority;
			who = i;
		}
	}
	return who;
}

/* One loss or return, which each director learns at some time within `spread`. The MASTER is whoever
 * has the highest priority, at once. How often that changes. */
static unsigned tell(struct view *views, const uint8_t *bases, enum verdict what, nstime *now,
		     nstime spread, unsigned but)
{
	nstime begin = *now, learns[DIRECTORS];
	unsigned moves = 0, master = best(views, bases);

	for (unsigned i = 0; i < DIRECTORS; i++)
		learns[i] = begin + pick(spread);
	for (; *now < begin + spread + 2 * HOLD; *now += STEP) {
		for (unsigned i = 0; i < DIRECTORS; i++) {
			track_role(&views[i].track, i == master, *now);
			see(&views[i], *now >= learns[i] && i != but ? what : views[i].source.seen,
			    *now);
		}
		moves += best(views, bases) != master;
		master = best(views, bases);
	}
	return moves;
}

static void seed(void)
{
	const char *given = getenv("LBHA_SEED");

	random_state = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	printf("LBHA_SEED=%llu\n", (unsigned long long)random_state);
}

static nstime begin_story(struct view *views, uint8_t *bases)
{
	for (unsigned i = 0; i < DIRECTORS; i++) {
		bases[i] = (uint8_t)(61 + 10 * pick(19));
		view_init(&views[i], false);
		see(&views[i], VERDICT_UP, 0);
	}
	for (unsigned i = 0; i < DIRECTORS; i++)
		track_role(&views[i].track, i == best(views, bases), 0);
	return STEP;
}

START_TEST(what_all_directors_learn_within_hold_moves_nothing)
{
	seed();
	for (unsigned round = 0; round < 500; round++) {
		struct view views[DIRECTORS];
		uint8_t bases[DIRECTORS];
		nstime now = begin_story(views, bases);

		for (unsigned i = 0; i < 6; i++)
			ck_assert_uint_eq(tell(views, bases, i % 2 ? VERDICT_UP : VERDICT_DOWN, &now,
					       HOLD, DIRECTORS),
					  0);
	}
}
END_TEST

START_TEST(what_one_director_does_not_share_makes_it_master_after_hold)
{
	struct view views[DIRECTORS];
	const uint8_t bases[DIRECTORS] = {150, 100, 120};
	nstime now = STEP;

	for (unsigned i = 0; i < DIRECTORS; i++) {
		view_init(&views[i], i == 0);
		see(&views[i], VERDICT_UP, 0);
	}
	ck_assert_uint_eq(tell(views, bases, VERDICT_DOWN, &now, STEP, 1), 1);
	ck_assert_uint_eq(best(views, bases), 1);
	ck_assert_uint_eq(tell(views, bases, VERDICT_UP, &now, STEP, DIRECTORS), 1);
	ck_assert_uint_eq(best(views, bases), 0);
}
END_TEST

int main(void)
{
	return SUITE_RUN("vrrp hold",
			 CASE("one", a_masters_loss_counts_after_hold_and_its_return_at_once,
			      a_backups_loss_counts_at_once_and_its_return_after_hold,
			      a_loss_that_does_not_last_never_counts_for_a_master,
			      another_role_lets_count_what_was_held_back,
			      at_first_sight_a_masters_loss_counts_when_it_is_old_enough,
			      words_say_what_does_not_count_yet, a_quorum_that_is_not_known_is_no_news),
			 CASE("several", what_all_directors_learn_within_hold_moves_nothing,
			      what_one_director_does_not_share_makes_it_master_after_hold));
}
