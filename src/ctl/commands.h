/* The table of lbhactl's commands. */
#ifndef LBHA_CTL_COMMANDS_H
#define LBHA_CTL_COMMANDS_H

#include <stddef.h>

#include "ctl/command.h"

/* The command at a place of the table, NULL behind the last. */
const struct command *command_at(size_t index);

/* The command whose name the words begin with, the longest; NULL: none. `used` gets how many words it took. */
const struct command *command_find(char *const *words, int count, int *used);

/* The row behind `after` (NULL: the first) whose name begins with that word. */
const struct command *command_next_of(const char *word, const struct command *after);

#endif
