/* Services as JSON (control_status.h): each with its servers, what decides about them and what goes through. */
#include "daemon/control_status.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/transport.h"
#include "config/words.h"
#include "daemon/control_cause.h"
#include "daemon/control_json.h"
#include "daemon/control_mirror.h"
#include "ipvs/ramp.h"

static const char *probe_result(const struct mirror_probe *seen)
{
	if (!seen->known || seen->fact.reason == REASON_NONE)
		return "none";
	return seen->fact.passed ? "passed" : "failed";
}

static json_t *probe_json(const struct model *model, const struct probe *probe,
			  const struct mirror_probe *seen, nstime wall)
{
	const struct fact_probe *fact = &seen->fact;
	bool probed = seen->known && fact->reason != REASON_NONE;
	double latency = (double)fact->latency / (double)NSTIME_MS;
	json_t *object = json_object();
	char words[64] = "";
	struct text told = text_of(words, sizeof(words));

	status_put(&object, "type", json_string(check_type_name(model->checks[probe->check].type)));
	status_put(&object, "result", json_string(probe_result(seen)));
	status_put(&object, "reason", json_string(probe_reason_name(fact->reason)));
	status_put(&object, "detail", status_text(fact->detail));
	status_put(&object, "latency_ms", probed ? json_real(latency) : json_null());
	status_put(&object, "time", probed ? status_time(fact->time, wall) : json_null());
	status_put(&object, "target", status_endpoint(&probe->target));
	advice_format(&fact->told, &told);
	status_put(&object, "told", json_string(words));
	status_put(&object, "suppressed_until", status_time(fact->suppressed, wall));
	return object;
}

static json_t *probes_json(const struct mirror *mirror, const struct real_server *server,
			   nstime wall)
{
	const struct model *model = mirror->model;
	json_t *array = json_array();

	for (size_t i = 0; i < server->probe_count; i++) {
		uint32_t at = server->probes[i];

		array = status_append(array,
			       probe_json(model, &model->probes[at], &mirror->probes[at], wall));
	}
	return array;
}

/* Where the server is reached: without a port of its own it has the listeners', if they agree. */
static struct endpoint server_endpoint(const struct service *service,
				       const struct real_server *server)
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
	json_t *object = json_object();

	status_put(&object, "active", status_number(fact->active));
	status_put(&object, "inactive", status_number(fact->inactive));
	status_put(&object, "persistent", status_number(fact->persistent));
	return object;
}

static json_t *stats_json(const struct traffic *traffic)
{
	json_t *object = json_object();

	status_put(&object, "connections", status_number(traffic->connections));
	status_put(&object, "packets_in", status_number(traffic->packets_in));
	status_put(&object, "packets_out", status_number(traffic->packets_out));
	status_put(&object, "bytes_in", status_number(traffic->bytes_in));
	status_put(&object, "bytes_out", status_number(traffic->bytes_out));
	return object;
}

/* The same since an operator's `zero`; null: there was none. */
static json_t *since_zero_json(const struct traffic_seen *seen, nstime wall)
{
	struct traffic since = traffic_since_zero(seen);
	json_t *object;

	if (!seen->zeroed)
		return json_null();
	object = stats_json(&since);
	status_put(&object, "time", status_time(seen->zeroed, wall));
	return object;
}

/* Most services have nothing said of them, and need no look at the list for each server. */
static bool is_said_of(const struct mirror *mirror, const struct service *service)
{
	for (size_t i = 0; i < mirror->overrides.count; i++) {
		const struct override *one = override_mirror_row(&mirror->overrides, i);

		if (one && override_is_of_servers(one->kind) &&
		    override_server(one->object, service->name))
			return true;
	}
	return false;
}

