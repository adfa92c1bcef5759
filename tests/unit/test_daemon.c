/* daemon: the phases of a reload, and the queue of jobs. */
#include <string.h>

#include "base/cleanup.h"
#include "daemon/backoff.h"
#include "daemon/job.h"
#include "daemon/reload.h"
#include "suite.h"

#define ALL (1u << ROLE_CONTROL | 1u << ROLE_CHECK | 1u << ROLE_IPVS | 1u << ROLE_VRRP)

static const enum role order[] = {ROLE_CONTROL, ROLE_CHECK, ROLE_IPVS, ROLE_VRRP};

START_TEST(all_prepare_then_commit_in_order_then_apply)
{
	struct reload reload;
	struct reload_step step = reload_begin(&reload, ALL, false);

	ck_assert_int_eq(step.next, RELOAD_PREPARE);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(reload_prepared(&reload, order[i], true).next, RELOAD_WAIT);
	step = reload_prepared(&reload, order[3], true);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(step.next, RELOAD_COMMIT);
		ck_assert_int_eq(step.role, order[i]);
		ck_assert_int_eq(step.first, i == 0);
		step = reload_committed(&reload, order[i]);
	}
	ck_assert_int_eq(step.next, RELOAD_APPLY);
	ck_assert_int_eq(reload.phase, RELOAD_IDLE);
}
END_TEST

START_TEST(a_refusal_or_a_death_before_the_first_commit_ends_it)
{
	struct reload reload;

	for (size_t i = 0; i < COUNT_OF(order); i++) {
		reload_begin(&reload, ALL, false);
		ck_assert_int_eq(reload_prepared(&reload, order[i], false).next, RELOAD_REFUSE);
		ck_assert_int_eq(reload_prepared(&reload, order[(i + 1) % 4], true).next, RELOAD_WAIT);
		reload_begin(&reload, ALL, false);
		ck_assert_int_eq(reload_died(&reload, order[i]).next, RELOAD_REFUSE);
	}
}
END_TEST

START_TEST(a_death_after_the_first_commit_does_not_stop_it)
{
	struct reload reload;
	struct reload_step step;

	reload_begin(&reload, ALL, false);
	for (size_t i = 0; i < COUNT_OF(order); i++)
		step = reload_prepared(&reload, order[i], true);
	ck_assert_int_eq(step.role, ROLE_CONTROL);
	ck_assert_int_eq(reload_died(&reload, ROLE_IPVS).next, RELOAD_WAIT);
	ck_assert_int_eq(reload_committed(&reload, ROLE_CONTROL).role, ROLE_CHECK);
	step = reload_died(&reload, ROLE_CHECK);
	ck_assert_int_eq(step.next, RELOAD_COMMIT);
	ck_assert_int_eq(step.role, ROLE_VRRP);
	ck_assert_int_eq(reload_committed(&reload, ROLE_VRRP).next, RELOAD_APPLY);
}
END_TEST

START_TEST(a_plan_commits_nothing)
{
	struct reload reload;
	struct reload_step step = {0};

	reload_begin(&reload, ALL, true);
	for (size_t i = 0; i < COUNT_OF(order); i++)
		step = reload_prepared(&reload, order[i], true);
	ck_assert_int_eq(step.next, RELOAD_PLANNED);
}
END_TEST

START_TEST(without_workers_it_is_in_force_at_once)
{
	struct reload reload;
	struct reload_step step = reload_begin(&reload, 0, false);

	ck_assert_int_eq(step.next, RELOAD_APPLY);
	ck_assert(step.first);
	ck_assert_int_eq(reload_begin(&reload, 0, true).next, RELOAD_PLANNED);
}
END_TEST

START_TEST(answers_out_of_turn_change_nothing)
{
	struct reload reload;

	reload_begin(&reload, 1u << ROLE_IPVS, false);
	ck_assert_int_eq(reload_committed(&reload, ROLE_IPVS).next, RELOAD_WAIT);
	ck_assert_int_eq(reload_prepared(&reload, ROLE_VRRP, true).next, RELOAD_WAIT);
	ck_assert_int_eq(reload_prepared(&reload, ROLE_IPVS, true).next, RELOAD_COMMIT);
	ck_assert_int_eq(reload_prepared(&reload, ROLE_IPVS, true).next, RELOAD_WAIT);
	ck_assert_int_eq(reload_committed(&reload, ROLE_IPVS).next, RELOAD_APPLY);
	ck_assert_int_eq(reload_died(&reload, ROLE_IPVS).next, RELOAD_WAIT);
}
END_TEST

