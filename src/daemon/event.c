/* See the header. One function per kind of object; each compares with what was told last. */
#include "daemon/event.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/model.h"

const char *event_kind_name(enum event_kind kind)
{
	static const char *const names[] = {
		[EVENT_VRRP_STATE] = "vrrp_state",
		[EVENT_GROUP_STATE] = "group_state",
		[EVENT_TRACKER_STATE] = "tracker_state",
		[EVENT_COMPETING_MASTER] = "competing_master",
		[EVENT_NO_PEER_HEARD] = "no_peer_heard",
		[EVENT_DRIFT_REPAIRED] = "drift_repaired",
		[EVENT_CONTESTED] = "contested",
		[EVENT_SERVER_STATE] = "server_state",
		[EVENT_SERVICE_STATE] = "service_state",
		[EVENT_RELOAD] = "reload",
		[EVENT_UPGRADE] = "upgrade",
		[EVENT_WORKER_RESTART] = "worker_restart",
		[EVENT_OVERRIDE] = "override",
	};

	return (unsigned)kind < COUNT_OF(names) ? names[kind] : "unknown";
}

static void fill(char *out, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);

static void fill(char *out, size_t size, const char *format, ...)
{
	struct text text = text_of(out, size);
	va_list list;

	va_start(list, format);
	text_addv(&text, format, list);
	va_end(list);
}

static struct event event_of(enum event_kind kind, nstime time, const char *object)
{
	struct event event = {.kind = kind, .time = time};

	fill(event.object, sizeof(event.object), "%s", object);
	return event;
}

static void set_words(struct event *event, const char *old, const char *new, const char *reason)
{
	fill(event->old, sizeof(event->old), "%s", old ? old : "");
	fill(event->new, sizeof(event->new), "%s", new ? new : "");
	fill(event->reason, sizeof(event->reason), "%s", reason);
}

static void send(const struct event_sink *sink, const struct event *event)
{
	sink->event(sink->ctx, event);
}

/* A change of state, or a state that came to be since there is anybody to see it. */
static bool is_change(const struct event_sink *sink, const struct event_seen *seen, unsigned state,
		      nstime since)
{
	return seen->known ? seen->state != state : since > sink->started;
}

/* Sends the change of a state with a name, if it is one. */
static void state_event(const struct event_sink *sink, struct event_seen *seen, unsigned state,
			const char *(*name_of)(unsigned state), nstime since, const char *reason,
			struct event *event)
{
	if (is_change(sink, seen, state, since)) {
		set_words(event, seen->known ? name_of(seen->state) : NULL, name_of(state), reason);
		event->cause = sink->cause;
		send(sink, event);
	}
	*seen = (struct event_seen){.known = true, .state = (uint8_t)state};
}

static const char *name_of_vrrp(unsigned state)
{
	return vrrp_state_name((enum vrrp_state)state);
}

static const char *name_of_verdict(unsigned state)
{
	return verdict_name((enum verdict)state);
}

static const char *name_of_service(unsigned state)
{
	return service_state_name((enum service_state)state);
}

/* When it came to be, if it says so. */
static nstime time_of(nstime since, nstime now)
{
	return since > 0 && since < now ? since : now;
}

/* ---- vrrp ------------------------------------------------------------------------------------ */

/* Changes that were over before anybody could tell them; the counter begins anew with its worker. */
static uint64_t missed(const struct event_seen_instance *seen, const struct fact_instance *fact)
{
	bool changed = seen->state.state != fact->state;
	uint64_t count = fact->transitions - seen->transitions;

	if (!seen->state.known || fact->transitions < seen->transitions || count <= changed)
		return 0;
	return count - changed;
}

static void instance_state(const struct event_sink *sink, struct event_seen_instance *seen,
			   const char *name, const struct fact_instance *fact, nstime now)
{
	struct event event = event_of(EVENT_VRRP_STATE, time_of(fact->since, now), name);
	uint64_t unseen = missed(seen, fact);
	char master[ADDR_TEXT];

	event.more[0] = (struct event_more){.key = "priority", .number = fact->priority};
	event.more[1] = (struct event_more){.key = "missed", .number = (int64_t)unseen};
	if (fact->master.family)
		event.more[2] = (struct event_more){.key = "master_address",
						    .text = addr_format(&fact->master, master)};
	if (unseen && seen->state.state == fact->state) {
		set_words(&event, vrrp_state_name(fact->state), vrrp_state_name(fact->state),
			  fact->reason);
		send(sink, &event);
	}
	state_event(sink, &seen->state, fact->state, name_of_vrrp, fact->since, fact->reason,
		    &event);
	seen->transitions = fact->transitions;
}

