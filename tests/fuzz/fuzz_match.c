/* Any expression (the first line) on any bytes (the rest): a search says something, and within its share of work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/match_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const uint8_t *line = memchr(bytes, '\n', size);
	char expression[256], why[CONFIG_WHY];
	struct pattern *pattern;
	uint64_t work = 0;

	if (!line || line - bytes >= (long)sizeof(expression))
		return 0;
	memcpy(expression, bytes, (size_t)(line - bytes));
	expression[line - bytes] = '\0';
	pattern = pattern_new(expression, why);
	if (!pattern && !why[0])
		abort();
	if (!pattern)
		return 0;
	size -= (size_t)(line + 1 - bytes);
	pattern_search(pattern, line + 1, size, &work);
	if (work > 1100000 + 70 * (uint64_t)size)
		abort();
	pattern_free(pattern);
	return 0;
}
