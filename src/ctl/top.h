/* `lbhactl top`: the traffic as it goes, on a terminal until `q`; or once, as text. */
#ifndef LBHA_CTL_TOP_H
#define LBHA_CTL_TOP_H

#include <stdbool.h>

#include <jansson.h>

#include "ctl/client.h"

struct paper;

/* Goes on from a first answer to the request "traffic" (borrowed). On a terminal (no dumb one), unless
 * `once`: until somebody presses q. Else one table, as soon as there are rates. -errno with `error`
 * (CLIENT_ERROR bytes). */
int top_run(struct client *client, const struct paper *paper, json_t *first, bool once,
	    char *error);

#endif
