/* `lbhactl doctor`: what the running lbhad has in force. */
#ifndef LBHA_CTL_EXAM_FORCE_H
#define LBHA_CTL_EXAM_FORCE_H

#include <jansson.h>

#include "ctl/exam.h"

/* Its virtual services, from the result of the request "services", into the sight. -EBADMSG when that is none;
 * -ENOMEM. */
int exam_in_force(struct arena *arena, const json_t *services, struct exam_sight *sight);

#endif
