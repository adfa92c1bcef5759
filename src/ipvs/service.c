/* Rules for one server and one service; see the header. */
#include "ipvs/service.h"

#include "base/text.h"

#define QUORUM 1

enum verdict ipvs_server_health(const struct real_server *server, const enum verdict *verdicts)
{
	enum verdict health = VERDICT_UP;

	for (size_t i = 0; i < server->probe_count; i++) {
		enum verdict verdict = verdicts[server->probes[i]];

		if (verdict == VERDICT_DOWN)
			return VERDICT_DOWN;
		if (verdict == VERDICT_UNKNOWN)
			health = VERDICT_UNKNOWN;
	}
	return health;
}

struct ipvs_want ipvs_server_want(const struct service *service, const struct real_server *server,
				  enum verdict health)
{
	switch (health) {
	case VERDICT_UP:
		return (struct ipvs_want){IPVS_PRESENT, server->weight};
	case VERDICT_DOWN:
		if (service->on_failure == ON_FAILURE_QUIESCE)
			return (struct ipvs_want){IPVS_PRESENT, 0};
		return (struct ipvs_want){IPVS_ABSENT, 0};
	case VERDICT_UNKNOWN:
		break;
	}
	return (struct ipvs_want){IPVS_AS_FOUND, 0};
}

/* Counts as up for the service as a whole. */
static bool serves(const struct ipvs_server *server)
{
	return server->health == VERDICT_UP ||
	       (server->health == VERDICT_UNKNOWN && server->in_table && server->weight);
}

/* The names of servers with a health, as many as fit well in a line. */
static void add_names(struct text *out, const struct service *service,
		      const struct ipvs_server *servers, enum verdict health)
{
	const char *before = "";
	unsigned left = 3;

	for (size_t i = 0; i < service->real_server_count; i++) {
		if (servers[i].health != health ||
		    (health == VERDICT_UNKNOWN && serves(&servers[i])))
			continue;
		if (!left--) {
			text_add(out, " …");
			return;
		}
		text_add(out, "%s%s", before, service->real_servers[i].name);
		before = ", ";
	}
}

struct counts {
	unsigned servers, down, unknown, as_found;
};

static struct counts count(const struct service *service, const struct ipvs_server *servers)
{
	struct counts counts = {.servers = (unsigned)service->real_server_count};

	for (size_t i = 0; i < service->real_server_count; i++) {
		if (servers[i].health == VERDICT_DOWN)
			counts.down++;
		if (servers[i].health == VERDICT_UNKNOWN && serves(&servers[i]))
			counts.as_found++;
		else if (servers[i].health == VERDICT_UNKNOWN)
			counts.unknown++;
	}
	return counts;
}

static void explain(struct text *out, const struct service *service,
		    const struct ipvs_server *servers)
{
	struct counts counts = count(service, servers);
	const char *semicolon = "";

	if (counts.down) {
		text_add(out, "%u of %u down: ", counts.down, counts.servers);
		add_names(out, service, servers, VERDICT_DOWN);
		semicolon = "; ";
	}
	if (counts.unknown) {
		text_add(out, "%s%u of %u without a verdict yet: ", semicolon, counts.unknown,
			 counts.servers);
		add_names(out, service, servers, VERDICT_UNKNOWN);
		semicolon = "; ";
	}
	if (counts.as_found) {
		text_add(out, "%s%u of %u serving as found, without a verdict yet", semicolon,
			 counts.as_found, counts.servers);
		semicolon = "; ";
	}
	if (!counts.servers)
		text_add(out, "no real server");
	else if (!*semicolon)
		text_add(out, counts.servers == 1 ? "the server is up" : "all %u servers are up",
			 counts.servers);
}

struct ipvs_condition ipvs_service_condition(const struct service *service,
					     const struct ipvs_server *servers)
{
	struct ipvs_condition condition = {.state = SERVICE_UP, .needed = QUORUM};
	struct text reason = text_of(condition.reason, sizeof(condition.reason));

	for (size_t i = 0; i < service->real_server_count; i++) {
		if (serves(&servers[i]))
			condition.have += service->real_servers[i].weight;
		else
			condition.state = SERVICE_DEGRADED;
	}
	if (condition.have < condition.needed)
		condition.state = SERVICE_DOWN;
	explain(&reason, service, servers);
	if (condition.state == SERVICE_DOWN && reason.length && !condition.have)
		text_add(&reason, service->real_server_count ? "; no weight left" : "");
	return condition;
}
