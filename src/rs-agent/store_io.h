/* The journal as a file in the state folder, under a lock while somebody changes things. */
#ifndef LBHA_RS_AGENT_STORE_IO_H
#define LBHA_RS_AGENT_STORE_IO_H

#include <stdbool.h>

#include "net/owned.h"
#include "rs-agent/journal.h"

struct arena;

#define STORE_JOURNAL "rs-journal"

struct store {
	int dir, fd; /* fd: the journal, once something was written; -1 */
	struct journal_place here;
	enum journal_standing standing;
	struct owned_set set; /* what is in the file; empty unless it holds here and now */
};

/* Opens the state folder and reads the journal. `writing`: makes the folder if it is missing, and
 * waits for the lock; else a missing folder is an empty journal. 0 or -errno, with a sentence in
 * `why` (STORE_WHY bytes). */
#define STORE_WHY 512
int store_open(struct store *store, struct arena *arena, const char *folder, bool writing,
	       char *why);

/* Appends a line; the first one starts a fresh file with what is left of the old one. -errno. */
int store_append(struct store *store, struct arena *arena, const struct owned *record);

/* Reads again what is in it; removes a file that holds nothing any more. -errno. */
int store_settle(struct store *store, struct arena *arena);

void store_close(struct store *store);

#endif