/* The overrides of a server. */
static json_t *said_json(const struct mirror *mirror, const struct service *service,
			 const struct real_server *server)
{
	json_t *array = json_array();

	for (size_t i = 0; i < mirror->overrides.count; i++) {
		const struct override *one = override_mirror_row(&mirror->overrides, i);
		const char *name = one && override_is_of_servers(one->kind)
					   ? override_server(one->object, service->name)
					   : NULL;

		if (name && !strcmp(name, server->name))
			array = status_append(array, status_override_json(mirror->model, one));
	}
	return array;
}

/* What of its checks' words is in force; null: nothing. */
static json_t *told_json(const struct advice *told)
{
	char weight[16] = "";
	struct text text = text_of(weight, sizeof(weight));
	bool is_limited = told->parts & ADVICE_MAXCONN;
	json_t *object;

	if (!advice_any(told))
		return json_null();
	advice_format_weight(told, &text);
	object = json_object();
	status_put(&object, "by", json_string(check_type_name(told->by)));
	status_put(&object, "weight", *weight ? json_string(weight) : json_null());
	status_put(&object, "wish", told->wish ? json_string(advice_wish_name(told->wish)) : json_null());
	status_put(&object, "maxconn", is_limited ? status_number(told->maxconn) : json_null());
	return object;
}

/* What is in force, what is configured, and who said so. */
static void put_terms(json_t **object, const struct mirror *mirror, const struct service *service,
		      const struct real_server *server, const struct mirror_server *seen,
		      bool is_said)
{
	const struct fact_server *fact = &seen->fact;
	enum admin_state admin = seen->known ? fact->admin : server->state;

	status_put(object, "admin", json_string(admin_state_name(admin)));
	status_put(object, "weight", status_number(seen->known ? fact->weight : server->weight));
	status_put(object, "configured_admin", json_string(admin_state_name(server->state)));
	status_put(object, "configured_weight", json_integer(server->weight));
	status_put(object, "deadline", status_time(fact->deadline, 0));
	status_put(object, "told", told_json(&fact->told));
	status_put(object, "overrides", is_said ? said_json(mirror, service, server) : json_array());
}

static json_t *server_json(const struct mirror *mirror, const struct service *service,
			   const struct real_server *server, const struct mirror_server *seen,
			   bool is_said, nstime wall)
{
	const struct fact_server *fact = &seen->fact;
	struct endpoint at = server_endpoint(service, server);
	json_t *object = json_object();

	status_put(&object, "name", status_text(server->name));
	status_put(&object, "address", status_endpoint(&at));
	status_put(&object, "forwarding", json_string(forwarding_word(server->forwarding)));
	status_put(&object, "health", json_string(verdict_name(fact->health)));
	put_terms(&object, mirror, service, server, seen, is_said);
	status_put(&object, "effective_weight", status_number(fact->effective_weight));
	status_put(&object, "reason", status_text(seen->known ? fact->reason : NOT_REPORTED));
	status_put(&object, "since", status_time(fact->since, wall));
	status_put(&object, "checks", probes_json(mirror, server, wall));
	status_put(&object, "connections", connections_json(fact));
	status_put(&object, "stats", stats_json(&seen->traffic.total));
	status_put(&object, "stats_since_zero", since_zero_json(&seen->traffic, wall));
	return object;
}

static json_t *servers_json(const struct mirror *mirror, size_t number_of, nstime wall)
{
	const struct service *service = &mirror->model->services[number_of];
	bool is_said = is_said_of(mirror, service);
	json_t *array = json_array();

	for (size_t i = 0; i < service->real_server_count; i++)
		array = status_append(array, server_json(mirror, service, &service->real_servers[i],
						  &mirror->services[number_of].servers[i], is_said,
						  wall));
	return array;
}

static json_t *sorry_json(const struct mirror *mirror, size_t number_of, nstime wall)
{
	const struct service *service = &mirror->model->services[number_of];

	if (!service->sorry_server_count)
		return json_null();
	return server_json(mirror, service, service->sorry_server,
			   &mirror->services[number_of].servers[service->real_server_count], false,
			   wall);
}

