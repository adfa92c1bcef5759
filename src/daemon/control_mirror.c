/* See control_mirror.h. Adopting finds the old object of each new one through a hash index over the
 * old ones, so a reload of ten thousand servers stays linear. When the index finds no memory the
 * facts are not carried over: the senders repeat them after APPLIED. */
#include "daemon/control_mirror.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "config/match.h"
#include "config/search.h"

void mirror_init(struct mirror *mirror)
{
	*mirror = (struct mirror){0};
}

void mirror_fini(struct mirror *mirror)
{
	arena_free(mirror->arena);
	override_mirror_fini(&mirror->overrides);
	free(mirror->leavers);
	mirror_init(mirror);
}

int mirror_prepare(struct mirror *next, const struct model *model, struct arena *arena)
{
	struct mirror made = {.model = model, .arena = arena};

	made.instances = arena_array(arena, model->instance_count, sizeof(*made.instances));
	for (size_t i = 0; made.instances && i < model->instance_count; i++)
		made.instances[i].trackers =
			arena_array(arena, model_tracker_count(model, &model->instances[i]),
				    sizeof(*made.instances[i].trackers));
	made.groups = arena_array(arena, model->sync_group_count, sizeof(*made.groups));
	made.probes = arena_array(arena, model->probe_count, sizeof(*made.probes));
	made.services = arena_array(arena, model->service_count, sizeof(*made.services));
	for (size_t i = 0; made.services && i < model->service_count; i++)
		made.services[i].servers =
			arena_array(arena, service_server_count(&model->services[i]),
				    sizeof(*made.services[i].servers));
	if (times_init(&made.times, arena, model) || arena_failed(arena))
		return -ENOMEM;
	*next = made;
	return 0;
}

static uint64_t name_hash(const char *name)
{
	return text_hash(TEXT_HASH, name, strlen(name));
}

static uint64_t server_hash(const struct real_server *server)
{
	uint64_t hash = text_hash(TEXT_HASH, server->name, strlen(server->name));

	hash = text_hash(hash, &server->address.address.family,
			 sizeof(server->address.address.family));
	hash = text_hash(hash, server->address.address.bytes,
			 sizeof(server->address.address.bytes));
	return text_hash(hash, &server->address.port, sizeof(server->address.port));
}

static bool same_server(const struct real_server *a, const struct real_server *b)
{
	return !strcmp(a->name, b->name) && !endpoint_compare(&a->address, &b->address);
}

/* Few per instance: looked for one by one. */
static void carry_trackers(struct mirror *next, uint32_t to, const struct mirror *old,
			   uint32_t from)
{
	const struct instance *instance = &next->model->instances[to],
			      *before = &old->model->instances[from];

	for (size_t i = 0; i < model_tracker_count(next->model, instance); i++) {
		const struct tracker *tracker = model_tracker(next->model, instance, i);

		for (size_t j = 0; j < model_tracker_count(old->model, before); j++) {
			const struct tracker *was = model_tracker(old->model, before, j);

			if (was->kind != tracker->kind || strcmp(was->name, tracker->name) != 0)
				continue;
			next->instances[to].trackers[i] = old->instances[from].trackers[j];
			next->instances[to].trackers[i].fact.instance = to;
			next->instances[to].trackers[i].fact.tracker = (uint32_t)i;
		}
	}
}

static void carry_instance(struct mirror *next, uint32_t to, const struct mirror *old,
			   uint32_t from)
{
	next->instances[to].known = old->instances[from].known;
	next->instances[to].seen = old->instances[from].seen;
	next->instances[to].fact = old->instances[from].fact;
	next->instances[to].fact.instance = to;
	carry_trackers(next, to, old, from);
}

static void carry_instances(struct mirror *next, const struct mirror *old, struct arena *scratch)
{
	struct table index;

	if (table_init(&index, scratch, old->model->instance_count))
		return;
	for (size_t i = 0; i < old->model->instance_count; i++)
		table_add(&index, name_hash(old->model->instances[i].name), (uint32_t)i);
	for (size_t i = 0; i < next->model->instance_count; i++) {
		const char *name = next->model->instances[i].name;
		uint32_t at;

		for (size_t step = 0; table_next(&index, name_hash(name), &step, &at);)
			if (!strcmp(old->model->instances[at].name, name))
				carry_instance(next, (uint32_t)i, old, at);
	}
}