static const char *truth(bool value)
{
	return value ? "true" : "false";
}

static void flag_event(const struct event_sink *sink, enum event_kind kind, const char *name,
		       bool *seen, bool value, const char *reason, nstime now)
{
	struct event event = event_of(kind, now, name);

	if (*seen == value)
		return;
	set_words(&event, truth(*seen), truth(value), reason);
	*seen = value;
	send(sink, &event);
}

/* A neighbour that sends as it likes makes no flood of events: what comes too early is seen with the
 * next fact, if it is still so. */
static void competition(const struct event_sink *sink, struct event_seen_instance *seen,
			const char *name, const struct fact_instance *fact, nstime now)
{
	struct event event = event_of(EVENT_COMPETING_MASTER, now, name);
	char address[ADDR_TEXT], reason[FACT_DETAIL];

	if (seen->competing == fact->competing_master ||
	    (seen->competed && now < seen->competed + EVENT_COMPETITION_PAUSE))
		return;
	if (fact->competing_master)
		seen->competitor = fact->competitor;
	addr_format(&seen->competitor, address);
	if (fact->competing_master) {
		fill(reason, sizeof(reason), "%s advertises %u too, although this director is MASTER",
		     address, fact->competitor_priority);
		set_words(&event, NULL, address, reason);
		event.more[0] = (struct event_more){.key = "competitor_priority",
						    .number = fact->competitor_priority};
	} else {
		fill(reason, sizeof(reason), "%s no longer competes", address);
		set_words(&event, address, NULL, reason);
	}
	seen->competing = fact->competing_master;
	seen->competed = now;
	send(sink, &event);
}

static void drift(const struct event_sink *sink, struct event_seen_instance *seen, const char *name,
		  const struct fact_instance *fact, nstime now)
{
	struct event event = event_of(EVENT_DRIFT_REPAIRED, now, name);

	if (fact->repairs < seen->repairs)
		seen->repairs = 0; /* its worker has begun anew */
	if (fact->repairs > seen->repairs) {
		set_words(&event, NULL, NULL, fact->repair);
		event.more[0] = (struct event_more){.key = "repairs",
						    .number = (int64_t)fact->repairs};
		send(sink, &event);
	}
	seen->repairs = fact->repairs;
}

static const char *no_peer_words(const struct fact_instance *fact)
{
	if (fact->no_peer_heard)
		return "MASTER without ever having heard another router: it may not hear us either";
	return fact->state == VRRP_MASTER ? "another router was heard" : "no longer MASTER";
}

void event_instance(const struct event_sink *sink, struct event_seen_instance *seen,
		    const char *name, const struct fact_instance *fact, nstime now)
{
	bool has_begun = fact->state != VRRP_INIT || fact->transitions;

	if (!has_begun) {
		if (!seen->state.known)
			seen->state = (struct event_seen){.known = true, .state = VRRP_INIT};
		return;
	}
	if (!seen->state.known && fact->since <= sink->started)
		*seen = (struct event_seen_instance){.competing = fact->competing_master,
						     .competitor = fact->competitor,
						     .no_peer_heard = fact->no_peer_heard,
						     .contested = fact->contested,
						     .repairs = fact->repairs};
	instance_state(sink, seen, name, fact, now);
	competition(sink, seen, name, fact, now);
	flag_event(sink, EVENT_NO_PEER_HEARD, name, &seen->no_peer_heard, fact->no_peer_heard,
		   no_peer_words(fact), now);
	drift(sink, seen, name, fact, now);
	flag_event(sink, EVENT_CONTESTED, name, &seen->contested, fact->contested, fact->repair,
		   now);
}

void event_group(const struct event_sink *sink, struct event_seen *seen, const char *name,
		 const struct fact_group *fact, nstime now)
{
	struct event event = event_of(EVENT_GROUP_STATE, time_of(fact->since, now), name);

	state_event(sink, seen, fact->state, name_of_vrrp, fact->since, fact->reason, &event);
}

