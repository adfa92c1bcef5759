/* The causes of a status's effects, each once: which services, instances and sync groups it concerns. */
#ifndef LBHA_CTL_PROBLEM_ROOTS_H
#define LBHA_CTL_PROBLEM_ROOTS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* An object of objects, a member for each root in the order in which they were found: "link" (of the chain) and "effects",
 * an array of links. */
struct problem_roots {
	json_t *rows;
};

struct problem_roots problem_roots_new(void);
void problem_roots_free(struct problem_roots *roots);

/* Files what its roots bring about. False: there is none that stands for itself, and the effect has to be told as what it
 * is. `object`: the service, instance or group with its "cause". */
bool problem_roots_add(struct problem_roots *roots, const json_t *object);

#endif
