/* See control_status.h: the whole, and what is of vrrp. Fields are put in the order of interface.md. */
#include "config.h"

#include "daemon/control_status.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/control_cause.h"
#include "daemon/control_json.h"
#include "daemon/control_mirror.h"
#include "vrrp/explain.h"

static double in_seconds(nstime duration)
{
	return (double)duration / (double)NSTIME_S;
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
		array = status_append(array, status_text(one));
		causes = end ? end + 2 : "";
	}
	return array;
}

static json_t *dropped_json(const struct fact_instance *fact)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < VRRP_DROP_COUNT; i++)
		status_put(&object, vrrp_drop_name((enum vrrp_drop)i), status_number(fact->dropped[i]));
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
		status_put(&senders, name, status_address(&fact->dropped_from[i]));
		status_put(&times, name, status_time(fact->dropped_at[i], wall));
	}
	status_put(object, "dropped_from", senders);
	status_put(object, "dropped_at", times);
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
		status_put(&object, name, status_number(fact->late[i]));
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

	status_put(&object, "name", status_text(tracker->name));
	status_put(&object, "state", json_string(verdict_name(seen->fact.state)));
	status_put(&object, "weight", json_integer(tracker->weight));
	status_put(&object, "reason", status_text(seen->known ? seen->fact.reason : NOT_REPORTED));
	status_put(&object, "kind", json_string(tracker_kind_name(tracker->kind)));
	status_put(&object, "effect", json_integer(seen->fact.effect));
	status_put(&object, "since", status_time(seen->fact.since, wall));
	return object;
}

static json_t *trackers_json(const struct model *model, const struct instance *instance,
			     const struct mirror_instance *seen, nstime wall)
{
	json_t *array = json_array();

	for (size_t i = 0; i < model_tracker_count(model, instance); i++)
		array = status_append(array, tracker_json(model_tracker(model, instance, i),
						   &seen->trackers[i], wall));
	return array;
}

