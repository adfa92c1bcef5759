/* The unit of rs-agent/persist.h as a file. systemd need not run: a link in the folder of its target
 * is what "enabled" means; if it runs it is told to read its units again. */
#ifndef LBHA_RS_AGENT_PERSIST_IO_H
#define LBHA_RS_AGENT_PERSIST_IO_H

#include <stdbool.h>

#include "rs-agent/persist.h"

struct arena;

#define PERSIST_WHY 512

/* Reads the unit, if there is one. 0 or -errno, with a sentence in `why` (PERSIST_WHY bytes);
 * -ENOENT: this host has no systemd. */
int persist_find(struct arena *arena, struct persist_found *out, char *why);

/* Writes the unit in one step, and links it to its target if `enabling`; or removes both. When they
 * are on disk and only systemd would not read them, 0 and a sentence in `why`; else `why` is empty,
 * or -errno. */
int persist_write(const char *text, bool enabling, char *why);
int persist_remove(char *why);

/* Where this program lies, and the current folder; both absolute, in the arena. -errno. */
int persist_places(struct arena *arena, const char **program, const char **cwd);

/* Whether we are in the network namespace that systemd would run the unit in, as far as we may
 * look. */
bool persist_is_at_home(void);

#endif