void event_tracker(const struct event_sink *sink, struct event_seen *seen, const char *instance,
		   const char *tracker, const struct fact_tracker *fact, nstime now)
{
	struct event event = event_of(EVENT_TRACKER_STATE, time_of(fact->since, now), "");

	if (seen->known && fact->state == VERDICT_UNKNOWN)
		return;
	fill(event.object, sizeof(event.object), "%s/%s", instance, tracker);
	event.more[0] = (struct event_more){.key = "effect", .number = fact->effect};
	event.more[1] = (struct event_more){.key = "instance", .text = instance};
	event.more[2] = (struct event_more){.key = "tracker", .text = tracker};
	state_event(sink, seen, fact->state, name_of_verdict, fact->since, fact->reason, &event);
}

/* ---- ipvs ------------------------------------------------------------------------------------ */

void event_service(const struct event_sink *sink, struct event_seen *seen, const char *name,
		   const struct fact_service *fact, nstime now)
{
	struct event event = event_of(EVENT_SERVICE_STATE, time_of(fact->since, now), name);

	event.more[0] = (struct event_more){.key = "have", .number = fact->have};
	event.more[1] = (struct event_more){.key = "needed", .number = fact->needed};
	state_event(sink, seen, fact->state, name_of_service, fact->since, fact->reason, &event);
}

void event_server(const struct event_sink *sink, struct event_seen *seen, const char *service,
		  const char *server, const struct fact_server *fact, nstime now)
{
	struct event event = event_of(EVENT_SERVER_STATE, time_of(fact->since, now), "");

	if (seen->known && fact->health == VERDICT_UNKNOWN)
		return;
	fill(event.object, sizeof(event.object), "%s/%s", service, server);
	event.more[0] = (struct event_more){.key = "service", .text = service};
	event.more[1] = (struct event_more){.key = "server", .text = server};
	event.more[2] = (struct event_more){.key = "effective_weight",
					    .number = fact->effective_weight};
	state_event(sink, seen, fact->health, name_of_verdict, fact->since, fact->reason, &event);
}

static void table_contested(const struct event_sink *sink, const struct fact_table *before,
			    const struct fact_table *fact, nstime now)
{
	bool was = before && before->contested[0];

	if (!before)
		return;
	flag_event(sink, EVENT_CONTESTED, "ipvs", &was, fact->contested[0] != '\0',
		   fact->contested[0] ? fact->contested : "nobody has undone it again", now);
}

/* The counter begins anew with its worker: then all it says is new. */
void event_table(const struct event_sink *sink, const struct fact_table *before,
		 const struct fact_table *fact, nstime now)
{
	struct event event = event_of(EVENT_DRIFT_REPAIRED, now, "ipvs");
	uint64_t from = before && before->repairs <= fact->repairs ? before->repairs : 0;
	char reason[FACT_DETAIL];

	table_contested(sink, before, fact, now);
	if (!before || fact->repairs == from)
		return;
	fill(reason, sizeof(reason), "%llu operation%s undid what somebody else changed in the table",
	     (unsigned long long)(fact->repairs - from), fact->repairs - from == 1 ? "" : "s");
	set_words(&event, NULL, NULL, reason);
	event.more[0] = (struct event_more){.key = "repairs", .number = (int64_t)fact->repairs};
	send(sink, &event);
}

/* ---- supervisor ------------------------------------------------------------------------------ */

void event_worker(const struct event_sink *sink, const struct fact_worker *before,
		  const struct fact_worker *fact, nstime now)
{
	struct event event = event_of(EVENT_WORKER_RESTART, now, role_name((enum role)fact->role));

	char reason[FACT_DETAIL];
	bool died = before && fact->restarts != before->restarts;

	if (!died && !(before && before->wait && fact->state == WORKER_RUNNING))
		return;
	if (!died)
		fill(reason, sizeof(reason), "it runs again after %u deaths in a row", fact->deaths);
	else if (fact->wait)
		fill(reason, sizeof(reason), "%s; %u deaths in a row, it is started again in %lld s", fact->reason,
		     fact->deaths, (long long)(fact->wait / NSTIME_S));
	else
		fill(reason, sizeof(reason), "%s", fact->reason);
	set_words(&event, worker_state_name(before->state), worker_state_name(fact->state), reason);
	event.more[0] = (struct event_more){.key = "restarts", .number = fact->restarts};
	event.more[1] = (struct event_more){.key = "pid", .number = fact->pid};
	event.more[2] = (struct event_more){.key = "deaths", .number = fact->deaths};
	event.more[3] = (struct event_more){.key = "wait_ms", .number = fact->wait / NSTIME_MS};
	send(sink, &event);
}

