/* The supervisor: starts and watches the workers, drives loads and reloads, answers commands, stops in good order. It
 * parses nothing foreign: texts of lbha.conf go through a compiler without rights, and what comes back is a sealed
 * slice that is read with bounds. */
#ifndef LBHA_DAEMON_SUPERVISOR_H
#define LBHA_DAEMON_SUPERVISOR_H

#include <stdbool.h>

struct supervisor_options {
	const char *file;       /* lbha.conf */
	const char *node;       /* --node, or NULL */
	const char *run_dir, *state_dir;
	int lbhad, checkd;      /* the executables, opened; -1 only when it resumes */
	const char *path;       /* where lbhad is installed; NULL: unknown, there is no upgrade */
	char *const *argv;      /* how this program was started */
	int resume;             /* the baton (daemon/baton.h) of who was this process before; -1: a start */
	int ready_fd;           /* gets one byte when ready (--daemon's parent waits); -1: none */
	bool to_syslog;         /* logs go to syslog(3): workers' at once, the supervisor's when ready */
};

/* Runs until stopped; the exit status: 0 after a stop, 1 on a failure, 2 when the file cannot be opened. */
int supervisor_run(const struct supervisor_options *options);

#endif