static void carry_groups(struct mirror *next, const struct mirror *old, struct arena *scratch)
{
	struct table index;

	if (table_init(&index, scratch, old->model->sync_group_count))
		return;
	for (size_t i = 0; i < old->model->sync_group_count; i++)
		table_add(&index, name_hash(old->model->sync_groups[i].name), (uint32_t)i);
	for (size_t i = 0; i < next->model->sync_group_count; i++) {
		const char *name = next->model->sync_groups[i].name;
		uint32_t at;

		for (size_t step = 0; table_next(&index, name_hash(name), &step, &at);) {
			if (strcmp(old->model->sync_groups[at].name, name) != 0)
				continue;
			next->groups[i] = old->groups[at];
			next->groups[i].fact.group = (uint32_t)i;
		}
	}
}

static void carry_probes(struct mirror *next, const struct mirror *old, struct arena *scratch)
{
	struct probe_search search = probe_search_of(scratch, old->model);

	for (size_t i = 0; i < next->model->probe_count; i++) {
		uint32_t at;

		if (probe_search(&search, next->model->probes[i].key, &at))
			continue;
		next->probes[i] = old->probes[at];
		next->probes[i].fact.probe = (uint32_t)i;
	}
}

static void carry_server(struct mirror_service *next, uint32_t to, const struct mirror_service *old,
			 uint32_t from, uint32_t service)
{
	next->servers[to] = old->servers[from];
	next->servers[to].fact.service = service;
	next->servers[to].fact.server = to;
}

/* The sorry server stands behind the others. */
static void carry_sorry(struct mirror_service *next, const struct service *service,
			const struct mirror_service *old, const struct service *old_service,
			uint32_t number)
{
	if (service->sorry_server_count && old_service->sorry_server_count &&
	    same_server(service->sorry_server, old_service->sorry_server))
		carry_server(next, (uint32_t)service->real_server_count, old,
			     (uint32_t)old_service->real_server_count, number);
}

/* Most stand where they stood, one behind the other; the index is made when one does not. */
struct server_search {
	const struct service *service;
	struct arena *scratch;
	size_t next;
	struct table index;
	bool is_indexed;
};

/* Without memory none is found. */
static void index_servers(struct server_search *search)
{
	const struct service *service = search->service;

	search->is_indexed = true;
	if (table_init(&search->index, search->scratch, service->real_server_count))
		return;
	for (size_t i = 0; i < service->real_server_count; i++)
		table_add(&search->index, server_hash(&service->real_servers[i]), (uint32_t)i);
}

static bool find_server(struct server_search *search, const struct real_server *server,
			uint32_t *at)
{
	const struct service *service = search->service;
	size_t step = 0;
	bool found;

	*at = (uint32_t)search->next;
	found = search->next < service->real_server_count &&
		same_server(&service->real_servers[search->next], server);
	if (!found && !search->is_indexed)
		index_servers(search);
	while (!found && table_next(&search->index, server_hash(server), &step, at))
		found = same_server(&service->real_servers[*at], server);
	if (found)
		search->next = (size_t)*at + 1;
	return found;
}

static void carry_servers(struct mirror_service *next, const struct service *service,
			  const struct mirror_service *old, const struct service *old_service,
			  uint32_t number, struct arena *scratch)
{
	struct server_search search = {.service = old_service, .scratch = scratch};

	for (size_t i = 0; i < service->real_server_count; i++) {
		uint32_t at;

		if (find_server(&search, &service->real_servers[i], &at))
			carry_server(next, (uint32_t)i, old, at, number);
	}
	carry_sorry(next, service, old, old_service, number);
}

static void carry_service(struct mirror *next, uint32_t to, const struct mirror *old, uint32_t from,
			  struct arena *scratch)
{
	next->services[to].known = old->services[from].known;
	next->services[to].seen = old->services[from].seen;
	next->services[to].fact = old->services[from].fact;
	next->services[to].traffic = old->services[from].traffic;
	next->services[to].fact.service = to;
	times_carry(&next->times.services[to], &old->times.services[from]);
	carry_servers(&next->services[to], &next->model->services[to], &old->services[from],
		      &old->model->services[from], to, scratch);
}

static void carry_services(struct mirror *next, const struct mirror *old, struct arena *scratch)
{
	uint32_t *match;

	if (services_match(scratch, next->model, old->model, &match))
		return;
	for (size_t i = 0; i < next->model->service_count; i++)
		if (match[i] != SERVICE_IS_NEW)
			carry_service(next, (uint32_t)i, old, match[i], scratch);
}

