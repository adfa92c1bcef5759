/* The supervisor's state, shared by its two parts: life (supervisor.c) and configurations (supervisor_jobs.c). */
#ifndef LBHA_DAEMON_SUPERVISOR_STATE_H
#define LBHA_DAEMON_SUPERVISOR_STATE_H

#include "base/text.h"
#include "core/loop.h"
#include "daemon/job.h"
#include "daemon/reload.h"
#include "daemon/rundir.h"
#include "daemon/supervisor.h"
#include "daemon/workers.h"

struct arena;
struct load;
struct runner;

#define SUPERVISOR_FACT_DAEMON ROLE_COUNT /* index; below: workers by role */
#define SUPERVISOR_LINES 16384
#define SUPERVISOR_SIGNALS 8

/* One compiled configuration: slices for the workers, the supervisor's own part decoded. */
struct generation {
	uint32_t number; /* 0: none */
	int slices[ROLE_COUNT];
	struct arena *arena;
	struct model *model;
};

struct supervisor {
	const struct supervisor_options *options;
	struct loop *loop;
	struct loop_signal signals[SUPERVISOR_SIGNALS];
	struct rundir rundir;
	struct workers workers;

	/* configurations */
	struct generation now, next; /* in force; compiled and not yet in force */
	struct load *load;
	struct reload reload;
	struct loop_timer deadline;  /* of the phase of a reload */
	struct job_queue jobs;
	bool job_running;
	struct text lines;           /* what was said about the job under way */
	char lines_buffer[SUPERVISOR_LINES];
	char host[256];

	/* life */
	struct fact_daemon facts;
	struct loop_timer watchdog;
	struct runner *runner;       /* of the check worker's scripts */
	bool users_known, stopping, ending;
	int status;
};

/* ---- supervisor_jobs.c: what is asked, compiled and brought to the workers ---------------------------------- */

/* Adds a job and begins it when none is under way; one that cannot wait is answered with the reason. */
void supervisor_ask(struct supervisor *s, const struct job *job);
/* Brings every worker that lives and takes part in no reload to the configuration in force. */
void supervisor_bring(struct supervisor *s);
/* Answers of workers, and their death. */
void supervisor_prepared(struct supervisor *s, struct slot *slot, uint32_t number, bool accepted);
void supervisor_committed(struct supervisor *s, struct slot *slot, uint32_t number);
void supervisor_line(struct supervisor *s, struct slot *slot, const char *text);
void supervisor_lost(struct supervisor *s, struct slot *slot);
/* No job begins any more; the one under way is dropped, and whoever asked is told. */
void supervisor_jobs_stop(struct supervisor *s);
int supervisor_jobs_init(struct supervisor *s);
void supervisor_jobs_fini(struct supervisor *s);

/* ---- supervisor_scripts.c: scripts for the check worker ------------------------------------------------------- */

/* RECORD_RUN and RECORD_RUN_CANCEL of the check worker. */
void supervisor_script(struct supervisor *s, struct slot *slot, uint16_t type, struct reader *in, int fd);
int supervisor_scripts_init(struct supervisor *s);

/* ---- supervisor.c -------------------------------------------------------------------------------------------- */

/* The first configuration has been compiled: users are known, workers can start. False: it cannot go on. */
bool supervisor_begin(struct supervisor *s);
/* All workers have reached the first configuration. */
void supervisor_ready(struct supervisor *s);
/* Ends in good order with this status. */
void supervisor_stop(struct supervisor *s, int status);
void supervisor_facts_changed(struct supervisor *s);

#endif
