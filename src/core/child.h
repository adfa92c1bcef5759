/* Child processes with exactly the descriptors and rights they are given. */
#ifndef LBHA_CORE_CHILD_H
#define LBHA_CORE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CHILD_FDS 8
#define CHILD_CAPS 4

struct child {
	int executable;            /* opened O_RDONLY|O_CLOEXEC; run by fexecve, so a replaced file is never mixed in */
	const char *const *argv;   /* NULL-terminated */
	int fds[CHILD_FDS];        /* become 3, 4, …; -1 leaves that number closed; all others are closed */
	size_t fd_count;
	uid_t uid;
	gid_t gid;
	int caps[CHILD_CAPS];      /* capabilities (CAP_*) that it has, where we have them; its bounding set is empty */
	size_t cap_count;
	bool whole_environment;    /* else what programs and libraries need: lbha.conf's ${NAME} may be secrets */
	bool silent;               /* standard output and error are /dev/null: the child logs elsewhere */
	bool realtime;             /* SCHED_RR; a refusal is no failure, the child can ask sched_getscheduler(2) */
	int realtime_priority;
	/* Instead of all the above: what the new process does, in a session of its own, with signals as at a
	 * program's start and every descriptor from 3 on CLOEXEC. It returns only to fail (status 127). */
	void (*enter)(void *ctx);
	void *ctx;
};

/* Starts it: its pid and a pidfd (CLOEXEC), or -errno. The child leads a process group of its own, has
 * no_new_privs (unless `enter` is given, which sees to that), and exits with 127 when a right could not be given up or the file not be executed. */
int child_start(const struct child *child, pid_t *pid, int *pidfd);

/* Stopping is the supervisor's to say. A terminal's Ctrl-C reaches the whole group, and a service manager sends what it
 * stops or restarts a daemon with, and the SIGABRT for one that hangs, to all that it finds (abort(3) works all the same).
 * So it is from the moment of the fork, since what is ignored is ignored beyond exec(2). */
void child_ignore_signals(void);

#endif
