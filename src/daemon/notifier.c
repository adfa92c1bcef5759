/* See the header. */
#include "daemon/notifier.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/text.h"
#include "config/model.h"
#include "config/notify.h"
#include "core/log.h"
#include "daemon/notify_queue.h"
#include "daemon/script_run.h"

#define AGAIN_AFTER NSTIME_S /* when the machine has no process left */
#define SWEEP (300 * NSTIME_MS) /* then whoever sends a signal to all of a control group has done so */

struct notify_slot {
	struct notifier *notifier;
	struct notify_entry *entry; /* NULL: free */
	struct script_run script;
	bool late, interrupted;
	nstime timeout;
	char about[NOTICE_OBJECT + 96];
};

struct notifier {
	struct loop *loop;
	const struct notifier_ops *ops;
	void *ctx;
	const struct model *model; /* NULL: none yet */
	const struct notify_search *scripts;
	struct notify_queue *queue;
	struct notify_slot slots[NOTIFY_AT_ONCE];
	struct notice_words words; /* of the run that is being started */
	struct loop_timer again;
	struct log_bucket failures, losses;
	struct fact_notify counts;
	bool paused, has_voice;
};

static void start_all(struct notifier *notifier);

/* ---- the end of a run ---------------------------------------------------------------------------------------------- */

static void say_failed(struct notifier *notifier, const char *about, const char *what)
{
	unsigned suppressed;

	notifier->counts.failed++;
	snprintf(notifier->counts.failure, sizeof(notifier->counts.failure), "%s: %s", about, what);
	notifier->counts.failed_at = clock_now();
	if (!log_limit(&notifier->failures, clock_now(), &suppressed))
		return;
	if (suppressed)
		log_warning("%s: %s (and %u failures of notify scripts before that were not logged)", about, what, suppressed);
	else
		log_warning("%s: %s", about, what);
}

static void judge(struct notify_slot *slot, const struct run_answer *how)
{
	char what[RUN_WHY + 64];

	if (slot->late)
		return; /* said when it was */
	if (how->end == RUN_NOT_STARTED)
		snprintf(what, sizeof(what), "not started: %s", how->why);
	else if (how->end == RUN_KILLED)
		snprintf(what, sizeof(what), "killed by signal %u", how->number);
	else if (how->number)
		snprintf(what, sizeof(what), "exit %u", how->number);
	else
		return;
	say_failed(slot->notifier, slot->about, what);
}

/* A service manager that ends us sends its signal to all of our control group, and to what is started meanwhile. */
static bool may_be_meant_for_us(const struct notify_slot *slot, const struct run_answer *how)
{
	return !slot->late && how->end == RUN_KILLED && (how->number == SIGTERM || how->number == SIGQUIT);
}

static void run_again(struct notifier *notifier, struct notify_slot *slot, struct notify_entry *entry,
		      const struct run_answer *how)
{
	log_info("%s: ended by signal %u, which may have been meant for lbhad: it runs once more", slot->about, how->number);
	entry->again = true;
	notify_queue_back(notifier->queue, entry);
	timer_at(&notifier->again, clock_now() + SWEEP);
}

static void slot_ended(void *ctx, const struct run_answer *how)
{
	struct notify_slot *slot = ctx;
	struct notifier *notifier = slot->notifier;
	struct notify_entry *entry = slot->entry;

	slot->entry = NULL;
	if (slot->interrupted) {
		notify_queue_back(notifier->queue, entry);
	} else if (!entry->again && may_be_meant_for_us(slot, how)) {
		run_again(notifier, slot, entry, how);
	} else {
		judge(slot, how);
		notify_queue_done(notifier->queue, entry);
	}
	start_all(notifier);
}

static void slot_late(void *ctx)
{
	struct notify_slot *slot = ctx;
	char what[64], within[DURATION_TEXT];

	slot->late = true;
	snprintf(what, sizeof(what), "not done within %s, killed", duration_format(slot->timeout, within));
	say_failed(slot->notifier, slot->about, what);
	slot->notifier->ops->counted(slot->notifier->ctx);
}

/* ---- the start ------------------------------------------------------------------------------------------------------ */

