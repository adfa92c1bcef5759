/* What a vrrp worker hands to its successor (base/carry.h), and for how long that one may go on where
 * it left. Pure. The records and the order of their values never change: other releases read them;
 * more may come behind.
 *
 * A master that left is missed when a backup has waited three of its intervals and a skew. Who
 * comes back before that, with some time to spare for the advert's way, goes on; later another may
 * be master, and one listens. */
#ifndef LBHA_VRRP_HEIR_H
#define LBHA_VRRP_HEIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/cursor.h"
#include "base/nstime.h"

struct arena;

/* One instance; points of time are those of clock_now(). */
struct vrrp_heir {
	uint64_t key;           /* of its name */
	uint8_t state;          /* enum vrrp_state, whose numbers never change either */
	bool releasing;         /* it had said goodbye and still held its addresses */
	bool standing;          /* released by the operator */
	bool heard;             /* another router was heard, ever */
	nstime last_advert;     /* of ours, as MASTER; 0: never */
	struct addr master;     /* family 0: none is known */
	nstime since;           /* in that state */
	uint64_t transitions, sent, received;
	uint32_t counter;       /* AH: the highest that was sent or accepted */
};

struct vrrp_heirs {
	struct vrrp_heir *list;
	size_t count;
	nstime deadline;        /* as the predecessor was told; 0: it left to one that was ready */
};

uint64_t vrrp_heir_key(const char *name);

/* Appends the records; heirs.list has a name for each in `names`. */
void vrrp_heirs_put(struct writer *out, const struct vrrp_heirs *heirs, const char *const *names);
/* How many bytes that takes at most, with the head of the carry. */
size_t vrrp_heirs_size(size_t count, size_t name_bytes);
/* Reads them behind the head of a carry: what it does not know is skipped, an instance that cannot be
 * read left out. -EBADMSG: it ends in the middle; -ENOMEM. */
int vrrp_heirs_get(struct reader *in, struct arena *arena, struct vrrp_heirs *out);

/* NULL: there is none of that name. */
const struct vrrp_heir *vrrp_heirs_find(const struct vrrp_heirs *heirs, const char *name);

/* How old the last advert may be for a worker to go on as MASTER: `restarted`: after a restart of
 * the daemon, which takes its time; else two intervals. */
nstime vrrp_heir_grace(nstime advert_interval, bool restarted);

/* For how long addresses may stay without anybody who looks after them: until the slowest of all
 * possible backups has taken over, at least VRRP_LEASE_MIN; in the kernel's whole seconds. */
#define VRRP_LEASE_MIN (3 * NSTIME_S)
nstime vrrp_lease(uint8_t version, nstime advert_interval);
uint32_t vrrp_lease_seconds(nstime lease);

#endif
