/* See control_status.h. Every object is one json_pack with its fields in the order of interface.md; packing a NULL
 * (no memory) makes the whole NULL, so nobody checks in between. */
#include "config.h"

#include "daemon/control_status.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/text.h"
#include "daemon/control_mirror.h"

#define NOT_REPORTED "not reported yet"
#define LAST_SECOND 253402300799ll /* 9999-12-31T23:59:59Z */

const char *status_time(nstime since_epoch, char *out)
{
	long long millis = since_epoch < 0 ? 0 : since_epoch / NSTIME_MS;
	time_t seconds = (time_t)(millis / 1000 > LAST_SECOND ? LAST_SECOND : millis / 1000);
	struct tm tm;
	size_t used;

	gmtime_r(&seconds, &tm);
	used = strftime(out, STATUS_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + used, STATUS_TIME - used, ".%03dZ", (int)(millis % 1000));
	return out;
}

json_t *status_text(const char *text)
{
	char clean[1024];
	struct text out = text_of(clean, sizeof(clean));

	if (!text)
		return json_null();
	text_add_clean(&out, text, strlen(text));
	return json_string(clean);
}

/* A point of our clock as wall time; points at or before the machine's start mean never. */
static json_t *time_json(nstime point, nstime wall)
{
	char out[STATUS_TIME];

	if (point <= 0)
		return json_null();
	return json_string(status_time(nstime_after(point, wall), out));
}

static json_t *number(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *address_json(const struct addr *address)
{
	char out[ADDR_TEXT];

	return address->family ? json_string(addr_format(address, out)) : json_null();
}

static json_t *endpoint_json(const struct endpoint *endpoint)
{
	char out[ENDPOINT_TEXT];

	return json_string(endpoint_format(endpoint, out));
}

static double in_seconds(nstime duration)
{
	return (double)duration / (double)NSTIME_S;
}

/* Appends to an array that may already have failed; NULL from then on. */
static json_t *append(json_t *array, json_t *item)
{
	if (array && !json_array_append_new(array, item))
		return array;
	if (!array)
		json_decref(item);
	json_decref(array);
	return NULL;
}

/* ---- vrrp ---------------------------------------------------------------------------------- */

/* The causes of a FAULT, which the fact carries as one text with "; " between. */
static json_t *faults_json(const char *causes)
{
	json_t *array = json_array();

	while (*causes) {
		const char *end = strstr(causes, "; ");
		char one[FACT_DETAIL];

		snprintf(one, sizeof(one), "%.*s", (int)(end ? end - causes : (ptrdiff_t)strlen(causes)), causes);
		array = append(array, status_text(one));
		causes = end ? end + 2 : "";
	}
	return array;
}

static json_t *dropped_json(const struct fact_instance *fact)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < VRRP_DROP_COUNT; i++)
		json_object_set_new(object, vrrp_drop_name((enum vrrp_drop)i), number(fact->dropped[i]));
	return object;
}

static json_t *vips_json(const struct instance *instance)
{
	json_t *array = json_array();
	char out[PREFIX_TEXT];

	for (size_t i = 0; i < instance->virtual_address_count; i++)
		array = append(array,
			       json_string(prefix_format(&instance->virtual_addresses[i].address, out)));
	return array;
}

static const char *family_name(const struct instance *instance)
{
	if (instance->virtual_address_count && instance->virtual_addresses[0].address.address.family == AF_INET6)
		return "ipv6";
	return "ipv4";
}

static json_t *instance_json(const struct instance *instance, const struct mirror_instance *seen, nstime wall)
{
	struct fact_instance fact = seen->fact;

	if (!seen->known) {
		fact = (struct fact_instance){.state = VRRP_INIT, .priority = instance->priority};
		snprintf(fact.reason, sizeof(fact.reason), NOT_REPORTED);
	}
	return json_pack("{s:o, s:s, s:o, s:o, s:i, s:i, s:i, s:s, s:i, s:o, s:o,"
			 " s:o, s:o, s:o, s:o, s:o, s:o, s:[], s:b, s:i, s:f, s:b}",
			 "name", status_text(instance->name), "state", vrrp_state_name(fact.state), "reason",
			 status_text(fact.reason), "since", time_json(fact.since, wall), "priority", fact.priority,
			 "base_priority", instance->priority, "virtual_router_id", instance->virtual_router_id,
			 "family", family_name(instance), "version", instance->version, "interface",
			 status_text(instance->interface), "virtual_addresses", vips_json(instance), "master_address",
			 address_json(&fact.master), "transitions", number(fact.transitions), "sent",
			 number(fact.sent), "received", number(fact.received), "dropped", dropped_json(&fact),
			 "faults", faults_json(fact.fault), "trackers", "competing_master", fact.competing_master,
			 "master_priority", fact.master_priority, "advert_interval",
			 in_seconds(instance->advert_interval), "preempt", instance->preempt);
}

