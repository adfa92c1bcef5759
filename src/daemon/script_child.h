/* A script as a process: what stands between fork and its first instruction. */
#ifndef LBHA_DAEMON_SCRIPT_CHILD_H
#define LBHA_DAEMON_SCRIPT_CHILD_H

#include <stddef.h>
#include <sys/types.h>

struct script_child {
	const char *const *argv;         /* path first */
	size_t argc;
	const char *const *environment;  /* ended by NULL; PATH comes before it */
	const char *user;
	int input;                       /* becomes its standard input; -1: /dev/null */
	int output;                      /* its standard output and error; -1: /dev/null */
};

#define SCRIPT_ENVIRONMENT 64 /* most that it may hold, with PATH and the end */

/* Starts it in a session and process group of its own: its pid, a pidfd, and the read end of a pipe on which the new
 * process says, in words, why it cannot become the script; it is closed without a word when it has. No step of
 * this waits in the caller. -errno. */
int script_child_start(const struct script_child *script, pid_t *pid, int *pidfd, int *report);

#endif
