/* The systemd unit that runs setup again after a boot: its text, and what becomes of one that is
 * there. Pure.
 *
 * One unit, lbha-rs.service, has a line for each setup that shall last: one for all that lbha.conf
 * says, one for each --service, one for each --vip; and for each state folder its own. So a setup
 * of one VIP leaves the others' lines alone, as it leaves their VIPs.
 *
 * That the unit is ours is said by itself, in a line with a digest of what follows: this outlives
 * the boot (the journal does not), and tells whether somebody changed the file since. What was
 * changed is left as it is. */
#ifndef LBHA_RS_AGENT_PERSIST_H
#define LBHA_RS_AGENT_PERSIST_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

#define PERSIST_UNIT "lbha-rs.service"
#define PERSIST_FOLDER "/etc/systemd/system"
#define PERSIST_WANTS "multi-user.target.wants"

/* One setup: "--vip 192.0.2.80", "--service web", or "" for all there is; and what it is told
 * besides, each word with a blank before it. */
struct persist_line {
	const char *selection;
	const char *rest;
};

/* What shall be so after the next boot. */
struct persist_wish {
	bool removing;
	const char *program;   /* absolute */
	const char *state_dir; /* absolute; lines of others are not touched */
	struct persist_line *lines;
	size_t line_count;
};

struct persist_found {
	const char *text; /* NULL: no file */
	bool is_enabled;
};

enum persist_action {
	PERSIST_NOTHING,
	PERSIST_WRITE,  /* `text`, and enable it */
	PERSIST_REMOVE, /* and disable it */
	PERSIST_LEAVE,  /* somebody changed it or made it; as far as we are concerned it may stay */
	PERSIST_REFUSE, /* the same, but it does not do what is wished */
};

struct persist_plan {
	enum persist_action action;
	const char *text;
	bool all_remains; /* what is removed will be there again: a line sets up all there is */
};

/* The lines of a command line; one for each --vip. `cwd` is what relative file names begin with.
 * `filter`: ARP is silenced by a filter, whether the command line says so or not. -ENOMEM. */
int persist_lines(struct arena *arena, int argc, char **argv, const char *cwd, bool filter,
		  struct persist_wish *out);

/* A line for "" (all there is) takes the place of all others of its state folder; removing it
 * removes them. -ENOMEM. */
int persist_plan_build(struct arena *arena, const struct persist_wish *wish,
		       const struct persist_found *found, struct persist_plan *out);

/* Whether the unit sets up anything of that state folder. -ENOMEM: no memory, else 0 or 1. */
int persist_has(struct arena *arena, const struct persist_found *found, const char *state_dir);

/* `name` if absolute, else below `cwd`. NULL: no memory. */
const char *persist_absolute(struct arena *arena, const char *cwd, const char *name);

/* A word as systemd reads it back from a command line (systemd.service(5), "Command lines"). NULL:
 * no memory. */
const char *persist_quote(struct arena *arena, const char *word);

#endif