static json_t *vips_json(const struct instance *instance)
{
	json_t *array = json_array();

	for (size_t i = 0; i < instance->virtual_address_count; i++) {
		const struct vip *vip = &instance->virtual_addresses[i];
		char out[PREFIX_TEXT];

		array = status_append(array, json_string(prefix_format(&vip->address, out)));
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
	status_put(object, "master_address", status_address(&fact->master));
	status_put(object, "transitions", status_number(fact->transitions));
	status_put(object, "sent", status_number(fact->sent));
	status_put(object, "received", status_number(fact->received));
	status_put(object, "dropped", dropped_json(fact));
	status_put(object, "faults", faults_json(fact->fault));
}

/* What it says of others and of time. */
static void put_surroundings(json_t **object, const struct fact_instance *fact, nstime wall)
{
	status_put(object, "reason_code", json_string(vrrp_why_name(fact->why)));
	status_put(object, "competing_master", json_boolean(fact->competing_master));
	status_put(object, "master_priority", json_integer(fact->master_priority));
	status_put(object, "competitor_address", status_address(&fact->competitor));
	status_put(object, "competitor_priority", json_integer(fact->competitor_priority));
	status_put(object, "no_peer_heard", json_boolean(fact->no_peer_heard));
	put_droppers(object, fact, wall);
	status_put(object, "other_addresses", status_number(fact->other_addresses));
	status_put(object, "other_addresses_from", status_address(&fact->other_from));
	status_put(object, "repairs", status_number(fact->repairs));
	status_put(object, "contested", json_boolean(fact->contested));
	status_put(object, "maintenance", json_boolean(fact->maintenance));
	status_put(object, "repair", fact->repair[0] ? status_text(fact->repair) : json_null());
	status_put(object, "missing", fact->missing[0] ? status_text(fact->missing) : json_null());
	status_put(object, "lateness_ms", lateness_json(fact));
}

static void put_identity(json_t **object, const struct instance *instance)
{
	status_put(object, "virtual_router_id", json_integer(instance->virtual_router_id));
	status_put(object, "family", json_string(family_name(instance)));
	status_put(object, "version", json_integer(instance->version));
	status_put(object, "interface", status_text(instance->interface));
	status_put(object, "virtual_addresses", vips_json(instance));
}

static json_t *instance_json(const struct mirror *mirror, size_t at, nstime wall)
{
	const struct model *model = mirror->model;
	const struct instance *instance = &model->instances[at];
	const struct mirror_instance *seen = &mirror->instances[at];
	const struct sync_group *group = model_group_of(model, instance);
	struct fact_instance fact = seen->fact;
	struct cause cause;
	json_t *object = json_object();

	if (!seen->known) {
		fact = (struct fact_instance){.state = VRRP_INIT,
					      .priority = instance->priority,
					      .base_priority = instance->priority};
		snprintf(fact.reason, sizeof(fact.reason), NOT_REPORTED);
	}
	status_put(&object, "name", status_text(instance->name));
	status_put(&object, "state", json_string(vrrp_state_name(fact.state)));
	status_put(&object, "reason", status_text(fact.reason));
	status_put(&object, "since", status_time(fact.since, wall));
	status_put(&object, "priority", json_integer(fact.priority));
	status_put(&object, "base_priority", json_integer(fact.base_priority));
	status_put(&object, "configured_priority", json_integer(instance->priority));
	put_identity(&object, instance);
	put_election(&object, &fact);
	status_put(&object, "trackers", trackers_json(model, instance, seen, wall));
	put_surroundings(&object, &fact, wall);
	status_put(&object, "advert_interval", json_real(in_seconds(instance->advert_interval)));
	status_put(&object, "preempt", json_boolean(instance->preempt));
	status_put(&object, "sync_group", status_text(group ? group->name : NULL));
	cause_of_instance(mirror, at, &cause);
	status_put(&object, "cause", cause_json(&cause, wall));
	return object;
}

json_t *status_vrrp_json(const struct mirror *mirror, nstime wall)
{
	json_t *array = json_array();

	for (size_t i = 0; mirror->model && i < mirror->model->instance_count; i++)
		array = status_append(array, instance_json(mirror, i, wall));
	return array;
}

static json_t *members_json(const struct model *model, const struct sync_group *group)
{
	json_t *array = json_array();

	for (size_t i = 0; i < group->instance_count; i++)
		if (group->instances[i] < model->instance_count)
			array = status_append(array,
				       status_text(model->instances[group->instances[i]].name));
	return array;
}

static json_t *group_json(const struct mirror *mirror, size_t at, nstime wall)
{
	const struct model *model = mirror->model;
	const struct sync_group *group = &model->sync_groups[at];
	const struct mirror_group *seen = &mirror->groups[at];
	struct cause cause;
	json_t *object = json_object();

	status_put(&object, "name", status_text(group->name));
	status_put(&object, "state", json_string(vrrp_state_name(seen->fact.state)));
	status_put(&object, "instances", members_json(model, group));
	status_put(&object, "reason", status_text(seen->known ? seen->fact.reason : NOT_REPORTED));
	status_put(&object, "since", status_time(seen->fact.since, wall));
	cause_of_group(mirror, at, &cause);
	status_put(&object, "cause", cause_json(&cause, wall));
	return object;
}

static json_t *groups_json(const struct mirror *mirror, nstime wall)
{
	json_t *array = json_array();

	for (size_t i = 0; mirror->model && i < mirror->model->sync_group_count; i++)
		array = status_append(array, group_json(mirror, i, wall));
	return array;
}

/* ---- the whole -------------------------------------------------------------------- */

bool status_in_maintenance(const struct mirror *mirror)
{
	for (size_t i = 0; i < mirror->overrides.count; i++) {
		const struct override *override = override_mirror_row(&mirror->overrides, i);

		if (override && override->kind == OVERRIDE_MAINTENANCE)
			return true;
	}
	return false;
}

static json_t *worker_json(const struct fact_worker *fact, nstime wall)
{
	json_t *object = json_object();

	status_put(&object, "name", json_string(role_name((enum role)fact->role)));
	status_put(&object, "pid", json_integer(fact->pid));
	status_put(&object, "restarts", status_number(fact->restarts));
	status_put(&object, "state", json_string(worker_state_name(fact->state)));
	status_put(&object, "deaths", status_number(fact->deaths));
	status_put(&object, "reason", fact->reason[0] ? status_text(fact->reason) : json_null());
	status_put(&object, "next_start", status_time(fact->due, wall));
	return object;
}

static json_t *workers_json(const struct mirror *mirror, nstime wall)
{
	json_t *array = json_array();

	for (unsigned role = 0; role <= ROLE_EXPORTER; role++)
		if (mirror->workers[role].known)
			array = status_append(array, worker_json(&mirror->workers[role].fact, wall));
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
		errors = status_append(errors, status_text(daemon->reload_error));
	status_put(&object, "time", status_time(daemon->reload_time, wall));
	status_put(&object, "result", json_string(reload_result(daemon)));
	status_put(&object, "errors", errors);
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
		errors = status_append(errors, status_text(daemon->upgrade_text));
	status_put(&object, "time", status_time(daemon->upgrade_time, wall));
	status_put(&object, "result", json_string(upgrade_result(daemon)));
	status_put(&object, "from", done ? status_text(daemon->upgrade_text) : json_null());
	status_put(&object, "errors", errors);
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
	status_put(&object, "role", json_string(sync_role(table->sync)));
	status_put(&object, "interface", status_text(sync->interface));
	status_put(&object, "id", status_number(sync->id));
	status_put(&object, "follow", status_text(sync->follow ? sync->follow : "both"));
	status_put(&object, "error", table->sync_error[0] ? status_text(table->sync_error) : json_null());
	return object;
}

static json_t *table_json(const struct model *model, const struct fact_table *table, nstime wall)
{
	json_t *object = json_object();

	status_put(&object, "available", json_boolean(table->available));
	status_put(&object, "operations", status_number(table->operations));
	status_put(&object, "repairs", status_number(table->repairs));
	status_put(&object, "last_read_back", status_time(table->last_read_back, wall));
	status_put(&object, "ready", json_boolean(table->ready));
	status_put(&object, "error", table->error[0] ? status_text(table->error) : json_null());
	status_put(&object, "sync", conn_sync_json(model, table));
	status_put(&object, "contested",
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

		status_put(&object, "name", status_text(model->directors[i].name));
		status_put(&object, "address", status_address(&model->directors[i].address));
		array = status_append(array, object);
	}
	return array;
}

static json_t *notify_json(const struct fact_notify *fact, nstime wall)
{
	json_t *object = json_object(), *failure = fact->failed_at ? json_object() : json_null();

	if (fact->failed_at) {
		status_put(&failure, "time", status_time(fact->failed_at, wall));
		status_put(&failure, "text", status_text(fact->failure));
	}
	status_put(&object, "scripts", status_number(fact->scripts));
	status_put(&object, "running", status_number(fact->running));
	status_put(&object, "waiting", status_number(fact->waiting));
	status_put(&object, "started", status_number(fact->started));
	status_put(&object, "failed", status_number(fact->failed));
	status_put(&object, "coalesced", status_number(fact->coalesced));
	status_put(&object, "lost", status_number(fact->lost));
	status_put(&object, "failure", failure);
	return object;
}

static json_t *whole_json(const struct mirror *mirror, nstime now, nstime wall, bool services)
{
	const struct model *model = mirror->model;
	const struct fact_daemon *daemon = &mirror->daemon;
	json_t *object = json_object();

	status_put(&object, "cluster", status_text(model ? model->cluster : NULL));
	status_put(&object, "node", status_text(model ? model->node : NULL));
	status_put(&object, "version", json_string(PACKAGE_VERSION));
	status_put(&object, "build", daemon->build[0] ? status_text(daemon->build) : json_null());
	status_put(&object, "generation", status_number(generation(mirror)));
	status_put(&object, "started", status_time(daemon->started, wall));
	status_put(&object, "ready", json_boolean(daemon->ready));
	status_put(&object, "maintenance", json_boolean(status_in_maintenance(mirror)));
	status_put(&object, "workers", workers_json(mirror, wall));
	status_put(&object, "reload", reload_json(daemon, wall));
	status_put(&object, "upgrade", upgrade_json(daemon, wall));
	status_put(&object, "vrrp", status_vrrp_json(mirror, wall));
	status_put(&object, "sync_groups", groups_json(mirror, wall));
	if (services)
		status_put(&object, "services", status_services_json(mirror, NULL, wall));
	status_put(&object, "overrides", status_overrides_json(mirror));
	status_put(&object, "overrides_error",
	    daemon->overrides_error[0] ? status_text(daemon->overrides_error) : json_null());
	status_put(&object, "notify", notify_json(&mirror->notify, wall));
	status_put(&object, "ipvs", table_json(model, &mirror->table, wall));
	status_put(&object, "time", status_time(now, wall));
	status_put(&object, "directors", directors_json(model));
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