/* A pipe that holds the whole text: a page always fits. */
static int input_of(const char *text)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	if (write(ends[1], text, strlen(text)) < 0)
		log_debug("notify: the text of an event does not fit into a pipe");
	close(ends[1]);
	fcntl(ends[0], F_SETFL, 0); /* scripts do not expect that a read does not wait */
	return ends[0];
}

static void describe(struct notify_slot *slot, const struct notify *notify)
{
	const struct notice_words *words = &slot->notifier->words;
	const char *event = "", *object = "", *state = "";

	for (size_t i = 0; i < words->count; i++) {
		if (!strncmp(words->environment[i], "LBHA_EVENT=", 11))
			event = words->environment[i] + 11;
		else if (!strncmp(words->environment[i], "LBHA_OBJECT=", 12))
			object = words->environment[i] + 12;
		else if (!strncmp(words->environment[i], "LBHA_NEW=", 9))
			state = words->environment[i] + 9;
	}
	snprintf(slot->about, sizeof(slot->about), "notify %.80s (%.24s of %.80s: %.40s)", notify->script[0], event, object,
		 state);
}

static void words_of(struct notifier *notifier, const struct notify_entry *entry)
{
	struct notice_words *words = &notifier->words;
	const struct model *model = notifier->model;
	char number[16];

	notice_words_of(entry->body, entry->size, words);
	snprintf(number, sizeof(number), "%u", entry->coalesced);
	notice_add(words, "coalesced", number);
	notice_add(words, "told", entry->told);
	notice_add(words, "node", model->node ? model->node : "");
	notice_add(words, "cluster", model->cluster ? model->cluster : "");
	notice_add_json_number(words, "coalesced", entry->coalesced);
	notice_add_json_text(words, "told", entry->told[0] ? entry->told : NULL);
	notice_end_json(words);
}

static int slot_start(struct notify_slot *slot, const struct notify *notify)
{
	struct notifier *notifier = slot->notifier;
	struct script_child child = {.argv = notify->script,
				     .argc = notify->script_count,
				     .environment = notifier->words.environment,
				     .user = notify->user ? notify->user : notifier->model->global.users.script,
				     .output = notifier->has_voice ? STDERR_FILENO : -1};
	int err;

	child.input = input_of(notifier->words.json);
	if (child.input < 0)
		return child.input;
	err = script_run_start(&slot->script, &child, notify->timeout);
	close(child.input);
	return err;
}

static struct notify_slot *slot_free(struct notifier *notifier)
{
	for (size_t i = 0; i < NOTIFY_AT_ONCE; i++)
		if (!notifier->slots[i].entry)
			return &notifier->slots[i];
	return NULL;
}

/* False: the machine cannot now. */
static bool start(struct notifier *notifier, struct notify_slot *slot, struct notify_entry *entry)
{
	const struct notify *notify = notify_search(notifier->scripts, entry->script);
	int err;

	if (!notify) { /* its configuration has gone while it ran before */
		notify_queue_done(notifier->queue, entry);
		return true;
	}
	words_of(notifier, entry);
	slot->late = slot->interrupted = false;
	slot->timeout = notify->timeout;
	describe(slot, notify);
	err = slot_start(slot, notify);
	if (err) {
		say_failed(notifier, slot->about, strerror(-err));
		notify_queue_back(notifier->queue, entry);
		timer_at(&notifier->again, clock_now() + AGAIN_AFTER);
		return false;
	}
	slot->entry = entry;
	notifier->counts.started++;
	log_debug("%s", slot->about);
	return true;
}

static void start_all(struct notifier *notifier)
{
	struct notify_slot *slot;
	struct notify_entry *entry;

	while (!notifier->paused && notifier->model && !timer_armed(&notifier->again)) {
		slot = slot_free(notifier);
		entry = slot ? notify_queue_next(notifier->queue) : NULL;
		if (!entry || !start(notifier, slot, entry))
			break;
	}
	if (notify_queue_starved(notifier->queue))
		notifier->ops->starved(notifier->ctx);
	notifier->ops->counted(notifier->ctx);
}

static void try_again(void *ctx)
{
	start_all(ctx);
}

static void say_lost(struct notifier *notifier, const struct notice *notice)
{
	unsigned suppressed;

	notifier->counts.lost++;
	if (log_limit(&notifier->losses, clock_now(), &suppressed))
		log_warning("notify: no room for %s of %s (and %u before): scripts are too slow; states are told when there "
			    "is room again", notice->event, notice->object, suppressed);
}

