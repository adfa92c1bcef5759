/* Chains of causes (the member "cause" of status and events) in words. */
#ifndef LBHA_CTL_CAUSES_H
#define LBHA_CTL_CAUSES_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/text.h"

struct paper;

/* How many links lead to the effect: 0, it is its own cause or none is known. */
size_t causes_count(const json_t *cause);

/* "b down for 12s: connect: refused; c down: timeout → web down: quorum 0 of 1": all links but the effect. With a paper how
 * long each has been so. */
void causes_add(struct text *out, const json_t *cause, const struct paper *paper);

/* The reason of the effect; "" without one. */
const char *causes_effect(const json_t *cause);

/* A link that no other leads to. */
bool causes_is_root(const json_t *cause, size_t at);

/* What it is about, as operators name it: a server by its name alone, "maintenance", "interface eth1". */
void causes_add_name(struct text *out, const json_t *link);

#endif
