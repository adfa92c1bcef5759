/* Who is to hear of an event: the scripts of global.notify, and those of its object. Notices (daemon/notice.h) go to the
 * supervisor, which runs them. Beside events it tells how all is whenever a worker has told all its facts (a start, a
 * worker that is back, a reload) and when the supervisor asks for it: scripts that know hear nothing. That is told a few
 * at a time, and no more before those were taken. */
#ifndef LBHA_DAEMON_CONTROL_NOTIFY_H
#define LBHA_DAEMON_CONTROL_NOTIFY_H

#include <stdint.h>

struct control_notify;
struct event;
struct mirror;
struct worker;

/* Of a mirror that is at the same place for good. NULL when out of memory. */
struct control_notify *control_notify_new(struct worker *worker, const struct mirror *mirror);
void control_notify_free(struct control_notify *notify);

/* The mirror has another model. */
void control_notify_model(struct control_notify *notify);
/* An event that was given that number. */
void control_notify_event(struct control_notify *notify, const struct event *event, uint64_t number);
/* Tells how all is; `number` is that of the last event. */
void control_notify_all(struct control_notify *notify, uint64_t number);

#endif
