/* A file of overrides as a request: what `lbhactl overrides --json` or `status --json` printed, or
 * the file that lbhad keeps in its state folder. */
#ifndef LBHA_CTL_LOAD_H
#define LBHA_CTL_LOAD_H

#include <jansson.h>

#define LOAD_ERROR 512

/* The request, with all overrides in the order of the file, which the caller owns. Nothing is asked
 * of the daemon yet: a file with one wrong override is refused as a whole. NULL: `error` (LOAD_ERROR
 * bytes) gets the sentence. */
json_t *load_request(const char *text, size_t size, char *error);

/* The same from a file. */
json_t *load_file(const char *path, char *error);

#endif