void mirror_adopt(struct mirror *mirror, struct mirror *next)
{
	auto_arena *scratch = arena_new(0);

	if (mirror->model && scratch) {
		carry_instances(next, mirror, scratch);
		carry_groups(next, mirror, scratch);
		carry_probes(next, mirror, scratch);
		carry_services(next, mirror, scratch);
	}
	/* what leaves is numbered anew */
	for (size_t i = 0; i < mirror->leaver_room; i++)
		mirror->leavers[i].known = false;
	next->leavers = mirror->leavers;
	next->leaver_room = mirror->leaver_room;
	next->table = mirror->table;
	next->table_known = mirror->table_known;
	next->daemon = mirror->daemon;
	next->daemon_known = mirror->daemon_known;
	next->notify = mirror->notify;
	memcpy(next->workers, mirror->workers, sizeof(next->workers));
	next->seen = mirror->seen;
	next->former = mirror->former;
	next->sink = mirror->sink;
	next->overrides = mirror->overrides;
	arena_free(mirror->arena);
	*mirror = *next;
	mirror_init(next);
}

static bool take_probe(struct mirror *mirror, struct reader *in)
{
	struct fact_probe fact;

	if (!fact_probe_get(in, &fact) || !mirror->model ||
	    fact.probe >= mirror->model->probe_count)
		return false;
	times_learn(&mirror->times, mirror->model, fact.probe,
		    mirror->probes[fact.probe].known ? &mirror->probes[fact.probe].fact.times : NULL, &fact.times);
	mirror->probes[fact.probe] = (struct mirror_probe){.known = true, .fact = fact};
	return true;
}

static bool take_instance(struct mirror *mirror, struct reader *in, nstime now)
{
	struct mirror_instance *it;
	struct fact_instance fact;

	if (!fact_instance_get(in, &fact) || !mirror->model ||
	    fact.instance >= mirror->model->instance_count)
		return false;
	it = &mirror->instances[fact.instance];
	mirror_due(mirror, TOLD_INSTANCE, fact.instance, now);
	it->known = true;
	it->fact = fact;
	return true;
}

static bool take_tracker(struct mirror *mirror, struct reader *in, nstime now)
{
	const struct model *model = mirror->model;
	const struct instance *instance;
	struct mirror_tracker *it;
	struct fact_tracker fact;

	if (!fact_tracker_get(in, &fact) || !model || fact.instance >= model->instance_count)
		return false;
	instance = &model->instances[fact.instance];
	if (fact.tracker >= model_tracker_count(model, instance))
		return false;
	it = &mirror->instances[fact.instance].trackers[fact.tracker];
	if (mirror->sink)
		event_tracker(mirror->sink, &it->seen, instance->name,
			      model_tracker(model, instance, fact.tracker)->name, &fact, now);
	it->known = true;
	it->fact = fact;
	return true;
}

static bool take_group(struct mirror *mirror, struct reader *in, nstime now)
{
	struct mirror_group *it;
	struct fact_group fact;

	if (!fact_group_get(in, &fact) || !mirror->model ||
	    fact.group >= mirror->model->sync_group_count)
		return false;
	it = &mirror->groups[fact.group];
	mirror_due(mirror, TOLD_GROUP, fact.group, now);
	it->known = true;
	it->fact = fact;
	return true;
}

static bool take_service(struct mirror *mirror, struct reader *in, nstime now)
{
	struct mirror_service *it;
	struct fact_service fact;

	if (!fact_service_get(in, &fact) || !mirror->model ||
	    fact.service >= mirror->model->service_count)
		return false;
	it = &mirror->services[fact.service];
	mirror_due(mirror, TOLD_SERVICE, fact.service, now);
	it->known = true;
	it->fact = fact;
	return true;
}

static bool take_server(struct mirror *mirror, struct reader *in, nstime now)
{
	const struct service *service;
	struct mirror_server *it;
	struct fact_server fact;

	if (!fact_server_get(in, &fact) || !mirror->model ||
	    fact.service >= mirror->model->service_count ||
	    fact.server >= service_server_count(&mirror->model->services[fact.service]))
		return false;
	service = &mirror->model->services[fact.service];
	it = &mirror->services[fact.service].servers[fact.server];
	if (mirror->sink)
		event_server(mirror->sink, &it->seen, service->name,
			     service_server(service, fact.server)->name, &fact, now);
	it->known = true;
	it->fact = fact;
	traffic_take(&it->traffic, &fact.traffic);
	return true;
}

static bool take_traffic(struct mirror *mirror, struct reader *in)
{
	struct fact_traffic fact;

	if (!fact_traffic_get(in, &fact) || !mirror->model ||
	    fact.service >= mirror->model->service_count)
		return false;
	traffic_take(&mirror->services[fact.service].traffic, &fact.traffic);
	return true;
}

#define LEAVERS_MAX 65536

