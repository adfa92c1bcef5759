/* Waits for signals and nothing else; the daemon itself never learns of it, so an upgrade is none of its business. */
#include "daemon/first.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "core/loop.h"

#define PATIENCE_ORPHANS (120 * NSTIME_S) /* as long as the supervisor has for a release */

struct first {
	pid_t daemon;
	int status;       /* to exit with; -1: the daemon lives */
	bool orphans;     /* may be left */
	nstime deadline;  /* for them, once the daemon has ended */
};

static void daemon_ended(struct first *first, int how)
{
	first->status = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
	first->deadline = clock_now() + PATIENCE_ORPHANS;
	if (WIFSIGNALED(how))
		log_error("lbhad was killed by signal %d; its workers release what they have", WTERMSIG(how));
}

static void reap(struct first *first)
{
	pid_t ended;
	int how;

	while ((ended = waitpid(-1, &how, WNOHANG)) > 0)
		if (ended == first->daemon)
			daemon_ended(first, how);
	first->orphans = !ended;
}

/* One that ended as it was asked to has left nobody who is worth waiting for. */
static bool is_over(const struct first *first)
{
	if (first->status < 0)
		return false;
	return first->status < 128 || !first->orphans || clock_now() >= first->deadline;
}

/* While the daemon lives signals are its; afterwards whoever sends one has lost patience. */
static void heed(struct first *first, int number)
{
	switch (number) {
	case SIGTERM:
	case SIGINT:
	case SIGHUP:
	case SIGQUIT:
	case SIGUSR1:
	case SIGUSR2:
		if (first->status < 0)
			kill(first->daemon, number);
		else
			first->deadline = clock_now();
		return;
	default:
		return; /* of a terminal, or of a timer that nobody set */
	}
}

static _Noreturn void first_run(struct first *first)
{
	const struct timespec second = {.tv_sec = 1};
	sigset_t all;

	sigfillset(&all);
	prctl(PR_SET_NAME, "lbhad-first");
	for (reap(first); !is_over(first); reap(first)) {
		int number = sigtimedwait(&all, NULL, &second);

		if (number > 0)
			heed(first, number);
	}
	exit(first->status);
}

void first_process(void)
{
	struct first first = {.status = -1};
	sigset_t all, before;

	if (getpid() != 1)
		return;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before); /* one that comes now waits for us */
	first.daemon = fork();
	if (first.daemon > 0)
		first_run(&first);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (first.daemon < 0)
		log_warning("lbhad is process 1 and cannot have a child (%m): orphans of scripts will not be reaped");
}
