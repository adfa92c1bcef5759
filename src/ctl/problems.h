/* What is not as it should be, from a status: the reason for exit status 4 of `lbhactl status`. Many effects of one cause (a
 * server that is down in forty services) are one problem. */
#ifndef LBHA_CTL_PROBLEMS_H
#define LBHA_CTL_PROBLEMS_H

#include <stddef.h>

#include <jansson.h>

#define PROBLEM_TEXT 512

struct problem {
	char text[PROBLEM_TEXT];   /* what is wrong, since when, and why */
	char effect[PROBLEM_TEXT]; /* what it brings about; "": no more than itself */
	char advice[PROBLEM_TEXT]; /* a command that helps further; "": none */
};

/* Tells each, worst kinds first (NULL: only counts); returns how many there are. */
size_t problems_find(const json_t *status, void (*tell)(void *ctx, const struct problem *problem),
		     void *ctx);

#endif
