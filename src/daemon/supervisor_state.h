/* The supervisor's state, shared by its parts: life (supervisor.c), configurations (supervisor_jobs.c), overrides
 * (supervisor_overrides.c) and what operators want done at once (supervisor_orders.c). */
#ifndef LBHA_DAEMON_SUPERVISOR_STATE_H
#define LBHA_DAEMON_SUPERVISOR_STATE_H

#include "base/text.h"
#include "config/notify.h"
#include "core/loop.h"
#include "daemon/job.h"
#include "daemon/manager.h"
#include "daemon/overrides.h"
#include "daemon/reload.h"
#include "daemon/rundir.h"
#include "daemon/supervisor.h"
#include "daemon/workers.h"

struct arena;
struct baton;
struct channel;
struct load;
struct notifier;
struct runner;
struct successor;
struct supervisor;

#define SUPERVISOR_FACT_EXPORTER ROLE_EXPORTER /* index; below: workers by role; above: overrides */
#define SUPERVISOR_FACT_DAEMON (ROLE_EXPORTER + 1)
#define SUPERVISOR_FACT_NOTIFY (ROLE_EXPORTER + 2)
#define SUPERVISOR_FACT_OVERRIDE (ROLE_EXPORTER + 3)
#define SUPERVISOR_ORDERS 20 /* more than control has under way at a time */
#define SUPERVISOR_LINES 16384
#define SUPERVISOR_STATUS 400
#define SUPERVISOR_SIGNALS 8

/* One compiled configuration: slices for the workers, the supervisor's own part decoded. */
struct generation {
	uint32_t number; /* 0: none */
	int slices[ROLE_COUNT];
	struct arena *arena;
	struct model *model;
	struct notify_search scripts;
	uint32_t read_group, write_group; /* FACT_NO_GROUP: none */
};

/* One RECORD_REQUEST of control. */
struct request {
	uint32_t number;
	enum request_kind kind;
	uid_t uid;              /* of whoever asked */
	char path[JOB_PATH], value[OVERRIDE_VALUE], comment[OVERRIDE_COMMENT];
	nstime timeout;         /* 0: none */
	uint16_t count;
	struct reader objects;  /* `count` texts */
};

/* What control has sent of a request with several words: RECORD_SAY until RECORD_SAID. */
struct said_row {
	bool holds;             /* false: taken back */
	struct override override;
};

struct said {
	uint32_t request;
	struct said_row *rows;
	size_t count, room;
};

/* What vrrp was told to do and has not ended. */
struct order {
	uint32_t number;        /* 0: none */
	uint32_t request;       /* of control: who waits for the end; 0: nobody */
	bool failed;            /* for one instance at least */
	nstime deadline;
};

/* An upgrade as who makes place sees it: while the job is under way. */
struct upgrade {
	struct successor *successor;
	int executable;              /* -1: none */
	struct loop_timer timer;     /* looks whether all is quiet */
	nstime deadline;             /* for that */
};

/* A worker of the build that was this process before, whose heir waits. */
struct elder {
	struct supervisor *supervisor;
	enum role role;
	pid_t pid;                   /* 0: it has gone, or never was */
	int pidfd, fd;               /* fd: of its channel, until that is read */
	struct loop_io watch;
	struct channel *channel;
	bool left;
	int carry;                   /* -1: none */
};

/* An upgrade as who takes over sees it. */
struct takeover {
	struct baton *baton;         /* NULL: none is under way */
	struct elder elders[ROLE_COUNT];
	unsigned prepared;           /* heirs that wait for their COMMIT (1 << role) */
	bool moving;                 /* the first elder was told to leave: there is no way back */
	unsigned turn;               /* whose, in the order of leaving */
	struct loop_timer timer;     /* patience with the heirs, then with the elder whose turn it is */
	nstime began;
	int signal;                  /* to stop, taken meanwhile; 0: none */
};

