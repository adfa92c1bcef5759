/* The sockets of this host that wait for clients, and whose they are. */
#ifndef LBHA_RS_AGENT_SOCKET_IO_H
#define LBHA_RS_AGENT_SOCKET_IO_H

#include "rs-agent/doctor.h"

struct arena;

/* Puts into `sight` the sockets of the protocols of the case's ports; with their programs' names
 * where they have the right port and the wrong address. -errno: not all of them could be listed. */
int sockets_look(struct arena *arena, const struct doctor_case *wanted, struct doctor_sight *sight);

#endif
