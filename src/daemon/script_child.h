/* A script as a process: what stands between fork and its first instruction. */
#ifndef LBHA_DAEMON_SCRIPT_CHILD_H
#define LBHA_DAEMON_SCRIPT_CHILD_H

#include <sys/types.h>

struct check;
struct endpoint;

struct script_child {
	const struct check *check;       /* command, and the name for its environment */
	const struct endpoint *target;   /* family 0: none */
	const char *user;
	int output;                      /* becomes its standard output and error */
};

/* Starts it in a session and process group of its own: its pid, a pidfd, and the read end of a pipe on which the new
 * process says, in words, why it cannot become the script; it is closed without a word when it has. No step of
 * this waits in the caller. -errno. */
int script_child_start(const struct script_child *script, pid_t *pid, int *pidfd, int *report);

#endif
