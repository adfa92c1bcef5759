/* What a search for a regular expression says; how it is done is match_io.h's matter. */
#ifndef LBHA_CHECK_MATCH_H
#define LBHA_CHECK_MATCH_H

#include <stddef.h>
#include <stdint.h>

struct pattern;

enum match_found {
	MATCH_NONE,
	MATCH_FOUND,
	MATCH_LIMIT, /* it would take too much work: a pattern that tries too many ways */
};

/* Searches the bytes, from their beginning, for a match anywhere in them; adds what it cost to *work, in
 * units of about a nanosecond. */
typedef enum match_found match_search_function(const struct pattern *pattern, const uint8_t *bytes,
					       size_t size, uint64_t *work);

#endif
