/* See the header. What is not in the answer is not told: an older or a strange daemon makes fewer series, never wrong ones. */
#include "exporter/metrics.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "exporter/lines.h"
#include "exporter/shared.h"

/* NULL: it has none, and is not told of. */
static const char *name_of(const json_t *object)
{
	return json_string_value(json_object_get(object, "name"));
}

/* ---- the daemon ----------------------------------------------------------------------------- */

static void plain(struct lines *out, const char *name, const char *type, const char *help, const json_t *value)
{
	if (!json_is_number(value) && !json_is_boolean(value))
		return;
	lines_family(out, name, type, help);
	lines_begin(out, name);
	if (json_is_real(value))
		lines_end(out, json_real_value(value));
	else
		lines_end_count(out, json_is_integer(value) ? json_integer_value(value) : json_is_true(value));
}

static void tell_build(struct lines *out, const json_t *all)
{
	static const char *const labels[] = {"version", "build", "node", "cluster"};

	lines_family(out, "lbha_build_info", "gauge", "What runs, and as whom; always 1.");
	lines_begin(out, "lbha_build_info");
	for (size_t i = 0; i < COUNT_OF(labels); i++)
		lines_label(out, labels[i], json_string_value(json_object_get(all, labels[i])));
	lines_end_count(out, 1);
}

/* A number of each object. */
static void tell_each(struct lines *out, const char *name, const char *type, const char *help,
		      const char *object_label, const json_t *objects, const char *member)
{
	const json_t *object;
	size_t at;

	lines_family(out, name, type, help);
	json_array_foreach (objects, at, object) {
		const json_t *value = json_object_get(object, member);

		if (!value || !name_of(object))
			continue;
		lines_begin(out, name);
		lines_label(out, object_label, name_of(object));
		lines_end_count(out, json_is_integer(value) ? json_integer_value(value) : json_is_true(value));
	}
}

static void tell_daemon(struct lines *out, const json_t *all)
{
	const json_t *reload = json_object_get(all, "reload"), *workers = json_object_get(all, "workers");

	tell_build(out, all);
	plain(out, "lbha_start_time_seconds", "gauge", "When lbhad was started, since the epoch.",
	      json_object_get(all, "started"));
	plain(out, "lbha_ready", "gauge", "Whether all workers have the configuration in force.",
	      json_object_get(all, "ready"));
	plain(out, "lbha_maintenance", "gauge", "Whether an operator has put the director into maintenance.",
	      json_object_get(all, "maintenance"));
	plain(out, "lbha_config_generation", "gauge", "The number of the configuration in force.",
	      json_object_get(all, "generation"));
	plain(out, "lbha_config_last_reload_successful", "gauge",
	      "Whether the last configuration that lbhad was to load is in force.",
	      json_object_get(reload, "applied"));
	plain(out, "lbha_config_last_reload_timestamp_seconds", "gauge",
	      "When that was tried, since the epoch.", json_object_get(reload, "time"));
	tell_each(out, "lbha_worker_up", "gauge", "Whether the worker runs.", "worker", workers, "up");
	tell_each(out, "lbha_worker_restarts_total", "counter", "Times that the worker was started again.", "worker",
		  workers, "restarts");
}

/* ---- vrrp ----------------------------------------------------------------------------------- */

/* One sample for each word; the object is in one of them. */
static void one_hot(struct lines *out, const char *name, const char *object_label, const json_t *object,
		    const char *const *words)
{
	const char *state = json_string_value(json_object_get(object, "state"));

	for (; state && name_of(object) && *words; words++) {
		lines_begin(out, name);
		lines_label(out, object_label, name_of(object));
		lines_label(out, "state", *words);
		lines_end_count(out, !strcmp(*words, state));
	}
}

static void tell_states(struct lines *out, const json_t *instances)
{
	static const char *const words[] = {"INIT", "BACKUP", "MASTER", "FAULT", NULL};
	const json_t *instance;
	size_t at;

	lines_family(out, "lbha_vrrp_state", "gauge", "1 for the state that the instance is in.");
	json_array_foreach (instances, at, instance)
		one_hot(out, "lbha_vrrp_state", "instance", instance, words);
}

/* The samples of one histogram; `label` writes what tells it from others. Bounds and counts belong together: one more
 * count than bounds. */
