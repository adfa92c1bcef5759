/* Trackers as a set of causes: priority, faults and words are functions of what is so now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "suite.h"
#include "vrrp/track.h"
#include "vrrp/track_carry.h"
#include "vrrp/track_set.h"

#define S NSTIME_S

static struct tracker about_of(const char *name, int32_t weight)
{
	return (struct tracker){.kind = TRACKER_INTERFACE, .name = name, .weight = weight};
}

static struct track_source source_of(const struct tracker *about)
{
	return (struct track_source){.kind = about->kind, .name = about->name, .reason = "no carrier"};
}

static void see(struct track_source *source, struct track *track, enum verdict seen, nstime now)
{
	if (source->seen != seen)
		source->since = now;
	source->seen = seen;
	track_look(track, now);
}

/* ---- priority ------------------------------------------------------------------------------- */

START_TEST(a_negative_weight_is_added_while_down_a_positive_while_up)
{
	struct tracker loses = about_of("a", -30), gains = about_of("b", 20), faults = about_of("c", 0);

	ck_assert_int_eq(track_effect(&loses, VERDICT_UP), 0);
	ck_assert_int_eq(track_effect(&loses, VERDICT_DOWN), -30);
	ck_assert_int_eq(track_effect(&gains, VERDICT_UP), 20);
	ck_assert_int_eq(track_effect(&gains, VERDICT_DOWN), 0);
	ck_assert_int_eq(track_effect(&faults, VERDICT_UP), 0);
	ck_assert_int_eq(track_effect(&faults, VERDICT_DOWN), 0);
}
END_TEST

START_TEST(unknown_takes_no_weight_away_and_is_no_fault)
{
	struct tracker about[] = {about_of("a", -30), about_of("b", 20), about_of("c", 0)};
	struct track tracks[3];

	for (unsigned i = 0; i < 3; i++)
		track_init(&tracks[i], &about[i], &(struct track_source){0});
	ck_assert_int_eq(track_sum(tracks, 3), 0);
	ck_assert(!track_is_fault(tracks, 3));
}
END_TEST

START_TEST(priority_stays_within_1_and_254)
{
	ck_assert_uint_eq(track_priority(100, -30), 70);
	ck_assert_uint_eq(track_priority(100, 20), 120);
	ck_assert_uint_eq(track_priority(100, -100), 1);
	ck_assert_uint_eq(track_priority(1, -254), 1);
	ck_assert_uint_eq(track_priority(254, 1), 254);
	ck_assert_uint_eq(track_priority(100, INT64_C(1) << 40), 254);
	ck_assert_uint_eq(track_priority(100, -(INT64_C(1) << 40)), 1);
}
END_TEST

START_TEST(an_owner_is_never_altered)
{
	ck_assert_uint_eq(track_priority(255, -254), 255);
	ck_assert_uint_eq(track_priority(255, 254), 255);
}
END_TEST

/* ---- causes --------------------------------------------------------------------------------- */

/* keepalived forgets the first cause when the second goes: an instance without a way out is
 * MASTER. */
START_TEST(one_of_two_that_comes_back_leaves_a_fault)
{
	struct tracker about[] = {about_of("eth1", 0), about_of("eth2", 0), about_of("eth3", -5)};
	struct track_source sources[] = {source_of(&about[0]), source_of(&about[1]),
					 source_of(&about[2])};
	struct track tracks[3];
	char words[FACT_DETAIL];
	struct text text = text_of(words, sizeof(words));

	for (unsigned i = 0; i < 3; i++) {
		track_init(&tracks[i], &about[i], &sources[i]);
		see(&sources[i], &tracks[i], VERDICT_DOWN, 1 * S);
	}
	track_causes(tracks, 3, &text);
	ck_assert_str_eq(words, "eth1 down: no carrier; eth2 down: no carrier");
	see(&sources[0], &tracks[0], VERDICT_UP, 2 * S);
	ck_assert(track_is_fault(tracks, 3));
	text = text_of(words, sizeof(words));
	track_causes(tracks, 3, &text);
	ck_assert_str_eq(words, "eth2 down: no carrier");
	see(&sources[1], &tracks[1], VERDICT_UP, 3 * S);
	ck_assert(!track_is_fault(tracks, 3));
	ck_assert_int_eq(track_sum(tracks, 3), -5);
}
END_TEST