/* lbha-exporter, if the configuration has one. */
struct exporter_child {
	pid_t pid;                   /* 0: there is none */
	int pidfd, life;             /* life: our end of its socket; -1: it was told to end, or there is none */
	dev_t program_device;        /* of the file that it was started from */
	ino_t program_inode;
	struct loop_io watch, words;
	struct loop_timer timer;
	struct endpoint listen;      /* it runs with */
	struct log_global log;
	char where[ENDPOINT_TEXT];
	const char *doom;            /* why we killed it; NULL: we did not */
	nstime started;
	bool told;                   /* control knows of it */
	struct fact_worker fact;
};

struct supervisor {
	const struct supervisor_options *options;
	struct loop *loop;
	struct loop_signal signals[SUPERVISOR_SIGNALS];
	struct rundir rundir;
	struct workers workers;
	struct exporter_child exporter;

	/* configurations */
	struct generation now, next; /* in force; compiled and not yet in force */
	struct load *load;
	struct reload reload;
	struct loop_timer deadline;  /* of the phase of a reload */
	struct job_queue jobs;
	bool job_running;
	struct text lines;           /* what was said about the job under way */
	char lines_buffer[SUPERVISOR_LINES];
	unsigned line_count;         /* those without room in it among them */
	char host[256];

	/* the operator's word */
	struct overrides overrides;
	bool overrides_unread;            /* the file could not be read: it is not written over either */
	struct said said;
	struct loop_timer overrides_timer; /* the next one ends, or writing them down is tried again */
	struct order orders[SUPERVISOR_ORDERS];
	uint32_t last_order;
	struct loop_timer orders_timer;

	struct upgrade upgrade;
	struct takeover takeover;
	uint32_t first_number;       /* of the generation before the first one here */

	/* life */
	struct fact_daemon facts;
	char doing[320];             /* for the service manager, while nothing is wrong */
	char told[SUPERVISOR_STATUS]; /* to it, last */
	struct manager manager;
	struct runner *runner;       /* of the check worker's scripts */
	struct notifier *notifier;   /* of scripts that are told of events */
	struct loop_timer last_notices; /* at a stop they are waited for, until */
	nstime last_notices_end;
	struct {
		struct successor *asked; /* whether it goes on; NULL: nobody is */
		bool leaving;        /* the workers were told to leave */
		bool withdraws;      /* nobody goes on after all */
		int file;            /* the handover, begun */
		nstime deadline;     /* until when somebody may come */
	} detach;
	int heritage[ROLE_COUNT];    /* carries that an earlier daemon left; -1: none */
	bool users_known, stopping, ending;
	int status;
};

/* ---- supervisor_jobs.c: what is asked, compiled and brought to the workers ---------------------------------- */

/* Adds a job and begins it when none is under way; one that cannot wait is answered with the reason. */
void supervisor_ask(struct supervisor *s, const struct job *job);
/* Brings every worker that lives and takes part in no reload to the configuration in force. */
void supervisor_bring(struct supervisor *s);
/* Begins what was asked if it can begin now. */
void supervisor_next(struct supervisor *s);
/* Answers of workers, and their death. */
void supervisor_prepared(struct supervisor *s, struct slot *slot, uint32_t number, bool accepted);
void supervisor_committed(struct supervisor *s, struct slot *slot, uint32_t number);
void supervisor_line(struct supervisor *s, struct slot *slot, const char *text);
void supervisor_lost(struct supervisor *s, struct slot *slot);
/* No job begins any more; the one under way is dropped, and whoever asked is told. */
void supervisor_jobs_stop(struct supervisor *s);
int supervisor_jobs_init(struct supervisor *s);
void supervisor_jobs_fini(struct supervisor *s);

/* The job under way has failed, after whatever was said about it (supervisor_job_line). */
void supervisor_job_line(struct supervisor *s, const char *line);
void supervisor_job_fail(struct supervisor *s, const char *why);
/* Takes the configuration of a baton as the one in force. -errno. */
int supervisor_generation_adopt(struct supervisor *s, uint32_t number, const int slices[ROLE_COUNT]);

