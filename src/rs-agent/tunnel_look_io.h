/* The links of this host that take packets out of tunnels. */
#ifndef LBHA_RS_AGENT_TUNNEL_LOOK_IO_H
#define LBHA_RS_AGENT_TUNNEL_LOOK_IO_H

#include "rs-agent/doctor.h"

struct arena;
struct rtnl;

/* Puts them into `sight`, with what they counted. -errno. */
int tunnels_look(struct rtnl *rtnl, struct arena *arena, struct doctor_sight *sight);

#endif
