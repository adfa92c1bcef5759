/* Facts on the wire, and the names of their states. Every fact is its fields in the order of the
 * header; there is no version inside a fact (both ends are one build, core/channel.h says HELLO
 * with the build id). The getters take bytes of another worker, which may have been taken over:
 * lengths, booleans and enums are checked, texts are cut to their room and cleaned of control
 * characters, and `fact` is touched only when everything was well-formed. */
#include "config/facts.h"

#include <stddef.h>

#include "base/carry.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "config/model.h"

/* The name of a state; numbers that are none of ours get a word too, so that no caller asks. */
static const char *name_of(const char *const *names, size_t count, unsigned value)
{
	return value < count ? names[value] : "unknown";
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_UNKNOWN] = "unknown",
		[VERDICT_UP] = "up",
		[VERDICT_DOWN] = "down",
	};

	return name_of(names, COUNT_OF(names), verdict);
}

const char *probe_reason_name(enum probe_reason reason)
{
	static const char *const names[] = {
		[REASON_NONE] = "none",
		[REASON_PASSED] = "passed",
		[REASON_REFUSED] = "refused",
		[REASON_UNREACHABLE] = "unreachable",
		[REASON_CONNECT_TIMEOUT] = "connect_timeout",
		[REASON_REPLY_TIMEOUT] = "reply_timeout",
		[REASON_RESET] = "reset",
		[REASON_PROTOCOL] = "protocol",
		[REASON_STATUS] = "status",
		[REASON_TOO_LARGE] = "too_large",
		[REASON_RESOURCES] = "resources",
		[REASON_LOCAL] = "local",
		[REASON_EXIT] = "exit",
		[REASON_KILLED] = "killed",
		[REASON_TIMEOUT] = "timeout",
		[REASON_NOT_STARTED] = "not_started",
		[REASON_MISSING] = "missing",
		[REASON_SAYS_DOWN] = "says_down",
		[REASON_MISMATCH] = "mismatch",
		[REASON_TLS] = "tls",
		[REASON_CERTIFICATE] = "certificate",
		[REASON_MATCH_LIMIT] = "match_limit",
		[REASON_NO_WAY] = "no_way",
	};

	_Static_assert(COUNT_OF(names) == REASON_COUNT, "every reason has a name");
	return name_of(names, COUNT_OF(names), reason);
}

const char *vrrp_state_name(enum vrrp_state state)
{
	static const char *const names[] = {
		[VRRP_INIT] = "INIT",
		[VRRP_BACKUP] = "BACKUP",
		[VRRP_MASTER] = "MASTER",
		[VRRP_FAULT] = "FAULT",
	};

	return name_of(names, COUNT_OF(names), state);
}

const char *vrrp_drop_name(enum vrrp_drop reason)
{
	static const char *const names[] = {
		[VRRP_DROP_TTL] = "ttl",
		[VRRP_DROP_VERSION] = "version",
		[VRRP_DROP_TYPE] = "type",
		[VRRP_DROP_LENGTH] = "length",
		[VRRP_DROP_CHECKSUM] = "checksum",
		[VRRP_DROP_VRID] = "virtual_router_id",
		[VRRP_DROP_TRANSPORT] = "transport",
		[VRRP_DROP_OWN] = "own",
		[VRRP_DROP_SOURCE] = "source",
		[VRRP_DROP_AUTH_TYPE] = "auth_type",
		[VRRP_DROP_AUTH] = "auth",
		[VRRP_DROP_REPLAY] = "replay",
		[VRRP_DROP_INTERVAL] = "interval",
		[VRRP_DROP_HEADER] = "header",
		[VRRP_DROP_QUEUE] = "queue",
	};

	_Static_assert(COUNT_OF(names) == VRRP_DROP_COUNT, "every reason has a name");
	return name_of(names, COUNT_OF(names), reason);
}

const char *service_state_name(enum service_state state)
{
	static const char *const names[] = {
		[SERVICE_UP] = "up",
		[SERVICE_DEGRADED] = "degraded",
		[SERVICE_PANIC] = "panic",
		[SERVICE_SORRY] = "sorry",
		[SERVICE_DOWN] = "down",
	};

	return name_of(names, COUNT_OF(names), state);
}

const char *worker_state_name(enum worker_state state)
{
	static const char *const names[] = {
		[WORKER_STARTING] = "starting",
		[WORKER_RUNNING] = "running",
		[WORKER_BACKOFF] = "backoff",
		[WORKER_STOPPED] = "stopped",
	};

	return name_of(names, COUNT_OF(names), state);
}

