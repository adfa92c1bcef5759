/* Rules for one server and one service; see the header. */
#include "ipvs/service.h"

#include "base/cleanup.h"
#include "base/text.h"

struct ipvs_terms ipvs_terms_of(const struct real_server *server)
{
	return (struct ipvs_terms){.admin = server->state, .weight = server->weight};
}

enum verdict ipvs_server_health(const struct real_server *server, const struct ipvs_terms *terms,
				const enum verdict *verdicts)
{
	enum verdict health = VERDICT_UP;

	if (terms->admin == ADMIN_DISABLED)
		return VERDICT_UNKNOWN;
	for (size_t i = 0; i < server->probe_count; i++) {
		enum verdict verdict = verdicts[server->probes[i]];

		if (verdict == VERDICT_DOWN)
			return VERDICT_DOWN;
		if (verdict == VERDICT_UNKNOWN)
			health = VERDICT_UNKNOWN;
	}
	return health;
}

struct ipvs_want ipvs_server_want(const struct service *service, const struct ipvs_terms *terms,
				  enum verdict health)
{
	bool is_enabled = terms->admin == ADMIN_ENABLED;

	if (terms->admin == ADMIN_DISABLED)
		return (struct ipvs_want){IPVS_ABSENT, 0};
	switch (health) {
	case VERDICT_UP:
		return (struct ipvs_want){IPVS_PRESENT, is_enabled ? terms->weight : 0};
	case VERDICT_DOWN:
		if (service->on_failure == ON_FAILURE_QUIESCE)
			return (struct ipvs_want){IPVS_PRESENT, 0};
		return (struct ipvs_want){IPVS_ABSENT, 0};
	case VERDICT_UNKNOWN:
		break;
	}
	return (struct ipvs_want){IPVS_AS_FOUND, is_enabled ? UINT32_MAX : 0};
}

/* ---- how it fares ---------------------------------------------------------------------------- */

/* What one server is to the service as a whole. */
enum standing {
	STANDING_UP,
	STANDING_DOWN,
	STANDING_WAITING,  /* for its first verdict */
	STANDING_AS_FOUND, /* likewise, but has traffic already */
	STANDING_DRAINED,
	STANDING_DISABLED,
	STANDINGS,
};

static enum standing standing_of(const struct ipvs_server *now)
{
	switch (now->terms.admin) {
	case ADMIN_DRAINED:
		return STANDING_DRAINED;
	case ADMIN_DISABLED:
		return STANDING_DISABLED;
	case ADMIN_ENABLED:
		break;
	}
	if (now->health == VERDICT_UNKNOWN)
		return now->in_table && now->weight ? STANDING_AS_FOUND : STANDING_WAITING;
	return now->health == VERDICT_UP ? STANDING_UP : STANDING_DOWN;
}

/* The names of the servers that stand so, as many as fit well in a line. */
static void add_names(struct text *out, const struct service *service,
		      const struct ipvs_server *servers, enum standing standing)
{
	const char *before = "";
	unsigned left = 3;

	for (size_t i = 0; i < service->real_server_count; i++) {
		if (standing_of(&servers[i]) != standing)
			continue;
		if (!left--) {
			text_add(out, " …");
			return;
		}
		text_add(out, "%s%s", before, service->real_servers[i].name);
		before = ", ";
	}
}

static const struct {
	enum standing standing;
	const char *words;
	bool is_named;
} explained[] = {
	{STANDING_DOWN, "down", true},
	{STANDING_WAITING, "without a verdict yet", true},
	{STANDING_AS_FOUND, "serving as found, without a verdict yet", false},
	{STANDING_DRAINED, "drained", true},
	{STANDING_DISABLED, "disabled", true},
};

static void explain(struct text *out, const struct service *service,
		    const struct ipvs_server *servers, const unsigned *counts)
{
	unsigned all = (unsigned)service->real_server_count;
	const char *semicolon = "";

	for (size_t i = 0; i < COUNT_OF(explained); i++) {
		enum standing standing = explained[i].standing;

		if (!counts[standing])
			continue;
		text_add(out, "%s%u of %u %s", semicolon, counts[standing], all,
			 explained[i].words);
		if (explained[i].is_named) {
			text_add(out, ": ");
			add_names(out, service, servers, standing);
		}
		semicolon = "; ";
	}
	if (!all)
		text_add(out, "no real server");
	else if (!*semicolon)
		text_add(out, all == 1 ? "the server is up" : "all %u servers are up", all);
}

/* The weight from which on there is a quorum, after what it was. */
static uint32_t quorum_from(const struct service *service, enum ipvs_quorum before)
{
	uint32_t margin = service->quorum_hysteresis;

	switch (before) {
	case IPVS_QUORUM_UNDECIDED:
		break;
	case IPVS_QUORUM_MET:
		return service->quorum > margin ? service->quorum - margin : 1;
	case IPVS_QUORUM_LOST:
		return service->quorum + margin < margin ? UINT32_MAX : service->quorum + margin;
	}
	return service->quorum;
}

struct ipvs_condition ipvs_service_condition(const struct service *service,
					     const struct ipvs_server *servers,
					     enum ipvs_quorum before)
{
	struct ipvs_condition condition = {.state = SERVICE_UP, .needed = service->quorum};
	uint32_t from = quorum_from(service, before);
	struct text reason = text_of(condition.reason, sizeof(condition.reason));
	unsigned counts[STANDINGS] = {0};

	for (size_t i = 0; i < service->real_server_count; i++) {
		enum standing standing = standing_of(&servers[i]);

		counts[standing]++;
		if (standing == STANDING_UP || standing == STANDING_AS_FOUND)
			condition.have += servers[i].terms.weight;
	}
	if (counts[STANDING_DOWN] || counts[STANDING_WAITING])
		condition.state = SERVICE_DEGRADED;
	if (condition.have < from)
		condition.state = SERVICE_DOWN;
	if (before != IPVS_QUORUM_UNDECIDED || !counts[STANDING_WAITING])
		condition.quorum = condition.have < from ? IPVS_QUORUM_LOST : IPVS_QUORUM_MET;
	explain(&reason, service, servers, counts);
	if (condition.state == SERVICE_DOWN && condition.have)
		text_add(&reason, "; a weight of %u, and %u is needed", condition.have, from);
	else if (condition.state == SERVICE_DOWN && service->real_server_count)
		text_add(&reason, "; no weight left");
	return condition;
}
