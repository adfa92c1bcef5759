/* What lbha-rs says: sentences as things happen, or one JSON object at the end (lbha-rs(8), section
 * JSON). */
#ifndef LBHA_RS_AGENT_REPORT_IO_H
#define LBHA_RS_AGENT_REPORT_IO_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "rs-agent/desired.h"
#include "rs-agent/doctor.h"
#include "rs-agent/plan.h"
#include "rs-agent/remark.h"

struct arena;
struct json_t;

struct report {
	struct arena *arena;
	bool json, dry_run;
	struct json_t *root;
};

/* `command` is setup, teardown, status or doctor; `arena` is for scratch. */
void report_begin(struct report *report, struct arena *arena, bool json, const char *command,
		  bool dry_run);

/* A step that was done (error NULL), failed (why), or would be done (dry run). */
void report_step(struct report *report, const struct rs_step *step, const char *error);
/* The same of something that is no step of the plan: names as in the JSON. */
struct report_deed {
	const char *operation, *object, *text, *command;
	const char *input; /* what the command reads; NULL: nothing */
};
void report_deed(struct report *report, const struct report_deed *deed, const char *error);
void report_remark(struct report *report, const struct rs_remark *remark);
/* Something that ends the run, or a note about it; a sentence without full stop. */
void report_error(struct report *report, const char *format, ...) PRINTF_LIKE(2, 3);
void report_note(struct report *report, const char *format, ...) PRINTF_LIKE(2, 3);
/* One line as it stands (a diagnostic of the configuration). */
void report_diagnostic(struct report *report, const char *line);

/* The state at the end, for the VIPs asked for. */
void report_state(struct report *report, enum rs_standing standing,
		  const struct rs_desired *desired, const struct rs_actual *actual,
		  const struct owned_set *journal);

/* What the doctor found, and how much of it is bad. */
void report_findings(struct report *report, const struct doctor_findings *findings);

/* Whether the unit of --persist has something to set up, and runs at boot. */
void report_lasting(struct report *report, bool has_lines, bool is_enabled);

/* Prints the JSON object. */
void report_end(struct report *report);

#endif
