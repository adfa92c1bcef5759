/* What the control worker knows: the model and the last fact of every object. A fact stays until a
 * newer one comes, also when its sender has died (the senders say all again after they are back).
 * Adopting a new model carries the facts over to the objects that keep their key (names of instances,
 * groups, trackers and services, server addresses, probe keys), so that status has no hole during a reload. Owns
 * its memory; one arena for each model. What a fact changes becomes an event. Facts come from other workers and are checked against the
 * model: an index out of range is refused. */
#ifndef LBHA_DAEMON_CONTROL_MIRROR_H
#define LBHA_DAEMON_CONTROL_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "config/facts.h"
#include "config/model.h"
#include "daemon/control_carry.h"
#include "daemon/control_overrides.h"
#include "daemon/control_times.h"
#include "daemon/control_tell.h"
#include "daemon/control_traffic.h"
#include "daemon/event.h"

struct arena;

/* One real server's fact and whether it has come. */
struct mirror_server {
	bool known;
	struct fact_server fact;
	struct event_seen seen;
	struct traffic_seen traffic;
};

struct mirror_service {
	bool known, due;
	struct fact_service fact;
	struct event_seen seen;
	struct traffic_seen traffic;
	struct mirror_server *servers; /* as many as the model's service has */
};

struct mirror_tracker {
	bool known;
	struct fact_tracker fact;
	struct event_seen seen;
};

struct mirror_instance {
	bool known, due;
	struct fact_instance fact;
	struct event_seen_instance seen;
	struct mirror_tracker *trackers; /* as many as model_tracker_count() says */
};

struct mirror_group {
	bool known, due;
	struct fact_group fact;
	struct event_seen seen;
};

struct mirror_probe {
	bool known;
	struct fact_probe fact;
};

struct mirror_leaver {
	bool known;
	struct fact_leaver fact;
};

struct mirror_worker {
	bool known;
	struct fact_worker fact;
};

/* What has changed and is not told yet (control_tell.h). */
struct mirror_due {
	enum mirror_told kind;
	uint32_t index;
};

#define MIRROR_DUE 256

struct mirror {
	const struct model *model; /* NULL before the first */
	struct arena *arena;       /* holds the arrays below; and the model if it was put there */
	struct mirror_instance *instances;
	struct mirror_group *groups;
	struct mirror_probe *probes;
	struct times times;
	struct mirror_service *services;
	struct mirror_leaver *leavers; /* as many as there is room for; see mirror_leaver() */
	size_t leaver_room;
	struct fact_table table;
	struct fact_daemon daemon;
	struct fact_notify notify;
	bool table_known, daemon_known;
	struct mirror_worker workers[ROLE_EXPORTER + 1];
	struct event_seen_daemon seen;
	struct control_reload former; /* the last of a predecessor; time 0: none */
	const struct event_sink *sink; /* NULL: nobody wants events */
	struct override_mirror overrides;
	struct mirror_due due[MIRROR_DUE];
	size_t due_count;
};

void mirror_init(struct mirror *mirror);
void mirror_fini(struct mirror *mirror);

/* Prepares a mirror of `model`, with nothing known yet; takes `arena` (in which the model may live)
 * when it succeeds. -ENOMEM. */
int mirror_prepare(struct mirror *next, const struct model *model, struct arena *arena);

/* `next` becomes the mirror: facts of objects that are in both are kept, the old arena is freed. What is due was told
 * before (mirror_settle). */
void mirror_adopt(struct mirror *mirror, struct mirror *next);

/* Takes a fact and tells the sink what it changes, at once or with mirror_settle(). False when it is malformed, of an unknown type or
 * about an object that the model has not. */
bool mirror_fact(struct mirror *mirror, uint16_t type, struct reader *in, nstime now);

/* Until the supervisor tells of a reload of its own the last one is that of a predecessor. */
void mirror_recall(struct mirror *mirror, const struct control_reload *reload);

/* One of table.leavers; NULL: not known, or gone. */
const struct fact_leaver *mirror_leaver(const struct mirror *mirror, size_t number);

/* The supervisor has told all its facts: its overrides are complete. `wall` is
 * clock_wall_offset(). */
void mirror_synced(struct mirror *mirror, nstime now, nstime wall);

#endif
