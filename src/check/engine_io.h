/* The engine: starts every probe when it is due, ends it at its deadline, and keeps what is known
 * of it (the subject). It owns the committed model of the checks, all flights and one timer; it
 * knows no worker, no fact and no log line but the one about itself (starts that come late).
 *
 * At most `bound` probes fly at once, by the limit of open files. When the kernel refuses a
 * descriptor or memory all the same, the bound shrinks to what flies and grows again with every
 * probe that ends well: probing becomes slower, no server suffers. */
#ifndef LBHA_CHECK_ENGINE_IO_H
#define LBHA_CHECK_ENGINE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nstime.h"
#include "check/automaton.h"
#include "check/outcome.h"
#include "config/model.h"

struct arena;
struct engine;
struct look;
struct loop;
struct merge;
struct roster;

/* What is known of one probe of the model, by its index. */
struct subject {
	struct automaton automaton;
	struct outcome last; /* of the last probe that told something of the server; REASON_NONE: none has */
	nstime ended;        /* when that was */
	struct hindrance here; /* why this machine could not probe since then */
	struct advice told;    /* of the server, all that stands */
	struct probe_times times;
	char *said;          /* OUTCOME_SAID bytes that last.fault may point to; NULL: it has no words of its own */
};

/* A probe has ended; verdict and hindrance until now. */
typedef void engine_ended(void *ctx, uint32_t probe, enum verdict before,
			  struct hindrance hindered);

/* NULL when out of memory. `bound`: see engine_bound(). */
struct engine *engine_new(struct loop *loop, uint32_t bound, engine_ended *ended, void *ctx);
void engine_free(struct engine *engine);

/* What all flights of a type share, made by the caller because it needs more than the engine's loop;
 * taken over. Before the first flight. */
void engine_client(struct engine *engine, enum check_type type, void *client);

/* Raises the limit of open files as far as allowed; how many probes may fly at once under it. */
uint32_t engine_bound(void);

/* A reload in two steps. Prepare allocates all that the new generation needs and says what would
 * change; `arena` holds the model and is taken over on success. NULL when out of memory. Commit
 * cannot fail: probes of the same key keep flights, times, counters and verdict. Either commit or
 * free what was prepared. */
struct roster *engine_prepare(struct engine *engine, struct arena *arena,
			      const struct model *model);
const struct merge *roster_merge(const struct roster *roster);
void roster_free(struct roster *roster);
void engine_commit(struct engine *engine, struct roster *roster);

/* A probe that is held is not started; a flight under way goes on, and what is known stays. One that
 * is held no more starts at once, or within a second when there are thousands. New ones that run while MASTER only, or that take a way
 * (via: vip), are held. */
void engine_hold(struct engine *engine, uint32_t probe, bool hold);

/* One probe beside the schedule, now, that counts for nothing (look_io.h). False: no flight is free. */
bool engine_look(struct engine *engine, uint32_t probe, struct look *look);
/* Ends its flight if it still flies. */
void engine_look_away(struct look *look);

/* Ends all flights and starts no more. */
void engine_stop(struct engine *engine);

/* What was committed last; NULL before that. */
const struct roster *engine_roster(const struct engine *engine);
/* Its model (NULL before the first commit); what is known of each of its probes. */
const struct model *engine_model(const struct engine *engine);
const struct subject *engine_subject(const struct engine *engine, uint32_t probe);

/* Since the engine was made: probes that ended, and the longest that a start came late: within a second of
 * a hurry, when thousands may be due at once (first ones, or those of an instance that became MASTER),
 * and otherwise. */
struct engine_work {
	uint64_t probes;
	nstime hurried_late, late;
};
struct engine_work engine_work(const struct engine *engine);

#endif
