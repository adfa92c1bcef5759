/* The steps from what a real server has to what it shall have, or back. Pure.
 *
 * setup and teardown are one plan: teardown is the plan for an empty desired state. Only what the
 * journal says is ours is undone. One walk for all kinds of objects (plan_kind.h): what is wanted
 * in the order of the kinds (sysctls before addresses, else the server would answer ARP for a
 * moment), and what is no longer wanted in the opposite order. A plan without steps says that all
 * is in place. */
#ifndef LBHA_RS_AGENT_PLAN_H
#define LBHA_RS_AGENT_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "net/owned.h"
#include "rs-agent/actual.h"
#include "rs-agent/desired.h"

struct arena;

enum rs_action {
	RS_MAKE,   /* journal "+", then add an address, write a sysctl */
	RS_MEND,   /* it is ours and half made: finish it; the journal has it */
	RS_NOTE,   /* journal "+": a wish, or an address that is there and not ours */
	RS_UNDO,   /* remove it, or write the former value, then journal "-" */
	RS_FORGET, /* nothing left to undo: journal "-" */
	RS_LEAVE,  /* somebody changed it since: leave it, journal "-", and say so */
	RS_REFUSE, /* somebody else's is in its place: nothing of the plan can be done */
};
#define RS_ACTIONS (RS_REFUSE + 1)

struct rs_step {
	enum rs_action action;
	struct owned record; /* what it is about: the journal's line; `gone` is set for "-" */
	union {
		struct address address; /* of MAKE and UNDO; link 0: one that an earlier step makes */
		struct rs_link link;    /* the same; of UNDO only the index */
		int64_t actual;         /* a sysctl's value now */
		const char *table;      /* text of MAKE */
	};
};

struct rs_plan {
	struct rs_step *steps;
	size_t count;
};

/* -ENOMEM; -ENOENT when the kernel lacks a sysctl that is needed. */
int rs_plan_build(struct arena *arena, const struct rs_desired *desired,
		  const struct rs_actual *actual, const struct owned_set *journal,
		  struct rs_plan *out);

/* The first step that cannot be done; NULL: the plan can be. */
const struct rs_step *rs_plan_refusal(const struct rs_plan *plan);

/* Whether a step changes the kernel (else only the journal). */
bool rs_step_acts(const struct rs_step *step);
/* Whether the journal is written before the act, or after it. */
bool rs_step_journals_first(const struct rs_step *step);
bool rs_step_journals_last(const struct rs_step *step);
/* Whether it is a note of ours that is of no interest to anybody else. */
bool rs_step_is_silent(const struct rs_step *step);

/* In words ("raise net.ipv4.conf.all.arp_ignore from 0 to 1"), as a command that does the same
 * (empty when nothing is done to the kernel), and what it is about ("192.168.8.200/32"). `out` has
 * RS_TEXT bytes; return it. */
#define RS_TEXT 384
const char *rs_step_words(const struct rs_step *step, char *out);
const char *rs_step_command(const struct rs_step *step, char *out);
/* What the command reads from its standard input, in the arena; NULL: nothing. */
const char *rs_step_input(struct arena *arena, const struct rs_step *step);
const char *rs_step_object(const struct rs_step *step, char *out);
/* "add_address", for programs. */
const char *rs_step_name(const struct rs_step *step);

#endif
