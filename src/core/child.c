/* fork, give up, fexecve. Between fork and exec only system calls (and libcap-ng, which we call before any thread
 * exists): the supervisor has one thread. */
#include "core/child.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

#define FIRST_FD 3
#define HIGH_FD (FIRST_FD + CHILD_FDS) /* above every number we hand out, and low enough for any limit */

extern char **environ;

/* Puts the descriptors into their places by way of high numbers, so that none overwrites another. */
static int place_fds(const struct child *child)
{
	int high[CHILD_FDS], executable;

	for (size_t i = 0; i < child->fd_count; i++) {
		high[i] = child->fds[i] < 0 ? -1 : fcntl(child->fds[i], F_DUPFD_CLOEXEC, HIGH_FD);
		if (child->fds[i] >= 0 && high[i] < 0)
			return -1;
	}
	executable = fcntl(child->executable, F_DUPFD_CLOEXEC, HIGH_FD);
	for (size_t i = 0; i < child->fd_count; i++) {
		close(FIRST_FD + (int)i);
		if (high[i] >= 0 && dup2(high[i], FIRST_FD + (int)i) < 0)
			return -1;
	}
	/* what is above is CLOEXEC or is made so: only 0, 1, 2 and the given ones survive */
	syscall(SYS_close_range, FIRST_FD + (unsigned)child->fd_count, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
	return executable;
}

/* See core/log.h for the variable. */
static void silence(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	setenv("LBHA_LOG_TARGET", "syslog", 1);
}

/* What a program of ours or a library looks at: where messages go to, places, words, and what developers look for faults
 * with. An asterisk stands for any rest. */
static const char *const NEEDED[] = {
	"LBHA_*", "JOURNAL_STREAM", "PATH", "TZ", "LANG", "LC_*", "SSL_CERT_*", "OPENSSL_*", "LD_*", "MALLOC_*",
	"GLIBC_*", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "VALGRIND_*", "GCOV_*", "LLVM_*",
};

static bool is_needed(const char *variable)
{
	size_t name = strcspn(variable, "=");

	for (size_t i = 0; i < COUNT_OF(NEEDED); i++) {
		size_t length = strcspn(NEEDED[i], "*");

		if (!strncmp(variable, NEEDED[i], length) && (NEEDED[i][length] || length == name))
			return true;
	}
	return false;
}

/* In place: it is our own copy. */
static void keep_needed_environment(void)
{
	char **kept = environ;

	for (char **at = environ; *at; at++)
		if (is_needed(*at))
			*kept++ = *at;
	*kept = NULL;
}

/* Beyond exec a user other than root has what is in the ambient set; the bounding set, which is empty by then, does
 * not count for it. */
static int keep_caps(const int *caps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, caps[i], 0, 0))
			return -1;
	return 0;
}

static size_t caps_we_have(const struct child *child, int *caps)
{
	size_t count = 0;

	capng_get_caps_process();
	for (size_t i = 0; i < child->cap_count; i++)
		if (capng_have_capability(CAPNG_PERMITTED, (unsigned)child->caps[i]))
			caps[count++] = child->caps[i];
	return count;
}

/* libcap-ng keeps what is added, through the change of user, and empties the bounding set while it still may. */
static int give_up_rights(const struct child *child)
{
	int caps[CHILD_CAPS];
	size_t count = caps_we_have(child, caps);

	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < count; i++)
		if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE, (unsigned)caps[i]))
			return -1;
	if (capng_change_id((int)child->uid, (int)child->gid,
			    (capng_flags_t)(CAPNG_CLEAR_BOUNDING | CAPNG_DROP_SUPP_GRP)) ||
	    keep_caps(caps, count))
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void unblock_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int number = 1; number < 32; number++)
		signal(number, SIG_DFL);
}

void child_ignore_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGUSR1, SIGUSR2, SIGPIPE};

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		signal(numbers[i], SIG_IGN);
}

/* What our service manager gave us is between it and us. */
static void forget_manager(void)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static _Noreturn void enter(const struct child *child)
{
	unblock_signals();
	forget_manager();
	setsid();
	syscall(SYS_close_range, FIRST_FD, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
	child->enter(child->ctx);
	_exit(127);
}

static _Noreturn void become(const struct child *child)
{
	struct sched_param realtime = {.sched_priority = child->realtime_priority};
	int executable;

	unblock_signals();
	child_ignore_signals();
	forget_manager();
	setpgid(0, 0);
	if (child->realtime)
		sched_setscheduler(0, SCHED_RR, &realtime);
	executable = place_fds(child);
	if (executable < 0) {
		dprintf(STDERR_FILENO, "%s: cannot place descriptors: %m\n", child->argv[0]);
		_exit(127);
	}
	if (give_up_rights(child)) {
		dprintf(STDERR_FILENO, "%s: cannot give up rights: %m\n", child->argv[0]);
		_exit(127);
	}
	if (child->silent)
		silence();
	if (!child->whole_environment)
		keep_needed_environment();
	fexecve(executable, (char *const *)(uintptr_t)child->argv, environ);
	dprintf(STDERR_FILENO, "%s: cannot be executed: %m\n", child->argv[0]);
	_exit(127);
}

int child_start(const struct child *child, pid_t *pid, int *pidfd)
{
	pid_t started = fork();
	int fd;

	if (started < 0)
		return -errno;
	if (!started && child->enter)
		enter(child);
	if (!started)
		become(child);
	fd = (int)syscall(SYS_pidfd_open, started, 0);
	if (fd < 0) {
		int err = -errno;

		kill(started, SIGKILL);
		waitpid(started, NULL, 0);
		return err;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	*pid = started;
	*pidfd = fd;
	return 0;
}
