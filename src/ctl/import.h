/* Importing other programs' configurations: what is common to the formats. The parsers and translations
 * are pure (convert/); here files are opened, and what came out is printed. */
#ifndef LBHA_CTL_IMPORT_H
#define LBHA_CTL_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "convert/import.h"

struct draft;
struct run;

#define IMPORT_SIZE_MAX (32u << 20) /* bytes of one file */

/* All bytes of a file, "-" for standard input, with a zero behind them; malloc'ed. NULL with errno. */
char *import_read(const char *path, size_t *size);

/* What an import said: told on standard error, or kept for --json. */
struct import_said {
	struct import_report report; /* hand this one over */
	bool json;
	size_t notes, warnings;
	json_t *messages;
	json_t *seen; /* what was said: once is enough */
};

void import_said_init(struct import_said *said, const struct run *run);

/* Prints the draft, or tells why not (NULL: it came to nothing), and how much was said; frees what
 * `said` has. The exit status. */
int import_finish(struct run *run, struct import_said *said, const struct draft *draft);

/* import_keepalived.c */
int run_import_keepalived(struct run *run);

/* import_table.c */
int run_import_ipvsadm(struct run *run);
int run_import_ldirectord(struct run *run);

#endif
