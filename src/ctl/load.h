/* A file of overrides as requests: what `lbhactl overrides --json` or `status --json` printed, or
 * the file that lbhad keeps in its state folder. */
#ifndef LBHA_CTL_LOAD_H
#define LBHA_CTL_LOAD_H

#include <jansson.h>

#include "base/nstime.h"

#define LOAD_ERROR 512

/* An array of requests, in the order of the file, which the caller owns. Nothing is asked of the
 * daemon yet: a file with one wrong override is refused as a whole. What has ended by `now`
 * (nanoseconds since the epoch) is left out. NULL: `error` (LOAD_ERROR bytes) gets the sentence. */
json_t *load_requests(const char *text, size_t size, nstime now, char *error);

/* The same from a file. */
json_t *load_file(const char *path, nstime now, char *error);

#endif