struct histogram {
	const char *name;
	const json_t *object, *bounds, *counts;
	const char *sum; /* member of the object */
	void (*label)(struct lines *out, const struct histogram *histogram);
	const char *service; /* for label */
};

static void tell_bucket(struct lines *out, const struct histogram *it, const char *bound, long long count)
{
	lines_begin(out, it->name);
	lines_add(out, "_bucket");
	it->label(out, it);
	lines_label(out, "le", bound);
	lines_end_count(out, count);
}

static void tell_histogram(struct lines *out, const struct histogram *it)
{
	size_t count = json_array_size(it->bounds);
	long long total = 0;
	char bound[24];

	if (!count || json_array_size(it->counts) != count + 1)
		return;
	for (size_t i = 0; i <= count; i++) {
		total += json_integer_value(json_array_get(it->counts, i));
		snprintf(bound, sizeof(bound), "%g", json_number_value(json_array_get(it->bounds, i)));
		tell_bucket(out, it, i < count ? bound : "+Inf", total);
	}
	lines_begin(out, it->name);
	lines_add(out, "_sum");
	it->label(out, it);
	lines_end(out, json_number_value(json_object_get(it->object, it->sum)));
	lines_begin(out, it->name);
	lines_add(out, "_count");
	it->label(out, it);
	lines_end_count(out, total);
}

static void label_instance(struct lines *out, const struct histogram *it)
{
	lines_label(out, "instance", name_of(it->object));
}

static void tell_lateness(struct lines *out, const json_t *instances, const json_t *bounds)
{
	static const char name[] = "lbha_vrrp_lateness_seconds";
	const json_t *instance;
	size_t at;

	lines_family(out, name, "histogram", "How long after its time an advertisement left.");
	json_array_foreach (instances, at, instance)
		if (name_of(instance))
			tell_histogram(out, &(struct histogram){.name = name,
								.object = instance,
								.bounds = bounds,
								.counts = json_object_get(instance, "late"),
								.sum = "late_sum",
								.label = label_instance});
}

static void tell_dropped(struct lines *out, const json_t *instances)
{
	static const char name[] = "lbha_vrrp_advertisements_dropped_total";
	const json_t *instance, *value;
	const char *reason;
	size_t at;

	lines_family(out, name, "counter", "Advertisements that were not believed, by reason.");
	json_array_foreach (instances, at, instance) {
		json_object_foreach (json_object_get(instance, "dropped"), reason, value) {
			if (!name_of(instance))
				break;
			lines_begin(out, name);
			lines_label(out, "instance", name_of(instance));
			lines_label(out, "reason", reason);
			lines_end_count(out, json_integer_value(value));
		}
	}
}

static void tell_vrrp(struct lines *out, const json_t *instances, const json_t *late_bounds)
{
	static const struct {
		const char *name, *type, *member, *help;
	} rows[] = {
		{"lbha_vrrp_priority", "gauge", "priority", "The priority that is advertised."},
		{"lbha_vrrp_base_priority", "gauge", "base_priority", "The same before trackers take from it."},
		{"lbha_vrrp_competing_master", "gauge", "competing",
		 "Whether another router advertises with a lesser priority while this one is MASTER."},
		{"lbha_vrrp_transitions_total", "counter", "transitions", "Changes of the state."},
		{"lbha_vrrp_advertisements_sent_total", "counter", "sent", "Advertisements sent."},
		{"lbha_vrrp_advertisements_received_total", "counter", "received",
		 "Advertisements received and believed."},
		{"lbha_vrrp_repairs_total", "counter", "repairs",
		 "Virtual addresses and routes that somebody else took away and that were put back."},
	};

	tell_states(out, instances);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		tell_each(out, rows[i].name, rows[i].type, rows[i].help, "instance", instances, rows[i].member);
	tell_dropped(out, instances);
	tell_lateness(out, instances, late_bounds);
}

/* ---- services ------------------------------------------------------------------------------- */

/* Places in the row of a server. */
enum server_place {
	SERVER_NAME,
	SERVER_ADDRESS,
	SERVER_PORT,
	SERVER_HEALTH,
	SERVER_WEIGHT,
	SERVER_ACTIVE,
	SERVER_INACTIVE,
	SERVER_PERSISTENT,
	SERVER_CONNECTIONS,
	SERVER_PACKETS_IN,
	SERVER_PACKETS_OUT,
	SERVER_BYTES_IN,
	SERVER_BYTES_OUT,
};

