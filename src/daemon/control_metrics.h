/* What lbha-exporter makes metrics of: the numbers of the mirror and the names they go by, nothing else, so that a site with
 * 37 000 servers is 4 MB and not the 35 MB of status. Both come with the same package; members are only added, and rows
 * grow at their ends.
 *
 *   {"version","build","node","cluster","generation","started","ready":BOOL,"maintenance":BOOL,
 *    "reload":{"time","applied":BOOL},"workers":[{"name","up":BOOL,"restarts"}],
 *    "vrrp":[{"name","state","priority","base_priority","transitions","sent","received","dropped":{REASON:N},
 *             "late":[N …],"late_sum":SECONDS,"competing":BOOL,"repairs"}],"late_bounds":[SECONDS …],
 *    "ipvs":{"available":BOOL,"ready":BOOL,"operations":{KIND:N},"repairs","read_back"},
 *    "times_bounds":[SECONDS …],
 *    "services":[{"name","state","needed","have","address","port","mark","protocol",
 *                 "servers":[[NAME, ADDRESS, PORT, up 1 down 0 unknown null, weight as programmed,
 *                             active, inactive, persistent, connections, packets in, packets out, bytes in, bytes out] …],
 *                 "times":[{"type","sum":SECONDS,"counts":[N …]}]}]}
 *
 * A row of counts has one for each bound, and one for what is above the last.
 * Times are seconds since the epoch, null: never. A service of several listeners has the null of address and port, one of
 * several protocols that of the protocol. Servers of a name are the real servers, and the sorry server behind them if it has
 * another one. */
#ifndef LBHA_DAEMON_CONTROL_METRICS_H
#define LBHA_DAEMON_CONTROL_METRICS_H

#include <stddef.h>

#include <jansson.h>

#include "base/nstime.h"

struct mirror;

/* Everything but the services, and one of these. `wall` is clock_wall_offset(). NULL when out of memory. */
json_t *metrics_rest_json(const struct mirror *mirror, nstime wall);
json_t *metrics_service_json(const struct mirror *mirror, size_t index, nstime wall);

#endif
