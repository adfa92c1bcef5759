/* A script that runs: from the fork until its process was reaped. Its whole process group is killed when it is late, when
 * somebody says so, and when it has ended by itself: while the dead leader still keeps the group's number from being given
 * to anybody else. (A process that makes a group of its own escapes; following it would need a control group for each
 * run.) A process that cannot die (a disk that hangs) keeps its place until it can. */
#ifndef LBHA_DAEMON_SCRIPT_RUN_H
#define LBHA_DAEMON_SCRIPT_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "check/run.h"
#include "core/loop.h"
#include "daemon/script_child.h"

struct script_run {
	struct loop *loop;
	pid_t pid;       /* 0: none */
	int pidfd, report;
	struct loop_io watch;
	struct loop_timer timer;
	nstime killed;   /* when; 0: not by us */
	/* It is gone: `how` is one of EXITED, KILLED, NOT_STARTED, with number and why. It may be started anew from here. */
	void (*ended)(void *ctx, const struct run_answer *how);
	void (*late)(void *ctx); /* its time is over, and it was killed */
	void *ctx;
};

/* loop, ended, late and ctx are set. -ENOMEM. */
int script_run_init(struct script_run *run);
/* Nobody waits for one that cannot die: init inherits it. */
void script_run_fini(struct script_run *run);

/* -errno: it does not run, and nothing will be called. */
int script_run_start(struct script_run *run, const struct script_child *script, nstime timeout);
void script_run_kill(struct script_run *run);

#endif
