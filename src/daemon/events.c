/* See the header. */
#include "daemon/events.h"

#include <stdlib.h>
#include <string.h>

#include "base/walltime.h"
#include "daemon/control_cause.h"
#include "daemon/control_json.h"

struct events {
	uint64_t base;            /* numbers of this daemon are above it */
	uint64_t before;          /* those of this ring above this one */
	uint64_t last;
	char *lines[EVENTS_MAX];  /* by number modulo EVENTS_MAX; NULL: lost */
};

struct events *events_new(uint64_t base, uint64_t last)
{
	struct events *events = calloc(1, sizeof(*events));

	if (!events)
		return NULL;
	events->base = base;
	events->before = events->last = last;
	return events;
}

void events_free(struct events *events)
{
	if (!events)
		return;
	for (size_t i = 0; i < EVENTS_MAX; i++)
		free(events->lines[i]);
	free(events);
}

/* ---- an event as JSON ------------------------------------------------------------------------ */

/* Adds a member; when something fails the object becomes NULL and stays so. */
static void put(json_t **object, const char *key, json_t *value)
{
	if (!json_object_set_new(*object, key, value))
		return;
	json_decref(*object);
	*object = NULL;
}

static json_t *word(const char *text)
{
	return *text ? status_text(text) : json_null();
}

static json_t *begin(uint64_t number, nstime since_epoch, const char *kind)
{
	char time[WALLTIME_TEXT];
	json_t *object = json_object();

	put(&object, "seq", json_integer((json_int_t)number));
	put(&object, "time", json_string(walltime_format(since_epoch, time)));
	put(&object, "event", json_string(kind));
	return object;
}

json_t *events_object(const struct event *event, uint64_t number, nstime wall)
{
	json_t *object = begin(number, nstime_after(event->time, wall),
			       event_kind_name(event->kind));

	put(&object, "object", status_text(event->object));
	put(&object, "old", word(event->old));
	put(&object, "new", word(event->new));
	put(&object, "reason", status_text(event->reason));
	for (size_t i = 0; i < EVENT_MORE && event->more[i].key; i++)
		put(&object, event->more[i].key,
		    event->more[i].text ? status_text(event->more[i].text)
					: json_integer(event->more[i].number));
	if (event->cause)
		put(&object, "cause", cause_json(event->cause, wall));
	return object;
}

/* Takes the object over. */
static char *as_line(json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	char *line = text ? realloc(text, strlen(text) + 2) : NULL;

	json_decref(object);
	if (!line) {
		free(text);
		return NULL;
	}
	return strcat(line, "\n");
}

static json_t *missed_json(uint64_t next, uint64_t missed, nstime time)
{
	json_t *object = begin(next - 1, time, "missed");

	put(&object, "object", json_string("events"));
	put(&object, "old", json_null());
	put(&object, "new", json_null());
	put(&object, "reason", json_string("older events are no longer kept"));
	put(&object, "missed",
	    missed == EVENTS_UNKNOWN ? json_null() : json_integer((json_int_t)missed));
	return object;
}

char *events_missed_line(uint64_t next, uint64_t missed, nstime time)
{
	return as_line(missed_json(next, missed, time));
}

/* ---- the ring -------------------------------------------------------------------------------- */

const char *events_line(const struct events *events, uint64_t number)
{
	bool is_there = number > events->before && number <= events->last;

	return is_there && events->last - number < EVENTS_MAX ? events->lines[number % EVENTS_MAX] : NULL;
}

uint64_t events_base(const struct events *events)
{
	return events->base;
}

/* Takes the line over (NULL: lost) as that of the last event; what was in its place, or between, is gone. */
static void put_last(struct events *events, uint64_t number, char *line)
{
	uint64_t gone = number - events->last > EVENTS_MAX ? number - EVENTS_MAX : events->last;

	while (gone++ < number) {
		free(events->lines[gone % EVENTS_MAX]);
		events->lines[gone % EVENTS_MAX] = NULL;
	}
	events->lines[number % EVENTS_MAX] = line;
	events->last = number;
}

bool events_restore(struct events *events, uint64_t number, const char *line)
{
	json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(object) || number <= events->last) {
		json_decref(object);
		return false;
	}
	put_last(events, number, as_line(object));
	return true;
}

void events_resume(struct events *events, uint64_t last)
{
	if (last > events->last)
		put_last(events, last, NULL);
}

void events_follow(struct events *events, struct events *young)
{
	for (uint64_t number = young->before + 1; number <= young->last; number++) {
		const char *line = events_line(young, number);
		json_t *object = line ? json_loads(line, 0, NULL) : NULL;

		if (object)
			put(&object, "seq", json_integer((json_int_t)events->last + 1));
		put_last(events, events->last + 1, as_line(object));
	}
	events_free(young);
}

void events_add(struct events *events, const struct event *event, nstime wall)
{
	uint64_t number = ++events->last;
	char **place = &events->lines[number % EVENTS_MAX];

	free(*place);
	*place = as_line(events_object(event, number, wall));
}

uint64_t events_last(const struct events *events)
{
	return events->last;
}

uint64_t events_oldest(const struct events *events)
{
	if (events->last - events->before > EVENTS_MAX)
		return events->last - EVENTS_MAX + 1;
	return events->before + 1;
}

uint64_t events_after(const struct events *events, uint64_t since, uint64_t *missed)
{
	uint64_t oldest = events_oldest(events);

	*missed = 0;
	if (!since)
		return oldest;
	if (since < events->base || since > events->last) {
		*missed = EVENTS_UNKNOWN;
		return oldest;
	}
	if (since + 1 >= oldest)
		return since + 1;
	*missed = oldest - since - 1;
	return oldest;
}

/* The number behind the last line that fits, and the bytes up to there. */
static uint64_t fit(const struct events *events, uint64_t number, size_t room, size_t *size)
{
	*size = 0;
	for (; number <= events->last; number++) {
		const char *line = events_line(events, number);
		size_t length = line ? strlen(line) : 0;

		if (*size && *size + length > room)
			break;
		*size += length;
	}
	return number;
}

char *events_text(const struct events *events, uint64_t *number, size_t size)
{
	uint64_t end = fit(events, *number, size, &size);
	char *text = size ? malloc(size + 1) : NULL, *at = text;

	if (!text)
		return NULL;
	for (; *number < end; (*number)++)
		at = stpcpy(at, events_line(events, *number) ? events_line(events, *number) : "");
	return text;
}

json_t *events_json(const struct events *events, uint64_t since, nstime time)
{
	uint64_t missed, number = events_after(events, since, &missed);
	json_t *list = json_array(), *result = json_object();

	if (missed)
		json_array_append_new(list, missed_json(number, missed, time));
	for (; number <= events->last; number++)
		if (events_line(events, number))
			json_array_append_new(list, json_loads(events_line(events, number), 0, NULL));
	put(&result, "events", list);
	put(&result, "last", json_integer((json_int_t)events->last));
	return result;
}
