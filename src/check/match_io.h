/* Regular expressions over what servers say: PCRE2 without its just-in-time compiler (which wants memory
 * that is writable and executable), and with limits on all that a hostile server could make it do.
 *
 * PCRE2's own match limit counts anew at each place where a match may begin, and counts a run over a
 * megabyte as one step, so that it bounds nothing that matters here: 200 000 steps of \w+\s took minutes.
 * So each step calls back, and is charged with the distance it went: a search costs at most about 1 ms and
 * 64 ns a byte. Patterns are bytes, not characters; a line ends with LF, CR LF or CR. */
#ifndef LBHA_CHECK_MATCH_IO_H
#define LBHA_CHECK_MATCH_IO_H

#include <stdbool.h>

#include "check/match.h"
#include "config/compile.h"

struct check;

/* NULL, with a sentence in `why` (CONFIG_WHY bytes) when the expression is none, empty when out of memory. */
struct pattern *pattern_new(const char *expression, char *why);
void pattern_free(struct pattern *pattern);
match_search_function pattern_search;

/* The complaint about an expression in lbha.conf: config_files.pattern. */
bool pattern_judge(void *ctx, const char *expression, char *why);

/* The expressions of a check, ready for its probes; all NULL when it has none. */
struct patterns {
	struct pattern *wanted;   /* tcp: expect_regex; http: expect.body_regex */
	struct pattern *unwanted; /* http: expect.not_regex */
};

/* False when out of memory. */
bool patterns_make(const struct check *check, struct patterns *out);
void patterns_free(struct patterns *patterns);

#endif
