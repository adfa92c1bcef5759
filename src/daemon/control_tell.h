/* When the mirror tells what changed. Instances, sync groups and services are told a moment after their facts came, so that
 * the facts that say why (servers, trackers) are there, too: workers send them behind. Whatever changes again meanwhile
 * is told before. */
#ifndef LBHA_DAEMON_CONTROL_TELL_H
#define LBHA_DAEMON_CONTROL_TELL_H

#include <stdint.h>

#include "base/nstime.h"

struct mirror;

/* How long after a fact mirror_settle() shall be called. */
#define MIRROR_SETTLE (10 * NSTIME_MS)

enum mirror_told {
	TOLD_INSTANCE,
	TOLD_GROUP,
	TOLD_SERVICE,
};

/* A fact about that object has come and is about to replace what the mirror has: what has not been told yet is told,
 * and the object is due. */
void mirror_due(struct mirror *mirror, enum mirror_told kind, uint32_t index, nstime now);

/* Tells all that is due. Also before the model changes: indices are those of the present one. */
void mirror_settle(struct mirror *mirror, nstime now);

#endif
