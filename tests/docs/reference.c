/* Prints the reference of lbha.conf(5) as the tables have it: for tests/docs/check-reference. */
#include <stdio.h>

#include "config/reference.h"

static void print(void *ctx, const char *text)
{
	fputs(text, ctx);
}

int main(void)
{
	reference(print, stdout);
	return fflush(stdout) || ferror(stdout);
}
