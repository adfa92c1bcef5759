/* The two folders in which a daemon writes: the run folder (lock, control socket, owned file) and the state folder. */
#ifndef LBHA_DAEMON_RUNDIR_H
#define LBHA_DAEMON_RUNDIR_H

#include <stdbool.h>
#include <sys/types.h>

struct rundir {
	const char *run, *state;
	int dir;      /* of the run folder */
	int state_dir; /* -1: there is none, and none could be made */
	int lock;     /* held while we live: one daemon per run folder */
	int owned;    /* the owned file: read and append; locked as long as we or a worker that has it live */
	int control;  /* the listening control socket */
	int services; /* held while this daemon has services: one per network namespace; -1: none */
};

/* Makes the folders when missing, checks that nobody else can write them, locks, and opens what stands in them. Logs
 * what is wrong and returns a negative errno (-EBUSY: another daemon runs there). Waits, up to a minute, for workers
 * that a killed supervisor left behind. Without a state folder the daemon runs all the same: addresses matter more. */
int rundir_open(struct rundir *rundir, const char *run, const char *state);

/* The same of a run folder that is there, with no state folder: to clear up in it. */
int rundir_open_run(struct rundir *rundir, const char *run);

/* Listens on <run>/control.sock, to which nobody but root can connect yet. */
int rundir_listen(struct rundir *rundir);

/* Members of `gid` may connect; not `only` they: everybody, whom the control worker lets in by what it knows of them. */
void rundir_admit(const struct rundir *rundir, gid_t gid, bool only);

/* Takes the network namespace's lock for daemons with services; -EBUSY (logged) when another one has it. */
int rundir_claim_services(struct rundir *rundir);

void rundir_leave_services(struct rundir *rundir);

/* Removes the socket and closes all. */
void rundir_close(struct rundir *rundir);

#endif