static const char *number_text(const json_t *value, char *out, size_t size)
{
	if (!json_is_integer(value))
		return NULL;
	snprintf(out, size, "%lld", (long long)json_integer_value(value));
	return out;
}

/* A sample of a server, if it has that number: NULL if not. */
static const json_t *begin_server(struct lines *out, const char *name, const json_t *service, const json_t *server,
				  enum server_place place)
{
	const char *server_name = json_string_value(json_array_get(server, SERVER_NAME));
	const json_t *value = json_array_get(server, place);

	if (!server_name || !name_of(service) || !json_is_integer(value))
		return NULL;
	lines_begin(out, name);
	lines_label(out, "service", name_of(service));
	lines_label(out, "server", server_name);
	return value;
}

/* One number of every server that has it. */
static void tell_servers(struct lines *out, const json_t *services, const char *name, enum server_place place,
			 const char *state)
{
	const json_t *service, *server;
	size_t i, j;

	json_array_foreach (services, i, service) {
		json_array_foreach (json_object_get(service, "servers"), j, server) {
			const json_t *value = begin_server(out, name, service, server, place);

			if (!value)
				continue;
			lines_label(out, "state", state);
			lines_end_count(out, json_integer_value(value));
		}
	}
}

/* The names of node_exporter's IPVS collector. */
static void label_ipvs(struct lines *out, const json_t *service, const json_t *server)
{
	char local[24], remote[24], mark[24] = "";
	const json_t *number = json_object_get(service, "mark");

	if (json_is_integer(number))
		snprintf(mark, sizeof(mark), "0x%llx", (unsigned long long)json_integer_value(number));
	lines_label(out, "local_address", json_string_value(json_object_get(service, "address")));
	lines_label(out, "local_port", number_text(json_object_get(service, "port"), local, sizeof(local)));
	lines_label(out, "local_mark", *mark ? mark : NULL);
	lines_label(out, "proto", json_string_value(json_object_get(service, "protocol")));
	lines_label(out, "remote_address", json_string_value(json_array_get(server, SERVER_ADDRESS)));
	lines_label(out, "remote_port", number_text(json_array_get(server, SERVER_PORT), remote, sizeof(remote)));
}

static void tell_counters(struct lines *out, const json_t *services, const char *name, const char *help,
			  enum server_place place)
{
	const json_t *service, *server;
	size_t i, j;

	lines_family(out, name, "counter", help);
	json_array_foreach (services, i, service) {
		json_array_foreach (json_object_get(service, "servers"), j, server) {
			const json_t *value = begin_server(out, name, service, server, place);

			if (!value)
				continue;
			label_ipvs(out, service, server);
			lines_end_count(out, json_integer_value(value));
		}
	}
}

