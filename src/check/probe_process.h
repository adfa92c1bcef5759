/* type process: passes when enough processes have a name. */
#ifndef LBHA_CHECK_PROBE_PROCESS_H
#define LBHA_CHECK_PROBE_PROCESS_H

struct probe_type;

extern const struct probe_type probe_process;

#endif