START_TEST(causes_follow_those_of_others)
{
	struct tracker about = about_of("eth1", 0);
	struct track_source source = source_of(&about);
	struct track track;
	char words[FACT_DETAIL];
	struct text text = text_of(words, sizeof(words));

	track_init(&track, &about, &source);
	see(&source, &track, VERDICT_DOWN, S);
	text_add(&text, "eth0 has no carrier");
	track_causes(&track, 1, &text);
	ck_assert_str_eq(words, "eth0 has no carrier; eth1 down: no carrier");
}
END_TEST

/* ---- delays --------------------------------------------------------------------------------- */

static struct tracker slow(void)
{
	struct tracker about = about_of("eth1", -10);

	about.up_delay = 5 * S;
	about.down_delay = 2 * S;
	return about;
}

START_TEST(the_first_sight_counts_at_once)
{
	struct tracker about = slow();
	struct track_source source = source_of(&about);
	struct track track;

	track_init(&track, &about, &source);
	see(&source, &track, VERDICT_DOWN, S);
	ck_assert_int_eq(track.state, VERDICT_DOWN);
	ck_assert_int_eq(track.due, NSTIME_NEVER);
}
END_TEST

START_TEST(a_change_counts_when_it_has_lasted)
{
	struct tracker about = slow();
	struct track_source source = source_of(&about);
	struct track track;

	track_init(&track, &about, &source);
	see(&source, &track, VERDICT_UP, 0);
	see(&source, &track, VERDICT_DOWN, 10 * S);
	ck_assert_int_eq(track.state, VERDICT_UP);
	ck_assert_int_eq(track.due, 12 * S);
	ck_assert(!track_look(&track, 12 * S - 1));
	ck_assert(track_look(&track, 12 * S));
	ck_assert_int_eq(track.state, VERDICT_DOWN);
	ck_assert_int_eq(track.since, 12 * S);
	ck_assert_int_eq(track.due, NSTIME_NEVER);
	see(&source, &track, VERDICT_UP, 20 * S);
	ck_assert_int_eq(track.due, 25 * S);
	ck_assert(track_look(&track, 25 * S));
	ck_assert_int_eq(track.state, VERDICT_UP);
}
END_TEST

START_TEST(a_flap_that_does_not_last_never_counts)
{
	struct tracker about = slow();
	struct track_source source = source_of(&about);
	struct track track;

	track_init(&track, &about, &source);
	see(&source, &track, VERDICT_UP, 0);
	for (nstime now = 10 * S; now < 100 * S; now += 3 * S) {
		see(&source, &track, VERDICT_DOWN, now);
		see(&source, &track, VERDICT_UP, now + S);
		ck_assert_int_eq(track.due, NSTIME_NEVER);
	}
	see(&source, &track, VERDICT_DOWN, 200 * S);
	ck_assert(!track_look(&track, 202 * S - 1)); /* the time before does not add up */
	ck_assert_int_eq(track.state, VERDICT_UP);
}
END_TEST

START_TEST(words_say_what_is_seen_and_that_it_does_not_count_yet)
{
	struct tracker about = slow();
	struct track_source source = source_of(&about);
	struct track track;
	char words[FACT_DETAIL];

	track_init(&track, &about, &source);
	see(&source, &track, VERDICT_UP, 0);
	see(&source, &track, VERDICT_DOWN, S);
	ck_assert_str_eq(track_reason(&track, words, sizeof(words)), "no carrier, but not for 2s yet");
	track_look(&track, 3 * S);
	ck_assert_str_eq(track_reason(&track, words, sizeof(words)), "no carrier");
}
END_TEST

/* ---- facts of the check worker ---------------------------------------------------------------- */

static struct fact_probe fact(enum verdict verdict, enum probe_reason reason, const char *detail)
{
	struct fact_probe made = {
		.verdict = verdict, .reason = reason, .passed = reason == REASON_PASSED};

	snprintf(made.detail, sizeof(made.detail), "%s", detail);
	return made;
}

START_TEST(a_check_worker_that_begins_anew_does_not_change_what_was_known)
{
	struct track_source source = {.seen = VERDICT_DOWN, .reason = "connect: refused"};
	struct fact_probe unknown = fact(VERDICT_UNKNOWN, REASON_REFUSED, "connect: refused"),
			  unprobed = fact(VERDICT_UP, REASON_NONE, "");

	ck_assert(!track_is_news(&source, &unknown));
	ck_assert(!track_is_news(&source, &unprobed)); /* initial: up */
	source.seen = VERDICT_UNKNOWN;
	ck_assert(!track_is_news(&source, &unknown));
	ck_assert(track_is_news(&source, &unprobed));
}
END_TEST

