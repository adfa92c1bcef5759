/* See the header. */
#include "config.h"

#include "daemon/control_metrics.h"

#include <string.h>

#include "base/cleanup.h"
#include "daemon/control_json.h"
#include "daemon/control_mirror.h"
#include "daemon/control_status.h"

static json_t *count(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

/* A point of our clock as seconds since the epoch. */
static json_t *seconds(nstime point, nstime wall)
{
	if (point <= 0)
		return json_null();
	return json_real((double)(nstime_after(point, wall) / NSTIME_MS) / 1000.0);
}

static json_t *counts_json(const uint64_t *counts, size_t number)
{
	json_t *array = json_array();

	for (size_t i = 0; i < number; i++)
		json_array_append_new(array, count(counts[i]));
	return array;
}

static json_t *bounds_json(nstime (*bound)(unsigned bucket))
{
	json_t *array = json_array();

	for (unsigned i = 0; bound(i) != NSTIME_NEVER; i++)
		json_array_append_new(array, json_real((double)bound(i) / (double)NSTIME_S));
	return array;
}

static json_t *sum_json(uint64_t nanoseconds)
{
	return json_real((double)nanoseconds / (double)NSTIME_S);
}

/* ---- vrrp ----------------------------------------------------------------------------------- */

static json_t *dropped_json(const struct fact_instance *fact)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < VRRP_DROP_COUNT; i++)
		json_object_set_new(object, vrrp_drop_name((enum vrrp_drop)i), count(fact->dropped[i]));
	return object;
}


static json_t *instance_json(const struct instance *instance, const struct mirror_instance *seen)
{
	const struct fact_instance *fact = &seen->fact;
	int priority = seen->known ? fact->priority : instance->priority;
	int base = seen->known ? fact->base_priority : instance->priority;

	return json_pack("{s:o, s:s, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "name",
			 status_text(instance->name), "state", vrrp_state_name(fact->state), "priority", priority,
			 "base_priority", base, "transitions", count(fact->transitions), "sent",
			 count(fact->sent), "received", count(fact->received), "dropped", dropped_json(fact),
			 "late", counts_json(fact->late, VRRP_LATE_COUNT), "late_sum",
			 sum_json(fact->late_sum), "competing",
			 fact->competing_master, "repairs", count(fact->repairs));
}

static json_t *instances_json(const struct mirror *mirror)
{
	json_t *array = json_array();

	for (size_t i = 0; mirror->model && i < mirror->model->instance_count; i++)
		json_array_append_new(array,
				      instance_json(&mirror->model->instances[i], &mirror->instances[i]));
	return array;
}

/* ---- services ------------------------------------------------------------------------------- */

static json_t *health_json(enum verdict health)
{
	return health == VERDICT_UNKNOWN ? json_null() : json_integer(health == VERDICT_UP);
}

static json_t *address_json(const struct addr *address)
{
	char text[ADDR_TEXT];

	return address->family ? json_string(addr_format(address, text)) : json_null();
}

static json_t *server_json(const struct real_server *server, const struct mirror_server *seen, uint16_t port)
{
	const struct fact_server *fact = &seen->fact;
	const struct traffic *total = &seen->traffic.total;
	const uint64_t numbers[] = {fact->effective_weight, fact->active,      fact->inactive,
				    fact->persistent,	    total->connections, total->packets_in,
				    total->packets_out,	    total->bytes_in,   total->bytes_out};
	json_t *row = json_pack("[o, o, i, o]", status_text(server->name), address_json(&server->address.address),
				(int)(server->address.port ? server->address.port : port),
				health_json(fact->health));

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		json_array_append_new(row, count(numbers[i]));
	return row;
}

/* A name that two servers have would be one series twice. */
static bool has_name(const struct service *service, const char *name)
{
	for (size_t i = 0; i < service->real_server_count; i++)
		if (!strcmp(service->real_servers[i].name, name))
			return true;
	return false;
}

