/* Runs notify scripts: what the queue (notify_queue.h) says is next, each as its user, with its timeout and in a process
 * group of its own (script_run.h). It does not wait, and does not read what a script writes: that goes to the log's own
 * place while lines of text belong there, else nowhere. */
#ifndef LBHA_DAEMON_NOTIFIER_H
#define LBHA_DAEMON_NOTIFIER_H

#include <stdbool.h>
#include <stdint.h>

#include "config/facts.h"

struct loop;
struct model;
struct notice;
struct notify_search;
struct notifier;
struct notify_queue;

/* Called when counts have changed, and when all that waits has to be told anew (starved). */
struct notifier_ops {
	void (*counted)(void *ctx);
	void (*starved)(void *ctx);
};

/* NULL when out of memory. */
struct notifier *notifier_new(struct loop *loop, const struct notifier_ops *ops, void *ctx);
void notifier_free(struct notifier *notifier); /* kills what is left */

/* The configuration in force, with its scripts; runs that are under way go on. Both are used until the next call. */
void notifier_model(struct notifier *notifier, const struct model *model, const struct notify_search *scripts);
/* Where scripts write: the daemon's standard error, or nowhere. */
void notifier_voice(struct notifier *notifier, bool has_voice);

/* One notice for all its scripts that are configured. */
void notifier_take(struct notifier *notifier, const struct notice *notice);

/* While paused none starts. */
void notifier_pause(struct notifier *notifier, bool paused);
bool notifier_running(const struct notifier *notifier);
/* Something runs or waits. */
bool notifier_busy(const struct notifier *notifier);
/* Kills all runs; they will be told again, as far as they are about states. */
void notifier_interrupt(struct notifier *notifier);

const struct notify_queue *notifier_queue(const struct notifier *notifier);
void notifier_told(struct notifier *notifier, struct reader *in);
/* running, waiting and what was counted */
void notifier_counts(const struct notifier *notifier, struct fact_notify *out);

#endif