START_TEST(news_is_another_verdict_or_other_words_for_it)
{
	struct track_source source = {.seen = VERDICT_DOWN, .reason = "connect: refused"};
	struct fact_probe same = fact(VERDICT_DOWN, REASON_REFUSED, "connect: refused"),
			  words = fact(VERDICT_DOWN, REASON_STATUS, "status 503, wanted 200-299"),
			  passed = fact(VERDICT_DOWN, REASON_PASSED, "status 200"),
			  up = fact(VERDICT_UP, REASON_PASSED, "status 200");

	ck_assert(!track_is_news(&source, &same));
	ck_assert(track_is_news(&source, &words));
	ck_assert(!track_is_news(&source, &passed)); /* rise is not reached: it says nothing of why down */
	ck_assert(track_is_news(&source, &up));
}
END_TEST

/* ---- any order of events ---------------------------------------------------------------------- */

#define MANY 6

static uint64_t random_state;

static uint32_t pick(uint32_t below)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((random_state >> 33) % below);
}

/* What the set must say, from the states alone. */
static void hold_against_the_rules(const struct track *tracks, uint8_t base)
{
	int64_t priority = base;
	bool fault = false;

	for (unsigned i = 0; i < MANY; i++) {
		int32_t weight = tracks[i].about->weight;

		if (tracks[i].state == VERDICT_DOWN && weight < 0)
			priority += weight;
		if (tracks[i].state == VERDICT_UP && weight > 0)
			priority += weight;
		fault |= tracks[i].state == VERDICT_DOWN && !weight;
	}
	priority = priority < 1 ? 1 : priority > 254 ? 254 : priority;
	ck_assert_int_eq(track_priority(base, track_sum(tracks, MANY)), base == 255 ? 255 : priority);
	ck_assert(track_is_fault(tracks, MANY) == fault);
}

START_TEST(after_any_order_of_events_only_the_present_counts)
{
	const char *seed = getenv("LBHA_SEED");

	random_state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	printf("LBHA_SEED=%llu\n", (unsigned long long)random_state);
	for (unsigned round = 0; round < 2000; round++) {
		struct tracker about[MANY];
		struct track_source sources[MANY];
		struct track tracks[MANY];
		uint8_t base = (uint8_t)(1 + pick(255));
		nstime now = 0;

		for (unsigned i = 0; i < MANY; i++) {
			about[i] = about_of("x", pick(3) ? (int32_t)pick(507) - 253 : 0);
			about[i].up_delay = pick(2) * S;
			about[i].down_delay = pick(2) * S;
			sources[i] = source_of(&about[i]);
			track_init(&tracks[i], &about[i], &sources[i]);
		}
		for (unsigned event = 0; event < 50; event++) {
			unsigned i = pick(MANY);

			now += pick(2 * S);
			see(&sources[i], &tracks[i], pick(2) ? VERDICT_UP : VERDICT_DOWN, now);
			for (unsigned j = 0; j < MANY; j++)
				track_look(&tracks[j], now);
			hold_against_the_rules(tracks, base);
		}
		for (unsigned i = 0; i < MANY; i++) {
			track_look(&tracks[i], now + S);
			ck_assert_int_eq(tracks[i].state, sources[i].seen);
			ck_assert_int_eq(tracks[i].due, NSTIME_NEVER);
		}
	}
}
END_TEST

/* ---- sets of a whole model ------------------------------------------------------------------- */

#define TRACKERS(...) (struct tracker[]){__VA_ARGS__}
#define CHECK_ON(check, number, pounds) \
	{.kind = TRACKER_CHECK, .name = check, .probe = number, .weight = pounds}
#define LINK_ON(link, pounds) {.kind = TRACKER_INTERFACE, .name = link, .weight = pounds}

static struct arena *arena;

static void arena_begin(void)
{
	arena = arena_new(0);
}

static void arena_end(void)
{
	arena_free(arena);
}

static struct track_set set_of(const struct model *model)
{
	struct track_set set;

	ck_assert_int_eq(track_set_make(&set, model, arena), 0);
	return set;
}

