/* Status for people: from the daemon's JSON (interface.md section 3, cleaned with paper_clean) to
 * lines of 80 columns. What --json prints is the same JSON. */
#ifndef LBHA_CTL_SHOW_H
#define LBHA_CTL_SHOW_H

#include <jansson.h>

struct paper;

void show_status(const struct paper *paper, const json_t *status);
/* All instances as a table; one in words. */
void show_instances(const struct paper *paper, const json_t *instances, size_t indent);
void show_instance(const struct paper *paper, const json_t *instance);
/* All services with their servers; one with every probe. */
void show_services(const struct paper *paper, const json_t *services, size_t indent);
void show_service(const struct paper *paper, const json_t *service);
/* What operators said; what came of an order, an object on a line. */
void show_overrides(const struct paper *paper, const json_t *overrides, size_t indent);
void show_objects(const struct paper *paper, const json_t *objects);

/* A probe that an operator looked at, as `check` answers. */
void show_check(const struct paper *paper, const json_t *probe);

#endif