static bool leavers_reserve(struct mirror *mirror, size_t count)
{
	size_t room = mirror->leaver_room ? mirror->leaver_room : 8;
	struct mirror_leaver *grown;

	if (count <= mirror->leaver_room)
		return true;
	while (room < count)
		room *= 2;
	grown = realloc(mirror->leavers, room * sizeof(*grown));
	if (!grown)
		return false;
	memset(grown + mirror->leaver_room, 0, (room - mirror->leaver_room) * sizeof(*grown));
	mirror->leavers = grown;
	mirror->leaver_room = room;
	return true;
}

static bool take_leaver(struct mirror *mirror, struct reader *in)
{
	struct fact_leaver fact;

	if (!fact_leaver_get(in, &fact) || !mirror->model ||
	    fact.service >= mirror->model->service_count || fact.number >= LEAVERS_MAX ||
	    !leavers_reserve(mirror, fact.number + 1))
		return false;
	mirror->leavers[fact.number] = (struct mirror_leaver){.known = true, .fact = fact};
	return true;
}

const struct fact_leaver *mirror_leaver(const struct mirror *mirror, size_t number)
{
	const struct mirror_leaver *leaver;

	if (number >= mirror->table.leavers || number >= mirror->leaver_room)
		return NULL;
	leaver = &mirror->leavers[number];
	return leaver->known && !leaver->fact.gone ? &leaver->fact : NULL;
}

static bool take_worker(struct mirror *mirror, struct reader *in, nstime now)
{
	struct mirror_worker *it;
	struct fact_worker fact;

	if (!fact_worker_get(in, &fact) || fact.role > ROLE_EXPORTER)
		return false;
	it = &mirror->workers[fact.role];
	if (mirror->sink)
		event_worker(mirror->sink, it->known ? &it->fact : NULL, &fact, now);
	/* a stopped exporter is none: the file has none any more */
	*it = (struct mirror_worker){.known = fact.role != ROLE_EXPORTER || fact.state != WORKER_STOPPED, .fact = fact};
	return true;
}

static bool take_table(struct mirror *mirror, struct reader *in, nstime now)
{
	struct fact_table fact;

	if (!fact_table_get(in, &fact))
		return false;
	if (mirror->sink)
		event_table(mirror->sink, mirror->table_known ? &mirror->table : NULL, &fact, now);
	mirror->table = fact;
	mirror->table_known = true;
	return true;
}

static void recall_reload(const struct mirror *mirror, struct fact_daemon *fact)
{
	if (fact->reload_time || !mirror->former.time)
		return;
	fact->reload_time = mirror->former.time;
	fact->reload_failed = mirror->former.failed;
	memcpy(fact->reload_error, mirror->former.error, sizeof(fact->reload_error));
}

void mirror_recall(struct mirror *mirror, const struct control_reload *reload)
{
	mirror->former = *reload;
	recall_reload(mirror, &mirror->daemon);
	if (!mirror->seen.reload_time)
		mirror->seen.reload_time = reload->time;
}

static bool take_daemon(struct mirror *mirror, struct reader *in, nstime now)
{
	struct fact_daemon fact;

	if (!fact_daemon_get(in, &fact))
		return false;
	recall_reload(mirror, &fact);
	if (mirror->sink)
		event_daemon(mirror->sink, &mirror->seen, &fact, now);
	mirror->daemon = fact;
	mirror->daemon_known = true;
	override_mirror_count(&mirror->overrides, fact.overrides);
	return true;
}

static bool take_override(struct mirror *mirror, struct reader *in)
{
	struct fact_override fact;

	return fact_override_get(in, &fact) && override_mirror_take(&mirror->overrides, &fact);
}

void mirror_synced(struct mirror *mirror, nstime now, nstime wall)
{
	override_mirror_sync(&mirror->overrides, mirror->sink, now, wall);
}

bool mirror_fact(struct mirror *mirror, uint16_t type, struct reader *in, nstime now)
{
	switch (type) {
	case FACT_PROBE:
		return take_probe(mirror, in);
	case FACT_INSTANCE:
		return take_instance(mirror, in, now);
	case FACT_TRACKER:
		return take_tracker(mirror, in, now);
	case FACT_GROUP:
		return take_group(mirror, in, now);
	case FACT_SERVICE:
		return take_service(mirror, in, now);
	case FACT_LEAVER:
		return take_leaver(mirror, in);
	case FACT_SERVER:
		return take_server(mirror, in, now);
	case FACT_TRAFFIC:
		return take_traffic(mirror, in);
	case FACT_WORKER:
		return take_worker(mirror, in, now);
	case FACT_TABLE:
		return take_table(mirror, in, now);
	case FACT_DAEMON:
		return take_daemon(mirror, in, now);
	case FACT_OVERRIDE:
		return take_override(mirror, in);
	case FACT_NOTIFY:
		return fact_notify_get(in, &mirror->notify);
	default:
		return type == FACT_SYNC && reader_done(in);
	}
}
