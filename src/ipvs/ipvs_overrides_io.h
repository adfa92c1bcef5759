/* The supervisor's list of overrides as it comes in, record after record, and
 * as it is in force. */
#ifndef LBHA_IPVS_IPVS_OVERRIDES_IO_H
#define LBHA_IPVS_IPVS_OVERRIDES_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/override.h"

struct reader;

struct ipvs_override_list {
	struct override *rows; /* those of servers */
	size_t count, room;
	uint32_t records; /* of any kind */
	bool maintenance;
};

struct ipvs_overrides {
	struct ipvs_override_list now, next; /* in force; on its way in */
};

/* One RECORD_OVERRIDE. */
void ipvs_overrides_take(struct ipvs_overrides *overrides, struct reader *in);
/* RECORD_OVERRIDES_END: the list is complete and in force. False: it is not,
 * and the one before stays in force. */
bool ipvs_overrides_end(struct ipvs_overrides *overrides, struct reader *in);
void ipvs_overrides_fini(struct ipvs_overrides *overrides);

#endif
