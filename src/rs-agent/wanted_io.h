/* What lbha.conf wants of this host. */
#ifndef LBHA_RS_AGENT_WANTED_IO_H
#define LBHA_RS_AGENT_WANTED_IO_H

#include "rs-agent/wish.h"

struct arena;
struct model;
struct report;

/* Reads the file, which must have that service (NULL: any). All its errors, and an unknown service,
 * are told to the report; then NULL. */
const struct model *wanted_model(struct arena *arena, const char *file, const char *service,
				 struct report *report);

/* Reads the file in the same way and finds the wishes for a host with these addresses; `service`
 * limits it to one (NULL: all). Services that need nothing of us are told to the report, too.
 * `serves`: whether it is a real server of anything at all. 0 or -errno (already told). */
int wanted_read(struct arena *arena, const char *file, const char *service,
		const struct address_list *own, struct report *report, struct rs_wishes *out,
		bool *serves);

#endif
