/* schema: what editors check lbha.conf by, from the same tables as the reader's. Needs no daemon. */
#include "ctl/command.h"

#include "config/json_schema.h"

static void print(void *ctx, const char *text)
{
	fputs(text, ctx);
}

int run_schema(struct run *run)
{
	json_schema(print, run->paper.out);
	return EXIT_DONE;
}