json_t *status_vrrp_json(const struct mirror *mirror, nstime wall)
{
	json_t *array = json_array();

	for (size_t i = 0; mirror->model && i < mirror->model->instance_count; i++)
		array = append(array, instance_json(&mirror->model->instances[i], &mirror->instances[i], wall));
	return array;
}

/* ---- services ------------------------------------------------------------------------------ */

static const char *check_type_name(enum check_type type)
{
	switch (type) {
	case CHECK_TCP:
		return "tcp";
	case CHECK_HTTP:
		return "http";
	}
	return "unknown";
}

static const char *probe_result(const struct mirror_probe *seen)
{
	if (!seen->known || seen->fact.reason == REASON_NONE)
		return "none";
	return seen->fact.passed ? "passed" : "failed";
}

static json_t *probe_json(const struct model *model, const struct probe *probe, const struct mirror_probe *seen,
			  nstime wall)
{
	const struct fact_probe *fact = &seen->fact;
	bool probed = seen->known && fact->reason != REASON_NONE;

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "type", check_type_name(model->checks[probe->check].type),
			 "result", probe_result(seen), "reason", probe_reason_name(fact->reason), "detail",
			 status_text(fact->detail), "latency_ms",
			 probed ? json_real((double)fact->latency / (double)NSTIME_MS) : json_null(), "time",
			 probed ? time_json(fact->time, wall) : json_null(), "target", endpoint_json(&probe->target));
}

static json_t *probes_json(const struct mirror *mirror, const struct real_server *server, nstime wall)
{
	json_t *array = json_array();

	for (size_t i = 0; i < server->probe_count; i++) {
		uint32_t at = server->probes[i];

		array = append(array, probe_json(mirror->model, &mirror->model->probes[at], &mirror->probes[at], wall));
	}
	return array;
}

static const char *health_name(enum verdict health)
{
	switch (health) {
	case VERDICT_UP:
		return "up";
	case VERDICT_DOWN:
		return "down";
	case VERDICT_UNKNOWN:
		break;
	}
	return "unknown";
}

/* Where the server is reached: without a port of its own it has the listeners', if they agree. */
static struct endpoint server_endpoint(const struct service *service, const struct real_server *server)
{
	struct endpoint at = server->address;

	if (!at.port && service->listen_count)
		at.port = service->listen[0].port;
	for (size_t i = 1; !server->address.port && i < service->listen_count; i++)
		if (service->listen[i].port != at.port)
			at.port = 0;
	return at;
}

static json_t *connections_json(const struct fact_server *fact)
{
	return json_pack("{s:o, s:o, s:o}", "active", number(fact->active), "inactive", number(fact->inactive),
			 "persistent", number(fact->persistent));
}

static json_t *stats_json(const struct fact_server *fact)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "connections", number(fact->connections), "packets_in",
			 number(fact->packets_in), "packets_out", number(fact->packets_out), "bytes_in",
			 number(fact->bytes_in), "bytes_out", number(fact->bytes_out));
}

static json_t *server_json(const struct mirror *mirror, const struct service *service,
			   const struct real_server *server, const struct mirror_server *seen, nstime wall)
{
	const struct fact_server *fact = &seen->fact;
	struct endpoint at = server_endpoint(service, server);

	return json_pack("{s:o, s:o, s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "name", status_text(server->name),
			 "address", endpoint_json(&at), "health", health_name(fact->health), "admin", "enabled",
			 "weight", (int)server->weight, "effective_weight", number(fact->effective_weight), "reason",
			 status_text(seen->known ? fact->reason : NOT_REPORTED), "since",
			 time_json(fact->since, wall), "checks", probes_json(mirror, server, wall), "connections",
			 connections_json(fact), "stats", stats_json(fact));
}

static json_t *servers_json(const struct mirror *mirror, size_t number_of, nstime wall)
{
	const struct service *service = &mirror->model->services[number_of];
	json_t *array = json_array();

	for (size_t i = 0; i < service->real_server_count; i++)
		array = append(array, server_json(mirror, service, &service->real_servers[i],
						  &mirror->services[number_of].servers[i], wall));
	return array;
}

