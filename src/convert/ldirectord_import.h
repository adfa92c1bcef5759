/* ldirectord.cf as a draft of lbha.conf. Pure. */
#ifndef LBHA_CONVERT_LDIRECTORD_IMPORT_H
#define LBHA_CONVERT_LDIRECTORD_IMPORT_H

#include "convert/virtual.h"

/* `text` ends with a zero. What has no equivalent is told through the report, with its line, and stands
 * as a comment at its place. NULL: there was no service, or memory is out (arena_failed()). */
struct draft *ldirectord_import(struct arena *arena, const char *file, const char *text,
				const struct import_names *names, const struct import_report *report);

/* ---- between its files ---- */

enum ld_type {
	LD_NEGOTIATE,
	LD_CONNECT,
	LD_PING,
	LD_EXTERNAL,
	LD_OFF,
	LD_ON,
};

/* What both the whole file and a virtual section say; the section's word counts. Texts: NULL: not said;
 * numbers: 0. */
struct ld_settings {
	uint32_t check_timeout, negotiate_timeout, interval, failures;
	const char *quiescent, *fallback;
	uint32_t fallback_line, interval_line;
};

/* How the servers of a section are checked. */
struct ld_check {
	enum ld_type type;
	const char *service; /* "http"; NULL: by the port */
	const char *command, *request, *receive, *method, *host, *login, *database;
	uint32_t port;       /* 0: the servers' */
	uint32_t line;
};

/* What one server is asked in the place of the section's request; request NULL: nothing of its own. */
struct ld_exchange {
	const char *request, *receive;
	uint32_t line;
};

struct ld_section {
	struct ld_settings settings;
	struct ld_check check;
	struct virtual_service service;
	struct ld_exchange *exchanges; /* one for each server of the service */
	size_t exchange_count;
};

/* ldirectord_check.c: `check:` of a service, from what the section says; `map` is the service's. */
void ld_check_draft(struct import_run *run, struct draft *map, const struct ld_section *section,
		    const struct ld_settings *global);

#endif
