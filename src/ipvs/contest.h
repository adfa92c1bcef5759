/* Repairs that keep coming undone: somebody else wants it otherwise. Each object (a virtual service,
 * a destination, a sysctl, a daemon) is repaired at once the first time, then 10 s, 20 s … 5 min
 * later (net/repair.h), so that two programs do not fight for ever. Pure: it is asked before each
 * repair. It knows as many objects as it has room for; the others count as one. */
#ifndef LBHA_IPVS_CONTEST_H
#define LBHA_IPVS_CONTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/facts.h"
#include "ipvs/plan.h"
#include "net/repair.h"

#define CONTEST_SETS 128
#define CONTEST_WAYS 8

struct contest {
	uint64_t object;
	struct repair repair;
	nstime missed; /* the last round in which a service was not there, */
	bool waits;    /* and whether it had to wait then */
};

struct contests {
	struct contest objects[CONTEST_SETS][CONTEST_WAYS];
	struct contest rest;
	nstime due;   /* when the first of those that wait may be repaired; NSTIME_NEVER: none waits */
	nstime until; /* until then something counts as contested, if it holds */
	nstime told;  /* the round in which `words` were said */
	char words[FACT_DETAIL]; /* what is contested; "": nothing */
};

void contests_init(struct contests *contests);

/* A look at the kernel begins: what waits will say so again. */
void contests_begin(struct contests *contests, nstime now);

/* A number for an object: of what kind it is, and its name. */
uint64_t contest_object(const char *kind, const char *name);

enum contest_verdict {
	CONTEST_REPAIR, /* may be repaired now */
	CONTEST_AGAIN,  /* likewise, and it is not the first time: it is contested */
	CONTEST_WAIT,   /* not yet */
};

/* Whether an object may be repaired now; as often as wanted in one round. If so it counts as repaired
 * when it is known, or `is_repair`: somebody else did it. */
enum contest_verdict contests_ask(struct contests *contests, uint64_t object, bool is_repair,
				  nstime now);

/* What another worker knew of an object. */
void contests_recall(struct contests *contests, uint64_t object, const struct repair *repair, nstime now);

/* What is contested, in words: the first of a round are kept. */
void contests_tell(struct contests *contests, const char *words, nstime now);

/* The same for all operations of a plan: those that must wait are dropped. The destinations of a
 * service that is not there wait or come with it, whatever became of each before: a service without
 * them serves nobody. Returns how many were dropped. */
size_t contests_filter(struct contests *contests, struct ipvs_plan *plan, bool is_repair,
		       nstime now);

#endif