/* The control worker of the new build tells of what it was not there to see. */
static void upgrade_event(const struct event_sink *sink, const struct event_seen_daemon *seen,
			  const struct fact_daemon *fact, nstime now)
{
	struct event event = event_of(EVENT_UPGRADE, time_of(fact->upgrade_time, now), "daemon");
	bool failed = fact->upgrade_failed;

	if (fact->upgrade_time <= (seen->known ? seen->upgrade_time : sink->started))
		return;
	set_words(&event, failed ? fact->build : fact->upgrade_text, fact->build,
		  failed ? fact->upgrade_text : "taken over");
	event.more[0] =
		(struct event_more){.key = "result", .text = failed ? "refused" : "done"};
	send(sink, &event);
}

/* The generation changes a moment before the reload has ended. */
void event_daemon(const struct event_sink *sink, struct event_seen_daemon *seen,
		  const struct fact_daemon *fact, nstime now)
{
	struct event event = event_of(EVENT_RELOAD, time_of(fact->reload_time, now),
				      "configuration");

	upgrade_event(sink, seen, fact, now);
	seen->upgrade_time = fact->upgrade_time;
	if (seen->known && fact->reload_time == seen->reload_time)
		return;
	fill(event.old, sizeof(event.old), "%u", seen->generation);
	fill(event.new, sizeof(event.new), "%u", fact->generation);
	fill(event.reason, sizeof(event.reason), "%s",
	     fact->reload_failed ? fact->reload_error : "applied");
	event.more[0] = (struct event_more){.key = "result",
					    .text = fact->reload_failed ? "refused" : "applied"};
	if (seen->known)
		send(sink, &event);
	*seen = (struct event_seen_daemon){
		.known = true,
		.reload_time = fact->reload_time,
		.upgrade_time = fact->upgrade_time,
		.generation = fact->generation};
}

/* ---- overrides ------------------------------------------------------------------------------- */

/* What it is without anybody's word. */
static const char *value_of(const struct override *override, enum override_kind kind)
{
	if (override)
		return override->value;
	switch (kind) {
	case OVERRIDE_PRIORITY:
	case OVERRIDE_STATE:
	case OVERRIDE_WEIGHT:
	case OVERRIDE_LOG:
		return "auto";
	case OVERRIDE_MAINTENANCE:
		return "off";
	case OVERRIDE_KINDS:
		break;
	}
	return "";
}

static void why_override(const struct override *before, const struct override *after, nstime now,
			 char *out)
{
	if (after)
		fill(out, FACT_DETAIL, "by %s%s%s", after->by, after->comment[0] ? ": " : "",
		     after->comment);
	else if (before->until && before->until <= now)
		fill(out, FACT_DETAIL, "its time has come");
	else
		fill(out, FACT_DETAIL, "taken back");
}

void event_override(const struct event_sink *sink, const struct override *before,
		    const struct override *after, nstime now, nstime wall)
{
	const struct override *about = after ? after : before;
	bool of_director = about->kind == OVERRIDE_MAINTENANCE || about->kind == OVERRIDE_LOG;
	struct event event = event_of(EVENT_OVERRIDE, now,
				      of_director ? override_kind_name(about->kind) : about->object);
	char reason[FACT_DETAIL];

	if (before && after && before->since == after->since && !strcmp(before->value, after->value))
		return;
	why_override(before, after, now + wall, reason);
	set_words(&event, value_of(before, about->kind), value_of(after, about->kind), reason);
	event.more[0] = (struct event_more){.key = "kind", .text = override_kind_name(about->kind)};
	event.more[1] = (struct event_more){.key = "by", .text = about->by};
	send(sink, &event);
}
