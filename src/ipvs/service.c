/* Rules for one server and one service; see the header. */
#include "ipvs/service.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "ipvs/ramp.h"

struct ipvs_terms ipvs_terms_of(const struct real_server *server)
{
	return (struct ipvs_terms){.admin = server->state, .weight = server->weight};
}

/* drain is less than maint, as drained is less than disabled. */
static enum admin_state admin_with(enum admin_state admin, uint8_t wish)
{
	if (wish == ADVICE_MAINT)
		return ADMIN_DISABLED;
	return wish == ADVICE_DRAIN && admin == ADMIN_ENABLED ? ADMIN_DRAINED : admin;
}

struct ipvs_terms ipvs_terms_with(const struct ipvs_terms *terms, const struct advice *told)
{
	struct ipvs_terms out = *terms;

	out.told = *told;
	if (terms->admin_is_said)
		out.told.wish = ADVICE_NO_WISH;
	if (terms->weight_is_said) {
		out.told.parts &= ADVICE_MAXCONN;
		out.told.weight = 0;
	}
	if (out.told.parts & ADVICE_WEIGHT)
		out.weight = told->weight;
	out.admin = admin_with(terms->admin, out.told.wish);
	return out;
}

#define WEIGHT_MAX 65535

uint32_t ipvs_terms_weight(const struct service *service, const struct ipvs_terms *terms)
{
	uint32_t factor = ipvs_weight_factor(service);
	uint64_t weight = (uint64_t)terms->weight * factor;

	if (terms->told.parts & ADVICE_PERCENT)
		weight = (weight * terms->told.weight + 99) / 100;
	return (uint32_t)(weight > (uint64_t)WEIGHT_MAX * factor ? (uint64_t)WEIGHT_MAX * factor : weight);
}

enum verdict ipvs_server_health(const struct real_server *server, const enum verdict *verdicts)
{
	enum verdict health = VERDICT_UP;

