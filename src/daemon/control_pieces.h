/* Answers about all services in pieces: a site with 37 000 servers has 35 MB to tell, and whoever made
 * that at once would hear of nothing else meanwhile. A small site is one piece. What changes between
 * two pieces shows in the later ones, but for another configuration: its services are others, so the answer
 * has no end, and whoever wanted it asks once more. */
#ifndef LBHA_DAEMON_CONTROL_PIECES_H
#define LBHA_DAEMON_CONTROL_PIECES_H

#include <stdint.h>

#include "base/nstime.h"

struct mirror;

/* The next piece of the line that answers a request, from *cursor on (0 begins), which moves on to
 * UINT64_MAX with the last. malloc'ed; NULL when out of memory, or when another generation has come into
 * force since the first. `now` and `wall` are those of
 * status_json. */
char *pieces_of_status(const struct mirror *mirror, nstime now, nstime wall, uint64_t *cursor);
char *pieces_of_traffic(const struct mirror *mirror, nstime wall, uint64_t *cursor);
char *pieces_of_metrics(const struct mirror *mirror, nstime wall, uint64_t *cursor);
char *pieces_of_services(const struct mirror *mirror, nstime wall, uint64_t *cursor);

#endif
