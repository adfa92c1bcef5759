/* Notify scripts: notices come from control, the notifier runs what is configured. */
#include <errno.h>
#include <stdlib.h>

#include "config/model.h"
#include "core/log.h"
#include "core/protocol.h"
#include "daemon/baton.h"
#include "daemon/notice.h"
#include "daemon/notifier.h"
#include "daemon/notify_queue.h"
#include "daemon/supervisor_state.h"

#define LAST_PATIENCE (5 * NSTIME_S) /* with scripts that hear of a stop */
#define LOOK_EVERY (20 * NSTIME_MS)

static void counted(void *ctx)
{
	struct supervisor *s = ctx;

	workers_facts_dirty(&s->workers, SUPERVISOR_FACT_NOTIFY);
}

static void starved(void *ctx)
{
	supervisor_notify_again(ctx);
}

void supervisor_notify_again(struct supervisor *s)
{
	slot_send_bytes(&s->workers.slots[ROLE_CONTROL], RECORD_NOTIFY_AGAIN, NULL, 0);
}

bool supervisor_notify(struct supervisor *s, struct reader *in)
{
	struct notice notice;

	if (!notice_get(in, &notice))
		return false;
	notifier_take(s->notifier, &notice);
	return true;
}

/* What scripts write is no JSON, and not syslog's. */
void supervisor_notify_enter(struct supervisor *s)
{
	const struct log_global *log = &s->now.model->global.log;

	notifier_model(s->notifier, s->now.model, &s->now.scripts);
	notifier_voice(s->notifier, log->format == LOG_FORMAT_TEXT && log->target != LOG_TARGET_SYSLOG);
	counted(s);
}

void supervisor_notify_fact(struct supervisor *s, struct writer *out)
{
	struct fact_notify fact;

	notifier_counts(s->notifier, &fact);
	fact.scripts = s->now.model ? (uint32_t)s->now.model->notifies_count : 0;
	fact_notify_put(out, &fact);
}

/* ---- the stop --------------------------------------------------------------------------------------------------- */

static void look(void *ctx)
{
	struct supervisor *s = ctx;

	if (!notifier_busy(s->notifier) || clock_now() >= s->last_notices_end)
		loop_stop(s->loop);
	else
		timer_at(&s->last_notices, clock_now() + LOOK_EVERY);
}

void supervisor_notify_last(struct supervisor *s)
{
	if (timer_armed(&s->last_notices))
		return;
	s->last_notices_end = clock_now() + LAST_PATIENCE;
	look(s);
}

/* ---- who takes over ----------------------------------------------------------------------------------------------- */

uint8_t *supervisor_notify_told(const struct supervisor *s, size_t *size)
{
	const struct notify_queue *queue = notifier_queue(s->notifier);
	size_t room = notify_queue_told_size(queue);
	uint8_t *bytes = room ? malloc(room) : NULL;
	struct writer out = writer_of(bytes, bytes ? room : 0);

	if (bytes)
		notify_queue_told_put(queue, &out);
	*size = bytes ? writer_used(&out) : 0;
	return bytes;
}

static void recall(struct supervisor *s, const struct baton *baton)
{
	struct reader in = reader_of(baton->told, baton->told_size);

	if (baton->told)
		notifier_told(s->notifier, &in);
}

/* ---- life ----------------------------------------------------------------------------------------------------------- */

int supervisor_notify_init(struct supervisor *s)
{
	static const struct notifier_ops ops = {.counted = counted, .starved = starved};

	s->notifier = notifier_new(s->loop, &ops, s);
	if (!s->notifier)
		return -ENOMEM;
	if (s->takeover.baton)
		recall(s, s->takeover.baton);
	return timer_init(s->loop, &s->last_notices, LOOP_NORMAL, look, s);
}

void supervisor_notify_fini(struct supervisor *s)
{
	timer_fini(&s->last_notices);
	notifier_free(s->notifier);
}
