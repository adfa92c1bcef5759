/* What `lbha-rs doctor` looks at: this host's kernel, its segments, its programs. Nothing is
 * changed. */
#ifndef LBHA_RS_AGENT_DOCTOR_LOOK_IO_H
#define LBHA_RS_AGENT_DOCTOR_LOOK_IO_H

#include "rs-agent/doctor.h"

struct arena;
struct kernel;

/* All that doctor_judge() wants to know about the case. What cannot be seen is told there; only
 * without interfaces, addresses and memory there is no diagnosis: -errno. Takes about a second, for
 * answers from the segments. */
int doctor_look(const struct kernel *kernel, struct arena *arena, const struct doctor_case *wanted,
		struct doctor_sight *out);

#endif
