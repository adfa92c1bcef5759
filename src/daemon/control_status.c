/* See control_status.h. Fields are put in the order of interface.md. When memory is out an object
 * or array under construction becomes NULL and stays so, so nobody checks in between. */
#include "config.h"

#include "daemon/control_status.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "base/walltime.h"
#include "daemon/control_mirror.h"
#include "ipvs/ramp.h"
#include "vrrp/explain.h"

#define NOT_REPORTED "not reported yet"

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
	char out[WALLTIME_TEXT];

	if (point <= 0)
		return json_null();
	return json_string(walltime_format(nstime_after(point, wall), out));
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

	return endpoint->address.family ? json_string(endpoint_format(endpoint, out)) : json_null();
}

static double in_seconds(nstime duration)
{
	return (double)duration / (double)NSTIME_S;
}

/* Appends to an array under construction. */
static json_t *append(json_t *array, json_t *item)
{
	if (array && !json_array_append_new(array, item))
		return array;
	if (!array)
		json_decref(item);
	json_decref(array);
	return NULL;
}

/* Adds a member to an object under construction. */
static void put(json_t **object, const char *key, json_t *value)
{
	if (!*object) {
		json_decref(value);
	} else if (json_object_set_new(*object, key, value)) {
		json_decref(*object);
		*object = NULL;
	}
}

/* ---- vrrp ------------------------------------------------------------------------- */

/* The causes of a FAULT, which the fact carries as one text with "; " between. */
static json_t *faults_json(const char *causes)
{
	json_t *array = json_array();

	while (*causes) {
		const char *end = strstr(causes, "; ");
		char one[FACT_DETAIL];

		snprintf(one, sizeof(one), "%.*s",
			 (int)(end ? end - causes : (ptrdiff_t)strlen(causes)), causes);
		array = append(array, status_text(one));
		causes = end ? end + 2 : "";
	}
	return array;
}

static json_t *dropped_json(const struct fact_instance *fact)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < VRRP_DROP_COUNT; i++)
		put(&object, vrrp_drop_name((enum vrrp_drop)i), number(fact->dropped[i]));
	return object;
}

/* Who sent the last of those that were dropped, and when: only reasons that have happened. */
static void put_droppers(json_t **object, const struct fact_instance *fact, nstime wall)
{
	json_t *senders = json_object(), *times = json_object();

	for (unsigned i = 0; i < VRRP_DROP_COUNT; i++) {
		const char *name = vrrp_drop_name((enum vrrp_drop)i);

		if (!fact->dropped[i])
			continue;
		put(&senders, name, address_json(&fact->dropped_from[i]));
		put(&times, name, time_json(fact->dropped_at[i], wall));
	}
	put(object, "dropped_from", senders);
	put(object, "dropped_at", times);
}

/* A histogram: how many adverts left less than so many milliseconds after their time, but not less
 * than the bound before. */
static json_t *lateness_json(const struct fact_instance *fact)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < VRRP_LATE_COUNT; i++) {
		nstime bound = vrrp_late_bound(i);
		char name[24] = "inf";

		if (bound != NSTIME_NEVER)
			snprintf(name, sizeof(name), "%g", (double)bound / (double)NSTIME_MS);
		put(&object, name, number(fact->late[i]));
	}
	return object;
}

static const char *tracker_kind_name(enum tracker_kind kind)
{
	switch (kind) {
	case TRACKER_INTERFACE:
		return "interface";
	case TRACKER_CHECK:
		return "check";
	case TRACKER_SERVICE:
		return "service";
	}
	return "unknown";
}

static json_t *tracker_json(const struct tracker *tracker, const struct mirror_tracker *seen,
			    nstime wall)
{
	json_t *object = json_object();

	put(&object, "name", status_text(tracker->name));
	put(&object, "state", json_string(verdict_name(seen->fact.state)));
	put(&object, "weight", json_integer(tracker->weight));
	put(&object, "reason", status_text(seen->known ? seen->fact.reason : NOT_REPORTED));
	put(&object, "kind", json_string(tracker_kind_name(tracker->kind)));
	put(&object, "effect", json_integer(seen->fact.effect));
	put(&object, "since", time_json(seen->fact.since, wall));
	return object;
}

