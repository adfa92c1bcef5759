#include "random.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t state;

void random_seed(void)
{
	const char *given = getenv("LBHA_SEED");

	state = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	printf("LBHA_SEED=%llu\n", (unsigned long long)state);
	fflush(stdout);
}

unsigned random_below(unsigned limit)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)((state >> 33) % limit);
}

uint64_t random_state(void)
{
	return state;
}

void random_restart(uint64_t from)
{
	state = from;
}
