/* The handover: what a daemon that detaches leaves in <run-dir>/handover for the next one. Its form: a magic text, a
 * digest of all that follows, and a carry (base/carry.h), whose form and records never change: the next daemon may be of
 * another release, either way. Pure. */
#ifndef LBHA_DAEMON_HANDOVER_H
#define LBHA_DAEMON_HANDOVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/nstime.h"
#include "config/model.h"

#define HANDOVER_BOOT 40
#define HANDOVER_VERSION 64

struct handover {
	char boot[HANDOVER_BOOT];       /* boot_id of the kernel: points of time mean something within one boot */
	uint64_t network;               /* which network namespace */
	nstime written, deadline;       /* after that nobody may go on with it */
	uint32_t generation;            /* that was in force */
	char version[HANDOVER_VERSION]; /* of who wrote it */
	struct {
		const void *bytes;      /* NULL: that worker left nothing */
		size_t size;
	} carries[ROLE_COUNT];
};

/* Bytes that it takes at most. */
size_t handover_size(const struct handover *handover);
/* Writes it; how many bytes it took, 0: there is no room. */
size_t handover_put(const struct handover *handover, void *bytes, size_t size);
/* Reads it; carries point into `bytes`. -EBADMSG: it is none, or was cut or changed. */
int handover_get(const void *bytes, size_t size, struct handover *out);

enum handover_worth {
	HANDOVER_FRESH,
	HANDOVER_STALE,         /* its deadline has passed */
	HANDOVER_OTHER_BOOT,
	HANDOVER_OTHER_NETWORK,
};

/* What it is worth for a daemon in this boot, in this network namespace, now. */
enum handover_worth handover_judge(const struct handover *handover, const char *boot, uint64_t network, nstime now);

#endif
