/* The steps from what a real server has to what it shall have, or back. Pure.
 *
 * setup and teardown are one plan: teardown is the plan for an empty desired state. Only what the
 * journal says is ours is undone. Order: sysctls before addresses (else the server would answer ARP
 * for a moment), and the other way round on the way back. A plan without steps says that all is in
 * place. */
#ifndef LBHA_RS_AGENT_PLAN_H
#define LBHA_RS_AGENT_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/owned.h"
#include "net/sysctl.h"
#include "rs-agent/desired.h"

struct arena;

struct rs_actual {
	uint32_t lo;                   /* the loopback's index */
	struct address_list addresses; /* of all links */
	const struct link *links;
	size_t link_count;
	struct sysctl_value *sysctls; /* of rs_sysctl_wants, of the journal, arp_* of all links */
	size_t sysctl_count;
};

enum rs_action {
	RS_SYSCTL_SET,     /* journal "+", then write `set` */
	RS_ADDRESS_ADD,    /* journal "+", then add */
	RS_ADDRESS_NOTE,   /* it is there and not ours: journal "+ foreign" */
	RS_ADDRESS_REMOVE, /* remove, then journal "-" */
	RS_SYSCTL_RESTORE, /* write `former`, then journal "-" */
	RS_FORGET,         /* nothing left to undo: journal "-" */
	RS_LEAVE,          /* somebody changed it since: leave it, journal "-", and say so */
};

struct rs_step {
	enum rs_action action;
	struct owned record;    /* what the journal's line is about; `gone` is set for "-" */
	struct address address; /* of ADD and REMOVE */
	int64_t actual;         /* a sysctl's value now */
};

struct rs_plan {
	struct rs_step *steps;
	size_t count;
};

/* -ENOMEM; -ENOENT when the kernel lacks a sysctl that is needed. */
int rs_plan_build(struct arena *arena, const struct rs_desired *desired,
		  const struct rs_actual *actual, const struct owned_set *journal,
		  struct rs_plan *out);

/* Whether a step changes the kernel (else only the journal). */
bool rs_step_acts(const struct rs_step *step);
/* Whether the journal is written before the act. */
bool rs_step_journals_first(const struct rs_step *step);

/* In words ("raise net.ipv4.conf.all.arp_ignore from 0 to 1"), and as a command that does the same
 * (empty when nothing is done to the kernel). `out` has RS_TEXT bytes; return it. */
#define RS_TEXT 256
const char *rs_step_words(const struct rs_step *step, char *out);
const char *rs_step_command(const struct rs_step *step, char *out);

#endif
