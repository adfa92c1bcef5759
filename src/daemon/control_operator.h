/* What operators ask for, on its way from a request's line to the supervisor: names are held
 * against the model, which the supervisor does not know. */
#ifndef LBHA_DAEMON_CONTROL_OPERATOR_H
#define LBHA_DAEMON_CONTROL_OPERATOR_H

#include <sys/types.h>

#include <jansson.h>

#include "base/cursor.h"
#include "daemon/control_request.h"

struct instance;
struct mirror;
struct model;

/* Writes the RECORD_REQUEST of any command. -EINVAL: it means nothing that is configured; `error`
 * (CONTROL_ERROR bytes) says why, to the client. */
int operator_encode(const struct mirror *mirror, uint32_t ticket, uid_t uid,
		    const struct control_request *request, struct writer *out, char *error);

/* The instance of that name; NULL when there is none, or it takes no priority: `error`
 * (CONTROL_ERROR bytes) says why. */
const struct instance *operator_instance(const struct model *model, const char *name, char *error);

/* Appends to the lines of an answer that the other directors know nothing of this. */
void operator_warn(const struct mirror *mirror, enum control_kind kind, json_t *lines);

#endif
