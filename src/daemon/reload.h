/* The two phases of a reload over all workers, as a machine without effects: it is told what happened and says the one
 * thing to do next. Before the first COMMIT a refusal or a death ends it and nothing has changed; after it the new
 * generation is the truth and whoever dies meets it on its return. architecture: "Reload". */
#ifndef LBHA_DAEMON_RELOAD_H
#define LBHA_DAEMON_RELOAD_H

#include <stdbool.h>

#include "config/model.h"

enum reload_phase {
	RELOAD_IDLE,
	RELOAD_PREPARING,
	RELOAD_COMMITTING,
};

enum reload_next {
	RELOAD_WAIT,     /* nothing to do now */
	RELOAD_PREPARE,  /* send PREPARE to all members */
	RELOAD_COMMIT,   /* send COMMIT to `role`; the first of a reload makes the new generation the truth */
	RELOAD_APPLY,    /* send FINISH and APPLIED to all members; done */
	RELOAD_PLANNED,  /* send ABORT to all members; the plan is complete */
	RELOAD_REFUSE,   /* send ABORT to all members; the old generation stays */
};

struct reload {
	enum reload_phase phase;
	bool plan_only;
	unsigned members;   /* set of roles (1 << role) that take part and live */
	unsigned waiting;   /* of these, who has not answered */
	enum role committing;
};

struct reload_step {
	enum reload_next next;
	enum role role;     /* RELOAD_COMMIT: whose turn; RELOAD_REFUSE: who was the cause */
	bool first;         /* RELOAD_COMMIT: the first one */
};

/* The configuration was compiled and `members` run: begin. No members: applied at once (or planned). */
struct reload_step reload_begin(struct reload *reload, unsigned members, bool plan_only);
/* A member answered PREPARE. */
struct reload_step reload_prepared(struct reload *reload, enum role role, bool accepted);
/* A member answered COMMIT. */
struct reload_step reload_committed(struct reload *reload, enum role role);
/* A worker died or was killed for not answering; not a member: nothing. */
struct reload_step reload_died(struct reload *reload, enum role role);

#endif
