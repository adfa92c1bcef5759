/* Random numbers from a seed that is printed at the start; LBHA_SEED repeats a run. */
#ifndef LBHA_TESTS_RANDOM_H
#define LBHA_TESTS_RANDOM_H

void random_seed(void);
unsigned random_below(unsigned limit);

#endif