static json_t *trackers_json(const struct model *model, const struct instance *instance,
			     const struct mirror_instance *seen, nstime wall)
{
	json_t *array = json_array();

	for (size_t i = 0; i < model_tracker_count(model, instance); i++)
		array = append(array, tracker_json(model_tracker(model, instance, i),
						   &seen->trackers[i], wall));
	return array;
}

static json_t *vips_json(const struct instance *instance)
{
	json_t *array = json_array();

	for (size_t i = 0; i < instance->virtual_address_count; i++) {
		const struct vip *vip = &instance->virtual_addresses[i];
		char out[PREFIX_TEXT];

		array = append(array, json_string(prefix_format(&vip->address, out)));
	}
	return array;
}

static const char *family_name(const struct instance *instance)
{
	if (instance->virtual_address_count &&
	    instance->virtual_addresses[0].address.address.family == AF_INET6)
		return "ipv6";
	return "ipv4";
}

/* What the vrrp worker says of the election: in the order of the contract. */
static void put_election(json_t **object, const struct fact_instance *fact)
{
	put(object, "master_address", address_json(&fact->master));
	put(object, "transitions", number(fact->transitions));
	put(object, "sent", number(fact->sent));
	put(object, "received", number(fact->received));
	put(object, "dropped", dropped_json(fact));
	put(object, "faults", faults_json(fact->fault));
}

/* What it says of others and of time. */
static void put_surroundings(json_t **object, const struct fact_instance *fact, nstime wall)
{
	put(object, "reason_code", json_string(vrrp_why_name(fact->why)));
	put(object, "competing_master", json_boolean(fact->competing_master));
	put(object, "master_priority", json_integer(fact->master_priority));
	put(object, "competitor_address", address_json(&fact->competitor));
	put(object, "competitor_priority", json_integer(fact->competitor_priority));
	put(object, "no_peer_heard", json_boolean(fact->no_peer_heard));
	put_droppers(object, fact, wall);
	put(object, "other_addresses", number(fact->other_addresses));
	put(object, "other_addresses_from", address_json(&fact->other_from));
	put(object, "repairs", number(fact->repairs));
	put(object, "contested", json_boolean(fact->contested));
	put(object, "maintenance", json_boolean(fact->maintenance));
	put(object, "repair", fact->repair[0] ? status_text(fact->repair) : json_null());
	put(object, "missing", fact->missing[0] ? status_text(fact->missing) : json_null());
	put(object, "lateness_ms", lateness_json(fact));
}

static void put_identity(json_t **object, const struct instance *instance)
{
	put(object, "virtual_router_id", json_integer(instance->virtual_router_id));
	put(object, "family", json_string(family_name(instance)));
	put(object, "version", json_integer(instance->version));
	put(object, "interface", status_text(instance->interface));
	put(object, "virtual_addresses", vips_json(instance));
}

static json_t *instance_json(const struct model *model, const struct instance *instance,
			     const struct mirror_instance *seen, nstime wall)
{
	const struct sync_group *group = model_group_of(model, instance);
	struct fact_instance fact = seen->fact;
	json_t *object = json_object();

	if (!seen->known) {
		fact = (struct fact_instance){.state = VRRP_INIT,
					      .priority = instance->priority,
					      .base_priority = instance->priority};
		snprintf(fact.reason, sizeof(fact.reason), NOT_REPORTED);
	}
	put(&object, "name", status_text(instance->name));
	put(&object, "state", json_string(vrrp_state_name(fact.state)));
	put(&object, "reason", status_text(fact.reason));
	put(&object, "since", time_json(fact.since, wall));
	put(&object, "priority", json_integer(fact.priority));
	put(&object, "base_priority", json_integer(fact.base_priority));
	put(&object, "configured_priority", json_integer(instance->priority));
	put_identity(&object, instance);
	put_election(&object, &fact);
	put(&object, "trackers", trackers_json(model, instance, seen, wall));
	put_surroundings(&object, &fact, wall);
	put(&object, "advert_interval", json_real(in_seconds(instance->advert_interval)));
	put(&object, "preempt", json_boolean(instance->preempt));
	put(&object, "sync_group", status_text(group ? group->name : NULL));
	return object;
}

