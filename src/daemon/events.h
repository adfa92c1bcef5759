/* The ring of events: the last EVENTS_MAX of them as lines of JSON, each with a number that is never
 * used again. Numbers go on over a control worker that is replaced (they are kept in its state page),
 * and those of a daemon begin with the milliseconds of the wall clock: so a reader that comes back
 * later learns how much it missed, or that it comes from another time, instead of taking new events
 * for those that it knows. */
#ifndef LBHA_DAEMON_EVENTS_H
#define LBHA_DAEMON_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/nstime.h"
#include "daemon/event.h"

#define EVENTS_MAX 4096

struct events;

/* A ring without events yet: numbers began behind `base`, the last one given was `last`. NULL when
 * out of memory. */
struct events *events_new(uint64_t base, uint64_t last);
void events_free(struct events *events);

/* A ring that goes on where that of another process was: its events come one after the other, each a line of JSON
 * without its end. False: it is none, or its number is not above the last. What `young`, which is freed, was given
 * meanwhile comes behind them under new numbers. */
bool events_restore(struct events *events, uint64_t number, const char *line);
/* There were events up to that number. */
void events_resume(struct events *events, uint64_t last);
void events_follow(struct events *events, struct events *young);

/* An event's line, with its end; NULL: it is not there, or was lost. The number below the first. */
const char *events_line(const struct events *events, uint64_t number);
uint64_t events_base(const struct events *events);

/* An event as JSON; NULL when out of memory. `wall` is clock_wall_offset(). */
json_t *events_object(const struct event *event, uint64_t number, nstime wall);

/* Appends an event; the oldest one goes when the ring is full. When out of memory it is lost, and
 * its number is missing. */
void events_add(struct events *events, const struct event *event, nstime wall);

/* The number of the last event, and of the oldest that is still there (last + 1: none is). */
uint64_t events_last(const struct events *events);
uint64_t events_oldest(const struct events *events);

#define EVENTS_UNKNOWN UINT64_MAX

/* Where to read on after event number `since`; 0: with the oldest. *missed is how many after `since`
 * are gone for good; EVENTS_UNKNOWN: nobody knows, `since` is of another daemon. */
uint64_t events_after(const struct events *events, uint64_t since, uint64_t *missed);

/* A line with its end that tells a reader what it has missed before event number `next`, malloc'ed;
 * its number is the one before. NULL when out of memory. `time` is since the epoch. */
char *events_missed_line(uint64_t next, uint64_t missed, nstime time);

/* The lines from event *number on, as many as fit into `size` bytes (at least one), malloc'ed;
 * *number becomes that of the next one. NULL: there are none, or no memory. */
char *events_text(const struct events *events, uint64_t *number, size_t size);

/* {"events":[…],"last":N}: those after `since`, before them one that tells what is missing (at
 * `time`, since the epoch), and the number to resume with. NULL when out of memory. */
json_t *events_json(const struct events *events, uint64_t since, nstime time);

#endif