	if (server->state == ADMIN_DISABLED)
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
	if (terms->ends && (health != VERDICT_DOWN || service->on_failure == ON_FAILURE_QUIESCE))
		return (struct ipvs_want){IPVS_AS_FOUND, 0};
	switch (health) {
	case VERDICT_UP:
		return (struct ipvs_want){
			IPVS_PRESENT, is_enabled ? ipvs_terms_weight(service, terms) : 0};
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
static uint64_t quorum_from(const struct service *service, enum ipvs_quorum before)
{
	uint32_t margin = service->quorum_hysteresis;

	switch (before) {
	case IPVS_QUORUM_UNDECIDED:
		break;
	case IPVS_QUORUM_MET:
		return service->quorum > margin ? service->quorum - margin : 1;
	case IPVS_QUORUM_LOST:
		return (uint64_t)service->quorum + margin;
	}
	return service->quorum;
}

/* What there is of servers of each kind. */
struct tally {
	unsigned counts[STANDINGS];
	unsigned known, fit; /* could take connections and have a verdict; and are up */
	uint64_t have;
};

/* NULL: the service has none. */
static const struct ipvs_server *sorry_of(const struct service *service,
					  const struct ipvs_server *servers)
{
	return service->sorry_server_count ? &servers[service->real_server_count] : NULL;
}

/* What is said of a real server in the same place counts for the sorry server, too. */
static enum admin_state sorry_admin(const struct service *service, const struct ipvs_server *servers)
{
	for (size_t i = 0; i < service->real_server_count; i++)
		if (servers[i].terms.admin != ADMIN_ENABLED && service_sorry_is(service, i))
			return servers[i].terms.admin;
	return ADMIN_ENABLED;
}

/* Whether there is one that could answer. */
static bool sorry_is_fit(const struct service *service, const struct ipvs_server *servers)
{
	const struct ipvs_server *sorry = sorry_of(service, servers);
	enum standing standing = sorry ? standing_of(sorry) : STANDING_DOWN;

	return (standing == STANDING_UP || standing == STANDING_AS_FOUND) &&
	       sorry_admin(service, servers) == ADMIN_ENABLED;
}

static struct tally tally_of(const struct service *service, const struct ipvs_server *servers)
{
	struct tally tally = {0};

	for (size_t i = 0; i < service->real_server_count; i++) {
		enum standing standing = standing_of(&servers[i]);
		uint32_t weight = ipvs_terms_weight(service, &servers[i].terms)
					  ? servers[i].terms.weight
					  : 0;

		tally.counts[standing]++;
		if (standing == STANDING_UP || standing == STANDING_AS_FOUND)
			tally.have += weight;
		tally.known += weight && (standing == STANDING_UP || standing == STANDING_DOWN);
		tally.fit += weight && standing == STANDING_UP;
	}
	return tally;
}

/* Panic begins at once. It ends when enough servers have been up for a while, so that one that
 * comes and goes at the edge does not turn the service over each time; or when all of them are,
 * for then the table is the same. */
static void decide_panic(const struct service *service, const struct tally *tally,
			 const struct ipvs_condition *before, nstime now,
			 struct ipvs_condition *condition)
{
	bool is_low = tally->fit * 100 < service->panic_threshold * tally->known;

	condition->panic = is_low && condition->quorum != IPVS_QUORUM_UNDECIDED;
	if (is_low || !before->panic || !service->panic_threshold || tally->fit == tally->known)
		return;
	condition->calm_since = before->calm_since ? before->calm_since : now;
	condition->panic = now < condition->calm_since + IPVS_PANIC_HOLD;
	if (condition->panic)
		condition->due = condition->calm_since + IPVS_PANIC_HOLD;
}

static void decide_quorum(const struct tally *tally, bool sorry_is_fit, enum ipvs_quorum before,
			   uint64_t from, struct ipvs_condition *condition)
{
	bool is_decided = before != IPVS_QUORUM_UNDECIDED || !tally->counts[STANDING_WAITING];

	/* nobody answers, and somebody could */
	if (sorry_is_fit && !tally->have && tally->counts[STANDING_DOWN])
		is_decided = true;
	if (is_decided)
		condition->quorum = tally->have < from ? IPVS_QUORUM_LOST : IPVS_QUORUM_MET;
}

static void explain_sorry(struct text *out, const struct service *service,
			  const struct ipvs_server *servers,
			  const struct ipvs_condition *condition)
{
	const struct ipvs_server *sorry = sorry_of(service, servers);

	if (!sorry)
		return;
	text_add(out, "; the sorry server %s ", service->sorry_server->name);
	if (condition->sorry)
		text_add(out, "answers");
	else if (sorry_admin(service, servers) != ADMIN_ENABLED)
		text_add(out, "is %s", admin_state_name(sorry_admin(service, servers)));
	else if (sorry->health == VERDICT_DOWN)
		text_add(out, "is down, too");
	else
		text_add(out, "has no verdict yet");
}

static void explain_panic(struct text *out, const struct service *service,
			  const struct tally *tally, const struct ipvs_condition *condition)
{
	if (condition->calm_since)
		text_add(out, "enough servers are up again, but not for long: all are used; ");
	else
		text_add(out, "less than %u%% of the servers are up: all are used; ",
			 service->panic_threshold);
	text_add(out, "%u of %u up", tally->fit, tally->known);
}

struct ipvs_condition ipvs_service_condition(const struct service *service,
					     const struct ipvs_server *servers,
					     const struct ipvs_condition *before, nstime now)
{
	struct ipvs_condition condition = {.state = SERVICE_UP, .needed = service->quorum};
	const struct ipvs_server *sorry = sorry_of(service, servers);
	enum ipvs_quorum was = before->quorum;
	uint64_t from;
	struct text reason = text_of(condition.reason, sizeof(condition.reason));
	struct tally tally = tally_of(service, servers);
	bool is_fit = sorry_is_fit(service, servers);

	if (was == IPVS_QUORUM_UNDECIDED && sorry && sorry->in_table && sorry->weight)
		was = IPVS_QUORUM_LOST;
	from = quorum_from(service, was);
	condition.have = tally.have;
	if (tally.counts[STANDING_DOWN] || tally.counts[STANDING_WAITING])
		condition.state = SERVICE_DEGRADED;
	if (condition.have < from)
		condition.state = SERVICE_DOWN;
	decide_quorum(&tally, is_fit, was, from, &condition);
	decide_panic(service, &tally, before, now, &condition);
	if (condition.panic) {
		condition.state = SERVICE_PANIC;
		explain_panic(&reason, service, &tally, &condition);
		return condition;
	}
	condition.sorry = condition.quorum == IPVS_QUORUM_LOST && is_fit;
	explain(&reason, service, servers, tally.counts);
	if (condition.state == SERVICE_DOWN && condition.have)
		text_add(&reason, "; a weight of %llu, and %llu is needed",
			 (unsigned long long)condition.have, (unsigned long long)from);
	else if (condition.state == SERVICE_DOWN && service->real_server_count)
		text_add(&reason, "; no weight left");
	if (condition.state == SERVICE_DOWN)
		explain_sorry(&reason, service, servers, &condition);
	if (condition.sorry)
		condition.state = SERVICE_SORRY;
	return condition;
}

/* ---- what is wanted of its servers ----------------------------------------------------------- */

/* For who has no verdict that says he should be there: he need not come in order to have no
 * weight. */
static struct ipvs_want leaving(const struct service *service)
{
	return (struct ipvs_want){
		service->on_failure == ON_FAILURE_QUIESCE ? IPVS_AS_FOUND : IPVS_ABSENT, 0};
}

static struct ipvs_want sorry_want(const struct service *service, const struct ipvs_server *sorry,
				   const struct ipvs_condition *condition)
{
	uint32_t weight = ipvs_terms_weight(service, &sorry->terms);

	if (condition->sorry)
		return (struct ipvs_want){IPVS_PRESENT, weight};
	return sorry->is_idle ? (struct ipvs_want){IPVS_ABSENT, 0} : leaving(service);
}

void ipvs_service_wants(const struct service *service, const struct ipvs_server *servers,
			const struct ipvs_condition *condition, nstime now, struct ipvs_want *wants)
{
	for (size_t i = 0; i < service->real_server_count; i++) {
		const struct ipvs_server *server = &servers[i];
		enum verdict health = server->health;

		if (condition->panic && standing_of(server) == STANDING_DOWN)
			health = VERDICT_UP;
		/* what an operator drains keeps its connections beside the sorry server, too */
		if (condition->sorry && server->terms.admin != ADMIN_DRAINED)
			health = VERDICT_DOWN;
		wants[i] = ipvs_server_want(service, &server->terms, health);
		if (wants[i].presence == IPVS_PRESENT)
			wants[i].weight = ipvs_ramp_weight(service, wants[i].weight,
							   condition->panic ? 0 : server->ramping,
							   now);
		if (condition->sorry && server->health == VERDICT_UNKNOWN &&
		    server->terms.admin == ADMIN_ENABLED)
			wants[i] = leaving(service);
	}
	if (sorry_of(service, servers))
		wants[service->real_server_count] =
			sorry_want(service, sorry_of(service, servers), condition);
	for (size_t i = 0; i < service_server_count(service); i++) {
		wants[i].is_limited = servers[i].terms.told.parts & ADVICE_MAXCONN;
		wants[i].limit = servers[i].terms.told.maxconn;
	}
}