/* Two instances in a group; both track the gateway, each an interface, the group another. */
static struct model *pair_model(uint32_t probe)
{
	static const struct instance instances[] = {
		{.name = "public", .track_count = 2, .sync_group = 1},
		{.name = "inside", .track_count = 1, .sync_group = 1},
		{.name = "alone"}};
	struct model *model = arena_alloc(arena, sizeof(*model));
	struct tracker tracks[] = {CHECK_ON("gateway", probe, -30), LINK_ON("eth1", 0),
				   CHECK_ON("gateway", probe, -20), LINK_ON("eth2", -10)};
	struct tracker *all = arena_copy(arena, tracks, sizeof(tracks));

	model->instances = arena_copy(arena, instances, sizeof(instances));
	model->instance_count = COUNT_OF(instances);
	model->instances[0].track = all;
	model->instances[1].track = all + 2;
	model->sync_groups = arena_alloc(arena, sizeof(*model->sync_groups));
	model->sync_group_count = 1;
	model->sync_groups[0] = (struct sync_group){.name = "g", .track = all + 3, .track_count = 1};
	return model;
}

static int64_t sum_of(const struct track_set *set, uint32_t instance)
{
	size_t count;
	const struct track *tracks = track_set_of(set, instance, &count);

	return track_sum(tracks, count);
}

static void set_see(struct track_set *set, uint32_t source, enum verdict seen, nstime now)
{
	ck_assert(track_set_see(set, source, seen, "refused", now));
	for (uint32_t t = set->first_user[source]; t != TRACK_NONE; t = set->next_user[t])
		track_look(&set->list[t], now);
}

START_TEST(trackers_of_the_group_count_for_each_member)
{
	struct track_set set = set_of(pair_model(7));
	size_t count;

	ck_assert_uint_eq(set.source_count, 3);
	ck_assert_uint_eq(set.count, 5);
	track_set_of(&set, 1, &count);
	ck_assert_uint_eq(count, 2);
	track_set_of(&set, 2, &count);
	ck_assert_uint_eq(count, 0);
	track_set_of(&set, 3, &count);
	ck_assert_uint_eq(count, 0);
	set_see(&set, 2, VERDICT_DOWN, S); /* eth2 */
	ck_assert_int_eq(sum_of(&set, 0), -10);
	ck_assert_int_eq(sum_of(&set, 1), -10);
	ck_assert_int_eq(sum_of(&set, 2), 0);
}
END_TEST

START_TEST(a_probe_feeds_all_that_track_its_check_and_no_others)
{
	struct track_set set = set_of(pair_model(7));
	uint32_t source;

	ck_assert(!track_set_probe(&set, 0, &source)); /* an interface has no probe */
	ck_assert(track_set_probe(&set, 7, &source));
	set_see(&set, source, VERDICT_DOWN, S);
	ck_assert_int_eq(sum_of(&set, 0), -30);
	ck_assert_int_eq(sum_of(&set, 1), -20);
	ck_assert(!track_set_see(&set, source, VERDICT_DOWN, "refused", 2 * S));
	ck_assert(track_set_see(&set, source, VERDICT_DOWN, "timeout", 2 * S));
	ck_assert_int_eq(set.sources[source].since, S); /* other words are no change */
}
END_TEST

START_TEST(a_reload_keeps_what_was_known_although_probes_have_other_numbers)
{
	struct track_set old = set_of(pair_model(7)), new;
	struct model *model = pair_model(3);
	struct arena *scratch = arena_new(0);
	struct instance first = model->instances[0];
	uint32_t source;

	ck_assert(track_set_probe(&old, 7, &source));
	set_see(&old, source, VERDICT_DOWN, S);
	model->instances[0] = model->instances[1];
	model->instances[1] = first;
	new = set_of(model);
	ck_assert_int_eq(track_set_carry(&new, &old, scratch), 0);
	arena_free(scratch);
	ck_assert_int_eq(sum_of(&new, 0), -20);
	ck_assert_int_eq(sum_of(&new, 1), -30);
	ck_assert(!track_set_probe(&new, 7, &source));
	ck_assert(track_set_probe(&new, 3, &source));
	ck_assert_str_eq(new.sources[source].reason, "refused");
	ck_assert_int_eq(new.sources[source].since, S);
}
END_TEST

START_TEST(a_reload_lets_a_delay_go_on)
{
	struct model *model = pair_model(7);
	struct arena *scratch = arena_new(0);
	struct track_set old, new;

	model->instances[0].track[1].down_delay = 10 * S;
	old = set_of(model);
	set_see(&old, 1, VERDICT_UP, 0);
	set_see(&old, 1, VERDICT_DOWN, 5 * S);
	ck_assert_int_eq(track_set_due(&old), 15 * S);
	new = set_of(model);
	ck_assert_int_eq(track_set_due(&new), NSTIME_NEVER);
	ck_assert_int_eq(track_set_carry(&new, &old, scratch), 0);
	arena_free(scratch);
	ck_assert_int_eq(track_set_due(&new), 15 * S);
	ck_assert(!track_look(&new.list[1], 14 * S));
	ck_assert(track_look(&new.list[1], 15 * S));
	ck_assert_int_eq(track_set_due(&new), NSTIME_NEVER);
}
END_TEST