nstime vrrp_late_bound(unsigned bucket)
{
	static const nstime bounds[] = {100 * NSTIME_US, NSTIME_MS,      5 * NSTIME_MS,
					10 * NSTIME_MS,  50 * NSTIME_MS, 100 * NSTIME_MS};

	_Static_assert(COUNT_OF(bounds) + 1 == VRRP_LATE_COUNT, "the last bucket has no bound");
	return bucket < COUNT_OF(bounds) ? bounds[bucket] : NSTIME_NEVER;
}

unsigned vrrp_late_bucket(nstime late)
{
	unsigned bucket = 0;

	while (bucket < VRRP_LATE_COUNT - 1 && late >= vrrp_late_bound(bucket))
		bucket++;
	return bucket;
}

/* An enum of at most 256 values, the last of them `last`. */
static unsigned get_enum(struct reader *in, unsigned last)
{
	unsigned value = get_u8(in);

	if (value > last)
		in->failed = true;
	return in->failed ? 0 : value;
}

/* A text that will be shown to people: control characters of a hostile peer do not come through. */
static void get_clean(struct reader *in, char *out, size_t size)
{
	text_clean(get_text(in, out, size));
}

/* Ends a getter: hands the fact over when it was well-formed to its last byte. */
#define FACT_END(in, from, to) (reader_done(in) ? (*(to) = (from), true) : false)

nstime probe_times_bound(unsigned bucket)
{
	static const nstime bounds[] = {
		NSTIME_MS,	 2 * NSTIME_MS,	  5 * NSTIME_MS,   10 * NSTIME_MS,
		25 * NSTIME_MS,	 50 * NSTIME_MS,  100 * NSTIME_MS, 250 * NSTIME_MS,
		500 * NSTIME_MS, NSTIME_S,	  5 * NSTIME_S / 2, 5 * NSTIME_S,
	};

	_Static_assert(COUNT_OF(bounds) + 1 == PROBE_TIMES, "the last bucket has no bound");
	return bucket < COUNT_OF(bounds) ? bounds[bucket] : NSTIME_NEVER;
}

void probe_times_add(struct probe_times *times, nstime took)
{
	unsigned bucket = 0;

	while (bucket < PROBE_TIMES - 1 && took > probe_times_bound(bucket))
		bucket++;
	times->count[bucket]++;
	times->sum += took > 0 ? (uint64_t)took : 0;
}

/* Most probes are always about as quick: those buckets alone that have counted, PROBE_TIMES ends the list. */
static void put_times(struct writer *out, const struct probe_times *times)
{
	for (unsigned i = 0; i < PROBE_TIMES; i++) {
		if (!times->count[i])
			continue;
		put_u8(out, (uint8_t)i);
		put_u32(out, times->count[i]);
	}
	put_u8(out, PROBE_TIMES);
	put_u64(out, times->sum);
}

static void get_times(struct reader *in, struct probe_times *times)
{
	unsigned i;

	while ((i = get_enum(in, PROBE_TIMES)) != PROBE_TIMES && !in->failed)
		times->count[i] = get_u32(in);
	times->sum = get_u64(in);
}

void fact_probe_put(struct writer *out, const struct fact_probe *fact)
{
	put_u32(out, fact->probe);
	put_u8(out, (uint8_t)fact->verdict);
	put_u8(out, (uint8_t)fact->reason);
	put_bool(out, fact->passed);
	put_time(out, fact->since);
	put_time(out, fact->time);
	put_time(out, fact->latency);
	advice_put(out, &fact->told);
	put_time(out, fact->suppressed);
	put_times(out, &fact->times);
	put_text(out, fact->detail);
}

bool fact_probe_get(struct reader *in, struct fact_probe *fact)
{
	struct fact_probe got = {.probe = get_u32(in)};

	got.verdict = get_enum(in, VERDICT_DOWN);
	got.reason = get_enum(in, REASON_COUNT - 1);
	got.passed = get_bool(in);
	got.since = get_time(in);
	got.time = get_time(in);
	got.latency = get_time(in);
	got.told = advice_get(in);
	got.suppressed = get_time(in);
	get_times(in, &got.times);
	get_clean(in, got.detail, sizeof(got.detail));
	return FACT_END(in, got, fact);
}

