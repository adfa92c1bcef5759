/* The workers as processes: started, watched (death and heartbeat), started again with back-off, linked with one
 * another, brought to the configuration in force. What a reload means is the supervisor's business: it is told what
 * workers say (struct workers_ops) and says what to send. */
#ifndef LBHA_DAEMON_WORKERS_H
#define LBHA_DAEMON_WORKERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/facts.h"
#include "config/model.h"
#include "core/loop.h"

struct channel;
struct statepage;
struct workers;

enum slot_duty {
	SLOT_NONE,       /* no transaction of its own is under way */
	SLOT_PREPARING,  /* being brought to the configuration in force after a start */
	SLOT_COMMITTING,
};

/* What a process is there for. */
enum slot_errand {
	ERRAND_WORK,
	ERRAND_WITHDRAW,  /* a vrrp worker without a configuration: to take away what a dead one left */
	ERRAND_TAKE_AWAY, /* a child that does it itself, since not even that worked */
};

#define SLOT_HOW 128

/* One worker's place. Its life is written by workers.c, its duty by the supervisor. */
struct slot {
	struct workers *workers;
	enum role role;
	enum worker_state state;
	enum slot_duty duty;
	pid_t pid;
	int pidfd, page_fd;
	struct loop_io watch;
	struct loop_timer timer;   /* starting again; while it lives: patience with it */
	struct channel *channel;
	struct statepage *page;
	uint32_t generation;       /* committed; 0: none yet */
	uint32_t restarts;
	unsigned deaths;           /* in a row, each soon after the start */
	nstime wait, due;          /* in back-off, and until it runs again: how long, until when */
	char how[SLOT_HOW];        /* the last one died, in words behind its name */
	char doom[64];             /* why we killed the present one */
	nstime alive;              /* vrrp: until when one ran that had committed something */
	unsigned unlinked;         /* peers, a bit for each role, to which it has no link */
	unsigned owed;             /* answers to PREPARE still to come; all but the last are to ones given up */
	nstime started;
	bool hello;                /* it runs our build and listens */
	bool stopping;             /* told to release: its end is wanted */
	bool released;             /* has said that nothing of it is left */
	bool leaving;              /* told to leave: its end is wanted, and nobody takes its place by himself */
	bool left;                 /* has left in good order */
	int carry;                 /* what it handed over: a sealed carry, the slot's; -1: nothing */
	enum slot_errand errand;
	bool heir;                 /* another process still has what is its part in the kernel */
	bool owes;                 /* vrrp: addresses of it, or of an earlier one, may be in the kernel */
};

struct workers_ops {
	void (*ready)(void *ctx, struct slot *slot);    /* said HELLO: ready to be configured */
	void (*prepared)(void *ctx, struct slot *slot, uint32_t generation, bool accepted);
	void (*committed)(void *ctx, struct slot *slot, uint32_t generation);
	void (*line)(void *ctx, struct slot *slot, const char *text);
	/* The check worker about scripts; `fd` stays ours. */
	void (*script)(void *ctx, struct slot *slot, uint16_t type, struct reader *in, int fd);
	void (*request)(void *ctx, struct slot *slot, struct reader *in); /* of control */
	void (*say)(void *ctx, struct slot *slot, uint16_t type, struct reader *in); /* of control: RECORD_SAY, _SAID */
	void (*notify)(void *ctx, struct slot *slot, struct reader *in); /* of control */
	void (*order)(void *ctx, struct slot *slot, uint16_t type, struct reader *in); /* of vrrp: RECORD_ORDER_TOLD, _END */
	void (*died)(void *ctx, struct slot *slot);     /* gone, wanted or not; started again by itself if not */
	void (*changed)(void *ctx, struct slot *slot);  /* its state; may be NULL */
	bool (*fact)(void *ctx, uint32_t index, uint16_t *type, struct writer *out); /* for control */
	uint32_t (*fact_count)(void *ctx);
};

struct identity {
	uid_t uid;
	gid_t gid;
};

