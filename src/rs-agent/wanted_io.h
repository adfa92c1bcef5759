/* What lbha.conf wants of this host. */
#ifndef LBHA_RS_AGENT_WANTED_IO_H
#define LBHA_RS_AGENT_WANTED_IO_H

#include "rs-agent/wish.h"

struct arena;
struct report;

/* Reads the file and finds the wishes for a host with these addresses; `service` limits it to one
 * (NULL: all). All errors of the file, an unknown service and services that need nothing of us are
 * told to the report. 0 or -errno (already told). */
int wanted_read(struct arena *arena, const char *file, const char *service,
		const struct address_list *own, struct report *report, struct rs_wishes *out);

#endif