/* Of the reasons and buckets only those that have counted: most never do, and the fact of a MASTER
 * goes out every second. Each is its number and what belongs to it, VRRP_DROP_COUNT ends the list. */
static void put_dropped(struct writer *out, const struct fact_instance *fact)
{
	for (unsigned i = 0; i < VRRP_DROP_COUNT; i++) {
		if (!fact->dropped[i])
			continue;
		put_u8(out, (uint8_t)i);
		put_u64(out, fact->dropped[i]);
		put_addr(out, &fact->dropped_from[i]);
		put_time(out, fact->dropped_at[i]);
	}
	put_u8(out, VRRP_DROP_COUNT);
}

static void get_dropped(struct reader *in, struct fact_instance *fact)
{
	unsigned i;

	while ((i = get_enum(in, VRRP_DROP_COUNT)) != VRRP_DROP_COUNT && !in->failed) {
		fact->dropped[i] = get_u64(in);
		fact->dropped_from[i] = get_addr(in);
		fact->dropped_at[i] = get_time(in);
	}
}

static void put_late(struct writer *out, const struct fact_instance *fact)
{
	for (unsigned i = 0; i < VRRP_LATE_COUNT; i++) {
		if (!fact->late[i])
			continue;
		put_u8(out, (uint8_t)i);
		put_u64(out, fact->late[i]);
	}
	put_u8(out, VRRP_LATE_COUNT);
	put_u64(out, fact->late_sum);
}

static void get_late(struct reader *in, struct fact_instance *fact)
{
	unsigned i;

	while ((i = get_enum(in, VRRP_LATE_COUNT)) != VRRP_LATE_COUNT && !in->failed)
		fact->late[i] = get_u64(in);
	fact->late_sum = get_u64(in);
}

void fact_instance_put(struct writer *out, const struct fact_instance *fact)
{
	put_u32(out, fact->instance);
	put_u8(out, (uint8_t)fact->state);
	put_time(out, fact->since);
	put_u8(out, fact->priority);
	put_u8(out, fact->base_priority);
	put_addr(out, &fact->master);
	put_u8(out, fact->master_priority);
	put_u64(out, fact->transitions);
	put_u64(out, fact->sent);
	put_u64(out, fact->received);
	put_dropped(out, fact);
	put_bool(out, fact->competing_master);
	put_addr(out, &fact->competitor);
	put_u8(out, fact->competitor_priority);
	put_bool(out, fact->no_peer_heard);
	put_u64(out, fact->other_addresses);
	put_addr(out, &fact->other_from);
	put_u64(out, fact->repairs);
	put_bool(out, fact->contested);
	put_bool(out, fact->maintenance);
	put_late(out, fact);
	put_text(out, fact->repair);
	put_text(out, fact->missing);
	put_u8(out, fact->why);
	put_text(out, fact->reason);
	put_text(out, fact->fault);
}

bool fact_instance_get(struct reader *in, struct fact_instance *fact)
{
	struct fact_instance got = {.instance = get_u32(in)};

	got.state = get_enum(in, VRRP_FAULT);
	got.since = get_time(in);
	got.priority = get_u8(in);
	got.base_priority = get_u8(in);
	got.master = get_addr(in);
	got.master_priority = get_u8(in);
	got.transitions = get_u64(in);
	got.sent = get_u64(in);
	got.received = get_u64(in);
	get_dropped(in, &got);
	got.competing_master = get_bool(in);
	got.competitor = get_addr(in);
	got.competitor_priority = get_u8(in);
	got.no_peer_heard = get_bool(in);
	got.other_addresses = get_u64(in);
	got.other_from = get_addr(in);
	got.repairs = get_u64(in);
	got.contested = get_bool(in);
	got.maintenance = get_bool(in);
	get_late(in, &got);
	get_clean(in, got.repair, sizeof(got.repair));
	get_clean(in, got.missing, sizeof(got.missing));
	got.why = get_u8(in);
	get_clean(in, got.reason, sizeof(got.reason));
	get_clean(in, got.fault, sizeof(got.fault));
	return FACT_END(in, got, fact);
}

void fact_role_put(struct writer *out, const struct fact_role *fact)
{
	put_u32(out, fact->instance);
	put_u8(out, (uint8_t)fact->state);
}

bool fact_role_get(struct reader *in, struct fact_role *fact)
{
	struct fact_role got = {.instance = get_u32(in)};

	got.state = get_enum(in, VRRP_FAULT);
	return FACT_END(in, got, fact);
}