/* ---- supervisor_upgrade.c: makes place for the installed lbhad, and comes back if that cannot take over --------- */

/* The job under way is an upgrade. */
void supervisor_upgrade(struct supervisor *s);
void supervisor_upgrade_cancel(struct supervisor *s);
/* A successor has given the baton back: everything goes on where it was left. -errno. */
int supervisor_resume(struct supervisor *s);
int supervisor_upgrade_init(struct supervisor *s);
void supervisor_upgrade_fini(struct supervisor *s);

/* ---- supervisor_takeover.c: takes over from the lbhad that was this process before ------------------------------ */

/* All of them do nothing, and answer false, when no takeover is under way. */
int supervisor_takeover(struct supervisor *s);
/* Before the point of no return: gives the baton back; `why` NULL: what was said about the job is the reason. Comes back
 * only when that fails. */
void supervisor_give_back(struct supervisor *s, const char *why);
/* An heir has accepted the configuration. True: its COMMIT is held until its elder has left. */
bool supervisor_heir_prepared(struct supervisor *s, struct slot *slot);
void supervisor_heir_committed(struct supervisor *s, const struct slot *slot);
void supervisor_heir_lost(struct supervisor *s, const struct slot *slot);
/* A signal that ends the daemon has come. True: it was taken, for later or for who takes the baton back. */
bool supervisor_takeover_signal(struct supervisor *s, int number);
void supervisor_takeover_fini(struct supervisor *s);

/* ---- supervisor_access.c: who may use the control socket ------------------------------------------------------ */

/* Finds the groups that a generation names; false: `why`, and those that cannot be found are none. */
bool supervisor_access_find(struct generation *generation, char *why, size_t size);
/* Those of the configuration in force may: from the next request and connection on. */
void supervisor_access_enter(struct supervisor *s);
/* So may the user that lbha-exporter runs as; FACT_NO_GROUP: nobody does. */
void supervisor_access_exporter(struct supervisor *s, uint32_t user);

/* ---- supervisor_exporter.c: lbha-exporter ---------------------------------------------------------------------- */

/* A configuration is in force: it is started, told to end, or replaced by one that listens elsewhere. */
void supervisor_exporter_enter(struct supervisor *s);
/* It ends now, or is killed: this takes a fifth of a second at most. The next enter starts another. */
void supervisor_exporter_end(struct supervisor *s);
int supervisor_exporter_init(struct supervisor *s);
void supervisor_exporter_fini(struct supervisor *s);

/* ---- supervisor_scripts.c: scripts for the check worker ------------------------------------------------------- */

/* RECORD_RUN and RECORD_RUN_CANCEL of the check worker. */
void supervisor_script(struct supervisor *s, struct slot *slot, uint16_t type, struct reader *in, int fd);
int supervisor_scripts_init(struct supervisor *s);

/* ---- supervisor_notify.c: scripts that are told of events ------------------------------------------------------- */

/* RECORD_NOTIFY of control; false: malformed. */
bool supervisor_notify(struct supervisor *s, struct reader *in);
/* Has control say how all is: notices were lost. */
void supervisor_notify_again(struct supervisor *s);
/* A configuration is in force. */
void supervisor_notify_enter(struct supervisor *s);
void supervisor_notify_fact(struct supervisor *s, struct writer *out);
/* All workers have ended: ends the loop when scripts have been told of that, too. */
void supervisor_notify_last(struct supervisor *s);
/* What was told, malloc'ed, for a baton. */
uint8_t *supervisor_notify_told(const struct supervisor *s, size_t *size);
int supervisor_notify_init(struct supervisor *s);
void supervisor_notify_fini(struct supervisor *s);

/* ---- supervisor_echo.c: sockets for the check worker ---------------------------------------------------------- */

