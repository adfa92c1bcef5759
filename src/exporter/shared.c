/* See the header. */
#include "exporter/shared.h"

#include <stdlib.h>

struct shared *shared_new(char *text, size_t size)
{
	struct shared *shared = text ? malloc(sizeof(*shared)) : NULL;

	if (shared)
		*shared = (struct shared){.holders = 1, .size = size, .text = text};
	else
		free(text);
	return shared;
}

struct shared *shared_hold(struct shared *shared)
{
	if (shared)
		shared->holders++;
	return shared;
}

void shared_drop(struct shared *shared)
{
	if (!shared || --shared->holders)
		return;
	free(shared->text);
	free(shared);
}
