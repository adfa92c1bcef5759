/* What is not as it should be, from a status: the reason for exit status 4 of `lbhactl status`. */
#ifndef LBHA_CTL_PROBLEMS_H
#define LBHA_CTL_PROBLEMS_H

#include <stddef.h>

#include <jansson.h>

#define PROBLEM_TEXT 512

/* Tells each in a sentence, worst kinds first (NULL: only counts); returns how many there are. */
size_t problems_find(const json_t *status, void (*tell)(void *ctx, const char *text), void *ctx);

#endif
