/* All types that are a dialogue over a connection: the effect for talk.h. */
#ifndef LBHA_CHECK_PROBE_TALK_H
#define LBHA_CHECK_PROBE_TALK_H

struct probe_type;

extern const struct probe_type probe_talk;

#endif
