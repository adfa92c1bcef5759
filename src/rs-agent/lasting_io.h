/* --persist from the command line to the report: what is to be done with the unit is found out
 * before anything is changed, done when the rest was (setup) or before it (teardown), and told. */
#ifndef LBHA_RS_AGENT_LASTING_IO_H
#define LBHA_RS_AGENT_LASTING_IO_H

#include <stdbool.h>

#include "rs-agent/options.h"
#include "rs-agent/persist.h"

struct arena;
struct report;

struct lasting {
	struct arena *arena;
	struct report *report;
	const struct rs_options *options;
	int argc;
	char **argv;
	struct persist_found found;
	struct persist_plan plan;
};

/* Finds the unit and plans. `filter`: ARP is silenced by one. Nothing is planned for a setup without
 * --persist, nor where there is no systemd for teardown. 0 or -errno (already told). */
int lasting_plan(struct lasting *lasting, bool filter);

/* Does and tells what was planned; with --dry-run tells only. 0 or -errno (already told). */
int lasting_do(const struct lasting *lasting);

/* Tells whether what is set up will be there after a boot: for status. */
void lasting_tell(struct lasting *lasting);

#endif
