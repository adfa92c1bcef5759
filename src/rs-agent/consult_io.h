/* `lbha-rs doctor`: from what was asked for to findings on the report. */
#ifndef LBHA_RS_AGENT_CONSULT_IO_H
#define LBHA_RS_AGENT_CONSULT_IO_H

#include "rs-agent/options.h"

struct arena;
struct kernel;
struct report;
struct store;

struct consultation {
	const struct rs_options *options;
	const char *file;  /* the configuration; not read with --vip */
	bool from_journal; /* there is none, and no --vip: what setup wrote down */
	const struct store *store;
	const struct kernel *kernel;
	const struct address_list *addresses; /* ours */
	bool arp_filter;       /* silence by a table of nftables */
};

enum consult_outcome {
	CONSULT_WELL,    /* no problem; warnings perhaps */
	CONSULT_ILL,
	CONSULT_NOTHING, /* no service has a server here */
	CONSULT_FAILED,  /* told to the report */
};

enum consult_outcome consult(struct arena *arena, const struct consultation *about,
			     struct report *report);

#endif
