/* What lbhactl says of itself: --help, of all or of one command, and what was wrong with a command line. */
#ifndef LBHA_CTL_USAGE_H
#define LBHA_CTL_USAGE_H

#include "ctl/command.h"

void usage_all(void);
/* Of all commands whose name begins with that word. */
void usage_of(const char *word);

/* All return EXIT_USAGE, after a complaint. */
int usage_no_command(void);
/* A first word that is no command, or only the beginning of some. */
int usage_unknown(const char *word);
/* Too few words, or too many. */
int usage_wrong(const struct command *command);

#endif
