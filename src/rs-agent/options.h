/* The command line of lbha-rs. */
#ifndef LBHA_RS_AGENT_OPTIONS_H
#define LBHA_RS_AGENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "rs-agent/wish.h"

enum rs_command {
	RS_SETUP,
	RS_TEARDOWN,
	RS_STATUS,
	RS_DOCTOR,
	RS_HELP,
	RS_VERSION,
};

#define OPTIONS_VIPS 64

enum rs_arp {
	RS_ARP_AS_BEFORE, /* what the journal says; sysctls if it says nothing */
	RS_ARP_SYSCTL,
	RS_ARP_FILTER,
};

struct rs_options {
	enum rs_command command;
	const char *file; /* NULL: not given */
	const char *service;
	const char *state_dir;
	bool dry_run, json, persist;
	enum rs_arp arp;
	struct addr vips[OPTIONS_VIPS];
	struct rs_given given; /* its vips are those above */
};

#define OPTIONS_WHY 256

/* 0, or -EINVAL with a sentence in `why` (OPTIONS_WHY bytes). `state_dir` is the default one. */
int rs_options_parse(int argc, char **argv, const char *state_dir, struct rs_options *out,
		     char *why);

const char *rs_command_name(enum rs_command command);

#endif
