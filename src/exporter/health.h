/* /healthz: whether lbhad answers and is ready, for who can only ask that. */
#ifndef LBHA_EXPORTER_HEALTH_H
#define LBHA_EXPORTER_HEALTH_H

#include <stddef.h>

struct shared;

/* A kept_make (exporter/kept.h) for the answer to "ping": HEALTH_READY, or why it is not. */
struct shared *health_make(void *ctx, char *line, size_t length);

#define HEALTH_READY "ready\n"

#endif
