/* Random numbers from a seed that is printed at the start; LBHA_SEED repeats a run. */
#ifndef LBHA_TESTS_RANDOM_H
#define LBHA_TESTS_RANDOM_H

#include <stdint.h>

void random_seed(void);
unsigned random_below(unsigned limit);
/* To go through the same numbers again. */
uint64_t random_state(void);
void random_restart(uint64_t from);

#endif
