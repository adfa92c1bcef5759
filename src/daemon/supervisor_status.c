/* STATUS= of sd_notify(3): what `systemctl status` shows. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/sdnotify.h"
#include "daemon/supervisor_state.h"

/* It waits to be started, or was and has not got far yet. */
static bool is_down(const struct slot *slot)
{
	return slot->wait && slot->state != WORKER_STOPPED;
}

static void add_down(const struct slot *slot, struct text *text)
{
	text_add(text, "the %s worker %s; it is started again ", role_name(slot->role), slot->how);
	if (slot->state == WORKER_BACKOFF)
		text_add(text, "in %lld s", (long long)(slot->wait / NSTIME_S));
	else
		text_add(text, "now");
	text_add(text, " (%u deaths in a row)", slot->deaths);
}

void supervisor_status_worker(struct supervisor *s)
{
	char line[SUPERVISOR_STATUS] = "";
	struct text text = text_of(line, sizeof(line));

	if (s->stopping)
		return;
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++) {
		if (!is_down(&s->workers.slots[role]))
			continue;
		text_add(&text, text.length ? ", " : s->facts.ready ? "degraded: " : "not ready: ");
		add_down(&s->workers.slots[role], &text);
	}
	if (!text.length)
		text_add(&text, "%s", s->doing);
	if (strcmp(line, s->told) != 0 && sdnotify("STATUS=%s", line))
		memcpy(s->told, line, sizeof(line));
}

void supervisor_status(struct supervisor *s, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(s->doing, sizeof(s->doing), format, list);
	va_end(list);
	supervisor_status_worker(s);
}
