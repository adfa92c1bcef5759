/* The queue of notify scripts: order, coalescing, what was told, turns and bounds; notices, good and bad; and scripts by
 * their keys. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "config/model.h"
#include "config/notify.h"
#include "daemon/notice.h"
#include "daemon/notify_queue.h"
#include "suite.h"

#define SLOW 11u
#define QUICK 22u

static struct notify_queue *queue;

static unsigned suite_seed(void)
{
	const char *seed = getenv("LBHA_SEED");
	unsigned state = seed ? (unsigned)strtoul(seed, NULL, 10) : (unsigned)time(NULL);

	printf("LBHA_SEED=%u\n", state);
	return state ? state : 1;
}

/* xorshift32 */
static unsigned suite_random(unsigned *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void setup(void)
{
	queue = notify_queue_new();
}

static void teardown(void)
{
	notify_queue_free(queue);
}

/* A body with one member, as the supervisor gets it. */
static struct notice notice_of(const char *object, const char *event, const char *state)
{
	static uint8_t bytes[1024];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct notice notice = {.script_count = 1, .scripts = {SLOW}};
	struct reader in;

	snprintf(notice.object, sizeof(notice.object), "%s", object);
	snprintf(notice.event, sizeof(notice.event), "%s", event);
	snprintf(notice.state, sizeof(notice.state), "%s", state);
	notice_put_head(&out, &notice, 1);
	notice_put_member(&out, "new", state);
	notice_put_text(&out, "{\"new\":1");
	in = reader_of(bytes, writer_used(&out));
	ck_assert(notice_get(&in, &notice));
	return notice;
}

static enum notify_added add(uint64_t script, const char *object, const char *state)
{
	struct notice notice = notice_of(object, "vrrp_state", state);

	return notify_queue_add(queue, script, &notice);
}

static enum notify_added add_present(uint64_t script, const char *object, const char *state)
{
	struct notice notice = notice_of(object, "vrrp_state", state);

	notice.present = true;
	return notify_queue_add(queue, script, &notice);
}

static struct notify_entry *next_is(const char *state, const char *told, unsigned coalesced)
{
	struct notify_entry *entry = notify_queue_next(queue);

	ck_assert_ptr_nonnull(entry);
	ck_assert_str_eq(entry->state, state);
	ck_assert_str_eq(entry->told, told);
	ck_assert_uint_eq(entry->coalesced, coalesced);
	return entry;
}

static void run(const char *state, const char *told, unsigned coalesced)
{
	notify_queue_done(queue, next_is(state, told, coalesced));
}

START_TEST(an_object_is_told_one_event_at_a_time_and_then_the_latest)
{
	struct notify_entry *first;

	ck_assert_int_eq(add(SLOW, "a", "MASTER"), NOTIFY_ADDED);
	first = next_is("MASTER", "", 0);
	ck_assert_int_eq(add(SLOW, "a", "BACKUP"), NOTIFY_ADDED);
	ck_assert_int_eq(add(SLOW, "a", "FAULT"), NOTIFY_MERGED);
	ck_assert_int_eq(add(SLOW, "a", "BACKUP"), NOTIFY_MERGED);
	ck_assert_ptr_null(notify_queue_next(queue));
	notify_queue_done(queue, first);
	run("BACKUP", "MASTER", 2);
	ck_assert_ptr_null(notify_queue_next(queue));
	ck_assert_uint_eq(notify_queue_waiting(queue), 0);
}
END_TEST

START_TEST(back_to_what_was_told_is_told_all_the_same)
{
	struct notify_entry *first;

	add(SLOW, "a", "MASTER");
	first = next_is("MASTER", "", 0);
	add(SLOW, "a", "BACKUP");
	add(SLOW, "a", "MASTER");
	notify_queue_done(queue, first);
	run("MASTER", "MASTER", 1);
}
END_TEST

START_TEST(kinds_of_events_of_an_object_keep_their_order_and_do_not_replace_each_other)
{
	struct notice contested, again;
	struct notify_entry *first;

	add(SLOW, "a", "MASTER");
	contested = notice_of("a", "contested", "");
	notify_queue_add(queue, SLOW, &contested);
	first = next_is("MASTER", "", 0);
	ck_assert_ptr_null(notify_queue_next(queue));
	add(SLOW, "a", "BACKUP");
	again = notice_of("a", "contested", "");
	ck_assert_int_eq(notify_queue_add(queue, SLOW, &again), NOTIFY_MERGED);
	notify_queue_done(queue, first);
	run("", "", 1);
	run("BACKUP", "MASTER", 0);
}
END_TEST

START_TEST(who_says_how_all_is_brings_about_only_what_is_owed)
{
	struct notify_entry *first;

	ck_assert_int_eq(add_present(SLOW, "a", "MASTER"), NOTIFY_ADDED);
	ck_assert_int_eq(add_present(SLOW, "a", "MASTER"), NOTIFY_KNOWN);
	first = next_is("MASTER", "", 0);
	ck_assert_int_eq(add_present(SLOW, "a", "MASTER"), NOTIFY_KNOWN);
	ck_assert_int_eq(add_present(SLOW, "a", "BACKUP"), NOTIFY_ADDED);
	ck_assert_int_eq(add_present(SLOW, "a", "MASTER"), NOTIFY_MERGED);
	notify_queue_done(queue, first);
	run("MASTER", "MASTER", 1);
	ck_assert_int_eq(add_present(SLOW, "a", "MASTER"), NOTIFY_KNOWN);
	ck_assert_int_eq(add_present(QUICK, "a", "MASTER"), NOTIFY_ADDED);
	ck_assert_int_eq(add_present(SLOW, "b", "MASTER"), NOTIFY_ADDED);
}
END_TEST

START_TEST(one_that_did_not_run_is_told_again_and_first)
{
	struct notify_entry *entry;

	add(SLOW, "a", "MASTER");
	add(SLOW, "b", "MASTER");
	entry = next_is("MASTER", "", 0);
	notify_queue_back(queue, entry);
	ck_assert_uint_eq(notify_queue_waiting(queue), 2);
	entry = next_is("MASTER", "", 0);
	add(SLOW, "a", "FAULT");
	notify_queue_back(queue, entry);
	ck_assert_uint_eq(notify_queue_waiting(queue), 2);
	run("MASTER", "", 0); /* b */
	run("FAULT", "", 1);
}
END_TEST

START_TEST(a_slow_script_leaves_places_for_others_and_scripts_take_turns)
{
	struct notify_entry *running[NOTIFY_AT_ONCE];
	char object[16];
	size_t slow = 0, i;

	for (i = 0; i < 40; i++) {
		snprintf(object, sizeof(object), "%zu", i);
		add(SLOW, object, "up");
	}
	for (i = 0; i < NOTIFY_PER_SCRIPT; i++)
		running[slow++] = next_is("up", "", 0);
	ck_assert_ptr_null(notify_queue_next(queue));
	add(QUICK, "a", "up");
	add(33, "a", "up");
	add(QUICK, "b", "up");
	running[slow] = notify_queue_next(queue);
	ck_assert_uint_eq(running[slow++]->script, QUICK);
	running[slow] = notify_queue_next(queue);
	ck_assert_uint_eq(running[slow++]->script, 33);
	running[slow] = notify_queue_next(queue);
	ck_assert_uint_eq(running[slow++]->script, QUICK);
	ck_assert_ptr_null(notify_queue_next(queue));
	while (slow)
		notify_queue_done(queue, running[--slow]);
	ck_assert_uint_eq(notify_queue_waiting(queue), 32);
}
END_TEST

static bool is_quick(void *ctx, uint64_t script)
{
	(void)ctx;
	return script == QUICK;
}

START_TEST(a_script_that_is_no_longer_configured_is_forgotten)
{
	struct notify_entry *running;

	add(SLOW, "a", "MASTER");
	run("MASTER", "", 0);
	add(SLOW, "a", "BACKUP");
	running = next_is("BACKUP", "MASTER", 0);
	add(SLOW, "a", "FAULT");
	add(QUICK, "a", "FAULT");
	notify_queue_scripts(queue, is_quick, NULL);
	ck_assert_uint_eq(notify_queue_waiting(queue), 1);
	run("FAULT", "", 0);
	notify_queue_done(queue, running);
	ck_assert_int_eq(add_present(SLOW, "a", "BACKUP"), NOTIFY_ADDED);
}
END_TEST

START_TEST(what_nobody_spoke_of_over_two_configurations_is_told_anew)
{
	add(QUICK, "a", "MASTER");
	run("MASTER", "", 0);
	notify_queue_scripts(queue, is_quick, NULL);
	ck_assert_int_eq(add_present(QUICK, "a", "MASTER"), NOTIFY_KNOWN);
	notify_queue_scripts(queue, is_quick, NULL);
	notify_queue_scripts(queue, is_quick, NULL);
	notify_queue_scripts(queue, is_quick, NULL);
	ck_assert_int_eq(add_present(QUICK, "a", "MASTER"), NOTIFY_ADDED);
}
END_TEST

START_TEST(what_was_told_is_handed_over)
{
	uint8_t *bytes;
	struct writer out;
	struct reader in;
	size_t size;

	add(SLOW, "a", "MASTER");
	run("MASTER", "", 0);
	add(QUICK, "b", "down");
	run("down", "", 0);
	size = notify_queue_told_size(queue);
	bytes = malloc(size);
	out = writer_of(bytes, size);
	notify_queue_told_put(queue, &out);
	ck_assert(!out.failed);
	in = reader_of(bytes, writer_used(&out));
	notify_queue_free(queue);
	queue = notify_queue_new();
	notify_queue_told_get(queue, &in);
	ck_assert_int_eq(add_present(SLOW, "a", "MASTER"), NOTIFY_KNOWN);
	ck_assert_int_eq(add(QUICK, "b", "up"), NOTIFY_ADDED);
	run("up", "down", 0);
	in = reader_of(bytes, writer_used(&out) - 3); /* half a record is none */
	notify_queue_told_get(queue, &in);
	free(bytes);
}
END_TEST

START_TEST(each_of_very_many_scripts_has_its_turn)
{
	for (unsigned round = 0; round < 2; round++)
		for (uint64_t script = 1; script <= 20000; script++)
			ck_assert_int_eq(add(script, round ? "b" : "a", "up"), NOTIFY_ADDED);
	for (unsigned round = 0; round < 2; round++)
		for (uint64_t script = 1; script <= 20000; script++) {
			struct notify_entry *entry = notify_queue_next(queue);

			ck_assert_uint_eq(entry->script, script);
			notify_queue_done(queue, entry);
		}
	ck_assert_ptr_null(notify_queue_next(queue));
}
END_TEST

START_TEST(beyond_its_bounds_it_counts_and_asks_for_all_when_there_is_room)
{
	char object[16];

	for (unsigned i = 0; i < NOTIFY_WAITING_MAX; i++) {
		snprintf(object, sizeof(object), "%u", i);
		ck_assert_int_eq(add(SLOW, object, "up"), NOTIFY_ADDED);
	}
	ck_assert(!notify_queue_starved(queue));
	ck_assert_int_eq(add(SLOW, "one more", "up"), NOTIFY_FULL);
	ck_assert_int_eq(add(SLOW, "7", "down"), NOTIFY_MERGED);
	ck_assert(!notify_queue_starved(queue));
	for (unsigned i = 0; i < NOTIFY_WAITING_MAX / 2; i++)
		notify_queue_done(queue, notify_queue_next(queue));
	ck_assert(notify_queue_starved(queue));
	ck_assert(!notify_queue_starved(queue));
}
END_TEST

/* Against the obvious model: whatever happens, each script hears the last state of each object, its runs make a
 * chain, and no two of one object are at the same time. */
START_TEST(after_any_events_the_last_state_is_told)
{
	static const char *const states[] = {"MASTER", "BACKUP", "FAULT"};
	struct notify_entry *running[NOTIFY_AT_ONCE] = {0};
	const char *last[2][5] = {{0}};
	unsigned seed = suite_seed(), at;

	for (int i = 0; i < 200000; i++) {
		unsigned script = suite_random(&seed) % 2, object = suite_random(&seed) % 5;
		char name[2] = {(char)('0' + object), 0};

		at = suite_random(&seed) % NOTIFY_AT_ONCE;
		if (i < 190000 && suite_random(&seed) % 3 == 0) {
			last[script][object] = states[suite_random(&seed) % 3];
			add(script ? QUICK : SLOW, name, last[script][object]);
		} else if (running[at]) {
			bool again = suite_random(&seed) % 8 == 0 && i < 190000;

			if (again)
				notify_queue_back(queue, running[at]);
			else
				notify_queue_done(queue, running[at]);
			running[at] = NULL;
		} else {
			running[at] = notify_queue_next(queue);
			for (unsigned j = 0; running[at] && j < NOTIFY_AT_ONCE; j++)
				ck_assert(j == at || !running[j] || running[j]->serial != running[at]->serial);
		}
	}
	ck_assert_uint_eq(notify_queue_waiting(queue), 0);
	for (unsigned script = 0; script < 2; script++)
		for (unsigned object = 0; object < 5; object++)
			ck_assert_int_eq(add_present(script ? QUICK : SLOW, (char[]){(char)('0' + object), 0},
						     last[script][object]),
					 NOTIFY_KNOWN);
	for (at = 0; at < NOTIFY_AT_ONCE; at++)
		if (running[at])
			notify_queue_done(queue, running[at]);
}
END_TEST

/* ---- keys ----------------------------------------------------------------------------------------------------------- */

#define SCRIPTS 20000

START_TEST(each_of_very_many_scripts_is_found_by_its_key)
{
	struct arena *arena = arena_new(0);
	struct model model = {.notifies = arena_array(arena, SCRIPTS, sizeof(struct notify))};
	struct notify_search search;

	ck_assert_int_eq(notify_search_init(&search, arena, &model), 0);
	for (size_t i = 0; i < SCRIPTS; i++) {
		struct notify *notify = &model.notifies[i];

		notify->script_count = 2;
		notify->script = arena_array(arena, 2, sizeof(*notify->script));
		notify->script[0] = "/notify";
		notify->script[1] = arena_printf(arena, "%zu", i);
		ck_assert_ptr_null(notify_search(&search, notify_key(notify)));
		model.notifies_count++;
		if (i == SCRIPTS / 2) /* from here on those that are new */
			ck_assert_int_eq(notify_search_init(&search, arena, &model), 0);
		else if (i > SCRIPTS / 2)
			ck_assert_int_eq(notify_search_add(&search), 0);
	}
	for (size_t i = 0; i < SCRIPTS; i++)
		ck_assert_ptr_eq(notify_search(&search, notify_key(&model.notifies[i])), &model.notifies[i]);
	arena_free(arena);
}
END_TEST

/* ---- notices -------------------------------------------------------------------------------------------------------- */

START_TEST(words_become_clean_variables_and_the_text_gets_its_end)
{
	static struct notice_words words;
	uint8_t bytes[2048];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct notice notice = {.script_count = 1, .scripts = {SLOW}, .object = "a", .event = "override"};
	struct reader in;

	notice_put_head(&out, &notice, 2);
	notice_put_member(&out, "reason", "a\nLD_PRELOAD=/x \x1b[31m \xff");
	notice_put_member(&out, "effective_weight", "7");
	notice_put_text(&out, "{\"reason\":\"x\"");
	in = reader_of(bytes, writer_used(&out));
	ck_assert(notice_get(&in, &notice));
	notice_words_of(notice.body, notice.size, &words);
	notice_add(&words, "told", "MASTER");
	notice_add_json_number(&words, "coalesced", 3);
	notice_add_json_text(&words, "told", NULL);
	notice_end_json(&words);
	ck_assert_uint_eq(words.count, 3);
	ck_assert_str_eq(words.environment[0], "LBHA_REASON=a?LD_PRELOAD=/x ?[31m ?");
	ck_assert_str_eq(words.environment[1], "LBHA_EFFECTIVE_WEIGHT=7");
	ck_assert_str_eq(words.environment[2], "LBHA_TOLD=MASTER");
	ck_assert_ptr_null(words.environment[3]);
	ck_assert_str_eq(words.json, "{\"reason\":\"x\",\"coalesced\":3,\"told\":null}\n");
}
END_TEST

START_TEST(no_name_becomes_another_variable)
{
	static const char *const names[] = {"", "LD_PRELOAD", "a=b", "x y", "a\n", "\xc3\xa4"};
	uint8_t bytes[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct writer out = writer_of(bytes, sizeof(bytes));
		struct notice notice = {.event = "reload", .object = "x"};
		struct reader in;

		notice_put_head(&out, &notice, 1);
		notice_put_member(&out, names[i], "x");
		notice_put_text(&out, "{");
		in = reader_of(bytes, writer_used(&out));
		ck_assert_msg(!notice_get(&in, &notice), "%s", names[i]);
	}
}
END_TEST

/* Cut anywhere, or changed anywhere, it is a notice or none, and nothing is read beyond its end. */
START_TEST(any_bytes_are_a_notice_or_none)
{
	static struct notice_words words;
	struct notice good = notice_of("public", "vrrp_state", "MASTER"), got;
	uint8_t bytes[1024];
	struct writer out = writer_of(bytes, sizeof(bytes));
	unsigned seed = suite_seed();
	size_t size;

	notice_put_head(&out, &good, 1);
	notice_put_member(&out, "new", "MASTER");
	notice_put_text(&out, "{\"new\":\"MASTER\"");
	size = writer_used(&out);
	for (int i = 0; i < 20000; i++) {
		size_t cut = suite_random(&seed) % 2 ? size : suite_random(&seed) % size;
		uint8_t *copy = malloc(cut + !cut);
		struct reader in = reader_of(copy, cut);

		memcpy(copy, bytes, cut);
		for (unsigned j = suite_random(&seed) % 4; j && cut; j--)
			copy[suite_random(&seed) % cut] = (uint8_t)suite_random(&seed);
		if (notice_get(&in, &got))
			notice_words_of(got.body, got.size, &words);
		free(copy);
	}
}
END_TEST

static TCase *queues(void)
{
	TCase *tcase = CASE("queue", an_object_is_told_one_event_at_a_time_and_then_the_latest,
			    back_to_what_was_told_is_told_all_the_same,
			    kinds_of_events_of_an_object_keep_their_order_and_do_not_replace_each_other,
			    who_says_how_all_is_brings_about_only_what_is_owed, one_that_did_not_run_is_told_again_and_first,
			    a_slow_script_leaves_places_for_others_and_scripts_take_turns,
			    a_script_that_is_no_longer_configured_is_forgotten,
			    what_nobody_spoke_of_over_two_configurations_is_told_anew, what_was_told_is_handed_over,
			    each_of_very_many_scripts_has_its_turn,
			    beyond_its_bounds_it_counts_and_asks_for_all_when_there_is_room,
			    after_any_events_the_last_state_is_told);

	tcase_add_checked_fixture(tcase, setup, teardown);
	return tcase;
}

int main(void)
{
	return SUITE_RUN("notify", queues(), CASE("keys", each_of_very_many_scripts_is_found_by_its_key),
			 CASE("notices", words_become_clean_variables_and_the_text_gets_its_end, no_name_becomes_another_variable,
			      any_bytes_are_a_notice_or_none));
}