json_t *status_vrrp_json(const struct mirror *mirror, nstime wall)
{
	json_t *array = json_array();

	for (size_t i = 0; mirror->model && i < mirror->model->instance_count; i++)
		array = append(array, instance_json(mirror->model, &mirror->model->instances[i],
						    &mirror->instances[i], wall));
	return array;
}

static json_t *members_json(const struct model *model, const struct sync_group *group)
{
	json_t *array = json_array();

	for (size_t i = 0; i < group->instance_count; i++)
		if (group->instances[i] < model->instance_count)
			array = append(array,
				       status_text(model->instances[group->instances[i]].name));
	return array;
}

static json_t *group_json(const struct model *model, const struct sync_group *group,
			  const struct mirror_group *seen, nstime wall)
{
	json_t *object = json_object();

	put(&object, "name", status_text(group->name));
	put(&object, "state", json_string(vrrp_state_name(seen->fact.state)));
	put(&object, "instances", members_json(model, group));
	put(&object, "reason", status_text(seen->known ? seen->fact.reason : NOT_REPORTED));
	put(&object, "since", time_json(seen->fact.since, wall));
	return object;
}

static json_t *groups_json(const struct mirror *mirror, nstime wall)
{
	json_t *array = json_array();

	for (size_t i = 0; mirror->model && i < mirror->model->sync_group_count; i++)
		array = append(array, group_json(mirror->model, &mirror->model->sync_groups[i],
						 &mirror->groups[i], wall));
	return array;
}

/* ---- what operators said ---------------------------------------------------------- */

static const struct real_server *server_of(const struct model *model, const char *object)
{
	for (size_t s = 0; model && s < model->service_count; s++) {
		const struct service *service = &model->services[s];
		const char *name = override_server(object, service->name);

		for (size_t i = 0; name && i < service->real_server_count; i++)
			if (!strcmp(service->real_servers[i].name, name))
				return &service->real_servers[i];
	}
	return NULL;
}

static const struct instance *instance_of(const struct model *model, const char *object)
{
	for (size_t i = 0; model && i < model->instance_count; i++)
		if (!strcmp(model->instances[i].name, object))
			return &model->instances[i];
	return NULL;
}

static json_t *value_of_server(const struct real_server *server, enum override_kind kind)
{
	char weight[OVERRIDE_VALUE];

	if (!server)
		return json_null();
	snprintf(weight, sizeof(weight), "%u", server->weight);
	return json_string(kind == OVERRIDE_STATE ? admin_state_name(server->state) : weight);
}

/* In the shape of an override's value; null: its object is not configured. */
static json_t *configured_json(const struct model *model, const struct override *override)
{
	const struct instance *instance;
	char priority[OVERRIDE_VALUE];

	switch (override->kind) {
	case OVERRIDE_PRIORITY:
		instance = instance_of(model, override->object);
		if (!instance)
			return json_null();
		snprintf(priority, sizeof(priority), "%u", instance->priority);
		return json_string(priority);
	case OVERRIDE_STATE:
	case OVERRIDE_WEIGHT:
		return value_of_server(server_of(model, override->object), override->kind);
	case OVERRIDE_MAINTENANCE:
	case OVERRIDE_KINDS:
		break;
	}
	return json_string("off");
}

