/* See the header. */
#include "daemon/control_live.h"

#include "base/cleanup.h"
#include "base/walltime.h"
#include "daemon/control_json.h"
#include "daemon/control_mirror.h"

static json_t *traffic_json(const struct traffic *traffic)
{
	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I}", "connections", (json_int_t)traffic->connections,
		"packets_in", (json_int_t)traffic->packets_in, "packets_out",
		(json_int_t)traffic->packets_out, "bytes_in", (json_int_t)traffic->bytes_in,
		"bytes_out", (json_int_t)traffic->bytes_out);
}

static json_t *now_json(uint64_t active, uint64_t inactive, uint64_t persistent)
{
	return json_pack("{s:I, s:I, s:I}", "active", (json_int_t)active, "inactive",
			 (json_int_t)inactive, "persistent", (json_int_t)persistent);
}

static json_t *server_json(const struct real_server *server, const struct mirror_server *seen,
			   bool is_sorry)
{
	const struct fact_server *fact = &seen->fact;

	return json_pack("{s:o, s:b, s:s, s:I, s:b, s:o, s:o}", "name", status_text(server->name),
			 "sorry", is_sorry, "health", verdict_name(fact->health),
			 "effective_weight", (json_int_t)fact->effective_weight, "in_table",
			 fact->in_table, "connections",
			 now_json(fact->active, fact->inactive, fact->persistent), "stats",
			 traffic_json(&seen->traffic.total));
}

json_t *live_service_json(const struct mirror *mirror, size_t at, UNUSED nstime wall)
{
	const struct service *service = &mirror->model->services[at];
	const struct mirror_service *seen = &mirror->services[at];
	uint64_t active = 0, inactive = 0, persistent = 0;
	json_t *servers = json_array();

	for (size_t i = 0; i < service_server_count(service); i++) {
		const struct fact_server *fact = &seen->servers[i].fact;

		active += fact->active;
		inactive += fact->inactive;
		persistent += fact->persistent;
		json_array_append_new(servers,
				      server_json(service_server(service, i), &seen->servers[i],
						  i >= service->real_server_count));
	}
	return json_pack("{s:o, s:s, s:o, s:o, s:o}", "name", status_text(service->name), "state",
			 seen->known ? service_state_name(seen->fact.state) : "unknown",
			 "connections", now_json(active, inactive, persistent), "stats",
			 traffic_json(&seen->traffic.total), "real_servers", servers);
}

json_t *live_time_json(const struct mirror *mirror, nstime wall)
{
	nstime read = mirror->table.last_read_back;
	char time[WALLTIME_TEXT];

	return json_pack("{s:o, s:I}", "time",
			 read ? json_string(walltime_format(nstime_after(read, wall), time))
			      : json_null(),
			 "monotonic_ms", (json_int_t)(read / NSTIME_MS));
}