static json_t *leaver_json(const struct fact_leaver *leaver, nstime wall)
{
	json_t *object = json_object(), *connections = json_object();

	status_put(&connections, "active", status_number(leaver->active));
	status_put(&connections, "inactive", status_number(leaver->inactive));
	status_put(&connections, "persistent", status_number(leaver->persistent));
	status_put(&object, "name", status_text(leaver->name));
	status_put(&object, "address", status_endpoint(&leaver->address));
	status_put(&object, "deadline",
	    leaver->deadline == NSTIME_NEVER ? json_null() : status_time(leaver->deadline, wall));
	status_put(&object, "connections", connections);
	return object;
}

static json_t *leaving_json(const struct mirror *mirror, size_t number_of, nstime wall)
{
	json_t *array = json_array();

	for (size_t i = 0; i < mirror->table.leavers; i++) {
		const struct fact_leaver *leaver = mirror_leaver(mirror, i);

		if (leaver && leaver->service == number_of)
			array = status_append(array, leaver_json(leaver, wall));
	}
	return array;
}

static json_t *listen_json(const struct service *service)
{
	json_t *array = json_array();

	for (size_t i = 0; i < service->listen_count; i++)
		array = status_append(array, status_endpoint(&service->listen[i]));
	return array;
}

/* "tcp", "tcp,udp". */
static json_t *protocol_json(uint32_t protocols)
{
	char buffer[16];
	struct text out = text_of(buffer, sizeof(buffer));

	for (size_t i = 0; i < TRANSPORTS; i++)
		if (protocols & 1u << i)
			text_add(&out, "%s%s", out.length ? "," : "", transports[i].name);
	return json_string(buffer);
}

static json_t *quorum_json(const struct fact_service *fact)
{
	json_t *object = json_object();

	status_put(&object, "needed", status_number(fact->needed));
	status_put(&object, "have", status_number(fact->have));
	return object;
}

json_t *status_service_json(const struct mirror *mirror, size_t at, nstime wall)
{
	const struct service *service = &mirror->model->services[at];
	struct fact_service fact = mirror->services[at].fact;
	struct cause cause;
	json_t *object = json_object();

	if (!mirror->services[at].known) {
		fact = (struct fact_service){
			.state = SERVICE_DOWN, .needed = 1, .programmed = true};
		snprintf(fact.reason, sizeof(fact.reason), NOT_REPORTED);
	}
	status_put(&object, "name", status_text(service->name));
	status_put(&object, "state", json_string(service_state_name(fact.state)));
	status_put(&object, "reason", status_text(fact.reason));
	status_put(&object, "listen", listen_json(service));
	status_put(&object, "fwmark", service->mark ? status_number(service->mark) : json_null());
	status_put(&object, "protocol", protocol_json(service->protocols));
	status_put(&object, "scheduler", status_text(service->scheduler));
	status_put(&object, "forwarding", json_string(forwarding_word(service->forwarding)));
	status_put(&object, "quorum", quorum_json(&fact));
	status_put(&object, "real_servers", servers_json(mirror, at, wall));
	status_put(&object, "sorry_server", sorry_json(mirror, at, wall));
	status_put(&object, "leaving", leaving_json(mirror, at, wall));
	status_put(&object, "programmed", json_boolean(fact.programmed));
	status_put(&object, "weight_factor", json_integer(ipvs_weight_factor(service)));
	status_put(&object, "since", status_time(fact.since, wall));
	cause_of_service(mirror, at, &cause);
	status_put(&object, "cause", cause_json(&cause, wall));
	status_put(&object, "stats", stats_json(&mirror->services[at].traffic.total));
	status_put(&object, "stats_since_zero", since_zero_json(&mirror->services[at].traffic, wall));
	return object;
}

json_t *status_services_json(const struct mirror *mirror, const char *name, nstime wall)
{
	json_t *array = json_array();

	for (size_t i = 0; mirror->model && i < mirror->model->service_count; i++)
		if (!name || !strcmp(mirror->model->services[i].name, name))
			array = status_append(array, status_service_json(mirror, i, wall));
	return array;
}
