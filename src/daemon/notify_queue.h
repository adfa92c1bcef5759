/* What scripts are still to be told, and what they were told last: decisions of the notifier, without processes. Pure but
 * for malloc.
 *
 * Of one script and object there is one run at a time, in the order of events. While it waits a later event of the same
 * kind takes the place of an earlier one: the script hears the latest, and how many it did not hear. What was told last of
 * a state is remembered, so that somebody who says how all is (at a start, after a worker was replaced, after a reload)
 * brings about the runs that are owed and no others. No script takes all places from the others, and those that have
 * something to be told take turns. Both lists are bounded; what finds no room is counted, and asked for again later. */
#ifndef LBHA_DAEMON_NOTIFY_QUEUE_H
#define LBHA_DAEMON_NOTIFY_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/notice.h"

#define NOTIFY_AT_ONCE 16   /* runs under way */
#define NOTIFY_PER_SCRIPT 8 /* of one script */
#define NOTIFY_WAITING_MAX 100000
#define NOTIFY_BYTES_MAX ((size_t)64 << 20)
#define NOTIFY_TOLD_MAX 500000

enum notify_added {
	NOTIFY_ADDED,  /* one more waits */
	NOTIFY_MERGED, /* it takes the place of one that waited */
	NOTIFY_KNOWN,  /* the script was told so already, or will be */
	NOTIFY_FULL,   /* it is lost, and notify_queue_starved() says so */
};

/* One script that is to be told of one event. */
struct notify_entry {
	TAILQ_ENTRY(notify_entry) link;
	uint64_t script;
	uint64_t serial;           /* of script and object: what excludes another at the same time */
	uint64_t about;            /* of script, object and kind: what a later one takes the place of */
	bool again;                /* it ran, and a signal ended it that may have been meant for another */
	unsigned coalesced;        /* events that it stands for besides its own */
	char state[NOTICE_STATE];  /* "": none */
	char told[NOTICE_STATE];   /* once taken: what the script was told last; "": nothing */
	size_t size;
	uint8_t body[];            /* notice_words_of() */
};

struct notify_queue;

/* NULL when out of memory. */
struct notify_queue *notify_queue_new(void);
void notify_queue_free(struct notify_queue *queue);

enum notify_added notify_queue_add(struct notify_queue *queue, uint64_t script, const struct notice *notice);

/* The next that may run, now counted as told and the caller's until done or back; NULL: none may. */
struct notify_entry *notify_queue_next(struct notify_queue *queue);
/* It has run. */
void notify_queue_done(struct notify_queue *queue, struct notify_entry *entry);
/* It has not: it is the first again, unless a later one waits. */
void notify_queue_back(struct notify_queue *queue, struct notify_entry *entry);

/* Another configuration is in force: what waits for scripts that it has not is dropped, and what was told about what
 * nobody has spoken of under the last two is forgotten. */
void notify_queue_scripts(struct notify_queue *queue, bool (*is_there)(void *ctx, uint64_t script), void *ctx);

size_t notify_queue_waiting(const struct notify_queue *queue);
/* Once after something found no room and half of the room is free again: all has to be said anew. */
bool notify_queue_starved(struct notify_queue *queue);

/* What was told, for whoever takes this process over. */
size_t notify_queue_told_size(const struct notify_queue *queue);
void notify_queue_told_put(const struct notify_queue *queue, struct writer *out);
void notify_queue_told_get(struct notify_queue *queue, struct reader *in);

#endif
