/* See the header. */
#include "daemon/control_access.h"

#include <stdio.h>
#include <unistd.h>

#include "config/facts.h"
#include "config/model.h"
#include "daemon/control_mirror.h"
#include "daemon/control_request.h"

static bool member(const struct mirror *mirror, const struct client_peer *peer, uint32_t group)
{
	return mirror->daemon_known && group != FACT_NO_GROUP && client_is_member(peer, group);
}

static bool is_exporter(const struct mirror *mirror, const struct client_peer *peer)
{
	return mirror->daemon_known && mirror->daemon.exporter_user != FACT_NO_GROUP &&
	       peer->uid == mirror->daemon.exporter_user;
}

enum client_access access_of(const struct mirror *mirror, uid_t supervisor,
			     const struct client_peer *peer)
{
	if (peer->uid == 0 || peer->uid == supervisor ||
	    member(mirror, peer, mirror->daemon.write_group))
		return CLIENT_WRITES;
	if (peer->uid == geteuid() || is_exporter(mirror, peer) || member(mirror, peer, mirror->daemon.read_group))
		return CLIENT_READS;
	return CLIENT_STRANGER;
}

bool access_refused(const struct mirror *mirror, enum client_access access, const char *request,
		    bool is_command, char *why)
{
	const struct control_global *control =
		mirror->model ? &mirror->model->global.control : &(struct control_global){0};
	const char *group = is_command || !control->read_group ? control->write_group
							       : control->read_group;

	if (access == CLIENT_WRITES || (access == CLIENT_READS && !is_command))
		return false;
	if (group)
		snprintf(why, CONTROL_ERROR, "not permitted: %s needs %s access: root or group %s", request,
			 is_command ? "write" : "read", group);
	else
		snprintf(why, CONTROL_ERROR,
			 "not permitted: %s needs %s access: only root has that (see global.control)",
			 request, is_command ? "write" : "read");
	return true;
}
