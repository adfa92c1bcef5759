/* A state page: shared memory between the supervisor, who makes it (memfd), and one worker, who writes it. It
 * outlives the worker: the heartbeat tells that its loop turns, and a new vrrp worker reads what the dead one knew. */
#ifndef LBHA_CORE_STATEPAGE_H
#define LBHA_CORE_STATEPAGE_H

#include <stdint.h>

#include "base/addr.h"
#include "base/nstime.h"

#define STATEPAGE_INSTANCES 16384 /* pages of memory that no instance uses are never touched */

/* One VRRP instance. Written by the vrrp worker only. */
struct statepage_instance {
	uint64_t key;         /* of the instance's name; 0: slot never used */
	int64_t last_advert;  /* when we last sent as MASTER; 0: never */
	uint8_t state;        /* enum vrrp_state */
	uint8_t releasing;    /* a release was under way */
	uint8_t standing;     /* released by the operator: it must not claim while there is a master */
	uint8_t heard;        /* another router was heard, ever */
	uint8_t pad[4];
	struct addr master;
};

struct statepage {
	uint32_t magic, size;
	int64_t created;      /* clock_now() of the supervisor: when the daemon was started */
	int64_t heartbeat;    /* clock_now() of the worker's last turn */
	int64_t quickest;     /* vrrp: the shortest advert interval of all instances; 0: there are none */
	int64_t lease;        /* vrrp: how long the slowest backup of any instance waits; 0: there are none */
	int64_t withdrawn;    /* supervisor: when the addresses were taken away for want of a worker; 0: never. What
			       * is older says nothing about who is MASTER */
	int64_t facts_at;     /* control: when it took the last fact; 0: never */
	uint64_t event_base, event; /* control: numbers before the first event, and of the last */
	struct statepage_instance instances[STATEPAGE_INSTANCES];
};

/* Supervisor: a new page's descriptor, sized and zeroed but for its head; -errno. */
int statepage_create(void);
/* Maps a page from its descriptor (not closed); NULL when it is no state page of this build. */
struct statepage *statepage_map(int fd);
void statepage_unmap(struct statepage *page);

/* The slot of an instance, made if it has none; NULL when all are taken. */
struct statepage_instance *statepage_take(struct statepage *page, const char *name);
/* Empties a slot for whoever comes; NULL is fine. */
void statepage_give_back(struct statepage_instance *slot);

#endif
