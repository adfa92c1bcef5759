/* Metrics in Prometheus' text format (0.0.4), made of what lbhad answers to "metrics" (daemon/control_metrics.h). Names and
 * units follow Prometheus' conventions; there are as many series as the configuration has objects, never more because
 * of what strangers send. Labels of IPVS counters are those of node_exporter. */
#ifndef LBHA_EXPORTER_METRICS_H
#define LBHA_EXPORTER_METRICS_H

#include <stddef.h>

struct shared;

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A kept_make (exporter/kept.h). NULL: the line is a refusal, or no answer of lbhad's, or memory is out. */
struct shared *metrics_make(void *ctx, char *line, size_t length);
/* What is told when lbhad does not answer. */
struct shared *metrics_down(void);

#endif
