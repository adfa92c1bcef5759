/* daemon: the runner holds its ground against whoever asks. What scripts do is in tests/netns/test_check_script.py. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "check/run.h"
#include "config/model.h"
#include "core/loop.h"
#include "daemon/runner.h"
#include "suite.h"

static struct loop *loop;
static struct run_answer answers[8];
static unsigned answered;
static int pipe_ends[2];

static const char *sleeping[] = {"/bin/sleep", "1000"};
static struct check checks[] = {
	{.type = CHECK_SCRIPT, .command = sleeping, .command_count = 2, .timeout = 10 * NSTIME_S},
	{.type = CHECK_TCP, .timeout = NSTIME_S},
};
static struct probe probes[] = {{.check = 0, .key = 1}, {.check = 1, .key = 2}, {.check = 0, .key = 3}};
static struct model model = {
	.generation = 5,
	.global = {.users = {.script = "no-such-user-at-all"}},
	.checks = checks,
	.check_count = COUNT_OF(checks),
	.probes = probes,
	.probe_count = COUNT_OF(probes),
};

static void note_answer(void *ctx, const struct run_answer *answer)
{
	(void)ctx;
	ck_assert_uint_lt(answered, COUNT_OF(answers));
	answers[answered++] = *answer;
	if (answer->end != RUN_BUSY && answer->end != RUN_STALE)
		loop_stop(loop);
}

static struct runner *runner_begin(void)
{
	struct runner *runner;

	answered = 0;
	loop = loop_new();
	runner = runner_new(loop, note_answer, NULL);
	ck_assert_ptr_nonnull(runner);
	ck_assert_int_eq(pipe2(pipe_ends, O_CLOEXEC), 0);
	runner_model(runner, &model);
	return runner;
}

static void runner_end(struct runner *runner)
{
	runner_free(runner);
	loop_free(loop);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static bool ask(struct runner *runner, uint32_t run, uint32_t generation, uint32_t probe)
{
	return runner_run(runner, &(struct run_order){.run = run, .generation = generation, .probe = probe},
			  pipe_ends[1]);
}

START_TEST(what_is_no_script_of_the_model_cannot_be_asked_for)
{
	struct runner *runner = runner_begin();

	ck_assert(!ask(runner, 1, 5, 1));
	ck_assert(!ask(runner, 1, 5, 3));
	ck_assert(!ask(runner, 1, 5, UINT32_MAX));
	ck_assert_uint_eq(answered, 0);
	runner_end(runner);
}
END_TEST

START_TEST(the_output_must_be_a_pipe)
{
	struct runner *runner = runner_begin();
	const struct run_order order = {.run = 1, .generation = 5, .probe = 0};
	int pair[2], file = open("/dev/null", O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert(!runner_run(runner, &order, -1));
	ck_assert(!runner_run(runner, &order, file));
	ck_assert(!runner_run(runner, &order, pair[0]));
	close(file);
	close(pair[0]);
	close(pair[1]);
	runner_end(runner);
}
END_TEST

START_TEST(an_order_of_another_generation_is_stale_and_says_which)
{
	struct runner *runner = runner_begin();

	ck_assert(ask(runner, 1, 4, 0));
	ck_assert(ask(runner, 2, 6, 1000000));
	runner_model(runner, NULL);
	ck_assert(ask(runner, 3, 5, 0));
	ck_assert_uint_eq(answered, 3);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(answers[i].run, i + 1);
		ck_assert_int_eq(answers[i].end, RUN_STALE);
	}
	ck_assert_uint_eq(answers[0].number, 4);
	ck_assert_uint_eq(answers[1].number, 6);
	runner_end(runner);
}
END_TEST

START_TEST(one_probe_runs_once_at_a_time)
{
	struct runner *runner = runner_begin();

	ck_assert(ask(runner, 1, 5, 0));
	ck_assert(ask(runner, 2, 5, 0));
	ck_assert_uint_eq(answered, 1);
	ck_assert_uint_eq(answers[0].run, 2);
	ck_assert_int_eq(answers[0].end, RUN_BUSY);
	runner_end(runner);
}
END_TEST

START_TEST(a_script_without_a_user_was_not_started_and_says_so)
{
	struct runner *runner = runner_begin();

	ck_assert(ask(runner, 7, 5, 0));
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_uint_eq(answered, 1);
	ck_assert_uint_eq(answers[0].run, 7);
	ck_assert_int_eq(answers[0].end, RUN_NOT_STARTED);
	ck_assert_str_eq(answers[0].why, "there is no user no-such-user-at-all");
	runner_end(runner);
}
END_TEST

START_TEST(a_cancelled_run_is_answered_once_and_its_slot_is_free_again)
{
	struct runner *runner = runner_begin();

	for (uint32_t run = 1; run <= 3; run++) {
		answered = 0;
		ck_assert(ask(runner, run, 5, 2));
		runner_cancel(runner, run);
		runner_cancel(runner, 99);
		ck_assert_int_eq(loop_run(loop), 0);
		ck_assert_uint_eq(answered, 1);
		ck_assert_uint_eq(answers[0].run, run);
	}
	runner_end(runner);
}
END_TEST

int main(void)
{
	return SUITE_RUN("runner", CASE("runner", what_is_no_script_of_the_model_cannot_be_asked_for, the_output_must_be_a_pipe,
					an_order_of_another_generation_is_stale_and_says_which, one_probe_runs_once_at_a_time,
					a_script_without_a_user_was_not_started_and_says_so,
					a_cancelled_run_is_answered_once_and_its_slot_is_free_again));
}