/* What `old` knows, as its worker leaves it, in a new set of the same model; cut to `size` bytes (0: all). */
static size_t succeed(const struct track_set *old, const char *const *names, size_t size, struct track_set *new)
{
	uint8_t bytes[2048];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct arena *scratch = arena_new(0);
	struct reader in;

	track_carry_put(&out, old, names);
	ck_assert(!out.failed);
	ck_assert_uint_le(writer_used(&out), track_carry_size(old, names));
	in = reader_of(bytes, size ? size : writer_used(&out));
	ck_assert_int_eq(track_carry_get(&in, new, 100 * S, scratch), 0);
	arena_free(scratch);
	return writer_used(&out);
}

START_TEST(another_worker_knows_what_was_known)
{
	static const char *const names[] = {"public", "inside", "alone"};
	struct track_set old = set_of(pair_model(7)), new = set_of(pair_model(3)), part;
	uint32_t source;
	size_t size;

	ck_assert(track_set_probe(&old, 7, &source));
	ck_assert(track_set_see(&old, source, VERDICT_DOWN, "refused", S));
	for (uint32_t t = 0; t < old.count; t++)
		track_look(&old.list[t], S);
	old.list[1].due = 120 * S;
	old.list[1].is_master = false;
	size = succeed(&old, names, 0, &new);
	for (uint32_t t = 0; t < old.count; t++) {
		ck_assert_int_eq(new.list[t].state, old.list[t].state);
		ck_assert_int_eq(new.list[t].since, old.list[t].since);
		ck_assert_int_eq(new.list[t].due, old.list[t].due);
		ck_assert_int_eq(new.list[t].is_master, old.list[t].is_master);
	}
	ck_assert_int_eq(sum_of(&new, 0), sum_of(&old, 0));
	ck_assert(sum_of(&new, 0) < 0);
	ck_assert(track_set_probe(&new, 3, &source));
	ck_assert_str_eq(new.sources[source].reason, "refused");
	ck_assert_int_eq(new.sources[source].seen, VERDICT_DOWN);
	ck_assert_int_eq(new.sources[source].since, S);
	while (--size) { /* however it is cut */
		part = set_of(pair_model(3));
		succeed(&old, names, size, &part);
	}
}
END_TEST

START_TEST(a_model_without_trackers_has_an_empty_set)
{
	struct model empty = {0};
	struct track_set set = set_of(&empty);
	uint32_t source;

	ck_assert_uint_eq(set.count, 0);
	ck_assert(!track_set_probe(&set, 0, &source));
	ck_assert_int_eq(track_set_due(&set), NSTIME_NEVER);
}
END_TEST

static TCase *sets(void)
{
	TCase *tcase = CASE("sets", trackers_of_the_group_count_for_each_member,
			    a_probe_feeds_all_that_track_its_check_and_no_others,
			    a_reload_keeps_what_was_known_although_probes_have_other_numbers,
			    a_reload_lets_a_delay_go_on, another_worker_knows_what_was_known,
			    a_model_without_trackers_has_an_empty_set);

	tcase_add_checked_fixture(tcase, arena_begin, arena_end);
	return tcase;
}

int main(void)
{
	return SUITE_RUN(
		"vrrp track",
		CASE("priority", a_negative_weight_is_added_while_down_a_positive_while_up,
		     unknown_takes_no_weight_away_and_is_no_fault, priority_stays_within_1_and_254,
		     an_owner_is_never_altered),
		CASE("causes", one_of_two_that_comes_back_leaves_a_fault,
		     causes_follow_those_of_others),
		CASE("delays", the_first_sight_counts_at_once, a_change_counts_when_it_has_lasted,
		     a_flap_that_does_not_last_never_counts,
		     words_say_what_is_seen_and_that_it_does_not_count_yet),
		CASE("facts", a_check_worker_that_begins_anew_does_not_change_what_was_known,
		     news_is_another_verdict_or_other_words_for_it),
		CASE("random", after_any_order_of_events_only_the_present_counts), sets());
}