/* Gives it the raw ICMP sockets that this model needs, before it is prepared; none when it needs none. */
void supervisor_echo(struct supervisor *s, const struct model *model);

/* ---- supervisor_overrides.c: what goes before lbha.conf ------------------------------------------------------- */

/* REQUEST_PRIORITY, REQUEST_MAINTENANCE. */
void supervisor_override(struct supervisor *s, const struct request *request);
/* RECORD_SAY, RECORD_SAID; false: malformed. */
bool supervisor_say(struct supervisor *s, uint16_t type, struct reader *in);
/* Gives a worker that has just said HELLO the list. */
void supervisor_overrides_tell(struct supervisor *s, struct slot *slot);
/* Reads the file; what is wrong with it is logged. */
int supervisor_overrides_init(struct supervisor *s);
void supervisor_overrides_fini(struct supervisor *s);

/* ---- supervisor_orders.c: release, claim ---------------------------------------------------------------------- */

/* Sends vrrp an order for the objects of a request, and answers that when vrrp has told what came of all. False: vrrp
 * does not run; nothing was sent or answered. */
bool supervisor_order(struct supervisor *s, const struct request *request, enum order_kind kind);
/* REQUEST_RELEASE, REQUEST_CLAIM. */
void supervisor_order_request(struct supervisor *s, const struct request *request);
/* RECORD_ORDER_TOLD, RECORD_ORDER_END. */
void supervisor_order_record(struct supervisor *s, uint16_t type, struct reader *in);
/* Nobody will do any more what was asked: those who wait are told. */
void supervisor_orders_drop(struct supervisor *s, const char *why);
/* The control worker has died, and who waits with it. */
void supervisor_orders_forget_askers(struct supervisor *s);
int supervisor_orders_init(struct supervisor *s);
void supervisor_orders_fini(struct supervisor *s);

/* ---- supervisor_status.c: a line for the service manager -------------------------------------------------------- */

/* What happened last; told unless something is wrong with a worker: then that. */
void supervisor_status(struct supervisor *s, const char *format, ...) PRINTF_LIKE(2, 3);
/* A worker's state has changed. */
void supervisor_status_worker(struct supervisor *s);

/* ---- supervisor_detach.c: this daemon ends, another one goes on ----------------------------------------------- */

/* Leaves everything to the next daemon, or stops if there will be none. */
void supervisor_detach(struct supervisor *s);
/* A stop goes before. */
void supervisor_detach_cancel(struct supervisor *s);
/* A worker that was told to leave is gone. */
void supervisor_left(struct supervisor *s);
/* What an earlier daemon left, at a start; a worker has taken its part; nobody takes anything any more. */
void supervisor_heritage_find(struct supervisor *s);
void supervisor_heritage_taken(struct supervisor *s, enum role role);
void supervisor_heritage_end(struct supervisor *s);

/* ---- supervisor.c -------------------------------------------------------------------------------------------- */

/* Finds the users of the configuration in force; false (logged): they are not to be had. */
bool supervisor_users(struct supervisor *s);
/* The first configuration has been compiled: users are known, workers can start. False: it cannot go on. */
bool supervisor_begin(struct supervisor *s);
/* All workers have reached the first configuration. */
void supervisor_ready(struct supervisor *s);
/* The addresses are gone: ends what they led to. */
void supervisor_stop_rest(struct supervisor *s);
/* Ends in good order with this status. */
void supervisor_stop(struct supervisor *s, int status);
void supervisor_facts_changed(struct supervisor *s);
/* Answers to a request of control: lines, what came of each object, and the end. */
void supervisor_reply_line(struct supervisor *s, uint32_t request, const char *line);
void supervisor_reply_object(struct supervisor *s, uint32_t request, const char *object, bool done, const char *what);
void supervisor_reply_end(struct supervisor *s, uint32_t request, bool done);

#endif