void notifier_take(struct notifier *notifier, const struct notice *notice)
{
	for (unsigned i = 0; notifier->model && i < notice->script_count; i++) {
		enum notify_added added;

		if (!notify_search(notifier->scripts, notice->scripts[i]))
			continue;
		added = notify_queue_add(notifier->queue, notice->scripts[i], notice);
		if (added == NOTIFY_MERGED)
			notifier->counts.coalesced++;
		else if (added == NOTIFY_FULL)
			say_lost(notifier, notice);
	}
	start_all(notifier);
}

/* ---- what others ask for -------------------------------------------------------------------------------------------- */

static bool is_there(void *ctx, uint64_t script)
{
	const struct notifier *notifier = ctx;

	return notify_search(notifier->scripts, script) != NULL;
}

void notifier_model(struct notifier *notifier, const struct model *model, const struct notify_search *scripts)
{
	notifier->model = model;
	notifier->scripts = scripts;
	notify_queue_scripts(notifier->queue, is_there, notifier);
}

void notifier_voice(struct notifier *notifier, bool has_voice)
{
	notifier->has_voice = has_voice;
}

void notifier_pause(struct notifier *notifier, bool paused)
{
	notifier->paused = paused;
	if (!paused)
		start_all(notifier);
}

bool notifier_running(const struct notifier *notifier)
{
	for (size_t i = 0; i < NOTIFY_AT_ONCE; i++)
		if (notifier->slots[i].entry)
			return true;
	return false;
}

bool notifier_busy(const struct notifier *notifier)
{
	return notifier_running(notifier) || notify_queue_waiting(notifier->queue);
}

void notifier_interrupt(struct notifier *notifier)
{
	for (size_t i = 0; i < NOTIFY_AT_ONCE; i++) {
		struct notify_slot *slot = &notifier->slots[i];

		if (!slot->entry || slot->interrupted)
			continue;
		slot->interrupted = true;
		script_run_kill(&slot->script);
	}
}

const struct notify_queue *notifier_queue(const struct notifier *notifier)
{
	return notifier->queue;
}

void notifier_told(struct notifier *notifier, struct reader *in)
{
	notify_queue_told_get(notifier->queue, in);
}

void notifier_counts(const struct notifier *notifier, struct fact_notify *out)
{
	*out = notifier->counts;
	out->running = 0;
	for (size_t i = 0; i < NOTIFY_AT_ONCE; i++)
		out->running += notifier->slots[i].entry != NULL;
	out->waiting = (uint32_t)notify_queue_waiting(notifier->queue);
}

/* ---- life ----------------------------------------------------------------------------------------------------------- */

static int slots_init(struct notifier *notifier)
{
	int err = timer_init(notifier->loop, &notifier->again, LOOP_NORMAL, try_again, notifier);

	for (size_t i = 0; i < NOTIFY_AT_ONCE && !err; i++) {
		struct notify_slot *slot = &notifier->slots[i];

		slot->notifier = notifier;
		slot->script = (struct script_run){.loop = notifier->loop, .ended = slot_ended, .late = slot_late, .ctx = slot};
		err = script_run_init(&slot->script);
	}
	return err;
}

struct notifier *notifier_new(struct loop *loop, const struct notifier_ops *ops, void *ctx)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));

	if (!notifier)
		return NULL;
	notifier->loop = loop;
	notifier->ops = ops;
	notifier->ctx = ctx;
	notifier->failures = (struct log_bucket){.every = 10 * NSTIME_S, .burst = 5};
	notifier->losses = (struct log_bucket){.every = 60 * NSTIME_S, .burst = 1};
	notifier->queue = notify_queue_new();
	if (notifier->queue && !slots_init(notifier))
		return notifier;
	notifier_free(notifier);
	return NULL;
}

void notifier_free(struct notifier *notifier)
{
	if (!notifier)
		return;
	for (size_t i = 0; i < NOTIFY_AT_ONCE; i++) {
		script_run_fini(&notifier->slots[i].script);
		free(notifier->slots[i].entry);
	}
	timer_fini(&notifier->again);
	notify_queue_free(notifier->queue);
	free(notifier);
}