/* Its times are wall time already. */
static json_t *override_json(const struct model *model, const struct override *override)
{
	json_t *object = json_object(), *configured = configured_json(model, override);
	bool is_configured = !json_is_null(configured);

	put(&object, "object", status_text(override->object));
	put(&object, "kind", json_string(override_kind_name(override->kind)));
	put(&object, "value", status_text(override->value));
	put(&object, "by", status_text(override->by));
	put(&object, "comment", status_text(override->comment));
	put(&object, "since", time_json(override->since, 0));
	put(&object, "until", time_json(override->until, 0));
	put(&object, "configured", json_boolean(is_configured));
	put(&object, "configured_value", configured);
	put(&object, "deadline", time_json(override->deadline, 0));
	return object;
}

/* ---- services --------------------------------------------------------------------- */

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

	put(&object, "type", json_string(check_type_name(model->checks[probe->check].type)));
	put(&object, "result", json_string(probe_result(seen)));
	put(&object, "reason", json_string(probe_reason_name(fact->reason)));
	put(&object, "detail", status_text(fact->detail));
	put(&object, "latency_ms", probed ? json_real(latency) : json_null());
	put(&object, "time", probed ? time_json(fact->time, wall) : json_null());
	put(&object, "target", endpoint_json(&probe->target));
	advice_format(&fact->told, &told);
	put(&object, "told", json_string(words));
	put(&object, "suppressed_until", time_json(fact->suppressed, wall));
	return object;
}

