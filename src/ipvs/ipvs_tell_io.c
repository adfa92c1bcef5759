/* See the header. */
#include "ipvs/ipvs_tell_io.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/worker.h"

#define TABLE_INDEX 0

static uint32_t service_count(const struct ipvs_state *state)
{
	return state ? (uint32_t)state->model->service_count : 0;
}

static uint32_t server_count(const struct ipvs_state *state)
{
	return state ? state->server_first[state->model->service_count] : 0;
}

static uint32_t leaver_count(const struct ipvs_state *state)
{
	return state ? (uint32_t)state->leaver_count : 0;
}

/* ---- facts ----------------------------------------------------------------------------------- */

static uint32_t traffic_index(const struct ipvs_state *state)
{
	return 1 + service_count(state) + server_count(state) + leaver_count(state);
}

static bool leaver_fact(const struct ipvs_state *state, uint32_t number, uint16_t *type,
			struct writer *out)
{
	struct fact_leaver leaver;

	if (number >= leaver_count(state))
		return false;
	*type = FACT_LEAVER;
	ipvs_leaver_fact(state, number, &leaver);
	fact_leaver_put(out, &leaver);
	return true;
}

static uint32_t way_index(const struct ipvs_state *state)
{
	return traffic_index(state) + service_count(state);
}

static uint32_t way_count(const struct ipvs_state *state)
{
	return state ? (uint32_t)state->ways.table.count : 0;
}

uint32_t ipvs_told_count(const struct ipvs_state *state)
{
	return way_index(state) + way_count(state);
}

/* All that the check worker is told. */
static bool way_fact(const struct ipvs_state *state, uint32_t index, uint16_t *type,
		     struct writer *out)
{
	struct fact_way way = {.way = index - way_index(state)};

	if (index < way_index(state) || way.way >= way_count(state))
		return false;
	way.placed = state->ways.states[way.way].placed;
	*type = FACT_WAY;
	fact_way_put(out, &way);
	return true;
}

bool ipvs_told_fact(const struct ipvs_told *told, const struct ipvs_state *state, int peer,
		    uint32_t index, uint16_t *type, struct writer *out)
{
	uint32_t services = service_count(state);
	struct fact_service service;
	struct fact_traffic traffic;
	struct fact_server server;

	if (peer == ROLE_CHECK)
		return way_fact(state, index, type, out);
	if (peer != ROLE_VRRP && peer != ROLE_CONTROL)
		return false;
	if (index == TABLE_INDEX) {
		*type = FACT_TABLE;
		fact_table_put(out, &told->table);
		return true;
	}
	if (index <= services) {
		*type = FACT_SERVICE;
		ipvs_state_service_fact(state, index - 1, &service);
		fact_service_put(out, &service);
		return true;
	}
	if (peer != ROLE_CONTROL || index >= way_index(state))
		return false;
	if (index >= traffic_index(state)) {
		*type = FACT_TRAFFIC;
		ipvs_state_traffic_fact(state, index - traffic_index(state), &traffic);
		fact_traffic_put(out, &traffic);
		return true;
	}
	if (index - 1 - services >= server_count(state))
		return leaver_fact(state, index - 1 - services - server_count(state), type, out);
	*type = FACT_SERVER;
	ipvs_state_server_fact(state, index - 1 - services, &server);
	fact_server_put(out, &server);
	return true;
}

static bool table_equal(const struct fact_table *a, const struct fact_table *b)
{
	return a->available == b->available && a->ready == b->ready &&
	       a->operations == b->operations && a->repairs == b->repairs &&
	       a->last_read_back == b->last_read_back && a->leavers == b->leavers &&
	       !strcmp(a->error, b->error) && a->sync == b->sync &&
	       !strcmp(a->sync_error, b->sync_error) &&
	       !strcmp(a->contested, b->contested);
}

void ipvs_tell_table(struct ipvs_told *told, struct worker *worker, const struct fact_table *table)
{
	if (table->ready && !told->was_ready)
		log_info("ready: the table is programmed and every server has a verdict");
	told->was_ready |= table->ready;
	if (table_equal(table, &told->table))
		return;
	told->table = *table;
	worker_dirty(worker, TABLE_INDEX);
}

/* ---- the log --------------------------------------------------------------------------------- */

/* When a network is gone thousands of lines tell no more than some hundred. */
static bool may_log(struct log_bucket *bucket, enum log_level level, const char *what)
{
	unsigned suppressed;

	if (!log_wants(level) || !log_limit(bucket, clock_now(), &suppressed))
		return false;
	if (suppressed)
		log_at(level, "%u more %s changed", suppressed, what);
	return true;
}