void fact_way_put(struct writer *out, const struct fact_way *fact)
{
	put_u32(out, fact->way);
	put_bool(out, fact->placed);
}

bool fact_way_get(struct reader *in, struct fact_way *fact)
{
	struct fact_way got = {.way = get_u32(in)};

	got.placed = get_bool(in);
	return FACT_END(in, got, fact);
}

void fact_group_put(struct writer *out, const struct fact_group *fact)
{
	put_u32(out, fact->group);
	put_u8(out, (uint8_t)fact->state);
	put_time(out, fact->since);
	put_text(out, fact->reason);
}

bool fact_group_get(struct reader *in, struct fact_group *fact)
{
	struct fact_group got = {.group = get_u32(in)};

	got.state = get_enum(in, VRRP_FAULT);
	got.since = get_time(in);
	get_clean(in, got.reason, sizeof(got.reason));
	return FACT_END(in, got, fact);
}

void fact_tracker_put(struct writer *out, const struct fact_tracker *fact)
{
	put_u32(out, fact->instance);
	put_u32(out, fact->tracker);
	put_u8(out, (uint8_t)fact->state);
	put_time(out, fact->since);
	put_u32(out, (uint32_t)fact->effect);
	put_text(out, fact->reason);
}

bool fact_tracker_get(struct reader *in, struct fact_tracker *fact)
{
	struct fact_tracker got = {.instance = get_u32(in)};

	got.tracker = get_u32(in);
	got.state = get_enum(in, VERDICT_DOWN);
	got.since = get_time(in);
	got.effect = (int32_t)get_u32(in);
	get_clean(in, got.reason, sizeof(got.reason));
	return FACT_END(in, got, fact);
}

const char *fact_operation_name(unsigned kind)
{
	static const char *const names[] = {"add_service",    "change_service", "remove_service", "add_server",
					    "change_server", "remove_server",  "sync"};

	_Static_assert(COUNT_OF(names) == FACT_OPERATIONS, "each kind has a name");
	return kind < FACT_OPERATIONS ? names[kind] : "unknown";
}

void fact_table_put(struct writer *out, const struct fact_table *fact)
{
	put_bool(out, fact->available);
	put_bool(out, fact->ready);
	put_u64(out, fact->operations);
	put_u64(out, fact->repairs);
	put_time(out, fact->last_read_back);
	put_u32(out, fact->leavers);
	put_text(out, fact->error);
	put_u8(out, fact->sync);
	put_text(out, fact->sync_error);
	put_text(out, fact->contested);
	for (unsigned i = 0; i < FACT_OPERATIONS; i++)
		put_u64(out, fact->kinds[i]);
}

bool fact_table_get(struct reader *in, struct fact_table *fact)
{
	struct fact_table got = {.available = get_bool(in)};

	got.ready = get_bool(in);
	got.operations = get_u64(in);
	got.repairs = get_u64(in);
	got.last_read_back = get_time(in);
	got.leavers = get_u32(in);
	get_clean(in, got.error, sizeof(got.error));
	got.sync = get_u8(in);
	get_clean(in, got.sync_error, sizeof(got.sync_error));
	get_clean(in, got.contested, sizeof(got.contested));
	for (unsigned i = 0; i < FACT_OPERATIONS; i++)
		got.kinds[i] = get_u64(in);
	return FACT_END(in, got, fact);
}

void fact_service_put(struct writer *out, const struct fact_service *fact)
{
	put_u32(out, fact->service);
	put_u8(out, (uint8_t)fact->state);
	put_time(out, fact->since);
	put_u64(out, fact->have);
	put_u32(out, fact->needed);
	put_u8(out, (uint8_t)fact->quorum);
	put_bool(out, fact->programmed);
	put_text(out, fact->reason);
}

bool fact_service_get(struct reader *in, struct fact_service *fact)
{
	struct fact_service got = {.service = get_u32(in)};

	got.state = get_enum(in, SERVICE_DOWN);
	got.since = get_time(in);
	got.have = get_u64(in);
	got.needed = get_u32(in);
	got.quorum = get_enum(in, VERDICT_DOWN);
	got.programmed = get_bool(in);
	get_clean(in, got.reason, sizeof(got.reason));
	return FACT_END(in, got, fact);
}