static json_t *listen_json(const struct service *service)
{
	json_t *array = json_array();

	for (size_t i = 0; i < service->listen_count; i++)
		array = append(array, endpoint_json(&service->listen[i]));
	return array;
}

static const char *protocol_name(uint32_t protocols)
{
	switch (protocols) {
	case PROTOCOL_TCP:
		return "tcp";
	case PROTOCOL_UDP:
		return "udp";
	default:
		return "tcp,udp";
	}
}

static const char *forwarding_name(enum forwarding forwarding)
{
	switch (forwarding) {
	case FORWARDING_DR:
		return "dr";
	case FORWARDING_NAT:
		return "nat";
	}
	return "unknown";
}

static json_t *service_json(const struct mirror *mirror, size_t at, nstime wall)
{
	const struct service *service = &mirror->model->services[at];
	const struct mirror_service *seen = &mirror->services[at];
	struct fact_service fact = seen->fact;

	if (!seen->known) {
		fact = (struct fact_service){.state = SERVICE_DOWN, .needed = 1};
		snprintf(fact.reason, sizeof(fact.reason), NOT_REPORTED);
	}
	return json_pack("{s:o, s:s, s:o, s:o, s:n, s:s, s:o, s:s, s:{s:o, s:o}, s:o, s:o}", "name",
			 status_text(service->name), "state", service_state_name(fact.state), "reason",
			 status_text(fact.reason), "listen", listen_json(service), "fwmark", "protocol",
			 protocol_name(service->protocols), "scheduler", status_text(service->scheduler), "forwarding",
			 forwarding_name(service->forwarding), "quorum", "needed", number(fact.needed), "have",
			 number(fact.have), "real_servers", servers_json(mirror, at, wall), "since",
			 time_json(fact.since, wall));
}

json_t *status_services_json(const struct mirror *mirror, nstime wall)
{
	json_t *array = json_array();

	for (size_t i = 0; mirror->model && i < mirror->model->service_count; i++)
		array = append(array, service_json(mirror, i, wall));
	return array;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static json_t *workers_json(const struct mirror *mirror)
{
	json_t *array = json_array();

	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		const struct fact_worker *fact = &mirror->workers[role].fact;

		if (!mirror->workers[role].known)
			continue;
		array = append(array, json_pack("{s:s, s:i, s:o, s:s}", "name", role_name((enum role)role), "pid",
						(int)fact->pid, "restarts", number(fact->restarts), "state",
						worker_state_name(fact->state)));
	}
	return array;
}

static json_t *reload_json(const struct fact_daemon *daemon, nstime wall)
{
	const char *result = !daemon->reload_time ? "none" : daemon->reload_failed ? "refused" : "applied";
	json_t *errors = json_array();

	if (daemon->reload_failed && daemon->reload_error[0])
		errors = append(errors, status_text(daemon->reload_error));
	return json_pack("{s:o, s:s, s:o}", "time", time_json(daemon->reload_time, wall), "result", result, "errors",
			 errors);
}

static json_t *table_json(const struct fact_table *table, nstime wall)
{
	return json_pack("{s:b, s:o, s:o, s:o, s:b, s:o}", "available", table->available, "operations",
			 number(table->operations), "repairs", number(table->repairs), "last_read_back",
			 time_json(table->last_read_back, wall), "ready", table->ready, "error",
			 table->error[0] ? status_text(table->error) : json_null());
}

json_t *status_json(const struct mirror *mirror, nstime wall)
{
	const struct model *model = mirror->model;
	const struct fact_daemon *daemon = &mirror->daemon;
	uint32_t generation = mirror->daemon_known ? daemon->generation : model ? model->generation : 0;

	return json_pack("{s:o, s:o, s:s, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:[], s:o, s:[], s:o}", "cluster",
			 status_text(model ? model->cluster : NULL), "node", status_text(model ? model->node : NULL),
			 "version", PACKAGE_VERSION, "generation", number(generation), "started",
			 time_json(daemon->started, wall), "ready", daemon->ready, "maintenance", false, "workers",
			 workers_json(mirror), "reload", reload_json(daemon, wall), "vrrp",
			 status_vrrp_json(mirror, wall), "sync_groups", "services", status_services_json(mirror, wall),
			 "overrides", "ipvs", table_json(&mirror->table, wall));
}
