/* Who may ask on the control socket and who may command there: root, and the groups of global.control. */
#ifndef LBHA_DAEMON_CONTROL_ACCESS_H
#define LBHA_DAEMON_CONTROL_ACCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/control_clients.h"

struct mirror;

/* By the groups that the mirror has of the supervisor, and none before it has. `supervisor`: its user, who may all, as
 * root does; the daemon's user, which is ours, reads, and so does the exporter's. */
enum client_access access_of(const struct mirror *mirror, uid_t supervisor,
			     const struct client_peer *peer);

/* Why somebody with that access may not have that request, in a sentence (CONTROL_ERROR bytes), and true; false: it may. */
bool access_refused(const struct mirror *mirror, enum client_access access, const char *request,
		    bool is_command, char *why);

#endif