/* A server's first "up" is no news. */
static void log_server(const struct ipvs_state *state, uint32_t place)
{
	static const char *const names[] = {
		[VERDICT_UNKNOWN] = "unknown", [VERDICT_UP] = "up", [VERDICT_DOWN] = "down"};
	struct ipvs_server_state *server = &state->servers[place];
	enum log_level level = server->logged == VERDICT_UNKNOWN && server->now.health == VERDICT_UP
				       ? LOG_LEVEL_DEBUG
				       : LOG_LEVEL_INFO;
	static struct log_bucket bucket = {.every = 50 * NSTIME_MS, .burst = 200};
	struct fact_server fact;
	const struct service *service;
	const char *name;
	char weight[24];

	if (server->logged == server->now.health)
		return;
	ipvs_state_server_fact(state, place, &fact);
	service = &state->model->services[fact.service];
	name = service_server(service, fact.server)->name;
	snprintf(weight, sizeof(weight), "weight %u", server->now.weight);
	if (may_log(&bucket, level, "servers"))
		log_event(level,
			  &(struct log_about){.event = "server_state", .service = service->name, .server = name},
			  "service %s: %sserver %s: %s → %s (%s), %s", service->name,
			  fact.server < service->real_server_count ? "" : "sorry ", name,
			  names[server->logged], names[server->now.health], fact.reason,
			  server->now.in_table ? weight : "not in the table");
	server->logged = server->now.health;
}

/* What its checks wish of a server. A weight that they tell may change with every probe: that is a matter
 * of status alone. */
static void log_wish(const struct ipvs_state *state, uint32_t place)
{
	struct ipvs_server_state *server = &state->servers[place];
	uint32_t s = ipvs_state_service_of(state, place);
	uint8_t wish = server->now.terms.told.wish;

	if (server->logged_wish == wish)
		return;
	if (wish > ADVICE_READY || (wish && server->logged_wish > ADVICE_READY))
		log_info("service %s: server %s: \"%s\" by %s, so it is %s",
			 state->model->services[s].name,
			 service_server(&state->model->services[s], place - state->server_first[s])->name,
			 advice_wish_name(wish), check_type_name(server->now.terms.told.by),
			 admin_state_name(server->now.terms.admin));
	server->logged_wish = wish;
}

/* Not while verdicts are still coming in: a start with many services says little of each. */
static void log_service(const struct ipvs_state *state, uint32_t s)
{
	static struct log_bucket bucket = {.every = 50 * NSTIME_MS, .burst = 200};
	struct ipvs_service_state *service = &state->services[s];
	const char *name = state->model->services[s].name;

	if (service->logged == service->condition.state ||
	    (service->unknown && service->condition.state != SERVICE_DOWN))
		return;
	if (may_log(&bucket, LOG_LEVEL_INFO, "services"))
		log_event(LOG_LEVEL_INFO, &(struct log_about){.event = "service_state", .service = name},
			  "service %s: %s → %s: %s", name, service_state_name(service->logged),
			  service_state_name(service->condition.state), service->condition.reason);
	service->logged = service->condition.state;
}

void ipvs_tell_changes(struct worker *worker, struct ipvs_state *state)
{
	uint32_t services = service_count(state);

	for (size_t i = 0; i < state->stale_server_count; i++) {
		log_server(state, state->stale_servers[i]);
		log_wish(state, state->stale_servers[i]);
		worker_dirty(worker, 1 + services + state->stale_servers[i]);
	}
	for (size_t i = 0; i < state->stale_service_count; i++) {
		log_service(state, state->stale_services[i]);
		worker_dirty(worker, 1 + state->stale_services[i]);
	}
	for (size_t i = 0; i < state->counted_service_count; i++)
		worker_dirty(worker, traffic_index(state) + state->counted_services[i]);
	ipvs_state_told(state);
}

void ipvs_tell_leavers(struct worker *worker, const struct ipvs_state *state)
{
	uint32_t first = 1 + service_count(state) + server_count(state);

	for (uint32_t i = 0; i < leaver_count(state); i++)
		worker_dirty(worker, first + i);
}

void ipvs_tell_ways(struct worker *worker, struct ipvs_state *state)
{
	for (uint32_t i = 0; i < way_count(state); i++) {
		struct ipvs_way_state *way = &state->ways.states[i];

		if (way->told != way->placed)
			worker_dirty(worker, way_index(state) + i);
		way->told = way->placed;
	}
}

void ipvs_tell_nothing_new(struct ipvs_state *state)
{
	for (uint32_t s = 0; s < service_count(state); s++)
		state->services[s].logged = state->services[s].condition.state;
	for (uint32_t place = 0; place < server_count(state); place++) {
		state->servers[place].logged = state->servers[place].now.health;
		state->servers[place].logged_wish = state->servers[place].now.terms.told.wish;
	}
}