static json_t *servers_json(const struct service *service, const struct mirror_service *seen)
{
	uint16_t port = service->listen_count == 1 ? service->listen[0].port : 0;
	json_t *array = json_array();

	for (size_t i = 0; i < service_server_count(service); i++) {
		const struct real_server *server = service_server(service, i);

		if (i < service->real_server_count || !has_name(service, server->name))
			json_array_append_new(array, server_json(server, &seen->servers[i], port));
	}
	return array;
}

static json_t *times_json(const struct times_rows *rows)
{
	json_t *array = json_array();

	for (size_t i = 0; i < rows->count; i++)
		json_array_append_new(array, json_pack("{s:s, s:o, s:o}", "type",
						       check_type_name(rows->rows[i].type), "sum",
						       sum_json(rows->rows[i].sum), "counts",
						       counts_json(rows->rows[i].count, PROBE_TIMES)));
	return array;
}

static json_t *protocol_json(uint32_t protocols)
{
	switch (protocols) {
	case PROTOCOL_TCP:
		return json_string("TCP");
	case PROTOCOL_UDP:
		return json_string("UDP");
	case PROTOCOL_SCTP:
		return json_string("SCTP");
	}
	return json_null();
}

json_t *metrics_service_json(const struct mirror *mirror, size_t at, UNUSED nstime wall)
{
	const struct service *service = &mirror->model->services[at];
	const struct mirror_service *seen = &mirror->services[at];
	const struct endpoint *only = service->listen_count == 1 && !service->mark ? service->listen : NULL;

	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", status_text(service->name),
			 "state", seen->known ? service_state_name(seen->fact.state) : "unknown", "needed",
			 count(seen->fact.needed), "have", count(seen->fact.have), "address",
			 only ? address_json(&only->address) : json_null(), "port",
			 only ? json_integer(only->port) : json_null(), "mark",
			 service->mark ? count(service->mark) : json_null(), "protocol",
			 protocol_json(service->protocols), "servers", servers_json(service, seen), "times",
			 times_json(&mirror->times.services[at]));
}

/* ---- the rest ------------------------------------------------------------------------------- */

static json_t *workers_json(const struct mirror *mirror)
{
	json_t *array = json_array();

	for (unsigned role = 0; role <= ROLE_EXPORTER; role++) {
		const struct fact_worker *fact = &mirror->workers[role].fact;

		if (mirror->workers[role].known)
			json_array_append_new(array, json_pack("{s:s, s:b, s:o}", "name",
							       role_name((enum role)fact->role), "up",
							       fact->state == WORKER_RUNNING, "restarts",
							       count(fact->restarts)));
	}
	return array;
}

static json_t *operations_json(const struct fact_table *table)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < FACT_OPERATIONS; i++)
		json_object_set_new(object, fact_operation_name(i), count(table->kinds[i]));
	return object;
}

static json_t *table_json(const struct fact_table *table, nstime wall)
{
	return json_pack("{s:b, s:b, s:o, s:o, s:o}", "available", table->available, "ready", table->ready,
			 "operations", operations_json(table), "repairs", count(table->repairs),
			 "read_back", seconds(table->last_read_back, wall));
}

static json_t *reload_json(const struct fact_daemon *daemon, nstime wall)
{
	return json_pack("{s:o, s:b}", "time", seconds(daemon->reload_time, wall), "applied",
			 !daemon->reload_failed);
}

json_t *metrics_rest_json(const struct mirror *mirror, nstime wall)
{
	const struct model *model = mirror->model;
	const struct fact_daemon *daemon = &mirror->daemon;

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
			 PACKAGE_VERSION, "build", status_text(daemon->build), "node",
			 status_text(model ? model->node : NULL), "cluster",
			 status_text(model ? model->cluster : NULL), "generation", count(daemon->generation),
			 "started", seconds(daemon->started, wall), "ready", daemon->ready, "maintenance",
			 status_in_maintenance(mirror), "reload", reload_json(daemon, wall), "workers",
			 workers_json(mirror), "vrrp", instances_json(mirror), "ipvs",
			 table_json(&mirror->table, wall), "late_bounds", bounds_json(vrrp_late_bound),
			 "times_bounds", bounds_json(probe_times_bound));
}
