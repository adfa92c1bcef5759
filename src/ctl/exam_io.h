/* What `lbhactl doctor` looks at. Nothing is changed by it. */
#ifndef LBHA_CTL_EXAM_IO_H
#define LBHA_CTL_EXAM_IO_H

#include "ctl/exam.h"

struct rtnl;

/* All that exam_judge() wants to know; `sight` has what is known of the daemon already. What cannot be
 * seen is told there: only without interfaces and memory there is no examination: -errno. Takes some
 * seconds, for adverts and answers from the segments. */
int exam_look(struct arena *arena, const struct model *model, struct exam_sight *sight);

/* exam_listen_io.c: adverts, and who answers for the VIPs meanwhile. -ENOMEM. */
int exam_listen(struct arena *arena, const struct model *model, struct exam_sight *sight);
/* exam_host_io.c: rights, users, managers of links, clock, other programs, denials. */
void exam_look_host(struct arena *arena, const struct model *model, struct exam_sight *sight);
/* exam_file_io.c: folders, scripts, certificates, the IPVS table, modules. */
void exam_look_files(struct arena *arena, const struct model *model, struct exam_sight *sight);

/* The text of a file, at most its last `most` bytes, in the arena; NULL with errno. */
char *exam_read_file(struct arena *arena, const char *path, size_t most);

#endif
