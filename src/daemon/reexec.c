/* fexecve; see the header. */
#include "daemon/reexec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/baton.h"

extern char **environ;

static void signals_hold(bool hold)
{
	static const int numbers[] = {SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* The arguments with the path in the first place and our option in the second: behind it what the daemon was told. */
static const char **arguments(const char *path, char *const *argv, const char *option)
{
	const char **made;
	size_t count = 0, used = 0;

	while (argv[count])
		count++;
	made = calloc(count + 2, sizeof(*made));
	if (!made)
		return NULL;
	made[used++] = path;
	made[used++] = option;
	for (size_t i = 1; i < count; i++)
		if (strncmp(argv[i], REEXEC_OPTION, strlen(REEXEC_OPTION)) != 0)
			made[used++] = argv[i];
	return made;
}

int reexec(int executable, const char *path, char *const *argv, const struct baton *baton, int baton_fd, int signal)
{
	char option[32];
	const char **words;
	int err;

	snprintf(option, sizeof(option), REEXEC_OPTION "%d", baton_fd);
	words = arguments(path, argv, option);
	if (!words)
		return -ENOMEM;
	signals_hold(true);
	if (signal)
		raise(signal);
	syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
	baton_keep(baton, true);
	fcntl(baton_fd, F_SETFD, 0);
	fexecve(executable, (char *const *)(uintptr_t)words, environ);
	err = -errno;
	baton_keep(baton, false);
	fcntl(baton_fd, F_SETFD, FD_CLOEXEC);
	signals_hold(false);
	free(words);
	return err;
}

void reexec_done(void)
{
	prctl(PR_SET_NAME, "lbhad"); /* of fexecve the kernel knows only a number */
	signals_hold(false);
}