static void tell_traffic(struct lines *out, const json_t *services)
{
	static const struct {
		const char *name, *help;
		enum server_place place;
	} rows[] = {
		{"lbha_ipvs_connections_total", "Connections that IPVS gave to the server.", SERVER_CONNECTIONS},
		{"lbha_ipvs_incoming_packets_total", "Packets from clients.", SERVER_PACKETS_IN},
		{"lbha_ipvs_outgoing_packets_total", "Packets to clients that passed the director.",
		 SERVER_PACKETS_OUT},
		{"lbha_ipvs_incoming_bytes_total", "Bytes from clients.", SERVER_BYTES_IN},
		{"lbha_ipvs_outgoing_bytes_total", "Bytes to clients that passed the director.", SERVER_BYTES_OUT},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		tell_counters(out, services, rows[i].name, rows[i].help, rows[i].place);
}

static void label_check(struct lines *out, const struct histogram *it)
{
	lines_label(out, "service", it->service);
	lines_label(out, "type", json_string_value(json_object_get(it->object, "type")));
}

static void tell_times(struct lines *out, const json_t *services, const json_t *bounds)
{
	static const char name[] = "lbha_check_duration_seconds";
	const json_t *service, *row;
	size_t i, j;

	lines_family(out, name, "histogram", "How long probes of the service's servers took, passed or failed.");
	json_array_foreach (services, i, service)
		json_array_foreach (json_object_get(service, "times"), j, row)
			if (name_of(service))
				tell_histogram(out,
					       &(struct histogram){.name = name,
								   .object = row,
								   .bounds = bounds,
								   .counts = json_object_get(row, "counts"),
								   .sum = "sum",
								   .label = label_check,
								   .service = name_of(service)});
}

static void tell_services(struct lines *out, const json_t *services, const json_t *times_bounds)
{
	static const char *const words[] = {"up", "degraded", "panic", "sorry", "down", NULL};
	const json_t *service;
	size_t at;

	lines_family(out, "lbha_service_state", "gauge", "1 for the state that the service is in.");
	json_array_foreach (services, at, service)
		one_hot(out, "lbha_service_state", "service", service, words);
	tell_each(out, "lbha_service_quorum_needed", "gauge", "The weight of servers that have to be up.",
		  "service", services, "needed");
	tell_each(out, "lbha_service_quorum_have", "gauge", "The weight of servers that are up.", "service",
		  services, "have");
	lines_family(out, "lbha_check_up", "gauge",
		     "Whether all checks of the server say that it is up; absent before the first verdict.");
	tell_servers(out, services, "lbha_check_up", SERVER_HEALTH, NULL);
	tell_times(out, services, times_bounds);
	lines_family(out, "lbha_server_weight", "gauge",
		     "The weight that IPVS has of the server; 0 as well when it has not the server.");
	tell_servers(out, services, "lbha_server_weight", SERVER_WEIGHT, NULL);
	lines_family(out, "lbha_server_connections", "gauge", "Connections that IPVS has open to the server.");
	tell_servers(out, services, "lbha_server_connections", SERVER_ACTIVE, "active");
	tell_servers(out, services, "lbha_server_connections", SERVER_INACTIVE, "inactive");
	tell_servers(out, services, "lbha_server_connections", SERVER_PERSISTENT, "persistent");
	tell_traffic(out, services);
}

static void tell_operations(struct lines *out, json_t *kinds)
{
	const char *kind;
	json_t *value;

	lines_family(out, "lbha_ipvs_operations_total", "counter", "What was asked of IPVS in the kernel.");
	json_object_foreach (kinds, kind, value) {
		lines_begin(out, "lbha_ipvs_operations_total");
		lines_label(out, "kind", kind);
		lines_end_count(out, json_integer_value(value));
	}
}

static void tell_table(struct lines *out, const json_t *table)
{
	tell_operations(out, json_object_get(table, "operations"));
	plain(out, "lbha_ipvs_available", "gauge", "Whether the kernel has IPVS.",
	      json_object_get(table, "available"));
	plain(out, "lbha_ipvs_ready", "gauge", "Whether the table is programmed and every server has a verdict.",
	      json_object_get(table, "ready"));
	plain(out, "lbha_ipvs_repairs_total", "counter", "Operations that undid what somebody else did.",
	      json_object_get(table, "repairs"));
	plain(out, "lbha_ipvs_last_read_back_timestamp_seconds", "gauge",
	      "When counters and connections were read from the kernel, since the epoch.",
	      json_object_get(table, "read_back"));
}

/* ---- the whole ------------------------------------------------------------------------------ */

static void tell_up(struct lines *out, bool up)
{
	lines_family(out, "lbha_up", "gauge", "Whether lbhad answers.");
	lines_begin(out, "lbha_up");
	lines_end_count(out, up);
}

static struct shared *whole(struct lines *out)
{
	if (!out->failed)
		return shared_new(out->text, out->size);
	free(out->text);
	return NULL;
}

struct shared *metrics_down(void)
{
	struct lines out = {0};

	tell_up(&out, false);
	return whole(&out);
}

struct shared *metrics_make(UNUSED void *ctx, char *line, size_t length)
{
	json_t *answer = json_loadb(line, length, 0, NULL);
	const json_t *all = json_object_get(answer, "result");
	struct lines out = {0};

	free(line);
	if (!json_is_true(json_object_get(answer, "ok")) || !json_is_object(all)) {
		json_decref(answer);
		return NULL;
	}
	tell_up(&out, true);
	tell_daemon(&out, all);
	tell_vrrp(&out, json_object_get(all, "vrrp"), json_object_get(all, "late_bounds"));
	tell_services(&out, json_object_get(all, "services"), json_object_get(all, "times_bounds"));
	tell_table(&out, json_object_get(all, "ipvs"));
	json_decref(answer);
	return whole(&out);
}