void traffic_put(struct writer *out, const struct traffic *traffic)
{
	carry_number_put(out, traffic->connections);
	carry_number_put(out, traffic->packets_in);
	carry_number_put(out, traffic->packets_out);
	carry_number_put(out, traffic->bytes_in);
	carry_number_put(out, traffic->bytes_out);
}

struct traffic traffic_get(struct reader *in)
{
	struct traffic traffic = {.connections = carry_number_get(in)};

	traffic.packets_in = carry_number_get(in);
	traffic.packets_out = carry_number_get(in);
	traffic.bytes_in = carry_number_get(in);
	traffic.bytes_out = carry_number_get(in);
	return traffic;
}

void fact_traffic_put(struct writer *out, const struct fact_traffic *fact)
{
	put_u32(out, fact->service);
	traffic_put(out, &fact->traffic);
}

bool fact_traffic_get(struct reader *in, struct fact_traffic *fact)
{
	struct fact_traffic got = {.service = get_u32(in)};

	got.traffic = traffic_get(in);
	if (!reader_done(in))
		return false;
	*fact = got;
	return true;
}

void fact_watch_put(struct writer *out, const struct fact_watch *fact)
{
	put_time(out, fact->until);
}

bool fact_watch_get(struct reader *in, struct fact_watch *fact)
{
	struct fact_watch got = {.until = get_time(in)};

	if (!reader_done(in))
		return false;
	*fact = got;
	return true;
}

void fact_look_put(struct writer *out, const struct fact_look *fact)
{
	put_u32(out, fact->place);
	put_u32(out, fact->number);
	put_u32(out, fact->probe);
}

bool fact_look_get(struct reader *in, struct fact_look *fact)
{
	struct fact_look got = {.place = get_u32(in), .number = get_u32(in), .probe = get_u32(in)};

	return got.place < FACT_LOOKS && FACT_END(in, got, fact);
}

void fact_seen_put(struct writer *out, const struct fact_seen *fact)
{
	put_u32(out, fact->place);
	put_u32(out, fact->number);
	put_bool(out, fact->passed);
	put_bool(out, fact->cut);
	put_u8(out, (uint8_t)fact->reason);
	put_time(out, fact->latency);
	put_text(out, fact->detail);
}

bool fact_seen_get(struct reader *in, struct fact_seen *fact)
{
	struct fact_seen got = {.place = get_u32(in), .number = get_u32(in)};

	got.passed = get_bool(in);
	got.cut = get_bool(in);
	got.reason = get_enum(in, REASON_COUNT - 1);
	got.latency = get_time(in);
	get_text(in, got.detail, sizeof(got.detail));
	if (in->failed || got.place >= FACT_LOOKS)
		return false;
	*fact = got;
	return true;
}

void fact_server_put(struct writer *out, const struct fact_server *fact)
{
	put_u32(out, fact->service);
	put_u32(out, fact->server);
	put_u8(out, (uint8_t)fact->health);
	put_time(out, fact->since);
	put_u8(out, (uint8_t)fact->admin);
	put_u32(out, fact->weight);
	advice_put(out, &fact->told);
	put_time(out, fact->deadline);
	put_u32(out, fact->effective_weight);
	put_bool(out, fact->in_table);
	put_u64(out, fact->active);
	put_u64(out, fact->inactive);
	put_u64(out, fact->persistent);
	traffic_put(out, &fact->traffic);
	put_text(out, fact->reason);
}

bool fact_server_get(struct reader *in, struct fact_server *fact)
{
	struct fact_server got = {.service = get_u32(in)};

	got.server = get_u32(in);
	got.health = get_enum(in, VERDICT_DOWN);
	got.since = get_time(in);
	got.admin = get_enum(in, ADMIN_DISABLED);
	got.weight = get_u32(in);
	got.told = advice_get(in);
	got.deadline = get_time(in);
	got.effective_weight = get_u32(in);
	got.in_table = get_bool(in);
	got.active = get_u64(in);
	got.inactive = get_u64(in);
	got.persistent = get_u64(in);
	got.traffic = traffic_get(in);
	get_clean(in, got.reason, sizeof(got.reason));
	return FACT_END(in, got, fact);
}

void fact_leaver_put(struct writer *out, const struct fact_leaver *fact)
{
	put_u32(out, fact->number);
	put_u32(out, fact->service);
	put_bool(out, fact->gone);
	put_time(out, fact->deadline);
	put_u64(out, fact->active);
	put_u64(out, fact->inactive);
	put_u64(out, fact->persistent);
	put_endpoint(out, &fact->address);
	put_text(out, fact->name);
}

