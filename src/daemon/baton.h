/* The baton: what a supervisor hands to the one that takes its place in the same process, when it executes another lbhad
 * (daemon/upgrade.h): the descriptors that stay open, whose workers they are, and what is nowhere else. It is a carry
 * (base/carry.h) in sealed memory, so what is said of forms and types there holds here: they are a contract between
 * releases. A successor that cannot go on hands the same baton back, with its reason behind it. */
#ifndef LBHA_DAEMON_BATON_H
#define LBHA_DAEMON_BATON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/model.h"
#include "daemon/job.h"

#define BATON_ORDERS 20
#define BATON_WHY 4096
#define BATON_BUILD 64

struct overrides;

/* One worker that goes on. Descriptors are numbers in the process; -1: none. */
struct baton_worker {
	bool there;
	pid_t pid;
	int pidfd, channel, page;
	nstime started;
	uint32_t restarts, deaths;
};

/* What an operator wants of vrrp and has not been answered yet. */
struct baton_order {
	uint32_t number, request;
	bool failed;
	nstime deadline;
};

struct baton {
	char build[BATON_BUILD];        /* of who wrote it */
	nstime started;                 /* when the daemon was */
	uint32_t generation;            /* in force */
	uint32_t last_order;
	bool silent;                    /* logs go to syslog(3) */
	int lbhad, checkd;              /* its executables */
	int run_dir, state_dir, lock, owned, control, services;
	int slices[ROLE_COUNT];         /* of the configuration in force */
	struct baton_worker workers[ROLE_COUNT];
	struct job jobs[JOBS];          /* the upgrade first, then those that wait */
	unsigned job_count;
	struct baton_order orders[BATON_ORDERS];
	unsigned order_count;
	nstime reload_time;
	bool reload_failed;
	char reload_error[256];
	const char *overrides;          /* the text of overrides.h; inside the mapped baton */
	size_t overrides_size;
	const void *told;               /* what notify scripts were told (notify_queue.h); likewise */
	size_t told_size;
	bool refused;                   /* it comes back: the successor could not take over */
	char why[BATON_WHY];
	const void *bytes;              /* mapped by baton_read */
	size_t size;
};

/* A sealed baton of all but `bytes`; its descriptor, or -errno. */
int baton_write(const struct baton *baton);
/* The same baton with a reason: -errno. */
int baton_refuse(const struct baton *baton, const char *why);

/* malloc'ed (baton_free). -EPROTO: it is none, or lacks what no supervisor can do without; -ENOTSUP: there is a worker
 * in it that this release does not know. `fd` stays the caller's. */
int baton_read(int fd, struct baton **out);
void baton_free(struct baton *baton);

/* Each descriptor that is named in it, so that they live beyond an execution, or do not. */
void baton_keep(const struct baton *baton, bool keep);

#endif
