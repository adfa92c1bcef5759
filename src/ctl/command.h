/* A command of lbhactl: what it asks of the daemon, and how the answer is shown. The table of them is commands.c, their
 * functions stand by subject: command_look.c (what there is), command_config.c (reload, plan, stop), command_say.c
 * (what operators say), command_check.c (probes that one looks at). A command that needs no daemon has only `alone`. */
#ifndef LBHA_CTL_COMMAND_H
#define LBHA_CTL_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/nstime.h"
#include "ctl/client.h"
#include "ctl/paper.h"

enum exit_status {
	EXIT_DONE,
	EXIT_FAILED,
	EXIT_USAGE,
	EXIT_NO_DAEMON,
	EXIT_DEGRADED,
};

/* Options that only some commands have (options.c). */
enum option_bit {
	OPTION_ALL = 1 << 0,
	OPTION_COMMENT = 1 << 1,
	OPTION_TIMEOUT = 1 << 2,
	OPTION_FOLLOW = 1 << 3,
	OPTION_SINCE = 1 << 4,
	OPTION_ONCE = 1 << 5,
	OPTION_FILE = 1 << 6,
	OPTION_NODE = 1 << 7,
};

/* One run of the program. */
struct run {
	const char *socket;
	bool json, help, version;
	bool is_shown; /* the answer has been shown as it came */
	const struct command *command;
	const char *argument, *second, *third; /* behind the command; NULL: none */
	unsigned options;                      /* set of enum option_bit that were given */
	const char *comment;
	const char *file, *node; /* NULL: not given */
	nstime timeout;
	uint64_t since;
	enum paper_colour colour;
	struct client client;
	struct paper paper;
};

struct command {
	const char *name;  /* one word, or more: "overrides load" */
	const char *words; /* what stands behind it, as usage says it (words.h) */
	const char *help;  /* what it does, in half a line */
	const char *more;  /* for its own --help: what else is to be known; may be NULL */
	unsigned options;  /* set of enum option_bit that it has */
	nstime patience;
	const char *request; /* NULL: its name */
	/* Adds members to the request; an exit status other than EXIT_DONE ends the run. May be
	 * NULL. */
	int (*prepare)(const struct run *run, json_t *request);
	/* Shows a result. */
	int (*show)(struct run *run, json_t *result);
	/* In place of all these: does it, without a daemon. */
	int (*alone)(struct run *run);
};

/* Says what is wrong on standard error, as "lbhactl: …"; returns the status. */
int complain(int status, const char *format, ...) PRINTF_LIKE(2, 3);
/* The first complaint of this run, NULL: none; and whether JSON was printed: who asked for JSON gets it of errors,
 * too. */
const char *complaint(void);
bool json_is_printed(void);
void print_json(const json_t *value);
void print_lines(FILE *out, json_t *lines);
/* A member of the request, unless there is no text. */
int add_text(json_t *request, const char *key, const char *text);

/* command_look.c */
int run_status(struct run *run, json_t *result);
int run_vrrp(struct run *run, json_t *result);
int run_services(struct run *run, json_t *result);
int run_config(struct run *run, json_t *result);
int run_ping(struct run *run, json_t *result);
int run_connections(struct run *run, json_t *result);
int run_top(struct run *run, json_t *result);
int prepare_zero(const struct run *run, json_t *request);
int run_zero(struct run *run, json_t *result);
int prepare_export(const struct run *run, json_t *request);
int run_export(struct run *run, json_t *result);
int prepare_export_keepalived(const struct run *run, json_t *request);
int run_export_keepalived(struct run *run, json_t *result);
int prepare_events(const struct run *run, json_t *request);
int run_events(struct run *run, json_t *result);

/* command_check.c */
int prepare_check(const struct run *run, json_t *request);
int run_check(struct run *run, json_t *result);

/* command_schema.c */
int run_schema(struct run *run);

/* command_config.c */
int prepare_plan(const struct run *run, json_t *request);
int run_plan(struct run *run, json_t *result);
int run_reload(struct run *run, json_t *result);
int run_upgrade(struct run *run, json_t *result);
int run_stop(struct run *run, json_t *result); /* `result` may be NULL: it has hung up */

/* command_say.c */
int prepare_order(const struct run *run, json_t *request);
int prepare_priority(const struct run *run, json_t *request);
int prepare_log(const struct run *run, json_t *request);
int prepare_maintenance(const struct run *run, json_t *request);
int prepare_state(const struct run *run, json_t *request);
int prepare_weight(const struct run *run, json_t *request);
int prepare_load(const struct run *run, json_t *request);
/* What came of each object. */
int run_outcome(struct run *run, json_t *result);
int run_drain(struct run *run, json_t *result);
int run_overrides(struct run *run, json_t *result);
/* The same of an answer; `error` NULL: everything was done. */
int show_outcome(struct run *run, json_t *answer, const char *error);

#endif
