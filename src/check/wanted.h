/* What a check wants of an answer, in one line: "status 200-299, header x-ready: yes, body with /ok/". */
#ifndef LBHA_CHECK_WANTED_H
#define LBHA_CHECK_WANTED_H

#include <stddef.h>

struct check;

/* Returns out. */
const char *wanted_describe(const struct check *check, char *out, size_t size);

#endif
