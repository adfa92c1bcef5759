/* The options of lbhactl: those of all commands, and those that only some have. */
#ifndef LBHA_CTL_OPTIONS_H
#define LBHA_CTL_OPTIONS_H

#include <stddef.h>

#include "ctl/command.h"

struct option_row {
	const char *name;
	const char *value; /* what it takes, in the words of words.h; NULL: nothing */
	const char *help;
	unsigned bit; /* of enum option_bit; 0: every command has it */
	/* Takes the value (NULL: none is taken); EXIT_USAGE after a complaint. */
	int (*set)(struct run *run, const char *value);
};

/* The option at a place of the table, NULL behind the last. */
const struct option_row *option_at(size_t index);

/* Reads the options of a command line, before and behind the command, into `run`; the rest begins at `optind`.
 * EXIT_USAGE after a complaint. */
int options_read(struct run *run, int argc, char **argv);

/* EXIT_USAGE after a complaint about the first option that the command has not. */
int options_check(const struct run *run);

#endif