bool fact_leaver_get(struct reader *in, struct fact_leaver *fact)
{
	struct fact_leaver got = {.number = get_u32(in)};

	got.service = get_u32(in);
	got.gone = get_bool(in);
	got.deadline = get_time(in);
	got.active = get_u64(in);
	got.inactive = get_u64(in);
	got.persistent = get_u64(in);
	got.address = get_endpoint(in);
	get_clean(in, got.name, sizeof(got.name));
	return FACT_END(in, got, fact);
}

void fact_worker_put(struct writer *out, const struct fact_worker *fact)
{
	put_u8(out, fact->role);
	put_u32(out, (uint32_t)fact->pid);
	put_u32(out, fact->restarts);
	put_u8(out, (uint8_t)fact->state);
	put_u32(out, fact->deaths);
	put_time(out, fact->wait);
	put_time(out, fact->due);
	put_text(out, fact->reason);
}

bool fact_worker_get(struct reader *in, struct fact_worker *fact)
{
	struct fact_worker got = {.role = (uint8_t)get_enum(in, ROLE_EXPORTER)};

	got.pid = (int32_t)get_u32(in);
	got.restarts = get_u32(in);
	got.state = get_enum(in, WORKER_STOPPED);
	got.deaths = get_u32(in);
	got.wait = get_time(in);
	got.due = get_time(in);
	get_clean(in, got.reason, sizeof(got.reason));
	return FACT_END(in, got, fact);
}

void fact_daemon_put(struct writer *out, const struct fact_daemon *fact)
{
	put_time(out, fact->started);
	put_u32(out, fact->generation);
	put_bool(out, fact->ready);
	put_time(out, fact->reload_time);
	put_bool(out, fact->reload_failed);
	put_text(out, fact->reload_error);
	put_text(out, fact->build);
	put_time(out, fact->upgrade_time);
	put_bool(out, fact->upgrade_failed);
	put_text(out, fact->upgrade_text);
	put_u32(out, fact->overrides);
	put_text(out, fact->overrides_error);
	put_u32(out, fact->read_group);
	put_u32(out, fact->write_group);
	put_u32(out, fact->exporter_user);
}

bool fact_daemon_get(struct reader *in, struct fact_daemon *fact)
{
	struct fact_daemon got = {.started = get_time(in)};

	got.generation = get_u32(in);
	got.ready = get_bool(in);
	got.reload_time = get_time(in);
	got.reload_failed = get_bool(in);
	get_clean(in, got.reload_error, sizeof(got.reload_error));
	get_clean(in, got.build, sizeof(got.build));
	got.upgrade_time = get_time(in);
	got.upgrade_failed = get_bool(in);
	get_clean(in, got.upgrade_text, sizeof(got.upgrade_text));
	got.overrides = get_u32(in);
	get_clean(in, got.overrides_error, sizeof(got.overrides_error));
	got.read_group = get_u32(in);
	got.write_group = get_u32(in);
	got.exporter_user = get_u32(in);
	return FACT_END(in, got, fact);
}

void fact_notify_put(struct writer *out, const struct fact_notify *fact)
{
	put_u32(out, fact->scripts);
	put_u32(out, fact->running);
	put_u32(out, fact->waiting);
	put_u64(out, fact->started);
	put_u64(out, fact->failed);
	put_u64(out, fact->coalesced);
	put_u64(out, fact->lost);
	put_time(out, fact->failed_at);
	put_text(out, fact->failure);
}

bool fact_notify_get(struct reader *in, struct fact_notify *fact)
{
	struct fact_notify got = {.scripts = get_u32(in), .running = get_u32(in), .waiting = get_u32(in)};

	got.started = get_u64(in);
	got.failed = get_u64(in);
	got.coalesced = get_u64(in);
	got.lost = get_u64(in);
	got.failed_at = get_time(in);
	get_clean(in, got.failure, sizeof(got.failure));
	if (!reader_done(in))
		return false;
	*fact = got;
	return true;
}

void fact_override_put(struct writer *out, const struct fact_override *fact)
{
	put_u32(out, fact->number);
	override_put(out, &fact->override);
}

bool fact_override_get(struct reader *in, struct fact_override *fact)
{
	uint32_t number = get_u32(in);

	if (!override_get(in, &fact->override))
		return false;
	fact->number = number;
	return true;
}
