/* type icmp: `count` echo requests at once, each of which must be answered before the deadline; whoever
 * says that the target cannot be reached ends the probe. The client of all such flights is made by the
 * worker, which gets the sockets from the supervisor. */
#ifndef LBHA_CHECK_PROBE_ICMP_H
#define LBHA_CHECK_PROBE_ICMP_H

#include <stdint.h>

struct echoes;
struct loop;
struct probe_type;

extern const struct probe_type probe_icmp;

/* NULL when out of memory. */
struct echoes *echoes_new(struct loop *loop);

/* What came of opening a socket of that family: `fd` (taken over), or -1 and the errno. One that is there
 * already stays, with the replies on their way to it. */
void echoes_take(struct echoes *all, uint8_t family, int fd, int error);

/* No probe needs the socket of that family: lets go of it. */
void echoes_close(struct echoes *all, uint8_t family);

#endif
