/* daemon: the installed lbhad is asked whether it can take over. The program is the installed one, too: the "file" says how
 * it behaves. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/sealed.h"
#include "daemon/successor.h"
#include "suite.h"

#define LONG (10 * NSTIME_S)

static struct loop *loop;
static unsigned answers;
static bool accepted;
static char why[8192];

static void answered(void *ctx, bool yes, const char *words)
{
	ck_assert_ptr_eq(ctx, &answers);
	answers++;
	accepted = yes;
	snprintf(why, sizeof(why), "%s", words);
	loop_stop(loop);
}

static void given_up(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

static void ask(const char *behaviour, int state, nstime patience)
{
	struct successor_order order = {.executable = successor_open("/proc/self/exe"),
					.file = behaviour,
					.node = "lb1",
					.state = state,
					.patience = patience};
	struct successor *successor;
	struct loop_timer deadline;

	loop = loop_new();
	answers = 0;
	ck_assert_int_ge(order.executable, 0);
	ck_assert_int_eq(timer_init(loop, &deadline, LOOP_NORMAL, given_up, NULL), 0);
	timer_at(&deadline, clock_now() + 2 * LONG);
	ck_assert_int_eq(successor_start(loop, &order, answered, &answers, &successor), 0);
	close(order.executable);
	loop_run(loop);
	ck_assert_uint_eq(answers, 1);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
	timer_fini(&deadline);
	loop_free(loop);
}

START_TEST(who_accepts_is_given_file_node_and_state)
{
	char words[] = "state";
	const struct iovec bytes = {.iov_base = words, .iov_len = 5};
	int state = sealed_make("state", &bytes, 1);

	ask("accept", state, LONG);
	ck_assert_str_eq(why, "");
	ck_assert(accepted);
	close(state);
}
END_TEST

START_TEST(who_refuses_says_why)
{
	ask("refuse", -1, LONG);
	ck_assert(!accepted);
	ck_assert_str_eq(why, "first\nsecond\n");
}
END_TEST

START_TEST(of_endless_words_the_beginning_is_kept)
{
	ask("talk", -1, LONG);
	ck_assert(!accepted);
	ck_assert_uint_eq(strlen(why), 4095);
}
END_TEST

START_TEST(who_ends_without_a_word_has_not_accepted)
{
	ask("crash", -1, LONG);
	ck_assert(!accepted);
	ck_assert_str_eq(why, "the installed lbhad was killed by signal 9");
	ask("silent", -1, LONG);
	ck_assert(!accepted);
	ck_assert_str_eq(why, "the installed lbhad ended with status 3 and said nothing");
}
END_TEST

START_TEST(who_hangs_is_killed_and_has_not_accepted)
{
	ask("hang", -1, NSTIME_S / 5);
	ck_assert(!accepted);
	ck_assert_str_eq(why, "the installed lbhad did not answer within 0.2 s");
}
END_TEST

/* systemctl restart sends it to all of the control group, of which the child is by then. */
START_TEST(a_signal_for_the_whole_daemon_does_not_end_it)
{
	ask("group", -1, LONG);
	ck_assert_str_eq(why, "");
	ck_assert(accepted);
}
END_TEST

START_TEST(the_path_is_the_one_of_the_start)
{
	char *path = successor_path("no/such/file"), target[4096];
	ssize_t length = readlink("/proc/self/exe", target, sizeof(target) - 1);

	ck_assert_int_gt(length, 0);
	target[length] = '\0';
	ck_assert_str_eq(path, target);
	free(path);
	ck_assert_int_eq(symlink(target, "successor-link"), 0);
	path = successor_path("./successor-link");
	unlink("successor-link");
	ck_assert_str_eq(strrchr(path, '/'), "/successor-link");
	free(path);
}
END_TEST

/* ---- the installed one --------------------------------------------------------------------------------------- */

static int accept_it(int argc, char **argv)
{
	static const char *const wanted[] = {"--check", "--can-adopt", "-f", "accept", "--node", "lb1"};
	size_t size;
	const void *state = sealed_map(SUCCESSOR_FD_STATE, &size);

	for (int i = 1; i < argc; i++)
		if (i > 6 || strcmp(argv[i], wanted[i - 1]) != 0)
			return 1;
	return argc != 7 || !state || size != 5 || memcmp(state, "state", 5) != 0;
}

static int successor_main(int argc, char **argv)
{
	const char *behaviour = argv[4];

	if (!strcmp(behaviour, "accept"))
		return accept_it(argc, argv);
	if (!strcmp(behaviour, "refuse"))
		dprintf(SUCCESSOR_FD_LINES, "first\nsecond\n");
	for (int i = 0; !strcmp(behaviour, "talk") && i < 40000; i++)
		dprintf(SUCCESSOR_FD_LINES, "word\n");
	if (!strcmp(behaviour, "crash"))
		raise(SIGKILL);
	if (!strcmp(behaviour, "group"))
		return raise(SIGQUIT) || raise(SIGTERM) || raise(SIGABRT);
	while (!strcmp(behaviour, "hang"))
		pause();
	return 3;
}

int main(int argc, char **argv)
{
	if (argc > 4)
		return successor_main(argc, argv);
	return SUITE_RUN("successor", CASE("the installed one", who_accepts_is_given_file_node_and_state,
					   who_refuses_says_why, of_endless_words_the_beginning_is_kept,
					   who_ends_without_a_word_has_not_accepted,
					   who_hangs_is_killed_and_has_not_accepted, a_signal_for_the_whole_daemon_does_not_end_it,
					   the_path_is_the_one_of_the_start));
}