static json_t *probes_json(const struct mirror *mirror, const struct real_server *server,
			   nstime wall)
{
	const struct model *model = mirror->model;
	json_t *array = json_array();

	for (size_t i = 0; i < server->probe_count; i++) {
		uint32_t at = server->probes[i];

		array = append(array,
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

	put(&object, "active", number(fact->active));
	put(&object, "inactive", number(fact->inactive));
	put(&object, "persistent", number(fact->persistent));
	return object;
}

static json_t *stats_json(const struct traffic *traffic)
{
	json_t *object = json_object();

	put(&object, "connections", number(traffic->connections));
	put(&object, "packets_in", number(traffic->packets_in));
	put(&object, "packets_out", number(traffic->packets_out));
	put(&object, "bytes_in", number(traffic->bytes_in));
	put(&object, "bytes_out", number(traffic->bytes_out));
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
	put(&object, "time", time_json(seen->zeroed, wall));
	return object;
}

static const char *forwarding_name(enum forwarding forwarding)
{
	switch (forwarding) {
	case FORWARDING_DR:
		return "dr";
	case FORWARDING_NAT:
		return "nat";
	case FORWARDING_TUNNEL:
		return "tunnel";
	case FORWARDING_FULLNAT:
		return "fullnat";
	case FORWARDING_LOCAL:
		return "local";
	}
	return "unknown";
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
			array = append(array, override_json(mirror->model, one));
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
	put(&object, "by", json_string(check_type_name(told->by)));
	put(&object, "weight", *weight ? json_string(weight) : json_null());
	put(&object, "wish", told->wish ? json_string(advice_wish_name(told->wish)) : json_null());
	put(&object, "maxconn", is_limited ? number(told->maxconn) : json_null());
	return object;
}

/* What is in force, what is configured, and who said so. */
static void put_terms(json_t **object, const struct mirror *mirror, const struct service *service,
		      const struct real_server *server, const struct mirror_server *seen,
		      bool is_said)
{
	const struct fact_server *fact = &seen->fact;
	enum admin_state admin = seen->known ? fact->admin : server->state;

	put(object, "admin", json_string(admin_state_name(admin)));
	put(object, "weight", number(seen->known ? fact->weight : server->weight));
	put(object, "configured_admin", json_string(admin_state_name(server->state)));
	put(object, "configured_weight", json_integer(server->weight));
	put(object, "deadline", time_json(fact->deadline, 0));
	put(object, "told", told_json(&fact->told));
	put(object, "overrides", is_said ? said_json(mirror, service, server) : json_array());
}

static json_t *server_json(const struct mirror *mirror, const struct service *service,
			   const struct real_server *server, const struct mirror_server *seen,
			   bool is_said, nstime wall)
{
	const struct fact_server *fact = &seen->fact;
	struct endpoint at = server_endpoint(service, server);
	json_t *object = json_object();

	put(&object, "name", status_text(server->name));
	put(&object, "address", endpoint_json(&at));
	put(&object, "forwarding", json_string(forwarding_name(server->forwarding)));
	put(&object, "health", json_string(verdict_name(fact->health)));
	put_terms(&object, mirror, service, server, seen, is_said);
	put(&object, "effective_weight", number(fact->effective_weight));
	put(&object, "reason", status_text(seen->known ? fact->reason : NOT_REPORTED));
	put(&object, "since", time_json(fact->since, wall));
	put(&object, "checks", probes_json(mirror, server, wall));
	put(&object, "connections", connections_json(fact));
	put(&object, "stats", stats_json(&seen->traffic.total));
	put(&object, "stats_since_zero", since_zero_json(&seen->traffic, wall));
	return object;
}

static json_t *servers_json(const struct mirror *mirror, size_t number_of, nstime wall)
{
	const struct service *service = &mirror->model->services[number_of];
	bool is_said = is_said_of(mirror, service);
	json_t *array = json_array();

	for (size_t i = 0; i < service->real_server_count; i++)
		array = append(array, server_json(mirror, service, &service->real_servers[i],
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

	put(&connections, "active", number(leaver->active));
	put(&connections, "inactive", number(leaver->inactive));
	put(&connections, "persistent", number(leaver->persistent));
	put(&object, "name", status_text(leaver->name));
	put(&object, "address", endpoint_json(&leaver->address));
	put(&object, "deadline",
	    leaver->deadline == NSTIME_NEVER ? json_null() : time_json(leaver->deadline, wall));
	put(&object, "connections", connections);
	return object;
}

static json_t *leaving_json(const struct mirror *mirror, size_t number_of, nstime wall)
{
	json_t *array = json_array();

	for (size_t i = 0; i < mirror->table.leavers; i++) {
		const struct fact_leaver *leaver = mirror_leaver(mirror, i);

		if (leaver && leaver->service == number_of)
			array = append(array, leaver_json(leaver, wall));
	}
	return array;
}

static json_t *listen_json(const struct service *service)
{
	json_t *array = json_array();

	for (size_t i = 0; i < service->listen_count; i++)
		array = append(array, endpoint_json(&service->listen[i]));
	return array;
}

/* "tcp", "tcp,udp". */
static json_t *protocol_json(uint32_t protocols)
{
	static const char *const names[] = {"tcp", "udp", "sctp"}; /* in the order of their bits */
	char buffer[16];
	struct text out = text_of(buffer, sizeof(buffer));

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (protocols & 1u << i)
			text_add(&out, "%s%s", out.length ? "," : "", names[i]);
	return json_string(buffer);
}

static json_t *quorum_json(const struct fact_service *fact)
{
	json_t *object = json_object();

	put(&object, "needed", number(fact->needed));
	put(&object, "have", number(fact->have));
	return object;
}

json_t *status_service_json(const struct mirror *mirror, size_t at, nstime wall)
{
	const struct service *service = &mirror->model->services[at];
	struct fact_service fact = mirror->services[at].fact;
	json_t *object = json_object();

	if (!mirror->services[at].known) {
		fact = (struct fact_service){
			.state = SERVICE_DOWN, .needed = 1, .programmed = true};
		snprintf(fact.reason, sizeof(fact.reason), NOT_REPORTED);
	}
	put(&object, "name", status_text(service->name));
	put(&object, "state", json_string(service_state_name(fact.state)));
	put(&object, "reason", status_text(fact.reason));
	put(&object, "listen", listen_json(service));
	put(&object, "fwmark", service->mark ? number(service->mark) : json_null());
	put(&object, "protocol", protocol_json(service->protocols));
	put(&object, "scheduler", status_text(service->scheduler));
	put(&object, "forwarding", json_string(forwarding_name(service->forwarding)));
	put(&object, "quorum", quorum_json(&fact));
	put(&object, "real_servers", servers_json(mirror, at, wall));
	put(&object, "sorry_server", sorry_json(mirror, at, wall));
	put(&object, "leaving", leaving_json(mirror, at, wall));
	put(&object, "programmed", json_boolean(fact.programmed));
	put(&object, "weight_factor", json_integer(ipvs_weight_factor(service)));
	put(&object, "since", time_json(fact.since, wall));
	put(&object, "stats", stats_json(&mirror->services[at].traffic.total));
	put(&object, "stats_since_zero", since_zero_json(&mirror->services[at].traffic, wall));
	return object;
}

json_t *status_services_json(const struct mirror *mirror, const char *name, nstime wall)
{
	json_t *array = json_array();

	for (size_t i = 0; mirror->model && i < mirror->model->service_count; i++)
		if (!name || !strcmp(mirror->model->services[i].name, name))
			array = append(array, status_service_json(mirror, i, wall));
	return array;
}

/* ---- overrides -------------------------------------------------------------------- */

json_t *status_overrides_json(const struct mirror *mirror)
{
	json_t *array = json_array();

	for (size_t i = 0; i < mirror->overrides.count; i++) {
		const struct override *override = override_mirror_row(&mirror->overrides, i);

		if (override)
			array = append(array, override_json(mirror->model, override));
	}
	return array;
}

static bool in_maintenance(const struct mirror *mirror)
{
	for (size_t i = 0; i < mirror->overrides.count; i++) {
		const struct override *override = override_mirror_row(&mirror->overrides, i);

		if (override && override->kind == OVERRIDE_MAINTENANCE)
			return true;
	}
	return false;
}

/* ---- the whole -------------------------------------------------------------------- */

static json_t *worker_json(const struct fact_worker *fact, nstime wall)
{
	json_t *object = json_object();

	put(&object, "name", json_string(role_name((enum role)fact->role)));
	put(&object, "pid", json_integer(fact->pid));
	put(&object, "restarts", number(fact->restarts));
	put(&object, "state", json_string(worker_state_name(fact->state)));
	put(&object, "deaths", number(fact->deaths));
	put(&object, "reason", fact->reason[0] ? status_text(fact->reason) : json_null());
	put(&object, "next_start", time_json(fact->due, wall));
	return object;
}

static json_t *workers_json(const struct mirror *mirror, nstime wall)
{
	json_t *array = json_array();

	for (unsigned role = 0; role < ROLE_COUNT; role++)
		if (mirror->workers[role].known)
			array = append(array, worker_json(&mirror->workers[role].fact, wall));
	return array;
}

static const char *reload_result(const struct fact_daemon *daemon)
{
	if (!daemon->reload_time)
		return "none";
	return daemon->reload_failed ? "refused" : "applied";
}

static json_t *reload_json(const struct fact_daemon *daemon, nstime wall)
{
	json_t *object = json_object(), *errors = json_array();

	if (daemon->reload_failed && daemon->reload_error[0])
		errors = append(errors, status_text(daemon->reload_error));
	put(&object, "time", time_json(daemon->reload_time, wall));
	put(&object, "result", json_string(reload_result(daemon)));
	put(&object, "errors", errors);
	return object;
}

static const char *upgrade_result(const struct fact_daemon *daemon)
{
	if (!daemon->upgrade_time)
		return "none";
	return daemon->upgrade_failed ? "refused" : "done";
}

static json_t *upgrade_json(const struct fact_daemon *daemon, nstime wall)
{
	json_t *object = json_object(), *errors = json_array();
	bool done = daemon->upgrade_time && !daemon->upgrade_failed;

	if (daemon->upgrade_failed && daemon->upgrade_text[0])
		errors = append(errors, status_text(daemon->upgrade_text));
	put(&object, "time", time_json(daemon->upgrade_time, wall));
	put(&object, "result", json_string(upgrade_result(daemon)));
	put(&object, "from", done ? status_text(daemon->upgrade_text) : json_null());
	put(&object, "errors", errors);
	return object;
}

static const char *sync_role(uint8_t runs)
{
	static const char *const names[] = {
		[0] = "none",
		[FACT_SYNC_SENDS] = "master",
		[FACT_SYNC_RECEIVES] = "backup",
		[FACT_SYNC_SENDS | FACT_SYNC_RECEIVES] = "both",
	};

	return names[runs & (FACT_SYNC_SENDS | FACT_SYNC_RECEIVES)];
}

static json_t *conn_sync_json(const struct model *model, const struct fact_table *table)
{
	const struct ipvs_sync *sync = model ? model->global.ipvs.sync : NULL;
	json_t *object;

	if (!sync || !model->global.ipvs.sync_count)
		return json_null();
	object = json_object();
	put(&object, "role", json_string(sync_role(table->sync)));
	put(&object, "interface", status_text(sync->interface));
	put(&object, "id", number(sync->id));
	put(&object, "follow", status_text(sync->follow ? sync->follow : "both"));
	put(&object, "error", table->sync_error[0] ? status_text(table->sync_error) : json_null());
	return object;
}

static json_t *table_json(const struct model *model, const struct fact_table *table, nstime wall)
{
	json_t *object = json_object();

	put(&object, "available", json_boolean(table->available));
	put(&object, "operations", number(table->operations));
	put(&object, "repairs", number(table->repairs));
	put(&object, "last_read_back", time_json(table->last_read_back, wall));
	put(&object, "ready", json_boolean(table->ready));
	put(&object, "error", table->error[0] ? status_text(table->error) : json_null());
	put(&object, "sync", conn_sync_json(model, table));
	put(&object, "contested",
	    table->contested[0] ? status_text(table->contested) : json_null());
	return object;
}

/* The daemon's generation is newer than ours for a moment during a reload. */
static uint32_t generation(const struct mirror *mirror)
{
	if (mirror->daemon_known)
		return mirror->daemon.generation;
	return mirror->model ? mirror->model->generation : 0;
}

/* Who shares the file, so that addresses heard on the wire get names. */
static json_t *directors_json(const struct model *model)
{
	json_t *array = json_array();

	for (size_t i = 0; model && i < model->director_count; i++) {
		json_t *object = json_object();

		put(&object, "name", status_text(model->directors[i].name));
		put(&object, "address", address_json(&model->directors[i].address));
		array = append(array, object);
	}
	return array;
}

static json_t *whole_json(const struct mirror *mirror, nstime now, nstime wall, bool services)
{
	const struct model *model = mirror->model;
	const struct fact_daemon *daemon = &mirror->daemon;
	json_t *object = json_object();

	put(&object, "cluster", status_text(model ? model->cluster : NULL));
	put(&object, "node", status_text(model ? model->node : NULL));
	put(&object, "version", json_string(PACKAGE_VERSION));
	put(&object, "build", daemon->build[0] ? status_text(daemon->build) : json_null());
	put(&object, "generation", number(generation(mirror)));
	put(&object, "started", time_json(daemon->started, wall));
	put(&object, "ready", json_boolean(daemon->ready));
	put(&object, "maintenance", json_boolean(in_maintenance(mirror)));
	put(&object, "workers", workers_json(mirror, wall));
	put(&object, "reload", reload_json(daemon, wall));
	put(&object, "upgrade", upgrade_json(daemon, wall));
	put(&object, "vrrp", status_vrrp_json(mirror, wall));
	put(&object, "sync_groups", groups_json(mirror, wall));
	if (services)
		put(&object, "services", status_services_json(mirror, NULL, wall));
	put(&object, "overrides", status_overrides_json(mirror));
	put(&object, "overrides_error",
	    daemon->overrides_error[0] ? status_text(daemon->overrides_error) : json_null());
	put(&object, "ipvs", table_json(model, &mirror->table, wall));
	put(&object, "time", time_json(now, wall));
	put(&object, "directors", directors_json(model));
	return object;
}

json_t *status_json(const struct mirror *mirror, nstime now, nstime wall)
{
	return whole_json(mirror, now, wall, true);
}

json_t *status_rest_json(const struct mirror *mirror, nstime now, nstime wall)
{
	return whole_json(mirror, now, wall, false);
}