START_TEST(a_signal_joins_any_reload_that_waits_and_finds_a_place_among_plans)
{
	static struct job_queue queue;
	struct job by_signal = {.kind = REQUEST_RELOAD};
	struct job plan = {.kind = REQUEST_PLAN, .from_control = true};
	struct job by_control = {.kind = REQUEST_RELOAD, .from_control = true};

	memset(&queue, 0, sizeof(queue));
	while (job_add(&queue, &plan))
		;
	ck_assert_uint_eq(queue.count, JOBS - 1);
	ck_assert(job_add(&queue, &by_signal));
	ck_assert(job_add(&queue, &by_signal));
	ck_assert(!job_add(&queue, &by_control));
	ck_assert_uint_eq(queue.count, JOBS);
	memset(&queue, 0, sizeof(queue));
	ck_assert(job_add(&queue, &by_control)); /* under way */
	ck_assert(job_add(&queue, &by_control));
	ck_assert(job_add(&queue, &by_signal));
	ck_assert_uint_eq(queue.count, 2);
}
END_TEST

START_TEST(reloads_by_signal_that_wait_are_one)
{
	static struct job_queue queue;
	struct job by_signal = {.kind = REQUEST_RELOAD};
	struct job by_control = {.kind = REQUEST_RELOAD, .from_control = true};

	memset(&queue, 0, sizeof(queue));
	ck_assert(job_add(&queue, &by_signal)); /* under way: has read the file already */
	ck_assert(job_add(&queue, &by_signal)); /* must run once more */
	ck_assert(job_add(&queue, &by_signal));
	ck_assert_uint_eq(queue.count, 2);
	for (unsigned i = queue.count; i < JOBS - 1; i++) {
		by_control.request = i;
		ck_assert(job_add(&queue, &by_control));
	}
	ck_assert(!job_add(&queue, &by_control));
	job_drop(&queue);
	job_drop(&queue);
	ck_assert_uint_eq(job_first(&queue)->request, 2);
}
END_TEST

START_TEST(a_dead_control_worker_takes_who_asked_along_but_not_what_was_asked)
{
	static struct job_queue queue;
	struct job job = {.kind = REQUEST_RELOAD, .from_control = true, .request = 7};

	memset(&queue, 0, sizeof(queue));
	queue.first = JOBS - 1;
	ck_assert(job_add(&queue, &job));
	ck_assert(job_add(&queue, &job));
	job_forget_askers(&queue);
	ck_assert(!job_first(&queue)->from_control);
	job_drop(&queue);
	ck_assert(!job_first(&queue)->from_control);
	ck_assert_uint_eq(queue.count, 1);
}
END_TEST

/* ---- back-off ------------------------------------------------------------------------------------ */

START_TEST(the_first_three_starts_wait_for_nothing_and_the_next_longer_and_longer)
{
	static const nstime waits[] = {0, 0, 0, 1, 2, 4, 8, 16, 30, 30};

	for (unsigned i = 0; i < COUNT_OF(waits); i++)
		ck_assert_int_eq(backoff_wait(i + 1), waits[i] * NSTIME_S);
	ck_assert_int_eq(backoff_wait(1000000), 30 * NSTIME_S);
	ck_assert_uint_eq(backoff_deaths(5, NSTIME_S), 6);
	ck_assert_uint_eq(backoff_deaths(5, 61 * NSTIME_S), 1);
}
END_TEST

START_TEST(a_hang_is_told_as_soon_as_backups_take_over_but_never_within_three_seconds)
{
	ck_assert_int_eq(backoff_stale(10 * NSTIME_MS), 3 * NSTIME_S);
	ck_assert_int_eq(backoff_stale(NSTIME_S), 3 * NSTIME_S);
	ck_assert_int_eq(backoff_stale(2 * NSTIME_S), 6 * NSTIME_S);
	ck_assert_int_eq(backoff_stale(40 * NSTIME_S), 10 * NSTIME_S);
	ck_assert_int_eq(backoff_stale(0), 10 * NSTIME_S);
}
END_TEST

START_TEST(a_start_two_intervals_after_the_last_sign_of_life_is_too_late)
{
	ck_assert(!backoff_is_too_late(100 * NSTIME_S, NSTIME_S, 101 * NSTIME_S));
	ck_assert(backoff_is_too_late(100 * NSTIME_S, NSTIME_S, 102 * NSTIME_S));
	ck_assert(backoff_is_too_late(100 * NSTIME_S, 100 * NSTIME_MS, 101 * NSTIME_S));
	ck_assert(!backoff_is_too_late(100 * NSTIME_S, 0, 101 * NSTIME_S));
}
END_TEST

int main(void)
{
	return SUITE_RUN("daemon",
			 CASE("reload", all_prepare_then_commit_in_order_then_apply,
			      a_refusal_or_a_death_before_the_first_commit_ends_it,
			      a_death_after_the_first_commit_does_not_stop_it, a_plan_commits_nothing,
			      without_workers_it_is_in_force_at_once, answers_out_of_turn_change_nothing),
			 CASE("job", reloads_by_signal_that_wait_are_one,
			      a_signal_joins_any_reload_that_waits_and_finds_a_place_among_plans,
			      a_dead_control_worker_takes_who_asked_along_but_not_what_was_asked),
			 CASE("backoff", the_first_three_starts_wait_for_nothing_and_the_next_longer_and_longer,
			      a_hang_is_told_as_soon_as_backups_take_over_but_never_within_three_seconds,
			      a_start_two_intervals_after_the_last_sign_of_life_is_too_late));
}