struct workers {
	struct loop *loop;
	const struct workers_ops *ops;
	void *ctx;
	struct slot slots[ROLE_COUNT];
	struct loop_timer pulse;   /* looks at the heartbeats */
	int lbhad, checkd;         /* executables */
	int owned, control;        /* descriptors for those who use them */
	struct identity users[ROLE_COUNT]; /* of each worker; the compiler has that of control */
	/* Takes away what the owned file says of addresses, waiting for the kernel; 0 or -errno. For when no worker can
	 * do that; NULL: nobody can. */
	int (*take_away)(int owned);
	nstime pulsed, woke;       /* when we looked last; when we ran again after we could not */
	bool silent;               /* workers log to syslog(3) and have no standard error */
	bool closing;              /* nobody is started any more */
};

/* The roles that are workers. */
#define WORKERS_ALL (1u << ROLE_CONTROL | 1u << ROLE_CHECK | 1u << ROLE_IPVS | 1u << ROLE_VRRP)

/* `workers` has loop, ops, ctx, executables, descriptors and users set. -errno. */
int workers_init(struct workers *workers);
void workers_start(struct workers *workers);
/* Another configuration is in force: who waits to be started again may get on with it better. */
void workers_retry(struct workers *workers);
/* Goes on with those that were adopted. */
void workers_resume(struct workers *workers);
void workers_kill(struct workers *workers); /* all of them, at once; nothing else may be done afterwards but workers_fini */
void workers_fini(struct workers *workers); /* kills what is left */

/* A worker that ran before this program was executed. Its descriptors become the slot's. */
struct slot_past {
	pid_t pid;
	int pidfd, channel, page;
	nstime started;
	uint32_t restarts, deaths;
	uint32_t generation;
};

int slot_adopt(struct slot *slot, const struct slot_past *past);

/* Whether this worker has what is its part in the kernel from here on (`yet`), or another process that it is an heir of:
 * then nobody may take that away, should it die. */
void slot_succeed(struct slot *slot, bool yet);

/* The set of workers (1 << role) that said HELLO and live. */
unsigned workers_live(const struct workers *workers);

/* Records to one worker (nothing happens when it does not live). One that cannot be told any more is killed: it would
 * never answer. */
void slot_send(struct slot *slot, uint16_t type, uint32_t generation, int fd);
void slot_send_bytes(struct slot *slot, uint16_t type, const void *bytes, size_t size);
/* The same with a descriptor (-1: none), which stays the caller's. */
void slot_send_with(struct slot *slot, uint16_t type, const void *bytes, size_t size, int fd);

/* A worker has reached `generation` and takes part: connects it with all others that have. */
void workers_link(struct workers *workers, struct slot *slot);

/* An answer is expected: it is killed when that takes longer than `patience`; slot_reached is the answer. */
void slot_expect(struct slot *slot, nstime patience);

/* It has committed `generation`. */
void slot_reached(struct slot *slot, uint32_t generation);

/* Asks a worker to give everything up and end; killed when that takes longer than `patience`. What one that is dead, or
 * dies before it is done, has left of addresses is withdrawn. */
void slot_release(struct slot *slot, nstime patience);
void slot_kill(struct slot *slot, const char *why);
/* For a role without a process: one is started without a configuration, takes away all that is written down as ours, and
 * ends; killed when that takes longer than `patience`. In the end (ops.died; there and then when `pid` is 0) `released`
 * says whether it did. */
void slot_clear(struct slot *slot, nstime patience);
/* Asks a worker to leave all it has to a successor (core/worker.h); killed when that takes longer than `patience`. Once
 * it has died (ops.died), `left` says whether it did, and `carry` is what it handed over. */
void slot_leave(struct slot *slot, nstime deadline, nstime patience);
/* Gives a worker that has committed nothing yet the carry of its predecessor (-1: there is none); `fd` stays the
 * caller's. */
void slot_inherit(struct slot *slot, int fd);

/* The facts for control have changed; their number has. */
void workers_facts_dirty(struct workers *workers, uint32_t index);
void workers_facts_restart(struct workers *workers);

#endif
